"""Write the hand-worked cases of leads.yml as a canonical export, and list their literal answers.

Nothing here computes a number: events go out as they stand in the file, answers come back as they stand in it.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CASES_FILE = Path(__file__).with_name("leads.yml")


class _TextTimes(yaml.SafeLoader):
    """YAML without its own idea of time: a timestamp stays the text that is written, offset or none."""


_TextTimes.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@cache
def cases() -> dict[str, Any]:
    """The whole file: `settings`, `agents`, `cases`."""
    loaded: dict[str, Any] = yaml.load(CASES_FILE.read_text(encoding="utf-8"), Loader=_TextTimes)  # noqa: S506, a SafeLoader it is
    return loaded


def as_of() -> str:
    """The moment at which the answers are true."""
    return str(cases()["settings"]["as_of"])


def _rows(row: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    """The rows that one entry stands for, each with its source."""
    fields = {column: value for column, value in row.items() if column not in ("in", "repeat")}
    return [
        (str(row.get("in", "crm")), {column: _cell(value).replace("{n}", str(n)) for column, value in fields.items()})
        for n in range(1, int(row.get("repeat", 1)) + 1)
    ]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def write_export(folder: Path) -> Path:
    """Write `crm/*.csv`, `dialer/*.csv` and `leadhouse.toml` into the folder; return the path of the latter."""
    tables: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in cases()["agents"]:
        for source, fields in _rows(row):
            tables[source, "agents"].append(fields)
    for case in cases()["cases"]:
        for entity, rows in case["events"].items():
            for row in rows:
                for source, fields in _rows(row):
                    tables[source, entity].append(fields)
    for (source, entity), rows in tables.items():
        columns = list(dict.fromkeys(column for fields in rows for column in fields))
        path = folder / source / f"{entity}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
    config = folder / "leadhouse.toml"
    config.write_text(cases()["settings"]["toml"], encoding="utf-8")
    return config


def expected() -> list[tuple[str, str, str, Any]]:
    """(case, lead_id, column, value) for every literal answer about a lead."""
    return [
        (case["name"], lead_id, column, value)
        for case in cases()["cases"]
        for lead_id, answers in case["leads"].items()
        for column, value in answers.items()
    ]


def expected_of(kind: str) -> list[tuple[str, str, str, Any]]:
    """(case, key, column, value) for every literal answer under `chains` or `people`."""
    return [
        (case["name"], key, column, value)
        for case in cases()["cases"]
        for key, answers in case.get(kind, {}).items()
        for column, value in answers.items()
    ]


def expected_figures() -> list[tuple[str, dict[str, Any]]]:
    """(case, row) for every literal row of marts.metric_weekly."""
    return [(case["name"], row) for case in cases()["cases"] for row in case.get("figures", ())]


def expected_touches() -> list[tuple[str, str, str | None]]:
    """(case, touch_id, lead_id) for every literal answer about where a touch belongs; null: unattached."""
    return [
        (case["name"], touch_id, lead_id)
        for case in cases()["cases"]
        for touch_id, lead_id in case.get("touches", {}).items()
    ]
