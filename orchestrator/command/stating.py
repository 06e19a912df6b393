"""Every row that would permit or state anything, held against what the chains say.

Rules kept here:

1. The chain is read whole and by itself (``orchestrator.audit.state``); nothing in memory is
   asked, but whom the adopted roster names.
2. Each register is compared by its own key, row by row: what is changed, missing or extra is named.
3. Signatures of approvals, of counsel's decisions and of channel tests are verified again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from orchestrator.approvals.standing import read_standing
from orchestrator.audit.body import named
from orchestrator.audit.chain import HOME
from orchestrator.audit.granted import Stated, commitment, stated_everywhere, stated_keys
from orchestrator.audit.heads import newest_head, public_keys
from orchestrator.audit.kinds import Kind
from orchestrator.audit.state import Findings, Told, as_stated, read_entries, tell_flaws
from orchestrator.command.channels import recorded_grade
from orchestrator.deals.book import DealView
from orchestrator.deals.persons import read_persons
from orchestrator.journal import decision
from orchestrator.journal.errors import BadDecision
from orchestrator.journal.keys import key_id_of
from orchestrator.outbox.marks import (
    DELIVERY_COLUMNS,
    MESSAGE_COLUMNS,
    NOT_AS_STATED,
    Origin,
    Target,
    is_planted,
)
from orchestrator.rooms.leave_rows import UNDONE
from orchestrator.roster.document import document_hash, from_document
from orchestrator.roster.read import RosterInvalid
from orchestrator.store.unit import Row, Tx
from tiers.ids import PersonId
from tiers.people import Roster

PLANTED = "this home did not write it so"


@dataclass(frozen=True, slots=True)
class Read:
    """One snapshot of a store, with what a deal's chain says in it.

    Attributes:
        entries: the chain's, those that hold, but for what each message makes.
        view: the deal in force, None where it is not, and of the home's own chain.
        kinds: by channel the connector's name, as configured.
        public: the key that signs this home's heads now (Ed25519, raw).
    """

    tx: Tx
    deal_id: str
    entries: list[Told]
    view: DealView | None
    kinds: Mapping[str, str]
    public: bytes

    def of(self, *kinds: Kind) -> list[Told]:
        """The entries of these kinds, in order."""
        return [entry for entry in self.entries if entry.kind in kinds]

    def rows(self, sql: str) -> list[Row]:
        """The rows of a statement about this deal."""
        return self.tx.all(sql, (self.deal_id,))


def compare_state(
    tx: Tx, deal_id: str, view: DealView | None, kinds: Mapping[str, str], public: bytes
) -> tuple[int, Findings]:
    """Compares a deal's rows, and those of the home itself, with what the chains say.

    Args:
        tx: one snapshot, with the home's pen.
        deal_id: the deal, or ``HOME``.
        view: the deal in force.
        kinds: by channel the connector's name.
        public: the key that signs this home's heads now.

    Returns:
        how many entries were read, and what was found.
    """
    found = Findings()
    chain = read_entries(tx, deal_id)
    tell_flaws(found, chain.flaws)
    read = Read(tx, deal_id, chain.entries, view, kinds, public)
    for register in _OF_HOME if deal_id == HOME else (*_OF_DEAL, *_OF_HOME):
        register(read, found)
    return chain.read, found


def _deal(read: Read, found: Findings) -> None:
    made = read.of(Kind.DEAL_CREATED)[:1]
    said = {name: entry.body[name] for entry in made for name in ("code", "made_up")}
    rows = read.rows("SELECT code, made_up FROM deal WHERE deal_id = ?")
    found.compare("deal", said, {"code": rows[0][0], "made_up": bool(rows[0][1])} if rows else {})


def _adopted(read: Read, found: Findings) -> None:
    kinds = {Kind.POLICY_ADOPTED: "policy", Kind.ROSTER_ADOPTED: "roster"}
    said = {f"{kinds[Kind(e.kind)]} {e.body['hash']}": e.body["hash"] for e in read.of(*kinds)}
    rows = read.rows("SELECT kind, hash, document FROM adoption WHERE deal_id = ?")
    found.compare("adopted", said, {f"{k} {digest}": document_hash(d) for k, digest, d in rows})


def _conversations(read: Read, found: Findings) -> None:
    kinds = (Kind.CONVERSATION_CREATED, Kind.CONVERSATION_RAISED)
    said = {e.body["conversation"]: e.body["row"] for e in read.of(*kinds)}
    for entry in read.of(Kind.CONVERSATION_CLOSED):
        said.pop(entry.body["conversation"], None)
    rows = read.rows(
        "SELECT conversation_id, deal_id, label, floor, compartment, side FROM conversation "
        "WHERE deal_id = ? AND state = 'open'"
    )
    found.compare("conversation", said, {r[0]: commitment("conversation", *r) for r in rows})


def _rooms(read: Read, found: Findings) -> None:
    said: dict[str, str] = {}
    pauses: dict[str, str] = {}
    for entry in read.of(
        Kind.ROOM_CREATED, Kind.ROOM_REPLACED, Kind.ROOM_PAUSED, Kind.ROOM_RESUMED
    ):
        place = f"{entry.body['channel']}:{entry.body['room']}"
        if entry.kind == Kind.ROOM_REPLACED:
            said.pop(place, None)
            pauses.pop(place, None)
        else:
            (said if entry.kind == Kind.ROOM_CREATED else pauses)[place] = entry.body["row"]
    rows = read.rows(
        "SELECT connector, room, conversation_id, host, alternate_connector, alternate_room, paused"
        " FROM room WHERE deal_id = ?"
    )
    there = {f"{r[0]}:{r[1]}": commitment("room", *r[:4], _alternate(r)) for r in rows}
    running = {f"{r[0]}:{r[1]}": commitment("paused", r[0], r[1], None) for r in rows}
    paused = {f"{r[0]}:{r[1]}": commitment("paused", r[0], r[1], r[6]) for r in rows}
    found.compare("room", said, there)
    found.compare("pause", {p: pauses.get(p, running[p]) for p in paused}, paused)


def _alternate(row: Row) -> list[str] | None:
    return [row[4], row[5]] if row[5] is not None else None


def _seats(read: Read, found: Findings) -> None:
    """Nobody has a seat in a room to which no entry invited an account that is or was his."""
    invited = {
        (e.body["room"], e.body["account"])
        for e in read.of(Kind.MEMBER_INVITED, Kind.MEMBER_OBTAINED)
    }
    rows = read.rows(
        "SELECT s.conversation_id, s.person_id, s.connector, s.room FROM seat s "
        "JOIN conversation USING (conversation_id) WHERE deal_id = ?"
    )
    accounts = _accounts(read)
    found.count("seat", len(rows))
    for conversation, person, connector, room in rows:
        own = accounts.get((person, connector), set())
        if not any(
            (room, named(account)) in invited or (room, account) in invited for account in own
        ):
            found.add("seat", f"{conversation} {person}", "extra", "nobody invited him there")


def _accounts(read: Read) -> dict[tuple[str, str], set[str]]:
    """By person and channel the accounts that any adopted roster, or he himself, gave him."""
    found: dict[tuple[str, str], set[str]] = {}
    stated = {e.body["hash"] for e in read.of(Kind.ROSTER_ADOPTED)}
    rows = read.rows("SELECT hash, document FROM adoption WHERE deal_id = ? AND kind = 'roster'")
    rosters = [r for digest, document in rows if digest in stated and (r := _roster(document))]
    for roster in [*rosters, *([read.view.roster] if read.view is not None else [])]:
        for person in roster.people:
            for connector, account in person.accounts.items():
                found.setdefault((person.person_id, connector), set()).add(account)
    return found


def _roster(document: str) -> Roster | None:
    """An adopted roster; None: by a build whose form this one does not read."""
    try:
        return from_document(document)
    except RosterInvalid:
        return None


def _attestations(read: Read, found: Findings) -> None:
    said = {str(e.body["n"]): e.body["row"] for e in read.of(Kind.ROOM_ATTESTED)}
    rows = read.rows(
        "SELECT n, deal_id, connector, room, guarantee, value, person_id, at FROM attestation "
        "WHERE deal_id = ?"
    )
    found.compare("attestation", said, {str(r[0]): commitment("attestation", *r) for r in rows})


def _keys(read: Read, found: Findings) -> None:
    """Every row of every device that this chain speaks of, and those of which none does."""
    everywhere = stated_keys(read.tx)
    said = {e.body["n"]: e for e in everywhere if "n" in e.body}
    rows = read.tx.all(
        "SELECT n, connector, account, device, key, state, at, vouchers FROM peer_key ORDER BY n"
    )
    there = {row[0]: row for row in rows}
    own = {n for n, e in said.items() if e.deal_id == read.deal_id}
    names = {n: _key_name(*there[n][1:4]) for n in there}
    names |= {n: _key_name(*(e.body[f] for f in _KEY)) for n, e in said.items()}
    concerned = own | (there.keys() - said.keys())
    found.compare(
        "key",
        {f"{names[n]} #{n}": said[n].body["row"] for n in own},
        {f"{names[n]} #{n}": commitment("peer_key", *there[n]) for n in concerned & there.keys()},
    )


_KEY = ("connector", "account", "device")


def _key_name(connector: str, account: str, device: str) -> str:
    return f"{connector}:{named(account)}:{named(device)}"


def _journal_keys(read: Read, found: Findings) -> None:
    said = {
        e.body["key_id"]: f"{e.body['key_id']} {e.at}" for e in read.of(Kind.JOURNAL_KEY_ADOPTED)
    }
    rows = read.rows(
        "SELECT key_id, deal_id, scope, recipient, adopted_at FROM journal_key WHERE deal_id = ?"
    )
    found.compare("journal key", said, {r[0]: f"{key_id_of(*r[1:4])} {r[4]}" for r in rows})


def _decisions(read: Read, found: Findings) -> None:
    """Counsel's decisions not to journal: as many as are stated, each signed."""
    rows = read.rows(
        "SELECT n, statement, signature, signer FROM journal_exemption WHERE deal_id = ?"
    )
    stated = len(read.of(Kind.JOURNAL_EXEMPTED))
    for n, statement, signature, signer in rows:
        try:
            decision.check(statement, signature, signer)
        except BadDecision as error:
            found.add("decision", str(n), "unsigned", str(error))
    numbers = [str(row[0]) for row in rows]
    said = numbers[:stated] + [f"({k} of {stated})" for k in range(len(rows) + 1, stated + 1)]
    found.compare("decision", dict.fromkeys(said, 1), dict.fromkeys(numbers, 1))


