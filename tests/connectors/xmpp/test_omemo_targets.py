"""Which devices a body may be sealed to: those named, as they are published."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.port import AccountId, DeviceId
from connectors.port.errors import IdentityChanged, Rejected
from connectors.port.messages import Device, Reader
from connectors.xmpp.omemo.targets import Bar, Target, as_readers, targets

BOT, ANNA, BEN = (AccountId(f"{name}@deal.test") for name in ("bot", "anna", "ben"))
OWN = Target(BOT, 1, "00" * 32)
PUBLISHED = {
    BOT: {1: OWN.key, 2: "02" * 32, 3: ""},
    ANNA: {17: "aa" * 32, 18: "ab" * 32, 19: ""},
    BEN: {27: "bb" * 32},
}


def device(number: object, key: str) -> Device:
    return Device(DeviceId(str(number)), key)


def bar(
    cast_out: frozenset[tuple[AccountId, str]] = frozenset(),
    trusted: frozenset[tuple[AccountId, Device]] = frozenset(),
    published: dict[AccountId, dict[int, str]] = PUBLISHED,
) -> Bar:
    return Bar(OWN, published, lambda a, k: (a, k) in cast_out, lambda a, d: (a, d) in trusted)


PHONE, TABLET, BENS = device(17, "aa" * 32), device(18, "ab" * 32), device(27, "bb" * 32)


def test_exactly_the_named_devices() -> None:
    found = targets({ANNA: frozenset({PHONE}), BEN: frozenset({BENS})}, bar())
    assert found == {Target(ANNA, 17, "aa" * 32), Target(BEN, 27, "bb" * 32)}
    proof = {Reader(ANNA, frozenset({PHONE})), Reader(BEN, frozenset({BENS}))}
    assert as_readers(found) == proof


@pytest.mark.parametrize(
    "named",
    [
        device(17, "ac" * 32),  # another key
        device(16, "aa" * 32),  # another number
        device(19, ""),  # no key to be had
        device(-17, "aa" * 32),
        device("seventeen", "aa" * 32),
        device("", "aa" * 32),
        device("\u0661\u0667", "aa" * 32),
    ],
    ids=range(7),
)
def test_a_device_that_is_not_published_so_stops_it(named: Device) -> None:
    with pytest.raises(IdentityChanged):
        targets({ANNA: frozenset({PHONE, named})}, bar())


def test_a_device_of_an_account_that_publishes_none_stops_it() -> None:
    with pytest.raises(IdentityChanged):
        targets({AccountId("new@deal.test"): frozenset({PHONE})}, bar())


def test_a_key_that_was_cast_out_stops_it() -> None:
    with pytest.raises(IdentityChanged) as refused:
        targets({ANNA: frozenset({PHONE})}, bar(cast_out=frozenset({(ANNA, PHONE.key)})))
    assert refused.value.code == "device_distrusted"


def test_nobody_left_is_refused() -> None:
    for nobody in ({}, {ANNA: frozenset[Device]()}, {BOT: frozenset({OWN.device})}):
        with pytest.raises(Rejected):
            targets(nobody, bar())


def test_another_device_of_ours_is_sealed_to_only_when_compared() -> None:
    other = device(2, "02" * 32)
    readers = {ANNA: frozenset({PHONE}), BOT: frozenset({OWN.device, other, device(3, "")})}
    assert {t.account for t in targets(readers, bar())} == {ANNA}
    found = targets(readers, bar(trusted=frozenset({(BOT, other)})))
    assert Target(BOT, 2, "02" * 32) in found
    assert OWN not in found


@pytest.mark.parametrize("number", [1, 27], ids=["ours", "another's"])
def test_a_number_that_two_devices_carry_stops_it(number: int) -> None:
    taken = {**PUBLISHED, ANNA: {number: "aa" * 32}}
    readers = {ANNA: frozenset({device(number, "aa" * 32)}), BEN: frozenset({BENS})}
    with pytest.raises(IdentityChanged) as refused:
        targets(readers, bar(published=taken))
    assert refused.value.code == "device_number_taken"


keys = st.sampled_from(["aa" * 32, "ab" * 32, "bb" * 32, ""])
published = st.dictionaries(
    st.sampled_from([ANNA, BEN]), st.dictionaries(st.integers(10, 14), keys, max_size=4)
)
named = st.dictionaries(
    st.sampled_from([ANNA, BEN, BOT]),
    st.frozensets(st.builds(device, st.integers(9, 14), keys), max_size=4),
)


@given(published=published, readers=named, out=st.frozensets(st.tuples(st.just(ANNA), keys)))
def test_whatever_is_sealed_to_was_named_published_and_not_cast_out(
    published: dict[AccountId, dict[int, str]],
    readers: dict[AccountId, frozenset[Device]],
    out: frozenset[tuple[AccountId, str]],
) -> None:
    try:
        found = targets(readers, bar(cast_out=out, published=published))
    except Rejected:
        return
    assert found
    for target in found:
        assert target.device in readers[target.account]
        assert published[target.account][target.number] == target.key != ""
        assert (target.account, target.key) not in out
