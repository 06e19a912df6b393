"""A certificate in the place of another.

Rules kept here:

1. From the moment that a replacement is asked for nothing is sealed to the old key, and nothing to
   the new one until two people compared it with its owner: two keys of an address bar each other.
2. The old one counts no more from the very ceremony that verifies the new one. A replacement that
   was a mistake ends by revoking the new key, which needs one person and leaves the old one as it
   was.
3. The renewed certificate of the same key is no replacement: what two compared is its fingerprint,
   and what hangs on it (a later expiry, a new subkey to seal to) is signed by that very key.
"""

from orchestrator.client import views
from orchestrator.client.problems import Missing, Refused
from orchestrator.command.conversations import deal_of
from orchestrator.command.keys import Keys
from orchestrator.command.runtime import Runtime
from tiers.ids import DealId, PersonId
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
            Missing: he has no such key that counts.
            Refused: the certificate is of that very key.
        """
        owner = deal_of(self._r, deal).roster.person(person)
        if owner is None:
            raise Missing(f"{person} is not on the roster", still=STILL)
        meant = "".join(old.split()).lower()
        living = (
            key.device
            for account in owner.accounts.items()
            for key in self._r.keyring.known(account)
            if key.state not in _OUT
        )
        known = [d for d in living if meant in {d.device.lower(), d.key.lower()}]
        if not known:
            raise Missing(
                f"{owner.name} has no key {old} that counts",
                still=STILL,
                then=f"wallcross key show {person}",
            )
        taken = await Keys(self._r).key_add(deal, person, channel, certificate, actor=actor)
        if taken.key in {device.key for device in known}:
            raise Refused(
                "that is the same key: its certificate was taken in, and it counts as before",
                still="Nothing is to be compared.",
                then=f"wallcross key show {person}",
            )
        return taken
