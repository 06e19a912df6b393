"""Some verbs have one place: what acts on a network, asks the time or reads outside the rules."""

import ast
import sys
from collections.abc import Iterable, Iterator

import pytest

from .conftest import Source, assert_none

# Verbs of connectors.port that act on a network, and who may call them. Everything else goes
# through the outbox: there the guard stands, and there the attempt is written down first.
DISPATCH = "orchestrator/outbox/dispatch.py"
LIVE_CHECK = "orchestrator/command/trial.py"  # `channel test`: an own room, an own message
FAR_SIDE = "orchestrator/demo/farside.py"  # plays people, with a client that is not ours
HANDS = "orchestrator/rooms/acts.py"  # who is in a room, and its settings: asked, then read back
PLAYS = {"orchestrator/demo/people_act.py", "orchestrator/demo/roster_act.py"}  # on phones
MAIL_ANCHOR = (
    "orchestrator/audit/anchors/mail.py"  # audit heads, and counts with a link; no connector
)
VISITOR = "orchestrator/bench/visitor.py"  # a browser's websocket to our own pages, no connector
BENCH = "orchestrator/wiring/benches/ours.py"  # into rooms of its own, on a server of its own
BARE = "orchestrator/wiring/benches/xmpp.py"  # a stanza of slixmpp's, no connector
BARE_MAIL = "orchestrator/wiring/benches/mail.py"  # aiosmtplib's; and a key that it has made itself
ACTING = {
    "send": {DISPATCH, LIVE_CHECK, FAR_SIDE, MAIL_ANCHOR, VISITOR, BENCH, BARE, BARE_MAIL},
    "undo": {DISPATCH, LIVE_CHECK},
    "create": {
        LIVE_CHECK,
        BENCH,
        "orchestrator/rooms/lines.py",
        "orchestrator/rooms/provision.py",
    },
    "invite": {HANDS, *PLAYS},
    "remove": {
        HANDS,
        "orchestrator/journal/writer.py",  # a file of its own
        "orchestrator/seal/sealer.py",  # a file of its own
    },
    "set_admin": {HANDS},
    "harden": {
        HANDS,
        "orchestrator/cli/session.py",  # this process, not a room
        "orchestrator/query/checks.py",
    },
    "rotate": {HANDS},
    "trust": {
        BARE_MAIL,
        "orchestrator/command/keys.py",  # what a ceremony of two people came to
        "orchestrator/command/leaving.py",  # what two people undid of a leave
    },
    "distrust": {"orchestrator/command/keys.py", "orchestrator/rooms/leave_keys.py"},
}

# The part of the standard library that neither acts nor asks: all that the rules may use.
PURE = frozenset(
    {
        *("abc", "array", "base64", "bisect", "collections", "dataclasses", "decimal", "difflib"),
        *("enum", "fractions", "functools", "hashlib", "heapq", "html", "itertools", "json"),
        *("math", "operator", "re", "string", "types", "typing", "unicodedata"),
    }
)


def imported(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The top-level packages that a module imports by their full name, each with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0], node.lineno


def acting_calls(sources: Iterable[Source]) -> list[str]:
    """Calls of acting verbs in the orchestrator outside the one place for each."""
    return [
        f"{source.path}:{node.lineno} calls .{node.func.attr}()"
        for source in sources
        if source.path.startswith("orchestrator/")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and source.path not in ACTING.get(node.func.attr, {source.path})
    ]


def impure_imports(sources: Iterable[Source]) -> list[str]:
    """Imports of the rules (tiers/ but for model/) beyond themselves and the pure library."""
    return [
        f"{source.path}:{line} imports {name}"
        for source in sources
        if source.path.startswith("tiers/") and not source.path.startswith("tiers/model/")
        for name, line in imported(source.tree)
        if name not in PURE | {"tiers"}
    ]


def test_only_the_dispatcher_acts_on_a_network(product: list[Source]) -> None:
    assert_none(acting_calls(product))


@pytest.mark.parametrize("verb", ACTING)
def test_an_acting_verb_elsewhere_is_found(verb: str) -> None:
    text = f"async def help_out(connector, delivery):\n    await connector.{verb}(delivery)\n"
    assert acting_calls([Source("orchestrator/flow/route.py", text)]) != []
    for path in ACTING[verb]:
        assert acting_calls([Source(path, text)]) == []


def test_the_rules_use_the_pure_library_alone(product: list[Source]) -> None:
    assert_none(impure_imports(product))


@pytest.mark.parametrize(
    "name", ["zoneinfo", "requests", "io", "time", "orchestrator", "threading"]
)
def test_an_impure_import_is_found(name: str) -> None:
    for text in (f"import {name}\n", f"from {name} import x\n", f"def f():\n    import {name}.y\n"):
        assert impure_imports([Source("tiers/policy.py", text)]) != []
    assert impure_imports([Source("tiers/model/scorer.py", f"import {name}\n")]) == []


def test_what_counts_as_pure_is_in_the_standard_library() -> None:
    assert sys.stdlib_module_names >= PURE
