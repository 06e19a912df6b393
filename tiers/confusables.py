"""What one character is read as: look-alikes folded, digits of every script read, marks dropped.

Rule kept here: folding never invents a letter that a reader would not see. The table holds letters
that look like a Latin one in ordinary fonts; everything else follows from the Unicode data of the
standard library (compatibility forms, decimal digits, invisible and combining characters).
"""

# ruff: noqa: RUF001 - look-alike characters are the subject of this table

import unicodedata
from functools import lru_cache

_LOOKALIKES = {
    # Cyrillic
    **dict(zip("АВЕЅІЈКМНОРСТУХҮԌԚԜ", "ABESIJKMHOPCTYXYGQW", strict=True)),
    **dict(zip("авеѕіјкмнорстухүѵԁԛԝһґгпьыъ", "abesijkmhopctyxyvdqwhrrnbbb", strict=True)),
    **dict(zip("ӏӀё", "lIe", strict=True)),
    # Greek
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϳ", "ABEZHIKMNOPTYXCj", strict=True)),
    **dict(zip("αβγεηικνορτυχϲωσκ", "abyenikvoptuxcwok", strict=True)),
    # Armenian, Cherokee, Lisu, Coptic letters in common use as disguise
    **dict(zip("օոսցհքԼՕՍ", "onughpLOU", strict=True)),
    **dict(zip("ᎪᏴᏟᎠᎬᏀᎻᏆᎫᏦᏞᎷΝᏢᎡᏚᎢᏙᎳᎩᏃ", "ABCDEGHIJKLMNPRSTVWYZ", strict=True)),
    **dict(zip("ꓮꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑꓣꓢꓔꓴꓦꓪꓫꓬꓜ", "ABCDEFGHIJKLMNOPRSTUVWXYZ", strict=True)),
    # Latin letters with a form of their own that compatibility folding leaves alone
    **dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz", strict=True)),
    **dict(zip("ɑɡɩıɍʋƅƽꞵøŀłđħŧƒ", "agiirubsbolldhtf", strict=True)),
    **dict(zip("×⁄∕∶‐‑‒–—―−", "x//:-------", strict=True)),
    **dict(zip("‘’‚‛“”„‟′″", "''''\"\"\"\"'\"", strict=True)),
}
_BLANKS = "\u115f\u1160\u3164\uffa0\u2800\u034f\u180e"
_KEPT_CONTROLS = "\n\t"


@lru_cache(maxsize=8192)
def fold(character: str) -> str:
    """What a reader sees where ``character`` stands; empty when he sees nothing.

    A combining mark is returned as it is: what becomes of it depends on the letter before it.
    """
    if character in _KEPT_CONTROLS or is_mark(character):
        return character
    category = unicodedata.category(character)
    if category in {"Cf", "Cc", "Co", "Cn", "Cs"} or character in _BLANKS:
        return "\n" if character in "\r\x0b\x0c\x85" else ""
    if category in {"Zl", "Zp"}:
        return "\n"
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    if character in _LOOKALIKES:
        return _LOOKALIKES[character]
    return "".join(_LOOKALIKES.get(c, c) for c in unicodedata.normalize("NFKC", character))


def is_mark(character: str) -> bool:
    """Whether a character only decorates the one before it."""
    return unicodedata.category(character) in {"Mn", "Me"} and character != "\u034f"


@lru_cache(maxsize=8192)
def join_mark(base: str, mark: str) -> str:
    """``base`` with ``mark``: the composed letter if there is one, else ``base`` alone."""
    composed = unicodedata.normalize("NFC", base + mark)
    return composed if len(composed) == 1 else base


@lru_cache(maxsize=8192)
def bare(character: str) -> str:
    """The letter without its accents, always one character long."""
    first = unicodedata.normalize("NFD", character)[:1]
    return first if first and not is_mark(first) else character


def is_foreign_letter(character: str) -> bool:
    """Whether a letter belongs to another script than Latin."""
    plain = unicodedata.normalize("NFKC", character)[:1]
    return plain.isalpha() and not unicodedata.name(plain, "").startswith("LATIN")
