"""Whether a database can be read at all: DuckDB tells of a damaged block only when it comes upon it."""

from __future__ import annotations

from collections.abc import Collection

import duckdb


def read_everything(connection: duckdb.DuckDBPyConnection, database: str, only: Collection[str] | None = None) -> None:
    """Read every column of every table of an attached database, or of those named (`schema.table`).

    Raises duckdb.Error where a block is damaged.
    """
    tables = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ?", [database]
    ).fetchall()
    for schema, table in tables:
        if only is not None and f"{schema}.{table}" not in only:
            continue
        # Hashes of whole rows: an aggregate of a column could be answered from its statistics.
        connection.execute(f'SELECT bit_xor(hash(t)) FROM "{database}"."{schema}"."{table}" AS t').fetchall()
