"""gzip and zip: members as files, names that are only names, broken and encrypted ones, bombs, what is left behind."""

from __future__ import annotations

import fcntl
import gzip
import io
import os
import random
import time
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

import pytest

from dagster_project.errors import CriticalProblem
from dagster_project.sources.formats import limits
from dagster_project.sources.formats.archives import Spool, members, safe_name
from dagster_project.sources.records import UnreadableFile
from tests.formats_kit import FORMATS, csv_bytes, load_apart, pyarrow_bytes, zip_bytes
from tests.ingest_kit import SOURCE, Kit, figures

PEOPLE = csv_bytes([["person_id", "name"], ["1", "Ann"]])
AGENTS = csv_bytes([["agent"], ["Bo"]])


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    kit = Kit(tmp_path, SOURCE)
    (kit.folder / "crm").mkdir()
    return kit


def put(kit: Kit, name: str, content: bytes) -> Path:
    path = kit.folder / "crm" / name
    path.write_bytes(content)
    return path


def refused(kit: Kit) -> list[str]:
    with pytest.raises(CriticalProblem) as caught:
        kit.load()
    assert not (kit.config.work_dir / "spool").exists()
    return list(caught.value.messages)


def test_members_are_files_of_their_own_names(kit: Kit) -> None:
    content = {
        "people.csv": PEOPLE, "deep/er/AGENTS 2026.csv": AGENTS, "notes.txt": b"x", "readme.md": b"x",
        "__MACOSX/._people.csv": b"x", ".hidden/people.csv": b"x", "deals.parquet": pyarrow_bytes([["deal_id"], ["1"]]),
    }  # fmt: skip
    put(kit, "all.zip", zip_bytes(content))
    put(kit, "empty.zip", zip_bytes({"readme.md": b"x"}))
    report = kit.load()
    assert [(file.entity, file.file, file.loaded) for file in report.files] == [
        ("agents", "all.zip/deep/er/AGENTS 2026.csv", 1),
        ("deals", "all.zip/deals.parquet", 1),
        ("people", "all.zip/people.csv", 1),
    ]
    assert report.warnings == [
        "crm/all.zip/notes.txt: the file's name is that of no entity, it is not read",
        "crm/empty.zip: the archive holds no data file, nothing of it is read",
    ]
    assert report.files[2].bytes == len(PEOPLE)  # unpacked


@pytest.mark.parametrize(
    ("pattern", "read"),
    [
        ("export.zip", ["export.zip/calls-1.csv", "export.zip/calls-2.csv.gz", "export.zip/other.jsonl"]),
        ("*.zip", ["export.zip/calls-1.csv", "export.zip/calls-2.csv.gz", "export.zip/other.jsonl"]),
        ("export.zip/calls*", ["export.zip/calls-1.csv", "export.zip/calls-2.csv.gz"]),
        ("exp*.zip/*.jsonl", ["export.zip/other.jsonl"]),
        ("**/*.zip/calls-1.csv", ["export.zip/calls-1.csv"]),
    ],
)
def test_tables_name_archives_and_members(kit: Kit, pattern: str, read: list[str]) -> None:
    kit.toml += f'mode = "append"\n[[source.table]]\nentity = "people"\nfile = "{pattern}"\n'
    one, two, three = (csv_bytes([["person_id"], [name]]) for name in ("1", "2", "3"))
    jsonl = b'{"person_id": "3"}\n'
    assert three
    content = {"calls-1.csv": one, "calls-2.csv.gz": gzip.compress(two), "other.jsonl": jsonl, "help.md": b"x"}
    path = put(kit, "export.zip", zip_bytes(content))
    assert [file.file for file in kit.load().files] == read
    path.unlink()
    kit.config.working_path.unlink()
    assert [(file.file, file.status, file.loaded) for file in kit.load().files] == [(name, "gone", 1) for name in read]


