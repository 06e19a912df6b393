"""Approvals at the desk: each viewer sees what he is asked, and signs as himself alone.

Rules kept here:

1. Whoever sees only what is asked of him is shown requests that he may sign, signed, or asked for.
   Of any other he does not learn that there is one.
2. The person of an answer is the viewer's own, never a name that came with it; the signature is
   checked as it always is, and proves him again.
3. Nobody enrols a key of his own because he likes to: somebody who may let people in asked him,
   and named the roles. In a founded deal two others sign for the key besides.
"""

import base64
from collections.abc import Mapping, Sequence
from hashlib import sha256

from orchestrator.approvals.requests import standing
from orchestrator.client.approvals import (
    Answered,
    CredentialView,
    NewCredential,
    ProofView,
    RequestView,
)
from orchestrator.client.approvals_desk import ApprovalCard, OfferView, OwnKey, SigningView
from orchestrator.client.problems import Missing, Refused, Waits
from orchestrator.clock import DAY
from orchestrator.command.approvers import Approvers, known_roles
from orchestrator.command.approving import Approvals
from orchestrator.command.audit_desk import who
from orchestrator.command.names import Names
from orchestrator.command.runtime import Runtime
from orchestrator.config.site import approvals_site
from tiers.ids import DealId, PersonId
from tiers.rights import Act, Right, Scope, Viewer

STILL = "Nothing was changed."
OFFER_LASTS = DAY
Key = tuple[DealId, PersonId]


