"""Section 6: what each source cost and brought, by period, in the cohort and the cash view."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from .appointments import EXCLUDED, UNATTRIBUTED, Chain
from .identity import Node
from .leads import NO_SOURCE, NONE, House, Lead, category_of
from .model import Export, Row, Settings
from .moments import to_local, week_of
from .read import in_own_currency
from .weekly import spread

ALL = "(all)"
CENT = Decimal("0.01")
COUNTS = ("leads_eligible", "appointments_set", "appointments_held", "contracts", "closes")
PER = {
    "cost_per_lead": "leads_eligible",
    "cost_per_appointment_set": "appointments_set",
    "cost_per_appointment_held": "appointments_held",
    "cost_per_contract": "contracts",
    "cost_per_close": "closes",
}


@dataclass
class Deal:
    """A deal that had an event by `as_of`, with the lead it belongs to."""

    row: Row
    lead: Lead | None
    contract_at: datetime | None
    closed_at: datetime | None
    fell_through_at: datetime | None

    @property
    def is_pending(self) -> bool:
        """Under contract, neither closed nor fallen through."""
        return self.contract_at is not None and self.closed_at is None and self.fell_through_at is None


@dataclass
class Cell:
    """What falls into one source and period of one view."""

    cost_media: Decimal = Decimal(0)
    cost_fees: Decimal = Decimal(0)
    mapped_media: Decimal = Decimal(0)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    gci: Decimal = Decimal(0)
    split: Decimal = Decimal(0)
    pending: Decimal = Decimal(0)
    splits_missing: int = 0
    splits_assumed: int = 0
    closed_with_gci: int = 0
    leads_final: int = 0

    def add(self, other: Cell) -> None:
        """Both together."""
        for name in ("cost_media", "cost_fees", "mapped_media", "gci", "split", "pending"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("splits_missing", "splits_assumed", "closed_with_gci", "leads_final"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in COUNTS:
            self.counts[name] += other.counts[name]


Piece = tuple[str, str, date, Cell]
"""view, source, local day, what it adds."""


def source_economics(
    export: Export,
    settings: Settings,
    house: House,
    leads: dict[str, Row],
    chains: Iterable[Chain],
    as_of: datetime,
) -> list[Row]:
    """Every row of `source_economics`."""
    deals = _deals(export, house, as_of)
    pieces = [
        *_spend_pieces(export, settings, deals, as_of),
        *_lead_pieces(house, leads, deals, settings, as_of),
        *_chain_pieces(chains, settings, as_of),
        *_deal_pieces(deals, settings),
    ]
    fee_only = _fee_only(export, deals)
    closing_share = _share_of_pendings_closed(deals, as_of)
    today = to_local(as_of, settings.timezone).date()
    rows = []
    for period, starts_of in _periods(settings, today).items():
        cells: dict[tuple[str, date, str], Cell] = defaultdict(Cell)
        for view, source, day, piece in pieces:
            for start in starts_of(day):
                cells[view, start, source].add(piece)
                cells[view, start, ALL].add(piece)
        for (view, start, source), cell in sorted(cells.items()):
            key = {"period": period, "period_start": start, "view": view, "source": source}
            rows.append(key | _figures(cell, source, fee_only, closing_share, settings) | {"as_of": as_of})
    return rows


def _deals(export: Export, house: House, as_of: datetime) -> list[Deal]:
    own: dict[Node, list[Lead]] = defaultdict(list)
    for lead in sorted(house.leads, key=lambda lead: lead.opening.order):
        if not lead.opening.set_aside:
            own[lead.opening.person].append(lead)
    deals = []
    for row in export.deals:
        moments = {
            name: row.get(name) if row.get(name) is not None and row[name] <= as_of else None
            for name in ("agreement_at", "contract_at", "closed_at", "fell_through_at")
        }
        events = [moments[name] for name in ("agreement_at", "contract_at", "closed_at") if moments[name] is not None]
        if not events:
            continue
        before = [lead for lead in own.get(house.persons.named_by(row), []) if lead.opened_at <= min(events)]
        lead = before[-1] if before else None
        deals.append(Deal(row, lead, moments["contract_at"], moments["closed_at"], moments["fell_through_at"]))
    return deals


def _source_of(lead: Lead | None) -> str:
    if lead is None:
        return UNATTRIBUTED
    return lead.opening.source if lead.exclusion_reason is None else EXCLUDED


def _spend_pieces(export: Export, settings: Settings, deals: list[Deal], as_of: datetime) -> Iterator[Piece]:
    """Media day by day in both views; success fees of no deal at their own date and source."""
    today = to_local(as_of, settings.timezone).date()
    for row in export.spend:
        amount = in_own_currency(row, settings, export.fx_rates)
        assert amount is not None
        is_fee = row.get("kind") == "success_fee"
        if is_fee and _deal_of(row, export) is not None:
            continue
        for day, piece in spread(amount, row["date"], row.get("date_to")):
            if day > today:
                continue
            if is_fee:
                for view in ("cohort", "cash"):
                    yield view, row["source"], day, Cell(cost_fees=piece)
                continue
            for source, part in _allocated(row, day, piece, export):
                is_mapped = source != NO_SOURCE and category_of(source, export.source_categories) != NONE
                for view in ("cohort", "cash"):
                    yield view, source, day, Cell(cost_media=part, mapped_media=part if is_mapped else Decimal(0))


def _allocated(row: Row, day: date, amount: Decimal, export: Export) -> list[tuple[str, Decimal]]:
    """A vendor fee by the seed's shares: whole cents, what remains to the largest share, or to the vendor itself."""
    if row.get("kind") != "vendor_fee":
        return [(row["source"], amount)]
    month = f"{day:%Y-%m}"
    shares = [
        (seed["source"].strip(), Decimal(seed["share"]))
        for seed in export.vendor_fees
        if seed["vendor"].strip().casefold() == row["source"].strip().casefold()
        and seed["month_from"].strip() <= month
        and (not seed["month_to"].strip() or month <= seed["month_to"].strip())
    ]
    if not shares:
        return [(row["source"], amount)]
    parts = {source: (amount * share).quantize(CENT, rounding=ROUND_DOWN) for source, share in shares}
    left = amount - sum(parts.values())
    if sum(share for _, share in shares) == 1:
        largest = min(shares, key=lambda pair: (-pair[1], pair[0]))[0]
        parts[largest] += left
    else:
        parts[row["source"]] = parts.get(row["source"], Decimal(0)) + left
    return list(parts.items())


