"""Every rule of leak risk there is, in one table; docs/leak-risk.md is made to agree with it.

Rules kept here:

1. The list is closed: a finding of a rule that is not here counts as one that nobody described.
2. Words tell what happened and never what was written; each rule names the fact that closes it.
3. Whatever is about a person's hours or volume is off until somebody turns it on.
"""

from collections.abc import Mapping
from typing import Final

from tiers.exposure import DAY, Figure, Owner, Remedy, Rule, Severity

_P, _M = Figure.MEMBERS, Figure.MESSAGES
_LOW, _MED, _HIGH, _CRIT = Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL
_SUBJECT, _OWNER, _OFFICER, _COUNSEL, _OPERATOR = (
    Owner.SUBJECT,
    Owner.OWNER,
    Owner.SECURITY_OFFICER,
    Owner.COUNSEL,
    Owner.OPERATOR,
)
_IN_ROOM = (Remedy.PUT_RIGHT, Remedy.PAUSE_ROOM, Remedy.LOOK)
_SETTING = (Remedy.PUT_RIGHT, Remedy.LOOK, Remedy.PAUSE_ROOM)
_MESSAGE = (Remedy.ASK_AUTHOR, Remedy.LOOK, Remedy.PAUSE_ROOM)
_HELD = (Remedy.MOVE, Remedy.DROP, Remedy.ASK_AUTHOR)
_KEY = (Remedy.CALL_BACK, Remedy.NEW_PHONE, Remedy.PAUSE_PERSON, Remedy.LOOK)
_PROVES = (Remedy.CALL_BACK, Remedy.PAUSE_PERSON)
_NOT_REACHED = (Remedy.TELL_PERSON, Remedy.CALL_BACK, Remedy.PAUSE_ROOM)
_CHANNEL = (Remedy.TEST_CHANNEL, Remedy.PAUSE_CHANNEL)
_READ_AGAIN = "a later reading of the room shows it gone"
_TEXT_GONE = "the message is taken back, moved, dropped, or gone by the room's timer"

