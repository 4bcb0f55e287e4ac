"""From troubles to alerts. Pure: what was open, what is wrong now and the moment decide what changes.

A trouble seen again is the same alert. It got worse when a warning became critical or a new offender appeared; that
voids its acknowledgement. An alert keeps its worst severity until it is mended. One that comes back within the hour of
its all-clear is the same alert again: that is told at once, but its next all-clear waits until it stayed away for an
hour, so that a check which flaps tells four messages and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from dagster_project.state import Alert, Mute

QUIET = timedelta(hours=1)
"""A trouble that comes back sooner has not been mended."""

MAX_OFFENDERS = 20
"""Checks name no more. From a list that is full nobody can tell which name is new."""

Kind = Literal["opened", "worsened", "returned", "reminder", "still", "cleared"]
Key = tuple[str, str]


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong now; its key is check and subject."""

    check_name: str
    subject: str
    severity: str
    owner: str
    title: str
    observed: str
    expected: str
    what_to_do: str
    offenders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """What became of one alert; `alert` is as it is now (`alert_id` 0: a new one), `is_told` whether a message goes."""

    kind: Kind
    alert: Alert
    is_told: bool


def review(
    open_alerts: Iterable[Alert],
    cleared: Iterable[Alert],
    troubles: Iterable[Trouble],
    *,
    is_judged: Callable[[Alert], bool],
    mutes: Iterable[Mute],
    now: datetime,
    remind_after: timedelta,
) -> list[Change]:
    """One change per open or new alert, those of troubles first.

    `cleared`: alerts cleared of late, the latest first. `is_judged`: whether this time could have seen the trouble of
    an open alert; where not, the alert stays as it is. `mutes`: those that have not expired.
    """
    known = {(alert.check_name, alert.subject): alert for alert in open_alerts}
    recent: dict[Key, Alert] = {}
    for gone in cleared:
        if gone.cleared_at is not None and now - gone.cleared_at < QUIET:
            recent.setdefault((gone.check_name, gone.subject), gone)
    talk = _Talk({(mute.check_name, mute.subject): mute for mute in mutes}, now, remind_after)
    changes: list[Change] = []
    for key, trouble in _merged(troubles).items():
        alert: Alert | None = known.pop(key) if key in known else recent.get(key)
        if alert is None:
            changes.append(talk.of("opened", _opened(trouble, now)))
            continue
        seen, kind = _seen(alert, trouble, now), _kind_of(alert, trouble)
        if kind == "worsened":
            seen = replace(seen, acknowledged_at=None, acknowledged_by=None, note=None)
        if alert.cleared_at is not None:
            seen, kind = replace(seen, cleared_at=None, told_at=None, returns=alert.returns + 1), "returned"
        changes.append(talk.of(kind, seen))
    for rest in known.values():
        if not is_judged(rest):
            changes.append(talk.of("still", rest))
        elif rest.returns and now - rest.last_seen_at < QUIET:
            changes.append(Change("still", rest, is_told=False))
        else:
            changes.append(Change("cleared", replace(rest, cleared_at=now), is_told=rest.told_at is not None))
    return changes


@dataclass(frozen=True)
class _Talk:
    """Whether something is said of an alert that is open."""

    mutes: dict[Key, Mute]
    now: datetime
    remind_after: timedelta

    def of(self, kind: Kind, alert: Alert) -> Change:
        spoken = kind
        if kind == "still" and alert.acknowledged_at is None:
            if alert.told_at is None:
                spoken = "returned" if alert.returns else "opened"  # it was muted so far
            elif self.now - alert.told_at >= self.remind_after:
                spoken = "reminder"
        if spoken == "still" or self._is_muted(alert):
            return Change(kind, alert, is_told=False)
        return Change(spoken, replace(alert, told_at=self.now), is_told=True)

    def _is_muted(self, alert: Alert) -> bool:
        mute = self.mutes.get((alert.check_name, alert.subject))
        return mute is not None and (alert.severity != "critical" or mute.severity == "critical")


def _merged(troubles: Iterable[Trouble]) -> dict[Key, Trouble]:
    """One trouble a key, in the order in which they came: the worst severity, all offenders, how many more."""
    found: dict[Key, list[Trouble]] = {}
    for trouble in troubles:
        found.setdefault((trouble.check_name, trouble.subject), []).append(trouble)
    merged: dict[Key, Trouble] = {}
    for key, same in found.items():
        first = next((trouble for trouble in same if trouble.severity == "critical"), same[0])
        more = f"; and {len(same) - 1} more" if len(same) > 1 else ""
        offenders = tuple(dict.fromkeys(name for trouble in same for name in trouble.offenders))[:MAX_OFFENDERS]
        merged[key] = replace(first, observed=first.observed + more, offenders=offenders)
    return merged


def _opened(trouble: Trouble, now: datetime) -> Alert:
    return Alert(alert_id=0, **vars(trouble), opened_at=now, last_seen_at=now, seen=1)


def _seen(alert: Alert, trouble: Trouble, now: datetime) -> Alert:
    severity = "critical" if "critical" in (alert.severity, trouble.severity) else trouble.severity
    return replace(alert, **(vars(trouble) | {"severity": severity}), last_seen_at=now, seen=alert.seen + 1)


def _kind_of(alert: Alert, trouble: Trouble) -> Kind:
    is_more_severe = trouble.severity == "critical" and alert.severity != "critical"
    has_new = len(alert.offenders) < MAX_OFFENDERS and not set(trouble.offenders) <= set(alert.offenders)
    return "worsened" if is_more_severe or has_new else "still"
