"""Nothing of the corpus comes in, and of each mail the right thing is said."""

from collections import Counter

import pytest

from connectors.pgpmail.judge.words import REASONS

from .attacks import BUILT
from .attacks_sealed import SEALED
from .conftest import Judges
from .corpus import Attack
from .mails import CANARY, Post

FAMILIES = (
    *("efail", "oracle", "wrapped", "from", "duplicate", "phony", "bomb", "deep"),
    *("unprotected", "digest", "keys", "stripped", "downgrade", "replay"),
)


CORPUS = [*BUILT, *SEALED]


@pytest.mark.parametrize("attack", CORPUS, ids=lambda a: f"{a.family}-{a.name}")
def test_an_attack_stays_out_for_its_reason(attack: Attack, post: Post, judge: Judges) -> None:
    found = judge(attack.make(post))
    assert not found.released
    assert found.letter is None
    assert (found.verdict.value, attack.reason in found.reasons) == (attack.verdict, True), found
    assert CANARY not in repr(found)


def test_each_family_has_five_variants_or_more() -> None:
    held = Counter(attack.family for attack in CORPUS)
    assert {family: held[family] for family in FAMILIES if held[family] < 5} == {}
    assert set(held) == set(FAMILIES)


def test_every_reason_of_the_corpus_has_words() -> None:
    assert {attack.reason for attack in CORPUS} <= REASONS.keys()


def test_a_key_that_was_revoked_since(revoked_mail: bytes, judge: Judges) -> None:
    found = judge(revoked_mail)
    assert (found.verdict.value, found.reasons) == ("tampered", ("key_revoked",))