class ApprovalsDesk:
    """Implements ``orchestrator.api.port_approvals_desk.ApprovalDeskAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime
        self._offers: dict[Key, OfferView] = {}

    async def desk_approvals(
        self, deal: DealId, viewer: Viewer, *, every: bool
    ) -> Sequence[ApprovalCard]:
        """Requests that the viewer may see; only open ones, unless ``every``."""
        shown = await Approvals(self._r).approval_list(deal, every=every)
        cards = [self._desk_card(deal, view, viewer) for view in shown]
        return [card for card in cards if card is not None]

    async def desk_approval(self, deal: DealId, request: str, viewer: Viewer) -> ApprovalCard:
        """One. Raises: Missing, also of what the viewer may not see."""
        shown = await self._desk_request(deal, request)
        card = self._desk_card(deal, shown, viewer)
        if card is None:
            raise Missing("there is no such request", still=STILL)
        return card

    async def desk_approval_sign(
        self,
        deal: DealId,
        request: str,
        said: Answered,
        signature: str,
        viewer: Viewer,
        *,
        reason: str | None = None,
    ) -> ApprovalCard:
        """Records the viewer's own signed answer."""
        person = _himself(deal, viewer)
        await self.desk_approval(deal, request, viewer)
        await Approvals(self._r).approval_answer(
            request, said, person, signature, actor=viewer.actor, reason=reason
        )
        return await self.desk_approval(deal, request, viewer)

    async def desk_approval_back(self, deal: DealId, request: str, viewer: Viewer) -> ApprovalCard:
        """Takes back what the viewer asked for."""
        await self.desk_approval(deal, request, viewer)
        await Approvals(self._r).approval_take_back(request, actor=viewer.actor)
        return await self.desk_approval(deal, request, viewer)

    async def own_signing(self, deal: DealId, viewer: Viewer) -> SigningView:
        """How the viewer signs."""
        person, site = viewer.person(deal), approvals_site(self._r.settings.config)
        listed = await Approvers(self._r).approver_list(deal)
        found = await self._r.store.read(lambda tx: standing(tx, deal))
        own = [c for c in found.signing.values() if c.person == person and c.handle is not None]
        lets_in = viewer.power(deal, Right.ADD).act >= Act.SECOND
        names = self._desk_names(deal)
        return SigningView(
            person=person,
            name=names.get(person or "", ""),
            rp_id=site.rp_id,
            origin=site.origin,
            handles=tuple(_b64(c.handle or b"") for c in own),
            user=_b64(sha256(f"{deal}:{person}".encode()).digest()[:16]),
            credentials=tuple(view for view in listed if view.person == person),
            offer=self._own_offer(deal, person),
            founded=found.founded_at is not None,
            offers=tuple(self._open_offers(deal)) if lets_in else (),
            names={v.person: names.get(v.person, v.person) for v in listed} if lets_in else {},
        )

    async def signing_offer(
        self, deal: DealId, person: PersonId, roles: Sequence[str], viewer: Viewer
    ) -> OfferView:
        """Asks somebody to make a key of his own, for a day."""
        del viewer  # that he may was decided before; what comes of it two sign for
        name = self._desk_names(deal).get(person)
        if name is None:
            raise Missing(f"{person} is not on the roster", still=STILL)
        wanted = tuple(role.value for role in known_roles(roles))
        until = self._r.now() + OFFER_LASTS
        offer = OfferView(person=person, name=name, roles=wanted, until=until)
        self._offers[deal, person] = offer
        return offer

    async def own_key_proof(self, deal: DealId, key: OwnKey, viewer: Viewer) -> ProofView:
        """What the viewer signs to prove that a key is his."""
        return await Approvers(self._r).approver_proof(deal, self._own_new(deal, key, viewer))

    async def own_key_enrol(self, deal: DealId, key: OwnKey, viewer: Viewer) -> CredentialView:
        """Enrols the viewer's own key; what he was offered is used up by it."""
        new = self._own_new(deal, key, viewer)
        try:
            found = await Approvers(self._r).approver_enrol(
                deal, new, key.proof, actor=viewer.actor
            )
        except Waits:
            self._offers.pop((deal, PersonId(new.person)), None)
            raise
        self._offers.pop((deal, PersonId(new.person)), None)
        return found

    def _own_new(self, deal: DealId, key: OwnKey, viewer: Viewer) -> NewCredential:
        person = _himself(deal, viewer)
        offer = self._own_offer(deal, person)
        if offer is None:
            raise Refused(
                "Nobody asked you to make a key in this deal",
                still=STILL,
                then="ask an owner or the security officer; an offer lasts a day",
            )
        return NewCredential(person=person, way=key.way, public=key.public, roles=offer.roles)

    def _own_offer(self, deal: DealId, person: PersonId | None) -> OfferView | None:
        offer = None if person is None else self._offers.get((deal, person))
        return offer if offer is not None and self._r.now() < offer.until else None

    def _open_offers(self, deal: DealId) -> Sequence[OfferView]:
        at = self._r.now()
        return [o for (of, _), o in self._offers.items() if of == deal and at < o.until]

    async def _desk_request(self, deal: DealId, request: str) -> RequestView:
        found = await Approvals(self._r).approval_show(request)
        if found.deal_id != deal:
            raise Missing("there is no such request", still=STILL)
        return found

    def _desk_card(self, deal: DealId, shown: RequestView, viewer: Viewer) -> ApprovalCard | None:
        person, names = viewer.person(deal), self._desk_names(deal)
        refused = person is not None and shown.refused_by == person
        mine = person is not None and person in shown.may_agree
        answered = refused or (person is not None and person in shown.signed)
        own = shown.asked_by == viewer.actor
        sees_all = viewer.power(deal, Right.APPROVALS).scope is Scope.ALL
        if not (sees_all or mine or answered or own):
            return None
        named = {p: names.get(p, p) for p in (*shown.signed, *shown.may_agree)}
        ended = shown.refused_by
        if ended is not None:
            named[ended] = names.get(ended) or who(ended, names)
        return ApprovalCard(
            request=shown,
            asked_by=who(shown.asked_by, names),
            mine=mine,
            answered=answered,
            own=own and shown.state == "waits",
            names=named,
        )

    def _desk_names(self, deal: DealId) -> Mapping[str, str]:
        return Names(self._r.book.deals.get(deal))


def _himself(deal: DealId, viewer: Viewer) -> PersonId:
    person = viewer.person(deal)
    if person is None:
        raise Refused(
            "Only a person of this deal signs here",
            still=STILL,
            then="wallcross approve yes REQUEST --as PERSON --key KEY",
        )
    return person


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
