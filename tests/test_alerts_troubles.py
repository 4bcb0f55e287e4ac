"""What counts as wrong, and what an attempt could have seen: judged on what it left, not on what it hoped."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dagster_project.alerts import conclude as concluding
from dagster_project.alerts.conclude import check
from dagster_project.alerts.lifecycle import Trouble
from dagster_project.alerts.seen import SourceSeen, earlier_counts, read_served, read_working, receipt_days
from dagster_project.alerts.troubles import (
    Judgement,
    growing_quarantine,
    missing_build,
    silent_sources,
    usual_gap,
)
from dagster_project.assets.ingest import _SOURCES_NOW
from dagster_project.errors import CriticalProblem, StaleSources
from dagster_project.state import Alert, OffendingRow, read_state
from dagster_project.warehouse.checks import CheckResult, record_checks, record_dbt_tests, start_checks
from dagster_project.warehouse.published import keep_history, publish
from tests.alerts_kit import WHOLE, attempt, finding
from tests.ingest_kit import CLOCK, SOURCE, Kit

NOW = datetime(2026, 11, 25, 13, 30, tzinfo=UTC)
HEADER = "inquiry_id,event_at"


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


def alert(name: str, subject: str) -> Alert:
    return Alert(1, name, subject, "warning", "ops", "t", "o", "e", "w", (), NOW, NOW, 1)


def names(kit: Kit) -> dict[str, Alert]:
    with read_state(kit.config.state_path) as state:
        return {item.check_name: item for item in state.alerts()}


def serve(kit: Kit, *results: dict[str, Any], built_at: datetime = NOW, build_id: str = "b1") -> None:
    """Publish what is in the working database, with these results of checks."""
    with kit.working() as connection:
        start_checks(connection)
        record_checks(connection, [CheckResult(**{"checked_at": built_at, **item}) for item in results])
        connection.execute(_SOURCES_NOW)
        connection.execute("CREATE SCHEMA IF NOT EXISTS marts")
    row = {"build_id": build_id, "built_at": built_at, "as_of": NOW, "as_of_origin": "data"}
    publish(kit.config.working_path, kit.config.warehouse_path, row)
    keep_history(kit.config.warehouse_path, kit.config.history_dir)


# -- the clock


@pytest.mark.parametrize(
    ("days", "gap"),
    [
        ([], None),
        ([3], None),
        ([3, 4], 1),
        ([1, 2, 3, 4, 7, 8, 9, 10, 11, 14], 3),  # no weekends
        ([1, 8, 15, 22, 29], 7),
        ([1, 2, 3, 25, 26, 27], 1),  # one outage is not usual
    ],
)
def test_the_usual_gap_between_deliveries(days: list[int], gap: int | None) -> None:
    assert usual_gap([date(2026, 10, day) for day in days]) == gap


@pytest.mark.parametrize(
    ("behind", "receipts", "is_silent"),
    [
        (4.1, 2, True),  # comes every day, three days of grace
        (3.9, 2, False),
        (400, 1, False),  # an archive, read once
        (400, 0, False),
        (-1, 2, False),
    ],
)
def test_a_source_is_silent_when_its_data_end_longer_ago_than_they_take(
    behind: float, receipts: int, is_silent: bool
) -> None:
    source = SourceSeen("crm", NOW - timedelta(days=behind), is_stale=False)
    days = {"crm": [date(2026, 11, 1 + number) for number in range(receipts)]}
    found = silent_sources([source, SourceSeen("ads", None, is_stale=False)], days, NOW, stale_after_days=3)
    assert [(item.subject, item.severity) for item in found] == ([("crm", "warning")] if is_silent else [])


def test_days_on_which_something_new_came(kit: Kit) -> None:
    kit.write("crm/inquiries.csv", HEADER, "L1,2026-11-20T09:00:00Z")
    kit.load(clock=CLOCK)
    kit.load(clock=CLOCK + timedelta(days=1))  # nothing new
    kit.write("crm/inquiries.csv", HEADER, "L1,2026-11-20T09:00:00Z", "L2,2026-11-21T09:00:00Z")
    kit.load(clock=CLOCK + timedelta(days=2))
    assert receipt_days(kit.config, "crm") == [date(2026, 11, 24), date(2026, 11, 26)]
    assert receipt_days(kit.config, "other") == []


def test_a_source_that_stopped_is_told_while_nothing_is_new(kit: Kit) -> None:
    now = datetime.now(UTC)
    for days, name in ((20, "L1"), (19, "L2")):
        kit.write("crm/inquiries.csv", HEADER, f"{name},{now - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}")
        kit.load(clock=now - timedelta(days=days - 1))
    serve(kit)
    attempt(kit, published=False, is_unchanged=True)
    stopped = names(kit)["source_stopped"]
    assert (stopped.subject, stopped.severity) == ("crm", "warning")
    assert "19.0 days ago; new data usually come within 1 day" in stopped.observed
    with read_state(kit.config.state_path) as state:
        assert state.attempts() == []  # nothing new is no attempt
    assert [change.kind for change in check(kit.config, print) if change.alert.check_name == "source_stopped"] == [
        "still"
    ]
    kit.toml += "\n[alerts]\nclock = false\n"
    attempt(kit, published=False, is_unchanged=True)
    assert names(kit) == {}


def test_a_source_with_a_configured_end_is_not_behind(kit: Kit) -> None:
    now = datetime.now(UTC)
    kit.toml = SOURCE + f'data_through = "{now - timedelta(days=20):%Y-%m-%dT%H:%M:%SZ}"\n'
    for days, name in ((22, "L1"), (21, "L2")):
        kit.write("crm/inquiries.csv", HEADER, f"{name},{now - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}")
        kit.load(clock=now - timedelta(days=days - 1))
    serve(kit)
    attempt(kit, published=False, is_unchanged=True)
    assert names(kit) == {}


def test_a_stale_source_is_one_critical_alert(kit: Kit) -> None:
    kit.write("crm/inquiries.csv", HEADER, "L1,2026-11-01T09:00:00Z")
    kit.load()
    with kit.working() as connection:
        connection.execute("UPDATE raw.sources SET is_stale = true")
    attempt(kit, problems=(StaleSources("source crm: data ends 2026-11-01 09:00 UTC, more than 3 days behind"),))
    found = names(kit)
    assert {name: item.severity for name, item in found.items()} == {"source_stopped": "critical"}
    assert "data ends 2026-11-01 09:00 UTC" in found["source_stopped"].observed
    serve(kit)  # what is served was built when it was not stale: a look at the clock mends nothing
    check(kit.config, print)
    assert "source_stopped" in names(kit)


def test_no_build_for_too_long() -> None:
    assert missing_build(NOW - timedelta(hours=36), NOW, 36) == []
    (old,) = missing_build(NOW - timedelta(hours=36, seconds=1), NOW, 36)
    (never,) = missing_build(None, NOW, 36)
    assert "2026-11-24 01:29 UTC" in old.observed
    assert "no good build yet" in never.observed


def test_a_build_that_found_nothing_new_is_a_good_build(kit: Kit) -> None:
    kit.write("crm/inquiries.csv", HEADER, "L1,2026-11-20T09:00:00Z")
    kit.load()
    serve(kit, built_at=datetime.now(UTC) - timedelta(days=9))
    assert "no_build" in {change.alert.check_name for change in check(kit.config, print)}
    attempt(kit, published=False, is_unchanged=True)
    assert "no_build" not in names(kit)
    assert check(kit.config, print) == []


# -- the quarantine

KEY = ("crm", "touches", "unreadable_value")


@pytest.mark.parametrize(
    ("now", "before", "is_grown"),
    [
        (500, [], False),  # nothing to compare with: a check judges the share
        (10, [0], True),
        (9, [0], False),
        (24, [12, 12, 400], True),  # one bad day is not usual
        (23, [12], False),
        (24, [15], False),
        (100, [100, 101], False),
    ],
)
def test_a_growing_quarantine(now: int, before: list[int], is_grown: bool) -> None:
    found = growing_quarantine({KEY: now}, [{KEY: number} if number else {} for number in before])
    assert [item.subject for item in found] == (["crm"] if is_grown else [])
    if found:
        assert found[0].observed.startswith(f"touches unreadable_value: {now} rows, usually ")
        assert found[0].offenders == ("touches unreadable_value",)


def test_the_quarantine_is_compared_with_earlier_days(kit: Kit) -> None:
    lines = ["touch_id,occurred_at,channel,direction"]
    lines += [f"T{n},2026-11-20T10:00:00Z,call,outbound" for n in range(300)]
    kit.write("crm/touches.csv", *lines)
    kit.write("crm/inquiries.csv", HEADER, "L1,2026-11-20T09:00:00Z")
    kit.load()
    serve(kit, built_at=NOW - timedelta(days=1), build_id="ab1")
    attempt(kit, published=True, started_at=NOW)
    assert names(kit) == {}
    kit.write("crm/touches.csv", *lines, *(f"X{n},soon,call,outbound" for n in range(12)))
    kit.load()
    serve(kit, built_at=NOW, build_id="ab2")
    attempt(kit, published=True, started_at=NOW)
    (grown,) = names(kit).values()
    assert (grown.check_name, grown.subject) == ("quarantine_grows", "crm")
    assert grown.observed == "touches unreadable_value: 12 rows, usually 0"
    (kit.config.history_dir / "quarantine_counts" / "20261123T000000Z-ab0.parquet").write_bytes(b"damaged")
    assert earlier_counts(kit.config, NOW, 7) == [{}]
    attempt(kit, problems=(CriticalProblem("full"),))  # did not get so far
    assert "quarantine_grows" in names(kit)


# -- what an attempt could have seen


@pytest.mark.parametrize(
    ("judgement", "seen"),
    [
        ({}, set()),
        ({"whole": True}, {"few_rows files", "unknown_column crm/a.csv", "source_unreachable crm"}),
        ({"checks": frozenset({("few_rows", "files")})}, {"few_rows files"}),
        ({"sources": frozenset({"crm"})}, {"unknown_column crm/a.csv", "source_unreachable crm"}),
        ({"sources": frozenset({"cr", "files"})}, set()),
        ({"kinds": frozenset({"no_build"})}, {"no_build build"}),
    ],
)
def test_what_a_judgement_covers(judgement: dict[str, Any], seen: set[str]) -> None:
    everything = ("few_rows files", "unknown_column crm/a.csv", "source_unreachable crm", "no_build build")
    covers = Judgement((), **judgement).covers
    assert {key for key in everything if covers(alert(*key.split()))} == seen


def test_results_of_an_earlier_attempt_are_not_this_one_s(kit: Kit) -> None:
    session = attempt(kit, finding(), WHOLE)
    seen = read_working(kit.config, session.build_id, session.started_at)
    assert {item.check_name for item in seen.results} == {"few_rows", "shares_are_shares"}
    later = read_working(kit.config, "next", session.started_at + timedelta(seconds=1))
    assert (later.results, later.rows) == ((), None)


def test_findings_of_a_load_are_kept_where_nothing_else_is(kit: Kit) -> None:
    known = {**finding("unknown_column", "crm/a.csv"), "checked_at": NOW}
    attempt(kit, problems=(CriticalProblem("full"),), arrivals=[CheckResult(**known)])
    assert set(names(kit)) == {"unknown_column", "build_failed"}


def test_what_is_served_speaks_for_an_attempt_that_found_nothing_new(kit: Kit) -> None:
    kit.write("crm/inquiries.csv", HEADER, "L1,2026-11-20T09:00:00Z")
    kit.load()
    serve(kit, finding("senders", "touches"), WHOLE)
    attempt(kit, finding(severity="critical"), problems=(CriticalProblem("check few_rows on files: found it"),))
    assert set(names(kit)) == {"few_rows"}
    attempt(kit, published=False, is_unchanged=True)  # the files are again those that are served
    assert set(names(kit)) == {"senders"}
    assert {item.check_name for item in read_served(kit.config.warehouse_path).results} == {
        "senders",
        "shares_are_shares",
    }


def test_offenders_and_rows_are_read_where_they_are_kept(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Working databases of this version have them; published files of older ones do not."""
    made = concluding._look

    def with_more(session: Any) -> Any:
        with kit.working() as connection:
            connection.execute("ALTER TABLE quality.check_results ADD COLUMN IF NOT EXISTS offenders VARCHAR[]")
            connection.execute("UPDATE quality.check_results SET offenders = ['crm/a.csv'] WHERE status = 'failed'")
            connection.execute(
                "CREATE OR REPLACE TABLE quality.check_rows (check_name VARCHAR, subject VARCHAR, source VARCHAR,"
                " entity VARCHAR, file VARCHAR, line BIGINT, row_id VARCHAR, note VARCHAR)"
            )
            row = ["few_rows", "files", "crm", "touches", "a.csv", 7, "q1", "unreadable_value"]
            connection.execute("INSERT INTO quality.check_rows VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        return made(session)

    monkeypatch.setattr(concluding, "_look", with_more)
    attempt(kit, finding(), WHOLE)
    assert names(kit)["few_rows"].offenders == ("crm/a.csv",)
    expected = [OffendingRow("few_rows", "files", "crm", "touches", "a.csv", 7, "q1", "unreadable_value")]
    monkeypatch.undo()
    attempt(kit, problems=(CriticalProblem("full"),))  # came to no checks: the rows stay
    with read_state(kit.config.state_path) as state:
        assert state.rows("few_rows", "files") == expected


def test_a_dbt_test_that_was_skipped_has_not_passed(kit: Kit, tmp_path: Path) -> None:
    node = {
        "resource_type": "test",
        "name": "not_null_leads",
        "attached_node": "model.x.leads",
        "refs": [],
        "config": {"severity": "ERROR", "meta": {}},
        "description": "",
    }
    results = [{"unique_id": key, "status": key, "failures": 0, "message": ""} for key in ("pass", "skipped")]
    nodes = {key: {**node, "name": f"{node['name']}_{key}"} for key in ("pass", "skipped")}
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    (tmp_path / "run_results.json").write_text(json.dumps({"results": results}))
    with kit.working() as connection:
        start_checks(connection)
        record_dbt_tests(connection, tmp_path, NOW)
        rows = connection.execute("SELECT check_name, status FROM quality.check_results").fetchall()
    assert rows == [("not_null_leads_pass", "passed")]


def test_a_trouble_is_what_an_alert_is_made_of() -> None:
    fields = Trouble.__dataclass_fields__.keys()
    assert fields <= Alert.__dataclass_fields__.keys()
