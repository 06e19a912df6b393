"""The tiers of a deal as cards: where each is held, how much is written, for whom, by which rule.

Rules kept here: the rule is the adopted policy's, the mode is what was read back. Figures are for
whoever sees the whole matrix or its counts; others are shown the tiers that they are in, without.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from orchestrator.client.overview import TierCard
from orchestrator.clock import DAY
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.query.cut import Cut
from orchestrator.query.traffic import Counts, Traffic
from orchestrator.store.unit import Tx
from tiers.conversation import Conversation
from tiers.guarantees import Guarantee
from tiers.policy import TierPolicy
from tiers.rights import Right, Scope
from tiers.tier import Tier

MAIL = "pgpmail"
ADVISERS = "advisers"
_DOCUMENTS = """
SELECT count(*) FROM document d JOIN message m USING (message_id)
WHERE d.deal_id = ? AND m.accepted_at >= ?"""
_READERS = """
SELECT count(DISTINCT s.person_id) FROM conversation c JOIN seat s USING (conversation_id)
WHERE c.deal_id = ? AND s.connector = ?"""


@dataclass(frozen=True, slots=True)
class Shown:
    """Figures of a deal.

    Attributes:
        days: messages by tier, oldest day first, today last.
        seated: people with a seat by floor.
        documents: formal documents of the last seven days.
        readers: people who are reached by PGP mail.
    """

    days: tuple[Counts, ...]
    seated: Mapping[str, int]
    documents: int
    readers: int


class Cards:
    """Makes the cards. Args: runtime: the open home; traffic: counts."""

    def __init__(self, runtime: Runtime, traffic: Traffic) -> None:
        self._r = runtime
        self._traffic = traffic

    def read(self, tx: Tx, deal: DealView, at: int, zone: ZoneInfo) -> Shown:
        """The figures of a deal now."""
        week = tx.one(_DOCUMENTS, (deal.deal_id, at - 7 * DAY))
        mail = (name for name, channel in self._r.channels.items() if channel.kind == MAIL)
        readers = [tx.one(_READERS, (deal.deal_id, name)) for name in mail]
        return Shown(
            tuple(self._traffic.by_day(tx, deal.deal_id, at, zone)),
            self._traffic.seated(tx, deal, at),
            0 if week is None else int(week[0]),
            sum(int(row[0]) for row in readers if row is not None),
        )

    def made(self, seen: Cut, states: Mapping[str, str], shown: Shown) -> tuple[TierCard, ...]:
        """The cards that a viewer is shown, the strictest tier first."""
        figures = seen.scope(Right.MATRIX) in {Scope.ALL, Scope.COUNTS}
        cards = [self._card(seen, tier, states, shown) for tier in sorted(Tier, reverse=True)]
        found = [card for card in cards if card is not None]
        if figures and (shown.readers or shown.documents):
            found.append(self._advisers(seen.deal, states, shown))
        return tuple(found)

    def _card(
        self, seen: Cut, tier: Tier, states: Mapping[str, str], shown: Shown
    ) -> TierCard | None:
        deal, figures = seen.deal, seen.scope(Right.MATRIX) in {Scope.ALL, Scope.COUNTS}
        within = [c for c in deal.conversations.values() if c.floor is tier]
        if not figures:
            within = [c for c in within if c.conversation_id in seen.own]
            if not within:
                return None
        days = tuple(day.get(tier.value, 0) for day in shown.days)
        rules = deal.policy.tiers[tier]
        return TierCard(
            tier=tier.value,
            channels=self._kinds(deal, within, states),
            today=days[-1] if figures else None,
            days=days if figures else (),
            people=shown.seated.get(tier.value, 0) if figures else None,
            conversations=len(within) if figures else None,
            timer=_timer(rules),
            kept=rules.keep_for,
            modes=self._modes(deal, within),
        )

    def _advisers(self, deal: DealView, states: Mapping[str, str], shown: Shown) -> TierCard:
        names = [name for name, channel in self._r.channels.items() if channel.kind == MAIL]
        rules = deal.policy.documents
        return TierCard(
            tier=ADVISERS,
            channels=tuple((MAIL, states.get(name, "up")) for name in names),
            today=shown.documents,
            days=(),
            people=shown.readers,
            conversations=None,
            timer=None,
            kept=0 if rules is None else rules.rules.keep_for,
        )

    def _kinds(
        self, deal: DealView, within: Iterable[Conversation], states: Mapping[str, str]
    ) -> tuple[tuple[str, str], ...]:
        found: dict[str, str] = {}
        for conversation in within:
            for binding in deal.rooms.get(conversation.conversation_id, ()):
                channel = self._r.channels.get(binding.connector)
                kind = binding.connector if channel is None else channel.kind
                found[kind] = states.get(binding.connector, "closed")
        return tuple(sorted(found.items()))

    def _modes(self, deal: DealView, within: Iterable[Conversation]) -> tuple[str, ...]:
        places = (b.place for c in within for b in deal.rooms.get(c.conversation_id, ()))
        return tuple(sorted({mode for p in places if (mode := self._r.observer.mode(p))}))


def _timer(rules: TierPolicy) -> int | None:
    found = (d.at_most for d in rules.demands if d.guarantee is Guarantee.TIMER)
    return next((at_most for at_most in found if at_most is not None), None)
