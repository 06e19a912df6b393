"""`bench tier`: what classifying one message costs here, by its length, beside rules alone.

Rule kept here: both classifiers read the same texts in the same run, turn by turn; no text equals
an earlier one, so that nothing remembered helps.
"""

import resource
import time
from collections import defaultdict
from statistics import median, quantiles

from tiers.classify import Classifier, Context, Part
from tiers.measure import length_class
from tiers.model import load_classifier

SENTENCES = (
    "The room for Thursday is booked and the visitors' names are at the desk.",
    "Please find the comments of the works council on the second draft of the integration plan.",
    "Our side would go to 27.50 a share if the break fee stays below two per cent.",
    "Die Datenraumfreigabe verzögert sich, bitte die offenen Punkte bis Freitag klären.",
    "Le comité se réunit lundi pour arrêter la fourchette de prix et le calendrier.",
)
LENGTHS = (1, 3, 8, 20)
"""Sentences a message; they give the four classes of length."""
ALTERNATIVE = "rules"
"""What the shipped classifier is compared with: the same rules without the model."""


def tier_report(rounds: int) -> dict[str, object]:
    """Measures and returns one object; times in milliseconds a message, medians.

    Args:
        rounds: messages of each length.
    """
    before, began = _peak_mb(), time.perf_counter()
    classifier = load_classifier()
    classifier.classify([Part("body", SENTENCES[0])], Context())
    loaded, grown = time.perf_counter() - began, _peak_mb() - before
    rules = Classifier(None)
    shipped: dict[str, list[float]] = defaultdict(list)
    alone: dict[str, list[float]] = defaultdict(list)
    for turn in range(rounds):
        for length in LENGTHS:
            text = _message(turn, length)
            shipped[length_class(text)].append(_ms(classifier, text))
            alone[length_class(text)].append(_ms(rules, text))
    everything = [ms for times in shipped.values() for ms in times]
    return {
        "messages": len(everything),
        "degraded": classifier.degraded,
        "load_s": round(loaded, 3),
        "memory_mb": round(grown, 1),
        "ms_median": round(median(everything), 3),
        "ms_p95": round(quantiles(everything, n=20)[-1], 3),
        "per_s": round(1000 * len(everything) / sum(everything), 1),
        "ms_by_length": _medians(shipped),
        "alternative": ALTERNATIVE,
        "alternative_ms_by_length": _medians(alone),
    }


def _medians(spent: dict[str, list[float]]) -> dict[str, float]:
    return {name: round(median(times), 3) for name, times in spent.items()}


def _ms(classifier: Classifier, text: str) -> float:
    start = time.perf_counter()
    classifier.classify([Part("body", text)], Context())
    return 1000 * (time.perf_counter() - start)


def _peak_mb() -> float:
    """The process's largest resident memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _message(turn: int, length: int) -> str:
    words = (SENTENCES[(turn + i) % len(SENTENCES)] for i in range(length))
    return " ".join(f"{sentence} ({turn}.{i})" for i, sentence in enumerate(words))
