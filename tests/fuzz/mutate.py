"""Mutations: of rows, of texts, of bytes, and of what is inside containers that stay valid."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import warnings
import zipfile
from collections.abc import Callable
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

from tests.formats_kit import csv_bytes, json_bytes, jsonl_bytes, pandas_bytes, pyarrow_bytes, workbook_bytes
from tests.fuzz.seeds import DIALECTS, ODD

Rows = list[list[str]]
_DATE = (2026, 11, 24, 12, 0, 0)


# -- rows


def rows(chance: random.Random, given: Rows) -> Rows:
    """A header or a cell changed, a column or a row twice, gone or elsewhere."""
    changed = [list(row) for row in given]
    for _ in range(chance.choice([0, 1, 1, 2, 4])):
        row = chance.choice(changed[1:] or changed)
        place = chance.randrange(len(row)) if row else 0
        what = chance.choice([0, 0, 0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 7])
        if what == 0 and row:
            row[place] = chance.choice(ODD)
        elif what == 1 and row:
            row[place] += chance.choice(ODD)
        elif what == 2 and changed[0]:
            name = changed[0][place % len(changed[0])]
            changed[0][place % len(changed[0])] = chance.choice([name.upper(), f" {name}", f"{name}\n", "", name[1:]])
        elif what == 3:
            twice = chance.randrange(max(len(changed[0]), 1))
            name = [chance.choice(["extra", f"{changed[0][twice]} 2", changed[0][twice]])] if changed[0] else []
            changed = [[*changed[0], *name], *([*one, *one[twice : twice + 1]] for one in changed[1:])]
        elif what == 4:
            gone = chance.randrange(max(len(changed[0]), 1))
            changed = [[*one[:gone], *one[gone + 1 :]] if chance.random() < 0.2 else one for one in changed]
        elif what == 5:
            changed.append(list(row))
        elif what == 6:
            changed[1:] = chance.sample(changed[1:], len(changed) - 1)
        else:
            changed += [[chance.choice(ODD) for _ in changed[0]] for _ in range(chance.choice([1, 3]))]
    return changed


# -- texts

_TOKENS = [
    *ODD, '"a"b', "{" * 50, "[" * 3000, '{"a":' * 1500, '{"a":1,"a":2}', '"\\ud800"', "\\u0000", "\\udc00\\ud800",
    "// x",
    "/*", "\r\r\n", "\n\n\n", ",,,,", '""""', "'a'", "[{}]", '{"$bytes":"zz"}', "}{", "],[", ": ", "true,false", "NaN,",
    '{"a":{"b":{}},"a.b":1}', "1" * 10_000, "\ud800", "<html>", "\x00\x00", "ÿ", "\udcff",
]  # fmt: skip


def text(chance: random.Random, given: str, tokens: list[str] | None = None) -> str:
    """Tokens put in, parts gone, twice or swapped; mostly below the header, so that there is something to read."""
    head = len(given.splitlines(keepends=True)[0]) if given and tokens is None and chance.random() < 0.8 else 0
    header, given = given[:head], given[head:]
    for _ in range(chance.choice([1, 1, 2, 5])):
        start, end = sorted(chance.randrange(len(given) + 1) for _ in range(2))
        end = min(end, start + chance.choice([1, 4, 40, 4000]))
        token = chance.choice(tokens or _TOKENS)
        given = chance.choice(
            [
                given[:start] + token + given[start:],
                given[:start] + token + given[end:],
                given[:start] + given[end:],
                given[:end] + given[start:],
                given[end:] + given[:start],
                given.replace(given[start : start + 1] or ",", token[:5000], 20),
            ]
        )[:2_000_000]
    return header + given


# -- bytes


