"""Overview: does anything need me, and is everything else where it should be."""

from collections.abc import Mapping
from itertools import groupby
from typing import Final

import streamlit as st

from dashboard.desk import Desk, live
from dashboard.safe import safe
from dashboard.widgets import charts, go, states
from dashboard.widgets import desk_words as words
from dashboard.widgets.base import TIERS, instant, verdict
from dashboard.widgets.loading import loading
from dashboard.widgets.spans import some, span, whole_days
from dashboard.widgets.times import tooltip
from orchestrator.client.overview import Item, Overview, TierCard
from orchestrator.client.risk import RiskView, ScoreView
from orchestrator.client.views import Happening

LOOK_EVERY_S: Final = 5.0
RISK_EVERY_S: Final = 30.0
MOST_LINES: Final = 6


def page(desk: Desk) -> None:
    """Verdict, tiers, leak risk and what happened just now."""
    _head(desk)
    live(LOOK_EVERY_S, lambda: _first(desk))
    if desk.power("findings")[0] != "all":
        live(LOOK_EVERY_S, lambda: _just_now(_ask(desk)))
        return
    left, right = st.columns([1.6, 1], gap="medium")
    with left:
        live(RISK_EVERY_S, lambda: _risk(desk))
    with right:
        live(LOOK_EVERY_S, lambda: _just_now(_ask(desk)))


def _ask(desk: Desk) -> Overview:
    return desk.ask(lambda client: client.deal_overview(desk.deal.deal_id))


def _head(desk: Desk) -> None:
    """The deal's code name, its phase, and the two acts that are asked for most."""
    found = loading("overview", 3, lambda: _ask(desk), cards=4)
    when = words.PHASES.get(found.phase, safe(found.phase))
    if found.signing_at is not None and found.signing_at > found.at:
        days = whole_days(found.signing_at, found.at)
        when += " · signing " + ("today" if days == 0 else "in " + some(days, "day", "days"))
    name, acts = st.columns([1.7, 1], vertical_alignment="bottom")
    with name:
        st.caption(when.upper())
        st.title("Project " + safe(desk.deal.code.capitalize()), anchor=False)
    with acts, st.container(horizontal=True, horizontal_alignment="right"):
        if desk.may("add", "second", "alone", "ask"):
            go.button("people", "Add a person", name="add", icon="person_add")
        if desk.may("remove", "alone"):
            go.button("people", "Someone is leaving", name="leave", icon="logout", first=True)


def _first(desk: Desk) -> None:
    """The verdict with what needs this person, and the tiers."""
    found = _ask(desk)
    with st.container(border=True, key="verdict"):
        _verdict(found)
        _items(found)
    if found.tiers:
        st.subheader("Where the conversations happen", anchor=False)
        _tiers(found.tiers)


def _verdict(found: Overview) -> None:
    clear = found.verdict.state == "clear"
    said, how = st.columns([1.6, 1], vertical_alignment="center")
    with said:
        verdict(words.verdict_words(found.verdict), "good" if clear else "attention")
    with how, st.container(horizontal=True, horizontal_alignment="right"):
        when = found.verdict.oldest_at
        st.caption(words.checked_words(found), help=None if when is None else tooltip(when))
    if found.verdict.state != "unknown":
        return
    st.markdown(words.unknown_words(found.verdict))
    for name, since in found.verdict.since.items():
        states.down(name, "a while" if since is None else span(found.at - since))
    if found.verdict.needs:
        st.markdown(words.meanwhile_words(found.verdict))


def _items(found: Overview) -> None:
    if not found.items:
        return
    for column, item in zip(st.columns(len(found.items)), found.items, strict=True):
        with column, st.container(border=True, height="stretch", key="item-" + item.subject):
            _item(item, found.at)
    rest = found.verdict.needs - len(found.items)
    if rest > 0:
        st.caption("And " + some(rest, "more thing", "more things") + ", on the other pages.")


