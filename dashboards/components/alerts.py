"""The open alerts as cards, with what people say to them: acknowledge, mute, speak again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from dagster_project.state import Alert, Mute, StateError
from dashboards import noted, queries
from dashboards.components import filters, finding, layout, loaded, pager
from dashboards.components.formats import count, duration, moment, plain

CARDS_A_PIECE = 10
Whys = Mapping[noted.Key, str]
DAYS = {1: "1 day", 3: "3 days", 7: "a week", 14: "2 weeks", 30: "30 days", 90: "90 days"}
ASKED = "asked"
"""The key of what a button has asked for: ("acknowledge" or "mute", number of the alert)."""
KEPT = "What you write is kept: name no client."
SAID = "said"
"""The key of what the page drawn next has to tell, once."""


def show(snap: queries.Snapshot, build: queries.Row, state: noted.Noted, whys: Whys) -> None:
    """Open alerts, then what was muted and what was mended. `whys`: why a check matters, by check and subject."""
    for alert in pager.piece(state.speaking, CARDS_A_PIECE, "Alerts"):
        card(snap, build, alert, None, whys)
    if state.mutes:
        with st.expander(f"Muted ({count(len(state.mutes))})", icon=":material/notifications_off:"):
            for alert in state.silent:
                card(snap, build, alert, state.mute_of(alert), whys)
            open_keys = {(alert.check_name, alert.subject) for alert in state.silent}
            for number, mute in enumerate(state.mutes):
                if (mute.check_name, mute.subject) not in open_keys:
                    _mute_alone(build, mute, number)
    if state.mended:
        with st.expander(f"Mended ({count(len(state.mended))})", icon=":material/check_circle:"):
            for alert in state.mended:
                with st.container(horizontal=True, vertical_alignment="center", key=f"line-mended-{alert.alert_id}"):
                    when = moment(layout.local(alert.cleared_at, build)) if alert.cleared_at else ""
                    st.markdown(f"{plain(finding.headline(alert, ''))} · {plain(alert.subject)} · mended {when}")
                    st.button("Look", key=f"look-{alert.alert_id}", on_click=open_alert, args=[alert.alert_id])


def open_alert(alert_id: int) -> None:
    """Go to an alert of its own."""
    filters.go(alert=str(alert_id), page="", row="")


def card(snap: queries.Snapshot, build: queries.Row, alert: Alert, mute: Mute | None, whys: Whys) -> None:
    """One open alert, and what can be said to it."""
    with st.container(key=f"panel-alert-{_tone(alert, mute)}-{alert.alert_id}", gap="xsmall"):
        head(alert, mute)
        st.markdown(f"**{plain(headline(alert, whys))}**")
        facts(build, alert, mute)
        if alert.what_to_do:
            st.markdown(f"**What to do** {plain(alert.what_to_do)}")
        expected = f", expected {plain(alert.expected)}" if alert.expected else ""
        st.caption(f"Found {plain(loaded.shortened(alert.observed))}{expected}.")
        rows = len(finding.rows_of(snap, (alert.check_name, alert.subject)))
        with st.container(horizontal=True, gap="xsmall", key=f"do-{alert.alert_id}"):
            words = f"Show the {count(rows)} rows" if rows > 1 else "Show the row" if rows else "Show its history"
            st.button(words, key=f"show-{alert.alert_id}", type="primary", on_click=open_alert, args=[alert.alert_id])
            answers(alert, mute)


def show_one(snap: queries.Snapshot, build: queries.Row, state: noted.Noted, alert: Alert, whys: Whys) -> None:
    """An alert of its own: what, why, what to do, who looks after it, its rows and its past."""
    back = dict.fromkeys(("alert", "row", "page"), "")
    st.button("All alerts", icon=":material/arrow_back:", on_click=filters.go, kwargs=back)
    key = (alert.check_name, alert.subject)
    past = noted.history([key])[key]
    why = whys.get(key) or next((result.why for result in reversed(past)), "")
    mute = None if alert.cleared_at else state.mute_of(alert)
    with st.container(key=f"panel-alert-{_tone(alert, mute)}-one", gap="xsmall"):
        head(alert, mute)
        words = finding.headline(alert, why)
        st.subheader(plain(words), anchor=False)
        facts(build, alert, mute)
        finding.about(finding.of_alert(alert, "" if words == why else why))
        if alert.cleared_at is None:
            with st.container(horizontal=True, gap="xsmall", key="do-one"):
                answers(alert, mute)
    finding.show_rows(snap, finding.of_alert(alert, why))
    finding.past(past, build)
    ask([alert], whys)


def headline(alert: Alert, whys: Whys) -> str:
    """An alert as a sentence."""
    return finding.headline(alert, whys.get((alert.check_name, alert.subject), ""))


def head(alert: Alert, mute: Mute | None) -> None:
    """How bad it is, and whether it was seen to."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        finding.badge(alert.severity)
        if alert.acknowledged_by:
            st.badge("Acknowledged", icon=":material/person_check:", color="gray")
        if mute:
            st.badge("Muted", icon=":material/notifications_off:", color="gray")


