"""Number words of English, German and French read as digits.

Rule kept here: a word that is a number and nothing else is read; one that is also an everyday word
("one", "seize", "neuf", "cent", "acht") is read only beside another number word or before a scale.
Scale words (million, Milliarde, milliard) stay words: the money rules read them.
"""

import re


def _table(words: str, values: range | list[int]) -> dict[str, int]:
    """Words and their values, in step."""
    return dict(zip(words.split(), values, strict=True))


_EN = (
    _table("zero one two three four five six seven eight nine ten eleven twelve", range(13))
    | _table("thirteen fourteen fifteen sixteen seventeen eighteen nineteen", range(13, 20))
    | _table("twenty thirty forty fifty sixty seventy eighty ninety", range(20, 100, 10))
    | {"oh": 0, "hundred": 100, "thousand": 1000}
)
_FR = (
    _table("un une deux trois quatre cinq six sept huit neuf dix", [1, 1, *range(2, 11)])
    | _table("onze douze treize quatorze quinze seize", range(11, 17))
    | _table("vingt vingts trente quarante cinquante soixante", [20, 20, 30, 40, 50, 60])
    | {"zéro": 0, "cent": 100, "cents": 100, "mille": 1000}
)
_DE_UNITS = _table(
    "ein eins eine zwei drei vier fünf sechs sieben acht neun", [1, 1, *range(1, 10)]
)
_DE_TEENS = _table(
    "zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn", range(10, 20)
)
_DE_TENS = _table(
    "zwanzig dreißig dreissig vierzig fünfzig sechzig siebzig achtzig neunzig",
    [20, 30, 30, 40, 50, 60, 70, 80, 90],
)
_SHY = {"one", "oh", "zero", "hundred", "thousand", "ein", "eins", "eine", "acht", "elf"} | {
    *("un", "une", "six", "sept", "huit", "neuf", "seize", "cent", "cents", "mille", "zéro")
}
"""Words that are numbers only in company."""
_SCALE = (
    r"(?=[ \t]+(?:million|millions|billion|billions|thousand|hundred|milliard|milliards|mrd|mio"
    r"|millionen|milliarden|euros?|dollars?|percent|prozent|pour cent|fois|mal)\b)"
)


def _any(words: "dict[str, int]") -> str:
    """A regular expression for any of the words, longest first."""
    return "(?:" + "|".join(sorted(words, key=lambda w: (-len(w), w))) + ")"


def _phrase(words: "dict[str, int]", joint: str, point: str) -> re.Pattern[str]:
    """Number words in a row, with what may stand between them, and spoken decimals."""
    word = _any(words)
    return re.compile(
        rf"\b(?P<whole>{word}(?:(?:[ \t]*-[ \t]*|[ \t]+)(?:{joint}[ \t-]+)?{word}\b)*)\b"
        rf"(?P<scaled>{_SCALE})?"
        rf"(?:[ \t]+(?:{point})(?P<decimals>(?:[ \t]+{word}\b)+)"
        rf"|[ \t]+and[ \t]+a[ \t]+(?P<part>half|quarter)\b)?"
    )


_ENGLISH = _phrase(_EN, "and", "point|dot")
_FRENCH = _phrase(_FR, "et", "virgule")
_BELOW_100 = rf"(?:{_any(_DE_UNITS)}und{_any(_DE_TENS)}|{_any(_DE_TENS | _DE_TEENS | _DE_UNITS)})"
_BELOW_1000 = rf"(?:{_any(_DE_UNITS)}?hundert(?:und)?{_BELOW_100}?|{_BELOW_100})"
_GERMAN = re.compile(
    rf"\b(?P<whole>(?:{_BELOW_1000}?tausend(?:und)?)?{_BELOW_1000}|{_BELOW_1000}?tausend)\b"
    rf"(?P<scaled>{_SCALE})?"
    rf"(?:[ \t]+komma(?P<decimals>(?:[ \t]+(?:{_any(_DE_UNITS)}|null)\b)+))?"
)
_WORD = re.compile(r"[^\W\d_]+")
_GERMAN_HINT = re.compile(
    r"\b(?:zwei|drei|vier|fünf|sech|sieb|neun|zehn|zwölf|hundert|tausend)|(?:zig|ßig|ssig|zehn)\b"
    r"|\w(?:hundert|tausend)|\b(?:ein|eins|eine|acht|elf)" + _SCALE
)
_FRACTION = {"half": ".5", "quarter": ".25"}


def edits(text: str) -> list[tuple[int, int, str]]:
    """Spans that are numbers in words, each with its digits; in order, without overlap.

    Args:
        text: readable text.

    Returns:
        (start, end, digits) with a point before decimals.
    """
    lowered = text.lower()
    patterns = _patterns(lowered) if len(lowered) == len(text) else []
    taken: dict[int, tuple[int, int, str]] = {}
    covered = bytearray(len(text) if patterns else 0)
    for pattern, table in patterns:
        for match in pattern.finditer(lowered):
            digits = _read(match, table)
            if digits and not any(covered[match.start() : match.end()]):
                covered[match.start() : match.end()] = b"\1" * len(match.group())
                taken[match.start()] = (match.start(), match.end(), digits)
    return [taken[start] for start in sorted(taken)]


