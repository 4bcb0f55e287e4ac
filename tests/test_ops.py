"""`leadhouse ops` and `leadhouse check`: Dagster builds what the command builds, and a run says why it failed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dagster_project.errors import CriticalProblem, EngineProblem, SourceUnreachable
from dagster_project.session import Session
from dagster_project.warehouse.published import served_build
from dagster_project.warehouse.working import BuildLock
from tests.builds import published_rows
from tests.conftest import LEADHOUSE, Run
from tests.dashboard.browser import free_port
from tests.ingest_kit import Kit

SECRET = "Quentin Quarantino"
INQUIRIES = "inquiry_id,name,email,event_at,source"
LINES = [f"i{n},Person {n},p{n}@example.com,2026-11-{n:02d}T15:00:00Z,Zillow" for n in range(1, 20)]
LAST = "i20,Person 20,p20@example.com,2026-11-20T15:00:00Z,Zillow"
TOUCHES = ("touch_id,email,occurred_at,channel,direction", "t1,p1@example.com,2026-11-01T15:04:00Z,call,outbound")


# -- one asset of a run, without a build


def _materialize(kit: Kit, work: Any, *, tags: dict[str, str] | None = None) -> Any:
    """A run of one asset that does `work(session)` as one step of a build that Dagster started."""
    from dagster import DagsterInstance, MaterializeResult, asset, materialize

    from dagster_project import scheduled
    from dagster_project.assets.steps import step

    @asset(required_resource_keys={"session"})
    def thing(context):  # type: ignore[no-untyped-def]  # Dagster reads annotations, and these are local
        with step(context, "thing") as session:
            work(session)
        yield MaterializeResult()

    with pytest.MonkeyPatch.context() as patch, DagsterInstance.ephemeral() as instance:
        patch.setattr(scheduled, "prepared_manifest", lambda config: None)  # what dbt needs
        result = materialize(
            [thing],
            resources={"session": scheduled.scheduled_session(kit.config)},
            instance=instance,
            raise_on_error=False,
            tags=tags or {},
        )
        run = instance.get_run_by_id(result.run_id)
        assert run is not None
        return result, dict(run.tags)


def _raise(error: BaseException) -> Any:
    def work(_session: Session) -> None:
        raise error

    return work


def _failure(result: Any) -> Any:
    """What the UI shows of the step that failed: the user's own words, and the whole error."""
    return next(event.step_failure_data for event in result.all_events if event.is_step_failure)


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    """A small brokerage, not built."""
    kit = Kit(tmp_path)
    kit.write("crm/inquiries.csv", INQUIRIES, *LINES)
    return kit


def test_a_failed_step_says_our_own_lines_first(kit: Kit) -> None:
    result, _ = _materialize(kit, _raise(CriticalProblem(["crm/calls.csv: found no column at", "second line"])))
    assert not result.success
    data = _failure(result)
    assert data.user_failure_data.description == "crm/calls.csv: found no column at\nsecond line"
    assert "Traceback" not in data.user_failure_data.description
    outcome = json.loads(kit.config.last_build_path.read_text(encoding="utf-8"))
    assert outcome["messages"] == ["crm/calls.csv: found no column at", "second line"]
    assert (outcome["status"], outcome["trigger"]) == ("failed", "ops")


def test_an_error_that_is_not_ours_is_told_by_its_place_alone(kit: Kit) -> None:
    result, _ = _materialize(kit, _raise(ValueError(f"could not convert {SECRET}")))
    data = _failure(result)
    assert "thing: ValueError in " in data.user_failure_data.description
    for event in result.all_events:
        assert SECRET not in str(event), "what was said may be a cell of a row"
    assert SECRET not in kit.config.last_build_path.read_text(encoding="utf-8")


def test_many_lines_are_cut_and_counted(kit: Kit) -> None:
    result, _ = _materialize(kit, _raise(CriticalProblem([f"line {number}" for number in range(50)])))
    lines = _failure(result).user_failure_data.description.splitlines()
    assert lines[0] == "line 0"
    assert lines[-1] == "... and 30 more"


