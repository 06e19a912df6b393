"""Approvals at the desk: each sees what he is asked, signs as himself, and makes a key when asked.

Over a real home, through the API as any viewer; passkeys are made and sign byte for byte.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest

from orchestrator.api.app import make_desk
from orchestrator.api.who import here
from orchestrator.approvals.errors import ApprovalError
from orchestrator.client.api import Client
from orchestrator.client.approvals_desk import OwnKey
from orchestrator.client.problems import Missing, Problem, Refused, Waits
from orchestrator.client.wire import BASE, app_transport
from orchestrator.config.model import ApprovalsPart
from tests.orchestrator.approvals.authenticator import VERIFIED, Authenticator
from tests.orchestrator.approvals.signers import Signer
from tiers.approval import Role
from tiers.ids import DealId, PersonId, SideId
from tiers.people import Party
from tiers.rights import DeskRole, Seat, Viewer

from .conftest import House
from .test_approvals import ADA, BO, CY, DI, ask_release, found, hold, say

OWNER, APPROVER, COUNSEL = DeskRole.OWNER, DeskRole.APPROVER, DeskRole.COUNSEL
OFFICER, PERSON, OPERATOR = DeskRole.SECURITY_OFFICER, DeskRole.PARTICIPANT, DeskRole.OPERATOR


def seated(house: House, person: str | None, *roles: DeskRole) -> Viewer:
    """Somebody signed in, with roles in this house's deal."""
    named = None if person is None else PersonId(person)
    seat = Seat(house.deal, named, frozenset(roles), SideId("kestrel"), Party.ACQUIRER)
    actor = "operator" if person is None else f"person:{person}"
    return Viewer(actor, seats={house.deal: seat}, session="ses_1")


@asynccontextmanager
async def at_desk(house: House, viewer: Viewer | None) -> AsyncIterator[Client]:
    async with Client(app_transport(make_desk(house.home, viewer), here())) as client:
        yield client


async def cards(house: House, viewer: Viewer) -> Sequence[str]:
    async with at_desk(house, viewer) as client:
        found = await client.desk_approvals(str(house.deal))
    return [card.request.request_id for card in found]


async def test_an_approver_sees_what_he_is_asked_and_an_owner_everything(house: House) -> None:
    await found(house, ADA, BO, CY)
    request = await ask_release(house, await hold(house))
    assert await cards(house, seated(house, "bo", PERSON, APPROVER)) == [request]
    assert await cards(house, seated(house, "ada", PERSON, APPROVER)) == [], "its author, barred"
    assert await cards(house, seated(house, "ada", PERSON, OWNER)) == [request]
    with pytest.raises(Missing):
        async with at_desk(house, seated(house, "ada", PERSON, APPROVER)) as client:
            await client.desk_approval(str(house.deal), request)


@pytest.mark.parametrize("role", [PERSON, DeskRole.ADVISER, OPERATOR])
async def test_whoever_approves_nothing_is_refused_the_page(house: House, role: DeskRole) -> None:
    await found(house, ADA, BO, CY)
    async with at_desk(house, seated(house, "el", role)) as client:
        with pytest.raises(Refused):
            await client.desk_approvals(str(house.deal))


async def test_nobody_and_somebody_of_another_deal_learn_nothing(house: House) -> None:
    other = DealId("deal_" + "0" * 32)
    seat = Seat(other, PersonId("bo"), frozenset({OWNER}))
    stranger = Viewer("person:bo", seats={other: seat})
    for viewer in (None, stranger):
        async with at_desk(house, viewer) as client:
            with pytest.raises(Problem) as caught:
                await client.desk_approvals(str(house.deal))
            assert "HERON" not in repr(caught.value.args)


async def test_two_agree_from_their_own_desks_and_it_is_done(house: House) -> None:
    await found(house, ADA, BO, CY, DI)
    message = await hold(house)
    request = await ask_release(house, message)
    states = []
    for signer, role in ((BO, APPROVER), (CY, COUNSEL)):
        async with at_desk(house, seated(house, signer.name, PERSON, role)) as client:
            card = await client.desk_approval(str(house.deal), request)
            assert (card.mine, card.answered, card.asked_by) == (
                True,
                False,
                "test, at the console",
            )
            answered = await client.desk_approval_sign(
                str(house.deal), request, "yes", signer.armoured(card.request.yes)
            )
            states.append(answered.request.state)
            assert (answered.mine, answered.answered) == (False, True)
    assert states == ["waits", "done"]
    assert await house.ends(message) == "delivered"
    given = [e for e in await house.home.audit_tail(house.deal, 90) if e.kind == "approval.given"]
    assert [e.actor for e in given][-2:] == ["person:bo", "person:cy"]


