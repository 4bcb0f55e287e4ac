"""`state.sqlite`: what no build can compute again. The only module that opens it.

Attempts to build and what their checks found, alerts and what people did about them. Nothing in it names a person:
texts are those of checks, rows are places and ids. The build writes it, the dashboard reads it and writes what people
decide; so it imports nothing of ours. Absent, it reads as empty.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

VERSION = 1
"""Of the tables below, as `PRAGMA user_version`."""

KEPT_ATTEMPTS = 2_000
"""Attempts whose checks are remembered: five years of daily builds, three weeks of one every quarter of an hour."""

_DIED_AFTER = timedelta(minutes=10)
"""A message that is `pending` for so long is nobody's any more: sending takes seconds."""

_TABLES = """
CREATE TABLE attempts (
    build_id TEXT PRIMARY KEY, started_at TEXT NOT NULL, finished_at TEXT NOT NULL, status TEXT NOT NULL,
    trigger TEXT NOT NULL, as_of TEXT, messages TEXT NOT NULL
);
CREATE TABLE check_results (
    build_id TEXT NOT NULL REFERENCES attempts ON DELETE CASCADE, check_name TEXT NOT NULL, subject TEXT NOT NULL,
    layer TEXT NOT NULL, severity TEXT NOT NULL, status TEXT NOT NULL, observed TEXT NOT NULL, expected TEXT NOT NULL,
    owner TEXT NOT NULL, why TEXT NOT NULL, what_to_do TEXT NOT NULL, offenders TEXT NOT NULL, checked_at TEXT NOT NULL
);
CREATE INDEX check_results_by_check ON check_results (check_name, subject);
CREATE TABLE check_rows (
    check_name TEXT NOT NULL, subject TEXT NOT NULL, source TEXT, entity TEXT, file TEXT, line INTEGER, row_id TEXT,
    note TEXT
);
CREATE TABLE alerts (
    alert_id INTEGER PRIMARY KEY, check_name TEXT NOT NULL, subject TEXT NOT NULL, severity TEXT NOT NULL,
    owner TEXT NOT NULL, title TEXT NOT NULL, observed TEXT NOT NULL, expected TEXT NOT NULL,
    what_to_do TEXT NOT NULL, offenders TEXT NOT NULL, opened_at TEXT NOT NULL, last_seen_at TEXT NOT NULL,
    seen INTEGER NOT NULL, cleared_at TEXT, acknowledged_at TEXT, acknowledged_by TEXT, note TEXT, told_at TEXT,
    returns INTEGER NOT NULL
);
CREATE UNIQUE INDEX alerts_open ON alerts (check_name, subject) WHERE cleared_at IS NULL;
CREATE TABLE mutes (
    check_name TEXT NOT NULL, subject TEXT NOT NULL, until TEXT NOT NULL, muted_by TEXT NOT NULL, reason TEXT NOT NULL,
    muted_at TEXT NOT NULL, severity TEXT NOT NULL, PRIMARY KEY (check_name, subject)
);
CREATE TABLE deliveries (
    sent_at TEXT NOT NULL, channel TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL, status TEXT NOT NULL,
    detail TEXT NOT NULL, made_at TEXT
);
"""


class StateError(Exception):
    """`state.sqlite` cannot be read or written; one line."""


class StateDamagedError(StateError):
    """The file is no database, or one whose pages do not fit together: `set_aside` it."""


