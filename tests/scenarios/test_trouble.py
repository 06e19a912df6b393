"""A person in trouble: stopped everywhere at once, told elsewhere, and back only by two."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from connectors.port.messages import Device
from connectors.port.words import words_for
from orchestrator.client.problems import Missing, Refused, Waits, Wrong
from orchestrator.deals.book import DealView
from orchestrator.flow.incoming import Incoming
from orchestrator.rooms.distress import NEW_PHONE, PERSON_PAUSED, PHISHED
from tiers.conversation import RoomBinding
from tiers.ids import AccountId, ConnectorName, PersonId, RemoteId
from tiers.people import Roster
from tiers.tier import Tier

from .conftest import OURS, House, Opens, eventually
from .house import ACTOR, CHANNEL, PRICE, Talk, roster

BO, ADA, CY, EL = PersonId("bo"), PersonId("ada"), PersonId("cy"), PersonId("el")
SECOND = "second"
TALKS = (Talk("price", Tier.VALUATION), Talk("lunch", Tier.COORDINATION))


def two_channels() -> Roster:
    """Ada and Bo are on a second network too; El is the security contact."""
    listed = roster((CHANNEL,))
    both = {"ada", "bo"}
    people = tuple(
        replace(p, accounts={**p.accounts, ConnectorName(SECOND): AccountId(p.person_id)})
        if p.person_id in both
        else replace(p, role="security contact" if p.person_id == EL else p.role)
        for p in listed.people
    )
    return replace(listed, people=people)


@pytest.fixture
async def house(opens: Opens) -> House:
    return await opens(TALKS, people=two_channels(), channels=(CHANNEL, SECOND))


async def in_line(house: House, person: str, text: str, channel: str = CHANNEL) -> None:
    """What a person writes to us alone."""
    await house.others[channel].direct(person, OURS, text)


async def told_on(house: House, person: str, channel: str) -> str:
    """Everything that we told a person in his line on a channel, once there is something."""
    line = house.home.runtime.book.line_room
    name, account = ConnectorName(channel), AccountId(person)

    async def heard() -> list[str]:
        room = line(name, account)
        inbox: Sequence[object] = ()
        if room is not None:
            inbox = [m for m in await house.others[channel].inbox(person, room) if m.sender == OURS]
        return [m.text for m in inbox]  # type: ignore[attr-defined]  # as the far side gives them

    async def some() -> bool:
        return bool(await heard())

    await eventually(some)
    return "\n".join(await heard())


async def stands(house: House) -> bool:
    return BO in house.home.runtime.book.deals[house.deal].persons.paused


async def rooms_paused(house: House) -> set[str]:
    rows = await house.rows("SELECT room FROM room WHERE paused IS NOT NULL")
    return {room for (room,) in rows}


def price(house: House) -> tuple[DealView, RoomBinding]:
    found = house.home.runtime.book.room(ConnectorName(CHANNEL), house.room("price"))
    assert found is not None
    return found


async def all_paused(house: House) -> None:
    both = {house.room("price"), house.room("lunch")}

    async def there() -> bool:
        return await rooms_paused(house) == both

    await eventually(there)


@pytest.mark.parametrize("said", ["phished", "Ich wurde gephisht.", "J\u2019ai été hameçonnée"])
async def test_one_word_in_his_line_stops_him_on_every_channel(house: House, said: str) -> None:
    await in_line(house, "bo", said)

    async def paused() -> bool:
        return await stands(house)

    await eventually(paused)
    await all_paused(house)
    assert PHISHED in await house.findings()
    assert {k.state for k in await house.home.key_list(house.deal, BO)} == {"superseded"}
    for talk, word in (("price", PRICE), ("lunch", "Soup")):
        assert await house.ends(await house.send(f"{word} today", to=talk)) == "held"
    assert "was phished" in await told_on(house, "ada", SECOND), "not where it was heard"
    assert "was phished" in await told_on(house, "el", CHANNEL), "he has no other"
    assert "You are paused" in await told_on(house, "bo", SECOND)
    [(severity,)] = await house.rows("SELECT severity FROM finding WHERE rule = ?", PHISHED)
    assert severity == "critical"


async def test_said_twice_is_told_once(house: House) -> None:
    first = await house.home.person_phished(house.deal, BO, actor=ACTOR)
    again = await house.home.person_phished(house.deal, BO, actor=ACTOR)
    assert (set(first.told), again.told) == ({"ada", "el"}, ())
    assert (first.stands, first.keys, again.keys) == ("paused", 1, 0)
    [(count,)] = await house.rows("SELECT count(*) FROM finding WHERE rule = ?", PHISHED)
    assert count == 1


async def test_what_a_crash_left_untold_is_told_when_his_word_is_looked_at_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """He is stopped first; whoever is to be told is told although nothing is left to stop."""
    distress = house.home.runtime.distress
    tell, distrust = distress._tell, distress._distrust
    barred: list[str] = []

    async def killed(*_: object) -> None:
        raise asyncio.CancelledError

    async def bars(name: ConnectorName, account: AccountId, device: Device) -> None:
        barred.append(device.device)
        await distrust(name, account, device)

    view = house.home.runtime.book.deals[house.deal]
    bo = view.roster.person(BO)
    assert bo is not None
    monkeypatch.setattr(distress, "_distrust", killed)
    with pytest.raises(asyncio.CancelledError):
        await distress.phished(view, bo, heard_on=None, actor=ACTOR)
    monkeypatch.setattr(distress, "_distrust", bars)
    monkeypatch.setattr(distress, "_tell", killed)
    view = house.home.runtime.book.deals[house.deal]
    with pytest.raises(asyncio.CancelledError):
        await distress.phished(view, bo, heard_on=None, actor=ACTOR)
    assert barred, "the network's own store was not asked when it was killed"
    monkeypatch.setattr(distress, "_tell", tell)
    again = await house.home.person_phished(house.deal, BO, actor=ACTOR)
    assert set(again.told) == {"ada", "el"}
    assert (await house.home.person_phished(house.deal, BO, actor=ACTOR)).told == ()


async def test_he_comes_back_by_a_new_key_that_two_compared(house: House) -> None:
    device = next(iter(await house.far.register("bo")))
    await house.home.person_phished(house.deal, BO, actor=ACTOR)
    await house.home.person_resume(house.deal, BO, actor=ACTOR)
    assert not await stands(house)

    async def lunch_runs() -> bool:
        return await rooms_paused(house) == {house.room("price")}

    await eventually(lunch_runs)
    old = (await house.far.register("bo"))[device]
    words = " ".join(words_for(old))
    with pytest.raises(Refused, match="reads so"):
        await house.home.key_verify(house.deal, BO, ADA, CY, words=words, actor=ACTOR)
    await house.far.change_key("bo", device, "the-new-key")

    async def seen() -> bool:
        keys = await house.home.key_list(house.deal, BO)
        return "the-new-key" in {k.key for k in keys}

    await eventually(seen)
    said = " ".join(words_for("the-new-key"))
    await house.home.key_verify(house.deal, BO, ADA, CY, words=said, actor=ACTOR)
    assert await rooms_paused(house) == set()
    assert await house.ends(await house.send(f"{PRICE} again", to="price")) == "delivered"


async def test_a_new_phone_is_expected_and_opens_nothing(house: House) -> None:
    await in_line(house, "bo", "New phone")

    async def noted() -> bool:
        return NEW_PHONE in await house.findings()

    await eventually(noted)
    assert not await stands(house)
    assert "Nothing was opened" in await told_on(house, "ada", SECOND)
    old = next(iter(await house.far.register("bo")))
    await house.far.add_device("bo", "PHONE2", "new-phone-key")

    async def stopped() -> bool:
        return house.room("price") in await rooms_paused(house)

    await eventually(stopped)
    said = " ".join(words_for("new-phone-key"))
    verify = house.home.key_verify
    with pytest.raises(Missing):
        await verify(house.deal, BO, ADA, CY, words=said, replaces="NONE", actor=ACTOR)
    found = await verify(house.deal, BO, ADA, CY, words=said, replaces=old, actor=ACTOR)
    states = {k.device: k.state for k in found if k.connector == CHANNEL}
    assert states == {old: "superseded", "PHONE2": "verified"}
    assert NEW_PHONE not in await house.findings()
    assert house.room("price") in await rooms_paused(house), "the old one still reads"
    await house.far.remove_device("bo", old)
    await house.home.runtime.watcher.look(*price(house), not_before=house.clock())

    async def runs() -> bool:
        return await rooms_paused(house) == set()

    await eventually(runs)


async def test_a_pause_is_at_once_and_by_one_and_a_resumption_gives_it_back(house: House) -> None:
    with pytest.raises(Wrong):
        await house.home.person_pause(house.deal, BO, "because I say so", actor=ACTOR)
    with pytest.raises(Refused):
        await house.home.person_resume(house.deal, BO, actor=ACTOR)
    done = await house.home.person_pause(house.deal, BO, "travel", actor=ACTOR)
    assert (done.stands, done.keys) == ("paused", 0)
    assert await house.ends(await house.send("Soup today", to="lunch")) == "held"
    assert PERSON_PAUSED in await house.findings()
    await all_paused(house)
    await house.restart()
    assert await stands(house), "it is read from the record"
    await house.home.person_resume(house.deal, BO, actor=ACTOR)
    assert PERSON_PAUSED not in await house.findings()

    async def runs() -> bool:
        return await rooms_paused(house) == set()

    await eventually(runs)
    assert {k.state for k in await house.home.key_list(house.deal, BO)} == {"verified"}


async def test_who_is_paused_settles_nothing_from_his_line(house: House) -> None:
    held = await house.send(f"#nowhere {PRICE}", person="bo")
    assert await house.ends(held) == "held"
    await house.home.person_pause(house.deal, BO, "doubt", actor=ACTOR)
    await in_line(house, "bo", "2")
    sql = "SELECT count(*) FROM message WHERE sender = 'bo' AND state = 'delivered'"

    async def settled() -> bool:
        return bool((await house.rows(sql))[0][0])

    await eventually(settled)
    assert await house.state(held) == "held"


async def test_a_mail_without_a_room_is_heard_and_our_own_door_is_not(house: House) -> None:
    """Whoever has the console types commands; a text handed in there in his name is a message."""
    message = await house.send("phished", person="bo", to="lunch")
    await house.ends(message)
    assert not await stands(house)
    mail = Incoming(ConnectorName(CHANNEL), RemoteId("mail-1"), AccountId("bo"), "Phished.\n", 1)
    await house.home.runtime.accepter.accept([mail])

    async def paused() -> bool:
        return await stands(house)

    await eventually(paused)


async def test_longer_text_is_a_message_and_a_room_is_no_line(house: House) -> None:
    await in_line(house, "bo", "Somebody asked whether I was phished, and I was not.")
    await house.far.write("el", house.room("lunch"), "phished")
    await house.quiet()
    assert not await stands(house)
    assert PHISHED not in await house.findings()


async def test_a_call_back_names_no_number_and_the_roster_that_it_rests_on(house: House) -> None:
    found = await house.home.person_call_back(house.deal, BO)
    assert "your own directory" in found.where
    assert found.roster == house.home.runtime.book.deals[house.deal].roster_hash
    assert found.listed_since is not None
    assert [line.split()[0] for line in found.ask] == [CHANNEL]


async def test_one_person_alone_stops_so_many_and_another_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.rooms.distress.MOST_AN_HOUR", 2)
    pause = house.home.person_pause
    await pause(house.deal, BO, "doubt", actor=ACTOR)
    await house.home.person_phished(house.deal, CY, actor=ACTOR)
    with pytest.raises(Waits, match="pauses 2 people an hour at most"):
        await pause(house.deal, ADA, "doubt", actor=ACTOR)
    with pytest.raises(Waits):
        await house.home.person_phished(house.deal, ADA, actor=ACTOR)
    paused = house.home.runtime.book.deals[house.deal].persons
    assert paused.paused == {BO, CY}
    await pause(house.deal, BO, "asked", actor=ACTOR)  # who is stopped already is no further one
    await pause(house.deal, ADA, "doubt", actor="local:somebody-else")
    assert house.home.runtime.book.deals[house.deal].persons.paused == {ADA, BO, CY}


async def test_whoever_says_it_of_himself_is_kept_waiting_by_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.rooms.distress.MOST_AN_HOUR", 1)
    await house.home.person_pause(house.deal, CY, "doubt", actor=ACTOR)
    await in_line(house, "bo", "phished")
    await eventually(lambda: stands(house))
