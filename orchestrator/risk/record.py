"""Findings as they are on disk, and what each of them is about.

Rules kept here:

1. What a finding is about is read from its subject and the deal in force; what is not found is
   None, and the finding counts for the whole deal.
2. A finding of the home's own (a channel, a stranger, the record) counts in each deal that has
   rooms on that channel, or in every deal where it is of none.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from orchestrator.deals.book import HOME, DealView
from orchestrator.store.unit import Row, Tx
from tiers.conversation import RoomBinding
from tiers.exposure import Open, Rule, Severity, Was
from tiers.exposure_rules import rule_of
from tiers.ids import AccountId, ConnectorName, ConversationId, PersonId

MOST = 20_000
"""Findings of a deal that are read at a time; what is older is on the record alone."""
_COLUMNS = """
SELECT f.finding_id, f.deal_id, f.rule, f.subject, f.severity, f.reasons, f.remedy, f.owner,
    f.first_seen, f.last_seen, f.closed_at, a.until, a.at, a.actor, a.because,
    m.conversation_id, m.person_id, m.connector, m.room
FROM finding f LEFT JOIN finding_accepted a USING (finding_id)
LEFT JOIN message m ON m.message_id = CASE instr(f.subject, '/') WHEN 0 THEN f.subject
    ELSE substr(f.subject, 1, instr(f.subject, '/') - 1) END"""
_SINCE = f"""{_COLUMNS} WHERE f.deal_id IN (?1, ?2)
    AND (f.closed_at IS NULL OR f.closed_at > ?3) ORDER BY f.first_seen DESC LIMIT ?4"""
_ONE = f"{_COLUMNS} WHERE f.finding_id = ?"


@dataclass(frozen=True, slots=True)
class Accepted:
    """That somebody knows of a finding and accepted it until an instant."""

    until: int
    at: int
    by: str
    because: str


@dataclass(frozen=True, slots=True)
class About:
    """What a finding is about, as far as it is known.

    Attributes:
        message: id of the message; None where it is about none.
        channel: whose account, room or mail it is.
    """

    conversation: ConversationId | None = None
    binding: RoomBinding | None = None
    person: PersonId | None = None
    message: str | None = None
    channel: str | None = None
    guarantee: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A finding as it is on disk."""

    finding_id: str
    deal_id: str
    rule: Rule
    named: str
    """The rule's name as the finding has it."""
    subject: str
    severity: Severity
    reasons: tuple[str, ...]
    then: str
    owner: PersonId | None
    first_seen: int
    last_seen: int
    closed_at: int | None
    accepted: Accepted | None
    about: About

    @property
    def of_home(self) -> bool:
        """It belongs to the installation and not to a deal."""
        return self.deal_id == HOME

    def silent(self, at: int) -> bool:
        """Whether somebody accepted it and the time that he named is not over."""
        return self.accepted is not None and at < self.accepted.until

    def as_open(self, at: int) -> Open:
        """As the score counts it."""
        where = self.about.conversation
        return Open(
            self.finding_id, self.rule, self.severity, where, self.first_seen, self.silent(at)
        )

    def as_was(self, at: int) -> Was:
        """As the score counts it over time."""
        return Was(self.as_open(at), self.closed_at)


class Reader:
    """Says what findings of one deal are about.

    Args:
        deal: in force.
    """

    def __init__(self, deal: DealView) -> None:
        self._deal = deal
        self._listed = deal.adopted or deal.roster

    @cached_property
    def _places(self) -> Mapping[str, RoomBinding]:
        rooms = (b for of in self._deal.rooms.values() for b in of)
        return {f"{b.connector}:{b.room}": b for b in rooms}

    @cached_property
    def channels(self) -> frozenset[str]:
        """Channels that the deal has rooms on."""
        return frozenset(b.connector for of in self._deal.rooms.values() for b in of)

    def _person(self, name: str | None) -> PersonId | None:
        """The person of that id; None where he was never adopted."""
        found = None if name is None else self._listed.person(PersonId(name))
        return None if found is None else found.person_id

    def _owner(self, account: str) -> PersonId | None:
        """Whose account it is, as ``channel:account`` names it."""
        channel, _, name = account.partition(":")
        found = self._listed.owner(ConnectorName(channel), AccountId(name))
        return None if found is None else found.person_id

    def concerns(self, found: "Found") -> bool:
        """Whether a finding counts in this deal."""
        if not found.of_home:
            return True
        channel = found.about.channel
        return channel is None or channel in self.channels

    def read(self, row: Row) -> Found:
        """One row of ``_COLUMNS``."""
        finding_id, deal_id, rule, subject, severity, reasons, then, owner, first, last, closed = (
            row[:11]
        )
        until, at, by, because, *message = row[11:]
        return Found(
            finding_id,
            deal_id,
            rule_of(rule),
            rule,
            subject,
            _severity(severity),
            tuple(json.loads(reasons)),
            then,
            owner,
            first,
            last,
            closed,
            Accepted(until, at, by, because) if until is not None else None,
            self._about(deal_id, subject, message),
        )

    def _about(self, deal_id: str, subject: str, message: list[str | None]) -> About:
        if deal_id == HOME:
            return self._of_home(subject)
        if ConversationId(subject) in self._deal.conversations:
            return About(ConversationId(subject))
        if person := self._person(subject):
            return About(person=person)
        placed, wrote, channel, room = message
        if channel is not None:
            return self._of_message(subject, placed, wrote, f"{channel}:{room}", channel)
        return self._of_place(subject)

    def _of_home(self, subject: str) -> About:
        channel = subject.partition(":")[0]
        known = channel in self.channels or ":" in subject
        return About(channel=channel if known else None)

    def _of_message(
        self, subject: str, placed: str | None, wrote: str | None, place: str, channel: str
    ) -> About:
        binding = self._places.get(place)
        named = ConversationId(placed or "")
        known = named if named in self._deal.conversations else None
        where = known or (binding.conversation_id if binding is not None else None)
        return About(where, binding, self._person(wrote), subject.partition("/")[0], channel)

    def _of_place(self, subject: str) -> About:
        whole, _, rest = subject.partition(" ")
        binding = self._places.get(whole)
        if binding is not None:
            return About(
                binding.conversation_id,
                binding,
                self._person(rest),
                channel=binding.connector,
                guarantee=rest or None,
            )
        account = self._owner(whole) or self._owner(whole.rpartition(":")[0])
        channel = whole.partition(":")[0]
        return About(person=account, channel=channel if channel in self.channels else None)


def findings_since(tx: Tx, reader: Reader, deal_id: str, since: int) -> list[Found]:
    """A deal's findings that were open at ``since`` or later, newest first; the home's with them.

    Args:
        tx: reads.
        reader: of the deal.
        deal_id: the deal.
        since: microseconds UTC.
    """
    rows = tx.all(_SINCE, (deal_id, HOME, since, MOST))
    return [found for found in map(reader.read, rows) if reader.concerns(found)]


def finding_of(tx: Tx, reader: Reader, deal_id: str, finding_id: str) -> Found | None:
    """One finding that counts in a deal; None where there is none."""
    row = tx.one(_ONE, (finding_id,))
    if row is None or row[1] not in {deal_id, HOME}:
        return None
    found = reader.read(row)
    return found if reader.concerns(found) else None


def open_ones(findings: Iterable[Found]) -> list[Found]:
    """Those that are open."""
    return [found for found in findings if found.closed_at is None]


def _severity(name: str) -> Severity:
    try:
        return Severity[name.upper()]
    except KeyError:
        return Severity.HIGH
