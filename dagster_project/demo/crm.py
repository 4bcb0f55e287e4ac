"""The CRM's export in the shape of Follow Up Boss: its field names, its times in UTC, its habits."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from dagster_project.demo import clock
from dagster_project.demo.cast import BROKER, PLOT
from dagster_project.demo.clock import iso, us_day
from dagster_project.demo.model import Touch, World
from dagster_project.demo.people import written
from dagster_project.demo.tables import Feed, Row, Table

CRM = "crm"
ROLES = {"agent": "Agent", "isa": "ISA", "admin": "Broker"}
OUTCOMES = {
    "held": "Met",
    "no_show": "No show",
    "cancelled_late": "Canceled by client (late)",
    "cancelled_early": "Canceled by client",
    "cancelled_by_us": "Canceled by us",
}
MODELS = {"Lead Flow": "round_robin", "Redistribution": "redistribution"}
SYNC_SECONDS = 7
"""A call that the phone's app reports is created so long after it ended."""


def tables(world: World) -> list[Table]:
    """Every file of the CRM."""
    return [
        _people(world),
        _events(world),
        _calls(world),
        _texts(world),
        _emails(world),
        _appointments(world),
        _deals(world),
        _assignments(world),
        _stages(world),
        _tasks(world),
        _users(world),
        _report(world),
    ]


def _people(world: World) -> Table:
    header = [
        "id", "created", "createdVia", "firstName", "lastName", "stage", "source", "assignedTo", "tags", "email1",
        "email2", "phone1", "phone2", "timeframe", "mergedInto", "trashed", "customLastClosing",
    ]  # fmt: skip
    created = iso([record.created for record in world.records])
    trashed = iso([record.deleted for record in world.records])
    clients = [us_day(record.client_since) for record in world.records]
    rows = []
    for number, record in enumerate(world.records):
        emails = [_typed(email, number) for email in record.emails]
        phones = [written(phone, number + place) for place, phone in enumerate(record.phones)] or [record.junk_phone]
        rows.append([
            record.id, created[number], record.via, record.first, record.last, record.stage, record.source,
            record.agent, ";".join(record.tags), *_two(emails), *_two(phones), record.timeframe,
            record.merged_into.id if record.merged_into else "", trashed[number], clients[number],
        ])  # fmt: skip
    return Table(CRM, "people.csv", header, rows, [Feed("people")])


def _typed(email: str, number: int) -> str:
    """As people type it: some with capitals."""
    local, domain = email.split("@")
    return f"{'.'.join(part.capitalize() for part in local.split('.'))}@{domain}" if number % 9 == 4 else email


def _two(cells: list[str]) -> Row:
    return [*cells[:2], "", ""][:2]


def _events(world: World) -> Table:
    header = [
        "id", "created", "occurred", "personId", "type", "source", "pageUrl", "property.street", "person.createdVia",
        "person.tags", "person.timeframe",
    ]  # fmt: skip
    created = iso([inquiry.received for inquiry in world.inquiries])
    occurred = iso([inquiry.at for inquiry in world.inquiries])
    rows = [
        [inquiry.id, received, at, inquiry.record.id, inquiry.channel.event, inquiry.spelled, "", inquiry.address,
         _via(inquiry.flag), {"test": "Test", "spam": "Spam"}.get(inquiry.flag, ""), inquiry.record.timeframe]
        for inquiry, received, at in zip(world.inquiries, created, occurred, strict=True)
    ]  # fmt: skip
    return Table(CRM, "events.jsonl", header, rows, [Feed("inquiries")])


def _via(flag: str) -> str:
    return {"import": "Import", "agent_created": "Manual"}.get(flag, "Lead Flow")


def _of(world: World, system: str) -> list[Touch]:
    return [touch for touch in world.touches if touch.system == system]


def _native(touch: Touch) -> str:
    """The id in its own file: the mapping puts the kind before it, as the three files count separately."""
    return touch.id.split(":")[1]


def _role(sender: str) -> str:
    return ROLES.get({"human": "agent"}.get(sender, sender), "")


