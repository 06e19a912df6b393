"""What changed rules would do before anybody adopts them: to texts, and to a deal as it stands.

Rules kept here:

1. Nothing is changed, kept or recorded. Texts are judged and forgotten; an answer tells them by
   their number, and neither it nor an error has a word of them, or of the watch list.
2. Both sides are worked out by the code that decides in earnest (``orchestrator.flow.judge`` uses
   the same classifier), so that the same rules twice differ in nothing.
3. A policy moves no text to another tier: texts are judged by the classifier and the watch list.
   It says which rooms may carry them, and a text for which no room is left would be held.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from orchestrator.client.problems import Missing, Wrong
from orchestrator.client.tiers import (
    LISTED,
    Act,
    ChannelMove,
    Effects,
    Judged,
    Rules,
    Sample,
    SimulationView,
    TextMove,
    WaitMove,
)
from orchestrator.command.conversations import deal_of
from orchestrator.command.runtime import Runtime
from orchestrator.command.simulating_effects import (
    Held,
    Standing,
    person_moves,
    room_moves,
    setting_moves,
    stand,
    under,
)
from orchestrator.command.watching import entries_of
from orchestrator.config.policy import canonical_policy, to_policy
from orchestrator.deals.book import DealView
from orchestrator.query.tier_rules import candidates
from orchestrator.roster.adoption import in_force
from orchestrator.store.unit import Tx
from tiers.classify import Classification, Context, Part, strength_above
from tiers.ids import ConversationId, DealId
from tiers.tier import Strength, Tier
from tiers.watch import WatchList, watch_list

WAITING = 5_000
"""Messages that wait which are looked at, the newest."""
NO_ROOM, NOWHERE = "room", "which"
"""Stand for rules: no room holds what is demanded; no conversation is of its tier or above."""
STILL = "Nothing was changed."
_WAITING = """
SELECT message_id, conversation_id, tier FROM held
WHERE deal_id = ? AND state = 'held' ORDER BY held_at DESC LIMIT ?"""
_ACTS: dict[Strength, Act] = {Strength.HOLD: "held", Strength.ASK: "asked", Strength.NONE: "goes"}


@dataclass(frozen=True, slots=True)
class Side:
    """The deal under one set of rules.

    Attributes:
        document: of the policy.
        watch: the watch list.
        standing: its conversations.
    """

    deal: DealView
    document: str
    watch: WatchList
    standing: Standing


class Simulating:
    """Implements ``rules_simulate`` of ``orchestrator.api.port.TierAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def rules_simulate(
        self, deal: DealId, rules: Rules, texts: Sequence[Sample], *, effects: bool
    ) -> SimulationView:
        """What changed rules would do. Raises: Unready, Missing, Wrong, PolicyInvalid."""
        before, after, more = await self._sides(deal, rules)
        moves = [await self._moved(n, text, before, after) for n, text in enumerate(texts)]
        settings = setting_moves(json.loads(before.document), json.loads(after.document))
        return SimulationView(
            before=before.deal.policy.hash,
            after=after.deal.policy.hash,
            watched=more,
            settings=tuple(settings),
            texts=tuple(moves),
            effects=await self._effects(before, after) if effects else None,
        )

    async def _sides(self, deal: DealId, rules: Rules) -> tuple[Side, Side, int]:
        """Both sides, and how many entries the watch list has more."""
        view, at = deal_of(self._r, deal), self._r.now()
        document = await self._r.store.read(lambda tx: in_force(tx, deal, "policy"))
        if document is None:
            raise Missing("no policy is adopted", then="wallcross deal adopt")
        known = await self._r.store.read(lambda tx: entries_of(self._r, tx, deal))
        watch, more = await asyncio.to_thread(_watched, view.watch or WatchList(), known, rules)
        other = document.document if rules.policy is None else canonical_policy(rules.policy)
        policy = to_policy(other, made_up=view.made_up)
        after = view if policy == view.policy else under(view, policy)
        now = Side(view, document.document, view.watch or WatchList(), self._stand(view, at))
        return now, Side(after, other, watch, self._stand(after, at)), more

    def _stand(self, deal: DealView, at: int) -> Standing:
        return stand(deal, self._r.observer, at)

    async def _moved(self, n: int, text: Sample, before: Side, after: Side) -> TextMove:
        found = await self._classified(text, before.watch)
        same = before.watch is after.watch
        other = found if same else await self._classified(text, after.watch)
        floor = None if text.floor is None else Tier(text.floor)
        was, now = _judged(before, found, floor), _judged(after, other, floor)
        return TextMove(n=n, before=was, after=now)

    async def _classified(self, text: Sample, watch: WatchList) -> Classification:
        """A text as it would be judged; computed beside the event loop, one after another."""
        parts = [Part(kind, said) for kind, said in _parts(text) if said]
        context = Context(watch=watch)
        return await asyncio.to_thread(self._r.classifier.classify, parts, context)

    async def _effects(self, before: Side, after: Side) -> Effects:
        deal, was, now = before.deal, before.standing, after.standing
        held = await self._r.store.read(partial(_held, deal_id=deal.deal_id))
        rooms = list(room_moves(deal, was, now))
        people = list(person_moves(deal, after.deal, self._r.now()))
        waiting = list(_wait_moves(deal, held, was, now))
        return Effects(
            read=len(was.rooms),
            unread=was.unread,
            channels=tuple(self._channel_moves(before.deal, after.deal)),
            rooms=tuple(islice(rooms, LISTED)),
            people=tuple(islice(people, LISTED)),
            waiting=tuple(islice(waiting, LISTED)),
            counts={"rooms": len(rooms), "people": len(people), "waiting": len(waiting)},
        )

    def _channel_moves(self, before: DealView, after: DealView) -> Iterator[ChannelMove]:
        here = tuple(self._r.channels.values())
        for tier in sorted(Tier, reverse=True):
            each = (candidates(side.policy, tier, here) for side in (before, after))
            for was, now in zip(*each, strict=True):
                if was.fits is not None and now.fits is not None and was.fits != now.fits:
                    because = was.lacks if now.fits else now.lacks
                    named = {"channel": was.channel, "tier": tier.value}
                    yield ChannelMove(**named, fits=now.fits, because=because)


