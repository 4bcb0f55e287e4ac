"""The nearest thing that lets a row load: what to paste into leadhouse.toml, or what to change in the file.

What would read a cell stands in `expected`, after the semicolon; here it becomes lines of the configuration.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from dagster_project.config import Table
from dagster_project.entities import Column, Entity
from dagster_project.sources.rejects import Reject, shown_found

_NEAREST = re.compile(r"\(nearest: ([^()]+)\)")
_QUOTED = re.compile(r'"([^"]+)"')
_MONTH = re.compile(r"\d{4}-\d{2}")


@dataclass(frozen=True)
class Fix:
    """`words` on one line; `toml`, where it helps, what to paste below the file's `[[source.table]]`."""

    words: str
    toml: str = ""


class _Case(NamedTuple):
    """A row that was set aside, its column, how that is fed, and the found text as it may be shown."""

    entity: Entity
    table: Table | None
    reject: Reject
    column: Column | None
    shown: str
    expected: str
    hint: str

    @property
    def place(self) -> str:
        """The file's columns that feed the column, in words."""
        name = self.reject.column or ""
        if self.table is not None and name in self.table.expressions:
            return f"of the expression of {name}"
        return " or ".join(f'"{raw}"' for raw in _raw_names(self.table, name))


def _raw_names(table: Table | None, column: str) -> tuple[str, ...]:
    if table is not None and table.columns:
        return table.columns.get(column, ())
    return (column,)


def nearest_fix(entity: Entity, table: Table | None, reject: Reject, *, personal: bool = False) -> Fix:
    """The nearest fix of a row. `personal`: its cell may be shown as it is; else only where it can be nobody's name."""
    column = entity.by_name.get(reject.column or "")
    shown = (reject.found or "").strip() if personal else shown_found(reject)
    expected, _, hint = (reject.expected or "").partition("; ")
    make = _FIXES.get(reject.reason, _otherwise)
    return make(_Case(entity, table, reject, column, shown, expected, hint))


def _otherwise(case: _Case) -> Fix:
    where = f"column {case.place}" if case.column is not None and case.place else "the row"
    hint = f"; {case.hint}" if case.hint else ""
    return Fix(f"mend {where} in the file: expected {case.expected or 'another value'}{hint}")


def _missing(case: _Case) -> Fix:
    if case.table is None:
        return Fix(f"fill column {case.place} in the file")
    names = _raw_names(case.table, case.reject.column or "")
    if not names:
        return Fix(
            f"fill the cells {case.place} in the file" if case.place else f"give {case.reject.column} a raw column"
        )
    return Fix(
        f"fill column {case.place} in the file; or leave rows without it out by [source.table.drop]",
        f"# only if such rows are no {case.entity.name}: leave them out\n"
        f"[source.table.drop]\n{_text(names[0])} = [{_text('')}]",
    )


def _word(case: _Case) -> Fix:
    known = case.column.choices if case.column is not None and case.column.choices else ("true", "false")
    close = _NEAREST.search(case.expected)
    target = close[1] if close and close[1] in known else known[0]
    others = [word for word in known if word != target]
    choice = target if close else " or ".join([target, *others])
    if case.table is None:
        return Fix(f"write {choice} in column {case.place} of the file")
    word = case.shown if case.shown == (case.reject.found or "").strip() else "<the word>"
    more = "" if close else f"   # or {', '.join(others)}"
    name = f"[source.table.values.{case.reject.column}]"
    return Fix(f"map {_text(word)} to {choice} in {name}", f"{name}\n{_text(word)} = {_text(target)}{more}")


def _value(case: _Case) -> Fix:
    if case.expected == "a day not before date":
        return Fix("make date_to the day of date or a later one, or leave it blank")
    named = _QUOTED.findall(case.hint)
    if case.table is None or not named:
        return _otherwise(case)
    if "in time_formats" in case.hint:
        return Fix(case.hint, _time_formats(case.table, case.reject.column or "", named))
    if "[source.table.durations]" in case.hint:
        or_else = f"   # or {_text(named[1])}" if len(named) > 1 else ""
        return Fix(case.hint, f"[source.table.durations]\n{case.reject.column} = {_text(named[0])}{or_else}")
    if case.hint.startswith("decimal = "):
        return Fix(case.hint, f"decimal = {_text(named[0])}")
    return _otherwise(case)


def _time_formats(table: Table, column: str, named: list[str]) -> str:
    """The table's formats with the one that reads the cell, in the way in which the table has them."""
    given = table.time_formats
    key = column if column in given else "*"
    listed = ", ".join(_text(form) for form in (*given.get(key, ()), named[0]))
    toml = f"time_formats = [{listed}]"
    if set(given) - {"*"}:
        toml = f"[source.table.time_formats]\n{_text(key)} = [{listed}]"
    if len(named) > 1:
        toml = f"# or {_text(named[1])}: do the other rows say the day or the month first?\n{toml}"
    return toml


def _width(case: _Case) -> Fix:
    width = case.expected.partition(",")[0]
    return Fix(f"quote the cell that holds a delimiter, or add or take off delimiters, until it has {width}")


def _quoting(case: _Case) -> Fix:
    return Fix('close the quoted cell, and write a quote inside one twice ("")')


def _conflict(case: _Case) -> Fix:
    names = ", ".join(name for column in case.entity.key for name in _raw_names(case.table, column))
    return Fix(f"keep the right one of both rows, or give this one an id of its own in {names}")


def _currency(case: _Case) -> Fix:
    month = _MONTH.search(case.expected)
    currency = (case.reject.found or "").strip().upper()
    code = currency if re.fullmatch(r"[A-Z]{3}", currency) else "its currency"
    when = f" for {month[0]}" if month else ""
    return Fix(f"add the rate of {code}{when} to the seed fx_rates.csv (month,currency,rate)")


_FIXES: dict[str, Callable[[_Case], Fix]] = {
    "missing_required": _missing,
    "unknown_word": _word,
    "unreadable_value": _value,
    "wrong_width": _width,
    "bad_quoting": _quoting,
    "conflicting_id": _conflict,
    "unknown_currency": _currency,
}


def _text(text: str) -> str:
    """A text as TOML writes it; what does not print is written out."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in quoted)
