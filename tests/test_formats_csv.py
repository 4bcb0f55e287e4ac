"""CSV dialects and encodings: found, shown, overridable; what is no CSV; what is too long."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.errors import CriticalProblem
from dagster_project.sources.csv_records import DAMAGED, has_bad_bytes, physical_lines, read_records
from dagster_project.sources.formats.csv_dialect import find_dialect
from dagster_project.sources.formats.fingerprint import fingerprint
from dagster_project.sources.records import Dialect
from tests.formats_kit import load_apart, pyarrow_bytes, xlsx_bytes, zip_bytes
from tests.ingest_kit import SOURCE, Kit, figures

PEOPLE = {"person_id", "name", "email"}
PLAIN = Dialect("csv", ",", '"')


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


def refused(kit: Kit) -> list[str]:
    with pytest.raises(CriticalProblem) as caught:
        kit.load()
    return list(caught.value.messages)


def found(*lines: str, names: set[str] = PEOPLE) -> tuple[str, str, str]:
    dialect = find_dialect([line + "\n" for line in lines], names, PLAIN, ())
    return dialect.delimiter, dialect.quote, dialect.escape


@pytest.mark.parametrize(
    ("lines", "dialect"),
    [
        (["person_id,name", "1,Ann"], (",", '"', "")),
        (["person_id;name", "1;Ann, B"], (";", '"', "")),
        (["'person_id','name'", "'1','Ann, B'"], (",", "'", "")),
        (["person_id,name", "1,'Ann, B'", "2,'Bo, C'"], (",", "'", "")),
        (["person_id,name", "1,'Ann'", "2,'Bo'"], (",", "'", "")),
        (["person_id,name", "1,O'Neil", "2,'t Hart"], (",", '"', "")),
        (["person_id,name", "1,'quoted'", "2,'t Hart"], (",", '"', "")),
        (["person_id,name", "1,'quoted'", '2,"Bo"'], (",", '"', "")),
        (["person_id,name", '1,5" pipe', "2,x"], (",", '"', "")),
        (["person_id,name", '1,"never closed', "2,x"], (",", '"', "")),
        (["person_id,name", '1,"a" b', '2,"c" d', '3,"e" f'], (",", "", "")),
        (["person_id,name", '1,"a" b', '2,"c" d', '3,"whole"'], (",", '"', "")),
        (["person_id,name", r'1,"say \"hi\", ok"', "2,x"], (",", '"', "\\")),
        (["person_id,name", r'1,"C:\",x', r'2,"D:\",y'], (",", '"', "")),
        (["person_id,name", '1,"a ""b"" c"'], (",", '"', "")),
        (["a|b|c", "1|2|3", "4|5|6,7"], ("|", '"', "")),
        (["a,b;c", "1,2;3", "4;5"], (";", '"', "")),
        (["person_id|name", "1|a,b,c", "2|d,e,f"], ("|", '"', "")),
        (["person_id"], (",", '"', "")),
    ],
)  # fmt: skip
def test_dialects_are_found(lines: list[str], dialect: tuple[str, str, str]) -> None:
    names = PEOPLE if "person_id" in "".join(lines) else {"x"}
    if "C:" in lines[-1] or "D:" in lines[-1]:
        lines = ["person_id,name,email", *lines[1:]]
    assert found(*lines, names=names) == dialect


def test_a_dialect_is_overridden(kit: Kit) -> None:
    table = '[[source.table]]\nentity = "people"\nfile = "{}"\n{}'
    kit.toml = SOURCE + table.format("a.csv", 'quote = "\'"\n') + table.format("b.csv", 'quote = "none"\n')
    kit.toml += table.format("c.csv", 'escape = "backslash"\ndelimiter = "^"\n') + table.format(
        "d.csv", 'escape = "doubled"\n'
    )
    kit.write("crm/a.csv", "person_id,name", "1,'A, B'", '2,"x"')
    kit.write("crm/b.csv", "person_id,name", '3,"A"', "4,'x'", '5,"open')
    kit.write("crm/c.csv", "person_id^name", r'6^"A \"B\" C"', r"7^a\^b")
    kit.write("crm/d.csv", "person_id,name", r'8,"A\"', "9,x")
    report = kit.load()
    assert kit.rows("SELECT name FROM raw.people ORDER BY person_id") == [
        ("A, B",), ('"x"',), ('"A"',), ("'x'",), ('"open',), ('A "B" C',), ("a^b",), ("A\\",), ("x",),
    ]  # fmt: skip
    assert [line.split("; ")[1].split(",  ")[0].split("): ")[0] for line in report.lines()] == [
        'csv "," quote \', utf-8', 'csv "," no quotes, utf-8', 'csv "^", utf-8', 'csv ",", utf-8',
    ]  # fmt: skip
    kit.toml = SOURCE + table.format("a.csv", 'quote = "x"\nescape = "^"\n')
    with pytest.raises(Exception, match='quote: found "x", expected one of \'"\', "\'" and "none"'):
        kit.load()


def test_a_quoted_cell_over_the_limit_is_told_as_what_it_is(kit: Kit) -> None:
    long, lines = "x" * 140_000, "y\n" * 80_000
    kit.write(
        "crm/people.csv", "person_id,name", f"1,{long}", "2,Bo", f'3,"{long}"', "4,Di", f'5,"{lines}"', "6,Fay",
        f'7,"{"z" * 131_072}"', '8,"stray', *(f"{number},x" for number in range(10, 3000)),
    )  # fmt: skip
    (report,) = kit.load().files
    assert report.quarantined == 4
    rows = kit.rows("SELECT line, reason, expected, length(raw_text) FROM quality.quarantine ORDER BY line")
    assert [row[:2] for row in rows] == [(2, "huge_cell"), (4, "huge_cell"), (6, "huge_cell"), (80_009, "bad_quoting")]
    assert rows[0][2] == "cells of at most 131,072 characters"
    assert all(row[3] < 1100 for row in rows)  # raw holds them whole
    assert kit.rows("SELECT count(*) FROM raw.people") == [(4 + 2990,)]
    (stored,) = kit.config.raw_dir.rglob("*.parquet")
    assert kit.rows("SELECT max(length(text)) FROM read_parquet(?)", str(stored)) == [(len(lines) + 4,)]


def test_a_line_without_end_is_not_read_into_memory(kit: Kit) -> None:
    path = kit.write("crm/people.csv", "person_id,name", "1,Ann")
    with open(path, "ab") as file:
        for _ in range(500):
            file.write(b"x" * 1024 * 1024)
    told, peak = load_apart(kit)
    assert told == ["crm/people.csv: line 3 is longer than 16 MiB, expected a file with line breaks"]
    assert peak < 400


def test_an_endless_quote_hands_its_lines_back() -> None:
    text = '1,"' + "".join(f"{number},{'x' * 100}\n" for number in range(20_000))
    records = list(read_records(iter(list(enumerate(io.StringIO(text, newline=""), 1))), PLAIN))
    assert [record.line for record in records] == list(range(1, 20_001))
    assert [record.cells is None for record in records] == [True] + [False] * 19_999


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(b"person_id\n1\n"), "it is compressed with gzip, not CSV: add the suffix .gz"),
        (zip_bytes({"people.csv": b"person_id\n1\n"}), "it is a zip archive, not CSV: give it the suffix .zip"),
        (xlsx_bytes([["person_id"], ["1"]]), "it is an Excel workbook, not CSV: give it the suffix .xlsx"),
        (pyarrow_bytes([["person_id"], ["1"]]), "it is Parquet, not CSV: give it the suffix .parquet"),
        (b"%PDF-1.7\n1 0 obj\n", "it is a PDF, not CSV: export it as CSV or XLSX"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
         "it is an old Excel file, or one with a password, not CSV: save it as .xlsx without a password"),
        (b"\n <!DOCTYPE HTML><html><body>Sign in", ("it is a web page, not CSV: export it again as CSV or XLSX"
         " (a login page looks so, and a table saved as .xls)")),
        (b"\xef\xbb\xbf<?xml version='1.0'?><Workbook/>", "it is XML, not CSV: save it as CSV or .xlsx"),
        (bytes(range(256)) * 20, "the file holds NUL bytes: it is binary, or UTF-16 without a byte order mark"),
    ],
    ids=["gzip", "zip", "xlsx", "parquet", "pdf", "xls", "html", "xml", "binary"],
)  # fmt: skip
def test_a_binary_file_called_csv(kit: Kit, content: bytes, words: str) -> None:
    kit.write("crm/people.csv").write_bytes(content)
    assert refused(kit) == [f"crm/people.csv: {words}"]


def test_a_few_bad_bytes_spoil_their_rows_only(kit: Kit) -> None:
    good = [f"{number},Zoë Müller".encode() for number in range(100, 400)]
    lines = [b"person_id,name", b"1,J\xfcrgen", "2,名前".encode(), b"3,ok", b'4,"a\n\xff\xfe"', *good]
    kit.toml = SOURCE + 'mode = "append"\n'
    path = kit.write("crm/people.csv")
    path.write_bytes(b"\n".join(lines))
    (report,) = kit.load().files
    assert (report.encoding, figures(report)) == (DAMAGED, (304, 302, 2, 0, 0, 0))
    assert kit.rows("SELECT name FROM raw.people WHERE person_id IN ('2', '3', '100') ORDER BY person_id") == [
        ("Zoë Müller",), ("名前",), ("ok",),
    ]  # fmt: skip
    told = "SELECT line, reason, raw_text, expected FROM quality.quarantine ORDER BY line"
    expected = "UTF-8, or the table's key encoding set"
    assert kit.rows(told) == [
        (2, "bad_encoding", "1,J\uefffcrgen".replace("\uefff" + "c", "\ueffc"), expected),
        (5, "bad_encoding", '4,"a\n\uefff\ueffe"', expected),
    ]
    path.unlink()
    before = kit.rows(told)
    kit.config.working_path.unlink()
    (again,) = kit.load().files
    assert (again.encoding, figures(again)) == (DAMAGED, (304, 302, 2, 0, 0, 0))
    assert kit.rows(told) == before


def test_private_use_characters_of_a_sound_file_are_text(kit: Kit) -> None:
    kit.write("crm/people.csv", "person_id,name", "1,\uef80 icon")
    kit.load()
    assert kit.rows("SELECT name FROM raw.people") == [("\uef80 icon",)]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([b"a", b"\n", "é".encode(), "€".encode(), "😀".encode(), b"\xe9", b"\xff"]), min_size=1)
)
def test_utf_8_with_damage_or_windows_1252(parts: list[bytes]) -> None:
    import tempfile

    content = b"".join(parts)
    wide = sum(len(part) > 1 for part in parts)
    bad = sum(part in (b"\xe9", b"\xff") for part in parts)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.csv"
        path.write_bytes(content)
        told = fingerprint(path)
        expected = "utf-8" if not bad else DAMAGED if wide >= bad else "windows-1252"
        undefined = wide < bad and any(byte in content for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D))
        assert told.encoding == ("latin-1" if undefined else expected)
        if told.encoding == DAMAGED:
            text = "".join(line for _, line in physical_lines(path, DAMAGED))
            assert has_bad_bytes(text)
            assert sum("\uef80" <= letter <= "\uefff" for letter in text) == bad


def test_a_character_across_two_chunks_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    for shift in range(4):
        path.write_bytes(b"a" * (1024 * 1024 - shift) + "😀".encode() + b"\xff")
        assert fingerprint(path).encoding == DAMAGED
