"""SQL expressions of a mapping: looked through when the configuration is read, computed where nothing can be reached.

An expression is one of DuckDB's over the raw columns of its row and nothing else. It is taken only if every node of its
syntax tree is of a kind known to be harmless, so that what is new in DuckDB is refused until somebody has looked at it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

import duckdb
import pyarrow as pa

_NODES = frozenset(
    (
        "BETWEEN",
        "CASE",
        "CAST",
        "COLLATE",
        "COLUMN_REF",
        "COMPARISON",
        "CONJUNCTION",
        "CONSTANT",
        "FUNCTION",
        "OPERATOR",
        "TYPE",
    )
)
_NODE_NAMES = {
    "SUBQUERY": "a subquery",
    "WINDOW": "a window",
    "LAMBDA": "a lambda",
    "STAR": "*",
    "PARAMETER": "a parameter",
}
_CLOCK = frozenset(("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"))
_GREEDY = frozenset(("repeat", "range", "generate_series", "list_resize", "array_resize", "bar"))
"""A cell with a large number in it would take all memory: DuckDB's limit does not bind these."""
_WIDEST = 1000
_WIDE_FORMAT = re.compile(r"\d{4}|\*|\{[^}]*\{")
"""A width of four digits, or one that comes from an argument, in a format of `format` or `printf`."""

_MACROS = frozenset(("if", "nullif", "split_part", "date_add", "days_in_month", "fdiv", "array_to_string"))
_KINDS: dict[str, Literal["text", "number", "moment"]] = {
    **dict.fromkeys(("VARCHAR", "JSON", "BOOLEAN", "UUID", "INTERVAL", "TIME"), "text"),
    **dict.fromkeys(
        ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER"), "number"
    ),
    **dict.fromkeys(("UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL"), "number"),
    **dict.fromkeys(("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), "moment"),
    "TIMESTAMP WITH TIME ZONE": "moment",
}


class BadExpression(ValueError):  # noqa: N818 - named for what it tells
    """An expression that is not taken: `reason` says why, the message what was expected instead."""

    def __init__(self, reason: str, expected: str) -> None:
        super().__init__(expected)
        self.reason = reason


@dataclass(frozen=True)
class Expression:
    """One expression: `columns` are the raw columns as it names them, `kind` what its results are.

    `sql` is itself with the columns called c0, c1, ... in that order.
    """

    sql: str
    columns: tuple[str, ...]
    kind: Literal["text", "number", "moment"]


def sandbox() -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory that reaches no file, no network and no variable of Python, small, in UTC, locked so."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "enable_external_access": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "temp_directory": "",
            "threads": "1",
            "memory_limit": "256MB",
        },
    )
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute("SET GLOBAL python_enable_replacements = false")
    connection.execute("SET GLOBAL lock_configuration = true")
    return connection


@lru_cache(maxsize=1000)
def parse(sql: str) -> Expression:
    """Look an expression through. Raises BadExpression."""
    try:
        return _looked_through(sql)
    except RecursionError:
        raise BadExpression("parts within parts, too deep to look through", "a shorter expression") from None


def _looked_through(sql: str) -> Expression:
    connection = _checker().cursor()
    tree = _tree(connection, sql)
    frame, known = _tree(connection, "1"), _functions()
    (node,) = tree["select_list"]
    if {**tree, "select_list": 0} != {**frame, "select_list": 0}:
        raise BadExpression("more than an expression", "one expression, without SELECT, FROM or what follows them")
    columns: list[str] = []
    for part in _parts(node):
        _refuse(part, known)
        if part.get("class") == "COLUMN_REF":
            (name,) = part["column_names"]
            if name not in columns:
                columns.append(name)
            part["column_names"] = [f"c{columns.index(name)}"]
    if not columns:
        wanted = "a raw column in double quotes; what is the same on every row goes into [source.table.constants]"
        raise BadExpression("no raw column", wanted)
    statement = {"error": False, "statements": [{"node": tree, "named_param_map": []}]}
    (text,) = connection.execute("SELECT json_deserialize_sql(?::JSON)", [json.dumps(statement)]).fetchone() or ("",)
    return _bound(connection, text.removeprefix("SELECT "), tuple(columns))


