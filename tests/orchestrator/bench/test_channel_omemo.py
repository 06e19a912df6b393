"""`wallcross bench channel xmpp-omemo`: both sides seal to the same devices, and people read it."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from slixmpp import JID
from slixmpp.xmlstream.handler import CoroutineCallback
from slixmpp.xmlstream.matcher import StanzaPath

from orchestrator.client.problems import Unready
from orchestrator.wiring.benches import ours, stages, xmpp
from orchestrator.wiring.benches.prosody import DOMAIN

HEADER = "{eu.siacs.conversations.axolotl}encrypted/{eu.siacs.conversations.axolotl}header"


async def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xmpp, "find_spec", lambda _: None)
    with pytest.raises(Unready, match=r"pip install 'wallcross\[omemo\]' \(AGPL-3.0-only\)"):
        await stages.report("xmpp-omemo", tmp_path, count=8, rounds=1)


class Reader:
    """A person who comes back to the keys that he had published, and reads."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.texts: dict[str, set[str]] = {}
        """Which devices each text was sealed to."""
        path = StanzaPath("message@type=groupchat")
        client.register_handler(CoroutineCallback("sealed", path, self._came))

    async def _came(self, message: Any) -> None:
        header = message.xml.find(HEADER)
        if header is not None:
            opened, _ = await self._client.plugin["xep_0384"].decrypt_message(message)
            self.texts[opened["body"]] = {key.get("rid") for key in header if key.get("rid")}


@pytest.mark.long
@pytest.mark.real
@pytest.mark.filterwarnings("ignore:Accessing plugins through:DeprecationWarning")
async def test_each_side_seals_to_the_same_devices_and_people_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    omemo = pytest.importorskip(
        "orchestrator.wiring.benches.xmpp_omemo",
        reason="needs the extra omemo: run .venv-omemo/bin/pytest",
    )
    people: list[Any] = []
    rooms: list[Any] = []
    published, made_by_us, made_bare = omemo.published, ours.rooms_of, xmpp.room_of

    async def noted(*person: Any) -> None:
        people.append(person)
        await published(*person)

    async def noted_ours(*asked: Any) -> Any:
        found = await made_by_us(*asked)
        rooms.append(found[0])
        return found

    async def noted_bare(*asked: Any) -> Any:
        rooms.append(await made_bare(*asked))
        return rooms[-1]

    monkeypatch.setattr(omemo, "published", noted)
    monkeypatch.setattr(ours, "rooms_of", noted_ours)
    monkeypatch.setattr(xmpp, "room_of", noted_bare)
    async with AsyncExitStack() as stack:
        both = await stack.enter_async_context(xmpp.xmpp_omemo(tmp_path))
        assert both.alone is not None
        readers = []
        for server, account, keys in people:
            client = omemo.with_omemo(server, JID(account).user, keys)
            readers.append(Reader(client))
            await stack.enter_async_context(omemo.signed_in(client, server))
            for room in rooms[:2]:
                nick = JID(account).user
                await client.plugin["xep_0045"].join_muc_wait(JID(room), nick, maxstanzas=0)
        for side, text in ((both.ours, "ours."), (both.bare, "bare."), (both.alone, "alone.")):
            await side.put(text, 0)
        async with asyncio.timeout(20):
            while any(len(reader.texts) < 3 for reader in readers):  # noqa: ASYNC110 (theirs)
                await asyncio.sleep(0.05)
    assert [account for _, account, _ in people] == [f"ann@{DOMAIN}", f"ben@{DOMAIN}"]
    for reader in readers:
        assert reader.texts.keys() == {"ours.", "bare.", "alone."}
        assert len(reader.texts["ours."]) == 2
        assert reader.texts["ours."] == reader.texts["bare."] == reader.texts["alone."]
