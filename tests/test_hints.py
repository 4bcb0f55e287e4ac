"""What a quarantined row says: what was expected, and the nearest fix. Never what stood in the cell."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.entities import ENTITIES
from dagster_project.sources.convert import Converter, Rules
from dagster_project.sources.values.moments import Moments
from tests.ingest_kit import SOURCE, Kit

UTC = ZoneInfo("UTC")
OCCURRED = ENTITIES["touches"].by_name["occurred_at"]


def expected(text: str, column: str = "touches.occurred_at", *, mapped: bool = True, decimal: str = ".") -> str:
    """What the converter of a column says of a cell that it cannot read."""
    entity, name = column.split(".")
    converter = Converter(ENTITIES[entity].by_name[name], Rules(UTC, decimal), mapped=mapped)
    assert converter.convert([text]) == [None]
    return converter.troubles[text].expected


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("15 Apr, 2021 00:03:00", "%d %b, %Y %H:%M:%S"),
        ("11/24/2026", "%m/%d/%Y"),
        ("11/24/2026 9:30 PM", "%m/%d/%Y %I:%M %p"),
        ("11/24/2026, 9:30:15\u202fPM", "%m/%d/%Y, %I:%M:%S %p"),
        ("24/11/2026 21:30", "%d/%m/%Y %H:%M"),
        ("24/11/26", "%d/%m/%y"),
        ("24.11.2026 09:30", "%d.%m.%Y %H:%M"),
        ("24.11.26", "%d.%m.%y"),
        ("24-Nov-2026", "%d-%b-%Y"),
        ("Nov 24, 2026 at 9:30 AM", "%b %d, %Y at %I:%M %p"),
        ("November 24, 2026", "%b %d, %Y"),
        ("Tue, 24 Nov 2026 09:30:00 -0500", "%a, %d %b %Y %H:%M:%S %z"),
        ("Tue Nov 24 09:30:00 2026", "%a %b %d %H:%M:%S %Y"),
        ("2026/11/24 09:30:15.250", "%Y/%m/%d %H:%M:%S.%f"),
        ("2026-11-24 9:30 AM", "%Y-%m-%d %I:%M %p"),
        ("20261124", "%Y%m%d"),
        ("20261124093015", "%Y%m%d%H%M%S"),
        ("1618444980", "epoch"),
        ("1618444980.5", "epoch"),
        ("1618444980123", "epoch_ms"),
        ("1618444980123456", "epoch_us"),
        ("44301.39583", "excel"),
    ],
)
def test_a_format_that_would_read_a_moment_is_named(text: str, form: str) -> None:
    said = expected(text)
    assert said.endswith(f'; "{form}" in time_formats would read it')
    Moments([form]).moment(text)
    assert expected(text, mapped=False) == said + ", in a [[source.table]]"
    assert form in expected(text, "spend.date")


def test_where_two_formats_would_fit_both_are_named() -> None:
    both = '"%m/%d/%Y" or "%d/%m/%Y" in time_formats would read it: which is the day, which the month?'
    assert expected("03/04/2026").endswith(f"; {both}")
    assert expected("03-04-26 10:00").endswith(
        '; "%m-%d-%y %H:%M" or "%d-%m-%y %H:%M" in time_formats would read it: which is the day, which the month?'
    )


@pytest.mark.parametrize(
    "text", ["never", "2127365000", "31.02.2026", "24 Dezember 2026", "0202-01-01", "x" * 10_000, "7"]
)
def test_where_no_format_would_fit_none_is_named(text: str) -> None:
    assert "time_formats" not in expected(text)


@settings(deadline=None, max_examples=300)
@given(st.datetimes(datetime.fromisoformat("1970-01-01"), datetime.fromisoformat("2069-12-31")), st.randoms())
def test_a_format_that_is_named_reads_the_cell(moment: datetime, random: object) -> None:
    date = random.choice(["%m/%d/%Y", "%d.%m.%y", "%d %b %Y", "%d/%m/%Y", "%Y.%m.%d", "%A, %B %d, %Y"])  # type: ignore[attr-defined]
    clock = random.choice(["", " %H:%M", ", %I:%M:%S %p", " at %I:%M%p", "T%H:%M:%S.%f"])  # type: ignore[attr-defined]
    text = moment.strftime(date + clock)
    said = expected(text).split("; ")[1].split('"')
    readings = [Moments([form]).moment(text) for form in said[1::2]]
    assert any(reading.strftime(date + clock) == text for reading in readings)


def test_an_unknown_word_has_its_nearest_and_the_key_that_maps_it() -> None:
    assert expected("outbnd", "touches.direction") == (
        "one of outbound, inbound (nearest: outbound); map it in [source.table.values.direction]"
    )
    assert expected("outbnd", "touches.direction", mapped=False) == "one of outbound, inbound (nearest: outbound)"
    assert expected("ja", "touches.connected") == (
        "true or false, 1 or 0, yes or no; map it in [source.table.values.connected]"
    )


def test_an_amount_of_the_other_mark_says_so() -> None:
    assert expected("1.234,50", "deals.gci") == 'a number with the decimal mark .; decimal = "," would read it'
    assert (
        expected("1,234.50", "deals.gci", decimal=",")
        == 'a number with the decimal mark ,; decimal = "." would read it'
    )
    assert expected("1.5", "spend.clicks") == "a whole number from 0"
    assert expected("1.500", "spend.clicks") == 'a whole number from 0; decimal = "," would read it'
    assert "would read it" not in expected("12 apples", "deals.gci")


def test_what_is_expected_holds_nothing_of_the_cell() -> None:
    cells = [
        "Zelda Quist",
        "zelda@quist.example",
        "+1 212 736 5000",
        "212-736-5000",
        "4 Privet Drive",
        "11/24/2026 Zelda",
    ]
    for cell in cells:
        for column in ("touches.occurred_at", "spend.date", "touches.direction", "touches.connected", "deals.gci"):
            said = expected(cell, column).casefold()
            assert not any(word in said for word in cell.casefold().split() if len(word) > 3)
            assert "\n" not in said
            assert len(said) < 200


def test_the_fix_is_looked_for_in_some_hundreds_of_texts_of_a_column_at_most() -> None:
    texts = [f"24.11.2026 09:30:15.{number:06d}" for number in range(5000)]
    converter = Converter(OCCURRED, Rules(UTC))
    for start in range(0, len(texts), 500):
        converter.convert([*texts[start : start + 500], texts[0]])  # a text that is known costs nothing
    hinted = [text for text in texts if "time_formats" in converter.troubles[text].expected]
    assert len(hinted) == 300
    assert texts[0] in hinted
    assert all(converter.troubles[text].expected.startswith("an instant such as") for text in texts)


CALLS = """
[[source.table]]
entity = "touches"
file = "calls.csv"
[source.table.columns]
touch_id = "Id"
occurred_at = "Started"
direction = "Type"
duration_seconds = "Talk"
[source.table.constants]
channel = "call"
"""


def test_the_quarantine_says_what_to_do(tmp_path: Path) -> None:
    kit = Kit(tmp_path, SOURCE + CALLS)
    kit.write(
        "crm/calls.csv",
        "Id,Started,Type,Talk",
        "1,2026-11-20 09:00,outbound,45",
        "2,03/04/2026,outbound,45",
        "3,2026-11-20,Ausgehend,45",
        "4,2026-11-20,outbound,2:10",
        "5,,outbound,45",
        "6,2026-11-20,outbound",
        '7,2026-11-20,"out"bound,45',
    )
    kit.load()
    said = dict(kit.rows("SELECT line, expected FROM quality.quarantine"))
    assert said == {
        3: "an instant such as 2026-11-24 09:30:00 or 2026-11-24T09:30:00-05:00; "
        '"%m/%d/%Y" or "%d/%m/%Y" in time_formats would read it: which is the day, which the month?',
        4: "one of outbound, inbound; map it in [source.table.values.direction]",
        5: 'seconds, or a duration such as 0:02:10 or 2m 10s; "mm:ss" or "hh:mm" in [source.table.durations] '
        "would read it",
        6: "a value; [source.table.columns] may name a second raw column for it, "
        "[source.table.drop] leaves such rows out",
        7: "4 cells, as the header has; quotes around one that holds the delimiter",
        8: "quotes that are closed and followed by the delimiter; one inside a cell is doubled",
    }
    kit.toml += """
