"""What is mutated: exports of every entity, plausible and odd, canonical or as the tables of TOML map them."""

from __future__ import annotations

import random
from collections.abc import Sequence

from dagster_project.entities import ENTITIES, Column, Entity

PEOPLE = [("Zoe Quill", "zoe.quill@harbor.test", "+1 212 736 5000"), ("Bo Marsh", "bo@marsh.test", "(212) 736-5001")]
"""Names, emails and phones of the seeds; the first is erased where a suppression list is used."""

ODD = [
    "", " ", "\ufeff", "\u2028", "\x85", "\x1c", "\x0b", "\r", "\n", "\r\n", "a\nb", '"', '""', "'", "\\", '\\"', ",",
    ";", "\t", "|", "sep=;", "=1+1", "@SUM(A1)", "{", "[", "]", "}", "{}", "[]", "null", "NaN", "Infinity", "-inf",
    "-0",
    "1e999999999", "1e-999999999", "1E5", "0x10", "9" * 19, "9" * 400, "9" * 5000, "0." + "3" * 80, "٣٤", "²", "½",
    "１２", "一", "😀", "e\u0301", "\u202eabc", "\u200d", "İ", "ß", "ſ", "\uef80\uefff", "\uffff",
    "\U0010ffff", "\u00a0",
    "_x000D_", "_xD800_", "0000-00-00", "0001-01-01", "9999-12-31T23:59:59Z", "2026-02-30", "2026-11-01 01:30",
    "2026-03-08 02:30", "2026-11-20T24:00", "2026-11-20T09:30:00+99:99", "2026-W47-5", "20261120", "20/11/2026 9:30 PM",
    "15 Apr, 2021 00:03:00", "1763631000", "1763631000000", "45000.5", "60", "-1", "+5", "(5)", "5-", "1,2,3.4",
    "1.234,5",
    "1,234", "R$ 100.000", "$342.09K", "€ 1M", "EUR", "1 day, 3:09:07", "-1 day, 3:09:07", "2:10", "PT2M10S", "P1Y",
    "99:99:99",
    "true", "TRUE", "yes", "ja", "call", "Call ", "outbound", "humn", "USD", "XXX", "a@b", "a@b.c;;d@e.f", "@" * 300,
    "1;2;3", ";" * 500, "x" * 5000, "'; DROP TABLE raw.people; --", "<script>alert(1)</script>", "../../etc/passwd",
    "%s%n%d", "{0}{a}", "${HOME}", "$bytes", "__proto__", "\x1b[31m", "\x7f", "\U000e0001",
    "a" * 130_000 + "\n" + "b" * 2000,
]  # fmt: skip

