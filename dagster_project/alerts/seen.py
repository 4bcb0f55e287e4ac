"""What an attempt left to look at: results of its checks, its rows, its sources, its quarantine. Read, not judged."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.config import Config
from dagster_project.config_values import folder_name
from dagster_project.state import OffendingRow, Result
from dagster_project.warehouse.published import open_published
from dagster_project.warehouse.source_rows import loaded_by
from dagster_project.warehouse.working import open_working

Counts = dict[tuple[str, str, str], int]
"""Rows set aside by source, entity and reason."""

_RECEIPT = re.compile(r"(\d{8})T\d{12}-.+")
_HISTORY = re.compile(r"(\d{8}T\d{6}Z)-(.+)")
_COUNTS = "SELECT source, entity, reason, count(*) FROM quality.quarantine GROUP BY ALL ORDER BY ALL"


@dataclass(frozen=True)
class SourceSeen:
    """Until when a source is known, and whether it is too far behind the newest one."""

    name: str
    data_through: datetime | None
    is_stale: bool


@dataclass(frozen=True)
class Seen:
    """What one attempt found. `rows` None: it came to no checks; `loaded`: sources that it read."""

    results: tuple[Result, ...] = ()
    rows: tuple[OffendingRow, ...] | None = None
    loaded: frozenset[str] = frozenset()
    sources: tuple[SourceSeen, ...] = ()
    quarantine: Counts | None = None


def read_working(config: Config, build_id: str, started_at: datetime) -> Seen:
    """What an attempt left in the working database; results of earlier attempts are left out. Raises duckdb.Error."""
    if not config.working_path.is_file():
        return Seen()
    with open_working(config) as connection:
        results = tuple(item for item in _results(connection, build_id) if item.checked_at >= started_at)
        return Seen(
            results=results,
            rows=_rows(connection) if results else None,
            loaded=frozenset(loaded_by(connection, build_id)),
            sources=_sources(connection, "raw.sources"),
            quarantine=_counts(connection),
        )


def read_served(path: Path) -> Seen:
    """What the attempt that is served found. Raises duckdb.Error where the file cannot be read."""
    with open_published(path) as connection:
        (build_id,) = connection.execute("SELECT build_id FROM quality.build").fetchall()[0]
        sources = _sources(connection, "quality.sources")
        return Seen(
            results=_results(connection, build_id),
            rows=_rows(connection),
            loaded=frozenset(source.name for source in sources),
            sources=sources,
            quarantine=_counts(connection),
        )


def _dicts(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    found = connection.execute(query)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _has(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    query = "FROM duckdb_tables() WHERE database_name = current_database() AND schema_name || '.' || table_name = ?"
    return bool(connection.execute(query, [table]).fetchall())


def _results(connection: duckdb.DuckDBPyConnection, build_id: str) -> tuple[Result, ...]:
    if not _has(connection, "quality.check_results"):
        return ()
    names = [item.name for item in fields(Result) if item.name not in ("build_id", "offenders", "checked_at")]
    return tuple(
        Result(
            build_id=build_id,
            **{name: str(row[name] or "") for name in names},
            offenders=tuple(row.get("offenders") or ()),
            checked_at=row["checked_at"].astimezone(UTC),
        )
        for row in _dicts(connection, "SELECT * FROM quality.check_results ORDER BY layer, subject, check_name")
    )


def _rows(connection: duckdb.DuckDBPyConnection) -> tuple[OffendingRow, ...]:
    if not _has(connection, "quality.check_rows"):
        return ()
    names = ", ".join(item.name for item in fields(OffendingRow))
    return tuple(
        OffendingRow(**row) for row in _dicts(connection, f"SELECT {names} FROM quality.check_rows ORDER BY ALL")
    )


def _sources(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[SourceSeen, ...]:
    if not _has(connection, table):
        return ()
    query = f"SELECT source AS name, data_through, coalesce(is_stale, false) AS is_stale FROM {table} ORDER BY source"
    return tuple(SourceSeen(**row) for row in _dicts(connection, query))


def _counts(connection: duckdb.DuckDBPyConnection) -> Counts | None:
    if not _has(connection, "quality.quarantine"):
        return None
    return {(source, entity, reason): rows for source, entity, reason, rows in connection.execute(_COUNTS).fetchall()}


def receipt_days(config: Config, source: str) -> list[date]:
    """Days (UTC) on which new contents of a source's inquiries or touches came in, the earliest first."""
    folder = config.raw_dir / folder_name(source)
    paths = (path for entity in ("inquiries", "touches") for path in folder.glob(f"{entity}/*.parquet"))
    names = (_RECEIPT.fullmatch(path.stem) for path in paths)
    return sorted({datetime.strptime(name[1], "%Y%m%d").replace(tzinfo=UTC).date() for name in names if name})


def earlier_counts(config: Config, before: datetime, days: int) -> list[Counts]:
    """The quarantine at the last publish of each of the latest days (UTC) before the one of `before`."""
    last: dict[str, Path] = {}
    for path in sorted((config.history_dir / "quarantine_counts").glob("*.parquet")):
        stamp = _HISTORY.fullmatch(path.stem)
        if stamp and stamp[1][:8] < f"{before.astimezone(UTC):%Y%m%d}":
            last[stamp[1][:8]] = path
    found = []
    for _, path in sorted(last.items())[-days:]:
        try:
            rows = pq.read_table(path, columns=["source", "entity", "reason", "rows"]).to_pylist()
        except (OSError, pa.ArrowInvalid):
            continue  # damaged: the other days say what is usual
        found.append({(row["source"], row["entity"], row["reason"]): int(row["rows"]) for row in rows})
    return found
