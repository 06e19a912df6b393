"""Every operation as every role, in one's own and another deal: let in or turned away, as written.

The operations are those of the application itself. What the roles may is read from ``who_may``,
which nobody's code made; a home with a founded deal says which deal each thing belongs to, and
whatever is admitted is stopped before it does anything.
"""

import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from orchestrator.api import access, guard
from orchestrator.api.access import LOCAL, OPEN, TABLE, Need
from orchestrator.api.app import application, make_desk
from orchestrator.api.guard import operations
from orchestrator.client.problems import Problem, to_wire
from tiers.ids import DealId, PersonId, SideId
from tiers.people import Party
from tiers.rights import Act, DeskRole, Right, Scope, Seat, Viewer

from .conftest import House, Opens
from .test_approvals import ADA, BO, CY, ask_release, found, hold
from .who_may import HOME_ALONE, MAY, NOBODY_YET

ROLES = dict(zip("PAOSRCX", DeskRole, strict=True)) | {
    "P": DeskRole.PARTICIPANT,
    "A": DeskRole.ADVISER,
    "O": DeskRole.OWNER,
    "S": DeskRole.SECURITY_OFFICER,
    "R": DeskRole.APPROVER,
    "C": DeskRole.COUNSEL,
    "X": DeskRole.OPERATOR,
}
OTHER = DealId("deal_" + "0" * 32)
SIGN_IN, LOCAL_WORDS = "You are not signed in", "This is for the user who runs this home"
NOT_HIS, PROVE = "Your part in this deal does not include this", "Prove that it is you first"
ONLY_DIRECTORY = "Only a directory's token asks this"
NO_MORE = "A directory says who works here, and nothing else"
BY_QUERY = frozenset({"delivery_list", "rules_simulate"})
"""Operations that name their deal in the query."""
NOT_THERE, BOT_WORDS = "There is no such thing", "A bot hands messages in, and nothing else"


class Reached(Problem):
    """An operation was admitted and came as far as its home."""

    kind, status = "reached", 418


async def _reached() -> None:
    raise Reached("reached")


class _Stop:
    """Whatever an operation awaits or reads of its home."""

    def __await__(self) -> Iterator[Any]:
        return _reached().__await__()

    def __aiter__(self) -> "_Stop":
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration


class Stops:
    """A home that says what belongs to which deal, and does nothing else."""

    def __init__(self, home: Any) -> None:
        self.find_deal, self.where = home.find_deal, home.where

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: _Stop()


