"""Files into the working database: what is loaded, quarantined, filtered, refused; every row accounted for."""

from __future__ import annotations

import re
import shutil
import tempfile
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.entities import ENTITIES
from dagster_project.errors import ConfigError, CriticalProblem, SourceUnreachable
from tests.ingest_kit import SOURCE, Kit, figures


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


INQUIRIES = "inquiry_id,person_id,email,event_at,is_test"


def refused(kit: Kit, **options: object) -> list[str]:
    with pytest.raises(CriticalProblem) as caught:
        kit.load(**options)
    return list(caught.value.messages)


def test_a_canonical_file_needs_no_mapping(kit: Kit) -> None:
    kit.write("crm/inquiries.csv", INQUIRIES, "i1,p1,A@x.com,2026-11-20 09:30,no", "i2,,,2026-11-20T09:30:00Z,YES")
    report = kit.load()
    assert report.lines() == [
        (
            'crm/inquiries.csv (inquiries, loaded; csv ",", utf-8): 2 rows'
            " = 2 loaded + 0 quarantined + 0 exact duplicates + 0 superseded"
        )
    ]
    assert kit.rows("SELECT inquiry_id, person_id, email, event_at, is_test, received_at FROM raw.inquiries") == [
        ("i1", "p1", "A@x.com", datetime(2026, 11, 20, 14, 30, tzinfo=UTC), False, None),
        ("i2", None, None, datetime(2026, 11, 20, 9, 30, tzinfo=UTC), True, None),
    ]
    assert kit.rows(
        "SELECT _source, _id_space, _file, _line, _load_id, _time_flags, _deleted_by_load FROM raw.inquiries"
    ) == [("crm", "crm", "inquiries.csv", line, "L1", None, None) for line in (2, 3)]
    assert report.data_through == datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    assert report.entities == ("inquiries",)


def test_all_entities_are_there_even_if_empty(kit: Kit) -> None:
    for name, entity in ENTITIES.items():
        kit.write(f"crm/{name}.csv", ",".join(entity.column_names))
    report = kit.load()
    assert len(report.files) == len(ENTITIES) == 13  # the twelve of the contract, and crm_counts
    for name in ENTITIES:
        assert kit.rows(f"SELECT * FROM raw.{name}") == []


def test_quarantine_holds_the_row_as_it_was(kit: Kit) -> None:
    kit.write(
        "crm/touches.csv",
        "touch_id,person_id,occurred_at,channel,direction,connected,duration_seconds",
        "t1,p,2026-11-20 09:00,call,outbound,true,30",
        "t1,p,2026-11-20 09:00,call,outbound,true,30",
        't1,"p",2026-11-20 09:00,"call",outbound,true,30',
        "t1,p,2026-11-20 09:00,call,outbound,true,31",
        ",p,2026-11-20 09:00,call,outbound,,",
        "t3,p,20.11.2026,call,outbound,,",
        "t5,p,2026-11-20 09:00,call,outbnd,,",
        "t6,p,2026-11-20 09:00,call,outbound,maybe,",
        "t7,p,2026-11-20 09:00,call,outbound,,-1",
        "t8,p,2026-11-20 09:00,call,outbound",
        "t9,p,2026-11-20 09:00,call,outbound,,,",
        't10,p,2026-11-20 09:00,call,outbound,"open,',
        "t11,p,2026-11-20 09:00,Call, OUTBOUND ,,",
        "t12,p,0202-11-20 09:00,call,outbound,,",
    )
    report = kit.load()
    assert figures(report.files[0]) == (14, 2, 10, 2, 0, 0)
    assert kit.quarantine() == [
        ("touches.csv", 5, "conflicting_id", "touch_id"),
        ("touches.csv", 6, "missing_required", "touch_id"),
        ("touches.csv", 7, "unreadable_value", "occurred_at"),
        ("touches.csv", 8, "unknown_word", "direction"),
        ("touches.csv", 9, "unknown_word", "connected"),
        ("touches.csv", 10, "unreadable_value", "duration_seconds"),
        ("touches.csv", 11, "wrong_width", None),
        ("touches.csv", 12, "wrong_width", None),
        ("touches.csv", 13, "bad_quoting", None),
        ("touches.csv", 15, "unreadable_value", "occurred_at"),
    ]
    rows = kit.rows(
        "SELECT raw_text, found, expected FROM quality.quarantine WHERE line IN (5, 8, 11) AND source = 'crm' AND "
        "entity = 'touches' AND load_id = 'L1' ORDER BY line"
    )
    assert rows == [
        ("t1,p,2026-11-20 09:00,call,outbound,true,31", "the touch_id of line 2 again", "an id of its own"),
        ("t5,p,2026-11-20 09:00,call,outbnd,,", "outbnd", "one of outbound, inbound (nearest: outbound)"),
        (
            "t8,p,2026-11-20 09:00,call,outbound",
            "5 cells",
            "7 cells, as the header has; quotes around one that holds the delimiter",
        ),
    ]
    assert kit.rows("SELECT touch_id, channel, direction, duration_seconds FROM raw.touches ORDER BY _line") == [
        ("t1", "call", "outbound", Decimal(30)),
        ("t11", "call", "outbound", None),
    ]


