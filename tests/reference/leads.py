"""Section 2, leads: inquiries, calls that open leads, episodes, exclusions, and whose touch is whose."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

from .identity import Node, Persons, inquiry_node
from .model import Export, Row, Settings, Source
from .moments import to_local, week_of

NO_SOURCE = "(no source)"
NONE = "(none)"

ABANDONED_UNDER = timedelta(seconds=15)

SET_ASIDE = (
    ("is_test", "test"),
    ("is_spam", "spam"),
    ("is_import", "import"),
    ("is_agent_created", "agent_created"),
)


@dataclass
class Inquiry:
    """One raised hand."""

    row: Row
    source_of_data: Source
    person: Node
    opened_at: datetime
    source: str
    category: str
    set_aside: str | None

    @property
    def order(self) -> tuple[datetime, str, str]:
        """By `opened_at`, then by id as text."""
        return (self.opened_at, self.row["inquiry_id"], self.row["_id_space"])

    @property
    def lag_seconds(self) -> float | None:
        """Received less event; negative for a clock error."""
        received = self.row.get("received_at")
        return (received - self.row["event_at"]).total_seconds() if received else None


@dataclass
class Lead:
    """One episode of one person."""

    inquiries: list[Inquiry]
    next_lead_at: datetime | None = None
    touches: list[Row] = field(default_factory=list)
    agent: str = NONE
    team: str = NONE
    office: str = NONE
    exclusion_reason: str | None = None

    @property
    def opening(self) -> Inquiry:
        """The inquiry that opened it."""
        return self.inquiries[0]

    @property
    def opened_at(self) -> datetime:
        """When it opened."""
        return self.opening.opened_at

    @property
    def lead_id(self) -> str:
        """`id_space:inquiry_id` of the opening inquiry."""
        return f"{self.opening.row['_id_space']}:{self.opening.row['inquiry_id']}"

    def opened_by(self, touch: Row) -> bool:
        """Whether that call is the one that opened the lead."""
        return opens(touch) == inquiry_node(self.opening.row)


@dataclass
class House:
    """Everything of section 2, resolved as of one moment."""

    persons: Persons
    inquiries: list[Inquiry]
    leads: list[Lead]


def build(export: Export, settings: Settings, as_of: datetime) -> House:
    """Persons, inquiries and leads with their touches, as of a moment."""
    people = [row for row in export.people if not _after(row.get("created_at"), as_of)]
    gone = {
        (row["_id_space"], row["person_id"])
        for row in people
        if _known(row.get("deleted_at"), as_of) and not row.get("merged_into")
    }
    people = [row for row in people if (row["_id_space"], row["person_id"]) not in gone]
    raised = [
        row
        for row in export.inquiries
        if (row.get("received_at") or row["event_at"]) <= as_of and (row["_id_space"], row.get("person_id")) not in gone
    ]
    touches = [dict(row) for row in export.touches if row["occurred_at"] <= as_of]
    persons = Persons(people, raised, export, settings)
    sources = {source.name: source for source in settings.sources}

    calls = _calls_that_inquire(
        persons, raised, touches, sources=sources, export=export, settings=settings, as_of=as_of
    )
    if calls:
        raised = raised + calls
        persons = Persons(people, raised, export, settings)

    inquiries = [_inquiry(row, persons, sources, export) for row in raised]
    inquiries.sort(key=lambda inquiry: inquiry.order)
    leads = _leads(inquiries, settings)
    _attach(touches, leads, persons)
    _name_agents(leads, persons, export, settings, as_of)
    _exclude(leads, persons, export, settings, as_of)
    return House(persons, inquiries, leads)


def opened_at_of(row: Row) -> datetime:
    """The event's own time unless it is after the time received."""
    event: datetime = row["event_at"]
    received: datetime | None = row.get("received_at")
    return event if received is None or event <= received else received


