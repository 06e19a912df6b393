"""Deals and what is adopted for them."""

from collections.abc import Sequence
from typing import Literal

from orchestrator.approvals.requests import waits
from orchestrator.audit.granted import stated
from orchestrator.client import views
from orchestrator.client.problems import Missing, Refused, Wrong
from orchestrator.command.adopting import adopt_or_ask
from orchestrator.command.runtime import Runtime
from orchestrator.config.model import CODE
from orchestrator.roster.adoption import Adoption, AdoptionRefused, in_force
from orchestrator.roster.deals import CodeTaken, Deal, create_deal, find_deal, list_deals
from orchestrator.roster.host import refuse_hostless, refuse_other_host
from orchestrator.roster.phase import phase_of
from orchestrator.store.unit import Tx
from tiers.ids import DealId

_NOTHING = "Nothing was changed."
_STILL = "What was in force stays in force."
_MORE = {
    "policy": "A change of policy is never one person's",
    "roster": "This roster gives somebody more than the one in force",
}


class Deals:
    """Implements ``orchestrator.api.port.DealAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def find_deal(self, name: str) -> DealId:
        """The deal of that code or id."""
        found = await self._r.store.read(lambda tx: find_deal(tx, name))
        if found is None:
            raise Missing(f"there is no deal {name}", then="wallcross deal list")
        return found.deal_id

    async def deal_new(
        self, code: str, *, made_up: bool, policy: str, actor: str
    ) -> views.DealView:
        """Makes a deal and adopts its policy document."""
        if CODE.fullmatch(code) is None:  # an id, or `home`, would name another deal's record
            raise Wrong("A code name is two or more capitals, digits or -", still=_NOTHING)
        refuse_hostless(self._r.settings.config.home.host, made_up=made_up)
        at = self._r.now()

        def unit(tx: Tx) -> Deal:
            return create_deal(tx, code, made_up=made_up, policy=policy, at=at, actor=actor)

        try:
            deal = await self._r.store.write(unit)
        except CodeTaken as error:
            raise Refused(str(error), still=_NOTHING) from None
        return await self.deal_show(deal.deal_id)

    async def deal_list(self) -> Sequence[views.DealView]:
        """Every deal of the home."""
        return await self._r.store.read(lambda tx: [_view(tx, d) for d in list_deals(tx)])

    async def deal_show(self, deal: DealId) -> views.DealView:
        """One deal."""
        found = await self._r.store.read(lambda tx: _found(tx, deal))
        if found is None:
            raise Missing("there is no such deal", then="wallcross deal list")
        return found

    async def adopt(
        self,
        deal: DealId,
        kind: Literal["policy", "roster"],
        document: str,
        *,
        actor: str,
        in_place_of: str | None = None,
    ) -> views.AdoptionView:
        """Puts a document in force, with its hash in the audit; in a founded deal it may wait."""
        if kind == "roster":
            host, made_up = self._r.settings.config.home.host, (await self.deal_show(deal)).made_up
            refuse_other_host(document, host, made_up=made_up)
        at = self._r.now()

        def unit(tx: Tx) -> tuple[Adoption | str, bool]:
            before = in_force(tx, deal, kind)
            if in_place_of is not None and (before is None or before.hash != in_place_of):
                raise AdoptionRefused(f"another {kind} was put in force meanwhile: look again")
            found = adopt_or_ask(tx, deal, kind, document, at=at, actor=actor)
            return found, before is None or isinstance(found, str) or before.hash != found.hash

        try:
            adopted, new = await self._r.store.write(unit)
        except AdoptionRefused as error:
            raise Refused(str(error), still=_STILL) from None
        if isinstance(adopted, str):
            raise waits(
                adopted, f"{_MORE[kind]}: it waits for the signatures of two people", _STILL
            )
        await self._r.book.reload(self._r.store, deal)
        return _adoption(adopted, new=new)

    async def in_force(self, deal: DealId, kind: Literal["policy", "roster"]) -> views.AdoptionView:
        """What is in force, checked against the audit."""
        try:
            found = await self._r.store.read(lambda tx: in_force(tx, deal, kind))
        except AdoptionRefused as error:
            raise Refused(str(error), then="wallcross audit verify") from None
        if found is None:
            raise Missing(f"no {kind} is adopted", then=f"wallcross {kind} import")
        return _adoption(found, new=False)


def _found(tx: Tx, deal_id: DealId) -> views.DealView | None:
    deal = find_deal(tx, deal_id)
    return _view(tx, deal) if deal is not None else None


def _view(tx: Tx, deal: Deal) -> views.DealView:
    policy, roster = (in_force(tx, deal.deal_id, "policy"), in_force(tx, deal.deal_id, "roster"))
    return views.DealView(
        deal_id=deal.deal_id,
        code=deal.code,
        phase=phase_of(stated(tx, deal.deal_id)).value,
        made_up=deal.made_up,
        created_at=deal.created_at,
        policy_hash=policy.hash if policy else None,
        roster_hash=roster.hash if roster else None,
    )


def _adoption(found: Adoption, *, new: bool) -> views.AdoptionView:
    return views.AdoptionView(
        deal_id=found.deal_id,
        kind=found.kind,
        hash=found.hash,
        at=found.at,
        actor=found.actor,
        document=found.document,
        new=new,
    )
