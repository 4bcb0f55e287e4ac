"""What a message says: one per channel and attempt, as plain text for mail and as short markdown for chat. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from dagster_project.alerts.lifecycle import Change, Kind
from dagster_project.config_alerts import Alerts, Channel
from dagster_project.state import Alert
from dagster_project.terminal import printable

Form = Literal["text", "markdown"]

MAX_TOLD = 20
"""Alerts a message tells whole; of more it says how many."""

_MAX_LETTERS = 300
_WORDS: dict[Kind, str] = {
    "opened": "new",
    "worsened": "got worse",
    "returned": "came back",
    "reminder": "still open",
    "cleared": "mended",
    "still": "open",
}
_ORDER: tuple[Kind, ...] = ("opened", "worsened", "returned", "reminder", "cleared")
_INERT = str.maketrans(
    {"*": "∗", "`": "'", "~": "∼", "<": "‹", ">": "›", "[": "(", "]": ")", "\\": "/", "@": "@\u200b"}
)
_SIGNS = {"critical": "🔴", "warning": "🟡", "mended": "🟢"}


@dataclass(frozen=True)
class Message:
    """A subject line and a body."""

    subject: str
    body: str


@dataclass(frozen=True)
class Setting:
    """What all messages of an attempt share: the brokerage, its zone, a line of what is served, the dashboard."""

    brokerage: str
    zone: ZoneInfo
    headline: str = ""
    dashboard: str | None = None

    def moment(self, moment: datetime) -> str:
        """A moment in the brokerage's own time."""
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def link(self, alert: Alert) -> str | None:
        """The dashboard's page of an alert, or None where no dashboard is configured."""
        return f"{self.dashboard.rstrip('/')}/loaded?alert={alert.alert_id}" if self.dashboard else None


def wanted(changes: Iterable[Change], alerts: Alerts, channel: Channel) -> list[Change]:
    """What a channel is told, by owner and severity."""
    least = channel.min_severity or alerts.min_severity
    return [
        change
        for change in changes
        if change.is_told
        and (not channel.owners or change.alert.owner in channel.owners)
        and (least == "warning" or change.alert.severity == "critical")
    ]


def subject_of(changes: Sequence[Change], brokerage: str) -> str:
    """`[Leadhouse · Harbor & Main] 1 critical, 2 warnings`."""
    return f"[Leadhouse · {printable(brokerage)}] {summary(changes)}"


def summary(changes: Sequence[Change]) -> str:
    """`1 critical, 2 warnings, 1 mended`; what is only said again is told as still open."""
    news = [change for change in changes if change.kind not in ("reminder", "cleared")]
    again = [change for change in changes if change.kind == "reminder"]
    mended = len(changes) - len(news) - len(again)
    parts = _severities(news)
    parts += [f"still open: {part}" for part in [", ".join(_severities(again))] if part]
    if mended:
        parts.append(f"{mended} mended" if parts else f"all clear: {mended} mended")
    return ", ".join(parts)


def _severities(changes: Iterable[Change]) -> list[str]:
    counts = Counter(change.alert.severity for change in changes)
    words = {"critical": "critical", "warning": "warning" if counts["warning"] == 1 else "warnings"}
    return [f"{counts[severity]} {word}" for severity, word in words.items() if counts[severity]]


def compose(changes: Sequence[Change], setting: Setting, form: Form) -> Message:
    """The message of a channel's changes (at least one), new and critical ones first."""
    shown = sorted(changes, key=lambda item: (_ORDER.index(item.kind), item.alert.severity != "critical"))[:MAX_TOLD]
    parts = [setting.headline if form == "text" else _escaped(setting.headline)] if setting.headline else []
    write = _text if form == "text" else _markdown
    parts += [write(change, setting) for change in shown]
    if len(changes) > len(shown):
        parts.append(f"and {len(changes) - len(shown)} more: leadhouse alerts")
    return Message(subject_of(changes, setting.brokerage), "\n\n".join(parts))


def _short(text: str) -> str:
    clean = printable(text)
    return clean if len(clean) <= _MAX_LETTERS else f"{clean[: _MAX_LETTERS - 1]}…"


def _text(change: Change, setting: Setting) -> str:
    alert = change.alert
    if change.kind == "cleared":
        return (
            f"MENDED: {_short(alert.title)} ({_short(alert.subject)}), open since {setting.moment(alert.opened_at)}\n"
            f"  alert     {alert.alert_id}, {printable(alert.owner)}"
        )
    lines = {
        "where": alert.subject,
        "found": alert.observed,
        "expected": alert.expected,
        "affected": ", ".join(alert.offenders),
        "to do": alert.what_to_do,
        "owner": alert.owner,
        "since": setting.moment(alert.opened_at),
        "alert": f"{alert.alert_id}, {setting.link(alert) or f'leadhouse alerts show {alert.alert_id}'}",
    }
    if alert.check_name == "build_failed":
        del lines["affected"]
    head = f"{alert.severity.upper()}: {_short(alert.title)} ({_WORDS[change.kind]})"
    return "\n".join([head, *(f"  {name:<9} {_short(value)}" for name, value in lines.items() if value)])


def _markdown(change: Change, setting: Setting) -> str:
    alert, link = change.alert, setting.link(change.alert)
    details = f"[alert {alert.alert_id}]({link})" if link else f"alert {alert.alert_id}"
    sign = _SIGNS["mended" if change.kind == "cleared" else alert.severity]
    head = f"{sign} **{_escaped(alert.title)}** · {_escaped(alert.subject)} · {_WORDS[change.kind]}"
    if change.kind == "cleared":
        return f"{head} · {details}"
    return "\n".join(
        [
            head,
            f"found {_escaped(alert.observed)}; expected {_escaped(alert.expected)}",
            f"→ {_escaped(alert.what_to_do)} · {_escaped(alert.owner)} · {details}",
        ]
    )


def _escaped(text: str) -> str:
    """A text that is no markup, links nowhere and calls nobody: names of files and columns are somebody else's.

    By letters that look alike, since chats do not agree on how to escape.
    """
    return _short(text).translate(_INERT)
