"""Staged rows of new file versions into `raw.<entity>`: what replaces what, what is gone, what is superseded."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from dagster_project.entities import Entity

Connection = duckdb.DuckDBPyConnection


@dataclass(frozen=True)
class Retired:
    """A version of a file that is no longer what the file holds.

    `keeps_rows`: an increment (append mode), whose rows stay unless a newer row has their id.
    """

    file: str
    version: str
    keeps_rows: bool = False


def distinct(retired: list[Retired]) -> list[Retired]:
    """One entry a version; one that must leave whole wins over one that keeps rows."""
    chosen: dict[tuple[str, str], Retired] = {}
    for unit in sorted(retired, key=lambda unit: unit.keeps_rows, reverse=True):
        chosen[unit.file, unit.version] = unit
    return list(chosen.values())


@dataclass(frozen=True)
class Duplicates:
    """Repetitions inside one file: exact ones, (line, line of the first) of conflicting ones, repeated id-less rows."""

    exact: int
    conflicts: list[tuple[int, int]]
    repeated: int


def key_sql(entity: Entity, alias: str) -> str:
    """The expression for a row's id inside its id space; null where it has none."""
    first, *others = (entity.by_name[name] for name in entity.key)
    text = f'{alias}."{first.name}"'
    for column in others:
        text += f""" || chr(31) || coalesce(CAST({alias}."{column.name}" AS VARCHAR), '')"""
    return f"({text})"


def _same(entity: Entity, left: str, right: str) -> str:
    names = [f'"{name}"' for name in entity.column_names] + ["_time_flags"]
    return " AND ".join(f"{left}.{name} IS NOT DISTINCT FROM {right}.{name}" for name in names)


def _content(entity: Entity, alias: str) -> str:
    return ", ".join([f'{alias}."{name}"' for name in entity.column_names] + [f"{alias}._time_flags"])


