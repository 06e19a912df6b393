"""One-time codes as the chain states them: whose, for which channel, until when, and what of them.

Rules kept here:

1. A code is known by a digest over itself, its enrolment and its channel: whoever reads the store
   learns none. Its first word alone is known, so that a wrong try is counted against one code and
   a stranger's guesses do not close everybody's.
2. It is open once: used, tried too often, replaced, refused or past its time, it opens nothing.
3. It says whose an account is. What he may see, the adopted roster says.
"""

import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from orchestrator.audit.kinds import Kind
from tiers.ids import ConnectorName, PersonId

MOST_TRIES = 5
USED, TRIES, REPLACED, TAKEN, OTHER = "used", "tries", "replaced", "account-taken", "other-account"
"""Why a code is closed: its person used it; somebody guessed; another was handed out; it came from
an account of somebody else; it came from another account than is known as its person's."""


@dataclass(frozen=True, slots=True)
class Code:
    """A code that was handed out.

    Attributes:
        first: number of its first word on the list.
        digest: of the whole; see ``digest_of``.
        until: the first instant at which it opens nothing any more, microseconds UTC.
        closed: why it was closed; None while it was not.
    """

    enrolment: str
    person: PersonId
    channel: ConnectorName
    first: int
    digest: str
    until: int
    closed: str | None = None

    def open(self, at: int) -> bool:
        """Whether it may be used at ``at``."""
        return self.closed is None and at < self.until


Codes = Mapping[tuple[str, ConnectorName], Code]
"""By enrolment and channel."""


def digest_of(enrolment: str, channel: str, words: Sequence[str]) -> str:
    """What is kept of a code, in hexadecimal."""
    text = "\n".join(["wallcross enrolment v1", enrolment, channel, " ".join(words)])
    return sha256(text.encode()).hexdigest()


def after(
    codes: dict[tuple[str, ConnectorName], Code], kind: Kind, body: Mapping[str, Any]
) -> None:
    """Takes one more entry about a code in."""
    key = body["enrolment"], ConnectorName(body["channel"])
    if kind is Kind.ENROLMENT_OPENED:
        codes[key] = Code(
            key[0], PersonId(body["person"]), key[1], body["first"], body["digest"], body["until"]
        )
    elif kind is Kind.ENROLMENT_CLOSED and key in codes:
        codes[key] = replace(codes[key], closed=body["because"])


@dataclass(frozen=True, slots=True)
class Tried:
    """What six words come to.

    Attributes:
        code: the one that they are, open or not; None: they are none.
        against: open codes that begin with the same word, where they are none.
    """

    code: Code | None
    against: tuple[Code, ...]


def tried(codes: Iterable[Code], channel: str, words: Sequence[str], first: int, at: int) -> Tried:
    """Which code six words are; every candidate is compared, in the same time.

    Args:
        codes: of one deal.
        channel: on which they came.
        words: as sent.
        first: number of the first word on the list.
        at: now, microseconds UTC.
    """
    like = [c for c in codes if c.channel == channel and c.first == first]
    same = [hmac.compare_digest(c.digest, digest_of(c.enrolment, channel, words)) for c in like]
    found = [code for code, is_it in zip(like, same, strict=True) if is_it]
    if found:
        return Tried(found[0], ())
    return Tried(None, tuple(c for c in like if c.open(at)))


def replaced_by(codes: Codes, person: PersonId, channels: Collection[str], at: int) -> list[Code]:
    """Open codes of a person that new ones for ``channels`` take the place of."""
    return [
        c for c in codes.values() if c.person == person and c.channel in channels and c.open(at)
    ]
