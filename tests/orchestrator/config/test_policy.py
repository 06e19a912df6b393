"""The default policy is docs/product.md section 3; nothing weaker than the floors is accepted."""

import json
from collections.abc import Callable

import pytest

from orchestrator.clock import DAY, MINUTE, SECOND
from orchestrator.config.mistakes import MOST, PolicyInvalid
from orchestrator.config.policy import (
    canonical_policy,
    default_text,
    document_hash,
    read_policy,
    to_policy,
)
from tiers.guarantees import Evidence, Guarantee
from tiers.policy import Grade, MembershipPolicy, Policy
from tiers.tier import Tier


@pytest.fixture(scope="module")
def policy() -> Policy:
    return to_policy(read_policy(default_text()), made_up=False)


def test_valuation_demands_what_the_product_promises(policy: Policy) -> None:
    rules = policy.tiers[Tier.VALUATION]
    assert {d.guarantee: (d.least, d.at_most) for d in rules.demands} == {
        Guarantee.END_TO_END_ENCRYPTED: (Evidence.VERIFIED, None),
        Guarantee.TIMER: (Evidence.ATTESTED, 7 * DAY),
        Guarantee.INVITE_ONLY: (Evidence.VERIFIED, None),
        Guarantee.NO_PUBLIC_LINK: (Evidence.VERIFIED, None),
        Guarantee.MEMBERS_READABLE: (Evidence.VERIFIED, None),
        Guarantee.DEVICES_VERIFIED: (Evidence.VERIFIED, None),
        Guarantee.HISTORY_HIDDEN: (Evidence.VERIFIED, None),
    }
    assert (rules.fresh_for, rules.grade) == (30 * SECOND, Grade.FIT)
    assert rules.changed_key_holds
    assert not rules.repeat_unknown


def test_operations_and_coordination(policy: Policy) -> None:
    operations, coordination = policy.tiers[Tier.OPERATIONS], policy.tiers[Tier.COORDINATION]
    assert {d.guarantee for d in operations.demands} == {
        Guarantee.END_TO_END_ENCRYPTED,
        Guarantee.INVITE_ONLY,
        Guarantee.MEMBERS_READABLE,
    }
    assert {d.guarantee for d in coordination.demands} == {
        Guarantee.ENCRYPTED_IN_TRANSIT,
        Guarantee.INVITE_ONLY,
        Guarantee.MEMBERS_READABLE,
    }
    assert (operations.fresh_for, coordination.fresh_for) == (5 * MINUTE, 15 * MINUTE)
    assert (operations.grade, coordination.grade) == (Grade.FIELD, Grade.LAB)
    assert operations.changed_key_holds
    assert not coordination.changed_key_holds


def test_only_a_made_up_deal_accepts_what_was_proven_in_a_lab() -> None:
    document = read_policy(default_text())
    assert to_policy(document, made_up=True).lab_allowed
    assert not to_policy(document, made_up=False).lab_allowed


def test_the_hash_is_of_what_is_meant_and_not_of_how_it_is_written() -> None:
    document = read_policy(default_text())
    other = default_text().replace('"24 h"', '"1 d"').replace("# What each tier", "# Another note")
    assert other != default_text()
    assert read_policy(other) == document
    assert canonical_policy(document) == document
    assert to_policy(document, made_up=False).hash == document_hash(document)


