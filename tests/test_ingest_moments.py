"""Cells to instants and dates: formats, epoch numbers, days of Excel, two-digit years."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.entities import ENTITIES
from dagster_project.instants import Unreadable
from dagster_project.sources.convert import Converter, Rules, microseconds
from dagster_project.sources.values.moments import Moments

NEW_YORK = ZoneInfo("America/New_York")
MOMENTS = st.datetimes(datetime.fromisoformat("1970-01-01"), datetime.fromisoformat("2069-12-31"))
LONG = st.datetimes(datetime.fromisoformat("1900-03-01"), datetime.fromisoformat("2199-12-31"))


@pytest.mark.parametrize(
    ("form", "text", "moment"),
    [
        ("%d %b, %Y %H:%M:%S", "15 Apr, 2021 00:03:00", "2021-04-15 00:03:00"),
        ("%d %B %Y", "1 december 2026", "2026-12-01 00:00:00"),
        ("%b %d, %Y at %I:%M %p", "Sept 4, 2026 at 9:05 a.m.", "2026-09-04 09:05:00"),
        ("%a, %d %b %Y %H:%M:%S %z", "Tue, 24 Nov 2026 09:30:00 -0500", "2026-11-24 09:30:00-05:00"),
        ("%Y-%m-%d %H:%M %Z", "2026-11-24 09:30 UTC", "2026-11-24 09:30:00+00:00"),
        ("%m/%d/%Y, %I:%M:%S %p", "11/24/2026, 9:30:00\u202fPM", "2026-11-24 21:30:00"),
        ("%m/%d/%Y %I:%M %p", "11/24/2026 12:00 AM", "2026-11-24 00:00:00"),
        ("%m/%d/%Y %I:%M %p", "11/24/2026 12:00 PM", "2026-11-24 12:00:00"),
        ("%Y.%j", "2024.366", "2024-12-31 00:00:00"),
        ("%Y%m%d%H%M%S", "20261124093015", "2026-11-24 09:30:15"),
        ("%H:%M:%S.%f %d/%m/%Y", "09:30:15.1234567 24/11/2026", "2026-11-24 09:30:15.123456"),
        ("%m/%d/%y", "1/2/69", "2069-01-02 00:00:00"),
        ("%m/%d/%y", "1/2/70", "1970-01-02 00:00:00"),
        ("%m/%d/%y", "2/29/00", "2000-02-29 00:00:00"),
        ("epoch", "0", "1970-01-01 00:00:00+00:00"),
        ("epoch", "1618444980", "2021-04-15 00:03:00+00:00"),
        ("epoch", "1618444980.25", "2021-04-15 00:03:00.250000+00:00"),
        ("epoch", "1618444980.1234567", "2021-04-15 00:03:00.123456+00:00"),
        ("epoch", "-1", "1969-12-31 23:59:59+00:00"),
        ("epoch", "-0.0000001", "1969-12-31 23:59:59.999999+00:00"),
        ("epoch_ms", "1618444980123", "2021-04-15 00:03:00.123000+00:00"),
        ("epoch_us", "1618444980123456", "2021-04-15 00:03:00.123456+00:00"),
        ("excel", "44301", "2021-04-15 00:00:00"),
        ("excel", "44301.00208333333", "2021-04-15 00:03:00"),
        ("excel", "44301,5", "2021-04-15 12:00:00"),
        ("excel", "61", "1900-03-01 00:00:00"),
        ("excel", "45350.999988425923", "2024-02-28 23:59:59"),
        ("excel1904", "42839.00208333333", "2021-04-15 00:03:00"),
        ("excel1904", "0", "1904-01-01 00:00:00"),
    ],
)
def test_moments_in_a_format(form: str, text: str, moment: str) -> None:
    assert Moments([form]).moment(text) == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%d.%m.%Y", "31.02.2026"),
        ("%d.%m.%Y", "24.11.2026 09:30"),
        ("%d.%m.%Y", "24.11.0202"),
        ("%Y.%j", "2023.366"),
        ("%d %b %Y", "24 Nov. 2026"),
        ("%d %b %Y", "24 Dezember 2026"),
        ("%m/%d/%Y %I:%M %p", "11/24/2026 13:00 PM"),
        ("%Y-%m-%d %H:%M %Z", "2026-11-24 09:30 EST"),  # a zone that several countries call their own
        ("%Y-%m-%d %H:%M %z", "2026-11-24 09:30 +2500"),
        ("%m/%d/%y", "11/24/2026"),
        ("%Y%m%d%H%M", "20261124"),  # not 1 January at 02:04
        ("%m%d%Y", "1242026"),
        ("epoch", "1618444980000"),  # milliseconds
        ("epoch", "1.6e9"),
        ("epoch", "-2208988801"),  # 1899
        ("epoch", "7258118400"),  # 2200
        ("epoch_ms", "١٦١٨٤٤٤٩٨٠٠٠٠"),
        ("excel", "60"),  # the day that never was
        ("excel", "109939"),
        ("excel", "-44301"),
        ("excel", "2021-04-45"),
        ("excel", "NaN"),
    ],
)
def test_what_is_no_moment_of_a_format(form: str, text: str) -> None:
    with pytest.raises(Unreadable):
        Moments([form]).moment(text)


def test_the_first_format_that_fits_is_taken_words_and_all() -> None:
    moments = Moments(["epoch", "epoch_ms", "%m/%d/%Y"])
    answer = datetime(2021, 4, 15, 0, 3, tzinfo=UTC)
    assert moments.moment("1618444980") == moments.moment("1618444980000") == answer
    assert moments.moment("04/15/2021") == datetime.fromisoformat("2021-04-15")
    assert moments.moment("2021-04-15T00:03Z") == answer


@pytest.mark.parametrize(
    ("first", "years"), [(1970, [2000, 2069, 1970]), (1950, [2000, 1969, 1970]), (2000, [2000, 2069, 2070])]
)
def test_two_digit_years_are_of_the_hundred_from_the_first(first: int, years: list[int]) -> None:
    moments = Moments(["%m/%d/%y"], first_year=first)
    assert [moments.moment(f"6/15/{two}").year for two in ("00", "69", "70")] == years


def test_days_stay_as_written_and_those_of_an_epoch_are_local() -> None:
    written = Moments(["%m/%d/%Y %H:%M %z", "epoch", "excel"])
    assert written.day("11/24/2026 23:30 -0800", NEW_YORK) == date(2026, 11, 24)
    assert written.day("1618444980", NEW_YORK) == date(2021, 4, 14)  # 00:03 UTC is the evening before
    assert written.day("1618444980", ZoneInfo("UTC")) == date(2021, 4, 15)
    assert Moments(["excel"]).day("44301.99", NEW_YORK) == date(2021, 4, 15)


@pytest.mark.parametrize(("epoch", "serial"), [(1900, "44301.395833"), (1904, "42839.395833")])
def test_bare_numbers_of_a_workbook_are_days(epoch: int, serial: str) -> None:
    touches, spend = ENTITIES["touches"].by_name["occurred_at"], ENTITIES["spend"].by_name["date"]
    rules = Rules(NEW_YORK, excel_epoch=epoch)
    answer = microseconds(datetime(2021, 4, 15, 9, 29, 59, 971_000, tzinfo=NEW_YORK))
    instants = Converter(touches, rules)
    assert instants.convert([serial, "2021-04-15T00:00Z", "x"])[::2] == [answer, None]
    assert Converter(spend, rules).convert([serial]) == [date(2021, 4, 15).toordinal() - date(1970, 1, 1).toordinal()]
    assert list(instants.troubles) == ["x"]
    assert Converter(touches, Rules(NEW_YORK)).convert([serial]) == [None]


PRINTED = [
    "%Y-%m-%d %H:%M:%S.%f",
    "%d.%m.%Y %H:%M:%S.%f",
    "%m/%d/%Y %I:%M:%S.%f %p",
    "%d %b, %Y %H:%M:%S.%f",
    "%B %d, %Y %I:%M:%S.%f%p",
    "%a %b %d %H:%M:%S.%f %Y",
    "%A, %d %B %Y %H:%M:%S.%f",
    "%Y%m%d%H%M%S%f",
    "%j/%Y %H.%M.%S,%f",
    "%d%b%Y:%H:%M:%S.%f",
    "%y%m%d %H%M%S%f",
]


@settings(deadline=None)
@given(MOMENTS, st.sampled_from(PRINTED))
def test_a_moment_printed_in_a_format_reads_back(moment: datetime, form: str) -> None:
    text = moment.strftime(form)
    assert Moments([form]).moment(text) == moment
    if moment.year != 2069:  # 1969 by the rule of `strptime`
        assert datetime.strptime(text, form) == moment  # noqa: DTZ007


@settings(deadline=None)
@given(LONG)
def test_a_moment_as_a_number_reads_back(moment: datetime) -> None:
    micros = microseconds(moment.replace(tzinfo=UTC))
    milli = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    days = Decimal(microseconds(milli.replace(tzinfo=UTC))) / Decimal(86_400_000_000)
    assert Moments(["epoch_us"]).moment(str(micros)) == moment.replace(tzinfo=UTC)
    assert Moments(["epoch_ms"]).moment(str(Decimal(micros).scaleb(-3))) == moment.replace(tzinfo=UTC)
    assert Moments(["epoch"]).moment(str(Decimal(micros).scaleb(-6))) == moment.replace(tzinfo=UTC)
    assert Moments(["excel"]).moment(str(float(days) + 25569)) == milli  # as a float, the way workbooks hold it


def test_month_names_are_english_whatever_the_locale() -> None:
    code = (
        "import locale, sys\n"
        "try: locale.setlocale(locale.LC_ALL, '')\n"
        "except locale.Error: sys.exit(77)\n"
        "from dagster_project.sources.values.moments import Moments\n"
        "print(Moments(['%d %B %Y %I:%M %p']).moment('15 May 2021 09:00 PM'))"
    )
    for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "pt_BR.UTF-8", "C.UTF-8"):
        ran = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "LC_ALL": name},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode in (0, 77), ran.stderr
        assert ran.returncode == 77 or ran.stdout.strip() == "2021-05-15 21:00:00"


def test_month_names_do_not_ask_the_calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no other locale is installed, as on many servers: the names that a locale would give are others."""
    import calendar

    monkeypatch.setattr(calendar, "month_name", ["", *"abcdefghijkl"])
    monkeypatch.setattr(calendar, "month_abbr", ["", *"abcdefghijkl"])
    assert Moments(["%d %b, %Y"]).moment("15 Apr, 2021") == datetime.fromisoformat("2021-04-15")