def flipped(chance: random.Random, given: bytes) -> bytes:
    """Bits, bytes and blocks changed, put in, gone, twice, cut off; mostly behind the first line."""
    head = given.find(b"\n") + 1 if chance.random() < 0.7 else 0
    head = 0 if head > 400 else head
    changed = bytearray(given[head:])
    for _ in range(chance.choice([1, 1, 2, 8, 40])):
        place = chance.randrange(len(changed) + 1)
        size = chance.choice([1, 1, 2, 4, 8, 64, 512])
        what = chance.randrange(8)
        if what == 0 and place < len(changed):
            changed[place] ^= 1 << chance.randrange(8)
        elif what == 1:
            changed[place : place + size] = chance.randbytes(size)
        elif what == 2:
            changed[place:place] = (
                chance.choice([b"\0", b"\xff", b"\xef\xbb\xbf", b"\xfe\xff", b"\r", b'"', b"\x80"]) * size
            )
        elif what == 3:
            del changed[place : place + size]
        elif what == 4:
            changed[place:place] = changed[place : place + size]
        elif what == 5:
            changed[place : place + 4] = chance.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000]).to_bytes(4, "little")
        elif what == 6 and chance.random() < 0.4:
            del changed[place:]
        elif what == 7:
            changed = changed[place:] + changed[:place] if chance.random() < 0.2 else changed + changed[-size:]
    return given[:head] + bytes(changed)


def spliced(chance: random.Random, one: bytes, other: bytes) -> bytes:
    """The beginning of one and the end of another."""
    return one[: chance.randrange(len(one) + 1)] + other[chance.randrange(len(other) + 1) :]


# -- containers


def packed(parts: list[tuple[str, bytes]], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive; the same parts give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that is there twice
        for name, content in parts:
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = method
            archive.writestr(info, content)
    return buffer.getvalue()


def workbook(sheets: dict[str, Rows]) -> bytes:
    """A workbook without the time at which it was written."""
    with zipfile.ZipFile(io.BytesIO(workbook_bytes(sheets))) as archive:
        parts = [(info.filename, archive.read(info)) for info in archive.infolist()]
    return packed([(name, re.sub(rb"2\d{3}-\d\d-\d\dT[\d:]+Z", b"2026-11-24T12:00:00Z", part)) for name, part in parts])


_LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "' + "ha" * 500 + '">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 20}">' for n in range(6)) + "]>"
)  # fmt: skip
_XML = [
    *(token for token in ODD if len(token) < 6000), "<c/>", "<row>", "</row>", "<v>", "<v>1e400</v>",
    '<c r="XFD1048576"><v>1</v></c>',
    '<c r="A0" t="s"><v>99999</v></c>', '<c t="e"><v>#N/A</v></c>', '<c t="d"><v>2026-11-20</v></c>',
    '<c t="b"><v>2</v></c>',
    '<c s="9999"><v>1</v></c>', '<row r="99999999">', '<c t="inlineStr"><is><t>x</t></is></c>', "&amp;", "&x;", "&#0;",
    "<![CDATA[",
    '<f t="shared" si="9"/>', '<f t="array" ref="A1:B2">1</f>', '<sheetData/>', '<c t="str">', ' r="A1"', ' t="s"',
    's="1"', "<t>",
    "<si/>", '<dimension ref="A1:XFD1048576"/>', '<mergeCell ref="A1:Z9"/>', "<v>-1</v>", "<v>99999999999</v>",
    "<v>nan</v>",
    '<numFmt numFmtId="14"/>', "date1904=\"1\"", '<sheet name="x" sheetId="1"/>', _LAUGHS,
]  # fmt: skip


def repacked(chance: random.Random, book: bytes) -> bytes:
    """A workbook that is a valid archive, its parts changed, gone, twice or called otherwise."""
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        parts = [(info.filename, archive.read(info)) for info in archive.infolist()]
    for _ in range(chance.choice([1, 1, 3])):
        if not parts:
            break
        names = [place for place, (name, _) in enumerate(parts) if re.search("sheet|Strings|styles|workbook", name)]
        place = chance.choice(names or [0])
        name, content = parts[place]
        what = chance.randrange(10)
        if what < 6:
            parts[place] = name, text(chance, content.decode("utf-8", "replace"), _XML).encode("utf-8", "surrogatepass")
        elif what == 6:
            parts[place] = name, flipped(chance, content)
        elif what == 7:
            del parts[place]
        elif what == 8:
            parts.append((chance.choice([name, "xl/worksheets/sheet9.xml", name.upper(), f"../{name}"]), content))
        else:
            numbers = chance.choice([b'"99999999999"', b'"-1"', b'""', b'"x"', b'"1e9"', b'"0"'])
            parts[place] = name, re.sub(rb'"\d+"', lambda _: numbers, content, count=chance.choice([1, 5]))  # noqa: B023
    chance.shuffle(parts) if chance.random() < 0.1 else None
    return packed(parts)


