"""The money floor: what is an amount, what only looks like one, and what stands in deal context."""

from decimal import Decimal

import pytest

from tiers.money import PRECISE, Kind, amounts, values
from tiers.normalise import normalise

PRECISE_PHRASES = [
    "offer of $1.2bn",
    "EUR 350m for the stake",
    "€1.25 Mrd. Kaufpreis",
    "the bid is 7.2x EBITDA",
    "the price is eight and a half times forward earnings",
    "an offer of 27.50 a share",
    "a bid of twenty-seven fifty a share",
    "une offre de 12 euros par action",
    "ein Angebot von 18 Euro je Aktie",
    "le prix est de 2 milliards d'euros",
    "das Gebot liegt bei drei Milliarden",
    "settle at seven hundred thousand",
    "a valuation of half a billion",
    "$3,500,000 purchase price",
    "they paid 450 k€ for the shares, premium included",
]
LOOK_ALIKES = [
    "room 4B",
    "docket no. 01-1234",
    "flight 1250 to Berlin",
    "call 555-1234",
    "in 2001",
    "section 7.3",
    "at 10 m distance",
    "extension 4040",
    "Deal 77120",
    "invoice 4471",
    "seat 14C",
    "page 3 of 12",
    "10:30 am",
    "a 5 k run",
    "3 times this week",
    "a 4x4 truck",
    "building B 12",
    "confirmation K7QX2P",
    "two times",
    "version 2.10.4",
]


def found(text: str) -> list[Kind]:
    return [a.kind for a in amounts(normalise(text).bare) if a.in_deal]


@pytest.mark.parametrize("text", PRECISE_PHRASES)
def test_precise_amounts_in_deal_context(text: str) -> None:
    assert PRECISE.intersection(found(text))


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_look_alikes_are_no_money(text: str) -> None:
    assert not amounts(normalise(text).bare)


@pytest.mark.parametrize("text", ["in the low forties", "north of 300", "high single digits"])
def test_ranges_are_soft(text: str) -> None:
    assert [a.kind for a in amounts(normalise(text).bare)] == [Kind.RANGE]


def test_small_private_money_is_plain() -> None:
    assert [a.kind for a in amounts("lunch was $20")] == [Kind.PLAIN]


def test_a_large_amount_without_deal_context_is_not_precise() -> None:
    assert found("The raffle raised 3 million dollars for the hospital.") == []


@pytest.mark.parametrize(
    ("number", "scale", "meant"),
    [
        ("1.25", "bn", {"1250000000"}),
        ("1,250", "million", {"1250000000", "1250000"}),
        ("1.250.000", None, {"1250000"}),
        ("1,250.50", None, {"1250.5"}),
        ("12,5", "Mio.", {"12500000"}),
    ],
)
def test_notations(number: str, scale: str | None, meant: set[str]) -> None:
    assert values(number, scale) == {Decimal(m).normalize() for m in meant}
