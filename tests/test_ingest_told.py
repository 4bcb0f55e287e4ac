"""What a build tells of its sources: warnings of a refused load too, and which source is ahead of a stale one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.as_of import settle_as_of
from dagster_project.errors import CriticalProblem
from dagster_project.progress import Progress
from dagster_project.session import BuildOptions, Session
from dagster_project.sources.report import LoadRefused
from tests.ingest_kit import Kit

HEADER = "inquiry_id,event_at,emial"
BAD = [HEADER, *(f"{n},someday," for n in range(20))]


@pytest.mark.parametrize("strict", [False, True])
def test_warnings_of_a_refused_load_are_told_once(tmp_path: Path, strict: bool) -> None:
    from dagster_project.assets.ingest import load_source

    kit = Kit(tmp_path)
    kit.write("crm/inquiries.csv", *BAD)
    session = Session(kit.config, BuildOptions(strict=strict))
    with kit.working():
        pass
    with pytest.raises(LoadRefused) as refused:
        load_source(session, kit.config.sources[0])
    told = [*session.warnings, *refused.value.messages]
    assert sum('"emial"' in line for line in told) == 1
    assert sum("rows cannot be read" in line for line in told) == 1
    assert ('"emial"' in " ".join(session.warnings)) is not strict


def test_a_stale_source_is_told_with_the_newest(tmp_path: Path) -> None:
    sources = "".join(f'[[source]]\nname = "{name}"\nkind = "files"\npath = "{name}"\n' for name in ("crm", "portal"))
    kit = Kit(tmp_path, sources)
    kit.write("crm/inquiries.csv", "inquiry_id,event_at", "1,2026-11-20T09:00Z")
    kit.write("portal/inquiries.csv", "inquiry_id,event_at", "1,2026-11-16T09:00Z")
    kit.load()
    with kit.working() as connection, pytest.raises(CriticalProblem) as told:
        settle_as_of(connection, Session(kit.config))
    (line,) = told.value.messages
    assert line == (
        "source portal: data ends 2026-11-16 09:00 UTC, more than 3 days behind the newest source"
        " (crm, 2026-11-20 09:00 UTC), expected a fresh export"
    )


@pytest.mark.parametrize("terminal", [True, False])
def test_rows_read_so_far_are_shown_on_a_terminal_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: bool
) -> None:
    from dagster_project.assets.ingest import load_source

    kit = Kit(tmp_path)
    kit.write("crm/inquiries.csv", "inquiry_id,event_at", *(f"{n},2026-11-20T09:00Z" for n in range(1200)))
    with kit.working():
        pass
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    shown: list[str] = []
    with Progress() as progress:
        monkeypatch.setattr("rich.status.Status.update", lambda self, text: shown.append(str(text)))
        load_source(Session(kit.config, progress=progress), kit.config.sources[0])
    assert ("reading crm/inquiries.csv: 1,200 rows" in shown) is terminal
    assert "rows" not in capsys.readouterr().err


def test_a_name_that_looks_like_markup_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Progress() as progress:
        progress.detail("reading crm/x[/y].csv")
        assert progress._status is not None
        assert str(progress._status.status) == "reading crm/x[/y].csv"
