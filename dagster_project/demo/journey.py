"""What becomes of one lead: who answers and when, what is said, whether there is an appointment, whether a deal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle

from dagster_project.demo import clock
from dagster_project.demo.cast import FAST_NEVER_HELD, PLOT, SLOW_PROFITABLE, Agent
from dagster_project.demo.clock import DAY, END, HOUR, MINUTE
from dagster_project.demo.model import Appointment, Dated, Deal, Inquiry, Touch, World
from dagster_project.demo.people import OFFICE_PHONE

_CADENCE = (1, 2, 4, 6, 8, 11, 14)
_AUTO_TEXTS, _AUTO_MAILS = (1, 3, 6), (0, 1, 4, 8, 11, 14)
AUTO_REPLY, PLAN, CAMPAIGN, BLAST = "12", "31", "77", "91"
"""The automation that confirms, the action plan of two weeks, the monthly newsletter, the price alert."""


class Luck:
    """One lead's own numbers: what is drawn for it changes nobody else's."""

    def __init__(self, uniform: list[float], normal: list[float]) -> None:
        self._uniform, self._normal = cycle(uniform), cycle(normal)

    def __call__(self) -> float:
        """A number from [0, 1)."""
        return next(self._uniform)

    def minutes(self, median: float, spread: float = 0.9) -> int:
        """A duration in seconds around a median of so many minutes."""
        return int(median * 60 * math.exp(spread * next(self._normal))) + 5


@dataclass
class Desk:
    """Who works a lead: `agent` has it, `first` answers it."""

    agent: Agent | None
    first: Agent | None


class Journey:
    """Plays one lead, opened by an inquiry, into the world."""

    def __init__(self, world: World, inquiry: Inquiry, desk: Desk, luck: Luck, *, contact: int | None = None) -> None:
        self._world, self._inquiry, self._desk, self._luck = world, inquiry, desk, luck
        self._record = inquiry.record
        self._channel = inquiry.channel
        phones = [phone for phone in self._record.phones if phone != OFFICE_PHONE]
        self._phone = phones[0] if phones else ""
        self._can_text = bool(self._record.phones)
        self._can_mail = bool(self._record.emails)
        self._contact = contact
        self._met_isa = False

    @property
    def _opted_out(self) -> int | None:
        return self._world.opted_out.get(self._record.person)

    def run(self) -> None:
        """Everything until the end of the year."""
        self._assign()
        if self._luck() < 0.04:
            self._inquiry.disqualified = self._inquiry.received + int((0.5 + 9 * self._luck()) * DAY)
        last = self._inquiry.disqualified or END
        steps = sorted([*self._automation(), *self._attempts()])
        for at, kind, number in steps:
            if at > min(last, END):
                break
            if kind == "attempt":
                self._attempt(at, number)
            elif self._contact is None or at < self._contact:
                self._send_automatically(at, kind, number)
        self._calls_us()
        self._stages(last)
        if self._contact is not None and self._contact < last:
            self._appoint(self._contact)

    # -- who has it, and when somebody turns to it

    def _assign(self) -> None:
        agent, luck = self._desk.agent, self._luck
        if agent is None:
            return
        at = self._inquiry.received + 2 + int(luck() * 30)
        self._world.assignments.append(Dated(self._record, at, "Lead Flow", agent.name))
        self._record.agent = agent.name
        if luck() < 0.25:
            due = at + int((1 + luck() * 6) * DAY)
            done = due + int((luck() - 0.6) * DAY) if luck() < 0.7 else None
            self._world.tasks.append(Dated(self._record, due, "Follow Up", agent.name, done=done))

    def _first_answer(self) -> int | None:
        channel, luck, ready = self._channel, self._luck, self._inquiry.received
        if self._has_left(ready) or self._desk.first is None:
            return None
        spread = 0.6 if channel.answer_minutes < 5 else 0.9
        if clock.is_open(ready):
            if luck() < (0.03 if channel.name != SLOW_PROFITABLE else 0.06):
                return None
            return ready + luck.minutes(channel.answer_minutes, spread)
        if luck() < channel.answered_at_night:
            return ready + luck.minutes(3 if channel.name == FAST_NEVER_HELD else 25, spread)
        if luck() < 0.42:  # the gap: what comes in at night is often never answered
            return None
        return clock.next_opening(ready) + luck.minutes(55, 0.7)

    def _has_left(self, moment: int) -> bool:
        agent = self._desk.agent
        return agent is not None and agent.name == PLOT.leaver and clock.local_day(moment) >= PLOT.left_on

    def _attempts(self) -> list[tuple[int, str, int]]:
        first = self._first_answer()
        if first is None:
            return self._second_chance()
        found, luck, chance = [(first, "attempt", 0)], self._luck, 0.95
        start = clock.local_day(self._inquiry.received)
        for number, days in enumerate(_CADENCE, 1):
            at = clock.at_local(start + timedelta(days=days), int((9 + 9 * luck()) * HOUR))
            if luck() < chance and at > first + HOUR and not self._has_left(at):
                found.append((at, "attempt", number))
            chance *= 0.9
        return found

    def _second_chance(self) -> list[tuple[int, str, int]]:
        """Some leads that nobody answered are given to another agent after a day or two."""
        luck = self._luck
        if self._has_left(self._inquiry.received) or self._desk.agent is None or luck() > 0.12:
            return []
        other = self._world.agents[int(luck() * len(self._world.agents))]
        if other.name == PLOT.leaver:
            return []
        at = clock.at_local(clock.local_day(self._inquiry.received) + timedelta(days=2), 9 * HOUR + int(luck() * HOUR))
        if at > END:
            return []
        self._world.assignments.append(
            Dated(self._record, at, "Redistribution", other.name, before=self._desk.agent.name)
        )
        self._record.agent = other.name
        self._desk = Desk(other, other)
        return [(at + luck.minutes(40), "attempt", 1)]

    def _automation(self) -> list[tuple[int, str, int]]:
        if self._channel.name == SLOW_PROFITABLE:
            return []
        luck, ready = self._luck, self._inquiry.received
        start = clock.local_day(ready)
        found = []
        if self._can_text:
            found.append((ready + 8 + int(luck() * 30), "text", 0))
            found += [
                (clock.at_local(start + timedelta(days=day), 10 * HOUR + int(luck() * HOUR)), "text", day)
                for day in _AUTO_TEXTS
            ]
        if self._can_mail:
            found += [
                (ready + 15 + int(luck() * 80), "mail", 0)
                if day == 0
                else (clock.at_local(start + timedelta(days=day), 7 * HOUR + int(luck() * 2 * HOUR)), "mail", day)
                for day in _AUTO_MAILS
            ]
            if luck() < 0.8:
                newsletter = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
                found.append((clock.at_local(newsletter, 6 * HOUR + int(luck() * HOUR)), "newsletter", 0))
        return found

    # -- what is sent, and what comes back

    def _touch(self, **fields: object) -> Touch:
        touch = Touch(record=self._record, **fields)  # type: ignore[arg-type]
        if touch.at <= END:
            self._world.touches.append(touch)
        return touch

    def _send_automatically(self, at: int, kind: str, day: int) -> None:
        luck = self._luck
        if kind == "text":
            if self._opted_out is not None:
                return
            mark, plan = ("automation", AUTO_REPLY) if day == 0 else ("plan", PLAN)
            self._touch(system="texts", at=at, channel="sms", sender="automation", plan=plan, mark=mark)
            fate = luck()
            if fate < 0.016:
                self._stop(at + 60 + int(luck() * 600))
            elif fate < 0.07:
                self._reply("texts", "sms", at + luck.minutes(25))
            return
        if kind == "newsletter":
            self._touch(system="emails", at=at, channel="email", plan=CAMPAIGN, mark="campaign")
            return
        mark, plan = ("automation", AUTO_REPLY) if day == 0 else ("plan", PLAN)
        self._touch(system="emails", at=at, channel="email", sender="automation", plan=plan, mark=mark)
        fate = luck()
        if fate < 0.01:
            self._touch(
                system="emails", at=at + 20 + int(luck() * 60), channel="email", inbound=True, not_reply="auto_reply"
            )
        elif fate < 0.022:
            self._reply("emails", "email", at + luck.minutes(90))

    def _stop(self, at: int) -> None:
        if at > END:
            return
        self._world.opted_out[self._record.person] = at
        self._touch(system="texts", at=at, channel="sms", inbound=True, not_reply="opt_out")

    def _reply(self, system: str, channel: str, at: int) -> None:
        """The person writes back; somebody answers, if anybody is there."""
        luck = self._luck
        self._touch(system=system, at=at, channel=channel, inbound=True)
        if self._desk.first is None or self._has_left(at) or luck() < 0.15:
            return
        answer = (at if clock.is_open(at) else clock.next_opening(at)) + luck.minutes(15)
        self._say(system, channel, answer, self._desk.agent or self._desk.first)
        self._note_contact(answer)

    def _say(self, system: str, channel: str, at: int, agent: Agent) -> None:
        if channel == "sms" and self._opted_out is not None and at >= self._opted_out:
            return
        is_known = self._luck() > 0.03  # an app that does not say whose phone it was
        self._touch(
            system=system,
            at=at,
            channel=channel,
            sender=("isa" if agent.role == "isa" else "human") if is_known else "",
            agent=agent.name if is_known else "",
        )

    def _note_contact(self, at: int) -> None:
        self._contact = at if self._contact is None else min(self._contact, at)

    def _attempt(self, at: int, number: int) -> None:
        """Somebody of ours turns to the lead: a call, a text or an email."""
        luck, desk = self._luck, self._desk
        if number > 4 and self._contact is not None:
            return
        agent = desk.first if number < 3 else desk.agent or desk.first
        if agent is None:
            return
        if agent.name == PLOT.leaver and self._has_left(at):
            return
        way = luck()
        if self._phone and way < 0.62:
            self._call(at, agent)
        elif self._can_text and self._opted_out is None and way < 0.86:
            self._say("texts", "sms", at, agent)
            if luck() < 0.14:
                back = at + luck.minutes(30)
                self._touch(system="texts", at=back, channel="sms", inbound=True)
                self._note_contact(back)
                self._say("texts", "sms", back + luck.minutes(10), agent)
        elif self._can_mail:
            self._say("emails", "email", at, agent)
            if luck() < 0.08:
                back = at + luck.minutes(200)
                self._touch(system="emails", at=back, channel="email", inbound=True)
                self._note_contact(back)

    def _call(self, at: int, agent: Agent) -> None:
        luck = self._luck
        is_isa = agent.role == "isa"
        system = "dialer" if is_isa or luck() < 0.12 else "calls"
        if luck() < (0.27 if is_isa else 0.17):
            seconds = int(40 + 800 * luck() ** 3)
            spoken = "Interested" if luck() < 0.7 else "Not Interested"
            self._note_contact(at)
            self._met_isa = self._met_isa or is_isa
            connected, disposition, channel = True, spoken, "call"
        else:
            seconds, connected, channel = int(luck() * 25), False, "call"
            disposition = ("No Answer", "Busy", "Bad Number")[min(2, int(luck() * 2.1))]
            if luck() < 0.45:
                channel, disposition = "voicemail", "Left Message"
        if system == "dialer":
            disposition = {
                "Interested": "Answered",
                "Not Interested": "Answered",
                "Left Message": "Left voicemail",
            }.get(disposition, "Busy" if disposition == "Busy" else "No answer")
        self._touch(
            system=system,
            at=at,
            channel=channel,
            sender="isa" if is_isa else "human",
            agent=agent.name,
            connected=connected,
            seconds=seconds,
            disposition=disposition,
            phone=self._phone,
        )

    def _calls_us(self) -> None:
        """Some people call the number of the advertisement themselves."""
        luck = self._luck
        if not self._phone or luck() > 0.03:
            return
        at = self._inquiry.received + HOUR + int(luck() * 5 * DAY)
        if not clock.is_open(at) or at > END or (self._inquiry.disqualified or END) < at:
            return
        is_answered = luck() < 0.75
        isa = self._world.isas[int(luck() * len(self._world.isas))]
        self._touch(
            system="tracking",
            at=at,
            channel="call",
            inbound=True,
            sender="human",
            agent=isa.name if is_answered else "",
            connected=is_answered,
            seconds=int(45 + luck() * 400) if is_answered else int(4 + luck() * 30),
            disposition="answered" if is_answered else "missed",
            phone=self._phone,
            tracking=tracking_number(self._channel.name),
        )
        if is_answered:
            self._note_contact(at)

    # -- what comes of it

    def _stages(self, last: int) -> None:
        world, record, inquiry = self._world, self._record, self._inquiry
        world.stages.append(Dated(record, inquiry.received + 1, "Lead"))
        if self._contact is not None and self._contact < min(last, END):
            self._stage(self._contact + 60, "Spoke With Customer")
        elif inquiry.disqualified is None and inquiry.received + 15 * DAY < END:
            self._stage(inquiry.received + 15 * DAY, "Nurture")
        if inquiry.disqualified is not None and inquiry.disqualified <= END:
            self._stage(inquiry.disqualified, "Trash")

    def _stage(self, at: int, stage: str) -> None:
        if at <= END:
            self._world.stages.append(Dated(self._record, at, stage, before=self._record.stage))
            self._record.stage = stage

    def _appoint(self, contact: int) -> None:
        channel, luck = self._channel, self._luck
        chance = channel.books * (1.6 if self._met_isa else 0.85)
        agent = self._desk.agent or self._desk.first
        if luck() > chance or agent is None:
            return
        booked = contact + 90 + (0 if luck() < 0.4 else int(luck() * 3 * DAY))
        appointment = self._book(booked, agent, 1)
        if appointment is None:
            return
        self._stage(booked + 30, "Appointment Set")
        if luck() < 0.12:
            moved = self._book(booked + int((appointment.starts - booked) * luck() * 0.8), agent, 4)
            if moved is not None:
                moved.replaces = appointment
                appointment = moved
        self._hold(appointment)

    def _book(self, at: int, agent: Agent, days: int) -> Appointment | None:
        luck = self._luck
        if at > END:
            return None
        day = clock.local_day(at) + timedelta(days=days + int(luck() * 5))
        starts = clock.at_local(day, 10 * HOUR + 30 * MINUTE * int(luck() * 16))
        appointment = Appointment(self._record, at, starts, starts + HOUR, agent.name, self._channel.name)
        self._world.appointments.append(appointment)
        return appointment

    def _hold(self, appointment: Appointment) -> None:
        """Whether it took place, which the calendar is rarely told."""
        channel, luck = self._channel, self._luck
        is_held, is_told = luck() < channel.holds, luck() < (0.7 if channel.holds == 0 else 0.42)
        why, when = luck(), luck()
        if appointment.ends > END:
            return
        if not is_held and why < 0.3:
            appointment.cancelled = appointment.starts - int(
                HOUR + when * (appointment.starts - appointment.booked) / 2
            )
            appointment.cancelled = max(appointment.cancelled, appointment.booked + 60)
        if is_told and is_held:
            appointment.outcome = "held"
        elif is_told and appointment.cancelled is not None:
            is_late = appointment.starts - appointment.cancelled < DAY
            appointment.outcome = "cancelled_late" if is_late else "cancelled_early"
            if why < 0.04:
                appointment.outcome = "cancelled_by_us"
        elif is_told:
            appointment.outcome = "no_show"
        if is_held:
            self._stage(appointment.ends, "Met With Customer")
            if luck() < channel.closes:
                self._deal(appointment)

    def _deal(self, appointment: Appointment) -> None:
        luck = self._luck
        side = "Sellers" if self._channel.event == "Seller Inquiry" or luck() < 0.25 else "Buyers"
        days = [3 + int(luck() * 18), 10 + int(luck() * 35), 28 + int(luck() * 20)]
        start = clock.local_day(appointment.ends)
        moments = [clock.at_local(start + timedelta(days=sum(days[: n + 1])), 0) for n in range(3)]
        if moments[0] > END:
            return
        falls = luck() < 0.08
        price = 5_000 * int(48 + 190 * luck() ** 2)
        cents = price * int(250 + 50 * luck()) // 100  # 2.5 to 3 %
        deal = Deal(
            self._record,
            side,
            appointment.agent,
            self._inquiry.spelled,
            moments[0],
            moments[1] if moments[1] <= END else None,
            moments[2] if moments[2] <= END and not falls else None,
            moments[2] if moments[2] <= END and falls else None,
            price,
            cents,
            cents * int(60 + 10 * luck()) // 100 if luck() > 0.1 else None,
            self._channel.name,
        )
        self._world.deals.append(deal)
        if deal.contract is not None:
            self._stage(deal.contract, "Under Contract")
        if deal.closed is not None:
            deal.fee = int(deal.gci * self._channel.success_fee)
            self._stage(deal.closed, "Closed")


def tracking_number(source: str) -> str:
    """The number that stands in a source's advertisements."""
    return f"+1603555{200 + sum(map(ord, source)) % 700:04}"
