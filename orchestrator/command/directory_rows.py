"""Rows of what a directory said; they give nobody anything.

Rule kept here: a change is written with its entry in the home's chain, which names the identity by
its id and says in a word what became of it.
"""

import json
from collections.abc import Sequence

from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client.directory import Identity, IdentityKind
from orchestrator.deals.book import HOME
from orchestrator.store.unit import Row, Tx

_COLUMNS = "identity_id, kind, name, external, shown, active, members, version, made_at, changed_at"
_BY = {"id": "identity_id = ?", "name": "folded = ?", "external": "external = ?"}
Where = tuple[str, str] | None
"""Of which identities: a field (``id``, ``name``, ``external``) and its value; None: all."""


def folded(name: str) -> str:
    """A name as it is compared (RFC 7643, 2.2: ``userName`` is not case-exact)."""
    return name.casefold()


def find(
    tx: Tx, kind: IdentityKind, where: Where, *, first: int = 0, most: int = -1
) -> tuple[int, list[Identity]]:
    """How many identities fit, and some of them, in the order in which they came."""
    condition, params = "kind = ?", [str(kind)]
    if where is not None:
        condition += f" AND {_BY[where[0]]}"
        params.append(folded(where[1]) if where[0] == "name" else where[1])
    count = tx.one(f"SELECT count(*) FROM identity WHERE {condition}", tuple(params))  # noqa: S608 - words of ours
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM identity WHERE {condition} "  # noqa: S608 - likewise
        "ORDER BY made_at, identity_id LIMIT ? OFFSET ?",
        (*params, most, first),
    )
    return (int(count[0]) if count else 0), [_identity(row) for row in rows]


def one(tx: Tx, kind: IdentityKind, identity: str) -> Identity | None:
    """An identity; None where there is none of that id and kind."""
    _, found = find(tx, kind, ("id", identity))
    return found[0] if found else None


def gone_names(tx: Tx) -> frozenset[str]:
    """Names, as they are compared, of those who do not work there any more."""
    rows = tx.all("SELECT folded FROM identity WHERE kind = 'user' AND NOT active")
    return frozenset(name for (name,) in rows)


def put(tx: Tx, identity: Identity, state: str, *, actor: str) -> None:
    """Writes an identity as it is now, with its entry."""
    values = (
        *(identity.identity_id, identity.kind, identity.name, folded(identity.name)),
        *(identity.external, identity.shown, int(identity.active)),
        *(json.dumps(identity.members), identity.version, identity.made_at, identity.changed_at),
    )
    tx.run(
        "INSERT INTO identity (identity_id, kind, name, folded, external, shown, active, members, "
        "version, made_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (identity_id) DO UPDATE SET name = excluded.name, folded = excluded.folded, "
        "external = excluded.external, shown = excluded.shown, active = excluded.active, "
        "members = excluded.members, version = excluded.version, changed_at = excluded.changed_at",
        values,
    )
    _told(tx, identity, state, identity.changed_at, actor)


def drop(tx: Tx, identity: Identity, *, at: int, actor: str) -> None:
    """Forgets an identity, with its entry; groups have it no more."""
    tx.run("DELETE FROM identity WHERE identity_id = ?", (identity.identity_id,))
    held = f'%"{identity.identity_id}"%'
    for name, members in tx.all(
        "SELECT identity_id, members FROM identity WHERE kind = 'group' AND members LIKE ?", (held,)
    ):
        left: Sequence[str] = [m for m in json.loads(members) if m != identity.identity_id]
        tx.run(
            "UPDATE identity SET members = ?, version = version + 1, changed_at = ? "
            "WHERE identity_id = ?",
            (json.dumps(left), at, name),
        )
    _told(tx, identity, "gone", at, actor)


def _told(tx: Tx, identity: Identity, state: str, at: int, actor: str) -> None:
    body = {"identity": identity.identity_id, "what": identity.kind, "state": state}
    append(tx, HOME, Kind.IDENTITY_TOLD, body, at=at, actor=actor)


def _identity(row: Row) -> Identity:
    name, kind, called, external, shown, active, members, version, made_at, changed_at = row
    return Identity(
        identity_id=name,
        kind=kind,
        name=called,
        external=external,
        shown=shown,
        active=bool(active),
        members=tuple(json.loads(members)),
        version=version,
        made_at=made_at,
        changed_at=changed_at,
    )
