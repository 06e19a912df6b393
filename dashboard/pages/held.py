"""Held: what waits, why, until when, and the ways out. Its text is nowhere on this page.

One exception, which is not this page's: what two people agreed to be read is shown by the browser
itself (``dashboard.widgets.reveal``).
"""

from collections.abc import Awaitable, Callable

import streamlit as st

from dashboard.desk import Desk
from dashboard.safe import plain, safe
from dashboard.widgets import desk_words as words
from dashboard.widgets import go, states
from dashboard.widgets.base import chip, instant, verdict
from dashboard.widgets.loading import loading
from dashboard.widgets.reveal import reveal
from dashboard.widgets.spans import number, some, span
from dashboard.widgets.times import tooltip
from dashboard.words import held_words
from orchestrator.client.api import Client
from orchestrator.client.held_desk import HeldDeskView, HeldItem

STRICTER = "Move it to "


def page(desk: Desk) -> None:
    """What is held, as far as it is his."""
    deal = desk.deal.deal_id
    found = loading("held", 6, lambda: desk.ask(lambda client: client.held_desk(deal)))
    said, again = st.columns([3, 1], vertical_alignment="center")
    with said:
        verdict(_answer(found), "attention" if _yours(found) else "good", _aside(found))
    with again, st.container(horizontal=True, horizontal_alignment="right"):
        st.button("Look again", key="again", icon=":material/refresh:")
    if not found.items:
        _nothing(found)
        return
    for item in found.items:
        with st.container(border=True, key="held-" + item.message_id):
            _card(desk, item, found.at)
    if found.more:
        states.unknown("only the first " + str(len(found.items)) + " are listed here")


def _yours(found: HeldDeskView) -> int:
    """How many are his to settle now, as in his navigation."""
    return sum(item.yours for item in found.items)


def _answer(found: HeldDeskView) -> str:
    count = _yours(found)
    if count:
        verb = " message waits for you." if count == 1 else " messages wait for you."
        return number(count) + verb
    if any("move" in item.may for item in found.items):
        what = some(len(found.items), "message is", "messages are")
        them = "it" if len(found.items) == 1 else "them"
        return what + " held, and others settle " + them + ". You may do so too."
    if found.items:
        return "Others ask for your agreement about a held message."
    if found.total:
        return some(found.total, "message is", "messages are") + " held. None is yours to settle."
    return "Nothing is held."


def _aside(found: HeldDeskView) -> str:
    when = "As of " + instant(found.at)[0].rpartition(", ")[2] + "."
    if found.overdue:
        return when + " " + some(found.overdue, "is", "are") + " past the deadline."
    return when


def _nothing(found: HeldDeskView) -> None:
    if found.total:
        st.text("Whoever wrote them was told in his own line, with his ways out.")
        return
    states.nothing("Every message went where it was meant to, or was settled.")


def _card(desk: Desk, item: HeldItem, at: int) -> None:
    what, why = st.columns([1.9, 1], gap="large")
    with what:
        _what(item, at)
        _ways(desk, item)
    with why:
        _why(item)
    if item.reveal is not None:
        _reading(desk, item, at)


def _what(item: HeldItem, at: int) -> None:
    """What happened, what holds, and whose it is until when."""
    st.markdown("#### " + held_words(item.seen, item.readers or 0, item.visible_us))
    who = "You" if item.mine else safe(item.author_name or "Somebody of the deal")
    meant = (" for " + safe(item.where)) if item.where else ", naming no conversation"
    kind = "document" if item.document else "message"
    st.markdown(
        chip(item.tier) + " " + who + " wrote this " + safe(item.length) + " " + kind + meant + "."
    )
    since = "Since " + instant(item.held_at)[0] + ". "
    st.caption(since + _deadline(item, at), help=tooltip(item.held_at))
    if item.asked:
        st.markdown(
            ":orange[:material/pending:] Its release was asked for. It waits for two people."
        )


def _deadline(item: HeldItem, at: int) -> str:
    owner = safe(item.owner_name) if item.owner_name else "its owner"
    if item.overdue:
        return "Past its deadline. It is with " + owner + " now."
    following = (", then " + safe(item.next_name)) if item.next_name else ""
    return "With " + owner + " for " + span(item.deadline - at) + following + "."


