"""Passages are found however they are dressed, chance is not; marks say nothing without a key."""

import random
import re
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiers import winnowing
from tiers.winnowing import SHORT, WINDOW, Run, digest, mark, passages, runs, winnowed

KEY = b"k" * 32
SOURCE = (
    "The dredging of the northern pier is paid by the seller, and the tanker lease runs out before "
    "the harbour master signs. Their auditors have counted the spare turbines twice, which nobody "
    "outside the committee has noticed so far. We keep the second scenario for the founder's trust."
)
WORDS = SOURCE.split()


def same(text: str, source: str = SOURCE) -> int:
    """How many runs the best passage of a source has in a text; 0 without one."""
    known = {mark(digest(run.words), KEY) for run in runs(source)}
    found = runs(text)
    stands = {run.at: ("s",) for run in found if mark(digest(run.words), KEY) in known}
    return next((p.runs for p in passages(found, stands)), 0)


@pytest.mark.parametrize("at", range(0, len(WORDS) - 20, 3))
def test_twenty_words_are_found_wherever_they_are_cut(at: int) -> None:
    assert same(" ".join(WORDS[at : at + 20]))


@pytest.mark.parametrize(
    "dressed",
    [
        SOURCE.upper(),
        SOURCE.replace(" ", "\n\t "),
        "\n".join(f"> > {SOURCE[i : i + 50]}" for i in range(0, len(SOURCE), 50)).replace(
            "> > ", "> "
        ),
        SOURCE.replace("e", "e\u200b"),
        SOURCE.replace("a", "\N{CYRILLIC SMALL LETTER A}"),
        SOURCE.replace("the", "*the*"),
    ],
    ids=["capitals", "spaces", "quoted", "invisible", "look-alikes", "markdown"],
)
def test_dressing_changes_nothing(dressed: str) -> None:
    if dressed.startswith(">"):  # a line end within a word is another word
        dressed = "\n> ".join([" ".join(WORDS[i : i + 8]) for i in range(0, len(WORDS), 8)])
    assert same(dressed)


def test_words_changed_in_the_middle_leave_the_rest_known() -> None:
    assert same(" ".join([*WORDS[4:12], "so", "to", "say", *WORDS[15:24]]))


@pytest.mark.parametrize(
    "usual",
    [
        "Please let me know if you have any questions, and do not hesitate to call me at any time.",
        "Mit freundlichen Grüßen, und bei Rückfragen stehe ich Ihnen gerne zur Verfügung.",
        "N'hésitez pas à me contacter si vous avez des questions, bien cordialement.",
        "From: Ada To: Bo Cc: Cy, Di, El Sent: 3.4.2026 10:15 Subject: the usual",
        (
            "This message is confidential and intended only for the recipient. If you received it "
            "in error, please notify the sender; any disclosure or distribution is prohibited."
        ),
        "ada@harbour.example, bo@harbour.example, cy@harbour.example, di@harbour.example",
    ],
)
def test_what_everybody_writes_is_no_passage(usual: str) -> None:
    one, other = f"The pier is open.\n\n{usual}", f"Lunch is at noon.\n\n{usual}"
    assert not same(other, one)


def test_a_shared_phrase_is_chance() -> None:
    text = "We walked along the northern pier for an hour and had ice cream with the children."
    assert not same(text)


def test_counting_up_and_repeating_are_chance() -> None:
    assert not same("Rows 0 1 2 3 4 5 6 7 8 9", "The table: 0 1 2 3 4 5 6 7 8 9, and so on")
    again = "see the northern pier " * 12
    assert not same(again, "we walked along the northern pier to see the northern pier again")


def test_unrelated_texts_share_no_passage() -> None:
    draw = random.Random(7)  # noqa: S311 - the same texts each time
    ends = ("ran", "dos", "fin", "ub", "vel", "tok")
    words = [f"{a}{b}{c}" for a in ("ka", "mo", "ti", "zu", "pel") for b in ends for c in ends]
    texts = [" ".join(draw.choices(words, k=60)) for _ in range(40)]
    assert not any(same(one, other) for one in texts for other in texts if one is not other)


def test_places_are_those_of_the_text_as_it_was_written() -> None:
    text = f"Lunch is at noon. {SOURCE}"
    known = {mark(digest(run.words), KEY) for run in runs(SOURCE)}
    found = runs(text)
    stands = {run.at: ("s",) for run in found if mark(digest(run.words), KEY) in known}
    [passage] = passages(found, stands)
    assert passage.start >= len("Lunch is at noon")
    assert text[passage.start : passage.end] in SOURCE


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=60))
def test_a_short_text_keeps_every_mark(marks: list[int]) -> None:
    assert winnowed(marks) == tuple(dict.fromkeys(marks))


