"""Plain words under the figures: what was left out, and how far the data can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

from dashboards.components.formats import (
    EXCLUSION_NAMES,
    PERIOD_NAMES,
    SLA_NAMES,
    count,
    day,
    duration,
    period_span,
    share,
    words,
)
from dashboards.queries import Row, Scope


def summary(now: Mapping[str, Row]) -> str:
    """The week in two sentences."""
    parts = []
    median, contact, never = (
        now.get(name) for name in ("response_minutes_median", "contact_rate_48h", "never_answered_rate")
    )
    if median and median["denominator"]:
        leads = f"**{count(median['denominator'])}** new lead{'s' if median['denominator'] != 1 else ''}"
        if median["value"] is None:
            parts.append(f"Of {leads}, more than half are still waiting to hear from a person.")
        else:
            parts.append(f"Half of {leads} heard from a person within **{duration(median['value'])}**.")
    if contact and contact["value"] is not None:
        parts.append(f"**{share(contact['value'])}** had a real conversation with one within 48 hours.")
    if never and never["numerator"]:
        parts.append(f"**{count(never['numerator'])}** have not been answered to this day.")
    return " ".join(parts)


def nothing(now: Mapping[str, Row]) -> str:
    """Why there is no summary."""
    if now:
        return "No lead of this window can be judged."
    return "No lead, no inquiry and no spend in these days. Choose other weeks, or take more together."


def left_out(reasons: Mapping[str, int]) -> str:
    """The leads that no rate is about, by reason."""
    if not reasons:
        return "No lead was left out."
    total = sum(reasons.values())
    listed = ", ".join(f"{words(reason, EXCLUSION_NAMES)} ({count(leads)})" for reason, leads in reasons.items())
    return f"{count(total)} lead{'s are' if total != 1 else ' is'} left out of every rate on this page: {listed}."


def sla(statuses: Mapping[str, int]) -> str:
    """The leads that the answer-on-time figures do not judge, by reason."""
    apart = {
        name: statuses[name] for name in ("open_not_due", "excused", "not_needed", "no_policy") if statuses.get(name)
    }
    if not apart:
        return ""
    return (
        "Not judged for being on time: "
        + ", ".join(f"{words(name, SLA_NAMES)} ({count(leads)})" for name, leads in apart.items())
        + "."
    )


def trust(now: Mapping[str, Row]) -> list[str]:
    """What stands between the data and the truth, one sentence each."""
    notes = []
    median, strict = now.get("response_minutes_median"), now.get("response_minutes_median_strict")
    if median and strict and median["value"] != strict["value"]:
        other = "more than half still waiting" if strict["value"] is None else duration(strict["value"])
        notes.append(
            "The source does not tell people from machines. If every text and email sent in the first two minutes was"
            f" automatic, the median is {other} instead of {duration(median['value'])}; the truth lies between."
        )
    known, inferred = now.get("sender_known_rate"), now.get("automation_inferred_rate")
    if known and known["value"] is not None:
        line = f"For {share(known['value'])} of your calls and messages the source says who sent them"
        if known["value"] == 1:
            line = "For every call and message the source says who sent it"
        elif inferred and inferred["value"] is not None:
            line += f"; {share(inferred['value'])} were taken to be automatic by their timing or campaign"
        notes.append(line + ".")
    lag = now.get("integration_lag_seconds_median")
    if lag and lag["value"] is not None:
        notes.append(
            f"Half of the inquiries reached your system within {duration(lag['value'] / 60)}"
            f" ({count(lag['numerator'])} of {count(lag['denominator'])} have both times)."
        )
    return notes


def going_on(week: date, as_of: datetime, at_least: timedelta = timedelta(0)) -> bool:
    """Whether the week goes on, for more than so long; both are local."""
    return datetime.combine(week + timedelta(days=7), time()) - as_of > at_least


def unfinished(week: date, period: str, first_week: date, as_of: datetime) -> list[str]:
    """Where a window is not whole: it is still going on, or reaches back before the first data."""
    lines = []
    if going_on(week, as_of):
        which = "This" if period == "week" else "The last"
        lines.append(f"{which} week is not over: the figures go up to {as_of:%A} and will still change.")
    missing = (first_week - Scope(week, period).first_week).days // 7
    if missing > 0:
        lines.append(f"The data begin on {day(first_week)}: {missing} of these {PERIOD_NAMES[period]} lie before it.")
    return lines


def younger(week: date, period: str, found: Mapping[str, Row], *, running: bool) -> str:
    """The latest window, greyed, while the page shows the one before because this one is not over or too young."""
    name = f"The week of {period_span(week, period)}" if period == "week" else period_span(week, period)
    if period == "week":
        line = f"{name} is still {'running' if running else 'too early to judge'}"
    else:
        line = f"{name}: {'the last week is still running' if running else 'still too early to judge'}"
    leads, median, contact = (
        found.get(metric) for metric in ("leads_eligible", "response_minutes_median", "contact_rate_48h")
    )
    so_far = [f"{count(leads['value'])} leads"] if leads else []
    if median and median["value"] is not None:
        so_far.append(f"half answered within {duration(median['value'])}")
    if contact and contact["value"] is not None:
        so_far.append(f"{share(contact['value'])} reached within 48 hours")
    return f"{line}. So far: {', '.join(so_far)}." if so_far else f"{line}."


def thin(rows: Sequence[tuple[str, Row]], period: str) -> str:
    """A warning under a ranking that rests on few leads."""
    few = sum(row["reliability"] != "ok" for _, row in rows)
    if not few:
        return ""
    if few == len(rows):
        return "Each of these rests on fewer than 20 leads or is too early to judge: no ranking yet."
    line = f"Hollow dots ({few} of {len(rows)}) come last: fewer than 20 leads, or too early to judge."
    return line if period == "trailing_52w" else f"{line} More weeks taken together compare better."
