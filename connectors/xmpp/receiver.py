"""Receiving: what comes in live, what an archive kept meanwhile, each once, stored before told.

Rules kept here:

1. A message is on disk, with the place in its room's archive, before anybody is told of it. What is
   on disk is offered until a ``receive`` starts behind it.
2. When the stream began anew, each room is entered and its archive read from that place on; what
   comes in live meanwhile waits. So order is kept and nothing comes twice.
3. Where there is no archive, or it does not reach back that far, the window is told as missed.
4. A sealed message is opened once, and what it held is on disk before its key is thrown away.
"""

import asyncio
import contextlib
import secrets
import sqlite3
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass, field
from itertools import chain, count, repeat
from typing import Any
from xml.etree.ElementTree import Element

from slixmpp.stanza import Message

from connectors.port import AccountId, RoomId
from connectors.port.errors import ConnectorError, Rejected, Unavailable
from connectors.port.events import Batch, MembershipChange
from connectors.port.messages import Device
from connectors.xmpp import addresses, files, translate, wire
from connectors.xmpp.archive import Archive, Expired
from connectors.xmpp.desk import Desk
from connectors.xmpp.files import Files
from connectors.xmpp.line import Line
from connectors.xmpp.sealing import Opened, Sealer
from connectors.xmpp.seats import Seats
from connectors.xmpp.settings import XmppSettings
from connectors.xmpp.store import Store
from connectors.xmpp.translate import Came

_MOST = 200
_OUT = {"item_not_found", "gone", "registration_required", "forbidden"}
"""Refusals to let us in that last; every other is tried again."""
_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
_AT_ONCE = 8
_SEATS = 60
_TICK, _IDLE, _MOMENT = 1.0, 10.0, 2.0
"""Seconds: between two looks at the line, without a word after which it is asked, and for what is
on its way."""
_SETTINGS_CHANGED = frozenset({102, 103, 104, 170, 171, 172, 173, 174})
_OFFLINE = "msgoffline"


@dataclass
class _Live:
    """What is known of a room that we live in.

    Attributes:
        believed: it takes forged names out, so that its own can be believed.
        catching: its archive is being read; what comes in meanwhile.
    """

    believed: bool = False
    catching: "list[_Came] | None" = None


@dataclass(frozen=True, slots=True)
class _Came:
    """A stanza as it came in live, and whose name stood on it in that instant."""

    place: str
    nick: str
    account: AccountId | None
    message: Element = field(repr=False)


