"""The one question asked of every text: how sensitive is it, and how do we know?

Rule kept here: all that would be delivered is read; a tier comes with its evidence as places, never
as quotations; machines only raise. Two strengths: named, precise evidence holds a message, anything
softer asks (docs/product.md, "Two strengths of raising"). What cannot be read counts as VALUATION.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tiers import language, money, rules
from tiers.accumulation import RunningMean
from tiers.ids import RuleId
from tiers.normalise import NO_WORDS, Normalised, normalise
from tiers.scoring import LogOdds, Scorer
from tiers.tier import Strength, Tier
from tiers.watch import WatchList

RULES_VERSION = "1"
"""Raised with every change of rules that can change a tier."""
MODEL_VALUATION = RuleId("model.valuation")
MODEL_OPERATIONS = RuleId("model.operations")
MODEL_ABSENT = RuleId("model.absent")
UNREAD_CONTENT = RuleId("unread.content")
UNREAD_LENGTH = RuleId("unread.length")
DISGUISED = RuleId("unread.disguised")
LANGUAGE = RuleId("language.not-covered")
ANSWERS = RuleId("inherited.answer")
ATTACHED = RuleId("inherited.attachment")
_SHORT_REPLY = 12
_DISGUISED_WORDS = 2
_QUOTED = frozenset({"quote", "signature"})


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where log-odds become a tier; frozen in the tree (docs/tiers.md says how they were chosen).

    Attributes:
        valuation, operations: least log-odds for the tier.
        hold: least valuation log-odds for an amount in deal context to hold a message.
        soft_money: what money without deal context adds to both log-odds.
        uneasy: what capitals or restored words add, since they lower a score.
    """

    valuation: float
    operations: float
    hold: float
    soft_money: float
    uneasy: float