def is_human_answer(touch: Row, settings: Settings) -> bool:
    """A live-answered inbound call."""
    if touch["channel"] != "call" or touch["direction"] != "inbound":
        return False
    if touch.get("sender_type") not in (None, "human", "isa"):
        return False
    seconds = call_seconds(touch)
    long_enough = seconds is not None and seconds >= settings.contact_min_seconds
    return bool(touch.get("connected") or touch.get("talked") or (touch.get("connected") is None and long_enough))


def call_seconds(touch: Row) -> float | None:
    """How long a call lasted: as it says, else from its start to its end."""
    if touch.get("duration_seconds") is not None:
        return float(touch["duration_seconds"])
    if touch.get("ended_at"):
        return float((touch["ended_at"] - touch["occurred_at"]).total_seconds())
    return None


def opens(touch: Row) -> Node | None:
    """The node of the inquiry that a call says it opened."""
    if touch["channel"] != "call":
        return None
    if touch.get("_call_inquiry"):
        return ("inquiry", touch["_id_space"], touch["_call_inquiry"])
    if touch.get("opened_inquiry_id"):
        return ("inquiry", touch["_id_space"], touch["opened_inquiry_id"])
    return None


def category_of(source: str, rows: list[dict[str, str]]) -> str:
    """The first pattern, in the order of the seed, that the source's name matches."""
    for row in rows:
        if _pattern(row["pattern"].strip()).fullmatch(source):
            return row["category"].strip()
    return NONE


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(
        ".*".join(re.escape(part) for part in text.split("*")),
        re.IGNORECASE | re.DOTALL,
    )


def _after(moment: datetime | None, as_of: datetime) -> bool:
    return moment is not None and moment > as_of


def _known(moment: datetime | None, as_of: datetime) -> datetime | None:
    """A date later than `as_of` is empty."""
    return None if _after(moment, as_of) else moment


def _inquiry(row: Row, persons: Persons, sources: dict[str, Source], export: Export) -> Inquiry:
    source = row.get("source") or NO_SOURCE
    category = row.get("category")
    if not category:
        category = NONE if source == NO_SOURCE else category_of(source, export.source_categories)
    return Inquiry(
        row=row,
        source_of_data=sources[row["_source"]],
        person=persons.of_inquiry(row),
        opened_at=opened_at_of(row),
        source=source,
        category=category,
        set_aside=_set_aside(row),
    )


def _set_aside(row: Row) -> str | None:
    return next((reason for flag, reason in SET_ASIDE if row.get(flag)), None)


def _leads(inquiries: list[Inquiry], settings: Settings) -> list[Lead]:
    """The leads of all persons; `inquiries` are in order."""
    leads = [Lead([inquiry]) for inquiry in inquiries if inquiry.set_aside]
    of_person: dict[Node, list[Inquiry]] = defaultdict(list)
    for inquiry in inquiries:
        if not inquiry.set_aside:
            of_person[inquiry.person].append(inquiry)
    for own in of_person.values():
        episodes = episodes_of(own, settings)
        for lead, following in pairwise(episodes):
            lead.next_lead_at = following.opened_at
        leads += episodes
    return leads


def episodes_of(own: list[Inquiry], settings: Settings) -> list[Lead]:
    """One person's leads in order; `own` are the inquiries that are not set aside, in order."""
    reopen_after = timedelta(days=settings.reopen_after_days)
    leads: list[Lead] = []
    previous: Inquiry | None = None
    for inquiry in own:
        is_record = inquiry.source_of_data.lead_grain == "record"
        if is_record or previous is None or inquiry.opened_at - previous.opened_at > reopen_after:
            leads.append(Lead([inquiry]))
        else:
            leads[-1].inquiries.append(inquiry)
        previous = inquiry
    return leads


