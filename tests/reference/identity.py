"""Section 2, persons: which records are one person, and whom a row of another entity names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from functools import cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from .model import Export, Row, Settings

Node = Hashable
Record = tuple[str, str, str]
Records = list[tuple[Record, Row, bool]]
"""Node, row, and whether it is a row of people."""


@cache
def normalise_email(piece: str) -> str | None:
    """Trimmed, lower case; None if it is no email address."""
    address = piece.strip().lower()
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return None
    return address


@cache
def normalise_phone(piece: str, country: str) -> str | None:
    """E.164; None if it is no valid number."""
    try:
        number = phonenumbers.parse(piece.strip(), country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@cache
def is_junk_phone(e164: str) -> bool:
    """Nobody's number although it has a valid form: one digit over and over (888-888-8888)."""
    return len(set(phonenumbers.national_significant_number(phonenumbers.parse(e164)))) == 1


def emails_of(row: Row) -> list[str]:
    """The valid addresses of a row, normalised, in order."""
    pieces = (row.get("email") or "").split(";")
    return [email for email in (normalise_email(piece) for piece in pieces if piece.strip()) if email]


def phones_of(row: Row, country: str) -> list[str]:
    """The valid numbers of a row, normalised, in order, without patent junk."""
    pieces = (row.get("phone") or "").split(";")
    phones = [normalise_phone(piece, country) for piece in pieces if piece.strip()]
    return [phone for phone in phones if phone and not is_junk_phone(phone)]


class Sets:
    """Disjoint sets of nodes (union-find)."""

    def __init__(self) -> None:
        self._parent: dict[Node, Node] = {}

    def __contains__(self, node: Node) -> bool:
        return node in self._parent

    def find(self, node: Node) -> Node:
        """The representative of the set of a node, which is created if need be."""
        parent = self._parent
        parent.setdefault(node, node)
        root = node
        while parent[root] != root:
            root = parent[root]
        while parent[node] != root:
            parent[node], node = root, parent[node]
        return root

    def join(self, one: Node, other: Node) -> None:
        """Make one set of two."""
        self._parent[self.find(one)] = self.find(other)


