"""Tests of the reference itself: worked vectors, other libraries, a real export."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from lifelines import KaplanMeierFitter
from lifelines.utils import median_survival_times, qth_survival_times
from statsmodels.stats.proportion import proportion_confint

from tests.hand_worked import write
from tests.reference import compare, generate, identity, moments, read, sla, survival, weekly, zoho
from tests.reference.compute import compute
from tests.reference.model import (
    DEFAULT_QUIET_HOURS,
    DEFAULT_SLA_POLICIES,
    Export,
    Result,
    Row,
    Settings,
    hours_from,
)

NEW_YORK = ZoneInfo("America/New_York")
HOURS = hours_from(
    {day: ["08:00", "20:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat")}
    | {"sun": ["10:00", "18:00"], "holidays": ["2026-11-26"]}
)
HOUSE = Settings(timezone=NEW_YORK, hours=HOURS)


def _or_infinity(time: float | None) -> float:
    return math.inf if time is None else time


def local(text: str) -> datetime:
    return moments.parse_instant(text, NEW_YORK)


@pytest.mark.parametrize(
    ("category", "opened", "hours", "due", "minutes", "quiet"),
    [
        ("portal", "2026-11-23 19:58", "in_hours", "2026-11-23 20:03", 5, False),
        ("portal", "2026-11-23 20:00", "after_hours", "2026-11-23 20:15", 15, False),
        ("portal", "2026-11-24 02:10", "after_hours", "2026-11-24 02:25", 15, True),
        (
            "home_valuation",
            "2026-11-23 21:30",
            "after_hours",
            "2026-11-24 09:00",
            690,
            False,
        ),
        (
            "home_valuation",
            "2026-11-22 09:55",
            "after_hours",
            "2026-11-22 10:15",
            20,
            False,
        ),
        (
            "open_house",
            "2026-11-26 13:00",
            "after_hours",
            "2026-11-27 10:00",
            1260,
            False,
        ),
        ("portal", "2026-03-08 01:50", "after_hours", "2026-03-08 03:05", 15, True),
        (
            "home_valuation",
            "2026-10-31 22:00",
            "after_hours",
            "2026-11-01 09:00",
            720,
            False,
        ),
    ],
)
def test_sla_vectors(category: str, opened: str, hours: str, *, due: str, minutes: int, quiet: bool) -> None:
    opened_at = local(opened)
    found = sla.due_for(category, opened_at, DEFAULT_SLA_POLICIES, HOUSE)
    assert found == sla.Due(hours, local(due))
    assert found.at is not None
    assert found.at - opened_at == timedelta(minutes=minutes)
    assert sla.is_quiet(found.at, NEW_YORK, None, DEFAULT_QUIET_HOURS) is quiet


def test_next_morning_of_the_same_day_and_of_the_next_open_day() -> None:
    after_midnight = sla.due_for("home_valuation", local("2026-11-24 02:00"), DEFAULT_SLA_POLICIES, HOUSE)
    assert after_midnight.at == local("2026-11-24 09:00")
    shortly_before = sla.due_for("home_valuation", local("2026-11-22 08:55"), DEFAULT_SLA_POLICIES, HOUSE)
    assert shortly_before.at == local("2026-11-22 09:10")
    opening_days = Settings(timezone=NEW_YORK, hours=HOURS, next_morning_on="open_day")
    before_holiday = sla.due_for("referral", local("2026-11-25 21:00"), DEFAULT_SLA_POLICIES, opening_days)
    assert before_holiday.at == local("2026-11-27 10:00")
    always_open = Settings(timezone=NEW_YORK)
    assert sla.due_for("referral", local("2026-11-25 21:00"), DEFAULT_SLA_POLICIES, always_open) == sla.Due(
        "in_hours", local("2026-11-25 22:00")
    )


def test_the_hour_that_does_not_exist_and_the_one_that_exists_twice() -> None:
    assert local("2026-03-08 02:30") == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    assert local("2026-11-01 01:30") == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    assert local("2026-11-01T01:30:00.25-04") == datetime(2026, 11, 1, 5, 30, 0, 250000, tzinfo=UTC)
    assert local("2026-11-01 01:30:00+0200") == datetime(2026, 10, 31, 23, 30, tzinfo=UTC)


def test_business_seconds_over_a_closed_night() -> None:
    start, end = local("2026-11-23 19:00"), local("2026-11-24 08:30")
    assert moments.business_seconds(start, end, HOURS, NEW_YORK) == 1.5 * 3600


def test_weeks() -> None:
    assert moments.week_of(date(2026, 11, 22), "monday") == date(2026, 11, 16)
    assert moments.week_of(date(2026, 11, 22), "sunday") == date(2026, 11, 22)


@pytest.mark.parametrize("seed", range(60))
def test_kaplan_meier_agrees_with_lifelines(seed: int) -> None:
    rng = random.Random(seed)
    # few distinct durations, so that there are ties; a share of events that sometimes never reaches the level
    size, span, share = (
        rng.randint(2, 400),
        rng.choice((5, 50, 100000)),
        rng.uniform(0.3, 1),
    )
    observations = sorted((rng.randint(1, span), int(rng.random() > share)) for _ in range(size))
    fitter = KaplanMeierFitter(alpha=0.05)
    fitter.fit(
        [time for time, _ in observations],
        [1 - censored for _, censored in observations],
    )
    last_event_ends_all = float(fitter.survival_function_.iloc[-1, 0]) == 0
    for level, ours in zip((0.5, 0.1), survival.kaplan_meier(observations, (0.5, 0.1)), strict=True):
        assert _or_infinity(ours.value) == float(qth_survival_times(level, fitter.survival_function_))
        limits = qth_survival_times(level, fitter.confidence_interval_)
        low, high = (float(limits.iloc[0, column]) for column in (0, 1))
        if last_event_ends_all:
            # where S reaches 0 the limits are undefined, and lifelines lets them cross there
            end = float(observations[-1][0])
            low, high = (math.inf if limit == end else limit for limit in (low, high))
        assert (_or_infinity(ours.low), _or_infinity(ours.high)) == (low, high)


def test_median_of_a_textbook_sample() -> None:
    fitter = KaplanMeierFitter()
    observations = [
        (1, 0),
        (2, 0),
        (2, 1),
        (3, 0),
        (3, 0),
        (5, 1),
        (8, 0),
        (9, 1),
        (12, 0),
        (15, 1),
    ]
    fitter.fit(
        [time for time, _ in observations],
        [1 - censored for _, censored in observations],
    )
    (median,) = survival.kaplan_meier(observations, (0.5,))
    limits = median_survival_times(fitter.confidence_interval_)
    assert (median.value, median.low) == (
        fitter.median_survival_time_,
        limits.iloc[0, 0],
    )
    assert median.high is None
    assert math.isinf(limits.iloc[0, 1])


def test_nobody_waits_for_an_empty_cohort() -> None:
    assert survival.kaplan_meier([], (0.5,)) == [survival.Quantile()]
    assert survival.wilson(0, 0) == (None, None)
    assert survival.lower_median([]) is None
    assert survival.lower_median([4, 1, 3, 2]) == 2


def test_wilson_agrees_with_statsmodels() -> None:
    rng = random.Random(1)
    for _ in range(500):
        denominator = rng.randint(1, 3000)
        numerator = rng.randint(0, denominator)
        theirs = proportion_confint(numerator, denominator, method="wilson")
        assert survival.wilson(numerator, denominator) == pytest.approx(theirs, abs=1e-7)


def test_invoices_are_spread_in_whole_cents() -> None:
    first, last = date(2026, 1, 1), date(2026, 1, 3)
    assert [piece for _, piece in weekly.spread(Decimal(100), first, last)] == [
        Decimal("33.34"),
        Decimal("33.33"),
        Decimal("33.33"),
    ]
    assert [piece for _, piece in weekly.spread(Decimal("-100.005"), first, last)] == [
        Decimal("-33.345"),
        Decimal("-33.33"),
        Decimal("-33.33"),
    ]


def test_identifiers() -> None:
    assert identity.normalise_email("  Ana@Example.COM ") == "ana@example.com"
    assert identity.normalise_email("a@b") is None
    assert identity.normalise_phone("(212) 555-0143", "US") == "+12125550143"
    assert identity.normalise_phone("000-000-0000", "US") is None
    assert identity.is_junk_phone("+18888888888")


def truncated(export: Export, as_of: datetime) -> Export:
    """The export as it was at a moment: later rows dropped, later dates emptied, undated columns as they are."""

    def then(rows: list[Row], *own: str) -> list[Row]:
        kept = [row for row in rows if all(row.get(column) is None or row[column] <= as_of for column in own)]
        dates = ("disqualified_at", "closed_at", "past_client_since", "deleted_at", "ended_at")
        return [
            {column: None if column in dates and value and value > as_of else value for column, value in row.items()}
            for row in kept
        ]

    inquiries = [row for row in export.inquiries if (row["received_at"] or row["event_at"]) <= as_of]
    return replace(
        export,
        people=then(export.people, "created_at"),
        inquiries=then(inquiries),
        touches=then(export.touches, "occurred_at"),
        deals=then(export.deals),
        stage_changes=then(export.stage_changes, "at"),
        assignments=then(export.assignments, "at"),
        sla_excuses=then(export.sla_excuses, "at"),
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_generated_export_is_read_as_planted(seed: int, tmp_path: Path) -> None:
    planted = generate.generate(tmp_path / "one", seed, 800)
    again = generate.generate(tmp_path / "two", seed, 800)
    files = sorted(path.relative_to(planted.folder) for path in planted.folder.rglob("*.*"))
    assert all((planted.folder / name).read_bytes() == (again.folder / name).read_bytes() for name in files)

    settings = Settings.from_toml(planted.config)
    export = read.read_export(settings)
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in export.quarantine:
        found[f"{row['source']}/{row['file']}"][row["reason"]] += 1
    assert found == planted.quarantined
    for log in export.load_log:
        name = f"{log['source']}/{log['file']}"
        assert log["rows"] == planted.rows[name]
        assert log["rows"] == log["loaded"] + log["quarantined"] + log["exact_duplicates"] + log["superseded"]
        assert log["exact_duplicates"] == planted.exact_duplicates[name]
        assert log["superseded"] == planted.superseded[name]
        # a build must not refuse it
        assert log["quarantined"] <= max(10, log["rows"] // 20)

    result = compute(export, settings, planted.as_of)
    reached = {column: {row[column] for row in result.leads.values()} for column in next(iter(result.leads.values()))}
    reasons = {"test", "spam", "import", "agent_created", "past_client", "no_contact_info", "no_touch_coverage"}
    assert reached["exclusion_reason"] == reasons | {None}
    assert reached["sla_status"] >= {"met", "missed", "open_overdue", "excused", "not_needed", None}
    assert reached["censor_reason"] == {"as_of", "next_lead", "disqualified", None}
    assert reached["lead_grain"] == {"episode", "record"}
    assert reached["category"] >= {"inbound_call_missed", "inbound_call_answered", "(none)"}
    assert {row["metric_id"] for row in result.metric_weekly} == weekly.COVERED


def test_an_earlier_as_of_is_an_export_without_what_came_later(tmp_path: Path) -> None:
    planted = generate.generate(tmp_path, 3, 800)
    settings = Settings.from_toml(planted.config)
    export = read.read_export(settings)
    for as_of in (datetime(2025, 11, 2, 6, 30, tzinfo=UTC), datetime(2026, 2, 1, 15, 0, tzinfo=UTC), planted.as_of):
        whole = compute(export, settings, as_of)
        part = compute(truncated(export, as_of), settings, as_of)
        assert compare.lead_differences(whole.leads, part.leads) == []
        assert compare.differences(whole.metric_weekly, part.metric_weekly) == []


def test_hand_worked_answers(tmp_path: Path) -> None:
    settings = Settings.from_toml(write.write_export(tmp_path))
    packaged = Path(__file__).parent.parent / "seeds"
    seeds = ("sla_policies", "source_categories", "quiet_hours")
    export = read.read_export(settings, **{name: read.read_seed(packaged / f"{name}.csv") for name in seeds})
    assert export.quarantine == []
    leads = compute(export, settings, datetime.fromisoformat(write.as_of())).leads
    people = Counter(row["person_key"] for row in leads.values())
    wrong = []
    for case, lead_id, column, answer in write.expected():
        if column == "exists":
            found: Any = lead_id in leads
        elif column == "leads_of_person":
            found = people[leads[lead_id]["person_key"]] if lead_id in leads else None
        elif lead_id not in leads:
            found = "no such lead"
        elif column in leads[lead_id]:
            found = leads[lead_id][column]
        else:
            continue
        if column in ("opened_local", "week_start"):
            found = str(found)
        is_moment = answer is not None and column.endswith("_at")
        if not compare.same(found, datetime.fromisoformat(answer) if is_moment else answer):
            wrong.append(f"{case}: {lead_id}: {column}: {found!r} for {answer!r}")
    assert wrong == []


ZOHO: dict[str, dict[str, Any]] = {
    "episode": {
        "leads": 11537,
        "eligible": 11499,
        "responded": 9218,
        "median": 730,
        "contact": 7247,
        "within_5m": 250,
    },
    "record": {
        "leads": 12601,
        "eligible": 12563,
        "responded": 9680,
        "median": 778,
        "contact": 7531,
        "within_5m": 261,
    },
}
WEEKS = {
    # week: eligible, median, events, contact within 48 h, never answered, spend
    date(2023, 11, 6): (274, 735, 239, 145, 35, 2714.08),
    date(2024, 1, 15): (553, 965, 455, 276, 98, 2795.83),
}


@pytest.fixture(scope="module")
def real_export() -> Export:
    folder = zoho.folder()
    if folder is None:
        pytest.skip("the real export is absent: LEADHOUSE_ZOHO_DIR does not name its folder")
    return zoho.load(folder)


def figures(result: Result, week: date, period: str) -> dict[str, Any]:
    return {
        row["metric_id"]: row
        for row in result.metric_weekly
        if (row["week_start"], row["period"], row["slice"]) == (week, period, "all")
    }


@pytest.mark.parametrize("lead_grain", ["episode", "record"])
def test_real_export_comes_to_the_published_figures(real_export: Export, lead_grain: str) -> None:
    result = compute(real_export, zoho.settings(lead_grain), zoho.AS_OF)
    everything = figures(result, date(2024, 2, 26), "trailing_52w")
    expected = ZOHO[lead_grain]
    assert everything["inquiries"]["value"] == 12601
    assert everything["leads"]["value"] == len(result.leads) == expected["leads"]
    assert everything["leads_eligible"]["value"] == expected["eligible"]
    assert everything["response_minutes_median"]["numerator"] == expected["responded"]
    assert everything["response_minutes_median"]["denominator"] == expected["eligible"]
    assert everything["response_minutes_median"]["value"] == expected["median"]
    assert everything["contact_minutes_median"]["numerator"] == expected["contact"]
    assert everything["answered_within_5m_rate"]["numerator"] == expected["within_5m"]
    assert everything["spend"]["value"] == pytest.approx(83752.16, abs=1e-9)
    if lead_grain == "episode":
        for week, (eligible, median, events, contact, never, spend) in WEEKS.items():
            own = figures(result, week, "week")
            assert own["leads_eligible"]["value"] == eligible
            assert (
                own["response_minutes_median"]["value"],
                own["response_minutes_median"]["numerator"],
            ) == (
                median,
                events,
            )
            assert (
                own["contact_rate_48h"]["numerator"],
                own["contact_rate_48h"]["denominator"],
            ) == (contact, eligible)
            assert own["never_answered_rate"]["numerator"] == never
            assert own["spend"]["value"] == pytest.approx(spend, abs=1e-9)


def test_differences_names_what_differs(tmp_path: Path) -> None:
    planted = generate.generate(tmp_path, 4, 50)
    settings = Settings.from_toml(planted.config)
    ours = compute(read.read_export(settings), settings, planted.as_of)
    theirs = [dict(row) for row in ours.metric_weekly]
    assert compare.differences(ours.metric_weekly, theirs) == []
    theirs[0]["value"] = -1.0
    extra = theirs.pop() | {"week_start": date(1999, 1, 4)}
    lines = compare.differences(ours.metric_weekly, [*theirs, extra])
    assert len(lines) == 3
    assert sum("missing in theirs" in line for line in lines) == sum("extra in theirs" in line for line in lines) == 1
    leads = {lead_id: dict(row) for lead_id, row in ours.leads.items()}
    assert compare.lead_differences(ours.leads, leads) == []
    next(iter(leads.values()))["agent"] = "somebody else"
    assert len(compare.lead_differences(ours.leads, leads.values())) == 1


def test_a_missing_export_is_no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LEADHOUSE_ZOHO_DIR", str(tmp_path))
    assert zoho.folder() is None
