"""The far side's hand, typed: people on their phones, the Signal service, and what goes wrong.

Rule kept here: nothing here goes through the REST server, so what it says is evidence. People go
by their names (``bot`` is our account), groups by REST id or internal id, messages by author and
``timestamp`` (milliseconds), as Signal itself does.

    with process.start(webhook=url) as far:
        async with Control(far.control, far.token) as hand: ...

    person(name, *, number, username, hides_number, auto_join, receipts) -> Person
    people() -> tuple[Person, ...]
    make_group(by, members, *, name, admins, timer) -> str
    group(group) -> Group            groups() -> tuple[str, ...]
    add_member(group, name, *, by)   remove_member(group, name, *, by)
    grant_admin(group, name, *, by)  revoke_admin(group, name, *, by)
    change(group, *, by, **settings) enable_link(group, *, by, approval)
    accept(group, name)  follow_link(group, name)  leave(group, name)
    set_timer(by, seconds, *, group) -> int          (group=None: the private line with us)

    write(by, text, *, group, to, files, quote, mentions, edits, view_once, device) -> int
    edit(by, timestamp, text, *, group) -> int       delete(by, timestamp, *, group) -> int
    react(by, author, timestamp, emoji, *, group, remove) -> int
    unreadable(by, *, group, exception) -> int       read(by, timestamps, *, kind)
    typing(by, *, group, began)                      own(text, *, group, to, device) -> int
    arrived(name, group) -> tuple[Message, ...]      noticed(name) -> tuple[...]
    download(sha256) -> bytes

    reinstall(name, *, tell) -> Person               identity(name) -> str | None
    add_device(name, device_name) -> int             lose_registration(name)  register(name)
    account() -> Mapping                             profile(name)

    fault(kind, *, verb, times, amount, text, who)   clear_faults()
    refuse unavailable rate_limit cut_lost cut_after cut_midway answer_nothing lie garbage slow hang
    fail_recipients partial_members garbage_members ignore_timer drop_webhook duplicate_webhook
    go_down()  come_back()  lose_daemon()  find_daemon()  webhook(url)  settle(seconds)
    losses() -> tuple[Lost, ...]  waiting() -> int
    requests() -> tuple[Asked, ...]  forget_requests()  advance(microseconds) -> int
    reset(**options)                                 (fields of ``options.Options``)
"""

import base64
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

from connectors.signal.standin.faults import FaultKind

WAIT = 30.0
"""Seconds for an answer."""
Json = dict[str, Any]


class NotDoneError(Exception):
    """The far side does not do that; the message says why."""


