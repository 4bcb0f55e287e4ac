"""Spoils the files as real ones are spoilt: repeated, contradicted, cut and unreadable rows, each of them counted.

Spoilt rows are copies of good ones under ids of their own: nothing that happened is lost, the truth stays whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dagster_project.demo.cast import PLOT
from dagster_project.demo.crm import NO_STAGE
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
    "crm/people.csv": (
        Spoil("duplicate", 2), Spoil("conflicting_id", 1, "stage", "Attempted Contact"), Spoil("wrong_width"),
        Spoil("unreadable_value", 1, "created", "last tuesday"),
    ),
    "crm/events.jsonl": (
        Spoil("duplicate", 3), Spoil("bad_json"), Spoil("unreadable_value", 1, "occurred", "2026-02-30T10:00:00Z"),
    ),
    "crm/calls.csv": (
        Spoil("duplicate", 2), Spoil("conflicting_id", 1, "outcome", "Busy"),
        Spoil("unreadable_value", 1, "duration", "n/a"), Spoil("wrong_width"),
    ),
    "crm/text_messages.csv.gz": (Spoil("duplicate", 3), Spoil("unknown_word", 1, "isIncoming", "maybe")),
    "crm/emails.csv": (Spoil("duplicate", 2), Spoil("missing_required", 2, "created")),
    "crm/appointments.csv": (Spoil("duplicate"), Spoil("unknown_word", 1, "outcome", "Rain check")),
    "crm/deals.csv": (Spoil("unreadable_value", 1, "price", "call me"),),
    "crm/assignment_log.csv": (Spoil("unknown_word", 1, "rule", "Coin toss"), Spoil("duplicate")),
    "crm/stage_log.csv": (Spoil("wrong_width"),),
    "calltracking/calls.csv": (Spoil("duplicate", 2), Spoil("unreadable_value", 1, "start_time", "0000-00-00")),
    "web/consents.csv": (Spoil("missing_required", 1, "submitted_at"),),
    "ads/google_ads.csv": (Spoil("unreadable_value", 1, "metrics.cost_micros", "--"),),
    "office/ledger.xlsx#Invoices": (Spoil("unreadable_value", 1, "Amount", "see e-mail"),),
    f"dialer/calls-{PLOT.bad_export}.csv": (
        Spoil("unreadable_value", 4, "Started (CT)", "########", share=0.02), Spoil("duplicate"),
    ),
}  # fmt: skip
"""By file. The dialer's export of one month was opened in a spreadsheet, whose narrow column wrote `########`."""


def spoil(table: Table, streams: Streams) -> None:
    """Put a table's dirt among its rows, and count it and all its rows in `table.feeds`."""
    name = f"{table.source}/{table.file}"
    spoils = SPOILS.get(f"{name}#{table.sheet}" if table.sheet else name, ())
    rng = streams.of(f"dirt of {table.source}/{table.file}")
    added: list[tuple[int, Row]] = []
    for each in spoils:
        good = _usual_rows(table, each.column)
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


_SPECIAL = {
    "segments.date": ("Total",),
    "Vendor": ("Total",),
    "Direction": ("Internal",),
    "lead_status": ("not_a_lead",),
    "optOutType": ("STOP",),
    "toStage": (NO_STAGE,),
}
"""Rows that the mapping leaves out or reads twice: their copies would be no plain dirt."""


def _usual_rows(table: Table, column: str) -> list[int]:
    """Places of the rows that may be spoilt: nothing special, and something to change in `column`."""
    checks = [(table.header.index(name), words) for name, words in _SPECIAL.items() if name in table.header]
    place = table.header.index(column) if column else 0
    return [
        number
        for number, row in enumerate(table.rows)
        if row[place] != "Busy" and not any(row[at] in words for at, words in checks)
    ]


def _spoilt(table: Table, row: Row, spoil: Spoil, number: int) -> Row:
    if spoil.kind == "duplicate":
        return list(row)
    if spoil.kind == "bad_json":
        return [f'{{"id": {row[0]}9{number}, "created": "2026-']
    copy = list(row)
    if spoil.kind != "conflicting_id" and table.header[0] != "segments.date":  # spend has no ids of its own
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
