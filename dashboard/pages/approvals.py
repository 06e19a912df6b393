"""Approvals: should I agree? One card a request, one decision in it."""

import re
from collections.abc import Sequence
from functools import partial

import streamlit as st

from dashboard.desk import Desk, live, part
from dashboard.safe import safe
from dashboard.widgets import passkey, states
from dashboard.widgets.base import card, told_at, verdict
from dashboard.widgets.loading import loading
from dashboard.widgets.somebody import somebody
from orchestrator.client.approvals import REFUSALS
from orchestrator.client.approvals_desk import ApprovalCard, SigningView

EVERY_S = 5.0
MOST = 50
"""Requests that are shown of a kind."""
_ID = re.compile(r"\b([a-z]{1,16}_[0-9a-f]{8})[0-9a-f]{24}\b")
ENDED = {
    "done": ("good", "Carried out", "check_circle"),
    "agreed": ("attention", "Agreed to, and not carried out yet", "pending"),
    "refused": ("stop", "Refused or taken back", "block"),
    "lapsed": ("attention", "Lapsed; nothing happened", "timer_off"),
}
ROLES = {
    "approver": "second person",
    "owner": "deal owner",
    "counsel": "counsel",
    "security_officer": "security officer",
    "control_room": "control room",
}


def page(desk: Desk) -> None:
    """What waits for whoever looks, then what waits for others, then what was settled."""
    live(EVERY_S, partial(_waiting, desk))
    with part():
        _own_key(desk)
    with part():
        _others_keys(desk)
    with part():
        _settled(desk)


def _waiting(desk: Desk) -> None:
    deal = desk.deal.deal_id
    cards = loading("approvals", 6, lambda: desk.ask(lambda c: c.desk_approvals(deal)))
    signing = desk.ask(lambda c: c.own_signing(deal))
    mine = [one for one in cards if one.mine]
    others = [one for one in cards if not one.mine]
    _answer(len(mine), len(others))
    for one in mine[:MOST]:
        _request(desk, one, signing)
    _more(mine, "wait for you: the oldest are shown")
    if others:
        st.markdown("#### Waiting for others")
        for one in others[:MOST]:
            _request(desk, one, signing)
        _more(others, "wait for others: the oldest are shown")


def _more(cards: Sequence[ApprovalCard], what: str) -> None:
    """Says how many there are besides those that are shown."""
    if len(cards) > MOST:
        st.caption(str(len(cards) - MOST) + " more " + what + ". `wallcross approve list` has all.")


def _answer(mine: int, others: int) -> None:
    if mine:
        one = "One request waits for your answer."
        verdict(one if mine == 1 else str(mine) + " requests wait for your answer.", "attention")
        return
    verdict("Nothing waits for your answer.", "good")
    if others:
        st.caption(
            "One waits for others." if others == 1 else str(others) + " requests wait for others."
        )


def _request(desk: Desk, one: ApprovalCard, signing: SigningView) -> None:
    request = one.request
    with card(line_of(request.changes[0] if request.changes else request.verb)):
        _lines(request.changes[1:])
        if request.sees:
            st.markdown("**Who would see what he does not see now**")
            _lines(request.sees)
        st.markdown("**Asked by** " + safe(one.asked_by) + ": " + safe(request.why))
        st.markdown("**If nobody does anything:** " + safe(request.otherwise))
        _progress(one)
        told_at("Lapses", request.expires_at)
        if one.answered:
            states.nothing("You signed for this.")
        if one.mine:
            _decide(desk, one, signing)
        if one.own:
            st.button(
                "Take it back",
                key="back-" + request.request_id,
                on_click=_take_back,
                args=(desk, request.request_id),
            )


def line_of(text: str) -> str:
    """A line of a request, its ids cut to what people tell apart by."""
    return safe(_ID.sub(r"\1", text))


def _lines(found: Sequence[str]) -> None:
    if found:
        st.markdown("\n".join("- " + line_of(line) for line in found))