def test_of_a_long_text_each_window_keeps_a_mark() -> None:
    """The guarantee of the paper: whoever shares so many words in a row shares a mark."""
    draw = random.Random(3)  # noqa: S311 - the same marks each time
    marks = [draw.getrandbits(63) for _ in range(SHORT + 500)]
    kept = set(winnowed(marks))
    assert len(kept) < 0.6 * len(marks)
    assert all(kept & set(marks[i : i + WINDOW]) for i in range(len(marks) - WINDOW + 1))


def test_a_mark_depends_on_its_key_and_on_each_word() -> None:
    words = ("northern", "pier", "lease")
    one = mark(digest(words), KEY)
    assert one != mark(digest(words), b"x" * 32)
    assert one != mark(digest(("northern", "pierlease", "")), KEY)
    assert -(2**63) <= one < 2**63


def test_no_word_is_in_any_representation() -> None:
    assert "pier" not in repr(runs(SOURCE))


def test_what_counts_is_of_one_source_different_close_and_long_enough() -> None:
    words = [(f"alpha{n}", f"beta{n}", f"gamma{n}") for n in range(60)]

    def passage(*at: int, of: int = 60) -> bool:
        found = [Run(n, n, n + 1, words[n % of]) for n in at]
        return bool(passages(found, {run.at: ("s",) for run in found}))

    ten = range(10)
    assert passage(*ten)
    assert not passages([Run(n, n, n + 1, words[n]) for n in ten], {n: (f"s{n}",) for n in ten})
    assert not passage(*range(9)), "eleven words are too few"
    assert not passage(*ten, of=4), "the same again and again"
    assert not passage(*range(0, 60, 6)), "words here and there"
    assert passage(*range(5), *range(30, 35)), "two pieces, with remarks between"
    assert not passage(*range(5), *range(50, 55)), "two pieces far apart"
    assert passage(*range(0, 16, 4)) is False, "four runs"
    assert passage(*range(0, 20, 4)), "what winnowing leaves of a copy"


@pytest.mark.parametrize("piece", ["a", "7", "de:", "de: \n", "@", "/a", "x/", "> ", "\n \n", "--"])
def test_no_text_stops_the_home_while_it_is_read(piece: str) -> None:
    """Quadratic, a word of 20,000 letters took seconds, and all else waited for the interpreter."""
    text = (piece * 20_000)[:20_000]
    began = time.process_time()
    runs(text)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "piece", ["de:", "from: a\n", "to: subject ", "cc:\n\n\n\n\n\n\n\nsubject:"]
)
def test_heads_are_looked_for_in_steps_that_grow_as_the_text(piece: str) -> None:
    """Each opening once scanned 400 characters on, in each of seven lines."""

    def steps(count: int) -> int:
        taken = 0

        def told(*_: object) -> None:
            nonlocal taken
            taken += 1

        text = piece * count
        sys.setprofile(told)
        try:
            list(winnowing._heads(text))
        finally:
            sys.setprofile(None)
        return taken

    assert steps(4_000) <= 2.1 * steps(2_000)


def test_no_pattern_looks_far_ahead_from_places_that_it_does_not_pass() -> None:
    """What repeats many times either stands first, or ends at what a next match begins with."""
    patterns = {n: p for n, p in vars(winnowing).items() if isinstance(p, re.Pattern)}
    assert len(patterns) > 5
    for name, pattern in patterns.items():
        bounds = [int(n) for n in re.findall(r"\{\d*,(\d+)\}", pattern.pattern)]
        assert max(bounds, default=0) <= 120, name
        assert not re.search(r"(?:[*+]|,\d*\})\??\)[*+{]", pattern.pattern), (
            f"{name} repeats a repetition"
        )


FOOTER = (
    "This e-mail is confidential and intended only for the recipient named above; if it "
    "reached you in error please notify the sender and delete it. Any disclosure or copying "
    "is prohibited."
)
RELEASE = (
    "This program is free software: everybody may copy, modify and redistribute it, in source"
    " or binary form, under the terms of its public license, provided that this copyright "
    "notice is preserved. There is no warranty of merchantability or fitness for any "
    "particular purpose."
)


