"""A brokerage in a folder: write its exports, load them, look at what came out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.config import Config, load_config
from dagster_project.sources.ingest import ingest_source
from dagster_project.sources.report import FileReport, LoadReport
from dagster_project.warehouse.working import open_working

CLOCK = datetime(2026, 11, 24, 12, tzinfo=UTC)

HEAD = """
[brokerage]
name = "Harbor"
timezone = "America/New_York"
country = "US"
currency = "USD"
"""
SOURCE = """
[[source]]
name = "crm"
kind = "files"
path = "crm"
"""


@dataclass
class Kit:
    """One brokerage. `toml` is its configuration without the head."""

    folder: Path
    toml: str = SOURCE
    loads: int = 0
    reports: dict[str, LoadReport] = field(default_factory=dict)

    def write(self, name: str, *lines: str, encoding: str = "utf-8", end: str = "\n") -> Path:
        """Write an export: `crm/inquiries.csv`, line by line."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes("".join(line + end for line in lines).encode(encoding))
        return path

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()

    @property
    def config(self) -> Config:
        path = self.folder / "leadhouse.toml"
        path.write_text(HEAD + self.toml, encoding="utf-8")
        return load_config(path, {})

    @contextmanager
    def working(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with open_working(self.config) as connection:
            yield connection

    def load(self, **options: Any) -> LoadReport:
        """Load all sources as load L1, L2, ...; the report of the last one."""
        self.loads += 1
        config = self.config
        with open_working(config) as connection:
            for source in config.sources:
                clock = options.get("clock", CLOCK.replace(second=self.loads % 60, minute=self.loads // 60))
                self.reports[source.name] = ingest_source(
                    connection, config, source, load_id=f"L{self.loads}", **{**options, "clock": clock}
                )
        for report in self.reports.values():
            assert all(file.adds_up for file in report.files), report.lines()
        return self.reports[config.sources[-1].name]

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.working() as connection:
            return connection.execute(sql, list(values)).fetchall()

    def quarantine(self) -> list[tuple[Any, ...]]:
        """(file, line, reason, column) of every quarantined row."""
        return self.rows("SELECT file, line, reason, column_name FROM quality.quarantine ORDER BY file, line")


def figures(file: FileReport) -> tuple[int, int, int, int, int, int]:
    """rows, loaded, quarantined, exact duplicates, superseded, filtered."""
    return file.rows, file.loaded, file.quarantined, file.exact_duplicates, file.superseded, file.filtered
