"""What ingest keeps beside the rows: the load log, the quarantine, and which content was read with which mapping."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

from dagster_project.entities import ENTITIES, Entity
from dagster_project.warehouse.published import open_published

Told = tuple[str, str, str]
"""A check's name, what it is about, and one line of words."""


@dataclass(frozen=True)
class Unit:
    """A version of a file that has been read. `status` `gone`: the folder no longer holds it."""

    file: str
    sha256: str
    mapping_hash: str
    told: str
    load_id: str
    loaded_at: datetime
    status: str

    @property
    def version(self) -> str:
        """The start of its hash, as rows carry it in `_version`."""
        return self.sha256[:16]

    @property
    def warnings(self) -> list[Told]:
        """What was warned of when it was read."""
        return [(check, subject, message) for check, subject, message in json.loads(self.told)]


class Rejected(NamedTuple):
    """A row of the quarantine."""

    line: int
    raw_text: str
    column_name: str | None
    found: str | None
    expected: str | None
    reason: str
    fix: str


def published_counts(published: Path, source: str) -> dict[str, int]:
    """Rows of each entity that the published file was built from; nothing where there is none that can be read."""
    if not published.is_file():
        return {}
    try:
        with open_published(published) as connection:
            rows = connection.execute(
                "SELECT entity, sum(loaded)::BIGINT FROM quality.load_log WHERE source = ? GROUP BY entity", [source]
            ).fetchall()
    except duckdb.Error:
        return {}
    return {entity: int(loaded) for entity, loaded in rows if entity in ENTITIES}


class LoadLog:
    """The log of one source during one load."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, source: str, load_id: str, clock: datetime) -> None:
        self._connection, self._source = connection, source
        self._load_id, self._clock = load_id, clock

    def units(self, entity: Entity) -> list[Unit]:
        """The versions that are known, the oldest first."""
        rows = self._connection.execute(
            """
            SELECT f.file, f.sha256, f.mapping_hash, f.warnings, l.load_id, l.loaded_at, l.status
            FROM ingest.files AS f JOIN quality.load_log AS l USING (source, entity, file, sha256)
            WHERE f.source = ? AND f.entity = ? ORDER BY l.loaded_at, f.file
            """,
            [self._source, entity.name],
        ).fetchall()
        return [Unit(*row) for row in rows]

    def add(
        self,
        entity: Entity,
        unit: Unit,
        *,
        size: int,
        encoding: str,
        form: str,
        delimiter: str,
        quote: str,
        rows: int,
        exact_duplicates: int,
        filtered: int,
        rejected: list[Rejected],
    ) -> None:
        """Log a version that was read now; `merge.recount` fills in what is loaded and superseded of it."""
        names = [self._source, entity.name, unit.file]
        self._connection.execute(
            """
            INSERT INTO quality.load_log (load_id, loaded_at, source, entity, file, sha256, status, bytes, encoding,
                format, delimiter, quote, rows, quarantined, exact_duplicates, filtered, loaded, superseded)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)
            """,
            [
                *(unit.load_id, unit.loaded_at, *names, unit.sha256, unit.status),
                *(size, encoding, form, delimiter, quote, rows, len(rejected), exact_duplicates, filtered),
            ],
        )
        self._connection.execute(
            "INSERT INTO ingest.files VALUES (?, ?, ?, ?, ?, ?)", [*names, unit.sha256, unit.mapping_hash, unit.told]
        )
        if not rejected:
            return
        types = [pa.int64(), *[pa.string()] * (len(Rejected._fields) - 1)]
        columns = [pa.array(values, kind) for values, kind in zip(zip(*rejected, strict=True), types, strict=True)]
        self._connection.register("rejected", pa.table(columns, names=list(Rejected._fields)))
        self._connection.execute(
            """
            INSERT INTO quality.quarantine BY NAME
            SELECT left(sha256(concat_ws(chr(31), $source, $entity, $file, $sha256, line)), 12) AS quarantine_id,
                $load_id AS load_id, $loaded_at AS loaded_at, $source AS source, $entity AS entity, $file AS file,
                $sha256 AS sha256, *
            FROM rejected ORDER BY line
            """,
            {
                **dict(zip(("source", "entity", "file"), names, strict=True)),
                **{name: getattr(unit, name) for name in ("sha256", "load_id", "loaded_at")},
            },
        )
        self._connection.unregister("rejected")

    def set_status(self, entity: Entity, unit: Unit, status: str) -> None:
        """`unchanged` or `gone`."""
        self._connection.execute(
            "UPDATE quality.load_log SET status = ? WHERE source = ? AND entity = ? AND file = ? AND sha256 = ?",
            [status, *self._where(entity, unit)],
        )

    def retire(self, entity: Entity, unit: Unit, *, note: bool = False) -> None:
        """Take a version out of the log and the quarantine.

        `note`: leave a line of zeros for this load, which says that the file is gone.
        """
        where = self._where(entity, unit)
        if note:
            self._connection.execute(
                """
                UPDATE quality.load_log SET load_id = ?, loaded_at = ?, rows = 0, loaded = 0, quarantined = 0,
                    exact_duplicates = 0, superseded = 0, filtered = 0, status = 'gone'
                WHERE source = ? AND entity = ? AND file = ? AND sha256 = ?
                """,
                [self._load_id, self._clock, *where],
            )
        else:
            self._connection.execute(
                "DELETE FROM quality.load_log WHERE source = ? AND entity = ? AND file = ? AND sha256 = ?", where
            )
        self._connection.execute(
            "DELETE FROM ingest.files WHERE source = ? AND entity = ? AND file = ? AND sha256 = ?", where
        )
        self._connection.execute(
            "DELETE FROM quality.quarantine WHERE source = ? AND entity = ? AND file = ? AND load_id = ?",
            [*where[:3], unit.load_id],
        )

    def forget_notes(self, entity: Entity) -> None:
        """Drop what the last load said of files that were gone then."""
        self._connection.execute(
            """
            DELETE FROM quality.load_log AS l WHERE source = ? AND entity = ? AND status = 'gone' AND NOT EXISTS (
                FROM ingest.files AS f
                WHERE f.source = l.source AND f.entity = l.entity AND f.file = l.file AND f.sha256 = l.sha256
            )
            """,
            [self._source, entity.name],
        )

    def retire_empty_increments(self, entity: Entity) -> None:
        """Earlier contents of a file of which every row was replaced have nothing more to say."""
        empty = self._connection.execute(
            f"""
            SELECT file, sha256 FROM quality.load_log AS l
            WHERE source = ? AND entity = ? AND status = 'gone' AND loaded = 0
                AND NOT EXISTS (
                    FROM raw.{entity.name} AS r WHERE r._source = l.source AND r._file = l.file
                        AND r._version = l.sha256[:16] AND r._deleted_reason = 'superseded'
                )
                AND EXISTS (
                    FROM quality.load_log AS n WHERE n.source = l.source AND n.entity = l.entity AND n.file = l.file
                        AND n.sha256 <> l.sha256
                )
            """,
            [self._source, entity.name],
        ).fetchall()
        for unit in self.units(entity):
            if (unit.file, unit.sha256) in empty:
                self.retire(entity, unit)

    def _where(self, entity: Entity, unit: Unit) -> list[str]:
        return [self._source, entity.name, unit.file, unit.sha256]
