"""Who may agree: keys and passkeys of people, and the founding of a deal by them."""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256

from orchestrator.approvals import passkey, sshsig
from orchestrator.approvals.credentials import (
    Credential,
    Signed,
    credential_of,
    fingerprint,
    signed_of,
    tie,
)
from orchestrator.approvals.errors import NotAllowed
from orchestrator.approvals.plan import Plan, enrolment
from orchestrator.approvals.requests import (
    STILL,
    Approved,
    ask,
    check_enrolment,
    enrol,
    standing,
    waits,
    withdraw,
)
from orchestrator.approvals.standing import ENROL, FOUND, Standing, said_in
from orchestrator.audit.body import Json
from orchestrator.audit.granted import commitment, stated
from orchestrator.client.approvals import CredentialView, NewCredential, ProofView
from orchestrator.client.problems import Missing, Refused, Unready, Wrong
from orchestrator.client.views import Check, Need
from orchestrator.command.runtime import Runtime
from orchestrator.config.site import approvals_site
from orchestrator.deals.book import DealView
from orchestrator.roster.adoption import in_force
from orchestrator.roster.deals import list_deals
from orchestrator.roster.document import from_document
from orchestrator.roster.phase import phase_of
from orchestrator.store.unit import Tx
from tiers.approval import FOUNDERS, Role, Rule, one_person
from tiers.ids import DealId, PersonId
from tiers.people import Party, Roster

_TIE = re.compile(r"(subject|device|login):(\S{1,200})").fullmatch


ENOUGH = 3
"""People who may agree, below which a deal stands still once one of them asks, gains or is away."""


class Approvers:
    """Implements ``orchestrator.api.port.ApproverAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def approver_list(self, deal: DealId) -> Sequence[CredentialView]:
        """Every credential that counts, or is a draft."""
        found = await self._r.store.read(lambda tx: standing(tx, deal))
        listed = sorted(found.signing.items(), key=lambda item: (item[1].person, item[0]))
        return [_view(found, name) for name, _ in listed]

    async def approver_proof(self, deal: DealId, new: NewCredential) -> ProofView:
        """What a person signs to prove that a key is his."""
        credential = await self._r.store.read(lambda tx: self._credential(tx, deal, new))
        return _proof(deal, credential)

    async def approver_enrol(
        self, deal: DealId, new: NewCredential, proof: str, *, actor: str
    ) -> CredentialView:
        """Enrols a key of a person; in a founded deal it waits for two."""
        at, signed = self._r.now(), signed_text(proof)

        def unit(tx: Tx) -> tuple[str, str | None]:
            credential, found = self._credential(tx, deal, new), standing(tx, deal)
            check_enrolment(found, credential, signed)
            if found.founded_at is None:
                return enrol(tx, deal, credential, None, at=at, actor=actor), None
            rule = Rule(barred=frozenset({credential.person}))
            plan = Plan(ENROL, _same_plan(found, credential, at) or _body(credential, signed))
            return credential.hash, ask(tx, deal, plan, rule=rule, at=at, actor=actor)

        name, request = await self._r.store.write(unit)
        if request is not None:
            raise waits(request, f"The key of {new.person} waits for the signatures of two people")
        found = await self._r.store.read(lambda tx: standing(tx, deal))
        return _view(found, name)

    async def approver_withdraw(self, deal: DealId, person: PersonId, *, actor: str) -> int:
        """Takes all keys of a person away, at once; returns how many."""
        at = self._r.now()
        return await self._r.store.write(lambda tx: withdraw(tx, deal, person, at=at, actor=actor))

    async def deal_found(self, deal: DealId, *, actor: str) -> str:
        """Asks all who are enrolled to found the deal; returns the request's id."""
        at = self._r.now()

        def unit(tx: Tx) -> str:
            found = standing(tx, deal)
            if found.founded_at is not None:
                raise Refused("This deal is founded already", then="wallcross approver list")
            plan, people = _founding(tx, deal, found), {c.person for c in found.drafts.values()}
            _check_parties(_roster(tx, deal), found)
            if len(people) < FOUNDERS:
                raise Unready(
                    f"{FOUNDERS} people found a deal, and {len(people)} of them enrolled a key",
                    still=STILL,
                    then="wallcross approver enrol PERSON --key ID.pub --role owner",
                )
            rule = Rule(needed=len(people))
            return ask(tx, deal, plan, rule=rule, at=at, actor=actor)

        return await self._r.store.write(unit)

    def _credential(self, tx: Tx, deal: DealId, new: NewCredential) -> Credential:
        """The credential that somebody wants to enrol. Raises: Missing, Wrong, NoKey."""
        person = PersonId(new.person)
        party = _party(_roster(tx, deal), person)
        roles, ties = known_roles(new.roles), frozenset(map(_tie, new.ties))
        if new.way == "ssh":
            key = sshsig.read_public(new.public)
            return Credential(person, "ssh", key.kind, key.blob, roles, party, ties)
        made, site = passkey.read_made(new.public), approvals_site(self._r.settings.config)
        rp, origin = (sha256(text.encode()).hexdigest() for text in (site.rp_id, site.origin))
        return Credential(
            *(person, "passkey", made.kind, made.public, roles, party, ties),
            *(made.handle, rp, origin),
        )