def _patterns(text: str) -> "list[tuple[re.Pattern[str], dict[str, int] | None]]":
    """The languages of which the text holds a number word."""
    words = set(_WORD.findall(text))
    found: list[tuple[re.Pattern[str], dict[str, int] | None]] = []
    if not words.isdisjoint(_EN):
        found.append((_ENGLISH, _EN))
    if _GERMAN_HINT.search(text):
        found.append((_GERMAN, None))
    if not words.isdisjoint(_FR):
        found.append((_FRENCH, _FR))
    return found


def _read(match: re.Match[str], table: "dict[str, int] | None") -> str:
    """The digits of one match; empty when it is an everyday word."""
    named = match.groupdict()
    words = [w for w in _WORD.findall(named["whole"]) if w not in {"and", "et"}]
    alone = not (named["decimals"] or named.get("part") or named["scaled"] is not None)
    if len(words) == 1 and words[0] in _SHY and (alone or words[0] in {"hundred", "thousand"}):
        return ""
    whole = _german_row(words[0]) if table is None else _row(words, table)
    return whole + _decimals(named, table or _DE_UNITS | {"null": 0})


def _decimals(named: "dict[str, str | None]", table: "dict[str, int]") -> str:
    """What follows the point."""
    part = named.get("part")
    if part:
        return _FRACTION[part]
    spoken = _WORD.findall(named["decimals"] or "")
    return "." + "".join(str(table[word]) for word in spoken) if spoken else ""


def _row(words: list[str], table: "dict[str, int]") -> str:
    """English or French words as one number, or several where they do not make one."""
    end = len(words)
    while end > 1 and words[end - 1] in {"thousand", "mille"}:
        end -= 1
    if end < len(words):
        return " ".join((_row(words[:end], table), *words[end:]))
    numbers: list[int] = []
    total, current, fresh = 0, 0, True
    for word in words:
        value = table[word]
        if value == 1000:  # noqa: PLR2004 - the thousand itself
            total, current, fresh = total + max(current, 1) * 1000, 0, False
        elif value == 100:  # noqa: PLR2004 - the hundred itself
            if current >= 100:  # noqa: PLR2004 - no number has two hundreds: another one begins
                numbers.append(total + current)
                total, current = 0, 1
            current, fresh = max(current, 1) * 100, False
        elif fresh or _fits(current % 100, value, word):
            current, fresh = _plus(current, value, word), False
        else:
            numbers.append(total + current)
            total, current = 0, value
    return _spoken([*numbers, total + current])


def _spoken(numbers: list[int]) -> str:
    """Several numbers in a row: "twenty-seven fifty" is a price, "nineteen ninety" a year."""
    two = len(numbers) == 2 and 10 <= numbers[1] <= 99  # noqa: PLR2004 - two digits
    if two and numbers[0] < 100:  # noqa: PLR2004 - two digits
        return f"{numbers[0]}{'' if numbers[0] in {19, 20} else '.'}{numbers[1]}"
    return " ".join(map(str, numbers))


def _fits(rest: int, value: int, word: str) -> bool:
    """Whether a value may follow: 20 then 7, 60 then 12, 4 then vingt."""
    tens = rest >= 20 and rest % 10 == 0 and value < 10  # noqa: PLR2004 - the decimal system
    french = rest in {60, 80} and 10 <= value < 20  # noqa: PLR2004 - soixante-dix, quatre-vingt-dix
    return rest == 0 or tens or french or (rest == 4 and word.startswith("vingt"))  # noqa: PLR2004 - quatre-vingt


def _plus(current: int, value: int, word: str) -> int:
    """Add a value; four times twenty is eighty in French."""
    return current + 76 if current % 100 == 4 and word.startswith("vingt") else current + value  # noqa: PLR2004 - 4 x 20


def _german_row(word: str) -> str:
    """A German number word; full thousands keep their scale."""
    value = _german(word)
    scaled = word.endswith("tausend") and value > 1000  # noqa: PLR2004 - the thousand itself
    return f"{value // 1000} tausend" if scaled else str(value)


def _german(word: str) -> int:
    """The value of one German number word."""
    if "tausend" in word:
        left, _, right = word.partition("tausend")
        return (_german(left) or 1) * 1000 + _german(right.removeprefix("und"))
    if "hundert" in word:
        left, _, right = word.partition("hundert")
        return (_german(left) or 1) * 100 + _german(right.removeprefix("und"))
    known = _DE_UNITS | _DE_TEENS | _DE_TENS
    if word in known or not word:
        return known.get(word, 0)
    unit, _, tens = word.partition("und")
    return _DE_UNITS.get(unit, 0) + _DE_TENS.get(tens, 0)
