# ruff: noqa: E501 - names of tests are as long as they are
"""Every rule is turned on by a fact and off by a new one, somewhere.

The table names the test of each. A rule of the code that has none, or whose test is gone or does
not speak of it, fails here.
"""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

from orchestrator.risk.settle import PASSING
from tiers.exposure_rules import REGISTRY

from .test_rules import CASES

ROOT: Final = Path(__file__).parents[2]
PURE: Final = "orchestrator/risk/test_rules.py::test_a_fact_turns_it_on_and_a_new_one_off"
_S: Final = "scenarios/test_"
PROMISED: Final[dict[str, tuple[str, ...]]] = {
    "restricted text": ("restricted_text",),
    "watch-listed names and amounts": ("watch_name", "watch_amount"),
    "message above the room's tier": ("above_room",),
    "extra or unknown people": ("unknown_member",),
    "changed keys": ("changed_key",),
    "new devices": ("new_device", "linked_device", "own_device"),
    "timer off or too long": ("timer_off", "timer_long"),
    "link on": ("link_on",),
    "history visible": ("history_visible",),
    "encryption off": ("encryption_off",),
    "unverified in valuation": ("unverified_device",),
    "look-alike names": ("lookalike_name",),
    "first contact": ("first_contact",),
    "stale clearance": ("stale_clearance",),
    "overdue reviews and rotations": ("review_overdue", "rotation_overdue"),
    "advisers' keys near expiry": ("adviser_key_expires",),
    "off-channel invitations": ("off_channel",),
    "pictures of screens": ("screenshot",),
    "bounce or misaddressed mail": ("returned", "misaddressed"),
    "posture unreadable": ("posture_unreadable",),
    "attestations lapsed": ("attestation_lapsed", "attested_lapsed"),
    "unanchored audit span": ("unanchored",),
    "unreachable windows": ("missed", "channel_closed"),
    "sole-admin bot": ("sole_admin_bot",),
    "hours or volume, off by default": ("hours_unusual", "volume_unusual"),
    "what is sealed and lost": ("seal_lost",),
}
TESTS: Final[dict[str, str]] = {
    **dict.fromkeys(CASES, PURE),
    "restricted_text": f"{_S}risk_remedies.py::test_a_restricted_passage_is_over_once_its_author_dropped_it",
    "watch_name": f"{_S}risk_texts.py::test_a_listed_name_is_found_and_closed_once_it_is_seen_gone",
    "watch_amount": f"{_S}risk_remedies.py::test_a_listed_amount_is_found_and_over_once_it_is_seen_gone",
    "above_room": f"{_S}risk_ends.py::test_what_reads_like_more_is_over_once_its_author_took_it_back",
    "unknown_member": f"{_S}risk.py::test_an_extra_member_costs_points_until_a_reading_shows_him_gone",
    "new_device": f"{_S}risk_ends.py::test_a_new_device_is_over_once_two_people_compared_it",
    "linked_device": f"{_S}risk_ends.py::test_a_linked_device_is_over_once_two_people_compared_his_key",
    "own_device": f"{_S}own_devices.py::test_it_is_over_once_a_later_list_lacks_it",
    "first_contact": f"{_S}risk_remedies.py::test_what_a_stranger_wrote_is_dropped_from_the_card",
    "review_overdue": f"{_S}roster_past.py::test_a_roster_is_looked_through_or_it_is_a_finding",
    "off_channel": f"{_S}risk_texts.py::test_an_invitation_elsewhere_is_found_and_ends_when_it_is_taken_back",
    "screenshot": f"{_S}screenshots.py::test_a_picture_of_a_screen_is_found_and_ends_when_it_is_taken_back",
    "returned": f"{_S}losses.py::test_it_is_over_once_he_writes_to_us_and_not_once_another_does",
    "misaddressed": f"{_S}risk_ends.py::test_a_mail_that_also_goes_to_somebody_of_no_deal_is_told_for_a_week",
    "attestation_lapsed": f"{_S}evidence.py::test_an_attestation_lapses_into_a_finding_and_a_hold_with_a_warning_before",
    "attested_lapsed": f"{_S}vouching.py::test_counsels_word_is_enough_for_operations_for_thirty_days_and_never_for_valuation",
    "missed": f"{_S}risk_answers.py::test_what_was_asked_in_the_rooms_is_a_named_persons_word",
    "channel_closed": f"{_S}late.py::test_after_a_minute_it_is_a_finding_until_it_is_open",
    "sole_admin_bot": f"{_S}risk_ends.py::test_a_room_that_only_we_may_change_is_a_finding_until_a_person_may",
    "seal_lost": f"{_S}risk_ends.py::test_a_lost_name_is_over_once_it_can_be_read",
}
_FACTS: Final = f"{_S}risk_facts.py::test_"
_ROOMS: Final = f"{_S}risk_rooms.py::test_"
_DAY: Final = (
    f"{_S}risk_ends.py::test_what_is_told_each_time_it_happens_is_over_after_a_day_without"
)
OTHERS: Final[dict[str, str]] = {
    **dict.fromkeys(PASSING, _DAY),
    "wrong_role": f"{_ROOMS}whoever_may_change_a_room_and_should_not_is_found_until_he_may_no_more",
    "bot_demoted": f"{_ROOMS}that_our_account_may_change_a_room_no_more_is_found_until_it_may",
    "member_missing": f"{_ROOMS}who_is_cleared_and_not_in_is_found_until_he_is_in",
    "unknown_author": f"{_ROOMS}an_author_on_no_list_is_found_until_he_is_in_the_room_no_more",
    "uncleared_member": f"{_ROOMS}who_is_not_cleared_is_found_until_he_is_in_the_room_no_more",
    "person_paused": f"{_S}risk_remedies.py::test_a_person_is_paused_and_goes_on_again_from_the_card",
    "setting_drift": f"{_S}drift.py::test_settings_that_were_changed_are_put_back",
    "paused_by_person": f"{_S}flow_rooms.py::test_who_pauses_by_hand_resumes_by_hand",
    "not_taken_back": f"{_S}taken_back.py::test_our_copy_is_taken_back_and_seen_gone",
    "held_overdue": f"{_S}expiry.py::test_findings_of_a_held_message_end_when_it_is_settled",
    "release_asked": f"{_S}expiry.py::test_findings_of_a_held_message_end_when_it_is_settled",
    "copy_refused": f"{_S}losses.py::test_the_sender_is_told_of_a_refused_copy_and_a_later_one_ends_the_finding",
    "copy_not_sent": f"{_S}losses.py::test_a_copy_that_died_is_over_once_it_went_after_all",
    "journal": f"{_S}review_journal.py::test_what_waits_for_a_journal_is_a_finding_until_it_went_on",
    "notice_changed": f"{_S}crossing.py::test_a_changed_wording_is_shown_once_to_whoever_was_crossed_and_is_a_finding",
    "no_notice": f"{_S}risk_acts.py::test_a_side_without_a_notice_is_found_until_it_has_one_from_the_card",
    "member_without_seat": f"{_FACTS}who_is_cleared_and_has_no_seat_is_found_until_he_is_out",
    "standby_missing": f"{_FACTS}the_account_that_stands_by_is_missed_until_it_is_back",
    "phished": f"{_FACTS}who_was_taken_over_is_found_until_a_person_lets_him_go_on",
    "not_carried": f"{_FACTS}what_did_not_go_to_the_other_rooms_is_found_until_it_is_released",
    "withdrawn": f"{_FACTS}what_was_taken_back_above_its_room_is_found_until_it_is_settled",
    "unread_content": f"{_FACTS}what_we_cannot_read_is_found_until_its_author_deletes_it",
    "unjudged": f"{_FACTS}what_could_not_be_looked_at_is_found_until_it_is_settled",
    "mail_quarantined": f"{_FACTS}a_mail_that_is_not_believed_is_found_until_it_is_dropped_from_the_card",
    "new_phone": f"{_S}trouble.py::test_a_new_phone_is_expected_and_opens_nothing",
    "account_lost": f"{_S}outages.py::test_a_lost_account_pauses_its_channel_and_is_a_finding",
    "attestation_lapses": f"{_S}evidence.py::test_an_attestation_lapses_into_a_finding_and_a_hold_with_a_warning_before",
    "verification_lapses": f"{_S}verifying.py::test_a_ceremony_lapses_is_told_before_and_is_renewed",
    "leave_not_confirmed": f"{_S}leave.py::test_what_takes_too_long_rises_by_the_clock_and_is_over_when_seen",
    "not_as_stated": f"{_S}rows_tampered.py::test_what_is_not_as_stated_is_a_finding_until_it_is_again",
    "row_not_stated": f"{_S}database_writer.py::test_each_row_is_a_finding_in_a_home_that_runs_until_it_is_as_stated_again",
}
"""Rules beside those that were promised."""
RULES: Final = sorted(rule for rules in PROMISED.values() for rule in rules)


