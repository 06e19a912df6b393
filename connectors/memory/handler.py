"""What the network does with one call: the same for a call in this process and over a socket.

Rule kept here: a signed-in account can only ask in its own name. Faults that were armed happen
here and nowhere else; the code that does the work knows nothing of them.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from connectors.memory import farverbs, files, posting, ruling
from connectors.memory.faults import VERBS, Fault, FaultKind
from connectors.memory.model import FLAGS, Account, Entry, Room
from connectors.memory.network import HARDENED, Network
from connectors.memory.wire import CutError, JsonObject, Refusal

RULING = {
    "invite": ruling.invite,
    "remove": ruling.remove,
    "role": ruling.role,
    "harden": ruling.harden,
    "rotate": ruling.rotate,
}
LONGEST_WAIT = 60.0
"""Seconds that a question for events may be kept waiting."""


@dataclass(frozen=True, slots=True)
class Session:
    """Who is on the line.

    Attributes:
        account: in whose name; empty for the far side.
        far: the far side's own hand, which may do and see everything.
        events: the line only waits for events.
    """

    account: str
    far: bool = False
    events: bool = False


def session_from(hello: JsonObject) -> Session:
    """The session that a greeting asks for."""
    return Session(
        str(hello.get("as", "")),
        far=hello.get("far") is True,
        events=hello.get("events") is True,
    )


class Handler:
    """Answers calls to one network."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def refuses_line(self, session: Session) -> bool:
        """Whether an armed ``CUT_BEFORE`` keeps this line from being made."""
        if session.far or not self.network.faults.armed():
            return False
        verbs = ("sync",) if session.events else VERBS
        return any(self.network.faults.take(FaultKind.CUT_BEFORE, verb) for verb in verbs)

    def greet(self, session: Session) -> JsonObject:
        """The first answer on a line."""
        if session.account:
            self.network.account(session.account)
        return self.network.options.features() | {"t": self.network.now()}

    def fetch(self, session: Session, call: JsonObject) -> list[bytes]:
        """The pieces of a file. Raises: Refusal."""
        if not session.far:
            self._signed_in(session)
        return files.stored(self.network, call["file"]).chunks

    async def answer(
        self, session: Session, call: JsonObject, body: AsyncIterator[bytes] | None
    ) -> JsonObject:
        """Does one call.

        Raises:
            CutError: end the line without an answer.
        """
        try:
            done = await self._answer(session, call, body)
        except Refusal as refusal:
            done = refusal.as_answer()
        except (LookupError, TypeError, ValueError, AttributeError):
            done = Refusal("rejected", "call_not_understood").as_answer()
        done["t"] = self.network.now()
        return done

    async def _answer(
        self, session: Session, call: JsonObject, body: AsyncIterator[bytes] | None
    ) -> JsonObject:
        verb, room = str(call.get("verb")), call.get("room")
        if session.far:
            return await farverbs.answer(self.network, call, body)
        self._signed_in(session)
        if self.network.faults.armed():
            early = await self._before(verb, room)
            if early is not None:
                return early
        done = await self._do(session.account, verb, call, body)
        if self.network.faults.armed():
            self._after(verb, room, done)
        return done

    def _signed_in(self, session: Session) -> Account:
        account = self.network.account(session.account)
        if not account.signed_in:
            raise Refusal("rejected", "signed_out", "sign the account in again")
        return account

    async def _do(
        self, name: str, verb: str, call: JsonObject, body: AsyncIterator[bytes] | None
    ) -> JsonObject:
        if verb == "send":
            return self._send(name, call)
        if verb == "sync":
            return await self._sync(name, call)
        if verb == "upload":
            return await files.upload(self.network, body)
        asked = {
            "ping": self._ping,
            "posture": self._posture,
            "members": self._members,
            "devices": self._devices,
            "create": self._create,
            "find": self._find,
            "redact": self._redact,
            "peek": self._peek,
        }.get(verb)
        if asked is not None:
            return asked(name, call)
        if verb not in RULING:
            raise Refusal("rejected", "verb_unknown")
        return RULING[verb](self.network, name, call)

    # faults

    async def _before(self, verb: str, room: str | None) -> JsonObject | None:
        slow = self._take(FaultKind.SLOW, verb, room)
        if slow is not None:
            await asyncio.sleep(slow.amount / 1_000_000)
        if self._take(FaultKind.REFUSE, verb, room):
            raise Refusal("rejected", "refused", "the network refused")
        if self._take(FaultKind.UNAVAILABLE, verb, room):
            raise Refusal("unavailable", "unavailable", "the network has a disturbance")
        limit = self._take(FaultKind.RATE_LIMIT, verb, room)
        if limit is not None:
            after = limit.amount
            raise Refusal("unavailable", "rate_limited", "wait", retry_after=after)
        if self._take(FaultKind.CUT_LOST, verb, room):
            raise CutError
        if self._take(FaultKind.ANSWER_NOTHING, verb, room):
            return {}
        if self._take(FaultKind.LIE, verb, room):
            named = {"id": self.network.new_id(), "at": self.network.now(), "sealed": None}
            return named | {"asked": verb}
        return None

    def _after(self, verb: str, room: str | None, done: JsonObject) -> None:
        if self._take(FaultKind.CUT_AFTER, verb, room):
            raise CutError
        if self._take(FaultKind.GARBAGE, verb, room) or self._take(
            FaultKind.UNREADABLE, verb, room
        ):
            done.clear()
            done["garbage"] = [None, {"at": "yesterday"}]
        if verb == "sync" and self._take(FaultKind.DUPLICATE_EVENT, verb, room):
            done["events"] = [event for event in done["events"] for _ in range(2)]
        if verb == "sync" and self._take(FaultKind.OUT_OF_ORDER, verb, room):
            done["events"].reverse()
        if verb == "members" and self._take(FaultKind.NO_MEMBERS, verb, room):
            done["members"] = []
        if verb == "members" and self._take(FaultKind.PARTIAL_MEMBERS, verb, room):
            done["members"] = done["members"][: len(done["members"]) // 2]
            done["complete"] = False

    def _take(self, kind: FaultKind, verb: str, room: str | None) -> Fault | None:
        return self.network.faults.take(kind, verb, room)

    # what an account may ask

    def _ping(self, name: str, call: JsonObject) -> JsonObject:  # noqa: ARG002 (one shape for all)
        return {"account": name}

    def _send(self, name: str, call: JsonObject) -> JsonObject:
        readers = call["readers"]
        draft = posting.Draft(
            text=call["text"],
            subject=call["subject"],
            author_line=call["author_line"],
            files=files.parts(self.network, call["files"]),
            key=call["key"],
            attempt=call["attempt"],
            marked=call["marked"],
            reply_to=call["reply_to"],
            edits=self._own(name, call),
            readers=readers,
            never=call["never"],
        )
        message, known = posting.post(self.network, name, call["room"], draft)
        sealed = message.sealed_to
        return {
            "id": message.id,
            "at": message.at,
            "known": known,
            "sealed": "as_asked" if sealed is not None and sealed == readers else sealed,
        }

    def _own(self, name: str, call: JsonObject) -> str | None:
        """The message that is to be replaced; only its own sender may."""
        if call.get("edits") is None:
            return None
        message = posting.message_of(self.network, name, call["room"], call["edits"])
        if message.sender != name:
            raise Refusal("rejected", "not_ours", "only its sender replaces a message")
        return message.id

    def _find(self, name: str, call: JsonObject) -> JsonObject:
        message = posting.find(self.network, name, call["room"], call["key"])
        if message is None:
            return {"found": None}
        return {"found": {"id": message.id, "at": message.at, "sealed": message.sealed_to}}

    def _redact(self, name: str, call: JsonObject) -> JsonObject:
        message = posting.message_of(self.network, name, call["room"], call["message"])
        posting.redact(self.network, name, message)
        return {"redacted": message.id}

    def _peek(self, name: str, call: JsonObject) -> JsonObject:
        message = posting.message_of(self.network, name, call["room"], call["message"])
        return {"gone": message.gone}

    def _posture(self, name: str, call: JsonObject) -> JsonObject:
        room = self.network.room_of(name, call["room"])
        admin = room.seats[name].admin
        undo = self.network.options.undo
        return {
            "flags": dict(room.flags),
            "timer": room.timer,
            "posters": None if room.posters is None else sorted(room.posters),
            "admins": sorted(n for n, seat in room.seats.items() if seat.admin),
            "reads": self.network.account(name).holds_keys,
            "undo": "own" if undo == "anybody" and not admin else undo,
            "undo_for": self.network.options.undo_for,
        }

    def _members(self, name: str, call: JsonObject) -> JsonObject:
        room = self.network.room_of(name, call["room"])
        shown = [
            {
                "account": other,
                "presence": seat.presence,
                "admin": seat.admin,
                "devices": dict(self.network.accounts[other].devices),
            }
            for other, seat in room.seats.items()
            if not seat.hidden
        ]
        return {"members": shown, "complete": room.flags["members_readable"]}

    def _devices(self, name: str, call: JsonObject) -> JsonObject:  # noqa: ARG002 (one shape)
        other = self.network.accounts.get(str(call["account"]))
        return {"devices": {} if other is None else dict(other.devices)}

    def _create(self, name: str, call: JsonObject) -> JsonObject:
        room = self._hardened(name, call)
        for other in call["members"]:
            if other != name:
                self.network.seat(room, other, name, admin=other in call["owners"])
        return {"room": room.id}

    def _hardened(self, name: str, call: JsonObject) -> Room:
        """The settings are there before the first member is."""
        ignored = self._take(FaultKind.TIMER_IGNORED, "create", None)
        flags = HARDENED | {k: bool(v) for k, v in call.get("flags", {}).items() if k in FLAGS}
        timer = None if ignored else call["timer"]
        room = self.network.make_room(name, str(call["name"]), flags, timer)
        room.posters = frozenset({name}) if call["gate"] else None
        room.direct = bool(call["direct"])
        return room

    # events

    async def _sync(self, name: str, call: JsonObject) -> JsonObject:
        account, after = self.network.account(name), call["after"]
        if after is None:
            return {"events": [], "position": self.network.position}
        if after > self.network.position:  # of another life of this network: skip nothing
            raise Refusal("rejected", "cursor_unknown", "the network does not know this cursor")
        entries = _after(account, after, self.network.options.batch)
        if not entries:
            await _wait(account, min(float(call["wait"]), LONGEST_WAIT))
            entries = _after(account, after, self.network.options.batch)
        position = entries[-1].position if entries else after
        events = [self._event(name, entry) for entry in entries]
        return {"events": events, "position": position}

    def _event(self, name: str, entry: Entry) -> JsonObject:
        if entry.message is None:
            return entry.data | {"kind": entry.kind}
        return posting.seen_by(self.network, name, entry.message) | {"kind": entry.kind}


def _after(account: Account, position: int, most: int) -> list[Entry]:
    """The log is in order of position: the first entry after one is found by halving."""
    low, high = 0, len(account.log)
    while low < high:
        middle = (low + high) // 2
        if account.log[middle].position <= position:
            low = middle + 1
        else:
            high = middle
    return account.log[low : low + most]


async def _wait(account: Account, seconds: float) -> None:
    """Until something is written into the account's log, or the time is up."""
    waiter = asyncio.get_running_loop().create_future()
    account.waiting.add(waiter)
    try:
        async with asyncio.timeout(seconds):
            await waiter
    except TimeoutError:
        return
    finally:
        account.waiting.discard(waiter)
