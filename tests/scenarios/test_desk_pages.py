"""The Overview and what is held, asked through the API as different people.

The home is real and in this process; each question goes through the desk's own table of rights.
"""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from orchestrator.api.app import make_desk
from orchestrator.api.who import here
from orchestrator.approvals.errors import ApprovalError
from orchestrator.approvals.requests import standing
from orchestrator.approvals.standing import Standing
from orchestrator.approvals.windows import state_signing
from orchestrator.client.api import Client
from orchestrator.client.held_desk import HeldItem
from orchestrator.client.problems import Missing, Problem, Refused, SignInFirst, Waits
from orchestrator.client.wire import app_transport
from orchestrator.clock import DAY, HOUR
from orchestrator.command import revealing
from orchestrator.command.risk_look import RiskLook
from orchestrator.query import standings
from orchestrator.store.unit import Tx
from tests.orchestrator.approvals.signers import Signer
from tiers.approval import Role
from tiers.ids import DealId, MessageId, PersonId, SideId
from tiers.people import Party
from tiers.rights import DeskRole, Seat, Viewer

from .conftest import House, eventually
from .house import ACTOR, PRICE
from .test_approvals import found, say

TEXT = f"{PRICE}: we raise our offer to 27.50 per share."
SIDES = {"ada": "kestrel", "bo": "kestrel", "cy": "marlow", "di": "marlow", "el": "kestrel"}
OWNER, OFFICER = DeskRole.OWNER, DeskRole.SECURITY_OFFICER
PARTICIPANT, COUNSEL = DeskRole.PARTICIPANT, DeskRole.COUNSEL
ADA = Signer("ada", frozenset({Role.OWNER}))
BO = Signer("bo")
CY = Signer("cy", frozenset({Role.APPROVER}), Party.TARGET)
DI = Signer("di", frozenset({Role.APPROVER}), Party.TARGET)


@pytest.fixture(autouse=True)
async def rules_ran(house: House) -> None:
    """The rules of leak risk were run, as they are each minute."""
    await RiskLook(house.home.runtime).look()


def viewer(house: House, person: str | None, *roles: DeskRole, stepped_up: bool = False) -> Viewer:
    side = None if person is None else SideId(SIDES[person])
    seat = Seat(house.deal, None if person is None else PersonId(person), frozenset(roles), side)
    actor = "local:op" if person is None else f"person:{person}"
    return Viewer(actor, seats={house.deal: seat}, stepped_up=stepped_up)


@asynccontextmanager
async def desk(house: House, who: Viewer | None) -> AsyncIterator[Client]:
    async with Client(app_transport(make_desk(house.home, who), here())) as client:
        yield client


async def hold(house: House, person: str = "el", to: str = "lunch") -> MessageId:
    message = await house.send(TEXT, person, to)
    assert await house.ends(message) == "held"
    return message


async def items(house: House, who: Viewer) -> tuple[HeldItem, ...]:
    async with desk(house, who) as client:
        return (await client.held_desk("HERON")).items


async def test_a_deal_in_order_is_clear_and_says_when_it_was_checked(house: House) -> None:
    async with desk(house, viewer(house, "ada", PARTICIPANT, OWNER)) as client:
        shown = await client.deal_overview("HERON")
    assert shown.verdict.why == ()
    assert (shown.verdict.state, shown.verdict.needs, shown.items) == ("clear", 0, ())
    assert (shown.verdict.channels, shown.verdict.read) == (1, 1)
    assert shown.verdict.oldest_at is not None
    assert [card.tier for card in shown.tiers] == ["valuation", "operations", "coordination"]
    assert shown.tiers[0].channels == (("memory", "up"),)
    assert shown.tiers[0].people == 3
    assert shown.tiers[0].timer is not None
    assert shown.signing_at is None


async def test_old_figures_are_never_called_well(house: House) -> None:
    house.clock.ahead = 2 * HOUR
    async with desk(house, viewer(house, "ada", PARTICIPANT, OWNER)) as client:
        shown = await client.deal_overview("HERON")
    assert shown.verdict.state == "unknown"
    assert "rooms" in shown.verdict.why
    assert shown.verdict.read == 0


