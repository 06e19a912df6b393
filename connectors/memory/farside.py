"""The far side's hand: what people's own clients do and see, and what only the network knows.

Rule kept here: nothing here goes through a connector. What a person's client shows is read from
the network by that person's account and keys, so it is evidence of what arrived.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from connectors.memory.faults import FaultKind
from connectors.memory.handler import Handler, Session
from connectors.memory.links import Address, LocalLink, SocketLink
from connectors.memory.network import Network
from connectors.memory.wire import JsonObject, Link

WAIT = 30.0
"""Seconds for an answer."""
EVERYTHING = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as a person's client shows it."""

    file: str
    name: str = field(repr=False)
    media_type: str = field(repr=False)
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as a person's client shows it.

    Attributes:
        arrival: its number in the network's order.
        key: the sender's delivery key, None for a person's message.
        marked: it says of itself that it may be a repetition.
        unreadable: code why this client cannot open it; then there is no content.
        gone: taken back or expired; then there is no content.
    """

    id: str
    arrival: int
    room: str
    sender: str
    text: str = field(repr=False)
    subject: str | None = field(repr=False)
    author_line: str | None = field(repr=False)
    quoted: str | None = field(repr=False)
    files: tuple[SeenFile, ...]
    at: int
    key: str | None
    attempt: int
    marked: bool
    reply_to: str | None
    edits: str | None
    direct: bool
    gone: bool
    unreadable: str | None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a person sends; his app may say that it is a picture of his screen."""

    name: str = field(repr=False)
    data: bytes = field(repr=False)
    media_type: str = "application/octet-stream"
    screenshot: bool = False


