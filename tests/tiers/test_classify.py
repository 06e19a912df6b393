"""Strengths, floors, inheritance, watch list, and what cannot be read."""

import time
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiers.accumulation import AuthorCount, RunningMean
from tiers.classify import (
    ANSWERS,
    ATTACHED,
    DISGUISED,
    LANGUAGE,
    UNREAD_CONTENT,
    UNREAD_LENGTH,
    Classifier,
    Context,
    Part,
    strength_above,
)
from tiers.model import load_classifier
from tiers.normalise import normalise
from tiers.scoring import LogOdds
from tiers.tier import Strength, Tier
from tiers.watch import watch_list

COORD, OPS, VAL = Tier
PRICE = "We would raise our offer to 480 million for their stake, but not a cent more."
LUNCH = "Lunch is at twelve in the small room, see you there."
CONTRACT = (
    "Please send the marked amendment to counsel, section seven still needs the new definition."
)


class Fixed:
    """A scorer that says the same of every window."""

    fingerprint = "fixed"
    lexicon: Mapping[str, float] = {}

    def __init__(self, *odds: LogOdds) -> None:
        self.odds = odds

    def windows(self, text: str) -> Iterator[LogOdds]:
        assert text
        return iter(self.odds)


def body(text: str) -> list[Part]:
    return [Part("body", text)]


def test_a_price_in_the_logistics_room_is_held_at_its_place() -> None:
    made = load_classifier().classify(body(PRICE), Context(floor=COORD))
    assert (made.tier, made.strength) == (VAL, Strength.HOLD)
    first = made.evidence[0]
    assert PRICE[first.start : first.end] == "480 million"


def test_softer_evidence_asks() -> None:
    made = load_classifier().classify(body(CONTRACT), Context(floor=COORD))
    assert (made.tier, made.strength) == (OPS, Strength.ASK)


def test_what_is_not_above_the_floor_is_let_be() -> None:
    made = load_classifier().classify(body(PRICE), Context(floor=VAL))
    assert (made.tier, made.strength) == (VAL, Strength.NONE)
    assert load_classifier().classify(body(LUNCH), Context(floor=COORD)).tier is COORD


def test_at_the_intake_the_tier_decides_alone() -> None:
    assert load_classifier().classify(body(PRICE)).strength is Strength.NONE


def test_an_amount_that_the_model_does_not_take_for_a_deal_asks_only() -> None:
    news = Classifier(Fixed(LogOdds(-2.0, -2.0))).classify(body(PRICE), Context(floor=COORD))
    assert (news.tier, news.strength) == (VAL, Strength.ASK)


def test_a_watched_name_holds_however_it_is_written() -> None:
    listed = watch_list(["Project Alder"], ["EUR 1.25bn"])
    for text in ("bus for pr0ject-alder leaves at nine", "P r o j e c t  A l d e r, room 4"):
        made = load_classifier().classify(body(text), Context(floor=COORD, watch=listed))
        assert made.strength is Strength.HOLD


@pytest.mark.parametrize("text", ["project_x", "Project X", "ProjectX", "project-_-x", "PROJECT.x"])
def test_a_watched_name_is_found_whatever_stands_between_its_words(text: str) -> None:
    listed = watch_list(["project_x"], [])
    made = load_classifier().classify(
        body(f"bus for {text} at nine"), Context(floor=COORD, watch=listed)
    )
    assert made.strength is Strength.HOLD


def test_no_name_makes_a_text_take_long() -> None:
    """Where what stands between words was part of one, each could be it: 6 s for 60 characters."""
    listed = watch_list(["a" + " _" * 6 + " b"], [])
    began = time.monotonic()
    for between in ("_", "_ ", "-._"):
        assert listed.hits(normalise("a" + between * 60 + "c"), []) == []
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("amount", ["1,250 million", "€1.25 Mrd.", "EUR 1250 Mio", "1.25 billion"])
def test_a_watched_amount_is_found_by_value(amount: str) -> None:
    listed = watch_list([], ["EUR 1.25bn"])
    made = load_classifier().classify(
        body(f"see you at {amount}"), Context(floor=OPS, watch=listed)
    )
    assert made.strength is Strength.HOLD


def test_watch_lists_and_parts_do_not_show_their_text() -> None:
    listed = watch_list(["Zebrafinch"], ["777"])
    shown = repr((Context(watch=listed), Part("body", "Zebrafinch")))
    assert "ebrafinch" not in shown
    assert "777" not in shown


def test_a_watch_list_refuses_what_says_nothing() -> None:
    with pytest.raises(ValueError, match="no letter or digit"):
        watch_list(["?!"], [])
    with pytest.raises(ValueError, match="no figure"):
        watch_list([], ["much"])


def test_a_short_reply_takes_the_tier_of_what_it_answers_and_a_long_one_does_not() -> None:
    context = Context(floor=COORD, answers=VAL)
    short = load_classifier().classify(body("Agreed, do it."), context)
    assert (short.tier, short.evidence[0].rule) == (VAL, ANSWERS)
    long = load_classifier().classify(body(LUNCH + " Bring the children, there is cake."), context)
    assert ANSWERS not in {e.rule for e in long.evidence}


def test_a_cover_note_takes_the_tier_of_its_attachment() -> None:
    made = load_classifier().classify(body("See attached."), Context(floor=COORD, attachments=VAL))
    assert (made.tier, made.evidence[0].rule) == (VAL, ATTACHED)


