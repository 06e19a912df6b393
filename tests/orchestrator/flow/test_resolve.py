"""Which conversation a message belongs to is told by where it came from, never by what it says."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config.policy import default_text, read_policy, to_policy
from orchestrator.deals.book import API, Book, DealView
from orchestrator.flow.resolve import Asked, Resolved, deal_named, resolve
from tiers.conversation import Conversation, RoomBinding
from tiers.ids import (
    AccountId,
    CompartmentId,
    ConnectorName,
    ConversationId,
    DealId,
    PersonId,
    RoomId,
    SideId,
)
from tiers.people import DEAL, Grant, Party, Person, Profile, Roster, Side, Span
from tiers.tier import Tier

AT = 1_800_000_000_000_000
CLEAN, MEMORY = CompartmentId("clean"), ConnectorName("memory")
HERON = DealId("deal_1")


def conversation(label: str, floor: Tier, **more: object) -> Conversation:
    plain = Conversation(ConversationId(f"cnv_{label}"), HERON, label, floor, DEAL)
    return replace(plain, **more)  # type: ignore[arg-type]  # fields of it


TALKS = (
    conversation("lunch", Tier.COORDINATION),
    conversation("supply", Tier.OPERATIONS),
    conversation("ours", Tier.OPERATIONS, side=SideId("kestrel")),
    conversation("clean", Tier.OPERATIONS, compartment=CLEAN),
)


def person(name: str, side: str) -> Person:
    accounts = {MEMORY: AccountId(name)}
    return Person(PersonId(name), name, SideId(side), "member", Profile.ORGANISATIONAL, accounts)


def view(deal_id: DealId = HERON, code: str = "HERON") -> DealView:
    sides = (
        Side(SideId("kestrel"), "Kestrel", Party.ACQUIRER),
        Side(SideId("marlow"), "Marlow", Party.TARGET),
    )
    people = (person("ada", "kestrel"), person("di", "marlow"), person("cy", "marlow"))
    grants = [Grant(p.person_id, DEAL, Tier.OPERATIONS, Span(0)) for p in people]
    grants.append(Grant(PersonId("cy"), CLEAN, Tier.OPERATIONS, Span(0)))
    roster = Roster(SideId("kestrel"), sides, people, tuple(grants))
    rooms = {
        c.conversation_id: (
            RoomBinding(MEMORY, RoomId(f"!{c.label}"), c.conversation_id, SideId("kestrel")),
        )
        for c in TALKS
    }
    talks = {c.conversation_id: c for c in TALKS}
    policy = to_policy(read_policy(default_text()), made_up=True)
    return DealView(deal_id, code, True, roster, "hash", policy, talks, rooms)  # noqa: FBT003 - made up


class Fixed(Book):
    """A book of one deal, that was not read from a store."""

    def __init__(self) -> None:
        Book.__init__(self, *([lambda *_: None] * 3))  # type: ignore[arg-type]  # nothing is read
        self.deals[HERON] = view()
        found = self.deals[HERON]
        for bindings in found.rooms.values():
            self._rooms[MEMORY, bindings[0].room] = (found, bindings[0])


BOOK = Fixed()


def asked(sender: str, text: str = "", **more: object) -> Resolved:
    plain = Asked(HERON, MEMORY, None, AccountId(sender), None, None)
    return resolve(BOOK, replace(plain, **more), text, AT)  # type: ignore[arg-type]  # fields of it


def bound(found: Resolved) -> str | None:
    return found.bound.label if found.bound else None


def test_the_room_goes_before_everything_else() -> None:
    found = asked("di", "#supply", room=RoomId("!lunch"), named=TALKS[1].conversation_id)
    assert (bound(found), found.witness) == ("lunch", True)


def test_a_name_and_an_answer_go_before_a_prefix() -> None:
    supply = TALKS[1].conversation_id
    assert bound(asked("di", "#lunch", named=supply)) == "supply"
    assert bound(asked("di", "#lunch", answered=supply)) == "supply"


@pytest.mark.parametrize(
    ("sender", "prefix", "expected"),
    [
        ("di", "#lunch", "lunch"),
        ("di", "  #LUNCH\n", "lunch"),
        ("ada", "#ours", "ours"),
        ("di", "#ours", None),
        ("di", "#clean", None),
        ("di", "#nothing", None),
    ],
)
def test_a_prefix_names_what_is_open_to_its_author(
    sender: str, prefix: str, expected: str | None
) -> None:
    found = asked(sender, f"{prefix} the list")
    assert bound(found) == expected
    assert bool(found.ambiguous) == (expected is None)


def test_of_what_is_not_open_nothing_is_said() -> None:
    assert asked("di", "#ours x").ambiguous == asked("di", "#nothing x").ambiguous


def test_the_intake_of_several_compartments_guesses_nothing() -> None:
    assert asked("di").ambiguous == ""
    assert "several compartments" in asked("cy").ambiguous


def test_a_stranger_is_nobody_outside_our_rooms() -> None:
    found = asked("mallory")
    assert (found.person, found.choices) == (None, ())
    assert found.ambiguous
    in_room = asked("mallory", room=RoomId("!lunch"))
    assert (in_room.person, bound(in_room)) == (None, "lunch")


def test_our_own_door_takes_a_person_by_his_id_alone() -> None:
    found = asked("ada", connector=API)
    assert found.person is not None
    assert asked("mallory", connector=API).person is None


WORDS = st.text().filter(lambda text: not text.lstrip().startswith("#"))


@given(text=WORDS, sender=st.sampled_from(["ada", "di", "cy", "mallory"]))
def test_content_decides_nothing(text: str, sender: str) -> None:
    assert asked(sender, text) == asked(sender)


@given(text=WORDS, sender=st.sampled_from(["ada", "di", "cy"]))
def test_no_content_names_a_deal(text: str, sender: str) -> None:
    assert deal_named(BOOK, (MEMORY, AccountId(sender)), text, AT) is None
    assert deal_named(BOOK, (MEMORY, AccountId(sender)), f"#lunch {text}", AT) == HERON
