"""`leadhouse quarantine ...`. Thin and light: imports are inside the calls, and only `release` builds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dagster_project.command_groups import ListByDefault
from dagster_project.errors import ConfigError, CriticalProblem

if TYPE_CHECKING:
    from dagster_project.config import Config
    from dagster_project.quarantine.release import Outcome
    from dagster_project.quarantine.rows import Filters


app = typer.Typer(
    cls=ListByDefault,
    help="Rows that could not be read: list, explain, export, and after mending release them.",
    epilog="Example: leadhouse quarantine, then leadhouse quarantine explain ID; without a command: list.",
    rich_markup_mode="rich",
)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Configuration; default ./leadhouse.toml or LEADHOUSE_CONFIG."),
]
SourceOption = Annotated[str | None, typer.Option("--source", metavar="S", help="Only of this source.")]
EntityOption = Annotated[str | None, typer.Option("--entity", metavar="E", help="Only of this entity.")]
FileOption = Annotated[str | None, typer.Option("--file", metavar="F", help='Only of this file, or "calls*.csv".')]
ReasonOption = Annotated[str | None, typer.Option("--reason", metavar="R", help="Only with this reason.")]


def _start(config: Path | None, **filters: str | None) -> tuple[Config, Filters]:
    from dagster_project.config import find_config, load_config
    from dagster_project.quarantine.rows import Filters

    loaded = load_config(find_config(config))
    return loaded, Filters(**filters).checked(loaded)


def _known(format_: str, formats: tuple[str, ...]) -> str:
    if format_ not in formats:
        raise ConfigError(f'--format: found "{format_}", expected one of: {", ".join(formats)}')
    return format_


@app.command("list", epilog="Example: leadhouse quarantine list --source crm --reason unknown_word --rows")
def list_(
    config: ConfigOption = None,
    source: SourceOption = None,
    entity: EntityOption = None,
    file: FileOption = None,
    reason: ReasonOption = None,
    rows: Annotated[bool, typer.Option("--rows", help="Each row instead of the counts.")] = False,
    format_: Annotated[str, typer.Option("--format", metavar="F", help="table, csv or json.")] = "table",
) -> None:
    """What is set aside, by source, file, reason and column: how many, what is expected, the nearest fix.

    Names nobody. A source whose last load was refused is marked "not loaded"; shown is what that load found.
    """
    from dagster_project.quarantine.rows import open_quarantine
    from dagster_project.quarantine.show import FORMATS, listed

    _known(format_, FORMATS)
    loaded, filters = _start(config, source=source, entity=entity, file=file, reason=reason)
    with open_quarantine(loaded) as quarantine:
        print(listed(loaded, quarantine, filters, rows=rows, format_=format_))


@app.command(epilog="Example: leadhouse quarantine explain 1f0c44a9b2de")
def explain(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Ids that list shows.")] = None,
    config: ConfigOption = None,
    reason: ReasonOption = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="With --reason: at most so many.")] = 20,
) -> None:
    """Rows whole: the text as received, cell by cell, what to paste or change, and whether they would load now.

    Shows personal data: names, emails and phones as they stand in the row.
    """
    from dagster_project.quarantine.rows import open_quarantine
    from dagster_project.quarantine.show import explained

    if bool(ids) == bool(reason):
        raise ConfigError("explain: expected ids, or --reason R")
    loaded, filters = _start(config, reason=reason)
    with open_quarantine(loaded) as quarantine:
        chosen = quarantine.by_ids(list(dict.fromkeys(ids))) if ids else list(quarantine.rows(filters, limit=limit))
        print(explained(loaded, quarantine, chosen) or f'no row is set aside for "{reason}"')


@app.command(epilog="Example: leadhouse quarantine export --source crm --out mend.xlsx")
def export(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Write there, readable by you alone.")],
    config: ConfigOption = None,
    source: SourceOption = None,
    entity: EntityOption = None,
    file: FileOption = None,
    reason: ReasonOption = None,
    format_: Annotated[
        str | None, typer.Option("--format", metavar="F", help="csv, xlsx, parquet or jsonl; default: as FILE ends.")
    ] = None,
) -> None:
    """The rows under their file's own columns, beside reason, expected and line, for mending in a spreadsheet.

    Holds personal data.
    """
    from dagster_project.config import require_not_ours
    from dagster_project.quarantine.export import export_of, write_export
    from dagster_project.quarantine.rows import open_quarantine

    loaded, filters = _start(config, source=source, entity=entity, file=file, reason=reason)
    require_not_ours(loaded, out)
    with open_quarantine(loaded) as quarantine:
        write_export(export_of(loaded, quarantine, filters), out, format_)
    print(f"{out}: it names people, delete it when they are mended")


@app.command(epilog="Example: leadhouse quarantine release --source crm --dry-run")
def release(
    config: ConfigOption = None,
    source: SourceOption = None,
    entity: EntityOption = None,
    file: FileOption = None,
    reason: ReasonOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would load.")] = False,
) -> None:
    """After the mapping or the file was mended: try the rows again, and build when some of them load now."""
    from dagster_project.progress import Progress
    from dagster_project.quarantine.release import row_keys, try_again
    from dagster_project.quarantine.rows import open_quarantine

    loaded, filters = _start(config, source=source, entity=entity, file=file, reason=reason)
    with open_quarantine(loaded) as quarantine:
        with Progress() as progress:
            outcome = try_again(loaded, quarantine, filters, progress.step)
        before = row_keys(quarantine, filters)
    for line in outcome.lines():
        print(line)
    if not _worth_building(outcome) or dry_run:
        return
    if outcome.critical:
        raise CriticalProblem("nothing was built: the load would be refused, mend what is named above first")
    _build(loaded, lambda: _keys_now(loaded, filters), before)


def _worth_building(outcome: Outcome) -> bool:
    if outcome.is_changed:
        return True
    if not outcome.groups and not outcome.critical:
        print("no row is set aside of those asked for")
    else:
        print("nothing changed: none of these rows would load; mend the file or the mapping as said above")
        print("leadhouse quarantine explain ID shows what to paste or to change")
    return False


def _keys_now(loaded: Config, filters: Filters) -> Any:
    from dagster_project.quarantine.release import row_keys
    from dagster_project.quarantine.rows import open_quarantine

    with open_quarantine(loaded) as quarantine:
        return row_keys(quarantine, filters)


def _build(loaded: Config, now: Callable[[], Any], before: Any) -> None:
    from dagster_project.build import run_build
    from dagster_project.session import BuildOptions

    session = run_build(loaded, BuildOptions())
    if session.problems:
        raise typer.Exit(session.exit_code)
    after = now()
    print(
        f"left the quarantine: {(before - after).total():,}; still there: {(before & after).total():,};"
        f" new: {(after - before).total():,}"
    )


@app.command(epilog="Example: leadhouse quarantine history --weeks 8 --format csv")
def history(
    config: ConfigOption = None,
    weeks: Annotated[int, typer.Option("--weeks", metavar="N", min=1, help="The last N weeks with a publish.")] = 12,
    format_: Annotated[str, typer.Option("--format", metavar="F", help="table, csv or json.")] = "table",
) -> None:
    """Rows set aside at the last publish of each week, by source, entity and reason."""
    from dagster_project.quarantine.history import COLUMNS, as_table, read_history
    from dagster_project.quarantine.show import FORMATS, written

    _known(format_, FORMATS)
    loaded, _ = _start(config)
    counts = read_history(loaded, weeks)
    if format_ != "table":
        print(written([vars(count) for count in counts], COLUMNS, format_))
    else:
        print(as_table(counts) if counts else "no row was set aside at any publish of these weeks")
