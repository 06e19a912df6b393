"""Gives the rooms of a closed conversation up: everybody out, then ourselves, each read back.

Rules kept here:

1. That it is closed stands in the audit first; from then on nothing is taken for it and nothing
   goes there. A row of ours closes nothing: whose conversation is open by the audit is not touched.
2. Everybody is put out on a whole list that was read just before, people who may change the room
   last. The cap on removals guards against a wrong roster; here a person named the room.
3. A room is given up once its list shows nobody but accounts of ours, or its network certainly has
   us in it no more. Until then it is tried again, across crashes, and said to be not confirmed.
4. Then our account goes out, where its network lets it. To a mailing nobody but us could post: it
   ends with its reader, whom we mail no more.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import structlog

from connectors.port.connector import AcceptsInvites, ChangesMembers, Connector
from connectors.port.errors import ConnectorError, NoRoom
from connectors.port.messages import MemberSnapshot
from orchestrator.audit.body import Json, coded
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.clock import MINUTE, SECOND, Clock
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.findings import close_findings
from orchestrator.deals.stated import room_body
from orchestrator.rooms.acts import Hands, Outcome
from orchestrator.rooms.observe import Observer
from orchestrator.store.unit import Store, Tx
from tiers.conversation import Place, RoomBinding
from tiers.ids import ConnectorName, ConversationId, DealId
from tiers.remedy import Act, ActKind

log = structlog.get_logger(__name__)
ACTOR = "wallcross"
WHY = "closed"
"""Why a room is its conversation's no more, and why somebody was put out of it."""
GONE, LEFT, ALONE, MAILING = "gone", "left", "alone", "mailing"
"""How a room ended: we were in it no more, went out, stay in it alone, or it was a mailing."""
LONGEST_PAUSE = 5 * MINUTE
_DOUBLINGS = 9


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What became of one room.

    Attributes:
        how: how it ended; None while that is not confirmed.
        out: accounts seen gone now.
        still: accounts that are in, or may be.
        why: a code, where it is not confirmed.
    """

    binding: RoomBinding
    how: str | None
    out: int = 0
    still: int = 0
    why: str | None = None


class Closing:
    """Gives rooms up, and goes on with those that are not confirmed.

    Args:
        store: where rooms stand.
        book: deals in force.
        observer: reads rooms back.
        connectors: open connectors by name.
        hands: acts on rooms.
        now: the clock.
    """

    def __init__(
        self,
        store: Store,
        book: Book,
        observer: Observer,
        connectors: Mapping[ConnectorName, Connector],
        hands: Hands,
        now: Clock,
    ) -> None:
        self._store = store
        self._book = book
        self._observer = observer
        self._connectors = connectors
        self._hands = hands
        self._now = now
        self._one: defaultdict[Place, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tries: dict[Place, tuple[int, int]] = {}

    async def turn(self) -> None:
        """Goes on with every room that is due."""
        for deal in tuple(self._book.deals.values()):
            for cid, rooms in deal.closing.items():
                if any(self._due(binding.place) for binding in rooms):
                    await self.press(deal.deal_id, cid)

    def _due(self, place: Place) -> bool:
        return self._tries.get(place, (0, 0))[1] <= self._now()

    async def press(self, deal_id: DealId, conversation: ConversationId) -> list[GivenUp]:
        """Tries every room of a closed conversation once more, and says what became of each."""
        deal = self._book.deals.get(deal_id)
        rooms = deal.closing.get(conversation, ()) if deal is not None else ()
        return list(await asyncio.gather(*map(self._pressed, rooms)))

    async def _pressed(self, binding: RoomBinding) -> GivenUp:
        async with self._one[binding.place]:
            found = self._book.closing(*binding.place)
            if found is None:
                return GivenUp(binding, GONE)
            done = await self._give_up(*found)
            if done.how is None:
                self._again(binding.place)
            else:
                await self._end(found[0], found[1], done.how)
            return done

    def _again(self, place: Place) -> None:
        tries, _ = self._tries.get(place, (0, 0))
        wait = min(LONGEST_PAUSE, SECOND << min(tries, _DOUBLINGS))
        self._tries[place] = (tries + 1, self._now() + wait)

    async def _give_up(self, deal: DealView, binding: RoomBinding) -> GivenUp:
        network = self._connectors.get(binding.connector)
        if network is None:
            return GivenUp(binding, None, why="channel_closed")
        if _is_mailing(network) and not isinstance(network, ChangesMembers):
            return GivenUp(binding, MAILING)  # there is nobody whom anybody could put out
        members = await _listed(network, binding)
        if not isinstance(members, MemberSnapshot):
            return GivenUp(binding, GONE if members is None else None, why=members)
        return await self._emptied(deal, binding, network, members)

    async def _emptied(
        self, deal: DealView, binding: RoomBinding, network: Connector, members: MemberSnapshot
    ) -> GivenUp:
        ours, out, why = self._observer.ours(binding.connector), 0, None
        others = [m for m in members.members if m.account not in ours]
        for member in sorted(others, key=lambda m: m.admin):
            owner = deal.roster.owner(binding.connector, member.account)
            person = owner.person_id if owner is not None else None
            act = Act(ActKind.REMOVE, *binding.place, member.account, person, WHY)
            done = await self._hands.do(
                deal, act, cause=cause_of(binding.conversation_id), actor=ACTOR
            )
            out += done.outcome is Outcome.SEEN
            if done.outcome is not Outcome.SEEN:
                why = why or coded(done.why or done.outcome.value)
        if others:
            again = await _listed(network, binding)
            if not isinstance(again, MemberSnapshot):
                return GivenUp(binding, GONE if again is None else None, out, why=again)
            members = again
        still = sum(m.account not in ours for m in members.members)
        if still or not members.complete:
            return GivenUp(binding, None, out, still, why or "incomplete")
        how = MAILING if _is_mailing(network) else await _gone_out(network, binding)
        return GivenUp(binding, how, out)

    async def _end(self, deal: DealView, binding: RoomBinding, how: str) -> None:
        """States that a room is its conversation's no more, with the ways in which it was."""
        at = self._now()

        def unit(tx: Tx) -> None:
            body: dict[str, Json] = {**room_body(binding), "because": WHY, "how": how}
            append(tx, deal.deal_id, Kind.ROOM_REPLACED, body, at=at, actor=ACTOR)
            tx.run("DELETE FROM seat WHERE connector = ? AND room = ?", binding.place)
            tx.run("DELETE FROM room WHERE connector = ? AND room = ?", binding.place)
            settle(tx, deal.deal_id, ":".join(binding.place), at)

        await self._store.write(unit)
        self._tries.pop(binding.place, None)
        self._observer.forget(*binding.place)
        await self._book.reload(self._store, deal.deal_id)