def test_every_part_is_read() -> None:
    for kind in ("subject", "quote", "signature", "caption", "filename", "poll", "edit", "group"):
        made = load_classifier().classify(
            [Part("body", LUNCH), Part(kind, PRICE)], Context(floor=COORD)
        )
        assert made.strength is Strength.HOLD
        assert made.evidence[0].part == 1


def test_a_watched_name_in_a_file_name_is_found() -> None:
    listed = watch_list(["Alder"], [])
    parts = [Part("filename", "final_Alder_v3.xlsx")]
    made = load_classifier().classify(parts, Context(floor=COORD, watch=listed))
    assert (made.evidence[0].start, made.evidence[0].end) == (6, 11)


def test_what_could_not_be_read_counts_as_valuation() -> None:
    made = load_classifier().classify(body(LUNCH), Context(floor=OPS, unread=True))
    assert (made.tier, made.strength, made.evidence[0].rule) == (VAL, Strength.HOLD, UNREAD_CONTENT)


def test_a_text_too_long_to_read_whole_counts_as_valuation() -> None:
    made = load_classifier().classify(body(LUNCH * 1000), Context(floor=COORD))
    assert (made.tier, made.evidence[0].rule) == (VAL, UNREAD_LENGTH)


def test_a_price_at_the_end_of_a_long_mail_is_found() -> None:
    assert load_classifier().classify(body(LUNCH * 60 + "\n" + PRICE)).tier is VAL


def test_a_language_without_seed_phrases_is_read_one_tier_up() -> None:
    polish = "Spotkanie w sprawie obiadu odbędzie się w środę w małej sali na drugim piętrze."
    made = load_classifier().classify(body(polish))
    assert made.language == "pl"
    assert LANGUAGE in {e.rule for e in made.evidence}
    assert made.tier > COORD


def test_a_very_short_text_is_in_the_conversations_language() -> None:
    assert load_classifier().classify(body("Ja, gut."), Context(language="de")).language == "de"


def test_a_disguised_text_is_read_one_tier_up() -> None:
    hidden = "t h e  r o o m  w a s  m o v e d"
    made = load_classifier().classify(body(hidden), Context(floor=COORD))
    assert DISGUISED in {e.rule for e in made.evidence}


def test_without_the_model_rules_stand_at_the_strict_end_and_say_so() -> None:
    bare = Classifier(None)
    assert bare.degraded
    assert bare.classify(body(PRICE), Context(floor=COORD)).strength is Strength.HOLD
    assert bare.classify(body("Quarterly zebra matters.")).tier is OPS
    assert bare.classify(body("Thanks, see you at lunch.")).tier is COORD
    assert bare.classify(body("Thanks, the buyer will be at lunch.")).tier is VAL
    assert bare.classify(body(PRICE)).degraded
    assert bare.fingerprint != load_classifier().fingerprint


def test_an_empty_message_is_coordination() -> None:
    assert load_classifier().classify([]).tier is COORD


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.sampled_from([None, *Tier]), st.sampled_from(list(Tier)))
def test_any_text_is_answered_and_evidence_stays_inside_it(
    text: str, floor: Tier | None, answers: Tier
) -> None:
    made = load_classifier().classify(body(text), Context(floor=floor, answers=answers))
    assert all(0 <= e.start <= e.end <= len(text) for e in made.evidence)
    assert made.tier == max((e.tier for e in made.evidence), default=COORD)
    assert made.strength is strength_above(made, floor)
    if floor is not None and made.tier > floor:
        assert made.strength is not Strength.NONE


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(0, 5))
def test_higher_odds_never_give_a_lower_tier(
    valuation: float, operations: float, by: float
) -> None:
    odds = LogOdds(valuation, operations)
    low = Classifier(Fixed(odds)).classify(body(LUNCH)).tier
    assert Classifier(Fixed(odds.raised(by))).classify(body(LUNCH)).tier >= low


def test_the_most_sensitive_window_decides() -> None:
    scorer = Fixed(LogOdds(-3, -3), LogOdds(-3, 1), LogOdds(2, -3))
    assert Classifier(scorer).classify(body(LUNCH)).tier is VAL


def mean_of(texts: list[str]) -> RunningMean:
    mean = RunningMean()
    for text in texts:
        made = load_classifier().classify(body(text), Context(floor=COORD, running=mean))
        assert made.running is not None
        mean = made.running
    return mean


HARMLESS = [
    LUNCH,
    "Thanks a lot!",
    "My flight lands at seven.",
    "Is the printer working again?",
] * 3
CREEPING = [
    "Between us, they are keener than they say.",
    "I would not show them how far we can go.",
    "The owner hinted that he may part with it.",
    "If the other bidder drops out we can go lower.",
    "Our banker thinks they will give in before Friday.",
    "Let them wait, it helps our position.",
    "They would take less if we pay in cash.",
    "The board wants to know what we would pay at most.",
]


def test_a_conversation_that_became_sensitive_is_asked_about() -> None:
    assert mean_of(HARMLESS).asks(COORD) is None
    assert mean_of(HARMLESS + CREEPING * 2).asks(COORD) is VAL
    assert mean_of(CREEPING).asks(VAL) is None


def test_a_single_sensitive_message_asks_nobody_to_raise_the_conversation() -> None:
    assert mean_of([*HARMLESS, CREEPING[0]]).asks(COORD) is None


def test_an_author_whose_parts_add_up_is_noticed() -> None:
    author = AuthorCount()
    for _ in range(30):
        author = author.add(above=False)
    assert not author.asks()
    for _ in range(8):
        author = author.add(above=True)
    assert author.asks()
