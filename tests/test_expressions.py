"""Expressions of a mapping: what is taken, what is refused, what they give, and which rows fail."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project import expressions
from dagster_project.config import Table, load_config
from dagster_project.entities import ENTITIES
from dagster_project.errors import ConfigError
from dagster_project.expressions import BadExpression, Evaluator, parse, sandbox
from dagster_project.sources.convert import Rules
from dagster_project.sources.csv_records import Record
from dagster_project.sources.mapping import Plan
from dagster_project.sources.rates import Rates
from dagster_project.sources.report import LoadRefused
from tests.ingest_kit import HEAD, SOURCE, Kit, figures

EVALUATOR = Evaluator()


def results(sql: str, **columns: list[str]) -> list[str]:
    """The results of an expression over columns of cells, `!` where it fails."""
    expression = parse(sql)
    texts, failed = EVALUATOR.results(expression, [columns[name] for name in expression.columns])
    return ["!" if row in failed else text for row, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("sql", "cells", "answers"),
    [
        ("\"a\" || ' ' || \"b\"", [("x", "y"), ("", "y"), (" x ", "y")], ["x y", "", "x y"]),  # blank is NULL
        ("a IN ('Reached', 'Interested')", [("Reached", ""), ("Missed", ""), ("", "")], ["true", "false", ""]),
        ("COALESCE(a, b)", [("", "y"), ("x", "y"), ("", "  ")], ["y", "x", ""]),
        ("a::INT * 60", [("2", ""), ("x", ""), ("", ""), ("99999999999", "")], ["120", "!", "", "!"]),
        ("TRY_CAST(a AS INT) * 60", [("2", ""), ("x", "")], ["120", ""]),
        ("strptime(a, '%H:%M %d/%m/%Y')", [("09:30 24/11/2026", ""), ("x", "")], ["2026-11-24 09:30:00", "!"]),
        ("a::TIMESTAMPTZ", [("2026-11-24 09:30:00-05", ""), ("2026-11-24 09:30", "")],
         ["2026-11-24 14:30:00+00", "2026-11-24 09:30:00+00"]),
        ("split_part(a, ' ', 2)", [("x y", ""), ("x", "")], ["y", ""]),
        ("CASE WHEN a = 'i' THEN 'inbound' WHEN a = 'o' THEN 'outbound' END", [("i", ""), ("?", "")], ["inbound", ""]),
        ("a ->> '$.id'", [('{"id": 7}', ""), ("{", "")], ["7", "!"]),
        ("regexp_extract(a, '(\\d+)', 1)", [("call 88", ""), ("call", "")], ["88", ""]),
        ("if(b = 'h', 60, 1) * a::DECIMAL(9, 2)", [("1.50", "h"), ("1.50", "m"), ("?", "m")], ["90.00", "1.50", "!"]),
        ("a IS NULL", [("", ""), ("x", "")], ["true", "false"]),
        ("(a || ' minutes')::INTERVAL", [("90", "")], ["01:30:00"]),
    ],
)  # fmt: skip
def test_what_expressions_give(sql: str, cells: list[tuple[str, str]], answers: list[str]) -> None:
    assert results(sql, a=[a for a, _ in cells], b=[b for _, b in cells]) == answers


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=30))
def test_any_cells_come_out_as_they_went_in_row_by_row(cells: list[str]) -> None:
    assert results("a || ''", a=cells) == [cell.strip() for cell in cells]
    numbers = [cell.strip().isascii() and cell.strip().isdigit() and int(cell) < 2**31 for cell in cells]
    computed = results(
        "a::INT", a=[cell if number else f"x{cell}" for cell, number in zip(cells, numbers, strict=True)]
    )
    assert [text != "!" for text in computed] == numbers


def test_rows_are_computed_alone_where_all_together_end_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB's TRY catches what a cell does wrong, not what the engine cannot do, such as to get memory."""
    computed = expressions._results

    def greedy(connection: duckdb.DuckDBPyConnection, sql: str, table: str) -> list[tuple[int, bool, str | None]]:
        if connection.execute(f"FROM {table} SELECT count(*) WHERE c0 LIKE 'too much%'").fetchall() != [(0,)]:
            raise duckdb.OutOfMemoryException("too much")
        return computed(connection, sql, table)

    expression = parse("a::INT + 1")
    monkeypatch.setattr(expressions, "_results", greedy)
    cells = ["1", "too much", "x", "2", "", "too much too", "3"]
    assert Evaluator().results(expression, [cells]) == (["2", "", "", "3", "", "", "4"], [1, 2, 5])


