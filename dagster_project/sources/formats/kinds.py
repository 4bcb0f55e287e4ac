"""Which format a file is: by its name, and by what its first bytes say it really is."""

from __future__ import annotations

import re

from dagster_project.sources.records import Format

SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
}
OLD_EXCEL = ".xls"
ZIP, GZIP = ".zip", ".gz"

MAGIC = 8192
"""So many first bytes tell what a file is."""

_SHEET = re.compile(r"(?P<file>.*\.xlsx(\.gz)?)#(?P<sheet>.+)", re.IGNORECASE | re.DOTALL)

_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|table)", re.IGNORECASE)
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml", re.IGNORECASE)
_NAMES: dict[Format, str] = {
    "csv": "CSV",
    "jsonl": "JSON Lines",
    "json": "JSON",
    "parquet": "Parquet",
    "xlsx": "an Excel workbook",
}


def suffix(name: str) -> str:
    """The last suffix of a file's name, lower case: `.csv`, or nothing."""
    stem, dot, last = name.rpartition("/")[2].rpartition(".")
    return f".{last.casefold()}" if dot and stem else ""


def without_gzip(name: str) -> str:
    """`touches.csv` of `touches.csv.gz`."""
    return name[: -len(GZIP)] if suffix(name) == GZIP else name


def is_data(name: str) -> bool:
    """Whether a name is one that exports have, readable or not."""
    last = suffix(without_gzip(name))
    return suffix(name) == GZIP or last in SUFFIXES or last in (OLD_EXCEL, ZIP)


def format_of(name: str) -> Format:
    """The format of a file by its name (with or without `.gz`); anything unknown is read as CSV."""
    return SUFFIXES.get(suffix(without_gzip(name)), "csv")


def split_sheet(unit: str) -> tuple[str, str | None]:
    """The file and the sheet of `touches.xlsx#Feb`; other names are files."""
    match = _SHEET.fullmatch(unit)
    return (match["file"], match["sheet"]) if match else (unit, None)


def really(first: bytes, named: Format) -> str | None:
    """What a file is by its first bytes, and what to do, where that is not the format that its name says."""
    found = _really(first, named)
    if found is None:
        return (
            None if named in ("csv", "jsonl", "json") else f"it is not {_NAMES[named]}, expected one; export it again"
        )
    what, fits, to_do = found
    return None if fits == named else f"it is {what}, not {_NAMES[named]}: {to_do}"


def _really(first: bytes, named: Format) -> tuple[str, Format | None, str] | None:
    """(what it is, its format, what to do); None for text and what is not known."""
    if first.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        if named == "xlsx" or b"[Content_Types].xml" in first or b"xl/" in first:
            return "an Excel workbook", "xlsx", "give it the suffix .xlsx"
        return "a zip archive", None, "give it the suffix .zip"
    if first.startswith(b"PAR1"):
        return "Parquet", "parquet", "give it the suffix .parquet"
    if first.startswith(b"\x1f\x8b"):
        return "compressed with gzip", None, "add the suffix .gz"
    if first.startswith(b"%PDF-"):
        return "a PDF", None, "export it as CSV or XLSX"
    if first.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return "an old Excel file, or one with a password", None, "save it as .xlsx without a password"
    if _HTML.match(first):
        return "a web page", None, "export it again as CSV or XLSX (a login page, or a table saved as .xls, looks so)"
    if _XML.match(first):
        return "XML", None, "save it as CSV or .xlsx"
    return None
