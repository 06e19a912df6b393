"""Who can read what of a deal, as this installation is set up: views and calls."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.client.wire import Wire, deal_path


@dataclass(frozen=True, slots=True, kw_only=True)
class CellView:
    """What one reader has of one kind of thing.

    Attributes:
        level: ``never``, ``sealed`` (he has it, and no key to it), ``passing`` (while it goes
            through him), or ``yes``.
        why: in a sentence.
    """

    level: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderView:
    """A component or a role.

    Attributes:
        key: stable name, such as ``disk`` or ``channel:signal``.
        kind: ``role``, ``machine``, ``network`` or ``outside``.
        cells: by the key of a kind of thing.
    """

    key: str
    name: str
    kind: str
    cells: Mapping[str, CellView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingView:
    """The whole matrix.

    Attributes:
        things: kinds of things by their keys, in order.
        live: channels are open here; else what is read of rooms counts as not known.
    """

    deal_id: str
    code: str
    host: str
    at: int
    live: bool
    things: Mapping[str, str]
    readers: tuple[ReaderView, ...]


class ReadingApi(Wire):
    """The operation."""

    async def who_reads(self, deal: str) -> ReadingView:
        """Who can read what."""
        return await self._get(ReadingView, f"{deal_path(deal)}/who-reads")
