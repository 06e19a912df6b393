"""A home whose deals are real (store, audit, adoption) and whose network is a list of calls."""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from orchestrator.api.app import make_app
from orchestrator.api.who import here
from orchestrator.client.api import Client
from orchestrator.client.views import Happening
from orchestrator.client.wire import app_transport
from orchestrator.command.deals import Deals
from orchestrator.command.runtime import Runtime
from orchestrator.config import Config
from orchestrator.query.happenings import Told
from orchestrator.query.shown import Shown
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store
from tiers.rights import Viewer


class MemoryHome(Shown, Deals):
    """Answers what it was told to, and remembers what it was asked."""

    def __init__(self, store: Store) -> None:
        settings = SimpleNamespace(config=Config())
        runtime = SimpleNamespace(store=store, now=lambda: 1_000_000, book=self, settings=settings)
        super().__init__(cast("Runtime", runtime))
        self.live = True
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.answers: dict[str, Any] = {}
        self.happened: list[Happening] = []

    async def reload(self, store: Store, deal: str) -> None:
        """As the book of deals in force."""
        self.reloaded = (store, deal)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def answer(*args: Any, **named: Any) -> Any:
            self.calls.append((name, args, named))
            found = self.answers[name]
            if isinstance(found, BaseException):
                raise found
            return found

        return answer

    async def happenings(self, viewer: Viewer, after: int | None) -> AsyncIterator[Told]:
        self.calls.append(("happenings", (viewer.actor, after), {}))
        for n, happening in enumerate(self.happened, start=1):
            if after is None or n > after:
                yield Told(n, happening)

    async def audit_export(self, deal: str, *, actor: str) -> AsyncIterator[bytes]:
        self.calls.append(("audit_export", (deal,), {"actor": actor}))
        pieces: Sequence[bytes] | Exception = self.answers["audit_export"]
        if isinstance(pieces, Exception):
            raise pieces
        for piece in pieces:
            yield piece

    async def send_file(
        self, deal: str, post: Any, data: AsyncIterator[bytes], **named: Any
    ) -> Any:
        body = b"".join([piece async for piece in data])
        self.calls.append(("send_file", (deal, post, body), named))
        return self.answers["send_file"]


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[MemoryHome]:
    path = tmp_path / "wallcross.db"
    migrate(path)
    store = Store(path)
    yield MemoryHome(store)
    await store.close()


@pytest.fixture
async def client(home: MemoryHome) -> AsyncIterator[Client]:
    """Calls the application in this process, as its own user."""
    transport = app_transport(make_app(home), here())
    async with Client(transport) as found:
        yield found
