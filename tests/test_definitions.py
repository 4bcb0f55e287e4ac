"""Dagster's side: what exists, by name, and when it starts something; nothing is built here."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dagster_project.config import Config, load_config
from dagster_project.entities import ENTITIES
from dagster_project.errors import ConfigError
from dagster_project.expectations import read_suites
from dagster_project.sources.report import FINDINGS
from tests.ingest_kit import Kit

SCHEDULE = """
[schedule]
daily_at = "02:30"
overdue_every_minutes = 15
"""
HOURS = """
[hours]
mon = [["08:00", "12:00"], ["13:00", "20:00"]]
tue = ["08:00", "20:00"]
holidays = ["2026-11-24"]
"""
SOURCES = """
[[source]]
name = "crm"
kind = "files"
path = "crm"

[[source]]
name = "my dialer"
kind = "files"
path = "dialer"
"""
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A brokerage with two sources, both schedules and opening hours."""
    kit = Kit(tmp_path_factory.mktemp("definitions"), SCHEDULE + HOURS + SOURCES)
    kit.write("crm/inquiries.csv", "inquiry_id,event_at")
    kit.write("dialer/touches.csv", "touch_id,occurred_at,channel,direction")
    return kit.config


@pytest.fixture(scope="module")
def defs(config: Config) -> Any:
    """What `leadhouse ops` serves of it."""
    from dagster_project.definitions import build_definitions

    return build_definitions(config)


def _models() -> set[str]:
    """The dbt project's models and seeds as asset keys, from the files alone."""
    found = {f"{path.parent.name}/{path.stem}" for path in (ROOT / "dbt" / "models").glob("*/*.sql")}
    published = {"sla_policies", "metric_definitions"}
    found |= {
        f"{'marts' if path.stem in published else 'seeds'}/{path.stem}" for path in (ROOT / "seeds").glob("*.csv")
    }
    return found


def test_assets_are_exactly_these(defs: Any, config: Config) -> None:
    """One a source, one a raw table, one a model or seed, the checks, the published file: and no stray one."""
    graph = defs.resolve_asset_graph()
    keys = {key.to_user_string() for key in graph.get_all_asset_keys()}
    slug = config.sources[1].slug
    assert slug.startswith("my_dialer_")
    layers = {"source/crm", f"source/{slug}", "quality/check_results", "published/warehouse"}
    raw = {f"raw/{name}" for name in (*ENTITIES, "identifiers", "sources")}
    dbt = {key for key in keys if key.split("/")[0] not in ("source", "raw", "quality", "published")}
    assert keys == layers | raw | dbt
    assert {key.split("/")[1] for key in dbt} == {key.split("/")[1] for key in _models()}
    assert keys == {key.to_user_string() for key in graph.materializable_asset_keys}, "an asset that nothing makes"


def test_the_graph_leads_from_each_source_to_the_published_file(defs: Any, config: Config) -> None:
    graph = defs.resolve_asset_graph()
    parents = {key: graph.get(key).parent_keys for key in graph.get_all_asset_keys()}
    parents = {key.to_user_string(): {up.to_user_string() for up in above} for key, above in parents.items()}
    sources = {f"source/{source.slug}" for source in config.sources}
    seeds = {key for key in parents if graph.get(_key(key)).group_name == "seeds"}
    assert {key for key, above in parents.items() if not above} == {*sources, *seeds, "staging/as_of"}
    assert parents["raw/touches"] == sources
    assert "quality/check_results" in parents["published/warehouse"]
    assert not [key for key, above in parents.items() if "published/warehouse" in above]


def _key(path: str) -> Any:
    from dagster import AssetKey

    return AssetKey(path.split("/"))


def test_every_expectation_is_an_asset_check(defs: Any) -> None:
    names = {key.name for key in defs.resolve_asset_graph().asset_check_keys}
    assert {rule.name for suite in read_suites() for rule in suite.expectations} <= names
    assert "metric_weekly_one_row_per_figure" in names


def test_every_asset_says_what_it_is_and_whose(defs: Any) -> None:
    graph = defs.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert len(node.description or "") > 10, key
        assert "```" not in node.description, f"{key} shows its SQL"
        assert [owner for owner in node.owners if owner.startswith("team:")], key
        assert node.group_name in {
            *("sources", "raw", "seeds", "staging", "intermediate", "marts", "metrics", "reconciliation"),
            "economics",
            *("quality", "published"),
        }, key
        assert node.tags.get("leadhouse/layer"), key


