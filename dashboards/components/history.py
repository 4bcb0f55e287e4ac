"""What a check found in build after build: a line of marks, and a small chart with the same in words. Nothing moves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol

from dashboards import theme
from dashboards.components.formats import count

MARKS = {"passed": "✓", "failed": "✗"}
STRIP = 20
CONFIG = {"staticPlot": True, "responsive": True}
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?")


class Found(Protocol):
    """What of a result is looked at here."""

    @property
    def status(self) -> str:
        """`passed` or `failed`."""

    @property
    def observed(self) -> str:
        """What was found, in the check's words."""


def strip(results: Sequence[Found]) -> str:
    """The last builds as marks, the newest at the right."""
    return "".join(MARKS.get(result.status, "?") for result in results[-STRIP:])


def words(results: Sequence[Found]) -> str:
    """How often a check failed, in a sentence."""
    if not results:
        return "No build before this one is remembered."
    failed = sum(result.status != "passed" for result in results)
    of = "the last build" if len(results) == 1 else f"the last {count(len(results))} builds"
    if not failed:
        return f"Passed in {of}."
    if failed == len(results):
        return f"Failed in {of}."
    running = next(at for at, result in enumerate(reversed(results)) if result.status != results[-1].status)
    last = "failed" if results[-1].status != "passed" else "passed"
    now = f"{last} in the last {count(running) if running > 1 else 'one'}"
    return f"Failed {count(failed)} time{'' if failed == 1 else 's'} in {of}; {now}."


def numbers(results: Sequence[Found]) -> list[float | None]:
    """The number in what was found, where it is told in the same words as by the latest that failed.

    Of several numbers in a text, the first that differs from build to build, else the last. Texts of other words ("28
    rows as expected") count something else and are none.
    """
    failed = [result for result in results if result.status != "passed"]
    shape = _NUMBER.sub("#", failed[-1].observed) if failed else ""
    if "#" not in shape:
        return [None] * len(results)
    told = [_NUMBER.findall(item.observed) if _NUMBER.sub("#", item.observed) == shape else [] for item in results]
    columns = list(zip(*(values for values in told if values), strict=True))
    at = next((number for number, column in enumerate(columns) if len(set(column)) > 1), len(columns) - 1)
    return [float(values[at].replace(",", "")) if values else None for values in told]


def chart(results: Sequence[Found]) -> tuple[dict[str, Any], str]:
    """The builds from left to right: passed or failed below, above it the number found, and both in words."""
    values = numbers(results)
    at = list(range(len(results)))
    failed = [result.status != "passed" for result in results]
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": at,
            "y": [0] * len(at),
            "yaxis": "y",
            "marker": {
                "size": 8,
                "symbol": ["x" if bad else "circle" for bad in failed],
                "color": [theme.WORSE if bad else theme.FAINT for bad in failed],
            },
        }
    ]
    told = words(results)
    drawn = [value for value in values if value is not None]
    is_line = len(drawn) > 1
    if is_line:
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": at,
                "y": values,
                "yaxis": "y2",
                "connectgaps": False,
                "line": {"color": theme.SOFT_INK, "width": 1.5},
                "marker": {"size": 5, "color": theme.SOFT_INK},
            }
        )
        told += f" The number it found went from {drawn[0]:,g} to {drawn[-1]:,g}, at most {max(drawn):,g}."
    top = max([*drawn, 0]) or 1
    low = min([*drawn, 0])
    layout = {
        "template": "none",
        "height": 130 if is_line else 44,
        "margin": {"l": 4, "r": 48 if is_line else 8, "t": 8, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": theme.SOFT_INK, "size": 11, "family": theme.FONT},
        "showlegend": False,
        "xaxis": {"visible": False, "range": [-1, max(len(at), 12)], "anchor": "y"},
        "yaxis": {"visible": False, "range": [-1, 1], "domain": [0, 0.2 if is_line else 1]},
        "yaxis2": {"side": "right", "range": [low, top * 1.1], "domain": [0.28, 1], "anchor": "x",
                   "tickvals": sorted({low, 0, top}), "gridcolor": theme.LINE, "zeroline": False},
    }  # fmt: skip
    return {"data": traces, "layout": layout}, told
