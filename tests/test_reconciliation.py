"""The CRM's counts against ours: hand-worked cases, one a reason, and plain Python on a random export; one build."""

from __future__ import annotations

import csv
import random
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from dagster_project.config import load_config
from dagster_project.sources.identifiers import normalise_identifiers
from dagster_project.sources.ingest import ingest_source
from dagster_project.warehouse.published import publish
from dagster_project.warehouse.working import open_working
from dashboards import queries
from dashboards.components import reconciliation as component
from tests.builds import published_rows
from tests.dbt.house import Working, bad
from tests.reference import generate
from tests.reference.model import Settings
from tests.reference.read import read_export
from tests.reference.reconcile import Reconciled, reconcile

pytestmark = pytest.mark.slow

SELECTED = ("--indirect-selection", "empty", "--select", "crm_counts_count_one_thing")

SEED, PEOPLE = 20261128, 300
STEPS = (
    "since_merged", "since_deleted", "same_person", "no_inquiry", "repeat_inquiry", "late_out", "early_out",
    "other_source_out", "late_in", "early_in", "other_source_in", "reopened", "set_aside", "each_inquiry", "no_record",
    "record_not_counted", "call_without_record", "unexplained",
)  # fmt: skip
FIGURES = (
    "theirs", *STEPS, "ours", "leads_eligible", "excluded_test", "excluded_spam", "excluded_import",
    "excluded_agent_created", "excluded_past_client", "excluded_no_contact_info", "excluded_no_touch_coverage",
)  # fmt: skip

# ------------------------------------------------------------------------------------------------- hand-worked cases
# Weeks begin on Monday in New York; all times below are of 2025 and local. Each case has a source of its own, so that
# its cell is its own. 2025-08-04, -11, -18 and 2025-09-01, -08 are Mondays; the report covers 09-01 and two others.
# The dialer's touches are known from 2025-10-13 only, so each lead here is excluded by no_touch_coverage, unless first
# by something else.

SOURCES = """
[[source]]
name = "hand"
kind = "files"
path = "exports/hand"

[[source]]
name = "quiet"
kind = "files"
path = "exports/quiet"

[[source]]
name = "report"
kind = "files"
path = "exports/report"

[[source.table]]
entity = "crm_counts"
file = "lead_source_report*.csv"
time_formats = ["%m/%d/%Y"]

[source.table.columns]
date = "Week of"
source = "Lead Source"
leads = "New leads"

[source.table.values.source]
"" = "(no source)"
"""

