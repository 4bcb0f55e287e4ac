"""What the simulation makes: people, their inquiries, and what happened, in whole seconds of UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dagster_project.demo.cast import Agent, Channel

System = Literal["calls", "texts", "emails", "dialer", "tracking"]
"""The export in which a touch stands: three of the CRM, the dialer's, the call tracking's."""


@dataclass(slots=True, eq=False)
class Record:
    """One person as a record of the CRM. `person` says who it really is."""

    person: int
    first: str
    last: str
    emails: list[str]
    phones: list[str]
    """E.164."""
    created: int
    via: str
    source: str
    """The source as the CRM has it now."""
    stage: str = "Lead"
    agent: str = ""
    tags: list[str] = field(default_factory=list)
    merged_into: Record | None = None
    deleted: int | None = None
    client_since: int | None = None
    timeframe: str = ""
    junk_phone: str = ""
    """A number that is nobody's, written instead of one."""
    id: str = ""

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"


@dataclass(slots=True, eq=False)
class Inquiry:
    """One raised hand in the CRM."""

    record: Record
    channel: Channel
    at: int
    received: int
    spelled: str
    """The source as the CRM spells it; `source` as it is meant."""
    source: str
    flag: str = ""
    """`test`, `spam`, `import`, `agent_created` or nothing."""
    address: str = ""
    disqualified: int | None = None
    id: str = ""

    @property
    def opened(self) -> int:
        return min(self.at, self.received)


@dataclass(slots=True, eq=False)
class Touch:
    """One attempt or message."""

    system: System
    record: Record | None
    """None where a stranger called: `phone` is all that is known."""
    at: int
    channel: str
    inbound: bool = False
    sender: str = ""
    """`human`, `isa`, `automation` or nothing, as the export tells it."""
    agent: str = ""
    connected: bool | None = None
    seconds: int | None = None
    disposition: str = ""
    not_reply: str = ""
    plan: str = ""
    """The action plan or campaign that sent it."""
    mark: str = ""
    """Which field of the export carries it: `automation`, `plan` or `campaign`."""
    phone: str = ""
    reading: int | None = None
    """A local reading that no clock showed, or showed twice; what else is `at` in the export's zone."""
    voicemail: bool = False
    tracking: str = ""
    is_first: bool = False
    id: str = ""


@dataclass(slots=True, eq=False)
class Appointment:
    """One booking."""

    record: Record
    booked: int
    starts: int
    ends: int
    agent: str
    source: str
    """Of the lead that it was made with."""
    outcome: str = ""
    cancelled: int | None = None
    replaces: Appointment | None = None
    id: str = ""


@dataclass(slots=True, eq=False)
class Deal:
    """One side of a transaction; days are local midnights, money whole cents."""

    record: Record
    side: str
    agent: str
    source: str
    agreement: int
    contract: int | None
    closed: int | None
    fell_through: int | None
    price: int
    """Whole dollars."""
    gci: int
    split: int | None
    channel: str = ""
    """The source of its lead as it is meant; empty where there was no lead."""
    fee: int = 0
    """The success fee of whoever sent the person, in cents."""
    id: str = ""


@dataclass(slots=True, eq=False)
class Dated:
    """An assignment, a change of stage, a consent or a task: what happened to whom, and when."""

    record: Record
    at: int
    what: str
    agent: str = ""
    before: str = ""
    done: int | None = None
    channel: str = ""
    id: str = ""


@dataclass(slots=True, eq=False)
class Spend:
    """A day, month or fee that was paid; cents, or micros of an ad account."""

    source: str
    day: str
    day_to: str
    micros: int
    kind: str
    campaign: str = ""
    campaign_id: str = ""
    deal: Deal | None = None
    impressions: int | None = None
    clicks: int | None = None


@dataclass(slots=True)
class World:
    """Everything that happened, each list in the order of its export."""

    agents: list[Agent]
    isas: list[Agent]
    records: list[Record] = field(default_factory=list)
    inquiries: list[Inquiry] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    appointments: list[Appointment] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    assignments: list[Dated] = field(default_factory=list)
    stages: list[Dated] = field(default_factory=list)
    consents: list[Dated] = field(default_factory=list)
    tasks: list[Dated] = field(default_factory=list)
    excuses: list[Inquiry] = field(default_factory=list)
    spend: list[Spend] = field(default_factory=list)
    opted_out: dict[int, int] = field(default_factory=dict)
    """Person to the moment of their STOP."""
    violations: list[Touch] = field(default_factory=list)
    unanswered_of_leaver: list[Inquiry] = field(default_factory=list)
    late: list[Inquiry] = field(default_factory=list)
