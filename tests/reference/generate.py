"""A random canonical export of a brokerage, the same for the same seed.

It plants events in every spelling that the data contract allows, many of them exactly on a boundary; what figures they
come to is for others to say.
"""

from __future__ import annotations

import csv
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers

from .moments import local_to_utc, to_local

START = datetime(2025, 10, 6, 4, 0, tzinfo=UTC)
AS_OF = datetime(2026, 4, 8, 15, 30, tzinfo=UTC)
END = datetime(2026, 4, 10, 12, 0, tzinfo=UTC)
HOUSE_ZONE = ZoneInfo("America/New_York")
ZONES = {
    "crm": ZoneInfo("America/Chicago"),
    "dialer": ZoneInfo("America/Los_Angeles"),
    "referrals": ZoneInfo("Europe/Berlin"),
    "ads": HOUSE_ZONE,
}
# nights in which a local clock jumps, by zone
CHANGES = {
    "crm": (date(2025, 11, 2), date(2026, 3, 8)),
    "dialer": (date(2025, 11, 2), date(2026, 3, 8)),
    "referrals": (date(2025, 10, 26), date(2026, 3, 29)),
}

CONFIG = """\
[brokerage]
name = "Random & Seed Realty"
timezone = "America/New_York"
country = "US"
week_start = "{week_start}"
currency = "USD"

[hours]
mon = ["08:00", "20:00"]
tue = [["08:00", "12:00"], ["13:00", "20:00"]]
wed = ["08:00", "20:00"]
thu = ["08:00", "20:00"]
fri = ["08:00", "20:00"]
{sat}sun = ["10:00", "18:00"]
holidays = ["2025-11-27", "2025-12-25", "2026-01-01"]

{rules}[seeds]
path = "seeds"

[warehouse]
path = "warehouse/leadhouse.duckdb"

[[source]]
name = "crm"
kind = "files"
path = "exports/crm"
timezone = "America/Chicago"

[[source]]
name = "dialer"
kind = "files"
path = "exports/dialer"
timezone = "America/Los_Angeles"
covers_from = "2025-10-13"
calls_open_leads = true

[[source]]
name = "referrals"
kind = "files"
path = "exports/referrals"
timezone = "Europe/Berlin"
lead_grain = "record"
id_space = "partner"

[[source]]
name = "ads"
kind = "files"
path = "exports/ads"
"""

SEEDS: dict[str, str] = {
    "sla_policies": """\
category,in_hours_minutes,after_hours_minutes,next_morning_by,first_touch,valid_from,valid_to
portal,5,15,,call > sms if permitted,,2025-12-31
portal,10,20,,call > sms if permitted,2026-01-01,
website_showing,5,15,,call > voicemail > sms,,
inbound_call_missed,5,15,,callback > voicemail > sms,,
live_chat,5,15,,chat > call,,
home_valuation,15,,09:00,sms or email > call,,2026-02-15
home_valuation,15,,09:30,sms or email > call,2026-02-16,
open_house,15,,10:00,sms and email > call,,
referral,60,,10:00,call > email,,2026-03-15
""",
    "source_categories": """\
pattern,category
zillow*,portal
*realtor*,portal
home value*,home_valuation
open house*,open_house
*chat*,live_chat
website*,website_showing
referral,referral
referral: *,referral
a+ homes (*,portal
100%_club*,portal
""",
    "quiet_hours": """\
state,starts,ends,channels,note
,21:00,08:00,call;sms,general
FL,20:00,08:00,call;sms,stricter
KY,21:00,10:00,call;sms,stricter
""",
}

SOURCES = (
    "Zillow",
    "zillow.com Flex",
    "my-REALTOR-page",
    "Home Value report",
    "Open House - 12 Elm St",
    "Website chat",
    "Website",
    "Referral",
    "Referral: O'Neil, Ana",
    "A+ Homes (NY)",
    "A+ Homes",
    "100%_club east",
    "100 club east",
    "Öffentlicher Aushang",
    "",
)
SPEND_SOURCES = ("Zillow", "Website", "Billboard", "A+ Homes (NY)", "Facebook Ads")

AGENTS: tuple[tuple[str, str, str, str, str], ...] = (
    ("Ana Ruiz", "North", "Downtown", "", "2025-12-31"),
    ("Ana Ruiz", "South", "Downtown", "2026-01-01", ""),
    ("Bo Chen", "North", "Downtown", "", ""),
    ("Cleo Adams", "South", "Harbor", "2025-09-01", "2026-02-14"),
    ("Cleo Adams", "", "Harbor", "2026-03-01", ""),
    ("Dee", "East", "", "2025-10-20", ""),
    ("Élodie", "East", "Harbor", "", "2026-03-08"),
)
WORKING = ("Ana Ruiz", "Bo Chen", "Cleo Adams", "Dee", "Élodie", "Nobody On File")

DOMAINS = ("gmail.com", "example.com", "mail.example.org", "yahoo.com")
BAD_EMAILS = ("not an email", "foo@", "@example.com", "a@@example.com", "name@nodot", "n/a")
# none of them valid: so all readings agree that they link nobody
BAD_PHONES = ("000-000-0000", "111-111-1111", "123-456-7890", "(555) 555-5555", "n/a", "12", "+1 999 999 9999")
AREAS = ("212", "312", "305", "617", "713", "206", "415", "602", "404", "303", "503", "214")
FIRST = ("Ada", "Ben", "Cy", "Dora", "Eli", "Fay", "Gus", "Hana", "Ivo", "Jun", "Kai", "Lea", "Mo", "Nia", "Ömer", "李")
LAST = ("Stone", "Rivera", "Okafor", "Lind", "Novak", "Sato", "Ortiz", "O'Brien", "van Dijk", "Ng")

