"""What `wallcross conv tier` and `wallcross conv close` show, and their calls."""

from dataclasses import dataclass, field

from orchestrator.client.views import ConversationView
from orchestrator.client.wire import Wire, deal_path, part


@dataclass(frozen=True, slots=True, kw_only=True)
class TierChange:
    """A conversation that counts as a stricter tier from now on, or would.

    Attributes:
        was: the tier that it counted as.
        floor: the one that it counts as.
        changed: something was changed.
        uncleared: people who were read back in a room of it and are not cleared for that.
        strangers: accounts in a room of it that nobody on the list owns.
        against: why nothing goes through it now, in words.
        awaits: the request that two people have to agree to first; None where none has to be.
    """

    conversation_id: str
    label: str | None = field(repr=False)
    was: str
    floor: str
    changed: bool
    uncleared: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    awaits: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedRoom:
    """A room of a closed conversation.

    Attributes:
        state: ``given up``, ``not confirmed``, or ``there`` where nothing was done.
        how: ``left``, ``alone`` (we stay in it, with nobody), ``gone`` or ``mailing``.
        out: people who were seen gone.
        still: accounts that are in it, or may be.
        why: a code, where it is not confirmed.
    """

    connector: str
    room: str
    state: str
    how: str | None = None
    out: int = 0
    still: int = 0
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A conversation that was closed, or would be.

    Attributes:
        state: ``open`` where nothing was done, ``closing`` while a room is not confirmed,
            ``closed``.
        queued: deliveries of it that wait or are under way.
        held: messages of it that are held.
        unrouted: messages to it that were accepted and not looked at yet.
    """

    conversation_id: str
    label: str | None = field(repr=False)
    state: str
    queued: int = 0
    held: int = 0
    unrouted: int = 0
    rooms: tuple[ClosedRoom, ...] = ()


class ConversingApi(Wire):
    """What becomes of a conversation after it was made."""

    async def conv_tier(
        self, deal: str, name: str, tier: str, *, by: str, only_look: bool = False
    ) -> TierChange:
        """Has a conversation count as a stricter tier from now on."""
        body = {"tier": tier, "by": by, "only_look": only_look}
        return await self._post(TierChange, f"{_path(deal, name)}/tier", body)

    async def conv_close(
        self, deal: str, name: str, *, even_waiting: bool = False, only_look: bool = False
    ) -> Closed:
        """Ends a conversation, for good."""
        body = {"even_waiting": even_waiting, "only_look": only_look}
        return await self._post(Closed, f"{_path(deal, name)}/close", body)


def tier_of(found: ConversationView) -> dict[str, str | None]:
    """What a conversation counts as, as it is shown alone."""
    return {
        "conversation_id": found.conversation_id,
        "label": found.label,
        "floor": found.floor,
        "state": found.state,
    }


def _path(deal: str, name: str) -> str:
    return f"{deal_path(deal)}/conversations/{part(name)}"
