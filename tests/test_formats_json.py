"""JSON Lines and JSON arrays: keys to columns, exact numbers, broken lines, what is bounded."""

from __future__ import annotations

import json
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.errors import CriticalProblem
from dagster_project.sources.formats import json_records
from dagster_project.sources.formats.json_records import open_json
from dagster_project.sources.records import UnreadableFile
from tests.ingest_kit import SOURCE, Kit, figures


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path, SOURCE + 'mode = "append"\n')


def refused(kit: Kit) -> list[str]:
    with pytest.raises(CriticalProblem) as caught:
        kit.load()
    return list(caught.value.messages)


LINES = [
    '{"person_id": 7, "name": "Ann", "email": ["a@x.com", "b@x.com"], "extra": {"a": {"b": 1.50}, "c": null}}',
    '{"person_id": "007", "phone": "+1 212 736 5000", "past_client_since": "2020-01-02"}',
    '{"person_id": 12345678901234567890123, "name": null, "extra": null}',
    "",
    '{"person_id": "x", "name": "twice", "name": "two"}',
    "[1, 2]",
    '{"person_id": "cut',
    "17",
    '{"person_id": "y", "name": "\\ud800"}',
    '{"name": "nobody"}',
    '{"person_id": 1.0, "email": [], "name": {"first": "Bo"}, "notes": [{"a": 1.50}]}',
    '{"person_id": ' + "[" * 5000 + "]" * 5000 + "}",
]


def test_objects_become_rows_and_broken_lines_are_told(kit: Kit) -> None:
    path = kit.write("crm/people.jsonl", *LINES)
    report = kit.load()
    assert figures(report.files[0]) == (11, 4, 7, 0, 0, 0)
    people = kit.rows(
        "SELECT _line, person_id, name, email, past_client_since::DATE::VARCHAR FROM raw.people ORDER BY 1"
    )
    assert people == [
        (1, "7", "Ann", "a@x.com;b@x.com", None),
        (2, "007", None, None, "2020-01-02"),
        (3, "12345678901234567890123", None, None, None),
        (11, "1", None, None, None),
    ]
    refused_rows = kit.rows("SELECT line, reason, raw_text = ? FROM quality.quarantine ORDER BY line", LINES[5])
    assert refused_rows == [
        (5, "bad_json", False), (6, "bad_json", True), (7, "bad_json", False), (8, "bad_json", False),
        (9, "bad_json", False), (10, "missing_required", False), (12, "bad_json", False),
    ]  # fmt: skip
    assert [warning.split("column ")[1] for warning in report.warnings] == [
        '"extra.a.b" is not known and ignored', '"extra.c" is not known and ignored',
        '"name.first" is not known and ignored', '"notes" is not known and ignored',
    ]  # fmt: skip
    path.unlink()
    kit.config.working_path.unlink()
    assert figures(kit.load().files[0]) == (11, 4, 7, 0, 0, 0)
    assert people == kit.rows(
        "SELECT _line, person_id, name, email, past_client_since::DATE::VARCHAR FROM raw.people ORDER BY 1"
    )
    assert refused_rows == kit.rows("SELECT line, reason, raw_text = ? FROM quality.quarantine ORDER BY line", LINES[5])


MAPPED = """
[[source.table]]
entity = "spend"
file = "ads.*"
decimal = ","
[source.table.columns]
spend_id = "id"
date = "segments.date"
source = "campaign.name"
amount = "cost"
clicks = "metrics.clicks"
"""


