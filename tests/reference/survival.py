"""Kaplan-Meier with Brookmeyer-Crowley limits, Wilson limits, the lower median."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Z = 1.959964
TOLERANCE = 1e-9


@dataclass
class Quantile:
    """The time by which the share waiting has fallen to a level, with its limits; None where it never does."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


def kaplan_meier(observations: Iterable[tuple[int, int]], levels: Sequence[float]) -> list[Quantile]:
    """Quantiles of the time to an event, in the unit of the observations.

    Observations are (duration, 0 for an event or 1 for censored), sorted: so events come first at a tie.
    """
    observations = list(observations)
    quantiles = [Quantile() for _ in levels]
    at_risk = len(observations)
    waiting = 1.0
    greenwood = 0.0
    position = 0
    while position < len(observations):
        time = observations[position][0]
        events = leaving = 0
        while position < len(observations) and observations[position][0] == time:
            events += observations[position][1] == 0
            leaving += 1
            position += 1
        if events:
            waiting *= 1 - events / at_risk
            low_curve = high_curve = math.inf
            # at S = 0 the log-log limits are undefined
            if events < at_risk:
                greenwood += events / (at_risk * (at_risk - events))
                spread = Z * math.sqrt(greenwood) / -math.log(waiting)
                low_curve = waiting ** math.exp(spread)
                high_curve = waiting ** math.exp(-spread)
            for level, quantile in zip(levels, quantiles, strict=True):
                if quantile.value is None and waiting <= level + TOLERANCE:
                    quantile.value = time
                if quantile.low is None and low_curve <= level + TOLERANCE:
                    quantile.low = time
                if quantile.high is None and high_curve <= level + TOLERANCE:
                    quantile.high = time
        at_risk -= leaving
    return quantiles


def wilson(numerator: int, denominator: int) -> tuple[float | None, float | None]:
    """Wilson's 95 % limits of a share; nothing for an empty denominator."""
    if denominator == 0:
        return None, None
    share = numerator / denominator
    scale = 1 + Z * Z / denominator
    centre = (share + Z * Z / (2 * denominator)) / scale
    half = Z * math.sqrt(share * (1 - share) / denominator + Z * Z / (4 * denominator * denominator)) / scale
    return centre - half, centre + half


def lower_median(values: Iterable[float]) -> float | None:
    """The middle value, of an even number the lower of the two in the middle."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2] if ordered else None