FROZEN = Thresholds(valuation=0.18, operations=-0.50, hold=0.18, soft_money=0.15, uneasy=0.15)


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a message as it would be delivered.

    Attributes:
        kind: subject, body, quote, signature, caption, filename, attachment, poll, edit, group.
        text: its text.
    """

    kind: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a tier: a rule and its place.

    Attributes:
        rule: which rule.
        start, end: characters of the part's original text; the whole part where the rule is
            about the whole message.
        part: index of the part.
        strength: HOLD for precise evidence, ASK for softer.
        tier: the tier that this evidence alone gives.
    """

    rule: RuleId
    start: int
    end: int
    part: int
    strength: Strength
    tier: Tier


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of a message besides its text.

    Attributes:
        floor: the conversation's declared tier; None for the intake, where the tier decides alone.
        watch: the deal's watch list.
        language: the conversation's language (ISO 639-1), if known.
        answers: tier of the message that this one answers, if any.
        attachments: highest tier of what is attached, if anything is.
        unread: something in the message could not be read (image, voice, encrypted archive).
        running: the conversation's running mean, if it is kept.
        found: evidence found elsewhere, such as a fingerprint of restricted text.
    """

    floor: Tier | None = None
    watch: WatchList = field(default_factory=WatchList)
    language: str | None = None
    answers: Tier | None = None
    attachments: Tier | None = None
    unread: bool = False
    running: RunningMean | None = None
    found: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Classification:
    """The answer.

    Attributes:
        tier: what the message is by itself and what it carries; the conversation's floor is not
            mixed in (effective tier = max(floor, tier)).
        strength: how hard it is raised above the floor; NONE for the intake.
        topic: name of the tier's topic.
        scores: blended log-odds by name; empty without the model.
        evidence: all reasons, strongest and most sensitive first.
        language: ISO 639-1 or ``und``.
        degraded: no model; rules at the strict end.
        classifier: fingerprint of rules, thresholds and model, in hexadecimal.
        odds: the log-odds, for the running mean; None without the model.
        running: the running mean with this message, if one was given.
    """

    tier: Tier
    strength: Strength
    topic: str
    scores: Mapping[str, float]
    evidence: tuple[Evidence, ...]
    language: str
    degraded: bool
    classifier: str
    odds: LogOdds | None
    running: RunningMean | None


@dataclass(frozen=True, slots=True)
class _Reading:
    """A message as it was read: parts, amounts, the whole text."""

    parts: Sequence[Part] = field(repr=False)
    texts: list[Normalised] = field(repr=False)
    amounts: list[list[money.Amount]] = field(repr=False)
    whole: str = field(repr=False)

    def everywhere(self, rule: RuleId, tier: Tier, strength: Strength = Strength.ASK) -> Evidence:
        """Evidence about the message as a whole."""
        end = len(self.parts[0].text) if self.parts else 0
        return Evidence(rule, 0, end, 0, strength, tier)

    def at(self, span: tuple[RuleId, int, int], part: int, strength: Strength) -> Evidence:
        """Evidence for VALUATION at a place of the normalised text."""
        start, end = self.texts[part].original(span[1], span[2])
        return Evidence(span[0], start, end, part, strength, Tier.VALUATION)


class Classifier:
    """Decides the tier of messages.

    Args:
        scorer: the model; None runs on rules at the strict end.
        identify: a language identifier for what common words do not tell.
        thresholds: where log-odds become a tier.
    """

    def __init__(
        self,
        scorer: Scorer | None,
        identify: language.Identify | None = None,
        thresholds: Thresholds = FROZEN,
    ) -> None:
        self._scorer = scorer
        self._identify = identify
        self._thresholds = thresholds
        self._words = scorer.lexicon if scorer else NO_WORDS
        named = f"{RULES_VERSION}|{thresholds}|{scorer.fingerprint if scorer else 'none'}"
        self.fingerprint = hashlib.sha256(named.encode()).hexdigest()

    @property
    def degraded(self) -> bool:
        """Whether there is no model."""
        return self._scorer is None

    def classify(self, parts: Sequence[Part], context: Context | None = None) -> Classification:
        """Classify one message.

        Args:
            parts: everything that would be delivered, in order.
            context: what is known besides the text.

        Returns:
            Tier, strength and evidence; never a piece of the text.
        """
        known = context or Context()
        reading = self._read(parts)
        odds = self._score(reading.whole)
        evidence = [*self._money(reading, odds), *_watched(reading, known.watch)]
        odds = odds.raised(self._boost(reading)) if odds else None
        evidence += self._by_words(reading, odds)
        spoken = self._language(reading, known)
        evidence += _carried(reading, known)
        evidence += _one_up(reading, spoken, _tier(evidence))
        return self._answer(known, evidence, odds, spoken)

    def _read(self, parts: Sequence[Part]) -> _Reading:
        """Normalise every part and find its amounts."""
        texts = [normalise(_opened(part), self._words) for part in parts]
        amounts = [money.amounts(text.bare) for text in texts]
        whole = "\n".join(text.text for text in texts if text.text.strip())
        return _Reading(parts, texts, amounts, whole)

    def _score(self, whole: str) -> LogOdds | None:
        """The most sensitive window decides; what comes after VALUATION cannot change the tier."""
        highest = None
        for odds in self._scorer.windows(whole) if self._scorer and whole else ():
            highest = odds if highest is None else highest.at_least(odds)
            if highest.valuation >= self._thresholds.valuation:
                break
        return highest

    def _money(self, reading: _Reading, odds: LogOdds | None) -> list[Evidence]:
        """The money floor: precise figures in deal context; they hold where the model agrees."""
        agreed = odds is None or odds.valuation >= self._thresholds.hold
        strength = Strength.HOLD if agreed else Strength.ASK
        return [
            reading.at((RuleId(f"money.{a.kind.value}"), a.start, a.end), part, strength)
            for part, amounts in enumerate(reading.amounts)
            for a in amounts
            if a.kind in money.PRECISE and a.in_deal
        ]

    def _boost(self, reading: _Reading) -> float:
        """What soft signs add to the log-odds: talk of money, and writing that hides its words."""
        uneasy = any(text.uneasy or text.restored for text in reading.texts)
        money_talk = self._thresholds.soft_money if _soft(reading) else 0.0
        return money_talk + (self._thresholds.uneasy if uneasy else 0.0)

    def _by_words(self, reading: _Reading, odds: LogOdds | None) -> list[Evidence]:
        """What the model says, or without it the rules."""
        if odds is None:
            return self._without_model(reading)
        if odds.valuation >= self._thresholds.valuation:
            return [reading.everywhere(MODEL_VALUATION, Tier.VALUATION)]
        if odds.operations >= self._thresholds.operations:
            return [reading.everywhere(MODEL_OPERATIONS, Tier.OPERATIONS)]
        return []

    def _without_model(self, reading: _Reading) -> list[Evidence]:
        """Too long for the model, or no model at all."""
        if not reading.whole.strip():
            return []
        if self._scorer is not None:
            return [reading.everywhere(UNREAD_LENGTH, Tier.VALUATION)]
        tier = max(rules.strict_tier(text.bare) for text in reading.texts if text.text.strip())
        if _soft(reading):
            tier = Tier.VALUATION
        return [reading.everywhere(MODEL_ABSENT, tier)]

    def _language(self, reading: _Reading, context: Context) -> str:
        """The language of the message as a whole."""
        foreign = max((text.foreign for text in reading.texts), default=0.0)
        return language.language(reading.whole, foreign, context.language, self._identify)

    def _answer(
        self, context: Context, evidence: list[Evidence], odds: LogOdds | None, spoken: str
    ) -> Classification:
        """Put the answer together."""
        ordered = tuple(sorted(evidence, key=_rank))
        tier = _tier(ordered)
        scores = {"valuation": odds.valuation, "operations": odds.operations} if odds else {}
        running = context.running.add(odds) if context.running and odds else context.running
        made = Classification(
            tier,
            Strength.NONE,
            tier.value,
            scores,
            ordered,
            spoken,
            self.degraded,
            self.fingerprint,
            odds,
            running,
        )
        return replace(made, strength=strength_above(made, context.floor))


def strength_above(classification: Classification, floor: Tier | None) -> Strength:
    """How hard a classified message is raised above a floor.

    Args:
        classification: any classification, for whatever floor it was made.
        floor: the declared tier of the conversation asked about; None for the intake.

    Returns:
        HOLD where precise evidence puts the message above the floor, ASK where only softer
        evidence does, NONE where nothing does.
    """
    if floor is None or not classification.tier > floor:
        return Strength.NONE
    precise = any(e.strength is Strength.HOLD and e.tier > floor for e in classification.evidence)
    return Strength.HOLD if precise else Strength.ASK


def _opened(part: Part) -> str:
    """The text of a part; the words of a file name come apart, in the same places."""
    return part.text.replace("_", " ") if part.kind == "filename" else part.text


def _soft(reading: _Reading) -> bool:
    """Whether money is talked about in any form but a small sum."""
    return any(a.kind is not money.Kind.PLAIN for found in reading.amounts for a in found)


def _watched(reading: _Reading, listed: WatchList) -> list[Evidence]:
    """Names and amounts of the watch list."""
    return [
        reading.at(hit, part, Strength.HOLD)
        for part, (text, amounts) in enumerate(zip(reading.texts, reading.amounts, strict=True))
        for hit in listed.hits(text, amounts)
    ]


def _carried(reading: _Reading, context: Context) -> list[Evidence]:
    """What comes from outside the text: attachments, the message answered, the unreadable."""
    evidence = list(context.found)
    if context.unread:
        evidence.append(reading.everywhere(UNREAD_CONTENT, Tier.VALUATION, Strength.HOLD))
    if context.attachments is not None:
        evidence.append(reading.everywhere(ATTACHED, context.attachments))
    if context.answers is not None and _is_short(reading):
        evidence.append(reading.everywhere(ANSWERS, context.answers))
    return evidence


def _is_short(reading: _Reading) -> bool:
    """Whether what the author himself wrote is too short to stand alone."""
    own = [t for p, t in zip(reading.parts, reading.texts, strict=True) if p.kind not in _QUOTED]
    return sum(len(text.text.split()) for text in own) <= _SHORT_REPLY


def _one_up(reading: _Reading, spoken: str, tier: Tier) -> list[Evidence]:
    """A language that our phrases lack, or a disguise: one tier up."""
    above = max(tier, Tier.OPERATIONS) if tier is Tier.COORDINATION else Tier.VALUATION
    evidence = []
    if not language.covered(spoken) and reading.whole.strip():
        evidence.append(reading.everywhere(LANGUAGE, above))
    if sum(text.restored for text in reading.texts) >= _DISGUISED_WORDS:
        evidence.append(reading.everywhere(DISGUISED, above))
    return evidence


def _tier(evidence: Sequence[Evidence]) -> Tier:
    """The most sensitive tier of all evidence."""
    return max((e.tier for e in evidence), default=Tier.COORDINATION)


def _rank(evidence: Evidence) -> tuple[int, int, int, int]:
    """Most sensitive first, precise before soft, then by place."""
    order = list(Tier)
    soft = 0 if evidence.strength is Strength.HOLD else 1
    return (-order.index(evidence.tier), soft, evidence.part, evidence.start)