def _calls(world: World) -> Table:
    header = [
        "id", "created", "startedAt", "personId", "userName", "userRole", "phone", "isIncoming", "duration",
        "ringDuration", "outcome",
    ]  # fmt: skip
    touches = _of(world, "calls")
    is_typed = [int(_native(touch)) % 5 < 3 for touch in touches]  # logged by hand while it began: startedAt is null
    ends = [touch.at + (touch.seconds or 0) + SYNC_SECONDS for touch in touches]
    created = iso([touch.at if typed else end for touch, typed, end in zip(touches, is_typed, ends, strict=True)])
    started = iso([None if typed else touch.at for touch, typed in zip(touches, is_typed, strict=True)])
    rows = [
        [_native(touch), at, start, touch.record.id if touch.record else "", touch.agent, _role(touch.sender),
         written(touch.phone, int(_native(touch))), _word(touch.inbound), str(touch.seconds),
         str(int(_native(touch)) % 30), touch.disposition]
        for touch, at, start in zip(touches, created, started, strict=True)
    ]  # fmt: skip
    return Table(CRM, "calls.csv", header, rows, [Feed("touches")])


def _word(truth: bool) -> str:
    return "true" if truth else "false"


def _texts(world: World) -> Table:
    header = [
        "id", "created", "personId", "userName", "userRole", "isIncoming", "actionPlanId", "automationId",
        "optOutType", "status",
    ]  # fmt: skip
    touches = _of(world, "texts")
    rows = [
        [_native(touch), at, touch.record.id if touch.record else "", *_from(touch),
         _word(touch.inbound), touch.plan if touch.mark == "plan" else "",
         touch.plan if touch.mark == "automation" else "", "STOP" if touch.not_reply == "opt_out" else "",
         "Received" if touch.inbound else "Delivered"]
        for touch, at in zip(touches, iso([touch.at for touch in touches]), strict=True)
    ]  # fmt: skip
    stops = sum(row[8] == "STOP" for row in rows)
    return Table(
        CRM, "text_messages.csv.gz", header, rows, [Feed("touches"), Feed("consents", filtered=len(rows) - stops)]
    )


def _from(touch: Touch) -> Row:
    """Whose name the CRM puts on a message: an action plan writes as the agent, which is the trap."""
    if touch.mark in ("plan", "automation"):
        agent = touch.record.agent if touch.record else ""
        return [agent, "Agent" if agent else ""]
    return [touch.agent, _role(touch.sender)]


def _emails(world: World) -> Table:
    header = [
        "id", "created", "personId", "userName", "userRole", "isIncoming", "actionPlanId", "automationId",
        "campaignId", "isAutoReply",
    ]  # fmt: skip
    touches = _of(world, "emails")
    rows = [
        [_native(touch), at, touch.record.id if touch.record else "", *_from(touch),
         _word(touch.inbound), touch.plan if touch.mark == "plan" else "",
         touch.plan if touch.mark == "automation" else "", touch.plan if touch.mark == "campaign" else "",
         _word(touch.not_reply == "auto_reply")]
        for touch, at in zip(touches, iso([touch.at for touch in touches]), strict=True)
    ]  # fmt: skip
    return Table(CRM, "emails.csv", header, rows, [Feed("touches")])


def _appointments(world: World) -> Table:
    header = [
        "id", "created", "title", "start", "end", "timezone", "allDay", "type", "outcome", "invitees",
        "customRescheduledFrom", "customCanceledAt",
    ]  # fmt: skip
    every = world.appointments
    booked, starts, ends, cancelled = (
        iso([each.booked for each in every]),
        iso([each.starts for each in every]),
        iso([each.ends for each in every]),
        iso([each.cancelled for each in every]),
    )
    rows = [
        [each.id, booked[n], "Meeting", starts[n], ends[n], clock.EASTERN, "false", "",
         OUTCOMES.get(each.outcome, ""), f"{each.agent} <user>; <person {each.record.id}>",
         each.replaces.id if each.replaces else "", cancelled[n]]
        for n, each in enumerate(every)
    ]  # fmt: skip
    return Table(CRM, "appointments.csv", header, rows, [Feed("appointments")])


