"""Changed rules tried before anybody adopts them: what they would do, and that nothing is done."""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.client.problems import Missing, Problem, Refused, Wrong
from orchestrator.client.tiers import LISTED, TEXTS, Rules, Sample, SimulationView
from orchestrator.clock import DAY
from orchestrator.command.simulating import Simulating
from orchestrator.command.simulating_effects import (
    person_moves,
    room_moves,
    setting_moves,
    stand,
    under,
)
from orchestrator.config.policy import canonical_policy, default_text, read_policy, to_policy
from orchestrator.store.unit import Store
from tiers.ids import AccountId, ConnectorName
from tiers.rights import DeskRole
from tiers.tier import Tier

from .conftest import House
from .house import CHANNEL
from .test_approvals import hold
from .test_desk_approvals import COUNSEL, OFFICER, OPERATOR, OWNER, PERSON, at_desk, seated

CANARY = "zqxKwv81PorridgeLantern5512"
SHIPPED: Mapping[str, Any] = json.loads(read_policy(default_text()))


def changed(**tiers: Mapping[str, Any]) -> str:
    """The policy that ships with some settings of its tiers changed; ``demands`` are joined."""
    document = json.loads(json.dumps(SHIPPED))
    for tier, settings_ in tiers.items():
        part = document["tiers"][tier]
        part["demands"].update(settings_.get("demands", {}))
        part.update({k: v for k, v in settings_.items() if k != "demands"})
    return canonical_policy(json.dumps(document))


async def read_rooms(house: House) -> None:
    """Has every room read, as the home does on a schedule."""
    runtime = house.home.runtime
    deal = runtime.book.deals[house.deal]
    for bindings in deal.rooms.values():
        for binding in bindings:
            await runtime.observer.view(deal, binding, not_before=runtime.now())


async def simulated(
    house: House, rules: Rules, *texts: Sample, role: DeskRole = OWNER
) -> SimulationView:
    async with at_desk(house, seated(house, "ada", PERSON, role)) as client:
        return await client.rules_simulate(str(house.deal), rules, texts, effects=True)


class ReadsAlone:
    """A store that has nothing but its reading."""

    def __init__(self, store: Store) -> None:
        self.read = store.read


async def test_the_same_rules_differ_in_nothing(house: House) -> None:
    await hold(house)
    await read_rooms(house)
    texts = [Sample(text=t, floor=f) for t in ("zvaluation", "lunch", "zoperations 27.50 per share")
             for f in (None, "coordination", "valuation")]  # fmt: skip
    for rules in (Rules(), Rules(policy=json.dumps(SHIPPED))):
        found = await simulated(house, rules, *texts)
        assert found.before == found.after
        assert (found.settings, found.watched) == ((), 0)
        assert all(move.before == move.after for move in found.texts)
        assert found.effects is not None
        assert (found.effects.rooms, found.effects.people, found.effects.waiting) == ((), (), ())
        assert (found.effects.channels, found.effects.read, found.effects.unread) == ((), 3, 0)


async def test_a_room_that_would_not_hold_what_is_demanded_is_named_and_so_are_its_texts(
    house: House,
) -> None:
    """No room of this network has a timer of an hour."""
    await read_rooms(house)
    shorter = {"least": "attested", "at_most": 3_600_000_000}
    stricter = changed(valuation={"demands": {"timer": shorter}})
    text = Sample(text="zvaluation", floor=None)
    found = await simulated(house, Rules(policy=stricter), text, Sample(text="lunch"))
    assert [s.place for s in found.settings] == ["tiers.valuation.demands.timer.at_most"]
    assert found.effects is not None
    [room] = found.effects.rooms
    assert (room.conversation, room.channel, room.open) == ("price", CHANNEL, False)
    assert any("after at most 1 hour" in why for why in room.because)
    price, lunch = found.texts
    assert (price.before.act, price.after.act) == ("goes", "held")
    assert (price.before.tier, price.after.tier) == ("valuation", "valuation")
    assert "room" in price.after.rules
    assert lunch.before == lunch.after


