"""The signing window: in the last days before a signing one approver settles a release, by name.

Rules kept here:

1. A window opens at most 72 hours before the signing, closes at the signing at the latest, and
   lists the people who act in it and the conversations that it is for. Two people agree to it.
2. In it a release is asked for by one of them and agreed to by another: two people act on each.
   Whoever asks is known by a key of his own, so that who counts as one with him is known too.
3. It changes how many sign and nothing else: who is barred, who must vouch, clearances and
   guarantees are what they were. A signing that is moved ends it.
"""

from dataclasses import dataclass, replace

from tiers.approval import Approver, Rule
from tiers.ids import ConversationId, PersonId

LONGEST = 72 * 3_600 * 1_000_000
"""Microseconds before the signing, before which no window is open."""
FEWEST = 2
"""People who act in a window."""


@dataclass(frozen=True, slots=True)
class Window:
    """A signing window.

    Attributes:
        signing: when the deal is to be signed, microseconds UTC.
        opens: from when one is enough, microseconds UTC.
        closes: until when, that instant not included.
        people: who act in it.
        conversations: into which something may be released.

    Raises:
        ValueError: it is longer, earlier or wider than a window may be.
    """

    signing: int
    opens: int
    closes: int
    people: frozenset[PersonId]
    conversations: frozenset[ConversationId]

    def __post_init__(self) -> None:
        if not self.signing - LONGEST <= self.opens < self.closes <= self.signing:
            raise ValueError("a signing window lies within the 72 hours before the signing")
        if len(self.people) < FEWEST or not self.conversations:
            raise ValueError("a signing window lists two people or more, and its conversations")

    def eases(self, rule: Rule, name: str) -> Rule:
        """What a release takes in this window, of which ``name`` is the request's id."""
        return replace(rule, needed=1, people=self.people, window=name)


@dataclass(frozen=True, slots=True)
class Asked:
    """A release that somebody asks for.

    Attributes:
        asker: the person who asks; None: nobody knows who it is.
        at: when he asked, microseconds UTC.
        expires: when his request lapses, microseconds UTC.
        rule: what it is to take.
    """

    asker: PersonId | None
    conversation: ConversationId
    at: int
    expires: int
    rule: Rule


def against(
    window: Window | None, asked: Asked, *, signing: int | None, known: tuple[Approver, ...]
) -> tuple[str, ...]:
    """Why one signature is not enough for a release, in words; nothing where it is.

    Args:
        window: the one that its rule names; None: there is none, or it was withdrawn.
        asked: the release.
        signing: when the deal is to be signed, as it stands now.
        known: everybody who may sign now.
    """
    if window is None:
        return ("the signing window that it names is not open, or was withdrawn",)
    told = []
    if signing != window.signing:
        told.append("the signing was moved since the window was agreed to")
    if not (window.opens <= asked.at and asked.expires <= window.closes):
        told.append("it was asked for outside the signing window")
    if asked.conversation not in window.conversations:
        told.append("that conversation is not one of the signing window's")
    if asked.asker not in window.people or asked.asker not in {a.person for a in known}:
        told.append("whoever asked is not one of the window's people with a key of his own")
    if asked.rule.people != window.people:
        told.append("other people are to count than the signing window lists")
    return tuple(told)
