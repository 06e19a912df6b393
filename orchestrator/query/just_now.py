"""What happened last in a deal, without content, as one viewer may be told.

Rule kept here: of the newest entries so many are looked at and no more. Whoever sees the whole
trail is told all of them; others what is their own, and what concerns a conversation they are in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from orchestrator.client.views import Happening
from orchestrator.command.overview import happening
from orchestrator.outbox.port import OURS
from orchestrator.query.cut import Cut
from orchestrator.store.unit import Tx
from tiers.exposure_rules import REGISTRY
from tiers.ids import ConversationId, PersonId
from tiers.rights import Right, Scope

LOOKED_AT, SHOWN = 300, 8
_LAST = "SELECT rowid, deal_id, entry, body FROM audit WHERE deal_id = ? ORDER BY n DESC LIMIT ?"
_WROTE = "SELECT person_id, conversation_id, connector FROM message WHERE message_id = ?"
_QUIET = frozenset({"accepted", "routed", "device", "settled", "obtained"})
"""What comes with something else that is told."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened, and what is named in it by id."""

    happening: Happening
    names: Mapping[str, str] = field(default_factory=dict)


def just_now(tx: Tx, seen: Cut) -> tuple[Told, ...]:
    """The last things that a viewer may be told of; newest first."""
    found = []
    for told in _told(tx, seen):
        found.append(told)
        if len(found) == SHOWN:
            break
    return tuple(found)


def _told(tx: Tx, seen: Cut) -> Iterable[Told]:
    for row in tx.all(_LAST, (seen.deal.deal_id, LOOKED_AT)):
        one = happening(row)
        if one is None or one.kind in _QUIET:
            continue
        author, where, ours = _message(tx, one.subject)
        if ours:
            continue
        conversation = ConversationId(one.conversation or where or "") or None
        if _may(seen, one, author, conversation):
            yield _cut(seen, one, author, conversation)


def _message(tx: Tx, subject: str) -> tuple[str | None, str | None, bool]:
    """Who wrote a message, where it belongs, and whether it is a notice of ours."""
    row = tx.one(_WROTE, (subject,)) if subject.startswith("msg_") else None
    return (None, None, False) if row is None else (row[0], row[1], row[2] == OURS)


def _may(
    seen: Cut, one: Happening, author: str | None, conversation: ConversationId | None
) -> bool:
    if seen.scope(Right.AUDIT) is Scope.ALL:
        return True
    if seen.person is None:
        return False
    if seen.person in {author, one.subject}:
        return True
    delivered = one.kind in {"delivered", "routed", "room", "paused", "resumed"}
    return delivered and conversation is not None and conversation in seen.own


def _cut(
    seen: Cut, one: Happening, author: str | None, conversation: ConversationId | None
) -> Told:
    names: dict[str, str] = {}
    if conversation is not None and seen.scope(Right.AUDIT) is not Scope.NOTHING:
        names[conversation] = "#" + seen.name(conversation)
    listed = seen.deal.adopted or seen.deal.roster
    for who in {author, one.subject}:
        person = None if who is None else listed.person(PersonId(who))
        if person is not None and seen.sees_person(person.person_id):
            names[person.person_id] = person.name
    rule = REGISTRY.get(one.reason)
    told = one.reason if rule is None else rule.title
    shown = replace(one, conversation=conversation, reason=told)
    if author is not None and author in names:
        shown = replace(shown, subject=author)
    elif seen.scope(Right.AUDIT) is not Scope.ALL and one.subject not in names:
        shown = replace(shown, subject="")
    return Told(shown if seen.scope(Right.AUDIT) is Scope.ALL else replace(shown, reason=""), names)
