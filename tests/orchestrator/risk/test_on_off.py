# ruff: noqa: E501 - names of tests are as long as they are
"""Every rule that the product promises is turned on by a fact and off by a new one, somewhere.

The table names the test of each. A rule that is promised and has none, or whose test is gone or
does not speak of it, fails here.
"""

import ast
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
}
"""Rules beside those that were promised."""
RULES: Final = sorted(rule for rules in PROMISED.values() for rule in rules)


@pytest.mark.parametrize("rule", sorted({*RULES, *OTHERS}))
def test_a_promised_rule_is_turned_on_and_off_by_a_test(rule: str) -> None:
    assert rule in REGISTRY
    where, _, name = {**OTHERS, **TESTS}[rule].partition("::")
    found = [
        node
        for node in ast.parse((ROOT / where).read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    ]
    assert len(found) == 1
    assert sum(isinstance(node, ast.Assert) for node in ast.walk(found[0])) >= 1


def test_every_rule_that_the_pure_cases_turn_on_is_one_that_exists() -> None:
    assert CASES.keys() <= REGISTRY.keys()
    assert set(TESTS) >= set(RULES)
