"""Device lists and bundles of keys on the server: read exactly, published for everybody to read.

Rules kept here:

1. What is not there, what makes no sense, and what was not answered are three things. What is kept
   from us counts as not there: servers do not tell strangers the two apart, and nothing is sealed
   to a device that we cannot see.
2. An account's nodes are read from that account alone, and an answer is never longer than a cap.
3. Our nodes are open: people of our rooms are in nobody's contact list. A node that stands there
   with other rules is set right before anything is put into it.

Source: XEP-0384 0.3.0 (4.2, 4.3); XEP-0060 (5, 6.1, 6.5, 7.1, 8.2, 8.4).
"""

import asyncio
from collections.abc import Awaitable
from typing import Any
from xml.etree.ElementTree import Element

from slixmpp import JID, ClientXMPP
from slixmpp.exceptions import IqError, IqTimeout

from connectors.port import AccountId
from connectors.port.errors import Rejected, Unavailable, Unreadable

NAMESPACE = "eu.siacs.conversations.axolotl"
LIST_NODE = f"{NAMESPACE}.devicelist"
BUNDLE_NODE = f"{NAMESPACE}.bundles:"
_NS = f"{{{NAMESPACE}}}"
_PUBSUB = "{http://jabber.org/protocol/pubsub}"
_ERRORS = "{http://jabber.org/protocol/pubsub#errors}"
_OPTIONS = "http://jabber.org/protocol/pubsub#publish-options"
_CONFIG = "http://jabber.org/protocol/pubsub#node_config"
_OPEN = {
    "pubsub#access_model": "open",
    "pubsub#persist_items": "true",
    "pubsub#max_items": "1",
}
_CURRENT = "current"
_MOST_DEVICES = 50
_LAST_NUMBER = 2**32 - 1
_SECONDS = 20
_ABSENT = {"item-not-found"}
_HIDDEN = _ABSENT | {"forbidden", "not-authorized", "service-unavailable"}
_FOR_NOW = {
    "internal-server-error",
    "remote-server-not-found",
    "remote-server-timeout",
    "resource-constraint",
    "recipient-unavailable",
}


