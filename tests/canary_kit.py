"""Canaries: a brokerage whose files and environment are full of names and secrets that are easy to find again."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import zipfile
from pathlib import Path

from openpyxl import Workbook

PEOPLE = ("Zoë Canaria", "zoecanaria@birdmail.example", "Quetzal Nightjar", "quetzal.nightjar@birdmail.example")
PHONES = ("(212) 736-5017", "+1 212.736.5018", "2127365019", "212-736-5020;(212) 736-5021")
ADDRESS = "17 Kingfisher Lane, Heronville"
FREE_TEXT = "he said his sister Bitternella is ill"
CANARIES = re.compile(
    r"zo(ë|\\u00eb|Ã«|e)\s*canaria|canaria|nightjar|quetzal|birdmail|kingfisher|heronville|bitternella"
    r"|736\D{0,3}50(1[0-9]|2[0-9])",
    re.IGNORECASE,
)
"""A person of these files, however they are written."""

SECRET = "s3cr3t-c4n4ry"
SECRETS = re.compile(r"s3cr3t|c4n4ry|8675309111", re.IGNORECASE)

HEAD = """
[brokerage]
name = "Harbor"
timezone = "America/New_York"
currency = "USD"

[hours]
mon = ["09:00", "18:00"]
"""
FILES = """
[[source]]
name = "crm"
kind = "files"
path = "crm"
data_through = "2026-11-20"
"""
MAPPED = """
[[source]]
name = "portal"
kind = "files"
path = "portal"
id_space = "portal"
data_through = "2026-11-20"

[[source.table]]
entity = "inquiries"
file = "leads*.csv"
[source.table.columns]
inquiry_id = "Lead id"
name = "Name"
email = "Mail"
is_spam = "Kind"
[source.table.expressions]
event_at = "CAST(\\"Created\\" AS TIMESTAMP)"

