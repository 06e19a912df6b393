"""A room's state: what we ask for when making one, and what is found when reading it back. Pure.

Rules kept here:

1. A room is hardened in the very call that makes it; there is no instant in which it is open.
2. What is found counts, never what was asked for. ``m.room.retention`` proves an intention only.
3. In room version 12 the creator outranks everyone and must not stand among ``users``; in 11 we
   stand there above the owners. So an owner can invite and redact, but neither demote us nor, in
   a gated room, post: nobody may lower a level that is above his own.

Source: matrix-spec, rooms v11 and v12, ``m.room.power_levels``; MSC4289; MSC1763 (retention).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.matrix.devices import MEGOLM, Members
from connectors.port import AccountId, Evidence, Guarantee, Holding, Source
from connectors.port.capabilities import Undo
from connectors.port.messages import RoomSpec

OWNER_LEVEL = 100
GATE_LEVEL = 150
OUR_LEVEL = 200  # in version 11; from 12 on the creator is above every number
_ABOVE_ALL = 2**53
_MS = 1000
_WEEK_MS = 7 * 24 * 3600 * 1000
CREATORS_OUTRANK = {"12"}
_STATE_AT_OWNER = (
    "m.room.encryption",
    "m.room.guest_access",
    "m.room.history_visibility",
    "m.room.join_rules",
    "m.room.power_levels",
    "m.room.retention",
    "m.room.server_acl",
    "m.room.tombstone",
)
MOST_INVITED_AT_ONCE = 10
"""Synapse refuses a longer list with its usual limits (rc_invites, burst of 10)."""


@dataclass(frozen=True, slots=True)
class RoomRules:
    """What settings say about the rooms that we make.

    Attributes:
        version: room version.
        federate: other homeservers may take part.
        servers: with ``federate``, the only ones besides our own; empty for any.
        own: our account.
        standby: a second account of ours; None without one.
    """

    version: str
    federate: bool
    servers: Sequence[str]
    own: AccountId
    standby: AccountId | None = None


def create_request(spec: RoomSpec, rules: RoomRules) -> dict[str, Any]:
    """Body of the one call that makes a room.

    Source: matrix-spec, POST /createRoom.
    """
    invite = sorted((spec.members | spec.owners | _stands_by(spec, rules)) - {rules.own})
    return {
        "visibility": "private",
        "preset": "private_chat",
        "room_version": rules.version,
        "name": spec.name,
        "is_direct": spec.direct,
        "invite": invite,
        "creation_content": _creation(spec, rules),
        "initial_state": [_state(kind, c) for kind, c in hard_state(spec, rules)],
        "power_level_content_override": power_levels(spec, rules),
    }


def _stands_by(spec: RoomSpec, rules: RoomRules) -> frozenset[AccountId]:
    """The account that stands by; a private line has none."""
    return frozenset() if rules.standby is None or spec.direct else frozenset({rules.standby})


def _creation(spec: RoomSpec, rules: RoomRules) -> dict[str, Any]:
    """From version 12 on only a creator can do all that we can, so that he can go on without us."""
    content: dict[str, Any] = {"m.federate": rules.federate}
    standby = sorted(_stands_by(spec, rules))
    if standby and rules.version in CREATORS_OUTRANK:
        content["additional_creators"] = standby
    return content


def _state(kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": kind, "state_key": "", "content": dict(content)}


def hard_state(spec: RoomSpec, rules: RoomRules) -> Iterable[tuple[str, dict[str, Any]]]:
    """The pieces of state of a hardened room, but for who may do what."""
    yield (
        "m.room.encryption",
        {"algorithm": MEGOLM, "rotation_period_msgs": 100, "rotation_period_ms": _WEEK_MS},
    )
    yield "m.room.join_rules", {"join_rule": "invite"}
    yield "m.room.history_visibility", {"history_visibility": "joined"}
    yield "m.room.guest_access", {"guest_access": "forbidden"}
    if spec.timer is not None:
        yield "m.room.retention", {"max_lifetime": max(1, spec.timer // _MS)}
    allowed = _servers(rules)
    if allowed:
        yield (
            "m.room.server_acl",
            {"allow": allowed, "deny": [], "allow_ip_literals": False},
        )


def _servers(rules: RoomRules) -> list[str]:
    """Servers let in. None where nobody else can come, or where the list would shut us out."""
    own = rules.own.partition(":")[2]
    literal = own.startswith("[") or own.split(":", maxsplit=1)[0].replace(".", "").isdecimal()
    if not rules.federate or not rules.servers or literal:
        return []
    return sorted({own.split(":", maxsplit=1)[0], *rules.servers})


def power_levels(spec: RoomSpec, rules: RoomRules) -> dict[str, Any]:
    """Who may do what in a room of ours."""
    users = dict.fromkeys(sorted(spec.owners - {rules.own}), OWNER_LEVEL)
    if rules.version not in CREATORS_OUTRANK:
        users |= dict.fromkeys(sorted({rules.own, *_stands_by(spec, rules)}), OUR_LEVEL)
    return {
        "users": users,
        "users_default": 0,
        "events": dict.fromkeys(_STATE_AT_OWNER, OWNER_LEVEL),
        "events_default": GATE_LEVEL if spec.gate else 0,
        "state_default": OWNER_LEVEL,
        "invite": OWNER_LEVEL,
        "kick": OWNER_LEVEL,
        "ban": OWNER_LEVEL,
        "redact": OWNER_LEVEL,
        "notifications": {"room": OWNER_LEVEL},
    }


class RoomState:
    """The current state of a room as the homeserver tells it.

    Args:
        events: state events (``GET /rooms/{id}/state``).
    """

    def __init__(self, events: Iterable[Mapping[str, Any]]) -> None:
        self._events = {(str(e.get("type")), str(e.get("state_key", ""))): e for e in events}

    def content(self, kind: str) -> Mapping[str, Any]:
        """Content of a piece of state; empty when there is none."""
        found = self._events.get((kind, ""), {}).get("content")
        return found if isinstance(found, Mapping) else {}

    def members(self) -> Members:
        """Who is in and who is asked in."""
        return members_of(e for (kind, _), e in self._events.items() if kind == "m.room.member")

    @property
    def version(self) -> str:
        """The room's version."""
        return str(self.content("m.room.create").get("room_version", "1"))

    def creators(self) -> frozenset[str]:
        """Accounts that outrank every level, by the room's version."""
        create = self._events.get(("m.room.create", ""), {})
        content = self.content("m.room.create")
        if self.version not in CREATORS_OUTRANK:
            return frozenset()
        more = content.get("additional_creators")
        others = [a for a in more if isinstance(a, str)] if isinstance(more, list) else []
        return frozenset([str(create.get("sender", "")), *others])

    def level(self, account: str) -> int:
        """Power level of an account."""
        if account in self.creators():
            return _ABOVE_ALL
        levels = self.content("m.room.power_levels")
        if not levels:  # then the creator has 100 and everybody else 0
            sender = self._events.get(("m.room.create", ""), {}).get("sender")
            return OWNER_LEVEL if account == sender else 0
        users = levels.get("users")
        of_users = users if isinstance(users, Mapping) else {}
        return _number(of_users.get(account), _number(levels.get("users_default"), 0))

    def needed(self, act: str, default: int) -> int:
        """Level that an act (``invite``, ``redact`` …) takes."""
        return _number(self.content("m.room.power_levels").get(act), default)

    def needed_to_change(self, kind: str) -> int:
        """Level that changing a piece of state takes."""
        return _number(self._of_events().get(kind), self.needed("state_default", 50))

    def least_to_post(self) -> int:
        """The lowest level with which anything at all can be posted."""
        default = self.needed("events_default", 0)
        state = {kind for kind, _ in self._events} | set(_STATE_AT_OWNER)
        special = [_number(v, default) for k, v in self._of_events().items() if k not in state]
        return min([default, *special])

    def _of_events(self) -> Mapping[str, Any]:
        events = self.content("m.room.power_levels").get("events")
        return events if isinstance(events, Mapping) else {}

    def admins(self) -> frozenset[AccountId]:
        """Members, asked in included, who can change the room's levels."""
        needed = self.needed_to_change("m.room.power_levels")
        return frozenset(a for a in self.members().everybody if self.level(a) >= needed)


