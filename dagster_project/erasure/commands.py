"""`leadhouse person`, `leadhouse erase` and `leadhouse retention`. Nothing they print names anybody."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.errors import ConfigError
from dagster_project.terminal import printable

if TYPE_CHECKING:
    from dagster_project.config import Config
    from dagster_project.erasure.people import Person

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Configuration; default ./leadhouse.toml or LEADHOUSE_CONFIG."),
]
EmailOption = Annotated[str | None, typer.Option("--email", metavar="E", help="An email of theirs.")]
PhoneOption = Annotated[str | None, typer.Option("--phone", metavar="P", help="A phone of theirs.")]
PersonOption = Annotated[str | None, typer.Option("--person", metavar="ID", help="id_space:person_id.")]
LeadOption = Annotated[str | None, typer.Option("--lead", metavar="ID", help="A lead_id of theirs.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def person(
    config: ConfigOption = None,
    email: EmailOption = None,
    phone: PhoneOption = None,
    person_id: PersonOption = None,
    lead: LeadOption = None,
    format_: Annotated[str, typer.Option("--format", metavar="F", help="table or json.")] = "table",
) -> None:
    """Where one person's data is: tables, files and versions, with the number of rows in each."""
    from dagster_project.erasure.report import whereabouts

    if format_ not in ("table", "json"):
        raise ConfigError(f'--format: found "{format_}", expected table or json')
    loaded, who = _asked(config, email, phone, person_id, lead)
    found = whereabouts(loaded, who)
    if format_ == "json":
        print(json.dumps([asdict(one) for one in found], indent=1))
        return
    for one in found:
        print(f"{one.kind:<10}  {one.rows:>6,}  {printable(one.place)}")
    if not found:
        print("no row that is kept names them")
    if who.shared:
        print(f"{who.shared} of their emails and phones are on other people's rows too")


def erase(
    config: ConfigOption = None,
    email: EmailOption = None,
    phone: PhoneOption = None,
    person_id: PersonOption = None,
    lead: LeadOption = None,
    reason: Annotated[str, typer.Option("--reason", metavar="R", help="Why, kept with the erasure; no names.")] = (
        "request"
    ),
    lift: Annotated[
        str | None, typer.Option("--lift", metavar="TOKEN", help="They came back of their own accord: let them in.")
    ] = None,
    yes: YesOption = False,
) -> None:
    """Erase one person from everything that is kept, and keep them out of the next export. Counts stay counts.

    Backups made before hold the person until they are pruned, and so do the files of the source: Leadhouse does not
    touch those.
    """
    from dagster_project.config import find_config, load_config
    from dagster_project.erasure.erase import erase as erase_people
    from dagster_project.erasure.erase import lift as lift_entry
    from dagster_project.erasure.report import whereabouts

    if lift is not None:
        lift_entry(load_config(find_config(config)), lift)
        print(f"{lift} is off the list; the next build loads them like anybody")
        return
    loaded, who = _asked(config, email, phone, person_id, lead)
    rows = sum(one.rows for one in whereabouts(loaded, who))
    told = "no row that is kept names them, later exports will not either"
    if rows:
        names = len({name.casefold() for name in who.names})
        told = f"{rows:,} rows that name them, {len(who.ids):,} records, {names:,} different names"
    _confirm(f"erase one person: {told}, for good", yes=yes)
    entries, done = erase_people(loaded, [who], reason)
    for table, number in sorted(done.published.items()):
        print(f"{number:,} rows of marts.{table}")
    for file, number in done.raw.items():
        print(f"{number:,} rows of raw {printable(file)}")
    if done.quarantine:
        print(f"{done.quarantine:,} rows of the quarantine")
    if not rows:
        print("no row that is kept named them; they are on the list now")
    if not entries:
        print("they are on the list already")
        return
    print(f"erased; {entries[0].token} names this erasure. Figures are as they were.")
    print("still to do by you: delete them in the source, and prune backups made before today")


def retention(
    config: ConfigOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: YesOption = False,
) -> None:
    """Apply the retention rules of the configuration: erase people not seen for so long, drop old versions of files."""
    from dagster_project.config import find_config, load_config
    from dagster_project.erasure.erase import erase as erase_people
    from dagster_project.erasure.retention import expired

    loaded = load_config(find_config(config))
    if not loaded.retention.model_dump(exclude_none=True):
        print("no rule is set: everything is kept; [retention] in the configuration sets how long")
        return
    found = expired(loaded, datetime.now(UTC))
    print(f"{len(found.people):,} people and {len(found.versions):,} earlier versions of files are past their time")
    if dry_run or not (found.people or found.versions):
        return
    _confirm("erase them for good", yes=yes)
    if found.people:
        erase_people(loaded, found.people, "retention")
    for path in found.versions:
        path.unlink(missing_ok=True)
    print("done; figures are as they were")


def _asked(
    config: Path | None, email: str | None, phone: str | None, person_id: str | None, lead: str | None
) -> tuple[Config, Person]:
    from dagster_project.config import find_config, load_config
    from dagster_project.erasure.people import Asked, find_person

    given = [value for value in (email, phone, person_id, lead) if value is not None]
    if len(given) != 1:
        raise ConfigError(f"found {len(given)} of --email, --phone, --person, --lead, expected one of them")
    loaded = load_config(find_config(config))
    return loaded, find_person(loaded, Asked(email, phone, person_id, lead))


def _confirm(what: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError(f"{what}: nobody is there to ask, expected --yes")
    typer.confirm(f"{what}?", abort=True)
