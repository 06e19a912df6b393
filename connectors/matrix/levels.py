"""Who may do what in a room that is there already: the content to put in place of what is. Pure.

Rules kept here:

1. A content is made from the one that was read, so that nothing is lost that nobody asked about.
2. From room version 12 on a creator stands above every number and must not stand among the users:
   he is taken out of whatever is put there, and no level makes him less.
3. Hardening leaves people what they are, members or admins; what lies above an admin's level is
   taken back to it, for it would open a gate. Only our own accounts stand higher.

Source: matrix-spec, rooms v11 and v12, ``m.room.power_levels``; MSC4289.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from connectors.matrix.rooms import (
    CREATORS_OUTRANK,
    OUR_LEVEL,
    OWNER_LEVEL,
    RoomRules,
    RoomState,
    hard_state,
    power_levels,
)
from connectors.port import AccountId
from connectors.port.messages import RoomSpec

LEVELS = "m.room.power_levels"
_ALIAS = "m.room.canonical_alias"
_TIMER = "m.room.retention"


def with_admin(
    state: RoomState, account: AccountId, ours: Collection[AccountId], *, admin: bool
) -> dict[str, Any] | None:
    """The levels by which an account is an admin, or one no more.

    Args:
        state: the room's.
        account: whose level.
        ours: our own accounts, which stand above the admins.
        admin: what it is to be.

    Returns:
        The content to put; None when it is so already.
    """
    if rules_the_room(state, account) is admin:
        return None
    content, users = _read(state)
    users.pop(account, None)
    if admin:
        users[account] = OUR_LEVEL if account in ours else OWNER_LEVEL
    elif _default(content) > 0:
        users[account] = 0
    return {**content, "users": users}


def rules_the_room(state: RoomState, account: AccountId) -> bool:
    """Whether an account's level is an admin's, whether or not the list of members names it."""
    return state.level(account) >= state.needed_to_change(LEVELS)


def _read(state: RoomState) -> tuple[dict[str, Any], dict[str, Any]]:
    """The levels as they are, and those of accounts, creators left out."""
    content = dict(state.content(LEVELS))
    listed = content.get("users")
    users = dict(listed) if isinstance(listed, Mapping) else {}
    for creator in state.creators():
        users.pop(creator, None)
    return content, users


def _default(content: Mapping[str, Any]) -> int:
    found = content.get("users_default", 0)
    return found if isinstance(found, int) else OWNER_LEVEL


def to_put(
    state: RoomState, spec: RoomSpec, rules: RoomRules
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The pieces of state that differ from a hardened room's, and what they are to be.

    Args:
        state: the room's.
        spec: as the room would be made; its members and owners do not count.
        rules: of the rooms that we make, with the version of this one.
    """
    wanted = dict(hard_state(spec, rules))
    wanted[LEVELS] = _levels(state, spec, rules)
    for kind in (_TIMER, _ALIAS):
        if state.content(kind):
            wanted.setdefault(kind, {})
    for kind, content in wanted.items():
        if dict(state.content(kind)) != content:
            yield kind, content


def _levels(state: RoomState, spec: RoomSpec, rules: RoomRules) -> dict[str, Any]:
    content = power_levels(spec, rules)
    ours = {rules.own, rules.standby}
    _, users = _read(state)
    kept: dict[str, Any] = {a: v for a, v in users.items() if a in ours}
    for account in users.keys() - ours:
        admin = rules_the_room(state, AccountId(account))
        kept[account] = OWNER_LEVEL if admin else _below(users[account])
    if rules.version not in CREATORS_OUTRANK:
        kept[rules.own] = max(OUR_LEVEL, state.level(rules.own))
    return {**content, "users": {a: v for a, v in kept.items() if v != 0}}


def _below(level: object) -> int:
    """The level of somebody who is no admin: below what an act takes, as it was or lower."""
    known = level if isinstance(level, int) and not isinstance(level, bool) else 0
    return min(known, OWNER_LEVEL - 1)
