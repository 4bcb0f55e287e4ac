"""Local times to UTC, and the spellings of ISO 8601: literal answers first, then properties."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.instants import Unreadable, local_to_utc, parse_instant, parse_iso
from dagster_project.sources.values.moments import Moments

NEW_YORK = ZoneInfo("America/New_York")
ZONES = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Europe/Dublin", "UTC"]


@pytest.mark.parametrize(
    ("zone", "local", "utc", "flag"),
    [
        ("America/New_York", "2026-03-08 01:59:59", "2026-03-08 06:59:59", None),
        ("America/New_York", "2026-03-08 02:30:00", "2026-03-08 07:30:00", "gap"),  # becomes 03:30 EDT
        ("America/New_York", "2026-03-08 03:00:00", "2026-03-08 07:00:00", None),
        ("America/New_York", "2026-11-01 00:59:59", "2026-11-01 04:59:59", None),
        ("America/New_York", "2026-11-01 01:30:00", "2026-11-01 06:30:00", "repeated"),  # the second, EST
        ("America/New_York", "2026-11-01 02:00:00", "2026-11-01 07:00:00", None),
        ("Europe/Berlin", "2023-10-29 02:15:00", "2023-10-29 01:15:00", "repeated"),
        ("Europe/Dublin", "2026-10-25 01:30:00", "2026-10-25 01:30:00", "repeated"),  # winter is the "saving" there
        ("Australia/Lord_Howe", "2026-04-05 01:45:00", "2026-04-04 15:15:00", "repeated"),  # half an hour
        ("America/Sao_Paulo", "2018-11-04 00:00:00", "2018-11-04 03:00:00", "gap"),  # midnight did not exist
    ],
)
def test_local_to_utc(zone: str, local: str, utc: str, flag: str | None) -> None:
    moment, found = local_to_utc(datetime.fromisoformat(local), ZoneInfo(zone))
    assert moment == datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert found == flag


@settings(deadline=None)
@given(
    st.datetimes(min_value=datetime(1975, 1, 1), max_value=datetime(2037, 12, 31)),  # noqa: DTZ001 - local on purpose
    st.sampled_from(ZONES),
)
def test_flags_mean_what_they_say(local: datetime, zone_name: str) -> None:
    zone = ZoneInfo(zone_name)
    moment, flag = local_to_utc(local, zone)
    back = moment.astimezone(zone).replace(tzinfo=None)
    if flag == "gap":
        assert timedelta() < back - local <= timedelta(hours=1, minutes=30)
    else:
        assert back == local
    an_hour_before = (moment - timedelta(hours=1)).astimezone(zone).replace(tzinfo=None)
    if flag == "repeated" and zone_name != "Australia/Lord_Howe":
        assert an_hour_before == local


def test_sql_takes_the_same_side() -> None:
    """`AT TIME ZONE` in DuckDB and Python agree on every quarter of an hour around the changes of a year."""
    for zone_name in ("America/New_York", "Europe/Berlin", "Europe/Dublin"):
        zone = ZoneInfo(zone_name)
        rows = duckdb.connect().execute(
            """
            SELECT local, epoch_us(local AT TIME ZONE ?) FROM (
                SELECT unnest(range(TIMESTAMP '2026-01-01', TIMESTAMP '2027-01-01', INTERVAL 15 MINUTES)) AS local
            )
            """,
            [zone_name],
        )
        for local, micros in rows.fetchall():
            moment = local_to_utc(local, zone)[0]
            assert (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) == micros, local


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-24T09:30:00Z", "2026-11-24 09:30:00"),
        ("2026-11-24t09:30z", "2026-11-24 09:30:00"),
        ("2026-11-24 09:30:00+00", "2026-11-24 09:30:00"),
        ("2026-11-24 09:30:00 UTC", "2026-11-24 09:30:00"),
        ("2026-11-24T09:30:00-05:00", "2026-11-24 14:30:00"),
        ("2026-11-24 09:30:00 -0500", "2026-11-24 14:30:00"),
        ("2026-11-24T09:30:00.123456789-05", "2026-11-24 14:30:00.123456"),
        ("2026-11-24T09:30:00,5Z", "2026-11-24 09:30:00.5"),
        ("2026-11-24T23:30+05:30", "2026-11-24 18:00:00"),
        ("20261124T093000Z", "2026-11-24 09:30:00"),
        ("2026-11-24", "2026-11-24 05:00:00"),
        ("2026-11-24 09:30", "2026-11-24 14:30:00"),
        ("2026-11-24T24:00", "2026-11-25 05:00:00"),
        ("  2026-11-24 09:30  ", "2026-11-24 14:30:00"),
        ("2026-06-15T12:00:00.999999999Z", "2026-06-15 12:00:00.999999"),
    ],
)
def test_iso_spellings(text: str, utc: str) -> None:
    assert parse_instant(text, NEW_YORK)[0] == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "24.11.2026",
        "11/24/2026 09:30",
        "2026-13-01",
        "2026-02-30",
        "2026-11-24T25:00",
        "2026-11-24T09:60",
        "2026-11-24T09:30:61",
        "2026-11-24T24:01",
        "2026-11-24T09:30:00+24:00",
        "2026-11-24T09:30:00 EST",
        "0001-01-01",
        "0202-05-05",
        "9999-12-31",
        "9999-12-31T23:59:59-05:00",
        "20233-01-01",
        "1700000000",
        "2026-11-24T09:30:00Z; 2026",
        "２０２６-11-24",
        "2026-W48-2",
    ],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        parse_instant(text, NEW_YORK)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_an_instant_or_unreadable(text: str) -> None:
    try:
        moment, _ = parse_instant(text, NEW_YORK)
    except Unreadable:
        return
    assert moment.tzinfo is UTC


@settings(deadline=None)
@given(st.from_regex(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,7})?)?(Z|[+-]\d{2}:\d{2})?", fullmatch=True))
def test_agrees_with_the_standard_library(text: str) -> None:
    try:
        moment = parse_iso(text)
    except Unreadable:
        return
    if "T24:" not in text and " 24:" not in text:
        assert moment == datetime.fromisoformat(text)


def test_own_formats_are_tried_in_order_and_iso_last() -> None:
    formats = ["%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p", "%d.%m.%Y"]
    answers = {
        "24.11.2026 09:30": "2026-11-24 09:30",
        "11/24/2026 09:30 PM": "2026-11-24 21:30",
        "24.11.2026": "2026-11-24 00:00",
        "2026-11-24 09:30": "2026-11-24 09:30",
    }
    for text, answer in answers.items():
        assert Moments(formats).moment(text) == datetime.fromisoformat(answer)
    with pytest.raises(Unreadable, match=r"%d\.%m\.%Y %H:%M or .*, or ISO"):
        Moments(formats).moment("31.02.2026 09:30")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2023-07-03", date(2023, 7, 3)),
        ("2023-07-03 00:00:00", date(2023, 7, 3)),
        ("2023-07-03T23:59:59-08:00", date(2023, 7, 3)),  # never shifted
        ("2023-07-03T24:00", date(2023, 7, 3)),
        ("20230703T0100Z", date(2023, 7, 3)),
    ],
)
def test_a_day_stays_the_day_that_was_written(text: str, day: date) -> None:
    assert Moments().day(text, NEW_YORK) == day
