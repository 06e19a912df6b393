"""What is agreed to, and the exact bytes that a person signs.

Rules kept here:

1. A plan is named by the hash of its canonical form. It holds ids, hashes and codes, no text.
2. What is signed names the deal, the plan, the instant at which it lapses, and the answer, a no
   with its reason: a yes is no no, nobody says another reason for him, and nothing signed for one
   deal or one request counts in another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from orchestrator.audit.body import Json, canonical_of

Answer = Literal["yes", "no"]
NAMESPACE = "wallcross"
"""Of SSH signatures: what was signed for anything else is worth nothing here."""
VERSION = 1


@dataclass(frozen=True)
class Plan:
    """One thing to be done.

    Attributes:
        verb: a code that names who carries it out, such as ``roster.adopt``.
        body: everything that the verb needs; ids, hashes, codes and numbers only.
    """

    verb: str
    body: Mapping[str, Json]

    @property
    def hash(self) -> str:
        """The sha256 of its canonical form, in hexadecimal."""
        return sha256(canonical_of({"body": dict(self.body), "verb": self.verb})).hexdigest()


def statement(
    deal_id: str, plan: str, expires: int, answer: Answer, reason: str | None = None
) -> bytes:
    """The canonical bytes (RFC 8785) that an approver signs.

    Args:
        deal_id: the deal.
        plan: the plan's hash.
        expires: when the request lapses, microseconds UTC.
        answer: yes or no.
        reason: why not, as a code; None with a yes, and in what was signed before there were any.
    """
    said = {"answer": answer, "deal": deal_id, "expires": expires, "plan": plan, "v": VERSION}
    return canonical_of(said if reason is None else {**said, "reason": reason})


def enrolment(deal_id: str, credential: str) -> bytes:
    """The canonical bytes that prove that a person holds the key that he enrols.

    Args:
        deal_id: the deal.
        credential: the credential's hash.
    """
    return canonical_of({"credential": credential, "deal": deal_id, "v": VERSION})
