"""Bech32 (BIP 173) as age uses it for its identities: no length limit.

Rule kept here: what does not carry the right checksum is refused.
"""

from orchestrator.journal.errors import BadShare

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_LENGTH = 6


def encode(prefix: str, data: bytes) -> str:
    """Returns ``data`` under ``prefix`` (lower case), in lower case."""
    values = _regroup(data, 8, 5)
    padding = _polymod([*_expand(prefix), *values, *[0] * _CHECKSUM_LENGTH]) ^ 1
    checksum = [padding >> 5 * (5 - n) & 31 for n in range(_CHECKSUM_LENGTH)]
    return prefix + "1" + "".join(_ALPHABET[value] for value in [*values, *checksum])


def decode(prefix: str, text: str) -> bytes:
    """Returns the data of ``text`` (either case).

    Raises:
        BadShare: another prefix, a foreign letter or a wrong checksum.
    """
    found, _, rest = text.lower().rpartition("1")
    values = [_ALPHABET.find(letter) for letter in rest]
    if found != prefix or -1 in values or _polymod([*_expand(prefix), *values]) != 1:
        raise BadShare("a key is not in age's form; copy it again")
    return bytes(_regroup(values[:-_CHECKSUM_LENGTH], 5, 8, pad=False))


def _expand(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, factor in enumerate(_GENERATOR):
            check ^= factor if top >> bit & 1 else 0
    return check


def _regroup(values: bytes | list[int], size: int, into: int, *, pad: bool = True) -> list[int]:
    """Returns the same bits in groups of ``into`` instead of ``size``."""
    bits = "".join(f"{value:0{size}b}" for value in values)
    if pad:
        bits += "0" * (-len(bits) % into)
    return [int(bits[n : n + into], 2) for n in range(0, len(bits) - into + 1, into)]
