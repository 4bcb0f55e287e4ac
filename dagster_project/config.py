"""`leadhouse.toml`, typed: read once, checked whole, every mistake told in a line of its own."""

from __future__ import annotations

import codecs
import difflib
import math
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from dagster_project.entities import ENTITIES, Entity
from dagster_project.errors import ConfigError
from dagster_project.instants import Unreadable, parse_iso, to_utc

BUILT_KINDS = ("files",)
PLANNED_KINDS = ("followupboss", "hubspot", "salesforce", "callrail", "twilio", "google_ads", "meta_ads")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TRUE_WORDS, FALSE_WORDS = ("true", "1", "yes"), ("false", "0", "no")


def nearest(word: str, known: tuple[str, ...] | list[str]) -> str | None:
    """The known word that `word` was probably meant to be, or None."""
    folded = {name.casefold(): name for name in reversed(known)}
    close = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else None


# --- types of single values ------------------------------------------------------------------------------------------


class FromEnvironment(str):
    """A value that is wholly one `${VARIABLE}`: it may stand for a number or a truth value."""


def _expected(text: str) -> PydanticCustomError:
    return PydanticCustomError("expected", "{expected}", {"expected": text})


def _whole(value: object) -> object:
    if isinstance(value, FromEnvironment) and re.fullmatch(r"[+-]?\d{1,18}", value.strip()):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise PydanticCustomError("int_type", "a whole number")
    return value


def _decimal(value: object) -> object:
    if isinstance(value, FromEnvironment) and re.fullmatch(r"[+-]?\d{1,18}(\.\d{1,18})?", value.strip()):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise PydanticCustomError("float_type", "a number")
    return value


def _truth(value: object) -> object:
    if isinstance(value, FromEnvironment) and value.strip().lower() in TRUE_WORDS + FALSE_WORDS:
        return value.strip().lower() in TRUE_WORDS
    if not isinstance(value, bool):
        raise PydanticCustomError("bool_type", "true or false")
    return value


def _text(value: object) -> object:
    return str(value) if isinstance(value, str) else value


@cache
def _zones() -> tuple[str, ...]:
    return tuple(sorted(available_timezones() - {"localtime", "Factory"}))


def _zone(name: str) -> str:
    if name not in _zones():
        raise _expected(f"an IANA zone such as {nearest(name, _zones()) or 'America/New_York'}")
    return name


def _texts(value: object) -> object:
    """One text or a list of texts, as a tuple."""
    if isinstance(value, str):
        return (str(value),)
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return tuple(str(item) for item in value)
    raise PydanticCustomError("texts", "a text or a list of texts")


def _raw_names(value: object) -> object:
    """The raw column that feeds a column, or several, of which the first that is not blank counts."""
    try:
        return _texts(value)
    except PydanticCustomError:
        raise _expected("a raw column's name, or a list of names") from None


def _country(code: str) -> str:
    from phonenumbers import SUPPORTED_REGIONS

    if code not in SUPPORTED_REGIONS:
        raise _expected("a country code such as US")
    return code


def _cell_text(value: object) -> object:
    """A text, number or truth value as it would stand in a cell."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise PydanticCustomError("cell", "a text")


def _cell_texts(value: object) -> object:
    return tuple(_cell_text(item) for item in (value if isinstance(value, list) else [value]))


def _moment(value: object) -> object:
    """ISO text or a TOML date or date-time; made UTC once the source's zone is known."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    if isinstance(value, str):
        try:
            return parse_iso(value.strip())
        except Unreadable as problem:
            raise _expected(str(problem)) from None
    raise PydanticCustomError("instant", "an instant")


def _formats(value: object) -> object:
    """A list of formats for every instant of the table, or a table of lists by column."""
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    return {"*": _texts(value)}


