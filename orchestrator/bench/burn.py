"""Stands in for a network's encryption: a fixed amount of work on one core, whatever else waits.

Rule kept here: it holds the interpreter as long as it computes, as the bindings of the Matrix
ciphers do. Work that let go of it would hide our own behind it.
"""

import time
from dataclasses import dataclass
from hashlib import sha256

MODULUS = 2**1279 - 1
"""A Mersenne prime: one step of the power costs some microseconds, so that steps can be counted."""
_TAG_BYTES = 160
_ROUNDS, _EACH = 7, 20


@dataclass(frozen=True, slots=True)
class Burn:
    """Seals bodies by a power with a fixed exponent; computes only.

    Attributes:
        bits: length of the exponent, which is what the work grows with.
    """

    bits: int

    def __call__(self, body: bytes) -> bytes:
        """Returns ``body`` behind a tag that took the work to make."""
        base = int.from_bytes(sha256(body).digest() * 4, "big")
        return pow(base, (1 << self.bits) - 1, MODULUS).to_bytes(_TAG_BYTES, "big") + body

    def ms(self) -> float:
        """Milliseconds of processor time that one sealing takes here: the best of some rounds."""
        body = bytes(1024)
        best = float("inf")
        for _ in range(_ROUNDS):
            began = time.thread_time()
            for _ in range(_EACH):
                self(body)
            best = min(best, time.thread_time() - began)
        return 1000 * best / _EACH


def calibrate(ms: float) -> Burn:
    """Returns work that takes ``ms`` milliseconds of processor time on this machine."""
    probe = Burn(256)
    return Burn(max(1, round(probe.bits * ms / probe.ms())))
