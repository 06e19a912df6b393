"""A roster as the one document that is adopted: canonical JSON with a hash.

Rules kept here: the same roster gives the same bytes (RFC 8785, one order), and a document that is
not in that form is not read: what the hash names is exactly what acts.
"""

import hashlib
import json
from functools import lru_cache
from typing import Any

import rfc8785

from orchestrator.config.mistakes import Mistake
from orchestrator.roster import form
from orchestrator.roster.read import RosterInvalid
from orchestrator.roster.walls import breaches
from tiers.ids import AccountId, CompartmentId, ConnectorName, PersonId, SideId
from tiers.people import (
    Delegation,
    Grant,
    Party,
    Person,
    Phase,
    Phases,
    Profile,
    Roster,
    Side,
    Span,
    Wall,
)
from tiers.tier import Tier

VERSION = 2
KEPT = 4
"""Rosters that were read lately and need not be read again: the same document is the same value."""


def to_document(roster: Roster) -> str:
    """The canonical document of a roster."""
    ordered = form.in_order(roster)
    return rfc8785.dumps(
        {
            "version": VERSION,
            "host": str(ordered.host),
            "sides": [_side(s) for s in ordered.sides],
            "people": [_person(p) for p in ordered.people],
            "grants": [_grant(g) for g in ordered.grants],
            "walls": [_wall(w) for w in ordered.walls],
            "delegations": [_delegation(d) for d in ordered.delegations],
        }
    ).decode()


@lru_cache(maxsize=KEPT)
def from_document(document: str) -> Roster:
    """The roster of a canonical document.

    Raises:
        RosterInvalid: it is no roster, not canonical, or breaches one of its own walls.
    """
    try:
        data = json.loads(document)
        if (version := data["version"]) != VERSION:
            raise _invalid(f"it is of version {version}, and this program reads {VERSION}")
        roster = _roster(data)
        canonical = to_document(roster)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _invalid(f"it is no roster ({type(error).__name__})") from None
    if canonical != document:
        raise _invalid("it is not in canonical form")
    if breach := next(breaches(roster), None):
        raise _invalid(f"{breach.path()}, across a wall")
    return roster


def document_hash(document: str) -> str:
    """The sha256 of a canonical document, in hexadecimal."""
    return hashlib.sha256(document.encode()).hexdigest()


def _invalid(wrong: str) -> RosterInvalid:
    remedy = "Import it from CSV with: wallcross roster import"
    return RosterInvalid("roster", [Mistake("document", wrong, remedy)])


def _side(side: Side) -> dict[str, Any]:
    return {
        "side": str(side.side_id),
        "name": side.name,
        "party": side.party.value,
        "notice": side.notice,
        "control_room": [str(p) for p in side.control_room],
    }


def _person(person: Person) -> dict[str, Any]:
    return {
        "person": str(person.person_id),
        "name": person.name,
        "side": str(person.side),
        "role": person.role,
        "profile": person.profile.value,
        "accounts": {str(name): str(account) for name, account in person.accounts.items()},
    }


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "person": str(grant.person_id),
        "compartment": str(grant.compartment),
        "highest": grant.highest.value,
        "phases": form.in_words(grant.phases),
        **_span(grant.span),
    }


def _wall(wall: Wall) -> dict[str, Any]:
    return {
        "one": str(wall.one),
        "other": str(wall.other),
        "phases": form.in_words(wall.phases),
        **_span(wall.span),
    }


def _delegation(lent: Delegation) -> dict[str, Any]:
    return {
        "principal": str(lent.principal),
        "delegate": str(lent.delegate),
        "highest": lent.highest.value,
        **_span(lent.span),
    }


def _span(span: Span) -> dict[str, Any]:
    return {"from": span.start, "until": span.end}


def _roster(data: dict[str, Any]) -> Roster:
    return Roster(
        host=SideId(data["host"]),
        sides=tuple(_read_side(s) for s in data["sides"]),
        people=tuple(_read_person(p) for p in data["people"]),
        grants=tuple(_read_grant(g) for g in data["grants"]),
        walls=tuple(_read_wall(w) for w in data["walls"]),
        delegations=tuple(_read_delegation(d) for d in data["delegations"]),
    )


def _read_side(data: dict[str, Any]) -> Side:
    room = tuple(PersonId(p) for p in data["control_room"])
    notice = data["notice"]
    if notice is not None and not form.is_notice(notice):
        raise ValueError("a notice that cannot be shown")
    return Side(SideId(data["side"]), data["name"], Party(data["party"]), notice, room)


def _read_grant(data: dict[str, Any]) -> Grant:
    person, compartment = PersonId(data["person"]), CompartmentId(data["compartment"])
    return Grant(person, compartment, Tier(data["highest"]), _read_span(data), _phases(data))


def _read_wall(data: dict[str, Any]) -> Wall:
    one, other = CompartmentId(data["one"]), CompartmentId(data["other"])
    return Wall(one, other, _read_span(data), _phases(data))


def _read_delegation(data: dict[str, Any]) -> Delegation:
    principal, delegate = PersonId(data["principal"]), PersonId(data["delegate"])
    return Delegation(principal, delegate, Tier(data["highest"]), _read_span(data))


def _read_span(data: dict[str, Any]) -> Span:
    return Span(data["from"], data["until"])


def _phases(data: dict[str, Any]) -> Phases:
    named = data["phases"]
    return None if named is None else frozenset(Phase(p) for p in named)


def _read_person(data: dict[str, Any]) -> Person:
    accounts = {ConnectorName(n): AccountId(a) for n, a in data["accounts"].items()}
    return Person(
        PersonId(data["person"]),
        data["name"],
        SideId(data["side"]),
        data["role"],
        Profile(data["profile"]),
        accounts,
    )
