"""A certificate in the place of another: neither counts until two compared, then the new alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from connectors.port.connector import ForeseesKeys
from connectors.port.messages import Device
from connectors.port.words import words_of
from orchestrator.client.keys_desk import KeyCard
from orchestrator.client.problems import Missing, Refused
from orchestrator.client.views import KeyView, NewConversation
from orchestrator.clock import DAY
from orchestrator.demo.adviser import Adviser
from tiers.ids import AccountId, DeviceId, PersonId
from tiers.rights import Viewer

from .house import ACTOR, CHANNEL
from .test_access_matrix import viewer_of
from .test_home_mail import MAIL, SAID, THEIRS, Firm, firm

__all__ = ["firm"]
EL, ADA, BO = PersonId("el"), PersonId("ada"), PersonId("bo")
HERE = Viewer(ACTOR, whole=True)


async def opinion(firm: Firm) -> None:
    """A conversation with el on mail, whose key two compared."""
    new = NewConversation(
        label="opinion",
        floor="coordination",
        channel=CHANNEL,
        also=(MAIL,),
        owner="ada",
        owners=("el",),
    )
    await firm.house.home.conv_new(firm.house.deal, new, actor=ACTOR)
    await firm.exchange()


async def own(firm: Firm) -> KeyView:
    """El's only key."""
    [key] = await firm.house.home.key_list(firm.house.deal, EL)
    return key


async def states(firm: Firm) -> dict[str, str]:
    return {k.key: k.state for k in await firm.house.home.key_list(firm.house.deal, EL)}


@pytest.fixture
def second(firm: Firm, tmp_path_factory: pytest.TempPathFactory) -> Adviser:
    """El's new key, in a home of its own."""
    folder: Path = tmp_path_factory.mktemp("d")
    found = Adviser("second", THEIRS, folder, firm.server.mailbox(THEIRS))
    found.make_key()
    return found


async def test_the_new_key_counts_from_the_ceremony_that_ends_the_old_one(
    firm: Firm, second: Adviser
) -> None:
    house, home = firm.house, firm.house.home
    try:
        await opinion(firm)
        old = await own(firm)
        armour = second.certificate().encode()
        new = await home.key_replace(house.deal, EL, old.device, None, armour, actor=ACTOR)
        assert (new.state, new.words) == ("seen", words_of(new.key))

        before = len(firm.el.mails())
        held = await house.send(SAID, to="opinion")
        assert await house.ends(held) == "held", "neither to the old one nor to the new one"
        assert len(firm.el.mails()) == before

        words, spelled = " ".join(new.words), f"{old.key[:20].lower()} {old.key[20:]}"
        await home.key_verify(house.deal, EL, ADA, BO, words=words, replaces=spelled, actor=ACTOR)
        assert await states(firm) == {old.key: "superseded", new.key: "verified"}
        sent = await house.send(f"{SAID} Again.", to="opinion")
        assert await house.ends(sent) == "delivered"
        again = firm.el.certificate().encode()
        with pytest.raises(Exception, match="withdrawn"):
            await home.key_add(house.deal, EL, MAIL, again, actor=ACTOR)
        assert await states(firm) == {old.key: "superseded", new.key: "verified"}
    finally:
        second.close()


async def test_a_mistaken_replacement_ends_by_one_and_the_old_key_counts_again(
    firm: Firm, second: Adviser
) -> None:
    house, home = firm.house, firm.house.home
    try:
        await opinion(firm)
        old = await own(firm)
        armour = second.certificate().encode()
        new = await home.key_replace(house.deal, EL, old.key, MAIL, armour, actor=ACTOR)
        await home.key_mark(house.deal, EL, new.device, "revoke", actor=ACTOR)
        assert await states(firm) == {old.key: "verified", new.key: "revoked"}
        assert await house.ends(await house.send(SAID, to="opinion")) == "delivered"
    finally:
        second.close()


async def test_a_key_that_was_revoked_can_be_followed_by_another(
    firm: Firm, second: Adviser
) -> None:
    """Whoever's laptop is gone reads again, with a key of his that two compared."""
    house, home = firm.house, firm.house.home
    try:
        await opinion(firm)
        old = await own(firm)
        await home.key_mark(house.deal, EL, old.device, "compromise", actor=ACTOR)
        assert await house.ends(await house.send(SAID, to="opinion")) == "held"
        armour = second.certificate().encode()
        new = await home.key_add(house.deal, EL, MAIL, armour, actor=ACTOR)
        assert await states(firm) == {old.key: "compromised", new.key: "seen"}
        await home.key_verify(house.deal, EL, ADA, BO, words=" ".join(new.words), actor=ACTOR)
        assert await house.ends(await house.send(f"{SAID} Again.", to="opinion")) == "delivered"
    finally:
        second.close()


async def test_a_renewed_certificate_is_no_replacement(firm: Firm) -> None:
    house, home = firm.house, firm.house.home
    await opinion(firm)
    old = await own(firm)
    armour = firm.el.certificate().encode()
    with pytest.raises(Refused, match="the same key"):
        await home.key_replace(house.deal, EL, old.device, None, armour, actor=ACTOR)
    assert await states(firm) == {old.key: "verified"}
    assert await house.ends(await house.send(SAID, to="opinion")) == "delivered"


