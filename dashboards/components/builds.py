"""The last attempts to build: what came of them, and whether the last one found more than the figures shown."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dagster_project.state import Attempt, Result
from dashboards import noted, queries
from dashboards.components import layout, loaded
from dashboards.components.formats import count, duration, moment, plain

STATUS = {"published": "published", "failed": "failed, nothing published", "checked": "checked only"}
ICONS = {"published": ":material/check_circle:", "failed": ":material/error:", "checked": ":material/rule:"}
SHOWN = 10
NAMED = 5


def worse(last: Sequence[Result], served: Sequence[queries.Row]) -> list[Result]:
    """The checks that fail in the last attempt and pass in the figures shown, or are critical only now."""
    before = {(check["check_name"], check["subject"]): check for check in served if check["status"] != "passed"}
    found = []
    for result in last:
        if result.status == "passed":
            continue
        known = before.get((result.check_name, result.subject))
        if known is None or (result.severity == "critical" and known["severity"] != "critical"):
            found.append(result)
    return sorted(found, key=lambda result: (result.severity != "critical", result.check_name, result.subject))


def banner(state: noted.Noted, build: queries.Row, served: Sequence[queries.Row], is_told: bool) -> None:
    """What the last attempt found, where the figures shown are not its own. `is_told`: that it failed is said above."""
    last = state.attempts[0] if state.attempts else None
    if last is None or last.build_id == build["build_id"] or last.status == "published":
        return
    when = moment(layout.local(last.finished_at, build))
    lines = [] if last.status != "failed" or is_told else [f"**The last build failed on {when}.**"]
    if more := worse(state.last_results, served):
        names = ", ".join(f"{plain(loaded.name(item.check_name))} ({plain(item.subject)})" for item in more[:NAMED])
        rest = f" and {count(len(more) - NAMED)} more" if len(more) > NAMED else ""
        one, it = len(more) == 1, "It" if last.status == "failed" else f"The build of {when}"
        lines.append(
            f"{it} found {count(len(more))} check{'' if one else 's'} worse than in the figures shown: {names}{rest}."
        )
    if lines:
        st.error("  \n".join(lines), icon=":material/error:")


def told(state: noted.Noted, build: queries.Row) -> str:
    """The last build in a few words."""
    if not state.attempts:
        return f"Figures of {moment(build['built_local'])}."
    last = state.attempts[0]
    failed = sum(attempt.status == "failed" for attempt in state.attempts[:20])
    of = f"; {count(failed)} of the last {count(min(len(state.attempts), 20))} failed" if failed else ""
    when = moment(layout.local(last.finished_at, build))
    return f"Last build {when}, by {plain(last.trigger)}: {STATUS.get(last.status, plain(last.status))}{of}."


def show(state: noted.Noted, build: queries.Row) -> None:
    """The last builds, those with something to say open to be read."""
    if not state.attempts:
        st.markdown(f"No build is remembered yet. The figures shown were built {moment(build['built_local'])}.")
        return
    with st.container(key="panel-builds", gap=None):
        for number, attempt in enumerate(state.attempts[:SHOWN]):
            with st.container(key=f"line-build-{number}", gap=None):
                _attempt(attempt, build, is_first=number == 0)
    if len(state.attempts) > SHOWN:
        with st.expander(f"The last {count(len(state.attempts))} builds"):
            table = [
                {
                    "When": layout.local(attempt.started_at, build),
                    "Result": STATUS.get(attempt.status, attempt.status),
                    "By": attempt.trigger,
                    "Took": _took(attempt),
                    "Messages": len(attempt.messages),
                    "First message": attempt.messages[0] if attempt.messages else "",
                }
                for attempt in state.attempts
            ]
            columns = {"When": st.column_config.DatetimeColumn(format="MMM D, YYYY, h:mm A")}
            st.dataframe(pd.DataFrame(table), hide_index=True, column_config=columns, placeholder="")


def _attempt(attempt: Attempt, build: queries.Row, *, is_first: bool) -> None:
    served = " · **shown now**" if attempt.build_id == build["build_id"] else ""
    icon = ICONS.get(attempt.status, ":material/info:")
    when = moment(layout.local(attempt.started_at, build))
    st.markdown(f"{icon} **{when}** {STATUS.get(attempt.status, plain(attempt.status))}{served}")
    through = f" · data through {moment(layout.local(attempt.as_of, build))}" if attempt.as_of else ""
    st.caption(f"By {plain(attempt.trigger)} · took {_took(attempt)}{through}")
    if attempt.messages:
        with st.expander(_messages(attempt), expanded=is_first and attempt.status == "failed"):
            for message in attempt.messages[:20]:
                st.text(message)
            if len(attempt.messages) > 20:
                st.caption(f"and {count(len(attempt.messages) - 20)} more")


def _took(attempt: Attempt) -> str:
    return duration((attempt.finished_at - attempt.started_at).total_seconds() / 60)


def _messages(attempt: Attempt) -> str:
    return "1 message" if len(attempt.messages) == 1 else f"{count(len(attempt.messages))} messages"
