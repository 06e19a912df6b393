"""Formal documents: each named reader has his own copy or a reason, and nobody else has any."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from orchestrator.client.problems import Missing, Problem, Refused, Waits, Wrong
from orchestrator.client.views import DocumentView, FileHead, NewConversation, NewRoom, Post
from orchestrator.config.policy import default_text, read_policy
from orchestrator.roster.document import to_document
from tiers import documents as rules
from tiers.decision import Decision, Effect, Reason
from tiers.ids import ConnectorName, MessageId, PersonId, RuleId

from .conftest import House, Opens, eventually
from .house import ACTOR, CHANNEL, HIGHEST, PRICE, SUPPLY, roster, without

TEXT = f"The list of contracts was read again, and {SUPPLY} is what it is about."
READERS = ("bo", "cy", "di")
UNDER_WAY = {"waiting", "sending"}


async def parties(opens: Opens, **given: Any) -> House:
    """#agreement: each of three readers alone in a room of his own, his key verified."""
    house = await opens((), **given)
    new = NewConversation(
        label="agreement", floor="operations", channel=CHANNEL, owner="bo", members=("bo",)
    )
    await house.home.conv_new(house.deal, new, actor=ACTOR)
    for reader in READERS[1:]:
        room = NewRoom(channel=CHANNEL, owners=(reader,), members=(reader,))
        await house.home.conv_room_add(house.deal, "agreement", room, actor=ACTOR)
    for reader in READERS:
        one, other = [PersonId(n) for n in HIGHEST if n != reader][:2]
        await house.home.key_verify(house.deal, PersonId(reader), one, other, actor=ACTOR)
    return house


async def pieces(text: str) -> AsyncIterator[bytes]:
    yield text.encode()


async def send(
    house: House, text: str = TEXT, readers: tuple[str, ...] = READERS, *, to: str = "agreement"
) -> DocumentView:
    head = FileHead(name="agreement.txt", size=len(text.encode()), media_type="text/plain")
    post = Post(person="ada", conversation=to, file=head, readers=readers)
    sent = await house.home.document_send(house.deal, post, pieces(text), actor=ACTOR)

    async def settled() -> bool:
        found = await house.home.document_show(MessageId(sent.message_id))
        return found.state == "held" or not any(c.state in UNDER_WAY for c in found.copies)

    await eventually(settled)
    return await house.home.document_show(MessageId(sent.message_id))


def states(found: DocumentView) -> dict[str, str]:
    return {copy.reader: copy.state for copy in found.copies}


async def inbox(house: House, reader: str) -> list[Any]:
    return [m for m in await house.far.inbox(reader) if m.files]


async def test_each_reader_gets_his_own_copy_marked_with_his_name(opens: Opens) -> None:
    house = await parties(opens)
    found = await send(house)
    assert states(found) == dict.fromkeys(READERS, "sent")
    assert [c.number for c in found.copies] == [1, 2, 3]
    for number, reader in enumerate(READERS, 1):
        [copy] = await inbox(house, reader)
        first, second, third, *_ = copy.text.splitlines()
        assert first == f"COPY {number} OF 3"
        assert second.startswith(f"For {reader.title()} (")
        assert third.startswith("Sent by Ada on ")
        [file] = copy.files
        assert file.name == "agreement.txt"
        read = b"".join([piece async for piece in house.far.download(file)])
        assert read == TEXT.encode()
    assert await inbox(house, "el") == []
    assert await inbox(house, "ada") == [], "the sender keeps his own"


async def test_a_reader_whose_key_does_not_do_is_refused_and_the_others_have_theirs(
    opens: Opens,
) -> None:
    house = await parties(opens)
    await house.far.add_device("cy", "second", "another-key")
    house.home.runtime.observer.forget(ConnectorName(CHANNEL))
    found = await send(house)
    assert states(found) == {"bo": "sent", "cy": "refused", "di": "sent"}
    [refused] = [c for c in found.copies if c.reader == "cy"]
    assert any("device" in because for because in refused.reasons)
    assert await inbox(house, "cy") == []
    assert "copy_refused" in await house.findings()


async def test_where_none_may_have_it_it_is_held_and_not_sent_on(opens: Opens) -> None:
    house = await parties(opens)
    found = await send(house, readers=("el",))
    assert found.state == "held"
    assert states(found) == {"el": "refused"}
    with pytest.raises(Refused):
        await house.home.held_release(MessageId(found.message_id), actor=ACTOR)
    assert await inbox(house, "el") == []


