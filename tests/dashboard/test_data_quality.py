"""The data-quality page without a browser: every part of it, in every state that `state.sqlite` can be in."""

from __future__ import annotations

import re
import shutil
import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from dagster_project.state import read_state
from dashboards import noted as pages_noted
from dashboards import queries
from dashboards.components import builds, history, source_cards
from dashboards.components.formats import plain
from tests.dashboard import noted, published
from tests.dashboard.test_pages import address, run, text_of
from tests.ingest_kit import SOURCE, Kit

PAGE = "views/data_quality.py"
READ_AS_MARKUP = re.compile(r"(?<!\\)(?:<img|\]\(|~~s|\$x)|:red\[|:smile:")
PARTS = ("alerts", "sources", "loads", "aside", "checks", "reconciliation", "builds")


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the pages look for the state; there is none yet."""
    path = tmp_path / "state.sqlite"
    monkeypatch.setenv("LEADHOUSE_STATE", str(path))
    return path


def labels(app: AppTest) -> list[str]:
    """What the buttons say."""
    return [button.label for button in app.button]


def click(app: AppTest, key: str) -> AppTest:
    """Click a button, and see that nothing went wrong."""
    app.button(key=key).click().run()
    assert not app.exception, [error.value for error in app.exception]
    return app


def written(app: AppTest) -> str:
    """All the text of a page as a reader sees it: without the marks that keep Markdown from reading it."""
    return text_of(app).replace("\\", "").replace("\u2060", "")


# --- the states ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", PARTS)
def test_without_a_state_every_part_is_there(app: AppTest, state: Path, part: str) -> None:
    text = written(run(app, PAGE, part=part))
    assert app.title[0].value == "Data quality"
    assert "2 warnings need a look" in text
    assert "behind the others: ads" in text
    assert not app.warning
    assert not state.exists(), "looking writes nothing"


@pytest.mark.parametrize("part", PARTS)
def test_a_broken_state_is_one_line_and_the_rest_is_there(app: AppTest, state: Path, part: str) -> None:
    state.write_bytes(b"no database" * 500)
    text = written(run(app, PAGE, part=part))
    (told,) = app.warning
    assert "state.sqlite" in told.value.replace("\\", "")
    assert "cannot be read" in told.value
    assert "2 warnings need a look" in text
    if part == "checks":
        assert len(app.dataframe[0].value) == 5
    if part == "alerts":
        assert "Failing in the figures shown" in text


def test_a_state_of_a_newer_version_is_told_and_not_touched(app: AppTest, state: Path) -> None:
    with sqlite3.connect(state) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = state.read_bytes()
    run(app, PAGE, alert="1")
    assert "found version 99" in app.warning[0].value.replace("\\", "")
    assert state.read_bytes() == before


def test_nothing_open_and_nothing_failing_says_so(
    app: AppTest, state: Path, warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = shutil.copy(warehouse, tmp_path / "leadhouse.duckdb")
    with duckdb.connect(str(quiet)) as connection:
        connection.execute("UPDATE quality.check_results SET status = 'passed'")
        connection.execute("UPDATE quality.sources SET is_stale = false")
    monkeypatch.setenv("LEADHOUSE_WAREHOUSE", str(quiet))
    noted.fill(state)
    text = written(run(app, PAGE))
    assert "Nothing needs you: no alert is open." in text
    assert "every check of the figures shown passed" in text


def test_one_of_each_severity_critical_first_and_what_fails_without_an_alert(app: AppTest, state: Path) -> None:
    noted.fill(state, [noted.alert(), noted.alert(noted.UNIQUE, "critical")])
    text = written(run(app, PAGE))
    assert "**1 critical alert**, 1 warning needs a look, nobody looks after them yet" in text
    assert text.index("A repeated id would count a lead twice.") < text.index(
        "Old spend makes every source look cheap."
    )
    assert "since " in text
    assert "(2 days)" in text
    assert "for operations" in text
    assert "**What to do** Export it again." in text
    # The other failing check of the figures has no alert, and is not lost.
    assert "Leads without a category have no SLA." in text


def test_who_looks_after_it_is_told(app: AppTest, state: Path) -> None:
    known = noted.alert(acknowledged_at=noted.NOW, acknowledged_by="Olga", note="asked the vendor")
    noted.fill(state, [known])
    text = written(run(app, PAGE))
    assert "Olga looks after it" in text
    assert "asked the vendor" in text
    assert "nobody looks after" not in text


def test_what_is_muted_is_set_apart_with_who_why_and_until_when(app: AppTest, state: Path) -> None:
    noted.fill(
        state, [noted.alert()], mutes=[noted.mute(), noted.mute(noted.UNIQUE), noted.mute(noted.MAPPED, days=-1)]
    )
    text = written(run(app, PAGE))
    assert "Nothing needs you: no alert is open" in text
    assert [expander.label for expander in app.expander] == ["Muted (2)"]
    assert "Muted by Ben until" in text
    assert "known, the vendor mends it" in text
    assert "Inquiries unique · inquiries: nothing open" in text


def test_a_mute_of_a_warning_does_not_silence_what_became_critical() -> None:
    bad, mute = noted.alert(severity="critical"), noted.mute(severity="warning")
    seen = pages_noted.Noted(alerts=[bad], mutes=[mute])
    assert seen.speaking == [bad]
    assert pages_noted.Noted(alerts=[replace(bad, severity="warning")], mutes=[mute]).speaking == []


def test_what_was_mended_can_be_looked_at(app: AppTest, state: Path) -> None:
    (mended,) = noted.fill(state, [noted.alert(cleared_at=noted.NOW)])
    run(app, PAGE)
    click(app, f"look-{mended.alert_id}")
    text = written(app)
    assert address(app)["alert"] == str(mended.alert_id)
    assert ", mended " in text
    assert "Acknowledge" not in labels(app)


def test_hundreds_of_alerts_come_in_pieces(app: AppTest, state: Path) -> None:
    noted.fill(state, [noted.alert(("check", f"s{number:03}")) for number in range(230)])
    run(app, PAGE)
    assert "Alerts 1 to 10 of 230" in written(app)
    assert sum(label == "Mute" for label in labels(app)) == 10
    click(app, "page-later")
    assert address(app)["page"] == "2"
    run(app, PAGE, page="999999")
    assert "Alerts 221 to 230 of 230" in written(app)
    assert app.button(key="page-later").disabled


# --- acknowledge and mute --------------------------------------------------------------------------------------------


def test_acknowledging_needs_a_name_and_is_kept(app: AppTest, state: Path) -> None:
    one, other = noted.fill(state, [noted.alert(), noted.alert(noted.UNIQUE)])
    run(app, PAGE)
    click(app, f"ack-{one.alert_id}")
    submit = next(button for button in app.button if button.form_id == "acknowledge")
    submit.click().run()
    assert "Enter your name" in app.error[0].value
    app.text_input[0].set_value("  Olga ")
    app.text_area[0].set_value("asked the *vendor*")
    next(button for button in app.button if button.form_id == "acknowledge").click().run()
    assert not app.exception
    with read_state(state) as kept:
        found = kept.alert(one.alert_id)
        untouched = kept.alert(other.alert_id)
    assert found is not None
    assert (found.acknowledged_by, found.note) == ("Olga", "asked the *vendor*")
    assert found.acknowledged_at is not None
    assert untouched == other
    click(app, f"mute-{other.alert_id}")
    assert app.text_input[0].value == "Olga", "nobody types their name twice"


def test_muting_needs_a_reason_and_ends(app: AppTest, state: Path) -> None:
    (one,) = noted.fill(state, [noted.alert()])
    run(app, PAGE)
    click(app, f"mute-{one.alert_id}")
    app.text_input[0].set_value("Ben")
    next(button for button in app.button if button.form_id == "mute").click().run()
    assert "a reason" in app.error[0].value
    app.selectbox[0].set_value(14)
    app.text_area[0].set_value("known")
    next(button for button in app.button if button.form_id == "mute").click().run()
    assert not app.exception
    with read_state(state) as kept:
        (mute,) = kept.mutes(datetime.now(UTC))
    assert (mute.check_name, mute.subject, mute.muted_by, mute.reason) == (*noted.FRESH, "Ben", "known")
    assert timedelta(days=13, hours=23) < mute.until - datetime.now(UTC) <= timedelta(days=14)
    click(run(app, PAGE), f"unmute-{one.alert_id}")
    with read_state(state) as kept:
        assert kept.mutes(datetime.now(UTC)) == []


def test_an_alert_that_was_mended_meanwhile_is_not_acknowledged(app: AppTest, state: Path) -> None:
    (one,) = noted.fill(state, [noted.alert()])
    run(app, PAGE)
    click(app, f"ack-{one.alert_id}")
    with sqlite3.connect(state) as connection:
        connection.execute("UPDATE alerts SET cleared_at = opened_at")
    app.text_input[0].set_value("Olga")
    next(button for button in app.button if button.form_id == "acknowledge").click().run()
    assert not app.exception
    with read_state(state) as kept:
        found = kept.alert(one.alert_id)
    assert found is not None
    assert found.acknowledged_by is None


def test_a_state_that_cannot_be_written_is_told(app: AppTest, state: Path) -> None:
    (one,) = noted.fill(state, [noted.alert()])
    run(app, PAGE)
    click(app, f"ack-{one.alert_id}")
    state.write_bytes(b"no database" * 500)
    with pytest.raises(pages_noted.StateError):
        pages_noted.acknowledge(one.alert_id, "Olga", "")
    assert "cannot be read" in run(app, PAGE).warning[0].value


# --- an alert and its rows -------------------------------------------------------------------------------------------


def test_an_alert_tells_what_why_what_to_do_its_past_and_its_rows(app: AppTest, state: Path) -> None:
    made = [noted.attempt(back) for back in range(5, -1, -1)]
    found = [
        (one, [noted.result(one, noted.FRESH, "failed", f"ads: {10 - back} days behind")] if back < 3 else
         [noted.result(one, noted.FRESH)])
        for back, one in zip(range(5, -1, -1), made, strict=True)
    ]  # fmt: skip
    (one,) = noted.fill(state, [noted.alert()], [noted.row(), noted.row(line=80)], builds=found)
    text = written(run(app, PAGE, alert=str(one.alert_id)))
    for words in ("Why it matters.", "**What to do** Export it again.", "**Which** ads", "**2** rows",
                  "Failed 3 times in the last 6 builds; failed in the last 3.", "went from 8 to 10"):  # fmt: skip
        assert words in text
    table = app.dataframe[0].value
    assert list(table["Result"]) == ["failed"] * 3 + ["passed"] * 3
    assert len(app.get("plotly_chart")) == 1


def test_a_row_that_could_not_be_read_shows_its_raw_text(app: AppTest, state: Path) -> None:
    (one,) = noted.fill(state, [noted.alert()], [noted.row()])
    run(app, PAGE)
    assert app.button(key=f"show-{one.alert_id}").label == "Show the row"
    click(app, f"show-{one.alert_id}")
    click(app, "row-0")
    assert app.code[0].value == "1001,yesterday,Zillow"
    assert "A value cannot be read" in written(app)
    shared = address(app)
    app.button(key="row-0")
    run(app, PAGE, **shared)
    assert app.code[0].value == "1001,yesterday,Zillow", "the address brings it back"
    run(app, PAGE, **shared | {"row": "other"})
    assert "no longer among them" in app.info[0].value


def test_a_row_that_was_loaded_shows_what_the_figures_hold(app: AppTest, state: Path, snap: queries.Snapshot) -> None:
    lead = snap.rows("select * from marts.leads where agent <> '(none)' order by lead_id limit 1")[0]
    place = noted.row(file=None, line=None, source=None, entity="leads", row_id=lead["lead_id"])
    (one,) = noted.fill(state, [noted.alert()], [place, noted.row(line=None, entity="leads", row_id="no such")])
    text = written(run(app, PAGE, alert=str(one.alert_id)))
    assert str(lead["agent"]) in text, "a line of it stands beside its place"
    click(app, next(button.key for button in app.button if button.label == plain(lead["lead_id"])))
    shown = {row["Column"]: row["Value"] for _, row in app.dataframe[-1].value.iterrows()}
    assert shown["lead_id"] == lead["lead_id"]
    assert "None" not in shown.values()
    click(run(app, PAGE, alert=str(one.alert_id), row=""), "row-1")
    assert "do not hold this row" in written(app)


def test_hundreds_of_rows_come_in_pieces(app: AppTest, state: Path) -> None:
    (one,) = noted.fill(state, [noted.alert()], [noted.row(line=number) for number in range(1, 201)])
    text = written(run(app, PAGE, alert=str(one.alert_id), page="2"))
    assert "Rows 16 to 30 of 200" in text
    assert sum(button.key.startswith("row-") for button in app.button if button.key) == 15


def test_without_a_row_the_way_to_what_was_set_aside_of_the_file(app: AppTest, state: Path) -> None:
    (one,) = noted.fill(state, [noted.alert(("rows_rejected", "dialer/calls-2026-03.csv"), "critical")])
    run(app, PAGE, alert=str(one.alert_id))
    assert "No single row is noted" in written(app)
    click(app, "aside-0")
    assert address(app) == {"part": "aside", "source": "dialer", "file": "calls-2026-03.csv"}
    assert len(app.dataframe[-1].value) == 31


@pytest.fixture
def with_refusal(warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The published file, and beside it what a refused load of the CRM has left."""
    path = Path(shutil.copy(warehouse, tmp_path / "leadhouse.duckdb"))
    published.refuse(path)
    monkeypatch.setenv("LEADHOUSE_WAREHOUSE", str(path))
    return path