def test_a_source_that_cannot_be_reached_is_looked_for_again(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    from dagster_project.assets import steps

    monkeypatch.setattr(steps, "FIRST_WAIT_SECONDS", 0.01)
    asked: list[datetime] = []

    def work(_session: Session) -> None:
        asked.append(datetime.now(UTC))
        if len(asked) < 3:
            raise SourceUnreachable("crm: found no folder exports")

    result, _ = _materialize(kit, work)
    assert result.success
    assert len(asked) == 3
    assert json.loads(kit.config.last_build_path.read_text(encoding="utf-8"))["status"] == "succeeded"


@pytest.mark.parametrize(
    ("error", "times"), [(SourceUnreachable("crm: found no folder exports"), 4), (CriticalProblem("bad data"), 1)]
)
def test_what_does_not_come_back_fails_and_bad_data_at_once(
    kit: Kit, monkeypatch: pytest.MonkeyPatch, error: Exception, times: int
) -> None:
    from dagster_project.assets import steps

    monkeypatch.setattr(steps, "FIRST_WAIT_SECONDS", 0.01)
    asked: list[int] = []

    def work(_session: Session) -> None:
        asked.append(1)
        raise error

    result, tags = _materialize(kit, work)
    assert not result.success
    assert len(asked) == times
    assert _failure(result).user_failure_data.description == str(error)
    assert tags["dagster/retry_on_asset_or_op_failure"] == "false", "the run as a whole is not tried again"


@pytest.mark.parametrize(
    ("tags", "trigger"),
    [({}, "ops"), ({"dagster/schedule_name": "daily"}, "schedule"), ({"dagster/sensor_name": "new_files"}, "sensor")],
)
def test_a_run_says_whose_build_it_is_and_who_asked(kit: Kit, tags: dict[str, str], trigger: str) -> None:
    sessions: list[Session] = []
    result, found = _materialize(kit, sessions.append, tags=tags)
    assert result.success
    assert found["leadhouse/brokerage"] == "Harbor"
    assert found["leadhouse/trigger"] == trigger == sessions[0].trigger
    assert found["leadhouse/build_id"] == sessions[0].build_id
    assert sessions[0].inputs, "what the build is a function of is noted: the command after it has nothing to do"


def test_a_brokerage_that_is_held_too_long_is_one_clear_line_and_tried_again(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagster_project import preparation

    monkeypatch.setattr(preparation, "BuildLock", lambda config, say: BuildLock(config, wait_seconds=0.05, say=say))
    ran: list[Session] = []
    with BuildLock(kit.config):
        result, tags = _materialize(kit, ran.append)
    assert not ran
    described = _failure(result).user_failure_data.description
    assert described.startswith("another build holds lock (pid ")
    assert described.endswith("gave up after 0.05 s")
    assert "\n" not in described
    assert tags["dagster/retry_on_asset_or_op_failure"] == "true"
    assert not kit.config.last_build_path.exists(), "the outcome is that of the build that holds it"


def test_a_step_whose_predecessors_were_left_out_refuses(kit: Kit) -> None:
    """Somebody selects one asset in the UI: half a build publishes nothing."""
    from dagster import DagsterInstance, materialize

    from dagster_project import scheduled
    from dagster_project.assets.publish import published_warehouse

    with pytest.MonkeyPatch.context() as patch, DagsterInstance.ephemeral() as instance:
        patch.setattr(scheduled, "prepared_manifest", lambda config: None)
        result = materialize(
            [published_warehouse(kit.config, [])],
            resources={"session": scheduled.scheduled_session(kit.config)},
            instance=instance,
            raise_on_error=False,
        )
    assert not result.success
    assert _failure(result).user_failure_data.description.startswith("publish: this run left out checks, expected")
    assert not kit.config.warehouse_path.exists()


def test_damage_is_put_aside_and_the_run_tried_again(kit: Kit) -> None:
    kit.load()
    path = kit.config.working_path

    def work(_session: Session) -> None:
        content = bytearray(path.read_bytes())
        content[12_288:] = os.urandom(len(content) - 12_288)
        path.write_bytes(bytes(content))
        raise EngineProblem("a checksum is wrong")

    result, tags = _materialize(kit, work)
    assert not result.success
    assert tags["dagster/retry_on_asset_or_op_failure"] == "true"
    assert path.with_suffix(".damaged").is_file()


def test_old_runs_are_forgotten_with_their_logs(tmp_path: Path) -> None:
    from dagster import DagsterInstance, job, op

    from dagster_project.scheduled import forget_old_runs

    @op
    def speak() -> None:
        print("hello")

    @job
    def small() -> None:
        speak()

    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        runs = [small.execute_in_process(instance=instance).run_id for _ in range(3)]
        middle = instance.get_run_records()[1].create_timestamp
        assert forget_old_runs(instance, middle) == 1
        assert {run.run_id for run in instance.get_runs()} == set(runs[1:])
        assert not list(tmp_path.rglob(f"*{runs[0]}*"))
        assert list(tmp_path.rglob(f"*{runs[1]}*"))
        assert forget_old_runs(instance, datetime.now(UTC) - timedelta(days=1)) == 0


# -- the command beside it


def test_ops_refuses_a_port_that_is_taken_and_a_second_scheduler(kit: Kit, leadhouse: Run) -> None:
    import fcntl
    import socket

    file = kit.config.file
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = leadhouse("ops", "--config", file, "--port", str(port))
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: --port: found {port}, which cannot be used")
    with open(kit.config.dagster_home / "lock", "a+", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.truncate(0)
        held.write("http://127.0.0.1:3000 (pid 17)\n")
        held.flush()
        done = leadhouse("ops", "--config", file, "--port", str(free_port()))
    assert done.returncode == 2
    assert done.stderr == "error: leadhouse ops runs already for this brokerage: http://127.0.0.1:3000 (pid 17)\n"


# -- the real thing


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
                __typename ... on ExecutionStepFailureEvent { failureMetadata { description } error { message } }
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


@pytest.mark.slow
def test_check_then_ops_then_build(tmp_path: Path, leadhouse: Run) -> None:
    """One brokerage, from its first check to a scheduler that is ended: each step starts where the last one stopped."""
    kit = Kit(tmp_path, "[schedule]\nnew_files_every_seconds = 5\n" + Kit(tmp_path).toml)
    kit.write("crm/inquiries.csv", INQUIRIES, *LINES)
    kit.write("crm/touches.csv", *TOUCHES)
    config = kit.config

    # `leadhouse check`: everything but the last step.
    done = leadhouse("check", "--config", config.file)
    assert done.returncode == 0, done.stderr
    assert " 0 critical failed" in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].endswith("nothing was published")
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
        told = [event for event in failed["eventConnection"]["events"] if "failureMetadata" in event]
        words = " ".join((event["failureMetadata"] or {}).get("description") or "" for event in told)
        assert 'crm/deals.csv: column "deal_id" (required) is not in the header' in words, told
        assert SECRET not in json.dumps(failed)
        assert served_build(config.warehouse_path) == build

    finally:
        processes = ops.group()
        ops.process.send_signal(signal.SIGINT)
        ops.process.wait(90)
    assert ops.process.returncode == 0, ops.lines
    assert len(processes) >= 4
    assert not [pid for pid in processes if _is_alive(pid)]