def _findings(read: Read, found: Findings) -> None:
    said: dict[str, str] = {}
    for entry in read.of(Kind.FINDING_OPENED, Kind.FINDING_CLOSED):
        if entry.kind == Kind.FINDING_OPENED:
            said[entry.body["finding"]] = entry.body["rule"]
        else:
            said.pop(entry.body["finding"], None)
    sql = "SELECT finding_id, rule FROM finding WHERE deal_id = ? AND closed_at IS NULL"
    found.compare("finding", said, dict(read.rows(sql)))


def _messages(read: Read, found: Findings) -> None:
    rows = read.rows(
        f"SELECT {MESSAGE_COLUMNS.format('m')}, m.mark FROM message m "  # noqa: S608 - our own columns
        "WHERE deal_id = ? AND state IN ('accepted', 'delivering', 'held')"
    )
    found.count("message", len(rows))
    for *origin, mark in rows:
        if is_planted(read.tx.pen, Origin(*origin), mark):
            found.add("message", origin[0], "changed", PLANTED)


def _deliveries(read: Read, found: Findings) -> None:
    rows = read.rows(
        f"SELECT {DELIVERY_COLUMNS.format('d')}, d.mark FROM delivery d "  # noqa: S608 - our own columns
        "WHERE deal_id = ? AND (state IN ('queued', 'started') "
        f"OR (state = 'dead' AND reason = '{NOT_AS_STATED}'))"
    )
    found.count("delivery", len(rows))
    for *target, mark in rows:
        if is_planted(read.tx.pen, Target(*target), mark):
            found.add("delivery", target[0], "extra", PLANTED)


