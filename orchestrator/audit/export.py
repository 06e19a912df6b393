"""What a regulator or counsel gets: one chain with all that it takes to check it far from here.

Rules kept here:

1. The export carries the exact bytes that were hashed and signed; nothing is written anew.
2. Whoever gets an export without bodies gets no salts either: with a salt a body can be guessed.
3. The newest statement in it was signed for it, at the instant of its own entry, which is the
   last: an export cannot be cut off at just any statement. The whole is signed.
4. A copy of the checking program goes with it, for convenience: whoever does not trust the
   host takes the program from a release instead.

The lines, in this order: ``export``, ``key`` …, ``entry`` …, ``head`` …, ``anchor`` …,
``failing`` …, ``seal``; docs/audit.md has their fields.
"""

import asyncio
import base64
import re
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from importlib import resources
from pathlib import Path

from orchestrator.audit.body import Json, canonical_of
from orchestrator.audit.chain import append
from orchestrator.audit.heads import HeadKey, public_keys, sign_heads, signed_heads
from orchestrator.audit.kinds import Kind
from orchestrator.audit.proofs import proofs
from orchestrator.store.unit import Store, Tx, connect

DOMAIN = b"wallcross audit export v1\n"
FILE, PROGRAM, READ_ME = "audit.jsonl", "verify_audit.py", "README.txt"
MODULES = ("values", "roots", "report", "younger", "token", "receipts", "check", "pack", "command")
"""Modules of ``orchestrator.audit.offline``, in the order in which they make one program."""
_OURS = re.compile(r"(?m)^from orchestrator\.audit\.offline\.\w+ import (?:\([^)]*\)|[^(\n]*)\n")
_ABOUT = """This folder is an audit export of one deal.

Check it with Python 3.11 or newer and the package "cryptography" (pip install cryptography):

    python {program} . --anchor WHAT-YOU-KEPT

WHAT-YOU-KEPT is anything that was kept outside the host: an anchor's file or folder, a mail from
the anchor, a timestamp response, an earlier export. Without it, a host that rewrote all of its
records and signed them again cannot be told from an honest one. {program} came from the host as
well: take it from a release of Wallcross if you do not trust the host.
"""


async def export(
    store: Store, deal_id: str, folder: Path, key: HeadKey, *, at: int, actor: str,
    bodies: bool = True,
) -> int:  # fmt: skip
    """Writes a deal's chain into a new folder, signed for the occasion and audited itself.

    Args:
        store: the home's store.
        deal_id: the chain.
        folder: is made; must not exist yet.
        key: the home's key.
        at: microseconds UTC.
        actor: who asked for it.
        bodies: without them (and their salts) the export still verifies.

    Returns:
        how many entries it holds.

    Raises:
        FileExistsError: the folder is there already.
        LookupError: the chain has no entry.
    """

    def sign(tx: Tx) -> tuple[int, int]:
        n = append(tx, deal_id, Kind.AUDIT_EXPORTED, {"bodies": bodies}, at=at, actor=actor)
        return n, sign_heads(tx, key, at=at).n

    if not await store.read(lambda tx: tx.one("SELECT 1 FROM audit WHERE deal_id = ?", (deal_id,))):
        raise LookupError(f"there is no audit of {deal_id}")
    await asyncio.to_thread(folder.mkdir, mode=0o700)
    count, last = await store.write(sign)
    await asyncio.to_thread(_write, store.path, deal_id, folder, key, last=last, bodies=bodies)
    return count


def _write(
    store: Path, deal_id: str, folder: Path, key: HeadKey, *, last: int, bodies: bool
) -> None:
    # a connection of its own: a long export neither delays other readers nor sees later entries
    with closing(connect(store, readonly=True)) as connection, (folder / FILE).open("xb") as file:
        connection.execute("BEGIN")
        unsealed = lines(Tx(connection), deal_id, key.home, bodies=bodies, last=last)
        file.writelines(sealed(unsealed, key))
    (folder / PROGRAM).write_text(bundle(), encoding="utf-8")
    (folder / READ_ME).write_text(_ABOUT.format(program=PROGRAM), encoding="utf-8")


