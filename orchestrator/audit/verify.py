"""Checks and reads the audit on this machine, with the same program that checks exports.

Rule kept here: there is one check. What runs here is ``orchestrator.audit.offline`` over the lines
that an export would hold.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from orchestrator.audit.export import lines
from orchestrator.audit.offline.check import verify
from orchestrator.audit.offline.report import Outside, Report, Trust
from orchestrator.clock import iso
from orchestrator.store.unit import Row, Tx

_COLUMNS = "SELECT entry, body FROM audit WHERE deal_id = ?"


def verify_chain(
    tx: Tx, deal_id: str, home: str, *, trust: Trust | None = None, outside: Iterable[Outside] = ()
) -> Report:
    """Checks a deal's chain as it stands in the store.

    Entries younger than the newest signed statement (a minute at most) are counted as unsigned.
    """
    return verify(lines(tx, deal_id, home), trust=trust, outside=outside, sealed=False)


def tail(tx: Tx, deal_id: str, count: int = 20) -> list[dict[str, Any]]:
    """Returns the last entries of a chain, the oldest of them first."""
    rows = tx.all(f"{_COLUMNS} ORDER BY n DESC LIMIT ?", (deal_id, count))
    return [_decoded(row) for row in reversed(rows)]


def search(
    tx: Tx,
    deal_id: str,
    *,
    kind: str | None = None,
    actor: str | None = None,
    since: int = 0,
    until: int | None = None,
    names: str | None = None,
    limit: int = 200,
) -> list[dict[str, Any]]:
    """Returns the entries of a chain that fit all that is given, in order.

    Args:
        tx: a view of the store.
        deal_id: the chain.
        kind: a kind, or its part before the dot.
        actor: who did it.
        since: at or after this instant, microseconds UTC.
        until: before this instant.
        names: an id or code that the body holds somewhere.
        limit: at most so many.
    """
    found: list[dict[str, Any]] = []
    for entry in _all(tx, deal_id):
        if _fits(entry, kind, actor, names) and since <= entry["at"] < (until or entry["at"] + 1):
            found.append(entry)
            if len(found) == limit:
                break
    return found


def _all(tx: Tx, deal_id: str) -> Iterator[dict[str, Any]]:
    for row in tx.connection.execute(f"{_COLUMNS} ORDER BY n", (deal_id,)):
        yield _decoded(row)


def _decoded(row: Row) -> dict[str, Any]:
    entry = json.loads(row[0])
    kept = {name: entry[name] for name in ("n", "at", "kind", "actor", "deal")}
    return kept | {"time": iso(entry["at"]), "body": json.loads(row[1])}


def _fits(entry: dict[str, Any], kind: str | None, actor: str | None, names: str | None) -> bool:
    if kind is not None and entry["kind"] != kind and entry["kind"].partition(".")[0] != kind:
        return False
    if actor is not None and entry["actor"] != actor:
        return False
    return names is None or names in _values(entry["body"])


def _values(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)
    else:
        yield value
