"""Records of erased people, as ingest lets them through: what is left is needed to count them and names nobody."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Collection, Sequence

from dagster_project.entities import Entity
from dagster_project.sources.csv_records import Record
from dagster_project.sources.suppression import MASK, Pseudonym, Suppression

FREE_TEXT = frozenset({"disposition", "reason", "intent", "timeframe", "text_shown", "kind"})
"""Columns that a person fills in freely: an erased person's name may stand in them."""

Render = Callable[[Sequence[str]], str]
"""Cells as the text of a record in the dialect of its file."""


class Redactor:
    """Takes erased people out of the records of one file.

    `kept`: the places whose cells are needed to read an erased row again: they feed a column that names nobody, or a
    filter. `free`: those of them that feed free text.
    """

    def __init__(
        self,
        suppression: Suppression,
        entity: Entity,
        kept: Collection[int],
        free: Collection[int],
        render: Render,
    ) -> None:
        self._suppression, self._entity = suppression, entity
        self._kept, self._free, self._render = frozenset(kept), frozenset(free), render

    def erased(self, record: Record) -> Record:
        """An erased person's record: cells that name them are empty, free text is masked."""
        cells = [
            (self.masked(cell, own=True) if place in self._free else cell) if place in self._kept else ""
            for place, cell in enumerate(record.cells or ())
        ]
        return Record(record.line, self._render(cells), cells)

    def masked(self, text: str, *, own: bool) -> str:
        """A cell of free text; in an erased person's own row their name goes too."""
        masked = self._suppression.mask(text)
        return self._suppression.mask_names(masked) if own else masked

    def mentioned(self, record: Record) -> Record:
        """Somebody else's record, without the emails and phones of erased people that it mentions."""
        if not self._entity.person_columns or self._suppression.mask(record.text) == record.text:
            return record
        cells = [self._suppression.mask(cell) for cell in record.cells or ()]
        return Record(record.line, self._render(cells), cells)

    def unsplit(self, record: Record) -> Record:
        """A record that cannot be split into cells: all or nothing."""
        return Record(record.line, MASK, None) if self._suppression.mentions(record.text) else record


def renderer(delimiter: str) -> Render:
    """Cells as a record of CSV."""

    def render(cells: Sequence[str]) -> str:
        buffer = io.StringIO(newline="")
        csv.writer(buffer, delimiter=delimiter, lineterminator="").writerow(cells)
        return buffer.getvalue()

    return render


def as_text(pseudonym: Pseudonym) -> str:
    """A pseudonym as the raw store keeps it."""
    return json.dumps(pseudonym)


def as_pseudonym(text: str) -> Pseudonym:
    """The pseudonym that the raw store kept."""
    return Pseudonym(*json.loads(text))
