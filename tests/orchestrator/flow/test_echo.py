"""What a bridge posts anew is noticed whatever it puts around it; what people say is not."""

from hypothesis import assume, given
from hypothesis import strategies as st

from orchestrator.clock import HOUR, MINUTE
from orchestrator.flow.body import Body, FileBody
from orchestrator.flow.echo import DEEPEST, LONG, OFTEN, PACE, Echoes, Heard, Said
from tiers.conversation import Place
from tiers.ids import AccountId, ConnectorName, ConversationId, RoomId

TALK = ConversationId("cnv_1")
ONE: Place = (ConnectorName("one"), RoomId("!a"))
OTHER: Place = (ConnectorName("other"), RoomId("!b"))
ADA = AccountId("@ada")
LETTERS = st.characters(categories=["Ll", "Lu", "Nd"])
LONG_TEXT = st.text(LETTERS, min_size=LONG, max_size=200)


class Room:
    """What echoes are asked about, with a clock in hand."""

    def __init__(self) -> None:
        self.at = 0
        self.echoes = Echoes(lambda: self.at)
        self.count = 0

    def said(
        self, text: str, place: Place | None, *files: FileBody, author: AccountId = ADA
    ) -> bool:
        """Says something; returns whether it was stopped."""
        self.count += 1
        said = Said(place, author, f"msg_{self.count}", Body(text, files=files))
        if self.echoes.hears(TALK, said) is not Heard.NEWS:
            return True
        self.echoes.remember(TALK, said)
        return False


def wrapped(text: str, levels: int, mark: str, author: str) -> str:
    for _ in range(levels):
        quoted = "\n".join(f"{mark} {line}" for line in text.splitlines())
        text = f"{author}\n{quoted}" if author else quoted
    return text


@given(LONG_TEXT, st.integers(0, 4), st.sampled_from(">|│❯»"), st.sampled_from(("", "Ada Hall")))  # noqa: RUF001 - marks
def test_what_we_brought_is_an_echo_whatever_stands_around_it(
    text: str, levels: int, mark: str, author: str
) -> None:
    room = Room()
    assert not room.said(text, ONE)
    assert room.said(wrapped(text, levels, mark, author), OTHER)


@given(LONG_TEXT, st.sampled_from((ONE, None)))
def test_its_author_may_say_it_again_where_he_did(text: str, place: Place | None) -> None:
    room = Room()
    assert not room.said(text, ONE)
    assert not room.said(text, place)


@given(LONG_TEXT)
def test_another_who_posts_it_where_it_was_written_echoes_too(text: str) -> None:
    room = Room()
    assert not room.said(text, ONE)
    assert room.said(text, ONE, author=AccountId("@bridge"))


@given(LONG_TEXT, LONG_TEXT)
def test_another_text_is_no_echo(text: str, other: str) -> None:
    assume(text.casefold() not in other.casefold() and other.casefold() not in text.casefold())
    room = Room()
    assert not room.said(text, ONE)
    assert not room.said(other, OTHER)


def test_people_may_agree_and_quote() -> None:
    room = Room()
    plan = "The data room opens on Thursday at nine in the morning."
    assert not room.said(plan, ONE)
    assert not room.said(f"> {plan}\nI can make it, and bring the lists.", OTHER)
    for n, place in enumerate((OTHER, ONE) * 6):
        assert not room.said("Yes.", place, author=AccountId(f"@{n}"))


@given(st.text(min_size=1, max_size=60), st.booleans(), st.booleans())
def test_every_loop_ends(text: str, grows: bool, back: bool) -> None:
    """A bridge that posts each thing it reads, there or back, with more to it each time or not."""
    room = Room()
    assume(any(c.isalnum() for c in text))
    room.said(text, ONE)
    for n in range(OFTEN + 2 * DEEPEST):
        place = OTHER if n % 2 == 0 and not back else ONE
        text = f"{text} {n}" if grows else text
        if room.said(text, place):
            return
    raise AssertionError("it went on for ever")


def test_files_alone_make_a_loop_too() -> None:
    room = Room()
    file = FileBody("file_1", "draft agreement of the two firms.pdf", "application/pdf", 123_456)
    assert not room.said("", ONE, file)
    assert room.said("", OTHER, file)


def test_after_an_hour_it_is_forgotten_and_its_own_event_is_no_echo() -> None:
    room = Room()
    text = "The list of documents was read again before noon."
    room.echoes.remember(TALK, Said(ONE, ADA, "msg_1", Body(text)))
    again = Said(OTHER, ADA, "msg_2", Body(text))
    assert room.echoes.hears(TALK, Said(OTHER, ADA, "msg_1", Body(text))) is Heard.NEWS
    assert room.echoes.hears(TALK, again) is Heard.AGAIN
    room.at = HOUR
    assert room.echoes.hears(TALK, again) is Heard.NEWS


def test_nothing_that_was_said_is_kept_in_words() -> None:
    room = Room()
    room.said("zcanaryzcanaryzcanaryzcanaryzcanary", ONE)
    assert "zcanary" not in repr(room.echoes._brought)
    assert "zcanary" not in repr(Said(ONE, ADA, "m", Body("zcanary")))


def test_nobody_writes_as_fast_as_a_loop_runs() -> None:
    """Whatever a bridge does to the words, its pace ends it; a person's pace comes back."""
    room, bridge = Room(), AccountId("@bridge")
    _, most = PACE[0]
    for n in range(most):
        assert not room.said(f"Word {n}", OTHER, author=bridge)
    assert room.said("One more", OTHER, author=bridge)
    assert not room.said("Something else", OTHER, author=AccountId("@el")), "another is not meant"
    assert not room.said("By our own door", None, author=bridge)
    room.at += MINUTE
    assert not room.said("A minute later", OTHER, author=bridge)
