"""A deal on one page, as one person may see it: does anything need him, and is all else well.

Rules kept here:

1. Nothing is called well that was not read back lately: a room older than two of its refreshes, a
   channel that does not answer, a clock that is not trusted or a record that is not whole make the
   verdict *unknown*, whatever else is known.
2. What needs others is not told as his, and never content: names, rooms, times and reasons.
3. It costs what is open and what this day brought, not what was ever written, nor how many people
   there are.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from orchestrator.approvals.standing import Request
from orchestrator.client import overview as views
from orchestrator.client.problems import Unready
from orchestrator.clock import SECOND
from orchestrator.command.runtime import Channel, Runtime
from orchestrator.deals.book import DealView
from orchestrator.query.cut import Cut, cut
from orchestrator.query.just_now import Told, just_now
from orchestrator.query.needs import ABOUT_HELD, DRIFT, HELD, LEAK_RISK, PEOPLE, Needs, needs
from orchestrator.query.needs import APPROVALS as SIGN
from orchestrator.query.risk import EVERY
from orchestrator.query.tiers import Cards, Shown
from orchestrator.query.traffic import Traffic
from orchestrator.store.unit import Tx
from tiers.ids import ConnectorName, ConversationId, DealId
from tiers.rights import Right, Scope, Viewer

LOOK_EVERY = 30 * SECOND
"""How often rooms are looked at (``orchestrator.wiring.live``)."""
ANSWERS_S = 3.0
"""Within which a channel says how it is; later is silence."""
MOST_ITEMS = 3
_PAUSES = DRIFT | {"new_device", "changed_key", "unverified_device", "linked_device", "own_device"}
"""Rules whose finding may have stopped what we send into a room."""
_WAITS = frozenset({"channel_closed", "account_lost"})
_DONE = {
    **dict.fromkeys(_PAUSES - {"member_missing"}, "room_paused"),
    **dict.fromkeys(_WAITS, "waits_here"),
    "withdrawn": "withdrawn",
    "phished": "person_paused",
    "held_overdue": "stays_held",
    "release_asked": "stays_held",
    "unjudged": "stays_held",
    "not_carried": "stays_held",
}


@dataclass(frozen=True, slots=True)
class _Read:
    """What one look into the store gave."""

    needs: Needs
    signing: int | None
    ruled: int | None
    shown: Shown
    happened: tuple[Told, ...]


class Overviews:
    """Makes the Overview.

    Args:
        runtime: the open home.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime
        self._cards = Cards(runtime, Traffic())

    async def needs(self, deal: DealId, viewer: Viewer) -> Mapping[str, int]:
        """How many things need a viewer, by page of the dashboard."""
        at = self._r.now()
        view = self._deal(deal)

        def read(tx: Tx) -> Needs:
            return needs(tx, view, viewer, self._r.standings.of(tx, deal), at)

        return (await self._r.store.read(read)).counts()

    async def overview(self, deal_id: DealId, viewer: Viewer) -> views.Overview:
        """A deal on one page. Raises: Unready: nothing of it is in force."""
        deal, at = self._deal(deal_id), self._r.now()
        states = await self._channels(deal)
        seen = await cut(self._r, deal_id, viewer)
        read = await self._r.store.read(lambda tx: self._look(tx, seen, at))
        return views.Overview(
            at=at,
            deal_id=deal_id,
            code=deal.code,
            phase=deal.phase.value,
            made_up=deal.made_up,
            signing_at=read.signing,
            verdict=self._verdict(deal, states, read, at),
            items=_items(read.needs, seen),
            tiers=self._cards.made(seen, states, read.shown),
            just_now=tuple(told.happening for told in read.happened),
            names={k: v for told in read.happened for k, v in told.names.items()},
        )

    def _deal(self, deal_id: DealId) -> DealView:
        deal = self._r.book.deals.get(deal_id)
        if deal is None:
            raise Unready("The deal has no adopted roster and policy", still="Nothing is sent")
        return deal

    def _look(self, tx: Tx, seen: Cut, at: int) -> _Read:
        deal = seen.deal
        zone = ZoneInfo(self._r.settings.config.home.time_zone)
        found = self._r.standings.of(tx, deal.deal_id)
        return _Read(
            needs(tx, deal, seen.viewer, found, at),
            found.signing_at,
            _rules_ran(tx, deal.deal_id),
            self._cards.read(tx, deal, at, zone),
            just_now(tx, seen),
        )

    async def _channels(self, deal: DealView) -> Mapping[str, str]:
        """How each channel of the deal's rooms is: up, down, closed or paused."""
        names = sorted({b.connector for rooms in deal.rooms.values() for b in rooms})
        states = await asyncio.gather(*(self._state(name) for name in names))
        return dict(zip(names, states, strict=True))

    async def _state(self, name: ConnectorName) -> str:
        channel = self._r.channels.get(name)
        if channel is None or channel.connector is None:
            return "closed"
        return "paused" if channel.paused is not None else await _pulse(channel)

    def _verdict(
        self, deal: DealView, states: Mapping[str, str], read: _Read, at: int
    ) -> views.Verdict:
        silent = {name for name, state in states.items() if state in {"down", "closed"}}
        old, oldest = self._readings(deal, at)
        why = (
            *(() if self._r.live else ("serve",)),
            *(() if self._r.clock_trusted() else ("clock",)),
            *(("record",) if self._r.book.record.flaws else ()),
            *(f"channel:{name}" for name in sorted(silent)),
            *(("rooms",) if old else ()),
            *(("rules",) if read.ruled is None or at - read.ruled > 2 * EVERY else ()),
        )
        found = read.needs
        known: views.VerdictState = "clear" if found.total == 0 else "needs"
        return views.Verdict(
            state="unknown" if why else known,
            needs=found.total,
            why=why,
            oldest_at=oldest,
            since={name: self._seen(deal, name) for name in sorted(silent)},
            channels=len(states),
            read=len(states.keys() - silent - old),
        )

    def _readings(self, deal: DealView, at: int) -> tuple[set[str], int | None]:
        """Channels with a room that was not read back lately, and the oldest reading of all."""
        old, instants = set[str](), list[int]()
        for rooms in deal.rooms.values():
            for binding in rooms:
                floor = deal.conversations[binding.conversation_id].floor
                lasts = 2 * (deal.policy.tiers[floor].fresh_for + LOOK_EVERY)
                read = self._r.observer.read_at(binding.place)
                if read is None or at - read > lasts:
                    old.add(binding.connector)
                instants += [] if read is None else [read]
        return old, min(instants, default=None)

    def _seen(self, deal: DealView, name: str) -> int | None:
        """When a channel's rooms were last read back."""
        found = (
            self._r.observer.read_at(b.place)
            for rooms in deal.rooms.values()
            for b in rooms
            if b.connector == name
        )
        return max((at for at in found if at is not None), default=None)


