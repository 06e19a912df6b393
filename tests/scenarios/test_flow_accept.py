"""From the door to its conversation: named, answered, inherited, read or not, journaled."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from hashlib import sha256
from secrets import token_bytes

import pytest

from connectors.memory.farside import Upload
from connectors.port.errors import Rejected, Unavailable
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client.views import FileHead, NewConversation, Post
from orchestrator.clock import now
from orchestrator.deals.stated import room_body
from orchestrator.flow.incoming import Incoming, IncomingFile
from orchestrator.journal.keygen import Group, generate
from orchestrator.roster.document import to_document
from orchestrator.store.unit import Tx
from tiers.classify import Classification, Context, Part
from tiers.ids import AccountId, CompartmentId, MessageId, PersonId, RemoteId, SideId
from tiers.people import Grant, Span
from tiers.tier import Tier

from .conftest import House, Opens, eventually
from .house import ACTOR, BEGINS, CHANNEL, Talk, by_words, roster

SAID = "The list of documents was read again before noon."


async def direct(house: House, person: str, text: str, **more: object) -> MessageId:
    """A person writes to our account, in a line that he begins himself."""
    _, remote = await house.far.direct(person, "wallcross", text, **more)  # type: ignore[arg-type]  # as direct takes them
    return await house.taken(remote)


async def file(
    house: House, data: bytes, media_type: str, to: str | None, name: str = "list.txt"
) -> MessageId:
    """A document handed in at our own door."""
    head = FileHead(name=name, media_type=media_type, size=len(data))

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(data), 100_000):
            yield data[at : at + 100_000]

    post = Post(person="ada", conversation=to, file=head)
    return MessageId(
        (await house.home.send_file(house.deal, post, pieces(), actor=ACTOR)).message_id
    )


# --- which conversation -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("zvaluation of the whole will be seen.", "price"),
        ("zoperations of the two firms were joined.", "supply"),
        (SAID, "lunch"),
    ],
)
async def test_what_names_no_conversation_goes_by_its_tier(
    house: House, text: str, label: str
) -> None:
    message = await direct(house, "ada", text)
    assert await house.ends(message) == "delivered"
    assert await house.seen("cy", label) == [text]
    assert len(await house.arrived()) == 1


async def test_a_prefix_names_it(house: House) -> None:
    message = await direct(house, "ada", f"#Supply {SAID}")
    assert await house.ends(message) == "delivered"
    assert await house.seen("di", "supply") == [f"#Supply {SAID}"]


async def test_a_prefix_above_its_author_is_told_like_one_that_is_not_there(house: House) -> None:
    message = await direct(house, "el", f"#nothing {SAID}")
    assert await house.ends(message) == "held"
    assert "no conversation has that name" in await house.reasons(message)


async def test_a_reply_goes_where_what_it_answers_went(house: House) -> None:
    first = await house.send(SAID, to="supply")
    await house.ends(first)
    [seen] = await house.far.inbox("di", house.room("supply"))
    message = await direct(house, "di", "That is right, thank you all.", reply_to=seen.id)
    assert await house.ends(message) == "delivered"
    assert "That is right, thank you all." in await house.seen("cy", "supply")


async def test_a_short_reply_inherits_the_tier_of_what_it_answers(house: House) -> None:
    text = "zvaluation: what the board thinks of it will be seen."
    first = await house.send(text, to="lunch")
    assert await house.ends(first) == "delivered", "softer evidence: it went, and was asked about"
    room = house.room("lunch")
    [seen] = await house.far.inbox("bo", room)
    remote = await house.far.write("bo", room, "Yes, that is so.", reply_to=seen.id)
    reply = await house.taken(remote)
    await house.ends(reply)
    [(tier,)] = await house.rows("SELECT tier FROM message WHERE message_id = ?", reply)
    assert tier == "valuation"


async def test_in_several_compartments_nothing_is_guessed(opens: Opens) -> None:
    house = await opens()
    clean = CompartmentId("clean")
    grants = (*roster().grants, Grant(PersonId("ada"), clean, Tier.OPERATIONS, Span(BEGINS)))
    people = roster()
    people = type(people)(people.host, people.sides, people.people, grants)
    await house.home.adopt(house.deal, "roster", to_document(people), actor=ACTOR)
    await _talk_in(house, "clean")
    message = await direct(house, "ada", SAID)
    assert await house.ends(message) == "held"
    assert "several compartments" in await house.reasons(message)
    assert "#lunch" in (await house.told("ada"))[-1].text
    named = await direct(house, "ada", f"#lunch {SAID}")
    assert await house.ends(named) == "delivered"


async def _talk_in(house: House, compartment: str) -> None:
    new = NewConversation(
        label="clean",
        floor="operations",
        channel=CHANNEL,
        owner=PersonId("ada"),
        compartment=compartment,
    )
    await house.home.conv_new(house.deal, new, actor=ACTOR)


async def test_a_stranger_is_not_taken_in(house: House) -> None:
    await house.far.direct("mallory", "wallcross", SAID)

    async def noted() -> bool:
        return "first_contact" in await house.findings()

    await eventually(noted)
    assert await house.arrived() == []
    assert await house.rows("SELECT 1 FROM message WHERE sender = 'mallory'") == []


# --- whose host ---------------------------------------------------------------------------------


async def test_a_private_conversation_of_the_host_stays_among_its_side(opens: Opens) -> None:
    private = Talk("ours", Tier.OPERATIONS, side="kestrel")
    house = await opens((Talk("lunch", Tier.COORDINATION), private))
    message = await house.send(SAID, to="ours")
    assert await house.ends(message) == "delivered"
    assert set((await house.far.state(house.room("ours")))["seats"]) == {"wallcross", "ada", "bo"}


async def test_another_sides_private_conversation_gets_no_room_and_nothing_goes_there(
    opens: Opens,
) -> None:
    private = Talk("ours", Tier.OPERATIONS, side="kestrel")
    house = await opens((private,))
    bound = house.home.runtime.book.deals[house.deal].rooms
    moved = replace(next(iter(bound.values()))[0], host=SideId("marlow"))

    def unit(tx: Tx) -> None:
        tx.run("UPDATE room SET host = 'marlow'")
        append(tx, house.deal, Kind.ROOM_CREATED, room_body(moved), at=now(), actor=ACTOR)

    await house.home.runtime.store.write(unit)
    await house.home.runtime.book.reload(house.home.runtime.store, house.deal)
    message = await house.send(SAID, to="ours")
    assert await house.ends(message) == "held"
    assert "another side's host" in await house.reasons(message)
    assert await house.arrived() == []


# --- what is read, and what is not --------------------------------------------------------------


async def test_a_large_file_arrives_as_it_was(house: House) -> None:
    data = token_bytes(5_000_000)
    message = await file(house, data, "application/octet-stream", "price", "model.bin")
    assert await house.ends(message) == "delivered"
    [arrived] = await house.arrived()
    assert arrived["files"] == [{"sha256": sha256(data).hexdigest(), "size": len(data)}]
    [seen] = await house.far.inbox("cy", house.room("price"))
    got = b"".join([piece async for piece in house.far.download(seen.files[0])])
    assert (seen.files[0].name, sha256(got).digest()) == ("model.bin", sha256(data).digest())
    assert await house.rows("SELECT 1 FROM sealed WHERE owner GLOB ?", f"{message}*") == []
    assert not list((house.home.runtime.settings.state / "blobs").glob("msg_*"))


async def test_what_cannot_be_read_counts_as_the_highest_where_we_can_stop_it(
    house: House,
) -> None:
    message = await file(house, token_bytes(2_000), "image/png", "lunch")
    assert await house.ends(message) == "held"
    assert await house.arrived() == []
    await house.home.held_move(message, "price", actor=ACTOR)
    assert await house.ends(message) == "delivered"
    assert len(await house.far.inbox("cy", house.room("price"))) == 1


async def test_a_document_that_can_be_read_is_read(house: House) -> None:
    plain = await file(house, SAID.encode(), "text/plain", "lunch")
    assert await house.ends(plain) == "delivered"
    text = b"zvaluation: the offer is 27.50 per share."
    priced = await file(house, text, "text/plain", "lunch")
    assert await house.ends(priced) == "held"
    named = await file(
        house, SAID.encode(), "text/plain", "lunch", "offer 27.50 per share zvaluation.txt"
    )
    assert await house.ends(named) == "held", "its name is read too"


async def test_files_on_the_network_are_taken_in_and_passed_on(house: House) -> None:
    files = [Upload("a.txt", SAID.encode(), "text/plain")]
    message = await direct(house, "ada", f"#supply {SAID}", files=files, subject="A list")
    assert await house.ends(message) == "delivered"
    [seen] = await house.far.inbox("di", house.room("supply"))
    assert (seen.subject, seen.files[0].name) == ("A list", "a.txt")
    assert seen.files[0].sha256 == sha256(SAID.encode()).hexdigest()


def lost(error: Exception) -> IncomingFile:
    async def fails() -> AsyncIterator[bytes]:
        yield b"begin"
        raise error

    return IncomingFile("plan.txt", "text/plain", 100, fails)


def incoming(house: House, remote: str, *files: IncomingFile) -> Incoming:
    return Incoming(
        CHANNEL, RemoteId(remote), AccountId("ada"), f"#lunch {SAID}", house.clock(), files=files
    )


async def test_a_file_that_its_network_will_never_give_stops_nothing_behind_it(
    house: House,
) -> None:
    take = house.home.runtime.accepter.accept
    first, second = await take(
        [incoming(house, "$1", lost(Rejected("gone"))), incoming(house, "$2")]
    )
    assert await house.ends(str(first.message_id)) == "held", "what we do not have we cannot judge"
    assert await house.ends(str(second.message_id)) == "delivered"


async def test_a_file_that_does_not_come_now_is_asked_for_again(house: House) -> None:
    accepter, blobs = house.home.runtime.accepter, house.home.runtime.settings.state / "blobs"
    big = b"x" * 400_000

    async def whole() -> AsyncIterator[bytes]:
        yield big

    there = IncomingFile("there.txt", "text/plain", len(big), whole)
    with pytest.raises(Unavailable):
        await accepter.accept(
            [incoming(house, "$1", there), incoming(house, "$2", lost(Unavailable("down")))]
        )
    assert await house.rows("SELECT 1 FROM message WHERE remote_id IN ('$1', '$2')") == []
    assert list(blobs.iterdir()) == [], "nor is anything left of what had come"


# --- the journal --------------------------------------------------------------------------------


async def test_without_a_journal_key_it_waits_on_disk_and_a_finding_says_so(opens: Opens) -> None:
    house = await opens(journal=False)
    message = await direct(house, "ada", SAID)

    async def found() -> bool:
        return "journal" in await house.findings()

    await eventually(found)
    assert await house.state(message) == "accepted"
    assert await house.arrived() == []
    key = generate("kestrel", [Group("nobody", 1, 1)])
    await house.home.journal_key_add(house.deal, "kestrel", json.dumps(key.public), actor=ACTOR)
    other = await direct(house, "bo", SAID)
    assert await house.ends(message) == "held", "there is no room that it could go to"
    assert await house.ends(other) == "held"


async def test_each_message_is_journaled_however_it_ends(house: House) -> None:
    ends = [
        await house.ends(await house.send(text, to="lunch"))
        for text in (SAID, "zvaluation: we offer 27.50 per share.")
    ]
    assert ends == ["delivered", "held"]
    rows = await house.rows("SELECT key_id FROM journal")
    assert len(rows) == 2
    assert all(key for (key,) in rows)
    report = await house.home.journal_verify(house.deal)
    assert report.ok


# --- errors of ours -----------------------------------------------------------------------------


class Fails:
    """A classifier that fails on a word, in a way that nobody foresaw."""

    def __init__(self) -> None:
        self._real = by_words()

    def classify(self, parts: Sequence[Part], context: Context) -> Classification:
        if any("zbroken" in part.text for part in parts):
            raise TypeError("unforeseen")
        return self._real.classify(parts, context)


async def test_an_error_while_looking_is_a_hold_and_stops_nothing_behind_it(opens: Opens) -> None:
    house = await opens(classifier=Fails())
    broken = await house.send("zbroken", to="lunch")
    behind = await house.send(SAID, to="lunch")
    assert await house.ends(broken) == "held"
    assert await house.reasons(broken) == "it could not be looked at (TypeError)"
    assert await house.ends(behind) == "delivered"
    assert await house.seen("el", "lunch") == [SAID]
