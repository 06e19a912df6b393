"""Journal keys made and split on a machine of counsel, never on the host.

How: an age X25519 identity; its 32 secret bytes are split with SLIP-39 (Shamir's scheme, published
by SatoshiLabs), one group for each side whose counsel must be present, M of N shares in a group.
The public file holds the recipient and a SHA-256 commitment of each share.

Rules kept here:

1. The private half and the shares are returned to be shown to people; nothing here writes them.
2. A key is handed out only after its shares were combined again and gave its recipient.
3. One share can be tested alone: its own checksum says that it was typed right, its commitment
   that it belongs to this key. A share has 256 random bits, so its commitment tells nothing of it.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyrage
import shamir_mnemonic
from shamir_mnemonic.share import Share

from orchestrator.journal import bech32
from orchestrator.journal.errors import BadShare
from orchestrator.journal.keys import FORMAT

SCHEME = "SLIP-39"
MOST = 16
"""Groups and shares of a group at most (SLIP-39 has four bits for each)."""
_IDENTITY_PREFIX = "age-secret-key-"
_COMMITMENT = b"wallcross journal share 1\n"


@dataclass(frozen=True, slots=True)
class Group:
    """One side's counsel: ``needed`` of ``shares`` people must be present."""

    name: str
    needed: int
    shares: int


@dataclass(frozen=True, slots=True)
class NewJournalKey:
    """What ``generate`` made.

    Attributes:
        public: the public file, to be adopted by the host.
        shares: group name to its shares, to be shown once, each to its own person.
    """

    public: dict[str, Any]
    shares: Mapping[str, Sequence[str]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class TestedShare:
    """A share that belongs to a key. ``number`` counts from 1 in its group."""

    __test__ = False  # a name that pytest would otherwise collect

    group: str
    number: int
    needed: int
    of: int


def generate(scope: str, groups: Sequence[Group]) -> NewJournalKey:
    """Makes a key for ``scope`` that opens only when every group has enough shares.

    Args:
        scope: ``joint`` or a side's id.
        groups: one for each side that must be present.

    Raises:
        BadShare: more than ``MOST`` groups or shares, or 1 of several (SLIP-39 refuses copies).
    """
    _check_groups(groups)
    identity = pyrage.x25519.Identity.generate()
    secret = bech32.decode(_IDENTITY_PREFIX, str(identity))
    counts = [(group.needed, group.shares) for group in groups]
    split = shamir_mnemonic.generate_mnemonics(len(groups), counts, secret)
    public = {
        "format": FORMAT,
        "scope": scope,
        "recipient": str(identity.to_public()),
        "scheme": SCHEME,
        "groups": [
            {"name": g.name, "needed": g.needed, "commitments": [_commitment(s) for s in shares]}
            for g, shares in zip(groups, split, strict=True)
        ],
    }
    combine(public, [share for shares in split for share in shares])
    return NewJournalKey(public, {g.name: tuple(s) for g, s in zip(groups, split, strict=True)})


def try_share(public: Mapping[str, Any], share: str) -> TestedShare:
    """Tests one share alone, without any other.

    Raises:
        BadShare: mistyped, or of another key.
    """
    parsed = _parse(share)
    digest = _commitment(parsed.mnemonic())
    for group in public["groups"]:
        for number, commitment in enumerate(group["commitments"], start=1):
            if hmac.compare_digest(commitment, digest):
                return TestedShare(
                    group["name"], number, group["needed"], len(group["commitments"])
                )
    raise BadShare("this share is typed right but belongs to another journal key")


def combine(public: Mapping[str, Any], shares: Iterable[str]) -> pyrage.x25519.Identity:
    """Returns the private half from enough shares; more than enough do no harm.

    Raises:
        BadShare: one is mistyped or of another key, or there are too few; says how many are
            missing in which group.
    """
    chosen = _choose(public, shares)
    try:
        secret = shamir_mnemonic.combine_mnemonics(chosen)
    except shamir_mnemonic.MnemonicError:
        raise BadShare("these shares do not combine to a key") from None
    identity = pyrage.x25519.Identity.from_str(bech32.encode(_IDENTITY_PREFIX, secret).upper())
    if str(identity.to_public()) != public["recipient"]:
        raise BadShare("these shares combine to another key than the public file names")
    return identity


def _choose(public: Mapping[str, Any], shares: Iterable[str]) -> list[str]:
    found: dict[str, dict[int, str]] = {group["name"]: {} for group in public["groups"]}
    for share in shares:
        tested = try_share(public, share)
        found[tested.group][tested.number] = share
    missing = [
        f"{group['needed'] - len(found[group['name']])} more of {group['name']}"
        for group in public["groups"]
        if len(found[group["name"]]) < group["needed"]
    ]
    if missing:
        raise BadShare(f"too few shares: {', '.join(missing)}")
    return [
        share
        for group in public["groups"]
        for share in list(found[group["name"]].values())[: group["needed"]]
    ]


def _parse(share: str) -> Share:
    try:
        return Share.from_mnemonic(" ".join(share.lower().split()))
    except (shamir_mnemonic.MnemonicError, ValueError):
        # its own message repeats words of the share
        raise BadShare("a share is mistyped: its checksum does not fit; type it again") from None


def _commitment(share: str) -> str:
    return hashlib.sha256(_COMMITMENT + share.encode()).hexdigest()


def _check_groups(groups: Sequence[Group]) -> None:
    names = {group.name for group in groups}
    if not 1 <= len(groups) <= MOST or len(names) != len(groups):
        raise BadShare(f"a journal key has 1 to {MOST} groups, each with its own name")
    for group in groups:
        if not 1 <= group.needed <= group.shares <= MOST:
            raise BadShare(
                f"{group.name}: needed must be 1 to the number of shares, at most {MOST}"
            )
        if group.needed == 1 and group.shares > 1:
            raise BadShare(f"{group.name}: 1 of {group.shares} would be copies of the key; take 2")
