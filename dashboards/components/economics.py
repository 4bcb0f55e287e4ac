"""Source economics in words: what to feed and stop, how sure that is, and the arithmetic of one source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboards.components.formats import count, money, percent, plain, share, slice_value, span
from dashboards.queries import ALL_SOURCES, EconomicsScope, Row

PERIODS = {"trailing_12m": "12 months", "quarter": "Quarter", "month": "Month", "week": "Week"}
VIEWS = {
    "cohort": "Leads that came in then, whatever became of them",
    "cash": "What was paid and earned then",
}
VERDICTS = {"feed": "Feed", "keep": "Keep", "stop": "Stop", "too early": "Too early"}
LEAST_CONFIDENCE = 0.6
"""Below it a verdict is too early (METRICS.md section 6)."""
# Rows that nobody can feed or stop.
NO_SOURCES = {
    "(unattributed)": "deals and appointments that belong to no lead, so no source is credited",
    "(excluded)": "deals and appointments of leads that are left out of the figures, such as past clients",
    "(no source)": "leads that came without a source",
}
WHY_NULL = {
    "no leads": "no lead that counts came in, so there is no cost per lead",
    "no spend": "no cost is entered, so there is no return on it",
    "success fee source": "paid by result alone, and no fee was due",
    "no split entered": "the agent's split is missing on closed deals",
}
COSTS = {
    "cost_per_lead": ("lead", "leads_eligible"),
    "cost_per_appointment_set": ("appointment set", "appointments_set"),
    "cost_per_appointment_held": ("appointment held", "appointments_held"),
    "cost_per_contract": ("contract", "contracts"),
    "cost_per_close": ("closing", "closes"),
}
_NAMED = 5


def verdict(row: Row) -> str | None:
    """The verdict on a row, none where it is no source that anybody could feed or stop."""
    found: str | None = row["verdict"]
    return None if row["source"] in NO_SOURCES else found


def why(row: Row) -> str:
    """Why a figure of a row is missing, in words; empty where none is."""
    if row["why_null"] is None:
        return ""
    if row["why_null"] == "no split entered":
        return f"the agent's split is missing on {_of(row['splits_missing'], 'closing')}"
    return WHY_NULL.get(row["why_null"], str(row["why_null"]))


def sureness(confidence: float | None) -> str:
    """A confidence in words and percent."""
    if confidence is None:
        return "none"
    name = "low" if confidence < LEAST_CONFIDENCE else "fair" if confidence < 0.8 else "high"
    return f"{share(confidence, 0)} · {name}"


def real(rows: Sequence[Row]) -> list[Row]:
    """The rows of sources that somebody could feed or stop."""
    return [row for row in rows if row["source"] != ALL_SOURCES and row["source"] not in NO_SOURCES]


def named(rows: Sequence[Row]) -> dict[str, str]:
    """The sources of each verdict, the best first (to stop: the worst); those without a cost are not named. Escaped."""
    found = {}
    for name in VERDICTS:
        of = [row for row in real(rows) if row["cost"] and row["verdict"] == name]
        if of:
            sign = 1 if name == "stop" else -1
            found[name] = _names(
                sorted(of, key=lambda row: (row["roi"] is None, sign * (row["roi"] or 0), row["source"]))
            )
    return found


def summary(rows: Sequence[Row], currency: str) -> list[str]:
    """The page in two sentences: what to do with which source, and what all of it came to. Escaped for Markdown."""
    names = named(rows)
    told = [f"**{VERDICTS[name]}** {names[name]}." for name in ("feed", "keep", "stop") if name in names]
    if "too early" in names:
        told.append(f"**Too early** to say: {names['too early']}.")
    if not told:
        told.append("No source with a cost can be judged here.")
    whole = next((row for row in rows if row["source"] == ALL_SOURCES), None)
    return [" ".join(told)] + ([_whole(whole, currency)] if whole else [])


def _whole(row: Row, currency: str) -> str:
    cost, earned = (plain(money(row[name], currency, 0)) for name in ("cost", "company_dollar"))
    early = ", too early to judge" if row["verdict"] == "too early" else ""
    if not row["cost"]:
        return "No cost is entered, so there is no return on it."
    if row["company_dollar"] is None:
        return f"In all, {cost} was spent; what it earned is not known, as {why(row)}."
    return f"In all, {cost} of cost against {earned} of company dollar: ROI **{plain(percent(row['roi']))}**{early}."


def _names(rows: Sequence[Row]) -> str:
    names = ", ".join(plain(row["source"]) for row in rows[:_NAMED])
    return f"{names} and {count(len(rows) - _NAMED)} more" if len(rows) > _NAMED else names


def _of(number: int, one: str, *what: str) -> str:
    return " ".join([f"{count(number)} {one}{'' if number == 1 else 's'}", *what])


def thresholds(build: Mapping[str, Any]) -> tuple[float, float] | None:
    """From which ROI a source is fed, and up to which it is stopped; none in a file of an earlier version."""
    if "feed_above_roi" not in build:
        return None
    return build["feed_above_roi"], build["stop_below_roi"]


def rule(limits: tuple[float, float] | None) -> str:
    """How a verdict is made."""
    if limits is None:
        levels = "by the thresholds `feed_above_roi` and `stop_below_roi`"
    else:
        levels = f"feed from a ROI of {percent(limits[0])}, stop up to {percent(limits[1])}, keep between"
    least = percent(LEAST_CONFIDENCE)
    return f"Verdict: {levels} (`[economics]` in leadhouse.toml); too early while the confidence is below {least}."


def unjudged(rows: Sequence[Row]) -> list[str]:
    """A line for each row without a ROI, and for each that is no source: what it is and why. Escaped for Markdown."""
    lines = []
    for row in rows:
        name = f"**{plain(slice_value(row['source']))}**"
        if row["source"] in NO_SOURCES:
            lines.append(f"{name}: {NO_SOURCES[row['source']]}.")
        elif row["roi"] is None and row["source"] != ALL_SOURCES:
            lines.append(f"{name} ({_of(row['leads_eligible'], 'lead')}, {_of(row['closes'], 'closing')}): {why(row)}.")
    return lines


def period_name(scope: EconomicsScope) -> str:
    """The days of a period."""
    return span(scope.start, scope.last)


def table(rows: Sequence[Row], currency: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A row a source, as numbers that sort; and the columns. What is missing says why in the last column."""
    amount = st.column_config.NumberColumn(format="%,.0f")
    per = st.column_config.NumberColumn(format="%,.2f")
    number = st.column_config.NumberColumn(format="localized")
    columns: dict[str, Any] = {"Source": st.column_config.TextColumn(pinned=True, width=150)}
    data: dict[str, Any] = {
        "Source": [slice_value(row["source"]) for row in rows],
        "Verdict": [VERDICTS.get(verdict(row) or "", "–") for row in rows],
        "ROI, %": [None if row["roi"] is None else row["roi"] * 100 for row in rows],
        "Confidence": ["–" if row["source"] in NO_SOURCES else sureness(row["confidence"]) for row in rows],
        "Leads": [row["leads_eligible"] for row in rows],
        "Closings": [row["closes"] for row in rows],
        f"Cost, {currency}": [float(row["cost"]) for row in rows],
    }
    columns |= {"ROI, %": amount, "Leads": number, "Closings": number, f"Cost, {currency}": amount}
    for name, (one, _) in COSTS.items():
        label = f"{currency} per {one}"
        # Where no cost is entered, nothing is known about what a lead costs.
        data[label], columns[label] = [row[name] if row["cost"] else None for row in rows], per
    for words, name in (("Company dollar", "company_dollar"), ("Pending, weighted", "pending_gci_weighted")):
        label = f"{words}, {currency}"
        data[label] = [None if row[name] is None else float(row[name]) for row in rows]
        columns[label] = amount
    data |= {
        "Return multiple": [row["return_multiple"] for row in rows],
        "What is missing": [why(row) for row in rows],
    }
    columns |= {
        "Return multiple": st.column_config.NumberColumn(format="%.2f ×"),
        "What is missing": st.column_config.TextColumn(width="large"),
    }
    return pd.DataFrame(data), columns


