"""The configuration: what a good one becomes, and the exact line that each mistake gets."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.config import Config, load_config
from dagster_project.config_values import folder_name
from dagster_project.dbt_project import dbt_vars
from dagster_project.errors import ConfigError
from dagster_project.warehouse.working import BuildLock, open_working

BROKERAGE = """
[brokerage]
name = "Harbor & Main Realty"
timezone = "America/New_York"
country = "US"
week_start = "monday"
currency = "USD"
"""
HOURS = """
[hours]
mon = ["08:00", "20:00"]
tue = [["13:00", "18:00"], ["8:00", "12:00"]]
sat = ["00:00", "24:00"]
sun = []
holidays = ["2026-11-26", 2026-12-25]
"""
SOURCE = """
[[source]]
name = "crm"
kind = "files"
path = "exports/crm"
"""
TABLE = """
[[source.table]]
entity = "touches"
file = "calls*.csv"
[source.table.columns]
touch_id = "Id"
occurred_at = "Start"
direction = "Type"
[source.table.constants]
channel = "call"
"""


def read(tmp_path: Path, text: str, **environ: str) -> Config:
    path = tmp_path / "leadhouse.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, environ)


def problems(tmp_path: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, **environ)
    assert caught.value.exit_code == 2
    assert all("\n" not in line for line in caught.value.messages)
    return list(caught.value.messages)


def problem(tmp_path: Path, text: str, **environ: str) -> str:
    """The one line told, without the file's name."""
    (line,) = problems(tmp_path, text, **environ)
    assert line.startswith("leadhouse.toml: ")
    return line.removeprefix("leadhouse.toml: ")


def test_a_small_configuration_has_the_defaults_of_the_definitions(tmp_path: Path) -> None:
    config = read(tmp_path, BROKERAGE + SOURCE)
    rules = config.rules
    assert (rules.reopen_after_days, rules.contact_min_seconds, rules.max_shared_identifier) == (30, 30, 20)
    assert (rules.stale_after_days, rules.appointment_grace_minutes, rules.next_morning_on) == (3, 60, "calendar_day")
    assert (config.economics.default_agent_split, config.economics.feed_above_roi) == (None, 2.0)
    (source,) = config.sources
    assert (source.lead_grain, source.mode, source.id_space, source.timezone, source.tables) == (
        "episode", "snapshot", "crm", "America/New_York", (),
    )  # fmt: skip
    assert (source.covers_from, source.data_through, source.calls_open_leads) == (None, None, False)
    assert config.hours is None
    assert config.warnings == ("leadhouse.toml: hours: found no [hours], taken as always open",)


def test_paths_start_at_the_configuration_file(tmp_path: Path) -> None:
    config = read(tmp_path, BROKERAGE + SOURCE)
    assert config.sources[0].path == tmp_path / "exports/crm"
    assert config.warehouse_path == tmp_path / "warehouse/leadhouse.duckdb"
    assert config.work_dir == tmp_path / "warehouse/.work"
    assert config.working_path == tmp_path / "warehouse/.work/working.duckdb"
    assert config.raw_dir == tmp_path / "warehouse/raw"
    assert config.history_dir == tmp_path / "warehouse/history"
    assert config.last_build_path == tmp_path / "warehouse/last_build.json"
    other = read(tmp_path, BROKERAGE + SOURCE + '[warehouse]\npath = "/data/north.duckdb"\n')
    assert [str(path) for path in (other.work_dir, other.raw_dir, other.history_dir, other.last_build_path)] == [
        "/data/.work-north",
        "/data/raw-north",
        "/data/history-north",
        "/data/last_build-north.json",
    ]


def test_two_brokerages_in_one_folder_share_nothing(tmp_path: Path) -> None:
    configs = [
        read(tmp_path, BROKERAGE + SOURCE + f'[warehouse]\npath = "w/{name}.duckdb"\n')
        for name in ("leadhouse", "north", "south", "leadhouse.north")
    ]
    for attribute in ("warehouse_path", "work_dir", "raw_dir", "history_dir", "last_build_path"):
        assert len({getattr(config, attribute) for config in configs}) == len(configs)


