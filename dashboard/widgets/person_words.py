"""What is said of a person: where he is, what he holds, how he leaves. Words, and nothing asked.

Rule kept here: nothing is said to be gone that was not read back without him.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from dashboard.safe import safe
from dashboard.widgets.base import instant
from dashboard.words import removals_words
from orchestrator.client.card import AccessLine, AccessView, CardDevice, CardPlace, CardView
from orchestrator.client.leaves import HoldsView, LeaveStep, LeaveView

SIX: Final = 6
_DAY: Final = 86_400_000_000
TIERS: Final = {
    "valuation": "Valuation",
    "operations": "Operations",
    "coordination": "Coordination",
}
PLACE: Final[Mapping[str, str]] = {
    "in": "in",
    "paused": "in, paused by us",
    "extra": "in, not on the list",
    "missing": "on the list, not yet in",
    "unknown": "not known now",
}
DEVICE: Final[Mapping[str, str]] = {
    "verified": ":green[:material/verified_user:] compared by two",
    "pinned": ":gray[:material/smartphone:] first phone, not compared yet",
    "seen": ":orange[:material/phone_in_talk:] new, call first",
    "superseded": ":gray[:material/do_not_disturb_on:] replaced",
    "revoked": ":gray[:material/do_not_disturb_on:] withdrawn",
    "compromised": ":red[:material/gpp_bad:] in other hands",
}
REASONS: Final[Mapping[str, str]] = {
    "left": "Left their firm or this deal",
    "replaced": "Somebody else takes over",
    "conflict": "Conflict of interest",
    "lost": "Lost a phone",
    "stolen": "A phone was stolen",
    "phished": "Was phished",
}


def places(found: Sequence[CardPlace]) -> str:
    """How many conversations somebody is in, in words."""
    inside = [p for p in found if p.state in {"in", "paused", "extra"}]
    top = sum(p.floor == "valuation" for p in inside)
    said = counted(len(inside), "conversation")
    return said + (", " + str(top) + " with valuation" if top else "")


def counted(n: int, noun: str) -> str:
    """A number with its noun."""
    return str(n) + " " + noun + ("" if n == 1 else "s")


def standing(card: CardView) -> str:
    """How somebody stands, in one sentence."""
    if card.left:
        return "Left the deal." if card.identity == "left" else "Is being taken out."
    if card.barred:
        return "Sees nothing now: " + safe("; ".join(card.barred)) + "."
    words: dict[str | None, str] = {
        "verified": "Each phone was compared by two people.",
        "known": "Known phone. Enough for what this person reads.",
        "lapses": "Two people must compare the phone again soon.",
        "new_phone": "New phone, call first. Valuation waits.",
        "call_due": "First call is due. Valuation waits.",
        "no_device": "No phone was seen yet.",
        "no_account": "No account yet. Hand out an enrolment code.",
    }
    return words.get(card.identity, "On the deal.")


def rooms_out(leave: LeaveView) -> list[LeaveStep]:
    """The rooms that somebody was in and leaves."""
    return [s for s in leave.steps if s.kind == "room" and s.was_in]


def leaving(leave: LeaveView) -> str:
    """Where a leave stands, in one sentence."""
    rooms = rooms_out(leave)
    seen = [s for s in rooms if s.seen_at is not None]
    channels = len({s.channel for s in rooms})
    if leave.state == "undone":
        return "Was brought back. A plan lets in again whom the list names."
    when = safe(instant(leave.last_seen_at)[0]) if leave.last_seen_at is not None else ""
    said = removals_words(len(seen), len(rooms), channels, when)
    return said if leave.state == "gone" else said + " We go on by ourselves."


def step(found: LeaveStep) -> str:
    """One step of a leave, as Markdown."""
    what = "**" + safe(found.what) + "** :gray[" + safe(found.channel) + "]"
    kinds = {
        "room": "out of ",
        "rotate": "new sending key for ",
        "key": "never sealed again to ",
        "revoke": "withdrawn for good: ",
    }
    said = kinds.get(found.kind, "") + what
    if found.state == "seen":
        return ":green[:material/check_circle:] " + said
    if found.state == "later":
        return ":gray[:material/schedule:] " + said + ", in half an hour"
    return ":orange[:material/pending:] " + said + ", asked, not yet confirmed"


def keeps(found: HoldsView) -> str:
    """What somebody has and nobody can take back, as Markdown."""
    count = found.delivered + found.possibly + found.written
    said = counted(count, "message") + " of " + TIERS.get(found.tier, safe(found.tier))
    where = " on " + safe(found.channel)
    if found.how == "copies":
        return said + where + ": their own copies, for ever."
    if found.how == "history" or found.until is None:
        return said + where + ": on their own phone, for ever."
    return said + where + ": on their own phone, until the timer deletes them."


def spelled(device: CardDevice) -> list[str]:
    """A key's words in lines of six: all of them, since what is left out proves nothing."""
    words = device.words
    return [" ".join(words[n : n + SIX]) for n in range(0, len(words), SIX)]


def change(line: AccessLine) -> str:
    """One thing that a change of the list changes, as Markdown."""
    who = safe(line.name)
    tier = TIERS.get(line.highest or "", safe(line.highest or ""))
    where = tier + " in " + safe(line.compartment or "")
    if line.change == "gains":
        return ":blue[:material/add_circle_outline:] " + who + " may read up to " + where
    if line.change == "loses":
        return ":red[:material/remove_circle_outline:] " + who + " no longer reads " + where
    return ":gray[:material/edit:] " + who + ": " + safe(line.told)


def consequence(view: AccessView) -> str:
    """What asking for a change does."""
    if view.takes_two:
        return "It gives access. It waits until a second person agrees."
    return "It gives nobody anything. It is done at once."


def days(span: int) -> str:
    """A span in days or hours, in words."""
    if span >= _DAY:
        return counted(round(span / _DAY), "day")
    return counted(max(1, round(span / (_DAY / 24))), "hour")
