"""A deal's matrix as one viewer may see it: which rows, which columns, which cells of them.

Rules kept here:

1. Who sees the whole matrix sees it. Everybody else sees his own row, the members of conversations
   that he is in (of his own side alone, where that is his part), and whom a request is about that
   waits for him.
2. What he does not see is in nothing that he is told: not in a count, an order, or a page's end.
3. Who is to have figures alone gets figures, of the whole, and no row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from orchestrator.client.folding import folded
from orchestrator.client.memberships import (
    MOST_AT_ONCE,
    CellState,
    CellView,
    Identity,
    MemberCounts,
    MemberRow,
    MembershipQuestion,
)
from orchestrator.query.boards import Board
from orchestrator.query.cut import Cut
from orchestrator.query.identity import CALL
from orchestrator.query.matrix import Cell, Column, Row, State, key_of
from tiers.ids import ConversationId, PersonId, SideId
from tiers.people import Person, Roster
from tiers.rights import Right, Scope
from tiers.tier import Tier

_WORDS: dict[State, CellState] = {
    State.NONE: "none",
    State.IN: "in",
    State.PAUSED: "paused",
    State.UNKNOWN: "unknown",
    State.MISSING: "missing",
    State.EXTRA: "extra",
}
HIDDEN = CellView(state="hidden")
NONE = CellView(state="none")
_ADVISER = "adviser"
QUIET = 5
"""Rank from which on nothing about a row differs."""


@dataclass(frozen=True)
class Sight:
    """What a viewer sees of a deal's matrix.

    Attributes:
        asked: whom requests are about that wait for him.
    """

    cut: Cut
    board: Board
    asked: frozenset[PersonId] = frozenset()

    @cached_property
    def counts_only(self) -> bool:
        """He gets figures of the whole, and no row."""
        scope = self.cut.scope(Right.MATRIX)
        return scope is Scope.COUNTS and self.cut.person is None

    @cached_property
    def everything(self) -> bool:
        """Nothing is cut, but for names of conversations."""
        return self.cut.whole or self.counts_only

    @cached_property
    def roster(self) -> Roster:
        """Everybody on the list, whatever his standing."""
        return self.cut.deal.adopted or self.cut.deal.roster

    def person(self, row: Row) -> Person | None:
        """Who a row is; None where the account is nobody's."""
        return None if isinstance(row, tuple) else self.roster.person(row)

    def is_his(self, row: Row) -> bool:
        """Whether a whole row is his to see."""
        mine = row == self.cut.person and self.cut.scope(Right.SELF) >= Scope.OWN
        return self.everything or mine or row in self.asked

    def sees(self, row: Row, cid: ConversationId) -> bool:
        """Whether one cell is his to see."""
        if self.is_his(row):
            return True
        if cid not in self.cut.own:
            return False
        scope = self.cut.scope(Right.MEMBERS)
        if scope is Scope.FIRM:
            who = self.person(row)
            return who is not None and who.side == self.cut.side
        return scope >= Scope.IN

    def columns(self) -> tuple[Column, ...]:
        """Those of which he sees anything, in their order."""
        if self.everything:
            return self.board.columns
        return tuple(c for c in self.board.columns if self._any(c))

    def _any(self, column: Column) -> bool:
        cid = column.conversation.conversation_id
        whole = {*self.asked, self.cut.person}
        return cid in self.cut.own or any(self.is_his(w) for w in whole if w in column.cells)


@dataclass(frozen=True, slots=True)
class Line:
    """A row as it is seen, and where it stands in the order."""

    rank: int
    key: str
    row: Row
    person: Person | None
    identity: Identity | None
    cells: tuple[Cell | None, ...]
    valuation: bool
    mailed: bool


def lines(sight: Sight) -> list[Line]:
    """Every row that somebody may see, in order: what differs first."""
    columns = sight.columns()
    found = [_line(sight, columns, row) for row in _rows(sight, columns)]
    return sorted(found, key=lambda x: (x.rank, _name(x).casefold(), x.key))


def _rows(sight: Sight, columns: Sequence[Column]) -> Iterator[Row]:
    """Everybody on the list whom he may see, and accounts that are nobody's."""
    if sight.everything:
        yield from (p.person_id for p in sight.roster.people)
        yield from {r for c in columns for r in c.cells if sight.person(r) is None}
        return
    near: dict[Row, None] = {}
    for column in columns:
        cid = column.conversation.conversation_id
        near.update(dict.fromkeys(row for row in column.cells if sight.sees(row, cid)))
    whole = [p for p in (sight.cut.person, *sorted(sight.asked)) if p is not None]
    yield from dict.fromkeys([*(p for p in whole if sight.person(p) and sight.is_his(p)), *near])


def line_of(sight: Sight, person: PersonId) -> Line | None:
    """Somebody's row; None where he sees nothing of it."""
    columns = sight.columns()
    near = any(
        person in c.cells and sight.sees(person, c.conversation.conversation_id) for c in columns
    )
    return _line(sight, columns, person) if near or sight.is_his(person) else None


