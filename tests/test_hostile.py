"""Hostile input: nothing that stands in a file, a name, an address or the configuration runs, leads out or is sent."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from openpyxl import Workbook, load_workbook

from dagster_project.errors import ConfigError
from dagster_project.exports import safe_csv, safe_xlsx
from dagster_project.progress import Progress
from dagster_project.sources.report import LoadRefused
from dagster_project.warehouse.published import publish
from dashboards.components.formats import csv_bytes
from tests.builds import published_rows
from tests.conftest import run_leadhouse
from tests.dashboard import browser
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


# -- a brokerage whose every name is an attack, built once

SCRIPT = '<img src=x onerror="window.__pwned=1"><script>window.__pwned=1</script>'
ATTACKS = [
    SCRIPT,
    "<svg/onload=window.__pwned=1>",
    "[link](javascript:window.__pwned=1) ![](http://evil.example/i.png)",
    "![a](http://evil.example/b.png) :red[red] :material/error: :smile:",
    r"$\href{javascript:window.__pwned=1}{x}$ $$\frac{1}{2}$$ \(x\)",
    "<a href='javascript:window.__pwned=1'>a</a> https://evil.example www.evil.example",
    "x'; drop table marts.leads; --",
    "' or 1=1 --",
    'a"]; drop table "b',
    "%(name)s {0} {{ 7*7 }} ${HOME} `id` $(id)",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    f"esc {ESCAPES}",
    "</script></style><!--",
    "\u202egnp.exe",
]
HUGE = "Huge " + "x" * 100_000
FILE = "inquiries <img src=x onerror=window.__pwned=1> :red[a] $x$ \x1b[31m.csv"
BROKERAGE = """
[brokerage]
name = "<b>Harbor</b> & [x](http://evil.example) $1$"
timezone = "America/New_York"

[hours]
mon = ["09:00", "18:00"]

[[source]]
name = "x'; drop table marts.leads; -- <img src=x>"
kind = "files"
path = "crm"
data_through = "2026-11-20"
"""


def hostile_rows(name: str, lines: list[list[str]], folder: Path) -> None:
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of that brokerage, built."""
    folder = tmp_path_factory.mktemp("hostile")
    crm = folder / "crm"
    crm.mkdir()
    (folder / "leadhouse.toml").write_text(BROKERAGE, encoding="utf-8")
    header = ["inquiry_id", "name", "email", "event_at", "source", "agent", "team", "campaign", "is_spam"]
    rows = []
    for number in range(240):
        text = ATTACKS[number % len(ATTACKS)]
        when = f"2026-11-{1 + number % 18:02d} 10:00"
        rows.append([f"{text}{number}", text, f"a{number}@x.com", when, text, text, text, text, "no"])
    rows.append(["huge", HUGE, "huge@x.com", "2026-11-11 10:00", HUGE, HUGE, HUGE, HUGE, "no"])
    rows += [
        [f"bad{number}", text, "", "2026-11-02 10:00", text, text, text, text, text]
        for number, text in enumerate(ATTACKS[:9])
    ]
    hostile_rows(FILE, [[*header, "<b>one</b> column", "= other column"], *([*row, "a", "b"] for row in rows)], crm)
    agents = [["agent", "name", "team", "office"], *([text, text, text, text] for text in ATTACKS)]
    hostile_rows("agents.csv", agents, crm)
    touches = [["touch_id", "email", "occurred_at", "channel", "direction", "agent", "disposition"]]
    touches += [
        [
            f"t{n}",
            f"a{n}@x.com",
            f"2026-11-{1 + n % 18:02d} 10:07",
            "call",
            "outbound",
            ATTACKS[n % len(ATTACKS)],
            SCRIPT,
        ]
        for n in range(120)
    ]
    hostile_rows("touches.csv", touches, crm)
    spend = [["date", "source", "campaign", "amount"], *(["2026-11-03", text, text, "10"] for text in ATTACKS)]
    hostile_rows("spend.csv", spend, crm)
    built = run_leadhouse("build", "--config", folder / "leadhouse.toml")
    assert built.returncode == 0, built.stderr
    assert not unsafe(built.stderr)
    assert r"\x1b[31m" in built.stderr
    return folder / "leadhouse.toml"


