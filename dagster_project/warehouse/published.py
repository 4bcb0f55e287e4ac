"""The published file: written whole beside the old one, then switched to in one step. Readers never see half of it."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any, Literal

import duckdb

from dagster_project.disk import writing
from dagster_project.warehouse.descriptions import QUALITY
from dagster_project.warehouse.durable import flush
from dagster_project.warehouse.reading import read_everything

PUBLISHED_SCHEMAS = ("marts", "quality")

HISTORY = {
    "metric_weekly": ("marts.metric_weekly", "FROM marts.metric_weekly"),
    "sla_policies": ("marts.sla_policies", "FROM marts.sla_policies"),
    "quarantine_counts": (
        "quality.quarantine",
        "SELECT source, entity, reason, count(*) AS rows FROM quality.quarantine GROUP BY ALL",
    ),
}
"""What every publish leaves in the history, by the name of its folder: a table of the published file, a query."""

_SORT_KEYS = {
    "metric_weekly": "week_start, period, metric_id, slice, slice_value",
    "leads": "opened_at, lead_id",
    "source_economics": "view, period, period_start, source",
    "source_economics_entries": "view, day, source, entry",
}
"""Tables whose readers cut out ranges: written in that order, so that a reader skips what it does not need."""


def publish(working: Path, target: Path, build: Mapping[str, Any]) -> None:
    """Copy `marts` and `quality` of the working database into a new file and switch `target` to it.

    `build` becomes the one row of `quality.build`. The new file is checkpointed, closed and flushed to disk before the
    switch; on any failure the old file stands and nothing is left beside it. Raises OSError, duckdb.Error.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.parent / f".{target.name}.{uuid.uuid4().hex}.tmp"
    try:
        with duckdb.connect(str(fresh)) as connection:
            _write(connection, working, build)
        flush(fresh)
        os.replace(fresh, target)
        flush(target.parent)
    finally:
        for leftover in (fresh, fresh.with_name(fresh.name + ".wal")):
            leftover.unlink(missing_ok=True)


def _write(connection: duckdb.DuckDBPyConnection, working: Path, build: Mapping[str, Any]) -> None:
    connection.execute("SET TimeZone = 'UTC'")
    attach_readonly(connection, working, "working")
    tables = connection.execute(
        "SELECT schema_name, table_name, comment FROM duckdb_tables()"
        " WHERE database_name = 'working' AND list_contains(?, schema_name) ORDER BY ALL",
        [list(PUBLISHED_SCHEMAS)],
    ).fetchall()
    connection.execute("BEGIN")
    for schema in PUBLISHED_SCHEMAS:
        connection.execute(f"CREATE SCHEMA {schema}")
    for schema, table, comment in tables:
        order = f" ORDER BY {_SORT_KEYS[table]}" if table in _SORT_KEYS else ""
        name = f"{_quoted(schema)}.{_quoted(table)}"
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM working.{name}{order}")
        if comment:
            connection.execute(f"COMMENT ON TABLE {name} IS {_literal(comment)}")
    columns = connection.execute(
        "SELECT schema_name, table_name, column_name, comment FROM duckdb_columns()"
        " WHERE database_name = 'working' AND list_contains(?, schema_name) AND comment IS NOT NULL ORDER BY ALL",
        [list(PUBLISHED_SCHEMAS)],
    ).fetchall()
    for schema, table, column, comment in columns:
        name = f"{_quoted(schema)}.{_quoted(table)}.{_quoted(column)}"
        connection.execute(f"COMMENT ON COLUMN {name} IS {_literal(comment)}")
    names = ", ".join(f"${name} AS {_quoted(name)}" for name in build)
    connection.execute(f"CREATE TABLE quality.build AS SELECT {names}", dict(build))
    _describe_quality(connection)
    connection.execute("COMMIT")
    connection.execute("DETACH working")
    connection.execute("CHECKPOINT")


