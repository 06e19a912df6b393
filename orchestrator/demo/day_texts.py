"""What people write on a made-up day: templates in several styles and three languages. Pure.

Rules kept here:

1. All of it is invented. What is about the price stands in ``VALUATION`` alone; ``SOFT`` leans
   towards it without a figure, and its author may well mean it where he wrote it.
2. A text ends with a reference that no other text has, so that whoever sees it can be counted.
"""

import random
import re
from collections.abc import Iterator, Sequence
from typing import Final

from tiers.tier import Tier

VALUATION: Final = (
    "The board will not go above {price} per share.",
    "We raise our offer to {price} per share, {billion} billion in total.",
    "their floor is {price} a share, they said so on the phone just now",
    "Dear all,\nthe bank values it at {multiple}x EBITDA, about {billion} billion.\nRegards",
    "- offer: {price} per share\n- synergies: 85 million a year\n- that is where we stop",
    "Would they accept {price} per share if the earn-out goes away?",
    "Wir erhöhen unser Angebot auf {price} Euro je Aktie, zusammen {billion} Milliarden.",
    "Der Vorstand akzeptiert {price} Euro pro Aktie, mehr gibt die Bewertung nicht her.",
    "Notre offre monte à {price} euros par action, soit {billion} milliards au total.",
)
MISPLACED: Final = (
    "We raise our offer to {price} per share, {billion} billion in total.",
    "- offer: {price} per share\n- synergies: 85 million a year\n- that is where we stop",
    "Would they accept {price} per share if the earn-out goes away?",
    "Wir erhöhen unser Angebot auf {price} Euro je Aktie, zusammen {billion} Milliarden.",
    "Notre offre monte à {price} euros par action, soit {billion} milliards au total.",
)
"""Figures of a deal with a word of dealing: precise evidence, which holds."""
SOFT: Final = (
    "The bank would like to hear before Friday how the board sees the financing.",
    "Can somebody say when the model is shown to the committee?",
    "The other side sounded less firm on the main point today.",
)
OPERATIONS: Final = (
    "The data room index for the {topic} is complete; {few} consents are missing.",
    "Please read {doc} {n} of the {topic} again, page {n} does not fit the annex.",
    "re {topic}: {doc} {n} is in the folder now, second version",
    (
        "Dear colleagues,\nthe list of the {topic} went to the lawyer of the works council."
        "\nHe asks for {few} more.\nKind regards"
    ),
    "- {topic}: read\n- {doc} {n}: open\n- annex: with the other side's counsel",
    "Who answers the question about the {topic} at plant {few}? It is open since {day}.",
    "HR: the employees of plant {few} keep their contracts, the letter goes out on {day}.",
    "IT asks which of the {n} servers move first after closing; see {doc} {n}.",
    "the regulator wants the {topic} by {day}, filing is drafted, needs two signatures",
    "Question {n} on the {topic} is answered. The answer refers to {doc} {n}.",
    "The rent of the warehouse is 12,400 a month; the lease ends with the notice in annex {n}.",
    "Clause {n} of the draft on the {topic} now has the wording that their counsel asked for.",
    "Der Entwurf zu {n} Verträgen liegt im Datenraum, {few} Anlagen fehlen noch.",
    "Bitte prüft bis {day} die Mietverträge der Werke, der Betriebsrat fragt danach.",
    "Le projet de contrat {n} est dans la salle de données, il manque {few} annexes.",
    "Merci de relire la liste des baux avant {day}, le notaire attend.",
)
COORDINATION: Final = (
    "Lunch is at noon in room {n}.",
    "The shuttle leaves at {hour} from gate {gate}.",
    "meeting moved to {hour}, same room",
    (
        "Dear all,\nthe visit on {day} begins at {hour} at the front desk. Please bring your badge."
        "\nThank you"
    ),
    "- {day} {hour}: call\n- room {n} is booked\n- coffee outside",
    "Who has the dial-in for {day}?",
    "Badges for gate {gate} wait at the front desk until {hour}.",
    "I am in the train until {hour} and cannot be reached.",
    "Could we start the call on {day} half an hour later?",
    "Projector in room {n} is broken, please take the one from room {few}.",
    "Parking at gate {gate} is closed on {day}; use the other one.",
    "thanks, see you on {day}",
    "Der Termin am {day} beginnt erst um {hour}, Raum {n} ist reserviert.",
    "Bitte meldet euch bis {hour} für das Mittagessen an.",
    "La réunion de {day} commence à {hour}, salle {n}.",
    "Les badges sont à l'accueil, porte {gate}, jusqu'à {hour}.",
)
BY_TIER: Final = {
    Tier.VALUATION: VALUATION,
    Tier.OPERATIONS: OPERATIONS,
    Tier.COORDINATION: COORDINATION,
}
_TOPICS = ("supply agreements", "leases", "permits", "licences", "pension plans", "IT contracts")
_DOCS = ("file", "annex", "schedule", "exhibit")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_REFERENCE = re.compile(r"\(([a-z]{8})\)")


def text(dice: random.Random, templates: Sequence[str]) -> str:
    """One text, without its reference."""
    template = dice.choice(templates)
    return template.format(
        price=f"{dice.randint(240, 310) / 10:.2f}",
        billion=f"{dice.randint(110, 140) / 100:.2f}",
        multiple=f"{dice.randint(75, 95) / 10:.1f}",
        topic=dice.choice(_TOPICS),
        doc=dice.choice(_DOCS),
        n=dice.randint(11, 49),
        few=dice.randint(2, 9),
        day=dice.choice(_DAYS),
        hour=f"{dice.randint(8, 18)}:{dice.choice(('00', '15', '30'))}",
        gate=dice.choice("ABCD"),
    )


def references(dice: random.Random) -> Iterator[str]:
    """Words that mean nothing, none twice."""
    given: set[str] = set()
    while True:
        word = "".join(dice.choice(_CONSONANTS) + dice.choice(_VOWELS) for _ in range(4))
        if word not in given:
            given.add(word)
            yield word


def with_reference(said: str, reference: str) -> str:
    """A text as it is sent."""
    return f"{said} ({reference})"


def referred(shown: str) -> list[str]:
    """The references in what somebody's screen shows."""
    return _REFERENCE.findall(shown)
