"""Bodies hold no text, and their bytes are RFC 8785's."""

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.audit.body import (
    LARGEST_INT,
    BodyRefused,
    Json,
    canonical,
    canonical_of,
    quote,
    quoted_actor,
)

FIELDS = st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True)
CODES = st.sampled_from(
    [
        "valuation",
        "money.floor",
        "seat/3",
        "message_" + "0af1" * 8,
        "ab" * 32,
        "sha256:" + "cd" * 32,
    ]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-LARGEST_INT, LARGEST_INT), CODES
)  # fmt: skip
VALUES: st.SearchStrategy[Any] = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=4),
    st.dictionaries(FIELDS, SCALARS, max_size=4),
)
BODIES = st.dictionaries(FIELDS, VALUES, max_size=8)

TEXTS = [
    "the price is 12.50 a share",
    "Offer",
    "Offer:12.50/share",
    "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE",  # a canary
    "line\nbreak",
    "kaufpreis €500m",
    "",
    "x" * 300,
    "word." * 40,
    "\u202eevil",
]


@given(BODIES)
def test_the_bytes_are_those_of_rfc_8785(body: dict[str, Json]) -> None:
    assert canonical(body) == rfc8785.dumps(body)


@given(st.text(st.characters(codec="utf-8")))
def test_texts_are_quoted_as_rfc_8785_quotes_them(text: str) -> None:
    assert quote(text).encode() == rfc8785.dumps(text)
    assert canonical_of({"room": text}) == rfc8785.dumps({"room": text})


@given(BODIES)
def test_what_was_written_reads_back_the_same(body: dict[str, Json]) -> None:
    assert json.loads(canonical(body)) == body


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("wrap", [lambda t: t, lambda t: [t], lambda t: {"inner": [t]}])
def test_text_is_refused_wherever_it_stands_and_never_quoted(text: str, wrap: Any) -> None:
    with pytest.raises(BodyRefused) as refusal:
        canonical({"reason": wrap(text)})
    assert not text or text not in str(refusal.value)


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_refused_as_a_field_and_never_quoted(text: str) -> None:
    with pytest.raises(BodyRefused) as refusal:
        canonical({text: 1})
    assert not text or text not in str(refusal.value)


@given(st.text())
def test_no_name_holds_white_space_or_control_characters(text: str) -> None:
    if text.isprintable() and " " not in text and 0 < len(text) <= 255:
        canonical({"room": text})
    else:
        with pytest.raises(BodyRefused):
            canonical({"room": text})


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        LARGEST_INT + 1,
        -LARGEST_INT - 1,
        b"bytes",
        {1: 2},
        {"a", "b"},
        [[[["deep"]]]],
        {"a": {"b": {"c": {"d": 1}}}},
        object(),
    ],
)
def test_other_values_are_refused(value: Any) -> None:
    with pytest.raises(BodyRefused):
        canonical({"field": value})


@pytest.mark.parametrize("actor", ["system", "local:root", "person_" + "0" * 32, "local:jürgen"])
def test_actors(actor: str) -> None:
    assert json.loads(quoted_actor(actor)) == actor


@pytest.mark.parametrize("actor", ["", "Two words", "local:a b", "local:", "local:a\u200b", "X"])
def test_what_is_no_actor(actor: str) -> None:
    with pytest.raises(BodyRefused):
        quoted_actor(actor)


@given(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,63}", fullmatch=True))
def test_every_id_that_a_roster_allows_can_act_and_be_named(person: str) -> None:
    assert quoted_actor(f"person:{person}")
    for name in ("owner", "person", "scope", "channel"):
        assert json.loads(canonical({name: person, "by": [person]}))[name] == person
