"""Signing keys of people who sign away from the host: counsel, and an anchor's witness.

Rules kept here:

1. The key is made and read by its owner, on his machine: a file of his alone, which a passphrase
   may lock. No home is opened, nothing goes over a network.
2. The passphrase is asked for without echo, or read from stdin; it is never an argument.
3. The file is PEM, PKCS #8 (RFC 5958, RFC 8410): what other tools make and read.
"""

import sys
from pathlib import Path

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from orchestrator.client.problems import Missing, Refused, Wrong
from orchestrator.secrets.ownfile import read_own, write_own

KEY_BYTES = 32


def make_key(file: Path, *, protect: bool) -> str:
    """Makes a key in a new file and returns its public half, hexadecimal.

    Args:
        file: must not be there yet.
        protect: locks it with a passphrase.

    Raises:
        Refused: the file is there.
    """
    if file.exists():
        raise Refused(f"{file} is there already", still="Nothing was made")
    private = Ed25519PrivateKey.generate()
    lock: KeySerializationEncryption = NoEncryption()
    if protect:
        lock = BestAvailableEncryption(_passphrase(again=True))
    write_own(file, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    return public_of(private)


def load_key(file: Path) -> Ed25519PrivateKey:
    """Reads a key; asks for its passphrase when it has one.

    Raises:
        Missing: there is no such file.
        Wrong: it holds no Ed25519 key, or the passphrase is not the right one.
    """
    try:
        pem = read_own(file)
    except FileNotFoundError:
        raise Missing(f"There is no file {file}", still="Nothing was signed") from None
    try:
        found = load_pem_private_key(pem, _passphrase() if b"ENCRYPTED" in pem else None)
    except ValueError:
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise Wrong(
            f"{file} is no Ed25519 key in PEM, or the passphrase is not its own",
            still="Nothing was signed",
        )
    return found


def public_of(private: Ed25519PrivateKey) -> str:
    """The public half, hexadecimal."""
    return private.public_key().public_bytes_raw().hex()


def public_key(text: str) -> bytes:
    """A public key that was typed in hexadecimal, raw.

    Raises:
        Wrong: it is none.
    """
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise Wrong("A public key has 64 hexadecimal digits", still="Nothing was done")
    return raw


def _passphrase(*, again: bool = False) -> bytes:
    if sys.stdin.isatty():
        text = str(typer.prompt("Passphrase", hide_input=True, err=True, confirmation_prompt=again))
    else:
        text = sys.stdin.readline().rstrip("\n")
    if not text:
        raise Wrong("The passphrase is empty", still="Nothing was done")
    return text.encode()
