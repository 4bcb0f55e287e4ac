"""Cells as the text that raw keeps of a record, in the dialect of its file: what a record becomes that was changed."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from dagster_project.sources.formats.cells import to_json
from dagster_project.sources.records import Dialect


def record_text(dialect: Dialect, header: Sequence[str], cells: Sequence[str]) -> str:
    """The text of a record that reads as `cells` again (`open_stored`); without quotes, a delimiter becomes a space."""
    if dialect.format in ("json", "jsonl"):
        return to_json(dict(zip(header, cells, strict=True)))
    if dialect.format != "csv":
        return to_json(list(cells))
    buffer = io.StringIO(newline="")
    if not dialect.quote:
        return dialect.delimiter.join(" ".join(cell.replace(dialect.delimiter, " ").splitlines()) for cell in cells)
    csv.writer(
        buffer,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        escapechar=dialect.escape or None,
        lineterminator="\r\n",  # and nothing else makes a cell with a line break quoted
    ).writerow(cells)
    return buffer.getvalue().removesuffix("\r\n")