async def test_a_message_that_waits_is_named_when_its_room_would_close(house: House) -> None:
    message = await hold(house)
    await read_rooms(house)
    shorter = {"least": "attested", "at_most": 3_600_000_000}
    found = await simulated(house, Rules(policy=changed(valuation={"demands": {"timer": shorter}})))
    assert found.effects is not None
    assert [(w.message, w.open) for w in found.effects.waiting] == [(message, False)]
    assert found.effects.counts == {"rooms": 1, "people": 0, "waiting": 1}
    assert found.effects.counts["rooms"] <= LISTED


async def test_an_entry_of_the_watch_list_is_tried_and_neither_kept_nor_told(house: House) -> None:
    rules = Rules(names=["Porridge Lantern"])
    texts = (Sample(text="porridge lantern at noon", floor="coordination"), Sample(text="at noon"))
    found = await simulated(house, rules, *texts)
    named, other = found.texts
    assert found.watched == 1
    assert (named.before.act, named.after.act) == ("goes", "held")
    assert set(named.after.rules) - set(named.before.rules) == {"watch.name"}
    assert other.before == other.after
    assert "orridge" not in repr(found)
    assert await house.home.watch_size(house.deal) == 0


async def test_nothing_is_written_and_no_network_is_asked(house: House) -> None:
    """What simulates has neither a store that writes, nor channels."""
    await hold(house)
    await read_rooms(house)
    runtime, shorter = house.home.runtime, {"least": "attested", "at_most": 3_600_000_000}
    kept = {b.place: runtime.observer.kept(b.place) for _, b in runtime.book.rooms()}
    reads = cast("Store", ReadsAlone(runtime.store))
    alone = Simulating(replace(runtime, store=reads, connectors={}))
    rules = Rules(policy=changed(valuation={"demands": {"timer": shorter}}), names=["Porridge"])
    found = await alone.rules_simulate(house.deal, rules, [Sample(text="lunch")], effects=True)
    assert found.effects is not None
    assert found.effects.counts["rooms"] == 1
    assert {b.place: runtime.observer.kept(b.place) for _, b in runtime.book.rooms()} == kept
    assert await house.home.watch_size(house.deal) == 0
    assert runtime.book.deals[house.deal].policy.hash == found.before


