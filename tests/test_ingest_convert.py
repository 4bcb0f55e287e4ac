"""Cells to values: amounts, counts, durations, truth values, words of closed lists."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.entities import ENTITIES
from dagster_project.instants import Unreadable
from dagster_project.sources.values.amounts import parse_count, parse_decimal
from dagster_project.sources.values.durations import parse_duration
from dagster_project.sources.values.words import UnknownWord, parse_choice, parse_truth


@pytest.mark.parametrize(
    ("text", "mark", "value"),
    [
        ("1000", ".", "1000"),
        ("€ 3.500,00", ",", "3500"),
        ("3.500,00 €", ",", "3500"),
        ("$1,000.00", ".", "1000"),
        ("(12.00)", ".", "-12"),
        ("($1,234.50)", ".", "-1234.5"),
        ("-$5.25", ".", "-5.25"),
        ("$-5.25", ".", "-5.25"),
        ("5.25-", ".", "-5.25"),
        ("−5.25", ".", "-5.25"),  # a typographic minus
        ("+7", ".", "7"),
        (".5", ".", "0.5"),
        ("5.", ".", "5"),
        ("1 234 567,89", ",", "1234567.89"),
        ("1\u00a0234,50", ",", "1234.5"),
        ("1'234.50 CHF", ".", "1234.5"),
        ("USD 1,234.50", ".", "1234.5"),
        ("3.3000000000000003", ".", "3.3"),
        ("0.0000005", ".", "0"),
        ("999999999999.999999", ".", "999999999999.999999"),
        ("-0", ".", "0"),
    ],
)
def test_amounts(text: str, mark: str, value: str) -> None:
    assert parse_decimal(text, mark) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("1,50", "."),  # a decimal comma, or a typing error: not 150
        ("1.50", ","),
        ("1,0000", "."),
        ("12 34", "."),
        ("1.2.3", "."),
        ("1_000", "."),
        ("abc", "."),
        ("", "."),
        ("$", "."),
        ("-", "."),
        ("()", "."),
        (".", "."),
        ("1e5", "."),
        ("NaN", "."),
        ("Infinity", "."),
        ("--5", "."),
        ("1000000000000", "."),
        ("999999999999.9999999", "."),
        ("9" * 400, "."),
        ("٣", "."),
        ("12 apples", "."),
    ],
)
def test_what_is_no_amount(text: str, mark: str) -> None:
    with pytest.raises(Unreadable):
        parse_decimal(text, mark)


@settings(deadline=None)
@given(st.decimals(min_value=-(10**11), max_value=10**11, places=2), st.sampled_from([".", ","]))
def test_written_amounts_are_read(value: Decimal, mark: str) -> None:
    text = f"{value:,.2f}"
    if mark == ",":
        text = text.replace(",", " ").replace(".", ",")
    assert parse_decimal(text, mark) == value


@settings(deadline=None)
@given(st.text(max_size=30), st.sampled_from([".", ","]))
def test_any_text_is_an_amount_or_unreadable(text: str, mark: str) -> None:
    try:
        value = parse_decimal(text, mark)
    except Unreadable:
        return
    assert abs(value) < 10**12
    assert value == value.quantize(Decimal("0.000001"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("26", "26"),
        ("26.5", "26.5"),
        ("00:26:43", "1603"),
        ("1 day, 3:09:07", "97747"),
        ("184 days, 18:41:50", "15964910"),
        ("0:00:01.5", "1.5"),
    ],
)
def test_durations(text: str, seconds: str) -> None:
    assert parse_duration(text) == Decimal(seconds)


@pytest.mark.parametrize("text", ["-5", "12:30", "1:60:00", "ten"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(Unreadable):
        parse_duration(text)


def test_counts() -> None:
    assert [parse_count(text) for text in ("0", "12", "1,234", "5.0")] == [0, 12, 1234, 5]
    for text in ("1.5", "-1", "x", "1,23"):
        with pytest.raises(Unreadable):
            parse_count(text)


def test_truth_values() -> None:
    assert [parse_truth(text) for text in ("true", "TRUE", "1", "Yes", " yes ")] == [True] * 5
    assert [parse_truth(text) for text in ("false", "False", "0", "NO")] == [False] * 4
    for text in ("y", "2", "on", "ja"):
        with pytest.raises(UnknownWord):
            parse_truth(text)


def test_words_of_closed_lists_in_any_case_and_the_nearest_named() -> None:
    choices = ENTITIES["touches"].by_name["direction"].choices
    assert parse_choice(" Outbound ", choices) == "outbound"
    with pytest.raises(UnknownWord, match=r"^one of outbound, inbound \(nearest: outbound\)$"):
        parse_choice("outbnd", choices)
    with pytest.raises(UnknownWord, match=r"^one of outbound, inbound$"):
        parse_choice("???", choices)