def test_a_row_whose_first_twin_cannot_be_read_is_loaded(kit: Kit) -> None:
    kit.write("crm/inquiries.csv", INQUIRIES, "i1,p,,soon,no", "i1,p,,2026-11-20,no")
    kit.load()
    assert kit.quarantine() == [("inquiries.csv", 2, "unreadable_value", "event_at")]
    assert kit.rows("SELECT inquiry_id, _line FROM raw.inquiries") == [("i1", 3)]


@pytest.mark.parametrize("bad", [10, 11])
@pytest.mark.parametrize("good", [150, 400])
def test_more_than_ten_and_more_than_five_percent_are_critical(kit: Kit, bad: int, good: int) -> None:
    rows = [f"i{number},p,,2026-11-20,no" for number in range(good)]
    kit.write("crm/inquiries.csv", INQUIRIES, *rows, *[f"b{number},p,,never {number},no" for number in range(bad)])
    if bad == 11 and good == 150:
        assert "\n".join(refused(kit)) == (
            "crm/inquiries.csv: 11 of 161 rows cannot be read (6.83%, at most 5 % allowed): 11 unreadable_value in "
            'event_at; first on line 152, column event_at, found "aaaaa 9", expected an instant such as '
            "2026-11-24 09:30:00 or 2026-11-24T09:30:00-05:00"
        )
        assert kit.rows("SELECT count(*) FROM raw.inquiries") == [(0,)]
        assert kit.rows("SELECT count(*) FROM quality.load_log") == [(0,)]
        assert not list(kit.config.raw_dir.rglob("*.*"))
    else:
        assert figures(kit.load().files[0]) == (good + bad, good, bad, 0, 0, 0)


def test_exactly_five_percent_is_not_critical(kit: Kit) -> None:
    rows = [f"i{number},p,,2026-11-20,no" for number in range(19 * 11)]
    kit.write("crm/inquiries.csv", INQUIRIES, *rows, *[f"b{number},p,,never,no" for number in range(11)])
    assert kit.load().files[0].quarantined == 11


def test_a_little_more_than_five_percent_says_so(kit: Kit) -> None:
    rows = [f"i{number},p,,2026-11-20,no" for number in range(208)]
    kit.write("crm/inquiries.csv", INQUIRIES, *rows, *[f"b{number},p,,never,no" for number in range(11)])
    assert "11 of 219 rows cannot be read (5.02%, at most 5 % allowed)" in refused(kit)[0]


def test_messages_show_no_personal_data(kit: Kit) -> None:
    person = ["Jane Roe", "jane.roe@mail.com", "212-736-5000"]
    rows = [f"b{number},p,{person[0]},{person[1]},{person[2]},2026-11-20,{person[1]}" for number in range(20)]
    kit.write("crm/touches.csv", "touch_id,person_id,name,email,phone,occurred_at,channel,direction", *rows)
    kit.write("crm/inquiries.csv", ",".join(person), ",".join(person))
    kit.write(
        "crm/people.csv",
        "person_id,name,email,phone,created_at",
        *[f"{n},{','.join(person)},{person[2]}" for n in range(20)],
    )
    told = "\n".join(refused(kit))
    assert "crm/touches.csv" in told
    assert "crm/inquiries.csv" in told
    assert "crm/people.csv" in told
    for word in person:
        assert word not in told


