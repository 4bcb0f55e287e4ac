"""Single steps of a build, to be run and killed in processes of their own; a fork server has the imports ready."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from dagster_project.config import load_config
from dagster_project.sources.ingest import ingest_source
from dagster_project.warehouse.published import keep_history, publish
from dagster_project.warehouse.working import BuildLock, open_working


def load_once(file: Path, load_id: str, clock: datetime) -> None:
    """All sources of a configuration into its working database."""
    config = load_config(file, {})
    with BuildLock(config), open_working(config) as connection:
        for source in config.sources:
            ingest_source(connection, config, source, load_id=load_id, clock=clock)


def publish_once(working: Path, target: Path, history: Path, build: dict[str, Any]) -> None:
    """Publish a working database and keep it in history."""
    publish(working, target, build)
    keep_history(target, history)


class Steps:
    """Runs steps, and kills them at moments of a seed, spread over the time that the step takes."""

    def __init__(self, seed: int) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__])
        self._rng = random.Random(seed)
        self.seconds = 0.0

    def run(self, step: Callable[..., None], *arguments: Any) -> None:
        """The step, whole; how long it took is what kills are spread over."""
        process = self._context.Process(target=step, args=arguments)
        began = time.monotonic()
        process.start()
        process.join(120)
        assert process.exitcode == 0
        self.seconds = max(time.monotonic() - began, 0.05)

    def kill(self, step: Callable[..., None], *arguments: Any) -> bool:
        """The step, killed somewhere; whether it was killed before it had ended.

        How long the step takes changes with the load of the machine: one that had ended says it anew, and until one
        has, kills come later and later.
        """
        process = self._context.Process(target=step, args=arguments)
        began = time.monotonic()
        process.start()
        process.join(self._rng.uniform(0, self.seconds))
        if process.exitcode is not None:
            self.seconds = max(time.monotonic() - began, 0.02)
        else:
            self.seconds *= 1.1
        process.kill()
        process.join(30)
        assert process.exitcode in (-9, 0), "the step failed by itself"
        return process.exitcode == -9
