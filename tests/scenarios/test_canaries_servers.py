"""What a homeserver knows of a deal: no code name, no party, no conversation, no word of a tier.

A made-up deal is played through a live home on a real Synapse that logs all that it can. Then every
table of its database is read, and every file of its folder: names and topics of rooms, aliases,
reasons of memberships, display names, account data, uploads, logs. What the server cannot but know
(accounts, who is in a room with whom, when somebody writes) is what it knows.
"""

import json
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from orchestrator.client.plans import DoneLine
from orchestrator.client.views import FileHead, NewConversation, Post
from orchestrator.clock import DAY, SECOND, now
from orchestrator.command.home import OpenHome
from orchestrator.config.load import load
from orchestrator.config.policy import default_text, read_policy
from orchestrator.demo.farside import Person
from orchestrator.demo.synapse import Homeserver
from orchestrator.flow import room_notice
from orchestrator.journal.keygen import Group, generate
from orchestrator.roster.document import to_document
from orchestrator.wiring import open_runtime
from tiers.ids import AccountId, ConnectorName, DealId, PersonId, SideId
from tiers.people import Roster
from tiers.tier import Tier

from . import networks
from .canaries import Hit, Net
from .conftest import Hands, House, as_stated, eventually
from .house import ACTOR, PRICE, SUPPLY, by_words, roster, verify_all
from .networks import PASSWORD, Matrix
from .theatre import with_synapse

pytestmark = [pytest.mark.long, pytest.mark.real]
MATRIX = ConnectorName("matrix")
BO, STRANGER = PersonId("bo"), "el"
TIERS = {t.value: re.compile(rf"(?<![a-z]){t.value}(?![a-z])", re.IGNORECASE) for t in Tier}


class Talkative(Homeserver):
    """A homeserver that logs all that it can, each statement to its database too."""

    def _configure(self) -> None:
        super()._configure()
        path = self.folder / "log.yaml"
        told = json.loads(path.read_text())
        told["root"]["level"] = "DEBUG"
        path.write_text(json.dumps(told))


# --- the deal -----------------------------------------------------------------------------------


def word(before: str = "") -> str:
    """A name that stands nowhere else."""
    return f"{before}{token_hex(8)}"


@dataclass(frozen=True)
class Names:
    """All names of the deal, made up for it."""

    code: str = field(default_factory=lambda: word("CN").upper())
    sides: tuple[str, str] = field(default_factory=lambda: (word("side"), word("side")))
    parties: tuple[str, str] = field(default_factory=lambda: (word("Party "), word("Party ")))
    price: str = field(default_factory=lambda: word("price"))
    supply: str = field(default_factory=lambda: word("supply"))
    bodies: tuple[str, str] = field(default_factory=lambda: (word("body"), word("body")))
    file: str = field(default_factory=lambda: word("file"))
    people: dict[str, str] = field(
        default_factory=lambda: {name: word("Person ") for name in ("ada", "bo", "cy", "di", "el")}
    )

    def texts(self) -> dict[str, str]:
        """Each name by what it is, as it is written and in small letters."""
        shown = {
            "code name": self.code,
            **{f"side {n}": side for n, side in enumerate(self.sides)},
            **{f"party {n}": party for n, party in enumerate(self.parties)},
            "label of the price": self.price,
            "label of the supply": self.supply,
            **{f"text {n}": body for n, body in enumerate(self.bodies)},
            "file": self.file,
            **{f"person {who}": name for who, name in self.people.items()},
        }
        small = {f"{what}, small": text.lower() for what, text in shown.items()}
        return shown | {w: t for w, t in small.items() if t not in shown.values()}

    def roster(self) -> Roster:
        """The made-up roster under other names; ``el`` is on it and sees nothing."""
        listed = roster((MATRIX,))
        sides = dict(zip(("kestrel", "marlow"), self.sides, strict=True))
        return replace(
            listed,
            host=SideId(self.sides[0]),
            sides=tuple(
                replace(side, side_id=SideId(sides[side.side_id]), name=party)
                for side, party in zip(listed.sides, self.parties, strict=True)
            ),
            people=tuple(
                replace(
                    p,
                    name=self.people[p.person_id],
                    side=SideId(sides[p.side]),
                    accounts={MATRIX: AccountId(f"@{p.person_id}:deal.test")},
                )
                for p in listed.people
            ),
        )


