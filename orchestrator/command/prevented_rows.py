"""What was prevented in a deal, as its chain states it, counted so that nothing counts twice.

Rules kept here:

1. Everything is read from entries that this home wrote and that match their hashes; what does not
   is left out, and its number is told.
2. *Held* is said only of what nobody saw. What stood in a room before it was taken back is
   *withdrawn*, with how many people may have seen it; what could not be taken back was not
   prevented, and is listed apart.
3. A message counts once, however often it was stopped, and by the worst that became of it. What two
   people let go afterwards stays listed, as let go.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from orchestrator.audit.chain import HOME, is_own
from orchestrator.audit.kinds import Kind
from orchestrator.rooms.presence import presence
from orchestrator.store.unit import Tx

NOBODY, PART, ROOM = "nobody", "part", "room"
"""Who may have seen a message when it was held, as its entry states it."""
HELD, WITHDRAWN, STOOD, STOPPED, PAUSED = "held", "withdrawn", "stood", "stopped", "paused"
REFUSED, QUARANTINED = "refused", "quarantined"
COUNTED = (HELD, WITHDRAWN, STOPPED, PAUSED)
"""Ways of preventing, in the order in which they are told; ``stood`` is none."""
RECORD, NETWORK, ASKED = "record", "network", "asked"
"""How it is known: by our own record; by what the network said; asked for, and not seen."""
AUTHOR = "taken_back"
"""Rule of what its own author deleted: nobody was stopped."""
_KINDS = (
    Kind.MESSAGE_HELD,
    Kind.DELIVERY_WITHDRAWN,
    Kind.DELIVERY_STOPPED,
    Kind.MESSAGE_MOVED,
    Kind.MESSAGE_DROPPED,
    Kind.MESSAGE_DEAD,
    Kind.APPROVAL_DONE,
    Kind.ROOM_PAUSED,
    Kind.PERSON_PAUSED,
)
# The expressions are those of the index `audit_kind`.
_BY_KIND = """
SELECT n, entry, salt, body, hash FROM audit INDEXED BY audit_kind WHERE deal_id = ?
    AND substr(entry, instr(entry, X'226b696e64223a22') + 8,
        instr(entry, X'222c226e223a') - instr(entry, X'226b696e64223a22') - 8) = ?
    AND instr(entry, X'226b696e64223a226d6573736167652e616363657074656422') = 0
    AND instr(entry, X'226b696e64223a226d6573736167652e726f7574656422') = 0
    AND instr(entry, X'226b696e64223a226d6573736167652e736574746c656422') = 0
    AND instr(entry, X'226b696e64223a2264656c69766572792e646f6e6522') = 0
    AND n <= ? ORDER BY n"""


@dataclass(frozen=True, slots=True)
class Fact:
    """An entry that this ledger rests on."""

    n: int
    kind: Kind
    at: int
    body: Mapping[str, Any]


@dataclass(slots=True)
class Prevented:
    """One thing that was prevented, or noticed too late.

    Attributes:
        kind: ``held``, ``withdrawn``, ``stopped``, ``paused``, or ``stood``: not prevented.
        what: ``message``, ``room`` or ``person``.
        subject: the message's id; empty where a name would stand there.
        entries: numbers of the entries that say so.
        ended_at: when it was seen gone, where it was withdrawn.
        seen: how many people may have seen it at most; None: nobody knows.
        became: ``waits``, ``let_go`` (by two), ``moved`` (to a stricter place), ``dropped``,
            ``lapsed`` or ``stands``.
        grade: how it is known.
        place: the channel and room that it stood in.
    """

    kind: str
    what: str
    subject: str
    at: int
    entries: list[int]
    rules: tuple[str, ...]
    tier: str
    seen: int | None = 0
    ended_at: int | None = None
    became: str = "waits"
    grade: str = RECORD
    place: tuple[str, str] | None = None


@dataclass(slots=True)
class Ledger:
    """A deal's.

    Attributes:
        upto: number of the last entry that was looked at.
        unbelieved: entries that this home did not write, or that do not match their hashes.
        strangers: what came to the home's accounts and was not taken in, by verdict; of no deal.
    """

    rows: list[Prevented] = field(default_factory=list)
    upto: int = 0
    unbelieved: int = 0
    strangers: dict[str, int] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """How many of each kind."""
        found = Counter(row.kind for row in self.rows)
        return {kind: found.get(kind, 0) for kind in (*COUNTED, STOOD)}

    def within(self, since: int | None, until: int | None) -> "Ledger":
        """What began from ``since`` on and before ``until``, microseconds UTC."""
        low, high = since or 0, until
        rows = [r for r in self.rows if r.at >= low and (high is None or r.at < high)]
        return Ledger(rows, self.upto, self.unbelieved, self.strangers)


def read_ledger(tx: Tx, deal_id: str, upto: int | None = None) -> Ledger:
    """What a deal's chain says was prevented, up to an entry; None: all of it."""
    last = tx.one("SELECT max(n) FROM audit WHERE deal_id = ?", (deal_id,))
    newest = int(last[0] or 0) if last is not None else 0
    ledger = Ledger(upto=newest if upto is None else min(upto, newest))
    facts: list[Fact] = []
    for kind in _KINDS:
        facts.extend(_facts(tx, deal_id, kind, ledger))
    ledger.rows = come_to(sorted(facts, key=lambda fact: fact.n))
    _count_readers(tx, deal_id, ledger.rows)
    if upto is None:
        ledger.strangers = _strangers(tx)
    return ledger


