"""PGP mail: a document for five advisers, and one conversation over three unlike networks."""

import asyncio
from collections.abc import AsyncIterator

from orchestrator.client.views import DocumentView, FileHead, NewConversation, Post
from orchestrator.deals.book import HOME
from orchestrator.demo import halcyon
from orchestrator.demo.adviser import Adviser, Opened
from orchestrator.demo.mailside import EXPIRED, OURS, READERS
from orchestrator.demo.messages_act import send
from orchestrator.demo.script import AGREEMENT, FORGED, REPLY, TO_ADVISERS
from orchestrator.demo.stage import CHANNEL, MAIL, SIGNAL, NotSeen, Stage, name_of
from tiers.tier import Tier

_SENDER = "idris-costa"
_OPENERS = ("laura-penn", "timo-berg")
_ON_MATRIX = "idris-costa"
_ON_SIGNAL = "viktor-sand"
_BY_MAIL = ("laura-penn", "nadia-frost")
_NAME = "agreement.txt"
_ENTRIES = 100
_LOOK_EVERY_S = 0.1
_PUT_ASIDE = "message.quarantined"


async def agreement(stage: Stage) -> str:
    """A draft agreement for five advisers: two open it, one is refused since his key is over."""
    await _exchange_keys(stage)
    await _rooms(stage, "agreement", READERS, "laura-penn")
    head = FileHead(name=_NAME, size=len(AGREEMENT.encode()), media_type="text/plain")
    post = Post(person=_SENDER, conversation="agreement", file=head, readers=READERS)
    sent = await stage.client.document_send(stage.deal, post, _pieces())
    await stage.say(f"{name_of(_SENDER)} sends a draft agreement to five outside advisers.")
    for number, reader in enumerate(READERS, 1):
        if reader in _OPENERS:
            await _opens(stage, stage.mail.advisers[reader], number)
    found = await _decided(stage, sent.message_id)
    [refused] = [c for c in found.copies if c.reader == EXPIRED]
    if refused.state != "refused" or stage.mail.advisers[EXPIRED].mails():
        raise NotSeen(f"{name_of(EXPIRED)} was sent a copy, and the key is over")
    one, other = map(name_of, _OPENERS)
    await stage.say(f"  {one} and {other} open it with gpg: each copy bears its reader's name.")
    await stage.say(f"  Nothing was sent to {name_of(EXPIRED)}: the key's time is over.")
    return "four sent, two opened, one refused"


async def _exchange_keys(stage: Stage) -> None:
    """Certificates both ways; each adviser's is compared by two others."""
    ours = await stage.client.key_export(MAIL)
    for reader, adviser in stage.mail.advisers.items():
        armour = await asyncio.to_thread(adviser.certificate)
        await stage.client.key_import(stage.deal, reader, armour, MAIL)
        one, other = [person for person in READERS if person != reader][:2]
        await stage.client.key_verify(stage.deal, reader, one, other)
        await asyncio.to_thread(adviser.take, ours)


async def _rooms(
    stage: Stage, label: str, members: tuple[str, ...], *owners: str, also: tuple[str, ...] = ()
) -> None:
    new = NewConversation(
        label=label,
        floor=Tier.OPERATIONS.value,
        channel=MAIL,
        also=also,
        owner=owners[0],
        owners=owners[1:],
        compartment=halcyon.DRAFTING,
        members=members,
    )
    made = await stage.client.conv_new(stage.deal, new)
    for room in made.rooms:
        if room.connector != MAIL:
            stage.rooms[f"{label} on {room.connector}"] = room.room


async def _pieces() -> AsyncIterator[bytes]:
    yield AGREEMENT.encode()


async def _opens(stage: Stage, adviser: Adviser, number: int) -> None:
    mark = f"COPY {number} OF {len(READERS)}"
    mail = await adviser.until(lambda m: mark in m.text, stage.patience)
    if mail is None:
        raise NotSeen(f"{name_of(adviser.person)} cannot open a copy")
    if name_of(adviser.person) not in mail.text or mail.signer != _our_key(adviser):
        raise NotSeen(f"{name_of(adviser.person)}'s copy is not marked, or not signed by us")
    if dict(mail.files).get(_NAME, b"").strip() != AGREEMENT.encode():
        raise NotSeen(f"{name_of(adviser.person)}'s copy is not the agreement")


def _our_key(adviser: Adviser) -> str:
    """Fingerprint of our key, as the adviser has it from the certificate we gave him."""
    return adviser.key_of(OURS)


