"""Who somebody is, read from the published file: the ids, emails, phones and names of one person."""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from dagster_project.config import Config
from dagster_project.entities import ENTITIES, IDENTITY_ENTITIES
from dagster_project.errors import ConfigError
from dagster_project.sources.suppression import ERASED_DOMAIN, Erasure, Suppression, normalised, words_of
from dagster_project.warehouse.published import open_published

NAMING_TABLES = tuple(name for name, entity in ENTITIES.items() if entity.person_columns)
"""The tables of `marts` whose rows name a person by person_id, email or phone."""


Row = tuple[str | None, str, str | None, str | None, str | None, str | None, bool]
"""person_key, id_space, person_id, email, phone and name of a row, and whether it is one that says who somebody is."""


@dataclass(frozen=True)
class Asked:
    """Whom the command was asked for: one of them is given. `person_id` is `id_space:person_id`."""

    email: str | None = None
    phone: str | None = None
    person_id: str | None = None
    lead_id: str | None = None


@dataclass
class Person:
    """One person. `emails` and `phones` are normalised and theirs alone; those of others too only count in `shared`,
    and in `common` (kind, value) where so many carry them that they link nobody.

    `person_keys` is empty where nothing published names them: then only what was asked for is known.
    """

    person_keys: set[str] = field(default_factory=set)
    ids: set[tuple[str, str]] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    common: set[tuple[str, str]] = field(default_factory=set)
    shared: int = 0

    def listed(self, suppression: Suppression, at: datetime, reason: str) -> Erasure:
        """Their entry in the list of erased people, in the hashes of `suppression`."""
        words = {word for name in self.names for word in (name, *words_of(name))}
        return Erasure(
            token=secrets.token_hex(4),
            at=at.isoformat(timespec="seconds"),
            reason=reason,
            ids=tuple(sorted(suppression.id_hash(*one) for one in self.ids)),
            emails=tuple(sorted(suppression.hashed("email", one) for one in self.emails)),
            phones=tuple(sorted(suppression.hashed("phone", one) for one in self.phones)),
            tails=tuple(sorted({suppression.tail(one) for one in self.phones})),
            names=tuple(sorted(suppression.name_hash(word) for word in words)),
            common=tuple(sorted(suppression.hashed(*one) for one in self.common)),
        )


def find_person(config: Config, asked: Asked) -> Person:
    """The one person that is asked for.

    Raises ConfigError where what was given cannot be read, or where several people carry it.
    """
    wanted = _wanted(config, asked)
    if not config.warehouse_path.is_file():
        return wanted
    with open_published(config.warehouse_path) as connection:
        keys, nameless = _matching(connection, config, asked, wanted)
        if asked.lead_id and not keys:
            raise ConfigError(f'--lead: found "{asked.lead_id}", expected the lead_id of a published lead')
        if len(keys) > 1:
            raise ConfigError(
                f"found {len(keys)} people with that {'email' if asked.email else 'phone'}, expected one;"
                f" name one by --person: {', '.join(sorted(keys)[:5])}"
            )
        found = people_of(connection, config, keys)
    if found:
        return found[0]  # what somebody else carries too is not theirs to erase
    for _, id_space, person_id, _, _, name, _ in nameless:
        wanted.ids |= {(id_space, person_id)} if person_id else set()
        wanted.names |= {name} if name else set()
    return wanted


def _wanted(config: Config, asked: Asked) -> Person:
    country = config.brokerage.country
    person = Person()
    if asked.email is not None:
        person.emails.update(normalised("email", asked.email, country))
        if not person.emails:
            raise ConfigError("--email: found no address that is valid in form, expected one such as ann@example.com")
    if asked.phone is not None:
        person.phones.update(normalised("phone", asked.phone, country))
        if not person.phones:
            raise ConfigError(f"--phone: found no number that is valid in {country}, expected one such as +12127365000")
    if asked.person_id is not None:
        space, colon, person_id = asked.person_id.partition(":")
        if not colon or not person_id:
            raise ConfigError("--person: found no colon, expected id_space:person_id, such as crm:4711")
        person.ids.add((space, person_id))
    return person


def _matching(
    connection: duckdb.DuckDBPyConnection, config: Config, asked: Asked, wanted: Person
) -> tuple[set[str], list[Row]]:
    """The `person_key`s of the rows that carry what was asked for, and those rows that have none (deleted upstream)."""
    if asked.lead_id is not None:
        leads = connection.execute("SELECT person_key FROM marts.leads WHERE lead_id = ?", [asked.lead_id]).fetchall()
        return {key for (key,) in leads if key}, []
    country = config.brokerage.country
    rows = [
        row
        for row in _rows(connection)
        if (row[1], row[2]) in wanted.ids
        or (wanted.emails and row[3] and wanted.emails & set(normalised("email", row[3], country)))
        or (wanted.phones and row[4] and wanted.phones & set(normalised("phone", row[4], country)))
    ]
    return {row[0] for row in rows if row[0]}, [row for row in rows if not row[0]]


def people_of(connection: duckdb.DuckDBPyConnection, config: Config, keys: Iterable[str]) -> list[Person]:
    """The people of some `person_key`s, with everything that names them in the published tables."""
    people = {key: Person({key}) for key in sorted(set(keys))}
    rows = [row for row in _rows(connection) if row[0] is not None]
    for key, id_space, person_id, _, _, name, says_who in rows:
        person = people.get(str(key))
        # An id counts where a record has it: a call may carry one that is nobody's, and be found by its number.
        if person and says_who and person_id and not person_id.startswith("erased-"):
            person.ids.add((id_space, person_id))
        if person and name:
            person.names.add(name)
    owners, carriers = _owners(rows, config.brokerage.country)
    for identifier, theirs in owners.items():
        kind, value = identifier
        for key in theirs & people.keys() if not value.endswith("@" + ERASED_DOMAIN) else ():
            person = people[key]
            if theirs <= people.keys():
                getattr(person, kind + "s").add(value)
            else:
                person.shared += 1
                person.common |= {identifier} if carriers[identifier] > config.rules.max_shared_identifier else set()
    return list(people.values())


Identifier = tuple[str, str]
"""`email` or `phone`, and the normalised value."""


def _owners(rows: Iterable[Row], country: str) -> tuple[dict[Identifier, set[str]], Counter[Identifier]]:
    """Of each email and phone the `person_key`s that own it, and how many different people its records name.

    A record decides before a call: one that is noted with somebody's number under another person's record does not make
    the number theirs as well. Different people are counted as METRICS.md section 2 does.
    """
    owners: dict[bool, dict[Identifier, set[str]]] = {True: defaultdict(set), False: defaultdict(set)}
    carriers: dict[Identifier, set[str]] = defaultdict(set)
    for key, id_space, person_id, email, phone, name, says_who in rows:
        for kind, cell in (("email", email), ("phone", phone)):
            for value in normalised(kind, cell, country) if cell else ():
                owners[says_who][kind, value].add(str(key))
                if says_who:
                    carriers[kind, value].add(f"{id_space}:{person_id}" if person_id else (name or "").strip().lower())
    return {**owners[False], **owners[True]}, Counter({one: len(people) for one, people in carriers.items()})


def _rows(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """What the published rows say of people, each once."""
    parts = [
        f"SELECT person_key, id_space, person_id, email, phone,"
        f" {'name' if 'name' in ENTITIES[table].by_name else 'NULL'} AS name,"
        f" {'true' if table in IDENTITY_ENTITIES else 'false'} AS says_who FROM marts.{table}"
        for table in NAMING_TABLES
    ]
    return connection.execute(" UNION ".join(parts)).fetchall()