def warehouse_of(config: Path) -> Path:
    return config.parent / "warehouse" / "leadhouse.duckdb"


@pytest.mark.slow
def test_attacks_are_rows_like_any(hostile: Path) -> None:
    """Nothing was dropped, nothing ran: every attack is there as the text that it is."""
    rows = published_rows(warehouse_of(hostile), "SELECT count(*) AS n, count(DISTINCT source) AS s FROM marts.leads")
    assert rows == [{"n": 241, "s": len(ATTACKS) + 1}]
    names = {row["source"] for row in published_rows(warehouse_of(hostile), "SELECT DISTINCT source FROM marts.leads")}
    assert names == {*ATTACKS, HUGE}


@pytest.mark.slow
def test_exports_of_attacks_are_inert(hostile: Path, tmp_path: Path) -> None:
    metrics, quarantine = ("metrics", "--slice", "source"), ("quarantine", "export")
    for name, command in (("metrics", metrics), ("quarantine", quarantine)):
        for form in ("csv", "xlsx"):
            out = tmp_path / f"{name}.{form}"
            done = run_leadhouse(*command, "--config", hostile, "--format", form, "--out", out)
            assert done.returncode == 0, done.stderr
            if form == "csv":
                cells = [cell for row in csv.reader(out.open(encoding="utf-8-sig", newline="")) for cell in row]
                assert not [cell[:80] for cell in cells if runs(cell) and not _is_number(cell)]
                assert not unsafe("".join(cells)) - {"\r", "\u202e"}
            else:
                found = [cell for row in load_workbook(out).active for cell in row if isinstance(cell.value, str)]
                assert not [cell.value for cell in found if cell.data_type != "s"]
                cells = [cell.value for cell in found]
            assert any("cmd|" in cell for cell in cells) or name == "quarantine"
            assert any("onerror" in cell for cell in cells)


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", cell) is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    "slice_", ["source=' or 1=1", "source=x'; drop table marts.leads; --", "source' or '1'='1", "a;b"]
)
def test_a_filter_of_the_command_is_a_value(hostile: Path, slice_: str) -> None:
    done = run_leadhouse("metrics", "--config", hostile, "--slice", slice_, "--format", "json")
    if slice_ == "source=x'; drop table marts.leads; --":  # there is such a source
        assert {row["slice_value"] for row in json.loads(done.stdout)} == {"x'; drop table marts.leads; --"}
    else:
        assert done.returncode == 2
        assert done.stderr.startswith("error: ")
    assert not unsafe(done.stdout + done.stderr)
    assert published_rows(warehouse_of(hostile), "SELECT count(*) AS n FROM marts.leads")[0]["n"] == 241


@pytest.mark.slow
def test_tables_on_a_terminal_hold_no_escapes(hostile: Path) -> None:
    for command in (
        ["metrics", "--slice", "source", "--period", "week"],
        ["quarantine"],
        ["quarantine", "list", "--rows"],
    ):
        done = run_leadhouse(*command, "--config", hostile)
        assert done.returncode == 0, done.stderr
        assert not unsafe(done.stdout), command


