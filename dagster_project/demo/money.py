"""What was paid, and what else lies in other places: ad accounts, the office's workbook, the website's consent log."""

from __future__ import annotations

from datetime import date, timedelta

from dagster_project.demo import clock
from dagster_project.demo.cast import BROKER, PLOT
from dagster_project.demo.clock import iso
from dagster_project.demo.crm import dollars
from dagster_project.demo.model import Spend, World
from dagster_project.demo.people import written
from dagster_project.demo.tables import Feed, Row, Table

ADS, OFFICE, WEB = "ads", "office", "web"
RESTATED_DAYS = 7
CONSENT_TEXT = (
    "By checking this box I agree that Harbor & Main Realty may text and call me about my request. Consent is no"
    " condition of purchase. Reply STOP to end."
)


def tables(world: World) -> list[Table]:
    """The ad accounts' reports, the workbook's two sheets, the consent log."""
    return [_google(world), *_meta(world), _invoices(world), _excuses(world), _consents(world)]


def _google(world: World) -> Table:
    header = ["segments.date", "campaign.id", "campaign.name", "metrics.cost_micros", "metrics.impressions",
              "metrics.clicks", "metrics.conversions"]  # fmt: skip
    spend = [each for each in world.spend if each.source == "Google Ads"]
    rows = [
        [each.day, each.campaign_id, each.campaign, str(each.micros), str(each.impressions), str(each.clicks),
         f"{(each.clicks or 0) / 17:.2f}"]
        for each in sorted(spend, key=lambda each: (each.day, each.campaign_id))
    ]  # fmt: skip
    rows.append(["Total", "", "", str(sum(each.micros for each in spend)), "", "", ""])
    return Table(ADS, "google_ads.csv", header, rows, [Feed("spend", filtered=1)])


def _meta(world: World) -> list[Table]:
    """A report of the year, and a week later the last days again as they had become."""
    header = ["Reporting starts", "Reporting ends", "Campaign ID", "Campaign name", "Amount spent (USD)", "Impressions",
              "Link clicks"]  # fmt: skip
    spend = [each for each in world.spend if each.campaign_id and each.source != "Google Ads"]
    spend.sort(key=lambda each: (each.day, each.campaign_id))
    restated = (clock.LAST_DAY - timedelta(days=2 * RESTATED_DAYS - 1)).isoformat()
    through = (clock.LAST_DAY - timedelta(days=RESTATED_DAYS)).isoformat()
    first = [_german(each, 0.94 if each.day >= restated else 1) for each in spend if each.day <= through]
    second = [_german(each, 1) for each in spend if each.day >= restated]
    replaced = sum(restated <= each.day <= through for each in spend)
    return [
        Table(ADS, f"meta_ads-{through}.csv", header, first, [Feed("spend", superseded=replaced)], ";"),
        Table(ADS, f"meta_ads-{clock.LAST_DAY}.csv", header, second, [Feed("spend")], ";"),
    ]


def _german(each: Spend, share: float) -> Row:
    cents = round(each.micros // 10_000 * share)
    whole = f"{cents // 100:,}".replace(",", ".")
    day = f"{date.fromisoformat(each.day):%d.%m.%Y}"
    return [day, day, each.campaign_id, each.campaign, f"{whole},{cents % 100:02}", str(each.impressions),
            str(each.clicks)]  # fmt: skip


def office_lines(world: World) -> list[Spend]:
    """Invoices, credits and fees: what is kept by hand."""
    lines = [each for each in world.spend if not each.campaign_id]
    return sorted(lines, key=lambda each: (each.day, each.kind, each.source, each.deal.id if each.deal else ""))


def line_id(number: int) -> str:
    """The number of a line of the workbook."""
    return f"L-{number + 101}"


def _invoices(world: World) -> Table:
    header = ["Line", "From", "To", "Vendor", "What", "Kind", "Amount", "Deal"]
    rows = []
    for number, each in enumerate(office_lines(world)):
        cents = each.micros // 10_000
        amount = f"({dollars(-cents)})" if cents < 0 else dollars(cents)
        rows.append([
            line_id(number), _us(each.day), _us(each.day_to), each.source, each.campaign,
            "success fee" if each.kind == "success_fee" else "invoice", amount, each.deal.id if each.deal else "",
        ])  # fmt: skip
    rows.append(["", "", "", "Total", "", "", dollars(sum(e.micros for e in office_lines(world)) // 10_000), ""])
    return Table(OFFICE, "ledger.xlsx", header, rows, [Feed("spend", filtered=1)], sheet="Invoices")


def _us(day: str) -> str:
    return f"{date.fromisoformat(day):%m/%d/%Y}"


def _excuses(world: World) -> Table:
    header = ["Event", "Reason", "Approved by", "On"]
    on = f"{PLOT.outage_day:%m/%d/%Y}"
    rows = [[inquiry.id, "dialer outage", BROKER.name, on] for inquiry in world.excuses]
    return Table(OFFICE, "ledger.xlsx", header, rows, [Feed("sla_excuses")], sheet="SLA excuses")


def _consents(world: World) -> Table:
    header = ["submission", "submitted_at", "email", "phone", "channel", "event", "text_shown", "page", "seller"]
    ticked = [each for each in world.consents if each.what == "granted"]
    rows = [
        [f"F{each.id}", at, each.record.emails[0] if each.record.emails else "",
         written(each.record.phones[0], number) if each.record.phones else "", each.channel, "opt-in",
         CONSENT_TEXT, "request", "Harbor & Main Realty"]
        for number, (each, at) in enumerate(zip(ticked, iso([each.at for each in ticked]), strict=True))
    ]  # fmt: skip
    return Table(WEB, "consents.csv", header, rows, [Feed("consents")])
