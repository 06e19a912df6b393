"""The Overview as the API answers it: does anything need me, and is everything else all right.

Rules kept here: as for ``orchestrator.client.views``. What cannot be told now is said to be so; it
is never counted as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from orchestrator.client.views import Happening
from orchestrator.client.wire import Wire, deal_path

VerdictState = Literal["clear", "needs", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer in one value.

    Attributes:
        state: ``clear``; ``needs``: ``needs`` things need this person; ``unknown``: something was
            not read lately enough to say that all is well, whatever else is known.
        needs: things that need him, all of them.
        why: codes of what is not known, such as ``channel:signal``, ``rooms``, ``rules``,
            ``clock``, ``record`` or ``serve``; empty unless ``unknown``.
        oldest_at: when the room that was read back longest ago was; None where none was.
        since: when each channel that does not answer was last seen well, microseconds UTC, or
            None where it never was; empty while all of them answer.
        channels: channels that the deal's rooms are on.
        read: those of them whose rooms were all read back lately enough.
    """

    state: VerdictState
    needs: int
    why: tuple[str, ...] = ()
    oldest_at: int | None = None
    since: Mapping[str, int | None] = field(default_factory=dict)
    channels: int = 0
    read: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that needs this person.

    Attributes:
        kind: ``finding``, ``approval``, ``held`` or ``people``.
        rule: a code: the finding's rule, the request's verb; of a held message its tier.
        title: what it is, in words of ours; empty where the code says it.
        page: the page that settles it.
        subject: id of the finding, the request or the message.
        about: whom or what it is about, as this person may be told; empty where nothing may be.
        what: what happened, in reasons of our own.
        done: what we already did, as a code; empty where nothing was.
        severity: low, medium, high or critical.
        at: since when, microseconds UTC.
        until: when it lapses, or goes to the next person; None where it does neither.
    """

    kind: str
    rule: str
    page: str
    subject: str
    title: str = ""
    about: str = ""
    what: tuple[str, ...] = ()
    done: str = ""
    severity: str = "medium"
    at: int = 0
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TierCard:
    """One tier of a deal: where it happens, how much, for whom, by which rule.

    Attributes:
        tier: valuation, operations, coordination, or ``advisers`` for formal documents.
        channels: kinds of network, such as ``signal``, each with the state of ours there.
        today: messages since midnight in the home's zone; None: not for this viewer.
        days: messages of each of the last 14 days, today last; empty: not for this viewer.
        people: people with a seat in it; None: not for this viewer.
        conversations: of this tier; None: not for this viewer.
        timer: microseconds after which messages disappear; None where they do not.
        kept: microseconds for which the journal keeps them.
        modes: relay or witness, as its rooms were made.
    """

    tier: str
    channels: tuple[tuple[str, str], ...]
    today: int | None
    days: tuple[int, ...]
    people: int | None
    conversations: int | None
    timer: int | None
    kept: int
    modes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A deal on one page, as one person may see it.

    Attributes:
        at: when it was true.
        signing_at: when the deal is to be signed; None until somebody said so.
        just_now: what happened last, newest first, without content.
        names: what conversations and people in ``just_now`` are called, by id.
    """

    at: int
    deal_id: str
    code: str
    phase: str
    made_up: bool
    signing_at: int | None
    verdict: Verdict
    items: tuple[Item, ...]
    tiers: tuple[TierCard, ...]
    just_now: tuple[Happening, ...]
    names: Mapping[str, str] = field(default_factory=dict)


class OverviewApi(Wire):
    """Calls of the Overview."""

    async def deal_overview(self, deal: str) -> Overview:
        """A deal on one page, cut to what the caller may see."""
        return await self._get(Overview, f"{deal_path(deal)}/overview")

    async def deal_needs(self, deal: str) -> Mapping[str, int]:
        """How many things need the caller, by page."""
        return await self._get(dict[str, int], f"{deal_path(deal)}/needs")
