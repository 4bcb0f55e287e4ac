"""From a file's columns to an entity's: a plan is made once a file from its header, then applied batch by batch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from dagster_project.config import Table, nearest
from dagster_project.entities import Column, ColumnType, Entity
from dagster_project.expressions import Evaluator, Expression, parse
from dagster_project.sources.convert import Converter, Rules, Trouble, Value, joined_flags
from dagster_project.sources.rates import Rates
from dagster_project.sources.records import EXPECTED, Record
from dagster_project.sources.redaction import Redactor, Suppress, as_text, masked_before
from dagster_project.sources.rejects import Reject, is_column_name
from dagster_project.sources.suppression import MASK

_ARROW: Mapping[ColumnType, pa.DataType] = {
    "text": pa.string(),
    "id": pa.string(),
    "choice": pa.string(),
    "email": pa.string(),
    "phone": pa.string(),
    "instant": pa.timestamp("us", "UTC"),
    "date": pa.date32(),
    "truth": pa.bool_(),
    "money": pa.decimal128(18, 6),
    "number": pa.decimal128(18, 6),
    "count": pa.int64(),
}


_MISSING = Trouble(
    "missing_required",
    "a value; [source.table.columns] may name a second raw column for it, [source.table.drop] leaves such rows out",
)
_NOT_COMPUTED = Trouble(
    "unreadable_value",
    "cells that its expression can be computed from; TRY_CAST instead of CAST makes such a value empty",
)


@dataclass
class Batch:
    """Converted rows of one batch of records: `rows` holds the entity's columns, `_line`, `_time_flags`, `_hash`.

    `records` are those that were given, without erased people; `persons` holds the identifiers as given and `erased`
    the pseudonyms of erased people, one value a record. All three are what the raw store keeps.
    """

    rows: pa.Table
    rejects: list[Reject]
    filtered: int
    persons: dict[str, list[str | None]]
    records: list[Record]
    erased: list[str | None]


@dataclass
class HeaderFindings:
    """What a header lacks or has too much of, in words without the file's name."""

    critical: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Plan:
    """How the cells of one file become an entity's columns.

    Without a table, or with one that names no columns, the header carries canonical names (any case). `findings` must
    be free of criticals before `convert` is called. `feeds` tells which cells of a record, by place, a column is made
    of, alone or in an expression; one that is constant or not fed is not in it.
    """

    def __init__(
        self,
        entity: Entity,
        table: Table | None,
        header: Sequence[str],
        rules: Rules,
        rates: Rates,
        suppress: Suppress | None = None,
    ) -> None:
        self.entity = entity
        self.width = len(header)
        self.findings = HeaderFindings()
        self._rates = rates
        self._header = [name.strip() for name in header]
        self.layout = digest(self._header)
        self._table = table or Table.model_construct(entity=entity.name, file="", columns={})
        self._places = self._named() if self._table.columns else self._canonical()
        self._keep, self._drop = self._filters(self._table.keep), self._filters(self._table.drop)
        self._expressions = self._expressed()
        self.feeds = self._places | {name: places for name, (_, places) in self._expressions.items()}
        self._evaluator: Evaluator | None = None
        self._converters = {
            column.name: self._converter(column, rules, mapped=bool(table)) for column in entity.columns
        }
        filters = [place for place, _ in (*self._keep, *self._drop)]
        self._redactor = Redactor(entity, self.feeds, filters, suppress)
        self.schema = pa.schema(
            [
                *(pa.field(column.name, _ARROW[column.type]) for column in entity.columns),
                pa.field("_line", pa.int64()),
                pa.field("_time_flags", pa.string()),
                pa.field("_hash", pa.int64()),
            ]
        )

    def _converter(self, column: Column, rules: Rules, *, mapped: bool) -> Converter:
        words = self._table.values.get(column.name)
        if column.name in self._expressions:
            kind = self._expressions[column.name][0].kind
            if (
                kind != "text"
            ):  # DuckDB prints numbers with a point and moments in ISO 8601, whatever the file's own way
                rules = replace(rules, decimal=".", formats={} if kind == "moment" else rules.formats)
        return Converter(column, rules, words, mapped=mapped)

    # -- the header

    def _positions(self, name: str) -> list[int]:
        exact = [place for place, cell in enumerate(self._header) if cell == name.strip()]
        return exact or [place for place, cell in enumerate(self._header) if cell.casefold() == name.strip().casefold()]

    def _place(self, name: str, wanted_for: str, *, required: bool) -> int | None:
        places = self._positions(name)
        if len(places) > 1:
            self.findings.critical.append(f'column "{name}" stands {len(places)} times in the header, expected once')
        if places:
            return places[0]
        shown = [cell for cell in self._header if cell and is_column_name(cell)]
        close = nearest(name, shown) if self._knows_a_column() else None  # else it may be a row of somebody's data
        text = f'column "{name}" ({wanted_for}) is not in the header' + (f', nearest is "{close}"' if close else "")
        (self.findings.critical if required else self.findings.warnings).append(text)
        return None

    def _knows_a_column(self) -> bool:
        names = self._table.raw_names or self.entity.column_names
        return any(self._positions(name) for name in names)

    def _canonical(self) -> dict[str, tuple[int, ...]]:
        places: dict[str, tuple[int, ...]] = {}
        for column in self.entity.columns:
            found = self._positions(column.name)
            if column.name in self._table.constants or column.name in self._table.expressions:
                continue
            if len(found) > 1:
                self.findings.critical.append(
                    f'column "{column.name}" stands {len(found)} times in the header, expected once'
                )
            if found:
                places[column.name] = (found[0],)
            elif column.required:
                self._place(column.name, "required", required=True)
        if self.findings.critical:
            return places  # this may be no header but a row with somebody's data: not shown
        known = {name.casefold() for name in self.entity.column_names}
        table = self._table
        used = {name.strip().casefold() for name in (*table.keep, *table.drop, *table.raw_names)}
        for place, cell in enumerate(self._header):
            if cell and cell.casefold() not in known | used and cell not in self._header[:place]:
                close = nearest(cell, self.entity.column_names)
                shown = f'"{cell}"' if is_column_name(cell) else str(place + 1)
                self.findings.warnings.append(
                    f"column {shown} is not known and ignored" + (f", nearest known is {close}" if close else "")
                )
        return places

    def _named(self) -> dict[str, tuple[int, ...]]:
        places: dict[str, tuple[int, ...]] = {}
        for name, raw_names in self._table.columns.items():
            required = self.entity.by_name[name].required
            present = [raw for raw in raw_names if self._positions(raw)] or raw_names[:1]
            found = [self._place(raw, name, required=required) for raw in present]
            places[name] = tuple(place for place in found if place is not None)
        return places

    def _expressed(self) -> dict[str, tuple[Expression, tuple[int, ...]]]:
        """Each column's expression, and the places of the raw columns in it."""
        expressed: dict[str, tuple[Expression, tuple[int, ...]]] = {}
        for name, sql in self._table.expressions.items():
            expression = parse(sql)
            found = [self._place(raw, f"in the expression of {name}", required=True) for raw in expression.columns]
            expressed[name] = (expression, tuple(place for place in found if place is not None))
        return expressed

    def _filters(self, wanted: Mapping[str, tuple[str, ...]]) -> list[tuple[int, frozenset[str]]]:
        filters = []
        for name, values in wanted.items():
            place = self._place(name, "a row filter", required=True)
            if place is not None:
                filters.append((place, frozenset(value.strip().casefold() for value in values)))
        return filters

    # -- the rows

    @property
    def warnings(self) -> list[str]:
        """What is odd about whole columns, once every batch is converted."""
        return [converter.warning for converter in self._converters.values() if converter.warning]

    def convert(self, records: Sequence[Record], erased: Mapping[int, str] | None = None) -> Batch:
        """Filter and convert one batch. Every record is in `rows`, in `rejects` or counted in `filtered`.

        `erased`: line -> pseudonym of records, read from the raw store, that were an erased person's then.
        """
        rejects: list[Reject] = []
        whole: list[Record] = []
        of_whole: list[int] = []
        let_through = list(records)
        for position, record in enumerate(records):
            refused = self._unsplit(record)
            if refused is None:
                whole.append(record)
                of_whole.append(position)
                continue
            rejects.append(refused)
            if refused.text != record.text:
                let_through[position] = Record(record.line, refused.text, None, record.problem)
        persons: dict[str, list[str | None]] = {name: [None] * len(records) for name in ("person_id", "email", "phone")}
        if not whole:
            return Batch(self.schema.empty_table(), rejects, 0, persons, let_through, [None] * len(records))
        cells_by_place = list(zip(*[record.cells for record in whole if record.cells is not None], strict=True))
        size = len(whole)
        computed, troubles = self._computed(cells_by_place)
        texts: dict[str, Sequence[str] | None] = {
            name: computed[name] if name in computed else self._texts(name, cells_by_place, size)
            for name in self.entity.column_names
        }
        shown, stands_for = self._redactor.apply(whole, texts, erased or {})
        pseudonyms: list[str | None] = [None] * len(records)
        for position, record, pseudonym in zip(of_whole, shown, stands_for, strict=True):
            let_through[position] = record
            pseudonyms[position] = as_text(pseudonym) if pseudonym else None
        for name in self.entity.person_columns:
            for position, text in zip(of_whole, texts[name] or (), strict=False):
                persons[name][position] = text.strip() or None
        kept = self._kept(cells_by_place, size)
        values = self._values(texts, size, troubles)
        self._missing(values, texts, troubles)
        self._spend(values, troubles)
        for row, (name, trouble) in sorted(troubles.items()):
            if kept[row]:
                record, feeding = shown[row], texts[name]
                is_shown = (
                    stands_for[row] is None and MASK not in record.text
                )  # now, and when it is read again from raw
                found = feeding[row].strip() if feeding and is_shown else None
                rejects.append(Reject(record.line, record.text, trouble.reason, name, found, trouble.expected))
        good = [row for row in range(size) if kept[row] and row not in troubles]
        flags = self._flags(texts, size)
        arrays: list[pa.Array] = []
        for column in self.entity.columns:
            converted = values[column.name]
            chosen = converted if len(good) == size else [converted[row] for row in good]
            arrays.append(pa.array(chosen, _ARROW[column.type]))
        arrays.append(pa.array([whole[row].line for row in good], pa.int64()))
        arrays.append(pa.array([flags[row] for row in good], pa.string()))
        hashed = digest if self.entity.key_optional else hash  # one that is kept must be the same in every process
        cells = (tuple(shown[row].cells or ()) for row in good)  # as they are when they are read again from raw
        arrays.append(pa.array(map(hashed, cells), pa.int64()))
        rows = pa.Table.from_arrays(arrays, schema=self.schema)
        return Batch(rows, rejects, size - sum(kept), persons, let_through, pseudonyms)

    def _unsplit(self, record: Record) -> Reject | None:
        """The reject of a record without the cells that the header has, masked where it names an erased person."""
        expected = f"{self.width} cells, as the header has; quotes around one that holds the delimiter"
        if before := masked_before(record.text):
            reason, found = before
            wanted = {str(problem): text for problem, text in EXPECTED.items()} | {"wrong_width": expected}
            return Reject(record.line, record.text, reason, None, found, wanted.get(reason))
        if record.cells is None:
            text = self._redactor.unsplit(record.text, record.problem)
            return Reject(record.line, text, record.problem, expected=EXPECTED[record.problem])
        if len(record.cells) == self.width:
            return None
        found = f"{len(record.cells)} cells"
        text = self._redactor.unsplit(record.text, "wrong_width", found)
        return Reject(record.line, text, "wrong_width", found=found, expected=expected)

    def _computed(
        self, cells: list[tuple[str, ...]]
    ) -> tuple[dict[str, Sequence[str]], dict[int, tuple[str, Trouble]]]:
        """What the expressions give in each row, as text, and the rows in which one fails."""
        texts: dict[str, Sequence[str]] = {}
        troubles: dict[int, tuple[str, Trouble]] = {}
        for name, (expression, places) in self._expressions.items():
            self._evaluator = self._evaluator or Evaluator()
            texts[name], failed = self._evaluator.results(expression, [cells[place] for place in places])
            for row in failed:
                troubles.setdefault(row, (name, _NOT_COMPUTED))
        return texts, troubles

    def _texts(self, name: str, cells: list[tuple[str, ...]], size: int) -> Sequence[str] | None:
        """Cells that feed a column; None where nothing feeds it."""
        constant = self._table.constants.get(name)
        if constant is not None:
            return [constant] * size
        places = self._places.get(name, ())
        if not places:
            return None
        if len(places) == 1:
            return cells[places[0]]
        return [
            next((text for text in alternatives if text.strip()), "")
            for alternatives in zip(*(cells[place] for place in places), strict=True)
        ]

    def _kept(self, cells: list[tuple[str, ...]], size: int) -> list[bool]:
        kept = [True] * size
        for wanted, filters in ((True, self._keep), (False, self._drop)):
            for place, words in filters:
                verdict = {text: (text.strip().casefold() in words) is wanted for text in set(cells[place])}
                kept = [before and verdict[text] for before, text in zip(kept, cells[place], strict=True)]
        return kept

    def _values(
        self, texts: Mapping[str, Sequence[str] | None], size: int, troubles: dict[int, tuple[str, Trouble]]
    ) -> dict[str, list[Value]]:
        values: dict[str, list[Value]] = {}
        for name, converter in self._converters.items():
            cells = texts[name]
            if cells is None:
                values[name] = [None] * size
                continue
            values[name] = converter.convert(cells)
            if converter.troubles:
                known = converter.troubles
                for row, text in enumerate(cells):
                    if text in known:
                        troubles.setdefault(row, (name, known[text]))
        return values

    def _missing(
        self,
        values: Mapping[str, list[Value]],
        texts: Mapping[str, Sequence[str] | None],
        troubles: dict[int, tuple[str, Trouble]],
    ) -> None:
        for name in self.entity.required:
            converted = values[name]
            if None in converted:
                for row, value in enumerate(converted):
                    if value is None:
                        troubles.setdefault(row, (name, _MISSING))

    def _spend(self, values: Mapping[str, list[Value]], troubles: dict[int, tuple[str, Trouble]]) -> None:
        """Rules of spend lines: a period that ends before it begins, a currency without a rate for its months."""
        if self.entity.name != "spend":
            return
        currencies = values["currency"]
        for row, (first, last, currency) in enumerate(zip(values["date"], values["date_to"], currencies, strict=True)):
            if not isinstance(first, int) or row in troubles:
                continue
            end = last if isinstance(last, int) else first
            if end < first:
                troubles[row] = ("date_to", Trouble("unreadable_value", "a day not before date"))
            elif isinstance(currency, str):
                currencies[row] = currency.upper()
                missing = self._rates.missing(currency.upper(), first)
                if missing:
                    troubles[row] = (
                        "currency",
                        Trouble("unknown_currency", f"{self._rates.home}, or a rate for {missing} in seed fx_rates"),
                    )

    def _flags(self, texts: Mapping[str, Sequence[str] | None], size: int) -> list[str | None]:
        flagged: list[tuple[str, Sequence[str | None]]] = []
        for name, converter in self._converters.items():
            cells = texts[name]
            if converter.flags and cells is not None:
                flagged.append((name, [converter.flags.get(text) for text in cells]))
        return joined_flags(flagged, size)


def digest(cells: Sequence[str]) -> int:
    """A whole number of 64 bits that is the same for the same cells, now and later."""
    content = json.dumps(cells, ensure_ascii=True).encode()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big", signed=True)
