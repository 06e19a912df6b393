"""What a bot handed in: marked as a bot's, and held where it is more than its token allows.

Rules kept here:

1. Which token a message came by is part of its name at our door, which is under the message's mark:
   nobody makes a bot's message a person's afterwards.
2. A token is looked up again when the message is routed, and just before each sending: by one
   that is over or was taken away nothing goes any more, but what a person settled himself.
3. What is seen as a higher tier than the token's, or would go elsewhere than its conversations, is
   held with its human sender as its owner: a bot raises nothing and lowers nothing.
"""

from orchestrator.deals.book import API, DealView
from orchestrator.deals.tokens import Token, bots_token
from orchestrator.store.unit import Tx
from tiers.ids import ConversationId
from tiers.tier import Tier

RULE = "bot"


def why_not(
    deal: DealView,
    door: tuple[str, str],
    conversation: ConversationId,
    tier: Tier,
    person: str | None,
    at: int,
) -> str | None:
    """Why a bot's message does not go; None where it may, or is no bot's.

    Args:
        deal: in force.
        door: by which it was handed in, and its name there.
        conversation: where it would go.
        tier: what it is treated as.
        person: for whom it speaks.
        at: now, microseconds UTC.
    """
    token_id = _by(door)
    if token_id is None:
        return None
    token = deal.tokens.get(token_id)
    ended = over(deal, door, at)
    if token is None or ended is not None:
        return ended
    return refused(token, conversation, tier, person)


def over(deal: DealView, door: tuple[str, str], at: int) -> str | None:
    """Why nothing goes any more by the token of a bot's message; None where it may.

    Args:
        deal: in force.
        door: by which it was handed in, and its name there.
        at: now, microseconds UTC.
    """
    token_id = _by(door)
    token = None if token_id is None else deal.tokens.get(token_id)
    if token_id is None or (token is not None and at < token.until):
        return None
    return "the token of the bot that handed it in is over, or was taken away"


def is_settled(tx: Tx, message_id: str) -> bool:
    """Whether a person settled himself that a message goes; then it is his and not the bot's."""
    found = tx.one("SELECT 1 FROM held WHERE message_id = ? AND state = 'moved'", (message_id,))
    return found is not None


def refused(
    token: Token, conversation: ConversationId, tier: Tier, person: str | None
) -> str | None:
    """Why a token does not allow something; None where it does."""
    if tier > token.highest:
        return f"a bot handed it in that sends {token.highest.value} at most"
    if conversation not in token.conversations:
        return "a bot handed it in that does not send into this conversation"
    if person not in token.persons:
        return "a bot handed it in that does not speak for this person"
    return None


def named(author: str, deal: DealView, door: tuple[str, str]) -> str:
    """An author line that says where a bot wrote it."""
    token_id = _by(door)
    if token_id is None:
        return author
    token = deal.tokens.get(token_id)
    return f"{author} (bot {token.label})" if token is not None else f"{author} (bot)"


def _by(door: tuple[str, str]) -> str | None:
    connector, remote_id = door
    return bots_token(remote_id) if connector == API else None