Text = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, BeforeValidator(_decimal)]
Truth = Annotated[bool, BeforeValidator(_truth)]
Zone = Annotated[str, BeforeValidator(_text), AfterValidator(_zone)]
RawNames = Annotated[tuple[str, ...], BeforeValidator(_raw_names)]
CellText = Annotated[str, BeforeValidator(_cell_text)]
CellTexts = Annotated[tuple[str, ...], BeforeValidator(_cell_texts)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
Interval = tuple[int, int]


# --- the parts -------------------------------------------------------------------------------------------------------
# A field's `description` is what an error line says was expected.


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Brokerage(_Part):
    """`[brokerage]`: who it is, and in which zone, country and currency its numbers are."""

    name: Text = Field(description="the brokerage's name")
    timezone: Zone = Field(description="an IANA zone such as America/New_York")
    country: Annotated[Text, AfterValidator(_country)] = Field("US", description="a country code such as US")
    week_start: Annotated[Literal["monday", "sunday"], BeforeValidator(_text)] = Field(
        "monday", description='"monday" or "sunday"'
    )
    currency: Annotated[Text, Field(pattern=r"^[A-Z]{3}$")] = Field("USD", description="a currency code such as USD")


def _clock_minutes(value: object) -> int:
    if isinstance(value, time) and not value.second and not value.microsecond:
        return value.hour * 60 + value.minute
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", value) if isinstance(value, str) else None
    minutes = int(match[1]) * 60 + int(match[2]) if match and int(match[2]) < 60 else -1
    if not 0 <= minutes <= 24 * 60:
        raise _expected('times such as ["08:00", "20:00"]')
    return minutes


def _day_hours(value: object) -> tuple[Interval, ...]:
    if not isinstance(value, list):
        raise _expected('["08:00", "20:00"] or a list of such pairs')
    pairs = [value] if value and not isinstance(value[0], list) else value
    intervals: list[Interval] = []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            raise _expected('["08:00", "20:00"] or a list of such pairs')
        opens, closes = _clock_minutes(pair[0]), _clock_minutes(pair[1])
        if closes <= opens:
            raise _expected("a closing time after the opening time (24:00 closes at midnight)")
        intervals.append((opens, closes))
    intervals.sort()
    if any(later[0] < earlier[1] for earlier, later in pairwise(intervals)):
        raise _expected("intervals that do not overlap")
    return tuple(intervals)


DayHours = Annotated[tuple[Interval, ...], BeforeValidator(_day_hours)]


def _holidays(value: object) -> tuple[date, ...]:
    days: set[date] = set()
    for item in value if isinstance(value, list) else [value]:
        try:
            days.add(item if type(item) is date else date.fromisoformat(item))
        except (TypeError, ValueError):
            raise _expected("a list of dates such as 2026-11-26") from None
    return tuple(sorted(days))


class Hours(_Part):
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


class Rules(_Part):
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
    next_morning_on: Annotated[Literal["calendar_day", "open_day"], BeforeValidator(_text)] = Field(
        "calendar_day", description='"calendar_day" or "open_day"'
    )


class Economics(_Part):
    """`[economics]`: assumptions and thresholds of source economics."""

    default_agent_split: Annotated[Number, Field(ge=0, le=1)] | None = Field(
        None, description="a share from 0 to 1, such as 0.70"
    )
    feed_above_roi: Number = Field(2.0, description="a number such as 2.0")
    stop_below_roi: Number = Field(0.0, description="a number such as 0.0")


class Seeds(_Part):
    """`[seeds]`: the folder whose files replace packaged seeds of the same name."""

    path: Text | None = Field(None, description="a folder")


class Warehouse(_Part):
    """`[warehouse]`: the file that everybody reads."""

    path: Text = Field("warehouse/leadhouse.duckdb", description="the path of a .duckdb file")


class Table(_Part):
    """`[[source.table]]`: how one kind of file becomes one entity; docs/mapping.md explains each key."""

    entity: Text = Field(description="the name of an entity")
    file: Text = Field(description='a file name or pattern such as "calls*.csv"')
    encoding: Text | None = Field(None, description='an encoding such as "utf-8" or "windows-1252"')
    delimiter: Annotated[Text, Field(max_length=1)] | None = Field(None, description='one character such as ";"')
    decimal: Annotated[Literal[".", ","], BeforeValidator(_text)] = Field(".", description='"." or ","')
    timezone: Zone | None = Field(None, description="an IANA zone such as America/New_York")
    skip_lines: Annotated[Whole, Field(ge=0, le=1000)] = Field(0, description="a number of lines")
    columns: dict[str, RawNames] = Field({}, description="a table of canonical column = raw column")
    time_formats: Annotated[dict[str, tuple[str, ...]], BeforeValidator(_formats)] = Field(
        {}, description='a list of formats such as ["%d.%m.%Y %H:%M"], or a table of lists by column'
    )
    values: dict[str, dict[str, CellText]] = Field({}, description="tables of raw word = canonical word, by column")
    constants: dict[str, CellText] = Field({}, description="a table of canonical column = value")
    keep: dict[str, CellTexts] = Field({}, description="a table of raw column = values")
    drop: dict[str, CellTexts] = Field({}, description="a table of raw column = values")


class Source(_Part):
    """`[[source]]`: where rows come from and how they are to be read. Paths are absolute, instants UTC."""

    name: Annotated[Text, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")] = Field(
        description="a name of letters, digits, _ and -"
    )
    kind: Annotated[Literal["files"], BeforeValidator(_text)] = Field(description="one of: " + ", ".join(BUILT_KINDS))
    path: Path = Field(description="a folder")
    timezone: Zone = Field("", description="an IANA zone such as America/New_York")
    lead_grain: Annotated[Literal["episode", "record"], BeforeValidator(_text)] = Field(
        "episode", description='"episode" or "record"'
    )
    mode: Annotated[Literal["snapshot", "append"], BeforeValidator(_text)] = Field(
        "snapshot", description='"snapshot" or "append"'
    )
    id_space: Annotated[str, BeforeValidator(_text)] = Field("", description="the name of an id space")
    covers_from: Moment = Field(None, description="a date or instant such as 2024-01-01")
    data_through: Moment = Field(None, description="a date or instant such as 2026-11-24T00:00:00Z")
    calls_open_leads: Truth = Field(False, description="true or false")
    tables: tuple[Table, ...] = Field((), alias="table", description="[[source.table]] sections")
    _position: int = PrivateAttr(0)

    @field_validator("path", mode="before")
    @classmethod
    def _path(cls, value: object, _info: ValidationInfo) -> object:
        if not isinstance(value, str) or not value:
            raise PydanticCustomError("path", "a folder")
        return Path(str(value))

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def position(self) -> int:
        """Place in the configuration file, from 0: where two sources share ids, the later wins."""
        return self._position


class Config(_Part):
    """The whole configuration of one brokerage, checked, with resolved paths."""

    brokerage: Brokerage = Field(description="a [brokerage] section")
    hours: Hours | None = Field(None, description="an [hours] section")
    rules: Rules = Field(Rules.model_construct(), description="a [rules] section")
    economics: Economics = Field(Economics.model_construct(), description="an [economics] section")
    seeds: Seeds = Field(Seeds.model_construct(), description="a [seeds] section")
    warehouse: Warehouse = Field(Warehouse.model_construct(), description="a [warehouse] section")
    sources: tuple[Source, ...] = Field(alias="source", min_length=1, description="at least one [[source]] section")
    _file: Path = PrivateAttr(Path("leadhouse.toml"))

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
    def raw_dir(self) -> Path:
        return self._beside("raw")

    @property
    def history_dir(self) -> Path:
        return self._beside("history")

    @property
    def last_build_path(self) -> Path:
        return self._beside("last_build.json")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed but probably not meant, one line each."""
        lines = []
        if self.hours is None:
            lines.append(f"{self.file.name}: hours: found no [hours], taken as always open")
        if self.seeds.path is not None and self.seeds_path is None:
            lines.append(f'{self.file.name}: seeds.path: found no folder "{self.seeds.path}", packaged seeds are used')
        return tuple(lines)

    def source(self, name: str) -> Source:
        """The source of that name. Raises KeyError."""
        for source in self.sources:
            if source.name == name:
                return source
        raise KeyError(name)


# --- reading ---------------------------------------------------------------------------------------------------------

Loc = tuple[str | int, ...]


def load_config(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read, interpolate and check a configuration file.

    Raises ConfigError with one line per problem: file, dotted key, what was found, what is expected. Values that came
    from the environment are never printed.
    """
    path = Path(path)
    data = _read_toml(path)
    reader = _Interpolation(environ)
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
    config = _resolved(config, path)
    problems += _config_problems(config)
    if problems:
        raise ConfigError([reader.line(path, loc, text) for loc, text in problems])
    return config


def dotted(loc: Loc) -> str:
    """`("source", 0, "timezone")` as `source[0].timezone`."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"'
            text += f".{key}" if text else key
    return text


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: found no such file, expected a configuration (leadhouse init writes one)") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: found a folder, expected a configuration file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path.name}: found bytes that are not UTF-8, expected TOML in UTF-8") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path.name}: not valid TOML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path.name}: not valid TOML: nested too deeply") from None


class _Interpolation:
    """Replaces `${NAME}` and `${NAME:-default}`, and remembers where, so that no such value is ever shown."""

    _VARIABLE = re.compile(r"\$\{([^}]*)\}")
    _FOUND = re.compile(r'^found ["\[\d].*(?=, expected|, not built yet|, the name of)', re.DOTALL)
    _NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[tuple[Loc, str]] = []
        self.origins: dict[Loc, str] = {}

    def table(self, value: Mapping[str, Any], loc: Loc) -> dict[str, Any]:
        return {key: self._any(item, (*loc, key)) for key, item in value.items()}

    def _any(self, value: Any, loc: Loc) -> Any:
        if isinstance(value, dict):
            return self.table(value, loc)
        if isinstance(value, list):
            return [self._any(item, (*loc, position)) for position, item in enumerate(value)]
        return self._string(value, loc) if isinstance(value, str) and "${" in value else value

    def _string(self, text: str, loc: Loc) -> str:
        def replace(match: re.Match[str]) -> str:
            parts = self._NAME.fullmatch(match[1])
            if parts is None:
                self.problems.append((loc, f"found {match[0]}, expected ${{NAME}} or ${{NAME:-default}}"))
                return ""
            name, default = parts[1], parts[2]
            value = self._environ.get(name)
            if default is not None and not value:
                return default
            if value is None:
                self.problems.append((loc, f"found ${{{name}}}, expected that environment variable to be set"))
                return ""
            self.origins[loc] = name
            return value

        whole = self._VARIABLE.fullmatch(text) is not None
        replaced = self._VARIABLE.sub(replace, text)
        return FromEnvironment(replaced) if whole else replaced

    def line(self, path: Path, loc: Loc, text: str) -> str:
        """A problem as it is told: where a value came from the environment, only the variable's name is shown."""
        for origin, name in self.origins.items():
            if origin[: len(loc)] == loc or loc[: len(origin)] == origin:
                text = self._FOUND.sub(f"found the value of ${{{name}}} (not shown)", text)
        return f"{path.name}: {dotted(loc)}: {text}"


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


def shown(value: object) -> str:
    """A value of the configuration as it stands there; lists and tables by what they are, if they are long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + (value if len(value) <= 60 else value[:57] + "...").replace("\n", "\\n") + '"'
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        text = "[" + ", ".join(shown(item) for item in value) + "]"
        return text if len(text) <= 60 else f"a list of {len(value)}"
    return str(value)


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
    return f"found {shown(_original(data, loc, error.get('input')))}, expected {expected}"


def _original(data: Any, loc: Loc, fallback: object) -> object:
    for part in loc:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return fallback
    return data


def _resolved(config: Config, path: Path) -> Config:
    """Defaults that depend on another value, absolute paths, and instants as UTC."""
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
        copy._position = position
        sources.append(copy)
    resolved = config.model_copy(update={"sources": tuple(sources)})
    resolved._file = file
    return resolved


# --- what a single value cannot tell ---------------------------------------------------------------------------------


def _config_problems(config: Config) -> list[tuple[Loc, str]]:
    problems: list[tuple[Loc, str]] = []
    economics = config.economics
    if economics.stop_below_roi > economics.feed_above_roi:
        problems.append(
            (
                ("economics", "stop_below_roi"),
                f"found {economics.stop_below_roi:g}, expected at most feed_above_roi ({economics.feed_above_roi:g})",
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
        for number, table in enumerate(source.tables):
            problems += [(("source", position, "table", number, *loc), text) for loc, text in _table_problems(table)]
    return problems


def _table_problems(table: Table) -> list[tuple[Loc, str]]:
    """What is wrong in a mapping, seen from the entity it feeds."""
    entity = ENTITIES.get(table.entity)
    if entity is None:
        return [(("entity",), f'found "{table.entity}", expected {_one_of(table.entity, list(ENTITIES))}')]
    return [*_name_problems(table, entity), *_word_problems(table, entity), *_reading_problems(table)]


def _name_problems(table: Table, entity: Entity) -> Iterator[tuple[Loc, str]]:
    """Columns that the entity does not have, that are fed twice, or that are required and not fed."""
    known = list(entity.column_names)
    moments = [column.name for column in entity.columns if column.type in ("instant", "date")]
    for section, what, names in (
        ("columns", "column", known),
        ("values", "column", known),
        ("constants", "column", known),
        ("time_formats", "instant or date", moments),
    ):
        for name in getattr(table, section):
            if name not in names and not (section == "time_formats" and name == "*"):
                yield (section, name), f"found no such {what} of {entity.name}, expected {_one_of(name, names)}"
    for name in table.constants:
        if name in table.columns:
            yield ("constants", name), "found a constant beside a column, expected one of the two"
    if table.columns:
        for name in entity.required:
            if name not in table.columns and name not in table.constants:
                text = f"found nothing, expected the raw column of {entity.name}.{name}, which is required"
                yield ("columns", name), text


def _word_problems(table: Table, entity: Entity) -> Iterator[tuple[Loc, str]]:
    """Words that their column would refuse on every row."""
    for name, words in table.values.items():
        for word, value in words.items():
            text = _word_problem(entity, name, value)
            if text:
                yield ("values", name, word), text
    for name, value in table.constants.items():
        text = _word_problem(entity, name, value)
        if text:
            yield ("constants", name), text


def _reading_problems(table: Table) -> Iterator[tuple[Loc, str]]:
    """Time formats, encoding and file pattern."""
    for name, formats in table.time_formats.items():
        loc: Loc = ("time_formats",) if name == "*" else ("time_formats", name)
        for form in formats:
            text = _format_problem(form)
            if text:
                yield loc, text
    if table.encoding is not None:
        try:
            codecs.lookup(table.encoding)
        except LookupError:
            yield ("encoding",), f'found "{table.encoding}", expected an encoding such as "windows-1252"'
    if table.file.startswith(("/", "~")) or ".." in Path(table.file).parts:
        yield ("file",), f'found "{table.file}", expected a pattern inside the source\'s path'


def _one_of(word: str, known: list[str]) -> str:
    close = nearest(word, known)
    return close if close else "one of: " + ", ".join(known)


def _word_problem(entity: Entity, name: str, value: str) -> str | None:
    column = entity.by_name.get(name)
    word = value.strip().casefold()
    if column is None or not word:
        return None
    if column.type == "truth" and word not in TRUE_WORDS + FALSE_WORDS:
        return f'found "{value}", expected true or false'
    if column.type == "choice" and word not in column.choices:
        return f'found "{value}", expected {_one_of(value, list(column.choices))}'
    return None


def _format_problem(text: str) -> str | None:
    try:
        printed = datetime(2026, 11, 24, 9, 30, tzinfo=UTC).strftime(text)
        read = datetime.strptime(printed, text)  # noqa: DTZ007 - only the day is looked at
    except (ValueError, re.error):
        read = None
    if read is None or "%" not in text:
        return f'found "{text}", expected a time format such as "%d.%m.%Y %H:%M"'
    if (read.year, read.month, read.day) != (2026, 11, 24):
        return f'found "{text}", expected a format that tells year, month and day'
    return None
