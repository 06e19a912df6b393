"""The demo's steps on Signal and by mail: whatever is broken in the world, the step sees it.

Nothing of a step is replaced: a phone changes the group, a mail is changed in its mailbox, a server
is gone, a key is another. The tests use one stage, in their order.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from orchestrator.demo.adviser import Adviser
from orchestrator.demo.mail_act import (
    agreement_sent,
    drafting_goes_round,
    make_agreement,
    make_drafting,
)
from orchestrator.demo.mailside import EXPIRED
from orchestrator.demo.script import FORGED, NOTICE, ON_SIGNAL
from orchestrator.demo.signal_act import (
    board_carries,
    board_read_back,
    make_board,
    safety_number,
)
from orchestrator.demo.stage import MAIL, SIGNAL, Stage
from orchestrator.demo.told_act import is_notice, told

from .theatre import Theatre, opened

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]
OWNER = "ximena-park"
NEW_NUMBER = "yara-nassar"
WEEK_S = 7 * 24 * 3600
SOON_S, LATE_S = 5.0, 60.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def theatre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    async with opened(tmp_path_factory.mktemp("stage")) as found:
        found.stage.patience = LATE_S  # of what is to come, on a busy machine
        await make_board(found.stage)
        await make_agreement(found.stage)
        await make_drafting(found.stage)
        yield found


async def held_by_board(stage: Stage) -> None:
    """Until #board carries again: it stopped while it was not as promised."""
    for _ in range(600):
        (room,) = (await stage.client.conv_show(stage.deal, "board")).rooms
        timed = any(g.guarantee == "timer" and g.evidence == "verified" for g in room.guarantees)
        if timed and not room.paused:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("#board stays paused")


# --- people are told -----------------------------------------------------------------------------


async def test_people_are_told(theatre: Theatre) -> None:
    assert (await theatre.sees(told, LATE_S)).ok


async def test_a_notice_that_an_adviser_never_got_is_seen(theatre: Theatre) -> None:
    laura = theatre.stage.mail.advisers["laura-penn"]
    assert await laura.until(lambda m: is_notice(m.text) and "matrix" in m.text, LATE_S)
    with taken_away(laura, is_notice):  # also that of the other conversation
        step = await theatre.sees(told, SOON_S)
    assert step.text == "not seen: Laura Penn was not told who hosts #agreement"


async def test_a_notice_that_a_phone_on_signal_does_not_show_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage
    room = stage.rooms["board"]
    shown = await stage.signal.shown("viktor-sand", room)
    for notice in [m for m in shown if NOTICE[0] in (m.text or "")]:
        await stage.signal.hand.admin_delete(OWNER, "bot", notice.timestamp, group=room)
    step = await theatre.sees(told, SOON_S)
    assert step.text == "not seen: Viktor Sand was not told who hosts #board"


async def test_a_notice_of_somebody_elses_in_the_place_of_ours_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage
    owner, room = stage.people["farid-novak"], stage.rooms["logistics"]
    await owner.sync()
    for seen in [s for s in owner.seen if s.room == room and is_notice(s.said)]:
        await owner.redact(room, seen.event_id)
    await owner.say(room, "\n".join(NOTICE))
    step = await theatre.sees(told, SOON_S)
    assert step.text == "not seen: Noor Ivanova was not told who hosts #logistics"


# --- valuation on Signal -------------------------------------------------------------------------


async def test_a_price_that_the_phone_never_gets_is_seen(theatre: Theatre) -> None:
    await theatre.stage.signal.hand.lie("send")
    step = await theatre.sees(board_carries, SOON_S)
    await theatre.stage.signal.hand.clear_faults()
    assert step.text == "not seen: Viktor Sand's phone does not show it"


async def test_a_price_that_is_on_another_network_too_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage
    await stage.people["hana-ferri"].say(stage.rooms["price"], ON_SIGNAL.text)
    step = await theatre.sees(board_carries, LATE_S)
    assert not step.ok
    assert step.text.endswith(" has it")


async def test_a_group_as_promised_is_seen_as_such(theatre: Theatre) -> None:
    assert (await theatre.sees(board_read_back)).ok


@pytest.mark.parametrize(
    ("worse", "before", "found"),
    [
        ({"link": "enabled"}, {"link": "disabled"}, "a link lets people in"),
        (
            {"add_members": "every-member"},
            {"add_members": "only-admins"},
            "every member may let people in",
        ),
        ({"name": "Halcyon"}, {"name": "Room 0"}, "halcyon"),
    ],
)
async def test_a_group_that_its_owner_loosened_is_seen(
    theatre: Theatre, worse: dict[str, str], before: dict[str, str], found: str
) -> None:
    stage, hand = theatre.stage, theatre.stage.signal.hand
    await hand.change(stage.rooms["board"], by=OWNER, **worse)
    step = await theatre.sees(board_read_back)
    await hand.change(stage.rooms["board"], by=OWNER, **before)
    assert step.text == f"not seen: #board: {found}"


