"""`leadhouse check`, `leadhouse ops` and `leadhouse build`, one after the other, as real processes of one brokerage."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dagster_project.warehouse.published import served_build
from tests.builds import published_rows
from tests.conftest import LEADHOUSE, Run
from tests.dashboard.browser import free_port
from tests.ingest_kit import Kit

pytestmark = pytest.mark.faults

SECRET = "Quentin Quarantino"
INQUIRIES = "inquiry_id,name,email,event_at,source"
LINES = [f"i{n},Person {n},p{n}@example.com,2026-11-{n:02d}T15:00:00Z,Zillow" for n in range(1, 20)]
TOUCHES = ("touch_id,email,occurred_at,channel,direction", "t1,p1@example.com,2026-11-01T15:04:00Z,call,outbound")


class Ops:
    """A running `leadhouse ops`, asked through GraphQL as its UI asks it."""

    def __init__(self, file: Path) -> None:
        self.port = free_port()
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [str(LEADHOUSE), "ops", "--config", str(file), "--port", str(self.port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def wait_for(self, what: Any, seconds: float, words: str) -> Any:
        """What `what()` returns once that is something."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.lines
            found = what()
            if found:
                return found
            time.sleep(0.5)
        raise AssertionError(f"{words}: {self.lines[-20:]}")

    def start(self) -> None:
        """Until it says its address."""
        address = f": http://127.0.0.1:{self.port}"
        self.wait_for(lambda: any(line.endswith(address) for line in self.lines), 240, "not up")

    def ask(self, query: str) -> Any:
        """The data of a GraphQL query."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": query}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - an address of this machine
            return json.load(answer)["data"]

    def runs(self) -> list[Any]:
        """Runs, the oldest first: status, tags, and of a failed one the words of the steps."""
        query = """
            { runsOrError { ... on Runs { results { status tags { key value } eventConnection { events {
                __typename ... on ExecutionStepFailureEvent { failureMetadata { description metadataEntries {
                    label ... on TextMetadataEntry { text }
                } } error { message } }
            } } } } } }
        """
        return list(reversed(self.ask(query)["runsOrError"]["results"]))

    def ended(self, number: int) -> Any:
        """The run of that number, from 1, once it has ended."""

        def look() -> Any:
            run = dict(enumerate(self.runs(), start=1)).get(number)
            return run if run and run["status"] in ("SUCCESS", "FAILURE") else None

        return self.wait_for(look, 420, f"run {number} did not end")

    def group(self) -> list[int]:
        """Every process that descends from it."""
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(stat.parent.name)] = int(fields[1])
        found = [self.process.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found


DAILY = """
    { scheduleOrError(scheduleSelector: {
        repositoryLocationName: "leadhouse", repositoryName: "__repository__", scheduleName: "daily"
    }) { ... on Schedule { scheduleState { status } futureTicks(limit: 1) { results { timestamp } } } } }
"""


def _tag(run: Any, key: str) -> str:
    return next(tag["value"] for tag in run["tags"] if tag["key"] == key)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_check_then_ops_then_build(tmp_path: Path, leadhouse: Run) -> None:
    """One brokerage, from its first check to a scheduler that is ended: each step starts where the last one stopped."""
    kit = Kit(tmp_path, "[schedule]\nnew_files_every_seconds = 5\n" + Kit(tmp_path).toml)
    kit.write("crm/inquiries.csv", INQUIRIES, *LINES)
    kit.write("crm/touches.csv", *TOUCHES)
    config = kit.config

    # `leadhouse check`: everything but the last step.
    done = leadhouse("check", "--config", config.file)
    assert done.returncode == 0, done.stderr
    counts = [line for line in done.stderr.splitlines() if " 0 critical failed" in line]
    assert counts, done.stderr
    assert counts[0].endswith("nothing was published")
    for path in (config.warehouse_path, config.history_dir, config.last_build_path):
        assert not path.exists(), path

    ops = Ops(config.file)
    try:
        ops.start()
        ticks = ops.ask(DAILY)["scheduleOrError"]
        assert ticks["scheduleState"]["status"] == "RUNNING"
        at = datetime.fromtimestamp(ticks["futureTicks"]["results"][0]["timestamp"], ZoneInfo("America/New_York"))
        assert (at.hour, at.minute) == (5, 30)

        # The sensor loads what lies there: the inputs of the check are published.
        first = ops.ended(1)
        assert first["status"] == "SUCCESS", first
        assert _tag(first, "leadhouse/trigger") == "sensor"
        build = served_build(config.warehouse_path)
        assert build is not None
        assert build["build_id"] == _tag(first, "leadhouse/build_id")
        assert published_rows(config.warehouse_path, "SELECT count(*) AS leads FROM marts.leads") == [{"leads": 19}]

        # The command after it has nothing to do.
        done = leadhouse("build", "--config", config.file)
        assert "nothing new" in done.stderr
        assert served_build(config.warehouse_path) == build

        # A file that cannot be loaded: the run says why, in our words, and nobody's name.
        kit.write("crm/deals.csv", "deal_number,name", f"1,{SECRET}")
        failed = ops.ended(2)
        assert failed["status"] == "FAILURE"
        told = [event for event in failed["eventConnection"]["events"] if event.get("failureMetadata")]
        first_words = told[0]["failureMetadata"]
        assert first_words["description"] == 'crm/deals.csv: column "deal_id" (required) is not in the header', told
        to_do = {entry["label"]: entry.get("text") for entry in first_words["metadataEntries"]}["what to do"]
        assert to_do.startswith("mend the file or its mapping")
        assert SECRET not in json.dumps(failed)
        assert SECRET not in "\n".join(ops.lines), "the terminal"
        assert served_build(config.warehouse_path) == build

    finally:
        processes = ops.group()
        ops.process.send_signal(signal.SIGINT)
        ops.process.wait(90)
    assert ops.process.returncode == 0, ops.lines
    assert len(processes) >= 4
    assert not [pid for pid in processes if _is_alive(pid)]