def gzipped(chance: random.Random, content: bytes) -> bytes:
    """One or several members, whole, cut, or with something behind."""
    whole = gzip.compress(content, mtime=0)
    place = chance.randrange(len(content) + 1)
    return chance.choice(
        [
            whole,
            whole,
            gzip.compress(content[:place], mtime=0) + gzip.compress(content[place:], mtime=0),
            whole + chance.choice([b"\0" * 9, b"garbage", whole[:5]]),
            whole[: chance.randrange(len(whole) + 1)],
            whole,
            whole,
            flipped(chance, whole),
            gzip.compress(whole, mtime=0),
            gzip.compress(
                content + bytes(chance.choice([10**5, 80 * 2**20])) if chance.random() < 0.1 else content, mtime=0
            ),
        ]
    )


def zipped(chance: random.Random, name: str, content: bytes) -> bytes:
    """An archive with that file and perhaps others, valid or not."""
    other = chance.choice([name, f"sub/{name}", f"../{name}", f"C:\\{name}", f"/{name}", "x.zip", ".hidden.csv",
    "inquiries\n.csv",
                           "readme.md", "people.csv", "touches-1.CSV.GZ", "deals#x.xlsx", "ſpend.csv",
                           "é.csv"])  # fmt: skip
    parts = [(name, content)]
    if chance.random() < 0.5:
        parts.append((other, chance.choice([b"", b"person_id\n1\n", gzip.compress(b"person_id\n1\n", mtime=0)])))
    archive = packed(
        parts, method=chance.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    )
    what = chance.randrange(6)
    if what == 0:
        return flipped(chance, archive)
    if what == 1:  # the flag of an encrypted member, in both places
        return re.sub(
            rb"(PK\x01\x02.{4}|PK\x03\x04.{2})\x00", lambda found: found[1] + b"\x01", archive, flags=re.DOTALL
        )
    if what == 2:  # another method
        return archive.replace(b"\x08\x00", chance.choice([b"\x09\x00", b"\x63\x00", b"\x00\x00"]), 2)
    return archive


# -- Parquet with types that nobody expects


def odd_column(chance: random.Random, size: int) -> pa.Array:
    def some(*values: object) -> list[object]:
        return [chance.choice([*values, None]) for _ in range(size)]

    big, zone = 2**62, chance.choice(["UTC", "America/New_York", "+05:30", "Nowhere/None", ""])
    makers: list[Callable[[], pa.Array]] = [
        lambda: pa.array(some(1, -(2**63), 2**63 - 1), pa.int64()),
        lambda: pa.array(some(0, 2**64 - 1), pa.uint64()),
        lambda: pa.array(some(0.1, float("nan"), float("inf"), -0.0, 1e308, 5e-324), pa.float64()),
        lambda: pa.array(some(0.1, float("nan"), 65504.0), pa.float32()),
        lambda: pa.array(some(1.5, -2.0), pa.float16()),
        lambda: pa.array(some(Decimal("1.5"), Decimal("-" + "9" * 60)), pa.decimal256(76, 10)),
        lambda: pa.array(some(Decimal("0E-9"), Decimal("12345.678900000")), pa.decimal128(38, 9)),
        lambda: pa.array(some(0, big, -big, 1763631000), pa.int64()).cast(pa.timestamp("s", zone or None)),
        lambda: pa.array(some(0, big, -big, 1763631000 * 10**6), pa.int64()).cast(pa.timestamp("us", zone or None)),
        lambda: pa.array(some(0, big, 1763631000 * 10**9 + 1), pa.int64()).cast(pa.timestamp("ns", zone or None)),
        lambda: pa.array(some(0, 2**31 - 1, -(2**31)), pa.int32()).cast(pa.date32()),
        lambda: pa.array(some(0, 86_400_000, 10**15), pa.int64()).cast(pa.date64(), safe=False),
        lambda: pa.array(some(0, 86_399, 90_000, -5), pa.int32()).cast(pa.time32("s")),
        lambda: pa.array(some(0, 10**14, -1), pa.int64()).cast(pa.time64("ns")),
        lambda: pa.array(some(0, big, -1), pa.int64()).cast(pa.duration(chance.choice(["s", "ms", "us", "ns"]))),
        lambda: pa.nulls(size),
        lambda: pa.array(some(b"\xff\xfe", b"abc", b""), pa.binary()),
        lambda: pa.array(some(b"\xff\xfea", b"abc"), pa.binary(3)),
        lambda: pa.array(some(b"\xff", b"ok"), pa.binary()).view(pa.string()),
        lambda: pa.array(some(True, False), pa.bool_()),
        lambda: pa.array(some("a", "b", "x" * 3000), pa.string()).dictionary_encode(),
        lambda: pa.array(some(1, 2), pa.int32()).dictionary_encode(),
        lambda: pa.array(some([1, None], [], ["x" * 9][:0]), pa.list_(pa.int64())),
        lambda: pa.array(some(["a;b", None, '"'], [""]), pa.large_list(pa.string())),
        lambda: pa.array(some([[1], []], [None]), pa.list_(pa.list_(pa.int8()))),
        lambda: pa.array(some([1.5, float("nan")]), pa.list_(pa.float64(), 2)),
        lambda: pa.array(some([("k", 1), ("k", 2)], []), pa.map_(pa.string(), pa.int64())),
        lambda: pa.array(some({"a": 1, "b": {"c": "x"}}, {"a": None}), pa.struct({"a": pa.int64(),
        "b": pa.struct({"c": pa.string()})})),
        lambda: pa.array(some({}), pa.struct([])),
        lambda: pa.array(some([{"a": b"\xff"}]), pa.list_(pa.struct({"a": pa.binary()}))),
        lambda: pa.array(some("a" * 50, ""), pa.string_view()),
        lambda: pa.array(some(b"\xff", b"a"), pa.binary_view()),
        lambda: pa.array(some("x", "y"), pa.large_string()),
    ]  # fmt: skip
    return chance.choice(makers)()


