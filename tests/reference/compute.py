"""From an export to leads and weekly figures, as of a moment."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta

from . import appointments as section5
from . import economics as section6
from . import leads as section2
from . import sla, speed, weekly
from .identity import Node
from .leads import NONE, House, Inquiry, Lead
from .model import Export, Result, Row, Settings
from .moments import business_seconds, microseconds, to_local, week_of
from .read import in_own_currency

NOBODY = "(nobody)"
AGES = (300, 900, 3600, 86400, 172800, 1209600, 2592000)


def compute(export: Export, settings: Settings, as_of: datetime) -> Result:
    """Every lead and every covered weekly figure."""
    house = section2.build(export, settings, as_of)
    changes = _disqualifying_changes(house, export, as_of)
    excused = {
        (row["_id_space"], row["inquiry_id"])
        for row in export.sla_excuses
        if row.get("at") is None or row["at"] <= as_of
    }
    chains = section5.chains_of(export, house, settings, as_of)
    set_at = section5.first_set(chains)
    leads: dict[str, Row] = {}
    facts = []
    for lead in sorted(house.leads, key=lambda lead: lead.opening.order):
        moments = speed.speed_of(lead, settings)
        disqualified_at = _disqualified_at(lead, changes, as_of)
        censoring = speed.censoring_of(lead, disqualified_at, as_of)
        row = _lead_row(
            lead,
            moments,
            house=house,
            disqualified_at=disqualified_at,
            censoring=censoring,
            excused=excused,
            export=export,
            settings=settings,
            as_of=as_of,
        )
        leads[lead.lead_id] = row
        facts.append(_lead_fact(row, moments, censoring, set_at.get(lead.lead_id)))

    last_week = section2.week_of_moment(as_of, settings)
    rows = [
        *weekly.lead_rows(facts, last_week, as_of),
        *weekly.inquiry_rows(
            (_inquiry_fact(each, settings, as_of) for each in house.inquiries),
            last_week,
            as_of,
        ),
        *weekly.chain_rows(section5.chain_facts(chains, leads, settings, as_of), last_week, as_of),
        *weekly.people_rows(
            section5.people_facts(chains, export, house, leads, settings, as_of),
            last_week,
            as_of,
        ),
        *weekly.spend_rows(_spend_facts(export, settings, as_of), last_week, as_of),
    ]
    section6.note_success_fees(export, settings)
    economics = section6.source_economics(export, settings, house, leads, chains, as_of)
    return Result(leads, rows, economics)


def _disqualifying_changes(house: House, export: Export, as_of: datetime) -> dict[Node, list[datetime]]:
    """The moments at which a person's stage became `disqualified`."""
    moments: dict[Node, list[datetime]] = defaultdict(list)
    for row in export.stage_changes:
        if row["stage"] == "disqualified" and row["at"] <= as_of:
            person = house.persons.named_by(row)
            if person is not None:
                moments[person].append(row["at"])
    return moments


def _disqualified_at(lead: Lead, changes: dict[Node, list[datetime]], as_of: datetime) -> datetime | None:
    """The earliest by an inquiry or a stage change of the lead, not before it opened."""
    moments = [inquiry.row.get("disqualified_at") for inquiry in lead.inquiries]
    found = [moment for moment in moments if moment is not None and moment <= as_of]
    if not lead.opening.set_aside:
        found += [
            moment
            for moment in changes.get(lead.opening.person, ())
            if moment >= lead.opened_at and (lead.next_lead_at is None or moment < lead.next_lead_at)
        ]
    return max(min(found), lead.opened_at) if found else None


def _lead_row(
    lead: Lead,
    moments: speed.Speed,
    *,
    house: House,
    disqualified_at: datetime | None,
    censoring: speed.Censoring,
    excused: set[tuple[str, str]],
    export: Export,
    settings: Settings,
    as_of: datetime,
) -> Row:
    opening = lead.opening
    opened_at = lead.opened_at
    id_space, inquiry_id = opening.row["_id_space"], opening.row["inquiry_id"]
    responded = moments.first_response_at is not None and moments.first_response_at <= censoring.at
    due = sla.due_for(opening.category, opened_at, export.sla_policies, settings)
    responder = NOBODY if moments.response is None else moments.response.get("agent") or NONE
    zone = sla.zone_of(_known_of(lead, house, "timezone"), settings.timezone)
    quiet = None
    if due.at is not None:
        quiet = sla.is_quiet(due.at, zone, _known_of(lead, house, "state"), export.quiet_hours)
    business = None
    if moments.first_response_at is not None:
        business = business_seconds(opened_at, moments.first_response_at, settings.hours, settings.timezone)
    return {
        "lead_id": lead.lead_id,
        "person_key": house.persons.key(opening.person),
        "id_space": id_space,
        "inquiry_id": inquiry_id,
        "lead_grain": opening.source_of_data.lead_grain,
        "source": opening.source,
        "source_now": _known_of(lead, house, "source_now"),
        "category": opening.category,
        "agent": lead.agent,
        "team": lead.team,
        "office": lead.office,
        "hours": due.hours,
        "responder": responder,
        "opened_at": opened_at,
        "opened_local": to_local(opened_at, settings.timezone),
        "week_start": section2.week_of_moment(opened_at, settings),
        "inquiries": len(lead.inquiries),
        "next_lead_at": lead.next_lead_at,
        "is_set_aside": opening.set_aside is not None,
        "is_eligible": lead.exclusion_reason is None,
        "exclusion_reason": lead.exclusion_reason,
        "first_any_at": moments.first_any_at,
        "first_response_at": moments.first_response_at,
        "first_response_strict_at": moments.first_response_strict_at,
        "first_reply_at": moments.first_reply_at,
        "first_contact_at": moments.first_contact_at,
        "response_channel": moments.response["channel"] if moments.response else None,
        "response_seconds": _seconds(opened_at, moments.first_response_at),
        "contact_seconds": _seconds(opened_at, moments.first_contact_at),
        "response_business_seconds": business,
        "censored_at": None if responded else censoring.at,
        "censor_reason": None if responded else censoring.reason,
        "disqualified_at": disqualified_at,
        "due_at": due.at,
        "due_minutes": (due.at - opened_at).total_seconds() / 60 if due.at else None,
        "sla_status": sla.status_of(
            due.at,
            moments.first_response_at,
            disqualified_at,
            (id_space, inquiry_id) in excused,
            as_of,
        ),
        "due_in_quiet_hours": quiet,
        "integration_lag_seconds": opening.lag_seconds,
        "age_seconds": (as_of - opened_at).total_seconds(),
        "as_of": as_of,
    }