PEOPLE_ROWS = """\
person_id,email,created_at,source_now,merged_into,deleted_at
plain,plain@cases.example.com,2025-08-05 10:00,C plain,,
twice-a,twice@cases.example.com,2025-08-05 10:00,C twice,,
twice-b,twice@cases.example.com,2025-08-06 10:00,C twice,,
merged-a,ma@cases.example.com,2025-08-05 10:00,C merged,merged-b,
merged-b,mb@cases.example.com,2025-08-05 11:00,C merged,,
again,again@cases.example.com,2025-08-05 10:00,C again,,
repeat,repeat@cases.example.com,2025-08-05 10:00,C repeat,,
late,late@cases.example.com,2025-08-11 00:30,C late,,
early,early@cases.example.com,2025-08-05 10:00,C early,,
moved,moved@cases.example.com,2025-08-05 10:00,C moved to,,
silent,silent@cases.example.com,2025-08-05 10:00,C silent,,
undated,undated@cases.example.com,,C undated,,
tested,tested@cases.example.com,2025-08-05 10:00,C tested,,
grain,grain@cases.example.com,2025-08-05 10:00,C grain,,
gone,gone@cases.example.com,2025-08-05 10:00,C gone,,2025-08-20
f-now,f1@cases.example.com,2025-09-02 10:00,C since,,
f-merged,f1@cases.example.com,2025-09-02 11:00,C since,f-now,
f-deleted,f2@cases.example.com,2025-09-02 12:00,C since,,2025-09-20
f-short,f3@cases.example.com,2025-09-02 10:00,C short,,
f-unnamed,f4@cases.example.com,2025-09-02 10:00,C unnamed,,
"""
INQUIRY_ROWS = """\
inquiry_id,person_id,email,event_at,source,is_test
plain,plain,,2025-08-05 09:59,C plain,
twice,twice-a,,2025-08-05 09:59,C twice,
merged,merged-a,,2025-08-05 09:59,C merged,
again-1,again,,2025-08-05 09:59,C again,
again-2,again,,2025-09-08 10:00,C again,
repeat-1,repeat,,2025-08-05 09:59,C repeat,
repeat-2,repeat,,2025-08-12 10:00,C repeat,
late,late,,2025-08-10 23:59,C late,
early,early,,2025-08-20 10:00,C early,
moved,moved,,2025-08-05 09:59,C moved from,
stranger,,stranger@cases.example.com,2025-08-05 10:00,C stranger,
undated,undated,,2025-08-05 10:00,C undated,
tested-1,tested,,2025-08-05 09:59,C tested,
tested-2,tested,,2025-08-12 10:00,C tested,true
gone,gone,,2025-08-05 10:00,C gone,
f-now,f-now,,2025-09-02 10:00,C since,
f-short,f-short,,2025-09-02 10:00,C short,
f-unnamed,f-unnamed,,2025-09-02 10:00,C unnamed,
"""
PARTNER_ROWS = """\
inquiry_id,email,event_at,source
grain-1,grain@cases.example.com,2025-08-05 17:00,C grain
grain-2,grain@cases.example.com,2025-08-06 17:00,C grain
"""
CALL_ROWS = """\
touch_id,phone,occurred_at,channel,direction,connected,duration_seconds
hand-call,(617) 555-0188,2025-08-05 12:00,call,inbound,false,40
"""
REPORT = [("2025-09-03", "C since", 2), ("2025-09-07", "C since", 1), ("2025-09-01", "C short", 5)]

ONE = {"ours": 1, "excluded_no_touch_coverage": 1}
AUG4, AUG11, AUG18 = date(2025, 8, 4), date(2025, 8, 11), date(2025, 8, 18)
SEP1, SEP8 = date(2025, 9, 1), date(2025, 9, 8)
CASES: dict[tuple[date, str], dict[str, int]] = {
    (AUG4, "C plain"): {"theirs": 1, **ONE},
    # two records with one email are one person
    (AUG4, "C twice"): {"theirs": 2, "same_person": -1, **ONE},
    # what the CRM merged itself it no longer counts either
    (AUG4, "C merged"): {"theirs": 1, **ONE},
    # 34 days later: a new lead here, the old record there
    (AUG4, "C again"): {"theirs": 1, **ONE},
    (SEP8, "C again"): {"theirs": 0, "reopened": 1, **ONE},
    # 7 days later: the same lead, and nothing to tell in the week of the repetition
    (AUG4, "C repeat"): {"theirs": 1, **ONE},
    # raised on Sunday before midnight, recorded on Monday after it
    (AUG4, "C late"): {"theirs": 0, "late_in": 1, **ONE},
    (AUG11, "C late"): {"theirs": 1, "late_out": -1},
    # in the CRM since 5 August, asked on the 20th
    (AUG4, "C early"): {"theirs": 1, "early_out": -1},
    (AUG18, "C early"): {"theirs": 0, "early_in": 1, **ONE},
    (AUG4, "C moved to"): {"theirs": 1, "other_source_out": -1},
    (AUG4, "C moved from"): {"theirs": 0, "other_source_in": 1, **ONE},
    (AUG4, "C silent"): {"theirs": 1, "no_inquiry": -1},
    (AUG4, "C stranger"): {"theirs": 0, "no_record": 1, **ONE},
    (AUG4, "C undated"): {"theirs": 0, "record_not_counted": 1, **ONE},
    (AUG4, "C tested"): {"theirs": 1, **ONE},
    (AUG11, "C tested"): {"theirs": 0, "set_aside": 1, "ours": 1, "excluded_test": 1},
    # a partner whose every record is a lead (lead_grain), of somebody with one record
    (AUG4, "C grain"): {"theirs": 1, "each_inquiry": 1, "ours": 2, "excluded_no_touch_coverage": 2},
    # the report counted three (two and one on two days); one was merged and one deleted since
    (SEP1, "C since"): {"theirs": 3, "since_merged": -1, "since_deleted": -1, **ONE},
    (SEP1, "C short"): {"theirs": 5, "unexplained": -4, **ONE},
    # the report covers the week and does not name the source: it counts none
    (SEP1, "C unnamed"): {"theirs": 0, "unexplained": 1, **ONE},
    # a feed that never says the present source: that of the person's first inquiry
    (AUG4, "C quiet"): {"theirs": 1, **ONE},
}
REASONS = {
    "people:hand:twice-b": "same_person",
    "lead:hand:again-2": "reopened",
    "people:hand:late": "late",
    "people:hand:early": "early",
    "people:hand:moved": "other_source",
    "people:hand:silent": "no_inquiry",
    "lead:hand:stranger": "no_record",
    "lead:hand:undated": "record_not_counted",
    "lead:hand:tested-2": "set_aside",
    "lead:partner:grain-2": "each_inquiry",
    "people:hand:f-merged": "since_merged",
    "people:hand:f-deleted": "since_deleted",
    "lead:dialer:call:hand-call": "call_without_record",
}
"""Every row of the cases by its key; a case that is not here differs in nothing."""


