"""What an operator can see to before a mail is refused: keys that end soon, ours and the advisers'.

Rule kept here: what would be refused at a send, now or in a while, is told by the same gate; what
cannot be seen is not ok. An adviser's key stops mails to him alone, and never the channel.
"""

from collections.abc import AsyncIterator, Iterable

from connectors.pgpmail.gate import Refused, Usable
from connectors.pgpmail.keyring import Keyring
from connectors.port import AccountId
from connectors.port.connector import Check
from connectors.port.errors import ConnectorError

DAY = 24 * 3600 * 1_000_000
OURS_AHEAD, THEIRS_AHEAD = 30 * DAY, 7 * DAY
"""How long before its end a key is told of, microseconds."""
_RENEW = "prolong it with gpg in the channel's folder, then hand out: wallcross key export"
_ASK = "wallcross key expire-soon; with the prolonged certificate: wallcross key add PERSON FILE"


class Doctor:
    """Looks at the keys of one account.

    Args:
        keyring: of the account.
        account: our address.
        own: fingerprint of our key.
        contacts: whose key was compared.
    """

    def __init__(
        self, keyring: Keyring, account: AccountId, own: str, contacts: Iterable[AccountId]
    ) -> None:
        self._keyring = keyring
        self._account = account
        self._own = own
        self._contacts = sorted(contacts)

    async def look(self) -> tuple[Check, ...]:
        """All facts."""
        return tuple([check async for check in self._looks()])

    async def _looks(self) -> AsyncIterator[Check]:
        for code, look in (("own key", self._ours), ("adviser keys", self._theirs)):
            try:
                yield await look()
            except ConnectorError as error:
                hint = f"gpg does not tell ({error.code}); no mail goes that needs it"
                yield Check(code, ok=False, hint=hint, remedy="see that gpg runs on this machine")

    async def _ours(self) -> Check:
        now = await self._keyring.own_verdict(self._account, self._own)
        if isinstance(now, Refused):
            hint = f"it does not stand ({now.code}): nothing can be signed, and nothing goes"
            return Check("own key", ok=False, hint=hint, remedy=_RENEW)
        later = await self._keyring.own_verdict(self._account, self._own, OURS_AHEAD)
        if isinstance(later, Usable):
            return Check("own key", ok=True, hint="stands for 30 days and more")
        hint = "it ends within 30 days; until then mails go as ever"
        return Check("own key", ok=False, hint=hint, remedy=_RENEW, later=True)

    async def _theirs(self) -> Check:
        found = [await self._fault(account) for account in self._contacts]
        faults = [fault for fault in found if fault is not None]
        count = len(self._contacts)
        if not faults:
            return Check("adviser keys", ok=True, hint=f"{count} compared, none ends in 7 days")
        hint = f"{len(faults)} of {count}: {'; '.join(faults)}. Mails to the others go as ever"
        return Check("adviser keys", ok=False, hint=hint, remedy=_ASK, later=True)

    async def _fault(self, account: AccountId) -> str | None:
        now = await self._keyring.verdict(account)
        if isinstance(now, Refused):
            return f"{account} gets nothing ({now.code})"
        later = await self._keyring.verdict(account, THEIRS_AHEAD)
        return None if isinstance(later, Usable) else f"{account} ends within 7 days"
