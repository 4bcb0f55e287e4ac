"""Two phone systems: call tracking in the shape of CallRail, and a dialer that writes its own local time."""

from __future__ import annotations

from dagster_project.demo import clock
from dagster_project.demo.cast import AGENTS, BROKER, CHANNELS, ISAS
from dagster_project.demo.clock import CENTRAL, EASTERN, us_reading, with_offset
from dagster_project.demo.journey import tracking_number
from dagster_project.demo.model import Touch, World
from dagster_project.demo.people import written
from dagster_project.demo.tables import Feed, Row, Table

TRACKING, DIALER = "calltracking", "dialer"
_EMAILS = {agent.name: agent.email for agent in (*AGENTS, *ISAS, BROKER)}
_NUMBERS = {tracking_number(channel.name): channel.name for channel in CHANNELS}
_JUNK_CALLS = 400
"""One call in so many is marked as no lead; the mapping leaves it out."""


def tables(world: World) -> list[Table]:
    """The call tracking's one file and the dialer's, one a month."""
    return [_tracking(world), *_dialer(world)]


def _tracking(world: World) -> Table:
    header = [
        "id", "answered", "direction", "duration", "start_time", "created_at", "customer_phone_number",
        "tracking_phone_number", "source_name", "voicemail", "first_call", "agent_email", "company_time_zone",
        "lead_status",
    ]  # fmt: skip
    touches = [touch for touch in world.touches if touch.system == "tracking"]
    rows = []
    for number, touch in enumerate(touches):
        row = [
            touch.id, _word(touch.connected), "inbound", str(touch.seconds), with_offset(touch.at),
            with_offset(touch.at + (touch.seconds or 0) + 20), touch.phone, touch.tracking,
            _NUMBERS.get(touch.tracking, ""), _word(touch.voicemail), _word(touch.is_first),
            _EMAILS.get(touch.agent, ""), EASTERN, "",
        ]  # fmt: skip
        rows.append(row)
        if number % _JUNK_CALLS == 20:
            junk = [f"{row[0]}J", *row[1:]]
            junk[6], junk[13] = "+16035550199", "not_a_lead"
            rows.append(junk)
    junk_calls = sum(row[13] == "not_a_lead" for row in rows)
    return Table(TRACKING, "calls.csv", header, rows, [Feed("touches", filtered=junk_calls)])


def _word(truth: bool | None) -> str:
    return "true" if truth else "false"


def _dialer(world: World) -> list[Table]:
    header = [
        "Call ID", "Started (CT)", "Ended (CT)", "Direction", "Queue", "Customer number", "User", "Outcome",
        "Talk time (s)", "Recorded",
    ]  # fmt: skip
    months: dict[str, list[Row]] = {}
    for touch in world.touches:
        if touch.system != "dialer":
            continue
        reading = _reading(touch)
        month = f"{clock.local_day(touch.at):%Y-%m}"
        rows = months.setdefault(month, [])
        rows.append([
            touch.id, us_reading(reading), us_reading(reading + (touch.seconds or 0)), "Outgoing",
            {"isa": "ISA", "human": "Agents", "": "Scheduled"}[touch.sender],
            written(touch.phone, len(rows)), touch.agent, touch.disposition, str(touch.seconds),
            "Yes" if touch.connected else "No",
        ])  # fmt: skip
        if len(rows) % 900 == 12:
            rows.append([
                f"{touch.id}I", us_reading(reading), us_reading(reading + 60), "Internal", "Agents", "",
                touch.agent, "Answered", "60", "No",
            ])  # fmt: skip
    return [
        Table(DIALER, f"calls-{month}.csv", header, rows,
              [Feed("touches", filtered=sum(row[3] == "Internal" for row in rows))])
        for month, rows in sorted(months.items())
    ]  # fmt: skip


def _reading(touch: Touch) -> int:
    return touch.reading if touch.reading is not None else clock.local(touch.at, CENTRAL)
