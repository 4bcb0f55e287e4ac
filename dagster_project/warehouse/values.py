"""What an engine says of an error, without the values that it quotes: they may be anybody's name or number."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

_KINDS = (
    *("Conversion", "Constraint", "Invalid Input", "Invalid Type", "Invalid", "Out of Range", "Mismatch Type"),
    *("Unknown Type", "Decimal", "Divide by Zero", "Object Size", "Not implemented", "Expression", "Executor"),
    *("Index", "Sequence", "Serialization"),
)
"""DuckDB's errors about values. Those about tables, columns, files, memory and SQL quote nothing of the data."""

_ERROR = rf"\b(?P<kind>{'|'.join(_KINDS)}) Error: "
_IN_MESSAGE = re.compile(_ERROR + r".*", re.DOTALL | re.IGNORECASE)
_IN_LOG = re.compile(_ERROR + r".*?(?=\n[^\n]{0,20}\d\d:\d\d:\d\d|\n={5,}|\Z)", re.DOTALL | re.IGNORECASE)


def _kind_alone(error: re.Match[str]) -> str:
    return f"{error['kind']} Error (about a value, not shown)"


def without_values(message: str) -> str:
    """A message of DuckDB or dbt; one about a value says only of which kind it is."""
    return _IN_MESSAGE.sub(_kind_alone, message)


def forget_values(target: Path) -> None:
    """Take the values out of what a failed dbt run left: its log and its results. Raises OSError."""
    for path in sorted(target.glob("dbt.log*")):
        text = path.read_text(encoding="utf-8", errors="replace")
        path.write_text(_IN_LOG.sub(_kind_alone, text), encoding="utf-8")
    path = target / "run_results.json"
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for result in results["results"]:
        result["message"] = without_values(result["message"] or "")
    path.write_text(json.dumps(results), encoding="utf-8")
