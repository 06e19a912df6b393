"""Views of a plan: where rooms differ from the roster, what would be done, what became of it.

Rule kept here: as for ``orchestrator.client.views``.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ActLine:
    """One act, or one thing that only people can put right.

    Attributes:
        kind: what is asked of the network: remove, demote, harden, rotate, invite, promote; of
            what is left to people, how it differs.
        name: of the person; empty where nobody on the roster owns the account.
        because: a code.
        held: why it is not done now, as a code; None where it is.
    """

    kind: str
    conversation: str
    channel: str
    room: str
    account: str | None
    person: str | None
    name: str
    because: str
    held: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """A plan.

    Attributes:
        hash: its name; the sha256 of ``document``.
        document: what is carried out, canonical JSON.
        acts: in the order in which they run.
        held: what waits, each with why.
        left: what no act of ours can put right.
        right: seats that are as they should be.
        unread: rooms that could not be read.
    """

    hash: str
    deal_id: str
    document: str
    acts: tuple[ActLine, ...]
    held: tuple[ActLine, ...]
    left: tuple[ActLine, ...]
    right: int
    unread: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneLine:
    """What became of one act.

    Attributes:
        outcome: seen, not_confirmed or refused.
        why: a code; of what was so already, ``so_already``.
        took_us: from the asking to the reading, microseconds.
    """

    act: ActLine
    outcome: str
    why: str | None
    took_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRunView:
    """How far a plan is that is being carried out, or was.

    Attributes:
        state: ``running``, ``done``, ``refused`` (nothing was done) or ``broken`` (this home could
            not go on; what was asked for is looked at again by itself).
        total: how many acts it has.
        lines: what became of each act so far.
        wrong: why it was refused; else empty.
    """

    hash: str
    state: str
    total: int
    lines: tuple[DoneLine, ...]
    wrong: str = ""
    details: tuple[str, ...] = ()
