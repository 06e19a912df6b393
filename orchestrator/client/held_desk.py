"""Held messages as the desk shows them: whose, why, until when, the ways out; and the one reveal.

Rules kept here: as for ``orchestrator.client.views``, with one exception. ``RevealedView`` holds
the text of a message that two people agreed to have shown to one; it is kept out of its repr, is
in no other answer, and no page of the dashboard asks for it on the server's side.
"""

from dataclasses import dataclass, field

from orchestrator.client.wire import Wire, deal_path, part


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyView:
    """One reason that a message is held.

    Attributes:
        rule: a code.
        because: in words of ours.
        count: of how many people, rooms or parts it is so: what it weighs beside the others.
    """

    rule: str
    because: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOutView:
    """A conversation that a held message may be moved to by one person, at once.

    Attributes:
        name: as the viewer may read it.
        floor: its tier.
    """

    conversation: str
    name: str
    floor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevealView:
    """A request that somebody may read a held message.

    Attributes:
        state: ``waits``, ``agreed``, ``open`` (he may read it now, once), ``read``, ``refused`` or
            ``lapsed``.
        reader: person id of who is to read it.
        until: when it ends in that state, microseconds UTC; None where it does not.
    """

    request: str
    state: str
    reader: str
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldItem:
    """A held message, without its text.

    Attributes:
        rules: codes of what in it was recognised, such as ``money.per_share``; never what it says.
        where: the conversation that its author meant, as the viewer may read it; empty: none.
        seen: ``nobody``: it went through us and waits; ``part``: some of its rooms have it; of
            what was written into a room: ``withdrawing``, ``withdrawn`` (seen gone), ``stays``.
        visible_us: ``withdrawn``: microseconds for which it could be read.
        readers: people who may read the room that it was written into.
        length: how long it is: ``short``, ``medium`` or ``long``.
        mine: the viewer is its author.
        yours: it is the viewer's to settle now; others may as well.
        may: what the viewer may do: ``move``, ``drop``, ``ask``, ``reveal``.
        matter: to read it he names a matter number.
    """

    message_id: str
    where: str
    author: str | None
    author_name: str
    tier: str
    why: tuple[WhyView, ...]
    rules: tuple[str, ...]
    owner_name: str
    next_name: str
    held_at: int
    deadline: int
    overdue: bool
    length: str
    document: bool
    seen: str
    visible_us: int | None
    readers: int | None
    mine: bool
    yours: bool
    fits: tuple[WayOutView, ...]
    may: tuple[str, ...]
    matter: bool = False
    asked: bool = False
    reveal: RevealView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldDeskView:
    """What of a deal is held, cut to the viewer.

    Attributes:
        total: how many are held in the deal; None: not for this viewer.
        overdue: how many of them are past their deadline; None likewise.
        items: those that he may see, the earliest deadline first; at most so many.
        more: there are more than are listed.
    """

    at: int
    total: int | None
    overdue: int | None
    items: tuple[HeldItem, ...]
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldDone:
    """What an act came to.

    Attributes:
        state: of the message now: held, moved, dropped, released.
        request: of a request that waits for people now; None where none does.
    """

    message_id: str
    state: str
    request: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevealedView:
    """The text of a held message, shown once.

    Attributes:
        until: when whoever shows it takes it away, microseconds UTC.
        files: sizes of its files; their names and bytes are shown to nobody.
    """

    text: str = field(repr=False)
    subject: str | None = field(default=None, repr=False)
    files: tuple[int, ...] = ()
    until: int
    author_told: bool


class HeldApi(Wire):
    """Held messages of a deal. There is no call for a reveal: only a person's own page asks it."""

    async def held_desk(self, deal: str) -> HeldDeskView:
        """What is held, cut to what the caller may see."""
        return await self._get(HeldDeskView, f"{deal_path(deal)}/held")

    async def held_desk_move(self, deal: str, message: str, conversation: str) -> HeldDone:
        """Into a stricter conversation, at once."""
        return await self._act(deal, message, "move", {"conversation": conversation})

    async def held_desk_drop(self, deal: str, message: str) -> HeldDone:
        """Never to be sent."""
        return await self._act(deal, message, "drop")

    async def held_desk_ask(self, deal: str, message: str) -> HeldDone:
        """Asks two people for its release."""
        return await self._act(deal, message, "ask")

    async def held_reveal_ask(self, deal: str, message: str, matter: str | None = None) -> HeldDone:
        """Asks two people to let the caller read it, once."""
        return await self._act(deal, message, "reveal/ask", {"matter": matter})

    async def _act(
        self, deal: str, message: str, verb: str, body: dict[str, str | None] | None = None
    ) -> HeldDone:
        path = f"{deal_path(deal)}/held/{part(message)}/{verb}"
        return await self._post(HeldDone, path, body)
