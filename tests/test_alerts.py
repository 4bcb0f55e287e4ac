"""Alerts from the end of an attempt to the inbox of whoever looks after it; real messages, sent by Apprise."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dagster_project.alerts import conclude as concluding
from dagster_project.alerts import send as sending
from dagster_project.alerts.conclude import check, conclude
from dagster_project.alerts.lifecycle import Change
from dagster_project.alerts.message import Setting, compose
from dagster_project.config import load_config
from dagster_project.config_alerts import Channel
from dagster_project.errors import ConfigError, CriticalProblem, SourceUnreachable
from dagster_project.session import BuildOptions, Session
from dagster_project.state import Alert, Delivery, open_state, read_state
from tests.alerts_kit import WHOLE, Inbox, attempt, endpoint, finding, mail_server
from tests.ingest_kit import HEAD, SOURCE, Kit

NOW = datetime(2026, 11, 25, 13, 30, tzinfo=UTC)
SECRET = "canary-5f2e-secret"


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with endpoint() as box:
        yield box


def alerting(kit: Kit, *channels: str, more: str = "send = true") -> Kit:
    """The kit with `[alerts]`; each channel is the lines of its section."""
    sections = "".join(f"\n[[alerts.channel]]\n{channel}\n" for channel in channels)
    kit.toml = f"{SOURCE}\n[alerts]\n{more}\n{sections}"
    return kit


def posting(inbox: Inbox, more: str = "") -> str:
    return f'url = "json://{SECRET}:{SECRET}@127.0.0.1:{inbox.port}/{SECRET}?retry=3"\n{more}'


def alerts(kit: Kit, *, open_only: bool = True) -> list[Alert]:
    with read_state(kit.config.state_path) as state:
        return state.alerts(open_only=open_only)


def deliveries(kit: Kit) -> list[Delivery]:
    with read_state(kit.config.state_path) as state:
        return state.deliveries()


# -- what arrives


def test_a_mail_says_what_where_found_expected_and_what_to_do(kit: Kit) -> None:
    with mail_server() as mail:
        url = f"mailto://ops:{SECRET}@localhost:{mail.port}?from=house@example.com&to=ops@example.com"
        alerting(kit, f'url = "{url}"', more='send = true\ndashboard = "https://house.example.com/"')
        attempt(kit, finding(), WHOLE)
    (message,) = mail.mails
    assert message["Subject"] == "[Leadhouse · Harbor] 1 warning"
    assert message["To"] == "ops@example.com"
    assert mail.logins == [f"\0ops\0{SECRET}"]
    assert message.get_content_type() == "text/plain"
    lines = [" ".join(line.split()) for line in message.get_content().splitlines()]
    assert "WARNING: few rows (new)" in lines
    for words in (
        "where files",
        "found 12 of 60 rows",
        "expected at most 1 %",
        "to do mend the file",
        "owner ops",
        "alert 1, https://house.example.com/loaded?alert=1",
    ):
        assert words in lines


def test_one_message_an_attempt_and_none_twice(kit: Kit, inbox: Inbox) -> None:
    alerting(kit, posting(inbox))
    attempt(kit, finding(), finding("shares", "figures", severity="critical"), WHOLE)
    assert [post["title"] for post in inbox.posts] == ["[Leadhouse · Harbor] 1 critical, 1 warning"]
    assert inbox.posts[0]["message"].index("CRITICAL") < inbox.posts[0]["message"].index("WARNING")
    attempt(kit, finding(observed="13 of 60 rows"), finding("shares", "figures", severity="critical"), WHOLE)
    assert len(inbox.posts) == 1
    attempt(kit, finding(), WHOLE)
    attempt(kit, WHOLE)
    attempt(kit, WHOLE)
    titles = [post["title"].partition("] ")[2] for post in inbox.posts]
    assert titles == ["1 critical, 1 warning", "all clear: 1 mended", "all clear: 1 mended"]
    assert "MENDED: shares (figures)" in inbox.posts[1]["message"]
    assert inbox.calls == 3


def test_channels_are_told_what_is_theirs(kit: Kit, inbox: Inbox) -> None:
    with endpoint() as pager, endpoint() as analyst:
        alerting(
            kit,
            posting(inbox, 'name = "all"'),
            posting(pager, 'name = "pager"\nmin_severity = "critical"'),
            posting(analyst, 'name = "analyst"\nowners = ["analyst"]'),
        )
        attempt(kit, finding(), finding("shares", "figures", owner="analyst"), WHOLE)
        attempt(kit, finding(severity="critical"), WHOLE)
        attempt(kit, WHOLE)
        told = [[post["title"].partition("] ")[2] for post in box.posts] for box in (inbox, pager, analyst)]
    assert told == [
        ["2 warnings", "1 critical, 1 mended", "all clear: 1 mended"],
        ["1 critical", "all clear: 1 mended"],
        ["1 warning", "all clear: 1 mended"],
    ]


def test_a_dry_run_touches_no_socket(kit: Kit, inbox: Inbox, capsys: pytest.CaptureFixture[str]) -> None:
    alerting(kit, posting(inbox, 'name = "ops"'), more="")
    attempt(kit, finding(), WHOLE)
    assert inbox.calls == 0
    (kept,) = deliveries(kit)
    assert (kept.channel, kept.status, kept.subject) == ("ops", "dry run", "[Leadhouse · Harbor] 1 warning")
    told = capsys.readouterr().err
    assert "alerts: 1 warning; leadhouse alerts lists them (dry run: nothing is sent" in told


def test_without_a_word_about_alerts_messages_are_kept_all_the_same(kit: Kit) -> None:
    attempt(kit, finding(), WHOLE)
    assert [(kept.channel, kept.status) for kept in deliveries(kit)] == [("none", "dry run")]


def test_chat_gets_markdown_that_nothing_in_a_name_can_break(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []

    class Answer:
        status_code, content, text = 200, b"ok", "ok"

    def request(_method: str, _url: str, data: str, **_: Any) -> Answer:
        sent.append({"data": data})
        return Answer()

    monkeypatch.setattr("requests.request", request)
    channel = Channel.model_validate({"url": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general"})
    name = "crm/<!channel>_*x*_[a](http://x).csv"
    words = ("few_rows", name, "critical", "ops", "few_rows", "a & b @here", "c", "do")
    nasty = Alert(7, *words, (), NOW, NOW, 1)
    assert sending.form_of(channel) == "markdown"
    setting = Setting("Harbor", ZoneInfo("America/New_York"), "", "https://house.example.com")
    message = compose([Change("opened", nasty, is_told=True)], setting, "markdown")
    assert sending.send(channel, message.subject, message.body) == ""
    (body,) = [item["data"] for item in sent]
    assert json.loads(body)["attachments"][0]["text"].splitlines() == [
        "🔴 *few_rows* · crm/‹!channel›_∗x∗_(a)(http://x).csv · new",
        "found a &amp; b @\u200bhere; expected c",
        "→ do · ops · <https://house.example.com/loaded?alert=7|alert 7>",
    ]


def test_a_message_tells_twenty_whole_and_counts_the_rest(kit: Kit, inbox: Inbox) -> None:
    alerting(kit, posting(inbox))
    attempt(kit, *(finding(f"check_{n}") for n in range(25)), WHOLE)
    message = inbox.posts[0]["message"]
    assert message.count("WARNING") == 20
    assert message.endswith("and 5 more: leadhouse alerts")


# -- channels that fail


def test_a_channel_that_fails_is_tried_again_at_the_next_attempt(
    kit: Kit, inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    alerting(kit, posting(inbox, 'name = "works"'), f'name = "broken"\nurl = "json://u:{SECRET}@127.0.0.1:{port}"')
    session = attempt(kit, finding(), WHOLE)
    assert session.exit_code == 0
    assert "warning: alerts: channel broken did not take a message" in capsys.readouterr().err
    assert {kept.channel: kept.status for kept in deliveries(kit)} == {"works": "sent", "broken": "failed"}
    with endpoint(port) as mended:
        attempt(kit, finding(), WHOLE)
        attempt(kit, finding(), WHOLE)
    assert [post["title"] for post in mended.posts] == ["[Leadhouse · Harbor] 1 warning"]
    assert len(inbox.posts) == 1
    assert {kept.status for kept in deliveries(kit)} == {"sent"}


def test_an_endpoint_that_refuses_is_asked_once(kit: Kit, inbox: Inbox) -> None:
    inbox.answer = 500
    alerting(kit, posting(inbox))  # its address asks for three retries
    attempt(kit, finding(), WHOLE)
    assert inbox.calls == 1
    assert [kept.status for kept in deliveries(kit)] == ["failed"]


def test_a_channel_that_hangs_costs_little(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "TIME_LIMIT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        alerting(kit, f'url = "json://127.0.0.1:{silent.getsockname()[1]}"')
        started = time.monotonic()
        attempt(kit, finding(), WHOLE)
        assert time.monotonic() - started < 6
    assert [kept.status for kept in deliveries(kit)] == ["failed"]


def test_a_message_that_a_kill_left_unsent_goes_with_a_later_attempt(
    kit: Kit, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerting(kit, posting(inbox))

    def killed(*_: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(concluding, "send", killed)
        with pytest.raises(KeyboardInterrupt):
            attempt(kit, finding(), WHOLE)
    attempt(kit, finding(), WHOLE)
    assert inbox.posts == []  # whoever was at it may still be
    monkeypatch.setattr("dagster_project.state._DIED_AFTER", timedelta(0))
    attempt(kit, finding(), WHOLE)
    attempt(kit, finding(), WHOLE)
    assert len(inbox.posts) == 1


# -- what an attempt that went wrong tells


def test_a_build_that_died_before_its_checks_leaves_their_alerts_alone(kit: Kit) -> None:
    attempt(kit, finding(), WHOLE)
    (before,) = alerts(kit)
    attempt(kit, problems=(CriticalProblem("the disk is full: 0 bytes left"),))
    found = {alert.check_name: alert for alert in alerts(kit)}
    assert found.keys() == {"few_rows", "build_failed"}
    assert found["few_rows"] == before
    failed = found["build_failed"]
    assert (failed.severity, failed.observed) == ("critical", "the disk is full: 0 bytes left")
    attempt(kit, WHOLE)
    assert alerts(kit) == []


def test_what_was_acknowledged_is_not_another_failure(kit: Kit) -> None:
    attempt(kit, problems=(CriticalProblem("the disk is full: 100 bytes left"),))
    with open_state(kit.config.state_path) as state:
        state.acknowledge(alerts(kit)[0].alert_id, "olga", "more disk", NOW)
    attempt(kit, problems=(CriticalProblem("the disk is full: 90 bytes left"),))
    assert alerts(kit)[0].acknowledged_by == "olga"
    attempt(kit, problems=(CriticalProblem("dbt: was killed"),))
    assert alerts(kit)[0].acknowledged_by is None


def test_a_critical_check_is_one_alert_and_not_a_failed_build_too(kit: Kit) -> None:
    line = "check shares on figures: found 1.2, expected at most 1; look"
    attempt(kit, finding("shares", "figures", layer="metrics", severity="critical"), problems=(CriticalProblem(line),))
    assert [(alert.check_name, alert.severity) for alert in alerts(kit)] == [("shares", "critical")]
    (kept,) = deliveries(kit)
    assert kept.body.startswith("Nothing is published yet.")


def test_strict_makes_a_warning_a_failed_build(kit: Kit) -> None:
    line = "check few_rows on files: found 12 of 60 rows, expected at most 1 %; mend the file"
    attempt(kit, finding(), WHOLE, problems=(CriticalProblem(line),))
    assert {alert.check_name: alert.severity for alert in alerts(kit)} == {
        "few_rows": "warning",
        "build_failed": "critical",
    }


def test_a_refused_load_names_its_file_and_is_mended_by_a_good_one(kit: Kit) -> None:
    kit.toml = SOURCE.replace('name = "crm"', 'name = "dialer"').replace('path = "crm"', 'path = "dialer"') + SOURCE
    kit.write("dialer/touches.csv", "touch_id,occurred_at,channel,direction", "T1,2026-11-20T10:00:00Z,call,outbound")
    kit.write("crm/inquiries.csv", "inquiry_id,name", "L1,Ann")
    with pytest.raises(CriticalProblem) as refused:
        kit.load()
    attempt(kit, problems=(refused.value,))  # type: ignore[arg-type]
    (alert,) = alerts(kit)
    assert (alert.check_name, alert.subject, alert.severity) == ("required_column", "crm/inquiries.csv", "critical")
    assert "event_at" in alert.observed
    kit.write("crm/inquiries.csv", "inquiry_id,event_at", "L1,2026-11-20T09:00:00Z")
    kit.load()
    attempt(kit, problems=(CriticalProblem("the disk is full"),), build_id=f"L{kit.loads}")  # read well, failed later
    assert [alert.check_name for alert in alerts(kit)] == ["build_failed"]


def test_a_source_that_is_not_there(kit: Kit) -> None:
    with pytest.raises(SourceUnreachable) as gone:
        kit.load()
    attempt(kit, problems=(gone.value,))
    (alert,) = alerts(kit)
    assert (alert.check_name, alert.subject, alert.severity) == ("source_unreachable", "crm", "critical")
    attempt(kit, problems=(CriticalProblem("something else"),))
    assert {alert.check_name for alert in alerts(kit)} == {"source_unreachable", "build_failed"}
    attempt(kit, WHOLE)
    assert alerts(kit) == []


def test_an_experiment_and_a_stop_tell_nobody(kit: Kit, tmp_path: Path) -> None:
    attempt(kit, finding(), WHOLE, options=BuildOptions(out=tmp_path / "elsewhere.duckdb"))
    assert not kit.config.state_path.exists()
    assert kit.config.last_build_path.exists()
    session = Session(kit.config)
    session.fail(CriticalProblem("stopped by SIGTERM"))
    conclude(session, is_stopped=True)
    assert alerts(kit) == []
    with read_state(kit.config.state_path) as state:
        assert [(item.status, item.messages) for item in state.attempts()] == [("failed", ("stopped by SIGTERM",))]


def test_attempts_are_kept_with_what_their_checks_found(kit: Kit) -> None:
    session = attempt(kit, finding(), WHOLE, trigger="schedule", as_of=NOW)
    with read_state(kit.config.state_path) as state:
        (kept,) = state.attempts()
        assert (kept.build_id, kept.status, kept.trigger, kept.as_of) == (
            *(session.build_id, "published", "schedule", NOW),
        )
        assert [(item.check_name, item.status) for item in state.results(session.build_id)] == [
            ("few_rows", "failed"),
            ("shares_are_shares", "passed"),
        ]
        assert [item.observed for item in state.history("few_rows", "files")] == ["12 of 60 rows"]


def test_a_run_of_a_part_of_the_assets_is_no_attempt(kit: Kit) -> None:
    attempt(kit, finding(), WHOLE)
    attempt(kit, published=False)
    with read_state(kit.config.state_path) as state:
        assert len(state.attempts()) == 1
        assert len(state.alerts()) == 1


# -- the state and the clock


def test_a_damaged_state_stops_nothing(kit: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    attempt(kit, finding(), WHOLE)
    path = kit.config.state_path
    path.write_bytes(b"no database, though it was one" * 400)
    session = attempt(kit, finding(), WHOLE)
    assert session.exit_code == 0
    assert f"warning: {path.name} is damaged; kept as {path.name}.damaged" in capsys.readouterr().err
    assert len(alerts(kit)) == 1


def test_a_state_that_cannot_be_written_stops_nothing(kit: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    kit.config.state_path.mkdir(parents=True)
    session = attempt(kit, finding(), WHOLE)
    assert session.exit_code == 0
    assert "warning: alerts could not be kept up: state.sqlite: cannot be read or written" in capsys.readouterr().err


def test_no_build_for_too_long(kit: Kit, inbox: Inbox) -> None:
    alerting(kit, posting(inbox), more="send = true\nno_build_after_hours = 36")
    said: list[str] = []
    assert [change.kind for change in check(kit.config, said.append)] == ["opened"]
    assert [post["title"].partition("] ")[2] for post in inbox.posts] == ["1 critical"]
    assert [change.kind for change in check(kit.config, said.append)] == ["still"]
    attempt(kit, WHOLE)
    assert alerts(kit) == []
    assert check(kit.config, said.append) == []
    assert len(inbox.posts) == 2


# -- secrets and the configuration


def test_addresses_are_nowhere(
    kit: Kit, inbox: Inbox, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="apprise")
    inbox.answer = 403
    alerting(kit, posting(inbox), f'url = "mailto://u:{SECRET}@127.0.0.1:9/?from=a@example.com&to=b@example.com"')
    attempt(kit, finding(), WHOLE, problems=(CriticalProblem("something"),))
    assert inbox.calls == 1
    told = capsys.readouterr()
    places = [told.out, told.err, caplog.text, repr(kit.config), kit.config.model_dump_json()]
    files = [path for path in kit.config.warehouse_path.parent.rglob("*") if path.is_file()]
    assert kit.config.state_path in files
    for text in places + [path.read_bytes().decode("latin-1") for path in files]:
        assert SECRET not in text


@pytest.mark.parametrize(
    ("lines", "key", "words"),
    [
        (f'url = "{SECRET}"', "channel[0].url", "expected an Apprise URL"),
        (f'url = ["{SECRET}"]', "channel[0].url", "expected an Apprise URL"),
        (f'url = "json://x"\nname = "json://{SECRET}"', "channel[0].name", "expected at most 40 letters"),
        ('url = "json://x"\nmin_severity = "loud"', "channel[0].min_severity", 'found "loud", expected "warning" or'),
        (f'url = "json://{SECRET}"\n[[alerts.channel]]\nurl = "json://b"', "channel[1].name", "a name of its own"),
        (f'url = "json://x"\n[alerts.channels]\nurl = "{SECRET}"', "channels", "nearest known is channel"),
    ],
)
def test_a_bad_channel_is_one_line_without_the_address(tmp_path: Path, lines: str, key: str, words: str) -> None:
    path = tmp_path / "leadhouse.toml"
    path.write_text(f"{HEAD}{SOURCE}\n[alerts]\n\n[[alerts.channel]]\n{lines}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as told:
        load_config(path, {})
    (line,) = told.value.messages
    assert line.startswith(f"leadhouse.toml: alerts.{key}: found")
    assert words in line
    assert SECRET not in line


def test_an_address_from_the_environment_is_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "leadhouse.toml"
    path.write_text(f'{HEAD}{SOURCE}\n[[alerts.channel]]\nurl = "${{ALERT_URL}}"\n', encoding="utf-8")
    for value in (SECRET, f"unknown://{SECRET}"):
        with pytest.raises(ConfigError) as told:
            sending.require_channels(load_config(path, {"ALERT_URL": value}))
        assert len(told.value.messages) == 1
        assert SECRET not in str(told.value)
    assert "ALERT_URL" in str(told.value) or "not shown" in str(told.value)


def test_sending_needs_somebody_to_send_to(tmp_path: Path) -> None:
    path = tmp_path / "leadhouse.toml"
    path.write_text(f"{HEAD}{SOURCE}\n[alerts]\nsend = true\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"alerts\.send: found true without a channel, expected at least one"):
        load_config(path, {})