class Stage:
    """A temporary table with the rows of the file versions that one load reads of one entity of one source."""

    def __init__(self, connection: Connection, entity: Entity) -> None:
        self._connection, self._entity = connection, entity
        columns = [f'"{column.name}" {column.sql_type}' for column in entity.columns]
        columns += ["_line BIGINT", "_time_flags VARCHAR", "_hash BIGINT"]
        columns += ["_file VARCHAR", "_version VARCHAR", "_unit INTEGER", "_load VARCHAR"]
        connection.execute(f"CREATE OR REPLACE TEMP TABLE stage ({', '.join(columns)})")
        self.units = 0

    def next_unit(self) -> int:
        """The number of the next file version; later ones win."""
        self.units += 1
        return self.units

    def add(self, rows: pa.Table, *, file: str, version: str, unit: int, load_id: str) -> None:
        """Add converted rows; the schema is that of `Plan.schema`."""
        self._connection.register("incoming", rows)
        self._connection.execute("INSERT INTO stage SELECT *, ?, ?, ?, ? FROM incoming", [file, version, unit, load_id])
        self._connection.unregister("incoming")

    def deduplicate(self, unit: int) -> Duplicates:
        """Keep the first row of each id of one file version; tell what the others are."""
        key = key_sql(self._entity, "s")
        others = self._repeats(unit, key)
        self._connection.execute("DELETE FROM stage WHERE rowid IN (SELECT id FROM repeats)")
        repeated = 0
        if self._entity.key_optional:
            row = self._connection.execute(
                f"SELECT count(*) - count(DISTINCT _hash) FROM stage AS s WHERE _unit = ? AND {key} IS NULL", [unit]
            ).fetchone()
            repeated = int(row[0]) if row else 0
        conflicts = [(line, first) for line, first, exact in others if not exact]
        return Duplicates(len(others) - len(conflicts), conflicts, repeated)

    def _repeats(self, unit: int, key: str) -> list[tuple[int, int, bool]]:
        self._connection.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE repeats AS
            SELECT s.rowid AS id, s._line AS line, s._hash AS hash, first_value(s._line) OVER w AS first_line,
                first_value(s._hash) OVER w AS first_hash, row_number() OVER w AS place
            FROM stage AS s WHERE s._unit = ? AND {key} IS NOT NULL
            WINDOW w AS (PARTITION BY {key} ORDER BY s._line)
            QUALIFY place > 1
            """,
            [unit],
        )
        return self._connection.execute(
            "SELECT line, first_line, hash = first_hash FROM repeats ORDER BY line"
        ).fetchall()

    def drop_outdated(self) -> None:
        """Of several versions of one file (increments read again) the later wins; id-less rows belong to the last."""
        key = key_sql(self._entity, "s")
        self._connection.execute(
            f"""
            DELETE FROM stage WHERE rowid IN (
                SELECT s.rowid FROM stage AS s
                QUALIFY s._unit < CASE
                    WHEN {key} IS NULL THEN max(s._unit) OVER (PARTITION BY s._file)
                    ELSE max(s._unit) OVER (PARTITION BY s._file, {key})
                END
            )
            """
        )


def present_count(connection: Connection, entity: Entity, source: str) -> int:
    """Different rows of a source that its files hold now, superseded ones included."""
    key = key_sql(entity, "r")
    row = connection.execute(
        f"""
        SELECT count(DISTINCT {key}) + count(*) FILTER ({key} IS NULL)
        FROM raw.{entity.name} AS r WHERE r._source = ? AND r._deleted_reason IS DISTINCT FROM 'gone'
        """,
        [source],
    ).fetchone()
    return int(row[0]) if row else 0


def merge(
    connection: Connection, entity: Entity, *, source: str, id_space: str, load_id: str, retired: list[Retired]
) -> None:
    """Put the staged rows in place of the retired versions.

    A row that is as it was keeps its `_load_id`; a changed one replaces the earlier; one that no file holds any more is
    marked gone.
    """
    table, key_r, key_s = f"raw.{entity.name}", key_sql(entity, "r"), key_sql(entity, "s")
    connection.execute("CREATE OR REPLACE TEMP TABLE retired (file VARCHAR, version VARCHAR, keeps_rows BOOLEAN)")
    if retired:
        connection.executemany(
            "INSERT INTO retired VALUES (?, ?, ?)", [(unit.file, unit.version, unit.keeps_rows) for unit in retired]
        )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE leaving AS
        SELECT r.rowid AS id, r._file AS file, {key_r} AS key, r._deleted_reason AS reason, t.keeps_rows
        FROM {table} AS r JOIN retired AS t ON r._file = t.file AND r._version = t.version
        WHERE r._source = ? AND r._deleted_reason IS DISTINCT FROM 'gone'
        """,
        [source],
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE matched AS
        SELECT s.rowid AS stage_id, NULL::BIGINT AS raw_id, r._load_id AS load_id
        FROM stage AS s JOIN {table} AS r ON {key_s} = {key_r} AND {_same(entity, "s", "r")}
        WHERE r._source = ? AND r._deleted_reason IS DISTINCT FROM 'gone'
        QUALIFY row_number() OVER (
            PARTITION BY s.rowid ORDER BY (r._file = s._file) DESC, (r._deleted_reason IS NULL) DESC, r._file DESC
        ) = 1
        """,
        [source],
    )
    if entity.key_optional:
        connection.execute(
            f"""
            INSERT INTO matched
            WITH fresh AS (
                SELECT s.*, s.rowid AS id,
                    row_number() OVER (PARTITION BY {_content(entity, "s")} ORDER BY s._file, s._line) AS place
                FROM stage AS s WHERE {key_s} IS NULL
            ), earlier AS (
                SELECT r.*, r.rowid AS id,
                    row_number() OVER (PARTITION BY {_content(entity, "r")} ORDER BY r._file, r._line) AS place
                FROM {table} AS r JOIN leaving AS l ON r.rowid = l.id WHERE {key_r} IS NULL
            )
            SELECT f.id, e.id, e._load_id FROM fresh AS f JOIN earlier AS e
                ON f.place = e.place AND {_same(entity, "f", "e")}
            """
        )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE fate AS
        WITH staying AS (
            SELECT DISTINCT {key_r} AS key FROM {table} AS r
            WHERE r._source = ? AND r._deleted_reason IS DISTINCT FROM 'gone'
                AND r.rowid NOT IN (SELECT id FROM leaving WHERE NOT keeps_rows)
        ), staged AS (SELECT DISTINCT {key_s} AS key, s._file AS file FROM stage AS s WHERE {key_s} IS NOT NULL)
        SELECT l.id, CASE
                WHEN l.key IS NULL THEN
                    CASE WHEN l.id IN (SELECT raw_id FROM matched WHERE raw_id IS NOT NULL) THEN 'replaced'
                    ELSE 'gone' END
                WHEN l.keeps_rows THEN
                    CASE WHEN (l.key, l.file) IN (SELECT (key, file) FROM staged) THEN 'replaced' ELSE 'stays' END
                WHEN l.key IN (SELECT key FROM staged) THEN 'replaced'
                WHEN l.reason = 'superseded' THEN 'replaced'
                WHEN l.key IN (SELECT key FROM staying WHERE key IS NOT NULL) THEN 'replaced'
                ELSE 'gone'
            END AS fate
        FROM leaving AS l
        """,
        [source],
    )
    connection.execute(f"DELETE FROM {table} WHERE rowid IN (SELECT id FROM fate WHERE fate = 'replaced')")
    connection.execute(
        f"""
        UPDATE {table} SET _deleted_by_load = ?, _deleted_reason = 'gone'
        WHERE rowid IN (SELECT id FROM fate WHERE fate = 'gone')
        """,
        [load_id],
    )
    connection.execute(
        f"""
        DELETE FROM {table} AS r WHERE r._source = ? AND r._deleted_reason = 'gone'
            AND {key_r} IN (SELECT {key_s} FROM stage AS s)
        """,
        [source],
    )
    names = ", ".join(f'"{name}"' for name in entity.column_names)
    connection.execute(
        f"""
        INSERT INTO {table} ({names}, _source, _id_space, _file, _line, _load_id, _time_flags, _version)
        SELECT {names}, ?, ?, _file, _line, coalesce(m.load_id, s._load), _time_flags, _version
        FROM stage AS s LEFT JOIN matched AS m ON s.rowid = m.stage_id
        ORDER BY s._unit, s._line
        """,
        [source, id_space],
    )


