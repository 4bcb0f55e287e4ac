"""`leadhouse ops` and `leadhouse check`: Dagster builds what the command builds, and a run says why it failed."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dagster_project.errors import CriticalProblem, EngineProblem, SourceUnreachable
from dagster_project.session import Session
from dagster_project.state import read_state
from dagster_project.warehouse.working import BuildLock
from tests.conftest import Run
from tests.dashboard.browser import free_port
from tests.ingest_kit import Kit

SECRET = "Quentin Quarantino"
INQUIRIES = "inquiry_id,name,email,event_at,source"
LINES = [f"i{n},Person {n},p{n}@example.com,2026-11-{n:02d}T15:00:00Z,Zillow" for n in range(1, 20)]


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


@pytest.mark.parametrize("where", ["before the first step", "beside a step"])
def test_a_crash_outside_of_the_steps_is_a_failed_build_and_an_alert(kit: Kit, where: str) -> None:
    """While Dagster sets the run up, and in what a step shows of its work: no step of ours sees either."""
    from dagster import DagsterInstance, asset, materialize

    from dagster_project import scheduled
    from dagster_project.assets.steps import step

    @asset(required_resource_keys={"session"})
    def thing(context):  # type: ignore[no-untyped-def]  # Dagster reads annotations, and these are local
        with step(context, "thing"):
            pass
        raise KeyError(SECRET)

    def prepared(_config: object) -> None:
        if where == "before the first step":
            raise KeyError(SECRET)

    with pytest.MonkeyPatch.context() as patch, DagsterInstance.ephemeral() as instance:
        patch.setattr(scheduled, "prepared_manifest", prepared)
        resources = {"session": scheduled.scheduled_session(kit.config)}
        assert not materialize([thing], resources=resources, instance=instance, raise_on_error=False).success
    outcome = json.loads(kit.config.last_build_path.read_text(encoding="utf-8"))
    assert outcome["status"] == "failed"
    (line,) = outcome["messages"]
    assert "KeyError in " in line
    assert "test_ops.py" in line
    with read_state(kit.config.state_path) as state:
        (alert,) = state.alerts()
        (attempt,) = state.attempts()
    assert (alert.check_name, alert.severity, attempt.status) == ("build_failed", "critical", "failed")
    assert SECRET.encode() not in kit.config.state_path.read_bytes() + kit.config.last_build_path.read_bytes()


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
