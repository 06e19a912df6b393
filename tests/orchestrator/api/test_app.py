"""Views out, problems for everything else; the caller is who the system says; no text in errors."""

import os
import pwd
from collections.abc import AsyncIterator

import httpx
import pytest

from orchestrator.api.access import OPEN
from orchestrator.api.app import application, make_app
from orchestrator.api.who import here
from orchestrator.client.api import Client
from orchestrator.client.problems import (
    KINDS,
    Failed,
    Missing,
    Problem,
    Refused,
    SignInFirst,
    Waits,
    Wrong,
)
from orchestrator.client.views import (
    ConversationView,
    FileHead,
    Happening,
    HeldView,
    NewConversation,
    Post,
    Row,
    Sent,
    Taken,
)
from orchestrator.client.wire import app_transport
from orchestrator.config.policy import default_text, read_policy
from orchestrator.roster.document import document_hash, to_document
from orchestrator.roster.read import read_roster
from orchestrator.roster.write import template
from orchestrator.store.unit import StoreError

from .conftest import MemoryHome

CANARY = "the price is forty-two a share"
ROSTER = to_document(read_roster(template()))
ME = f"local:{pwd.getpwuid(os.geteuid()).pw_name}"
HELD = HeldView(
    message_id="msg_1",
    deal_id="deal_1",
    conversation_id=None,
    author="ximena",
    tier="valuation",
    reasons=("price",),
    owner=None,
    next_person=None,
    held_at=1,
    deadline=2,
    state="moved",
    size=3,
)


async def test_a_deal_is_made_found_and_given_a_roster(client: Client) -> None:
    made = await client.deal_new("HALCYON", made_up=True, policy=None)
    assert made.policy_hash == document_hash(read_policy(default_text()))
    assert await client.deal_show("HALCYON") == made
    assert await client.deal_show(made.deal_id) == made
    adopted = await client.adopt("HALCYON", "roster", ROSTER)
    assert (adopted.new, adopted.actor, adopted.document) == (True, ME, ROSTER)
    assert not (await client.adopt("HALCYON", "roster", ROSTER)).new
    assert (await client.in_force("HALCYON", "roster")).hash == document_hash(ROSTER)
    (listed,) = await client.deal_list()
    assert listed.roster_hash == document_hash(ROSTER)


@pytest.mark.parametrize("code", ["home", "H", "deal_" + "0" * 32, "HALCYON\n", "", "H" * 40])
async def test_a_code_that_might_name_something_else_is_none(client: Client, code: str) -> None:
    with pytest.raises(Wrong):
        await client.deal_new(code, made_up=True, policy=None)


async def test_what_is_not_there_is_said_to_be_missing(client: Client) -> None:
    with pytest.raises(Missing) as caught:
        await client.deal_show("NOPE")
    assert caught.value.then == "wallcross deal list"
    await client.deal_new("HALCYON", made_up=True, policy=None)
    with pytest.raises(Missing):
        await client.in_force("HALCYON", "roster")


async def test_every_mistake_of_a_document_comes_back(client: Client) -> None:
    with pytest.raises(Wrong) as caught:
        await client.deal_new("HALCYON", made_up=True, policy="{}")
    assert len(caught.value.details) >= 3


@pytest.mark.parametrize("kind", KINDS.values())
async def test_a_problem_arrives_as_it_was_raised(
    home: MemoryHome, client: Client, kind: type[Problem]
) -> None:
    home.answers["held_drop"] = kind("wrong", still="still", then="then", details=["a", "b"])
    with pytest.raises(kind) as caught:
        await client.held_drop("msg_1")
    found = caught.value
    assert (found.wrong, found.still, found.then, found.details) == (
        "wrong",
        "still",
        "then",
        ("a", "b"),
    )
    assert type(found) is kind


async def test_what_nobody_expected_is_told_without_its_words(
    home: MemoryHome, client: Client
) -> None:
    home.answers["held_drop"] = RuntimeError(CANARY)
    with pytest.raises(Failed) as caught:
        await client.held_drop("msg_1")
    assert "RuntimeError" in caught.value.wrong
    assert CANARY not in str(vars(caught.value))


async def test_a_store_error_says_that_nothing_was_written(
    home: MemoryHome, client: Client
) -> None:
    home.answers["held_drop"] = StoreError("the disk is full")
    with pytest.raises(Failed) as caught:
        await client.held_drop("msg_1")
    assert caught.value.still == "Nothing of it was written"


async def test_a_malformed_request_is_answered_without_its_values(home: MemoryHome) -> None:
    transport = httpx.ASGITransport(make_app(home), client=here())
    async with httpx.AsyncClient(transport=transport, base_url="http://x/api/v1") as http:
        await http.post("/deals", json={"code": "HALCYON", "made_up": True})
        body = {"person": 3, "text": {"x": CANARY}, CANARY: 1}
        answers = [
            await http.post("/deals/HALCYON/messages", json=body),
            await http.post("/deals/HALCYON/messages", content=f'{{"text": "{CANARY}'),
            await http.get("/nowhere"),
            await http.delete("/deals"),
        ]
    assert [a.status_code for a in answers] == [422, 422, 404, 405]
    for answer in answers:
        assert answer.headers["content-type"] == "application/problem+json"
    assert CANARY not in answers[1].text
    assert "forty-two" not in answers[0].json()["title"]


