"""The year: every lead played, calls to the advertised numbers, the planted story, and what was paid for it all."""

from __future__ import annotations

from calendar import monthrange
from datetime import timedelta

from dagster_project.demo import clock
from dagster_project.demo.arrivals import CALL_SHARE, Arrivals, moments, number_records
from dagster_project.demo.cast import AGENTS, BAD_MONEY, CHANNELS, ISAS, PLOT, SLOW_PROFITABLE
from dagster_project.demo.clock import CENTRAL, DAY, END, HOUR
from dagster_project.demo.journey import BLAST, Desk, Journey, Luck, tracking_number
from dagster_project.demo.model import Dated, Deal, Inquiry, Record, Spend, Touch, World
from dagster_project.demo.people import OFFICE_PHONE, Directory
from dagster_project.demo.streams import Streams

FULL_SIZE = 20_000
"""The number of leads for which the money of `cast.CHANNELS` is written down."""
_CALLED = ("Google Ads", "Website", "Zillow", "Open House")
_CONSENT_EVENTS = ("Property Inquiry", "Registration", "Seller Inquiry")
_ADS = {"Google Ads": (("search-brand", 0.3), ("search-seacoast-homes", 0.7)),
        "Facebook - Home Value": (("hv-portsmouth", 0.55), ("hv-dover", 0.45))}  # fmt: skip


