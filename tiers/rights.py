"""Who may see what of a deal's administration, and do what about it, as one table.

Rules kept here:

1. Nothing is implied: a role that a row does not name sees nothing of it and does nothing.
2. Several roles add up: of each row the widest scope and the freest act counts. No role takes away.
3. What makes things safer is done by one person alone; what gives access waits for a second; no
   role is both halves of one act (``tiers.approval`` counts who signs).
4. A bot has no row: what it may do is written in its token.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from tiers.ids import DealId, PersonId, SideId
from tiers.people import Party


class DeskRole(Enum):
    """What somebody is to a deal, before any page."""

    PARTICIPANT = "participant"
    ADVISER = "adviser"
    OWNER = "owner"
    SECURITY_OFFICER = "security_officer"
    APPROVER = "approver"
    COUNSEL = "counsel"
    OPERATOR = "operator"


class Scope(IntEnum):
    """How much of something is seen; in order of width."""

    NOTHING = 0
    COUNTS = 1
    """Figures, and no name."""
    OWN = 2
    """What concerns oneself."""
    FIRM = 3
    """What concerns people of one's own side."""
    ASKED = 4
    """What a request that waits for oneself is about."""
    IN = 5
    """Of conversations that one is in."""
    ALL = 6
    """The whole deal."""


class Act(IntEnum):
    """What may be done about it; in order of freedom."""

    NOTHING = 0
    ASK = 1
    """Asks others to."""
    AGREE = 2
    """Agrees to what others asked for."""
    SECOND = 3
    """Begins it; a second person agrees."""
    OWN = 4
    """Alone, about oneself."""
    ALONE = 5
    """Alone, at once."""


class Right(Enum):
    """A row of the table."""

    SELF = "self"
    DEAL = "deal"
    PARTIES = "parties"
    MEMBERS = "members"
    MATRIX = "matrix"
    ADD = "add"
    REMOVE = "remove"
    FINDINGS = "findings"
    HELD = "held"
    VALUATION_NAMES = "valuation_names"
    RULES = "rules"
    KEYS = "keys"
    AUDIT = "audit"
    EXPORT = "export"
    APPROVALS = "approvals"
    DOCUMENTS = "documents"
    CHANNELS = "channels"
    SEND = "send"
    TOKENS = "tokens"
    ON_CALL = "on_call"


@dataclass(frozen=True, slots=True)
class Power:
    """What a role, or several together, comes to in one row."""

    scope: Scope = Scope.NOTHING
    act: Act = Act.NOTHING

    def __or__(self, other: "Power") -> "Power":
        return Power(max(self.scope, other.scope), max(self.act, other.act))


ENROLLED = frozenset(
    {DeskRole.OWNER, DeskRole.SECURITY_OFFICER, DeskRole.APPROVER, DeskRole.COUNSEL}
)
"""Roles that somebody has by a credential alone, in a session that showed it."""
_P, _A, _O = DeskRole.PARTICIPANT, DeskRole.ADVISER, DeskRole.OWNER
_S, _R, _C, _X = (
    DeskRole.SECURITY_OFFICER,
    DeskRole.APPROVER,
    DeskRole.COUNSEL,
    DeskRole.OPERATOR,
)
_OWN_ALONE = Power(Scope.OWN, Act.OWN)
_SEES_OWN = Power(Scope.OWN)
_SEES_ALL = Power(Scope.ALL)
_COUNTS = Power(Scope.COUNTS)
_ALL_ALONE = Power(Scope.ALL, Act.ALONE)
_ALL_SECOND = Power(Scope.ALL, Act.SECOND)
_ASKED = Power(Scope.ASKED, Act.AGREE)

