"""`leadhouse alerts`: what is open is listed, shown, acknowledged and muted, by whom and until when."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from dagster_project.cli import app
from dagster_project.errors import ConfigError, CriticalProblem
from dagster_project.state import OffendingRow, open_state, read_state
from tests.alerts_kit import WHOLE, attempt, endpoint, finding
from tests.ingest_kit import SOURCE, Kit


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    """A brokerage with two open alerts: 1 a warning, 2 critical."""
    made = Kit(tmp_path)
    attempt(made, finding(subject="crm/\x1b[31mcalls.csv"), WHOLE)
    attempt(made, finding(subject="crm/\x1b[31mcalls.csv"), finding("shares", "figures", severity="critical"), WHOLE)
    return made


def run(kit: Kit, *arguments: str, env: dict[str, str] | None = None) -> Result:
    config = str(kit.config.file)
    return CliRunner().invoke(app, ["alerts", *arguments, "--config", config], env={"COLUMNS": "200", **(env or {})})


def refused(kit: Kit, *arguments: str) -> str:
    result = run(kit, *arguments)
    assert isinstance(result.exception, ConfigError), result.output
    return str(result.exception)


def listed(kit: Kit, *options: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run(kit, "list", "--format", "json", *options).output)
    return found


def test_what_is_open_is_listed_critical_first(kit: Kit) -> None:
    lines = run(kit).output.splitlines()
    assert [line.split()[:2] for line in lines] == [["id", "severity"], ["2", "critical"], ["1", "warning"]]
    assert "\x1b" not in "".join(lines)
    assert [alert["alert_id"] for alert in listed(kit)] == [2, 1]
    attempt(kit, finding("shares", "figures", severity="critical"), WHOLE)
    assert [alert["alert_id"] for alert in listed(kit)] == [2]
    assert [alert["alert_id"] for alert in listed(kit, "--all")] == [2, 1]
    assert "mended" in run(kit, "--all").output
    attempt(kit, WHOLE)
    assert run(kit).output == "no alert is open\n"
    assert "table or json" in refused(kit, "list", "--format", "xml")


def test_an_acknowledgement_is_kept_with_name_and_note(kit: Kit) -> None:
    done = run(kit, "ack", "1", "--note", "asked the vendor", "--by", "olga")
    assert done.output == "alert 1 (few rows) is acknowledged by olga\n"
    assert "acknowledged by olga" in run(kit).output
    assert "note      asked the vendor" in run(kit, "show", "1").output
    run(kit, "ack", "2", "--note", "me", env={"LOGNAME": "nina"})
    assert {alert["alert_id"]: alert["acknowledged_by"] for alert in listed(kit)} == {1: "olga", 2: "nina"}
    assert "found no such alert" in refused(kit, "ack", "9", "--note", "x")
    assert "expected your name" in refused(kit, "ack", "1", "--note", "x", "--by", " ")
    attempt(kit, WHOLE)
    assert "found an alert that is mended" in refused(kit, "ack", "1", "--note", "x")


@pytest.mark.parametrize(
    ("option", "value", "hours"),
    [("--for", "12h", 12), ("--for", "3d", 72), ("--for", "2w", 336), ("--for", "90d", 2160)],
)
def test_a_mute_has_an_end(kit: Kit, option: str, value: str, hours: int) -> None:
    assert "is muted until" in run(kit, "mute", "1", option, value, "--reason", "known", "--by", "olga").output
    with read_state(kit.config.state_path) as state:
        (mute,) = state.mutes(datetime.now(UTC))
    assert abs(mute.until - datetime.now(UTC) - timedelta(hours=hours)) < timedelta(minutes=5)
    assert (mute.muted_by, mute.reason, mute.severity) == ("olga", "known", "warning")


def test_a_mute_until_a_day_ends_when_that_begins_here(kit: Kit) -> None:
    day = datetime.now(kit.config.zone).date() + timedelta(days=2)
    run(kit, "mute", "2", "--until", day.isoformat(), "--reason", "known")
    with read_state(kit.config.state_path) as state:
        (mute,) = state.mutes(datetime.now(UTC))
    assert f"{mute.until.astimezone(kit.config.zone):%Y-%m-%d %H:%M}" == f"{day} 00:00"
    assert mute.severity == "critical"
    assert "muted until" in run(kit).output
    assert listed(kit)[0]["mute"] is not None
    assert "no longer muted" in run(kit, "unmute", "2").output
    assert listed(kit)[0]["mute"] is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "either --for 3d or --until"),
        (("--for", "3d", "--until", "2026-12-01"), "either --for 3d or --until"),
        (("--for", "3 days"), 'found "3 days", expected a time such as 12h, 3d or 2w'),
        (("--for", "91d"), "at most 90 days from now"),
        (("--for", "9999w"), "at most 90 days from now"),
        (("--for", "0d"), "an end that is to come"),
        (("--until", "2020-01-01"), "an end that is to come"),
        (("--until", "9999-12-31"), "at most 90 days from now"),
        (("--until", "0001-01-01"), "an end that is to come"),
        (("--until", "monday"), 'found "monday", expected a day such as 2026-12-01'),
    ],
)
def test_no_mute_is_for_ever(kit: Kit, options: tuple[str, ...], words: str) -> None:
    assert words in refused(kit, "mute", "1", *options, "--reason", "known")


def test_one_alert_whole_with_rows_and_history(kit: Kit) -> None:
    with open_state(kit.config.state_path) as state:
        (latest,) = state.attempts(limit=1)
        place = ("few_rows", "crm/\x1b[31mcalls.csv", "crm", "touches", "calls.csv")
        rows = [OffendingRow(*place, n, f"q{n}", "unreadable_value") for n in range(1, 61)]
        state.record_attempt(latest, state.results(latest.build_id), rows)
    told = run(kit, "show", "1").output
    assert "alert 1: few rows" in told
    assert "to do     mend the file" in told
    assert "crm/calls.csv, line 7  touches  q7  unreadable_value" in told
    assert "and 10 more" in told
    assert "\x1b" not in told
    assert [line.split()[2:4] for line in told.partition("attempts:\n")[2].splitlines()[:1]] == [["failed", "12"]]


def test_channels_are_tried(kit: Kit) -> None:
    with endpoint() as inbox:
        channel = f'[[alerts.channel]]\nurl = "json://127.0.0.1:{inbox.port}"\nname = "desk"\n'
        kit.toml = f"{SOURCE}\n[alerts]\n{channel}"
        assert "desk: dry run, would send" in run(kit, "test").output
        assert inbox.calls == 0
        kit.toml = f"{SOURCE}\n[alerts]\nsend = true\n{channel}"
        assert run(kit, "test", "--channel", "desk").output.startswith("desk: sent")
        assert [post["title"] for post in inbox.posts] == ["[Leadhouse · Harbor] test"]
        assert "found slack, expected one of: desk" in refused(kit, "test", "--channel", "slack")
        inbox.answer = 500
        failed = run(kit, "test")
        assert isinstance(failed.exception, CriticalProblem)
        assert "desk did not take the message" in str(failed.exception)
    kit.toml = SOURCE
    assert "no channel is configured" in refused(kit, "test")


def test_the_clock_is_checked_without_a_build(kit: Kit) -> None:
    kit.config.last_build_path.unlink()
    assert run(kit, "check").exit_code == 0
    assert {alert["check_name"] for alert in listed(kit)} == {"few_rows", "shares", "no_build"}


def test_a_damaged_state_is_told_in_one_line(kit: Kit) -> None:
    kit.config.state_path.write_bytes(b"no database" * 1000)
    for call in (("list",), ("ack", "1", "--note", "x"), ("show", "1")):
        result = run(kit, *call)
        assert isinstance(result.exception, CriticalProblem)
        assert "the next build begins a new one" in str(result.exception)