@dataclass
class Deal:
    """The deal in a live home, and the homeserver."""

    house: House
    network: Matrix
    names: Names
    admin: str

    @property
    def ada(self) -> Person:
        return self.network.phones["ada"]

    def room(self, label: str) -> str:
        return self.house.room(label, MATRIX)

    async def make(self) -> None:
        """A conversation of each of two tiers."""
        home, deal = self.house.home, self.house.deal
        for label, floor in ((self.names.price, "valuation"), (self.names.supply, "operations")):
            new = NewConversation(
                label=label, floor=floor, channel=MATRIX, owner="ada", members=("ada", "bo")
            )
            await home.conv_new(deal, new, actor=ACTOR)
        await verify_all(home, deal)
        attest = partial(home.conv_attest, by=PersonId("ada"), actor=ACTOR)
        await attest(deal, self.names.price, "timer", 7 * DAY)
        rooms = [self.room(label) for label in (self.names.price, self.names.supply)]
        await self.network.come_in(rooms, None)  # type: ignore[arg-type]  # it asks no client

    async def says(self, text: str, label: str) -> str:
        """What became of a text, and why."""
        message = await self.house.send(text, to=label)
        return f"{await self.house.ends(message)} {await self.house.reasons(message)}".rstrip()

    async def arrives(self, name: str, label: str, text: str) -> None:
        phone, room = self.network.phones[name], self.room(label)
        assert await phone.until(lambda: any(text in said for said in phone.texts(room)))

    async def remedied(self) -> list[DoneLine]:
        """What stands otherwise than the roster has it, put right."""
        home, deal = self.house.home, self.house.deal
        shown = await home.plan(deal)
        acts = home.plan_apply(deal, shown.hash, None, actor=ACTOR)
        return [line async for line in acts]

    async def is_paused(self, label: str) -> bool:
        shown = await self.house.home.conv_show(self.house.deal, label)
        return bool(shown.rooms[0].paused)

    async def delete(self, label: str) -> None:
        """The homeserver's administrator closes a room; its events stay in the database.

        Source: Synapse, docs/admin_api/rooms.md.
        """
        room = quote(self.room(label), safe="")
        url = f"{self.network.server.url}/_synapse/admin/v1/rooms/{room}"
        head = {"Authorization": f"Bearer {self.admin}"}
        async with httpx.AsyncClient(trust_env=False, timeout=30.0) as http:
            body = {"purge": False, "block": False}
            (await http.request("DELETE", url, json=body, headers=head)).raise_for_status()


async def messages(deal: Deal) -> None:
    """Texts both ways, a file, one that is held and told of, and the rooms' notices."""
    names = deal.names
    first, second = names.bodies
    assert await deal.says(f"{PRICE} {first} for {names.code}", names.price) == "delivered"
    assert await deal.says(f"{SUPPLY} {second}", names.supply) == "delivered"
    for label, text in ((names.price, first), (names.supply, second)):
        await deal.arrives("bo", label, text)
        await deal.arrives("bo", label, f"hosted by {names.parties[0]}")
    head = FileHead(name=f"{names.file}.txt", size=len(names.file), media_type="text/plain")
    post = Post(person="ada", conversation=names.price, file=head)
    await deal.house.home.send_file(deal.house.deal, post, one(names.file.encode()), actor=ACTOR)
    bo = deal.network.phones["bo"]
    for what in (SUPPLY, PRICE):  # the second does not belong there, and he is told so
        said = f"{what} {first} says {names.people['bo']} of {names.code}"
        event = await bo.say(deal.room(names.supply), said)
        await deal.house.ends(await deal.house.taken(event, MATRIX))
    line = deal.house.home.runtime.book.line_room

    async def told() -> bool:
        return line(MATRIX, AccountId(bo.user)) is not None

    await eventually(told)
    await deal.house.quiet()


