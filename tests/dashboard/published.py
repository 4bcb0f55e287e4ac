"""A published file with invented figures, in exactly the shape that docs/architecture.md promises.

For tests and for working on the pages without a build: `python -m tests.dashboard.published OUT.duckdb [--weeks N]`.
The leads are invented and the metrics are counted from them, so that the list behind a card has the card's number of
rows. This is not a reference of the definitions (tests/reference is); limits and medians are only plausible.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np

from dagster_project.warehouse.refused import keep_refused

ZONE = ZoneInfo("America/New_York")
LAST_WEEK = date(2026, 3, 9)
AS_OF = datetime(2026, 3, 10, 10, 12, tzinfo=UTC)
SEEDS = Path(__file__).parents[2] / "seeds"
SLICES = ("category", "source", "team", "agent", "responder", "office", "hours")
PERIODS = {"week": 1, "trailing_4w": 4, "trailing_12w": 12, "trailing_52w": 52}
# Names as people type them, some of them meant for whoever forgets to escape one.
HOSTILE_SOURCE = "Bob's <b>Ads</b> & *Co*"
HOSTILE_PERSON = "<img src=x onerror=alert(1)> :red[Eve]"
FORMULA_PERSON = '=HYPERLINK("http://example.com","x")'
SOURCES = {  # name: (category, share of leads, pace; lower is faster)
    "Zillow": ("portal", 30, 0.8),
    "Realtor.com": ("portal", 18, 1.0),
    "Website": ("website_showing", 17, 0.5),
    "Home value page": ("home_valuation", 9, 2.0),
    "Google Ads": ("(none)", 9, 1.4),
    "Open house sign-in": ("open_house", 7, 2.6),
    "Referral": ("referral", 5, 1.1),
    "(no source)": ("(none)", 3, 3.5),
    HOSTILE_SOURCE: ("(none)", 2, 1.5),
}
AGENTS = {  # name: (team, office, pace)
    "Ana Ruiz": ("North", "Harbor", 0.5),
    "Ben Okafor": ("North", "Harbor", 0.9),
    "Cara Lindqvist": ("North", "Main", 1.4),
    "Dmitri Volkov": ("South", "Main", 1.0),
    "Elena Rossi": ("South", "Main", 2.2),
    "(none)": ("(none)", "(none)", 3.0),
}
FIRST = [
    "Olivia",
    "Liam",
    "Emma",
    "Noah",
    "Ava",
    "Mateo",
    "Sofia",
    "Lucas",
    "Mia",
    "Ethan",
    "Amara",
    "Chen",
    "Priya",
    "Yusuf",
    "Hana",
    "Tom",
    "Ingrid",
    "Omar",
]
LAST = [
    "Nguyen",
    "Smith",
    "Garcia",
    "Cohen",
    "Patel",
    "Johnson",
    "Kim",
    "Brown",
    "Lopez",
    "Murphy",
    "Santos",
    "Ali",
    "Weber",
    "Davis",
    "Novak",
    "Park",
]
SPEND = {  # source: the media of a day
    "Zillow": 60.25,
    "Realtor.com": 95,
    "Google Ads": 3,
    "Open house sign-in": 5,
    "Billboard": 20,  # brings no lead
    HOSTILE_SOURCE: 2,
}
FEED_ABOVE_ROI, STOP_BELOW_ROI = 2.0, 0.0
RATES = {  # rate: age in seconds below which a lead is not counted yet
    "contact_rate_48h": 172_800,
    "contact_rate_14d": 1_209_600,
    "set_rate_14d": 1_209_600,
    "set_rate_30d": 2_592_000,
    "sla_met_rate": None,
    "contact_within_sla_rate": None,
    "never_answered_rate": 86_400,
    "answered_within_5m_rate": 300,
    "answered_within_15m_rate": 900,
    "answered_within_60m_rate": 3_600,
}
HELD = {"held_rate": 86_400, "held_rate_low": 86_400, "held_rate_high": 86_400, "outcome_coverage": 86_400}
SIGNED = {"agreement_rate_30d": 2_592_000, "contract_rate_180d": 15_552_000}
SURVIVAL = {
    "response_minutes_median": ("response_seconds", 0.5),
    "response_minutes_median_strict": ("strict_seconds", 0.5),
    "response_minutes_p90": ("response_seconds", 0.1),
    "contact_minutes_median": ("contact_seconds", 0.5),
    "contact_minutes_p90": ("contact_seconds", 0.1),
}


def _lead(rng: random.Random, number: int, week: date) -> dict[str, Any] | None:
    """One invented lead of that week, or none if it would be opened after the moment of the build."""
    source = rng.choices(list(SOURCES), [weight for _, weight, _ in SOURCES.values()])[0]
    category, _, source_pace = SOURCES[source]
    agent = rng.choices(list(AGENTS), [5, 5, 4, 4, 3, 1])[0]
    team, office, agent_pace = AGENTS[agent]
    local = datetime(week.year, week.month, week.day, tzinfo=ZONE) + timedelta(
        days=rng.randrange(7), minutes=int(rng.triangular(0, 1439, 900)), seconds=rng.randrange(60)
    )
    opened = local.astimezone(UTC)
    if opened >= AS_OF:
        return None
    in_hours = 8 <= local.hour < 20
    wait = rng.lognormvariate(4.3, 1.9) * source_pace * agent_pace * (1 if in_hours else 4) * 60
    responded = opened + timedelta(seconds=wait) if rng.random() < 0.86 else None
    if responded and responded > AS_OF:
        responded = None
    contact = None
    if responded and rng.random() < 0.7:
        contact = responded + timedelta(seconds=0 if rng.random() < 0.5 else rng.expovariate(1 / 40_000))
        contact = contact if contact <= AS_OF else None
    due = opened + timedelta(minutes=15 if in_hours else 60) if category != "(none)" else None
    reason = rng.choices([None, "test", "spam", "past_client", "no_contact_info"], [93, 1, 2, 2, 2])[0]
    responder = "(nobody)" if not responded else (agent if rng.random() < 0.8 and agent != "(none)" else "Ana Ruiz")
    status = None
    if due:
        status = "met" if responded and responded <= due else "missed" if responded else None
        status = status or ("open_overdue" if due < AS_OF else "open_not_due")
    age = (AS_OF - opened).total_seconds()
    response = (responded - opened).total_seconds() if responded else None
    contacted = (contact - opened).total_seconds() if contact else None
    name = f"{rng.choice(FIRST)} {rng.choice(LAST)}"
    name = {3: HOSTILE_PERSON, 4: FORMULA_PERSON, 5: None}.get(number % 60, name)
    dropped = opened + timedelta(seconds=rng.expovariate(1 / 100_000)) if rng.random() < 0.06 else None
    dropped = dropped if dropped and dropped <= AS_OF else None
    observed = dropped or AS_OF
    strict = None if responded and rng.random() < 0.03 else responded
    calendar = random.Random(number)
    booked = calendar.random() < 0.4
    set_at = contact + timedelta(seconds=calendar.expovariate(1 / 300_000)) if contact and booked else None
    set_at = set_at if set_at and set_at <= AS_OF else None
    return {
        "lead_id": f"crm:{100_000 + number}",
        "person_key": f"p{number}",
        "name": name,
        "id_space": "crm",
        "inquiry_id": str(100_000 + number),
        "lead_grain": "episode",
        "source": source,
        "source_now": source,
        "category": category,
        "agent": agent,
        "team": team,
        "office": office,
        "hours": "in_hours" if in_hours else "after_hours",
        "responder": responder,
        "opened_at": opened,
        "opened_local": local.replace(tzinfo=None),
        "week_start": week,
        "inquiries": rng.choices([1, 2, 3], [85, 12, 3])[0],
        "next_lead_at": None,
        "is_set_aside": reason in ("test", "spam"),
        "is_eligible": reason is None,
        "exclusion_reason": reason,
        "first_any_at": responded,
        "first_response_at": responded,
        "first_response_strict_at": strict,
        "first_reply_at": None,
        "first_contact_at": contact,
        "response_channel": rng.choice(["call", "sms", "email"]) if responded else None,
        "response_seconds": response,
        "contact_seconds": contacted,
        "response_business_seconds": response / 2 if response else None,
        "first_appointment_set_at": set_at,
        "appointment_set_seconds": (set_at - opened).total_seconds() if set_at else None,
        "observed_until": observed,
        "censored_at": None if responded and responded <= observed else observed,
        "censor_reason": None if responded and responded <= observed else "disqualified" if dropped else "as_of",
        "disqualified_at": dropped,
        "due_at": due,
        "due_minutes": 15.0 if in_hours and due else 60.0 if due else None,
        "sla_status": status,
        "due_in_quiet_hours": bool(due and not in_hours and local.hour < 7),
        "quiet_hours_allowed": None,
        "first_touch_ok": None,
        "integration_lag_seconds": rng.choice([20.0, 45.0, 90.0, 600.0]),
        "age_seconds": age,
        "as_of": AS_OF,
    }


LEAD_TYPES = {
    "opened_local": "TIMESTAMP",
    "week_start": "DATE",
    "inquiries": "BIGINT",
    "is_set_aside": "BOOLEAN",
    "is_eligible": "BOOLEAN",
    "due_in_quiet_hours": "BOOLEAN",
    "first_touch_ok": "BOOLEAN",
}


def _lead_type(column: str) -> str:
    if column in LEAD_TYPES:
        return LEAD_TYPES[column]
    if column.endswith(("_at", "_until")) or column == "as_of":
        return "TIMESTAMPTZ"
    return "DOUBLE" if column.endswith(("_seconds", "_minutes")) else "VARCHAR"


def _flags(lead: dict[str, Any]) -> dict[str, bool | None]:
    """The rate columns of `metric_leads`: in the numerator, only in the denominator, or in neither."""
    response, contact, age = lead["response_seconds"], lead["contact_seconds"], lead["age_seconds"]
    in_sla = lead["sla_status"] in ("met", "missed", "open_overdue")
    within = {"answered_within_5m_rate": 300, "answered_within_15m_rate": 900, "answered_within_60m_rate": 3600}
    out: dict[str, bool | None] = {}
    for metric, least_age in RATES.items():
        counted = lead["is_eligible"] and (in_sla if least_age is None else age >= least_age)
        if metric.startswith("set_rate"):
            hit = lead["appointment_set_seconds"] is not None and lead["appointment_set_seconds"] <= (least_age or 0)
        elif metric.startswith("contact_rate"):
            hit = contact is not None and contact <= (least_age or 0)
        elif metric == "sla_met_rate":
            hit = lead["sla_status"] == "met"
        elif metric == "contact_within_sla_rate":
            hit = bool(lead["first_contact_at"] and lead["due_at"] and lead["first_contact_at"] <= lead["due_at"])
        elif metric == "never_answered_rate":
            hit = response is None
        else:
            hit = response is not None and response <= within[metric]
        out[metric] = hit if counted else None
    return out


def _wilson(hits: int, total: int) -> tuple[float | None, float | None]:
    if not total:
        return None, None
    z, share = 1.959964, hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def _survival(durations: np.ndarray, events: np.ndarray, level: float) -> tuple[float | None, ...]:
    """Kaplan-Meier quantile in minutes with log-log limits, good enough to look at."""
    order = np.lexsort((~events, durations))
    times, happened = durations[order], events[order]
    at_risk = len(times) - np.arange(len(times))
    survive = np.cumprod(np.where(happened, 1 - 1 / at_risk, 1.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.cumsum(np.where(happened, 1 / (at_risk * np.maximum(at_risk - 1, 1)), 0.0)))
        middle = np.log(-np.log(survive))
        width = 1.959964 * spread / np.abs(np.log(survive))
        low, high = np.exp(-np.exp(middle + width)), np.exp(-np.exp(middle - width))

    def first(curve: np.ndarray) -> float | None:
        reached = np.flatnonzero((curve <= level + 1e-9) & happened)
        return float(times[reached[0]]) / 60 if len(reached) else None

    return first(survive), first(low), first(high)


def _chains(leads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An appointment for every lead that has set one, some of them held, some of them without an outcome."""
    rng, chains = random.Random(5), []
    for lead in leads:
        if not lead["first_appointment_set_at"]:
            continue
        starts = lead["first_appointment_set_at"] + timedelta(hours=rng.randint(5, 120))
        ends = starts + timedelta(hours=1)
        outcome = rng.choices(["held", "no_show", "cancelled_late", "cancelled_by_us", None], [60, 12, 5, 5, 18])[0]
        left_out = None if lead["is_eligible"] else "(excluded)"
        week = ends.astimezone(ZONE).date()
        chains.append(
            {
                "chain_id": lead["lead_id"].replace("crm:", "crm:a"),
                "person_key": lead["person_key"],
                "lead_id": lead["lead_id"],
                "source": left_out or lead["source"],
                "category": left_out or lead["category"],
                "agent": lead["agent"],
                "bookings": rng.choices([1, 2], [8, 2])[0],
                "set_local": lead["first_appointment_set_at"].astimezone(ZONE).replace(tzinfo=None),
                "starts_at": starts,
                "starts_local": starts.astimezone(ZONE).replace(tzinfo=None),
                "ends_at": ends,
                "ends_local": ends.astimezone(ZONE).replace(tzinfo=None),
                "week_start": week - timedelta(days=week.weekday()),
                "outcome": outcome,
                "is_held": outcome == "held" and ends <= AS_OF,
                "age_seconds": (AS_OF - ends).total_seconds(),
            }
        )
    return chains