async def test_a_text_is_in_no_answer_no_error_and_no_log(
    house: House, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    said = Sample(text=f"zvaluation {CANARY}", subject=CANARY)
    seen = [repr(await simulated(house, Rules(), said)), repr(said)]
    async with at_desk(house, seated(house, "ada", PERSON, OWNER)) as client:
        path, deal = "/rules/simulate", {"deal": str(house.deal)}
        for body in (
            {"texts": [{"text": [CANARY]}]},
            {"texts": [{"text": "a", "floor": CANARY}]},
            {"texts": [{"text": CANARY}] * (TEXTS + 1)},
            {"texts": [{"text": CANARY, CANARY: 1}]},
            {"names": [CANARY * 20]},
            {"amounts": [CANARY]},
            {"policy": CANARY},
        ):
            with pytest.raises(Problem) as caught:
                await client._call("POST", path, body, deal)
            seen.append(repr((caught.value, caught.value.args, caught.value.details)))
    captured = capsys.readouterr()
    assert not any(CANARY in text for text in (*seen, caplog.text, captured.out, captured.err))


@pytest.mark.parametrize("role", [OWNER, OFFICER, COUNSEL])
async def test_who_may_ask_for_other_rules_may_try_them(house: House, role: DeskRole) -> None:
    assert (await simulated(house, Rules(), role=role)).settings == ()


@pytest.mark.parametrize("role", [PERSON, DeskRole.ADVISER, DeskRole.APPROVER, OPERATOR])
async def test_others_may_not(house: House, role: DeskRole) -> None:
    async with at_desk(house, seated(house, "bo", role)) as client:
        with pytest.raises((Refused, Missing)):
            await client.rules_simulate(str(house.deal), Rules())
        with pytest.raises((Refused, Missing)):
            await client.tier_list(str(house.deal))


async def test_whoever_has_no_seat_does_not_learn_that_there_is_a_deal(house: House) -> None:
    async with at_desk(house, seated(house, "ada", PERSON, OWNER)) as client:
        with pytest.raises(Missing):
            await client.rules_simulate("OTHER", Rules())


async def test_a_policy_below_the_floors_is_no_policy(house: House) -> None:
    weaker = json.loads(json.dumps(SHIPPED))
    del weaker["tiers"]["valuation"]["demands"]["devices_verified"]
    with pytest.raises(Wrong):
        await simulated(house, Rules(policy=json.dumps(weaker)))


async def test_the_list_says_which_channels_fit_and_what_is_against_the_others(
    house: House,
) -> None:
    async with at_desk(house, seated(house, "ada", PERSON, OFFICER)) as client:
        found = await client.tier_list(str(house.deal))
    assert found.watched == 0
    for tier in found.tiers:
        [channel] = tier.channels
        assert (channel.channel, channel.kind, channel.fits) == (CHANNEL, "memory", True)


async def test_whose_account_is_only_attested_would_lose_or_gain_a_conversation(
    house: House,
) -> None:
    """By a tier's ``attested_accounts``, the accounts of counsel's word count or do not."""
    runtime = house.home.runtime
    deal = runtime.book.deals[house.deal]
    at, el = runtime.now(), (CHANNEL, AccountId("el"))
    attested = {el: at + DAY}
    doubtful = vouched_for(deal, attested)
    policy = to_policy(changed(coordination={"attested_accounts": False},
                               operations={"attested_accounts": False}), made_up=True)  # fmt: skip
    stricter = vouched_for(under(deal, policy), attested)
    lost = list(person_moves(doubtful, stricter, at))
    assert [(m.person, m.conversation, m.gains) for m in lost] == [("el", "lunch", False)]
    back = list(person_moves(stricter, doubtful, at))
    assert [(m.person, m.gains) for m in back] == [("el", True)]


def vouched_for(deal: Any, attested: Mapping[tuple[ConnectorName, AccountId], int]) -> Any:
    return replace(deal, roster=replace(deal.roster, attested=dict(attested)))


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "fresh_for": st.integers(1_000_000, 30_000_000),
        "keep_for": st.integers(DAY, 365 * DAY),
        "verified_for": st.integers(DAY, 300 * DAY),
        "attested_accounts": st.just(value=False),
        "mirrored": st.just(value=False),
        "demands": st.fixed_dictionaries(
            {}, optional={"timer": st.fixed_dictionaries(
                {"least": st.just("attested"), "at_most": st.integers(1, 7 * DAY)})}
        ),
    },
)  # fmt: skip


async def test_any_policy_against_itself_moves_nobody_and_nothing(house: House) -> None:
    await read_rooms(house)
    runtime = house.home.runtime
    deal, at = runtime.book.deals[house.deal], runtime.now()

    @settings(max_examples=40, deadline=None)
    @given(tier=st.sampled_from([t.value for t in Tier][2:]), values=SETTINGS)
    def holds(tier: str, values: Mapping[str, Any]) -> None:
        document = changed(**{tier: values})
        policy = to_policy(document, made_up=True)
        one, other = under(deal, policy), under(under(deal, policy), policy)
        first, second = (stand(d, runtime.observer, at) for d in (one, other))
        assert first == second
        assert list(room_moves(deal, first, second)) == []
        assert list(person_moves(one, other, at)) == []
        assert list(setting_moves(json.loads(document), json.loads(document))) == []

    holds()
    assert stand(deal, runtime.observer, at) == stand(
        under(deal, deal.policy), runtime.observer, at
    )
