"""A body cannot look like anything but a body, and loses nothing on its way."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.matrix import layout
from connectors.port import AccountId, DeliveryKey, RemoteId, RoomId
from connectors.port.messages import Attachment, Content, Delivery, Reader

AUTHOR = "Ann Example (Alder Partners)"
BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"

lines = st.text(st.sampled_from(f"{BREAKS}> aA:\u202e\u200b"), max_size=30) | st.text(max_size=80)
bodies = lines | st.builds(lambda start, end: f"{start}{AUTHOR}\n{end}", lines, lines)


def delivery(text: str, **more: object) -> Delivery:
    content = more.pop("content", Content(text))
    assert isinstance(content, Content)
    return Delivery(
        DeliveryKey("k"),
        RoomId("!r"),
        content,
        frozenset({Reader(AccountId("@a:x"))}),
        **more,  # type: ignore[arg-type]
    )


@given(bodies)
@example(f"\n{AUTHOR}\nI agree")
@example(f"\r\n{AUTHOR}\u2028{AUTHOR}")
def test_only_the_first_line_is_outside_the_marks(text: str) -> None:
    body = layout.message(delivery(text, author_line=AUTHOR))["body"]
    first, *rest = body.splitlines()
    assert first == AUTHOR
    assert rest
    assert all(line.startswith(layout.QUOTE) for line in rest)


@given(bodies)
def test_taking_the_marks_away_gives_the_text(text: str) -> None:
    assert layout.unquoted(layout.quoted(text)) == text


@given(bodies, bodies)
def test_a_subject_stands_behind_the_marks_too(subject: str, text: str) -> None:
    content = Content(text, subject)
    body = layout.message(delivery("", content=content, author_line=AUTHOR))["body"]
    assert all(line.startswith(layout.QUOTE) for line in body.splitlines()[1:])
    shown = layout.unquoted(body.partition("\n")[2])
    assert shown == f"{layout.one_line(subject)}\n\n{text}"


@given(st.text())
@example("Ann\nBob (Cedar)\u2028\u202eevil")
def test_an_author_line_is_one_line_without_controls(name: str) -> None:
    line = layout.one_line(name)
    assert len(line.splitlines()) <= 1
    assert not set(line) & set(f"{BREAKS}\u202e\u202d\u2066\u200f\x00\x1b")


@given(bodies)
def test_our_own_word_is_sent_as_it_is(text: str) -> None:
    content = layout.message(delivery(text))
    assert content["body"] == text
    assert layout.AUTHOR not in content


@given(bodies)
def test_nothing_rings_and_nothing_is_markup(text: str) -> None:
    content = layout.message(delivery(text, author_line=AUTHOR))
    assert content["m.mentions"] == {}
    assert content["msgtype"] == "m.text"
    assert not {"format", "formatted_body"} & set(content)


def test_a_repetition_says_so_in_the_line_that_a_body_cannot_reach() -> None:
    body = layout.message(delivery("x", author_line=AUTHOR), repeated=True)["body"]
    assert body == f"{AUTHOR} (may be a repetition)\n> x"


def test_an_answer_names_what_it_answers() -> None:
    content = layout.message(delivery("x", reply_to=RemoteId("$e")))
    assert content["m.relates_to"] == {"m.in_reply_to": {"event_id": "$e"}}


@pytest.mark.parametrize("completes", [True, False])
def test_a_file_carries_name_and_author_and_whether_it_completes(completes: bool) -> None:
    async def nothing():  # type: ignore[no-untyped-def]  # noqa: ANN202 (never opened)
        yield b""

    file = Attachment("Offer.pdf", "application/pdf", 3, nothing)
    content = Content("", attachments=(file,))
    found = layout.file_message(
        delivery("", content=content, author_line=AUTHOR),
        0,
        {"url": "mxc://a/b"},
        completes=completes,
    )
    assert (found["filename"], found["body"]) == ("Offer.pdf", AUTHOR)
    assert (layout.PART in found) is not completes


@given(bodies)
def test_a_correction_is_laid_out_as_the_message_that_it_replaces(text: str) -> None:
    plain = layout.message(delivery(text, author_line=AUTHOR))
    found = layout.replacing(plain, "$first")
    assert found["m.relates_to"] == {"rel_type": "m.replace", "event_id": "$first"}
    assert found["m.new_content"] == plain
    assert {key: found[key] for key in plain} == plain


def test_a_correction_of_an_answer_answers_nothing_anew() -> None:
    answer = layout.message(delivery("x", author_line=AUTHOR, reply_to=RemoteId("$asked")))
    found = layout.replacing(answer, "$first")
    assert "m.relates_to" not in found["m.new_content"]
    assert found["m.relates_to"]["event_id"] == "$first"
