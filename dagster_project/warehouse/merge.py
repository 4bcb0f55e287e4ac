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
    """Repetitions of an id inside one file: exact ones, (line, line of the first) of conflicting ones."""

    exact: int
    conflicts: list[tuple[int, int]]


@dataclass(frozen=True)
class Repeats:
    """Rows without id that say what an earlier one says: how many, where the first stands, and what it repeats."""

    count: int
    file: str
    line: int
    first_source: str
    first_file: str
    first_line: int


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
        columns += ["_file VARCHAR", "_version VARCHAR", "_unit INTEGER", "_load VARCHAR", "_layout BIGINT"]
        connection.execute(f"CREATE OR REPLACE TEMP TABLE stage ({', '.join(columns)})")
        self.units = 0

    def next_unit(self) -> int:
        """The number of the next file version; later ones win."""
        self.units += 1
        return self.units

    def add(self, rows: pa.Table, *, file: str, version: str, unit: int, load_id: str, layout: int) -> None:
        """Add converted rows; the schema is that of `Plan.schema`, `layout` its digest of the header."""
        self._connection.register("incoming", rows)
        self._connection.execute(
            "INSERT INTO stage SELECT *, ?, ?, ?, ?, ? FROM incoming", [file, version, unit, load_id, layout]
        )
        self._connection.unregister("incoming")

    def deduplicate(self, unit: int) -> Duplicates:
        """Keep the first row of each id of one file version; tell what the others are."""
        key = key_sql(self._entity, "s")
        others = self._repeats(unit, key)
        self._connection.execute("DELETE FROM stage WHERE rowid IN (SELECT id FROM repeats)")
        conflicts = [(line, first) for line, first, exact in others if not exact]
        return Duplicates(len(others) - len(conflicts), conflicts)

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
    if entity.key_optional:
        _keep_lines(connection, entity, source)


def _keep_lines(connection: Connection, entity: Entity, source: str) -> None:
    """Keep the digests of the rows without id that are there now."""
    connection.execute(
        """
        DELETE FROM ingest.lines WHERE source = ? AND entity = ?
            AND (file, version) IN (SELECT (_file, _version) FROM stage)
        """,
        [source, entity.name],
    )
    connection.execute(
        f"""
        INSERT INTO ingest.lines
        SELECT ?, ?, s._file, s._version, s._line, s._hash, s._layout FROM stage AS s
        WHERE {key_sql(entity, "s")} IS NULL
        """,
        [source, entity.name],
    )
    connection.execute(
        f"""
        DELETE FROM ingest.lines WHERE source = ? AND entity = ? AND (file, version, line) NOT IN (
            SELECT (r._file, r._version, r._line) FROM raw.{entity.name} AS r
            WHERE r._source = ? AND r._deleted_reason IS NULL
        )
        """,
        [source, entity.name, source],
    )


def repeats(connection: Connection, entity: Entity, source: str, before: list[str]) -> Repeats | None:
    """The current rows without id of a source that repeat an earlier one, of the source itself or of those `before`.

    Under the same header all cells are the same; under different ones the entity's columns are.
    """
    content = ", ".join(f'r."{name}"' for name in entity.column_names)
    order = "ORDER BY o.rank, r._file, r._line ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    row = connection.execute(
        f"""
        WITH ordered AS (
            SELECT r._source, r._file, r._line, l.layout, o.rank, row_number() OVER twins > 1 AS is_twin,
                first_value({{'source': r._source, 'file': r._file, 'line': r._line}}) OVER twins AS twin,
                min(l.layout) OVER alike <> max(l.layout) OVER alike AS is_alike,
                first_value({{'source': r._source, 'file': r._file, 'line': r._line}}) OVER alike AS first_alike
            FROM raw.{entity.name} AS r
            JOIN (SELECT unnest($sources) AS source, unnest(range(len($sources))) AS rank) AS o ON o.source = r._source
            JOIN ingest.lines AS l ON l.entity = $entity AND l.source = r._source AND l.file = r._file
                AND l.version = r._version AND l.line = r._line
            WHERE r._deleted_reason IS NULL AND {key_sql(entity, "r")} IS NULL
            WINDOW twins AS (PARTITION BY l.layout, l.cells {order}), alike AS (PARTITION BY {content} {order})
        ), repeated AS (
            SELECT _file, _line, CASE WHEN is_twin THEN twin ELSE first_alike END AS first
            FROM ordered WHERE _source = $source AND (is_twin OR is_alike)
        )
        SELECT count(*) OVER (), _file, _line, first.source, first.file, first.line
        FROM repeated ORDER BY _file, _line LIMIT 1
        """,
        {"sources": [*before, source], "entity": entity.name, "source": source},
    ).fetchone()
    return Repeats(*row) if row else None


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