def write_cases(exports: Path) -> None:
    files = {
        "hand/people.csv": PEOPLE_ROWS,
        "hand/inquiries.csv": INQUIRY_ROWS,
        "quiet/people.csv": "person_id,email,created_at\nq,quiet@cases.example.com,2025-08-05 10:00\n",
        "quiet/inquiries.csv": "inquiry_id,person_id,event_at,source\nq,q,2025-08-05 09:00,C quiet\n",
        "referrals/inquiries_hand.csv": PARTNER_ROWS,
        "dialer/touches_hand.csv": CALL_ROWS,
    }
    for name, text in files.items():
        path = exports / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


# ------------------------------------------------------------------------------------------------------- the build


@dataclass
class Built:
    """One export, built, with the lines of the CRM's report that were delivered with it."""

    planted: generate.Planted
    report: list[tuple[date, str, int]]

    @property
    def warehouse(self) -> Path:
        return self.planted.folder / "warehouse" / "leadhouse.duckdb"

    def last_weeks(self, weeks: int) -> date:
        """The first of the last complete weeks."""
        today = self.planted.as_of.date()
        return today - timedelta(days=today.weekday(), weeks=weeks)

    def expected(self, counted: str) -> Reconciled:
        settings = Settings.from_toml(self.planted.config)
        return reconcile(read_export(settings), self.report, settings, self.planted.as_of, counted)


