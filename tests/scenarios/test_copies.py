"""Copies of documents: called back for good, sealed for their sender alone, and known again."""

import hashlib
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import chain, combinations
from pathlib import Path

import pytest

from connectors.port.connector import SealsCopies
from connectors.port.messages import Accepted, Delivery
from orchestrator.client.copies import Hashes, KnownDocument, hashes_of
from orchestrator.client.problems import Missing, Refused, Waits, Wrong
from orchestrator.client.views import DocumentView, FileHead, NewConversation, Post
from orchestrator.clock import DAY
from orchestrator.command.copies import recalls_of
from orchestrator.config.policy import default_text, read_policy
from orchestrator.demo.adviser import Adviser
from orchestrator.flow.documents import Marked, marked
from orchestrator.flow.recalled import call_back
from orchestrator.roster.document import to_document
from tiers.ids import ConnectorName, MessageId, PersonId
from tiers.rights import Viewer

from .conftest import House, Opens, eventually
from .house import ACTOR, CHANNEL, PRICE, roster, without
from .test_access_matrix import viewer_of
from .test_documents import READERS, TEXT, inbox, parties, pieces, send, states
from .test_home_mail import MAIL, THEIRS, Firm, firm

__all__ = ["firm"]
HERE = Viewer(ACTOR, whole=True)
PAGE = b"The minutes of the meeting were read again, and nobody had anything to add."
WHY = "wrong_version"
Take = Callable[[AsyncIterator[bytes]], Awaitable[None]]


async def hand_in(
    house: House, *readers: str, to: str, data: bytes = PAGE, seals: bool = False
) -> MessageId:
    head = FileHead(name="zyxwv-minutes.txt", size=len(data), media_type="text/plain")
    post = Post(person="ada", conversation=to, file=head, readers=readers, seals=seals)
    sent = await house.home.document_send(
        house.deal, post, pieces(data.decode()), actor="person:ada"
    )
    return MessageId(sent.message_id)


async def until(house: House, message: MessageId, *wanted: str) -> DocumentView:
    """The document, once each copy is in one of the named states."""

    async def there() -> bool:
        found = await house.home.document_show(message)
        return {c.state for c in found.copies} <= set(wanted)

    await eventually(there)
    return await house.home.document_show(message)


async def kinds(house: House) -> list[str]:
    return [entry.kind for entry in await house.home.audit_tail(house.deal, 200)]


# --- called back ---------------------------------------------------------------------------------


async def test_what_a_network_took_is_undone_there_and_seen_gone(opens: Opens) -> None:
    house = await parties(opens)
    found = await send(house)
    assert len(await inbox(house, "cy")) == 1
    message = MessageId(found.message_id)
    called = await house.home.document_recall(message, [PersonId("cy")], WHY, actor=ACTOR)
    assert states(called)["cy"] in {"taking_back", "taken_back"}
    done = await until(house, message, "sent", "taken_back")
    assert states(done) == {"bo": "sent", "cy": "taken_back", "di": "sent"}
    assert await inbox(house, "cy") == []
    assert len(await inbox(house, "bo")) == 1
    assert {"document.recalled", "delivery.withdrawn"} <= set(await kinds(house))
    await house.home.document_recall(message, [PersonId("cy")], WHY, actor=ACTOR)
    assert states(await house.home.document_show(message)) == states(done), "twice is once"


SUBSETS = list(chain.from_iterable(combinations(READERS, n) for n in (1, 2, 3)))


@pytest.mark.parametrize("readers", SUBSETS)
async def test_a_copy_that_was_called_back_is_never_handed_to_the_wire(
    opens: Opens, readers: tuple[str, ...]
) -> None:
    """Whoever is called back while his copy waits gets none, now, after a restart, or retried."""
    house = await parties(opens)
    await house.home.channel_pause(ConnectorName(CHANNEL), "asked", actor=ACTOR)
    message = await hand_in(house, *READERS, to="agreement", data=TEXT.encode())
    await until(house, message, "sending")
    named = [PersonId(reader) for reader in readers]
    called = await house.home.document_recall(message, named, WHY, actor=ACTOR)
    rest = dict.fromkeys(set(READERS) - set(readers), "sending")
    assert states(called) == {**dict.fromkeys(readers, "recalled"), **rest}
    await requeue(house, message)
    await house.home.channel_resume(ConnectorName(CHANNEL), actor=ACTOR)
    await until(house, message, "sent", "recalled", "not_sent")
    for reader in READERS:
        assert len(await inbox(house, reader)) == (0 if reader in readers else 1)


