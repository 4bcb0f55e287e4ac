"""Every check, both ways: clean sources raise nothing, and each planted fault is found by the check meant for it.

One house holds one source a fault, so that one run shows for every check that it names that source and no other.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from dagster_project.config import load_config
from dagster_project.expectations import (
    Expectation,
    Judged,
    MappedColumn,
    Suite,
    prepare_shared,
    read_suites,
    run_suites,
)
from dagster_project.warehouse.checks import MAX_OFFENDERS, MAX_ROWS, CheckResult, CheckRow
from tests.checks_house import AS_OF, ZONE, base, house
from tests.conftest import ROOT

SUITES = read_suites()
RULES = {rule.name: rule for suite in SUITES for rule in suite.expectations}
LATE = "TIMESTAMPTZ '2026-11-17 05:00:00Z'"  # the last 7 whole days, there
SUNDAY = "(DATE '2026-11-22')"

FAULTS: dict[str, tuple[str, str]] = {
    "every_row_accounted_for": ("loses_rows", "UPDATE quality.load_log SET loaded = 9990 WHERE source = $source"),
    "few_rows_quarantined": (
        "unreadable",
        "UPDATE quality.load_log SET rows = 200, loaded = 191 WHERE source = $source",
    ),
    "quarantine_does_not_grow": (
        "ever_less_readable",
        "UPDATE quality.load_log SET quarantined = 14, loaded = 9981 WHERE source = $source",
    ),
    "sources_keep_up": (
        "falls_behind",
        "UPDATE raw.sources SET data_through = TIMESTAMPTZ '2026-11-25 23:00:00Z' WHERE source != $source",
    ),
    "inquiries_not_far_fewer": (
        "fewer_inquiries",
        f"""
        DELETE FROM raw.inquiries WHERE _source = $source AND _line % 12 != 0
            AND CAST(event_at AT TIME ZONE '{ZONE}' AS DATE) = {SUNDAY}
        """,
    ),
    "inquiries_not_far_more": (
        "more_inquiries",
        f"""
        INSERT INTO raw.inquiries (_source, _id_space, _file, _line, inquiry_id, person_id, phone, event_at,
            received_at, source, agent, campaign)
        SELECT _source, _id_space, _file, _line, inquiry_id || '-' || n, person_id, phone, event_at, received_at,
            source, agent, campaign
        FROM raw.inquiries CROSS JOIN range(3) AS t(n)
        WHERE _source = $source AND CAST(event_at AT TIME ZONE '{ZONE}' AS DATE) = {SUNDAY}
        """,
    ),
    "inquiries_every_day": (
        "skips_inquiries",
        f"""
        DELETE FROM raw.inquiries WHERE _source = $source
            AND CAST(event_at AT TIME ZONE '{ZONE}' AS DATE) = DATE '2026-11-12'
        """,
    ),
    "touches_not_far_fewer": (
        "fewer_touches",
        f"""
        DELETE FROM raw.touches WHERE _source = $source AND _line % 12 != 0
            AND CAST(occurred_at AT TIME ZONE '{ZONE}' AS DATE) = {SUNDAY}
        """,
    ),
    "touches_not_far_more": (
        "more_touches",
        f"""
        INSERT INTO raw.touches (_source, _id_space, _file, _line, touch_id, person_id, phone, occurred_at, ended_at,
            channel, direction, sender_type, agent, disposition)
        SELECT _source, _id_space, _file, _line, touch_id || '-' || n, person_id, phone, occurred_at, ended_at, channel,
            direction, sender_type, agent, disposition
        FROM raw.touches CROSS JOIN range(3) AS t(n)
        WHERE _source = $source AND CAST(occurred_at AT TIME ZONE '{ZONE}' AS DATE) = {SUNDAY}
        """,
    ),
    "touches_every_day": (
        "skips_touches",
        f"""
        DELETE FROM raw.touches WHERE _source = $source
            AND CAST(occurred_at AT TIME ZONE '{ZONE}' AS DATE) = DATE '2026-11-12'
        """,
    ),
    "inquiries_keep_their_hours": (
        "shifts_inquiries",
        f"""
        UPDATE raw.inquiries SET event_at = event_at - INTERVAL 3 HOUR, received_at = received_at - INTERVAL 3 HOUR
        WHERE _source = $source AND event_at > {LATE}
        """,
    ),
    "touches_keep_their_hours": (
        "shifts_touches",
        (
            f"UPDATE raw.touches SET occurred_at = occurred_at + INTERVAL 3 HOUR, ended_at = ended_at + INTERVAL 3 HOUR"
            f" WHERE _source = $source AND occurred_at > {LATE}"
        ),
    ),
    "inquiries_name_a_person": (
        "names_nobody",
        "UPDATE raw.inquiries SET person_id = NULL, phone = NULL WHERE _source = $source AND _line % 5 = 0",
    ),
    "sources_have_a_category": ("unknown_source", "UPDATE raw.inquiries SET source = 'X' WHERE _source = $source"),
    "clocks_agree": (
        "clock_runs_slow",
        "UPDATE raw.inquiries SET received_at = event_at - INTERVAL 1 HOUR WHERE _source = $source AND _line % 20 = 0",
    ),
    "inquiries_arrive_soon": (
        "arrives_late",
        f"""
        UPDATE raw.inquiries SET received_at = event_at + INTERVAL 3 HOUR
        WHERE _source = $source AND event_at > {LATE} AND _line % 5 < 3
        """,
    ),
    "inquiries_not_at_midnight": (
        "inquiry_dates",
        f"""
        UPDATE raw.inquiries
        SET event_at = date_trunc('day', event_at AT TIME ZONE '{ZONE}') AT TIME ZONE '{ZONE}'
        WHERE _source = $source AND _line % 10 = 0
        """,
    ),
    "touches_find_their_person": (
        "finds_nobody",
        "UPDATE raw.touches SET person_id = NULL, phone = NULL WHERE _source = $source AND _line % 5 < 2",
    ),
    "senders_are_known": ("hides_senders", "UPDATE raw.touches SET sender_type = NULL WHERE _source = $source"),
    "touches_not_at_midnight": (
        "touch_dates",
        f"""
        UPDATE raw.touches
        SET occurred_at = date_trunc('day', occurred_at AT TIME ZONE '{ZONE}') AT TIME ZONE '{ZONE}'
        WHERE _source = $source AND _line % 10 = 0
        """,
    ),
    "calls_in_waking_hours": (
        "calls_at_night",
        f"""
        UPDATE raw.touches
        SET occurred_at = occurred_at + INTERVAL 1 DAY - to_hours(
            hour(occurred_at AT TIME ZONE '{ZONE}')::INTEGER - (_line % 4)::INTEGER),
            ended_at = occurred_at + INTERVAL 2 DAY
        WHERE _source = $source AND _line % 3 = 0
        """,
    ),
    "touches_end_after_they_begin": (
        "ends_first",
        "UPDATE raw.touches SET ended_at = occurred_at - INTERVAL 1 HOUR WHERE _source = $source AND _line % 20 = 0",
    ),
    "touches_not_whole_hours_off": (
        "hour_early",
        (
            "UPDATE raw.touches SET occurred_at = occurred_at - INTERVAL 1 HOUR, ended_at = ended_at - INTERVAL 1 HOUR"
            " WHERE _source = $source"
        ),
    ),
    "touches_delivered_once": (
        "twin",
        """
        INSERT INTO raw.touches (_source, _id_space, _file, _line, touch_id, person_id, phone, occurred_at, ended_at,
            channel, direction, sender_type, agent, disposition)
        SELECT 'twin_too', _id_space, _file, _line, 'x' || touch_id, person_id, phone, occurred_at + INTERVAL 20 SECOND,
            ended_at, channel, direction, sender_type, agent, disposition
        FROM raw.touches WHERE _source = $source AND _line % 2 = 0
        """,
    ),
    "people_exist_before_contact": (
        "created_in_bulk",
        "UPDATE raw.people SET created_at = created_at + INTERVAL 40 DAY WHERE _source = $source AND _line % 3 = 0",
    ),
    "appointments_end_after_they_start": (
        "meets_backwards",
        "UPDATE raw.appointments SET ends_at = starts_at - INTERVAL 1 HOUR WHERE _source = $source AND _line % 5 = 0",
    ),
    "appointments_booked_before_they_start": (
        "books_afterwards",
        "UPDATE raw.appointments SET booked_at = starts_at + INTERVAL 1 HOUR WHERE _source = $source AND _line % 5 = 0",
    ),
    "appointments_not_at_midnight": (
        "meets_all_day",
        f"""
        UPDATE raw.appointments
        SET starts_at = date_trunc('day', starts_at AT TIME ZONE '{ZONE}') AT TIME ZONE '{ZONE}'
        WHERE _source = $source AND _line % 5 = 0
        """,
    ),
    "outcomes_are_delivered": ("no_outcomes", "UPDATE raw.appointments SET outcome = NULL WHERE _source = $source"),
    "outcome_coverage_holds": (
        "fewer_outcomes",
        """
        UPDATE raw.appointments SET outcome = NULL
        WHERE _source = $source AND _line % 4 < 3 AND ends_at > TIMESTAMPTZ '2026-10-20 14:00:00Z' AND _line % 3 > 0
        """,
    ),
    "contract_before_closing": (
        "closes_first",
        "UPDATE raw.deals SET closed_at = contract_at - INTERVAL 1 DAY WHERE _source = $source AND _line % 7 = 0",
    ),
    "agreement_before_contract": (
        "agrees_last",
        "UPDATE raw.deals SET agreement_at = contract_at + INTERVAL 1 DAY WHERE _source = $source AND _line % 3 = 0",
    ),
    "closings_have_happened": (
        "closes_some_day",
        "UPDATE raw.deals SET closed_at = closed_at + INTERVAL 200 DAY WHERE _source = $source AND _line % 7 = 0",
    ),
    "mapped_columns_are_filled": (
        "maps_nothing",
        "UPDATE raw.inquiries SET campaign = NULL WHERE _source = $source",
    ),
    "columns_stay_filled": (
        "forgets_agents",
        f"UPDATE raw.touches SET agent = NULL WHERE _source = $source AND occurred_at > {LATE} AND _line % 2 = 0",
    ),
    "value_maps_tell_apart": ("knows_no_words", "UPDATE raw.touches SET disposition = 'other' WHERE _source = $source"),
    "identifiers_are_valid": (
        "bad_numbers",
        (
            "UPDATE raw.identifiers SET is_valid = false, normalised = NULL WHERE starts_with(raw_text, $source)"
            " AND right(raw_text, 1) IN ('1', '2', '3')"
        ),
    ),
    "identifiers_are_not_junk": (
        "placeholders",
        (
            "UPDATE raw.identifiers SET is_junk = true WHERE starts_with(raw_text, $source)"
            " AND right(raw_text, 1) IN ('1', '2')"
        ),
    ),
    "identifiers_are_not_shared": ("shares_numbers", ""),
}
"""The check, the source that has the fault, and the fault as SQL."""

NEWEST = "newest"
FIGURES: dict[str, tuple[str, tuple[str, ...]]] = {
    "shares_are_shares": (
        "value = 1.1, ci_high = 1.2 WHERE metric_id = 'contact_rate_48h' AND week_start = '2026-11-16'",
        ("2026-11-16 week contact_rate_48h",),
    ),
    "counts_and_times_are_not_negative": (
        "value = -1, ci_low = -1 WHERE metric_id = 'response_minutes_p90' AND week_start = '2026-09-21'",
        ("2026-09-21 week response_minutes_p90",),
    ),
    "numerator_within_denominator": (
        "numerator = 31 WHERE metric_id = 'contact_rate_48h' AND week_start = '2026-11-09'",
        ("2026-11-09 week contact_rate_48h",),
    ),
    "value_above_lower_limit": (
        "ci_low = 0.6 WHERE metric_id = 'contact_rate_48h' AND week_start = '2026-11-02'",
        ("2026-11-02 week contact_rate_48h",),
    ),
    "value_below_upper_limit": (
        "ci_high = 0.4 WHERE metric_id = 'contact_rate_48h' AND week_start = '2026-10-26'",
        ("2026-10-26 week contact_rate_48h",),
    ),
    "slices_add_up": (
        "value = 9 WHERE slice_value = 'Website' AND week_start = '2026-10-19'",
        ("2026-10-19 week leads by source",),
    ),
    "medians_within_data": (
        "value = 101, ci_low = 90 WHERE metric_id LIKE 'response_minutes_%' AND week_start = '2026-10-12'",
        ("2026-10-12",),
    ),
    "p90_above_median": (
        "value = 11.5, ci_low = 6 WHERE metric_id = 'response_minutes_p90' AND week_start = '2026-10-05'",
        ("2026-09-21", "2026-10-05"),  # the negative one is below its median, too
    ),
}
"""The check, the fault in `marts.metric_weekly`, and the figures it names."""

PAST: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "old_counts_hold": (
        (
            (
                "UPDATE served.marts.metric_weekly SET value = 36"
                " WHERE metric_id = 'leads' AND slice = 'all' AND period = 'week' AND week_start = '2026-08-10'"
            ),
        ),
        ("2026-08-10 leads",),
    ),
    "old_rates_hold": (
        (
            (
                "UPDATE served.marts.metric_weekly SET value = 0.65"
                " WHERE metric_id = 'contact_rate_48h' AND week_start = '2026-08-17'"
            ),
        ),
        ("2026-08-17 contact_rate_48h",),
    ),
    "old_leads_stay": (
        (
            (
                "UPDATE served.marts.metric_weekly SET slice_value = 'Web form'"
                " WHERE slice_value = 'Website' AND week_start < '2026-09-01'"
            ),
        ),
        ("Web form",),
    ),
}
"""The check, what the last publish said, and what is named."""

Results = dict[str, CheckResult]
MAPPED = tuple(
    MappedColumn(source, entity, column, words, fallback)
    for source in [*(name for name, _ in FAULTS.values()), "clean_1"]
    for entity, column, words, fallback in (
        ("inquiries", "campaign", 0, None),
        ("touches", "disposition", 2, "Other"),
        ("touches", "channel", 2, None),
    )
)


def judged(**changes: object) -> Judged:
    given = {"as_of": AS_OF, "checked_at": AS_OF + timedelta(hours=1), "timezone": ZONE, "mapped": MAPPED}
    return Judged(**{**given, **changes})  # type: ignore[arg-type]


def run(connection: duckdb.DuckDBPyConnection, about: Judged) -> tuple[Results, list[CheckRow]]:
    found = list(run_suites(connection, SUITES, about))
    return {result.check_name: result for result, _ in found}, [row for _, rows in found for row in rows]


def failed(results: Results) -> dict[str, str]:
    return {name: result.observed for name, result in results.items() if result.status == "failed"}


@pytest.fixture(scope="module")
def faulty() -> tuple[Results, list[CheckRow]]:
    """Everything wrong at once, each fault in a source, week or figure of its own."""
    frame = base()
    sources = dict.fromkeys([name for name, _ in FAULTS.values()] + [NEWEST], frame)
    faults = dict(FAULTS.values())
    faults[NEWEST] = "UPDATE raw.sources SET data_through = TIMESTAMPTZ '2026-11-25 23:30:00Z' WHERE source = $source"
    served = [f"UPDATE marts.metric_weekly SET {sql}" for sql, _ in FIGURES.values()]
    served.append("UPDATE marts.reconciliation SET unexplained = -4 WHERE source = 'Zillow'")
    served += [sql for statements, _ in PAST.values() for sql in statements]
    with house(sources, faults, served) as connection:
        return run(connection, judged(checked_at=AS_OF + timedelta(days=5)))


def test_every_check_has_a_fault_and_every_fault_a_check() -> None:
    assert RULES.keys() == FAULTS.keys() | FIGURES.keys() | PAST.keys() | {"data_are_recent", "crm_report_is_explained"}


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_fault_is_found_by_its_check_and_only_there(faulty: tuple[Results, list[CheckRow]], name: str) -> None:
    source = FAULTS[name][0]
    found = defaultdict(set)
    for check, result in faulty[0].items():
        for offender in result.offenders:
            found[offender.split("/")[0].split(" ")[0]].add(check)
    assert found[source] == {name}


@pytest.mark.parametrize("name", sorted(FIGURES.keys() | PAST.keys()))
def test_a_wrong_figure_is_found(faulty: tuple[Results, list[CheckRow]], name: str) -> None:
    assert faulty[0][name].offenders == {**FIGURES, **PAST}[name][1]


def test_data_that_stopped_are_told_with_the_newest_source(faulty: tuple[Results, list[CheckRow]]) -> None:
    assert faulty[0]["data_are_recent"].offenders == (NEWEST,)


def test_a_report_that_nothing_explains_is_told(faulty: tuple[Results, list[CheckRow]]) -> None:
    assert faulty[0]["crm_report_is_explained"].offenders == ("Zillow",)


def test_results_read_as_sentences(faulty: tuple[Results, list[CheckRow]]) -> None:
    told = {name: result.observed for name, result in faulty[0].items()}
    assert told["touches_not_far_fewer"].startswith("fewer_touches: 4 touches on Sun 2026-11-22, usually ")
    assert told["inquiries_every_day"].startswith("skips_inquiries: no inquiries on Thu 2026-11-12, usually ")
    assert "whole hours" not in told["touches_not_whole_hours_off"]
    assert "within 15 min of -1 h from the inquiry" in told["touches_not_whole_hours_off"]
    assert told["touches_keep_their_hours"].endswith("of the last 7 days look shifted by +3 h")
    assert told["every_row_accounted_for"] == "loses_rows/a.csv as touches: 1 of 10,000 rows unaccounted for"
    for words in told.values():
        assert "nan" not in words.split()
        assert "None" not in words
        assert ".0 " not in words


def test_offending_rows_are_places_of_the_source_and_name_nobody(faulty: tuple[Results, list[CheckRow]]) -> None:
    results, rows = faulty
    by_check = defaultdict(list)
    for row in rows:
        by_check[row.check_name].append(row)
    with_rows = {name for name, rule in RULES.items() if rule.rows}
    assert by_check.keys() == with_rows
    for name, found in by_check.items():
        source = FAULTS[name][0]
        assert {row.source for row in found} <= {source, f"{source}_too"}
        assert len(found) <= MAX_ROWS
        assert all(row.file == "a.csv" and row.line and row.note and row.entity for row in found)
        assert not any(str(row.row_id).startswith(("p", source)) for row in found), "a person's id or number"
        assert {row.subject for row in found} == {results[name].subject}


def test_clean_sources_raise_nothing() -> None:
    frames = {f"clean_{seed}": base(seed, per_day) for seed, per_day in ((1, 30), (2, 2), (3, 90), (4, 0.3), (5, 9))}
    with house(frames) as connection:
        results, rows = run(connection, judged())
    assert failed(results) == {}
    assert rows == []
    assert results["touches_every_day"].observed.endswith("windows as expected")


@pytest.mark.parametrize(
    ("example", "goes_on", "origin", "late"),
    [
        ("demo", False, "data", False),
        ("init", False, "data", False),
        ("init", True, "data", True),
        ("init", True, "given", False),
    ],
)
def test_only_who_goes_on_is_late_by_the_clock(
    tmp_path: Path, example: str, goes_on: bool, origin: str, late: bool
) -> None:
    """The dates of examples are fixed: built weeks later they are as good as on their last day."""
    weeks_later = AS_OF + timedelta(days=30)
    text = (ROOT / "examples" / example / "leadhouse.toml").read_text(encoding="utf-8")
    config = tmp_path / "leadhouse.toml"
    config.write_text(text.replace("clock = false", "clock = true") if goes_on else text, encoding="utf-8")
    loaded = load_config(config)
    about = Judged.of(loaded, AS_OF, origin, weeks_later)
    with house({"clean_1": base()}) as connection:
        results, _ = run(connection, judged(checked_at=weeks_later, looks_at_clock=about.looks_at_clock))
    assert set(failed(results)) == ({"data_are_recent"} if late else set())


@pytest.mark.parametrize("days", [0, 1, 10])
def test_a_new_brokerage_is_judged_by_nothing(days: int) -> None:
    frames = {"clean_1": base(days=days)} if days else {}
    with house(frames) as connection:
        connection.execute("DELETE FROM served.quality.build")
        if not days:
            connection.execute("DELETE FROM marts.metric_weekly")
        results, _ = run(connection, judged())
    assert failed(results) == {}
    assert results["touches_not_far_fewer"].observed == "nothing to judge yet"


def test_figures_of_another_version_or_a_later_moment_are_no_past() -> None:
    for sql in ("version = '0.0.1'", "as_of = TIMESTAMPTZ '2026-12-01 00:00:00Z'"):
        with house({}, served=[*PAST["old_counts_hold"][0], f"UPDATE served.quality.build SET {sql}"]) as connection:
            query = next(s.query for s in SUITES if s.expectations[0].name == "old_counts_hold")
            prepare_shared(connection, judged())
            assert connection.sql(query).fetchall() == [], sql


def test_many_offenders_are_told_in_few_words(faulty: tuple[Results, list[CheckRow]]) -> None:
    with house(dict.fromkeys([f"s{n:02}" for n in range(30)], base(days=3)),
               {f"s{n:02}": FAULTS["senders_are_known"][1] for n in range(30)}) as connection:  # fmt: skip
        suite = next(suite for suite in SUITES if suite.expectations[-1].name == "senders_are_known")
        results = {result.check_name: result for result, _ in run_suites(connection, [suite], judged())}
    found = results["senders_are_known"]
    assert len(found.offenders) == MAX_OFFENDERS
    assert found.observed.endswith("; and 27 more")


# -- rates of false alarms


STEADY, BURSTS = (1e6, 30), (10, 4)
"""Shapes of the gamma law by which days vary beside chance: not, by 18 %, by 32 %, by 50 %."""


def counts_of(
    random: np.random.Generator, sources: int, shapes: tuple[float, ...] = STEADY + BURSTS
) -> tuple[np.ndarray, np.ndarray]:
    """(sources, 100) daily counts: 0.3 to 150 a day, days of the week, a season, a trend, bursts; their base rates."""
    days = np.arange(100)
    rate = np.exp(random.uniform(np.log(0.3), np.log(150), (sources, 1)))
    week = np.array([1.1, 1.2, 1.1, 1, 1, 0.7, 0.5])[days % 7]
    season = 1 + 0.3 * np.sin(2 * np.pi * days / 365 + random.uniform(0, 6.28, (sources, 1)))
    trend = np.exp(random.uniform(-0.004, 0.006, (sources, 1)) * days)
    shape = random.choice(shapes, (sources, 1))
    return random.poisson(rate * week * season * trend * random.gamma(shape, 1 / shape, (sources, 100))), rate[:, 0]


def judge_counts(counts: np.ndarray, random: np.random.Generator) -> duckdb.DuckDBPyConnection:
    """The same SQL over touches of these counts, at hours that vary from day to day."""
    source, day = (np.repeat(axis.ravel(), counts.ravel()) for axis in np.indices(counts.shape))
    profile = np.array([2, 1, 1, 1, 1, 3, 6, 10, 15, 20, 22, 22, 20, 20, 20, 20, 20, 20, 21, 22, 20, 15, 10, 5])
    heights = np.cumsum(random.gamma(3, 1 / 3, (*counts.shape, 24)) * profile, axis=2)[source, day]
    hour = (random.random(len(day))[:, None] * heights[:, -1:] > heights).sum(axis=1)
    frame = pd.DataFrame({"source": source, "second": day * 86_400 + hour * 3600 + random.integers(0, 3600, len(day))})
    connection = duckdb.connect()
    from dagster_project.warehouse.working import prepare_working

    prepare_working(connection)
    connection.register("frame", frame)
    connection.execute(
        "INSERT INTO raw.touches (_source, occurred_at) SELECT source::VARCHAR,"
        " TIMESTAMPTZ '2026-11-24 00:00:00Z' - INTERVAL 100 DAY + to_seconds(second) FROM frame"
    )
    prepare_shared(connection, judged(timezone="UTC"))
    return connection


ALARM = "is_gap OR rows < low OR rows > high"


def test_false_alarms_are_rarer_than_one_in_a_thousand_windows() -> None:
    """Over ordinary weeks of small and large, steady and bursty sources."""
    windows = alarms = profiles = shifted = 0
    for seed in range(4):
        random = np.random.default_rng(seed)
        with judge_counts(counts_of(random, 200)[0], random) as connection:
            (seen, raised), *_ = connection.execute(
                f"SELECT count(*), count(*) FILTER ({ALARM}) FROM volume"
            ).fetchall()
            (judged_hours, off), *_ = connection.execute(
                "SELECT count(*), count(*) FILTER (shift != 0) FROM hours"
            ).fetchall()
        windows, alarms, profiles, shifted = windows + seen, alarms + raised, profiles + judged_hours, shifted + off
    assert windows > 3_000
    assert profiles > 300
    assert alarms <= windows / 1_000
    assert shifted == 0


@pytest.mark.parametrize(
    ("days", "factor", "from_rate", "share"), [(1, 0.0, 20, 0.9), (7, 0.0, 3, 0.8), (7, 3.0, 30, 0.85)]
)
def test_silence_and_surges_are_found(days: int, factor: float, from_rate: float, share: float) -> None:
    random = np.random.default_rng(99)
    counts, rates = counts_of(random, 200, STEADY)
    counts[:, -days:] = np.round(counts[:, -days:] * factor).astype(int)
    with judge_counts(counts, random) as connection:
        found = dict(connection.execute(f"SELECT source, bool_or({ALARM}) FROM volume GROUP BY source").fetchall())
    judged_sources = [str(number) for number, rate in enumerate(rates) if rate >= from_rate]
    assert np.mean([found[source] for source in judged_sources]) >= share


# -- suites as data


def test_an_expectation_that_breaks_is_a_failed_one() -> None:
    rule = SUITES[0].expectations[0]
    broken = Expectation.model_validate(
        {**rule.model_dump(by_alias=True), "with": {"column": "no_such_column", "min_value": 0}}
    )
    suite = SUITES[0].model_copy(update={"expectations": (broken,)})
    with house({}) as connection:
        ((result, _),) = run_suites(connection, [suite], judged())
    assert (result.status, result.observed) == ("failed", "an expectation that could not be evaluated")


def test_a_suite_with_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="severty"):
        Suite.model_validate({**SUITES[0].model_dump(by_alias=True), "severty": "critical"})


def test_names_of_checks_are_their_own() -> None:
    assert len(RULES) == sum(len(suite.expectations) for suite in SUITES)