async def test_a_valuation_document_waits_for_a_second_person(opens: Opens) -> None:
    """The policy names no side: it is refused; with its side named it still waits."""
    house = await parties(opens)
    found = await send(house, f"{PRICE}: our offer is 27.50 per share.", ("bo",))
    assert (found.state, found.tier, found.second_person) == ("held", "valuation", False)
    deal = house.home.runtime.book.deals[house.deal]
    assert deal.policy.documents is not None
    named = default_text().replace("valuation_to = []", 'valuation_to = ["kestrel"]')
    await house.home.adopt(house.deal, "policy", read_policy(named), actor=ACTOR)
    found = await send(house, f"{PRICE}: our offer is 27.50 per share.", ("bo",))
    assert (found.state, found.second_person) == ("held", True)
    assert states(found) == {"bo": "waiting"}
    with pytest.raises(Waits):
        await house.home.held_release(MessageId(found.message_id), actor=ACTOR)
    assert await inbox(house, "bo") == []


async def test_clearance_that_ended_before_the_wire_stops_that_copy_alone(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decided again at the wire: what changed since stops one copy, and no other."""
    house = await parties(opens)
    decide, asked = rules.decide_copy, []

    def later(reader: PersonId, *facts: Any, **when: Any) -> Decision:
        asked.append(reader)
        if reader == "cy":
            return Decision((Reason(RuleId("cleared"), Effect.HOLD, "his clearance has ended"),))
        return decide(reader, *facts, **when)

    monkeypatch.setattr("orchestrator.flow.guard.decide_copy", later)
    found = await send(house)
    assert states(found) == {"bo": "sent", "cy": "not_sent", "di": "sent"}
    assert set(asked) == set(READERS)
    assert await inbox(house, "cy") == []


async def test_without_that_second_look_it_would_have_gone(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: a guard that says yes to everything. What the test before looks at is then there."""
    house = await parties(opens)
    yes = Decision((Reason(RuleId("copy"), Effect.ALLOW, "checked"),))
    monkeypatch.setattr("orchestrator.flow.guard.decide_copy", lambda *_a, **_k: yes)
    found = await send(house)
    assert states(found)["cy"] == "sent"
    assert len(await inbox(house, "cy")) == 1


async def test_a_copy_whose_record_is_gone_goes_nowhere(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that was taken out of the store sends no unmarked copy."""
    house = await parties(opens)
    monkeypatch.setattr("orchestrator.flow.guard.marked", lambda *_a: None)
    found = await send(house)
    assert set(states(found).values()) == {"not_sent"}
    assert [await inbox(house, reader) for reader in READERS] == [[], [], []]


@pytest.mark.parametrize(
    ("readers", "conversation", "kind"),
    [((), "agreement", Wrong), (("nobody",), "agreement", Missing), (("bo",), "nowhere", Missing)],
)
async def test_what_names_no_reader_or_conversation_is_not_taken_in(
    opens: Opens, readers: tuple[str, ...], conversation: str, kind: type[Problem]
) -> None:
    house = await parties(opens)
    with pytest.raises(kind):
        await send(house, readers=readers, to=conversation)
    assert await house.rows("SELECT 1 FROM message WHERE connector = 'api'") == []


async def test_a_reader_without_a_room_of_his_own_is_told_so(opens: Opens) -> None:
    house = await parties(opens)
    found = await send(house, readers=("bo", "el"))
    assert states(found) == {"bo": "sent", "el": "refused"}
    [refused] = [c for c in found.copies if c.reader == "el"]
    assert refused.reasons == ("El has no room of his own here",)


async def test_who_is_not_cleared_is_refused_by_name(opens: Opens) -> None:
    house = await parties(opens)
    document = without(roster(), "di")
    await house.home.adopt(house.deal, "roster", to_document(document), actor=ACTOR)
    found = await send(house)
    assert states(found)["di"] == "refused"
    assert await inbox(house, "di") == []


async def test_it_is_journaled_and_on_the_record_once(opens: Opens) -> None:
    house = await parties(opens)
    found = await send(house)
    [count] = await house.rows(
        "SELECT count(*) FROM journal WHERE message_id = ?", found.message_id
    )
    assert count == (1,)
    entries = await house.home.audit_tail(house.deal, 50)
    [stated] = [e for e in entries if e.kind == "document.addressed"]
    copies = stated.body["copies"]
    assert isinstance(copies, list)
    assert [copy["reader"] for copy in copies] == list(READERS)
    [listed] = await house.home.document_list(house.deal)
    assert listed == found
