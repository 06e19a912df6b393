"""PGP mail: a document for five advisers, and one conversation over three unlike networks."""

import asyncio
from collections.abc import AsyncIterator

from orchestrator.client.views import FileHead, NewConversation, Post
from orchestrator.deals.book import HOME
from orchestrator.demo import halcyon
from orchestrator.demo.adviser import Adviser, Opened
from orchestrator.demo.mailside import EXPIRED, OURS, READERS
from orchestrator.demo.messages_act import send
from orchestrator.demo.script import AGREEMENT, FORGED, REPLY, TO_ADVISERS
from orchestrator.demo.stage import CHANNEL, MAIL, SIGNAL, NotSeen, Stage, name_of
from orchestrator.demo.whole import whole
from tiers.tier import Tier

_SENDER = "idris-costa"
_ON_MATRIX = "idris-costa"
_ON_SIGNAL = "viktor-sand"
_BY_MAIL = ("laura-penn", "nadia-frost")
_NAME = "agreement.txt"
_ENTRIES = 100
_LOOK_EVERY_S = 0.1
_PUT_ASIDE = "message.quarantined"


async def agreement(stage: Stage) -> str:
    """A draft agreement for five advisers: two open it, one is refused since his key is over."""
    await make_agreement(stage)
    return await agreement_sent(stage)


async def make_agreement(stage: Stage) -> None:
    """Keys are exchanged and compared, and #agreement is made."""
    await _exchange_keys(stage)
    await _rooms(stage, "agreement", READERS, "laura-penn")


async def agreement_sent(stage: Stage) -> str:
    """Each reader opens his copy with gpg; the one whose key is over finds nothing."""
    known = {r: await whole(a.known) for r, a in stage.mail.advisers.items()}
    head = FileHead(name=_NAME, size=len(AGREEMENT.encode()), media_type="text/plain")
    post = Post(person=_SENDER, conversation="agreement", file=head, readers=READERS)
    sent = await stage.client.document_send(stage.deal, post, _pieces())
    await stage.say(f"{name_of(_SENDER)} sends a draft agreement to five outside advisers.")
    refused = await _refused(stage, sent.message_id)
    for number, reader in enumerate(READERS, 1):
        if reader != EXPIRED:
            await _opens(stage, stage.mail.advisers[reader], number, known[reader])
    await whole(stage.mail.server.settle)
    if refused != [EXPIRED] or stage.mail.advisers[EXPIRED].known() != known[EXPIRED]:
        raise NotSeen(f"{name_of(EXPIRED)} was sent a copy, and the key is over")
    await stage.say("  Four open theirs with gpg, signed by us: each copy bears its reader's name.")
    await stage.say(f"  Nothing was sent to {name_of(EXPIRED)}: the key's time is over.")
    return "four sent and opened, one refused"


async def renewed(stage: Stage) -> None:
    """Whose key was over renews it, hands it over, and gets a copy after all. Raises: NotSeen."""
    adviser = stage.mail.advisers[EXPIRED]
    await whole(adviser.renew)
    await stage.client.key_add(stage.deal, EXPIRED, await whole(adviser.certificate), MAIL)
    known = await whole(adviser.known)
    head = FileHead(name=_NAME, size=len(AGREEMENT.encode()), media_type="text/plain")
    post = Post(person=_SENDER, conversation="agreement", file=head, readers=(EXPIRED,))
    await stage.client.document_send(stage.deal, post, _pieces())
    await _opens(stage, adviser, 1, known, of=1)
    await stage.say(f"  {name_of(EXPIRED)} renews the key; the copy is sent, and opened.")


async def _exchange_keys(stage: Stage) -> None:
    """Certificates both ways; each adviser's is compared by two others."""
    ours = await stage.client.key_export(MAIL)
    for reader, adviser in stage.mail.advisers.items():
        armour = await whole(adviser.certificate)
        await stage.client.key_add(stage.deal, reader, armour, MAIL)
        one, other = [person for person in READERS if person != reader][:2]
        await stage.client.key_verify(stage.deal, reader, one, other)
        await whole(adviser.take, ours)


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


async def _opens(
    stage: Stage, adviser: Adviser, number: int, known: frozenset[str], of: int = len(READERS)
) -> None:
    mark = f"COPY {number} OF {of}"
    name = name_of(adviser.person)
    mail = await adviser.until(
        lambda m: mark in m.text and m.message_id not in known, stage.patience
    )
    if mail is None:
        raise NotSeen(f"{name} cannot open a copy")
    if name not in mail.text:
        raise NotSeen(f"{name}'s copy does not bear the reader's name")
    if mail.signer != adviser.key_of(OURS):  # by the certificate that we gave him
        raise NotSeen(f"{name}'s copy is not signed by us")
    if dict(mail.files).get(_NAME, b"").strip() != AGREEMENT.encode():
        raise NotSeen(f"{name}'s copy is not the agreement")