def test_personal_columns_are_marked(defs: Any) -> None:
    schema = defs.resolve_asset_graph().get(_key("raw/people")).metadata["dagster/column_schema"]
    marked = {column.name for column in schema.columns if "personal" in column.tags}
    assert marked == {"person_id", "name", "email", "phone", "merged_into"}


def test_schedules_and_sensors_are_exactly_these_and_on(defs: Any) -> None:
    from dagster import DefaultScheduleStatus, DefaultSensorStatus

    repository = defs.get_repository_def()
    assert {item.name for item in repository.schedule_defs} == {"daily", "overdue"}
    assert {item.name for item in repository.sensor_defs} == {"new_files"}
    assert all(item.default_status == DefaultScheduleStatus.RUNNING for item in repository.schedule_defs)
    assert all(item.default_status == DefaultSensorStatus.RUNNING for item in repository.sensor_defs)
    assert {job.name for job in repository.get_all_jobs() if not job.name.startswith("__")} == {"build"}


@pytest.mark.parametrize(
    ("section", "schedules", "sensors"),
    [
        ("", {"daily"}, {"new_files"}),
        ('[schedule]\ndaily_at = "off"\nnew_files = false\n', set(), set()),
        ("[schedule]\noverdue_every_minutes = 60\n", {"daily", "overdue"}, {"new_files"}),
    ],
)
def test_the_configuration_switches_them(tmp_path: Path, section: str, schedules: set[str], sensors: set[str]) -> None:
    from dagster_project import automation

    config = Kit(tmp_path, section + SOURCES).config
    job = automation.build_job(config)
    assert {item.name for item in automation.schedules(config, job)} == schedules
    assert {item.name for item in automation.sensors(config, job)} == sensors


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('daily_at = "25:00"', 'found "25:00"'),
        ('daily_at = "24:00"', 'a time from "00:00" to "23:59", or "off"'),
        ("daily_at = 5", "found 5"),
        ("overdue_every_minutes = 7", "found 7, expected one of: 5, 10, 15, 20, 30, 60"),
        ('new_files = "maybe"', "expected true or false"),
        ("daily = true", "found an unknown key, nearest known is daily_at"),
    ],
)
def test_a_schedule_that_is_none_is_refused(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        _ = Kit(tmp_path, f"[schedule]\n{line}\n{SOURCES}").config
    assert words in refused.value.messages[0]
    assert "schedule." in refused.value.messages[0]


def test_freshness_is_expected_of_sources_and_of_what_is_published(defs: Any, config: Config) -> None:
    graph = defs.resolve_asset_graph()
    policies = {
        key.to_user_string(): graph.get(key).freshness_policy
        for key in graph.get_all_asset_keys()
        if graph.get(key).freshness_policy is not None
    }
    assert set(policies) == {"source/crm", f"source/{config.sources[1].slug}", "published/warehouse"}
    for policy in policies.values():  # daily at 02:30, done by 04:30
        assert (policy.deadline_cron, policy.timezone) == ("30 4 * * *", "America/New_York")
        assert policy.lower_bound_delta == timedelta(hours=2)


def test_freshness_wraps_at_midnight_and_does_without_a_daily_build(tmp_path: Path) -> None:
    from dagster_project.assets.freshness import built_by_now

    late = built_by_now(Kit(tmp_path, '[schedule]\ndaily_at = "23:15"\n' + SOURCES).config)
    assert late.deadline_cron == "15 1 * * *"
    never = built_by_now(
        Kit(tmp_path, '[schedule]\ndaily_at = "off"\n[rules]\nstale_after_days = 4\n' + SOURCES).config
    )
    assert never.fail_window.to_timedelta() == timedelta(days=4)


def _ticks(config: Config, name: str, start: datetime, end: datetime) -> list[datetime]:
    from dagster._utils.schedules import schedule_execution_time_iterator

    from dagster_project import automation

    found = {item.name: item for item in automation.schedules(config, automation.build_job(config))}[name]
    ticks = []
    zone = found.execution_timezone
    for tick in schedule_execution_time_iterator(start.timestamp(), found.cron_schedule, zone):
        if tick >= end:
            return ticks
        ticks.append(tick.astimezone(UTC))
    return ticks


@pytest.mark.parametrize("daily_at", ["05:30", "02:30", "01:30"])
@pytest.mark.parametrize("around", [date(2026, 3, 8), date(2026, 11, 1)])
def test_daily_ticks_once_a_day_at_the_local_hour_over_both_changes_of_the_clocks(
    tmp_path: Path, daily_at: str, around: date
) -> None:
    """New York skips 02:00 to 03:00 on 8 March 2026 and repeats 01:00 to 02:00 on 1 November."""
    zone = ZoneInfo("America/New_York")
    config = Kit(tmp_path, f'[schedule]\ndaily_at = "{daily_at}"\n' + SOURCES).config
    first = datetime.combine(around - timedelta(days=2), time(), zone)
    ticks = _ticks(config, "daily", first, first + timedelta(days=5))
    local = [tick.astimezone(zone) for tick in ticks]
    assert [moment.date() for moment in local] == [around + timedelta(days=shift) for shift in range(-2, 3)]
    expected = time.fromisoformat(daily_at)
    for moment in local:
        is_skipped = moment.date() == date(2026, 3, 8) and expected == time(2, 30)
        assert moment.time() == (time(3) if is_skipped else expected)
    if daily_at == "05:30":  # the offset changes, the hour on the wall does not
        hours = {tick.hour for tick in ticks}
        assert hours == {9, 10}


def test_overdue_ticks_in_the_opening_hours_alone(config: Config) -> None:
    from dagster import build_schedule_context

    from dagster_project import automation

    zone = ZoneInfo("America/New_York")
    monday = datetime(2026, 11, 23, tzinfo=zone)
    ticks = _ticks(config, "overdue", monday, monday + timedelta(days=1))
    assert len(ticks) == 24 * 4
    overdue = {item.name: item for item in automation.schedules(config, automation.build_job(config))}["overdue"]

    def asks(moment: datetime) -> bool:
        data = overdue.evaluate_tick(build_schedule_context(scheduled_execution_time=moment))
        assert bool(data.run_requests) != bool(data.skip_message)
        return bool(data.run_requests)

    open_hours = [tick.astimezone(zone).hour for tick in ticks if asks(tick)]
    assert sorted(open_hours) == sorted(4 * [*range(8, 12), *range(13, 20)])
    assert not asks(datetime(2026, 11, 24, 10, tzinfo=zone)), "a holiday"
    assert not asks(datetime(2026, 11, 25, 10, tzinfo=zone)), "a day without hours"


class Sensor:
    """The sensor of a brokerage, asked again and again as the daemon would ask it."""

    def __init__(self, kit: Kit) -> None:
        from dagster_project import automation

        self._config = kit.config
        self._sensor = automation.sensors(self._config, automation.build_job(self._config))[0]
        self.cursor: str | None = None

    def ask(self, *, keep: bool = True) -> tuple[list[str], str]:
        """The run keys that it asks for, and why it asks for none."""
        from dagster import build_sensor_context

        data = self._sensor.evaluate_tick(build_sensor_context(cursor=self.cursor))
        if keep and data.cursor:
            self.cursor = data.cursor
        assert all(request.tags["leadhouse/trigger"] == "sensor" for request in data.run_requests)
        return [request.run_key for request in data.run_requests], data.skip_message or ""


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Kit, Sensor]:
    """A brokerage whose files count as settled at once, and its sensor, which has seen them."""
    from dagster_project import automation

    monkeypatch.setattr(automation, "SETTLED_AFTER", timedelta(0))
    kit = Kit(tmp_path)
    kit.write("crm/inquiries.csv", "inquiry_id,event_at", "1,2026-11-01T10:00:00Z")
    sensor = Sensor(kit)
    assert len(sensor.ask()[0]) == 1, "what lies there when ops starts is loaded"
    return kit, sensor


