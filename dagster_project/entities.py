"""The canonical entities as data: the twelve of the contract and `crm_counts`, which is ours.

Every source ends as rows of these, whatever its kind.

Nothing else in the project repeats a column's name to say what type it has: the working database, the converters, the
mapping's checks and the documentation all read `ENTITIES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Literal

ColumnType = Literal["text", "id", "instant", "date", "truth", "money", "number", "count", "choice", "email", "phone"]

SQL_TYPES: Mapping[ColumnType, str] = MappingProxyType(
    {
        "text": "VARCHAR",
        "id": "VARCHAR",
        "choice": "VARCHAR",
        "email": "VARCHAR",
        "phone": "VARCHAR",
        "instant": "TIMESTAMPTZ",
        "date": "DATE",
        "truth": "BOOLEAN",
        "money": "DECIMAL(18,6)",
        "number": "DECIMAL(18,6)",
        "count": "BIGINT",
    }
)

PERSON_COLUMNS = ("person_id", "email", "phone")
"""The columns by which a row names its person, in the order in which they are looked up."""

PERSONAL_COLUMNS = frozenset({"name", "email", "phone", "property_address"})
"""Cells of these columns are never printed: not in a log, not in an error line."""

NAMING_COLUMNS = frozenset({*PERSON_COLUMNS, *PERSONAL_COLUMNS, "merged_into"})
"""The columns that say who somebody is: of an erased person they are empty, or hold a pseudonym."""

IDENTITY_ENTITIES = frozenset({"people", "inquiries"})
"""Entities whose rows say who somebody is; rows of the others only look their person up (METRICS.md section 2)."""

PROVENANCE_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "_source": "VARCHAR",
        "_id_space": "VARCHAR",
        "_file": "VARCHAR",
        "_line": "BIGINT",
        "_load_id": "VARCHAR",
        "_time_flags": "VARCHAR",
        "_deleted_by_load": "VARCHAR",
        "_deleted_reason": "VARCHAR",
        "_version": "VARCHAR",
    }
)
"""What ingest adds to each row. `_deleted_reason`: `gone` or `superseded`; `_version`: start of the file's sha256."""


@dataclass(frozen=True)
class Column:
    """One column of an entity. `choices` is the closed list of a `choice` column."""

    name: str
    type: ColumnType
    description: str
    required: bool = False
    choices: tuple[str, ...] = ()

    @property
    def sql_type(self) -> str:
        return SQL_TYPES[self.type]


@dataclass(frozen=True)
class Entity:
    """One canonical entity. `key` identifies a row in an id space; `key_optional`: rows without one are all kept."""

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    key_optional: bool = False

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        return MappingProxyType({column.name: column for column in self.columns})

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.required)

    @property
    def person_columns(self) -> tuple[str, ...]:
        """The columns of this entity that name the person, in the order of `PERSON_COLUMNS`."""
        if self.name == "agents":  # an agent's own address is not a lead's
            return ()
        return tuple(name for name in PERSON_COLUMNS if name in self.by_name)

    def ddl(self) -> str:
        """The statement that makes `raw.<entity>` where it is absent."""
        columns = [f'"{column.name}" {column.sql_type}' for column in self.columns]
        columns += [f"{name} {sql_type}" for name, sql_type in PROVENANCE_COLUMNS.items()]
        return f"CREATE TABLE IF NOT EXISTS raw.{self.name} (\n    " + ",\n    ".join(columns) + "\n)"


def _person(*, own_id: bool = False) -> tuple[Column, ...]:
    return (
        Column("person_id", "id", "The person's id in the source.", required=own_id),
        Column("email", "email", "The person's email as given; several separated by `;`."),
        Column("phone", "phone", "The person's phone as given; several separated by `;`."),
    )


_PERSON = _person()
_AGENT = Column("agent", "text", "The agent's name or id, as in `agents`.")
_TEAM = Column("team", "text", "The team.")
_SYSTEM = Column("system", "text", "The system that recorded it.")

CALL_CHANNELS = ("call", "sms", "email", "chat", "voicemail")

