"""What an entry of the audit says, as one sentence for people, without a word of any message.

Rules kept here:

1. A sentence is made from the entry's kind and from the few fields that are named here. Accounts,
   rooms, devices and keys stand in none: those are for the signed export.
2. A kind that nobody wrote a sentence for is told by its own name, never left out.
3. Names of conversations are not told here: an entry holds their ids, and so does nobody's page.
"""

from collections.abc import Callable, Mapping
from typing import Any

Names = Callable[[str], str]
"""A person's name by his id."""
WORDS: Mapping[str, str] = {
    "deal.created": "The deal was set up.",
    "deal.phase": "The deal is in the phase {phase}.",
    "policy.adopted": "A policy is in force.",
    "roster.adopted": "A list of people is in force.",
    "watch.changed": "The watch list was changed.",
    "conversation.created": "A conversation was set up.",
    "conversation.raised": "A conversation counts as {floor} from then on.",
    "conversation.closed": "A conversation was closed.",
    "room.created": "A room was asked for.",
    "room.replaced": "A room was given up.",
    "room.paused": "A room was paused.",
    "room.resumed": "A room is in use again.",
    "room.attested": "{by} saw a setting of a room with his own eyes.",
    "room.told": "The people in a room were told who hosts it.",
    "room.hardened": "A room was asked to be as it should be.",
    "member.invited": "{person} was invited to a room.",
    "member.obtained": "{person} was seen in a room for the first time.",
    "member.removed": "Taking {person} out of a room was asked for.",
    "member.ceased": "{person} was seen gone from a room.",
    "plan.applied": "The channels were brought back to the list.",
    "line.opened": "A private line was opened.",
    "channel.tested": "A channel was tested here.",
    "channel.paused": "{channel} was paused.",
    "channel.resumed": "{channel} is in use again.",
    "channel.rotated": "A secret of {channel} was changed.",
    "message.accepted": "A message was accepted.",
    "message.quarantined": "A mail was not believed and is kept apart.",
    "message.refused": "A message was not accepted.",
    "message.routed": "Where a message goes was decided.",
    "message.held": "A message was held.",
    "message.moved": "A held message went to another conversation.",
    "message.dropped": "A message was dropped.",
    "message.dead": "A message could not be routed.",
    "message.replayed": "A message was started again.",
    "message.settled": "Nothing is left to do for a message.",
    "document.addressed": "Who gets a copy of a document was decided.",
    "document.recalled": "Copies of a document were called back.",
    "document.remains": "A copy that was called back stays with its reader.",
    "document.taken": "A sealed copy of a document was given to its sender.",
    "delivery.done": "The network took a message.",
    "delivery.possibly": "A message may have gone; nobody knows.",
    "delivery.retried": "A message will be tried again.",
    "delivery.stopped": "A message was stopped just before the wire.",
    "delivery.dead": "A delivery was given up.",
    "delivery.withdrawn": "A delivered copy was taken back.",
    "finding.opened": "Something that could leak was found.",
    "finding.closed": "A finding was closed by a new fact.",
    "certificate.imported": "A certificate was handed in as a proposal.",
    "key.seen": "A device or key was seen for the first time.",
    "key.pinned": "A key is the one expected from now on.",
    "key.verified": "Two people compared a key.",
    "key.superseded": "Another key took its place.",
    "key.revoked": "Its owner ended a key.",
    "key.compromised": "A key is in the wrong hands.",
    "journal.key_adopted": "A journal key was adopted.",
    "journal.exempted": "Counsel decided not to journal something.",
    "journal.expired": "Sealed copies whose time was over were destroyed.",
    "legalhold.placed": "{by} placed a legal hold.",
    "legalhold.released": "A legal hold ended.",
    "credential.enrolled": "A key of {person} may sign approvals.",
    "credential.withdrawn": "The keys of {person} may sign no more.",
    "approval.asked": "Two people were asked to agree: {verb}.",
    "approval.given": "{person} signed a yes.",
    "approval.refused": "A request was refused or taken back.",
    "approval.done": "What was agreed to was carried out.",
    "person.crossed": "{person} was told that he is to become an insider.",
    "person.agreed": "A control room agreed that {person} becomes one.",
    "person.acknowledged": "{person} acknowledged the notice.",
    "person.cleansed": "{person} is an insider no more.",
    "person.paused": "{person} was paused.",
    "person.resumed": "{person} is paused no more.",
    "person.left": "{person} leaves the deal.",
    "person.gone": "The rooms were read back after {person} left.",
    "person.returned": "The leave of {person} was undone.",
    "person.reviewed": "{person} looked through who may see what.",
    "enrolment.opened": "{person} was given a one-time code.",
    "enrolment.closed": "A one-time code of {person} is over.",
    "account.bound": "{person} proved an account to be his.",
    "evidence.exported": "A pack of evidence was written.",
    "backup.made": "A sealed backup of this home was made.",
    "home.restored": "This home was restored from a backup and waits for a word.",
    "home.accepted": "Somebody let the restored home go on.",
    "audit.exported": "This record was exported.",
    "deal.signing": "The day of signing was set.",
    "deal.closed": "The deal was closed for good.",
    "window.closed": "A signing window was closed.",
    "message.revealed": "A held message was shown once to somebody whom two let read it.",
    "finding.answered": "Somebody acted on a finding.",
    "finding.accepted": "A finding is known and stays open.",
    "login.offered": "{person} was given a way in.",
    "session.began": "{person} signed in.",
    "session.raised": "{person} proved again that it is he.",
    "session.ended": "A session of {person} ended.",
    "token.issued": "A bot was given a token.",
    "token.revoked": "A bot's token was taken back.",
    "identity.told": "A directory said something of somebody, or of a group.",
    "oncall.set": "Who is told first was set.",
    "alert.sent": "Somebody was told that something needs him.",
    "alert.answered": "Somebody saw to what he was told.",
    "prevented.reported": "A report of what was prevented was made.",
    "login.bound": "{person} may sign in.",
    "login.ended": "{person} may sign in no more.",
}
"""By kind; ``{person}`` and ``{by}`` are names, other fields are codes of ours."""
FACTS = (
    "tier", "as_tier", "floor", "phase", "severity", "rule", "rules", "reason", "reasons", "why",
    "state", "verdict", "grade", "channel", "what", "verb", "roles", "scope", "code",
)  # fmt: skip
"""Fields that are told beside a sentence: codes of ours, and names of channels."""
SOMEBODY = "somebody"
MOST = 6


