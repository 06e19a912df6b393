"""One key in full, what lapses soon, and the replacement of a certificate.

Rules kept here: as for ``orchestrator.client.views``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.client.views import KeyView
from orchestrator.client.wire import Wire, deal_path, part


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCard:
    """A key with everything that is known of it.

    Attributes:
        key: the key, its fingerprint as its network shows it, its state and who vouched.
        name: of its owner.
        ends_at: when its network can seal nothing to its owner any more, microseconds UTC; 0: it
            cannot now, None: never, or nobody foresees it.
        seats: conversations in whose rooms its owner was read back on that channel: what he reads
            there depends on it.
        standing: whether it counts now: nothing is sealed to a key that does not.
    """

    key: KeyView
    name: str
    ends_at: int | None
    seats: tuple[str, ...]
    standing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapse:
    """Something that ends by time alone.

    Attributes:
        kind: ``certificate``, ``comparison`` (two compared it too long ago), ``attestation`` (of a
            room, or whose an account is), ``credential`` (a bot's token) or ``own key``.
        person: whose it is; None: the home's own, or a bot's.
        name: of that person, or what it is.
        what: which one.
        ends_at: microseconds UTC; 0: it cannot be used now.
        then: the command that renews it.
    """

    kind: str
    person: str | None
    name: str
    what: str
    ends_at: int
    then: str


class KeysDeskApi(Wire):
    """Calls of ``orchestrator.api.keys_desk``."""

    async def key_show(self, deal: str, key: str) -> Sequence[KeyCard]:
        """Every key of a person, or the one of that fingerprint or device name."""
        return await self._get(list[KeyCard], f"{deal_path(deal)}/keys/{part(key)}")

    async def key_lapsing(self, deal: str, days: int) -> Sequence[Lapse]:
        """What lapses within so many days, first what ends first."""
        return await self._get(list[Lapse], f"{deal_path(deal)}/lapsing", {"days": str(days)})

    async def key_replace(
        self, deal: str, person: str, old: str, armour: str, channel: str | None = None
    ) -> KeyView:
        """Takes in the certificate that is to stand in the place of another."""
        body = {"old": old, "armour": armour, "channel": channel}
        return await self._post(KeyView, f"{deal_path(deal)}/keys/{part(person)}/replace", body)