def _line(sight: Sight, columns: Sequence[Column], row: Row) -> Line:
    cells = tuple(
        c.at(row) if sight.sees(row, c.conversation.conversation_id) else None for c in columns
    )
    his = sight.is_his(row) and not sight.counts_only
    stands = sight.board.stands.get(row) if isinstance(row, str) and his else None
    here = [c for c, cell in zip(columns, cells, strict=True) if cell and cell.state]
    return Line(
        rank=_rank(columns, cells, stands),
        key=key_of(row),
        row=row,
        person=sight.person(row),
        identity=stands if isinstance(row, str) else "nobody",
        cells=cells,
        valuation=any(c.conversation.floor is Tier.VALUATION for c in here),
        mailed=any(c.mailing for c in here),
    )


def _rank(columns: Sequence[Column], cells: Sequence[Cell | None], stands: Identity | None) -> int:
    """Extra people with valuation first; then extra, missing, stopped, unknown, to be called."""
    states = {cell.state for cell in cells if cell is not None}
    for column, cell in zip(columns, cells, strict=True):
        extra = cell is not None and cell.state is State.EXTRA
        if extra and column.conversation.floor is Tier.VALUATION:
            return 0
    order = (State.EXTRA, State.MISSING, State.PAUSED)
    for rank, state in enumerate(order, 1):
        if state in states:
            return rank
    return 4 if State.UNKNOWN in states or stands in CALL or stands == "leaving" else QUIET


def _name(line: Line) -> str:
    if line.person is not None:
        return line.person.name
    return line.row[1] if isinstance(line.row, tuple) else line.row


def in_view(question: MembershipQuestion, people: int) -> MembershipQuestion:
    """What a question comes to where it leaves open who is shown: of a large deal what differs."""
    if question.shown == "first" and not (question.search or question.person):
        return replace(question, shown="differences" if people > MOST_AT_ONCE else "everyone")
    return question


def asked_for(sight: Sight, found: Sequence[Line], question: MembershipQuestion) -> Sequence[Line]:
    """Those of the rows that a question is about.

    Args:
        sight: what the viewer sees.
        found: his rows, in order.
        question: of ``in_view``.
    """
    if question.person is not None:
        found = [line for line in found if line.row == question.person]
    if question.state is not None or question.shown not in {"first", "everyone"}:
        found = [line for line in found if _shown(line, question)]
    words = folded(question.search).split()
    if not words:
        return found
    said = _Said(sight)
    return [line for line in found if all(word in said.of(line) for word in words)]


def _shown(line: Line, question: MembershipQuestion) -> bool:
    if question.state is not None:
        return any(c is not None and _WORDS[c.state] == question.state for c in line.cells)
    if question.shown == "differences":
        return line.rank < QUIET
    if question.shown == "valuation":
        return line.valuation
    if question.shown == "advisers":
        listed = line.person is not None and _ADVISER in line.person.role.casefold()
        return listed or line.mailed
    return True


@dataclass(slots=True)
class _Said:
    """Names and firms as they are looked for; a firm's is worked out once."""

    sight: Sight
    firms: dict[SideId, str] = field(default_factory=dict)

    def of(self, line: Line) -> str:
        if line.person is None:
            return folded(_name(line))
        side = line.person.side
        if side not in self.firms:
            self.firms[side] = folded(self.sight.cut.side_name(side))
        return folded(_name(line)) + " " + self.firms[side]


def shown(sight: Sight, line: Line) -> MemberRow:
    """A row as it is told."""
    who = line.person
    knows = who is not None and sight.cut.knows_side(who.side)
    return MemberRow(
        row=line.key,
        person=None if who is None else who.person_id,
        name=_name(line),
        side=who.side if who is not None and knows else None,
        side_name=sight.cut.side_name(who.side) if who is not None else "",
        role=who.role if who is not None else "",
        identity=line.identity,
        cells=tuple(map(cell_view, line.cells)),
    )


def cell_view(cell: Cell | None) -> CellView:
    """A cell as it is told; one that is not his says nothing."""
    if cell is None:
        return HIDDEN
    if cell.state is State.NONE:
        return NONE
    return CellView(
        state=_WORDS[cell.state],
        because=cell.because,
        channel=cell.channel,
        was=cell.was,
        listed=cell.listed,
    )


def counts(found: Sequence[Line]) -> MemberCounts:
    """How much differs in rows."""
    states = [cell.state for line in found for cell in line.cells if cell is not None]
    return MemberCounts(
        people=sum(line.person is not None and line.identity != "left" for line in found),
        remove=states.count(State.EXTRA),
        add=states.count(State.MISSING),
        paused=states.count(State.PAUSED),
        verify=sum(line.identity in CALL for line in found),
        right=states.count(State.IN),
        unknown=states.count(State.UNKNOWN),
    )