@pytest.mark.parametrize("seconds", [0, 3600])
async def test_a_timer_that_a_phone_shortened_or_put_off_is_seen(
    theatre: Theatre, seconds: int
) -> None:
    stage, hand = theatre.stage, theatre.stage.signal.hand
    room = stage.rooms["board"]
    await hand.set_timer(OWNER, seconds, group=room)
    step = await theatre.sees(board_read_back)
    await hand.set_timer(OWNER, WEEK_S, group=room)
    assert step.text == "not seen: #board: no timer of seven days"


async def test_a_stranger_in_the_group_is_seen(theatre: Theatre) -> None:
    stage, hand = theatre.stage, theatre.stage.signal.hand
    room = stage.rooms["board"]
    await hand.person("mallory", number="+15550999", auto_join=True)
    await hand.add_member(room, "mallory", by=OWNER)
    step = await theatre.sees(board_read_back)
    await hand.remove_member(room, "mallory", by=OWNER)
    assert step.text == "not seen: #board: members differ from the list"


async def test_an_owner_who_is_no_admin_any_more_is_seen(theatre: Theatre) -> None:
    stage, hand = theatre.stage, theatre.stage.signal.hand
    room = stage.rooms["board"]
    await hand.grant_admin(room, "hana-ferri", by=OWNER)
    await hand.revoke_admin(room, OWNER, by="hana-ferri")
    step = await theatre.sees(board_read_back)
    await hand.grant_admin(room, OWNER, by="hana-ferri")
    await hand.revoke_admin(room, "hana-ferri", by=OWNER)
    assert step.text == "not seen: #board: the owner is no admin"


async def test_a_signal_network_that_is_down_is_seen(theatre: Theatre) -> None:
    hand = theatre.stage.signal.hand
    await hand.go_down()
    step = await theatre.sees(board_carries, SOON_S)
    await hand.come_back()
    assert step.text == "not seen: Viktor Sand's phone does not show it"


# --- a changed safety number ---------------------------------------------------------------------


async def test_a_room_that_does_not_stop_for_a_new_number_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage
    theatre.when("has changed", partial(compared, stage))
    step = await theatre.sees(safety_number, 10.0)
    # an older notice of hers may still come: then it is the message itself that tells, at whoever
    # has it, or by being held no more
    told_nothing = "not seen: Hana Ferri was told nothing in the private line"
    held_no_more = "not seen: no held message of that id"
    seen = step.text in {told_nothing, held_no_more} or step.text.endswith(" has it")
    assert seen, step.text
    assert not step.ok


async def test_a_number_that_is_never_compared_is_seen(theatre: Theatre) -> None:
    """The last of #board: it stays paused."""
    stage = theatre.stage

    async def compromised() -> None:
        device = await new_number(stage)
        await stage.client.key_mark(stage.deal, NEW_NUMBER, device, "compromise")

    theatre.when("#board is paused", compromised)
    step = await theatre.sees(safety_number, 15.0)
    assert not step.ok
    assert not step.text.endswith(" has it"), step.text


async def new_number(stage: Stage) -> str:
    """The device of a number that nobody has compared, once we have seen it."""
    for _ in range(600):
        keys = await stage.client.key_list(stage.deal, NEW_NUMBER)
        fresh = [k for k in keys if k.connector == SIGNAL and k.state in {"seen", "pinned"}]
        if fresh:
            return fresh[-1].device
        await asyncio.sleep(0.1)
    raise AssertionError("no new number was seen")


async def compared(stage: Stage) -> None:
    """Two people call at once and compare the new number."""
    await new_number(stage)
    await stage.client.key_verify(stage.deal, NEW_NUMBER, "hana-ferri", "viktor-sand")
    await held_by_board(stage)


# --- a document for advisers ---------------------------------------------------------------------


def files(adviser: Adviser) -> Iterator[Path]:
    """The mails in a mailbox."""
    for name in ("new", "cur"):
        yield from (adviser.mailbox / name).glob("*")


@contextmanager
def taken_away(adviser: Adviser, fits: Callable[[str], bool]) -> Iterator[None]:
    """Some of an adviser's mails are not in his mailbox for a while."""
    gone = {}
    for path in list(files(adviser)):
        raw = path.read_bytes()
        mail = adviser.opened(raw)
        if mail is not None and fits(mail.text):
            gone[path] = raw
            path.unlink()
    yield
    for path, raw in gone.items():
        path.write_bytes(raw)


async def changed(adviser: Adviser, words: str, change: Callable[[bytes], bytes | None]) -> None:
    """Waits for a mail and puts another in its place, or none."""
    for _ in range(300):
        for path in list(files(adviser)):
            raw = path.read_bytes()
            mail = adviser.opened(raw)
            if mail is not None and words in mail.text:
                after = change(raw)
                path.unlink()
                if after is not None:
                    path.with_name(path.name + "x").write_bytes(after)
                return
        await asyncio.sleep(0.1)
    raise AssertionError("the mail did not come")


def lost(raw: bytes) -> bytes | None:
    """A mailbox that was emptied."""
    del raw
    return None


