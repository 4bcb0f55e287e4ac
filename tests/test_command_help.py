"""`--help` of every call: all of its description, a word on every option, an example."""

from __future__ import annotations

import inspect
import re

import click
import pytest
import typer
from typer.testing import CliRunner

from dagster_project.cli import app


def calls(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    found = [(path, command)]
    for name, child in getattr(command, "commands", {}).items():
        found += calls(child, (*path, name))
    return found


CALLS = calls(typer.main.get_command(app))


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


@pytest.mark.parametrize(("path", "command"), CALLS, ids=[" ".join(path) or "leadhouse" for path, _ in CALLS])
def test_help_is_complete(path: tuple[str, ...], command: click.Command) -> None:
    result = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "400"})
    assert result.exit_code == 0
    assert " ".join(("Example: leadhouse", *path)) in result.output
    described = words(inspect.cleandoc(command.help or ""))
    assert described
    assert " ".join(described) in " ".join(words(result.output))  # markup must not swallow a word such as [rules]
    for parameter in command.params:
        assert words(getattr(parameter, "help", None) or ""), f"{path}: {parameter.name} is not explained"
