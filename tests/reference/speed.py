"""Section 3: the moments of a lead's touches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from .leads import Lead, call_seconds, is_human_answer
from .model import Row, Settings

INFERRED_WITHIN = timedelta(seconds=2)
STRICT_WITHIN = timedelta(minutes=2)
MESSAGES = ("sms", "email", "chat")


@dataclass
class Speed:
    """What a lead's touches come to; event moments whether or not the lead was censored before."""

    first_any_at: datetime | None = None
    first_response_at: datetime | None = None
    first_response_strict_at: datetime | None = None
    first_reply_at: datetime | None = None
    first_contact_at: datetime | None = None
    response: Row | None = None
    """The touch that is the first response."""
    outbound: int = 0
    inferred: int = 0
    sender_known: int = 0


def speed_of(lead: Lead, settings: Settings) -> Speed:
    """Go through the lead's touches in order."""
    speed = Speed()
    in_order = sorted(
        ((moment_of(touch, lead), touch["touch_id"], touch["_id_space"], touch) for touch in lead.touches),
        key=lambda entry: entry[:3],
    )
    call_contact_at = None
    for moment, _, _, touch in in_order:
        outbound = touch["direction"] == "outbound"
        if outbound:
            speed.outbound += 1
            speed.inferred += is_inferred_automation(touch, lead)
            speed.sender_known += touch.get("sender_type") is not None
            speed.first_any_at = speed.first_any_at or moment
        if is_response(touch, lead, settings):
            if speed.response is None:
                speed.response = touch
                speed.first_response_at = moment
            if speed.first_response_strict_at is None and not is_strictly_doubtful(touch, lead):
                speed.first_response_strict_at = moment
        if (
            speed.first_reply_at is None
            and not outbound
            and touch["channel"] in MESSAGES
            and not touch.get("not_reply")
            and speed.first_any_at is not None
            and moment > speed.first_any_at
        ):
            speed.first_reply_at = moment
        if call_contact_at is None and is_contact_call(touch, lead, settings):
            call_contact_at = moment

    exchange_at = None
    if speed.first_reply_at and speed.first_response_at:
        exchange_at = max(speed.first_reply_at, speed.first_response_at)
    speed.first_contact_at = min((at for at in (call_contact_at, exchange_at) if at), default=None)
    return speed


def moment_of(touch: Row, lead: Lead) -> datetime:
    """When a touch counts: a call that opened the lead at its opening, every other when it occurred."""
    if lead.opened_by(touch):
        return lead.opened_at
    occurred: datetime = touch["occurred_at"]
    return occurred


def is_inferred_automation(touch: Row, lead: Lead) -> bool:
    """An outbound touch of blank sender that betrays a machine: a sequence, or 0 to 2 s after the opening."""
    if touch["direction"] != "outbound" or touch.get("sender_type") is not None:
        return False
    since = touch["occurred_at"] - lead.opened_at
    return bool(touch.get("sequence_id")) or timedelta() <= since <= INFERRED_WITHIN


def is_human(touch: Row, lead: Lead) -> bool:
    """A human of ours: as given, or blank and not inferred."""
    sender = touch.get("sender_type")
    return sender in ("human", "isa") or (sender is None and not is_inferred_automation(touch, lead))


def is_response(touch: Row, lead: Lead, settings: Settings) -> bool:
    """An outbound touch by a human, or a live-answered inbound call."""
    if touch["direction"] == "outbound":
        return is_human(touch, lead)
    return is_human_answer(touch, settings)


def is_strictly_doubtful(touch: Row, lead: Lead) -> bool:
    """A text or email of ours of blank sender less than 2 min after the opening."""
    return (
        touch["direction"] == "outbound"
        and touch["channel"] in ("sms", "email")
        and touch.get("sender_type") is None
        and touch["occurred_at"] - lead.opened_at < STRICT_WITHIN
    )


def is_contact_call(touch: Row, lead: Lead, settings: Settings) -> bool:
    """A call in either direction, human, that was talked or was long enough and not unconnected."""
    if touch["channel"] != "call" or not is_human(touch, lead):
        return False
    if touch.get("talked"):
        return True
    seconds = call_seconds(touch)
    return seconds is not None and seconds >= settings.contact_min_seconds and touch.get("connected") is not False


@dataclass(frozen=True)
class Censoring:
    """Up to when a lead was watched, and why no longer."""

    at: datetime
    reason: str


def censoring_of(lead: Lead, disqualified_at: datetime | None, as_of: datetime) -> Censoring:
    """The earliest of `as_of`, the next lead and the disqualification."""
    ends = [(as_of, 0, "as_of")]
    if disqualified_at:
        ends.append((disqualified_at, 1, "disqualified"))
    if lead.next_lead_at:
        ends.append((lead.next_lead_at, 2, "next_lead"))
    at, _, reason = min(ends)
    return Censoring(at, reason)
