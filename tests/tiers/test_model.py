"""The shipped artefact: checked, faithful to its source, and honest when it is absent."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tiers.model.embed import Embedder
from tiers.model.head import read_head
from tiers.model.load import FILES, FOLDER, checked, load_scorer

REFERENCES = json.loads(Path(__file__).with_name("e5_references.json").read_text(encoding="utf-8"))
PUBLISHED_SUMS = (-0.2640718, -0.13929011, -0.08091972, -0.12388548)
"""Sums of the full-precision model's vectors of the first four texts (fastembed-rs, tests)."""


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder(FOLDER / "e5.int8.onnx", FOLDER / "tokenizer.json")


def unprefixed(
    embedder: Embedder, text: str
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    return embedder._vector(embedder._tokenizer.encode(text).ids)


@pytest.mark.parametrize("row", REFERENCES, ids=range(len(REFERENCES)))
def test_vectors_are_those_of_the_source(embedder: Embedder, row: dict[str, object]) -> None:
    reference = np.asarray(row["vector"], dtype=np.float32)
    assert float(unprefixed(embedder, str(row["text"])) @ reference) > 0.97


def test_vectors_tell_texts_apart_as_the_source_does(embedder: Embedder) -> None:
    ours = np.stack([unprefixed(embedder, row["text"]) for row in REFERENCES])
    source = np.asarray([row["vector"] for row in REFERENCES], dtype=np.float32)
    assert ((ours @ source.T).argmax(1) == np.arange(len(REFERENCES))).all()


def test_the_references_agree_with_the_published_sums() -> None:
    sums = [sum(row["vector"]) for row in REFERENCES[: len(PUBLISHED_SUMS)]]
    assert np.allclose(sums, PUBLISHED_SUMS, atol=0.04)


def test_the_artefact_fits_the_tree() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) < 45_000_000


def test_the_head_was_fitted_to_the_shipped_seeds_with_the_shipped_model(
    embedder: Embedder,
) -> None:
    manifest = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))["sha256"]
    for name in FILES:
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == manifest[name]
    seeds = (FOLDER / "seeds.jsonl").read_text(encoding="utf-8").splitlines()
    head = read_head(FOLDER / "head.npz")
    assert len(seeds) == len(head.phrases)
    point = head.standardised(next(embedder.vectors(json.loads(seeds[3])["text"]))[None])
    assert int((head.phrases @ point[0]).argmax()) == 3


@pytest.mark.parametrize("name", ["manifest.json", *FILES])
def test_a_missing_or_changed_file_is_not_used(tmp_path: Path, name: str) -> None:
    for file in ("manifest.json", *FILES):
        (tmp_path / file).symlink_to(FOLDER / file)
    assert checked(tmp_path)
    (tmp_path / name).unlink()
    assert load_scorer(tmp_path) is None
    shutil.copy(FOLDER / name, tmp_path / name)
    with (tmp_path / name).open("r+b") as stream:
        stream.seek(-2, 2)
        stream.write(b"\x01")
    assert load_scorer(tmp_path) is None


def test_what_has_too_many_windows_is_not_read_in_part(embedder: Embedder) -> None:
    assert list(embedder.vectors("word " * 10_000)) == []
    assert len(list(embedder.vectors("word " * 500))) > 1
