"""One whole build of two exports, one as it should be and one with several faults: what its checks say and publish."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest

from tests.builds import Row, published_rows
from tests.checks_house import AS_OF, base
from tests.conftest import run_leadhouse

pytestmark = pytest.mark.slow

CONFIG = """
[brokerage]
name = "Two Exports"
timezone = "America/New_York"
country = "US"

[[source]]
name = "crm"
kind = "files"
path = "crm"

[[source]]
name = "portal"
kind = "files"
path = "portal"
"""
FORM = "%Y-%m-%d %H:%M:%S"


def write_export(folder: Path, area: str, seed: int) -> dict[str, pd.DataFrame]:
    """A clean export in the canonical columns; its tables by name."""
    frame = base(seed)
    number = frame["number"].astype(str)
    person = pd.DataFrame({"person_id": "p" + number, "phone": area + (2_000_000 + frame["number"]).astype(str)})
    at = {name: frame[name].dt.strftime(FORM) for name in ("opened", "touched")}
    meets = frame["touched"].dt.floor("D") + pd.to_timedelta(34 + frame["number"] % 8, unit="h")
    tables = {
        "people": person.assign(created_at=at["opened"]),
        "inquiries": person.assign(inquiry_id="i" + number, event_at=at["opened"], source="Zillow"),
        "touches": person.assign(
            touch_id="t" + number, occurred_at=at["touched"], channel="call", direction="outbound", sender_type="human",
            connected="true", duration_seconds=60
        ),
        "appointments": person.assign(
            appointment_id="a" + number, booked_at=(frame["touched"] + pd.Timedelta(minutes=1)).dt.strftime(FORM),
            starts_at=meets.dt.strftime(FORM), ends_at=(meets + pd.Timedelta(hours=1)).dt.strftime(FORM),
            outcome=frame["outcome"]
        )[frame["number"] % 8 == 0],
    }  # fmt: skip
    folder.mkdir(parents=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return tables


def spoil(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """A source that nobody knows, calls without a sender, a day that is missing, dates for times, no outcomes."""
    inquiries, touches, appointments = tables["inquiries"], tables["touches"], tables["appointments"]
    dates = inquiries["inquiry_id"].str.endswith("3")
    inquiries["event_at"] = inquiries["event_at"].where(~dates, inquiries["event_at"].str[:10] + " 00:00:00")
    inquiries["source"] = "Billboard 7"
    touches = touches[~touches["occurred_at"].str.startswith("2026-11-12")].assign(sender_type=None)
    appointments = appointments.assign(outcome=None, ends_at=appointments["starts_at"].str[:10] + " 00:00:00")
    for name, table in (("inquiries", inquiries), ("touches", touches), ("appointments", appointments)):
        table.to_csv(folder / f"{name}.csv", index=False)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checked")
    (folder / "leadhouse.toml").write_text(CONFIG, encoding="utf-8")
    write_export(folder / "crm", "603", 7)
    spoil(folder / "portal", write_export(folder / "portal", "207", 8))
    built = run_leadhouse("build", "--config", folder / "leadhouse.toml", "--as-of", AS_OF.isoformat())
    assert built.returncode == 0, built.stderr
    assert "warning: check touches_every_day on touches: found portal: no touches on Thu 2026-11-12" in built.stderr
    return folder / "warehouse" / "leadhouse.duckdb"


@pytest.fixture(scope="module")
def failed(warehouse: Path) -> dict[str, Row]:
    rows = published_rows(warehouse, "SELECT * FROM quality.check_results WHERE status = 'failed'")
    return {row["check_name"]: row for row in rows}


def test_the_faults_are_found_and_nothing_of_the_clean_export(failed: dict[str, Row]) -> None:
    assert failed.keys() == {
        "sources_have_a_category",
        "senders_are_known",
        "touches_every_day",
        "inquiries_not_at_midnight",
        "outcomes_are_delivered",
        "appointments_end_after_they_start",
    }
    assert {tuple(row["offenders"]) for row in failed.values()} == {("portal",)}


def test_offending_rows_lead_to_their_lines(warehouse: Path, failed: dict[str, Row]) -> None:
    rows = defaultdict(list)
    for row in published_rows(warehouse, "SELECT * FROM quality.check_rows"):
        rows[row["check_name"]].append(row)
    assert rows.keys() == failed.keys() - {"touches_every_day"}
    for row in rows["inquiries_not_at_midnight"]:
        assert (row["source"], row["entity"], row["file"]) == ("portal", "inquiries", "inquiries.csv")
        line = (warehouse.parents[1] / "portal" / "inquiries.csv").read_text(encoding="utf-8").splitlines()
        assert row["row_id"] in line[row["line"] - 1].split(",")
        assert "00:00:00" in line[row["line"] - 1]


def test_every_check_of_a_suite_has_its_row(warehouse: Path) -> None:
    from dagster_project.expectations import read_suites

    names = {rule.name for suite in read_suites() for rule in suite.expectations}
    rows = published_rows(warehouse, "SELECT check_name FROM quality.check_results WHERE layer != 'structure'")
    assert sorted(row["check_name"] for row in rows) == sorted(names)
