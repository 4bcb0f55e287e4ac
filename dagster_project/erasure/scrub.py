"""Taking the listed people out of everything that is kept: raw, what can be rebuilt, and (`served.py`) what is served.

Each step can be repeated and ends the same; `raw/.erasures` says which list all of it was last gone through with, so
that an erasure that was interrupted, or undone by restoring a backup, is finished by the next build.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from dagster_project.config import Config
from dagster_project.entities import ENTITIES, IDENTITY_ENTITIES
from dagster_project.erasure.served import Scrubbed, scrub_published
from dagster_project.errors import CriticalProblem
from dagster_project.sources import files
from dagster_project.sources.erased_list import mark_of, read_suppression
from dagster_project.sources.formats.reader import open_stored
from dagster_project.sources.mapping import Plan
from dagster_project.sources.rates import Rates
from dagster_project.sources.records import Record
from dagster_project.sources.redaction import Suppress, as_text, renderer
from dagster_project.sources.suppression import MASK, Identity, Suppression
from dagster_project.state import StateDamagedError, StateError, open_state, set_aside
from dagster_project.warehouse.durable import write_whole
from dagster_project.warehouse.raw import RawInfo, RawStore, RawWriter, read_erased, read_rows

_NO_RATES = Rates("", frozenset())  # money is not looked at here


def finish_erasures(config: Config) -> Scrubbed | None:
    """Take the listed people out, unless that was done with this list; None where there was nothing to do.

    Hold a `BuildLock`. Raises CriticalProblem where the list cannot be read, OSError where a file cannot be written.
    """
    suppression = read_suppression(config)
    mark = mark_of(config)
    if not suppression or (mark.is_file() and mark.read_text(encoding="ascii") == suppression.digest):
        return None
    done = Scrubbed()
    _scrub_raw(config, suppression, done)
    _drop_rebuildable(config)
    scrub_published(config, suppression, done)
    _forget_offending_rows(config)
    mark_scrubbed(config, suppression)
    return done


def mark_scrubbed(config: Config, suppression: Suppression) -> None:
    """Remember that everything was gone through with this list."""
    mark = mark_of(config)
    mark.parent.mkdir(parents=True, exist_ok=True)
    write_whole(mark, suppression.digest)


def _drop_rebuildable(config: Config) -> None:
    """The working database is rebuilt from the files and from raw: nothing of it is kept, nor of damaged files."""
    damaged = config.warehouse_path.with_name(config.warehouse_path.name + ".damaged")
    beside = [damaged] if damaged.exists() else []
    for path in (*config.work_dir.glob("working.*"), *config.work_dir.glob("spool*"), *beside):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(config.refused_dir, ignore_errors=True)


def _forget_offending_rows(config: Config) -> None:
    """Rows of failing checks name people by id; the next build finds them again, without who was erased."""
    path = config.state_path
    try:
        if path.is_file():
            with open_state(path) as state:
                state.forget_rows()
    except StateDamagedError:
        set_aside(path)
    except StateError as error:
        raise CriticalProblem(f"{error}; the erasure is not finished, run it again") from None
    path.with_name(path.name + ".damaged").unlink(missing_ok=True)


# -- raw


def _scrub_raw(config: Config, suppression: Suppression, done: Scrubbed) -> None:
    for info, path in RawStore(config.raw_dir).everything():
        writer = RawWriter(path, info)
        changed = 0
        try:
            for lines, texts, persons, places in _let_through(config, suppression, info, path):
                writer.write(lines, texts, persons)
                changed += len(places)
                done.places.update((info.source, info.entity, info.file, line) for line in places)
            writer.close()
        except BaseException:
            writer.discard()
            raise
        if changed:
            writer.publish()
            name = f"{info.source}/{info.file}"
            done.raw[name] = done.raw.get(name, 0) + changed
        else:
            writer.discard()


Kept = tuple[list[int], list[str], dict[str, list[str | None]], list[int]]
"""Lines, texts, identifiers and pseudonyms of records as they may stay; the lines on which something was taken out."""


def _let_through(config: Config, suppression: Suppression, info: RawInfo, path: Path) -> Iterator[Kept]:
    plan, records = planned(config, suppression, info, path)
    if plan is None:
        yield from _without_plan(config, suppression, info, path)
        return
    before = read_erased(path)
    for batch in files.batches(records):
        kept = plan.convert(batch, before)
        changed = [
            given.line
            for given, after in zip(batch, kept.records, strict=True)
            if after is not given and after != given
        ]
        persons = {**kept.persons, "erased": kept.erased}
        yield [r.line for r in kept.records], [r.text for r in kept.records], persons, changed


def planned(
    config: Config, suppression: Suppression, info: RawInfo, path: Path
) -> tuple[Plan | None, Iterator[Record]]:
    """The mapping of a stored version and its records; no plan where the configuration no longer reads it."""
    source = next((source for source in config.sources if source.name == info.source), None)
    wanted, table = files.table_of(source, info.entity, info.file, info.sheet) if source else (False, None)
    if source is None or not wanted:
        return None, iter(())
    opened = open_stored(info, ((line, text) for line, text, *_ in read_rows(path)), table)
    if opened is None:
        return None, iter(())
    suppress = Suppress(suppression, source.id_space, renderer(opened))
    plan = Plan(
        ENTITIES[info.entity],
        table,
        opened.header,
        files.rules_of(source, table, info.excel_epoch),
        _NO_RATES,
        suppress,
    )
    return (None if plan.findings.critical else plan), opened.records


def _without_plan(config: Config, suppression: Suppression, info: RawInfo, path: Path) -> Iterator[Kept]:
    """What no mapping reads any more: rows are known by the identifiers kept with them, or by what their text says."""
    spaces = {source.name: source.id_space for source in config.sources}
    id_space = spaces.get(info.source, info.source)
    for line, text, person_id, email, phone, erased in read_rows(path):
        who = Identity(id_space, person_id, email, phone)
        found = None if erased else suppression.find(who, links=info.entity in IDENTITY_ENTITIES)
        kept = MASK if found and found.own else suppression.mask(text)
        persons = {"person_id": person_id, "email": email, "phone": phone}
        if found:
            persons = {name: getattr(found, name) for name in persons}
        pseudonym = erased or (as_text(found) if found else None)
        columns = {name: [one] for name, one in {**persons, "erased": pseudonym}.items()}
        yield [line], [kept], columns, [line] * (kept != text)