def signed_text(text: str) -> Signed:
    """A signature as it was handed in: of ssh-keygen, or of a passkey by a browser.

    Raises:
        BadSignature: it is neither.
    """
    if text.lstrip().startswith("{"):
        return Signed(*passkey.read_signed(text))
    return Signed(sshsig.unarmoured(text))


def _same_plan(found: Standing, credential: Credential, at: int) -> Mapping[str, Json] | None:
    """What is asked for already, with the proof that was given then: no two proofs are alike."""
    waiting = (r.plan for r in found.requests.values() if r.plan.verb == ENROL and r.open(at))
    return next((p.body for p in waiting if p.body.get("credential") == credential.hash), None)


def _body(credential: Credential, proof: Signed) -> Mapping[str, Json]:
    """What people agree to when they let one more credential in."""
    return {**credential.body(), "credential": credential.hash, **proof.body()}


async def enrol_agreed(
    runtime: Runtime, deal: DealId, body: Mapping[str, Json], approved: Approved
) -> None:
    """Lets a credential in that people agreed to."""
    at, credential = runtime.now(), credential_of(body)

    def unit(tx: Tx) -> None:
        check_enrolment(standing(tx, deal), credential, signed_of(body))
        approved.finish(tx, at)
        enrol(tx, deal, credential, approved.request_id, at=at, actor=approved.actor)

    await runtime.store.write(unit)


async def found_agreed(
    runtime: Runtime, deal: DealId, body: Mapping[str, Json], approved: Approved
) -> None:
    """Founds a deal that all who are enrolled signed for, as it was when they did."""
    at = runtime.now()

    def unit(tx: Tx) -> None:
        if _founding(tx, deal, standing(tx, deal)).hash != Plan(FOUND, body).hash:
            raise NotAllowed(
                "the policy, the roster, the phase, what is said of people or who is enrolled "
                "changed since it was asked for: ask again with wallcross deal found"
            )
        approved.finish(tx, at)

    await runtime.store.write(unit)
    await runtime.book.reload(runtime.store, deal)


def approvers_check(deal: DealView, found: Standing) -> Check:
    """Whether there are people enough who may agree to what gives access in a deal.

    Args:
        deal: in force.
        found: where its approvals stand.
    """
    name, count = f"approvers {deal.code}", len({*one_person(found.approvers()).values()})
    enrol = f"wallcross approver enrol PERSON --key ID.pub --deal {deal.code}"
    if found.founded_at is None:
        text = "not founded: one person alone adopts, and a real deal has no room"
        if count < ENOUGH:
            text = f"{text}; {count} of {ENOUGH} who should agree have a key"
        then = f"wallcross approver list, then wallcross deal found {deal.code}"
        if deal.made_up:
            return Check(name=name, state="ok", text="made up, and not founded", group="deal")
        return Check(name=name, state="soon", text=text, then=then, group="deal")
    if count < ENOUGH:
        text = f"{count} may agree: where one of them asks, gains or is away, nobody can"
        return Check(name=name, state="soon", text=text, then=enrol, group="deal")
    return Check(name=name, state="ok", text=f"{count} people may agree", group="deal")