REFUSED = ("quarantine_share", "crm/inquiries-2026-04.csv")


def test_a_refused_load_is_two_clicks_from_its_rows(app: AppTest, state: Path, with_refusal: Path) -> None:
    (one,) = noted.fill(state, [noted.alert(REFUSED, "critical")])
    run(app, PAGE)
    assert app.button(key=f"show-{one.alert_id}").label == "Show the 60 rows"
    click(app, f"show-{one.alert_id}")
    assert "a value cannot be read; not loaded: the whole file was refused" in written(app)
    click(app, "row-1")
    assert app.code[0].value == "n2,tomorrow,Zillow"
    assert "Not loaded: the whole file was refused" in written(app)
    shutil.rmtree(with_refusal.with_name("refused"))  # as its next good load does
    run(app, PAGE, alert=str(one.alert_id), row="")
    assert "No single row is noted" in written(app)


def test_what_was_set_aside_tells_refused_files_from_loaded_ones(app: AppTest, state: Path, with_refusal: Path) -> None:
    text = written(run(app, PAGE, part="aside"))
    assert text.count("not loaded: the whole file was refused") == 1
    assert "**60** · A value cannot be read in event_at" in text
    assert "**31** · A word that is not on the list in channel" in text, "other sources stay as they are"
    table = app.dataframe[-1].value
    assert len(table) == 60 + 3 + 4 + 2 + 31
    refused = table[table["State"] == "not loaded: the whole file was refused"]
    assert set(refused["File"]) == {"inquiries-2026-04.csv"}
    click(app, "group-0")
    assert address(app)["file"] == "inquiries-2026-04.csv"
    assert len(app.dataframe[-1].value) == 60


