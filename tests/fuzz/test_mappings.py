"""Mutated mappings: one line for each mistake, or a configuration that loads a file without a trace of the code."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagster_project.config import Config, load_config
from dagster_project.entities import ENTITIES
from dagster_project.errors import ConfigError, LeadhouseError
from dagster_project.sources.ingest import ingest_source
from dagster_project.sources.report import LoadReport
from tests.fuzz import house, mutate
from tests.fuzz.seeds import ODD, canonical
from tests.fuzz.test_expressions import sql
from tests.ingest_kit import CLOCK, HEAD

CASES = 400
PART = 200


def toml(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(key))} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _odd(chance: random.Random) -> Any:
    text = chance.choice([one for one in ODD if len(one) < 10_000])
    return chance.choice(
        [text, "", 0, -1, 10**15, 1.5, 1e300, True, [], [text], [[text]], {}, {text: text}, {"*": "*"}, ["a", 1],
         "${HOME}", "${", "${NOT_THERE}", "${NOT_THERE:-x}"]
    )  # fmt: skip


def _names(chance: random.Random, given: list[str], value: Callable[[], object]) -> dict[str, object]:
    odd = [chance.choice(["*", "", "nmae", " name", "a.b", *ODD[:60]])] if chance.random() < 0.1 else []
    return {name: value() for name in [*chance.sample(given, min(len(given), chance.randrange(1, 4))), *odd]}


def table(chance: random.Random) -> tuple[str, dict[str, object]]:
    """The keys of a `[[source.table]]`, each of them sometimes odd; and the entity whose rows it gets."""
    entity = chance.choice(list(ENTITIES.values()))
    names = list(entity.column_names)
    raw = [*names, "Raw One", "naïve", "x\ny", "Ünïcode", "a" * 200]
    words = [*(word for column in entity.columns for word in column.choices), "true", "no", "x"]
    forms = [
        "%d.%m.%Y",
        "%m/%d/%y %I:%M %p",
        "epoch",
        "epoch_ms",
        "excel",
        "%Y",
        "%Q",
        "%",
        "%H:%M",
        "%d%d",
        "%s",
        "\n%Y",
        "%Z",
        "%z",
    ]
    makers: dict[str, Callable[[], object]] = {
        "encoding": lambda: chance.choice(["utf-8", "utf-16", "windows-1252", "latin-1", "hex", "rot13", "base64",
        "zip", "idna", "utf-7",
                                            "cp037", "punycode", "undefined", "unicode_escape", "mbcs", "utf_8_sig",
                                            "\0"]),
        "delimiter": lambda: chance.choice([",", ";", "|", "\t", " ", '"', "'", "\\", "\n", "\r", "é", "😀", "a", ",,",
        "\x1f", "\0"]),
        "quote": lambda: chance.choice(['"', "'", "none", "x"]),
        "escape": lambda: chance.choice(["doubled", "backslash", "x"]),
        "sheet": lambda: chance.choice(["S*", "Sheet1", "[", "*"]),
        "decimal": lambda: chance.choice([",", ".", ";"]),
        "timezone": lambda: chance.choice(["America/Sao_Paulo", "UTC", "Nowhere", "../etc/passwd", "localtime"]),
        "skip_lines": lambda: chance.choice([0, 1, 1000, 1001, -1]),
        "columns": lambda: {name: chance.choice([name, name, chance.choice(raw), [name, chance.choice(raw)]])
                            for name in {*entity.required, *chance.sample(names, 2)}},
        "time_formats": lambda: chance.choice([[chance.choice(forms)], _names(chance, names,
        lambda: [chance.choice(forms)])]),
        "values": lambda: _names(chance, names, lambda: {chance.choice([*words, "*", "in"]): chance.choice([*words,
        ""])}),
        "durations": lambda: _names(chance, names, lambda: chance.choice(["mm:ss", "minutes", "days"])),
        "two_digit_years_from": lambda: chance.choice([1900, 1969, 2100, 1]),
        "expressions": lambda: _names(chance, names, lambda: sql(chance, names)),
        "constants": lambda: _names(chance, names, lambda: chance.choice([*words, 1, True, "2026-11-20"])),
        "keep": lambda: _names(chance, raw, lambda: [chance.choice(words)]),
        "drop": lambda: _names(chance, raw, lambda: chance.choice([[""], words[0]])),
    }  # fmt: skip
    keys: dict[str, object] = {
        "entity": entity.name,
        "file": chance.choice(["x*", "x*", "x*", "**/x*", "x?c[st]v", "[", "**", "", "a/../x", "/etc/*", "~/x",
        "***/x", "x**", "\0", "x*.csv"]),
    }  # fmt: skip
    for name in chance.sample(list(makers), chance.choice([0, 1, 2, 4])):
        keys[name] = makers[name]() if chance.random() < 0.9 else _odd(chance)
    if chance.random() < 0.05:
        keys[chance.choice([*keys, "colums", "x"])] = _odd(chance)
    return entity.name, keys


def configuration(chance: random.Random) -> tuple[str, str]:
    """The text of a configuration with one to three tables, and the entity of the first."""
    tables = [table(chance) for _ in range(chance.choice([1, 1, 1, 2, 3]))]
    text = HEAD + '[[source]]\nname = "crm"\nkind = "files"\npath = "crm"\n'
    for _, keys in tables:
        text += "[[source.table]]\n" + "".join(f"{toml(name)} = {toml(value)}\n" for name, value in keys.items())
    if chance.random() < 0.1:
        text = mutate.text(
            chance, text, ["\n", '"', "'''", "=", "[", "]", "#", "\\", "\ufeff", "[[source]]", "1e400", "{", "a.b"]
        )
    return text, tables[0][0]


def check(number: int, folder: Path) -> bool:
    """One case; whether its configuration was taken."""
    chance = random.Random(f"{house.SEED}:mapping:{number}")
    text, entity = configuration(chance)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "crm").mkdir(parents=True)
    path = folder / "leadhouse.toml"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        config = load_config(path, {"HOME": "a secret of the environment"})
    except ConfigError as error:
        for message in error.messages:
            house.check_line(message)
            assert "a secret of the environment" not in message
        return False
    name, content = mutate.encoded(chance, canonical(chance, ENTITIES[entity]), "")[:2]
    (folder / "crm" / f"x{name}").write_bytes(content)
    _load(config)
    return True


def _load(config: Config) -> None:
    with house.database() as connection, house.bounded("mapping"):
        try:
            report = ingest_source(connection, config, config.sources[0], load_id="L1", clock=CLOCK)
        except LeadhouseError as refused:
            for message in refused.messages:
                house.check_line(message)
            return
    assert isinstance(report, LoadReport)
    assert all(file.adds_up for file in report.files), report.lines()
    for line in (*report.lines(), *report.warnings):
        house.check_line(line)


@pytest.mark.parametrize("first", range(0, len(house.wanted(CASES)), PART))
def test_mappings(tmp_path: Path, first: int) -> None:
    taken = 0
    for number in house.wanted(CASES)[first : first + PART]:
        try:
            taken += check(number, tmp_path / "case")
        except (Exception, house.TooSlow) as error:
            why = f"LEADHOUSE_FUZZ_CASE={number} pytest tests/fuzz -k mappings; input: {tmp_path}/case; {error!r}"
            raise AssertionError(why) from error
    assert taken or len(house.wanted(CASES)) < PART
