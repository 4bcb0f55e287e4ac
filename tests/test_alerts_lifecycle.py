"""The life of an alert, told by what its reader knows: a state machine against a model that only reads the messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dagster_project.alerts.lifecycle import MAX_OFFENDERS, Change, Trouble, review
from dagster_project.state import Alert, Mute

START = datetime(2026, 11, 25, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
REMIND = 24 * HOUR
KEYS = [("few_rows", "files"), ("few_rows", "touches"), ("build_failed", "build")]
NEWS = ("opened", "returned", "worsened", "reminder")


def trouble(key: tuple[str, str] = KEYS[0], severity: str = "warning", offenders: tuple[str, ...] = ()) -> Trouble:
    return Trouble(*key, severity, "ops", "title", "observed", "expected", "do", offenders)


class House:
    """Alerts kept as the state keeps them, and every message that went out."""

    def __init__(self) -> None:
        self.now = START
        self.alerts: dict[int, Alert] = {}
        self.mutes: dict[tuple[str, str], Mute] = {}
        self.told: list[tuple[datetime, Change]] = []

    def open(self) -> dict[tuple[str, str], Alert]:
        found = [alert for alert in self.alerts.values() if alert.cleared_at is None]
        keys = {(alert.check_name, alert.subject): alert for alert in found}
        assert len(keys) == len(found), "two open alerts for one key"
        return keys

    def attempt(self, *troubles: Trouble, judged: bool = True) -> list[Change]:
        changes = review(
            list(self.open().values()),
            sorted(
                (alert for alert in self.alerts.values() if alert.cleared_at is not None),
                key=lambda alert: (alert.cleared_at, alert.alert_id),
                reverse=True,
            ),
            troubles,
            is_judged=lambda _: judged,
            mutes=[mute for mute in self.mutes.values() if mute.until > self.now],
            now=self.now,
            remind_after=REMIND,
        )
        saved = []
        for change in changes:
            alert = replace(change.alert, alert_id=change.alert.alert_id or len(self.alerts) + 1)
            self.alerts[alert.alert_id] = alert
            saved.append(replace(change, alert=alert))
        self.told += [(self.now, change) for change in saved if change.is_told]
        return saved

    def kinds(self, *troubles: Trouble, judged: bool = True) -> list[tuple[str, bool]]:
        return [(change.kind, change.is_told) for change in self.attempt(*troubles, judged=judged)]

    def ack(self, key: tuple[str, str] = KEYS[0]) -> None:
        alert = self.open()[key]
        self.alerts[alert.alert_id] = replace(alert, acknowledged_at=self.now, acknowledged_by="olga", note="known")

    def mute(self, hours: float, severity: str = "warning", key: tuple[str, str] = KEYS[0]) -> None:
        self.mutes[key] = Mute(*key, self.now + hours * HOUR, "olga", "known", self.now, severity)

    def later(self, hours: float) -> House:
        self.now += hours * HOUR
        return self


@pytest.fixture
def house() -> House:
    return House()


def test_from_the_first_sight_to_the_all_clear(house: House) -> None:
    assert house.kinds(trouble()) == [("opened", True)]
    assert house.later(1).kinds(trouble()) == [("still", False)]
    (alert,) = house.open().values()
    assert (alert.seen, alert.opened_at, alert.last_seen_at) == (2, START, START + HOUR)
    assert house.later(1).kinds() == [("cleared", True)]
    assert house.later(1).kinds() == []


def test_an_attempt_that_did_not_look_changes_nothing(house: House) -> None:
    house.attempt(trouble())
    (before,) = house.open().values()
    assert house.later(1).kinds(judged=False) == [("still", False)]
    assert list(house.open().values()) == [before]


@pytest.mark.parametrize(
    ("now", "is_worse"),
    [
        (trouble(severity="critical", offenders=("a", "b")), True),
        (trouble(offenders=("a", "b", "c")), True),
        (trouble(offenders=("c",)), True),
        (trouble(offenders=("a",)), False),
        (trouble(offenders=()), False),
        (replace(trouble(offenders=("a", "b")), observed="other words"), False),
    ],
)
def test_only_what_got_worse_voids_an_acknowledgement(house: House, now: Trouble, is_worse: bool) -> None:
    house.attempt(trouble(offenders=("a", "b")))
    house.ack()
    assert house.later(1).kinds(now) == [("worsened", True) if is_worse else ("still", False)]
    (alert,) = house.open().values()
    assert (alert.acknowledged_at is None) == is_worse
    assert alert.observed == now.observed


def test_a_full_list_of_offenders_tells_nothing_new(house: House) -> None:
    house.attempt(trouble(offenders=tuple(f"week {n}" for n in range(MAX_OFFENDERS))))
    assert house.later(1).kinds(trouble(offenders=("another",))) == [("still", False)]


def test_the_worst_severity_stays_until_it_is_mended(house: House) -> None:
    house.attempt(trouble(severity="critical"))
    house.later(1).attempt(trouble())
    assert [alert.severity for alert in house.open().values()] == ["critical"]
    assert house.later(1).attempt()[0].alert.severity == "critical"  # whoever was told hears the all-clear


def test_reminders_come_once_a_day_until_somebody_looks_after_it(house: House) -> None:
    house.attempt(trouble())
    told = [house.later(8).kinds(trouble()) == [("reminder", True)] for _ in range(9)]
    assert told == [False, False, True] * 3
    house.ack()
    assert house.later(48).kinds(trouble()) == [("still", False)]


def test_a_mute_holds_until_it_expires(house: House) -> None:
    house.mute(5)
    assert house.kinds(trouble()) == [("opened", False)]
    assert house.later(4).kinds(trouble()) == [("still", False)]
    assert house.later(1).kinds(trouble()) == [("opened", True)]
    assert house.later(1).kinds(trouble()) == [("still", False)]


def test_what_nobody_heard_of_is_mended_in_silence(house: House) -> None:
    house.mute(5)
    house.attempt(trouble())
    assert house.later(1).kinds() == [("cleared", False)]


def test_the_all_clear_is_told_through_a_mute(house: House) -> None:
    house.attempt(trouble())
    house.mute(5)
    assert house.later(1).kinds() == [("cleared", True)]


def test_a_mute_made_for_a_warning_does_not_silence_a_critical_trouble(house: House) -> None:
    house.attempt(trouble())
    house.mute(50)
    assert house.later(1).kinds(trouble(severity="critical")) == [("worsened", True)]
    house.mute(50, "critical")
    assert house.later(25).kinds(trouble(severity="critical")) == [("still", False)]


def test_flapping_tells_four_messages(house: House) -> None:
    house.attempt(trouble())
    for _ in range(8):
        house.later(0.2).attempt()
        house.later(0.2).attempt(trouble())
    assert [change.kind for _, change in house.told] == ["opened", "cleared", "returned"]
    house.later(0.9).attempt()
    assert len(house.told) == 3
    house.later(0.1).attempt()
    assert [change.kind for _, change in house.told][3:] == ["cleared"]
    assert len({change.alert.alert_id for _, change in house.told}) == 1
    assert house.later(1).kinds(trouble()) == [("opened", True)]  # an hour later it is another trouble
    assert len(house.alerts) == 2


def test_what_came_back_under_a_mute_is_told_when_that_ends(house: House) -> None:
    house.attempt(trouble())
    house.later(0.2).attempt()
    house.mute(5)
    assert house.later(0.2).kinds(trouble()) == [("returned", False)]
    assert house.later(4).kinds(trouble()) == [("still", False)]
    assert house.later(2).kinds(trouble()) == [("returned", True)]


def test_one_key_twice_in_one_attempt_is_one_alert(house: House) -> None:
    twice = [trouble(offenders=("a",)), trouble(severity="critical", offenders=("b",)), trouble()]
    (change,) = house.attempt(*twice)
    assert (change.alert.severity, change.alert.offenders) == ("critical", ("a", "b"))
    assert change.alert.observed == "observed; and 2 more"


class Life(RuleBasedStateMachine):
    """Anything that attempts, people and the clock can do. The model knows only what was seen and what was told."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.believed: dict[tuple[str, str], bool] = dict.fromkeys(KEYS, False)
        """What somebody who reads every message thinks is open."""
        self.last_told: dict[tuple[str, str], datetime] = {}

    @rule(hours=st.sampled_from([0.1, 0.5, 1, 5, 24]))
    def wait(self, hours: float) -> None:
        self.house.later(hours)

    @rule(
        wrong=st.dictionaries(
            st.sampled_from(KEYS),
            st.tuples(st.sampled_from(["warning", "critical"]), st.lists(st.sampled_from("abc"), unique=True)),
        ),
        judged=st.booleans(),
    )
    def attempt(self, wrong: dict[tuple[str, str], tuple[str, list[str]]], judged: bool) -> None:
        house, now = self.house, self.house.now
        before = house.open()
        troubles = [trouble(key, severity, tuple(names)) for key, (severity, names) in wrong.items()]
        told = {(c.alert.check_name, c.alert.subject): c for c in house.attempt(*troubles, judged=judged) if c.is_told}
        after = house.open()
        for key in KEYS:
            kind = told[key].kind if key in told else None
            mute = house.mutes.get(key)
            is_muted = mute is not None and mute.until > now
            if kind in ("opened", "returned"):
                assert not self.believed[key], "told twice"
            elif kind in ("reminder", "cleared"):
                assert self.believed[key], "of this nobody had heard"
            if kind == "reminder":
                assert now - self.last_told[key] >= REMIND
                assert before[key].acknowledged_at is None
            if kind in NEWS and is_muted and mute is not None:
                assert after[key].severity == "critical"
                assert mute.severity == "warning"
            if kind is not None:
                self.believed[key], self.last_told[key] = kind != "cleared", now
            self._compare(key, before.get(key), after.get(key), wrong.get(key), judged=judged, is_muted=is_muted)

    def _compare(
        self,
        key: tuple[str, str],
        before: Alert | None,
        after: Alert | None,
        wrong: tuple[str, list[str]] | None,
        *,
        judged: bool,
        is_muted: bool,
    ) -> None:
        if wrong is not None:
            assert after is not None
            if not is_muted and after.acknowledged_at is None:
                assert self.believed[key], "a trouble that nobody was told of"
        elif before is not None and judged and not before.returns:
            assert after is None
            assert not self.believed[key], "mended, and nobody was told"
        elif before is not None and not judged:
            assert after is not None
            assert replace(after, told_at=before.told_at) == before
        if before is not None and after is not None and before.acknowledged_at is not None:
            got_worse = wrong is not None and (
                (wrong[0] == "critical" and before.severity == "warning") or not set(wrong[1]) <= set(before.offenders)
            )
            assert (after.acknowledged_at is None) == got_worse

    @rule(key=st.sampled_from(KEYS))
    def acknowledge(self, key: tuple[str, str]) -> None:
        if key in self.house.open():
            self.house.ack(key)

    @rule(
        key=st.sampled_from(KEYS),
        hours=st.sampled_from([0.3, 2, 30]),
        severity=st.sampled_from(["warning", "critical"]),
    )
    def mute(self, key: tuple[str, str], hours: float, severity: str) -> None:
        self.house.mute(hours, severity, key)

    @rule(key=st.sampled_from(KEYS))
    def unmute(self, key: tuple[str, str]) -> None:
        self.house.mutes.pop(key, None)

    @invariant()
    def one_alert_a_key(self) -> None:
        open_ = self.house.open()
        for key in KEYS:
            assert not self.believed[key] or key in open_, "told as open, though it is not"

    def teardown(self) -> None:
        """Once all is mended for an hour, everybody knows."""
        self.house.later(1.5).attempt()
        self.house.later(1.5).attempt()
        assert self.house.open() == {}
        final = {(c.alert.check_name, c.alert.subject): c.kind for _, c in self.house.told}
        assert set(final.values()) <= {"cleared"}
        news = [c for _, c in self.house.told if c.kind in ("opened", "returned")]
        clears = [c for _, c in self.house.told if c.kind == "cleared"]
        assert len(clears) >= len(news)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