@pytest.mark.parametrize("content", [b"no parquet", b""])
def test_what_another_version_left_of_a_refused_load_is_no_obstacle(
    app: AppTest, state: Path, with_refusal: Path, content: bytes
) -> None:
    (with_refusal.parent / "refused" / "crm.parquet").write_bytes(content)
    run(app, PAGE, part="aside")
    assert len(app.dataframe[-1].value) == 3 + 4 + 2 + 31


@pytest.mark.parametrize("name", ["leadhouse", "second"])
def test_refused_loads_lie_where_the_build_writes_them(tmp_path: Path, name: str) -> None:
    config = Kit(tmp_path, f'[warehouse]\npath = "w/{name}.duckdb"\n{SOURCE}').config
    assert queries.beside(config.warehouse_path, "refused") == config.refused_dir


def test_where_nothing_else_is_known_the_builds_are_a_click_away(app: AppTest, state: Path) -> None:
    failed = noted.attempt(0, "failed", messages=("no space left on the disk",))
    (one,) = noted.fill(state, [noted.alert(("build_failed", "build"), "critical")], builds=[(failed, [])])
    click(run(app, PAGE, alert=str(one.alert_id)), "to-builds")
    assert address(app) == {"part": "builds"}
    assert "no space left on the disk" in [element.value for element in app.text]


