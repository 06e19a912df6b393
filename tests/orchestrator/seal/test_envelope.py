"""Envelope and wrap: every size comes back, nothing altered or moved does."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.seal.envelope import (
    CHUNK,
    HEAD_BYTES,
    SEALED_CHUNK,
    Opening,
    Sealing,
    bound,
    open_bytes,
    seal_bytes,
)
from orchestrator.seal.errors import Tampered
from orchestrator.seal.wrap import Subject, new_key, unwrap, wrap

KEY = new_key()
EPOCH = "epoch_" + "ab" * 16
EPOCH_KEY = os.urandom(32)
SUBJECT = Subject("msg_1", "deal_1", 10, inline=True)
BORDERS = [n * CHUNK + d for n in range(4) for d in (-1, 0, 1) if n * CHUNK + d >= 0]

sizes = st.one_of(st.sampled_from(BORDERS), st.integers(0, 3 * CHUNK))


def seal(text: bytes) -> bytes:
    return seal_bytes(KEY.key, KEY.key_id, "msg_1", "deal_1", text)


def unseal(envelope: bytes, owner: str = "msg_1", deal: str = "deal_1") -> bytes:
    return open_bytes(KEY.key, KEY.key_id, owner, deal, envelope)


@settings(deadline=None)
@given(sizes)
def test_any_size_comes_back(size: int) -> None:
    text = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    envelope = seal(text)
    chunks = max(1, -(-size // CHUNK))
    assert len(envelope) == HEAD_BYTES + size + 17 * chunks
    assert unseal(envelope) == text


@settings(deadline=None)
@given(sizes, st.lists(st.integers(1000, 2 * CHUNK), min_size=1, max_size=6))
def test_pieces_of_any_length_make_the_same(size: int, cuts: list[int]) -> None:
    text = bytes(size)
    sealing = Sealing(KEY.key, KEY.key_id, "msg_1", "deal_1")
    envelope = sealing.head + b"".join(map(sealing.add, _cut(text, cuts))) + sealing.finish()
    opening = Opening(envelope[:HEAD_BYTES], KEY.key, KEY.key_id, "msg_1", "deal_1")
    back = b"".join(map(opening.add, _cut(envelope[HEAD_BYTES:], cuts))) + opening.finish()
    assert back == text


def _cut(data: bytes, cuts: list[int]) -> list[bytes]:
    out, at, n = [], 0, 0
    while at < len(data):
        out.append(data[at : at + cuts[n % len(cuts)]])
        at, n = at + len(out[-1]), n + 1
    return out


@given(st.binary(max_size=200), st.data())
def test_any_flipped_bit_is_refused(text: bytes, data: st.DataObject) -> None:
    envelope = bytearray(seal(text))
    envelope[data.draw(st.integers(0, len(envelope) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Tampered):
        unseal(bytes(envelope))


@settings(deadline=None)
@given(st.sampled_from([0, 5, CHUNK, 2 * CHUNK, 2 * CHUNK + 5]), st.data())
def test_cut_short_or_prolonged_is_refused(size: int, data: st.DataObject) -> None:
    envelope = seal(bytes(size))
    with pytest.raises(Tampered):
        unseal(envelope[: data.draw(st.integers(0, len(envelope) - 1))])
    with pytest.raises(Tampered):
        unseal(envelope + data.draw(st.binary(min_size=1, max_size=40)))
    with pytest.raises(Tampered):
        unseal(envelope + envelope[HEAD_BYTES:])


def test_chunks_in_another_order_are_refused() -> None:
    envelope = seal(os.urandom(3 * CHUNK))
    head, body = envelope[:HEAD_BYTES], envelope[HEAD_BYTES:]
    one, two, three = (body[n * SEALED_CHUNK :][:SEALED_CHUNK] for n in range(3))
    assert unseal(head + one + two + three)
    for order in (two + one + three, one + three, three, one + one + two + three):
        with pytest.raises(Tampered):
            unseal(head + order)


def test_another_owner_deal_or_key_is_refused() -> None:
    envelope = seal(b"text")
    with pytest.raises(Tampered):
        unseal(envelope, owner="msg_2")
    with pytest.raises(Tampered):
        unseal(envelope, deal="deal_2")
    with pytest.raises(Tampered):
        unseal(envelope, owner="msg_1d", deal="eal_1")
    other = new_key()
    with pytest.raises(Tampered):
        open_bytes(other.key, other.key_id, "msg_1", "deal_1", envelope)
    with pytest.raises(Tampered):
        open_bytes(other.key, KEY.key_id, "msg_1", "deal_1", envelope)


@given(st.lists(st.text(max_size=8), max_size=4), st.lists(st.text(max_size=8), max_size=4))
def test_no_two_lists_of_fields_look_the_same(one: list[str], two: list[str]) -> None:
    assert (bound(b"x", *one) == bound(b"x", *two)) == (one == two)


def test_a_wrap_opens_for_its_own_row_alone() -> None:
    wrapped = wrap(KEY, EPOCH, EPOCH_KEY, SUBJECT)
    assert unwrap(wrapped, EPOCH, EPOCH_KEY, SUBJECT) == KEY
    others = [
        SUBJECT._replace(owner="msg_2"),
        SUBJECT._replace(deal_id="deal_2"),
        SUBJECT._replace(size=11),
        SUBJECT._replace(inline=False),
    ]
    for subject in others:
        with pytest.raises(Tampered):
            unwrap(wrapped, EPOCH, EPOCH_KEY, subject)
    with pytest.raises(Tampered):
        unwrap(wrapped, EPOCH, os.urandom(32), SUBJECT)
    for epoch in ("epoch_" + "cd" * 16, "epoch_zz", "epoch_ab", ""):
        with pytest.raises(Tampered):
            unwrap(wrapped, epoch, EPOCH_KEY, SUBJECT)


@given(st.data())
def test_any_flipped_bit_of_a_wrap_is_refused(data: st.DataObject) -> None:
    wrapped = bytearray(wrap(KEY, EPOCH, EPOCH_KEY, SUBJECT))
    wrapped[data.draw(st.integers(0, len(wrapped) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Tampered):
        unwrap(bytes(wrapped), EPOCH, EPOCH_KEY, SUBJECT)


def test_keys_are_in_no_repr() -> None:
    assert KEY.key.hex() not in repr(KEY)
    assert repr(KEY.key) not in repr(KEY)
