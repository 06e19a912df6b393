"""A document acts only once adopted, and only while it is the one that the audit names."""

from collections.abc import Callable

import pytest

from orchestrator.config.policy import default_text, read_policy
from orchestrator.roster.adoption import (
    AdoptionRefused,
    adopt,
    history,
    in_force,
    is_made_up,
    load_adopted,
)
from orchestrator.roster.deals import CodeTaken, Deal, create_deal, find_deal, list_deals
from orchestrator.roster.document import document_hash, to_document
from orchestrator.roster.read import RosterInvalid, read_roster
from orchestrator.roster.write import template
from orchestrator.store.unit import Store, StoreError, Tx
from tiers.ids import DealId, PersonId

POLICY = read_policy(default_text())
ROSTER = to_document(read_roster(template()))
OTHER = ROSTER.replace("Ximena Park", "Ximena Parker")
ME = "local:ann"


async def _adopt(store: Store, deal: Deal, document: str, at: int) -> None:
    await store.write(lambda tx: adopt(tx, deal.deal_id, "roster", document, at=at, actor=ME))


async def test_a_deal_begins_with_its_policy_in_force(store: Store, deal: Deal) -> None:
    found = await store.read(lambda tx: in_force(tx, deal.deal_id, "policy"))
    assert found is not None
    assert (found.hash, found.document, found.actor) == (document_hash(POLICY), POLICY, ME)
    assert await store.read(lambda tx: find_deal(tx, "HALCYON")) == deal
    assert await store.read(lambda tx: find_deal(tx, deal.deal_id)) == deal
    assert await store.read(list_deals) == [deal]


async def test_a_code_is_taken_once(store: Store, deal: Deal) -> None:
    with pytest.raises(CodeTaken):
        await store.write(
            lambda tx: create_deal(tx, deal.code, made_up=True, policy=POLICY, at=11, actor=ME)
        )


async def test_nothing_is_in_force_before_it_is_adopted(store: Store, deal: Deal) -> None:
    assert await store.read(lambda tx: in_force(tx, deal.deal_id, "roster")) is None
    assert await store.read(lambda tx: load_adopted(tx, deal.deal_id)) is None
    await _adopt(store, deal, ROSTER, 20)
    loaded = await store.read(lambda tx: load_adopted(tx, deal.deal_id))
    assert loaded is not None
    roster, digest, policy = loaded
    assert roster.person(PersonId("ximena.park")) is not None
    assert digest == document_hash(ROSTER)
    assert not policy.lab_allowed


async def test_the_newest_is_in_force_and_what_was_known_stays_known(
    store: Store, deal: Deal
) -> None:
    await _adopt(store, deal, ROSTER, 20)
    await _adopt(store, deal, OTHER, 30)
    for at, expected in ((None, OTHER), (30, OTHER), (29, ROSTER)):
        found = await store.read(lambda tx, at=at: in_force(tx, deal.deal_id, "roster", at))  # type: ignore[misc]  # mypy knows no defaults in lambdas
        assert found is not None
        assert found.document == expected
    assert await store.read(lambda tx: in_force(tx, deal.deal_id, "roster", 19)) is None
    known = await store.read(lambda tx: history(tx, deal.deal_id, "roster"))
    assert [(at, digest) for at, digest, _ in known] == [
        (30, document_hash(OTHER)),
        (20, document_hash(ROSTER)),
    ]


async def test_the_same_again_changes_nothing(store: Store, deal: Deal) -> None:
    await _adopt(store, deal, ROSTER, 20)
    await _adopt(store, deal, ROSTER, 30)
    rows = await store.read(lambda tx: tx.one("SELECT count(*) FROM adoption WHERE kind='roster'"))
    assert rows == (1,)