class Pep:
    """The nodes, through one client.

    Args:
        client: with its plug-in for XEP-0060.
    """

    def __init__(self, client: ClientXMPP) -> None:
        self._client = client

    @property
    def _pubsub(self) -> Any:
        return self._client.plugin["xep_0060"]

    async def device_numbers(self, account: AccountId) -> frozenset[int]:
        """The devices that an account publishes. Raises: Unreadable, Unavailable."""
        item = await self._only_item(account, LIST_NODE)
        return frozenset() if item is None else _numbers(item)

    async def bundle(self, account: AccountId, number: int) -> Element | None:
        """The bundle of a device; None where none can be had. Raises: Unavailable."""
        try:
            return await self._only_item(account, f"{BUNDLE_NODE}{number}")
        except Unreadable:
            return None

    async def follow(self, account: AccountId, node: str) -> bool:
        """Asks the server to tell of changes to a node, and whether it will."""
        try:
            await self._answer(self._pubsub.subscribe(JID(account), node, timeout=_SECONDS))
        except (IqError, Unavailable):
            return False
        return True

    async def publish_list(self, numbers: frozenset[int]) -> None:
        """Publishes our device list. Raises: Unavailable, Rejected."""
        listed = Element(f"{_NS}list")
        for number in sorted(numbers):
            listed.append(Element(f"{_NS}device", {"id": str(number)}))
        await self._publish(LIST_NODE, listed)

    async def publish_bundle(self, number: int, bundle: Element) -> None:
        """Publishes a bundle of ours. Raises: Unavailable, Rejected."""
        await self._publish(f"{BUNDLE_NODE}{number}", bundle)

    async def withdraw_bundle(self, number: int) -> None:
        """Takes the bundle of a device of ours away. Raises: Unavailable, Rejected."""
        own = JID(self._client.boundjid.bare)
        node = f"{BUNDLE_NODE}{number}"
        try:
            await self._answer(self._pubsub.delete_node(own, node, timeout=_SECONDS))
        except IqError as error:
            if error.condition not in _ABSENT:
                raise _refused(error) from None

    async def _only_item(self, account: AccountId, node: str) -> Element | None:
        """What the newest item of a node holds. Raises: Unreadable, Unavailable."""
        asked = self._pubsub.get_items(JID(account), node, max_items=1, timeout=_SECONDS)
        try:
            answer = await self._answer(asked)
        except IqError as error:
            if error.condition in _HIDDEN:
                return None
            if error.condition in _FOR_NOW:
                raise Unavailable("devices_unread", "a server does not tell devices now") from None
            raise Unreadable("devices_refused", "a server does not tell devices") from None
        items = answer.xml.findall(f"{_PUBSUB}pubsub/{_PUBSUB}items/{_PUBSUB}item")
        if not items:
            return None
        if len(items) != 1 or len(items[0]) != 1:
            raise Unreadable("devices_malformed", "a list of devices makes no sense")
        only: Element = items[0][0]
        return only

    async def _publish(self, node: str, payload: Element) -> None:
        try:
            await self._put(node, payload)
        except IqError as error:
            if error.iq.xml.find(f".//{_ERRORS}precondition-not-met") is None:
                raise _refused(error) from None
            await self._set_right(node, payload)

    async def _set_right(self, node: str, payload: Element) -> None:
        """Puts into a node that stood there with other rules."""
        own = JID(self._client.boundjid.bare)
        rules = self._form(_CONFIG)
        try:
            await self._answer(self._pubsub.set_node_config(own, node, rules, timeout=_SECONDS))
            await self._put(node, payload)
        except IqError as error:
            raise _refused(error) from None

    async def _put(self, node: str, payload: Element) -> None:
        own, rules = JID(self._client.boundjid.bare), self._form(_OPTIONS)
        await self._answer(
            self._pubsub.publish(own, node, _CURRENT, payload, rules, timeout=_SECONDS)
        )

    def _form(self, kind: str) -> Any:
        forms: Any = self._client.plugin["xep_0004"]
        form = forms.make_form(ftype="submit")
        form.add_field(var="FORM_TYPE", ftype="hidden", value=kind)
        for name, value in _OPEN.items():
            form.add_field(var=name, value=value)
        return form

    async def _answer(self, asked: Awaitable[Any]) -> Any:
        """An answer. Raises: IqError, Unavailable."""
        try:
            async with asyncio.timeout(_SECONDS + 1):
                return await asked
        except (IqTimeout, TimeoutError):
            raise Unavailable("devices_unanswered", "a server does not answer") from None
        except asyncio.CancelledError:
            raise
        except IqError:
            raise
        except Exception:  # noqa: BLE001 (whatever slixmpp raises where the stream just ended)
            raise Unavailable("offline", "the stream to the server ended") from None


def _numbers(item: Element) -> frozenset[int]:
    """Numbers of a device list. Raises: Unreadable."""
    if item.tag != f"{_NS}list" or len(item) > _MOST_DEVICES:
        raise Unreadable("devices_malformed", "a list of devices makes no sense")
    found = [device.get("id", "") for device in item if device.tag == f"{_NS}device"]
    if not all(n.isascii() and n.isdecimal() and 0 < int(n) <= _LAST_NUMBER for n in found):
        raise Unreadable("devices_malformed", "a list of devices makes no sense")
    return frozenset(int(n) for n in found)


def _refused(error: IqError) -> Rejected | Unavailable:
    if error.condition in _FOR_NOW:
        return Unavailable("keys_unpublished", "the server does not take our keys now")
    return Rejected("keys_refused", "the server does not take our keys: is PEP on for the account?")
