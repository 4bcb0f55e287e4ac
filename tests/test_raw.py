"""The raw store: what was written is read, or it is told that it is not what was written."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.sources.report import LoadRefused
from dagster_project.warehouse import raw
from dagster_project.warehouse.raw import (
    RawDamaged,
    RawInfo,
    RawStore,
    RawTooNew,
    RawWriter,
    read_info,
    read_records,
    read_texts,
    rewrite,
    verify,
)
from tests.conftest import ROOT
from tests.ingest_kit import SOURCE, Kit

ARTEFACTS = ROOT / "tests" / "artefacts" / "raw-0.1.0"
INFO = RawInfo(
    "crm", "people", "people.csv", "ab" * 32, "L1", "2026-11-24T12:00:00+00:00", "utf-8", 99, "person_id,name", ","
)
TEXTS = [(2, "1,Ann"), (3, '2,"B\nö"'), (5, "")]
APPEND = SOURCE + 'mode = "append"\n'


def store_version(folder: Path, texts: list[tuple[int, str]] = TEXTS) -> Path:
    path = (
        folder / "raw" / "crm" / "people" / f"20261124T120000000000-{raw.content_name(INFO.file, INFO.sha256)}.parquet"
    )
    writer = RawWriter(path, INFO)
    for line, text in texts:  # each in a batch of its own: the seal knows no batches
        writer.write([line], [text], {"person_id": ["1"], "email": [None], "phone": ["x"]})
    writer.publish()
    return path


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    return store_version(tmp_path)


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path, APPEND)


def damage_column(stored: Path, name: str) -> None:
    """Change the last byte of a column's pages."""
    group = pq.read_metadata(stored).row_group(0)
    (column,) = (c for c in map(group.column, range(group.num_columns)) if c.path_in_schema == name)
    content = bytearray(stored.read_bytes())
    content[(column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size - 1] ^= 0xFF
    stored.write_bytes(content)


# --- one version -----------------------------------------------------------------------------------------------------


def test_what_is_written_is_read(stored: Path) -> None:
    assert list(read_texts(stored)) == TEXTS
    assert read_info(stored) == INFO
    assert verify(stored)
    (records,) = read_records(stored, ["email", "phone"])
    assert records.to_pylist() == [{"email": None, "phone": "x"}] * 3
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]