def test_hours_are_minutes_of_the_day_in_order(tmp_path: Path) -> None:
    hours = read(tmp_path, BROKERAGE + HOURS + SOURCE).hours
    assert hours is not None
    assert hours.days == {
        "mon": ((480, 1200),),
        "tue": ((480, 720), (780, 1080)),
        "wed": (),
        "thu": (),
        "fri": (),
        "sat": ((0, 1440),),
        "sun": (),
    }
    assert hours.holidays == (date(2026, 11, 26), date(2026, 12, 25))


def test_instants_are_local_to_the_source(tmp_path: Path) -> None:
    text = SOURCE + 'timezone = "America/Chicago"\ncovers_from = "2024-01-01"\ndata_through = 2026-11-24T09:30:00Z\n'
    (source,) = read(tmp_path, BROKERAGE + text).sources
    assert source.covers_from == datetime(2024, 1, 1, 6, tzinfo=UTC)
    assert source.data_through == datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def test_positions_follow_the_file(tmp_path: Path) -> None:
    text = BROKERAGE + SOURCE + SOURCE.replace('"crm"', '"ads"')
    assert [(source.name, source.position) for source in read(tmp_path, text).sources] == [("crm", 0), ("ads", 1)]


NAMES = [
    "crm",
    "CRM-2",
    "my crm",
    "my_crm",
    "my.crm",
    "Zürich",
    "=cmd",
    "-",
    "_",
    "北京",
    "a" * 60,
    "ü" * 60,
    "my_crm_1a2b3c4d",
]


def test_any_printable_name_has_a_slug_and_a_folder_of_its_own(tmp_path: Path) -> None:
    text = BROKERAGE + "".join(SOURCE.replace('"crm"', f'"{name}"') for name in NAMES)
    sources = read(tmp_path, text).sources
    assert [source.name for source in sources] == NAMES == [source.id_space for source in sources]
    assert [source.slug for source in sources][:3:2] == ["crm", "my_crm_d03277e6"]
    assert all(re.fullmatch(r"[A-Za-z0-9_]+", source.slug) for source in sources)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+(\.[0-9a-f]{8})?", folder_name(source.name)) for source in sources)
    assert len({source.slug for source in sources}) == len({folder_name(name) for name in NAMES}) == len(NAMES)


def test_a_name_with_a_colon_needs_an_id_space(tmp_path: Path) -> None:
    (source,) = read(tmp_path, BROKERAGE + SOURCE.replace('"crm"', '"crm: west"') + 'id_space = "west"\n').sources
    assert (source.name, source.id_space) == ("crm: west", "west")


def test_the_configuration_is_frozen(tmp_path: Path) -> None:
    config = read(tmp_path, BROKERAGE + SOURCE)
    with pytest.raises(ValueError, match="frozen"):
        config.rules.reopen_after_days = 5  # type: ignore[misc]


# --- the environment -------------------------------------------------------------------------------------------------


def test_variables_in_any_value(tmp_path: Path) -> None:
    text = BROKERAGE.replace('"Harbor & Main Realty"', '"${FIRST} & ${SECOND:-Main}"') + (
        '[rules]\nreopen_after_days = "${DAYS}"\ncontact_min_seconds = "${SECONDS:-45}"\n'
        '[economics]\ndefault_agent_split = "${SPLIT}"\n'
        '[hours]\nmon = ["${OPENS:-09:00}", "17:00"]\n'
        '[[source]]\nname = "crm"\nkind = "files"\npath = "${FOLDER}/crm"\ncalls_open_leads = "${CALLS}"\n'
        'lead_grain = "${GRAIN:-episode}"\n'
    )
    config = read(tmp_path, text, FIRST="Harbor", DAYS="14", SPLIT="0.65", FOLDER="/exports", CALLS="yes", GRAIN="")
    assert config.brokerage.name == "Harbor & Main"
    assert (config.rules.reopen_after_days, config.rules.contact_min_seconds) == (14, 45)
    assert config.economics.default_agent_split == 0.65
    assert dbt_vars(config)["default_agent_split"] == 0.65  # which decides whether dbt's figures are computed again
    assert config.hours is not None
    assert config.hours.mon == ((540, 1020),)
    (source,) = config.sources
    assert (str(source.path), source.calls_open_leads, source.lead_grain) == ("/exports/crm", True, "episode")


