"""Hostile input: nothing that stands in a file, a name, an address or the configuration runs, leads out or is sent."""

from __future__ import annotations

import io
from contextlib import redirect_stderr
from typing import Any

import pytest

from dagster_project.progress import Progress

ESCAPES = "\x1b[31mred\x1b]0;title\x07\x1b[2J\n\r\x9b1A\u202eevil"
"""Colours, a window's title, a cleared screen, line breaks, C1 controls, text that runs the other way."""


# -- what reaches a terminal


def unsafe(text: str) -> set[str]:
    """What of a text a terminal would obey."""
    return {letter for letter in text if not letter.isprintable() and letter != "\n"}


def test_what_a_build_says_cannot_steer_a_terminal() -> None:
    told = io.StringIO()
    with redirect_stderr(told), Progress() as progress:
        progress.say(f"crm/{ESCAPES}.csv: read")
        progress.step(f"reading {ESCAPES}")
    assert not unsafe(told.getvalue())
    assert told.getvalue().count("\n") == 2
    assert r"\x1b[31mred" in told.getvalue()


def test_names_are_no_markup_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal: Any = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with Progress() as progress:
        progress.step(f"reading [/nothing] [red]crm {ESCAPES}")
        assert progress._status is not None
        assert "[/nothing] [red]crm" in str(progress._status.renderable.text)  # type: ignore[union-attr]
        assert "\x07" not in str(progress._status.renderable.text)  # type: ignore[union-attr]