def _chain_flags(chain: dict[str, Any]) -> dict[str, bool | None]:
    """The part of an appointment that was due in every figure."""
    outcome = chain["outcome"]
    if outcome == "cancelled_by_us":
        return {**dict.fromkeys(HELD), "is_cancelled_by_us": True}
    return {
        "held_rate": None if outcome is None else outcome == "held",
        "held_rate_low": outcome == "held",
        "held_rate_high": outcome in ("held", None),
        "outcome_coverage": outcome is not None,
        "is_cancelled_by_us": False,
    }


def _people(chains: list[dict[str, Any]], leads: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Everybody who held an appointment: each invented person has one at most."""
    rng, people = random.Random(6), []
    for chain in chains:
        if not chain["is_held"]:
            continue
        lead, week = leads[chain["lead_id"]], chain["starts_local"].date()
        signed = chain["starts_at"] + timedelta(days=rng.expovariate(1 / 20)) if rng.random() < 0.4 else None
        bought = signed + timedelta(days=rng.expovariate(1 / 60)) if signed and rng.random() < 0.6 else None
        age = (AS_OF - chain["starts_at"]).total_seconds()
        signed, bought = (moment if moment and moment <= AS_OF else None for moment in (signed, bought))
        person = {
            "person_key": chain["person_key"],
            "chain_id": chain["chain_id"],
            "lead_id": chain["lead_id"],
            "week_start": week - timedelta(days=week.weekday()),
            **{part: lead[part] if lead["is_eligible"] else "(excluded)" for part in SLICES},
            "starts_at": chain["starts_at"],
            "agreement_at": signed,
            "contract_at": bought,
            "age_seconds": age,
        }
        for metric, moment, days in (("agreement_rate_30d", signed, 30), ("contract_rate_180d", bought, 180)):
            within = moment is not None and moment - chain["starts_at"] <= timedelta(days=days)
            person[metric] = within if age >= days * 86_400 else None
        people.append(person)
    return people


def _family_rows(
    members: list[dict[str, Any]], weeks: list[date], parts: tuple[str, ...], rates: dict[str, int], basis: str
) -> list[tuple[Any, ...]]:
    """Figures of rates whose parts are columns of their members."""
    rows: list[tuple[Any, ...]] = []
    values = {(part, "all" if part == "all" else member[part]) for member in members for part in ("all", *parts)}
    for (part, value), week, (period, length) in itertools.product(sorted(values), weeks, PERIODS.items()):
        first = week - timedelta(weeks=length - 1)
        window = [m for m in members if first <= m["week_start"] <= week and (part == "all" or m[part] == value)]
        if not window:
            continue
        for metric, least_age in rates.items():
            flags = [m[metric] for m in window if m[metric] is not None]
            hits, total = sum(flags), len(flags)
            early = 2 * sum(m["age_seconds"] >= least_age for m in window) < len(window)
            trust = "too_early" if early else "small" if total < 20 else "ok"
            figure = (hits / total if total else None, hits, total, *_wilson(hits, total), trust)
            rows.append((week, period, basis, metric, part, value, *figure, AS_OF))
        if "is_cancelled_by_us" in window[0]:
            cancelled = float(sum(m["is_cancelled_by_us"] for m in window))
            figure = (cancelled, None, None, None, None, "ok")
            rows.append((week, period, basis, "appointments_cancelled_by_us", part, value, *figure, AS_OF))
    return rows


def _reliability(rows: list[dict[str, Any]], denominator: int, least_age: int | None) -> str:
    eligible = [row for row in rows if row["is_eligible"]]
    if sum(row["age_seconds"] >= (least_age or 86_400) for row in eligible) * 2 < len(eligible):
        return "too_early"
    return "small" if denominator < 20 else "ok"


def _metric_rows(leads: list[dict[str, Any]], weeks: list[date]) -> list[tuple[Any, ...]]:
    groups: dict[tuple[str, str], dict[date, list[dict[str, Any]]]] = {}
    for lead in leads:
        for part in ("all", *SLICES):
            key = (part, "all" if part == "all" else lead[part])
            groups.setdefault(key, {}).setdefault(lead["week_start"], []).append(lead)
    rows: list[tuple[Any, ...]] = []
    for (part, value), by_week in groups.items():
        for week in weeks:
            for period, length in PERIODS.items():
                window = [lead for back in range(length) for lead in by_week.get(week - timedelta(weeks=back), [])]
                if window:
                    head = (week, period)
                    rows += [
                        (*head, basis, metric, part, value, *rest, AS_OF)
                        for metric, basis, *rest in _window(window, part)
                    ]
    return rows


def _window(window: list[dict[str, Any]], part: str) -> list[tuple[Any, ...]]:
    """All figures of one window: (metric, basis, value, numerator, denominator, ci_low, ci_high, reliability)."""
    out: list[tuple[Any, ...]] = []
    eligible = [lead for lead in window if lead["is_eligible"]]
    for metric, least_age in RATES.items():
        flags = [lead["flags"][metric] for lead in window if lead["flags"][metric] is not None]
        hits, total = sum(flags), len(flags)
        share = hits / total if total else None
        out.append(
            (metric, "cohort", share, hits, total, *_wilson(hits, total), _reliability(window, total, least_age))
        )
    for metric, (column, level) in SURVIVAL.items():
        until = np.array([(lead["observed_until"] - lead["opened_at"]).total_seconds() for lead in eligible])
        waits = np.array([np.inf if lead[column] is None else lead[column] for lead in eligible])
        events, durations = waits <= until, np.minimum(waits, until)
        found = _survival(durations, events, level) if eligible else (None, None, None)
        out.append(
            (
                metric,
                "cohort",
                found[0],
                int(events.sum()),
                len(eligible),
                *found[1:],
                _reliability(window, len(eligible), None),
            )
        )
    counts = {"leads": len(window), "leads_eligible": len(eligible), "leads_excluded": len(window) - len(eligible)}
    if part in ("all", "source", "category", "agent"):
        counts["inquiries"] = sum(lead["inquiries"] for lead in window)
        lags = sorted(lead["integration_lag_seconds"] for lead in window)
        out.append(
            (
                "integration_lag_seconds_median",
                "cohort",
                lags[(len(lags) - 1) // 2],
                len(lags),
                len(lags),
                None,
                None,
                _reliability(window, len(lags), None),
            )
        )
    for metric, count in counts.items():
        out.append((metric, "cohort", float(count), None, None, None, None, "ok"))
    if part in ("all", "source"):
        spend = sum(12.5 + (lead["age_seconds"] % 700) / 100 for lead in window if lead["source"] != "Referral")
        out.append(("spend", "period", round(spend, 2), None, None, None, None, "ok"))
    touches = 3 * len(window)
    for metric, hits in (("automation_inferred_rate", touches // 25), ("sender_known_rate", touches * 7 // 10)):
        out.append((metric, "cohort", hits / touches, hits, touches, *_wilson(hits, touches), "ok"))
    return out


def _deals(leads: list[dict[str, Any]], chains: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A deal for some of the appointments held, and two that no source is credited for."""
    rng, by_id = random.Random(11), {lead["lead_id"]: lead for lead in leads}
    held = [chain for chain in chains if chain["is_held"] and by_id[chain["lead_id"]]["is_eligible"]]
    found = []
    excluded = next(lead for lead in leads if not lead["is_eligible"])
    for number, chain in enumerate([*(c for c in held if rng.random() < 0.5), None, None]):
        lead = by_id[chain["lead_id"]] if chain else excluded if number % 2 else None
        signed = (chain["starts_at"] if chain else AS_OF - timedelta(days=60)) + timedelta(days=rng.uniform(1, 6))
        closed = signed + timedelta(days=rng.uniform(10, 40))
        gci = round(rng.uniform(4_000, 15_000), 2)
        found.append(
            {
                "deal_key": f"crm:d{number}",
                "deal_id": f"d{number}",
                "person_key": lead["person_key"] if lead else "p-1",
                "lead_id": lead["lead_id"] if lead else None,
                "source": (lead["source"] if lead["is_eligible"] else "(excluded)") if lead else "(unattributed)",
                "agent": lead["agent"] if lead else None,
                "contract_at": signed if signed <= AS_OF else None,
                "closed_at": closed if closed <= AS_OF else None,
                "gci": gci,
                "agent_split": None if lead and lead["source"] == "Open house sign-in" else round(gci * 0.65, 2),
                "referral_fee": round(gci * 0.25, 2) if lead and lead["source"] == "Referral" and number % 2 else 0.0,
            }
        )
    return [deal for deal in found if deal["contract_at"]]


ADDS = {
    "cost_media": 0.0, "cost_media_mapped": 0.0, "cost_fees": 0.0, "leads_eligible": 0, "leads_settled": 0,
    "appointments_set": 0, "appointments_held": 0, "contracts": 0, "closes": 0, "closes_with_gci": 0, "gci": 0.0,
    "company_dollar": 0.0, "pending_gci": 0.0, "splits_missing": 0, "splits_assumed": 0,
}  # fmt: skip


def _entries(
    leads: list[dict[str, Any]], chains: list[dict[str, Any]], deals: list[dict[str, Any]], spend: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """All that source economics adds up, in both views."""
    opened = {lead["lead_id"]: lead["opened_local"].date() for lead in leads}
    found: list[dict[str, Any]] = []

    def add(entry: str, source: str, day: date, *, lead: str | None = None, spent: bool = False, **more: Any) -> None:
        keys = {"chain_id": None, "deal_key": None, "spend_key": None, "spend_date": None}
        for view, counts_on in (("cash", day), ("cohort", day if spent else opened.get(lead or ""))):
            if counts_on:
                found.append({"view": view, "entry": entry, "source": source, "day": counts_on, "lead_id": lead,
                              **keys, **ADDS, **more})  # fmt: skip

    for line in spend:
        add("media", line["source"], line["spend_date"], spent=True, spend_key=line["spend_key"],
            spend_date=line["spend_date"], cost_media=line["amount"],
            cost_media_mapped=line["amount"] if line["source"] != HOSTILE_SOURCE else 0.0)  # fmt: skip
    for lead in leads:
        if lead["is_eligible"]:
            settled = lead["disqualified_at"] is not None or lead["age_seconds"] > 35 * 86_400
            add("lead", lead["source"], opened[lead["lead_id"]], lead=lead["lead_id"], leads_eligible=1,
                leads_settled=int(settled))  # fmt: skip
    for chain in chains:
        own = {"lead": chain["lead_id"], "chain_id": chain["chain_id"]}
        add("appointment_set", chain["source"], chain["set_local"].date(), appointments_set=1, **own)
        if chain["is_held"]:
            add("appointment_held", chain["source"], chain["ends_local"].date(), appointments_held=1, **own)
    for deal in deals:
        own = {"source": deal["source"], "lead": deal["lead_id"], "deal_key": deal["deal_key"]}
        closed = deal["closed_at"]
        add("contract", day=deal["contract_at"].astimezone(ZONE).date(), contracts=1,
            pending_gci=0.0 if closed else deal["gci"], **own)  # fmt: skip
        if closed:
            lacks = deal["agent_split"] is None
            add("closing", day=closed.astimezone(ZONE).date(), closes=1, closes_with_gci=1, gci=deal["gci"],
                company_dollar=0.0 if lacks else round(deal["gci"] - deal["agent_split"], 2),
                splits_missing=int(lacks), **own)  # fmt: skip
            if deal["referral_fee"]:
                add("referral_fee", day=closed.astimezone(ZONE).date(), cost_fees=deal["referral_fee"], **own)
    return found


def _economics(con: duckdb.DuckDBPyConnection, leads: list[dict[str, Any]], chains: list[dict[str, Any]]) -> None:
    """Deals, spend, and what they come to by source, period and view."""
    deals = _deals(leads, chains)
    days = sorted({lead["opened_local"].date() for lead in leads})
    spend = [
        {"spend_key": f"ads:{number}", "spend_date": day, "feed": "ads", "spend_id": str(number), "source": source,
         "campaign": HOSTILE_PERSON if number == 7 else None, "deal_id": None, "amount": float(amount)}
        for number, (day, (source, amount)) in enumerate(itertools.product(days, SPEND.items()))
    ]  # fmt: skip
    _table(con, "marts.deals", deals)
    _table(con, "marts.spend", spend)
    _table(con, "marts.source_economics_entries", _entries(leads, chains, deals, spend))
    money = ("cost_media", "cost_media_mapped", "cost_fees", "gci", "company_dollar", "pending_gci")
    for column in money:
        con.execute(f"alter table marts.source_economics_entries alter {column} type decimal(38, 6)")
    con.execute("alter table marts.spend alter campaign type varchar")
    sums = ", ".join(f"sum({name}) as {name}" for name in ADDS)
    con.execute(
        f"""create table marts.source_economics as
        with placed as (
            select 'week' as period, date_trunc('week', day)::date as period_start, *
            from marts.source_economics_entries
            union all
            select 'month', date_trunc('month', day)::date, * from marts.source_economics_entries
            union all
            select 'quarter', date_trunc('quarter', day)::date, * from marts.source_economics_entries
            union all
            select 'trailing_12m', (date_trunc('month', day) + to_months(n - 11))::date, * exclude (n)
            from marts.source_economics_entries, (select unnest(range(0, 12))::integer as n)
            where date_trunc('month', day) + to_months(n) <= '{AS_OF.date()}'
        ),
        each as (select period, period_start, view, source, {sums} from placed group by all),
        sums as (
            from each union all by name
            select period, period_start, view, '(all)' as source, {sums} from each group by period, period_start, view
        ),
        ratios as (
            select * replace (case when splits_missing = 0 then company_dollar end as company_dollar),
                (cost_media + cost_fees)::decimal(38, 6) as cost,
                least(leads_settled / nullif(leads_eligible, 0), closes_with_gci / nullif(closes, 0),
                      cost_media_mapped::double / nullif(cost_media, 0)) as confidence
            from sums
        ),
        done as (
            select *, (company_dollar - cost)::double / nullif(cost, 0) as roi,
                (gci - cost)::double / nullif(cost, 0) as roi_gci,
                company_dollar::double / nullif(cost, 0) as return_multiple
            from ratios
        )
        select period, period_start, view, source, cost, cost_media, cost_fees, leads_eligible, appointments_set,
            appointments_held, contracts, closes, cost::double / nullif(leads_eligible, 0) as cost_per_lead,
            cost::double / nullif(appointments_set, 0) as cost_per_appointment_set,
            cost::double / nullif(appointments_held, 0) as cost_per_appointment_held,
            cost::double / nullif(contracts, 0) as cost_per_contract,
            cost::double / nullif(closes, 0) as cost_per_close,
            gci, company_dollar, (pending_gci * 0.8)::decimal(38, 6) as pending_gci_weighted, roi, roi_gci,
            return_multiple, confidence,
            case when confidence is null or confidence < 0.6 then 'too early' when roi >= {FEED_ABOVE_ROI} then 'feed'
                when roi <= {STOP_BELOW_ROI} then 'stop' when roi is not null then 'keep' end as verdict,
            splits_missing, splits_assumed,
            case when leads_eligible = 0 then 'no leads' when cost = 0 then 'no spend'
                when company_dollar is null then 'no split entered' end as why_null
        from done"""
    )


def _quality(con: duckdb.DuckDBPyConnection, built_at: datetime, leads: int) -> None:
    con.execute(
        "create table quality.build (build_id VARCHAR, built_at TIMESTAMPTZ, as_of TIMESTAMPTZ, as_of_origin VARCHAR,"
        " brokerage VARCHAR, timezone VARCHAR, country VARCHAR, currency VARCHAR, week_start VARCHAR, version VARCHAR,"
        " feed_above_roi DOUBLE, stop_below_roi DOUBLE)"
    )
    con.execute(
        "insert into quality.build values ('b1', ?, ?, 'data', 'Harbor & Main Realty', ?, 'US', 'USD',"
        " 'monday', '0.1.0', ?, ?)",
        [built_at, AS_OF, str(ZONE), FEED_ABOVE_ROI, STOP_BELOW_ROI],
    )
    con.execute(
        "create table quality.sources (source VARCHAR, kind VARCHAR, lead_grain VARCHAR, mode VARCHAR,"
        " data_through TIMESTAMPTZ, is_stale BOOLEAN, loaded BIGINT)"
    )
    con.executemany(
        "insert into quality.sources values (?, 'files', 'episode', 'snapshot', ?, ?, ?)",
        [
            ["crm", AS_OF, False, leads * 2],
            ["dialer", AS_OF + timedelta(minutes=31), False, leads * 3],
            ["ads", AS_OF - timedelta(days=5), True, 412],
        ],
    )
    con.execute(
        "create table quality.load_log (load_id VARCHAR, loaded_at TIMESTAMPTZ, source VARCHAR,"
        " entity VARCHAR, file VARCHAR, sha256 VARCHAR, bytes BIGINT, encoding VARCHAR, rows BIGINT,"
        " loaded BIGINT, quarantined BIGINT, exact_duplicates BIGINT, superseded BIGINT, filtered BIGINT,"
        " status VARCHAR)"
    )
    con.executemany(
        "insert into quality.load_log values ('L7', ?, ?, ?, ?, ?, ?, 'utf-8', ?, ?, ?, ?, ?, ?, ?)",
        [
            [built_at, "crm", "people", "people.csv", "9f2c" * 16, 181_204, leads, leads - 3, 3, 0, 0, 0, "loaded"],
            [
                built_at,
                "crm",
                "inquiries",
                "inquiries-2025.csv",
                "1a7b" * 16,
                240_118,
                leads + 9,
                leads,
                4,
                0,
                0,
                5,
                "unchanged",
            ],
            [built_at, "crm", "inquiries", "inquiries-2026.csv", "77e0" * 16, 66_031, 301, 290, 2, 7, 2, 0, "loaded"],
            [
                built_at,
                "dialer",
                "touches",
                "calls-2026-03.csv",
                "c0de" * 16,
                420_000,
                leads * 3,
                leads * 3 - 31,
                31,
                0,
                0,
                0,
                "loaded",
            ],
            [built_at, "ads", "spend", "ads.csv", "b33f" * 16, 20_480, 476, 412, 0, 64, 0, 0, "loaded"],
        ],
    )
    con.execute(
        "create table quality.quarantine (quarantine_id VARCHAR, load_id VARCHAR, loaded_at TIMESTAMPTZ,"
        " source VARCHAR, entity VARCHAR, file VARCHAR, sha256 VARCHAR, line BIGINT, raw_text VARCHAR,"
        " column_name VARCHAR, found VARCHAR, expected VARCHAR, reason VARCHAR, fix VARCHAR)"
    )
    con.executemany(
        "insert into quality.quarantine (load_id, loaded_at, source, entity, file, line, raw_text, column_name, found,"
        " expected, reason) values ('L7', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            [
                built_at,
                "crm",
                "people",
                "people.csv",
                17 * n,
                f"{n},<script>alert({n})</script>,x",
                "person_id",
                "",
                "a value",
                "missing_required",
            ]
            for n in range(1, 4)
        ]
        + [
            [
                built_at,
                "crm",
                "inquiries",
                "inquiries-2025.csv",
                40 * n,
                f"100{n},yesterday,Zillow",
                "event_at",
                "yesterday",
                "a time such as 2026-03-02T10:00:00-05:00",
                "unreadable_value",
            ]
            for n in range(1, 5)
        ]
        + [
            [
                built_at,
                "crm",
                "inquiries",
                "inquiries-2026.csv",
                12 * n,
                f"=1+{n},2026-03-01 10:00,Zillow,extra",
                None,
                "9 columns",
                "8 columns",
                "wrong_width",
            ]
            for n in range(1, 3)
        ]
        + [
            [
                built_at,
                "dialer",
                "touches",
                "calls-2026-03.csv",
                9 * n,
                f"c{n},2026-03-02 09:00,fax,outbound",
                "channel",
                "fax",
                "call, sms, email, chat or voicemail",
                "unknown_word",
            ]
            for n in range(1, 32)
        ],
    )
    con.execute(
        "update quality.quarantine set sha256 = repeat('c0de', 16), fix = 'mend ' || coalesce(column_name, 'the row'),"
        " quarantine_id = left(sha256(file || line), 12)"
    )
    con.execute(
        "create table quality.check_results (check_name VARCHAR, subject VARCHAR, layer VARCHAR,"
        " severity VARCHAR, status VARCHAR, observed VARCHAR, expected VARCHAR, owner VARCHAR, why VARCHAR,"
        " what_to_do VARCHAR, checked_at TIMESTAMPTZ)"
    )
    con.executemany(
        "insert into quality.check_results values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            [
                "source_is_fresh",
                "ads",
                "arrival",
                "warning",
                "failed",
                "5.0 days behind",
                "at most 3 days",
                "operations",
                "Old spend makes every source look cheap.",
                "Export the ad account again and build.",
                built_at,
            ],
            [
                "sources_mapped",
                "inquiries",
                "arrival",
                "warning",
                "failed",
                "11 % without a category",
                "at most 5 %",
                "operations",
                "Leads without a category have no SLA.",
                "Add the names to seeds/source_categories.csv.",
                built_at,
            ],
            [
                "inquiries_unique",
                "inquiries",
                "structure",
                "critical",
                "passed",
                "0 repeated ids",
                "0",
                "data team",
                "A repeated id would count a lead twice.",
                "Look for overlapping exports.",
                built_at,
            ],
            [
                "rates_between_0_and_1",
                "metric_weekly",
                "metrics",
                "critical",
                "passed",
                "0 outside",
                "0",
                "data team",
                "A rate above 1 means a join went wrong.",
                "Report it; do not publish.",
                built_at,
            ],
            [
                "response_not_before_opening",
                "leads",
                "metrics",
                "critical",
                "passed",
                "0 leads",
                "0",
                "data team",
                "A negative wait would flatter the median.",
                "Check the time zones of the sources.",
                built_at,
            ],
        ],
    )