TOML = """
[[source]]
name = "crm"
kind = "files"
path = "crm"
mode = "{mode}"

[[source]]
name = "mapped"
kind = "files"
path = "mapped"
mode = "{mode}"
id_space = "phones"

[[source.table]]
entity = "touches"
file = "calls*"
two_digit_years_from = 1950
[source.table.columns]
touch_id = "Call Id"
person_id = ["Contact", "Lead"]
email = "E-Mail"
phone = "Number"
occurred_at = "Start"
ended_at = "End"
direction = "Direction"
duration_seconds = "Length"
disposition = "Outcome"
[source.table.time_formats]
occurred_at = ["%m/%d/%y %H:%M", "epoch_ms", "%d %b, %Y %H:%M:%S"]
"*" = ["excel", "epoch"]
[source.table.values.direction]
"in" = "inbound"
"*" = "outbound"
[source.table.durations]
duration_seconds = "mm:ss"
[source.table.constants]
channel = "call"
[source.table.expressions]
connected = '''"Length" IS NOT NULL AND "Outcome" <> 'missed' '''
[source.table.drop]
Outcome = ["", "test"]

[[source.table]]
entity = "deals"
file = "money*"
decimal = ","
timezone = "America/Sao_Paulo"
[source.table.columns]
deal_id = "Id"
email = "E-Mail"
side = "Type"
closed_at = "Closed"
sale_price = "Price"
gci = "Fee"
[source.table.expressions]
referral_fee = '''TRY_CAST("Fee" AS DOUBLE) / 10'''
agent_split = '''CAST("Price" AS DECIMAL(10, 2)) * 2'''
source = '''upper(coalesce("Source", 'none')) || "Id"'''
[source.table.keep]
Type = ["Buyer", "seller", "B"]
[source.table.values.side]
B = "buyer"

[[source.table]]
entity = "inquiries"
file = "**/leads*"
skip_lines = 1
sheet = "S*"

[[source.table]]
entity = "spend"
file = "costs*"
delimiter = ";"
quote = "none"
encoding = "windows-1252"
time_formats = ["%d.%m.%Y", "%Y-%m-%d"]

[[source.table]]
entity = "people"
file = "folk*"
delimiter = "|"
quote = "'"
escape = "backslash"
"""
MAPPED = {
    "calls": (
        ["Call Id", "Contact", "Lead", "E-Mail", "Number", "Start", "End", "Direction", "Length", "Outcome"],
        ["id", "id", "id", "email", "phone", "instant", "instant", "text", "number", "text"],
    ),
    "money": (
        ["Id", "E-Mail", "Type", "Closed", "Price", "Fee", "Source"],
        ["id", "email", "text", "instant", "money", "money", "text"],
    ),
}
"""The raw columns of the tables that name them, and of what type their cells are; the others are canonical."""
DIALECTS: dict[str, dict[str, str | bool | None]] = {
    "costs": {"delimiter": ";", "quote": None},
    "folk": {"delimiter": "|", "quote": "'", "escape": True},
}
"""How CSV of those tables is written."""
CANONICAL_TABLES = {"leads": "inquiries", "costs": "spend", "folk": "people"}

_CELLS: dict[str, Sequence[str]] = {
    "instant": ["2026-11-20 09:30", "2026-11-20T09:30:00Z", "2026-11-01 01:30:00", "11/20/26 09:30", "1763631000000",
    "46000.4"],
    "date": ["2026-11-20", "20261120", "20.11.2026"],
    "truth": ["true", "false", "1", "no"],
    "money": ["1500", "$1,200.50", "342.09K", "1.500,25", "-3"],
    "number": ["130", "0:02:10", "2m 10s", "02:10"],
    "count": ["0", "17", "1,000"],
    "text": ["Zillow", "Google Ads", "naïve café", "名前", "in", "Buyer", "missed", ""],
}  # fmt: skip


def cell(chance: random.Random, kind: str, choices: Sequence[str] = ()) -> str:
    """A cell as a column of that type may have it; seldom an odd one."""
    if chance.random() < 0.04:
        return chance.choice(ODD)
    person = chance.choice(PEOPLE)
    if kind == "id":
        return str(chance.choice([chance.randrange(12), chance.randrange(10**9), f"{chance.randrange(99):07d}", "z1"]))
    if kind == "email":
        return chance.choice([person[1], person[1].upper(), f"u{chance.randrange(99)}@x.test", ""])
    if kind == "phone":
        return chance.choice([person[2], f"+1212736{chance.randrange(10**4):04d}", ""])
    return chance.choice(choices or _CELLS.get(kind, _CELLS["text"]))


def _named(chance: random.Random, column: Column) -> str:
    return chance.choice(PEOPLE)[0] if column.name == "name" else cell(chance, column.type, column.choices)


def canonical(chance: random.Random, entity: Entity) -> list[list[str]]:
    """A header of all required columns and some others, in any order, and up to fourteen rows."""
    columns = [column for column in entity.columns if column.required or chance.random() < 0.5]
    chance.shuffle(columns)
    rows = [[_named(chance, column) for column in columns] for _ in range(chance.choice([0, 1, 2, 5, 9, 14]))]
    return [[column.name for column in columns], *rows, *(rows[:1] if chance.random() < 0.3 else [])]


def mapped(chance: random.Random, stem: str) -> list[list[str]]:
    """As `canonical`, for a table of TOML whose files begin with `stem`."""
    if stem in CANONICAL_TABLES:
        return canonical(chance, ENTITIES[CANONICAL_TABLES[stem]])
    header, kinds = MAPPED[stem]
    return [header, *([cell(chance, kind) for kind in kinds] for _ in range(chance.choice([0, 1, 3, 8, 14])))]
