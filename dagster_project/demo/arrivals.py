"""When people raise their hands, and who they are: the rhythm of a year, repeats, duplicates, what is no lead."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from dagster_project.demo import clock
from dagster_project.demo.cast import CHANNELS, PLOT, SEED_MISSES, SLOW_PROFITABLE, Channel
from dagster_project.demo.clock import DAY, END, HOUR, MINUTE
from dagster_project.demo.model import Inquiry, Record, World
from dagster_project.demo.people import JUNK_PHONES, OFFICE_PHONE, STREETS, TOWNS, Directory
from dagster_project.demo.streams import Streams

_BY_HOUR = (
    *(0.35, 0.2, 0.12, 0.1, 0.1, 0.2, 0.5, 1, 1.5, 2, 2.2, 2.3),
    *(2.4, 2.2, 2.1, 2, 2, 2.1, 2.3, 2.6, 2.7, 2.4, 1.6, 0.8),
)
_BY_WEEKDAY = (1.08, 1.06, 1.04, 1.0, 0.96, 0.95, 0.91)
_SET_ASIDE = (("test", 0.004), ("spam", 0.010), ("import", 0.009), ("agent_created", 0.007))
CALL_SHARE = 0.04
"""Share of leads that begin with a call to a tracking number."""
_TIMEFRAMES = ("0-3 Months", "3-6 Months", "6-12 Months", "12+ Months", "No Plans", "")


def moments(rng: np.random.Generator, count: int, broken: bool = False) -> list[int]:
    """`count` moments in the rhythm of inquiries, spread evenly over the year's weight, so that weeks are alike."""
    days = (clock.LAST_DAY - clock.FIRST_DAY).days + 1
    weights = np.empty(days * 24)
    for number in range(days):
        day = clock.FIRST_DAY + timedelta(days=number)
        weight = _BY_WEEKDAY[day.weekday()] * (1 + 0.22 * np.sin(2 * np.pi * (day.timetuple().tm_yday - 80) / 365))
        weight *= 0.7 if day in clock.HOLIDAYS else 1
        weight *= 0.45 if broken and PLOT.broken_week <= day < PLOT.broken_until else 1
        weights[number * 24 : number * 24 + 24] = weight * np.array(_BY_HOUR)
    weights[-6:] = 0  # the year ends at six on a Sunday evening
    ends = np.concatenate([[0.0], np.cumsum(weights)])
    places = (np.arange(count) + rng.random(count)) / max(count, 1) * ends[-1]
    readings = np.interp(places, ends, np.arange(len(ends)) * HOUR).astype(int).tolist()
    start = clock.local(clock.at_local(clock.FIRST_DAY, 0))
    return sorted(min(clock.from_local(start + reading), END - 20 * MINUTE) for reading in readings)


def number_records(world: World) -> None:
    """Ids in the order in which the CRM made the records."""
    world.records.sort(key=lambda record: (record.created, record.emails, record.phones, record.first))
    for number, record in enumerate(world.records, 10_001):
        record.id = str(number)


