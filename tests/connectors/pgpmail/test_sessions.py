"""Mails of a moment share a connection, and none fails or goes twice because it came second."""

import asyncio
import secrets
import socket

import pytest

from connectors.pgpmail import sessions
from connectors.pgpmail.connector import MailConnector
from connectors.port import DeliveryKey, RoomId
from connectors.port.errors import Rejected, Unavailable
from connectors.port.messages import Content, Delivery, Reader

from .conftest import MEMBER, Lab, spec


@pytest.fixture
async def bot(lab: Lab) -> MailConnector:
    lab.acquainted = True
    return await lab.bot()


@pytest.fixture
async def room(bot: MailConnector) -> RoomId:
    return await bot.create(spec(MEMBER))


def mail(room: RoomId) -> Delivery:
    key, readers = DeliveryKey(secrets.token_hex(8)), frozenset({Reader(MEMBER)})
    return Delivery(key, room, Content("x"), readers)


def connections(lab: Lab) -> list[int]:
    """For each mail that was begun, the number of the connection that it was begun on."""
    seen: list[int] = []
    for session in lab.front.sessions:
        if id(session) not in seen:
            seen.append(id(session))
    return [seen.index(id(session)) for session in lab.front.sessions]


async def parted(lab: Lab, count: int) -> None:
    async with asyncio.timeout(45):
        while lab.front.farewells < count:  # noqa: ASYNC110 (the server is another thread)
            await asyncio.sleep(0.01)


async def test_mails_one_after_another_go_over_one_connection(
    lab: Lab, bot: MailConnector, room: RoomId
) -> None:
    for _ in range(3):
        await bot.send(mail(room))
    assert connections(lab) == [0, 0, 0]
    assert len(lab.mails()) == 3


async def test_each_mail_has_a_return_path_of_its_own_on_a_kept_connection(
    lab: Lab, bot: MailConnector, room: RoomId
) -> None:
    for _ in range(2):
        await bot.send(mail(room))
    assert len({sender for sender, _, _ in lab.front.seen}) == 2


async def test_a_mails_last_line_waits_for_no_other(bot: MailConnector, room: RoomId) -> None:
    await bot.send(mail(room))
    (kept,) = bot._open.submission._sessions._idle
    made = kept.smtp.get_transport_info("socket")
    assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_twelve_mails_at_once_take_four_connections_at_most(
    lab: Lab, bot: MailConnector
) -> None:
    rooms = [await bot.create(spec(MEMBER)) for _ in range(12)]
    await asyncio.gather(*(bot.send(mail(room)) for room in rooms))
    assert len(set(connections(lab))) <= 4
    assert len(lab.mails()) == 12


async def test_a_connection_that_the_server_ended_meanwhile_costs_no_mail(
    lab: Lab, bot: MailConnector, room: RoomId
) -> None:
    await bot.send(mail(room))
    (kept,) = bot._open.submission._sessions._idle
    lab.front.down = True
    await kept.stands()  # the server breaks it off
    lab.front.down = False
    await bot.send(mail(room))
    assert connections(lab) == [0, 1]
    assert len(lab.mails()) == 2


@pytest.mark.parametrize("answer", ["nothing", "421 4.4.2 idle too long", "502 5.5.1 what", "x"])
async def test_a_connection_that_does_not_say_that_it_stands_is_left_for_a_new_one(
    lab: Lab,
    bot: MailConnector,
    room: RoomId,
    answer: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions, "_SOON", 0.2)
    await bot.send(mail(room))
    lab.front.spoils.append(("rset", answer))
    await bot.send(mail(room))
    assert connections(lab) == [0, 1]
    assert len(lab.mails()) == 2


@pytest.mark.parametrize(
    ("when", "answer", "kind"),
    [
        ("mail", "452 4.3.1 full", Unavailable),
        ("rcpt", "550 5.1.1 nobody", Rejected),
        ("data", "451 4.3.0 later", Unavailable),
        ("cut before", "", Unavailable),
    ],
)
async def test_a_fault_on_a_kept_connection_is_told_and_ends_it(
    lab: Lab, bot: MailConnector, room: RoomId, when: str, answer: str, kind: type[Exception]
) -> None:
    await bot.send(mail(room))
    lab.front.spoils.append((when, answer))
    with pytest.raises(kind):
        await bot.send(mail(room))
    assert len(lab.mails()) == 1
    assert bot._open.submission._sessions._idle == []
    await bot.send(mail(room))
    assert connections(lab)[-1] != 0
    assert len(lab.mails()) == 2


async def test_after_so_many_mails_a_new_connection_is_made(
    lab: Lab, bot: MailConnector, room: RoomId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST", 2)
    for _ in range(5):
        await bot.send(mail(room))
    assert connections(lab) == [0, 0, 1, 1, 2]


async def test_after_so_long_a_new_connection_is_made(
    lab: Lab, bot: MailConnector, room: RoomId, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bot.send(mail(room))
    monkeypatch.setattr(sessions, "LONGEST", 0.0)
    await bot.send(mail(room))
    assert connections(lab) == [0, 1]


async def test_a_connection_without_mails_is_ended_politely(
    lab: Lab, bot: MailConnector, room: RoomId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "IDLE", 0.05)
    before = lab.front.farewells
    await bot.send(mail(room))
    await parted(lab, before + 1)
    assert bot._open.submission._sessions._idle == []
    await bot.send(mail(room))
    assert connections(lab) == [0, 1]


async def test_a_closed_channel_keeps_no_connection(
    lab: Lab, bot: MailConnector, room: RoomId
) -> None:
    await bot.send(mail(room))
    held, before = bot._open.submission._sessions, lab.front.farewells
    await bot.close()
    assert (held._idle, held._leaving, lab.front.farewells) == ([], set(), before + 1)


async def test_whether_the_account_is_taken_is_asked_on_a_new_connection(
    lab: Lab, bot: MailConnector, room: RoomId
) -> None:
    await bot.send(mail(room))
    before = lab.front.farewells
    assert (await bot.health()).up
    assert lab.front.farewells == before + 1
    assert len(bot._open.submission._sessions._idle) == 1
