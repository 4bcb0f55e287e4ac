"""What a file is before it is parsed: its hash, its size, its encoding, and why it cannot be read at all."""

from __future__ import annotations

import codecs
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from dagster_project.sources.csv_records import DAMAGED
from dagster_project.sources.formats.kinds import MAGIC, really
from dagster_project.sources.records import Format

CHUNK = 1 << 20
_ASCII = bytes(range(0x80))
_SEVERAL_BYTES = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
_UNDEFINED_IN_1252 = bytes((0x81, 0x8D, 0x8F, 0x90, 0x9D))


@dataclass(frozen=True)
class Fingerprint:
    """What a file is before it is parsed. `encoding` is empty where it has none; `problem` says why it cannot be read
    at all, or is None."""

    sha256: str
    bytes: int
    encoding: str
    problem: str | None = None


def digest_of(path: Path) -> str:
    """The sha256 of a file's content. Raises OSError."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def fingerprint(path: Path, encoding: str | None = None, named: Format = "csv") -> Fingerprint:
    """Read the file once in chunks: its hash, size, encoding and whether it is what its name says. Raises OSError.

    UTF-8 (with or without a byte order mark), UTF-16 with one; `DAMAGED` where it has at least as many characters of
    several bytes as bytes that are no UTF-8; else Windows-1252, or Latin-1 where a byte has no meaning in Windows-1252.
    A given `encoding` is tried as it is.
    """
    is_text = named in ("csv", "jsonl", "json")
    digest = hashlib.sha256()
    size = 0
    first = b""
    has_nul = False
    trial: _Trial | None = None
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            if not size:
                first = chunk[:MAGIC]
                trial = _Trial(encoding or _from_mark(first) or "utf-8") if is_text else None
            digest.update(chunk)
            size += len(chunk)
            if trial:
                has_nul = has_nul or b"\0" in chunk
                trial.feed(chunk)
    if not size:
        return Fingerprint(digest.hexdigest(), 0, "utf-8", "the file is empty, not even a header")
    problem = really(first, named)
    if problem or trial is None:
        return Fingerprint(digest.hexdigest(), size, "", problem)
    ok = trial.finish()
    mark = _from_mark(first)
    name = encoding or mark or "utf-8"
    wide = codecs.lookup(name).name.startswith(("utf-16", "utf-32"))
    if has_nul and not wide:
        problem = "the file holds NUL bytes: it is binary, or UTF-16 without a byte order mark"
    elif not ok and (encoding or wide):
        problem = f"the file is not {name}"
    elif not ok:
        is_utf_8 = mark is not None or _is_damaged_utf_8(path)
        name = DAMAGED if is_utf_8 else "latin-1" if trial.undefined_in_1252 else "windows-1252"
    return Fingerprint(digest.hexdigest(), size, name, problem)


def _from_mark(first: bytes) -> str | None:
    if first.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None


class _Trial:
    """Decodes a stream only to learn whether it can be decoded."""

    def __init__(self, encoding: str) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ok = True
        self.undefined_in_1252 = False

    def feed(self, chunk: bytes, *, final: bool = False) -> None:
        if not self.undefined_in_1252 and not chunk.isascii():
            self.undefined_in_1252 = len(chunk.translate(None, _UNDEFINED_IN_1252)) < len(chunk)
        if self._ok:
            try:
                self._decoder.decode(chunk, final)
            except UnicodeError:
                self._ok = False

    def finish(self) -> bool:
        self.feed(b"", final=True)
        return self._ok


def _is_damaged_utf_8(path: Path) -> bool:
    """Whether a file has at least as many characters of several bytes as bytes that are no UTF-8."""
    valid = bad = 0
    rest = b""
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            chunk = rest + chunk
            cut = len(chunk) - 1
            while len(chunk) - cut < 4 and cut > 0 and 0x80 <= chunk[cut] < 0xC0:
                cut -= 1  # a character may go on in the next chunk
            cut = cut if chunk[cut] >= 0xC0 else len(chunk)
            others, count = _SEVERAL_BYTES.subn(b"", chunk[:cut])
            valid += count
            bad += len(others.translate(None, _ASCII))
            rest = chunk[cut:]
    others, count = _SEVERAL_BYTES.subn(b"", rest)
    return valid + count >= bad + len(others.translate(None, _ASCII))