async def requeue(house: House, message: MessageId) -> None:
    """As if somebody had it tried again: its rows wait as they did before."""
    sql = (
        "UPDATE delivery SET state = 'queued', reason = NULL WHERE message_id = ?1 "
        "AND state IN ('dead', 'stopped')"
    )
    await house.home.runtime.store.write(lambda tx: tx.run(sql, (message,)))
    sql_state = "UPDATE message SET state = 'delivering' WHERE message_id = ?"
    await house.home.runtime.store.write(lambda tx: tx.run(sql_state, (message,)))


async def test_planted_a_guard_that_forgot_the_recall_would_send_it(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(*about: object) -> Marked | None:
        found = marked(*about)  # type: ignore[arg-type]  # as it was called
        return None if found is None else Marked(found.number, found.of, found.reader)

    monkeypatch.setattr("orchestrator.flow.guard.marked", forgetful)
    house = await parties(opens)
    await house.home.channel_pause(ConnectorName(CHANNEL), "asked", actor=ACTOR)
    message = await hand_in(house, "bo", "cy", to="agreement", data=TEXT.encode())
    await until(house, message, "sending")
    await house.home.document_recall(message, [PersonId("bo")], WHY, actor=ACTOR)
    await requeue(house, message)
    await house.home.channel_resume(ConnectorName(CHANNEL), actor=ACTOR)

    async def arrived() -> bool:
        return len(await inbox(house, "bo")) == 1

    await eventually(arrived)


async def test_a_recall_that_was_cut_off_is_seen_through_after_a_restart(opens: Opens) -> None:
    """Only the unit was written when the program ended: the rest is done at the next look."""
    house = await parties(opens)
    message = MessageId((await send(house)).message_id)
    runtime, at = house.home.runtime, house.home.runtime.now()
    await runtime.store.write(
        lambda tx: call_back(tx, runtime.sealer, message, [PersonId("di")], at)
    )
    await house.restart()
    assert states(await house.home.document_show(message))["di"] in {"taking_back", "taken_back"}
    await recalls_of(house.home.runtime).look()
    done = await until(house, message, "sent", "taken_back")
    assert states(done) == {"bo": "sent", "cy": "sent", "di": "taken_back"}
    assert await inbox(house, "di") == []


async def test_what_was_held_and_called_back_whole_waits_for_nobody(opens: Opens) -> None:
    house = await parties(opens)
    found = await send(house, readers=("el",))
    assert found.state == "held"
    message = MessageId(found.message_id)
    called = await house.home.document_recall(message, [], "withdrawn", actor=ACTOR)
    assert called.state == "dropped"
    assert [h for h in await house.home.held_list(house.deal) if h.state == "held"] == []


async def test_what_is_not_there_is_not_called_back(opens: Opens) -> None:
    house = await parties(opens)
    found = await send(house, readers=("bo",))
    message = MessageId(found.message_id)
    with pytest.raises(Missing):
        await house.home.document_recall(MessageId("msg_none"), [], WHY, actor=ACTOR)
    with pytest.raises(Missing, match="was not to have"):
        await house.home.document_recall(message, [PersonId("di")], WHY, actor=ACTOR)
    with pytest.raises(Wrong, match="the reason is one of"):
        await house.home.document_recall(message, [], "because", actor=ACTOR)
    assert "document.recalled" not in await kinds(house)
    assert len(await inbox(house, "bo")) == 1


# --- by mail -------------------------------------------------------------------------------------


async def opinion(firm: Firm) -> None:
    """A conversation with el on mail, whose key two compared."""
    new = NewConversation(
        label="opinion",
        floor="coordination",
        channel=CHANNEL,
        also=(MAIL,),
        owner="ada",
        owners=("el",),
    )
    await firm.house.home.conv_new(firm.house.deal, new, actor=ACTOR)
    await firm.exchange()


async def taken(house: House, message: MessageId, number: int = 1) -> bytes:
    given = house.home.copy_take(message, number, actor="person:ada")
    return b"".join([piece async for piece in given])


def armour_of(mail: bytes) -> bytes:
    begin = mail.index(b"-----BEGIN PGP MESSAGE-----")
    end = mail.index(b"-----END PGP MESSAGE-----")
    return mail[begin:end].replace(b"\r\n", b"\n") + b"-----END PGP MESSAGE-----\n"


def decrypted(reader: Adviser, sealed: bytes) -> bytes:
    """What gpg writes when the reader opens a file, as he would on his machine."""
    quiet = ("--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "")
    command = ["gpg", "--homedir", str(reader.folder), *quiet, "--decrypt"]
    return subprocess.run(command, input=sealed, capture_output=True, check=True).stdout


async def asked(firm: Firm, path: Path, viewer: Viewer = HERE) -> list[KnownDocument]:
    hashes = hashes_of(path)
    return list(
        await firm.house.home.document_known(firm.house.deal, hashes.whole, hashes.sealed, viewer)
    )


async def test_by_mail_its_reader_is_asked_without_a_word_of_it(firm: Firm) -> None:
    house, el = firm.house, firm.el
    await opinion(firm)
    message = await hand_in(house, "el", to="opinion")
    await until(house, message, "sent")
    before = len(el.mails())
    called = await house.home.document_recall(message, [], "leaked", actor=ACTOR)
    assert states(called) == {"el": "remains"}
    mail = await el.until(lambda m: "has been called back" in m.text, 10.0)
    assert mail is not None
    assert len(el.mails()) == before + 1
    for word in ("minutes", "zyxwv", "opinion"):
        assert word not in mail.text
    assert "not_taken_back" in await house.findings()
    [entry] = [
        e for e in await house.home.audit_tail(house.deal, 200) if e.kind == "document.remains"
    ]
    assert (entry.body["reader"], entry.body["asked"]) == ("el", True)
    await recalls_of(house.home.runtime).look()
    assert len(el.mails()) == before + 1, "he is asked once"


async def test_a_copy_is_sealed_for_its_sender_and_nothing_is_sent(
    firm: Firm, tmp_path: Path
) -> None:
    house, el = firm.house, firm.el
    await opinion(firm)
    before = len(el.mails())
    message = await hand_in(house, "el", to="opinion", seals=True)
    found = await until(house, message, "sealed")
    assert found.seals
    mail = await taken(house, message)
    assert states(await house.home.document_show(message)) == {"el": "handed"}
    assert len(el.mails()) == before, "nothing was sent"
    assert PAGE not in mail
    opened = el.opened(mail)
    assert opened is not None
    assert "COPY 1 OF 1" in opened.text
    assert opened.files == (("zyxwv-minutes.txt", PAGE),)
    assert opened.signer == el.key_of("bot@deal.test")
    assert {"document.addressed", "document.taken"} <= set(await kinds(house))

    sealed = tmp_path / "held.eml"
    sealed.write_bytes(b"Received: from elsewhere\r\n" + mail)
    bare = tmp_path / "held.asc"
    bare.write_bytes(armour_of(mail))
    for path in (sealed, bare):
        [known] = await asked(firm, path)
        assert (known.form, known.message_id, known.sender) == ("sealed", message, "ada")
        assert [(c.number, c.reader, c.name) for c in known.copies] == [(1, "el", "El")]
    inside = tmp_path / "opened"
    inside.write_bytes(decrypted(el, armour_of(mail)))
    [known] = await asked(firm, inside)
    assert known.form == "opened"
    plain = tmp_path / "plain"
    plain.write_bytes(PAGE)
    [known] = await asked(firm, plain)
    assert (known.form, [c.reader for c in known.copies]) == ("document", ["el"])
    plain.write_bytes(PAGE + b" ")
    assert await asked(firm, plain) == []
    inside.write_bytes(inside.read_bytes().replace(b"COPY", b"copy", 1) + b"\n")
    assert await asked(firm, inside) == [], "altered: no hash of ours is left"

    [entry] = [e for e in await house.home.audit_tail(house.deal, 200) if "copy" in e.body]
    assert entry.body["copy"] == f"sha256:{hashlib.sha256(armour_of(mail)).hexdigest()}"

    assert await asked(firm, sealed, viewer_of("P", house.deal, person="bo")) == []
    [own] = await asked(firm, sealed, viewer_of("P", house.deal, person="ada"))
    assert own.message_id == message
    [his] = await asked(firm, sealed, viewer_of("A", house.deal, person="el"))
    assert [c.reader for c in his.copies] == ["el"]


async def test_a_sent_copy_is_known_again_too(firm: Firm, tmp_path: Path) -> None:
    await opinion(firm)
    message = await hand_in(firm.house, "el", to="opinion")
    await until(firm.house, message, "sent")
    path = tmp_path / "mail"
    path.write_bytes(firm.el.mails()[-1])
    [known] = await asked(firm, path)
    assert (known.form, known.message_id) == ("sealed", message)


async def test_a_sealed_copy_is_gone_once_it_was_called_back_or_its_day_is_over(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = firm.house
    await opinion(firm)
    first = await hand_in(house, "el", to="opinion", seals=True)
    await until(house, first, "sealed")
    called = await house.home.document_recall(first, [], WHY, actor=ACTOR)
    assert states(called) == {"el": "recalled"}
    with pytest.raises(Missing):
        await taken(house, first)

    second = await hand_in(house, "el", to="opinion", seals=True)
    await until(house, second, "sealed")
    now = house.home.runtime.now
    monkeypatch.setattr(house.home.runtime, "now", lambda: now() + DAY + 1)
    await recalls_of(house.home.runtime).look()
    assert states(await house.home.document_show(second)) == {"el": "lapsed"}
    with pytest.raises(Missing):
        await taken(house, second)
    [(left,)] = await house.rows("SELECT count(*) FROM sealed WHERE owner LIKE 'dlv_%'")
    assert left == 0


async def test_what_was_sealed_stays_here_once_its_reader_may_not_have_it(firm: Firm) -> None:
    """Decided once more when it leaves: for a reader who was paused, and to a key that is out."""
    house, home = firm.house, firm.house.home
    await opinion(firm)
    message = await hand_in(house, "el", to="opinion", seals=True)
    await until(house, message, "sealed")
    await home.person_pause(house.deal, PersonId("el"), "doubt", actor=ACTOR)
    with pytest.raises(Refused, match="may not be given out"):
        await taken(house, message)
    await home.person_resume(house.deal, PersonId("el"), actor=ACTOR)

    async def given() -> bool:
        try:
            return bool(await taken(house, message))
        except Refused:
            return False

    await eventually(given)
    [key] = await home.key_list(house.deal, PersonId("el"))
    await home.key_mark(house.deal, PersonId("el"), key.device, "revoke", actor=ACTOR)
    with pytest.raises(Refused, match="may not be given out"):
        await taken(house, message)


async def test_a_copy_to_a_key_that_was_replaced_stays_here(
    firm: Firm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    house, home = firm.house, firm.house.home
    await opinion(firm)
    message = await hand_in(house, "el", to="opinion", seals=True)
    await until(house, message, "sealed")
    [old] = await home.key_list(house.deal, PersonId("el"))
    folder = tmp_path_factory.mktemp("d")
    second = Adviser("second", THEIRS, folder, firm.server.mailbox(THEIRS))
    try:
        second.make_key()
        armour = second.certificate().encode()
        new = await home.key_replace(
            house.deal, PersonId("el"), old.device, None, armour, actor=ACTOR
        )
        ada, bo, words = PersonId("ada"), PersonId("bo"), " ".join(new.words)
        await home.key_verify(
            *(house.deal, PersonId("el"), ada, bo), words=words, replaces=old.device, actor=ACTOR
        )
        with pytest.raises(Refused, match="another than the one that it was sealed to"):
            await taken(house, message)
    finally:
        second.close()


async def test_for_whoever_is_not_cleared_no_byte_is_sealed(firm: Firm) -> None:
    """Nobody compared his key: he is refused as for a mail, and no file is there to take."""
    house = firm.house
    new = NewConversation(
        label="opinion", floor="coordination", channel=CHANNEL, also=(MAIL,), owner="ada",
        owners=("el",),
    )  # fmt: skip
    await house.home.conv_new(house.deal, new, actor=ACTOR)
    armour = firm.el.certificate().encode()
    await house.home.key_add(house.deal, PersonId("el"), MAIL, armour, actor=ACTOR)
    message = await hand_in(house, "el", to="opinion", seals=True)
    await until(house, message, "refused")
    with pytest.raises(Missing):
        await taken(house, message)
    [(left,)] = await house.rows("SELECT count(*) FROM sealed WHERE owner LIKE 'dlv_%'")
    assert left == 0
    assert firm.el.mails() == []


async def test_who_is_off_the_list_gets_no_sealed_copy_either(opens: Opens) -> None:
    house = await parties(opens)
    document = without(roster(), "di")
    await house.home.adopt(house.deal, "roster", to_document(document), actor=ACTOR)
    message = await hand_in(house, "di", to="agreement", seals=True)
    found = await until(house, message, "refused")
    assert found.state == "held"
    assert await inbox(house, "di") == []


async def test_a_network_that_seals_no_files_sends_none_in_their_place(opens: Opens) -> None:
    house = await parties(opens)
    message = await hand_in(house, "bo", to="agreement", data=TEXT.encode(), seals=True)
    found = await until(house, message, "not_sent")
    assert found.copies[0].reasons == ("seals_no_copies",)
    assert await inbox(house, "bo") == []


async def test_a_valuation_document_is_sealed_by_no_one_person(opens: Opens) -> None:
    house = await parties(opens)
    named = default_text().replace("valuation_to = []", 'valuation_to = ["kestrel"]')
    await house.home.adopt(house.deal, "policy", read_policy(named), actor=ACTOR)
    priced = f"{PRICE}: our offer is 27.50 per share.".encode()
    message = await hand_in(house, "bo", to="agreement", data=priced, seals=True)

    async def held() -> bool:
        return (await house.home.document_show(message)).state == "held"

    await eventually(held)
    found = await house.home.document_show(message)
    assert (found.tier, found.second_person, states(found)) == (
        "valuation",
        True,
        {"bo": "waiting"},
    )
    with pytest.raises(Waits):
        await house.home.held_release(message, actor=ACTOR)
    assert await house.rows("SELECT 1 FROM delivery WHERE message_id = ?", message) == []
    with pytest.raises(Missing):
        await taken(house, message)


async def test_a_failure_while_sealing_is_made_good_and_never_doubtful(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing left the house: it is made anew, where a mail of unknown outcome would not be."""
    house = firm.house
    await opinion(firm)
    mail = house.home.runtime.connectors[MAIL]
    assert isinstance(mail, SealsCopies)
    real, tries = mail.seal, list[int]()

    async def fails_once(delivery: Delivery, take: Take) -> Accepted:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("gpg went away")
        return await real(delivery, take)

    monkeypatch.setattr(mail, "seal", fails_once)
    message = await hand_in(house, "el", to="opinion", seals=True)
    await until(house, message, "sealed")
    assert len(tries) == 2
    assert "delivery.possibly" not in await kinds(house)
    assert PAGE not in await taken(house, message)


async def test_the_way_of_a_document_cannot_be_changed_in_the_database(opens: Opens) -> None:
    """Planted: a row that turns what is to be sealed into what is sent is not acted on."""
    house = await parties(opens)
    await house.home.channel_pause(ConnectorName(CHANNEL), "asked", actor=ACTOR)
    message = await hand_in(house, "bo", to="agreement", data=TEXT.encode(), seals=True)
    await until(house, message, "sending")
    sql = "UPDATE document SET seals = 0 WHERE message_id = ?"
    await house.home.runtime.store.write(lambda tx: tx.run(sql, (message,)))
    await house.home.channel_resume(ConnectorName(CHANNEL), actor=ACTOR)
    found = await until(house, message, "not_sent")
    assert found.copies[0].reasons == ("not_as_stated",)
    assert await inbox(house, "bo") == []
    back = "UPDATE document SET seals = 1 WHERE message_id = ?"
    await house.home.runtime.store.write(lambda tx: tx.run(back, (message,)))


def test_a_file_is_read_in_pieces_and_its_armour_found_however_lines_end(tmp_path: Path) -> None:
    lines = [b"-----BEGIN PGP MESSAGE-----", b"", b"abcd", b"=efgh", b"-----END PGP MESSAGE-----"]
    found = set()
    for n, end in enumerate((b"\n", b"\r\n")):
        path = tmp_path / str(n)
        path.write_bytes(b"x" * 3000 + end + end.join(lines) + end + b"rest")
        found.add(hashes_of(path).sealed)
    assert found == {hashlib.sha256(b"\n".join(lines) + b"\n").hexdigest()}
    path = tmp_path / "cut off"
    path.write_bytes(b"-----BEGIN PGP MESSAGE-----\nabcd\n")
    assert hashes_of(path) == Hashes(hashlib.sha256(path.read_bytes()).hexdigest(), None)
