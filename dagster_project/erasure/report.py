"""Where a person's data is: how many rows, in which tables and files. Counts and places, never the data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from dagster_project.config import Config
from dagster_project.erasure.people import NAMING_TABLES, Person
from dagster_project.erasure.scrub import planned
from dagster_project.sources import files
from dagster_project.sources.suppression import Suppression
from dagster_project.warehouse.published import open_published
from dagster_project.warehouse.raw import RawStore, read_rows
from dagster_project.warehouse.refused import read_refused


@dataclass(frozen=True)
class Whereabouts:
    """Rows that name a person in one place: `kind` is published, quarantine, refused or raw."""

    kind: str
    place: str
    rows: int


def whereabouts(config: Config, person: Person) -> list[Whereabouts]:
    """Every place that names a person, with its number of rows. Raises OSError."""
    unlisted = Suppression(b"only for this question", (), config.brokerage.country)
    wanted = Suppression(
        b"only for this question",
        [person.listed(unlisted, datetime.now(UTC), "question")],
        config.brokerage.country,
    )
    return [
        *_published(config, person),
        *_quarantined(config, wanted),
        *_refused(config, wanted),
        *_raw(config, wanted),
    ]


def _published(config: Config, person: Person) -> list[Whereabouts]:
    if not config.warehouse_path.is_file():
        return []
    found = []
    with open_published(config.warehouse_path) as connection:
        computed = connection.execute(
            "SELECT DISTINCT table_name FROM duckdb_columns() WHERE schema_name = 'marts'"
            " AND column_name = 'person_key' AND NOT list_contains(?, table_name) ORDER BY ALL",
            [list(NAMING_TABLES)],
        ).fetchall()
        for table in (*NAMING_TABLES, *(name for (name,) in computed)):
            rows = _count(connection, table, sorted(person.person_keys))
            if rows:
                found.append(Whereabouts("published", f"marts.{table}", rows))
    return found


def _count(connection: duckdb.DuckDBPyConnection, table: str, keys: list[str]) -> int:
    query = f"SELECT count(*) FROM marts.{table} WHERE person_key IN (SELECT unnest(?::VARCHAR[]))"
    return int(connection.execute(query, [keys]).fetchall()[0][0])


def _quarantined(config: Config, wanted: Suppression) -> list[Whereabouts]:
    if not config.warehouse_path.is_file():
        return []
    with open_published(config.warehouse_path) as connection:
        rows = connection.execute("SELECT source, file, raw_text FROM quality.quarantine").fetchall()
    counts = Counter(f"{source}/{file}" for source, file, text in rows if wanted.mentions(text or ""))
    return [Whereabouts("quarantine", place, number) for place, number in sorted(counts.items())]


def _refused(config: Config, wanted: Suppression) -> list[Whereabouts]:
    counts: Counter[str] = Counter()
    for refused in read_refused(config.refused_dir, [source.name for source in config.sources]):
        rows = zip(refused.rows.column("file").to_pylist(), refused.rows.column("raw_text").to_pylist(), strict=True)
        counts.update(f"{refused.source}/{file}" for file, text in rows if wanted.mentions(text or ""))
    return [Whereabouts("refused", place, number) for place, number in sorted(counts.items())]


def _raw(config: Config, wanted: Suppression) -> list[Whereabouts]:
    found = []
    for info, path in RawStore(config.raw_dir).everything():
        plan, records = planned(config, wanted, info, path)
        if plan is None:
            number = sum(wanted.mentions(text) for _, text, *_ in read_rows(path))
        else:
            number = 0
            for batch in files.batches(records):
                kept = plan.convert(batch).records
                number += sum(given is not after for given, after in zip(batch, kept, strict=True))
        if number:
            found.append(Whereabouts("raw", f"{info.source}/{info.file}, as of {info.loaded_at[:10]}", number))
    return found
