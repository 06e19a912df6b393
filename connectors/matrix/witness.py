"""Who is shown to be in a room by other things than its lists of members.

A homeserver can show each client another list. What it then shows elsewhere gives it away: events
of somebody who is in no list, and devices of somebody who is in none of our rooms, for a
homeserver tells of the devices of those alone with whom we share a room.

Rules kept here:

1. Nothing here lets anybody in: who is doubted is asked about by name, and counts as a reader
   unless the homeserver says that he left.
2. What is known is of this process's life: it is a further look, and no list.

What is never shown to us at all cannot be seen by us; but nothing is sealed to it either.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from connectors.port import AccountId

_MEMBER = "m.room.member"
_GONE = {"leave", "ban"}


class Witness:
    """What the stream of events showed of who is where."""

    def __init__(self) -> None:
        self._shown: dict[str, set[AccountId]] = defaultdict(set)
        self._sharing: set[AccountId] = set()
        self._listed: dict[str, frozenset[AccountId]] = {}
        self._cleared: set[tuple[str, AccountId]] = set()

    def event(self, room: str, raw: Mapping[str, Any]) -> None:
        """Takes in an event of a timeline, in its order."""
        sender = AccountId(str(raw.get("sender", "")))
        self._shown[room].add(sender)
        if raw.get("type") != _MEMBER:
            return
        account, content = AccountId(str(raw.get("state_key", ""))), raw.get("content")
        membership = content.get("membership") if isinstance(content, Mapping) else None
        if membership == "join":
            self._shown[room].add(account)
        elif membership in _GONE or account == sender:
            self._shown[room].discard(account)

    def devices(self, changed: Iterable[AccountId], left: Iterable[AccountId]) -> None:
        """Takes in whose devices the homeserver tells us of, and whose no more."""
        new = set(changed)
        self._cleared -= {(room, account) for room, account in self._cleared if account in new}
        self._sharing |= new
        self._sharing -= set(left)

    def doubts(self, room: str, listed: frozenset[AccountId]) -> frozenset[AccountId]:
        """Who may be in a room although its lists do not name him.

        Args:
            room: the room.
            listed: everybody whom its lists name.
        """
        self._listed[room] = listed
        homeless = self._sharing.difference(*self._listed.values())
        asked = {account for where, account in self._cleared if where == room}
        return frozenset((self._shown[room] | (homeless - asked)) - listed - {AccountId("")})

    def cleared(self, room: str, account: AccountId) -> None:
        """The homeserver says that he is not in this room."""
        self._shown[room].discard(account)
        self._cleared.add((room, account))