def scatter(exports: Path, chance: random.Random) -> None:
    """Records are made when their people ask, or long before, or nobody knows; most bear the source they came from."""
    asked: dict[str, list[tuple[str, str]]] = {}
    for path in sorted((exports / "crm").glob("inquiries_*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["person_id"]:
                    asked.setdefault(row["person_id"], []).append((row["event_at"], row["source"]))
    changed: dict[str, tuple[str, str]] = {}
    for path in sorted((exports / "crm").glob("people_*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            who = row["person_id"]
            if who not in changed:
                kind = chance.random()
                moment, source = chance.choice(asked.get(who) or [(row["created_at"], row["source_now"])])
                created = row["created_at"] if kind < 0.2 else "" if kind < 0.25 else moment
                changed[who] = (created, source if chance.random() < 0.7 else row["source_now"])
            row["created_at"], row["source_now"] = changed[who]
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def write_report(exports: Path, chance: random.Random, last: date) -> list[tuple[date, str, int]]:
    """The cases' lines, and of some weeks, the last complete one among them, figures drawn at random."""
    weeks = [last - timedelta(weeks=back) for back in (0, 3, 9, 12, 17)]
    lines = [(date.fromisoformat(day), source, leads) for day, source, leads in REPORT]
    lines += [
        (week + timedelta(days=day), source or "(no source)", chance.randint(0, 6))
        for week in weeks
        for source in generate.SOURCES
        for day in sorted(chance.sample(range(7), chance.choice((0, 1, 1, 2))))
    ]
    lines.append((last + timedelta(days=14), "Zillow", 50))  # after as_of: not known yet
    (exports / "report").mkdir()
    with (exports / "report" / "lead_source_report.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("Week of", "Lead Source", "New leads"))
        writer.writerows(
            (f"{day:%m/%d/%Y}", "" if name == "(no source)" else name, leads) for day, name, leads in lines
        )
    return lines


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    chance = random.Random(SEED)
    planted = generate.generate(tmp_path_factory.mktemp("reconciliation"), seed=SEED, people=PEOPLE)
    exports = planted.folder / "exports"
    with planted.config.open("a", encoding="utf-8") as file:
        file.write(SOURCES)
    write_cases(exports)
    scatter(exports, chance)
    assert 'week_start = "monday"' in planted.config.read_text(encoding="utf-8")
    today = planted.as_of.date()
    report = write_report(exports, chance, today - timedelta(days=today.weekday() + 7))
    return build(planted, report)


def build(planted: generate.Planted, report: list[tuple[date, str, int]]) -> Built:
    """Ingest, the models that reconciliation needs, publish: a build without Dagster and Great Expectations."""
    config = load_config(planted.config, {})
    with open_working(config) as connection:
        for source in config.sources:
            ingest_source(connection, config, source, load_id="L1", clock=planted.as_of)
        normalise_identifiers(connection, config.brokerage.country)
    working = Working(config.work_dir)
    assert working.database == config.working_path
    assert (
        bad(working.dbt("build", *SELECTED, "+reconciliation_adds_up", "+reconciliation_rows", as_of=planted.as_of))
        == {}
    )
    row = {"version": "test", "timezone": config.brokerage.timezone, "as_of": planted.as_of, "built_at": planted.as_of}
    publish(config.working_path, config.warehouse_path, row)
    return Built(planted, report)


@pytest.fixture(scope="module")
def cells(built: Built) -> dict[tuple[date, str], dict[str, Any]]:
    rows = published_rows(built.warehouse, "SELECT * FROM marts.reconciliation")
    return {(row["week_start"], row["source"]): row for row in rows}


@pytest.mark.parametrize(("week", "source"), CASES, ids=[f"{source}-{week}" for week, source in CASES])
def test_literal_figures(cells: dict[tuple[date, str], dict[str, Any]], week: date, source: str) -> None:
    found, expected = cells[week, source], CASES[week, source]
    assert {name: found[name] for name in FIGURES} == {name: expected.get(name, 0) for name in FIGURES}
    assert found["origin"] == ("file" if week == SEP1 else "export")
    assert found["difference"] == expected.get("ours", 0) - expected["theirs"]


def test_cases_have_no_other_figures(cells: dict[tuple[date, str], dict[str, Any]]) -> None:
    assert {cell for cell in cells if cell[1].startswith("C ")} == CASES.keys()


def test_literal_reasons(built: Built) -> None:
    rows = published_rows(built.warehouse, "SELECT * FROM marts.reconciliation_rows")
    case = "row_key LIKE '%:hand:%' OR row_key LIKE '%:quiet:%' OR row_key LIKE '%grain%' OR row_key LIKE '%hand-call'"
    found = published_rows(built.warehouse, f"SELECT row_key, reason FROM marts.reconciliation_rows WHERE {case}")
    assert {row["row_key"]: row["reason"] for row in found} == REASONS
    (late,) = [row for row in rows if row["row_key"] == "people:hand:late"]
    assert (late["week_there"], late["week_here"], late["lead_id"]) == (AUG11, AUG4, "hand:late")
    assert (late["record_feed"], late["record_id"], late["source_there"]) == ("hand", "late", "C late")


def compare(rows: list[dict[str, Any]], cells: list[dict[str, Any]], expected: Reconciled) -> None:
    """Every row and every cell, and that there was something to compare."""
    assert {row["row_key"]: (row["reason"], row["lead_id"]) for row in rows} == expected.rows
    found = {(row["week_start"], row["source"]): {name: row[name] for name in FIGURES} for row in cells}
    assert len(found) > 200
    assert found == {cell: {name: figures[name] for name in FIGURES} for cell, figures in expected.cells.items()}


def test_people_against_plain_python(built: Built) -> None:
    rows = published_rows(built.warehouse, "SELECT * FROM marts.reconciliation_rows")
    cells = published_rows(built.warehouse, "SELECT * FROM marts.reconciliation")
    compare(rows, cells, built.expected("people"))
    assert {row["reason"] for row in rows} >= {"late", "early", "other_source", "same_person", "reopened", "no_record"}
    assert {row["counted"] for row in cells} == {"people"}


def test_inquiries_against_plain_python(built: Built, tmp_path: Path) -> None:
    """The same export, where the CRM's report says that it counts inquiries; the models alone are run again."""
    working = Working(built.planted.folder / "warehouse" / ".work")  # the other tests read what was published of it
    with working.connect() as connection:
        connection.execute("UPDATE raw.crm_counts SET counted = 'inquiries'")
    assert bad(working.dbt("build", *SELECTED, "stg_crm_counts+", as_of=built.planted.as_of)) == {}
    target = tmp_path / "published.duckdb"
    publish(working.database, target, {"version": "test"})
    rows = published_rows(target, "SELECT * FROM marts.reconciliation_rows")
    cells = published_rows(target, "SELECT * FROM marts.reconciliation")
    compare(rows, cells, built.expected("inquiries"))
    assert {row["reason"] for row in rows} >= {"repeat_inquiry", "late", "call_without_record"}


# ------------------------------------------------------------------------------------------------------ what is told


def test_sums_of_the_published_tables(built: Built) -> None:
    """METRICS.md's leads are the figure that is reached, and every reason is the number of its rows."""
    steps = " + ".join(STEPS)
    (total,) = published_rows(
        built.warehouse,
        f"""
        SELECT count_if(theirs + {steps} != ours) AS open, sum(ours) AS ours, sum(leads_eligible) AS eligible,
            (SELECT sum(value) FROM marts.metric_weekly
             WHERE metric_id = 'leads' AND slice = 'source' AND period = 'week') AS leads,
            (SELECT sum(value) FROM marts.metric_weekly
             WHERE metric_id = 'leads_eligible' AND slice = 'all' AND period = 'week') AS leads_eligible,
            sum(difference - unexplained) AS explained,
            (SELECT count(lead_id) - count(record_id) FROM marts.reconciliation_rows) AS rows
        FROM marts.reconciliation
        """,
    )
    assert total["open"] == 0
    assert (total["ours"], total["eligible"]) == (total["leads"], total["leads_eligible"])
    assert total["explained"] == total["rows"]


# ---------------------------------------------------------------------------------------------------------- the page


def step_total(row: queries.Row) -> int:
    return sum(row["steps"].values())


@pytest.mark.parametrize("weeks", [1, 4, 30])
def test_what_the_page_shows_adds_up(built: Built, weeks: int) -> None:
    snap = queries.snapshot(built.warehouse)
    known = queries.reconciliation_weeks(snap)
    assert known
    first, last = known[-1] - timedelta(weeks=weeks - 1), known[-1]
    (whole,) = queries.reconciliation(snap, first, last, whole=True)
    sources = queries.reconciliation(snap, first, last)
    assert sum(row["ours"] for row in sources) == whole["ours"] > 0
    assert sum(row["theirs"] for row in sources) == whole["theirs"] > 0
    for row, source in [(whole, None), *((row, row["source"]) for row in sources)]:
        assert row["theirs"] + step_total(row) == row["ours"]
        assert row["ours"] - sum(row["excluded"].values()) == row["leads_eligible"]
        for step, change in row["steps"].items():
            assert step in component.STEP_WORDS
            if step != "unexplained":
                assert len(queries.reconciliation_behind(snap, first, last, step, source)) == abs(change), step
        for reason, number in row["excluded"].items():
            assert len(queries.reconciliation_behind(snap, first, last, f"excluded_{reason}", source)) == number
    # over all sources nothing has moved from one to another, but for what left the weeks altogether
    moved = ("other_source_out", "other_source_in")
    assert sum(abs(whole["steps"].get(step, 0)) for step in moved) <= sum(
        abs(row["steps"].get(step, 0)) for row in sources for step in moved
    )


def test_the_sentence_says_the_sum(built: Built) -> None:
    snap = queries.snapshot(built.warehouse)
    rows = {row["source"]: row for row in queries.reconciliation(snap, SEP1, SEP1)}
    assert component.arithmetic(rows["C since"]) == (
        "**3** people in the CRM − 1 (merged into other records since the report) − 1 (deleted since the report)"
        " = **1** lead here. Of these, 1 is left out of the rates (1 from before calls and messages were recorded):"
        " **0** in the rates."
    )
    assert component.why(rows["C short"]) == "− 4 not explained by any record that was delivered"
    assert component.origin(rows["C short"]) == "The CRM's figures are those of its own report."
    (row,) = queries.reconciliation_behind(snap, SEP1, SEP1, "since_merged", "C since")
    assert (row["record_id"], row["record_feed"], row["lead_id"]) == ("f-merged", "hand", None)
    assert queries.reconciliation_behind(snap, SEP1, SEP1, "since_merged", "x' or '1'='1") == []


def show(path: str) -> None:
    from dashboards import queries
    from dashboards.components import reconciliation

    reconciliation.section(queries.snapshot(path))


def test_the_section_is_drawn(built: Built) -> None:
    app = AppTest.from_function(show, args=(str(built.warehouse),), default_timeout=30).run()
    assert not app.exception
    assert "in the CRM" in app.markdown[0].value
    table = app.dataframe[0].value
    assert list(table.columns) == ["Source", "CRM says", "Here", "Difference", "Here in the rates", "Why"]
    assert (table["CRM says"] + table["Difference"] == table["Here"]).all()
    steps = app.selectbox(key="reconciliation-step--" + str(built.last_weeks(4)))
    for step in steps.options:
        assert not steps.set_value(steps.value).run().exception, step
    app.selectbox(key="reconciliation-source").set_value(table["Source"][0]).run()
    assert not app.exception
    assert len(app.dataframe) == 1


def test_without_a_comparison_it_says_why(built: Built, tmp_path: Path) -> None:
    """A file of an earlier version, and one of a brokerage in its first week."""
    for statement, words in (
        ("DROP TABLE marts.reconciliation", "leadhouse build"),
        ("UPDATE marts.reconciliation SET is_complete = false", "no complete week"),
    ):
        copy = tmp_path / f"{len(words)}.duckdb"
        shutil.copy(built.warehouse, copy)
        with duckdb.connect(str(copy)) as connection:
            connection.execute(statement)
        app = AppTest.from_function(show, args=(str(copy),), default_timeout=30).run()
        assert not app.exception
        assert words in app.info[0].value
