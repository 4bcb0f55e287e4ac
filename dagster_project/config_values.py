"""Types of single values of the configuration, each strict and each with its own words for what it expects."""

from __future__ import annotations

import difflib
import hashlib
import math
import re
from datetime import date, datetime, time
from functools import cache
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from dagster_project.instants import Unreadable, in_range, parse_iso

TRUE_WORDS, FALSE_WORDS = ("true", "1", "yes"), ("false", "0", "no")


def nearest(word: str, known: tuple[str, ...] | list[str]) -> str | None:
    """The known word that `word` was probably meant to be, or None."""
    folded = {name.casefold(): name for name in reversed(known)}
    close = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def one_of(word: str, known: list[str]) -> str:
    """The nearest known word, or all of them."""
    close = nearest(word, known)
    return close if close else "one of: " + ", ".join(known)


class FromEnvironment(str):
    """A value that is wholly one `${VARIABLE}`: it may stand for a number or a truth value."""


def expected(text: str) -> PydanticCustomError:
    """The error whose line ends with `expected <text>`."""
    return PydanticCustomError("expected", "{expected}", {"expected": text})


def whole(value: object) -> object:
    """A whole number, or a text from the environment that is one."""
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


def source_name(name: str) -> str:
    """A source's name: it stands in messages and, made safe, in paths."""
    if not name.strip() or len(name) > 60 or not name.isprintable() or name.startswith(".") or set(name) & set("/\\"):
        raise PydanticCustomError("source_name", "a source's name")
    return name


def id_space_name(name: str) -> str:
    """An id space's name: ids are kept as `space:id`."""
    if ":" in name or not name.isprintable():
        raise PydanticCustomError("id_space", "an id space")
    return name


def _safe(name: str, mark: str) -> str:
    """Letters, digits and `_` of a name and the start of its digest."""
    letters = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
    return f"{letters or 'source'}{mark}{hashlib.sha256(name.encode('utf-8')).hexdigest()[:8]}"


def folder_name(name: str) -> str:
    """A source's name as a folder: itself, or with a dot and a digest, which no plain name holds."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _safe(name, ".")


def asset_slug(name: str) -> str:
    """A source's name as part of an asset's key: itself, or with `_` and a digest, as is one that looks so."""
    plain = re.fullmatch(r"[A-Za-z0-9_]+", name) and not re.search(r"_[0-9a-f]{8}$", name)
    return name if plain else _safe(name, "_")


def _truth(value: object) -> object:
    if isinstance(value, FromEnvironment) and value.strip().lower() in TRUE_WORDS + FALSE_WORDS:
        return value.strip().lower() in TRUE_WORDS
    if not isinstance(value, bool):
        raise PydanticCustomError("bool_type", "true or false")
    return value


def plain_text(value: object) -> object:
    """A text that came from the environment is a text like any other."""
    return str(value) if isinstance(value, str) else value


@cache
def _zones() -> tuple[str, ...]:
    return tuple(sorted(available_timezones() - {"localtime", "Factory"}))


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise expected(f"an IANA zone such as {nearest(name, _zones()) or 'America/New_York'}")
    return name


def texts(value: object) -> object:
    """One text or a list of texts, as a tuple."""
    if isinstance(value, str):
        return (str(value),)
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return tuple(str(item) for item in value)
    raise PydanticCustomError("texts", "a text or a list of texts")


def _raw_names(value: object) -> object:
    """The raw column that feeds a column, or several, of which the first that is not blank counts."""
    try:
        return texts(value)
    except PydanticCustomError:
        raise expected("a raw column's name, or a list of names") from None


def _known_country(code: str) -> str:
    from phonenumbers import SUPPORTED_REGIONS

    if code not in SUPPORTED_REGIONS:
        raise expected("a country code such as US")
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
    try:
        if isinstance(value, datetime):
            return in_range(value)
        if isinstance(value, date):
            return in_range(datetime.combine(value, time()))
        if isinstance(value, str):
            return parse_iso(value.strip())
    except Unreadable as problem:
        raise expected(str(problem)) from None
    raise PydanticCustomError("instant", "an instant")


def _time_formats(value: object) -> object:
    """A list of formats for every instant of the table, or a table of lists by column."""
    if isinstance(value, dict):
        return {key: texts(item) for key, item in value.items()}
    return {"*": texts(value)}


Text = Annotated[str, BeforeValidator(plain_text), Field(min_length=1)]
Whole = Annotated[int, BeforeValidator(whole)]
Number = Annotated[float, BeforeValidator(_decimal)]
Truth = Annotated[bool, BeforeValidator(_truth)]
Zone = Annotated[str, BeforeValidator(plain_text), AfterValidator(_known_zone)]
RawNames = Annotated[tuple[str, ...], BeforeValidator(_raw_names)]
CellText = Annotated[str, BeforeValidator(_cell_text)]
CellTexts = Annotated[tuple[str, ...], BeforeValidator(_cell_texts)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
TimeFormats = Annotated[dict[str, tuple[str, ...]], BeforeValidator(_time_formats)]
Country = Annotated[str, BeforeValidator(plain_text), AfterValidator(_known_country)]
DurationWord = Literal["seconds", "milliseconds", "minutes", "hours", "mm:ss", "hh:mm"]
"""What a duration without a unit is."""
Loc = tuple[str | int, ...]
"""Where a value stands: `("source", 0, "timezone")`."""


class Part(BaseModel):
    """A section of the configuration. A field's `description` is what an error line says was expected."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
