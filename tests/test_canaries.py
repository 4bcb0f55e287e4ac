"""Canaries in files and environment: names, phones, emails and secrets turn up where they belong and nowhere else.

Where they belong: the exports themselves, `raw/`, `refused/`, the working database, `marts` and `quality.quarantine` of
the published file, and what a person asks for row by row (`quarantine explain` and `export`, lists of leads, backups).
The name of a file, of a member of an archive and of a source is shown; so is a header's column, unless it could be
somebody's name or number.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from dagster_project.config import load_config
from dagster_project.errors import ConfigError, SourceUnreachable
from dagster_project.sources.discovery import discover
from dagster_project.sources.formats.archives import Spool
from tests.builds import published_rows
from tests.canary_kit import (
    CANARIES,
    FILES,
    HEAD,
    INQUIRIES,
    MAPPED,
    PEOPLE,
    PHONES,
    SECRET,
    SECRETS,
    WHO,
    environment,
    texts_below,
    write_exports,
)
from tests.conftest import LEADHOUSE, ROOT, run_leadhouse
from tests.dashboard.browser import free_port

REASONS = {
    *("missing_required", "unreadable_value", "unknown_word", "conflicting_id", "bad_quoting", "wrong_width"),
    *("unknown_currency", "bad_encoding", "huge_cell", "bad_json"),
}
BELONG = ("raw/", "refused/", "leadhouse.duckdb", ".work/working.duckdb", ".work/seeds/person_links.csv")
"""Below the warehouse's folder: what holds rows. `person_links` is the brokerage's own seed, copied."""

FILTERED = """
[source.table.drop]
Kind = ["${CANARY}", "x${CRM_TOKEN}"]
"""


@dataclass
class Brokerage:
    """A brokerage full of canaries, and what every command has said of it."""

    folder: Path
    said: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse" / "leadhouse.duckdb"

    def configure(self, more: str = "") -> None:
        toml = (
            HEAD
            + FILES
            + MAPPED.replace(
                '\n[[source.table]]\nentity = "touches"', FILTERED + '\n[[source.table]]\nentity = "touches"'
            )
        )
        (self.folder / "leadhouse.toml").write_text(toml + more, encoding="utf-8")

    def run(self, name: str, *arguments: str | Path) -> str:
        done = run_leadhouse(*arguments, "--config", self.folder / "leadhouse.toml", env=environment())
        self.said[name] = done.stdout + done.stderr
        self.codes[name] = done.returncode
        return self.said[name]


@pytest.fixture(scope="module")
def brokerage(tmp_path_factory: pytest.TempPathFactory) -> Brokerage:
    """Built, looked at in every way that names nobody, spoilt and refused in every way, all of it in real processes."""
    here = Brokerage(tmp_path_factory.mktemp("canaries") / "brokerage")
    write_exports(here.folder)
    here.configure('\n[seeds]\npath = "seeds"\n')
    here.run("build", "build")
    kept = here.folder.parent / "kept.duckdb"
    shutil.copy(here.warehouse, kept)
    outside = here.folder.parent
    calls: list[tuple[str, ...]] = [
        ("quarantine", "list"),
        ("quarantine", "list", "--rows"),
        ("quarantine", "list", "--rows", "--format", "json"),
        ("quarantine", "list", "--format", "csv"),
        ("quarantine", "history"),
        ("quarantine", "release", "--dry-run"),
        *(("metrics", "--period", "week", "--format", form) for form in ("table", "csv", "json")),
        *(("metrics", "--format", form, "--out", f"{outside}/metrics.{form}") for form in ("parquet", "xlsx")),
        ("person", "--email", PEOPLE[1]),
        ("person", "--person", "crm:P3"),
        ("person", "--phone", "no number at all"),
        ("backup", "--to", f"{outside}/backup"),
        ("backup", "--to", f"s3://key{SECRET}:{SECRET}@bucket/x?token={SECRET}"),
        ("retention", "--dry-run"),
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda call: here.run(" ".join(call[:6]), *call), calls))
    return here


@pytest.fixture(scope="module")
def refused(brokerage: Brokerage) -> Brokerage:
    """The same, after builds that are refused in every way; the last of them by dbt. Then one person is erased."""
    here = brokerage
    crm = here.folder / "crm"
    here.run("strict", "build", "--strict")
    headless = crm / "people-headless.csv"
    headless.write_text(f"{WHO},{PHONES[1]}\n{WHO},{PHONES[1]}\n", encoding="utf-8")
    (crm / "touches-bad.csv").write_bytes(b"\x00\x01\x02" + PEOPLE[0].encode() * 50 + b"\x00" * 5000)
    bad = [INQUIRIES, *(f"X{n},,{WHO},{PEOPLE[n % 4]},Zillow,no,,{PHONES[n % 4]}" for n in range(60))]
    (crm / "inquiries-bad.csv").write_text("\n".join(bad) + "\n", encoding="utf-8")
    here.run("refused", "build")
    here.run("list of a refused load", "quarantine", "list", "--rows")
    here.run("dry run of a refused load", "quarantine", "release", "--dry-run")
    for path in (headless, crm / "touches-bad.csv", crm / "inquiries-bad.csv"):
        path.unlink()
    packaged = (ROOT / "seeds" / "metric_definitions.csv").read_text(encoding="utf-8")
    seed = here.folder / "seeds" / "metric_definitions.csv"
    seed.write_text(packaged + next(line for line in packaged.splitlines() if line.startswith("leads,")) + "\n")
    with (crm / "inquiries.csv").open("ab") as file:
        file.write(f"Z1,,{WHO},2026-11-12 10:00,Zillow,no,,\n".encode())
    here.run("dbt", "build")
    seed.unlink()
    here.run("erase", "erase", "--person", "crm:P3", "--yes")
    return here


@pytest.mark.slow
def test_the_build_is_one_with_people_in_it(brokerage: Brokerage) -> None:
    """Where canaries belong, they are: else the other tests would pass of nothing."""
    assert brokerage.codes["build"] == 0, brokerage.said["build"]
    kept = brokerage.folder.parent / "kept.duckdb"
    names = {row["name"] for row in published_rows(kept, "SELECT DISTINCT name FROM marts.inquiries")}
    assert {PEOPLE[0], PEOPLE[2]} <= names
    rows = published_rows(kept, "SELECT reason, raw_text FROM quality.quarantine")
    assert {row["reason"] for row in rows} == REASONS
    told = {row["reason"] for row in rows if CANARIES.search(row["raw_text"])}
    assert told == REASONS - {"unknown_currency"}
    raw = texts_below(brokerage.folder / "warehouse" / "raw")
    assert len(raw) >= 7
    with duckdb.connect() as connection:
        pattern = str(brokerage.folder / "warehouse" / "raw" / "crm" / "inquiries" / "*.parquet")
        stored = connection.execute("SELECT * FROM read_parquet(?)", [pattern]).fetchall()
    assert CANARIES.search(str(stored))


@pytest.mark.slow
def test_no_command_names_anybody(refused: Brokerage) -> None:
    assert {name for name, text in refused.said.items() if CANARIES.search(text)} == set()
    failed = [(name.split(" ")[0], code) for name, code in sorted(refused.codes.items()) if code]
    assert failed == [("backup", 2), ("dbt", 1), ("person", 2), ("person", 2), ("refused", 1), ("strict", 1)], failed
    assert not [name for name, text in refused.said.items() if "Traceback" in text]
    assert "people-headless.csv" in refused.said["refused"]
    assert "inquiries-bad.csv" in refused.said["refused"]
    assert "touches-bad.csv" in refused.said["refused"]
    assert "dbt test" in refused.said["dbt"]
    assert "unknown_word" in refused.said["quarantine list --rows"]


@pytest.mark.slow
def test_strict_makes_warnings_critical(refused: Brokerage) -> None:
    """Of the same files: what the strict build ends with, the other one only warned of."""
    warnings = {line.removeprefix("warning: ") for line in refused.said["build"].splitlines() if "warning: " in line}
    errors = {line.removeprefix("error: ") for line in refused.said["strict"].splitlines() if "error: " in line}
    assert (refused.codes["build"], refused.codes["strict"]) == (0, 1)
    assert 'crm/inquiries.csv: column "Notes" is not known and ignored' in errors
    assert errors <= warnings


@pytest.mark.slow
def test_no_command_and_no_file_tells_a_secret(refused: Brokerage) -> None:
    assert {name for name, text in refused.said.items() if SECRETS.search(text)} == set()
    texts = texts_below(refused.folder / "warehouse") | texts_below(refused.folder.parent / "backup")
    assert {name for name, text in texts.items() if SECRETS.search(text)} == set()


@pytest.mark.slow
def test_logs_and_outcomes_below_the_warehouse_name_nobody(refused: Brokerage) -> None:
    texts = {
        name: text for name, text in texts_below(refused.folder / "warehouse").items() if not name.startswith(BELONG)
    }
    assert {"last_build.json", ".work/dbt/dbt.log", ".work/dbt/run_results.json"} <= texts.keys()
    assert any(name.startswith("history/metric_weekly/") for name in texts)
    assert {name for name, text in texts.items() if CANARIES.search(text)} == set()


@pytest.mark.slow
def test_history_and_the_exports_of_figures_name_nobody(brokerage: Brokerage) -> None:
    with duckdb.connect() as connection:
        for path in (brokerage.folder / "warehouse" / "history").rglob("*.parquet"):
            rows = connection.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
            assert not CANARIES.search(str(rows)), path
        exported = connection.execute(
            "SELECT * FROM read_parquet(?)", [str(brokerage.folder.parent / "metrics.parquet")]
        ).fetchall()
    assert len(exported) > 100
    assert not CANARIES.search(str(exported))


@pytest.mark.slow
def test_of_the_published_tables_only_those_of_rows_name_people(brokerage: Brokerage) -> None:
    kept = brokerage.folder.parent / "kept.duckdb"
    for table in ("check_results", "load_log", "sources", "build"):
        rows = published_rows(kept, f"SELECT * FROM quality.{table}")
        assert rows, table
        assert not CANARIES.search(str(rows)), table
    without_text = published_rows(kept, "SELECT * EXCLUDE (raw_text, found) FROM quality.quarantine")
    assert not CANARIES.search(str(without_text))
    for table in ("metric_weekly", "metric_definitions", "sla_policies"):
        assert not CANARIES.search(str(published_rows(kept, f"SELECT * FROM marts.{table}")))


@pytest.mark.slow
def test_the_dashboard_logs_nobody(brokerage: Brokerage) -> None:
    """Started by the command, looked at, stopped: its log."""
    port = str(free_port())
    command = [str(LEADHOUSE), "serve", "--config", str(brokerage.folder / "leadhouse.toml"), "--port", port]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(), cwd=brokerage.folder
    )
    try:
        assert server.stdout is not None
        assert "Leadhouse for Harbor" in server.stdout.readline()
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/?slice=source", timeout=5) as page:
                    assert not CANARIES.search(page.read().decode())
                break
            except OSError:
                assert server.poll() is None
                time.sleep(0.1)
        else:
            pytest.fail("the dashboard did not start")
    finally:
        server.terminate()
        log, _ = server.communicate(timeout=30)
    assert not CANARIES.search(log)
    assert not SECRETS.search(log)


@pytest.mark.slow
def test_help_tells_nothing_of_the_environment() -> None:
    for arguments in (["--help"], ["build", "--help"], ["quarantine", "--help"]):
        done = run_leadhouse(*arguments, env=environment())
        assert done.returncode == 0
        assert not SECRETS.search(done.stdout + done.stderr)


# -- a configuration that is wrong, each key by a value of the environment

PLACES = [
    *(f"[brokerage]\n{key} = {{}}" for key in ("timezone", "country", "week_start", "currency", "unknown")),
    *(f"[hours]\n{key} = {{}}" for key in ("mon", "holidays", "noday")),
    '[hours]\nmon = ["08:00", {}]',
    "[hours]\nholidays = [{}]",
    *(f"[rules]\n{key} = {{}}" for key in ("reopen_after_days", "contact_min_seconds", "next_morning_on")),
    *(f"[economics]\n{key} = {{}}" for key in ("default_agent_split", "feed_above_roi", "stop_below_roi")),
    "[retention]\npeople_days = {}",
    "[warehouse]\nfile = {}",
    "[seeds]\npath = {}",
    *(f"[[source]]\n{key} = {{}}" for key in ("kind", "timezone", "lead_grain", "mode", "covers_from", "token")),
    *(f"[[source]]\n{key} = {{}}" for key in ("calls_open_leads", "data_through", "id_space", "table", "path")),
    "[[source]]\nname = {}",
    *(
        f"[[source.table]]\n{key} = {{}}"
        for key in (
            *("entity", "file", "encoding", "delimiter", "quote", "escape", "decimal", "timezone", "skip_lines"),
            *("columns", "time_formats", "values", "durations", "two_digit_years_from", "expressions", "constants"),
            *("keep", "drop", "unknown"),
        )
    ),
    *(
        f"[[source.table]]\n[source.table.{section}]\n{key} = {{}}"
        for section, key in (
            *(("columns", "nothing"), ("time_formats", "event_at"), ("durations", "duration_seconds")),
            *(("expressions", "event_at"), ("constants", "is_spam"), ("constants", "nothing")),
        )
    ),
    "[[source.table]]\n[source.table.values.is_spam]\nx = {}",
]
GIVEN = {
    "[brokerage]": 'name = "Harbor"\ntimezone = "America/New_York"',
    "[[source]]": 'name = "crm"\nkind = "files"\npath = "crm"',
    "[[source.table]]": 'entity = "inquiries"\nfile = "*.csv"',
}


def configuration(place: str, value: str) -> str:
    """A whole configuration with one value at one place."""
    text = place.format(value)
    sections = ["[brokerage]", "[[source]]", *(["[[source.table]]"] if "source.table" in place else [])]
    for section in sections:
        if section not in text:
            text = f"{section}\n\n{text}" if section == "[[source]]" else f"{text}\n\n{section}\n"
    ordered = re.split(r"(?m)^(?=\[)", text)
    rank = ["[brokerage]", "[hours]", "[rules]", "[economics]", "[retention]", "[warehouse]", "[[source]]"]
    ordered.sort(key=lambda part: next((at for at, name in enumerate(rank) if part.startswith(name)), len(rank)))
    for section, lines in GIVEN.items():
        for line in lines.splitlines():
            key = line.split(" = ")[0]
            ordered = [
                part.replace(section, f"{section}\n{line}", 1)
                if part.startswith(section) and not re.search(rf"(?m)^{key} = ", part)
                else part
                for part in ordered
            ]
    return "\n".join(ordered)


def said_of(path: Path) -> str | None:
    """The error that a configuration is refused with; of one that can be used, what is warned of, if anything."""
    try:
        config = load_config(path, environment())
    except ConfigError as error:
        return str(error)
    assert SECRETS.search(config.model_dump_json()), "the value is used, else this proves nothing"
    return "\n".join(config.warnings) or None


@pytest.mark.parametrize(
    "value", ["${CANARY}", "a ${CANARY} b", "${CANARY_NUMBER}", "${CANARY_NEGATIVE}", "/${CANARY}/${CANARY}"]
)
@pytest.mark.parametrize("place", PLACES)
def test_a_wrong_value_from_the_environment_is_not_shown(tmp_path: Path, place: str, value: str) -> None:
    path = tmp_path / "leadhouse.toml"
    path.write_text(configuration(place, json.dumps(value)), encoding="utf-8")
    told = said_of(path)
    assert told is None or "leadhouse.toml: " in told
    assert "not valid TOML" not in (told or "")
    assert not SECRETS.search(told or "")


def test_a_folder_that_is_not_there_is_told_without_the_value(tmp_path: Path) -> None:
    (tmp_path / "leadhouse.toml").write_text(configuration("[[source]]\npath = {}", '"${CANARY}/exports"'))
    config = load_config(tmp_path / "leadhouse.toml", environment())
    with pytest.raises(SourceUnreachable, match=r"crm: found no folder the value of \$\{CANARY\}") as told:
        discover(config.sources[0], Spool(tmp_path / "spool"))
    assert not SECRETS.search(str(told.value))
