"""One signed root covers every chain; proofs lead to it and show absence too."""

import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.audit import merkle
from orchestrator.audit.chain import HOME, append, heads
from orchestrator.audit.heads import (
    HeadKey,
    load_key,
    newest_head,
    public_keys,
    sign_heads,
    signed_heads,
)
from orchestrator.audit.instants import entry_instant, latest_instant, reset_latest
from orchestrator.audit.kinds import Kind
from orchestrator.audit.offline.roots import absent, root_of, signed
from orchestrator.audit.proofs import Leaf, _prove, sorted_leaves
from orchestrator.store.unit import Store, Tx
from tests.orchestrator.audit.conftest import AT, SECOND, Fill, Sign

DEALS = st.sets(st.integers(0, 10**6), max_size=40).map(lambda some: [f"deal_{n}" for n in some])


def test_the_roots_of_rfc_6962() -> None:
    # section 2.1.3's shape over seven leaves, computed by hand
    leaves = [merkle.leaf(bytes([n])) for n in range(7)]
    a, b, c, d, e, f, j = leaves
    left = merkle.node(merkle.node(a, b), merkle.node(c, d))
    right = merkle.node(merkle.node(e, f), j)
    assert merkle.root(leaves) == merkle.node(left, right)
    assert merkle.path(leaves, 0) == [b, merkle.node(c, d), right]
    assert merkle.path(leaves, 6) == [merkle.node(e, f), left]
    assert merkle.root([]) == sha256(b"").digest()
    assert merkle.leaf(b"") == sha256(b"\x00").digest()


@given(deals=DEALS, asked=st.integers(0, 10**6))
def test_every_chain_is_shown_to_be_there_or_not(deals: list[str], asked: int) -> None:
    leaves = {deal: Leaf.of(deal, 3, sha256(deal.encode()).digest()) for deal in deals}
    root = merkle.root(sorted_leaves(leaves)[1]).hex()
    for deal in [*deals, f"deal_{asked}"]:
        proof = json.loads(json.dumps(_prove(leaves, deal)))
        if deal in leaves:
            found = proof["in"]
            data = leaves[deal].data
            assert root_of(data, found["index"], proof["size"], found["path"]) == root
            other = data.replace(b'"head":"', b'"head":"0')
            assert root_of(other, found["index"], proof["size"], found["path"]) != root
        else:
            assert absent(deal, proof, root, len(deals))


@given(deals=DEALS.filter(bool), data=st.data())
def test_no_neighbours_show_a_chain_to_be_absent_that_is_there(
    deals: list[str], data: st.DataObject
) -> None:
    leaves = {deal: Leaf.of(deal, 3, b"") for deal in deals}
    root = merkle.root(sorted_leaves(leaves)[1]).hex()
    target = data.draw(st.sampled_from(deals))
    # the most that a liar can show: real neighbours of some other chain, or of fewer leaves
    others = {deal: leaf for deal, leaf in leaves.items() if deal != target}
    for shown in (leaves, others):
        for asked in (target, "deal_other"):
            proof = json.loads(json.dumps(_prove(shown, asked)))
            if "in" not in proof:
                assert not absent(target, proof, root, len(deals))


async def test_a_statement_names_all_heads_and_the_one_before(
    store: Store, key: HeadKey, fill: Fill, sign: Sign
) -> None:
    await fill("deal_a", 3, 0)
    first = await sign(10)
    await fill("deal_b", 2, 20)
    second = await sign(30)
    statement = json.loads(second.statement)
    assert statement["n"] == 2
    assert statement["prev"] == sha256(first.statement).hexdigest()
    assert statement["home"] == key.home
    found = await store.read(lambda tx: dict(heads(tx)))
    assert statement["size"] == len(found) == 3  # the home's chain tells of the key
    leaves = {deal: Leaf.of(deal, *head) for deal, head in found.items()}
    assert statement["root"] == merkle.root(sorted_leaves(leaves)[1]).hex()
    assert signed(key.public, second.signature, b"wallcross audit head v1\n" + second.statement)
    assert not signed(key.public, second.signature, second.statement)
    assert await store.read(newest_head) == second
    assert await store.read(lambda tx: list(signed_heads(tx))) == [first, second]


async def test_each_key_that_signs_is_kept_and_told_once(
    store: Store, key: HeadKey, sign: Sign
) -> None:
    assert await store.read(newest_head) is None
    await sign(1)
    await sign(2)
    other = load_key(key.home, lambda: b"x" * 32)
    await store.write(lambda tx: sign_heads(tx, other, at=AT))
    assert await store.read(public_keys) == {
        key.key_id: key.public, other.key_id: other.public,
    }  # fmt: skip
    (rows,) = await store.read(
        lambda tx: tx.all("SELECT count(*) FROM audit WHERE deal_id = ?", (HOME,))
    )
    assert rows == (2,)


async def test_only_chains_that_moved_cost_a_row(store: Store, fill: Fill, sign: Sign) -> None:
    for deal in range(20):
        await fill(f"deal_{deal}", 1, 0)
    await sign(1)
    for second in range(2, 10):
        await sign(second)
    (rows,) = await store.read(lambda tx: tx.all("SELECT count(*) FROM audit_leaf"))
    assert rows == (21,)


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="31 bytes"):
        load_key("home_1", lambda: bytes(31))


def test_the_private_key_shows_in_no_repr(key: HeadKey) -> None:
    assert "private" not in repr(key).lower()


async def test_the_latest_instant_is_that_of_any_chain_and_never_shrinks(
    store: Store, fill: Fill, sign: Sign
) -> None:
    assert await store.read(latest_instant) == 0
    await fill("deal_a", 1, 100)
    await fill("deal_b", 1, 50)
    assert await store.read(latest_instant) == AT + 100 * SECOND
    await sign(40)  # the clock was set back: the minute's statement keeps what was seen
    await fill("deal_a", 1, 41)
    assert await store.read(latest_instant) == AT + 100 * SECOND


async def test_a_person_takes_the_latest_instant_back_on_the_record(
    store: Store, fill: Fill, sign: Sign
) -> None:
    await fill("deal_a", 1, 100)
    await fill("deal_b", 1, 5)
    await sign(101)

    def reset(tx: Tx) -> int:
        return reset_latest(tx, at=AT + 10 * SECOND, actor="local:root")

    assert await store.write(reset) == 2  # deal_a, and the home's chain with its key
    assert await store.read(latest_instant) == AT + 10 * SECOND
    rows = await store.read(
        lambda tx: tx.all(
            "SELECT deal_id FROM audit WHERE CAST(entry AS TEXT) LIKE '%clock.reset%'"
        )
    )
    assert sorted(rows) == [("deal_a",), (HOME,)]
    assert await store.write(reset) == 1
    assert await store.read(latest_instant) == AT + 10 * SECOND


async def test_an_instant_is_read_whatever_the_actor_is_called(store: Store) -> None:
    actor = 'local:"at":5,'

    def unit(tx: Tx) -> None:
        append(tx, HOME, Kind.PROCESS_STARTED, {}, at=AT, actor=actor.replace(":5", "5"))

    await store.write(unit)
    (row,) = await store.read(lambda tx: tx.all("SELECT entry FROM audit"))
    assert entry_instant(row[0]) == AT
