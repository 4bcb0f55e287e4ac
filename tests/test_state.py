"""`state.sqlite`: what is written is read back, by whoever opens it next, or is told to be unreadable."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dagster_project.state import (
    KEPT_ATTEMPTS,
    Alert,
    Attempt,
    Delivery,
    Mute,
    OffendingRow,
    Result,
    StateDamagedError,
    StateError,
    open_state,
    read_state,
    set_aside,
)

NOW = datetime(2026, 11, 25, 8, 0, 0, 1, UTC)


def attempt(number: int = 1, **changes: object) -> Attempt:
    """The `number`th attempt."""
    moment = NOW + timedelta(hours=number)
    made = Attempt(f"b{number}", moment, moment + timedelta(minutes=1), "published", "command", NOW, ("one", "two"))
    return replace(made, **changes)  # type: ignore[arg-type]


def result(number: int = 1, name: str = "senders_are_known", status: str = "failed") -> Result:
    """What a check found in the `number`th attempt."""
    moment = NOW + timedelta(hours=number)
    words = ("arrival", "warning", status, "dialer: 12 %", "at least half", "ops", "why", "map it", ("dialer", "crm"))
    return Result(f"b{number}", name, "touches", *words, moment)


def alert(**changes: object) -> Alert:
    """An open alert."""
    words = ("senders_are_known", "touches", "warning", "ops", "title", "observed", "expected", "do")
    return replace(Alert(0, *words, ("dialer",), NOW, NOW, 1), **changes)  # type: ignore[arg-type]


ROW = OffendingRow("senders_are_known", "touches", "dialer", "touches", "calls.csv", 7, "t7", "note")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "below" / "state.sqlite"
    with open_state(path) as state:
        state.record_attempt(attempt(), [result()], [ROW])
        kept = state.open_alert(alert())
        state.record_delivery(Delivery(NOW, "mailto", "subject", "body", "dry run"))
    assert kept == replace(alert(), alert_id=kept.alert_id)
    assert kept.alert_id > 0
    with read_state(path) as state:
        assert state.attempts() == [attempt()]
        assert state.results("b1") == [result()]
        assert state.rows("senders_are_known", "touches") == [ROW]
        assert state.alerts() == [kept] == [state.alert(kept.alert_id)]
        assert state.deliveries() == [Delivery(NOW, "mailto", "subject", "body", "dry run")]


def test_absent_reads_as_empty_and_stays_absent(tmp_path: Path) -> None:
    with read_state(tmp_path / "state.sqlite") as state:
        assert (state.attempts(), state.alerts(), state.mutes(NOW), state.rows("a", "b")) == ([], [], [], [])
        assert state.alert(1) is None
    assert list(tmp_path.iterdir()) == []


def test_rows_are_those_of_the_latest_attempt_and_can_be_forgotten(tmp_path: Path) -> None:
    with open_state(tmp_path / "s") as state:
        state.record_attempt(attempt(1), [result(1)], [ROW])
        state.record_attempt(attempt(2), [result(2)], [replace(ROW, line=9)])
        assert [row.line for row in state.rows(ROW.check_name, ROW.subject)] == [9]
        assert [item.build_id for item in state.history("senders_are_known", "touches")] == ["b2", "b1"]
        state.forget_rows()
        assert state.rows(ROW.check_name, ROW.subject) == []
        assert len(state.history("senders_are_known", "touches")) == 2


def test_an_attempt_told_twice_is_one_and_old_ones_go(tmp_path: Path) -> None:
    with open_state(tmp_path / "s") as state:
        for number in (0, 0, *range(1, KEPT_ATTEMPTS + 3)):
            state.record_attempt(attempt(number), [result(number)] if number < 5 else [], [])
        kept = state.attempts(limit=10 * KEPT_ATTEMPTS)
        assert len(kept) == KEPT_ATTEMPTS
        assert kept[-1].build_id == "b3"
        assert [item.build_id for item in state.history("senders_are_known", "touches")] == ["b4", "b3"]


def test_one_trouble_is_one_open_alert(tmp_path: Path) -> None:
    with open_state(tmp_path / "s") as state:
        first = state.open_alert(alert())
        state.save_alert(replace(first, cleared_at=NOW))
        second = state.open_alert(alert(opened_at=NOW + timedelta(days=1)))
        assert [item.alert_id for item in state.alerts()] == [second.alert_id]
        assert [item.alert_id for item in state.alerts(open_only=False)] == [second.alert_id, first.alert_id]
    with pytest.raises(StateError), open_state(tmp_path / "s") as state:
        state.open_alert(alert())
    with read_state(tmp_path / "s") as state:
        assert len(state.alerts(open_only=False)) == 2


def test_only_an_open_alert_is_acknowledged(tmp_path: Path) -> None:
    with open_state(tmp_path / "s") as state:
        kept = state.open_alert(alert())
        assert state.acknowledge(kept.alert_id, "olga", "asked the vendor", NOW)
        assert not state.acknowledge(kept.alert_id + 1, "olga", "", NOW)
        found = state.alerts()[0]
        assert (found.acknowledged_by, found.note, found.acknowledged_at) == ("olga", "asked the vendor", NOW)
        state.save_alert(replace(found, cleared_at=NOW))
        assert not state.acknowledge(kept.alert_id, "olga", "", NOW)


def test_a_mute_ends_by_itself(tmp_path: Path) -> None:
    until = NOW + timedelta(days=1)
    with open_state(tmp_path / "s") as state:
        state.mute(Mute("a", "b", until, "olga", "known", NOW))
        state.mute(Mute("a", "b", until, "olga", "still known", NOW))
        assert [mute.reason for mute in state.mutes(NOW)] == ["still known"]
        assert state.mutes(until) == []
        state.unmute("a", "b")
        assert state.mutes(NOW) == []


def test_a_mute_remembers_how_bad_it_was(tmp_path: Path) -> None:
    until = NOW + timedelta(days=1)
    with open_state(tmp_path / "s") as state:
        state.open_alert(alert(severity="critical"))
        state.mute(Mute("senders_are_known", "touches", until, "olga", "known", NOW))
        state.mute(Mute("unknown", "touches", until, "olga", "known", NOW))
        state.mute(Mute("given", "touches", until, "olga", "known", NOW, "critical"))
        found = {mute.check_name: mute.severity for mute in state.mutes(NOW)}
    assert found == {"senders_are_known": "critical", "unknown": "warning", "given": "critical"}


def test_cleared_alerts_are_found_for_a_while(tmp_path: Path) -> None:
    with open_state(tmp_path / "s") as state:
        first = state.open_alert(alert())
        state.save_alert(replace(first, cleared_at=NOW))
        state.open_alert(alert())
        assert [item.alert_id for item in state.cleared_since(NOW - timedelta(seconds=1))] == [first.alert_id]
        assert state.cleared_since(NOW) == []


def test_a_message_that_failed_is_claimed_by_one(tmp_path: Path) -> None:
    def at(minutes: float) -> datetime:
        return NOW + timedelta(minutes=minutes)

    with open_state(tmp_path / "s") as state:
        first = state.send_later(Delivery(NOW, "slack", "one", "body", "pending"))
        other = state.send_later(Delivery(NOW, "gone", "two", "body", "pending"))
        state.record_delivery(Delivery(NOW, "slack", "three", "body", "dry run"))
        assert state.claim_unsent(["slack"], NOW, at(1)) == {}  # whoever sends it is at it
        state.settle(dict.fromkeys((first, other), ("failed", "no answer")))
        claimed = state.claim_unsent(["slack"], NOW, at(60))
        assert {number: message.subject for number, message in claimed.items()} == {first: "one"}
        assert state.claim_unsent(["slack"], NOW, at(61)) == {}
        assert list(state.claim_unsent(["slack"], NOW, at(80))) == [first]  # its sender died
        state.settle({first: ("sent", "")})
        assert state.claim_unsent(["slack"], NOW, at(200)) == {}
        assert state.claim_unsent(["gone"], at(1), at(200)) == {}  # too old
        assert {message.subject: message.status for message in state.deliveries()} == {
            "one": "sent",
            "two": "failed",
            "three": "dry run",
        }


def test_a_damaged_state_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with open_state(path) as state:
        for number in range(50):
            state.record_attempt(attempt(number), [result(number)], [])
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(StateDamagedError), open_state(path) as state:
        state.attempts()
    assert set_aside(path) == tmp_path / "state.sqlite.damaged"
    with open_state(path) as state:
        assert state.attempts() == []
    with pytest.raises(StateError) as told, open_state(tmp_path) as state:
        state.attempts()
    assert not isinstance(told.value, StateDamagedError)  # a folder is somebody's, and no damage


def test_a_file_that_is_no_state_is_told_in_one_line(tmp_path: Path) -> None:
    broken, newer = tmp_path / "broken", tmp_path / "newer"
    broken.write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    for path, words in ((broken, "cannot be read"), (newer, "expected at most")):
        for opened in (open_state, read_state):
            with pytest.raises(StateError, match=words) as told, opened(path) as state:
                state.attempts()
            assert "\n" not in str(told.value)


def test_two_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "s"

    def write(first: int) -> None:
        for number in range(first, first + 20):
            with open_state(path) as state:
                state.record_attempt(attempt(number), [], [])

    threads = [threading.Thread(target=write, args=[first]) for first in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with read_state(path) as state:
        assert len(state.attempts(limit=1000)) == 60
