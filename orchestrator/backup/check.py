"""Whether a backup is whole and its record holds: offline, without the home and its secrets.

Rules kept here:

1. Nothing is believed that the manifest's signature does not cover, and every member is compared
   with it: a missing, a changed and an additional one are named.
2. The record in the store is checked by the program that checks exports. Each chain must end
   where the manifest says, and the key that signed must be one of the record's own.
3. A backup of a newer program is not judged by an older one.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pyrage

from orchestrator.audit.chain import heads
from orchestrator.audit.heads import public_keys
from orchestrator.audit.offline.report import Trust
from orchestrator.audit.verify import verify_chain
from orchestrator.backup.envelope import open_into
from orchestrator.backup.layout import HOME_ID, STORE, is_below
from orchestrator.backup.manifest import Manifest, NotAManifest, read
from orchestrator.backup.snapshot import NAMED
from orchestrator.backup.unpack import STILL, Unpacker
from orchestrator.client.problems import Failed
from orchestrator.store.schema import migrations, refuse_foreign
from orchestrator.store.unit import StoreError, Tx

MOST = 20
"""Problems that are named."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found in a backup.

    Attributes:
        manifest: what it says of itself.
        bytes: of all members.
        deals: how many there are.
        entries: of all chains.
        sealed: bodies and names that open only while the epoch key of their hour lives.
        copies: of messages, for counsel.
        problems: what does not hold; none: it is as it was made.
    """

    manifest: Manifest
    bytes: int
    deals: int = 0
    entries: int = 0
    sealed: int = 0
    copies: int = 0
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class _Found:
    deals: int = 0
    entries: int = 0
    sealed: int = 0
    copies: int = 0
    problems: list[str] = field(default_factory=list)


def verify(
    file: BinaryIO,
    identities: Sequence[pyrage.x25519.Identity],
    folder: Path,
    *,
    whole: bool = False,
) -> Verified:
    """Opens a backup, compares every member, and checks the record in it.

    Args:
        file: the backup.
        identities: keys of which one opens it.
        folder: private and empty; the store is written into it.
        whole: writes everything into it.

    Raises:
        Failed: it cannot be opened or read to its end, was made by a newer program, or its
            manifest is not its home's.
        OSError: it could not be written.
    """
    with Unpacker(folder, lambda name: whole or name in {STORE, HOME_ID}) as unpacker:
        open_into(file, identities, unpacker)
        last = unpacker.finish()
    try:
        manifest = read(last)
    except NotAManifest:
        raise Failed("Its manifest is damaged, or not signed as it says", still=STILL) from None
    _refuse_newer(manifest)
    found = _Found(problems=[*_differing(manifest, unpacker.members)])
    if not found.problems:
        _check_store(folder, manifest, found)
    size = sum(size for size, _ in unpacker.members.values())
    counts = (found.deals, found.entries, found.sealed, found.copies)
    return Verified(manifest, size, *counts, tuple(found.problems[:MOST]))


def _refuse_newer(manifest: Manifest) -> None:
    newest = migrations()[-1][0]
    if manifest.schema > newest:
        wrong = f"Wallcross {manifest.program} made this backup, which is newer than this program"
        raise Failed(wrong, still=STILL, then="use the program that made it, or a newer one")


def _differing(manifest: Manifest, members: dict[str, tuple[int, str]]) -> Iterator[str]:
    for name in sorted(manifest.members.keys() | members.keys()):
        said, there = manifest.members.get(name), members.get(name)
        if there is None:
            yield f"{name}: missing"
        elif said is None:
            yield f"{name}: not in the manifest"
        elif said != there:
            yield f"{name}: damaged, its content is not the one that was signed"
    for needed in (STORE, HOME_ID):
        if needed not in manifest.members:
            yield f"{needed}: missing, also in the manifest"


def _check_store(folder: Path, manifest: Manifest, found: _Found) -> None:
    if (folder / HOME_ID).read_text().strip() != manifest.home:
        found.problems.append(f"{HOME_ID}: another home than the manifest names")
    try:
        with closing(_opened(folder / STORE)) as connection:
            found.problems += _judged(Tx(connection), manifest, found)
    except (sqlite3.Error, StoreError) as error:
        found.problems.append(f"{STORE}: {error}")
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        found.problems.append(f"{STORE}: its record cannot be read ({type(error).__name__})")


def _opened(path: Path) -> sqlite3.Connection:
    """The store, which nothing writes and beside which nothing is made."""
    return sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)


def _judged(tx: Tx, manifest: Manifest, found: _Found) -> Iterator[str]:
    for (word,) in tx.all("PRAGMA integrity_check(5)"):
        if word != "ok":
            yield f"{STORE}: {word}"
            return
    for (name,) in tx.all("SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view')"):
        yield f"{STORE}: {name!a} would act by itself; no store of ours has one"
        return
    refuse_foreign(tx.connection, migrations())
    public = bytes.fromhex(manifest.public)
    if public not in public_keys(tx).values():
        yield f"{STORE}: its record knows nothing of the key that signed the manifest"
        return
    yield from _chains(tx, manifest, found, public)
    yield from _named(tx, manifest)
    found.deals = tx.all("SELECT count(*) FROM deal")[0][0]
    found.sealed = tx.all("SELECT count(*) FROM sealed")[0][0]
    found.copies = tx.all("SELECT count(*) FROM journal WHERE key_id IS NOT NULL")[0][0]


def _chains(tx: Tx, manifest: Manifest, found: _Found, public: bytes) -> Iterator[str]:
    ends = {deal: (head.n, head.hash.hex()) for deal, head in heads(tx)}
    if ends != dict(manifest.heads):
        yield f"{STORE}: its chains do not end where the manifest says"
    trust = Trust(host_keys={public, *public_keys(tx).values()})
    for deal in ends:
        report = verify_chain(tx, deal, manifest.home, trust=trust)
        found.entries += report.entries
        for problem in report.problems:
            yield f"{STORE}: chain {deal}, {problem.where}: {problem.words}"


def _named(tx: Tx, manifest: Manifest) -> Iterator[str]:
    """Files that the store names, against those that there are."""
    for folder, sql in NAMED.items():
        named = {f"{folder}/{name}" for (name,) in tx.all(sql)}
        there = {name for name in manifest.members if is_below(name, folder)}
        absent = {name for name in manifest.absent if is_below(name, folder)}
        for name in sorted(named ^ (there | absent)):
            yield f"{name}: {'missing' if name in named else 'nothing in the store names it'}"
