"""The words for what happened and what we know: derived, never worded by hand on a page.

Rules kept here:

1. "Held" is said only where we can stop a message before anybody reads it. Where we only see what
   was written, it is withdrawn at best, and how many may have read it is said.
2. "Gone" is said only of what was read back. Between the request and that we asked, and say so.
3. What we cannot see we do not guard: a room of which we hold no key is said to be one.
4. Sentences have at most twenty words, a person or we as their subject, and nobody shouts.
"""

from dataclasses import dataclass
from typing import Final, Literal

Mode = Literal["relay", "witness", "blind"]
Undo = Literal["none", "own", "anybody"]
Evidence = Literal["requested", "attested", "verified"]
By = Literal["cryptography", "server", "person"]
Outcome = Literal["held", "withdrawn", "asked", "passed"]
"""What became of a message: stopped before, taken back after, went with a question, went."""
Removal = Literal["asked", "seen", "refused", "unknown"]
Tone = Literal["good", "attention", "stop"]
LONGEST: Final = 20
"""Words of a sentence."""


@dataclass(frozen=True, slots=True)
class Room:
    """The three facts of a room, as read back.

    Attributes:
        gate: we can stop a message before anybody reads it.
        read: we hold its keys.
        undo: whose messages we can take back.
    """

    gate: bool
    read: bool
    undo: Undo = "none"

    @property
    def mode(self) -> Mode:
        """What it may be called: never more than its facts."""
        if self.gate and self.read:
            return "relay"
        return "witness" if self.read else "blind"


def mode_words(room: Room) -> str:
    """What we can do about what is written in a room."""
    return {
        "relay": "Messages go through us. We can hold one before anybody reads it.",
        "witness": "People write directly. We see it at the same time as everybody else.",
        "blind": "We cannot see messages here.",
    }[room.mode]


def undo_words(room: Room) -> str:
    """What we can take back in a room."""
    if room.mode == "blind":
        return "We cannot take back what is written here."
    return {
        "none": "Nobody can take back what was written here.",
        "own": "We can take back what we posted here, and nothing else.",
        "anybody": "We can take back what anybody wrote here.",
    }[room.undo]


def message_words(
    room: Room, outcome: Outcome, *, after_s: float | None = None, readers: int | None = None
) -> str:
    """What became of a message, as far as the room's facts allow to say it.

    Args:
        room: where it was written.
        outcome: what we did.
        after_s: how long it stood there before it was seen gone, in seconds.
        readers: how many might have read it; None: nobody knows.
    """
    if room.mode == "blind":
        return "We cannot see messages here."
    if outcome == "held":
        return "Held. Nobody has seen it." if room.mode == "relay" else _read(readers)
    if outcome == "withdrawn":
        return _withdrawn(room, after_s, readers)
    if outcome == "asked":
        return "It went. We asked its author whether it belongs here."
    return "It went as it was written."


def held_words(seen: str, readers: int | None, visible_us: int | None = None) -> str:
    """What may have been seen of a message that was stopped.

    Args:
        seen: ``nobody``, ``part`` (some of its rooms have it), ``withdrawing``, ``withdrawn``
            (seen gone) or ``stays``, as its rooms and the network say.
        readers: how many others may have seen it; None: nobody knows.
        visible_us: for how long it stood there, microseconds.
    """
    if seen == "nobody":
        return "Held. Nobody has seen it."
    many = _seen_by(readers)
    if seen == "part":
        return "Held for some rooms. " + many.replace(" may", " in the others may", 1)
    if seen == "withdrawn":
        return "Withdrawn after " + _span((visible_us or 0) / 1_000_000) + ". " + many
    if seen == "withdrawing":
        return "We asked for its removal. Not yet confirmed. " + many
    return "It stands in the room, and we cannot remove it. " + many


