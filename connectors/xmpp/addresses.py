"""Addresses of XMPP as we compare them: bare, and of one spelling. Pure.

Rules kept here:

1. Two spellings of one address are one account: names are compared by case mapping as the server
   does (RFC 7613), so that nobody counts twice or slips past a list.
2. A room is an address at the configured service and nothing else; what is no such address is
   never dialled.
"""

import re

from slixmpp import JID, InvalidJID

from connectors.port import AccountId, RoomId

HOST = re.compile(r"^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$")
ADDRESS = re.compile(r"^[^@/\s\"&'<>:]{1,1023}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$")


def domain_of(account: str) -> str:
    """The domain of an address."""
    return account.rpartition("@")[2].lower()


def bare(address: str | None) -> AccountId | None:
    """The account behind an address, its resource left out; None where it is no address."""
    try:
        jid = JID(address or "")
    except InvalidJID:
        return None
    return AccountId(jid.bare) if jid.local and jid.domain else None


def is_account(account: str) -> bool:
    """Whether this is a bare address, spelt as the server spells it."""
    return bool(ADDRESS.fullmatch(account)) and bare(account) == account


def is_room(room: str, service: str) -> bool:
    """Whether this is a room of a service.

    Args:
        room: as somebody named it.
        service: the configured service.
    """
    return is_account(room) and domain_of(room) == service.lower()


def split(full: str | None) -> tuple[RoomId, str] | None:
    """Room and nickname of an occupant's address; None where it is none. No nick: the room."""
    try:
        jid = JID(full or "")
    except InvalidJID:
        return None
    return (RoomId(jid.bare), jid.resource) if jid.local else None
