"""Faults of the disk in plain words: which folder, what was found, what to do."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster_project.errors import ConfigError, CriticalProblem

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM}
_ERRNO = re.compile(r"\berrno (\d+)", re.IGNORECASE)
_PATH = re.compile(r"""["'](/[^"']+)["']""")
# Engines hand on the system's words only: DuckDB's, SQLite's, Arrow's and dbt's errors carry no number.
_FULL_WORDS = (
    *(os.strerror(number) for number in _FULL),
    "database or disk is full",
    "max_temp_directory_size",  # DuckDB's limit is what is free where it spills
)
_HARDLY_ANYTHING_BYTES = 1_000_000
_CLOSED_WORDS = tuple(os.strerror(number) for number in _CLOSED)


def disk_trouble(error: BaseException | str, folder: Path) -> str | None:
    """One line for a full disk or a folder that cannot be written, or None where an error tells of neither.

    `error`: what was raised (with what it was raised from), or the words of another program. `folder` is named where
    the error names no file.
    """
    for text, number, name in _told(error, folder):
        place = Path(name).parent if name else folder
        if number in _FULL or any(words in text for words in _FULL_WORDS):
            return _full(place)
        if number in _CLOSED or any(words in text for words in _CLOSED_WORDS):
            return f"{place}: found a folder or file that cannot be written, expected one that this user may write"
    return None


def full_disk(folder: Path) -> str | None:
    """The line for a full disk where hardly anything is free: a program may have had no room left to say so."""
    free = shutil.disk_usage(_nearest(folder)).free
    return _full(folder) if free < _HARDLY_ANYTHING_BYTES else None


def _full(folder: Path) -> str:
    return f"{folder}: no space left on the disk, or in its quota{_free(folder)}; make room, then build again"


def _told(error: BaseException | str, folder: Path) -> Iterator[tuple[str, int | None, str | None]]:
    """Words, error number and file of an error, then of those it came from."""
    seen: set[int] = set()
    cause: BaseException | str | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        text = str(cause)
        number = getattr(cause, "errno", None)
        if number is None and (found := _ERRNO.search(text)):
            number = int(found[1])
        name = getattr(cause, "filename2", None) or getattr(cause, "filename", None)  # a copy's second is its target
        if not isinstance(name, str):
            paths = _PATH.findall(text)
            if isinstance(cause, str):  # a program's words may be full of paths of its own
                paths = [path for path in paths if Path(path).is_relative_to(folder.parent)]
            name = paths[0] if paths else None
        yield text, number, name
        cause = None if isinstance(cause, str) else cause.__cause__ or cause.__context__


def _free(folder: Path) -> str:
    try:
        return f" ({shutil.disk_usage(_nearest(folder)).free / 1e6:,.1f} MB free)"
    except OSError:
        return ""


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next((place for place in (folder, *folder.parents) if place.exists()), folder)


def require_writable(folders: Iterable[Path]) -> None:
    """Raises ConfigError for folders that this user cannot write or make, one line each; writes nothing."""
    lines = []
    for folder in folders:
        place = _nearest(folder)
        if not place.is_dir():
            lines.append(f"{place}: found a file, expected a folder; move it away, the build makes the folder")
        elif not os.access(place, os.W_OK | os.X_OK):
            lines.append(f"{place}: found a folder that cannot be written, expected one that this user may write")
    if lines:
        raise ConfigError(dict.fromkeys(lines))


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Around writes to a folder: an OSError becomes a CriticalProblem of one line that names it."""
    try:
        yield
    except OSError as error:
        words = error.strerror or type(error).__name__
        raise CriticalProblem(disk_trouble(error, folder) or f"{folder}: cannot be written: {words}") from error