def dollars(cents: int) -> str:
    """`$1,234.50`."""
    return f"{'-' if cents < 0 else ''}${abs(cents) // 100:,}.{abs(cents) % 100:02}"


def _price(price: int, number: int) -> str:
    """As agents type it."""
    if number % 7 == 3:
        return f"${price // 1000}K" if price < 1_000_000 else f"${price / 1e6:g}M"
    return f"${price:,}"


def _deals(world: World) -> Table:
    header = [
        "id", "createdAt", "pipelineName", "stageName", "status", "price", "commissionValue", "agentCommission",
        "people", "users", "customLeadSource", "customAgreementSigned", "customUnderContract", "customClosed",
        "customFellThrough",
    ]  # fmt: skip
    rows = []
    for number, deal in enumerate(world.deals):
        stage = next(
            name for name, day in (("Closed", deal.closed), ("Fell Through", deal.fell_through),
                                   ("Under Contract", deal.contract), ("Agreement", deal.agreement)) if day
        )  # fmt: skip
        rows.append([
            deal.id, iso([deal.agreement + 36_000])[0], deal.side, stage, "Active", _price(deal.price, number),
            dollars(deal.gci), dollars(deal.split) if deal.split is not None else "", deal.record.id, deal.agent,
            deal.source, us_day(deal.agreement), us_day(deal.contract), us_day(deal.closed), us_day(deal.fell_through),
        ])  # fmt: skip
    return Table(CRM, "deals.csv", header, rows, [Feed("deals")])


def _assignments(world: World) -> Table:
    header = ["id", "changedAt", "personId", "fromUser", "toUser", "rule"]
    rows = [
        [each.id, at, each.record.id, each.before, each.agent, each.what]
        for each, at in zip(world.assignments, iso([each.at for each in world.assignments]), strict=True)
    ]
    return Table(CRM, "assignment_log.csv", header, rows, [Feed("assignments")])


NO_STAGE = "Met With Customer"
"""A stage of the CRM that the mapping leaves out."""


def _stages(world: World) -> Table:
    header = ["id", "changedAt", "personId", "fromStage", "toStage"]
    rows = [
        [each.id, at, each.record.id, each.before, each.what]
        for each, at in zip(world.stages, iso([each.at for each in world.stages]), strict=True)
    ]
    dropped = sum(each.what == NO_STAGE for each in world.stages)
    return Table(CRM, "stage_log.csv", header, rows, [Feed("stage_changes", filtered=dropped)])


def _tasks(world: World) -> Table:
    header = ["id", "personId", "type", "dueDateTime", "completedAt", "assignedTo"]
    due, done = iso([each.at for each in world.tasks]), iso([_by_end(each.done) for each in world.tasks])
    rows = [[each.id, each.record.id, each.what, due[n], done[n], each.agent] for n, each in enumerate(world.tasks)]
    return Table(CRM, "tasks.csv", header, rows, [Feed("tasks")])


def _by_end(moment: int | None) -> int | None:
    return moment if moment is not None and moment <= clock.END else None


def _users(world: World) -> Table:
    header = ["id", "name", "email", "role", "team", "office", "activeFrom", "deactivated"]
    rows = [
        [str(number), agent.name, agent.email, ROLES[agent.role], agent.team, agent.office, "01/08/2024",
         f"{PLOT.left_on:%m/%d/%Y}" if agent.name == PLOT.leaver else ""]
        for number, agent in enumerate([*world.agents, *world.isas, BROKER], 1)
    ]  # fmt: skip
    return Table(CRM, "users.csv", header, rows, [Feed("agents")])


def _report(world: World) -> Table:
    """The CRM's own count: people by the week of their record and its present source, without merged and trashed."""
    counts: Counter[tuple[str, str]] = Counter()
    for record in world.records:
        day = clock.local_day(record.created)
        if record.merged_into is None and record.deleted is None and day >= clock.FIRST_DAY:
            counts[(day - timedelta(days=day.weekday())).isoformat(), record.source] += 1
    rows = [[week, source, str(count)] for (week, source), count in sorted(counts.items())]
    return Table(CRM, "lead_source_report.csv", ["Week of", "Lead Source", "New leads"], rows, [Feed("crm_counts")])
