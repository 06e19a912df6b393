"""Made-up texts for ``bench leaks``: what is restricted, what is ordinary, and how things leak.

Rules kept here:

1. Everything is drawn by chance from words of our own; companies and people are nobody's. The same
   seed gives the same texts.
2. No leak is a paraphrase: nothing here finds one, and nothing here claims to.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

_WHO = (
    *("the founder's trust", "the supervisory board", "our lead bank", "the works council"),
    *("the pension trustees", "the majority owner", "the audit committee", "the seller's counsel"),
    *("the regional regulator", "the minority holders", "the finance director", "the union"),
)
_WHAT = (
    *("the harbour lease", "the turbine plant", "the licence for the northern field", "the brand"),
    *(
        "the supply contract with the mill",
        "the pension gap",
        "the patent family",
        "the data centre",
    ),
    *("the earn-out", "the break fee", "the loan to the family", "the spare parts business"),
)
_DOES = (
    *("will only agree to", "has quietly walked away from", "wants to carve out", "fears to lose"),
    *("has priced in", "cannot refinance", "asked us to bury", "would trade a seat for"),
    *("expects a write-down of", "insists on keeping", "has pledged", "is about to sell"),
)
_WHY = (
    *("because the covenant is breached in March", "unless the dredging is paid by the other side"),
    *("since two customers gave notice last week", "as long as nobody tells the auditors in town"),
    *("before the rating agency looks at the figures", "once the escrow in Basel is released"),
    *("while the rival bid from the south is alive", "if the tax ruling holds through the winter"),
    *("although the model shows the opposite trend", "after the claim in Oslo was settled in kind"),
)
_THEN = (
    *(
        "We should hold the letter back until the chair has spoken to both families",
        "Nobody outside the core group knows that the second scenario is the likely one",
    ),
    *(
        "The sensitivity on the fourth sheet is the one that decides it for them",
        "Their fallback is a partial sale of the coastal assets with a put option",
    ),
    *(
        "I would rather give on governance than on the deferred part",
        "The draft for the committee leaves this out on purpose and must stay so",
    ),
    *(
        "Keep the older valuation memo out of the shared folder for now",
        "The adviser's note on the synergies overstates the savings in logistics by half",
    ),
)
_GERMAN = (
    "Der Beirat hält den Kaufpreis für zu niedrig und will die Werft im Norden vorher ausgliedern.",
    "Die Garantie der Familie läuft aus, und ohne Zustimmung der Bank platzt die zweite Tranche.",
    "Niemand außer dem Kernteam weiß, dass der Vorstand die Schließung in Emden längst beschloss.",
    "Unser Plan sieht vor, den Liefervertrag zu kündigen, sobald die Kartellfreigabe erteilt ist.",
)
_FRENCH = (
    "Le comité refuse la clause de sortie tant que la filiale de Nantes reste hors du périmètre.",
    "La banque chef de file exige une sûreté sur les brevets avant de signer la seconde ligne.",
    "Personne hors du noyau ne sait que le fondateur vendra ses actions dès la fin du trimestre.",
    "Notre repli consiste à céder les entrepôts de la côte avec une option de rachat à trois ans.",
)
_ORDINARY = (
    *("The shuttle leaves from the east gate at ten, and badges are at the desk downstairs",),
    *("Who takes notes on Thursday, and does the projector in the small room work by now",),
    *("The caterer asks how many of us eat without meat; a list hangs beside the printer",),
    *("Parking is tight this week, so the garage behind the station is booked for visitors",),
    *("The heating in the project room is being repaired; bring a jacket and be patient",),
    *("Please return the blue folders to the shelf, the cleaners have thrown two away",),
    *("The train from the coast is late again, we begin with the second point instead",),
)
_INVITES = (
    "Let us move to WhatsApp for the rest of this.",
    "Can we continue on Telegram? It is quicker for me.",
    "Please send it to my private mail instead, I read that on the train.",
    "Easier if you text me on my private number tonight.",
    "Could you forward the table to my gmail, the laptop stays here.",
    "Lass uns das lieber auf WhatsApp weiter besprechen.",
    "Schreib mir bitte an meine private Mail, hier lesen zu viele mit.",
    "Können wir auf Telegram wechseln?",
    "On continue sur WhatsApp, c'est plus simple.",
    "Envoie-moi ça sur ma messagerie privée, merci.",
    "Here is the group, join: https://chat.whatsapp.com/Kx81aQ",
    "Mejor hablamos por Telegram esta noche.",
)
_NAMES = ("Project Quill", "Otterbach", "Blue Lantern", "Tarn Valley")
_AMOUNTS = (
    ("EUR 1.37bn", ("1,370 million euros", "€1.37 billion", "1.37bn", "1.370 Mio. Euro")),
    ("USD 248.5m", ("248.5 million dollars", "$248.5m", "USD 248,500,000", "248.5 mn")),
)
LISTED_NAMES: Final = _NAMES
LISTED_AMOUNTS: Final = tuple(amount for amount, _ in _AMOUNTS)


@dataclass(frozen=True, slots=True)
class Restricted:
    """A text of a restricted conversation."""

    tier: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Leak:
    """A planted leak.

    Attributes:
        kind: of leak; each is told apart.
        rule: the finding that has to be raised for it.
        to: floor of the conversation that it is written to.
        attached: it is in a file.
    """

    kind: str
    rule: str
    to: str
    text: str = field(repr=False)
    attached: bool = False


def restricted(draw: random.Random, count: int) -> list[Restricted]:
    """Texts of 45 to 120 words, in turn of valuation and operations; some German, some French.

    No phrase stands in texts of both tiers: that would be a leak by itself.
    """
    found = list[Restricted]()
    for n in range(count):
        half = n % 2
        foreign = {5: _GERMAN, 6: _FRENCH}.get(n % 7)
        sentences = [_sentence(draw, half) for _ in range(draw.randint(3, 5))]
        sentences += [draw.choice((foreign or _THEN)[half::2])]
        draw.shuffle(sentences)
        text = (
            f"{draw.choice(('Hi all', 'Dear team', 'Hello'))},\n\n{' '.join(sentences)}\n\nRegards"
        )
        found.append(Restricted("valuation" if n % 2 else "operations", text))
    return found


def _sentence(draw: random.Random, half: int) -> str:
    who, what, does, why = (draw.choice(of[half::2]) for of in (_WHO, _WHAT, _DOES, _WHY))
    year, share = draw.randint(2021, 2031), draw.randint(3, 48)
    more = draw.choice((f", with {share} per cent at stake", f" by {year}", "", ", says the memo"))
    return f"{who[0].upper()}{who[1:]} {does} {what} {why}{more}."


def ordinary(draw: random.Random) -> str:
    """A harmless text of two sentences."""
    return ". ".join(draw.sample(_ORDINARY, 2)) + "."


def leaks(draw: random.Random, sources: list[Restricted], count: int) -> list[Leak]:
    """So many leaks, the kinds in turn, each of another source where there are enough."""
    order = draw.sample(sources, len(sources))
    kinds: tuple[Callable[[random.Random, Restricted], Leak], ...] = (
        *(_pasted(name, change) for name, change in _CHANGES.items()),
        _named,
        _amount,
        _invited,
        _attached,
    )
    return [kinds[n % len(kinds)](draw, order[n % len(order)]) for n in range(count)]


def _piece(draw: random.Random, text: str, least: int = 20) -> list[str]:
    words = text.split()[2:-1]
    length = min(len(words), draw.randint(least, least + 15))
    at = draw.randint(0, len(words) - length)
    return words[at : at + length]


def _plain(_: random.Random, words: list[str]) -> str:
    return " ".join(words)


def _capitals(draw: random.Random, words: list[str]) -> str:
    text = " ".join(words)
    return draw.choice((text.upper(), text.lower(), text.title()))


def _spaced(draw: random.Random, words: list[str]) -> str:
    return "".join(word + draw.choice((" ", "  ", "\n", "\t", "\n\n")) for word in words)


def _quoted(draw: random.Random, words: list[str]) -> str:
    width = draw.randint(5, 9)
    lines = (" ".join(words[i : i + width]) for i in range(0, len(words), width))
    return "Look at this:\n" + "\n".join(f"> {line}" for line in lines)


def _edited(draw: random.Random, words: list[str]) -> str:
    middle = len(words) // 2 - 1
    new = draw.choice((["so", "to", "speak"], ["more", "or", "less"], [], ["[...]"]))
    return " ".join([*words[:middle], *new, *words[middle + 2 :]])


def _bulleted(draw: random.Random, words: list[str]) -> str:
    cut = sorted(draw.sample(range(5, len(words) - 4), 2))
    parts = (words[: cut[0]], words[cut[0] : cut[1]], words[cut[1] :])
    return "\n".join(f" - *{' '.join(part)}*" for part in parts)


def _buried(draw: random.Random, words: list[str]) -> str:
    return f"{ordinary(draw)} {' '.join(words)} {ordinary(draw)}"


def _disguised(draw: random.Random, words: list[str]) -> str:
    hidden = draw.choice(("\u200b", "\u00ad", "\u2060"))
    return " ".join(w[:2] + hidden + w[2:] if len(w) > 3 else w for w in words)  # noqa: PLR2004 - long enough to hide in


_CHANGES: Final = {
    "plain": _plain,
    "case": _capitals,
    "spaces and lines": _spaced,
    "quoted": _quoted,
    "edited in the middle": _edited,
    "bullets": _bulleted,
    "within other text": _buried,
    "invisible characters": _disguised,
}


def _pasted(
    name: str, change: Callable[[random.Random, list[str]], str]
) -> Callable[[random.Random, Restricted], Leak]:
    def make(draw: random.Random, source: Restricted) -> Leak:
        text = change(draw, _piece(draw, source.text))
        return Leak(f"paste: {name}", "restricted_text", _lower(draw, source), text)

    return make


def _lower(draw: random.Random, source: Restricted) -> str:
    lower = ("coordination", "operations") if source.tier == "valuation" else ("coordination",)
    return draw.choice(lower)


def _attached(draw: random.Random, source: Restricted) -> Leak:
    text = f"{ordinary(draw)}\n{' '.join(_piece(draw, source.text, 25))}\n"
    return Leak(
        "paste: attached file", "restricted_text", _lower(draw, source), text, attached=True
    )


def _named(draw: random.Random, _: Restricted) -> Leak:
    name = draw.choice(_NAMES)
    said = draw.choice((name, name.upper(), name.replace(" ", "-"), name.replace(" ", "")))
    text = f"{ordinary(draw)} Is this for {said}, too?"
    return Leak("name", "watch_name", draw.choice(("coordination", "operations")), text)


def _amount(draw: random.Random, _: Restricted) -> Leak:
    spelled = draw.choice(draw.choice(_AMOUNTS)[1])
    text = f"{ordinary(draw)} They said {spelled} on the phone."
    return Leak("amount", "watch_amount", draw.choice(("coordination", "operations")), text)


def _invited(draw: random.Random, _: Restricted) -> Leak:
    text = f"{ordinary(draw)} {draw.choice(_INVITES)}"
    return Leak("invitation", "off_channel", draw.choice(("coordination", "operations")), text)


def chatter(draw: random.Random, count: int) -> Iterator[str]:
    """Ordinary texts."""
    return (ordinary(draw) for _ in range(count))