class FarSide:
    """People and the network itself. Make it with ``of`` or ``at``.

    Args:
        link: the far side's line.
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    @classmethod
    def of(cls, network: Network) -> Self:
        """The far side of a network in this process."""
        return cls(LocalLink(Handler(network), Session("", far=True), WAIT))

    @classmethod
    def at(cls, address: str) -> Self:
        """The far side of a network in another process, see ``Address.parse``."""
        return cls(SocketLink(Address.parse(address), Session("", far=True), WAIT))

    async def close(self) -> None:
        """Ends the line; the network goes on."""
        await self._link.close()

    async def _do(self, verb: str, **fields: object) -> JsonObject:
        return await self._link.call(verb, fields)

    # what people do

    async def register(
        self, account: str, devices: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """An account, new or known, with these devices (name -> key); returns its devices."""
        named = None if devices is None else dict(devices)
        answer = await self._do("register", account=account, devices=named)
        return dict(answer["devices"])

    async def make_room(
        self,
        account: str,
        members: Sequence[str],
        *,
        admins: Sequence[str] = (),
        timer: int | None = None,
        name: str = "",
        **flags: bool,
    ) -> str:
        """A room made by a person; ``flags`` switch off what is else hardened (``FLAGS``)."""
        answer = await self._do(
            "make_room",
            account=account,
            members=list(members),
            admins=list(admins),
            timer=timer,
            name=name,
            flags=flags,
        )
        return str(answer["room"])

    async def write(
        self,
        account: str,
        room: str,
        text: str,
        *,
        subject: str | None = None,
        files: Sequence[Upload] = (),
        device: str | None = None,
        reply_to: str | None = None,
        quote: bool = False,
        edits: str | None = None,
        unreadable: str | None = None,
    ) -> str:
        """A person writes into a room; returns the message's name.

        Args:
            account: the person.
            room: where.
            text: what.
            subject: the message's subject.
            files: what goes with it.
            device: the device that seals it; the account's first if None.
            reply_to: the message that it answers.
            quote: the answered text goes inside.
            edits: the message that it replaces.
            unreadable: a code; nobody's keys open the message.

        Raises:
            Refusal: the network's rules forbid it.
        """
        answer = await self._write(
            files,
            account=account,
            room=room,
            text=text,
            subject=subject,
            device=device,
            reply_to=reply_to,
            quote=quote,
            edits=edits,
            broken=unreadable,
        )
        return str(answer["id"])

    async def direct(
        self,
        account: str,
        to: str,
        text: str,
        *,
        subject: str | None = None,
        files: Sequence[Upload] = (),
        reply_to: str | None = None,
    ) -> tuple[str, str]:
        """A person writes to an account on their private line; returns room and message."""
        answer = await self._write(
            files, account=account, to=to, text=text, subject=subject, reply_to=reply_to
        )
        return str(answer["room"]), str(answer["id"])

    async def _write(self, files: Sequence[Upload], **fields: object) -> JsonObject:
        named = [await self._bring(each) for each in files]
        return await self._do("write", files=named, **fields)

    async def _bring(self, upload: Upload) -> JsonObject:
        answer = await self._link.call("upload", {}, _once(upload.data))
        named = {"name": upload.name, "media_type": upload.media_type}
        return named | {"file": answer["file"], "screenshot": upload.screenshot}

    async def edit(self, account: str, room: str, message: str, text: str) -> str:
        """A person replaces a message; returns the new message's name."""
        return await self.write(account, room, text, edits=message)

    async def delete(self, account: str, room: str, message: str) -> None:
        """A person takes a message back."""
        await self._do("redact", account=account, room=room, message=message)

    async def inbox(
        self, account: str, room: str | None = None, *, after: int = 0, most: int = EVERYTHING
    ) -> tuple[Seen, ...]:
        """What a person's client shows, in order of arrival.

        Args:
            account: the person.
            room: only this room.
            after: only later arrivals than this number.
            most: at most so many.
        """
        answer = await self._do("inbox", account=account, room=room, after=after, most=most)
        return tuple(_seen(each) for each in answer["messages"])

    def download(self, file: SeenFile) -> AsyncIterator[bytes]:
        """A file's bytes in pieces."""
        return self._link.fetch("fetch", {"file": file.file})

    async def join(self, account: str, room: str) -> None:
        """Follows an invitation."""
        await self._do("join", account=account, room=room)

    async def leave(self, account: str, room: str) -> None:
        """Goes out of a room."""
        await self._do("leave", account=account, room=room)

    async def add_member(
        self, room: str, account: str, *, by: str | None = None, admin: bool = False
    ) -> None:
        """An admin lets somebody in from his phone; without ``by`` the network itself does."""
        await self._do("add_member", room=room, account=account, by=by, admin=admin)

    async def remove_member(self, room: str, account: str, *, by: str | None = None) -> None:
        """Somebody is put out."""
        await self._do("remove_member", room=room, account=account, by=by)

    async def set_admin(
        self, room: str, account: str, *, admin: bool, by: str | None = None
    ) -> None:
        """Makes an admin, or an admin an ordinary member who may not post behind a gate."""
        await self._do("role", room=room, account=account, admin=admin, by=by)

    async def change(self, room: str, *, by: str | None = None, **settings: object) -> None:
        """Changes settings.

        Args:
            room: which.
            by: who does it.
            settings: ``timer`` (microseconds or None), ``gate`` (accounts that alone may post, or
                None), and each of ``connectors.memory.model.FLAGS`` (bool).
        """
        await self._do("change", room=room, by=by, settings=settings)

    async def add_device(self, account: str, device: str, key: str) -> None:
        """A new device, or a known one with another key; those who share a room hear of it."""
        await self._do("device", account=account, device=device, key=key)

    async def change_key(self, account: str, device: str, key: str) -> None:
        """A device's key becomes another."""
        await self.add_device(account, device, key)

    async def remove_device(self, account: str, device: str) -> None:
        """A device is given up."""
        await self._do("drop_device", account=account, device=device)

    async def receipt(self, account: str, room: str, message: str, kind: str = "read") -> None:
        """A person's client says ``delivered`` or ``read``."""
        await self._do("receipt", account=account, room=room, message=message, kind=kind)

    async def opened(self, account: str, room: str, *, by: str) -> list[str]:
        """Texts of a sender that an account could open, whether or not it sits in the room."""
        return list((await self._do("opened", account=account, room=room, by=by))["texts"])

    # what only the network itself can do, or know

    async def hide_member(self, room: str, account: str) -> None:
        """Somebody who reads and is in no list."""
        await self._do("hide", room=room, account=account)

    async def vanish(self, room: str) -> None:
        """The room is no more."""
        await self._do("vanish", room=room)

    async def set_keys(self, account: str, *, held: bool) -> None:
        """An account loses its keys, or finds them."""
        await self._do("keys", account=account, held=held)

    async def set_signed_in(self, account: str, *, signed_in: bool) -> None:
        """The network ends an account's session, or takes it back."""
        await self._do("sign", account=account, signed_in=signed_in)

    async def skew(self, by: int) -> None:
        """The network's clock is off by so many microseconds."""
        await self._do("skew", by=by)

    async def arrived(self, room: str | None = None) -> list[JsonObject]:
        """Every message in order of arrival, as the record has it: hashes, never text."""
        return list((await self._do("arrived", room=room))["arrived"])

    async def state(self, room: str) -> JsonObject:
        """``name flags timer posters direct seats`` of a room, hidden members included."""
        return await self._do("state", room=room)

    async def directory(self) -> JsonObject:
        """``accounts`` (name -> devices) and ``rooms`` (name that the server sees)."""
        return await self._do("directory")

    async def inject(
        self,
        kind: FaultKind,
        *,
        verb: str | None = None,
        times: int | None = 1,
        room: str | None = None,
        amount: int = 0,
    ) -> None:
        """Arms a fault.

        Args:
            kind: what goes wrong.
            verb: for which call: ``send create redact upload ping posture members find peek
                devices invite remove role harden rotate sync``, ``acts`` for what changes a room,
                or ``*`` for all; the kind's usual one if None, else ``send``.
            times: how often; None until ``clear_faults``.
            room: only there.
            amount: microseconds, for SLOW and RATE_LIMIT.
        """
        await self._do(
            "inject", kind=kind.value, fault_verb=verb, times=times, room=room, amount=amount
        )

    async def clear_faults(self) -> None:
        """Nothing goes wrong any more."""
        await self._do("clear")

    async def reset(self, **options: object) -> None:
        """Forgets everything; ``options`` are fields of ``Options``, kept as they are if none."""
        await self._do("reset", options=options)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _seen(view: JsonObject) -> Seen:
    fields = {name: view[name] for name in Seen.__dataclass_fields__ if name != "files"}
    names = SeenFile.__dataclass_fields__
    files = tuple(SeenFile(**{name: each[name] for name in names}) for each in view["files"])
    return Seen(**fields, files=files)