def _approvals(read: Read, found: Findings) -> None:
    """Every credential and approval, its signature verified again; nothing of it has a table."""
    standing = read_standing(read.deal_id, as_stated(read.deal_id, read.entries))
    found.count("credential", len(standing.drafts | standing.credentials))
    found.count("approval", sum(len(r.yes) for r in standing.requests.values()))
    for subject, because in standing.doubts:
        found.add("approval", subject, "unsigned", because)
    for (plan,) in read.rows("SELECT plan_hash FROM approval WHERE deal_id = ?"):
        found.add("approval", plan, "extra", "a row grants nothing; nothing reads it")


def _leaves(read: Read, found: Findings) -> None:
    """Nobody comes back, and nobody is put out, by what a row says of his leave."""
    left = read_persons(as_stated(read.deal_id, read.entries)).left
    sql = "SELECT person_id, state FROM leaving WHERE deal_id = ? ORDER BY began_at, leave_id"
    newest: dict[str, str] = dict(read.rows(sql))
    found.count("leave", len(newest))
    for person, state in newest.items():
        if (state == UNDONE) == (PersonId(person) in left):
            found.add("leave", person, "changed", "the chain does not say so of him")


def _lines(read: Read, found: Findings) -> None:
    lines = [e for e in stated_everywhere(read.tx) if e.kind == Kind.LINE_OPENED]
    said = {_line_name(e): e for e in lines}
    rows = read.tx.all("SELECT connector, room, account FROM line")
    there = {f"{c}:{a}": commitment("line", c, r, a) for c, r, a in rows}
    own = {name for name, e in said.items() if e.deal_id == read.deal_id}
    mine = own | (there.keys() - said.keys())
    found.compare(
        "line",
        {name: said[name].body["row"] for name in own},
        {name: there[name] for name in mine & there.keys()},
    )


