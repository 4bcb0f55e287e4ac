"""Cells, fixes, lists of erased people and stored versions: a value or a trouble, never an exception."""

from __future__ import annotations

import io
import json
import random
import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.config import Table
from dagster_project.entities import ENTITIES
from dagster_project.errors import CriticalProblem
from dagster_project.sources.convert import Converter, Rules
from dagster_project.sources.erased_list import read_suppression
from dagster_project.sources.fixes import nearest_fix
from dagster_project.sources.rejects import Reject, shown_found
from dagster_project.sources.suppression import Identity, Suppression
from dagster_project.warehouse.raw import RawDamaged, RawTooNew, read_texts
from tests.fuzz import house, mutate
from tests.fuzz.seeds import ODD, PEOPLE, cell
from tests.ingest_kit import Kit
from tests.test_raw import store_version

CASES = 4000
_FORMS = [
    "%d.%m.%Y",
    "%m/%d/%y %I:%M %p",
    "%d %b, %Y %H:%M:%S",
    "epoch",
    "epoch_ms",
    "excel",
    "%Y%m%d",
    "%H:%M %d.%m.%y",
]


def some_text(chance: random.Random) -> str:
    """A cell: plausible, odd, both, or any characters."""
    kinds = ["instant", "date", "truth", "money", "number", "count", "text", "email", "phone", "id"]
    first = cell(chance, chance.choice(kinds))
    what = chance.randrange(5)
    if what == 0:
        return chance.choice(ODD)
    if what == 1:
        place = chance.randrange(len(first) + 1)
        return first[:place] + chance.choice([one for one in ODD if len(one) < 9]) + first[place:]
    if what == 2:
        return "".join(chance.choice("0123456789.,:-/ +()T$€KMBZ%eE\u00a0٣½") for _ in range(chance.randrange(1, 25)))
    if what == 3:
        numbers = [chance.randrange(0x110000) for _ in range(chance.randrange(1, 6))]
        return "".join(chr(one) for one in numbers if not 0xD800 <= one <= 0xDFFF)  # no file has those as text
    return first


def test_converters_and_fixes() -> None:
    columns = [(entity, column) for entity in ENTITIES.values() for column in entity.columns]
    for number in house.wanted(CASES):
        chance = random.Random(f"{house.SEED}:value:{number}")
        entity, column = chance.choice(columns)
        forms = {"*": chance.sample(_FORMS, chance.randrange(3))}
        mark = chance.choice([".", ","])
        zone = ZoneInfo(chance.choice(["America/New_York", "UTC", "Australia/Lord_Howe"]))
        durations = (
            {column.name: chance.choice(["mm:ss", "hh:mm", "hours", "milliseconds"])} if chance.random() < 0.5 else {}
        )
        rules = Rules(
            zone, mark, forms, durations, chance.choice([1900, 1969, 2100]), chance.choice([None, 1900, 1904])
        )
        words = chance.choice([None, {"in": "inbound", "*": "outbound"}, {"x": ""}])
        converter = Converter(column, rules, words, mapped=chance.random() < 0.5)
        texts = [some_text(chance) for _ in range(chance.randrange(1, 9))]
        try:
            values = converter.convert(texts)
            assert len(values) == len(texts)
            for one, value in zip(texts, values, strict=True):
                if one in converter.troubles:
                    assert value is None
                    table = chance.choice(
                        [
                            None,
                            Table(entity=entity.name, file="x", decimal=mark, time_formats=forms if forms["*"] else {}),
                        ]
                    )
                    trouble = converter.troubles[one]
                    _check_fix(entity.name, table, Reject(1, one, trouble.reason, column.name, one, trouble.expected))
            assert converter.warning is None or converter.warning.isprintable()
        except Exception as error:
            raise AssertionError(
                f"LEADHOUSE_FUZZ_CASE={number} -k converters: {column} {rules} {texts!r}: {error!r}"
            ) from error


def _check_fix(entity: str, table: Table | None, reject: Reject) -> None:
    assert shown_found(reject).isprintable(), reject
    assert reject.expected is not None
    assert reject.expected.isprintable(), reject
    for personal in (False, True):
        fix = nearest_fix(ENTITIES[entity], table, reject, personal=personal)
        assert personal or fix.words.isprintable(), (reject, fix)
        assert "\n" not in fix.words
        if fix.toml:
            tomllib.loads(fix.toml)


