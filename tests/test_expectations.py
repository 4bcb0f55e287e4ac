"""Every expectation, fed input that must fail it and input that must not; and the suites as data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import pytest
from pydantic import ValidationError

from dagster_project.expectations import Expectation, Suite, read_suites, run_suites
from dagster_project.warehouse.checks import CheckResult

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SUITES = read_suites()

LOAD_LOG = (
    "CREATE TABLE quality.load_log (source VARCHAR, file VARCHAR, entity VARCHAR, rows BIGINT, loaded BIGINT,"
    " quarantined BIGINT, exact_duplicates BIGINT, superseded BIGINT, filtered BIGINT, status VARCHAR)"
)
INQUIRIES = (
    "CREATE TABLE marts.inquiries (feed VARCHAR, names_a_person BOOLEAN, category VARCHAR, has_clock_error BOOLEAN)"
)
TOUCHES = "CREATE TABLE marts.touches (feed VARCHAR, person_key VARCHAR, direction VARCHAR, sender_type VARCHAR)"
METRICS = (
    "CREATE TABLE marts.metric_weekly (week_start DATE, period VARCHAR, metric_id VARCHAR, slice VARCHAR,"
    " slice_value VARCHAR, value DOUBLE, numerator BIGINT, denominator BIGINT, ci_low DOUBLE, ci_high DOUBLE)"
)
RECONCILIATION = (
    "CREATE TABLE marts.reconciliation (source VARCHAR, week_start DATE, is_complete BOOLEAN, origin VARCHAR,"
    " theirs BIGINT, unexplained BIGINT)"
)
GOOD = (
    """
    INSERT INTO marts.reconciliation VALUES
        ('Zillow', '2026-11-16', true, 'file', 100, -1),
        ('Zillow', '2026-11-09', true, 'file', 100, 1),
        ('Website', '2026-11-16', true, 'file', 1, 2),     -- two leads may always differ
        ('Zillow', '2026-10-19', true, 'file', 100, -50),  -- too long ago
        ('Zillow', '2026-11-23', false, 'file', 100, -50)  -- not over yet
    """,
    "INSERT INTO quality.load_log VALUES ('crm', 'a.csv', 'touches', 1000, 990, 5, 3, 2, 0, 'loaded')",
    "INSERT INTO marts.inquiries VALUES ('crm', true, 'portal', false)",
    "INSERT INTO marts.touches VALUES ('crm', 'crm:1', 'outbound', 'human')",
    """
    INSERT INTO marts.metric_weekly VALUES
        ('2026-11-16', 'week', 'contact_rate_48h', 'all', 'all', 0.5, 5, 10, 0.2, 0.8),
        ('2026-11-16', 'week', 'response_minutes_median', 'all', 'all', 12, 5, 10, 6, null),
        ('2026-11-16', 'week', 'spend', 'all', 'all', -5.25, null, null, null, null),
        ('2026-11-16', 'week', 'spend', 'source', 'Zillow', -5.25, null, null, null, null),
        ('2026-11-16', 'week', 'leads', 'all', 'all', 3, null, null, null, null),
        ('2026-11-16', 'week', 'leads', 'source', 'Zillow', 2, null, null, null, null),
        ('2026-11-16', 'week', 'leads', 'source', 'Website', 1, null, null, null, null),
        ('2026-11-16', 'week', 'leads_eligible', 'all', 'all', 2, null, null, null, null),
        ('2026-11-16', 'week', 'leads_excluded', 'all', 'all', 1, null, null, null, null)
    """,
)
MUST_FAIL = {
    "every_row_accounted_for": "UPDATE quality.load_log SET loaded = 989",
    "few_rows_quarantined": "UPDATE quality.load_log SET quarantined = 11, loaded = 984",
    "inquiries_name_a_person": "UPDATE marts.inquiries SET names_a_person = false",
    "sources_have_a_category": "UPDATE marts.inquiries SET category = '(none)'",
    "clocks_agree": "UPDATE marts.inquiries SET has_clock_error = true",
    "touches_find_their_person": "UPDATE marts.touches SET person_key = null",
    "senders_are_known": "UPDATE marts.touches SET sender_type = null",
    "shares_are_shares": "UPDATE marts.metric_weekly SET value = 1.1, ci_high = 1.2 WHERE metric_id LIKE '%rate%'",
    "counts_and_times_are_not_negative": "UPDATE marts.metric_weekly SET value = -1 WHERE metric_id LIKE 'leads%'",
    "numerator_within_denominator": "UPDATE marts.metric_weekly SET numerator = 11 WHERE denominator = 10",
    "value_above_lower_limit": "UPDATE marts.metric_weekly SET ci_low = 0.6 WHERE metric_id = 'contact_rate_48h'",
    "value_below_upper_limit": "UPDATE marts.metric_weekly SET ci_high = 0.4 WHERE metric_id = 'contact_rate_48h'",
    "crm_report_is_explained": "UPDATE marts.reconciliation SET unexplained = -4 WHERE week_start = '2026-11-16'",
    "slices_add_up": "DELETE FROM marts.metric_weekly WHERE slice_value = 'Website'",
}


@pytest.fixture
def working() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for statement in (
            "CREATE SCHEMA quality",
            "CREATE SCHEMA marts",
            LOAD_LOG,
            INQUIRIES,
            TOUCHES,
            METRICS,
            RECONCILIATION,
            *GOOD,
        ):
            connection.execute(statement)
        yield connection


def results(connection: duckdb.DuckDBPyConnection) -> dict[str, CheckResult]:
    return {result.check_name: result for result in run_suites(connection, SUITES, NOW)}


def test_good_data_raises_nothing(working: duckdb.DuckDBPyConnection) -> None:
    assert {result.status for result in results(working).values()} == {"passed"}


def test_every_expectation_has_input_that_must_fail() -> None:
    assert {rule.name for suite in SUITES for rule in suite.expectations} == MUST_FAIL.keys()


@pytest.mark.parametrize("name", sorted(MUST_FAIL))
def test_input_that_must_fail(working: duckdb.DuckDBPyConnection, name: str) -> None:
    working.execute(MUST_FAIL[name])
    found = results(working)[name]
    assert found.status == "failed"
    assert "otherwise" in found.observed


def test_an_expectation_that_breaks_is_a_failed_one(working: duckdb.DuckDBPyConnection) -> None:
    rule = SUITES[0].expectations[0]
    broken = Expectation.model_validate(
        {**rule.model_dump(by_alias=True), "with": {"column": "no_such_column", "min_value": 0}}
    )
    suite = SUITES[0].model_copy(update={"expectations": (broken,)})
    (result,) = run_suites(working, [suite], NOW)
    assert (result.status, result.observed) == ("failed", "an expectation that could not be evaluated")


def test_a_suite_with_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="severty"):
        Suite.model_validate({**SUITES[0].model_dump(by_alias=True), "severty": "critical"})