class Desk:
    """Asks every operation as anybody."""

    def __init__(self, house: House, things: Mapping[str, str]) -> None:
        self._home: Any = Stops(house.home)
        self.deal = house.deal
        self.things = dict(things)
        self.paths = {
            str(route.name): (min(route.methods or ()), str(route.path))
            for route in iter_route_contexts(application().routes)
        }

    def names(self) -> list[str]:
        """Every operation; one for each kind of document where that decides."""
        found = [n for n in self.paths if n != "adopt"]
        return sorted([*found, "adopt/roster", "adopt/policy"])

    async def ask(self, name: str, viewer: Viewer | None, *, deal: str, person: str) -> str:
        """What became of it: ``in``, or the words with which it was turned away."""
        operation, _, kind = name.partition("/")
        method, path = self.paths[operation]
        named = {**self.things, "deal": deal, "person": person, "kind": kind or "roster"}
        path = re.sub(r"\{(\w+)\}", lambda m: named.get(m[1], "x"), path)
        query = {"deal": deal} if operation in BY_QUERY else {}
        transport = httpx.ASGITransport(make_desk(self._home, viewer), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            answer = await http.request(method, path, params={**query, "state": "dead"})
        if answer.status_code in {400, 418, 422} or answer.status_code < 400:
            return "in"
        told = answer.json()
        if path.startswith("/scim/"):
            assert answer.headers["content-type"] == "application/scim+json", name
            return "in" if answer.status_code == 404 else str(told["detail"])  # no deal is named
        assert answer.headers["content-type"] == "application/problem+json", name
        return "in" if told["type"].endswith(":wrong") else str(told["title"])


def viewer_of(letter: str, deal: DealId, *, person: str = "ada", fresh: bool = True) -> Viewer:
    if letter == "D":
        return Viewer(f"directory:{person}")
    roles = frozenset() if letter == "B" else frozenset({ROLES[letter]})
    who = None if letter == "X" else PersonId(person)
    seat = Seat(deal, who, roles, SideId("kestrel"), Party.ACQUIRER)
    actor = f"bot:{person}" if letter == "B" else f"person:{person}"
    return Viewer(actor, seats={deal: seat}, session="ses_1", stepped_up=fresh)


@pytest.fixture
async def desk(opens: Opens) -> Desk:
    house = await opens()
    await found(house, ADA, BO, CY)
    message = await hold(house)
    request = await ask_release(house, message)
    sent = await house.send("see you at noon", "ada", "lunch")
    assert await house.ends(sent) == "delivered"
    sql = "SELECT delivery_id FROM delivery WHERE message_id = ?"
    [(delivery,)] = await house.rows(sql, sent)
    return Desk(house, {"message": message, "request": request, "delivery": delivery})


OWN, ANOTHER = "ada", "bo"


async def differs(desk: Desk, *names: str) -> list[str]:
    """Where what is decided is not what was written down."""
    found = []
    for name in names or set(desk.names()) - NOBODY_YET:  # those decide by what they are given
        for letter in "PAOSRCXBD":
            for person in (OWN, ANOTHER):
                got = await desk.ask(
                    name, viewer_of(letter, desk.deal, person=person), deal=desk.deal, person=OWN
                )
                if (got == "in") != expected(name, letter, own=person == OWN):
                    found.append(f"{name} as {letter}, own={person == OWN}: {got}")
    return found


def expected(name: str, letter: str, *, own: bool) -> bool:
    """As written down: whether a role is admitted."""
    if name in HOME_ALONE:
        return False
    others, self_, _ = MAY.get(name, ("", "", False))
    return letter in (self_ if own and letter != "X" else others)


async def test_each_role_may_what_was_written_down_and_nothing_else(desk: Desk) -> None:
    assert sorted(await differs(desk)) == []


def test_each_operation_is_written_down_once(desk: Desk) -> None:
    named = [n for n in desk.names() if n not in {*NOBODY_YET, *HOME_ALONE, *MAY}]
    assert named == [], "say in who_may.py who may ask this"
    gone = {*NOBODY_YET, *HOME_ALONE, *MAY} - set(desk.names())
    assert gone == set()


def test_each_operation_stands_in_exactly_one_table() -> None:
    listed = [*OPEN, *LOCAL, *{name.partition(" ")[0] for name in TABLE}]
    names = {o.name for o in operations(application())}
    assert sorted(listed) == sorted(set(listed)), "it stands in two"
    assert set(listed) == names


async def test_of_a_deal_without_a_seat_nobody_learns_that_it_exists(desk: Desk) -> None:
    """What is there and what never was are told in the same words."""
    for name in desk.names():
        if name in NOBODY_YET | HOME_ALONE:
            continue
        for letter in "SBD":
            stranger = viewer_of(letter, OTHER)
            got = await desk.ask(name, stranger, deal=desk.deal, person=OWN)
            desk_things, desk.things = desk.things, dict.fromkeys(desk.things, "msg_" + "f" * 32)
            never = await desk.ask(name, stranger, deal="NEVER-WAS", person=OWN)
            desk.things = desk_things
            assert got == never, name
            path = desk.paths[name.partition("/")[0]][1]
            if letter == "B" and name != "send_text":
                assert got == BOT_WORDS, name
                continue
            if letter == "D" or path.startswith("/scim/"):
                words = None if letter == "D" and path.startswith("/scim/") else got
                assert words in {None, ONLY_DIRECTORY, NO_MORE}, name
                continue
            about = re.search(r"\{(deal|message|request|delivery)\}", path)
            assert (got == NOT_THERE) == bool(about or name in BY_QUERY), name


async def test_the_homes_own_record_is_no_deals(desk: Desk) -> None:
    for name in ("audit_tail", "audit_verify", "audit_state", "audit_rows", "audit_search",
                 "audit_chain"):  # fmt: skip
        got = await desk.ask(name, viewer_of("S", DealId("home")), deal="home", person=OWN)
        assert got == NOT_THERE, name


async def test_without_a_session_nothing_answers(desk: Desk) -> None:
    for name in desk.names():
        got = await desk.ask(name, None, deal=desk.deal, person=OWN)
        assert (got == SIGN_IN) == (name not in NOBODY_YET), name


async def test_what_takes_a_fresh_proof_takes_it(desk: Desk) -> None:
    for name in desk.names():
        others, _, fresh = MAY.get(name, ("", "", False))
        if not others:
            continue
        letter = others[0]
        stale = viewer_of(letter, desk.deal, person=ANOTHER, fresh=False)
        got = await desk.ask(name, stale, deal=desk.deal, person=OWN)
        assert (got == PROVE) == fresh, name


async def test_what_is_the_homes_own_is_told_to_be(desk: Desk) -> None:
    for name in HOME_ALONE:
        got = await desk.ask(name, viewer_of("S", desk.deal), deal=desk.deal, person=OWN)
        assert got == LOCAL_WORDS, name


@pytest.mark.parametrize(
    ("name", "planted"),
    [
        ("audit_tail", Need(Right.AUDIT, Scope.OWN)),
        ("leave", Need(Right.REMOVE, Scope.OWN, Act.OWN, mine=True)),
        ("status", Need()),
        ("key_verify", Need(Right.KEYS, Scope.ALL, Act.SECOND)),
    ],
)
async def test_a_planted_hole_is_found(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str, planted: Need
) -> None:
    monkeypatch.setattr(access, "TABLE", MappingProxyType({**TABLE, name: planted}))
    if name == "key_verify":
        with pytest.raises(AssertionError):
            await test_what_takes_a_fresh_proof_takes_it(desk)
        return
    assert await differs(desk, name) != []


async def test_an_operation_that_the_guard_takes_for_open_is_found(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "OPEN", MappingProxyType({**OPEN, "audit_tail": "planted"}))
    with pytest.raises(AssertionError):
        await test_without_a_session_nothing_answers(desk)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("messages", {"person": "bo", "text": "x"}),
        ("messages", {"person": ["ada"], "text": "x"}),
    ],
)
async def test_nobody_speaks_for_another(desk: Desk, path: str, body: Any) -> None:
    home: Any = Stops(desk._home)
    transport = httpx.ASGITransport(make_desk(home, viewer_of("P", desk.deal)))
    async with httpx.AsyncClient(transport=transport, base_url="http://x/api/v1") as http:
        answer = await http.post(f"/deals/{desk.deal}/{path}", json=body)
        assert (answer.status_code, answer.json()["title"]) == (403, "You speak for yourself alone")
        own = await http.post(f"/deals/{desk.deal}/{path}", json={**body, "person": "ada"})
        assert own.status_code == 418
        for kind in ("text/plain", "application/JSON ; charset=utf-8", "", "application/x+json"):
            headers = {"content-type": kind}
            answer = await http.post(
                f"/deals/{desk.deal}/{path}", content=json.dumps(body), headers=headers
            )
            assert answer.status_code in {403, 422}, kind
        headers = {"wallcross-person": "b%6f", "wallcross-name": "a", "content-length": "1"}
        answer = await http.post(f"/deals/{desk.deal}/files", content=b"x", headers=headers)
        assert answer.status_code == 403
        twice = [("wallcross-person", "ada"), ("wallcross-person", "bo"), ("wallcross-name", "a")]
        answer = await http.post(f"/deals/{desk.deal}/files", content=b"x", headers=twice)
        assert answer.status_code == 403


def test_a_problem_says_nothing_more() -> None:
    assert set(to_wire(Reached("x"))) == {"type", "title", "status", "still", "then", "details"}
