"""How a plan reads: one line for each act, then one sentence of counts."""

from collections.abc import Iterator

from orchestrator.client.plans import ActLine, DoneLine, PlanView

_SIGNS = {"remove": "-", "invite": "+"}
_WHY = {
    "unknown": "in the room, on no list",
    "not_cleared": "in the room, not cleared for it",
    "wall": "in the room, and a wall stands between",
    "side": "in the room, of another side",
    "no_seat": "in the room, has his seat elsewhere or none",
    "paused": "in the room, paused",
    "cleared": "on the list, not in the room",
    "named": "named for it, not in the room",
    "standby": "our account that stands by is not in the room",
    "admin": "may change the room, and should not",
    "not_admin": "should be able to change the room",
    "removed": "the next message is sealed anew",
    "device": "a device that nobody verified",
    "no_human_admin": "nobody but our account may change the room",
    "members": "the members could not be read",
    "settings": "the settings are not as demanded, or could not be read",
    "incomplete": "the list of members is not whole",
    "needs_a_room": "needs a room of his own: conv room add",
    "no_account": "has no account on its channels",
}
_HELD = {
    "cap": "waits: no more of this room in one run",
    "first_seen": "waits: first seen just now; plan again",
    "last_owner": "waits: the last person who may change the room",
    "protected": "stays: an account of ours",
    "paused": "stays while he is paused",
    "incomplete": "waits: the list of members is not whole",
    "stale": "waits: the list of members could not be read afresh",
    "not_offered": "by hand: the channel cannot be asked for it",
}
_DONE = {
    "remove": "seen gone",
    "invite": "seen asked in",
    "demote": "seen: admin no more",
    "promote": "seen: admin",
    "harden": "seen: set as demanded",
    "rotate": "thrown away",
}
_SECOND = 1_000_000


def plan_lines(found: PlanView, kept_in: str | None) -> Iterator[str]:
    """A plan for people."""
    for act in (*found.acts, *found.held, *found.left):
        yield f"  {_line(act)}"
    out = sum(a.kind == "remove" for a in found.acts)
    into = sum(a.kind == "invite" for a in found.acts)
    other = len(found.acts) - out - into
    yield (
        f"Plan {found.hash[:8]}: {out} to remove, {into} to add, {other} more to put right, "
        f"{len(found.held)} waiting, {len(found.left)} for people. "
        f"{found.right} as they should be."
    )
    if found.unread:
        yield f"{found.unread} rooms could not be read: nothing is concluded of them."
    if found.acts:
        yield f"Nothing was changed. Next: wallcross apply {kept_in or found.hash[:8]}"


def _line(act: ActLine) -> str:
    sign = _SIGNS.get(act.kind, "*")
    why = _WHY.get(act.because, act.because.replace("_", " "))
    waits = "" if act.held is None else f" ({_HELD.get(act.held, act.held)})"
    return f"{sign} {_who(act):<24} #{act.conversation:<18} {act.channel:<8} {why}{waits}"


def done_line(done: DoneLine) -> str:
    """What became of one act, for people."""
    act = done.act
    if done.why == "so_already":
        became = "so already"
    elif done.outcome == "seen":
        became = f"{_DONE[act.kind]} after {done.took_us / _SECOND:.1f} s"
    elif done.outcome == "not_confirmed":
        became = f"requested, not confirmed ({done.why})"
    else:
        became = f"not done ({done.why})"
    return f"{act.kind:<8} {_who(act):<24} #{act.conversation:<18} {act.channel:<8} {became}"


def _who(act: ActLine) -> str:
    return act.name or act.account or "the room"