@dataclass(frozen=True)
class Attempt:
    """One attempt to build. `status`: `published`, `failed`, `checked` (no publish was asked for)."""

    build_id: str
    started_at: datetime
    finished_at: datetime
    status: str
    trigger: str
    as_of: datetime | None
    messages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What one check found in one attempt: the columns of `quality.check_results`, and the attempt."""

    build_id: str
    check_name: str
    subject: str
    layer: str
    severity: str
    status: str
    observed: str
    expected: str
    owner: str
    why: str
    what_to_do: str
    offenders: tuple[str, ...]
    checked_at: datetime


@dataclass(frozen=True)
class OffendingRow:
    """A row of an export that a failing check of the latest attempt is about."""

    check_name: str
    subject: str
    source: str | None
    entity: str | None
    file: str | None
    line: int | None
    row_id: str | None
    note: str | None


@dataclass(frozen=True)
class Alert:
    """One trouble from the moment it was first seen until it is mended. Its key while open: check and subject.

    `told_at`: when it was last sent, or would have been in a dry run; null while nobody was told. An acknowledgement is
    void once the trouble got worse. `returns`: how often it came back within the hour of its all-clear.
    """

    alert_id: int
    check_name: str
    subject: str
    severity: str
    owner: str
    title: str
    observed: str
    expected: str
    what_to_do: str
    offenders: tuple[str, ...]
    opened_at: datetime
    last_seen_at: datetime
    seen: int
    cleared_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    note: str | None = None
    told_at: datetime | None = None
    returns: int = 0


@dataclass(frozen=True)
class Mute:
    """Somebody's wish not to hear of a check about a subject for a while.

    `severity`: how bad it was then; one made for a warning does not silence a critical trouble. Left empty, it becomes
    that of the open alert.
    """

    check_name: str
    subject: str
    until: datetime
    muted_by: str
    reason: str
    muted_at: datetime
    severity: str = ""


@dataclass(frozen=True)
class Delivery:
    """A message to a channel. `status`: `sent`, `dry run`, `pending` (about to be sent), `failed` (tried again)."""

    sent_at: datetime
    channel: str
    subject: str
    body: str
    status: str
    detail: str = ""


T = TypeVar("T", Attempt, Result, OffendingRow, Alert, Mute, Delivery)

_TABLE_OF: dict[type, str] = {
    Attempt: "attempts",
    Result: "check_results",
    OffendingRow: "check_rows",
    Alert: "alerts",
    Mute: "mutes",
    Delivery: "deliveries",
}


@contextmanager
def open_state(path: Path) -> Iterator[State]:
    """The state, made where it is absent; what is written inside is kept together or not at all.

    Raises StateError where the file cannot be read or written, or a newer version wrote it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")  # what is forgotten is not left in free pages
            connection.execute("BEGIN IMMEDIATE")  # a reader that becomes a writer half-way could not wait for another
            with connection:
                _prepare(connection, path)
                yield State(connection)
    except (sqlite3.Error, OSError) as error:
        raise _explained(path, "read or written", error) from None


@contextmanager
def read_state(path: Path) -> Iterator[State]:
    """The state to look at; nothing is written, and where there is no file it is empty. Raises StateError."""
    if not path.is_file():
        with closing(sqlite3.connect(":memory:")) as connection:
            _prepare(connection, path)
            yield State(connection)
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
            _require_known(connection, path)
            yield State(connection)
    except sqlite3.Error as error:
        raise _explained(path, "read", error) from None


def set_aside(path: Path) -> Path:
    """Move a damaged state out of the way; returns where it is kept, as the only one. Raises OSError."""
    kept = path.with_name(path.name + ".damaged")
    path.replace(kept)
    for log in ("-journal", "-wal", "-shm"):
        path.with_name(path.name + log).unlink(missing_ok=True)
    return kept


def _explained(path: Path, what: str, error: sqlite3.Error | OSError) -> StateError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says where in the file
    kind = StateDamagedError if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) else StateError
    return kind(f"{path.name}: cannot be {what}: {error}")


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    if _require_known(connection, path) == 0:
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _require_known(connection: sqlite3.Connection, path: Path) -> int:
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found > VERSION:
        raise StateError(f"{path.name}: found version {found}, expected at most {VERSION}; a newer Leadhouse wrote it")
    return found


