"""A leave in words, for its proof and for a terminal.

Rule kept here: what was asked for is never said to be so. A step is seen at an instant, or it is
not confirmed.
"""

from collections.abc import Sequence

from orchestrator.client.leaves import HoldsView, LeaveStep, LeaveView
from orchestrator.clock import SECOND, iso

CHAIN, ENTRIES, PAGE = "audit", "leave.jsonl", "LEAVE.txt"
"""Files of the proof: the chain's export (a folder), the entries about him, the page."""


def page(code: str, leave: LeaveView) -> list[str]:
    """The proof in plain words; ``code`` is the deal's."""
    took = "not yet" if leave.took is None else f"after {leave.took / SECOND:.1f} s"
    state = {"open": "not confirmed everywhere", "gone": "gone", "undone": "undone"}[leave.state]
    return [
        f"{leave.name} ({leave.person}) left the deal {code}",
        "",
        f"Left at       {iso(leave.began_at)}, reason: {leave.reason}, by {leave.by}",
        f"State         {state}",
        f"Last seen     {_at(leave.last_seen_at)} ({took})",
        "",
        "From the first instant nothing of this deal was sent to him any more.",
        "",
        *(line for channel in _channels(leave.steps) for line in _channel(leave, channel)),
        "What he may still hold (numbers from the records of deliveries):",
        *([f"  {holds_line(h)}" for h in leave.holds] or ["  nothing: no message reached him"]),
        "",
        f"Check it: python {CHAIN}/verify_audit.py {CHAIN}",
        f"Each line of {ENTRIES} is an entry of that chain with what it commits to:",
        "sha256(salt, body) is its commitment. wallcross leave check FOLDER holds all against all.",
    ]


def _channels(steps: Sequence[LeaveStep]) -> list[str]:
    return sorted({s.channel for s in steps})


def _channel(leave: LeaveView, channel: str) -> list[str]:
    steps = [s for s in leave.steps if s.channel == channel]
    return [f"{channel}:", *(f"  {step_line(s)}" for s in steps), ""]


_WHAT = {
    "room": "out of #{}",
    "rotate": "new sending key for #{}",
    "key": "device {} never sealed to again",
    "revoke": "key of device {} withdrawn for good",
}
_STATES = {
    "not_confirmed": "requested, NOT CONFIRMED",
    "later": "when nothing can be undone any more",
    "undone": "undone",
}


def step_line(step: LeaveStep) -> str:
    """One step in words."""
    what = _WHAT[step.kind].format(step.what)
    if step.state == "seen":
        if step.why == "closed":
            return f"mailing for #{step.what} closed: nothing goes to it since {_at(step.seen_at)}"
        if step.kind == "room" and not step.was_in:
            return f"looked through #{step.what}: he was not in it, seen {_at(step.seen_at)}"
        return f"{what}: requested, seen {_at(step.seen_at)}"
    why = f" ({step.why}, {step.tries} tries)" if step.why else ""
    return f"{what}: {_STATES[step.state]}{why}"


def holds_line(found: HoldsView) -> str:
    """What reached him on one channel, of one tier, and for how long."""
    parts = [
        f"{found.delivered} delivered by us" if found.delivered else "",
        f"{found.possibly} possibly" if found.possibly else "",
        f"{found.written} written in his rooms" if found.written else "",
    ]
    counted = ", ".join(p for p in parts if p)
    return f"{found.channel}, {found.tier}: {counted}; last {_at(found.last_at)}; {_how(found)}"


def _how(found: HoldsView) -> str:
    if found.how == "timer" and found.until is not None:
        return f"his devices delete it by {_at(found.until)}, unless he kept it otherwise"
    if found.how == "copies":
        return "copies of his own, for ever"
    return "what his devices have of it, for ever"


def _at(instant: int | None) -> str:
    return "never" if instant is None else iso(instant - instant % SECOND)
