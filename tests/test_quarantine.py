"""The quarantine as a place to work: listed without naming anybody, explained, exported, mended, released, counted."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import subprocess
import sys
import tomllib
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from dagster_project.entities import ENTITIES
from dagster_project.errors import ConfigError, CriticalProblem
from dagster_project.exports import safe_csv
from dagster_project.quarantine.cli import app
from dagster_project.quarantine.export import export_of, write_export
from dagster_project.quarantine.history import as_table, read_history
from dagster_project.quarantine.release import Outcome, try_again
from dagster_project.quarantine.rows import Filters, Row, open_quarantine
from dagster_project.sources.fixes import nearest_fix
from dagster_project.sources.rejects import Reject
from dagster_project.sources.report import LoadRefused
from dagster_project.warehouse import refused
from dagster_project.warehouse.published import keep_history, publish
from tests.builds import metric_weekly, published_rows
from tests.conftest import run_leadhouse
from tests.ingest_kit import HEAD, Kit

MAPPED = """
[[source]]
name = "crm"
kind = "files"
path = "crm"

[[source.table]]
entity = "inquiries"
file = "leads*.csv"
{options}
[source.table.columns]
inquiry_id = "Lead id"
event_at = "Created"
name = "Name"
email = "Mail"
is_spam = "Kind"
{more}
[[source.table]]
entity = "deals"
file = "deals*.csv"
[source.table.columns]
deal_id = "Deal"
closed_at = "Closed"
gci = "Commission"

