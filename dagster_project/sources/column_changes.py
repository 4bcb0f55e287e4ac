"""What a header has lost or gained since an earlier version of its file."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from dagster_project.config import nearest
from dagster_project.sources.rejects import is_column_name

_SHOWN = 5


def column_changes(before: Sequence[str], now: Sequence[str], read: Collection[str]) -> str | None:
    """One line of words, or None: columns that were `read` (folded names) and are gone, and new ones that are not."""
    old, there = _by_folded(before), _by_folded(now)
    gone = [name for folded, name in old.items() if folded not in there and folded in read]
    new = [name for folded, name in there.items() if folded not in old and folded not in read]
    shown = [name for name in new if is_column_name(name)]
    parts = []
    for name in gone[:_SHOWN]:
        close = nearest(name, shown)
        parts.append(f'"{name}" is gone' + (f', nearest new one is "{close}"' if close else ""))
    parts += [f'"{name}" is new' for name in shown[:_SHOWN]]
    untold = len(gone[_SHOWN:]) + len(new) - len(shown[:_SHOWN])
    if untold:
        parts.append(f"{untold:,} more")
    return "other columns than in the version before: " + "; ".join(parts) if parts else None


def _by_folded(header: Sequence[str]) -> dict[str, str]:
    return {name.strip().casefold(): name.strip() for name in header if name.strip()}
