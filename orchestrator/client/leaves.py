"""What the API answers about people who leave: steps, times and numbers, nothing of any message."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveStep:
    """One thing that a leave takes.

    Attributes:
        kind: ``room`` (out of it), ``rotate`` (its sending key thrown away), ``key`` (a device is
            never sealed to again), ``revoke`` (its key is withdrawn for good).
        what: the conversation's name, or the device.
        state: ``seen``, ``not_confirmed`` (asked for, or not to be read), ``later`` (its time has
            not come).
        was_in: he was in that room; else it was looked through and he was not.
        why: a code: what the last try came to.
    """

    kind: str
    channel: str
    what: str
    room: str | None
    state: str
    was_in: bool
    seen_at: int | None
    tries: int
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldsView:
    """What reached him on one channel, of one tier: numbers.

    Attributes:
        delivered: by us, and its network took it; ``possibly``: that is not known.
        written: by people in his rooms themselves.
        how: ``timer``, ``copies`` or ``history``.
        until: when the last of it is deleted by its room's timer; None: for ever.
    """

    channel: str
    tier: str
    delivered: int
    possibly: int
    written: int
    last_at: int
    how: str
    until: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveView:
    """Somebody's leaving.

    Attributes:
        by: who took him out.
        state: ``open`` until everything was seen, then ``gone``; ``undone``.
        last_seen_at: the last confirmed read-back so far; ``took`` after how long, microseconds.
        undo_until: until when two people may undo it; None where nobody may.
        withdrawn: open deliveries to him that go nowhere now; ``possibly``: that an earlier attempt
            may have brought to him; ``under_way``: whose attempt had begun, and ends as its
            network says.
        told: what else a person must know.
    """

    leave_id: str
    person: str
    name: str
    reason: str
    by: str
    began_at: int
    state: str
    last_seen_at: int | None
    took: int | None
    undo_until: int | None
    steps: tuple[LeaveStep, ...]
    holds: tuple[HoldsView, ...]
    withdrawn: int = 0
    possibly: int = 0
    under_way: int = 0
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LostView:
    """A device that was taken out.

    Attributes:
        paused: conversations of whose rooms some stand still now.
    """

    person: str
    channel: str
    device: str
    state: str
    paused: tuple[str, ...]