def test_the_sensor_fires_once_for_a_new_a_changed_and_a_removed_file(watched: tuple[Kit, Sensor]) -> None:
    kit, sensor = watched
    assert sensor.ask() == ([], "no new files")
    keys = []
    for change in (
        lambda: kit.write("crm/touches.csv", "touch_id"),
        lambda: kit.write("crm/touches.csv", "touch_id", "1"),
        lambda: kit.write("crm/deeper/calls.csv", "touch_id"),
        lambda: kit.remove("crm/touches.csv"),
    ):
        change()
        fired, _ = sensor.ask()
        assert len(fired) == 1
        keys += fired
        assert sensor.ask() == ([], "no new files")
    assert len(set(keys)) == 4


def test_the_sensor_sees_a_change_that_keeps_the_size(watched: tuple[Kit, Sensor]) -> None:
    kit, sensor = watched
    path = kit.folder / "crm" / "inquiries.csv"
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"10:00", b"11:00"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000))
    assert len(sensor.ask()[0]) == 1


def test_a_tick_that_was_cut_short_asks_for_the_same_run(watched: tuple[Kit, Sensor]) -> None:
    """The daemon died before it kept the cursor: by the run's key Dagster tells that it has that run."""
    kit, sensor = watched
    kit.write("crm/touches.csv", "touch_id")
    first, _ = sensor.ask(keep=False)
    assert sensor.ask()[0] == first