@dataclass(frozen=True, slots=True)
class Person:
    """An account of Signal.

    Attributes:
        safety_number: sixty digits, as this person's phone shows them for our account.
        devices: numbers of the devices.
    """

    name: str
    uuid: str
    number: str
    hides_number: bool
    username: str | None
    registered: bool
    safety_number: str
    devices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A group as the service has it, people by name; ``timer`` in seconds, 0 is off."""

    id: str
    internal_id: str
    name: str = field(repr=False)
    description: str = field(repr=False)
    members: tuple[str, ...]
    admins: tuple[str, ...]
    pending: tuple[str, ...]
    asking: tuple[str, ...]
    add_members: str
    edit_group: str
    send_messages: str
    link: str
    timer: int
    revision: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a person sends."""

    name: str | None = field(repr=False)
    data: bytes = field(repr=False)
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as a phone shows it."""

    name: str | None = field(repr=False)
    content_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a phone shows it now; what has expired is not there any more.

    Attributes:
        group: REST id; None on a private line.
        quote: author, timestamp and text of what it answers.
        styles: what marks in the text came to (``text_mode: styled``).
        edits: times of the edits; ``text`` is the latest.
        deleted: taken back; then there is no text.
        timer: seconds; 0 does not disappear.
        at: when it arrived, microseconds.
        expires_at: when it goes from this phone, microseconds.
    """

    author: str
    timestamp: int
    group: str | None
    text: str | None = field(repr=False)
    files: tuple[SeenFile, ...]
    quote: Mapping[str, Any] | None = field(repr=False)
    styles: tuple[Mapping[str, Any], ...]
    mentions: tuple[Mapping[str, Any], ...]
    edits: tuple[int, ...]
    deleted: bool
    reactions: Mapping[str, str]
    timer: int
    at: int
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class Lost:
    """A received thing that reached nobody, for good; see ``daemon.Loss``.

    Attributes:
        at: when it was lost, microseconds.
        received: when the service got it, microseconds.
        timestamp: of the message, milliseconds; 0 for receipts and typing.
        room: the group's REST id; None on a private line.
        kind: message, receipt or typing.
    """

    at: int
    received: int
    author: str
    timestamp: int
    room: str | None
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that the REST server got, and what it answered.

    Attributes:
        route: the path as in the description.
        verb: the call's name in ``rest.ROUTES``.
        body: parsed JSON; ``{"bytes": n}`` when very long.
    """

    at: int
    method: str
    path: str
    route: str
    verb: str
    query: Mapping[str, str]
    body: Any = field(repr=False)
    status: int


class Control:
    """The hand of one stand-in.

    Args:
        url: ``process.Running.control``.
        token: ``process.Running.token``.
    """

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loopback in the clear: no certificates
        self._http = httpx.AsyncClient(
            base_url=url, headers=headers, timeout=WAIT, trust_env=False, verify=nobody
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the line; the stand-in goes on."""
        await self._http.aclose()

    async def _do(self, what: str, /, **fields: Any) -> Json:
        answer = await self._http.post(f"/far/{what}", json=fields)
        told: Json = answer.json()
        if answer.status_code != httpx.codes.OK:
            raise NotDoneError(told.get("error", "refused"))
        return told

    # who there is

    async def person(
        self,
        name: str,
        *,
        number: str | None = None,
        username: str | None = None,
        hides_number: bool | None = None,
        auto_join: bool | None = None,
        receipts: bool | None = None,
    ) -> Person:
        """Somebody, new or known; what is given is set.

        Args:
            name: the person, here and as profile name.
            number: of a new account.
            username: such as ``ann.01``.
            hides_number: nobody sees the number.
            auto_join: whoever asks the person into a group has him in it at once.
            receipts: the phone acknowledges what arrives.
        """
        told = await self._do(
            "person",
            name=name,
            number=number,
            username=username,
            hides_number=hides_number,
            auto_join=auto_join,
            receipts=receipts,
        )
        return _person(told)

    async def people(self) -> tuple[Person, ...]:
        """Everybody, our account first."""
        return tuple(_person(each) for each in (await self._do("people"))["people"])

    # groups

    async def make_group(
        self,
        by: str,
        members: Sequence[str],
        *,
        name: str = "",
        admins: Sequence[str] = (),
        timer: int = 0,
    ) -> str:
        """A group that a person makes; returns its REST id. ``timer`` in seconds."""
        told = await self._do(
            "make_group", by=by, members=list(members), name=name, admins=list(admins), timer=timer
        )
        return str(told["group"])

    async def group(self, group: str) -> Group:
        """A group as it truly is."""
        told = await self._do("group", group=group)
        lists = ("members", "admins", "pending", "asking")
        return Group(**(told | {name: tuple(told[name]) for name in lists}))

    async def groups(self) -> tuple[str, ...]:
        """REST ids of all groups, oldest first."""
        return tuple((await self._do("groups"))["groups"])

    async def add_member(self, group: str, name: str, *, by: str | None = None) -> None:
        """Somebody comes in behind our back; ``by`` an admin who is not us if None."""
        await self._do("add_member", group=group, name=name, by=by)

    async def remove_member(self, group: str, name: str, *, by: str | None = None) -> None:
        """Somebody (also ``bot``) is put out."""
        await self._do("put_out", group=group, name=name, by=by)

    async def grant_admin(self, group: str, name: str, *, by: str | None = None) -> None:
        """Somebody becomes an admin."""
        await self._do("role", group=group, name=name, admin=True, by=by)

    async def revoke_admin(self, group: str, name: str, *, by: str | None = None) -> None:
        """Somebody (also ``bot``) is no admin any more."""
        await self._do("role", group=group, name=name, admin=False, by=by)

    async def change(self, group: str, *, by: str | None = None, **settings: str) -> None:
        """Sets name, description, link, add_members, edit_group or send_messages."""
        await self._do("change", group=group, by=by, settings=settings)

    async def enable_link(
        self, group: str, *, by: str | None = None, approval: bool = False
    ) -> None:
        """Switches the invitation link on."""
        state = "enabled-with-approval" if approval else "enabled"
        await self.change(group, by=by, link=state)

    async def accept(self, group: str, name: str) -> None:
        """An invited person accepts, or one who asked by the link is let in."""
        await self._do("accept", group=group, name=name)

    async def follow_link(self, group: str, name: str) -> None:
        """Somebody comes by the link: in at once, or asking."""
        await self._do("follow_link", group=group, name=name)

    async def leave(self, group: str, name: str) -> None:
        """Somebody goes."""
        await self._do("leave", group=group, name=name)

    async def set_timer(self, by: str, seconds: int, *, group: str | None = None) -> int:
        """Sets a group's time to live, or that of the private line with us; seconds."""
        told = await self._do("set_timer", by=by, seconds=seconds, group=group)
        return int(told["timestamp"])

    # messages

    async def write(
        self,
        by: str,
        text: str,
        *,
        group: str | None = None,
        to: str = "bot",
        files: Sequence[Upload] = (),
        quote: tuple[str, int] | None = None,
        mentions: Sequence[tuple[int, int, str]] = (),
        edits: int | None = None,
        view_once: bool = False,
        device: int = 1,
    ) -> int:
        """A person writes into a group, or to somebody; returns the message's time.

        Args:
            by: the person.
            text: what.
            group: where; None for a private line.
            to: with whom, on a private line.
            files: what goes with it.
            quote: author and time of the message that it answers.
            mentions: start and length in UTF-16 code units, and the person's name.
            edits: time of the message that it replaces.
            view_once: the files can be seen once.
            device: number of the person's device.

        Raises:
            NotDoneError: the person may not.
        """
        told = await self._write(
            by=by,
            text=text,
            group=group,
            to=to,
            files=[_sent(each) for each in files],
            quote=None if quote is None else {"author": quote[0], "timestamp": quote[1]},
            mentions=[{"start": s, "length": n, "name": who} for s, n, who in mentions],
            edits=edits,
            view_once=view_once,
            device=device,
        )
        return int(told["timestamp"])

    async def _write(self, **fields: Any) -> Json:
        empty: Json = {"text": None, "files": [], "quote": None, "mentions": [], "edits": None}
        plain: Json = {"view_once": False, "device": 1, "broken": None, "to": "bot"}
        return await self._do("write", **(empty | plain | fields))

    async def edit(self, by: str, timestamp: int, text: str, *, group: str | None = None) -> int:
        """A person replaces a message of his."""
        return await self.write(by, text, group=group, edits=timestamp)

    async def delete(self, by: str, timestamp: int, *, group: str | None = None) -> int:
        """A person takes a message of his back."""
        told = await self._do("delete", by=by, timestamp=timestamp, group=group, to="bot")
        return int(told["timestamp"])

    async def react(
        self,
        by: str,
        author: str,
        timestamp: int,
        emoji: str,
        *,
        group: str | None = None,
        remove: bool = False,
    ) -> int:
        """A person reacts to a message, or takes that off."""
        told = await self._do(
            "react",
            by=by,
            author=author,
            timestamp=timestamp,
            emoji=emoji,
            group=group,
            remove=remove,
            to="bot",
        )
        return int(told["timestamp"])

    async def unreadable(
        self,
        by: str,
        *,
        group: str | None = None,
        exception: str = "ProtocolInvalidMessageException: invalid message",
    ) -> int:
        """A person writes what our client cannot open: the envelope has an exception beside it."""
        told = await self._write(by=by, text="", group=group, broken=exception)
        return int(told["timestamp"])

    async def read(self, by: str, timestamps: Sequence[int], *, kind: str = "read") -> None:
        """A person's phone acknowledges messages of ours: ``read``, ``viewed``, ``delivery``."""
        await self._do("receipt", by=by, timestamps=list(timestamps), kind=kind)

    async def typing(self, by: str, *, group: str | None = None, began: bool = True) -> None:
        """A person types, or stops."""
        await self._do("typing", by=by, group=group, began=began)

    async def own(
        self, text: str, *, group: str | None = None, to: str | None = None, device: int = 2
    ) -> int:
        """Another device of our account writes: we get the copy (``syncMessage``)."""
        told = await self._do("own", text=text, group=group, to=to, device=device)
        return int(told["timestamp"])

    async def arrived(self, name: str, group: str | None = None) -> tuple[Message, ...]:
        """What a person's phone shows now, in order of arrival, his own messages too."""
        told = await self._do("arrived", name=name, group=group)
        return tuple(_message(each) for each in told["messages"])

    async def noticed(self, name: str) -> tuple[tuple[str, str, int], ...]:
        """What else a phone got: kind (update, timer, read, typing_start, …), where, when."""
        told = await self._do("noticed", name=name)
        return tuple((kind, where, when) for kind, where, when in told["noticed"])

    async def download(self, sha256: str) -> bytes:
        """A file that some phone has."""
        return base64.b64decode((await self._do("download", sha256=sha256))["data"])

    # keys, devices, registration

    async def reinstall(self, name: str, *, tell: bool = True) -> Person:
        """A person has a new identity key, so a new safety number.

        Args:
            name: the person.
            tell: his phone writes to us at once; else our server learns it at the next contact.
        """
        return _person(await self._do("reinstall", name=name, tell=tell))

    async def identity(self, name: str) -> str | None:
        """What our server thinks of a person's key of now; None when it never saw it."""
        status = (await self._do("identity", name=name))["status"]
        return None if status is None else str(status)

    async def add_device(self, name: str, device_name: str = "laptop") -> int:
        """An account (``bot``: ours) has another device; returns its number."""
        return int((await self._do("add_device", name=name, device_name=device_name))["device"])

    async def lose_registration(self, name: str = "bot") -> None:
        """The service, and so signal-cli, no longer has the account."""
        await self._do("registration", name=name, registered=False)

    async def register(self, name: str = "bot") -> None:
        """It has it again."""
        await self._do("registration", name=name, registered=True)

    async def account(self) -> Mapping[str, Any]:
        """What our server keeps: profile, has_avatar, pin, files, trust_mode."""
        return await self._do("account")

    async def profile(self, name: str) -> None:
        """Sets our account's profile name; without one it makes no groups."""
        await self._do("profile", name=name)

    # what goes wrong

    async def fault(
        self,
        kind: FaultKind,
        *,
        verb: str | None = None,
        times: int | None = 1,
        amount: int = 0,
        text: str = "",
        who: Sequence[str] = (),
    ) -> None:
        """Arms a fault, see ``faults.FaultKind``; ``verb`` as in ``rest.ROUTES``, or ``*``."""
        fields = {"verb": verb, "times": times, "amount": amount, "text": text}
        await self._do("fault", kind=str(kind), who=list(who), **fields)

    async def clear_faults(self) -> None:
        """Nothing goes wrong any more."""
        await self._do("clear_faults")

    async def refuse(self, verb: str = "send", *, text: str = "") -> None:
        """The next call is refused by signal-cli: 400 (500 where that is so)."""
        await self.fault(FaultKind.REFUSE, verb=verb, text=text)

    async def unavailable(self, verb: str = "send", *, status: int = 503) -> None:
        """A proxy before the server answers the next call."""
        await self.fault(FaultKind.UNAVAILABLE, verb=verb, amount=status)

    async def rate_limit(self, token: str = "", *, times: int | None = 1) -> None:
        """The next sending is too much; ``times=None``: until the challenge is answered."""
        await self.fault(FaultKind.RATE_LIMIT, text=token, times=times)

    async def cut_lost(self, verb: str = "send") -> None:
        """The next call is read, nothing is done, the connection is reset."""
        await self.fault(FaultKind.CUT_LOST, verb=verb)

    async def cut_after(self, verb: str = "send") -> None:
        """The next call is done, and the connection is reset before an answer."""
        await self.fault(FaultKind.CUT_AFTER, verb=verb)

    async def cut_midway(self, verb: str = "send") -> None:
        """The next call is done, and the connection is reset in the middle of the answer."""
        await self.fault(FaultKind.CUT_MIDWAY, verb=verb)

    async def answer_nothing(self, verb: str = "send") -> None:
        """The next call is answered with success that names nothing; nothing is done."""
        await self.fault(FaultKind.NOTHING, verb=verb)

    async def lie(self, verb: str = "send") -> None:
        """The next send or group update is answered as if done; nothing is done."""
        await self.fault(FaultKind.LIE, verb=verb)

    async def garbage(self, verb: str = "send", *, status: int = 0) -> None:
        """The next call is done, its answer is a page of HTML."""
        await self.fault(FaultKind.GARBAGE, verb=verb, amount=status)

    async def slow(self, verb: str = "send", *, by: int = 200_000) -> None:
        """The next call is done so many microseconds late."""
        await self.fault(FaultKind.SLOW, verb=verb, amount=by)

    async def hang(self, verb: str = "send", *, done: bool = True) -> None:
        """The next call is never answered; ``done``: what it asks for is done."""
        await self.fault(FaultKind.HANG if done else FaultKind.HANG_LOST, verb=verb)

    async def fail_recipients(
        self, who: Sequence[str] = (), *, reason: str = "NETWORK_FAILURE"
    ) -> None:
        """The next sending does not reach these people (all but one if none is named)."""
        await self.fault(FaultKind.FAIL_RECIPIENTS, who=who, text=reason)

    async def partial_members(self, verb: str = "*") -> None:
        """The next group read leaves out a member and an admin."""
        await self.fault(FaultKind.PARTIAL_MEMBERS, verb=verb)

    async def garbage_members(self, verb: str = "*") -> None:
        """The next group read has no list where its members should be."""
        await self.fault(FaultKind.GARBAGE_MEMBERS, verb=verb)

    async def ignore_timer(self) -> None:
        """The next group made or changed keeps its time to live, and nobody says so."""
        await self.fault(FaultKind.IGNORE_TIMER)

    async def drop_webhook(self, times: int = 1) -> None:
        """So many received lines are not posted: lost."""
        await self.fault(FaultKind.DROP_WEBHOOK, times=times)

    async def duplicate_webhook(self, times: int = 1) -> None:
        """So many received lines are posted twice."""
        await self.fault(FaultKind.TWICE_WEBHOOK, times=times)

    async def go_down(self) -> None:
        """The server is gone: connections refused; messages wait at the service."""
        await self._do("go_down")

    async def come_back(self) -> None:
        """The server is there again, and gets what waited."""
        await self._do("come_back")

    async def lose_daemon(self) -> None:
        """signal-cli is gone: health and about answer as ever, all else never."""
        await self._do("daemon", there=False)

    async def find_daemon(self) -> None:
        """signal-cli is there again; what was asked in between stays unanswered."""
        await self._do("daemon", there=True)

    async def webhook(self, url: str) -> None:
        """Sets ``RECEIVE_WEBHOOK_URL``; empty: nobody is told."""
        await self._do("webhook", url=url)

    async def settle(self, seconds: float = WAIT) -> None:
        """Waits until all that was received is posted or lost."""
        await self._do("settle", seconds=seconds)

    async def losses(self) -> tuple[Lost, ...]:
        """What reached nobody, for good, in order."""
        return tuple(Lost(**each) for each in (await self._do("losses"))["losses"])

    async def waiting(self) -> int:
        """How much waits at the service for our server."""
        return int((await self._do("losses"))["waiting"])

    async def requests(self) -> tuple[Asked, ...]:
        """Requests that the server got, in order."""
        return tuple(Asked(**each) for each in (await self._do("requests"))["requests"])

    async def forget_requests(self) -> None:
        """Forgets them."""
        await self._do("forget_requests")

    async def advance(self, by: int) -> int:
        """Puts the far side's clock forward, microseconds; returns its time."""
        return int((await self._do("clock", by=by))["now"])

    async def reset(self, **options: Any) -> None:
        """A new network with nobody on it, set up as at the start but for ``options.Options``."""
        await self._do("reset", options=options)


def _person(told: Json) -> Person:
    return Person(**(told | {"devices": tuple(told["devices"])}))


def _sent(upload: Upload) -> Json:
    data = base64.b64encode(upload.data).decode()
    return {"name": upload.name, "content_type": upload.content_type, "data": data}


def _message(told: Json) -> Message:
    lists = {name: tuple(told[name]) for name in ("styles", "mentions", "edits")}
    files = tuple(SeenFile(**each) for each in told["files"])
    return Message(**(told | lists | {"files": files}))
