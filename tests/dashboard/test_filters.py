"""What the address asks for, corrected where it cannot be had."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from dashboards.components import filters

WEEKS = [date(2026, 1, 5) + timedelta(weeks=n) for n in range(10)]
OPTIONS = filters.Options(
    weeks=WEEKS,
    judged={"week": WEEKS[:-1], "trailing_4w": WEEKS},
    values={"source": ["Zillow", "a&b=c"], "hours": ["in_hours", "after_hours"]},
    metrics=["response_minutes_median", "contact_rate_48h"],
    lists=["contact_rate_48h"],
)


def test_without_an_address_the_latest_week_that_can_be_judged() -> None:
    chosen, notes = filters.read({}, OPTIONS)
    assert (chosen.week, chosen.period, chosen.slice, chosen.value) == (WEEKS[-2], "week", "all", "")
    assert not notes
    assert filters.read({"period": "trailing_4w"}, OPTIONS)[0].week == WEEKS[-1]


def test_without_a_week_that_can_be_judged_the_latest() -> None:
    options = filters.Options(weeks=WEEKS, judged={}, values={}, metrics=[], lists=[])
    assert filters.read({}, options)[0].week == WEEKS[-1]


def test_a_week_that_is_still_running_is_not_the_first_to_be_shown() -> None:
    options = replace(OPTIONS, running=WEEKS[-1])
    assert filters.read({"period": "trailing_4w"}, options)[0].week == WEEKS[-2]
    alone = replace(options, weeks=WEEKS[-1:], judged={})
    assert filters.read({}, alone)[0].week == WEEKS[-1]


@pytest.mark.parametrize(
    "address",
    [
        {"week": "2026-01-19", "period": "week"},
        {"week": "2026-01-19", "period": "trailing_4w", "slice": "source"},
        {"week": "2026-01-19", "period": "week", "slice": "source", "value": "a&b=c"},
        {"week": "2026-03-09", "period": "trailing_52w", "slice": "hours", "value": "in_hours",
         "metric": "contact_rate_48h", "list": "contact_rate_48h"},
    ],
)  # fmt: skip
def test_an_address_comes_back_as_it_was(address: dict[str, str]) -> None:
    chosen, notes = filters.read(address, OPTIONS)
    assert not notes
    assert chosen.address() == {"slice": "all", **address}


@pytest.mark.parametrize(
    ("address", "corrected", "word"),
    [
        ({"week": "2026-01-21"}, {"week": "2026-01-19"}, "starts on Monday, Jan 19"),
        ({"week": "2031-01-06"}, {"week": "2026-03-02"}, "no figures for the week"),
        ({"week": "last"}, {"week": "2026-03-02"}, "not a date"),
        ({"period": "fortnight"}, {"period": "week"}, "no period"),
        ({"slice": "salary", "value": "x"}, {"slice": "all"}, "cannot be split"),
        ({"slice": "source", "value": "Nobody"}, {"slice": "source"}, "no figures for source"),
        ({"metric": "drop table"}, {}, "no number"),
        ({"list": "response_minutes_median"}, {}, "no list of leads"),
    ],
)
def test_what_cannot_be_had_is_corrected_and_said(
    address: dict[str, str], corrected: dict[str, str], word: str
) -> None:
    chosen, notes = filters.read(address, OPTIONS)
    assert word in " ".join(notes).replace("\\", "")
    found = chosen.address()
    assert {name: found.get(name) for name in corrected} == corrected
    assert not {"value", "metric", "list"} & found.keys()
    assert filters.read(found, OPTIONS) == (chosen, []), "a corrected address needs no correction"
