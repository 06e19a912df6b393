"""Amounts of money in a text and whether they stand in deal context: the money floor.

Rule kept here: a figure is precise evidence only when its size or form is that of a deal (a large
amount, a multiple, a price per share) *and* a word of dealing stands near it; everything else about
money is soft. English, German and French notations; input is normalised text without accents.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum


class Kind(Enum):
    """What an amount looks like."""

    LARGE = "large"
    MULTIPLE = "multiple"
    PER_SHARE = "per-share"
    RANGE = "range"
    PRICE = "price"
    PLAIN = "plain"


PRECISE = frozenset({Kind.LARGE, Kind.MULTIPLE, Kind.PER_SHARE})
"""Kinds that can hold a message, given deal context."""


@dataclass(frozen=True, slots=True)
class Amount:
    """One amount.

    Attributes:
        kind: what it looks like.
        start, end: span in the text that was read.
        values: what the figure can mean; more than one where a separator is ambiguous.
        in_deal: whether a word of dealing stands within reach.
    """

    kind: Kind
    start: int
    end: int
    values: frozenset[Decimal]
    in_deal: bool


_SCALES = (
    (Decimal(1000), r"thousand|grand|tausend|tsd\.?|mille|k€|k"),
    (Decimal(10**6), r"millions?|millionen|mio\.?|mln\.?|mn|mm|m€|m"),
    (Decimal(10**9), r"billions?|milliarden|milliarde|mrd\.?|milliards?|mds?\.?|bn|b€|b"),
    (Decimal(10**12), r"trillions?|billionen|tn"),
)
_SCALE = "|".join(pattern for _, pattern in _SCALES)
_LONG = (
    r"thousand|grand|tausend|tsd\.?|mille|millions?|millionen|mio\.?|mln\.?|mn|mm"
    r"|billions?|milliarden|milliarde|mrd\.?|milliards?|mds?\.?|bn|trillions?|billionen|k€|m€|b€"
)
_NUMBER = r"\d{1,3}(?:[.,' ]\d{3}){1,5}(?:[.,]\d{1,2})?|\d{1,15}(?:[.,]\d{1,9})?"
_SIGN = r"[$€£¥]|us\$|\b(?:usd|eur|gbp|chf|jpy|cad|aud)\b"
_UNIT = r"(?:dollars?|euros?|pounds?|francs?|franken|pfund|usd|eur|gbp|chf|bucks)\b|[$€£¥]"
_AMOUNT = re.compile(
    rf"(?<![\w.,/#:-])(?P<sign>(?:{_SIGN})[ ]?)?(?P<number>{_NUMBER})(?![\d])"
    rf"(?:[ ]?-?[ ]?(?P<scale>{_SCALE})(?![\w]))?(?:[ ]?(?:d'|de )?(?P<unit>{_UNIT}))?",
    re.IGNORECASE,
)
_INDEFINITE = re.compile(
    r"\b(?:a|half a|quarter of a|several|some|few|hundreds? of|tens of|eine?|une?|einige|mehrere"
    r"|quelques|plusieurs|halbe)[ ](?:million|millions|billion|billions|milliarde|milliarden"
    r"|millionen|milliards?)\b",
    re.IGNORECASE,
)
_MULTIPLE = re.compile(
    rf"(?<![\w.,])(?:{_NUMBER})(?:[ ]?[x](?![\w])|[ ]?-?(?:fach(?:e[smnr]?)?)\b"
    r"|[ ](?:times|mal|fois)\b(?=[^.\n]{0,40}\b(?:ebitda?|earnings|sales|revenues?|book|cash ?flow"
    r"|umsatz|ergebnis|gewinn|resultat|benefice|chiffre|forward|trailing|p/e)))",
    re.IGNORECASE,
)
_PER_SHARE = re.compile(
    rf"(?<![\w.,])(?:{_NUMBER})(?:[ ]?(?:{_UNIT}|cents?|p))?[ ]?"
    r"(?:/|a |an |per |each |the |pro |je |par |in )"
    r"[ ]?(?:share|unit|stock|aktie|anteil|action|titre)\b",
    re.IGNORECASE,
)
_RANGE = re.compile(
    r"\b(?:(?:low|mid|high|upper|lower)[- ]+(?:to[- ]+(?:mid|high)[- ]+)?(?:(?:single|double)[- ]"
    r"digits?|teens|twenties|thirties|forties|fifties|sixties|seventies|eighties|nineties"
    r"|tens|hundreds|[1-9]0'?s)|(?:north|south) of \$?\d+|ballpark|[2-9]\d and change"
    r"|(?:ein|zwei|drei|niedrig|mittler|hoh)\w*stellig\w*|fourchette|haut de la fourchette)\b",
    re.IGNORECASE,
)
_BID_FIGURE = re.compile(
    r"\b(?:offer(?:ed|ing|s)?|bid(?:ding|s)?|counter(?:ed|offer)?|pay(?:ing)?|raise|accept|price[ds]?"
    r"|value[ds]?|worth|premium|angebot|gebot|bieten|zahlen|preis|pramie|offre|offrir|prix|prime"
    rf"|payer)\b[^.\n]{{0,40}}?\b(?P<number>{_NUMBER})\b",
    re.IGNORECASE,
)
_DEAL_WORDS = re.compile(
    r"\b(?:offer(?:ed|ing|s)?|bid(?:s|ding|der|ders)?|counter-?offer|purchase price|premium"
    r"|valuations?|enterprise value|equity value|net present value|npv|irr|ebitda?|ev|multiple"
    r"|consideration|earn-?outs?|escrow|break(?:-up)? fee|termination fee|success fee|synerg\w+"
    r"|tender(?:ed)?|exchange ratio|stake|takeover|acquir\w+|acquisition|divest\w*|settle(?:ment)?"
    r"|bridge|mezzanine|underwrit\w+|term sheet|letter of intent|walk[- ]away|reservation price"
    r"|sell(?:er|ers)?|buy(?:er|ers|ing)?|asking|price[ds]?|worth|value[ds]?"
    r"|go(?:es|ing)? (?:up|down|as high|as low|higher|lower)|rais(?:e|ing) (?:our|the|their|it)"
    r"|concede"
    r"|accept(?:ed|able)?|negotiat\w+|our (?:limit|ceiling|floor|maximum|minimum|number|cap)"
    r"|angebot\w*|gebot\w*|kaufpreis\w*|preis\w*|pramie\w*|bewert\w+|unternehmenswert|barwert"
    r"|synergie\w*|beteiligung\w*|ubernahme\w*|verkauf\w*|kauf\w*|vergleich\w*|abfindung\w*"
    r"|finanzierung\w*|vertragsstrafe|eigenkapital|fremdkapital|verhandl\w+|hochgehen|nachgeben"
    r"|gehen bis|unsere (?:grenze|obergrenze)|unser (?:limit|maximum)"
    r"|offres?|prix|prime|valorisation|valeur|actualisee|cession|ceder|rachat|acquisition"
    r"|participation|enchere\w*|vendeur|acheteur|vendre|acheter|financement|indemnite|surcote"
    r"|negoci\w+|monter|jusqu'a|notre (?:limite|plafond|maximum)|payer)\b",
    re.IGNORECASE,
)
_REACH = 80
_LARGE_FROM = Decimal(10000)


def amounts(text: str) -> list[Amount]:
    """Every amount of money, multiple and price in a text, in order of place.

    Args:
        text: normalised text without accents (``Normalised.bare``).
    """
    if not any(map(str.isdigit, text)) and "illi" not in text.lower() and "-" not in text:
        return _vague(text)
    found = [*_figures(text), *_vague(text)]
    return sorted(found, key=lambda amount: (amount.start, amount.end))


def _figures(text: str) -> Iterator[Amount]:
    """Amounts written with a figure."""
    for match in _AMOUNT.finditer(text):
        kind = _kind(match)
        if kind is not None:
            yield _amount(text, kind, match, values(match.group("number"), match.group("scale")))
    for kind, pattern in ((Kind.MULTIPLE, _MULTIPLE), (Kind.PER_SHARE, _PER_SHARE)):
        for match in pattern.finditer(text):
            figure = re.match(_NUMBER, match.group())
            yield _amount(text, kind, match, values(figure.group() if figure else "0", None))
    for match in _BID_FIGURE.finditer(text):
        yield Amount(
            Kind.PRICE,
            match.start("number"),
            match.end(),
            values(match.group("number"), None),
            in_deal=True,
        )


def _vague(text: str) -> list[Amount]:
    """Ranges and amounts without a figure."""
    found = [_amount(text, Kind.RANGE, match, frozenset()) for match in _RANGE.finditer(text)]
    found += [_amount(text, Kind.LARGE, match, frozenset()) for match in _INDEFINITE.finditer(text)]
    return found


def _kind(match: re.Match[str]) -> Kind | None:
    """What an amount is; nothing for a bare number ("room 4B", a docket number, a year)."""
    scale, sign, unit = (match.group(name) for name in ("scale", "sign", "unit"))
    money = bool(sign or unit)
    largest = max(values(match.group("number"), scale))
    if scale and (money or re.fullmatch(_LONG, scale, re.IGNORECASE)):
        return Kind.LARGE
    if scale in {"k", "K"} and largest >= _LARGE_FROM * 5:
        return Kind.LARGE
    if not money:
        return None
    return Kind.LARGE if largest >= _LARGE_FROM else Kind.PLAIN


def _amount(text: str, kind: Kind, match: re.Match[str], meant: frozenset[Decimal]) -> Amount:
    """An amount with its context looked at."""
    start, end = match.span()
    near = text[max(0, start - _REACH) : end + _REACH]
    return Amount(kind, start, end, meant, _DEAL_WORDS.search(near) is not None)


def values(number: str, scale: str | None) -> frozenset[Decimal]:
    """What a figure can mean: ``1.250`` is a thousand or one and a quarter.

    Args:
        number: digits with separators of any of the three languages.
        scale: a scale word such as ``million`` or ``Mrd.``, if one follows.
    """
    factor = _factor(scale)
    return frozenset((plain * factor).normalize() for plain in _readings(number))


def _factor(scale: str | None) -> Decimal:
    """A scale word as a factor; German *Billion* is left to its plural."""
    for factor, pattern in _SCALES:
        if scale and re.fullmatch(pattern, scale, re.IGNORECASE):
            return factor
    return Decimal(1)


def _readings(number: str) -> Iterator[Decimal]:
    """The plain numbers that a figure with separators can stand for."""
    figure = number.replace(" ", "").replace("'", "")
    marks = [c for c in figure if c in ".,"]
    if not marks:
        yield Decimal(figure)
        return
    last = figure.rfind(marks[-1])
    grouped = len(figure) - last - 1 == 3  # noqa: PLR2004 - thousands come in threes
    bare = figure.replace(".", "").replace(",", "")
    decimals = len(figure) - last - 1
    if grouped and (len(marks) == 1 or len(set(marks)) == 1):
        yield Decimal(bare)
    if not grouped or len(set(marks)) > 1 or len(marks) == 1:
        yield Decimal(bare).scaleb(-decimals)
