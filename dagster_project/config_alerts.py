"""`[alerts]`: whom to tell of troubles, and how. The addresses of channels are secrets."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr

from dagster_project.config_values import Loc, Part, Text, Truth, Whole, expected, plain_text, texts

SeverityName = Annotated[Literal["critical", "warning"], BeforeValidator(plain_text)]
_URL = "an Apprise URL such as mailtos://user:password@example.com or slack://..., best from ${LEADHOUSE_ALERT_URL}"
_SHOWN = ("owners", "min_severity")
"""Keys of a channel whose values may stand in a message: any other may hold the address by mistake."""


def _address(value: object) -> SecretStr:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://\S+", value.strip()):
        raise expected(_URL)
    return SecretStr(str(value).strip())


def _name(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[\w][\w .-]{0,39}", value):
        raise expected("at most 40 letters, digits, spaces, . _ and -")
    return str(value)


class Channel(Part):
    """`[[alerts.channel]]`: one address, and what it is told. No owners: all of them."""

    url: Annotated[SecretStr, BeforeValidator(_address)] = Field(description=_URL)
    name: Annotated[str, BeforeValidator(_name)] = Field("", description="a name")
    owners: Annotated[tuple[str, ...], BeforeValidator(texts)] = Field((), description="owners of checks")
    min_severity: SeverityName | None = Field(None, description='"warning" or "critical"')

    @property
    def label(self) -> str:
        """How messages speak of it: its name, else the scheme of its URL, which tells no secret."""
        return self.name or self.url.get_secret_value().partition("://")[0].lower()


class Alerts(Part):
    """`[alerts]`: nothing is sent until `send = true`; messages are only rendered and kept."""

    send: Truth = Field(False, description="true or false")
    dashboard: Annotated[Text, Field(pattern=r"^https?://\S+$")] | None = Field(
        None, description="the dashboard's address, such as https://leadhouse.example.com"
    )
    remind_after_hours: Annotated[Whole, Field(ge=1, le=24 * 90)] = Field(
        24, description="hours, a whole number from 1"
    )
    no_build_after_hours: Annotated[Whole, Field(ge=1, le=24 * 365)] = Field(
        36, description="hours, a whole number from 1"
    )
    clock: Truth = Field(True, description="true or false")
    min_severity: SeverityName = Field("warning", description='"warning" or "critical"')
    channels: tuple[Channel, ...] = Field((), alias="channel", description="[[alerts.channel]] sections")


def is_unshown(loc: Loc) -> bool:
    """Whether what stands at a place of the configuration may be, or hold, the address of a channel."""
    is_channel = loc[:1] == ("alerts",) and (len(loc) == 1 or loc[1] == "channel")
    return is_channel and not (len(loc) > 3 and loc[3] in _SHOWN)


def alert_problems(alerts: Alerts) -> list[tuple[Loc, str]]:
    """What is wrong with channels beside each other."""
    problems: list[tuple[Loc, str]] = []
    if alerts.send and not alerts.channels:
        problems.append((("alerts", "send"), "found true without a channel, expected at least one [[alerts.channel]]"))
    labels: dict[str, int] = {}
    for position, channel in enumerate(alerts.channels):
        if channel.label in labels:
            first = labels[channel.label]
            text = f"found nothing that tells it from channel[{first}], expected a name of its own"
            problems.append((("alerts", "channel", position, "name"), text))
        labels.setdefault(channel.label, position)
    return problems
