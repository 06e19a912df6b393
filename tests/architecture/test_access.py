"""Invariants 2, 9 and 10 in the code itself: one path removes a member, none lowers a floor.

What permits lies in a handful of tables. Each is written in one module, which states it in the
audit in the same unit (or whose one caller does), and its rows are not changed, but for a room's
pause, for a room that `conv new` puts in another's place, for one that `channel rebuild` makes in
the place of a lost one, for a leaver's own mailing, for a conversation that becomes stricter, and
for one that is closed. A connector asks a network to take somebody
out of a room in its verb ``remove`` alone, which only `orchestrator/rooms/acts.py` calls
(`test_doors.py`): under a plan on a whole list read just before, or for whoever leaves the deal.
"""

import ast
import re
from collections.abc import Iterable, Iterator

import pytest

from .conftest import Source, assert_none

# Table -> who writes it, and who states that in the audit.
WRITERS = {
    "adoption": ("orchestrator/roster/adoption.py", "orchestrator/roster/adoption.py"),
    "conversation": ("orchestrator/rooms/provision.py", "orchestrator/rooms/provision.py"),
    "room": ("orchestrator/rooms/provision.py", "orchestrator/rooms/provision.py"),
    "seat": ("orchestrator/rooms/provision.py", "orchestrator/rooms/provision.py"),
    "line": ("orchestrator/rooms/lines.py", "orchestrator/rooms/lines.py"),
    "attestation": (
        "orchestrator/command/conversations.py",
        "orchestrator/command/conversations.py",
    ),
    "peer_key": ("orchestrator/keys/keyring.py", "orchestrator/keys/keyring.py"),
    "journal_key": ("orchestrator/journal/keys.py", "orchestrator/journal/keys.py"),
    "journal_exemption": ("orchestrator/journal/decision.py", "orchestrator/command/records.py"),
    "approval": ("", ""),  # nobody yet: what needs a second person is refused
}
PAUSES, OPENS = "orchestrator/rooms/watch.py", "orchestrator/rooms/provision.py"
MAILING = "orchestrator/rooms/leave.py"  # a mailing of one reader ends when he leaves
ENDS = "orchestrator/rooms/closing.py"  # a room of a closed conversation
STRICTER = "orchestrator/rooms/conversation_rows.py"
LOST = "orchestrator/rooms/lost_rows.py"  # a lost room ends as another takes its place
CHANGES = {
    (STRICTER, "conversation"): re.compile(
        r"UPDATE conversation SET (floor = \?, label = \? WHERE conversation_id = \? "
        r"AND floor = \? |state = 'closed' WHERE conversation_id = \? )AND state = 'open'$"
    ),
    (ENDS, "room"): re.compile(r"DELETE FROM room WHERE connector = \? AND room = \?$"),
    (ENDS, "seat"): re.compile(r"DELETE FROM seat WHERE connector = \? AND room = \?$"),
    (LOST, "room"): re.compile(
        r"(DELETE FROM room|UPDATE room SET alternate_connector = \?, alternate_room = \?)"
        r" WHERE connector = \? AND room = \?$"
    ),
    (LOST, "seat"): re.compile(r"DELETE FROM seat WHERE connector = \? AND room = \?$"),
    (PAUSES, "room"): re.compile(r"UPDATE room SET paused = (\?|NULL)\s"),
    (OPENS, "room"): re.compile(r"DELETE FROM room WHERE conversation_id = \?$"),
    (MAILING, "room"): re.compile(r"DELETE FROM room WHERE connector = \? AND room = \?$"),
    (MAILING, "seat"): re.compile(r"DELETE FROM seat WHERE connector = \? AND room = \?$"),
    (OPENS, "seat"): re.compile(
        r"DELETE FROM seat WHERE conversation_id = \?( AND person_id = \? AND connector = \? .*)?$"
    ),
}
INSERT = re.compile(r"\bINSERT(?: OR \w+)? INTO (\w+)")
CHANGE = re.compile(r"\b(?:UPDATE|DELETE FROM|DROP TABLE|REPLACE INTO) (\w+)")
AUDITS = re.compile(r"from orchestrator\.audit\.chain import .*\bappend(?:_all)?\b")
EXPELLING = {"kick", "ban", "expel", "evict", "remove_member"}


