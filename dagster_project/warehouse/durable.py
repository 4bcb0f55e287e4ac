"""What is written stays written, also when the power goes."""

from __future__ import annotations

import os
from pathlib import Path


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Put a text in the place of a file in one step: whoever reads it sees the old one or all of the new one.

    `mode`: permissions of a new file, less the umask. Its temporary name is one that `leftovers.sweep` knows. Raises
    OSError.
    """
    fresh = path.with_name(f".{path.name.lstrip('.')}.{os.getpid()}.tmp")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
