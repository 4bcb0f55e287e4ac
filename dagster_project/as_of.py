"""The moment a build's figures are true at (METRICS.md section 1): given, or what the data covers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from dagster_project.errors import CriticalProblem, StaleSources
from dagster_project.session import Session


@dataclass(frozen=True)
class Coverage:
    """Until when a source of inquiries or touches is known."""

    source: str
    data_through: datetime


def read_coverage(connection: duckdb.DuckDBPyConnection) -> list[Coverage]:
    """The sources that deliver inquiries or touches, and until when each is known."""
    rows = connection.execute(
        """
        SELECT source, data_through
        FROM raw.sources
        WHERE
            data_through IS NOT NULL
            AND source IN (
                SELECT _source FROM raw.inquiries WHERE _deleted_by_load IS NULL
                UNION
                SELECT _source FROM raw.touches WHERE _deleted_by_load IS NULL
            )
        ORDER BY position
        """
    ).fetchall()
    return [Coverage(source, data_through) for source, data_through in rows]


def default_as_of(coverage: list[Coverage], stale_after_days: int) -> tuple[datetime | None, list[Coverage]]:
    """The earliest `data_through` among the sources, and the stale ones that were left out of it.

    A source is stale when it is more than `stale_after_days` behind the newest. None where there is no source.
    """
    if not coverage:
        return None, []
    newest = max(item.data_through for item in coverage)
    stale = [item for item in coverage if newest - item.data_through > timedelta(days=stale_after_days)]
    return min(item.data_through for item in coverage if item not in stale), stale


def settle_as_of(connection: duckdb.DuckDBPyConnection, session: Session) -> None:
    """Set `session.as_of`, and mark the stale sources in `raw.sources`.

    Raises StaleSources where a source is stale (a warning where `as_of` was given), CriticalProblem where nothing says
    until when the data reaches.
    """
    rules = session.config.rules
    coverage = read_coverage(connection)
    computed, stale = default_as_of(coverage, rules.stale_after_days)
    connection.execute("UPDATE raw.sources SET is_stale = list_contains(?, source)", [[item.source for item in stale]])
    given = session.options.as_of
    newest = max(coverage, key=lambda item: item.data_through, default=None)
    lines = [
        f"source {item.source}: data ends {item.data_through:%Y-%m-%d %H:%M} UTC, more than {rules.stale_after_days}"
        f" days behind the newest source ({newest.source}, {newest.data_through:%Y-%m-%d %H:%M} UTC),"
        " expected a fresh export"
        for item in stale
        if newest
    ]
    if given is not None:
        session.warn(lines)
    elif lines:
        raise StaleSources(lines)
    if given is None and computed is None:
        raise CriticalProblem("no source delivers inquiries or touches; expected at least one inquiry to count from")
    session.as_of = given if given is not None else computed
    session.as_of_origin = "given" if given is not None else "data"