def _line_name(entry: Stated) -> str:
    return f"{entry.body['channel']}:{entry.body['account']}"


def _channels(read: Read, found: Findings) -> None:
    said: dict[str, str] = {}
    for entry in (e for e in stated_everywhere(read.tx) if e.deal_id == HOME):
        if entry.kind in {Kind.CHANNEL_PAUSED, Kind.CHANNEL_RESUMED}:
            said[entry.body["channel"]] = entry.body["row"]
    rows = read.tx.all("SELECT connector, paused, grade FROM channel")
    there = {name: commitment("channel", name, paused) for name, paused, _ in rows}
    running = {name: commitment("channel", name, None) for name in there.keys() | said.keys()}
    found.compare("channel", {n: said.get(n, running[n]) for n in running}, {**running, **there})
    for name, _, grade in rows:
        kind = read.kinds.get(name)
        if grade is None or kind is None:
            continue
        if recorded_grade(grade, name, kind, read.public) is None:
            found.add("channel test", name, "unsigned", "its grade is not signed by this home")


def _head_keys(read: Read, found: Findings) -> None:
    """Whoever adds a public key of his own would have his heads believed here."""
    home = read_entries(read.tx, HOME)
    tell_flaws(found, home.flaws)
    said = {e.body["key_id"]: e.body["public"] for e in home.entries if e.kind == Kind.AUDIT_KEY}
    there = {name: public.hex() for name, public in public_keys(read.tx).items()}
    found.compare("head key", said, there)
    newest = newest_head(read.tx)
    if newest is not None and newest.public != read.public:
        found.add("head", str(newest.n), "unsigned", "not signed by the key that this home has now")


def _strays(read: Read, found: Findings) -> None:
    """Rows of a deal that is not there belong to no chain, and would be compared with none."""
    for table in _OF_SOME_DEAL:
        sql = f"SELECT DISTINCT deal_id FROM {table} EXCEPT SELECT deal_id FROM deal"  # noqa: S608 - ours
        for (deal_id,) in read.tx.all(sql):
            found.add(table, deal_id, "extra", "rows of a deal that is not there")


def _devices(read: Read, found: Findings) -> None:
    """A planted device would pause nothing when somebody writes on it."""
    pen = read.tx.pen
    rows = read.tx.all("SELECT connector, account, device, mark FROM wrote_on")
    found.count("written on", len(rows))
    for connector, account, device, mark in rows:
        if pen is not None and not pen.made(mark, "wrote_on", connector, account, device):
            found.add("written on", f"{connector}:{account}:{device}", "extra", PLANTED)


_OF_SOME_DEAL = (
    *("adoption", "conversation", "room", "attestation", "journal_key", "journal_exemption"),
    "leaving",
)


def _known(read: Read, found: Findings) -> None:
    pen = read.tx.pen
    for connector, room, holdings, accounts, mark in read.tx.all(
        "SELECT connector, room, holdings, accounts, mark FROM known"
    ):
        if pen is not None and not pen.made(mark, "known", connector, room, holdings, accounts):
            found.add("last reading", f"{connector}:{room}", "changed", PLANTED)


Register = Callable[[Read, Findings], None]
_OF_DEAL: Iterable[Register] = (
    *(_deal, _adopted, _approvals, _conversations, _rooms, _seats, _attestations, _journal_keys),
    *(_decisions, _messages, _deliveries, _leaves, _findings),
)
_OF_HOME: Iterable[Register] = (_keys, _lines, _channels, _head_keys, _known, _devices, _strays)