NAMED: Final[dict[str, str]] = {**OTHERS, **TESTS}


def test_no_rule_is_without_a_test_that_turns_it_on_and_off() -> None:
    assert sorted(set(REGISTRY) - set(NAMED)) == []
    assert sorted(set(NAMED) - set(REGISTRY)) == []


@pytest.mark.parametrize("rule", sorted(NAMED))
def test_a_rule_is_turned_on_and_off_by_the_test_that_is_named(rule: str) -> None:
    """The test is there, speaks of the rule, and looks at least twice."""
    where, _, name = NAMED[rule].partition("::")
    tree = ast.parse((ROOT / where).read_text("utf-8"))
    [found] = [node for node in tree.body if isinstance(node, _FUNCTION) and node.name == name]
    assert looks(found) >= TWICE
    assert NAMED[rule] == PURE or rule in spoken_of(tree, found)


_FUNCTION: Final = ast.FunctionDef | ast.AsyncFunctionDef
TWICE: Final = 2
_WAITS: Final = frozenset({"eventually", "one_finding"})


def looks(test: ast.AST) -> int:
    """How often a test looks whether something is so; in a loop more than once."""
    again = [n for loop in ast.walk(test) if isinstance(loop, ast.For) for n in ast.walk(loop)]
    nodes = [*ast.walk(test), *again]
    waits = (n.func.id for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name))
    return sum(isinstance(n, ast.Assert) for n in nodes) + sum(w in _WAITS for w in waits)