@pytest.mark.parametrize("wrong", ["99", "x", "-1", "1e3", "٣", "9" * 400, noted.ATTACK])
def test_an_alert_that_is_not_there_is_said(app: AppTest, state: Path, wrong: str) -> None:
    noted.fill(state, [noted.alert()])
    run(app, PAGE, alert=wrong)
    assert "There is no alert" in app.info[0].value
    assert address(app) == {"part": "alerts"}


def test_hostile_texts_stay_texts(app: AppTest, state: Path) -> None:
    key = (noted.ATTACK, noted.ATTACK)
    words = dict.fromkeys(
        ("owner", "title", "observed", "expected", "what_to_do", "acknowledged_by", "note"), noted.ATTACK
    )
    bad = noted.alert(key, "critical", offenders=(noted.ATTACK,), acknowledged_at=noted.NOW, **words)
    failed = noted.attempt(0, "failed", trigger=noted.ATTACK, messages=(noted.ATTACK,))
    found = noted.result(failed, key, "failed", noted.ATTACK, why=noted.ATTACK, what_to_do=noted.ATTACK)
    where = noted.row(key, source=noted.ATTACK, file=noted.ATTACK, row_id=noted.ATTACK, note=noted.ATTACK)
    silent = noted.mute(("a", noted.ATTACK), muted_by=noted.ATTACK, reason=noted.ATTACK)
    (one,) = noted.fill(state, [bad], [where], [silent], [(failed, [found])])
    for view in ({"part": "alerts"}, {"alert": str(one.alert_id)}, {"part": "builds"}, {"part": noted.ATTACK},
                 {"part": "checks", "check": noted.ATTACK, "subject": noted.ATTACK},
                 {"part": "aside", "file": noted.ATTACK, "alert": ""}):  # fmt: skip
        for name in list(app.query_params):
            del app.query_params[name]
        run(app, PAGE, **view)
        kinds = ("markdown", "caption", "info", "error", "warning", "subheader")
        said = [str(element.value) for kind in kinds for element in getattr(app, kind)] + labels(app)
        assert not [text for text in said if READ_AS_MARKUP.search(text)]


