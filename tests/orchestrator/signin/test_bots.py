"""A bot sends what its token allows, for whom it names, marked; and does nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.port.messages import Delivery
from orchestrator.api.access import BOTS, LOCAL, OPEN, TABLE
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client.bots import NewToken, TokenWanted
from orchestrator.clock import DAY, MINUTE
from orchestrator.deals.tokens import Token, bots_token, issued_body
from orchestrator.flow.bots import refused
from orchestrator.signin.secret import digest
from tests.orchestrator.signin.conftest import ACTOR, Browser, DeskHouse
from tests.scenarios.conftest import eventually
from tests.scenarios.house import CHANNEL, PRICE
from tests.scenarios.test_approvals import ADA, BO, CY, DI, found, say
from tiers.ids import ConversationId, PersonId
from tiers.tier import Tier

WANTED = TokenWanted(
    label="crm-feed", highest="operations", conversations=("lunch", "supply"), persons=("ada",)
)


@pytest.fixture
def paced(desk: DeskHouse, monkeypatch: pytest.MonkeyPatch) -> DeskHouse:
    monkeypatch.setattr("orchestrator.command.bots.ticks", desk.ticks)
    return desk


async def new(desk: DeskHouse, **more: Any) -> tuple[NewToken, Browser]:
    wanted = TokenWanted(**{**{n: getattr(WANTED, n) for n in WANTED.__slots__}, **more})
    made = await desk.home.token_new(desk.house.deal, wanted, actor=ACTOR)
    headers = {"authorization": f"Bearer {made.secret}"}
    return made, desk.browser(origin=None, headers=headers)


def body(text: str = "coffee at ten", **more: Any) -> dict[str, Any]:
    return {"person": "ada", "conversation": "lunch", "text": text, **more}


async def test_a_bots_message_goes_marked_as_a_bots(
    paced: DeskHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, bot = await new(paced)
    connector = paced.home.runtime.connectors[CHANNEL]
    send, lines = connector.send, []

    async def seen(delivery: Delivery) -> Any:
        lines.append(delivery.author_line)
        return await send(delivery)

    monkeypatch.setattr(connector, "send", seen)
    answer = await bot.post("/deals/HERON/messages", body())
    assert answer.status_code == 202, answer.text
    message = answer.json()["message_id"]
    assert await paced.house.ends(message) == "delivered"
    assert lines == ["Ada (bot crm-feed)"]
    assert "coffee at ten" in await paced.house.seen("bo", "lunch")
    [entry] = [e for e in await paced.entries("message.accepted") if e["message"] == message]
    assert entry["actor"] == f"bot:{made.token_id}"
    [issued] = await paced.entries("token.issued")
    assert made.secret not in str(issued)
    assert made.secret not in repr(made)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"person": "bo"}, 403),
        ({"conversation": "price"}, 403),
        ({"conversation": None}, 403),
        ({"conversation": "nowhere"}, 404),
        ({"person": "nobody"}, 404),
    ],
)
async def test_what_a_token_does_not_name_is_refused(
    paced: DeskHouse, wrong: dict[str, Any], status: int
) -> None:
    _, bot = await new(paced)
    assert (await bot.post("/deals/HERON/messages", body(**wrong))).status_code == status
    assert await paced.entries("message.accepted") == []


async def test_what_is_seen_as_more_than_its_tier_waits(paced: DeskHouse) -> None:
    _, bot = await new(paced)
    answer = await bot.post("/deals/HERON/messages", body(f"the {PRICE} figure"))
    message = answer.json()["message_id"]
    assert await paced.house.ends(message) == "held"
    assert "bot" in await paced.house.reasons(message)


async def test_the_person_it_speaks_for_is_decided_too(paced: DeskHouse) -> None:
    _, bot = await new(paced)
    deal, ada = paced.house.deal, PersonId("ada")
    await paced.home.person_pause(deal, ada, "doubt", actor=ACTOR)
    answer = await bot.post("/deals/HERON/messages", body())
    message = answer.json()["message_id"]
    assert await paced.house.ends(message) == "held"
    await paced.home.leave(deal, ada, "left", actor=ACTOR)
    answer = await bot.post("/deals/HERON/messages", body(key="again"))
    assert answer.status_code in {202, 403, 404}
    if answer.status_code == 202:
        assert await paced.house.ends(answer.json()["message_id"]) == "held"


async def test_a_token_that_is_over_or_taken_away_is_nobodys(paced: DeskHouse) -> None:
    made, bot = await new(paced, days=1)
    paced.house.clock.ahead = 1 * DAY
    assert (await bot.post("/deals/HERON/messages", body())).status_code == 401
    paced.house.clock.ahead = 0
    await paced.home.token_revoke(paced.house.deal, made.token_id, actor=ACTOR)
    assert (await bot.post("/deals/HERON/messages", body())).status_code == 401


async def test_in_a_founded_deal_two_agree_to_a_token_and_one_takes_it_away(
    paced: DeskHouse,
) -> None:
    draft, early = await new(paced)
    await found(paced.house, ADA, BO, CY, DI)
    assert (await early.post("/deals/HERON/messages", body())).status_code == 401  # of the draft
    made, bot = await new(paced)
    assert made.request is not None
    assert (await bot.post("/deals/HERON/messages", body())).status_code == 401
    shown = await paced.home.approval_show(made.request)
    assert "crm-feed" in " ".join(shown.changes)
    assert made.secret not in repr(shown)
    assert "ada" not in shown.may_agree, "she gains: it speaks for her"
    assert (await say(paced.house, made.request, BO)).state == "waits"
    assert (await bot.post("/deals/HERON/messages", body())).status_code == 401
    assert (await say(paced.house, made.request, CY)).state == "done"
    assert (await bot.post("/deals/HERON/messages", body())).status_code == 202
    await paced.home.token_revoke(paced.house.deal, made.token_id, actor=ACTOR)
    assert (await bot.post("/deals/HERON/messages", body(key="2"))).status_code == 401
    assert draft.request is None


async def test_an_entry_that_nobody_agreed_to_is_no_token_of_a_founded_deal(
    paced: DeskHouse,
) -> None:
    await found(paced.house, ADA, BO, CY, DI)
    secret, deal = "wxb_planted", paced.house.deal
    token = Token(
        "tok_" + "1" * 32,
        digest(secret).hex(),
        "feed",
        Tier.VALUATION,
        tuple(paced.home.runtime.book.deals[deal].conversations),
        (PersonId("ada"),),
        2**52,
        60,
    )
    runtime = paced.home.runtime
    await runtime.store.write(
        lambda tx: append(
            tx, deal, Kind.TOKEN_ISSUED, issued_body(token, 1), at=1, actor="local:evil"
        )
    )
    await runtime.book.reload(runtime.store, deal)
    assert await paced.home.bot_of(secret) is None


async def test_a_pace_is_kept_for_each_token(paced: DeskHouse) -> None:
    (_, bot), (_, other) = await new(paced, each_minute=2), await new(paced, each_minute=2)
    for n in range(2):
        assert (await bot.post("/deals/HERON/messages", body(key=str(n)))).status_code == 202
    slow = await bot.post("/deals/HERON/messages", body(key="3"))
    assert (slow.status_code, slow.json()["type"]) == (429, "urn:wallcross:problem:too-often")
    assert (await other.post("/deals/HERON/messages", body())).status_code == 202
    paced.ticks.at += 1 * MINUTE
    assert (await bot.post("/deals/HERON/messages", body(key="3"))).status_code == 202


async def test_a_bot_does_nothing_else(paced: DeskHouse) -> None:
    await new(paced)
    _, bot = await new(paced, each_minute=600)
    schema = (await (await paced.signed_in(None)).get("/openapi.json")).json()
    tried = 0
    for path, methods in schema["paths"].items():
        for method in methods:
            asked = path.removeprefix("/api/v1").replace("{deal}", "HERON")
            if (method, asked) == ("post", "/deals/HERON/messages"):
                continue
            answer = await bot.ask(method.upper(), asked)
            tried += 1
            opened = asked.startswith(("/session", "/oidc", "/device"))
            refusals = {401, 403, 404, 422} | ({200, 303} if opened else set())
            assert answer.status_code in refusals, asked
    assert tried > 60
    assert set(BOTS) == {"send_text"}
    assert set(BOTS) <= set(TABLE) - set(LOCAL) - set(OPEN)


async def test_a_token_is_the_security_officers_to_make(paced: DeskHouse) -> None:
    ada = await paced.signed_in("ada")
    wanted = {n: getattr(WANTED, n) for n in WANTED.__slots__}
    assert (await ada.post("/deals/HERON/tokens", wanted)).status_code == 403
    officer = await paced.signed_in(None)  # he stands in
    made = await officer.post("/deals/HERON/tokens", wanted)
    assert made.status_code == 200, made.text
    assert made.headers["cache-control"] == "no-store"
    listed = (await officer.get("/deals/HERON/tokens")).json()
    assert [(t["label"], t["persons"]) for t in listed] == [("crm-feed", ["ada"])]
    assert made.json()["secret"] not in str(listed)


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": "Approved by the CISO"},
        {"highest": "everything"},
        {"conversations": ()},
        {"persons": ()},
        {"days": 1000},
        {"each_minute": 0},
        {"highest": "coordination"},
    ],
)
async def test_a_token_that_is_not_well_formed_is_refused(
    paced: DeskHouse, wrong: dict[str, Any]
) -> None:
    officer = await paced.signed_in(None)
    wanted = {n: getattr(WANTED, n) for n in WANTED.__slots__} | wrong
    assert (await officer.post("/deals/HERON/tokens", wanted)).status_code == 422


TIERS = st.sampled_from(list(Tier))
NAMES = st.sets(st.sampled_from(["a", "b", "c"]))


@given(TIERS, NAMES, NAMES, TIERS, st.sampled_from("abc"), st.sampled_from("abc"))
def test_nothing_goes_that_a_token_does_not_name(
    highest: Tier, into: set[str], people: set[str], tier: Tier, conversation: str, person: str
) -> None:
    token = Token(
        "tok_" + "0" * 32,
        "0" * 64,
        "feed",
        highest,
        tuple(map(ConversationId, into)),
        tuple(map(PersonId, people)),
        1,
        1,
    )
    allowed = not tier > highest and conversation in into and person in people
    assert (refused(token, ConversationId(conversation), tier, person) is None) == allowed
    assert bots_token(token.remote_id("a" * 64)) == token.token_id
    assert bots_token("api-" + "a" * 40) is None


async def test_a_token_that_is_taken_away_stops_what_was_routed_and_not_sent(
    paced: DeskHouse,
) -> None:
    made, bot = await new(paced)
    await paced.home.channel_pause(CHANNEL, "doubt", actor=ACTOR)
    sent = [
        (await bot.post("/deals/HERON/messages", body(key=key))).json()["message_id"]
        for key in ("one", "two")
    ]

    async def routed() -> bool:
        return [await paced.house.state(m) for m in sent] == ["delivering", "delivering"]

    await eventually(routed)
    await paced.home.token_revoke(paced.house.deal, made.token_id, actor=ACTOR)
    await paced.home.channel_resume(CHANNEL, actor=ACTOR)
    for message in sent:
        assert await paced.house.ends(message) == "held"
        assert "bot" in await paced.house.reasons(message)
    assert await paced.house.arrived() == []
    await paced.home.held_move(sent[0], "lunch", actor=ACTOR)
    assert await paced.house.ends(sent[0]) == "delivered", "a person settled it himself"