@pytest.mark.parametrize(
    ("cells", "column", "shown"),
    [
        ("Jane Doe,call,outbound,,", "occurred_at", "aaaa aaa"),
        ("jane,call,outbound,,", "occurred_at", "aaaa"),
        ("Zoë O'Neil-Łoś,call,outbound,,", "occurred_at", "aaa a'aaaa-aaa"),
        ("2127365000,call,outbound,,", "occurred_at", "9999999999"),
        ("9:30,call,outbound,,", "occurred_at", "9:30"),
        ("2026-11-20,Jane Doe,outbound,,", "channel", "aaaa aaa"),
        ("2026-11-20,Jane,outbound,,", "channel", "aaaa"),
        ("2026-11-20,call,jane@x.com,,", "direction", "aaaa@a.aaa"),
        ("2026-11-20,call,outbnd,,", "direction", "outbnd"),
        ("2026-11-20,call,outbound,maybe,", "connected", "maybe"),
        ("2026-11-20,call,outbound,,Doe", "duration_seconds", "aaa"),
        ("2026-11-20,call,outbound,,-1", "duration_seconds", "-1"),
    ],
)
def test_a_shifted_cell_is_told_by_its_shape(kit: Kit, cells: str, column: str, shown: str) -> None:
    head = "touch_id,occurred_at,channel,direction,connected,duration_seconds"
    kit.write("crm/touches.csv", head, *(f"t{number},{cells}" for number in range(11)))
    (told,) = refused(kit)
    assert f'column {column}, found "{shown}", expected' in told


def test_a_header_that_may_hold_a_person_is_told_by_its_place(kit: Kit) -> None:
    cells = ["Jane Doe", "DOE, JANE", "jane@x.com", "212 736 5000", "Owner name", "Zip5"]
    kit.write("crm/people.csv", ",".join(["person_id", *(f'"{cell}"' for cell in cells)]))
    assert kit.load().warnings == [
        *(f"crm/people.csv: column {place} is not known and ignored" for place in (2, 3, 4, 5)),
        'crm/people.csv: column "Owner name" is not known and ignored',
        'crm/people.csv: column "Zip5" is not known and ignored',
    ]
    kit.write("crm/agents.csv", "Agnes,North", "Bo,North")  # no header at all
    assert refused(kit) == ['crm/agents.csv: column "agent" (required) is not in the header']


def test_a_missing_required_column_is_critical_and_all_files_are_told_together(kit: Kit) -> None:
    kit.write("crm/inquiries.csv", "inquiry_id,event_time", "i1,2026-11-20")
    kit.write("crm/touches.csv")
    kit.write("crm/deals.csv", "deal_id\0", "1")
    kit.write("crm/people.csv", "person_id,name", "p1,Ann")
    kit.write("crm/spend.csv", "date,source,amount,amount", "2026-11-20,Zillow,5,5")
    assert sorted(refused(kit)) == [
        "crm/deals.csv: the file holds NUL bytes: it is binary, or UTF-16 without a byte order mark",
        'crm/inquiries.csv: column "event_at" (required) is not in the header, nearest is "event_time"',
        'crm/spend.csv: column "amount" stands 2 times in the header, expected once',
        "crm/touches.csv: the file is empty, not even a header",
    ]
    assert kit.rows("SELECT * FROM raw.people") == []


def test_unknown_columns_and_files_are_warnings_that_name_the_nearest(kit: Kit) -> None:
    kit.write("crm/people.csv", "person_id,emial,xyz", "p1,a@x.com,1")
    kit.write("crm/inquires.csv", "inquiry_id", "i1")
    kit.write("crm/notes.txt", "hello")
    kit.write("crm/README.md", "hello")
    report = kit.load()
    assert report.warnings == [
        "crm/inquires.csv: the file's name is that of no entity, it is not read; nearest is inquiries.csv",
        "crm/notes.txt: the file's name is that of no entity, it is not read",
        'crm/people.csv: column "emial" is not known and ignored, nearest known is email',
        'crm/people.csv: column "xyz" is not known and ignored',
    ]
    assert kit.load().warnings == report.warnings  # unchanged files still warn
    assert len(refused(kit, strict=True)) == 4


