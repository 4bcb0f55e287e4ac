"""The metric card: a figure in words, what it is out of, how sure it is, how it changed, what it means, whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards.components import filters, spark
from dashboards.components.formats import (
    APPOINTMENTS,
    PERIOD_NAMES,
    count,
    counted,
    duration,
    figure,
    likely_range,
    money,
    period_span,
    plain,
    share,
)
from dashboards.queries import APPOINTMENT_PARTS, JUDGED_LATER, PEOPLE_METRICS, SURVIVAL_MOMENTS, Row

# How old a lead has to be before it can say anything about the figure, for the note while it is too early.
LEAST_AGE = {
    "contact_rate_48h": "48 hours",
    "contact_rate_14d": "14 days",
    "set_rate_14d": "14 days",
    "set_rate_30d": "30 days",
    "agreement_rate_30d": "30 days",
    "contract_rate_180d": "180 days",
}
# Whose week it is, where that is not plain from "leads": a cohort is followed, a period is what fell due in it.
BASIS = {
    "set_rate_14d": "Cohort: leads that came in then",
    "set_rate_30d": "Cohort: leads that came in then",
    "held_rate": "Period: appointments due then",
    "outcome_coverage": "Period: appointments due then",
    "appointments_cancelled_by_us": "Period: appointments due then",
    "agreement_rate_30d": "Cohort: people first met then",
    "contract_rate_180d": "Cohort: people first met then",
}
NO_TARGET = "None of these leads has a time to be answered by: their kind is not known, or has no target."
NOTHING = {"sla_met_rate": NO_TARGET, "contact_within_sla_rate": NO_TARGET}
BEFORE = {
    "week": "Week before",
    "trailing_4w": "4 weeks before",
    "trailing_12w": "12 weeks before",
    "trailing_52w": "52 weeks before",
}


@dataclass(frozen=True)
class Change:
    """How a figure moved: by how much, against what, which way, and whether that is good, bad or perhaps chance."""

    by: str = ""
    against: str = ""
    arrow: Literal["up", "down", "off"] = "off"
    verdict: Literal["green", "red", "gray"] = "gray"


@dataclass(frozen=True)
class CardText:
    """Everything a card says, in words."""

    value: str
    in_words: bool
    too_early: bool
    has_leads: bool
    sample: str
    likely: str
    note: str
    change: Change
    basis: str = ""
    dated: str = ""
    beside: str = ""


def describe(
    now: Row, before: Row | None, metric: Row, period: str, currency: str, *, unfinished: bool = False
) -> CardText:
    """The words of a card. `before` is none where there is no complete earlier window, empty where that has no row."""
    value, in_words = figure(now["value"], metric["unit"], currency), now["value"] is None
    if in_words:
        value = _waiting(metric) if _waits(now, metric) else f"No {counted(metric['metric_id'])} to judge"
    return CardText(
        value=value,
        in_words=in_words,
        too_early=now["reliability"] == "too_early",
        has_leads=bool(now["value"] if now["denominator"] is None else now["denominator"]),
        sample=_sample(now, metric),
        likely=likely_range(now["ci_low"], now["ci_high"], metric["unit"]) or "",
        note=_note(now, metric),
        change=_change(now, before, metric, period, currency, unfinished=unfinished),
        basis=BASIS.get(metric["metric_id"], ""),
    )


def dated(shown: Row, young: Row | None, metric: Row) -> str:
    """Which window a card shows that is older than the page's, and what the page's own comes to so far."""
    which = f"{period_span(shown['week_start'], shown['period'])}, the latest that can be judged"
    if not young or young["value"] is None:
        return f"{which}."
    so_far = f"{figure(young['value'], metric['unit'])} of {count(young['denominator'])}"
    return f"{which}. {period_span(young['week_start'], young['period'])}, too early: {so_far} so far."


def held_beside(now: Mapping[str, Row]) -> str:
    """What stands beside the held rate: how many outcomes are known, its bounds, what we cancelled."""
    coverage, low, high = (now.get(name) for name in ("outcome_coverage", "held_rate_low", "held_rate_high"))
    cancelled = now.get("appointments_cancelled_by_us")
    parts = []
    if coverage and low and high and coverage["denominator"]:
        known = f"{count(coverage['numerator'])} of {count(coverage['denominator'])} due"
        parts.append(f"Outcome entered for {known} ({share(coverage['value'])})")
        if coverage["numerator"] != coverage["denominator"]:
            parts.append(f"whatever the others were, held is {share(low['value'])} to {share(high['value'])}")
    if cancelled and cancelled["value"]:
        parts.append(f"{count(cancelled['value'])} cancelled by us, not counted")
    return "; ".join(parts)


def _waits(row: Row, metric: Row) -> bool:
    """Whether a median has no value because too many are still waiting, not because there is nobody."""
    return row["value"] is None and metric["kind"] == "survival" and bool(row["denominator"])


def _waiting(metric: Row) -> str:
    tenth = metric["metric_id"].endswith("_p90")
    return "More than 1 in 10 still waiting" if tenth else "More than half still waiting"


def _sample(now: Row, metric: Row) -> str:
    """What the figure is out of."""
    if not now["denominator"]:
        return ""
    of, metric_id = f"{count(now['numerator'])} of {count(now['denominator'])}", metric["metric_id"]
    if metric_id in SURVIVAL_MOMENTS:
        return f"{of} leads {'reached' if metric_id.startswith('contact') else 'answered'} so far"
    return f"{of} {counted(metric_id)}"


def _note(now: Row, metric: Row) -> str:
    """Why not to lean on the figure, none if one can."""
    if now["reliability"] == "ok":
        return ""
    too_young = now["reliability"] == "too_early" and metric["metric_id"] in JUDGED_LATER
    if now["denominator"] == 0 and not too_young:
        return NOTHING.get(metric["metric_id"], "")
    if now["reliability"] == "too_early":
        age = LEAST_AGE.get(metric["metric_id"], "a day")
        if metric["metric_id"] in PEOPLE_METRICS:
            return f"Too early to judge: most of these people first met us less than {age} ago."
        return f"Too early to judge: most of these leads are not yet {age} old."
    return f"Only {count(now['denominator'])}: read with care."


def _change(now: Row, before: Row | None, metric: Row, period: str, currency: str, *, unfinished: bool) -> Change:
    """The change, or why there is none to speak of."""
    name, unit = BEFORE[period], metric["unit"]
    if before is None:
        words = "week" if period == "week" else f"complete {PERIOD_NAMES[period]}"
        return Change(against=f"No {words} before to compare with")
    if not before:
        return Change(against=f"{name}: nothing")
    old = _waiting(metric).lower() if _waits(before, metric) else figure(before["value"], unit, currency)
    if unfinished and metric["kind"] in ("count", "sum"):
        # A whole window is no measure for one that is still filling up.
        return Change(against=f"So far. {name}: {old}")
    if now["value"] is None or before["value"] is None:
        return Change(against=f"{name}: {old}" if before["denominator"] else "")
    if figure(now["value"], unit, currency) == old:
        return Change("Unchanged", f"{name}: {old}")
    move, chance = now["value"] - before["value"], metric["better"] is not None and not _apart(now, before)
    return Change(
        by=_amount(move, unit, currency),
        against=f"{name}: {old}{' · may be chance' if chance else ''}",
        arrow="up" if move > 0 else "down",
        verdict="gray" if chance or not metric["better"] else _verdict(move, metric),
    )


def _verdict(move: float, metric: Row) -> Literal["green", "red"]:
    return "green" if (move > 0) == (metric["better"] == "higher") else "red"


def _amount(move: float, unit: str, currency: str) -> str:
    """A move in words."""
    if unit in ("minutes", "seconds"):
        return f"{duration(abs(move) / (60 if unit == 'seconds' else 1))} {'faster' if move < 0 else 'slower'}"
    if unit == "share":
        return f"{abs(move) * 100:.1f} points {'up' if move > 0 else 'down'}"
    if unit == "money":
        return f"{money(abs(move), currency)} {'more' if move > 0 else 'less'}"
    return f"{count(abs(move))} {'more' if move > 0 else 'fewer'}"


def _apart(now: Row, before: Row) -> bool:
    """Whether the likely ranges do not overlap. Cautious on purpose: it computes nothing the table does not hold."""
    if "too_early" in (now["reliability"], before["reliability"]):
        return False
    highs = [row["ci_high"] for row in (now, before) if row["ci_high"] is not None]
    return bool(highs) and max(now["ci_low"] or 0.0, before["ci_low"] or 0.0) > min(highs)


def draw(
    grid: DeltaGenerator, metric: Row, text: CardText, small: spark.Small | None, *, big: bool, has_list: bool
) -> None:
    """A card, as the next cell of a grid."""
    metric_id, change = metric["metric_id"], text.change
    kind = "grey" if text.too_early else "words" if text.in_words else "big" if big else "plain"
    with grid.container(key=f"card-{kind}-{metric_id}", gap="xsmall", height="stretch"):
        left, right = st.columns(2, vertical_alignment="bottom") if big else (st, st)
        with left.container(gap="xsmall"):
            st.metric(
                plain(metric["label"]),
                text.value,
                delta=change.by or None,
                delta_color=change.verdict,
                delta_arrow=change.arrow,
            )
            if text.dated:
                st.caption(f":material/history: {text.dated}")
            if change.against:
                st.caption(change.against)
            if text.sample or text.likely:
                likely = text.likely[:1].lower() + text.likely[1:] if text.sample else text.likely
                st.markdown(" · ".join(part for part in (text.sample, likely) if part).replace(" %", "\u00a0%"))
            if text.beside:
                st.caption(text.beside)
            if text.note:
                st.caption(f":material/info: {text.note}")
            if text.basis:
                st.caption(text.basis)
        with right.container(key=f"foot-{metric_id}"):
            if small:
                chart, words = small
                st.plotly_chart(chart, theme=None, config=spark.CONFIG, key=f"spark-{metric_id}", alt=words)
        with st.container(horizontal=True, gap="small", key=f"actions-{metric_id}"):
            _meaning(metric)
            if has_list:
                several = APPOINTMENTS[1] if metric_id in APPOINTMENT_PARTS else counted(metric_id)
                name = several.capitalize()
                _link(name, f"leads-{metric_id}", list=metric_id)
            _link("Over time", f"over-time-{metric_id}", metric=metric_id)


def _link(label: str, key: str, **address: str) -> None:
    """A button that looks like a link and changes the address."""

    def follow() -> None:
        filters.go(**address)
        st.session_state["clicked"] = key

    st.button(label, key=key, type="tertiary", on_click=follow)


def _meaning(metric: Row) -> None:
    """The definition, one click away."""
    with st.popover("Meaning", type="tertiary"):
        st.markdown(f"**{plain(metric['label'])}**")
        st.write(plain(metric["words"]))
        st.caption(f"How it is computed: {plain(metric['formula'])}")
