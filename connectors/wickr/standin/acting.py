"""What people do with their apps, and what these show, over the far side's own line.

Rule kept here: one method is one thing that a person does; nothing is put together here.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.shared.standin.line import Json, Line
from connectors.wickr.standin.views import Message, Person, Room, SeenFile, Upload


class Acting(Line):
    """People and their apps."""

    # who there is

    async def person(
        self, name: str, *, guest: bool | None = None, active: bool | None = None
    ) -> Person:
        """Somebody, new or known; what is given is set.

        Args:
            name: the person; the account is ``NAME@example.test`` (``bot``: ours).
            guest: not of our network.
            active: not suspended by the network's administrator.
        """
        return Person(**await self._do("person", name=name, guest=guest, active=active))

    async def people(self) -> tuple[Person, ...]:
        """Everybody, our account first."""
        return tuple(Person(**each) for each in (await self._do("people"))["people"])

    async def reinstall(self, name: str, *, tell: bool = True) -> Person:
        """A person has another key; ``tell``: our client gets a verification message."""
        return Person(**await self._do("reinstall", name=name, tell=tell))

    # rooms

    async def make_room(
        self,
        by: str,
        members: Sequence[str],
        *,
        masters: Sequence[str] = (),
        title: str = "room",
        description: str = "room",
        ttl: int = 0,
        group: bool = False,
    ) -> str:
        """A room (or a group conversation) that a person makes; its vGroupID. ``ttl``: seconds."""
        named = {"title": title, "description": description, "ttl": ttl}
        kind, lists = "group" if group else "room", {"members": [*members], "masters": [*masters]}
        return str((await self._do("make_room", by=by, kind=kind, **lists, **named))["room"])

    async def room(self, room: str) -> Room:
        """A room as it truly is."""
        told = await self._do("room", room=room)
        return Room(**told | {n: tuple(told[n]) for n in ("members", "masters", "hidden")})

    async def rooms(self) -> tuple[str, ...]:
        """All rooms and groups by vGroupID, oldest first."""
        return tuple((await self._do("rooms"))["rooms"])

    async def add_member(
        self, room: str, name: str, *, by: str | None = None, hidden: bool = False
    ) -> None:
        """Somebody comes in behind our back; ``hidden``: no listing and no message says so."""
        await self._do("add_member", room=room, name=name, by=by, hidden=hidden)

    async def remove_member(self, room: str, name: str, *, by: str | None = None) -> None:
        """Somebody (also ``bot``) is put out."""
        await self._do("put_out", room=room, name=name, by=by)

    async def grant_master(self, room: str, name: str, *, by: str | None = None) -> None:
        """Somebody becomes a moderator."""
        await self._do("role", room=room, name=name, master=True, by=by)

    async def revoke_master(self, room: str, name: str, *, by: str | None = None) -> None:
        """Somebody (also ``bot``) is no moderator any more."""
        await self._do("role", room=room, name=name, master=False, by=by)

    async def change(self, room: str, *, by: str | None = None, **settings: str | int) -> None:
        """Sets title, description, ttl or bor (seconds; a ttl of 0: none is shown)."""
        await self._do("change", room=room, by=by, settings=settings)

    async def leave(self, room: str, name: str) -> None:
        """Somebody goes."""
        await self._do("leave", room=room, name=name)

    async def vanish(self, room: str, *, by: str | None = None, tell: bool = True) -> None:
        """A room is gone; ``tell``: with the message that says so."""
        await self._do("vanish", room=room, by=by, tell=tell)

    # messages

    async def write(
        self,
        by: str,
        text: str = "",
        *,
        room: str | None = None,
        to: str = "bot",
        file: Upload | None = None,
        ttl: int = 0,
        bor: int = 0,
    ) -> str:
        """A person writes into a room, or to somebody; returns the ``message_id``.

        Args:
            by: the person.
            text: what; a message is a text or a file.
            room: where; None for a private line.
            to: with whom, on a private line.
            file: in the place of a text.
            ttl: seconds; 0: as the room has it.
            bor: seconds after it was read; 0: as the room has it.

        Raises:
            NotDoneError: the person is not there.
        """
        fields = {"room": room, "to": to, "file": _sent(file), "ttl": ttl, "bor": bor}
        return str((await self._do("write", by=by, text=text, **fields))["message"])

    async def odd(
        self,
        by: str,
        *,
        room: str | None = None,
        msgtype: int = 1000,
        fields: Mapping[str, Any] | None = None,
        without: Sequence[str] = (),
    ) -> str:
        """Something rare comes: of another type, with further fields, or without usual ones."""
        more = {"odd": dict(fields or {}), "without": list(without)}
        return str((await self._do("write", by=by, room=room, msgtype=msgtype, **more))["message"])

    async def garbled(self, by: str, *, room: str | None = None) -> str:
        """A person writes, and our client hands it out as something that is no JSON."""
        return str((await self._do("write", by=by, room=room, garbled=True))["message"])

    async def recall(
        self, by: str, message: str, *, room: str | None = None, everywhere: bool = True
    ) -> str:
        """A person takes a message of his back, from everybody or from his own devices."""
        fields = {"message": message, "room": room, "everywhere": everywhere}
        return str((await self._do("recall", by=by, **fields))["message"])

    async def read(self, name: str, message: str) -> None:
        """A person has a message before his eyes: it burns from now on, if it does."""
        await self._do("read", name=name, message=message)

    async def arrived(self, name: str, room: str | None = None) -> tuple[Message, ...]:
        """What a person's app shows now, in order of arrival, his own messages too."""
        told = await self._do("arrived", name=name, room=room)
        return tuple(_message(each) for each in told["messages"])

    async def download(self, sha256: str) -> bytes:
        """A file that some app has."""
        return base64.b64decode((await self._do("download", sha256=sha256))["data"])


def _sent(file: Upload | None) -> Json | None:
    if file is None:
        return None
    data = base64.b64encode(file.data).decode()
    return {"name": file.name, "data": data, "screenshot": file.screenshot}


def _message(told: Json) -> Message:
    file = told["file"]
    return Message(**told | {"file": None if file is None else SeenFile(**file)})
