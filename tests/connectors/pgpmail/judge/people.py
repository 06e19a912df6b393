"""Made-up people with keys of their own, made by gpg in throw-away homes."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ADDRESSES = {
    "bot": "bot@deal.test",
    "alice": "alice@lawfirm.test",
    "mallory": "mallory@other.test",
    "eve": "eve@nowhere.test",
    "rsa": "rsa@lawfirm.test",
    "expired": "expired@lawfirm.test",
    "revoked": "revoked@lawfirm.test",
    "early": "early@lawfirm.test",
}
LONG_AGO, TO_COME = "20200101T000000", "20400101T000000"
QUICK = ("--batch", "--no-tty", "--quiet", "--trust-model", "always", "--no-auto-check-trustdb")


@dataclass
class People:
    """Everybody's GnuPG home below one folder, and everybody's fingerprint."""

    base: Path
    prints: dict[str, str] = field(default_factory=dict)

    def home(self, name: str) -> Path:
        return self.base / name

    def gpg(self, name: str, *words: str, data: bytes = b"", fails: bool = False) -> bytes:
        command = ["gpg", "--homedir", str(self.home(name)), *QUICK, "--passphrase", ""]
        done = subprocess.run([*command, *words], input=data, capture_output=True, check=False)
        if done.returncode and not fails:
            raise AssertionError(done.stderr.decode(errors="replace"))
        return done.stdout

    def seal(
        self,
        data: bytes,
        signer: str | None = "alice",
        to: Sequence[str] = ("bot",),
        words: Sequence[str] = (),
        home: str | None = None,
    ) -> bytes:
        """Armoured: encrypted to ``to``, signed by ``signer`` unless that is None."""
        options = ["--armor", *words]
        for one in to:
            options += ["--recipient", self.prints[one]]
        if signer is not None:
            options += ["--local-user", self.prints[signer], "--sign"]
        return self.gpg(home or signer or "eve", *options, "--encrypt", data=data)

    def contacts(self, *names: str) -> dict[str, frozenset[str]]:
        return {ADDRESSES[name]: frozenset({self.prints[name]}) for name in names}


def _fingerprint(people: People, name: str) -> str:
    listed = people.gpg(name, "--with-colons", "--list-secret-keys").decode()
    return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))


def _make(
    people: People, name: str, *words: str, algorithm: str = "ed25519", years: str = "3y"
) -> None:
    people.home(name).mkdir(mode=0o700)
    user = f"{name} <{ADDRESSES[name]}>"
    people.gpg(name, *words, "--quick-gen-key", user, algorithm, "sign,cert", years)
    people.prints[name] = _fingerprint(people, name)
    kind = "cv25519" if algorithm == "ed25519" else algorithm
    people.gpg(name, *words, "--quick-add-key", people.prints[name], kind, "encr", years)


def _clock(days: int) -> str:
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime(time.time() + days * 86_400))


def everybody(base: Path) -> People:
    """Makes everybody and lets each know the keys of all."""
    people, a_year_ago = People(base), _clock(-365)
    for name in ("bot", "alice", "mallory", "eve", "revoked"):
        _make(people, name, "--faked-system-time", a_year_ago)
    _make(people, "rsa", "--faked-system-time", a_year_ago, algorithm="rsa3072")
    _make(people, "expired", "--faked-system-time", LONG_AGO, years="1y")
    _make(people, "early", "--faked-system-time", TO_COME)
    keys = {name: people.gpg(name, "--export", people.prints[name]) for name in people.prints}
    for name in people.prints:
        for other in people.prints.keys() - {name}:
            people.gpg(name, "--faked-system-time", TO_COME, "--import", data=keys[other])
    return people


def revoke(people: People, name: str) -> None:
    """Has everybody know that a key was revoked."""
    certificate = people.home(name) / "openpgp-revocs.d" / f"{people.prints[name]}.rev"
    text = certificate.read_bytes().replace(b":-----BEGIN", b"-----BEGIN")
    people.gpg("bot", "--import", data=text)


def end(people: People) -> None:
    """Ends the agents that were started."""
    for name in people.prints:
        home = str(people.home(name))
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
    shutil.rmtree(people.base, ignore_errors=True)


def short_base(name: str) -> Path:
    """A folder whose path is short enough for agents' sockets."""
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir="/tmp"))
