"""What goes in (an export, the settings) and what comes out (leads, weekly figures)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]

ENTITIES = (
    "people",
    "inquiries",
    "touches",
    "appointments",
    "deals",
    "spend",
    "consents",
    "stage_changes",
    "assignments",
    "tasks",
    "sla_excuses",
    "agents",
)

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

DEFAULT_SLA_POLICIES: list[dict[str, str]] = [
    {
        "category": category,
        "in_hours_minutes": in_hours,
        "after_hours_minutes": after_hours,
        "next_morning_by": next_morning_by,
        "first_touch": first_touch,
        "valid_from": "",
        "valid_to": "",
    }
    for category, in_hours, after_hours, next_morning_by, first_touch in (
        ("portal", "5", "15", "", "call > sms if permitted"),
        ("website_showing", "5", "15", "", "call > voicemail > sms"),
        ("inbound_call_missed", "5", "15", "", "callback > voicemail > sms"),
        ("live_chat", "5", "15", "", "chat > call"),
        ("home_valuation", "15", "", "09:00", "sms or email > call"),
        ("open_house", "15", "", "10:00", "sms and email > call"),
        ("referral", "60", "", "10:00", "call > email"),
    )
]

DEFAULT_QUIET_HOURS: list[dict[str, str]] = [{"state": "", "starts": "21:00", "ends": "08:00"}]


@dataclass
class Export:
    """Typed rows of every entity, one current row for each id, and the seeds.

    Each row also has `_source`, `_id_space`, `_file`, `_line`.
    """

    people: list[Row] = field(default_factory=list)
    inquiries: list[Row] = field(default_factory=list)
    touches: list[Row] = field(default_factory=list)
    appointments: list[Row] = field(default_factory=list)
    deals: list[Row] = field(default_factory=list)
    spend: list[Row] = field(default_factory=list)
    consents: list[Row] = field(default_factory=list)
    stage_changes: list[Row] = field(default_factory=list)
    assignments: list[Row] = field(default_factory=list)
    tasks: list[Row] = field(default_factory=list)
    sla_excuses: list[Row] = field(default_factory=list)
    agents: list[Row] = field(default_factory=list)
    sla_policies: list[dict[str, str]] = field(default_factory=lambda: list(DEFAULT_SLA_POLICIES))
    source_categories: list[dict[str, str]] = field(default_factory=list)
    fx_rates: list[dict[str, str]] = field(default_factory=list)
    vendor_fees: list[dict[str, str]] = field(default_factory=list)
    person_links: list[dict[str, str]] = field(default_factory=list)
    quiet_hours: list[dict[str, str]] = field(default_factory=lambda: list(DEFAULT_QUIET_HOURS))
    quarantine: list[Row] = field(default_factory=list)
    """Rows that could not be read: `source`, `entity`, `file`, `line`, `reason`."""
    load_log: list[Row] = field(default_factory=list)
    """One row a file: `source`, `entity`, `file`, `rows`, `loaded`, `quarantined`, `exact_duplicates`, `superseded`."""


@dataclass(frozen=True)
class Source:
    """One `[[source]]` of the configuration."""

    name: str
    timezone: ZoneInfo
    folder: Path = Path()
    id_space: str = ""
    lead_grain: str = "episode"
    mode: str = "snapshot"
    covers_from: datetime | None = None
    calls_open_leads: bool = False


@dataclass(frozen=True)
class Hours:
    """Open intervals [open, close) in minutes since local midnight, per weekday (Monday is 0); days that are closed."""

    intervals: dict[int, list[tuple[int, int]]]
    holidays: frozenset[date] = frozenset()

    def of_day(self, day: date) -> list[tuple[int, int]]:
        """The open intervals of a local day, in order."""
        return [] if day in self.holidays else self.intervals.get(day.weekday(), [])


@dataclass(frozen=True)
class Settings:
    """The parts of leadhouse.toml that the figures depend on."""

    timezone: ZoneInfo
    country: str = "US"
    week_start: str = "monday"
    currency: str = "USD"
    hours: Hours | None = None
    """None: no hours are configured, so it is always open."""
    sources: tuple[Source, ...] = ()
    reopen_after_days: float = 30
    contact_min_seconds: float = 30
    max_shared_identifier: int = 20
    next_morning_on: str = "calendar_day"
    appointment_grace_minutes: float = 60
    default_agent_split: Decimal | None = None
    feed_above_roi: float = 2.0
    stop_below_roi: float = 0.0
    seeds_folder: Path | None = None

    @staticmethod
    def from_toml(path: str | Path) -> Settings:
        """Read a leadhouse.toml; folders are relative to it."""
        path = Path(path)
        with path.open("rb") as file:
            document = tomllib.load(file)
        brokerage = document.get("brokerage", {})
        rules = document.get("rules", {})
        economics = document.get("economics", {})
        zone = brokerage.get("timezone", "America/New_York")
        seeds = document.get("seeds", {}).get("path")
        return Settings(
            timezone=ZoneInfo(zone),
            country=brokerage.get("country", "US"),
            week_start=brokerage.get("week_start", "monday"),
            currency=brokerage.get("currency", "USD"),
            hours=hours_from(document["hours"]) if "hours" in document else None,
            sources=tuple(_source(entry, zone, path.parent) for entry in document.get("source", [])),
            reopen_after_days=rules.get("reopen_after_days", 30),
            contact_min_seconds=rules.get("contact_min_seconds", 30),
            max_shared_identifier=rules.get("max_shared_identifier", 20),
            default_agent_split=Decimal(str(economics["default_agent_split"]))
            if "default_agent_split" in economics
            else None,
            feed_above_roi=economics.get("feed_above_roi", 2.0),
            stop_below_roi=economics.get("stop_below_roi", 0.0),
            appointment_grace_minutes=rules.get("appointment_grace_minutes", 60),
            next_morning_on=rules.get("next_morning_on", "calendar_day"),
            seeds_folder=path.parent / seeds if seeds else None,
        )

    def source(self, name: str) -> Source:
        """The source of that name."""
        return next(source for source in self.sources if source.name == name)


@dataclass
class Result:
    """What `compute` gives."""

    leads: dict[str, Row]
    metric_weekly: list[Row]
    source_economics: list[Row] = field(default_factory=list)


def hours_from(table: dict[str, Any]) -> Hours:
    """The `[hours]` table: `["08:00", "20:00"]` or several such pairs a day, and `holidays`."""
    intervals: dict[int, list[tuple[int, int]]] = {}
    for number, day in enumerate(WEEKDAYS):
        pairs = table.get(day)
        if not pairs:
            continue
        if isinstance(pairs[0], str):
            pairs = [pairs]
        intervals[number] = sorted((minutes_of_day(opens), minutes_of_day(closes)) for opens, closes in pairs)
    holidays = frozenset(day if isinstance(day, date) else date.fromisoformat(day) for day in table.get("holidays", []))
    return Hours(intervals, holidays)


def minutes_of_day(text: str) -> int:
    """Minutes since midnight of `HH:MM`; `24:00` is the end of the day."""
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def _source(entry: dict[str, Any], default_zone: str, folder: Path) -> Source:
    # moments imports this module, hence the import in here
    from .moments import local_to_utc, parse_instant

    zone = ZoneInfo(entry.get("timezone", default_zone))
    covers = entry.get("covers_from")
    if isinstance(covers, datetime):
        covers = parse_instant(covers.isoformat(), zone)
    elif isinstance(covers, date):
        covers = local_to_utc(datetime.combine(covers, time()), zone)
    elif covers is not None:
        covers = parse_instant(covers, zone)
    return Source(
        name=entry["name"],
        timezone=zone,
        folder=folder / entry.get("path", ""),
        id_space=entry.get("id_space", entry["name"]),
        lead_grain=entry.get("lead_grain", "episode"),
        mode=entry.get("mode", "snapshot"),
        covers_from=covers,
        calls_open_leads=bool(entry.get("calls_open_leads", False)),
    )