def test_an_unset_variable_is_named(tmp_path: Path) -> None:
    text = BROKERAGE + SOURCE.replace("exports/crm", "${LEADHOUSE_EXPORTS}/crm")
    assert problem(tmp_path, text) == (
        "source[0].path: found ${LEADHOUSE_EXPORTS}, expected that environment variable to be set"
    )
    assert problem(tmp_path, BROKERAGE + SOURCE.replace("exports/crm", "${NO GOOD}")) == (
        "source[0].path: found ${NO GOOD}, expected ${NAME} or ${NAME:-default}"
    )


@pytest.mark.parametrize("value", ["hunter2", "s3cret value", "12x"])
def test_values_of_the_environment_are_never_printed(tmp_path: Path, value: str) -> None:
    places = [
        BROKERAGE.replace('"America/New_York"', '"${SECRET}"') + SOURCE,
        BROKERAGE.replace('"US"', '"a${SECRET}b"') + SOURCE,
        BROKERAGE + '[rules]\nreopen_after_days = "${SECRET}"\n' + SOURCE,
        BROKERAGE + '[hours]\nmon = ["${SECRET}", "20:00"]\n' + SOURCE,
        BROKERAGE + '[hours]\nholidays = ["${SECRET}"]\n' + SOURCE,
        BROKERAGE + SOURCE + 'mode = "${SECRET}"\n',
        BROKERAGE + SOURCE + 'name = "${SECRET}/"\n'.replace("name", "id_space", 1) + 'covers_from = "${SECRET}"\n',
        BROKERAGE + SOURCE + TABLE.replace('"touches"', '"${SECRET}"'),
        BROKERAGE + SOURCE + TABLE.replace('"call"', '"${SECRET}"'),
        BROKERAGE + SOURCE + TABLE.replace('"calls*.csv"', '"/${SECRET}"'),
        BROKERAGE + SOURCE + TABLE.replace("[source.table.columns]", 'encoding = "${SECRET}"\n[source.table.columns]'),
        BROKERAGE + SOURCE + TABLE.replace("[source.table.col", 'time_formats = ["${SECRET}"]\n[source.table.col'),
        BROKERAGE + SOURCE.replace('"crm"', '"crm${SECRET}"', 1) + SOURCE.replace('"crm"', '"crm${SECRET}"', 1),
    ]  # fmt: skip
    for text in places:
        with pytest.raises(ConfigError) as caught:
            read(tmp_path, text, SECRET=value)
        assert value not in str(caught.value), caught.value
        assert "SECRET" in str(caught.value)


# --- mistakes --------------------------------------------------------------------------------------------------------