def _calls_that_inquire(
    persons: Persons,
    raised: list[Row],
    touches: list[Row],
    *,
    sources: dict[str, Source],
    export: Export,
    settings: Settings,
    as_of: datetime,
) -> list[Row]:
    """Inbound calls that are inquiries themselves, as rows of inquiries; notes on each call which it is."""
    known = {inquiry_node(row) for row in raised}
    candidates = [
        touch
        for touch in touches
        if sources[touch["_source"]].calls_open_leads
        and touch["channel"] == "call"
        and touch["direction"] == "inbound"
        and opens(touch) not in known
    ]
    if not candidates:
        return []
    of_person: dict[Any, list[Inquiry]] = defaultdict(list)
    for row in raised:
        inquiry = _inquiry(row, persons, sources, export)
        if not inquiry.set_aside:
            of_person[inquiry.person].append(inquiry)

    # everything by the clock of the inquiry that a call would be, as gaps between inquiries are
    would_be = [(_call_as_inquiry(touch, settings, as_of), touch) for touch in candidates]
    in_order = [(call, touch) for call, touch in would_be if call]
    in_order.sort(key=lambda pair: (pair[0]["event_at"], pair[0]["inquiry_id"], pair[0]["_id_space"]))
    found = []
    for call, touch in in_order:
        own = of_person[persons.named_by(touch) or _stranger(touch, persons)]
        own.sort(key=lambda inquiry: inquiry.order)
        moment = call["event_at"]
        recent = moment - timedelta(days=settings.reopen_after_days)
        if any(recent <= lead.opened_at <= moment for lead in episodes_of(own, settings)):
            continue
        touch["_call_inquiry"] = call["inquiry_id"]
        source = sources[touch["_source"]]
        own.append(Inquiry(call, source, None, call["event_at"], NO_SOURCE, call["category"], None))
        found.append(call)
    return found


def _call_as_inquiry(touch: Row, settings: Settings, as_of: datetime) -> Row | None:
    """The inquiry that an inbound call would be; None if it was abandoned or has not ended by `as_of`."""
    start: datetime = touch["occurred_at"]
    end = _known(touch.get("ended_at"), as_of)
    length = end - start if end else None
    if end is None and touch.get("duration_seconds") is not None:
        length = timedelta(seconds=float(touch["duration_seconds"]))
        end = start + length
    answered = is_human_answer(touch, settings)
    moment = start if answered or end is None else end
    if moment > as_of or (not answered and length is not None and length < ABANDONED_UNDER):
        return None
    return {
        "inquiry_id": f"call:{touch['touch_id']}",
        "person_id": touch.get("person_id"),
        "email": touch.get("email"),
        "phone": touch.get("phone"),
        "event_at": moment,
        "received_at": None,
        "category": "inbound_call_answered" if answered else "inbound_call_missed",
        "channel": "call",
        "agent": touch.get("agent"),
        "team": touch.get("team"),
        "_source": touch["_source"],
        "_id_space": touch["_id_space"],
    }


def _stranger(touch: Row, persons: Persons) -> Node:
    """Who an unknown caller is among unknown callers: the same id, email or phone; else nobody but this call."""
    if touch.get("person_id"):
        return ("stranger", touch["_id_space"], touch["person_id"])
    for identifier in sorted(persons.identifiers_of(touch) - persons.junk, key=str):
        return ("stranger", identifier)
    return ("stranger", touch["_id_space"], "call", touch["touch_id"])


def _attach(touches: list[Row], leads: list[Lead], persons: Persons) -> None:
    """Give each touch to its lead; the rest stays unattached."""
    of_person: dict[Node, list[Lead]] = defaultdict(list)
    by_opening: dict[Node, Lead] = {}
    for lead in leads:
        if not lead.opening.set_aside:
            of_person[lead.opening.person].append(lead)
            by_opening[inquiry_node(lead.opening.row)] = lead
    for own in of_person.values():
        own.sort(key=lambda lead: lead.opening.order)
    openings = {person: [lead.opened_at for lead in own] for person, own in of_person.items()}
    for touch in touches:
        opened = by_opening.get(opens(touch))
        if opened:
            opened.touches.append(touch)
            continue
        # a call that names nobody but the inquiry made of it is of the person of that inquiry
        person = persons.named_by(touch) or persons.of_node(opens(touch))
        if person in of_person:
            position = bisect_right(openings[person], touch["occurred_at"])
            if position:
                of_person[person][position - 1].touches.append(touch)


