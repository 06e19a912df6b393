"""Who is told that something needs somebody, and what was told: views and calls."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestrator.client.wire import Wire, deal_path, part


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCallView:
    """One person of the list.

    Attributes:
        ways: ``push``, ``line``, ``mail``, in the order in which they are tried.
        mail: where his mail goes.
        quiet: ``22:00-07:00`` in his zone; None: no quiet hours. They never cover held messages.
        browsers: how many of his browsers hear.
        told: he is told of things now: on the roster, neither gone nor paused.
        name: as the roster has it; empty where it does not have him any more.
    """

    person: str
    ways: tuple[str, ...]
    mail: str | None = field(default=None, repr=False)
    quiet: str | None = None
    zone: str = "UTC"
    browsers: int = 0
    told: bool = True
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOnCall:
    """One person of a list that somebody sets."""

    person: str
    ways: tuple[str, ...]
    mail: str | None = field(default=None, repr=False)
    quiet: str | None = None
    zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendView:
    """One telling.

    Attributes:
        person: who; None: the webhook.
        state: ``queued``, ``started``, ``sent`` (whoever carries it took it), ``dead``, or
            ``settled`` (it needed nobody any more).
        again: it may have come before.
        code: what the last try came to.
    """

    person: str | None
    way: str
    state: str
    attempts: int
    again: bool
    at: int
    code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """Something that needs, or needed, somebody.

    Attributes:
        kind: ``held``, ``deadline``, ``request``, ``channel`` or ``finding``.
        stage: 0: the first was told; 1: the next; 2: everybody.
        next_at: when the next is told, if nobody answers.
    """

    alert: str
    kind: str
    opened_at: int
    stage: int
    next_at: int | None
    answered_at: int | None
    answered_by: str | None
    settled_at: int | None
    sends: tuple[SendView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PushKeyView:
    """How a browser may be told.

    Attributes:
        key: of this home, for ``pushManager.subscribe``; None: web push is not set up.
        origins: push services that may be reached.
    """

    key: str | None
    origins: tuple[str, ...]


class NotifyApi(Wire):
    """The operations."""

    async def on_call_show(self, deal: str) -> Sequence[OnCallView]:
        """The list, in its order."""
        return await self._get(list[OnCallView], f"{deal_path(deal)}/on-call")

    async def on_call_set(self, deal: str, people: Sequence[NewOnCall]) -> Sequence[OnCallView]:
        """Puts a whole list in the place of the one before."""
        listed = [
            {"person": p.person, "ways": list(p.ways), "mail": p.mail}
            | {"quiet": p.quiet, "zone": p.zone}
            for p in people
        ]
        path = f"{deal_path(deal)}/on-call"
        return await self._post(list[OnCallView], path, {"people": listed})

    async def alert_list(self, deal: str, *, every: bool = False) -> Sequence[AlertView]:
        """What needs somebody, newest first; with ``every`` also what is over."""
        query = {"every": "true" if every else None}
        return await self._get(list[AlertView], f"{deal_path(deal)}/alerts", query)

    async def alert_answer(self, deal: str, alert: str) -> None:
        """Somebody sees to it: nobody else is told."""
        await self._call("POST", f"{deal_path(deal)}/alerts/{part(alert)}/answer")

    async def push_key(self, deal: str) -> PushKeyView:
        """How a browser may be told."""
        return await self._get(PushKeyView, f"{deal_path(deal)}/push")

    async def push_add(self, deal: str, endpoint: str, key: str, auth: str) -> None:
        """Lets one's own browser hear."""
        body = {"endpoint": endpoint, "key": key, "auth": auth}
        await self._call("POST", f"{deal_path(deal)}/push", body)

    async def push_drop(self, deal: str, endpoint: str) -> None:
        """Has one's own browser hear no more."""
        await self._call("POST", f"{deal_path(deal)}/push/drop", {"endpoint": endpoint})
