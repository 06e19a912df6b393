"""Invariant 10: a row in a table grants nothing. Whatever one row becomes, nothing more goes.

Two worlds: one in which much is allowed, and one in which people stopped much of it. In each,
single rows that permit are changed, removed or added on disk, and the home reads all of it again as
a start does; no message may then go anywhere, as anything, where it could not go before.
"""

import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from connectors.port.messages import Device
from orchestrator.deals import doubts, stated
from orchestrator.deals.doubts import doubts_of
from orchestrator.journal import duties, keys, writer
from orchestrator.keys.keyring import Keyring, KnownKey
from orchestrator.store.unit import Row, Tx
from tiers.ids import ConnectorName, PersonId
from tiers.tier import Tier
from tiers.trust import KeyState

from .conftest import House, Opens
from .house import ACTOR, CHANNEL, Talk
from .tampering import Sends, Tampering, Ways, read_again, sends, tampered, tamperings, ways
from .test_flow_provision import Requested

pytestmark = pytest.mark.tampers("somebody else writes into the store")

TALKS = (
    Talk("price", Tier.VALUATION),
    Talk("offer", Tier.VALUATION),
    Talk("supply", Tier.OPERATIONS),
    Talk("lunch", Tier.COORDINATION),
    Talk("garden", Tier.COORDINATION),
    Talk("board", Tier.COORDINATION, side="kestrel"),
)
SAMPLE = 80


async def calm(opens: Opens, monkeypatch: pytest.MonkeyPatch) -> House:
    """Much is allowed; the timer of #price was seen, that of #offer was seen to be another one."""
    house = await opens(TALKS)
    Requested(house, monkeypatch)
    right = int((await house.far.state(house.room("price")))["timer"])
    for label, value in (("price", right), ("offer", right - 1)):
        await house.home.conv_attest(
            house.deal, label, "timer", value, by=PersonId("ada"), actor=ACTOR
        )
    await house.home.conv_pause(house.deal, "garden", "somebody left", actor=ACTOR)
    return await still(house)


async def stopped(opens: Opens, monkeypatch: pytest.MonkeyPatch) -> House:
    """Cy's second device is out for good, di has a new one that nobody compared."""
    house = await opens(TALKS)
    Requested(house, monkeypatch)
    for person in ("cy", "di"):
        await house.far.add_device(person, "SECOND", "another key")
    await house.quiet()
    for binding in house.home.runtime.book.rooms():
        await house.home.runtime.watcher.look(*binding, not_before=house.clock())
    await house.home.key_mark(house.deal, PersonId("cy"), "SECOND", "revoke", actor=ACTOR)
    return await still(house)


async def still(house: House) -> House:
    """Nothing changes by itself any more."""
    await house.quiet()
    await house.home.runtime.engine.stop(5.0)
    await read_again(house)
    assert doubts_of(house.home.runtime.book, house.home.runtime.keyring) == {}
    return house


async def first_gain(
    house: House, how: Ways, before: Sends, acts: Iterable[Tampering]
) -> Tampering | None:
    """The first of ``acts`` after which something goes that did not go before."""
    path = house.home.runtime.store.path
    for act in acts:
        with tampered(path, act) as taken:
            if not taken:
                continue
            await read_again(house)
            after = await sends(house, how)
            if not all(sent.within(before.get(key)) for key, sent in after.items()):
                return act
    return None


async def holds(house: House, acts: Iterable[Tampering]) -> Tampering | None:
    how = ways(house)
    before = await sends(house, how)
    assert {tier for *_, tier in before} == set(Tier) or "SECOND" in str(await keys_of(house))
    return await first_gain(house, how, before, acts)


async def keys_of(house: House) -> list[str]:
    return [key.device for key in await house.home.key_list(house.deal, None)]


def acts_on(house: House, *tables: str) -> list[Tampering]:
    found = tamperings(Path(house.home.runtime.store.path))
    chosen = [act for act in found if not tables or act.table in tables]
    random.Random(20261122).shuffle(chosen)  # noqa: S311 - the same ones in each run
    return chosen