def arithmetic(row: Row, currency: str) -> list[str]:
    """The figures of a source, each with its sum written out; escaped for Markdown."""

    def cash(value: Any) -> str:
        return plain(money(value, currency))

    cost, earned = cash(row["cost"]), cash(row["company_dollar"])
    lines = [f"**Cost** {cost} = {cash(row['cost_media'])} media + {cash(row['cost_fees'])} fees for deals that closed"]
    gci = f"{cash(row['gci'])} commission (GCI) of {_of(row['closes'], 'closing')}"
    if row["company_dollar"] is None:
        lines.append(f"**Company dollar** unknown: {gci}, but {why(row)}")
    else:
        split = cash(row["gci"] - row["company_dollar"])
        lines.append(f"**Company dollar** {earned} = {gci} − {split} agents' splits{_assumed(row)}")
    if row["roi"] is None:
        lines.append(f"**ROI** none: {why(row) or 'it has no cost'}")
    else:
        lines.append(
            f"**ROI** \\({earned} company dollar − {cost} cost\\) / {cost} = **{plain(percent(row['roi']))}**;"
            f" on GCI {plain(percent(row['roi_gci']))}"
        )
        lines.append(f"**Return multiple** {earned} / {cost} = {row['return_multiple']:.2f} ×, where 1 is money back")
        if row["cost"] < 0:
            lines.append("The credits are more than what was paid: a return on less than nothing says nothing")
    costs = [
        f"{_of(row[of], *one.split())} at {cash(row[name])}"
        for name, (one, of) in COSTS.items()
        if row[name] is not None and row["cost"]
    ]
    if costs:
        lines.append(f"**Cost per result** {cost} for {', '.join(costs)}")
    else:
        lines.append(f"**Cost per result** none: {'nothing came in' if row['cost'] else 'no cost is entered'}")
    if row["pending_gci_weighted"]:
        lines.append(
            f"**Pending** {cash(row['pending_gci_weighted'])} GCI under contract, weighted by the share of past"
            " contracts that closed; in none of the figures above"
        )
    return lines


