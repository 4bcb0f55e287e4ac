"""Phones and emails, normalised once into one lookup that every model joins to."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import duckdb
import phonenumbers
import pyarrow as pa
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from dagster_project.entities import ENTITIES

VERSION = "1"
"""Raise it when the same text would be judged differently: all texts are then judged again."""

JUNK_LOCAL_PARTS = frozenset({"none", "noemail", "no-email", "noreply", "no-reply", "donotreply", "na", "unknown"})
_RUNS = ("01234567890123456789", "98765432109876543210")
_MAX_LENGTH = 254


class Verdict(NamedTuple):
    """E.164 number or lower-case email (None where invalid), whether it is valid, whether it is nobody's."""

    normalised: str | None
    is_valid: bool
    is_junk: bool


def normalise_phone(text: str, country: str) -> Verdict:
    """A number as libphonenumber sees it from `country`; junk are repeated digits and runs such as 1234567890."""
    try:
        number = phonenumbers.parse(text.strip(), country)
    except phonenumbers.NumberParseException:
        return Verdict(None, is_valid=False, is_junk=_is_junk(re.sub(r"\D", "", text)))
    junk = _is_junk(str(number.national_number).zfill(7)) or _is_junk(re.sub(r"\D", "", text))
    if not phonenumbers.is_valid_number(number):
        return Verdict(None, is_valid=False, is_junk=junk)
    return Verdict(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), is_valid=True, is_junk=junk)


def _is_junk(digits: str) -> bool:
    return len(digits) >= 5 and (len(set(digits)) == 1 or any(digits in run for run in _RUNS))


@lru_cache(maxsize=100_000)
def _domain_is_valid(domain: str) -> bool:
    return _is_valid_email(f"someone@{_public(domain)}")


def _public(domain: str) -> str:
    """A reserved top-level domain (.test, .local, ...) as .com: only the form counts, and test data live there."""
    name, _, top = domain.rpartition(".")
    return f"{name}.com" if top in SPECIAL_USE_DOMAIN_NAMES else domain


def _is_valid_email(email: str) -> bool:
    try:
        validate_email(email, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


_PLAIN_LOCAL = re.compile(r"[a-z0-9_+'-]+(?:\.[a-z0-9_+'-]+)*", re.ASCII)


def normalise_email(text: str) -> Verdict:
    """Trimmed and lower case, nothing else; valid in form, with a dot in its domain."""
    email = text.strip().lower()
    local, at, domain = email.rpartition("@")
    if not at or len(email) > _MAX_LENGTH or "." not in domain:
        return Verdict(None, is_valid=False, is_junk=local in JUNK_LOCAL_PARTS or email in JUNK_LOCAL_PARTS)
    junk = local in JUNK_LOCAL_PARTS
    plain = len(local) <= 64 and _PLAIN_LOCAL.fullmatch(local) is not None
    valid = _domain_is_valid(domain) if plain else _is_valid_email(f"{local}@{_public(domain)}")
    return Verdict(email if valid else None, is_valid=valid, is_junk=junk)


def normalise_identifiers(connection: duckdb.DuckDBPyConnection, country: str) -> int:
    """Judge every email and phone of `raw` that `raw.identifiers` does not know yet; returns how many.

    One row for each trimmed piece of a `;`-separated cell. Another country, or another version of these rules or of the
    number library, judges all again.
    """
    fingerprint = f"{VERSION}/{country}/{phonenumbers.__version__}"
    earlier = connection.execute("SELECT value FROM ingest.settings WHERE name = 'identifiers'").fetchone()
    connection.execute("BEGIN TRANSACTION")
    try:
        if earlier is None or earlier[0] != fingerprint:
            connection.execute("DELETE FROM raw.identifiers")
            connection.execute("DELETE FROM ingest.settings WHERE name = 'identifiers'")
            connection.execute("INSERT INTO ingest.settings VALUES ('identifiers', ?)", [fingerprint])
        judged = 0
        for kind in ("email", "phone"):
            texts = _new_texts(connection, kind)
            verdicts = [normalise_email(text) if kind == "email" else normalise_phone(text, country) for text in texts]
            _insert(connection, kind, texts, verdicts)
            judged += len(texts)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return judged


def _new_texts(connection: duckdb.DuckDBPyConnection, kind: str) -> list[str]:
    cells = " UNION ".join(
        f"SELECT {kind} AS cell FROM raw.{entity.name}" for entity in ENTITIES.values() if kind in entity.person_columns
    )
    rows = connection.execute(
        f"""
        WITH pieces AS (
            SELECT DISTINCT regexp_replace(piece, '^\\s+|\\s+$', '', 'g') AS raw_text
            FROM (SELECT unnest(string_split(cell, ';')) AS piece FROM ({cells}) WHERE cell IS NOT NULL)
        )
        SELECT raw_text FROM pieces
        WHERE raw_text <> '' AND raw_text NOT IN (SELECT raw_text FROM raw.identifiers WHERE kind = ?)
        ORDER BY raw_text
        """,
        [kind],
    ).fetchall()
    return [text for (text,) in rows]


def _insert(connection: duckdb.DuckDBPyConnection, kind: str, texts: list[str], verdicts: list[Verdict]) -> None:
    if not texts:
        return
    judged = pa.table(
        {
            "raw_text": pa.array(texts, pa.string()),
            "normalised": pa.array([verdict.normalised for verdict in verdicts], pa.string()),
            "is_valid": pa.array([verdict.is_valid for verdict in verdicts], pa.bool_()),
            "is_junk": pa.array([verdict.is_junk for verdict in verdicts], pa.bool_()),
        }
    )
    connection.register("judged", judged)
    connection.execute("INSERT INTO raw.identifiers SELECT ?, * FROM judged", [kind])
    connection.unregister("judged")
