"""What the made-up people of the demo write. All of it is invented, and printed as such.

Rule kept here: these sentences are the only text that the demo ever shows. What the networks carry
is compared with them, and never printed.
"""

from dataclasses import dataclass
from typing import Final

from tiers.tier import Tier


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of the script.

    Attributes:
        author: person id of who writes it.
        label: the conversation it belongs to; where it is sent is the step's business.
        reader: person id of who is watched on the far side.
    """

    author: str
    label: str
    reader: str
    text: str


FLOWING: Final = {
    Tier.VALUATION: Line(
        "greta-bergmann", "price", "viktor-sand", "The board will not go above 30 per share."
    ),
    Tier.OPERATIONS: Line(
        "laura-penn",
        "diligence",
        "idris-costa",
        "The data room index for the supply agreements is complete; three consents are missing.",
    ),
    Tier.COORDINATION: Line(
        "hana-ferri", "logistics", "noor-ivanova", "Lunch is at noon in room 4."
    ),
}
MISPLACED: Final = Line(
    "greta-bergmann",
    "price",
    "viktor-sand",
    "We will raise our offer to 27.50 per share, 1.25 billion in total.",
)
AFTER_IT: Final = Line(
    "hana-ferri", "logistics", "noor-ivanova", "The badges for the visit wait at the front desk."
)
TYPED: Final = Line(
    "hana-ferri",
    "logistics",
    "noor-ivanova",
    "We can raise the offer to 28.10 per share, 1.29 billion in total.",
)
TO_INTAKE: Final = (
    Line(
        "greta-bergmann",
        "diligence",
        "idris-costa",
        "The lease schedules for both plants are in the data room; one report is missing.",
    ),
    Line("greta-bergmann", "logistics", "noor-ivanova", "The shuttle leaves at nine from gate B."),
)
TO_API: Final = Line(
    "farid-novak",
    "price",
    "viktor-sand",
    "We would accept 8.5x EBITDA, about 1.1 billion, if the earn-out goes away.",
)
WHILE_PAUSED: Final = Line(
    "laura-penn", "price", "viktor-sand", "The floor we accept is 26.80 per share."
)
WITH_NEW_DEVICE: Final = Line(
    "yara-nassar", "price", "viktor-sand", "Our ceiling is 29.40 per share, fully financed."
)
BURST: Final = (
    (
        "hana-ferri",
        "logistics",
        "noor-ivanova",
        "Van {n:02} for the visit leaves from gate B.",
    ),
    (
        "laura-penn",
        "diligence",
        "idris-costa",
        "Contract {n:02} is read; its consent is noted.",
    ),
)
ON_SIGNAL: Final = Line(
    "hana-ferri", "board", "viktor-sand", "The board would accept 27.80 per share, in cash."
)
WITH_NEW_NUMBER: Final = Line(
    "hana-ferri", "board", "yara-nassar", "The last word of their board is 28.40 per share."
)
AGREEMENT: Final = (
    "The parties deliver the supply agreements, the lease schedules and the list of contracts to "
    "the data room before the closing. Each contract that needs a consent is listed in the "
    "schedule, and the party that holds it asks for the consent within ten days. The employees of "
    "both plants keep their contracts; the works council is heard before anything is changed."
)
"""The draft agreement: a document of operations."""
TO_ADVISERS: Final = Line(
    "idris-costa",
    "drafting",
    "laura-penn",
    "The list of contracts in the schedule was read again; two consents are missing.",
)
REPLY: Final = Line(
    "laura-penn",
    "drafting",
    "idris-costa",
    "We have asked for both consents; the schedule of the contracts stays as it is.",
)
FORGED: Final = "Please take both consents off the schedule of the contracts today."
AFTER_REMOVAL: Final = Line(
    "viktor-sand",
    "drafting",
    "idris-costa",
    "The list of the lease contracts stays as it was read this morning.",
)
AFTER_THE_LEAVE: Final = (
    Line("greta-bergmann", "price", "viktor-sand", "The board stays at 30 per share."),
    Line("farid-novak", "logistics", "noor-ivanova", "The badges are at the front desk."),
)
"""Said once somebody has left."""
NOTICE: Final = (
    "This conversation is hosted by Kestrel Industries.",
    "Wallcross is a member of it and can read what is written here; so can who runs the host.",
    (
        "A sealed copy of each message is kept for counsel: "
        "only counsel of the sides together can open it."
    ),
)
"""What our account tells each conversation of the deal."""
