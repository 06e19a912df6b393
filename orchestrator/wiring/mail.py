"""Has a mail from a file judged, by the judge that the mailbox has.

Rule kept here: the home of keys that is named is copied and never written, nothing of the mail is
shown, and nothing is remembered.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from connectors.pgpmail.judge.judge import LIMITS, Court, contacts_of
from connectors.pgpmail.judge.keyring import Keyring, NoEngine
from connectors.pgpmail.judge.sender import Known
from connectors.pgpmail.judge.words import REASONS, Judgement
from orchestrator.client.problems import Failed, Unready, Wrong
from orchestrator.clock import now


def inspect(file: Path, home: Path | None, contacts: Sequence[str]) -> Judgement:
    """Judges one mail.

    Args:
        file: the mail as it came.
        home: GnuPG home with our keys and those of contacts; None: the caller's own, if any.
        contacts: ``ADDRESS=FINGERPRINT`` of each pinned contact.

    Raises:
        Failed: the file cannot be read.
        Wrong: a contact or the home is none.
        Unready: gpg cannot be run here.
    """
    raw = _read(file)
    pinned = _pinned(contacts)
    if home is not None and not home.is_dir():
        raise Wrong("The GnuPG home is no folder that can be read.", then="name another")
    try:
        with Keyring(home or _own_home()) as keyring:
            known = Known(pinned, keyring.ours.addresses)
            return Court(keyring, known, now()).judge(raw)
    except NoEngine:
        wrong = "gpg cannot be run on a copy of that home."
    raise Unready(wrong, still="nothing was judged", then="install gnupg, or name --gnupg-home")


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as source:
            return source.read(LIMITS.mail_bytes + 1)
    except OSError as error:
        why = error.strerror
    raise Failed(
        f"The mail cannot be read: {why}.", still="nothing was judged", then="name another file"
    )


def _pinned(contacts: Sequence[str]) -> dict[str, frozenset[str]]:
    try:
        return contacts_of(list(contacts))
    except ValueError as error:
        why = str(error)
    raise Wrong(f"{why}.", then="--contact name@example.org=FINGERPRINT")


def _own_home() -> Path | None:
    home = Path(os.environ.get("GNUPGHOME") or Path.home() / ".gnupg")
    return home if home.is_dir() else None


def words(found: Judgement) -> list[str]:
    """A judgement for people: what it is, what is still true, what to do."""
    lines = [f"{found.verdict.value} · {found.mail_class.value} · {_released(found)}"]
    lines += [f"  {REASONS.get(reason, reason)}" for reason in found.reasons]
    if found.signer is not None:
        lines.append(f"  signed by {found.signer}")
    lines.append("  still true: nothing of it was shown, kept or answered")
    lines.append(f"  next: {_NEXT[found.verdict.value] if not found.released else 'nothing to do'}")
    return lines


def _released(found: Judgement) -> str:
    return "may enter a room" if found.released else "stays out"


_ASK = "ask the sender, by another way than mail, whether it is his"
_NEXT = {
    "malformed": f"do not open it; {_ASK}",
    "oracle": "do not open it in a mail program that decrypts: it may be an attack on our keys",
    "downgrade": "ask the sender to sign and encrypt it; do not answer by mail in the clear",
    "unsigned": "compare and pin a key of the sender's before anything of deals is written",
    "undecryptable": "send the sender our present key, and ask him to send it again",
    "tampered": f"treat it as an attack until it is explained; {_ASK}",
    "mismatch": f"compare fingerprints by voice before anything of it is believed; {_ASK}",
    "known_unsigned": "ask the sender to sign: anybody who has our key can have written it",
    "verified": "it is genuine, but no message of a person: nothing to do",
}
