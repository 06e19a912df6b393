"""Receiving: the sync loop, with the orchestrator's cursor and no other.

Rules kept here:

1. The position to go on from is the cursor that came with the events, handed back by whoever
   stored both. No sync token is kept here or in nio's store.
2. What came for our device is committed before a batch is handed on (``machine``): the homeserver
   deletes it once a later position is asked for, and that happens only with a stored cursor.
3. A timeline that the homeserver cut short is filled by paging back to the last position, before
   any of it is handed on: the order is kept and nothing is skipped.
4. A message that cannot be read is handed on as such at once; when its key comes later, the same
   message is handed on again, readable, under the same name. (Up to 1,000 wait, until a restart.)

Source: matrix-spec, GET /sync and GET /rooms/{id}/messages.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from connectors.matrix import media, translate
from connectors.matrix.client import BASE, Client, Json, part, room_path
from connectors.matrix.ledger import Ledger
from connectors.matrix.machine import Machine
from connectors.matrix.plain import Opened
from connectors.matrix.rooms import members_of
from connectors.matrix.translate import mapping_of
from connectors.matrix.witness import Witness
from connectors.port import AccountId, RemoteId, RoomId
from connectors.port.errors import ConnectorError, Rejected, Unavailable
from connectors.port.events import Batch, Event, KeyChanged, SettingsChanged

T = TypeVar("T")

_PAGE = 100
_CHUNK = 500
_WAITING = 1000
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_SECOND = 1_000_000
_FINAL = "signed_out"
_LATE = {"no_key", "undecryptable"}


def sync_filter(limit: int) -> str:
    """What we want to hear of: timelines, receipts, our list of direct rooms."""
    nothing: Json = {"types": []}
    return json.dumps(
        {
            "presence": nothing,
            "account_data": {"types": ["m.direct"]},
            "room": {
                "timeline": {"limit": limit},
                "state": {"lazy_load_members": False},
                "ephemeral": {"types": ["m.receipt"]},
                "account_data": nothing,
            },
        },
        separators=(",", ":"),
    )


class Receiver:
    """Receives for one account.

    Args:
        client: signed in.
        machine: our keys.
        ledger: which messages are ours.
        witness: is shown every event, and whose devices changed.
        wait: seconds that a wait for news may take.
        file_limit: largest file in bytes.
    """

    def __init__(
        self,
        client: Client,
        machine: Machine,
        ledger: Ledger,
        witness: Witness,
        wait: int,
        file_limit: int,
    ) -> None:
        self._client = client
        self._witness = witness
        self._machine = machine
        self._ledger = ledger
        self._wait = wait
        self._find_file = media.opener(client, file_limit)
        self._direct: dict[str, set[str]] | None = None
        self._members: dict[str, frozenset[AccountId]] = {}
        self._stopped = asyncio.Event()
        self._came: set[tuple[str, str]] = set()
        self._unread: OrderedDict[tuple[str, str], list[tuple[RoomId, Json]]] = OrderedDict()

    def stop(self) -> None:
        """Ends every stream; a wait for news ends at once."""
        self._stopped.set()

    async def receive(self, cursor: str | None) -> AsyncGenerator[Batch, None]:
        """Batches after ``cursor`` until stopped. Raises: ConnectorError when signed out."""
        pause = _FIRST_PAUSE
        while not self._stopped.is_set():
            try:
                found = await self._unless_stopped(self._round(cursor))
            except ConnectorError as error:
                if error.code == _FINAL or not error.retry:
                    raise
                wait = (error.retry_after or 0) / _SECOND or pause
                pause = min(pause * 2, _LONGEST_PAUSE)
                await self._unless_stopped(asyncio.sleep(wait))
                continue
            if found is None:
                return
            pause = _FIRST_PAUSE
            batches, cursor = found
            for batch in batches:
                yield batch

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What the work gives; None when it had to be given up because of ``stop``."""
        task, stop = asyncio.ensure_future(work), asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            return None if self._stopped.is_set() else task.result()
        finally:
            for each in (task, stop):
                each.cancel()
            await asyncio.gather(task, stop, return_exceptions=True)

    async def _round(self, cursor: str | None) -> tuple[list[Batch], str]:
        """One wait for news, and the position after it."""
        answer = await self._sync(cursor)
        batches = [batch async for batch in self._batches(cursor, answer)]
        return batches, str(answer["next_batch"])

    async def _sync(self, since: str | None) -> Json:
        """One wait for news; the very first asks only where now is."""
        first = since is None
        query = {
            "filter": sync_filter(1 if first else _PAGE),
            "timeout": "0" if first else str(self._wait * 1000),
            "set_presence": "offline",
        }
        if since is not None:
            query["since"] = since
        answer = await self._client.call(
            "GET", f"{BASE}/sync", query=query, seconds=self._wait + 90.0
        )
        if not isinstance(answer.get("next_batch"), str):
            raise Unavailable("answer_malformed", "the homeserver's sync has no position")
        return answer

    async def _batches(self, since: str | None, answer: Json) -> AsyncIterator[Batch]:
        """What one sync brought; all but the last batch keep the old position."""
        next_batch = str(answer["next_batch"])
        to_device = mapping_of(answer.get("to_device")).get("events")
        self._came |= self._machine.take(to_device if isinstance(to_device, list) else ())
        self._machine.counted(answer.get("device_one_time_keys_count"))
        with suppress(Rejected):  # health tells of it; what is there can still be read
            await self._machine.publish()
        await self._machine.heal()
        self._note_direct(answer.get("account_data"))
        events = [event async for event in self._events(since, answer)]
        self._came.clear()
        while since is not None and len(events) > _CHUNK:
            yield Batch(tuple(events[:_CHUNK]), since)
            events = events[_CHUNK:]
        if events or since is None or to_device:
            yield Batch(tuple(events), next_batch)

    async def _events(self, since: str | None, answer: Json) -> AsyncIterator[Event]:
        """All events of one sync: devices, messages whose key came late, rooms, invitations."""
        async for change in self._key_changes(answer.get("device_lists")):
            yield change
        async for event in self._late():
            yield event
        rooms = mapping_of(answer.get("rooms"))
        own = self._machine.own.account
        for room, told in mapping_of(rooms.get("invite")).items():
            state = mapping_of(mapping_of(told).get("invite_state")).get("events")
            yield translate.invitation(RoomId(room), own, state, since or "0")
        if since is None:
            return
        for kind in ("join", "leave"):
            for room, told in mapping_of(rooms.get(kind)).items():
                async for event in self._room_events(RoomId(room), mapping_of(told), since):
                    yield event

    async def _key_changes(self, lists: object) -> AsyncIterator[Event]:
        """Every device of each account whose list changed: a hint, not a difference.

        Only a difference to what the orchestrator keeps would survive a crash in between. This
        very device is left out: that we put its keys up is no news.
        """
        own = self._machine.own
        accounts = _accounts(mapping_of(lists).get("changed"))
        self._witness.devices(accounts, _accounts(mapping_of(lists).get("left")))
        told = await self._machine.query(accounts)
        for account in sorted(accounts):
            for device in sorted(told.of(account) or (), key=lambda d: d.device):
                if (account, device) != (own.account, own.device):
                    yield KeyChanged(account, device)

    async def _room_events(
        self, room: RoomId, told: Mapping[str, Any], since: str
    ) -> AsyncIterator[Event]:
        timeline = mapping_of(told.get("timeline"))
        raws = [e for e in timeline.get("events") or () if isinstance(e, dict)]
        if timeline.get("limited"):
            try:
                gap = await self._gap(room, timeline.get("prev_batch"), since)
            except Rejected:  # we are no longer let in: said, not skipped
                yield SettingsChanged(room, "history_gap", None, RemoteId(f"gap/{room}/{since}"))
                gap = []
            known = {e.get("event_id") for e in raws}
            raws = [e for e in gap if e.get("event_id") not in known] + raws
        for raw in raws:
            async for event in self._one(room, raw):
                yield event
        for raw in mapping_of(told.get("ephemeral")).get("events") or ():
            for event in translate.receipts(room, mapping_of(raw), self._is_ours(room)):
                yield event

    def _is_ours(self, room: RoomId) -> Callable[[str], bool]:
        return lambda event: self._ledger.is_ours(room, event)

    async def _gap(self, room: RoomId, start: object, since: str) -> list[Json]:
        """Events between the last position and the start of a cut timeline, oldest first."""
        found: list[Json] = []
        token = start
        while isinstance(token, str):
            query = {"dir": "b", "from": token, "to": since, "limit": str(_PAGE)}
            answer = await self._client.call("GET", room_path(room, "messages"), query=query)
            chunk = answer.get("chunk")
            found += [e for e in chunk if isinstance(e, dict)] if isinstance(chunk, list) else []
            token = answer.get("end") if chunk else None
        return found[::-1]

    async def _one(self, room: RoomId, raw: Json) -> AsyncIterator[Event]:
        """What one event of a timeline says."""
        self._witness.event(room, raw)
        if raw.get("type") == "m.room.member":
            self._members.pop(room, None)
        if not translate.is_message(raw):
            for event in translate.other(room, raw):
                yield event
            return
        direct = await self._is_direct(room, str(raw.get("sender")))
        said = await self._said(room, raw, direct=direct)
        if said is not None:
            yield said

    async def _said(self, room: RoomId, raw: Json, *, direct: bool) -> Event | None:
        """The message that an event is, decrypted where it was encrypted."""
        opened = await self._open(room, raw)
        if isinstance(opened, str):
            self._keep_waiting(room, raw, opened)
            return translate.unreadable(room, raw, opened, direct=direct)
        return translate.message(room, raw, opened, self._find_file, direct=direct)

    async def _open(self, room: RoomId, raw: Json) -> Opened | str:
        content = mapping_of(raw.get("content"))
        if not content:
            return "redacted_before_read"
        if raw.get("type") != "m.room.encrypted":
            return Opened(str(raw["type"]), content, None, ours=False)
        if not self._machine.knows_author(room, raw):
            await self._machine.query({AccountId(str(raw.get("sender")))})
        return self._machine.open(room, raw)

    # --- messages whose key comes late ----------------------------------------------------------

    def _keep_waiting(self, room: RoomId, raw: Json, code: str) -> None:
        name = mapping_of(raw.get("content")).get("session_id")
        if code not in _LATE or not isinstance(name, str):
            return
        waiting = self._unread.setdefault((room, name), [])
        if all(raw.get("event_id") != other.get("event_id") for _, other in waiting):
            waiting.append((room, raw))
        while sum(map(len, self._unread.values())) > _WAITING:
            self._unread.popitem(last=False)

    async def _late(self) -> AsyncIterator[Event]:
        """Messages that were handed on unreadable and whose key has now come."""
        for key in sorted(self._came & self._unread.keys()):
            for room, raw in self._unread.pop(key):
                direct = await self._is_direct(room, str(raw.get("sender")))
                said = await self._said(room, raw, direct=direct)
                if said is not None:
                    yield said

    # --- direct rooms ---------------------------------------------------------------------------

    def _note_direct(self, account_data: object) -> None:
        for event in mapping_of(account_data).get("events") or ():
            if mapping_of(event).get("type") == "m.direct":
                self._direct = _direct_rooms(mapping_of(event).get("content"))

    async def asked_directly(self, room: RoomId) -> bool:
        """Whether we are asked into a room as to a private line.

        Only the invitation says so, and only a sync shows it. A sync without a position consumes
        nothing.
        """
        none: Json = {"types": []}
        wanted = {"rooms": [room], "timeline": {"limit": 1}, "state": none, "ephemeral": none}
        query = {"filter": json.dumps({"room": wanted, "presence": none, "account_data": none})}
        answer = await self._client.call("GET", f"{BASE}/sync", query={**query, "timeout": "0"})
        invited = mapping_of(mapping_of(mapping_of(answer.get("rooms")).get("invite")).get(room))
        state = mapping_of(invited.get("invite_state")).get("events")
        event = translate.own_invitation(state, self._machine.own.account)
        return mapping_of(event.get("content")).get("is_direct") is True

    async def _is_direct(self, room: RoomId, sender: str) -> bool:
        """Whether a room is listed as direct and holds the sender and us alone.

        The list says what a room was made for; who is in it is read back. For our own messages
        the other one of the two counts.
        """
        own = self._machine.own.account
        if self._direct is None:
            self._direct = _direct_rooms(await direct_list(self._client, own))
        listed = {a for a, rooms in self._direct.items() if room in rooms}
        if not listed:
            return False
        try:
            everybody = await self._everybody(room)
        except Rejected:  # we are not in it any more
            return False
        return len(everybody) == 2 and own in everybody and sender in everybody  # noqa: PLR2004 (two)

    async def _everybody(self, room: RoomId) -> frozenset[AccountId]:
        if room not in self._members:
            answer = await self._client.call("GET", room_path(room, "members"))
            self._members[room] = members_of(answer.get("chunk") or ()).everybody
        return self._members[room]


def _direct_rooms(content: object) -> dict[str, set[str]]:
    return {
        account: {r for r in rooms if isinstance(r, str)}
        for account, rooms in mapping_of(content).items()
        if isinstance(rooms, list)
    }


def direct_path(own: AccountId) -> str:
    """Where our account's list of direct rooms lies."""
    return f"{BASE}/user/{part(own)}/account_data/m.direct"


async def direct_list(client: Client, own: AccountId) -> Json:
    """Our account's list of direct rooms: account to rooms. Empty when there is none."""
    try:
        return await client.call("GET", direct_path(own))
    except ConnectorError as error:
        if error.code == "not_found":
            return {}
        raise


def with_direct(listed: Json, room: RoomId, accounts: Iterable[AccountId]) -> Json:
    """The list of direct rooms with one more."""
    result = {**listed}
    for account in accounts:
        rooms = result.get(account)
        known = rooms if isinstance(rooms, list) else []
        result[account] = [*known, room] if room not in known else known
    return result


def _accounts(listed: object) -> set[AccountId]:
    return (
        {AccountId(a) for a in listed if isinstance(a, str)} if isinstance(listed, list) else set()
    )
