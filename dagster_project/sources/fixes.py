"""The nearest thing that lets a row load: what to paste into leadhouse.toml, or what to change in the file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from dagster_project.config import Table
from dagster_project.entities import Column, Entity
from dagster_project.instants import Unreadable
from dagster_project.sources.convert import parse_decimal
from dagster_project.sources.mapping import Reject, shown_found

_NEAREST = re.compile(r"\(nearest: ([^()]+)\)")
_CLOCK = r"(?P<gap>,? +|T)(?P<hour>\d{1,2}):\d{2}(?P<seconds>:\d{2})?(?P<half> ?[AaPp][Mm])?"
_DIGITS = re.compile(
    rf"(\d{{1,2}}|\d{{4}})(?P<mark>[./ -])(\d{{1,2}})(?P=mark)(\d{{4}}|\d{{1,2}})(?:{_CLOCK})?", re.ASCII
)
_NAMED = re.compile(
    rf"(?P<first>\d{{1,2}}|[A-Za-z]{{3,9}})(?P<mark>[ ./-])(?P<second>\d{{1,2}}|[A-Za-z]{{3,9}})"
    rf"(?P<mark2>,? |[./-])(?P<year>\d{{4}}|\d{{2}})(?:{_CLOCK})?",
    re.ASCII,
)


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

    @property
    def raw_names(self) -> tuple[str, ...]:
        """The file's columns that feed the column."""
        return raw_names(self.table, self.reject.column or "")

    @property
    def place(self) -> str:
        """Those, in words."""
        return " or ".join(f'"{name}"' for name in self.raw_names)


def raw_names(table: Table | None, column: str) -> tuple[str, ...]:
    """The names under which a file carries a canonical column."""
    if table is not None and table.columns:
        return table.columns.get(column, ())
    return (column,)


def nearest_fix(entity: Entity, table: Table | None, reject: Reject, *, personal: bool = False) -> Fix:
    """The nearest fix of a row. `personal`: its cell may be shown as it is; else only where it can be nobody's name."""
    column = entity.by_name.get(reject.column or "")
    shown = (reject.found or "").strip() if personal else shown_found(reject)
    make = _FIXES.get(reject.reason, _in_the_file)
    return make(_Case(entity, table, reject, column, shown))


def _in_the_file(case: _Case) -> Fix:
    where = f"column {case.place}" if case.column is not None and case.raw_names else "the row"
    return Fix(f"mend {where} in the file: expected {case.reject.expected or 'another value'}")


def _missing(case: _Case) -> Fix:
    names = case.raw_names
    if not names:
        return Fix(f"give {case.reject.column} a value: name its raw column in [source.table.columns]")
    words = f"fill column {case.place} in the file"
    if case.table is None:
        return Fix(words)
    drop = "".join(f"\n{_text(name)} = [{_text('')}]" for name in names[:1])
    return Fix(
        f"{words}; or leave rows without it out by [source.table.drop]",
        f"# only if such rows are no {case.entity.name}: leave them out\n[source.table.drop]{drop}",
    )


def _word(case: _Case) -> Fix:
    column, expected = case.column, case.reject.expected or ""
    known = ("true", "false") if column is None or column.type == "truth" else column.choices
    close = _NEAREST.search(expected)
    target = close[1] if close and close[1] in known else known[0] if known else ""
    others = [word for word in known if word != target]
    choice = target if close or not others else " or ".join([target, *others])
    if case.table is None:
        return Fix(f"write {choice} in column {case.place} of the file")
    word = case.shown if case.shown == (case.reject.found or "").strip() else "<the word>"
    more = f"   # or {', '.join(others)}" if others and not close else ""
    name = f"[source.table.values.{case.reject.column}]"
    return Fix(f"map {_text(word)} to {choice} in {name}", f"{name}\n{_text(word)} = {_text(target)}{more}")


def _value(case: _Case) -> Fix:
    column = case.column
    if column is None or case.reject.expected == "a day not before date":
        return Fix(f"make {case.reject.column} the day of date or a later one, or leave it blank")
    if column.type in ("instant", "date"):
        return _moment(case, column)
    if column.type in ("money", "number", "count"):
        return _amount(case)
    return _in_the_file(case)


