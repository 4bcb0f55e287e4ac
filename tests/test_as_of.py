"""The default moment of a build: what the data covers, stale sources left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dagster_project.as_of import Coverage, default_as_of

NEWEST = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_the_earliest_of_the_fresh_sources_counts() -> None:
    crm, dialer = Coverage("crm", NEWEST), Coverage("dialer", NEWEST - timedelta(hours=5))
    assert default_as_of([crm, dialer], 3) == (NEWEST - timedelta(hours=5), [])


def test_exactly_three_days_behind_is_not_stale_and_a_second_more_is() -> None:
    crm, old = Coverage("crm", NEWEST), Coverage("old", NEWEST - timedelta(days=3))
    older = Coverage("older", NEWEST - timedelta(days=3, seconds=1))
    assert default_as_of([crm, old], 3) == (old.data_through, [])
    assert default_as_of([crm, older], 3) == (NEWEST, [older])


def test_without_sources_there_is_no_moment() -> None:
    assert default_as_of([], 3) == (None, [])
