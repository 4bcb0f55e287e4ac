"""docs/checks.md lists every check as its suite has it."""

from __future__ import annotations

import re

from dagster_project.dbt_project import ROOT
from dagster_project.expectations import read_suites
from dagster_project.sources.report import FINDINGS

PAGE = ROOT / "docs" / "checks.md"


def table() -> list[str]:
    """The lines of the page's table of checks, from the suites."""
    lines = ["| check | about | expected | why | severity, owner | what to do |", "|---|---|---|---|---|---|"]
    for suite in read_suites():
        for rule in suite.expectations:
            who = f"{rule.severity}, {rule.owner}"
            cells = (f"`{rule.name}`", f"`{suite.asset}`", rule.expected, rule.why, who, rule.what_to_do)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


def test_the_page_lists_every_check_as_its_suite_has_it() -> None:
    found = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    missing = [line for line in table() if line not in found]
    assert not missing, "docs/checks.md lacks these lines:\n" + "\n".join(missing)
    names = {line.split("`")[1] for line in found if line.startswith("| `")}
    known = {rule.name for suite in read_suites() for rule in suite.expectations} | FINDINGS.keys()
    assert names <= known | {"erased_person_came_back"}, "docs/checks.md has checks that there are not"


def test_the_page_lists_what_a_load_finds() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, words in FINDINGS.items():
        assert f"| `{name}` | {words} |" in text


def test_what_a_load_finds_is_listed_in_one_place() -> None:
    sources = ROOT / "dagster_project" / "sources"
    code = "".join(path.read_text(encoding="utf-8") for path in sorted(sources.glob("*.py")))
    named = set(re.findall(r"(?:Finding|_warn)\(\s*\"(\w+)\"", code))
    assert named - {"refused_rows"} == FINDINGS.keys()  # refused rows are told with the refusal itself