def test_files_that_came_back_are_loaded_again(watched: tuple[Kit, Sensor]) -> None:
    kit, sensor = watched
    away = kit.folder / "away.csv"
    (kit.folder / "crm" / "inquiries.csv").rename(away)
    kit.write("crm/people.csv", "person_id")
    without, _ = sensor.ask()
    kit.remove("crm/people.csv")
    away.rename(kit.folder / "crm" / "inquiries.csv")
    again, _ = sensor.ask()
    assert len(without) == len(again) == 1
    assert without != again


def test_the_sensor_leaves_hidden_files_and_our_own_alone(watched: tuple[Kit, Sensor]) -> None:
    kit, sensor = watched
    kit.write("crm/.touches.csv.part", "touch_id")
    assert sensor.ask() == ([], "no new files")


def test_a_source_above_the_warehouse_does_not_fire_for_what_builds_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagster_project import automation

    monkeypatch.setattr(automation, "SETTLED_AFTER", timedelta(0))
    kit = Kit(tmp_path, '[[source]]\nname = "crm"\nkind = "files"\npath = "."\n')
    kit.write("inquiries.csv", "inquiry_id,event_at")
    config, sensor = kit.config, Sensor(kit)
    sensor.ask()
    for path in config.ours:
        path.mkdir(parents=True) if not path.suffix else path.parent.mkdir(parents=True, exist_ok=True)
        (path / "x.csv" if path.is_dir() else path).write_text("x", encoding="utf-8")
    assert (config.dagster_home / "x.csv").is_file()
    assert sensor.ask() == ([], "no new files")


def test_a_folder_that_is_away_is_waited_for(watched: tuple[Kit, Sensor]) -> None:
    kit, sensor = watched
    (kit.folder / "crm").rename(kit.folder / "unmounted")
    fired, why = sensor.ask()
    assert not fired
    assert "no folder of crm" in why
    (kit.folder / "unmounted").rename(kit.folder / "crm")
    assert sensor.ask() == ([], "no new files")


@pytest.mark.parametrize("clock", ["now", "old, as cp -p sets it", "ahead"])
def test_a_file_that_is_still_being_written_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: str) -> None:
    from dagster_project import automation

    kit = Kit(tmp_path)
    path = kit.write("crm/inquiries.csv", "inquiry_id,event_at")
    shift = {"now": 0, "old, as cp -p sets it": -3600, "ahead": 3600}[clock]
    os.utime(path, (path.stat().st_mtime + shift,) * 2)
    sensor = Sensor(kit)
    fired, why = sensor.ask()
    assert not fired
    assert why == "1 files changed less than 10 s ago: waiting"
    monkeypatch.setattr(automation, "SETTLED_AFTER", timedelta(0))  # ten seconds later
    assert len(sensor.ask()[0]) == 1


