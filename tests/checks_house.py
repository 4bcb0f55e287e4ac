"""Sources whose every row is as it should be, in a working database: what the tests of the checks plant faults in.

Each source is a CRM of its own: 75 days of inquiries that people answer in waking hours, bookings, deals. The marts
are cut out of `raw` by a few lines of SQL, which stand for dbt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from dagster_project import __version__
from dagster_project.expectations import served_attached
from dagster_project.warehouse.checks import start_checks
from dagster_project.warehouse.working import prepare_working

ZONE = "America/New_York"
AS_OF = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
"""A Tuesday, 9:00 there: the last whole day is Monday 2026-11-23."""
DAYS = 75
HOURS = np.array([2, 1, 1, 1, 1, 3, 6, 12, 18, 24, 26, 26, 24, 24, 24, 24, 24, 24, 24, 26, 24, 18, 10, 5], dtype=float)
_OPENS, _CLOSES = 8, 20


def base(seed: int = 7, per_day: float = 30.0, days: int = DAYS) -> pd.DataFrame:
    """One row per inquiry of one source: when, when it is first touched, what is booked. Local times, no zone."""
    random = np.random.default_rng(seed)
    today = datetime(2026, 11, 24)  # noqa: DTZ001 - local, as all of this frame
    counts = random.poisson(per_day, days)
    day = np.repeat(np.arange(days, 0, -1), counts)
    second = random.choice(24, size=len(day), p=HOURS / HOURS.sum()) * 3600 + random.integers(1, 3600, len(day))
    opened = pd.Series([today - timedelta(days=int(d), seconds=-int(s)) for d, s in zip(day, second, strict=True)])
    wait = random.exponential(900, len(day)).astype(int) + 5
    touched = opened + pd.to_timedelta(wait, unit="s")
    after_hours = ~touched.dt.hour.between(_OPENS, _CLOSES - 1)
    morning = (touched - pd.to_timedelta(_OPENS, unit="h")).dt.ceil("D") + pd.to_timedelta(
        _OPENS * 3600 + random.integers(0, 7200, len(day)), unit="s"
    )
    frame = pd.DataFrame({"opened": opened, "touched": touched.where(~after_hours, morning)})
    frame = frame.sort_values("opened", ignore_index=True)
    frame["number"] = frame.index
    frame["lag"] = random.integers(1, 60, len(frame))
    frame["outcome"] = random.choice(["held", "held", "no_show", None], len(frame))
    return frame


@contextmanager
def house(
    sources: Mapping[str, pd.DataFrame], faults: Mapping[str, str] | None = None, served: Sequence[str] = ()
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A working database of these sources. `faults`: SQL on `raw` by source, which it knows as `$source`."""
    with duckdb.connect() as connection:
        prepare_working(connection)
        start_checks(connection)
        for name, frame in sources.items():
            connection.register("base", frame)
            for statement in _SOURCE:
                connection.execute(statement, {"source": name, **({"zone": ZONE} if "$zone" in statement else {})})
            connection.unregister("base")
        for name, statements in (faults or {}).items():
            for statement in filter(str.strip, statements.split(";")):
                connection.execute(statement, {"source": name} if "$source" in statement else None)
        for statement in _MARTS:
            connection.execute(statement)
        with served_attached(connection, Path("there is none")):
            for statement in (*_SERVED, *served):
                connection.execute(statement, [AS_OF - timedelta(days=1), __version__] if "?" in statement else None)
            yield connection


