"""Who works at Harbor & Main, where its leads come from, how each source behaves, and the story that is planted."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from dagster_project.demo.clock import at_local


@dataclass(frozen=True)
class Agent:
    """One member of the brokerage."""

    name: str
    team: str
    office: str
    role: str = "agent"

    @property
    def email(self) -> str:
        return f"{self.name.lower().replace(' ', '.')}@harborandmain.example.com"


_OFFICES = (("Seacoast", "Portsmouth"), ("Upriver", "Dover"), ("Harbor", "Portsmouth"), ("Lakes", "Laconia"))
_NAMES = """
    Rosa Delgado,Tom Becker,Priya Nair,Hannah Kim,Luis Ortega,Marta Lindqvist,Owen Farrow,Leila Haddad,Ben Whitcomb,
    Ana Sorokin,Colin Mercer,Tessa Bright,Yusuf Arslan,Nina Kowalski,Peter Alden,Ruth Okafor,Simon Legrand,Ivy Chandler,
    Dario Conti,Mae Thornton,Felix Brandt,Clara Nunes,Henry Osgood,Jade Whitaker
"""
_ISA_NAMES = ("Marcus Webb", "Grace Abbott", "Devon Pike", "Lena Ruiz")
AGENTS = tuple(
    Agent(name.strip(), *_OFFICES[number % len(_OFFICES)]) for number, name in enumerate(_NAMES.strip().split(","))
)
ISAS = tuple(Agent(name, "Inside sales", "Portsmouth", "isa") for name in _ISA_NAMES)
BROKER = Agent("Dana Whitfield", "Office", "Portsmouth", "admin")


@dataclass(frozen=True)
class Channel:
    """A source of leads: how it is answered and what becomes of it. Money is for the default size, in dollars."""

    name: str
    share: float
    event: str
    """Type of the event in the CRM."""
    category: str
    answer_minutes: float
    """Median minutes to the first human answer in open hours."""
    answered_at_night: float
    """Chance that somebody answers outside open hours, before the next opening."""
    books: float
    """Chance of an appointment once there was a conversation."""
    holds: float
    closes: float
    """Chance of an agreement once an appointment was held."""
    spellings: tuple[str, ...] = ()
    """How else the CRM has it; the mapping makes them one."""
    monthly: int = 0
    """Monthly invoice."""
    per_lead: float = 0.0
    """Media per lead, spread over the days."""
    success_fee: float = 0.0
    """Share of the commission due at closing."""
    isa: float = 0.0
    """Share of leads that inside sales answers."""


FAST_NEVER_HELD, SLOW_PROFITABLE = "Facebook - Home Value", "Sphere"
GOOD_MONEY, BAD_MONEY = "Google Ads", "Homes.com"
BROKEN = "Realtor.com"

CHANNELS = (
    Channel("Zillow", 0.20, "Property Inquiry", "portal", 6, 0.2, 0.26, 0.62, 0.30,
            spellings=("Zillow.com", "ZILLOW", "Zillow Premier Agent"), monthly=15_000, isa=0.4),
    Channel(BROKEN, 0.11, "Property Inquiry", "portal", 8, 0.2, 0.25, 0.6, 0.28,
            spellings=("www.realtor.com",), monthly=7_500, isa=0.4),
    Channel(BAD_MONEY, 0.09, "Property Inquiry", "portal", 10, 0.15, 0.07, 0.45, 0.06, monthly=8_800, isa=0.3),
    Channel("Website", 0.15, "Registration", "website_showing", 12, 0.2, 0.24, 0.65, 0.30),
    Channel("Live Chat", 0.05, "General Inquiry", "live_chat", 3, 0.1, 0.22, 0.6, 0.28),
    Channel(GOOD_MONEY, 0.13, "Property Inquiry", "website_showing", 7, 0.2, 0.40, 0.72, 0.42, per_lead=40, isa=0.4),
    Channel(FAST_NEVER_HELD, 0.12, "Seller Inquiry", "home_valuation", 1.5, 0.7, 0.34, 0.0, 0.0,
            spellings=("FB Home Value",), per_lead=28, isa=0.5),
    Channel("Open House", 0.06, "Visited Open House", "open_house", 50, 0.05, 0.26, 0.7, 0.3, monthly=900),
    Channel(SLOW_PROFITABLE, 0.06, "General Inquiry", "referral", 420, 0.05, 0.62, 0.85, 0.6, monthly=1_500),
    Channel("HomeLight", 0.03, "Seller Inquiry", "referral", 40, 0.1, 0.4, 0.8, 0.45, success_fee=0.25),
)  # fmt: skip

SEED_MISSES = "Zilow"
"""A spelling that neither the mapping nor the seed knows: it keeps its name and has no category."""


@dataclass(frozen=True)
class Plot:
    """What is planted, and when; the dates are New York's."""

    leaver: str = "Tom Becker"
    left_on: date = date(2026, 8, 14)
    broken_source: str = BROKEN
    broken_week: date = date(2026, 6, 15)
    broken_until: date = date(2026, 6, 22)
    blast_at: int = field(default_factory=lambda: at_local(date(2026, 9, 15), 15 * 3600))
    """When an automation texted everybody, also those who had opted out."""
    outage_day: date = date(2026, 10, 19)
    """The dialer was down: leads of the morning are excused."""
    bad_export: str = "2026-09"
    """The dialer's export that somebody opened in a spreadsheet first."""


PLOT = Plot()
