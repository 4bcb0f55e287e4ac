"""The simulated brokerage, before any build: the same bytes every time, the sizes asked for, nobody real in it."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import phonenumbers
import pytest

from dagster_project.demo import clock
from dagster_project.demo.cast import BAD_MONEY, FAST_NEVER_HELD, GOOD_MONEY, SLOW_PROFITABLE
from dagster_project.demo.people import Directory
from dagster_project.demo.simulate import simulate
from dagster_project.demo.streams import Streams
from dagster_project.errors import ConfigError
from dagster_project.examples import write_demo
from tests.conftest import ROOT
from tests.reference.moments import local_to_utc, to_local

LEADS, SEED = 700, 5


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demo, written and not built: its folder."""
    return write_demo(tmp_path_factory.mktemp("demo"), LEADS, SEED).parent


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rows(folder: Path, source: str, entity: str) -> list[dict[str, str]]:
    with (folder / "truth" / source / f"{entity}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_same_seed_and_size_give_the_same_bytes_elsewhere(demo: Path, tmp_path: Path) -> None:
    """Another process, another zone, another order of hashes."""
    call = (
        "import sys, pathlib; from dagster_project.examples import write_demo;"
        "write_demo(pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))"
    )
    arguments = [sys.executable, "-c", call, str(tmp_path / "again"), str(LEADS), str(SEED)]
    environment = {**os.environ, "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)}
    subprocess.run(arguments, check=True, env=environment, cwd=tmp_path)
    assert digests(tmp_path / "again") == digests(demo)


def test_another_seed_is_another_year(demo: Path, tmp_path: Path) -> None:
    other = write_demo(tmp_path, LEADS, SEED + 1).parent
    changed = {name for name, digest in digests(demo).items() if digests(other).get(name) != digest}
    assert {"exports/crm/people.csv", "exports/crm/calls.csv", "exports/ads/google_ads.csv"} <= changed


def test_writing_again_leaves_nothing_of_the_larger_demo_before(demo: Path, tmp_path: Path) -> None:
    write_demo(tmp_path, LEADS + 100, SEED + 2)
    (tmp_path / "exports" / "crm" / "left.csv").write_text("over", encoding="utf-8")
    write_demo(tmp_path, LEADS, SEED)
    assert digests(tmp_path) == digests(demo)


def test_streams_do_not_reshuffle_each_other() -> None:
    first, second = Streams(3), Streams(3)
    second.of("something new").random(1000)
    assert first.uniform("journeys", 4, 4) == second.uniform("journeys", 4, 4)
    assert first.uniform("journeys", 4, 4) != first.uniform("dirt", 4, 4)
    assert first.uniform("journeys", 4, 4) != Streams(4).uniform("journeys", 4, 4)


@pytest.mark.parametrize("leads", [600, 3_000])
def test_it_is_as_large_as_asked(leads: int) -> None:
    world = simulate(leads, SEED)
    strangers = sum(touch.system == "tracking" and touch.record is None for touch in world.touches)
    assert leads * 0.95 <= len(world.inquiries) + strangers <= leads * 1.25
    assert len(world.touches) >= 8 * leads
    assert world.violations
    assert world.unanswered_of_leaver
    assert world.late
    assert world.excuses


def test_weeks_are_like_their_neighbours() -> None:
    """The rhythm of a year without jumps, but for the week that is planted: else a check of volume would ring."""
    world = simulate(5_000, SEED)
    weeks: Counter[date] = Counter()
    for inquiry in world.inquiries:
        day = clock.local_day(inquiry.at)
        weeks[day - timedelta(days=day.weekday())] += 1
    assert len(weeks) == 52
    for (_, one), (_, other) in pairwise(sorted(weeks.items())):
        assert 0.7 < one / other < 1.43


def test_no_row_is_later_than_the_last_moment_and_every_system_reaches_it(demo: Path) -> None:
    for source in ("crm", "calltracking", "dialer"):
        assert max(row["occurred_at"] for row in rows(demo, source, "touches")) == "2026-11-22T23:00:00Z"
    assert max(row["received_at"] for row in rows(demo, "crm", "inquiries")) <= "2026-11-22T23:00:00Z"
    assert max(row["booked_at"] for row in rows(demo, "crm", "appointments")) <= "2026-11-22T23:00:00Z"


def test_nobody_in_it_is_real(demo: Path) -> None:
    people = rows(demo, "crm", "people")
    phones = {phone for row in people for phone in row["phone"].split(";") if phone.startswith("+")}
    phones |= {row["phone"] for row in rows(demo, "calltracking", "touches")}
    assert len(phones) > LEADS / 2
    for phone in phones:
        assert re.fullmatch(r"\+1\d{3}555\d{4}", phone)
        assert phonenumbers.is_valid_number(phonenumbers.parse(phone))
    emails = {email for row in people for email in row["email"].split(";") if email}
    assert all(email.endswith(("@example.com", "@example.org", "@example.net")) for email in emails)


def test_a_directory_gives_everything_once() -> None:
    directory = Directory(Streams(1), 3_000)
    phones = [directory.phone() for _ in range(3_000)]
    emails = [directory.email("Ann", "Lee") for _ in range(3_000)]
    assert len(set(phones)) == len(set(emails)) == 3_000


def test_local_time_is_what_the_definitions_say() -> None:
    """The demo's own clock against the reference's, around both changes of the clock and at odd times."""
    for zone in (clock.EASTERN, clock.CENTRAL):
        for day in ("2026-03-08", "2026-11-01", "2026-07-04"):
            for minutes in range(0, 6 * 60, 7):
                reading = clock.utc(day) + minutes * 60
                naive = clock._shown(reading).replace(tzinfo=None)
                moment = clock.from_local(reading, zone)
                assert moment == local_to_utc(naive, ZoneInfo(zone)).timestamp()
                shown = to_local(clock._shown(moment), ZoneInfo(zone))
                assert clock._shown(clock.local(moment, zone)).replace(tzinfo=None) == shown


def test_the_report_of_the_crm_counts_its_people(demo: Path) -> None:
    with (demo / "exports" / "crm" / "lead_source_report.csv").open(encoding="utf-8", newline="") as file:
        report = list(csv.DictReader(file))
    people = rows(demo, "crm", "people")
    counted = [
        row
        for row in people
        if not row["merged_into"] and not row["deleted_at"] and row["created_at"] >= "2025-11-24T05:00:00Z"
    ]
    assert sum(int(row["New leads"]) for row in report) == len(counted)
    assert any(row["merged_into"] for row in people)
    by_source = Counter(row["source_now"] for row in counted)
    told: Counter[str] = Counter()
    for row in report:
        told[row["Lead Source"]] += int(row["New leads"])
        assert date.fromisoformat(row["Week of"]).weekday() == 0
    assert told == by_source


def test_the_truth_holds_no_metric(demo: Path) -> None:
    plot = json.loads((demo / "truth" / "plot.json").read_text(encoding="utf-8"))
    assert not re.search(r"rate|median|roi|share", json.dumps(plot))
    assert len(plot["opt_outs_ignored"]["touches"]) == len(plot["opt_outs_ignored"]["people"]) > 0


def test_somebodys_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "leadhouse.toml").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="not the demo's"):
        write_demo(tmp_path, LEADS, SEED)
    assert [path.name for path in tmp_path.iterdir()] == ["leadhouse.toml"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_plot_is_there_whatever_the_seed(seed: int) -> None:
    """The story's money and outcomes by the planted events: company dollar against spend, in cents."""
    world = simulate(1_200, seed)
    earned: Counter[str] = Counter()
    paid: Counter[str] = Counter()
    for deal in world.deals:
        if deal.closed is not None:
            earned[deal.channel] += deal.gci - (deal.split if deal.split is not None else deal.gci * 65 // 100)
    for line in world.spend:
        paid[line.source] += line.micros // 10_000
    assert earned[GOOD_MONEY] > 2 * paid[GOOD_MONEY] > 0
    assert earned[SLOW_PROFITABLE] > 3 * paid[SLOW_PROFITABLE] > 0
    assert earned[BAD_MONEY] < paid[BAD_MONEY]
    outcomes = Counter(each.outcome for each in world.appointments if each.source == FAST_NEVER_HELD)
    assert outcomes["held"] == 0
    assert outcomes.total() >= 20
    assert len(world.late) >= 1
    assert len(world.unanswered_of_leaver) >= 10
    assert len(world.violations) >= 3
