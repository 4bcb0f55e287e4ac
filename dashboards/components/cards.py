"""The metric card: a figure in words, what it is out of, how sure it is, how it changed, what it means, whose it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from dashboards.components import filters
from dashboards.components.formats import count, duration, figure, likely_range, money, plain
from dashboards.queries import SURVIVAL_MOMENTS, Row

# How old a lead has to be before it can say anything about the figure, for the note while it is too early.
LEAST_AGE = {"contact_rate_48h": "48 hours", "contact_rate_14d": "14 days"}
STILL_WAITING = {"median": "More than half still waiting", "p90": "More than 1 in 10 still waiting"}
BEFORE = {
    "week": "the week before",
    "trailing_4w": "the 4 weeks before",
    "trailing_12w": "the 12 weeks before",
    "trailing_52w": "the 52 weeks before",
}


@dataclass(frozen=True)
class CardText:
    """Everything a card says, in words."""

    value: str
    in_words: bool
    too_early: bool
    sample: str
    likely: str
    note: str
    change: str
    against: str
    arrow: Literal["up", "down", "off"]
    verdict: Literal["green", "red", "gray"]


def describe(now: Row | None, before: Row | None, metric: Row, period: str, currency: str) -> CardText:
    """The words of a card. `before` is none where no complete earlier window exists."""
    unit = metric["unit"]
    value = None if now is None else now["value"]
    shown, in_words = figure(value, unit, currency), False
    if value is None and now and metric["kind"] == "survival" and now["denominator"]:
        shown, in_words = STILL_WAITING["p90" if metric["metric_id"].endswith("_p90") else "median"], True
    elif value is None:
        shown, in_words = ("0" if metric["kind"] == "count" else "No leads to judge"), metric["kind"] != "count"
    change, against, arrow, verdict = _change(now, before, metric, period, currency)
    likely = likely_range(now["ci_low"], now["ci_high"], unit) if now else None
    early = now is not None and now["reliability"] == "too_early"
    return CardText(
        shown, in_words, early, _sample(now, metric), likely or "", _note(now, metric), change, against, arrow, verdict
    )


def _sample(now: Row | None, metric: Row) -> str:
    """What the figure is out of."""
    if now is None or now["denominator"] is None:
        return ""
    of, metric_id = f"{count(now['numerator'])} of {count(now['denominator'])}", metric["metric_id"]
    if metric_id in SURVIVAL_MOMENTS:
        return f"{of} leads {'reached' if metric_id.startswith('contact') else 'answered'} so far"
    if metric_id in ("automation_inferred_rate", "sender_known_rate"):
        return f"{of} calls and messages"
    return f"{of} {'inquiries' if metric_id.startswith('integration') else 'leads'}"


def _note(now: Row | None, metric: Row) -> str:
    """Why not to lean on the figure, none if one can."""
    if now is None or now["reliability"] == "ok":
        return ""
    if now["reliability"] == "too_early":
        age = LEAST_AGE.get(metric["metric_id"], "a day")
        return f"Too early to judge: most of these leads are not yet {age} old."
    if not now["denominator"]:
        return "There is nothing to count here."
    return f"Only {count(now['denominator'])} to go by: one more or less moves this a lot."


def _change(
    now: Row | None, before: Row | None, metric: Row, period: str, currency: str
) -> tuple[str, str, Literal["up", "down", "off"], Literal["green", "red", "gray"]]:
    """How it moved, against what, which way, and whether that is good, bad or no more than chance."""
    unit = metric["unit"]
    if before is None:
        return (
            "",
            f"No complete {BEFORE[period].removeprefix('the ').removesuffix(' before')} before to compare with",
            "off",
            "gray",
        )
    old, new = before["value"], None if now is None else now["value"]
    was = figure(old, unit, currency)
    if old is None or new is None:
        if old is None and metric["kind"] == "survival" and before["denominator"]:
            was = STILL_WAITING["p90" if metric["metric_id"].endswith("_p90") else "median"].lower()
        return "", f"{BEFORE[period].capitalize()}: {was}", "off", "gray"
    move = new - old
    if figure(new, unit, currency) == was:
        return "Unchanged", f"from {BEFORE[period]}", "off", "gray"
    amount = {
        "minutes": lambda: f"{duration(abs(move))} {'faster' if move < 0 else 'slower'}",
        "seconds": lambda: f"{duration(abs(move) / 60)} {'faster' if move < 0 else 'slower'}",
        "share": lambda: f"{abs(move) * 100:.1f} points {'up' if move > 0 else 'down'}",
        "money": lambda: f"{money(abs(move), currency)} {'more' if move > 0 else 'less'}",
    }.get(unit, lambda: f"{count(abs(move))} {'more' if move > 0 else 'fewer'}")()
    against = f"{'than' if unit in ('minutes', 'seconds', 'money', 'count') else 'from'} {BEFORE[period]} ({was})"
    arrow: Literal["up", "down"] = "up" if move > 0 else "down"
    if metric["better"] is None:
        return amount, against, arrow, "gray"
    if not _apart(now, before):
        return amount, f"{against}; it may be chance", arrow, "gray"
    return amount, against, arrow, "green" if (move > 0) == (metric["better"] == "higher") else "red"


def _apart(now: Row | None, before: Row) -> bool:
    """Whether the likely ranges do not overlap. Cautious on purpose: it computes nothing the table does not hold."""
    if now is None or "too_early" in (now["reliability"], before["reliability"]):
        return False
    low, high = max(now["ci_low"] or 0.0, before["ci_low"] or 0.0), None
    highs = [row["ci_high"] for row in (now, before) if row["ci_high"] is not None]
    high = min(highs) if highs else None
    return high is not None and low > high


def draw(metric: Row, text: CardText, big: bool, has_list: bool) -> None:
    """A card in the container one is in."""
    metric_id = metric["metric_id"]
    kind = "grey" if text.too_early else "words" if text.in_words else "big" if big else "plain"
    with st.container(key=f"card-{kind}-{metric_id}", gap="xsmall", height="stretch"):
        st.metric(
            plain(metric["label"]),
            text.value,
            delta=text.change or None,
            delta_color=text.verdict,
            delta_arrow=text.arrow,
        )
        if text.against:
            st.caption(text.against)
        if text.sample or text.likely:
            st.markdown("  \n".join(part for part in (text.sample, text.likely) if part))
        if text.note:
            st.caption(f":material/info: {text.note}")
        with st.container(horizontal=True, gap=14, key=f"actions-{metric_id}"):
            meaning(metric)
            if has_list:
                st.button(
                    "Show the leads",
                    key=f"leads-{metric_id}",
                    type="tertiary",
                    on_click=filters.go,
                    kwargs={"list": metric_id},
                )


def meaning(metric: Row) -> None:
    """The definition, one click away."""
    with st.popover("What is this?", type="tertiary"):
        st.markdown(f"**{plain(metric['label'])}**")
        st.write(plain(metric["words"]))
        st.caption(f"How it is computed: {plain(metric['formula'])}")