def _parts(text: Sample) -> tuple[tuple[str, str], ...]:
    return ("subject", text.subject), ("body", text.text)


def _watched(
    now: WatchList, known: tuple[list[str], list[str]], rules: Rules
) -> tuple[WatchList, int]:
    """The watch list with further entries, and how many those are. Raises: Wrong."""
    names, amounts = {*known[0], *rules.names}, {*known[1], *rules.amounts}
    more = len(names) + len(amounts) - len(known[0]) - len(known[1])
    if not more:
        return now, 0
    try:
        return watch_list(sorted(names), sorted(amounts)), more
    except ValueError:
        raise Wrong("An entry is neither a name nor an amount", still=STILL) from None


def _judged(side: Side, found: Classification, floor: Tier | None) -> Judged:
    """What a text comes to on one side."""
    strength = strength_above(found, floor)
    rules = [str(e.rule) for e in found.evidence]
    tier = found.tier if floor is None else max(found.tier, floor)
    act, goes_as = _ACTS[strength], tier if floor is None else floor
    if act != "held" and (stopped := _stopped(side, goes_as, intake=floor is None)) is not None:
        act, rules = "held", [*rules, stopped]
    return Judged(tier=tier.value, act=act, rules=tuple(sorted(set(rules))))


def _stopped(side: Side, tier: Tier, *, intake: bool) -> str | None:
    """Why a text of a tier would go nowhere; None: it goes, or nobody knows of a reason."""
    floors = {c.floor for c in side.deal.conversations.values()}
    fits = [t for t in sorted(floors) if (t >= tier if intake else t is tier)]
    if not fits:
        return NOWHERE
    return NO_ROOM if side.standing.way(side.deal, fits[0]) is False else None


def _held(tx: Tx, deal_id: DealId) -> list[tuple[str, Held]]:
    rows = tx.all(_WAITING, (deal_id, WAITING))
    return [(m, (None if c is None else ConversationId(c), Tier(t))) for m, c, t in rows]


def _wait_moves(
    deal: DealView, held: Sequence[tuple[str, Held]], before: Standing, after: Standing
) -> Iterator[WaitMove]:
    for message, waits in held:
        was, now = before.carries(deal, waits), after.carries(deal, waits)
        if was is not None and now is not None and was != now:
            yield WaitMove(message=message, open=now)
