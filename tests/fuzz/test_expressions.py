"""Random SQL as expressions: refused in one line, or computed for every row from its cells alone."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from dagster_project.expressions import BadExpression, Evaluator, Expression, parse
from tests.fuzz import house
from tests.fuzz.seeds import ODD

CASES = 1200
SECRET = "canary-of-the-machine"

_PARTS = [
    "1", "-1", "1e400", "NULL", "'a'", "''", "true", "DATE '2026-11-20'", "INTERVAL 1 DAY", "[1, 2]", "{{'a': 1}}",
    "*", "?", "$1",
    "{a}::INTEGER", "CAST({a} AS DOUBLE)", "TRY_CAST({a} AS DECIMAL(38, 2))", "{a}::BLOB", "{a}::JSON", "{a}::TIME",
    "{a}::UUID", "{a}::BIT",
    "{a} || {b}", "{a} = {b}", "{a} LIKE {b}", "{a} SIMILAR TO {b}", "{a} IN ({b}, 'x')", "{a} IS NULL", "NOT {a}",
    "{a} BETWEEN {b} AND {b}",
    "CASE WHEN {a} = 'x' THEN {b} ELSE {a} END", "coalesce({a}, {b})", "upper({a})", "length({a}) / 0",
    "substr({a}, {b}, 2)", "left({a}, 2)",
    "regexp_replace({a}, {b}, 'x')", "regexp_extract({a}, '(a+)+$')", "strptime({a}, '%Y')",
    "strftime({a}::DATE, {b})", "split_part({a}, ',', 1)",
    "repeat({a}, 1000000000)", "lpad({a}, 999999999, 'x')", "rpad({a}, {b}::INT, 'x')", "range({a}::BIGINT)",
    "list_aggregate([{a}], 'sum')",
    "{a} COLLATE NOCASE", "printf('%s%d', {a})", "format('{{}}', {a})", "format('{{:>999999999}}', {a})", "hash({a})",
    "md5({a})", "error({a})",
    "json_extract({a}, '$.x')", "{a}[1]", "{a}.b", "factorial({a}::INT)", "power({a}::DOUBLE, 999)",
    "translate({a}, {b}, 'x')", "bar({a}::INT, 0, 9)",
    "random()", "now()", "current_date", "uuid()", "getenv('LEADHOUSE_CANARY')", "current_setting('home_directory')",
    "read_text('{file}')",
    "(SELECT content FROM read_text('{file}'))", "(SELECT 1)", "query('SELECT 1')", "count(*)", "sum({a})",
    "row_number() OVER ()", "list_transform([{a}], x -> x)",
    "glob('/*')", "getvariable('x')", "version()", "nextval('x')", "1); DROP TABLE cells; --",
    "1) FROM read_csv('{file}') --", "{a} /* ", "{a} -- ",
    "{a} UNION SELECT 1", "{a} ORDER BY 1", "{a} LIMIT 1", "pg_sleep(9)", "sleep(9)", "currval('a')", "txid_current()",
    "add_parquet_key('a', 'b')",
    "list_reduce([{a}], lambda x, y: x)", "unnest([{a}])", "COLUMNS('*')", "EXISTS (SELECT 1)", "#1", "{a}::VARCHAR[]",
    "MAP {{'a': {a}}}", "{a} ~ {b}",
]  # fmt: skip


def sql(chance: random.Random, names: list[str], file: str = "/etc/hostname") -> str:
    """A fragment of SQL over raw columns, parts within parts, sometimes broken."""

    def column() -> str:
        name = chance.choice(names) if chance.random() < 0.95 else chance.choice(["", "nmae", "x\ny", 'q"q', "ü" * 90])
        return '"' + name.replace('"', '""') + '"'

    text = column()
    for _ in range(chance.choice([1, 1, 1, 2, 3, 12])):
        text = chance.choice(_PARTS).format(a=text, b=column(), file=file)
    if chance.random() < 0.15:
        place = chance.randrange(len(text) + 1)
        text = (
            text[:place]
            + chance.choice(["(", ")", "'", '"', ";", "--", "/*", "\0", "\n", "\ufeff", "é", "(" * 500, "9" * 99])
            + text[place:]
        )
    return text


def test_expressions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "canary.txt"
    file.write_text(SECRET, encoding="utf-8")
    monkeypatch.setitem(os.environ, "LEADHOUSE_CANARY", SECRET)
    evaluator, taken = Evaluator(), 0
    numbers = house.wanted(CASES)
    for number in numbers:
        chance = random.Random(f"{house.SEED}:expression:{number}")
        text = sql(chance, ["A", "Raw b", "ç"], str(file))
        try:
            with house.bounded(text[:80]):
                taken += _check(chance, evaluator, text)
        except (Exception, house.TooSlow) as error:
            raise AssertionError(f"LEADHOUSE_FUZZ_CASE={number} -k expressions: {text!r}: {error!r}") from error
    assert taken > len(numbers) / 10 or len(numbers) < 100


def _check(chance: random.Random, evaluator: Evaluator, text: str) -> bool:
    try:
        expression = parse(text)
    except BadExpression as problem:
        told = f"{problem.reason}{problem}"
    else:
        return _is_computed(chance, evaluator, expression)
    assert SECRET not in told
    return False


def _is_computed(chance: random.Random, evaluator: Evaluator, expression: Expression) -> bool:
    """Compute it twice over odd cells."""
    size = chance.choice([1, 3, 9])
    odd = [one for one in ODD if len(one) < 1000]
    cells = [[chance.choice([*odd, "5", "-7", "2026-11-20"]) for _ in range(size)] for _ in expression.columns]
    texts, failed = evaluator.results(expression, cells)
    assert len(texts) == size
    assert set(failed) <= set(range(size))
    assert not any(SECRET in one for one in texts)
    again = evaluator.results(expression, cells)
    assert (texts, failed) == again
    return True
