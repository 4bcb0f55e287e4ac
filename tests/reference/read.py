"""Reads a folder of canonical CSV files as the data contract says."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from .model import ENTITIES, Export, Row, Settings, Source
from .moments import parse_instant

TEXT, INSTANT, DATE, TRUTH, NUMBER = "text", "instant", "date", "truth", "number"

STAGES = (
    "capture",
    "enrich",
    "qualify",
    "mql",
    "sql",
    "alm",
    "route",
    "contact",
    "nurture",
    "convert",
    "reactivate",
    "disqualified",
    "closed",
)

CLOSED_LISTS: dict[str, dict[str, tuple[str, ...]]] = {
    "touches": {
        "channel": ("call", "sms", "email", "chat", "voicemail"),
        "direction": ("outbound", "inbound"),
        "sender_type": ("human", "isa", "automation", "ai"),
        "not_reply": ("auto_reply", "opt_out", "wrong_number"),
    },
    "appointments": {
        "outcome": (
            "held",
            "no_show",
            "cancelled_late",
            "cancelled_early",
            "cancelled_by_us",
        )
    },
    "deals": {"side": ("buyer", "seller")},
    "spend": {"kind": ("media", "vendor_fee", "success_fee")},
    "consents": {
        "channel": ("call", "sms", "email", "all"),
        "event": ("granted", "revoked", "dnc"),
    },
    "stage_changes": {"stage": STAGES},
    "assignments": {"model": ("round_robin", "first_to_respond", "pond", "redistribution", "manual")},
    "agents": {"role": ("agent", "isa", "admin")},
}

REQUIRED: dict[str, tuple[str, ...]] = {
    "people": ("person_id",),
    "inquiries": ("inquiry_id", "event_at"),
    "touches": ("touch_id", "occurred_at", "channel", "direction"),
    "appointments": ("appointment_id", "booked_at", "starts_at", "ends_at"),
    "deals": ("deal_id",),
    "spend": ("date", "source", "amount"),
    "consents": ("consent_id", "at", "channel", "event"),
    "stage_changes": ("change_id", "at", "stage"),
    "assignments": ("assignment_id", "at"),
    "tasks": ("task_id", "due_at"),
    "sla_excuses": ("inquiry_id", "reason", "approver"),
    "agents": ("agent",),
}

# an agent has one row for each period of activity, hence the two columns
KEYS: dict[str, tuple[str, ...]] = {
    "people": ("person_id",),
    "inquiries": ("inquiry_id",),
    "touches": ("touch_id",),
    "appointments": ("appointment_id",),
    "deals": ("deal_id",),
    "spend": ("spend_id",),
    "consents": ("consent_id",),
    "stage_changes": ("change_id",),
    "assignments": ("assignment_id",),
    "tasks": ("task_id",),
    "sla_excuses": ("inquiry_id",),
    "agents": ("agent", "active_from"),
}

TYPES: dict[str, dict[str, str]] = {
    "people": {
        "created_at": INSTANT,
        "deleted_at": INSTANT,
        "past_client_since": INSTANT,
    },
    "inquiries": {
        "event_at": INSTANT,
        "received_at": INSTANT,
        "disqualified_at": INSTANT,
        "is_test": TRUTH,
        "is_spam": TRUTH,
        "is_import": TRUTH,
        "is_agent_created": TRUTH,
        "is_past_client": TRUTH,
    },
    "touches": {
        "occurred_at": INSTANT,
        "ended_at": INSTANT,
        "connected": TRUTH,
        "talked": TRUTH,
        "recorded": TRUTH,
        "duration_seconds": NUMBER,
    },
    "appointments": {
        "booked_at": INSTANT,
        "starts_at": INSTANT,
        "ends_at": INSTANT,
        "cancelled_at": INSTANT,
    },
    "deals": {
        "agreement_at": INSTANT,
        "contract_at": INSTANT,
        "closed_at": INSTANT,
        "fell_through_at": INSTANT,
        "sale_price": NUMBER,
        "gci": NUMBER,
        "referral_fee": NUMBER,
        "agent_split": NUMBER,
    },
    "spend": {
        "date": DATE,
        "date_to": DATE,
        "amount": NUMBER,
        "impressions": NUMBER,
        "clicks": NUMBER,
    },
    "consents": {"at": INSTANT},
    "stage_changes": {"at": INSTANT},
    "assignments": {"at": INSTANT},
    "tasks": {"due_at": INSTANT, "done_at": INSTANT},
    "sla_excuses": {"at": INSTANT},
    "agents": {"active_from": DATE, "active_to": DATE},
}

TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class UnreadableError(ValueError):
    """A row that goes to quarantine; the message is the reason."""


def read_export(settings: Settings, **seeds: Iterable[dict[str, str]]) -> Export:
    """All sources of the settings.

    Seeds come as lists of dicts: `sla_policies`, `source_categories`, `fx_rates`, `vendor_fees`, `person_links`,
    `quiet_hours`; one
    that is not given is looked for in the seeds folder of the settings, else keeps its default.
    """
    export = Export()
    for name in (
        "sla_policies",
        "source_categories",
        "fx_rates",
        "vendor_fees",
        "person_links",
        "quiet_hours",
    ):
        if name in seeds:
            setattr(export, name, [dict(row) for row in seeds[name]])
        elif settings.seeds_folder and (settings.seeds_folder / f"{name}.csv").exists():
            setattr(export, name, read_seed(settings.seeds_folder / f"{name}.csv"))
    for source in settings.sources:
        for entity in ENTITIES:
            _read_entity(export, source, entity, settings)
    return export


def read_folder(folder: str | Path, settings: Settings, **seeds: Iterable[dict[str, str]]) -> Export:
    """One folder as the first source of the settings."""
    source = replace(settings.sources[0], folder=Path(folder))
    return read_export(replace(settings, sources=(source,)), **seeds)


def read_seed(path: str | Path) -> list[dict[str, str]]:
    """A seed file as it is."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return [dict(row) for row in csv.DictReader(file)]


