"""What the Overview and the held messages say: codes of the API in words of ours.

Rules kept here: at most twenty words a sentence, a person or a thing as its subject; no word claims
more than its code does (``seen`` is read back, ``asked`` is not).
"""

from collections.abc import Mapping
from typing import Final

from dashboard.safe import safe
from dashboard.widgets.charts import LEVEL_WORDS
from dashboard.widgets.spans import listed, number, span
from orchestrator.client.overview import Item, Overview, TierCard, Verdict
from orchestrator.client.risk import ScoreView
from orchestrator.client.views import Happening

PHASES: Final[Mapping[str, str]] = {
    "planning": "Planning",
    "approached": "Approached",
    "diligence": "Confirmatory diligence",
    "signing": "Signing",
    "antitrust_clean_team": "Antitrust clean team",
    "closed": "Closed",
}
KINDS: Final[Mapping[str, str]] = {
    "signal": "Signal",
    "wickr": "Wickr Enterprise",
    "matrix": "Matrix",
    "xmpp": "XMPP",
    "pgpmail": "PGP e-mail",
    "memory": "Test network",
}
_STATES: Final[Mapping[str, str]] = {
    "down": "does not answer",
    "closed": "is not open",
    "paused": "is paused",
}
MODES: Final[Mapping[str, str]] = {
    "relay": "Messages go through us",
    "witness": "We read along in the room",
    "blind": "We cannot see messages here",
}
_UNKNOWN: Final[Mapping[str, str]] = {
    "serve": "no Wallcross is serving",
    "clock": "the clock is not trusted, so everything is held",
    "record": "the record is not whole, so every room stands still",
    "rules": "the rules of leak risk were not run lately",
    "rooms": "some rooms were not read back lately",
}
_DONE: Final[Mapping[str, str]] = {
    "room_paused": "We stopped sending to that room until it is settled.",
    "waits_here": "Messages wait here. Nothing is sent another way.",
    "withdrawn": "We took the message back from the room.",
    "person_paused": "We paused that person everywhere.",
    "stays_held": "The message waits here. It goes nowhere by itself.",
}
_LEFT: Final[Mapping[str, str]] = {
    "people": "See who it is",
    "leak_risk": "See what closes it",
    "approvals": "Read and decide",
    "held": "Choose what becomes of it",
}
_VERBS: Final[Mapping[str, str]] = {
    "held.release": "A held message is to be released",
    "held.reveal": "Somebody asks to read a held message",
    "document.send": "A valuation document is to be sent",
    "roster.adopt": "The list of people is to change",
    "policy.adopt": "The rules of the tiers are to change",
    "approver.enrol": "One more key is to sign",
    "deal.found": "The deal is to be founded",
    "deal.phase": "The deal is to go into another phase",
    "person.resume": "A paused person is to go on",
    "person.return": "A leave is to be undone",
    "signing.window": "A signing window is to open",
    "journal.key": "A journal key is to come into force",
}
TAKES: Final[Mapping[str, str]] = {
    "by": "Who says so (person id)",
    "to": "The conversation it goes to",
    "value": "What was seen",
    "reason": "Why, in a few words",
}
"""What an answer to a finding takes, as its field asks for it."""
TAKES_LONG: Final[Mapping[str, str]] = {
    "public": "The public file that counsel's key was written to",
    "decision": "The decision that counsel signed, as its file has it",
    "notice": "The notice that people of this side acknowledge",
}
"""As above, of what is handed in whole."""
PROVE_FIRST: Final = "Prove that it is you first"
_LAST: Final[Mapping[str, str]] = {
    "0 seconds": "second",
    "1 second": "second",
    "1 min": "minute",
    "1 hour": "hour",
    "1 day": "day",
}
"""How a span of one is said after *in the last*."""
TIER_WORDS: Final[Mapping[str, str]] = {
    "valuation": "valuation",
    "operations": "operations",
    "coordination": "coordination",
}
_HAPPENED: Final[Mapping[str, tuple[str, str, str]]] = {
    "routed": ("arrow_forward", "gray", "On its way"),
    "held": ("back_hand", "orange", "Waits for its author"),
    "moved": ("trending_up", "violet", "Moved"),
    "dropped": ("delete", "gray", "Dropped"),
    "delivered": ("mark_email_read", "green", "Delivered"),
    "possibly": ("help", "orange", "Possibly delivered"),
    "dead": ("error", "red", "Not delivered"),
    "stopped": ("back_hand", "orange", "Stopped before it went out"),
    "withdrawn": ("undo", "orange", "Taken back"),
    "finding": ("policy_alert", "orange", "Something could leak"),
    "paused": ("pause_circle", "orange", "Paused"),
    "resumed": ("play_circle", "green", "Goes on"),
    "room": ("forum", "gray", "Room made"),
    "verified": ("verified_user", "green", "Key compared"),
    "ceased": ("check_circle", "green", "Seen gone"),
    "crossed": ("person_add", "gray", "Shown the insider notice"),
    "acknowledged": ("how_to_reg", "green", "Acknowledged the notice"),
    "cleansed": ("person_remove", "gray", "No longer an insider"),
    "left": ("logout", "orange", "Left the deal"),
    "account": ("badge", "green", "Account proven"),
}
RULES: Final[Mapping[str, str]] = {
    "watch.name": "A name of the watch list",
    "watch.amount": "An amount of the watch list",
    "money.per-share": "A price per share",
    "money.large": "A large amount of money",
    "money.multiple": "A valuation multiple",
    "money.range": "A range of prices",
    "money.price": "A price",
    "model.valuation": "It reads like valuation",
    "model.operations": "It reads like operations",
    "unread.content": "Something in it cannot be read",
    "unread.length": "It is too long to be read whole",
    "unread.disguised": "Its letters are disguised",
    "inherited.answer": "It answers something stricter",
    "inherited.attachment": "What is attached is stricter",
}