class Receiver:
    """Receives for one account.

    Args:
        line: to the server.
        seats: who sits where.
        desk: reads rooms.
        archive: of rooms.
        store: what must outlive a start.
        fetched: downloads.
        sealer: opens what was sealed; None where nothing does.
        settings: of the account.
        now: the clock, microseconds UTC.
    """

    def __init__(
        self,
        line: Line,
        seats: Seats,
        desk: Desk,
        archive: Archive,
        store: Store,
        fetched: Files,
        sealer: Sealer | None,
        settings: XmppSettings,
        now: Callable[[], int],
    ) -> None:
        self._line = line
        self._seats = seats
        self._desk = desk
        self._archive = archive
        self._store = store
        self._files = fetched
        self._sealer = sealer
        self._settings = settings
        self._now = now
        self._own = AccountId(settings.account)
        self._rooms: dict[str, _Live] = {}
        self._came: asyncio.Queue[_Came] = asyncio.Queue()
        self._news = asyncio.Event()
        self._stopped = False
        self._limit = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._catching: set[asyncio.Task[None]] = set()
        self._since: int | None = None
        line.messages.append(self._heard)
        seats.told.append(self.member)
        seats.left.append(self.left)

    # --- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begins to take in what comes."""
        self._spawn(self._work())
        self._spawn(self._watch())

    def begin(self) -> None:
        """The stream began anew: every room is entered and caught up, beside all else."""
        self._since = self._store.told_at()
        for room in (RoomId(self._own), *self._store.rooms()):
            self.live_in(room)
        if self._sealer is not None:
            self._spawn(self._tell_caught_up(self._sealer, set(self._catching)))

    async def _tell_caught_up(self, sealer: Sealer, catching: "set[asyncio.Task[None]]") -> None:
        """Tells the sealer when all that was sealed meanwhile was opened."""
        if catching:
            await asyncio.wait(catching)
        with contextlib.suppress(ConnectorError):
            await sealer.caught_up()

    def is_lived_in(self, room: RoomId) -> bool:
        """Whether we listen to a room."""
        return room in self._rooms

    def believes(self, room: RoomId) -> bool:
        """Whether a room's own names are believed: it takes forged ones out."""
        return room in self._rooms and self._rooms[room].believed

    def live_in(self, room: RoomId) -> None:
        """A room is ours to listen to from now on; it is entered and caught up."""
        live = self._rooms.setdefault(room, _Live())
        if live.catching is None:
            live.catching = []
            catching = self._spawn(self._catch_up(room))
            self._catching.add(catching)
            catching.add_done_callback(self._catching.discard)

    def made(self, room: RoomId, offered: frozenset[str]) -> None:
        """We have just made a room and sit in it: there is nothing to catch up."""
        self._rooms[room] = _Live(believed=wire.SID in offered)
        self._store.moved(room, None, self._now())

    def dropped(self, room: RoomId) -> None:
        """A room that we were making is no more."""
        self._rooms.pop(room, None)
        self._store.forget_room(room)

    def left(self, room: RoomId, for_good: bool) -> None:  # noqa: FBT001 (a callback of one fact)
        """We are out of a room."""
        if for_good:
            self._gone(room)
        elif room in self._rooms:
            self.live_in(room)

    def _gone(self, room: RoomId) -> None:
        self._rooms.pop(room, None)
        self._store.forget_room(room)
        self.member(room, self._own, MembershipChange.REMOVED, None)

    async def stop(self) -> None:
        """Ends every ``receive`` that is under way."""
        self._stopped = True
        self._news.set()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- telling --------------------------------------------------------------------------------

    async def receive(self, cursor: str | None) -> AsyncGenerator[Batch, None]:
        """Yields batches after ``cursor`` until stopped."""
        if cursor is None:
            await self._all_in()
        place = self._store.now() if cursor is None else self._store.of_cursor(cursor)
        self._store.taken(place)
        if cursor is None:
            yield Batch((), self._store.cursor(place))
        while not self._stopped:
            self._news.clear()
            waiting = self._store.after(place, _MOST)
            if not waiting:
                await self._news.wait()
                continue
            place = waiting[-1].seq
            events = tuple(translate.event(w.told, self._files.reader) for w in waiting)
            yield Batch(events, self._store.cursor(place))

    async def _all_in(self) -> None:
        """Waits a moment until what the server had for us is stored: it was before now."""
        with contextlib.suppress(ConnectorError, TimeoutError):
            async with asyncio.timeout(_MOMENT):
                await self._line.ping()
                await self._came.join()

    def _tell(self, told: dict[str, Any]) -> None:
        self._store.put(told)
        self._news.set()

    def member(
        self, room: RoomId, account: AccountId, change: MembershipChange, by: AccountId | None
    ) -> None:
        """Tells that a room's list changed, where it is more than somebody's coming on line."""
        if change is MembershipChange.LEFT:
            return  # he closed his client; he may come in again, and is on the list
        if change is MembershipChange.JOINED:
            if account in self._store.been(room):
                return
            self._store.came(room, [account])
        elif change is MembershipChange.REMOVED:
            self._store.went(room, account)
        self._tell(
            {
                "kind": "member",
                "room": room,
                "account": account,
                "change": change.value,
                "by": by,
                "name": _made_up(),
            }
        )

    def device(self, account: AccountId, device: Device) -> None:
        """Tells of somebody's new or changed device."""
        told = {"account": account, "device": device.device, "key": device.key}
        self._tell({"kind": "key", **told})

    def _setting(self, room: str, setting: str) -> None:
        self._tell({"kind": "setting", "room": room, "setting": setting, "name": _made_up()})

    def _missed(self, since: int, code: str) -> None:
        until = self._now()
        self._tell({"kind": "missed", "since": min(since, until), "until": until, "code": code})

    # --- live -----------------------------------------------------------------------------------

    def _heard(self, message: Element) -> None:
        if message.get("type") == "error" or Archive.is_result(message):
            return
        found = addresses.split(message.get("from"))
        if found is None:
            return  # of a server: nobody's words
        room, nick = found
        if self.is_lived_in(room) and str(room) != self._own:
            account = self._seats.account(room, nick) if nick else None
            self._came.put_nowait(_Came(room, nick, account, message))
        elif message.get("type") != "groupchat":
            self._came.put_nowait(_Came(self._own, "", None, message))

    async def _work(self) -> None:
        while True:
            came = await self._came.get()
            live = self._rooms.get(came.place)
            if live is not None and live.catching is not None:
                live.catching.append(came)
            else:
                await self._take_live_or_again(came)
            self._came.task_done()

    async def _take_live_or_again(self, came: _Came) -> None:
        """What could not be stored is read once more out of its archive."""
        try:
            await self._take_live(came)
        except (ConnectorError, sqlite3.Error):
            self.live_in(RoomId(came.place))
            live = self._rooms[came.place]
            live.catching = [came, *(live.catching or [])]

    async def _take_live(self, came: _Came) -> None:
        if came.place == self._own:
            await self._take_of_line(came.message, self._now(), None)
        elif came.place in self._rooms:
            await self._take_of_room(RoomId(came.place), came)

    async def _take_of_room(self, room: RoomId, came: _Came) -> None:
        message, nick = came.message, came.nick
        x = message.find(f"{{{wire.MUC_USER}}}x")
        if not nick and x is not None:
            self._announced(room, x)
        sender = came.account or AccountId(message.get("from") or room)
        if message.get("type") == "groupchat":
            believed = self._rooms[room].believed
            mark = translate.mark_of(message, room, sender, believed=believed)
            await self._take(translate.in_room(room, mark, sender, self._now(), message))
        elif nick:  # whispered to us in a room: a private line to whoever sits there
            mark = translate.mark_of(message, room, sender, believed=False)
            await self._take(translate.in_line(mark, sender, self._now(), message))

    def _announced(self, room: RoomId, x: Element) -> None:
        """What the room itself says of its settings, and of who is not in it.

        Source: XEP-0045, 10.2.1 and example 195.
        """
        if wire.codes(x) & _SETTINGS_CHANGED:
            self._setting(room, "configuration")
        for item in x.findall(f"{{{wire.MUC_USER}}}item"):
            who = wire.occupant(item, "")
            if who.account is None:
                continue
            out = who.affiliation in {"none", "outcast"}
            change = MembershipChange.REMOVED if out else MembershipChange.INVITED
            self.member(room, who.account, change, None)

    async def _take_of_line(self, message: Element, at: int, mark: str | None) -> None:
        """What somebody wrote to our account."""
        sender = addresses.bare(message.get("from"))
        if sender is None or sender == self._own:
            return
        asked = wire.asked_into(message)
        if asked is not None and addresses.is_room(asked[0], self._settings.rooms):
            room, by = asked
            if not self.is_lived_in(room):
                self.member(room, self._own, MembershipChange.INVITED, by or sender)
            return
        believed = self._rooms.setdefault(self._own, _Live()).believed
        told = mark or translate.mark_of(message, self._own, sender, believed=believed)
        await self._take(translate.in_line(told, sender, at, message))

    # --- taking in ------------------------------------------------------------------------------

    async def _take(self, came: Came) -> None:
        """Stores what a message says, once, with the place in its archive.

        Raises: ConnectorError, sqlite3.Error: not now.
        """
        try:
            await self._take_once(came)
        except (ConnectorError, sqlite3.Error):
            raise
        except Exception:  # noqa: BLE001 (whatever a message does to us, it is counted)
            failed = Opened(None, None, "failed")
        else:
            return
        await self._keep(self._own if came.direct else came.room, came, failed)

    async def _take_once(self, came: Came) -> None:
        where = self._own if came.direct else came.room
        if self._store.is_heard(where, came.mark):
            return
        if not translate.is_told(came.message):
            self._store.moved(where, self._archived(came), self._now())
            return
        stanza = Message(self._line.client, came.message)  # type: ignore[no-untyped-call]  # slixmpp's
        ours = came.sender == self._own
        if self._sealer is None or ours or not self._sealer.is_sealed(stanza):
            await self._keep(where, came, None)
            return
        async with self._sealer.opening(stanza, came.sender) as opened:
            await self._keep(where, came, opened)

    async def _keep(self, where: str, came: Came, opened: Opened | None) -> None:
        while self._store.is_full():  # noqa: ASYNC110 (whoever takes over stands still, and says nothing)
            await asyncio.sleep(_TICK)
        told = self._told(where, came, opened)
        for each in told:
            await self._add_file(each)
        own_id = came.message.get("id")
        with self._store.together():
            if not self._store.is_new(where, came.mark, came.at):
                return
            if own_id:
                self._store.call(where, came.sender, own_id, came.name, came.at)
            for each in told:
                self._store.put(each)
            self._store.moved(where, self._archived(came), self._now())
        self._news.set()

    def _told(self, where: str, came: Came, opened: Opened | None) -> list[dict[str, Any]]:
        def called(own_id: str) -> str | None:
            return self._store.name_of(where, came.sender, own_id)

        retract = came.message.find(f"{{{wire.RETRACT}}}retract")
        target = None if retract is None else retract.get("id")
        taken_back = None if target is None else self._taken_back(where, came, target)
        return list(translate.heard(came, self._own, opened, called, taken_back))

    def _taken_back(self, where: str, came: Came, target: str) -> str | None:
        """The name of what is taken back; None where that is another's, or nothing."""
        if came.direct:
            return self._store.name_of(where, came.sender, target)
        if str(came.sender) == came.room:  # the room itself speaks for a moderator (XEP-0425)
            return target
        return None if self._store.own_id(where, came.sender, target) is None else target

    @staticmethod
    def _archived(came: Came) -> str | None:
        """The message's id in its archive; None where its mark was made up here."""
        return None if came.mark.startswith("~") else came.mark

    async def _add_file(self, told: dict[str, Any]) -> None:
        """A body that is a file of ours becomes one; what cannot be had says so."""
        link = files.link_in(told.get("text") or "")
        if link is None or not self._files.is_ours(link):
            return
        body, code = told["text"], "file_unavailable"
        for pause in (*_PAUSES[:2], None):
            try:
                size = await self._files.size(link)
            except Rejected as error:
                code = error.code
                break
            except Unavailable:
                if pause is not None:
                    await asyncio.sleep(pause)
            else:
                told["text"] = ""
                told["file"] = {"link": body, "size": size, "name": link.name}
                return
        told["text"], told["unreadable"] = "", code

    # --- catching up ----------------------------------------------------------------------------

    async def _catch_up(self, room: RoomId) -> None:
        """Enters a room and reads what its archive has since, until that is done."""
        for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
            if room not in self._rooms:
                return
            try:
                async with self._limit:
                    await self._enter_and_read(room)
            except (ConnectorError, sqlite3.Error) as error:
                if isinstance(error, Rejected) and error.code in _OUT:
                    self._gone(room)
                    return
                await asyncio.sleep(pause)
            else:
                return

    async def _enter_and_read(self, room: RoomId) -> None:
        if str(room) != self._own:
            await self._seats.enter(room)
        offered = await self._desk.features(room)
        self._rooms[room].believed = wire.SID in offered
        place = self._store.place(room)
        if wire.MAM not in offered:
            if place is not None and not await self._is_kept(room):
                self._missed_since_then()
            self._store.moved(room, None, self._now())
        elif place is None:
            newest = await self._archive.newest(room)
            self._store.moved(room, None if newest is None else newest.name, self._now())
        else:
            await self._read(room, place.last, place.at)
        await self._release(room)

    async def _is_kept(self, room: RoomId) -> bool:
        """Whether the server keeps what is written to our account while we are away."""
        of_line = str(room) == self._own
        return of_line and _OFFLINE in await self._desk.features(self._settings.domain)

    def _missed_since_then(self) -> None:
        """Tells of the window since the line broke, once for all that has no archive."""
        since, self._since = self._since, None
        if since is not None:
            self._missed(since, "no_archive")

    async def _read(self, whom: RoomId, last: str | None, at: int) -> None:
        """Takes in what an archive has behind a place. Raises: ConnectorError."""
        try:
            pages = self._archive.since(whom, last)
            async for results in pages:
                for result in results:
                    await self._take_archived(whom, result)
        except Expired:
            self._missed(at, "archive_expired")
        else:
            return
        async for results in self._archive.since(whom, None, at):
            for result in results:
                await self._take_archived(whom, result)

    async def _take_archived(self, whom: RoomId, result: wire.Archived) -> None:
        message, at = result.message, result.at or self._now()
        if str(whom) == self._own:
            await self._take_of_line(message, at, result.name)
            return
        sender = translate.archived_sender(message, whom)
        await self._take(translate.in_room(whom, result.name, sender, at, message))

    async def _release(self, room: str) -> None:
        """What came in live while the archive was read, and from now on as it comes."""
        live = self._rooms[room]
        while live.catching:
            await self._take_live(live.catching.pop(0))
        live.catching = None

    # --- watching the line ----------------------------------------------------------------------

    async def _watch(self) -> None:
        """Notes up to when everything was told; finds a line or a seat that is silently lost."""
        noted: int | None = None
        for tick in count(1):
            await asyncio.sleep(_TICK)
            if tick % _SEATS == 0:
                await self.look_at_seats()
            with contextlib.suppress(ConnectorError):
                heard = await self._line.heard_lately(_IDLE)
                if heard is not None and heard != noted:
                    self._store.told_all(heard)
                    noted = heard

    async def look_at_seats(self) -> None:
        """Goes in again where a room does not know that we sit there."""
        for room in self._store.rooms():
            live = self._rooms.get(room)
            if str(room) == self._own or live is None or live.catching is not None:
                continue
            with contextlib.suppress(ConnectorError):
                if not await self._seats.look(room):
                    self.live_in(room)


def _made_up() -> str:
    """A name for what the network names not."""
    return f"-{secrets.token_hex(16)}"
