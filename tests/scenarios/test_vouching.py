"""What others say of a person: by name before a deal is founded, by signature once it is."""

from dataclasses import replace

import pytest

from orchestrator.approvals.standing import AGREE, ATTEST, PAPER
from orchestrator.client.problems import Refused, Waits, Wrong
from orchestrator.clock import DAY
from orchestrator.command.approving import HANDLERS
from orchestrator.command.crossing_look import CrossingLook
from tests.orchestrator.approvals.signers import Signer
from tiers.approval import Role
from tiers.decision import Decision
from tiers.ids import AccountId, PersonId, SideId
from tiers.people import Party, Roster
from tiers.policy import RecipientFacts, decide_recipient
from tiers.tier import Tier

from .conftest import House, Opens, eventually
from .house import ACTOR, CHANNEL, TALKS, Talk, make_talk, roster
from .test_leave_agreed import Founded, asked

ADA, CY, DI, EL = (PersonId(n) for n in ("ada", "cy", "di", "el"))
NOTICE = "You will be told inside information."


def listed(*, counsel: bool = False, control_room: bool = False) -> Roster:
    """The made-up roster: cy has no account, di is counsel or the control room of his side."""
    made = roster()
    people = tuple(
        replace(p, accounts={} if p.person_id == CY else p.accounts,
                role="external counsel" if counsel and p.person_id == DI else p.role)
        for p in made.people
    )  # fmt: skip
    sides = tuple(
        replace(s, notice=NOTICE, control_room=(DI,))
        if control_room and s.side_id == SideId("marlow")
        else s
        for s in made.sides
    )
    return replace(made, people=people, sides=sides)


def judged(house: House, account: str, tier: Tier, later: int = 0) -> Decision:
    """Whether an account may read what its tier's conversation carries."""
    view = house.home.runtime.book.deals[house.deal]
    owner = view.roster.owner(CHANNEL, AccountId(account))
    conversation = next(c for c in view.conversations.values() if c.floor is tier)
    facts = RecipientFacts(CHANNEL, AccountId(account), owner, ())
    rules = view.policy.tiers[tier]
    at = house.home.runtime.now() + later
    return decide_recipient(facts, view.roster, conversation, rules, as_tier=tier, at=at)


def rules(decision: Decision) -> set[str]:
    return {r.rule for r in decision.against}


async def test_counsels_word_is_enough_for_operations_for_thirty_days_and_never_for_valuation(
    opens: Opens,
) -> None:
    house = await opens(people=listed(counsel=True))
    shown = await house.home.person_attest(house.deal, CY, CHANNEL, "cy-own", DI, actor=ACTOR)
    [account] = shown.accounts
    assert (account.account, account.by) == ("cy-own", "attested")
    assert "attested" not in rules(judged(house, "cy-own", Tier.COORDINATION))
    assert "attested" not in rules(judged(house, "cy-own", Tier.OPERATIONS))
    assert "attested" in rules(judged(house, "cy-own", Tier.VALUATION))
    assert "attested" in rules(judged(house, "cy-own", Tier.COORDINATION, 30 * DAY))
    house.clock.ahead = 30 * DAY
    await CrossingLook(house.home.runtime).look()
    assert "attested_lapsed" in await house.findings()
    await house.home.person_attest(house.deal, CY, CHANNEL, "cy-own", DI, actor=ACTOR)
    await CrossingLook(house.home.runtime).look()
    assert "attested_lapsed" not in await house.findings()


async def test_an_attested_account_is_let_into_operations_and_into_no_valuation_room(
    opens: Opens,
) -> None:
    house = await opens(people=listed(counsel=True))
    await house.home.person_attest(house.deal, CY, CHANNEL, "cy-own", DI, actor=ACTOR)
    for label, floor in (("docs", Tier.OPERATIONS), ("bid", Tier.VALUATION)):
        await make_talk(house.home, house.deal, Talk(label, floor))
    let_in = {label: await members(house, label) for label in ("docs", "bid")}
    assert "cy" in let_in["docs"]
    assert "cy" not in let_in["bid"]
    plan = await house.home.plan(house.deal)
    closed = {house.room(label) for label in ("bid", "price")}
    assert {line.room for line in plan.acts if line.account == "cy-own"}.isdisjoint(closed)
    assert house.room("supply") in {a.room for a in plan.acts if a.account == "cy-own"}


