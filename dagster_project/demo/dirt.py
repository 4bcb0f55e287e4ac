"""Spoils the files as real ones are spoilt: repeated, contradicted, cut and unreadable rows, each of them counted.

Spoilt rows are copies of good ones under ids of their own: nothing that happened is lost, the truth stays whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dagster_project.demo.cast import PLOT
from dagster_project.demo.streams import Streams
from dagster_project.demo.tables import Row, Table

Kind = Literal[
    "duplicate", "conflicting_id", "unreadable_value", "unknown_word", "missing_required", "wrong_width", "bad_json"
]


@dataclass(frozen=True)
class Spoil:
    """So many rows of one kind; `column` gets `cell`. `share` of the rows where that is more than `rows`."""

    kind: Kind
    rows: int = 1
    column: str = ""
    cell: str = ""
    share: float = 0.0


SPOILS: dict[str, tuple[Spoil, ...]] = {
    "people.csv": (
        Spoil("duplicate", 2), Spoil("conflicting_id", 1, "stage", "Attempted Contact"), Spoil("wrong_width"),
        Spoil("unreadable_value", 1, "created", "last tuesday"),
    ),
    "events.jsonl": (
        Spoil("duplicate", 3), Spoil("bad_json"), Spoil("unreadable_value", 1, "occurred", "2026-02-30T10:00:00Z"),
    ),
    "calls.csv": (
        Spoil("duplicate", 2), Spoil("conflicting_id", 1, "outcome", "Busy"),
        Spoil("unreadable_value", 1, "duration", "n/a"), Spoil("wrong_width"),
    ),
    "text_messages.csv.gz": (Spoil("duplicate", 3), Spoil("unknown_word", 1, "isIncoming", "maybe")),
    "emails.csv": (Spoil("duplicate", 2), Spoil("missing_required", 2, "created")),
    "appointments.csv": (Spoil("duplicate"), Spoil("unknown_word", 1, "outcome", "Rain check")),
    "deals.csv": (Spoil("unreadable_value", 1, "price", "call me"),),
    "assignment_log.csv": (Spoil("unknown_word", 1, "rule", "Coin toss"), Spoil("duplicate")),
    "stage_log.csv": (Spoil("wrong_width"),),
    "calltracking/calls.csv": (Spoil("duplicate", 2), Spoil("unreadable_value", 1, "start_time", "0000-00-00")),
    "consents.csv": (Spoil("missing_required", 1, "submitted_at"),),
    "google_ads.csv": (Spoil("unreadable_value", 1, "metrics.cost_micros", "--"),),
    "ledger.xlsx": (Spoil("unreadable_value", 1, "Amount", "see e-mail"),),
    f"calls-{PLOT.bad_export}.csv": (
        Spoil("unreadable_value", 4, "Started (CT)", "########", share=0.02), Spoil("duplicate"),
    ),
}  # fmt: skip
"""By file. The dialer's export of one month was opened in a spreadsheet, whose narrow column wrote `########`."""


def spoil(table: Table, streams: Streams) -> None:
    """Put a table's dirt among its rows, and count it and all its rows in `table.feeds`."""
    spoils = SPOILS.get(f"{table.source}/{table.file}", SPOILS.get(table.file, ()))
    if table.source == "calltracking":
        spoils = SPOILS["calltracking/calls.csv"]
    if table.sheet == "SLA excuses":
        spoils = ()
    rng = streams.of(f"dirt of {table.source}/{table.file}")
    good = [number for number, row in enumerate(table.rows) if _is_usual(table, row)]
    added: list[tuple[int, Row]] = []
    for each in spoils:
        count = max(each.rows, math.ceil(each.share * len(table.rows)))
        for place in sorted(rng.choice(good, size=min(count, len(good)), replace=False).tolist()):
            added.append((place, _spoilt(table, table.rows[place], each, len(added))))
            if each.kind == "duplicate":
                table.main.exact_duplicates += 1
            else:
                table.main.quarantined[each.kind] += 1
            for other in table.feeds[1:]:
                other.filtered += 1
    for place, row in sorted(added, key=lambda each: each[0], reverse=True):
        table.rows.insert(place + 1, row)
    for feed in table.feeds:
        feed.rows = len(table.rows)


def _is_usual(table: Table, row: Row) -> bool:
    """Whether a row is one that the mapping reads: no total, nothing that it filters or reads twice."""
    cells = dict(zip(table.header, row, strict=False))
    return not (
        cells.get("segments.date") == "Total"
        or cells.get("Vendor") == "Total"
        or cells.get("Direction") == "Internal"
        or cells.get("lead_status")
        or cells.get("optOutType")
        or cells.get("toStage") == "Met With Customer"
        or cells.get("outcome") in ("Interested", "Busy")
    )


def _spoilt(table: Table, row: Row, spoil: Spoil, number: int) -> Row:
    if spoil.kind == "duplicate":
        return list(row)
    if spoil.kind == "bad_json":
        return [f'{{"id": {row[0]}9{number}, "created": "2026-']
    copy = list(row)
    if spoil.kind != "conflicting_id":
        copy[0] = f"{row[0]}9{number}"
    if spoil.column:
        copy[table.header.index(spoil.column)] = spoil.cell
    return copy[:-1] if spoil.kind == "wrong_width" else copy


def counts(tables: Sequence[Table]) -> list[dict[str, object]]:
    """One entry for each file and entity, as `quality.load_log` should have it."""
    return [
        {
            "source": table.source,
            "file": table.file,
            "entity": feed.entity,
            "rows": feed.rows,
            "loaded": feed.loaded,
            "quarantined": dict(sorted(feed.quarantined.items())),
            "exact_duplicates": feed.exact_duplicates,
            "superseded": feed.superseded,
            "filtered": feed.filtered,
        }
        for table in tables
        for feed in table.feeds
    ]