@pytest.mark.parametrize("notice", [FOOTER, RELEASE], ids=["footer", "licence"])
@pytest.mark.parametrize("between", [" ", "\n", "\n\n"])
def test_a_notice_hides_nothing_but_itself(notice: str, between: str) -> None:
    """Not even in one paragraph with a passage, before or after it."""
    paste = " ".join(WORDS[6:28])
    assert same(f"{paste}.{between}{notice}")
    assert same(f"{notice}{between}{paste}.")
    assert not same(f"Lunch is at noon.{between}{notice}", f"The pier is open.{between}{notice}")


CLAUSES = (
    (
        "The Recipient shall keep all Confidential Information secret, shall not disclose it "
        "without authorisation, and shall notify the Discloser of any prohibited disclosure; "
        "the parties intend that this obligation survives for three years after closing of "
        "the harbour transaction."
    ),
    (
        "The Seller grants the Purchaser a royalty-free licence to use, copy, modify and "
        "distribute the dredging software, its documentation and source code, with all "
        "copyright in them, for as long as the tanker lease runs and the escrow of the pier "
        "authority is not released."
    ),
    (
        "No party is liable for indirect, incidental, consequential or punitive damages or "
        "loss of profits arising from contract, tort or negligence, save that the liability "
        "for the pension gap is limited to forty million and no warranty, express or implied,"
        " is disclaimed."
    ),
)


@pytest.mark.parametrize("clause", CLAUSES, ids=["confidence", "software", "liability"])
def test_a_clause_of_a_contract_is_no_notice(clause: str) -> None:
    words = clause.split()
    assert all(same(" ".join(words[at : at + 20]), clause) for at in range(0, len(words) - 20, 4))


def test_tags_of_markup_part_no_words() -> None:
    assert same(" ".join(f"<b>{word}</b>" for word in WORDS[4:26]))


def test_long_texts_are_known_by_what_winnowing_leaves_of_them() -> None:
    """Of a text beyond ``SHORT`` words twenty in a row are found nearly always."""
    draw = random.Random(9)  # noqa: S311 - the same text each time
    source = [f"{draw.choice('bdfgklmnprst')}{a}{b}" for a in "aeiou" for b in range(600)]
    draw.shuffle(source)
    kept = set(winnowed([mark(digest(run.words), KEY) for run in runs(" ".join(source))]))
    found = 0
    for _ in range(200):
        at = draw.randint(0, len(source) - 20)
        pasted = runs(" ".join(source[at : at + 20]))
        stands = {r.at: ("s",) for r in pasted if mark(digest(r.words), KEY) in kept}
        found += bool(passages(pasted, stands))
    assert found >= 0.95 * 200


SIGNED = (
    "I had a look at the first half, and it is about what we thought it was.\n\nBo\n-- \nBo Hart\n"
)


@pytest.mark.parametrize(
    "written",
    [
        f"{SIGNED}Pier Road 4\n\n{' '.join(WORDS[4:28])}",
        f"{SIGNED}> {' '.join(WORDS[4:16])}\n> {' '.join(WORDS[16:28])}",
        f"{SIGNED}{' '.join(WORDS[4:28])}",
        f"{SIGNED}-----Original Message-----\n{' '.join(WORDS[4:28])}",
    ],
    ids=["after a line", "quoted", "at length", "forwarded"],
)
def test_what_stands_below_a_signature_is_read(written: str) -> None:
    assert same(written)


def test_a_signature_itself_is_nobodys() -> None:
    signature = (
        "-- \nBo Hart, Harbour Counsel\nPier Road 4, Northern Wharf\nTanker House, 2nd floor"
    )
    assert not same(f"{SOURCE[:90]}\n{signature}", f"We have lunch at noon in town.\n{signature}")


def test_a_list_of_terms_is_no_head_of_a_mail() -> None:
    terms = f"Paid to: the seller. {' '.join(WORDS[4:26])} Subject: to contract"
    assert same(terms, terms)
    assert same(" ".join(WORDS[4:26]), terms)


def test_umlauts_and_thousands_may_be_written_otherwise() -> None:
    source = (
        "Die Werft fürchtet höhere Zölle; der Vorstand prüft für Köln 1.250.000 Euro, für Jülich "
        "34,500 Euro und für Lübeck 7'800 Euro Rückstellung vor der Prüfung."
    )
    other = source.replace("ü", "ue").replace("ö", "oe").replace("ä", "ae")
    for text in (other, other.replace("1.250.000", "1250000").replace("34,500", "34.500")):
        assert same(text, source) > 15
