"""Hostile input: nothing that stands in a file, a name, an address or the configuration runs, leads out or is sent."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from dagster_project.errors import ConfigError
from dagster_project.exports import safe_csv, safe_xlsx
from dagster_project.progress import Progress
from dagster_project.sources.report import LoadRefused
from dagster_project.warehouse.published import publish
from dashboards.components.formats import csv_bytes
from tests.conftest import run_leadhouse
from tests.ingest_kit import CLOCK, SOURCE, Kit

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


# -- formulas

FORMULAS = [
    "=cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    '@SUM(1+1)*cmd|"/C calc"!A0',
    "|calc",
    "%0A=1+1",
    "  =1+1",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    '"=1+1',
    "'=1+1",
    "\u00a0=1+1",
    "\u3000=1+1",
    "\u200b=1+1",
    "\ufeff=1+1",
    "\u202e=1+1",
    "\x00=1+1",
    "\x1b=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
]


def runs(cell: str) -> bool:
    """Whether a spreadsheet may take a cell for a formula: its first mark is one, whatever is not seen before it."""
    seen = re.sub(r"^[^\w=+\-@|%＝＋－＠']+", "", cell)
    return cell[:1] in ("\t", "\r", "\n") or seen[:1] in tuple("=+-@|%＝＋－＠")


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_inert_in_every_kind_of_cell(text: str) -> None:
    cell = safe_csv(text)
    assert runs(text) or text.startswith("'"), "the test knows a formula"
    assert not runs(cell)
    assert not unsafe(cell) - {"\t", "\r", *"\u00a0\u3000\u200b\ufeff\u202e"}
    (line,) = csv.reader(io.StringIO(csv_bytes([{"name": text}]).decode("utf-8-sig").split("\n", 1)[1], newline=""))
    assert not runs(line[0])
    (head, _) = csv_bytes([{text: "x"}]).decode("utf-8-sig").rsplit("\r\nx", 1)
    assert not runs(next(csv.reader(io.StringIO(head, newline="")))[0])
    book = Workbook(write_only=True)
    sheet = book.create_sheet("s")
    sheet.append([safe_xlsx(sheet, text)])
    written = io.BytesIO()
    book.save(written)
    found = load_workbook(written)["s"]["A1"]
    assert (found.data_type, found.quotePrefix) == ("s", True)


@pytest.mark.parametrize("text", ["Ann", "Ann = Bob", "O'Brien", "5 % off", "", "naïve", "(212) 736-5000"])
def test_other_text_is_left_alone(text: str) -> None:
    assert safe_csv(text) == text


# -- paths


@pytest.mark.parametrize("link_to", ["outside.csv", "/etc/passwd", "outside"])
def test_links_out_of_a_sources_folder_are_refused(tmp_path: Path, link_to: str) -> None:
    kit = Kit(tmp_path)
    kit.write("crm/inquiries.csv", "inquiry_id,email,event_at", "1,ann@x.com,2026-11-01 10:00")
    secret = kit.write("outside.csv", "person_id,name", "1,Zoe Canary")
    kit.write("outside/people.csv", "person_id,name", "1,Zoe Canary")
    name = "linked" if link_to == "outside" else "people.csv"
    (tmp_path / "crm" / name).symlink_to(link_to if link_to.startswith("/") else tmp_path / link_to)
    if link_to == "outside":
        kit.toml = SOURCE + '[[source.table]]\nentity = "people"\nfile = "**/people.csv"\n'
        kit.toml += '[[source.table]]\nentity = "people"\nfile = "linked/*.csv"\n'
    with pytest.raises(LoadRefused) as told:
        kit.load()
    assert any("a link that leads out of the source's folder" in line for line in told.value.messages)
    assert "Canary" not in str(told.value)
    assert secret.read_text(encoding="utf-8").endswith("Zoe Canary\n")


def test_links_inside_a_sources_folder_and_the_folder_itself_may_be_links(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    kit.write("elsewhere/files/2026.csv", "inquiry_id,email,event_at", "1,ann@x.com,2026-11-01 10:00")
    (tmp_path / "elsewhere" / "inquiries.csv").symlink_to("files/2026.csv")
    (tmp_path / "crm").symlink_to("elsewhere")
    assert [file.loaded for file in kit.load().files] == [1]


@pytest.mark.parametrize(
    "pattern", ["../../etc/passwd", "/etc/passwd", "~/x.csv", "a/../../x.csv", "..", "./../x.csv", "a.zip/../../x.csv"]
)
def test_patterns_that_lead_out_are_refused(tmp_path: Path, pattern: str) -> None:
    kit = Kit(tmp_path, SOURCE + f'[[source.table]]\nentity = "people"\nfile = "{pattern}"\n')
    with pytest.raises(ConfigError, match="expected a pattern inside the source's path"):
        _ = kit.config


@pytest.mark.parametrize(
    "name", ["..", ".", "../up", "a/b", "a\\b", ".hidden", "line\nbreak", ESCAPES[:9], " ", "x" * 61]
)
def test_names_of_sources_are_no_paths_and_no_escapes(tmp_path: Path, name: str) -> None:
    toml = f'[[source]]\nname = {json.dumps(name)}\nkind = "files"\npath = "crm"\n'
    with pytest.raises(ConfigError, match=r"source\[0\]\.name") as told:
        _ = Kit(tmp_path, toml).config
    assert not unsafe(str(told.value))


@pytest.mark.parametrize(
    "name", ["con", "x'; drop table marts.leads; --", 'a"b]c[d', "[red]", "`id`", "$(id)", "%s {0}"]
)
def test_names_of_sources_are_text_everywhere(tmp_path: Path, name: str) -> None:
    kit = Kit(tmp_path, f'[[source]]\nname = {json.dumps(name)}\nkind = "files"\npath = "crm"\n')
    kit.write("crm/inquiries.csv", "inquiry_id,email,event_at", "1,ann@x.com,2026-11-01 10:00", "2,,x")
    report = kit.load()
    assert [(file.source, file.loaded, file.quarantined) for file in report.files] == [(name, 1, 1)]
    assert kit.rows("SELECT DISTINCT source FROM quality.quarantine") == [(name,)]
    assert kit.rows("SELECT _source FROM raw.inquiries") == [(name,)]
    below = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*.parquet")}
    assert below == {"warehouse"}


def test_members_of_an_archive_stay_in_it(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    (tmp_path / "crm").mkdir()
    with zipfile.ZipFile(tmp_path / "crm" / "export.zip", "w") as archive:
        rows = "inquiry_id,email,event_at\n{},ann@x.com,2026-11-01 10:00\n"
        archive.writestr("../../inquiries_a.csv", rows.format(1))
        archive.writestr("/etc/inquiries_b.csv", rows.format(2))
        archive.writestr("C:\\inquiries_c.csv", rows.format(3))
    report = kit.load()
    assert sorted(file.file for file in report.files) == [
        "export.zip/etc/inquiries_b.csv",
        "export.zip/inquiries_a.csv",
        "export.zip/inquiries_c.csv",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crm", "leadhouse.toml", "warehouse"]
    assert not list(tmp_path.rglob("inquiries_*.csv"))


@pytest.fixture
def exports(tmp_path: Path) -> Kit:
    """A brokerage with one export, not built."""
    kit = Kit(tmp_path)
    kit.write("crm/people.csv", "person_id,name", "1,Zoe Canary")
    return kit


@pytest.mark.parametrize(
    ("command", "out"),
    [
        ("build", "crm/people.csv"),
        ("build", "leadhouse.toml"),
        ("metrics --format csv", "crm/people.csv"),
        ("metrics --format csv", "crm"),
        ("metrics --format csv", "warehouse/leadhouse.duckdb"),
        ("quarantine export --format csv", "leadhouse.toml"),
    ],
)
def test_no_output_takes_the_place_of_what_is_read(exports: Kit, command: str, out: str) -> None:
    kit = exports
    kit.load()
    publish(kit.config.working_path, kit.config.warehouse_path, {"build_id": "b", "built_at": CLOCK, "as_of": CLOCK})
    config = kit.config
    read = (kit.folder / "crm" / "people.csv", config.file, config.warehouse_path)
    before = {path: path.read_bytes() for path in read}
    done = run_leadhouse(*command.split(), "--config", kit.config.file, "--out", kit.folder / out)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert {path: path.read_bytes() for path in before} == before


def test_the_published_file_takes_no_exports_place(exports: Kit) -> None:
    kit = exports
    kit.toml = SOURCE + '[warehouse]\npath = "crm/people.csv"\n'
    done = run_leadhouse("build", "--config", kit.config.file)
    assert done.returncode == 2
    assert "found a file that is no database of Leadhouse" in done.stderr
    assert (kit.folder / "crm" / "people.csv").read_text(encoding="utf-8").endswith("Zoe Canary\n")
