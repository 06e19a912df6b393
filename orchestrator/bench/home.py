"""Homes for the bench: the product's own wiring, made-up deals, one network that is the bench's.

Rules kept here:

1. Nothing of the user's is touched: home and secrets lie in a folder that goes with the bench.
2. What is measured is the wiring that serves; only the classifier and the network are the bench's.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from orchestrator.bench.network import NAME, BenchNetwork
from orchestrator.client.views import NewConversation
from orchestrator.clock import Clock
from orchestrator.clock import now as system_now
from orchestrator.command.home import OpenHome
from orchestrator.command.runtime import Channel, Runtime
from orchestrator.config import Settings
from orchestrator.config.load import load
from orchestrator.config.policy import default_text, read_policy
from orchestrator.deals.book import API
from orchestrator.flow.accept import Receipt
from orchestrator.flow.incoming import Incoming
from orchestrator.flow.port import Classifies
from orchestrator.flow.route import LANE
from orchestrator.ids import new_id
from orchestrator.journal.keygen import Group, generate
from orchestrator.outbox.rows import lanes_with_work
from orchestrator.roster.document import to_document
from orchestrator.secrets.files import FileStore
from orchestrator.secrets.port import SecretStore
from orchestrator.store.unit import Tx
from tiers.classify import Classification, Context, Part
from tiers.ids import AccountId, ConversationId, DealId, PersonId, RemoteId, RoomId, SideId
from tiers.people import DEAL, Grant, Party, Person, Profile, Roster, Side, Span
from tiers.policy import Grade
from tiers.tier import Strength, Tier

ACTOR = "bench"
PEOPLE = 8
"""Of each deal; all of them are in each of its conversations."""
SENDERS = 64
"""Messages that are handed in at the same time, each by itself."""
STANDS = "bench"
"""Why the channel stands still while messages are made ready."""


class OpensRuntime(Protocol):
    """The wiring's way of opening a home (``orchestrator.wiring.open_runtime``)."""

    def __call__(
        self,
        settings: Settings,
        classifier: Classifies,
        *,
        live: bool,
        now: Clock,
        vault: SecretStore | None = None,
    ) -> AbstractAsyncContextManager[Runtime]:
        """Opens the home at ``settings.state``."""
        ...


class Classified:
    """A classifier that has made up its mind: what is measured is the way around it."""

    def classify(self, parts: Sequence[Part], context: Context) -> Classification:
        """COORDINATION, without evidence."""
        del parts, context
        return _CLASSIFIED


_CLASSIFIED = Classification(
    Tier.COORDINATION, Strength.NONE, "coordination", {}, (), "en", False, "0" * 64, None, None  # noqa: FBT003 - in the order of the class
)  # fmt: skip


