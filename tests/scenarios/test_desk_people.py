"""People against conversations at the desk: what is shown is what is so, and to each only his own.

Over a real home, through the API as any viewer.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import combinations

import pytest

from connectors.memory.faults import FaultKind
from orchestrator.api.app import make_desk
from orchestrator.api.who import here
from orchestrator.client.api import Client
from orchestrator.client.card import AccessChange, NewPerson
from orchestrator.client.memberships import MembershipQuestion, MembershipsView
from orchestrator.client.problems import Missing, Problem, Refused, Waits
from orchestrator.client.wire import app_transport
from orchestrator.clock import MINUTE
from orchestrator.query import sight as seeing
from orchestrator.roster.document import to_document
from tiers.ids import ConversationId, DealId, PersonId, SideId
from tiers.people import Party
from tiers.rights import DeskRole, Seat, Viewer

from .conftest import House, eventually
from .house import ACTOR, roster, without
from .test_approvals import ADA, BO, CY, found

PERSON, ADVISER, OWNER = DeskRole.PARTICIPANT, DeskRole.ADVISER, DeskRole.OWNER
OFFICER, APPROVER = DeskRole.SECURITY_OFFICER, DeskRole.APPROVER
COUNSEL, OPERATOR = DeskRole.COUNSEL, DeskRole.OPERATOR
SIDES = {"ada": "kestrel", "bo": "kestrel", "el": "kestrel", "cy": "marlow", "di": "marlow"}
ALL_ROLES = list(DeskRole)


def seated(house: House, person: str | None, *roles: DeskRole, up: bool = False) -> Viewer:
    """Somebody signed in, with roles in this house's deal."""
    named = None if person is None else PersonId(person)
    side = None if person is None else SideId(SIDES[person])
    seat = Seat(house.deal, named, frozenset(roles), side, Party.ACQUIRER)
    actor = "local:test" if person is None else f"person:{person}"
    return Viewer(actor, seats={house.deal: seat}, session="ses_1", stepped_up=up)


@asynccontextmanager
async def at_desk(house: House, viewer: Viewer | None) -> AsyncIterator[Client]:
    async with Client(app_transport(make_desk(house.home, viewer), here())) as client:
        yield client


async def matrix(
    house: House, viewer: Viewer, question: MembershipQuestion | None = None, **page: int
) -> MembershipsView:
    async with at_desk(house, viewer) as client:
        return await client.memberships(str(house.deal), question, limit=page.get("limit", 100))


def cell(view: MembershipsView, person: str, conversation: str) -> str:
    columns = [c.name for c in view.columns]
    [row] = [r for r in view.items if person in {r.name, r.person}]
    return row.cells[columns.index(conversation)].state


def owner(house: House) -> Viewer:
    return seated(house, "ada", PERSON, OWNER)


async def adopt(house: House, *gone: str) -> None:
    people = roster()
    for name in gone:
        people = without(people, name)
    await house.home.adopt(house.deal, "roster", to_document(people), actor=ACTOR)


async def shows(house: House, person: str, conversation: str, state: str) -> None:
    """Waits until the owner's matrix says so."""

    async def so() -> bool:
        view = await matrix(house, owner(house))
        listed = any(person in {r.name, r.person} for r in view.items)
        return listed and cell(view, person, conversation) == state

    await eventually(so)


async def test_everybody_in_his_place_is_said_so(house: House) -> None:
    view = await matrix(house, owner(house))
    assert [c.name for c in view.columns] == ["price", "supply", "lunch"], "the strictest first"
    assert view.whole
    assert [cell(view, "el", c.name) for c in view.columns] == ["none", "none", "in"]
    assert (view.counts.right, view.counts.remove, view.counts.add) == (12, 0, 0)
    assert {r.identity for r in view.items if r.person in {"ada", "bo", "cy"}} == {"verified"}
    assert cell(view, "ada", "price") == "in"


async def test_the_matrix_differs_where_the_plan_does(house: House) -> None:
    await house.far.add_member(house.room("supply"), "greta", by="ada")
    await house.far.remove_member(house.room("lunch"), "el", by="ada")
    await adopt(house, "di")
    await shows(house, "greta", "supply", "extra")
    await shows(house, "el", "lunch", "missing")
    await shows(house, "di", "lunch", "extra")
    view = await matrix(house, owner(house))
    plan = await house.home.plan(house.deal)
    every = [*plan.acts, *plan.held]
    assert view.counts.remove == len([a for a in every if a.kind == "remove"])
    assert view.counts.add == len([a for a in every if a.kind == "invite"])
    assert view.items[-1].person in {"ada", "bo", "cy"}, "what differs stands first"
    [greta] = [r for r in view.items if r.person is None]
    assert (greta.name, greta.identity) == ("greta", "nobody")


