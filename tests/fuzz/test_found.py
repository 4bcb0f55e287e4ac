"""What fuzzing found, each in its smallest input."""

from __future__ import annotations

import io
import json
import shutil
import time
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.config import load_config
from dagster_project.errors import ConfigError, CriticalProblem
from dagster_project.expressions import BadExpression, parse
from dagster_project.sources.erased_list import ensure_key, read_suppression, write_erasures
from dagster_project.sources.report import LoadRefused
from dagster_project.sources.suppression import Erasure, Suppression
from dagster_project.warehouse.raw import RawDamaged, read_texts
from tests.ingest_kit import HEAD, SOURCE, Kit
from tests.test_raw import store_version

APPEND = SOURCE + 'mode = "append"\n'
TABLE = SOURCE + "[[source.table]]\nentity = 'people'\nfile = 'people*'\n"


def erase(kit: Kit, email: str) -> None:
    config = kit.config
    config.erasure_dir.mkdir(parents=True, exist_ok=True)
    ensure_key(config)
    write_erasures(
        config, [Erasure("e1", "now", "asked", emails=read_suppression(config).identifier_hashes("email", email))]
    )


def erase_phone(kit: Kit, phone: str) -> None:
    config = kit.config
    erase(kit, "nobody@x.com")
    list_ = read_suppression(config)
    hashes, tail = list_.identifier_hashes("phone", phone), list_.tail(phone)
    write_erasures(config, [Erasure("e1", "now", "asked", phones=hashes, tails=(tail,))])


def state(kit: Kit) -> list[object]:
    return [
        kit.rows("SELECT * FROM raw.people ORDER BY _line"),
        kit.rows("SELECT * FROM quality.quarantine ORDER BY line"),
        kit.rows("SELECT rows, loaded, quarantined, exact_duplicates FROM quality.load_log"),
    ]


def same_again_from_raw(kit: Kit, path: Path) -> None:
    before = state(kit)
    path.unlink()
    shutil.rmtree(kit.config.work_dir)
    kit.load()
    assert state(kit) == before


@pytest.mark.parametrize("text", ["@" * 3000, "a" * 130_000 + " @", ("a" * 50 + "@") * 2000, "a@b." * 30_000])
def test_masking_takes_one_pass_whatever_the_text(text: str) -> None:
    """An email was looked for from every letter on: minutes for one cell, for every record that names nobody."""
    list_ = Suppression(b"k" * 16, (), "US")
    listed = Suppression(b"k" * 16, [Erasure("e", "", "", emails=list_.identifier_hashes("email", "ann@x.com"))], "US")
    started = time.monotonic()
    assert listed.mask(text) == text
    assert time.monotonic() - started < 2
    assert listed.mask("mail ann@x.com, <ANN@x.com>; ann@x.com.") == "mail [erased], <[erased]>; [erased]."
    assert listed.mask("@ a@ @b.c a@.c a@b. bo@x.com") == "@ a@ @b.c a@.c a@b. bo@x.com"


