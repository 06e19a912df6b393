"""Keys of people: pinned once, then only seen; trusted by two others; out for good."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.port.messages import Device
from orchestrator.clock import DAY
from orchestrator.keys.keyring import MOST_A_DAY, Account, Keyring
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store
from tiers.ids import AccountId, ConnectorName, DealId, DeviceId, PersonId
from tiers.trust import TRANSITIONS, KeyEvent, KeyState, NotPossible

DEAL = DealId("deal_" + "0a" * 16)
BO: Account = (ConnectorName("memory"), AccountId("bo"))
OWNER, BY = PersonId("bo"), (PersonId("ada"), PersonId("cy"))
AT = 1_800_000_000_000_000


def device(name: str, key: str = "k1") -> Device:
    return Device(DeviceId(name), key)


class Ring:
    """A keyring over a store."""

    def __init__(self, store: Store) -> None:
        self.store, self.keys = store, Keyring()

    async def see(self, *devices: Device) -> None:
        await self.store.write(lambda tx: self.keys.record_seen(tx, DEAL, BO, devices, at=AT))

    async def verify(
        self, one: Device, by: tuple[PersonId, PersonId] = BY, owner: PersonId = OWNER
    ) -> None:
        await self.store.write(
            lambda tx: self.keys.verify(
                tx, DEAL, BO, one, owner=owner, by=by, at=AT, actor="local:test"
            )
        )

    async def withdraw(self, one: Device, event: KeyEvent) -> None:
        await self.store.write(
            lambda tx: self.keys.withdraw(tx, DEAL, BO, one, event, at=AT, actor="local:test")
        )

    async def from_disk(self) -> Keyring:
        fresh = Keyring()
        await self.store.read(fresh.load)
        return fresh

    def state(self, one: Device) -> KeyState | None:
        return self.keys.state(BO, one)


@pytest.fixture
async def ring(tmp_path: Path) -> AsyncIterator[Ring]:
    migrate(tmp_path / "store.db")
    store = Store(tmp_path / "store.db")
    yield Ring(store)
    await store.close()


async def test_the_first_devices_of_an_account_are_pinned_later_ones_only_seen(ring: Ring) -> None:
    await ring.see(device("A"), device("B"))
    await ring.see(device("C"))
    states = {name: ring.state(device(name)) for name in "ABC"}
    assert states == {"A": KeyState.PINNED, "B": KeyState.PINNED, "C": KeyState.SEEN}


async def test_another_key_under_a_known_name_is_only_seen_and_the_old_one_unknown(
    ring: Ring,
) -> None:
    await ring.see(device("A"))
    await ring.verify(device("A"))
    await ring.see(device("A", "k2"))
    assert ring.state(device("A", "k2")) is KeyState.SEEN
    assert ring.state(device("A")) is None


async def test_seen_twice_is_written_once(ring: Ring) -> None:
    await ring.see(device("A"))
    await ring.see(device("A"))
    assert await ring.store.read(lambda tx: tx.one("SELECT count(*) FROM peer_key")) == (1,)
    assert ring.keys.news(BO, [device("A"), device("B")]) == (device("B"),)


@pytest.mark.parametrize(
    "by", [(PersonId("ada"), PersonId("ada")), (PersonId("ada"), OWNER), (OWNER, PersonId("cy"))]
)
async def test_a_ceremony_takes_two_others(ring: Ring, by: tuple[PersonId, PersonId]) -> None:
    await ring.see(device("A"))
    with pytest.raises(NotPossible):
        await ring.verify(device("A"), by)
    assert ring.state(device("A")) is KeyState.PINNED


async def test_what_is_out_stays_out_with_whatever_key_it_comes_back(ring: Ring) -> None:
    await ring.see(device("A"))
    await ring.withdraw(device("A"), KeyEvent.COMPROMISE)
    for again in (device("A"), device("A", "k2")):
        await ring.see(again)
        with pytest.raises(NotPossible):
            await ring.verify(again)
        assert ring.state(again) in {None, KeyState.COMPROMISED}


async def test_what_is_not_written_is_not_believed(ring: Ring) -> None:
    await ring.see(device("A"))

    def fails(tx: object) -> None:
        ring.keys.verify(tx, DEAL, BO, device("A"), owner=OWNER, by=BY, at=AT, actor="local:test")  # type: ignore[arg-type]  # a Tx
        raise NotPossible("planted")

    with pytest.raises(NotPossible):
        await ring.store.write(fails)
    assert ring.state(device("A")) is KeyState.PINNED


async def test_a_name_of_any_shape_stops_nothing(ring: Ring) -> None:
    strange = device("a phone\n" + "x" * 400, "key with spaces")
    await ring.see(strange)
    assert ring.state(strange) is KeyState.PINNED
    [(body,)] = await ring.store.read(lambda tx: tx.all("SELECT body FROM audit"))
    assert b"spaces" not in body
    assert b"sha256:" in body


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["see", "verify", "revoke", "compromise"]),
        st.sampled_from("AB"),
        st.sampled_from(["k1", "k2"]),
    ),
    max_size=10,
)


async def _history(folder: Path, acts: list[tuple[str, str, str]]) -> None:
    store = Store(folder / "store.db")
    ring = Ring(store)
    try:
        for how, name, key in acts:
            one = device(name, key)
            before = ring.state(one)
            try:
                await _act(ring, how, one)
            except NotPossible:
                assert ring.state(one) is before
                continue
            after = ring.state(one)
            follows = set(TRANSITIONS[before].values()) if before else set(KeyState)
            assert after in {before, *follows}
            assert before not in {KeyState.REVOKED, KeyState.COMPROMISED} or after is not (
                KeyState.VERIFIED
            )
            known = (await ring.from_disk()).known(BO)
            assert set(known) == set(ring.keys.known(BO)), "memory is what the disk says"
    finally:
        await store.close()


async def _act(ring: Ring, how: str, one: Device) -> None:
    if how == "see":
        await ring.see(one)
    elif how == "verify":
        await ring.verify(one)
    else:
        await ring.withdraw(one, KeyEvent(how))


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    return (tmp_path / f"example{n}" for n in count())


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=ACTS)
def test_trust_only_moves_along_the_table(
    folders: Iterator[Path], acts: list[tuple[str, str, str]]
) -> None:
    folder = next(folders)
    folder.mkdir()
    migrate(folder / "store.db")
    asyncio.run(_history(folder, acts))


async def test_a_network_that_invents_devices_or_keys_fills_no_disk(ring: Ring) -> None:
    """What is not written down is unknown, which is worth less than anything that is."""
    await ring.see(device("PHONE"))
    await ring.see(*(device(f"D{n}") for n in range(3 * MOST_A_DAY)))
    for n in range(MOST_A_DAY):
        await ring.see(device("PHONE", f"other-{n}"))
    rows = await ring.store.read(lambda tx: tx.all("SELECT n FROM peer_key"))
    assert len(rows) == MOST_A_DAY
    assert ring.state(device("PHONE")) is KeyState.PINNED
    last = device(f"D{3 * MOST_A_DAY - 1}")
    assert ring.state(last) is None
    await ring.store.write(lambda tx: ring.keys.record_seen(tx, DEAL, BO, [last], at=AT + DAY + 1))
    assert ring.state(last) is KeyState.SEEN
