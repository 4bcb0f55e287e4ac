"""Erasing people: they are gone from everything that is kept, stay gone, and every figure that counted them stays."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from dagster_project.erasure import commands
from dagster_project.erasure.erase import came_back, erase, extend, lift
from dagster_project.erasure.people import NAMING_TABLES, Person
from dagster_project.erasure.report import Whereabouts, whereabouts
from dagster_project.erasure.retention import expired
from dagster_project.erasure.scrub import finish_erasures
from dagster_project.errors import CriticalProblem
from dagster_project.sources.erased_list import read_suppression
from dagster_project.sources.report import LoadRefused
from dagster_project.sources.suppression import Identity, Suppression
from dagster_project.state import Attempt, OffendingRow, open_state, read_state
from dagster_project.warehouse.published import publish
from dagster_project.warehouse.raw import read_texts
from tests.builds import metric_weekly, published_rows
from tests.conftest import LEADHOUSE, run_leadhouse
from tests.ingest_kit import SOURCE, Kit
from tests.reference import generate

ANN = Person(ids={("crm", "1")}, emails={"ann@x.com"}, phones={"+12127365000"}, names={"Ann Canary"})
PEOPLE = "person_id,name,email,phone"
TOUCHES = "touch_id,person_id,phone,occurred_at,channel,direction,disposition"


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


def put_on_list(kit: Kit, *people: Person) -> None:
    erase(kit.config, people, "request")


def everything_kept(folder: Path) -> str:
    """All that lies below a folder as one text: bytes as they are, and the values in Parquet and DuckDB files."""
    parts = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        parts.append(path.read_bytes().decode("latin-1"))
        if path.suffix == ".parquet":
            parts.append(json.dumps(pq.read_table(path).to_pylist(), default=str))
            parts.append(str(pq.read_schema(path).metadata))
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                tables = connection.execute(
                    "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal"
                ).fetchall()
                for schema, table in tables:
                    parts.append(str(connection.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall()))
    return "\n".join(parts).lower()


# -- who is it


def listed(*people: Person) -> Suppression:
    empty = Suppression(b"0123456789abcdef", (), "US")
    now = datetime.now(UTC)
    return Suppression(b"0123456789abcdef", [person.listed(empty, now, "test") for person in people], "US")


@pytest.mark.parametrize(
    "who",
    [
        Identity("crm", "1", None, None),
        Identity("crm", None, " ANN@X.com ", None),
        Identity("crm", None, "other@x.com; ann@x.com", None),
        Identity("dialer", None, None, "(212) 736-5000"),
        Identity("dialer", None, None, "+1 212.736.5000"),
        Identity("dialer", None, None, "(646) 555-0100; 212-736-5000 ext. 12"),
        Identity("crm", "9", None, None, "1"),
    ],
)
def test_an_erased_person_is_known_however_they_are_written(who: Identity) -> None:
    assert listed(ANN).find(who, links=True)


@pytest.mark.parametrize(
    "who",
    [
        Identity("dialer", "1", None, None),  # an id of another space
        Identity("crm", "2", "anna@x.com", "(212) 736-5001"),
        Identity("crm", None, None, None),
        Identity("crm", None, "not an email", "123"),
    ],
)
def test_nobody_else_is_taken_for_them(who: Identity) -> None:
    assert listed(ANN).find(who, links=True) is None


def test_pseudonyms_are_the_same_everywhere_and_tell_nothing() -> None:
    suppression = listed(ANN)
    first = suppression.find(Identity("crm", "1", "ann@x.com", "212-736-5000"), links=True)
    again = suppression.find(Identity("dialer", None, None, "+12127365000"), links=False)
    assert first is not None
    assert again is not None
    assert (first.email or "").split(";")[1] == again.email
    assert not {"ann", "2127365000"} & set(str(first).lower().replace("@", " ").split())


def test_a_shared_number_links_nobody_after_the_erasure() -> None:
    """A number that others carry too gets a pseudonym of its own for each erased person."""
    bob = Person(ids={("crm", "2")})
    suppression = listed(ANN, bob)
    found = [suppression.find(Identity("crm", one, None, "(212) 736-5009"), links=True) for one in ("1", "2")]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].email != found[1].email


def test_a_list_without_its_key_stops_the_load(kit: Kit) -> None:
    kit.write("crm/people.csv", PEOPLE, "1,Ann Canary,ann@x.com,")
    put_on_list(kit, ANN)
    (kit.config.erasure_dir / "key").unlink()
    with pytest.raises(CriticalProblem, match="without its key"):
        kit.load()


def test_a_list_that_is_gone_stops_the_load(kit: Kit) -> None:
    kit.write("crm/people.csv", PEOPLE, "1,Ann Canary,ann@x.com,")
    put_on_list(kit, ANN)
    (kit.config.erasure_dir / "people.json").unlink()
    with pytest.raises(CriticalProblem, match="the list of them is gone"):
        kit.load()


def test_the_list_and_its_key_are_readable_by_their_owner_alone(kit: Kit) -> None:
    put_on_list(kit, ANN)
    for name in ("people.json", "key"):
        assert (kit.config.erasure_dir / name).stat().st_mode & 0o077 == 0
    text = (kit.config.erasure_dir / "people.json").read_text().lower()
    assert not [word for word in ("ann", "canary", "x.com", "2127365000") if word in text]


# -- what ingest lets through


def test_their_rows_stay_and_name_nobody(kit: Kit) -> None:
    kit.write(
        "crm/people.csv",
        PEOPLE + ",note",
        '1,Ann Canary,ann@x.com,(212) 736-5000,"canary, likes tea"',
        "2,Bo,b@x.com,,",
    )
    kit.write(
        "crm/touches.csv",
        TOUCHES,
        "t1,1,,2026-11-01T10:00:00Z,call,outbound,Left word for Canary",
        "t2,,212.736.5000,2026-11-01T11:00:00Z,call,outbound,",
        "t3,2,212.736.5000,2026-11-01T12:00:00Z,call,outbound,asked for ann@x.com",
    )
    put_on_list(kit, ANN)
    report = kit.load()
    assert [(file.rows, file.loaded) for file in report.files] == [(2, 2), (3, 3)]
    people = kit.rows("SELECT person_id, name, email, phone FROM raw.people ORDER BY _line")
    assert people[1] == ("2", "Bo", "b@x.com", None)
    assert people[0][0].startswith("erased-")
    assert people[0][1] is None
    assert people[0][2].count("@erased.invalid") == 2
    touches = kit.rows("SELECT person_id, email, phone, disposition FROM raw.touches ORDER BY _line")
    assert touches[0] == (people[0][0], None, None, "Left word for [erased]")
    assert touches[1][1] in people[0][2]
    assert touches[2] == ("2", touches[1][1], None, "asked for [erased]")  # Bo's call, noted with Ann's number
    assert not [word for word in ("canary", "ann@x.com", "736-5000") if word in everything_kept(kit.config.work_dir)]
    assert not [word for word in ("canary", "ann@x.com", "736-5000") if word in everything_kept(kit.config.raw_dir)]


def test_what_others_rows_say_of_them_is_masked(kit: Kit) -> None:
    kit.write("crm/people.csv", PEOPLE + ",note", "2,Ann Canary,b@x.com,,met Ann Canary at 212 736 5000; ann is nice")
    kit.write(
        "crm/touches.csv",
        TOUCHES,
        "t3,2,,2026-11-01T12:00:00Z,call,outbound,by ANN CANARY and Ann with a Canary bird",
    )
    put_on_list(kit, ANN)
    kit.load()
    assert kit.rows("SELECT person_id, name FROM raw.people") == [("2", "Ann Canary")]  # a namesake stays
    assert kit.rows("SELECT disposition FROM raw.touches") == [("by [erased] [erased] and Ann with a Canary bird",)]
    (text,) = [text for path in kit.config.raw_dir.rglob("*people*.parquet") for _, text in read_texts(path)]
    assert text == "2,Ann Canary,b@x.com,,met [erased] [erased] at [erased]; ann is nice"


def test_rows_of_failing_checks_are_forgotten(kit: Kit) -> None:
    kit.write("crm/people.csv", PEOPLE, "1,Ann Canary,ann@x.com,")
    kit.load()
    path = kit.config.state_path
    with open_state(path) as state:
        state.record_attempt(
            Attempt("b1", datetime.now(UTC), datetime.now(UTC), "published", "command", None),
            [],
            [OffendingRow("few_rows", "files", "crm", "people", "people.csv", 2, "crm:canary-1", "x")],
        )
    put_on_list(kit, ANN)
    with read_state(path) as state:
        assert state.rows("few_rows", "files") == []
        assert len(state.attempts()) == 1
    assert b"canary-1" not in path.read_bytes()


def test_an_erasure_goes_through_with_a_damaged_state(kit: Kit) -> None:
    kit.write("crm/people.csv", PEOPLE, "1,Ann Canary,ann@x.com,")
    kit.load()
    kit.config.state_path.write_bytes(b"crm:canary-1, and no database" * 400)
    put_on_list(kit, ANN)
    assert "crm:canary-1" not in everything_kept(kit.config.warehouse_path.parent)


def test_nobody_is_put_on_the_list_twice(kit: Kit) -> None:
    assert len(erase(kit.config, [ANN], "request")[0]) == 1
    assert erase(kit.config, [Person(emails={"ann@x.com"})], "request")[0] == []
    assert len(erase(kit.config, [Person(emails={"ann@x.com", "new@x.com"})], "request")[0]) == 1


def test_rows_that_cannot_be_read_are_masked_too(kit: Kit) -> None:
    kit.write(
        "crm/people.csv",
        PEOPLE,
        *(f"{number},Somebody,s{number}@x.com," for number in range(100, 300)),
        "1,Ann Canary,ann@x.com",  # a cell short
        "7,Ann Canary",  # known by her name alone
        "1,Ann Canary,ann@x.com,",
        "1,Ann M. Canary,ann@x.com,",  # the same id: without what names her, the same row
        ',"Ann Canary" x,ann@x.com,',  # quotes that do not close
    )
    put_on_list(kit, ANN)
    kit.load()
    rows = kit.rows("SELECT reason, raw_text, found FROM quality.quarantine ORDER BY line")
    assert [row[0] for row in rows] == ["wrong_width", "wrong_width", "bad_quoting"]
    assert kit.rows("SELECT rows, loaded, exact_duplicates FROM quality.load_log") == [(205, 201, 1)]
    assert "canary" not in str(rows).lower()
    assert "ann@" not in str(rows).lower()


def test_increments_read_again_from_raw_stay_as_they_were(kit: Kit) -> None:
    kit.toml = SOURCE + 'mode = "append"\n'
    kit.write("crm/people-1.csv", PEOPLE, "1,Ann Canary,ann@x.com,(212) 736-5000", "2,Bo,b@x.com,")
    kit.load()
    put_on_list(kit, ANN)
    kit.remove("crm/people-1.csv")
    kit.write("crm/people-2.csv", PEOPLE, "3,Cy,,")
    kit.load()
    before = kit.rows("SELECT person_id, name, email, phone FROM raw.people ORDER BY ALL")
    shutil.rmtree(kit.config.work_dir)
    kit.load()
    assert kit.rows("SELECT person_id, name, email, phone FROM raw.people ORDER BY ALL") == before
    assert "canary" not in str(before).lower()
    assert len(before) == 3


def test_raw_is_gone_through_once(kit: Kit) -> None:
    kit.write("crm/people.csv", PEOPLE, "1,Ann Canary,ann@x.com,", "2,Bo,b@x.com,")
    kit.load()
    kit.write("crm/people.csv", PEOPLE, "1,Ann Canary,ann@x.com,", "2,Bo,b@x.com,", "3,Cy,,")
    kit.load()
    _, done = erase(kit.config, [ANN], "request")
    assert sum(done.raw.values()) == 2  # both versions
    assert "canary" not in everything_kept(kit.config.warehouse_path.parent)
    assert finish_erasures(kit.config) is None
    (kit.config.raw_dir / ".erasures").write_text("an older list")  # as after restoring a backup
    assert finish_erasures(kit.config) is not None
    assert kit.load().files[0].rows == 3


def test_a_file_that_no_mapping_reads_any_more_is_gone_through(kit: Kit) -> None:
    kit.write("crm/people.csv", PEOPLE, "1,Ann Canary,ann@x.com,", "2,Bo,b@x.com,")
    kit.load()
    kit.toml = SOURCE.replace('"crm"\nkind', '"other"\nkind')
    put_on_list(kit, ANN)
    assert "canary" not in everything_kept(kit.config.raw_dir)
    assert "bo,b@x.com" in everything_kept(kit.config.raw_dir)


def test_rows_of_a_refused_load_are_told_and_go(kit: Kit) -> None:
    kit.write("crm/people.csv", PEOPLE, "1,Ann Canary,ann@x.com", *(f"{number},x" for number in range(20)))
    with pytest.raises(LoadRefused):
        kit.load()
    assert Whereabouts("refused", "crm/people.csv", 1) in whereabouts(kit.config, ANN)
    put_on_list(kit, ANN)
    assert whereabouts(kit.config, ANN) == []
    assert "canary" not in everything_kept(kit.config.warehouse_path.parent)


def test_a_person_who_comes_under_a_new_id_is_kept_out_with_all_rows(kit: Kit) -> None:
    kit.write("crm/people.csv", PEOPLE, "77,Ann C.,ann@x.com,")
    kit.write("crm/touches.csv", TOUCHES, "t1,77,,2026-11-01T10:00:00Z,call,outbound,")
    put_on_list(kit, ANN)
    report = kit.load()
    assert len(report.met) == 1
    assert extend(kit.config, report.met)
    assert not extend(kit.config, report.met)
    kit.write("crm/people.csv", PEOPLE, "77,Ann C.,,")  # the email is gone, the id is known now
    kit.load()
    assert {
        row[0][:7] for row in kit.rows("SELECT person_id FROM raw.people UNION ALL SELECT person_id FROM raw.touches")
    } == {"erased-"}


def test_who_comes_back_is_told_and_can_be_let_in(kit: Kit) -> None:
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    kit.write("crm/inquiries.csv", "inquiry_id,person_id,event_at", "i1,1,2026-01-01T00:00:00Z", f"i2,1,{later}")
    put_on_list(kit, ANN)
    kit.load()
    suppression = read_suppression(kit.config)
    with kit.working() as connection:
        assert came_back(connection, suppression) == {suppression.erasures[0].token: 1}
    lift(kit.config, suppression.erasures[0].token)
    kit.load()
    assert kit.rows("SELECT person_id FROM raw.inquiries") == [("1",), ("1",)]


def test_retention_drops_earlier_versions_of_files_only(kit: Kit) -> None:
    for number in range(3):
        kit.write("crm/people.csv", PEOPLE, f"1,Ann {number},,")
        kit.load()
    kit.toml += "\n[retention]\nraw_versions_days = 30\n"
    assert len(expired(kit.config, datetime(2026, 11, 25, tzinfo=UTC)).versions) == 0
    assert len(expired(kit.config, datetime(2027, 1, 25, tzinfo=UTC)).versions) == 2
    kit.toml = kit.toml.replace('path = "crm"', 'path = "crm"\nmode = "append"')
    assert len(expired(kit.config, datetime(2027, 1, 25, tzinfo=UTC)).versions) == 0


def publish_as_loaded(kit: Kit) -> None:
    """Publish the loaded rows, each under the person that it names by id."""
    with kit.working() as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS marts")
        for table in NAMING_TABLES:
            opened = ", event_at AS opened_at" if table == "inquiries" else ""
            connection.execute(
                f"CREATE OR REPLACE TABLE marts.{table} AS SELECT *, _id_space AS id_space,"
                f" _id_space || ':' || person_id AS person_key{opened} FROM raw.{table}"
            )
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    row = {"build_id": "b1", "built_at": at, "as_of": at, "inputs": "x"}
    publish(kit.config.working_path, kit.config.warehouse_path, row)


def test_retention_counts_from_the_last_that_was_heard_of_somebody(kit: Kit) -> None:
    kit.write("crm/people.csv", "person_id,created_at", *(f"{number},2025-01-01T00:00Z" for number in range(1, 7)))
    kit.write("crm/touches.csv", TOUCHES, "t2,2,,2026-06-01T00:00Z,call,inbound,")
    kit.write("crm/consents.csv", "consent_id,person_id,at,channel,event", "c3,3,2026-06-01T00:00Z,sms,granted")
    kit.write("crm/stage_changes.csv", "change_id,person_id,at,stage", "s4,4,2026-06-01T00:00Z,contact")
    kit.write("crm/deals.csv", "deal_id,person_id,contract_at", "d5,5,2025-03-01T00:00Z")
    kit.write("crm/deals-lost.csv", "deal_id,person_id,agreement_at", "d6,6,2025-03-01T00:00Z")
    kit.load()
    publish_as_loaded(kit)
    now = datetime(2026, 11, 24, tzinfo=UTC)

    def gone(rules: str) -> list[str]:
        kit.toml = SOURCE + "\n[retention]\n" + rules
        return sorted(person_id for person in expired(kit.config, now).people for _, person_id in person.ids)

    assert gone("people_days = 400") == ["1", "6"]
    assert gone("clients_days = 400") == ["5"]
    assert gone("people_days = 400\nclients_days = 800") == ["1", "6"]
    assert gone("people_days = 100\nclients_days = 100") == ["1", "2", "3", "4", "5", "6"]
    assert gone("people_days = 800") == []


def test_commands_say_where_there_is_nothing_to_do(kit: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    kit.write("crm/people.csv", PEOPLE, "1,Ann,ann@example.com,")
    kit.load()
    file = kit.config.file
    commands.retention(config=file)
    assert "no rule is set: everything is kept" in capsys.readouterr().out
    commands.erase(config=file, email="nobody@example.com", yes=True)
    assert "no row that is kept named them; they are on the list now" in capsys.readouterr().out
    commands.erase(config=file, email="ann@example.com", yes=True)
    assert "no row that is kept" not in capsys.readouterr().out


# -- whole builds


def figures(config: Path) -> list[dict[str, Any]]:
    return metric_weekly(config.parent / "warehouse" / "leadhouse.duckdb")


def lead_rows(config: Path) -> list[dict[str, Any]]:
    return published_rows(
        config.parent / "warehouse" / "leadhouse.duckdb",
        "SELECT * EXCLUDE (name, person_key) FROM marts.leads ORDER BY lead_id",
    )


@pytest.mark.slow
def test_figures_stay_when_people_of_a_random_export_are_erased(tmp_path: Path) -> None:
    """Identities in every spelling, shared numbers, merged records, callers without a record: nothing counted moves."""
    planted = generate.generate(tmp_path / "random", seed=77, people=400)
    as_of = ("--as-of", planted.as_of.isoformat())
    built = run_leadhouse("build", "--config", planted.config, *as_of)
    assert built.returncode == 0, built.stderr
    before, leads = figures(planted.config), lead_rows(planted.config)
    warehouse = planted.folder / "warehouse" / "leadhouse.duckdb"
    people = published_rows(
        warehouse, "SELECT DISTINCT lead_id, name FROM marts.leads WHERE person_key IS NOT NULL ORDER BY lead_id"
    )
    for row in random.Random(7).sample(people, 12):
        erased = run_leadhouse("erase", "--config", planted.config, "--lead", row["lead_id"], "--yes")
        assert erased.returncode == 0, erased.stderr
    assert figures(planted.config) == before
    assert lead_rows(planted.config) == leads
    again = run_leadhouse("build", "--config", planted.config, *as_of)
    assert again.returncode == 0, again.stderr
    assert "nothing new" not in again.stderr
    assert figures(planted.config) == before
    assert lead_rows(planted.config) == leads
    names = published_rows(warehouse, "SELECT name FROM marts.leads WHERE starts_with(person_key, 'crm:erased-')")
    assert names
    assert {row["name"] for row in names} == {None}


@pytest.fixture(scope="module")
def with_canary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example of `leadhouse init` with a canary in every file that names people, and a row that cannot be read."""
    folder = tmp_path_factory.mktemp("canary") / "brokerage"
    run_leadhouse("init", folder)
    exports = folder / "exports"
    people = (exports / "people.csv").read_text()
    inquiries = (exports / "inquiries.csv").read_text()
    header = people.splitlines()[0].split(",")
    row = {
        "person_id": "CNRY1",
        "name": "Zebulon Canaryman",
        "email": "zebulon@canaryman.example",
        "phone": "+12127365432",
        "created_at": "2026-10-06T15:00:00Z",  # weeks before they ask: reconciliation names the record
    }
    (exports / "people.csv").write_text(people + ",".join(row.get(name, "") for name in header) + "\n")
    header = inquiries.splitlines()[0].split(",")
    event = {**row, "inquiry_id": "I-CNRY", "event_at": "2026-11-10T15:00:00Z", "source": "Zillow"}
    (exports / "inquiries.csv").write_text(
        inquiries
        + ",".join(event.get(name, "") for name in header)
        + "\n"
        + "I-BAD,CNRY1,Zebulon Canaryman,zebulon@canaryman.example\n"
    )
    (exports / "appointments.csv").write_text(
        "appointment_id,person_id,booked_at,starts_at,ends_at,outcome\n"
        "A-1,CNRY1,2026-11-10T16:00:00Z,2026-11-10T17:00:00Z,2026-11-10T18:00:00Z,held\n"
    )
    (exports / "deals.csv").write_text("deal_id,person_id,agreement_at\nD-1,CNRY1,2026-11-10T19:00:00Z\n")
    built = run_leadhouse("build", "--config", folder / "leadhouse.toml")
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture
def brokerage(with_canary: Path, tmp_path: Path) -> Path:
    """A copy of it: its configuration."""
    shutil.copytree(with_canary, tmp_path / "brokerage")
    return tmp_path / "brokerage" / "leadhouse.toml"