@dataclass(slots=True)
class BenchHome:
    """A home of the bench; opened and closed several times, its network lives on.

    Attributes:
        sent: messages handed in so far.
    """

    folder: Path
    network: BenchNetwork
    opens: OpensRuntime
    targets: list[tuple[DealId, ConversationId]] = field(default_factory=list)
    sent: int = 0

    @asynccontextmanager
    async def open(self, *, live: bool) -> AsyncIterator[Runtime]:
        """Opens it; its channel stands still until ``drain`` lets it go."""
        settings = load(state=self.folder / "home")
        vault = FileStore(self.folder / "secrets")
        opening = self.opens(settings, Classified(), live=live, now=system_now, vault=vault)
        async with opening as runtime:
            runtime.connectors[NAME] = self.network
            runtime.grades[NAME] = Grade.LAB
            runtime.channels[NAME] = Channel(NAME, "bench", self.network, Grade.LAB, paused=STANDS)
            yield runtime

    async def found(self, deals: int, conversations: int) -> None:
        """Makes the deals with their conversations, on a live home."""
        async with self.open(live=True) as runtime:
            home = OpenHome(runtime)
            for n in range(deals):
                deal = await _deal(home, n)
                for k in range(conversations // deals):
                    made = await home.conv_new(deal, _conversation(n, k), actor=ACTOR)
                    self.targets.append((deal, ConversationId(made.conversation_id)))
                await runtime.store.write(partial(_told, rooms=_rooms(runtime, deal), n=n))

    def messages(self, count: int, text: str) -> list[Incoming]:
        """The next ``count`` messages, over all conversations in turn."""
        numbers = range(self.sent, self.sent + count)
        self.sent += count
        return [self._incoming(n, text) for n in numbers]

    def _incoming(self, n: int, text: str) -> Incoming:
        deal, conversation = self.targets[n % len(self.targets)]
        sender = AccountId(_name(self.deals.index(deal), n % PEOPLE))
        return Incoming(
            API,
            RemoteId(new_id("api")),
            sender,
            text,
            system_now(),
            deal_id=deal,
            named=conversation,
        )

    @property
    def deals(self) -> list[DealId]:
        """Every deal."""
        return list(dict.fromkeys(deal for deal, _ in self.targets))


async def accept(runtime: Runtime, messages: Sequence[Incoming]) -> list[Receipt]:
    """Hands messages in from ``SENDERS`` senders, each waiting for its receipt."""
    waiting = iter(messages)
    receipts: list[Receipt] = []

    async def sender() -> None:
        for message in waiting:
            receipts.extend(await runtime.accepter.accept([message]))

    await asyncio.gather(*(sender() for _ in range(SENDERS)))
    return receipts


async def route(runtime: Runtime, deals: Sequence[DealId]) -> None:
    """Routes all that waits; the engine does the same, lane by lane."""
    await asyncio.gather(*(runtime.router.drain(LANE + deal) for deal in deals))


async def drain(runtime: Runtime) -> None:
    """Lets the channel go and waits until nothing is to be done; then it stands still again."""
    runtime.channels[NAME].paused = None
    lanes = await runtime.store.read(lanes_with_work)

    def wake(tx: Tx) -> None:
        for lane, _ in lanes:
            runtime.engine.wake(lane, 0, tx)

    await runtime.store.write(wake)
    await runtime.engine.idle()
    runtime.channels[NAME].paused = STANDS


async def states(runtime: Runtime) -> dict[str, int]:
    """How many messages are in each state."""
    rows = await runtime.store.read(
        lambda tx: tx.all("SELECT state, count(*) FROM message GROUP BY state")
    )
    return dict(rows)


async def _deal(home: OpenHome, n: int) -> DealId:
    policy = read_policy(default_text())
    made = await home.deal_new(f"BENCH-{n}", made_up=True, policy=policy, actor=ACTOR)
    deal = DealId(made.deal_id)
    await home.adopt(deal, "roster", to_document(_roster(n)), actor=ACTOR)
    key = generate("joint", [Group("nobody", 1, 1)])
    await home.journal_key_add(deal, "joint", json.dumps(key.public), actor=ACTOR)
    return deal


def _rooms(runtime: Runtime, deal: DealId) -> list[RoomId]:
    return [b.room for found, b in runtime.book.rooms() if found.deal_id == deal]


def _told(tx: Tx, rooms: Sequence[RoomId], n: int) -> None:
    """Everybody has been told what he is to know of his rooms: no notice falls into a round."""
    accounts = [f"@{_name(n, k)}:bench.example" for k in range(PEOPLE)]
    told = ((NAME, room, who, new_id("msg"), system_now()) for room in rooms for who in accounts)
    tx.many("INSERT INTO room_notice VALUES (?, ?, ?, ?, ?)", told)


def _roster(n: int) -> Roster:
    sides = (SideId("one"), SideId("other"))
    people = tuple(_person(_name(n, k), sides[k % 2], owner=k == 0) for k in range(PEOPLE))
    return Roster(
        host=sides[0],
        sides=(Side(sides[0], "One", Party.ACQUIRER), Side(sides[1], "Other", Party.TARGET)),
        people=people,
        grants=tuple(Grant(p.person_id, DEAL, Tier.OPERATIONS, Span(0)) for p in people),
    )


def _person(name: str, side: SideId, *, owner: bool) -> Person:
    role = "deal owner" if owner else "member"
    accounts = {NAME: AccountId(f"@{name}:bench.example")}
    return Person(PersonId(name), name, side, role, Profile.ORGANISATIONAL, accounts)


def _name(deal: int, person: int) -> str:
    return f"person-{deal}-{person}"


def _conversation(deal: int, k: int) -> NewConversation:
    return NewConversation(
        label=f"talk-{k}", floor="coordination", channel=NAME, owner=_name(deal, 0), gate=True
    )