# offsets from an opening at which a touch falls: on both sides of every threshold
EDGES = (0, 1, 2, 3, 59, 119, 120, 121, 299, 300, 301, 599, 600, 601, 899, 900, 901, 1200, 1201, 3600, 3601)
LATE_EDGES = (86400, 172800, 172801, 1209600, 1209601)
AGES = (300, 900, 3600, 86400, 172800, 1209600)

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
OUTCOMES = ("held", "no_show", "cancelled_late", "cancelled_early", "cancelled_by_us")
# on both sides of: the opening, the grace before it, 14 and 30 days
BOOKED_AFTER = (
    timedelta(0),
    -SECOND,
    -timedelta(minutes=60),
    -timedelta(minutes=60, seconds=1),
    timedelta(hours=3),
    4 * DAY,
    14 * DAY,
    14 * DAY + SECOND,
    30 * DAY,
    30 * DAY + SECOND,
    -9 * DAY,
)


@dataclass
class Planted:
    """What the export contains that its loader must report."""

    folder: Path
    config: Path
    as_of: datetime = AS_OF
    rows: Counter[str] = field(default_factory=Counter)
    """`source/file` to the rows in it."""
    exact_duplicates: Counter[str] = field(default_factory=Counter)
    superseded: Counter[str] = field(default_factory=Counter)
    quarantined: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """`source/file` to reason to rows; reasons in our own words."""
    shared_at_limit: int = 0
    """Records that an identifier of exactly 20 people joins into one person."""


@dataclass
class Being:
    """A person as planned: records in the CRM and what identifies them."""

    records: list[dict[str, Any]]
    emails: list[str]
    phones: list[str]
    is_plain: bool = True
    """Shares nothing with anybody, so that flags and states may be planted."""
    crowd: str = ""
    """An identifier that it shares with about twenty others."""


def generate(folder: str | Path, seed: int, people: int = 3000) -> Planted:
    """Write leadhouse.toml, seeds and exports into a folder, and say what was planted."""
    return _Generator(Path(folder), seed, people).run()


