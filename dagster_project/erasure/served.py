"""Taking the listed people out of the served file: a new one without them, every figure as it was."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from dagster_project.config import Config
from dagster_project.entities import IDENTITY_ENTITIES, NAMING_COLUMNS
from dagster_project.erasure.people import NAMING_TABLES
from dagster_project.errors import CriticalProblem
from dagster_project.sources.redaction import FREE_TEXT, free_text
from dagster_project.sources.suppression import MASK, Identity, Suppression
from dagster_project.warehouse.published import publish, served_build

RECONCILIATION = "reconciliation_rows"

Place = tuple[str, str, str, int]
"""source, entity, file, line."""


@dataclass
class Scrubbed:
    """What was taken out, counted: rows by file (all raw versions) and published table, rows of the quarantine."""

    raw: dict[str, int] = field(default_factory=dict)
    published: dict[str, int] = field(default_factory=dict)
    quarantine: int = 0
    places: set[Place] = field(default_factory=set)


@contextmanager
def _copy_of(published: Path, work_dir: Path) -> Iterator[Path]:
    work_dir.mkdir(parents=True, exist_ok=True)
    copy = work_dir / "spool-erase.duckdb"
    try:
        shutil.copyfile(published, copy)
        yield copy
    finally:
        for path in (copy, copy.with_name(copy.name + ".wal")):
            path.unlink(missing_ok=True)


def scrub_published(config: Config, suppression: Suppression, done: Scrubbed) -> None:
    """A new published file without them, every figure as it was."""
    build = served_build(config.warehouse_path)
    if build is None:
        return
    with _copy_of(config.warehouse_path, config.work_dir) as copy:
        try:
            with duckdb.connect(str(copy)) as connection:
                connection.execute("SET TimeZone = 'UTC'")
                scrub_tables(connection, suppression, done)
                connection.execute("DROP TABLE quality.build")
        except duckdb.Error as error:
            raise CriticalProblem(
                f"{config.warehouse_path.name}: the served file cannot be gone through: {str(error).splitlines()[0]}"
            ) from None
        publish(copy, config.warehouse_path, build)


def scrub_tables(connection: duckdb.DuckDBPyConnection, suppression: Suppression, done: Scrubbed) -> None:
    """Take the listed people out of `marts` and `quality`; figures name nobody and are left alone."""
    present = _columns(connection)
    keys: dict[str, str] = {}
    for table in NAMING_TABLES:
        if table in present:
            done.published[table] = _scrub_table(connection, table, present[table], suppression, keys)
    changes = [{"old": old, "new": new} for old, new in keys.items()]
    if changes:
        connection.register("changes", pa.Table.from_pylist(changes))
        connection.execute("UPDATE marts.leads SET name = NULL FROM changes AS c WHERE leads.person_key = c.old")
        for table in (name for name in present if "person_key" in present[name] and name not in NAMING_TABLES):
            connection.execute(
                f"UPDATE marts.{table} SET person_key = c.new FROM changes AS c WHERE {table}.person_key = c.old"
            )
        connection.unregister("changes")
    if RECONCILIATION in present:
        _scrub_reconciliation(connection, suppression)
    done.published = {table: rows for table, rows in done.published.items() if rows}
    done.quarantine = _scrub_quarantine(connection, suppression, done.places)


def _scrub_reconciliation(connection: duckdb.DuckDBPyConnection, suppression: Suppression) -> None:
    """Records of people are named there by their ids, and in the keys of their rows."""
    rows = connection.execute(
        f"SELECT rowid, id_space, record_id FROM marts.{RECONCILIATION} WHERE row_key LIKE 'people:%'"
    ).fetchall()
    found = [(row, suppression.find(Identity(space, own, None, None), links=True)) for row, space, own in rows]
    changes = [{"row": row, "new": pseudonym.person_id} for row, pseudonym in found if pseudonym and pseudonym.own]
    if changes:
        connection.register("changes", pa.Table.from_pylist(changes))
        connection.execute(
            f"UPDATE marts.{RECONCILIATION} AS r"
            " SET record_id = c.new, row_key = 'people:' || r.id_space || ':' || c.new"
            " FROM changes AS c WHERE r.rowid = c.row"
        )
        connection.unregister("changes")


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    rows = connection.execute(
        "SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns()"
        " WHERE schema_name = 'marts' AND database_name = current_database() GROUP BY table_name"
    ).fetchall()
    return dict(rows)


def _scrub_table(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[str],
    suppression: Suppression,
    keys: dict[str, str],
) -> int:
    """`keys` gathers the `person_key`s of erased people and what they are called now."""
    naming = [name for name in ("person_id", "email", "phone", "merged_into") if name in columns]
    free = [name for name in columns if name in FREE_TEXT]
    blank = [name for name in columns if name in NAMING_COLUMNS and name not in naming]
    result = connection.execute(
        f"SELECT rowid AS row, person_key, id_space, {', '.join([*naming, *free])} FROM marts.{table}"
    )
    names = [column[0] for column in result.description]
    changes: list[dict[str, Any]] = []
    while batch := result.fetchmany(20_000):
        for values in batch:
            row = dict(zip(names, values, strict=True))
            change = _changed(row, free, suppression, links=table in IDENTITY_ENTITIES)
            if change is None:
                continue
            if change["own"] and (table in IDENTITY_ENTITIES or str(row["person_key"]).startswith("call:")):
                keys.setdefault(row["person_key"], row["person_key"])
                if row["person_key"] == f"{row['id_space']}:{row['person_id']}":
                    keys[row["person_key"]] = f"{row['id_space']}:{change['person_id']}"
            changes.append(change)
    for change in changes:
        change["person_key"] = keys.get(change["person_key"], change["person_key"])
    if changes:
        schema = pa.schema(
            [
                ("row", pa.int64()),
                ("own", pa.bool_()),
                *((name, pa.string()) for name in ("person_key", *naming, *free)),
            ]
        )
        connection.register("changes", pa.Table.from_pylist(changes, schema=schema))
        sets = [f"{name} = c.{name}" for name in ("person_key", *naming, *free)]
        sets += [f"{name} = CASE WHEN c.own THEN NULL ELSE {table}.{name} END" for name in blank]
        connection.execute(f"UPDATE marts.{table} SET {', '.join(sets)} FROM changes AS c WHERE {table}.rowid = c.row")
        connection.unregister("changes")
    return len(changes)


def _changed(
    row: dict[str, Any], free: Sequence[str], suppression: Suppression, *, links: bool
) -> dict[str, Any] | None:
    """The row without erased people, or None where it has none; `own`: it is an erased person's."""
    who = Identity(row["id_space"], row["person_id"], row["email"], row["phone"], row.get("merged_into"))
    found = suppression.find(who, links=links)
    own = found is not None and found.own
    change = {**row, "own": own}
    if found:
        change |= {name: getattr(found, name) for name in ("person_id", "email", "phone")}
        change["merged_into"] = found.merged_into if own else row.get("merged_into")
    for name in free:
        if row[name]:
            change[name] = free_text(suppression, row[name], own=own)
    return change if found or any(change[name] != row[name] for name in free) else None


def _scrub_quarantine(connection: duckdb.DuckDBPyConnection, suppression: Suppression, places: set[Place]) -> int:
    rows = connection.execute("SELECT rowid, source, entity, file, line, raw_text FROM quality.quarantine").fetchall()
    changes = [
        {"row": row, "text": MASK}
        for row, source, entity, file, line, text in rows
        if (source, entity, file, line) in places or suppression.mentions(text or "")
    ]
    if changes:
        connection.register("changes", pa.Table.from_pylist(changes))
        connection.execute(
            "UPDATE quality.quarantine SET raw_text = c.text, found = NULL"
            " FROM changes AS c WHERE quarantine.rowid = c.row"
        )
        connection.unregister("changes")
    return len(changes)