def _item(item: Item, at: int) -> None:
    """What happened, what we already did, and the one button for what is left."""
    what, done, why = words.item_lines(item)
    said = "**" + words.item_title(item) + "**"
    st.markdown(said + ("  \n" + what if what else ""))
    if why:
        st.caption("Why: " + why + ".")
    if done:
        st.markdown(":green[:material/verified_user:] " + done)
    if item.until is not None:
        ends = "Lapses in " if item.kind == "approval" else "Goes to the next person in "
        late = "It lapsed." if item.kind == "approval" else "It is past its deadline."
        st.caption(ends + span(item.until - at) + "." if item.until > at else late)
    go.button(item.page, words.item_left(item), name="item-go-" + item.subject, first=True)


def _tiers(cards: tuple[TierCard, ...]) -> None:
    for column, card in zip(st.columns(len(cards)), cards, strict=True):
        with column, st.container(border=True, height="stretch", key="tier-" + card.tier):
            _tier(card)


def _tier(card: TierCard) -> None:
    colour, icon, title = TIERS[card.tier]
    head = ":" + colour + "[:material/" + icon + ":] **" + title + "**"
    st.markdown(head + "  \n:gray[" + words.channel_words(card) + "]")
    if card.today is not None:
        figure, days = st.columns([1, 1.5], vertical_alignment="bottom")
        with figure:
            st.metric("this week" if card.tier == "advisers" else "today", card.today)
        with days:
            if any(card.days):
                charts.spark(card.days, card.tier, "spark-" + card.tier)
    lines = [
        ":material/group: " + _people(card),
        ":material/shield: " + words.rule_words(card),
        *(":material/visibility: " + words.MODES.get(mode, safe(mode)) for mode in card.modes),
    ]
    st.markdown("  \n".join(lines))


def _people(card: TierCard) -> str:
    if card.people is None:
        return "You are in it"
    people = some(card.people, "person", "people")
    if card.conversations is None:
        return people
    return people + " · " + some(card.conversations, "conversation", "conversations")


def _risk(desk: Desk) -> None:
    """Leak risk now and over 30 days."""
    found = desk.ask(lambda client: client.risk_show(desk.deal.deal_id))
    if found.score is None:
        return
    with st.container(border=True, key="risk"):
        st.markdown("**Leak risk, last 30 days**")
        if found.stale and found.looked_at is not None:
            states.unknown(charts.ago(found.looked_at, found.at))
        elif found.stale:
            st.markdown(":orange[:material/help:] The rules have not run since the start.")
        if not found.stale:
            st.markdown(_stands(found.score))
            _month(found)
        go.way("leak_risk", "See what it is made of")


def _stands(score: ScoreView) -> str:
    """The score, and what it falls to where anything is open."""
    falls = " " + words.falls_words(score) if score.parts else ""
    return words.risk_words(score) + falls


def _month(found: RiskView) -> None:
    score = found.score
    points = [(day.at, day.total) for day in found.history]
    if score is None or not any(total for _, total in points):
        return  # no empty chart
    top = max(total for _, total in points)
    alt = "Leak risk is " + str(score.total) + " now; it was " + str(top) + " at most in 30 days. "
    charts.month(points, score.act_at, alt + "You act from " + str(score.act_at) + ".", "month")


def _just_now(found: Overview) -> None:
    """What happened last, newest first, without content."""
    with st.container(border=True, key="just-now"):
        st.markdown("**Just now** :gray[live]")
        if not found.just_now:
            st.caption("Nothing happened yet.")
        for one in _grouped(found.just_now)[:MOST_LINES]:
            _line(one, found.names)


def _grouped(found: tuple[Happening, ...]) -> list[tuple[Happening, int]]:
    """The same again is told once, with how often."""
    runs = (list(run) for _, run in groupby(found, key=_same))
    return [(run[0], len(run)) for run in runs]


def _same(one: Happening) -> tuple[str, str, str | None, str]:
    return one.kind, one.subject, one.conversation, one.reason


def _line(one: tuple[Happening, int], names: Mapping[str, str]) -> None:
    found, times = one
    icon, colour, title, rest = words.happened(found, names)
    mine = instant(found.at)[0].rpartition(", ")[2][:5]
    often = "" if times == 1 else " \N{MULTIPLICATION SIGN} " + str(times)
    mark = ":" + colour + "[:material/" + icon + ":] **" + title + "**" + often
    st.markdown(
        mark + " :gray[" + mine + "]" + ("  \n" + rest if rest else ""), help=tooltip(found.at)
    )
