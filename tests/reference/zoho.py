"""The real export of a CRM, a dialer and ad accounts, mapped as its own README says.

The data stays where it is; `LEADHOUSE_ZOHO_DIR` names its folder.
"""

from __future__ import annotations

import csv
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from .model import Export, Row, Settings, Source
from .moments import local_to_utc
from .read import parse_day

AS_OF = datetime(2024, 3, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
NEVER_HAPPENED = ("Overdue", "Cancelled")
CONNECTED = (
    "Attended Dialled",
    "Received",
    "Scheduled Attended",
    "Scheduled Attended Delay",
)


def folder() -> Path | None:
    """Where the data is; None when it is absent."""
    name = os.environ.get("LEADHOUSE_ZOHO_DIR", "")
    return Path(name) if name and (Path(name) / "deals.csv").exists() else None


def settings(lead_grain: str) -> Settings:
    """One source, no hours."""
    source = Source(name="zoho", timezone=BERLIN, id_space="zoho", lead_grain=lead_grain)
    return Settings(timezone=BERLIN, country="DE", currency="EUR", sources=(source,))


def load(path: Path) -> Export:
    """Deals as inquiries, contacts as people, calls as touches, spend as spend."""
    export = Export(sla_policies=[])
    for row in _rows(path / "contacts.csv"):
        export.people.append(
            {
                "person_id": row["Id"],
                "created_at": _instant(row["Created Time"]),
                "agent": row["Contact Owner Name"],
            }
        )
    for row in _rows(path / "deals.csv"):
        export.inquiries.append(
            {
                "inquiry_id": row["Id"],
                "person_id": row["Contact Name"] or None,
                "event_at": _instant(row["Created Time"]),
                "received_at": None,
                "source": row["Source"] or None,
                "campaign": row["Campaign"] or None,
                "agent": row["Deal Owner Name"] or None,
                "is_test": row["Source"] == "Test",
            }
        )
    for row in _rows(path / "calls.csv"):
        if row["Call Status"] in NEVER_HAPPENED:
            continue
        export.touches.append(
            {
                "touch_id": row["Id"],
                "person_id": row["CONTACTID"] or None,
                "occurred_at": _instant(row["Call Start Time"]),
                "channel": "call",
                "direction": "outbound" if row["Call Type"] == "Outbound" else "inbound",
                "sender_type": "human",
                "agent": row["Call Owner Name"] or None,
                "connected": row["Call Status"] in CONNECTED,
                "duration_seconds": Decimal(row["Call Duration (in seconds)"] or 0),
            }
        )
    for row in _rows(path / "spend.csv"):
        export.spend.append(
            {
                "spend_id": None,
                "date": parse_day(row["Date"]),
                "source": row["Source"],
                "campaign": row["Campaign"] or None,
                "amount": Decimal(row["Spend"]),
            }
        )
    for rows in (export.people, export.inquiries, export.touches, export.spend):
        for row in rows:
            row |= {"_source": "zoho", "_id_space": "zoho", "_file": "", "_line": 0}
    return export


def _rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _instant(text: str) -> datetime:
    return local_to_utc(datetime.strptime(text, "%d.%m.%Y %H:%M"), BERLIN)  # noqa: DTZ007