def _demand(tier: str, line: str, by: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        head, tail = text.split(f"[tiers.{tier}.demands]")
        assert line in tail
        return head + f"[tiers.{tier}.demands]" + tail.replace(line, by, 1)

    return change


WEAKER = {
    "requested never counts": (
        _demand("valuation", 'invite_only = "verified"', 'invite_only = "requested"'),
        "tiers.valuation.demands.invite_only",
    ),
    "an unknown recipient holds": (
        lambda t: t.replace('unknown_recipient = "hold"', 'unknown_recipient = "allow"'),
        "unknown_recipient",
    ),
    "a stale posture holds": (
        lambda t: t.replace('stale_posture = "hold"', 'stale_posture = "allow"'),
        "stale_posture",
    ),
    "devices are verified for VALUATION": (
        _demand("valuation", 'devices_verified = "verified"', ""),
        "tiers.valuation.demands.devices_verified",
    ),
    "members are readable": (
        _demand("coordination", 'members_readable = "attested"', ""),
        "tiers.coordination.demands.members_readable",
    ),
    "something is encrypted": (
        _demand("coordination", 'encrypted_in_transit = "attested"', ""),
        "tiers.coordination.demands.encrypted_in_transit",
    ),
    "VALUATION is never repeated by itself": (
        lambda t: t.replace('"ask"  # a person', '"repeat"  # a person'),
        "tiers.valuation.repeat_after_unknown",
    ),
    "a stricter tier is as fresh": (
        lambda t: t.replace('"30 s"', '"20 min"'),
        "tiers.valuation.fresh_for",
    ),
    "a stricter tier is as proven": (
        lambda t: t.replace('grade = "fit"', 'grade = "lab"'),
        "tiers.valuation.grade",
    ),
    "a stricter tier demands as much": (
        _demand(
            "operations",
            'end_to_end_encrypted = "verified"',
            'encrypted_in_transit = "attested"\ntimer = { least = "attested", at_most = "1 d" }',
        ),
        "tiers.valuation.demands.timer",
    ),
    "every tier is there": (
        lambda t: t[: t.index("[tiers.coordination]")],
        "tiers.coordination",
    ),
    "a base topic keeps its tier": (
        lambda t: t.replace('valuation = "valuation"', 'valuation = "operations"'),
        "the file",
    ),
    "a length has a unit": (lambda t: t.replace('"30 s"', '"30"'), "tiers.valuation.fresh_for"),
    "no other setting": (lambda t: t + '\nmore = "x"', "tiers.coordination.demands.more"),
}


@pytest.mark.parametrize(("change", "place"), WEAKER.values(), ids=WEAKER.keys())
def test_what_is_below_a_floor_is_refused(change: Callable[[str], str], place: str) -> None:
    changed = change(default_text())
    assert changed != default_text()
    with pytest.raises(PolicyInvalid) as caught:
        read_policy(changed)
    assert place in {m.place for m in caught.value.mistakes}


def test_a_topic_may_be_added_and_a_demand_made_stronger() -> None:
    text = default_text().replace("[topics]", '[topics]\nleak_inquiry = "valuation"')
    text = text.replace('at_most = "7 d"', 'at_most = "1 d"')
    policy = to_policy(read_policy(text), made_up=False)
    assert policy.topics["leak_inquiry"] is Tier.VALUATION
    timer = next(d for d in policy.tiers[Tier.VALUATION].demands if d.at_most)
    assert timer.at_most == DAY


@pytest.mark.parametrize("document", ["", "[]", "{}", "{", '{"version":1}'])
def test_what_is_no_policy_is_refused(document: str) -> None:
    with pytest.raises(PolicyInvalid):
        canonical_policy(document)


def test_rooms_are_brought_back_by_a_person_unless_the_policy_says_otherwise(
    policy: Policy,
) -> None:
    assert policy.membership == MembershipPolicy(at_once=False, most=3, one_in=4)
    own = '\n[membership]\nremove = "at_once"\nmost = 1\none_in = 10\n'
    found = to_policy(read_policy(default_text() + own), made_up=False).membership
    assert found == MembershipPolicy(at_once=True, most=1, one_in=10)
    assert [found.removals(n) for n in (0, 9, 20, 500)] == [1, 1, 1, 1]
    assert [policy.membership.removals(n) for n in (1, 7, 8, 12, 500)] == [1, 1, 2, 3, 3]


@pytest.mark.parametrize("own", ["most = 4", "most = 0", "one_in = 3", 'remove = "always"'])
def test_no_policy_puts_more_people_out_at_a_time(own: str) -> None:
    with pytest.raises(PolicyInvalid):
        read_policy(f"{default_text()}\n[membership]\n{own}\n")


@pytest.mark.parametrize("document", ["[" * 200_000, '{"a":' * 200_000], ids=["lists", "tables"])
def test_what_is_nested_without_end_is_no_policy(document: str) -> None:
    with pytest.raises(PolicyInvalid):
        canonical_policy(document)


def test_of_a_document_that_is_wrong_all_through_no_more_is_told_than_is_read() -> None:
    document = json.dumps({f"k{n}": 1 for n in range(5_000)})
    with pytest.raises(PolicyInvalid) as refused:
        canonical_policy(document)
    assert 0 < len(refused.value.mistakes) <= MOST
