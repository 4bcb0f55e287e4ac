"""Quarantined rows tried again with the configuration and the files as they are now, and built when some would load."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b

from dagster_project.config import Config, Source
from dagster_project.entities import ENTITIES
from dagster_project.quarantine.rows import Filters, Quarantine, Row
from dagster_project.quarantine.show import printable
from dagster_project.sources.files import table_of
from dagster_project.sources.fixes import nearest_fix
from dagster_project.sources.mapping import Reject
from dagster_project.sources.trial import TriedFile, trial_of
from dagster_project.warehouse.refused import Refused

Key = tuple[str, str, str, bytes]


@dataclass
class Tried:
    """The rows of one group: how many there are, how many no longer fail, why the others do (reason, column)."""

    source: str
    entity: str
    file: str
    reason: str
    column_name: str | None
    rows: int = 0
    loads: int = 0
    still: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    fix: str = ""


@dataclass
class Outcome:
    """What a build would do. `mended`: files of refused loads that can be read now; `critical`: what refuses it."""

    groups: list[Tried] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    critical: list[str] = field(default_factory=list)
    new: int = 0

    @property
    def loads(self) -> int:
        """Rows that no longer fail."""
        return sum(group.loads for group in self.groups)

    @property
    def changed(self) -> bool:
        """Whether a build would do anything about what was asked for."""
        return bool(self.loads or self.mended)

    def lines(self) -> list[str]:
        """One line a group, and what else is to be said."""
        lines = []
        for group in self.groups:
            why = group.reason + (f" in {group.column_name}" if group.column_name else "")
            text = f"{group.source}/{group.file} ({group.entity}), {why}: {group.loads:,} of {group.rows:,} would load"
            if group.still:
                told = ", ".join(
                    f"{number:,} {reason}" + (f" in {column}" if column else "")
                    for (reason, column), number in group.still.most_common(3)
                )
                text += f", {sum(group.still.values()):,} still fail: {told}; {group.fix}"
            lines.append(text)
        lines += [f"{file}: can be read now" for file in self.mended]
        if self.new:
            lines.append(f"{self.new:,} rows that are not in the quarantine yet would be set aside")
        return [printable(line) for line in lines] + [f"would be refused: {printable(line)}" for line in self.critical]


def try_again(config: Config, quarantine: Quarantine, filters: Filters) -> Outcome:
    """Read the files of the rows asked for again; nothing is kept. Raises SourceUnreachable, ConfigError."""
    outcome = Outcome()
    rows: dict[str, dict[tuple[str, str], list[Row]]] = {}
    for row in quarantine.rows(filters):
        rows.setdefault(row.source, {}).setdefault((row.entity, row.file), []).append(row)
    for source in config.sources:
        refused = quarantine.refused.get(source.name)
        if source.name in rows or (refused and filters.source in (None, source.name)):
            _try_source(config, source, rows.get(source.name, {}), refused, filters, outcome)
    return outcome


def _try_source(
    config: Config,
    source: Source,
    files: dict[tuple[str, str], list[Row]],
    refused: Refused | None,
    filters: Filters,
    outcome: Outcome,
) -> None:
    with trial_of(config, source) as trial:
        broken = {subject.removeprefix(f"{source.name}/") for _, subject, _ in refused.told} if refused else set()
        unread = {key for key in trial.present() if key[1] in broken and filters.fit(source.name, *key, None)}
        for entity, file in sorted(files.keys() | unread):
            before = files.get((entity, file), [])
            tried = trial.file(entity, file, before[0].sha256 if before else "")
            outcome.critical += [str(finding) for finding in tried.critical]
            if not before and not tried.critical:
                outcome.mended.append(f"{source.name}/{file}")
            outcome.groups += _compare(source, before, tried, outcome)


def _compare(source: Source, before: list[Row], tried: TriedFile, outcome: Outcome) -> list[Tried]:
    """Rows that were set aside against those that would be: by line in the same content, else by their text."""
    groups: dict[tuple[str, str | None], Tried] = {}
    contents = {row.sha256 for row in before}
    same = contents == {tried.sha256}
    failing: dict[int | str, list[Reject]] = {}
    for reject in tried.rejects:
        failing.setdefault(reject.line if same else reject.text, []).append(reject)
    for row in before:
        group = groups.setdefault(
            (row.reason, row.column_name), Tried(source.name, row.entity, row.file, row.reason, row.column_name)
        )
        group.rows += 1
        found = failing.get(row.line if same else row.raw_text)
        if tried.sha256 is None and not tried.gone:
            group.still[row.reason, row.column_name] += 1
            group.fix = group.fix or "its file cannot be read"
        elif found:
            reject = found.pop()
            group.still[reject.reason, reject.column] += 1
            if not group.fix:
                _, table = table_of(source, row.entity, row.file)
                group.fix = nearest_fix(ENTITIES[row.entity], table, reject).words
        else:
            group.loads += 1
    if before:
        outcome.new += sum(len(rejects) for rejects in failing.values())
    return sorted(groups.values(), key=lambda group: -group.rows)


def row_keys(quarantine: Quarantine, filters: Filters) -> Counter[Key]:
    """The rows that fit by source, entity, file and text: what is told of them before and after a build."""
    return Counter(
        (row.source, row.entity, row.file, blake2b(row.raw_text.encode(), digest_size=16).digest())
        for row in quarantine.rows(filters)
    )
