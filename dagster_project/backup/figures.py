"""The figures of a published file in two values, by which a restored file is known to say the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from dagster_project.backup.manifest import Figures
from dagster_project.warehouse.published import open_published


def figures_of(published: Path) -> Figures:
    """Rows of `marts.metric_weekly` and a SHA-256 of them, ordered by all columns. Raises duckdb.Error."""
    found, rows = hashlib.sha256(), 0
    with open_published(published) as connection:
        result = connection.execute("SELECT * FROM marts.metric_weekly ORDER BY ALL")
        while batch := result.fetchmany(10_000):
            rows += len(batch)
            for row in batch:
                found.update(json.dumps(row, default=str).encode() + b"\n")
    return Figures(rows, found.hexdigest())
