"""A deal whose documents cannot be read is not in force; the home and its other deals are."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrator.config.policy import default_text, read_policy
from orchestrator.deals.book import Book
from orchestrator.roster.adoption import adopt, load_adopted
from orchestrator.roster.deals import create_deal
from orchestrator.roster.document import from_document, to_document
from orchestrator.roster.read import read_roster
from orchestrator.roster.write import template
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store, Tx
from tiers.ids import DealId
from tiers.people import Roster
from tiers.policy import Policy

ROSTER = to_document(read_roster(template()))
OLD = ROSTER.replace('"version":2', '"version":1')


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    migrate(tmp_path / "wallcross.db")
    opened = Store(tmp_path / "wallcross.db")
    yield opened
    await opened.close()


async def test_a_roster_of_an_earlier_build_is_in_force_nowhere(store: Store) -> None:
    policy = read_policy(default_text())

    def unit(tx: Tx) -> tuple[DealId, DealId]:
        old, new = (
            create_deal(tx, code, made_up=True, policy=policy, at=1, actor="local:ada").deal_id
            for code in ("OLD", "NEW")
        )
        for deal in (old, new):
            adopt(tx, deal, "roster", ROSTER, at=2, actor="local:ada")
        return old, new

    old, new = await store.write(unit)

    def load(tx: Tx, deal: DealId) -> tuple[Roster, str, Policy] | None:
        found = load_adopted(tx, deal)
        return found if deal == new else (from_document(OLD), "", policy_of(found))

    def policy_of(found: tuple[Roster, str, Policy] | None) -> Policy:
        assert found is not None
        return found[2]

    book = Book(load, lambda _, __: {}, lambda _, __: "")
    await store.read(book.load_all)
    assert set(book.deals) == {new}
    assert "of version 1" in book.refused[old]
