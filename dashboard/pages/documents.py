"""Adviser documents: did it reach them, and can they open the next one?"""

from functools import partial

import streamlit as st

from dashboard.desk import Desk, live, part
from dashboard.safe import plain, safe
from dashboard.widgets import states, upload
from dashboard.widgets.base import card, chip, told_at, verdict
from orchestrator.client.api import Client
from orchestrator.client.documents_desk import (
    AdviserKey,
    CopyRow,
    DocumentRow,
    DocumentsView,
    KeyLink,
)

EVERY_S = 5.0
COPIES = {
    "sent": ("green", "mark_email_read", "delivered"),
    "sending": ("gray", "outgoing_mail", "on its way"),
    "waiting": ("gray", "hourglass_top", "waits"),
    "possibly": ("orange", "help", "may have gone, nobody knows"),
    "returned": ("red", "undo", "came back"),
    "refused": ("red", "block", "refused"),
    "not_sent": ("red", "block", "not sent"),
}
KEYS = {
    "none": ("red", "key_off", "no key: nothing goes to him"),
    "proposed": ("orange", "call", "handed in, not compared: call back first"),
    "ends": ("red", "event_busy", "the key ends soon, or has: ask for a new one"),
    "lapses": ("orange", "event_repeat", "compare it again soon"),
    "good": ("green", "check_circle", "good"),
}
BAD = frozenset({"returned", "refused", "not_sent", "possibly"})
CALL_BACK = (
    "Call on the number that your own directory had before this request, "
    "never on one that came with it."
)
_KB = 1_000


def page(desk: Desk) -> None:
    """What became of each document, whose key does, and a new one."""
    live(EVERY_S, partial(_standing, desk))
    with part():
        _new(desk)
    with part():
        _replace(desk)


def _view(desk: Desk) -> DocumentsView:
    deal = desk.deal.deal_id
    return desk.ask(lambda c: c.desk_documents(deal))


def _standing(desk: Desk) -> None:
    view = _view(desk)
    _answer(view)
    if view.keys:
        st.markdown("#### Keys")
        for key in view.keys:
            _key(desk, key)
    st.markdown("#### Documents")
    if not view.documents:
        states.nothing("No document was sent yet.")
    for row in view.documents:
        _document(row)


def _answer(view: DocumentsView) -> None:
    bad = sum(1 for row in view.documents for copy in row.copies if copy.state in BAD)
    held = sum(1 for row in view.documents if row.state == "held")
    keys = [key for key in view.keys if key.state in {"none", "ends", "proposed"}]
    told = []
    if held:
        told.append("One document is held." if held == 1 else str(held) + " documents are held.")
    if bad:
        told.append(
            "One copy did not arrive." if bad == 1 else str(bad) + " copies did not arrive."
        )
    if keys:
        first = safe(keys[0].name)
        more = len(keys) - 1
        told.append(
            first
            + ("" if more == 0 else " and " + str(more) + " more")
            + (" cannot be sent a document." if more == 0 else " cannot be sent documents.")
        )
    if told:
        verdict(" ".join(told), "attention")
    elif view.documents:
        verdict("Every copy reached its reader.", "good", "Whether it was opened nobody can see.")
    else:
        verdict("Nothing is on its way.", "good")


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


def _new(desk: Desk) -> None:
    if not desk.may("documents", "own", "alone", "second"):
        return
    view = _view(desk)
    if view.person is None or not view.into:
        return
    names, people = dict(view.into), dict(view.readers)
    with st.expander("Send a document"):
        st.selectbox(
            "Conversation",
            list(names),
            format_func=lambda c: plain(names[str(c)]),
            key="document-into",
        )
        readers = st.multiselect(
            "For whom",
            list(people),
            format_func=lambda p: plain(people[str(p)]),
            key="document-readers",
        )
        st.caption("Each reader gets his own copy, marked with his name. It has no timer.")
        into = str(st.session_state.get("document-into") or "")
        if upload.document(desk.deal.deal_id, view.person, into, list(readers)) == "sent":
            st.rerun()


def _replace(desk: Desk) -> None:
    """Two who compared a key make it count: whoever looks, and another."""
    if not desk.may("keys", "second", "alone") or desk.deal.person is None:
        return
    waiting = [key for key in _view(desk).keys if key.state in {"proposed", "lapses"}]
    if not waiting:
        return
    deal = desk.deal.deal_id
    others = {
        p.person: p.name
        for p in desk.ask(lambda c: c.person_list(deal))
        if p.person != desk.deal.person
    }
    by_person = {key.person: key for key in waiting}
    with st.expander("A key was compared by telephone"):
        st.markdown(CALL_BACK + " Two people compare it; a founded deal asks both to sign.")
        st.selectbox(
            "Whose key",
            list(by_person),
            format_func=lambda p: plain(by_person[str(p)].name),
            key="compared-whose",
        )
        st.selectbox(
            "Who compared it with you",
            list(others),
            format_func=lambda p: plain(others[str(p)]),
            key="compared-with",
        )
        _which(desk)
        st.text_area("The words, as they were read out to you", key="compared-words", height=90)
        if desk.me.stepped_up_until is None:
            st.link_button("Prove that it is you first", "/in?again", type="primary")
        else:
            st.button(
                "It is this key",
                key="compared",
                type="primary",
                on_click=_compared,
                args=(desk,),
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


def _compared(desk: Desk) -> None:
    deal, state, own = desk.deal.deal_id, st.session_state, desk.deal.person
    whose, other = str(state["compared-whose"]), str(state["compared-with"])
    words, old = str(state.get("compared-words") or "").strip(), state.get("compared-old")
    desk.act(
        lambda c: c.key_verify(deal, whose, str(own), other, words=words, replaces=old),
        "It is on the record. From now on documents are sealed to that key.",
    )