def members_of(events: Iterable[Mapping[str, Any]]) -> Members:
    """Who is in and who is asked in, from member events."""
    by_state: dict[object, set[AccountId]] = {"join": set(), "invite": set()}
    for event in events:
        content = event.get("content")
        membership = content.get("membership") if isinstance(content, Mapping) else None
        if isinstance(membership, str) and membership in by_state:
            by_state[membership].add(AccountId(str(event.get("state_key"))))
    return Members(frozenset(by_state["join"]), frozenset(by_state["invite"]))


def _number(value: object, default: int) -> int:
    """A power level; room versions before 10 also allowed digits in a string."""
    if isinstance(value, bool):
        return default
    if isinstance(value, int):
        return value
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if text.lstrip("+-").isdecimal() else default


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was read of a room.

    Attributes:
        state: its state.
        listed: it stands in the homeserver's public directory.
        aliases: addresses that lead to it.
        secure: we reach the homeserver by TLS; else by loopback only.
        own: our account.
        at: when, microseconds UTC.
    """

    state: RoomState
    listed: bool
    aliases: bool
    secure: bool
    own: AccountId
    at: int


def holdings(found: Reading) -> tuple[Holding, ...]:
    """The guarantees that a room holds, as read back.

    ``ENCRYPTED_IN_TRANSIT`` is shown by cryptography when TLS carries our connection. On loopback
    nothing leaves this machine before it is sealed, and that is the server's machine's word: it
    is verified, said by the server. ``TIMER`` is only ever requested here: that the homeserver
    deletes is for a person to attest.
    """
    held = [g for g, holds in _checks(found).items() if holds]
    carrier = Source.CRYPTOGRAPHY if found.secure else Source.SERVER
    said = {Guarantee.ENCRYPTED_IN_TRANSIT: carrier}
    result = [
        Holding(g, Evidence.VERIFIED, said.get(g, Source.SERVER), found.at)
        for g in (Guarantee.ENCRYPTED_IN_TRANSIT, *held)
    ]
    timer = found.state.content("m.room.retention").get("max_lifetime")
    if isinstance(timer, int) and not isinstance(timer, bool) and timer > 0:
        value = timer * _MS
        asked = Holding(Guarantee.TIMER, Evidence.REQUESTED, Source.SERVER, found.at, value)
        result.append(asked)
    return tuple(result)


def _checks(found: Reading) -> dict[Guarantee, bool]:
    state = found.state
    invited_by_admins = state.needed("invite", 0) >= state.needed_to_change("m.room.power_levels")
    visible = state.content("m.room.history_visibility").get("history_visibility")
    return {
        Guarantee.END_TO_END_ENCRYPTED: (
            state.content("m.room.encryption").get("algorithm") == MEGOLM
        ),
        Guarantee.INVITE_ONLY: (
            state.content("m.room.join_rules").get("join_rule") == "invite"
            and state.content("m.room.guest_access").get("guest_access") == "forbidden"
            and invited_by_admins
        ),
        Guarantee.NO_PUBLIC_LINK: not found.listed and not found.aliases,
        Guarantee.MEMBERS_READABLE: found.own in state.members().joined,
        Guarantee.HISTORY_HIDDEN: visible == "joined",
    }


def gated(state: RoomState, own: AccountId, standby: AccountId | None = None) -> bool:
    """Whether nobody but our account, and the one that stands by for it, can post."""
    needed = state.least_to_post()
    others = state.members().everybody - {own, standby}
    return state.level(own) >= needed and all(state.level(a) < needed for a in others)


def undo(state: RoomState, own: AccountId) -> Undo:
    """Whose messages our account can take back."""
    level = state.level(own)
    sends = _number(
        state._of_events().get("m.room.redaction"),  # noqa: SLF001 (same module)
        state.needed("events_default", 0),
    )
    if level < sends:
        return Undo.NONE
    return Undo.ANYBODY if level >= state.needed("redact", 50) else Undo.OWN


def has_aliases(state: RoomState, listed: object) -> bool:
    """Whether an address leads to the room, by its state or by the homeserver's directory."""
    canonical = state.content("m.room.canonical_alias")
    return bool(listed or canonical.get("alias") or canonical.get("alt_aliases"))
