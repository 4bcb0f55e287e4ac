"""Until when an asset must have been built again: Dagster's overview marks what is late."""

from __future__ import annotations

from datetime import timedelta

from dagster import FreshnessPolicy

from dagster_project.config import Config

GRACE = timedelta(hours=2)
"""From the start of the daily build to the moment by which it must have ended."""

_DAY_MINUTES = 24 * 60


def built_by_now(config: Config) -> FreshnessPolicy:
    """Each day by two hours after the daily build began; without one, as often as a source may fall silent.

    It tells of builds, also of those that found nothing new. How far the data itself reaches is a check's business.
    """
    daily_at = config.schedule.daily_at
    if daily_at is None:
        return FreshnessPolicy.time_window(timedelta(days=max(1, config.rules.stale_after_days)))
    hour, minute = divmod((daily_at + GRACE // timedelta(minutes=1)) % _DAY_MINUTES, 60)
    return FreshnessPolicy.cron(f"{minute} {hour} * * *", GRACE, config.brokerage.timezone)
