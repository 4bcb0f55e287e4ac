"""What is damaged or failing when a build begins, and mended by it or by the next one."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from dagster_project.warehouse.published import examine, served_build
from tests.conftest import ROOT
from tests.faults.kit import Brokerage, blocks_of, damage, damage_block, reader

pytestmark = pytest.mark.faults


def history_of(brokerage: Brokerage) -> list[tuple[str, int]]:
    """(build, rows) of what history keeps, by the moment of publishing."""
    kept = brokerage.config.history_dir / "metric_weekly" / "*.parquet"
    with duckdb.connect() as connection:
        return connection.execute(
            f"SELECT build_id, count(*) FROM '{kept}' GROUP BY build_id ORDER BY min(published_at)"
        ).fetchall()


def test_a_working_database_damaged_inside_is_made_again(served: Brokerage, changed: Brokerage) -> None:
    """It opens; what is spoilt are rows. The same command notices, puts it aside and builds once more."""
    served.change()
    working = served.config.working_path
    for block in blocks_of(working, "raw.inquiries"):
        damage_block(working, block)
    with duckdb.connect(str(working)) as connection:
        assert connection.execute("SELECT count(*) FROM quality.load_log").fetchall()
    build = served.build()
    assert build.process.returncode == 0, build.text
    assert build.text.count("the working database is damaged") == 1
    assert served.figures() == changed.figures()
    assert [path.name for path in served.config.work_dir.glob("*.damaged")] == ["working.damaged"]


def test_files_cut_short_or_damaged_are_made_again(served: Brokerage, changed: Brokerage) -> None:
    """A kill can leave each of dbt's files cut short; then the served file is spoilt though no export is new."""
    served.change()
    target = served.config.work_dir / "dbt"
    for name in ("manifest.json", "partial_parse.msgpack", "run_results.json", "graph.gpickle"):
        whole = (target / name).read_bytes()
        (target / name).write_bytes(whole[: len(whole) // 2])
    damage(served.config.working_path, random.Random(3), where=(0, 0.0001))
    build = served.build()
    assert build.process.returncode == 0, build.text
    assert build.text.count("the working database does not open") == 1
    assert served.figures() == changed.figures()

    kept = history_of(served)
    for block in blocks_of(served.warehouse, "marts.metric_weekly"):
        damage_block(served.warehouse, block)
    assert examine(served.warehouse) == "ours"  # opening it tells nothing
    again = served.build()
    assert again.process.returncode == 0, again.text
    assert "leadhouse.duckdb cannot be read" in again.text
    assert served.figures() == changed.figures()
    assert history_of(served)[:-1] == kept
    assert (served.warehouse.parent / "leadhouse.duckdb.damaged").is_file()
    assert "nothing new" in served.build().text


def test_a_clock_set_back_keeps_the_order(served: Brokerage, changed: Brokerage) -> None:
    """As after a build whose clock was a day ahead: the next one is dated just after it, and says so."""
    ahead = "UPDATE {} SET {} = {} + INTERVAL 1 DAY"
    with duckdb.connect(str(served.warehouse)) as connection:
        connection.execute(ahead.format("quality.build", "built_at", "built_at"))
    with duckdb.connect(str(served.config.working_path)) as connection:
        connection.execute(ahead.format("quality.load_log", "loaded_at", "loaded_at"))
    before = served_build(served.warehouse)
    assert before is not None
    served.change()
    build = served.build()
    assert build.process.returncode == 0, build.text
    assert sum("the clock says" in line for line in build.lines) == 1
    after = served_build(served.warehouse)
    assert after is not None
    assert after["built_at"] == before["built_at"] + timedelta(microseconds=1)
    assert after["as_of"] > before["as_of"]
    assert served.figures() == changed.figures()
    assert history_of(served)[-1][0] == after["build_id"]
    versions = sorted(path.name for path in (served.config.raw_dir / "crm" / "inquiries").glob("*.parquet"))
    assert len(versions) == 2
    assert versions[-1].startswith(f"{after['built_at']:%Y%m%dT%H%M%S%f}")


def test_a_failing_dbt_test_is_served_to_nobody(served: Brokerage, changed: Brokerage) -> None:
    """A seed that breaks the structure, then is taken away: figures stay, then are those of a build from nothing."""
    before = served.warehouse.read_bytes()
    packaged = (ROOT / "seeds" / "metric_definitions.csv").read_text(encoding="utf-8")
    seed = served.folder / "seeds" / "metric_definitions.csv"
    seed.parent.mkdir()
    seed.write_text(packaged + next(line for line in packaged.splitlines() if line.startswith("leads,")) + "\n")
    told = served.file.read_text(encoding="utf-8")
    served.file.write_text(told + '\n[seeds]\npath = "seeds"\n', encoding="utf-8")
    served.change()
    with reader(served):
        failed = served.build()
        assert failed.process.returncode == 1
        assert any("dbt test" in line and "metric_definitions" in line for line in failed.errors)
        assert "damaged" not in failed.text
        assert served.warehouse.read_bytes() == before
        outcome = json.loads(served.config.last_build_path.read_text(encoding="utf-8"))
        assert outcome["status"] == "failed"
        served.file.write_text(told, encoding="utf-8")
        mended = served.build()
        assert mended.process.returncode == 0, mended.text
    assert served.figures() == changed.figures()


def _path(brokerage: Brokerage, name: str) -> Path:
    return brokerage.folder / "warehouse" / name


@pytest.mark.parametrize(
    ("place", "told", "code"),
    [("leadhouse.duckdb", "found a folder", 2), (".work", "found a file", 2), (".work/lock", "lock", 2)],
)
def test_something_else_in_the_place_of_ours_is_one_line(served: Brokerage, place: str, told: str, code: int) -> None:
    path = _path(served, place)
    path.rename(served.folder / "moved")
    if place == ".work":
        path.touch()
    else:
        path.mkdir()
    build = served.build()
    assert build.process.returncode == code, build.text
    (line,) = build.lines
    assert told in line
    assert str(path) in line


def test_a_database_of_somebody_else_is_never_replaced(served: Brokerage) -> None:
    served.warehouse.unlink()
    with duckdb.connect(str(served.warehouse)) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 42 AS answer")
    before = served.warehouse.read_bytes()
    build = served.build()
    assert build.process.returncode == 2
    assert "no build of Leadhouse wrote" in build.text
    assert served.warehouse.read_bytes() == before
