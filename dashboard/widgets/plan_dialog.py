"""Put it right: a plan shown whole, carried out as it was shown, and what became of each act.

Rules kept here:

1. What is carried out has the hash that was shown. Where the world has moved since, nothing is.
2. What was asked of a channel is *asked* until it was read back.
3. A plan is begun here and carried out by the API: the page follows it, and stops nothing by going.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import streamlit as st

from dashboard.desk import Desk, live
from dashboard.safe import safe
from dashboard.widgets import states
from orchestrator.client.plans import ActLine, DoneLine, PlanRunView, PlanView
from orchestrator.client.problems import Problem, Refused, SignInFirst

PLAN, DONE, WHY_NOT = "people.plan", "people.plan.done", "people.plan.not"
RUN: Final = "people.plan.run"
_EVERY_S: Final = 1.0
AWAY: Final = frozenset({"remove", "demote", "harden", "rotate"})
_SHOWN: Final = 12
_NAMED: Final = 3
_VERBS: Final = {
    "remove": ("remove_circle_outline", "red", "leaves"),
    "demote": ("remove_moderator", "red", "may no longer change"),
    "harden": ("lock", "blue", "is set as its tier demands:"),
    "rotate": ("key", "blue", "gets a new sending key:"),
    "invite": ("add_circle_outline", "blue", "joins"),
    "promote": ("add_moderator", "blue", "may change"),
}
_HELD: Final = {
    "cap": "three people at most leave a room in one run; run this again after",
    "first_seen": "was first seen just now; it goes with the next look",
    "paused": "is paused",
    "last_owner": "is the last person who may change the room",
    "channel_paused": "the channel is paused",
    "incomplete": "the list of members is not whole",
    "stale": "the list of members is too old",
    "not_offered": "the channel cannot be asked for it",
}
_LEFT: Final = {
    "unverified": "a phone was not compared yet: call first",
    "bot_demoted": "our account may not change the room: an admin makes it one again",
    "sole_admin_bot": "nobody but us may change the room: make one of its people an admin",
    "unseated": "has no account on its channels yet",
    "unread": "could not be read",
}


def open_plan(desk: Desk) -> None:
    """Reads every room and keeps the plan for the dialog; for a button's ``on_click``."""
    for name in (RUN, DONE, WHY_NOT):
        st.session_state.pop(name, None)
    try:
        st.session_state[PLAN] = desk.ask(lambda c: c.plan(desk.deal.deal_id))
    except SignInFirst:
        return
    except Problem as problem:
        st.session_state[WHY_NOT] = problem


def is_open() -> bool:
    """Whether the dialog is to be shown."""
    return any(name in st.session_state for name in (PLAN, RUN, WHY_NOT, DONE))


def close() -> None:
    """Closes it."""
    for name in (PLAN, RUN, DONE, WHY_NOT):
        st.session_state.pop(name, None)


@st.dialog("Put it right", width="medium", icon=":material/fact_check:", on_dismiss=close)
def plan_dialog(desk: Desk) -> None:
    """Shows the plan, or what became of it."""
    if not is_open():
        st.rerun()  # a button of it closed it
    if (problem := st.session_state.get(WHY_NOT)) is not None:
        states.failed(problem)
    if (done := st.session_state.get(DONE)) is not None:
        _over(done)
    elif (run := st.session_state.get(RUN)) is not None:
        live(_EVERY_S, lambda: _follow(desk, run))
    elif (plan := st.session_state.get(PLAN)) is not None:
        _plan(desk, plan)


def _plan(desk: Desk, plan: PlanView) -> None:
    away = [a for a in plan.acts if a.kind in AWAY]
    lets = [a for a in plan.acts if a.kind not in AWAY]
    if not plan.acts:
        states.nothing("Nothing can be put right from here just now.")
    if away:
        st.markdown("**Now** :gray[makes it safer]")
        _lines(away)
    if lets:
        st.markdown("**And lets in** :gray[whom the list in force already names]")
        _lines(lets)
    _waits(plan)
    if plan.acts:
        st.caption("Exactly this plan runs: " + safe(plan.hash[:_SHOWN]) + ".")
        with st.container(horizontal=True, horizontal_alignment="right"):
            st.button("Not now", key="people.plan.no", on_click=close, type="tertiary")
            st.button(
                _label(away, lets),
                key="people.plan.yes",
                type="primary",
                on_click=_apply,
                args=(desk, plan),
            )


def _label(away: Sequence[ActLine], lets: Sequence[ActLine]) -> str:
    out = sum(a.kind == "remove" for a in away)
    joins = sum(a.kind == "invite" for a in lets)
    said = ["Remove " + str(out) + " now"] if out else []
    said += [("let in " if out else "Let in ") + str(joins)] if joins else []
    return ", ".join(said) or "Put it right"