_RULES: Final = (
    # People in rooms.
    Rule(
        *("unknown_member", _P, _CRIT, "An account that is on no list is in a room"),
        *(_READ_AGAIN, _OFFICER, _IN_ROOM),
    ),
    Rule(
        *("uncleared_member", _P, _HIGH, "Somebody is in a room that he is not cleared for"),
        *(_READ_AGAIN, _OFFICER, _IN_ROOM),
    ),
    Rule(
        *("member_without_seat", _P, _HIGH, "Somebody is in who has his seat elsewhere, or none"),
        *(_READ_AGAIN, _OWNER, _IN_ROOM),
    ),
    Rule(
        *("member_missing", _M, _LOW, "Somebody who is cleared has no seat in a room yet"),
        *(_READ_AGAIN, _OWNER, _IN_ROOM),
        weight=1,
    ),
    Rule(
        *("wrong_role", _P, _HIGH, "Somebody may change a room who should not"),
        *(_READ_AGAIN, _OFFICER, _IN_ROOM),
    ),
    Rule(
        *("sole_admin_bot", _P, _MED, "Nobody but our account may change a room"),
        *(_READ_AGAIN, _OWNER, (Remedy.TELL_PERSON, Remedy.LOOK, Remedy.PAUSE_ROOM)),
    ),
    Rule(
        *("bot_demoted", _P, _HIGH, "Our account may not change a room any more"),
        *(_READ_AGAIN, _OFFICER, (Remedy.LOOK, Remedy.PAUSE_ROOM)),
    ),
    Rule(
        *("standby_missing", _M, _LOW, "The account that stands by for ours is not in a room"),
        *(_READ_AGAIN, _OPERATOR, _IN_ROOM),
    ),
    Rule(
        *("lookalike_name", _P, _HIGH, "Two people's names, or accounts, look alike"),
        "one of the two is in no room and on no list any more",
        *(_OFFICER, (Remedy.PAUSE_PERSON, Remedy.CALL_BACK, Remedy.LOOK)),
    ),
    Rule(
        *("first_contact", _P, _MED, "Somebody who is on no list wrote to our account"),
        "what he wrote is dropped, or he enrols as a person of the roster",
        *(_OFFICER, (Remedy.DROP_STRANGER, Remedy.PAUSE_CHANNEL)),
    ),
    Rule(
        *("unknown_sender", _P, _MED, "Something from nobody on a list was turned away"),
        "for a day nothing of him came",
        *(_OFFICER, (Remedy.TELL_PERSON, Remedy.PAUSE_CHANNEL)),
    ),
    Rule(
        *("strangers_many", _P, _MED, "More strangers write to our account than are kept"),
        "no stranger beyond the bounds wrote for a day",
        *(_OPERATOR, _CHANNEL),
    ),
    Rule(
        *("unknown_author", _P, _HIGH, "An account that nobody on the list owns wrote into a room"),
        "the account is in the room no more, or is somebody's",
        *(_OFFICER, _IN_ROOM),
    ),
    Rule(
        *(
            "stale_clearance",
            _P,
            _MED,
            "Nobody looked lately at what somebody is cleared for",
        ),
        "the clearance ends, or a review looks through it",
        *(_OWNER, (Remedy.REVIEW, Remedy.PAUSE_PERSON)),
    ),
    Rule(
        *("review_overdue", _P, _MED, "Nobody looked through who may see what in time"),
        *("somebody looks through it", _OWNER, (Remedy.REVIEW,)),
    ),
    # Keys and devices.
    Rule(
        *("new_device", _P, _HIGH, "Somebody has a new device, or another key"),
        "two people compare its key, or it is taken out",
        *(_OFFICER, _KEY),
    ),
    Rule(
        *("changed_key", _P, _HIGH, "A key that two people compared is another one now"),
        "two people compare the new one, or it is taken out",
        *(_OFFICER, _KEY),
    ),
    Rule(
        *("unverified_device", _P, _HIGH, "A device that nobody compared reads valuation"),
        "two people compare its key, or it is in the room no more",
        *(_OFFICER, _KEY),
    ),
    Rule(
        *("devices_unreadable", _P, _MED, "Somebody's devices in a valuation room cannot be read"),
        *(_READ_AGAIN, _OFFICER, (Remedy.LOOK, Remedy.CALL_BACK, Remedy.PAUSE_ROOM)),
        unknown=True,
    ),
    Rule(
        *("linked_device", _P, _HIGH, "Somebody wrote from a device that was not known"),
        "two people compare its key, or it is taken out",
        *(_OFFICER, _KEY),
    ),
    Rule(
        *("own_device", _P, _CRIT, "Our own account has a device that we do not know"),
        "the device is unlinked",
        *(_OPERATOR, (Remedy.SHUT_OUT, Remedy.PAUSE_CHANNEL, Remedy.TEST_CHANNEL)),
    ),
    Rule(
        *("verification_lapses", _P, _MED, "A compared key's span is nearly over"),
        *("two people compare it again", _OFFICER, _PROVES),
    ),
    Rule(
        *("adviser_key_expires", _M, _MED, "An adviser's key ends soon, or ended"),
        "a longer or newer key of his is known",
        *(_OWNER, (Remedy.TELL_PERSON, *_PROVES)),
    ),
    Rule(
        *("rotation_overdue", _M, _MED, "A key of ours was not renewed in time"),
        "a newer one is adopted",
        *(_COUNSEL, (Remedy.ADOPT_KEY, Remedy.PAUSE_CHANNEL, Remedy.TELL_PERSON)),
    ),
    Rule(
        *("new_phone", _P, _MED, "Somebody said that he has a new phone"),
        *("two people compare its key", _OFFICER, _KEY),
    ),
    Rule(
        *("phished", _P, _CRIT, "Somebody said that he was taken over"),
        "a person lets him go on; what he reads with stays out until two people compare it",
        *(_OFFICER, (Remedy.CALL_BACK, Remedy.RESUME_PERSON)),
    ),
    Rule(
        *("person_paused", _P, _LOW, "Somebody is paused"),
        *("a person lets him go on", _OFFICER, (Remedy.RESUME_PERSON, Remedy.CALL_BACK)),
        weight=1,
    ),
    Rule(
        *("enrolment_refused", _P, _MED, "Words that should prove an account came from another's"),
        *("the enrolment succeeds, or its code ends", _OFFICER, _PROVES),
    ),
    Rule(
        *("enrolment_guessed", _P, _MED, "Somebody guessed at the words that prove an account"),
        *("the enrolment succeeds, or its code ends", _OFFICER, _PROVES),
    ),
    Rule(
        *("attested_lapsed", _P, _MED, "Counsel's word for whose an account is counts no more"),
        *("he proves it, or counsel says so again", _COUNSEL, _PROVES),
    ),
    Rule(
        *("leave_not_confirmed", _P, _HIGH, "Somebody left, and is not seen gone everywhere"),
        "each room is read back without him",
        *(_OFFICER, (Remedy.PUT_RIGHT, Remedy.PAUSE_ROOM)),
    ),
    # Settings of rooms.
    Rule(
        *("timer_off", _M, _HIGH, "Messages do not disappear from a room where they must"),
        *(_READ_AGAIN, _OWNER, _SETTING),
    ),
    Rule(
        *("timer_long", _M, _MED, "Messages stay in a room for longer than its tier allows"),
        *(_READ_AGAIN, _OWNER, _SETTING),
    ),
    Rule(
        *("link_on", _P, _HIGH, "A link leads into a room"),
        *(_READ_AGAIN, _OWNER, _SETTING),
    ),
    Rule(
        *("open_door", _P, _HIGH, "People can enter a room uninvited"),
        *(_READ_AGAIN, _OWNER, _SETTING),
    ),
    Rule(
        *("history_visible", _M, _MED, "Newcomers to a room can read what was said before"),
        *(_READ_AGAIN, _OWNER, _SETTING),
    ),
    Rule(
        *("encryption_off", _M, _CRIT, "A room is not encrypted as its tier demands"),
        *(_READ_AGAIN, _OFFICER, (Remedy.PAUSE_ROOM, Remedy.PUT_RIGHT, Remedy.LOOK)),
    ),
    Rule(
        *("setting_drift", _M, _LOW, "A setting of a room is not as its tier demands"),
        *(_READ_AGAIN, _OWNER, _SETTING),
        weight=1,
    ),
    Rule(
        *("posture_unreadable", _M, _MED, "A room's settings cannot be read back"),
        *(_READ_AGAIN, _OPERATOR, (Remedy.LOOK, Remedy.TEST_CHANNEL, Remedy.PAUSE_ROOM)),
        unknown=True,
    ),
    Rule(
        *("members_unreadable", _P, _HIGH, "Who is in a room cannot be read back whole"),
        *(_READ_AGAIN, _OPERATOR, (Remedy.LOOK, Remedy.TEST_CHANNEL, Remedy.PAUSE_ROOM)),
        unknown=True,
    ),
    Rule(
        *("attestation_lapses", _M, _LOW, "What somebody saw of a room counts for some days only"),
        *("somebody looks again and says so", _OWNER, (Remedy.ATTEST, Remedy.LOOK)),
    ),
    Rule(
        *("attestation_lapsed", _M, _HIGH, "What somebody saw of a room counts no longer"),
        *("somebody looks again and says so", _OWNER, (Remedy.ATTEST, Remedy.PAUSE_ROOM)),
        unknown=True,
    ),
    Rule(
        *("paused_by_person", _M, _LOW, "A person paused a room"),
        *("a person lets it go on", _OWNER, (Remedy.RESUME_ROOM, Remedy.LOOK)),
        weight=1,
    ),
    # What is written.
    Rule(
        *("restricted_text", _M, _CRIT, "Restricted text re-appeared in a lower conversation"),
        *(_TEXT_GONE, _OFFICER, (Remedy.MOVE, *_MESSAGE)),
        keep=30 * DAY,
    ),
    Rule(
        *("watch_name", _M, _HIGH, "A name of the watch list stands in a lower conversation"),
        *(_TEXT_GONE, _OFFICER, (Remedy.MOVE, *_MESSAGE)),
        keep=30 * DAY,
    ),
    Rule(
        *("watch_amount", _M, _HIGH, "An amount of the watch list stands in a lower conversation"),
        *(_TEXT_GONE, _OFFICER, (Remedy.MOVE, *_MESSAGE)),
        keep=30 * DAY,
    ),
    Rule(
        *("above_room", _M, _MED, "What is written reads like more than its room is for"),
        "the message is taken back or gone; of a whole room, a day passes without more",
        *(_OWNER, _MESSAGE),
        keep=30 * DAY,
    ),
    Rule(
        *("withdrawn", _M, _HIGH, "A message that was above its room was taken back"),
        *("it is settled, and seen gone", _OWNER, (*_HELD, Remedy.LOOK)),
        keep=30 * DAY,
    ),
    Rule(
        *("not_taken_back", _M, _HIGH, "A message could not be taken back"),
        *(_TEXT_GONE, _OWNER, _MESSAGE),
        keep=30 * DAY,
    ),
    Rule(
        *("not_carried", _M, _LOW, "What was written in one room did not go to the others"),
        *("it is settled", _OWNER, _HELD),
        weight=1,
        keep=30 * DAY,
    ),
    Rule(
        *("off_channel", _M, _MED, "Somebody asked to go on elsewhere than on the deal's channels"),
        "the message is taken back or gone, or a week passed without another",
        *(_OWNER, (Remedy.ASK_AUTHOR, Remedy.PAUSE_PERSON)),
        keep=30 * DAY,
    ),
    Rule(
        *("screenshot", _M, _HIGH, "Somebody put a picture of his screen into a room"),
        "the message is taken back or gone, or a week passed without another",
        *(_OWNER, (*_MESSAGE, Remedy.PAUSE_PERSON)),
        keep=30 * DAY,
    ),
    Rule(
        *("unread_content", _M, _MED, "Something was sent that we cannot read"),
        *(_TEXT_GONE, _OWNER, _MESSAGE),
        unknown=True,
        keep=30 * DAY,
    ),
    Rule(
        *("unjudged", _M, _HIGH, "A message could not be looked at, and is held"),
        *("it is settled", _OPERATOR, (Remedy.DROP, Remedy.MOVE)),
        unknown=True,
        keep=30 * DAY,
    ),
    Rule(
        *("held_overdue", _M, _MED, "A held message is past its deadline"),
        *("it is settled", _OWNER, _HELD),
        weight=2,
        keep=30 * DAY,
    ),
    Rule(
        *("release_asked", _M, _LOW, "Somebody asks to have a held message released"),
        *("it is settled", _OWNER, _HELD),
        weight=1,
        keep=30 * DAY,
    ),
    Rule(
        *("echo", _M, _HIGH, "A bridge posts anew what we brought into a room"),
        "for a day nothing came back",
        *(_OFFICER, (Remedy.PAUSE_ROOM, Remedy.LOOK)),
    ),
    # Mail and documents.
    Rule(
        *("returned", _M, _HIGH, "What was sent came back: an address does not hold"),
        *("it reaches its reader, or a day passed", _OWNER, _NOT_REACHED),
    ),
    Rule(
        *("misaddressed", _P, _MED, "A mail to us also went to somebody of no deal"),
        "for a week he addressed no other mail so",
        *(_OFFICER, (Remedy.CALL_BACK, Remedy.TELL_PERSON, Remedy.PAUSE_PERSON)),
    ),
    Rule(
        *("copy_refused", _M, _MED, "A reader's copy was refused"),
        *("a later copy reaches him", _OWNER, _NOT_REACHED),
    ),
    Rule(
        *("copy_not_sent", _M, _MED, "A reader's copy did not go"),
        *("a later copy reaches him", _OWNER, _NOT_REACHED),
    ),
    Rule(
        *("mail_quarantined", _M, _MED, "A mail came that is not believed"),
        *("its bytes are dropped or expire", _OFFICER, (Remedy.DROP_STRANGER,)),
    ),
    # Channels and the record.
    Rule(
        *("missed", _M, _HIGH, "A channel may have lost what was written for a while"),
        *("a named person asked in the rooms", _OWNER, (Remedy.HEARD, Remedy.TEST_CHANNEL)),
        unknown=True,
    ),
    Rule(
        *("channel_closed", _M, _MED, "A channel is closed: nothing is heard there"),
        *("it is open", _OPERATOR, _CHANNEL),
        unknown=True,
    ),
    Rule(
        *("account_lost", _P, _CRIT, "A network no longer has our account"),
        *("it is signed in again", _OPERATOR, (Remedy.TEST_CHANNEL, Remedy.RESUME_CHANNEL)),
    ),
    Rule(
        *("forged", _P, _MED, "Somebody posts to a channel and is not the network"),
        *("for a day nothing forged came", _OPERATOR, _CHANNEL),
    ),
    Rule(
        *("unanchored", _M, _MED, "A span of the record has no witness outside this host"),
        *("an anchor answers for it", _OPERATOR, (Remedy.ANCHOR,)),
        unknown=True,
    ),
    Rule(
        *("journal", _M, _HIGH, "Messages wait for a journal key, or counsel's decision"),
        "what waited went on",
        *(_COUNSEL, (Remedy.ADOPT_KEY, Remedy.EXEMPT, Remedy.TELL_PERSON)),
        weight=2,
    ),
    Rule(
        *("not_as_stated", _P, _CRIT, "Something in the store is not as the record states it"),
        *("it is as stated again", _OPERATOR, (Remedy.LOOK, Remedy.ANCHOR)),
    ),
    Rule(
        *("row_not_stated", _P, _CRIT, "A row in the store is not one that the record made"),
        *("it is as stated again", _OPERATOR, (Remedy.LOOK, Remedy.ANCHOR)),
    ),
    Rule(
        *("seal_lost", _M, _HIGH, "A sealed name or list cannot be opened"),
        *("it is written anew", _OPERATOR, (Remedy.LOOK,)),
        unknown=True,
    ),
    Rule(
        *("no_notice", _P, _LOW, "A side has no notice that its people acknowledge"),
        *("it has one", _COUNSEL, (Remedy.SET_NOTICE, Remedy.TELL_PERSON)),
    ),
    Rule(
        *("notice_changed", _P, _LOW, "Some acknowledged an earlier wording of a side's notice"),
        "they acknowledge the new one",
        *(_COUNSEL, (Remedy.SHOW_NOTICE, Remedy.TELL_PERSON)),
        weight=1,
    ),
    # About people's hours and volume: off, counted for a side, never for a person.
    Rule(
        *("hours_unusual", _M, _LOW, "A side writes at hours at which it did not before"),
        *("a week is as before", _OFFICER, (Remedy.REVIEW,)),
        keep=14 * DAY,
        on=False,
        personal=True,
    ),
    Rule(
        *("volume_unusual", _M, _LOW, "A side writes several times as much as before"),
        *("a week is as before", _OFFICER, (Remedy.REVIEW,)),
        keep=14 * DAY,
        on=False,
        personal=True,
    ),
)

REGISTRY: Final[Mapping[str, Rule]] = {rule.rule: rule for rule in _RULES}
UNDESCRIBED: Final = Rule(
    *("undescribed", _M, _MED, "Something that this version has no words for"),
    *("a new fact", _OPERATOR, (Remedy.LOOK,)),
    unknown=True,
)
"""Stands for a rule that an older or newer version raised."""


def rule_of(name: str) -> Rule:
    """The rule of that name; one that is not listed counts, and is said to be undescribed."""
    return REGISTRY.get(name, UNDESCRIBED)
