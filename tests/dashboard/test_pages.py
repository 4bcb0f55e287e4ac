"""The pages, run without a browser: what they show, what they say, what they survive."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from dashboards import queries
from tests.dashboard import published

PAGES = ("views/weekly.py", "views/sources.py", "views/data_quality.py", "views/definitions.py")


def run(app: AppTest, page: str = "", /, **address: str) -> AppTest:
    """Run a page at an address, and see that nothing went wrong."""
    app.run()
    if page:
        app.switch_page(page)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, [error.value for error in app.exception]
    return app


def text_of(app: AppTest) -> str:
    """All the text of a page."""
    kinds = ("title", "subheader", "markdown", "caption", "info", "error", "warning", "text")
    return "\n".join(str(element.value) for kind in kinds for element in getattr(app, kind))


def address(app: AppTest) -> dict[str, str]:
    """The address as it stands after a run."""
    return {name: values[0] if isinstance(values, list) else values for name, values in app.query_params.items()}


def card(app: AppTest, label: str) -> Any:
    """The card with that label."""
    return next(metric for metric in app.metric if metric.label == label)


def test_the_first_page_is_the_latest_week_that_can_be_judged(app: AppTest) -> None:
    run(app)
    assert app.title[0].value == "Week of Mar 2 – 8, 2026"
    assert "Data through **Tue Mar 10, 2026, 6:12 AM**, New York time" in text_of(app)
    assert "week of Mar 9 – 15, 2026 is still running. So far: " in text_of(app)
    assert address(app) == {"week": "2026-03-02", "period": "week", "slice": "all"}


def test_every_card_shows_the_figure_of_the_table(app: AppTest, snap: queries.Snapshot) -> None:
    run(app)
    figures = queries.figures(snap, queries.Scope(published.LAST_WEEK.replace(day=2)))
    contact = figures["contact_rate_48h"]
    assert card(app, "Contact rate, 48 hours").value == f"{contact['value'] * 100:.1f} %"
    assert f"{contact['numerator']} of {contact['denominator']} leads" in text_of(app)
    assert card(app, "Leads").value == f"{figures['leads']['value']:.0f}"
    assert len(app.metric) == 21


def test_an_address_is_restored(app: AppTest) -> None:
    wanted = {"week": "2026-02-16", "period": "trailing_4w", "slice": "source", "value": "Zillow"}
    run(app, **wanted)
    assert app.title[0].value == "Jan 26 – Feb 22, 2026"
    assert "Only source **Zillow**" in text_of(app)
    assert app.selectbox(key="f-value").value == "Zillow"
    assert address(app) == wanted


def test_widgets_write_the_address(app: AppTest) -> None:
    run(app)
    app.selectbox(key="f-slice").set_value("agent").run()
    assert address(app)["slice"] == "agent"
    app.selectbox(key="f-value").set_value("Ana Ruiz").run()
    app.button(key="f-earlier").click().run()
    assert not app.exception
    assert address(app) == {"week": "2026-02-23", "period": "week", "slice": "agent", "value": "Ana Ruiz"}
    app.selectbox(key="f-slice").set_value("all").run()
    assert "value" not in address(app)
    assert app.title[0].value == "Week of Feb 23 – Mar 1, 2026"


def test_nonsense_in_the_address_is_corrected_and_said(app: AppTest) -> None:
    run(app, week="2026-03-04", period="day", slice="source", value="<script>alert(1)</script>", metric="x", list="y")
    assert address(app) == {"week": "2026-03-02", "period": "week", "slice": "source"}
    said = "\n".join(info.value for info in app.info)
    for word in ("no period", "starts on Monday", "no figures for source", "no number", "no list"):
        assert word in said
    assert "<script>" not in said


def test_the_week_in_progress_is_grey_and_says_so(app: AppTest) -> None:
    run(app, week="2026-03-09")
    assert "This week is not over" in text_of(app)
    assert "Too early to judge" in text_of(app)


def test_what_is_known_weeks_later_is_shown_of_the_latest_weeks_that_can_be_judged(
    app: AppTest, snap: queries.Snapshot
) -> None:
    run(app)
    week = queries.Scope(published.LAST_WEEK.replace(day=2))
    assert queries.figures(snap, week)["set_rate_14d"]["reliability"] == "too_early"
    found = queries.judged_figures(snap, week, ["set_rate_14d", "contract_rate_180d"])
    assert found.keys() == {"set_rate_14d"}, "the invented file is shorter than 180 days"
    older = found["set_rate_14d"]
    assert card(app, "Appointment rate, 14 days").value == f"{older['value'] * 100:.1f} %"
    assert older["week_start"] < week.week
    assert "Feb 16 – 22, 2026, the latest that can be judged." in text_of(app)
    assert "Too early to judge: most of these people first met us less than 180 days ago." in text_of(app)


def test_the_held_rate_has_its_bounds_and_its_coverage_beside_it(app: AppTest, snap: queries.Snapshot) -> None:
    run(app, week="2026-03-02", period="trailing_4w")
    now = queries.figures(snap, queries.Scope(published.LAST_WEEK.replace(day=2), "trailing_4w"))
    low, high, known = (now[name] for name in ("held_rate_low", "held_rate_high", "outcome_coverage"))
    assert low["value"] < now["held_rate"]["value"] < high["value"]
    said = text_of(app)
    assert f"Outcome entered for {known['numerator']} of {known['denominator']} due" in said
    assert f"held is {low['value'] * 100:.1f} % to {high['value'] * 100:.1f} %" in said
    assert "Period: appointments due then" in said
    assert "Cohort: leads that came in then" in said


@pytest.mark.parametrize(
    ("metric", "columns"),
    [
        ("set_rate_14d", {"Person", "Waited", "Set at", "Counted as"}),
        ("held_rate", {"Person", "Starts", "Outcome", "Counted as", "Agent"}),
        ("appointments_cancelled_by_us", {"Person", "Starts", "Outcome"}),
        ("agreement_rate_30d", {"Person", "First met", "Counted as", "Agreement"}),
    ],
)
def test_lists_of_appointments_and_people(app: AppTest, metric: str, columns: set[str]) -> None:
    run(app, week="2026-02-09", period="trailing_4w", list=metric)
    assert address(app)["list"] == metric
    assert columns <= set(app.dataframe[-1].value.columns)


def test_every_card_has_its_line_and_shows_it_large_when_asked(app: AppTest) -> None:
    run(app)
    drawn = len(app.metric) - 2  # nobody of the invented file first met us 180 days ago; ROI names sources instead
    assert len(app.get("plotly_chart")) == drawn + 2
    app.button(key="over-time-sla_met_rate").click().run()
    assert not app.exception
    assert address(app)["metric"] == "sla_met_rate"
    assert app.selectbox(key="f-metric").value == "sla_met_rate"
    assert "Answered within SLA, by source" in text_of(app)


def test_a_week_of_few_leads_is_compared_over_more_weeks(app: AppTest) -> None:
    run(app, week="2026-03-02", slice="source")
    assert "**Feb 9 – Mar 8, 2026**" in text_of(app)
    assert "1 week alone has too few leads to compare" in text_of(app)


def test_a_window_without_anything_says_so(warehouse: Path, app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "figures", lambda *_: {})
    run(app, week="2026-02-09", slice="source", value=published.HOSTILE_SOURCE)
    assert "No lead, no inquiry and no spend in these days" in text_of(app)
    assert not app.metric
    assert "Small charts" not in text_of(app)


def test_the_list_of_leads_opens_from_the_card_and_closes_the_address(app: AppTest) -> None:
    run(app, week="2026-03-02")
    app.button(key="leads-contact_rate_48h").click().run()
    assert not app.exception
    assert address(app)["list"] == "contact_rate_48h"
    table = app.dataframe[-1].value
    assert {"Person", "Waited", "Came in", "Counted as", "Source", "Agent"} <= set(table.columns)
    assert published.HOSTILE_PERSON not in "".join(str(element.value) for element in app.markdown)


@pytest.mark.parametrize("metric", ["leads", "leads_excluded", "response_minutes_median", "never_answered_rate"])
def test_every_kind_of_list_opens(app: AppTest, metric: str) -> None:
    run(app, week="2026-03-02", period="trailing_12w", slice="source", value=published.HOSTILE_SOURCE, list=metric)
    assert address(app)["list"] == metric


@pytest.mark.parametrize("metric", ["leads", "spend", "response_minutes_p90", "contact_rate_14d", "sender_known_rate",
                                    "integration_lag_seconds_median", "inquiries"])  # fmt: skip
def test_every_kind_of_trend_draws(app: AppTest, metric: str) -> None:
    run(app, metric=metric, slice="source")


@pytest.mark.parametrize("slice_", queries.SLICES)
def test_every_slice_draws(app: AppTest, slice_: str) -> None:
    run(app, slice=slice_, period="trailing_52w")


def test_what_was_loaded_adds_up(app: AppTest) -> None:
    run(app, "views/data_quality.py", part="loads")
    text = text_of(app)
    assert "rows in the files = " in text
    assert "not accounted for" not in text
    files = next(table.value for table in app.dataframe if "Adds up" in table.value.columns)
    assert set(files["Adds up"]) == {"yes"}
    assert len(files) == 5


def test_set_aside_rows_are_filtered_by_the_address(app: AppTest) -> None:
    run(app, "views/data_quality.py", source="dialer", reason="unknown_word")  # an address of before there were parts
    rows = app.dataframe[-1].value
    assert len(rows) == 31
    assert set(rows["Source"]) == {"dialer"}
    app.selectbox(key="q-source").set_value("").run()
    assert address(app) == {"part": "aside", "reason": "unknown_word"}
    run(app, "views/data_quality.py", entity="nothing")
    assert "Nothing here has entity" in app.info[0].value


def test_why_rows_are_set_aside_and_what_lets_them_load_without_a_row(app: AppTest, snap: queries.Snapshot) -> None:
    run(app, "views/data_quality.py", part="aside")
    text = text_of(app).replace("\\", "")
    for words in ("**4** · A value cannot be read in event_at", "mend event_at",
                  "**31** · A word that is not on the list in channel", "mend channel"):  # fmt: skip
        assert words in text
    for row in snap.rows("select raw_text from quality.quarantine"):
        assert row["raw_text"] not in text
    assert "leadhouse quarantine" in text


def test_rows_set_aside_by_an_earlier_version_are_shown_without_a_fix(
    tmp_path: Path, warehouse: Path, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = shutil.copy(warehouse, tmp_path / "leadhouse.duckdb")
    with duckdb.connect(str(older)) as connection:
        for column in ("fix", "quarantine_id", "sha256"):
            connection.execute(f"alter table quality.quarantine drop column {column}")
    monkeypatch.setenv("LEADHOUSE_WAREHOUSE", str(older))
    text = text_of(run(app, "views/data_quality.py", part="aside"))
    assert "A word that is not on the list" in text.replace("\\", "")
    assert "What to do: " not in text


def test_the_meaning_of_every_number_is_there(app: AppTest, snap: queries.Snapshot) -> None:
    run(app, "views/definitions.py")
    text = text_of(app)
    for metric in queries.definitions(snap).values():
        assert metric["words"] in text


def test_filters_survive_a_visit_to_another_page(app: AppTest) -> None:
    run(app, week="2026-02-16", period="week", slice="agent")
    app.switch_page("views/data_quality.py").run()
    for name in list(app.query_params):
        del app.query_params[name]
    app.switch_page("views/weekly.py").run()
    assert app.title[0].value == "Week of Feb 16 – 22, 2026"


@pytest.mark.parametrize("page", PAGES)
def test_without_a_file_every_page_says_what_to_run(
    page: str, tmp_path: Path, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADHOUSE_WAREHOUSE", str(tmp_path / "leadhouse.duckdb"))
    run(app, page)
    assert app.title[0].value == "No figures yet"
    assert "leadhouse build" in app.code[0].value


@pytest.mark.parametrize("page", PAGES)
def test_a_failed_build_is_told_on_every_page(
    page: str, warehouse: Path, tmp_path: Path, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "leadhouse.duckdb"
    shutil.copy(warehouse, copy)
    outcome = {
        "status": "failed", "started_at": "2026-03-11T10:00:00+00:00", "finished_at": "2026-03-11T10:01:00+00:00",
        "messages": ["calls.csv: <b>31</b> of 90 rows could not be read"],
    }  # fmt: skip
    copy.with_name("last_build.json").write_text(json.dumps(outcome))
    monkeypatch.setenv("LEADHOUSE_WAREHOUSE", str(copy))
    run(app, page)
    assert "The last build failed on Wed Mar 11, 2026, 6:01 AM" in app.error[0].value
    assert "These figures are from Tue Mar 10, 2026, 6:52 AM" in app.error[0].value
    assert outcome["messages"][0] in [element.value for element in app.text]
    copy.with_name("last_build.json").write_text('{"status": "ok"}')
    app.run()
    assert not app.error


def test_a_page_reads_the_new_file_after_a_publish(
    warehouse: Path, tmp_path: Path, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "leadhouse.duckdb"
    shutil.copy(warehouse, copy)
    monkeypatch.setenv("LEADHOUSE_WAREHOUSE", str(copy))
    before = card(run(app), "Leads").value
    published.write(copy, weeks=4, leads_a_week=90, seed=3)
    app.run()
    assert not app.exception
    assert card(app, "Leads").value != before


def test_an_open_page_offers_newer_figures(warehouse: Path) -> None:
    def page(path: str, size: int) -> None:
        from dashboards import queries
        from dashboards.components import layout

        found = queries.Version.of(path)
        assert found
        layout._newer(queries.Version(found.path, found.inode, found.mtime_ns, size or found.size))

    same = AppTest.from_function(page, kwargs={"path": str(warehouse), "size": 0}, default_timeout=30).run()
    assert not same.button
    replaced = AppTest.from_function(page, kwargs={"path": str(warehouse), "size": 1}, default_timeout=30).run()
    assert replaced.button(key="show-newer").label == "Show them"


def test_a_list_that_a_slice_does_not_have_stays_closed(app: AppTest) -> None:
    run(app, week="2026-03-02", slice="responder", value="Ana Ruiz", list="inquiries")


def test_an_empty_warehouse_is_no_error(
    warehouse: Path, tmp_path: Path, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    import duckdb

    copy = tmp_path / "leadhouse.duckdb"
    shutil.copy(warehouse, copy)
    with duckdb.connect(str(copy)) as con:
        for table in ("marts.metric_weekly", "marts.leads", "marts.metric_leads", "quality.quarantine",
                      "quality.load_log", "quality.check_results", "quality.sources"):  # fmt: skip
            con.execute(f"delete from {table}")
    monkeypatch.setenv("LEADHOUSE_WAREHOUSE", str(copy))
    assert "holds no figures yet" in text_of(run(app))
    assert "No row was set aside" in text_of(run(app, "views/data_quality.py", part="aside"))
    for part in ("alerts", "sources", "loads", "checks", "builds"):
        run(app, "views/data_quality.py", part=part)


def test_a_file_that_fails_a_check_twice_breaks_no_page(
    app: AppTest, warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two unknown columns of one file are two findings of one check."""
    copy = tmp_path / "leadhouse.duckdb"
    shutil.copy(warehouse, copy)
    with duckdb.connect(str(copy)) as con:
        con.execute("update quality.check_results set status = 'failed'")
        con.execute("insert into quality.check_results from quality.check_results")
    monkeypatch.setenv("LEADHOUSE_WAREHOUSE", str(copy))
    assert not run(app, "views/data_quality.py").exception


def test_a_link_to_a_page_works_on_a_server_that_nobody_has_visited_yet() -> None:
    """Streamlit takes a folder `pages` beside the app for its own kind of pages until the app has run once."""
    assert not (Path(queries.__file__).parent / "pages").exists()
