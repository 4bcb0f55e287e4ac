"""Backup and restore: what comes back is what was there, and what is not whole does not come back at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from dagster_project.backup import make as make_module
from dagster_project.backup.keep import list_snapshots, prune, verify_backup
from dagster_project.backup.make import BackupReport, make_backup
from dagster_project.backup.manifest import Snapshot, is_safe
from dagster_project.backup.restore import restore
from dagster_project.backup.store import BackupDamaged, Store
from dagster_project.config import load_config
from dagster_project.errors import ConfigError, CriticalProblem, LeadhouseError, SourceUnreachable
from dagster_project.state import Mute, open_state, read_state
from dagster_project.warehouse.published import keep_history
from dagster_project.warehouse.working import BuildLock
from tests.builds import metric_weekly
from tests.conftest import run_leadhouse
from tests.dashboard import published
from tests.ingest_kit import SOURCE, Kit

TOML = SOURCE + 'mode = "append"\n[seeds]\npath = "seeds"\n'
HEADER = "person_id,name,email"

MUTED_AT = datetime(2026, 11, 25, tzinfo=UTC)
MUTE = Mute("few_rows", "files", MUTED_AT + timedelta(days=3), "olga", "known", MUTED_AT, "warning")
FILES = 9
"""Of the brokerage of these tests: its configuration, seed, figures, outcome, raw, history, state, erasures."""


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published.write(tmp_path_factory.mktemp("figures") / "leadhouse.duckdb", weeks=3)


@pytest.fixture
def kit(tmp_path: Path, figures: Path) -> Kit:
    """A brokerage with everything that a backup holds."""
    kit = Kit(tmp_path / "house", TOML)
    kit.write("crm/people.csv", HEADER, "1,Ann,", "2,Bob,")
    kit.write("seeds/source_categories.csv", "pattern,category", "zillow,portal")
    kit.load()
    config = kit.config
    shutil.copy(figures, config.warehouse_path)
    keep_history(config.warehouse_path, config.history_dir)
    config.last_build_path.write_text('{"status": "succeeded"}', encoding="utf-8")
    with open_state(config.state_path) as state:
        state.mute(MUTE)
    config.erasure_dir.mkdir()
    (config.erasure_dir / "suppressed.csv").write_text("hash,at\nabc,2026-11-01\n", encoding="utf-8")
    return kit


@pytest.fixture(params=["folder", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where backups go: a folder, and an object store."""
    if request.param == "folder":
        yield str(tmp_path / "store")
        return
    yield "memory://store/of/backups"
    memory = fsspec.filesystem("memory")
    if memory.exists("/store"):
        memory.rm("/store", recursive=True)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "store")


def back_up(kit: Kit, url: str, **options: Any) -> BackupReport:
    return make_backup(kit.config, url, say=print, **options)


def objects(folder: str) -> list[Path]:
    return sorted(path for path in (Path(folder) / "objects").rglob("*") if path.is_file())