def removal_words(state: Removal, who: str, where: str, when: str = "") -> str:
    """What became of a removal on one channel.

    Args:
        state: what we know of it.
        who: his name, through ``safe``.
        where: the channel's or conversation's name, through ``safe``.
        when: the reader's time at which it was read back.
    """
    if state == "seen" and when:
        return who + " is out of " + where + ", seen gone at " + when + "."
    if state == "refused":
        return where + " refused to remove " + who + ". A person has to do it there."
    if state == "unknown":
        return "We cannot tell whether " + who + " is still in " + where + "."
    return "Asked " + where + " to remove " + who + ". Not yet confirmed."


def removals_words(seen: int, asked: int, channels: int, when: str = "") -> str:
    """What became of all removals of one person.

    Args:
        seen: conversations that were read back without him.
        asked: conversations in which he was.
        channels: on how many channels.
        when: the reader's time of the last reading.
    """
    if not asked:
        return "There was nothing to take away."
    if seen >= asked and when:
        talks = _counted(asked, "conversation", "conversations")
        return (
            "Out of "
            + talks
            + " on "
            + _counted(channels, "channel", "channels")
            + ", seen gone at "
            + when
            + "."
        )
    return str(min(seen, asked)) + " of " + str(asked) + " removals seen. The rest is asked for."


def leftover_words(days: int | None) -> str:
    """What somebody who left may keep; None: we do not know for how long."""
    if days is None:
        return "May keep every message on their own phone."
    return "May keep up to " + _counted(days, "day", "days") + " of messages on their own phone."


def evidence_words(evidence: Evidence, by: By | None, age: str = "") -> str:
    """How we know a control.

    Args:
        evidence: how strong it is.
        by: who says so.
        age: how long ago, in words of ours, such as ``2 hours ago``.
    """
    ago = (" " + age) if age else ""
    if evidence == "requested" or by is None:
        return "Asked for. Nothing seen yet."
    if evidence == "attested":
        return "A person saw it on their own device" + ago + "."
    return {
        "cryptography": "Shown by cryptography" + ago + ".",
        "server": "The server says so" + ago + ".",
        "person": "A person says so" + ago + ".",
    }[by]


def evidence_tone(evidence: Evidence) -> Tone:
    """What evidence means: asking for something is no evidence."""
    return {"requested": "stop", "attested": "attention", "verified": "good"}[evidence]  # type: ignore[return-value]  # each is a tone


def key_words(*, changed: bool, verified: bool) -> str:
    """What a person's key means to who looks."""
    if changed:
        return "New phone, call first."
    return "Six words compared." if verified else "Six words to compare."


def age_words(seconds: float) -> str:
    """How long ago something was, roughly.

    Args:
        seconds: since then; what lies ahead is now.
    """
    for size, one, more in (
        (86400, "day", "days"),
        (3600, "hour", "hours"),
        (60, "minute", "minutes"),
    ):
        if seconds >= size:
            return _counted(int(seconds // size), one, more) + " ago"
    return _counted(max(0, int(seconds)), "second", "seconds") + " ago"


def _withdrawn(room: Room, after_s: float | None, readers: int | None) -> str:
    ours = room.undo == "own" and room.mode == "relay"
    if room.undo != "anybody" and not ours:
        return _read(readers)  # whatever was asked for, it cannot have been taken back
    if after_s is None:
        return "We asked to take it back. Not yet confirmed. " + _seen_by(readers)
    return "Withdrawn after " + _span(after_s) + ". " + _seen_by(readers)


def _read(readers: int | None) -> str:
    return "It went, and stays. " + _seen_by(readers)


def _seen_by(readers: int | None) -> str:
    if readers is None:
        return "Everybody there may have seen it."
    return "Up to " + _counted(readers, "person", "people") + " may have seen it."


def _span(seconds: float) -> str:
    if seconds < 1:
        return "less than 1 s"
    return str(round(seconds)) + " s" if seconds < 120 else str(round(seconds / 60)) + " min"  # noqa: PLR2004 - two minutes read better as minutes


def _counted(count: int, one: str, more: str) -> str:
    return str(count) + " " + (one if count == 1 else more)
