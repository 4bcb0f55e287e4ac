"""`leadhouse ops`: Dagster's webserver and daemon for one brokerage, as one process to start and to end."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import yaml

from dagster_project.config import Config
from dagster_project.disk import require_writable
from dagster_project.errors import ConfigError, CriticalProblem
from dagster_project.terminal import printable
from dagster_project.warehouse.durable import write_whole

HOST = "127.0.0.1"

_SETTINGS = {
    "telemetry": {"enabled": False},
    # One build at a time; the lock of the brokerage holds off a command beside it.
    "concurrency": {"runs": {"max_concurrent_runs": 1}},
    # A worker that died is told, else it would hold the only place in the queue for ever, and its build is tried again.
    "run_monitoring": {"enabled": True, "start_timeout_seconds": 300, "poll_interval_seconds": 20},
    # Bad configuration or data do not mend themselves: a build that failed over them is not tried again.
    "run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False},
    "retention": {
        "schedule": {"purge_after_days": 60},
        "sensor": {"purge_after_days": {"skipped": 2, "started": 60, "failure": 60, "success": 60}},
    },
    "freshness": {"enabled": True},
    "nux": {"enabled": False},
    "code_servers": {"local_startup_timeout": 300},
}

_START_SECONDS, _END_SECONDS, _LOOK_EVERY_SECONDS = 300.0, 30.0, 0.5


def run_ops(config: Config, port: int) -> None:
    """Serve Dagster for a brokerage until Ctrl-C or SIGTERM; every process that was started ends with this one.

    Raises ConfigError where the port is taken, the folder cannot be written, or it is served already; CriticalProblem
    where Dagster ends by itself.
    """
    home = config.dagster_home
    require_writable([home])
    home.mkdir(parents=True, exist_ok=True)
    with _alone(home, port):
        _require_free(port)
        workspace = _prepare(home)
        print(f"Dagster for {printable(config.brokerage.name)} is starting ...", flush=True)
        with _stoppable() as stopped:
            process = _start(config, workspace, port)
            try:
                _attend(process, config, port, stopped)
            finally:
                _end(process)


@contextmanager
def _alone(home: Path, port: int) -> Iterator[None]:
    """Two daemons would start every schedule twice."""
    with open(home / "lock", "a+", encoding="utf-8") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            who = held.read().strip() or "another process"
            raise ConfigError(f"leadhouse ops runs already for this brokerage: {who}") from None
        held.truncate(0)
        held.write(f"http://{HOST}:{port} (pid {os.getpid()})\n")
        held.flush()
        for leftover in home.glob(".*.tmp"):
            leftover.unlink()
        yield


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ConfigError(f"--port: found {port}, which cannot be used ({error.strerror}); name another") from None


def _prepare(home: Path) -> Path:
    """Write Dagster's settings, and where it finds the definitions; returns the file that says that."""
    settings = {**_SETTINGS, "storage": {"sqlite": {"base_dir": str(home / "storage")}}}
    write_whole(home / "dagster.yaml", "# Written by leadhouse ops at each start.\n" + yaml.safe_dump(settings))
    module = {"module_name": "dagster_project.definitions", "attribute": "defs", "location_name": "leadhouse"}
    workspace = home / "workspace.yaml"
    write_whole(workspace, yaml.safe_dump({"load_from": [{"python_module": module}]}))
    return workspace


def _start(config: Config, workspace: Path, port: int) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(config.dagster_home),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "LEADHOUSE_CONFIG": str(config.file),
        "PYTHONWARNINGS": "ignore",  # Dagster's own, about commands that it calls itself
    }
    levels = ["--log-level", "error", "--code-server-log-level", "error"]
    return subprocess.Popen(  # noqa: S603 - our own Dagster
        [sys.executable, "-P", "-m", "dagster", "dev", "-w", str(workspace), "-h", HOST, "-p", str(port), *levels],
        env=environment,
        cwd=config.dagster_home,
        start_new_session=True,  # a group of its own, so that nothing of it stays; Ctrl-C is passed on
    )


@contextmanager
def _stoppable() -> Iterator[list[int]]:
    """The signals that came meanwhile, instead of what they would do."""
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _attend(process: subprocess.Popen[bytes], config: Config, port: int, stopped: list[int]) -> None:
    """Say when it can be used, and wait until it is to end."""
    deadline, is_up = time.monotonic() + _START_SECONDS, False
    while not stopped:
        if process.poll() is not None:
            raise CriticalProblem(f"Dagster ended by itself with {process.returncode}; what it said stands above")
        if not is_up and _answers(port):
            is_up = True
            print(f"Dagster for {printable(config.brokerage.name)}: http://{HOST}:{port}", flush=True)
        if not is_up and time.monotonic() > deadline:
            raise CriticalProblem(f"Dagster did not answer at http://{HOST}:{port} within {_START_SECONDS:g} s")
        time.sleep(_LOOK_EVERY_SECONDS)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/server_info", timeout=2) as answer:
            return "dagster_version" in json.load(answer)
    except (OSError, ValueError):
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask Dagster to end, and end whatever of its group does not."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
