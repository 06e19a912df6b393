"""Who may read after what was stated of him, against a second telling of the rules in words."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.audit.granted import Stated
from orchestrator.audit.kinds import Kind
from orchestrator.deals import crossing
from orchestrator.deals.crossing import Demand
from orchestrator.deals.persons import effective, read_persons
from tiers.ids import PersonId, SideId
from tiers.people import DEAL, Delegation, Grant, Party, Person, Profile, Roster, Side, Span
from tiers.tier import Tier

PEOPLE = tuple(PersonId(name) for name in ("ada", "bo", "cy"))
PLAIN, BANK = SideId("plain"), SideId("bank")
WORDING, OLDER = "The notice in force.", "An earlier one."
NOW, OLD = (Side(BANK, "B", Party.ACQUIRER, text).notice_hash or "" for text in (WORDING, OLDER))
GRACE, LAST = 10, 60

said = st.sampled_from(["agree", "cross", "cross_old", "ack", "ack_old", "cleanse"])
_KIND = {
    "agree": Kind.PERSON_AGREED,
    "cross": Kind.PERSON_CROSSED,
    "cross_old": Kind.PERSON_CROSSED,
    "ack": Kind.PERSON_ACKNOWLEDGED,
    "ack_old": Kind.PERSON_ACKNOWLEDGED,
    "cleanse": Kind.PERSON_CLEANSED,
}
Story = list[tuple[str, PersonId]]


def entries(story: Story) -> list[Stated]:
    """What was said, one entry an instant."""
    made = []
    for at, (what, person) in enumerate(story, start=1):
        body: dict[str, Any] = {"person": person, "row": "00", "at": at, "by": "el"}
        body |= {"notice": OLD if what.endswith("old") else NOW, "reason": "over"}
        made.append(Stated("dl", at, str(_KIND[what]), body))
    return made


def may_read(story: Story, person: PersonId, demand: Demand, at: int) -> bool:
    """The rules told once more, from the end of the story backwards; no value of the product."""
    own = [(n, what) for n, (what, who) in enumerate(story, start=1) if who == person]
    cleansed = max((n for n, what in own if what == "cleanse"), default=0)
    since = [(n, what) for n, what in own if n > cleansed]
    crossings = [n for n, what in since if what.startswith("cross")]
    if demand.notice is None:
        return not cleansed or bool(crossings)
    if not crossings:
        return False
    agreed = max((n for n, what in since if what == "agree"), default=None)
    room = demand.control_room_since
    if room is not None and crossings[-1] >= room and (agreed is None or agreed > crossings[-1]):
        return False
    heard = [(n, what) for n, what in since if what.startswith("ack") and n > crossings[0]]
    if any(what == "ack" for _, what in heard):
        return True
    return bool(heard) and at < demand.since + GRACE


def roster(*, room: bool, noticed: bool) -> Roster:
    bank = Side(BANK, "Bank", Party.ACQUIRER, WORDING if noticed else None, ())
    people = tuple(Person(p, p.title(), BANK, "member", Profile.ORGANISATIONAL, {}) for p in PEOPLE)
    if room:
        bank = Side(bank.side_id, bank.name, bank.party, bank.notice, (PEOPLE[2],))
    grants = tuple(Grant(p, DEAL, Tier.OPERATIONS, Span(0)) for p in PEOPLE[:2])
    lent = (Delegation(PEOPLE[0], PEOPLE[2], Tier.COORDINATION, Span(0)),)
    sides = (bank, Side(PLAIN, "Plain", Party.TARGET))
    return Roster(PLAIN, sides, people, grants, (), lent)


def wrong_about(story: Story, adopted: Roster, demand: Demand, at: int) -> list[PersonId]:
    """Of whom the roster in force says something else than the rules in words."""
    demands = {BANK: demand, PLAIN: Demand(None)}
    found = effective(adopted, read_persons(entries(story)), demands, GRACE)
    meant = {p: may_read(story, p, demand, at) for p in PEOPLE}
    lent = meant[PEOPLE[0]] and meant[PEOPLE[2]]
    truth = {PEOPLE[0]: meant[PEOPLE[0]], PEOPLE[1]: meant[PEOPLE[1]], PEOPLE[2]: lent}
    return [p for p in PEOPLE if found.may_see(p, DEAL, Tier.COORDINATION, at) != truth[p]]


stories = st.lists(st.tuples(said, st.sampled_from(PEOPLE)), max_size=14)
spans = st.integers(1, 40)


@settings(max_examples=400)
@given(stories, st.booleans(), st.none() | spans, spans, st.integers(1, LAST))
def test_the_roster_in_force_is_what_was_acknowledged(
    story: Story, noticed: bool, room: int | None, since: int, at: int
) -> None:
    adopted = roster(room=room is not None, noticed=noticed)
    wording = NOW if noticed else None
    assert wrong_about(story, adopted, Demand(wording, since, room), at) == []


@given(stories, st.integers(1, LAST))
def test_without_known_times_nothing_counts_for_longer(story: Story, at: int) -> None:
    """Where nobody knows since when a side demands something, no delay begins."""
    adopted, persons = roster(room=True, noticed=True), read_persons(entries(story))
    strict = effective(adopted, persons)
    known = effective(adopted, persons, {BANK: Demand(NOW, 30, 5), PLAIN: Demand(None)}, GRACE)
    for person in PEOPLE:
        if strict.may_see(person, DEAL, Tier.COORDINATION, at):
            assert known.may_see(person, DEAL, Tier.COORDINATION, at)


Breaks = Callable[[pytest.MonkeyPatch], None]


def without_acknowledgement(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(crossing, "READS", frozenset(crossing.Stand))


def forgets_cleansing(patch: pytest.MonkeyPatch) -> None:
    kept = crossing.after
    patch.setattr(
        "orchestrator.deals.persons.after",
        lambda b, kind, body: b if kind is Kind.PERSON_CLEANSED else kept(b, kind, body),
    )


def any_wording_will_do(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(crossing, "counts_until", lambda *_: None)


def no_control_room(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(crossing, "_agreed", lambda *_: True)


def delegates_keep_reading(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(crossing, "_lent_until", lambda lent, _ends: list(lent))


@pytest.mark.parametrize(
    "breaks",
    [
        without_acknowledgement,
        forgets_cleansing,
        any_wording_will_do,
        no_control_room,
        delegates_keep_reading,
    ],
)
def test_a_planted_breach_is_found(breaks: Breaks, monkeypatch: pytest.MonkeyPatch) -> None:
    breaks(monkeypatch)
    ada, _, cy = PEOPLE
    told: list[Story] = [
        [],
        [("cross", ada), ("ack", ada), ("cleanse", ada)],
        [("cross", ada), ("ack_old", ada)],
        [("cross", ada), ("ack", ada), ("cross", cy), ("ack_old", cy)],
    ]
    demands = [Demand(NOW, 5), Demand(NOW, 5, 1)]
    found = [
        wrong_about(story, roster(room=d.control_room_since is not None, noticed=True), d, LAST)
        for story in told
        for d in demands
    ]
    assert any(found)
