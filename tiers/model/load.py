"""Load the shipped model, checked, or say that there is none.

Rule kept here: a model file that is missing or is not byte for byte the one that was released is
not used. The classifier then runs on rules at the strict end and says so.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from tiers.classify import Classifier
from tiers.model.embed import Embedder
from tiers.model.head import read_head
from tiers.model.tongue import identify
from tiers.scoring import LogOdds, Scorer

FOLDER = Path(__file__).parent
FILES = ("e5.int8.onnx", "tokenizer.json", "seeds.jsonl", "head.npz")


class SeedScorer:
    """Scores a text by its likeness to our seed phrases."""

    def __init__(self, folder: Path, fingerprint: str, threads: int = 1) -> None:
        self._embedder = Embedder(folder / "e5.int8.onnx", folder / "tokenizer.json", threads)
        self._head = read_head(folder / "head.npz")
        self._lexicon = self._embedder.words()
        self._fingerprint = fingerprint

    @property
    def fingerprint(self) -> str:
        """sha256 over the digests of the model's files, in hexadecimal."""
        return self._fingerprint

    @property
    def lexicon(self) -> Mapping[str, float]:
        """Lower-case words of the model's vocabulary with their log-probability."""
        return self._lexicon

    def windows(self, text: str) -> Iterator[LogOdds]:
        """Log-odds of each window of ``text``; none where it is too long to be read whole."""
        for vector in self._embedder.vectors(text):
            yield self._head.score(vector[None])[0]


def checked(folder: Path) -> str | None:
    """The fingerprint of the model's files, or nothing if one is missing or differs."""
    try:
        expected = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["sha256"]
        for name in FILES:
            with (folder / name).open("rb") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() != expected[name]:
                    return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return hashlib.sha256("".join(expected[name] for name in FILES).encode()).hexdigest()


def load_scorer(folder: Path = FOLDER, threads: int = 1) -> Scorer | None:
    """The scorer that ships.

    Args:
        folder: where the model's files lie.
        threads: threads of one scoring, 1 or 2.

    Returns:
        The scorer, or nothing where a file is missing or is not the released one.
    """
    fingerprint = checked(folder)
    return SeedScorer(folder, fingerprint, threads) if fingerprint else None


@lru_cache(maxsize=1)
def load_classifier() -> Classifier:
    """The classifier that ships, loaded once: about half a second and 140 MB."""
    return Classifier(load_scorer(), identify)