async def test_going_back_to_an_older_roster_is_an_adoption_too(store: Store, deal: Deal) -> None:
    for at, document in ((20, ROSTER), (30, OTHER), (40, ROSTER)):
        await _adopt(store, deal, document, at)
    found = await store.read(lambda tx: in_force(tx, deal.deal_id, "roster"))
    assert found is not None
    assert (found.at, found.document) == (40, ROSTER)


async def test_time_that_turned_back_adopts_nothing(store: Store, deal: Deal) -> None:
    await _adopt(store, deal, ROSTER, 20)
    with pytest.raises(AdoptionRefused):
        await _adopt(store, deal, OTHER, 19)


async def test_a_document_that_is_none_is_not_adopted(store: Store, deal: Deal) -> None:
    with pytest.raises(RosterInvalid):
        await _adopt(store, deal, "{}", 20)
    with pytest.raises(StoreError):
        await store.write(
            lambda tx: adopt(tx, DealId("deal_none"), "roster", ROSTER, at=20, actor=ME)
        )


def _row(tx: Tx, document: str) -> None:
    tx.run(
        "INSERT INTO adoption (deal_id, kind, hash, document, at, actor) "
        "SELECT deal_id, 'roster', ?, ?, 21, 'local:eve' FROM deal",
        (document_hash(document), document),
    )


TAMPERED: dict[str, Callable[[Tx], object]] = {
    "a changed document": lambda tx: tx.run(
        "UPDATE adoption SET document = ? WHERE kind = 'roster'", (OTHER,)
    ),
    "a changed document and hash": lambda tx: tx.run(
        "UPDATE adoption SET document = ?, hash = ? WHERE kind = 'roster'",
        (OTHER, document_hash(OTHER)),
    ),
    "a row that nobody adopted": lambda tx: _row(tx, OTHER),
    "a row taken away": lambda tx: tx.run("DELETE FROM adoption WHERE kind = 'roster'"),
    "an entry taken away": lambda tx: tx.run(
        "DELETE FROM audit WHERE instr(entry, CAST('roster.adopted' AS BLOB)) > 0"
    ),
    "a changed body": lambda tx: tx.run(
        "UPDATE audit SET body = CAST(replace(CAST(body AS TEXT), ?, ?) AS BLOB)",
        (document_hash(ROSTER), document_hash(OTHER)),
    ),
    "a deal that became made up": lambda tx: tx.run("UPDATE deal SET made_up = 1"),
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED.keys())
async def test_a_row_in_a_table_grants_nothing(
    store: Store, deal: Deal, tamper: Callable[[Tx], object]
) -> None:
    await _adopt(store, deal, ROSTER, 20)
    await store.write(tamper)
    with pytest.raises(AdoptionRefused):
        await store.read(lambda tx: load_adopted(tx, deal.deal_id))


async def test_adoption_and_audit_are_one_unit(store: Store, deal: Deal) -> None:
    def half(tx: Tx) -> None:
        adopt(tx, deal.deal_id, "roster", ROSTER, at=20, actor=ME)
        raise ConnectionError("cut")

    with pytest.raises(ConnectionError):
        await store.write(half)
    assert await store.read(lambda tx: in_force(tx, deal.deal_id, "roster")) is None


async def test_a_deal_is_made_up_only_when_it_was_made_so(store: Store, deal: Deal) -> None:
    assert not await store.read(lambda tx: is_made_up(tx, deal.deal_id))
    made = await store.write(
        lambda tx: create_deal(tx, "DEMO", made_up=True, policy=POLICY, at=11, actor=ME)
    )
    assert await store.read(lambda tx: is_made_up(tx, made.deal_id))


async def test_adoptions_are_found_without_reading_the_chain(store: Store) -> None:
    plan = await store.read(
        lambda tx: tx.all(
            "EXPLAIN QUERY PLAN SELECT n FROM audit WHERE deal_id = 'x' "
            "AND instr(entry, X'2e61646f7074656422') > 0 ORDER BY n DESC"
        )
    )
    assert "audit_adopted" in str(plan)
