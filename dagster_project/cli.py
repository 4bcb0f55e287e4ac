"""The command `leadhouse`. Thin: each call reads its arguments, calls one function and prints what came of it.

Imports are inside the calls: `leadhouse metrics` answers in a second and needs neither Dagster nor dbt nor GX.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from dagster_project.alerts import commands as alert_commands
from dagster_project.backup import commands as backup_commands
from dagster_project.erasure import commands as erasure_commands
from dagster_project.errors import ConfigError, CriticalProblem, LeadhouseError
from dagster_project.quarantine.cli import app as quarantine
from dagster_project.terminal import printable

app = typer.Typer(
    name="leadhouse",
    help="The analytics warehouse a real-estate brokerage runs on.",
    epilog="Example: leadhouse demo, then leadhouse init brokerage; leadhouse COMMAND --help explains each.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.add_typer(quarantine, name="quarantine")

app.add_typer(backup_commands.app)
app.add_typer(alert_commands.app, name="alerts")

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Configuration; default ./leadhouse.toml or LEADHOUSE_CONFIG."),
]


@app.command(epilog="Example: leadhouse build --config brokerage/leadhouse.toml --strict")
def build(
    config: ConfigOption = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="T", help="Any ISO instant; default: what the data covers.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write there instead; stays out of history.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings are critical.")] = False,
    accept_shrink: Annotated[
        bool, typer.Option("--accept-shrink", help="Allow entities to shrink by more than 20 %, this once.")
    ] = False,
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Compute every fact again.")] = False,
) -> None:
    """Ingest, compute, check, publish. A failed critical check leaves the last good figures served (exit 1)."""
    from dagster_project.build import parse_moment, run_build
    from dagster_project.config import find_config, load_config
    from dagster_project.session import BuildOptions

    loaded = load_config(find_config(config))
    options = BuildOptions(
        as_of=parse_moment(as_of, loaded) if as_of is not None else None,
        out=out.absolute() if out is not None else None,
        strict=strict,
        accept_shrink=accept_shrink,
        full_refresh=full_refresh,
    )
    session = run_build(loaded, options)
    raise typer.Exit(session.exit_code)


@app.command(epilog="Example: leadhouse check --config brokerage/leadhouse.toml --strict")
def check(
    config: ConfigOption = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings are critical.")] = False,
) -> None:
    """The data-quality checks alone: everything but publishing. Exit 1 when a critical one fails."""
    from dagster_project.build import run_build
    from dagster_project.config import find_config, load_config
    from dagster_project.session import BuildOptions

    session = run_build(load_config(find_config(config)), BuildOptions(strict=strict, publish=False))
    raise typer.Exit(session.exit_code)


@app.command(epilog="Example: leadhouse ops --port 3300")
def ops(
    config: ConfigOption = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on this machine.")] = 3000,
) -> None:
    """Dagster's own UI, schedules and sensors, on this machine's own address. Ends with Ctrl-C."""
    from dagster_project.config import find_config, load_config
    from dagster_project.ops import run_ops

    run_ops(load_config(find_config(config)), port)


@app.command(epilog="Example: leadhouse serve --port 8600")
def serve(
    config: ConfigOption = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on this machine.")] = 8501,
) -> None:
    """The dashboard, on this machine's own address. Ends with Ctrl-C."""
    from dagster_project.config import find_config, load_config
    from dashboards.theme import streamlit_flags

    loaded = load_config(find_config(config))
    root = Path(__file__).resolve().parent.parent
    os.environ["LEADHOUSE_WAREHOUSE"] = str(loaded.warehouse_path)
    os.environ["LEADHOUSE_STATE"] = str(loaded.state_path)
    print(f"Leadhouse for {printable(loaded.brokerage.name)}: http://127.0.0.1:{port}", flush=True)
    flags = [*streamlit_flags(), "--server.port", str(port), "--server.headless", "true"]
    arguments = [sys.executable, "-m", "streamlit", "run", str(root / "dashboards" / "app.py"), *flags]
    os.execv(sys.executable, arguments)  # noqa: S606 - the dashboard takes this process's place, and its signals


