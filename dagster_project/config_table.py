"""`[[source.table]]`: how one kind of file becomes one entity, and what can be wrong in that."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from dagster_project.config_toml import one_line, shown
from dagster_project.config_values import (
    FALSE_WORDS,
    TRUE_WORDS,
    CellText,
    CellTexts,
    DurationWord,
    Loc,
    Part,
    RawNames,
    Text,
    TimeFormats,
    Whole,
    Zone,
    one_of,
    plain_text,
)
from dagster_project.entities import ENTITIES, Entity
from dagster_project.time_formats import FIRST_OF_TWO_DIGITS, format_problem


class Table(Part):
    """`[[source.table]]`: how one kind of file becomes one entity; docs/mapping.md explains each key."""

    entity: Text = Field(description="the name of an entity")
    file: Text = Field(description='a file name or pattern such as "calls*.csv"')
    encoding: Text | None = Field(None, description='an encoding such as "utf-8" or "windows-1252"')
    delimiter: Annotated[Text, Field(max_length=1)] | None = Field(None, description='one character such as ";"')
    quote: Annotated[Literal['"', "'", "none"], BeforeValidator(plain_text)] | None = Field(
        None, description="""one of '"', "'" and "none\""""
    )
    escape: Annotated[Literal["doubled", "backslash"], BeforeValidator(plain_text)] | None = Field(
        None, description='"doubled" or "backslash"'
    )
    sheet: Text | None = Field(None, description='the name of a sheet, or a pattern such as "Calls*"')
    decimal: Annotated[Literal[".", ","], BeforeValidator(plain_text)] = Field(".", description='"." or ","')
    timezone: Zone | None = Field(None, description="an IANA zone such as America/New_York")
    skip_lines: Annotated[Whole, Field(ge=0, le=1000)] = Field(0, description="a number of lines")
    columns: dict[str, RawNames] = Field({}, description="a table of canonical column = raw column")
    time_formats: TimeFormats = Field(
        {}, description='a list of formats such as ["%d.%m.%Y %H:%M"], or a table of lists by column'
    )
    values: dict[str, dict[str, CellText]] = Field({}, description="tables of raw word = canonical word, by column")
    durations: dict[str, DurationWord] = Field({}, description="seconds, milliseconds, minutes, hours, mm:ss or hh:mm")
    two_digit_years_from: Annotated[Whole, Field(ge=1900, le=2100)] = Field(
        FIRST_OF_TWO_DIGITS, description="a year from 1900 to 2100"
    )
    expressions: dict[str, Text] = Field({}, description="a table of canonical column = SQL expression")
    constants: dict[str, CellText] = Field({}, description="a table of canonical column = value")
    keep: dict[str, CellTexts] = Field({}, description="a table of raw column = values")
    drop: dict[str, CellTexts] = Field({}, description="a table of raw column = values")

    @property
    def raw_names(self) -> tuple[str, ...]:
        """Every raw column that feeds a canonical one, alone or in an expression."""
        named = [raw for raws in self.columns.values() for raw in raws]
        if self.expressions:
            from dagster_project.expressions import parse

            named += [raw for sql in self.expressions.values() for raw in parse(sql).columns]
        return tuple(dict.fromkeys(named))


def table_problems(table: Table) -> list[tuple[Loc, str]]:
    """What is wrong in a mapping, seen from the entity it feeds."""
    entity = ENTITIES.get(table.entity)
    if entity is None:
        return [(("entity",), f"found {shown(table.entity)}, expected {one_of(table.entity, list(ENTITIES))}")]
    return [
        *_name_problems(table, entity),
        *_word_problems(table, entity),
        *_reading_problems(table),
        *_expression_problems(table),
    ]


def _name_problems(table: Table, entity: Entity) -> Iterator[tuple[Loc, str]]:
    """Columns that the entity does not have, that are fed twice, or that are required and not fed."""
    known = list(entity.column_names)
    moments = [column.name for column in entity.columns if column.type in ("instant", "date")]
    durations = [column.name for column in entity.columns if column.type == "number"]
    for section, what, names in (
        ("columns", "column", known),
        ("values", "column", known),
        ("expressions", "column", known),
        ("constants", "column", known),
        ("time_formats", "instant or date", moments),
        ("durations", "duration", durations),
    ):
        for name in getattr(table, section):
            if name not in names and not (section == "time_formats" and name == "*"):
                yield (section, name), f"found no such {what} of {entity.name}, expected {one_of(name, names)}"
    for name in table.constants:
        if name in table.columns:
            yield ("constants", name), "found a constant beside a column, expected one of the two"
    for name in table.expressions:
        for section, other in (("columns", "a column"), ("constants", "a constant")):
            if name in getattr(table, section):
                yield ("expressions", name), f"found an expression beside {other}, expected one of the two"
    if table.columns:
        for name in entity.required:
            if not any(name in section for section in (table.columns, table.expressions, table.constants)):
                text = f"found nothing, expected the raw column of {entity.name}.{name}, which is required"
                yield ("columns", name), text


def _word_problems(table: Table, entity: Entity) -> Iterator[tuple[Loc, str]]:
    """Words that their column would refuse on every row."""
    for name, words in table.values.items():
        for word, value in words.items():
            text = _word_problem(entity, name, value)
            if text:
                yield ("values", name, word), text
    for name, value in table.constants.items():
        text = _word_problem(entity, name, value)
        if text:
            yield ("constants", name), text


def _reading_problems(table: Table) -> Iterator[tuple[Loc, str]]:
    """Time formats, encoding and file pattern."""
    for name, formats in table.time_formats.items():
        loc: Loc = ("time_formats",) if name == "*" else ("time_formats", name)
        for form in formats:
            wanted = format_problem(form)
            if wanted:
                yield loc, f"found {shown(form)}, expected {wanted}"
    if table.encoding is not None and not _is_encoding(table.encoding):
        yield ("encoding",), f'found {shown(table.encoding)}, expected an encoding such as "windows-1252"'
    if table.file.startswith(("/", "~")) or ".." in Path(table.file).parts:
        yield ("file",), f"found {shown(table.file)}, expected a pattern inside the source's path"


def _is_encoding(name: str) -> bool:
    """Whether Python decodes text of that encoding, piece by piece; `hex` and `zip` are none."""
    try:
        found = codecs.lookup(name)
        return found._is_text_encoding and found.incrementaldecoder is not None
    except (LookupError, ValueError):
        return False


def _expression_problems(table: Table) -> Iterator[tuple[Loc, str]]:
    """Expressions that are none, or of more than the cells of one row."""
    if not table.expressions:
        return
    from dagster_project.expressions import BadExpression, parse  # DuckDB takes its time to load

    for name, sql in table.expressions.items():
        try:
            parse(sql)
        except BadExpression as problem:
            yield ("expressions", name), f"found {shown(sql)} ({one_line(problem.reason)}), expected {problem}"


def _word_problem(entity: Entity, name: str, value: str) -> str | None:
    column = entity.by_name.get(name)
    word = value.strip().casefold()
    if column is None or not word:
        return None
    if column.type == "truth" and word not in TRUE_WORDS + FALSE_WORDS:
        return f"found {shown(value)}, expected true or false"
    if column.type == "choice" and word not in column.choices:
        return f"found {shown(value)}, expected {one_of(value, list(column.choices))}"
    return None