def test_a_pattern_that_finds_no_member(kit: Kit) -> None:
    kit.toml += '[[source.table]]\nentity = "people"\nfile = "export.zip/calls*.csv"\n'
    put(kit, "export.zip", zip_bytes({"people.csv": PEOPLE}))
    assert refused(kit) == [
        (
            "crm/export.zip/calls*.csv: found no file in the source's folder for table[0] (people),"
            ' nearest is "export.zip"'
        )
    ]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../people.csv", "people.csv"),
        ("/etc/people.csv", "etc/people.csv"),
        ("..\\..\\people.csv", "people.csv"),
        ("C:\\temp\\people.csv", "temp/people.csv"),
        ("a/./b/../people.csv", "a/b/people.csv"),
        ("a\nb\x1b.csv", "a?b?.csv"),
        ("../..", ""),
    ],
)
def test_names_of_members_are_only_names(kit: Kit, name: str, safe: str) -> None:
    assert safe_name(name) == safe
    if not safe.endswith("people.csv"):
        return
    put(kit, "x.zip", zip_bytes({name: PEOPLE}))
    before = sorted(path for path in kit.folder.parent.rglob("*.csv"))
    (file,) = kit.load().files
    assert (file.file, file.loaded) == (f"x.zip/{safe}", 1)
    assert sorted(path for path in kit.folder.parent.rglob("*.csv")) == before