def _deal_of(row: Row, export: Export) -> Row | None:
    """The deal a fee names: of its own id space, else the only one of that id."""
    if not row.get("deal_id"):
        return None
    named = [deal for deal in export.deals if deal["deal_id"] == row["deal_id"]]
    own = [deal for deal in named if deal["_id_space"] == row["_id_space"]]
    if own:
        return own[0]
    return named[0] if len(named) == 1 else None


def _lead_pieces(
    house: House, leads: dict[str, Row], deals: list[Deal], settings: Settings, as_of: datetime
) -> Iterator[Piece]:
    final = {deal.lead.lead_id for deal in deals if deal.lead and (deal.closed_at or deal.fell_through_at)}
    waits = sorted(
        deal.closed_at - deal.lead.opened_at
        for deal in deals
        if deal.closed_at and deal.lead and deal.lead.exclusion_reason is None
    )
    usual = waits[math.ceil(0.9 * len(waits)) - 1] if waits else None
    for lead in house.leads:
        if lead.exclusion_reason is not None:
            continue
        is_final = lead.lead_id in final or leads[lead.lead_id]["disqualified_at"] is not None
        is_old = usual is not None and as_of - lead.opened_at >= usual
        cell = Cell(leads_final=int(is_final or is_old))
        cell.counts["leads_eligible"] = 1
        day = to_local(lead.opened_at, settings.timezone).date()
        for view in ("cohort", "cash"):
            yield view, lead.opening.source, day, cell


def _chain_pieces(chains: Iterable[Chain], settings: Settings, as_of: datetime) -> Iterator[Piece]:
    for chain in chains:
        source = _source_of(chain.lead)
        is_held = chain.is_held(as_of)
        if chain.lead is not None:
            cell = Cell()
            cell.counts["appointments_set"] = 1
            cell.counts["appointments_held"] = int(is_held)
            yield "cohort", source, to_local(chain.lead.opened_at, settings.timezone).date(), cell
        was_set = Cell()
        was_set.counts["appointments_set"] = 1
        set_at = chain.set_at or chain.first["booked_at"]
        yield "cash", source, to_local(set_at, settings.timezone).date(), was_set
        if is_held:
            held = Cell()
            held.counts["appointments_held"] = 1
            yield "cash", source, to_local(chain.last["ends_at"], settings.timezone).date(), held


def _deal_pieces(deals: list[Deal], settings: Settings) -> Iterator[Piece]:
    """What deals bring and cost: in the cohort of their lead, or in the periods of their contract and closing."""
    for deal in deals:
        source = _source_of(deal.lead)
        contract, closing = Cell(), Cell()
        if deal.contract_at:
            contract.counts["contracts"] = 1
            if deal.is_pending:
                contract.pending = deal.row.get("gci") or Decimal(0)
        if deal.closed_at:
            closing = _closing(deal, settings)
        if deal.lead is not None and (deal.contract_at or deal.closed_at):
            both = Cell()
            both.add(contract)
            both.add(closing)
            yield "cohort", source, to_local(deal.lead.opened_at, settings.timezone).date(), both
        if deal.contract_at:
            yield "cash", source, to_local(deal.contract_at, settings.timezone).date(), contract
        if deal.closed_at:
            yield "cash", source, to_local(deal.closed_at, settings.timezone).date(), closing