_PLACE = "_source, _id_space, _file, _line"
_HERE = "$source, $source, 'a.csv', number + 2"
_SOURCE = (
    f"""
    INSERT INTO raw.inquiries ({_PLACE}, inquiry_id, person_id, phone, event_at, received_at, source, agent, campaign)
    SELECT {_HERE}, 'i' || number, 'p' || number, $source || number, opened AT TIME ZONE $zone,
        (opened AT TIME ZONE $zone) + to_seconds(lag), 'Zillow', 'Ann', 'autumn'
    FROM base
    """,
    f"""
    INSERT INTO raw.people ({_PLACE}, person_id, phone, created_at)
    SELECT {_HERE}, 'p' || number, $source || number, (opened AT TIME ZONE $zone) + to_seconds(lag) FROM base
    """,
    f"""
    INSERT INTO raw.touches ({_PLACE}, touch_id, person_id, phone, occurred_at, ended_at, channel, direction,
        sender_type, agent, disposition)
    SELECT {_HERE}, 't' || number, 'p' || number, $source || number, touched AT TIME ZONE $zone,
        (touched AT TIME ZONE $zone) + INTERVAL 2 MINUTE, 'call', 'outbound', 'human', 'Ann',
        CASE WHEN number % 3 = 0 THEN 'other' ELSE 'answered' END
    FROM base
    """,
    f"""
    INSERT INTO raw.appointments ({_PLACE}, appointment_id, person_id, booked_at, starts_at, ends_at, outcome)
    SELECT {_HERE}, 'a' || number, 'p' || number, (touched + INTERVAL 1 MINUTE) AT TIME ZONE $zone,
        (date_trunc('day', touched) + INTERVAL 1 DAY + to_hours((10 + number % 8)::INTEGER)) AT TIME ZONE $zone,
        (date_trunc('day', touched) + INTERVAL 1 DAY + to_hours((11 + number % 8)::INTEGER)) AT TIME ZONE $zone,
        outcome
    FROM base WHERE number % 8 = 0
    """,
    f"""
    INSERT INTO raw.deals ({_PLACE}, deal_id, person_id, agreement_at, contract_at, closed_at)
    SELECT {_HERE}, 'd' || number, 'p' || number, (opened - INTERVAL 90 DAY) AT TIME ZONE $zone,
        (opened - INTERVAL 60 DAY) AT TIME ZONE $zone, (opened - INTERVAL 20 DAY) AT TIME ZONE $zone
    FROM base WHERE number % 20 = 0
    """,
    "INSERT INTO raw.identifiers SELECT 'phone', $source || number, '+' || $source || number, true, false FROM base",
    """
    INSERT INTO raw.sources (source, position, id_space, timezone, data_through)
    SELECT $source, 1, $source, $zone, greatest(max(opened), max(touched)) AT TIME ZONE $zone FROM base
    """,
    """
    INSERT INTO quality.load_log (source, file, entity, rows, loaded, quarantined, exact_duplicates, superseded,
        filtered, status)
    SELECT $source, 'a.csv', 'touches', 10000, 9991, 4, 3, 2, 0, 'loaded' FROM base LIMIT 1
    """,
    """
    INSERT INTO quality.quarantine (quarantine_id, source, entity, file, line, reason)
    SELECT 'q' || number, $source, 'touches', 'a.csv', number + 2, 'unreadable_value' FROM base LIMIT 4
    """,
)