class _Generator:
    def __init__(self, folder: Path, seed: int, people: int) -> None:
        self.rng = random.Random(seed)
        self.meet = random.Random(f"meetings {seed}")
        self.seed = seed
        self.people = people
        self.planted = Planted(folder, folder / "leadhouse.toml")
        self.files: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
        self.last: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
        """Rows that have to stand at the end of their file."""
        self.rejected: set[int] = set()
        """Objects that are rows to be quarantined."""
        self.numbers = 0
        self.used_phones: set[str] = set()
        self.used_ids: set[str] = set()
        self.somebody = "+12125550143"
        self.reachable: list[tuple[str, datetime]] = []
        """An email of a person of the CRM, and when one of its inquiries opened."""

    def run(self) -> Planted:
        beings = [self.being() for _ in range(self.people)]
        self.share(beings)
        for being in beings:
            self.live(being)
        self.edges_of_as_of()
        self.strangers()
        self.partners()
        self.roster()
        self.spend()
        self.dirt()
        self.write()
        return self.planted

    # people

    def being(self) -> Being:
        rng = self.rng
        emails = [self.email() for _ in range(rng.choice((0, 1, 1, 1, 2)))]
        phones = [self.phone() for _ in range(rng.choice((0, 1, 1, 1, 2, 3)))]
        records = []
        for _ in range(rng.choices((0, 1, 2, 3), (12, 80, 5, 3))[0]):
            records.append({"person_id": self.new_id(), "name": self.name()})
        return Being(records, emails, phones)

    def share(self, beings: list[Being]) -> None:
        """Couples with one phone, and identifiers of exactly 20 and of 21 people."""
        rng = self.rng
        singles = [being for being in beings if len(being.records) == 1]
        rng.shuffle(singles)
        for _ in range(len(singles) // 20):
            one, other = singles.pop(), singles.pop()
            shared = self.phone() if rng.random() < 0.5 else self.email()
            for being in (one, other):
                being.is_plain = False
                (being.emails if "@" in shared else being.phones).append(shared)
        for size in (20, 21, 20, 21):
            if len(singles) < 400 and self.people >= 500:
                break
            shared = self.phone() if rng.random() < 0.5 else self.email()
            for _ in range(min(size, len(singles))):
                being = singles.pop()
                being.is_plain = False
                # a contact of their own, so that nobody depends on whether a shared one counts as contact info
                being.emails.append(self.email())
                being.crowd = shared
            if size == 20:
                self.planted.shared_at_limit += size

    def live(self, being: Being) -> None:
        """Rows of `people` of one being, its inquiries, and what follows from them."""
        rng = self.rng
        born = START - timedelta(days=rng.randint(0, 300))
        # what the CRM says of a person stands on all its records, so that it does not matter which one is asked
        about = {
            "state": rng.choice(("", "", "FL", "KY", "NY", "fl")) if being.is_plain else "",
            "timezone": rng.choice(("", "", "America/Denver", "America/Los_Angeles")) if being.is_plain else "",
            "source_now": rng.choice(SOURCES) if being.is_plain else "",
        }
        client_since = self.moment() - timedelta(days=60) if being.is_plain and rng.random() < 0.05 else None
        created_late = rng.random() < 0.01
        for number, record in enumerate(being.records):
            row = {
                "person_id": record["person_id"],
                "name": record["name"],
                "email": self.cell(
                    being.emails, self.spell_email, BAD_EMAILS, being.crowd if "@" in being.crowd else ""
                ),
                "phone": self.cell(
                    being.phones, self.spell_phone, BAD_PHONES, "" if "@" in being.crowd else being.crowd
                ),
                "created_at": self.spell(END - timedelta(hours=3) if created_late else born, "crm"),
                "agent": rng.choice(WORKING),
                "merged_into": "",
                **about,
            }
            if being.is_plain and not number and len(being.records) == 1 and rng.random() < 0.02:
                row["deleted_at"] = self.spell(rng.choice((self.moment(), AS_OF, AS_OF + SECOND)), "crm")
            if client_since:
                as_day = rng.random() < 0.5
                row["past_client_since"] = f"{client_since:%Y-%m-%d}" if as_day else self.spell(client_since, "crm")
            if number + 1 < len(being.records):
                row["merged_into"] = being.records[number + 1]["person_id"]
            # an id is in one file, or also, in an older version, in the file before
            name = rng.choice(("people_1.csv", "people_2.csv"))
            if name == "people_2.csv" and rng.random() < 0.02:
                self.add("crm", "people_1.csv", row | {"email": self.email(), "name": "Old Name"})
                self.planted.superseded["crm/people_1.csv"] += 1
            self.add("crm", name, row)
        moments = self.inquiry_moments()
        may_set_aside = being.is_plain and rng.random() < 0.15
        if being.emails and moments:
            self.reachable.append((being.emails[0], rng.choice(moments)))
        for moment in moments:
            self.inquiry(being, moment, may_set_aside)
        self.person_facts(being, moments, may_set_aside)

    def inquiry_moments(self) -> list[datetime]:
        rng = self.rng
        moments = [self.moment()]
        for _ in range(rng.choices((0, 1, 2, 4), (60, 22, 12, 6))[0]):
            gap = rng.choice(
                (
                    timedelta(days=30),
                    timedelta(days=30) + SECOND,
                    timedelta(days=30, microseconds=1),
                    timedelta(days=rng.uniform(0, 75)) // SECOND * SECOND,
                    timedelta(seconds=rng.choice((0, 1, 90, 4000))),
                )
            )
            moments.append(moments[-1] + gap)
        return [moment for moment in moments if moment < END]

    def inquiry(self, being: Being, opened: datetime, may_set_aside: bool) -> None:
        """One inquiry that opens (as opposed to: is received) at a moment, and the touches that follow it."""
        rng = self.rng
        row: dict[str, str] = {"inquiry_id": self.new_id()}
        if being.records and (being.crowd or rng.random() < 0.9):
            record = rng.choice(being.records)
            row["person_id"] = record["person_id"]
            row["name"] = record["name"]
        else:
            row["name"] = rng.choice(("", self.name()))
        if being.emails and rng.random() < 0.5:
            row["email"] = self.cell(being.emails, self.spell_email, BAD_EMAILS)
        if being.phones and rng.random() < 0.5:
            row["phone"] = self.cell(being.phones, self.spell_phone, BAD_PHONES)
        lag = rng.choice((None, None, 0, 1, 30, rng.uniform(0, 7200), 86400, -1, -rng.uniform(1, 600)))
        if lag is None:
            row["event_at"], row["received_at"] = self.spell(opened, "crm"), ""
        elif lag >= 0:
            row["event_at"] = self.spell(opened, "crm")
            row["received_at"] = self.spell(opened + timedelta(seconds=int(lag)), "crm")
        else:
            row["event_at"] = self.spell(opened + timedelta(seconds=int(-lag)), "crm")
            row["received_at"] = self.spell(opened, "crm")
        row["source"] = rng.choice(SOURCES)
        row["category"] = rng.choice(("",) * 9 + ("portal", "investor"))
        row["campaign"] = rng.choice(("", 'spring, "early"', "line\nbreak"))
        row["channel"] = rng.choice(("form", "chat", "portal", ""))
        row["agent"] = rng.choice(("", "", *WORKING))
        row["team"] = rng.choice(("", "", "", "Own Team"))
        is_set_aside = may_set_aside and rng.random() < 0.6
        if is_set_aside:
            # a set-aside inquiry takes nothing; whether it takes an assignment is open, so it names its agent
            row["agent"] = rng.choice(WORKING)
            for flag in rng.sample(("is_test", "is_spam", "is_import", "is_agent_created"), rng.choice((1, 1, 2))):
                row[flag] = self.truth(True)
        for flag in ("is_test", "is_spam", "is_import", "is_past_client"):
            if flag not in row:
                row[flag] = rng.choice(("", self.truth(False)))
        if being.is_plain and rng.random() < 0.03:
            row["is_past_client"] = self.truth(True)
        if being.is_plain and not is_set_aside and rng.random() < 0.08:
            row["disqualified_at"] = self.spell(
                opened + timedelta(seconds=rng.choice((0, 200, 600, 90000, 3000000))), "crm"
            )
        name = "inquiries_2025.csv" if to_local(opened, ZONES["crm"]).year == 2025 else "inquiries_2026.csv"
        self.add("crm", name, row)
        if not is_set_aside and rng.random() < 0.02:
            self.excuse(row["inquiry_id"], opened)
        self.touches(being, opened, None if is_set_aside else row["inquiry_id"])

    def excuse(self, inquiry_id: str, opened: datetime) -> None:
        rng = self.rng
        row = {"inquiry_id": inquiry_id, "reason": "system outage", "approver": "Broker"}
        row["at"] = rng.choice(("", self.spell(opened + DAY, "crm"), self.spell(END, "crm")))
        self.add("crm", "sla_excuses.csv", row)

    def person_facts(self, being: Being, moments: list[datetime], may_set_aside: bool) -> None:
        """Deals, stage changes, assignments, consents, appointments, tasks."""
        rng = self.rng
        if not moments or not (being.records or being.emails or being.phones):
            return
        last = moments[-1]
        if rng.random() < 0.05:
            closed = rng.choice((last - 40 * DAY, last, last - SECOND, last + 60 * DAY, AS_OF + DAY))
            row = self.names(being) | {"deal_id": self.new_id(), "side": rng.choice(("buyer", "seller", ""))}
            row["closed_at"] = rng.choice((self.spell(closed, "crm"), self.spell(closed, "crm"), ""))
            row["gci"] = rng.choice(("", "9000", "12500.50"))
            self.add("crm", "deals.csv", row)
        if rng.random() < 0.12 and not may_set_aside:
            for _ in range(rng.choice((1, 2))):
                at = rng.choice(moments) + timedelta(seconds=rng.choice((-3600, 0, 100, 300, 5000, 400000)))
                stage = rng.choice(("disqualified", "disqualified", "qualify", "nurture"))
                self.add("crm", "stage_changes.csv", self.dated(being, "change_id", at) | {"stage": stage})
        if rng.random() < 0.5 and not may_set_aside:
            after = rng.sample((-60, 0, 45, 7200, 4000000), 2)
            for at in (rng.choice(moments) + timedelta(seconds=seconds) for seconds in after):
                row = self.dated(being, "assignment_id", at) | {"agent": rng.choice(WORKING), "team": ""}
                row["model"] = rng.choice(("round_robin", "pond", ""))
                self.add("crm", "assignments.csv", row)
        if rng.random() < 0.2:
            row = self.dated(being, "consent_id", rng.choice(moments))
            row |= {"channel": rng.choice(("call", "sms", "email", "all")), "event": rng.choice(("granted", "revoked"))}
            self.add("crm", "consents.csv", row)
        if rng.random() < 0.1:
            row = self.names(being) | {"task_id": self.new_id(), "kind": "call back", "due_at": self.spell(last, "crm")}
            self.add("crm", "tasks.csv", row)
        self.meetings(being, moments)

    # appointments, and what is signed after them

    def meetings(self, being: Being, moments: list[datetime]) -> None:
        """Chains of bookings: moved, forked, in circles, of nothing known; and deals around the one that was kept."""
        rng = self.meet
        for _ in range(rng.choices((0, 1, 2, 3), (60, 25, 10, 5))[0]):
            booked = rng.choice(moments) + rng.choice(BOOKED_AFTER)
            rows = [self.booking(being, booked)]
            for _ in range(rng.choices((0, 1, 2, 4), (70, 18, 8, 4))[0]):
                booked += rng.choice((timedelta(0), SECOND, timedelta(hours=5), 2 * DAY))
                before = rng.choice(rows) if rng.random() < 0.3 else rows[-1]
                rows.append(self.booking(being, booked) | {"replaces_id": before["appointment_id"]})
            if rng.random() < 0.06:
                rows[0]["replaces_id"] = rng.choice(
                    (rows[-1]["appointment_id"], "nobody knows", rows[0]["appointment_id"])
                )
            rng.shuffle(rows)
            for row in rows:
                self.add("crm", "appointments.csv", row)
            if rng.random() < 0.4:
                self.signed(being, booked + 2 * DAY)

    def booking(self, being: Being, booked: datetime) -> dict[str, str]:
        rng = self.meet
        starts = booked + rng.choice((timedelta(hours=2), 2 * DAY, 2 * DAY, 9 * DAY, timedelta(0)))
        if rng.random() < 0.05:
            starts = AS_OF + rng.choice(
                (-DAY, -DAY + SECOND, -timedelta(hours=1), timedelta(0))
            )  # on the edge of judged
        row = self.names(being) | {"appointment_id": self.new_id(), "booked_at": self.spell(booked, "crm")}
        row["starts_at"] = self.spell(starts, "crm")
        row["ends_at"] = self.spell(starts + rng.choice((timedelta(0), timedelta(hours=1))), "crm")
        row["outcome"] = rng.choice(("", "", "held", "held", "held", *OUTCOMES))
        row["agent"] = rng.choice(("", *WORKING))
        return row

    def signed(self, being: Being, around: datetime) -> None:
        rng = self.meet
        row = self.names(being) | {"deal_id": self.new_id(), "side": rng.choice(("buyer", "seller", ""))}
        for column, days in (("agreement_at", (-3, 0, 5, 28, 30, 31)), ("contract_at", (-1, 20, 90, 179, 180, 400))):
            if rng.random() < 0.7:
                row[column] = self.spell(around + rng.choice(days) * DAY + rng.choice((timedelta(0), SECOND)), "crm")
        if rng.random() < 0.2:
            row["fell_through_at"] = self.spell(around + 200 * DAY, "crm")
        self.add("crm", "deals.csv", row)

    # touches

    def touches(self, being: Being, opened: datetime, inquiry_id: str | None) -> None:
        """What follows an inquiry, in the CRM and in the dialer."""
        rng = self.rng
        for _ in range(rng.choices((0, 1, 3, 6, 10), (12, 18, 35, 25, 10))[0]):
            moment = opened + self.offset()
            for _ in range(rng.choices((1, 2), (92, 8))[0]):
                if being.phones and rng.random() < 0.35:
                    self.dialer_touch(being.phones, being.emails, moment)
                else:
                    self.crm_touch(being, moment)
        if inquiry_id and rng.random() < 0.05:
            # a call from which the inquiry was made: it began before
            row = self.names(being) | self.call(opened - timedelta(seconds=rng.choice((0, 20, 400))), "crm", "inbound")
            row |= {"touch_id": self.new_id(), "opened_inquiry_id": inquiry_id}
            self.add("crm", "touches_1.csv", row)
        if "+" in being.crowd and rng.random() < 0.3:
            # a number of very many people: a call to it, or from it, may be anybody's
            row = self.message_or_call(opened + timedelta(minutes=3), "dialer", "outbound")
            self.add("dialer", "touches_calls.csv", row | {"phone": self.spell_phone(being.crowd)})
            if self.may_call_in(opened):
                self.inbound_dialer_call(being.crowd, opened)
        if being.phones and being.is_plain and rng.random() < 0.06:
            # on both sides of "no lead opened in the last 30 days"
            late = opened + timedelta(days=30, seconds=rng.choice((0, 1, 3600)))
            if late < END and self.may_call_in(late):
                self.inbound_dialer_call(rng.choice(being.phones), late)

    def offset(self) -> timedelta:
        rng = self.rng
        kind = rng.random()
        if kind < 0.35:
            return timedelta(seconds=rng.choice(EDGES))
        if kind < 0.42:
            return timedelta(seconds=rng.choice(LATE_EDGES))
        if kind < 0.47:
            return timedelta(seconds=rng.choice((2, 120, 300)), microseconds=rng.choice((-1, 1)))
        if kind < 0.52:
            return -timedelta(seconds=rng.uniform(1, 900000)) // SECOND * SECOND
        return timedelta(seconds=int(rng.lognormvariate(7.5, 2.2)))

    def crm_touch(self, being: Being, moment: datetime) -> None:
        rng = self.rng
        if moment > END:
            return
        direction = rng.choice(("outbound", "outbound", "outbound", "inbound"))
        row = self.names(being) | self.message_or_call(moment, "crm", direction)
        name = rng.choice(("touches_1.csv", "touches_2.csv"))
        if name == "touches_2.csv" and rng.random() < 0.01:
            self.add("crm", "touches_1.csv", row | {"agent": "Overwritten", "channel": "voicemail"})
            self.planted.superseded["crm/touches_1.csv"] += 1
        self.add("crm", name, row)

    def dialer_touch(self, phones: list[str], emails: list[str], moment: datetime) -> None:
        rng = self.rng
        if moment > END:
            return
        if rng.random() < 0.2:
            if self.may_call_in(moment):
                self.inbound_dialer_call(rng.choice(phones), moment)
            return
        row = self.message_or_call(moment, "dialer", "outbound" if rng.random() < 0.8 else "message")
        if emails and row["channel"] == "email":
            row["email"] = self.spell_email(rng.choice(emails))
        else:
            row["phone"] = self.spell_phone(rng.choice(phones))
        self.add("dialer", "touches_calls.csv" if row["channel"] == "call" else "touches_texts.csv", row)

    def inbound_dialer_call(self, phone: str, moment: datetime) -> None:
        row = self.call(moment, "dialer", "inbound") | {"touch_id": self.new_id(), "phone": self.spell_phone(phone)}
        self.add("dialer", "touches_calls.csv", row)

    def may_call_in(self, moment: datetime) -> bool:
        """No call is under way at `as_of`."""
        return not AS_OF - timedelta(hours=2) <= moment <= AS_OF

    def message_or_call(self, moment: datetime, source: str, direction: str) -> dict[str, str]:
        rng = self.rng
        if direction != "message" and rng.random() < 0.45:
            row = self.call(moment, source, direction)
        else:
            row = self.common(moment, source, "inbound" if direction == "message" else direction)
            row["channel"] = rng.choice(("sms", "sms", "email", "chat", "voicemail"))
            if row["direction"] == "inbound":
                row["not_reply"] = rng.choice(("", "", "", "", "auto_reply", "opt_out", "wrong_number"))
        row["touch_id"] = self.new_id()
        return row

    def call(self, moment: datetime, source: str, direction: str) -> dict[str, str]:
        rng = self.rng
        row = self.common(moment, source, direction) | {"channel": "call"}
        seconds = rng.choice((None, 0, 3, 14, 15, 16, 29, 30, 31, 90, 29.5, 29.999, 14.999))
        row["connected"] = rng.choice(("", self.truth(True), self.truth(False)))
        row["talked"] = rng.choice(("", "", self.truth(True), self.truth(False)))
        row["duration_seconds"] = "" if seconds is None else str(seconds)
        if seconds is not None and rng.random() < 0.6:
            row["ended_at"] = self.spell(moment + timedelta(seconds=seconds), source)
        row["disposition"] = rng.choice(("", "No Answer", "Left Message"))
        return row

    def common(self, moment: datetime, source: str, direction: str) -> dict[str, str]:
        rng = self.rng
        row = {"occurred_at": self.spell(moment, source), "direction": direction}
        row["sender_type"] = rng.choice(("", "", "", "human", "human", "isa", "automation", "ai"))
        row["agent"] = rng.choice(("", *WORKING))
        row["sequence_id"] = rng.choice(("", "", "", "", "seq-1")) if direction == "outbound" else ""
        return row

    def edges_of_as_of(self) -> None:
        """Leads that are exactly as old as a rate asks for, and a second younger."""
        for age in AGES:
            for more in (timedelta(), SECOND, timedelta(microseconds=1)):
                being = Being([{"person_id": self.new_id(), "name": self.name()}], [self.email()], [self.phone()])
                record = being.records[0]
                self.add("crm", "people_2.csv", {"person_id": record["person_id"], "email": being.emails[0]})
                self.inquiry(being, AS_OF - timedelta(seconds=age) + more, may_set_aside=False)
        late = Being([{"person_id": self.new_id(), "name": self.name()}], [self.email()], [])
        for seconds in (0, 1, 600):
            self.inquiry(late, AS_OF + timedelta(seconds=seconds), may_set_aside=False)

    def strangers(self) -> None:
        """Callers whom no record knows, and callers who do not say who they are."""
        rng = self.rng
        for number in range(max(self.people // 100, 3)):
            row = self.call(self.moment().replace(hour=5), "dialer", "inbound") | {"touch_id": self.new_id()}
            self.add("dialer", "touches_calls.csv", row | {"phone": ("", "anonymous", "000-000-0000")[number % 3]})
        for _ in range(max(self.people // 25, 5)):
            phone = self.phone()
            moment = self.moment()
            for _ in range(rng.choice((1, 1, 2, 4))):
                if moment < END and self.may_call_in(moment):
                    self.inbound_dialer_call(phone, moment)
                for _ in range(rng.choice((0, 1, 2))):
                    back = moment + timedelta(seconds=rng.choice(EDGES))
                    if back < END:
                        row = self.message_or_call(back, "dialer", "outbound")
                        self.add("dialer", "touches_calls.csv", row | {"phone": self.spell_phone(phone)})
                moment += rng.choice(
                    (timedelta(days=30), timedelta(days=30) + SECOND, timedelta(days=rng.randint(0, 70)))
                )

    def partners(self) -> None:
        """A source in which each record is a lead of its own, some at the same moment."""
        rng = self.rng
        for _ in range(max(self.people // 20, 5)):
            person = {"person_id": self.new_id(), "email": self.spell_email(self.email()), "name": self.name()}
            moment = self.moment()
            known = rng.choice(self.reachable)
            if rng.random() < 0.3:
                # somebody whom the CRM knows too, so that both grains meet in one person
                person["email"] = self.spell_email(known[0])
                moment = known[1] + rng.choice((timedelta(), DAY, timedelta(days=30), timedelta(days=30) + SECOND))
            self.add("referrals", "people.csv", person)
            for _ in range(rng.choice((1, 1, 2, 3))):
                row = {"inquiry_id": self.new_id(), "person_id": person["person_id"]}
                row["event_at"] = self.spell(moment, "referrals")
                row["source"] = rng.choice(("Referral", "referral: Müller", "Partner"))
                row["agent"] = rng.choice(("", *WORKING))
                self.add("referrals", "inquiries.csv", row)
                for _ in range(rng.choice((0, 1, 2))):
                    at = moment + self.offset()
                    if at < END:
                        touch = self.message_or_call(at, "referrals", rng.choice(("outbound", "inbound")))
                        self.add("referrals", "touches.csv", touch | {"person_id": person["person_id"]})
                moment += rng.choice((timedelta(), timedelta(hours=5), timedelta(days=31)))
                if moment > END:
                    break
        # every source of touches and inquiries is fresh
        for source, name in (("referrals", "touches.csv"), ("crm", "touches_2.csv"), ("dialer", "touches_texts.csv")):
            row = self.common(END - timedelta(minutes=5), source, "outbound")
            self.add(source, name, row | {"touch_id": self.new_id(), "channel": "email", "email": "nobody@example.com"})

    def roster(self) -> None:
        for agent, team, office, active_from, active_to in AGENTS:
            row = {"agent": agent, "name": agent, "team": team, "office": office, "role": "agent"}
            self.add("crm", "agents.csv", row | {"active_from": active_from, "active_to": active_to})

    # spend

    def spend(self) -> None:
        rng = self.rng
        day = START.date()
        while day <= END.date():
            for source in SPEND_SOURCES:
                if rng.random() < 0.5:
                    row = {"date": day.isoformat(), "source": source, "amount": f"{rng.uniform(0, 90):.2f}"}
                    row["currency"] = rng.choice(("", "USD", "usd", "EUR"))
                    row["spend_id"] = rng.choice(("", self.new_id()))
                    row["kind"] = rng.choice(("", "media"))
                    self.add("ads", "spend_daily.csv", row)
                    if not row["spend_id"] and rng.random() < 0.05:
                        self.add("ads", "spend_daily.csv", dict(row))
            day += DAY
        for _ in range(60):
            first = (START + timedelta(days=rng.randint(0, 185))).date()
            row = {"date": first.isoformat(), "source": rng.choice(SPEND_SOURCES), "spend_id": self.new_id()}
            row["date_to"] = (first + timedelta(days=rng.choice((0, 1, 6, 29, 30)))).isoformat()
            row["amount"] = rng.choice(("1000", "100.00", "-100", "-0.05", "0.02", "99.99", "10.005", "0"))
            row["kind"] = rng.choice(("vendor_fee", "media", "success_fee"))
            row["currency"] = rng.choice(("", "EUR"))
            self.add("ads", "spend_invoices.csv", row)
        months = sorted({f"{START + timedelta(days=days):%Y-%m}" for days in range((END - START).days + 1)})
        self.fx = [(month, "EUR", f"{1.05 + number / 1000:.4f}") for number, month in enumerate(months)]
        self.fx.append((months[0], "GBP", "1.3"))
        no_rate = {
            "date": "2026-02-03",
            "source": "Billboard",
            "amount": "10.00",
            "currency": "GBP",
            "spend_id": "gbp-2",
        }
        self.add("ads", "spend_daily.csv", no_rate | {"date": "2025-10-07", "spend_id": "gbp-1"})
        self.bad("ads", "spend_daily.csv", no_rate, "no fx rate")

    # dirt

    def dirt(self) -> None:
        touch = {"channel": "call", "direction": "outbound", "occurred_at": "2026-01-05T10:00:00Z"}
        for name in ("touches_1.csv", "touches_2.csv"):
            self.bad("crm", name, touch | {"touch_id": self.new_id(), "occurred_at": ""}, "missing occurred_at")
            self.bad("crm", name, touch | {"touch_id": self.new_id(), "channel": "fax"}, "unknown channel")
            self.bad(
                "crm", name, touch | {"touch_id": self.new_id(), "occurred_at": "yesterday"}, "unreadable occurred_at"
            )
            self.bad("crm", name, touch | {"touch_id": ""}, "missing touch_id")
            self.again("crm", name, {"agent": "Impostor"})
        self.bad(
            "dialer", "touches_calls.csv", touch | {"touch_id": self.new_id(), "direction": "up"}, "unknown direction"
        )
        self.bad(
            "dialer",
            "touches_calls.csv",
            touch | {"touch_id": self.new_id(), "sender_type": "robot"},
            "unknown sender_type",
        )
        inquiry = {"inquiry_id": self.new_id(), "event_at": "2026-02-30 10:00:00", "source": "Zillow"}
        self.bad("crm", "inquiries_2026.csv", inquiry, "unreadable event_at")
        self.bad(
            "crm", "inquiries_2026.csv", inquiry | {"inquiry_id": self.new_id(), "event_at": ""}, "missing event_at"
        )
        self.again("crm", "inquiries_2025.csv", {"source": "Impostor"})
        self.bad("crm", "people_1.csv", {"person_id": "", "name": "No Id"}, "missing person_id")
        self.bad("crm", "sla_excuses.csv", {"inquiry_id": self.new_id(), "reason": "none given"}, "missing approver")
        spend = {"date": "2026-01-05", "source": "Zillow", "amount": "12 dollars", "spend_id": self.new_id()}
        self.bad("ads", "spend_daily.csv", spend, "unreadable amount")
        self.bad("ads", "spend_daily.csv", spend | {"amount": "5", "source": "", "spend_id": "s-2"}, "missing source")

    def bad(self, source: str, name: str, row: dict[str, str], reason: str) -> None:
        row = dict(row)
        self.rejected.add(id(row))
        self.add(source, name, row)
        self.planted.quarantined[f"{source}/{name}"][reason] += 1

    def again(self, source: str, name: str, changed: dict[str, str]) -> None:
        """An id once more in the same file, with other content; it comes last and is not the one that stays."""
        self.last[(source, name)].append(self.files[(source, name)][0] | changed)
        self.planted.quarantined[f"{source}/{name}"]["same id"] += 1

    # spelling

    def new_id(self) -> str:
        rng = self.rng
        while True:
            self.numbers += 1
            number = rng.randint(1, 10_000_000)
            text = rng.choice(
                (
                    str(number),
                    f"{number:09d}",
                    f"5805028{number:012d}",
                    f"№{number}",
                    f"客-{number}",
                    f"A-{number}",
                    f"a-{number}",
                )
            )
            if text not in self.used_ids:
                self.used_ids.add(text)
                return text

    def name(self) -> str:
        return f"{self.rng.choice(FIRST)} {self.rng.choice(LAST)} {self.rng.randint(1, 999)}"

    def email(self) -> str:
        self.numbers += 1
        return f"{self.rng.choice('abcdefg')}.person{self.numbers}@{self.rng.choice(DOMAINS)}"

    def phone(self) -> str:
        rng = self.rng
        while True:
            if rng.random() < 0.04:
                phone = f"+4420794{rng.randint(60000, 69999)}"
            else:
                phone = f"+1{rng.choice(AREAS)}{rng.randint(2, 9)}{rng.randint(0, 999999):06d}"
            if phone not in self.used_phones and phonenumbers.is_valid_number(phonenumbers.parse(phone)):
                self.used_phones.add(phone)
                return phone

    def cell(self, values: list[str], spell: Any, junk: tuple[str, ...], crowd: str = "") -> str:
        """Some of the values in one cell, perhaps with junk beside them; the first is always among them."""
        rng = self.rng
        pieces = [spell(value) for number, value in enumerate(values) if number == 0 or rng.random() < 0.8]
        if crowd:
            pieces.append(spell(crowd))
        if rng.random() < 0.06:
            pieces.insert(rng.randint(0, len(pieces)), rng.choice(junk))
        return rng.choice((";", "; ", " ; ")).join(pieces)

    def spell_email(self, email: str) -> str:
        rng = self.rng
        text = rng.choice((email, email, email.upper(), email.title()))
        return rng.choice((text, text, f" {text}", f"{text}  ", f"\t{text}"))

    def spell_phone(self, phone: str) -> str:
        rng = self.rng
        if not phone.startswith("+1"):
            return rng.choice((phone, f"{phone[:3]} {phone[3:5]} {phone[5:9]} {phone[9:]}", f"011{phone[1:]}"))
        area, exchange, line = phone[2:5], phone[5:8], phone[8:]
        return rng.choice(
            (
                phone,
                phone[1:],
                f"{area}{exchange}{line}",
                f"({area}) {exchange}-{line}",
                f"{area}.{exchange}.{line}",
                f"{area}-{exchange}-{line}",
                f"1-{area}-{exchange}-{line}",
                f"+1 {area} {exchange} {line}",
                f" +1 ({area}) {exchange}-{line} ",
                f"{area}\u2011{exchange}\u2011{line}",
            )
        )

    def truth(self, value: bool) -> str:
        words = ("true", "TRUE", "True", "1", "yes", "Yes") if value else ("false", "FALSE", "False", "0", "no", "NO")
        return self.rng.choice(words)

    def moment(self) -> datetime:
        """A moment of the half-year: mostly any, often at the edge of something."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.06:
            # a local clock that jumps: any minute of the night, in the gap or in the hour that comes twice too
            source = rng.choice(tuple(CHANGES))
            night = datetime.combine(rng.choice(CHANGES[source]), datetime.min.time())
            return local_to_utc(night + timedelta(minutes=rng.randint(0, 240)), ZONES[source])
        moment = START + (END - START) * rng.random()
        moment = moment.replace(microsecond=rng.choice((0, 0, 0, 0, 500000, 123456, 1, 999999)))
        if kind < 0.25:
            # opening and closing times, midnights and mornings of the house
            local = to_local(moment, HOUSE_ZONE).replace(minute=0, second=0, microsecond=0)
            hour = rng.choice((0, 8, 9, 10, 12, 13, 18, 20, 21))
            shift = rng.choice((timedelta(), -SECOND, SECOND, timedelta(minutes=-5), timedelta(minutes=-14)))
            return local_to_utc(local.replace(hour=hour), HOUSE_ZONE) + shift
        return moment

    def spell(self, moment: datetime, source: str) -> str:
        """An instant in one of the allowed spellings."""
        rng = self.rng
        local = to_local(moment, ZONES[source])
        style = rng.choice(("Z", "Z", "+00:00", "+0200", "-05", "local", "local", "local", "own"))
        if style == "local" and local_to_utc(local, ZONES[source]) != moment:
            style = "own"
        if style == "local":
            shown, offset = local, ""
            in_gap = local.date() in CHANGES.get(source, ()) and local.hour == 3 and rng.random() < 0.5
            if in_gap and local_to_utc(local - timedelta(hours=1), ZONES[source]) == moment:
                # the same instant told by a clock that nobody set forward
                shown = local - timedelta(hours=1)
        else:
            hours = {"Z": 0, "+00:00": 0, "+0200": 2, "-05": -5}.get(style)
            zone = ZONES[source] if hours is None else timezone(timedelta(hours=hours))
            aware = moment.astimezone(zone)
            shown = aware.replace(tzinfo=None)
            offset = aware.isoformat()[-6:] if hours is None else style
        separator = rng.choice(("T", " "))
        text = shown.strftime(f"%Y-%m-%d{separator}%H:%M:%S")
        if shown.microsecond:
            text += f".{shown.microsecond:06d}".rstrip("0") if rng.random() < 0.5 else f".{shown.microsecond:06d}"
        elif rng.random() < 0.1:
            text += ".000"
        return text + offset

    def names(self, being: Being) -> dict[str, str]:
        """Some way of naming a being in a row of the CRM."""
        rng = self.rng
        ways = []
        if being.records:
            ways += [{"person_id": record["person_id"]} for record in being.records] * 2
        if being.emails:
            ways.append({"email": self.spell_email(being.emails[0])})
        if being.phones:
            ways.append({"phone": self.spell_phone(being.phones[0])})
        if being.records and being.emails:
            ways.append({"person_id": being.records[0]["person_id"], "email": self.spell_email(being.emails[0])})
            ways.append({"person_id": "unknown-id", "email": self.spell_email(being.emails[0])})
        if being.records and rng.random() < 0.02:
            # at odds with itself: the id counts
            other, self.somebody = self.somebody, being.phones[0] if being.phones else self.somebody
            return {"person_id": being.records[0]["person_id"], "phone": other}
        if rng.random() < 0.01 or not ways:
            return {"person_id": "unknown-id"}
        return dict(rng.choice(ways))

    def dated(self, being: Being, id_column: str, at: datetime) -> dict[str, str]:
        return self.names(being) | {id_column: self.new_id(), "at": self.spell(at, "crm")}

    # files

    def add(self, source: str, name: str, row: dict[str, Any]) -> None:
        self.files[(source, name)].append(row)

    def write(self) -> None:
        folder = self.planted.folder
        for (source, name), rows in self.files.items():
            key = f"{source}/{name}"
            self.rng.shuffle(rows)
            columns = sorted({column for row in rows for column in row})
            lines = [[str(row.get(column, "")) for column in columns] for row in rows]
            if name.startswith(("touches", "inquiries", "people", "deals")):
                clean = [line for row, line in zip(rows, lines, strict=True) if id(row) not in self.rejected]
                copies = [list(line) for line in clean[:2]]
                self.planted.exact_duplicates[key] += len(copies)
                lines += copies
            if name in ("touches_1.csv", "inquiries_2026.csv"):
                lines.append([*lines[0], "one cell too many"])
                self.planted.quarantined[key]["wrong width"] += 1
            lines += [[str(row.get(column, "")) for column in columns] for row in self.last[(source, name)]]
            self.planted.rows[key] = len(lines)
            path = folder / "exports" / source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([columns, *lines])
        seeds = folder / "seeds"
        seeds.mkdir(parents=True, exist_ok=True)
        for seed_name, text in SEEDS.items():
            (seeds / f"{seed_name}.csv").write_text(text, encoding="utf-8")
        fx = "month,currency,rate\n" + "".join(f"{month},{currency},{rate}\n" for month, currency, rate in self.fx)
        (seeds / "fx_rates.csv").write_text(fx, encoding="utf-8")
        # variants of the settings go by the seed
        rules = '[rules]\nnext_morning_on = "open_day"\n\n' if self.seed % 2 else ""
        sat = "" if self.seed % 2 else 'sat = ["09:00", "17:00"]\n'
        week_start = "sunday" if self.seed % 3 == 2 else "monday"
        config = CONFIG.format(rules=rules, sat=sat, week_start=week_start)
        self.planted.config.write_text(config, encoding="utf-8")
