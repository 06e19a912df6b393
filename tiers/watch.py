"""A deal's watch list: code names and amounts that must not appear below its tier.

Rule kept here: a hit is precise. A name is found as whole words however it is spelled or disguised;
an amount is found by its value, not by its notation ("1.25bn" = "1,250 million" = "€1.25 Mrd.").
The list itself is secret: it is in no representation.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal

from tiers import money
from tiers.ids import RuleId
from tiers.normalise import Normalised, normalise

NAME = RuleId("watch.name")
AMOUNT = RuleId("watch.amount")
_NUMERAL = re.compile(r"(?<![\w.,])\d[\d.,' ]{0,18}\d|(?<![\w.,])\d(?!\w)")
_LEAST_DIGITS = 3


@dataclass(frozen=True, slots=True)
class WatchList:
    """Compiled code names and amounts of one deal; make it with :func:`watch_list`."""

    names: "re.Pattern[str] | None" = field(repr=False, default=None)
    amounts: frozenset[Decimal] = field(repr=False, default=frozenset())

    def hits(self, text: Normalised, found: list[money.Amount]) -> list[tuple[RuleId, int, int]]:
        """Where the list's names and amounts stand.

        Args:
            text: the normalised message.
            found: the amounts in ``text.bare`` (:func:`tiers.money.amounts`).

        Returns:
            (rule, start, end) in normalised text.
        """
        hits: list[tuple[RuleId, int, int]] = []
        if self.names is not None:
            hits = [(NAME, *match.span()) for match in self.names.finditer(text.bare)]
        if self.amounts:
            hits += [(AMOUNT, a.start, a.end) for a in found if a.values & self.amounts]
            hits += self._numerals(text.bare)
        return hits

    def _numerals(self, text: str) -> list[tuple[RuleId, int, int]]:
        """Listed figures that stand without a currency or scale; short ones say too little."""
        return [
            (AMOUNT, *match.span())
            for match in _NUMERAL.finditer(text)
            if sum(map(str.isdigit, match.group())) >= _LEAST_DIGITS
            and money.values(match.group().rstrip("., '"), None) & self.amounts
        ]


def watch_list(
    names: "tuple[str, ...] | list[str]", amounts: "tuple[str, ...] | list[str]"
) -> WatchList:
    """Compile a watch list.

    Args:
        names: code names and other words, each as people write it.
        amounts: amounts in any notation of the three languages, for instance ``EUR 1.25bn``.

    Raises:
        ValueError: a name has no letter or digit, or an amount no figure; its text is not quoted.
    """
    patterns = [_name_pattern(name) for name in names]
    listed: set[Decimal] = set()
    for amount in amounts:
        listed |= _listed(amount)
    joined = "|".join(sorted(patterns, key=len, reverse=True))
    compiled = (
        re.compile(rf"(?<![^\W_])(?:{joined})(?![^\W_])", re.IGNORECASE) if patterns else None
    )
    return WatchList(compiled, frozenset(listed))


def _name_pattern(name: str) -> str:
    """A name as whole words, with any blank, hyphen or nothing between them."""
    # "_" stands between words: taken for a part of one as well, a text of many would be tried in
    # more ways than can be gone through
    words = re.findall(r"[^\W_]+", normalise(name).bare)
    if not words:
        raise ValueError("a watch-listed name has no letter or digit")
    return r"[\s_\-.]*".join(map(re.escape, words))


def _listed(amount: str) -> frozenset[Decimal]:
    """The value of a listed amount."""
    bare = normalise(amount).bare
    for found in money.amounts(bare):
        if found.values:
            return found.values
    numeral = _NUMERAL.search(bare)
    if numeral is None:
        raise ValueError("a watch-listed amount has no figure")
    return money.values(numeral.group(), None)