def _moment(case: _Case, column: Column) -> Fix:
    example = "2026-11-20" if column.type == "date" else "2026-11-20 14:30:00"
    given = case.table.time_formats if case.table else {}
    tried = {form for name in (column.name, "*") for form in given.get(name, ())}
    formats = [form for form in guessed_formats(case.reject.found or "") if form not in tried]
    if not formats:
        more = "" if case.table is None else ", or name its format in time_formats"
        return Fix(f"write column {case.place} as {example}{more}")
    told = " or ".join(_text(form) for form in formats)
    which = " (day or month first? other rows tell)" if len(formats) > 1 else ""
    if case.table is None:
        words = f"write column {case.place} as {example}, or give the file a [[source.table]] with time_formats {told}"
        return Fix(words + which)
    key = column.name if column.name in given else "*"
    listed = ", ".join(_text(form) for form in (*given.get(key, ()), formats[0]))
    toml = f"time_formats = [{listed}]"
    if set(given) - {"*"}:
        toml = f"[source.table.time_formats]\n{_text(key)} = [{listed}]"
    if len(formats) > 1:
        toml = f"# or {_text(formats[1])}: do the rows say the day or the month first?\n{toml}"
    return Fix(f"add {told} to time_formats{which}", toml)


def _amount(case: _Case) -> Fix:
    mark = case.table.decimal if case.table else "."
    other = "," if mark == "." else "."
    words = f"write column {case.place} as {case.reject.expected or 'a number'}"
    try:
        parse_decimal(case.reject.found or "", other)
    except Unreadable:
        return Fix(words)
    if case.table is None:
        return Fix(f"{words}, or give the file a [[source.table]] with decimal {_text(other)}")
    return Fix(
        f"the decimal mark of the table may be {_text(other)}: then decimal = {_text(other)}", f'decimal = "{other}"'
    )


def _width(case: _Case) -> Fix:
    return Fix(
        f"quote the cell that holds a delimiter, or add or take off delimiters, until it has {case.reject.expected}"
    )


def _quoting(case: _Case) -> Fix:
    return Fix('close the quoted cell, and write a quote inside one twice ("")')


def _conflict(case: _Case) -> Fix:
    names = ", ".join(name for column in case.entity.key for name in raw_names(case.table, column))
    return Fix(f"keep the right one of both rows, or give this one an id of its own in {names}")


def _currency(case: _Case) -> Fix:
    month = re.search(r"\d{4}-\d{2}", case.reject.expected or "")
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


def guessed_formats(text: str) -> list[str]:
    """Formats of `strptime` that read a moment as people write one, the likelier first; nothing where none does."""
    bare = text.strip()
    candidates = [*_digit_formats(bare), *_named_formats(bare)]
    return [form for form in dict.fromkeys(candidates) if _reads(bare, form)]


def _reads(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # noqa: DTZ007 - whether it fits is all that is asked
    except ValueError:
        return False
    return True


def _clock(found: re.Match[str]) -> str:
    if not found["hour"]:
        return ""
    seconds = ":%S" if found["seconds"] else ""
    if not found["half"]:
        return f"{found['gap']}%H:%M{seconds}"
    return f"{found['gap']}%I:%M{seconds}{' ' if found['half'].startswith(' ') else ''}%p"


def _digit_formats(text: str) -> list[str]:
    found = _DIGITS.fullmatch(text)
    if not found:
        return []
    mark, clock = found["mark"], _clock(found)
    if len(found[1]) == 4:
        return [f"%Y{mark}%m{mark}%d{clock}"]
    year = "%Y" if len(found[4]) == 4 else "%y"
    day_first, month_first = f"%d{mark}%m{mark}{year}{clock}", f"%m{mark}%d{mark}{year}{clock}"
    return [month_first, day_first] if mark == "/" else [day_first, month_first]


def _named_formats(text: str) -> list[str]:
    found = _NAMED.fullmatch(text)
    if not found or found["first"].isdigit() == found["second"].isdigit():
        return []
    year = "%Y" if len(found["year"]) == 4 else "%y"
    day, month = ("%d", "%{}") if found["first"].isdigit() else ("%{}", "%d")
    form = f"{day}{found['mark']}{month}{found['mark2']}{year}{_clock(found)}"
    return [next((name for name in (form.replace("%{}", "%b"), form.replace("%{}", "%B")) if _reads(text, name)), form)]
