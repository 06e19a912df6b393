"""Rooms are made for those whom the adopted roster clears, or not at all; attestations lapse."""

from dataclasses import replace
from typing import Any

import pytest

from connectors.memory.faults import FaultKind
from orchestrator.client.problems import Failed, Problem, Refused, Wrong
from orchestrator.client.views import NewConversation
from orchestrator.clock import DAY
from orchestrator.roster.document import to_document
from tiers.guarantees import Evidence, Guarantee
from tiers.ids import PersonId, SideId
from tiers.people import Party, Side

from .conftest import House, Opens
from .house import ACTOR, CHANNEL, roster

SAID = "The list of documents was read again before noon."


def asked(**more: Any) -> NewConversation:
    plain = {"label": "new", "floor": "operations", "channel": CHANNEL, "owner": PersonId("ada")}
    return NewConversation(**(plain | more))


REFUSED = (
    ("of somebody who is not cleared", asked(members=("ada", "el")), Wrong),
    ("of somebody whom nobody knows", asked(members=("ada", "mallory")), Wrong),
    ("whose owner is not cleared", asked(owner=PersonId("el")), Wrong),
    ("whose owner is not in it", asked(members=("bo", "cy")), Wrong),
    ("of a name that is taken", asked(label="supply"), Wrong),
    ("of no tier", asked(floor="secret"), Wrong),
    ("on a channel that is not there", asked(channel="signal"), Refused),
    ("private to another side", asked(side=SideId("marlow")), Refused),
)


@pytest.mark.parametrize(
    ("new", "problem"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
async def test_no_room_is_made(house: House, new: NewConversation, problem: type[Problem]) -> None:
    before = (await house.far.directory())["rooms"]
    with pytest.raises(problem):
        await house.home.conv_new(house.deal, new, actor=ACTOR)
    assert (await house.far.directory())["rooms"] == before
    labels = {c.label for c in await house.home.conv_list(house.deal)}
    assert labels == {"price", "supply", "lunch"}


async def test_without_a_journal_key_no_room_opens(opens: Opens) -> None:
    house = await opens(journal=False)
    with pytest.raises(Refused, match="journal key"):
        await house.home.conv_new(house.deal, asked(), actor=ACTOR)
    assert (await house.far.directory())["rooms"] == {}


async def test_a_room_holds_those_who_are_cleared_and_says_nothing_of_itself(house: House) -> None:
    made = await house.home.conv_new(house.deal, asked(label="forecast"), actor=ACTOR)
    state = await house.far.state(made.rooms[0].room)
    assert set(state["seats"]) == {"wallcross", "ada", "bo", "cy", "di"}
    assert {n for n, seat in state["seats"].items() if seat["admin"]} == {"wallcross", "ada"}
    for told in ("forecast", "heron", "operations", "kestrel"):
        assert told not in state["name"].casefold()
    assert all(state["flags"].values())


async def test_a_failed_attempt_lets_nobody_in_and_can_be_made_again(house: House) -> None:
    await house.far.inject(FaultKind.REFUSE, verb="create", times=1)
    with pytest.raises(Failed):
        await house.home.conv_new(house.deal, asked(), actor=ACTOR)
    assert await house.ends(await house.send(SAID, to="new")) == "held"
    made = await house.home.conv_new(house.deal, asked(), actor=ACTOR)
    assert len(made.rooms) == 1
    assert await house.ends(await house.send(SAID, to="new")) == "delivered"


async def test_what_was_asked_for_and_ignored_is_not_claimed(house: House) -> None:
    await house.far.inject(FaultKind.TIMER_IGNORED)
    made = await house.home.conv_new(
        house.deal, asked(label="board", floor="valuation"), actor=ACTOR
    )
    assert "timer" not in {g.guarantee for g in made.rooms[0].guarantees}
    assert await house.ends(await house.send(SAID, to="board")) == "held"


async def test_who_has_no_account_there_is_named(house: House) -> None:
    now = roster()
    people = tuple(replace(p, accounts={}) if p.person_id == "di" else p for p in now.people)
    await house.home.adopt(
        house.deal, "roster", to_document(replace(now, people=people)), actor=ACTOR
    )
    made = await house.home.conv_new(house.deal, asked(), actor=ACTOR)
    assert made.told == ("di has no account on memory",)
    assert "di" not in (await house.far.state(made.rooms[0].room))["seats"]


async def test_a_grown_list_of_sides_lets_nobody_in_by_itself(house: House) -> None:
    now = roster()
    sides = (*now.sides, Side(SideId("birch"), "Birch & Vance", Party.ACQUIRER))
    await house.home.adopt(
        house.deal, "roster", to_document(replace(now, sides=sides)), actor=ACTOR
    )
    assert set((await house.far.state(house.room("lunch")))["seats"]) == {
        "wallcross", "ada", "bo", "cy", "di", "el",
    }  # fmt: skip


# --- attestations -------------------------------------------------------------------------------


class Requested:
    """A reading in which the timer was only asked for."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        connector = house.home.runtime.connectors[CHANNEL]
        real = connector.posture

        async def posture(room: Any) -> Any:
            found = await real(room)
            kept = tuple(
                replace(h, evidence=Evidence.REQUESTED) if h.guarantee is Guarantee.TIMER else h
                for h in found.holdings
            )
            return replace(found, holdings=kept)

        monkeypatch.setattr(connector, "posture", posture)
        house.home.runtime.observer.forget(CHANNEL)


async def timer(house: House) -> int:
    return int((await house.far.state(house.room("price")))["timer"])


async def test_what_was_only_asked_for_holds_until_a_person_saw_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    Requested(house, monkeypatch)
    assert await house.ends(await house.send(SAID, to="price")) == "held"
    for value in (DAY, await timer(house)):
        await house.home.conv_attest(
            house.deal, "price", "timer", value, by=PersonId("ada"), actor=ACTOR
        )
        expected = "held" if value == DAY else "delivered"
        assert await house.ends(await house.send(SAID, to="price")) == expected


async def test_an_attestation_lapses_after_thirty_days(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    Requested(house, monkeypatch)
    value = await timer(house)
    await house.home.conv_attest(
        house.deal, "price", "timer", value, by=PersonId("ada"), actor=ACTOR
    )
    assert await house.ends(await house.send(SAID, to="price")) == "delivered"
    await house.far.skew(31 * DAY)  # the network's clock goes with ours
    house.clock.ahead = 31 * DAY
    message = await house.send(SAID, to="price")
    assert await house.ends(message) == "held"
    assert "disappear" in await house.reasons(message)


async def test_an_attestation_of_what_is_read_back_adds_nothing(house: House) -> None:
    await house.home.conv_attest(house.deal, "price", "timer", DAY, by=PersonId("ada"), actor=ACTOR)
    view = await house.home.conv_show(house.deal, "price")
    [shown] = [g for g in view.rooms[0].guarantees if g.guarantee == "timer"]
    assert (shown.evidence, shown.by) == ("verified", None)


@pytest.mark.tampers("an exemption is planted")
async def test_a_planted_exemption_opens_no_room(opens: Opens) -> None:
    house = await opens(journal=False)
    runtime = house.home.runtime
    sql = (
        "INSERT INTO journal_exemption "
        "VALUES (NULL, ?, 'joint', 'operations', x'7b7d', x'00', '', 0)"
    )
    await runtime.store.write(lambda tx: tx.run(sql, (house.deal,)))
    await runtime.book.reload(runtime.store, house.deal)
    with pytest.raises(Refused, match="journal key"):
        await house.home.conv_new(house.deal, asked(), actor=ACTOR)
    assert (await house.far.directory())["rooms"] == {}
