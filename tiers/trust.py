"""States of a person's key or device and the one table of how they change.

Rules kept here:

1. seen -> pinned -> verified by a ceremony of two named people, out of band. A key never becomes
   more trusted by itself, and what was revoked or compromised never comes back.
2. A ceremony speaks for a span. A key whose span is over counts as pinned until two people have
   compared it again; nothing that happens by itself makes the span longer.
"""

from enum import Enum
from typing import Final

from tiers.ids import PersonId

_DAY: Final = 24 * 3600 * 1_000_000
VERIFIED_FOR: Final = 180 * _DAY
"""Microseconds for which a ceremony speaks, where the policy says nothing."""
LONGEST: Final = 366 * _DAY
"""Of any policy, where every device must be verified."""
LAPSES_SOON: Final = 14 * _DAY
"""Before its end, a ceremony that is about to lapse is a finding."""


class KeyState(Enum):
    """What we know of a key."""

    SEEN = "seen"
    PINNED = "pinned"
    VERIFIED = "verified"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    COMPROMISED = "compromised"


class KeyEvent(Enum):
    """What happened to it."""

    PIN = "pin"
    CEREMONY = "ceremony"
    REPLACED = "replaced"
    REVOKE = "revoke"
    COMPROMISE = "compromise"


_ALWAYS = {KeyEvent.REVOKE: KeyState.REVOKED, KeyEvent.COMPROMISE: KeyState.COMPROMISED}
TRANSITIONS: dict[KeyState, dict[KeyEvent, KeyState]] = {
    KeyState.SEEN: {
        KeyEvent.PIN: KeyState.PINNED,
        KeyEvent.CEREMONY: KeyState.VERIFIED,
        KeyEvent.REPLACED: KeyState.SUPERSEDED,
        **_ALWAYS,
    },
    KeyState.PINNED: {
        KeyEvent.CEREMONY: KeyState.VERIFIED,
        KeyEvent.REPLACED: KeyState.SUPERSEDED,
        **_ALWAYS,
    },
    KeyState.VERIFIED: {
        KeyEvent.CEREMONY: KeyState.VERIFIED,
        KeyEvent.REPLACED: KeyState.SUPERSEDED,
        **_ALWAYS,
    },
    KeyState.SUPERSEDED: dict(_ALWAYS),
    KeyState.REVOKED: {KeyEvent.COMPROMISE: KeyState.COMPROMISED},
    KeyState.COMPROMISED: {},
}


class NotPossible(ValueError):
    """That change of a key's state does not exist."""


def after(state: KeyState, event: KeyEvent) -> KeyState:
    """The state that ``event`` leads to.

    Raises:
        NotPossible: the table has no such change.
    """
    following = TRANSITIONS[state].get(event)
    if following is None:
        raise NotPossible(f"a {state.value} key cannot go through {event.value}")
    return following


def counts_as(state: KeyState, since: int, at: int, lasts: int) -> KeyState:
    """What a key is worth at ``at``: a ceremony that speaks no longer, or not yet, leaves a pin.

    Args:
        state: as it was written last.
        since: when, microseconds UTC.
        at: now, microseconds UTC.
        lasts: for how long a ceremony speaks, microseconds.
    """
    if state is KeyState.VERIFIED and not since <= at < since + lasts:
        return KeyState.PINNED
    return state


def lapses_soon(state: KeyState, since: int, at: int, lasts: int) -> bool:
    """Whether two people must compare a verified key again within 14 days, or had to."""
    return state is KeyState.VERIFIED and at >= since + lasts - LAPSES_SOON


def check_ceremony(owner: PersonId, one: PersonId, other: PersonId) -> None:
    """Refuses a ceremony that is not held by two people who differ and do not own the key alone.

    Args:
        owner: whose key it is.
        one: the first who compared, out of band.
        other: the second.

    Raises:
        NotPossible: fewer than two different people, or the owner is one of them.
    """
    if one == other:
        raise NotPossible("a ceremony takes two different people")
    if owner in {one, other}:
        raise NotPossible("the owner of a key cannot vouch for it")