TABLE: Mapping[Right, Mapping[DeskRole, Power]] = {
    Right.SELF: dict.fromkeys((_P, _A, _O, _S), _OWN_ALONE) | dict.fromkeys((_R, _C), _SEES_OWN),
    Right.DEAL: dict.fromkeys((_P, _A, _O, _S, _R, _C), _SEES_ALL) | {_X: _COUNTS},
    Right.PARTIES: dict.fromkeys((_P, _O, _S, _R, _C), _SEES_ALL),
    Right.MEMBERS: {_P: Power(Scope.IN), _A: Power(Scope.FIRM)}
    | dict.fromkeys((_O, _S, _R, _C), Power(Scope.IN)),
    Right.MATRIX: {
        _O: _SEES_ALL,
        _S: _SEES_ALL,
        _R: Power(Scope.ASKED),
        _C: _SEES_ALL,
        _X: _COUNTS,
    },
    Right.ADD: {_P: Power(Scope.NOTHING, Act.ASK), _O: _ALL_SECOND, _S: _ALL_SECOND, _R: _ASKED},
    Right.REMOVE: {_P: _OWN_ALONE, _A: _OWN_ALONE, _O: _ALL_ALONE, _S: _ALL_ALONE}
    | {_C: Power(Scope.ALL, Act.ASK)},
    Right.FINDINGS: {_P: _SEES_OWN, _O: _ALL_ALONE, _S: _ALL_ALONE, _C: _SEES_ALL, _X: _COUNTS},
    Right.HELD: {_P: _OWN_ALONE, _A: _OWN_ALONE, _O: _ALL_SECOND, _S: _ALL_SECOND}
    | {_R: _ASKED, _C: _ALL_SECOND, _X: _COUNTS},
    Right.VALUATION_NAMES: {_P: Power(Scope.IN)} | dict.fromkeys((_O, _S, _R, _C), _SEES_ALL),
    Right.RULES: {_O: Power(Scope.ALL, Act.ASK), _S: _ALL_SECOND, _R: _ASKED, _C: _ALL_SECOND},
    Right.KEYS: {_P: _OWN_ALONE, _A: _OWN_ALONE, _S: _ALL_SECOND, _R: _ASKED}
    | {_X: Power(Scope.COUNTS, Act.SECOND)},
    Right.AUDIT: {_P: _SEES_OWN, _A: _SEES_OWN, _O: _SEES_ALL, _S: _SEES_ALL, _R: _SEES_OWN}
    | {_C: _SEES_ALL, _X: _SEES_OWN},
    Right.EXPORT: {_C: _ALL_SECOND, _S: _ALL_SECOND, _R: _ASKED},
    Right.APPROVALS: {_O: _SEES_ALL, _S: _SEES_ALL, _C: _SEES_ALL, _R: _ASKED},
    Right.DOCUMENTS: {_P: _OWN_ALONE, _A: _SEES_OWN, _O: _SEES_ALL, _S: _SEES_ALL, _C: _SEES_ALL},
    Right.CHANNELS: dict.fromkeys((_O, _S, _C), _SEES_ALL) | {_X: _ALL_ALONE},
    Right.SEND: {_P: _OWN_ALONE, _A: _OWN_ALONE},
    Right.TOKENS: {_S: _ALL_ALONE, _O: _SEES_ALL},
    Right.ON_CALL: {_P: _SEES_OWN, _O: _ALL_ALONE, _S: _ALL_ALONE, _C: _SEES_ALL},
}


@dataclass(frozen=True, slots=True)
class Seat:
    """What somebody is in one deal.

    Attributes:
        person: who of its roster he is; None for whoever runs the home.
        side: his side; None without a person.
        party: the party that his side serves.
        roles: what he is to it.
    """

    deal: DealId
    person: PersonId | None
    roles: frozenset[DeskRole]
    side: SideId | None = None
    party: Party | None = None

    def power(self, right: Right) -> Power:
        """What his roles come to in a row."""
        row = TABLE[right]
        found = Power()
        for role in self.roles:
            found |= row.get(role, Power())
        return found

    def sees(self, right: Right, scope: Scope) -> bool:
        """Whether a role of his shows him at least so much.

        What one is asked about (``Scope.ASKED``) is wider than what is one's own, and is not it.
        """
        shown = (TABLE[right].get(role, Power()).scope for role in self.roles)
        return scope is Scope.NOTHING or any(
            s >= scope and not (s is Scope.ASKED and Scope.OWN <= scope < s) for s in shown
        )

    def may(self, right: Right, act: Act, *, own: bool) -> bool:
        """Whether a role of his lets him do at least so much.

        Args:
            right: the row.
            act: what is to be done.
            own: it is about himself. What somebody may do alone about himself says nothing of
                others; who agrees to what others ask for does not ask.
        """
        let = (TABLE[right].get(role, Power()).act for role in self.roles)
        return act is Act.NOTHING or any(
            a >= act and (own or a is not Act.OWN) and not (a is Act.AGREE and act is Act.ASK)
            for a in let
        )


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever asks, as his sign-in and the deals' records say.

    Attributes:
        actor: as the audit names him: ``local:<user>``, ``person:<id>`` or ``bot:<id>``.
        whole: he holds the home itself (its own user on this machine): nothing is cut for him.
        seats: what he is, by deal; of a deal that is not here he does not know that it exists.
        session: the id (never the secret) of his session; None without one.
        stepped_up: he proved himself again within the last minutes.
    """

    actor: str
    whole: bool = False
    seats: Mapping[DealId, Seat] = field(default_factory=dict)
    session: str | None = None
    stepped_up: bool = False

    def power(self, deal: DealId, right: Right) -> Power:
        """What he may see and do in a row of one deal."""
        if self.whole:
            return Power(Scope.ALL, Act.ALONE)
        seat = self.seats.get(deal)
        return Power() if seat is None else seat.power(right)

    def sees(self, deal: DealId, right: Right, scope: Scope) -> bool:
        """Whether he is shown at least so much in a row of one deal."""
        seat = self.seats.get(deal)
        return self.whole or (seat is not None and seat.sees(right, scope))

    def may(self, deal: DealId, right: Right, act: Act, *, own: bool) -> bool:
        """Whether he may do at least so much in a row of one deal."""
        seat = self.seats.get(deal)
        return self.whole or (seat is not None and seat.may(right, act, own=own))

    def proved(self, deal: DealId) -> bool:
        """Whether he showed a key of his own that counts in a deal: who came by a link did not."""
        seat = self.seats.get(deal)
        return seat is not None and seat.person is not None and bool(seat.roles & ENROLLED)

    def person(self, deal: DealId) -> PersonId | None:
        """Who of a deal's roster he is."""
        seat = self.seats.get(deal)
        return None if seat is None else seat.person
