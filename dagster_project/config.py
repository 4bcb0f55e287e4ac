"""`leadhouse.toml`, typed: read once, checked whole, every mistake told in a line of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, PrivateAttr, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from dagster_project.config_alerts import Alerts, alert_problems, is_unshown
from dagster_project.config_table import Table, table_problems
from dagster_project.config_toml import Interpolation, read_toml, shown, unshown
from dagster_project.config_values import (
    FALSE_WORDS,
    TRUE_WORDS,
    Country,
    Loc,
    Moment,
    Number,
    Part,
    Text,
    Truth,
    Whole,
    Zone,
    asset_slug,
    expected,
    id_space_name,
    nearest,
    plain_text,
    source_name,
    whole,
)
from dagster_project.errors import ConfigError
from dagster_project.instants import to_utc

__all__ = ["FALSE_WORDS", "TRUE_WORDS", "Config", "Hours", "Source", "Table", "load_config", "nearest"]

BUILT_KINDS = ("files",)
PLANNED_KINDS = ("followupboss", "hubspot", "salesforce", "callrail", "twilio", "google_ads", "meta_ads")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Interval = tuple[int, int]
"""Minutes since local midnight, from the first up to, not including, the second."""


class Brokerage(Part):
    """`[brokerage]`: who it is, and in which zone, country and currency its numbers are."""

    name: Text = Field(description="the brokerage's name")
    timezone: Zone = Field(description="an IANA zone such as America/New_York")
    country: Country = Field("US", description="a country code such as US")
    week_start: Annotated[Literal["monday", "sunday"], BeforeValidator(plain_text)] = Field(
        "monday", description='"monday" or "sunday"'
    )
    currency: Annotated[Text, Field(pattern=r"^[A-Z]{3}$")] = Field("USD", description="a currency code such as USD")


def _clock_minutes(value: object) -> int:
    if isinstance(value, time) and not value.second and not value.microsecond:
        return value.hour * 60 + value.minute
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", value) if isinstance(value, str) else None
    minutes = int(match[1]) * 60 + int(match[2]) if match and int(match[2]) < 60 else -1
    if not 0 <= minutes <= 24 * 60:
        raise expected('times such as ["08:00", "20:00"]')
    return minutes


def _day_hours(value: object) -> tuple[Interval, ...]:
    if not isinstance(value, list):
        raise expected('["08:00", "20:00"] or a list of such pairs')
    pairs = [value] if value and not isinstance(value[0], list) else value
    intervals: list[Interval] = []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            raise expected('["08:00", "20:00"] or a list of such pairs')
        opens, closes = _clock_minutes(pair[0]), _clock_minutes(pair[1])
        if closes <= opens:
            raise expected("a closing time after the opening time (24:00 closes at midnight)")
        intervals.append((opens, closes))
    intervals.sort()
    if any(later[0] < earlier[1] for earlier, later in pairwise(intervals)):
        raise expected("intervals that do not overlap")
    return tuple(intervals)


DayHours = Annotated[tuple[Interval, ...], BeforeValidator(_day_hours)]


def _holidays(value: object) -> tuple[date, ...]:
    days: set[date] = set()
    for item in value if isinstance(value, list) else [value]:
        try:
            days.add(item if type(item) is date else date.fromisoformat(item))
        except (TypeError, ValueError):
            raise expected("a list of dates such as 2026-11-26") from None
    return tuple(sorted(days))


class Hours(Part):
    """`[hours]`: open intervals of each weekday in local minutes since midnight, `[open, close)`; and closed days."""

    mon: DayHours = Field((), description="opening hours")
    tue: DayHours = Field((), description="opening hours")
    wed: DayHours = Field((), description="opening hours")
    thu: DayHours = Field((), description="opening hours")
    fri: DayHours = Field((), description="opening hours")
    sat: DayHours = Field((), description="opening hours")
    sun: DayHours = Field((), description="opening hours")
    holidays: Annotated[tuple[date, ...], BeforeValidator(_holidays)] = Field((), description="a list of dates")

    @property
    def days(self) -> dict[str, tuple[Interval, ...]]:
        """Intervals by weekday, `mon` first."""
        return {day: getattr(self, day) for day in DAYS}


class Rules(Part):
    """`[rules]`: the thresholds that METRICS.md names, with its defaults."""

    reopen_after_days: Annotated[Whole, Field(ge=1, le=3650)] = Field(30, description="days, a whole number from 1")
    contact_min_seconds: Annotated[Whole, Field(ge=0, le=86_400)] = Field(
        30, description="seconds, a whole number from 0"
    )
    max_shared_identifier: Annotated[Whole, Field(ge=1, le=1_000_000)] = Field(
        20, description="people, a whole number from 1"
    )
    stale_after_days: Annotated[Whole, Field(ge=0, le=3650)] = Field(3, description="days, a whole number from 0")
    appointment_grace_minutes: Annotated[Whole, Field(ge=0, le=100_000)] = Field(
        60, description="minutes, a whole number from 0"
    )
    next_morning_on: Annotated[Literal["calendar_day", "open_day"], BeforeValidator(plain_text)] = Field(
        "calendar_day", description='"calendar_day" or "open_day"'
    )


class Economics(Part):
    """`[economics]`: assumptions and thresholds of source economics."""

    default_agent_split: Annotated[Number, Field(ge=0, le=1)] | None = Field(
        None, description="a share from 0 to 1, such as 0.70"
    )
    feed_above_roi: Number = Field(2.0, description="a number such as 2.0")
    stop_below_roi: Number = Field(0.0, description="a number such as 0.0")


class Retention(Part):
    """`[retention]`: how long what names people is kept. What is left out is kept for ever."""

    raw_versions_days: Annotated[Whole, Field(ge=1)] | None = Field(None, description="days, a whole number from 1")
    people_days: Annotated[Whole, Field(ge=1)] | None = Field(None, description="days, a whole number from 1")
    clients_days: Annotated[Whole, Field(ge=1)] | None = Field(None, description="days, a whole number from 1")


def _daily_at(value: object) -> int | None:
    minutes = None if value == "off" else _clock_minutes(value)
    if minutes == 24 * 60:
        raise expected('a time from "00:00" to "23:59", or "off"')
    return minutes


class Schedule(Part):
    """`[schedule]`: when `leadhouse ops` builds by itself. `daily_at`: local minutes since midnight, None for never."""

    daily_at: Annotated[int | None, BeforeValidator(_daily_at)] = Field(
        5 * 60 + 30, description='a time such as "05:30", or "off"'
    )
    overdue_every_minutes: Annotated[Literal[5, 10, 15, 20, 30, 60], BeforeValidator(whole)] | None = Field(
        None, description="one of: 5, 10, 15, 20, 30, 60"
    )
    new_files: Truth = Field(True, description="true or false")
    new_files_every_seconds: Annotated[Whole, Field(ge=5, le=3600)] = Field(
        30, description="seconds, a whole number from 5 to 3600"
    )


class Seeds(Part):
    """`[seeds]`: the folder whose files replace packaged seeds of the same name."""

    path: Text | None = Field(None, description="a folder")


class Warehouse(Part):
    """`[warehouse]`: the file that everybody reads."""

    path: Text = Field("warehouse/leadhouse.duckdb", description="the path of a .duckdb file")


class Source(Part):
    """`[[source]]`: where rows come from and how they are to be read. Paths are absolute, instants UTC."""

    name: Annotated[Text, AfterValidator(source_name)] = Field(
        description="a name of at most 60 printable characters, without / and \\, that starts with no dot"
    )
    kind: Annotated[Literal["files"], BeforeValidator(plain_text)] = Field(
        description="one of: " + ", ".join(BUILT_KINDS)
    )
    path: Path = Field(description="a folder")
    timezone: Zone = Field("", description="an IANA zone such as America/New_York")
    lead_grain: Annotated[Literal["episode", "record"], BeforeValidator(plain_text)] = Field(
        "episode", description='"episode" or "record"'
    )
    mode: Annotated[Literal["snapshot", "append"], BeforeValidator(plain_text)] = Field(
        "snapshot", description='"snapshot" or "append"'
    )
    id_space: Annotated[str, BeforeValidator(plain_text), AfterValidator(id_space_name)] = Field(
        "", description="the name of an id space: printable characters without :"
    )
    covers_from: Moment = Field(None, description="a date or instant such as 2024-01-01")
    data_through: Moment = Field(None, description="a date or instant such as 2026-11-24T00:00:00Z")
    calls_open_leads: Truth = Field(False, description="true or false")
    tables: tuple[Table, ...] = Field((), alias="table", description="[[source.table]] sections")
    _position: int = PrivateAttr(0)
    _path_from: str | None = PrivateAttr(None)

    @field_validator("path", mode="before")
    @classmethod
    def _path(cls, value: object) -> object:
        if not isinstance(value, str) or not value:
            raise PydanticCustomError("path", "a folder")
        return Path(str(value))

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def slug(self) -> str:
        """The name in letters, digits and `_` only, different for each name: `my crm` is `my_crm_` and a digest."""
        return asset_slug(self.name)

    @property
    def shown_path(self) -> str:
        """The path as a message may show it: not where it came from the environment."""
        return unshown(self._path_from) if self._path_from else shown(str(self.path))

    @property
    def position(self) -> int:
        """Place in the configuration file, from 0: where two sources share ids, the later wins."""
        return self._position


class Config(Part):
    """The whole configuration of one brokerage, checked, with resolved paths."""

    brokerage: Brokerage = Field(description="a [brokerage] section")
    hours: Hours | None = Field(None, description="an [hours] section")
    rules: Rules = Field(Rules.model_construct(), description="a [rules] section")
    economics: Economics = Field(Economics.model_construct(), description="an [economics] section")
    seeds: Seeds = Field(Seeds.model_construct(), description="a [seeds] section")
    warehouse: Warehouse = Field(Warehouse.model_construct(), description="a [warehouse] section")
    retention: Retention = Field(Retention.model_construct(), description="a [retention] section")
    schedule: Schedule = Field(Schedule.model_construct(), description="a [schedule] section")
    alerts: Alerts = Field(Alerts.model_construct(), description="an [alerts] section")
    sources: tuple[Source, ...] = Field(alias="source", min_length=1, description="at least one [[source]] section")
    _file: Path = PrivateAttr(Path("leadhouse.toml"))
    _seeds_from: str | None = PrivateAttr(None)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.brokerage.timezone)

    @property
    def file(self) -> Path:
        """The configuration file, absolute."""
        return self._file

    @property
    def root(self) -> Path:
        """The folder of the configuration file: relative paths start here."""
        return self.file.parent

    @cached_property
    def warehouse_path(self) -> Path:
        """The published file."""
        return self.root / Path(self.warehouse.path).expanduser()

    @property
    def seeds_path(self) -> Path | None:
        """The folder of the brokerage's own seeds, or None where there is none."""
        if self.seeds.path is None:
            return None
        folder = self.root / Path(self.seeds.path).expanduser()
        return folder if folder.is_dir() else None

    def _beside(self, name: str) -> Path:
        """A path beside the published file. Two brokerages in one folder differ in the file's name, and so do these."""
        stem, suffix = self.warehouse_path.stem, Path(name).suffix if not name.startswith(".") else ""
        if stem == "leadhouse":
            return self.warehouse_path.parent / name
        return self.warehouse_path.parent / f"{name.removesuffix(suffix)}-{stem}{suffix}"

    @property
    def work_dir(self) -> Path:
        return self._beside(".work")

    @property
    def working_path(self) -> Path:
        return self.work_dir / "working.duckdb"

    @property
    def lock_path(self) -> Path:
        return self.work_dir / "lock"

    @property
    def dbt_lock_path(self) -> Path:
        return self.work_dir / "dbt.lock"

    @property
    def raw_dir(self) -> Path:
        return self._beside("raw")

    @property
    def history_dir(self) -> Path:
        return self._beside("history")

    @property
    def refused_dir(self) -> Path:
        """Rows of loads that were refused, one file a source."""
        return self._beside("refused")

    @property
    def state_path(self) -> Path:
        """What people noted (acknowledgements, mutes): in the backup, as raw cannot rebuild it."""
        return self._beside("state.sqlite")

    @property
    def erasure_dir(self) -> Path:
        """Who was erased, as hashes: in the backup, so that nobody comes back with it."""
        return self._beside("erasure")

    @property
    def dagster_home(self) -> Path:
        """What Dagster keeps of its runs, schedules and sensors: no figure, nothing that is missed when it is gone."""
        return self._beside("dagster")

    @property
    def last_build_path(self) -> Path:
        return self._beside("last_build.json")

    @property
    def ours(self) -> tuple[Path, ...]:
        """Everything that builds write: no export, should it lie below a source's folder."""
        folders = (self.work_dir, self.raw_dir, self.refused_dir, self.history_dir, self.erasure_dir, self.dagster_home)
        return (*folders, self.last_build_path, self.warehouse_path, self.state_path)

    def is_open_at(self, moment: datetime) -> bool:
        """Whether an aware moment lies in the opening hours; without any it always does."""
        if self.hours is None:
            return True
        local = moment.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        opened = self.hours.days[DAYS[local.weekday()]] if local.date() not in self.hours.holidays else ()
        return any(opens <= minute < closes for opens, closes in opened)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed but probably not meant, one line each."""
        lines = []
        if self.hours is None:
            lines.append(f"{self.file.name}: hours: found no [hours], taken as always open")
        if self.seeds.path is not None and self.seeds_path is None:
            path = unshown(self._seeds_from) if self._seeds_from else shown(self.seeds.path)
            lines.append(f"{self.file.name}: seeds.path: found no folder {path}, packaged seeds are used")
        return tuple(lines)

    def source(self, name: str) -> Source:
        """The source of that name. Raises KeyError."""
        for source in self.sources:
            if source.name == name:
                return source
        raise KeyError(name)


def require_not_ours(config: Config, out: Path | None) -> None:
    """Raises ConfigError where an output would replace an export, the configuration, the published file or a folder."""
    if out is None or not out.exists():
        return
    if out.is_dir():
        raise ConfigError(f"--out: found {out}, a folder, expected the path of a file")
    place = out.resolve()
    if place in (config.file.resolve(), config.warehouse_path.resolve()):
        raise ConfigError(f"--out: found {out}, which Leadhouse reads, expected a file of its own")
    for source in config.sources:
        if place.is_relative_to(source.path.resolve()):
            raise ConfigError(f"--out: found {out}, a file in the folder of source {source.name}, expected a new file")


def find_config(given: Path | None = None) -> Path:
    """The configuration file: the one given, else `LEADHOUSE_CONFIG`, else `./leadhouse.toml`."""
    return given or Path(os.environ.get("LEADHOUSE_CONFIG") or "leadhouse.toml")


def load_config(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read, interpolate and check a configuration file.

    Raises ConfigError with one line per problem: file, dotted key, what was found, what is expected. Values that came
    from the environment are never printed.
    """
    path = Path(path)
    data = read_toml(path)
    reader = Interpolation(environ)
    data = reader.table(data, ())
    problems = [(loc, line) for loc, line in reader.problems]
    problems += _kind_problems(data)
    unbuilt = {loc[:2] for loc, text in problems if "not built yet" in text}
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        found = [(tuple(item["loc"]), dict(item)) for item in error.errors(include_url=False)]
        told = [loc for loc, _ in problems]
        for loc, item in found:
            inside = any(other[: len(loc)] == loc and other != loc for other in told + [other for other, _ in found])
            if loc in told or inside or loc[:2] in unbuilt:
                continue
            problems.append((loc, _problem_text(data, loc, item)))
        raise ConfigError([reader.line(path, loc, text) for loc, text in problems]) from None
    config = _resolved(config, path, reader.origins)
    problems += _config_problems(config)
    if problems:
        raise ConfigError([reader.line(path, loc, text) for loc, text in problems])
    return config


