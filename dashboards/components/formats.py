"""Values in the words a broker uses; and text made safe for the places it is put into. No Streamlit here."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from dashboards.queries import PERIODS

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "CAD": "CA$", "AUD": "A$", "NZD": "NZ$", "MXN": "MX$"}
PERIOD_NAMES = {"week": "1 week", "trailing_4w": "4 weeks", "trailing_12w": "12 weeks", "trailing_52w": "52 weeks"}
SLICE_NAMES = {
    "all": "Whole brokerage",
    "source": "Source",
    "agent": "Agent",
    "team": "Team",
    "office": "Office",
    "category": "Kind of lead",
    "responder": "Who answered first",
    "hours": "Time of day",
}
VALUE_NAMES = {
    "(all)": "All sources",
    "(none)": "(not given)",
    "(nobody)": "(nobody yet)",
    "(unattributed)": "(no lead)",
    "(excluded)": "(left-out lead)",
    "in_hours": "In open hours",
    "after_hours": "After hours",
    "portal": "Portal",
    "website_showing": "Website showing request",
    "inbound_call_missed": "Missed call",
    "inbound_call_answered": "Answered call",
    "live_chat": "Live chat",
    "home_valuation": "Home valuation",
    "open_house": "Open house",
    "referral": "Referral",
}
EXCLUSION_NAMES = {
    "test": "tests",
    "spam": "spam",
    "import": "imported lists",
    "agent_created": "created by an agent",
    "past_client": "past clients",
    "no_contact_info": "no usable phone or email",
    "no_touch_coverage": "from before calls and messages were recorded",
}
SLA_NAMES = {
    "met": "on time",
    "missed": "too late",
    "open_overdue": "overdue, still waiting",
    "open_not_due": "not due yet",
    "excused": "excused",
    "not_needed": "no longer needed",
    "no_policy": "no target for their kind",
}
OUTCOME_NAMES = {
    "held": "held",
    "no_show": "no show",
    "cancelled_late": "cancelled late",
    "cancelled_early": "cancelled early",
    "cancelled_by_us": "cancelled by us",
}
APPOINTMENTS, PEOPLE, LEADS = ("appointment", "appointments"), ("person", "people"), ("lead", "leads")
COUNTED = {
    "held_rate": ("appointment with an outcome", "appointments with an outcome"),
    "held_rate_low": APPOINTMENTS,
    "held_rate_high": APPOINTMENTS,
    "outcome_coverage": APPOINTMENTS,
    "appointments_cancelled_by_us": APPOINTMENTS,
    "agreement_rate_30d": PEOPLE,
    "contract_rate_180d": PEOPLE,
    "automation_inferred_rate": ("call or message", "calls and messages"),
    "sender_known_rate": ("call or message", "calls and messages"),
    "inquiries": ("inquiry", "inquiries"),
    "integration_lag_seconds_median": ("inquiry", "inquiries"),
}
"""What a metric is out of, one and several; leads where it is not here."""
END_NAMES = {
    "as_of": "still waiting",
    "next_lead": "asked again",
    "disqualified": "disqualified",
}


def duration(minutes: float | None) -> str:
    """Minutes in words: 45 s, 5 min 59 s, 48 min, 12 h 10 min, 3 days 4 h."""
    if minutes is None:
        return "–"
    seconds = round(minutes * 60)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 600:
        return _two(seconds // 60, "min", seconds % 60, "s")
    whole = round(seconds / 60)
    if whole < 60:
        return f"{whole} min"
    if whole < 2880:
        return _two(whole // 60, "h", whole % 60, "min")
    hours = round(whole / 60)
    return _two(hours // 24, "days", hours % 24, "h")


def _two(big: int, big_unit: str, small: int, small_unit: str) -> str:
    return f"{big} {big_unit} {small} {small_unit}" if small else f"{big} {big_unit}"


def share(value: float | None, places: int = 1) -> str:
    """A share as a percentage; exactly none and all without decimals, and never rounded to them."""
    if value is None:
        return "–"
    if value in (0.0, 1.0):
        return f"{value * 100:.0f} %"
    least = 10.0**-places
    return f"{min(max(value * 100, least), 100 - least):.{places}f} %"


def percent(value: float | None) -> str:
    """A ratio that may be negative or more than the whole, such as a return, in whole percent."""
    if value is None:
        return "–"
    return f"{'−' if round(value, 2) < 0 else ''}{abs(value) * 100:,.0f} %"


def count(value: float | None) -> str:
    """A whole number with thousands separated."""
    return "–" if value is None else f"{value:,.0f}"


def counted(metric_id: str, number: float | None = None) -> str:
    """What a metric is out of: leads, appointments, people, ...; one or several of them."""
    one, several = COUNTED.get(metric_id, LEADS)
    return one if number == 1 else several


def money(value: float | Decimal | None, currency: str, places: int = 2) -> str:
    """An amount in the brokerage's currency, to the cent unless fewer places are asked for."""
    if value is None:
        return "–"
    sign, amount = "−" if round(float(value), places) < 0 else "", f"{abs(value):,.{places}f}"
    return f"{sign}{SYMBOLS[currency]}{amount}" if currency in SYMBOLS else f"{sign}{amount} {currency}"


