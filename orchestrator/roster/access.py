"""Deals and what is in force, as the API asks for them, over the store alone.

Rules kept here:

1. A real deal belongs to a home that says who hosts it, and its roster names the same host.
2. Whoever runs decisions is told after each adoption, once it is on disk.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from orchestrator.client.problems import Missing, Refused
from orchestrator.client.views import AdoptionView, DealView
from orchestrator.clock import Clock
from orchestrator.config.model import CODE
from orchestrator.roster import adoption, deals
from orchestrator.roster.document import from_document
from orchestrator.store.unit import Store, Tx
from tiers.ids import DealId

Kind = Literal["policy", "roster"]
_NOTHING = "Nothing was changed"


class DealDesk:
    """``DealAccess`` of ``orchestrator.api.port`` over a store.

    Args:
        store: of the home.
        now: the clock.
        host: ``home.host`` of the settings; None: made-up deals only.
        changed: called with a deal whose policy or roster changed, after the commit.
    """

    def __init__(
        self,
        store: Store,
        now: Clock,
        host: str | None,
        changed: Callable[[DealId], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._now = now
        self._host = host
        self._changed = changed

    async def find_deal(self, name: str) -> DealId:
        """The deal of that code or id. Raises: Missing."""
        return (await self._store.read(lambda tx: _find(tx, name))).deal_id

    async def deal_new(self, code: str, *, made_up: bool, policy: str, actor: str) -> DealView:
        """Makes a deal and adopts its policy. Raises: Refused."""
        if not CODE.fullmatch(code):
            raise Refused("A deal's code is 2 to 32 capitals, digits and -", still=_NOTHING)
        if self._host is None and not made_up:
            then = "Write host = … under [home] in wallcross.toml; or wallcross deal new --made-up"
            raise Refused("This home does not say who hosts it", still=_NOTHING, then=then)

        def work(tx: Tx) -> DealView:
            deal = deals.create_deal(
                tx, code, made_up=made_up, policy=policy, at=self._now(), actor=actor
            )
            tx.after_commit(lambda: self._changed(deal.deal_id))
            return _view(tx, deal)

        try:
            return await self._store.write(work)
        except deals.CodeTaken as error:
            then = f"wallcross deal show {code}"
            raise Refused(str(error).capitalize(), still=_NOTHING, then=then) from None

    async def deal_list(self) -> Sequence[DealView]:
        """Every deal."""
        return await self._store.read(lambda tx: [_view(tx, d) for d in deals.list_deals(tx)])

    async def deal_show(self, deal: DealId) -> DealView:
        """One deal. Raises: Missing."""
        return await self._store.read(lambda tx: _view(tx, _find(tx, deal)))

    async def adopt(self, deal: DealId, kind: Kind, document: str, *, actor: str) -> AdoptionView:
        """Puts a document in force. Raises: Refused, PolicyInvalid, RosterInvalid."""

        def work(tx: Tx) -> AdoptionView:
            found = _find(tx, deal)
            if kind == "roster":
                self._check_host(document, made_up=found.made_up)
            before = adoption.in_force(tx, deal, kind)
            made = adoption.adopt(tx, deal, kind, document, at=self._now(), actor=actor)
            tx.after_commit(lambda: self._changed(deal))
            return _adopted(made, new=before is None or before.entry != made.entry)

        return await self._store.write(work)

    async def in_force(self, deal: DealId, kind: Kind) -> AdoptionView:
        """What is in force, checked against the audit. Raises: Missing, AdoptionRefused."""
        found = await self._store.read(lambda tx: adoption.in_force(tx, deal, kind))
        if found is None:
            then = f"wallcross {'roster import' if kind == 'roster' else 'deal adopt'}"
            raise Missing(f"This deal has no {kind} in force", still="Nothing is sent", then=then)
        return _adopted(found, new=False)

    def _check_host(self, document: str, *, made_up: bool) -> None:
        named = from_document(document).host
        if not made_up and named != self._host:
            wrong = f"The roster says that {named} hosts this home; the settings say {self._host}"
            then = "Correct sides.csv, or host under [home] in wallcross.toml"
            raise Refused(wrong, still=_NOTHING, then=then)


def _find(tx: Tx, name: str) -> deals.Deal:
    found = deals.find_deal(tx, name)
    if found is None:
        raise Missing("There is no such deal in this home", then="wallcross deal list")
    return found


def _view(tx: Tx, deal: deals.Deal) -> DealView:
    def digest(kind: Kind) -> str | None:
        found = adoption.in_force(tx, deal.deal_id, kind)
        return None if found is None else found.hash

    return DealView(
        deal_id=deal.deal_id,
        code=deal.code,
        phase=deal.phase,
        made_up=deal.made_up,
        created_at=deal.created_at,
        policy_hash=digest("policy"),
        roster_hash=digest("roster"),
    )


def _adopted(found: adoption.Adoption, *, new: bool) -> AdoptionView:
    return AdoptionView(
        deal_id=found.deal_id,
        kind=found.kind,
        hash=found.hash,
        at=found.at,
        actor=found.actor,
        document=found.document,
        new=new,
    )
