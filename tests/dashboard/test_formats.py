"""Values in words, and text that cannot do harm."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime

import pytest

from dashboards.components import formats


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (None, "–"),
        (0, "0 s"),
        (0.75, "45 s"),
        (5 + 59 / 60, "5 min 59 s"),
        (5, "5 min"),
        (9.9999, "10 min"),
        (47.6, "48 min"),
        (59.6, "1 h"),
        (730, "12 h 10 min"),
        (720, "12 h"),
        (2879, "47 h 59 min"),
        (2880, "2 days"),
        (4560, "3 days 4 h"),
    ],
)
def test_duration(minutes: float | None, words: str) -> None:
    assert formats.duration(minutes) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(145 / 274, "52.9 %"), (0.0, "0 %"), (1.0, "100 %"), (0.0001, "0.1 %"), (0.9999, "99.9 %"), (None, "–")],
)
def test_share_is_never_rounded_to_none_or_all(value: float | None, words: str) -> None:
    assert formats.share(value) == words


@pytest.mark.parametrize(
    ("low", "high", "unit", "words"),
    [
        (0.47, 0.588, "share", "Likely 47 % to 59 %"),
        (0.006, 0.014, "share", "Likely 0.6 % to 1.4 %"),
        (640.0, 842.0, "minutes", "Likely 10 h 40 min to 14 h 2 min"),
        (640.0, None, "minutes", "Likely more than 10 h 40 min"),
        (None, 842.0, "minutes", "Likely less than 14 h 2 min"),
        (None, None, "minutes", None),
    ],
)
def test_likely_range(low: float | None, high: float | None, unit: str, words: str | None) -> None:
    assert formats.likely_range(low, high, unit) == words


def test_money_and_counts() -> None:
    assert formats.money(2714.08, "USD") == "$2,714.08"
    assert formats.money(-3, "EUR") == "−€3.00"
    assert formats.money(2714.08, "CHF") == "2,714.08 CHF"
    assert formats.count(12601) == "12,601"


def test_days() -> None:
    assert formats.period_span(date(2026, 3, 2), "week") == "Mar 2 – 8, 2026"
    assert formats.period_span(date(2026, 3, 2), "trailing_4w") == "Feb 9 – Mar 8, 2026"
    assert formats.period_span(date(2026, 3, 2), "trailing_12w") == "Dec 15, 2025 – Mar 8, 2026"
    assert formats.moment(datetime(2026, 3, 9, 0, 5)) == "Mon Mar 9, 2026, 12:05 AM"  # noqa: DTZ001 (local)


def test_plain_text_does_nothing_in_markdown() -> None:
    shown = formats.plain("*a* [b](http://c) :red[d] <i>e</i> `f` $g$ :smile: h@i.com\n# j")
    for live in ("*a*", "[b](", "<i>", "`f`", "$g$", ":red", ":smile:", "h@i", "\n"):
        assert live not in shown


def test_chart_text_holds_no_tag_and_is_cut() -> None:
    assert formats.chart_text("<b>x</b> & y") == "&lt;b&gt;x&lt;/b&gt; &amp; y"
    assert formats.chart_text("a" * 40, 10) == "aaaaaaaaa…"


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", '"=1', "\r=1", "|x", "＝1"])
def test_csv_cells_are_no_formulas(evil: str) -> None:
    assert formats.csv_cell(evil) == f"'{evil}"
    written = formats.csv_bytes([{"a": evil}]).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(written, newline="")))[1][0].startswith("'")


@pytest.mark.parametrize("harmless", ["Olivia Smith", "", None, -3.5, 12, "a=b", "Zillow - North"])
def test_csv_leaves_the_rest_alone(harmless: object) -> None:
    assert formats.csv_cell(harmless) == harmless
