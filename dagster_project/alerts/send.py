"""Messages to channels, by Apprise: with a time limit, without its retries, and without a word of the address."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dagster_project.alerts.message import Form
from dagster_project.config import Config
from dagster_project.config_alerts import Channel
from dagster_project.errors import ConfigError

if TYPE_CHECKING:
    from apprise import NotifyBase

TIME_LIMIT_SECONDS = 20.0
"""A channel that has not taken a message by then is tried again at the next attempt."""


@contextmanager
def _in_silence() -> Iterator[None]:
    """Apprise logs hosts and parts of addresses: not here."""
    logger = logging.getLogger("apprise")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before


def _service(channel: Channel) -> NotifyBase | None:
    """What Apprise makes of the address; None where it makes nothing of it."""
    import apprise

    asset = apprise.AppriseAsset(
        app_id="Leadhouse",
        app_desc="Leadhouse alerts",
        image_url_mask="",  # no pictures from elsewhere
        image_url_logo="",
        async_mode=False,
        default_service_retry=0,
        service_timeout=TIME_LIMIT_SECONDS,
        pgp_autogen=False,
        pem_autogen=False,
    )
    with _in_silence():
        service = apprise.Apprise.instantiate(channel.url.get_secret_value(), asset=asset, suppress_exceptions=True)
        if service is not None:
            service.retry = 0  # also where the address asks for more
    return service


def require_channels(config: Config) -> None:
    """Raises ConfigError for channels whose address Apprise cannot use; the address is not shown."""
    lines = [
        f"{config.file.name}: alerts.channel[{place}].url: found an address that Apprise cannot use (not shown),"
        " expected one as https://appriseit.com/services lists them, with every special letter of a password as %XX"
        for place, channel in enumerate(config.alerts.channels)
        if _service(channel) is None
    ]
    if lines:
        raise ConfigError(lines)


def form_of(channel: Channel) -> Form:
    """How a channel's messages are written: markdown where that is its own way of writing, as chat has it."""
    from apprise import NotifyFormat

    service = _service(channel)
    formats = service.notify_format if service is not None else None
    first = formats[0] if isinstance(formats, tuple) else formats
    return "markdown" if first == NotifyFormat.MARKDOWN else "text"


def send(channel: Channel, subject: str, body: str) -> str:
    """Hand a message to a channel; returns "" or, in a few words without the address, why it was not taken."""
    import apprise

    service = _service(channel)
    if service is None:
        return "its address cannot be used"
    formats: dict[Form, Any] = {"text": apprise.NotifyFormat.TEXT, "markdown": apprise.NotifyFormat.MARKDOWN}
    sender = apprise.Apprise(asset=service.asset)
    sender.add(service)
    with _in_silence():
        try:
            taken = sender.notify(
                body=body, title=subject, body_format=formats[form_of(channel)], interpret_escapes=False
            )
        except Exception as error:  # a channel's fault, whatever it is, is no fault of the build
            return type(error).__name__
    return "" if taken else f"not taken within {TIME_LIMIT_SECONDS:g} s, or refused"
