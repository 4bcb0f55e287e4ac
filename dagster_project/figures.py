"""`leadhouse metrics`: rows of `metric_weekly` as they are served, in the format asked for."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from dagster_project.errors import ConfigError, CriticalProblem
from dagster_project.exports import safe_csv, safe_xlsx, text_of
from dagster_project.terminal import printable
from dashboards.queries import LACKING, UnknownNameError, WarehouseError, connect, outdated, read_metrics

COLUMNS = (
    "week_start",
    "period",
    "basis",
    "metric_id",
    "slice",
    "slice_value",
    "value",
    "numerator",
    "denominator",
    "ci_low",
    "ci_high",
    "reliability",
    "as_of",
)


@dataclass(frozen=True)
class Figures:
    """Rows of `metric_weekly`, in its column order."""

    rows: list[tuple[Any, ...]]


def read_figures(
    warehouse: Path,
    *,
    week: str | None = None,
    metric: str | None = None,
    slice_: str | None = None,
    period: str | None = None,
) -> Figures:
    """Rows that fit all filters. `week` is any day of it, `slice_` a slice or `slice=value`.

    Raises CriticalProblem where nothing is published, ConfigError for a metric, slice, value or period that is not
    there, naming those that are, and for a week that is no day. A week without figures has no rows.
    """
    name, _, value = (slice_ or "").partition("=")
    try:
        with connect(warehouse) as connection:
            try:
                rows = read_metrics(
                    connection, week=_day(week), metric=metric, slice=name or None, value=value or None, period=period
                )
                return Figures(rows.select(*COLUMNS).fetchall())
            except LACKING as error:
                raise outdated(connection, warehouse, error) from error
    except WarehouseError as problem:
        raise CriticalProblem(f"{problem.problem} {problem.what_to_do}") from None
    except UnknownNameError as problem:
        shown = ", ".join(problem.known[:12]) + (", ..." if len(problem.known) > 12 else "")
        raise ConfigError(f'{problem.kind}: found "{problem.found}", expected one of: {shown}') from None


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f'--week: found "{text}", expected a day such as 2026-11-16') from None


def _csv(figures: Figures) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([safe_csv(value) for value in row] for row in figures.rows)
    return buffer.getvalue().encode()


def _json(figures: Figures) -> bytes:
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in figures.rows]
    return (json.dumps(rows, default=lambda value: value.isoformat(), indent=1) + "\n").encode()


def _table(figures: Figures) -> bytes:
    cells = [list(COLUMNS), *([_rounded(value) for value in row] for row in figures.rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(COLUMNS))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return ("\n".join(lines) + "\n").encode()


def _rounded(value: object) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else printable(text_of(value))


def _parquet(figures: Figures) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    columns: Sequence[Sequence[Any]] = list(zip(*figures.rows, strict=True)) or [[] for _ in COLUMNS]
    pq.write_table(pa.table(dict(zip(COLUMNS, map(list, columns), strict=True))), buffer)
    return buffer.getvalue()


def _xlsx(figures: Figures) -> bytes:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("metric_weekly")
    sheet.append(COLUMNS)
    for row in figures.rows:
        sheet.append([safe_xlsx(sheet, value) for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


FORMATS: dict[str, Callable[[Figures], bytes]] = {
    "table": _table,
    "csv": _csv,
    "json": _json,
    "parquet": _parquet,
    "xlsx": _xlsx,
}


def write_figures(figures: Figures, format_: str, out: Path | None) -> None:
    """Write the rows to a file or to standard output."""
    data = FORMATS[format_](figures)
    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    else:
        out.write_bytes(data)
