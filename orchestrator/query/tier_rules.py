"""The tiers of a deal: what each demands, which channels may carry it, what raises a text to it.

Rules kept here:

1. What a tier demands is the adopted policy's; a channel fits only where it is open and may hold
   all of it at best, proven as the tier asks. Whether a room *does* is read back, never said here.
2. Every rule of the classifier is listed with its purpose; what it watches for is not.
"""

from collections.abc import Iterable, Mapping

from orchestrator.client.tiers import Candidate, RuleView, TiersView, TierView
from orchestrator.command.conversations import deal_of
from orchestrator.command.runtime import Channel, Runtime
from orchestrator.command.watching import entries_of
from orchestrator.config.policy import default_text, document_hash, read_policy
from orchestrator.flow.port import Classifies
from tiers import classify, watch
from tiers.classify import Context, Part
from tiers.guarantees import Guarantee, in_words
from tiers.ids import DealId, RuleId
from tiers.money import PRECISE
from tiers.policy import Grade, Policy, TierPolicy
from tiers.tier import Strength, Tier
from tiers.winnowing import RESTRICTED

_ABOVE = frozenset({Tier.OPERATIONS, Tier.VALUATION})
_TOP = frozenset({Tier.VALUATION})
_HOLD, _ASK = Strength.HOLD.value, Strength.ASK.value
_MONEY = {
    "large": "a large amount of money beside words of a deal",
    "multiple": "a valuation multiple beside words of a deal",
    "per-share": "a price per share beside words of a deal",
}
Known = tuple[frozenset[Tier], str, str]
RULES: Mapping[RuleId, Known] = {
    watch.NAME: (_TOP, _HOLD, "a code name of the deal's watch list, however it is spelled"),
    watch.AMOUNT: (_TOP, _HOLD, "an amount of the deal's watch list, however it is written"),
    RESTRICTED: (_ABOVE, _HOLD, "a passage of a text of a stricter conversation"),
    **{
        RuleId(f"money.{kind.value}"): (_TOP, f"{_HOLD} or {_ASK}", _MONEY[kind.value])
        for kind in sorted(PRECISE, key=lambda k: k.value)
    },
    classify.MODEL_VALUATION: (_TOP, _ASK, "the whole of it reads like valuation and strategy"),
    classify.MODEL_OPERATIONS: (
        frozenset({Tier.OPERATIONS}),
        _ASK,
        "the whole of it reads like the work on a deal",
    ),
    classify.MODEL_ABSENT: (_ABOVE, _ASK, "there is no model: words alone, at the strict end"),
    classify.UNREAD_CONTENT: (_TOP, _HOLD, "something in it cannot be read"),
    classify.UNREAD_LENGTH: (_TOP, _ASK, "it is too long to be read whole"),
    classify.DISGUISED: (_ABOVE, _ASK, "words are disguised: one tier up"),
    classify.LANGUAGE: (_ABOVE, _ASK, "its language is not covered: one tier up"),
    classify.ANSWERS: (_ABOVE, _ASK, "it is short, and answers a message of this tier"),
    classify.ATTACHED: (_ABOVE, _ASK, "what is attached to it is of this tier"),
}
"""Every rule of evidence: to which tiers it may raise, how hard, and what it is for."""


class TierList:
    """Implements ``tier_list`` of ``orchestrator.api.port.TierAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def tier_list(self, deal: DealId) -> TiersView:
        """The tiers in force for a deal. Raises: Unready."""
        view = deal_of(self._r, deal)
        size = await self._r.store.read(lambda tx: sum(map(len, entries_of(self._r, tx, deal))))
        watched = None if view.watch is None else size
        return tiers_of(view.policy, self._r.classifier, watched, self._r.channels.values())


def tiers_of(
    policy: Policy, classifier: Classifies, watched: int | None, channels: Iterable[Channel] = ()
) -> TiersView:
    """The tiers of a policy, the strictest first.

    Args:
        policy: in force.
        classifier: what judges texts.
        watched: entries of the watch list.
        channels: of the home.
    """
    here, judge = tuple(channels), classifier.classify([Part("body", "")], Context())
    return TiersView(
        policy=policy.hash,
        shipped=policy.hash == document_hash(read_policy(default_text())),
        classifier=judge.classifier,
        degraded=judge.degraded,
        watched=watched,
        held_for=policy.held_for,
        act_at=policy.act_at,
        tiers=tuple(_tier(policy, tier, here) for tier in sorted(Tier, reverse=True)),
    )


def candidates(policy: Policy, tier: Tier, channels: Iterable[Channel]) -> tuple[Candidate, ...]:
    """Each channel of a home, held against a tier of a policy."""
    rules = policy.tiers[tier]
    return tuple(_candidate(rules, channel, lab=policy.lab_allowed) for channel in channels)


def raised_by(tier: Tier) -> tuple[RuleView, ...]:
    """The rules that may raise a text to a tier; nothing raises to the lowest."""
    found = ((rule, how, why) for rule, (to, how, why) in RULES.items() if tier in to)
    return tuple(RuleView(rule=rule, strength=how, purpose=why) for rule, how, why in found)


def _tier(policy: Policy, tier: Tier, channels: tuple[Channel, ...]) -> TierView:
    rules = policy.tiers[tier]
    timers = (d.at_most for d in rules.demands if d.guarantee is Guarantee.TIMER)
    return TierView(
        tier=tier.value,
        demands=tuple(
            (d.guarantee.value, d.least.name.lower(), in_words(d)) for d in rules.demands
        ),
        timer=next(timers, None),
        fresh_for=rules.fresh_for,
        verified_for=rules.verified_for,
        body_for=rules.body_for,
        keep_for=rules.keep_for,
        record_class=rules.record_class,
        grade=rules.grade.name.lower(),
        changed_key="hold" if rules.changed_key_holds else "finding",
        repeat_after_unknown="repeat" if rules.repeat_unknown else "ask",
        dead_head="blocks" if rules.poison_blocks else "skips",
        mirrored=rules.mirrored,
        attested_accounts=rules.attested_accounts,
        order=rules.channels,
        channels=candidates(policy, tier, channels),
        rules=raised_by(tier),
    )


def _candidate(rules: TierPolicy, channel: Channel, *, lab: bool) -> Candidate:
    grade = channel.grade.name.lower()
    named = {"channel": channel.name, "kind": channel.kind, "grade": grade}
    if channel.connector is None:
        return Candidate(**named, fits=None, lacks=("it is not open here",))
    can, least = channel.connector.capabilities.can, Grade.LAB if lab else rules.grade
    lacks = [in_words(d) for d in rules.demands if d.guarantee not in can]
    lacks = [f"no room of it holds that {words}" for words in lacks]
    if channel.grade < least:
        lacks.append(f"it is proven {grade}, demanded: {least.name.lower()}")
    return Candidate(**named, fits=not lacks, lacks=tuple(lacks))