CANARIES = ("zebulon", "canaryman", "cnry1", "7365432")


@pytest.mark.slow
def test_erase_then_load_the_same_export_again(brokerage: Path) -> None:
    before = figures(brokerage)
    warehouse = brokerage.parent / "warehouse"
    assert [word for word in CANARIES if word in everything_kept(warehouse)] == list(CANARIES)
    where = run_leadhouse("person", "--config", brokerage, "--email", "zebulon@canaryman.example", "--format", "json")
    kinds = {row["kind"] for row in json.loads(where.stdout)}
    places = {row["place"] for row in json.loads(where.stdout)}
    assert {"marts.leads", "marts.appointment_chains", "marts.metric_people"} <= places
    assert {"published", "raw", "quarantine"} <= kinds
    refused = run_leadhouse("erase", "--config", brokerage, "--email", "zebulon@canaryman.example")
    assert refused.returncode == 2  # nobody to ask
    erased = run_leadhouse("erase", "--config", brokerage, "--email", "zebulon@canaryman.example", "--yes")
    assert erased.returncode == 0, erased.stderr
    assert not [word for word in CANARIES if word in (where.stdout + erased.stdout + erased.stderr).lower()]
    assert not [word for word in CANARIES if word in everything_kept(warehouse)]
    assert figures(brokerage) == before
    again = run_leadhouse("build", "--config", brokerage)
    assert again.returncode == 0, again.stderr
    assert not [word for word in CANARIES if word in everything_kept(warehouse) + again.stderr.lower()]
    assert figures(brokerage) == before


@pytest.mark.slow
def test_an_erasure_that_is_killed_is_finished_by_the_next_build(brokerage: Path) -> None:
    warehouse = brokerage.parent / "warehouse"
    command = [str(LEADHOUSE), "erase", "--config", str(brokerage), "--person", "crm:CNRY1", "--yes"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (warehouse / "erasure" / "people.json").exists():
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = figures(brokerage)
    built = run_leadhouse("build", "--config", brokerage)
    assert built.returncode == 0, built.stderr
    assert not [word for word in CANARIES if word in everything_kept(warehouse)]
    assert figures(brokerage) == before