def fx_rate(fx_rates: Iterable[dict[str, str]], day: date, currency: str) -> Decimal | None:
    """Units of the brokerage's currency for one unit of `currency` in the month of `day`."""
    month = f"{day:%Y-%m}"
    for row in fx_rates:
        if row["month"].strip() == month and row["currency"].strip().upper() == currency.upper():
            return Decimal(row["rate"].strip())
    return None


def in_own_currency(row: Row, settings: Settings, fx_rates: Iterable[dict[str, str]]) -> Decimal | None:
    """The amount of a spend line in the brokerage's currency; None without a rate."""
    amount: Decimal = row["amount"]
    currency = row.get("currency")
    if not currency or currency.upper() == settings.currency.upper():
        return amount
    rate = fx_rate(fx_rates, row["date"], currency)
    return None if rate is None else amount * rate


def _read_entity(export: Export, source: Source, entity: str, settings: Settings) -> None:
    """Every file of one entity of one source, in order of their names."""
    current: dict[tuple[Any, ...], Row] = {}
    without_id = 0
    logs: dict[str, Row] = {}
    for path in sorted(source.folder.glob(f"{entity}*.csv"), key=lambda path: path.name):
        log: Row = {"source": source.name, "entity": entity, "file": path.name}
        log |= dict.fromkeys(("rows", "loaded", "quarantined", "exact_duplicates", "superseded"), 0)
        logs[path.name] = log
        seen: dict[tuple[Any, ...], list[str]] = {}
        for line, header, cells in _lines(path):
            log["rows"] += 1
            try:
                row = _typed(entity, header, cells, source)
                if entity == "spend" and in_own_currency(row, settings, export.fx_rates) is None:
                    raise UnreadableError("no fx rate")
                key = tuple(row[column] for column in KEYS[entity])
                if entity == "spend" and row["spend_id"] is None:
                    without_id += 1
                    key = (None, without_id)
                if key in seen:
                    if seen[key] == cells:
                        log["exact_duplicates"] += 1
                        continue
                    raise UnreadableError("same id")
            except UnreadableError as problem:
                log["quarantined"] += 1
                entry = {
                    "source": source.name,
                    "entity": entity,
                    "file": path.name,
                    "line": line,
                }
                export.quarantine.append(entry | {"reason": str(problem)})
                continue
            seen[key] = cells
            earlier = current.get(key)
            if earlier:
                logs[earlier["_file"]]["loaded"] -= 1
                logs[earlier["_file"]]["superseded"] += 1
            row |= {
                "_source": source.name,
                "_id_space": source.id_space,
                "_file": path.name,
                "_line": line,
            }
            current[key] = row
            log["loaded"] += 1
    getattr(export, entity).extend(current.values())
    export.load_log.extend(logs.values())


def _lines(path: Path) -> Iterable[tuple[int, list[str], list[str]]]:
    """The first physical line, the header and the cells of each row."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header = [name.strip() for name in next(reader, [])]
        start = reader.line_num + 1
        for cells in reader:
            if cells:
                yield start, header, cells
            start = reader.line_num + 1


def _typed(entity: str, header: list[str], cells: list[str], source: Source) -> Row:
    if len(cells) != len(header):
        raise UnreadableError("wrong width")
    texts = {name: text.strip() for name, text in zip(header, cells, strict=True)}
    row: Row = dict.fromkeys(KEYS[entity] + REQUIRED[entity] + tuple(TYPES[entity]))
    for column, text in texts.items():
        if not text:
            row[column] = None
            continue
        try:
            row[column] = _value(TYPES[entity].get(column, TEXT), text, source.timezone)
        except (ValueError, InvalidOperation, OverflowError) as problem:
            raise UnreadableError(f"unreadable {column}") from problem
        words = CLOSED_LISTS.get(entity, {}).get(column)
        if words:
            row[column] = text.lower()
            if row[column] not in words:
                raise UnreadableError(f"unknown {column}")
    for column in REQUIRED[entity]:
        if row[column] is None:
            raise UnreadableError(f"missing {column}")
    return row


def _value(kind: str, text: str, zone: ZoneInfo) -> Any:
    return _PARSERS[kind](text, zone)


def _truth(text: str, zone: ZoneInfo) -> bool:
    if text.lower() not in TRUTHS:
        raise ValueError(text)
    return TRUTHS[text.lower()]


def _number(text: str, zone: ZoneInfo) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(text)
    return number


_PARSERS: dict[str, Callable[[str, ZoneInfo], Any]] = {
    TEXT: lambda text, zone: text,
    INSTANT: parse_instant,
    DATE: lambda text, zone: parse_day(text),
    TRUTH: _truth,
    NUMBER: _number,
}


def parse_day(text: str) -> date:
    """A calendar day; of an instant its own written day."""
    return date.fromisoformat(text.strip()[:10])
