"""Who is told that something of a deal needs somebody: in which order, by which ways, and when not.

Rules kept here:

1. There is no table: the list is the newest entry about it. A deal without one tells nobody, and
   ``wallcross doctor`` says so.
2. Whoever left or is paused is told nothing, whatever the list says.
3. Quiet hours are somebody's own, in his own zone. They never cover a held message.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.granted import Stated, commitment
from orchestrator.audit.kinds import Kind
from orchestrator.clock import SECOND
from orchestrator.store.unit import Tx
from tiers.ids import PersonId

Way = Literal["push", "line", "mail"]
WAYS: tuple[Way, ...] = get_args(Way)
DAY_MINUTES = 24 * 60
MOST = 50
"""People on one list."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which somebody is told of held messages alone.

    Attributes:
        start: minutes after midnight, in his zone.
        end: the same; before ``start``: of the next day.

    Raises:
        ValueError: no minute of a day, or no time at all.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not (0 <= self.start < DAY_MINUTES and 0 <= self.end < DAY_MINUTES):
            raise ValueError("quiet hours are given as times of a day")
        if self.start == self.end:
            raise ValueError("quiet hours that never end would tell him nothing")


@dataclass(frozen=True, slots=True)
class OnCall:
    """One person of the list.

    Attributes:
        ways: in the order in which they are tried.
        mail: where his mail goes; None: none does.
        zone: IANA name of where he is.
    """

    person: PersonId
    ways: tuple[Way, ...]
    mail: str | None = field(default=None, repr=False)
    quiet: Quiet | None = None
    zone: str = "UTC"

    def heard_from(self, at: int) -> int:
        """From when he is told of what is no held message, at ``at`` or after (µs UTC)."""
        if self.quiet is None:
            return at
        zone, quiet = ZoneInfo(self.zone), self.quiet
        local = datetime.fromtimestamp(at // SECOND, UTC).astimezone(zone)
        minute = local.hour * 60 + local.minute
        over = quiet.start > quiet.end
        within = quiet.start <= minute or minute < quiet.end
        if not (within if over else quiet.start <= minute < quiet.end):
            return at
        later = over and minute >= quiet.start
        day = local.date() + timedelta(days=int(later))
        end = datetime(day.year, day.month, day.day, quiet.end // 60, quiet.end % 60, tzinfo=zone)
        return max(at, int(end.timestamp()) * SECOND)


def on_call_of(entries: Iterable[Stated]) -> tuple[OnCall, ...]:
    """The list as a deal's entries, in their order, come to."""
    bodies = [entry.body for entry in entries if entry.kind == Kind.ON_CALL_SET]
    return tuple(_read(listed) for listed in bodies[-1]["people"]) if bodies else ()


def state_on_call(tx: Tx, deal_id: str, people: Iterable[OnCall], *, at: int, actor: str) -> None:
    """States a whole list; it takes the place of the one before."""
    listed: list[Json] = [_written(one) for one in people]
    row = commitment("oncall", deal_id, listed, at)
    body: dict[str, Json] = {"people": listed, "at": at, "row": row}
    append(tx, deal_id, Kind.ON_CALL_SET, body, at=at, actor=actor)


def _written(one: OnCall) -> dict[str, Json]:
    quiet = one.quiet
    return {
        "person": one.person,
        "ways": list(one.ways),
        "account": one.mail,
        "quiet_start": None if quiet is None else quiet.start,
        "quiet_end": None if quiet is None else quiet.end,
        "zone": one.zone,
    }


def _read(body: Mapping[str, Any]) -> OnCall:
    start, end = body["quiet_start"], body["quiet_end"]
    return OnCall(
        PersonId(body["person"]),
        tuple(body["ways"]),
        body["account"],
        None if start is None else Quiet(start, end),
        body["zone"],
    )
