"""The only module that opens the warehouse: reads the published file, never writes, never computes a figure.

Beside it lie the rows of loads that were refused, which no published file holds; they are read as they are now.

The file is replaced whole by every publish. A `Snapshot` is one version of it: whoever holds one goes on reading that
version, and `snapshot()` hands out the newest. Used by the pages and by
`leadhouse metrics`, so it imports duckdb alone.
"""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

Row = dict[str, Any]

PERIODS = {"week": 1, "trailing_4w": 4, "trailing_12w": 12, "trailing_52w": 52}
SLICES = ("source", "agent", "team", "office", "category", "responder", "hours")
# Metrics that are not rates and yet have a list of leads behind them: which leads, and the moment they wait for.
SURVIVAL_MOMENTS = {
    "response_minutes_median": "first_response_at",
    "response_minutes_median_strict": "first_response_strict_at",
    "response_minutes_p90": "first_response_at",
    "contact_minutes_median": "first_contact_at",
    "contact_minutes_p90": "first_contact_at",
}
INQUIRY_SLICES = ("all", "source", "category", "agent")
# Figures of appointments: the column of metric_appointments that says what part an appointment has in them.
APPOINTMENT_PARTS = {
    "held_rate": "held_rate",
    "held_rate_low": "held_rate_low",
    "held_rate_high": "held_rate_high",
    "outcome_coverage": "outcome_coverage",
    "appointments_cancelled_by_us": "nullif(m.is_cancelled_by_us, false)",
}
APPOINTMENT_SLICES = ("all", "source", "category", "agent")
PEOPLE_METRICS = ("agreement_rate_30d", "contract_rate_180d")
# Known weeks after the others: a page that shows the latest week goes back for these alone, and says how far.
JUDGED_LATER = ("set_rate_14d", "set_rate_30d", *PEOPLE_METRICS)
COUNTED_LEADS = {"leads": "true", "leads_eligible": "l.is_eligible", "leads_excluded": "not l.is_eligible"}
_CATALOG = "leadhouse"
_NEEDED = {("marts", "metric_weekly"), ("marts", "metric_definitions"), ("marts", "leads"), ("quality", "build")}


class WarehouseError(Exception):
    """The published file cannot be read; says what is wrong and what to do about it."""

    def __init__(self, problem: str, what_to_do: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.what_to_do = what_to_do


class WarehouseMissingError(WarehouseError):
    """There is no published file yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"There is no published warehouse at {path}.", "Run `leadhouse build`, then reload.")


class WarehouseUnreadableError(WarehouseError):
    """There is a file, but it is not one that a build has published."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} cannot be read: {why}", "Run `leadhouse build`, then reload.")


class WarehouseOutdatedError(WarehouseError):
    """The file is one that another version published: it lacks something that this version reads."""

    def __init__(self, path: Path, version: str, lacks: str) -> None:
        super().__init__(
            f"{path} was written by version {version} of Leadhouse; this version does not find what it reads there"
            f" ({lacks}).",
            "Run `leadhouse build`, then reload.",
        )


class UnknownNameError(ValueError):
    """A metric, slice, period or source that the warehouse does not have."""

    def __init__(self, kind: str, found: str, known: Sequence[str]) -> None:
        super().__init__(f"unknown {kind} {found!r}; known: {', '.join(known)}")
        self.kind, self.found, self.known = kind, found, tuple(known)


def warehouse_path() -> Path:
    """Where the published file is: `LEADHOUSE_WAREHOUSE`, else the default of a fresh configuration."""
    return Path(os.environ.get("LEADHOUSE_WAREHOUSE") or "warehouse/leadhouse.duckdb")


def connect(path: str | os.PathLike[str]) -> duckdb.DuckDBPyConnection:
    """A fresh in-memory connection with the published file attached read-only and in use.

    `duckdb.connect(path)` would return the rows of an older version while another connection of this process still
    holds that one; an attached file is opened anew (STACK.md).
    """
    file = Path(path)
    if not file.is_file():
        raise WarehouseMissingError(file)
    # Without replacements: a table that is not there must not be looked for among our variables.
    con = duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": "false", "python_enable_replacements": "false"}
    )
    try:
        # ATTACH takes no bound parameter: the path is quoted, and it comes from the configuration, not from a page.
        con.execute(f"attach '{str(file).replace(chr(39), chr(39) * 2)}' as {_CATALOG} (read_only)")
        con.execute(f"use {_CATALOG}")
        con.execute("set TimeZone = 'UTC'")
        found = set(con.execute("select schema_name, table_name from duckdb_tables()").fetchall())
    except duckdb.Error as error:
        con.close()
        if not file.is_file():
            raise WarehouseMissingError(file) from error
        raise WarehouseUnreadableError(file, str(error).splitlines()[0]) from error
    if missing := _NEEDED - found:
        names = ", ".join(".".join(name) for name in sorted(missing))
        version = _version_of(con)
        con.close()
        if version is not None:
            raise WarehouseOutdatedError(file, version, names)
        raise WarehouseUnreadableError(file, f"it lacks {names}, so no build has published it")
    return con


LACKING = (duckdb.BinderException, duckdb.CatalogException)
"""What DuckDB raises where a table or column that a query names is not there."""


def _version_of(con: duckdb.DuckDBPyConnection) -> str | None:
    """The version that published a file, or None where it does not say."""
    try:
        row = con.execute(f"select version from {_CATALOG}.quality.build").fetchone()
    except LACKING:
        return None
    return str(row[0]) if row else None


def outdated(
    con: duckdb.DuckDBPyConnection, path: str | os.PathLike[str], lacks: Exception | str
) -> WarehouseOutdatedError:
    """What the file at `path` lacks (an error of LACKING, or words), as what it means to a reader."""
    return WarehouseOutdatedError(Path(path), _version_of(con) or "(unknown)", str(lacks).splitlines()[0])