def test_files_of_other_kinds_are_refused_not_forgotten(kit: Kit) -> None:
    kit.write("crm/people.csv", "person_id", "p1")
    kit.write("crm/touches.parquet", "PAR1\x15")
    kit.write("crm/deals.xls", "x")
    assert refused(kit) == [
        "crm/deals.xls: files of type .xls are not read, save it as .xlsx",
        "crm/touches.parquet: the Parquet file is broken, cut off or encrypted: export it again",
    ]


def test_an_absent_folder_is_unreachable_and_an_empty_one_critical(kit: Kit) -> None:
    with pytest.raises(SourceUnreachable, match=r"^crm: found no folder "):
        kit.load()
    (kit.folder / "crm").mkdir()
    assert refused(kit) == ['crm: found no file of an entity, such as "inquiries.csv" or "touches-2026-11.csv"']


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters_are_found(kit: Kit, encoding: str, delimiter: str) -> None:
    lines = [["Person_ID", "Name"], ["p1", "Zoë Müller"]]
    kit.write("crm/people.csv", *(delimiter.join(line) for line in lines), encoding=encoding, end="\r\n")
    kit.load()
    assert kit.rows("SELECT person_id, name FROM raw.people") == [("p1", "Zoë Müller")]
    assert kit.rows("SELECT encoding FROM quality.load_log") == [(encoding,)]


def test_excels_first_line_names_the_delimiter(kit: Kit) -> None:
    kit.write("crm/people.csv", "sep=;", "person_id;name", "p1;Ann")
    kit.load()
    assert kit.rows("SELECT person_id, name, _line FROM raw.people") == [("p1", "Ann", 3)]


def test_flags_of_the_hour_that_is_missing_and_the_one_that_comes_twice(kit: Kit) -> None:
    kit.write(
        "crm/inquiries.csv",
        "inquiry_id,event_at,received_at",
        "i1,2026-03-08 02:30,2026-03-08 02:31",
        "i2,2026-11-01 01:30,2026-11-01T01:30:00-04:00",
    )
    kit.load()
    assert kit.rows("SELECT event_at, received_at, _time_flags FROM raw.inquiries ORDER BY inquiry_id") == [
        (
            datetime(2026, 3, 8, 7, 30, tzinfo=UTC),
            datetime(2026, 3, 8, 7, 31, tzinfo=UTC),
            "event_at:gap;received_at:gap",
        ),
        (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), datetime(2026, 11, 1, 5, 30, tzinfo=UTC), "event_at:repeated"),
    ]


def test_spend_lines_without_id_are_all_kept_and_repeats_are_told(kit: Kit) -> None:
    kit.write(
        "crm/spend.csv",
        "spend_id,date,date_to,source,amount,currency",
        ",2026-11-20,,Zillow,10.50,",
        ",2026-11-20,,Zillow,10.50,",
        ",2026-11-20,2026-11-25,Zillow,10.50,usd",
        "s1,2026-11-20,,Zillow,10.50,",
        "s1,2026-11-20,,Zillow,10.50,",
        ",2026-11-20,2026-11-19,Zillow,10.50,",
    )
    report = kit.load()
    assert figures(report.files[0]) == (6, 4, 1, 1, 0, 0)
    assert report.warnings == [
        "crm/spend.csv: 1 lines without spend_id repeat an earlier one word for word, all loaded"
    ]
    assert kit.quarantine() == [("spend.csv", 7, "unreadable_value", "date_to")]
    assert kit.rows("SELECT date, amount, currency FROM raw.spend WHERE date_to IS NOT NULL") == [
        (date(2026, 11, 20), Decimal("10.5"), "USD")
    ]


LINE, OTHER = "2026-11-20,Zillow,10.50,", "2026-11-21,Zillow,10.50,"
SPEND = "date,source,amount,Ad"
WARNED = "{} lines without spend_id repeat an earlier one word for word, all loaded"