@pytest.mark.parametrize("world", [calm, stopped])
async def test_no_single_row_permits_what_was_not_permitted(
    world: Callable[..., Any], opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await world(opens, monkeypatch)
    assert await holds(house, acts_on(house)[:SAMPLE]) is None


@pytest.mark.long
@pytest.mark.parametrize("world", [calm, stopped])
async def test_no_single_row_at_all(
    world: Callable[..., Any], opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await world(opens, monkeypatch)
    assert await holds(house, acts_on(house)) is None


# --- what is planted ----------------------------------------------------------------------------


def keys_by_row(patch: pytest.MonkeyPatch) -> None:
    """The newest row of a device is its state, whoever wrote it."""

    def believe(self: Keyring, subject: Any, row: Row | None, said: Any) -> None:
        del subject, said
        if row is not None and row[5] in {state.value for state in KeyState}:
            known = KnownKey(Device(row[3], row[4]), KeyState(row[5]))
            self._set((row[1], row[2]), known)

    patch.setattr(Keyring, "_load", believe)


def conversations_by_row(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stated, "_stated", lambda *_: True)


def rooms_by_row(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stated, "_as_stated", lambda _, row: row)


def pauses_by_row(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stated, "_pause_agrees", lambda *_: True)


def attestations_by_row(patch: pytest.MonkeyPatch) -> None:
    def believe(_chain: Any, rows: Iterable[Row]) -> Any:
        found: dict[Any, Any] = {}
        for row in rows:
            found.setdefault((row[2], row[3]), []).append(stated._holding(row))
        return {place: tuple(of) for place, of in found.items()}, ()

    patch.setattr("orchestrator.deals.book.check_attested", believe)


def journal_by_row(patch: pytest.MonkeyPatch) -> None:
    def believe(tx: Tx, deal_id: str, scope: str, _stated: Any) -> keys.JournalKey | None:
        row = tx.one(
            "SELECT key_id, deal_id, scope, recipient, needed, shares FROM journal_key"
            " WHERE deal_id = ? AND scope = ? ORDER BY adopted_at DESC LIMIT 1",
            (deal_id, scope),
        )
        return keys.JournalKey(*row) if row is not None else None

    patch.setattr(duties, "key_of", believe)
    patch.setattr(writer, "key_of", believe)


PLANTS = (
    (keys_by_row, stopped, "peer_key"),
    (conversations_by_row, calm, "conversation"),
    (rooms_by_row, calm, "room"),
    (pauses_by_row, calm, "room"),
    (attestations_by_row, calm, "attestation"),
    (journal_by_row, calm, "journal_key"),
)


@pytest.mark.parametrize(("plant", "world", "table"), PLANTS, ids=[p[0].__name__ for p in PLANTS])
async def test_a_planted_belief_in_rows_is_caught(
    plant: Callable[[pytest.MonkeyPatch], None],
    world: Callable[..., Any],
    table: str,
    opens: Opens,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = await world(opens, monkeypatch)
    plant(monkeypatch)
    await read_again(house)
    assert await holds(house, acts_on(house, table)) is not None


# --- people are told ----------------------------------------------------------------------------


async def test_what_is_not_as_stated_is_a_finding_until_it_is_again(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await calm(opens, monkeypatch)
    runtime = house.home.runtime
    found = tamperings(runtime.store.path)
    lowered = next(a for a in found if a.column == "floor" and not a.copied)
    verified = next(a for a in found if a.column == "key" and "verified" in a.row)
    for act, words in ((lowered, "a conversation"), (verified, "a key")):
        with tampered(runtime.store.path, act):
            await read_again(house)
            await told(house)
            assert doubts.RULE in await house.findings()
            status = await house.home.status()
            assert any(need.text.startswith(words) for need in status.needs)
            checks = {check.name: check.state for check in await house.home.checks()}
            assert checks["records"] == "fix"
        await read_again(house)
        await told(house)
        assert doubts.RULE not in await house.findings()


async def told(house: House) -> None:
    runtime = house.home.runtime
    found = doubts_of(runtime.book, runtime.keyring)
    await doubts.tell_doubts(runtime.store, found, house.clock())


async def test_a_person_ends_a_pause_that_stands_by_the_audit_alone(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await calm(opens, monkeypatch)
    runtime = house.home.runtime
    lift = "UPDATE room SET paused = NULL WHERE paused IS NOT NULL"
    await runtime.store.write(lambda tx: tx.run(lift))
    await read_again(house)
    paused = {c.label: c.rooms[0].paused for c in await house.home.conv_list(house.deal)}
    assert paused["garden"] == stated.PAUSE_STANDS
    await house.home.conv_resume(house.deal, "garden", actor=ACTOR)
    assert (await house.home.conv_show(house.deal, "garden")).rooms[0].paused is None
    assert doubts_of(runtime.book, runtime.keyring) == {}


async def test_two_people_trust_a_key_again_whose_row_was_changed(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await calm(opens, monkeypatch)
    sql = "UPDATE peer_key SET vouchers = '[]' WHERE account = 'bo' AND state = 'verified'"
    await house.home.runtime.store.write(lambda tx: tx.run(sql))
    await read_again(house)
    [key] = await house.home.key_list(house.deal, PersonId("bo"))
    assert key.state == "seen"
    [key] = await house.home.key_verify(
        house.deal, PersonId("bo"), PersonId("ada"), PersonId("cy"), actor=ACTOR
    )
    assert key.state == "verified"
    await read_again(house)
    assert doubts_of(house.home.runtime.book, house.home.runtime.keyring) == {}


async def test_an_entry_that_was_changed_states_nothing(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await calm(opens, monkeypatch)
    sql = "UPDATE audit SET salt = zeroblob(32) WHERE instr(entry, X'{}') > 0"
    made = sql.format(b"conversation.created".hex())
    await house.home.runtime.store.write(lambda tx: tx.run(made))
    await read_again(house)
    view = house.home.runtime.book.deals[house.deal]
    assert len(view.doubted) == len(TALKS)
    assert {c.floor for c in view.conversations.values()} == {Tier.VALUATION}


@pytest.mark.parametrize(
    "change", ["UPDATE channel SET paused = NULL", "DELETE FROM channel", "SELECT 1"]
)
async def test_a_channels_pause_stands_until_a_person_ends_it(house: House, change: str) -> None:
    name = ConnectorName(CHANNEL)
    await house.home.channel_pause(name, "its server was taken", actor=ACTOR)
    await house.home.runtime.store.write(lambda tx: tx.run(change))
    await house.restart()
    [channel] = await house.home.channel_list()
    untouched = change == "SELECT 1"
    assert channel.state == "paused"
    assert channel.why == ("its server was taken" if untouched else stated.PAUSE_STANDS)
    await house.home.channel_resume(name, actor=ACTOR)
    await house.restart()
    assert (await house.home.channel_list())[0].state == "up"