def _kind_problems(data: Mapping[str, Any]) -> list[tuple[Loc, str]]:
    """Connectors that are planned: one line each, instead of a complaint about every key they need."""
    sources = data.get("source")
    problems: list[tuple[Loc, str]] = []
    for position, source in enumerate(sources if isinstance(sources, list) else []):
        kind = source.get("kind") if isinstance(source, dict) else None
        if isinstance(kind, str) and kind in PLANNED_KINDS:
            loc: Loc = ("source", position, "kind")
            built = ", ".join(BUILT_KINDS)
            problems.append((loc, f"found {shown(kind)}, not built yet; expected one of: {built}"))
    return problems


def _fields_at(loc: Loc) -> tuple[type[BaseModel], str]:
    """The model in which the last part of `loc` is a key, and the description of the field that `loc` is or is in."""
    model: type[BaseModel] = Config
    description = ""
    for position, part in enumerate(loc):
        if isinstance(part, int):
            continue
        field = next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)
        if field is None:
            break
        description = field.description or ""
        inner = next((kind for kind in _models(field.annotation)), None)
        if inner is None or position == len(loc) - 1:
            break
        model = inner
    return model, description


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models(argument)


def _problem_text(data: Any, loc: Loc, error: Mapping[str, Any]) -> str:
    model, description = _fields_at(loc)
    if error["type"] == "extra_forbidden":
        known = [field.alias or name for name, field in model.model_fields.items()]
        close = nearest(str(loc[-1]), known)
        return "found an unknown key, " + (
            f"nearest known is {close}" if close else "expected one of: " + ", ".join(known)
        )
    if error["type"] == "missing":
        return f"found nothing, expected {description}"
    expected = error["ctx"]["expected"] if error["type"] == "expected" else description
    if is_unshown(loc):
        return f"found a value that is not shown, expected {expected}"
    return f"found {shown(_original(data, loc, error.get('input')))}, expected {expected}"


