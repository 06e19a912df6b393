"""One hash chain per deal: append to it, find its head, read it back.

Rules kept here:

1. ``commitment = sha256(salt || body)`` and ``hash = sha256(entry)``, where the entry holds the
   commitment and the hash before it. The chain runs over commitments, so that bodies can be left
   out of an export which still verifies.
2. An entry is written by the unit of work that does what it states: it is there exactly when
   that is. The head is read from the same transaction each time and kept nowhere else, so it
   cannot run ahead of what is on disk.
3. The salt has exactly 32 bytes: else bytes could be moved between salt and body unseen.
4. In a home the salt is the mark of its pen over the entry and its body, as random to everybody
   else: so the home knows its own entries from those that somebody else put behind them.

What belongs to no deal is written to the chain ``HOME``.
"""

import json
import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from orchestrator.audit.body import LARGEST_INT, BodyRefused, Json, canonical, quote, quoted_actor
from orchestrator.audit.kinds import Kind
from orchestrator.store.pen import Pen
from orchestrator.store.unit import Tx

HOME = "home"
"""The chain of what belongs to the installation and not to a deal."""
SALT_BYTES = HASH_BYTES = 32
GENESIS = "0" * 64
"""``prev`` of the first entry of a chain."""

_HEAD = "SELECT n, hash FROM audit WHERE deal_id = ? ORDER BY n DESC LIMIT 1"
_INSERT = "INSERT INTO audit (deal_id, n, entry, salt, body, hash) VALUES (?, ?, ?, ?, ?, ?)"
_HEADS = """
SELECT json_group_array(json_array(v.value, a.n, lower(hex(a.hash))))
FROM json_each(?) AS v CROSS JOIN audit AS a ON a.deal_id = v.value
    AND a.n = (SELECT max(n) FROM audit WHERE deal_id = v.value)"""
# One statement for any number of rows, cut out of one value: the writer's thread then takes the
# interpreter once and not once a row. $[2]: where a row begins, $[3] and $[4]: two of its lengths.
_INSERT_SLICES = f"""
INSERT INTO audit (deal_id, n, entry, salt, body, hash)
SELECT deal, n, substr(?2, at, entry), substr(?2, at + entry, {SALT_BYTES}),
    substr(?2, at + entry + {SALT_BYTES}, body),
    substr(?2, at + entry + {SALT_BYTES} + body, {HASH_BYTES})
FROM (SELECT json_extract(value, '$[0]') AS deal, json_extract(value, '$[1]') AS n,
    json_extract(value, '$[2]') AS at, json_extract(value, '$[3]') AS entry,
    json_extract(value, '$[4]') AS body FROM json_each(?1))"""  # noqa: S608 - our own lengths
SALT = "salt"
"""What a pen marks when it makes the salt of an entry."""
_OPEN, _FILLED = b'"commitment":""', b'"commitment":"%s"'
_COMMITTED = re.compile(rb'"commitment":"[0-9a-f]{64}"')
FEW = 3
"""Rows below which they are inserted one by one."""
_CHAINS = """
WITH RECURSIVE chain (deal_id) AS (
    SELECT min(deal_id) FROM audit
    UNION ALL
    SELECT (SELECT min(a.deal_id) FROM audit a WHERE a.deal_id > chain.deal_id)
    FROM chain WHERE chain.deal_id IS NOT NULL)
SELECT deal_id FROM chain WHERE deal_id IS NOT NULL"""  # reads one row a chain, not one an entry


class Head(NamedTuple):
    """The last entry of a chain: its number from 1, and its hash (32 bytes)."""

    n: int
    hash: bytes


def append(
    tx: Tx, deal_id: str, kind: Kind, body: Mapping[str, Json], *, at: int, actor: str
) -> int:
    """Appends one entry to a deal's chain, inside the unit of work that does what it states.

    Args:
        tx: the unit; when it is undone, so is the entry.
        deal_id: the chain; ``HOME`` for what belongs to no deal.
        kind: what is stated.
        body: typed values only, see ``orchestrator.audit.body``.
        at: microseconds UTC.
        actor: an id of ours, a role of the system, or ``local:<os user>``.

    Returns:
        the entry's number in its chain, from 1, without gaps.

    Raises:
        BodyRefused: the body or the actor has a shape that could hold message text.
    """
    return append_all(tx, deal_id, ((kind, body),), at=at, actor=actor)


def append_all(
    tx: Tx,
    deal_id: str,
    entries: Iterable[tuple[Kind, Mapping[str, Json]]],
    *,
    at: int,
    actor: str,
) -> int:
    """Appends several entries to one chain; as ``append``, for less.

    Returns:
        the number of the last entry of the chain (0: the chain is empty).
    """
    return append_each(
        tx, ((deal_id, kind, body) for kind, body in entries), at=at, actor=actor
    ).get(deal_id, 0)