def statements(source: Source) -> Iterator[str]:
    """The texts of a module: every string constant, joined ones as one."""
    yield from (
        node.value
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def misplaced_writes(sources: Iterable[Source]) -> list[str]:
    """Statements that write what permits, where they do not belong.

    A connector keeps a database of its own, whose tables may have the same names: it is handed no
    path and no module of the home's store (the import contracts): what it writes permits nothing.
    """
    found = []
    for source in sources:
        if source.path.startswith("connectors/"):
            continue
        for text in statements(source):
            found += [
                f"{source.path} writes {table}"
                for table in INSERT.findall(text)
                if table in WRITERS and WRITERS[table][0] != source.path
            ]
            found += [
                f"{source.path} changes {table}"
                for table in CHANGE.findall(text)
                if table in WRITERS and not _foreseen(source.path, table, text)
            ]
    return found


def _foreseen(path: str, table: str, text: str) -> bool:
    allowed = CHANGES.get((path, table))
    return allowed is not None and allowed.match(text) is not None


def expelling_calls(sources: Iterable[Source]) -> list[str]:
    """Calls in adapters that ask a network to take somebody out, outside the verb for it."""
    return [
        f"{source.path}:{node.lineno}"
        for source in sources
        if source.path.startswith("connectors/")
        for node in _outside_remove(source.tree)
        if isinstance(node, ast.Call) and EXPELLING & set(_said(node))
    ]


def _outside_remove(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.AsyncFunctionDef) and node.name == "remove"):
            yield node
            yield from _outside_remove(node)


def _said(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    yield name
    for argument in call.args:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield from re.split(r"[/.]", argument.value)


def far_side(source: Source) -> bool:
    """The memory network's people, and the rigs of tests: they act as others do."""
    names = ("connectors/memory/far", "connectors/memory/network", "connectors/testing/")
    return source.path.startswith(names)


def test_what_permits_is_written_in_one_place_and_never_changed(product: list[Source]) -> None:
    assert_none(misplaced_writes(product))


@pytest.mark.parametrize("table", WRITERS)
def test_whoever_writes_what_permits_states_it(table: str, product: list[Source]) -> None:
    by_path = {source.path: source.text for source in product}
    writer, stating = WRITERS[table]
    if not writer:
        assert not any(f"INTO {table}" in text for text in by_path.values())
        return
    assert f"INTO {table}" in by_path[writer]
    assert AUDITS.search(by_path[stating])


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO adoption VALUES (?)",
        "INSERT OR IGNORE INTO seat VALUES (?)",
        "UPDATE conversation SET floor = 'coordination'",
        "DELETE FROM journal_exemption",
        "UPDATE room SET host = ?",
        "DELETE FROM seat WHERE person_id = ?",
    ],
)
def test_a_planted_write_is_found(statement: str) -> None:
    text = f"def sneak(tx):\n    tx.run({statement!r}, ())\n"
    assert misplaced_writes([Source("orchestrator/command/desk.py", text)]) != []
    assert misplaced_writes([Source(PAUSES, text)]) != []


def test_a_pause_is_no_such_change() -> None:
    text = "def pause(tx):\n    tx.run('UPDATE room SET paused = ? WHERE room = ?', ())\n"
    assert misplaced_writes([Source(PAUSES, text)]) == []
    assert misplaced_writes([Source("orchestrator/command/desk.py", text)]) != []


def test_no_connector_takes_anybody_out_by_itself(product: list[Source]) -> None:
    assert_none(expelling_calls(s for s in product if not far_side(s)))


@pytest.mark.parametrize(
    "call",
    [
        "client.post(room_path(room, 'kick'), {})",
        "client.post('/_matrix/client/v3/rooms/x/ban', {})",
        "self._wire.remove_member(room, account)",
    ],
)
def test_a_planted_removal_is_found(call: str) -> None:
    assert expelling_calls([Source("connectors/matrix/rooms.py", f"async def f():\n    {call}\n")])
    verb = f"class Rooms:\n    async def remove(self, room, account):\n        {call}\n"
    assert expelling_calls([Source("connectors/matrix/rooms.py", verb)]) == []
