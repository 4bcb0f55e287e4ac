"""Section 8: the rows of metric_weekly, from facts of leads, inquiries and spend lines."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

from .model import Row
from .survival import kaplan_meier, lower_median, wilson

PERIODS = {"week": 1, "trailing_4w": 4, "trailing_12w": 12, "trailing_52w": 52}
SMALL_BELOW = 20
MINUTE = 60_000_000
DAY_SECONDS = 86400

LEAD_SLICES = ("category", "source", "team", "agent", "responder", "office", "hours")
INQUIRY_SLICES = ("category", "source", "agent")
CHAIN_SLICES = ("category", "source", "agent")


@dataclass(frozen=True)
class Rate:
    """A rate as names of counts: numerator, denominator, and how many of the cohort are old enough."""

    numerator: str
    denominator: str
    old_enough: str
    cohort: str = "eligible"
    basis: str = "cohort"


RATES = {
    "answered_within_5m_rate": Rate("answered_300", "aged_300", "aged_300"),
    "answered_within_15m_rate": Rate("answered_900", "aged_900", "aged_900"),
    "answered_within_60m_rate": Rate("answered_3600", "aged_3600", "aged_3600"),
    "never_answered_rate": Rate("never_answered", "aged_86400", "aged_86400"),
    "sla_met_rate": Rate("sla_met", "sla_judged", "aged_86400"),
    "contact_within_sla_rate": Rate("sla_contact", "sla_judged", "aged_86400"),
    "contact_rate_48h": Rate("contact_172800", "aged_172800", "aged_172800"),
    "contact_rate_14d": Rate("contact_1209600", "aged_1209600", "aged_1209600"),
    "set_rate_14d": Rate("set_1209600", "aged_1209600", "aged_1209600"),
    "set_rate_30d": Rate("set_2592000", "aged_2592000", "aged_2592000"),
    "automation_inferred_rate": Rate("inferred", "outbound", "all_aged_86400", "leads"),
    "sender_known_rate": Rate("sender_known", "outbound", "all_aged_86400", "leads"),
}

# of chains, all of them a day past: the cohort is never too young
CHAIN_RATES = {
    "held_rate": Rate("held", "known", "ended", "ended", "period"),
    "held_rate_low": Rate("held", "decidable", "ended", "ended", "period"),
    "held_rate_high": Rate("held_at_most", "decidable", "ended", "ended", "period"),
    "outcome_coverage": Rate("known", "decidable", "ended", "ended", "period"),
}

# of people, by their first held appointment
PEOPLE_RATES = {
    "agreement_rate_30d": Rate("agreement_signed", "agreement_aged", "agreement_aged", "kept"),
    "contract_rate_180d": Rate("contract_signed", "contract_aged", "contract_aged", "kept"),
}

COUNTS = {"leads": "leads", "leads_eligible": "eligible", "leads_excluded": "excluded"}

# clock: metric and level of S(t) at which it is read
CURVES = {
    "response": (("response_minutes_median", 0.5), ("response_minutes_p90", 0.1)),
    "strict": (("response_minutes_median_strict", 0.5),),
    "contact": (("contact_minutes_median", 0.5), ("contact_minutes_p90", 0.1)),
}

COVERED = frozenset(
    (
        *RATES,
        *CHAIN_RATES,
        *PEOPLE_RATES,
        "appointments_cancelled_by_us",
        *COUNTS,
        *(metric for metrics in CURVES.values() for metric, _ in metrics),
        "inquiries",
        "integration_lag_seconds_median",
        "spend",
    )
)


@dataclass
class Fact:
    """One lead, inquiry or spend line, ready to be added up."""

    week: date
    slices: dict[str, str]
    counts: Counter[str] = field(default_factory=Counter)
    observations: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Clock to (microseconds, 0 for an event or 1 for censored)."""
    lag: float | None = None
    amount: Decimal = Decimal(0)


@dataclass
class Week:
    """The facts of one week in one slice value, added up."""

    counts: Counter[str] = field(default_factory=Counter)
    observations: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    lags: list[float] = field(default_factory=list)
    amount: Decimal = Decimal(0)

    def add(self, fact: Fact) -> None:
        """One more fact."""
        self.counts.update(fact.counts)
        for clock, observation in fact.observations.items():
            self.observations[clock].append(observation)
        if fact.lag is not None:
            self.lags.append(fact.lag)
        self.amount += fact.amount

    @staticmethod
    def together(weeks: list[Week]) -> Week:
        """Several weeks as one cohort."""
        if len(weeks) == 1:
            return weeks[0]
        total = Week()
        for week in weeks:
            for name, count in week.counts.items():
                total.counts[name] += count
            total.amount += week.amount
        for clock in {clock for week in weeks for clock in week.observations}:
            # sorted runs one after the other: what timsort merges in linear time
            total.observations[clock] = sorted(chain.from_iterable(week.observations[clock] for week in weeks))
        total.lags = [lag for week in weeks for lag in week.lags]
        return total