class Arrivals:
    """Fills a world with people and inquiries. `leads` is how many leads there will be, calls included."""

    def __init__(self, world: World, streams: Streams, directory: Directory, leads: int) -> None:
        self._world, self._streams, self._directory = world, streams, directory
        self._people = 0
        self._leads = leads
        self._twinned: set[int] = set()

    def run(self) -> list[Inquiry]:
        """Make them; returns the inquiries that open a lead and are not set aside, in order of time."""
        world, leads = self._world, self._leads
        aside = {flag: max(3, round(leads * share)) for flag, share in _SET_ASIDE}
        openings = self._openings(leads - round(leads * CALL_SHARE) - sum(aside.values()))
        self._old_contacts(max(10, leads // 40))
        for flag, size in aside.items():
            self._set_aside(flag, size)
        number_records(world)
        world.inquiries.sort(key=lambda inquiry: (inquiry.received, inquiry.at, int(inquiry.record.id)))
        for number, inquiry in enumerate(world.inquiries, 500_001):
            inquiry.id = str(number)
        return openings

    def somebody(self, created: int, via: str, source: str, luck: list[float]) -> Record:
        """A new person with one record, reachable in the usual, imperfect ways; `luck` are ten numbers."""
        first, last = self._directory.name()
        record = Record(self._people, first, last, [], [], created, via, source)
        self._people += 1
        if luck[0] > 0.05:
            record.emails.append(self._directory.email(first, last))
        if luck[1] > 0.14 or not record.emails:
            record.phones.append(self._directory.phone())
        if luck[2] < 0.06 and record.emails:
            record.emails.append(self._directory.email(first, last))
        if luck[2] > 0.95 and record.phones:
            record.phones.append(self._directory.phone())
        if luck[3] < 0.010:
            record.phones, record.junk_phone = [], JUNK_PHONES[int(luck[3] * 400)]
            if luck[3] < 0.004:
                record.emails = []
        record.timeframe = _TIMEFRAMES[int(luck[4] * len(_TIMEFRAMES))]
        self._world.records.append(record)
        return record

    def caller(self, created: int, source: str, phone: str) -> Record:
        """Somebody who called and of whom a record was made then."""
        first, last = self._directory.name()
        record = Record(self._people, first, last, [], [phone], created, "CallRail", source)
        self._people += 1
        self._world.records.append(record)
        return record

    def a_phone(self) -> str:
        """The number of somebody unknown."""
        return self._directory.phone()

    def _openings(self, size: int) -> list[Inquiry]:
        raised: list[tuple[int, Channel]] = []
        left = size
        for channel in CHANNELS:
            mine = min(left, round(size * channel.share)) if channel is not CHANNELS[-1] else left
            left -= mine
            rng = self._streams.of(f"arrivals of {channel.name}")
            is_broken = channel.name == PLOT.broken_source
            raised += [(moment, channel) for moment in moments(rng, mine, is_broken)]
        raised.sort(key=lambda each: (each[0], each[1].name))
        luck = self._streams.uniform("arrivals", size, 24)
        lag = self._streams.normal("integration", size, 1)
        found: list[Inquiry] = []
        reopened: set[int] = set()
        for (moment, channel), own, (z,) in zip(raised, luck, lag, strict=True):
            received = self._received(moment, channel, z, own[0])
            earlier = self._to_reopen(found, moment, own[1]) if own[2] < 0.08 else None
            if earlier is not None and earlier.record.person not in reopened:
                record = earlier.record
                reopened.add(record.person)
            else:
                record = self.somebody(received + 1, "Lead Flow", channel.name, own[3:13])
                self._mark(record, channel, own[13:17])
            opening = self._inquire(record, channel, moment, received, own[17:20])
            found.append(opening)
            self._again(opening, own[20:24])
        self._share_a_phone(found)
        return found

    @staticmethod
    def _received(moment: int, channel: Channel, z: float, luck: float) -> int:
        """Seconds later; in the broken week on the next morning."""
        usual = moment + int(2 + 8 * np.exp(0.7 * z))
        received = usual
        if channel.name == PLOT.broken_source and PLOT.broken_week <= clock.local_day(moment) < PLOT.broken_until:
            received = clock.at_local(clock.local_day(moment) + timedelta(days=1), 9 * HOUR) + int(luck * 3 * HOUR)
        elif luck < 0.002:
            received = moment - int(30 + luck * 60_000)  # a clock that runs ahead
        elif luck > 0.9985:
            received = moment + DAY + int((luck - 0.9985) * 1e7)  # entered on the day after
        return received if received <= END else usual

    @staticmethod
    def _to_reopen(found: list[Inquiry], moment: int, luck: float) -> Inquiry | None:
        """Somebody who last inquired more than 40 days ago."""
        old = len(found)
        while old and found[old - 1].at > moment - 40 * DAY:
            old -= max(1, old // 50)
        return found[int(luck * max(old, 0))] if old > 0 else None

    @staticmethod
    def _mark(record: Record, channel: Channel, luck: list[float]) -> None:
        if luck[0] < (0.12 if channel.name == SLOW_PROFITABLE else 0.008):
            record.tags.append("Past Client")
            record.client_since = clock.at_local(clock.FIRST_DAY - timedelta(days=int(60 + luck[1] * 1500)), 0)
        if luck[2] < 0.02:
            record.source = SLOW_PROFITABLE  # an agent says that it was theirs: the present source, not the first
        if luck[3] < 0.003:
            record.deleted = min(record.created + 3 * DAY + int(luck[1] * 20 * DAY), END)

    def _inquire(self, record: Record, channel: Channel, at: int, received: int, luck: list[float]) -> Inquiry:
        spelled = source = channel.name
        if channel.spellings and luck[0] < 0.1:
            spelled = channel.spellings[int(luck[0] * 10 * len(channel.spellings))]
        if channel.name == "Zillow" and luck[0] > 0.985:
            spelled = source = SEED_MISSES
        inquiry = Inquiry(record, channel, at, received, spelled, source)
        if channel.event in ("Property Inquiry", "Seller Inquiry", "Visited Open House"):
            inquiry.address = (
                f"{int(1 + luck[1] * 399)} {STREETS[int(luck[2] * len(STREETS))]},"
                f" {TOWNS[int(luck[1] * 997) % len(TOWNS)]}"
            )
        self._world.inquiries.append(inquiry)
        return inquiry

    def _again(self, opening: Inquiry, luck: list[float]) -> None:
        """A second inquiry within days, of the same record or of a duplicate that the CRM made."""
        at = opening.at + HOUR + int(luck[1] * 9 * DAY)
        if luck[0] > 0.11 or at > END - 30 * MINUTE:
            return
        record = opening.record
        if luck[0] < 0.035 and record.emails and record.phones:
            twin = Record(record.person, record.first, record.last, [], [], at + 2, "Lead Flow", opening.channel.name)
            if luck[2] < 0.5:
                twin.phones, twin.emails = list(record.phones[:1]), [self._directory.email(record.first, record.last)]
            else:
                twin.emails, twin.phones = list(record.emails[:1]), [self._directory.phone()]
            twin.merged_into = record if luck[3] < 0.5 else None
            twin.timeframe = record.timeframe
            self._world.records.append(twin)
            self._twinned.add(record.person)
            record = twin
        self._inquire(record, opening.channel, at, at + 3 + int(luck[3] * 20), [luck[2], luck[3], luck[1]])

    def _share_a_phone(self, found: list[Inquiry]) -> None:
        """Two dozen people whose agent typed the office's number."""
        holders: set[int] = set()
        step = max(1, len(found) // 60)
        for record in (inquiry.record for inquiry in found[::step]):
            if len(holders) < 24 and record.emails and record.person not in self._twinned | holders:
                record.phones = [OFFICE_PHONE]
                holders.add(record.person)

    def _old_contacts(self, size: int) -> None:
        """People of the database who have raised no hand this year."""
        start = clock.at_local(clock.FIRST_DAY, 0)
        for own in self._streams.uniform("old contacts", size, 12):
            record = self.somebody(start - int((20 + own[10] * 900) * DAY), "Manual", SLOW_PROFITABLE, own[:10])
            record.stage = "Past Client" if own[11] < 0.5 else "Nurture"
            if own[11] < 0.5:
                record.tags.append("Past Client")
                record.client_since = record.created - 30 * DAY

    def _set_aside(self, flag: str, size: int) -> None:
        website = next(channel for channel in CHANNELS if channel.name == "Website")
        sphere = next(channel for channel in CHANNELS if channel.name == SLOW_PROFITABLE)
        rng = self._streams.of(f"set aside: {flag}")
        luck = self._streams.uniform(f"luck of {flag}", size, 13)
        for moment, own in zip(moments(rng, size), luck, strict=True):
            via = {"import": "Import", "agent_created": "Manual"}.get(flag, "Lead Flow")
            channel = sphere if flag == "agent_created" else website
            record = self.somebody(moment + 1, via, channel.name, [max(own[0], 0.06), *own[1:3], 0.5, *own[4:10]])
            if flag == "test":
                record.first, record.last = "Test", "Lead"
            record.tags += {"test": ["Test"], "spam": ["Spam"]}.get(flag, [])
            inquiry = self._inquire(record, channel, moment, moment + 2, own[10:13])
            inquiry.flag = flag
