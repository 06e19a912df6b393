"""Fit the head of the tier model to our own seed phrases, and to nothing else.

Rule kept here: the shipped weights come from ``tiers/model/seeds.jsonl`` alone. Running it twice on
one machine gives the same numbers; the manifest ties them to the seeds and to the model by sha256.

    pip install -e '.[model]'
    python tools/fit_head.py
"""

import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from tiers.model.embed import Embedder
from tiers.model.head import ARRAYS, Head
from tiers.normalise import normalise
from tiers.tier import Tier

FOLDER = Path(__file__).parents[1] / "tiers" / "model"
FILES = ("e5.int8.onnx", "tokenizer.json", "seeds.jsonl", "head.npz")
STRENGTH = 1.0
"""Inverse regularisation of the regression."""
MAIL_WEIGHT = 3.0
"""A seed written as a whole mail counts as three phrases: real messages look like it."""
FOLDS = 5

Floats = NDArray[np.float32]


def regression(points: Floats, classes: Floats, weights: Floats) -> LogisticRegression:
    """A balanced multinomial regression."""
    made = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=5000)
    return made.fit(points, classes, sample_weight=weights)


def fitted(vectors: Floats, classes: Floats, weights: Floats) -> Head:
    """A head without its scale."""
    spread = vectors.std(0) + np.float32(1e-9)
    empty = np.zeros((3, vectors.shape[1]), np.float32)
    unit = np.tile(np.array([0, 1], np.float32)[:, None], (2, 1, 2)).reshape(2, 2, 2)
    draft = Head(vectors.mean(0), spread, empty, classes, empty, empty[:, 0], unit)
    points = draft.standardised(vectors)
    model = regression(points, classes, weights)
    return Head(
        draft.mean,
        spread,
        points,
        classes,
        model.coef_.astype(np.float32),
        model.intercept_.astype(np.float32),
        unit,
    )


def held_out_scale(vectors: Floats, classes: Floats, weights: Floats) -> Floats:
    """Mean and spread of each half's log-odds on seeds it was not fitted to."""
    halves = np.zeros((2, len(classes), 2), np.float32)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for train, test in folds.split(vectors, classes):
        head = fitted(vectors[train], classes[train], weights[train])
        points = head.standardised(vectors[test])
        halves[0, test], halves[1, test] = head.regression(points), head.nearest(points)
    return np.stack([halves.mean(1), halves.std(1)], axis=1).astype(np.float32)


def main() -> None:
    """Seeds in, ``head.npz`` and ``manifest.json`` out."""
    lines = (FOLDER / "seeds.jsonl").read_text(encoding="utf-8").splitlines()
    seeds = [json.loads(line) for line in lines]
    embedder = Embedder(FOLDER / "e5.int8.onnx", FOLDER / "tokenizer.json", threads=2)
    words = embedder.words()
    texts = [normalise(seed["text"], words).text for seed in seeds]
    vectors = np.stack([next(embedder.vectors(text)) for text in texts])
    order = [tier.value for tier in Tier]
    classes = np.array([order.index(seed["tier"]) for seed in seeds], np.float32)
    weights = np.array([MAIL_WEIGHT if s["shape"] == "mail" else 1.0 for s in seeds], np.float32)
    head = fitted(vectors, classes, weights)
    arrays = {name: getattr(head, name) for name in ARRAYS}
    arrays["scale"] = held_out_scale(vectors, classes, weights)
    arrays["phrases"] = arrays["phrases"].astype(np.float16)  # half the file, same scores
    np.savez(FOLDER / "head.npz", allow_pickle=False, **arrays)
    digests = {name: hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() for name in FILES}
    manifest = json.dumps({"sha256": digests}, indent=1) + "\n"
    (FOLDER / "manifest.json").write_text(manifest, encoding="utf-8")
    print(manifest, arrays["scale"])


if __name__ == "__main__":
    main()
