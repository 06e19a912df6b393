"""Who may be sealed to, decided on values alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.matrix.devices import (
    MEGOLM,
    OLM,
    Members,
    Target,
    Told,
    from_rows,
    sealed_readers,
    targets,
    to_rows,
    unread_accounts,
    well_formed,
)
from connectors.port import AccountId, DeviceId
from connectors.port.errors import IdentityChanged, ReadersChanged, Rejected, Unavailable
from connectors.port.messages import Device, Reader

BOT = AccountId("@bot:x")
OURS = Device(DeviceId("BOT"), "own")
OWN = Target(BOT, OURS)
accounts = st.sampled_from([AccountId(f"@{n}:x") for n in "abcd"])
devices = st.builds(Device, st.sampled_from([DeviceId("P"), DeviceId("Q")]), st.sampled_from("12"))
device_sets = st.frozensets(devices, max_size=3)
members = st.builds(
    lambda joined, invited: Members(joined | {BOT}, invited - joined),
    st.frozensets(accounts),
    st.frozensets(accounts),
)
tolds = st.dictionaries(accounts, device_sets).map(lambda d: Told({**d, BOT: frozenset({OURS})}))
readers = st.dictionaries(accounts, st.none() | device_sets).map(
    lambda d: frozenset(Reader(a, v) for a, v in d.items())
)
distrusted = st.frozensets(st.builds(Target, accounts, devices), max_size=3)


@given(members, tolds, readers, distrusted)
def test_nobody_but_the_readers_and_no_other_device_is_ever_sealed_to(
    room: Members, told: Told, named: frozenset[Reader], barred: frozenset[Target]
) -> None:
    allowed = {r.account: r.devices for r in named}
    try:
        found = targets(room, told, named, OWN, barred)
    except ReadersChanged:
        assert room.everybody - {BOT} - set(allowed)
        return
    except IdentityChanged:
        beyond = [
            a
            for a in room.everybody & set(allowed)
            if (wanted := allowed[a]) is not None and (told.of(a) or frozenset()) - wanted
        ]
        assert beyond
        return
    assert not room.everybody - {BOT} - set(allowed)
    for target in found - {OWN}:
        wanted = allowed[target.account]
        assert target.account in room.joined
        assert wanted is None or target.device in wanted
        assert target not in barred
        assert target.device in (told.of(target.account) or ())


def room_of(*joined: str) -> Members:
    return Members(frozenset({BOT, *map(AccountId, joined)}), frozenset())


def test_our_own_other_devices_are_left_out_unless_named() -> None:
    stolen = Device(DeviceId("STOLEN"), "k")
    told = Told({BOT: frozenset({OURS, stolen})})
    assert targets(room_of(), told, (), OWN, ()) == {OWN}
    assert targets(room_of(), told, [Reader(BOT)], OWN, ()) == {OWN}
    both = [Reader(BOT, frozenset({OURS, stolen}))]
    assert targets(room_of(), told, both, OWN, ()) == {OWN, Target(BOT, stolen)}
    with pytest.raises(IdentityChanged):
        targets(room_of(), told, [Reader(BOT, frozenset({OURS}))], OWN, ())


def test_devices_that_nobody_told_of_are_not_taken_for_none() -> None:
    told = Told({BOT: frozenset({OURS})}, unread=frozenset({AccountId("@a:x")}))
    with pytest.raises(Unavailable):
        targets(room_of("@a:x"), told, [Reader(AccountId("@a:x"))], OWN, ())


def test_a_room_that_we_are_not_in_is_refused() -> None:
    with pytest.raises(Rejected) as refused:
        targets(Members(frozenset(), frozenset({BOT})), Told({}), (), OWN, ())
    assert refused.value.code == "not_a_member"


@given(st.frozensets(st.builds(Target, accounts, devices)))
def test_what_was_sealed_to_survives_being_kept(sealed: frozenset[Target]) -> None:
    assert from_rows(to_rows(sealed)) == sealed
    told = {(r.account, d) for r in sealed_readers(sealed) for d in r.devices or ()}
    assert told == {(t.account, t.device) for t in sealed}


GOOD: dict[str, Any] = {
    "user_id": "@a:x",
    "device_id": "P",
    "algorithms": [OLM, MEGOLM],
    "keys": {"ed25519:P": "k", "curve25519:P": "c"},
    "signatures": {},
}


@pytest.mark.parametrize(
    "change",
    [
        {"user_id": "@b:x"},
        {"device_id": "Q"},
        {"algorithms": [OLM]},
        {"algorithms": None},
        {"keys": {"ed25519:P": "k"}},
        {"keys": {"ed25519:P": 1, "curve25519:P": "c"}},
        {"keys": []},
        {"signatures": None},
    ],
)
def test_a_malformed_device_is_no_device(change: dict[str, Any]) -> None:
    assert well_formed("@a:x", "P", GOOD)
    assert not well_formed("@a:x", "P", {**GOOD, **change})
    assert not well_formed("@a:x", "P", [])


def test_accounts_of_a_server_that_failed_are_unread() -> None:
    both = [AccountId("@a:up.example"), AccountId("@b:down.example:8448")]
    assert unread_accounts({"down.example:8448": {}}, both) == {"@b:down.example:8448"}
    assert unread_accounts(None, both) == frozenset()
