"""The plot: what is planted for a broker to find, with its ids, and where it shows. Events and counts, never a metric."""

from __future__ import annotations

from typing import Any

from dagster_project.demo import clock
from dagster_project.demo.cast import BAD_MONEY, FAST_NEVER_HELD, GOOD_MONEY, PLOT, SLOW_PROFITABLE
from dagster_project.demo.clock import iso
from dagster_project.demo.model import World


def plot_of(world: World) -> dict[str, Any]:
    """The planted story: each point with what was planted, by id."""
    held = {
        name: sum(each.outcome == "held" and _is_of(world, each.record.person, name) for each in world.appointments)
        for name in (FAST_NEVER_HELD, SLOW_PROFITABLE)
    }
    return {
        "as_of": iso([clock.END])[0],
        "fast_never_held": {"source": FAST_NEVER_HELD, "held": held[FAST_NEVER_HELD]},
        "slow_profitable": {"source": SLOW_PROFITABLE, "held": held[SLOW_PROFITABLE]},
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
        "money": {"good": GOOD_MONEY, "bad": BAD_MONEY},
        "bad_export": {"source": "dialer", "file": f"calls-{PLOT.bad_export}.csv"},
        "excused": [inquiry.id for inquiry in world.excuses],
    }


def _is_of(world: World, person: int, source: str) -> bool:
    return source in world.sources_of.get(person, ())


LEGEND = (
    "What to look for (the whole story: docs/demo.md)",
    f"  {FAST_NEVER_HELD}: the fastest answers of all, and not one appointment was held     This week, by source",
    f"  {SLOW_PROFITABLE}: answered after hours of waiting, and the best business there is          This week, by source",
    "  after hours: answers collapse when the phones are not staffed                       This week, by hours",
    f"  {PLOT.leaver} left on {PLOT.left_on:%d %B}: leads still go to him, nobody answers              This week, by agent",
    f"  {PLOT.broken_source}, week of {PLOT.broken_week:%d %B}: inquiries arrived a day late, and fewer      This week, by source",
    f"  {PLOT.blast_at and '15 September'}: a price alert was texted to people who had sent STOP             truth/plot.json",
    f"  {GOOD_MONEY} earns several times its cost, {BAD_MONEY} does not earn its invoices          docs/demo.md",
    f"  calls-{PLOT.bad_export}.csv of the dialer was opened in a spreadsheet: rows in quarantine   Data quality",
)
"""Printed at the end of `leadhouse demo`."""
