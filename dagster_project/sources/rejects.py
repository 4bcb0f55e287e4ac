"""Rows that cannot be read: what is known of each, and how much of it a message may show."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dagster_project.entities import Column


@dataclass(frozen=True)
class Reject:
    """A row that cannot be read: where it stands, its text, the column and what was found and expected there."""

    line: int
    text: str
    reason: str
    column: str | None = None
    found: str | None = None
    expected: str | None = None


def conflict(line: int, text: str, key: Iterable[Column], first_line: int) -> Reject:
    """A row whose id stands with other cells on an earlier line of its file."""
    names = ", ".join(column.name for column in key)
    return Reject(line, text, "conflicting_id", names, f"the {names} of line {first_line} again", "an id of its own")


_MANY_DIGITS = 5
"""So many may be a phone number."""
_LONGEST_NAME = 60
"""Characters of a column's name in a message."""

_WORD = re.compile(r"[^\W\d_]+(?:[_-][^\W\d_]+)*")
_MASKED = frozenset({"unreadable_value", "unknown_word", "unknown_currency"})
"""Reasons of which `found` is a cell; of the others it is words of this program."""


def shown_found(reject: Reject) -> str:
    """What was found, as a message may show it: of a cell, which may be anybody's name, only the shape.

    Digits become 9 and letters a. A cell without letters and with few digits, and a lower-case word where one of a
    closed list was expected, are shown as they are; quarantine holds the rest.
    """
    text = " ".join((reject.found or "").split())
    short = text if len(text) <= 40 else text[:37] + "..."
    short = "".join(letter if letter.isprintable() else "?" for letter in short)
    if reject.reason not in _MASKED:
        return short
    if reject.reason == "unknown_word" and len(text) <= 15 and text == text.lower() and _WORD.fullmatch(text):
        return short
    if not any(letter.isalpha() for letter in short) and _digits(short) < _MANY_DIGITS:
        return short
    return "".join("9" if c.isdigit() else "a" if c.isalpha() else c for c in short)


def _digits(text: str) -> int:
    return sum(letter.isdigit() for letter in text)


def is_column_name(cell: str) -> bool:
    """Whether a cell of the header may be shown: not where it could be a person's name, email or number, or no name."""
    capitalised = sum(word[:1].isupper() for word in cell.split())
    is_name = len(cell) <= _LONGEST_NAME and cell.isprintable()
    return is_name and capitalised < 2 and "@" not in cell and _digits(cell) < _MANY_DIGITS
