"""One brokerage, built once and shared by all workers; each test spoils a copy of its own."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path

import pytest

from tests.conftest import run_leadhouse
from tests.faults.kit import Brokerage, copy_of


def _shared(factory: pytest.TempPathFactory, name: str, prepare: object) -> Brokerage:
    """A brokerage built by the first worker that needs it."""
    base = factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base
    folder = shared / name
    with open(shared / f"{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            run_leadhouse("init", folder)
            brokerage = Brokerage(folder)
            if callable(prepare):
                prepare(brokerage)
            built = brokerage.build()
            assert built.process.returncode == 0, built.text
            (folder / "done").touch()
    return Brokerage(folder)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Brokerage:
    """The example, built. Not to be changed."""
    return _shared(tmp_path_factory, "built", None)


@pytest.fixture(scope="session")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Brokerage:
    """The example after `Brokerage.change`, built from nothing: what every mended build must equal."""
    return _shared(tmp_path_factory, "changed", Brokerage.change)


@pytest.fixture
def served(built: Brokerage, tmp_path: Path) -> Brokerage:
    """A copy of the built example, to be spoilt."""
    return copy_of(built, tmp_path / "served")