async def test_a_longer_life_of_the_same_key_counts_without_a_ceremony(firm: Firm) -> None:
    house, home = firm.house, firm.house.home
    await opinion(firm)
    old = await own(firm)
    [before] = await home.key_show(house.deal, "el", HERE)
    firm.el.renew("3y")
    armour = firm.el.certificate().encode()
    taken = await home.key_add(house.deal, EL, MAIL, armour, actor=ACTOR)
    assert (taken.key, taken.state, taken.vouchers) == (old.key, "verified", ("ada", "bo"))
    [card] = await home.key_show(house.deal, "el", HERE)
    assert card.ends_at is not None
    assert before.ends_at is not None
    assert card.ends_at > before.ends_at + 300 * DAY
    assert await house.ends(await house.send(SAID, to="opinion")) == "delivered"


async def test_our_own_key_is_among_what_lapses(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, home = firm.house, firm.house.home
    mail: object = home.runtime.connectors[MAIL]
    assert isinstance(mail, ForeseesKeys)
    ends = await mail.key_ends(home.runtime.connectors[MAIL].account)
    assert ends is not None
    assert ends > home.runtime.now() + 1000 * DAY
    soon = await home.key_lapsing(house.deal, 366, HERE)
    assert [one for one in soon if one.kind == "own key"] == []
    monkeypatch.setattr(home.runtime, "now", lambda: ends - 5 * DAY)
    [found] = [one for one in await home.key_lapsing(house.deal, 30, HERE) if one.person is None]
    assert (found.kind, found.ends_at) == ("own key", ends)
    assert "wallcross key export" in found.then


async def test_nothing_is_taken_in_for_a_key_that_is_not_his(firm: Firm, second: Adviser) -> None:
    house, home = firm.house, firm.house.home
    try:
        await firm.exchange()
        armour = second.certificate().encode()
        for old in ("ab" * 20, "other"):
            with pytest.raises(Missing, match="that counts"):
                await home.key_replace(house.deal, EL, old, None, armour, actor=ACTOR)
        assert len(await states(firm)) == 1
    finally:
        second.close()


async def test_a_key_of_one_address_is_not_replaced_by_one_of_another(
    firm: Firm, second: Adviser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that is taken in for another address bars nothing: the old one would go on counting."""
    house, runtime = firm.house, firm.house.home.runtime
    try:
        await firm.exchange()
        view = runtime.book.deals[house.deal]
        both = {MAIL: AccountId(THEIRS), CHANNEL: AccountId("el")}
        people = (replace(p, accounts=both) if p.person_id == EL else p for p in view.roster.people)
        more = replace(view, roster=replace(view.roster, people=tuple(people)))
        device = Device(DeviceId("phone"), "cd" * 20)
        await runtime.store.write(
            lambda tx: runtime.keyring.record_seen(
                tx, house.deal, (CHANNEL, AccountId("el")), [device], at=runtime.now()
            )
        )
        monkeypatch.setitem(runtime.book.deals, house.deal, more)
        armour = second.certificate().encode()
        for channel, told in ((None, "no channel memory"), (MAIL, "another channel than mail")):
            with pytest.raises(Missing, match=told):
                await house.home.key_replace(house.deal, EL, "phone", channel, armour, actor=ACTOR)
        assert len(runtime.keyring.known((MAIL, AccountId(THEIRS)))) == 1
    finally:
        second.close()


async def test_a_key_is_shown_in_full_and_what_lapses_is_listed(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, home = firm.house, firm.house.home
    await opinion(firm)
    key = await own(firm)
    spaced = " ".join(key.key[n : n + 4] for n in range(0, len(key.key), 4))
    for name in ("el", spaced, key.key.lower()):
        [card] = await home.key_show(house.deal, name, HERE)
        assert isinstance(card, KeyCard)
        assert (card.key, card.name, card.standing) == (key, "El", True)
        assert card.seats == ("opinion",)
        assert card.key.vouchers == ("ada", "bo")
    with pytest.raises(Missing):
        await home.key_show(house.deal, "nobody", HERE)

    near = {(one.kind, one.person) for one in await home.key_lapsing(house.deal, 14, HERE)}
    assert ("comparison", "el") not in near
    found = await home.key_lapsing(house.deal, 366, HERE)
    compared = next(one for one in found if one.kind == "comparison" and one.person == "el")
    assert compared.ends_at == key.lapses_at
    assert compared.then == "wallcross person verify el --by A --by B"
    assert [one.ends_at for one in found] == sorted(one.ends_at for one in found)
    monkeypatch.setattr(home.runtime, "now", lambda: (key.lapses_at or 0) - 10 * DAY)
    near = {(one.kind, one.person) for one in await home.key_lapsing(house.deal, 14, HERE)}
    assert ("comparison", "el") in near


async def test_whoever_sees_his_own_alone_is_told_of_nobody_elses(firm: Firm) -> None:
    house, home = firm.house, firm.house.home
    await opinion(firm)
    key = await own(firm)
    ada = viewer_of("P", house.deal)
    with pytest.raises(Missing):
        await home.key_show(house.deal, key.key, ada)
    found = await home.key_lapsing(house.deal, 366, ada)
    assert {one.person for one in found} <= {str(ada.person(house.deal))}