def sentence(kind: str, body: Mapping[str, Any], names: Names) -> str:
    """What an entry says."""
    found = WORDS.get(kind)
    if found is None:
        return f"{kind.replace('.', ' ').replace('_', ' ').capitalize()}."
    return found.format_map(_Fields(body, names))


def facts(body: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What is told beside it: a field and its value, of those that are codes."""
    return tuple(
        (field.replace("_", " "), _told(body[field]))
        for field in FACTS
        if body.get(field) not in (None, "", [], ())
    )


def _told(value: Any) -> str:
    if isinstance(value, list | tuple):
        listed = [str(v) for v in value if isinstance(v, str | int)]
        more = f" and {len(listed) - MOST} more" if len(listed) > MOST else ""
        return ", ".join(listed[:MOST]) + more
    return str(value) if isinstance(value, str | int | bool) else "more"


class _Fields(dict[str, str]):
    """Fields of a sentence: people by name, codes as they are, what is missing as somebody."""

    def __init__(self, body: Mapping[str, Any], names: Names) -> None:
        super().__init__()
        self._body, self._names = body, names

    def __missing__(self, field: str) -> str:
        value = self._body.get(field)
        if not isinstance(value, str):
            return SOMEBODY
        return self._names(value) if field in {"person", "by"} else value.replace("_", " ")
