"""The dbt project: its unit tests one by one, its documentation, its data tests against damage, its incremental facts.

The folder is no package: an `__init__.py` here would make it the package `dbt`.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagster_project.dbt_project import DBT_DIR, ROOT
from dagster_project.entities import ENTITIES
from tests.dbt.house import AS_OF, Working, bad, differing, draw_house, some_of

MODELS = DBT_DIR / "models"


def unit_tests() -> list[tuple[str, str]]:
    """Model and name of every unit test, as the yml files have them."""
    found = [
        (test["model"], test["name"])
        for file in sorted(MODELS.rglob("*.yml"))
        for test in yaml.safe_load(file.read_text(encoding="utf-8")).get("unit_tests", ())
    ]
    assert found
    return found


@pytest.mark.parametrize(("model", "name"), unit_tests(), ids=[f"{model}-{name}" for model, name in unit_tests()])
def test_unit(everything: dict[str, dict[str, Any]], model: str, name: str) -> None:
    assert name in everything, f"dbt did not run the unit test {name} of {model}"
    assert everything[name]["status"] == "pass", everything[name]["message"]


def test_an_empty_house_is_built_and_checked(everything: dict[str, dict[str, Any]]) -> None:
    assert bad(everything) == {}


def test_dbt_is_importable_beside_the_folder_dbt() -> None:
    """A stray `__init__.py` in dbt/ would hide the library of that name."""
    command = [sys.executable, "-c", "import dbt.cli.main; print(dbt.cli.main.dbtRunner.__name__)"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "dbtRunner", done.stderr


# ---------------------------------------------------------------------------------------------------- documentation


@pytest.fixture(scope="module")
def nodes(empty_house: Working, everything: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Every model and seed of the manifest."""
    return [node for node in empty_house.manifest()["nodes"].values() if node["resource_type"] in ("model", "seed")]


def test_every_model_says_its_grain_first(nodes: list[dict[str, Any]]) -> None:
    silent = [node["name"] for node in nodes if not node["description"].startswith("One row per ")]
    assert silent == []


def test_every_column_that_is_published_is_described(
    empty_house: Working, everything: dict[str, dict[str, Any]]
) -> None:
    undescribed = empty_house.rows(
        "SELECT table_name, column_name FROM duckdb_columns()"
        " WHERE schema_name = 'marts' AND trim(coalesce(comment, '')) = '' ORDER BY ALL"
    )
    assert undescribed == []
    untitled = empty_house.rows(
        "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'marts' AND comment IS NULL"
    )
    assert untitled == []


def test_no_column_is_described_that_does_not_exist(empty_house: Working, nodes: list[dict[str, Any]]) -> None:
    real = set(empty_house.rows("SELECT schema_name, table_name, column_name FROM duckdb_columns()"))
    described = {(node["schema"], node["name"], column) for node in nodes for column in node["columns"]}
    assert sorted(described - real) == []


