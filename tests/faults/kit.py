"""What the fault tests share: a built brokerage to spoil, builds as real processes to kill, readers that never rest."""

from __future__ import annotations

import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.config import Config, load_config
from dagster_project.warehouse.published import open_published
from tests.builds import Row, metric_weekly
from tests.conftest import LEADHOUSE, ROOT

READER = """
import sys
from pathlib import Path
from dagster_project.warehouse.published import open_published
path, reads, seen = Path(sys.argv[1]), 0, []
print("ready", flush=True)
while not Path(sys.argv[2]).exists():
    with open_published(path) as connection:
        row = connection.execute(
            "SELECT (SELECT build_id FROM quality.build), count(*), count(DISTINCT as_of) FROM marts.metric_weekly"
        ).fetchall()[0]
    assert row[1] > 0 and row[2] == 1, row
    reads += 1
    seen += [row[0]] if row[0] not in seen else []
print(reads, len(seen))
"""


@dataclass
class Running:
    """A build in a process of its own, its lines as they come."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    came: threading.Condition = field(default_factory=threading.Condition)

    def listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self.came:
                self.lines.append(line.rstrip("\n"))
                self.came.notify_all()

    def until(self, start: str, seconds: float = 120) -> None:
        """Wait for a line that starts so."""
        with self.came:
            there = self.came.wait_for(lambda: any(line.startswith(start) for line in self.lines), seconds)
        assert there, self.lines

    def end(self, seconds: float = 240) -> int:
        """Wait for the end; the exit code."""
        code = self.process.wait(seconds)
        self.listener.join(10)
        assert not any("Traceback" in line for line in self.lines), self.lines
        return code

    @property
    def errors(self) -> list[str]:
        return [line for line in self.lines if line.startswith("error: ")]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    listener: threading.Thread = field(init=False)

    def kill(self, *, group: bool = False) -> None:
        """SIGKILL to the build alone, or to it and all it started."""
        os.killpg(self.process.pid, signal.SIGKILL) if group else self.process.kill()
        self.end()

    def dbt(self) -> int:
        """The process of its dbt, once it has started."""
        found: list[int] = []

        def look() -> bool:
            listed = ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)]
            told = subprocess.run(listed, capture_output=True, text=True, check=False).stdout.splitlines()
            found[:] = [int(line.split()[0]) for line in told if "dbt_child" in line]
            return len(found) == 1

        assert wait_until(look, 60), self.lines
        return found[0]


@contextmanager
def dbt_at_work(brokerage: Brokerage) -> Iterator[None]:
    """Leave when dbt, started within, computes its models, as its log tells: the midst of a build on any machine."""
    log = brokerage.config.work_dir / "dbt" / "dbt.log"
    before = log.stat().st_size
    yield
    assert wait_until(lambda: b"LogStartLine" in log.read_bytes()[before:], 120)


def is_alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    told = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(told.strip()) and not told.strip().startswith("Z")


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether a condition comes true in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@dataclass
class Brokerage:
    """A folder as `leadhouse init` makes it, and what it serves."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "leadhouse.toml"

    @property
    def config(self) -> Config:
        return load_config(self.file, {})

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse" / "leadhouse.duckdb"

    def start(self, *options: str, command: tuple[str, ...] = (), env: dict[str, str] | None = None) -> Running:
        """Start a build; `command` is what starts it (setpriv, prlimit)."""
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        process = subprocess.Popen(
            [*command, str(LEADHOUSE), "build", "--config", str(self.file), *options],
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(temporary), **(env or {})},
        )
        running = Running(process)
        running.listener = threading.Thread(target=running.listen, daemon=True)
        running.listener.start()
        return running

    def build(self, *options: str, **how: Any) -> Running:
        """A build that has ended."""
        running = self.start(*options, **how)
        running.end()
        return running

    def change(self) -> None:
        """Another export: two inquiries and their answers, a changed person, later than everything before."""
        exports = self.folder / "exports"
        with (exports / "inquiries.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for number in (1, 2):
            rows.append(
                rows[0]
                | {"inquiry_id": f"f{number}", "event_at": f"2026-11-20T1{number}:00:00-05:00", "received_at": ""}
            )
        with (exports / "inquiries.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)

    def build_id(self) -> str:
        with open_published(self.warehouse) as connection:
            return str(connection.execute("SELECT build_id FROM quality.build").fetchall()[0][0])

    def figures(self) -> list[Row]:
        return metric_weekly(self.warehouse)

    def temporary_files(self) -> list[Path]:
        """Files that look as if somebody had left them."""
        found = [path for path in (self.folder / "warehouse").rglob("*") if path.name.endswith((".tmp", ".tmp.wal"))]
        return [*found, *(path for path in (self.folder / "tmp").rglob("*") if path.is_file())]


@contextmanager
def reader(brokerage: Brokerage) -> Iterator[None]:
    """A reader of the served file in a process of its own; it fails when it is blocked or sees half."""
    stop = brokerage.folder / "stop"
    stop.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-c", READER, str(brokerage.warehouse), str(stop)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    try:
        yield
    finally:
        stop.touch()
        said, complaint = process.communicate(timeout=60)
    assert process.returncode == 0, complaint
    assert int(said.split()[0]) > 10


def copy_of(brokerage: Brokerage, folder: Path) -> Brokerage:
    """The same brokerage in another folder."""
    shutil.copytree(brokerage.folder, folder, dirs_exist_ok=True)
    return Brokerage(folder)


def damage(path: Path, rng: random.Random, *, where: tuple[float, float] = (0, 1), length: int = 64) -> None:
    """Overwrite some bytes of a file, at a place between two shares of its length."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(min(int(size * rng.uniform(*where)), size - length))
        file.write(rng.randbytes(length))


def blocks_of(path: Path, table: str) -> list[int]:
    """The blocks of a DuckDB file in which a table's rows lie."""
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute(
            f"SELECT DISTINCT block_id FROM pragma_storage_info('{table}') WHERE block_id >= 0"
        ).fetchall()
    return [block for (block,) in rows]


def damage_block(path: Path, block: int) -> None:
    """Spoil one block of a DuckDB file: three headers of 4 KiB, then blocks of 256 KiB with a checksum of 8 bytes."""
    with path.open("r+b") as file:
        file.seek(3 * 4096 + block * 262_144 + 16)
        file.write(b"\xa5" * 64)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own size at a folder. Skips where mounting is not permitted."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"mounting a small disk is not permitted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, *, leave: int) -> Path:
    """Fill a disk but for `leave` bytes; the file that does it."""
    ballast = folder / "ballast"
    free = shutil.disk_usage(folder).free - leave
    with ballast.open("wb") as file:
        while free > 0:
            free -= file.write(b"\1" * min(free, 1 << 20))
    return ballast


def without_privilege() -> tuple[str, ...]:
    """What to start a command with so that permissions count for it, also where the tests run as root."""
    if os.geteuid() != 0:
        return ()
    drop = ("setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search")
    if subprocess.run([*drop, "true"], capture_output=True, check=False).returncode:
        pytest.skip("root cannot lay down its privilege to write everywhere here (setpriv)")
    return drop