def append_each(
    tx: Tx,
    entries: Iterable[tuple[str, Kind, Mapping[str, Json]]],
    *,
    at: int,
    actor: str,
) -> dict[str, int]:
    """Appends entries to the chains that they name, in their order; as ``append``, for less.

    Returns:
        the number of the last entry of each chain named.
    """
    if not 0 <= at <= LARGEST_INT:
        raise BodyRefused("the instant of an entry is not in microseconds since 1970")
    listed, who = list(entries), quoted_actor(actor)
    ends = _ends(tx, dict.fromkeys(deal_id for deal_id, _, _ in listed))
    rows = [_chained(tx.pen, ends, deal_id, kind, body, at, who) for deal_id, kind, body in listed]
    _insert(tx, rows)
    tx.stated.extend((kind, body) for _, kind, body in listed)
    return {deal_id: n for deal_id, (n, _) in ends.items()}


def _ends(tx: Tx, deals: Collection[str]) -> dict[str, tuple[int, str]]:
    """Number and hash of the last entry of each chain, as the transaction has them."""
    found = dict.fromkeys(deals, (0, GENESIS))
    rows = tx.all(_HEADS, (json.dumps(list(deals)),))[0][0]
    found.update((deal_id, (n, digest)) for deal_id, n, digest in json.loads(rows))
    return found


def _chained(
    pen: Pen | None,
    ends: dict[str, tuple[int, str]],
    deal_id: str,
    kind: Kind,
    body: Mapping[str, Json],
    at: int,
    who: str,
) -> tuple[str, int, bytes, bytes, bytes, bytes]:
    """The row of an entry behind the end of its chain, which it becomes."""
    last, prev = ends[deal_id]
    text, n = canonical(body), last + 1
    bare = _entry(who, at, _quoted_deal(deal_id), _listed(kind), n=n, prev=prev)
    salt = pen.mark(SALT, bare, text) if pen is not None else secrets.token_bytes(SALT_BYTES)
    entry = bare.replace(_OPEN, _FILLED % sha256(salt + text).hexdigest().encode(), 1)
    digest = sha256(entry)
    ends[deal_id] = (n, digest.hexdigest())
    return deal_id, n, entry, salt, text, digest.digest()


def _insert(tx: Tx, rows: Sequence[tuple[str, int, bytes, bytes, bytes, bytes]]) -> None:
    if len(rows) < FEW:
        tx.many(_INSERT, rows)
        return
    at, places = 1, []
    for deal_id, n, entry, _, body, _ in rows:
        places.append((deal_id, n, at, len(entry), len(body)))
        at += len(entry) + SALT_BYTES + len(body) + HASH_BYTES
    slices = b"".join(piece for row in rows for piece in row[2:])
    tx.run(_INSERT_SLICES, (json.dumps(places), slices))


def _listed(kind: Kind) -> Kind:
    if type(kind) is not Kind:
        raise BodyRefused("the kind of an entry is not on the list")
    return kind


def _entry(who: str, at: int, deal: str, kind: Kind, *, n: int, prev: str) -> bytes:
    # By hand, since it is the hot path; a property test holds it equal to RFC 8785's form.
    return (
        f'{{"actor":{who},"at":{at},"commitment":"","deal":{deal},'
        f'"kind":"{kind}","n":{n},"prev":"{prev}","v":1}}'
    ).encode()


@lru_cache(maxsize=4096)
def _quoted_deal(deal_id: str) -> str:
    if not deal_id or not deal_id.isascii() or not deal_id.replace("_", "").isalnum():
        raise BodyRefused("the deal is not named by an id")
    return quote(deal_id)


def is_own(pen: Pen | None, entry: bytes, salt: bytes, body: bytes) -> bool:
    """Whether this home wrote an entry, as its salt shows; without a pen nothing can be told.

    Args:
        pen: the home's.
        entry: its exact bytes.
        salt: as it was kept.
        body: the exact bytes that it commits to.
    """
    if pen is None:
        return True
    bare = _COMMITTED.sub(_OPEN, entry, count=1)
    return pen.made(salt, SALT, bare, body)


def head(tx: Tx, deal_id: str) -> Head | None:
    """Returns the head of a chain, None when it has no entry."""
    row = tx.one(_HEAD, (deal_id,))
    return Head(*row) if row else None


def heads(tx: Tx) -> Iterator[tuple[str, Head]]:
    """Yields every chain with its head, in the order of the chains' ids."""
    for (deal_id,) in tx.all(_CHAINS):
        found = head(tx, deal_id)
        if found:
            yield deal_id, found