def _describe_quality(connection: duckdb.DuckDBPyConnection) -> None:
    columns = connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns()"
        " WHERE schema_name = 'quality' AND database_name = current_database() ORDER BY ALL"
    ).fetchall()
    for table, words in ((table, QUALITY[table][0]) for table in {table for table, _ in columns} & QUALITY.keys()):
        connection.execute(f"COMMENT ON TABLE quality.{_quoted(table)} IS {_literal(words)}")
    for table, column in columns:
        comment = QUALITY.get(table, ("", {}))[1].get(column)
        if comment:
            name = f"quality.{_quoted(table)}.{_quoted(column)}"
            connection.execute(f"COMMENT ON COLUMN {name} IS {_literal(comment)}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def attach_readonly(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """A database file as a catalogue of a connection. Raises duckdb.Error. `name` is ours, never data."""
    connection.execute(f"ATTACH {_literal(str(path))} AS {name} (READ_ONLY)")


@contextlib.contextmanager
def open_published(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only view of the file as it is now, in a connection of its own, which a later switch leaves alone."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        attach_readonly(connection, path, "published")
        connection.execute("USE published")
        yield connection


State = Literal["absent", "ours", "foreign", "newer", "damaged"]


def examine(path: Path, *, inside: bool = False) -> State:
    """What stands where the published file should.

    `foreign`: a database without `quality.build`; `newer`: written by a later version of the engine. `inside`: read
    every table, not only what opening reads. Raises OSError where the file cannot be opened at all.
    """
    if not path.exists():
        return "absent"
    path.open("rb").close()
    try:
        with open_published(path) as connection:
            known = connection.execute(
                "FROM duckdb_tables() WHERE schema_name = 'quality' AND table_name = 'build'"
                " AND database_name = 'published'"
            ).fetchall()
            if not known:
                return "foreign"
            connection.execute("FROM quality.build").fetchall()
            if inside:
                read_everything(connection, "published")
    except duckdb.Error as error:
        return "newer" if "created with a newer version" in str(error) else "damaged"
    return "ours"


def served_build(path: Path) -> dict[str, Any] | None:
    """The row of `quality.build` of the published file, or None where there is no readable one."""
    if not path.is_file():
        return None
    try:
        with open_published(path) as connection:
            result = connection.execute("SELECT * FROM quality.build")
            row = result.fetchone()
            return dict(zip([column[0] for column in result.description], row, strict=True)) if row else None
    except duckdb.Error:
        return None  # not ours, or damaged: `examine` says which


def keep_history(published: Path, history: Path) -> None:
    """Keep the figures, policies and counts of a published file for ever, unless they are kept already.

    `history/<table>/<when>-<build>.parquet` holds the table's rows and `published_at`, `build_id`. Written from the
    file that is served, so that what is kept was published; called again at the next build, so that a build killed
    between the switch and this leaves no gap. Raises duckdb.Error, and CriticalProblem for the disk's faults.
    """
    build = served_build(published)
    if build is None:
        return
    stamp = f"{build['built_at'].astimezone(UTC):%Y%m%dT%H%M%SZ}-{build['build_id']}"
    with open_published(published) as connection, writing(history):
        present = connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
        for name, (table, query) in HISTORY.items():
            if tuple(table.split(".")) not in present:  # an older version has fewer
                continue
            kept = history / name / f"{stamp}.parquet"
            if kept.exists():
                continue
            kept.parent.mkdir(parents=True, exist_ok=True)
            fresh = kept.with_name(f".{stamp}.tmp")
            try:
                connection.execute(
                    "COPY (SELECT t.*, b.built_at AS published_at, b.build_id"
                    f" FROM ({query}) AS t CROSS JOIN quality.build AS b)"
                    f" TO {_literal(str(fresh))} (FORMAT parquet, COMPRESSION zstd)"
                )
                flush(fresh)
                os.replace(fresh, kept)
                flush(kept.parent)
            finally:
                fresh.unlink(missing_ok=True)
