"""What is wrong after an attempt, and of which alerts that attempt could tell: a judgement. Pure.

An attempt that died half-way has seen only a part: what it did not look at is neither wrong nor mended.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median

from dagster_project.alerts.lifecycle import MAX_OFFENDERS, Trouble
from dagster_project.alerts.seen import Counts, SourceSeen
from dagster_project.errors import LeadhouseError, SourceUnreachable, StaleSources
from dagster_project.sources.report import Finding, LoadRefused
from dagster_project.state import Alert, Result

BUILD_FAILED, NO_BUILD = "build_failed", "no_build"
UNREACHABLE, STOPPED, QUARANTINE_GROWS = "source_unreachable", "source_stopped", "quarantine_grows"
KINDS = (BUILD_FAILED, NO_BUILD, UNREACHABLE, STOPPED, QUARANTINE_GROWS)
"""Troubles that no suite sees. Their subject is `build` or a source."""

GROWN_ROWS, GROWN_TIMES = 10, 2
"""So many more rows, and so many times as many as usual, are set aside before anybody is told."""

_TOLD_LINES = 3
_OWNER = "ops"


@dataclass(frozen=True)
class Judgement:
    """Troubles, and what was looked at: `whole` (every check), `kinds`, `checks` by key, `sources` whose files were."""

    troubles: tuple[Trouble, ...]
    whole: bool = False
    kinds: frozenset[str] = frozenset()
    checks: frozenset[tuple[str, str]] = frozenset()
    sources: frozenset[str] = frozenset()

    def covers(self, alert: Alert) -> bool:
        """Whether the trouble of an alert would have been seen, if it still were there."""
        name, subject = alert.check_name, alert.subject
        if name == UNREACHABLE:
            return self.whole or subject in self.sources
        if name in KINDS:
            return name in self.kinds
        if self.whole or (name, subject) in self.checks:
            return True
        source, slash, _ = subject.partition("/")  # findings about a file
        return bool(slash) and source in self.sources


def of_checks(results: Iterable[Result]) -> list[Trouble]:
    """One trouble a failed check."""
    return [
        Trouble(
            check_name=result.check_name,
            subject=result.subject,
            severity=result.severity,
            owner=result.owner,
            title=result.check_name.replace("_", " "),
            observed=result.observed,
            expected=result.expected,
            what_to_do=result.what_to_do,
            offenders=result.offenders[:MAX_OFFENDERS],
        )
        for result in results
        if result.status == "failed"
    ]


def of_problems(problems: Sequence[LeadhouseError], results: Iterable[Result]) -> list[Trouble]:
    """What made a build fail: refused loads by file, sources that are not there, and the lines nothing else tells."""
    critical = [f"{item.check_name} on {item.subject}:" for item in results if _is_critical_failure(item)]
    troubles: list[Trouble] = []
    lines: list[str] = []
    for problem in problems:
        if isinstance(problem, LoadRefused):
            told = set(problem.messages)
            findings = [*problem.report.critical, *problem.report.findings]
            troubles += [_refusal(finding) for finding in findings if str(finding) in told]
        elif isinstance(problem, SourceUnreachable) and problem.source:
            troubles.append(_unreachable(problem))
        elif not isinstance(problem, StaleSources):
            lines += [line for line in problem.messages if not any(words in line for words in critical)]
    return [*troubles, *_failure(lines)]


def _is_critical_failure(result: Result) -> bool:
    return result.status == "failed" and result.severity == "critical"


def _refusal(finding: Finding) -> Trouble:
    return Trouble(
        check_name=finding.check,
        subject=finding.subject,
        severity="critical",
        owner=_OWNER,
        title=f"load refused: {finding.check.replace('_', ' ')}",
        observed=str(finding).removeprefix(f"{finding.subject}: "),
        expected="a load without critical findings",
        what_to_do="mend the file or its mapping (leadhouse quarantine shows rows that cannot be read), then build",
    )


def _unreachable(problem: SourceUnreachable) -> Trouble:
    return Trouble(
        check_name=UNREACHABLE,
        subject=problem.source,
        severity="critical",
        owner=_OWNER,
        title="source cannot be reached",
        observed="; ".join(problem.messages).removeprefix(f"{problem.source}: "),
        expected="its folder or service is there",
        what_to_do="bring it back, or set its path right in leadhouse.toml, then build",
    )


def _failure(lines: list[str]) -> list[Trouble]:
    if not lines:
        return []
    more = f"; and {len(lines) - _TOLD_LINES} more" if len(lines) > _TOLD_LINES else ""
    reasons = dict.fromkeys(re.sub(r"\d[\d.,:%-]*", "#", line)[:80] for line in lines)
    return [
        Trouble(
            check_name=BUILD_FAILED,
            subject="build",
            severity="critical",
            owner=_OWNER,
            title="the build failed",
            observed="; ".join(lines[:_TOLD_LINES]) + more,
            expected="a build that publishes",
            what_to_do='do what the lines say (docs/operations.md, "When a build fails"), then build',
            offenders=tuple(reasons)[:MAX_OFFENDERS],  # another reason is another trouble: an acknowledgement is void
        )
    ]


def stale_sources(sources: Iterable[SourceSeen], *, is_blocking: bool) -> list[Trouble]:
    """Sources too far behind the newest one; `is_blocking`: the build stops for them."""
    return [
        _stopped(
            source,
            "critical" if is_blocking else "warning",
            f"data ends {_moment(source.data_through)}, too long before that of the newest source",
            "data as fresh as the other sources'",
        )
        for source in sources
        if source.is_stale and source.data_through
    ]


def silent_sources(
    sources: Iterable[SourceSeen], receipts: Mapping[str, list[date]], now: datetime, stale_after_days: int
) -> list[Trouble]:
    """Sources whose data end longer ago than they ever take to come.

    `receipts`: the days on which each source brought something new. One that did so on one day only has no rhythm yet:
    an archive or a demo is not behind the clock.
    """
    found = []
    for source in sources:
        rhythm = usual_gap(receipts.get(source.name, []))
        if rhythm is None or source.data_through is None:
            continue
        allowed, behind = timedelta(days=stale_after_days + rhythm), now - source.data_through
        if behind > allowed:
            days = behind / timedelta(days=1)
            observed = f"data ends {_moment(source.data_through)}, {days:.1f} days ago; new data usually come within"
            found.append(
                _stopped(
                    source,
                    "warning",
                    f"{observed} {rhythm} day{'s' if rhythm > 1 else ''}",
                    f"data of the last {allowed.days} days",
                )
            )
    return found


def usual_gap(days: list[date]) -> int | None:
    """Days between two deliveries: the longest of the latest ten gaps but one (a single outage is not usual).

    None where there were fewer than two deliveries.
    """
    gaps = sorted((later - earlier).days for earlier, later in pairwise(days[-11:]))
    if not gaps:
        return None
    return gaps[-2] if len(gaps) > 2 else gaps[-1]


def _stopped(source: SourceSeen, severity: str, observed: str, expected: str) -> Trouble:
    return Trouble(
        check_name=STOPPED,
        subject=source.name,
        severity=severity,
        owner=_OWNER,
        title="source stopped delivering",
        observed=observed,
        expected=expected,
        what_to_do="export it again, and mend what brings its files; a source that is closed for good leaves"
        " leadhouse.toml, or gets data_through there",
    )


def growing_quarantine(now: Counts, before: Sequence[Counts]) -> list[Trouble]:
    """Sources of which far more rows are set aside than usual: the median of `before`, by entity and reason."""
    if not before:
        return []
    grown: dict[str, list[str]] = {}
    for (source, entity, reason), rows in sorted(now.items()):
        usual = int(median(counts.get((source, entity, reason), 0) for counts in before))
        if rows >= usual + GROWN_ROWS and rows >= usual * GROWN_TIMES:
            grown.setdefault(source, []).append(f"{entity} {reason}: {rows:,} rows, usually {usual:,}")
    return [
        Trouble(
            check_name=QUARANTINE_GROWS,
            subject=source,
            severity="warning",
            owner=_OWNER,
            title="more rows are set aside",
            observed="; ".join(lines[:_TOLD_LINES]) + (f"; and {len(lines) - _TOLD_LINES} more" if lines[3:] else ""),
            expected=f"fewer than {GROWN_TIMES} times the usual number, or than {GROWN_ROWS} rows more",
            what_to_do=f"leadhouse quarantine --source {source} tells the reasons and the nearest fix",
            offenders=tuple(line.partition(":")[0] for line in lines)[:MAX_OFFENDERS],
        )
        for source, lines in grown.items()
    ]


def missing_build(last: datetime | None, now: datetime, hours: int) -> list[Trouble]:
    """Nothing was built for too long. `last`: the latest build that did not fail, None where there is none."""
    if last is not None and now - last <= timedelta(hours=hours):
        return []
    observed = f"the last good build ended {_moment(last)}" if last else "no good build yet"
    return [
        Trouble(
            check_name=NO_BUILD,
            subject="build",
            severity="critical",
            owner=_OWNER,
            title="no build for too long",
            observed=observed,
            expected=f"a good build every {hours} hours",
            what_to_do="look whether the scheduler runs and what the last build said, then: leadhouse build",
        )
    ]


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "never"
