"""Quarantined rows tried again with the configuration and the files as they are now, and built when some would load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from dagster_project.config import Config, Source
from dagster_project.entities import ENTITIES
from dagster_project.quarantine.rows import Filters, Quarantine, Row
from dagster_project.sources.files import table_of
from dagster_project.sources.fixes import nearest_fix
from dagster_project.sources.rejects import Reject
from dagster_project.sources.trial import Trial, TriedFile, trial_of
from dagster_project.terminal import printable
from dagster_project.warehouse.refused import Refused

Key = tuple[str, str, str, bytes]
"""Source, entity, file, and a digest of the text."""

Content = tuple[str, str, str]
"""Entity, file, and the content's SHA-256; that is empty where it could not be read as far as its rows."""


@dataclass
class Tried:
    """The rows of one group: how many there are, would load, would be left out by keep or drop; why the others fail."""

    source: str
    entity: str
    file: str
    reason: str
    column_name: str | None
    rows: int = 0
    loads: int = 0
    filtered: int = 0
    still: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    fix: str = ""
    is_gone: bool = False

    def __str__(self) -> str:
        what = f"{self.source}/{self.file} ({self.entity}), {_why(self.reason, self.column_name)}"
        if self.is_gone:
            return f"{what}: {self.rows:,} would leave, the file is no longer there or no longer read"
        text = f"{what}: {self.loads:,} of {self.rows:,} would load"
        if self.filtered:
            text += f", {self.filtered:,} would be left out by keep or drop"
        if self.still:
            others = [f"{number:,} {_why(*why)}" for why, number in self.still.most_common(3)]
            now = "" if set(self.still) == {(self.reason, self.column_name)} else f" ({', '.join(others)})"
            text += f", {self.still.total():,} still fail{now}; fix: {self.fix}"
        return text


@dataclass
class Outcome:
    """What a build would do. `mended`: files of refused loads that can be read now; `critical`: what refuses it."""

    groups: list[Tried] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    critical: list[str] = field(default_factory=list)
    new: int = 0

    @property
    def is_changed(self) -> bool:
        """Whether a build would do anything about what was asked for."""
        return bool(self.mended) or any(group.still.total() < group.rows for group in self.groups)

    def lines(self) -> list[str]:
        """One line a group, and what else is to be said."""
        lines = [*map(str, self.groups), *(f"{file}: can be read now" for file in self.mended)]
        if self.new:
            lines.append(f"rows that are not in the quarantine yet and would be set aside: {self.new:,}")
        return [printable(line) for line in (*lines, *(f"would be refused: {line}" for line in self.critical))]


def _why(reason: str, column: str | None) -> str:
    return reason + (f" in {column}" if column else "")


def try_again(config: Config, quarantine: Quarantine, filters: Filters, step: Callable[[str], None]) -> Outcome:
    """Read the files of the rows asked for again; nothing is kept. `step` is told what is read.

    Raises SourceUnreachable, and ConfigError for a seed `fx_rates` that cannot be read.
    """
    outcome = Outcome()
    rows: dict[str, dict[Content, list[Row]]] = {}
    asked = {(row.source, row.entity, row.file) for row in quarantine.rows(filters)}
    for row in quarantine.rows(replace(filters, reason=None)):
        if (row.source, row.entity, row.file) in asked:
            rows.setdefault(row.source, {}).setdefault((row.entity, row.file, row.sha256), []).append(row)
    for source in config.sources:
        refused = quarantine.refused.get(source.name)
        if source.name not in rows and (refused is None or filters.source not in (None, source.name)):
            continue
        contents = rows.get(source.name, {})
        with trial_of(config, source) as trial:
            for entity, file, sha256 in sorted([*contents, *_unread(trial, source, contents, refused, filters)]):
                step(f"reading {printable(f'{source.name}/{file}')} again")
                before = contents.get((entity, file, sha256), [])
                tried = trial.file(entity, file, sha256)
                outcome.critical += [str(finding) for finding in tried.critical]
                if not before and not tried.critical:
                    outcome.mended.append(f"{source.name}/{file}")
                compared = _Comparison(source, quarantine, trial, tried)
                found = compared.groups(before)
                outcome.groups += [group for group in found if filters.reason in (None, group.reason)]
                if before:
                    kept = sum(len(rows) for content, rows in contents.items() if content[:2] == (entity, file))
                    outcome.new += max(0, compared.new - quarantine.count(source.name, entity, file) + kept)
    return outcome


def _unread(
    trial: Trial, source: Source, contents: Iterable[Content], refused: Refused | None, filters: Filters
) -> list[Content]:
    """Files that were refused for something else than their rows, such as a column that is missing."""
    broken = {subject.removeprefix(f"{source.name}/") for _, subject, _ in refused.told} if refused else set()
    known = {(entity, file) for entity, file, _ in contents}
    return [
        (entity, file, "")
        for entity, file in trial.present() - known
        if file in broken and filters.fit(source.name, entity, file, None)
    ]


class _Comparison:
    """Rows that were set aside against those that would be: by line in the same content, else by their text."""

    def __init__(self, source: Source, quarantine: Quarantine, trial: Trial, tried: TriedFile) -> None:
        self._source, self._quarantine, self._trial, self._tried = source, quarantine, trial, tried
        self._failing: dict[int | str, list[Reject]] = {}
        self.new = 0

    def groups(self, before: list[Row]) -> list[Tried]:
        """The rows of one content of one file by reason and column; `new` is then known."""
        same = bool(before) and before[0].sha256 == self._tried.sha256
        for reject in self._tried.rejects:
            self._failing.setdefault(reject.line if same else reject.text, []).append(reject)
        groups: dict[tuple[str, str | None], Tried] = {}
        for row in before:
            why = (row.reason, row.column_name)
            group = groups.setdefault(why, Tried(self._source.name, row.entity, row.file, *why))
            group.rows += 1
            self._add(group, row, self._failing.get(row.line if same else row.raw_text), same)
        self.new = sum(map(len, self._failing.values()))
        return sorted(groups.values(), key=lambda group: -group.rows)

    def _add(self, group: Tried, row: Row, found: list[Reject] | None, same: bool) -> None:
        info = self._quarantine.info(row)
        _, table = table_of(self._source, row.entity, row.file, info.sheet if info else None)
        if self._tried.gone:
            group.is_gone = True
        elif self._tried.sha256 is None:
            group.still[row.reason, row.column_name] += 1
            group.fix = "its file cannot be read"
        elif found:
            reject = found.pop()
            group.still[reject.reason, reject.column] += 1
            group.fix = group.fix or nearest_fix(ENTITIES[row.entity], table, reject).words
        elif same and table and (table.keep or table.drop) and self._is_filtered(row):
            group.filtered += 1
        else:
            group.loads += 1

    def _is_filtered(self, row: Row) -> bool:
        info = self._quarantine.info(row)
        return info is not None and self._trial.row(info, row.line, row.raw_text).fate == "filtered"


def row_keys(quarantine: Quarantine, filters: Filters) -> Counter[Key]:
    """The rows that fit by source, entity, file and text: what is told of them before and after a build."""
    return Counter(
        (row.source, row.entity, row.file, blake2b(row.raw_text.encode(), digest_size=16).digest())
        for row in quarantine.rows(filters)
    )
