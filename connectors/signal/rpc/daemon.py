"""Signal through signal-cli's own daemon: its methods called, its results read.

Rules kept here:

1. An error is an error here, not a success that hides it; still, what became of a change is read
   back by whoever asked for it.
2. A rate limit is kept with the instant until which Signal asks to wait.
3. The daemon has no call that deletes a received file. Where its folder is on this machine and
   named, what was stored is deleted there; where not, it stays, and ``doctor`` says so.

Source: signal-cli 0.13.19, its commands; options in camelCase as signal-cli-jsonrpc(5) says.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from connectors.port import AccountId, RoomId
from connectors.port.errors import ConnectorError, Rejected, Uncertain, Unreadable
from connectors.port.messages import Delivery, RoomSpec
from connectors.signal import outgoing
from connectors.signal.answers import mapping, number, sequence, text
from connectors.signal.backend import Deaf, Limit, Standing
from connectors.signal.groups import Group
from connectors.signal.ids import Own, internal_id, is_group, rest_id
from connectors.signal.peers import Peer
from connectors.signal.rpc import answers, listing
from connectors.signal.rpc.client import Client, sending

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}")


class Daemon:
    """One account on one daemon.

    Args:
        client: calls to it.
        number: our own number, E.164.
        most: largest file sent, bytes.
        files: folder in which it keeps received files; None where that is not known here.
        now: the clock, microseconds UTC.
    """

    def __init__(
        self,
        client: Client,
        number: str,
        most: int,
        files: Path | None,
        now: Callable[[], int],
    ) -> None:
        self._client = client
        self._number = number
        self._most = most
        self._files = files
        self._now = now
        self._limit: Limit | None = None

    @property
    def limit(self) -> Limit | None:
        """The rate limit that the last send met, while it lasts."""
        limit = self._limit
        if limit is not None and limit.until is not None and limit.until <= self._now():
            self._limit = limit = None
        return limit

    @property
    def deaf(self) -> Deaf | None:
        """Nothing: whatever it fetches from Signal it tells on its stream."""
        return None

    @property
    def deletes_files(self) -> bool:
        """Whether received files can be deleted where the daemon keeps them."""
        return self._files is not None

    async def close(self) -> None:
        """Closes every connection."""
        await self._client.close()

    async def alive(self, seconds: float) -> bool:
        """Whether the daemon answers at all."""
        return await self._client.alive(seconds)

    async def anybody_may_ask(self) -> bool:
        """Whether the daemon answers a call without our credential. Raises: Unavailable."""
        return await self._client.anybody_may_ask()

    async def _read(self, method: str, **params: object) -> object:
        """What a call tells; what signal-cli refuses to tell is unreadable."""
        try:
            return await self._client.call(method, acts=False, **params)
        except Rejected as error:
            raise Unreadable(error.code, "signal-cli does not tell it") from None

    async def _act(self, method: str, **params: object) -> object:
        return await self._client.call(method, acts=True, **params)

    # --- ourselves ------------------------------------------------------------------------------

    async def fit(self) -> None:
        """It runs for all its accounts, so that it can say which it has. Raises: Rejected."""
        await self._client.ask("listAccounts")

    async def version(self) -> str:
        """signal-cli's release."""
        return text(mapping(await self._client.ask("version")).get("version"))

    async def logs(self) -> str | None:
        """Says nothing: the daemon tells no level."""

    async def is_registered(self) -> bool:
        """Whether the daemon has our account."""
        listed = sequence(await self._client.ask("listAccounts"))
        return any(mapping(each).get("number") == self._number for each in listed)

    async def standing(self) -> Standing:
        """What Signal itself says of our number."""
        told = await self._read("getUserStatus", recipient=[self._number])
        ours = [mapping(e) for e in sequence(told) if mapping(e).get("number") == self._number]
        gone = [each for each in ours if each.get("isRegistered") is not True]
        return Standing(known=not gone, uuid=listing.uuid_of(ours, self._number))

    async def own_uuid(self) -> str | None:
        """Our UUID, where an identity or a member of a group of ours shows it."""
        told = await self._read("listIdentities")
        return listing.uuid_of(told, self._number) or listing.uuid_of(
            await self._read("listGroups"), self._number
        )

    async def devices(self) -> frozenset[tuple[int, int]]:
        """Our own devices."""
        return listing.devices(await self._read("listDevices"))

    async def end_device(self, which: int) -> None:
        """Unlinks a device of our own by its number."""
        await self._act("removeDevice", deviceId=which)

    # --- people ---------------------------------------------------------------------------------

    async def peers(self, own: Own) -> dict[AccountId, Peer]:
        """Everybody's identity."""
        return listing.peers(await self._read("listIdentities"), own)

    async def verify(self, account: AccountId, key: str) -> None:
        """Marks a safety number as verified."""
        await self._act("trust", recipient=account, verifiedSafetyNumber=key)

    async def line_timer(self, account: AccountId) -> int | None:
        """Seconds to live on the private line with somebody."""
        told = await self._read("listContacts", recipient=[account], allRecipients=True)
        return listing.line_timer(told, account, Own(self._number))

    async def time_line(self, account: AccountId, seconds: int) -> None:
        """Sets the time to live on a private line."""
        await self._act("updateContact", recipient=account, expiration=seconds)

    # --- rooms ----------------------------------------------------------------------------------

    async def group(self, room: RoomId, own: Own) -> Group | None:
        """A group as listed now."""
        told = await self._read("listGroups", groupId=[_named(room)])
        return next((g for g in listing.read_groups(told, own) if g.room == room), None)

    async def groups(self, own: Own) -> list[Group]:
        """All groups as listed now."""
        return listing.read_groups(await self._read("listGroups"), own)

    async def make(self, spec: RoomSpec, people: Collection[AccountId]) -> RoomId:
        """Makes a group."""
        settings = listing.settings(spec)
        told = await self._act("updateGroup", name=spec.name, member=sorted(people), **settings)
        room = rest_id(text(mapping(told).get("groupId")))
        if room is None:
            raise Uncertain("answer_malformed", "signal-cli gave the group no id")
        return room

    async def settle(self, room: RoomId, spec: RoomSpec, *, leaked: bool) -> None:
        """Sets a group's settings; a link that there was leads nowhere, also if it comes back."""
        reset = {"resetLink": True} if leaked else {}
        await self._update(room, **listing.settings(spec), **reset)

    async def _update(self, room: RoomId, **changes: object) -> None:
        await self._act("updateGroup", groupId=_named(room), **changes)

    async def let_in(self, room: RoomId, account: AccountId, *, banned: bool) -> None:
        """Asks somebody in; who is banned is banned no more."""
        unban = {"unban": [account]} if banned else {}
        await self._update(room, member=[account], **unban)

    async def put_out(self, room: RoomId, account: AccountId, *, leaked: bool) -> None:
        """Puts somebody out, or takes his invitation back; by a link he does not come back."""
        ban = {"ban": [account]} if leaked else {}
        await self._update(room, removeMember=[account], **ban)

    async def set_admins(
        self, room: RoomId, accounts: Collection[AccountId], *, admin: bool
    ) -> None:
        """Makes admins of members, or members of admins."""
        await self._update(room, **{"admin" if admin else "removeAdmin": sorted(accounts)})

    async def join(self, room: RoomId) -> None:
        """Accepts an invitation: an update of a group that one is asked into does that."""
        await self._update(room)

    async def quit(self, room: RoomId) -> None:
        """Goes out of a group."""
        await self._act("quitGroup", groupId=_named(room))

    # --- messages -------------------------------------------------------------------------------

    def prepare(self, delivery: Delivery, own: Own, edits: int | None) -> outgoing.Request:
        """What a delivery goes as."""
        params: dict[str, object] = _to(delivery.room)
        params["message"] = outgoing.checked(delivery, self._most)
        quoted = outgoing.answered(delivery, own)
        if quoted is not None:
            params |= {"quoteAuthor": quoted[0], "quoteTimestamp": quoted[1], "quoteMessage": ""}
        if edits is not None:
            params["editTimestamp"] = edits
        files = delivery.content.attachments
        return sending(self._number, params, files)

    async def send(self, request: outgoing.Request, readers: frozenset[AccountId]) -> int:
        """Sends once; accepted where each reader is named as reached."""
        own = Own(self._number)
        try:
            told = await self._client.send(request, own, readers)
            stamp = answers.check_sent(told, own, readers)
        except ConnectorError as error:
            self._keep_limit(error)
            raise
        self._limit = None
        return stamp

    def _keep_limit(self, error: ConnectorError) -> None:
        if "rate_limit" not in error.code:
            return
        wait = error.retry_after
        self._limit = Limit(error.hint, None if wait is None else self._now() + wait)

    async def take_back(self, room: RoomId, stamp: int) -> int:
        """Asks everybody's clients to remove a message."""
        told = await self._act("remoteDelete", targetTimestamp=stamp, **_to(room))
        asked = number(mapping(told).get("timestamp"))
        if not asked:
            raise Uncertain("answer_malformed", "signal-cli gave the request no timestamp")
        return asked

    def download(self, name: str, limit: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Opens a file that came with a message."""
        return self._client.download(name, limit)

    async def remove_file(self, name: str) -> None:
        """Deletes a file where the daemon keeps it, if that is known here."""
        if self._files is None or not _PLAIN_NAME.fullmatch(name):
            return
        path, failed = self._files / name, False
        try:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        except OSError:
            failed = True
        if failed:
            raise Unreadable("file_stays", "a received file cannot be deleted in attachments")


def _named(room: RoomId) -> str:
    """A group by its internal id. Raises: Unreadable: it is no group."""
    internal = internal_id(room)
    if internal is None:
        raise Unreadable("room_form", "this is no room of Signal")
    return internal


def _to(room: RoomId) -> dict[str, object]:
    """Whom something is for: a group, or the person on a private line."""
    return {"groupId": [_named(room)]} if is_group(room) else {"recipient": [room]}
