"""Erasing people: onto the list first, then out of everything; and the list's own upkeep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import duckdb

from dagster_project.config import Config
from dagster_project.erasure.people import Person
from dagster_project.erasure.scrub import finish_erasures, mark_scrubbed
from dagster_project.erasure.served import Scrubbed
from dagster_project.errors import ConfigError
from dagster_project.sources.erased_list import ensure_key, read_suppression, write_erasures
from dagster_project.sources.suppression import Erasure, Suppression
from dagster_project.warehouse.working import BuildLock


def erase(config: Config, people: Iterable[Person], reason: str) -> tuple[list[Erasure], Scrubbed]:
    """Put people on the list, then take them out of everything that is kept; figures that counted them stay.

    Returns the new entries of the list (none for who is on it already), and what was taken out. Whatever interrupts
    this, the next build finishes it.
    Raises CriticalProblem where another build holds the lock or a file cannot be gone through, OSError on disk.
    """
    with BuildLock(config):
        ensure_key(config)
        suppression = read_suppression(config)
        now = datetime.now(UTC)
        entries = [person.listed(suppression, now, reason) for person in people]
        fresh = [entry for entry in entries if not suppression.covering(entry)]
        if fresh:
            write_erasures(config, [*suppression.erasures, *fresh])
        return fresh, finish_erasures(config) or Scrubbed()


def extend(config: Config, met: Mapping[str, str]) -> bool:
    """Put record ids that erased people came back under on the list (hash -> token); whether there were any."""
    known = read_suppression(config)
    listed = {one for erasure in known.erasures for one in erasure.ids}
    fresh = {one: token for one, token in met.items() if one not in listed}
    if not fresh:
        return False
    more = [
        replace(erasure, ids=(*erasure.ids, *sorted(one for one, token in fresh.items() if token == erasure.token)))
        for erasure in known.erasures
    ]
    write_erasures(config, more)
    return True


def came_back(connection: duckdb.DuckDBPyConnection, suppression: Suppression) -> dict[str, int]:
    """Inquiries of erased people that are later than their erasure: token -> number."""
    rows = connection.execute(
        """
        SELECT person_id, email, event_at FROM raw.inquiries
        WHERE _deleted_by_load IS NULL AND (starts_with(person_id, 'erased-') OR starts_with(email, 'erased-'))
        """
    ).fetchall()
    found: Counter[str] = Counter()
    for person_id, email, at in rows:
        names = [person_id, *(email or "").split(";")]
        erasure = next((suppression.pseudonyms[name] for name in names if name in suppression.pseudonyms), None)
        if erasure and at > datetime.fromisoformat(erasure.at):
            found[erasure.token] += 1
    return dict(sorted(found.items()))


def lift(config: Config, token: str) -> None:
    """Take an entry off the list: the person has come back of their own accord. What was erased stays erased.

    Raises ConfigError for a token that is not on the list.
    """
    with BuildLock(config):
        known = read_suppression(config)
        kept = [erasure for erasure in known.erasures if erasure.token != token]
        if len(kept) == len(known.erasures):
            raise ConfigError(
                f'--lift: found "{token}", expected the token of an erasure, as `leadhouse erase` told it'
            )
        write_erasures(config, kept)
        mark_scrubbed(config, read_suppression(config))  # with a longer list, so with this one too