async def test_nobody_signs_as_somebody_else(house: House) -> None:
    """CY's own signature handed in by BO, and a name in the body, both count for nothing."""
    await found(house, ADA, BO, CY)
    request = await ask_release(house, await hold(house))
    shown = await house.home.approval_show(request)
    async with at_desk(house, seated(house, "bo", PERSON, APPROVER)) as client:
        with pytest.raises((Problem, ApprovalError)):
            await client.desk_approval_sign(str(house.deal), request, "yes", CY.armoured(shown.yes))
    app = app_transport(make_desk(house.home, seated(house, "bo", APPROVER)), here())
    async with httpx.AsyncClient(transport=app) as http:
        body = {"answer": "yes", "signature": BO.armoured(shown.yes), "person": "cy"}
        path = f"{BASE}/deals/{house.deal}/approvals/{request}/answer"
        assert (await http.post(path, json=body)).status_code == 422
    assert (await house.home.approval_show(request)).signed == ()


async def test_whoever_runs_the_home_signs_nothing_at_the_desk(house: House) -> None:
    await found(house, ADA, BO, CY)
    request = await ask_release(house, await hold(house))
    shown = await house.home.approval_show(request)
    async with at_desk(house, seated(house, None, OPERATOR, OWNER)) as client:
        with pytest.raises(Refused, match="Only a person of this deal"):
            await client.desk_approval_sign(str(house.deal), request, "yes", BO.armoured(shown.yes))


async def test_a_signed_no_ends_it_and_the_asker_takes_back_his_own(house: House) -> None:
    await found(house, ADA, BO, CY)
    request = await ask_release(house, await hold(house))
    shown = await house.home.approval_show(request)
    async with at_desk(house, seated(house, "bo", PERSON, APPROVER)) as client:
        with pytest.raises(Problem):
            await client.desk_approval_back(str(house.deal), request)  # local:test asked
        answered = await client.desk_approval_sign(
            str(house.deal), request, "no", BO.armoured(shown.no["ask-me-first"]), "ask-me-first"
        )
    assert answered.request.state == "refused"
    assert (answered.request.refused_by, answered.request.refused_why) == ("bo", "ask-me-first")
    assert answered.names["bo"] == "Bo"


def passkeys(house: House) -> Authenticator:
    """The home's page asks for passkeys; an authenticator of its site."""
    site = Authenticator(rp_id="localhost", origin="http://localhost:8642")
    part = ApprovalsPart(rp_id=site.rp_id, origin=site.origin)
    settings = house.home.runtime.settings
    object.__setattr__(settings, "config", settings.config.model_copy(update={"approvals": part}))
    return site


async def test_a_passkey_is_made_when_asked_for_and_founds_the_deal(house: House) -> None:
    """The whole way of a person without any command line: offer, proof, enrolment, founding."""
    site = passkeys(house)
    deal = str(house.deal)
    async with at_desk(house, seated(house, None, OPERATOR, OWNER)) as operator:
        offer = await operator.signing_offer(deal, "bo", ("approver",))
        assert (offer.name, offer.roles) == ("Bo", ("approver",))
    async with at_desk(house, seated(house, "bo", PERSON)) as client:
        signing = await client.own_signing(deal)
        assert (signing.rp_id, signing.origin) == (site.rp_id, site.origin)
        assert signing.offer is not None
        assert signing.offers == (), "whoever lets nobody in sees nobody else's"
        proof = await client.own_key_proof(deal, OwnKey(way="passkey", public=site.made()))
        signed = site.signed(proof.text.encode())
        key = OwnKey(way="passkey", public=site.made(), proof=signed)
        enrolled = await client.own_key_enrol(deal, key)
        assert (enrolled.person, enrolled.roles, enrolled.state) == ("bo", ("approver",), "draft")
        with pytest.raises(Refused, match="Nobody asked you"):
            await client.own_key_enrol(deal, key)
        assert len((await client.own_signing(deal)).handles) == 1
    await found_with(house, ADA, CY)
    [founding] = await house.home.approval_list(house.deal, every=False)
    async with at_desk(house, seated(house, "bo", PERSON, APPROVER)) as client:
        card = await client.desk_approval(deal, founding.request_id)
        assert card.mine
        yes = site.signed(card.request.yes.encode())
        done = await client.desk_approval_sign(deal, founding.request_id, "yes", yes)
    assert done.request.state == "done"


