"""What was planted, as canonical files with a leadhouse.toml beside them; who is one person; the plot; the dirt."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from dagster_project.demo import clock
from dagster_project.demo.cast import BROKER, PLOT
from dagster_project.demo.clock import iso
from dagster_project.demo.crm import MODELS, NO_STAGE
from dagster_project.demo.model import Touch, World
from dagster_project.demo.money import line_id, office_lines

STAGES = {
    "Lead": "capture",
    "Spoke With Customer": "contact",
    "Nurture": "nurture",
    "Trash": "disqualified",
    "Appointment Set": "sql",
    "Under Contract": "convert",
    "Closed": "closed",
}
SOURCES = ("crm", "calltracking", "dialer", "web", "ads", "office")
_SYSTEMS = {"tracking": "calltracking", "dialer": "dialer"}
Rows = Iterable[Sequence[object]]


def write_truth(folder: Path, world: World, settings: str) -> None:
    """Canonical CSV files, one folder a source; `settings` are those of the demo's leadhouse.toml above its sources."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "leadhouse.toml").write_text(_configuration(settings), encoding="utf-8")
    for source in SOURCES:
        (folder / source).mkdir(exist_ok=True)
    crm = folder / "crm"
    _people(crm, world)
    _inquiries(crm, world)
    _touches(folder, world)
    _appointments(crm, world)
    _deals(crm, world)
    _dated(crm, world)
    _consents(folder, world)
    _spend(folder, world)
    _csv(
        crm / "agents.csv",
        "agent,name,team,office,role,active_from,active_to,email",
        (
            (a.name, a.name, a.team, a.office, a.role, "2024-01-08",
             PLOT.left_on if a.name == PLOT.leaver else "", a.email)
            for a in (*world.agents, *world.isas, BROKER)
        ),
    )  # fmt: skip
    lines = (json.dumps({"person": record.person, "source": "crm", "person_id": record.id}) for record in world.records)
    (folder / "identities.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_json(path: Path, content: object) -> None:
    """Readable JSON, the same bytes every time."""
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _configuration(settings: str) -> str:
    spaces = {"office": 'id_space = "crm"\n', "calltracking": "calls_open_leads = true\n"}
    text = (
        "# What was planted: the events as they happened, in canonical form. leadhouse build reads it too.\n" + settings
    )
    for source in SOURCES:
        text += f'\n[[source]]\nname = "{source}"\nkind = "files"\npath = "{source}"\n{spaces.get(source, "")}'
    return text


def _csv(path: Path, header: str, rows: Rows) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)


def _people(folder: Path, world: World) -> None:
    records = world.records
    times = [
        iso(each)
        for each in ([r.created for r in records], [r.deleted for r in records], [r.client_since for r in records])
    ]
    _csv(
        folder / "people.csv",
        "person_id,name,email,phone,created_at,source_now,stage,agent,merged_into,deleted_at,past_client_since",
        (
            (r.id, r.name, ";".join(r.emails), ";".join(r.phones) or r.junk_phone, created, r.source, r.stage, r.agent,
             r.merged_into.id if r.merged_into else "", deleted, since)
            for r, created, deleted, since in zip(records, *times, strict=True)
        ),
    )  # fmt: skip


def _inquiries(folder: Path, world: World) -> None:
    times = iso([each.at for each in world.inquiries]), iso([each.received for each in world.inquiries])
    _csv(
        folder / "inquiries.csv",
        "inquiry_id,person_id,event_at,received_at,source,category,timeframe,property_address,"
        "is_test,is_spam,is_import,is_agent_created",
        (
            (each.id, each.record.id, at, received, each.source,
             each.channel.category if each.source == each.channel.name else "", each.record.timeframe, each.address,
             *("true" if each.flag == flag else "" for flag in ("test", "spam", "import", "agent_created")))
            for each, at, received in zip(world.inquiries, *times, strict=True)
        ),
    )  # fmt: skip


def _touches(folder: Path, world: World) -> None:
    header = (
        "touch_id,person_id,phone,occurred_at,channel,direction,sender_type,agent,connected,duration_seconds,"
        "disposition,not_reply,sequence_id"
    )
    of_source: dict[str, list[Touch]] = {}
    for touch in world.touches:
        of_source.setdefault(_SYSTEMS.get(touch.system, "crm"), []).append(touch)
    for source, touches in of_source.items():
        times = iso([touch.at for touch in touches])
        _csv(
            folder / source / "touches.csv",
            header,
            (
                (t.id, t.record.id if t.record and source == "crm" else "", "" if source == "crm" else t.phone, at,
                 t.channel, "inbound" if t.inbound else "outbound", t.sender, t.agent,
                 "" if t.connected is None else str(t.connected).lower(), "" if t.seconds is None else t.seconds,
                 t.disposition, t.not_reply, t.plan)
                for t, at in zip(touches, times, strict=True)
            ),
        )  # fmt: skip