def _tree(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    """The syntax tree of `SELECT (sql)`, without the places of its parts."""
    (text,) = connection.execute("SELECT json_serialize_sql(?)", [f"SELECT (\n{sql}\n)"]).fetchone() or ("",)
    result = json.loads(text)
    if result["error"] or len(result["statements"]) != 1:
        reason = str(result.get("error_message", "several statements")).splitlines()[0]
        raise BadExpression(reason, "one SQL expression over raw columns in double quotes")
    tree = result["statements"][0]["node"]
    if tree["type"] != "SELECT_NODE" or len(tree["select_list"]) != 1:
        raise BadExpression("more than an expression", "one expression, without SELECT, FROM or what follows them")
    for part in _parts(tree):
        part.pop("query_location", None)
        part.pop("query_location_length", None)
    return tree


def _parts(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in list(node.values()):
            yield from _parts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _parts(value)


def _refuse(part: dict[str, Any], known: frozenset[str]) -> None:
    kind = part.get("class")
    if kind is not None and kind not in _NODES:
        found = _NODE_NAMES.get(kind, kind.lower())
        raise BadExpression(found, "an expression over the cells of one row, without that")
    if kind == "FUNCTION":
        name = part["function_name"]
        if name not in known or (name == "age" and len(part["arguments"]) < 2):
            raise BadExpression(
                f"the function {name}",
                "functions of one row's cells alone: no aggregate, no clock, no chance, no setting",
            )
        _refuse_wide(name, [argument["expression"].get("literal", {}) for argument in part["arguments"]])
    if kind == "COLUMN_REF":
        names = part["column_names"]
        if len(names) != 1:
            raise BadExpression(".".join(names), "a raw column's whole name in double quotes")
        if names[0].lower() in _CLOCK:
            raise BadExpression(names[0], "functions of one row's cells alone: no clock")


def _refuse_wide(name: str, literals: list[dict[str, Any]]) -> None:
    """Texts are not made longer than somebody wrote down: DuckDB's limit of memory does not bind these either."""
    if name in ("lpad", "rpad"):
        length = literals[1].get("text", "") if len(literals) > 1 else ""
        if not length.isdecimal() or int(length[:9]) > _WIDEST:
            raise BadExpression(f"the function {name}", f"a length that is a number to {_WIDEST:,} in it")
    if name in ("format", "printf"):
        form = literals[0] if literals else {}
        if form.get("kind") != "STRING" or _WIDE_FORMAT.search(form["text"]):
            raise BadExpression(
                f"the function {name}", f"a format that is a text, with widths below {_WIDEST:,}, in it"
            )


@cache
def _checker() -> duckdb.DuckDBPyConnection:
    return sandbox()


@cache
def _functions() -> frozenset[str]:
    """Scalar functions that give the same for the same arguments; those with an overload that depends on the time zone
    too, as it is fixed."""
    sql = "FROM duckdb_functions() SELECT function_name WHERE function_type = 'scalar' AND stability = 'CONSISTENT'"
    rows = _checker().cursor().execute(sql)
    return frozenset(name for (name,) in rows.fetchall() if not name.startswith("__")) - _GREEDY | _MACROS


def _bound(connection: duckdb.DuckDBPyConnection, sql: str, columns: tuple[str, ...]) -> Expression:
    """The expression with the kind of its results, as DuckDB understands it over columns of text."""
    names = ", ".join(f"NULL::VARCHAR AS c{number}" for number in range(len(columns)))
    try:
        (described,) = connection.execute(f"DESCRIBE SELECT {sql} AS result FROM (SELECT {names})").fetchall()
        _results(connection, sql, f"(SELECT 0 AS n, {names})")
    except duckdb.Error as error:
        raise BadExpression(_first_line(error), "one SQL expression over raw columns, each of them text") from None
    kind = _KINDS.get(described[1].split("(")[0])
    if kind is None:
        raise BadExpression(f"a result of type {described[1]}", "a text, a number, a truth value, a date or a time")
    return Expression(sql, columns, kind)


def _first_line(error: duckdb.Error) -> str:
    return str(error).splitlines()[0].removeprefix("Binder Error: ").removeprefix("Catalog Error: ")


def _results(connection: duckdb.DuckDBPyConnection, sql: str, table: str) -> list[tuple[int, bool, str | None]]:
    """Number, whether the expression failed, and its result, for each row."""
    return connection.execute(
        "SELECT n, result IS NULL, result.text FROM"
        f" (SELECT n, TRY({{'text': CAST({sql} AS VARCHAR)}}) AS result FROM {table})"
    ).fetchall()


class Evaluator:
    """Computes the expressions of one file, batch by batch."""

    def __init__(self) -> None:
        self._connection = sandbox()

    def results(self, expression: Expression, columns: Sequence[Sequence[str]]) -> tuple[list[str], list[int]]:
        """The expression's result in each row as text (empty for NULL), and the rows in which it fails.

        `columns` holds the cells of each of the expression's raw columns; spaces around them are taken off and blank
        ones are NULL.
        """
        size = len(columns[0])
        cells = [pa.array([text.strip() or None for text in column], pa.string()) for column in columns]
        names = ["n", *(f"c{number}" for number in range(len(cells)))]
        texts, failed = [""] * size, []
        table = pa.Table.from_arrays([pa.array(range(size), pa.int64()), *cells], names=names)
        for row, is_failure, text in self._computed(expression, table):
            texts[row] = text or ""
            if is_failure:
                failed.append(row)
        return texts, failed

    def _computed(self, expression: Expression, table: pa.Table) -> list[tuple[int, bool, str | None]]:
        self._connection.register("cells", table)
        try:
            return _results(self._connection, expression.sql, "cells")
        except duckdb.Error:  # what TRY does not catch, such as memory: half by half, so that other rows are computed
            rows, half = table.num_rows, table.num_rows // 2
            if rows == 1:
                return [(table["n"][0].as_py(), True, None)]
            return self._computed(expression, table.slice(0, half)) + self._computed(expression, table.slice(half))
        finally:
            self._connection.unregister("cells")