def test_a_reload_leaves_the_files_of_a_running_build_alone(config: Config, defs: Any) -> None:
    """The graph is drawn from a folder of Dagster's own: a build holds `.work`, and nobody else writes there."""
    from dagster_project.manifest import graph_manifest

    assert defs is not None
    assert not config.work_dir.exists()
    manifest = graph_manifest(config)
    stamp = manifest.stat().st_mtime_ns
    assert manifest.is_relative_to(config.dagster_home)
    assert graph_manifest(config).stat().st_mtime_ns == stamp, "parsed again without need"


NOTHING_NEW = "nothing new: as it was at the last build"


@pytest.fixture
def served(config: Config, monkeypatch: pytest.MonkeyPatch) -> str:
    """A published file of the inputs as they are: a build has nothing to do. Returns the check that failed."""
    import duckdb

    from dagster_project import scheduled
    from dagster_project.session import Session

    names = [rule.name for suite in read_suites() for rule in suite.expectations]
    config.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    config.warehouse_path.unlink(missing_ok=True)
    with duckdb.connect(str(config.warehouse_path)) as served:
        served.execute("CREATE SCHEMA quality")
        served.execute("CREATE TABLE quality.build AS SELECT now() - INTERVAL 1 DAY AS built_at, 'b1' AS build_id")
        columns = ", ".join(f"'x' AS {name}" for name in ("subject", "layer", "observed", "expected", "owner", "why"))
        served.execute(
            f"CREATE TABLE quality.check_results AS SELECT unnest(?) AS check_name, {columns}, 'warning' AS severity,"
            " 'passed' AS status, 'x' AS what_to_do, now() AS checked_at, []::VARCHAR[] AS offenders",
            [names],
        )
        served.execute("UPDATE quality.check_results SET status = 'failed' WHERE check_name = ?", [names[0]])
        served.execute("CREATE SCHEMA marts")
        served.execute("CREATE TABLE marts.leads AS SELECT unnest(range(3)) AS lead_id")

    def settle(session: Session) -> None:
        session.is_unchanged = True

    monkeypatch.setattr(scheduled, "prepared_manifest", lambda config: None)
    monkeypatch.setattr(scheduled, "settle_inputs", settle)
    return names[0]


