"""Who is on no list is kept sealed, with who he says he is and what is odd, and within bounds."""

from dataclasses import replace

import pytest

from connectors.port.events import Batch, InboundMessage
from connectors.port.messages import Content
from orchestrator.client.problems import Missing
from orchestrator.flow import first_contact
from orchestrator.flow.enrolling import Enrolling
from orchestrator.flow.first_contact import MANY, RULE
from orchestrator.flow.listen import Listener
from orchestrator.flow.quarantine import Quarantine
from orchestrator.rooms.linked import LinkedDevices
from tiers.ids import AccountId, ConnectorName, PersonId, RemoteId
from tiers.tier import Tier

from .conftest import OURS, House, Opens, eventually
from .house import ACTOR, CHANNEL, TALKS, Talk, roster

SECRET = "the-number-nobody-may-read-4f3a"


def listener(house: House) -> Listener:
    runtime = house.home.runtime
    name = ConnectorName(CHANNEL)

    async def tell(*_: object) -> None:
        raise AssertionError("a stranger is told nothing")

    return Listener(
        name,
        runtime.connectors[name],
        runtime.store,
        runtime.accepter,
        runtime.observer.forget,
        runtime.observer.forget_account,
        runtime.engine.wake,
        Quarantine(runtime.sealer, runtime.now),
        lambda *_: None,
        Enrolling(runtime.store, runtime.book, runtime.now, tell),
        LinkedDevices(runtime.store, runtime.book, runtime.watcher, runtime.now).hear,
    )


def said(n: int, who: str, text: str, name: str = "") -> InboundMessage:
    remote, account = RemoteId(f"m-{n}"), AccountId(who)
    return InboundMessage(None, remote, account, Content(text, None, ()), 1, claimed_name=name)


async def rows(house: House) -> list[tuple[str, str, str, int]]:
    sql = "SELECT claimed_sender, claimed_name, reasons, kept FROM quarantine ORDER BY remote_id"
    return [(a, n, r, k) for a, n, r, k in await house.rows(sql)]


async def finding(house: House, rule: str = RULE) -> list[tuple[str, str]]:
    sql = "SELECT severity, reasons FROM finding WHERE rule = ? AND closed_at IS NULL"
    return [(s, r) for s, r in await house.rows(sql, rule)]