def odd_parquet(chance: random.Random, given: Rows) -> bytes:
    """The rows with columns of other types beside or in the place of theirs; or no rows, or no columns."""
    header, *others = given
    size = chance.choice([len(others), 0]) if chance.random() < 0.1 else len(others)
    names = list(header)
    arrays = [
        pa.array([(row[place : place + 1] or [""])[0].encode("utf-8", "replace").decode() for row in others[:size]],
        pa.string())
        for place in range(len(names))
    ]  # fmt: skip
    for _ in range(chance.choice([1, 2, 5])):
        name = chance.choice([*names, "x", "", "a.b", "ü\n", "$bytes", "é" * 300])
        place = chance.randrange(len(arrays) + 1)
        column = odd_column(chance, size)
        if chance.random() < 0.4 and place < len(arrays):
            arrays[place] = column
        else:
            names.insert(place, name)
            arrays.insert(place, column)
    if chance.random() < 0.03:
        names, arrays = [], []
    table = pa.Table.from_arrays(arrays, names=names)
    options = {
        "compression": chance.choice(["none", "snappy", "gzip", "zstd", "lz4", "brotli"]),
        "use_dictionary": chance.random() < 0.5,
        "row_group_size": chance.choice([1, 2, 1000]),
        "data_page_version": chance.choice(["1.0", "2.0"]),
        "store_schema": chance.random() < 0.7,
    }
    for wanted in (table, pa.Table.from_arrays([array.cast(pa.string(),
    safe=False) if pa.types.is_integer(array.type) else array
                                                for array in arrays[:1]], names=names[:1])):  # fmt: skip
        try:
            buffer = io.BytesIO()
            pq.write_table(wanted, buffer, **options)
            return buffer.getvalue()
        except (pa.ArrowException, ValueError):
            continue  # a type that Parquet cannot hold
    return pyarrow_bytes(given)


# -- a case

_ENDS = ("\r\n", "\n", "\r")
_ENCODINGS = (
    *["utf-8"] * 6,
    "utf-8-sig",
    "utf-16",
    "utf-16",
    "windows-1252",
    "windows-1252",
    "latin-1",
    "utf-16-le",
    "utf-32",
)


def _clean(cells: Rows, keep: Callable[[str], bool]) -> Rows:
    return [["".join(filter(keep, one)) for one in row] for row in cells]


def _wide(cells: Rows) -> Rows:
    """All rows as wide as the header, for formats that have no other."""
    width = len(cells[0])
    return [[*row, *[""] * width][:width] for row in cells]


