"""Says where two tables of figures, or of leads, differ."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from .model import Row
from .weekly import COVERED

KEY = ("metric_id", "week_start", "period", "slice", "slice_value", "basis")
# a set-aside lead takes no part in its person's story: the definitions give it no such moment
NOT_OF_SET_ASIDE = ("next_lead_at", "censored_at", "censor_reason", "disqualified_at")
ECONOMICS_KEY = ("period", "period_start", "view", "source")
FIGURES = ("value", "numerator", "denominator", "ci_low", "ci_high", "reliability")


def differences(
    ours: Iterable[Row],
    theirs: Iterable[Row],
    tolerance: float = 1e-9,
    metrics: Collection[str] = COVERED,
) -> list[str]:
    """Lines on missing, extra, repeated and differing rows of metric_weekly; only of the metrics named."""
    mine, repeated_mine = _by_key(ours, metrics)
    other, repeated_other = _by_key(theirs, metrics)
    lines = [f"repeated in ours: {_label(key)}" for key in repeated_mine]
    lines += [f"repeated in theirs: {_label(key)}" for key in repeated_other]
    for key in sorted(mine.keys() | other.keys(), key=str):
        if key not in other:
            lines.append(f"missing in theirs: {_label(key)}: {_figures(mine[key])}")
        elif key not in mine:
            lines.append(f"extra in theirs: {_label(key)}: {_figures(other[key])}")
        else:
            lines += [
                f"{_label(key)}: {column}: ours {mine[key].get(column)!r}, theirs {other[key].get(column)!r}"
                for column in FIGURES
                if not same(mine[key].get(column), other[key].get(column), tolerance)
            ]
    return lines


def economics_differences(ours: Iterable[Row], theirs: Iterable[Row], tolerance: float = 1e-9) -> list[str]:
    """Lines on missing, extra and differing rows of source_economics; money to a millionth."""
    mine, other = ({tuple(plain(row[name]) for name in ECONOMICS_KEY): row for row in rows} for rows in (ours, theirs))
    lines = [f"missing in theirs: {key}" for key in mine.keys() - other.keys()]
    lines += [f"extra in theirs: {key}" for key in other.keys() - mine.keys()]
    for key in sorted(mine.keys() & other.keys()):
        lines += [
            f"{key}: {column}: ours {plain(mine[key][column])!r}, theirs {plain(value)!r}"
            for column, value in other[key].items()
            if column not in ECONOMICS_KEY
            if not same(mine[key][column], value, 1e-6 if isinstance(value, Decimal) else tolerance)
        ]
    return sorted(lines)


def lead_differences(
    ours: Mapping[str, Row],
    theirs: Iterable[Row] | Mapping[str, Row],
    tolerance: float = 1e-9,
    skip: Collection[str] = (),
) -> list[str]:
    """Lines on missing, extra and differing leads; every column that both have, and the persons as a grouping."""
    rows = theirs.values() if isinstance(theirs, Mapping) else theirs
    other: dict[str, Row] = {}
    lines = []
    for row in rows:
        if row["lead_id"] in other:
            lines.append(f"repeated in theirs: {row['lead_id']}")
        other[row["lead_id"]] = row
    for lead_id in sorted(ours.keys() | other.keys()):
        if lead_id not in other:
            lines.append(f"missing in theirs: {lead_id}")
        elif lead_id not in ours:
            lines.append(f"extra in theirs: {lead_id}")
        else:
            mine, its = ours[lead_id], other[lead_id]
            lines += [
                f"{lead_id}: {column}: ours {plain(mine[column])!r}, theirs {plain(its[column])!r}"
                for column in mine
                if column in its and column not in skip and column != "person_key"
                if not (mine["is_set_aside"] and column in NOT_OF_SET_ASIDE)
                if not same(mine[column], its[column], tolerance)
            ]
    if "person_key" not in skip:
        lines += _grouping_differences(ours, other)
    return lines


def same(one: Any, other: Any, tolerance: float = 1e-9) -> bool:
    """Equal, numbers up to a tolerance that is absolute and relative."""
    one, other = plain(one), plain(other)
    if one is None or other is None:
        return one is other
    if isinstance(one, bool) or isinstance(other, bool):
        return bool(one == other)
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    return bool(one == other)


def plain(value: Any) -> Any:
    """One form for what different readers give: naive UTC, dates, floats, None for NaN and NaT."""
    # NaN and NaT are the values that differ from themselves
    if value is None or value != value:  # noqa: PLR0124
        return None
    if isinstance(value, datetime):
        value = datetime.combine(value.date(), value.timetz())
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, Decimal):
        return float(value)
    # numpy's scalars
    return value.item() if hasattr(value, "item") and not isinstance(value, str) else value


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(str(value)[:10])


def _by_key(rows: Iterable[Row], metrics: Collection[str]) -> tuple[dict[tuple[Any, ...], Row], list[tuple[Any, ...]]]:
    by_key: dict[tuple[Any, ...], Row] = {}
    repeated = []
    for row in rows:
        if row["metric_id"] not in metrics:
            continue
        key = tuple(_day(row[column]) if column == "week_start" else row[column] for column in KEY)
        if key in by_key:
            repeated.append(key)
        by_key[key] = row
    return by_key, repeated


def _label(key: tuple[Any, ...]) -> str:
    metric, week, period, name, value, basis = key
    return f"{metric} {period} {week} {name}={value} ({basis})"


def _figures(row: Row) -> str:
    return ", ".join(f"{column} {plain(row.get(column))!r}" for column in FIGURES)


def _grouping_differences(ours: Mapping[str, Row], theirs: Mapping[str, Row]) -> list[str]:
    """Persons need not have the same names, but the same leads."""
    groups: dict[str, set[str]] = defaultdict(set)
    for lead_id, row in theirs.items():
        if "person_key" in row:
            groups[row["person_key"]].add(lead_id)
    if not groups:
        return []
    mine: dict[str, set[str]] = defaultdict(set)
    for lead_id, row in ours.items():
        mine[row["person_key"]].add(lead_id)
    known = {frozenset(leads) for leads in groups.values()}
    return [f"person: ours joins {sorted(leads)}" for leads in mine.values() if frozenset(leads) not in known]
