"""`[retention]`: what names people is kept so long and no longer. Figures, being counts, are kept for ever."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dagster_project.config import Config
from dagster_project.erasure.people import Person, people_of
from dagster_project.warehouse.published import open_published
from dagster_project.warehouse.raw import RawStore

_LAST_SEEN = """
    WITH seen AS (
        SELECT person_key, opened_at AS "at", false AS is_client FROM marts.inquiries
        UNION ALL
        SELECT person_key, created_at, false FROM marts.people
        UNION ALL
        SELECT person_key, occurred_at, false FROM marts.touches
        UNION ALL
        SELECT person_key, greatest(booked_at, starts_at), false FROM marts.appointments
        UNION ALL
        SELECT person_key, greatest(agreement_at, contract_at, closed_at, fell_through_at),
            contract_at IS NOT NULL OR closed_at IS NOT NULL
        FROM marts.deals
        UNION ALL
        SELECT person_key, "at", false FROM marts.consents
        UNION ALL
        SELECT person_key, "at", false FROM marts.stage_changes
        UNION ALL
        SELECT person_key, greatest(due_at, done_at), false FROM marts.tasks
    )
    SELECT person_key
    FROM seen
    WHERE person_key IS NOT NULL
    GROUP BY person_key
    HAVING max("at") < CASE WHEN bool_or(is_client) THEN $clients ELSE $people END
    ORDER BY person_key
"""
"""The people last seen before a moment, one for those with a deal and one for the others; null is never."""


@dataclass
class Expired:
    """What the rules no longer allow to be kept."""

    people: list[Person] = field(default_factory=list)
    versions: list[Path] = field(default_factory=list)


def expired(config: Config, now: datetime) -> Expired:
    """What the brokerage's rules say is to go at `now`. Raises OSError, duckdb.Error."""
    return Expired(_people(config, now), _versions(config, now))


def _people(config: Config, now: datetime) -> list[Person]:
    rules = config.retention
    if (rules.people_days is None and rules.clients_days is None) or not config.warehouse_path.is_file():
        return []
    moments = {
        name: now - timedelta(days=days) if days is not None else None
        for name, days in (("people", rules.people_days), ("clients", rules.clients_days))
    }
    with open_published(config.warehouse_path) as connection:
        keys = [key for (key,) in connection.execute(_LAST_SEEN, moments).fetchall()]
        people = people_of(connection, config, keys)
    return [person for person in people if person.ids or person.emails or person.phones]


def _versions(config: Config, now: datetime) -> list[Path]:
    """Earlier versions of files. In append mode every version holds rows that count: there none is."""
    days = config.retention.raw_versions_days
    if days is None:
        return []
    append = {source.name for source in config.sources if source.mode == "append"}
    newest: dict[tuple[str, str, str], tuple[str, str]] = {}
    versions = [(info, path) for info, path in RawStore(config.raw_dir).everything() if info.source not in append]
    for info, path in versions:
        key = (info.source, info.entity, info.file)
        newest[key] = max(newest.get(key, ("", "")), (info.loaded_at, path.name))
    limit = (now - timedelta(days=days)).astimezone(UTC)
    return [
        path
        for info, path in versions
        if newest[info.source, info.entity, info.file] != (info.loaded_at, path.name)
        and datetime.fromisoformat(info.loaded_at) < limit
    ]
