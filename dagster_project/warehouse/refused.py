"""What a refused load would have put into the quarantine: one Parquet file a source, as personal as the raw store.

The load itself is rolled back. `<refused>/<source>.parquet` holds the columns of `quality.quarantine` as the load would
have left it; what was critical, the true counts and how the files are cut into cells stand in its metadata. The next
refusal of the source replaces it, its next good load removes it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.config_values import folder_name
from dagster_project.errors import CriticalProblem
from dagster_project.warehouse.raw import RawInfo

MAX_ROWS_A_FILE = 10_000
"""A wrong delimiter sets every row aside: the first ones tell what is wrong, the counts tell how many."""

Told = tuple[str, str, str]
"""A check's name, what it is about (`source/file`), and one line of words."""

_KEY = b"leadhouse"


@dataclass(frozen=True)
class Group:
    """Rows of one file with the same reason and column: `expected` is that of the first, `fix` the commonest."""

    source: str
    entity: str
    file: str
    reason: str
    column_name: str | None
    rows: int
    first_line: int
    first_id: str
    expected: str | None
    fix: str | None


@dataclass(frozen=True)
class Refused:
    """A source whose last load was refused. `rows` has the columns of `quality.quarantine`, at most MAX_ROWS_A_FILE a
    file; `groups` counts them all; `infos` tells the files that the raw store does not hold.
    """

    source: str
    refused_at: str
    told: tuple[Told, ...]
    groups: tuple[Group, ...]
    infos: tuple[RawInfo, ...]
    rows: pa.Table


def grouped(
    connection: duckdb.DuckDBPyConnection, table: str, where: str, values: dict[str, Any] | None = None
) -> tuple[Group, ...]:
    """The groups of those rows of a table with the columns of `quality.quarantine`; `values` are bound in `where`."""
    rows = connection.execute(
        f"""
        WITH counted AS (
            SELECT source, entity, file, reason, column_name, fix, count(*) AS rows, min(line) AS line,
                arg_min(quarantine_id, line) AS id, arg_min(expected, line) AS expected,
                bool_or(contains(expected, '; ')) AS has_hint  -- only the first texts of a column have one
            FROM {table} WHERE {where}
            GROUP BY source, entity, file, reason, column_name, fix
        )
        SELECT source, entity, file, reason, column_name, sum(rows)::BIGINT, min(line), arg_min(id, line),
            arg_min(expected, line), first(fix ORDER BY has_hint DESC NULLS LAST, rows DESC, line)
        FROM counted
        GROUP BY source, entity, file, reason, column_name
        ORDER BY source, entity, file, sum(rows) DESC, reason, column_name
        """,
        values or {},
    ).fetchall()
    return tuple(Group(*row) for row in rows)


def keep_refused(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    source: str,
    *,
    refused_at: str,
    told: Sequence[Told],
    infos: Sequence[RawInfo],
) -> None:
    """Keep a source's rows of `quality.quarantine` from inside the transaction that will be rolled back.

    Written beside its place and then renamed; memory holds a batch. Raises OSError.
    """
    values = {"source": source}
    groups = grouped(connection, "quality.quarantine", "source = $source", values)
    metadata = {
        "source": source,
        "refused_at": refused_at,
        "told": told,
        "groups": [asdict(group) for group in groups],
        "infos": [asdict(info) for info in infos],
    }
    batches: pa.RecordBatchReader = connection.sql(
        f"""
        FROM quality.quarantine WHERE source = $source
        QUALIFY row_number() OVER (PARTITION BY entity, file ORDER BY line) <= {MAX_ROWS_A_FILE}
        ORDER BY entity, file, line
        """,
        params=values,
    ).to_arrow_reader(2_000)
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{folder_name(source)}.parquet"
    fresh = kept.with_name(f".{kept.name}.tmp")
    try:
        schema = batches.schema.with_metadata({_KEY: json.dumps(metadata).encode()})
        with pq.ParquetWriter(fresh, schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch)
        os.replace(fresh, kept)
    finally:
        fresh.unlink(missing_ok=True)


def forget_refused(folder: Path, still: Iterable[str]) -> None:
    """Remove every refusal but those of the sources `still` waiting for a good load."""
    names = {f"{folder_name(source)}.parquet" for source in still}
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in names:
            path.unlink(missing_ok=True)


def read_refused(folder: Path, sources: Iterable[str]) -> list[Refused]:
    """The refusals of those sources that stand now, in that order. Raises CriticalProblem for one it cannot read."""
    found = []
    for source in sources:
        path = folder / f"{folder_name(source)}.parquet"
        try:
            with pq.ParquetFile(path) as file:
                table = file.read()
            told: dict[str, Any] = json.loads(table.schema.metadata[_KEY])
            found.append(
                Refused(
                    source,
                    told["refused_at"],
                    tuple((check, subject, message) for check, subject, message in told["told"]),
                    tuple(Group(**group) for group in told["groups"]),
                    tuple(RawInfo(**info) for info in told["infos"]),
                    table.replace_schema_metadata(None),
                )
            )
        except FileNotFoundError:
            continue  # loaded well, now or a moment ago
        except (pa.ArrowInvalid, TypeError, KeyError, ValueError):
            text = f"{path}: found a file that this version did not write; run `leadhouse build`, which replaces it"
            raise CriticalProblem(text) from None
    return found