_MARTS = (
    "CREATE SCHEMA marts",
    "CREATE SCHEMA intermediate",
    """
    CREATE TABLE marts.touches AS
    SELECT _id_space || ':' || touch_id AS touch_key, _source AS feed, touch_id,
        CASE WHEN person_id IS NOT NULL THEN _id_space || ':' || person_id END AS person_key, occurred_at, channel,
        direction, sender_type
    FROM raw.touches WHERE _deleted_by_load IS NULL
    """,
    """
    CREATE TABLE marts.inquiries AS
    SELECT _id_space || ':' || inquiry_id AS inquiry_key, inquiry_id, _source AS feed,
        CASE WHEN person_id IS NOT NULL THEN _id_space || ':' || person_id END AS person_key,
        person_id IS NOT NULL AS names_a_person, least(event_at, received_at) AS opened_at,
        CASE source WHEN 'Zillow' THEN 'portal' ELSE '(none)' END AS category, NULL::VARCHAR AS set_aside_reason,
        false AS is_deleted, received_at < event_at AS has_clock_error,
        date_diff('second', event_at, received_at)::DECIMAL(18, 6) AS integration_lag_seconds
    FROM raw.inquiries WHERE _deleted_by_load IS NULL
    """,
    """
    CREATE TABLE marts.people AS
    SELECT _id_space AS id_space, person_id, _source AS feed, _id_space || ':' || person_id AS person_key, created_at
    FROM raw.people WHERE _deleted_by_load IS NULL
    """,
    """
    CREATE TABLE intermediate.int_identifier_uses AS
    SELECT 'phone' AS kind, '+' || phone AS value, NOT starts_with(_source, 'shares_') AS may_link FROM raw.people
    """,
    """
    CREATE TABLE marts.reconciliation (source VARCHAR, week_start DATE, is_complete BOOLEAN, origin VARCHAR,
        theirs BIGINT, unexplained BIGINT)
    """,
    """
    INSERT INTO marts.reconciliation VALUES
        ('Zillow', '2026-11-16', true, 'file', 100, -1),
        ('Zillow', '2026-11-09', true, 'file', 100, 1),
        ('Website', '2026-11-16', true, 'file', 1, 2),     -- two leads may always differ
        ('Zillow', '2026-10-19', true, 'file', 100, -50),  -- too long ago
        ('Zillow', '2026-11-23', false, 'file', 100, -50)  -- not over yet
    """,
    "CREATE TABLE marts.leads (week_start DATE, is_eligible BOOLEAN, response_seconds DOUBLE)",
    """
    INSERT INTO marts.leads
    SELECT DATE '2026-07-06' + 7 * w::INTEGER, true, s
    FROM range(20) AS t(w) CROSS JOIN (VALUES (60), (720), (6000)) AS v(s)
    """,
    """
    CREATE TABLE marts.metric_weekly (week_start DATE, period VARCHAR, metric_id VARCHAR, slice VARCHAR,
        slice_value VARCHAR, value DOUBLE, numerator BIGINT, denominator BIGINT, ci_low DOUBLE, ci_high DOUBLE)
    """,
    # Ten weeks up to the last, and ten that have been over for long.
    """
    INSERT INTO marts.metric_weekly
    SELECT DATE '2026-07-06' + 7 * w::INTEGER, period, metric_id, slice, slice_value, value, numerator, denominator,
        low, high
    FROM range(20) AS t(w) CROSS JOIN (VALUES
        ('week', 'contact_rate_48h', 'all', 'all', 0.5, 15, 30, 0.2, 0.8),
        ('week', 'response_minutes_median', 'all', 'all', 12, 5, 10, 6, NULL),
        ('week', 'response_minutes_p90', 'all', 'all', 90, 5, 10, 16, NULL),
        ('week', 'spend', 'all', 'all', -5.25, NULL, NULL, NULL, NULL),
        ('week', 'spend', 'source', 'Zillow', -5.25, NULL, NULL, NULL, NULL),
        ('week', 'leads', 'all', 'all', 30, NULL, NULL, NULL, NULL),
        ('week', 'leads', 'source', 'Zillow', 20, NULL, NULL, NULL, NULL),
        ('week', 'leads', 'source', 'Website', 10, NULL, NULL, NULL, NULL),
        ('week', 'leads_eligible', 'all', 'all', 20, NULL, NULL, NULL, NULL),
        ('week', 'leads_excluded', 'all', 'all', 10, NULL, NULL, NULL, NULL)
    ) AS v(period, metric_id, slice, slice_value, value, numerator, denominator, low, high)
    """,
    """
    INSERT INTO marts.metric_weekly
    SELECT DATE '2026-07-06' + 7 * w::INTEGER, 'trailing_4w', metric_id, 'all', 'all', value * least(w + 1, 4), NULL,
        NULL, NULL, NULL
    FROM range(20) AS t(w) CROSS JOIN (VALUES ('leads', 30), ('leads_eligible', 20), ('leads_excluded', 10))
        AS v(metric_id, value)
    """,
)

_SERVED = (
    "INSERT INTO served.marts.metric_weekly FROM marts.metric_weekly",
    "INSERT INTO served.quality.load_log FROM quality.load_log",
    "UPDATE served.quality.load_log SET quarantined = 2",
    "INSERT INTO served.quality.build VALUES (?, ?)",
)
