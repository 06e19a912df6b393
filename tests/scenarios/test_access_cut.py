"""A marker in every kind of string of a deal; every GET as everybody; who may meet which marker.

Who may is written here by hand, from what people are to see, and nothing of the code is asked. Each
marker is seen by somebody, so that one that is not looked for is found.
"""

import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from orchestrator.api.app import application, make_desk
from orchestrator.api.who import here
from orchestrator.client.views import FileHead, Post
from orchestrator.query import cut as cut_module
from tiers.ids import ConversationId, DealId, PersonId, SideId
from tiers.people import Party, Roster
from tiers.rights import DeskRole, Seat, Viewer
from tiers.tier import Tier

from .conftest import House, Opens, eventually
from .house import ACTOR, PRICE, Talk, make_talk, roster
from .test_access_matrix import ROLES
from .test_approvals import ADA, BO, CY, ask_release, found

STREAMS = frozenset({"events", "gate_ended"})
TALKS = (
    Talk("zvprice", Tier.VALUATION),
    Talk("zosupply", Tier.OPERATIONS),
    Talk("zclunch", Tier.COORDINATION, members=("ada", "bo", "di", "el")),
)
TEXT, FILE = "ztextcanary", "zfilecanary"
REASON, STRANGER = "zreasoncanary", "zstrangercanary"
OTHER = DealId("deal_" + "0" * 32)

EVERYBODY = "Pel Pdi Pada Adi Odi Sdi Rel Cdi X B"
WHOLE = "Odi Sdi Cdi"
MAY = {
    # names of conversations: valuation to whom it is open, the rest to who is in, or sees all
    "zvprice": f"Pada Rel {WHOLE}",
    "zosupply": f"Pdi Pada Adi {WHOLE}",
    "zclunch": f"Pel Pdi Pada Adi Rel {WHOLE}",
    # people: those with whom one is in a conversation; an adviser's own firm; cy is not at lunch
    "zname-ada": f"Pel Pdi Pada Rel {WHOLE}",
    "zname-el": f"Pel Pdi Pada Rel {WHOLE}",
    "zname-di": f"Pel Pdi Pada Adi Rel {WHOLE}",
    "zname-cy": f"Pdi Pada Adi {WHOLE}",
    # parties
    "zside-kestrel": f"Pel Pdi Pada Rel {WHOLE}",
    "zside-marlow": f"Pel Pdi Pada Adi Rel {WHOLE}",
    # why the supply conversation is paused, and who is in the price room unasked
    REASON: f"Pdi Pada Adi {WHOLE}",
    STRANGER: WHOLE,
    # what people write, and what files are called
    TEXT: "",
    FILE: "",
}
ASKED = {"zname-ada": "Rel", "zclunch": "Rel", "zosupply": "Rel", "zname-cy": "Rel"}
"""What a request that waits for him shows an approver besides."""


def marked() -> Roster:
    """The made-up people, with a marker in every name."""
    plain = roster()
    people = tuple(replace(p, name=f"zname-{p.person_id}") for p in plain.people)
    sides = tuple(replace(s, name=f"zside-{s.side_id}") for s in plain.sides)
    return replace(plain, people=people, sides=sides)


def viewer(word: str, deal: DealId) -> Viewer:
    """Somebody of ``MAY``: his part, and who he is."""
    letter, person = word[0], word[1:] or None
    if letter == "B":
        roles, person = frozenset[DeskRole](), "el"
    else:
        roles = frozenset({ROLES[letter], ROLES["P"]} if letter not in "XA" else {ROLES[letter]})
    side = SideId("marlow" if person in {"cy", "di"} else "kestrel")
    who = None if person is None else PersonId(person)
    seat = Seat(deal, who, roles, side, Party.ACQUIRER)
    actor = "bot:b" if letter == "B" else f"person:{person}"
    return Viewer(actor, seats={deal: seat}, session="ses_1", stepped_up=True)


@dataclass
class Asked:
    """Asks every GET there is."""

    house: House
    things: dict[str, list[str]]

    def paths(self) -> Iterable[tuple[str, str]]:
        for route in iter_route_contexts(application().routes):
            if "GET" not in (route.methods or ()) or route.name in STREAMS:
                continue
            for path in self._filled(str(route.path)):
                yield str(route.name), path

    def _filled(self, path: str) -> list[str]:
        names = re.findall(r"\{(\w+)\}", path)
        found = [path]
        for name in names:
            values = self.things.get(name, ["x"])
            found = [p.replace(f"{{{name}}}", v) for p in found for v in values]
        return found

    async def all(self, who: Viewer) -> AsyncIterator[tuple[str, str, str]]:
        home: Any = self.house.home
        transport = httpx.ASGITransport(make_desk(home, who), client=here())
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            for name, path in self.paths():
                once = {"state": "dead", "at": "1"}
                deal = {} if f"/{self.house.deal}/" in path else {"deal": self.house.deal}
                for query in (once, {**once, **deal}):
                    answer = await http.get(path, params=query)
                    assert answer.status_code in {503, *range(500)}, (name, answer.text)
                    yield name, path, answer.text


