"""The quarantine as it stands: what is published, and of sources whose last load was refused, what that load found.

Reads the published file and `refused/`, never the working database: a build may be running.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path

import duckdb
import pyarrow as pa

from dagster_project.config import Config, nearest
from dagster_project.entities import ENTITIES
from dagster_project.errors import ConfigError, CriticalProblem
from dagster_project.warehouse.published import open_published
from dagster_project.warehouse.raw import RawInfo, RawStore
from dagster_project.warehouse.refused import Group, Refused, grouped, read_refused

_COLUMNS = (
    "quarantine_id, source, entity, file, sha256, line, reason, column_name, found, expected, fix, raw_text, loaded_at"
)


@dataclass(frozen=True)
class Filters:
    """Which rows are meant; None lets everything through. `file` is a name or a pattern such as `calls*.csv`."""

    source: str | None = None
    entity: str | None = None
    file: str | None = None
    reason: str | None = None

    def checked(self, config: Config) -> Filters:
        """Themselves. Raises ConfigError for a source or an entity that does not exist."""
        known = {"source": [source.name for source in config.sources], "entity": list(ENTITIES)}
        for name, names in known.items():
            value = getattr(self, name)
            if value is not None and value not in names:
                close = nearest(value, names)
                expected = close or "one of: " + ", ".join(names)
                raise ConfigError(f'--{name}: found "{value}", expected {expected}')
        return self

    def fit(self, source: str, entity: str, file: str, reason: str | None) -> bool:
        """Whether rows of that place and reason are meant."""
        wanted = ((self.source, source), (self.entity, entity), (self.reason, reason))
        named = self.file in (None, file) or fnmatchcase(file, self.file or "")
        return named and all(value in (None, found) for value, found in wanted)


@dataclass(frozen=True)
class Row:
    """A row of the quarantine, whole: names people. `found` is null where its column is a personal one."""

    quarantine_id: str
    source: str
    entity: str
    file: str
    sha256: str
    line: int
    reason: str
    column_name: str | None
    found: str | None
    expected: str | None
    fix: str | None
    raw_text: str
    loaded_at: datetime


class Quarantine:
    """The rows at one moment; `with open_quarantine(config) as quarantine: ...`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, config: Config, refused: list[Refused]) -> None:
        self._connection, self._config = connection, config
        self.refused = {one.source: one for one in refused}
        self._infos: dict[tuple[str, str, str, str], RawInfo | None] = {}

    def groups(self, filters: Filters) -> list[Group]:
        """Counts by source, entity, file, reason and column, the sources in the order of the configuration."""
        found = list(grouped(self._connection, "memory.main.shown", "NOT is_refused"))
        found += [group for refused in self.refused.values() for group in refused.groups]
        order = {source.name: source.position for source in self._config.sources}
        fitting = [group for group in found if filters.fit(group.source, group.entity, group.file, group.reason)]
        return sorted(fitting, key=lambda group: order.get(group.source, -1))

    def count(self, source: str, entity: str, file: str) -> int:
        """All rows of a file, also those of a refused load that were not kept."""
        return sum(group.rows for group in self.groups(Filters(source, entity, escape(file))))

    def rows(self, filters: Filters, *, limit: int | None = None) -> Iterator[Row]:
        """The rows that fit, by source, entity, file and line. Of a refused load those that were kept."""
        wanted = [(group.source, group.entity, group.file, group.reason) for group in self.groups(filters)]
        fields = ("source", "entity", "file", "reason")
        lists = dict(zip(fields, map(list, zip(*sorted(set(wanted)), strict=True)), strict=True)) if wanted else {}
        if lists:
            yield from self._select(
                f"({', '.join(fields)}) IN (SELECT {', '.join(f'unnest(${name})' for name in fields)})"
                " ORDER BY source, entity, file, line, quarantine_id LIMIT $limit",
                {**lists, "limit": limit},
            )

    def by_ids(self, ids: list[str]) -> list[Row]:
        """The rows of those ids, in their order. Raises ConfigError for one that is not there."""
        found = list(self._select("list_contains($ids, quarantine_id)", {"ids": ids}))
        for wanted in ids:
            if wanted not in {row.quarantine_id for row in found}:
                raise ConfigError(f'found no row "{wanted}"; `leadhouse quarantine list --rows` lists those there are')
        return sorted(found, key=lambda row: ids.index(row.quarantine_id))

    def _select(self, where: str, values: dict[str, object]) -> Iterator[Row]:
        cursor = self._connection.cursor()
        result = cursor.execute(f"SELECT {_COLUMNS} FROM memory.main.shown WHERE {where}", values)
        while batch := result.fetchmany(2_000):
            yield from (Row(*row) for row in batch)

    def info(self, row: Row) -> RawInfo | None:
        """How the file's text is cut into cells: from the raw store, or as the refused load had read it."""
        key = (row.source, row.entity, row.file, row.sha256)
        if key not in self._infos:
            refused = self.refused.get(row.source)
            infos = {(info.entity, info.file, info.sha256): info for info in (refused.infos if refused else ())}
            self._infos[key] = RawStore(self._config.raw_dir).find(*key) or infos.get(key[1:])
        return self._infos[key]


@contextmanager
def open_quarantine(config: Config) -> Iterator[Quarantine]:
    """The quarantine as it stands now. Raises CriticalProblem where neither a build nor a refusal has left one."""
    names = [source.name for source in config.sources]
    refused = read_refused(config.refused_dir, names)
    warehouse = config.warehouse_path
    if not warehouse.is_file() and not refused:
        raise CriticalProblem(f"{warehouse}: found no published file; run `leadhouse build`")
    try:
        with _connected(warehouse) as connection:
            _show(connection, warehouse.is_file(), refused)
            yield Quarantine(connection, config, refused)
    except duckdb.Error as error:
        text = str(error).splitlines()[0]
        raise CriticalProblem(f"{warehouse}: cannot be read ({text}); run `leadhouse build`") from None


@contextmanager
def _connected(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    if warehouse.is_file():
        with open_published(warehouse) as connection:
            yield connection
    else:
        with duckdb.connect(":memory:") as connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection


def _show(connection: duckdb.DuckDBPyConnection, published: bool, refused: list[Refused]) -> None:
    """Make the view `memory.main.shown`: of a refused source the rows of that load, of the others what is published."""
    parts = []
    if published:
        connection.execute("CREATE TABLE memory.main.refused_sources (source VARCHAR)")
        for one in refused:
            connection.execute("INSERT INTO memory.main.refused_sources VALUES (?)", [one.source])
        parts.append(
            f"SELECT {_COLUMNS}, false AS is_refused FROM published.quality.quarantine"
            " WHERE source NOT IN (FROM memory.main.refused_sources)"
        )
    if refused:
        connection.register("kept", pa.concat_tables([one.rows for one in refused]))
        connection.execute("CREATE TABLE memory.main.refused AS FROM kept")
        parts.append(f"SELECT {_COLUMNS}, true AS is_refused FROM memory.main.refused")
    connection.execute(f"CREATE VIEW memory.main.shown AS {' UNION ALL '.join(parts)}")