[source.table.durations]
duration_seconds = "mm:ss"
[source.table.values.direction]
Ausgehend = "outbound"
"""
    kit.toml = kit.toml.replace('file = "calls.csv"', 'file = "calls.csv"\ntime_formats = ["%m/%d/%Y"]')
    kit.write("crm/calls.csv", "Id,Started,Type,Talk", "2,03/04/2026,outbound,0:45", "3,2026-11-20,Ausgehend,2:10")
    kit.load()
    assert kit.quarantine() == []
    assert kit.rows("SELECT touch_id, occurred_at::DATE::VARCHAR, direction, duration_seconds::INT FROM raw.touches "
                    "WHERE _deleted_by_load IS NULL ORDER BY 1") == [
        ("2", "2026-03-04", "outbound", 45), ("3", "2026-11-20", "outbound", 130),
    ]  # fmt: skip


def test_money_whose_every_mark_may_be_of_thousands_is_told_by_file(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    rows = [f"d{number},p,{number + 300}.000" for number in range(4)]
    kit.write("crm/deals.csv", "deal_id,person_id,sale_price", *rows)
    text = (
        "crm/deals.csv: sale_price: the 4 amounts with a . all have three digits after it, read as decimals; "
        'decimal = "," if they are thousands'
    )
    assert text in kit.load().warnings
    assert text in kit.load().warnings  # told again, though nothing is read again
    kit.write("crm/deals.csv", "deal_id,person_id,sale_price", *rows, "d9,p,12.50")
    assert text not in kit.load().warnings