def test_every_entity_is_published_under_its_own_names(
    empty_house: Working, everything: dict[str, dict[str, Any]]
) -> None:
    """CONTRACT.md section 1: who knows the names of an export knows those of the mart."""
    published = set(
        empty_house.rows("SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE schema_name = 'marts'")
    )
    canonical = {
        (entity.name, column.name, column.sql_type.replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"))
        for entity in ENTITIES.values()
        for column in entity.columns
    }
    assert sorted(canonical - published) == []


def test_what_people_read_has_a_contract(nodes: list[dict[str, Any]]) -> None:
    contracted = {node["name"] for node in nodes if node["config"].get("contract", {}).get("enforced")}
    assert contracted >= {"leads", "metric_leads", "metric_weekly", "source_economics", "source_economics_entries"}


def test_every_data_test_says_why(empty_house: Working, everything: dict[str, dict[str, Any]]) -> None:
    """The words are shown when it fails; the name is its name in `quality.check_results`."""
    tests = [node for node in empty_house.manifest()["nodes"].values() if node["resource_type"] == "test"]
    assert [node["name"] for node in tests if "failure" not in node["description"].lower()] == []
    assert len(tests) <= 100, "a test costs every build 0.05 s"


def test_past_staging_nobody_selects_everything_from_a_model() -> None:
    """`select *` of a CTE of the same file is plain to see; of another model it hides what is read."""
    everything_of = []
    for file in sorted(MODELS.rglob("*.sql")):
        sql = re.sub(r"\{\{\s*ref\('(\w+)'\)\s*\}\}", r"ref_\1", file.read_text(encoding="utf-8"))
        for part in sql.split("\n),\n"):
            aliases = re.findall(r"\bref_\w+ as (\w+)", part)
            if re.search(r"select\s+\*\s+from\s+ref_", part) or set(aliases) & set(re.findall(r"\b(\w+)\.\*", part)):
                everything_of.append(file.name)
    assert everything_of == []


# ------------------------------------------------------------------------------------------------------- data tests

DAMAGE = {
    "a lead twice": (
        "INSERT INTO marts.leads FROM marts.leads LIMIT 1",
        {"leads_one_row_per_lead", "leads_keep_every_lead", "metric_leads_keep_every_lead"},
    ),
    "a status of no meaning": ("UPDATE marts.leads SET sla_status = 'late'", {"leads_sla_status"}),
    "contact before the lead": (
        "UPDATE marts.leads SET first_contact_at = opened_at - INTERVAL 1 HOUR WHERE first_contact_at IS NOT NULL",
        {"lead_times_in_order"},
    ),
    "a lead of nobody": ("UPDATE marts.leads SET person_key = 'nobody'", {"leads_have_a_person"}),
    "facts of another state": (
        "UPDATE intermediate.int_lead_sla SET fingerprint = '0'",
        {"facts_are_of_the_present_rows"},
    ),
    "a touch lost": ("DELETE FROM marts.touches WHERE touch_id = 't1'", {"touches_keep_every_touch"}),
    "a touch of no lead": ("UPDATE marts.touches SET lead_id = 'crm:404'", {"touches_belong_to_a_lead"}),
    "a record of a person lost": ("DELETE FROM marts.people WHERE person_id = 'P1'", {"people_keep_every_record"}),
    "a record of a person twice": (
        "INSERT INTO marts.people FROM marts.people WHERE person_id IN ('P2', 'P3')",
        {"people_one_row_per_record"},
    ),
    "a booking lost": ("DELETE FROM marts.appointment_chains WHERE bookings > 1", {"appointment_chains_add_up"}),
    "an appointment twice": (
        "INSERT INTO intermediate.int_appointment_chains FROM intermediate.int_appointment_chains LIMIT 1",
        {"int_appointment_chains_one_row_per_chain"},
    ),
    "an appointment twice in the figures": (
        "INSERT INTO marts.metric_appointments FROM marts.metric_appointments LIMIT 1",
        {"metric_appointments_one_row_per_chain"},
    ),
    "a person twice in the figures": (
        "INSERT INTO marts.metric_people FROM marts.metric_people LIMIT 1",
        {"metric_people_one_row_per_person"},
    ),
    "bounds that do not hold": (
        "UPDATE marts.metric_weekly SET value = 1.5 WHERE metric_id = 'held_rate_low'",
        {"held_bounds_in_order"},
    ),
    "a cent of cost lost": (
        "UPDATE marts.source_economics SET cost_media = cost_media - 0.01 WHERE source = 'Google Ads' AND view = 'cash'",
        {"economics_tie_to_the_ledger", "all_sources_are_the_sum"},
    ),
    "a source twice": (
        "INSERT INTO marts.source_economics FROM marts.source_economics WHERE verdict IS NOT NULL LIMIT 1",
        {"source_economics_one_row_per_source"},
    ),
    "a verdict and a reason of no meaning": (
        "UPDATE marts.source_economics SET verdict = 'buy', why_null = 'unknown' WHERE source = 'Zillow'",
        {"source_economics_verdict", "source_economics_why_null"},
    ),
    "a deal twice in the economics": (
        "INSERT INTO marts.source_economics_entries FROM marts.source_economics_entries WHERE entry = 'closing' LIMIT 1",
        {"source_economics_entries_one_row_per_thing"},
    ),
    "economics of a deal and a lead that are not there": (
        "UPDATE marts.source_economics_entries SET deal_key = 'crm:404', lead_id = 'crm:404' WHERE entry = 'contract'",
        {"source_economics_entries_have_their_deal", "source_economics_entries_have_their_lead"},
    ),
    "a vendor fee shared out twice": (
        "INSERT INTO intermediate.int_vendor_fees FROM intermediate.int_vendor_fees LIMIT 1",
        {"int_vendor_fees_one_row_per_part"},
    ),
    "a commission twice": (
        "INSERT INTO intermediate.int_deal_economics FROM intermediate.int_deal_economics LIMIT 1",
        {"int_deal_economics_one_row_per_deal"},
    ),
    "more than a whole fee": (
        "INSERT INTO seeds.vendor_fees VALUES ('V', NULL, '2026-03', 'A', 0.7), ('v ', '2026-03', NULL, 'B', 0.4)",
        {"vendor_fees_share_out_no_more_than_all"},
    ),
    "a line of spend lost": ("DELETE FROM marts.spend WHERE kind = 'vendor_fee'", {"spend_lines_kept"}),
    "spend without a rate": ("UPDATE marts.spend SET amount = NULL WHERE kind = 'media'", {"spend_has_an_amount"}),
    "a figure twice": (
        "INSERT INTO marts.metric_weekly FROM marts.metric_weekly LIMIT 1",
        {"metric_weekly_one_row_per_figure"},
    ),
    "a definition lost": (
        "DELETE FROM marts.metric_definitions WHERE metric_id = 'leads'",
        {"figures_are_defined"},
    ),
    "a metric of nobody": (
        "UPDATE marts.metric_definitions SET metric_id = 'happiness' WHERE metric_id = 'spend'",
        {"definitions_have_figures"},
    ),
    "hours that overlap": (
        "UPDATE intermediate.int_open_intervals SET closes_at = closes_at + INTERVAL 1 DAY",
        {"open_hours_do_not_overlap"},
    ),
    "a policy that says nothing": (
        "UPDATE marts.sla_policies SET next_morning_by = NULL",
        {"policies_say_when"},
    ),
    "an excuse of nothing": ("UPDATE marts.sla_excuses SET lead_id = NULL", {"sla_excuses_name_a_lead"}),
    "a step nobody took": (
        "UPDATE marts.reconciliation SET reopened = reopened + 1 WHERE source = 'Zillow'",
        {"reconciliation_adds_up"},
    ),
    "a difference without a row": (
        "DELETE FROM marts.reconciliation_rows WHERE reason = 'reopened'",
        {"reconciliation_adds_up"},
    ),
    "a record with two reasons": (
        "INSERT INTO marts.reconciliation_rows FROM marts.reconciliation_rows LIMIT 1",
        {"reconciliation_rows_one_row_per_record_or_lead"},
    ),
    "a reason that no step counts": (
        "UPDATE marts.reconciliation_rows SET reason = 'fate' WHERE reason = 'early'",
        {"reconciliation_rows_reason"},
    ),
    "a week and source twice": (
        "INSERT INTO marts.reconciliation FROM marts.reconciliation LIMIT 1",
        {"reconciliation_one_row_per_week_and_source"},
    ),
    "a record in two pairs": (
        "INSERT INTO reconciliation.crm_record_leads FROM reconciliation.crm_record_leads LIMIT 1",
        {"crm_record_leads_pair_each_once"},
    ),
    "a record of the CRM twice": (
        "INSERT INTO reconciliation.crm_records FROM reconciliation.crm_records LIMIT 1",
        {"crm_records_one_row_per_record"},
    ),
    "a report of two things": (
        "INSERT INTO marts.crm_counts (id_space, date, source, counted) VALUES"
        " ('crm', '2026-05-04', 'a', 'people'), ('crm', '2026-05-04', 'b', 'inquiries'),"
        " ('crm', '2026-05-04', 'b', 'inquiries')",
        {"crm_counts_count_one_thing", "crm_counts_one_row_per_line"},
    ),
    "a link of another word": (
        "INSERT INTO seeds.person_links (id_space_a, link) VALUES ('crm', 'maybe')",
        {"person_links_link"},
    ),
}
"""What is done to a good build, and the tests that have to notice; one breaks several, so others may fail too."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Working:
    """A build of the invented house, all at once."""
    working = Working(tmp_path_factory.mktemp("whole"))
    working.fill(draw_house(1))
    assert bad(working.dbt("build", "--exclude", "resource_type:unit_test")) == {}
    return working


@pytest.fixture(scope="module")
def damaged(whole: Working, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The data tests that fail on a copy of the build to which all of that was done."""
    copy = Working(tmp_path_factory.mktemp("damaged"))
    copy.database.write_bytes(whole.database.read_bytes())
    with copy.connect() as connection:
        for statement, _ in DAMAGE.values():
            connection.execute(statement)
    return bad(copy.dbt("test", "--select", "test_type:data"))


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_noticed(damaged: dict[str, str], damage: str) -> None:
    missed = DAMAGE[damage][1] - damaged.keys()
    assert not missed, sorted(damaged)


GENERIC_PROJECT = {
    "dbt_project.yml": """
        name: proof
        version: "1.0"
        profile: proof
        model-paths: [models]
        flags: {send_anonymous_usage_stats: false}
    """,
    "profiles.yml": """
        proof:
          target: proof
          outputs:
            proof: {type: duckdb, path: "{{ env_var('LEADHOUSE_WORKING_DB') }}"}
    """,
    "models/good.sql": "select * from (values (1, 'a'), (1, 'b'), (2, 'a')) as t (one, two)",
    "models/twice.sql": "select * from (values (1, 'a'), (1, 'a'), (2, 'a')) as t (one, two)",
    "models/blank.sql": "select * from (values (1, 'a'), (1, null), (2, 'a')) as t (one, two)",
    "models/more.sql": "select * from (values (1, 'a'), (1, 'b'), (2, 'a'), (3, 'a')) as t (one, two)",
    "models/empty.sql": "select 1 as one, 'a' as two where false",
}
GRAIN = "{grain: {name: %s_grain, arguments: {columns: [one, two]}}}"
COUNT = "{same_row_count: {name: %s_count, arguments: {compare_to: ref('good')}}}"


@pytest.fixture(scope="module")
def generic(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Results of the generic tests in a project of their own, on models that are good and bad by construction."""
    folder = tmp_path_factory.mktemp("generic")
    for name, text in GENERIC_PROJECT.items():
        (folder / name).parent.mkdir(exist_ok=True)
        lines = text.strip("\n").splitlines()
        indent = len(lines[0]) - len(lines[0].lstrip())
        (folder / name).write_text("\n".join(line[indent:] for line in lines), encoding="utf-8")
    (folder / "tests" / "generic").mkdir(parents=True)
    for file in (DBT_DIR / "tests" / "generic").glob("*.sql"):
        (folder / "tests" / "generic" / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    models = [Path(name).stem for name in GENERIC_PROJECT if name.endswith(".sql")]
    tested = [
        f"  - {{name: {model}, data_tests: [{GRAIN % model}{', ' + COUNT % model if model != 'good' else ''}]}}"
        for model in models
    ]
    (folder / "models" / "models.yml").write_text("models:\n" + "\n".join(tested) + "\n", encoding="utf-8")
    return Working(tmp_path_factory.mktemp("generic_working")).dbt("build", project=folder)


@pytest.mark.parametrize(
    ("test", "failures"),
    [
        ("good_grain", 0),
        ("twice_grain", 1),
        ("blank_grain", 1),
        ("empty_grain", 0),
        ("twice_count", 0),
        ("more_count", 1),
        ("empty_count", 1),
    ],
)
def test_generic_test(generic: dict[str, dict[str, Any]], test: str, failures: int) -> None:
    assert (generic[test]["status"], generic[test]["failures"]) == ("fail" if failures else "pass", failures)


# ------------------------------------------------------------------------------------------------ incremental facts

COMPARED = {
    "marts.metric_weekly": ("week_start", "period", "metric_id", "slice", "slice_value", "value"),
    "marts.leads": ("lead_id", "opened_at", "responder", "sla_status"),
    "marts.touches": ("touch_key", "lead_id"),
    "marts.appointment_chains": ("chain_id", "lead_id", "set_at", "is_held"),
    "marts.metric_people": ("person_key", "chain_id", "contract_at"),
    "marts.source_economics": ("period", "period_start", "view", "source", "cost", "company_dollar", "confidence"),
    "intermediate.int_leads": ("lead_id", "person_key"),
}


def test_half_and_then_the_rest_is_all(whole: Working, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Rows come, change, go and come back, and as_of moves: the facts end as if all had been there at once."""
    house = draw_house(1)
    chance = random.Random(2)
    growing = Working(tmp_path_factory.mktemp("growing"))
    quick = ("build", "--exclude", "resource_type:unit_test", "resource_type:test")
    growing.fill(some_of(house, lambda table, row: chance.random() < 0.5))
    assert bad(growing.dbt(*quick)) == {}
    assert growing.rows("SELECT count(*) FROM marts.leads") < whole.rows("SELECT count(*) FROM marts.leads")

    other = draw_house(1)
    for row in other["inquiries"]:
        row["agent"] = "Somebody else"
    for row in other["touches"][::3]:
        row["_deleted_by_load"] = "gone for a while"
    growing.fill(other)
    assert bad(growing.dbt(*quick, as_of=AS_OF - timedelta(days=45))) == {}

    growing.fill(house)
    assert bad(growing.dbt(*quick)) == {}
    for table, keys in COMPARED.items():
        assert differing(growing, whole, table, keys) == [], table


def test_a_row_of_vendor_fees_moves_the_costs_that_it_should(
    whole: Working, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Half of a vendor's fees of two months given to another source: no other cost changes, and none is lost."""
    edited = Working(tmp_path_factory.mktemp("edited"))
    edited.database.write_bytes(whole.database.read_bytes())
    with edited.connect() as connection:
        connection.execute("INSERT INTO seeds.vendor_fees VALUES ('google ads', '2026-02', '2026-03', 'Zillow', 0.5)")
    assert bad(edited.dbt("run", "--select", "int_vendor_fees+")) == {}
    costs = "SELECT period, period_start, view, source, cost FROM marts.source_economics"
    before, after = set(whole.rows(costs)), set(edited.rows(costs))
    changed = {(period, str(start), view, source) for period, start, view, source, _ in before ^ after}
    assert {row for row in changed if row[0] == "month"} == {
        ("month", month, view, source)
        for month in ("2026-02-01", "2026-03-01")
        for view in ("cash", "cohort")
        for source in ("Google Ads", "Zillow")
    }
    assert {start for period, start, *_ in changed if period == "quarter"} == {"2026-01-01"}
    assert {source for *_, source in changed} == {"Google Ads", "Zillow"}


def test_the_invented_house_is_worth_comparing(whole: Working) -> None:
    """Every kind of lead that the comparison is meant to cover is in it."""
    ((leads, categories, reopened, reasons, statuses),) = whole.rows(
        """
        SELECT count(*), count(DISTINCT category), count(next_lead_at),
            count(DISTINCT exclusion_reason), count(DISTINCT sla_status)
        FROM marts.leads
        """
    )
    assert (leads, reopened) > (150, 20)
    assert min(categories, reasons, statuses) >= 2
    assert whole.rows("SELECT count(*) FROM marts.leads WHERE inquiry_id LIKE 'call:%'") > [(10,)]
