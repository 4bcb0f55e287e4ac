"""How much a compressed file may grow: one that grows more is a bomb, or a mistake."""

from __future__ import annotations

from dagster_project.sources.records import UnreadableFile

MEBIBYTE = 1024 * 1024
SMALL, MAX_RATIO, MAX_BYTES = 64 * MEBIBYTE, 200, 8 * 1024 * MEBIBYTE


def check_size(size: int, compressed: int, what: str) -> None:
    """Raise UnreadableFile where `size` bytes come of `compressed` ones and are too many."""
    if size > MAX_BYTES:
        raise UnreadableFile(f"{what} unpacks to more than {MAX_BYTES // 1024**3} GiB, expected smaller files")
    if size > SMALL and size > MAX_RATIO * compressed:
        raise UnreadableFile(
            f"{what} unpacks to more than {MAX_RATIO} times its size, as no export does: it is not unpacked"
        )