def _assumed(row: Row) -> str:
    """How many of the splits nobody entered."""
    number = row["splits_assumed"]
    if not number:
        return ""
    return f", of which {count(number)} {'is' if number == 1 else 'are'} assumed (`default_agent_split`)"


def confidence(row: Row, parts: Row, currency: str) -> list[str]:
    """The confidence in a source, and the shares it is the smallest of; escaped for Markdown."""
    shares = []
    if parts["leads_eligible"]:
        words = (
            f"{count(parts['leads_settled'])} of {_of(parts['leads_eligible'], 'lead')} are settled: closed, fell"
            " through, disqualified, or older than nine in ten were at their closing"
        )
        shares.append((parts["leads_settled"] / parts["leads_eligible"], words))
    if parts["closes"]:
        words = f"{count(parts['closes_with_gci'])} of {_of(parts['closes'], 'closing')} have their commission entered"
        shares.append((parts["closes_with_gci"] / parts["closes"], words))
    if parts["cost_media"]:
        mapped, media = (plain(money(parts[name], currency, 0)) for name in ("cost_media_mapped", "cost_media"))
        words = f"{mapped} of {media} media went to a source whose kind is known (`source_categories.csv`)"
        shares.append((float(parts["cost_media_mapped"] / parts["cost_media"]), words))
    if not shares:
        return ["**Confidence** none: no lead, no closing and no spend to judge by"]
    head = f"**Confidence {plain(sureness(row['confidence']))}**, the smallest of:"
    return [head, *(f"{plain(share(value, 0))}: {words}" for value, words in sorted(shares, key=lambda one: one[0]))]


def decided(row: Row, limits: tuple[float, float] | None) -> str:
    """The verdict on a source with what it follows from, in a sentence; escaped for Markdown."""
    found = verdict(row)
    if row["source"] in NO_SOURCES:
        return f"No verdict: {NO_SOURCES[row['source']]}."
    if found is None:
        return f"No verdict: {why(row) or 'there is no ROI'}."
    if found == "too early":
        return f"**Too early** to say: the confidence is below {plain(percent(LEAST_CONFIDENCE))}."
    roi = f"the ROI of {plain(percent(row['roi']))}"
    if limits is None:
        return f"**{VERDICTS[found]}**, by {roi} against the thresholds in `leadhouse.toml`."
    feed, stop = (plain(percent(limit)) for limit in limits)
    against = {"feed": f"reaches {feed}", "stop": f"is not above {stop}", "keep": f"lies between {stop} and {feed}"}
    return f"**{VERDICTS[found]}**: {roi} {against[found]}."