@pytest.fixture(scope="module")
def site(hostile: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The dashboard of that brokerage: its address, and its log."""
    browser.chromium_or_skip()
    folder = tmp_path_factory.mktemp("site")
    failed = {"status": "failed", "finished_at": SCRIPT, "messages": [*ATTACKS, HUGE]}
    (warehouse_of(hostile).parent / "last_build.json").write_text(json.dumps(failed), encoding="utf-8")
    with browser.serving(warehouse_of(hostile), folder) as address:
        yield address, folder / "streamlit.log"


FOREIGN_LINKS = """
[...document.querySelectorAll('[data-testid=stApp] a[href]')]
    .filter(link => !['http:', 'https:', 'blob:'].includes(link.protocol) || link.host !== location.host)
    .map(link => link.href)
"""

VIEWS = {
    "weekly": "/?week=2026-11-09&period=trailing_4w&slice=source",
    "agent": "/?week=2026-11-09&period=trailing_4w&slice=agent&metric=leads_eligible",
    "one attack": f"/?week=2026-11-09&period=trailing_4w&slice=source&value={quote(ATTACKS[2])}",
    "the huge one": "/?week=2026-11-09&period=trailing_4w&slice=source&value=" + quote("Huge " + "x" * 3000),
    "list": "/?week=2026-11-09&period=trailing_4w&slice=all&list=leads",
    "list of one": f"/?week=2026-11-09&period=trailing_4w&slice=source&value={quote(SCRIPT)}&list=leads",
    **{part: f"/loaded?part={part}" for part in ("alerts", "sources", "loads", "checks", "builds")},
    "loaded": "/loaded?part=aside",
    "loaded of one": f"/loaded?source={quote(SCRIPT)}&reason={quote(ATTACKS[3])}&entity={quote(ATTACKS[4])}",
    "meaning": "/meaning",
    **{
        f"wrong address {number}": "/?"
        + "&".join(f"{part}={quote(text)}" for part in ("week", "period", "slice", "value", "metric", "list"))
        for number, text in enumerate((ATTACKS[0], ATTACKS[3], ATTACKS[7]))
    },
}


def _check_download(page: Any) -> None:
    """The file of the page's button: every attack in it is inert."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert any("onerror" in cell for cell in cells)
    assert not [cell[:80] for cell in cells if runs(cell) and not _is_number(cell)]


@pytest.mark.slow
@pytest.mark.browser
def test_no_page_runs_or_fetches_what_a_name_says(site: tuple[str, Path]) -> None:
    """Every page, list and wrong address in a real browser: text stays text, and nothing is asked of another host."""
    playwright = pytest.importorskip("playwright.sync_api")
    address, log = site
    with playwright.sync_playwright() as start:
        chromium = start.chromium.launch(executable_path=browser.chromium_or_skip(), args=browser.ARGUMENTS)
        page = chromium.new_page(accept_downloads=True, viewport={"width": 1366, "height": 900})
        page.set_default_timeout(60_000)
        foreign: list[str] = []
        page.on(
            "request",
            lambda sent: (
                foreign.append(sent.url)
                if not sent.url.startswith((address, "data:", "blob:", address.replace("http", "ws")))
                else None
            ),
        )
        page.on("dialog", lambda dialog: (foreign.append(f"dialog {dialog.message}"), dialog.dismiss()))
        for name, view in VIEWS.items():
            page.goto(address + view)
            page.wait_for_selector("h1")
            page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')", timeout=60_000)
            if "list=leads" in view:
                page.get_by_role("dialog").wait_for()
            page.wait_for_timeout(500)
            assert page.locator("[data-testid=stException]").count() == 0, (name, log.read_text())
            assert page.evaluate("window.__pwned") is None, name
            main = page.locator("[data-testid=stApp]")
            # A name may stand in the query of our own links, and nowhere else: no scheme but ours, no host but ours.
            assert page.evaluate(FOREIGN_LINKS) == [], name
            assert main.locator("img[src*=evil], img[src=x]").count() == 0, name
            assert main.locator(".katex, svg[onload], [onerror]").count() == 0, name
            assert "Traceback" not in log.read_text(), name
            if name == "one attack":
                assert ATTACKS[2] in main.inner_text().replace("\u2060", ""), "the page shows it, as text"
            if name in ("list", "loaded"):
                _check_download(page)
            if name == "agent":
                box = page.get_by_role("combobox", name=re.compile("Which agent"))
                box.scroll_into_view_if_needed()
                page.wait_for_timeout(500)  # a list that is opened while the page still scrolls closes again
                box.click()
                page.get_by_role("option", name="All together", exact=True).wait_for()
                assert page.evaluate("window.__pwned") is None
        shown = page.inner_text("[data-testid=stApp]").replace("\u2060", "")
        assert "<b>Harbor</b> & [x](http://evil.example) $1$" in shown
        chromium.close()
    assert foreign == []
    told = log.read_text()
    assert not [text for text in (*ATTACKS, "a1@x.com") if text in told], told
