"""What `list` and `explain` print. Lists name nobody; an explanation shows the row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from glob import escape
from typing import Any

from dagster_project.config import Config
from dagster_project.entities import ENTITIES, PERSONAL_COLUMNS
from dagster_project.exports import safe_csv
from dagster_project.quarantine.rows import Filters, Quarantine, Row
from dagster_project.sources.files import table_of
from dagster_project.sources.fixes import nearest_fix
from dagster_project.sources.rejects import Reject
from dagster_project.sources.trial import Trial, TriedRow, record_of, trial_of
from dagster_project.terminal import printable
from dagster_project.warehouse.published import served_build
from dagster_project.warehouse.refused import MAX_ROWS_A_FILE, Group

FORMATS = ("table", "csv", "json")
GROUP_COLUMNS = (
    *("source", "state", "entity", "file", "reason", "column_name", "rows", "first_line", "first_id", "expected"),
    "fix",
)
ROW_COLUMNS = ("quarantine_id", "source", "state", "entity", "file", "line", "column_name", "reason", "expected", "fix")
_LONGEST = 2_000


def written(rows: Sequence[dict[str, Any]], columns: Sequence[str], format_: str) -> str:
    """Rows as CSV or JSON."""
    if format_ == "json":
        chosen = [{name: row[name] for name in columns} for row in rows]
        return json.dumps(chosen, indent=1, default=lambda value: value.isoformat())
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([safe_csv(row[name]) for name in columns] for row in rows)
    return buffer.getvalue().rstrip("\n")


def listed(config: Config, quarantine: Quarantine, filters: Filters, *, rows: bool, format_: str) -> str:
    """The groups, or the rows, that fit: no cell of a row, no name of a person."""
    groups = quarantine.groups(filters)
    if format_ != "table":
        found: list[dict[str, Any]] = (
            [asdict(row) for row in quarantine.rows(filters)] if rows else [asdict(group) for group in groups]
        )
        for one in found:
            one["state"] = _state(quarantine, one["source"])
        return written(found, ROW_COLUMNS if rows else GROUP_COLUMNS, format_)
    lines = [*_standing(config, refused=bool(quarantine.refused)), *_refusals(quarantine, filters)]
    if not groups:
        lines.append("no row is set aside" + (" of those asked for" if filters != Filters() else ""))
    for (source, entity, file), members in _by_file(groups):
        total = sum(group.rows for group in members)
        state = ", not loaded" if source in quarantine.refused else ""
        lines += ["", f"{printable(f'{source}/{file}')} ({entity}{state}): {_counted(total, 'row')} set aside"]
        if rows:
            chosen = Filters(source, entity, escape(file), filters.reason)
            kept = 0
            for row in quarantine.rows(chosen):
                kept += 1
                lines.append(f"  {row.quarantine_id}  line {row.line:<7}{_why(row.reason, row.column_name)}")
                lines.append(f"                expected {_expected(row.expected)}")
            if kept < total:
                lines.append(f"  and {total - kept:,} more: of a refused load {MAX_ROWS_A_FILE:,} rows a file are kept")
            continue
        for group in members:
            first = f"line {group.first_line}" if group.rows == 1 else f"first on line {group.first_line}"
            lines += [
                f"  {group.rows:,} x {_why(group.reason, group.column_name)}, {first} ({group.first_id})",
                f"      expected  {_expected(group.expected)}",
                f"      fix       {printable(group.fix or 'mend the row in the file')}",
            ]
    if groups:
        lines += ["", "leadhouse quarantine explain ID shows a row and what to paste; release tries them again"]
    return "\n".join(lines).strip("\n")


def _standing(config: Config, *, refused: bool) -> list[str]:
    served = served_build(config.warehouse_path)
    lines = [f"as published {served['built_at'].astimezone(UTC):%Y-%m-%d %H:%M} UTC"] if served else []
    last = config.last_build_path
    if not refused and last.is_file() and json.loads(last.read_text(encoding="utf-8")).get("status") == "failed":
        lines.append("the last build failed after reading: what it set aside is here once a build publishes")
    return lines


def _refusals(quarantine: Quarantine, filters: Filters) -> list[str]:
    lines = []
    for source, refused in quarantine.refused.items():
        if filters.source in (None, source):
            at = datetime.fromisoformat(refused.refused_at).astimezone(UTC)
            lines.append(f"{printable(source)}: not loaded, refused {at:%Y-%m-%d %H:%M} UTC:")
            lines += [f"  {printable(subject)}: {printable(message)}" for _, subject, message in refused.told]
    return lines


def _by_file(groups: Iterable[Group]) -> list[tuple[tuple[str, str, str], list[Group]]]:
    found: dict[tuple[str, str, str], list[Group]] = {}
    for group in groups:
        found.setdefault((group.source, group.entity, group.file), []).append(group)
    return list(found.items())


def _state(quarantine: Quarantine, source: str) -> str:
    return "not loaded" if source in quarantine.refused else "loaded"


def _why(reason: str, column: str | None) -> str:
    return reason + (f" in {column}" if column else "")


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def explained(config: Config, quarantine: Quarantine, rows: Sequence[Row]) -> str:
    """Each row whole: its place, text and cells, what was expected, the fix, and whether it would load now."""
    parts = []
    for source in config.sources:
        chosen = [row for row in rows if row.source == source.name]
        if not chosen:
            continue
        with trial_of(config, source) as trial:
            parts += [(rows.index(row), _explanation(config, quarantine, row, trial)) for row in chosen]
    left = [
        (rows.index(row), _left(row)) for row in rows if row.source not in {source.name for source in config.sources}
    ]
    return "\n\n".join(text for _, text in sorted(parts + left))


def _left(row: Row) -> str:
    place = printable(f"{row.source}/{row.file}")
    return f"{row.quarantine_id}  {place}, line {row.line}: the configuration no longer names this source"


def _explanation(config: Config, quarantine: Quarantine, row: Row, trial: Trial) -> str:
    entity = ENTITIES[row.entity]
    info = quarantine.info(row)
    _, table = table_of(config.source(row.source), row.entity, row.file, info.sheet if info else None)
    header: list[str] = []
    cells: list[str] = []
    tried: TriedRow | None = None
    places: tuple[int, ...] = ()
    if info is not None:
        opened, record = record_of(info, table, row.line, row.raw_text)
        header = opened.header if opened else []
        cells = record.cells or []
        tried = trial.row(info, row.line, row.raw_text)
        places = tried.feeds.get(row.column_name or "", ())
    found = row.found
    if row.column_name in PERSONAL_COLUMNS:
        found = next((cells[place] for place in places if place < len(cells) and cells[place].strip()), None)
    reject = Reject(row.line, row.raw_text, row.reason, row.column_name, found, row.expected)
    fix = nearest_fix(entity, table, reject, personal=True)
    state = ", not loaded" if row.source in quarantine.refused else ""
    lines = [
        f"{row.quarantine_id}  {printable(f'{row.source}/{row.file}')}, line {row.line} ({row.entity}{state})",
        f"  why       {_why(row.reason, row.column_name)}",
        f"  found     {_shown(found) if found else 'nothing'}",
        f"  expected  {_expected(row.expected)}",
        f"  now       {_now(row, trial, tried)}",
        f"  fix       {printable(fix.words)}",
    ]
    if fix.toml:
        pattern = json.dumps(table.file, ensure_ascii=False) if table else ""
        where = f"below the [[source.table]] of {row.entity} with file = {printable(pattern)}"
        lines.append(f"            in {config.file.name}, {where}:")
        lines += ["", *(f"      {line}" for line in fix.toml.splitlines()), ""]
    lines.append("  as received")
    lines += [f"      {_shown(line)}" for line in row.raw_text.splitlines() or [""]]
    lines += ["  cells", *_cells(header, cells, places)] if cells else []
    return "\n".join(lines)


def _shown(text: str) -> str:
    cut = f" ... and {len(text) - _LONGEST:,} more characters" if len(text) > _LONGEST else ""
    return printable(text[:_LONGEST]) + cut


def _expected(text: str | None) -> str:
    """What is expected, without the nearest fix that follows it."""
    return printable((text or "another value").partition("; ")[0])


def _cells(header: list[str], cells: list[str], feeding: Sequence[int]) -> list[str]:
    width = min(max((len(name) for name in header), default=0), 40)
    lines = []
    for place in range(max(len(header), len(cells))):
        name = header[place].strip() if place < len(header) else "(no column)"
        cell = _shown(cells[place]) if place < len(cells) else "(no cell)"
        mark = ">" if place in feeding else " "
        lines.append(f"    {mark} {printable(name).ljust(width)}  {cell}".rstrip())
    return lines


def _now(row: Row, trial: Trial, tried: TriedRow | None) -> str:
    if trial.has_changed(row.entity, row.file, row.sha256):
        return "the file has changed since: `leadhouse quarantine release --dry-run` reads it"
    if tried is None:
        return "cannot be told: neither the raw store nor the refused load has the header of its file"
    if tried.fate == "filtered":
        return "would be left out by the table's keep or drop"
    if tried.reject is not None:
        why = _why(tried.reject.reason, tried.reject.column)
        return f"still fails: {why}, expected {_expected(tried.reject.expected)}"
    if row.reason == "conflicting_id":
        return f"can be read, but {printable(row.found)}: `leadhouse quarantine release --dry-run` reads the whole file"
    return "would load: `leadhouse quarantine release` builds"