@pytest.mark.parametrize(
    ("sql", "columns", "kind"),
    [
        ('"Date" || "Time"', ("Date", "Time"), "text"),
        ("Date || date || \"we\"\"ird (%)\"", ("Date", "date", 'we"ird (%)'), "text"),
        ("a::INT / 2", ("a",), "number"),
        ("a::DECIMAL(18, 2)", ("a",), "number"),
        ("a::DATE", ("a",), "moment"),
        ("a::TIMESTAMP AT TIME ZONE 'America/New_York'", ("a",), "moment"),
        ("a -- a comment", ("a",), "text"),
    ],
)  # fmt: skip
def test_what_an_expression_is_known_by(sql: str, columns: tuple[str, ...], kind: str) -> None:
    expression = parse(sql)
    assert (expression.columns, expression.kind) == (columns, kind)


HOSTILE = [
    "read_text('/etc/passwd')",
    "(SELECT content FROM read_text('/etc/passwd'))",
    "a || (SELECT 1)",
    "a IN (SELECT '1')",
    "EXISTS (FROM duckdb_secrets())",
    "a = ANY(['x'])",
    "a FROM read_csv('/etc/passwd')",
    "a) FROM (SELECT 1 AS a",
    "a), (SELECT 1",
    "a); ATTACH '/tmp/x.duckdb'; SELECT (1",
    "a; COPY (SELECT 1) TO '/tmp/x.csv'",
    "a) UNION SELECT (1",
    "a) WHERE (true",
    "a) LIMIT (1",
    "a) GROUP BY (1",
    "ATTACH '/tmp/x.duckdb'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "COPY (SELECT 1) TO '/tmp/x.csv'",
    "PRAGMA database_list",
    "SET threads = 4",
    "getenv('PATH')",
    "a || getenv('PATH')",
    "a || current_setting('memory_limit')",
    "a || getvariable('x')",
    "a || current_date",
    "a || current_timestamp",
    "a || localtime",
    "a || now()",
    "a || system.main.now()",
    "a.now()",
    "a || today()",
    "age(a::TIMESTAMP)",
    "ago(a::INTERVAL)",
    "a || random()",
    "a || uuid()",
    "a || gen_random_uuid()",
    "a || nextval('x')",
    "a || txid_current()",
    "sleep_ms(a::INT)",
    "pg_sleep(a::INT)",
    "write_log(a)",
    "error(a)",
    "count(*)",
    "sum(a::INT)",
    "first(a)",
    "string_agg(a, ',')",
    "histogram(a)",
    "max(a) OVER ()",
    "row_number() OVER ()",
    "grouping(a)",
    "unnest(string_split(a, ','))",
    "regexp_split_to_table(a, ',')",
    "repeat('x', a::INT)",
    "len(range(a::INT))",
    "list_transform([a], lambda x: x)",
    "[x FOR x IN [a]]",
    "*",
    "COLUMNS('.*')",
    "#1",
    "$1",
    "?",
    "DEFAULT",
    "a.b",
    "x.y.a",
    "a, b",
    "a AS b",
    "SELECT a",
    "{'a': a}",
    "[a]",
    "a::BLOB",
    "'Date' || ' '",
    "1",
    "",
    " ",
    "a +",
    "a /* never closed",
    "(a",
    "a)",
    "nosuch(a)",
    "a + 1",
    "a::NOSUCH",
    "a COLLATE nosuch",
    "'x'::INT + a::INT[1]",
    "a" + " || a" * 5000,
    "a" + " || a" * 900,
]  # fmt: skip


