"""Leak risk: what could get out, what it is made of, and what closes it."""

from collections.abc import Mapping
from typing import Final

import streamlit as st

from dashboard.desk import Desk
from dashboard.safe import plain, safe
from dashboard.widgets import charts, states
from dashboard.widgets.base import instant, verdict
from dashboard.widgets.desk_words import (
    PROVE_FIRST,
    TAKES,
    TAKES_LONG,
    falls_words,
    prove_words,
    risk_words,
)
from dashboard.widgets.loading import loading
from dashboard.widgets.spans import listed, some
from orchestrator.client.problems import Problem
from orchestrator.client.risk import (
    AnswerView,
    FindingAnsweredView,
    FindingView,
    RiskView,
    ScoreView,
)

VIEWS: Final = ("Needs you", "Waits for others", "All")
DAYS: Final = 14
MOST_CAUSES: Final = 5
MOST_CARDS: Final = 25
MOST_CHARS: Final = 20_000
SEVERITIES: Final[Mapping[str, tuple[str, str]]] = {
    "critical": ("red", "Critical"),
    "high": ("red", "High"),
    "medium": ("orange", "Medium"),
    "low": ("gray", "Low"),
}
ROLES: Final[Mapping[str, str]] = {
    "subject": "whoever it is about",
    "owner": "the deal owner",
    "security_officer": "the security officer",
    "counsel": "counsel",
    "operator": "the operator",
}
_SHOWN: Final = "leak_risk.shown"
_VIEW: Final = "leak_risk.view"


def page(desk: Desk) -> None:
    """Score, causes and findings."""
    deal = desk.deal.deal_id
    found = loading("leak_risk", 2, lambda: desk.ask(lambda c: c.risk_show(deal)), cards=2)
    needs = [f for f in found.findings if f.needs_you]
    _answer(found, len(needs))
    if found.score is not None and found.stale:
        _last_known(found.score)
    elif found.score is not None:
        _score(found, found.score)
    _findings(desk, found)


def _last_known(score: ScoreView) -> None:
    """What was open when the rules ran last: a sum, and never that all is quiet."""
    if score.total:
        st.markdown("At least **" + str(score.total) + "** points were open then.")
        _parts(score)


def _answer(found: RiskView, needs: int) -> None:
    """The page's first line, and how it is known."""
    if found.stale:
        old = "The rules have not run since the start."
        if found.looked_at is not None:
            old = "Last known " + charts.ago(found.looked_at, found.at) + "."
        verdict("We cannot tell right now.", "attention", old)
        return
    looked = "Not looked at yet."
    if found.looked_at is not None:
        looked = "Looked at " + charts.ago(found.looked_at, found.at) + "."
    said = safe(found.says) if found.score is None else risk_words(found.score)
    verdict(said, "attention" if needs else "good", looked)


def _score(found: RiskView, score: ScoreView) -> None:
    left, right = st.columns([1, 2.1], gap="medium")
    with left, st.container(border=True, height="stretch", key="score"):
        alt = "Leak risk is " + str(score.total) + ". " + plain(score.meaning)
        charts.gauge(score.total, score.act_at, score.level, alt, "gauge")
        st.markdown(falls_words(score))
        who, what = str(score.members), str(score.messages)
        st.markdown(
            ":material/group: **" + who + "** who could read :gray[people, devices, keys]  \n"
            ":material/description: **" + what + "** what could be read :gray[texts, rooms]"
        )
    with right, st.container(border=True, height="stretch", key="moved"):
        st.markdown("**What moved it**")
        _causes(found)
        _parts(score)


def _causes(found: RiskView) -> None:
    """The causes of each day, stacked; the smallest are told together."""
    days = found.history[-DAYS:]
    sums: dict[str, int] = {}
    for day in days:
        for rule, points in day.causes.items():
            sums[rule] = sums.get(rule, 0) + points
    dearest = sorted(sums, key=lambda rule: (-sums[rule], rule))
    named, rest = dearest[:MOST_CAUSES], dearest[MOST_CAUSES:]
    series = [
        (plain(found.titles.get(rule, rule)), [day.causes.get(rule, 0) for day in days])
        for rule in named
    ]
    if rest:
        others = [sum(day.causes.get(rule, 0) for rule in rest) for day in days]
        series.append(("Everything else", others))
    if not series:
        states.nothing("Nothing could get out that we know of, in " + str(DAYS) + " days.")
        return
    top = series[0][0]
    alt = "In " + some(len(days), "day", "days") + " most of it came from this: " + top + "."
    charts.causes([day.at for day in days], series, alt, "causes")