def _known_of(lead: Lead, house: House, column: str) -> str | None:
    """What the CRM says of the person: of the opening inquiry's own record (its survivor), else of the first other."""
    own = house.persons.survivor_row(lead.opening.row)
    others = sorted(
        house.persons.people_rows.get(lead.opening.person, ()),
        key=lambda row: (row["person_id"], row["_id_space"]),
    )
    for row in [own, *others]:
        if row and row.get(column):
            return str(row[column])
    return None


def _seconds(start: datetime, end: datetime | None) -> float | None:
    return None if end is None else (end - start).total_seconds()


def _lead_fact(row: Row, moments: speed.Speed, censoring: speed.Censoring, set_at: datetime | None) -> weekly.Fact:
    """What a lead adds to the counts, and its three clocks."""
    counts: Counter[str] = Counter(leads=1)
    age, answered, contacted = (
        row["age_seconds"],
        row["response_seconds"],
        row["contact_seconds"],
    )
    counts["outbound"] = moments.outbound
    counts["inferred"] = moments.inferred
    counts["sender_known"] = moments.sender_known
    counts["all_aged_86400"] = age >= weekly.DAY_SECONDS
    fact = weekly.Fact(row["week_start"], {name: row[name] for name in weekly.LEAD_SLICES}, counts)
    if not row["is_eligible"]:
        counts["excluded"] = 1
        return fact
    counts["eligible"] = 1
    for within in AGES:
        if age >= within:
            counts[f"aged_{within}"] = 1
            counts[f"answered_{within}"] = answered is not None and answered <= within
            counts[f"contact_{within}"] = contacted is not None and contacted <= within
            counts[f"set_{within}"] = set_at is not None and (set_at - row["opened_at"]).total_seconds() <= within
    counts["never_answered"] = age >= weekly.DAY_SECONDS and answered is None
    if row["sla_status"] in ("met", "missed", "open_overdue"):
        counts["sla_judged"] = 1
        counts["sla_met"] = row["sla_status"] == "met"
        counts["sla_contact"] = row["first_contact_at"] is not None and row["first_contact_at"] <= row["due_at"]
    for clock, event in (
        ("response", row["first_response_at"]),
        ("strict", row["first_response_strict_at"]),
        ("contact", row["first_contact_at"]),
    ):
        is_censored = event is None or event > censoring.at
        end = censoring.at if is_censored else event
        fact.observations[clock] = (
            microseconds(end - row["opened_at"]),
            int(is_censored),
        )
    return fact


def _inquiry_fact(inquiry: Inquiry, settings: Settings, as_of: datetime) -> weekly.Fact:
    lag = inquiry.lag_seconds
    return weekly.Fact(
        week=section2.week_of_moment(inquiry.opened_at, settings),
        slices={
            "category": inquiry.category,
            "source": inquiry.source,
            "agent": inquiry.row.get("agent") or NONE,
        },
        counts=Counter(inquiries=1, aged_86400=int(as_of - inquiry.opened_at >= timedelta(days=1))),
        lag=lag if lag is not None and lag >= 0 else None,
    )


def _spend_facts(export: Export, settings: Settings, as_of: datetime) -> list[weekly.Fact]:
    today: date = to_local(as_of, settings.timezone).date()
    facts = []
    for row in export.spend:
        amount = in_own_currency(row, settings, export.fx_rates)
        assert amount is not None
        for day, piece in weekly.spread(amount, row["date"], row.get("date_to")):
            if day <= today:
                week = week_of(day, settings.week_start)
                facts.append(weekly.Fact(week, {"source": row["source"]}, amount=piece))
    return facts
