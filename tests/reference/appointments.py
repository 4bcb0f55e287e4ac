"""Section 5: chains of bookings, what became of them, and what the people who kept one signed afterwards."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from . import leads as section2
from .identity import Node
from .leads import NONE, House, Lead
from .model import Export, Row, Settings
from .weekly import LEAD_SLICES, Fact

UNATTRIBUTED = "(unattributed)"
EXCLUDED = "(excluded)"
DAY = timedelta(days=1)
KNOWN = frozenset(("held", "no_show", "cancelled_late", "cancelled_early"))
SIGNED = {"agreement": ("agreement_at", 30 * DAY), "contract": ("contract_at", 180 * DAY)}


@dataclass
class Chain:
    """Bookings of one meeting: the first, and the one by which it is scheduled, judged and credited."""

    first: Row
    last: Row
    person: Node | None
    lead: Lead | None = None
    set_at: datetime | None = None

    def is_held(self, as_of: datetime) -> bool:
        """Held, and over."""
        return self.last.get("outcome") == "held" and bool(self.last["ends_at"] <= as_of)


def chains_of(export: Export, house: House, settings: Settings, as_of: datetime) -> list[Chain]:
    """Every chain with its person, lead and moment of setting."""
    bookings = {
        (row["_id_space"], row["appointment_id"]): row for row in export.appointments if row["booked_at"] <= as_of
    }
    replaced = {key: (key[0], row["replaces_id"]) for key, row in bookings.items() if row.get("replaces_id")}
    replaced = {key: before for key, before in replaced.items() if before in bookings and before != key}

    def by_booking(key: Any) -> Any:
        return (bookings[key]["booked_at"], key[1], key[0])

    def first_of(members: list[Any]) -> Any:
        """The one that replaces nothing; in a circle, which has none, the one booked first."""
        return min([key for key in members if key not in replaced] or members, key=by_booking)

    def last_of(members: list[Any]) -> Any:
        """Of those that nothing replaces, the one booked last: at a fork it wins."""
        moved = {replaced[key] for key in members if key in replaced}
        return max([key for key in members if key not in moved] or members, key=by_booking)

    own: dict[Node, list[Lead]] = defaultdict(list)
    for lead in sorted(house.leads, key=lambda lead: lead.opening.order):
        if not lead.opening.set_aside:
            own[lead.opening.person].append(lead)
    chains = []
    for members in _joined(bookings, replaced):
        first = first_of(members)
        named = [house.persons.named_by(bookings[key]) for key in (first, *sorted(members, key=by_booking))]
        person = next((each for each in named if each is not None), None)
        chain = Chain(bookings[first], bookings[last_of(members)], person)
        _settle(chain, own.get(chain.person, []), settings)
        chains.append(chain)
    return chains


def _joined(bookings: dict[Any, Row], replaced: dict[Any, Any]) -> list[list[Any]]:
    """Bookings that replace one another, directly or not, each group once."""
    group = {key: [key] for key in bookings}
    for key, before in replaced.items():
        one, other = group[key], group[before]
        if one is not other:
            one += other
            for member in other:
                group[member] = one
    return [members for key, members in group.items() if members[0] == key]


def _settle(chain: Chain, own: list[Lead], settings: Settings) -> None:
    booked = chain.first["booked_at"]
    before = [lead for lead in own if lead.opened_at <= booked]
    if before:
        chain.lead, chain.set_at = before[-1], booked
    elif own and own[0].opened_at - booked <= timedelta(minutes=settings.appointment_grace_minutes):
        chain.lead, chain.set_at = own[0], own[0].opened_at


def first_set(chains: Iterable[Chain]) -> dict[str, datetime]:
    """By lead, when its first appointment was set."""
    found: dict[str, datetime] = {}
    for chain in chains:
        if chain.lead is not None and chain.set_at is not None:
            found[chain.lead.lead_id] = min(chain.set_at, found.get(chain.lead.lead_id, chain.set_at))
    return found


def chain_facts(chains: Iterable[Chain], leads: dict[str, Row], settings: Settings, as_of: datetime) -> list[Fact]:
    """What each chain whose end is a day past adds to the weeks."""
    facts = []
    for chain in chains:
        last = chain.last
        if last["ends_at"] > as_of - DAY:
            continue
        counts: Counter[str] = Counter(ended=1)
        if last.get("outcome") == "cancelled_by_us":
            counts["by_us"] = 1
        else:
            counts["decidable"] = 1
            counts["held"] = last.get("outcome") == "held"
            counts["known"] = last.get("outcome") in KNOWN
            counts["held_at_most"] = counts["held"] or not counts["known"]
        slices = _slices(chain.lead, leads) | {"agent": last.get("agent") or NONE}
        facts.append(Fact(section2.week_of_moment(last["ends_at"], settings), slices, counts))
    return facts


def people_facts(
    chains: Iterable[Chain], export: Export, house: House, leads: dict[str, Row], settings: Settings, as_of: datetime
) -> list[Fact]:
    """What each person with a held appointment adds to the weeks; nothing while no deals are delivered."""
    if not export.deals:
        return []
    signed: dict[tuple[Node, str], list[datetime]] = defaultdict(list)
    for row in export.deals:
        person = house.persons.named_by(row)
        for name, (column, _) in SIGNED.items():
            if person is not None and row.get(column) is not None and row[column] <= as_of:
                signed[person, name].append(row[column])
    first: dict[Node, Chain] = {}
    for chain in chains:
        if chain.person is not None and chain.is_held(as_of):
            known = first.setdefault(chain.person, chain)
            first[chain.person] = min(known, chain, key=_start)
    facts = []
    for person, chain in first.items():
        start = chain.last["starts_at"]
        counts: Counter[str] = Counter(kept=1)
        for name, (_, within) in SIGNED.items():
            if start <= as_of - within:
                counts[f"{name}_aged"] = 1
                after = [moment for moment in signed[person, name] if moment >= start]
                counts[f"{name}_signed"] = bool(after) and min(after) <= start + within
        facts.append(Fact(section2.week_of_moment(start, settings), _slices(chain.lead, leads), counts))
    return facts


def _start(chain: Chain) -> Any:
    return (chain.last["starts_at"], chain.first["_id_space"], chain.first["appointment_id"])


def _slices(lead: Lead | None, leads: dict[str, Row]) -> dict[str, str]:
    if lead is None:
        return dict.fromkeys(LEAD_SLICES, UNATTRIBUTED)
    if lead.exclusion_reason is not None:
        return dict.fromkeys(LEAD_SLICES, EXCLUDED)
    return {name: leads[lead.lead_id][name] for name in LEAD_SLICES}