async def members(house: House, label: str) -> set[str]:
    shown = await house.home.conv_show(house.deal, label)
    return {m for room in shown.rooms for m in room.members or ()}


async def test_who_may_vouch_and_for_what(opens: Opens) -> None:
    house = await opens(people=listed(counsel=True))
    say = house.home.person_attest
    for person, account, by in (
        (CY, "cy-own", ADA),  # no counsel, and of the other party
        (CY, "cy-own", CY),
        (EL, "el-own", DI),  # of the host: he proves it
        (CY, "ada", DI),  # somebody else's
    ):
        with pytest.raises(Refused):
            await say(house.deal, person, CHANNEL, account, by, actor=ACTOR)
    for channel, account in ((CHANNEL, "two words"), ("fax", "cy-own")):
        with pytest.raises(Wrong):
            await say(house.deal, CY, channel, account, DI, actor=ACTOR)


async def test_what_he_proved_himself_is_not_taken_back_by_counsel(opens: Opens) -> None:
    house = await opens(people=listed(counsel=True))
    await house.home.person_attest(house.deal, CY, CHANNEL, "cy-own", DI, actor=ACTOR)
    made = await house.home.person_enrol(house.deal, CY, [CHANNEL], ADA, actor=ACTOR)
    await house.far.direct("cy-phone", "wallcross", " ".join(made.codes[0].words))

    async def proved() -> bool:
        shown = await house.home.person_show(house.deal, CY)
        return [(a.account, a.by) for a in shown.accounts] == [("cy-phone", "proved")]

    await eventually(proved)
    with pytest.raises(Refused):
        await house.home.person_attest(house.deal, CY, CHANNEL, "cy-own", DI, actor=ACTOR)


def test_each_has_somebody_who_carries_it_out() -> None:
    assert {AGREE, PAPER, ATTEST} <= HANDLERS.keys()


async def test_in_a_founded_deal_the_control_room_signs_alone_and_a_paper_takes_two(
    opens: Opens,
) -> None:
    founded = Founded(await opens(TALKS, people=listed(control_room=True)), "ada", "bo", "el")
    founded.signers["di"] = Signer("di", frozenset({Role.CONTROL_ROOM}), Party.TARGET)
    await founded.found()
    home, deal = founded.house.home, founded.house.deal
    with pytest.raises(Waits) as waits:
        await home.person_agree(deal, CY, DI, actor=ACTOR)
    assert (await home.person_show(deal, CY)).notice.stands == "to_agree"
    await founded.sign(asked(waits.value), "di")
    agreed = (await home.person_show(deal, CY)).notice
    assert (agreed.stands, agreed.agreed_by) == ("to_cross", "di")
    await home.person_cross(deal, CY, ADA, "needed", actor=ACTOR)
    with pytest.raises(Waits) as paper:
        await home.person_ack(deal, CY, ADA, actor=ACTOR)
    await founded.sign(asked(paper.value), "bo")
    assert (await home.person_show(deal, CY)).notice.stands == "crossed"
    await founded.sign(asked(paper.value), "el")
    assert (await home.person_show(deal, CY)).notice.stands == "acknowledged"


async def test_a_paper_that_people_sign_for_is_of_the_crossing_that_they_saw(
    opens: Opens,
) -> None:
    founded = Founded(await opens(TALKS, people=listed(control_room=True)), "ada", "bo", "el")
    founded.signers["di"] = Signer("di", frozenset({Role.CONTROL_ROOM}), Party.TARGET)
    await founded.found()
    home, deal = founded.house.home, founded.house.deal

    async def cross() -> None:
        with pytest.raises(Waits) as waits:
            await home.person_agree(deal, CY, DI, actor=ACTOR)
        await founded.sign(asked(waits.value), "di")
        await home.person_cross(deal, CY, ADA, "needed", actor=ACTOR)

    await cross()
    with pytest.raises(Waits) as paper:
        await home.person_ack(deal, CY, ADA, actor=ACTOR)
    await founded.sign(asked(paper.value), "bo")
    await home.person_cleanse(deal, CY, ADA, "conflict", actor=ACTOR)
    await cross()
    with pytest.raises(Refused, match="not asked to acknowledge that"):
        await founded.sign(asked(paper.value), "el")
    assert (await home.person_show(deal, CY)).notice.stands == "crossed"