async def one(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def changes(deal: Deal) -> None:
    """A stranger is let in and put out, a room is weakened and set again, stopped, and lost.

    Somebody leaves before the last of them, and his seats are taken back.
    """
    names, home, deal_id = deal.names, deal.house.home, deal.house.deal
    room = deal.room(names.supply)
    await deal.ada.invite(room, f"@{STRANGER}:deal.test")
    await eventually(partial(deal.is_paused, names.supply))
    assert {line.outcome for line in await deal.remedied()} == {"seen"}
    await deal.ada.weaken(room, "m.room.join_rules", {"join_rule": "public"})
    assert "harden" in {line.act.kind for line in await deal.remedied()}
    await home.conv_pause(deal_id, names.price, "test", actor=ACTOR)
    assert (await home.leave(deal_id, BO, "left", actor=ACTOR)).state == "gone"
    await deal.delete(names.supply)
    rebuilt = await home.channel_rebuild(MATRIX, only_look=False, actor=ACTOR)
    assert "made anew" in {found.state for found in rebuilt}
    assert deal.room(names.supply) != room


@pytest.fixture
async def deal(
    tmp_path: Path,
    secrets_apart: None,  # noqa: ARG001 - for its effect
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Deal]:
    with_synapse()
    monkeypatch.setattr(networks, "Homeserver", Talkative)
    monkeypatch.setattr(room_notice, "QUIET", SECOND // 5)
    network, names = Matrix(), Names()
    async with AsyncExitStack() as stack:
        await network.open(tmp_path / "matrix")
        stack.push_async_callback(network.close)
        network.server.register("root", PASSWORD, admin=True)
        root = Person(network.server.url, "@root:deal.test", PASSWORD, tmp_path / "root")
        await root.open()
        stack.push_async_callback(root.close)
        settings = load(flags=network.flags(), environ={}, state=tmp_path / "home")
        opening = open_runtime(settings, by_words(), live=True, now=now)
        home = OpenHome(await stack.enter_async_context(opening))
        stack.push_async_exit(partial(as_stated, home.runtime))
        made = await home.deal_new(
            names.code, made_up=True, policy=read_policy(default_text()), actor=ACTOR
        )
        deal_id = DealId(made.deal_id)
        await home.adopt(deal_id, "roster", to_document(names.roster()), actor=ACTOR)
        for scope in ("joint", names.sides[0]):
            key = json.dumps(generate(scope, [Group("nobody", 1, 1)]).public)
            await home.journal_key_add(deal_id, scope, key, actor=ACTOR)
        house = House(home, deal_id, None, Hands())  # type: ignore[arg-type]  # no memory network
        yield Deal(house, network, names, root.token)


# --- the look -----------------------------------------------------------------------------------


def columns(database: Path) -> Iterator[tuple[str, bytes]]:
    """Everything in every table, by its column."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        store.text_factory = bytes
        tables = store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (raw,) in tables:
            table = raw.decode()
            found = store.execute(f'SELECT * FROM "{table}"')  # noqa: S608 (its own name)
            rows = found.fetchall()
            for n, (column, *_) in enumerate(found.description):
                cells = [row[n] for row in rows if isinstance(row[n], bytes)]
                yield f"{table}.{column}", b"\0".join(cells)


def known(server: Homeserver, texts: dict[str, str]) -> set[Hit]:
    """Where any of the texts stands in what a homeserver keeps, however it is written."""
    net, folder = Net(texts), server.folder
    found = {hit for place, data in columns(folder / "hs.db") for hit in net.data(data, place)}
    return found | net.folder(folder)


def tiers(server: Homeserver) -> set[tuple[str, str]]:
    """Where the word of a tier stands, in a table or in a file that is no database."""
    places = list(columns(server.folder / "hs.db"))
    files = [p for p in server.folder.rglob("*") if p.is_file() and not p.name.startswith("hs.db")]
    places += [(path.name, path.read_bytes()) for path in files]
    return {
        (place, tier)
        for place, data in places
        for tier, pattern in TIERS.items()
        if pattern.search(data.decode("utf-8", "replace"))
    }


async def test_the_homeserver_knows_no_name_of_a_deal_a_party_a_conversation_or_a_tier(
    deal: Deal,
) -> None:
    server = deal.network.server
    assert tiers(server) == set(), "its own tables have none of these words"
    await deal.make()
    await messages(deal)
    await changes(deal)
    account = {"an account": "@wallcross:deal.test", "a room": deal.room(deal.names.price)}
    seen = {hit.place for hit in known(server, account)}
    assert {"room_memberships.room_id", "event_json.json", "hs/hs.log"} <= seen, "the look sees"
    assert known(server, deal.names.texts()) == set()
    assert tiers(server) == set()
    await planted(deal)


# --- a planted one is found ---------------------------------------------------------------------


Call = tuple[str, str, dict[str, Any]]


def plants(deal: Deal) -> dict[str, Callable[[str], Call]]:
    """Calls that would tell the homeserver a word, by the column where it is found then."""
    me, room = quote("@ada:deal.test", safe=""), quote(deal.room(deal.names.supply), safe="")
    state, owner = f"rooms/{room}/state", {"membership": "join"}
    return {
        "room_stats_state.name": lambda w: ("PUT", f"{state}/m.room.name", {"name": w}),
        "room_stats_state.topic": lambda w: ("PUT", f"{state}/m.room.topic", {"topic": w}),
        "room_aliases.room_alias": lambda w: (
            "PUT",
            f"directory/room/{quote(f'#{w}:deal.test', safe='')}",
            {"room_id": deal.room(deal.names.supply)},
        ),
        "room_memberships.display_name": lambda w: (
            "PUT",
            f"{state}/m.room.member/{me}",
            {**owner, "displayname": w},
        ),
        "event_json.json": lambda w: (
            "POST",
            f"rooms/{room}/invite",
            {"user_id": "@cy:deal.test", "reason": w},
        ),
        "profiles.displayname": lambda w: ("PUT", f"profile/{me}/displayname", {"displayname": w}),
        "account_data.content": lambda w: ("PUT", f"user/{me}/account_data/note", {"note": w}),
    }


async def planted(deal: Deal) -> None:
    """The same look finds a code name as the name of a room, a topic, an alias and so on."""
    server = deal.network.server
    await deal.ada.join(deal.room(deal.names.supply))
    codes: dict[str, str] = {}
    for place, call in plants(deal).items():
        code = codes[place] = word("CN")
        method, path, body = call(code)
        await deal.ada.raw(method, f"/_matrix/client/v3/{path}", body)

        async def there(place: str = place, code: str = code) -> bool:
            return place in {hit.place for hit in known(server, {"code name": code})}

        await eventually(there)  # what is counted of a room is written a little later
    logged = {hit.name for hit in known(server, codes) if hit.place == "hs/hs.log"}
    assert "room_aliases.room_alias" in logged
    for tier in Tier:
        note = {"note": f"the {tier.value} room"}
        path = (
            f"/_matrix/client/v3/user/{quote('@ada:deal.test', safe='')}/account_data/{tier.name}"
        )
        await deal.ada.raw("PUT", path, note)
    told = {tier for place, tier in tiers(server) if place == "account_data.content"}
    assert told == {tier.value for tier in Tier}