def _appointments(folder: Path, world: World) -> None:
    every = world.appointments
    times = [
        iso(each)
        for each in ([a.booked for a in every], [a.starts for a in every], [a.ends for a in every],
                     [a.cancelled for a in every])
    ]  # fmt: skip
    _csv(
        folder / "appointments.csv",
        "appointment_id,person_id,booked_at,starts_at,ends_at,cancelled_at,replaces_id,outcome,agent",
        (
            (a.id, a.record.id, *moments, a.replaces.id if a.replaces else "", a.outcome, a.agent)
            for a, *moments in zip(every, *times, strict=True)
        ),
    )


def cents(amount: int) -> str:
    """`1234.50` of whole cents."""
    return f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02}"


def _deals(folder: Path, world: World) -> None:
    deals = world.deals
    times = [
        iso(each)
        for each in ([d.agreement for d in deals], [d.contract for d in deals], [d.closed for d in deals],
                     [d.fell_through for d in deals])
    ]  # fmt: skip
    _csv(
        folder / "deals.csv",
        "deal_id,person_id,side,agreement_at,contract_at,closed_at,fell_through_at,sale_price,gci,agent_split,agent",
        (
            (d.id, d.record.id, d.side[:-1].lower(), *moments, d.price, cents(d.gci),
             "" if d.split is None else cents(d.split), d.agent)
            for d, *moments in zip(deals, *times, strict=True)
        ),
    )  # fmt: skip


def _dated(folder: Path, world: World) -> None:
    rows = world.assignments
    _csv(
        folder / "assignments.csv",
        "assignment_id,person_id,at,agent,model",
        (
            (r.id, r.record.id, at, r.agent, MODELS[r.what])
            for r, at in zip(rows, iso([r.at for r in rows]), strict=True)
        ),
    )
    rows = [row for row in world.stages if row.what != NO_STAGE]
    _csv(
        folder / "stage_changes.csv",
        "change_id,person_id,at,stage",
        ((r.id, r.record.id, at, STAGES[r.what]) for r, at in zip(rows, iso([r.at for r in rows]), strict=True)),
    )
    rows = world.tasks
    _csv(
        folder / "tasks.csv",
        "task_id,person_id,kind,due_at,agent",
        ((r.id, r.record.id, r.what, at, r.agent) for r, at in zip(rows, iso([r.at for r in rows]), strict=True)),
    )


def _consents(folder: Path, world: World) -> None:
    header = "consent_id,person_id,email,phone,at,channel,event"
    granted = world.consents
    _csv(
        folder / "web" / "consents.csv",
        header,
        (
            (f"F{c.id}", "", ";".join(c.record.emails[:1]), ";".join(c.record.phones[:1]), at, c.channel, "granted")
            for c, at in zip(granted, iso([c.at for c in granted]), strict=True)
        ),
    )
    stops = [touch for touch in world.touches if touch.not_reply == "opt_out"]
    _csv(
        folder / "crm" / "consents.csv",
        header,
        (
            (f"stop:{t.id.split(':')[1]}", t.record.id if t.record else "", "", "", at, "sms", "revoked")
            for t, at in zip(stops, iso([t.at for t in stops]), strict=True)
        ),
    )


def _spend(folder: Path, world: World) -> None:
    header = "spend_id,date,date_to,source,campaign,amount,kind,deal_id"
    daily = [each for each in world.spend if each.campaign_id]
    _csv(
        folder / "ads" / "spend.csv",
        header,
        (
            (f"{'google' if each.source == 'Google Ads' else 'meta'}:{each.campaign_id}:{each.day}", each.day,
             each.day_to, each.source, each.campaign, f"{each.micros // 10**6}.{each.micros % 10**6:06}", each.kind, "")
            for each in daily
        ),
    )  # fmt: skip
    _csv(
        folder / "office" / "spend.csv",
        header,
        (
            (line_id(number), each.day, each.day_to, each.source, each.campaign, cents(each.micros // 10_000),
             each.kind, each.deal.id if each.deal else "")
            for number, each in enumerate(office_lines(world))
        ),
    )  # fmt: skip
    _csv(
        folder / "office" / "sla_excuses.csv",
        "inquiry_id,reason,approver,at",
        (
            (each.id, "dialer outage", BROKER.name, iso([clock.at_local(PLOT.outage_day, 0)])[0])
            for each in world.excuses
        ),
    )
