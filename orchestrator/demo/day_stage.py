"""The demo's stage with everybody on it: 52 phones, nine of them on Signal too, four mailboxes.

Rule kept here: what somebody has is read off his own screen: his Matrix client's list, what his
Signal phone shows, and what his own gpg opens of the mails in his mailbox.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from orchestrator.client.views import NewConversation
from orchestrator.demo import halcyon
from orchestrator.demo.day_judge import People, Sight
from orchestrator.demo.day_plan import ADVISERS, MAIL, MATRIX, SIGNAL, TALKS, VALUATION, Talk
from orchestrator.demo.day_texts import referred
from orchestrator.demo.farside import Person, Seen
from orchestrator.demo.stage import CHANNEL, NotSeen, Stage, on_matrix, user_of
from orchestrator.journal.keygen import Group, generate
from orchestrator.roster.document import to_document
from tiers.tier import Tier

EVERYBODY = tuple(sorted(p.person_id for p in halcyon.roster(on_matrix).people))
_REPEATED = "(may be a repetition)"
_AT_ONCE = 8
"""Phones that do something at the same time: the machine has few processors."""
_LOOK_EVERY_S = 0.1


class Phone(Person):
    """A person on Matrix, who also knows when the homeserver had what he sees."""

    def __init__(self, url: str, user: str, password: str, folder: Path) -> None:
        super().__init__(url, user, password, folder)
        self.at: dict[str, int] = {}

    def _as_seen(self, room: str, event: Any) -> list[Seen]:
        self.at[event.event_id] = event.server_timestamp * 1000
        return super()._as_seen(room, event)


@dataclass
class DayStage(Stage):
    """The stage of a day."""

    with_phone: Any = EVERYBODY
    on_signal: Any = VALUATION
    by_mail: Any = ADVISERS
    opened: dict[str, dict[Path, Sight | None]] = field(default_factory=dict)
    """Mails that were looked at, by adviser: each is opened once."""

    def phone(self, person: str, device: str) -> Phone:
        """A device of a person's, not signed in yet."""
        folder = self.folder / "phones" / f"{person}-{device}"
        return Phone(self.server.url, user_of(person), self.password, folder)

    async def _sign_in(self) -> None:
        self.people.update({p: self.phone(p, "phone") for p in self.with_phone})
        await few(phone.open() for phone in self.people.values())

    # --- the deal -------------------------------------------------------------------------------

    async def found(self) -> None:
        """The deal, its rooms on three networks, and everybody in them. Raises: NotSeen."""
        made = await self.client.deal_new(halcyon.CODE, made_up=True, policy=None)
        self.deal = made.deal_id
        roster = halcyon.roster(self.accounts, apart=True)
        await self.client.adopt(self.deal, "roster", to_document(roster))
        key = generate("joint", [Group("nobody", 1, 1)])
        await self.client.journal_key_add(self.deal, "joint", json.dumps(key.public))
        await self.client.channel_test(CHANNEL)
        await self._exchange_keys()
        for talk in TALKS:
            await self._make(talk)
        await few(self._come_in(person) for person in self.with_phone)
        await self._vouch()
        await self._greet()

    async def _exchange_keys(self) -> None:
        ours = await self.client.key_export(MAIL)
        for reader, adviser in self.mail.advisers.items():
            armour = await asyncio.to_thread(adviser.certificate)
            await self.client.key_add(self.deal, reader, armour, MAIL)
            await asyncio.to_thread(adviser.take, ours)
            one, other = [p for p in ADVISERS if p != reader][:2]
            await self.client.key_verify(self.deal, reader, one, other)

    async def _make(self, talk: Talk) -> None:
        new = NewConversation(
            label=talk.label,
            floor=talk.floor.value,
            channel=talk.channels[0],
            also=talk.channels[1:],
            owner=talk.owners[0],
            owners=talk.owners[1:],
            compartment=talk.compartment,
            members=talk.members,
        )
        made = await self.client.conv_new(self.deal, new)
        for room in made.rooms:
            self.rooms[f"{talk.label} on {room.connector}"] = room.room

    def room(self, label: str, network: str) -> str:
        """A conversation's room on a network."""
        return self.rooms[f"{label} on {network}"]

    async def _come_in(self, person: str) -> None:
        phone = self.people[person]
        wanted = {self.room(t.label, MATRIX) for t in TALKS if seats(t).get(person) == MATRIX}
        if not await phone.until(lambda: wanted <= phone.invitations(), self.patience):
            raise NotSeen(f"{person} was not asked in")
        await self._go_into(phone, wanted)
        await phone.sync(full=True)

    @staticmethod
    async def _go_into(phone: Person, rooms: Iterable[str]) -> None:
        for room in rooms:
            await phone.raw("POST", f"/_matrix/client/v3/join/{quote(room, safe='')}", {})

    async def _vouch(self) -> None:
        """Two others compare the keys of whoever sees valuation."""
        for who in VALUATION:
            one, other = [p for p in VALUATION if p != who][:2]
            await self.client.key_verify(self.deal, who, one, other)

    async def _greet(self) -> None:
        """The server tells no timer: it is believed once a member's message has brought it."""
        room = self.room("price", SIGNAL)
        await self.signal.hand.write(VALUATION[0], "Good morning.", group=room)
        end = asyncio.get_running_loop().time() + self.patience
        while not await self._timer_seen():
            if asyncio.get_running_loop().time() > end:
                raise NotSeen("the timer of #price is not verified")
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _timer_seen(self) -> bool:
        [room] = (await self.client.conv_show(self.deal, "price")).rooms
        return any(g.guarantee == "timer" and g.evidence == "verified" for g in room.guarantees)

    # --- what is on the screens ---------------------------------------------------------------

    async def sights(self) -> list[Sight]:
        """All that everybody has, after all screens were brought up to date."""
        await self.catch_up_all()
        found = [s for person in self.with_phone for s in self._on_matrix(person)]
        found += [s async for s in self._on_signal()]
        for person in self.by_mail:
            found += await asyncio.to_thread(self._by_mail, person)
        return found

    async def catch_up_all(self) -> None:
        """Brings every phone up to date; whoever is asked into a room goes in."""
        await few(self._catch_up(phone) for phone in self.people.values())

    async def _catch_up(self, phone: Person) -> None:
        await phone.sync()
        asked = phone.invitations()
        if asked:
            await self._go_into(phone, asked)
            await phone.sync(full=True)

    def _on_matrix(self, person: str) -> Iterator[Sight]:
        phone = self.people[person]
        if not isinstance(phone, Phone):
            return
        last = {seen.event_id: n for n, seen in enumerate(phone.seen)}
        for event, place in last.items():
            body = phone.seen[place].body or ""
            for word in referred(body):
                gone, marked = event in phone.redacted, _REPEATED in body
                yield Sight(word, person, MATRIX, place, phone.at[event], gone, marked)

    async def _on_signal(self) -> AsyncIterator[Sight]:
        for person in self.on_signal:
            for place, shown in enumerate(await self.signal.hand.arrived(person)):
                for word in referred(shown.text or ""):
                    marked = _REPEATED in (shown.text or "")
                    yield Sight(word, person, SIGNAL, place, shown.at, shown.deleted, marked)

    def mails_of(self, person: str) -> list[Path]:
        """What lies in an adviser's mailbox."""
        box = self.mail.advisers[person].mailbox
        return sorted(path for name in ("new", "cur") for path in (box / name).glob("*"))

    def _by_mail(self, person: str) -> list[Sight]:
        adviser = self.mail.advisers[person]
        known = self.opened.setdefault(person, {})
        for path in self.mails_of(person):
            if path not in known:
                mail = adviser.opened(path.read_bytes())
                known[path] = None
                at = path.stat().st_ctime_ns // 1000
                for word in referred(mail.text if mail else ""):
                    marked = mail is not None and _REPEATED in mail.text
                    known[path] = Sight(word, person, MAIL, at, at, marked=marked)
        return [sight for sight in known.values() if sight is not None]


def seats(talk: Talk) -> dict[str, str]:
    """Where each person of a conversation sits."""
    accounts = {SIGNAL: VALUATION, MAIL: ADVISERS, MATRIX: EVERYBODY}
    listed = talk.members if talk.members is not None else cleared(talk.floor)
    return {p: next(n for n in talk.channels if p in accounts[n]) for p in listed}


def cleared(floor: Tier) -> list[str]:
    """Everybody whom the roster clears for a tier of the deal."""
    return [person for person, tier in clearances().items() if tier >= floor]


def clearances() -> dict[str, Tier]:
    """The highest tier that each person may see."""
    return {g.person_id: g.highest for g in halcyon.roster(on_matrix).grants}


def people() -> People:
    """Who may see what, from the roster and the conversations."""
    return People(clearances(), {talk.label: seats(talk) for talk in TALKS})


async def few(acts: Any) -> None:
    """Does things together, a few at a time."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(act: Any) -> None:
        async with turn:
            await act

    await asyncio.gather(*(one(act) for act in acts))