async def _pulse(channel: Channel) -> str:
    """Whether an open channel answers; a slow one is told as one that does not."""
    if channel.connector is None:
        return "closed"
    try:
        health = await asyncio.wait_for(channel.connector.health(), ANSWERS_S)
    except TimeoutError:
        return "down"
    return "up" if health.up else "down"


def _items(found: Needs, seen: Cut) -> tuple[views.Item, ...]:
    """The first things that need him: the gravest findings, then what he signs, then his own."""
    listed = [*_findings(found, seen), *_requests(found.requests), *_held(found)]
    grave = {"critical": 0, "high": 1, "medium": 2, "low": 3}
    listed.sort(key=lambda item: grave.get(item.severity, 2))
    return tuple(listed[:MOST_ITEMS])


def _findings(found: Needs, seen: Cut) -> Iterable[views.Item]:
    for one in found.findings[:MOST_ITEMS]:
        drift, held = one.named in DRIFT, one.named in ABOUT_HELD
        yield views.Item(
            kind="finding",
            rule=one.named,
            title=one.rule.title,
            page=PEOPLE if drift else HELD if held else LEAK_RISK,
            subject=one.finding_id,
            about=_about(seen, one.about.conversation),
            what=one.reasons if seen.scope(Right.FINDINGS) is Scope.ALL else (),
            done=_done(seen, one.named, one.about.conversation),
            severity=one.severity.name.lower(),
            at=one.first_seen,
        )


def _done(seen: Cut, rule: str, conversation: ConversationId | None) -> str:
    """What was done already; a room is said to stand still only where one does."""
    done = _DONE.get(rule, "")
    rooms = () if conversation is None else seen.deal.rooms.get(conversation, ())
    if done == "room_paused" and not any(room.paused for room in rooms):
        return ""
    return done


def _about(seen: Cut, conversation: ConversationId | None) -> str:
    """The conversation that a finding is about, as he reads it."""
    shown = conversation is not None and seen.sees(conversation)
    return "#" + seen.name(conversation) if conversation is not None and shown else ""


def _rules_ran(tx: Tx, deal: DealId) -> int | None:
    """When the rules of leak risk were last run over a deal."""
    row = tx.one("SELECT at FROM risk_look WHERE deal_id = ?", (deal,))
    return None if row is None else int(row[0])


def _requests(found: Iterable[Request]) -> Iterable[views.Item]:
    for request in found:
        yield views.Item(
            kind="approval",
            rule=request.plan.verb,
            page=SIGN,
            subject=request.request_id,
            severity="high",
            at=request.asked_at,
            until=request.expires_at,
        )


def _held(found: Needs) -> Iterable[views.Item]:
    for one in found.held:
        yield views.Item(
            kind="held",
            rule=one.tier,
            page=HELD,
            subject=one.message_id,
            what=one.reasons,
            done="stays_held",
            severity="high",
            at=one.held_at,
            until=one.deadline,
        )