def test_nested_keys_and_numbers_under_a_decimal_comma(kit: Kit) -> None:
    kit.toml += MAPPED
    costs = ["12.5", "1e2", "0.1", "1234.567", "10.00", "3"]
    lines = [
        f'{{"id": {number}, "segments": {{"date": "2026-11-20"}}, "campaign": {{"name": "Zillow"}}, "cost": {cost},'
        f' "metrics": {{"clicks": {number}.0}}}}'
        for number, cost in enumerate(costs)
    ]
    kit.write("crm/ads.json", "[" + ",\n".join(lines) + "]")
    kit.load()
    assert kit.rows("SELECT _line, amount, clicks FROM raw.spend ORDER BY spend_id") == [
        (number + 1, Decimal(cost), number) for number, cost in enumerate(costs)
    ]
    kit.remove("crm/ads.json")
    kit.toml = kit.toml.replace('decimal = ","', 'decimal = "."')  # read again from raw, with the other mark
    kit.load()
    assert kit.rows("SELECT amount FROM raw.spend ORDER BY spend_id") == [(Decimal(cost),) for cost in costs]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[", "the array is not closed: the file is cut off, export it again"),
        ('[{"person_id": 1}, {"person_id": 2}', "the array is not closed: the file is cut off, export it again"),
        ('[{"person_id": "a]}"}', "the array is not closed: the file is cut off, export it again"),
        ('[{"person_id": 1}] x', "found text after the end of the array, expected one array"),
        ("[]", "found no object with a key, expected one a line, or one array of objects"),
        ("hello", "found no object with a key, expected one a line, or one array of objects"),
        ("[[[[", "the array is not closed: the file is cut off, export it again"),
        ('{"people": [{"person_id": 1}]}', 'column "person_id" (required) is not in the header'),
    ],
)
def test_json_that_cannot_be_read(kit: Kit, content: str, words: str) -> None:
    kit.write("crm/people.json", content)
    assert refused(kit) == [f"crm/people.json: {words}"]


def test_one_broken_object_of_an_array_spoils_no_other(kit: Kit) -> None:
    kit.write("crm/people.json", '[{"person_id": 1}, {"person_id" 2}, 3, {"person_id": "]}{["}, {"person_id": 5}]')
    assert figures(kit.load().files[0]) == (5, 3, 2, 0, 0, 0)
    assert kit.quarantine() == [("people.json", 2, "bad_json", None), ("people.json", 3, "bad_json", None)]
    assert kit.rows("SELECT person_id, _line FROM raw.people ORDER BY _line") == [("1", 1), ("]}{[", 4), ("5", 5)]


def test_keys_without_end_and_a_huge_cell(kit: Kit) -> None:
    kit.write("crm/people.jsonl", *(json.dumps({"person_id": n, f"k{n}": 1}) for n in range(5001)))
    assert "different keys" in refused(kit)[0]
    kit.write("crm/people.jsonl", json.dumps({"k" * 2_000_000: 1}))
    assert "different keys" in refused(kit)[0]
    kit.write("crm/people.jsonl", '{"person_id": 1}', json.dumps({"person_id": 2, "name": "x" * 200_000}))
    kit.load()
    assert kit.quarantine() == [("people.jsonl", 2, "huge_cell", None)]


def test_a_number_that_would_fill_the_memory_stays_a_text(kit: Kit) -> None:
    kit.write("crm/people.jsonl", '{"person_id": 1e999999999}', '{"person_id": 1E99999999999999999999999}')
    kit.load()
    assert kit.rows("SELECT person_id FROM raw.people ORDER BY 1") == [("1E99999999999999999999999",), ("1e999999999",)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_other_encodings(kit: Kit, encoding: str) -> None:
    kit.write("crm/people.jsonl", '{"person_id": "é"}', encoding=encoding)
    kit.write("crm/people.json", '[{"person_id": "ü"}]', encoding=encoding)
    kit.load()
    assert kit.rows("SELECT person_id FROM raw.people ORDER BY 1") == [("é",), ("ü",)]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab[]{},"\\', max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.text("abc", min_size=1, max_size=2), values, min_size=1, max_size=3), min_size=1),
       st.integers(1, 9), st.sampled_from([None, 1]), st.booleans())  # fmt: skip
def test_an_array_is_cut_where_its_objects_end(
    objects: list[dict[str, object]], chunk: int, indent: int | None, ascii_only: bool
) -> None:
    """Whatever the chunks in which it is read: the same objects as Python's own reader, one by one."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_records, "_CHUNK", chunk)
        path = Path(folder) / "x.json"
        path.write_text(json.dumps(objects, indent=indent, ensure_ascii=ascii_only), encoding="utf-8")
        opened = open_json(path, "utf-8", "json", ".")
        assert [json.loads(record.text) for record in opened.records] == objects


@settings(deadline=None)
@given(st.text('[]{},:"\\1a \n', max_size=40))
def test_no_text_ends_in_a_traceback(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.json"
        path.write_text(text, encoding="utf-8", newline="")
        for named in ("json", "jsonl"):
            try:
                opened = open_json(path, "utf-8", named, ".")
                assert all(record.cells is None or len(record.cells) == len(opened.header) for record in opened.records)
            except UnreadableFile:
                continue