def test_lists_of_erased_people(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    config = kit.config
    config.erasure_dir.mkdir(parents=True)
    (config.erasure_dir / "key").write_text("ab" * 32, encoding="ascii")
    entry = {"token": "e1", "at": "2026-11-24T12:00:00+00:00", "reason": "asked", "ids": ["ab" * 16],
    "emails": ["cd" * 16],
             "phones": ["ef" * 16], "tails": ["ab12"], "names": ["01" * 16], "common": []}  # fmt: skip
    given = json.dumps({"people": [entry, entry]}, indent=1)
    tokens = [
        "null",
        "1",
        "[]",
        "{}",
        '""',
        "[[]]",
        '{"people": 1}',
        '"a"',
        ",",
        ":",
        "\\ud800",
        "NaN",
        "[" * 3000,
        "true",
        '["x"]',
        "[1]",
        "[{}]",
    ]
    read = 0
    for number in house.wanted(CASES // 4):
        chance = random.Random(f"{house.SEED}:list:{number}")
        content = given
        if chance.random() < 0.5:
            told = json.loads(given)
            told["people"][0][chance.choice(list(entry))] = chance.choice(
                [None, 1, [], [1], [[]], {}, "x", ["x"], True, {"a": 1}]
            )
            content = json.dumps(told)
        else:
            content = mutate.text(chance, given, tokens)
        raw = content.encode("utf-8", "surrogatepass")
        raw = mutate.flipped(chance, raw) if chance.random() < 0.3 else raw
        (config.erasure_dir / "people.json").write_bytes(raw)
        try:
            read += _used(read_suppression(config))
        except CriticalProblem as problem:
            for message in problem.messages:
                house.check_line(message)
        except Exception as error:
            raise AssertionError(f"LEADHOUSE_FUZZ_CASE={number} -k lists: {raw!r}: {error!r}") from error
    assert read


def _used(suppression: Suppression) -> bool:
    """Use a list as a load does."""
    name, email, phone = PEOPLE[0]
    assert isinstance(suppression.digest, str)
    suppression.find(Identity("crm", "1", email, phone, "2"), links=True)
    suppression.find(Identity("crm", None, f"{email};x@y.test", phone), links=False)
    suppression.mask_names(suppression.mask(f"{name} {email} {phone}"))
    suppression.mentions(name)
    assert isinstance(suppression.pseudonyms, dict)
    return bool(suppression)


@pytest.mark.parametrize("part", range(2))
def test_stored_versions(tmp_path: Path, part: int) -> None:
    """Parquet files that are valid but no stored versions: other columns, types and descriptions."""
    stored = store_version(tmp_path)
    metadata = pq.read_metadata(stored).metadata
    whole = pq.read_table(stored)
    for number in house.wanted(CASES // 4)[part::2]:
        chance = random.Random(f"{house.SEED}:stored:{number}")
        told, table = dict(metadata), whole
        if chance.random() < 0.6:
            key = chance.choice([b"leadhouse", b"leadhouse.seal"])
            told[key] = mutate.text(
                chance, told[key].decode(), ["null", "[]", "{}", '"', "1", "-1", "1e9", "\\u0000", "x"]
            ).encode("utf-8", "replace")
            if chance.random() < 0.2:
                del told[key]
        if chance.random() < 0.6:
            place = chance.randrange(table.num_columns)
            column = mutate.odd_column(chance, table.num_rows)
            table = table.set_column(place, table.column_names[place], column)
        if chance.random() < 0.2:
            table = table.select(chance.sample(table.column_names, chance.randrange(table.num_columns)))
        buffer = io.BytesIO()
        try:
            with pq.ParquetWriter(buffer, table.schema) as writer:
                writer.write_table(table)
                writer.add_key_value_metadata(
                    {key: value for key, value in told.items() if key.startswith(b"leadhouse")}
                )
        except (pa.ArrowException, ValueError):
            continue
        stored.write_bytes(buffer.getvalue())
        try:
            assert list(read_texts(stored)) == list(
                zip(whole["line"].to_pylist(), whole["text"].to_pylist(), strict=True)
            )
        except (RawDamaged, RawTooNew) as damage:
            for message in damage.messages:
                house.check_line(message)
        except Exception as error:
            raise AssertionError(f"LEADHOUSE_FUZZ_CASE={number} -k stored: {stored}: {error!r}") from error
