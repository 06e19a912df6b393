"""What the server of a channel knows: a canary for every name that must not stand in its folder."""

import secrets
from dataclasses import replace

import pytest

from connectors.port.messages import Content, Reader, RoomSpec
from connectors.testing.rig import attachment

from .conftest import Lab
from .prosody import DOMAIN

pytestmark = pytest.mark.real


async def test_no_name_of_a_deal_a_party_or_a_tier_stands_in_the_servers_folder(lab: Lab) -> None:
    """Rooms, topics, nicknames, reasons, form fields, uploads: all bytes of Prosody's folder.

    Bodies are what they are: with OMEMO they are sealed, without it the server reads them. So here
    the body is empty of the canary, and everything that we make up around it is looked at.
    """
    bot, standby = await lab.bot(standby=f"standby@{DOMAIN}"), lab.account("standby")
    alice, bob = await lab.person("alice"), await lab.person("bob")
    names = [f"canary{secrets.token_hex(8)}" for _ in range(3)]
    spec = RoomSpec(secrets.token_hex(8), frozenset({alice.account}), frozenset(), None, gate=False)
    room = await bot.create(spec)
    await bot.invite(room, bob.account)
    await bot.set_admin(room, bob.account, admin=True)
    await bot.remove(room, bob.account)
    await bot.harden(room, replace(spec, name=names[0]))
    await alice.join(room)
    file = attachment(f"{names[1]}.pdf", secrets.token_bytes(5000))
    delivery = replace(
        lab.delivery(room, "", alice), content=Content("see the file", None, (file,))
    )
    members = {m.account for m in (await bot.members(room)).members}
    assert members == {bot.account, standby, alice.account}
    await bot.send(replace(delivery, readers=frozenset(map(Reader, (alice.account, standby)))))
    await alice.settle()
    found = {
        name
        for path in lab.server.folder.rglob("*")
        if path.is_file() and "muc_log" not in path.parts  # bodies
        for name in names
        if name.encode() in path.read_bytes()
    }
    assert not found


async def test_what_is_uploaded_is_not_what_was_sent(lab: Lab) -> None:
    """The place for files gets sealed bytes under a random name."""
    bot, alice = await lab.bot(), await lab.person("alice")
    room = await lab.room(bot, alice)
    canary = secrets.token_bytes(64)
    file = attachment(f"offer-{canary[:8].hex()}.pdf", canary * 64)
    delivery = replace(lab.delivery(room, "", alice), content=Content("", None, (file,)))
    await bot.send(delivery)
    (seen,) = await alice.arrived(room, "wallcross", lab.server.ca)
    assert seen.files[0][0] == file.name
    stored = [
        p for p in lab.server.folder.rglob("*") if p.is_file() and "http_file_share" in str(p)
    ]
    assert any(p.stat().st_size >= len(canary) * 64 for p in stored)
    for path in stored:
        held = path.read_bytes()
        assert canary not in held
        assert canary[:8].hex().encode() not in held