# ruff: noqa: E501, ISC004 - one mistake a line or two, the told line in one piece
EDITS = [
    # (what stands there, what is written instead, the line told)
    ('"America/New_York"', '"America/Newyork"',
     'brokerage.timezone: found "America/Newyork", expected an IANA zone such as America/New_York'),
    ('"America/New_York"', '"Nowhere"',
     'brokerage.timezone: found "Nowhere", expected an IANA zone such as America/New_York'),
    ('"America/New_York"', "5", "brokerage.timezone: found 5, expected an IANA zone such as America/New_York"),
    ('timezone = "America/New_York"\n', "",
     "brokerage.timezone: found nothing, expected an IANA zone such as America/New_York"),
    ('country = "US"', 'contry = "US"', "brokerage.contry: found an unknown key, nearest known is country"),
    ('country = "US"', 'country = "us"', 'brokerage.country: found "us", expected a country code such as US'),
    ('country = "US"', 'country = "UK"', 'brokerage.country: found "UK", expected a country code such as US'),
    ('week_start = "monday"', 'week_start = "mon"',
     'brokerage.week_start: found "mon", expected "monday" or "sunday"'),
    ('currency = "USD"', 'currency = "$"', 'brokerage.currency: found "$", expected a currency code such as USD'),
    ('name = "Harbor & Main Realty"', "name = true", "brokerage.name: found true, expected the brokerage's name"),
    ('name = "Harbor & Main Realty"', 'name = ""', 'brokerage.name: found "", expected the brokerage\'s name'),
    ("[brokerage]", "[brokrage]", None),
    ('mon = ["08:00", "20:00"]', 'mon = ["20:00", "08:00"]',
     'hours.mon: found ["20:00", "08:00"], expected a closing time after the opening time (24:00 closes at midnight)'),
    ('mon = ["08:00", "20:00"]', 'mon = ["08:00", "08:00"]',
     'hours.mon: found ["08:00", "08:00"], expected a closing time after the opening time (24:00 closes at midnight)'),
    ('mon = ["08:00", "20:00"]', 'mon = ["08:00", "24:01"]',
     'hours.mon: found ["08:00", "24:01"], expected times such as ["08:00", "20:00"]'),
    ('mon = ["08:00", "20:00"]', 'mon = ["8", "20:00"]',
     'hours.mon: found ["8", "20:00"], expected times such as ["08:00", "20:00"]'),
    ('mon = ["08:00", "20:00"]', 'mon = "8-20"', 'hours.mon: found "8-20", expected ["08:00", "20:00"] or a list of such pairs'),
    ('mon = ["08:00", "20:00"]', 'mon = ["08:00"]', 'hours.mon: found ["08:00"], expected ["08:00", "20:00"] or a list of such pairs'),
    ('[["13:00", "18:00"], ["8:00", "12:00"]]', '[["13:00", "18:00"], ["8:00", "13:30"]]',
     'hours.tue: found [["13:00", "18:00"], ["8:00", "13:30"]], expected intervals that do not overlap'),
    ("mon = [", "monday = [", "hours.monday: found an unknown key, nearest known is mon"),
    ('"2026-11-26"', '"Thanksgiving"',
     'hours.holidays: found ["Thanksgiving", 2026-12-25], expected a list of dates such as 2026-11-26'),
    ("[hours]", "[rules]\nreopen_after_day = 3\n[hours]",
     "rules.reopen_after_day: found an unknown key, nearest known is reopen_after_days"),
    ("[hours]", "[rules]\nxyz = 3\n[hours]",
     "rules.xyz: found an unknown key, expected one of: reopen_after_days, contact_min_seconds, max_shared_identifier, "
     "stale_after_days, appointment_grace_minutes, next_morning_on"),
    ("[hours]", '[rules]\nreopen_after_days = "30"\n[hours]',
     'rules.reopen_after_days: found "30", expected days, a whole number from 1'),
    ("[hours]", "[rules]\nreopen_after_days = 0\n[hours]",
     "rules.reopen_after_days: found 0, expected days, a whole number from 1"),
    ("[hours]", "[rules]\nreopen_after_days = 1.5\n[hours]",
     "rules.reopen_after_days: found 1.5, expected days, a whole number from 1"),
    ("[hours]", "[rules]\ncontact_min_seconds = true\n[hours]",
     "rules.contact_min_seconds: found true, expected seconds, a whole number from 0"),
    ("[hours]", "[rules]\nnext_morning_on = 'monday'\n[hours]",
     'rules.next_morning_on: found "monday", expected "calendar_day" or "open_day"'),
    ("[hours]", "[economics]\ndefault_agent_split = 70\n[hours]",
     "economics.default_agent_split: found 70, expected a share from 0 to 1, such as 0.70"),
    ("[hours]", "[economics]\nfeed_above_roi = 1.0\nstop_below_roi = 2.5\n[hours]",
     "economics.stop_below_roi: found 2.5, expected at most feed_above_roi"),
    ("[hours]", "[economics]\nfeed_above_roi = inf\n[hours]",
     "economics.feed_above_roi: found inf, expected a number such as 2.0"),
    ("[hours]", "[seed]\npath = 'x'\n[hours]", "seed: found an unknown key, nearest known is seeds"),
    ("[hours]", "[warehouse]\npath = 7\n[hours]", "warehouse.path: found 7, expected the path of a .duckdb file"),
    ('kind = "files"', 'kind = "hubspot"', 'source[0].kind: found "hubspot", not built yet; expected one of: files'),
    ('kind = "files"', 'kind = "file"', 'source[0].kind: found "file", expected one of: files'),
    ('kind = "files"\n', "", "source[0].kind: found nothing, expected one of: files"),
    ('path = "exports/crm"', "path = ['x']", 'source[0].path: found ["x"], expected a folder'),
    *(
        ('name = "crm"', f'name = "{name}"',
         f'source[0].name: found "{shown}", expected a name of at most 60 printable characters, without / and \\, that starts with no dot')
        for name, shown in (
            ("a/b", "a/b"), ("..", ".."), (".crm", ".crm"), ("a\\\\b", "a\\b"), ("", ""), (" ", " "),
            ("a\\tb", "a\\tb"), ("a\\u0000b", "a\\x00b"), ("a\\nb", "a\\nb"), ("x" * 61, "x" * 57 + "..."),
        )
    ),
    ('name = "crm"', 'name = "crm"\nid_space = "a:b"',
     'source[0].id_space: found "a:b", expected the name of an id space: printable characters without :'),
    ('name = "crm"', 'name = "crm: west"',
     "source[0].id_space: found nothing, expected the name of an id space, as the source's name holds a colon"),
    ('kind = "files"', 'kind = "files"\nmode = "snap"', 'source[0].mode: found "snap", expected "snapshot" or "append"'),
    ('kind = "files"', 'kind = "files"\nlead_grain = "leads"',
     'source[0].lead_grain: found "leads", expected "episode" or "record"'),
    ('kind = "files"', 'kind = "files"\ncalls_open_leads = "yes"',
     'source[0].calls_open_leads: found "yes", expected true or false'),
    ('kind = "files"', 'kind = "files"\ncovers_from = "January"',
     'source[0].covers_from: found "January", expected an instant such as 2026-11-24 09:30:00 or '
     "2026-11-24T09:30:00-05:00"),
    ('kind = "files"', 'kind = "files"\ncovers_from = "0204-01-01"',
     'source[0].covers_from: found "0204-01-01", expected a year from 1900 to 2199'),
    ('kind = "files"', 'kind = "files"\ncovers_from = 0204-01-01',
     "source[0].covers_from: found 0204-01-01, expected a year from 1900 to 2199"),
    ('kind = "files"', 'kind = "files"\ndata_through = 12:30:00',
     "source[0].data_through: found 12:30:00, expected a date or instant such as 2026-11-24T00:00:00Z"),
    ('kind = "files"', 'kind = "files"\ntimezone = "EST5"', 'source[0].timezone: found "EST5", expected an IANA zone such as EST'),
    ('kind = "files"', 'kind = "files"\nposition = 3', None),
    ('entity = "touches"', 'entity = "touch"', 'source[0].table[0].entity: found "touch", expected touches'),
    ('file = "calls*.csv"\n', "",
     'source[0].table[0].file: found nothing, expected a file name or pattern such as "calls*.csv"'),
    ('file = "calls*.csv"', 'file = "../calls.csv"',
     'source[0].table[0].file: found "../calls.csv", expected a pattern inside the source\'s path'),
    ('file = "calls*.csv"', 'file = "c.csv"\nencoding = "utf-9"',
     'source[0].table[0].encoding: found "utf-9", expected an encoding such as "windows-1252"'),
    ('file = "calls*.csv"', 'file = "c.csv"\ndelimiter = ";;"',
     'source[0].table[0].delimiter: found ";;", expected one character such as ";"'),
    ('file = "calls*.csv"', 'file = "c.csv"\ndecimal = "point"',
     'source[0].table[0].decimal: found "point", expected "." or ","'),
    ('file = "calls*.csv"', 'file = "c.csv"\ntime_formats = ["dd.mm.yyyy"]',
     'source[0].table[0].time_formats: found "dd.mm.yyyy", expected a time format such as "%d.%m.%Y %H:%M"'),
    ('file = "calls*.csv"', 'file = "c.csv"\ntime_formats = ["%d.%m. %H:%M"]',
     'source[0].table[0].time_formats: found "%d.%m. %H:%M", expected a format that tells year, month and day'),
    ('file = "calls*.csv"', 'file = "c.csv"\ntime_formats = ["epoch", "epochms"]',
     'source[0].table[0].time_formats: found "epochms", expected epoch_ms'),
    ('file = "calls*.csv"', 'file = "c.csv"\ntime_formats = ["%D %H:%M"]',
     'source[0].table[0].time_formats: found "%D %H:%M", expected a time format of %Y %y %m %b %B %d %j %a %A %H %I %p %M '
     "%S %f %z %Z %%; %D has to be written out in these"),
    ('file = "calls*.csv"', 'file = "c.csv"\ntime_formats = ["%m/%d/%Y %I:%M"]',
     'source[0].table[0].time_formats: found "%m/%d/%Y %I:%M", expected %I and %p, the hour of 12 and AM or PM, together, '
     "or %H alone"),
    ('file = "calls*.csv"', 'file = "c.csv"\ntime_formats = ["%m/%d/%Y %H:%M %p"]',
     'source[0].table[0].time_formats: found "%m/%d/%Y %H:%M %p", expected %I and %p, the hour of 12 and AM or PM, '
     "together, or %H alone"),
    ('file = "calls*.csv"', 'file = "c.csv"\ntime_formats = ["%d.%m.%Y %m"]',
     'source[0].table[0].time_formats: found "%d.%m.%Y %m", expected a time format that tells each part once'),
    ('file = "calls*.csv"', 'file = "c.csv"\ntime_formats = ["%d.%m.%Y%"]',
     'source[0].table[0].time_formats: found "%d.%m.%Y%", expected a time format of %Y %y %m %b %B %d %j %a %A %H %I %p %M '
     "%S %f %z %Z %%; % has to be written out in these"),
    ('file = "calls*.csv"', 'file = "c.csv"\ntwo_digit_years_from = 70',
     "source[0].table[0].two_digit_years_from: found 70, expected a year from 1900 to 2100"),
    ('file = "calls*.csv"', 'file = "c.csv"\n[source.table.durations]\nduration_seconds = "mm:hh"',
     'source[0].table[0].durations.duration_seconds: found "mm:hh", expected seconds, milliseconds, minutes, hours, mm:ss '
     "or hh:mm"),
    ('file = "calls*.csv"', 'file = "c.csv"\n[source.table.durations]\noccurred_at = "mm:ss"',
     "source[0].table[0].durations.occurred_at: found no such duration of touches, expected one of: duration_seconds"),
    ('file = "calls*.csv"', 'file = "c.csv"\n[source.table.time_formats]\nstarted = ["%d.%m.%Y"]',
     "source[0].table[0].time_formats.started: found no such instant or date of touches, expected one of: occurred_at, "
     "ended_at"),
    ('touch_id = "Id"', 'touchid = "Id"\ntouch_id = "Id"',
     "source[0].table[0].columns.touchid: found no such column of touches, expected touch_id"),
    ('touch_id = "Id"\n', "",
     "source[0].table[0].columns.touch_id: found nothing, expected the raw column of touches.touch_id, which is required"),
    ('touch_id = "Id"', "touch_id = 7",
     "source[0].table[0].columns.touch_id: found 7, expected a raw column's name, or a list of names"),
    ('channel = "call"', 'channel = "phone"',
     'source[0].table[0].constants.channel: found "phone", expected one of: call, sms, email, chat, voicemail'),
    ('channel = "call"', 'channel = "call"\ndirection = "inbound"',
     "source[0].table[0].constants.direction: found a constant beside a column, expected one of the two"),
    ('channel = "call"', 'channel = "call"\n[source.table.values.direction]\n"In coming" = "inbnd"',
     'source[0].table[0].values.direction."In coming": found "inbnd", expected inbound'),
    ('channel = "call"', 'channel = "call"\n[source.table.values.connected]\nx = "y"',
     'source[0].table[0].values.connected.x: found "y", expected true or false'),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line"), EDITS, ids=[f"{number}" for number in range(len(EDITS))])
def test_each_mistake_gets_its_line(tmp_path: Path, old: str, new: str, line: str | None) -> None:
    text = BROKERAGE + HOURS + SOURCE + TABLE
    assert old in text
    read(tmp_path, text)  # good without the mistake
    wrong = text.replace(old, new, 1)
    if line is not None:
        assert problem(tmp_path, wrong) == line
    elif "brokrage" in wrong:
        assert problems(tmp_path, wrong) == [
            "leadhouse.toml: brokerage: found nothing, expected a [brokerage] section",
            "leadhouse.toml: brokrage: found an unknown key, nearest known is brokerage",
        ]
    else:
        assert "found an unknown key" in problem(tmp_path, wrong)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = BROKERAGE.replace("America", "Amerika") + "[rules]\nxy = 1\n" + SOURCE.replace('"crm"', '"a/b"')
    assert [line.split(": ")[1] for line in problems(tmp_path, text)] == [
        "brokerage.timezone", "rules.xy", "source[0].name",
    ]  # fmt: skip


def test_a_planned_connector_is_told_in_one_line_whatever_its_keys(tmp_path: Path) -> None:
    text = BROKERAGE + '[[source]]\nname = "x"\nkind = "twilio"\naccount = "1"\ntoken = "${TOKEN:-}"\n'
    assert problem(tmp_path, text) == 'source[0].kind: found "twilio", not built yet; expected one of: files'


def test_sources_have_names_of_their_own(tmp_path: Path) -> None:
    text = BROKERAGE + SOURCE + SOURCE.replace('"crm"', '"CRM"')
    assert problem(tmp_path, text) == (
        'source[1].name: found "CRM", the name of source[0] too, expected a name of its own'
    )
    assert problem(tmp_path, BROKERAGE) == "source: found nothing, expected at least one [[source]] section"
    assert (
        problem(tmp_path, "source = []\n" + BROKERAGE) == "source: found [], expected at least one [[source]] section"
    )
    assert problem(tmp_path, "source = 5\n" + BROKERAGE) == "source: found 5, expected at least one [[source]] section"


def test_files_that_are_no_configuration(tmp_path: Path) -> None:
    assert problem(tmp_path, "[brokerage\n").startswith(
        "not valid TOML: Expected ']' at the end of a table declaration"
    )
    assert problem(tmp_path, "a = 1\na = 2\n").startswith("not valid TOML: Cannot overwrite a value")
    absent = tmp_path / "absent.toml"
    with pytest.raises(ConfigError, match=rf"^{re.escape(str(absent))}: found no such file, expected a configuration"):
        load_config(absent)
    with pytest.raises(ConfigError, match="found a folder, expected a configuration file"):
        load_config(tmp_path)
    (tmp_path / "latin.toml").write_bytes("[brokerage]\nname = 'Zoë'\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"^latin.toml: found bytes that are not UTF-8, expected TOML in UTF-8$"):
        load_config(tmp_path / "latin.toml")


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_configuration_or_a_config_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(text.encode("utf-8", "replace"))
    with pytest.raises(ConfigError):
        load_config(path, {})


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(
    st.sampled_from(["brokerage.name", "hours.mon", "hours.holidays", "rules.reopen_after_days", "source.path"]), values
)
def test_values_of_any_type_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: object
) -> None:
    import json

    section, name = key.split(".")
    if value is None:
        return
    text = json.dumps(value, ensure_ascii=True).replace("null", "0").replace("\\ud", "\\u0")
    path = tmp_path_factory.getbasetemp() / "value.toml"
    head = BROKERAGE + HOURS + "[rules]\n" + SOURCE
    lines = [line for line in head.splitlines() if not line.startswith(f"{name} =") or section == "source"]
    lines = [line for line in lines if not (section == "source" and line.startswith("path ="))]
    if section == "brokerage":
        lines = [line for line in lines if not line.startswith('name = "crm"')]
    place = lines.index(f"[{section}]" if section != "source" else "[[source]]")
    lines.insert(place + 1, f"{name} = {text}")
    path.write_text("\n".join(lines), encoding="utf-8")
    with suppress(ConfigError):  # a line, not a traceback
        load_config(path, {})


# --- the lock --------------------------------------------------------------------------------------------------------


def test_one_build_at_a_time(tmp_path: Path) -> None:
    config = read(tmp_path, BROKERAGE + SOURCE)
    said: list[str] = []
    with BuildLock(config):
        with open_working(config) as connection:
            assert connection.execute("SELECT count(*) FROM raw.inquiries").fetchall() == [(0,)]
        holder = config.lock_path.read_text()
        assert re.fullmatch(r"pid \d+ since \S+\n", holder)
        from dagster_project.errors import CriticalProblem

        with pytest.raises(
            CriticalProblem, match=r"^another build holds lock \(pid \d+ since .*\); gave up after 0.3 s$"
        ):
            BuildLock(config, wait_seconds=0.3, say=said.append).__enter__()
    assert len(said) == 1
    assert said[0].startswith("waiting up to 0.3 s for another build (pid ")
    with BuildLock(config, wait_seconds=0):
        pass


def test_a_missing_seeds_folder_is_a_warning(tmp_path: Path) -> None:
    config = read(tmp_path, BROKERAGE + HOURS + '[seeds]\npath = "seeds"\n' + SOURCE)
    assert config.seeds_path is None
    assert config.warnings == ('leadhouse.toml: seeds.path: found no folder "seeds", packaged seeds are used',)
    (tmp_path / "seeds").mkdir()
    assert config.seeds_path == tmp_path / "seeds"
    assert config.warnings == ()
