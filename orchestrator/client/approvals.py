"""Views of approvals: who may agree, what waits, and the exact words that are signed.

Rules kept here: as for ``orchestrator.client.views``. What is signed is canonical and holds ids and
hashes only; what a plan means is told beside it, in words of our own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Answered = Literal["yes", "no"]
Refusal = Literal[
    "not-needed", "too-much", "too-long", "wrong-person", "wrong-place", "not-yet", "ask-me-first",
    "not-for-me",
]  # fmt: skip
REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "not-needed": "nobody needs it for his work",
        "too-much": "it gives more than is needed",
        "too-long": "it gives it for longer than is needed",
        "wrong-person": "it is not for this person",
        "wrong-place": "it does not belong there",
        "not-yet": "it is too early",
        "ask-me-first": "speak with me before you ask again",
        "not-for-me": "it is for others to decide",
    }
)
"""Why somebody refuses. There is no other way to say it: what people write freely may quote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """A plan that waits for people, or waited.

    Attributes:
        state: ``waits``, ``agreed`` (and not carried out yet), ``done``, ``refused``, ``lapsed``.
        changes: what carrying it out changes.
        sees: who would see what that he does not see now; nothing where nobody would.
        otherwise: what happens if nobody does anything.
        why: why it was asked for.
        needed: how many people sign.
        signed: who signed for it.
        missing: what it still misses, in words.
        may_agree: who may sign for it.
        yes: the exact bytes that are signed for it, as text.
        no: those that are signed against it, by why (``REFUSALS``).
        refused_by: who ended it by his no, or took it back; None: nobody did.
        refused_why: why, as he signed; None where it was taken back.
    """

    request_id: str
    deal_id: str
    code: str
    verb: str
    plan: str
    state: str
    changes: tuple[str, ...]
    sees: tuple[str, ...]
    otherwise: str
    why: str
    asked_by: str
    asked_at: int
    expires_at: int
    needed: int
    signed: tuple[str, ...]
    missing: tuple[str, ...]
    may_agree: tuple[str, ...]
    yes: str
    no: Mapping[str, str]
    refused_by: str | None = None
    refused_why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialView:
    """A key or passkey that a person signs with.

    Attributes:
        credential: its hash.
        kind: of its key.
        fingerprint: of its key, as ``ssh-keygen -l`` shows it.
        state: ``counts``, ``draft`` (before the founding), or ``out`` (he left or is paused).
    """

    credential: str
    person: str
    way: str
    kind: str
    fingerprint: str
    roles: tuple[str, ...]
    party: str | None
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofView:
    """What a person signs to prove that a key is his: the exact bytes, as text."""

    credential: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCredential:
    """A key or passkey to enrol.

    Attributes:
        public: the line of a `.pub` file, or what a browser answered when it made a passkey.
        ties: what its owner may share with others, as ``subject:NAME``, ``device:NAME`` or
            ``login:local:USER``.
    """

    person: str
    way: Literal["ssh", "passkey"]
    public: str = field(repr=False)
    roles: tuple[str, ...]
    ties: tuple[str, ...] = ()