def test_a_column_whose_name_does_not_print_is_told_by_its_place(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    kit.write("crm/people.csv", "person_id,\x1b[31mnmae," + "x" * 300, "1,Ann,")
    assert kit.load().warnings == [f"crm/people.csv: column {place} is not known and ignored" for place in (2, 3)]


def test_a_name_with_a_line_break_stays_on_its_line(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    kit.write("crm/people\n1.csv", "person_id,nmae", "1,Ann")
    report = kit.load()
    assert [line.startswith("crm/people?1.csv") for line in (*report.lines(), *report.warnings)] == [True, True]
    kit.write("crm/people\n1.csv", "nmae", "Ann")
    with pytest.raises(LoadRefused) as caught:
        kit.load()
    assert caught.value.messages[0].startswith('crm/people?1.csv: column "person_id" (required)')


def test_found_text_that_does_not_print_is_a_question_mark(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    kit.write("crm/people.csv", "person_id,created_at", *(f"{number},\u202eabc" for number in range(20)))
    with pytest.raises(LoadRefused, match=r'found "\?aaa", expected'):
        kit.load()


def test_an_archive_of_lzma_that_is_broken(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("people.csv", "person_id\n" + "".join(f"{number}\n" for number in range(999)))
    content = bytearray(buffer.getvalue())
    content[80:90] = b"\xff" * 10
    kit = Kit(tmp_path)
    kit.write("crm/x.zip").write_bytes(content)
    with pytest.raises(LoadRefused, match="the zip archive is broken or cut off"):
        kit.load()


@pytest.mark.parametrize(
    "lines",
    [
        ["1,ann@x.com,yesterday"],  # found was told again
        ["1,ann@x.com", '2,"ann@x.com" x,'],  # why such a row has no cells was another
        ["1,ann@x.com,", "1,other,"],  # the same id with other cells: once erased they are the same
    ],
)
def test_rows_of_the_erased_are_the_same_again_from_raw(tmp_path: Path, lines: list[str]) -> None:
    kit = Kit(tmp_path, APPEND)
    path = kit.write("crm/people.csv", "person_id,email,created_at", "9,bo@x.com,", *lines)
    erase(kit, "ann@x.com")
    kit.load()
    same_again_from_raw(kit, path)


@pytest.mark.parametrize("gci", ["+1 212 736 5000", "2127365000"])
def test_an_amount_that_is_the_phone_of_an_erased_person(tmp_path: Path, gci: str) -> None:
    """Raw held the mask, the warehouse the number: read again from raw, the row was another."""
    kit = Kit(tmp_path, APPEND)
    path = kit.write("crm/deals.csv", "deal_id,person_id,phone,gci", f"1,7,+1 212 736 5000,{gci}", "2,8,,5")
    erase_phone(kit, "+1 212 736 5000")
    kit.load()
    before = (kit.rows("SELECT * FROM raw.deals ORDER BY ALL"), kit.rows("SELECT * FROM quality.quarantine"))
    assert len(before[0]) == len(before[1]) == 1
    path.unlink()
    shutil.rmtree(kit.config.work_dir)
    kit.load()
    assert before == (kit.rows("SELECT * FROM raw.deals ORDER BY ALL"), kit.rows("SELECT * FROM quality.quarantine"))


def test_a_broken_row_of_the_erased_in_a_file_of_one_column(tmp_path: Path) -> None:
    """Its mask was read as somebody's id."""
    kit = Kit(tmp_path, APPEND)
    path = kit.write("crm/people.csv", "person_id", "9", '"ann@x.com" x')
    erase(kit, "ann@x.com")
    kit.load()
    assert kit.rows("SELECT person_id FROM raw.people") == [("9",)]
    same_again_from_raw(kit, path)


@pytest.mark.parametrize("lines", [["person_id", "3", "9"], ["person_id", 'a"b', '"x"y', '"z"z', "3", "9"]])
def test_an_erased_person_in_a_file_of_one_column(tmp_path: Path, lines: list[str]) -> None:
    """Without its only cell the record was a blank line, which raw did not give again."""
    kit = Kit(tmp_path, APPEND)
    path = kit.write("crm/people.csv", *lines)
    erase(kit, "nobody@x.com")
    list_ = read_suppression(kit.config)
    write_erasures(kit.config, [Erasure("e1", "now", "asked", ids=(list_.id_hash("crm", "3"),))])
    kit.load()
    assert len(kit.rows("SELECT * FROM raw.people WHERE person_id LIKE 'erased-%'")) == 1
    same_again_from_raw(kit, path)


def test_a_huge_cell_of_the_erased_in_parquet(tmp_path: Path) -> None:
    """Its mask is no JSON: reading raw ended in a traceback."""
    kit = Kit(tmp_path, APPEND)
    path = kit.write("crm/people.parquet")
    pq.write_table(pa.table({"person_id": ["1", "2"], "name": ["Bo", "ann@x.com " + "x" * 140_000]}), path)
    erase(kit, "ann@x.com")
    kit.load()
    assert [row[2] for row in kit.quarantine()] == ["huge_cell"]
    same_again_from_raw(kit, path)


@pytest.mark.parametrize("people", ["[" * 100_000, '[{"token": 1}]', *(
    json.dumps([{"token": "e", "at": "", "reason": "", "emails": value}]) for value in (None, 1, "ab", [1], [["a"]],
    {"a": 1})
)])  # fmt: skip
def test_a_list_of_erased_people_with_other_values(tmp_path: Path, people: str) -> None:
    kit = Kit(tmp_path)
    erase(kit, "ann@x.com")
    (kit.config.erasure_dir / "people.json").write_text(f'{{"people": {people}}}', encoding="utf-8")
    with pytest.raises(CriticalProblem, match=r"people\.json: found a list of erased people that cannot be read"):
        read_suppression(kit.config)


def test_a_stored_version_with_a_day_that_python_does_not_know(tmp_path: Path) -> None:
    stored = store_version(tmp_path)
    table, metadata = pq.read_table(stored), pq.read_metadata(stored).metadata
    table = table.set_column(1, "text", pa.array([2**31 - 1] * 3, pa.int32()).cast(pa.date32()))
    with pq.ParquetWriter(stored, table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({key: metadata[key] for key in (b"leadhouse", b"leadhouse.seal")})
    with pytest.raises(RawDamaged):
        list(read_texts(stored))


def test_a_stored_version_described_by_a_list(tmp_path: Path) -> None:
    stored = store_version(tmp_path)
    with pq.ParquetWriter(stored, (table := pq.read_table(stored)).schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({b"leadhouse": b"[]"})
    with pytest.raises(RawDamaged):
        list(read_texts(stored))


@pytest.mark.parametrize(
    "sql",
    [
        "lpad(\"A\", 999999999, 'x')", "rpad(\"A\", \"A\"::INT, 'x')", "lpad(\"A\", 1001, 'x')",
        "format('{:>1000}', \"A\")",
        "format(\"A\", 'x')", "format('{:>{}}', \"A\", 9)", "printf('%1000s', \"A\")", "printf('%*d', 9, \"A\"::INT)",
    ],
)  # fmt: skip
def test_a_text_is_not_made_longer_than_somebody_wrote_down(sql: str) -> None:
    with pytest.raises(BadExpression):
        parse(sql)


@pytest.mark.parametrize(
    "sql", ["lpad(\"A\", 7, '0')", "rpad(\"A\", 1000, ' ')", "format('{:>20}', \"A\")", "printf('%05d', \"A\"::INT)"]
)
def test_a_text_is_padded_to_a_length_that_is_written_down(sql: str) -> None:
    assert parse(sql).columns == ("A",)


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (r'time_formats = ["\n%Y"]', 'time_formats: found "\\n%Y", expected'),
        (r'encoding = "\u0000"', 'encoding: found "\\x00", expected an encoding such as'),
        ('encoding = "zip"', 'encoding: found "zip", expected an encoding such as'),
        ('encoding = "rot13"', 'encoding: found "rot13", expected an encoding such as'),
        (r'"x\ny" = 1', '"x\\ny": found an unknown key'),
        ("values.name = {x = [" + "1," * 9 + "]}", "values.name.x: found"),
    ],
)
def test_what_a_mapping_holds_is_told_on_one_line(tmp_path: Path, key: str, line: str) -> None:
    path = tmp_path / "leadhouse.toml"
    path.write_text(HEAD + TABLE + key, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    (message,) = caught.value.messages
    assert message.startswith(f"leadhouse.toml: source[0].table[0].{line}")
    assert message.isprintable()