async def _decided(stage: Stage, document: str) -> DocumentView:
    end = asyncio.get_running_loop().time() + stage.patience
    while asyncio.get_running_loop().time() < end:
        found = await stage.client.document_show(document)
        if not any(copy.state in {"waiting", "sending"} for copy in found.copies):
            return found
        await asyncio.sleep(_LOOK_EVERY_S)
    raise NotSeen("the document's copies are not settled")


async def three_networks(stage: Stage) -> str:
    """People of one conversation on Matrix, Signal and mail; a reply comes in, a forged one not."""
    members = (*_BY_MAIL, _ON_MATRIX, _ON_SIGNAL, "jonas-lind")
    await _rooms(stage, "drafting", members, _ON_MATRIX, _ON_SIGNAL, also=(SIGNAL, CHANNEL))
    await stage.people[_ON_MATRIX].join(stage.rooms["drafting on matrix"])
    laura = stage.mail.advisers[_BY_MAIL[0]]
    await send(stage, TO_ADVISERS, TO_ADVISERS.label)
    mail = await laura.until(lambda m: TO_ADVISERS.text in m.text, stage.patience)
    if mail is None:
        raise NotSeen(f"{name_of(laura.person)} has no mail of it")
    await _on_signal(stage, TO_ADVISERS.text)
    await stage.say(
        f"#drafting: {name_of(_ON_MATRIX)} is on Matrix, {name_of(_ON_SIGNAL)} on Signal, "
        "two advisers have mail."
    )
    await _answer(stage, laura, mail)
    await _forge(stage, laura, mail)
    return "one reply on three networks, a forged one on none"


async def _on_signal(stage: Stage, text: str) -> None:
    room = stage.rooms["drafting on signal"]
    shown = await stage.signal.until(
        _ON_SIGNAL, room, lambda m: text in (m.text or ""), stage.patience
    )
    if shown is None:
        raise NotSeen(f"{name_of(_ON_SIGNAL)}'s phone does not show it")


async def _answer(stage: Stage, laura: Adviser, mail: Opened) -> None:
    raw = await asyncio.to_thread(
        laura.answer, OURS, laura.key_of(OURS), REPLY.text, mail.message_id
    )
    await asyncio.to_thread(stage.mail.post.send, laura.address, OURS, raw)
    phone, room = stage.people[_ON_MATRIX], stage.rooms["drafting on matrix"]
    if not await phone.until(lambda: REPLY.text in phone.texts(room), stage.patience):
        raise NotSeen(f"{name_of(_ON_MATRIX)} did not get the reply")
    await _on_signal(stage, REPLY.text)
    nadia = stage.mail.advisers[_BY_MAIL[1]]
    if await nadia.until(lambda m: REPLY.text in m.text, stage.patience) is None:
        raise NotSeen(f"{name_of(nadia.person)} has no mail of the reply")
    await stage.say(f'  {name_of(laura.person)} answers by mail: "{REPLY.text}"')
    await stage.say("  It is read on Matrix, on Signal and by the other adviser.")


async def _forge(stage: Stage, laura: Adviser, mail: Opened) -> None:
    """The same From, sealed to us, and signed with another adviser's key."""
    other = stage.mail.advisers["timo-berg"]
    raw = await asyncio.to_thread(
        laura.answer, OURS, laura.key_of(OURS), FORGED, mail.message_id, signed_by=other
    )
    await asyncio.to_thread(stage.mail.post.send, laura.address, OURS, raw)
    await _put_aside(stage)
    phone = stage.people[_ON_MATRIX]
    await phone.sync()
    shown = await stage.signal.shown(_ON_SIGNAL, stage.rooms["drafting on signal"])
    if FORGED in phone.texts() or any(FORGED in (m.text or "") for m in shown):
        raise NotSeen("the forged reply came in")
    if any(FORGED in m.text for m in stage.mail.advisers[_BY_MAIL[1]].open_all()):
        raise NotSeen("the forged reply was sent on")
    await stage.say("  A reply in her name, signed with another key, is put aside. Nobody sees it.")


async def _put_aside(stage: Stage) -> None:
    """Until the record says that a mail was put aside: only then could it have come in."""
    end = asyncio.get_running_loop().time() + stage.patience
    while asyncio.get_running_loop().time() < end:
        entries = await stage.client.audit_tail(HOME, _ENTRIES)
        if any(entry.kind == _PUT_ASIDE for entry in entries):
            return
        await asyncio.sleep(_LOOK_EVERY_S)
    raise NotSeen("nothing was put aside")