def _parts(score: ScoreView) -> None:
    """The sum, part by part: they add up."""
    if not score.parts:
        return
    count = some(len(score.parts), "part adds", "parts add")
    with st.expander(count + " up to " + str(score.total)):
        for part in score.parts:
            where = "" if part.conversation_name is None else " in " + safe(part.conversation_name)
            times = "" if part.count == 1 else " \N{MULTIPLICATION SIGN} " + str(part.count)
            known = " (accepted for now)" if part.silent else ""
            points = "**" + str(part.points) + "** "
            st.markdown(points + safe(part.title) + times + where + known)


def _findings(desk: Desk, found: RiskView) -> None:
    head, pick = st.columns([1, 1.4], vertical_alignment="center")
    with head:
        st.subheader("Findings", anchor=False)
    with pick, st.container(horizontal=True, horizontal_alignment="right"):
        chosen = st.segmented_control(
            "Which findings", VIEWS, default=VIEWS[0], key=_VIEW, label_visibility="collapsed"
        )
    shown = _chosen(found, chosen or VIEWS[-1])
    if not shown:
        _none(found, chosen or VIEWS[-1])
    for one in shown[:MOST_CARDS]:
        with st.container(border=True, key="finding-" + one.finding_id):
            _card(desk, found, one)
    if len(shown) > MOST_CARDS:
        st.caption("The first " + str(MOST_CARDS) + " of " + str(len(shown)) + " are shown.")


def _chosen(found: RiskView, view: str) -> list[FindingView]:
    if view == VIEWS[0]:
        return [f for f in found.findings if f.needs_you]
    if view == VIEWS[1]:
        return [f for f in found.findings if not f.needs_you]
    return list(found.findings)


def _none(found: RiskView, view: str) -> None:
    if found.stale:
        st.caption("Nothing is listed, and nothing was looked at lately.")
    elif view == VIEWS[0] and found.findings:
        states.nothing("None of them needs you.")
    elif found.open:
        st.caption(some(found.open, "finding is", "findings are") + " open and not for you to see.")
    else:
        states.nothing("No finding is open.")


def _card(desk: Desk, found: RiskView, one: FindingView) -> None:
    what, why = st.columns([2.4, 1], gap="large")
    with what:
        st.markdown("#### " + safe(one.title))
        st.markdown(_marks(one))
        _about(one)
        _answers(desk, one)
        _outcome(desk, one)
    with why:
        _weight(found, one)


def _marks(one: FindingView) -> str:
    """Whose it is, how grave, where and since when."""
    colour, word = SEVERITIES[one.severity]
    mine = ":orange-badge[:material/back_hand: Needs you]" if one.needs_you else _others(one)
    grave = ":" + colour + "-badge[" + word + "]"
    talk = None if one.conversation_name is None else "#" + one.conversation_name
    where = [talk, one.channel, one.person_name]
    named = " · ".join(safe(name) for name in where if name)
    since = instant(one.first_seen)[0]
    return mine + " " + grave + " :gray[" + " · ".join(p for p in (since, named) if p) + "]"


def _others(one: FindingView) -> str:
    if one.accepted is not None:
        return ":gray-badge[:material/schedule: Accepted for now]"
    return ":gray-badge[:material/hourglass: Waits for " + _whose(one) + "]"


def _whose(one: FindingView) -> str:
    return safe(one.owner_name) if one.owner_name else ROLES.get(one.owner_role, "somebody")


def _about(one: FindingView) -> None:
    """Why we think so, and the fact that closes it."""
    for reason in one.reasons[:3]:
        st.markdown(safe(reason[:1].upper() + reason[1:]) + ".")
    if one.accepted is not None:
        until = instant(one.accepted.until)[0]
        st.markdown("Accepted until " + until + ": " + safe(one.accepted.because))
    st.markdown(":material/arrow_forward: **It closes when " + safe(one.closes) + ".**")


def _weight(found: RiskView, one: FindingView) -> None:
    st.markdown("**What it weighs**")
    total = found.score.total if found.score is not None else 0
    figure = "Who could read" if one.figure == "members" else "What could be read"
    if total and one.points:
        share = min(1.0, one.points / total)
        st.progress(share, text=str(one.points) + " of " + str(total) + " points")
    elif one.points:
        st.markdown(some(one.points, "point", "points"))
    st.caption(figure + (". It says that something is not known." if one.unknown else "."))