def lines(
    tx: Tx, deal_id: str, home: str, *, bodies: bool = True, last: int | None = None
) -> Iterator[bytes]:
    """Yields the lines of an export, without its seal.

    Args:
        tx: one snapshot of the store.
        deal_id: the chain.
        home: the home's id.
        bodies: with bodies and salts.
        last: the last statement, and with it the last entry; None: all that there is, also
            entries that no signed statement covers yet.
    """
    made_up = tx.one("SELECT made_up FROM deal WHERE deal_id = ?", (deal_id,))
    upto, at = _newest(tx, last)
    yield _line("export", v=1, deal=deal_id, home=home, bodies=bodies, statements=upto, at=at,
                made_up=bool(made_up and made_up[0]))  # fmt: skip
    for name, public in sorted(public_keys(tx).items()):
        yield _line("key", key_id=name, public=public.hex())
    yield from _entries(tx, deal_id, _last(tx, deal_id, last), bodies=bodies)
    for head, (_, proof) in zip(signed_heads(tx), proofs(tx, deal_id), strict=True):
        if head.n > upto:
            break
        yield _line("head", statement=head.statement.decode(), signature=head.signature.hex(),
                    key_id=head.key_id, proof=proof)  # fmt: skip
    yield from _anchors(tx, upto)


def sealed(unsealed: Iterator[bytes], key: HeadKey) -> Iterator[bytes]:
    """Yields the lines and at last the host's signature of all of them."""
    whole = sha256()
    for line in unsealed:
        whole.update(line)
        yield line
    signature = key.sign(DOMAIN + whole.digest())
    yield _line("seal", key_id=key.key_id, sha256=whole.hexdigest(), signature=signature.hex())


def bundle() -> str:
    """Returns the checking program as one file that needs nothing else of ours."""
    folder = resources.files("orchestrator.audit.offline")
    parts = [(folder / f"{name}.py").read_text(encoding="utf-8") for name in MODULES]
    return "\n\n".join(_OURS.sub("", part) for part in parts)


def _newest(tx: Tx, last: int | None) -> tuple[int, int]:
    row = tx.one(
        "SELECT n, at FROM audit_head WHERE n <= ifnull(?, n) ORDER BY n DESC LIMIT 1", (last,)
    )
    return (row[0], row[1]) if row else (0, 0)


def _last(tx: Tx, deal_id: str, head: int | None) -> int:
    if head is None:
        row = tx.one("SELECT max(n) FROM audit WHERE deal_id = ?", (deal_id,))
    else:
        row = tx.one(
            "SELECT max(n) FROM audit_leaf WHERE deal_id = ? AND head <= ?", (deal_id, head)
        )
    return (row and row[0]) or 0


def _entries(tx: Tx, deal_id: str, last: int, *, bodies: bool) -> Iterator[bytes]:
    rows = tx.connection.execute(
        "SELECT entry, salt, body FROM audit WHERE deal_id = ? AND n <= ? ORDER BY n",
        (deal_id, last),
    )
    for entry, salt, body in rows:
        shown = {"body": body.decode(), "salt": salt.hex()} if bodies else {}
        yield _line("entry", entry=entry.decode(), **shown)


def _anchors(tx: Tx, last: int) -> Iterator[bytes]:
    for head, kind, name, receipt, at in tx.all(
        "SELECT head, kind, name, receipt, at FROM anchor WHERE head <= ? ORDER BY n", (last,)
    ):
        yield _line("anchor", head=head, kind=kind, name=name, at=at,
                    receipt=base64.b64encode(receipt).decode())  # fmt: skip
    for name, kind, since, code in tx.all(
        "SELECT name, kind, since, code FROM anchor_failing ORDER BY name"
    ):
        yield _line("failing", name=name, kind=kind, since=since, code=code)


def _line(type_: str, **fields: Json) -> bytes:
    return canonical_of({"type": type_} | fields) + b"\n"
