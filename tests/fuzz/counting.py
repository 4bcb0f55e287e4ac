"""How many rows a file holds, counted another way than the project counts them; None where nobody can say."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
import zlib

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.sources.report import FileReport

csv.field_size_limit(2**31)


def rows_in(name: str, content: bytes, report: FileReport, *, skip: int = 0) -> int | None:
    """The rows of a file, read in the encoding and dialect that its report tells; below `skip` lines and a header."""
    try:
        if name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                inside = [info for info in archive.infolist() if report.file == f"{name}/{info.filename}"]
                name, content = inside[0].filename, archive.read(inside[0])
        if name.casefold().endswith(".gz"):
            content = gzip.decompress(content)
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error, IndexError, RuntimeError, NotImplementedError):
        return None
    if report.format == "parquet":
        try:
            return int(pq.read_metadata(io.BytesIO(content)).num_rows)
        except (pa.ArrowException, OSError):
            return None
    if report.format == "xlsx":
        return None
    if report.encoding.startswith("utf-8, damaged"):
        return None
    text = content.decode(report.encoding)  # what is said of it must be true
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
    if report.format == "jsonl":
        return sum(1 for line in lines if line.strip())
    if report.format == "json":
        try:
            array = json.loads(text.strip().removeprefix("\ufeff"), strict=False)
        except (ValueError, RecursionError):
            return None
        return len(array) if isinstance(array, list) else None
    return _csv_rows([line for line in lines if line][skip:], report)


def _csv_rows(lines: list[str], report: FileReport) -> int | None:
    if any(f"\\{report.quote}" in line for line in lines) or any(len(line) > 100_000 for line in lines):
        return None  # an escape may have been found; a cell may be too long for its record to be believed
    while lines and not lines[0].strip():
        lines.pop(0)
    if lines and re.fullmatch(r'"?sep=[,;|\t]"?', lines[0].strip(), re.IGNORECASE):
        lines.pop(0)
        while lines and not lines[0].strip():
            lines.pop(0)
    quotes = csv.QUOTE_MINIMAL if report.quote else csv.QUOTE_NONE
    reader = csv.reader(lines, delimiter=report.delimiter, quotechar=report.quote or None, quoting=quotes, strict=True)
    try:
        return sum(1 for row in reader if len(row) > 1 or (row and row[0].strip())) - 1
    except csv.Error:
        return None