def open_needs(tx: Tx, at: int) -> list[Need]:
    """What waits for people to sign, of every deal, as things that need somebody."""
    return [
        Need(
            text=f"{deal.code}: {request.plan.verb} waits: {'; '.join(found.missing(request))}",
            then=f"wallcross approve show {request.request_id}",
            severity="medium",
            subject=request.request_id,
        )
        for deal in list_deals(tx)
        for found in (standing(tx, deal.deal_id),)
        for request in found.requests.values()
        if request.open(at) and found.missing(request)
    ]


def _founding(tx: Tx, deal: DealId, found: Standing) -> Plan:
    policy, roster = in_force(tx, deal, "policy"), in_force(tx, deal, "roster")
    if policy is None or roster is None:
        raise Unready(
            "A deal is founded with its roster in force",
            still=STILL,
            then="wallcross roster import",
        )
    entries = stated(tx, deal)
    said = commitment("said", *(entry.body["row"] for entry in said_in(entries)))
    documents: dict[str, Json] = {"policy": policy.hash, "roster": roster.hash}
    begins: dict[str, Json] = {"phase": phase_of(entries).value, "said": said}
    return Plan(FOUND, {**documents, **begins, "credentials": sorted(found.drafts)})


def _check_parties(roster: Roster, found: Standing) -> None:
    """Whether each is of the party that his key was enrolled for. Raises: Missing, Unready."""
    for credential in found.drafts.values():
        if credential.party is not _party(roster, credential.person):
            raise Unready(
                f"the key of {credential.person} was enrolled for another party than the roster's",
                still=STILL,
                then=f"wallcross approver withdraw {credential.person}, then enrol it again",
            )


def _roster(tx: Tx, deal: DealId) -> Roster:
    adopted = in_force(tx, deal, "roster")
    if adopted is None:
        raise Unready("The deal has no roster yet", still=STILL, then="wallcross roster import")
    return from_document(adopted.document)


def _party(roster: Roster, person_id: PersonId) -> Party | None:
    person = roster.person(person_id)
    if person is None:
        raise Missing(
            f"{person_id} is not on the roster", still=STILL, then="wallcross roster show"
        )
    side = roster.side(person.side)
    return None if side is None else side.party


def known_roles(names: Sequence[str]) -> frozenset[Role]:
    """Roles by their names. Raises: Wrong."""
    known = {role.value for role in Role}
    if not names or set(names) - known:
        raise Wrong(
            "A person is enrolled as approver, counsel, control_room, owner or security_officer",
            still=STILL,
            then="--role approver",
        )
    return frozenset(map(Role, names))


def _tie(text: str) -> str:
    found = _TIE(text)
    if found is None:
        raise Wrong("A subject, a login or a device has a name without spaces", still=STILL)
    return tie(found[1], found[2])


def _proof(deal: DealId, credential: Credential) -> ProofView:
    text = enrolment(deal, credential.hash).decode()
    return ProofView(credential=credential.hash, text=text)


def _view(found: Standing, name: str) -> CredentialView:
    credential = found.signing[name]
    state = "draft" if found.founded_at is None else "counts"
    return CredentialView(
        credential=name,
        person=credential.person,
        way=credential.way,
        kind=credential.kind,
        fingerprint=fingerprint(credential),
        roles=tuple(r.value for r in Role if r in credential.roles),
        party=None if credential.party is None else credential.party.value,
        state=state if found.present(credential.person) else "out",
    )
