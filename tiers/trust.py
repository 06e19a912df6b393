"""States of a person's key or device and the one table of how they change.

Rule kept here: seen -> pinned -> verified by a ceremony of two named people, out of band. A key
never becomes more trusted by itself, and what was revoked or compromised never comes back.
"""

from enum import Enum

from tiers.ids import PersonId


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
    KeyState.VERIFIED: {KeyEvent.REPLACED: KeyState.SUPERSEDED, **_ALWAYS},
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
