"""XLSX: several sheets, dates, serial numbers of both epochs, what Excel leaves in files; broken ones and bombs."""

from __future__ import annotations

import io
import random
import shutil
import zipfile
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from dagster_project.errors import CriticalProblem
from dagster_project.sources.formats.xlsx import open_xlsx, sheet_headers
from dagster_project.sources.records import UnreadableFile
from dagster_project.warehouse.raw import read_info
from tests.formats_kit import load_apart, workbook_bytes, xlsx_bytes, zip_bytes
from tests.ingest_kit import SOURCE, Kit, figures


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    kit = Kit(tmp_path, SOURCE)
    (kit.folder / "crm").mkdir()
    return kit


def refused(kit: Kit) -> list[str]:
    with pytest.raises(CriticalProblem) as caught:
        kit.load()
    return list(caught.value.messages)


def book(kit: Kit, name: str, content: bytes) -> Path:
    path = kit.folder / "crm" / name
    path.write_bytes(content)
    return path


def with_part(content: bytes, part: str, replaced: str, by: str) -> bytes:
    """A workbook with a text of one of its parts replaced."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            text = before.read(name)
            if name == part:
                assert replaced.encode() in text
                text = text.replace(replaced.encode(), by.encode())
            after.writestr(name, text)
    return buffer.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
TOUCHES = ["touch_id", "occurred_at", "channel", "direction", "duration_seconds", "connected"]


def test_values_of_excel_become_text(tmp_path: Path) -> None:
    row = [
        "007", 7, 12.5, 1e22, 0.125, True, datetime(2026, 11, 20, 9, 30), date(2026, 11, 20),  # noqa: DTZ001
        time(9, 30), timedelta(days=1, hours=3, minutes=9, seconds=7), " kept ", Decimal("1.50"), "a\nb",
    ]  # fmt: skip
    path = tmp_path / "x.xlsx"
    path.write_bytes(workbook_bytes({"A": [[f"c{number}" for number in range(len(row))], row]}))
    opened = open_xlsx(path, "A", ",")
    assert opened is not None
    (record,) = opened.records
    assert (record.line, record.cells) == (2, [
        "007", "7", "12,5", "10000000000000000000000", "0,125", "true", "2026-11-20T09:30:00",
        "2026-11-20", "09:30:00", "1 day, 3:09:07", " kept ", "1,5", "a\nb",
    ])  # fmt: skip


def test_blank_rows_formulas_errors_and_cells_beyond_the_header(kit: Kit) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.append(["Report of the office"])
    sheet.append([])
    sheet.append(["person_id", "name", "stage"])
    sheet.append(["1", "Ann"])
    sheet.append([None, "  "])
    sheet.append(["2", "Bo", "=1+1"])  # nobody has computed it
    sheet.append(["3", "#N/A", "x", None, None])
    sheet["H9"] = "a note"
    buffer = io.BytesIO()
    workbook.save(buffer)
    content = with_part(buffer.getvalue(), SHEET, "<v />", "<v>2.5</v>")
    kit.toml += '[[source.table]]\nentity = "people"\nfile = "*.xlsx"\nskip_lines = 1\n'
    book(kit, "people.xlsx", with_part(content, SHEET, 'ref="A1:H9"', 'ref="A1:A1"'))  # a wrong dimension
    assert figures(kit.load().files[0]) == (4, 3, 1, 0, 0, 0)
    assert kit.rows("SELECT _line, person_id, name, stage FROM raw.people ORDER BY 1") == [
        (4, "1", "Ann", None), (6, "2", "Bo", "2.5"), (7, "3", "#N/A", "x"),
    ]  # fmt: skip
    assert kit.quarantine() == [("people.xlsx", 9, "wrong_width", None)]


SHARED = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"


def test_texts_that_cells_share(kit: Kit) -> None:
    content = with_part(
        xlsx_bytes([PEOPLE, ["1", "x"], ["2", "y"]]), "[Content_Types].xml", "</Types>",
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{SHARED}"/></Types>',
    )  # fmt: skip
    buffer = io.BytesIO(content)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(
            "xl/sharedStrings.xml",
            '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>Ann</t></si>'
            '<si><r><t xml:space="preserve">Bo </t></r><r><t>Hill</t></r></si></sst>',
        )
    content = buffer.getvalue()
    for number, text in enumerate("xy"):
        content = with_part(content, SHEET, f't="inlineStr"><is><t>{text}</t></is>', f't="s"><v>{number}</v>')
    book(kit, "people.xlsx", content)
    kit.load()
    assert kit.rows("SELECT name FROM raw.people ORDER BY person_id") == [("Ann",), ("Bo Hill",)]
    book(kit, "people.xlsx", with_part(content, SHEET, "<v>1</v>", "<v>7</v>"))
    assert "is broken or cut off" in refused(kit)[0]


@pytest.mark.parametrize("epoch_1904", [False, True])
def test_dates_of_both_epochs(kit: Kit, epoch_1904: bool) -> None:
    moment = datetime(2026, 11, 20, 9, 30)  # noqa: DTZ001
    rows = [
        TOUCHES,
        ["t1", moment, "call", "outbound", 90, True],
        ["t2", date(2026, 11, 20), "call", "outbound", "", ""],
    ]
    book(kit, "touches.xlsx", workbook_bytes({"A": rows}, epoch_1904=epoch_1904))
    kit.load()
    (stored,) = kit.config.raw_dir.rglob("*.parquet")
    assert read_info(stored).excel_epoch == (1904 if epoch_1904 else 1900)
    assert kit.rows("SELECT occurred_at, duration_seconds, connected FROM raw.touches ORDER BY 1 DESC") == [
        (datetime(2026, 11, 20, 14, 30, tzinfo=UTC), Decimal(90), True),
        (datetime(2026, 11, 20, 5, 0, tzinfo=UTC), None, None),
    ]


@pytest.mark.parametrize(("epoch_1904", "serial"), [(False, 46346.395833333336), (True, 44884.395833333336)])
def test_a_bare_number_where_an_instant_is_expected(kit: Kit, epoch_1904: bool, serial: float) -> None:
    kit.toml += 'mode = "append"\n'
    rows = [TOUCHES, ["t1", serial, "call", "outbound", 90, True]]
    path = book(kit, "touches.xlsx", workbook_bytes({"A": rows}, epoch_1904=epoch_1904))
    for _ in range(2):
        kit.load()
        assert kit.rows("SELECT occurred_at FROM raw.touches") == [(datetime(2026, 11, 20, 14, 30, tzinfo=UTC),)]
        path.unlink(missing_ok=True)
        shutil.rmtree(kit.config.work_dir)  # the second time from raw, which knows the epoch


PEOPLE = ["person_id", "name"]


def test_every_sheet_with_the_required_columns_is_read(kit: Kit) -> None:
    sheets = {
        "Notes": [["what", "who"], ["hello", "me"]],
        "Jan": [PEOPLE, ["1", "Ann"]],
        "Empty": [],
        "Feb": [["Name", "PERSON_ID"], ["Bo", "2"], ["Cy", "1"]],
    }
    book(kit, "people.xlsx", workbook_bytes(sheets))
    report = kit.load()
    assert [(file.file, figures(file)) for file in report.files] == [
        ("people.xlsx", (1, 0, 0, 0, 1, 0)), ("people.xlsx#Feb", (2, 2, 0, 0, 0, 0)),
    ]  # fmt: skip
    assert report.warnings == [
        'crm/people.xlsx: sheet "Notes" is not read: its header lacks required columns of people'
    ]
    assert kit.rows("SELECT person_id, name, _file, _line FROM raw.people WHERE _deleted_by_load IS NULL") == [
        ("2", "Bo", "people.xlsx#Feb", 2), ("1", "Cy", "people.xlsx#Feb", 3),
    ]  # fmt: skip
    assert [file.status for file in kit.load().files] == ["unchanged", "unchanged"]


def test_sheets_that_a_table_names(kit: Kit) -> None:
    kit.toml += 'mode = "append"\n'
    table = '[[source.table]]\nentity = "people"\nfile = "*.xlsx"\nsheet = "{}"\n'
    kit.toml += table.format("j*") + table.format("Mar")
    sheets = {name: [PEOPLE, [name, "x"]] for name in ("Jan", "June", "Feb", "Mar")}
    path = book(kit, "book.xlsx", workbook_bytes(sheets))
    assert [file.file for file in kit.load().files] == ["book.xlsx", "book.xlsx#June", "book.xlsx#Mar"]
    assert kit.rows("SELECT person_id FROM raw.people ORDER BY 1") == [("Jan",), ("June",), ("Mar",)]
    path.unlink()
    shutil.rmtree(kit.config.work_dir)
    kit.toml = kit.toml.replace('sheet = "Mar"', 'sheet = "April"')
    assert [(file.file, file.status) for file in kit.load().files] == [
        ("book.xlsx", "gone"),
        ("book.xlsx#June", "gone"),
    ]
    book(kit, "book.xlsx", workbook_bytes(sheets))
    assert refused(kit) == ['crm/book.xlsx: found no sheet "April" that is not empty']


def test_a_workbook_whose_sheets_are_named_after_entities(kit: Kit) -> None:
    kit.toml += 'mode = "append"\n'
    sheets = {"People": [PEOPLE, ["1", "Ann"]], "Agents": [["agent"], ["Bo"]], "Help": [["x"]], "Jane Doe": [["y"]]}
    path = book(kit, "export 2026.xlsx", workbook_bytes(sheets))
    report = kit.load()
    told = [(file.entity, file.file, file.loaded) for file in report.files]
    assert told == [("agents", "export 2026.xlsx#Agents", 1), ("people", "export 2026.xlsx#People", 1)]
    assert report.warnings == [
        'crm/export 2026.xlsx: sheet "Help" is not read: its name is that of no entity',
        "crm/export 2026.xlsx: sheet 4 is not read: its name is that of no entity",
    ]
    path.unlink()
    assert [file.status for file in kit.load().files] == ["gone", "gone"]
    shutil.rmtree(kit.config.work_dir)
    assert [file.loaded for file in kit.load().files] == [1, 1]


def test_no_sheet_fits(kit: Kit) -> None:
    sheets = {"A": [["x", "y"], ["1", "2"]], "B": [["touch_id", "ocurred_at", "channel", "direction"], ["1", "2"]]}
    book(kit, "touches.xlsx", workbook_bytes(sheets))
    book(kit, "deals.xlsx", workbook_bytes({"A": [], "B": []}))
    book(kit, "other.xlsx", workbook_bytes({"A": [["x"]]}))
    with pytest.raises(CriticalProblem) as caught:
        kit.load()
    assert sorted(caught.value.messages) == [
        "crm/deals.xlsx: the workbook is empty, not even a header",
        'crm/touches.xlsx: column "occurred_at" (required) is not in the header, nearest is "ocurred_at"',
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"person_id\n1\n", "it is not an Excel workbook: export it again"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), ("it is an old Excel file, or one with a password, not an"
         " Excel workbook: save it as .xlsx without a password")),
        (zip_bytes({"hello": b"x"}), "the Excel workbook is broken or cut off: open it in Excel and save it again"),
        (xlsx_bytes([PEOPLE, ["1", "x"]])[:-200],
         "the Excel workbook is broken or cut off: open it in Excel and save it again"),
        (with_part(xlsx_bytes([PEOPLE, ["1", "x"]]), SHEET, "</row>", "</rov>"),
         "the Excel workbook is broken or cut off: open it in Excel and save it again"),
    ],
    ids=["text", "xls", "zip", "short", "xml"],
)  # fmt: skip
def test_workbooks_that_cannot_be_read(kit: Kit, content: bytes, words: str) -> None:
    book(kit, "people.xlsx", content)
    assert refused(kit) == [f"crm/people.xlsx: {words}"]


LAUGHS = '<!DOCTYPE x [<!ENTITY a0 "ha">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
) + "]>"  # fmt: skip


def test_bombs(kit: Kit) -> None:
    plain = xlsx_bytes([PEOPLE, ["1", "x"]])
    row = '<row r="3"><c r="A3" t="inlineStr"><is><t>2</t></is></c></row>'
    dice = random.Random(1)
    noise = "".join(f'<c r="A4"><v>{dice.random()}</v></c>' for _ in range(40_000)) * 25  # 36 MB in one row
    blanks = '<row r="3">' + "<c/>" * 20_000_000 + "</row></sheetData>"
    bombs = {
        "blank cells": with_part(plain, SHEET, "</sheetData>", blanks),
        "one long row": with_part(plain, SHEET, "</sheetData>", f'<row r="4">{noise}</row></sheetData>'),
        "laughs": with_part(
            with_part(plain, SHEET, "<worksheet", LAUGHS + "<worksheet"), SHEET, "</sheetData>",
            row.replace("<t>2</t>", "<t>&a11;</t>") + "</sheetData>",
        ),
        "far row": with_part(plain, SHEET, "</sheetData>", row.replace("3", "2000000000") + "</sheetData>"),
    }  # fmt: skip
    for name, content in bombs.items():
        assert len(content) < 12_000_000, name
        book(kit, "people.xlsx", content)
        told, peak = load_apart(kit)
        assert len(told) == 1, name
        assert told[0].startswith("crm/people.xlsx: "), name
        assert peak < 700, (name, peak)


def test_a_cell_far_out_costs_nothing(kit: Kit) -> None:
    content = workbook_bytes({"A": [PEOPLE, ["1", "x"]]})
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    book(kit, "people.xlsx", with_part(content, SHEET, "</sheetData>", far))
    assert figures(kit.load().files[0]) == (2, 1, 1, 0, 0, 0)
    assert kit.quarantine() == [("people.xlsx", 1_048_576, "wrong_width", None)]


def test_mutations_end_in_rows_or_in_one_line(tmp_path: Path) -> None:
    good = workbook_bytes({"A": [PEOPLE, ["1", datetime(2026, 11, 20)], [7, "é"]]})  # noqa: DTZ001
    dice = random.Random(4)
    path = tmp_path / "x.xlsx"
    outcomes = set()
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for turn in range(400):
        changed = {name: bytearray(text) for name, text in parts.items()}
        content = bytearray(good)
        victim = content if turn % 2 else changed[dice.choice(sorted(changed))]
        for _ in range(dice.randint(1, 4)):
            victim[dice.randrange(len(victim))] = dice.randrange(256) if turn % 2 else dice.randrange(32, 127)
        path.write_bytes(content if turn % 2 else zip_bytes({name: bytes(text) for name, text in changed.items()}))
        try:
            for sheet in sheet_headers(path):
                opened = open_xlsx(path, sheet, ".")
                assert opened is None or all(record.text.startswith("[") for record in opened.records)
            outcomes.add("rows")
        except UnreadableFile:
            outcomes.add("refused")
    assert outcomes == {"rows", "refused"}
