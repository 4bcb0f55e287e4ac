"""Whole builds, killed and stopped: what is served stays, and the next build completes without help."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time

import pytest

from tests.faults.kit import Brokerage, dbt_at_work, is_alive, reader, wait_until

pytestmark = pytest.mark.faults


def served_is_untouched(brokerage: Brokerage, before: bytes) -> bool:
    return brokerage.warehouse.read_bytes() == before


def test_builds_killed_alone_at_every_step(served: Brokerage, changed: Brokerage) -> None:
    """Only the command is killed: its dbt must end with it, not go on writing what the next build works on."""
    served.change()
    before = served.warehouse.read_bytes()
    (served.config.work_dir / "dbt" / "parsed").unlink()  # so that dbt reads the project, too
    with reader(served):
        build = served.start()
        reading = build.dbt()
        build.kill()
        assert wait_until(lambda: not is_alive(reading), 2), "dbt lives on without its build"
        for line, seconds in (("starting", 1.0), ("reading", 0.1), ("checking", 0.1)):
            build = served.start()
            build.until(line)
            time.sleep(seconds)
            build.kill()
            assert served_is_untouched(served, before), line
        with dbt_at_work(served):
            build = served.start()
            build.until("computing")
            dbt = build.dbt()
            # The next one waits, and goes on when the first is killed in the midst of dbt.
            second = served.start()
            second.until("waiting")
        build.kill()
        assert wait_until(lambda: not is_alive(dbt), 2), "dbt lives on without its build"
        assert served_is_untouched(served, before)
        assert second.end() == 0, second.text
    assert served.figures() == changed.figures()
    assert served.temporary_files() == []


def test_builds_killed_with_all_they_started(served: Brokerage, changed: Brokerage) -> None:
    """The whole group is killed, at random moments: as when a machine is switched off."""
    rng = random.Random(7)
    served.change()
    before, first = served.warehouse.read_bytes(), served.build_id()
    with reader(served):
        for _ in range(4):
            build = served.start()
            build.until("starting")
            time.sleep(rng.uniform(1, 10))
            build.kill(group=True)
            assert served_is_untouched(served, before) or served.figures() == changed.figures()
        mended = served.build()
        assert mended.process.returncode == 0, mended.text
    assert served.build_id() != first
    assert served.figures() == changed.figures()
    assert served.temporary_files() == []


@pytest.mark.parametrize(("number", "name", "code"), [(signal.SIGTERM, "SIGTERM", 143), (signal.SIGINT, "Ctrl-C", 130)])
def test_a_signal_ends_a_build_at_once(served: Brokerage, number: signal.Signals, name: str, code: int) -> None:
    served.change()
    before = served.warehouse.read_bytes()
    with dbt_at_work(served):
        build = served.start()
        build.until("computing")
        dbt = build.dbt()
    build.process.send_signal(number)
    sent = time.monotonic()
    assert build.end(5) == code, build.text
    assert time.monotonic() - sent < 2
    (line,) = build.errors
    assert f"stopped by {name}" in line
    assert wait_until(lambda: not is_alive(dbt), 2), "dbt lives on without its build"
    assert served_is_untouched(served, before)
    outcome = json.loads(served.config.last_build_path.read_text(encoding="utf-8"))
    assert outcome["status"] == "failed"
    assert name in outcome["messages"][0]
    # Nobody holds the brokerage for long: what dbt had started ends with it.
    free = ["flock", "--nonblock", str(served.config.dbt_lock_path), "true"]
    assert wait_until(lambda: subprocess.run(free, capture_output=True, check=False).returncode == 0, 5)


def test_a_signal_while_waiting_ends_the_wait(served: Brokerage) -> None:
    """Nothing was begun: one line, and the build that is waited for goes on."""
    holder = subprocess.Popen(["flock", str(served.config.lock_path), "sleep", "60"])
    try:
        time.sleep(0.3)
        build = served.start()
        build.until("waiting")
        build.process.send_signal(signal.SIGINT)
        assert build.end(5) == 130
        assert len(build.errors) == 1
        assert holder.poll() is None
    finally:
        holder.kill()
        holder.wait(5)