def write(path: Path, weeks: int = 30, leads_a_week: int = 44, seed: int = 7) -> Path:
    """Write a published file at `path`, switching to it atomically as a publish does."""
    rng = random.Random(seed)
    starts = [LAST_WEEK - timedelta(weeks=back) for back in range(weeks)][::-1]
    made = (
        _lead(rng, number, week)
        for number, week in enumerate(
            week for week in starts for _ in range(int(leads_a_week * rng.uniform(0.75, 1.25)))
        )
    )
    leads = [lead for lead in made if lead]
    columns = list(leads[0])
    for lead in leads:
        lead["flags"] = _flags(lead)
        strict = lead["first_response_strict_at"]
        lead["strict_seconds"] = (strict - lead["opened_at"]).total_seconds() if strict else None
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    fresh.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(fresh)) as con:
        con.execute("create schema marts; create schema quality")
        definitions = str(SEEDS / "metric_definitions.csv").replace("'", "''")
        con.execute(f"create table marts.metric_definitions as from read_csv('{definitions}', header = true)")
        con.execute(
            "create table marts.inquiries (inquiry_key VARCHAR, lead_id VARCHAR, name VARCHAR, opened_at TIMESTAMPTZ,"
            " opened_local TIMESTAMP, week_start DATE, source VARCHAR, category VARCHAR, agent VARCHAR,"
            " set_aside_reason VARCHAR, is_deleted BOOLEAN, feed VARCHAR, inquiry_id VARCHAR)"
        )
        con.execute(f"create table marts.leads ({', '.join(f'{c} {_lead_type(c)}' for c in columns)})")
        con.execute(
            "create table marts.metric_weekly (week_start DATE, period VARCHAR, basis VARCHAR,"
            " metric_id VARCHAR, slice VARCHAR, slice_value VARCHAR, value DOUBLE, numerator BIGINT,"
            " denominator BIGINT, ci_low DOUBLE, ci_high DOUBLE, reliability VARCHAR, as_of TIMESTAMPTZ)"
        )
        con.execute(
            f"create table marts.metric_leads (lead_id VARCHAR, week_start DATE,"
            f" {', '.join(f'{part} VARCHAR' for part in SLICES)}, {', '.join(f'{m} BOOLEAN' for m in RATES)})"
        )
        own = ("lead_id", "name", "opened_at", "opened_local", "week_start", "source", "category", "agent")
        inquiries = [
            (f"{lead['lead_id']}-{n}", *(lead[column] for column in own),
             lead["exclusion_reason"] if lead["is_set_aside"] else None, False, "crm", f"{lead['inquiry_id']}-{n}")
            for lead in leads for n in range(lead["inquiries"])
        ]  # fmt: skip
        _insert(con, "marts.inquiries", None, inquiries)
        _insert(con, "marts.leads", columns, [tuple(lead[c] for c in columns) for lead in leads])
        _insert(
            con,
            "marts.metric_leads",
            None,
            [
                (lead["lead_id"], lead["week_start"], *(lead[s] for s in SLICES), *(lead["flags"][m] for m in RATES))
                for lead in leads
            ],
        )
        chains = _chains(leads)
        due = [{**chain, **_chain_flags(chain)} for chain in chains if chain["age_seconds"] >= 86_400]
        people = _people(chains, {lead["lead_id"]: lead for lead in leads})
        _table(con, "marts.appointment_chains", chains)
        _table(con, "marts.metric_appointments", due)
        _table(con, "marts.metric_people", people)
        con.execute("create table marts.people as select person_key, name, true as is_current from marts.leads")
        figures = _metric_rows(leads, starts)
        figures += _family_rows(due, starts, ("source", "category", "agent"), HELD, "period")
        figures += _family_rows(people, starts, SLICES, SIGNED, "cohort")
        _insert(con, "marts.metric_weekly", None, figures)
        _economics(con, leads, chains)
        _quality(con, AS_OF + timedelta(minutes=40), len(leads))
    os.replace(fresh, path)
    return path