class Persons:
    """The persons behind the records (people and inquiries), by what they share."""

    def __init__(
        self,
        people: list[Row],
        inquiries: list[Row],
        export: Export,
        settings: Settings,
    ) -> None:
        self.country = settings.country
        self._sets = Sets()
        self._merged_into: dict[tuple[str, str], tuple[str, str]] = {}
        self._people = {(row["_id_space"], row["person_id"]): row for row in people}
        records: Records = [(self._person_node(row), row, True) for row in people]
        records += [(inquiry_node(row), row, False) for row in inquiries]

        identifiers = {node: self.identifiers_of(row) for node, row, _ in records}
        self.has_contact_info = {node for node, own in identifiers.items() if own}
        self.junk = self._shared_by_too_many(records, identifiers, settings.max_shared_identifier)
        self._forbid(export.person_links, records, identifiers)

        for node, row, _ in records:
            self._sets.find(node)
            if row.get("person_id"):
                self._sets.join(node, self._person_node(row))
            for identifier in identifiers[node]:
                if identifier not in self.junk:
                    self._sets.join(node, identifier)
        for one, other in self._merged_into.items():
            self._sets.join(("person", *one), ("person", *other))
        for first, second, forced in _links(export.person_links):
            if forced:
                self._sets.join(first, second)

        self._names: dict[Node, str] = {}
        self.people_rows: dict[Node, list[Row]] = defaultdict(list)
        self._reachable: set[Node] = set()
        for node, row, is_people in records:
            root = self._sets.find(node)
            name = ":".join(str(part) for part in node)
            self._names[root] = min(name, self._names.get(root, name))
            if is_people:
                self.people_rows[root].append(row)
            if node in self.has_contact_info:
                self._reachable.add(root)

    def of_inquiry(self, row: Row) -> Node:
        """The person who raised an inquiry."""
        return self._sets.find(inquiry_node(row))

    def named_by(self, row: Row) -> Node | None:
        """The person whom a row of another entity names: by `person_id`, then email, then phone; None if unknown."""
        candidates: list[Node] = [self._person_node(row)] if row.get("person_id") else []
        candidates += [("email", email) for email in emails_of(row)]
        candidates += [("phone", phone) for phone in phones_of(row, self.country)]
        for candidate in candidates:
            if candidate in self._sets:
                return self._sets.find(candidate)
        return None

    def of_node(self, node: Node | None) -> Node | None:
        """The person to whom a record belongs; None if there is no such record."""
        return self._sets.find(node) if node in self._sets else None

    def key(self, person: Node) -> str:
        """A readable name of a person, the same in every run."""
        return self._names[person]

    def is_reachable(self, person: Node) -> bool:
        """Whether any record of the person has a valid phone or email."""
        return person in self._reachable

    def survivor_row(self, row: Row) -> Row | None:
        """The row of `people` that a row's `person_id` resolves to."""
        if not row.get("person_id"):
            return None
        reference = (row["_id_space"], row["person_id"])
        seen = {reference}
        while reference in self._merged_into and self._merged_into[reference] not in seen:
            reference = self._merged_into[reference]
            seen.add(reference)
        return self._people.get(reference)

    def _person_node(self, row: Row) -> tuple[str, str, str]:
        return ("person", row["_id_space"], row["person_id"])

    def identifiers_of(self, row: Row) -> set[Node]:
        """The valid emails and phones of a row."""
        emails: set[Node] = {("email", email) for email in emails_of(row)}
        return emails | {("phone", phone) for phone in phones_of(row, self.country)}

    def _shared_by_too_many(
        self,
        records: Records,
        identifiers: dict[Record, set[Node]],
        most: int,
    ) -> set[Node]:
        """Identifiers on records of more than `most` people: distinct ids, and names where there is no id."""
        people_behind: dict[Node, set[Node]] = defaultdict(set)
        for node, row, _ in records:
            name = (row.get("name") or "").strip().casefold()
            if row.get("person_id"):
                somebody: Node = (row["_id_space"], row["person_id"])
            elif name:
                somebody = name
            else:
                continue
            for identifier in identifiers[node]:
                people_behind[identifier].add(somebody)
        return {identifier for identifier, people in people_behind.items() if len(people) > most}

    def _forbid(
        self,
        links: Iterable[dict[str, str]],
        records: Records,
        identifiers: dict[Record, set[Node]],
    ) -> None:
        """Take from the second of a forbidden pair what both carry; note the merges that remain."""
        for row in self._people.values():
            if row.get("merged_into"):
                self._merged_into[(row["_id_space"], row["person_id"])] = (
                    row["_id_space"],
                    row["merged_into"],
                )
        of_person: dict[Node, list[Record]] = defaultdict(list)
        for node, row, _ in records:
            if row.get("person_id"):
                of_person[self._person_node(row)].append(node)
        for first, second, forced in _links(links):
            if forced:
                continue
            carried = set().union(*(identifiers[node] for node in of_person[first]))
            for node in of_person[second]:
                identifiers[node] = identifiers[node] - carried
            for one, other in ((first, second), (second, first)):
                if self._merged_into.get((one[1], one[2])) == (other[1], other[2]):
                    del self._merged_into[(one[1], one[2])]


def inquiry_node(row: Row) -> tuple[str, str, str]:
    """The node of an inquiry as a record."""
    return ("inquiry", row["_id_space"], row["inquiry_id"])


def _links(
    rows: Iterable[dict[str, str]],
) -> Iterable[tuple[tuple[str, str, str], tuple[str, str, str], bool]]:
    """The pairs of the seed `person_links`; true where the link is forced, false where it is forbidden."""
    for row in rows:
        first = ("person", row["id_space_a"].strip(), row["person_id_a"].strip())
        second = ("person", row["id_space_b"].strip(), row["person_id_b"].strip())
        yield (
            first,
            second,
            row["link"].strip() == "together",
        )
