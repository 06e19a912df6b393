"""Adviser documents: did it reach them, and can they open the next one?"""

from functools import partial

import streamlit as st

from dashboard.desk import Desk, live, part
from dashboard.safe import plain, safe
from dashboard.widgets import states, upload
from dashboard.widgets.base import card, chip, told_at, verdict
from dashboard.widgets.loading import loading
from dashboard.widgets.somebody import several, somebody
from orchestrator.client.api import Client
from orchestrator.client.documents_desk import (
    AdviserKey,
    CopyRow,
    DocumentRow,
    DocumentsView,
    KeyLink,
)

EVERY_S = 5.0
KEY_OF = "documents.key_of"
COPIES = {
    "sent": ("green", "mark_email_read", "delivered"),
    "sending": ("gray", "outgoing_mail", "on its way"),
    "waiting": ("gray", "hourglass_top", "waits"),
    "possibly": ("orange", "help", "may have gone, nobody knows"),
    "returned": ("red", "undo", "came back"),
    "refused": ("red", "block", "refused"),
    "not_sent": ("red", "block", "not sent"),
    "sealed": ("gray", "lock", "sealed, waits to be taken"),
    "handed": ("green", "lock", "sealed, taken by its sender"),
    "lapsed": ("orange", "timer_off", "sealed, not taken within a day: destroyed"),
    "recalled": ("gray", "undo", "called back before anything went"),
    "taking_back": ("orange", "hourglass_top", "asked for, not confirmed yet"),
    "taken_back": ("green", "undo", "called back, seen gone"),
    "remains": ("red", "person_alert", "called back, stays with him"),
}
KEYS = {
    "none": ("red", "key_off", "no key: nothing goes to him"),
    "proposed": ("orange", "call", "handed in, not compared: call back first"),
    "ends": ("red", "event_busy", "the key ends soon, or has: ask for a new one"),
    "lapses": ("orange", "event_repeat", "compare it again soon"),
    "good": ("green", "check_circle", "good"),
}
BAD = frozenset({"returned", "refused", "not_sent", "possibly", "taking_back", "remains"})
CALL_BACK = (
    "Call on the number that your own directory had before this request, "
    "never on one that came with it."
)
_KB = 1_000


def page(desk: Desk) -> None:
    """What became of each document, whose key does, and a new one."""
    live(EVERY_S, partial(_standing, desk))
    with part():
        view = _view(desk)
        _new(desk, view)
        _replace(desk, view)


def _view(desk: Desk, key: str = "") -> DocumentsView:
    deal = desk.deal.deal_id
    return desk.ask(lambda c: c.desk_documents(deal, key=key))


def _standing(desk: Desk) -> None:
    sought = str(st.session_state.get(KEY_OF) or "").strip()
    view = loading("documents", 8, lambda: _view(desk, sought))
    _answer(view)
    if view.key_states:
        st.markdown("#### Keys")
        _keys(desk, view, sought)
    st.markdown("#### Documents")
    if not view.documents:
        states.nothing("No document was sent yet.")
    for row in view.documents:
        _document(row)
    if view.older:
        st.caption("The newest are shown. `wallcross doc status` lists the older ones.")


def _keys(desk: Desk, view: DocumentsView, sought: str) -> None:
    more = view.keys_found > len(view.keys)
    if more or sought:
        st.text_input("Whose key (name)", key=KEY_OF, max_chars=100)
    if more:
        first = "The first " + str(len(view.keys)) + " of " + str(view.keys_found)
        st.caption(first + ", what needs somebody before the rest. Find others by name.")
    elif sought and not view.keys:
        states.nobody()
    for key in view.keys:
        _key(desk, key)


def _answer(view: DocumentsView) -> None:
    bad = sum(1 for row in view.documents for copy in row.copies if copy.state in BAD)
    held = sum(1 for row in view.documents if row.state == "held")
    keys = sum(view.key_states.get(state, 0) for state in ("none", "ends", "proposed"))
    told = []
    if held:
        told.append("One document is held." if held == 1 else str(held) + " documents are held.")
    if bad:
        told.append(
            "One copy did not arrive." if bad == 1 else str(bad) + " copies did not arrive."
        )
    if keys:
        told.append(_without_key(view, keys))
    if told:
        verdict(" ".join(told), "attention")
    elif view.documents:
        verdict("Every copy reached its reader.", "good", "Whether it was opened nobody can see.")
    else:
        verdict("Nothing is on its way.", "good")


def _without_key(view: DocumentsView, count: int) -> str:
    first = next((k.name for k in view.keys if k.state in {"none", "ends", "proposed"}), None)
    if first is None:  # he is not among those that were looked for
        who = "One person" if count == 1 else str(count) + " people"
    else:
        who = safe(first) + ("" if count == 1 else " and " + str(count - 1) + " more")
    return who + (" cannot be sent a document." if count == 1 else " cannot be sent documents.")


def _key(desk: Desk, key: AdviserKey) -> None:
    colour, icon, words = KEYS.get(key.state, ("gray", "help", safe(key.state)))
    with card():
        st.markdown(
            "**"
            + safe(key.name)
            + "** · "
            + safe(key.channel)
            + " · :"
            + colour
            + "[:material/"
            + icon
            + ": "
            + words
            + "]"
        )
        if key.ends_at == 0 and key.state == "ends":
            st.markdown("Nothing can be sealed to this key any more.")
        elif key.ends_at:
            told_at("The certificate ends", key.ends_at)
        if key.lapses_at is not None:
            told_at("The comparison counts until", key.lapses_at)
        if key.words:
            with st.expander("Call back, and have these words read to you"):
                st.markdown(CALL_BACK)
                st.code(" ".join(key.words), language=None, wrap_lines=True)
        if desk.may("keys", "second", "alone"):
            _ask_for(desk, key)