def refuse(path: Path, file: str = "inquiries-2026-04.csv", rows: int = 60) -> None:
    """A refused load of the source `crm` beside the published file at `path`: as the build leaves it.

    `rows` of a new file could not be read; what was set aside of the files that the figures hold stays set aside.
    """
    with duckdb.connect(":memory:") as con:
        con.execute(f"attach '{str(path).replace(chr(39), chr(39) * 2)}' as shown (read_only)")
        con.execute("create schema quality")
        con.execute("create table quality.quarantine as from shown.quality.quarantine where source = 'crm'")
        con.execute(
            """update quality.quarantine as q set sha256 = l.sha256 from shown.quality.load_log as l
               where q.source = l.source and q.file = l.file"""
        )
        con.execute(
            """insert into quality.quarantine (quarantine_id, load_id, loaded_at, source, entity, file, sha256, line,
                   raw_text, column_name, found, expected, reason, fix)
               select 'new' || n, 'L8', now(), 'crm', 'inquiries', $file, repeat('beef', 16), n,
                   'n' || n || ',tomorrow,Zillow', 'event_at', 'tomorrow', 'a time; such as 2026-03-02T10:00:00-05:00',
                   'unreadable_value', 'mend event_at'
               from range(1, $rows + 1) as r(n)""",
            {"file": file, "rows": rows},
        )
        told = [("quarantine_share", f"crm/{file}", f"{rows} of {rows} rows cannot be read")]
        folder = path.with_name("refused")
        keep_refused(con, folder, "crm", refused_at="2026-03-11T08:00:00+00:00", told=told, infos=[])


def _table(con: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, Any]]) -> None:
    """A table of what is given."""
    import pyarrow as pa

    con.register("_new_rows", pa.Table.from_pylist(rows))
    con.execute(f"create table {table} as from _new_rows")
    con.unregister("_new_rows")


def _insert(con: duckdb.DuckDBPyConnection, table: str, columns: list[str] | None, rows: list[tuple[Any, ...]]) -> None:
    """Insert by way of Arrow: `executemany` takes a millisecond a row."""
    import pyarrow as pa

    names = columns or [row[0] for row in con.execute(f"describe {table}").fetchall()]
    frame = pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})
    con.register("_new_rows", frame)
    con.execute(f"insert into {table} select * from _new_rows")
    con.unregister("_new_rows")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--weeks", type=int, default=30)
    args = parser.parse_args()
    print(write(args.out, weeks=args.weeks))
