"""`leadhouse alerts ...`. Thin and light: imports are inside the calls, and nothing here builds."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.command_groups import ListByDefault
from dagster_project.errors import ConfigError, CriticalProblem

if TYPE_CHECKING:
    from dagster_project.config import Config
    from dagster_project.state import Alert, State

MAX_MUTE = timedelta(days=90)
"""A mute has always an end, and not one that nobody remembers."""

app = typer.Typer(
    cls=ListByDefault,
    help="What is wrong and since when: list, acknowledge, mute; try the channels.",
    epilog="Example: leadhouse alerts, then leadhouse alerts show ID; without a command: list.",
    rich_markup_mode="rich",
)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Configuration; default ./leadhouse.toml or LEADHOUSE_CONFIG."),
]
IdArgument = Annotated[int, typer.Argument(metavar="ID", help="An id that list shows.")]
ByOption = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who you are; default: your login name.")]


def _load(config: Path | None) -> Config:
    from dagster_project.config import find_config, load_config

    return load_config(find_config(config))


@contextmanager
def _state(config: Config, *, to_write: bool = False) -> Iterator[State]:
    from dagster_project.state import StateError, open_state, read_state

    try:
        with (open_state if to_write else read_state)(config.state_path) as state:
            yield state
    except StateError as error:
        raise CriticalProblem(f"{error}; if it is damaged, the next build begins a new one") from None


def _found(state: State, alert_id: int, *, is_open: bool = False) -> Alert:
    alert = state.alert(alert_id)
    if alert is None or (is_open and alert.cleared_at is not None):
        found = "no such alert" if alert is None else "an alert that is mended"
        raise ConfigError(f"{alert_id}: found {found}, expected the id of {'an open' if is_open else 'an'} alert")
    return alert


def _me(by: str | None) -> str:
    import getpass

    try:
        name = by if by is not None else getpass.getuser()
    except (KeyError, OSError):
        name = ""
    if not name.strip():
        raise ConfigError("--by: found nothing, expected your name")
    return name.strip()


@app.command("list", epilog="Example: leadhouse alerts list --all --format json")
def list_(
    config: ConfigOption = None,
    all_: Annotated[bool, typer.Option("--all", help="Mended ones too.")] = False,
    format_: Annotated[str, typer.Option("--format", metavar="F", help="table or json.")] = "table",
) -> None:
    """Open alerts, critical and newest first: since when, whose, what, where, and what people did about it."""
    from dagster_project.alerts.show import as_json, as_table

    if format_ not in ("table", "json"):
        raise ConfigError(f'--format: found "{format_}", expected table or json')
    loaded = _load(config)
    with _state(loaded) as state:
        alerts, mutes = state.alerts(open_only=not all_), state.mutes(datetime.now(UTC))
    if format_ == "json":
        print(as_json(alerts, mutes))
    else:
        print(as_table(alerts, mutes, loaded.zone) if alerts else "no alert is open")


@app.command(epilog="Example: leadhouse alerts show 12")
def show(alert_id: IdArgument, config: ConfigOption = None) -> None:
    """One alert whole: what to do, the rows it is about, what its check found in earlier attempts, what was told."""
    from dagster_project.alerts.show import whole

    loaded = _load(config)
    with _state(loaded) as state:
        alert = _found(state, alert_id)
        key = alert.check_name, alert.subject
        mute = next((mute for mute in state.mutes(datetime.now(UTC)) if (mute.check_name, mute.subject) == key), None)
        print(whole(alert, mute, state.rows(*key), state.history(*key, limit=10), state.deliveries(5), loaded.zone))


@app.command(epilog='Example: leadhouse alerts ack 12 --note "asked the vendor, comes tomorrow"')
def ack(
    alert_id: IdArgument,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What you do about it; no names of leads.")],
    config: ConfigOption = None,
    by: ByOption = None,
) -> None:
    """Say that you look after an alert: nobody is reminded of it until it gets worse."""
    loaded, name = _load(config), _me(by)
    with _state(loaded, to_write=True) as state:
        alert = _found(state, alert_id, is_open=True)
        state.acknowledge(alert_id, name, note, datetime.now(UTC))
    print(f"alert {alert_id} ({alert.title}) is acknowledged by {name}")


@app.command(epilog="Example: leadhouse alerts mute 12 --for 3d --reason 'the vendor mends it on Monday'")
def mute(
    alert_id: IdArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; no names of leads.")],
    config: ConfigOption = None,
    for_: Annotated[str | None, typer.Option("--for", metavar="T", help="So long: 12h, 3d or 2w.")] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DAY", help="Until that day begins, as 2026-12-01.")
    ] = None,
    by: ByOption = None,
) -> None:
    """Hear nothing of this trouble for a while, 90 days at most; its all-clear is told all the same.

    A mute made for a warning does not silence the same trouble once it is critical.
    """
    from dagster_project.state import Mute

    loaded, name, now = _load(config), _me(by), datetime.now(UTC)
    end = _end(for_, until, loaded, now)
    with _state(loaded, to_write=True) as state:
        alert = _found(state, alert_id)
        state.mute(Mute(alert.check_name, alert.subject, end, name, reason, now, alert.severity))
    print(f"alert {alert_id} ({alert.title}) is muted until {end.astimezone(loaded.zone):%Y-%m-%d %H:%M}")


def _end(for_: str | None, until: str | None, config: Config, now: datetime) -> datetime:
    if (for_ is None) == (until is None):
        raise ConfigError("mute: expected either --for 3d or --until 2026-12-01")
    if for_ is not None:
        match = re.fullmatch(r"(\d{1,4})([hdw])", for_.strip())
        if match is None:
            raise ConfigError(f'--for: found "{for_}", expected a time such as 12h, 3d or 2w')
        unit = {"h": "hours", "d": "days", "w": "weeks"}[match[2]]
        end = now + timedelta(**{unit: int(match[1])})
    else:
        try:
            end = datetime.combine(date.fromisoformat(str(until)), time(), config.zone)
        except ValueError:
            raise ConfigError(f'--until: found "{until}", expected a day such as 2026-12-01') from None
    if not now < end <= now + MAX_MUTE:
        option = "--for" if for_ is not None else "--until"
        raise ConfigError(
            f'{option}: found "{for_ or until}", expected an end that is to come, at most {MAX_MUTE.days} days from now'
        )
    return end


@app.command(epilog="Example: leadhouse alerts unmute 12")
def unmute(alert_id: IdArgument, config: ConfigOption = None) -> None:
    """Hear of it again."""
    loaded = _load(config)
    with _state(loaded, to_write=True) as state:
        alert = _found(state, alert_id)
        state.unmute(alert.check_name, alert.subject)
    print(f"alert {alert_id} ({alert.title}) is no longer muted")


@app.command("test", epilog="Example: leadhouse alerts test --channel slack")
def try_channels(
    config: ConfigOption = None,
    channel: Annotated[
        str | None, typer.Option("--channel", metavar="NAME", help="Only this one: its name, or its URL's scheme.")
    ] = None,
) -> None:
    """Send a message that says it is a test to every channel; exit 1 where one does not take it.

    In a dry run nothing is sent: it says what would be.
    """
    from dagster_project.alerts.send import require_channels, send

    loaded = _load(config)
    require_channels(loaded)
    known = loaded.alerts.channels
    chosen = [item for item in known if channel in (None, item.label)]
    if not chosen:
        words = ", ".join(item.label for item in known) or "no channel is configured: [[alerts.channel]]"
        raise ConfigError(f"--channel: found {channel or 'nothing'}, expected one of: {words}")
    subject = f"[Leadhouse · {loaded.brokerage.name}] test"
    body = "This is a test of an alert channel of Leadhouse. Nothing is wrong."
    failed = []
    for item in chosen:
        least = item.min_severity or loaded.alerts.min_severity
        whose = f"{least} and worse, of {', '.join(item.owners) or 'everybody'}"
        if not loaded.alerts.send:
            print(f'{item.label}: dry run, would send "{subject}" ({whose}); [alerts] send = true sends')
            continue
        why = send(item, subject, body)
        print(f"{item.label}: {why or 'sent'} ({whose})")
        failed += [item.label] if why else []
    if failed:
        raise CriticalProblem(
            f"alerts: {', '.join(failed)} did not take the message; check the address and the network"
        )


@app.command(epilog="Example: leadhouse alerts check --config /srv/brokerage/leadhouse.toml")
def check(config: ConfigOption = None) -> None:
    """What the clock alone tells: no build for too long, a source that stopped. For cron; builds nothing.

    Also sends again what a channel did not take, and reminds of what is still open.
    """
    from dagster_project.alerts.conclude import check as check_clock
    from dagster_project.alerts.send import require_channels
    from dagster_project.state import StateError
    from dagster_project.terminal import printable

    loaded = _load(config)
    require_channels(loaded)
    try:
        check_clock(loaded, lambda line: print(printable(line), file=sys.stderr))
    except StateError as error:
        raise CriticalProblem(str(error)) from None