def facts(build: queries.Row, alert: Alert, mute: Mute | None) -> None:
    """About what, since when, for whom, and who looks after it."""
    lasted = duration((datetime.now(UTC) - alert.opened_at).total_seconds() / 60)
    since = f"since {moment(layout.local(alert.opened_at, build))} ({lasted})"
    if alert.cleared_at:
        since = (
            f"{moment(layout.local(alert.opened_at, build))}, mended {moment(layout.local(alert.cleared_at, build))}"
        )
    seen = f" · seen in {count(alert.seen)} builds" if alert.seen > 1 else ""
    owner = f" · for {plain(alert.owner)}" if alert.owner else ""
    st.caption(f"{plain(alert.subject)} · {since}{seen}{owner}")
    if alert.acknowledged_by:
        when = moment(layout.local(alert.acknowledged_at, build)) if alert.acknowledged_at else ""
        note = f": {plain(alert.note)}" if alert.note else ""
        st.markdown(f":material/person_check: {plain(alert.acknowledged_by)} looks after it, {when}{note}")
    if mute:
        st.markdown(_muted(build, mute))


def answers(alert: Alert, mute: Mute | None) -> None:
    """The buttons of an open alert."""
    words = "Acknowledge again" if alert.acknowledged_by else "Acknowledge"
    st.button(words, key=f"ack-{alert.alert_id}", on_click=_ask, args=["acknowledge", alert.alert_id])
    if mute:
        key = (alert.check_name, alert.subject)
        st.button("Unmute", key=f"unmute-{alert.alert_id}", on_click=partial(_unmute, key))
    else:
        st.button("Mute", key=f"mute-{alert.alert_id}", on_click=_ask, args=["mute", alert.alert_id])


def _tone(alert: Alert, mute: Mute | None) -> str:
    if mute or alert.cleared_at:
        return "quiet"
    return finding.tone(alert.severity)


def _muted(build: queries.Row, mute: Mute) -> str:
    until = moment(layout.local(mute.until, build))
    return f":material/notifications_off: Muted by {plain(mute.muted_by)} until {until}: {plain(mute.reason)}"


def _mute_alone(build: queries.Row, mute: Mute, number: int) -> None:
    """A mute that silences nothing at the moment."""
    key = (mute.check_name, mute.subject)
    with st.container(horizontal=True, vertical_alignment="center", key=f"line-mute-{number}"):
        st.markdown(
            f"{plain(loaded.name(mute.check_name))} · {plain(mute.subject)}: nothing open  \n{_muted(build, mute)}"
        )
        st.button("Unmute", key=f"unmute-alone-{number}", on_click=partial(_unmute, key))


def _unmute(key: noted.Key) -> None:
    """For a button: what goes wrong is told by the page that is drawn next."""
    try:
        noted.unmute(key)
    except StateError as error:
        st.session_state[SAID] = str(error)


def _ask(what: str, alert_id: int) -> None:
    st.session_state[ASKED] = (what, alert_id)


def _forget() -> None:
    st.session_state.pop(ASKED, None)


def ask(alerts: Sequence[Alert], whys: Whys) -> None:
    """The form over the page that a button has asked for."""
    what, alert_id = st.session_state.get(ASKED, ("", 0))
    alert = next((alert for alert in alerts if alert.alert_id == alert_id), None)
    if alert is None:
        _forget()
        return
    title, form = ("Acknowledge", _acknowledge) if what == "acknowledge" else ("Mute", _mute)
    st.dialog(title, on_dismiss=_forget)(form)(alert, headline(alert, whys))


def _acknowledge(alert: Alert, words: str) -> None:
    """The form by which somebody says that they look after an alert."""
    st.markdown(f"**{plain(words)}** · {plain(alert.subject)}")
    st.caption(f"It stays in the list, with your name, and is told again only when it gets worse. {KEPT}")
    with st.form("acknowledge", border=False):
        by = st.text_input("Your name", value=_me(), max_chars=60)
        note = st.text_area("Note", max_chars=500, placeholder="What you found or asked for", height=100)
        sent = st.form_submit_button("Acknowledge", type="primary")
    if not sent:
        return
    if not by.strip():
        st.error("Enter your name: others see who looks after it.", icon=":material/error:")
        return
    _keep_me(by.strip())
    done: list[bool] = []
    if _write(lambda: done.append(noted.acknowledge(alert.alert_id, by.strip(), note.strip()))):
        if done != [True]:
            st.session_state[SAID] = "It was mended meanwhile: nothing to acknowledge."
        _forget()
        st.rerun()


def _mute(alert: Alert, words: str) -> None:
    """The form by which somebody silences an alert for a while."""
    st.markdown(f"**{plain(words)}** · {plain(alert.subject)}")
    st.caption(f"No message is sent about this check and subject until then; it stands under Muted. {KEPT}")
    with st.form("mute", border=False):
        by = st.text_input("Your name", value=_me(), max_chars=60)
        days = st.selectbox("For how long", list(DAYS), index=2, format_func=DAYS.__getitem__)
        reason = st.text_area("Reason", max_chars=500, placeholder="Why nobody needs to hear of it", height=100)
        sent = st.form_submit_button("Mute", type="primary")
    if not sent:
        return
    if not by.strip() or not reason.strip():
        st.error("Enter your name and a reason: others see why it is silent.", icon=":material/error:")
        return
    _keep_me(by.strip())
    if _write(lambda: noted.mute((alert.check_name, alert.subject), days, by.strip(), reason.strip())):
        _forget()
        st.rerun()


def _me() -> str:
    return str(st.session_state.get("me", ""))


def _keep_me(name: str) -> None:
    """Nobody types their name twice in a session."""
    st.session_state["me"] = name


def _write(change: Callable[[], object]) -> bool:
    """Change the state; where that fails, say so in a line."""
    try:
        change()
    except StateError as error:
        st.error(plain(error), icon=":material/error:")
        return False
    return True
