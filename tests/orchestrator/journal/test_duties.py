"""A room opens on a key or on counsel's verified decision for its tier, and on nothing else."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from orchestrator.journal import decision
from orchestrator.journal.decision import Decision, Signed
from orchestrator.journal.duties import read_duties
from orchestrator.journal.policy import JournalPolicy
from orchestrator.store.unit import Store, Tx

from .conftest import AT, DEAL

TIERS = ("COORDINATION", "OPERATIONS", "VALUATION")
SIDE = "side_target"
INSERT = "INSERT INTO journal_exemption VALUES (NULL, ?, ?, ?, ?, ?, ?, 0)"
Row = tuple[str, str, str, bytes, bytes, str]


def said(**changes: Any) -> Decision:
    return replace(Decision(DEAL, SIDE, "VALUATION", journal=False, at=AT), **changes)


def row(signed: tuple[bytes, bytes, str], deal: str = DEAL, scope: str = SIDE) -> Row:
    return (deal, scope, "VALUATION", *signed)


def forgeries(counsel: Any) -> dict[str, Row]:
    """Rows that exempt nothing: each as good as somebody with the disk can make it."""
    statement, signature, signer = decision.sign(said(), counsel.target)
    foreign = decision.sign(said(deal_id="deal_2"), counsel.target)
    return {
        "no signature": row((statement, bytes(64), signer)),
        "signed by another side": row(decision.sign(said(), counsel.acquirer)),
        "of another deal": row(foreign),
        "of another statement": row((said(tier="OPERATIONS").statement(), signature, signer)),
        "that journals again": row(decision.sign(said(journal=True), counsel.target)),
        "that has ended": row(decision.sign(said(at=AT - 9, until=AT - 1), counsel.target)),
        "that has not begun": row(decision.sign(said(at=AT + 1), counsel.target)),
    }


async def opened(store: Store, policy: JournalPolicy, rows: list[Row], at: int = AT) -> set[str]:
    """The tiers of the target's private rooms that may be open with these rows on disk."""
    for one in rows:
        await store.write(partial(Tx.run, sql=INSERT, params=one))
    duties = await store.read(partial(read_duties, deal_id=DEAL, counsel=policy.counsel, stated=()))
    return {tier for tier in TIERS if duties.settled(SIDE, tier, at)}


async def no_forgery_opens(store: Store, policy: JournalPolicy, counsel: Any) -> None:
    assert await opened(store, policy, list(forgeries(counsel).values())) == set()


async def test_an_unverified_decision_opens_no_room(
    store: Store, policy: JournalPolicy, counsel: Any
) -> None:
    await no_forgery_opens(store, policy, counsel)


async def test_a_signed_one_opens_its_own_tier_until_it_ends(
    store: Store, policy: JournalPolicy, counsel: Any
) -> None:
    signed = row(decision.sign(said(until=AT + 5), counsel.target))
    assert await opened(store, policy, [signed]) == {"VALUATION"}
    assert await opened(store, policy, [], AT + 4) == {"VALUATION"}
    assert await opened(store, policy, [], AT + 5) == set()


async def test_of_two_counsels_both_must_have_signed(
    store: Store, policy: JournalPolicy, counsel: Any
) -> None:
    joint = said(scope="joint")
    for key, settled in ((counsel.target, False), (counsel.acquirer, True)):
        await store.write(
            partial(Tx.run, sql=INSERT, params=row(decision.sign(joint, key), scope="joint"))
        )
        duties = await store.read(
            partial(read_duties, deal_id=DEAL, counsel=policy.counsel, stated=())
        )
        assert duties.settled("joint", "VALUATION", AT) is settled


async def test_where_the_policy_names_nobody_nothing_is_exempt(
    store: Store, policy: JournalPolicy, counsel: Any
) -> None:
    signed = row(decision.sign(said(), counsel.target))
    assert await opened(store, replace(policy, counsel={}), [signed]) == set()


def any_row_counts(row_: tuple[Any, ...], _deal: str) -> Signed:
    return Signed(row_[0], said(), row_[3])


def no_signature_is_asked(row_: tuple[Any, ...], _deal: str) -> Signed:
    return Signed(row_[0], decision._read(row_[1]), row_[3])


@pytest.mark.parametrize("plant", [any_row_counts, no_signature_is_asked])
async def test_a_planted_belief_in_rows_is_caught(
    store: Store,
    policy: JournalPolicy,
    counsel: Any,
    plant: Callable[..., Signed],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decision, "_signed", plant)
    with pytest.raises(AssertionError):
        await no_forgery_opens(store, policy, counsel)