def resolve(connection: Connection, entity: Entity, *, id_space: str, load_id: str) -> None:
    """Where files carry the same id, the one later by name wins, of sources the later in the configuration."""
    key = key_sql(entity, "r")
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE ranked AS
        SELECT r.rowid AS id, row_number() OVER (
                PARTITION BY {key} ORDER BY o.position DESC, r._file DESC, r._line
            ) > 1 AS is_superseded, r._deleted_reason AS reason
        FROM raw.{entity.name} AS r JOIN raw.sources AS o ON o.source = r._source
        WHERE r._id_space = ? AND {key} IS NOT NULL AND r._deleted_reason IS DISTINCT FROM 'gone'
        QUALIFY is_superseded <> (reason IS NOT NULL)
        """,
        [id_space],
    )
    connection.execute(
        f"""
        UPDATE raw.{entity.name} SET
            _deleted_by_load = CASE WHEN ranked.is_superseded THEN ? END,
            _deleted_reason = CASE WHEN ranked.is_superseded THEN 'superseded' END
        FROM ranked WHERE raw.{entity.name}.rowid = ranked.id
        """,
        [load_id],
    )


def recount(connection: Connection, entity: Entity, id_space: str) -> None:
    """Write into the load log how many rows of each file version are loaded and superseded now.

    Of an increment whose file is gone (append mode), rows replaced by a later version count as superseded.
    """
    connection.execute(
        f"""
        UPDATE quality.load_log AS l SET
            loaded = c.loaded,
            superseded = CASE WHEN l.status = 'gone'
                THEN l.rows - l.quarantined - l.exact_duplicates - l.filtered - c.loaded ELSE c.superseded END
        FROM (
            SELECT l.source, l.file, l.sha256,
                count(*) FILTER (r._source IS NOT NULL AND r._deleted_reason IS NULL) AS loaded,
                count(*) FILTER (r._deleted_reason = 'superseded') AS superseded
            FROM quality.load_log AS l
            JOIN raw.sources AS o ON o.source = l.source AND o.id_space = ?
            LEFT JOIN raw.{entity.name} AS r
                ON r._source = l.source AND r._file = l.file AND r._version = l.sha256[:16]
            WHERE l.entity = ?
            GROUP BY ALL
        ) AS c
        WHERE l.entity = ? AND l.source = c.source AND l.file = c.file AND l.sha256 = c.sha256
        """,
        [id_space, entity.name, entity.name],
    )
