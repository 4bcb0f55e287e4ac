"""The page of sources and the ROI card: what they say is what the published file holds, and what it lacks is said."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from dashboards import queries
from dashboards.components import economics, economics_chart, economics_rows, roi_card
from dashboards.components.formats import csv_bytes, money, percent
from dashboards.queries import EconomicsScope, Row
from tests.dashboard import published
from tests.dashboard.test_pages import address, card, run, text_of

YEAR = EconomicsScope("trailing_12m", date(2025, 4, 1), "cash")
PAGE = "views/sources.py"


def rows_of(snap: queries.Snapshot, scope: EconomicsScope = YEAR) -> dict[str, Row]:
    return {row["source"]: row for row in queries.economics(snap, scope)}


def visit(app: AppTest, **wanted: str) -> AppTest:
    """Run the page at an address of its own: here, unlike in a browser, that of the page before stays."""
    app.switch_page(PAGE)
    app.query_params.clear()
    return run(app, **wanted)


def said(app: AppTest) -> str:
    """The text of the page as a reader sees it."""
    return text_of(app).replace("\\", "").replace("\u2060", "")


@pytest.mark.parametrize(
    ("period", "start", "last"),
    [
        ("week", date(2026, 2, 23), date(2026, 3, 1)),
        ("month", date(2024, 2, 1), date(2024, 2, 29)),
        ("quarter", date(2025, 10, 1), date(2025, 12, 31)),
        ("trailing_12m", date(2025, 4, 1), date(2026, 3, 31)),
    ],
)
def test_a_period_ends_on_its_last_day(period: str, start: date, last: date) -> None:
    assert EconomicsScope(period, start, "cash").last == last


@pytest.mark.parametrize("view", queries.ECONOMICS_VIEWS)
@pytest.mark.parametrize("period", queries.ECONOMICS_PERIODS)
def test_the_rows_behind_add_up_to_the_figures_of_every_source(snap: queries.Snapshot, period: str, view: str) -> None:
    scope = EconomicsScope(period, queries.economics_starts(snap)[period][-2], view)
    found = rows_of(snap, scope)
    assert list(found)[-1] == "(all)"
    for source, row in found.items():
        behind = {kind: queries.economics_behind(snap, scope, source, kind) for kind in queries.BEHIND_ECONOMICS}
        entries = [one["entry"] for one in behind["appointments"] + behind["deals"]]
        assert sum((one["amount"] for one in behind["costs"]), Decimal(0)) == row["cost"], source
        assert len(behind["leads"]) == row["leads_eligible"], source
        assert [entries.count(name) for name in ("appointment_set", "appointment_held", "contract", "closing")] == [
            row[name] for name in ("appointments_set", "appointments_held", "contracts", "closes")
        ], source
        closings = [one for one in behind["deals"] if one["entry"] == "closing"]
        assert sum((one["gci"] for one in closings), Decimal(0)) == row["gci"], source
        if row["company_dollar"] is not None:
            assert sum((one["company_dollar"] for one in closings), Decimal(0)) == row["company_dollar"], source
        parts = queries.confidence_parts(snap, scope, source)
        shares = [
            float(parts[part] / parts[whole])
            for part, whole in (("leads_settled", "leads_eligible"), ("closes_with_gci", "closes"),
                                ("cost_media_mapped", "cost_media"))
            if parts[whole]
        ]  # fmt: skip
        assert row["confidence"] == pytest.approx(min(shares, default=None)), source


def test_an_unknown_kind_of_rows_is_refused(snap: queries.Snapshot) -> None:
    with pytest.raises(queries.UnknownNameError, match="kind of rows 'x'"):
        queries.economics_behind(snap, YEAR, "Zillow", "x")


def test_the_page_says_what_to_feed_and_stop_and_what_it_all_came_to(app: AppTest, snap: queries.Snapshot) -> None:
    visit(app)
    assert app.title[0].value == "Sources"
    found, text = rows_of(snap), said(app)
    named = {source: row["verdict"] for source, row in found.items() if row["cost"] and row["verdict"]}
    assert set(named.values()) == {"feed", "stop", "too early"}, "the invented file has each"
    for verdict, words in (("feed", "**Feed** "), ("stop", "**Stop** ")):
        line = text.split(words)[1].split(". **")[0].split("\n")[0]
        assert {source for source in named if source in line} == {s for s, v in named.items() if v == verdict}
    assert f"In all, {money(found['(all)']['cost'], 'USD', 0)} was spent" in text, "a split is missing"
    assert "Apr 1, 2025 – Mar 31, 2026 · What was paid and earned then; the period is still running." in text
    assert "feed from a ROI of 200 %, stop up to 0 %" in text
    assert address(app) == {"period": "trailing_12m", "start": "2025-04-01", "view": "cash"}


def test_without_a_missing_split_the_whole_has_a_return(app: AppTest, snap: queries.Snapshot) -> None:
    scope = next(
        EconomicsScope("month", start, "cash")
        for start in reversed(queries.economics_starts(snap)["month"])
        if rows_of(snap, EconomicsScope("month", start, "cash"))["(all)"]["roi"] is not None
    )
    visit(app, period="month", start=scope.start.isoformat())
    whole = rows_of(snap, scope)["(all)"]
    assert f"ROI **{percent(whole['roi'])}**" in said(app)


def test_every_source_without_a_return_says_why(app: AppTest, snap: queries.Snapshot) -> None:
    visit(app)
    text = said(app)
    for source, row in rows_of(snap).items():
        if row["roi"] is None and source not in economics.NO_SOURCES and source != "(all)":
            assert f"**{source}** ({row['leads_eligible']} leads" in text
    assert "no cost is entered, so there is no return on it" in text
    assert "the agent's split is missing on 3 closings" in text
    assert "**(no lead)**: deals and appointments that belong to no lead" in text
    assert "**(left-out lead)**" in text


def test_a_source_shows_its_arithmetic_its_confidence_and_its_rows(app: AppTest, snap: queries.Snapshot) -> None:
    visit(app, source="Zillow", view="cohort")
    row, text = rows_of(snap, EconomicsScope(YEAR.period, YEAR.start, "cohort"))["Zillow"], said(app)
    earned, cost = money(row["company_dollar"], "USD"), money(row["cost"], "USD")
    assert f"({earned} company dollar − {cost} cost) / {cost} = **{percent(row['roi'])}**" in text
    assert f"{row['leads_eligible']} leads at {money(row['cost_per_lead'], 'USD')}" in text
    assert f"{row['closes']} closings at {money(row['cost_per_close'], 'USD')}" in text
    assert "**Confidence " in text
    table = app.dataframe[1].value
    assert len(table) == len(
        queries.economics_behind(snap, EconomicsScope(YEAR.period, YEAR.start, "cohort"), "Zillow", "deals")
    )
    app.segmented_control(key="s-behind").set_value("costs").run()
    assert not app.exception
    assert address(app)["behind"] == "costs"
    assert app.dataframe[1].value["Amount, USD"].sum() == pytest.approx(float(row["cost"]))


def test_the_widgets_write_the_address(app: AppTest) -> None:
    visit(app)
    app.radio(key="s-view").set_value("cohort").run()
    app.segmented_control(key="s-period").set_value("month").run()
    assert address(app) == {"period": "month", "start": "2026-02-01", "view": "cohort"}, "the latest that is over"
    app.selectbox(key="s-start").set_value(date(2026, 1, 1)).run()
    app.selectbox(key="s-source").set_value("(all)").run()
    assert not app.exception
    assert address(app) == {"period": "month", "start": "2026-01-01", "view": "cohort", "source": "(all)",
                            "behind": "deals"}  # fmt: skip
    assert "Leads that came in then, whatever became of them." in said(app)


def test_nonsense_in_the_address_is_corrected_and_said(app: AppTest) -> None:
    visit(app, period="decade", start="2026-13-01", view="x", source="<script>alert(1)</script>", behind="y")
    assert address(app) == {"period": "trailing_12m", "start": "2025-04-01", "view": "cash"}
    told = "\n".join(info.value for info in app.info)
    for words in ("no period", "No period of this length", "no view", "Nothing of", "no rows of the kind"):
        assert words in told
    assert "<script>" not in told


def test_names_that_are_markup_stay_text(app: AppTest, snap: queries.Snapshot) -> None:
    visit(app, source=published.HOSTILE_SOURCE, behind="costs")
    assert published.HOSTILE_SOURCE in said(app)
    assert "<b>Ads" not in text_of(app)
    drawn = economics_chart.chart(economics_chart.ranked(queries.economics(snap, YEAR)), "USD", (2.0, 0.0))
    labels = "".join(str(note.text) for note in drawn.layout.annotations)
    assert "&lt;b&gt;Ads" in labels
    leads = economics_rows.words_of(queries.economics_behind(snap, YEAR, "(all)", "leads"), "leads", "USD")
    assert published.FORMULA_PERSON in {lead["Person"] for lead in leads}
    lines = csv_bytes(leads).decode("utf-8-sig").splitlines()
    assert len(lines) == len(leads) + 1
    assert not [line for line in lines if line.startswith(("=", '"='))]


def test_the_chart_ranks_by_return_and_names_what_it_rests_on(snap: queries.Snapshot) -> None:
    rows = economics_chart.ranked(queries.economics(snap, YEAR))
    assert [row["roi"] for row in rows] == sorted((row["roi"] for row in rows), reverse=True)
    notes = [str(note.text) for note in economics_chart.chart(rows, "USD", (2.0, 0.0)).layout.annotations]
    for row, note in zip(rows, notes, strict=False):
        for part in (percent(row["roi"]), economics.VERDICTS[row["verdict"]], money(row["cost"], "USD", 0)):
            assert part in note
        assert f"{row['leads_eligible']} lead" in note
        assert f"{row['closes']} closing" in note
    marks = economics_chart.chart(rows, "USD", (2.0, 0.0)).data[-1]
    beyond = [row["roi"] > 6.5 for row in rows]
    assert any(beyond)
    assert [symbol == "triangle-right" for symbol in marks.marker.symbol] == beyond, "drawn at the end, not off it"


def _without(warehouse: Path, folder: Path, *statements: str) -> Path:
    older = folder / "leadhouse.duckdb"
    shutil.copy(warehouse, older)
    with duckdb.connect(str(older)) as con:
        for statement in statements:
            con.execute(statement)
    return older


def test_an_older_file_says_so_in_one_line(
    app: AppTest, warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = _without(
        warehouse, tmp_path, "drop table marts.source_economics", "drop table marts.source_economics_entries"
    )
    monkeypatch.setenv("LEADHOUSE_WAREHOUSE", str(older))
    run(app)
    assert card(app, roi_card.LABEL).value == "Not known"
    assert "run `leadhouse build`" in text_of(app)
    visit(app)
    assert [info.value for info in app.info] == [
        "These figures were published before Leadhouse computed what sources cost and earn. Run `leadhouse build`."
    ]


def test_a_file_without_the_thresholds_says_where_they_are(
    app: AppTest, warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = _without(warehouse, tmp_path, "alter table quality.build drop feed_above_roi",
                     "alter table quality.build drop stop_below_roi")  # fmt: skip
    monkeypatch.setenv("LEADHOUSE_WAREHOUSE", str(older))
    visit(app, source="Zillow")
    assert "`feed_above_roi` and `stop_below_roi` (`[economics]` in leadhouse.toml)" in text_of(app)


def test_nothing_to_judge_by_says_what_to_map(
    app: AppTest, warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = _without(warehouse, tmp_path, "delete from marts.source_economics")
    monkeypatch.setenv("LEADHOUSE_WAREHOUSE", str(empty))
    visit(app)
    assert "Map a table of `spend` and one of `deals`" in app.info[0].value
    run(app, "views/weekly.py")
    assert card(app, roi_card.LABEL).value == "Not known"
    assert "Nothing was spent, came in or closed in these months." in text_of(app)


def test_the_card_is_the_trailing_year_that_ends_with_the_month_of_the_week(
    app: AppTest, warehouse: Path, snap: queries.Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(app)
    assert card(app, roi_card.LABEL).value == "Not known"
    assert "The agent's split is missing on 3 closings." in said(app)
    entered = _without(
        warehouse, tmp_path,
        "update marts.source_economics set company_dollar = 50000, roi = (50000 - cost) / cost, why_null = null,"
        " verdict = 'keep' where source = '(all)' and view = 'cash' and period = 'trailing_12m'",
    )  # fmt: skip
    monkeypatch.setenv("LEADHOUSE_WAREHOUSE", str(entered))
    run(app, "views/weekly.py", week="2026-02-23")
    february = queries.economics(queries.snapshot(entered), EconomicsScope("trailing_12m", date(2025, 3, 1), "cash"))[
        -1
    ]
    assert card(app, roi_card.LABEL).value == percent((50_000 - float(february["cost"])) / float(february["cost"]))
    text = said(app)
    assert "Mar 1, 2025 – Feb 28, 2026" in text
    assert f"($50,000 company dollar − {money(february['cost'], 'USD', 0)} cost)" in text
    run(app, "views/weekly.py", week="2026-03-02", slice="source", value="Zillow")
    assert card(app, roi_card.LABEL).value == percent(rows_of(snap)["Zillow"]["roi"])
    run(app, "views/weekly.py", slice="agent", value="Ana Ruiz")
    assert not [metric for metric in app.metric if metric.label == roi_card.LABEL]


def row(**changes: Any) -> Row:
    """A row of source economics in words."""
    return {
        "source": "A", "cost": Decimal(100), "cost_media": Decimal(100), "cost_fees": Decimal(0), "leads_eligible": 1,
        "appointments_set": 1, "appointments_held": 0, "contracts": 1, "closes": 1, "gci": Decimal(1000),
        "company_dollar": Decimal(300), "pending_gci_weighted": Decimal(0), "roi": 2.0, "roi_gci": 9.0,
        "return_multiple": 3.0, "confidence": 0.9, "verdict": "feed", "splits_missing": 0, "splits_assumed": 1,
        "why_null": None, "cost_per_lead": 100.0, "cost_per_appointment_set": 100.0, "cost_per_appointment_held": None,
        "cost_per_contract": 100.0, "cost_per_close": 100.0, **changes,
    }  # fmt: skip


def test_the_arithmetic_in_words() -> None:
    lines = [line.replace("\\", "") for line in economics.arithmetic(row(), "USD")]
    assert lines == [
        "**Cost** $100.00 = $100.00 media + $0.00 fees for deals that closed",
        (
            "**Company dollar** $300.00 = $1,000.00 commission (GCI) of 1 closing − $700.00 agents' splits, of which 1"
            " is assumed (`default_agent_split`)"
        ),
        "**ROI** ($300.00 company dollar − $100.00 cost) / $100.00 = **200 %**; on GCI 900 %",
        "**Return multiple** $300.00 / $100.00 = 3.00 ×, where 1 is money back",
        (
            "**Cost per result** $100.00 for 1 lead at $100.00, 1 appointment set at $100.00, 1 contract at $100.00,"
            " 1 closing at $100.00"
        ),
    ]
    credit = economics.arithmetic(row(cost=Decimal(-5), cost_media=Decimal(-5)), "USD")
    assert any("return on less than nothing says nothing" in line for line in credit)
    free = row(cost=Decimal(0), roi=None, return_multiple=None, verdict=None, why_null="success fee source")
    assert "**ROI** none: paid by result alone, and no fee was due" in economics.arithmetic(free, "USD")
    assert economics.decided(free, (2.0, 0.0)) == "No verdict: paid by result alone, and no fee was due."


@pytest.mark.parametrize(
    ("confidence", "words"),
    [
        (None, "none"),
        (0.0, "0 % · low"),
        (0.599, "60 % · low"),
        (0.6, "60 % · fair"),
        (0.8, "80 % · high"),
        (1.0, "100 % · high"),
    ],
)
def test_confidence_in_words(confidence: float | None, words: str) -> None:
    assert economics.sureness(confidence) == words


def test_what_is_no_source_has_no_verdict_and_is_not_named() -> None:
    rows = [row(source=name) for name in ("(unattributed)", "(excluded)", "(no source)", "A", "(all)")]
    assert economics.named(rows) == {"feed": "A"}
    table, _ = economics.table(rows, "EUR")
    assert list(table["Verdict"]) == ["–", "–", "–", "Feed", "Feed"]
    assert {"Cost, EUR", "EUR per lead", "Company dollar, EUR"} <= set(table.columns)