_ALL = (
    Entity(
        "people",
        "One row per person record of a source.",
        (
            _person(own_id=True)[0],
            Column("name", "text", "The person's name."),
            *_PERSON[1:],
            Column("created_at", "instant", "When the record was made."),
            Column("source_now", "text", "The source as the CRM has it now."),
            Column("stage", "text", "The stage as the CRM has it now."),
            _AGENT,
            _TEAM,
            Column("merged_into", "id", "The person_id of the record that this one was merged into."),
            Column("deleted_at", "instant", "When the record was deleted upstream."),
            Column("past_client_since", "instant", "Since when the person is a past client."),
            Column("state", "text", "The person's state."),
            Column("timezone", "text", "The person's time zone (IANA name)."),
        ),
        key=("person_id",),
    ),
    Entity(
        "inquiries",
        "One row per raised hand: form, portal message, call, chat, sign-in, referral.",
        (
            Column("inquiry_id", "id", "The inquiry's id in the source.", required=True),
            _PERSON[0],
            Column("name", "text", "The name given."),
            *_PERSON[1:],
            Column("event_at", "instant", "When the person raised the hand.", required=True),
            Column("received_at", "instant", "When our system received it."),
            Column("source", "text", "Where it came from."),
            Column("category", "text", "Category of METRICS.md section 4; wins over the seed."),
            Column("channel", "text", "How it came."),
            Column("campaign", "text", "The campaign."),
            _AGENT,
            _TEAM,
            Column("is_test", "truth", "A test."),
            Column("is_spam", "truth", "Spam."),
            Column("is_import", "truth", "Imported in bulk."),
            Column("is_agent_created", "truth", "Entered by an agent."),
            Column("is_past_client", "truth", "From a past client."),
            Column("intent", "text", "What the person wants."),
            Column("timeframe", "text", "When the person wants it."),
            Column("property_address", "text", "The property asked about."),
            Column("disqualified_at", "instant", "When it was disqualified."),
        ),
        key=("inquiry_id",),
    ),
    Entity(
        "touches",
        "One row per attempt or message, in either direction.",
        (
            Column("touch_id", "id", "The touch's id in the source.", required=True),
            *_PERSON,
            Column("occurred_at", "instant", "When it began.", required=True),
            Column("ended_at", "instant", "When it ended."),
            Column("channel", "choice", "The channel.", required=True, choices=CALL_CHANNELS),
            Column("direction", "choice", "Whose touch it was.", required=True, choices=("outbound", "inbound")),
            Column(
                "sender_type", "choice", "Who sent it, or who answered.", choices=("human", "isa", "automation", "ai")
            ),
            _AGENT,
            _TEAM,
            Column("connected", "truth", "Somebody picked up."),
            Column("duration_seconds", "number", "Length in seconds."),
            Column("talked", "truth", "Known to have been a conversation."),
            Column("disposition", "text", "The outcome as the source words it."),
            Column("recorded", "truth", "A recording exists."),
            Column(
                "not_reply",
                "choice",
                "Why an inbound message is no reply.",
                choices=("auto_reply", "opt_out", "wrong_number"),
            ),
            Column("sequence_id", "id", "The automation sequence that sent it."),
            Column("opened_inquiry_id", "id", "The inquiry that this call opened."),
            _SYSTEM,
        ),
        key=("touch_id",),
    ),
    Entity(
        "appointments",
        "One row per booking; a booking that replaces another names it.",
        (
            Column("appointment_id", "id", "The booking's id in the source.", required=True),
            *_PERSON,
            Column("booked_at", "instant", "When it was booked.", required=True),
            Column("starts_at", "instant", "Scheduled start.", required=True),
            Column("ends_at", "instant", "Scheduled end.", required=True),
            Column("replaces_id", "id", "The booking that this one replaces."),
            Column("cancelled_at", "instant", "When it was cancelled."),
            Column(
                "outcome",
                "choice",
                "What became of it; empty is unknown.",
                choices=("held", "no_show", "cancelled_late", "cancelled_early", "cancelled_by_us"),
            ),
            _AGENT,
        ),
        key=("appointment_id",),
    ),
    Entity(
        "deals",
        "One row per side of a transaction.",
        (
            Column("deal_id", "id", "The deal's id in the source.", required=True),
            *_PERSON,
            Column("side", "choice", "Our side.", choices=("buyer", "seller")),
            Column("agreement_at", "instant", "Listing or buyer agreement signed."),
            Column("contract_at", "instant", "Under contract (mutual acceptance)."),
            Column("closed_at", "instant", "Settled."),
            Column("fell_through_at", "instant", "Fell through."),
            Column("sale_price", "money", "Sales price, in the brokerage's currency."),
            Column("gci", "money", "Gross commission income."),
            Column("referral_fee", "money", "Referral fee paid."),
            Column("agent_split", "money", "The agent's part of the commission, an amount."),
            Column("source", "text", "Where the deal came from, as the source has it."),
            _AGENT,
        ),
        key=("deal_id",),
    ),
    Entity(
        "spend",
        "One row per line of spend.",
        (
            Column("spend_id", "id", "The line's id; lines without one are never duplicates of one another."),
            Column("date", "date", "The day in the account's zone, or the first day.", required=True),
            Column("date_to", "date", "The last day; the amount is spread evenly from date to it."),
            Column("source", "text", "The source the money was spent on.", required=True),
            Column("campaign", "text", "The campaign."),
            Column("amount", "money", "The amount; a credit is negative.", required=True),
            Column("currency", "text", "ISO code; empty is the brokerage's."),
            Column("kind", "choice", "What it paid for.", choices=("media", "vendor_fee", "success_fee")),
            Column("deal_id", "id", "The deal a success fee was paid for."),
            Column("impressions", "count", "Impressions."),
            Column("clicks", "count", "Clicks."),
        ),
        key=("spend_id",),
        key_optional=True,
    ),
    Entity(
        "consents",
        "One row per consent granted or revoked, or do-not-contact.",
        (
            Column("consent_id", "id", "The event's id in the source.", required=True),
            *_PERSON,
            Column("at", "instant", "When.", required=True),
            Column("channel", "choice", "For which channel.", required=True, choices=("call", "sms", "email", "all")),
            Column("event", "choice", "What happened.", required=True, choices=("granted", "revoked", "dnc")),
            Column("text_shown", "text", "The text the person saw."),
            Column("source", "text", "Where the consent was given."),
            Column("seller_named", "text", "The seller whom the consent names."),
            _SYSTEM,
        ),
        key=("consent_id",),
    ),
    Entity(
        "stage_changes",
        "One row per change of a person's stage.",
        (
            Column("change_id", "id", "The change's id in the source.", required=True),
            *_PERSON,
            Column("at", "instant", "When.", required=True),
            Column(
                "stage",
                "choice",
                "The new stage.",
                required=True,
                choices=(
                    "capture",
                    "enrich",
                    "qualify",
                    "mql",
                    "sql",
                    "alm",
                    "route",
                    "contact",
                    "nurture",
                    "convert",
                    "reactivate",
                    "disqualified",
                    "closed",
                ),
            ),
        ),
        key=("change_id",),
    ),
    Entity(
        "assignments",
        "One row per assignment of a person to an agent.",
        (
            Column("assignment_id", "id", "The assignment's id in the source.", required=True),
            *_PERSON,
            Column("at", "instant", "When.", required=True),
            _AGENT,
            _TEAM,
            Column(
                "model",
                "choice",
                "How it was assigned.",
                choices=("round_robin", "first_to_respond", "pond", "redistribution", "manual"),
            ),
            Column("reason", "text", "Why."),
        ),
        key=("assignment_id",),
    ),
    Entity(
        "tasks",
        "One row per task.",
        (
            Column("task_id", "id", "The task's id in the source.", required=True),
            *_PERSON,
            Column("kind", "text", "What kind of task."),
            Column("due_at", "instant", "When it is due.", required=True),
            Column("done_at", "instant", "When it was done."),
            _AGENT,
        ),
        key=("task_id",),
    ),
    Entity(
        "sla_excuses",
        "One row per inquiry whose SLA is excused.",
        (
            Column("inquiry_id", "id", "The excused inquiry.", required=True),
            Column("reason", "text", "Why.", required=True),
            Column("approver", "text", "Who approved it.", required=True),
            Column("at", "instant", "When it was approved."),
        ),
        key=("inquiry_id",),
    ),
    Entity(
        "agents",
        "One row per agent and period of membership of a team and office.",
        (
            Column("agent", "text", "The agent's name or id, as other entities have it.", required=True),
            Column("name", "text", "The agent's full name."),
            _TEAM,
            Column("office", "text", "The office."),
            Column("role", "choice", "The role.", choices=("agent", "isa", "admin")),
            Column("active_from", "date", "First day."),
            Column("active_to", "date", "Last day."),
            Column("email", "email", "The agent's own address."),
        ),
        key=("agent", "active_from"),  # a move to another team is a second row
    ),
    Entity(  # ours, not one of the twelve of the contract: no figure is made of it, reconciliation compares with it
        "crm_counts",
        "One row per line of the CRM's own report of new leads: a day or week, a source, how many.",
        (
            Column("date", "date", "The day, or any day of the reporting week.", required=True),
            Column("source", "text", "The source as the CRM words it.", required=True),
            Column("leads", "count", "How many the CRM counts.", required=True),
            Column(
                "counted",
                "choice",
                "What the CRM counts: records of people (empty is that), or inquiries.",
                choices=("people", "inquiries"),
            ),
        ),
        key=("date", "source"),
    ),
)

ENTITIES: Mapping[str, Entity] = MappingProxyType({entity.name: entity for entity in _ALL})
