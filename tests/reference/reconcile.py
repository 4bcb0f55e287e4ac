"""The CRM's counts against ours, recomputed by plain loops from the rows of an export."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from . import leads as section2
from .identity import Node
from .leads import NO_SOURCE, House, Lead
from .model import Export, Row, Settings
from .moments import to_local, week_of

Cell = tuple[date, str]


@dataclass
class Record:
    """Something that the CRM counts: a record of a person, or an inquiry."""

    key: str
    person: Node | None
    at: datetime
    week: date
    source: str
    state: str
    opens: str | None = None


@dataclass
class Reconciled:
    """What comes out: every cell's figures and steps, and the reason of every record or lead that has one."""

    cells: dict[Cell, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    rows: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """By record, else `lead:` and the lead: the reason, and the lead if there is one."""


def reconcile(
    export: Export, report: Iterable[tuple[date, str, int]], settings: Settings, as_of: datetime, counted: str
) -> Reconciled:
    """`report` are the lines of the CRM's own report: day, source, leads. `counted`: `people` or `inquiries`."""
    house = section2.build(export, settings, as_of)
    records = _people(export, house, settings, as_of)
    has_record = {record.person for record in records if record.person is not None}
    if counted == "inquiries":
        records = _inquiries(export, house, settings, as_of)
    else:
        records = [record for record in records if record.at is not None]
    current = [record for record in records if record.state == "current"]
    counted_people = {record.person for record in current}
    leads = {lead.lead_id: lead for lead in house.leads}
    pairs = _pair(current, house.leads, settings)

    found = Reconciled()
    for record in current:
        lead = leads.get(pairs.get(record.key, ""))
        if lead is None:
            if counted == "inquiries":
                reason = "repeat_inquiry"
            else:
                reason = "same_person" if any(each.opening.person == record.person for each in house.leads) else (
                    "no_inquiry"
                )  # fmt: skip
            _note(found, reason, record, None, settings)
        else:
            week = _week(lead, settings)
            if record.source != lead.opening.source:
                _note(found, "other_source", record, lead, settings)
            elif record.week != week:
                _note(found, "late" if record.week > week else "early", record, lead, settings)
    paired = set(pairs.values())
    for lead in house.leads:
        if lead.lead_id in paired:
            continue
        person = lead.opening.person
        is_call = lead.opening.row["inquiry_id"].startswith("call:")
        if is_call and (counted == "inquiries" or person not in counted_people):
            reason = "call_without_record"
        elif person not in counted_people:
            reason = "record_not_counted" if person in has_record else "no_record"
        elif lead.opening.set_aside:
            reason = "set_aside"
        else:
            reason = "each_inquiry" if lead.opening.source_of_data.lead_grain == "record" else "reopened"
        _note(found, reason, None, lead, settings)

    theirs = Counter((record.week, record.source) for record in current)
    _judge_report(found, theirs, records, report, settings, as_of)
    for lead in house.leads:
        cell = found.cells[_week(lead, settings), lead.opening.source]
        cell["ours"] += 1
        cell[f"excluded_{lead.exclusion_reason}" if lead.exclusion_reason else "leads_eligible"] += 1
    return found


def _judge_report(
    found: Reconciled,
    records_in: Counter[Cell],
    records: list[Record],
    report: Iterable[tuple[date, str, int]],
    settings: Settings,
    as_of: datetime,
) -> None:
    """The CRM's figure of every cell; what it has over the export is of records gone since, the rest unexplained."""
    today = to_local(as_of, settings.timezone).date()
    told: Counter[Cell] = Counter()
    for day, source, leads in report:
        if day <= today:
            told[week_of(day, settings.week_start), source] += leads
    weeks = {week for week, _ in told}
    for cell in {*told, *records_in}:
        figures = found.cells[cell]
        if cell[0] not in weeks:
            figures["theirs"] = records_in[cell]
            continue
        figures["theirs"] = told[cell]
        gone = [record for record in records if record.state != "current" and (record.week, record.source) == cell]
        gone.sort(key=lambda record: (record.state != "merged", record.at, record.key))
        gap = told[cell] - records_in[cell]
        explained = gone[: max(gap, 0)]
        for record in explained:
            figures[f"since_{record.state}"] -= 1
            found.rows[record.key] = (f"since_{record.state}", None)
        figures["unexplained"] = len(explained) - gap


def _pair(records: list[Record], leads: list[Lead], settings: Settings) -> dict[str, str]:
    """Which record is which lead: what they are alike in, from the most to the least, oldest first."""
    pairs = {record.key: record.opens for record in records if record.opens}
    if any(record.key.startswith("inquiry:") for record in records):
        return pairs
    rounds: tuple[Callable[[date, str], Any], ...] = (
        lambda week, source: (week, source),
        lambda week, source: week,
        lambda week, source: source,
        lambda week, source: None,
    )
    of_person: dict[Node, list[Lead]] = defaultdict(list)
    for lead in sorted(leads, key=lambda each: (each.opening.set_aside is not None, each.opened_at, each.lead_id)):
        of_person[lead.opening.person].append(lead)
    waiting = sorted(records, key=lambda record: (record.at, record.key))
    for alike in rounds:
        for record in list(waiting):
            for lead in of_person[record.person]:
                if alike(record.week, record.source) == alike(_week(lead, settings), lead.opening.source):
                    pairs[record.key] = lead.lead_id
                    of_person[record.person].remove(lead)
                    waiting.remove(record)
                    break
    return pairs


def _note(
    found: Reconciled, reason: str, record: Record | None, lead: Lead | None, settings: Settings
) -> None:  # fmt: skip
    both = record is not None and lead is not None
    if record is not None:
        found.cells[record.week, record.source][f"{reason}_out" if both else reason] -= 1
    if lead is not None:
        found.cells[_week(lead, settings), lead.opening.source][f"{reason}_in" if both else reason] += 1
    key = record.key if record else f"lead:{lead.lead_id}" if lead else ""
    found.rows[key] = (reason, lead.lead_id if lead else None)


def _week(lead: Lead, settings: Settings) -> date:
    found: date = section2.week_of_moment(lead.opened_at, settings)
    return found


def _people(export: Export, house: House, settings: Settings, as_of: datetime) -> list[Record]:
    """Records of people that exist; those without a date have no week, and the caller leaves them out."""
    first: dict[Node, str] = {}
    for inquiry in house.inquiries:  # in order
        first.setdefault(inquiry.person, inquiry.source)
    naming = {row["_source"] for row in export.people if row.get("source_now") and not _later(row, as_of)}
    found = []
    for row in export.people:
        if _later(row, as_of):
            continue
        deleted = row.get("deleted_at") is not None and row["deleted_at"] <= as_of
        state = "merged" if row.get("merged_into") else "deleted" if deleted else "current"
        person = None
        if state != "deleted":
            person = house.persons.of_node(("person", row["_id_space"], row["person_id"]))
        source = row.get("source_now")
        if not source and row["_source"] not in naming and person is not None:
            source = first.get(person)
        at: Any = row.get("created_at")
        found.append(
            Record(
                f"people:{row['_id_space']}:{row['person_id']}",
                person,
                at,
                section2.week_of_moment(at, settings) if at else date.min,
                source or NO_SOURCE,
                state,
            )
        )
    return found


def _later(row: Row, as_of: datetime) -> bool:
    return row.get("created_at") is not None and row["created_at"] > as_of


def _inquiries(export: Export, house: House, settings: Settings, as_of: datetime) -> list[Record]:
    """Inquiries as records, by the moment of their receipt; those of deleted people are gone."""
    live = {(inquiry.row["_id_space"], inquiry.row["inquiry_id"]): inquiry for inquiry in house.inquiries}
    openings = {lead.lead_id for lead in house.leads}
    found = []
    for row in export.inquiries:
        at = row.get("received_at") or row["event_at"]
        if at > as_of:
            continue
        key = f"{row['_id_space']}:{row['inquiry_id']}"
        inquiry = live.get((row["_id_space"], row["inquiry_id"]))
        found.append(
            Record(
                f"inquiry:{key}",
                inquiry.person if inquiry else None,
                at,
                section2.week_of_moment(at, settings),
                row.get("source") or NO_SOURCE,
                "current" if inquiry else "deleted",
                key if key in openings and inquiry else None,
            )
        )
    return found
