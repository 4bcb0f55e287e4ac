"""Section 4: due times, quiet hours, statuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .model import Hours, Settings, minutes_of_day
from .moments import at_minute, is_open, to_local
from .read import parse_day

IN_HOURS, AFTER_HOURS = "in_hours", "after_hours"


@dataclass(frozen=True)
class Due:
    """When a response is due, and in which hours the lead opened."""

    hours: str
    at: datetime | None


def hours_of(opened_at: datetime, settings: Settings) -> str:
    """The slice `hours`."""
    return IN_HOURS if is_open(opened_at, settings.hours, settings.timezone) else AFTER_HOURS


def policy_for(
    category: str, opened_at: datetime, policies: list[dict[str, str]], zone: ZoneInfo
) -> dict[str, str] | None:
    """The row in force on the local day of `opened_at`; of several the one that began last."""
    day = to_local(opened_at, zone).date()
    in_force = [
        row
        for row in policies
        if row["category"].strip() == category
        and (not _text(row, "valid_from") or parse_day(_text(row, "valid_from")) <= day)
        and (not _text(row, "valid_to") or day <= parse_day(_text(row, "valid_to")))
    ]
    return max(in_force, key=lambda row: _text(row, "valid_from"), default=None)


def due_for(
    category: str,
    opened_at: datetime,
    policies: list[dict[str, str]],
    settings: Settings,
) -> Due:
    """The due time of a lead of that category."""
    hours = hours_of(opened_at, settings)
    policy = policy_for(category, opened_at, policies, settings.timezone)
    if policy is None:
        return Due(hours, None)
    in_hours = timedelta(minutes=float(policy["in_hours_minutes"]))
    if hours == IN_HOURS:
        return Due(hours, opened_at + in_hours)
    if _text(policy, "after_hours_minutes"):
        return Due(hours, opened_at + timedelta(minutes=float(policy["after_hours_minutes"])))
    assert settings.hours is not None
    return Due(
        hours,
        _next_morning(
            opened_at,
            in_hours,
            _text(policy, "next_morning_by"),
            settings,
            settings.hours,
        ),
    )


def _next_morning(opened_at: datetime, in_hours: timedelta, by: str, settings: Settings, hours: Hours) -> datetime:
    zone = settings.timezone
    today = to_local(opened_at, zone).date()
    minutes = minutes_of_day(by)
    if at_minute(today, minutes, zone) <= opened_at:
        for opens, _ in hours.of_day(today):
            opening = at_minute(today, opens, zone)
            if opening > opened_at:
                return opening + in_hours
    # a year ahead without an open day means that no hours are left: then the calendar day has to do
    for days in range(366 if settings.next_morning_on == "open_day" else 0):
        day = today + timedelta(days=days)
        if hours.of_day(day) and at_minute(day, minutes, zone) > opened_at:
            return max(at_minute(day, minutes, zone), opened_at + in_hours)
    day = today
    while at_minute(day, minutes, zone) <= opened_at:
        day += timedelta(days=1)
    return max(at_minute(day, minutes, zone), opened_at + in_hours)


def status_of(
    due_at: datetime | None,
    first_response_at: datetime | None,
    disqualified_at: datetime | None,
    is_excused: bool,
    as_of: datetime,
) -> str | None:
    """The status at `as_of`; None without a due time."""
    if due_at is None:
        return None
    if is_excused:
        return "excused"
    if first_response_at is not None:
        return "met" if first_response_at <= due_at else "missed"
    if disqualified_at is not None and disqualified_at <= due_at:
        return "not_needed"
    return "open_overdue" if as_of > due_at else "open_not_due"


def is_quiet(moment: datetime, zone: ZoneInfo, state: str | None, rules: list[dict[str, str]]) -> bool:
    """Whether calls and texts have to rest, by the rule of the person's state or else the general one."""
    own = [row for row in rules if state and _text(row, "state").upper() == state.strip().upper()]
    general = [row for row in rules if not _text(row, "state")]
    local = to_local(moment, zone)
    since_midnight = timedelta(
        hours=local.hour,
        minutes=local.minute,
        seconds=local.second,
        microseconds=local.microsecond,
    )
    for row in own or general:
        starts = timedelta(minutes=minutes_of_day(row["starts"]))
        ends = timedelta(minutes=minutes_of_day(row["ends"]))
        inside = (
            starts <= since_midnight < ends if starts <= ends else since_midnight >= starts or since_midnight < ends
        )
        if inside:
            return True
    return False


def zone_of(name: str | None, default: ZoneInfo) -> ZoneInfo:
    """The zone of that name, or the default where it is blank or unknown."""
    if not name:
        return default
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return default


def _text(row: dict[str, str], column: str) -> str:
    return (row.get(column) or "").strip()