def content(folder: Path) -> dict[str, bytes]:
    """Every file that a backup holds, but for the state, whose bytes SQLite may order anew."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and ".work" not in path.parts
        and path.relative_to(folder).parts[0] != "crm"
        and path.name != "state.sqlite"
    }


# --- there and back --------------------------------------------------------------------------------------------------


def test_a_damaged_state_is_told_and_left_out(kit: Kit, folder: str, tmp_path: Path) -> None:
    kit.config.state_path.write_bytes(b"no database" * 1000)
    report = back_up(kit, folder)
    (problem,) = report.problems
    assert problem.startswith("state.sqlite: cannot be read")
    restore(folder, tmp_path / "back")
    assert not (tmp_path / "back" / "warehouse" / "state.sqlite").exists()
    with open_state(tmp_path / "back" / "warehouse" / "state.sqlite") as state:
        assert state.alerts() == []


def test_everything_comes_back(kit: Kit, url: str, tmp_path: Path) -> None:
    report = back_up(kit, url, verify=True)
    assert report.problems == ()
    before = content(kit.folder)
    assert len(before) == FILES - 1
    shutil.rmtree(kit.folder)
    restored = restore(url, tmp_path / "back")
    assert content(tmp_path / "back") == before
    with read_state(tmp_path / "back" / "warehouse" / "state.sqlite") as state:
        assert state.mutes(MUTED_AT) == [MUTE]
    rows = len(metric_weekly(tmp_path / "back" / "warehouse" / "leadhouse.duckdb"))
    assert restored.verified == (
        f"objects: {FILES} files, {report.snapshot.size:,} bytes, each with its SHA-256",
        "raw: 1 stored files hold every record they were written with",
        "history: 2 files can be read",
        "state: state.sqlite is sound",
        f"figures: {rows:,} rows of metric_weekly, the same as when they were backed up",
    )
    assert restored.to_do == (
        f'exports: expected in "crm", relative to {tmp_path / "back"}',
        f"then run: leadhouse build --config {tmp_path / 'back' / 'leadhouse.toml'}",
    )
    assert sorted(path.name for path in tmp_path.iterdir() if "restoring" in path.name) == []


def test_a_second_backup_sends_only_what_is_new(kit: Kit, url: str) -> None:
    first = back_up(kit, url)
    assert first.new_objects == len(first.snapshot.files) == FILES
    assert back_up(kit, url).new_objects == 0
    kit.write("crm/people-2.csv", HEADER, "3,Cid,")
    kit.load()
    third = back_up(kit, url)
    assert third.new_objects == 1
    assert third.new_bytes == next(kit.config.raw_dir.glob("crm/people/*-people-2.csv-*")).stat().st_size
    names = [found.name for found in list_snapshots(url) if isinstance(found, Snapshot)]
    assert len(names) == 3
    assert [verdict.problems for verdict in verify_backup(url)] == [(), (), ()]


def test_any_snapshot_can_be_restored(kit: Kit, url: str, tmp_path: Path) -> None:
    first = back_up(kit, url)
    before = content(kit.folder)
    kit.write("seeds/source_categories.csv", "pattern,category", "zillow,website")
    back_up(kit, url)
    restore(url, tmp_path / "back", first.snapshot.name)
    assert content(tmp_path / "back") == before
    with pytest.raises(ConfigError, match=f'found "yesterday", expected .*{first.snapshot.name}'):
        restore(url, tmp_path / "again", "yesterday")


def test_a_snapshot_is_the_newest_also_when_the_clock_was_set_back(
    kit: Kit, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(kit, folder)

    class Past(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(2020, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(make_module, "datetime", Past)
    later = back_up(kit, folder).snapshot
    assert later.created_at.startswith("2020")
    assert Store(folder, "--from").snapshots()[-1] == later.name


def test_without_figures_there_is_still_a_backup(kit: Kit, folder: str, tmp_path: Path) -> None:
    kit.config.warehouse_path.unlink()
    assert back_up(kit, folder).snapshot.name.endswith("-unpublished")
    assert "no published file" in " ".join(restore(folder, tmp_path / "back").verified)


def test_two_brokerages_of_one_folder_each_have_their_own(kit: Kit, folder: str, tmp_path: Path) -> None:
    kit.toml += '[warehouse]\npath = "warehouse/other.duckdb"\n'
    kit.load()
    report = back_up(kit, folder)
    paths = {entry.path for entry in report.snapshot.files}
    assert not [path for path in paths if path.startswith(("warehouse/raw/", "warehouse/history/"))]
    assert [path for path in paths if path.startswith("warehouse/raw-other/crm/people/")]
    restore(folder, tmp_path / "back")


def test_a_warehouse_outside_the_folder_is_restored_inside_and_told(kit: Kit, folder: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.move(kit.folder / "warehouse", elsewhere)
    shutil.move(kit.folder / "seeds", tmp_path / "my-seeds")
    kit.toml = TOML.replace('"seeds"', '"../my-seeds"') + f'[warehouse]\npath = "{elsewhere}/leadhouse.duckdb"\n'
    back_up(kit, folder)
    restored = restore(folder, tmp_path / "back")
    assert (tmp_path / "back" / "warehouse" / "leadhouse.duckdb").is_file()
    assert (tmp_path / "back" / "seeds" / "source_categories.csv").is_file()
    told = {line.split()[1]: line for line in restored.to_do if "outside the folder" in line}
    assert set(told) == {"warehouse.path", "seeds.path"}
    assert 'set it to "warehouse/leadhouse.duckdb"' in told["warehouse.path"]


def test_what_the_environment_held_is_neither_kept_nor_shown(
    kit: Kit, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = kit.config.file
    text = config.read_text(encoding="utf-8").replace('path = "crm"', 'path = "${EXPORTS}"')
    config.write_text(text, encoding="utf-8")
    monkeypatch.setenv("EXPORTS", "canary")
    make_backup(load_config(config), folder, say=print)
    monkeypatch.delenv("EXPORTS")
    lines = " ".join(restore(folder, tmp_path / "back").to_do)
    assert 'exports: expected in "${EXPORTS}"' in lines
    assert "expected that environment variable to be set" in lines
    assert not [path for path in Path(folder).rglob("*") if path.is_file() and b"canary" in path.read_bytes()]


# --- what is not whole -----------------------------------------------------------------------------------------------


def change_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "harm",
    [change_byte, Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-1]),
     lambda path: path.write_bytes(path.read_bytes() + b"x")],
    ids=["changed", "dropped", "shorter", "longer"],
)  # fmt: skip
def test_no_harmed_object_is_restored(kit: Kit, folder: str, tmp_path: Path, harm: Callable[[Path], Any]) -> None:
    """Each object in turn."""
    back_up(kit, folder)
    for harmed in objects(folder):
        good = harmed.read_bytes()
        harm(harmed)
        with pytest.raises(BackupDamaged, match=harmed.name) as told:
            restore(folder, tmp_path / "back")
        assert "\n" not in str(told.value)
        ((problem,),) = (verdict.problems for verdict in verify_backup(folder))
        assert harmed.name in problem
        assert [path.name for path in tmp_path.iterdir() if path.name not in ("house", "store")] == []
        harmed.write_bytes(good)
    restore(folder, tmp_path / "back")


def tampered(folder: str, change: Callable[[dict[str, Any]], Any], *, sealed: bool) -> None:
    """Change the newest manifest; `sealed`: as somebody would who knows how its digest is made."""
    path = max((Path(folder) / "snapshots").iterdir())
    told = json.loads(path.read_text(encoding="utf-8"))
    digest = told.pop("sha256")
    change(told)
    if sealed:
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps(told | {"sha256": digest}), encoding="utf-8")


HOSTILE = ["../evil", "/tmp/evil", "a/../../evil", "..", ".", "", "a//b", "..\\evil", "C:evil", "a\0b", "a/", "~\n/x"]


@pytest.mark.parametrize("path", HOSTILE)
def test_a_manifest_cannot_write_outside(kit: Kit, folder: str, tmp_path: Path, path: str) -> None:
    back_up(kit, folder)
    before = sorted(tmp_path.rglob("*"))

    def lead_out(told: dict[str, Any]) -> None:
        told["files"][-1]["path"] = path

    tampered(folder, lead_out, sealed=True)
    with pytest.raises(BackupDamaged, match="leads out of the folder"):
        restore(folder, tmp_path / "back")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("path", ["a", "warehouse/raw/x y/ö.parquet", "..a/b", "a/..b", "~a"])
def test_plain_paths_are_allowed(path: str) -> None:
    assert is_safe(path)


def set_(key: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda told: told.update({key: value})


def of_first(key: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda told: told["files"][0].update({key: value})


@pytest.mark.parametrize(
    ("change", "sealed", "words"),
    [
        (set_("brokerage", "Other"), False, "changed after it was written"),
        (lambda told: told["files"].pop(), False, "changed after it was written"),
        (lambda told: told["files"].append(told["files"][0]), True, "one path twice"),
        (lambda told: told["files"].append(told["files"][0] | {"path": "leadhouse.toml/x"}), True, "one path twice"),
        (set_("config", "../x.toml"), True, "leads out"),
        (set_("erasure", "/etc"), True, "leads out"),
        (set_("outside", {"warehouse.path": "../x"}), True, "leads out"),
        (of_first("sha256", "../../../etc/passwd"), True, "no backup writes"),
        (of_first("size", -1), True, "no backup writes"),
        (of_first("size", 10**15), True, "other content"),
        (of_first("size", 1), True, "more than 1 bytes"),
        (of_first("mode", "rwx"), True, "no backup writes"),
        (set_("files", {}), True, "found no leadhouse.toml in it"),
        (set_("warehouse", "warehouse/other.duckdb"), True, "found no warehouse/other.duckdb in it"),
        (set_("version", "1\x1b[2J"), True, "no backup writes"),
        (set_("figures", {"rows": 1, "sha256": "0" * 64}), True, "expected the 1 that were backed up"),
        (set_("name", "20200101T000000Z-x"), True, "another snapshot's"),
        (set_("format", 2), True, "newer version of Leadhouse"),
        (lambda told: told.pop("files"), True, "no backup writes"),
    ],
)
def test_a_manifest_that_no_backup_wrote_restores_nothing(
    kit: Kit, folder: str, tmp_path: Path, change: Callable[[dict[str, Any]], Any], sealed: bool, words: str
) -> None:
    back_up(kit, folder)
    tampered(folder, change, sealed=sealed)
    with pytest.raises(CriticalProblem, match=words):
        restore(folder, tmp_path / "back")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["house", "store"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"sha256": 1}', "[" * 100_000])
def test_half_a_manifest_is_told(kit: Kit, folder: str, tmp_path: Path, text: str) -> None:
    first = back_up(kit, folder).snapshot.name
    (Path(folder) / "snapshots" / "20990101T000000Z-x.json").write_text(text, encoding="utf-8")
    with pytest.raises(BackupDamaged, match="20990101T000000Z-x"):
        restore(folder, tmp_path / "back")
    with pytest.raises(BackupDamaged, match="20990101T000000Z-x"):
        prune(folder, 1)
    assert len(objects(folder)) == FILES
    assert [isinstance(found, BackupDamaged) for found in list_snapshots(folder)] == [False, True]
    assert back_up(kit, folder).new_objects == 0  # a bad neighbour does not stop the next backup
    restore(folder, tmp_path / "back")
    assert first in Store(folder, "--from").snapshots()


def test_verify_at_backup_sends_damaged_objects_again(
    kit: Kit, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    back_up(kit, folder)
    harmed = objects(folder)[3]
    change_byte(harmed)
    back_up(kit, folder, verify=True)
    assert f"{harmed.name}: found other content" in capsys.readouterr().out
    assert [verdict.problems for verdict in verify_backup(folder)] == [(), ()]


def test_damaged_raw_is_backed_up_as_it_is_and_told_each_time(kit: Kit, folder: str, tmp_path: Path) -> None:
    (stored,) = kit.config.raw_dir.rglob("*.parquet")
    stored.write_bytes(stored.read_bytes()[:-20])
    for _ in range(2):
        report = back_up(kit, folder)
        (problem,) = report.problems
        assert stored.name in problem
        assert "damaged" in problem
    restored = restore(folder, tmp_path / "back")
    assert [line for line in restored.verified if line.startswith("warning:") and stored.name in line]


def test_a_file_that_changes_while_it_is_copied_leaves_no_wrong_object(
    kit: Kit, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = kit.config
    right = make_module.digest_of

    def then_changed(path: Path) -> tuple[str, int]:
        found = right(path)
        if path.name == "last_build.json":
            path.write_text('{"status": "SUCCEEDED"}', encoding="utf-8")
        return found

    monkeypatch.setattr(make_module, "digest_of", then_changed)
    with pytest.raises(CriticalProblem, match=r"last_build\.json: it changed while it was copied"):
        make_backup(config, folder, say=print)
    monkeypatch.undo()
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == path.name for path in objects(folder))
    assert Store(folder, "--from").snapshots() == []
    assert back_up(kit, folder).new_objects == 1


# --- erasures --------------------------------------------------------------------------------------------------------


def test_an_older_snapshot_comes_back_with_the_newest_erasures(kit: Kit, url: str, tmp_path: Path) -> None:
    first = back_up(kit, url).snapshot
    second = back_up(kit, url).snapshot
    assert restore(url, tmp_path / "same", first.name).to_do[0].startswith("exports")
    (kit.config.erasure_dir / "suppressed.csv").write_text("hash,at\nabc,1\ndef,2\n", encoding="utf-8")
    (kit.config.erasure_dir / "more.csv").write_text("x\n", encoding="utf-8")
    newest = back_up(kit, url).snapshot
    for name in (first.name, second.name):
        restored = restore(url, tmp_path / name, name)
        assert f"erasures: taken from the newest snapshot {newest.name}" in restored.to_do[0]
        assert "the next build applies them" in restored.to_do[0]
        assert content(tmp_path / name / "warehouse" / "erasure") == content(kit.config.erasure_dir)


def test_where_the_newest_erasures_cannot_be_known_nothing_older_is_restored(
    kit: Kit, folder: str, tmp_path: Path
) -> None:
    first = back_up(kit, folder).snapshot
    back_up(kit, folder)
    change_byte(max((Path(folder) / "snapshots").iterdir()))
    with pytest.raises(BackupDamaged, match="may hold erasures"):
        restore(folder, tmp_path / "back", first.name)


# --- killed ----------------------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from dagster_project.backup import make, restore, store
calls, at = [0], int(sys.argv[1])

def counted(function):
    def call(*arguments, **options):
        calls[0] += 1
        if calls[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

class Os:
    fsync, replace = staticmethod(counted(os.fsync)), staticmethod(counted(os.replace))
    def __getattr__(self, name):
        return getattr(os, name)

store.os = restore.os = Os()
restore._verified = counted(restore._verified)
restore._take_place = counted(restore._take_place)
if sys.argv[2] == "backup":
    from dagster_project.config import load_config
    make.make_backup(load_config(Path(sys.argv[3])), sys.argv[4], say=print)
else:
    restore.restore(sys.argv[3], Path(sys.argv[4]))
print(calls[0])
"""