# --- the other parts -------------------------------------------------------------------------------------------------


def test_a_failed_build_that_found_more_than_the_figures_is_told(app: AppTest, state: Path) -> None:
    failed = noted.attempt(0, "failed", messages=("check inquiries_unique on inquiries: 3 repeated ids",))
    found = [
        noted.result(failed, noted.UNIQUE, "failed", severity="critical"),
        noted.result(failed, noted.FRESH, "failed"),  # fails in the figures shown, too
    ]
    noted.fill(state, builds=[(noted.attempt(1, build_id="b1"), []), (failed, found)])
    run(app, PAGE)
    (told,) = app.error
    assert "The last build failed on" in told.value
    assert "It found 1 check worse than in the figures shown: Inquiries unique" in told.value
    text = written(run(app, PAGE, part="builds"))
    assert "failed, nothing published" in text
    assert "**shown now**" in text
    assert "check inquiries_unique on inquiries: 3 repeated ids" in [element.value for element in app.text]


def test_a_published_build_has_no_banner(app: AppTest, state: Path) -> None:
    last = noted.attempt()
    noted.fill(state, builds=[(last, [noted.result(last, noted.UNIQUE, "failed")])])
    assert not run(app, PAGE).error


def test_worse_is_new_or_critical_only_now() -> None:
    last = noted.attempt(0, "failed")
    served = [{"check_name": "a", "subject": "x", "status": "failed", "severity": "warning"},
              {"check_name": "b", "subject": "x", "status": "passed", "severity": "critical"}]  # fmt: skip

    def worse(key: tuple[str, str], status: str, severity: str) -> bool:
        return bool(builds.worse([noted.result(last, key, status, severity=severity)], served))

    assert not worse(("a", "x"), "failed", "warning")
    assert worse(("a", "x"), "failed", "critical")
    assert worse(("b", "x"), "failed", "warning")
    assert worse(("a", "y"), "failed", "warning")
    assert not worse(("b", "x"), "passed", "critical")