[[source.table]]
entity = "touches"
file = "calls*.csv"
[source.table.columns]
touch_id = "Call"
occurred_at = "At"
duration_seconds = "Talk"
[source.table.constants]
channel = "call"
direction = "outbound"
"""
LEADS = "Lead id,Created,Name,Mail,Kind"
CANARIES = ("Zoe Canary", "zoe.canary@example.com", "(212) 736-5000")
GOOD = [f"G{n},2026-11-{n:02d} 10:00,Ann {n},ann{n}@example.com,no" for n in range(1, 21)]
BAD = [
    "L1,20.11.2026 10:00,Zoe Canary,zoe.canary@example.com,no",
    "L2,2026-11-20 10:00,Zoe Canary,zoe.canary@example.com,Zoe Canary",
    ",2026-11-20 10:00,Zoe Canary,zoe.canary@example.com,no",
    "L4,2026-11-20 10:00,Zoe Canary,zoe.canary@example.com,no,(212) 736-5000",
    'L5,2026-11-20 10:00,"Zoe Canary,zoe.canary@example.com,no',
    "G1,2026-11-20 10:00,Zoe Canary,zoe.canary@example.com,no",
    "L7,Zoe Canary,(212) 736-5000,zoe.canary@example.com,no",
]
runner = CliRunner()
EVERY = Filters()


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    kit = Kit(tmp_path, MAPPED.format(options="", more=""))
    kit.write("crm/deals.csv", "Deal,Closed,Commission", "D1,2026-11-10,9000")
    kit.write("crm/calls.csv", "Call,At,Talk")
    return kit


def publish_now(kit: Kit, build_id: str = "b1", at: datetime = datetime(2026, 11, 24, 12, tzinfo=UTC)) -> None:
    """Publish what ingest has left, as a build does after its checks."""
    row = {"build_id": build_id, "built_at": at, "as_of": at, "inputs": "x"}
    publish(kit.config.working_path, kit.config.warehouse_path, row)


def refuse(kit: Kit) -> list[str]:
    with pytest.raises(LoadRefused) as told:
        kit.load()
    return list(told.value.messages)


def rows_of(kit: Kit, filters: Filters = EVERY) -> list[Row]:
    with open_quarantine(kit.config) as quarantine:
        return list(quarantine.rows(filters))


def counts_of(kit: Kit) -> dict[tuple[str, str | None], int]:
    with open_quarantine(kit.config) as quarantine:
        return {(group.reason, group.column_name): group.rows for group in quarantine.groups(Filters())}


def tried(kit: Kit, filters: Filters = EVERY) -> Outcome:
    with open_quarantine(kit.config) as quarantine:
        return try_again(kit.config, quarantine, filters, lambda _: None)


def command(kit: Kit, *arguments: str) -> str:
    """What a sub-command prints; it must succeed."""
    done = runner.invoke(app, [*arguments, "--config", str(kit.config.file)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


# -- ids and refused loads


def test_an_id_stays_while_the_content_does(kit: Kit) -> None:
    kit.write("crm/leads.csv", LEADS, *GOOD, *BAD)
    kit.load()
    publish_now(kit)
    first = {row.line: row.quarantine_id for row in rows_of(kit)}
    assert len(set(first.values())) == len(first) == len(BAD)
    assert all(len(one) == 12 and int(one, 16) >= 0 for one in first.values())
    kit.toml = MAPPED.format(options='time_formats = ["%m/%d/%Y"]', more="")  # read again, the same content
    kit.load()
    publish_now(kit)
    assert {row.line: row.quarantine_id for row in rows_of(kit)} == first
    kit.write("crm/leads.csv", LEADS, *GOOD, *BAD, "L8,2026-11-20 10:00,Bo,bo@example.com,no")
    kit.load()
    publish_now(kit)
    assert not {row.quarantine_id for row in rows_of(kit)} & set(first.values())


def test_a_refused_load_leaves_its_rows_to_be_seen(kit: Kit) -> None:
    kit.write("crm/leads.csv", LEADS, *GOOD)
    kit.load()
    publish_now(kit)
    assert rows_of(kit) == []
    kit.write("crm/leads.csv", LEADS, *GOOD[:5], *BAD, *(f"T{n},yesterday,Zoe Canary,," for n in range(30)))
    (message,) = refuse(kit)
    assert kit.rows("SELECT count(*) FROM quality.quarantine") == [(0,)]  # rolled back
    assert counts_of(kit)["unreadable_value", "event_at"] == 32
    told = command(kit, "list")
    assert "crm: not loaded" in told
    assert message in told
    assert "(inquiries, not loaded)" in told
    (row, *_) = json.loads(command(kit, "list", "--format", "json"))
    assert (row["state"], row["rows"], row["first_line"]) == ("not loaded", 32, 7)


def test_a_good_load_of_the_source_ends_its_refusal_and_no_other(kit: Kit) -> None:
    kit.toml += '[[source]]\nname = "ö dialer"\nkind = "files"\npath = "dialer"\n'
    kit.write("crm/leads.csv", LEADS, *BAD, *BAD)
    refuse(kit)
    kit.write("crm/leads.csv", LEADS, *GOOD)
    kit.write(
        "dialer/touches.csv", "touch_id,occurred_at,channel,direction", *(f"{n},x,call,inbound" for n in range(20))
    )
    refuse(kit)  # of the dialer; crm comes first and loads
    folder = kit.config.refused_dir
    assert len(list(folder.iterdir())) == 1
    with open_quarantine(kit.config) as quarantine:
        assert list(quarantine.refused) == ["ö dialer"]
    kit.toml = MAPPED.format(options="", more="")  # the dialer is taken out of the configuration
    kit.load()
    assert list(folder.iterdir()) == []


def test_a_million_bad_rows_are_counted_and_the_first_ones_kept(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused, "MAX_ROWS_A_FILE", 50)
    kit.write("crm/leads.csv", LEADS, *(f"T{n},yesterday,Zoe Canary,," for n in range(3_000)))
    refuse(kit)
    assert counts_of(kit) == {("unreadable_value", "event_at"): 3_000}
    assert [row.line for row in rows_of(kit)] == list(range(2, 52))
    assert "2,950 more" in command(kit, "list", "--rows")
    outcome = tried(kit)
    assert outcome.new == 0
    assert not outcome.is_changed


def test_a_refusal_is_told_where_its_rows_cannot_be_kept(kit: Kit) -> None:
    kit.write("crm/leads.csv", LEADS, *BAD, *BAD)
    kit.config.refused_dir.parent.mkdir(parents=True)
    kit.config.refused_dir.write_text("in the way", encoding="utf-8")
    messages = refuse(kit)
    assert "rows cannot be read" in messages[0]
    assert "could not be kept" in messages[1]


def test_a_missing_column_is_listed_and_tried_again(kit: Kit) -> None:
    kit.write("crm/leads.csv", LEADS.replace("Created", "Created at"), *GOOD)
    refuse(kit)
    assert 'column "Created" (event_at) is not in the header' in command(kit, "list")
    outcome = tried(kit)
    assert not outcome.is_changed
    assert outcome.critical
    kit.toml = kit.toml.replace('"Created"', '"Created at"')
    outcome = tried(kit)
    assert outcome.mended == ["crm/leads.csv"]
    assert outcome.critical == []


def test_without_a_build_it_says_what_to_run(kit: Kit) -> None:
    kit.write("crm/leads.csv", LEADS, *GOOD)
    with pytest.raises(CriticalProblem, match="leadhouse build"), open_quarantine(kit.config):
        pass


# -- listing


@pytest.fixture
def bad(kit: Kit) -> Kit:
    """One row of each kind of trouble, published."""
    kit.write("crm/leads.csv", LEADS, *GOOD, *BAD)
    kit.write("crm/deals.csv", "Deal;Closed;Commission", "D1;2026-11-01;9.000,50", "D2;2026-11-02;Zoe Canary")
    kit.load()
    publish_now(kit)
    return kit


@pytest.mark.parametrize("rows", [(), ("--rows",)])
@pytest.mark.parametrize("format_", ["table", "csv", "json"])
def test_lists_name_nobody(bad: Kit, rows: tuple[str, ...], format_: str) -> None:
    told = command(bad, "list", *rows, "--format", format_)
    assert not [canary for canary in (*CANARIES, "9.000,50", "Canary", "canary") if canary in told]
    for reason in {row.reason for row in rows_of(bad)}:
        assert reason in told


def test_every_group_says_what_is_expected_and_the_nearest_fix(bad: Kit) -> None:
    groups = {
        (row["entity"], row["reason"], row["column_name"]): row
        for row in json.loads(command(bad, "list", "--format", "json"))
    }
    assert len(groups) == 7
    assert all(group["expected"] and group["fix"] for group in groups.values())
    moments = groups["inquiries", "unreadable_value", "event_at"]
    assert (moments["rows"], moments["first_line"]) == (2, 22)
    assert '"%d.%m.%Y %H:%M"' in moments["fix"]
    assert "[source.table.values.is_spam]" in groups["inquiries", "unknown_word", "is_spam"]["fix"]
    assert 'decimal = ","' in groups["deals", "unreadable_value", "gci"]["fix"]


def test_without_a_command_it_lists(bad: Kit) -> None:
    assert command(bad) == command(bad, "list")
    assert command(bad, "--entity", "deals") == command(bad, "list", "--entity", "deals")


@pytest.mark.parametrize(
    ("filters", "lines"),
    [
        (Filters(file="deals.csv"), [2, 3]),
        (Filters(file="d*.csv"), [2, 3]),
        (Filters(entity="deals"), [2, 3]),
        (Filters(reason="wrong_width"), [25]),
        (Filters(source="crm", entity="inquiries", file="leads.csv", reason="conflicting_id"), [27]),
        (Filters(file="x' or 1=1"), []),
        (Filters(file="x' or '1'='1"), []),
        (Filters(reason="wrong_width' OR true --"), []),
        (Filters(reason="%"), []),
    ],
)
def test_filters_are_values(bad: Kit, filters: Filters, lines: list[int]) -> None:
    assert [row.line for row in rows_of(bad, filters)] == lines
    with open_quarantine(bad.config) as quarantine:
        assert sum(group.rows for group in quarantine.groups(filters)) == len(lines)


def test_a_hostile_filter_finds_nothing_and_does_nothing(bad: Kit) -> None:
    assert "no row is set aside of those asked for" in command(bad, "list", "--file", "x' or 1=1")
    assert "no row is set aside" in command(bad, "list", "--reason", "'; DROP TABLE quality.quarantine; --")
    assert len(rows_of(bad)) == len(BAD) + 2


def test_a_source_or_id_that_is_not_there_is_an_argument_error(bad: Kit) -> None:
    with pytest.raises(ConfigError, match='found "cmr", expected crm'):
        Filters(source="cmr").checked(bad.config)
    with open_quarantine(bad.config) as quarantine, pytest.raises(ConfigError, match="found no row"):
        quarantine.by_ids(["' or 1=1"])


# -- explaining


def test_an_explanation_shows_the_row_its_cells_and_the_fix(bad: Kit) -> None:
    (row,) = rows_of(bad, Filters(reason="unknown_word"))
    told = command(bad, "explain", row.quarantine_id)
    assert f"{row.quarantine_id}  crm/leads.csv, line 23 (inquiries)" in told
    assert "unknown_word in is_spam" in told
    assert BAD[1] in told
    assert "> Kind     Zoe Canary" in told
    assert "  Lead id  L2" in told
    assert '"Zoe Canary" = ' in told
    assert "still fails" in told
    assert 'with file = "leads*.csv"' in told


def test_an_explanation_tries_the_row_with_the_present_mapping(bad: Kit) -> None:
    (row,) = rows_of(bad, Filters(reason="unknown_word"))
    bad.toml = MAPPED.format(options="", more='[source.table.values.is_spam]\n"*" = false\n')
    assert "would load" in command(bad, "explain", row.quarantine_id)
    bad.toml = MAPPED.format(options="", more='[source.table.drop]\n"Kind" = ["zoe canary"]\n')
    assert "left out by the table's keep or drop" in command(bad, "explain", row.quarantine_id)
    bad.write("crm/leads.csv", LEADS, *GOOD)
    assert "the file has changed since" in command(bad, "explain", row.quarantine_id)


def test_a_row_of_a_refused_load_is_explained_with_its_header(kit: Kit) -> None:
    kit.write("crm/leads.csv", LEADS, *BAD, *BAD)
    refuse(kit)
    assert not list(kit.config.raw_dir.rglob("*.parquet"))
    told = command(kit, "explain", "--reason", "missing_required")
    assert "> Lead id" in told
    assert "Mail     zoe.canary@example.com" in told


def test_an_explanation_cannot_drive_the_terminal(kit: Kit) -> None:
    kit.write("crm/leads.csv", LEADS, *GOOD, "L1,\x1b]0;owned\x07\x9b2J,Zoe,,no")
    kit.load()
    publish_now(kit)
    told = command(kit, "explain", "--reason", "unreadable_value")
    assert "owned" in told
    assert all(letter.isprintable() or letter == "\n" for letter in told)


PASTED = [
    ("inquiries", "leads.csv", [LEADS, "L1,20.11.2026 10:00,Zoe,,no"]),
    ("inquiries", "leads.csv", [LEADS, "L1,11/20/2026 9:05 PM,Zoe,,no"]),
    ("inquiries", "leads.csv", [LEADS, 'L1,"15 Apr, 2021 00:03:00",Zoe,,no']),
    ("inquiries", "leads.csv", [LEADS, 'L1,2026-11-20,Zoe,,"Po""rt\\al"']),
    ("inquiries", "leads.csv", [LEADS, "L1,,Zoe,,no"]),
    ("deals", "deals.csv", ["Deal;Closed;Commission", "D1;2026-11-20;9.000,50"]),
    ("deals", "deals.csv", ["Deal;Closed;Commission", "D1;April 15, 2021;9000"]),
    ("touches", "calls.csv", ["Call,At,Talk", "C1,2026-11-20,2:10"]),
    ("touches", "calls.csv", ["Call,At,Talk", "C1,1618444980,130"]),
]


@pytest.mark.parametrize(("entity", "file", "lines"), PASTED)
def test_what_is_pasted_lets_the_row_leave(kit: Kit, entity: str, file: str, lines: list[str]) -> None:
    kit.write("crm/leads.csv", LEADS)
    kit.write(f"crm/{file}", *lines)
    kit.load()
    publish_now(kit)
    (row,) = rows_of(kit)
    table = next(table for table in kit.config.sources[0].tables if table.entity == entity)
    reject = Reject(row.line, row.raw_text, row.reason, row.column_name, row.found, row.expected)
    fix = nearest_fix(ENTITIES[entity], table, reject, personal=True)
    tomllib.loads(fix.toml)
    is_section = "[source.table" in fix.toml
    options, more = ("", fix.toml) if is_section else (fix.toml, "")
    if entity == "inquiries":
        kit.toml = MAPPED.format(options=options, more=more)
    else:
        kit.toml = MAPPED.format(options="", more="").replace(table.file + '"', f'{table.file}"\n{options}') + more
    outcome = tried(kit)
    assert outcome.is_changed, (fix, outcome.lines())
    kit.load()
    publish_now(kit)
    assert rows_of(kit) == []


# -- exporting

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", " =cmd|' /C calc'!A0", "＝1+1")


@pytest.fixture
def formulas(kit: Kit) -> Kit:
    lines = [f'F{n},no time,"{text}",,no,' for n, text in enumerate(FORMULAS)]
    kit.write("crm/leads.csv", LEADS + ",=Evil header", *(f"{line}," for line in GOOD), *lines)
    kit.load()
    publish_now(kit)
    return kit


def exported(kit: Kit, out: Path) -> Path:
    with open_quarantine(kit.config) as quarantine:
        write_export(export_of(kit.config, quarantine, Filters()), out, None)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [path for path in out.parent.iterdir() if path.name.endswith(".tmp")] == []
    return out


def test_cells_of_csv_are_inert(formulas: Kit, tmp_path: Path) -> None:
    with exported(formulas, tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert "'=Evil header" in rows[0]
    names = [dict(zip(rows[0], row, strict=True))["Name"] for row in rows[1:]]
    assert names == ["'" + text for text in FORMULAS]
    assert not [cell for row in rows for cell in row if cell.lstrip()[:1] in tuple("=+-@\t")]


def test_cells_of_xlsx_are_inert(formulas: Kit, tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(exported(formulas, tmp_path / "out.xlsx")).active
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    header = [cell.value for cell in sheet[1]]
    names = [row[header.index("Name")] for row in sheet.iter_rows(min_row=2)]
    assert [cell.value for cell in names] == list(FORMULAS)
    assert all(cell.quotePrefix for cell in names)


@given(st.text(max_size=20))
def test_no_text_becomes_a_formula_in_csv(text: str) -> None:
    cell = safe_csv(text)
    assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")
    kept = "".join("\ufffd" if unicodedata.category(c) == "Cc" and c not in "\t\n\r" else c for c in text)
    assert cell in (kept, "'" + kept)


@pytest.mark.parametrize("format_", ["csv", "xlsx", "parquet", "jsonl"])
def test_an_export_holds_each_row_under_its_own_header(bad: Kit, tmp_path: Path, format_: str) -> None:
    out = exported(bad, tmp_path / f"mend.{format_}")
    rows: list[dict[str, Any]]
    if format_ == "csv":
        rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8-sig"), newline="")))
    elif format_ == "xlsx":
        head, *body = openpyxl.load_workbook(out).active.iter_rows(values_only=True)
        rows = [dict(zip(head, row, strict=True)) for row in body]
    elif format_ == "parquet":
        rows = pq.read_table(out).to_pylist()
    else:
        rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == len(BAD) + 2
    by_text = {row["_text"]: row for row in rows}
    first = by_text[BAD[0]]
    assert (first["Lead id"], first["Created"], first["Name"]) == ("L1", "20.11.2026 10:00", "Zoe Canary")
    assert (first["_reason"], int(first["_line"]), first["_file"]) == ("unreadable_value", 22, "leads.csv")
    assert first["_expected"]
    assert by_text["D1;2026-11-01;9.000,50"]["Commission"] == "9.000,50"
    assert "736-5000" in by_text[BAD[3]]["_surplus"]


def test_an_export_to_nowhere_is_an_argument_error(bad: Kit, tmp_path: Path) -> None:
    with open_quarantine(bad.config) as quarantine:
        export = export_of(bad.config, quarantine, Filters())
        with pytest.raises(ConfigError, match="expected one of: csv, xlsx"):
            write_export(export, tmp_path / "out.pdf", None)
        with pytest.raises(ConfigError, match="a folder that is there"):
            write_export(export, tmp_path / "absent" / "out.csv", None)


def test_a_control_character_does_not_break_xlsx(kit: Kit, tmp_path: Path) -> None:
    kit.write("crm/leads.csv", LEADS, *GOOD, "F1,no time,\x01\x0b" + "x" * 40_000 + ",,no")
    kit.load()
    publish_now(kit)
    sheet = openpyxl.load_workbook(exported(kit, tmp_path / "out.xlsx")).active
    assert sheet.max_row == 2


# -- releasing


def test_nothing_changed(bad: Kit) -> None:
    outcome = tried(bad)
    assert not outcome.is_changed
    assert sum(group.still.total() for group in outcome.groups) == len(BAD) + 2
    assert outcome.new == 0


def test_a_mended_mapping_frees_its_rows_and_tells_the_others(bad: Kit) -> None:
    bad.toml = MAPPED.format(options='time_formats = ["%d.%m.%Y %H:%M"]', more="")
    groups = {(group.reason, group.column_name): group for group in tried(bad).groups if group.entity == "inquiries"}
    moments = groups.pop(("unreadable_value", "event_at"))
    assert (moments.rows, moments.loads, moments.still) == (2, 1, {("unreadable_value", "event_at"): 1})
    assert all(group.loads == 0 for group in groups.values())


def test_a_mended_file_frees_its_rows_wherever_they_stand_now(bad: Kit) -> None:
    mended = BAD[3].rsplit(",", 1)[0]
    bad.write("crm/leads.csv", LEADS, mended, *GOOD, *BAD[:3], *BAD[4:], "N1,never,Bo,,no")
    outcome = tried(bad)
    assert {group.reason: group.loads for group in outcome.groups if group.loads} == {"wrong_width": 1}
    assert outcome.new == 1
    assert tried(bad, Filters(reason="bad_quoting")).new == 1
    assert not tried(bad, Filters(reason="bad_quoting")).is_changed


def test_rows_that_a_filter_leaves_out_do_not_load(bad: Kit) -> None:
    bad.toml = MAPPED.format(options="", more='[source.table.drop]\n"Created" = ["20.11.2026 10:00"]\n')
    outcome = tried(bad, Filters(entity="inquiries", reason="unreadable_value"))
    (group,) = outcome.groups
    assert (group.rows, group.loads, group.filtered, group.still.total()) == (2, 0, 1, 1)
    assert outcome.is_changed


def test_rows_of_a_file_that_is_gone_leave(bad: Kit) -> None:
    bad.remove("crm/deals.csv")
    groups = tried(bad, Filters(entity="deals")).groups
    assert all(group.is_gone for group in groups)
    assert "no longer there" in str(groups[0])


def test_a_file_that_would_be_refused_is_told(bad: Kit) -> None:
    bad.write("crm/leads.csv", LEADS, *BAD[:1], *(f"T{n},yesterday,Zoe Canary,," for n in range(30)))
    assert "rows cannot be read" in tried(bad).critical[0]


def test_an_increment_is_tried_from_the_raw_store(kit: Kit) -> None:
    kit.toml = kit.toml.replace('path = "crm"', 'path = "crm"\nmode = "append"')
    kit.write("crm/leads.csv", LEADS, *GOOD, BAD[0])
    kit.load()
    kit.write("crm/leads.csv", LEADS, "N1,2026-11-20,Bo,,no", "N2,21.11.2026 10:00,Bo,,no")
    kit.load()
    publish_now(kit)
    assert len(rows_of(kit)) == 2
    kit.remove("crm/leads.csv")
    kit.toml = kit.toml.replace('file = "leads*.csv"', 'file = "leads*.csv"\ntime_formats = ["%d.%m.%Y %H:%M"]')
    before = sorted(kit.config.raw_dir.rglob("*"))
    outcome = tried(kit)
    assert sum(group.loads for group in outcome.groups) == 2
    assert sorted(kit.config.raw_dir.rglob("*")) == before  # a trial keeps nothing
    kit.load()
    publish_now(kit)
    assert rows_of(kit) == []


# -- over time


def test_counts_over_time_are_those_of_the_last_publish_of_a_week(kit: Kit) -> None:
    monday = datetime(2026, 11, 2, 12, tzinfo=UTC)
    days = {0: BAD[:2], 3: BAD[:3], 7: BAD[3:4], 14: []}
    for number, (day, lines) in enumerate(days.items()):
        kit.write("crm/leads.csv", LEADS, *GOOD, *lines)
        kit.load()
        kit.rows("CREATE SCHEMA IF NOT EXISTS marts")
        for table in ("metric_weekly", "sla_policies"):
            kit.rows(
                f"CREATE OR REPLACE TABLE marts.{table} AS SELECT DATE '2026-11-02' AS week_start, 'week' AS period,"
                " 'm' AS metric_id, 'all' AS slice, 'all' AS slice_value"
            )
        publish_now(kit, f"b{number}", monday + timedelta(days=day))
        keep_history(kit.config.warehouse_path, kit.config.history_dir)
    counts = [(str(count.week_start), count.reason, count.rows, count.change) for count in read_history(kit.config, 10)]
    assert counts == [
        ("2026-11-02", "missing_required", 1, None),
        ("2026-11-02", "unknown_word", 1, None),
        ("2026-11-02", "unreadable_value", 1, None),
        ("2026-11-09", "missing_required", 0, -1),
        ("2026-11-09", "unknown_word", 0, -1),
        ("2026-11-09", "unreadable_value", 0, -1),
        ("2026-11-09", "wrong_width", 1, 1),
        ("2026-11-16", "missing_required", 0, 0),
        ("2026-11-16", "unknown_word", 0, 0),
        ("2026-11-16", "unreadable_value", 0, 0),
        ("2026-11-16", "wrong_width", 0, -1),
    ]
    assert {count.week_start.isoformat() for count in read_history(kit.config, 1)} <= {"2026-11-16"}
    assert "2026-11-09" in as_table(read_history(kit.config, 10)).splitlines()[0]


# -- the command


def test_it_imports_no_heavy_tool(bad: Kit) -> None:
    code = (
        "import sys; from dagster_project import cli\n"
        f"sys.argv = ['leadhouse', 'quarantine', '--config', {str(bad.config.file)!r}]\n"
        "try: cli.main()\n"
        "except SystemExit as end: assert end.code in (0, None), end.code\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "heavy = loaded & set('dagster dbt great_expectations streamlit pandas'.split())\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_help_says_that_a_row_is_shown() -> None:
    told = " ".join(runner.invoke(app, ["explain", "--help"]).stdout.split())
    assert "Shows personal data" in told
    assert "Example:" in told


@pytest.mark.slow
def test_from_alert_to_release(tmp_path: Path) -> None:
    kit = Kit(tmp_path, MAPPED.format(options="", more=""))
    kit.write("crm/leads.csv", LEADS, *GOOD)
    kit.write("crm/deals.csv", "Deal,Closed,Commission", "D1,2026-11-10,9000")
    kit.write("crm/calls.csv", "Call,At,Talk")
    config = kit.config

    def leads() -> float:
        (row,) = published_rows(config.warehouse_path, "SELECT count(*) AS leads FROM marts.leads")
        return float(row["leads"])

    first = run_leadhouse("build", "--config", config.file)
    assert first.returncode == 0, first.stderr
    assert leads() == 20
    figures = metric_weekly(config.warehouse_path)

    late = [f"N{n},{n}.11.2026 11:00,Zoe Canary,zoe{n}@example.com,no" for n in range(1, 16)]
    kit.write("crm/leads.csv", LEADS, *GOOD, *late)
    alarm = run_leadhouse("build", "--config", config.file)
    assert alarm.returncode == 1
    assert metric_weekly(config.warehouse_path) == figures

    listed = run_leadhouse("quarantine", "--config", config.file)
    assert listed.returncode == 0, listed.stderr
    assert "15 x unreadable_value in event_at, first on line 22" in listed.stdout
    assert "not loaded" in listed.stdout
    assert "Zoe" not in listed.stdout + listed.stderr + alarm.stderr

    unchanged = run_leadhouse("quarantine", "release", "--config", config.file)
    assert unchanged.returncode == 0
    assert "nothing changed" in unchanged.stdout
    assert '"%d.%m.%Y %H:%M"' in unchanged.stdout

    kit.toml = MAPPED.format(options='time_formats = ["%d.%m.%Y %H:%M"]', more="")
    assert kit.config.file.read_text(encoding="utf-8") == HEAD + kit.toml
    tried_only = run_leadhouse("quarantine", "release", "--dry-run", "--config", config.file)
    assert "15 of 15 would load" in tried_only.stdout
    assert leads() == 20
    released = run_leadhouse("quarantine", "release", "--config", config.file)
    assert released.returncode == 0, released.stderr
    assert "left the quarantine: 15; still there: 0; new: 0" in released.stdout
    assert leads() == 35
    assert metric_weekly(config.warehouse_path) != figures
    assert list(config.refused_dir.iterdir()) == []
    assert "no row is set aside" in run_leadhouse("quarantine", "--config", config.file).stdout

    leads_file = config.root / "crm" / "leads.csv"  # a refusal that is taken back leaves nothing behind either
    good, times = leads_file.read_bytes(), leads_file.stat()
    kit.write("crm/leads.csv", LEADS, *(f"T{n},yesterday,,," for n in range(20)))
    assert run_leadhouse("build", "--config", config.file).returncode == 1
    assert len(list(config.refused_dir.iterdir())) == 1
    leads_file.write_bytes(good)
    os.utime(leads_file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert "nothing new" in run_leadhouse("build", "--config", config.file).stderr
    assert list(config.refused_dir.iterdir()) == []
