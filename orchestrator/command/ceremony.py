"""A ceremony: whose keys two people compared, what they sign for, and which keys it speaks for.

Rules kept here:

1. A ceremony names what was compared. Where the words are given, it speaks for the one key that
   reads so; a key that nobody compared stays as it is.
2. In a founded deal the two who compared sign, and nobody else: two names that one person typed
   open nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.port.words import is_read_as
from orchestrator.approvals.plan import Plan
from orchestrator.approvals.requests import standing
from orchestrator.audit.body import Json, named
from orchestrator.client.problems import Missing, Refused
from orchestrator.deals.callback import CALL_BACK
from orchestrator.keys.keyring import Account, KnownKey
from orchestrator.store.unit import Tx
from tiers.approval import Rule
from tiers.ids import DealId, PersonId
from tiers.people import Person
from tiers.trust import KeyState, check_ceremony, lapses_soon

Found = tuple[Account, KnownKey]
CEREMONY = "key.verify"


@dataclass(frozen=True, slots=True)
class Ceremony:
    """Whose keys two people compared, and which of his count no more from it on."""

    person: PersonId
    by: tuple[PersonId, PersonId]
    keys: tuple[Found, ...]
    replaced: tuple[Found, ...]

    def plan(self) -> Plan:
        """What the two sign for."""
        body: dict[str, Json] = {
            "person": self.person,
            "by": list(self.by),
            "keys": [fact_of(found) for found in self.keys],
            "replaced": [fact_of(found) for found in self.replaced],
        }
        return Plan(CEREMONY, body)


def fact_of(found: Found) -> dict[str, Json]:
    """A key as the plan of its ceremony names it."""
    (name, account), known = found
    device = {"device": named(known.device.device), "key": named(known.device.key)}
    return {"channel": name, "account": named(account), **device}


def two_who_compared(tx: Tx, deal: DealId, held: Ceremony) -> Rule:
    """The signatures that a ceremony takes: of the two who compared, and of nobody else.

    Raises:
        Refused: one of them has no key enrolled; NotPossible: they are no two others.
    """
    check_ceremony(held.person, *held.by)
    signing = {credential.person for credential in standing(tx, deal).signing.values()}
    without = [person for person in held.by if person not in signing]
    if without:
        raise Refused(
            f"who compared signs for it here, and {', '.join(without)} has no key enrolled",
            still="No key was changed.",
            then="name two who have: wallcross approver list",
        )
    return Rule(barred=frozenset(signing - set(held.by) | {held.person}))


def wants(known: KnownKey, at: int, lasts: int) -> bool:
    """Whether a ceremony has something to say of a key: it has none yet, or that lapses soon."""
    return known.state is not KeyState.VERIFIED or lapses_soon(known.state, known.at, at, lasts)


def compared_of(
    living: Sequence[Found], compared: Sequence[str] | None, words: str | None, person: PersonId
) -> Sequence[Found]:
    """The keys that a ceremony speaks for.

    Raises:
        Refused: what was compared is no present key of that person.
    """
    if words is not None:
        read = [found for found in living if is_read_as(found[1].device.key, words)]
        if not read:
            raise Refused(
                "no present key of that person reads so: somebody may stand between you",
                still="No key was changed.",
                then=f"wallcross person devices {person}; {CALL_BACK}",
            )
        return read
    wanted = None if compared is None else frozenset(compared)
    if (wanted or frozenset()) - {known.device.key for _, known in living}:
        raise Refused(
            "a compared key belongs to no present device of that person",
            still="No key was changed.",
            then=f"wallcross key list {person}",
        )
    return [found for found in living if wanted is None or found[1].device.key in wanted]


def is_meant(known: KnownKey, name: str) -> bool:
    """Whether somebody who wrote ``name`` means this key: its device, or its fingerprint."""
    device, meant = known.device, "".join(name.split()).lower()
    return name == device.device or meant in {device.device.lower(), device.key.lower()}


def replaced_of(living: Sequence[Found], device: str | None, owner: Person) -> Sequence[Found]:
    """What a ceremony takes out, by device or fingerprint. Raises: Missing: he has no such key."""
    if device is None:
        return ()
    old = [found for found in living if is_meant(found[1], device)]
    if not old:
        raise Missing(
            f"{owner.name} has no device {device} that counts",
            still="No key was changed.",
            then=f"wallcross person devices {owner.person_id}",
        )
    return old
