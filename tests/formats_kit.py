"""The same rows written in every format and dialect that is read."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.ingest_kit import Kit

Rows = Sequence[Sequence[str]]
"""A header and rows of texts; an empty text is no value."""


def csv_bytes(
    rows: Rows, *, delimiter: str = ",", quote: str | None = '"', escape: bool = False, encoding: str = "utf-8",
    end: str = "\r\n", everything: bool = False,
) -> bytes:  # fmt: skip
    buffer = io.StringIO(newline="")
    style = csv.QUOTE_NONE if quote is None else csv.QUOTE_ALL if everything else csv.QUOTE_MINIMAL
    csv.writer(
        buffer, delimiter=delimiter, quotechar=quote, quoting=style, lineterminator=end, doublequote=not escape,
        escapechar="\\" if escape else None,
    ).writerows(rows)  # fmt: skip
    return buffer.getvalue().encode(encoding)


def objects(rows: Rows) -> list[dict[str, str | None]]:
    header, *others = rows
    return [{name: cell or None for name, cell in zip(header, row, strict=True)} for row in others]


def jsonl_bytes(rows: Rows) -> bytes:
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in objects(rows)).encode()


def json_bytes(rows: Rows) -> bytes:
    return json.dumps(objects(rows), indent=2).encode()


def pandas_bytes(rows: Rows) -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame(objects(rows), columns=list(rows[0])).to_parquet(buffer)
    return buffer.getvalue()


def pyarrow_bytes(rows: Rows) -> bytes:
    buffer = io.BytesIO()
    columns = {name: pa.array([item[name] for item in objects(rows)], pa.large_string()) for name in rows[0]}
    pq.write_table(pa.table(columns), buffer, row_group_size=2, compression="zstd", use_dictionary=False)
    return buffer.getvalue()


def xlsx_bytes(rows: Rows, title: str = "Sheet1") -> bytes:
    return workbook_bytes({title: rows})


def workbook_bytes(sheets: dict[str, Rows], *, epoch_1904: bool = False) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    if epoch_1904:
        book.epoch = openpyxl.utils.datetime.MAC_EPOCH
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for number, row in enumerate(rows, 1):
            for place, value in enumerate(row, 1):
                if value != "":
                    cell = sheet.cell(number, place, value)
                    if isinstance(value, str):
                        cell.data_type = "s"  # never a formula
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def zip_bytes(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


FORMATS: dict[str, tuple[str, Callable[[Rows], bytes]]] = {
    "comma": (".csv", csv_bytes),
    "semicolon": (".csv", lambda rows: csv_bytes(rows, delimiter=";", encoding="utf-8-sig", end="\n")),
    "tab": (".tsv", lambda rows: csv_bytes(rows, delimiter="\t", encoding="utf-16")),
    "pipe": (".txt", lambda rows: csv_bytes(rows, delimiter="|", everything=True)),
    "single quotes": (".csv", lambda rows: csv_bytes(rows, quote="'", everything=True)),
    "json lines": (".jsonl", jsonl_bytes),
    "ndjson": (".ndjson", jsonl_bytes),
    "lines in .json": (".json", jsonl_bytes),
    "array": (".json", json_bytes),
    "pandas": (".parquet", pandas_bytes),
    "pyarrow": (".parquet", pyarrow_bytes),
    "excel": (".xlsx", xlsx_bytes),
    "csv.gz": (".csv.gz", lambda rows: gzip.compress(csv_bytes(rows))),
    "jsonl.gz": (".jsonl.gz", lambda rows: gzip.compress(jsonl_bytes(rows))),
    "xlsx.gz": (".xlsx.gz", lambda rows: gzip.compress(xlsx_bytes(rows))),
}
"""By name: the suffix, and how rows are written."""


def write(folder: Path, stem: str, form: str, rows: Rows) -> Path:
    """Write `stem` in a format of FORMATS."""
    suffix, encode = FORMATS[form]
    path = folder / f"{stem}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(rows))
    return path


_CHILD = """
import json, sys
from pathlib import Path
from dagster_project.errors import CriticalProblem
from tests.ingest_kit import Kit
kit = Kit(Path(sys.argv[1]), sys.argv[2])
try:
    kit.load()
    told = []
except CriticalProblem as problem:
    told = list(problem.messages)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(json.dumps([told, int(status["VmHWM"].split()[0]) // 1024]))
"""


def load_apart(kit: Kit) -> tuple[list[str], int]:
    """Load in a process of its own: what was refused, and its peak memory in MiB (170 without any file)."""
    command = [sys.executable, "-c", _CHILD, str(kit.folder), kit.toml]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    told, peak = json.loads(done.stdout)
    return told, peak
