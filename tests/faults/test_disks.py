"""Full disks and folders that cannot be written: one line, nothing lost or left, and the next build completes."""

from __future__ import annotations

import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dagster_project.dbt_project import prepare_seeds
from dagster_project.disk import disk_trouble
from dagster_project.errors import CriticalProblem
from dagster_project.session import Session, record_outcome
from dagster_project.warehouse.published import keep_history, publish, served_build
from tests.faults.kit import Brokerage, copy_of, fill, reader, small_disk, without_privilege
from tests.faults.test_moments import HEAD, build_row, working_with
from tests.ingest_kit import SOURCE, Kit

pytestmark = pytest.mark.faults


def test_builds_on_a_full_disk(built: Brokerage, changed: Brokerage, tmp_path: Path) -> None:
    """Full while dbt computes, and later; then there is room again. The exports cannot be written at all."""
    with small_disk(tmp_path / "disk", 160) as disk:
        served = copy_of(built, disk / "served")
        served.change()
        _close(served.folder / "exports")
        before = served.warehouse.read_bytes()
        used = shutil.disk_usage(disk).used
        with reader(served):
            for leave in (100_000, 1_200_000):
                ballast = fill(disk, leave=leave)
                failed = served.build(command=without_privilege())
                assert failed.process.returncode == 1, (leave, failed.text)
                assert len(failed.errors) == 1, (leave, failed.text)
                assert "no space left on the disk" in failed.errors[0]
                assert str(served.folder) in failed.errors[0]
                assert "damaged" not in failed.text
                assert served.warehouse.read_bytes() == before
                assert served.temporary_files() == []
                ballast.unlink()
            assert shutil.disk_usage(disk).used < used + 60_000_000
            mended = served.build(command=without_privilege())
            assert mended.process.returncode == 0, mended.text
        assert served.figures() == changed.figures()


def test_builds_that_may_write_no_large_file(served: Brokerage) -> None:
    """A quota on the size of files: the same fault where no disk can be mounted."""
    served.change()
    before = served.warehouse.read_bytes()
    limit = "3000000"  # bytes: less than the published file
    failed = served.build("--full-refresh", command=("prlimit", f"--fsize={limit}"))
    assert failed.process.returncode == 1, failed.text
    assert "no space left on the disk" in failed.text
    assert served.warehouse.read_bytes() == before


def test_raw_on_a_full_disk_is_not_the_exports_fault(tmp_path: Path) -> None:
    kit = Kit(tmp_path, SOURCE)
    rows = [f"{n},{n % 7},2026-11-10T10:00:00Z,call,outbound,human,{hash(str(n))}" for n in range(30_000)]
    kit.write("crm/touches.csv", HEAD, *rows)
    with small_disk(kit.config.raw_dir, 2) as raw:
        ballast = fill(raw, leave=60_000)
        with pytest.raises(CriticalProblem, match="no space left on the disk") as refused:
            kit.load()
        assert str(raw) in refused.value.messages[0]
        assert "touches.csv" not in refused.value.messages[0]
        assert list(raw.rglob("*.tmp")) == []
        assert kit.rows("SELECT count(*) FROM raw.touches") == [(0,)]
        ballast.unlink()
        kit.load()
        assert kit.rows("SELECT count(*) FROM raw.touches") == [(30_000,)]


def test_a_full_disk_is_named_by_what_was_written_there(tmp_path: Path) -> None:
    """Not by what was read: the seeds are copied from one disk to another."""
    kit = Kit(tmp_path)
    with small_disk(kit.config.work_dir, 1) as work:
        fill(work, leave=0)
        with pytest.raises(OSError, match="No space left") as refused:
            prepare_seeds(kit.config)
        line = disk_trouble(refused.value, kit.config.warehouse_path.parent)
        assert line is not None
        assert line.startswith(f"{work}")


def test_publishing_on_a_full_disk(tmp_path: Path) -> None:
    works = [working_with(tmp_path, version) for version in range(2)]
    with small_disk(tmp_path / "out", 24) as out:
        target = out / "leadhouse.duckdb"
        publish(works[0], target, build_row(0))
        before = target.read_bytes()
        for leave in (50_000, len(before) // 3, len(before) * 2 // 3):
            ballast = fill(out, leave=leave)
            with pytest.raises(Exception, match="No space left on device"):
                publish(works[1], target, build_row(1))
            assert target.read_bytes() == before
            ballast.unlink()
            assert [path.name for path in out.iterdir()] == ["leadhouse.duckdb"]
        publish(works[1], target, build_row(1))
        served = served_build(target)
        assert served is not None
        assert served["build_id"] == "1"


def test_history_on_a_full_disk_is_kept_later(tmp_path: Path) -> None:
    target = tmp_path / "leadhouse.duckdb"
    publish(working_with(tmp_path, 1), target, build_row(1))
    with small_disk(tmp_path / "history", 2) as history:
        ballast = fill(history, leave=20_000)
        with pytest.raises(Exception, match="No space left on device"):
            keep_history(target, history)
        assert [path for path in history.rglob("*") if path.is_file()] == [ballast]
        ballast.unlink()
        keep_history(target, history)
        assert len(list((history / "metric_weekly").iterdir())) == 1


def test_an_outcome_that_cannot_be_written_changes_no_outcome(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path / "warehouse", 1) as folder:
        fill(folder, leave=0)
        session = Session(Kit(tmp_path).config)
        record_outcome(session)
        assert session.exit_code == 0
        assert [path.name for path in folder.iterdir()] == ["ballast"]
    told = capsys.readouterr().err
    assert told.startswith("warning: last_build.json could not be written")
    assert "no space left on the disk" in told
    assert datetime.now(UTC) > session.started_at


def _close(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))


def _open(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | stat.S_IWUSR)


@pytest.mark.parametrize("place", ["", ".work", "raw", "history"])
def test_a_folder_that_cannot_be_written_is_told_before_anything_is_touched(served: Brokerage, place: str) -> None:
    served.change()
    folder = served.folder / "warehouse" / place
    files = {path: path.stat().st_mtime_ns for path in (served.folder / "warehouse").rglob("*")}
    folder.chmod(0o555)
    try:
        refused = served.build(command=without_privilege())
    finally:
        folder.chmod(0o755)
    assert refused.process.returncode == 2, refused.text
    (line,) = refused.lines
    assert line.startswith(f"error: {folder}: found a folder that cannot be written")
    assert files == {path: path.stat().st_mtime_ns for path in (served.folder / "warehouse").rglob("*")}


def test_a_folder_of_raw_that_cannot_be_written(served: Brokerage) -> None:
    """Deeper down it is met while reading: one line, exit 1, and the build after that completes (with all others)."""
    served.change()
    before = served.warehouse.read_bytes()
    folder = served.config.raw_dir / "crm" / "inquiries"
    folder.chmod(0o555)
    try:
        failed = served.build(command=without_privilege())
    finally:
        folder.chmod(0o755)
    assert failed.process.returncode == 1, failed.text
    (line,) = failed.errors
    assert line.startswith(f"error: {folder}: found a folder or file that cannot be written")
    assert served.warehouse.read_bytes() == before


def test_an_out_folder_that_cannot_be_written(served: Brokerage, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    refused = served.build("--out", str(closed / "then.duckdb"), command=without_privilege())
    assert refused.process.returncode == 2
    assert refused.text.startswith(f"error: {closed}: found a folder that cannot be written")
