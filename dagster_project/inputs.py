"""What a build is a function of, and whether what is served was made of just that: then there is nothing to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from dagster_project import __version__
from dagster_project.config import Config, Source
from dagster_project.dbt_project import PACKAGED_SEEDS, ROOT, fingerprint_of, project_files
from dagster_project.erasure.scrub import finish_erasures
from dagster_project.preparation import discard_served
from dagster_project.session import BuildOptions, Session
from dagster_project.sources.erased_list import read_suppression
from dagster_project.warehouse.published import examine, served_build
from dagster_project.warehouse.refused import forget_refused
from dagster_project.warehouse.working import open_working


def settle_inputs(session: Session) -> None:
    """Note the inputs of a build, and whether they are those of the served figures (`session.is_unchanged`).

    Erasures that are not finished are finished first. Raises LeadhouseError, OSError and duckdb.Error.
    """
    config, progress = session.config, session.progress
    if finish_erasures(config):
        progress.say("people on the list of erasures were taken out of what is kept")
    session.inputs = inputs_fingerprint(config, session.options)
    if not _is_served_already(config, session.options, session.inputs):
        return
    if examine(config.warehouse_path, inside=True) == "ours":
        forget_refused(config.refused_dir, [])  # the files are those that were loaded: no refusal stands
        progress.say("nothing new: files, configuration and as_of are those of the served figures")
        session.is_unchanged = True
    else:
        discard_served(config.warehouse_path, progress)


def source_files(config: Config, source: Source) -> Iterator[Path]:
    """Every file below a source's folder that is not written by a build. Raises OSError."""
    for path in source.path.rglob("*"):
        if path.is_file() and not any(path.is_relative_to(own) for own in config.ours):
            yield path


def inputs_fingerprint(config: Config, options: BuildOptions) -> str:
    """A hash of everything a build is a function of: the files, the configuration, the code, `as_of`."""
    files = [path for source in config.sources for path in source_files(config, source)]
    code = [*project_files(), *PACKAGED_SEEDS.glob("*.csv"), *(ROOT / "expectations").glob("*.yml")]
    code += (ROOT / "dagster_project").rglob("*.py")
    own_seeds = list(config.seeds_path.glob("*.csv")) if config.seeds_path else []
    return fingerprint_of(
        [*files, *code, *own_seeds],
        *(str(path) for path in sorted(files)),
        config.model_dump_json(exclude={"schedule", "alerts"}),  # when, and whom it is told: not what
        json.dumps([str(options.as_of), options.strict, __version__]),
        read_suppression(config).digest,
    )


def _is_served_already(config: Config, options: BuildOptions, inputs: str) -> bool:
    if options.out is not None or options.full_refresh or not options.publish:
        return False
    served = served_build(config.warehouse_path)
    return served is not None and served.get("inputs") == inputs and not _waits_for_the_clock(config)


def _waits_for_the_clock(config: Config) -> bool:
    """Rows dated after the clock make the default `as_of` move by itself: the same inputs are not the same build."""
    with open_working(config) as connection:
        row = connection.execute(
            """
            SELECT count(*)
            FROM (
                SELECT greatest(event_at, received_at) AS moment FROM raw.inquiries
                UNION ALL
                SELECT occurred_at FROM raw.touches
            )
            WHERE moment > (SELECT max(loaded_at) FROM quality.load_log)
            """
        ).fetchone()
    return bool(row and row[0])