@pytest.mark.parametrize("sql", HOSTILE)
def test_what_is_more_than_an_expression_of_one_row_is_refused(sql: str) -> None:
    with pytest.raises(BadExpression) as problem:
        parse(sql)
    for text in (problem.value.reason, str(problem.value)):
        assert text
        assert "\n" not in text
    assert not Path("/tmp/x.csv").exists()
    assert not Path("/tmp/x.duckdb").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "ATTACH '{folder}/x.duckdb'",
        "COPY (SELECT 1) TO '{folder}/x.csv'",
        "EXPORT DATABASE '{folder}/x'",
        "INSTALL httpfs",
        "LOAD '{folder}/x.duckdb_extension'",
        "SET enable_external_access = true",
        "SET memory_limit = '8GB'",
        "SET threads = 8",
        "PRAGMA enable_profiling = 'json'",
        "RESET lock_configuration",
        "CREATE PERSISTENT SECRET x (TYPE http)",
        "SELECT * FROM frame",
    ],
)
def test_the_sandbox_reaches_nothing_whatever_is_run_in_it(statement: str, tmp_path: Path) -> None:
    frame = duckdb.sql("SELECT 'of Python' AS secret").to_arrow_table()
    with pytest.raises(duckdb.Error):
        sandbox().execute(statement.format(folder=tmp_path))
    assert frame.num_rows == 1
    assert not list(tmp_path.iterdir())


# -- the configuration

TABLE = """
[[source.table]]
entity = "touches"
file = "calls.csv"
[source.table.columns]
touch_id = "Id"
direction = "Type"
phone = ["Mobile", "Phone"]
[source.table.constants]
channel = "call"
[source.table.expressions]
occurred_at = "\\"Date\\" || ' ' || \\"Time\\""
connected = "\\"Result\\" IN ('Reached', 'Interested')"
duration_seconds = "\\"Minutes\\"::DECIMAL(9, 1) * 60"
"""


def config_lines(tmp_path: Path, toml: str, **environment: str) -> list[str]:
    path = tmp_path / "leadhouse.toml"
    path.write_text(HEAD + SOURCE + toml)
    try:
        load_config(path, environment)
    except ConfigError as error:
        return error.messages
    return []


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('occurred_at = "\\"Date\\"', 'occurred_at = "\\"Date', "expressions.occurred_at: found "),
        ("connected =", "conected =",
         "expressions.conected: found no such column of touches, expected connected"),
        ("connected =", "direction =",
         "expressions.direction: found an expression beside a column, expected one of the two"),
        ("connected =", "channel =",
         "expressions.channel: found an expression beside a constant, expected one of the two"),
        ("occurred_at =", "ended_at =",
         "columns.occurred_at: found nothing, expected the raw column of touches.occurred_at, which is required"),
        ("\"\\\"Result\\\" IN ('Reached', 'Interested')\"", "\"now()\"",
         'expressions.connected: found "now()" (the function now), expected functions of one row\'s cells alone'),
        ("\"\\\"Result\\\" IN ('Reached', 'Interested')\"", "\"'Result'\"",
         "expressions.connected: found \"'Result'\" (no raw column), expected a raw column in double quotes; what is "),
        ("\"\\\"Result\\\" IN ('Reached', 'Interested')\"", "7",
         "expressions.connected: found 7, expected a table of canonical column = SQL expression"),
    ],
)  # fmt: skip
def test_a_wrong_expression_is_one_line(tmp_path: Path, old: str, new: str, line: str) -> None:
    assert config_lines(tmp_path, TABLE) == []
    assert old in TABLE
    (told,) = config_lines(tmp_path, TABLE.replace(old, new, 1))
    assert told.startswith(f"leadhouse.toml: source[0].table[0].{line}")
    assert "\n" not in told


def test_an_expression_from_the_environment_is_not_shown(tmp_path: Path) -> None:
    toml = TABLE.replace("\"\\\"Result\\\" IN ('Reached', 'Interested')\"", '"${SECRET}"')
    (told,) = config_lines(tmp_path, toml, SECRET="hunter2 hunter3")
    assert "hunter" not in told
    assert "the value of ${SECRET} (not shown), expected " in told