def encoded(chance: random.Random, given: Rows, table: str) -> tuple[str, bytes, str]:
    """The rows as a file of a table of TOML: its suffix, its content, and how it was made."""
    what = chance.choice(["csv", "csv", "csv", "jsonl", "json", "xlsx", "pandas", "pyarrow", "odd"])
    if what in ("csv", "xlsx") and table == "leads":
        given = [["exported", "on Friday"], *given]
    if what == "csv":
        delimiter = chance.choice(",;\t|")
        options = {
            "delimiter": delimiter,
            "quote": chance.choice(['"', '"', "'"]),
            "escape": chance.random() < 0.15,
            "everything": chance.random() < 0.3,
            "end": chance.choice(_ENDS),
        }
        if table in DIALECTS and chance.random() < 0.9:
            options |= {"everything": False, **DIALECTS[table]}
            if options["quote"] is None:
                given = [[re.sub("[;\r\n]", " ", one) for one in row] for row in given]
        content = csv_bytes(given, encoding="utf-8", **options).decode("utf-8")  # type: ignore[arg-type]
        content = text(chance, content) if chance.random() < 0.35 else content
        errors = "surrogatepass" if chance.random() < 0.3 else "replace"
        encoding = chance.choice(_ENCODINGS)
        errors = "replace" if encoding in ("windows-1252", "latin-1") else errors
        return chance.choice([".csv", ".csv", ".tsv", ".txt"]), content.encode(encoding, errors), "csv"
    wide = _wide(given)
    if what in ("jsonl", "json"):
        unique = [list(dict.fromkeys(wide[0])), *wide[1:]]
        unique = _wide(unique)
        content = (jsonl_bytes(unique) if what == "jsonl" else json_bytes(unique)).decode()
        if chance.random() < 0.3:
            content = (
                json.dumps(content)[1:-1].replace('\\"', '"').replace("\\n", "\n") if chance.random() < 0.2 else content
            )
            content = text(chance, content)
        elif chance.random() < 0.3:
            deep = chance.choice([*unique[0], "x"])
            nested = [
                {
                    name: {"a": one, "b": [one]} if name == deep else one
                    for name, one in zip(unique[0], row, strict=True)
                }
                for row in unique[1:]
            ]
            content = json.dumps(nested)
        encoding = chance.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"])
        suffix = ".json" if what == "json" else chance.choice([".jsonl", ".ndjson", ".json"])
        return suffix, content.encode(encoding, "surrogatepass"), what
    if what == "xlsx":
        fits = _clean(wide, lambda letter: letter in "\t\n" or (letter >= " " and letter < "\ud800"))
        fits = [[one[:30_000] for one in row] for row in fits]
        sheets = {"Sheet1": fits}
        if chance.random() < 0.3:
            sheets |= {chance.choice(["S2", "people", "é", "x y"]): fits[: chance.randrange(3)]}
        book = workbook(sheets)
        return ".xlsx", repacked(chance, book) if chance.random() < 0.6 else book, "xlsx"
    if what == "odd":
        return ".parquet", odd_parquet(chance, wide), "parquet"
    valid = _clean(wide, lambda letter: not "\ud800" <= letter <= "\udfff")
    valid = [list(dict.fromkeys(valid[0])), *valid[1:]]
    return ".parquet", (pandas_bytes if what == "pandas" else pyarrow_bytes)(_wide(valid)), "parquet"


def file(chance: random.Random, given: Callable[[random.Random], Rows], stem: str) -> tuple[str, bytes]:
    """A file: its name (`stem`, which begins with its table's or entity's name, and suffixes) and its content."""
    table = stem.partition("-")[0]
    suffix, content, made = encoded(chance, rows(chance, given(chance)), table)
    if chance.random() < (0.15 if made in ("xlsx", "parquet") else 0.3):
        content = flipped(chance, content)
    if chance.random() < 0.04:
        content = spliced(chance, content, encoded(chance, given(chance), table)[1])
    if chance.random() < 0.03:
        suffix = chance.choice(
            [".csv", ".jsonl", ".json", ".parquet", ".xlsx", ".txt", ".csv.gz", ".zip", ".xls", ".CSV"]
        )
    if chance.random() < 0.12:
        suffix, content = f"{suffix}.gz", gzipped(chance, content)
    if chance.random() < 0.12:
        return f"{stem}.zip", zipped(chance, f"{stem}{suffix}", content)
    return f"{stem}{suffix}", content