async def test_who_is_paused_is_a_ring_and_comes_back_as_a_dot(house: House) -> None:
    await house.home.person_pause(house.deal, PersonId("bo"), "doubt", actor=ACTOR)
    await shows(house, "bo", "price", "paused")
    view = await matrix(house, owner(house), MembershipQuestion(state="paused"))
    assert [r.person for r in view.items] == ["bo"]
    assert view.items[0].identity == "paused"
    await house.home.person_resume(house.deal, PersonId("bo"), actor=ACTOR)
    await shows(house, "bo", "price", "in")


async def test_a_new_device_is_a_call_first_and_stops_valuation_alone(house: House) -> None:
    await house.far.add_device("cy", "phone-2", "another key")
    await shows(house, "cy", "price", "paused")
    view = await matrix(house, owner(house), MembershipQuestion(person="cy"))
    assert view.items[0].identity == "new_phone"
    assert cell(view, "cy", "lunch") == "in"
    assert view.counts.verify == 1


async def test_a_channel_that_does_not_tell_is_unknown_with_what_was_last_so(house: House) -> None:
    await house.far.inject(FaultKind.REFUSE, verb="members", times=None)
    house.home.runtime.observer.forget("memory")  # type: ignore[arg-type]  # the channel's name
    binding = next(b for _, b in house.home.runtime.book.rooms())
    await house.home.runtime.observer.reading(binding.place, 2**60)
    view = await matrix(house, owner(house))
    assert {c.state for r in view.items for c in r.cells} <= {"unknown", "none"}
    [ada] = [r for r in view.items if r.person == "ada"]
    assert all(c.was and c.listed for c in ada.cells)
    assert view.counts.right == 0, "what is not known is not as it should be"
    assert {ch.state for c in view.columns for ch in c.channels} == {"down"}
    assert all(ch.read_at for c in view.columns for ch in c.channels)


async def test_search_finds_names_and_firms_without_accents_and_says_when_nobody(
    house: House,
) -> None:
    async def find(words: str) -> list[str | None]:
        found = await matrix(house, owner(house), MembershipQuestion(search=words))
        return [r.person for r in found.items]

    assert await find("ÁDA") == ["ada"]
    assert set(await find("marlow")) == {"cy", "di"}
    assert await find("nobody at all") == []


async def test_pages_are_whole_and_in_order_and_their_end_is_told(house: House) -> None:
    async with at_desk(house, owner(house)) as client:
        seen, cursor = [], None
        while True:
            page = await client.memberships(str(house.deal), cursor=cursor, limit=2)
            assert page.found == 5
            seen += [r.row for r in page.items]
            if page.next is None:
                break
            cursor = page.next
    assert len(seen) == len(set(seen)) == 5
    whole = await matrix(house, owner(house))
    assert seen == [r.row for r in whole.items]


async def test_valuation_names_are_told_to_whoever_is_in(house: House) -> None:
    el = await matrix(house, seated(house, "el", PERSON))
    assert [c.name for c in el.columns] == ["lunch"]
    bo = await matrix(house, seated(house, "bo", PERSON))
    assert [c.name for c in bo.columns] == ["price", "supply", "lunch"]
    nobody = await matrix(house, seated(house, None, OPERATOR))
    assert [c.name for c in nobody.columns] == ["V1", "O1", "C1"]
    assert (nobody.items, nobody.found) == ((), 0), "figures alone"
    assert nobody.counts.people == 5


async def _allowed(house: House, viewer: Viewer) -> dict[tuple[str, ConversationId], bool]:
    """What a viewer may see, worked out another way: from section 6 of the design."""
    deal = house.home.runtime.book.deals[house.deal]
    seat = viewer.seats[house.deal]
    me, roles = seat.person, seat.roles
    inside = {
        cid: {
            a for b in deal.rooms[cid]
            for a in (await house.far.state(b.room))["seats"] if a in SIDES
        }
        for cid in deal.conversations
    }  # fmt: skip
    cleared = {
        cid: {
            p.person_id for p in deal.roster.cleared(c.compartment, c.floor, c.side, house.clock())
        }
        for cid, c in deal.conversations.items()
    }
    whole = bool(roles & {OWNER, OFFICER, COUNSEL})
    mine = {cid for cid in deal.conversations if me in inside[cid] & cleared[cid]}
    firm_only = ADVISER in roles and not roles - {ADVISER}
    may = {}
    for name, side in SIDES.items():
        for cid in deal.conversations:
            near = cid in mine and not (firm_only and side != seat.side)
            own = name == me and bool(roles - {OPERATOR})
            sees_members = bool(roles - {OPERATOR})
            may[name, cid] = whole or own or (near and sees_members)
    return may