# -- files


HEADER = "Id,Type,Mobile,Phone,Date,Time,Result,Minutes"


def test_expressions_feed_columns_like_cells(tmp_path: Path) -> None:
    toml = TABLE.replace('file = "calls.csv"', 'file = "calls.csv"\ntime_formats = ["%d.%m.%Y %H:%M"]\ndecimal = ","')
    kit = Kit(tmp_path, SOURCE + toml)
    kit.write(
        "crm/calls.csv",
        HEADER,
        "1,outbound,,p,20.11.2026,09:30,Reached,1.5",
        "2,outbound,,p,20.11.2026,09:30,Missed,?",  # cannot be cast
        "3,outbound,,p,20.11.2026,25:30,Interested,",  # computed, and no moment
        "4,outbound,,p,,09:30,,",  # NULL where required
        "5,outbound,,p,20.11.2026,09:31,,0.125",
    )
    assert figures(kit.load().files[0]) == (5, 2, 3, 0, 0, 0)
    assert kit.quarantine() == [
        ("calls.csv", 3, "unreadable_value", "duration_seconds"),
        ("calls.csv", 4, "unreadable_value", "occurred_at"),
        ("calls.csv", 5, "missing_required", "occurred_at"),
    ]
    assert kit.rows("SELECT expected FROM quality.quarantine WHERE line = 3") == [
        ("cells that its expression can be computed from; TRY_CAST instead of CAST makes such a value empty",)
    ]
    assert kit.rows("SELECT touch_id, occurred_at, connected, duration_seconds FROM raw.touches ORDER BY 1") == [
        ("1", kit.rows("SELECT TIMESTAMPTZ '2026-11-20 14:30:00+00'")[0][0], True, Decimal(90)),
        ("5", kit.rows("SELECT TIMESTAMPTZ '2026-11-20 14:31:00+00'")[0][0], None, Decimal("6")),
    ]  # 0.1 minutes: the cast rounds; and its point is no mark of thousands, whatever the file's own decimal mark


def test_a_moment_of_an_expression_is_read_as_what_it_is(tmp_path: Path) -> None:
    """`%Y-%d-%m` fits the cells of the file, and would fit what the expression gives."""
    toml = TABLE.replace('"\\"Date\\" || \' \' || \\"Time\\""', '"strptime(\\"Date\\", \'%d/%m/%Y\')"')
    kit = Kit(
        tmp_path,
        SOURCE + toml.replace('file = "calls.csv"', 'file = "calls.csv"\ntime_formats = ["%Y-%d-%m %H:%M:%S"]'),
    )
    kit.write("crm/calls.csv", HEADER, "1,outbound,,p,03/04/2026,,,")
    kit.load()
    assert kit.rows("SELECT strftime(occurred_at AT TIME ZONE 'America/New_York', '%d %b') FROM raw.touches") == [
        ("03 Apr",)
    ]


def test_a_value_map_follows_an_expression(tmp_path: Path) -> None:
    toml = TABLE + '[source.table.values.connected]\n"true" = false\n"*" = true\n'
    kit = Kit(tmp_path, SOURCE + toml)
    kit.write("crm/calls.csv", HEADER, "1,outbound,,p,2026-11-20,09:30,Reached,", "2,outbound,,p,2026-11-20,09:30,No,")
    kit.load()
    assert kit.rows("SELECT touch_id, connected FROM raw.touches ORDER BY 1") == [("1", False), ("2", True)]


def test_a_column_that_an_expression_names_must_be_there(tmp_path: Path) -> None:
    kit = Kit(tmp_path, SOURCE + TABLE)
    kit.write("crm/calls.csv", HEADER.replace("Time", "Tyme").replace("Minutes", "Length"), "1,outbound,,p,,,,")
    with pytest.raises(LoadRefused) as refused:
        kit.load()
    assert str(refused.value).splitlines() == [
        'crm/calls.csv: column "Time" (in the expression of occurred_at) is not in the header, nearest is "Tyme"',
        'crm/calls.csv: column "Minutes" (in the expression of duration_seconds) is not in the header',
    ]