class State:
    """An open state. Methods that change it work inside `open_state` only."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    # attempts and what their checks found

    def record_attempt(self, attempt: Attempt, results: Iterable[Result], rows: Iterable[OffendingRow] | None) -> None:
        """Keep an attempt with the results of its checks; `rows` replace those of the attempt before.

        None: it came to no checks, the rows before stay.
        """
        self._connection.execute("DELETE FROM attempts WHERE build_id = ?", [attempt.build_id])
        self._insert(Attempt, [attempt])
        self._insert(Result, results)
        if rows is not None:
            self._connection.execute("DELETE FROM check_rows")
            self._insert(OffendingRow, rows)
        self._connection.execute(
            "DELETE FROM attempts WHERE build_id IN (SELECT build_id FROM attempts"
            " ORDER BY started_at DESC, build_id LIMIT -1 OFFSET ?)",
            [KEPT_ATTEMPTS],
        )

    def attempts(self, limit: int = 100) -> list[Attempt]:
        """The latest attempts, newest first."""
        return self._select(Attempt, "ORDER BY started_at DESC, build_id LIMIT ?", limit)

    def results(self, build_id: str) -> list[Result]:
        """What the checks of an attempt found, by name."""
        return self._select(Result, "WHERE build_id = ? ORDER BY check_name, subject", build_id)

    def history(self, check_name: str, subject: str, limit: int = 60) -> list[Result]:
        """What a check found in attempt after attempt, newest first."""
        return self._select(
            Result, "WHERE check_name = ? AND subject = ? ORDER BY checked_at DESC LIMIT ?", check_name, subject, limit
        )

    def rows(self, check_name: str, subject: str) -> list[OffendingRow]:
        """The rows that a check of the latest attempt is about, by place."""
        where = "WHERE check_name = ? AND subject = ? ORDER BY source, entity, file, line, row_id"
        return self._select(OffendingRow, where, check_name, subject)

    def forget_rows(self) -> None:
        """Forget all offending rows: the next attempt writes them again, without people who were erased meanwhile."""
        self._connection.execute("DELETE FROM check_rows")

    # alerts

    def alerts(self, *, open_only: bool = True, limit: int = 500) -> list[Alert]:
        """Open alerts, or all of them, critical and newest first."""
        where = "WHERE cleared_at IS NULL" if open_only else ""
        order = "ORDER BY cleared_at IS NOT NULL, severity != 'critical', opened_at DESC, alert_id DESC LIMIT ?"
        return self._select(Alert, f"{where} {order}", limit)

    def cleared_since(self, moment: datetime) -> list[Alert]:
        """Alerts cleared after that, the latest first."""
        return self._select(Alert, "WHERE cleared_at > ? ORDER BY cleared_at DESC, alert_id DESC", _told(moment))

    def alert(self, alert_id: int) -> Alert | None:
        """One alert, open or cleared."""
        return next(iter(self._select(Alert, "WHERE alert_id = ?", alert_id)), None)

    def open_alert(self, alert: Alert) -> Alert:
        """Keep a new alert; its `alert_id` is given here and is in the one returned."""
        values = _as_row(alert) | {"alert_id": None}
        names = ", ".join(values)
        cursor = self._connection.execute(
            f"INSERT INTO alerts ({names}) VALUES ({', '.join(f':{name}' for name in values)})", values
        )
        return Alert(**{**_fields(alert), "alert_id": int(cursor.lastrowid or 0)})

    def save_alert(self, alert: Alert) -> None:
        """Replace an alert by what it is now."""
        values = _as_row(alert)
        settings = ", ".join(f"{name} = :{name}" for name in values if name != "alert_id")
        self._connection.execute(f"UPDATE alerts SET {settings} WHERE alert_id = :alert_id", values)

    def acknowledge(self, alert_id: int, by: str, note: str, at: datetime) -> bool:
        """Note that somebody looks after an open alert; whether there was one."""
        cursor = self._connection.execute(
            "UPDATE alerts SET acknowledged_at = ?, acknowledged_by = ?, note = ?"
            " WHERE alert_id = ? AND cleared_at IS NULL",
            [_told(at), by, note, alert_id],
        )
        return cursor.rowcount == 1

    def mute(self, mute: Mute) -> None:
        """Say nothing of a check about a subject until then; a later mute replaces an earlier one."""
        self.unmute(mute.check_name, mute.subject)
        found = self._connection.execute(
            "SELECT severity FROM alerts WHERE check_name = ? AND subject = ? AND cleared_at IS NULL",
            [mute.check_name, mute.subject],
        ).fetchone()
        severity = mute.severity or (found[0] if found else "warning")
        self._insert(Mute, [replace(mute, severity=severity)])

    def unmute(self, check_name: str, subject: str) -> None:
        """Speak of it again."""
        self._connection.execute("DELETE FROM mutes WHERE check_name = ? AND subject = ?", [check_name, subject])

    def mutes(self, now: datetime) -> list[Mute]:
        """What is muted now; the expired ones are not."""
        return self._select(Mute, "WHERE until > ? ORDER BY until, check_name, subject", _told(now))

    # deliveries

    def record_delivery(self, delivery: Delivery) -> None:
        """Keep a message that was sent, or would have been."""
        self._insert(Delivery, [delivery])

    def send_later(self, delivery: Delivery) -> int:
        """Keep a message that is about to be sent; its number, for `settle`."""
        self.record_delivery(delivery)
        number = int(self._connection.execute("SELECT max(rowid) FROM deliveries").fetchone()[0])
        self._connection.execute("UPDATE deliveries SET made_at = sent_at WHERE rowid = ?", [number])
        return number

    def claim_unsent(self, channels: Iterable[str], since: datetime, now: datetime) -> dict[int, Delivery]:
        """Messages made at `since` or later that failed, or whose sender died, by number, the oldest first.

        They are `pending` from `now` on, so that nobody else sends them meanwhile.
        """
        names = [item.name for item in fields(Delivery)]
        rows = self._connection.execute(
            f"SELECT rowid, {', '.join(names)} FROM deliveries WHERE made_at >= ? AND (status = 'failed'"
            " OR (status = 'pending' AND sent_at < ?)) ORDER BY rowid",
            [_told(since), _told(now - _DIED_AFTER)],
        ).fetchall()
        known = set(channels)
        claimed = {row[0]: Delivery(**_from_row(names, row[1:])) for row in rows}
        claimed = {number: delivery for number, delivery in claimed.items() if delivery.channel in known}
        self._connection.executemany(
            "UPDATE deliveries SET status = 'pending', sent_at = ? WHERE rowid = ?", [(_told(now), n) for n in claimed]
        )
        return claimed

    def settle(self, outcomes: Mapping[int, tuple[str, str]]) -> None:
        """Say what became of messages: status and detail by number."""
        self._connection.executemany(
            "UPDATE deliveries SET status = ?, detail = ? WHERE rowid = ?",
            [(status, detail, number) for number, (status, detail) in outcomes.items()],
        )

    def deliveries(self, limit: int = 50) -> list[Delivery]:
        """The latest messages, newest first."""
        return self._select(Delivery, "ORDER BY sent_at DESC, rowid DESC LIMIT ?", limit)

    def _insert(self, kind: type[T], items: Iterable[T]) -> None:
        names = [field.name for field in fields(kind)]
        self._connection.executemany(
            f"INSERT INTO {_TABLE_OF[kind]} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})",
            [_as_row(item) for item in items],
        )

    def _select(self, kind: type[T], rest: str, *values: Any) -> list[T]:
        names = [field.name for field in fields(kind)]
        found = self._connection.execute(f"SELECT {', '.join(names)} FROM {_TABLE_OF[kind]} {rest}", values)
        return [kind(**_from_row(names, row)) for row in found]


def _fields(item: Any) -> dict[str, Any]:
    return {field.name: getattr(item, field.name) for field in fields(item)}


def _as_row(item: Any) -> dict[str, Any]:
    return {name: _stored(value) for name, value in asdict(item).items()}


def _stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return _told(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | tuple) else value


def _told(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _from_row(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    """Columns that end with `_at`, `as_of` and `until` are moments, `messages` and `offenders` lists."""
    read: dict[str, Any] = {}
    for name, value in zip(names, row, strict=True):
        if name in ("messages", "offenders"):
            read[name] = tuple(json.loads(value))
        elif value and (name.endswith("_at") or name in ("as_of", "until")):
            read[name] = datetime.fromisoformat(value)
        else:
            read[name] = value
    return read
