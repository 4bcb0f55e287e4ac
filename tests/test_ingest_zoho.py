"""The real export through examples/zoho/leadhouse.toml. Skips where LEADHOUSE_ZOHO_DIR names no such folder."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from dagster_project.config import Config, load_config
from dagster_project.sources.ingest import ingest_source
from dagster_project.sources.report import LoadReport
from dagster_project.warehouse.working import prepare_working
from tests.ingest_kit import figures

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "zoho" / "leadhouse.toml"


def configured(zoho_dir: Path, folder: Path, **more: str) -> Config:
    warehouse = str(folder / "leadhouse.duckdb")
    return load_config(EXAMPLE, {"LEADHOUSE_ZOHO_DIR": str(zoho_dir), "LEADHOUSE_ZOHO_WAREHOUSE": warehouse, **more})


@pytest.fixture(scope="module")
def loaded(
    zoho_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[duckdb.DuckDBPyConnection, LoadReport, float]:
    config = configured(zoho_dir, tmp_path_factory.mktemp("zoho"))
    connection = duckdb.connect()
    prepare_working(connection)
    start = time.perf_counter()
    report = ingest_source(
        connection, config, config.sources[0], load_id="L1", clock=datetime(2026, 11, 24, tzinfo=UTC)
    )
    return connection, report, time.perf_counter() - start


Loaded = tuple[duckdb.DuckDBPyConnection, LoadReport, float]


def test_every_row_is_accounted_for(loaded: Loaded) -> None:
    _, report, seconds = loaded
    assert {file.file: figures(file) for file in report.files} == {
        "contacts.csv": (10_946, 10_946, 0, 0, 0, 0),
        "deals.csv": (12_601, 12_601, 0, 0, 0, 0),
        "calls.csv": (52_123, 52_088, 0, 0, 0, 35),
        "spend.csv": (12_224, 12_224, 0, 0, 0, 0),
    }
    assert report.warnings == [
        "zoho/spend.csv: 64 lines without spend_id repeat an earlier one word for word, all loaded"
    ]
    assert report.data_through == datetime(2024, 3, 1, tzinfo=UTC)
    assert seconds < 20  # some 2 s on a quiet machine; the limit is for a busy one


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("SELECT sum(amount) FROM raw.spend", Decimal("83752.16")),
        ("SELECT sum(amount) FROM raw.spend WHERE source = 'Test'", Decimal("444.17")),
        ("SELECT count(*) FROM raw.inquiries WHERE person_id IS NULL", 61),
        ("SELECT count(*) FROM raw.touches WHERE person_id IS NULL", 2_016),  # 2,049 less 33 that never happened
        ("SELECT count(*) FROM raw.inquiries WHERE is_test", 38),
        ("SELECT count(*) FROM raw.inquiries WHERE is_test IS NULL", 0),
        ("SELECT count(*) FROM raw.touches WHERE connected", 41_025),  # 39,093 + 1,905 + 12 + 15
        ("SELECT count(*) FROM raw.touches WHERE direction = 'inbound'", 5_469),
        ("SELECT count(*) FROM raw.touches WHERE _time_flags IS NOT NULL", 2),
        ("SELECT min(occurred_at) FROM raw.touches", datetime(2023, 6, 30, 6, 43, tzinfo=UTC)),
        ("SELECT max(event_at) FROM raw.inquiries", datetime(2024, 2, 29, 22, 43, tzinfo=UTC)),
    ],
)
def test_what_stands_in_raw(loaded: Loaded, sql: str, answer: object) -> None:
    assert loaded[0].execute(sql).fetchall() == [(answer,)]


def test_the_grain_of_leads_is_a_variable(zoho_dir: Path, tmp_path: Path) -> None:
    assert configured(zoho_dir, tmp_path).sources[0].lead_grain == "episode"
    assert configured(zoho_dir, tmp_path, LEADHOUSE_LEAD_GRAIN="record").sources[0].lead_grain == "record"
