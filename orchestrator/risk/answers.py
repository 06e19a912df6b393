"""What can be done about a finding from its card: which operation, with what, and by whom.

Rules kept here:

1. An answer names an operation that the product has anyway, with what is known of its arguments;
   nothing can be done here that could not be done elsewhere.
2. An answer is offered only where what it needs is known: no button that must fail.
3. Who may do it is the table's word (``tiers.rights``), decided again when it is done.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.risk.record import Found
from orchestrator.risk.settle import OWN_DEVICE
from tiers.exposure import Remedy
from tiers.ids import DealId
from tiers.rights import Act, Right, Viewer

ACCEPT: Final = "accept"
"""Silences for a time; no remedy."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a remedy is done.

    Attributes:
        title: the button's words.
        operation: of the API.
        command: on the command line, with its arguments' names in capitals.
        right: the row that it takes, with the least freedom.
        needs: what must be known of the finding.
        takes: what whoever answers has to add.
        step_up: only for whoever proved himself again.
    """

    title: str
    operation: str
    command: str
    right: Right
    act: Act
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    step_up: bool = False


_ALONE = (Right.FINDINGS, Act.ALONE)
WAYS: Final[Mapping[Remedy, Way]] = {
    Remedy.LOOK: Way("Look again now", "risk_look", "wallcross risk answer FINDING look", *_ALONE),
    Remedy.PUT_RIGHT: Way(
        *("Put it right", "plan_apply", "wallcross plan, then wallcross apply"),
        Right.REMOVE,
        Act.ALONE,
        needs=("conversation",),
    ),
    Remedy.PAUSE_ROOM: Way(
        *("Pause the conversation", "conv_pause", "wallcross conv pause CONVERSATION"),
        Right.REMOVE,
        Act.ALONE,
        needs=("conversation",),
    ),
    Remedy.RESUME_ROOM: Way(
        *("Let it go on", "conv_resume", "wallcross conv resume CONVERSATION"),
        Right.ADD,
        Act.SECOND,
        needs=("conversation",),
        step_up=True,
    ),
    Remedy.PAUSE_PERSON: Way(
        *("Pause this person", "person_pause", "wallcross person pause PERSON"),
        Right.REMOVE,
        Act.ALONE,
        needs=("person",),
    ),
    Remedy.RESUME_PERSON: Way(
        *("Let this person go on", "person_resume", "wallcross person resume PERSON"),
        Right.ADD,
        Act.SECOND,
        needs=("person",),
    ),
    Remedy.CALL_BACK: Way(
        *("How to call back", "person_call_back", "wallcross person callback PERSON"),
        *_ALONE,
        needs=("person",),
    ),
    Remedy.NEW_PHONE: Way(
        *("It is a new phone", "person_new_phone", "wallcross person new-phone PERSON"),
        Right.KEYS,
        Act.SECOND,
        needs=("person",),
    ),
    Remedy.ATTEST: Way(
        *("I looked: it is so", "conv_attest", "wallcross conv attest ROOM GUARANTEE"),
        *_ALONE,
        needs=("guarantee",),
        takes=("by",),
    ),
    Remedy.REVIEW: Way(
        *("I looked through the list", "roster_review", "wallcross roster review --by PERSON"),
        *_ALONE,
        needs=(),
        takes=("by",),
    ),
    Remedy.ANCHOR: Way(
        "Ask the anchors now", "audit_anchor", "wallcross risk answer FINDING anchor", *_ALONE
    ),
    Remedy.MOVE: Way(
        *("Send it to a stricter conversation", "held_move", "wallcross held move MESSAGE"),
        Right.HELD,
        Act.SECOND,
        needs=("held",),
        takes=("to",),
    ),
    Remedy.DROP: Way(
        *("Drop it", "held_drop", "wallcross held drop MESSAGE"),
        Right.HELD,
        Act.SECOND,
        needs=("held",),
    ),
    Remedy.ASK_AUTHOR: Way(
        *("Ask its author to delete it", "author_ask", "wallcross risk answer FINDING ask_author"),
        *_ALONE,
        needs=("person", "message"),
    ),
    Remedy.TEST_CHANNEL: Way(
        *("Test the channel", "channel_test", "wallcross channel test CHANNEL"),
        Right.CHANNELS,
        Act.ALONE,
        needs=("channel",),
    ),
    Remedy.PAUSE_CHANNEL: Way(
        *("Pause the channel", "channel_pause", "wallcross channel pause CHANNEL"),
        Right.CHANNELS,
        Act.ALONE,
        needs=("channel",),
    ),
    Remedy.RESUME_CHANNEL: Way(
        *("Let the channel go on", "channel_resume", "wallcross channel resume CHANNEL"),
        Right.CHANNELS,
        Act.ALONE,
        needs=("channel",),
    ),
    Remedy.DROP_STRANGER: Way(
        *("Drop what he wrote", "quarantine_drop", "wallcross quarantine drop KEPT"),
        Right.CHANNELS,
        Act.ALONE,
        needs=("channel",),
    ),
    Remedy.TELL_PERSON: Way(
        *("Tell whose work it is", "owner_tell", "wallcross risk answer FINDING tell_person"),
        *_ALONE,
        needs=("owner",),
    ),
    Remedy.HEARD: Way(
        *("I asked in the rooms", "finding_state", "wallcross risk answer FINDING heard"),
        *_ALONE,
        needs=(),
        takes=("by",),
    ),
    Remedy.ADOPT_KEY: Way(
        *("Adopt a new journal key", "journal_key_add", "wallcross journal adopt FILE"),
        Right.RULES,
        Act.SECOND,
        needs=("journal",),
        takes=("public",),
        step_up=True,
    ),
    Remedy.EXEMPT: Way(
        *("Hand in counsel's signed decision", "journal_exempt", "wallcross journal exempt FILE"),
        Right.RULES,
        Act.SECOND,
        takes=("decision",),
        step_up=True,
    ),
    Remedy.SET_NOTICE: Way(
        *("Write the side's notice", "adopt", "wallcross roster import FOLDER"),
        Right.REMOVE,
        Act.ALONE,
        needs=("side",),
        takes=("notice",),
        step_up=True,
    ),
    Remedy.SHOW_NOTICE: Way(
        *("Show them the notice again", "notice_show", "wallcross risk answer FINDING show_notice"),
        *_ALONE,
        needs=("side",),
    ),
    Remedy.SHUT_OUT: Way(
        *("Sign that device out", "own_device_end", "wallcross risk answer FINDING shut_out"),
        Right.REMOVE,
        Act.ALONE,
        needs=("channel", "device"),
        step_up=True,
    ),
}
_JOURNAL: Final = "journal"
OVERDUE: Final = "rotation_overdue"
OF_A_SIDE: Final = frozenset({"no_notice", "notice_changed"})
"""Rules whose findings are about a side, by its id."""
_OWN = frozenset({Remedy.MOVE, Remedy.DROP, Remedy.NEW_PHONE})
"""What whoever a finding is about may do about it himself."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An answer as it is offered to one viewer.

    Attributes:
        prove: he may, once he proved himself again; till then he may not.
    """

    remedy: Remedy
    way: Way
    arguments: Mapping[str, str]
    may: bool
    prove: bool = False


def offers(
    found: Found,
    deal: DealId,
    viewer: Viewer,
    *,
    held: Callable[[str], bool],
    owner: str | None,
    ends_devices: Collection[str] = (),
) -> tuple[Offer, ...]:
    """What a finding's card offers, in the rule's order; nothing where it is closed.

    Args:
        found: the finding.
        deal: the deal whose card it is.
        viewer: whoever looks.
        held: whether a message is held now.
        owner: person id of whose work it is.
        ends_devices: channels on which a device of our own account can be signed out from here.
    """
    if found.closed_at is not None:
        return ()
    known = _known(found, held, owner)
    if found.about.channel not in ends_devices:
        known.pop("device", None)
    ways = ((remedy, WAYS[remedy]) for remedy in found.rule.remedies)
    return tuple(
        _offer(remedy, way, _arguments(way, known), found, deal, viewer)
        for remedy, way in ways
        if all(name in known for name in way.needs) and not _of_a_channel(remedy, found)
    )


def _of_a_channel(remedy: Remedy, found: Found) -> bool:
    """Whether a key of the journal would be adopted for what is a channel's secret."""
    return remedy is Remedy.ADOPT_KEY and found.named == OVERDUE and ":" in found.subject


