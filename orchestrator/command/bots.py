"""Tokens of bots: made by one, agreed to by two, taken away by one; and who a token is."""

import re
from collections.abc import Mapping, Sequence

from orchestrator.approvals.plan import Plan
from orchestrator.approvals.requests import Approved, ask, founded
from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client.bots import NewToken, TokenView, TokenWanted
from orchestrator.client.problems import Missing, Refused, TooOften, Wrong
from orchestrator.clock import DAY, ticks
from orchestrator.command.conversations import conversation_of, deal_of
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.deals.tokens import (
    BEGINS,
    BOT,
    ISSUE,
    SCIM,
    Token,
    issue_rule,
    issued_body,
    revoked_body,
    token_of,
)
from orchestrator.flow.bots import refused
from orchestrator.ids import new_id
from orchestrator.signin.attempts import Attempts
from orchestrator.signin.secret import digest, new_secret, same
from orchestrator.store.unit import Tx
from tiers.conversation import Conversation
from tiers.ids import DealId, PersonId
from tiers.rights import Seat, Viewer
from tiers.tier import Tier

LONGEST_DAYS, MOST_EACH_MINUTE = 366, 600
STILL = "Nothing was changed"
_LABEL = re.compile(r"[a-z]{2,16}(-[a-z]{1,16}){0,2}").fullmatch


class Bots:
    """Implements ``orchestrator.api.port_bots.BotAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime
        self._pace: dict[str, Attempts] = {}

    async def bot_of(self, secret: str) -> Viewer | None:
        """Whose token that is now; each look counts towards its pace."""
        kept = digest(secret)
        for view in self._r.book.deals.values():
            for token in view.tokens.values():
                if same(kept, bytes.fromhex(token.kept)) and self._r.now() < token.until:
                    self._paced(token)
                    if token.scope == SCIM:  # a directory learns of no deal
                        return Viewer(token.actor)
                    seat = Seat(view.deal_id, None, frozenset())
                    return Viewer(token.actor, seats={view.deal_id: seat})
        return None

    def _paced(self, token: Token) -> None:
        pace = self._pace.setdefault(token.token_id, Attempts(token.each_minute, ticks))
        if not pace.take():
            raise TooOften(
                f"This token asks {token.each_minute} times a minute at most",
                still="Nothing was accepted",
            )

    async def token_list(self, deal: DealId) -> Sequence[TokenView]:
        """A deal's tokens."""
        view, at = deal_of(self._r, deal), self._r.now()
        return [_shown(view, token, at) for token in view.tokens.values()]

    async def token_new(self, deal: DealId, wanted: TokenWanted, *, actor: str) -> NewToken:
        """Makes a token; in a founded deal it counts once two people agreed."""
        view, at, secret = deal_of(self._r, deal), self._r.now(), new_secret(BEGINS)
        token = _wanted(view, wanted, digest(secret).hex(), at)

        def unit(tx: Tx) -> str | None:
            if founded(tx, deal):
                rule = issue_rule(token.persons)
                return ask(tx, deal, Plan(ISSUE, token.body()), rule=rule, at=at, actor=actor)
            if token.scope == SCIM:
                raise Refused("Two people agree to a directory: found this deal first", still=STILL)
            append(tx, deal, Kind.TOKEN_ISSUED, issued_body(token, at), at=at, actor=actor)
            return None

        request = await self._r.store.write(unit)
        await self._r.book.reload(self._r.store, deal)
        return NewToken(token_id=token.token_id, secret=secret, until=token.until, request=request)

    async def token_revoke(self, deal: DealId, token: str, *, actor: str) -> TokenView:
        """Takes a token away, at once."""
        view, at = deal_of(self._r, deal), self._r.now()
        found = view.tokens.get(token)
        if found is None:
            raise Missing("There is no such token", then="wallcross token list")
        body = revoked_body(token, at)
        await self._r.store.write(
            lambda tx: append(tx, deal, Kind.TOKEN_REVOKED, body, at=at, actor=actor)
        )
        await self._r.book.reload(self._r.store, deal)
        return _shown(view, found, found.until)


