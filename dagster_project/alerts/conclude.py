"""The end of every attempt, whoever started it: its outcome, its checks and its alerts are kept, and told."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import duckdb

from dagster_project.alerts import troubles
from dagster_project.alerts.lifecycle import QUIET, Change, Trouble, review
from dagster_project.alerts.message import Setting, compose, summary, wanted
from dagster_project.alerts.seen import Seen, earlier_counts, read_served, read_working, receipt_days
from dagster_project.alerts.send import form_of, send
from dagster_project.alerts.troubles import Judgement
from dagster_project.config import Config
from dagster_project.errors import StaleSources
from dagster_project.session import Session, record_outcome
from dagster_project.sources.report import LoadRefused
from dagster_project.state import (
    Attempt,
    Delivery,
    OffendingRow,
    Result,
    State,
    StateDamagedError,
    StateError,
    open_state,
    set_aside,
)
from dagster_project.warehouse.checks import CheckResult
from dagster_project.warehouse.published import served_build

Say = Callable[[str], None]
T = TypeVar("T")

_USUAL_DAYS = 7
"""Days of publishing that say how many rows are usually set aside."""

_TRIED_FOR = timedelta(days=3)
"""A message that could not be delivered for so long is old news: the reminder tells what is still open."""


@dataclass(frozen=True)
class Kept:
    """What the state keeps of an attempt; `rows` None: those of the attempt before stay."""

    attempt: Attempt
    results: tuple[Result, ...]
    rows: tuple[OffendingRow, ...] | None


def conclude(session: Session, *, is_stopped: bool = False) -> None:
    """Keep the outcome of an attempt (`last_build.json`), its checks and its alerts, and tell what changed.

    Hold the brokerage around it. `is_stopped`: by a signal; then nothing is judged and nobody is told.
    An attempt with `--out` is an experiment, of which only the outcome is kept. Whatever goes wrong here is a warning:
    the build ends as it would have ended.
    """
    record_outcome(session)
    if session.options.out is not None:
        return
    try:
        if is_stopped:
            attempt = _attempt(session)
            _with_state(session.config, session.progress.say, lambda state: state.record_attempt(attempt, [], None))
            return
        seen = _look(session)
        judgement, kept = _judge(session, seen), _kept(session, seen)
        tell(session.config, judgement, session.progress.say, headline=_headline(session), kept=kept)
    except (StateError, OSError, duckdb.Error) as error:
        told = " ".join(str(error).split()) if isinstance(error, StateError) else type(error).__name__
        session.progress.say(f"warning: alerts could not be kept up: {told}")


def check(config: Config, say: Say) -> list[Change]:
    """Judge what the clock alone tells, without a build: a source that stopped, no build for too long.

    Reminds of what is still open and sends again what could not be delivered. Raises StateError.
    """
    now = datetime.now(UTC)
    alerts, served = config.alerts, served_build(config.warehouse_path)
    outcome = _last_outcome(config)
    found = troubles.missing_build(_last_good(outcome, served), now, alerts.no_build_after_hours)
    judged = {troubles.NO_BUILD}
    if served is not None and served.get("as_of_origin") == "data":
        found += _behind(config, read_served(config.warehouse_path), now)
        if outcome.get("status") != "failed":  # a failed attempt knows more of its sources than what is served
            judged.add(troubles.STOPPED)
    return tell(config, Judgement(tuple(found), kinds=frozenset(judged)), say)


def tell(
    config: Config, judgement: Judgement, say: Say, *, headline: str = "", kept: Kept | None = None
) -> list[Change]:
    """Bring the alerts up to a judgement and tell every channel what it wants to know, in one message each.

    A message is kept before it is sent: one that a channel does not take, or that a kill leaves unsent, goes with the
    next call. Raises StateError where the state cannot be written: then nothing is told.
    """
    now = datetime.now(UTC)
    setting = Setting(config.brokerage.name, config.zone, headline, config.alerts.dashboard)

    def note(state: State) -> tuple[list[Change], dict[int, Delivery]]:
        if kept is not None:
            state.record_attempt(kept.attempt, kept.results, kept.rows)
        changes = _reviewed(config, state, judgement, now)
        return changes, _written(config, state, changes, setting, now)

    changes, outbox = _with_state(config, say, note)
    delivered = _deliver(config, outbox, say)
    if delivered:
        _with_state(config, say, lambda state: state.settle(delivered))
    _say_summary(config, changes, say)
    return changes


def _reviewed(config: Config, state: State, judgement: Judgement, now: datetime) -> list[Change]:
    changes = review(
        state.alerts(limit=-1),
        state.cleared_since(now - QUIET),
        judgement.troubles,
        is_judged=judgement.covers,
        mutes=state.mutes(now),
        now=now,
        remind_after=timedelta(hours=config.alerts.remind_after_hours),
    )
    saved = []
    for change in changes:
        if change.alert.alert_id:
            state.save_alert(change.alert)
            saved.append(change)
        else:
            saved.append(replace(change, alert=state.open_alert(change.alert)))
    return saved


def _written(
    config: Config, state: State, changes: list[Change], setting: Setting, now: datetime
) -> dict[int, Delivery]:
    """Keep a message for each channel that wants one; returns those to be sent, with earlier ones that failed."""
    alerts = config.alerts
    if not alerts.send:
        told = [change for change in changes if change.is_told]
        asked = [(channel.label, form_of(channel), wanted(told, alerts, channel)) for channel in alerts.channels]
        for label, form, its in asked or [("none", "text", told)]:
            if its:
                message = compose(its, setting, form)
                state.record_delivery(Delivery(now, label, message.subject, message.body, "dry run"))
        return {}
    outbox = state.claim_unsent([channel.label for channel in alerts.channels], now - _TRIED_FOR, now)
    for channel in alerts.channels:
        its = wanted(changes, alerts, channel)
        if its:
            message = compose(its, setting, form_of(channel))
            delivery = Delivery(now, channel.label, message.subject, message.body, "pending")
            outbox[state.send_later(delivery)] = delivery
    return outbox


def _deliver(config: Config, outbox: dict[int, Delivery], say: Say) -> dict[int, tuple[str, str]]:
    """Send; returns status and detail by number. A channel that does not take one message is not asked again."""
    channels = {channel.label: channel for channel in config.alerts.channels}
    broken: dict[str, str] = {}
    outcomes: dict[int, tuple[str, str]] = {}
    for number, delivery in outbox.items():
        label = delivery.channel
        why = broken.get(label) or send(channels[label], delivery.subject, delivery.body)
        outcomes[number] = ("failed", why) if why else ("sent", "")
        if why and label not in broken:
            broken[label] = why
            say(f"warning: alerts: channel {label} did not take a message ({why}); tried again at the next attempt")
    return outcomes


def _say_summary(config: Config, changes: list[Change], say: Say) -> None:
    told = [change for change in changes if change.is_told]
    if told:
        how = "" if config.alerts.send else " (dry run: nothing is sent until [alerts] send = true)"
        say(f"alerts: {summary(told)}; leadhouse alerts lists them{how}")


# -- what an attempt tells


def _look(session: Session) -> Seen:
    """What the attempt left; where it found nothing new, what is served is what it would have found."""
    if session.is_unchanged:
        return read_served(session.config.warehouse_path)
    try:
        seen = read_working(session.config, session.build_id, session.started_at)
    except (OSError, duckdb.Error):  # the build has said so: its checks are unknown
        seen = Seen()
    known = {(result.check_name, result.subject) for result in seen.results}
    early = [result for result in session.arrivals if (result.check_name, result.subject) not in known]
    return replace(seen, results=(*seen.results, *(_as_result(result, session.build_id) for result in early)))


def _as_result(result: CheckResult, build_id: str) -> Result:
    values = {"offenders": (), **vars(result)}
    return Result(build_id=build_id, **(values | {"offenders": tuple(values["offenders"] or ())}))


def _judge(session: Session, seen: Seen) -> Judgement:
    config, now = session.config, datetime.now(UTC)
    is_served = session.is_published or session.is_unchanged
    # Checks of the figures are the last step before publishing: with their results every check has been made.
    is_whole = is_served or any(result.layer == "metrics" for result in seen.results)
    has_settled = is_whole or any(isinstance(problem, StaleSources) for problem in session.problems)
    refused = {problem.report.source for problem in session.problems if isinstance(problem, LoadRefused)}
    judged = {troubles.BUILD_FAILED} if is_served or (session.problems and session.options.publish) else set()
    found = [*troubles.of_checks(seen.results), *troubles.of_problems(session.problems, seen.results)]
    if not session.options.publish:  # the checks alone: no build was asked for that could fail
        found = [trouble for trouble in found if trouble.check_name != troubles.BUILD_FAILED]
    if has_settled:
        judged.add(troubles.STOPPED)
        found += troubles.stale_sources(seen.sources, is_blocking=session.options.as_of is None)
        if session.options.as_of is None:
            found += _behind(config, seen, now)
    if is_served:
        judged |= {troubles.NO_BUILD, troubles.QUARANTINE_GROWS}
        before = earlier_counts(config, session.started_at, _USUAL_DAYS)
        found += troubles.growing_quarantine(seen.quarantine or {}, before)
    return Judgement(
        troubles=tuple(found),
        whole=is_whole,
        kinds=frozenset(judged),
        checks=frozenset((result.check_name, result.subject) for result in seen.results),
        sources=seen.loaded | refused,
    )


def _behind(config: Config, seen: Seen, now: datetime) -> list[Trouble]:
    """Sources behind the clock, but those whose end is configured, and those that are told as stale."""
    if not config.alerts.clock:
        return []
    fixed = {source.name for source in config.sources if source.data_through is not None}
    sources = [source for source in seen.sources if not source.is_stale and source.name not in fixed]
    receipts = {source.name: receipt_days(config, source.name) for source in sources}
    return troubles.silent_sources(sources, receipts, now, config.rules.stale_after_days)


def _kept(session: Session, seen: Seen) -> Kept | None:
    """What is kept of the attempt: nothing where it found nothing new, or made a part of the assets only."""
    if session.is_unchanged or not (session.is_published or session.problems or seen.results):
        return None
    return Kept(_attempt(session), seen.results, seen.rows)


def _attempt(session: Session) -> Attempt:
    is_failed = bool(session.problems) and session.options.publish
    status = "published" if session.is_published else "failed" if is_failed else "checked"
    return Attempt(
        build_id=session.build_id,
        started_at=session.started_at,
        finished_at=datetime.now(UTC),
        status=status,
        trigger=session.trigger,
        as_of=session.as_of,
        messages=tuple(session.messages()),
    )


def _headline(session: Session) -> str:
    served = served_build(session.config.warehouse_path)
    figures = f"figures as of {served['as_of'].astimezone(UTC):%Y-%m-%d %H:%M} UTC" if served else "no figures"
    if session.problems and not session.is_published:
        return f"Nothing was published: {figures} are still served." if served else "Nothing is published yet."
    return f"{figures[0].upper()}{figures[1:]} are served."


def _last_outcome(config: Config) -> dict[str, Any]:
    """What `last_build.json` says; nothing where it is absent or damaged: the served file says enough."""
    try:
        return dict(json.loads(config.last_build_path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _last_good(outcome: dict[str, Any], served: dict[str, Any] | None) -> datetime | None:
    """When a build last ended without a problem, also one that found nothing new."""
    moments: list[datetime] = [served["built_at"]] if served else []
    if outcome.get("status") == "succeeded":
        with suppress(ValueError, KeyError, TypeError):
            moments.append(datetime.fromisoformat(outcome["finished_at"]))
    return max(moments, default=None)


def _with_state(config: Config, say: Say, work: Callable[[State], T]) -> T:
    """Work on the state; a damaged one is set aside and begun anew. Raises StateError, OSError."""
    try:
        with open_state(config.state_path) as state:
            return work(state)
    except StateDamagedError:
        kept = set_aside(config.state_path)
        say(
            f"warning: {config.state_path.name} is damaged; kept as {kept.name}, alerts begin anew"
            " (acknowledgements and mutes are gone; a backup holds them)"
        )
    with open_state(config.state_path) as state:
        return work(state)