def _progress(one: ApprovalCard) -> None:
    request = one.request
    signed = [safe(one.names.get(p, p)) for p in request.signed]
    line = "**Signed:** " + (", ".join(signed) if signed else "nobody yet")
    if request.missing:
        line += " · **Missing:** " + "; ".join(safe(text) for text in request.missing)
    elif request.state == "agreed":
        line += " · agreed to, and not carried out yet"
    st.markdown(line)
    may = [safe(one.names.get(p, p)) for p in request.may_agree]
    if may and not one.mine:
        st.caption("May sign: " + ", ".join(may))


def _decide(desk: Desk, one: ApprovalCard, signing: SigningView) -> None:
    request = one.request
    if signing.handles:
        said = passkey.agree(one, signing)
        if said in {"yes", "no"}:
            st.rerun()
    with st.expander("Sign with an SSH key instead", expanded=not signing.handles):
        person = signing.person or "PERSON"
        st.text("Where your key is, one of these makes your signature:")
        why = st.selectbox(
            "If you refuse, why?",
            list(REFUSALS),
            index=None,
            format_func=lambda code: REFUSALS[code].capitalize(),
            key="why-" + request.request_id,
            placeholder="Choose a reason",
        )
        texts = [("agree", request.yes), *([("refuse", request.no[why])] if why else [])]
        for said, text in texts:
            line = "printf '%s' '" + text + "' | ssh-keygen -Y sign -f KEY -n wallcross"
            st.caption("To " + said)
            st.code(line, language=None, wrap_lines=True)
        st.caption("At the host itself: `wallcross approve yes " + safe(request.request_id) + "`")
        key = "ssh-" + request.request_id
        st.text_area("What ssh-keygen wrote", key=key, height=120)
        left, right = st.columns(2)
        for column, answer, label in ((left, "yes", "Agree"), (right, "no", "Refuse")):
            column.button(
                label,
                key=answer + "-" + request.request_id,
                on_click=_hand_in,
                args=(desk, request.request_id, answer, key),
                disabled=answer == "no" and why is None,
                help="Signs as " + person + ".",
            )


def _hand_in(desk: Desk, request: str, answer: str, key: str) -> None:
    signature, deal = str(st.session_state.get(key, "")), desk.deal.deal_id
    why = None if answer == "yes" else st.session_state.get("why-" + request)
    desk.act(
        lambda c: c.desk_approval_sign(
            deal, request, "yes" if answer == "yes" else "no", signature, why
        ),
        "Your answer is on the record.",
    )


def _take_back(desk: Desk, request: str) -> None:
    deal = desk.deal.deal_id
    desk.act(
        lambda c: c.desk_approval_back(deal, request), "It is taken back. Nothing was changed."
    )


def _own_key(desk: Desk) -> None:
    """What whoever looks signs with, and the passkey that he was asked to make."""
    deal = desk.deal.deal_id
    signing = desk.ask(lambda c: c.own_signing(deal))
    if signing.person is None:
        return
    own_key(desk, signing)


def own_key(desk: Desk, signing: SigningView) -> None:
    """The card of somebody's own key, wherever it stands."""
    with card("Your own key", key="own-key"):
        for credential in signing.credentials:
            way = "Passkey" if credential.way == "passkey" else "SSH key"
            roles = " and ".join(ROLES.get(r, safe(r)) for r in credential.roles)
            st.markdown(way + " as " + roles + " · " + STATES.get(credential.state, ""))
            st.caption("Read its fingerprint to those who found the deal:")
            st.code(credential.fingerprint, language=None, wrap_lines=True)
        if signing.offer is not None:
            _offered(desk, signing)
        elif not signing.credentials:
            st.text("Nobody asked you to sign for others in this deal. There is nothing to do.")


STATES = {
    "counts": "it counts",
    "draft": "a draft, until the deal is founded",
    "out": "does not count while you are paused or have left",
}