def flipped(raw: bytes) -> bytes:
    """One character of the encrypted text is another."""
    head, mark, armour = raw.partition(b"-----BEGIN PGP MESSAGE-----")
    assert mark
    place = len(armour) // 2
    while not armour[place : place + 1].isalnum():
        place += 1
    other = b"A" if armour[place : place + 1] != b"A" else b"B"
    return head + mark + armour[:place] + other + armour[place + 1 :]


def sealed_anew(adviser: Adviser, raw: bytes, *signed: str, name: str | None = None) -> bytes:
    """The same mail as somebody in the middle would make it who had the adviser's own key."""
    head, mark, rest = raw.partition(b"-----BEGIN PGP MESSAGE-----")
    armour, end, tail = rest.partition(b"-----END PGP MESSAGE-----")
    inner = adviser._gpg("--decrypt", data=mark + armour + end)
    if name is not None:
        mail = message_from_bytes(inner, policy=policy.default)
        page = mail.get_body(("plain",))
        assert page is not None
        page.set_content(page.get_content().replace("Laura Penn", name))
        inner = bytes(mail)
    options = ("--armor", "--trust-model", "always", "--recipient", adviser.fingerprint())
    again = adviser._gpg(*options, *signed, "--encrypt", data=inner)
    return head + again.strip() + tail


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lost, "Laura Penn cannot open a copy"),
        (flipped, "Laura Penn cannot open a copy"),
        ("unsigned", "Laura Penn's copy is not signed by us"),
        ("signed by himself", "Laura Penn's copy is not signed by us"),
        ("another's name", "Laura Penn's copy does not bear the reader's name"),
    ],
)
async def test_a_copy_that_is_not_what_we_sent_is_seen(
    theatre: Theatre, change: str | Callable[[bytes], bytes | None], found: str
) -> None:
    laura = theatre.stage.mail.advisers["laura-penn"]
    known = laura.known()

    def put(raw: bytes) -> bytes | None:
        if callable(change):
            return change(raw)
        signed = ("--sign",) if change == "signed by himself" else ()
        name = "Timo Berg" if change == "another's name" else None
        return sealed_anew(laura, raw, *signed, name=name)

    async def on_the_way() -> None:
        earlier = [p for p in files(laura) if any(i.encode() in p.read_bytes() for i in known if i)]
        aside = {path: path.read_bytes() for path in earlier}
        for path in earlier:
            path.unlink()
        await changed(laura, "COPY 1 OF 5", put)
        for path, raw in aside.items():
            path.write_bytes(raw)

    theatre.when("sends a draft agreement", on_the_way)
    step = await theatre.sees(agreement_sent, SOON_S)
    assert step.text == f"not seen: {found}"


async def test_a_copy_for_a_key_that_was_renewed_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage
    ada = stage.mail.advisers[EXPIRED]
    listed = ada._gpg("--with-colons", "--with-subkey-fingerprint", "--list-secret-keys").decode()
    key, below = [row.split(":")[9] for row in listed.splitlines() if row.startswith("fpr:")]
    for which in ((), (below,)):
        ada._gpg("--quick-set-expire", key, "2y", *which)
    await stage.client.key_add(stage.deal, EXPIRED, ada.certificate(), MAIL)
    step = await theatre.sees(agreement_sent, LATE_S)
    assert step.text == "not seen: Ada Lindqvist was sent a copy, and the key is over"


# --- one conversation on three networks ----------------------------------------------------------


async def test_one_network_that_is_down_is_seen(theatre: Theatre) -> None:
    hand = theatre.stage.signal.hand
    await hand.go_down()
    step = await theatre.sees(drafting_goes_round, SOON_S)
    await hand.come_back()
    assert step.text == "not seen: Viktor Sand's phone does not show it"


async def test_a_reply_that_nobody_takes_in_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage
    theatre.when("#drafting:", stage.served.kill)
    step = await theatre.sees(drafting_goes_round, SOON_S)
    await stage.served.start()
    assert step.text == "not seen: Idris Costa did not get the reply"


async def test_a_forged_reply_that_comes_in_is_seen(theatre: Theatre) -> None:
    """The forger has the author's own key: what he writes is genuine, and comes in."""
    stage = theatre.stage
    advisers = stage.mail.advisers
    phone, room = stage.people["idris-costa"], stage.rooms["drafting on matrix"]
    timo, advisers["timo-berg"] = advisers["timo-berg"], advisers["laura-penn"]
    step = await theatre.sees(drafting_goes_round, LATE_S)
    advisers["timo-berg"] = timo
    assert step.text == "not seen: the forged reply came in"
    assert await phone.until(lambda: FORGED in phone.texts(room), LATE_S)


async def test_a_mail_server_that_is_gone_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage
    theatre.when("#drafting:", partial(asyncio.to_thread, stage.mail.server.stop))
    step = await theatre.sees(drafting_goes_round, LATE_S)
    assert step.text == "not seen: it broke with ConnectionRefusedError"