def test_spend_repeated_in_another_file_is_told(kit: Kit) -> None:
    kit.write("crm/spend-1.csv", SPEND, LINE, OTHER)
    assert kit.load().warnings[1:] == []
    kit.write("crm/spend-2.csv", SPEND, OTHER, LINE, LINE, "2026-11-20,Zillow,10.50,another ad")
    told = f"crm/spend-2.csv: {WARNED.format(3)}; line 2 is line 3 of crm/spend-1.csv"
    ignored = 'column "Ad" is not known and ignored'
    assert kit.load().warnings == [f"crm/spend-1.csv: {ignored}", f"crm/spend-2.csv: {ignored}", told]
    assert kit.load().warnings[-1] == told  # as long as it is so
    assert len(kit.rows("FROM ingest.lines")) == 6
    kit.write("crm/spend-2.csv", SPEND, "2026-11-22,Zillow,1,")
    kit.load(accept_shrink=True)
    assert kit.load().warnings == [f"crm/spend-1.csv: {ignored}", f"crm/spend-2.csv: {ignored}"]
    assert len(kit.rows("FROM ingest.lines")) == 3


def test_spend_repeated_in_another_source_is_told_once(kit: Kit) -> None:
    kit.toml = SOURCE + SOURCE.replace('"crm"', '"bills"')
    kit.write("crm/spend.csv", SPEND.removesuffix(",Ad"), LINE.rstrip(","), OTHER.rstrip(","))
    kit.write("bills/spend.csv", "amount,source,date", "10.50,Zillow,2026-11-20", "9,Zillow,2026-11-20")
    for _ in range(2):
        assert kit.load().warnings == [f"bills/spend.csv: {WARNED.format(1)}; line 2 is line 2 of crm/spend.csv"]
        assert kit.reports["crm"].warnings == []
    kit.toml = SOURCE
    assert kit.load().warnings == []


def test_spend_in_another_currency_needs_a_rate_for_its_month(kit: Kit) -> None:
    kit.toml = '[seeds]\npath = "seeds"\n' + SOURCE
    kit.write("seeds/fx_rates.csv", "month,currency,rate", "2026-11,EUR,1.08")
    kit.write(
        "crm/spend.csv",
        "date,source,amount,currency",
        "2026-11-20,Zillow,10,EUR",
        "2026-10-31,Zillow,10,EUR",
        "2026-11-20,Zillow,10,GBP",
        "2026-11-20,Zillow,10,USD",
    )
    kit.load()
    assert kit.quarantine() == [
        ("spend.csv", 3, "unknown_currency", "currency"),
        ("spend.csv", 4, "unknown_currency", "currency"),
    ]
    assert kit.rows("SELECT amount, currency FROM raw.spend WHERE currency = 'EUR'") == [(Decimal(10), "EUR")]
    kit.write("seeds/fx_rates.csv", "month,currency,rate", "2026-11,EUR,1.08", "2026-10,EUR,1.07", "2026-11,GBP,1.2")
    assert kit.load().files[0].status == "loaded"  # a new rate is reason enough to read again
    assert kit.quarantine() == []
    kit.write("seeds/fx_rates.csv", "month,currency,rate", "11/2026,EUR,1.08")
    with pytest.raises(ConfigError, match=r'^fx_rates.csv: row 2: found month "11/2026"'):
        kit.load()


def test_an_agent_may_change_teams(kit: Kit) -> None:
    kit.write(
        "crm/agents.csv",
        "agent,team,active_from",
        "Bo,North,2025-01-01",
        "Bo,South,2026-01-01",
        "Bo,East,2026-01-01",
    )
    kit.load()
    assert kit.rows("SELECT team FROM raw.agents ORDER BY 1") == [("North",), ("South",)]
    assert kit.quarantine() == [("agents.csv", 4, "conflicting_id", "agent, active_from")]


MAPPED = """
[[source]]
name = "crm"
kind = "files"
path = "crm"
timezone = "Europe/Berlin"

[[source.table]]
entity = "touches"
file = "calls*.csv"
delimiter = ";"
encoding = "windows-1252"
timezone = "America/Chicago"
time_formats = ["%d.%m.%Y %H:%M"]

[source.table.columns]
touch_id = "Id"
phone = ["Mobile", "Phone"]
occurred_at = "Started"
direction = "Type"
connected = "Status"
duration_seconds = "Length"

[source.table.constants]
channel = "call"

[source.table.values.direction]
"Eingehend" = "inbound"
"" = "outbound"

[source.table.values.connected]
"Erreicht" = true
"*" = false

[source.table.keep]
"Office" = ["Nürnberg", ""]

[source.table.drop]
"Status" = ["geplant"]

[[source.table]]
entity = "spend"
file = "bill.csv"
decimal = ","
skip_lines = 2

[source.table.time_formats]
date = ["%d.%m.%Y"]

[source.table.columns]
date = "Tag"
source = "Quelle"
amount = "Betrag"
"""