def _offered(desk: Desk, signing: SigningView) -> None:
    if signing.offer is None:
        return
    roles = " and ".join(ROLES.get(r, safe(r)) for r in signing.offer.roles)
    st.markdown("You are asked to sign for others, as **" + roles + "**.")
    told_at("The offer ends", signing.offer.until)
    if not signing.rp_id:
        states.nothing("No page for passkeys is set up here. Ask the operator for one.")
        return
    if passkey.enrol(desk.deal.deal_id, signing) in {"listed", "waits"}:
        st.rerun()


def _others_keys(desk: Desk) -> None:
    """For whoever may let people in: whose keys count, who is asked for one, and the founding."""
    if not desk.may("add", "second", "alone"):
        return
    deal = desk.deal.deal_id
    signing = desk.ask(lambda c: c.own_signing(deal))
    listed = desk.ask(lambda c: c.approver_list(deal))
    with st.expander("Who may sign in this deal", expanded=not listed):
        if not listed:
            st.text("Nobody has a key yet. Two people are needed; three are better.")
        for one in listed:
            name, roles = safe(signing.names.get(one.person, one.person)), ", ".join(one.roles)
            st.markdown(name + " · " + safe(roles) + " · " + safe(STATES.get(one.state, one.state)))
            st.caption(safe(one.fingerprint))
        for offer in signing.offers:
            st.caption("Asked to make a key: " + safe(offer.name))
        _ask_for_key(desk)
        if not signing.founded:
            _founding(desk, len({one.person for one in listed}))


def _ask_for_key(desk: Desk) -> None:
    who = somebody(desk, "Ask somebody to make a key", "offer-who")
    st.selectbox("As", list(ROLES), format_func=lambda r: ROLES[r], key="offer-role")
    st.button(
        "Ask for a key", key="offer", disabled=who is None, on_click=_offer, args=(desk, who or "")
    )


def _offer(desk: Desk, who: str) -> None:
    deal, role = desk.deal.deal_id, str(st.session_state["offer-role"])
    desk.act(
        lambda c: c.signing_offer(deal, who, (role,)),
        "Asked. The page " + "“Approvals”" + " shows it to that person for a day.",
    )


def _founding(desk: Desk, keys: int) -> None:
    st.markdown("**The deal is not founded.** Until then one person alone adopts what counts.")
    st.button(
        "Ask everybody with a key to found it",
        key="found",
        disabled=keys < 2,  # noqa: PLR2004 - two people found a deal
        on_click=_found,
        args=(desk,),
    )


def _found(desk: Desk) -> None:
    deal = desk.deal.deal_id
    desk.act(lambda c: c.deal_found(deal), "Asked. It waits for the signature of each of them.")


def _refused(one: ApprovalCard) -> None:
    """Who ended it, and why, in words of ours."""
    by, why = one.request.refused_by, one.request.refused_why
    told = REFUSALS.get(why or "")
    if by is not None and told is not None:
        st.caption("Refused by " + safe(one.names.get(by, by)) + ": " + told + ".")


def _settled(desk: Desk) -> None:
    if not st.toggle("Show what was settled", key="settled"):
        return
    deal = desk.deal.deal_id
    cards = desk.ask(lambda c: c.desk_approvals(deal, every=True))
    done = [one for one in reversed(cards) if one.request.state in ENDED]
    if not done:
        st.text("Nothing was settled yet.")
    for one in done[:MOST]:
        _, words, icon = ENDED[one.request.state]
        with st.container(border=True):
            title = one.request.changes[0] if one.request.changes else one.request.verb
            st.markdown(":material/" + icon + ": **" + line_of(title) + "**")
            names = [safe(one.names.get(p, p)) for p in one.request.signed]
            signed = ", ".join(names) if names else "nobody"
            st.caption(words + " · signed by " + signed + " · asked by " + safe(one.asked_by))
            _refused(one)
    _more(done, "were settled: the newest are shown")
