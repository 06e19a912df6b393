"""People against conversations, cut to whoever asks, in pages.

Rule kept here: what is kept for the next page is what the cut let through, for this very viewer's
part; the order of a page tells nothing of what he does not see.
"""

from collections.abc import Sequence

from orchestrator.client import memberships as views
from orchestrator.client.memberships import MembershipQuestion
from orchestrator.client.paging import Position, Window
from orchestrator.command.runtime import Runtime
from orchestrator.query.asked import asked_about
from orchestrator.query.boards import Board, Boards
from orchestrator.query.cut import cut
from orchestrator.query.matrix import Column, Room
from orchestrator.query.sight import Line, Sight, asked_for, counts, in_view, lines, shown
from tiers.ids import DealId
from tiers.rights import Right, Scope, Viewer

_MOST_KEPT = 64
"""Viewers of one matrix whose rows are kept in order."""
_Seen = tuple[object, ...]
_Rows = tuple[Sequence[Line], views.MemberCounts]


class Memberships:
    """Implements ``orchestrator.api.port_memberships.MembershipAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime
        self._boards = Boards(runtime)
        self._kept: dict[DealId, tuple[Board, dict[_Seen, _Rows]]] = {}

    async def memberships(
        self, deal: DealId, question: MembershipQuestion, window: Window, viewer: Viewer
    ) -> tuple[views.MembershipsView, Position | None]:
        """One page, and behind which position the next begins."""
        sight = await self.sight(deal, viewer)
        every, figures = self._lines(sight)
        asked = in_view(question, figures.people)
        found: Sequence[Line] = () if sight.counts_only else asked_for(sight, every, asked)
        begin = _begin(found, window.after)
        part = found[begin : begin + window.limit]
        more = begin + window.limit < len(found)
        view = views.MembershipsView(
            columns=tuple(self._column(sight, c) for c in sight.columns()),
            items=tuple(shown(sight, line) for line in part),
            counts=figures,
            found=len(found),
            next=None,
            whole=sight.cut.whole,
            at=sight.cut.at,
        )
        return view, (part[-1].rank, part[-1].key) if more and part else None

    async def sight(self, deal: DealId, viewer: Viewer) -> Sight:
        """A deal's matrix as a viewer may see it now. Raises: Unready."""
        mine = await cut(self._r, deal, viewer)
        board = await self._boards.board(mine.deal)
        if mine.scope(Right.MATRIX) is not Scope.ASKED or mine.person is None:
            return Sight(mine, board)
        who, at = mine.person, mine.at
        asked = await self._r.store.read(lambda tx: asked_about(tx, mine.deal, who, at))
        return Sight(mine, board, asked)

    def _lines(self, sight: Sight) -> _Rows:
        """Rows in order, and their figures; kept for whoever sees the same of the same matrix."""
        deal = sight.cut.deal.deal_id
        board, found = self._kept.get(deal, (None, {}))
        if board is not sight.board or len(found) >= _MOST_KEPT:
            found = {}
            self._kept[deal] = sight.board, found
        seen = _seen(sight)
        if seen not in found:
            every = lines(sight)
            found[seen] = every, counts(every)
        return found[seen]

    def _column(self, sight: Sight, column: Column) -> views.ColumnView:
        made = column.conversation
        cid = made.conversation_id
        told = sight.counts_only or sight.cut.sees(cid)
        return views.ColumnView(
            conversation_id=cid,
            name=sight.cut.name(cid),
            floor=made.floor.value,
            side=made.side if sight.cut.knows_side(made.side) else None,
            channels=self._channels(column),
            still=any(r.binding.paused for r in column.rooms),
            people=column.people if told else 0,
            mailing=column.mailing,
        )

    def _channels(self, column: Column) -> tuple[views.ColumnChannel, ...]:
        by_name: dict[str, list[Room]] = {}
        for room in column.rooms:
            by_name.setdefault(room.binding.connector, []).append(room)
        return tuple(self._channel(rooms) for rooms in by_name.values())

    def _channel(self, rooms: list[Room]) -> views.ColumnChannel:
        name = rooms[0].binding.connector
        channel = self._r.channels.get(name)
        read = [self._r.presences.read_at(room.binding.place) for room in rooms]
        known = [at for at in read if at is not None]
        up = all(room.told for room in rooms)
        if channel is None or channel.connector is None:
            state: views.ChannelState = "closed"
        elif channel.paused is not None:
            state = "paused"
        else:
            state = "up" if up else "down"
        kind = "" if channel is None else channel.kind
        return views.ColumnChannel(
            name=name, kind=kind, state=state, read_at=min(known) if known else None
        )


def _seen(sight: Sight) -> _Seen:
    """What decides which cells somebody sees, and nothing less."""
    if sight.everything:
        return sight.cut.whole, sight.counts_only
    cut = sight.cut
    scopes = tuple(cut.scope(r) for r in (Right.MATRIX, Right.MEMBERS, Right.SELF))
    return cut.person, cut.own, sight.asked, scopes


def _begin(found: Sequence[Line], after: Position | None) -> int:
    """Where a page begins: behind the row it ended with, or where that would stand."""
    if after is None:
        return 0
    rank, key = int(after[0]), str(after[1])
    at = next((n for n, line in enumerate(found) if line.key == key), None)
    if at is not None:
        return at + 1
    return next((n for n, line in enumerate(found) if line.rank > rank), len(found))
