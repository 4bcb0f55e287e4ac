"""`raw.sources`: one row per source of the configuration, how far its data reach. `as_of` says which are stale."""

from __future__ import annotations

from datetime import datetime

import duckdb

from dagster_project.config import Config, Source
from dagster_project.entities import ENTITIES

_LOADED, _ACCEPTED = "last load of ", "accepted without files of "
"""Before a source's name: the settings that say which load read it last, and which entities may have no files."""


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


def is_known(connection: duckdb.DuckDBPyConnection, source: Source) -> bool:
    """Whether the working database holds an earlier load of the source."""
    return bool(connection.execute("FROM raw.sources WHERE source = ?", [source.name]).fetchall())


def write_loaded(connection: duckdb.DuckDBPyConnection, source: Source, load_id: str) -> None:
    """Remember which load read a source last."""
    _set(connection, _LOADED + source.name, load_id)


def loaded_by(connection: duckdb.DuckDBPyConnection, load_id: str) -> set[str]:
    """The sources that a load read, and did not refuse."""
    rows = connection.execute(
        "SELECT name FROM ingest.settings WHERE starts_with(name, ?) AND value = ?", [_LOADED, load_id]
    ).fetchall()
    return {name.removeprefix(_LOADED) for (name,) in rows}


def write_accepted(connection: duckdb.DuckDBPyConnection, source: Source, entities: set[str]) -> None:
    """Remember of which entities it was accepted that all files are gone: said once, it need not be said again."""
    accepted = entities | read_accepted(connection, source)
    _set(connection, _ACCEPTED + source.name, " ".join(sorted(accepted)))


def read_accepted(connection: duckdb.DuckDBPyConnection, source: Source) -> set[str]:
    """Entities of which it was accepted that all files are gone."""
    row = connection.execute("SELECT value FROM ingest.settings WHERE name = ?", [_ACCEPTED + source.name]).fetchone()
    return set(row[0].split()) if row else set()


def _set(connection: duckdb.DuckDBPyConnection, name: str, value: str) -> None:
    connection.execute("DELETE FROM ingest.settings WHERE name = ?", [name])
    connection.execute("INSERT INTO ingest.settings VALUES (?, ?)", [name, value])


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
        connection.execute("DELETE FROM ingest.settings WHERE name IN (?, ?)", [_LOADED + name, _ACCEPTED + name])


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
