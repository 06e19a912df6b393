"""When a deal is to be signed, and the signing windows that two people agree to.

Rules kept here:

1. One person says when; that opens nothing, and ends windows that were for another date.
2. A window is asked for with people whose keys are enrolled, who neither left nor are paused, and
   with conversations that are there. It waits for two people, and is withdrawn by one, at once.
3. What was agreed to is opened only while the signing is still the one that people saw.
"""

from collections.abc import Mapping, Sequence

from orchestrator.approvals.errors import NotAllowed
from orchestrator.approvals.requests import Approved, ask, founded, standing, waits
from orchestrator.approvals.windows import (
    state_signing,
    window_of,
    window_plan,
    withdraw_window,
)
from orchestrator.audit.body import Json
from orchestrator.client.problems import Missing, Refused, Unready, Wrong
from orchestrator.client.signing import NewWindow, SigningView, WindowView
from orchestrator.command.conversations import conversation_of, deal_of
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.roster.deals import find_deal
from orchestrator.store.unit import Tx
from tiers.approval import Rule
from tiers.ids import DealId, PersonId
from tiers.signing import LONGEST, Window

STILL = "Nothing was changed."


class Signings:
    """Implements ``orchestrator.api.port_signing.SigningAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def signing_show(self, deal: DealId) -> SigningView:
        """When a deal is to be signed."""
        return await self._r.store.read(lambda tx: _view(tx, deal))

    async def signing_set(self, deal: DealId, signing: int | None, *, actor: str) -> SigningView:
        """Says when a deal is to be signed; None: nobody knows any more."""
        at = self._r.now()
        if signing is not None and signing <= at:
            raise Wrong(
                "The signing lies in the past",
                still=STILL,
                then="wallcross deal signing none, or wallcross deal phase closed",
            )

        def unit(tx: Tx) -> SigningView:
            if standing(tx, deal).signing_at != signing:
                state_signing(tx, deal, signing, at=at, actor=actor)
            return _view(tx, deal)

        found = await self._r.store.write(unit)
        await self._r.book.reload(self._r.store, deal)
        return found

    async def window_list(self, deal: DealId) -> Sequence[WindowView]:
        """Signing windows that were agreed to and not withdrawn, the first to open first."""
        at = self._r.now()
        found = await self._r.store.read(lambda tx: standing(tx, deal))
        shown = (_shown(n, w, found.signing_at, at) for n, w in found.windows.items())
        return sorted(shown, key=lambda v: v.opens)

    async def window_new(self, deal: DealId, new: NewWindow, *, actor: str) -> None:
        """Asks two people for a window."""
        at, view = self._r.now(), deal_of(self._r, deal)

        def unit(tx: Tx) -> str:
            if not founded(tx, deal):
                raise Unready(
                    "Nobody can agree to a signing window before the deal is founded",
                    still=STILL,
                    then=f"wallcross deal found {view.code}",
                )
            window = _wanted(tx, view, new, at)
            return ask(tx, deal, window_plan(window), rule=Rule(), at=at, actor=actor)

        request = await self._r.store.write(unit)
        raise waits(request, "The signing window waits for the signatures of two people")

    async def window_close(self, deal: DealId, window: str, *, actor: str) -> None:
        """Ends a window, at once."""
        at = self._r.now()

        def unit(tx: Tx) -> None:
            if window not in standing(tx, deal).windows:
                raise Missing("There is no such signing window", then="wallcross deal window list")
            withdraw_window(tx, deal, window, at=at, actor=actor)

        await self._r.store.write(unit)
        await self._r.book.reload(self._r.store, deal)


async def window_agreed(
    runtime: Runtime, deal: DealId, body: Mapping[str, Json], approved: Approved
) -> None:
    """Opens a window that people agreed to, for the signing that they saw."""
    at, window = runtime.now(), window_of(body)

    def unit(tx: Tx) -> None:
        if standing(tx, deal).signing_at != window.signing or at >= window.closes:
            raise NotAllowed("the signing was moved since, or the window is over: ask again")
        approved.finish(tx, at)

    await runtime.store.write(unit)


def _wanted(tx: Tx, view: DealView, new: NewWindow, at: int) -> Window:
    """The window that somebody wants. Raises: Unready, Refused, Wrong, Missing."""
    found = standing(tx, view.deal_id)
    if found.signing_at is None:
        raise Unready(
            "Nobody said when the deal is to be signed",
            still=STILL,
            then=f"wallcross deal signing {view.code} DATE",
        )
    people = frozenset(map(PersonId, new.people))
    strangers = sorted(people - {a.person for a in found.approvers()})
    if strangers:
        raise Refused(
            f"No key of {', '.join(strangers)} is enrolled, or he left or is paused",
            still=STILL,
            then="wallcross approver list",
        )
    there = frozenset(conversation_of(view, name).conversation_id for name in new.conversations)
    signing = found.signing_at
    opens = max(signing - LONGEST, at) if new.opens is None else new.opens
    closes = signing if new.closes is None else new.closes
    try:
        return Window(signing, opens, closes, people, there)
    except ValueError as error:
        raise Wrong(str(error), still=STILL, then="wallcross deal show") from None


def _shown(name: str, window: Window, signing: int | None, at: int) -> WindowView:
    return WindowView(
        window=name,
        opens=window.opens,
        closes=window.closes,
        signing=window.signing,
        people=tuple(sorted(window.people)),
        conversations=tuple(sorted(window.conversations)),
        state=_state(window, signing, at),
    )


def _state(window: Window, signing: int | None, at: int) -> str:
    if signing != window.signing:
        return "moved"
    if at < window.opens:
        return "later"
    return "open" if at < window.closes else "over"


def _view(tx: Tx, deal: DealId) -> SigningView:
    row = find_deal(tx, deal)
    if row is None:
        raise Missing("there is no such deal", then="wallcross deal list")
    return SigningView(deal_id=deal, code=row.code, signing=standing(tx, deal).signing_at)