def _closing(deal: Deal, settings: Settings) -> Cell:
    cell = Cell(cost_fees=(deal.row.get("referral_fee") or Decimal(0)) + deal.row["_success_fees"])
    cell.counts["closes"] = 1
    gci, split = deal.row.get("gci"), deal.row.get("agent_split")
    if gci is None:
        return cell
    cell.gci, cell.closed_with_gci = gci, 1
    if split is not None:
        cell.split = split
    elif settings.default_agent_split is not None:
        cell.split, cell.splits_assumed = gci * settings.default_agent_split, 1
    else:
        cell.splits_missing = 1
    return cell


def note_success_fees(export: Export, settings: Settings) -> None:
    """Give each deal the fees that name it, as `_success_fees`."""
    for deal in export.deals:
        deal["_success_fees"] = Decimal(0)
    for row in export.spend:
        if row.get("kind") == "success_fee":
            deal_row = _deal_of(row, export)
            amount = in_own_currency(row, settings, export.fx_rates)
            if deal_row is not None and amount is not None:
                deal_row["_success_fees"] += amount


def _fee_only(export: Export, deals: list[Deal]) -> set[str]:
    """Sources that cost nothing but fees."""
    paid = {row["source"] for row in export.spend if row.get("kind") != "success_fee"}
    fees = {row["source"] for row in export.spend if row.get("kind") == "success_fee"}
    fees |= {_source_of(deal.lead) for deal in deals if deal.row.get("referral_fee") or deal.row["_success_fees"]}
    return fees - paid


def _share_of_pendings_closed(deals: list[Deal], as_of: datetime) -> float | None:
    past = [
        deal
        for deal in deals
        if deal.contract_at and not deal.is_pending and as_of - deal.contract_at <= timedelta(days=365)
    ]
    return sum(deal.closed_at is not None for deal in past) / len(past) if past else None


def _periods(settings: Settings, today: date) -> dict[str, Callable[[date], list[date]]]:
    """By period: the starts of those of its windows that a day falls into."""

    def months(day: date) -> list[date]:
        last = today.year * 12 + today.month - 1
        first = day.year * 12 + day.month - 1
        ends = range(first, min(first + 11, last) + 1)
        return [date((end - 11) // 12, (end - 11) % 12 + 1, 1) for end in ends]

    return {
        "week": lambda day: [week_of(day, settings.week_start)],
        "month": lambda day: [day.replace(day=1)],
        "quarter": lambda day: [date(day.year, (day.month - 1) // 3 * 3 + 1, 1)],
        "trailing_12m": months,
    }


def _figures(
    cell: Cell, source: str, fee_only: set[str], closing_share: float | None, settings: Settings
) -> dict[str, Any]:
    cost = cell.cost_media + cell.cost_fees
    company = None if cell.splits_missing else cell.gci - cell.split
    pending = 0.0 if not cell.pending else None if closing_share is None else float(cell.pending) * closing_share
    roi = None if company is None or not cost else float(company - cost) / float(cost)
    parts = []
    if cell.counts["leads_eligible"]:
        parts.append(cell.leads_final / cell.counts["leads_eligible"])
    if cell.counts["closes"]:
        parts.append(cell.closed_with_gci / cell.counts["closes"])
    if cell.cost_media:
        parts.append(float(cell.mapped_media) / float(cell.cost_media))
    confidence = min(parts, default=None)
    return {
        "cost": cost,
        "cost_media": cell.cost_media,
        "cost_fees": cell.cost_fees,
        **cell.counts,
        **{name: float(cost) / cell.counts[count] if cell.counts[count] else None for name, count in PER.items()},
        "gci": cell.gci,
        "company_dollar": company,
        "pending_gci_weighted": pending,
        "roi": roi,
        "roi_gci": float(cell.gci - cost) / float(cost) if cost else None,
        "return_multiple": None if company is None or not cost else float(company) / float(cost),
        "confidence": confidence,
        "verdict": _verdict(confidence, roi, settings),
        "splits_missing": cell.splits_missing,
        "splits_assumed": cell.splits_assumed,
        "why_null": _why_null(cell, cost, company, source in fee_only),
    }


def _verdict(confidence: float | None, roi: float | None, settings: Settings) -> str | None:
    if confidence is None or confidence < 0.6:
        return "too early"
    if roi is None:
        return None
    if roi >= settings.feed_above_roi:
        return "feed"
    return "stop" if roi <= settings.stop_below_roi else "keep"


def _why_null(cell: Cell, cost: Decimal, company: Decimal | None, is_fee_only: bool) -> str | None:
    if not cell.counts["leads_eligible"]:
        return "no leads"
    if not cost:
        return "success fee source" if is_fee_only else "no spend"
    return "no split entered" if company is None else None
