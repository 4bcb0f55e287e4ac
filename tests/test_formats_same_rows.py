"""The same rows, whatever the format: the same cells, the same canonical rows, the same again from raw."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.entities import ENTITIES
from dagster_project.errors import CriticalProblem
from dagster_project.sources import reading
from dagster_project.sources.formats.fingerprint import fingerprint
from dagster_project.sources.formats.kinds import format_of
from dagster_project.sources.formats.reader import dialect_of, open_file, open_stored
from dagster_project.sources.formats.writer import record_text
from dagster_project.sources.records import Dialect
from dagster_project.warehouse.raw import RawInfo
from tests.formats_kit import FORMATS, Rows, csv_bytes, workbook_bytes, write, zip_bytes
from tests.ingest_kit import SOURCE, Kit, figures

HEADER = ["inquiry_id", "person_id", "name", "email", "phone", "event_at", "source", "is_test"]
ROWS = [
    HEADER,
    ["007", "p1", 'Zoë "Zo" Müller', "zoe@x.com;z@y.com", "+1 212 736 5000", "2026-11-20 09:30", "a,b;c|d\te", "false"],
    ["i2", "", "Ann\nLee", "", "", "2026-11-20T09:30:00Z", "'quoted'", ""],
    ["i3", "0012", "=1+1", "", "", "2026-11-20", "back\\slash", "true"],
    ["i4", "p9", "名前 😀", "", "", "yesterday", "", ""],
    ["i2", "", "Ann\nLee", "", "", "2026-11-20T09:30:00Z", "'quoted'", ""],
    ["i3", "0012", "somebody else", "", "", "2026-11-20", "", ""],
]


def outcome(kit: Kit) -> tuple[list[Any], list[Any]]:
    """Canonical rows without where they stand, and what was quarantined why."""
    columns = ", ".join(f'"{name}"' for name in ENTITIES["inquiries"].column_names)
    return (
        kit.rows(f"SELECT {columns}, _time_flags FROM raw.inquiries ORDER BY inquiry_id"),
        kit.rows("SELECT reason, column_name, found, expected[:30] FROM quality.quarantine ORDER BY 1"),
    )


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], list[Any]]:
    kit = Kit(tmp_path_factory.mktemp("plain"))
    write(kit.folder, "crm/inquiries", "comma", ROWS)
    assert figures(kit.load().files[0]) == (6, 3, 2, 1, 0, 0)
    loaded, _ = outcome(kit)
    assert [row[0] for row in loaded] == ["007", "i2", "i3"]
    return outcome(kit)


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_rows_in_every_format(tmp_path: Path, form: str, expected: tuple[list[Any], list[Any]]) -> None:
    kit = Kit(tmp_path, SOURCE + 'mode = "append"\n')
    path = write(kit.folder, "crm/inquiries", form, ROWS)
    (report,) = kit.load().files
    assert figures(report) == (6, 3, 2, 1, 0, 0)
    found, refused = outcome(kit)
    assert found == expected[0]
    assert [row[:2] for row in refused] == [("conflicting_id", "inquiry_id"), ("unreadable_value", "event_at")]
    before = kit.rows("SELECT _line, inquiry_id FROM raw.inquiries ORDER BY 1"), kit.quarantine()
    texts = kit.rows("SELECT line, raw_text FROM quality.quarantine ORDER BY 1")
    assert len(texts) == 2
    assert not (kit.config.work_dir / "spool").exists()

    path.unlink()
    shutil.rmtree(kit.config.work_dir)
    (again,) = kit.load().files  # from raw alone
    assert (figures(again), again.status) == (figures(report), "gone")
    assert (again.format, again.delimiter, again.quote, again.encoding, again.sha256, again.bytes) == (
        report.format, report.delimiter, report.quote, report.encoding, report.sha256, report.bytes,
    )  # fmt: skip
    assert outcome(kit)[0] == expected[0]
    assert before == (kit.rows("SELECT _line, inquiry_id FROM raw.inquiries ORDER BY 1"), kit.quarantine())
    assert texts == kit.rows("SELECT line, raw_text FROM quality.quarantine ORDER BY 1")


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_rows_in_an_archive(tmp_path: Path, form: str, expected: tuple[list[Any], list[Any]]) -> None:
    kit = Kit(tmp_path, SOURCE + 'mode = "append"\n')
    suffix, encode = FORMATS[form]
    archive = kit.folder / "crm" / "export.zip"
    archive.parent.mkdir()
    archive.write_bytes(zip_bytes({f"data/inquiries{suffix}": encode(ROWS), "readme.md": b"hello"}))
    (report,) = kit.load().files
    assert report.file == f"export.zip/data/inquiries{suffix}"
    assert figures(report) == (6, 3, 2, 1, 0, 0)
    assert outcome(kit)[0] == expected[0]
    assert [file.status for file in kit.load().files] == ["unchanged"]
    assert not (kit.config.work_dir / "spool").exists()
    archive.unlink()
    shutil.rmtree(kit.config.work_dir)
    (again,) = kit.load().files
    assert (figures(again), again.status) == ((6, 3, 2, 1, 0, 0), "gone")
    assert outcome(kit)[0] == expected[0]


def test_what_a_file_is_stands_in_its_line_and_in_the_log(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    rows = [["person_id", "name"], ["1", "Ann"]]
    for number, form in enumerate(("comma", "tab", "single quotes", "array", "ndjson", "pyarrow", "excel")):
        write(kit.folder, f"crm/people-{number}", form, rows)
    lines = kit.load().lines()
    assert [line.split(": ")[0] for line in lines] == [
        'crm/people-0.csv (people, loaded; csv ",", utf-8)',
        "crm/people-1.tsv (people, loaded; csv tab, utf-16)",
        'crm/people-2.csv (people, loaded; csv "," quote \', utf-8)',
        "crm/people-3.json (people, loaded; json, utf-8)",
        "crm/people-4.ndjson (people, loaded; jsonl, utf-8)",
        "crm/people-5.parquet (people, loaded; parquet)",
        "crm/people-6.xlsx (people, loaded; xlsx)",
    ]
    assert kit.rows("SELECT format, delimiter, quote, encoding FROM quality.load_log ORDER BY file") == [
        ("csv", ",", '"', "utf-8"),
        ("csv", "\t", '"', "utf-16"),
        ("csv", ",", "'", "utf-8"),
        ("json", "", "", "utf-8"),
        ("jsonl", "", "", "utf-8"),
        ("parquet", "", "", ""),
        ("xlsx", "", "", ""),
    ]


NAMES = ["person_id", "name", "source_now", "stage"]
letters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co"), include_characters="\n\t")
cell = st.sampled_from(["", "007", "1.0", "true", "NaN", '"', "'", ",", ";", "\\", '\\"', "a\nb", "=x", "é", "€"]) | (
    st.text(letters, max_size=12)
)
tables = st.lists(
    st.tuples(st.integers(1, 10**9).map(lambda number: f"{number:012d}"), cell, cell, cell).map(list), max_size=8
).map(lambda rows: [NAMES, *rows])


@settings(deadline=None, max_examples=60)
@given(tables)
def test_every_format_gives_the_same_cells(rows: Rows) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for form in FORMATS:
            if len(rows) == 1 and format_of("x" + FORMATS[form][0]) in ("json", "jsonl"):
                continue  # without an object there are no keys
            if not form.endswith("gz"):
                assert read(write(Path(folder), "people", form, rows)) == rows, form


def read(path: Path) -> Rows:
    named = format_of(path.name)
    found = fingerprint(path, None, named)
    assert found.problem is None
    opened = open_file(path, named, found.encoding, ENTITIES["people"], None, "Sheet1")
    assert opened is not None
    return [opened.header, *[record.cells or [record.problem] for record in opened.records]]


@settings(deadline=None, max_examples=60)
@given(tables, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["utf-8", "utf-16", "windows-1252"]))
def test_a_dialect_that_is_told_is_read_as_told(rows: Rows, delimiter: str, encoding: str) -> None:
    from dagster_project.config import Table

    table = Table(entity="people", file="x", delimiter=delimiter, quote='"', escape="backslash", encoding=encoding)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        try:
            path.write_bytes(csv_bytes(rows, delimiter=delimiter, escape=True, encoding=encoding, end="\n"))
        except UnicodeEncodeError:
            return
        opened = open_file(path, "csv", encoding, ENTITIES["people"], table, None)
        assert opened is not None
        assert [opened.header, *[record.cells for record in opened.records]] == rows


dialects = st.sampled_from(
    [
        Dialect("csv", ",", '"'),
        Dialect("csv", ";", "'"),
        Dialect("csv", "\t", '"', "\\"),
        Dialect("jsonl"),
        Dialect("json"),
        Dialect("parquet"),
        Dialect("xlsx", excel_epoch=1904),
    ]
)


@settings(deadline=None)
@given(tables.filter(lambda rows: len(rows) > 1), dialects)
def test_cells_written_as_a_record_read_the_same(rows: Rows, dialect: Dialect) -> None:
    """What raw keeps of a record that was changed (a person erased) is read like one that was not."""
    header, *others = rows
    info = RawInfo(
        *("crm", "people", "x", "sha", "L1", "now", "utf-8"), 1, "",
        dialect.delimiter, dialect.format, dialect.quote, dialect.escape, None, dialect.excel_epoch,
    )  # fmt: skip
    if dialect.format == "csv":
        info = replace(info, header=record_text(dialect, header, header))
    else:
        info = replace(info, header=record_text(Dialect("xlsx"), header, header))
    assert dialect_of(info) == dialect
    opened = open_stored(info, [(n, record_text(dialect, header, row)) for n, row in enumerate(others, 2)], None)
    assert opened is not None
    assert [opened.header, *[record.cells for record in opened.records]] == rows


def test_a_version_stored_by_0_1_0_is_read(tmp_path: Path) -> None:
    """Its description knows no format, quote or escape, and nothing seals it."""
    kit = Kit(tmp_path, SOURCE + 'mode = "append"\n')
    path = write(kit.folder, "crm/inquiries", "comma", ROWS)
    kit.load()
    before = outcome(kit)
    (stored,) = kit.config.raw_dir.rglob("*.parquet")
    table = pq.read_table(stored)
    told = json.loads(pq.read_metadata(stored).metadata[b"leadhouse"])
    for name in ("format", "quote", "escape", "sheet", "excel_epoch", "store_format"):
        del told[name]
    table = table.select(["line", "text", "person_id", "email", "phone"])
    pq.write_table(table.replace_schema_metadata({"leadhouse": json.dumps(told)}), stored)
    path.unlink()
    shutil.rmtree(kit.config.work_dir)
    kit.load()
    assert outcome(kit) == before


def test_a_content_that_is_read_in_another_way_is_stored_again(tmp_path: Path) -> None:
    kit = Kit(tmp_path, SOURCE + 'mode = "append"\n[[source.table]]\nentity = "people"\nfile = "*"\nsheet = "A"\n')
    path = kit.write("crm/people.xlsx")
    path.write_bytes(workbook_bytes({name: [["person_id"], [name]] for name in "AB"}))
    kit.load()
    kit.toml = kit.toml.replace('"A"', '"B"')
    kit.load()
    kit.load()
    assert len(list(kit.config.raw_dir.rglob("*.parquet"))) == 2
    path.unlink()
    shutil.rmtree(kit.config.work_dir)
    kit.load()
    assert kit.rows("SELECT person_id FROM raw.people") == [("B",)]


def test_a_file_of_nothing_but_refused_rows_is_not_read_to_its_end(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(reading, "MAX_ROWS_LOOKED_AT", 10_000)
    kit = Kit(tmp_path)
    kit.write("crm/people.csv", "person_id,name", *("," for _ in range(90_000)))
    with pytest.raises(CriticalProblem) as caught:
        kit.load()
    assert list(caught.value.messages) == [
        (
            "crm/people.csv: 20,000 of the first 20,000 rows cannot be read: the first is on line 2,"
            " reason missing_required"
        )
    ]
