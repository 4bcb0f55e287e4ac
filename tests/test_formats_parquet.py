"""Parquet: native values become text without loss; broken files and bombs are refused."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.errors import CriticalProblem
from dagster_project.sources.formats.parquet import open_parquet
from dagster_project.sources.records import UnreadableFile
from tests.formats_kit import load_apart
from tests.ingest_kit import SOURCE, Kit, figures


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    kit = Kit(tmp_path, SOURCE + 'mode = "append"\n')
    kit.write("crm/x")
    return kit


def refused(kit: Kit) -> list[str]:
    with pytest.raises(CriticalProblem) as caught:
        kit.load()
    return list(caught.value.messages)


def cells(table: pa.Table | pd.DataFrame, tmp_path: Path, mark: str = ".") -> dict[str, list[str]]:
    path = tmp_path / "x.parquet"
    table.to_parquet(path) if isinstance(table, pd.DataFrame) else pq.write_table(table, path)
    opened = open_parquet(path, mark)
    rows = [record.cells for record in opened.records]
    return dict(zip(opened.header, map(list, zip(*rows, strict=True)), strict=True))


def test_native_values_become_text(tmp_path: Path) -> None:
    moment = datetime(2026, 11, 20, 9, 30, 0, 250_000)  # noqa: DTZ001
    noon = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    table = pa.table(
        {
            "ids": pa.array([123.0, None], pa.float64()),
            "big": pa.array([2**63 - 1, None]),
            "float": pa.array([0.1, 1e22]),
            "float32": pa.array([0.1, float("nan")], pa.float32()),
            "small": pa.array([1e-7, -2.5]),
            "infinite": pa.array([float("inf"), None]),
            "decimal": pa.array([Decimal("12.3400"), None], pa.decimal128(12, 4)),
            "truth": [True, None],
            "local": pa.array([moment, None], pa.timestamp("us")),
            "zoned": pa.array([noon, None], pa.timestamp("ms", "America/New_York")),
            "nobody's zone": pa.array([0, None], pa.timestamp("us", "Nowhere/Town")),
            "nanoseconds": pa.array([1_795_166_999_999_999_999, None], pa.timestamp("ns")),
            "far": pa.array([2**60, 0], pa.timestamp("us")),
            "date": pa.array([date(2026, 11, 20), None]),
            "time": pa.array([time(9, 30), None], pa.time64("ns")),
            "duration": pa.array([timedelta(days=1, hours=3, minutes=9, seconds=7), None], pa.duration("us")),
            "category": pa.array(["a", None]).dictionary_encode(),
            "emails": pa.array([["a@x.com", None, "b@x.com"], []], pa.list_(pa.string())),
            "objects": pa.array([[{"a": 1.0}], None]),
            "struct": pa.array([{"a": 1, "b": {"c": "x"}}, None]),
            "binary": pa.array(["é".encode(), None], pa.binary()),
            "nothing": pa.nulls(2),
        }
    )  # fmt: skip
    assert cells(table, tmp_path) == {
        "ids": ["123", ""],
        "big": ["9223372036854775807", ""],
        "float": ["0.1", "10000000000000000000000"],
        "float32": ["0.1", ""],
        "small": ["0.0000001", "-2.5"],
        "infinite": ["inf", ""],
        "decimal": ["12.3400", ""],
        "truth": ["true", ""],
        "local": ["2026-11-20T09:30:00.250000", ""],
        "zoned": ["2026-11-20T09:30:00-05:00", ""],
        "nobody's zone": ["1970-01-01T00:00:00+00:00", ""],
        "nanoseconds": ["2026-11-20T09:29:59.999999", ""],
        "far": [f"{2**60} us", "1970-01-01T00:00:00"],
        "date": ["2026-11-20", ""],
        "time": ["09:30:00", ""],
        "duration": ["1 day, 3:09:07", ""],
        "category": ["a", ""],
        "emails": ["a@x.com;b@x.com", ""],
        "objects": ['[{"a":1.0}]', ""],
        "struct.a": ["1", ""],
        "struct.b.c": ["x", ""],
        "binary": ["é", ""],
        "nothing": ["", ""],
    }
    comma = cells(table.select(["float", "decimal", "small"]), tmp_path, ",")
    assert comma == {
        "float": ["0,1", "10000000000000000000000"],
        "decimal": ["12,3400", ""],
        "small": ["0,0000001", "-2,5"],
    }


def test_frames_of_pandas(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "nullable": pd.array([1, None], "Int64"),
            "ids": [7, None],
            "when": pd.to_datetime(["2026-11-20 09:30", None]),
            "zoned": pd.to_datetime(["2026-11-20 09:30", None]).tz_localize("Europe/Berlin"),
            "text": ["x", np.nan],
            "truth": pd.array([True, None], "boolean"),
        },
        index=pd.Index(["a", "b"], name="key"),
    )
    assert cells(frame, tmp_path) == {
        "nullable": ["1", ""],
        "ids": ["7", ""],
        "when": ["2026-11-20T09:30:00", ""],
        "zoned": ["2026-11-20T09:30:00+01:00", ""],
        "text": ["x", ""],
        "truth": ["true", ""],
        "key": ["a", "b"],
    }


def test_bytes_that_are_no_text_are_quarantined(kit: Kit) -> None:
    table = pa.table({"person_id": pa.array([b"1", b"2\xff", b"3"], pa.binary()), "name": ["Ann", "Bo", "x" * 200_000]})
    pq.write_table(table, kit.folder / "crm" / "people.parquet")
    for _ in range(2):
        assert figures(kit.load().files[0]) == (3, 1, 2, 0, 0, 0)
        assert kit.quarantine() == [
            ("people.parquet", 2, "bad_encoding", None), ("people.parquet", 3, "huge_cell", None),
        ]  # fmt: skip
        (kit.folder / "crm" / "people.parquet").unlink(missing_ok=True)
        kit.config.working_path.unlink()  # the second time from raw


def test_a_text_column_with_bytes_that_are_no_text(tmp_path: Path) -> None:
    wrong = pa.array([b"ok", b"\xff"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"x": wrong}), tmp_path / "x.parquet")
    with pytest.raises(UnicodeDecodeError):
        pq.read_table(tmp_path / "x.parquet").column("x").to_pylist()
    assert [record.problem for record in open_parquet(tmp_path / "x.parquet", ".").records if record.cells is None] == [
        "bad_encoding"
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PAR1", "it is not Parquet: export it again"),
        (b"person_id\n1\n", "it is not Parquet: export it again"),
        (b"PAR1\x15" + b"x" * 100 + b"PAR1", "the Parquet file is broken, cut off or encrypted: export it again"),
    ],
    ids=["short", "text", "broken"],
)
def test_parquet_that_cannot_be_read(kit: Kit, content: bytes, words: str) -> None:
    kit.write("crm/people.parquet").write_bytes(content)
    assert refused(kit) == [f"crm/people.parquet: {words}"]


@pytest.mark.parametrize("kind", ["rows", "bytes"])
def test_a_bomb(kit: Kit, kind: str) -> None:
    path = kit.folder / "crm" / "people.parquet"
    if kind == "rows":  # one value, a hundred million times
        one = pa.DictionaryArray.from_arrays(pa.array(np.zeros(1_000_000, np.int8)), pa.array(["p"]))
        with pq.ParquetWriter(path, pa.schema([("person_id", one.type)])) as writer:
            for _ in range(100):
                writer.write_table(pa.table({"person_id": one}))
    else:
        text = pa.array(["x" * 50_000_000] * 4)
        pq.write_table(pa.table({"person_id": text}), path, compression="zstd", use_dictionary=False)
    assert path.stat().st_size < 1_000_000
    assert refused(kit) == [
        (
            "crm/people.parquet: the Parquet file unpacks to more than 200 times its size, as no export does:"
            " it is not unpacked"
        )
    ]


def test_a_long_text_that_repeats_stays_bounded(kit: Kit) -> None:
    """A dictionary holds it once; rows must not hold it twenty thousand times at once."""
    names = pa.DictionaryArray.from_arrays(pa.array(np.zeros(2_000, np.int32)), pa.array(["x" * 1_000_000]))
    table = pa.table({"person_id": [str(number) for number in range(2_000)], "name": names})
    path = kit.folder / "crm" / "people.parquet"
    pq.write_table(table, path, compression="none")
    told, peak = load_apart(kit)
    assert "2,000 of 2,000 rows cannot be read" in told[0]
    assert peak < 1000  # MiB; all of it is 2 GB as bytes and as much again as cells


def test_mutations_end_in_rows_or_in_one_line(tmp_path: Path) -> None:
    table = pa.table(
        {"person_id": ["1", "é"], "when": pa.array([0, 1], pa.timestamp("ms")), "struct": [{"a": 1}, None]}
    )
    pq.write_table(table, tmp_path / "good.parquet")
    good = (tmp_path / "good.parquet").read_bytes()
    dice = random.Random(4)
    outcomes = set()
    for _ in range(500):
        content = bytearray(good)
        for _ in range(dice.randint(1, 4)):
            content[dice.randrange(4, len(content) - 8)] = dice.randrange(256)
        (tmp_path / "x.parquet").write_bytes(content)
        try:
            opened = open_parquet(tmp_path / "x.parquet", ".")
            assert all(len(record.cells or opened.header) == len(opened.header) for record in opened.records)
            outcomes.add("rows")
        except UnreadableFile:
            outcomes.add("refused")
    assert outcomes == {"rows", "refused"}
