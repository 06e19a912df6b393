"""Tokens of bots: what each may send, for whom and until when, as the deal's chain states it.

Rules kept here:

1. There is no table. In a founded deal a token counts by the request that two people agreed to and
   that names exactly it, which is asked again each time that it is read; those of the draft end
   with the founding. What takes one away is an entry of one person.
2. Of the secret the chain holds the hash alone.
3. A bot speaks for people whom its token names, into conversations that it names, up to its tier.
   What is seen as more than that waits, and nobody is told by the bot.
4. A directory's token (scope ``scim``) sends nothing and names nobody: it takes people out. It
   counts only where two people agreed to it, so never of a draft.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.approvals.standing import Standing
from orchestrator.audit.body import Json
from orchestrator.audit.granted import Stated, commitment
from orchestrator.audit.kinds import Kind
from tiers.approval import Rule
from tiers.ids import ConversationId, PersonId, RemoteId
from tiers.tier import Tier

ISSUE = "token.issue"
"""The verb by which people agree to a token."""
BEGINS = "wxb_"
"""Begins a bot's secret, so that one that leaked is found by whoever looks for it."""
BOT = "bot:"
"""Begins the actor of a bot."""
DIRECTORY = "directory:"
"""Begins the actor of a directory."""
SEND, SCIM = "send", "scim"
"""Scopes of a token: it hands messages in, or says who works here (RFC 7644)."""
_REMOTE = re.compile(r"bot-(tok_[0-9a-f]{32})-[0-9a-f]{40}").fullmatch


@dataclass(frozen=True, slots=True)
class Token:
    """A bot's token.

    Attributes:
        kept: the sha256 of its secret, hexadecimal.
        label: what it is for: a short lower-case word.
        highest: the highest tier that it sends.
        conversations: into which.
        persons: for whom it may speak.
        until: microseconds UTC; at and after it the token is void.
        each_minute: messages that it may hand in, a minute; of a directory: requests.
        scope: ``SEND`` or ``SCIM``.
    """

    token_id: str
    kept: str
    label: str
    highest: Tier
    conversations: tuple[ConversationId, ...]
    persons: tuple[PersonId, ...]
    until: int
    each_minute: int
    scope: str = SEND

    @property
    def actor(self) -> str:
        """As the audit names the bot, or the directory."""
        return (DIRECTORY if self.scope == SCIM else BOT) + self.token_id

    def body(self) -> dict[str, Json]:
        """As a plan and an entry state it."""
        return {
            "token": self.token_id,
            "kept": self.kept,
            "label": self.label,
            "highest": self.highest.value,
            "conversations": list(self.conversations),
            "members": list(self.persons),
            "until": self.until,
            "each_minute": self.each_minute,
            **({} if self.scope == SEND else {"scope": self.scope}),
        }

    def remote_id(self, digest: str) -> RemoteId:
        """The name at our door of a message that it hands in: it names the token for ever."""
        return RemoteId(f"bot-{self.token_id}-{digest[:40]}")


def token_of(body: Mapping[str, Any]) -> Token:
    """The token that a plan or an entry states. Raises: KeyError, ValueError, TypeError."""
    return Token(
        str(body["token"]),
        str(body["kept"]),
        str(body["label"]),
        Tier(body["highest"]),
        tuple(map(ConversationId, body["conversations"])),
        tuple(map(PersonId, body["members"])),
        int(body["until"]),
        int(body["each_minute"]),
        _scope(str(body.get("scope", SEND))),
    )


def _scope(said: str) -> str:
    if said not in {SEND, SCIM}:
        raise ValueError("a token of an unknown scope")
    return said


def issued_body(token: Token, at: int) -> dict[str, Json]:
    """The body that states a token."""
    return {**token.body(), "at": at, "row": commitment("token", *token.body().values())}


def revoked_body(token_id: str, at: int) -> dict[str, Json]:
    """The body that states that a token counts no more."""
    return {"token": token_id, "at": at, "row": commitment("token", token_id, None)}


def read_tokens(entries: Iterable[Stated], standing: Standing) -> Mapping[str, Token]:
    """The tokens that count, by their ids; whether one is over is for whoever asks."""
    listed, found = list(entries), {}
    if standing.founded_at is None:
        stated = [e.body for e in listed if e.kind == Kind.TOKEN_ISSUED and _as_committed(e.body)]
    else:
        asked = (r for r in standing.requests.values() if r.plan.verb == ISSUE)
        stated = [dict(r.plan.body) for r in asked if r.agreed_under(_rule(r.plan.body))]
    for body in stated:
        token = token_of(body)
        if token.scope == SEND or standing.founded_at is not None:
            found[token.token_id] = token
    for entry in listed:
        if entry.kind == Kind.TOKEN_REVOKED:
            found.pop(str(entry.body["token"]), None)
    return found


def issue_rule(persons: Iterable[PersonId]) -> Rule:
    """What it takes to agree to a token: two, and nobody for whom it speaks."""
    return Rule(barred=frozenset(persons))


def _rule(body: Mapping[str, Any]) -> Rule:
    return issue_rule(PersonId(str(person)) for person in body["members"])


def _as_committed(body: Mapping[str, Any]) -> bool:
    try:
        return bool(issued_body(token_of(body), 0)["row"] == body["row"])
    except (KeyError, TypeError, ValueError):
        return False


def bots_token(remote_id: str) -> str | None:
    """The id of the token by which a message was handed in; None of everything else."""
    found = _REMOTE(remote_id)
    return None if found is None else found[1]
