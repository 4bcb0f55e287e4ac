"""Writes the demo: native exports, and beside them the truth that was planted."""

from __future__ import annotations

import shutil
from pathlib import Path

from dagster_project.demo import crm, money, phones
from dagster_project.demo.dirt import counts, spoil
from dagster_project.demo.simulate import simulate
from dagster_project.demo.story import plot_of
from dagster_project.demo.streams import Streams
from dagster_project.demo.tables import write
from dagster_project.demo.truth import write_json, write_truth


def generate(folder: Path, leads: int, seed: int) -> list[Path]:
    """Write `exports/` and `truth/` into a folder that holds the demo's leadhouse.toml, in place of earlier ones.

    About `leads` leads, from 600 to 50,000. The same size and seed give the same bytes. Returns the exports.
    """
    world = simulate(leads, seed)
    streams = Streams(seed)
    tables = [*crm.tables(world), *phones.tables(world), *money.tables(world)]
    for table in tables:
        if table.feeds:
            spoil(table, streams)
    for name in ("exports", "truth"):
        shutil.rmtree(folder / name, ignore_errors=True)
    files = write(folder / "exports", tables)
    truth = folder / "truth"
    settings = (folder / "leadhouse.toml").read_text(encoding="utf-8").split("[[source]]")[0]
    write_truth(truth, world, settings)
    write_json(truth / "plot.json", plot_of(world))
    write_json(truth / "dirt.json", counts(tables))
    return files
