"""How somebody stands, as one code: whether he is here, may read, and whose phone must be called.

Rule kept here: what is worst is told. A new device is told before an old one that was compared.
"""

from orchestrator.client.memberships import Identity
from orchestrator.clock import DAY
from orchestrator.deals.book import DealView
from orchestrator.deals.crossing import NEVER, Stand, stand
from orchestrator.keys.keyring import Keyring
from tiers.people import Person
from tiers.trust import KeyState

SOON = 14 * DAY
CALL: frozenset[Identity] = frozenset({"new_phone", "call_due"})
"""Whose phone must be called."""
_STANDS: dict[Stand, Identity] = {
    Stand.TO_AGREE: "to_agree",
    Stand.TO_CROSS: "to_cross",
    Stand.CROSSED: "to_acknowledge",
    Stand.CLEANSED: "cleansed",
}


def identity(
    deal: DealView,
    person: Person,
    keyring: Keyring,
    at: int,
    lasts: int,
    *,
    inside: bool,
    compared: bool,
) -> Identity:
    """How a person stands at ``at``.

    Args:
        deal: in force.
        person: on its roster.
        keyring: states of keys.
        at: microseconds UTC.
        lasts: for how long a ceremony speaks, microseconds.
        inside: he is in a room still, or that is not known.
        compared: he is to be where every device must have been compared; elsewhere the first
            devices of an account are enough.
    """
    if person.person_id in deal.persons.left:
        return "leaving" if inside else "left"
    if person.person_id in deal.persons.paused:
        return "paused"
    crossing = deal.persons.crossings.get(person.person_id, NEVER)
    stands = stand(crossing, deal.demands[person.side]) if person.side in deal.demands else None
    if stands in _STANDS:
        return _STANDS[stands]
    return _of_keys(person, keyring, at, lasts, compared=compared)


def _of_keys(person: Person, keyring: Keyring, at: int, lasts: int, *, compared: bool) -> Identity:
    if not person.accounts:
        return "no_account"
    states, soon = set(), False
    for account in person.accounts.items():
        for known in keyring.worth(account, at, lasts):
            states.add(known.state)
            verified = known.state is KeyState.VERIFIED
            soon = soon or (verified and known.at + lasts - at <= SOON)
    if KeyState.SEEN in states:
        return "new_phone"
    if KeyState.PINNED in states:
        return "call_due" if compared else "known"
    if KeyState.VERIFIED not in states:
        return "no_device"
    return "lapses" if soon else "verified"
