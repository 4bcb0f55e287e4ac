"""A few words that the working database remembers from one build to the next."""

from __future__ import annotations

import duckdb


def remembered(connection: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """What was remembered under a name, or None."""
    row = connection.execute("SELECT value FROM ingest.settings WHERE name = ?", [name]).fetchone()
    return str(row[0]) if row else None


def remember(connection: duckdb.DuckDBPyConnection, name: str, value: str) -> None:
    """Remember a value under a name, instead of what was there."""
    connection.execute("DELETE FROM ingest.settings WHERE name = ?", [name])
    connection.execute("INSERT INTO ingest.settings (name, value) VALUES (?, ?)", [name, value])