def simulate(leads: int, seed: int) -> World:
    """A world of about so many leads. The same size and seed give the same world."""
    streams = Streams(seed)
    agents = list(AGENTS[: max(6, min(len(AGENTS), leads // 500))])
    world = World(agents, list(ISAS[: 2 if leads < 4_000 else len(ISAS)]))
    directory = Directory(streams, leads)
    arrivals = Arrivals(world, streams, directory, leads)
    openings = arrivals.run()
    _play(world, streams, openings)
    _calls(world, streams, arrivals, leads)
    _old_clients_deal(world, streams, leads)
    _consent(world, streams)
    _respect_opt_outs(world)
    _blast(world, openings)
    _night_drops(world, openings)
    _last_moment(world, openings)
    _excuse(world, openings)
    _spend(world, streams, leads)
    _settle(world)
    return world


def _play(world: World, streams: Streams, openings: list[Inquiry]) -> None:
    chance = streams.of("journeys").random((len(openings), 160))
    normal = streams.of("paces").standard_normal((len(openings), 24))
    for inquiry, own, paces in zip(openings, chance, normal, strict=True):
        luck = Luck(own.tolist(), paces.tolist())
        agent = None if luck() < 0.03 else world.agents[int(luck() * len(world.agents))]
        isa = world.isas[int(luck() * len(world.isas))] if luck() < inquiry.channel.isa else None
        Journey(world, inquiry, Desk(agent, isa or agent), luck).run()
        if agent is not None and agent.name == PLOT.leaver and clock.local_day(inquiry.received) >= PLOT.left_on:
            world.unanswered_of_leaver.append(inquiry)
        if inquiry.channel.name == PLOT.broken_source and inquiry.received - inquiry.at > 2 * HOUR:
            world.late.append(inquiry)


def _calls(world: World, streams: Streams, arrivals: Arrivals, leads: int) -> None:
    """Calls to tracking numbers by people who have no lead: each opens one, unless it ends before 15 seconds."""
    size = round(leads * CALL_SHARE)
    chance = streams.uniform("tracked calls", size, 64)
    paces = streams.normal("paces of tracked calls", size, 12)
    website = next(channel for channel in CHANNELS if channel.name == "Website")
    clients = [record for record in world.records if record.client_since and record.phones and record.via == "Manual"]
    for number, (at, own, own_paces) in enumerate(
        zip(moments(streams.of("times of tracked calls"), size), chance, paces, strict=True)
    ):
        luck = Luck(own, own_paces)
        source = _CALLED[int(luck() * len(_CALLED))]
        isa = world.isas[int(luck() * len(world.isas))]
        client = clients.pop() if number % 10 == 5 and clients else None
        phone = client.phones[0] if client else arrivals.a_phone()
        is_answered = clock.is_open(at) and luck() < 0.8
        seconds = int(40 + 500 * luck()) if is_answered else int(16 + 40 * luck())
        call = Touch(
            "tracking", client, at, "call", inbound=True, sender="human", agent=isa.name if is_answered else "",
            connected=is_answered, seconds=seconds, disposition="answered" if is_answered else "missed",
            phone=phone, tracking=tracking_number(source), is_first=client is None,
            voicemail=not is_answered and seconds > 25,
        )  # fmt: skip
        world.touches.append(call)
        after = at + seconds
        if is_answered and client is None and luck() < 0.6:
            record = arrivals.caller(after + 90, source, phone)
            agent = world.agents[int(luck() * len(world.agents))]
            if agent.name == PLOT.leaver and clock.local_day(at) >= PLOT.left_on:
                agent = isa
            inquiry = Inquiry(record, website, at, after + 90, source, source)
            Journey(world, inquiry, Desk(agent, agent), luck, contact=at).run()
        elif not is_answered and luck() < 0.7:
            back = (after if clock.is_open(after) else clock.next_opening(after)) + luck.minutes(12)
            has_talked = luck() < 0.4
            if back <= END:
                world.touches.append(Touch(
                    "dialer", client, back, "call", sender="isa", agent=isa.name, connected=has_talked,
                    seconds=int(50 + 300 * luck()) if has_talked else 0,
                    disposition="Answered" if has_talked else "No answer", phone=phone,
                ))  # fmt: skip
    for at, (one, two) in zip(
        moments(streams.of("abandoned calls"), max(4, leads // 300)),
        streams.uniform("abandoned", max(4, leads // 300), 2),
        strict=True,
    ):
        world.touches.append(Touch(
            "tracking", None, at, "call", inbound=True, sender="human", connected=False, seconds=3 + int(one * 11),
            disposition="abandoned", phone=arrivals.a_phone(), tracking=tracking_number(_CALLED[int(two * 4)]),
            is_first=True,
        ))  # fmt: skip


def _old_clients_deal(world: World, streams: Streams, leads: int) -> None:
    """Past clients who sell or buy again without ever raising a hand: deals of no lead."""
    clients = [record for record in world.records if record.client_since and record.via == "Manual"]
    size = min(len(clients) // 2, max(2, leads // 500))
    for record, own in zip(clients, streams.uniform("old clients", size, 6), strict=False):
        start = clock.FIRST_DAY + timedelta(days=20 + int(own[0] * 200))
        days = [clock.at_local(start + timedelta(days=each), 0) for each in (0, 21 + int(own[1] * 20), 70)]
        price = 5_000 * int(50 + 120 * own[2])
        gci = price * 250 // 100
        agent = world.agents[int(own[3] * len(world.agents))].name
        side = "Sellers" if own[4] < 0.6 else "Buyers"
        world.deals.append(
            Deal(record, side, agent, SLOW_PROFITABLE, days[0], days[1], days[2], None, price, gci, gci * 65 // 100)
        )


def _consent(world: World, streams: Streams) -> None:
    """What people ticked on the website's forms."""
    luck = streams.uniform("consents", len(world.inquiries), 2)
    for inquiry, (one, two) in zip(world.inquiries, luck, strict=True):
        is_form = inquiry.channel.event in _CONSENT_EVENTS and inquiry.channel.category != "portal"
        if is_form and not inquiry.flag and one < 0.6 and (inquiry.record.emails or inquiry.record.phones):
            channel = "sms" if two < 0.4 else "all"
            world.consents.append(Dated(inquiry.record, inquiry.at, "granted", channel=channel))


def _respect_opt_outs(world: World) -> None:
    """Nobody is texted after STOP, not even with an answer that was promised before: that is left to the blast."""
    world.touches = [
        touch
        for touch in world.touches
        if touch.inbound
        or touch.channel != "sms"
        or touch.record is None
        or touch.at <= world.opted_out.get(touch.record.person, END)
    ]


def _blast(world: World, openings: list[Inquiry]) -> None:
    """Once an automation texts everybody of the last four months, whoever had opted out included."""
    reached: set[int] = set()
    for inquiry in openings:
        record, moment = inquiry.record, PLOT.blast_at
        if (
            not moment - 120 * DAY < inquiry.received < moment
            or not record.phones
            or record.person in reached
            or record.deleted
        ):
            continue
        stopped = world.opted_out.get(record.person)
        is_out = stopped is not None and stopped < moment
        if not is_out and record.person % 3:
            continue  # those who follow prices
        reached.add(record.person)
        touch = Touch(
            "texts", record, moment + 2 * len(reached), "sms", sender="automation", plan=BLAST, mark="automation"
        )
        world.touches.append(touch)
        if is_out:
            world.violations.append(touch)


def _night_drops(world: World, openings: list[Inquiry]) -> None:
    """Voicemails that the dialer dropped at night when the clocks changed: readings that no clock showed, or twice."""
    for day, clocks in (("2026-03-08", ("02:05:00", "02:30:00", "02:50:10")),
                        ("2026-11-01", ("01:10:00", "01:20:30", "01:40:00", "01:59:59"))):  # fmt: skip
        readings = [clock.utc(day, each) for each in clocks]
        before = [
            inquiry
            for inquiry in openings
            if readings[0] - 20 * DAY < inquiry.received < readings[0] - DAY and _dialled(inquiry.record)
        ]
        for reading, inquiry in zip(readings, before, strict=False):
            world.touches.append(Touch(
                "dialer", inquiry.record, clock.from_local(reading, CENTRAL), "voicemail", connected=False, seconds=0,
                disposition="Left voicemail", phone=_dialled(inquiry.record), reading=reading,
            ))  # fmt: skip


def _dialled(record: Record) -> str:
    """A number of somebody that is nobody else's, or nothing."""
    return next((phone for phone in record.phones if phone != OFFICE_PHONE), "")


def _last_moment(world: World, openings: list[Inquiry]) -> None:
    """Each system was busy until the last moment, so that the data reach to one pinned `as_of`."""
    inquiry = next(
        each for each in reversed(openings)
        if each.received < END - 2 * HOUR and _dialled(each.record) and each.record.emails and not each.record.deleted
    )  # fmt: skip
    record, phone, isa = inquiry.record, _dialled(inquiry.record), world.isas[0].name
    world.touches += [
        Touch("emails", record, END, "email", sender="automation", plan="31", mark="plan"),
        Touch("dialer", record, END, "call", sender="isa", agent=isa, connected=False, seconds=0,
              disposition="No answer", phone=phone),
        Touch("tracking", record, END, "call", inbound=True, sender="human", connected=False, seconds=9,
              disposition="missed", phone=phone, tracking=tracking_number("Website")),
    ]  # fmt: skip


def _excuse(world: World, openings: list[Inquiry]) -> None:
    """The dialer was down on a Monday; the broker excused what inside sales would have called, two dozen at most."""
    start, end = clock.at_local(PLOT.outage_day, 8 * HOUR), clock.at_local(PLOT.outage_day, 20 * HOUR)
    after = [each for each in openings if start <= each.at and each.channel.isa and each.record.deleted is None]
    world.excuses = after[: min(25, max(3, sum(each.at < end for each in after)))]


def _spend(world: World, streams: Streams, leads: int) -> None:
    scale = leads / FULL_SIZE
    days = [clock.FIRST_DAY + timedelta(days=number) for number in range((clock.LAST_DAY - clock.FIRST_DAY).days + 1)]
    for channel in CHANNELS:
        daily = channel.per_lead * channel.share * leads / len(days)
        for number, (campaign, share) in enumerate(_ADS.get(channel.name, ()) if daily else (), 1):
            for day, (one, two) in zip(days, streams.uniform(f"spend of {campaign}", len(days), 2), strict=True):
                dollars = daily * share * (0.85 + 0.3 * one)
                micros = round(dollars * 100) * 10_000 if channel.name != "Google Ads" else round(dollars * 1e6)
                clicks = round(dollars / (1.6 + two))
                world.spend.append(Spend(
                    channel.name, day.isoformat(), day.isoformat(), micros, "media", campaign,
                    f"{1207 + number}{len(campaign)}", impressions=clicks * int(18 + 30 * two), clicks=clicks,
                ))  # fmt: skip
        if channel.monthly:
            _invoices(world, channel.name, round(channel.monthly * scale))
    for deal in world.deals:
        if deal.fee and deal.closed is not None:
            closing = clock.local_day(deal.closed).isoformat()
            world.spend.append(Spend("HomeLight", closing, closing, deal.fee * 10_000, "success_fee", deal=deal))


def _invoices(world: World, source: str, monthly: int) -> None:
    first = clock.FIRST_DAY
    while first <= clock.LAST_DAY:
        length = monthrange(first.year, first.month)[1]
        last = first.replace(day=length)
        part = monthly * (length - first.day + 1) // length
        world.spend.append(Spend(source, first.isoformat(), last.isoformat(), part * 1_000_000, "media"))
        first = last + timedelta(days=1)
    if source == BAD_MONEY:
        world.spend.append(
            Spend(source, "2026-07-01", "2026-07-01", -max(1, monthly // 10) * 1_000_000, "media", "credit")
        )


def _settle(world: World) -> None:
    """What the systems cannot know is taken back: readings twice shown are the second. Then ids, in order of time."""
    number_records(world)
    for touch in world.touches:
        if touch.system == "dialer" and touch.reading is None:
            touch.at = clock.from_local(clock.local(touch.at, CENTRAL), CENTRAL)
    world.touches = [touch for touch in world.touches if touch.at <= END]
    for kind, first in (
        ("calls", 300_001),
        ("texts", 700_001),
        ("emails", 900_001),
        ("dialer", 880_001),
        ("tracking", 1),
    ):
        mine = sorted((touch for touch in world.touches if touch.system == kind), key=_order)
        prefix = {"dialer": "C", "tracking": "CAL8f31"}.get(kind, f"{kind[:-1]}:")
        for number, touch in enumerate(mine, first):
            touch.id = f"{prefix}{number:06}"
    world.touches.sort(key=lambda touch: (touch.system, touch.at, touch.id))
    world.appointments.sort(key=lambda each: (each.booked, int(each.record.id), each.starts))
    world.deals.sort(key=lambda each: (each.agreement, int(each.record.id)))
    for number, each in enumerate(world.appointments, 40_001):
        each.id = str(number)
    for number, deal in enumerate(world.deals, 6_001):
        deal.id = str(number)
    for rows, first in ((world.assignments, 1_000_001), (world.stages, 2_000_001), (world.tasks, 3_000_001),
                        (world.consents, 1)):  # fmt: skip
        rows.sort(key=lambda row: (row.at, int(row.record.id), row.what, row.agent))
        for number, row in enumerate(rows, first):
            row.id = str(number)
    world.violations.sort(key=_order)


def _order(touch: Touch) -> tuple[int, int, str]:
    return touch.at, int(touch.record.id) if touch.record else 0, touch.phone
