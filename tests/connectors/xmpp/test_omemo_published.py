"""What stands on the server of ours and of others, well or badly, and what strangers write."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from copy import copy, deepcopy
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import pytest

pytest.importorskip("slixmpp_omemo", reason="needs the extra omemo: run .venv-omemo/bin/pytest")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slixmpp import JID
from slixmpp.stanza import Message

from connectors.port import AccountId, DeviceId
from connectors.port.errors import IdentityChanged, Rejected, Unavailable, Unreadable
from connectors.port.messages import Device
from connectors.xmpp.omemo.pep import LIST_NODE, NAMESPACE
from connectors.xmpp.sealing import Opened

from .omemo_lab import NS, Crash, OmemoLab, heard, readers_of, served
from .omemo_people import Bot, Person, until
from .prosody import Prosody

pytestmark = [
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore:Accessing plugins through:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    yield from served(tmp_path_factory.mktemp("prosody"))


@pytest.fixture
async def lab(server: Prosody, tmp_path: Path) -> AsyncIterator[OmemoLab]:
    made = OmemoLab(server, tmp_path)
    yield made
    for one in made.opened:
        await one.close()


# --- our own devices ----------------------------------------------------------------------------


async def test_a_lost_store_leaves_a_stale_device_that_is_told_and_withdrawn(lab: OmemoLab) -> None:
    lost = await lab.bot("lost")
    await lost.close()
    assert lost.sealer.own is not None
    stale = lost.sealer.own
    bot, anna = await lab.bot("found"), await lab.person("anna")
    assert bot.sealer.own != stale
    found = {check.code: check for check in await bot.sealer.inspect()}
    assert (found["omemo_published"].ok, found["omemo_devices"].ok) == (True, False)
    assert stale.device in found["omemo_devices"].remedy
    everybody = await bot.sealer.devices(frozenset({bot.account, anna.account}))
    assert stale in everybody[bot.account]
    sealed = await bot.sealer.seal("x", dict(everybody))
    ours = {r.account: r.devices for r in sealed.readers}[bot.account]
    own = bot.sealer.own
    assert own is not None
    assert ours == frozenset({own})
    await bot.close()
    bot = await lab.bot("found", withdraw=frozenset({stale.device}))
    assert all(check.ok for check in await bot.sealer.inspect())
    assert (await bot.sealer.devices(frozenset({bot.account})))[bot.account] == {bot.sealer.own}


async def test_our_own_device_is_never_withdrawn(lab: OmemoLab) -> None:
    bot = await lab.bot()
    own = bot.sealer.own
    assert own is not None
    await bot.close()
    bot = await lab.bot(withdraw=frozenset({own.device}))
    assert (await bot.sealer.devices(frozenset({bot.account})))[bot.account] == {own}


async def test_a_thief_of_the_password_reads_nothing(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    thief = await lab.person("bot", "stolen")
    await until(lambda: bot.news)
    assert bot.news == [(bot.account, await thief.device())]
    everybody = await bot.sealer.devices(frozenset({bot.account, anna.account}))
    await bot.write(room, "x", dict(everybody))
    await until(lambda: anna.texts)
    assert await thief.opens(anna.came[-1]) is None


async def test_who_is_off_the_list_puts_himself_back(lab: OmemoLab) -> None:
    bot = await lab.bot()
    thief = await lab.person("bot", "stolen")
    manager = await thief.omemo.get_session_manager()
    await manager._upload_device_list(NAMESPACE, {int((await thief.device()).device): None})
    assert {c.code: c.ok for c in await bot.sealer.inspect()}["omemo_published"] is False
    await bot.close()
    bot = await lab.bot()
    assert {c.code: c.ok for c in await bot.sealer.inspect()}["omemo_published"] is True


async def test_other_keys_under_our_number_stop_the_start(lab: OmemoLab) -> None:
    bot = await lab.bot()
    own = bot.sealer.own
    assert own is not None
    thief = await lab.person("bot", "stolen")
    manager = await thief.omemo.get_session_manager()
    bundle = await manager._download_bundle(
        NAMESPACE, bot.address, int((await thief.device()).device)
    )
    fake = deepcopy(bundle)
    fake._BundleImpl__device_id = int(own.device)
    await manager._upload_bundle(fake)
    await bot.close()
    with pytest.raises(Rejected) as refused:
        await lab.bot()
    assert refused.value.code == "device_taken"


# --- what is published badly --------------------------------------------------------------------


async def test_a_device_without_keys_is_told_as_one(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    manager = await anna.omemo.get_session_manager()
    phone = await anna.device()
    await manager._upload_device_list(NAMESPACE, {int(phone.device): None, 77: None})
    readers = await bot.readers(anna)
    assert readers[anna.account] == {phone, Device(DeviceId("77"), "")}
    with pytest.raises(IdentityChanged):
        await bot.sealer.seal("x", readers)
    await bot.sealer.seal("x", readers_of(anna, phone))


async def test_an_account_without_devices_has_none_and_nobody_is_refused(lab: OmemoLab) -> None:
    bot = await lab.bot()
    nobody = AccountId(lab.address("nobody"))
    assert await bot.sealer.devices(frozenset({nobody})) == {nobody: frozenset()}
    with pytest.raises(Rejected):
        await bot.sealer.seal("x", {nobody: frozenset()})


async def test_a_list_that_is_kept_from_us_shows_no_device_to_seal_to(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    before = await bot.readers(anna)
    pubsub: Any = anna.client.plugin["xep_0060"]
    form = await pubsub.get_node_config(JID(anna.address), LIST_NODE)
    rules = form["pubsub_owner"]["configure"]["form"]
    rules["type"] = "submit"
    rules.get_fields()["pubsub#access_model"]["value"] = "whitelist"
    await pubsub.set_node_config(JID(anna.address), LIST_NODE, rules)
    assert await bot.readers(anna) == {anna.account: frozenset()}
    with pytest.raises(IdentityChanged):
        await bot.sealer.seal("x", before)


async def test_a_list_that_makes_no_sense_is_no_empty_list(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    pubsub: Any = anna.client.plugin["xep_0060"]
    listed = Element(f"{NS}list")
    SubElement(listed, f"{NS}device", {"id": "many"})
    await pubsub.publish(JID(anna.address), LIST_NODE, "current", listed)
    with pytest.raises(Unreadable):
        await bot.readers(anna)


async def test_a_bundle_whose_signature_is_wrong_is_sealed_to_by_nobody(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    number = int((await anna.device()).device)
    manager = await anna.omemo.get_session_manager()
    pubsub: Any = anna.client.plugin["xep_0060"]
    node = f"{NAMESPACE}.bundles:{number}"
    answer = await pubsub.get_items(JID(anna.address), node)
    bundle = deepcopy(answer.xml.find(f".//{NS}bundle"))
    assert bundle is not None
    bundle.find(f"{NS}signedPreKeyPublic").text = bundle.find(f".//{NS}preKeyPublic").text
    await pubsub.publish(JID(anna.address), node, "current", bundle)
    with pytest.raises(Unavailable) as refused:
        await bot.sealer.seal("x", await bot.readers(anna))
    assert refused.value.code == "keys_missing"
    await manager._upload_bundle(
        await manager._SessionManager__backends[1].get_bundle(anna.address, number)
    )
    await bot.sealer.seal("x", await bot.readers(anna))


# --- what strangers write -----------------------------------------------------------------------

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
attributes = st.dictionaries(st.sampled_from(["sid", "rid", "prekey", "x"]), words, max_size=3)
names = st.sampled_from([f"{NS}header", f"{NS}key", f"{NS}iv", f"{NS}payload", "{x}y"])


def _element(tag: str, given_attributes: dict[str, str], text: str, parts: list[Any]) -> Element:
    made = Element(tag, given_attributes)
    made.text = text
    made.extend(parts)
    return made


parts = st.recursive(
    st.builds(_element, names, attributes, words, st.just([])),
    lambda inner: st.builds(_element, names, attributes, words, st.lists(inner, max_size=3)),
    max_leaves=8,
)


async def test_whatever_a_stranger_writes_is_unreadable_and_moves_nothing(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    own = bot.sealer.own
    assert own is not None
    await bot.readers(anna)
    await anna.write(room, "the real one", bot.address)
    (message,) = await heard(bot, anna)
    await _fuzz(bot, anna, message)
    assert await bot.opens(message, anna.address) == ("the real one", None)


async def _looked_at(bot: Bot, anna: Person, made: Message) -> tuple[str | None, str | None]:
    """What it opens to, without moving a key on."""
    seen: list[Opened] = []

    async def look() -> None:
        async with bot.sealer.opening(made, anna.account) as opened:
            seen.append(opened)
            raise Crash

    with suppress(Crash):
        await look()
    return seen[0].text, seen[0].unreadable


async def _fuzz(bot: Bot, anna: Person, message: Message) -> None:
    loop = asyncio.get_running_loop()

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(found=st.lists(parts, max_size=4), place=st.integers(0, 400), bit=st.integers(0, 7))
    def fuzz(found: list[Element], place: int, bit: int) -> None:
        made = copy(message)
        sealed = made.xml.find(f"{NS}encrypted")
        assert sealed is not None
        if found:
            sealed[:] = found
        else:
            for each in sealed.iter():
                text = each.text or ""
                if place < len(text):
                    each.text = (
                        text[:place] + chr(ord(text[place]) ^ (1 << bit)) + text[place + 1 :]
                    )
        answer = asyncio.run_coroutine_threadsafe(_looked_at(bot, anna, made), loop)
        opened, unreadable = answer.result(20)
        assert opened in (None, "the real one")  # some bits of base64 mean nothing
        assert opened or unreadable or made.xml.find(f".//{NS}payload") is None

    await asyncio.to_thread(fuzz)


async def published(client: Any, account: str) -> set[str]:
    """What an account publishes, as it is told itself."""
    found = await client.plugin["xep_0030"].get_items(jid=JID(account), timeout=10)
    return {str(node) for _, node, _ in found["disco_items"]["items"]}


async def test_only_omemo_0_3_seals_so_no_other_bundle_of_ours_is_published(lab: OmemoLab) -> None:
    """The plug-in publishes bundles of ``urn:xmpp:omemo:2`` as well, to which nobody seals."""
    bot, anna = await lab.bot(), await lab.person("anna")
    ours = await published(bot.client, bot.account)
    hers = await published(anna.client, anna.address)
    assert [node for node in hers if node.startswith("urn:xmpp:omemo:2")]
    assert LIST_NODE in ours & hers
    assert not [node for node in ours if node.startswith("urn:xmpp:omemo")]
    sealed = await bot.sealer.seal("EV/EBITDA 11.2x", await bot.readers(anna))
    namespaces = {part.tag.partition("}")[0].strip("{") for part in sealed.payload}
    assert NAMESPACE in namespaces
    assert not [name for name in namespaces if name.startswith("urn:xmpp:omemo")]


async def test_a_recipient_without_a_trusted_device_stops_the_message(lab: OmemoLab) -> None:
    """A wrong fingerprint: nothing is sealed to anybody, and nothing leaves."""
    bot, anna = await lab.bot(), await lab.person("anna")
    account = AccountId(anna.address)
    (shown,) = (await bot.readers(anna))[account]
    wrong = Device(shown.device, "00" * 32)
    with pytest.raises(IdentityChanged):
        await bot.sealer.seal("x", {account: frozenset({wrong})})
    await bot.sealer.distrust(account, shown)
    with pytest.raises(IdentityChanged) as caught:
        await bot.sealer.seal("x", {account: frozenset({shown})})
    assert caught.value.code == "device_distrusted"