def _answers(desk: Desk, one: FindingView) -> None:
    """One to three answers, the first of them the card's one button."""
    offered = [answer for answer in one.answers if answer.may][:3]
    proved = [plain(answer.title) for answer in one.answers if answer.prove]
    if proved:
        st.caption(prove_words(proved))
    with st.container(horizontal=True, key="answers-" + one.finding_id):
        for answer in offered:
            _answer_button(desk, one, answer)
        if proved:
            st.link_button(PROVE_FIRST, "/in?again")
        _ask_to_see(desk, one)
    barred = [plain(a.title) for a in one.answers if not (a.may or a.prove)]
    if not (offered or proved) and barred:
        st.caption("Others can settle it: " + safe(listed(barred)) + ".")


def _answer_button(desk: Desk, one: FindingView, answer: AnswerView) -> None:
    key = "answer-" + one.finding_id + "-" + answer.answer
    if not answer.takes:
        st.button(
            plain(answer.title),
            key=key,
            type="primary" if answer.primary else "secondary",
            on_click=_do,
            args=(desk, one.finding_id, answer.answer, ()),
        )
        return
    with st.popover(plain(answer.title)):
        for name in answer.takes:
            _taken(name, key + "-" + name)
        st.button(
            plain(answer.title),
            key=key,
            type="primary",
            on_click=_do,
            args=(desk, one.finding_id, answer.answer, answer.takes),
        )


def _taken(name: str, key: str) -> None:
    """A field for what an answer takes; what is handed in whole gets room."""
    if name in TAKES_LONG:
        st.text_area(TAKES_LONG[name], key=key, max_chars=MOST_CHARS, height=160)
    else:
        st.text_input(TAKES.get(name, plain(name)), key=key, max_chars=200)


def _do(desk: Desk, finding: str, answer: str, takes: tuple[str, ...]) -> None:
    """Does one answer; what it came to is shown on its card."""
    key = "answer-" + finding + "-" + answer
    given = {name: str(st.session_state.get(key + "-" + name, "")).strip() for name in takes}
    _answered(desk, finding, answer, {name: value for name, value in given.items() if value})


def _answered(desk: Desk, finding: str, answer: str, arguments: Mapping[str, str]) -> None:
    deal = desk.deal.deal_id
    try:
        came = desk.ask(lambda client: client.finding_answer(deal, finding, answer, arguments))
    except Problem as problem:
        st.session_state[_SHOWN] = (finding, problem)
    else:
        st.session_state[_SHOWN] = (finding, came)


def _outcome(desk: Desk, one: FindingView) -> None:
    """What the last answer to this finding came to."""
    kept = st.session_state.get(_SHOWN)
    if not isinstance(kept, tuple) or kept[0] != one.finding_id:
        return
    came = kept[1]
    if isinstance(came, Problem):
        states.failed(came)
    elif isinstance(came, FindingAnsweredView):
        _came(desk, one, came)


def _came(desk: Desk, one: FindingView, came: FindingAnsweredView) -> None:
    for line in came.done:
        st.markdown(":green[:material/check_circle:] " + safe(line))
    for line in came.shown:
        st.markdown("- " + safe(line))
    if came.plan is not None:
        st.button(
            "Put it right",
            key="agree-" + one.finding_id,
            type="primary",
            on_click=_answered,
            args=(desk, one.finding_id, came.answer, {"plan": came.plan}),
        )
    if came.closed:
        st.markdown(":green[:material/check_circle:] It is closed.")
    elif came.then:
        st.caption("What is left: " + safe(came.then))


def _ask_to_see(desk: Desk, one: FindingView) -> None:
    """Asks two people to let him read the held message that a finding is about."""
    message = next((a.arguments["message"] for a in one.answers if "message" in a.arguments), None)
    if message is None or desk.power("held") not in {("all", "second"), ("all", "alone")}:
        return
    deal = desk.deal.deal_id
    st.button(
        "Ask to see the message",
        key="see-" + one.finding_id,
        on_click=_asked_to_see,
        args=(desk, deal, message),
        help="Two other people agree. It is shown to you once, for a minute. Its author is told.",
    )


def _asked_to_see(desk: Desk, deal: str, message: str) -> None:
    desk.act(
        lambda client: client.held_reveal_ask(deal, message),
        "Asked. Two other people must agree; you read it under Held.",
    )