[[source.table]]
entity = "touches"
file = "calls*"
[source.table.columns]
touch_id = "Call"
phone = "From"
occurred_at = "At"
[source.table.constants]
channel = "call"
direction = "outbound"
"""
INQUIRIES = "inquiry_id,person_id,name,email,phone,event_at,source,is_spam,property_address,Notes"


def good(number: int) -> str:
    """A row that loads: the canaries take turns."""
    name, email, phone = PEOPLE[2 * (number % 2)], PEOPLE[1 + 2 * (number % 2)], PHONES[number % 4]
    who = f'G{number},P{number % 7},{name},{email},"{phone}"'
    return f'{who},2026-11-{1 + number % 19:02d} 10:00,Zillow,no,"{ADDRESS}",{FREE_TEXT}'


WHO = f"{PEOPLE[0]},{PEOPLE[1]},{PHONES[0]}"
BAD = (
    f"B1,,{WHO},,Zillow,no,{PEOPLE[0]},{FREE_TEXT}",  # missing_required
    f"B2,,{WHO},{PEOPLE[0]},Zillow,no,,{FREE_TEXT}",  # unreadable_value
    f"B3,,{WHO},{PHONES[2]},Zillow,no,,",  # unreadable_value: digits alone
    f"B4,,{WHO},2026-11-02 10:00,Zillow,{PEOPLE[2]},,{FREE_TEXT}",  # unknown_word
    f"B5,,{WHO},2026-11-02 10:00,Zillow,canaria,,",  # unknown_word: a name in lower case
    f"G1,,{WHO},2026-11-02 10:00,Zillow,no,,{FREE_TEXT}",  # conflicting_id
    f"B6,,{WHO},2026-11-02 10:00,Zillow,no,,,{PEOPLE[2]},{PHONES[1]}",  # wrong_width
    f'B7,,"{PEOPLE[0]},2026-11-02 10:00,Zillow,no,{ADDRESS}',  # bad_quoting
)


def write_exports(folder: Path, *, rows: int = 400) -> None:
    """Files of both sources: good rows, and rows of every reason for which one is set aside."""
    crm, portal = folder / "crm", folder / "portal"
    crm.mkdir(parents=True)
    portal.mkdir()
    lines = [INQUIRIES, *map(good, range(rows)), *BAD]
    data = (
        "\n".join(lines).encode() + b"\n" + f"B8,,{PEOPLE[2]},".encode() + b"\xff\xfe,,2026-11-02 10:00,Zillow,no,,\n"
    )
    (crm / "inquiries.csv").write_bytes(data)
    huge = f"H1,2026-11-02 10:00,call,outbound,{PEOPLE[0]}," + "x" * 140_000
    touches = ["touch_id,occurred_at,channel,direction,disposition,phone"]
    touches += [f'T{n},2026-11-{1 + n % 19:02d} 11:00,call,outbound,{FREE_TEXT},"{PHONES[n % 4]}"' for n in range(200)]
    (crm / "touches.csv").write_text("\n".join([*touches, huge]) + "\n", encoding="utf-8")
    people = [{"person_id": f"P{n}", "name": PEOPLE[0], "email": PEOPLE[1], "phone": PHONES[0]} for n in range(7)]
    people[0] |= {"timezone": PEOPLE[2], "state": PEOPLE[2], "stage": FREE_TEXT, "source_now": PEOPLE[0]}
    broken = [json.dumps(one) for one in people] + [
        f'{{"person_id": "PX", "name": "{PEOPLE[0]}", "name": {PHONES[2]}}}'
    ]
    (crm / "people.jsonl").write_text("\n".join(broken) + "\n", encoding="utf-8")
    book = Workbook()
    sheet = book.active
    for row in (
        ["deal_id", "person_id", "closed_at", "gci", "Quetzal Nightjar"],
        ["D1", "P1", "2026-11-03 09:00", 9000, ADDRESS],
    ):
        sheet.append(row)
    sheet.append(["D2", PEOPLE[0], PEOPLE[1], PHONES[0], ADDRESS])
    book.save(crm / "deals.xlsx")
    spend = "date,source,amount,currency\n2026-11-02,Zillow,100,USD\n2026-11-02,Zillow,100,XXX\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("spend.csv", spend + f"{PEOPLE[0]},Zillow,100,USD\n2026-11-03,Zillow,{PHONES[1]},USD\n")
    (crm / "more.zip").write_bytes(packed.getvalue())
    leads = ["Lead id,Created,Name,Mail,Kind"]
    leads += [f"L{n},2026-11-{1 + n % 19:02d} 09:00,{PEOPLE[2]},{PEOPLE[3]},no" for n in range(300)]
    leads += [f"LX,{PEOPLE[0]} {PHONES[0]},{PEOPLE[0]},{PEOPLE[1]},no"]  # its expression fails
    (portal / "leads.csv").write_text("\n".join(leads) + "\n", encoding="utf-8")
    calls = "Call,From,At\n" + "".join(f'C{n},"{PHONES[n % 4]}",2026-11-05 09:00\n' for n in range(50))
    (portal / "calls.csv.gz").write_bytes(gzip.compress((calls + f"CX,{PHONES[1]},{PEOPLE[0]}\n").encode()))
    seeds = folder / "seeds"
    seeds.mkdir()
    header = "id_space_a,person_id_a,id_space_b,person_id_b,link,reason,approver"
    (seeds / "person_links.csv").write_text(
        f"{header}\ncrm,P1,crm,P2,apart,{FREE_TEXT},{PEOPLE[2]}\n", encoding="utf-8"
    )


def texts_below(folder: Path, *, but: tuple[str, ...] = ()) -> dict[str, str]:
    """What lies below a folder as text, by path; what is no text as the bytes that could be some."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if not name.startswith(but) or not but:
            found[name] = path.read_bytes().decode("utf-8", "replace")
    return found


def environment() -> dict[str, str]:
    """This process's environment, with secrets."""
    return {
        **os.environ,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "CRM_TOKEN": f"token-{SECRET}",
        "CANARY": SECRET,
        "CANARY_NUMBER": "8675309111",
        "CANARY_NEGATIVE": "-8675309111",
    }
