"""CSV as people export it: encodings, line breaks, quotes; each record's text and line exactly."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.sources.csv_records import lines_of_records, physical_lines, read_records
from dagster_project.sources.formats.csv_dialect import find_dialect
from dagster_project.sources.formats.fingerprint import fingerprint
from dagster_project.sources.records import Dialect


def records(text: str, delimiter: str = ",") -> list[tuple[int, str, list[str] | None]]:
    lines = enumerate(io.StringIO(text, newline=""), 1)
    return [record[:3] for record in read_records(iter(lines), Dialect("csv", delimiter, '"'))]


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("windows-1252", "windows-1252"),
    ],
)
def test_encodings(tmp_path: Path, encoding: str, found: str) -> None:
    path = tmp_path / "x.csv"
    text = "id,name\r\n1,Zoë Müller – €5\r\n"
    path.write_bytes(text.encode(encoding))
    told = fingerprint(path)
    assert (told.encoding, told.problem, told.bytes) == (found, None, path.stat().st_size)
    assert list(physical_lines(path, told.encoding)) == [(1, "id,name\r\n"), (2, "1,Zoë Müller – €5\r\n")]


def test_a_byte_without_meaning_in_windows_1252_is_latin_1(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"id,name\n1,M\xfcller \x81\n")
    assert fingerprint(path).encoding == "latin-1"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"id,name\n1,\0\n", "NUL"),
        ("id,name\n".encode("utf-16-le"), "NUL"),
        (b"\xff\xfeid,name\n1,abc", "is not utf-16"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    assert words in (fingerprint(path).problem or "")


def test_a_configured_encoding_is_held_to(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"id\n\xfc\n")
    assert fingerprint(path, "windows-1252").problem is None
    assert "is not utf-8" in (fingerprint(path, "utf-8").problem or "")


def test_texts_and_lines_are_exact() -> None:
    text = 'a,b\r\n1,"x\r\ny ""z"""\r\n\r\n   \r\n2," q"\n3,\r4,end'
    assert records(text) == [
        (1, "a,b", ["a", "b"]),
        (2, '1,"x\r\ny ""z"""', ["1", 'x\r\ny "z"']),
        (6, '2," q"', ["2", " q"]),
        (7, "3,", ["3", ""]),
        (8, "4,end", ["4", "end"]),
    ]


def test_separators_of_other_kinds_break_no_line() -> None:
    assert records("1,a\u2028b\x85c\x0bd\n") == [(1, "1,a\u2028b\x85c\x0bd", ["1", "a\u2028b\x85c\x0bd"])]


@pytest.mark.parametrize(
    "broken",
    [
        '2,"never closed',  # up to the end of the file
        '2,"closed" and on',
        '2,"quote "inside" it"',
    ],
)
def test_one_broken_row_swallows_no_other(broken: str) -> None:
    found = records(f'1,a\n{broken}\n3,c\n4,"d"\n')
    assert found[0] == (1, "1,a", ["1", "a"])
    assert found[1] == (2, broken, None)
    assert found[2:] == [(3, "3,c", ["3", "c"]), (4, '4,"d"', ["4", "d"])]


def test_an_endless_cell_does_not_fill_the_memory() -> None:
    rows = "".join(f"{number},x\n" for number in range(40_000))
    found = records(f'0,"\n{rows}')
    assert found[0] == (1, '0,"', None)
    assert len(found) == 40_001


cells = st.lists(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8), min_size=2, max_size=4),
    max_size=8,
)


@settings(deadline=None)
@given(cells, st.sampled_from(["\n", "\r\n"]), st.sampled_from([",", ";", "\t"]))
def test_what_was_written_is_read_and_stored_texts_read_the_same(
    rows: list[list[str]], end: str, delimiter: str
) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator=end, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    found = records(buffer.getvalue(), delimiter)
    assert [record[2] for record in found] == rows
    physical = buffer.getvalue().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for line, text, _ in found:
        assert text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[0] == physical[line - 1]
    again = read_records(lines_of_records((line, text) for line, text, _ in found), Dialect("csv", delimiter, '"'))
    assert [record[:3] for record in again] == found


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200))
def test_nothing_is_lost_whatever_the_text(text: str) -> None:
    """Every line that is not blank stands in exactly one record, and the raw store reads the same records again."""
    found = records(text)
    told = [
        (line + offset) for line, content, _ in found for offset in range(len(list(io.StringIO(content, newline=""))))
    ]
    lines = [number for number, line in enumerate(io.StringIO(text, newline=""), 1) if line.strip('\r\n"')]
    assert len(told) == len(set(told))
    filled = {number for number in lines if text_of(text, number).strip()}
    assert filled <= set(told)
    again = read_records(lines_of_records((line, content) for line, content, _ in found), Dialect("csv", ",", '"'))
    assert [record.text for record in again] == [content for _, content, _ in found]


def text_of(text: str, number: int) -> str:
    return list(io.StringIO(text, newline=""))[number - 1]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_by_the_names_expected(delimiter: str) -> None:
    header = delimiter.join(["Inquiry_ID", '"event_at"', "note, or; remark|s"])
    found = find_dialect([header + "\n"], {"inquiry_id", "event_at"}, Dialect("csv", ",", '"'), ())
    assert found == Dialect("csv", delimiter, '"')
