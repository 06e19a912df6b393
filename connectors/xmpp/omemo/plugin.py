"""slixmpp-omemo's plug-in, as the engine uses it: it makes and reads what is sealed in a stanza.

Rules kept here:

1. It stands on a stream that is never connected, and hears none: what it would follow, publish or
   send by itself has no way out, and what a server pushes never reaches its keys.
2. It makes no session manager. It seals and opens with the engine's, which the engine's rules hold.
3. No stanza that it is given is a room's: of those it would keep the text until the room shows it.
4. It writes texts into its log, which is silenced with the rest.

Which of its ways these rules stand against is shown on the plug-in itself in the tests.
"""

from collections.abc import Collection
from typing import Any
from xml.etree.ElementTree import Element

from slixmpp import JID
from slixmpp.basexmpp import BaseXMPP
from slixmpp_omemo import XEP_0384

from connectors.port import AccountId
from connectors.port.errors import Rejected
from connectors.xmpp.omemo.pep import NAMESPACE

_ENCRYPTED = f"{{{NAMESPACE}}}encrypted"
_BODY = "{jabber:client}body"


class Plugin(XEP_0384):  # type: ignore[misc, unused-ignore]  # the extra may not be there to be read
    """The plug-in for one account.

    Args:
        account: our bare address.
        manager: the engine's session manager.
    """

    def __init__(self, account: AccountId, manager: Any) -> None:
        nowhere = BaseXMPP(account)  # type: ignore[no-untyped-call]  # slixmpp gives it no types
        nowhere.register_plugin("xep_0334")  # its stanzas carry a hint, which is left with them
        super().__init__(nowhere)
        self._manager = manager

    async def seal(self, text: str, accounts: Collection[AccountId]) -> Element:
        """What is sealed to what the manager holds to be these accounts' devices."""
        stanza: Any = self.xmpp.make_message(mto=None, mbody=text, mtype="chat")
        stanza, _ = await self.encrypt_message(stanza, {JID(account) for account in accounts})
        (sealed,) = stanza.xml.findall(_ENCRYPTED)
        found: Element = sealed
        return found

    async def open(self, sealed: Element, sender: AccountId) -> tuple[str | None, Any]:
        """The body, where there is one with something in it, and the device that sealed it.

        Raises:
            Exception: whatever five libraries do on what makes no sense.
        """
        stanza: Any = self.xmpp.make_message(mto=None, mtype="chat", mfrom=sender)
        stanza.append(sealed)
        opened, device = await self.decrypt_message(stanza)
        body = opened.xml.find(_BODY)
        return None if body is None else body.text, device

    # --- what the plug-in asks of whoever uses it -----------------------------------------------

    async def get_session_manager(self) -> Any:
        """The engine's."""
        return self._manager

    async def refresh_device_lists(self, *_: object) -> None:
        """Does nothing: lists were read for this very message, and the manager was told of them."""

    @property
    def storage(self) -> Any:
        """None: what is kept is kept by the engine's manager."""
        raise Rejected("omemo_failed", "keys are kept by the engine alone")

    @property
    def _btbv_enabled(self) -> bool:
        return False

    async def _prompt_manual_trust(self, *_: object) -> None:
        raise Rejected("omemo_failed", "trust comes from people alone")
