"""Wickr's stand-in, a real Prosody and Signal's own daemon as stand-in, each with its people.

Rule kept here: what somebody may read, who sits where and how a room is set is asked of the far
side (the stand-in's own hand, another XMPP client), never of our connector.
"""

import asyncio
import base64
import secrets
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pytest

from connectors.signal.standin import process as signal_process
from connectors.signal.standin.control import Control as SignalHand
from connectors.signal.standin.faults import FaultKind as SignalFault
from connectors.wickr.standin import process as wickr_process
from connectors.wickr.standin.control import CHANGES, NotDoneError
from connectors.wickr.standin.control import Control as WickrHand
from connectors.wickr.standin.faults import FaultKind as WickrFault
from connectors.xmpp import wire
from orchestrator.demo.phones import NUMBER
from tests.connectors.xmpp.people import PASSWORD, Crowd, Person
from tests.connectors.xmpp.prosody import DOMAIN, FILES, ROOMS, NoProsodyError, Prosody
from tiers.ids import AccountId, ConnectorName, RoomId
from tiers.people import Roster

from .house import HIGHEST, roster
from .networks import secret

OWNER, STRANGER = "ada", "zed"
EVERYBODY = (*HIGHEST, STRANGER)
TIMER = """timer = { least = "attested", at_most = "7 d" }"""


class FarSide(Protocol):
    """What a scenario needs of a network.

    Attributes:
        name: of the channel.
        accounts: of everybody, the stranger too.
        demands: what its rooms are held to beside the policy's own for coordination.
    """

    name: ClassVar[str]
    accounts: dict[str, AccountId]
    demands: ClassVar[tuple[str, ...]]

    async def open(self, folder: Path, stack: AsyncExitStack) -> None: ...

    def flags(self) -> dict[str, str]:
        """The channel's settings and secrets."""
        ...

    async def come_in(self, who: str, room: RoomId) -> None:
        """A person's client goes in where it is let in."""
        ...

    async def let_in(self, room: RoomId, who: str) -> None:
        """The room's owner lets somebody in from his own client."""
        ...

    async def put_out(self, room: RoomId, who: str) -> None: ...

    async def raise_up(self, room: RoomId, who: str) -> None:
        """Somebody who may lets a member change the room."""
        ...

    async def loosen(self, room: RoomId) -> None:
        """Somebody who may takes off a setting that the room is held to."""
        ...

    async def strict(self, room: RoomId) -> bool:
        """That setting is as it is demanded."""
        ...

    async def seated(self, room: RoomId) -> set[str]:
        """Who is in, or may come in; our own account left out."""
        ...

    async def ruling(self, room: RoomId) -> set[str]:
        """Who of the people may change the room."""
        ...

    async def write(self, who: str, room: RoomId, text: str) -> bool:
        """A person writes in a room, if his network lets him; whether it did."""
        ...

    async def write_direct(self, who: str, text: str) -> None:
        """A person writes to us alone."""
        ...

    async def go_away(self) -> None:
        """Our way to the network is gone."""
        ...

    async def come_back(self) -> None: ...

    async def shown(self, who: str, room: RoomId) -> list[str]:
        """What a person's client shows of us in a room."""
        ...

    async def whispered(self, who: str, line: RoomId) -> list[str]:
        """What his client shows of us in his private line."""
        ...


def listed(far: FarSide) -> Roster:
    """The made-up roster, each person with his account on this network."""
    found, name = roster(), ConnectorName(far.name)
    people = (replace(p, accounts={name: far.accounts[p.person_id]}) for p in found.people)
    return replace(found, people=tuple(people))


def _flags(kind: str, settings: Mapping[str, object], hidden: Mapping[str, str]) -> dict[str, str]:
    place = f"channels.{kind}"
    return {
        f"{place}.kind": kind,
        **{f"{place}.settings.{name}": str(value) for name, value in settings.items()},
        **{f"{place}.secrets.{name}": value for name, value in hidden.items()},
    }


def _state(folder: Path) -> str:
    return secret(folder, "state", base64.b64encode(secrets.token_bytes(32)).decode())


