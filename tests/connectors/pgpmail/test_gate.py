"""No mail leaves to a key that does not stand: gpg's own listings of certificates made for it."""

import asyncio
import random
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.pgpmail.connector import MailConnector
from connectors.pgpmail.gate import HINTS, Refused, Usable, judge
from connectors.pgpmail.ledger import Ledger
from connectors.pgpmail.listing import Certificate, read_listing
from connectors.port import AccountId, DeliveryKey, RoomId
from connectors.port.errors import ConnectorError, IdentityChanged, Rejected
from connectors.port.messages import Content, Delivery, Device, Reader
from orchestrator import clock

from .conftest import MEMBER, Adviser, Lab, spec
from .smith import FAULTS, GOOD, Made, Smith

LISTING = ("--with-colons", "--check-sigs")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Adviser, dict[str, Made]]]:
    adviser = Adviser.at(tmp_path_factory.mktemp("smith") / "home")
    smith = Smith(adviser)
    keys = {name: smith.made(make(smith), code) for name, (make, code) in FAULTS.items()}
    keys |= {name: smith.made(make(smith), None) for name, make in GOOD.items()}
    yield adviser, keys
    adviser.end()


def test_a_barred_key_is_never_pinned_again(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.pin(MEMBER, "F" * 40)
    ledger.bar(MEMBER, "F" * 40)
    ledger.pin(MEMBER, "F" * 40)
    assert (ledger.pinned(MEMBER), ledger.barred(MEMBER)) == (frozenset(), frozenset({"F" * 40}))
    ledger.close()


def listed(adviser: Adviser, key: Made) -> Certificate:
    (found,) = read_listing(adviser.run(*LISTING, key.fingerprint).decode())
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_a_key_with_a_fault_is_refused_by_its_name(
    made: tuple[Adviser, dict[str, Made]], fault: str
) -> None:
    adviser, keys = made
    found = judge(listed(adviser, keys[fault]), MEMBER, clock.now())
    assert found == Refused(keys[fault].code or "")
    assert found.hint == HINTS[found.code]


@pytest.mark.parametrize("name", GOOD)
def test_a_good_key_is_used_by_one_subkey_that_is_named(
    made: tuple[Adviser, dict[str, Made]], name: str
) -> None:
    adviser, keys = made
    certificate = listed(adviser, keys[name])
    found = judge(certificate, MEMBER.upper(), clock.now())
    assert isinstance(found, Usable)
    assert found.fingerprint == keys[name].fingerprint
    assert found.subkey in {each.fingerprint for each in certificate.subkeys}


def test_another_address_a_disabled_key_and_a_bad_signature_are_refused(
    made: tuple[Adviser, dict[str, Made]],
) -> None:
    adviser, keys = made
    text = adviser.run(*LISTING, keys["Ed25519"].fingerprint).decode()
    (good,) = read_listing(text)
    assert judge(good, "somebody@else.test", clock.now()) == Refused("address_differs")
    assert judge(good, MEMBER, 0) == Refused("from_the_future")
    (disabled,) = read_listing(text.replace(":scESC:", ":scESCD:"))
    assert judge(disabled, MEMBER, clock.now()) == Refused("disabled")
    (unchecked,) = read_listing(text.replace("sig:!:", "sig:?:"))
    assert judge(unchecked, MEMBER, clock.now()) == Refused("invalid_key")
    (unknown,) = read_listing(text.replace(":18:", ":99:"))
    assert judge(unknown, MEMBER, clock.now()) == Refused("weak_algorithm")


def test_a_listing_of_nothing_and_of_nonsense_gives_nothing() -> None:
    assert read_listing("") == []
    assert read_listing("uid:u::::\nsig:!::\nfpr:::::::::AB:\nnonsense\n::::\n") == []


def delivery(room: RoomId, readers: frozenset[Reader], text: str = "x") -> Delivery:
    return Delivery(DeliveryKey(secrets.token_hex(8)), room, Content(text), readers)


async def reader(bot: MailConnector, room: RoomId) -> frozenset[Reader]:
    members = (await bot.members(room)).members
    return frozenset(Reader(m.account, m.devices) for m in members)


async def taken(bot: MailConnector, key: Made) -> Device | None:
    """The key, imported; None where that is refused: of the future, or withdrawn before."""
    try:
        return await bot.take_key(MEMBER, key.armour)
    except Rejected as error:
        codes = {"withdrawn_key", "address_differs" if key.code == "from_the_future" else ""}
        if error.code not in codes:
            raise
        return None


async def attempt(bot: MailConnector, key: Made, dice: random.Random) -> str:
    """One attempt to write to an address with this key; the code of its refusal."""
    name = f"{secrets.token_hex(6)}@lawfirm.test"
    address = AccountId(name if dice.random() < 0.1 else MEMBER)
    room = await bot.create(spec(address))
    if address != MEMBER or dice.random() < 0.3:
        return await refused(bot, delivery(room, await reader(bot, room)))
    device = await taken(bot, key)
    if device is None:
        return await refused(bot, delivery(room, frozenset({Reader(address)})))
    way = dice.choice(["pinned", "pinned", "unpinned", "wrong pin", "barred"])
    if way == "pinned":
        await bot.trust(address, device)
    elif way == "wrong pin":
        wrong = replace(device, key=device.key[::-1])
        with pytest.raises(IdentityChanged):
            await bot.trust(address, wrong)
    elif way == "barred":
        await bot.trust(address, device)
        await bot.distrust(address, device)
    readers = await reader(bot, room)
    if dice.random() < 0.5:
        readers = frozenset(Reader(r.account) for r in readers)
    return await refused(bot, delivery(room, readers))


async def refused(bot: MailConnector, what: Delivery) -> str:
    with pytest.raises(ConnectorError) as caught:
        await bot.send(what)
    assert isinstance(caught.value, Rejected)
    return caught.value.code


@pytest.mark.long
async def test_of_a_thousand_attempts_on_keys_that_do_not_stand_none_leaves(
    lab: Lab, made: tuple[Adviser, dict[str, Made]]
) -> None:
    dice = random.Random(20261122)  # noqa: S311 (a fixed order of attempts, no secret)
    bad = [key for key in made[1].values() if key.code is not None]
    codes: set[str] = set()
    for n in range(40):
        bot = await lab.bot(f"b{n}")  # a keyring that has seen nothing yet
        codes |= {await attempt(bot, dice.choice(bad), dice) for _ in range(25)}
        await bot.close()
    assert lab.front.seen == []
    assert lab.mails(MEMBER) == []
    assert {"expired", "revoked", "weak_algorithm", "unpinned_key", "second_key", "no_key"} <= codes
    assert not list(lab.folder.glob("b*/spool/*"))


async def test_a_second_key_with_the_same_address_stops_it_until_one_is_withdrawn(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.mailing(bot)
    second = await bot.take_key(MEMBER, lab.adviser.certificate(lab.mint.keys["again"]))
    readers = frozenset({Reader(MEMBER)})
    assert await refused(bot, delivery(room, readers)) == "second_key"
    await bot.trust(MEMBER, second)
    assert await refused(bot, delivery(room, readers)) == "second_key"
    await bot.distrust(MEMBER, Device(second.device, lab.mint.keys["member"]))
    accepted = await bot.send(delivery(room, readers))
    assert accepted.sealed_to == frozenset({Reader(MEMBER, frozenset({second}))})
    await bot.distrust(MEMBER, second)
    assert await refused(bot, delivery(room, readers)) == "no_key"


async def test_a_key_that_was_revoked_since_is_seen_at_the_next_send(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.mailing(bot)
    readers = await reader(bot, room)
    await bot.send(delivery(room, readers))
    Smith(lab.adviser).revoke(lab.mint.keys["member"])
    await bot.take_key(MEMBER, lab.adviser.certificate(lab.mint.keys["member"]))
    assert await refused(bot, delivery(room, readers)) == "revoked"
    assert len(lab.mails()) == 1


async def test_somebody_elses_certificate_a_private_key_and_noise_are_not_taken(lab: Lab) -> None:
    bot = await lab.bot()
    other = lab.adviser.certificate(lab.mint.keys["banker"])
    secret = lab.adviser.run("--armor", "--export-secret-keys", lab.mint.keys["member"])
    two = lab.adviser.run("--export")
    found = []
    for data in (other, secret, two, b"", b"noise" * 1000):
        with pytest.raises(Rejected) as caught:
            await bot.take_key(MEMBER, data)
        found.append(caught.value.code)
    codes = ["address_differs", "private_key", "several_certificates"]
    assert found == [*codes, "no_certificate", "no_certificate"]
    room = await bot.create(spec(MEMBER))
    assert await refused(bot, delivery(room, frozenset({Reader(MEMBER)}))) == "no_key"


async def test_the_certificate_that_is_handed_out_is_ours_and_the_words_are_read_out(
    lab: Lab, tmp_path: Path
) -> None:
    bot = await lab.bot()
    room = await lab.mailing(bot)
    stranger = Adviser.at(tmp_path / "stranger")
    await asyncio.to_thread(stranger.run, "--import", data=await bot.own_certificate())
    assert lab.mint.bot_key in stranger.run("--with-colons", "--list-keys").decode()
    devices = {m.account: m.devices for m in (await bot.members(room)).members}
    device = min(devices[MEMBER] or frozenset(), key=str)
    words = bot.words(device)
    assert len(words) == len(device.key) // 2
    assert bot.words(Device(device.device, "E58294F2")) == (
        *("topmost", "Istanbul", "Pluto", "vagabond"),
    )