@pytest.fixture
async def asked(opens: Opens) -> Asked:
    house = await opens(TALKS, people=marked())
    await found(house, ADA, BO, CY)
    offer = f"{PRICE}: we raise our offer to 27.50 per share. {TEXT}"
    held = await house.send(offer, "ada", "zclunch")
    assert await house.ends(held) == "held"
    post = Post(person="ada", conversation="zclunch", file=FileHead(name=f"{FILE}.pdf", size=3))

    async def pieces() -> AsyncIterator[bytes]:
        yield b"abc"

    file = (await house.home.send_file(house.deal, post, pieces(), actor=ACTOR)).message_id
    request = await ask_release(house, held, "zclunch")
    await house.home.conv_pause(house.deal, "zosupply", REASON, actor=ACTOR)
    await house.far.add_member(house.room("zvprice"), STRANGER, by="ada")

    async def noticed() -> bool:
        return "unknown_member" in await house.findings()

    await eventually(noticed)
    findings = [f for (f,) in await house.rows("SELECT finding_id FROM finding")]
    conversations = [c for (c,) in await house.rows("SELECT conversation_id FROM conversation")]
    return Asked(
        house,
        {
            "deal": [house.deal],
            "person": ["ada", "cy", "di", "el"],
            "name": ["zvprice", "zosupply", "zclunch", "V1", "O1", *conversations],
            "conversation": ["zvprice", "zosupply"],
            "kind": ["roster", "policy"],
            "message": [held, str(file)],
            "request": [request],
            "found": findings,
        },
    )


async def leaks(asked: Asked, people: Iterable[str]) -> tuple[list[str], dict[str, set[str]]]:
    """What somebody met that is not his, and who met what."""
    wrong, met = [], {marker: set[str]() for marker in MAY}
    for word in people:
        who = viewer(word, asked.house.deal)
        async for name, path, text in asked.all(who):
            for marker, may in MAY.items():
                if marker in path or marker.casefold() not in text.casefold():
                    continue
                met[marker].add(word)
                named = ASKED.get(marker, "").split() if "approval" in name else ()
                if word not in may.split() and word not in named:
                    wrong.append(f"{word} met {marker} at {name} {path}")
    return wrong, met


async def test_nobody_meets_what_is_not_his(asked: Asked) -> None:
    wrong, met = await leaks(asked, EVERYBODY.split())
    assert wrong == []
    unseen = {m for m, who in met.items() if not who and MAY[m]}
    assert unseen == set(), "a marker that nobody met was not looked for"


async def test_in_another_deal_nobody_meets_anything(asked: Asked) -> None:
    for word in ("Pada", "Sdi", "X"):
        who = viewer(word, OTHER)
        async for name, path, text in asked.all(who):
            assert not [m for m in MAY if m in text and m not in path], (name, path)
            assert asked.house.deal not in text, (name, path)


async def test_what_happens_is_told_to_whom_it_concerns(asked: Asked) -> None:
    for word in EVERYBODY.split():
        who = viewer(word, asked.house.deal)
        async for told in asked.house.home.happenings(who, 0):
            if told.happening is None:
                if told.n >= await _last(asked.house):
                    break
                continue
            one = told.happening
            whole = word in WHOLE.split()
            if whole:
                continue
            assert word not in {"X", "B"}, one
            assert one.reason == ""
            if word == "Pel":
                assert one.conversation in {None, _talk(asked.house, "zclunch")}, one
                assert one.subject != STRANGER
    stranger = viewer("Pada", OTHER)
    async for told in asked.house.home.happenings(stranger, 0):
        assert told.happening is None
        if told.n >= await _last(asked.house):
            break


async def _last(house: House) -> int:
    [(last,)] = await house.rows("SELECT max(rowid) FROM audit")
    return int(last)


def _talk(house: House, label: str) -> ConversationId:
    talks = house.home.runtime.book.deals[house.deal].conversations.values()
    return next(c.conversation_id for c in talks if c.label == label)


async def test_a_planted_hole_is_found(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of valuation conversations told to everybody."""
    monkeypatch.setattr(cut_module.Cut, "_knows", lambda *_: True)
    monkeypatch.setattr(cut_module.Cut, "sees", lambda *_: True)
    wrong, _ = await leaks(asked, ["Pel"])
    assert wrong != []


async def test_numbers_stay_as_conversations_come(asked: Asked) -> None:
    who, home = viewer("Pdi", asked.house.deal), asked.house.home
    seen = await cut_module.cut(home.runtime, asked.house.deal, who)
    price = _talk(asked.house, "zvprice")
    assert seen.name(price) == "V1"
    assert [seen.called(n) for n in ("V1", "zvprice", price)] == [None, None, None]
    await make_talk(home, asked.house.deal, Talk("zvsynergy", Tier.VALUATION))
    again = await cut_module.cut(home.runtime, asked.house.deal, who)
    assert again.name(price) == "V1"
    assert again.name(_talk(asked.house, "zvsynergy")) == "V2"
