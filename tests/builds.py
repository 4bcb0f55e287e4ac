"""What tests of whole builds share: reading what was published, the reference's view of the same export."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from dagster_project.warehouse.published import open_published
from tests.reference.compute import compute
from tests.reference.model import Result, Settings
from tests.reference.read import read_export, read_seed

ROOT = Path(__file__).resolve().parent.parent
SEEDS = ("sla_policies", "source_categories", "quiet_hours", "fx_rates", "vendor_fees", "person_links")

Row = dict[str, Any]


def published_rows(warehouse: Path, query: str) -> list[Row]:
    """Rows of a query over a published file, as dictionaries."""
    with open_published(warehouse) as connection:
        result = connection.execute(query)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def metric_weekly(warehouse: Path) -> list[Row]:
    """Every figure that is published, in the order of the table's key."""
    return published_rows(
        warehouse, "SELECT * FROM marts.metric_weekly ORDER BY week_start, period, metric_id, slice, slice_value"
    )


def reference_of(config: Path, as_of: datetime) -> Result:
    """The same export, read and computed by the reference, with the packaged seeds under the export's own."""
    settings = Settings.from_toml(config)
    own = config.parent / "seeds"
    seeds = {}
    for name in SEEDS:
        path = own / f"{name}.csv"
        seeds[name] = read_seed(path if path.is_file() else ROOT / "seeds" / f"{name}.csv")
    return compute(read_export(settings, **seeds), settings, as_of)
