"""What requests carry. Text is kept out of every repr, and out of every error."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.client.views import Row


class Body(BaseModel):
    """A request's body."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class NewDeal(Body):
    """`deal new`; no policy is the one that ships."""

    code: str
    made_up: bool = False
    policy: str | None = None


class Document(Body):
    """A document to adopt, canonical; ``in_place_of``: only while the one of that hash stands."""

    document: str = Field(repr=False)
    in_place_of: str | None = None


class Text(Body):
    """`send text`."""

    person: str
    conversation: str | None = Field(default=None, repr=False)
    key: str | None = None
    text: str = Field(repr=False)


class Attestation(Body):
    """`conv attest`."""

    room: str = Field(repr=False)
    guarantee: str
    value: int | None = None
    by: str


class Reason(Body):
    """Why something is paused."""

    reason: str = Field(min_length=1, max_length=200)


class StricterTier(Body):
    """`conv tier`: on whose word; ``only_look``: what it would come to, nothing is changed."""

    tier: str = Field(min_length=1, max_length=32)
    by: str = Field(min_length=1, max_length=200)
    only_look: bool = False


class Ending(Body):
    """`conv close`: also where something waits; ``only_look``: what it would come to."""

    even_waiting: bool = False
    only_look: bool = False


class LeaveReason(Body):
    """Why somebody leaves, as a code; ``wait``: the answer comes when it was seen, or late."""

    reason: str = Field(min_length=1, max_length=64)
    wait: bool = True


class LostDevice(Body):
    """A device that its owner has no more."""

    device: str = Field(min_length=1, max_length=255)


class Trial(Body):
    """Who says that the real server answers a channel's test."""

    real_server: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")


class Rotation(Body):
    """`channel rotate`: the value goes in here and comes out nowhere."""

    secret: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]{0,63}$")
    value: str | None = Field(default=None, max_length=65536, repr=False)
    make: bool = False
    only_look: bool = False


class Rebuild(Body):
    """Whether rooms are made anew, or only looked for."""

    only_look: bool = False


class Target(Body):
    """Where a held message goes."""

    conversation: str = Field(repr=False)


class Ceremony(Body):
    """The two people who compared keys."""

    by_a: str
    by_b: str
    compared: list[str] | None = None
    words: str | None = Field(default=None, max_length=2_000, repr=False)
    replaces: str | None = None


class Certificate(Body):
    """A person's certificate, in armour."""

    channel: str | None = None
    armour: str = Field(max_length=1_000_000)


class Mark(Body):
    """A device that is taken out for ever."""

    device: str
    event: Literal["revoke", "compromise"]


class CheckName(Body):
    """A red check that `serve` goes past."""

    check: str


class JournalKey(Body):
    """The public file that `journal keygen` wrote."""

    scope: str
    public: str = Field(repr=False)


class Decision(Body):
    """Counsel's signed decision."""

    decision: str = Field(repr=False)


class Start(Body):
    """`replay`."""

    deal: str | None = None
    sample: bool = False


class Rows(Body):
    """Messages handed in by `replay`."""

    rows: tuple[Row, ...] = Field(repr=False)


class PlanName(Body):
    """The plan to be carried out; ``document``: where it was kept in a file."""

    document: str | None = None


class Question(Body):
    """A text to be explained, in a conversation of ``floor``."""

    text: str = Field(repr=False)
    floor: Literal["coordination", "operations", "valuation"] = "coordination"


LONGEST_ENTRY, MOST_ENTRIES = 200, 1_000
"""Characters of an entry of the watch list, and how many come at once."""
Entries = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=LONGEST_ENTRY)]],
    Field(max_length=MOST_ENTRIES),
]


class Listed(Body):
    """Entries for the watch list."""

    names: Entries = Field(default=[], repr=False)
    amounts: Entries = Field(default=[], repr=False)
