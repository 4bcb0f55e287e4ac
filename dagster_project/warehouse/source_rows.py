"""`raw.sources`: one row per source of the configuration, how far its data reach, whether they are stale."""

from __future__ import annotations

from datetime import datetime

import duckdb

from dagster_project.config import Config, Source
from dagster_project.entities import ENTITIES

_LOADED = "last load of "
"""Before a source's name: the setting that says which load read the source last."""


def write_source(connection: duckdb.DuckDBPyConnection, config: Config, source: Source) -> set[str]:
    """Write a source's row and the positions of all; forget sources that the configuration no longer names.

    Returns the id spaces in which another row may win now although no file changed: a source was taken out, moved to
    another place, or given another id space.
    """
    order = "SELECT source, id_space FROM raw.sources ORDER BY position, source"
    before = connection.execute(order).fetchall()
    _forget_others(connection, config)
    connection.execute("DELETE FROM raw.sources WHERE source = ?", [source.name])
    connection.execute(
        """
        INSERT INTO raw.sources (source, position, kind, id_space, timezone, lead_grain, mode, calls_open_leads,
            covers_from, is_stale)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, false)
        """,
        [
            *(source.name, source.position, source.kind, source.id_space, source.timezone),
            *(source.lead_grain, source.mode, source.calls_open_leads, source.covers_from),
        ],
    )
    for other in config.sources:
        connection.execute("UPDATE raw.sources SET position = ? WHERE source = ?", [other.position, other.name])
    after = connection.execute(order).fetchall()
    return {space for _, space in before} if before and before != after else set()


def write_loaded(connection: duckdb.DuckDBPyConnection, source: Source, load_id: str) -> None:
    """Remember which load read a source last."""
    connection.execute("DELETE FROM ingest.settings WHERE name = ?", [_LOADED + source.name])
    connection.execute("INSERT INTO ingest.settings VALUES (?, ?)", [_LOADED + source.name, load_id])


def read_before(connection: duckdb.DuckDBPyConnection, source: Source, load_id: str) -> list[str]:
    """The sources that stand before `source`, in the configuration or in this load, which may run in another order."""
    rows = connection.execute(
        """
        SELECT o.source FROM raw.sources AS o LEFT JOIN ingest.settings AS s ON s.name = ? || o.source
        WHERE o.source <> ? AND (o.position < ? OR s.value = ?) ORDER BY o.position
        """,
        [_LOADED, source.name, source.position, load_id],
    ).fetchall()
    return [name for (name,) in rows]


def _forget_others(connection: duckdb.DuckDBPyConnection, config: Config) -> None:
    """Raw keeps their files; the working database does not."""
    names = [source.name for source in config.sources]
    for (name,) in connection.execute("SELECT source FROM raw.sources").fetchall():
        if name in names:
            continue
        for entity in ENTITIES:
            connection.execute(f"DELETE FROM raw.{entity} WHERE _source = ?", [name])
        for table in ("raw.sources", "quality.load_log", "quality.quarantine", "ingest.files", "ingest.lines"):
            connection.execute(f"DELETE FROM {table} WHERE source = ?", [name])
        connection.execute("DELETE FROM ingest.settings WHERE name = ?", [_LOADED + name])


def write_data_through(connection: duckdb.DuckDBPyConnection, source: Source, clock: datetime) -> datetime | None:
    """Until when the source's data reach: as configured, else its newest inquiry or touch that is not after `clock`."""
    moment = source.data_through or _newest(connection, source, clock)
    connection.execute("UPDATE raw.sources SET data_through = ? WHERE source = ?", [moment, source.name])
    return moment


def _newest(connection: duckdb.DuckDBPyConnection, source: Source, clock: datetime) -> datetime | None:
    row = connection.execute(
        """
        SELECT max(moment) FROM (
            SELECT unnest([event_at, received_at]) AS moment FROM raw.inquiries
            WHERE _source = $source AND _deleted_reason IS DISTINCT FROM 'gone'
            UNION ALL
            SELECT occurred_at FROM raw.touches
            WHERE _source = $source AND _deleted_reason IS DISTINCT FROM 'gone'
        ) WHERE moment <= $clock
        """,
        {"source": source.name, "clock": clock},
    ).fetchone()
    return row[0] if row else None


def mark_stale(connection: duckdb.DuckDBPyConnection, stale_after_days: int) -> None:
    """Mark sources of inquiries or touches whose data end more than so many days before those of the newest."""
    connection.execute(
        """
        UPDATE raw.sources AS o SET is_stale = coalesce(
            (SELECT n.newest - o.data_through > to_days(?) FROM (
                SELECT max(data_through) AS newest FROM raw.sources WHERE source IN (
                    SELECT _source FROM raw.inquiries UNION SELECT _source FROM raw.touches)
            ) AS n)
            AND o.source IN (SELECT _source FROM raw.inquiries UNION SELECT _source FROM raw.touches), false)
        """,
        [stale_after_days],
    )
