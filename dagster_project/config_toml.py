"""The configuration as it stands in its file: TOML, variables, and lines that never show what a variable held."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_project.config_values import FromEnvironment, Loc
from dagster_project.errors import ConfigError


def dotted(loc: Loc) -> str:
    """`("source", 0, "timezone")` as `source[0].timezone`."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", part) else shown(part)
            text += f".{key}" if text else key
    return text


def read_toml(path: Path) -> dict[str, Any]:
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
        raise ConfigError(f"{path.name}: not valid TOML: {one_line(str(error))}") from None
    except RecursionError:
        raise ConfigError(f"{path.name}: not valid TOML: nested too deeply") from None


class Interpolation:
    """Replaces `${NAME}` and `${NAME:-default}`, and remembers where, so that no such value is ever shown."""

    _VARIABLE = re.compile(r"\$\{([^}]*)\}")
    _FOUND = re.compile(r'^found ["\[\d-].*(?=, expected|, not built yet|, the name of)', re.DOTALL)
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
                text = self._FOUND.sub(f"found {unshown(name)}", text)
        return f"{path.name}: {dotted(loc)}: {text}"


def unshown(variable: str) -> str:
    """What is said instead of a value that came from the environment."""
    return f"the value of ${{{variable}}} (not shown)"


def one_line(text: str) -> str:
    """A text on one line and not too long; what does not print is written out."""
    short = text if len(text) <= 200 else text[:197] + "..."
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in short)


def shown(value: object) -> str:
    """A value of the configuration as it stands there; lists and tables by what they are, if they are long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        short = value if len(value) <= 60 else value[:57] + "..."
        return '"' + "".join(c if c.isprintable() else repr(c)[1:-1] for c in short) + '"'
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        text = "[" + ", ".join(shown(item) for item in value) + "]"
        return text if len(text) <= 60 else f"a list of {len(value)}"
    return str(value)
