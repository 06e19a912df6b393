"""From a vector to log-odds: logistic regression and nearest phrases, blended.

Rule kept here: both halves are fitted to our own seed phrases alone. The nearest phrases by
themselves are biased by language (German came out under-tiered); they count only beside the
regression.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tiers.scoring import LogOdds

Floats = NDArray[np.float32]
NEAREST = 15
SHARPNESS = 20.0
CLASSES = 3
ARRAYS = ("mean", "spread", "phrases", "classes", "weights", "bias", "scale")


@dataclass(frozen=True, slots=True)
class Head:
    """Everything fitted.

    Attributes:
        mean, spread: of the seed vectors, per dimension.
        phrases: the standardised seed vectors, one a row.
        classes: their tiers as 0, 1, 2 in rising order.
        weights, bias: of the regression, one row a tier.
        scale: mean and spread of each half's two log-odds over held-out seeds, 2 x 2 x 2.
    """

    mean: Floats
    spread: Floats
    phrases: Floats
    classes: Floats
    weights: Floats
    bias: Floats
    scale: Floats

    def standardised(self, vectors: Floats) -> Floats:
        """Vectors in the seeds' own units, of length 1 again."""
        scaled = (vectors - self.mean) / self.spread
        return np.asarray(scaled / np.linalg.norm(scaled, axis=1, keepdims=True), dtype=np.float32)

    def score(self, vectors: Floats) -> list[LogOdds]:
        """Blended log-odds of each row."""
        points = self.standardised(vectors)
        halves = (self.regression(points), self.nearest(points))
        standard = [(half - self.scale[i, 0]) / self.scale[i, 1] for i, half in enumerate(halves)]
        blended = (standard[0] + standard[1]) / 2
        return [LogOdds(float(row[0]), float(row[1])) for row in blended]

    def regression(self, points: Floats) -> Floats:
        """Log-odds by the regression, two columns."""
        return odds(softmax(points @ self.weights.T + self.bias))

    def nearest(self, points: Floats) -> Floats:
        """Log-odds by the mean of the nearest phrases of each tier, two columns."""
        alike = points @ self.phrases.T
        means = [
            np.sort(alike[:, self.classes == tier], axis=1)[:, -NEAREST:].mean(1)
            for tier in range(CLASSES)
        ]
        return odds(softmax(np.asarray(SHARPNESS * np.stack(means, axis=1), np.float32)))


def softmax(x: Floats) -> Floats:
    """Softmax over rows."""
    e = np.exp(x - x.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True), dtype=np.float32)


def odds(shares: Floats) -> Floats:
    """Two log-odds from three shares: valuation against the rest, coordination against the rest."""
    p = np.clip(shares, 1e-9, 1.0)
    columns = [np.log(p[:, 2] / (p[:, 0] + p[:, 1])), np.log((p[:, 1] + p[:, 2]) / p[:, 0])]
    return np.asarray(np.stack(columns, axis=1), dtype=np.float32)


def read_head(path: Path) -> Head:
    """Read a fitted head (``.npz`` without pickles)."""
    with np.load(path, allow_pickle=False) as arrays:
        return Head(*(np.asarray(arrays[name], dtype=np.float32) for name in ARRAYS))