def test_a_mapping(kit: Kit) -> None:
    kit.toml = MAPPED
    kit.write(
        "crm/calls-1.csv",
        "Id;Started;Type;Status;Length;Mobile;Phone;Office;Ignored",
        "1;20.11.2026 09:30;EINGEHEND;Erreicht;1:02:03;;212-736-5000;Nürnberg;x",
        "2;2026-11-20T09:30:00Z;;besetzt;;212-736-5001;212-736-5002;;x",
        "3;20.11.2026 09:30;Ausgehend;Erreicht;5;;;nürnberg;x",
        "4;20.11.2026 09:30;;geplant;5;;;Nürnberg;x",
        "5;20.11.2026 09:30;;Erreicht;5;;;Köln;x",
        "6;20.11.2026 09:30;;Erreicht;kaputt;;;Köln;x",
        encoding="windows-1252",
    )
    kit.write("crm/bill.csv", "Account 1", "All time", "Tag,Quelle,Betrag", '20.11.2026,Zillow,"€ 3.500,00"')
    report = kit.load()
    assert {file.file: figures(file) for file in report.files} == {
        "calls-1.csv": (6, 2, 1, 0, 0, 3),
        "bill.csv": (1, 1, 0, 0, 0, 0),
    }
    assert kit.rows(
        "SELECT touch_id, occurred_at, direction, connected, duration_seconds, phone, channel, _line FROM raw.touches"
        " ORDER BY 1"
    ) == [
        ("1", datetime(2026, 11, 20, 15, 30, tzinfo=UTC), "inbound", True, Decimal(3723), "212-736-5000", "call", 2),
        ("2", datetime(2026, 11, 20, 9, 30, tzinfo=UTC), "outbound", False, None, "212-736-5001", "call", 3),
    ]
    assert kit.quarantine() == [("calls-1.csv", 4, "unknown_word", "direction")]
    assert kit.rows("SELECT date, amount, _line FROM raw.spend") == [(date(2026, 11, 20), Decimal(3500), 4)]


def test_the_example_of_the_documentation(kit: Kit) -> None:
    page = (Path(__file__).resolve().parent.parent / "docs" / "mapping.md").read_text(encoding="utf-8")
    export, kit.toml, told = re.findall(r"```(?:toml)?\n(.*?)```", page, re.DOTALL)[:3]
    kit.write("exports/dialer/calls-2026-11.csv", *export.splitlines())
    assert kit.load().lines() == [told.strip()]
    assert kit.rows("SELECT touch_id, connected, duration_seconds::INTEGER, phone FROM raw.touches ORDER BY 1") == [
        ("88121", True, 130, "(212) 736-5000"),
        ("88122", False, 0, "(212) 736-5001"),
    ]


def test_what_a_mapping_asks_for_must_be_there(kit: Kit) -> None:
    kit.toml = MAPPED
    kit.write("crm/calls.csv", "Id;Start;Status;Length;Phone;Office")
    kit.write("crm/bills.csv", "Tag,Quelle,Betrag")
    assert refused(kit) == [
        'crm/bill.csv: found no file in the source\'s folder for table[1] (spend), nearest is "bills.csv"',
        'crm/calls.csv: column "Started" (occurred_at) is not in the header, nearest is "Start"',
        'crm/calls.csv: column "Type" (direction) is not in the header',
    ]


def test_an_optional_mapped_column_that_is_absent_is_a_warning(kit: Kit) -> None:
    kit.toml = MAPPED[: MAPPED.index('[[source.table]]\nentity = "spend"')]
    kit.write("crm/calls.csv", "Id;Started;Type;Status;Lenght;Phone;Office", "1;20.11.2026 09:30;;Erreicht;5;1;")
    assert kit.load().warnings == [
        'crm/calls.csv: column "Length" (duration_seconds) is not in the header, nearest is "Lenght"'
    ]