@pytest.mark.parametrize("name", [*SIDES, None])
@pytest.mark.parametrize("role", ALL_ROLES)
async def test_no_viewer_gets_a_cell_beyond_his_scope(
    house: House, name: str | None, role: DeskRole
) -> None:
    await house.far.add_member(house.room("price"), "di", by="ada")
    await shows(house, "di", "price", "extra")
    viewer = seated(house, name, role)
    await _holds(house, viewer)


async def _holds(house: House, viewer: Viewer) -> None:
    may, view = await _allowed(house, viewer), await matrix(house, viewer)
    ids = [ConversationId(c.conversation_id) for c in view.columns]
    for row in view.items:
        for cid, shown in zip(ids, row.cells, strict=True):
            allowed = may.get((row.person or "", cid), False)
            assert shown.state == "hidden" or allowed, (viewer.actor, row.person, shown)
    for row in view.items:
        visible = [c for c in row.cells if c.state not in {"hidden", "none"}]
        assert visible or row.person == viewer.person(house.deal) or view.whole


async def test_a_planted_hole_in_the_cut_is_found(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeing.Sight, "everything", property(lambda _: True))
    with pytest.raises(AssertionError):
        await _holds(house, seated(house, "el", PERSON))


async def test_another_deals_people_find_no_deal_here(house: House) -> None:
    other = DealId("deal_" + "0" * 32)
    stranger = Viewer("person:ada", seats={other: Seat(other, PersonId("ada"), frozenset({OWNER}))})
    for viewer in (stranger, None):
        async with at_desk(house, viewer) as client:
            for ask in (
                client.memberships(str(house.deal)),
                client.person_card(str(house.deal), "ada"),
                client.person_keeps(str(house.deal), "ada"),
                client.own(str(house.deal)),
                client.own_leave(str(house.deal)),
                client.list_parts(str(house.deal)),
                client.person_add(str(house.deal), NewPerson(name="X", side="kestrel")),
                client.person_access(str(house.deal), "ada", AccessChange()),
            ):
                with pytest.raises(Problem) as caught:
                    await ask
                assert caught.value.status in {401, 404}


async def test_a_card_shows_the_officer_all_and_a_colleague_what_they_share(house: House) -> None:
    async with at_desk(house, seated(house, "bo", PERSON, OFFICER)) as client:
        ada = await client.person_card(str(house.deal), "ada")
    assert ada.whole
    assert {p.name for p in ada.places} == {"price", "supply", "lunch"}
    assert ada.devices
    assert len(ada.devices[0].words) > 6, "nothing of a key is left out"
    assert {"verify", "pause", "leave", "change"} <= set(ada.acts)
    async with at_desk(house, seated(house, "el", PERSON)) as client:
        ada = await client.person_card(str(house.deal), "ada")
    assert not ada.whole
    assert [p.name for p in ada.places] == ["lunch"]
    assert (ada.devices, ada.accounts, ada.grants, ada.acts, ada.identity) == ((), (), (), (), None)


async def test_keys_are_not_the_owners_to_see(house: House) -> None:
    async with at_desk(house, owner(house)) as client:
        bo = await client.person_card(str(house.deal), "bo")
    assert bo.whole
    assert (bo.devices, bo.accounts) == ((), ())
    assert "verify" not in bo.acts


async def test_whoever_shares_nothing_with_him_does_not_learn_of_him(house: House) -> None:
    await house.far.remove_member(house.room("lunch"), "el", by="ada")
    await shows(house, "el", "lunch", "missing")
    async with at_desk(house, seated(house, "el", PERSON)) as client:
        for name in ("bo", "nobody"):
            with pytest.raises(Missing) as caught:
                await client.person_card(str(house.deal), name)
            assert str(caught.value) == "Nobody of that id is on this deal"
            with pytest.raises(Missing):
                await client.person_keeps(str(house.deal), name)


async def test_an_own_page_says_where_to_write_and_who_sees_it(house: House) -> None:
    async with at_desk(house, seated(house, "di", PERSON)) as client:
        own = await client.own(str(house.deal))
    assert own.installed
    assert {c.name for c in own.conversations} == {"supply", "lunch"}
    lunch = next(c for c in own.conversations if c.name == "lunch")
    assert {o.name for o in lunch.others} == {"Ada", "Bo", "Cy", "El"}
    assert lunch.gate is False
    assert lunch.read is True
    assert own.card.devices, "his own words are his to read out"


async def test_an_adviser_sees_his_own_firm_and_how_many_more(house: House) -> None:
    async with at_desk(house, seated(house, "di", ADVISER)) as client:
        own = await client.own(str(house.deal))
    lunch = next(c for c in own.conversations if c.name == "lunch")
    assert [o.name for o in lunch.others] == ["Cy"]
    assert lunch.unseen == 3