def encrypted() -> bytes:
    content = bytearray(zip_bytes({"people.csv": PEOPLE}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    return bytes(content)


def twice() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("people.csv", PEOPLE)
        archive.writestr("../people.csv", PEOPLE)
    return buffer.getvalue()


def damaged() -> bytes:
    content = bytearray(zip_bytes({"people.csv": csv_bytes([["person_id"], *([str(n)] for n in range(999))])}))
    content[100:140] = bytes(40)
    return bytes(content)


BROKEN = {
    "people.csv.gz": [
        (b"person_id\n1\n", "the gzip file is broken or cut off: export it again"),
        (gzip.compress(PEOPLE)[:-9], "the gzip file is broken or cut off: export it again"),
        (gzip.compress(PEOPLE)[:-8] + bytes(8), "the gzip file is broken or cut off: export it again"),
        (gzip.compress(b""), "the file is empty, not even a header"),
        (gzip.compress(zip_bytes({"x": b"y"})), "it is a zip archive, not CSV: give it the suffix .zip"),
    ],
    "x.zip": [
        (b"hello", "the file is no zip archive, or is cut off: export it again"),
        (zip_bytes({"people.csv": PEOPLE})[:-5], "the file is no zip archive, or is cut off: export it again"),
        (encrypted(), 'the zip archive is encrypted ("people.csv"): unpack it first'),
        (zip_bytes({"a.zip": b"", "b.csv": PEOPLE}), 'the zip archive holds another one, "a.zip": unpack that first'),
        (twice(), 'the zip archive holds two files called "people.csv"'),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [(name, *case) for name, cases in BROKEN.items() for case in cases],
    ids=["no gzip", "cut", "crc", "empty", "zip in gzip", "no zip", "cut zip", "encrypted", "nested", "twice"],
)
def test_broken_archives(kit: Kit, name: str, content: bytes, words: str) -> None:
    put(kit, name, content)
    assert refused(kit) == [f"crm/{name}: {words}"]


def test_a_damaged_member(kit: Kit) -> None:
    put(kit, "x.zip", damaged())
    assert refused(kit) == ["crm/x.zip/people.csv: the zip archive is broken or cut off: export it again"]


BOMB = "unpacks to more than 200 times its size, as no export does: it is not unpacked"


def zeros(size: int) -> bytes:
    """gzip of `size` MiB of zeros, made without holding them."""
    press = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1024 * 1024)
    return b"".join([*(press.compress(block) for _ in range(size)), press.flush()])


def test_bombs_are_refused_quickly_and_in_little_memory(kit: Kit) -> None:
    put(kit, "people.csv.gz", zeros(2048))
    with (
        zipfile.ZipFile(kit.folder / "crm" / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("agents.csv", "w", force_zip64=True) as member,
    ):
        for _ in range(1024):
            member.write(bytes(1024 * 1024))
    put(kit, "deals.xlsx", (kit.folder / "crm" / "x.zip").read_bytes())
    started = time.monotonic()
    told, peak = load_apart(kit)
    assert sorted(told) == [
        f"crm/deals.xlsx: the Excel workbook {BOMB}", f"crm/people.csv.gz: the gzip file {BOMB}",
        f"crm/x.zip: the zip archive {BOMB}",
    ]  # fmt: skip
    assert peak < 350
    assert time.monotonic() - started < 20


def test_a_member_that_lies_about_its_size(kit: Kit) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("people.csv", b"person_id\n" + bytes(300 * 1024 * 1024))
    content = bytearray(buffer.getvalue())
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.index(mark) + place
        content[at : at + 4] = (1000).to_bytes(4, "little")
    put(kit, "x.zip", bytes(content))
    told, peak = load_apart(kit)
    assert told == ["crm/x.zip/people.csv: the zip archive is broken or cut off: export it again"]
    assert peak < 350


def test_an_absolute_limit(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BYTES", 1000)
    rows = [["person_id"], *([os.urandom(8).hex()] for _ in range(200))]
    put(kit, "people.csv.gz", gzip.compress(csv_bytes(rows)))
    assert refused(kit) == ["crm/people.csv.gz: the gzip file unpacks to more than 0 GiB, expected smaller files"]


def test_too_many_names(kit: Kit) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(1000):
            info = zipfile.ZipInfo(f"{number}.csv")
            info.comment = b"x" * 20_000
            archive.writestr(info, b"")
    path = put(kit, "x.zip", buffer.getvalue())
    with pytest.raises(Exception, match="lists too many files"):
        members(path)


def test_what_a_killed_load_left_is_swept_and_a_running_one_is_not(kit: Kit) -> None:
    folder = kit.config.work_dir / "spool"
    for name in ("dead", "alive"):
        (folder / name).mkdir(parents=True)
        (folder / name / "secret").write_text("jane@x.com")
    (folder / "stray").write_text("x")
    handle = os.open(folder / "alive", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    put(kit, "people.csv.gz", gzip.compress(PEOPLE))
    kit.load()
    assert [path.name for path in folder.iterdir()] == ["alive"]
    os.close(handle)
    kit.load()
    assert not folder.exists()


def test_unpacked_files_are_private_and_go_when_something_raises(tmp_path: Path) -> None:
    path = tmp_path / "people.csv.gz"
    path.write_bytes(gzip.compress(PEOPLE))

    def interrupted() -> None:
        with Spool(tmp_path / "spool") as spool:
            plain = spool.plain(path)
            assert plain.read_bytes() == PEOPLE
            assert (plain.stat().st_mode & 0o777, plain.parent.stat().st_mode & 0o777) == (0o600, 0o700)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not (tmp_path / "spool").exists()


ROWS = csv_bytes([["person_id"], *([str(number)] for number in range(45_000))])


@pytest.mark.parametrize("name", ["people.csv", "people.csv.gz", "x.zip"])
@pytest.mark.parametrize("change", ["grow", "replace", "vanish"])
def test_a_file_that_changes_while_it_is_read(kit: Kit, name: str, change: str) -> None:
    content = {"people.csv": ROWS, "people.csv.gz": gzip.compress(ROWS), "x.zip": zip_bytes({"people.csv": ROWS})}[name]
    path = put(kit, name, content)

    def meddle(_: str, rows: int) -> None:
        if rows == 20_000 and change == "grow":
            with open(path, "ab") as file:
                file.write(b"x\n")
        elif rows == 20_000 and change == "replace":
            other = path.with_name("other")
            other.write_bytes(content[:-1] + b"x")
            os.replace(other, path)
        elif rows == 20_000:
            path.unlink()

    with pytest.raises(CriticalProblem) as caught:
        kit.load(progress=meddle)
    unit = "x.zip/people.csv" if name == "x.zip" else name
    why = "cannot be read: FileNotFoundError" if change == "vanish" else "it changed while it was read, run again"
    assert list(caught.value.messages) == [f"crm/{unit}: {why}"]
    assert kit.rows("SELECT count(*) FROM raw.people") == [(0,)]
    assert not (kit.config.work_dir / "spool").exists()


def test_columns_that_come_and_go_are_told(kit: Kit) -> None:
    kit.write("crm/people.csv", "person_id,name,email,phone,junk", "1,Ann,a@x.com,,")
    assert kit.load().warnings == ['crm/people.csv: column "junk" is not known and ignored']
    kit.write("crm/people.csv", "person_id,Name,e_mail,Jane Doe", "1,Ann,a@x.com,")
    told = [
        'crm/people.csv: column "e_mail" is not known and ignored, nearest known is email',
        "crm/people.csv: column 4 is not known and ignored",
        (
            'crm/people.csv: other columns than in the version before: "email" is gone, nearest new one is "e_mail";'
            ' "phone" is gone; "e_mail" is new; 1 more'
        ),
    ]
    assert kit.load().warnings == told
    assert kit.load().warnings == told[:2]  # that the header has changed is told once
    kit.write("crm/people.csv", "person_id,Name,e_mail,Jane Doe", "1,Ann,a@x.com,", "2,,,")
    assert kit.load().warnings == told[:2]


def test_columns_of_a_mapped_workbook_that_come_and_go(kit: Kit) -> None:
    from tests.formats_kit import xlsx_bytes

    kit.toml += '[[source.table]]\nentity = "people"\nfile = "*.xlsx"\n[source.table.columns]\n'
    kit.toml += 'person_id = "Id"\nname = "Full name"\n'
    put(kit, "book.xlsx", xlsx_bytes([["Id", "Full name", "Note"], ["1", "Ann", "x"]]))
    assert kit.load().warnings == []
    put(kit, "book.xlsx", xlsx_bytes([["Id", "Fullname", "Rating"], ["1", "Ann", "x"]]))
    assert kit.load().warnings == [
        'crm/book.xlsx: column "Full name" (name) is not in the header, nearest is "Fullname"',
        (
            'crm/book.xlsx: other columns than in the version before: "Full name" is gone, nearest new one is'
            ' "Fullname"; "Fullname" is new; "Rating" is new'
        ),
    ]
    assert figures(kit.reports["crm"].files[0]) == (1, 1, 0, 0, 0, 0)


def mutated(good: bytes, dice: random.Random) -> bytes:
    content = bytearray(good)
    for _ in range(dice.randint(1, 6)):
        content[dice.randrange(len(content))] = dice.randrange(256)
    return bytes(content[: dice.choice([len(content), dice.randrange(len(content)) + 1])])


def test_mutations_of_archives_end_in_files_or_in_one_line(tmp_path: Path) -> None:
    rows = csv_bytes([["person_id"], *([str(number)] for number in range(50))])
    good = {"x.zip": zip_bytes({"people.csv": rows, "a/b.csv.gz": gzip.compress(rows)}), "x.gz": gzip.compress(rows)}
    dice = random.Random(4)
    outcomes = set()
    for turn in range(1500):
        name = "x.gz" if turn % 3 == 0 else "x.zip"
        path = tmp_path / name
        path.write_bytes(mutated(good[name], dice))
        with Spool(tmp_path / "spool") as spool:
            try:
                for member in members(path).values() if name == "x.zip" else [None]:
                    spool.plain(path, member)
                outcomes.add((name, "files"))
            except UnreadableFile:
                outcomes.add((name, "refused"))
    assert outcomes >= {("x.zip", "files"), ("x.zip", "refused"), ("x.gz", "refused")}


@pytest.mark.parametrize("form", [name for name in FORMATS if name not in ("semicolon", "pipe", "ndjson")])
def test_whatever_a_file_holds_every_row_is_accounted_for(kit: Kit, form: str) -> None:
    suffix, encode = FORMATS[form]
    good = encode([["touch_id", "occurred_at", "channel", "direction"], *(
        [f"t{n}", "2026-11-20 09:30", "call", "outbound"] for n in range(20)
    )])  # fmt: skip
    dice = random.Random(form)
    for turn in range(12):
        content = dice.randbytes(200) if turn == 0 else mutated(good, dice)
        put(kit, f"touches{suffix}", content)
        with suppress(CriticalProblem):
            (file,) = kit.load(accept_shrink=True).files  # which asserts that the rows add up
            assert kit.rows("SELECT count(*) FROM raw.touches WHERE _deleted_by_load IS NULL") == [(file.loaded,)]
            assert kit.rows("SELECT count(*) FROM quality.quarantine") == [(file.quarantined,)]
