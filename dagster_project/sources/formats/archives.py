"""gzip and zip: what is in an archive is unpacked to a private file, so that readers see plain paths."""

from __future__ import annotations

import errno
import fcntl
import gzip
import lzma
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from dagster_project.sources.formats.kinds import GZIP, ZIP, is_data, suffix
from dagster_project.sources.formats.limits import MEBIBYTE, check_size
from dagster_project.sources.records import UnreadableFile

_CHUNK = MEBIBYTE
_MAX_DIRECTORY = 16 * MEBIBYTE
_ENCRYPTED = 0x1
_BROKEN = (
    *(zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError),
    *(EOFError, LookupError, NotImplementedError, ValueError),
)
_DRIVE = re.compile(r"[A-Za-z]:")


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise UnreadableFile(f"{what} is broken or cut off: export it again") from error
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # a place in the file that cannot be
            raise
        raise UnreadableFile(f"{what} is broken or cut off: export it again") from error


def members(path: Path) -> dict[str, str]:
    """The files of a zip archive: their names, made safe, and the names in the archive; folders and hidden files not.

    Raises OSError, and UnreadableFile where the archive is broken, encrypted, a bomb, or holds another archive.
    """
    found: dict[str, str] = {}
    with _told("the zip archive"), _zip(path) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        check_size(sum(info.file_size for info in infos), path.stat().st_size, "the zip archive")
        for info in infos:
            name = safe_name(info.filename)
            if not name or any(part.startswith((".", "__MACOSX")) for part in name.split("/")):
                continue
            if suffix(name) == ZIP:
                raise UnreadableFile(f'the zip archive holds another one, "{name}": unpack that first')
            if is_data(name) and info.flag_bits & _ENCRYPTED:
                raise UnreadableFile(f'the zip archive is encrypted ("{name}"): unpack it first')
            if name in found:
                raise UnreadableFile(f'the zip archive holds two files called "{name}"')
            found[name] = info.filename
    return found


@contextmanager
def _zip(path: Path) -> Iterator[zipfile.ZipFile]:
    with open(path, "rb") as file:
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]  # before the list of files is read into memory
        if end is None:
            raise UnreadableFile("the file is no zip archive, or is cut off: export it again")
        if end[5] > _MAX_DIRECTORY:
            raise UnreadableFile("the zip archive lists too many files, expected an export")
        with zipfile.ZipFile(file) as archive:
            yield archive


def safe_name(name: str) -> str:
    """A member's name as a name and nothing else: no drive, no root, no way up, nothing that does not print."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in _DRIVE.sub("", name, count=1))
    return "/".join(part for part in printable.replace("\\", "/").split("/") if part not in ("", ".", ".."))


_Stamp = tuple[int, int, int]


def _stamp(path: Path) -> _Stamp:
    """What changes when a file is written or replaced."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


class Spool:
    """Private unpacked files of one load, below `folder`, gone when it ends: `with Spool(folder) as spool: ...`.

    Left-overs of processes that were killed go when it begins; those of a load that runs at the same time stay.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own: tuple[Path, int] | None = None
        self._files: dict[tuple[Path, str | None], tuple[Path, _Stamp]] = {}

    def __enter__(self) -> Self:
        if self._folder.is_dir():
            with _held(self._folder):
                for other in self._folder.iterdir():
                    if not _is_held(other):
                        shutil.rmtree(other) if other.is_dir() else other.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.clear()
        if self._own is not None:
            folder, handle = self._own
            self._own = None
            shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)
        with suppress(OSError):  # another load is using it, or it never was
            self._folder.rmdir()

    def _place(self) -> Path:
        """A folder of its own, held as long as the load runs."""
        if self._own is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _held(self._folder):
                folder = Path(tempfile.mkdtemp(dir=self._folder))
                handle = os.open(folder, os.O_RDONLY)
                fcntl.flock(handle, fcntl.LOCK_EX)
            self._own = folder, handle
        return self._own[0]

    def plain(self, path: Path, member: str | None = None) -> Path:
        """The path of a file's content: its own where it is not compressed. Raises OSError and UnreadableFile."""
        if member is None and suffix(path.name) != GZIP:
            return path
        key = (path, member)
        if key not in self._files:
            handle, name = tempfile.mkstemp(dir=self._place())
            self._files[key] = Path(name), _stamp(path)
            try:
                with open(handle, "wb") as target:
                    _unpack(path, member, target)
            except BaseException:
                self.drop(path, member)
                raise
        return self._files[key][0]

    def is_outdated(self, path: Path, member: str | None = None) -> bool:
        """Whether a file that was unpacked is another by now. Raises OSError where it is gone."""
        return self._files[path, member][1] != _stamp(path)

    def drop(self, path: Path, member: str | None = None) -> None:
        """Remove what was unpacked of a file, if anything was."""
        unpacked = self._files.pop((path, member), None)
        if unpacked is not None:
            unpacked[0].unlink(missing_ok=True)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """A folder for oneself: whoever else asks waits. The lock goes with its process."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _is_held(folder: Path) -> bool:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _unpack(path: Path, member: str | None, target: IO[bytes]) -> None:
    if member is None:
        with _told("the gzip file"), gzip.open(path) as file:
            _copy(file, target, path.stat().st_size, "the gzip file")
        return
    with _told("the zip archive"), _zip(path) as archive:
        info = archive.getinfo(member)
        try:
            with archive.open(info) as packed:
                plain = gzip.GzipFile(fileobj=packed) if suffix(member) == GZIP else packed
                _copy(plain, target, info.compress_size, "the zip archive")
        except RuntimeError as error:  # zipfile's word for a password, and for a method that it does not know
            raise UnreadableFile("the zip archive is encrypted, or packed in a rare way: unpack it first") from error


def _copy(file: IO[bytes] | gzip.GzipFile, target: IO[bytes], compressed: int, what: str) -> None:
    size = 0
    while chunk := file.read(_CHUNK):
        size += len(chunk)
        check_size(size, compressed, what)
        target.write(chunk)
