"""dbt in a process that ends with the build that started it: `python -P -m dagster_project.dbt_child ARGUMENTS`.

A build that is killed cannot stop its dbt, which would go on writing the working database while the next build runs.
So dbt watches its parent, and holds a lock for as long as it lives, which the next build waits for (`BuildLock`).
"""

from __future__ import annotations

import fcntl
import os
import signal
import threading
import time

from dagster_project.importing import many_imports

LOCK, PARENT = "LEADHOUSE_DBT_LOCK", "LEADHOUSE_DBT_PARENT"
"""Environment variables: the lock file, and the process that dbt belongs to."""

_LOOK_EVERY_SECONDS = 0.1


def main() -> None:
    """Run dbt's own command in this process. Ends at once, mid-write, when the parent is gone."""
    parent = int(os.environ[PARENT])
    with open(os.environ[LOCK], "a", encoding="utf-8") as held:
        # The lock first, then the look: a child whose parent died in between has written nothing.
        fcntl.flock(held, fcntl.LOCK_EX)
        held.truncate(0)
        held.write(f"pid {os.getpid()}\n")
        held.flush()
        _end_without(parent)
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
        with many_imports():
            from dbt.cli.main import cli

        cli(prog_name="dbt")


def _watch(parent: int) -> None:
    while True:
        _end_without(parent)
        time.sleep(_LOOK_EVERY_SECONDS)


def _end_without(parent: int) -> None:
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
