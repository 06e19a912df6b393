"""What somebody in trouble writes to us in his private line: one of a short list of exact lines.

Rules kept here:

1. Only a line that is nothing but one of these words is one, in any case, with or without accents
   and a full stop. No longer text is searched, so that nothing acts by accident, and nobody's
   quotation does.
2. Either of them only takes away: whoever writes it in another's name stops that person's
   messages and opens nothing.
"""

import unicodedata
from enum import Enum
from typing import Final

LONGEST: Final = 40
"""Characters; more is a message."""


class Urgent(Enum):
    """What happened."""

    PHISHED = "phished"
    NEW_PHONE = "new_phone"


WORDS: Final = {
    Urgent.PHISHED: (
        *("phished", "i was phished", "hacked", "i was hacked"),
        *("gephisht", "ich wurde gephisht", "gehackt", "ich wurde gehackt"),
        *("hameçonné", "hameçonnée", "piraté", "piratée", "j'ai été piraté", "j'ai été piratée"),
        *("j'ai été hameçonné", "j'ai été hameçonnée"),
    ),
    Urgent.NEW_PHONE: (
        *("new phone", "i have a new phone", "lost phone", "i lost my phone"),
        *("neues telefon", "neues handy", "ich habe ein neues handy", "handy verloren"),
        *("nouveau téléphone", "j'ai un nouveau téléphone", "téléphone perdu"),
    ),
}
"""English, German, French."""


def read_urgent(text: str) -> Urgent | None:
    """What ``text`` says happened, or None when it is a message like any other."""
    if len(text) > LONGEST:
        return None
    return _MEANING.get(_plain(text))


def _plain(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text.replace("\u2019", "'").casefold())
    letters = "".join(c for c in bare if not unicodedata.combining(c))
    return " ".join(letters.split()).rstrip(".!").rstrip()


_MEANING = {_plain(word): urgent for urgent, words in WORDS.items() for word in words}
