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


_TELLS: tuple[tuple[bytes, str, Format | None, str], ...] = (
    (rb"PK\x03\x04.*(\[Content_Types\]\.xml|xl/)", "an Excel workbook", "xlsx", "give it the suffix .xlsx"),
    (rb"PK(\x03\x04|\x05\x06)", "a zip archive", None, "give it the suffix .zip"),
    (rb"PAR1[^\x20-\x7e\r\n]", "Parquet", "parquet", "give it the suffix .parquet"),
    (rb"\x1f\x8b", "compressed with gzip", None, "add the suffix .gz"),
    (rb"%PDF-", "a PDF", None, "export it as CSV or XLSX"),
    (
        rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Excel file, or one with a password",
        None,
        "save it as .xlsx without a password",
    ),
    (
        rb"(\xef\xbb\xbf)?\s*<(!doctype html|html|head|table)",
        "a web page",
        None,
        "export it again as CSV or XLSX (a login page looks so, and a table saved as .xls)",
    ),
    (rb"(\xef\xbb\xbf)?\s*<\?xml", "XML", None, "save it as CSV or .xlsx"),
)
"""How the first bytes begin, what that is, of which format, and what to do."""


def really(first: bytes, named: Format) -> str | None:
    """What a file is by its first bytes, and what to do, where that is not the format that its name says."""
    for pattern, what, fits, to_do in _TELLS:
        if re.match(pattern, first, re.IGNORECASE | re.DOTALL):
            is_workbook = named == "xlsx" and first.startswith(b"PK")  # its parts may come in any order
            return None if fits == named or is_workbook else f"it is {what}, not {_NAMES[named]}: {to_do}"
    return None if named in ("csv", "jsonl", "json") else f"it is not {_NAMES[named]}: export it again"
