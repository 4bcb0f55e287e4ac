"""What every asset does around its work: it begins where it may, and what goes wrong is told in our own words.

Dagster shows the description of a `Failure` first in a run, and in the asset: so that is where the lines of our errors
go. The exception itself may quote a cell of somebody's row, and is not passed on.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from graphlib import TopologicalSorter

from dagster import (
    AssetExecutionContext,
    Failure,
    MaterializeResult,
    MetadataValue,
    OpExecutionContext,
    RetryRequested,
)
from dagster._core.errors import DagsterExecutionInterruptedError

from dagster_project.errors import CriticalProblem, EngineProblem, LeadhouseError, SourceUnreachable
from dagster_project.session import Session

RETRIES, FIRST_WAIT_SECONDS = 3, 30.0
"""How often a scheduled build looks for a source that cannot be reached, waiting twice as long each time."""

_SHOWN = 20
"""Lines of an error that a failure shows; all of them are in the log of the run."""


@contextmanager
def step(context: AssetExecutionContext | OpExecutionContext, name: str, *needs: str) -> Iterator[Session]:
    """The session, for one step of a build. `needs`: the steps that must be complete, whatever was selected in the UI.

    Raises Failure with the lines of our own errors, and RetryRequested where a scheduled build may yet reach a source.
    """
    session: Session = context.resources.session
    if not session.is_ready:
        raise _failure(session.problems[0])
    attempts = len(session.problems)
    try:
        with session.watched():
            missing = [need for need in needs if need not in session.done]
            if missing:
                raise CriticalProblem(
                    f"{name}: this run left out {', '.join(missing)}, expected every step of a build; choose"
                    " Materialize all, or Re-execute all"
                )
            yield session
    except SourceUnreachable as problem:
        if session.trigger == "command" or context.retry_number >= RETRIES:
            raise _failure(problem) from None
        del session.problems[attempts:]
        wait = FIRST_WAIT_SECONDS * 2**context.retry_number
        session.progress.say(f"{problem.messages[0]}; looking again in {wait:g} s")
        raise RetryRequested(RETRIES, wait) from _failure(problem)
    except LeadhouseError as problem:
        raise _failure(problem) from None
    except (Failure, RetryRequested):
        raise
    except (KeyboardInterrupt, DagsterExecutionInterruptedError):
        session.fail(CriticalProblem("stopped before the build had ended; the last good figures, if any, are served"))
        raise
    except Exception as error:
        # Where it happened, not what was said: that may quote anybody's name.
        place = traceback.extract_tb(error.__traceback__)[-1]
        told = f"{name}: {type(error).__name__} in {place.name}, line {place.lineno} of {place.filename}"
        raise _failure(session.fail(EngineProblem(told))) from None
    if not context.is_subset:
        session.done.add(name)


def _failure(problem: LeadhouseError) -> Failure:
    lines = problem.messages[:_SHOWN]
    more = len(problem.messages) - len(lines)
    return Failure(
        "\n".join([*lines, *([f"... and {more:,} more"] if more else [])]),
        metadata={
            "problems": len(problem.messages),
            "exit code": problem.exit_code,
            "what it means": MetadataValue.path("docs/operations.md"),
        },
        allow_retries=False,
    )


def unchanged(context: AssetExecutionContext) -> Iterator[MaterializeResult[None]]:
    """Every selected asset, as it is: the run ends well, and quickly, where there was nothing to do."""
    for key in TopologicalSorter(context.assets_def.asset_deps).static_order():  # Dagster wants what comes first first
        if key in context.selected_asset_keys:
            yield MaterializeResult(asset_key=key, metadata={"status": "nothing new: as it was at the last build"})