async def issue_agreed(
    runtime: Runtime, deal: DealId, body: Mapping[str, Json], approved: Approved
) -> None:
    """Lets a token count that people agreed to."""
    at, token = runtime.now(), token_of(body)

    def unit(tx: Tx) -> None:
        if at >= token.until:
            raise Refused("This token is over by now", still=STILL)
        approved.finish(tx, at)
        append(tx, deal, Kind.TOKEN_ISSUED, issued_body(token, at), at=at, actor=approved.actor)

    await runtime.store.write(unit)
    await runtime.book.reload(runtime.store, deal)


def bots_post(
    view: DealView, actor: str, person: PersonId, conversation: Conversation | None
) -> Token | None:
    """The token by which something is handed in; None where it is no bot.

    Raises:
        Refused: the token does not allow it.
    """
    if not actor.startswith(BOT):
        return None
    token = view.tokens.get(actor.removeprefix(BOT))
    if token is None or conversation is None:
        raise Refused("A bot names the conversation that it sends into", still=STILL)
    why = refused(token, conversation.conversation_id, conversation.floor, person)
    if why is not None:
        raise Refused(f"Not accepted: {why}", still=STILL)
    return token


def _wanted(view: DealView, wanted: TokenWanted, kept: str, at: int) -> Token:
    """The token that somebody wants. Raises: Wrong, Missing."""
    if wanted.scope == SCIM:
        return _directory(wanted, kept, at)
    tiers = {tier.value: tier for tier in Tier}
    fits = (
        _LABEL(wanted.label)
        and wanted.highest in tiers
        and 0 < wanted.days <= LONGEST_DAYS
        and 0 < wanted.each_minute <= MOST_EACH_MINUTE
        and wanted.conversations
        and wanted.persons
    )
    if not fits:
        raise Wrong(
            "A token has a lower-case label, a tier, conversations, people, an end and a pace",
            still=STILL,
        )
    unknown = [p for p in wanted.persons if view.roster.person(PersonId(p)) is None]
    if unknown:
        raise Missing(f"{', '.join(unknown)}: not on the roster", then="wallcross roster show")
    into = [conversation_of(view, name) for name in wanted.conversations]
    above = [c.label for c in into if c.floor > tiers[wanted.highest]]
    if above:
        raise Wrong(f"{', '.join(above)}: above the token's highest tier", still=STILL)
    return Token(
        new_id("tok"),
        kept,
        wanted.label,
        tiers[wanted.highest],
        tuple(dict.fromkeys(c.conversation_id for c in into)),
        tuple(dict.fromkeys(map(PersonId, wanted.persons))),
        at + wanted.days * DAY,
        wanted.each_minute,
    )


def _directory(wanted: TokenWanted, kept: str, at: int) -> Token:
    """The token of a directory that somebody wants. Raises: Wrong."""
    fits = _LABEL(wanted.label) and 0 < wanted.days <= LONGEST_DAYS
    paced = 0 < wanted.each_minute <= MOST_EACH_MINUTE
    if not (fits and paced) or wanted.conversations or wanted.persons:
        raise Wrong("A directory's token has a label, an end and a pace, and no more", still=STILL)
    lowest, until = Tier.COORDINATION, at + wanted.days * DAY
    return Token(new_id("tok"), kept, wanted.label, lowest, (), (), until, wanted.each_minute, SCIM)


def _shown(view: DealView, token: Token, at: int) -> TokenView:
    labels = (view.conversations.get(cid) for cid in token.conversations)
    return TokenView(
        token_id=token.token_id,
        label=token.label,
        highest=token.highest.value,
        conversations=tuple(c.label if c is not None else "closed" for c in labels),
        persons=token.persons,
        until=token.until,
        each_minute=token.each_minute,
        over=at >= token.until,
        scope=token.scope,
    )