def _ask_for(desk: Desk, key: AdviserKey) -> None:
    link = st.session_state.get("key-link-" + key.person)
    if link is not None:
        st.caption("Send this to " + safe(key.name) + ", by another way than mail if you can.")
        st.code(str(link), language=None, wrap_lines=True)
        st.caption("It works once, for a day. What comes in is a proposal until two compared it.")
        return
    st.button(
        "Ask for a certificate",
        key="key-link-ask-" + key.person,
        on_click=_link,
        args=(desk, key.person),
    )


def _link(desk: Desk, person: str) -> None:
    deal, origin = desk.deal.deal_id, str(st.context.url or "").split("/", 3)[:3]
    made: list[KeyLink] = []

    async def ask(client: Client) -> None:
        made.append(await client.key_link(deal, person))

    if desk.act(ask, "The link is beside the key."):
        st.session_state["key-link-" + person] = "/".join(origin) + made[0].path


def _document(row: DocumentRow) -> None:
    size = str(max(1, row.size // _KB)) + " kB"
    where = " into **" + safe(row.conversation) + "**" if row.conversation else ""
    with card():
        tier = chip(row.tier) + " " if row.tier else ""
        st.markdown(tier + "From **" + safe(row.sender) + "**" + where + " · " + size)
        told_at("Handed in", row.sent_at)
        if row.second_person:
            st.markdown(":orange[:material/hourglass_top: It waits until two people agree.]")
        elif row.state == "held":
            st.markdown(":orange[:material/back_hand: **Held. Nobody has been sent it.**]")
        for reason in row.reasons:
            st.caption(safe(reason))
        for copy in row.copies:
            _copy(copy)


def _copy(copy: CopyRow) -> None:
    colour, icon, words = COPIES.get(copy.state, ("gray", "help", safe(copy.state)))
    how = (
        ", sealed for **"
        if copy.state in {"sent", "sending", "possibly", "returned"}
        else " for **"
    )
    line = "Copy " + str(copy.number) + how + safe(copy.name) + "** · :"
    st.markdown(line + colour + "[:material/" + icon + ": " + words + "]")
    for reason in copy.reasons:
        st.caption(safe(reason))
    if copy.state == "sent" and copy.settled_at is not None:
        told_at("The network took it at", copy.settled_at)


def _new(desk: Desk, view: DocumentsView) -> None:
    if not desk.may("documents", "own", "alone", "second"):
        return
    if view.person is None or not view.into:
        return
    names = dict(view.into)
    with st.expander("Send a document"):
        st.selectbox(
            "Conversation",
            list(names),
            format_func=lambda c: plain(names[str(c)]),
            key="document-into",
        )
        readers = several(desk, "For whom", "document-readers", but={view.person})
        st.caption("Each reader gets his own copy, marked with his name. It has no timer.")
        into = str(st.session_state.get("document-into") or "")
        if upload.document(desk.deal.deal_id, view.person, into, list(readers)) == "sent":
            st.rerun()


def _replace(desk: Desk, view: DocumentsView) -> None:
    """Two who compared a key make it count: whoever looks, and another."""
    if not desk.may("keys", "second", "alone") or desk.deal.person is None:
        return
    if not view.compare:
        return
    by_person = {key.person: key for key in view.compare}
    with st.expander("A key was compared by telephone"):
        st.markdown(CALL_BACK + " Two people compare it; a founded deal asks both to sign.")
        st.selectbox(
            "Whose key",
            list(by_person),
            format_func=lambda p: plain(by_person[str(p)].name),
            key="compared-whose",
        )
        other = somebody(desk, "Who compared it with you", "compared-with", but={desk.deal.person})
        _which(desk)
        st.text_area("The words, as they were read out to you", key="compared-words", height=90)
        if desk.me.stepped_up_until is None:
            st.link_button("Prove that it is you first", "/in?again", type="primary")
        else:
            st.button(
                "It is this key",
                key="compared",
                type="primary",
                disabled=other is None,
                on_click=_compared,
                args=(desk, other or ""),
            )


def _which(desk: Desk) -> None:
    """Which key of his counts no more from then on, where he has one that counts."""
    deal, whose = desk.deal.deal_id, str(st.session_state["compared-whose"])
    counts = [k for k in desk.ask(lambda c: c.key_list(deal, whose)) if k.state == "verified"]
    st.selectbox(
        "It replaces",
        [None, *(k.device for k in counts)],
        format_func=lambda d: "no key" if d is None else "the key " + plain(d),
        key="compared-old",
    )


def _compared(desk: Desk, other: str) -> None:
    deal, state, own = desk.deal.deal_id, st.session_state, desk.deal.person
    whose = str(state["compared-whose"])
    words, old = str(state.get("compared-words") or "").strip(), state.get("compared-old")
    desk.act(
        lambda c: c.key_verify(deal, whose, str(own), other, words=words, replaces=old),
        "It is on the record. From now on documents are sealed to that key.",
    )