@dataclass
class Wickr:
    """The stand-in of the web interface, and apps."""

    name: ClassVar[str] = "wickr"
    demands: ClassVar[tuple[str, ...]] = (TIMER,)

    async def open(self, folder: Path, stack: AsyncExitStack) -> None:
        self.folder = folder
        self.files = folder / "attachments"
        self.files.mkdir()
        self.server = stack.enter_context(wickr_process.start(folder=self.files))
        hand = WickrHand(self.server.control, self.server.token)
        self.hand = await stack.enter_async_context(hand)
        self.accounts = {n: AccountId((await self.hand.person(n)).account) for n in EVERYBODY}

    def flags(self) -> dict[str, str]:
        settings = {"api": self.server.url, "user": self.server.user, "patience": 15}
        settings |= {"attachments": self.files, "uploads": self.files}
        told = {"api_key": self.server.api_key, "auth_token": self.server.auth_token}
        hidden = {name: secret(self.folder, name, value) for name, value in told.items()}
        return _flags(self.name, settings, hidden | {"state_key": _state(self.folder)})

    async def come_in(self, who: str, room: RoomId) -> None:
        assert who in await self.seated(room), "whoever is let in is in at once"

    async def let_in(self, room: RoomId, who: str) -> None:
        await self.hand.add_member(room, who, by=OWNER)

    async def put_out(self, room: RoomId, who: str) -> None:
        await self.hand.remove_member(room, who, by=OWNER)

    async def raise_up(self, room: RoomId, who: str) -> None:
        await self.hand.grant_master(room, who, by=OWNER)

    async def loosen(self, room: RoomId) -> None:
        await self.hand.change(room, by=OWNER, ttl=0)

    async def strict(self, room: RoomId) -> bool:
        return (await self.hand.room(room)).ttl > 0

    async def seated(self, room: RoomId) -> set[str]:
        return {*(await self.hand.room(room)).members} - {"bot"}

    async def ruling(self, room: RoomId) -> set[str]:
        return {*(await self.hand.room(room)).masters} - {"bot"}

    async def write(self, who: str, room: RoomId, text: str) -> bool:
        try:
            await self.hand.write(who, text, room=room)
        except NotDoneError:
            return False
        await self.hand.settle()
        return True

    async def write_direct(self, who: str, text: str) -> None:
        await self.hand.write(who, text)
        await self.hand.settle()

    async def lie(self) -> None:
        """Until faults are cleared, every change is answered as if done, and is not."""
        await self.hand.fault(WickrFault.LIE, verb=CHANGES, times=None)

    async def go_away(self) -> None:
        await self.hand.go_down()

    async def come_back(self) -> None:
        await self.hand.come_back()

    async def shown(self, who: str, room: RoomId) -> list[str]:
        return [m.text or "" for m in await self.hand.arrived(who, room) if m.author == "bot"]

    async def whispered(self, who: str, line: RoomId) -> list[str]:
        del line  # it has no id of its own there: it is the two of them
        shown = await self.hand.arrived(who)
        return [m.text or "" for m in shown if m.author == "bot" and m.room is None]


@dataclass
class Signal:
    """The stand-in of signal-cli's own daemon, and phones."""

    name: ClassVar[str] = "signal"
    demands: ClassVar[tuple[str, ...]] = (TIMER, 'no_public_link = "attested"')

    async def open(self, folder: Path, stack: AsyncExitStack) -> None:
        self.folder = folder
        self.server = stack.enter_context(signal_process.start(backend="json-rpc"))
        hand = SignalHand(self.server.control, self.server.token)
        self.hand = await stack.enter_async_context(hand)
        self.accounts = {}
        for n, name in enumerate(EVERYBODY):
            made = await self.hand.person(name, number=f"+{15550200 + n}", auto_join=True)
            self.accounts[name] = AccountId(made.uuid)

    def flags(self) -> dict[str, str]:
        settings = {
            "backend": "json-rpc",
            "api": self.server.url,
            "number": f"'{NUMBER}'",  # a word, not a figure
            "patience": 15,
            "look_every": 0.5,
        }
        return _flags(self.name, settings, {"state_key": _state(self.folder)})

    async def come_in(self, who: str, room: RoomId) -> None:
        assert who in await self.seated(room), "these phones let themselves in"

    async def let_in(self, room: RoomId, who: str) -> None:
        await self.hand.add_member(room, who, by=OWNER)

    async def put_out(self, room: RoomId, who: str) -> None:
        await self.hand.remove_member(room, who, by=OWNER)

    async def raise_up(self, room: RoomId, who: str) -> None:
        await self.hand.grant_admin(room, who, by=OWNER)

    async def loosen(self, room: RoomId) -> None:
        await self.hand.set_timer(OWNER, 0, group=room)
        await self.hand.enable_link(room, by=OWNER)

    async def strict(self, room: RoomId) -> bool:
        group = await self.hand.group(room)
        return group.timer > 0 and group.link == "disabled"

    async def seated(self, room: RoomId) -> set[str]:
        group = await self.hand.group(room)
        return {*group.members, *group.pending} - {"bot"}

    async def ruling(self, room: RoomId) -> set[str]:
        return {*(await self.hand.group(room)).admins} - {"bot"}

    async def write(self, who: str, room: RoomId, text: str) -> bool:
        if who not in await self.seated(room):
            return False  # his phone has no group to write in any more
        await self.hand.write(who, text, group=room)
        await self.hand.settle()
        return True

    async def write_direct(self, who: str, text: str) -> None:
        await self.hand.write(who, text)
        await self.hand.settle()

    async def lie(self) -> None:
        """Until faults are cleared, every change is answered as if done, and is not."""
        await self.hand.fault(SignalFault.NOTHING, verb="changes", times=None)

    async def go_away(self) -> None:
        await self.hand.go_down()

    async def come_back(self) -> None:
        await self.hand.come_back()

    async def shown(self, who: str, room: RoomId) -> list[str]:
        return [m.text or "" for m in await self.hand.arrived(who, room) if m.author == "bot"]

    async def whispered(self, who: str, line: RoomId) -> list[str]:
        del line  # it has no id of its own there: it is the two of them
        shown = await self.hand.arrived(who)
        return [m.text or "" for m in shown if m.author == "bot" and m.group is None]