async def test_he_leaves_by_himself_and_takes_nobody_with_him(house: House) -> None:
    async with at_desk(house, seated(house, "el", PERSON)) as client:
        left = await client.own_leave(str(house.deal))
        assert left.person == "el"
        assert left.state in {"open", "gone"}, "nobody is kept waiting for it to be seen"
        with pytest.raises(Refused):
            await client.leave(str(house.deal), "bo", "left")

        async def gone() -> bool:
            return (await house.home.leave_show(house.deal, PersonId("el"))).state == "gone"

        await eventually(gone)


async def test_a_change_is_shown_first_and_then_exactly_that(house: House) -> None:
    async with at_desk(house, owner(house)) as client:
        deal = str(house.deal)
        shown = await client.person_access(deal, "di", AccessChange(highest="coordination"))
        assert (shown.done, shown.takes_two) == (False, False)
        assert {(x.change, x.highest) for x in shown.lines} == {("loses", "operations")}
        again = AccessChange(highest="coordination", at=shown.at, shown="0" * 64)
        with pytest.raises(Refused, match="changed since"):
            await client.person_access(deal, "di", again)
        done = AccessChange(highest="coordination", at=shown.at, shown=shown.hash)
        assert (await client.person_access(deal, "di", done)).done
    await shows(house, "di", "supply", "extra")


async def test_whoever_may_only_ask_changes_nothing_alone(house: House) -> None:
    async with at_desk(house, seated(house, "el", PERSON)) as client:
        deal = str(house.deal)
        with pytest.raises(Refused):
            await client.person_access(deal, "el", AccessChange(highest="valuation"))
        new = NewPerson(name="Zoë Quist", side="kestrel", highest="valuation")
        with pytest.raises(Refused, match="not founded"):
            await client.person_add(deal, new)
    assert len(house.home.runtime.book.deals[house.deal].roster.people) == 5


async def test_an_asker_cannot_find_out_who_is_listed_by_asking(house: House) -> None:
    async with at_desk(house, seated(house, "el", PERSON)) as client:
        for person in ("ada", "nobody"):
            new = NewPerson(person=person, name="X", side="kestrel")
            with pytest.raises(Problem) as caught:
                await client.person_add(str(house.deal), new)
            assert str(caught.value).startswith("The id of somebody new is made here")


async def test_a_room_that_is_being_read_again_is_not_unknown_and_an_old_reading_is(
    house: House,
) -> None:
    await matrix(house, owner(house))
    house.home.runtime.observer.forget("memory")  # type: ignore[arg-type]  # the channel's name
    assert (await matrix(house, owner(house))).counts.unknown == 0
    await house.far.inject(FaultKind.UNAVAILABLE, verb="*", times=None)
    house.clock.ahead += 31 * MINUTE
    view = await matrix(house, owner(house))
    assert (view.counts.right, view.counts.unknown) == (0, 12)


async def test_a_second_person_sees_whom_he_is_asked_about_and_nobody_else(house: House) -> None:
    await found(house, ADA, BO, CY)
    await house.home.person_pause(house.deal, PersonId("di"), "doubt", actor=ACTOR)
    approver = seated(house, "bo", APPROVER)
    async with at_desk(house, approver) as client:
        assert not (await client.person_card(str(house.deal), "di")).whole, "nobody asked yet"
        with pytest.raises(Waits):
            await house.home.person_resume(house.deal, PersonId("di"), actor=ACTOR)
        assert (await client.person_card(str(house.deal), "di")).whole
        assert not (await client.person_card(str(house.deal), "el")).whole


async def test_two_roles_together_show_what_either_shows_and_no_more(house: House) -> None:
    await house.far.add_member(house.room("price"), "di", by="ada")
    await shows(house, "di", "price", "extra")
    for one, other in combinations(ALL_ROLES, 2):
        for name in SIDES:
            await _holds(house, seated(house, name, one, other))


async def test_an_ask_in_a_founded_deal_waits_for_two(house: House) -> None:
    await found(house, ADA, BO, CY)
    async with at_desk(house, seated(house, "el", PERSON)) as client:
        deal = str(house.deal)
        shown = await client.person_add(
            deal, NewPerson(name="Zoë Quist", side="kestrel", highest="operations")
        )
        assert shown.takes_two
        assert shown.person.startswith("zoe.quist.")
        new = NewPerson(
            name="Zoë Quist",
            side="kestrel",
            highest="operations",
            person=shown.person,
            at=shown.at,
            shown=shown.hash,
        )
        asked = await client.person_add(deal, new)
    assert asked.request is not None
    assert not asked.done
    assert len(house.home.runtime.book.deals[house.deal].roster.people) == 5
