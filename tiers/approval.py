"""Who may agree to what: rules of approvals as values, without keys, clocks or tables.

Rules kept here:

1. Whoever asked never agrees, nor does anybody who gains by it.
2. People who share a directory subject, a login, a device or a key are one person: they count
   once, and what bars one of them bars all.
3. Two agree. One is enough only where the law names who it is (a bank's control room), and for a
   release in a signing window, where a known person asked for it (``tiers.signing``).
4. What opens VALUATION to somebody has, among those who agree, one of the other party, or counsel.
5. What has lapsed is agreed to by nobody, and a signed no ends it.
6. Duties that check each other are not given to one person.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from tiers.ids import PersonId
from tiers.people import Party
from tiers.quorum import Quorum


class Role(Enum):
    """What a person was enrolled for."""

    APPROVER = "approver"
    COUNSEL = "counsel"
    CONTROL_ROOM = "control_room"
    OWNER = "owner"
    SECURITY_OFFICER = "security_officer"


FOUNDERS = 2
"""People without whom a deal is not founded."""
CONFLICTS = frozenset(
    {
        frozenset({Role.OWNER, Role.COUNSEL}),
        frozenset({Role.OWNER, Role.SECURITY_OFFICER}),  # who presses on, and who guards
        frozenset({Role.SECURITY_OFFICER, Role.COUNSEL}),  # counsel reads what the guard did
    }
    | {frozenset({Role.CONTROL_ROOM, role}) for role in Role if role is not Role.CONTROL_ROOM}
)
"""Pairs of duties of which one checks the other."""
_ALONE = frozenset({Role.CONTROL_ROOM})


@dataclass(frozen=True, slots=True)
class Approver:
    """A person who may sign.

    Attributes:
        roles: what he was enrolled for.
        party: the party that his side serves; None where nobody said.
        ties: opaque names of what a person may share with another: subject, login, device, key.
    """

    person: PersonId
    roles: frozenset[Role]
    party: Party | None
    ties: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """What it takes to agree to one plan.

    Attributes:
        needed: how many different people sign, whoever asked not among them.
        barred: people whose agreement does not count: those who gain.
        valuation_raise: it opens VALUATION to somebody.
        gaining: the parties of those to whom it does; none named: only counsel will do.
        roles: only people of these roles count; none named: any role.
        people: only these people count; none named: anybody.
        window: the signing window under which one is enough (``tiers.signing``); None: none.

    Raises:
        ValueError: fewer than two, not of the control room alone, and no window is named.
    """

    needed: int = 2
    barred: frozenset[PersonId] = frozenset()
    valuation_raise: bool = False
    gaining: frozenset[Party] = frozenset()
    roles: frozenset[Role] = frozenset()
    people: frozenset[PersonId] = frozenset()
    window: str | None = None

    def __post_init__(self) -> None:
        alone = self.roles == _ALONE or self.window is not None
        if self.needed < 1 or (self.needed < FOUNDERS and not alone):
            raise ValueError("what gives access takes two people")


def one_person(approvers: Iterable[Approver]) -> dict[PersonId, PersonId]:
    """By person, the one who stands for all that share a tie with him, however long the chain."""
    known = sorted(approvers, key=lambda a: a.person)
    first = {a.person: a.person for a in known}
    holder: dict[str, PersonId] = {}
    changed = True
    while changed:
        changed = False
        for approver in known:
            ties = approver.ties
            seen = [holder[t] for t in ties if t in holder]
            least = min((first[approver.person], *seen))
            holder.update(dict.fromkeys(ties, least))
            changed = changed or least != first[approver.person]
            first[approver.person] = least
    return first


def counted(
    rule: Rule,
    known: Iterable[Approver],
    yes: frozenset[PersonId],
    *,
    asker: PersonId | None = None,
    asker_ties: frozenset[str] = frozenset(),
) -> tuple[Approver, ...]:
    """Those whose agreement counts, one for each person, in the order of their ids.

    Args:
        rule: what it takes.
        known: everybody who may sign now.
        yes: who signed.
        asker: who asked, where it was a person.
        asker_ties: what whoever asked is known by besides.
    """
    people = tuple(known)
    first = one_person(people)
    out = {
        first[a.person]
        for a in people
        if a.person in rule.barred or a.person == asker or a.ties & asker_ties
    }
    found: dict[PersonId, Approver] = {}
    for approver in sorted(people, key=lambda a: (first[a.person], not _vouches(a), a.person)):
        one = first[approver.person]
        fits = not rule.roles or approver.roles & rule.roles
        listed = not rule.people or approver.person in rule.people
        if approver.person in yes and fits and listed and one not in out:
            found.setdefault(one, approver)
    return tuple(found.values())


def missing(rule: Rule, counting: Iterable[Approver]) -> tuple[str, ...]:
    """What is still missing, in words; nothing once it is agreed to."""
    people = tuple(counting)
    quorum = Quorum(rule.needed, rule.barred, frozenset(a.person for a in people), 1)
    told = []
    if quorum.missing:
        more = "one more person" if quorum.missing == 1 else f"{quorum.missing} more people"
        told.append(f"{more} must sign")
    if rule.valuation_raise and not _vouched(rule, people):
        told.append("one of those who sign must be of the other party, or counsel")
    return tuple(told)


def met(rule: Rule, counting: Iterable[Approver], *, expires_at: int, at: int) -> bool:
    """Whether enough of the right people agreed, in time.

    Args:
        rule: what it takes.
        counting: as ``counted`` gives them.
        expires_at: microseconds UTC; at and after it nothing is met.
        at: now, microseconds UTC.
    """
    return at < expires_at and not missing(rule, counting)


def refuse_roles(
    person: PersonId, wanted: frozenset[Role], held: Mapping[PersonId, frozenset[Role]]
) -> str | None:
    """Why a person may not be given roles beside those he has; None where he may.

    Args:
        person: who.
        wanted: the new roles.
        held: what everybody holds who counts as the same person, himself included.
    """
    together = wanted.union(*held.values()) if held else wanted
    for pair in sorted(CONFLICTS, key=lambda p: sorted(r.value for r in p)):
        if pair <= together and wanted & pair:
            one, other = sorted(r.value.replace("_", " ") for r in pair)
            return f"{person} would be both {one} and {other}, and one of them checks the other"
    return None


def _vouches(approver: Approver) -> bool:
    return Role.COUNSEL in approver.roles


def _vouched(rule: Rule, people: tuple[Approver, ...]) -> bool:
    if any(_vouches(a) for a in people):
        return True
    of = {a.party for a in people if a.party is not None}
    return bool(rule.gaining) and all(of - {party} for party in rule.gaining)
