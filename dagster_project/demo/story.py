"""The plot: what is planted for a broker to find, with its ids, and where it shows. Events, never a metric."""

from __future__ import annotations

from typing import Any

from dagster_project.demo import clock
from dagster_project.demo.cast import BAD_MONEY, FAST_NEVER_HELD, GOOD_MONEY, PLOT, SLOW_PROFITABLE
from dagster_project.demo.clock import iso
from dagster_project.demo.model import World


def plot_of(world: World) -> dict[str, Any]:
    """The planted story: each point with what was planted, by id."""
    return {
        "as_of": iso([clock.END])[0],
        "fast_never_held": {"source": FAST_NEVER_HELD, "appointments": _appointments(world, FAST_NEVER_HELD)},
        "slow_profitable": {"source": SLOW_PROFITABLE, "closed_deals": _closed(world, SLOW_PROFITABLE)},
        "after_hours": {"words": "outside open hours 4 of 10 leads are left alone, the others wait for the morning"},
        "agent_who_left": {
            "agent": PLOT.leaver,
            "left_on": PLOT.left_on.isoformat(),
            "inquiries": [inquiry.id for inquiry in world.unanswered_of_leaver],
        },
        "broken_integration": {
            "source": PLOT.broken_source,
            "week": PLOT.broken_week.isoformat(),
            "inquiries": [inquiry.id for inquiry in world.late],
        },
        "opt_outs_ignored": {
            "at": iso([PLOT.blast_at])[0],
            "touches": [touch.id for touch in world.violations],
            "people": [touch.record.id for touch in world.violations if touch.record],
        },
        "inside_sales": {"team": [agent.name for agent in world.isas]},
        "money": {
            "good": GOOD_MONEY,
            "closed_deals_of_good": _closed(world, GOOD_MONEY),
            "bad": BAD_MONEY,
            "closed_deals_of_bad": _closed(world, BAD_MONEY),
        },
        "bad_export": {"source": "dialer", "file": f"calls-{PLOT.bad_export}.csv"},
        "excused": [inquiry.id for inquiry in world.excuses],
    }


def _appointments(world: World, source: str) -> list[str]:
    return [each.id for each in world.appointments if each.source == source]


def _closed(world: World, source: str) -> list[str]:
    return [deal.id for deal in world.deals if deal.channel == source and deal.closed is not None]


def legend(address: str) -> str:
    """What to look for, one point a line with the page of the dashboard at `address` that shows it."""
    year = f"{address}/?period=trailing_52w"
    points = (
        (f"{FAST_NEVER_HELD} is answered fastest, and not one of its appointments was held",
         f"{year}&slice=source&metric=response_minutes_median"),
        (f"{SLOW_PROFITABLE} waits for hours, and is the best business there is",
         f"{year}&slice=source&value={SLOW_PROFITABLE}"),
        ("After hours the answers collapse", f"{year}&slice=hours&metric=answered_within_60m_rate"),
        (f"{PLOT.leaver} left on {PLOT.left_on:%d %B}; leads still go to him and nobody answers",
         f"{address}/?period=trailing_12w&slice=agent&metric=never_answered_rate"),
        (f"{PLOT.broken_source}, week of {PLOT.broken_week:%d %B}: fewer inquiries, and a day late",
         f"{address}/?week={PLOT.broken_week}&slice=source&value={PLOT.broken_source}&metric=inquiries"),
        ("One of the dialer's exports was opened in a spreadsheet first", f"{address}/loaded"),
        ("A price alert was texted to people who had sent STOP", "truth/plot.json: opt_outs_ignored"),
        (f"{GOOD_MONEY} earns several times its cost, {BAD_MONEY} not its invoices", f"{address}/sources"),
    )  # fmt: skip
    return "\n".join(
        ("What to look for (docs/demo.md tells it all):", *(f"  {what}\n    {where}" for what, where in points))
    )