def _lines(acts: Iterable[ActLine]) -> None:
    each = list(acts)
    turned = [act for act in each if act.kind == "rotate"]
    for act in (act for act in each if act.kind != "rotate"):
        icon, colour, verb = _VERBS.get(act.kind, ("help", "gray", safe(act.kind)))
        mark = ":" + colour + "[:material/" + icon + ":] "
        st.markdown(mark + _about(act, verb))
    if turned:
        said = ":blue[:material/key:] New sending keys for what follows :gray["
        st.markdown(said + _some([_where(act) for act in turned]) + "]")


def _about(act: ActLine, verb: str) -> str:
    where = "**" + safe(act.conversation) + "** :gray[" + safe(act.channel) + "]"
    if act.kind in {"harden", "rotate"}:
        what = " " + safe(act.because.replace("_", " ")) if act.kind == "harden" else ""
        return where + " " + verb.rstrip(":") + what
    return safe(act.name or act.account or "Somebody") + " " + verb + " " + where


def _waits(plan: PlanView) -> None:
    """What is not done now, one line for each person and reason."""
    if plan.held or plan.left or plan.unread:
        st.markdown("**Waits, or needs a person**")
    found: dict[tuple[str, str], list[str]] = {}
    for act in plan.held:
        found.setdefault((_who(act), _HELD.get(act.held or "", "waits")), []).append(_where(act))
    for act in plan.left:
        found.setdefault((_who(act), _LEFT.get(act.kind, "needs a person")), []).append(_where(act))
    for (who, why), where in found.items():
        st.markdown("- " + (who + ": " if who else "") + why + " :gray[" + _some(where) + "]")
    if plan.unread:
        unread = str(plan.unread)
        st.markdown("- Rooms that could not be read: " + unread + ". We say nothing there.")


def _who(act: ActLine) -> str:
    return "**" + safe(act.name or act.account) + "**" if act.name or act.account else ""


def _where(act: ActLine) -> str:
    return safe(act.conversation)


def _some(where: Sequence[str]) -> str:
    named = list(dict.fromkeys(where))
    more = " and " + str(len(named) - _NAMED) + " more" if len(named) > _NAMED else ""
    return ", ".join(named[:_NAMED]) + more


def _apply(desk: Desk, plan: PlanView) -> None:
    deal = desk.deal.deal_id
    try:
        st.session_state[RUN] = desk.ask(lambda c: c.plan_start(deal, plan.hash)).hash
    except SignInFirst:
        return
    except Problem as problem:
        st.session_state[WHY_NOT] = problem
    st.session_state.pop(PLAN, None)


def _follow(desk: Desk, plan: str) -> None:
    """How far it is; at its end the dialog says what became of it."""
    run = desk.ask(lambda c: c.plan_run(desk.deal.deal_id, plan))
    if run.state != "running":
        st.session_state.pop(RUN, None)
        st.session_state[DONE] = run
        st.rerun()
    seen = sum(line.outcome == "seen" for line in run.lines)
    if run.lines:
        states.partly(seen, run.total, "", "The rest is asked for. Not yet confirmed.")
    else:
        st.markdown(":orange[:material/pending:] **We read every room again first.**")
    for line in run.lines:
        st.markdown("- " + _became(line))
    st.caption("This goes on when you close it.")


def _over(run: PlanRunView) -> None:
    if run.state == "refused":
        states.failed(Refused(run.wrong, still="Nothing was done.", details=run.details))
    elif run.state == "broken":
        seen = sum(line.outcome == "seen" for line in run.lines)
        states.partly(seen, run.total, "Then it was broken off.", "We look again by ourselves.")
    else:
        _done(run.lines)
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button("Close", key="people.plan.close", on_click=close)


def _done(lines: Sequence[DoneLine]) -> None:
    seen = [line for line in lines if line.outcome == "seen"]
    rest = [line for line in lines if line.outcome != "seen"]
    if rest:
        states.partly(len(seen), len(lines), "", "We look again by ourselves.")
    else:
        states.nothing("Done. Each of it was read back.")
    for line in lines:
        st.markdown("- " + _became(line))


def _became(line: DoneLine) -> str:
    _, _, verb = _VERBS.get(line.act.kind, ("", "", "is changed in"))
    about = _about(line.act, verb)
    if line.outcome == "seen":
        return about + ": seen" + _after(line.took_us) + "."
    if line.outcome == "not_confirmed":
        return about + ": asked, not yet confirmed."
    return about + ": not done (" + safe((line.why or "refused").replace("_", " ")) + ")."


def _after(took_us: int) -> str:
    tenths = round(took_us / 100_000)
    return f" after {tenths / 10:.1f} s" if tenths else " at once"
