"""A ceremony speaks for a span: then its key is a pin again, until two people compare it anew."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.port.messages import Device
from orchestrator.keys.keyring import Account, Keyring
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store
from tiers.ids import AccountId, ConnectorName, DealId, DeviceId, PersonId
from tiers.trust import VERIFIED_FOR, KeyEvent, KeyState

DEAL = DealId("deal_" + "0a" * 16)
BO: Account = (ConnectorName("memory"), AccountId("bo"))
PHONE = Device(DeviceId("A"), "k1")
BY = (PersonId("ada"), PersonId("cy"))
AT = 1_800_000_000_000_000


async def verified(keys: Keyring, store: Store, at: int) -> None:
    owner = PersonId("bo")
    await store.write(
        lambda tx: keys.verify(tx, DEAL, BO, PHONE, owner=owner, by=BY, at=at, actor="local:test")
    )


@pytest.fixture
async def store(tmp_path: Path) -> object:
    migrate(tmp_path / "store.db")
    return Store(tmp_path / "store.db")


async def test_it_lapses_and_is_renewed_by_two_also_from_disk(store: Store) -> None:
    keys = Keyring()
    await store.write(lambda tx: keys.record_seen(tx, DEAL, BO, [PHONE], at=AT))
    assert keys.changes_after(BO, PHONE, AT, VERIFIED_FOR) is None
    await verified(keys, store, AT)
    ends = AT + VERIFIED_FOR
    for ring in (keys, fresh := Keyring()):
        if ring is fresh:
            await store.read(fresh.load)
        assert ring.changes_after(BO, PHONE, AT, VERIFIED_FOR) == ends
        assert ring.counts(BO, PHONE, ends - 1, VERIFIED_FOR) is KeyState.VERIFIED
        assert ring.counts(BO, PHONE, ends, VERIFIED_FOR) is KeyState.PINNED
    await verified(keys, store, ends)
    assert keys.counts(BO, PHONE, ends, VERIFIED_FOR) is KeyState.VERIFIED
    assert keys.changes_after(BO, PHONE, ends, VERIFIED_FOR) == ends + VERIFIED_FOR
    await store.close()


async def test_a_lapsed_key_is_superseded_and_never_verified_again(store: Store) -> None:
    keys = Keyring()
    await store.write(lambda tx: keys.record_seen(tx, DEAL, BO, [PHONE], at=AT))
    await verified(keys, store, AT)
    await store.write(
        lambda tx: keys.withdraw(tx, DEAL, BO, PHONE, KeyEvent.REPLACED, at=AT, actor="local:test")
    )
    assert keys.counts(BO, PHONE, AT, VERIFIED_FOR) is KeyState.SUPERSEDED
    other = Device(PHONE.device, "k2")
    await store.write(lambda tx: keys.record_seen(tx, DEAL, BO, [other], at=AT))
    assert keys.counts(BO, other, AT, VERIFIED_FOR) is KeyState.SEEN
    assert keys.counts(BO, PHONE, AT, VERIFIED_FOR) is None
    await store.close()


@given(st.integers(0, 2 * VERIFIED_FOR), st.integers(1, 2 * VERIFIED_FOR))
def test_an_unknown_key_counts_for_nothing_at_any_time(later: int, lasts: int) -> None:
    assert Keyring().counts(BO, PHONE, AT + later, lasts) is None