def run_killed(at: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(at), *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_a_backup_killed_at_any_moment_is_none_and_the_next_finishes(kit: Kit, tmp_path: Path) -> None:
    config = kit.config.file
    counted = run_killed(0, "backup", config, tmp_path / "whole")
    calls = int(counted.stdout)
    assert calls >= 2 * 8 + 2, counted.stderr
    target = str(tmp_path / "store")
    for moment in (1, 2, 3, calls // 2, calls - 3, calls - 2, calls - 1, calls):
        shutil.rmtree(target, ignore_errors=True)
        done = run_killed(moment, "backup", config, target)
        assert done.returncode == -signal.SIGKILL, (moment, done.stderr)
        assert Store(target, "--from").snapshots() == [], moment
        assert all(hashlib.sha256(path.read_bytes()).hexdigest() == path.name
                   for path in objects(target) if not path.name.startswith("."))  # fmt: skip
        already = len([path for path in objects(target) if not path.name.startswith(".")])
        assert back_up(kit, target).new_objects == FILES - already
        assert prune(target, 1) == ([], 0)
        assert len(objects(target)) == FILES  # what the killed one left unfinished is gone
        restore(target, tmp_path / f"back-{moment}")
        assert content(tmp_path / f"back-{moment}") == content(kit.folder)


def test_a_killed_second_backup_leaves_the_first(kit: Kit, folder: str, tmp_path: Path) -> None:
    first = back_up(kit, folder).snapshot.name
    kit.write("crm/people-2.csv", HEADER, "3,Cid,")
    kit.load()
    assert run_killed(3, "backup", kit.config.file, folder).returncode == -signal.SIGKILL
    assert Store(folder, "--from").snapshots() == [first]
    with pytest.raises(CriticalProblem, match="a backup is under way, or was stopped"):
        prune(folder, 1)  # somebody else may be sending what no snapshot names yet
    restore(folder, tmp_path / "back")
    back_up(kit, folder)
    prune(folder, 2)
    assert [verdict.problems for verdict in verify_backup(folder)] == [(), ()]


def test_a_killed_restore_leaves_nothing_that_looks_whole(kit: Kit, folder: str, tmp_path: Path) -> None:
    back_up(kit, folder)
    calls = int(run_killed(0, "restore", folder, tmp_path / "whole").stdout)
    assert calls == FILES + 2
    back = tmp_path / "back"
    for moment in (1, 4, calls - 1, calls):
        assert run_killed(moment, "restore", folder, back).returncode == -signal.SIGKILL
        assert not back.exists()
        assert [path.name for path in tmp_path.glob(".back.restoring-*")]
    restore(folder, back)
    assert content(back) == content(kit.folder)
    assert not list(tmp_path.glob(".back.restoring-*"))


# --- keeping ---------------------------------------------------------------------------------------------------------


def test_prune_keeps_the_newest_and_what_they_need(kit: Kit, url: str, tmp_path: Path) -> None:
    names = []
    for number in range(4):
        kit.write("seeds/source_categories.csv", "pattern,category", f"zillow,{number}")
        names.append(back_up(kit, url).snapshot.name)
    assert len(Store(url, "--from").objects()) == FILES + 3
    assert prune(url, 2) == (names[:2], 2)
    assert Store(url, "--from").snapshots() == names[2:]
    assert len(Store(url, "--from").objects()) == FILES + 1
    assert [verdict.problems for verdict in verify_backup(url)] == [(), ()]
    assert prune(url, 5) == ([], 0)
    restore(url, tmp_path / "back", names[2])


def test_a_forgotten_mark_does_not_stop_prune(kit: Kit, folder: str) -> None:
    back_up(kit, folder)
    mark = Path(folder) / "writing" / f"{datetime.now(UTC) - timedelta(hours=1):%Y%m%dT%H%M%SZ}"
    mark.touch()
    with pytest.raises(CriticalProblem, match="under way"):
        prune(folder, 1)
    mark.rename(mark.with_name(f"{datetime.now(UTC) - timedelta(days=2):%Y%m%dT%H%M%SZ}"))
    assert prune(folder, 1) == ([], 0)


# --- where it can be -------------------------------------------------------------------------------------------------


def test_a_backup_holds_the_lock_of_builds(kit: Kit, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config, seen = kit.config, []

    def put(self: Store, source: Path, sha256: str, size: int) -> None:
        with pytest.raises(CriticalProblem, match="another build"), BuildLock(config, wait_seconds=0):
            pass
        seen.append(sha256)
        raise CriticalProblem("stop here")

    monkeypatch.setattr(Store, "put_file", put)
    with pytest.raises(CriticalProblem, match="stop here"):
        make_backup(config, folder, say=print)
    assert len(seen) == 1
    with BuildLock(config, wait_seconds=0):
        pass


def test_a_store_is_one_brokerages_and_lies_elsewhere(kit: Kit, folder: str, tmp_path: Path) -> None:
    back_up(kit, folder)
    other = Kit(tmp_path / "other", SOURCE)
    other.write("crm/people.csv", HEADER, "1,Ann,")
    config = other.config
    renamed = config.file.read_text(encoding="utf-8").replace('"Harbor"', '"Main"')
    config.file.write_text(renamed, encoding="utf-8")
    with pytest.raises(ConfigError, match='found the backups of "Harbor"'):
        make_backup(load_config(config.file), folder, say=print)
    for inside in (kit.config.raw_dir / "x", kit.config.history_dir, kit.folder / "crm" / "backup"):
        with pytest.raises(ConfigError, match="expected one elsewhere"):
            back_up(kit, str(inside))
    with pytest.raises(ConfigError, match="expected a folder"):
        back_up(kit, str(kit.config.file))
    with pytest.raises(ConfigError, match="expected a new or empty folder"):
        restore(folder, kit.folder)
    (tmp_path / "link").symlink_to(tmp_path / "absent")
    with pytest.raises(ConfigError, match="expected a new or empty folder"):
        restore(folder, tmp_path / "link")
    (tmp_path / "empty").mkdir()
    restore(folder, tmp_path / "empty")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://bucket/folder", "the package s3fs, which is not installed: pip install s3fs"),
        ("gs://bucket", "the package gcsfs"),
        ("az://container/x", "the package adlfs"),
        ("sftp://joe:canary-secret@host/x", "the package paramiko"),
        ("nonsense://joe:canary-secret@host/x", r'found "nonsense://\*\*\*@host/x", expected a folder or a URL'),
        ("simplecache::s3://bucket", "expected a folder or a URL"),
        ("", "expected a folder or a URL"),
        ("http://[x", "expected a folder or a URL"),
    ],
)
def test_a_driver_that_is_missing_is_named(url: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("s3fs", "gcsfs", "adlfs", "paramiko"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match=words) as told:
        Store(url, "--to")
    assert "canary-secret" not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_server_that_does_not_answer_is_one_line_without_the_credentials(kit: Kit) -> None:
    """A driver that connects when it is made, as that of FTP does."""
    with pytest.raises(SourceUnreachable, match=r"^ftp://\*\*\*@127\.0\.0\.1:1/x: ConnectionRefusedError") as told:
        back_up(kit, "ftp://canary-key:canary%2Dsecret@127.0.0.1:1/x")
    assert "canary" not in str(told.value)


def test_a_store_that_fails_is_one_line_without_the_secret(
    kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no answer for memory://joe:canary-secret@host\nsecond line")

    monkeypatch.setattr(MemoryFileSystem, "_open", fail)
    with pytest.raises(SourceUnreachable, match=r"RuntimeError: no answer for memory://\*\*\*@host second") as told:
        back_up(kit, "memory://joe:canary-secret@host/x")
    assert "canary-secret" not in str(told.value)
    monkeypatch.undo()
    store = tmp_path / "file"
    store.write_text("x")
    with pytest.raises(LeadhouseError, match="Not a directory"):
        back_up(kit, str(store / "below"))


# --- the command -----------------------------------------------------------------------------------------------------


def test_the_command(kit: Kit, folder: str, tmp_path: Path) -> None:
    config = kit.config.file
    done = run_leadhouse("backup", "--config", config, "--to", folder)
    assert (done.returncode, done.stderr) == (0, "backing up Harbor\n")
    name, _, rest = done.stdout.partition(": ")
    assert rest.startswith(f"{FILES} files, ")
    listed = run_leadhouse("backup", "list", "--from", folder)
    assert listed.stdout.split()[0] == name
    assert run_leadhouse("backup", "verify", "--from", folder).stdout.startswith(f"{name}: whole, {FILES} files")
    back = tmp_path / "back"
    restored = run_leadhouse("restore", "--from", folder, "--to", back)
    assert restored.returncode == 0, restored.stderr
    assert len([line for line in restored.stdout.splitlines() if line.startswith("verified ")]) == 5
    figures = [run_leadhouse("metrics", "--config", c, "--format", "csv") for c in (config, back / "leadhouse.toml")]
    assert figures[0].stdout == figures[1].stdout
    assert figures[0].stdout.count("\n") > 100
    assert run_leadhouse("backup", "prune", "--from", folder, "--keep", "1").returncode == 0
    change_byte(objects(folder)[0])
    for arguments in (("backup", "verify", "--from", folder), ("restore", "--from", folder, "--to", tmp_path / "x")):
        failed = run_leadhouse(*arguments)
        assert failed.returncode == 1
        assert [line.startswith("error: ") for line in failed.stderr.splitlines()] == [True]
    for wrong in (("backup",), ("backup", "list", "--from", tmp_path / "no"), ("restore", "--from", folder)):
        assert run_leadhouse(*wrong).returncode == 2


@pytest.mark.slow
def test_a_brokerage_that_is_lost_comes_back(tmp_path: Path) -> None:
    """Build, back up, lose everything but the exports, restore: the same figures, and builds that go on."""
    house, store = tmp_path / "house", tmp_path / "store"
    config = house / "leadhouse.toml"
    run_leadhouse("init", house)
    text = config.read_text(encoding="utf-8")
    assert run_leadhouse("build", "--config", config).returncode == 0
    before = run_leadhouse("metrics", "--config", config, "--format", "csv").stdout
    rows = metric_weekly(house / "warehouse" / "leadhouse.duckdb")
    assert run_leadhouse("backup", "--config", config, "--to", store).returncode == 0
    shutil.move(house / "exports", tmp_path / "exports")
    shutil.rmtree(house)
    restored = run_leadhouse("restore", "--from", store, "--to", house)
    assert restored.returncode == 0, restored.stderr
    assert f'exports: expected in "exports", relative to {house}' in restored.stdout
    assert config.read_text(encoding="utf-8") == text
    assert run_leadhouse("metrics", "--config", config, "--format", "csv").stdout == before
    shutil.move(tmp_path / "exports", house / "exports")
    again = run_leadhouse("build", "--config", config)
    assert again.returncode == 0
    assert "nothing new" in again.stderr
    assert run_leadhouse("build", "--config", config, "--full-refresh").returncode == 0
    assert metric_weekly(house / "warehouse" / "leadhouse.duckdb") == rows
