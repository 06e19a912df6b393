"""A certificate in the place of another.

Rules kept here:

1. From the moment that a replacement is asked for nothing is sealed to the old key, and nothing to
   the new one until two people compared it with its owner: two keys of an address bar each other,
   so a new one is taken in for the address of the old one, and for no other.
2. The old one counts no more from the very ceremony that verifies the new one. A replacement that
   was a mistake ends by revoking the new key, which needs one person and leaves the old one as it
   was.
3. The renewed certificate of the same key is no replacement: what two compared is its fingerprint,
   and what hangs on it (a later expiry, a new subkey to seal to) is signed by that very key.
"""

from collections.abc import Sequence

from orchestrator.client import views
from orchestrator.client.problems import Missing, Refused
from orchestrator.command.ceremony import is_meant
from orchestrator.command.conversations import deal_of
from orchestrator.command.keys import Keys
from orchestrator.command.runtime import Runtime
from orchestrator.keys.keyring import KnownKey
from tiers.ids import ConnectorName, DealId, PersonId
from tiers.trust import KeyState

_OUT = frozenset({KeyState.REVOKED, KeyState.COMPROMISED, KeyState.SUPERSEDED})
STILL = "No key was changed."


class KeyReplacing:
    """Implements the acting half of ``orchestrator.api.port_keys_desk.KeyDeskAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def key_replace(
        self,
        deal: DealId,
        person: PersonId,
        old: str,
        channel: str | None,
        certificate: bytes,
        *,
        actor: str,
    ) -> views.KeyView:
        """Takes in what is to stand in the place of ``old``, a device name or a fingerprint.

        Raises:
            Missing: he has no such key that counts, or not on ``channel``.
            Refused: the certificate is of that very key.
        """
        owner = deal_of(self._r, deal).roster.person(person)
        if owner is None:
            raise Missing(f"{person} is not on the roster", still=STILL)
        living = (
            (account[0], key)
            for account in owner.accounts.items()
            for key in self._r.keyring.known(account)
            if key.state not in _OUT
        )
        known = [(name, key) for name, key in living if is_meant(key, old)]
        if not known:
            raise Missing(
                f"{owner.name} has no key {old} that counts",
                still=STILL,
                then=f"wallcross key show {person}",
            )
        where = _where(known, channel, owner.name)
        taken = await Keys(self._r).key_add(deal, person, where, certificate, actor=actor)
        if taken.key in {key.device.key for _, key in known}:
            raise Refused(
                "that is the same key: its certificate was taken in, and it counts as before",
                still="Nothing is to be compared.",
                then=f"wallcross key show {person}",
            )
        return taken


def _where(
    known: Sequence[tuple[ConnectorName, KnownKey]], channel: str | None, owner: str
) -> ConnectorName:
    """The old key's channel: only there does a new one bar it. Raises: Missing, Refused."""
    names = sorted({name for name, _ in known if channel in {None, name}})
    if not names:
        raise Missing(f"{owner}'s old key is on another channel than {channel}", still=STILL)
    if len(names) > 1:
        told = f"{owner} has that key on {' and '.join(names)}"
        raise Refused(told, still=STILL, then="name one of them with --channel, then the other")
    return names[0]