def _why(item: HeldItem) -> None:
    """The reasons with what each weighs, and what was recognised; never what it says."""
    st.markdown("**Why it waits**")
    for reason in item.why[:3]:
        said = reason.because or reason.rule
        times = "" if reason.count == 1 else " (" + str(reason.count) + " times)"
        st.markdown(safe(said[:1].upper() + said[1:]) + times + ".")
    if len(item.why) > len(item.why[:3]):
        st.caption("and " + str(len(item.why) - 3) + " more")
    if item.rules:
        named = ("- " + words.held_rule(code) for code in item.rules[:3])
        st.markdown(":gray[What was recognised in it:]\n" + "\n".join(named))


def _ways(desk: Desk, item: HeldItem) -> None:
    """The ways out that are his; the safe one is the primary button."""
    if not item.may:
        if item.asked:
            go.button("approvals", "Read and decide", name="decide-" + item.message_id, first=True)
        return
    deal, message = desk.deal.deal_id, item.message_id
    with st.container(horizontal=True, key="ways-" + message):
        if "move" in item.may:
            for n, out in enumerate(item.fits[:2]):
                _move(desk, item, n, out.conversation, out.name)
        if "ask" in item.may and not item.asked:
            st.button(
                "Ask for its release",
                key="ask-" + message,
                on_click=_act,
                args=(
                    desk,
                    lambda client: client.held_desk_ask(deal, message),
                    "Asked. Two people must agree. Until then nobody sees it.",
                ),
            )
        if "drop" in item.may:
            _drop(desk, item)
        if "reveal" in item.may and item.reveal is None:
            _ask_to_see(desk, item)


def _move(desk: Desk, item: HeldItem, n: int, conversation: str, name: str) -> None:
    deal, message = desk.deal.deal_id, item.message_id
    st.button(
        STRICTER + "#" + plain(name),
        key="move-" + message + "-" + str(n),
        type="primary" if n == 0 else "secondary",
        on_click=_act,
        args=(
            desk,
            lambda client: client.held_desk_move(deal, message, conversation),
            "Moved to the stricter conversation. It goes out from there.",
        ),
    )


def _drop(desk: Desk, item: HeldItem) -> None:
    deal, message = desk.deal.deal_id, item.message_id
    with st.popover("Drop it"):
        st.text("It is destroyed here and goes to nobody. The journal keeps its sealed copy.")
        st.button(
            "Drop it for good",
            key="drop-" + message,
            on_click=_act,
            args=(
                desk,
                lambda client: client.held_desk_drop(deal, message),
                "Dropped. It goes to nobody.",
            ),
        )


def _ask_to_see(desk: Desk, item: HeldItem) -> None:
    """Asks two people to let him read it; counsel names the matter."""
    deal, message = desk.deal.deal_id, item.message_id
    with st.popover("Ask to see the message"):
        st.text("Two other people must agree. It is shown to you once, for a minute.")
        st.text("Its author is told that you read it.")
        if item.matter:
            st.text_input("Matter number", key="matter-" + message, max_chars=40)
        st.button(
            "Ask two people", key="see-" + message, on_click=_asked, args=(desk, deal, message)
        )


def _act(desk: Desk, question: Callable[[Client], Awaitable[object]], done: str) -> None:
    desk.act(question, done)


def _asked(desk: Desk, deal: str, message: str) -> None:
    matter = str(st.session_state.get("matter-" + message, "")).strip() or None
    desk.act(
        lambda client: client.held_reveal_ask(deal, message, matter),
        "Asked. You read it here once two others agreed.",
    )


def _reading(desk: Desk, item: HeldItem, at: int) -> None:
    """Where his request to read it stands; the browser shows it where it may."""
    found = item.reveal
    if found is None:
        return
    st.divider()
    if found.state == "open":
        left = "" if found.until is None else " within " + span(found.until - at)
        st.markdown("**Two people agreed that you read it**, once" + left + ".")
        reveal(desk.deal.deal_id, item.message_id)
    elif found.state in {"waits", "agreed"}:
        st.markdown(
            ":orange[:material/pending:] You asked to read it. Two other people must agree."
        )
    elif found.state == "read":
        st.markdown(":material/visibility: You read it, once. Its author was told.")
    elif found.state == "refused":
        st.markdown(":red[:material/block:] Somebody refused that you read it.")
    else:
        st.markdown(":material/schedule: The agreement that you read it has lapsed.")
    if found.state in {"read", "refused", "lapsed"}:
        with st.container(horizontal=True):
            _ask_to_see(desk, item)