def _count_readers(tx: Tx, deal_id: str, rows: list[Prevented]) -> None:
    """Of what stood in a room: how many others were in it meanwhile, as readings showed."""
    stood = [row for row in rows if row.place is not None]
    stays = presence(tx, deal_id) if stood else []
    for row in stood:
        here = {
            stay.account
            for stay in stays
            if (stay.connector, stay.room) == row.place
            and (row.ended_at is None or stay.obtained_at <= row.ended_at)
            and (stay.ceased_at is None or stay.ceased_at > row.at)
        }
        row.seen = len(here) - 1 if here else None  # its author knew it


def _facts(tx: Tx, deal_id: str, kind: Kind, ledger: Ledger) -> Iterator[Fact]:
    rows = tx.all(_BY_KIND, (deal_id, str(kind).encode(), ledger.upto))
    for n, entry, salt, body, digest in rows:
        if sha256(entry).digest() != digest or not is_own(tx.pen, entry, salt, body):
            ledger.unbelieved += 1
            continue
        yield Fact(n, kind, json.loads(entry)["at"], json.loads(body))


def _strangers(tx: Tx) -> dict[str, int]:
    """Counts of what came from outside and was not believed; names of nobody."""
    everything, found = 2**53, dict[str, int]()
    refused = str(Kind.MESSAGE_REFUSED).encode()
    kept = str(Kind.MESSAGE_QUARANTINED).encode()
    found[REFUSED] = len(tx.all(_BY_KIND, (HOME, refused, everything)))
    found[QUARANTINED] = len(tx.all(_BY_KIND, (HOME, kept, everything)))
    return found


def come_to(facts: Iterable[Fact]) -> list[Prevented]:
    """What entries, in their order, come to."""
    messages: dict[str, Prevented] = {}
    others: list[Prevented] = []
    agreed = 0
    for fact in facts:
        if fact.kind is Kind.APPROVAL_DONE:
            agreed = fact.n
        elif fact.kind in {Kind.ROOM_PAUSED, Kind.PERSON_PAUSED}:
            others.append(_paused(fact))
        else:
            _message(messages, fact, agreed)
    return sorted((*messages.values(), *others), key=lambda row: row.entries[0])


def _paused(fact: Fact) -> Prevented:
    room = fact.kind is Kind.ROOM_PAUSED
    rule = fact.body.get("reason") or ("room_paused" if room else "person_paused")
    what = "room" if room else "person"
    row = Prevented(PAUSED, what, "", fact.at, [fact.n], (str(rule),), "")
    row.became = "stands"
    return row


def _message(messages: dict[str, Prevented], fact: Fact, agreed: int) -> None:
    name = str(fact.body.get("message"))
    there = messages.get(name)
    if fact.kind is Kind.MESSAGE_HELD:
        _held(messages, name, there, fact)
    elif fact.kind is Kind.DELIVERY_STOPPED:
        _stopped(messages, name, there, fact)
    elif there is not None:
        there.entries.append(fact.n)
        _became(there, fact, agreed)


def _held(messages: dict[str, Prevented], name: str, there: Prevented | None, fact: Fact) -> None:
    body, rules = fact.body, tuple(map(str, fact.body.get("rules", ())))
    seen = body.get("seen", "unknown")
    kind = {NOBODY: HELD, PART: STOPPED}.get(seen, STOOD)
    if there is None:
        there = messages[name] = Prevented(
            kind, "message", name, fact.at, [], rules, str(body.get("tier", ""))
        )
    elif there.became == "stands":  # stopped before the wire, and held in the same unit
        there.kind, there.rules, there.seen = kind, rules, 0
    else:
        there.kind = kind if _worse(kind, there.kind) else there.kind
        there.rules = tuple(dict.fromkeys((*there.rules, *rules)))
    there.entries.append(fact.n)
    there.became = "waits"
    if seen == ROOM:
        there.place = str(body["channel"]), str(body["room"])
    if there.kind != HELD:
        there.seen = None
        there.grade = ASKED if there.kind == STOOD else RECORD


def _worse(kind: str, before: str) -> bool:
    order = (HELD, STOPPED, WITHDRAWN, STOOD)
    return order.index(kind) > order.index(before)


def _stopped(
    messages: dict[str, Prevented], name: str, there: Prevented | None, fact: Fact
) -> None:
    rules = tuple(map(str, fact.body.get("rules", ())))
    if rules == (AUTHOR,):
        return
    if there is not None:
        there.entries.append(fact.n)
        return
    row = Prevented(STOPPED, "message", name, fact.at, [fact.n], rules, str(fact.body["tier"]))
    row.became, row.seen = "stands", None
    messages[name] = row


def _became(there: Prevented, fact: Fact, agreed: int) -> None:
    if fact.kind is Kind.DELIVERY_WITHDRAWN:
        there.ended_at = fact.at
        if there.kind == STOOD:
            there.kind, there.grade = WITHDRAWN, NETWORK
    elif fact.kind is Kind.MESSAGE_MOVED:
        there.became = "let_go" if agreed == fact.n - 1 else "moved"
    elif fact.kind is Kind.MESSAGE_DROPPED:
        there.became = "dropped"
    elif fact.kind is Kind.MESSAGE_DEAD:
        there.became = "lapsed"
