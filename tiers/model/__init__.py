"""The scorer that ships: sentence embeddings on the CPU and a head fitted to our own phrases.

Rule kept here: the one place of ``tiers`` with numpy, onnxruntime and tokenizers. It reads its own
files beside it, whole and by their sha256, and nothing else; it never touches the network.
"""

from tiers.model.load import load_classifier

__all__ = ["load_classifier"]
