"""Reads an export once, from its first line to its last, and finds what is wrong with it.

Rules kept here:

1. Every entry is numbered, chained to the one before, and commits to its body where one is given.
2. Every signed statement is numbered, chained, signed by a key of the home, and shows the chain's
   head under its root, or by its neighbours that the chain was not there yet. The newest
   statement covers the last entry.
3. A statement that was kept outside the host must be one of these, or shown to be younger than
   the export (``younger``). This is what finds a chain that was rewritten or shortened and
   signed again with the host's own key.
4. The export as a whole is signed: a changed byte anywhere is found. It ends with its own entry
   and the statement signed with that: an export cannot end where the host made none.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from orchestrator.audit.offline.receipts import judge
from orchestrator.audit.offline.report import Outside, Report, Span, Trust
from orchestrator.audit.offline.roots import absent, leaf_of, root_of, signed
from orchestrator.audit.offline.values import (
    HASH_BYTES,
    Unreadable,
    bytes_of,
    instant_of,
    iso,
    json_object,
    text_of,
)
from orchestrator.audit.offline.younger import Stated, contradictions, following, summed

HEAD_DOMAIN = b"wallcross audit head v1\n"
EXPORT_DOMAIN = b"wallcross audit export v1\n"
GENESIS = "0" * 64
EXPORTED = "audit.exported"
SALT_BYTES = 32
ENTRY_FIELDS = {"actor", "at", "commitment", "deal", "kind", "n", "prev", "v"}
STATEMENT_FIELDS = {"at", "home", "n", "prev", "root", "size", "v"}
SEAL = re.compile(
    rb'\{"key_id":"([0-9a-f]{16})","sha256":"([0-9a-f]{64})","signature":"([0-9a-f]{128})",'
    rb'"type":"seal"\}\n'
)
ORDER = ["export", "key", "entry", "head", "anchor", "failing", "seal"]


def verify(
    lines: Iterable[bytes],
    *,
    trust: Trust | None = None,
    outside: Iterable[Outside] = (),
    sealed: bool = True,
) -> Report:
    """Checks an export.

    Args:
        lines: the export's lines, each with its line feed.
        trust: what the reader trusts from elsewhere.
        outside: statements that were kept outside the host.
        sealed: the last line must be the host's signature of the whole.
    """
    check = _Check(trust or Trust(), sealed=sealed)
    for number, line in enumerate(lines, 1):
        try:
            check.line(line)
        except (Unreadable, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = (
                str(error) if isinstance(error, Unreadable) else "has not the form it must have"
            )
            check.report.problem("form", f"line {number}", f"This line {reason}.")
    check.finish(list(outside))
    return check.report


@dataclass
class _Head:
    n: int
    at: int
    digest: bytes
    covers: int  # the chain's entries up to this number; 0: none


class _Check:
    """Reads an export once, from its first line to its last."""

    def __init__(self, trust: Trust, *, sealed: bool) -> None:
        self.report = Report()
        self._trust = trust
        self._sealed = sealed
        self._seal_seen = False
        self._whole = sha256()
        self._stage = -1
        self._keys: dict[str, bytes] = {}
        self._hashes = bytearray()
        self._instants: list[int] = []
        self._heads: list[_Head] = []
        self._prev_statement = GENESIS
        self._said = (0, 0)  # number and instant of the last statement, by the first line
        self._last_kind = ""
        self._younger: Mapping[bytes, Stated] = {}
        self._relied: dict[int, int] = {}  # statement number -> instant of an anchor relied on
        self._claimed: dict[int, int] = {}

    # -- lines

    def line(self, line: bytes) -> None:
        if line.startswith(b'{"key_id"') and b'"type":"seal"' in line:
            self._seal(line)
            return
        self._whole.update(line)
        if not line.endswith(b"\n"):
            raise Unreadable("does not end with a line feed")
        row = json_object(line)
        stage = ORDER.index(row["type"]) if row.get("type") in ORDER else -1
        if stage < max(self._stage, 0) or (stage == 0) != (self._stage == -1) or self._seal_seen:
            raise Unreadable("is unknown or stands in the wrong place")
        self._stage = stage
        getattr(self, "_" + row["type"])(row)

    def _export(self, row: Mapping[str, Any]) -> None:
        if row["v"] != 1:
            raise Unreadable("names a version of the format that this program does not know")
        self.report.deal, self.report.home = text_of(row, "deal"), text_of(row, "home")
        self.report.bodies, self.report.made_up = row["bodies"] is True, row["made_up"] is True
        self._said = row["statements"], instant_of(row)

    def _key(self, row: Mapping[str, Any]) -> None:
        public = bytes_of(row, "public", HASH_BYTES)
        name = sha256(public).hexdigest()[:16]
        if row["key_id"] != name:
            self.report.problem("key.name", name, "A key in the export does not have its own name.")
        self._keys[name] = public
        self.report.keys.append(public.hex())

    def _entry(self, row: Mapping[str, Any]) -> None:
        raw = text_of(row, "entry").encode()
        entry = json_object(raw)
        n = len(self._instants) + 1
        if set(entry) != ENTRY_FIELDS or entry["v"] != 1:
            self.report.problem(
                "entry.form", f"entry {n}", "An entry has other fields than it must."
            )
        self._place(entry, n)
        self._body(row, entry, n)
        if self._instants and entry["at"] < self._instants[-1]:
            self.report.clock_went_back += 1
        self._hashes += sha256(raw).digest()
        self._instants.append(instant_of(entry))
        self._last_kind = entry["kind"]

    def _place(self, entry: Mapping[str, Any], n: int) -> None:
        where = f"entry {n}"
        if entry["deal"] != self.report.deal:
            self.report.problem("entry.deal", where, "An entry belongs to another chain.")
        if entry["n"] != n:
            self.report.problem(
                "entry.gap", where,
                f"Here stands entry {entry['n']}: an entry is missing, doubled or out of order.",
            )  # fmt: skip
        prev = self._hashes[-HASH_BYTES:].hex() or GENESIS
        if entry["prev"] != prev:
            self.report.problem(
                "entry.chain", where,
                "This entry does not continue the one before it: one of the two was changed.",
            )  # fmt: skip

    def _body(self, row: Mapping[str, Any], entry: Mapping[str, Any], n: int) -> None:
        where = f"entry {n}"
        if not self.report.bodies:
            if "body" in row or "salt" in row:
                raise Unreadable("holds a body although bodies were left out")
            return
        salt, body = bytes_of(row, "salt", SALT_BYTES), text_of(row, "body").encode()
        if sha256(salt + body).hexdigest() != entry["commitment"]:
            self.report.problem(
                "entry.body", where, "The body or its salt is not the one that was recorded."
            )

    def _head(self, row: Mapping[str, Any]) -> None:
        raw = text_of(row, "statement").encode()
        statement = json_object(raw)
        where = f"statement {len(self._heads) + 1}"
        if set(statement) != STATEMENT_FIELDS or statement["v"] != 1:
            self.report.problem("head.form", where, "A statement has other fields than it must.")
        if statement["home"] != self.report.home or statement["n"] != len(self._heads) + 1:
            self.report.problem("head.gap", where, "A statement is missing or of another home.")
        if statement["prev"] != self._prev_statement:
            self.report.problem("head.chain", where, "A statement does not continue the last one.")
        self._signature(row["key_id"], row["signature"], HEAD_DOMAIN + raw, where)
        covers = self._included(statement, row["proof"], where)
        digest = sha256(raw).digest()
        self._prev_statement = digest.hex()
        self._heads.append(_Head(statement["n"], instant_of(statement), digest, covers))

    def _signature(self, name: str, signature: str, data: bytes, where: str) -> None:
        public = self._keys.get(name)
        if public is None:
            self.report.problem("key.unknown", where, "It is signed by a key not in the export.")
        elif not signed(public, bytes.fromhex(signature), data):
            self.report.problem("signature", where, "The host's signature is not valid.")

    def _included(self, statement: Mapping[str, Any], proof: Any, where: str) -> int:
        """Returns how many of the chain's entries the statement covers."""
        root, size, last = statement["root"], statement["size"], self._heads[-1:]
        before = last[0].covers if last else 0
        if size != proof["size"]:
            self.report.problem("head.proof", where, "The proof is for a root of another size.")
        if "in" in proof:
            return self._present(proof["in"], root, size, where, before)
        if before or not absent(self.report.deal, proof, root, size):
            self.report.problem(
                "head.absent", where,
                "It is not shown that the chain had no entry when this was signed.",
            )  # fmt: skip
        return 0

    def _present(
        self, proof: Mapping[str, Any], root: str, size: int, where: str, before: int
    ) -> int:
        n = proof["n"]
        if type(n) is not int or not max(before, 1) <= n <= len(self._instants):
            self.report.problem(
                "head.truncated", where,
                f"The host signed that the chain had {n} entries; the export does not have them.",
            )  # fmt: skip
            return before
        digest = self._hashes[(n - 1) * HASH_BYTES : n * HASH_BYTES].hex()
        leaf = leaf_of(self.report.deal, n, digest)
        if root_of(leaf, proof["index"], size, proof["path"]) != root:
            self.report.problem(
                "head.contradicted", where,
                f"What the host signed at this time is not this chain: an entry up to number {n} "
                "was changed afterwards.",
            )  # fmt: skip
        return n

    def _anchor(self, row: Mapping[str, Any]) -> None:
        number = row["head"]
        if type(number) is not int or not 1 <= number <= len(self._heads):
            raise Unreadable("names a statement that is not in the export")
        head, kind = self._heads[number - 1], text_of(row, "kind")
        receipt = base64.b64decode(text_of(row, "receipt"), validate=True)
        state, at = judge(kind, receipt, head.digest, self._trust)
        if state == "failed":
            self.report.problem(
                "anchor.receipt", f"statement {number}",
                f"The receipt of the anchor {row['name']!r} is for something else, or not valid.",
            )  # fmt: skip
        name = f"{kind}: {state}"
        self.report.anchors[name] = self.report.anchors.get(name, 0) + 1
        if state == "verified":
            _earliest(self._relied, number, at)
        if state != "failed":
            _earliest(self._claimed, number, head.at if at is None else at)

    def _failing(self, row: Mapping[str, Any]) -> None:
        self.report.failing.append({k: row[k] for k in ("name", "kind", "since", "code")})

    def _seal(self, line: bytes) -> None:
        found = SEAL.fullmatch(line)
        if not found or self._seal_seen:
            raise Unreadable("is no proper seal")
        self._seal_seen = True
        name, digest, signature = (part.decode() for part in found.groups())
        if digest != self._whole.hexdigest():
            self.report.problem("seal", "the export", "A byte was changed after it was made.")
        self._signature(name, signature, EXPORT_DOMAIN + bytes.fromhex(digest), "the export's seal")

    # -- the end

    def finish(self, outside: list[Outside]) -> None:
        report = self.report
        if self._sealed and not self._seal_seen:
            report.problem("seal", "the export", "The end is missing: it is cut off or not signed.")
        self._covered()
        self._ends_as_made()
        self._pinned()
        self._compared(outside)
        report.entries, report.statements = len(self._instants), len(self._heads)
        if self._instants:
            report.first_at, report.last_at = iso(self._instants[0]), iso(self._instants[-1])
        if self._heads:
            report.signed_at = iso(self._heads[-1].at)
        report.longest_unanchored = self._span(self._relied)
        report.longest_unanchored_seconds = report.longest_unanchored.seconds
        report.claimed_unanchored_seconds = self._span(self._claimed | self._relied).seconds

    def _covered(self) -> None:
        covered = self._heads[-1].covers if self._heads else 0
        self.report.unsigned_entries = len(self._instants) - covered
        if self._sealed and (not self._heads or self.report.unsigned_entries):
            self.report.problem(
                "head.uncovered", "the export",
                f"The newest signed statement covers {covered} of {len(self._instants)} entries.",
            )  # fmt: skip

    def _ends_as_made(self) -> None:
        last = (self._heads[-1].n, self._heads[-1].at) if self._heads else (0, 0)
        if self._said != last:
            self.report.problem(
                "export.end", "the export", "It does not end with the statement that it names."
            )
        if self._sealed and (self._last_kind, self._instants[-1:]) != (EXPORTED, [last[1]]):
            self.report.problem(
                "export.cut", "the export",
                "It does not end with its own entry and the statement signed with that: it was "
                "cut short where no export was made.",
            )  # fmt: skip

    def _pinned(self) -> None:
        if not self._trust.host_keys:
            return
        self.report.host_key = "as given"
        if not set(self._keys.values()) <= self._trust.host_keys:
            self.report.host_key = "another one"
            self.report.problem("key.host", "the export", "A signing key is not one of yours.")

    def _compared(self, outside: list[Outside]) -> None:
        """Holds the export against what was kept outside the host."""
        home = self.report.home
        for name, n in contradictions(home, [head.digest for head in self._heads], outside):
            self.report.problem(
                "anchor.forked", name, f"The host signed two different statements of number {n}."
            )
        if self._sealed and self._heads:  # a living chain is never older than what it signed
            self._younger = following(home, self._heads[-1].n, self._heads[-1].digest, outside)
        known = {head.digest: head for head in self._heads}
        for item in outside:
            self._held_outside(item, known.get(item.digest))
        self._told_younger(outside)

    def _held_outside(self, item: Outside, head: _Head | None) -> None:
        newer = self._younger.get(item.digest)
        self.report.outside.append(
            {"name": item.name, "statement": head.n if head else None, "newer": newer is not None}
        )
        if head:
            _earliest(self._relied, head.n, head.at if item.at is None else item.at)
        elif newer is None:
            self.report.problem(
                "anchor.contradicted", item.name,
                "The host once signed this statement; the export does not contain it, and it is "
                "not shown to follow on the export's last one: the records were rewritten or cut "
                "short, or what lies between was not given (a later export has all of it).",
            )  # fmt: skip
        elif item.statement is not None and not self._by_a_key_of_ours(item):
            self.report.problem(
                "anchor.signature", item.name,
                "This newer statement is not signed by a key in the export.",
            )  # fmt: skip
        else:
            last = self._heads[-1].n  # whoever holds a later statement holds all before it
            _earliest(self._relied, last, newer.at if item.at is None else item.at)

    def _by_a_key_of_ours(self, item: Outside) -> bool:
        data = HEAD_DOMAIN + (item.statement or b"")
        return any(signed(key, item.signature or b"", data) for key in self._keys.values())

    def _told_younger(self, outside: list[Outside]) -> None:
        self.report.newer = summed(self._younger, outside, len(self._heads))
        self.report.newer_statements = self.report.newer.count if self.report.newer else 0

    def _span(self, anchored: Mapping[int, int]) -> Span:
        """Finds the longest time from an entry to the first anchor that covers it."""
        longest, covered = Span(), 0
        for head in self._heads:
            if head.n in anchored and head.covers > covered:
                longest = self._longer(longest, covered, anchored[head.n])
                covered = head.covers
        if covered < len(self._instants) and self._heads:
            longest = self._longer(longest, covered, self._heads[-1].at)
        return longest

    def _longer(self, longest: Span, covered: int, until: int) -> Span:
        since = self._instants[covered] if covered < len(self._instants) else until
        seconds = round(max(0, until - since) / 1e6, 6)
        return Span(seconds, iso(since), iso(until)) if seconds > longest.seconds else longest


def _earliest(known: dict[int, int], number: int, at: int | None) -> None:
    if at is not None:
        known[number] = min(at, known.get(number, at))
