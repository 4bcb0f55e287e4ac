"""Records of erased people, as ingest lets them through: what is left is needed to count them and names nobody."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from dagster_project.entities import IDENTITY_ENTITIES, NAMING_COLUMNS, PERSON_COLUMNS, Entity
from dagster_project.sources.formats.writer import record_text
from dagster_project.sources.records import OpenTable, Record
from dagster_project.sources.suppression import MASK, Identity, Pseudonym, Suppression

FREE_TEXT = frozenset({"disposition", "reason", "intent", "timeframe", "text_shown", "kind"})
"""Columns that a person fills in freely: an erased person's name may stand in them."""

_UNSPLIT = re.compile(rf"{re.escape(MASK)} ([a-z_]+)(?:, (\d+ cells))?")

_IDENTIFIERS = ("id", "email", "phone")
Render = Callable[[Sequence[str]], str]
"""Cells as the text of a record in the dialect of its file."""

Texts = dict[str, Sequence[str] | None]
"""Canonical column -> its cells, one a record; None where nothing feeds it."""


class Suppress(NamedTuple):
    """Whom to leave out of a file: the list, the id space of the file's ids, and how its cells become text again."""

    suppression: Suppression
    id_space: str
    render: Render


class Redactor:
    """Takes erased people out of the records of one file.

    `feeds`: canonical column -> places of the cells it is made of; `filters`: places that rows are filtered by. Without
    `suppress` nobody is on the list, and only what the raw store says of a record counts.
    """

    def __init__(
        self,
        entity: Entity,
        feeds: Mapping[str, Sequence[int]],
        filters: Iterable[int],
        suppress: Suppress | None,
    ) -> None:
        self._entity, self._suppress = entity, suppress
        naming = {place for name in NAMING_COLUMNS for place in feeds.get(name, ())}
        telling = {place for name, places in feeds.items() if name not in NAMING_COLUMNS for place in places}
        self._kept = (telling | set(filters)) - naming
        self._free = {place for name in FREE_TEXT for place in feeds.get(name, ())}
        self._fed = telling | naming | set(filters)

    def unsplit(self, text: str, reason: str, found: str | None = None) -> str:
        """The text of a record that cannot be split into cells: all of it, or only why (`masked_before` reads that)."""
        if self._suppress is None or not self._suppress.suppression.mentions(text):
            return text
        return f"{MASK} {reason}" + (f", {found}" if found else "")

    def apply(
        self, records: Sequence[Record], texts: Texts, before: Mapping[int, str]
    ) -> tuple[list[Record], list[Pseudonym | None]]:
        """Take erased people out of `texts`; returns the records as they may be kept and shown, and the pseudonyms.

        `before`: line -> pseudonym of records, read from the raw store, that were an erased person's then.
        """
        shown = list(records)
        pseudonyms = self._pseudonyms(records, texts, before)
        if self._suppress is None and not any(pseudonyms):
            return shown, pseudonyms
        changed: dict[str, list[str]] = {}

        def put(name: str, row: int, text: str) -> None:
            if name in self._entity.by_name:
                cells = changed.setdefault(name, list(texts[name] or [""] * len(records)))
                cells[row] = text

        for row, (record, pseudonym) in enumerate(zip(records, pseudonyms, strict=True)):
            own = pseudonym is not None and pseudonym.own
            if self._suppress and record.line not in before:
                shown[row] = self._redacted(record, own=own)
                if shown[row] is not record:
                    for column in self._entity.columns:
                        cells = texts.get(column.name)
                        if cells and column.name in FREE_TEXT:
                            put(column.name, row, self._masked(cells[row], own=own))
                        elif cells and column.type not in _IDENTIFIERS and not own:
                            put(column.name, row, self._suppress.suppression.mask(cells[row]))
            if pseudonym:
                for name in NAMING_COLUMNS if own else ():
                    put(name, row, "")
                for name in ("person_id", "email", "phone", *(("merged_into",) if own else ())):
                    put(name, row, getattr(pseudonym, name) or "")
        texts.update(changed)
        return shown, pseudonyms

    def _pseudonyms(self, records: Sequence[Record], texts: Texts, before: Mapping[int, str]) -> list[Pseudonym | None]:
        found = [as_pseudonym(before[record.line]) if record.line in before else None for record in records]
        if self._suppress is None or not self._entity.person_columns:
            return found
        nothing = [""] * len(records)
        columns = [texts.get(name) or nothing for name in (*PERSON_COLUMNS, "merged_into")]
        find, id_space = self._suppress.suppression.find, self._suppress.id_space
        links = self._entity.name in IDENTITY_ENTITIES
        rows = ([text.strip() or None for text in row] for row in zip(*columns, strict=True))
        return [
            known or (find(Identity(id_space, *row), links=links) if any(row) else None)
            for known, row in zip(found, rows, strict=True)
        ]

    def _redacted(self, record: Record, *, own: bool) -> Record:
        """An erased person's record without what names them; of somebody else's, without what it says of the erased."""
        if self._suppress is None or not self._entity.person_columns:
            return record
        given = record.cells or []
        if own:
            cells = [
                (self._masked(cell, own=True) if place in self._free else cell) if place in self._kept else ""
                for place, cell in enumerate(given)
            ]
            if len(cells) == 1 and not cells[0]:
                cells = [MASK]  # the only column: a blank line would be no record any more
        else:
            is_mentioned = self._suppress.suppression.mask(record.text) != record.text
            cells = [self._suppress.suppression.mask(cell) for cell in given] if is_mentioned else list(given)
            for place, cell in enumerate(cells):
                if cell and (place in self._free or place not in self._fed):
                    cells[place] = self._suppress.suppression.mask_full_names(cell)
            if cells == given:
                return record
        return Record(record.line, self._suppress.render(cells), cells)

    def _masked(self, text: str, *, own: bool) -> str:
        """Free text without erased people's emails, phones and full names; in their own row, without any word of it."""
        return free_text(self._suppress.suppression, text, own=own) if self._suppress else text


def free_text(suppression: Suppression, text: str, *, own: bool) -> str:
    """Free text as it may stay in a row: of an erased person's `own`, or of somebody else's."""
    masked = suppression.mask(text)
    return suppression.mask_names(masked) if own else suppression.mask_full_names(masked)


def masked_before(text: str) -> tuple[str, str | None] | None:
    """The reason, and what was found, of a record from raw of which nothing else was kept."""
    match = _UNSPLIT.fullmatch(text)
    return (match[1], match[2]) if match else None


def renderer(opened: OpenTable) -> Render:
    """How cells become the text of a record of this file, as raw keeps it: read again, it gives the same cells."""
    return partial(record_text, opened.dialect, opened.header)


def as_text(pseudonym: Pseudonym) -> str:
    """A pseudonym as the raw store keeps it."""
    return json.dumps(pseudonym)


def as_pseudonym(text: str) -> Pseudonym:
    """The pseudonym that the raw store kept."""
    return Pseudonym(*json.loads(text))