def read_metrics(
    con: duckdb.DuckDBPyConnection,
    week: date | str | None = None,
    metric: str | None = None,
    slice: str | None = None,  # noqa: A002 (the word of METRICS.md and of the command)
    value: str | None = None,
    period: str | None = None,
) -> duckdb.DuckDBPyRelation:
    """Rows of `metric_weekly`: of the week that holds the day `week`, of one metric, slice, value of it, period.

    What is not given is not filtered. Raises UnknownNameError for a name that the file does not have.
    """
    day = date.fromisoformat(week) if isinstance(week, str) else week
    wanted = (
        ("metric", "metric_id", metric),
        ("slice", "slice", slice),
        ("value", "slice_value", value),
        ("period", "period", period),
    )
    for kind, column, found in wanted:
        if found is not None:
            table = "metric_definitions" if kind == "metric" else "metric_weekly"
            known = [
                row[0] for row in con.execute(f"select distinct {column} from marts.{table} order by 1").fetchall()
            ]
            if found not in known:
                raise UnknownNameError(kind, found, known)
    return con.sql(
        """
        select m.*
        from marts.metric_weekly as m left join marts.metric_definitions as d using (metric_id)
        where ($day is null or m.week_start between $day::date - 6 and $day::date)
          and ($metric is null or m.metric_id = $metric)
          and ($slice is null or m.slice = $slice)
          and ($value is null or m.slice_value = $value)
          and ($period is null or m.period = $period)
        order by m.week_start, d.position, m.metric_id, m.slice, m.slice_value, m.period
        """,
        params={"day": day, "metric": metric, "slice": slice, "value": value, "period": period},
    )


def beside(path: str | os.PathLike[str], name: str) -> Path:
    """A file beside the published one; two brokerages may share a folder (docs/architecture.md)."""
    own, stem = Path(name), Path(path).stem
    return Path(path).with_name(name if stem == "leadhouse" else f"{own.stem}-{stem}{own.suffix}")


