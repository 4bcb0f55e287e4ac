"""Phones and emails: what is valid, what is junk, and that each text is judged once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.sources.identifiers import Verdict, normalise_email, normalise_identifiers, normalise_phone
from dagster_project.warehouse.working import prepare_working


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("(212) 736-5000", "US", "+12127365000"),
        ("212.736.5000", "US", "+12127365000"),
        (" +1 212 736 5000 ", "DE", "+12127365000"),
        ("1-212-736-5000 x12", "US", "+12127365000"),
        ("030 901820", "DE", "+4930901820"),
        ("020 7946 0958", "GB", "+442079460958"),
    ],
)
def test_valid_phones(text: str, country: str, number: str) -> None:
    assert normalise_phone(text, country) == Verdict(number, is_valid=True, is_junk=False)


@pytest.mark.parametrize("text", ["", "abc", "12", "212-736-500", "+1 212 736 50000", "0", "call me"])
def test_invalid_phones(text: str) -> None:
    assert normalise_phone(text, "US") == Verdict(None, is_valid=False, is_junk=False)


@pytest.mark.parametrize(
    "text", ["000-000-0000", "0000000", "111-111-1111", "+1 222 222 2222", "9999999999", "1234567890", "123-456-7890"]
)
def test_junk_phones(text: str) -> None:
    assert normalise_phone(text, "US").is_junk


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("Ann@Example.com", "ann@example.com"),
        (" ann+zillow@mail.example.co.uk\t", "ann+zillow@mail.example.co.uk"),
        ("a.b@x.test", "a.b@x.test"),
        ("a@x.example", "a@x.example"),
        ("a@x.invalid", "a@x.invalid"),
        ("o'neil@x.com", "o'neil@x.com"),
        ("müller@bücher.de", "müller@bücher.de"),
    ],
)
def test_valid_emails(text: str, email: str) -> None:
    assert normalise_email(text) == Verdict(email, is_valid=True, is_junk=False)


@pytest.mark.parametrize(
    "text",
    ["", "ann", "ann@", "@x.com", "ann@localhost", "a..b@x.com", ".a@x.com", "a b@x.com", "a@b@x.com", "a@x..com",
     "a@-x.com", "a@x.com.", "a" * 250 + "@x.com", "a@[1.2.3.4]", "Ann <a@x.com>", "a@x.com b@x.com"],
)  # fmt: skip
def test_invalid_emails(text: str) -> None:
    assert normalise_email(text) == Verdict(None, is_valid=False, is_junk=False)


@pytest.mark.parametrize("local", ["none", "NoEmail", "no-email", "noreply", "no-reply", "donotreply", "na", "unknown"])
def test_junk_emails(local: str) -> None:
    assert normalise_email(f"{local}@x.com").is_junk
    assert not normalise_email(f"{local}1@x.com").is_junk


@settings(deadline=None)
@given(st.text(max_size=60))
def test_nothing_raises(text: str) -> None:
    for verdict in (normalise_phone(text, "US"), normalise_email(text)):
        assert verdict.is_valid == (verdict.normalised is not None)


@settings(deadline=None)
@given(st.from_regex(r"[a-z0-9_+'.-]{1,12}@[a-z0-9.-]{1,12}\.[a-z]{2,4}", fullmatch=True))
def test_the_short_cut_for_plain_addresses_judges_as_the_library_does(email: str) -> None:
    from email_validator import EmailNotValidError, validate_email

    try:
        validate_email(email, check_deliverability=False)
        valid = True
    except EmailNotValidError as problem:
        valid = "special-use" in str(problem)
    assert normalise_email(email).is_valid == valid


def test_each_text_is_judged_once_and_again_for_another_country(tmp_path: Path) -> None:
    connection = duckdb.connect(str(tmp_path / "working.duckdb"))
    prepare_working(connection)
    connection.execute(
        "INSERT INTO raw.people (person_id, email, phone) VALUES "
        "('1', ' A@x.com ; b@x.com;', '212-736-5000; +1 212 736 5000'), ('2', 'A@x.com', NULL), ('3', '', ';')"
    )
    connection.execute(
        "INSERT INTO raw.touches (touch_id, phone, occurred_at) VALUES ('t', '000-000-0000', ?)",
        [datetime(2026, 1, 1, tzinfo=UTC)],
    )
    connection.execute("INSERT INTO raw.agents (agent, email) VALUES ('Bo', 'bo@brokerage.com')")
    assert normalise_identifiers(connection, "US") == 5
    assert connection.execute("SELECT * FROM raw.identifiers ORDER BY ALL").fetchall() == [
        ("email", "A@x.com", "a@x.com", True, False),
        ("email", "b@x.com", "b@x.com", True, False),
        ("phone", "+1 212 736 5000", "+12127365000", True, False),
        ("phone", "000-000-0000", None, False, True),
        ("phone", "212-736-5000", "+12127365000", True, False),
    ]
    assert normalise_identifiers(connection, "US") == 0
    assert normalise_identifiers(connection, "DE") == 5
    german = connection.execute("SELECT normalised FROM raw.identifiers WHERE raw_text = '212-736-5000'").fetchone()
    assert german != ("+12127365000",)
