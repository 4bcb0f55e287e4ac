"""What one load of one source did: figures of its files, findings, how far the data reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from dagster_project.errors import CriticalProblem
from dagster_project.sources.records import Dialect, Format


def _printable(line: str) -> str:
    """One line, whatever a file's or a column's name holds."""
    return line if line.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in line)


FINDINGS: Mapping[str, str] = MappingProxyType(
    {
        "unmatched_file": "Every file of the source's folder is read.",
        "unread_sheet": "Every sheet of a workbook is read.",
        "header": "Every column that is mapped is there, and no column has a name that is nearly one of ours.",
        "columns_changed": "Files have the columns they had in their version before.",
        "values": "Nothing in the cells of a file leaves in doubt how they are read.",
        "repeated_lines": "No line without an id repeats another word for word.",
        "raw_damaged": "Stored copies of files are what was written.",
        "raw_version_missing": "A file whose mapping has changed, or its stored copy, is there to be read again.",
    }
)
"""What a load finds short of refusing a source, and what is true where nothing was found: checks of its asset."""


@dataclass(frozen=True)
class Finding:
    """Something to be told: the check's name, what it is about (`source/file`), and one line of words."""

    check: str
    subject: str
    message: str

    def __str__(self) -> str:
        return _printable(f"{self.subject}: {self.message}")


@dataclass
class FileReport:
    """Figures of one file for one entity; `rows` is the sum of the five that follow `loaded` and itself."""

    source: str
    entity: str
    file: str
    sha256: str = ""
    bytes: int = 0
    encoding: str = ""
    format: Format = "csv"
    delimiter: str = ""
    quote: str = ""
    rows: int = 0
    loaded: int = 0
    quarantined: int = 0
    exact_duplicates: int = 0
    superseded: int = 0
    filtered: int = 0
    status: str = "loaded"

    @property
    def adds_up(self) -> bool:
        """Whether every row of the file is accounted for, once."""
        parts = self.loaded + self.quarantined + self.exact_duplicates + self.superseded + self.filtered
        return self.rows == parts

    def __str__(self) -> str:
        parts = [f"{self.loaded:,} loaded", f"{self.quarantined:,} quarantined"]
        parts += [f"{self.exact_duplicates:,} exact duplicates", f"{self.superseded:,} superseded"]
        if self.filtered:
            parts.append(f"{self.filtered:,} filtered")
        dialect = str(Dialect(self.format, self.delimiter, self.quote))
        how = f"{self.entity}, {self.status}; {dialect}" + (f", {self.encoding}" if self.encoding else "")
        return _printable(f"{self.source}/{self.file} ({how}): {self.rows:,} rows = " + " + ".join(parts))


@dataclass
class LoadReport:
    """What one load of one source did. With `critical` findings nothing of it is in the working database."""

    source: str
    load_id: str
    files: list[FileReport] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    critical: list[Finding] = field(default_factory=list)
    data_through: datetime | None = None
    entities: tuple[str, ...] = ()
    met: dict[str, str] = field(default_factory=dict)
    """Hashes of record ids that erased people came back under, with the token of their erasure."""

    def refuse(self, check: str, file: str, message: str) -> None:
        """Add a critical finding about a file or an entity of the source; without one, about the source itself."""
        self.critical.append(Finding(check, f"{self.source}/{file}" if file else self.source, message))

    @property
    def warnings(self) -> list[str]:
        """One line a warning."""
        return [str(finding) for finding in self.findings]

    def lines(self) -> list[str]:
        """One line a file: its rows and what became of them."""
        return [str(file) for file in self.files]

    def metadata(self) -> dict[str, int | str]:
        """The load in a few figures, as an asset shows them."""
        return {
            "files": len(self.files),
            "rows": sum(file.rows for file in self.files),
            "loaded": sum(file.loaded for file in self.files),
            "quarantined": sum(file.quarantined for file in self.files),
            "exact_duplicates": sum(file.exact_duplicates for file in self.files),
            "superseded": sum(file.superseded for file in self.files),
            "filtered": sum(file.filtered for file in self.files),
            "warnings": len(self.findings),
            "data_through": self.data_through.isoformat() if self.data_through else "",
        }


class LoadRefused(CriticalProblem):
    """A load with critical findings: rolled back, the source's earlier state stands. `report` tells everything."""

    def __init__(self, report: LoadReport, findings: Iterable[Finding]) -> None:
        super().__init__([str(finding) for finding in findings])
        self.report = report

    @property
    def warnings(self) -> list[str]:
        """The report's warnings but those that `--strict` made critical."""
        return [line for line in self.report.warnings if line not in self.messages]
