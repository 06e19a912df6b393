"""The end of a deal: what it would come to, what it came to, and the calls.

Rules kept here: as for ``orchestrator.client.views``.
"""

from dataclasses import dataclass

from orchestrator.client.wire import Wire, deal_path


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingView:
    """What the end of a deal comes to, or came to.

    Attributes:
        closed_at: when it was closed for good, microseconds UTC; None: it is open.
        two_people: its end waits for the signatures of two.
        held: messages that are held; ``possibly``: that may have arrived; ``queued``: under way.
            With ``even_waiting`` these are dropped.
        unrouted: accepted and not looked at yet; ``starting``: handed to a network just now.
            While there is one of these, nothing is closed.
        unkept: of those that wait, how many counsel exempted from the journal while a legal hold
            stands: they are dropped nowhere.
        dropped: messages that were dropped by it.
        conversations: open ones, which end with it; ``rooms``: not given up yet.
        tokens: that are taken back; ``windows``: signing windows that close; ``requests``: that
            wait for people and come to nothing.
        legal_holds: that stand, and go on standing.
        report: hash of the report of what was prevented; None: it was not made yet.
    """

    deal_id: str
    code: str
    phase: str
    closed_at: int | None
    two_people: bool
    held: int
    possibly: int
    queued: int
    unrouted: int
    starting: int
    unkept: int
    dropped: int
    conversations: int
    rooms: int
    tokens: int
    windows: int
    requests: int
    legal_holds: int
    report: str | None


class ClosingApi(Wire):
    """The operations."""

    async def deal_closing(self, deal: str) -> ClosingView:
        """What the end of a deal comes to; nothing is changed."""
        return await self._get(ClosingView, f"{deal_path(deal)}/closing")

    async def deal_close(self, deal: str, code: str, *, even_waiting: bool = False) -> ClosingView:
        """Closes a deal for good. Raises: Waits in a founded deal: two people agree to it."""
        body = {"code": code, "even_waiting": even_waiting}
        return await self._post(ClosingView, f"{deal_path(deal)}/close", body)
