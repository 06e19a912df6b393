"""Nothing that a standing hold covers is ever destroyed, nor anything before its time."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiers import retention
from tiers.ids import ConversationId, HoldId, MessageId, PersonId
from tiers.retention import Duties, LegalHold, Record, duties, ends_at

TALKS = tuple(map(ConversationId, ("conv_a", "conv_b", "conv_c")))
PEOPLE = tuple(map(PersonId, ("ada", "bo", "cy")))
CLASSES = ("7y", "90d", "forgotten")
LATEST = 40

people = st.frozensets(st.sampled_from(PEOPLE))
records = st.builds(
    Record,
    message_id=st.uuids().map(lambda u: MessageId(f"msg_{u.hex}")),
    record_class=st.sampled_from(CLASSES),
    since=st.integers(0, LATEST),
    keep_until=st.integers(0, LATEST),
    conversation=st.none() | st.sampled_from(TALKS),
    people=st.none() | people,
)
holds = st.builds(
    LegalHold,
    hold_id=st.uuids().map(lambda u: HoldId(f"hold_{u.hex}")),
    conversations=st.frozensets(st.sampled_from(TALKS)),
    people=people,
)
keeps = st.dictionaries(st.sampled_from(CLASSES[:2]), st.integers(0, LATEST))


@dataclass(frozen=True)
class Act:
    """A hold is placed or released, or the housekeeping runs, at an instant."""

    at: int
    hold: LegalHold | None = None
    releases: bool = False


acts = st.lists(
    st.builds(Act, st.integers(0, 2 * LATEST), st.none() | holds, st.booleans()), max_size=12
)
Rule = Callable[..., Duties]


def may_concern(hold: LegalHold, record: Record) -> bool:
    """Written from the words of the duty, a second time: what is not known counts as covered."""
    whole = not hold.conversations and not hold.people
    there = record.conversation is None or record.conversation in hold.conversations
    if whole or there:
        return True
    if not hold.people:
        return False
    return record.people is None or not hold.people.isdisjoint(record.people)


def wronged(
    rule: Rule, stored: list[Record], policy: dict[str, int], story: list[Act]
) -> list[Record]:
    """What a rule destroys in a story although a hold that stands then covers it."""
    left, standing, found = list(stored), list[LegalHold](), list[Record]()
    for act in sorted(story, key=lambda a: a.at):
        if act.hold is not None:
            standing.append(act.hold)
        elif act.releases and standing:
            standing.pop(0)
        gone = set(rule(left, policy, tuple(standing), act.at).destroy)
        found += [
            r for r in left if r.message_id in gone and any(may_concern(h, r) for h in standing)
        ]
        left = [r for r in left if r.message_id not in gone]
    return found


@settings(max_examples=300)
@given(st.lists(records, max_size=8), keeps, acts)
def test_nothing_that_a_standing_hold_covers_is_ever_destroyed(
    stored: list[Record], policy: dict[str, int], story: list[Act]
) -> None:
    assert wronged(duties, stored, policy, story) == []


@given(records, keeps, st.integers(0, 3 * LATEST))
def test_nothing_goes_before_both_dates_nor_without_a_rule(
    record: Record, policy: dict[str, int], at: int
) -> None:
    gone = duties([record], policy, (), at).destroy
    keep = policy.get(record.record_class)
    over = keep is not None and at >= record.keep_until and at >= record.since + keep
    assert gone == ((record.message_id,) if over else ())
    assert ends_at(record, {}) is None


@given(st.lists(records, max_size=5), keeps, st.integers(0, 3 * LATEST))
def test_holds_that_cannot_be_read_keep_everything(
    stored: list[Record], policy: dict[str, int], at: int
) -> None:
    owed = duties(stored, policy, None, at)
    assert owed.destroy == ()
    assert set(owed.conflicts) == set(duties(stored, policy, (), at).destroy)


@given(st.lists(records, max_size=5), keeps, holds, st.integers(0, 3 * LATEST))
def test_every_copy_past_its_time_goes_or_is_told_as_a_conflict(
    stored: list[Record], policy: dict[str, int], hold: LegalHold, at: int
) -> None:
    owed, free = duties(stored, policy, (hold,), at), duties(stored, policy, (), at)
    assert {*owed.destroy, *owed.conflicts} == set(free.destroy)
    assert all(names == (hold.hold_id,) for names in owed.conflicts.values())


def known_alone(self: LegalHold, record: Record) -> bool:
    """A hold that covers only what is known to be covered: it fails open."""
    if not (self.conversations or self.people):
        return True
    return record.conversation in self.conversations or bool(self.people & (record.people or {*()}))


BO_WROTE = Record(
    MessageId("msg_1"), "90d", 0, 1, TALKS[0], frozenset({PersonId("bo"), PersonId("cy")})
)
STORIES = {
    "a conversation": (BO_WROTE, LegalHold(HoldId("hold_1"), frozenset({TALKS[0]}))),
    "a person": (BO_WROTE, LegalHold(HoldId("hold_1"), people=frozenset({PersonId("cy")}))),
    "the whole deal": (BO_WROTE, LegalHold(HoldId("hold_1"))),
    "an unknown place": (
        replace(BO_WROTE, conversation=None),
        LegalHold(HoldId("hold_1"), frozenset({TALKS[1]})),
    ),
    "unknown readers": (
        replace(BO_WROTE, people=None),
        LegalHold(HoldId("hold_1"), people=frozenset({PersonId("ada")})),
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_a_rule_that_lets_them_go_is_caught(story: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record, hold = STORIES[story]
    told = ([record], {"90d": 1}, [Act(5, hold)])
    assert wronged(duties, *told) == []
    assert wronged(lambda r, k, _, at: duties(r, k, (), at), *told) == [record]
    if story.startswith(("an unknown", "unknown")):
        monkeypatch.setattr(retention.LegalHold, "covers", known_alone)
        assert wronged(duties, *told) == [record]