def test_no_damage_is_read_as_if_it_were_right(stored: Path) -> None:
    """Every byte changed, and the file cut at every length: told, or without any effect on what is read."""
    good, told = stored.read_bytes(), list[str]()
    for place in range(len(good)):
        bad = bytearray(good)
        bad[place] ^= 1 << place % 8
        stored.write_bytes(bad)
        try:
            assert (list(read_texts(stored)), read_info(stored)) == (TEXTS, INFO), place
        except RawDamaged as damage:
            told.append(str(damage))
    assert len(told) > len(good) / 4
    assert all(stored.name in line and "\n" not in line for line in told)
    for length in range(0, len(good), 7):
        stored.write_bytes(good[:length])
        with pytest.raises(RawDamaged, match="restore it from a backup"):
            verify(stored)


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.slice(0, 2),
        lambda table: pa.concat_tables([table, table.slice(0, 1)]),
        lambda table: table.take([1, 0, 2]),
        lambda table: table.set_column(1, table.schema.field("text"), pa.array(["1,Ann", "2,Bo", ""])),
        lambda table: table.set_column(0, table.schema.field("line"), pa.array([2, 3, 4])),
    ],
    ids=["missing", "added", "order", "text", "line"],
)
def test_other_records_under_the_old_seal_are_told(stored: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    seal = pq.read_metadata(stored).metadata
    with pq.ParquetWriter(stored, (table := change(pq.read_table(stored))).schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({b"leadhouse": seal[b"leadhouse"], b"leadhouse.seal": seal[b"leadhouse.seal"]})
    with pytest.raises(RawDamaged, match="records are not the 3 that were written"):
        list(read_texts(stored))


def test_a_column_that_is_not_of_the_seal_is_checked_by_its_pages(tmp_path: Path) -> None:
    stored = store_version(tmp_path, [(line, "x") for line in range(3)])
    damage_column(stored, "person_id")
    assert len(list(read_texts(stored))) == 3
    with pytest.raises(RawDamaged):
        verify(stored)


def test_an_absent_file_is_not_damaged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read_texts(tmp_path / "absent.parquet"))


def test_rewrite_keeps_what_the_version_was_and_seals_it_anew(stored: Path) -> None:
    def without_ann(records: pa.Table) -> pa.Table:
        texts = pa.array([None if text == "1,Ann" else text for text in records.column("text").to_pylist()])
        return records.set_column(1, records.schema.field("text"), texts)

    rewrite(stored, without_ann)
    assert list(read_texts(stored)) == [(2, None), *TEXTS[1:]]
    assert read_info(stored) == INFO
    assert verify(stored)
    assert b"Ann" not in stored.read_bytes()


def test_a_rewrite_that_fails_changes_nothing(stored: Path) -> None:
    before = stored.read_bytes()

    def fail(records: pa.Table) -> pa.Table:
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        rewrite(stored, fail)
    damaged = bytearray(before)
    damaged[len(damaged) // 3] ^= 0xFF
    assert stored.read_bytes() == before
    stored.write_bytes(damaged)
    with pytest.raises(RawDamaged):
        rewrite(stored, lambda records: records)  # damage is never sealed
    assert stored.read_bytes() == damaged
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]


# --- other versions of the program -----------------------------------------------------------------------------------


def plain(path: Path, **changes: object) -> Path:
    """A version as 0.1.0 wrote it, but for changes of its description; None takes a field out."""
    told = {name: value for name, value in (asdict(INFO) | changes).items() if value is not None}
    schema = pa.schema(
        [("line", pa.int64()), ("text", pa.string())], metadata={"leadhouse": json.dumps(told, ensure_ascii=False)}
    )
    lines, texts = zip(*TEXTS, strict=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table([lines, texts], schema=schema), path)
    return path


def test_versions_of_0_1_0_are_read_as_they_are(kit: Kit) -> None:
    """The artefacts were written by the code of 0.1.0."""
    shutil.copytree(ARTEFACTS, kit.config.raw_dir)
    (people,) = kit.config.raw_dir.glob("crm/people/*.parquet")
    assert list(read_texts(people)) == [
        (2, '1,"Avery\nExample",avery@example.com'),
        (4, "2,Blake Example,"),
        (6, "3,Casey Example,casey@example.com"),
    ]
    assert not verify(people)
    (kit.folder / "crm").mkdir()
    report = kit.load()  # the exports are gone, an append source is read again from raw
    assert [(file.file, file.rows, file.loaded, file.status) for file in report.files] == [
        ("inquiries.csv", 2, 2, "gone"),
        ("people-1.csv", 3, 3, "gone"),
    ]
    assert kit.rows("SELECT person_id, name, email FROM raw.people ORDER BY 1") == [
        ("1", "Avery\nExample", "avery@example.com"),
        ("2", "Blake Example", None),
        ("3", "Casey Example", "casey@example.com"),
    ]
    rewrite(people, lambda records: records)
    assert verify(people)  # whatever is written now has a seal


def test_fields_of_another_version_are_left_out_and_absent_columns_are_null(tmp_path: Path) -> None:
    path = plain(tmp_path / "x.parquet", colour="blue")
    assert read_info(path) == INFO
    (records,) = read_records(path)
    assert records.column("phone").to_pylist() == [None] * 3
    with pytest.raises(RawDamaged):
        read_info(plain(path, header=None))


def test_a_format_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = plain(tmp_path / "x.parquet")
    metadata = asdict(INFO) | {"store_format": raw.STORE_FORMAT + 1}
    schema = pa.schema([("line", pa.int64()), ("text", pa.string())])
    text = json.dumps(metadata).encode()
    seal = {"info": hashlib.sha256(text).hexdigest(), "more": "than we know"}
    with pq.ParquetWriter(path, schema) as writer:
        writer.add_key_value_metadata({b"leadhouse": text, b"leadhouse.seal": json.dumps(seal).encode()})
    with pytest.raises(RawTooNew, match=r"written by a newer version .* install that version"):
        list(read_texts(path))


# --- in a load -------------------------------------------------------------------------------------------------------

HEADER = "person_id,name,email"


def vanished(kit: Kit) -> Path:
    """An append source of which one file is gone, and its stored copy."""
    kit.write("crm/people-1.csv", HEADER, "1,Ann,", "2,Bob,")
    kit.write("crm/people-2.csv", HEADER, "3,Cid,")
    kit.load()
    kit.remove("crm/people-1.csv")
    kit.load()
    (stored,) = kit.config.raw_dir.glob("crm/people/*-people-1.csv-*.parquet")
    return stored


def damage_records(stored: Path) -> None:
    damage_column(stored, "text")


def damage_end(stored: Path) -> None:
    stored.write_bytes(stored.read_bytes()[:-30])


@pytest.mark.parametrize("damage", [damage_records, damage_end])
def test_a_damaged_copy_that_is_needed_stops_the_load(kit: Kit, damage: Callable[[Path], None]) -> None:
    stored = vanished(kit)
    damage(stored)
    shutil.rmtree(kit.config.work_dir)
    with pytest.raises(LoadRefused) as refused:
        kit.load()
    (line,) = refused.value.messages
    assert [finding.check for finding in refused.value.report.critical] == ["raw_damaged"]
    assert stored.name in line
    assert "damaged" in line
    assert "backup" in line


@pytest.mark.parametrize("damage", [damage_records, damage_end])
def test_a_damaged_copy_is_written_again_from_the_same_file(kit: Kit, damage: Callable[[Path], None]) -> None:
    stored = vanished(kit)
    damage(stored)
    shutil.rmtree(kit.config.work_dir)
    kit.write("crm/people-1.csv", HEADER, "1,Ann,", "2,Bob,")
    kit.load()
    assert verify(stored)
    assert list(read_texts(stored)) == [(2, "1,Ann,"), (3, "2,Bob,")]
    assert kit.rows("SELECT count(*) FROM raw.people WHERE _deleted_by_load IS NULL") == [(3,)]
    assert len(RawStore(kit.config.raw_dir).versions("crm", "people")) == 2


def test_a_damaged_copy_of_rows_that_are_loaded_is_a_warning(kit: Kit) -> None:
    damage_end(vanished(kit))
    report = kit.load()
    assert [finding.check for finding in report.findings] == ["raw_damaged"]
    assert kit.rows("SELECT count(*) FROM raw.people WHERE _deleted_by_load IS NULL") == [(3,)]
