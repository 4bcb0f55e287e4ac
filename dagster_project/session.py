"""What one build knows of itself: asked for by the command or the scheduler, filled in by the assets as they run."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import duckdb

from dagster_project.config import Config
from dagster_project.disk import disk_trouble
from dagster_project.errors import CriticalProblem, EngineProblem, LeadhouseError
from dagster_project.progress import Progress
from dagster_project.warehouse.checks import CheckResult
from dagster_project.warehouse.values import without_values

Trigger = Literal["command", "schedule", "sensor", "ops"]
"""Who asked for a build: somebody at the command line, Dagster's schedule or sensor, or somebody in its UI."""


@dataclass(frozen=True)
class BuildOptions:
    """The options of `leadhouse build` (CONTRACT.md section 3)."""

    as_of: datetime | None = None
    out: Path | None = None
    strict: bool = False
    accept_shrink: bool = False
    full_refresh: bool = False
    publish: bool = True
    """Not for `leadhouse check`: the checks alone, and what is served stays as it is."""


@dataclass
class Session:
    """One build of one brokerage. Assets of a run share it; it never leaves the process."""

    config: Config
    options: BuildOptions = BuildOptions()
    trigger: Trigger = "command"
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    build_id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    as_of: datetime | None = None
    as_of_origin: str = "data"
    inputs: str = ""
    progress: Progress = field(default_factory=Progress)
    warnings: list[str] = field(default_factory=list)
    arrivals: list[CheckResult] = field(default_factory=list)
    met: dict[str, str] = field(default_factory=dict)
    problems: list[LeadhouseError] = field(default_factory=list)
    is_ready: bool = True
    """Whether the brokerage is held and its ground holds: else no step begins."""
    done: set[str] = field(default_factory=set)
    """The steps that are complete: a step needs those before it, whatever somebody selects in Dagster's UI."""
    is_unchanged: bool = False
    """What is served was made of the same inputs: there is nothing to do."""
    is_published: bool = False

    @property
    def target(self) -> Path:
        """The file this build writes: the served one, or `--out`."""
        return self.options.out or self.config.warehouse_path

    def warn(self, lines: Iterable[str]) -> None:
        """Tell warnings, and remember them: `--strict` makes them critical."""
        for line in lines:
            self.warnings.append(line)
            self.progress.say(f"warning: {line}")

    def fail(self, problem: LeadhouseError) -> LeadhouseError:
        """Remember a problem for the end of the build, and hand it back to be raised."""
        self.problems.append(problem)
        return problem

    @contextmanager
    def watched(self) -> Iterator[None]:
        """What goes wrong inside becomes a problem of this build, in plain lines, and is raised as that."""
        try:
            yield
        except LeadhouseError as problem:
            raise self.fail(problem) from None
        except (OSError, duckdb.Error) as error:
            raise self.fail(self._explained(error)) from None

    def _explained(self, error: OSError | duckdb.Error) -> LeadhouseError:
        trouble = disk_trouble(error, self.config.warehouse_path.parent)
        words = without_values(str(error)) if isinstance(error, duckdb.Error) else str(error)
        told = f"{type(error).__name__}: {' '.join(words.split())}"
        if trouble is None and isinstance(error, duckdb.Error) and not isinstance(error, duckdb.OutOfMemoryException):
            return EngineProblem(told)
        return CriticalProblem(trouble or told)

    @property
    def exit_code(self) -> int:
        """What the command ends with: the code of the first problem, 0 without one."""
        return self.problems[0].exit_code if self.problems else 0

    def messages(self) -> list[str]:
        """One line per problem, in the order in which they came."""
        return [line for problem in self.problems for line in problem.messages]


def record_outcome(session: Session) -> None:
    """What follows every attempt, whoever asked for it and however it ended.

    `last_build.json` beside the warehouse tells pages when the last attempt failed; what only checked leaves it alone,
    as it says nothing of the figures that are served. Messages name files, lines and columns, never a person.
    """
    if session.options.publish:
        _write_last_build(session)


def _write_last_build(session: Session) -> None:
    """Where it cannot be written, that is said: the build ends as it would have ended."""
    path = session.config.last_build_path
    outcome = {
        "build_id": session.build_id,
        "status": "failed" if session.problems else "succeeded",
        "trigger": session.trigger,
        "started_at": session.started_at.isoformat(),
        "finished_at": datetime.now(UTC).isoformat(),
        "messages": session.messages(),
    }
    fresh = path.with_name(f".{path.name}.{session.build_id}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")
        os.replace(fresh, path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        told = disk_trouble(error, path.parent) or f"{path.parent}: {error.strerror}"
        session.progress.say(f"warning: {path.name} could not be written, pages do not know of this attempt: {told}")