def test_an_unchanged_build_ends_well_and_touches_nothing(defs: Any, config: Config, served: str) -> None:
    """The whole graph, where what is served was made of these inputs: every asset succeeds, none does any work."""
    from dagster import AssetMaterialization, DagsterInstance

    before = config.warehouse_path.read_bytes()
    with DagsterInstance.ephemeral() as instance:
        instance.report_runless_asset_event(
            AssetMaterialization(["raw", "touches"], metadata={"dagster/row_count": 7, "by source": "crm"})
        )
        result = defs.resolve_job_def("build").execute_in_process(instance=instance, raise_on_error=False)
    assert result.success
    events = result.get_asset_materialization_events()
    shown = {event.asset_key.to_user_string(): event.materialization.metadata for event in events}
    assert set(shown) == {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
    told = {name: {key: item.value for key, item in metadata.items()} for name, metadata in shown.items()}
    assert told["raw/touches"] == {"dagster/row_count": 7, "by source": "crm", "status": NOTHING_NEW}
    assert told["marts/leads"]["dagster/row_count"] == 3

    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    found = {name: check.passed for name, check in checks.items()}
    names = {rule.name for suite in read_suites() for rule in suite.expectations}
    assert {name: found[name] for name in names} == {name: name != served for name in names}
    assert {found[name] for name in FINDINGS} == {True}
    rows = checks[served].metadata["its rows"].value
    assert rows == f"http://127.0.0.1:8501/loaded?part=checks&check={served}&subject=x"
    assert config.warehouse_path.read_bytes() == before
    assert not config.working_path.exists()


def test_a_tick_of_each_schedule_starts_a_build_and_says_so(
    config: Config, defs: Any, served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster's own scheduler, its clock set: what `leadhouse ops` serves is loaded, ticks, and the run runs."""
    import importlib
    import logging

    from dagster import DagsterInstance
    from dagster._core.instance import InstanceType
    from dagster._core.instance.ref import InstanceRef
    from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
    from dagster._core.remote_origin import InProcessCodeLocationOrigin
    from dagster._core.run_coordinator import DefaultRunCoordinator
    from dagster._core.storage.event_log import InMemoryEventLogStorage
    from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
    from dagster._core.storage.root import LocalArtifactStorage
    from dagster._core.storage.runs import InMemoryRunStorage
    from dagster._core.storage.schedules import SqliteScheduleStorage
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget

    assert defs is not None
    assert served
    importlib.import_module("dagster._daemon")  # first, else the scheduler's imports go round in circles
    scheduler = importlib.import_module("dagster._scheduler.scheduler")
    monkeypatch.setenv("LEADHOUSE_CONFIG", str(config.file))
    origin = LoadableTargetOrigin(module_name="dagster_project.definitions", attribute="defs")
    target = InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(origin, location_name="leadhouse"))
    instance = DagsterInstance(  # an ephemeral one, with a storage for schedules: the whole is ten times as fast
        instance_type=InstanceType.EPHEMERAL,
        local_artifact_storage=LocalArtifactStorage(str(tmp_path)),
        run_storage=InMemoryRunStorage(),
        event_storage=InMemoryEventLogStorage(),
        schedule_storage=SqliteScheduleStorage.from_local(str(tmp_path)),
        compute_log_manager=NoOpComputeLogManager(),
        run_coordinator=DefaultRunCoordinator(),
        run_launcher=SyncInMemoryRunLauncher(),
        settings={"telemetry": {"enabled": False}},
        ref=InstanceRef.from_dir(str(tmp_path)),  # a schedule is asked through an instance of its own
    )
    times: Any = {}
    logger = logging.getLogger("test")
    with instance, WorkspaceProcessContext(instance, target) as workspace:

        def look(clock: str) -> list[dict[str, str]]:
            """Tags of the runs that there are when the daemon has looked at its schedules at that time in New York."""
            at = datetime.fromisoformat(f"2026-11-23T{clock}").replace(tzinfo=ZoneInfo("America/New_York"))
            for problem in scheduler.launch_scheduled_runs(workspace, logger, at.astimezone(UTC), times):
                assert not isinstance(problem, Exception)
            runs = list(reversed(instance.get_runs()))
            assert all(run.is_success for run in runs), [
                record.user_message for run in runs for record in instance.all_logs(run.run_id) if record.level >= 40
            ]
            return [dict(run.tags) for run in runs]

        assert look("02:29:50") == []
        daily = look("02:30:10")
        assert [run["dagster/schedule_name"] for run in daily] == ["daily"], "overdue is for the opening hours"
        assert look("07:59:50") == daily
        both = look("08:00:10")
    assert [run["dagster/schedule_name"] for run in both] == ["daily", "overdue"]
    for run in both:
        assert run["leadhouse/trigger"] == "schedule"
        assert len(run["leadhouse/build_id"]) == 12
    assert json.loads(config.last_build_path.read_text(encoding="utf-8"))["trigger"] == "schedule"


def test_checks_are_those_of_the_asset_they_are_about(defs: Any) -> None:
    graph = defs.resolve_asset_graph()
    found = {f"{key.asset_key.to_user_string()}:{key.name}" for key in graph.asset_check_keys}
    expected = {f"{suite.asset}:{rule.name}" for suite in read_suites() for rule in suite.expectations}
    expected |= {f"source/crm:{name}" for name in FINDINGS}
    assert expected <= found
    assert {name.split(":")[0] for name in expected} <= {key.to_user_string() for key in graph.get_all_asset_keys()}


def test_importing_the_definitions_needs_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    monkeypatch.chdir(tmp_path)
    importlib.import_module("dagster_project.definitions")


def test_when_to_build_is_no_input_of_the_figures(tmp_path: Path) -> None:
    """Another hour is no reason to compute again."""
    from dagster_project.inputs import inputs_fingerprint
    from dagster_project.session import BuildOptions

    (tmp_path / "crm").mkdir()
    Kit(tmp_path).config.file.touch()
    plain = inputs_fingerprint(Kit(tmp_path).config, BuildOptions())
    kit = Kit(tmp_path, '[schedule]\ndaily_at = "04:00"\n' + Kit(tmp_path).toml)
    assert inputs_fingerprint(load_config(kit.config.file), BuildOptions()) == plain
    kit = Kit(tmp_path, "[rules]\nreopen_after_days = 31\n" + Kit(tmp_path).toml)
    assert inputs_fingerprint(kit.config, BuildOptions()) != plain
