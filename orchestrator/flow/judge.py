"""Classifies everything of a message that would be delivered.

Rules kept here:

1. Subject, text, quote and file names are scored; files of plain text are read. What is left out
   of scoring is left out of the delivery, or counts as unread.
2. What cannot be read counts as VALUATION where we can stop it, and is a finding where we cannot.
3. An error of the classifier is a hold, never a send.
4. A passage of a stricter conversation's text holds it, as a watch-listed name does; that it asks
   to go on elsewhere is a finding.
5. Where parts add up, the owner is asked to raise the conversation; no floor ratchets by itself.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestrator.deals.book import DealView
from orchestrator.flow.body import Body, FileBody
from orchestrator.flow.port import Classifies, KnowsTexts
from orchestrator.seal.body import Unlocked
from tiers.accumulation import AuthorCount, RunningMean
from tiers.classify import Classification, Context, Evidence, Part
from tiers.conversation import Conversation
from tiers.ids import AccountId, ConversationId
from tiers.offchannel import invitations
from tiers.tier import Strength, Tier
from tiers.watch import WatchList
from tiers.winnowing import Prints

READ_UP_TO = 1024 * 1024
"""Bytes of a plain-text file that are read; a longer one counts as unread."""
_PLAIN = ("text/plain", "text/csv", "text/markdown")


@dataclass(frozen=True, slots=True)
class Question:
    """What is known beside the text.

    Attributes:
        floor: the conversation's declared tier; None for the intake.
        answers: the tier of what the message answers.
        unreadable: the network gave us nothing that we can read.
    """

    conversation: ConversationId | None
    floor: Tier | None
    answers: Tier | None
    watch: WatchList
    unreadable: bool
    witness: bool
    """It was written in the room itself: what cannot be read is a finding there, not a tier."""
    deal: DealView | None = None
    """In force; None where the message is of none."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found in a message.

    Attributes:
        unread: something in it could not be read.
        invites: it asks to go on elsewhere than on the deal's channels.
        prints: what is to be kept of it where it goes to a conversation.
    """

    found: Classification
    unread: bool
    invites: bool
    prints: Prints | None


@dataclass(slots=True)
class Judge:
    """Runs the classifier beside the event loop."""

    classifier: Classifies
    texts: KnowsTexts | None = None
    """Knows passages of stricter texts again; None: nobody does."""
    _languages: dict[ConversationId, str] = field(default_factory=dict)
    _means: dict[ConversationId, RunningMean] = field(default_factory=dict)
    _authors: dict[tuple[ConversationId, AccountId], AuthorCount] = field(default_factory=dict)

    async def judge(
        self, body: Body, files: Sequence[tuple[FileBody, Unlocked]], question: Question
    ) -> Judged:
        """The classification of a message, and what else was found in it."""
        read = [await _read(file, sealed) for file, sealed in files]
        unread = question.unreadable or any(part is None for part in read)
        parts = [*_parts(body), *(part for part in read if part is not None)]
        passages, prints = await self._known(parts, question)
        context = Context(
            floor=question.floor,
            watch=question.watch,
            language=self._language(question.conversation),
            answers=question.answers,
            unread=unread and not question.witness,
            found=passages,
        )
        found, invites = await asyncio.to_thread(self._said, parts, context)
        if question.conversation is not None and found.language:
            self._languages[question.conversation] = found.language
        return Judged(found, unread, invites, prints)

    def _said(self, parts: Sequence[Part], context: Context) -> tuple[Classification, bool]:
        return self.classifier.classify(parts, context), _invites(parts)

    async def _known(
        self, parts: Sequence[Part], question: Question
    ) -> tuple[tuple[Evidence, ...], Prints | None]:
        """Passages of stricter texts in it, and what is to be kept of it."""
        if self.texts is None or question.deal is None:
            return (), None
        return await self.texts.look(question.deal, question.floor, parts)

    def adds_up(
        self, conversation: Conversation, author: AccountId, found: Classification
    ) -> tuple[str, ...]:
        """Counts a judged message in; the reasons, if any, to ask the owner to raise the tier.

        Nothing is raised here, and nothing is kept over a restart: the mean forgets anyway.
        """
        cid = conversation.conversation_id
        mean = self._means.get(cid, RunningMean())
        if found.odds is not None:
            mean = self._means[cid] = mean.add(found.odds)
        above = found.tier > conversation.floor and found.strength is not Strength.NONE
        count = self._authors.get((cid, author), AuthorCount()).add(above=above)
        self._authors[cid, author] = count
        higher = mean.asks(conversation.floor)
        reasons = []
        if higher is not None:
            reasons.append(f"taken together its messages read like {higher.value}")
        if count.asks():
            reasons.append("one author's messages are above it again and again")
        return tuple(reasons)

    def _language(self, conversation: ConversationId | None) -> str | None:
        return self._languages.get(conversation) if conversation is not None else None


def _invites(parts: Sequence[Part]) -> bool:
    """Whether it asks to go on elsewhere; what it quotes was said before."""
    return any(invitations(p.text) for p in parts if p.kind not in {"quote", "filename"})


def _parts(body: Body) -> list[Part]:
    texts = (("subject", body.subject), ("body", body.text), ("quote", body.quoted))
    parts = [Part(kind, text) for kind, text in texts if text]
    return parts + [Part("filename", f.name) for f in body.files if f.name]


async def _read(file: FileBody, sealed: Unlocked) -> Part | None:
    if file.media_type.split(";")[0].strip().lower() not in _PLAIN or file.size > READ_UP_TO:
        return None
    data = b"".join([piece async for piece in sealed.stream()])
    try:
        return Part("attachment", data.decode())
    except UnicodeDecodeError:
        return None
