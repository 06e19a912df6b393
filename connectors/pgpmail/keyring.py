"""Whose key may be used: what was imported, what two people compared, what the gate says now.

Rules kept here:

1. A certificate that was imported is a proposal. Only ``trust`` pins its fingerprint to an address.
2. A pin is worth nothing beside a second certificate with the same address, until one is barred.
3. The gate looks at the certificate as it stands at each send; nothing is remembered of a verdict.
4. What the ledger says is read once gpg has listed: a key that came or was withdrawn meanwhile
   counts.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from connectors.pgpmail.gate import HINTS, Refused, Usable, ends, judge
from connectors.pgpmail.home import Home
from connectors.pgpmail.ledger import Ledger
from connectors.pgpmail.listing import Certificate
from connectors.port import AccountId, DeviceId
from connectors.port.errors import IdentityChanged, Rejected, Unavailable
from connectors.port.messages import Device

KEY = DeviceId("openpgp")
"""What the first key of an address is called, for ever; a later one has its key id behind it.

A name never goes over to another key: what was taken out under it would take that one out too."""
_OF_THE_KEY_ITSELF = frozenset({"unpinned_key", "second_key", "address_differs", "no_key"})


@dataclass(frozen=True, slots=True)
class Standing:
    """An address's keys at one look.

    Attributes:
        devices: all of them.
        verdict: whether, and with which, it may be written to.
    """

    devices: frozenset[Device]
    verdict: Usable | Refused

    @property
    def usable(self) -> Usable:
        """The key to seal to.

        Raises:
            IdentityChanged: the key is not the one that was compared.
            Rejected: it is, and may not be used.
        """
        if isinstance(self.verdict, Usable):
            return self.verdict
        code = self.verdict.code
        raise (IdentityChanged if code in _OF_THE_KEY_ITSELF else Rejected)(code, self.verdict.hint)


class Keyring:
    """Keys of the people we write to.

    Args:
        home: gpg's folder.
        ledger: what was imported and compared.
        now: the clock, microseconds UTC.
    """

    def __init__(self, home: Home, ledger: Ledger, now: Callable[[], int]) -> None:
        self._home = home
        self._ledger = ledger
        self._now = now

    async def take(self, account: AccountId, data: bytes) -> Device:
        """Imports one certificate as a proposal for an address, or what is new on a known one.

        Args:
            account: the address that it must name.
            data: the certificate, armoured or binary.

        Returns:
            The key as it will be listed; its fingerprint is to be compared.

        Raises:
            Rejected: it is not one public certificate, does not name the address, or was
                withdrawn.
        """
        found = await self._home.inspect(data)
        if len(found) != 1:
            raise Rejected("several_certificates", "give one certificate at a time")
        if found[0].fingerprint in self._ledger.barred(account):
            raise Rejected("withdrawn_key", "this key was withdrawn for good")
        news = found[0].fingerprint not in self._ledger.known(account)
        if news and account.lower() not in {uid.address for uid in found[0].user_ids}:
            raise Rejected("address_differs", HINTS["address_differs"])
        await self._home.take(data)
        self._ledger.know(account, found[0].fingerprint, self._now())
        devices = await self.devices(account)
        return next(d for d in devices if d.key == found[0].fingerprint)

    async def devices(self, account: AccountId) -> frozenset[Device]:
        """An address's keys as they stand now. Raises: Unreadable."""
        return self._devices(account, await self._listed(account))

    async def standing(self, account: AccountId) -> Standing:
        """An address's keys and what the gate says of them, at one look. Raises: Unreadable."""
        listed = await self._listed(account)
        return Standing(self._devices(account, listed), self._judged(account, listed, 0))

    async def _listed(self, account: AccountId) -> dict[str, Certificate]:
        """All certificates of an address that are not barred, by fingerprint. Raises: Unreadable.

        They are listed anew until none came and none was barred while gpg listed.
        """
        while True:
            known = self._ledger.known(account)
            listed = await self._home.certificates(sorted(known))
            if self._ledger.known(account) == known:
                return {each.fingerprint: each for each in listed}

    def _devices(self, account: AccountId, listed: Iterable[str]) -> frozenset[Device]:
        first = self._ledger.first_known(account)
        return frozenset(Device(KEY if each == first else _further(each), each) for each in listed)

    async def trust(self, account: AccountId, device: Device) -> None:
        """Pins a key that was compared. Raises: IdentityChanged, Unreadable."""
        if device.key not in {each.key for each in await self.devices(account)}:
            raise IdentityChanged("key_differs", "the address has no key with this fingerprint")
        self._ledger.pin(account, device.key)

    def distrust(self, account: AccountId, device: Device) -> None:
        """Bars a key for ever."""
        self._ledger.bar(account, device.key)

    async def verdict(self, account: AccountId, ahead: int = 0) -> Usable | Refused:
        """Whether, and with which key, an address may be written to. Raises: Unreadable.

        Args:
            account: the address.
            ahead: microseconds from now; keys end.
        """
        return self._judged(account, await self._listed(account), ahead)

    def _judged(
        self, account: AccountId, listed: Mapping[str, Certificate], ahead: int
    ) -> Usable | Refused:
        if len(listed) != 1:
            return Refused("second_key" if listed else "no_key")
        (certificate,) = listed.values()
        if certificate.fingerprint not in self._ledger.pinned(account):
            return Refused("unpinned_key")
        return judge(certificate, account, self._now() + ahead)

    async def ends(self, account: AccountId) -> int | None:
        """When an address can be written to no more; 0: now, None: never. Raises: Unreadable."""
        listed = await self._listed(account)
        if not isinstance(self._judged(account, listed, 0), Usable):
            return 0
        (certificate,) = listed.values()
        return ends(certificate, self._now())

    async def own_ends(self, account: AccountId, fingerprint: str) -> int | None:
        """When our own key can be used no more; 0: now, None: never. Raises: Unreadable."""
        (certificate,) = await self._home.certificates([fingerprint])
        if not isinstance(judge(certificate, account, self._now()), Usable):
            return 0
        return ends(certificate, self._now())

    async def own_verdict(
        self, account: AccountId, fingerprint: str, ahead: int = 0
    ) -> Usable | Refused:
        """Whether our own key may be used, as ``verdict`` says of others. Raises: Unreadable."""
        (certificate,) = await self._home.certificates([fingerprint])
        return judge(certificate, account, self._now() + ahead)

    async def own(self, account: AccountId, fingerprint: str) -> Usable:
        """Our own key, to write to ourselves. Raises: Unavailable, Unreadable."""
        found = await self.own_verdict(account, fingerprint)
        if isinstance(found, Usable):
            return found
        raise Unavailable(f"own_key_{found.code}", "our own key cannot be used: renew it")


def _further(fingerprint: str) -> DeviceId:
    return DeviceId(f"{KEY}-{fingerprint[-16:].lower()}")
