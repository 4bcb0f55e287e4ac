"""Excel workbooks (.xlsx): each sheet is a table, each row of it a record, read one after the other."""

from __future__ import annotations

import errno
import lzma
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import IO, Literal
from xml.etree.ElementTree import ParseError

from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils.datetime import MAC_EPOCH
from openpyxl.worksheet._reader import WorkSheetParser

from dagster_project.sources.formats.cells import JsonValue, array_record, native, to_json, to_text
from dagster_project.sources.formats.kinds import MAGIC, really
from dagster_project.sources.formats.limits import MEBIBYTE, check_size
from dagster_project.sources.records import Dialect, OpenTable, Record, UnreadableFile

MAX_ROWS = 1_048_576
"""Rows of a sheet in Excel."""
_LONGEST_ROW = 32 * MEBIBYTE  # of XML
_MAX_WHOLE = 256 * MEBIBYTE
"""The size of a part that openpyxl holds in memory as a whole: texts, styles."""

_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ParseError, LookupError, ArithmeticError),
    *(ValueError, TypeError, AttributeError, RuntimeError),
)


@contextmanager
def _told() -> Iterator[None]:
    """Whatever openpyxl says of a broken workbook becomes one line."""
    broken = "the Excel workbook is broken or cut off: open it in Excel and save it again"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # a place in the file that cannot be
            raise
        raise UnreadableFile(broken) from error
    except _BROKEN as error:
        raise UnreadableFile(broken) from error


@dataclass(frozen=True)
class _Book:
    """A workbook of which texts and styles are read, and no sheet yet; `sheets` are parts by name."""

    reader: ExcelReader
    sheets: dict[str, str]

    @property
    def epoch(self) -> Literal[1900, 1904]:
        return 1904 if self.reader.wb.epoch == MAC_EPOCH else 1900

    def rows(self, sheet: str, skip: int) -> Iterator[tuple[int, list[JsonValue]]]:
        """(row of the sheet, cells up to the last that is filled) of rows that are not blank, below the first `skip`.

        openpyxl's own parser, without its grid: a wrong dimension of the sheet, or one cell far out, costs nothing.
        """
        book = self.reader.wb
        with self.reader.archive.open(self.sheets[sheet]) as file:
            watched = _Watched(file)
            parser = WorkSheetParser(
                watched, self.reader.shared_strings, True, book.epoch, book._date_formats, book._timedelta_formats
            )
            for count, (row, cells) in enumerate(parser.parse(), 1):
                watched.size = 0
                parser.row_dimensions.clear()
                if max(count, row) > MAX_ROWS:
                    raise UnreadableFile(f"found more than {MAX_ROWS:,} rows in a sheet, expected what Excel can hold")
                if row <= skip:
                    continue
                filled = {cell["column"]: cell["value"] for cell in cells if cell["value"] not in (None, "")}
                if any(str(value).strip() for value in filled.values()):
                    yield row, [_value(filled.get(place)) for place in range(1, max(filled) + 1)]


@contextmanager
def _workbook(path: Path) -> Iterator[_Book]:
    """Open a workbook. Raises OSError and UnreadableFile."""
    with _told(), open(path, "rb") as file:
        problem = really(file.read(MAGIC), "xlsx")
        if problem:
            raise UnreadableFile(problem)
        with zipfile.ZipFile(file) as archive:
            _check(archive)
        reader = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
        reader.read_manifest()
        reader.read_strings()
        reader.read_workbook()
        apply_stylesheet(reader.archive, reader.wb)
        sheets = {
            sheet.name: part.target
            for sheet, part in reader.parser.find_sheets()
            if part.target in reader.valid_files and "chartsheet" not in part.Type
        }
        with reader.archive:
            yield _Book(reader, sheets)


def _check(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    for part in parts:
        check_size(part.file_size, part.compress_size, "the Excel workbook")
        if part.file_size > _MAX_WHOLE and "worksheets/" not in part.filename:
            raise UnreadableFile("the Excel workbook holds more than 256 MiB of texts, expected CSV or Parquet instead")
    check_size(sum(part.file_size for part in parts), sum(part.compress_size for part in parts), "the Excel workbook")


def sheet_headers(path: Path, skip: int = 0) -> dict[str, list[str]]:
    """The header of each sheet that has one, by name, in the order of the workbook. Raises OSError, UnreadableFile."""
    headers = {}
    with _workbook(path) as book:
        for sheet in book.sheets:
            first = next(book.rows(sheet, skip), None)
            if first is not None:
                headers[sheet] = [to_text(value) for value in first[1]]
    return headers


def open_xlsx(path: Path, sheet: str, mark: str, skip: int = 0) -> OpenTable | None:
    """A sheet below its first row that is not blank (after `skip` rows); None where there is none.

    Dates become ISO text, cells with a formula what it gave last, errors such as `#N/A` their text.
    """
    with _workbook(path) as book:
        epoch = book.epoch
        first = next(book.rows(sheet, skip), None)
    if first is None:
        return None
    row, header = first
    return OpenTable(
        [to_text(value) for value in header],
        to_json(header),
        Dialect("xlsx", excel_epoch=epoch),
        _records(path, sheet, mark, row, len(header)),
    )


def _records(path: Path, sheet: str, mark: str, header_row: int, width: int) -> Iterator[Record]:
    with _workbook(path) as book:
        for row, values in book.rows(sheet, header_row):
            yield array_record(row, values + [None] * (width - len(values)), mark)


class _Watched:
    """A sheet's XML; a row that does not end is not read into memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self.size += len(chunk)
        if self.size > _LONGEST_ROW:
            raise UnreadableFile("a row of the Excel workbook is longer than 32 MiB, expected a table")
        return chunk


def _value(value: object) -> JsonValue:
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return value.replace("_x000D_", "\r") if isinstance(value, str) else native(value)
