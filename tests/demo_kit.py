"""The small demo that several modules look at: written and built once, whichever worker comes first."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from tests.conftest import run_leadhouse

LEADS = 1_200


def built_demo(factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo of `LEADS` leads, built; shared by the workers of one run, so leave it as it is."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / "small-demo"
    with (base / "small-demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "built").exists():
            built = run_leadhouse("demo", "--dir", folder, "--leads", str(LEADS), "--no-serve")
            assert built.returncode == 0, built.stderr
            (folder / "built").write_text(built.stdout + built.stderr, encoding="utf-8")
    return folder
