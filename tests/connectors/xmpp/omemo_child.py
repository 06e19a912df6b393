"""A device of ours that seals and opens by itself, until it is killed; no network is in it.

Run as a program with a folder: each line in asks for one act, each line out tells what came of it.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring, tostring

from connectors.port import AccountId
from connectors.xmpp.omemo import wire
from connectors.xmpp.omemo.engine import Engine, Published
from connectors.xmpp.omemo.marks import Marks
from connectors.xmpp.omemo.store import Store
from connectors.xmpp.omemo.targets import Target

KEY = b"k" * 32
BOT, PEER = AccountId("bot@deal.test"), AccountId("peer@deal.test")


class Offline:
    """An engine and what it would publish."""

    def __init__(self, account: AccountId, store: Any) -> None:
        self.account = account
        self.published = Published()
        self.engine = Engine(account, store, Marks(store), self.published)

    async def start(self) -> "Offline":
        self.published.lists[self.account] = frozenset()
        await self.engine.load()
        await self.engine.settle()
        self.engine.commit()
        self.engine.take_out()
        return self

    @property
    def own(self) -> Target:
        assert self.engine.own is not None
        return self.engine.own

    async def shown(self) -> str:
        """Our bundle as it stands on a server."""
        bundle = await self.engine._backend.get_bundle(self.account, self.own.number)
        self.engine.forget()
        return tostring(wire.write_bundle(bundle), encoding="unicode")

    def meet(self, account: AccountId, number: int, bundle: str) -> Target:
        found = wire.parse_bundle(fromstring(bundle), account, number)  # noqa: S314 (the test's own)
        assert found is not None
        self.published.lists[account] = frozenset({number})
        self.published.bundles[account, number] = found
        return Target(account, number, wire.fingerprint(found.identity_key))

    async def seal(self, text: str, *targets: Target) -> str:
        payload = await self.engine.seal(text, frozenset(targets))
        self.engine.commit()
        return tostring(payload[0], encoding="unicode")

    async def open(self, sealed: str, sender: AccountId) -> tuple[str | None, str | None]:
        found = await self.engine.open(fromstring(sealed), sender)  # noqa: S314 (the test's own)
        return found.text, found.unreadable


async def main(folder: Path) -> None:
    bot = await Offline(BOT, Store(folder / "omemo", KEY)).start()
    said = {"number": bot.own.number, "bundle": await bot.shown()}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    met = json.loads(sys.stdin.readline())
    peer = bot.meet(PEER, met["number"], met["bundle"])
    taken_in = os.open(folder / "taken_in", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for line in sys.stdin:
        asked = json.loads(line)
        if "seal" in asked:
            answer: dict[str, Any] = {"sealed": await bot.seal(asked["seal"], peer)}
        else:
            text, unreadable = await bot.open(asked["open"], PEER)
            if text is not None:
                os.write(taken_in, f"{text}\n".encode())
                os.fsync(taken_in)
            bot.engine.commit()
            answer = {"opened": text, "unreadable": unreadable}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