@dataclass
class Xmpp:
    """A real Prosody with TLS, and clients of another kind than ours."""

    name: ClassVar[str] = "xmpp"
    demands: ClassVar[tuple[str, ...]] = ()

    async def open(self, folder: Path, stack: AsyncExitStack) -> None:
        self.folder = folder
        self.server = Prosody(folder)
        try:
            await asyncio.to_thread(self.server.start)
        except NoProsodyError as error:
            pytest.skip(str(error))
        stack.callback(self.server.stop)
        for name in ("root", "wallcross"):
            self.server.register(name)
        self.accounts = {n: AccountId(self.server.register(n)) for n in EVERYBODY}
        self.crowd = Crowd(self.server.direct, self.server.ca)
        stack.push_async_callback(self.crowd.close)

    def flags(self) -> dict[str, str]:
        settings = {
            "account": f"wallcross@{DOMAIN}",
            "host": "127.0.0.1",
            "port": self.server.direct,
            "rooms": ROOMS,
            "files": self.server.files,
            "upload": FILES,
            "ca_file": self.server.ca,
            "patience": 15,
        }
        hidden = {"password": secret(self.folder, "password", PASSWORD)}
        return _flags(self.name, settings, hidden | {"state_key": _state(self.folder)})

    async def person(self, who: str) -> Person:
        return await self.crowd.person(f"{who}@{DOMAIN}")

    async def come_in(self, who: str, room: RoomId) -> None:
        await (await self.person(who)).join(room)

    async def let_in(self, room: RoomId, who: str) -> None:
        await (await self.person(OWNER)).affiliate(room, self.accounts[who], "member")
        await self.come_in(who, room)

    async def put_out(self, room: RoomId, who: str) -> None:
        await (await self.person(OWNER)).affiliate(room, self.accounts[who], "none")

    async def raise_up(self, room: RoomId, who: str) -> None:
        """Who administers the server can: the room's owners are we alone."""
        await (await self.person("root")).affiliate(room, self.accounts[who], "admin")

    async def loosen(self, room: RoomId) -> None:
        """As for ``raise_up``."""
        await (await self.person("root")).configure(room, membersonly="0", publicroom="1")

    async def strict(self, room: RoomId) -> bool:
        told = await (await self.person("root")).ask(
            room, "get", wire.made(f"{{{wire.MUC_OWNER}}}query")
        )
        form = wire.form_in(told.find(f"{{{wire.MUC_OWNER}}}query"))
        assert form is not None
        shut = form.one("muc#roomconfig_membersonly"), form.one("muc#roomconfig_publicroom")
        return shut == ("1", "0")

    async def _affiliated(self, room: RoomId, kinds: Sequence[str]) -> set[str]:
        root, found = await self.person("root"), set[str]()
        for kind in kinds:
            item = wire.made(f"{{{wire.MUC_ADMIN}}}item", affiliation=kind)
            answer = await root.ask(room, "get", wire.made(f"{{{wire.MUC_ADMIN}}}query", item))
            found |= {a.partition("@")[0] for a in wire.listed(answer, kind) or ()}
        return found - {"wallcross"}

    async def seated(self, room: RoomId) -> set[str]:
        return await self._affiliated(room, ("owner", "admin", "member"))

    async def ruling(self, room: RoomId) -> set[str]:
        return await self._affiliated(room, ("owner", "admin"))

    async def write(self, who: str, room: RoomId, text: str) -> bool:
        person = await self.person(who)
        before = len(person.shown)
        await person.write(room, text)
        return not any(m.get("type") == "error" for m in person.shown[before:])

    async def write_direct(self, who: str, text: str) -> None:
        await (await self.person(who)).whisper(f"wallcross@{DOMAIN}", text)

    async def go_away(self) -> None:
        await self.crowd.close()
        self.crowd.people.clear()
        await asyncio.to_thread(self.server.stop)

    async def come_back(self) -> None:
        await asyncio.to_thread(self.server.start)

    async def shown(self, who: str, room: RoomId) -> list[str]:
        person = await self.person(who)
        seen = await person.arrived(room, "wallcross", self.server.ca)
        return [each.text for each in seen]

    async def whispered(self, who: str, line: RoomId) -> list[str]:
        """He comes in, and reads what the room has kept for him, as clients do (XEP-0313)."""
        person = await self.person(who)
        await person.join(line)  # once more is no harm
        await person.ask(line, "set", wire.made(f"{{{wire.MAM}}}query"))
        bodies: list[Any] = [
            body.text
            for seen in person.shown
            if (seen.get("from") or "").partition("/")[0] == line
            for body in seen.iter(f"{{{wire.CLIENT}}}body")
        ]
        return [body or "" for body in bodies]
