"""Figures of the classifier on labelled messages, and the explanation of one.

Rule kept here: an error is named by its direction. *Under* is a leak, *over* a nuisance; a false
hold is precise evidence for VALUATION in a message whose label is not, judged in a conversation
whose floor is that label. Intervals are apart from the figures. Never a piece of text.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from tiers.classify import Classification, Classifier, Context, Part, strength_above
from tiers.tier import Strength, Tier

_Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class Judged:
    """One labelled message after classification.

    Attributes:
        label: the tier it should have.
        tier: the tier it got.
        held: whether precise evidence would stop it in a conversation of its label's tier.
    """

    label: Tier
    tier: Tier
    held: bool


def parts_of(row: Mapping[str, object]) -> list[Part]:
    """Subject and text of a row as parts; other fields, a label included, are not looked at."""
    fields = (("subject", "subject"), ("body", "text"))
    return [Part(kind, str(row[name])) for kind, name in fields if row.get(name)]


def judge(classifier: Classifier, row: Mapping[str, object]) -> Judged:
    """Classify one labelled row as the intake would, and ask whether its own room would hold it.

    Args:
        classifier: what is measured.
        row: ``id, subject, text, tier``; the label is read after classification only.

    Raises:
        ValueError: the row's ``tier`` is none of the three.
    """
    classification = classifier.classify(parts_of(row), Context())
    label = Tier(str(row["tier"]))
    held = strength_above(classification, label) is Strength.HOLD
    return Judged(label, classification.tier, held)


def report(judged: Sequence[Judged], seconds: float) -> dict[str, object]:
    """All figures as one flat object.

    Args:
        judged: at least one message.
        seconds: time that classifying them took, measured by the caller.

    Returns:
        Shares from 0 to 1, false holds for 1,000 messages not labelled VALUATION, recall for each
        tier, confusion as ``{label: {tier: n}}``, and 95 % intervals under ``ci95``.

    Raises:
        ValueError: nothing was judged.
    """
    if not judged:
        raise ValueError("no labelled message to measure")
    n = len(judged)
    counts = Counter((j.label, j.tier) for j in judged)
    right = sum(j.label is j.tier for j in judged)
    under, over = sum(j.tier < j.label for j in judged), sum(j.tier > j.label for j in judged)
    others = [j for j in judged if j.label is not Tier.VALUATION]
    held = sum(j.held for j in others)
    f1, f1_interval = _macro_f1(counts), _jackknife(counts)
    intervals: dict[str, list[float]] = {
        "accuracy": _wilson(right, n),
        "macro_f1": f1_interval,
        "under": _wilson(under, n),
        "over": _wilson(over, n),
        "hold_false_per_1000": [1000 * edge for edge in _wilson(held, len(others))],
    }
    for label in Tier:
        hits, total = counts[label, label], sum(counts[label, tier] for tier in Tier)
        intervals[f"recall_{label.value}"] = _wilson(hits, total)
    return {
        "n": n,
        "accuracy": right / n,
        "macro_f1": f1,
        "under": under / n,
        "over": over / n,
        "hold_false_per_1000": 1000 * held / len(others) if others else 0.0,
        "recall": {label.value: _recall(counts, label) for label in Tier},
        "confusion": {a.value: {b.value: counts[a, b] for b in Tier} for a in Tier},
        "ms_per_message": 1000 * seconds / n,
        "ci95": intervals,
    }


def explain(classification: Classification) -> dict[str, object]:
    """The explanation of one classification; places, never text."""
    return {
        "topic": classification.topic,
        "tier": classification.tier.value,
        "strength": classification.strength.value,
        "scores": dict(classification.scores),
        "reasons": [
            {
                "rule": e.rule,
                "part": e.part,
                "start": e.start,
                "end": e.end,
                "strength": e.strength.value,
                "tier": e.tier.value,
            }
            for e in classification.evidence
        ],
        "language": classification.language,
        "degraded": classification.degraded,
        "classifier": classification.classifier,
    }


def length_class(text: str) -> str:
    """The class of length by which times are reported: up to 20, 60, 150 words, or more."""
    words = len(text.split())
    for limit in (20, 60, 150):
        if words <= limit:
            return f"up_to_{limit}"
    return "more"


def _recall(counts: Mapping[tuple[Tier, Tier], int], label: Tier) -> float:
    """Share of a label's messages that got it."""
    total = sum(counts.get((label, tier), 0) for tier in Tier)
    return counts.get((label, label), 0) / total if total else 0.0


def _f1(counts: Mapping[tuple[Tier, Tier], int], label: Tier) -> float:
    """Harmonic mean of precision and recall of one tier."""
    hits = counts.get((label, label), 0)
    named = sum(counts.get((tier, label), 0) + counts.get((label, tier), 0) for tier in Tier)
    return 2 * hits / named if named else 0.0


def _macro_f1(counts: Mapping[tuple[Tier, Tier], int]) -> float:
    """Mean F1 over the tiers that occur among the labels."""
    present = [t for t in Tier if any(counts.get((t, other), 0) for other in Tier)]
    return sum(_f1(counts, tier) for tier in present) / len(present) if present else 0.0


def _jackknife(counts: "Counter[tuple[Tier, Tier]]") -> list[float]:
    """Interval of macro-F1 from leaving out each message once; no randomness."""
    n, centre = counts.total(), _macro_f1(counts)
    squares = sum(
        times * (_macro_f1(counts - Counter({cell: 1})) - centre) ** 2
        for cell, times in counts.items()
    )
    spread = _Z95 * sqrt(squares * (n - 1) / n)
    return [max(0.0, centre - spread), min(1.0, centre + spread)]


def _wilson(hits: int, total: int) -> list[float]:
    """Wilson's interval of a share."""
    if not total:
        return [0.0, 1.0]
    share, z2 = hits / total, _Z95**2
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z95 * sqrt(share * (1 - share) / total + z2 / (4 * total**2)) / (1 + z2 / total)
    return [max(0.0, centre - half), min(1.0, centre + half)]


def judge_all(classifier: Classifier, rows: Iterable[Mapping[str, object]]) -> list[Judged]:
    """Judge every row."""
    return [judge(classifier, row) for row in rows]