def verdict_words(found: Verdict) -> str:
    """The answer in a sentence."""
    if found.state == "unknown":
        return "We cannot tell right now."
    if found.state == "clear":
        return "Nothing needs you."
    verb = " thing needs you." if found.needs == 1 else " things need you."
    return number(found.needs) + verb + " Everything else is where it should be."


def checked_words(shown: Overview) -> str:
    """How it is known: on how many channels, and how long ago at the most."""
    found = shown.verdict
    if found.channels == 0:
        return "This deal has no conversation yet."
    every = found.read == found.channels
    all_ = "all " + number(found.channels).lower() + " channels"
    which = "the one channel" if found.channels == 1 else all_
    some_ = str(found.read) + " of " + str(found.channels) + " channels"
    if found.oldest_at is None:
        return "No room was read back yet."
    age = span(shown.at - found.oldest_at)
    if every:
        return "Checked on " + which + " in the last " + _LAST.get(age, age)
    return "Checked on " + some_ + ". The oldest reading is of " + age + " ago"


def unknown_words(found: Verdict) -> str:
    """Why it cannot be told."""
    why = [_UNKNOWN[code] for code in found.why if code in _UNKNOWN]
    silent = [safe(code.partition(":")[2]) for code in found.why if code.startswith("channel:")]
    if silent:
        verb = " does not answer" if len(silent) == 1 else " do not answer"
        why.insert(0, listed(silent) + verb)
    words = listed(why) if why else "not everything was checked"
    return words[0].upper() + words[1:] + "."


def meanwhile_words(found: Verdict) -> str:
    """What needs this person all the same."""
    what = (
        " thing needs you all the same." if found.needs == 1 else " things need you all the same."
    )
    return number(found.needs) + what


def item_title(item: Item) -> str:
    """What happened, as a heading."""
    if item.kind == "approval":
        return _VERBS.get(item.rule, "Something waits for your agreement")
    if item.kind == "held":
        return "Your message waits"
    return safe(item.title)


def item_lines(item: Item) -> tuple[str, str, str]:
    """What happened, what we already did, and what is left, in this order; empty where nothing."""
    why = ". ".join(safe(reason[:1].upper() + reason[1:]) for reason in item.what[:2])
    if item.kind == "approval":
        return "It waits for your signature.", "Nothing happens until enough people agree.", ""
    if item.kind == "held":
        tier = TIER_WORDS.get(item.rule, "a stricter conversation")
        happened = "It reads like " + tier + ", and was not let through."
        return happened, _DONE["stays_held"], why
    about = ("In " + safe(item.about) + ". ") if item.about else ""
    return (about + why + ".") if why else about.strip(), _DONE.get(item.done, ""), ""


def item_left(item: Item) -> str:
    """The one button's words."""
    return _LEFT.get(item.page, "See details")


def rule_words(card: TierCard) -> str:
    """A tier's rule."""
    if card.tier == "advisers":
        return "Sealed for each reader"
    if card.timer is not None:
        return "Disappears after " + span(card.timer)
    return "Kept " + span(card.kept)


def channel_words(card: TierCard) -> str:
    """Where a tier is held, and how that is."""
    names = [
        KINDS.get(kind, safe(kind)) + (" " + _STATES[state] if state in _STATES else "")
        for kind, state in card.channels
    ]
    return " · ".join(names) if names else "No room yet"


def happened(one: Happening, names: Mapping[str, str]) -> tuple[str, str, str, str]:
    """An icon, its colour, what happened, and the rest of the line."""
    icon, colour, title = _HAPPENED.get(one.kind, ("info", "gray", one.kind.capitalize()))
    who = safe(names[one.subject]) if one.subject in names else ""
    where = safe(names.get(one.conversation or "", ""))
    reason = safe(one.reason) if one.kind in {"finding", "left", "paused"} else ""
    joined = {
        "delivered": (who + ", to " + where) if who and where else where or who,
        "held": (who + "'s message did not fit " + where) if who and where else who or where,
        "ceased": (who + ", from " + where) if who and where else who or where,
        "moved": (who + "'s message, to " + where) if who and where else where,
    }.get(one.kind, " · ".join(part for part in (who, where) if part))
    return icon, colour, title, " · ".join(part for part in (joined, reason) if part)


def risk_words(score: ScoreView) -> str:
    """Where the score stands, and from where one acts."""
    if not score.parts:
        return safe(score.says)
    stands = "Leak risk " + str(score.total) + ", " + LEVEL_WORDS.get(score.level, "").lower()
    return stands + ". You act from " + str(score.act_at) + "."


def prove_words(titles: list[str]) -> str:
    """What somebody may do once he proved again that it is he."""
    return "You can do this once you prove again that it is you: " + safe(listed(titles)) + "."


def falls_words(score: ScoreView) -> str:
    """What the score falls to once its heaviest parts are settled."""
    parts = [part for part in score.parts if not part.silent][:2]
    if not parts:
        return "Nothing is open."
    what = "the first item is" if len(parts) == 1 else "the two heaviest items are"
    return "Falls to " + str(parts[-1].falls_to) + " when " + what + " settled."


def held_rule(code: str) -> str:
    """What in a message was recognised."""
    return RULES.get(code, safe(code.replace(".", " ").replace("_", " ").capitalize()))