async def found_with(house: House, *people: Signer) -> None:
    """Enrols keys beside a passkey, asks for the founding, and has these sign."""
    from orchestrator.client.approvals import NewCredential  # noqa: PLC0415 - of this helper alone

    for one in people:
        roles = tuple(r.value for r in one.roles)
        new = NewCredential(person=one.name, way="ssh", public=one.public, roles=roles)
        proof = await house.home.approver_proof(house.deal, new)
        await house.home.approver_enrol(
            house.deal, new, one.armoured(proof.text), actor="local:test"
        )
    request = await house.home.deal_found(house.deal, actor="local:test")
    for one in people:
        await say(house, request, one)


@pytest.mark.parametrize(
    "site",
    [
        Authenticator(rp_id="localhost", origin="http://localhost:8642", flags=1),
        Authenticator(rp_id="localhost", origin="https://evil.example"),
        Authenticator(rp_id="evil.example", origin="http://localhost:8642"),
        Authenticator(rp_id="localhost", origin="http://localhost:8642", cross=True),
    ],
    ids=["no finger, no PIN", "another page", "another site", "in a frame"],
)
async def test_a_passkey_of_another_page_or_without_its_owner_proves_nothing(
    house: House, site: Authenticator
) -> None:
    passkeys(house)
    assert VERIFIED
    deal = str(house.deal)
    async with at_desk(house, seated(house, None, OPERATOR, OWNER)) as operator:
        await operator.signing_offer(deal, "bo", ("approver",))
    async with at_desk(house, seated(house, "bo", PERSON)) as client:
        proof = await client.own_key_proof(deal, OwnKey(way="passkey", public=site.made()))
        signed = site.signed(proof.text.encode())
        key = OwnKey(way="passkey", public=site.made(), proof=signed)
        with pytest.raises(Problem):
            await client.own_key_enrol(deal, key)
        assert (await client.own_signing(deal)).credentials == ()


async def test_nobody_gives_himself_a_key_or_a_role(house: House) -> None:
    """Without an offer nothing; an offer's roles, never others; an offer ends after a day."""
    passkeys(house)
    site, deal = Authenticator(rp_id="localhost", origin="http://localhost:8642"), str(house.deal)
    async with at_desk(house, seated(house, "bo", PERSON)) as client:
        with pytest.raises(Refused, match="Nobody asked you"):
            await client.own_key_proof(deal, OwnKey(way="passkey", public=site.made()))
        with pytest.raises(Refused):
            await client.signing_offer(deal, "bo", ("owner",))
    app = app_transport(make_desk(house.home, seated(house, "bo", PERSON)), here())
    async with httpx.AsyncClient(transport=app) as http:
        body = {"way": "passkey", "public": site.made(), "roles": ["owner"]}
        answer = await http.post(f"{BASE}/deals/{deal}/signer/proof", json=body)
        assert answer.status_code == 422
        assert "attestationObject" not in json.dumps(answer.json())
    async with at_desk(house, seated(house, None, OPERATOR, OWNER)) as operator:
        await operator.signing_offer(deal, "bo", ("approver",))
    house.clock.ahead += 25 * 3_600_000_000
    async with at_desk(house, seated(house, "bo", PERSON)) as client:
        with pytest.raises(Refused, match="Nobody asked you"):
            await client.own_key_proof(deal, OwnKey(way="passkey", public=site.made()))


async def test_in_a_founded_deal_a_new_passkey_waits_for_two_others(house: House) -> None:
    await found(house, ADA, BO, CY)
    site, deal = passkeys(house), str(house.deal)
    async with at_desk(house, seated(house, "ada", PERSON, OWNER)) as owner:
        await owner.signing_offer(deal, "di", ("approver",))
    async with at_desk(house, seated(house, "di", PERSON)) as client:
        proof = await client.own_key_proof(deal, OwnKey(way="passkey", public=site.made()))
        key = OwnKey(way="passkey", public=site.made(), proof=site.signed(proof.text.encode()))
        with pytest.raises(Waits):
            await client.own_key_enrol(deal, key)
    [request] = await house.home.approval_list(house.deal, every=False)
    for signer in (BO, CY):
        await say(house, request.request_id, signer)
    async with at_desk(house, seated(house, "di", PERSON)) as client:
        [own] = (await client.own_signing(deal)).credentials
    assert (own.person, own.way, own.state) == ("di", "passkey", "counts")
    assert Role.APPROVER.value in own.roles