async def _refused(stage: Stage, document: str) -> list[str]:
    """Whom we say to have refused, once no copy is under way."""
    end = asyncio.get_running_loop().time() + stage.patience
    while asyncio.get_running_loop().time() < end:
        copies = (await stage.client.document_show(document)).copies
        if not any(copy.state in {"waiting", "sending"} for copy in copies):
            return [copy.reader for copy in copies if copy.state == "refused"]
        await asyncio.sleep(_LOOK_EVERY_S)
    raise NotSeen("the document's copies are not settled")


async def three_networks(stage: Stage) -> str:
    """People of one conversation on Matrix, Signal and mail; a reply comes in, a forged one not."""
    await make_drafting(stage)
    return await drafting_goes_round(stage)


async def make_drafting(stage: Stage) -> None:
    """Makes #drafting with a room on each network."""
    members = (*_BY_MAIL, _ON_MATRIX, _ON_SIGNAL, "jonas-lind")
    await _rooms(stage, "drafting", members, _ON_MATRIX, _ON_SIGNAL, also=(SIGNAL, CHANNEL))
    await stage.people[_ON_MATRIX].join(stage.rooms["drafting on matrix"])


async def drafting_goes_round(stage: Stage) -> str:
    """A message goes to all three networks, the answer to it too, and a forged one to none."""
    laura = stage.mail.advisers[_BY_MAIL[0]]
    known = await whole(laura.known)
    await send(stage, TO_ADVISERS, TO_ADVISERS.label)
    mail = await _by_mail(stage, laura, TO_ADVISERS.text, known)
    await _on_signal(stage, TO_ADVISERS.text)
    await stage.say(
        f"#drafting: {name_of(_ON_MATRIX)} is on Matrix, {name_of(_ON_SIGNAL)} on Signal, "
        "two advisers have mail."
    )
    await stage.say(f'  {name_of(_ON_MATRIX)} writes: "{TO_ADVISERS.text}"')
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


async def _by_mail(stage: Stage, adviser: Adviser, text: str, known: frozenset[str]) -> Opened:
    """A new mail that says something, signed by us. Raises: NotSeen."""
    ours = adviser.key_of(OURS)
    mail = await adviser.until(
        lambda m: text in m.text and m.signer == ours and m.message_id not in known,
        stage.patience,
    )
    if mail is None:
        raise NotSeen(f"{name_of(adviser.person)} has no mail of it")
    return mail


async def _answer(stage: Stage, laura: Adviser, mail: Opened) -> None:
    nadia = stage.mail.advisers[_BY_MAIL[1]]
    known = await whole(nadia.known)
    await _sends(stage, laura, REPLY.text, mail, laura)
    phone, room = stage.people[_ON_MATRIX], stage.rooms["drafting on matrix"]
    if not await phone.until(lambda: REPLY.text in phone.texts(room), stage.patience):
        raise NotSeen(f"{name_of(_ON_MATRIX)} did not get the reply")
    await _on_signal(stage, REPLY.text)
    await _by_mail(stage, nadia, REPLY.text, known)
    await stage.say(f'  {name_of(laura.person)} answers by mail: "{REPLY.text}"')
    await stage.say("  It is read on Matrix, on Signal and by the other adviser.")


async def _sends(
    stage: Stage, adviser: Adviser, text: str, answered: Opened, signer: Adviser
) -> None:
    """A mail in an adviser's name, sealed to us, signed with somebody's key."""
    raw = await whole(
        adviser.answer, OURS, adviser.key_of(OURS), text, answered.message_id, signed_by=signer
    )
    await whole(stage.mail.post.send, adviser.address, OURS, raw)


async def _forge(stage: Stage, laura: Adviser, mail: Opened) -> None:
    """The same From, sealed to us, and signed with another adviser's key: it must stay out."""
    before = await _put_aside(stage)
    await _sends(stage, laura, FORGED, mail, stage.mail.advisers["timo-berg"])
    end = asyncio.get_running_loop().time() + stage.patience
    while True:
        aside = await _put_aside(stage)  # looked at first: what comes in, comes before or never
        await _stays_out(stage)
        if aside > before:
            break
        if asyncio.get_running_loop().time() > end:
            raise NotSeen("nothing was put aside")
        await asyncio.sleep(_LOOK_EVERY_S)
    await stage.say("  A reply in her name, signed with another key, is put aside. Nobody sees it.")


async def _stays_out(stage: Stage) -> None:
    """Nobody on any of the networks has what the forger wrote. Raises: NotSeen."""
    phone = stage.people[_ON_MATRIX]
    await phone.sync()
    shown = await stage.signal.shown(_ON_SIGNAL, stage.rooms["drafting on signal"])
    if FORGED in phone.texts() or any(FORGED in (m.text or "") for m in shown):
        raise NotSeen("the forged reply came in")
    mails = await whole(stage.mail.advisers[_BY_MAIL[1]].open_all)
    if any(FORGED in m.text for m in mails):
        raise NotSeen("the forged reply was sent on")


async def _put_aside(stage: Stage) -> int:
    """How many mails the record says to have been put aside: only then could one have come in."""
    entries = await stage.client.audit_tail(HOME, _ENTRIES)
    return sum(entry.kind == _PUT_ASIDE for entry in entries)
