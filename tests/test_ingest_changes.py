"""Files change: snapshots, increments, files that go, ids in two places, loads that are refused, lost databases."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagster_project.errors import CriticalProblem
from dagster_project.warehouse.published import publish
from dagster_project.warehouse.raw import read_info, read_texts
from tests.ingest_kit import SOURCE, Kit, figures

APPEND = SOURCE + 'mode = "append"\n'
HEADER = "person_id,name,email"


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


def people(kit: Kit, where: str = "true") -> list[tuple[Any, ...]]:
    """(id, name, file, load, gone in, why) of people."""
    return kit.rows(
        "SELECT person_id, name, _file, _load_id, _deleted_by_load, _deleted_reason FROM raw.people "
        f"WHERE {where} ORDER BY 1, 3"
    )


def current(kit: Kit) -> dict[str, str]:
    return dict(kit.rows("SELECT person_id, name FROM raw.people WHERE _deleted_by_load IS NULL"))


def test_an_unchanged_file_is_not_read_again(kit: Kit) -> None:
    kit.write("crm/people.csv", HEADER, "1,Ann,a@x.com", "1,Bob,b@x.com")
    kit.load()
    before = kit.rows("SELECT * EXCLUDE status FROM quality.load_log"), kit.rows("SELECT * FROM quality.quarantine")
    report = kit.load()
    assert [file.status for file in report.files] == ["unchanged"]
    assert before == (kit.rows("SELECT * EXCLUDE status FROM quality.load_log"), kit.rows("FROM quality.quarantine"))
    assert len(list(kit.config.raw_dir.rglob("*.parquet"))) == 1


def test_snapshot_changed_new_gone_and_returning_rows(kit: Kit) -> None:
    kit.write("crm/people.csv", HEADER, *(f"{number},Ann,a@x.com" for number in range(10)))
    kit.load()
    kit.write("crm/people.csv", HEADER, "99,New,", "0,Changed,a@x.com", *(f"{n},Ann,a@x.com" for n in range(1, 9)))
    kit.load()
    assert people(kit, "person_id IN ('0', '1', '9', '99')") == [
        ("0", "Changed", "people.csv", "L2", None, None),
        ("1", "Ann", "people.csv", "L1", None, None),
        ("9", "Ann", "people.csv", "L1", "L2", "gone"),
        ("99", "New", "people.csv", "L2", None, None),
    ]
    assert kit.rows("SELECT _line FROM raw.people WHERE person_id = '1'") == [(4,)]  # where it stands now
    kit.write("crm/people.csv", HEADER, *(f"{number},Ann,a@x.com" for number in range(10)), "99,New,")
    kit.load()
    assert people(kit, "person_id IN ('0', '1', '9')") == [
        ("0", "Ann", "people.csv", "L3", None, None),
        ("1", "Ann", "people.csv", "L1", None, None),
        ("9", "Ann", "people.csv", "L3", None, None),
    ]
    assert len(list(kit.config.raw_dir.rglob("*.parquet"))) == 3  # every version


def test_a_file_that_is_renamed_brings_no_new_rows(kit: Kit) -> None:
    kit.write("crm/people-1.csv", HEADER, "1,Ann,", "2,Bob,")
    kit.load()
    kit.remove("crm/people-1.csv")
    kit.write("crm/people-2.csv", HEADER, "2,Bob,", "1,Ann,")
    report = kit.load()
    assert people(kit) == [
        ("1", "Ann", "people-2.csv", "L1", None, None),
        ("2", "Bob", "people-2.csv", "L1", None, None),
    ]
    assert [(file.file, file.status, file.rows) for file in report.files] == [
        ("people-1.csv", "gone", 0),
        ("people-2.csv", "loaded", 2),
    ]
    assert [file.file for file in kit.load().files] == ["people-2.csv"]  # told once


@pytest.mark.parametrize("toml", [SOURCE, APPEND])
def test_of_two_files_the_later_by_name_wins(kit: Kit, toml: str) -> None:
    kit.toml = toml
    kit.write("crm/people-a.csv", HEADER, "1,Old,", "2,Only,")
    kit.write("crm/people-b.csv", HEADER, "1,New,", "3,Third,")
    report = kit.load()
    assert [figures(file) for file in report.files] == [(2, 1, 0, 0, 1, 0), (2, 2, 0, 0, 0, 0)]
    assert current(kit) == {"1": "New", "2": "Only", "3": "Third"}
    assert people(kit, "_deleted_by_load IS NOT NULL") == [("1", "Old", "people-a.csv", "L1", "L1", "superseded")]
    kit.write("crm/people-b.csv", HEADER, "3,Third,", "1,Newest,")
    kit.load()
    assert current(kit) == {"1": "Newest", "2": "Only", "3": "Third"}
    kit.write("crm/people-a.csv", HEADER, "1,Older,", "2,Only,")
    kit.load()
    assert current(kit) == {"1": "Newest", "2": "Only", "3": "Third"}


def test_when_the_later_file_goes_the_earlier_row_is_back(kit: Kit) -> None:
    kit.write("crm/people-a.csv", HEADER, "1,Old,", *(f"{number},x," for number in range(10, 20)))
    kit.write("crm/people-b.csv", HEADER, "1,New,")
    kit.load()
    assert current(kit)["1"] == "New"
    kit.remove("crm/people-b.csv")
    kit.load()
    assert people(kit, "person_id = '1'") == [("1", "Old", "people-a.csv", "L1", None, None)]


def test_when_both_files_go_one_row_tells_of_it(kit: Kit) -> None:
    kit.write("crm/people-a.csv", HEADER, "1,Old,")
    kit.write("crm/people-b.csv", HEADER, "1,New,")
    kit.write("crm/people-c.csv", HEADER, *(f"{number},x," for number in range(10, 20)))
    kit.load()
    kit.remove("crm/people-a.csv")
    kit.remove("crm/people-b.csv")
    kit.load()
    assert people(kit, "person_id = '1'") == [("1", "New", "people-b.csv", "L1", "L2", "gone")]


def test_append_a_file_that_is_gone_stays_loaded(kit: Kit) -> None:
    kit.toml = APPEND
    kit.write("crm/people-1.csv", HEADER, "1,Ann,", "2,Bob,", "2,Bobby,")
    kit.load()
    kit.remove("crm/people-1.csv")
    kit.write("crm/people-2.csv", HEADER, "2,Robert,", "3,Cid,")
    report = kit.load()
    assert current(kit) == {"1": "Ann", "2": "Robert", "3": "Cid"}
    assert [(file.file, file.status, *figures(file)) for file in report.files] == [
        ("people-1.csv", "gone", 3, 1, 1, 0, 1, 0),
        ("people-2.csv", "loaded", 2, 2, 0, 0, 0, 0),
    ]
    assert kit.quarantine() == [("people-1.csv", 4, "conflicting_id", "person_id")]
    kit.remove("crm/people-2.csv")
    assert [file.status for file in kit.load().files] == ["gone", "gone"]  # nothing is left, everything stays
    assert current(kit) == {"1": "Ann", "2": "Robert", "3": "Cid"}


def test_append_increments_of_one_name_add_up(kit: Kit) -> None:
    kit.toml = APPEND
    kit.write("crm/people.csv", HEADER, "1,Ann,", "2,Bob,")
    kit.load()
    kit.write("crm/people.csv", HEADER, "2,Robert,", "3,Cid,")
    report = kit.load()
    assert current(kit) == {"1": "Ann", "2": "Robert", "3": "Cid"}
    assert [(file.status, *figures(file)) for file in report.files] == [
        ("gone", 2, 1, 0, 0, 1, 0),
        ("loaded", 2, 2, 0, 0, 0, 0),
    ]
    kit.write("crm/people.csv", HEADER, "1,Anna,", "2,Robert,", "3,Cid,")
    assert [(file.status, *figures(file)) for file in kit.load().files] == [("loaded", 3, 3, 0, 0, 0, 0)]
    assert people(kit) == [
        ("1", "Anna", "people.csv", "L3", None, None),
        ("2", "Robert", "people.csv", "L2", None, None),
        ("3", "Cid", "people.csv", "L2", None, None),
    ]


def test_append_an_earlier_content_of_a_later_file_still_wins(kit: Kit) -> None:
    kit.toml = APPEND
    kit.write("crm/people-2.csv", HEADER, "1,FromTwo,")
    kit.load()
    kit.write("crm/people-2.csv", HEADER, "2,Bob,")
    kit.write("crm/people-1.csv", HEADER, "1,FromOne,")
    kit.load()
    assert current(kit) == {"1": "FromTwo", "2": "Bob"}


def test_append_lines_without_id_belong_to_their_file(kit: Kit) -> None:
    kit.toml = APPEND
    head = "date,source,amount"
    kit.write("crm/spend.csv", head, "2026-11-01,Zillow,10", "2026-11-02,Zillow,20")
    kit.load()
    kit.write("crm/spend.csv", head, "2026-11-01,Zillow,10", "2026-11-02,Zillow,25", "2026-11-03,Zillow,30")
    kit.load()
    sums = "SELECT sum(amount)::INTEGER, count(*) FROM raw.spend WHERE _deleted_by_load IS NULL"
    assert kit.rows(sums) == [(65, 3)]
    assert kit.rows("SELECT _load_id FROM raw.spend WHERE _deleted_by_load IS NULL ORDER BY date") == [
        ("L1",),
        ("L2",),
        ("L2",),
    ]
    kit.remove("crm/spend.csv")
    kit.load()
    assert kit.rows(sums) == [(65, 3)]


def test_repeated_lines_without_id_are_matched_one_by_one(kit: Kit) -> None:
    head, line = "date,source,amount", "2026-11-01,Zillow,10"
    kit.write("crm/spend.csv", head, line, line, line)
    kit.load()
    kit.write("crm/spend.csv", head, line, line, line, line)
    kit.load()
    assert Counter(kit.rows("SELECT _load_id, _deleted_by_load FROM raw.spend")) == {("L1", None): 3, ("L2", None): 1}
    kit.write("crm/spend.csv", head, line, line)
    kit.load(accept_shrink=True)
    assert Counter(kit.rows("SELECT _load_id, _deleted_by_load FROM raw.spend")) == {
        ("L1", None): 2,
        ("L1", "L3"): 1,
        ("L2", "L3"): 1,
    }


@pytest.mark.parametrize(("left", "allowed"), [(8, True), (7, False), (0, False)])
def test_a_snapshot_may_shrink_by_a_fifth(kit: Kit, left: int, allowed: bool) -> None:
    kit.write("crm/people.csv", HEADER, *(f"{number},Ann," for number in range(10)))
    kit.write("crm/agents.csv", "agent", "Bo")
    kit.load()
    kit.write("crm/people.csv", HEADER, *(f"{number},Ann," for number in range(left)))
    if allowed:
        kit.load()
    else:
        with pytest.raises(CriticalProblem) as caught:
            kit.load()
        assert str(caught.value) == (
            f"crm/people: people shrank from 10 to {left} rows ({10 - left}0%, at most 20 % allowed); "
            "--accept-shrink allows it once"
        )
        assert len(current(kit)) == 10  # the earlier state stands
        kit.load(accept_shrink=True)
    assert len(current(kit)) == left
    kit.load()


def test_an_entity_whose_files_are_all_gone_has_shrunk(kit: Kit) -> None:
    kit.write("crm/people.csv", HEADER, "1,Ann,")
    kit.write("crm/agents.csv", "agent", "Bo")
    kit.load()
    kit.remove("crm/people.csv")
    with pytest.raises(CriticalProblem, match="people shrank from 1 to 0 rows"):
        kit.load()
    kit.toml = APPEND
    kit.load()
    assert current(kit) == {"1": "Ann"}


MAPPED = SOURCE + "".join(
    f'[[source.table]]\nentity = "{name}"\nfile = "{name}*.csv"\n' for name in ("people", "agents")
)


@pytest.mark.parametrize("toml", [SOURCE, MAPPED])
def test_that_all_files_are_gone_is_accepted_once(kit: Kit, toml: str) -> None:
    kit.toml = toml
    kit.write("crm/people.csv", HEADER, "1,Ann,")
    kit.write("crm/agents.csv", "agent", "Bo")
    kit.load()
    kit.remove("crm/people.csv")
    if toml == SOURCE:
        kit.remove("crm/agents.csv")
    with pytest.raises(CriticalProblem, match=r"shrank|found no file"):
        kit.load()
    kit.load(accept_shrink=True)
    assert current(kit) == {}
    kit.load()
    kit.load(accept_shrink=True)
    kit.write("crm/people.csv", HEADER, "1,Ann,")
    kit.load()
    kit.remove("crm/people.csv")
    with pytest.raises(CriticalProblem, match="people shrank from 1 to 0 rows"):
        kit.load()


def test_files_that_never_were_are_not_accepted(kit: Kit) -> None:
    kit.toml = MAPPED
    kit.write("crm/agents.csv", "agent", "Bo")
    with pytest.raises(CriticalProblem, match="found no file"):
        kit.load(accept_shrink=True)


def test_without_a_working_database_the_published_file_tells_what_was_there(kit: Kit) -> None:
    kit.write("crm/people.csv", HEADER, *(f"{number},Ann," for number in range(10)))
    kit.write("crm/agents.csv", "agent", "Bo")
    kit.load()
    publish(kit.config.working_path, kit.config.warehouse_path, {"build_id": "L1"})
    shutil.rmtree(kit.config.work_dir)
    kit.write("crm/people.csv", HEADER, *(f"{number},Ann," for number in range(7)))
    kit.remove("crm/agents.csv")
    for _ in range(2):
        with pytest.raises(CriticalProblem) as caught:
            kit.load()
        assert [line.split(";")[0] for line in caught.value.messages] == [
            "crm/people: people shrank from 10 to 7 rows (30%, at most 20 % allowed)",
            "crm/agents: agents shrank from 1 to 0 rows (100%, at most 20 % allowed)",
        ]
    kit.load(accept_shrink=True)
    assert len(current(kit)) == 7
    kit.load()
    shutil.rmtree(kit.config.work_dir)
    kit.config.warehouse_path.write_bytes(b"damaged")
    kit.load()
    shutil.rmtree(kit.config.work_dir)
    kit.config.warehouse_path.unlink()
    kit.load()


def test_a_refused_load_leaves_everything_as_it_was(kit: Kit) -> None:
    kit.write("crm/people.csv", HEADER, "1,Ann,", "2,Bob,")
    kit.write("crm/agents.csv", "agent", "Bo")
    kit.load()
    tables = ("raw.people", "raw.agents", "raw.sources", "quality.load_log", "quality.quarantine", "ingest.files")
    before = {table: kit.rows(f"FROM {table}") for table in tables}
    kit.write("crm/people.csv", HEADER, "1,Anna,", "2,Bob,", "3,Cid,", "3,Cyd,")
    kit.write("crm/agents.csv", "name", "Bo")
    with pytest.raises(CriticalProblem, match="crm/agents"):
        kit.load()
    assert before == {table: kit.rows(f"FROM {table}") for table in tables}
    assert len([path for path in kit.config.raw_dir.rglob("*") if path.is_file()]) == 2
    kit.write("crm/agents.csv", "agent", "Bo")
    kit.load()
    assert current(kit) == {"1": "Anna", "2": "Bob", "3": "Cid"}


def test_a_changed_mapping_reads_the_file_again(kit: Kit) -> None:
    kit.write("crm/people.csv", HEADER + ",created_at", "1,Ann,,2026-07-01 12:00")
    kit.load()
    kit.toml = SOURCE + 'timezone = "America/Chicago"\n'
    assert kit.load().files[0].status == "loaded"
    assert kit.rows("SELECT created_at, _load_id FROM raw.people") == [(datetime(2026, 7, 1, 17, tzinfo=UTC), "L2")]
    assert len(list(kit.config.raw_dir.rglob("*.parquet"))) == 1
    kit.toml += 'calls_open_leads = true\nlead_grain = "record"\n'
    assert kit.load().files[0].status == "unchanged"
    assert kit.rows("SELECT lead_grain, calls_open_leads, timezone FROM raw.sources") == [
        ("record", True, "America/Chicago")
    ]


TWO = """
[[source]]
name = "a"
kind = "files"
path = "a"
id_space = "shared"
[[source]]
name = "b"
kind = "files"
path = "b"
id_space = "{}"
"""


def test_sources_that_share_ids_the_later_wins(kit: Kit) -> None:
    kit.toml = TWO.format("shared")
    rows = [f"{number},x," for number in range(10, 20)]
    kit.write("a/people.csv", HEADER, "1,FromA,", *rows)
    kit.write("b/people.csv", HEADER, "1,FromB,")
    kit.load()
    assert current(kit)["1"] == "FromB"
    assert kit.rows("SELECT source, loaded, superseded FROM quality.load_log ORDER BY 1") == [("a", 10, 1), ("b", 1, 0)]
    kit.write("a/people.csv", HEADER, "1,Again,", *rows)
    kit.load()
    assert current(kit)["1"] == "FromB"
    first, second = TWO.format("shared").split("[[source]]")[1:]
    kit.toml = f"[[source]]{second}[[source]]{first}"  # another order, no file changed
    kit.load()
    assert current(kit)["1"] == "Again"
    kit.toml = TWO.format("its_own")
    kit.load()
    assert sorted(people(kit, "person_id = '1'")) == [
        ("1", "Again", "people.csv", "L2", None, None),
        ("1", "FromB", "people.csv", "L1", None, None),
    ]
    kit.toml = TWO.format("shared")
    kit.load()
    assert len(people(kit, "person_id = '1' AND _deleted_by_load IS NULL")) == 1
    kit.toml = "[[source]]" + first
    kit.load()
    assert people(kit, "person_id = '1'") == [("1", "Again", "people.csv", "L2", None, None)]
    assert kit.rows("SELECT source FROM raw.sources") == [("a",)]
    assert kit.rows("SELECT DISTINCT source FROM quality.load_log") == [("a",)]


def test_a_source_that_becomes_a_snapshot_keeps_no_increments(kit: Kit) -> None:
    kit.toml = APPEND
    kit.write("crm/people-1.csv", HEADER, "1,Ann,")
    kit.write("crm/people-2.csv", HEADER, "2,Bob,")
    kit.load()
    kit.remove("crm/people-1.csv")
    kit.write("crm/people-2.csv", HEADER, "3,Cid,")
    kit.load()
    assert set(current(kit)) == {"1", "2", "3"}
    kit.toml = SOURCE
    report = kit.load(accept_shrink=True)
    assert set(current(kit)) == {"3"}
    assert [(file.file, file.status, file.rows) for file in report.files] == [
        ("people-1.csv", "gone", 0),
        ("people-2.csv", "unchanged", 1),
    ]


# --- the raw store ---------------------------------------------------------------------------------------------------


def test_raw_holds_each_version_as_it_was_received(kit: Kit) -> None:
    lines = [HEADER, '1,"Ann\r\nLee",a@x.com', "2,Bob", "", "1,Other,", "3, Cid ,"]
    path = kit.write("crm/people.csv", *lines, end="\r\n")
    kit.load()
    (stored,) = kit.config.raw_dir.glob("crm/people/*.parquet")
    assert list(read_texts(stored)) == [(2, lines[1]), (4, lines[2]), (6, lines[4]), (7, lines[5])]
    info = read_info(stored)
    assert (info.source, info.entity, info.file, info.load_id, info.encoding) == (
        "crm", "people", "people.csv", "L1", "utf-8",
    )  # fmt: skip
    assert (info.header, info.bytes) == (HEADER, path.stat().st_size)
    assert [(row["line"], row["person_id"], row["email"]) for row in pq.read_table(stored).to_pylist()] == [
        (2, "1", "a@x.com"),
        (4, None, None),
        (6, "1", None),
        (7, "3", None),
    ]


def test_a_lost_working_database_is_rebuilt_from_files_and_raw(kit: Kit) -> None:
    kit.toml = APPEND
    kit.write("crm/people-1.csv", HEADER, '1,"Ann\nLee",', "2,Bob,", "2,Bobby,", '3,"open', "4,Dan,")
    kit.write("crm/people-2.csv", HEADER, "2,Robert,", "5,Eve,")
    kit.load()
    kit.remove("crm/people-1.csv")
    kit.write("crm/people-2.csv", HEADER, "6,Fay,", "7,Gus,", "8,Hal,", "5,Eva,")
    kit.load()
    state = "SELECT person_id, name, _file, _line, _load_id FROM raw.people WHERE _deleted_by_load IS NULL ORDER BY 1"
    log = (
        "SELECT file, sha256, rows, loaded, quarantined, superseded, status, load_id FROM quality.load_log ORDER BY ALL"
    )
    before = kit.rows(state), kit.rows(log), kit.quarantine()
    shutil.rmtree(kit.config.work_dir)
    kit.loads = 1  # the build number plays no part in the rows
    kit.load()
    assert kit.rows(state) == before[0]
    assert kit.rows(log) == before[1]
    assert kit.quarantine() == before[2]


def test_of_rebuilt_lines_without_id_the_last_content_counts(kit: Kit) -> None:
    kit.toml = APPEND
    for amounts in ((10, 20), (10, 25, 30)):
        kit.write("crm/spend.csv", "date,source,amount", *(f"2026-11-01,Zillow,{amount}" for amount in amounts))
        kit.load()
    kit.remove("crm/spend.csv")
    shutil.rmtree(kit.config.work_dir)
    kit.load()
    assert kit.rows("SELECT amount::INTEGER FROM raw.spend WHERE _deleted_by_load IS NULL ORDER BY 1") == [
        (10,),
        (25,),
        (30,),
    ]


def test_a_changed_mapping_reads_earlier_contents_of_one_file_again(kit: Kit) -> None:
    kit.toml = APPEND
    for number in (1, 2):
        kit.write("crm/people.csv", "person_id,created_at", f"{number},2026-07-01 12:00", "3,2026-07-01 12:00")
        kit.load()
    kit.toml = APPEND + 'timezone = "America/Chicago"\n'
    kit.load()
    at = datetime(2026, 7, 1, 17, tzinfo=UTC)
    assert kit.rows("SELECT person_id, created_at, _deleted_by_load FROM raw.people ORDER BY 1") == [
        ("1", at, None),
        ("2", at, None),
        ("3", at, None),
    ]
    assert [(file.status, file.rows, file.loaded, file.superseded) for file in kit.load().files] == [
        ("gone", 2, 1, 1),
        ("unchanged", 2, 2, 0),
    ]


def test_a_changed_mapping_reads_vanished_increments_from_raw(kit: Kit) -> None:
    kit.toml = APPEND
    kit.write("crm/people-1.csv", HEADER + ",created_at", "1,Ann,,2026-07-01 12:00")
    kit.load()
    kit.remove("crm/people-1.csv")
    kit.toml = APPEND + 'timezone = "America/Chicago"\n'
    kit.load()
    assert kit.rows("SELECT created_at FROM raw.people") == [(datetime(2026, 7, 1, 17, tzinfo=UTC),)]
    shutil.rmtree(kit.config.raw_dir)
    kit.toml = APPEND
    assert kit.load().warnings == [
        "crm/people-1.csv: the file and its raw copy are gone, its rows stay as an earlier mapping read them"
    ]


def test_a_content_that_returns_is_stored_again_as_the_newest(kit: Kit) -> None:
    kit.toml = APPEND
    for name in ("Ann", "Bob", "Ann"):
        kit.write("crm/people.csv", HEADER, f"1,{name},")
        kit.load()
        assert current(kit) == {"1": name}
    kit.remove("crm/people.csv")
    shutil.rmtree(kit.config.work_dir)
    kit.load()
    assert current(kit) == {"1": "Ann"}
    assert kit.rows("SELECT sum(loaded)::INTEGER, min(superseded) FROM quality.load_log") == [(1, 0)]


# --- how far the data reach ------------------------------------------------------------------------------------------


def test_data_through_is_the_newest_moment_that_is_not_in_the_future(kit: Kit) -> None:
    kit.write("crm/inquiries.csv", "inquiry_id,event_at,received_at", "1,2026-11-20T00:00Z,2026-11-21T00:00Z")
    kit.write("crm/touches.csv", "touch_id,occurred_at,channel,direction", "t,2026-11-30T00:00Z,call,inbound")
    assert kit.load().data_through == datetime(2026, 11, 21, tzinfo=UTC)
    assert kit.load(clock=datetime(2026, 12, 1, tzinfo=UTC)).data_through == datetime(2026, 11, 30, tzinfo=UTC)
    kit.toml = SOURCE + 'data_through = "2026-11-22"\n'
    assert kit.load().data_through == datetime(2026, 11, 22, 5, tzinfo=UTC)
    assert kit.rows("SELECT data_through FROM raw.sources") == [(datetime(2026, 11, 22, 5, tzinfo=UTC),)]


def test_what_is_stale_is_settled_once_all_sources_are_there(kit: Kit) -> None:
    kit.toml = TWO.format("b")
    kit.write("a/inquiries.csv", "inquiry_id,event_at", "1,2026-11-20T00:00Z")
    kit.write("b/touches.csv", "touch_id,occurred_at,channel,direction", "t,2026-01-16T00:00Z,call,inbound")
    kit.load()
    assert kit.rows("SELECT DISTINCT is_stale FROM raw.sources") == [(False,)]  # as_of.settle_as_of says it


# --- any history -----------------------------------------------------------------------------------------------------

FILES = ("people-1.csv", "people-2.csv")
content = st.none() | st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), max_size=4)
history = st.lists(st.tuples(content, content), min_size=1, max_size=4)


def expected(states: list[tuple[Any, ...]], append: bool) -> dict[str, str]:
    """What people are there after these states of the two files, worked out the plain way."""
    held: dict[str, dict[str, str]] = {}
    for state in states:
        for file, rows in zip(FILES, state, strict=True):
            if not append:
                held[file] = {}
            for key, name in reversed(rows or []):  # the first of a file stays
                held.setdefault(file, {})[key] = name
    return {key: name for file in sorted(held) for key, name in held[file].items()}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history, st.booleans(), st.booleans())
def test_any_history_ends_where_the_plain_rules_say(states: list[tuple[Any, ...]], append: bool, forget: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        kit = Kit(Path(folder), (APPEND if append else SOURCE))
        kit.write("crm/agents.csv", "agent", "Bo")
        for number, state in enumerate(states):
            for file, rows in zip(FILES, state, strict=True):
                if rows is None:
                    (kit.folder / "crm" / file).unlink(missing_ok=True)
                else:
                    kit.write(f"crm/{file}", HEADER, *(f"{key},{name}," for key, name in rows))
            if forget and number == len(states) - 1:
                shutil.rmtree(kit.config.work_dir, ignore_errors=True)
            kit.load(accept_shrink=True)
        assert current(kit) == expected(states, append)
        rows = kit.rows("SELECT person_id FROM raw.people WHERE _deleted_by_load IS NULL")
        assert len(rows) == len(set(rows))
        assert kit.rows("SELECT sum(loaded)::INTEGER FROM quality.load_log WHERE entity = 'people'") in (
            [(len(rows),)],
            [(None,)],
        )
