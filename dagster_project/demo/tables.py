"""Files of the demo: rows of text, written the same way every time, as CSV, gzipped CSV, JSON Lines or a workbook."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

Row = list[str]
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


@dataclass
class Feed:
    """An entity that a file feeds, and what becomes of its rows there: the file's row of `quality.load_log`."""

    entity: str
    rows: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    exact_duplicates: int = 0
    superseded: int = 0
    filtered: int = 0

    @property
    def loaded(self) -> int:
        return self.rows - self.quarantined.total() - self.exact_duplicates - self.superseded - self.filtered


@dataclass
class Table:
    """One file (or sheet) of a system: a header and rows. A row that is one text alone is a line written as it is."""

    source: str
    file: str
    header: Row
    rows: list[Row]
    feeds: list[Feed] = field(default_factory=list)
    delimiter: str = ","
    sheet: str = ""

    @property
    def main(self) -> Feed:
        """The entity that most of its rows become."""
        return self.feeds[0]


def write(folder: Path, tables: Iterable[Table]) -> list[Path]:
    """Write every table below `folder`/<source>; the sheets of a workbook together. Returns the files."""
    books: dict[Path, list[Table]] = {}
    written = []
    for table in tables:
        path = folder / table.source / table.file
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".xlsx":
            books.setdefault(path, []).append(table)
            continue
        text = _json_lines(table) if path.suffix == ".jsonl" else _csv(table)
        path.write_bytes(gzip.compress(text, 6, mtime=0) if path.suffix == ".gz" else text)
        written.append(path)
    for path, sheets in books.items():
        path.write_bytes(_workbook(sheets))
    return sorted([*written, *books])


def _csv(table: Table) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=table.delimiter, lineterminator="\r\n")
    writer.writerow(table.header)
    writer.writerows(table.rows)
    return buffer.getvalue().encode()


def _json_lines(table: Table) -> bytes:
    """A dot in a column's name is a field of an object, `;` in a cell of `tags` a list; whole numbers are numbers."""
    paths = [name.split(".") for name in table.header]
    lines = []
    for row in table.rows:
        if len(row) == 1:
            lines.append(row[0])
            continue
        document: dict[str, object] = {}
        for path, cell in zip(paths, row, strict=True):
            place = document
            for step in path[:-1]:
                place = place.setdefault(step, {})  # type: ignore[assignment]
            place[path[-1]] = _json_value(path[-1], cell)
        lines.append(json.dumps(document, ensure_ascii=False))
    return ("\n".join(lines) + "\n").encode()


def _json_value(name: str, cell: str) -> object:
    if name == "tags":
        return [tag for tag in cell.split(";") if tag]
    if cell == "":
        return None
    return int(cell) if cell.isdigit() else cell


def _workbook(sheets: Sequence[Table]) -> bytes:
    """A workbook that is the same bytes whenever it is written: openpyxl notes the time, which is set back here."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for table in sheets:
        sheet = book.create_sheet(table.sheet)
        for row in (table.header, *table.rows):
            sheet.append(row)
    first = io.BytesIO()
    book.save(first)
    long_ago = datetime(*_LONG_AGO).isoformat().encode() + b"Z"  # noqa: DTZ001 - what a document's properties hold
    last = io.BytesIO()
    with zipfile.ZipFile(first) as given, zipfile.ZipFile(last, "w", zipfile.ZIP_DEFLATED) as fixed:
        for name in given.namelist():
            data = given.read(name)
            if name == "docProps/core.xml":
                for noted in (book.properties.created, book.properties.modified):
                    data = data.replace(f"{noted:%Y-%m-%dT%H:%M:%SZ}".encode(), long_ago)
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            fixed.writestr(entry, data)
    return last.getvalue()
