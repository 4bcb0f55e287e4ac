"""Cells to values: amounts, counts, durations, truth values, words of closed lists."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.entities import ENTITIES
from dagster_project.instants import Unreadable
from dagster_project.sources.convert import Converter, Rules
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
        ("$342.09K", ".", "342090"),
        ("342,09 k", ",", "342090"),
        ("1.2M", ".", "1200000"),
        ("US$ 1.2MM", ".", "1200000"),
        ("3 mn", ".", "3000000"),
        ("2.5B", ".", "2500000000"),
        ("€2.5bn", ".", "2500000000"),
        ("1.234M", ".", "1234000"),
        ("$1.234M", ".", "1234000"),  # three digits, but of millions
        ("1.2M USD", ".", "1200000"),
        ("R$ 100.000", ",", "100000"),
        ("R$ 100.000,50", ",", "100000.5"),
        ("US$1,000", ".", "1000"),
        ("C$ 12.50", ".", "12.5"),
        ("A$12.50", ".", "12.5"),
        ("12,50 kr", ",", "12.5"),
        ("kr. 12,50", ",", "12.5"),
        ("1 234,50 zł", ",", "1234.5"),
        ("CHF 1'234.50", ".", "1234.5"),
        ("1’234.50 CHF", ".", "1234.5"),
        ("EUR 12", ".", "12"),
        ("$12.50 USD", ".", "12.5"),
        ("$(12.00)", ".", "-12"),
        ("(12.00) USD", ".", "-12"),
        ("$12.00-", ".", "-12"),
        ("12.00- EUR", ".", "-12"),
        ("1\u202f234,50\u00a0€", ",", "1234.5"),
        ("100.000", ".", "100"),  # without a currency as the table says; the file is warned of if all are so
        ("$0.125", ".", "0.125"),
        ("$1234.567", ".", "1234.567"),
        ("$1,234.567", ".", "1234.567"),
        ("KWD 100.250", ".", "100.25"),  # a currency of three decimals
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
        ("R$ 100.000", "."),  # not 100
        ("€ 100,000", ","),
        ("100.000 EUR", "."),
        ("($100.000)", "."),
        ("12%", "."),
        ("12 %", "."),
        ("inf", "."),
        ("-inf", "."),
        ("1.2m", "."),  # a thousandth or a million
        ("5 MIO", "."),
        ("5 TSD", "."),
        ("5 XYZ", "."),
        ("1.2MK", "."),
        ("K", "."),
        ("5,-", ","),  # five, or minus five
        ("$5.-", "."),
        ("USD 5 EUR", "."),
        ("(-5)", "."),
        ("-5-", "."),
        ("(5", "."),
        ("5)", "."),
        ("$ 5 each", "."),
        ("999B999", "."),
        ("1000B", "."),
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


def test_an_amount_that_may_be_of_thousands_says_what_to_set() -> None:
    with pytest.raises(Unreadable, match=r'^an amount of which \. is the decimal mark; decimal = "," if it marks thou'):
        parse_decimal("R$ 100.000")
    with pytest.raises(Unreadable, match=r'^an amount of which , is the decimal mark; decimal = "\." if it marks thou'):
        parse_decimal("US$ 100,000", ",")
    with pytest.raises(Unreadable, match=r"^an amount, not a percentage$"):
        parse_decimal("12 %")


PLACES = ["{sign}{}", "{sign} {}", "{}{sign}", "{} {sign}", "{code} {}", "{} {code}", "{sign}{} {code}", "{}"]
SIGNS = ["$", "€", "£", "US$", "C$", "A$", "R$", "kr", "zł", "Kč"]


@settings(deadline=None)
@given(
    st.decimals(min_value=-(10**11), max_value=10**11, places=2),
    st.sampled_from(
        [(",", "."), (".", ","), (" ", ","), ("\u00a0", ","), ("\u202f", ","), ("'", "."), ("’", "."), ("", ".")]
    ),
    st.sampled_from(["-{}", "−{}", "({})", "{}-"]),
    st.sampled_from(PLACES),
    st.sampled_from(SIGNS),
    st.sampled_from(["USD", "CHF", "SEK", "PLN"]),
    st.booleans(),
)
def test_an_amount_in_any_style_reads_back(
    value: Decimal, style: tuple[str, str], minus: str, place: str, sign: str, code: str, outside: bool
) -> None:
    thousands, mark = style
    digits = f"{abs(value):,.2f}".replace(",", "t").replace(".", mark).replace("t", thousands)
    if value < 0 and not outside:
        digits = minus.format(digits)
    text = place.format(digits, sign=sign, code=code)
    if value < 0 and outside:
        text = minus.format(text)
    assert parse_decimal(text, mark) == value


@settings(deadline=None)
@given(st.integers(1, 9999), st.integers(0, 2), st.sampled_from(["k", "K", "M", "MM", "mn", "B", "bn"]), st.booleans())
def test_an_amount_in_thousands_or_millions_reads_back(whole: int, places: int, scale: str, space: bool) -> None:
    number = Decimal(whole).scaleb(-places)
    size = {"k": 3, "K": 3, "M": 6, "MM": 6, "mn": 6, "B": 9, "bn": 9}[scale]
    text = f"${number}{' ' if space else ''}{scale}"
    if number.scaleb(size) < 10**12:
        assert parse_decimal(text) == number.scaleb(size)


def warning(*texts: str, mark: str = ".") -> str | None:
    converter = Converter(ENTITIES["deals"].by_name["sale_price"], Rules(ZoneInfo("UTC"), mark))
    for start in range(0, len(texts), 2):  # in batches
        converter.convert(texts[start : start + 2])
    return converter.warning


def test_a_column_whose_every_mark_may_be_of_thousands_is_warned_of() -> None:
    expected = (
        "sale_price: the 3 amounts with a . all have three digits after it, read as decimals; "
        'decimal = "," if they are thousands'
    )
    assert warning("450.000", "500", "", "325.000", "450.000") == expected
    assert warning("450,000", "325,000", "450,000", mark=",") == expected.replace(" . ", " , ").replace('","', '"."')
    assert warning("450.000", "325.000") is None  # too few to say
    assert warning("450.000", "325.000", "450.000", "12.5") is None  # so the point is a decimal mark
    assert warning("12.50", "450.000", "325.000", "450.000") is None
    assert warning("450.000", "325.000", "450.000", "1,250.000") is None
    assert warning("450.000", "325.000", "450.000", "0.125") is None
    assert warning("450.000", "325.000", "450.000", "1234.125") is None
    assert warning("450,000", "325,000", "450,000") is None
    assert warning("1", "2", "3", "4") is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("26", "26"),
        ("26.5", "26.5"),
        ("1,234", "1234"),
        ("00:26:43", "1603"),
        ("1 day, 3:09:07", "97747"),
        ("1 day 3:09:07", "97747"),
        ("2 days 03:09:07", "184147"),
        ("184 days, 18:41:50", "15964910"),
        ("0:00:01.5", "1.5"),
        ("125:00:00", "450000"),
        ("0:00", "0"),
        ("00:00", "0"),
        ("0", "0"),
        ("1h 2m 3s", "3723"),
        ("1h2m3s", "3723"),
        ("2m 10s", "130"),
        ("2M 10S", "130"),
        ("45 sec", "45"),
        ("45 seconds", "45"),
        ("1 hr 5 min", "3900"),
        ("1 hour and 5 minutes", "3900"),
        ("2 hrs, 1 min.", "7260"),
        ("2 min. 10 sec.", "130"),
        ("1.5 hours", "5400"),
        ("1 day", "86400"),
        ("1d 1s", "86401"),
        ("350 ms", "0.35"),
        ("1s 350ms", "1.35"),
        ("PT2M10S", "130"),
        ("PT0.5S", "0.5"),
        ("PT1H", "3600"),
        ("P1DT3H9M7S", "97747"),
        ("P1W", "604800"),
        ("pt2m10s", "130"),
    ],
)
def test_durations(text: str, seconds: str) -> None:
    assert parse_duration(text) == Decimal(seconds)


@pytest.mark.parametrize(
    "text",
    ["-5", "12:30", "2:10", "1:60:00", "1:2:3", "ten", "5 apples", "P", "PT", "P1M", "P1Y", "1m 2h", "1h 1h", "h",
     "day", "-1:00:00", "1,5 h", "1,234 sec", "2 minutes ago", "$5", "5K", "1e5", "999999999999999", "NaN", "1 month"],
)  # fmt: skip
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(Unreadable):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "word", "seconds"),
    [
        ("2:10", "mm:ss", 130),
        ("125:10", "mm:ss", 7510),
        ("2:10.5", "mm:ss", Decimal("130.5")),
        ("2:10", "hh:mm", 7800),
        ("0", "mm:ss", 0),
        ("0:02:10", "hh:mm", 130),
        ("2m 10s", "mm:ss", 130),
        ("2.5", "minutes", 150),
        ("130000", "milliseconds", 130),
        ("1.5", "hours", 5400),
        ("PT2M10S", "milliseconds", 130),
    ],
)
def test_a_duration_without_a_unit_is_what_its_table_says(text: str, word: str, seconds: int) -> None:
    assert parse_duration(text, word=word) == seconds


@pytest.mark.parametrize(("text", "word"), [("45", "mm:ss"), ("2:75", "mm:ss"), ("2:10", "minutes"), ("-1", "hours")])
def test_what_is_no_duration_of_its_word(text: str, word: str) -> None:
    with pytest.raises(Unreadable):
        parse_duration(text, word=word)


def test_minutes_and_seconds_say_how_they_are_read() -> None:
    with pytest.raises(Unreadable, match=r'"mm:ss" or "hh:mm" in \[source\.table\.durations\] would read it$'):
        parse_duration("2:10")
    assert parse_duration("1,5 h", ",") == 5400


@settings(deadline=None)
@given(st.integers(0, 10**8))
def test_a_duration_in_any_style_reads_back(seconds: int) -> None:
    minutes, s = divmod(seconds, 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    assert {
        parse_duration(text)
        for text in (
            str(seconds),
            f"{seconds:,}",
            str(timedelta(seconds=seconds)),
            f"{days} days {h:02d}:{m:02d}:{s:02d}",
            f"{hours}:{m:02d}:{s:02d}",
            f"{days}d {h}h {m}m {s}s",
            f"{hours} hr {m} min {s} sec",
            f"{days} days, {h} hours, {m} minutes and {s} seconds",
            f"P{days}DT{h}H{m}M{s}S",
            f"{seconds}s",
        )
    } == {Decimal(seconds)}
    assert parse_duration(f"{minutes}:{s:02d}" if minutes < 10**6 else "0", word="mm:ss") == (
        seconds if minutes < 10**6 else 0
    )
    assert parse_duration(str(seconds * 1000), word="milliseconds") == seconds


def test_counts() -> None:
    assert [parse_count(text) for text in ("0", "12", "1,234", "5.0")] == [0, 12, 1234, 5]
    for text in ("1.5", "-1", "x", "1,23", "0:02:10", "5K", "$5"):
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