def cause_of(conversation: ConversationId) -> str:
    """The cause of acts of a closing: a digest of its id, as entries may hold it."""
    return f"close:{sha256(conversation.encode()).hexdigest()}"


def settle(tx: Tx, deal_id: DealId, subject: str, at: int) -> None:
    """Closes every finding about what is there no more."""
    sql = (
        "SELECT DISTINCT rule FROM finding WHERE deal_id = ? AND subject = ? AND closed_at IS NULL"
    )
    for (rule,) in tx.all(sql, (deal_id, subject)):
        close_findings(tx, deal_id, rule, subject, at)


def _is_mailing(network: Connector) -> bool:
    return network.capabilities.most_members == 1


async def _listed(network: Connector, binding: RoomBinding) -> MemberSnapshot | str | None:
    """Who is in a room; None where the network certainly has us in none, else a code."""
    try:
        return await network.members(binding.room)
    except NoRoom:
        return None
    except ConnectorError as error:
        return coded(error.code)
    except Exception as error:  # noqa: BLE001 - foreign by nature: nothing follows from it
        log.warning("closing.look_failed", error=type(error))
        return "failed"


async def _gone_out(network: Connector, binding: RoomBinding) -> str:
    """Goes out of a room in which nobody is left; where that is not seen, we stay in it alone."""
    if not isinstance(network, AcceptsInvites):
        return ALONE
    try:
        await network.leave(binding.room)
    except ConnectorError:
        return ALONE
    except Exception as error:  # noqa: BLE001 - foreign by nature: the room is empty anyhow
        log.warning("closing.leave_failed", error=type(error))
        return ALONE
    return LEFT if await _listed(network, binding) is None else ALONE
