"""Taking the listed people out of everything that is kept: raw, the working database, refused rows, what is served.

Each step can be repeated and ends the same; `raw/.erasures` says which list all of it was last gone through with, so
that an erasure that was interrupted, or undone by restoring a backup, is finished by the next build.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from dagster_project.config import Config
from dagster_project.entities import ENTITIES, IDENTITY_ENTITIES, NAMING_COLUMNS
from dagster_project.erasure.people import NAMING_TABLES
from dagster_project.errors import CriticalProblem
from dagster_project.sources import files
from dagster_project.sources.formats.reader import open_stored
from dagster_project.sources.mapping import Plan
from dagster_project.sources.rates import Rates
from dagster_project.sources.records import Record
from dagster_project.sources.redaction import FREE_TEXT, Suppress, as_text, renderer
from dagster_project.sources.suppression import MASK, Identity, Suppression, read_suppression
from dagster_project.warehouse.published import publish, served_build
from dagster_project.warehouse.raw import RawInfo, RawStore, RawWriter, read_erased, read_rows

_NO_RATES = Rates("", frozenset())  # money is not looked at here

Place = tuple[str, str, str, int]
"""source, entity, file, line."""


@dataclass
class Scrubbed:
    """What was taken out, counted: rows by file (all raw versions) and published table, rows of the quarantine."""

    raw: dict[str, int] = field(default_factory=dict)
    published: dict[str, int] = field(default_factory=dict)
    quarantine: int = 0
    places: set[Place] = field(default_factory=set)


def finish_erasures(config: Config, suppression: Suppression | None = None) -> Scrubbed | None:
    """Take the listed people out, unless that was done with this list; None where there was nothing to do.

    Hold a `BuildLock`. Raises CriticalProblem where the list cannot be read, OSError where a file cannot be written.
    """
    suppression = suppression or read_suppression(config)
    mark = config.raw_dir / ".erasures"
    if not suppression or (mark.is_file() and mark.read_text(encoding="ascii") == suppression.digest):
        return None
    done = Scrubbed()
    _scrub_raw(config, suppression, done)
    _drop_rebuildable(config)
    _scrub_published(config, suppression, done)
    mark_scrubbed(config, suppression)
    return done


def mark_scrubbed(config: Config, suppression: Suppression) -> None:
    """Remember that everything was gone through with this list."""
    mark = config.raw_dir / ".erasures"
    fresh = mark.with_name(f".erasures.{os.getpid()}.tmp")
    fresh.parent.mkdir(parents=True, exist_ok=True)
    fresh.write_text(suppression.digest, encoding="ascii")
    os.replace(fresh, mark)


def _drop_rebuildable(config: Config) -> None:
    """The working database is rebuilt from the files and from raw: nothing of it is kept, nor of damaged files."""
    damaged = config.warehouse_path.with_name(config.warehouse_path.name + ".damaged")
    beside = [damaged] if damaged.exists() else []
    for path in (*config.work_dir.glob("working.*"), *config.work_dir.glob("spool*"), *beside):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(config.refused_dir, ignore_errors=True)


# -- raw


def _scrub_raw(config: Config, suppression: Suppression, done: Scrubbed) -> None:
    for info, path in RawStore(config.raw_dir).everything():
        writer = RawWriter(path, info)
        changed = 0
        try:
            for lines, texts, persons, places in _let_through(config, suppression, info, path):
                writer.write(lines, texts, persons)
                changed += len(places)
                done.places.update((info.source, info.entity, info.file, line) for line in places)
            writer.close()
        except BaseException:
            writer.discard()
            raise
        if changed:
            writer.publish()
            name = f"{info.source}/{info.file}"
            done.raw[name] = done.raw.get(name, 0) + changed
        else:
            writer.discard()


Kept = tuple[list[int], list[str], dict[str, list[str | None]], list[int]]
"""Lines, texts, identifiers and pseudonyms of records as they may stay; the lines on which something was taken out."""


def _let_through(config: Config, suppression: Suppression, info: RawInfo, path: Path) -> Iterator[Kept]:
    plan, records = planned(config, suppression, info, path)
    if plan is None:
        yield from _without_plan(config, suppression, info, path)
        return
    before = read_erased(path)
    for batch in files.batches(records):
        kept = plan.convert(batch, before)
        changed = [
            given.line
            for given, after in zip(batch, kept.records, strict=True)
            if after is not given and after != given
        ]
        persons = {**kept.persons, "erased": kept.erased}
        yield [r.line for r in kept.records], [r.text for r in kept.records], persons, changed


def planned(
    config: Config, suppression: Suppression, info: RawInfo, path: Path
) -> tuple[Plan | None, Iterator[Record]]:
    """The mapping of a stored version and its records; no plan where the configuration no longer reads it."""
    source = next((source for source in config.sources if source.name == info.source), None)
    wanted, table = files.table_of(source, info.entity, info.file, info.sheet) if source else (False, None)
    if source is None or not wanted:
        return None, iter(())
    opened = open_stored(info, ((line, text) for line, text, *_ in read_rows(path)), table)
    if opened is None:
        return None, iter(())
    suppress = Suppress(suppression, source.id_space, renderer(opened))
    plan = Plan(
        ENTITIES[info.entity],
        table,
        opened.header,
        files.rules_of(source, table, info.excel_epoch),
        _NO_RATES,
        suppress,
    )
    return (None if plan.findings.critical else plan), opened.records


def _without_plan(config: Config, suppression: Suppression, info: RawInfo, path: Path) -> Iterator[Kept]:
    """What no mapping reads any more: rows are known by the identifiers kept with them, or by what their text says."""
    spaces = {source.name: source.id_space for source in config.sources}
    id_space = spaces.get(info.source, info.source)
    for line, text, person_id, email, phone, erased in read_rows(path):
        who = Identity(id_space, person_id, email, phone)
        found = None if erased else suppression.find(who, links=info.entity in IDENTITY_ENTITIES)
        kept = MASK if found and found.own else suppression.mask(text)
        persons = {"person_id": person_id, "email": email, "phone": phone}
        if found:
            persons = {name: getattr(found, name) for name in persons}
        pseudonym = erased or (as_text(found) if found else None)
        columns = {name: [one] for name, one in {**persons, "erased": pseudonym}.items()}
        yield [line], [kept], columns, [line] * (kept != text)


# -- what is served


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


def _scrub_published(config: Config, suppression: Suppression, done: Scrubbed) -> None:
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
    """Take the listed people out of `marts` and `quality`; metric tables name nobody and are left alone."""
    present = _columns(connection)
    keys: dict[str, str] = {}
    for table in NAMING_TABLES:
        if table in present:
            done.published[table] = _scrub_table(connection, table, present[table], suppression, keys)
    changes = [{"old": old, "new": new} for old, new in keys.items()]
    if changes:
        connection.register("changes", pa.Table.from_pylist(changes))
        connection.execute(
            "UPDATE marts.leads SET name = NULL, person_key = c.new FROM changes AS c WHERE leads.person_key = c.old"
        )
        connection.unregister("changes")
    done.published = {table: rows for table, rows in done.published.items() if rows}
    done.quarantine = _scrub_quarantine(connection, suppression, done.places)


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
            masked = suppression.mask(row[name])
            change[name] = suppression.mask_names(masked) if own else masked
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
