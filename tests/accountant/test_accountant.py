"""The accountant's month: a real build of it gives the rows of expected.csv, money to the cent."""

from __future__ import annotations

import csv
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.builds import Row, published_rows
from tests.conftest import run_leadhouse

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
KEY = ("period", "period_start", "view", "source")
MONEY = ("cost", "cost_media", "cost_fees", "gci", "company_dollar", "pending_gci_weighted")
COUNTS = (
    "leads_eligible",
    "appointments_set",
    "appointments_held",
    "contracts",
    "closes",
    "splits_missing",
    "splits_assumed",
)
WORDS = ("verdict", "why_null")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published file of a build of the month."""
    folder = tmp_path_factory.mktemp("accountant") / "export"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    built = run_leadhouse("build", "--config", folder / "leadhouse.toml", "--as-of", "2026-05-10T16:00:00Z")
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "warehouse" / "leadhouse.duckdb"


def expected() -> list[Row]:
    with (HERE / "expected.csv").open(newline="", encoding="utf-8") as file:
        return [{name: _value(name, text) for name, text in row.items()} for row in csv.DictReader(file)]


def _value(name: str, text: str) -> Any:
    if name in KEY:
        return text
    if not text:
        return None
    if name in WORDS:
        return text
    if name in MONEY:
        return Decimal(text)
    return int(text) if name in COUNTS else pytest.approx(float(text), abs=5e-7)


def by_key(rows: list[Row]) -> dict[tuple[str, ...], Row]:
    return {tuple(str(row[name]) for name in KEY): row for row in rows}


def test_every_row_of_the_month(warehouse: Path) -> None:
    answers = by_key(expected())
    found = by_key(published_rows(warehouse, "SELECT * FROM marts.source_economics"))
    assert {key for key in found if key[0] == "month"} == {key for key in answers if key[0] == "month"}
    wrong = [
        (*key, name, found[key][name], value)
        for key, row in answers.items()
        for name, value in row.items()
        if name not in KEY and found[key][name] != value
    ]
    assert wrong == []


def test_the_rows_behind_a_figure(warehouse: Path) -> None:
    """Lines, deals and leads that a page lists under Zillow, April, cash."""
    rows = published_rows(
        warehouse,
        """
        SELECT entry, coalesce(spend_id, split_part(deal_key, ':', 2), split_part(chain_id, ':', 2),
            split_part(lead_id, ':', 2)) AS id, sum(cost_media + cost_fees + e.company_dollar) AS money
        FROM marts.source_economics_entries AS e
        LEFT JOIN (SELECT DISTINCT spend_key, spend_id FROM marts.spend) USING (spend_key)
        WHERE view = 'cash' AND source = 'Zillow' AND day BETWEEN '2026-04-01' AND '2026-04-30'
        GROUP BY ALL
        """,
    )
    assert {(row["entry"], row["id"]): row["money"] for row in rows} == {
        ("media", "Z1"): Decimal("599.94"),
        ("media", "Z2"): Decimal("-33.34"),
        ("vendor_fee", "V1"): Decimal("119.48"),
        ("referral_fee", "D1"): Decimal("500.00"),
        ("closing", "D1"): Decimal("2700.00"),
        ("contract", "D1"): 0,
        ("contract", "D2"): 0,
        ("lead", "I1"): 0,
        ("lead", "I2"): 0,
        ("appointment_set", "A1"): 0,
        ("appointment_set", "A2"): 0,
        ("appointment_set", "A4"): 0,
        ("appointment_held", "A1"): 0,
        ("appointment_held", "A2"): 0,
    }
