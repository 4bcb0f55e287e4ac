"""A small invented house in `raw`, drawn from a seed, and dbt run on it: what the tests of the dbt project share."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.dbt_project import DBT_DIR
from dagster_project.entities import ENTITIES
from dagster_project.warehouse.working import prepare_working

START = datetime(2026, 1, 5, 5, tzinfo=UTC)
AS_OF = datetime(2026, 6, 1, 16, tzinfo=UTC)
VARS: dict[str, Any] = {
    "timezone": "America/New_York",
    "always_open": False,
    "hours": [{"isodow": day, "opens": "08:00", "closes": "20:00"} for day in range(1, 7)],
    "holidays": ["2026-05-25"],
}

Row = dict[str, Any]
House = dict[str, list[Row]]


@dataclass(frozen=True)
class Working:
    """One working database and where dbt leaves its artifacts for it."""

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "working.duckdb"

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Open it; close it again before dbt runs, which is its one writer."""
        connection = duckdb.connect(str(self.database))
        connection.execute("SET TimeZone = 'UTC'")
        return connection

    def fill(self, house: House) -> None:
        """Make the raw tables hold exactly this house."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.connect() as connection:
            prepare_working(connection)
            for table in (*ENTITIES, "identifiers", "sources"):
                connection.execute(f"DELETE FROM raw.{table}")
                for row in house.get(table, ()):
                    names = ", ".join(f'"{name}"' for name in row)
                    marks = ", ".join("?" for _ in row)
                    connection.execute(f"INSERT INTO raw.{table} ({names}) VALUES ({marks})", list(row.values()))

    def dbt(self, *arguments: str, as_of: datetime = AS_OF, project: Path = DBT_DIR) -> dict[str, dict[str, Any]]:
        """Run dbt; its results by the name of the node. Whether they are good is the caller's to say."""
        target = self.folder / "target"
        (target / "run_results.json").unlink(missing_ok=True)
        done = subprocess.run(
            [str(Path(sys.executable).with_name("dbt")), *arguments, "--vars", json.dumps(VARS)],
            cwd=project,
            env={
                **os.environ,
                "LEADHOUSE_WORKING_DB": str(self.database),
                "LEADHOUSE_AS_OF": as_of.isoformat(),
                "DBT_TARGET_PATH": str(target),
                "DBT_LOG_PATH": str(target),
                "DBT_PROFILES_DIR": str(project),
                "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            },
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert (target / "run_results.json").is_file(), done.stdout + done.stderr
        results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
        return {result["unique_id"].split(".")[2 if is_data_test(result) else -1]: result for result in results}

    def manifest(self) -> dict[str, Any]:
        """What dbt understood of the project."""
        manifest: dict[str, Any] = json.loads((self.folder / "target" / "manifest.json").read_text(encoding="utf-8"))
        return manifest

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.connect() as connection:
            return connection.execute(query).fetchall()


def is_data_test(result: dict[str, Any]) -> bool:
    """A data test's unique id ends in a hash; its name is the part before."""
    return str(result["unique_id"]).startswith("test.")


def bad(results: dict[str, dict[str, Any]]) -> dict[str, str]:
    """What did not go well, and dbt's words."""
    fine = ("success", "pass", "no-op")
    return {
        name: f"{result['status']}: {result['message']}"
        for name, result in results.items()
        if result["status"] not in fine
    }


def draw_house(seed: int, people: int = 120) -> House:
    """People who ask, ask again and call; agents and machines who answer or do not; money. Same seed, same house."""
    return _Draw(random.Random(seed)).house(people)


def some_of(house: House, keep: Callable[[str, Row], bool]) -> House:
    """The rows that `keep(table, row)` chooses; feeds and identifiers stay."""
    return {
        table: [row for row in rows if table in ("identifiers", "sources") or keep(table, row)]
        for table, rows in house.items()
    }


class _Draw:
    def __init__(self, random: random.Random) -> None:
        self.random = random
        self.tables: House = defaultdict(list)

    def house(self, people: int) -> House:
        for position, (feed, calls) in enumerate((("crm", False), ("dialer", True)), 1):
            self.tables["sources"].append(
                {
                    "source": feed,
                    "position": position,
                    "id_space": feed,
                    "lead_grain": "episode",
                    "calls_open_leads": calls,
                }
            )
        for agent, team in (("Ann", "North"), ("Ben", "South"), ("Cy", "South")):
            self._add("agents", "crm", agent=agent, team=team, office="Main St", active_from=date(2025, 1, 1))
        for number in range(people):
            self._person(number)
        for number in range(people // 10):
            self._stranger(number)
        for number in range(people):
            self._meetings(number)
        for week in range(20):
            day = date(2026, 1, 5) + timedelta(days=7 * week)
            self._add("spend", "crm", date=day, source="Zillow", amount=self.random.randint(-500, 9000) / 100)
            if week % 4 == 0:
                self._add("spend", "crm", date=day, date_to=day + timedelta(days=30), source="Google Ads", amount=1000,
                          kind="vendor_fee")  # fmt: skip
        self._money()
        return dict(self.tables)

    def _add(self, table: str, feed: str, **columns: Any) -> None:
        line = len(self.tables[table]) + 2
        self.tables[table].append(
            {**columns, "_source": feed, "_id_space": feed, "_file": f"{table}.csv", "_line": line}
        )

    def _identifier(self, kind: str, text: str) -> None:
        normalised = text if kind == "email" else f"+1{text.replace('-', '')}"
        self.tables["identifiers"].append(
            {"kind": kind, "raw_text": text, "normalised": normalised, "is_valid": True, "is_junk": False}
        )

    def _moment(self, after: datetime = START, within_hours: float = 150 * 24) -> datetime:
        return after + timedelta(seconds=self.random.randint(0, int(within_hours * 3600)))

    def _id(self, table: str) -> str:
        return f"{table[0]}{len(self.tables[table]) + 1}"

    def _person(self, number: int) -> None:
        random = self.random
        twin = random.random() < 0.15  # a second record of the person before: same address, another id
        email, phone = f"p{number - twin}@example.com", f"617-555-{number - twin:04d}"
        if not twin:
            self._identifier("email", email)
            self._identifier("phone", phone)
        own = {"person_id": f"P{number}"}
        self._add("people", "crm", **own, name=f"Person {number}", email=email, phone=random.choice((phone, None)),
                  created_at=START, state=random.choice((None, "FL")))  # fmt: skip
        inquiries = random.choice((1, 1, 1, 2, 3, 5))
        for _ in range(inquiries):
            opened = self._moment()
            inquiry = self._id("inquiries")
            self._add("inquiries", "crm", **own, inquiry_id=inquiry, event_at=opened, email=email,
                      received_at=opened + timedelta(seconds=random.randint(-1, 30)),
                      source=random.choice(("Zillow", "Open house", "Website", None)),
                      category=random.choice((None, "portal", "home_valuation", "referral")),
                      agent=random.choice(("Ann", "Ben", None)), is_test=random.random() < 0.05)  # fmt: skip
            self._answers(own, phone, opened)
            if inquiries == 1 and random.random() < 0.2:
                self._add("sla_excuses", "crm", inquiry_id=inquiry, reason="outage", approver="Ann")
            if random.random() < 0.2:
                self._add("assignments", "crm", **own, assignment_id=self._id("assignments"), agent="Cy",
                          at=self._moment(opened, 24))  # fmt: skip
        if random.random() < 0.2:
            self._add("stage_changes", "crm", **own, change_id=self._id("stage_changes"), at=self._moment(),
                      stage=random.choice(("disqualified", "nurture")))  # fmt: skip

    def _answers(self, own: Row, phone: str, opened: datetime) -> None:
        choice = self.random.choice
        for _ in range(choice((0, 1, 2, 4))):
            channel = choice(("call", "sms", "email"))
            feed, names = ("dialer", {"phone": phone}) if channel == "call" else ("crm", own)
            self._add(
                "touches",
                feed,
                **names,
                touch_id=self._id("touches"),
                channel=channel,
                occurred_at=self._moment(opened, choice((0.001, 0.1, 30, 400))),
                direction=choice(("outbound", "outbound", "inbound")),
                agent=choice(("Ann", "Ben", None)),
                sender_type=choice((None, "human", "automation")),
                connected=choice((None, True, False)),
                duration_seconds=choice((None, 5, 29, 30, 200)) if channel == "call" else None,
            )

    def _meetings(self, number: int) -> None:
        """Bookings that replace one another, in a row, at forks and in circles; what was signed and closed."""
        choice, own = self.random.choice, {"person_id": f"P{number}"}
        ids: list[str] = []
        for _ in range(choice((0, 0, 1, 1, 2, 4))):
            booked = self._moment()
            starts = self._moment(booked, 300)
            ids.append(self._id("appointments"))
            self._add("appointments", "crm", **choice((own, {"email": f"p{number}@example.com"}, {})),
                      appointment_id=ids[-1], booked_at=booked, starts_at=starts, ends_at=starts + timedelta(hours=1),
                      replaces_id=choice((None, None, "unknown", *ids)), agent=choice(("Ann", "Ben", None)),
                      outcome=choice((None, "held", "held", "no_show", "cancelled_by_us")))  # fmt: skip
        if ids and self.random.random() < 0.1:  # the first replaces the last: a circle, or a longer chain
            self.tables["appointments"][-len(ids)]["replaces_id"] = ids[-1]
        if self.random.random() < 0.3:
            self._add("deals", "crm", **own, deal_id=self._id("deals"), agreement_at=choice((None, self._moment())),
                      contract_at=choice((None, self._moment())), closed_at=choice((None, None, self._moment())))  # fmt: skip

    def _money(self) -> None:
        """What deals brought and cost, entered or not; success fees of deals, of unknown ones and of none."""
        choice = self.random.choice
        for deal in self.tables["deals"]:
            deal |= {"gci": choice((None, 9000, 12000.01)), "agent_split": choice((None, 6000, 8400)),
                     "referral_fee": choice((None, None, 3000)), "fell_through_at": choice((None, None, self._moment()))}  # fmt: skip
        for deal_id in ("d1", "d2", "d3", "d4", "d5", "unknown", None):
            self._add("spend", "crm", date=self._moment().date(), source="Referrals", amount=choice((1200, 99.99)),
                      kind="success_fee", deal_id=deal_id)  # fmt: skip

    def _stranger(self, number: int) -> None:
        phone = f"617-666-{number:04d}"
        self._identifier("phone", phone)
        for _ in range(self.random.choice((1, 2, 4))):
            self._add(
                "touches",
                "dialer",
                phone=self.random.choice((phone, None)),
                touch_id=self._id("touches"),
                channel="call",
                direction="inbound",
                occurred_at=self._moment(),
                connected=self.random.random() < 0.5,
                duration_seconds=self.random.choice((5, 40)),
            )


def differing(one: Working, other: Working, table: str, keys: Sequence[str]) -> list[tuple[Any, ...]]:
    """Rows of a table that are in one of two databases only."""
    columns = ", ".join(keys)
    with one.connect() as connection:
        connection.execute(f"ATTACH '{other.database}' AS other (READ_ONLY)")
        return connection.execute(
            f"(SELECT {columns} FROM (FROM {table} EXCEPT ALL FROM other.{table}))"
            f" UNION ALL (SELECT {columns} FROM (FROM other.{table} EXCEPT ALL FROM {table})) ORDER BY ALL"
        ).fetchall()
