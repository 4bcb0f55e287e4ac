"""What every format becomes: a header and records, each with its text as it is kept in raw, and its cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

HUGE_CELL = 128 * 1024
"""Characters: a longer cell is no value of any column."""

Format = Literal["csv", "jsonl", "json", "parquet", "xlsx"]

Problem = Literal["bad_quoting", "huge_cell", "bad_encoding", "bad_json"]
"""Why a record has no cells; the reason in the quarantine."""

EXPECTED: dict[Problem, str] = {
    "bad_quoting": "quotes that are closed and followed by the delimiter; one inside a cell is doubled",
    "huge_cell": f"cells of at most {HUGE_CELL:,} characters",
    "bad_encoding": "UTF-8, or the table's key encoding set",
    "bad_json": "one JSON object in which each key stands once",
}


class Record(NamedTuple):
    """One record: where it stands, its text, its cells.

    `line` is the physical line on which it starts (CSV, JSON Lines), the row of the sheet (XLSX), the number of the
    row or object (Parquet, a JSON array), from 1. `text` is, of CSV and JSON, as it stands in the file, without the
    last line break; of Parquet and XLSX a JSON array of the cells. `cells` is None where it cannot be read: `problem`
    says why.
    """

    line: int
    text: str
    cells: list[str] | None
    problem: Problem = "bad_quoting"


@dataclass(frozen=True)
class Dialect:
    """How a file is written. `quote` and `escape` may be empty: no quotes; a quote inside quotes is doubled.

    `excel_epoch`: the year from which a workbook counts days.
    """

    format: Format = "csv"
    delimiter: str = ""
    quote: str = ""
    escape: str = ""
    excel_epoch: Literal[1900, 1904] | None = None

    def __str__(self) -> str:
        if self.format != "csv":
            return self.format
        words = ["csv", f'"{self.delimiter}"' if self.delimiter != "\t" else "tab"]
        if self.quote != '"':
            words.append(f"quote {self.quote}" if self.quote else "no quotes")
        if self.escape:
            words.append(f"escape {self.escape}")
        return " ".join(words)


@dataclass(frozen=True)
class OpenTable:
    """A header and the records below it. `header_text` is what raw keeps of the header, as `Record.text`."""

    header: list[str]
    header_text: str
    dialect: Dialect
    records: Iterator[Record]


class UnreadableFile(Exception):  # noqa: N818 - named for what it tells
    """A file that cannot be read at all: one line without the file's name."""