def spoken_of(tree: ast.Module, test: ast.AST) -> frozenset[str]:
    """The words of a test, of what it is made of in its module, and of the names it imports."""
    own: dict[str, ast.stmt] = {
        n.name: n for n in tree.body if isinstance(n, _FUNCTION | ast.ClassDef)
    }
    own |= {
        target.id: node
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    found, waits, seen = set[str](), [test], set[str]()
    imported = dict(imports(tree))
    while waits:
        for node in ast.walk(waits.pop()):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(re.findall(r"\w+", node.value))
            elif isinstance(node, ast.Name) and node.id not in seen:
                seen.add(node.id)
                waits += [own[node.id]] if node.id in own else []
                found |= set(words(imported.get(node.id)))
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                found |= set(words(getattr(imported.get(node.value.id), node.attr, None)))
    return frozenset(found)


def words(value: object) -> Iterator[str]:
    """What a name of the product stands for, where it stands for words."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple | frozenset):
        yield from (one for one in value if isinstance(one, str))


def imports(tree: ast.Module) -> Iterator[tuple[str, object]]:
    """What a test imports of the product, by the name that it gives it."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("orchestrator"):
            module = import_module(str(node.module))
            for each in node.names:
                yield each.asname or each.name, getattr(module, each.name, None)


def test_every_rule_that_the_pure_cases_turn_on_is_one_that_exists() -> None:
    assert CASES.keys() <= REGISTRY.keys()
    assert set(TESTS) >= set(RULES)
