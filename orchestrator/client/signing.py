"""When a deal is to be signed, and its signing windows: views and calls."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.client.wire import Wire, deal_path, part


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningView:
    """When a deal is to be signed.

    Attributes:
        signing: microseconds UTC; None: nobody said.
    """

    deal_id: str
    code: str
    signing: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWindow:
    """A signing window that somebody asks for.

    Attributes:
        people: who may ask for and agree to a release in it; each has a key enrolled.
        conversations: names or ids of those into which something may be released.
        opens: microseconds UTC; None: as early as it may.
        closes: microseconds UTC; None: the signing.
    """

    people: tuple[str, ...]
    conversations: tuple[str, ...]
    opens: int | None = None
    closes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowView:
    """A signing window that two people agreed to.

    Attributes:
        window: its request's id.
        conversations: their ids.
        state: ``open``, ``later``, ``over``, or ``moved`` (the signing has another date now).
    """

    window: str
    opens: int
    closes: int
    signing: int
    people: tuple[str, ...]
    conversations: tuple[str, ...]
    state: str


class SigningApi(Wire):
    """The operations."""

    async def signing_show(self, deal: str) -> SigningView:
        """When a deal is to be signed."""
        return await self._get(SigningView, f"{deal_path(deal)}/signing")

    async def signing_set(self, deal: str, signing: int | None) -> SigningView:
        """Says when; None: nobody knows any more. It ends windows for another date."""
        return await self._post(SigningView, f"{deal_path(deal)}/signing", {"signing": signing})

    async def window_list(self, deal: str) -> Sequence[WindowView]:
        """Signing windows that were agreed to and not withdrawn."""
        return await self._get(list[WindowView], f"{deal_path(deal)}/windows")

    async def window_new(self, deal: str, new: NewWindow) -> None:
        """Asks for a window. Raises: Waits, always: two people agree to it."""
        body = {
            "people": list(new.people),
            "conversations": list(new.conversations),
            "opens": new.opens,
            "closes": new.closes,
        }
        await self._call("POST", f"{deal_path(deal)}/windows", body)

    async def window_close(self, deal: str, window: str) -> None:
        """Ends a window, at once."""
        await self._call("POST", f"{deal_path(deal)}/windows/{part(window)}/close")
