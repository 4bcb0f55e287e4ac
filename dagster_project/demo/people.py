"""Invented people: names of Faker's lists, numbers of the exchange 555, addresses at example domains."""

from __future__ import annotations

import re
from itertools import count

from faker.providers.person.en_US import Provider

from dagster_project.demo.streams import Streams

AREAS = ("603", "207", "978", "781", "617", "508", "802", "401", "413", "860", "203", "518")
MOST_PEOPLE = len(AREAS) * 9_000
DOMAINS = ("example.com", "example.org", "example.net")
STREETS = (
    "Sagamore Avenue",
    "Pine Street",
    "Harbor Road",
    "Elwyn Road",
    "Mill Pond Way",
    "Summer Street",
    "Ferry Lane",
)
TOWNS = ("Portsmouth", "Dover", "Rye", "Exeter", "Hampton", "Kittery", "Newburyport", "Laconia")
OFFICE_PHONE = "+16035550100"
"""Typed in by agents where a lead left no number: on more than 20 people it is nobody's."""
JUNK_PHONES = ("000-000-0000", "(888) 888-8888", "9999999999", "123-456-7890")


class Directory:
    """Hands out people, each name, number and address once."""

    def __init__(self, streams: Streams, people: int) -> None:
        size = 2 * people + 500
        rng = streams.of("people")
        firsts, lasts = list(Provider.first_names), list(Provider.last_names)
        self._firsts = [firsts[number] for number in rng.integers(0, len(firsts), size).tolist()]
        self._lasts = [lasts[number] for number in rng.integers(0, len(lasts), size).tolist()]
        numbers = streams.of("phones").permutation(MOST_PEOPLE)[:size].tolist()
        places = [(AREAS[number % len(AREAS)], 1000 + number // len(AREAS)) for number in numbers]
        self._phones = iter([f"+1{area}555{line}" for area, line in places if line != 1212])  # directory assistance
        self._shapes = iter(streams.of("emails").integers(0, 5, 3 * size).tolist())
        self._next = count()
        self._taken: dict[str, int] = {}

    def name(self) -> tuple[str, str]:
        """First and last name of somebody new."""
        number = next(self._next)
        return self._firsts[number], self._lasts[number]

    def phone(self) -> str:
        """A number that nobody else has, E.164."""
        return next(self._phones)

    def email(self, first: str, last: str) -> str:
        """An address that nobody else has."""
        first, last = (re.sub(r"[^a-z]", "", part.lower()) for part in (first, last))
        shape = next(self._shapes)
        local = (f"{first}.{last}", f"{first}{last}", f"{first[0]}{last}", f"{last}.{first}", f"{first}_{last}")[shape]
        seen = self._taken.get(local, 0)
        self._taken[local] = seen + 1
        return f"{local}{seen + 1 if seen else ''}@{DOMAINS[shape % len(DOMAINS)]}"


def written(phone: str, style: int) -> str:
    """A number as people type it."""
    area, exchange, line = phone[2:5], phone[5:8], phone[8:]
    return (
        f"({area}) {exchange}-{line}",
        f"{area}-{exchange}-{line}",
        phone,
        f"{area}.{exchange}.{line}",
        f"{area}{exchange}{line}",
        f"1 {area} {exchange} {line}",
    )[style % 6]