def _offer(
    remedy: Remedy,
    way: Way,
    arguments: Mapping[str, str],
    found: Found,
    deal: DealId,
    viewer: Viewer,
) -> Offer:
    may = _may(remedy, way, found, deal, viewer)
    proved = not way.step_up or viewer.whole or viewer.stepped_up
    return Offer(remedy, way, arguments, may=may and proved, prove=may and not proved)


def _known(found: Found, held: Callable[[str], bool], owner: str | None) -> dict[str, str]:
    about = found.about
    known: dict[str, str | None] = {
        "conversation": about.conversation,
        "person": about.person,
        "channel": about.channel,
        "message": about.message,
        "guarantee": about.guarantee,
        "room": about.binding.room if about.binding is not None else None,
        "held": about.message if about.message is not None and held(about.message) else None,
        "owner": owner,
        "side": found.subject if found.named in OF_A_SIDE else None,
        "device": own_device(found),
        "journal": _journal(found),
    }
    return {name: value for name, value in known.items() if value is not None}


def _journal(found: Found) -> str | None:
    """Whose journal a finding is about: a scope, or what waits for any; None: about none."""
    begins, _, scope = found.subject.partition(" ")
    return (scope or begins) if begins == _JOURNAL else None


def own_device(found: Found) -> str | None:
    """The device of our own account that a finding is about; None where it is about none."""
    return found.subject.partition(":")[2] or None if found.named == OWN_DEVICE else None


def _arguments(way: Way, known: Mapping[str, str]) -> Mapping[str, str]:
    wanted = {"held": "message"}
    more = ("room",) if "guarantee" in way.needs else ()
    return {wanted.get(name, name): known[name] for name in (*way.needs, *more)}


def _may(remedy: Remedy, way: Way, found: Found, deal: DealId, viewer: Viewer) -> bool:
    own = found.about.person is not None and viewer.person(deal) == found.about.person
    return viewer.may(deal, way.right, way.act, own=own) or (own and remedy in _OWN)
