"""Commands that read the served file tell of a damaged one in a line."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.conftest import run_leadhouse
from tests.ingest_kit import Kit

CALLS = (("person", "--email", "ann@example.com"), ("erase", "--email", "ann@example.com", "--yes"), ("retention",))


def cut_inside(path: Path) -> None:
    """A database of ours that opens, and whose tables do not read."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA marts; CREATE SCHEMA quality")
        connection.execute("CREATE TABLE quality.build AS SELECT 1 AS build_id")
    path.write_bytes(path.read_bytes()[:12_288] + b"\xff" * 200_000)


@pytest.mark.parametrize("call", CALLS, ids=[call[0] for call in CALLS])
@pytest.mark.parametrize("damage", ["noise", "inside"])
def test_a_damaged_served_file_is_one_line(tmp_path: Path, call: tuple[str, ...], damage: str) -> None:
    kit = Kit(tmp_path)
    kit.toml += "\n[retention]\npeople_days = 30\n"
    config = kit.config
    config.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    if damage == "noise":
        config.warehouse_path.write_bytes(bytes(range(256)) * 200)
    else:
        cut_inside(config.warehouse_path)
    told = run_leadhouse(call[0], "--config", config.file, *call[1:])
    assert told.returncode == 1
    (line,) = told.stderr.splitlines()
    assert line.startswith("error: the served file cannot be read, it is damaged")
    assert "leadhouse build" in line