async def test_rules_that_did_not_run_lately_are_no_good_news(house: House) -> None:
    await house.home.runtime.store.write(lambda tx: tx.run("DELETE FROM risk_look"))
    async with desk(house, viewer(house, "ada", PARTICIPANT, OWNER)) as client:
        shown = await client.deal_overview("HERON")
    assert (shown.verdict.state, shown.verdict.why) == ("unknown", ("rules",))


async def test_what_is_accepted_for_now_asks_nobody(house: House) -> None:
    await house.far.add_member(house.room("lunch"), "mallory", by="ada")

    async def noticed() -> bool:
        return "unknown_member" in await house.findings()

    await eventually(noticed)
    who = viewer(house, "ada", PARTICIPANT, OWNER, OFFICER)
    async with desk(house, who) as client:
        risk, before = await client.risk_show("HERON"), await client.deal_needs("HERON")
        needed = [f for f in risk.findings if f.needs_you]
        assert before["leak_risk"] == len(needed)
        for one in needed:
            until = house.clock() + DAY
            await client.finding_accept("HERON", one.finding_id, until=until, because="known")
        assert "leak_risk" not in await client.deal_needs("HERON")


async def test_a_channel_that_does_not_answer_is_not_called_well(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = next(iter(house.home.runtime.channels.values()))
    monkeypatch.setattr(channel, "connector", None)
    async with desk(house, viewer(house, "ada", PARTICIPANT, OWNER)) as client:
        shown = await client.deal_overview("HERON")
    assert shown.verdict.state == "unknown"
    assert "channel:memory" in shown.verdict.why
    assert shown.verdict.since["memory"] is not None


async def test_what_needs_one_is_not_told_another(house: House) -> None:
    message = await hold(house)
    async with desk(house, viewer(house, "el", PARTICIPANT)) as client:
        shown, needs = await client.deal_overview("HERON"), await client.deal_needs("HERON")
    assert (shown.verdict.state, shown.verdict.needs) == ("needs", 1)
    [item] = shown.items
    assert (item.kind, item.page, item.subject, item.done) == (
        "held",
        "held",
        message,
        "stays_held",
    )
    assert needs == {"held": 1}
    async with desk(house, viewer(house, "di", PARTICIPANT)) as client:
        shown, needs = await client.deal_overview("HERON"), await client.deal_needs("HERON")
    assert (shown.verdict.needs, shown.items, needs) == (0, (), {})


async def test_a_finding_needs_whoever_may_answer_it(house: House) -> None:
    await house.far.add_member(house.room("price"), "mallory", by="ada")

    async def noticed() -> bool:
        return "unknown_member" in await house.findings()

    await eventually(noticed)
    async with desk(house, viewer(house, "ada", PARTICIPANT, OWNER)) as client:
        shown, needs = await client.deal_overview("HERON"), await client.deal_needs("HERON")
    first = shown.items[0]
    assert (first.kind, first.rule, first.page) == ("finding", "unknown_member", "people")
    assert first.about == "#price"
    assert first.done == "room_paused"
    assert needs["people"] >= 1
    async with desk(house, viewer(house, "el", PARTICIPANT)) as client:
        cut = await client.deal_overview("HERON")
    assert cut.items == ()
    assert "price" not in repr(cut)


async def test_a_participant_is_shown_the_tiers_that_he_is_in_without_figures(
    house: House,
) -> None:
    async with desk(house, viewer(house, "el", PARTICIPANT)) as client:
        shown = await client.deal_overview("HERON")
    assert [card.tier for card in shown.tiers] == ["coordination"]
    assert shown.tiers[0].today is None
    assert shown.tiers[0].days == ()


async def test_an_operator_sees_figures_and_no_name(house: House) -> None:
    await hold(house)
    who = viewer(house, None, DeskRole.OPERATOR)
    async with desk(house, who) as client:
        shown, held = await client.deal_overview("HERON"), await client.held_desk("HERON")
    assert (held.total, held.items) == (1, ())
    assert shown.tiers[0].people == 3
    assert not any(name in repr(shown) for name in ("price", "lunch", "Ada", "El"))


async def test_traffic_is_counted_by_day_and_tier(house: House) -> None:
    for _ in range(2):
        await house.ends(await house.send("lunch is at noon", "ada", "lunch"))
    async with desk(house, viewer(house, "ada", PARTICIPANT, OWNER)) as client:
        before = await client.deal_overview("HERON")
        card = next(c for c in before.tiers if c.tier == "coordination")
        assert (card.today, card.days[-1], len(card.days)) == (2, 2, 14)
        house.clock.ahead = DAY
        after = await client.deal_overview("HERON")
        card = next(c for c in after.tiers if c.tier == "coordination")
        assert (card.today, card.days[-2:]) == (0, (2, 0))


async def test_each_sees_his_own_held_messages_and_no_other(house: House) -> None:
    message = await hold(house)
    [own] = await items(house, viewer(house, "el", PARTICIPANT))
    assert (own.message_id, own.mine, own.where, own.seen) == (message, True, "#lunch", "nobody")
    assert own.may == ("move", "drop", "ask")
    assert [w.name for w in own.fits] == ["V1"], "he is not told what the stricter one is called"
    assert own.why
    assert await items(house, viewer(house, "di", PARTICIPANT)) == ()
    [all_] = await items(house, viewer(house, "ada", PARTICIPANT, OWNER))
    assert (all_.author_name, all_.owner_name, all_.may) == (
        "El",
        "El",
        ("move", "drop", "ask", "reveal"),
    )
    assert "27.50" not in repr((own, all_))


async def test_its_author_moves_it_to_a_stricter_conversation_alone(house: House) -> None:
    message = await hold(house, "ada")
    who = viewer(house, "ada", PARTICIPANT)
    [own] = await items(house, who)
    async with desk(house, who) as client:
        done = await client.held_desk_move("HERON", message, own.fits[0].conversation)
    assert done.state == "moved"
    assert await house.ends(message) == "delivered"
    assert await house.seen("bo", "price") == [TEXT]


async def test_nobody_moves_it_down_from_the_desk(house: House) -> None:
    message = await hold(house, "ada")
    lunch = next(
        c.conversation_id
        for c in house.home.runtime.book.deals[house.deal].conversations.values()
        if c.label == "lunch"
    )
    async with desk(house, viewer(house, "ada", PARTICIPANT, OWNER)) as client:
        with pytest.raises(Refused):
            await client.held_desk_move("HERON", message, lunch)
    assert await house.state(message) == "held"


async def test_its_author_asks_and_drops_and_a_colleague_does_neither(house: House) -> None:
    message = await hold(house)
    async with desk(house, viewer(house, "di", PARTICIPANT)) as client:
        for verb in (client.held_desk_drop, client.held_desk_ask, client.held_reveal_ask):
            with pytest.raises((Missing, Refused)):
                await verb("HERON", message)
    async with desk(house, viewer(house, "el", PARTICIPANT)) as client:
        assert (await client.held_desk_ask("HERON", message)).state == "held"
        assert "release_asked" in await house.findings()
        assert (await client.held_desk_drop("HERON", message)).state == "dropped"
    assert await house.state(message) == "dropped"


async def reveal_asked(house: House, message: MessageId, who: Viewer) -> str:
    async with desk(house, who) as client:
        done = await client.held_reveal_ask("HERON", message)
    assert done.request is not None
    return done.request


async def opened(house: House, message: str, who: Viewer | None) -> httpx.Response:
    """As a browser does it: the answer with its headers."""
    transport = app_transport(make_desk(house.home, who), here())
    async with httpx.AsyncClient(transport=transport, base_url="http://wallcross") as http:
        return await http.post(f"/api/v1/deals/HERON/held/{message}/reveal/open")


@pytest.fixture
async def agreed(house: House) -> tuple[House, MessageId, Viewer]:
    """A founded deal, a held message of el's, and two who agreed that ada reads it."""
    await found(house, ADA, BO, CY)
    message = await hold(house)
    who = viewer(house, "ada", PARTICIPANT, OWNER, stepped_up=True)
    request = await reveal_asked(house, message, who)
    assert (await say(house, request, BO)).state == "waits"
    assert (await opened(house, message, who)).status_code == 403, "one is not enough"
    assert (await say(house, request, CY)).state == "done"
    return house, message, who


async def test_two_agree_and_one_reads_it_once_and_its_author_is_told(
    agreed: tuple[House, MessageId, Viewer],
) -> None:
    house, message, who = agreed
    [item] = await items(house, who)
    assert item.reveal is not None
    assert item.reveal.state == "open"
    answer = await opened(house, message, who)
    assert answer.status_code == 200
    assert answer.json()["text"] == TEXT
    assert answer.json()["author_told"] is True
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = await opened(house, message, who)
    assert again.status_code == 403
    assert "27.50" not in again.text
    told = await house.told("el", 2)
    assert "Ada read your held message" in told[-1].text
    assert "27.50" not in "".join(t.text for t in told)
    kinds = [e.kind for e in await house.home.audit_tail(house.deal, 60)]
    assert "message.revealed" in kinds
    assert await house.state(message) == "held"
    [item] = await items(house, who)
    assert item.reveal is not None
    assert item.reveal.state == "read"


async def test_who_was_agreed_to_reads_it_and_nobody_else(
    agreed: tuple[House, MessageId, Viewer],
) -> None:
    house, message, who = agreed
    del who
    others = (
        viewer(house, "bo", PARTICIPANT, OWNER, stepped_up=True),
        viewer(house, "cy", PARTICIPANT, OFFICER, stepped_up=True),
        viewer(house, "el", PARTICIPANT, stepped_up=True),
        viewer(house, None, DeskRole.OPERATOR, stepped_up=True),
        Viewer("local:home", whole=True, stepped_up=True),
        Viewer("bot:tok_1", seats={}, stepped_up=True),
        None,
    )
    for other in others:
        answer = await opened(house, message, other)
        assert answer.status_code in {401, 403, 404}
        assert "27.50" not in answer.text
    unproved = viewer(house, "ada", PARTICIPANT, OWNER)
    assert (await opened(house, message, unproved)).status_code == 403, "prove yourself first"


async def test_an_agreement_lasts_so_long_and_no_longer(
    agreed: tuple[House, MessageId, Viewer], monkeypatch: pytest.MonkeyPatch
) -> None:
    house, message, who = agreed
    monkeypatch.setattr(revealing, "WITHIN", 1)
    [item] = await items(house, who)
    assert item.reveal is not None
    assert item.reveal.state == "lapsed"
    answer = await opened(house, message, who)
    assert answer.status_code == 403
    assert "27.50" not in answer.text


async def test_what_is_destroyed_is_read_by_nobody(
    agreed: tuple[House, MessageId, Viewer],
) -> None:
    house, message, who = agreed
    await house.home.held_drop(message, actor=ACTOR)
    answer = await opened(house, message, who)
    assert answer.status_code == 404
    assert "27.50" not in answer.text


async def test_a_planted_row_reveals_nothing(agreed: tuple[House, MessageId, Viewer]) -> None:
    """Who writes into the store makes a message of his own out of another's: its mark is wrong."""
    house, message, who = agreed
    store = house.home.runtime.store
    sql = "UPDATE message SET person_id = 'ada' WHERE message_id = ?"
    await store.write(lambda tx: tx.run(sql, (message,)))
    answer = await opened(house, message, who)
    assert answer.status_code in {403, 404}
    back = "UPDATE message SET person_id = 'el' WHERE message_id = ?"
    await store.write(lambda tx: tx.run(back, (message,)))


PLANTS = {
    "a reading is forgotten": ("read_already", lambda _: frozenset()),
    "clearance is not asked": ("_check_cleared", lambda *_: None),
    "a plan counts without people": ("open_until", lambda r: r.asked_at + DAY),
}
"""Ways in which a reading would be let through; with each, the tests above fail."""


@pytest.mark.parametrize("plant", PLANTS)
async def test_a_planted_hole_is_seen(
    house: House, monkeypatch: pytest.MonkeyPatch, plant: str
) -> None:
    await found(house, ADA, BO, CY)
    message = await hold(house)
    monkeypatch.setattr(revealing, *PLANTS[plant])
    reader = "di" if plant == "clearance is not asked" else "ada"
    who = viewer(house, reader, PARTICIPANT, OFFICER, stepped_up=True)
    request = await reveal_asked(house, message, who)
    if plant != "a plan counts without people":
        await say(house, request, BO)
        await say(house, request, CY)
    first = await opened(house, message, who)
    again = await opened(house, message, who)
    assert "27.50" in first.text
    assert ("27.50" in again.text) == (plant == "a reading is forgotten")


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_people_do_each_agreement_shows_it_once_to_its_reader(
    house: House, seed: int
) -> None:
    """Asked for, agreed to, opened and dropped in any order, by anybody."""
    await found(house, ADA, BO, CY, DI)
    choose = random.Random(seed)  # noqa: S311 - an order that can be had again, no secret
    message = await hold(house)
    readers = {p: viewer(house, p, PARTICIPANT, OWNER, stepped_up=True) for p in ("ada", "bo")}
    asked: dict[str, str] = {}
    agreed: dict[str, set[str]] = {}
    for _ in range(24):
        person = choose.choice(sorted(readers))
        match choose.choice(("ask", "sign", "sign", "open", "drop" if seed % 2 else "open")):
            case "ask" if await house.state(message) == "held":
                request = await reveal_asked(house, message, readers[person])
                if asked.get(person) != request:
                    asked[person], agreed[person] = request, set()
            case "sign" if person in asked:
                signer = choose.choice((ADA, BO, CY, DI))
                with suppress(Problem, ApprovalError):
                    await say(house, asked[person], signer)
                    agreed[person].add(signer.name)
            case "open":
                answer = await opened(house, message, readers[person])
                may = len(agreed.get(person, set())) >= 2 and await house.state(message) == "held"
                assert (answer.status_code == 200) == may
                assert ("27.50" in answer.text) == may
                if may:
                    agreed[person] = set()
            case "drop" if choose.random() < 0.2 and await house.state(message) == "held":
                await house.home.held_drop(message, actor=ACTOR)
            case _:
                continue


async def test_the_signing_date_is_told_once_somebody_set_it(house: House) -> None:
    who = viewer(house, "ada", PARTICIPANT, OWNER)
    at = house.clock() + 12 * DAY + HOUR
    await house.home.runtime.store.write(
        lambda tx: state_signing(tx, house.deal, at, at=house.clock(), actor=ACTOR)
    )
    async with desk(house, who) as client:
        assert (await client.deal_overview("HERON")).signing_at == at


async def test_who_is_not_cleared_for_it_reads_nothing(house: House) -> None:
    await found(house, ADA, BO, CY)
    message = await hold(house, "ada")
    who = viewer(house, "di", PARTICIPANT, OFFICER)
    async with desk(house, who) as client:
        with pytest.raises(Refused, match="not cleared"):
            await client.held_reveal_ask("HERON", message)


async def test_counsel_names_the_matter(house: House) -> None:
    await found(house, ADA, BO, CY)
    message = await hold(house)
    async with desk(house, viewer(house, "cy", COUNSEL)) as client:
        with pytest.raises(Refused, match="matter"):
            await client.held_reveal_ask("HERON", message)
        with pytest.raises(Problem):
            await client.held_reveal_ask("HERON", message, "see attached <b>")
        done = await client.held_reveal_ask("HERON", message, "M-2026/17")
    shown = await house.home.approval_show(str(done.request))
    assert "m-2026/17" in shown.why
    assert "cy" not in shown.may_agree, "whoever reads it does not count"


async def test_in_a_deal_that_is_not_founded_nobody_reads_it(house: House) -> None:
    message = await hold(house)
    async with desk(house, viewer(house, "ada", PARTICIPANT, OWNER)) as client:
        with pytest.raises(Waits):
            await client.held_reveal_ask("HERON", message)


async def test_of_another_deal_there_is_nothing(house: House) -> None:
    message = await hold(house)
    seat = Seat(DealId("deal_other"), PersonId("ada"), frozenset({OWNER}))
    stranger = Viewer("person:ada", seats={DealId("deal_other"): seat})
    async with desk(house, stranger) as client:
        for ask in (client.deal_overview, client.deal_needs, client.held_desk):
            with pytest.raises(Missing):
                await ask("HERON")
        with pytest.raises(Missing):
            await client.held_desk_drop("HERON", message)
    async with desk(house, None) as client:
        with pytest.raises(SignInFirst):
            await client.deal_overview("HERON")


async def test_whose_a_request_is_costs_no_reading_of_what_was_signed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may ask for a made-up one, as often as he likes."""
    read: list[DealId] = []

    def counted(tx: Tx, deal: DealId) -> Standing:
        read.append(deal)
        return standing(tx, deal)

    monkeypatch.setattr(standings, "standing", counted)
    for n in range(3):
        assert await house.home.where("request", f"apr_{n:032x}") is None
    assert read == [house.deal]
