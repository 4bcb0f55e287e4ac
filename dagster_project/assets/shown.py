"""What Dagster shows of an asset besides its name: schema, counts, links. Figures and places, never a cell of a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
from dagster import MetadataValue, TableColumn, TableColumnConstraints, TableSchema

from dagster_project.entities import ENTITIES, NAMING_COLUMNS, PROVENANCE_COLUMNS

DASHBOARD = "http://127.0.0.1:8501"
"""Where `leadhouse serve` is, unless it was given another port."""

OPS, ANALYST = ["team:ops"], ["team:analyst"]


def link(page: str) -> MetadataValue[Any]:
    """A page of the dashboard, by its path."""
    return MetadataValue.url(f"{DASHBOARD}/{page}")


def docs(file: str) -> MetadataValue[Any]:
    """A page of the documentation."""
    return MetadataValue.path(f"docs/{file}")


def table(rows: Sequence[dict[str, Any]]) -> MetadataValue[Any]:
    """Rows as a table, which the UI shows at a click; the columns are those of the first one. Empty: a word."""
    if not rows:
        return MetadataValue.text("none")
    lines = [list(rows[0]), ["---:" if isinstance(value, int) else "---" for value in rows[0].values()]]
    lines += [[f"{value:,}" if isinstance(value, int) else str(value) for value in row.values()] for row in rows]
    return MetadataValue.md(
        "\n".join("|".join(["", *(cell.replace("|", "\\|") for cell in line), ""]) for line in lines)
    )


def entity_schema(name: str) -> dict[str, Any]:
    """The columns of a raw table, and which of them say who somebody is."""
    entity = ENTITIES.get(name)
    if entity is None:
        return {}
    columns = [
        TableColumn(
            column.name,
            column.sql_type,
            description=column.description,
            constraints=TableColumnConstraints(nullable=not column.required),
            tags={"personal": ""} if column.name in NAMING_COLUMNS else {},
        )
        for column in entity.columns
    ]
    columns += [TableColumn(column, kind, tags={"provenance": ""}) for column, kind in PROVENANCE_COLUMNS.items()]
    return {"dagster/column_schema": TableSchema(columns=columns), "dagster/table_name": f"raw.{name}"}


def counts_by(connection: duckdb.DuckDBPyConnection, relation: str, column: str) -> MetadataValue[Any]:
    """Rows of a table for each value of a column, the most first, at most 20."""
    found = connection.execute(
        f"SELECT {column}, count(*) FROM {relation} GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT 20"
    ).fetchall()
    return table([{column.lstrip("_"): str(value), "rows": rows} for value, rows in found])


def row_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of every table of the working database, by `schema.table`; views are not counted, as that computes them."""
    names = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal ORDER BY ALL"
    ).fetchall()
    counted = {}
    for schema, name in names:
        counted[f"{schema}.{name}"] = connection.execute(f'SELECT count(*) FROM "{schema}"."{name}"').fetchall()[0][0]
    return counted
