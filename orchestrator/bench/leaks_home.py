"""A home with one deal and a conversation of each tier, for ``bench leaks``.

Rule kept here: everything goes the product's own way in; only the network is made up.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from orchestrator.bench import leaks_text as made
from orchestrator.bench.home import OpensRuntime
from orchestrator.client.views import NewConversation
from orchestrator.clock import now as system_now
from orchestrator.command.home import OpenHome
from orchestrator.command.runtime import Runtime
from orchestrator.config.load import load
from orchestrator.config.policy import default_text, read_policy
from orchestrator.deals.book import API
from orchestrator.flow.incoming import Incoming, IncomingFile
from orchestrator.flow.port import Classifies
from orchestrator.ids import new_id
from orchestrator.journal.keygen import Group, generate
from orchestrator.roster.document import to_document
from orchestrator.secrets.files import FileStore
from tiers.ids import AccountId, ConnectorName, ConversationId, DealId, PersonId, RemoteId, SideId
from tiers.people import DEAL, Grant, Party, Person, Profile, Roster, Side, Span
from tiers.tier import Tier

CHANNEL: Final = ConnectorName("made-up")
ACTOR: Final = "bench"
PEOPLE: Final = 6


@dataclass(slots=True)
class Room:
    """A home with one deal and a conversation of each tier."""

    runtime: Runtime
    deal: DealId
    talks: Mapping[str, ConversationId]
    sent: int = 0
    known: dict[str, str] = field(default_factory=dict)
    """Message to what it is."""

    async def say(
        self, to: str, text: str, subject: str | None = None, file: str | None = None
    ) -> str:
        """Writes into the conversation of a tier; returns the message's id."""
        self.sent += 1
        files = (_file(file),) if file is not None else ()
        incoming = Incoming(
            API,
            RemoteId(new_id("api")),
            AccountId(f"person-{self.sent % PEOPLE}"),
            text,
            system_now(),
            subject=subject,
            files=files,
            deal_id=self.deal,
            named=self.talks[to],
        )
        [receipt] = await self.runtime.accepter.accept([incoming])
        await self.runtime.engine.idle()
        return str(receipt.message_id)

    async def findings(self) -> dict[str, set[str]]:
        """Rules of every finding, by its subject."""
        rows = await self.runtime.store.read(
            lambda tx: tx.all("SELECT subject, rule FROM finding WHERE deal_id = ?", (self.deal,))
        )
        found: dict[str, set[str]] = {}
        for subject, rule in rows:
            found.setdefault(subject, set()).add(rule)
        return found


def _file(text: str) -> IncomingFile:
    data = text.encode()

    async def pieces() -> AsyncIterator[bytes]:
        yield data

    return IncomingFile("notes.txt", "text/plain", len(data), pieces)


@asynccontextmanager
async def room(
    opens: OpensRuntime, classifier: Classifies, folder: Path, name: str
) -> AsyncIterator[Room]:
    """A new home with its deal."""
    flags = {
        f"channels.{CHANNEL}.kind": "memory",
        f"channels.{CHANNEL}.settings.network": f"{folder}/{name}",
        f"channels.{CHANNEL}.settings.unsafe_trust_first_seen": "false",
    }
    settings = load(flags=flags, environ={}, state=folder / name)
    vault = FileStore(folder / f"{name}-secrets")
    opening = opens(settings, classifier, live=True, now=system_now, vault=vault)
    async with opening as runtime:
        yield await _furnished(runtime)


async def _furnished(runtime: Runtime) -> Room:
    home = OpenHome(runtime)
    policy = read_policy(default_text())
    deal = DealId((await home.deal_new("LEAKS", made_up=True, policy=policy, actor=ACTOR)).deal_id)
    await home.adopt(deal, "roster", to_document(_roster()), actor=ACTOR)
    key = generate("joint", [Group("nobody", 1, 1)])
    await home.journal_key_add(deal, "joint", json.dumps(key.public), actor=ACTOR)
    talks = {}
    for tier in Tier:
        new = NewConversation(
            label=f"talk-{tier.value}",
            floor=tier.value,
            channel=CHANNEL,
            owner="person-0",
            gate=True,
        )
        made_one = await home.conv_new(deal, new, actor=ACTOR)
        talks[tier.value] = ConversationId(made_one.conversation_id)
    for n in range(PEOPLE):
        one, other = PersonId(f"person-{(n + 1) % PEOPLE}"), PersonId(f"person-{(n + 2) % PEOPLE}")
        await home.key_verify(deal, PersonId(f"person-{n}"), one, other, actor=ACTOR)
    await home.watch_add(deal, made.LISTED_NAMES, made.LISTED_AMOUNTS, actor=ACTOR)
    return Room(runtime, deal, talks)


def _roster() -> Roster:
    sides = (SideId("one"), SideId("other"))
    names = ("Ada", "Bo", "Cyril", "Dimitra", "Elspeth", "Farouk")
    people = tuple(
        Person(
            PersonId(f"person-{n}"),
            name,
            sides[n % 2],
            "deal owner" if n == 0 else "member",
            Profile.ORGANISATIONAL,
            {CHANNEL: AccountId(f"person-{n}")},
        )
        for n, name in enumerate(names)
    )
    return Roster(
        host=sides[0],
        sides=(Side(sides[0], "One", Party.ACQUIRER), Side(sides[1], "Other", Party.TARGET)),
        people=people,
        grants=tuple(Grant(p.person_id, DEAL, Tier.VALUATION, Span(0)) for p in people),
    )