def _original(data: Any, loc: Loc, fallback: object) -> object:
    for part in loc:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return fallback
    return data


def _resolved(config: Config, path: Path, origins: Mapping[Loc, str]) -> Config:
    """Defaults that depend on another value, absolute paths, and instants as UTC. `origins`: variables by place."""
    file = path.expanduser().absolute()
    sources = []
    for position, source in enumerate(config.sources):
        timezone = source.timezone or config.brokerage.timezone
        zone = ZoneInfo(timezone)
        copy = source.model_copy(
            update={
                "timezone": timezone,
                "id_space": source.id_space or source.name,
                "path": file.parent / source.path.expanduser(),
                "covers_from": source.covers_from and to_utc(source.covers_from, zone)[0],
                "data_through": source.data_through and to_utc(source.data_through, zone)[0],
            }
        )
        copy._position, copy._path_from = position, origins.get(("source", position, "path"))
        sources.append(copy)
    resolved = config.model_copy(update={"sources": tuple(sources)})
    resolved._file, resolved._seeds_from = file, origins.get(("seeds", "path"))
    return resolved


def _config_problems(config: Config) -> list[tuple[Loc, str]]:
    problems = alert_problems(config.alerts)
    economics = config.economics
    if economics.stop_below_roi > economics.feed_above_roi:
        problems.append(
            (
                ("economics", "stop_below_roi"),
                f"found {economics.stop_below_roi:g}, expected at most feed_above_roi",
            )
        )
    seen: dict[str, int] = {}
    for position, source in enumerate(config.sources):
        key = source.name.casefold()  # names become folders, and some file systems do not tell case
        if key in seen:
            problems.append(
                (
                    ("source", position, "name"),
                    f'found "{source.name}", the name of source[{seen[key]}] too, expected a name of its own',
                )
            )
        seen.setdefault(key, position)
        if source.id_space == source.name and ":" in source.name:
            problems.append(
                (
                    ("source", position, "id_space"),
                    "found nothing, expected the name of an id space, as the source's name holds a colon",
                )
            )
        for number, table in enumerate(source.tables):
            problems += [(("source", position, "table", number, *loc), text) for loc, text in table_problems(table)]
    return problems