def test_one_file_may_feed_two_entities_but_not_one_twice(kit: Kit) -> None:
    table = '[[source.table]]\nentity = "{}"\nfile = "{}"\n'
    kit.toml = SOURCE + table.format("people", "a.csv") + table.format("inquiries", "*.csv")
    kit.write("crm/a.csv", "person_id,inquiry_id,event_at", "p1,i1,2026-11-20")
    report = kit.load()
    assert {(file.entity, file.rows) for file in report.files} == {("people", 1), ("inquiries", 1)}
    kit.toml += table.format("people", "*.csv")
    assert refused(kit) == ["crm/a.csv: two tables of people read this file, expected one"]


@pytest.mark.parametrize("name", ["my crm", "Zürich", "=cmd", "*[a]?", "it's", "C:"])
def test_a_source_may_have_any_name(kit: Kit, name: str) -> None:
    for mode in ("snapshot", "append"):
        kit.toml = SOURCE.replace('name = "crm"', f'name = "{name}"') + f'mode = "{mode}"\nid_space = "x"\n'
        kit.write("crm/people.csv", "person_id", "p1", mode)
        assert kit.load().files[0].source == name
    kit.remove("crm/people.csv")
    shutil.rmtree(kit.config.work_dir)
    kit.load()
    assert kit.rows("SELECT person_id FROM raw.people WHERE _source = ? ORDER BY 1", name) == [
        ("append",),
        ("p1",),
        ("snapshot",),
    ]
    assert all(path.parent.parent.parent == kit.config.raw_dir for path in kit.config.raw_dir.rglob("*.parquet"))


SUBFOLDERS = (
    'crm: 2 files in subfolders are not read, the first is "2025/touches.csv"; expected them in the folder itself'
)


def test_files_in_subfolders_are_told(kit: Kit) -> None:
    kit.toml = SOURCE + '[seeds]\npath = "crm/seeds"\n[warehouse]\npath = "crm/leadhouse.duckdb"\n'
    kit.write("crm/people.csv", "person_id", "p1")
    kit.write("crm/.hidden/people.csv", "person_id", "p1")
    kit.write("crm/seeds/sla_policies.csv", "x")
    assert kit.load().warnings == []
    kit.write("crm/2025/touches.csv", "touch_id")
    kit.write("crm/2025/README.md", "touch_id")
    kit.write("crm/2026/q1/touches.csv", "touch_id")
    assert kit.load().warnings == [f"{SUBFOLDERS}, or tables with a pattern such as **/*.csv"]


def test_a_name_that_is_no_text(kit: Kit) -> None:
    kit.write("crm/people.csv", "person_id", "p1")
    (kit.folder / "crm" / b"people-\xff.csv".decode("utf-8", "surrogateescape")).write_text("person_id\np2\n")
    kit.load()
    assert kit.rows("SELECT person_id, _file FROM raw.people ORDER BY 1") == [
        ("p1", "people.csv"),
        ("p2", "people-?.csv"),
    ]


HEADER = "touch_id,occurred_at,channel,direction,connected,duration_seconds\n"
cell = st.sampled_from(["t1", "2026-11-20", "call", "outbound", "", "1", "\x00", '"', "é", "ſ"]) | st.text(max_size=6)


@settings(max_examples=40, deadline=None)
@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: (HEADER + text).encode("utf-8", "replace"))
    | st.lists(st.lists(cell, min_size=6, max_size=6), max_size=15).map(
        lambda rows: (HEADER + "\n".join(",".join(row) for row in rows)).encode("utf-16", "replace")
    )
)
def test_no_content_ends_in_a_traceback(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        kit = Kit(Path(folder))
        kit.write("crm/touches.csv").write_bytes(content)
        with suppress(CriticalProblem):
            (file,) = kit.load().files
            assert kit.rows("SELECT count(*) FROM raw.touches") == [(file.loaded,)]
            assert kit.rows("SELECT count(*) FROM quality.quarantine") == [(file.quarantined,)]


def test_progress_is_told_by_file(kit: Kit) -> None:
    kit.write("crm/people.csv", "person_id", *(f"p{number}" for number in range(20_001)))
    told: list[tuple[str, int]] = []
    kit.load(progress=lambda file, rows: told.append((file, rows)))
    assert told == [("crm/people.csv", 20_000), ("crm/people.csv", 20_001)]