@pytest.mark.parametrize("caller", [("uid:99999", 1), ("127.0.0.1", 80)])
async def test_another_user_is_turned_away_everywhere(
    home: MemoryHome, caller: tuple[str, int]
) -> None:
    async with Client(app_transport(make_app(home), caller)) as stranger:
        for asked in (stranger.deal_list(), stranger.status(), stranger.held_drop("msg_1")):
            with pytest.raises(SignInFirst):
                await asked
    assert home.calls == []


async def test_every_route_asks_who_calls(home: MemoryHome) -> None:
    operations = application().openapi()["paths"]
    assert len(operations) > 30
    transport = httpx.ASGITransport(make_app(home), client=("uid:99999", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        for path, methods in operations.items():
            for method, operation in methods.items():
                if operation["operationId"] in OPEN:
                    continue
                answer = await http.request(method, path.replace("{", "").replace("}", ""))
                assert answer.status_code == 401, (method, path)
    assert home.calls == []


async def test_acts_carry_their_actor(home: MemoryHome, client: Client) -> None:
    home.answers["held_move"] = HELD
    assert await client.held_move("msg_1", "a/b c#ü") == HELD
    [(name, named, who)] = home.calls
    assert (name, named, who["actor"], who["viewer"].actor) == (
        "held_move",
        ("msg_1", "a/b c#ü"),
        ME,
        ME,
    )


async def test_waiting_for_a_second_person_has_its_own_kind(
    home: MemoryHome, client: Client
) -> None:
    home.answers["held_release"] = Waits("It would go to a lower tier", still="It is held")
    with pytest.raises(Waits):
        await client.held_release("msg_1")


async def test_a_conversation_is_asked_for_and_answered(home: MemoryHome, client: Client) -> None:
    await client.deal_new("HALCYON", made_up=True, policy=None)
    new = NewConversation(label="Price", floor="valuation", channel="matrix", owner="ximena")
    view = ConversationView(
        conversation_id="conv_1",
        deal_id="deal_1",
        label="Price",
        floor="valuation",
        compartment="deal",
        side=None,
        state="open",
        rooms=(),
    )
    home.answers["conv_new"] = view
    assert await client.conv_new("HALCYON", new) == view
    assert home.calls[0][1][1] == new


async def test_a_text_goes_in_and_only_its_id_comes_back(home: MemoryHome, client: Client) -> None:
    await client.deal_new("HALCYON", made_up=True, policy=None)
    home.answers["send_text"] = Sent(message_id="msg_1", state="accepted")
    post = Post(person="ximena", conversation="Logistics", key="k")
    assert (await client.send_text("HALCYON", post, CANARY)).message_id == "msg_1"
    assert home.calls[0][1][1:] == (post, CANARY)


async def test_a_file_goes_in_in_pieces(home: MemoryHome, client: Client) -> None:
    await client.deal_new("HALCYON", made_up=True, policy=None)
    home.answers["send_file"] = Sent(message_id="msg_1", state="accepted")

    async def pieces() -> AsyncIterator[bytes]:
        yield b"abc"
        yield b"defg"

    file = FileHead(name="Entwurf ü.pdf", size=7, media_type="application/pdf")
    post = Post(person="ximena", conversation="Prüfung", file=file)
    await client.send_file("HALCYON", post, pieces())
    assert home.calls[0][1][1:] == (post, b"abcdefg")


async def test_an_export_comes_in_pieces_and_its_failure_as_a_problem(
    home: MemoryHome, client: Client
) -> None:
    await client.deal_new("HALCYON", made_up=True, policy=None)
    home.answers["audit_export"] = [b"one", b"two"]
    assert b"".join([p async for p in client.audit_export("HALCYON")]) == b"onetwo"
    home.answers["audit_export"] = Refused("the chain is broken")
    with pytest.raises(Refused):
        [p async for p in client.audit_export("HALCYON")]


async def test_rows_of_a_replay_go_in(home: MemoryHome, client: Client) -> None:
    home.answers["replay_accept"] = Taken(accepted=1, duplicate=0)
    row = Row(id="1", text=CANARY, subject="s")
    assert (await client.replay_accept("run_1", [row])).accepted == 1
    assert home.calls[0][1] == ("run_1", (row,))
    assert CANARY not in repr(row)


async def test_what_happens_is_told_line_by_line(home: MemoryHome, client: Client) -> None:
    home.happened = [
        Happening(at=1, kind="held", deal="HALCYON", subject="msg_1", reason="a\nb"),
        Happening(at=2, kind="delivered", deal="HALCYON", subject="msg_2"),
    ]
    assert [h async for h in client.watch()] == home.happened