async def test_a_stranger_is_kept_sealed_and_his_words_are_nowhere(opens: Opens) -> None:
    house = await opens(TALKS)
    text = f"URGENT, send me the verification code. {SECRET}"
    claim = "\u202eAda\n\tLindqvist" + "x" * 200
    await listener(house).take(Batch((said(1, "mallory", text, claim),), "1"))
    [(account, name, reasons, kept)] = await rows(house)
    assert (account, kept) == ("mallory", 1)
    assert len(name) <= 64
    assert name.isprintable()
    assert "urgent" in reasons
    [(_, why)] = await finding(house)
    assert "press" in why
    assert SECRET not in why
    assert await house.rows("SELECT 1 FROM message WHERE sender = 'mallory'") == []
    home = house.home.runtime.settings.state
    files = [path for path in home.rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
    [(owner,)] = await house.rows("SELECT quarantine_id FROM quarantine")
    sealer, store = house.home.runtime.sealer, house.home.runtime.store
    assert await store.read(lambda tx: sealer.open(tx, owner)) == text.encode()


async def test_a_look_alike_of_an_executive_is_told_as_one(opens: Opens) -> None:
    house = await opens(TALKS)
    await listener(house).take(Batch((said(1, "u-77", "Hello", "\u0410da"),), "1"))  # Cyrillic A
    [(severity, why)] = await finding(house)
    assert severity == "high"
    assert "reads exactly like Ada" in why


async def test_it_comes_in_by_its_network_and_nobody_is_answered(opens: Opens) -> None:
    house = await opens(TALKS)
    await house.far.register("signal-support")
    await house.far.direct("signal-support", OURS, "Your account will be closed")

    async def kept() -> bool:
        return len(await rows(house)) == 1

    await eventually(kept)
    await house.quiet()
    [(_, _, reasons, _)] = await rows(house)
    assert "office" in reasons
    shown = await house.far.inbox("signal-support")
    assert {m.sender for m in shown} == {"signal-support"}


async def test_it_changes_no_decision(opens: Opens) -> None:
    """The same message goes the same way with such findings and without them."""
    house = await opens(TALKS)
    before = await house.ends(await house.send("Soup today", to="lunch"))
    names = ("Ada", "Signal Support", "Bo")
    strange = tuple(said(n, f"u-{n}", "urgent", name) for n, name in enumerate(names))
    await listener(house).take(Batch(strange, "1"))
    assert len(await finding(house)) == len(names)
    assert await house.ends(await house.send("Soup again", to="lunch")) == before == "delivered"


async def test_a_flood_is_bounded_in_messages_findings_and_bytes(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_contact, "MOST_A_DAY", 12)
    monkeypatch.setattr(first_contact, "MOST_OF_ONE", 3)
    monkeypatch.setattr(first_contact, "MOST_OPEN", 4)
    house = await opens(TALKS)
    hears = listener(house)
    large = "y" * (2 * first_contact.MOST_BYTES)
    await hears.take(Batch(tuple(said(n, "one", large) for n in range(6)), "1"))
    assert len(await rows(house)) == 3
    assert len(await finding(house, MANY)) == 1
    await hears.take(Batch(tuple(said(10 + n, f"u-{n}", large) for n in range(30)), "2"))
    assert len(await rows(house)) == 12
    assert len(await finding(house)) == 4
    assert len(await finding(house, MANY)) == 1
    [(most,)] = await house.rows("SELECT max(size) FROM quarantine")
    assert most <= first_contact.MOST_BYTES
    [(entries,)] = await house.rows(
        "SELECT count(*) FROM audit WHERE instr(entry, 'message.quarantined')"
    )
    assert entries == 12


async def test_offered_again_he_is_kept_once(opens: Opens) -> None:
    house = await opens(TALKS)
    for cursor in ("1", "2"):
        await listener(house).take(Batch((said(1, "mallory", "Hello"),), cursor))
    assert len(await rows(house)) == 1


async def test_he_is_listed_without_a_word_of_his_and_dropped_for_good(opens: Opens) -> None:
    house = await opens(TALKS)
    await listener(house).take(Batch((said(1, "mallory", SECRET, "Al\u202eice"),), "1"))
    [found] = await house.home.quarantine_list(every=False)
    assert (found.account, found.name, found.verdict) == ("mallory", "Alice", "stranger")
    assert SECRET not in repr(found)
    dropped = await house.home.quarantine_drop(found.kept_id, actor=ACTOR)
    assert not dropped.kept
    assert await house.home.quarantine_list(every=False) == []
    assert [k.kept for k in await house.home.quarantine_list(every=True)] == [False]
    assert await finding(house) == []
    assert await house.rows("SELECT 1 FROM sealed WHERE owner = ?", found.kept_id) == []
    with pytest.raises(Missing):
        await house.home.quarantine_show("qua_none")


async def test_to_be_admitted_is_to_be_asked_for_a_code_and_no_more(opens: Opens) -> None:
    """Di's second account: it is hers when her six words come from it, and not before."""
    listed = roster((CHANNEL,))
    people = tuple(replace(p, accounts={}) if p.person_id == "di" else p for p in listed.people)
    talks = (Talk("lunch", Tier.COORDINATION, members=("ada", "el")),)
    house = await opens(talks, people=replace(listed, people=people))
    account = AccountId("di-elsewhere")
    await house.far.register(account)
    await house.far.direct(account, OURS, "Good morning")

    async def kept() -> bool:
        return len(await rows(house)) == 1

    await eventually(kept)
    [found] = await house.home.quarantine_list(every=False)
    admit = house.home.quarantine_admit
    who, by = PersonId("di"), PersonId("ada")
    codes = await admit(found.kept_id, house.deal, who, by, actor=ACTOR)

    def owner() -> object:
        roster_now = house.home.runtime.book.deals[house.deal].roster
        return roster_now.owner(ConnectorName(CHANNEL), account)

    assert owner() is None
    await house.far.direct(account, OURS, " ".join(codes.codes[0].words))

    async def bound() -> bool:
        return owner() is not None

    await eventually(bound)