def figure(value: float | None, unit: str, currency: str = "USD") -> str:
    """A figure of `metric_weekly` in the words of its unit."""
    if unit == "minutes":
        return duration(value)
    if unit == "seconds":
        return duration(None if value is None else value / 60)
    if unit == "share":
        return share(value)
    return money(value, currency) if unit == "money" else count(value)


def likely_range(low: float | None, high: float | None, unit: str) -> str | None:
    """The 95 % limits as a plain range, none where there are none."""

    # Where whole points would say that there is no range, a decimal shows it.
    close = low is not None and high is not None and share(low, 0) == share(high, 0)

    def words(value: float) -> str:
        return share(value, int(close)) if unit == "share" else figure(value, unit)

    if low is None and high is None:
        return None
    if high is None:
        return f"Likely more than {words(low)}" if low is not None else None
    if low is None:
        return f"Likely less than {words(high)}"
    return f"Likely {words(low)} to {words(high)}"


def day(value: date, year: bool = True) -> str:
    """A day in words: Mar 2, 2026."""
    return f"{value:%b} {value.day}" + (f", {value.year}" if year else "")


def span(first: date, last: date) -> str:
    """The days from one to another, both included: Mar 2 – 8, 2026."""
    if first.year != last.year:
        return f"{day(first)} – {day(last)}"
    if first.month != last.month:
        return f"{day(first, year=False)} – {day(last)}"
    return f"{day(first, year=False)} – {last.day}, {last.year}"


def period_span(week: date, period: str) -> str:
    """The days a window covers."""
    return span(week - timedelta(weeks=PERIODS[period] - 1), week + timedelta(days=6))


def moment(value: datetime | None) -> str:
    """A local moment in words: Tue Mar 10, 2026, 6:12 AM."""
    if value is None:
        return "–"
    return f"{value:%a} {day(value)}, {value.hour % 12 or 12}:{value:%M} {'AM' if value.hour < 12 else 'PM'}"


def slice_value(value: str) -> str:
    """The name of a source, agent, ... as people say it; names that people gave stay as they are."""
    return VALUE_NAMES.get(value, value)


def words(value: str | None, names: Mapping[str, str]) -> str:
    """The words for a code, or the code with its underscores gone."""
    return "" if value is None else names.get(value, value.replace("_", " "))


_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$&^=\"'])")


def plain(text: object) -> str:
    """Text that shows as it is where Markdown is read: no emphasis, no link, no colour, no emoji, no HTML."""
    escaped = _MARKUP.sub(r"\\\1", str(text).replace("\r", " ").replace("\n", " "))
    # A word joiner, invisible, after what would start a directive, an emoji or an address.
    return escaped.replace(":", ":\u2060").replace("@", "@\u2060").replace("www", "www\u2060")


def chart_text(text: object, width: int = 26) -> str:
    """Text for a Plotly label, which reads a few HTML tags; long names are cut."""
    whole = str(text)
    return html.escape(whole if len(whole) <= width else whole[: width - 1] + "…", quote=False)


_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_IGNORED_BEFORE = re.compile(r"^[\s\"'\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd]+")
"""What may stand before a formula's first mark and not be seen, or not be there any more after the import."""


def csv_bytes(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """A CSV that opens in a spreadsheet without running anything that somebody typed into a form."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([csv_cell(name) for name in rows[0]] if rows else ())
    for row in rows:
        writer.writerow([csv_cell(value) for value in row.values()])
    return out.getvalue().encode("utf-8-sig")  # the mark by which Excel knows UTF-8


def csv_cell(value: Any) -> Any:
    """A cell; text that a spreadsheet would run as a formula is preceded by an apostrophe.

    Characters that steer a terminal are replaced, as in a workbook: such a file is looked at in one, too.
    """
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if not isinstance(value, str) or not value:
        return value
    text = _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", value)
    begins = text[0] in "\t\r\n" or _IGNORED_BEFORE.sub("", text, count=1)[:1] in tuple("=+-@|%＝＋－＠")
    return f"'{text}" if begins else text
