"""docs/reliability.md names a test for each fault; each of them exists."""

from __future__ import annotations

import ast
import re

from tests.conftest import ROOT


def test_every_fault_names_tests_that_exist() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("|")]
    heads = {number for number, line in enumerate(lines, 1) if lines[number : number + 1] == ["|---|---|---|---|"]}
    rows = [
        line.split("|")[1:-1]
        for number, line in enumerate(lines, 1)
        if number not in heads and not line.startswith("|---")
    ]
    assert len(heads) == 2
    assert len(rows) >= 20
    known = {
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    for fault, *_, tests in rows:
        named = re.findall(r"`(test_\w+)`", tests)
        assert named, fault
        assert set(named) <= known, fault


def test_every_fault_test_stands_on_the_page() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    for path in (ROOT / "tests" / "faults").glob("test_*.py"):
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert f"`{name}`" in page or name == "test_a_clock_that_is_right_is_not_spoken_of", name