def last_build(path: str | os.PathLike[str]) -> Row | None:
    """The outcome of the last attempt to build, as the build left it beside the warehouse; none if unknown."""
    try:
        found = json.loads(beside(path, "last_build.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


@dataclass(frozen=True)
class Version:
    """What tells one published file from the next at the same path."""

    path: str
    inode: int
    mtime_ns: int
    size: int

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Version | None:
        """The version that lies at `path` now, none if there is no file."""
        try:
            stat = Path(path).stat()
        except OSError:
            return None
        return cls(str(path), stat.st_ino, stat.st_mtime_ns, stat.st_size)


@dataclass(frozen=True)
class Scope:
    """What figures are about: a window of weeks that ends with `week`, and one value of one slice."""

    week: date
    period: str = "week"
    slice: str = "all"
    value: str = "all"

    @property
    def first_week(self) -> date:
        """The first week of the window."""
        return self.week - timedelta(weeks=PERIODS[self.period] - 1)

    @property
    def before(self) -> Scope:
        """The window of the same length that ends where this one begins."""
        return replace(self, week=self.week - timedelta(weeks=PERIODS[self.period]))


class _Row(dict[str, Any]):
    """A row by its columns. One that is asked for and not there is told as what it means: another version's file."""

    def __missing__(self, column: str) -> Any:
        path = warehouse_path()
        with connect(path) as con:
            raise outdated(con, path, f"column {column}")


class Snapshot:
    """One version of the published file, readable from many threads, for as long as anybody holds it."""

    def __init__(self, con: duckdb.DuckDBPyConnection, version: Version) -> None:
        self._con = con
        self.version = version

    def rows(self, sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
        """The rows of a query, each as a dictionary."""
        cursor = self._con.cursor()
        cursor.execute(f"use {_CATALOG}")  # a cursor starts at the in-memory catalog again
        cursor.execute("set TimeZone = 'UTC'")
        try:
            cursor.execute(sql, params)
        except LACKING as error:
            raise outdated(cursor, self.version.path, error) from error
        names = [column[0] for column in cursor.description or ()]
        found: list[Row] = [_Row(zip(names, values, strict=True)) for values in cursor.fetchall()]
        return found

    def columns(self, schema: str, table: str) -> tuple[str, ...]:
        """The columns of a table, empty if it does not exist."""
        sql = """select column_name from duckdb_columns()
                 where database_name = ? and schema_name = ? and table_name = ? order by column_index"""
        return tuple(row["column_name"] for row in self.rows(sql, [_CATALOG, schema, table]))


_open: OrderedDict[Version, Snapshot] = OrderedDict()
_open_lock = threading.Lock()


def snapshot(path: str | os.PathLike[str]) -> Snapshot:
    """The version that is published now; the same object until a publish replaces the file."""
    with _open_lock:
        for _ in range(50):
            before = Version.of(path)
            if before is not None and before in _open:
                _open.move_to_end(before)
                return _open[before]
            con = connect(path)
            if before is not None and before == Version.of(path):
                _open[before] = Snapshot(con, before)
                while len(_open) > 2:
                    # Dropped, not closed: a page may still be reading it, and the last holder frees it.
                    _open.popitem(last=False)
                return _open[before]
            con.close()  # replaced while we opened it: which of the two we hold is unknown
    raise WarehouseUnreadableError(Path(path), "it is being replaced all the time")


def build(snap: Snapshot) -> Row:
    """The build that made this version, with `as_of_local` and `built_local` in the brokerage's zone."""
    rows = snap.rows(
        """select *, as_of at time zone timezone as as_of_local, built_at at time zone timezone as built_local
           from quality.build"""
    )
    return rows[0]


def definitions(snap: Snapshot) -> dict[str, Row]:
    """Every metric by its id, in the order in which they are meant to be read."""
    return {row["metric_id"]: row for row in snap.rows("from marts.metric_definitions order by position, metric_id")}


def weeks(snap: Snapshot) -> list[date]:
    """Every week that has a figure of the whole brokerage, oldest first."""
    sql = "select distinct week_start from marts.metric_weekly where slice = 'all' order by 1"
    return [row["week_start"] for row in snap.rows(sql)]


def judged_weeks(snap: Snapshot, period: str) -> list[date]:
    """The weeks whose headline figures, but for those JUDGED_LATER, are old enough to be judged, oldest first."""
    return [
        row["week_start"]
        for row in snap.rows(
            """
            select m.week_start
            from marts.metric_weekly as m inner join marts.metric_definitions as d using (metric_id)
            where d.is_headline and m.slice = 'all' and m.period = $period and m.metric_id not in $later
            group by m.week_start having bool_and(m.reliability <> 'too_early')
            order by 1
            """,
            {"period": period, "later": JUDGED_LATER},
        )
    ]


def slice_values(snap: Snapshot) -> dict[str, list[str]]:
    """The values of every slice that has more than the whole, those with the most leads first."""
    found: dict[str, list[str]] = {}
    for row in snap.rows(
        """select slice, slice_value from marts.metric_weekly
           where slice <> 'all' and period = 'week' and metric_id in ('leads', 'inquiries', 'spend')
           group by all order by slice, sum(value) filter (metric_id = 'leads') desc nulls last, slice_value"""
    ):
        if row["slice"] in SLICES:
            found.setdefault(row["slice"], []).append(row["slice_value"])
    return {part: found[part] for part in SLICES if part in found}


def figures(snap: Snapshot, scope: Scope) -> dict[str, Row]:
    """Every figure of a scope, by metric."""
    sql = """select * from marts.metric_weekly
             where week_start = ? and period = ? and slice = ? and slice_value = ?"""
    return {row["metric_id"]: row for row in snap.rows(sql, [scope.week, scope.period, scope.slice, scope.value])}


def judged_figures(snap: Snapshot, scope: Scope, metrics: Sequence[str]) -> dict[str, Row]:
    """The latest figure of each metric that is not too early and about something, up to the week of a scope."""
    sql = """select * from marts.metric_weekly
             where metric_id in $metrics and period = $period and slice = $slice and slice_value = $value
               and week_start <= $week and reliability <> 'too_early' and denominator > 0
             qualify row_number() over (partition by metric_id order by week_start desc) = 1"""
    params = {"metrics": tuple(metrics), "period": scope.period, "slice": scope.slice, "value": scope.value,
              "week": scope.week}  # fmt: skip
    return {row["metric_id"]: row for row in snap.rows(sql, params)}


def trends(snap: Snapshot, scope: Scope) -> dict[str, dict[str, list[Row]]]:
    """Every metric of a scope's slice value, a year to either side: `[metric][week, trailing_12w]`, oldest first."""
    found: dict[str, dict[str, list[Row]]] = {}
    for row in snap.rows(
        """select week_start, period, metric_id, value, numerator, denominator, ci_low, ci_high, reliability
           from marts.metric_weekly
           where slice = $slice and slice_value = $value and period in ('week', 'trailing_12w')
             and week_start between $week::date - 364 and $week::date + 364
           order by week_start""",
        {"slice": scope.slice, "value": scope.value, "week": scope.week},
    ):
        found.setdefault(row["metric_id"], {"week": [], "trailing_12w": []})[row["period"]].append(row)
    return found


def breakdown(snap: Snapshot, week: date, period: str, slice_: str) -> dict[str, dict[str, Row]]:
    """Every figure of one window for every value of a slice: `[slice value][metric]`."""
    found: dict[str, dict[str, Row]] = {}
    sql = "select * from marts.metric_weekly where week_start = ? and period = ? and slice = ? order by slice_value"
    for row in snap.rows(sql, [week, period, slice_]):
        found.setdefault(row["slice_value"], {})[row["metric_id"]] = row
    return found


def _which_leads(scope: Scope) -> tuple[str, list[Any]]:
    """The condition that picks the leads of a scope, and its parameters."""
    if scope.slice not in ("all", *SLICES):
        raise UnknownNameError("slice", scope.slice, ("all", *SLICES))
    sql, params = "l.week_start between ? and ?", list[Any]([scope.first_week, scope.week])
    return (sql, params) if scope.slice == "all" else (f"{sql} and l.{scope.slice} = ?", [*params, scope.value])


def exclusions(snap: Snapshot, scope: Scope) -> dict[str, int]:
    """How many leads of a scope are left out of the rates, by reason, most first."""
    which, params = _which_leads(scope)
    sql = f"""select exclusion_reason as reason, count(*) as leads from marts.leads as l
              where {which} and exclusion_reason is not null group by 1 order by 2 desc, 1"""
    return {row["reason"]: row["leads"] for row in snap.rows(sql, params)}


def sla_statuses(snap: Snapshot, scope: Scope) -> dict[str, int]:
    """How many eligible leads of a scope stand where on the SLA clock."""
    which, params = _which_leads(scope)
    sql = f"""select coalesce(sla_status, 'no_policy') as status, count(*) as leads from marts.leads as l
              where {which} and l.is_eligible group by 1 order by 2 desc, 1"""
    return {row["status"]: row["leads"] for row in snap.rows(sql, params)}


def has_leads_behind(snap: Snapshot, metric: str) -> bool:
    """Whether a list of leads, inquiries, appointments or people can be shown for a metric."""
    if metric in APPOINTMENT_PARTS:
        return bool(snap.columns("marts", "metric_appointments"))
    if metric in PEOPLE_METRICS:
        return bool(snap.columns("marts", "metric_people"))
    listed = metric in SURVIVAL_MOMENTS or metric in COUNTED_LEADS or metric == "inquiries"
    return listed or (metric in definitions(snap) and metric in snap.columns("marts", "metric_leads"))


def leads_behind(snap: Snapshot, metric: str, scope: Scope) -> list[Row]:
    """The leads behind a figure, one row each; `counts` is true in the numerator, false only in the denominator.

    `waited_seconds` is the wait until the moment the metric is about or, where that has not come, until
    `observed_until`: when the wait ended without it, for the reason `ended_by`, or the moment of the build. Figures of
    appointments and of people have rows of appointments and of people, with columns of their own.
    """
    if not has_leads_behind(snap, metric):
        raise UnknownNameError("metric with leads", metric, (*SURVIVAL_MOMENTS, *COUNTED_LEADS))
    if metric == "inquiries":
        return _inquiries(snap, scope)
    if metric in APPOINTMENT_PARTS:
        return _appointments(snap, metric, scope)
    if metric in PEOPLE_METRICS:
        return _people(snap, metric, scope)
    which, params = _which_leads(scope)
    moment, join = SURVIVAL_MOMENTS.get(metric, "first_response_at"), ""
    happened = f"l.{moment} is not null"
    if metric in SURVIVAL_MOMENTS:
        # An event after the lead was censored is not one (METRICS.md section 3).
        happened = f"coalesce(l.{moment} <= l.observed_until, false)"
        counts, which = happened, f"{which} and l.is_eligible"
    elif metric in COUNTED_LEADS:
        counts, which = "true", f"{which} and {COUNTED_LEADS[metric]}"
    else:
        moment = "first_contact_at" if metric.startswith("contact_") else moment
        moment = "first_appointment_set_at" if metric.startswith("set_") else moment
        happened = f"l.{moment} is not null"
        counts, join = f"m.{metric}", "inner join marts.metric_leads as m using (lead_id)"
        which = f"{which} and m.{metric} is not null"
    return snap.rows(
        f"""
        select
            l.lead_id, l.name, {counts} as counts, l.opened_local, l.source, l.category, l.agent, l.responder,
            l.response_channel, l.{moment} at time zone b.timezone as moment_local,
            epoch(case when {happened} then l.{moment} else l.observed_until end - l.opened_at) as waited_seconds,
            {happened} as has_happened,
            case l.observed_until when l.next_lead_at then 'next_lead' when l.disqualified_at then 'disqualified'
                else 'as_of' end as ended_by,
            l.due_at at time zone b.timezone as due_local,
            l.sla_status, l.exclusion_reason
        from marts.leads as l {join} cross join quality.build as b
        where {which}
        order by l.opened_at desc, l.lead_id
        """,
        params,
    )


def _appointments(snap: Snapshot, metric: str, scope: Scope) -> list[Row]:
    """The appointments behind a figure, by the week in which they were to end."""
    if scope.slice not in APPOINTMENT_SLICES:
        raise UnknownNameError("slice of appointments", scope.slice, APPOINTMENT_SLICES)
    which, params = _which_leads(scope)
    return snap.rows(
        f"""
        with parts as (
            select l.chain_id, {APPOINTMENT_PARTS[metric].replace("m.", "l.")} as counts
            from marts.metric_appointments as l where {which}
        )
        select c.chain_id, c.lead_id, coalesce(l.name, p.name) as name, m.counts, c.set_local, c.starts_local,
            c.ends_local, c.outcome, c.bookings, c.agent, c.source, c.category
        from parts as m
        inner join marts.appointment_chains as c using (chain_id)
        left join marts.leads as l on c.lead_id = l.lead_id
        left join marts.people as p on c.person_key = p.person_key and p.is_current
        where m.counts is not null
        order by c.ends_at desc, c.chain_id
        """,
        params,
    )


def _people(snap: Snapshot, metric: str, scope: Scope) -> list[Row]:
    """The people behind a figure, by the week in which their first held appointment started."""
    which, params = _which_leads(scope)
    return snap.rows(
        f"""
        select l.chain_id, l.lead_id, coalesce(f.name, p.name) as name, l.{metric} as counts,
            l.starts_at at time zone b.timezone as starts_local,
            l.agreement_at at time zone b.timezone as agreement_local,
            l.contract_at at time zone b.timezone as contract_local, l.agent, l.source, l.category
        from marts.metric_people as l
        left join marts.leads as f on l.lead_id = f.lead_id
        left join marts.people as p on l.person_key = p.person_key and p.is_current
        cross join quality.build as b
        where {which} and l.{metric} is not null
        order by l.starts_at desc, l.person_key
        """,
        params,
    )


def _inquiries(snap: Snapshot, scope: Scope) -> list[Row]:
    """The inquiries of a scope, in the columns of `leads_behind`, under their own source, category and agent."""
    if scope.slice not in INQUIRY_SLICES:
        raise UnknownNameError("slice of inquiries", scope.slice, INQUIRY_SLICES)
    which, params = _which_leads(scope)
    return snap.rows(
        f"""
        select
            l.lead_id, l.name, true as counts, l.opened_local, l.source, l.category, l.agent, null as responder,
            null as response_channel, null as moment_local, null as waited_seconds, null as has_happened,
            null as ended_by, null as due_local, null as sla_status, l.set_aside_reason as exclusion_reason
        from marts.inquiries as l
        where {which} and not l.is_deleted
        order by l.opened_at desc, l.inquiry_key
        """,
        params,
    )


@dataclass(frozen=True)
class Entity:
    """Where the rows of an entity are in the published file.

    `moment`: when a row happened, in local time; empty where it does not say that anything arrived. `telling`: the
    columns that say in a line what a row is.
    """

    table: str
    keys: tuple[str, ...]
    moment: str
    telling: tuple[str, ...]


ENTITIES = {
    "inquiries": Entity("inquiries", ("inquiry_key", "inquiry_id"), "opened_local", ("source", "category", "agent")),
    "touches": Entity("touches", ("touch_key", "touch_id"), "occurred_local", ("channel", "direction", "agent")),
    "people": Entity("people", ("person_id",), "created_local", ("stage", "agent")),
    "leads": Entity("leads", ("lead_id",), "", ("source", "category", "agent")),
    "appointments": Entity("appointments", ("appointment_key", "appointment_id"), "booked_local", ("outcome", "agent")),
    "deals": Entity("deals", ("deal_key", "deal_id"), "first_event_local", ("side", "source", "agent")),
    "consents": Entity("consents", ("consent_key", "consent_id"), "at_local", ("channel", "event")),
    "stage_changes": Entity("stage_changes", ("change_key", "change_id"), "at_local", ("stage",)),
    "assignments": Entity("assignments", ("assignment_key", "assignment_id"), "at_local", ("agent", "reason")),
    "tasks": Entity("tasks", ("task_key", "task_id"), "", ("kind", "agent")),
    "sla_excuses": Entity("sla_excuses", ("inquiry_key", "inquiry_id"), "at_local", ("reason",)),
    "spend": Entity("spend", ("spend_key", "spend_id"), "spend_date", ("source", "campaign", "amount")),
    "agents": Entity("agents", ("agent",), "", ("team", "office")),
}


def canonical_row(snap: Snapshot, entity: str, row_id: str, source: str | None = None) -> Row | None:
    """A row of the published file by its key, or by the id that its source gave it; none where it is not there.

    Without nulls. A line of spend is told by its first day.
    """
    kind = ENTITIES.get(entity)
    columns = snap.columns("marts", kind.table) if kind else ()
    keys = [key for key in kind.keys if key in columns] if kind else []
    if not kind or not keys:
        return None
    which = " or ".join(f"{key} = $row_id" for key in keys)
    if "id_space" in columns and len(keys) == 1:  # people and agents have no key of their own
        which += f" or id_space || ':' || {keys[0]} = $row_id"
    feed = "($source is null or feed = $source)" if "feed" in columns else "$source is not distinct from $source"
    found = snap.rows(
        f"select * from marts.{kind.table} where ({which}) and {feed} order by all limit 1",
        {"row_id": row_id, "source": source},
    )
    return {name: value for name, value in found[0].items() if value is not None} if found else None


def set_aside_row(snap: Snapshot, source: str | None, file: str | None, line: int | None) -> Row | None:
    """The row of a line that could not be read, with its raw text; none where that line was loaded."""
    found = _set_aside(
        snap,
        """where line = $line and ($source is null or source = $source) and $file in (file, source || '/' || file)
           order by source, entity, column_name limit 1""",
        {"source": source, "file": file, "line": line},
    )
    return found[0] if found else None


def check_rows(snap: Snapshot, check_name: str, subject: str) -> list[Row]:
    """The rows that a check of this build is about, by place; none in a file of an earlier version."""
    if not snap.columns("quality", "check_rows"):
        return []
    return snap.rows(
        """select check_name, subject, source, entity, file, line, row_id, note from quality.check_rows
           where check_name = ? and subject = ? order by source, entity, file, line, row_id""",
        [check_name, subject],
    )


def rows_per_day(snap: Snapshot, days: int = 42) -> dict[str, dict[date, int]]:
    """How many rows of each source happened on each local day, up to the newest of any of them: `[source][day]`.

    Days without a row are not there. Of a source whose rows carry no moment there is nothing.
    """
    parts = []
    for kind in ENTITIES.values():
        if kind.moment and {"feed", kind.moment} <= set(snap.columns("marts", kind.table)):
            parts.append(f"select feed, {kind.moment}::date as day from marts.{kind.table}")
    if not parts:
        return {}
    found: dict[str, dict[date, int]] = {}
    for row in snap.rows(
        f"""with happened as ({" union all ".join(parts)}),
            known as (  -- what is dated after the data end is a wish, or a clock that is wrong
                select feed, day from happened cross join quality.build as b
                where feed is not null and day <= (b.as_of at time zone b.timezone)::date
            )
            select feed, day, count(*) as rows from known
            where day > (select max(day) from known) - $days::integer
            group by feed, day order by feed, day""",
        {"days": days},
    ):
        found.setdefault(row["feed"], {})[row["day"]] = row["rows"]
    return found


def sources(snap: Snapshot) -> list[Row]:
    """Every source with how far its data reach, in local time and as days behind the newest.

    `brought_local`: when the newest of its files was read that brought a row.
    """
    return snap.rows(
        """
        with brought as (
            select source, max(loaded_at) filter (loaded > 0) as brought_at from quality.load_log group by source
        )
        select s.*, s.data_through at time zone b.timezone as data_through_local,
            epoch(max(s.data_through) over () - s.data_through) / 86400 as days_behind,
            l.brought_at at time zone b.timezone as brought_local
        from quality.sources as s left join brought as l using (source) cross join quality.build as b
        order by s.source
        """
    )


def load_log(snap: Snapshot) -> list[Row]:
    """Every current file and what became of its rows."""
    return snap.rows(
        """select l.*, l.loaded_at at time zone b.timezone as loaded_local
           from quality.load_log as l cross join quality.build as b order by l.source, l.entity, l.file"""
    )


def checks(snap: Snapshot) -> list[Row]:
    """Every check of this build: failed before passed, critical before warnings."""
    return snap.rows(
        """from quality.check_results
           order by status = 'passed', severity <> 'critical', layer, check_name, subject"""
    )


@dataclass(frozen=True)
class Refused:
    """A source whose last load was refused: where its rows that could not be read lie, and the counts of all of them.

    `groups`: source, entity, file, reason, column_name, rows, first_line, expected, fix.
    """

    source: str
    path: str
    groups: tuple[Row, ...]


_REFUSED_COLUMNS = {
    *("quarantine_id", "source", "entity", "file", "sha256", "line", "reason", "column_name", "found", "expected"),
    "raw_text",
}


def refused_loads(snap: Snapshot) -> list[Refused]:
    """The sources whose last load was refused; without a file that another version wrote, or that is gone meanwhile."""
    found = []
    for path in sorted(beside(snap.version.path, "refused").glob("*.parquet")):
        try:
            columns = {row["name"] for row in snap.rows("select name from parquet_schema($path)", {"path": str(path)})}
            (told,) = snap.rows(
                "select decode(value) as text from parquet_kv_metadata($path) where decode(key) = 'leadhouse'",
                {"path": str(path)},
            )
            facts = json.loads(told["text"])
            if columns >= _REFUSED_COLUMNS:
                found.append(Refused(facts["source"], str(path), tuple(facts["groups"])))
        except (duckdb.Error, ValueError, KeyError, TypeError):
            continue
    return found


def _set_aside(snap: Snapshot, rest: str, params: dict[str, Any]) -> list[Row]:
    """Rows that could not be read: of a refused source those of that load, of the others those of the figures shown.

    `is_refused`: nothing of the row's file, as it stood in that load, is in the figures shown.
    """
    columns = "source, entity, file, line, reason, column_name, found, expected, raw_text"
    published = f"select {columns}, false as is_refused from quality.quarantine"
    if refused := refused_loads(snap):
        sql = f"""
            with loaded as (select distinct source, sha256, true as is_loaded from quality.load_log)
            from (
                {published} where not list_contains($refused, source)
                union all
                select {columns}, is_loaded is null as is_refused
                from read_parquet($paths, union_by_name = true) left join loaded using (source, sha256)
            ) {rest}"""
        places = {"paths": [one.path for one in refused], "refused": [one.source for one in refused]}
        with suppress(duckdb.IOException):  # a build has removed one meanwhile: its source loads again
            return snap.rows(sql, params | places)
    return snap.rows(f"from ({published}) {rest}", params)


def refused_rows(snap: Snapshot, subject: str, limit: int = 200) -> list[Row]:
    """Source, entity, file, line and reason of rows of a refused load that are about a file (`source/file`)."""
    if all(subject.partition("/")[0] != one.source for one in refused_loads(snap)):
        return []
    return _set_aside(
        snap,
        "where is_refused and source || '/' || file = $subject order by entity, line, column_name limit $limit",
        {"subject": subject, "limit": limit},
    )


def quarantine_groups(snap: Snapshot) -> list[Row]:
    """How many rows are set aside, by file, reason and column: the first line, what is expected, the commonest fix.

    Nothing of a row itself. `fix` is null in a file that an earlier version published. Of a source whose last load was
    refused, what that load found; `is_refused`: nothing of that file, as it stands, is in the figures shown.
    """
    refused = {one.source: one for one in refused_loads(snap)}
    groups = [group | {"is_refused": False} for group in _published_groups(snap) if group["source"] not in refused]
    not_loaded = {
        (row["source"], row["entity"], row["file"])
        for row in _set_aside(snap, "select distinct source, entity, file where is_refused", {})
    }
    for one in refused.values():
        groups += [
            group
            | {
                "expected": str(group["expected"] or "").partition("; ")[0],
                "is_refused": (group["source"], group["entity"], group["file"]) in not_loaded,
            }
            for group in one.groups
        ]
    keys = ("source", "entity", "file", "reason", "column_name")
    return sorted(groups, key=lambda group: (-group["rows"], *(group[key] or "" for key in keys)))


def _published_groups(snap: Snapshot) -> list[Row]:
    fix = "fix" if "fix" in snap.columns("quality", "quarantine") else "null"
    return snap.rows(
        f"""with counted as (
               select source, entity, file, reason, column_name, {fix} as fix, count(*) as rows,
                   min(line) as first_line, arg_min(expected, line) as expected,
                   bool_or(contains(expected, '; ')) as has_hint  -- only the first texts of a column have one
               from quality.quarantine group by all
           )
           select source, entity, file, reason, column_name, sum(rows)::bigint as rows, min(first_line) as first_line,
               split_part(arg_min(expected, first_line), '; ', 1) as expected,
               first(fix order by has_hint desc nulls last, rows desc, first_line) as fix
           from counted group by source, entity, file, reason, column_name"""
    )


def quarantine(
    snap: Snapshot,
    source: str = "",
    entity: str = "",
    reason: str = "",
    file: str = "",
    column: str = "",
    limit: int = 1000,
) -> list[Row]:
    """Rows that could not be read, as they stand in their files; an empty filter lets everything through.

    Of a source whose last load was refused, the rows of that load (at most 10,000 a file).
    """
    return _set_aside(
        snap,
        """where ($source = '' or source = $source) and ($entity = '' or entity = $entity)
             and ($reason = '' or reason = $reason) and ($file = '' or file = $file)
             and ($column = '' or column_name = $column)
           order by source, entity, file, line limit $limit""",
        {"source": source, "entity": entity, "reason": reason, "file": file, "column": column, "limit": limit},
    )


RECONCILED_EXCLUSIONS = (
    "test",
    "spam",
    "import",
    "agent_created",
    "past_client",
    "no_contact_info",
    "no_touch_coverage",
)
# Both ends of a pair within the weeks (and the source) that are looked at: it makes no difference there.
_SETTLED = """r.week_there between $first and $last and r.week_here between $first and $last
    and ($whole or r.source_there = r.source_here)"""
_STEPS = f"""
    select
        r.row_key, r.person_key, r.record_feed, r.record_id, r.lead_id, r.recorded_at, r.opened_at,
        r.week_there, r.source_there, r.week_here, r.source_here, -1 as change, r.source_there as source,
        case when r.lead_id is null then r.reason else r.reason || '_out' end as step
    from marts.reconciliation_rows as r
    where r.record_id is not null and r.week_there between $first and $last and not coalesce({_SETTLED}, false)
    union all
    select
        r.row_key, r.person_key, r.record_feed, r.record_id, r.lead_id, r.recorded_at, r.opened_at,
        r.week_there, r.source_there, r.week_here, r.source_here, 1, r.source_here,
        case when r.record_id is null then r.reason else r.reason || '_in' end
    from marts.reconciliation_rows as r
    where r.lead_id is not null and r.week_here between $first and $last and not coalesce({_SETTLED}, false)
"""


def reconciliation_weeks(snap: Snapshot) -> list[date] | None:
    """The complete weeks in which the CRM or we count a lead, oldest first; None in a file of an earlier version."""
    if not snap.columns("marts", "reconciliation"):
        return None
    sql = "select distinct week_start from marts.reconciliation where is_complete order by 1"
    return [row["week_start"] for row in snap.rows(sql)]


def reconciliation(snap: Snapshot, first: date, last: date, whole: bool = False) -> list[Row]:
    """The CRM's figure and ours for some weeks, a row a source, or one row for the whole brokerage.

    `source`, `theirs`, `ours`, `leads_eligible`, `origins` and `counted`; `steps`: from theirs to ours, signed, without
    those of no change, in the order of the table's columns; `excluded`: leads of ours by reason, the same way.
    """
    columns = snap.columns("marts", "reconciliation")
    order = {name: place for place, name in enumerate(columns)}
    excluded = ", ".join(f"sum(excluded_{reason})::bigint as excluded_{reason}" for reason in RECONCILED_EXCLUSIONS)
    scope = {"first": first, "last": last, "whole": whole}
    rows = snap.rows(
        f"""select case when $whole then '' else source end as source, sum(theirs)::bigint as theirs,
                sum(ours)::bigint as ours, sum(leads_eligible)::bigint as leads_eligible,
                sum(unexplained)::bigint as unexplained, {excluded},
                list_sort(list(distinct origin)) as origins, min(counted) as counted
            from marts.reconciliation where week_start between $first and $last
            group by 1 order by greatest(sum(theirs), sum(ours)) desc, 1""",
        scope,
    )
    steps: dict[str, dict[str, int]] = {row["source"]: {} for row in rows}
    for step in snap.rows(
        f"""select case when $whole then '' else source end as source, step, sum(change)::bigint as change
            from ({_STEPS}) as s group by 1, 2""",
        scope,
    ):
        steps[step["source"]][step["step"]] = step["change"]
    for row in rows:
        found = steps[row["source"]] | {"unexplained": row["unexplained"]}
        row["steps"] = {step: found[step] for step in sorted(found, key=lambda name: order[name]) if found[step]}
        row["excluded"] = {
            reason: row[f"excluded_{reason}"] for reason in RECONCILED_EXCLUSIONS if row[f"excluded_{reason}"]
        }
    return rows


def reconciliation_behind(
    snap: Snapshot, first: date, last: date, step: str, source: str | None = None, limit: int = 1000
) -> list[Row]:
    """The records and leads behind one step of `reconciliation`, of one source or (None) of the whole brokerage.

    A step `excluded_<reason>` lists the leads left out. Nobody's name, email or phone but the name of the lead.
    """
    scope = {"first": first, "last": last, "source": source, "limit": limit}
    if step.startswith("excluded_"):
        return snap.rows(
            """select null as record_feed, null as record_id, l.lead_id, l.name, null as recorded_local,
                   l.opened_local, null as source_there, l.source as source_here
               from marts.leads as l
               where l.week_start between $first and $last and ($source is null or l.source = $source)
                 and l.exclusion_reason = $reason
               order by l.opened_at desc, l.lead_id limit $limit""",
            {**scope, "reason": step.removeprefix("excluded_")},
        )
    return snap.rows(
        f"""select s.record_feed, s.record_id, s.lead_id, coalesce(l.name, p.name) as name,
                s.recorded_at at time zone b.timezone as recorded_local, l.opened_local, s.source_there, s.source_here
            from ({_STEPS}) as s
            left join marts.leads as l on s.lead_id = l.lead_id
            left join marts.people as p
                on s.row_key like 'people:%' and s.record_feed = p.feed and s.record_id = p.person_id
            cross join quality.build as b
            where s.step = $step and ($source is null or s.source = $source)
            order by coalesce(s.opened_at, s.recorded_at) desc, s.row_key limit $limit""",
        {**scope, "step": step, "whole": source is None},
    )


ECONOMICS_PERIODS = ("trailing_12m", "quarter", "month", "week")
ECONOMICS_VIEWS = ("cohort", "cash")
ALL_SOURCES = "(all)"
_MONTHS = {"month": 1, "quarter": 3, "trailing_12m": 12}
# Which entries of source_economics_entries stand behind what, in the words of the page's address.
BEHIND_ECONOMICS = {
    "leads": ("lead",),
    "appointments": ("appointment_set", "appointment_held"),
    "deals": ("contract", "closing"),
    "costs": ("media", "vendor_fee", "success_fee", "referral_fee"),
}


@dataclass(frozen=True)
class EconomicsScope:
    """What figures of source economics are about: a period by its first day, and one of the two views."""

    period: str
    start: date
    view: str

    @property
    def last(self) -> date:
        """The last day of the period."""
        if self.period == "week":
            return self.start + timedelta(days=6)
        return months_after(self.start, _MONTHS[self.period]) - timedelta(days=1)


def months_after(first: date, months: int) -> date:
    """The first day of the month so many months after that of `first`; before it where negative."""
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, 1)


def has_economics(snap: Snapshot) -> bool:
    """Whether the file has source economics; one of an earlier version has not."""
    return bool(snap.columns("marts", "source_economics") and snap.columns("marts", "source_economics_entries"))


def economics_starts(snap: Snapshot) -> dict[str, list[date]]:
    """The first days of the periods that anything falls into, by the period's name, oldest first."""
    found: dict[str, list[date]] = {period: [] for period in ECONOMICS_PERIODS}
    for row in snap.rows("select distinct period, period_start from marts.source_economics order by 2"):
        found.get(row["period"], []).append(row["period_start"])
    return {period: starts for period, starts in found.items() if starts}


def economics(snap: Snapshot, scope: EconomicsScope) -> list[Row]:
    """Source economics of one period and view, a row a source, those that cost most first; `(all)` last."""
    return snap.rows(
        """select * from marts.source_economics where period = $period and period_start = $start and view = $view
           order by source = '(all)', cost desc, leads_eligible desc, source""",
        {"period": scope.period, "start": scope.start, "view": scope.view},
    )


def confidence_parts(snap: Snapshot, scope: EconomicsScope, source: str) -> Row:
    """What the confidence in a source is the smallest share of: sums of its entries, and money that is mapped."""
    (row,) = snap.rows(
        """select sum(leads_settled)::bigint as leads_settled, sum(leads_eligible)::bigint as leads_eligible,
               sum(closes_with_gci)::bigint as closes_with_gci, sum(closes)::bigint as closes,
               sum(cost_media_mapped) as cost_media_mapped, sum(cost_media) as cost_media
           from marts.source_economics_entries
           where view = $view and day between $first and $last and ($source = '(all)' or source = $source)""",
        {"view": scope.view, "first": scope.start, "last": scope.last, "source": source},
    )
    return row


def economics_behind(snap: Snapshot, scope: EconomicsScope, source: str, kind: str) -> list[Row]:
    """The rows behind the figures of a source (`(all)`: of all sources), of one kind of BEHIND_ECONOMICS, newest first.

    Costs are a row a line of spend and source, with the part of it that counts here. Raises UnknownNameError.
    """
    if kind not in BEHIND_ECONOMICS:
        raise UnknownNameError("kind of rows", kind, tuple(BEHIND_ECONOMICS))
    params = {"view": scope.view, "first": scope.start, "last": scope.last, "source": source,
              "entries": BEHIND_ECONOMICS[kind]}  # fmt: skip
    which = """e.view = $view and e.day between $first and $last and ($source = '(all)' or e.source = $source)
               and e.entry in $entries"""
    return snap.rows(_BEHIND_ECONOMICS[kind].format(which=which), params)


_BEHIND_ECONOMICS = {
    "leads": """
        select e.lead_id, l.name, l.opened_local, e.source, l.agent, e.leads_settled = 1 as is_settled
        from marts.source_economics_entries as e inner join marts.leads as l using (lead_id)
        where {which} order by l.opened_at desc, e.lead_id""",
    "appointments": """
        select e.chain_id, e.entry, e.day, e.lead_id, coalesce(l.name, p.name) as name, c.starts_local, c.outcome,
            e.source, c.agent
        from marts.source_economics_entries as e inner join marts.appointment_chains as c using (chain_id)
        left join marts.leads as l on e.lead_id = l.lead_id
        left join marts.people as p on c.person_key = p.person_key and p.is_current
        where {which} order by e.day desc, e.chain_id, e.entry""",
    "deals": """
        select e.deal_key, e.entry, e.day, e.lead_id, coalesce(l.name, p.name) as name, e.source, d.agent, d.deal_id,
            d.contract_at at time zone b.timezone as contract_local,
            d.closed_at at time zone b.timezone as closed_local,
            case when e.closes_with_gci = 1 then e.gci when e.pending_gci <> 0 then e.pending_gci end as gci,
            case when e.closes_with_gci = 1 and e.splits_missing = 0 then e.company_dollar end as company_dollar,
            e.pending_gci, e.splits_missing, e.splits_assumed
        from marts.source_economics_entries as e inner join marts.deals as d using (deal_key)
        cross join quality.build as b
        left join marts.leads as l on e.lead_id = l.lead_id
        left join marts.people as p on d.person_key = p.person_key and p.is_current
        where {which} order by e.day desc, e.deal_key, e.entry""",
    "costs": """
        select e.entry, min(e.day) as first_day, max(e.day) as last_day, sum(e.cost_media + e.cost_fees) as amount,
            e.source, s.source as billed, s.campaign, coalesce(s.deal_id, d.deal_id) as deal_id, s.feed, s.spend_id,
            e.lead_id
        from marts.source_economics_entries as e
        left join marts.spend as s on e.spend_key = s.spend_key and e.spend_date = s.spend_date
        left join marts.deals as d on e.deal_key = d.deal_key
        where {which}
        group by e.entry, e.spend_key, e.source, s.source, s.campaign, coalesce(s.deal_id, d.deal_id), s.feed,
            s.spend_id, e.lead_id
        order by max(e.day) desc, e.source, e.entry, s.feed, s.spend_id, deal_id""",
}


def trailing_year(snap: Snapshot, week: date, source: str = ALL_SOURCES) -> dict[date, Row]:
    """The cash economics of a source over the 12 months that end with the month of a week, and those a month before.

    By the first day of each; without those that nothing falls into. A week belongs to the month in which it begins.
    """
    start = months_after(week, -11)
    rows = snap.rows(
        """select * from marts.source_economics
           where period = 'trailing_12m' and view = 'cash' and source = $source and period_start in $starts
           order by period_start desc""",
        {"source": source, "starts": (start, months_after(start, -1))},
    )
    return {row["period_start"]: row for row in rows}