def test_expressions_stand_beside_a_canonical_header(tmp_path: Path) -> None:
    """No `columns`: the header is canonical, one column is computed, and its raw one is no unknown column."""
    toml = """
[[source.table]]
entity = "touches"
file = "touches.csv"
[source.table.expressions]
occurred_at = "\\"day\\" || 'T' || \\"occurred_at\\""
"""
    kit = Kit(tmp_path, SOURCE + toml)
    kit.write(
        "crm/touches.csv", "touch_id;person_id;channel;direction;day;occurred_at", "t;p;call;outbound;2026-11-20;09:30"
    )
    assert kit.load().warnings == []
    assert kit.rows("SELECT count(*) FROM raw.touches WHERE occurred_at = '2026-11-20 14:30:00+00'") == [(1,)]


def test_a_changed_expression_reads_the_file_again(tmp_path: Path) -> None:
    kit = Kit(tmp_path, SOURCE + TABLE)
    kit.write("crm/calls.csv", HEADER, "1,outbound,,p,2026-11-20,09:30,Missed,")
    kit.load()
    kit.toml = kit.toml.replace("'Interested'", "'Missed'")
    kit.load()
    assert kit.rows("SELECT connected FROM raw.touches WHERE _deleted_by_load IS NULL") == [(True,)]


def test_many_rows_in_several_batches_each_fail_or_load_alone(tmp_path: Path) -> None:
    kit = Kit(tmp_path, SOURCE + TABLE)
    rows = [f"{n},outbound,,p,2026-11-20,09:30,,{'?' if n % 100 == 7 else n}" for n in range(45_000)]
    kit.write("crm/calls.csv", HEADER, *rows)
    assert figures(kit.load().files[0]) == (45_000, 44_550, 450, 0, 0, 0)
    assert kit.rows("SELECT count(*) FROM raw.touches WHERE duration_seconds <> touch_id::INT * 60") == [(0,)]
    assert kit.rows("SELECT count(*) FROM quality.quarantine WHERE (line - 2) % 100 <> 7") == [(0,)]


def test_the_plan_knows_every_cell_that_feeds_a_column() -> None:
    table = Table(
        entity="touches",
        file="x",
        columns={"touch_id": "Id", "phone": ["Mobile", "Phone"], "direction": "Type"},
        constants={"channel": "call"},
        expressions={"occurred_at": "\"Date\" || ' ' || time", "disposition": '"Result" || "Mobile" || "Result"'},
    )
    header = ["Id", "Phone", "Mobile", "Type", "Unused", "Result", "TIME", "Date"]
    plan = Plan(ENTITIES["touches"], table, header, Rules(ZoneInfo("UTC")), Rates("USD", frozenset()))
    assert not plan.findings.critical
    assert plan.feeds == {
        "touch_id": (0,),
        "phone": (2, 1),
        "direction": (3,),
        "occurred_at": (7, 6),
        "disposition": (5, 2),
    }
    cells = ["1", "p", "m", "outbound", "u", "r", "09:30", "2026-11-20"]
    rows = plan.convert([Record(2, ",".join(cells), cells)]).rows.to_pylist()
    assert rows[0]["disposition"] == "rmr"


def test_names_that_differ_in_case_are_two_columns() -> None:
    table = Table(entity="people", file="x", columns={"person_id": "Id"}, expressions={"stage": '"Stage" || "STAGE"'})
    plan = Plan(ENTITIES["people"], table, ["Id", "STAGE", "Stage"], Rules(ZoneInfo("UTC")), Rates("USD", frozenset()))
    assert plan.feeds["stage"] == (2, 1)
    assert plan.convert([Record(2, "", ["1", "b", "a"])]).rows["stage"].to_pylist() == ["ab"]


def test_results_do_not_depend_on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setitem(os.environ, "TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert results("a::TIMESTAMPTZ", a=["2026-11-24 09:30"]) == ["2026-11-24 09:30:00+00"]
    finally:
        monkeypatch.undo()
        time.tzset()