def lead_rows(facts: Iterable[Fact], last_week: date, as_of: datetime) -> Iterator[Row]:
    """Every lead metric in every slice."""
    for head, week in _windows(facts, LEAD_SLICES, last_week):
        for metric, name in COUNTS.items():
            yield _count(head, "cohort", metric, week.counts[name], as_of)
        for metric, rate in RATES.items():
            yield _rate(head, metric, rate, week.counts, as_of)
        for clock, metrics in CURVES.items():
            observations = week.observations[clock]
            quantiles = kaplan_meier(observations, [level for _, level in metrics])
            for (metric, _), quantile in zip(metrics, quantiles, strict=True):
                yield head | {
                    "basis": "cohort",
                    "metric_id": metric,
                    "value": _minutes(quantile.value),
                    "numerator": sum(1 for _, is_censored in observations if not is_censored),
                    "denominator": len(observations),
                    "ci_low": _minutes(quantile.low),
                    "ci_high": _minutes(quantile.high),
                    "reliability": _reliability(
                        week.counts["aged_86400"],
                        week.counts["eligible"],
                        len(observations),
                    ),
                    "as_of": as_of,
                }


def inquiry_rows(facts: Iterable[Fact], last_week: date, as_of: datetime) -> Iterator[Row]:
    """Inquiries and their integration lag."""
    for head, week in _windows(facts, INQUIRY_SLICES, last_week):
        inquiries = week.counts["inquiries"]
        yield _count(head, "cohort", "inquiries", inquiries, as_of)
        yield head | {
            "basis": "cohort",
            "metric_id": "integration_lag_seconds_median",
            "value": lower_median(week.lags),
            "numerator": len(week.lags),
            "denominator": inquiries,
            "ci_low": None,
            "ci_high": None,
            "reliability": _reliability(week.counts["aged_86400"], inquiries, inquiries),
            "as_of": as_of,
        }


def chain_rows(facts: Iterable[Fact], last_week: date, as_of: datetime) -> Iterator[Row]:
    """What became of appointments, in the week of their last scheduled end."""
    for head, week in _windows(facts, CHAIN_SLICES, last_week):
        yield _count(head, "period", "appointments_cancelled_by_us", week.counts["by_us"], as_of)
        for metric, rate in CHAIN_RATES.items():
            yield _rate(head, metric, rate, week.counts, as_of)


def people_rows(facts: Iterable[Fact], last_week: date, as_of: datetime) -> Iterator[Row]:
    """What people signed after their first held appointment."""
    for head, week in _windows(facts, LEAD_SLICES, last_week):
        for metric, rate in PEOPLE_RATES.items():
            yield _rate(head, metric, rate, week.counts, as_of)


def spend_rows(facts: Iterable[Fact], last_week: date, as_of: datetime) -> Iterator[Row]:
    """Spend of all kinds."""
    for head, week in _windows(facts, ("source",), last_week):
        yield _count(head, "period", "spend", float(week.amount), as_of)


def spread(amount: Decimal, first: date, last: date | None) -> list[tuple[date, Decimal]]:
    """An amount over its days in whole cents, toward zero; what remains stands on the earliest day."""
    days = ((last or first) - first).days + 1
    if days <= 1:
        return [(first, amount)]
    cents = int(amount * 100)
    each = Decimal(abs(cents) // days if cents >= 0 else -(abs(cents) // days)) / 100
    pieces = [(first + timedelta(days=number), each) for number in range(days)]
    pieces[0] = (first, amount - each * (days - 1))
    return pieces


def _windows(facts: Iterable[Fact], names: tuple[str, ...], last_week: date) -> Iterator[tuple[Row, Week]]:
    """Each slice value in each window that is not empty."""
    by_value: dict[tuple[str, str], dict[date, Week]] = defaultdict(lambda: defaultdict(Week))
    for fact in facts:
        if fact.week > last_week:
            continue
        by_value[("all", "all")][fact.week].add(fact)
        for name in names:
            by_value[(name, fact.slices[name])][fact.week].add(fact)
    for (name, value), weeks in sorted(by_value.items()):
        for week in weeks.values():
            for observations in week.observations.values():
                observations.sort()
        for period, length in PERIODS.items():
            start = min(weeks)
            while start <= last_week:
                window = [start - timedelta(weeks=back) for back in range(length)]
                inside = [weeks[day] for day in window if day in weeks]
                if inside:
                    head: Row = {
                        "week_start": start,
                        "period": period,
                        "slice": name,
                        "slice_value": value,
                    }
                    yield head, Week.together(inside)
                start += timedelta(weeks=1)


def _count(head: Row, basis: str, metric: str, value: float, as_of: datetime) -> Row:
    return head | {
        "basis": basis,
        "metric_id": metric,
        "value": float(value),
        "numerator": None,
        "denominator": None,
        "ci_low": None,
        "ci_high": None,
        "reliability": "ok",
        "as_of": as_of,
    }


def _rate(head: Row, metric: str, rate: Rate, counts: Counter[str], as_of: datetime) -> Row:
    numerator, denominator = counts[rate.numerator], counts[rate.denominator]
    low, high = wilson(numerator, denominator)
    return head | {
        "basis": rate.basis,
        "metric_id": metric,
        "value": numerator / denominator if denominator else None,
        "numerator": numerator,
        "denominator": denominator,
        "ci_low": low,
        "ci_high": high,
        "reliability": _reliability(counts[rate.old_enough], counts[rate.cohort], denominator),
        "as_of": as_of,
    }


def _reliability(old_enough: int, cohort: int, denominator: int) -> str:
    if old_enough * 2 < cohort:
        return "too_early"
    return "small" if denominator < SMALL_BELOW else "ok"


def _minutes(time: Any) -> float | None:
    return None if time is None else time / MINUTE