@app.command(
    epilog="Example: leadhouse metrics --week 2026-11-16 --metric contact_rate_48h --slice source --format csv"
)
def metrics(
    config: ConfigOption = None,
    week: Annotated[str | None, typer.Option("--week", metavar="W", help="A day of the week, as 2026-11-16.")] = None,
    metric: Annotated[str | None, typer.Option("--metric", metavar="M", help="A metric_id.")] = None,
    slice_: Annotated[str | None, typer.Option("--slice", metavar="S", help="A slice, or slice=value.")] = None,
    period: Annotated[str | None, typer.Option("--period", metavar="P", help="week, trailing_4w, ...")] = None,
    format_: Annotated[str, typer.Option("--format", metavar="F", help="table, csv, json, parquet or xlsx.")] = "table",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write there; default: standard output.")
    ] = None,
) -> None:
    """Rows of metric_weekly, as they are served."""
    from dagster_project.config import find_config, load_config, require_not_ours
    from dagster_project.figures import FORMATS, read_figures, write_figures

    if format_ not in FORMATS:
        raise ConfigError(f'--format: found "{format_}", expected one of: {", ".join(FORMATS)}')
    loaded = load_config(find_config(config))
    require_not_ours(loaded, out)
    figures = read_figures(loaded.warehouse_path, week=week, metric=metric, slice_=slice_, period=period)
    write_figures(figures, format_, out)


@app.command(epilog="Example: leadhouse init brokerage && leadhouse build --config brokerage/leadhouse.toml")
def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")]) -> None:
    """A commented leadhouse.toml and an example export to edit."""
    from dagster_project.examples import write_example

    for path in write_example(folder):
        print(path)


@app.command(epilog="Example: leadhouse demo --leads 5000 --no-serve")
def demo(
    folder: Annotated[Path, typer.Option("--dir", metavar="DIR", help="Where the demo is built.")] = Path(
        "warehouse/demo"
    ),
    leads: Annotated[int, typer.Option("--leads", min=600, max=50_000, help="Size: leads in its 52 weeks.")] = 20_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed, another year; the plot stays.")] = 1,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the dashboard.")] = 8501,
    open_dashboard: Annotated[bool, typer.Option("--serve/--no-serve", help="Open the dashboard when built.")] = True,
) -> None:
    """A simulated brokerage: a year of its systems' exports, ingested, built, checked and opened in the dashboard."""
    from dagster_project.build import run_build
    from dagster_project.config import load_config
    from dagster_project.demo.story import legend
    from dagster_project.examples import write_demo
    from dagster_project.session import BuildOptions

    print(f"writing a year of exports, {leads:,} leads, to {printable(str(folder))}", file=sys.stderr)
    file = write_demo(folder, leads, seed)
    session = run_build(load_config(file), BuildOptions())
    if session.problems:
        raise typer.Exit(session.exit_code)
    print(legend(f"http://127.0.0.1:{port}"))
    if open_dashboard:
        serve(config=file, port=port)
    else:
        print(f"built {file.parent}; open it with: leadhouse serve --config {file}")


for call, example in (
    (backup_commands.restore, "leadhouse restore --from s3://bucket/leadhouse --to brokerage"),
    (erasure_commands.person, "leadhouse person --email ann@example.com"),
    (erasure_commands.erase, "leadhouse erase --email ann@example.com --reason request-17"),
    (erasure_commands.retention, "leadhouse retention --dry-run"),
):
    app.command(epilog=f"Example: {example}")(call)


def main() -> NoReturn:
    """Run the command; our own errors are plain lines and an exit code, never a traceback."""
    try:
        app(standalone_mode=True)
    except LeadhouseError as problem:
        for line in problem.messages:
            print(f"error: {printable(line)}", file=sys.stderr)
        sys.exit(problem.exit_code)
    except OSError as error:  # a folder or file named in the arguments or the configuration
        told = f"{error.filename or 'file'}: {error.strerror or error}"
        print(f"error: {printable(told)}", file=sys.stderr)
        sys.exit(ConfigError.exit_code)
    except Exception as error:
        if not _tells_damage(error):
            raise
        print(
            f"error: the served file cannot be read, it is damaged or no database ({type(error).__name__}); run"
            " `leadhouse build`, which makes it anew",
            file=sys.stderr,
        )
        sys.exit(CriticalProblem.exit_code)
    sys.exit(0)


def _tells_damage(error: Exception) -> bool:
    """Whether the engine could not read a file: it tells a wrong checksum by its most general error."""
    import duckdb

    return isinstance(error, duckdb.IOException | duckdb.FatalException) or type(error) is duckdb.Error
