"""What people do on their phones, and what these show, over the far side's own line.

Rule kept here: one method is one thing that a person does; nothing is put together here.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.shared.standin.line import Json, Line
from connectors.signal.standin.views import Group, Message, Person, SeenFile, Upload


class Acting(Line):
    """People and their phones."""

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
        lists = ("members", "admins", "pending", "asking", "banned")
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

    async def vanish(self, group: str) -> None:
        """The service has the group no more; nobody is told."""
        await self._do("vanish", group=group)

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
        at: int | None = None,
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
            at: its time in milliseconds, for a phone whose clock is wrong.

        Raises:
            NotDoneError: the person may not.
        """
        told = await self._do(
            "write",
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
            at=at,
        )
        return int(told["timestamp"])

    async def edit(self, by: str, timestamp: int, text: str, *, group: str | None = None) -> int:
        """A person replaces a message of his."""
        return await self.write(by, text, group=group, edits=timestamp)

    async def delete(self, by: str, timestamp: int, *, group: str | None = None) -> int:
        """A person takes a message of his back."""
        told = await self._do("delete", by=by, timestamp=timestamp, group=group, to="bot")
        return int(told["timestamp"])

    async def admin_delete(self, by: str, author: str, timestamp: int, *, group: str) -> int:
        """An admin takes away what somebody else (also ``bot``) wrote."""
        told = await self._do(
            "admin_delete", by=by, author=author, timestamp=timestamp, group=group
        )
        return int(told["timestamp"])

    async def odd(
        self,
        by: str,
        *,
        group: str | None = None,
        data: Mapping[str, Any] | None = None,
        instead: Mapping[str, Any] | None = None,
    ) -> int:
        """A person sends something rare.

        Args:
            by: the person.
            group: where; None for the private line with us.
            data: fields of its ``dataMessage``: a sticker, a poll, a card, a payment.
            instead: what comes in the place of a ``dataMessage``, such as a ``callMessage``.
        """
        told = await self._do(
            "write", by=by, text=None, group=group, odd=data or {}, instead=instead or {}
        )
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
        told = await self._do("write", by=by, group=group, broken=exception)
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


def _person(told: Json) -> Person:
    return Person(**(told | {"devices": tuple(told["devices"])}))


def _sent(upload: Upload) -> Json:
    data = base64.b64encode(upload.data).decode()
    return {"name": upload.name, "content_type": upload.content_type, "data": data}


def _message(told: Json) -> Message:
    lists = {name: tuple(told[name]) for name in ("styles", "mentions", "edits")}
    files = tuple(SeenFile(**each) for each in told["files"])
    return Message(**(told | lists | {"files": files}))
