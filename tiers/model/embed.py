"""multilingual-e5-small as int8 ONNX: text in, unit vectors out.

Rule kept here: the whole text is read, window by window; what is longer than ``MOST_WINDOWS`` is
not read in part but reported as unreadable.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

Vectors = NDArray[np.float32]
WINDOW = 256
"""Tokens of one window. 128 would halve the time and cost about .01 more under (docs/tiers.md)."""
MOST_WINDOWS = 24
PREFIX = "query: "
_END = 2


class Embedder:
    """The model and its tokenizer."""

    def __init__(self, model: Path, tokenizer: Path, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # nothing that could quote its input
        self._session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(tokenizer))

    def words(self) -> dict[str, float]:
        """Whole lower-case words of the vocabulary; their rank stands for their frequency."""
        vocabulary = self._tokenizer.get_vocab()
        words = (p[1:] for p in sorted(vocabulary, key=vocabulary.__getitem__) if p[:1] == "▁")
        known = {w: -6.0 - i / 5000 for i, w in enumerate(words) if w.isalpha() and w.islower()}
        single = {w for w in known if len(w) == 1} - {"a", "i", "y", "à"}
        return {w: s for w, s in known.items() if w not in single}

    def vectors(self, text: str) -> Iterator[Vectors]:
        """The unit vector of each window of ``text``; none where it has too many windows."""
        windows = self._windows(text)
        if len(windows) <= MOST_WINDOWS:
            yield from map(self._vector, windows)

    def _windows(self, text: str) -> list[list[int]]:
        """Token ids in windows, each with the prefix and the end mark."""
        prefix = self._tokenizer.encode(PREFIX.strip()).ids[:-1]
        ids = self._tokenizer.encode(PREFIX + text).ids[len(prefix) : -1]
        room = WINDOW - len(prefix) - 1
        last = max(len(ids) - room, 0)  # the last window is full, it overlaps the one before
        starts = [*range(0, last, room), last]
        return [[*prefix, *ids[start : start + room], _END] for start in starts]

    def _vector(self, ids: list[int]) -> Vectors:
        """The mean-pooled unit vector of one window."""
        row = np.array([ids], dtype=np.int64)
        feed = {
            "input_ids": row,
            "attention_mask": np.ones_like(row),
            "position_ids": np.arange(len(ids), dtype=np.int64)[None],
        }
        vector = np.asarray(self._session.run(["pooled"], feed)[0], dtype=np.float32)[0]
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)
