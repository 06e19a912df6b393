"""What `wallcross channel rebuild` shows, and its call."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.client.wire import Wire, part


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltRoom:
    """A room on a channel whose account was lost.

    Attributes:
        deal: its code.
        conversation: what people call it.
        state: ``stands`` (our account is in it), ``lost``, ``made anew``, or ``not made``.
        room: as it is bound now.
        was: the room in whose place it stands; None where nothing was made.
        people: who were asked in.
        left_out: who had a seat and may not be asked in any more, or has no account there.
        why: in words, what the network says of it.
        unsure: it stands because nobody could say for certain that it is lost.
        then: what to do next.
        behind: who had a seat in a lost room, and may have it still.
        leaving: what each of them does to be rid of it.
    """

    deal: str
    conversation: str
    state: str
    room: str
    was: str | None = None
    people: int = 0
    left_out: tuple[str, ...] = ()
    why: str | None = None
    unsure: bool = False
    then: str | None = None
    behind: tuple[str, ...] = ()
    leaving: str | None = None


class RebuildApi(Wire):
    """Rooms made anew."""

    async def channel_rebuild(self, name: str, *, only_look: bool) -> Sequence[RebuiltRoom]:
        """Makes every lost room of a channel anew from the roster; or only says which are lost."""
        body = {"only_look": only_look}
        return await self._post(list[RebuiltRoom], f"/channels/{part(name)}/rebuild", body)
