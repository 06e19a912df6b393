"""Certificates that must not be sealed to, each made by gpg for one fault, and good ones beside."""

from collections.abc import Callable
from dataclasses import dataclass

from .conftest import MEMBER, Adviser

NAME = f"Anna <{MEMBER}>"
LONG_AGO = ("--faked-system-time", "20200101T000000")


@dataclass(frozen=True)
class Made:
    """A certificate.

    Attributes:
        code: what the gate must say of it once it is pinned; None of a good one.
    """

    fingerprint: str
    armour: bytes
    code: str | None


class Smith:
    """Makes certificates in one adviser's gpg."""

    def __init__(self, adviser: Adviser) -> None:
        self._adviser = adviser

    def primary(self, kind: str, *options: str, use: str = "sign,cert", life: str = "0") -> str:
        made = self._adviser.run(
            *options,
            *("--yes", "--status-fd", "1", "--quick-generate-key", NAME, kind, use, life),
        )
        line = next(x for x in made.decode().splitlines() if "KEY_CREATED" in x)
        return line.split()[3]

    def subkey(self, of: str, kind: str, *options: str, life: str = "0") -> None:
        # A faked time begins anew in each process: where the first was slow, its key is of later.
        run = (*options, "--ignore-time-conflict")
        self._adviser.run(*run, "--quick-add-key", of, kind, "encr", life)

    def edit(self, fingerprint: str, *commands: str) -> None:
        text = "\n".join([*commands, "save", ""]).encode()
        self._adviser.run(
            *("--no-batch", "--yes", "--command-fd", "0", "--edit-key", fingerprint), data=text
        )

    def revoke(self, fingerprint: str) -> None:
        path = self._adviser.home / "openpgp-revocs.d" / f"{fingerprint}.rev"
        text = path.read_text(encoding="utf-8").replace(":-----BEGIN", "-----BEGIN")
        self._adviser.run("--import", data=text.encode())

    def good(self, kind: str = "ed25519", sub: str = "cv25519", *options: str) -> str:
        fingerprint = self.primary(kind, *options)
        self.subkey(fingerprint, sub, *options)
        return fingerprint

    def made(self, fingerprint: str, code: str | None) -> Made:
        return Made(fingerprint, self._adviser.certificate(fingerprint), code)


def expired(smith: Smith) -> str:
    fingerprint = smith.primary("ed25519", *LONG_AGO, life="1y")
    smith.subkey(fingerprint, "cv25519", *LONG_AGO, life="1y")
    return fingerprint


def revoked(smith: Smith) -> str:
    fingerprint = smith.good()
    smith.revoke(fingerprint)
    return fingerprint


def subkey_expired(smith: Smith) -> str:
    fingerprint = smith.primary("ed25519", *LONG_AGO)
    smith.subkey(fingerprint, "cv25519", *LONG_AGO, life="1y")
    return fingerprint


def subkey_revoked(smith: Smith) -> str:
    fingerprint = smith.good()
    smith.edit(fingerprint, "key 1", "revkey", "y", "0", "", "y")
    return fingerprint


def second_subkey_good(smith: Smith) -> str:
    """One living subkey is enough, whatever the others are."""
    fingerprint = subkey_expired(smith)
    smith.subkey(fingerprint, "cv25519")
    return fingerprint


FAULTS: dict[str, tuple[Callable[[Smith], str], str]] = {
    "expired": (expired, "expired"),
    "revoked": (revoked, "revoked"),
    "encryption subkey expired": (subkey_expired, "expired"),
    "encryption subkey revoked": (subkey_revoked, "revoked"),
    "no encryption subkey": (lambda s: s.primary("ed25519"), "no_encryption_subkey"),
    "RSA 2048": (lambda s: s.good("rsa2048", "rsa2048"), "weak_algorithm"),
    "RSA 2048 to encrypt": (lambda s: s.good("ed25519", "rsa2048"), "weak_algorithm"),
    "DSA": (lambda s: s.good("dsa2048", "cv25519"), "weak_algorithm"),
    "ElGamal": (lambda s: s.good("ed25519", "elg1024"), "weak_algorithm"),
    "secp256k1": (lambda s: s.good("secp256k1", "cv25519"), "weak_algorithm"),
    "SHA-1": (
        lambda s: s.good("rsa3072", "rsa3072", "--cert-digest-algo", "SHA1"),
        "weak_digest",
    ),
    "from the future": (
        lambda s: s.good("ed25519", "cv25519", "--faked-system-time", "20370101T000000"),
        "from_the_future",
    ),
}
GOOD: dict[str, Callable[[Smith], str]] = {
    "Ed25519": lambda s: s.good(),
    "RSA 3072": lambda s: s.good("rsa3072", "rsa3072"),
    "NIST P-384": lambda s: s.good("nistp384", "nistp384"),
    "a second subkey": second_subkey_good,
}
