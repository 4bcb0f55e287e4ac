"""Cells and files that leave the warehouse: nothing that somebody typed into a form runs in a spreadsheet."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from dashboards.components.formats import csv_cell

_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_LONGEST_CELL = 32_767  # what Excel holds


def text_of(value: object) -> str:
    """A value as plain text; null is empty."""
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def safe_csv(value: object) -> str:
    """A value as a cell of CSV; text that a spreadsheet would run as a formula is preceded by an apostrophe."""
    return str(csv_cell(value)) if isinstance(value, str) else text_of(value)


def safe_xlsx(sheet: Any, value: object) -> object:
    """A value as a cell of a write-only sheet: no zones, and text that stays text whatever it begins with.

    What Excel cannot hold (control characters, more than 32,767 characters) is replaced or cut.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    if not isinstance(value, str):
        return value
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=_NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", value)[:_LONGEST_CELL])
    cell.data_type = "s"
    cell.quotePrefix = len(csv_cell(value)) > len(value)  # or it becomes a formula when somebody edits it
    return cell


@contextmanager
def private_file(path: Path) -> Iterator[Path]:
    """A new file that only its owner may read (mode 0600), to be filled; it takes the place of `path` when it is whole.

    Raises OSError; then nothing is left behind.
    """
    fresh = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield fresh
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