def test_checks_are_narrowed_by_the_address_and_show_their_past(app: AppTest, state: Path) -> None:
    made = [noted.attempt(back) for back in (2, 1, 0)]
    results = [noted.result(made[0], noted.FRESH), noted.result(made[1], noted.FRESH, "failed"),
               noted.result(made[2], noted.FRESH, "failed")]  # fmt: skip
    noted.fill(state, builds=[(one, [found]) for one, found in zip(made, results, strict=True)])
    run(app, PAGE, part="checks", status="failed", owner="operations")
    table = app.dataframe[0].value
    assert list(table["About"]) == ["ads", "inquiries"]
    assert list(table["Last builds"]) == ["✓✗✗", ""]
    app.selectbox(key="q-severity").set_value("critical").run()
    assert address(app) == {"part": "checks", "status": "failed", "owner": "operations", "severity": "critical"}
    assert app.dataframe[0].value.empty
    run(app, PAGE, part="checks", severity="nonsense")
    assert "Nothing here has severity" in app.info[0].value


def test_a_check_opens_from_the_list_with_the_rows_of_the_figures_shown(
    app: AppTest, state: Path, warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a state, a file that holds offenders and rows still leads to the row."""
    newer = shutil.copy(warehouse, tmp_path / "leadhouse.duckdb")
    with duckdb.connect(str(newer)) as connection:
        connection.execute("ALTER TABLE quality.check_results ADD COLUMN offenders VARCHAR[]")
        connection.execute("UPDATE quality.check_results SET offenders = ['ads', 'crm'] WHERE status = 'failed'")
        connection.execute(
            "CREATE TABLE quality.check_rows (check_name VARCHAR, subject VARCHAR, source VARCHAR, entity VARCHAR,"
            " file VARCHAR, line BIGINT, row_id VARCHAR, note VARCHAR)"
        )
        connection.execute(
            "INSERT INTO quality.check_rows VALUES ('sources_mapped', 'inquiries', 'crm', 'inquiries',"
            " 'inquiries-2025.csv', 40, NULL, 'n')"
        )
    monkeypatch.setenv("LEADHOUSE_WAREHOUSE", str(newer))
    run(app, PAGE, part="checks")
    at = list(app.dataframe[0].value["Check"]).index("Sources mapped")
    app.selectbox(key="q-check").set_value(at).run()
    assert address(app) == {"part": "checks", "check": "sources_mapped", "subject": "inquiries"}
    assert "**Which** ads, crm" in written(app)
    click(app, "row-0")
    assert app.code[0].value == "1001,yesterday,Zillow"


def test_a_group_set_aside_is_one_click_from_its_rows(app: AppTest, state: Path) -> None:
    run(app, PAGE, part="aside")
    click(app, "group-0")
    assert address(app) == {
        "part": "aside", "source": "dialer", "entity": "touches", "reason": "unknown_word",
        "file": "calls-2026-03.csv", "column": "channel",
    }  # fmt: skip
    assert len(app.dataframe[-1].value) == 31
    assert app.dataframe[-1].value["The row as it stands"][0] == "c1,2026-03-02 09:00,fax,outbound"


def test_a_part_is_found_as_it_was_left(app: AppTest, state: Path) -> None:
    run(app, PAGE, part="loads", source="crm")
    assert set(app.dataframe[0].value["Source"]) == {"crm"}
    app.segmented_control(key="q-part").set_value("sources").run()
    assert address(app) == {"part": "sources"}
    app.segmented_control(key="q-part").set_value("loads").run()
    assert address(app) == {"part": "loads", "source": "crm"}


def test_late_sources_come_first_and_say_so_in_words(app: AppTest, state: Path) -> None:
    text = written(run(app, PAGE, part="sources"))
    assert text.index("**ads**") < text.index("**crm**")
    badge = next(element.value for element in app.markdown if "behind the newest" in element.value)
    assert "5 days" in badge
    assert "behind the clock" in text
    assert "the last load that brought some: Tue Mar 10, 2026, 6:52 AM" in text


def test_the_state_of_a_source() -> None:
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    source = {"data_through": now - timedelta(hours=5), "is_stale": False, "days_behind": 0.0}
    days = {date(2026, 3, 4): 3}

    def words(last: date | None = None, **changes: object) -> str:
        return source_cards.state(source | changes, days if last else {}, last, now)[0]

    assert words() == "up to date"
    assert words(data_through=now - timedelta(days=4)) == "nothing for 4 days"
    assert words(is_stale=True, days_behind=3.5) == "3 days 12 h behind the newest"
    assert words(data_through=None) == "no times to tell by"
    assert words(date(2026, 3, 9), data_through=None) == "last row 5 days before the newest"
    assert words(date(2026, 3, 6), data_through=None) == "up to date"


def test_rows_a_day_in_words() -> None:
    last = date(2026, 3, 9)
    days = {last - timedelta(days=back): 14 for back in range(2, 42)}
    figure, told = source_cards.chart(days, last)
    assert told == "Rows a day: 10 in the week to Mar 9, 14 in the 5 weeks before; none on the last 2 days."
    assert sum(figure["data"][0]["y"]) == 14 * 40


@pytest.mark.parametrize(
    ("found", "numbers"),
    [
        (["files-2026: 3 late", "files-2026: 5 late"], [3, 5]),
        (["3 rows as expected", "crm: 1,234.5"], [None, 1234.5]),
        (["a: -2", "b: -2"], [None, -2]),
        (["nothing", "none"], [None, None]),
    ],
)
def test_the_number_of_what_was_found(found: list[str], numbers: list[float | None]) -> None:
    made = noted.attempt()
    results = [noted.result(made, noted.FRESH, "failed", words) for words in found]
    assert history.numbers(results) == numbers


def test_the_past_in_words() -> None:
    made = noted.attempt()

    def words(*statuses: str) -> str:
        return history.words([noted.result(made, noted.FRESH, status) for status in statuses])

    assert words() == "No build before this one is remembered."
    assert words("passed") == "Passed in the last build."
    assert words("failed", "failed") == "Failed in the last 2 builds."
    assert words("failed", "passed", "passed") == "Failed 1 time in the last 3 builds; passed in the last 2."


# --- the other pages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["", "views/definitions.py"])
def test_other_pages_hint_at_critical_alerts_only(app: AppTest, state: Path, page: str) -> None:
    def hints() -> list[str]:
        labels = [link.proto.label for link in run(app, page).get("page_link")]
        return [label for label in labels if label != "Sources"]  # the way on from the ROI card

    assert hints() == []
    noted.fill(state, [noted.alert()])
    assert hints() == []
    noted.fill(state, [noted.alert(noted.UNIQUE, "critical")])
    assert hints() == ["1 critical alert open: see what and what to do"]
    noted.fill(state, mutes=[noted.mute(noted.UNIQUE)])
    assert hints() == []
    state.write_bytes(b"no database" * 500)
    assert hints() == ["The alerts cannot be read: see why"]


@pytest.mark.parametrize("name", ["leadhouse", "second"])
def test_the_state_lies_where_the_build_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As the configuration names it, also where nobody says so."""
    config = Kit(tmp_path, f'[warehouse]\npath = "w/{name}.duckdb"\n{SOURCE}').config
    monkeypatch.setenv("LEADHOUSE_WAREHOUSE", str(config.warehouse_path))
    assert pages_noted.path() == config.state_path
    monkeypatch.setenv("LEADHOUSE_STATE", "elsewhere.sqlite")
    assert pages_noted.path() == Path("elsewhere.sqlite")