def _name_agents(
    leads: list[Lead],
    persons: Persons,
    export: Export,
    settings: Settings,
    as_of: datetime,
) -> None:
    """Agent, team and office of every lead, as of its opening."""
    assignments: dict[Node, list[Row]] = defaultdict(list)
    for row in sorted(
        export.assignments,
        key=lambda row: (row["at"], row["assignment_id"], row["_id_space"]),
    ):
        person = persons.named_by(row)
        if person is not None and row["at"] <= as_of and row.get("agent"):
            assignments[person].append(row)
    periods: dict[str, list[Row]] = defaultdict(list)
    for row in export.agents:
        periods[row["agent"]].append(row)
    for lead in leads:
        opening = lead.opening
        agent = opening.row.get("agent")
        if not agent and not opening.set_aside:
            agent = next(
                (
                    row["agent"]
                    for row in assignments.get(opening.person, ())
                    if row["at"] >= lead.opened_at and (lead.next_lead_at is None or row["at"] < lead.next_lead_at)
                ),
                None,
            )
        lead.agent = agent or NONE
        day = to_local(lead.opened_at, settings.timezone).date()
        active = [
            row
            for row in periods.get(agent or "", ())
            if (row.get("active_from") is None or row["active_from"] <= day)
            and (row.get("active_to") is None or day <= row["active_to"])
        ]
        period: Row = max(
            active,
            key=lambda row: (str(row.get("active_from") or ""), row["_line"]),
            default={},
        )
        lead.team = opening.row.get("team") or period.get("team") or NONE
        lead.office = period.get("office") or NONE


def _exclude(
    leads: list[Lead],
    persons: Persons,
    export: Export,
    settings: Settings,
    as_of: datetime,
) -> None:
    """The first exclusion reason that fits each lead."""
    sources = {source.name: source for source in settings.sources}
    delivers_contacts = {
        row["_source"]
        for rows in (
            export.people,
            [inquiry for lead in leads for inquiry in _rows(lead)],
        )
        for row in rows
        if row.get("email") or row.get("phone")
    }
    with_touches = {row["_source"] for row in export.touches}
    covers = [sources[name].covers_from for name in with_touches]
    covers_from = max((moment for moment in covers if moment), default=None)

    client_since: dict[Node, datetime] = {}

    def note_client(person: Node, moment: datetime | None) -> None:
        if moment is not None:
            client_since[person] = min(moment, client_since.get(person, moment))

    for person, rows in persons.people_rows.items():
        for row in rows:
            note_client(person, _known(row.get("past_client_since"), as_of))
    for row in export.deals:
        named = persons.named_by(row)
        if named is not None:
            note_client(named, _known(row.get("closed_at"), as_of))

    for lead in leads:
        opening = lead.opening
        since = client_since.get(opening.person)
        if opening.set_aside:
            lead.exclusion_reason = opening.set_aside
        elif opening.row.get("is_past_client") or (since and since < lead.opened_at):
            lead.exclusion_reason = "past_client"
        elif opening.row["_source"] in delivers_contacts and not persons.is_reachable(opening.person):
            lead.exclusion_reason = "no_contact_info"
        elif covers_from and lead.opened_at < covers_from:
            lead.exclusion_reason = "no_touch_coverage"


def _rows(lead: Lead) -> list[Row]:
    return [inquiry.row for inquiry in lead.inquiries]


def week_of_moment(moment: datetime, settings: Settings) -> Any:
    """The first local day of the reporting week of a moment."""
    return week_of(to_local(moment, settings.timezone).date(), settings.week_start)
