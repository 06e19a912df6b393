"""Sessions: opaque, on the server, in memory alone, and at an end without anybody's help.

Rules kept here:

1. Nothing of a session is at rest: a restart signs everybody out, and a copy of the disk signs
   nobody in. Of its secret only the hash is kept (``orchestrator.signin.secret``).
2. It ends when it was not used for a while, at its longest, when it is revoked, and when a newer
   one of the same person takes its place; what has ended answers nothing, whoever asks first.
3. Time is that of a clock which nobody can set (``orchestrator.clock.ticks``): to put the machine's
   clock back lengthens nothing.
4. Limits are configured downwards only.
5. Whoever watches is told of each end at once; who watches too slowly is cut off, and knows it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from orchestrator.clock import HOUR, MINUTE, Clock
from orchestrator.ids import new_id
from orchestrator.signin.secret import digest, new_secret, same
from tiers.ids import DealId, PersonId

Way = Literal["home", "link", "passkey", "oidc", "device"]
Why = Literal["signed_out", "idle", "too_long", "revoked", "replaced", "no_seat"]
IDLE, LONGEST, STEP_UP = 30 * MINUTE, 8 * HOUR, 5 * MINUTE
MOST_EACH = 5
"""Sessions of one person at once."""
MOST = 20_000
"""Sessions of everybody: beyond it the one that was used longest ago ends."""
BEHIND = 1024
"""Ends that a watcher may be behind before he is cut off."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long sessions last, microseconds.

    Raises:
        ValueError: longer than the longest that is allowed.
    """

    idle: int = IDLE
    longest: int = LONGEST
    step_up: int = STEP_UP
    each: int = MOST_EACH

    def __post_init__(self) -> None:
        at_most = ((self.idle, IDLE), (self.longest, LONGEST), (self.step_up, STEP_UP))
        if any(not 0 < has <= most for has, most in at_most) or not 0 < self.each <= MOST_EACH:
            raise ValueError("a limit of sessions is configured downwards only")


@dataclass(frozen=True, slots=True)
class Who:
    """Who signed in, before any deal says what he is.

    Attributes:
        way: how.
        login: the name of what he signs in with, which chains bind to people; None of a link.
        joined: who he is by a one-time link, by deal.
        home: he runs the home: its own user on this machine.
        actor: of the home's user, as the audit names him.
        proven: the hashes of the credentials that he proved in this session.
        subject: the tie of his directory's subject; None where no directory said who he is.
        outside: the session at the provider, by which it may end ours; None without one.
    """

    way: Way
    login: str | None = None
    joined: Mapping[DealId, PersonId] = field(default_factory=dict)
    home: bool = False
    actor: str | None = None
    proven: frozenset[str] = frozenset()
    subject: str | None = None
    outside: str | None = field(default=None, repr=False)

    @property
    def one(self) -> tuple[object, ...]:
        """What counts as one person where sessions are counted."""
        if self.home or self.login is not None:
            return ("login", self.login or self.actor)
        return ("joined", *sorted(self.joined.items()))


@dataclass(slots=True)
class Session:
    """Somebody who is signed in. Instants are of the unsettable clock, microseconds."""

    session_id: str
    who: Who
    began: int
    used: int
    proved: int
    kept: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """A session that is over, why, and who ended it where somebody did."""

    session: Session
    why: Why
    by: str | None = None


class CutOff(Exception):
    """A watcher was too slow to be told of each end."""


class Sessions:
    """Everybody who is signed in now.

    Args:
        limits: how long.
        ticks: a clock that nobody can set.
        told: hears of each end, in the same turn.
    """

    def __init__(
        self, limits: Limits, ticks: Clock, told: Callable[[Ended], None] = lambda _: None
    ) -> None:
        self.limits = limits
        self.ticks = ticks
        self._told = told
        self._by_kept: dict[bytes, Session] = {}
        self._by_id: dict[str, Session] = {}
        self._watchers: set[asyncio.Queue[str]] = set()

    def begin(self, who: Who, *, fresh: bool = True) -> tuple[str, Session]:
        """Signs somebody in.

        Args:
            who: as he proved.
            fresh: he proved it just now, which counts as a step-up too.

        Returns:
            the secret, which is told once, and the session.
        """
        self.sweep()
        self._make_room(who)
        secret, at = new_secret(), self.ticks()
        proved = at if fresh else at - self.limits.step_up
        session = Session(new_id("ses"), who, at, at, proved, digest(secret))
        self._by_kept[session.kept] = self._by_id[session.session_id] = session
        return secret, session

    def _make_room(self, who: Who) -> None:
        own = sorted((s for s in self._by_id.values() if s.who.one == who.one), key=_age)
        crowd = sorted(self._by_id.values(), key=_age) if len(self._by_id) >= MOST else []
        for session in (*own[: max(0, len(own) - self.limits.each + 1)], *crowd[:1]):
            self.end(session.session_id, "replaced")

    def of(self, secret: str) -> Session | None:
        """The session of a secret, unless it is over."""
        kept = digest(secret)
        session = self._by_kept.get(kept)
        if session is None or not same(kept, session.kept):
            return None
        return self._alive(session)

    def by_id(self, session_id: str) -> Session | None:
        """The session of that id, unless it is over."""
        session = self._by_id.get(session_id)
        return None if session is None else self._alive(session)

    def _alive(self, session: Session) -> Session | None:
        why = self._over(session)
        if why is None:
            return session
        self.end(session.session_id, why)
        return None

    def _over(self, session: Session) -> Why | None:
        at = self.ticks()
        if at >= session.began + self.limits.longest:
            return "too_long"
        return "idle" if at >= session.used + self.limits.idle else None

    def use(self, session: Session) -> None:
        """Notes that its owner did something: it is not idle."""
        session.used = self.ticks()

    def step_up(self, session: Session, proven: Iterable[str] = ()) -> str:
        """Notes that its owner proved himself again; its secret is another from now on."""
        session.proved = session.used = self.ticks()
        session.who = replace(session.who, proven=session.who.proven | frozenset(proven))
        del self._by_kept[session.kept]
        secret = new_secret()
        session.kept = digest(secret)
        self._by_kept[session.kept] = session
        return secret

    def stepped_up(self, session: Session) -> bool:
        """Whether he proved himself within the last minutes."""
        return self.ticks() < session.proved + self.limits.step_up

    def named(self, session: Session, login: str) -> None:
        """Notes the login that its owner has from now on."""
        session.who = replace(session.who, login=login)

    def ends_in(self, session: Session) -> tuple[int, int, int]:
        """Microseconds until it ends at the latest, if unused, and until its step-up is over."""
        at = self.ticks()
        longest = session.began + self.limits.longest - at
        idle = session.used + self.limits.idle - at
        return longest, min(idle, longest), max(0, session.proved + self.limits.step_up - at)

    def end(self, session_id: str, why: Why, by: str | None = None) -> bool:
        """Ends one; whether it was there. ``by``: the actor, where it is not its owner."""
        session = self._by_id.pop(session_id, None)
        if session is None:
            return False
        del self._by_kept[session.kept]
        for watcher in self._watchers:
            if not watcher.full():
                watcher.put_nowait(session_id)
        self._told(Ended(session, why, by))
        return True

    def end_where(self, which: Callable[[Session], bool], by: str) -> int:
        """Revokes all that fit; returns how many."""
        found = [s.session_id for s in self._by_id.values() if which(s)]
        return sum(self.end(session_id, "revoked", by) for session_id in found)

    def sweep(self) -> int:
        """Ends what is over by itself; returns how many."""
        over = [(s.session_id, why) for s in self._by_id.values() if (why := self._over(s))]
        return sum(self.end(session_id, why) for session_id, why in over)

    def living(self) -> tuple[Session, ...]:
        """Those that are not over."""
        self.sweep()
        return tuple(self._by_id.values())

    async def ended(self) -> AsyncGenerator[str]:
        """Ids of sessions as they end, from now on.

        Raises:
            CutOff: who watches was too slow, and may have missed some.
        """
        watcher: asyncio.Queue[str] = asyncio.Queue(BEHIND)
        self._watchers.add(watcher)
        try:
            while True:
                yield await watcher.get()
                if watcher.full():
                    raise CutOff("some ends of sessions may have been missed")
        finally:
            self._watchers.discard(watcher)


def _age(session: Session) -> tuple[int, int]:
    return session.used, session.began
