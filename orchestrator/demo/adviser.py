"""An outside adviser: a mailbox, a key, gpg. He has nothing of ours.

Rule kept here: this is another program than ours. gpg itself opens and signs, the mailbox is the
server's own folder, and a mail goes out by the standard library: nothing of ``connectors`` is
imported, and what gpg says of a signature is taken from its status lines.
"""

import asyncio
import contextlib
import secrets
import smtplib
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from email.utils import formatdate, make_msgid
from pathlib import Path

from orchestrator.demo.whole import whole

PROGRAMS = ("gpg", "gpgconf", "gpg-agent")
"""All of them of the package gnupg."""
_LOOK_EVERY_S = 0.1
_GPG_SECONDS = 30.0


class GpgFailed(RuntimeError):
    """gpg did not do it. The message names the option, never content."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A mail as the adviser's program shows it.

    Attributes:
        subject: the one inside.
        text: what it says.
        files: name and bytes of each.
        signer: fingerprint of a good signature; None without one.
        message_id: of the outer mail, to be answered.
    """

    subject: str = field(repr=False)
    text: str = field(repr=False)
    files: tuple[tuple[str, bytes], ...] = field(repr=False)
    signer: str | None
    message_id: str


@dataclass
class Adviser:
    """One adviser.

    Args:
        person: his id on the roster.
        address: his mail address.
        folder: of his keyring; its path must be short.
        mailbox: the Maildir that the server delivers to.
    """

    person: str
    address: str
    folder: Path
    mailbox: Path

    # --- his key ----------------------------------------------------------------------------------

    def make_key(self, expires: str = "1y", at: str | None = None) -> None:
        """Makes his key; ``at`` an ISO instant makes it as of then, for one that is over."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        faked = ["--faked-system-time", f"{at}!"] if at is not None else []
        name = f"{self.person} <{self.address}>"
        self._gpg(*faked, "--quick-gen-key", name, "ed25519", "sign,cert", expires)
        self._gpg(*faked, "--quick-add-key", self.fingerprint(), "cv25519", "encr", expires)

    def renew(self, expires: str = "1y") -> None:
        """Has his key last longer; what was over for sealing to it is replaced (gpg keeps that)."""
        self._gpg("--quick-set-expire", self.fingerprint(), expires)
        self._gpg("--quick-add-key", self.fingerprint(), "cv25519", "encr", expires)

    def fingerprint(self) -> str:
        """Of his own key."""
        return self._fingerprints("--list-secret-keys")[0]

    def certificate(self) -> str:
        """His certificate, as he hands it over."""
        return self._gpg("--armor", "--export", self.fingerprint()).decode("ascii")

    def take(self, certificate: str) -> str:
        """Takes somebody's certificate in; returns its fingerprint."""
        before = set(self._fingerprints("--list-keys"))
        self._gpg("--import", data=certificate.encode())
        new = set(self._fingerprints("--list-keys")) - before
        return next(iter(new), "")

    def key_of(self, address: str) -> str:
        """Fingerprint of the one certificate with an address in his keyring. Raises: GpgFailed."""
        found = self._fingerprints("--list-keys", f"<{address}>")
        if len(found) != 1:
            raise GpgFailed("there is no single key with that address")
        return found[0]

    def _fingerprints(self, *listing: str) -> list[str]:
        """Of primary keys only."""
        rows = self._gpg("--with-colons", "--fingerprint", *listing).decode().splitlines()
        fields = [row.split(":") for row in rows]
        primary = [n for n, f in enumerate(fields) if f[0] in {"pub", "sec"}]
        return [next(f[9] for f in fields[n:] if f[0] == "fpr") for n in primary]

    def _gpg(self, *args: str, data: bytes = b"") -> bytes:
        done = self._run(*args, data=data)
        if done.returncode != 0:
            raise GpgFailed(f"gpg {args[0]} ended with {done.returncode}")
        return done.stdout

    def _run(self, *args: str, data: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        quiet = ("--batch", "--yes", "--no-tty", "--quiet", "--pinentry-mode", "loopback")
        command = ["gpg", "--homedir", str(self.folder), *quiet, "--passphrase", "", *args]
        return subprocess.run(  # noqa: S603 (gpg with our own arguments)
            command, input=data, capture_output=True, timeout=_GPG_SECONDS, check=False
        )

    def close(self) -> None:
        """Ends the agent that gpg started for his keyring."""
        end_agents(self.folder)

    # --- his mailbox ------------------------------------------------------------------------------

    def mails(self) -> list[bytes]:
        """The mails that were delivered to him, as they lie there."""
        found = [p for name in ("new", "cur") for p in (self.mailbox / name).glob("*")]
        return [p.read_bytes() for p in sorted(found, key=lambda p: p.stat().st_mtime_ns)]

    def known(self) -> frozenset[str]:
        """Message-IDs of what is in his mailbox."""
        return frozenset(
            str(message_from_bytes(raw, policy=policy.default)["Message-ID"] or "")
            for raw in self.mails()
        )

    def open_all(self) -> list[Opened]:
        """Every mail that his key opens."""
        opened = (self.opened(raw) for raw in self.mails())
        return [mail for mail in opened if mail is not None]

    def opened(self, raw: bytes) -> Opened | None:
        """A mail as gpg opens it; None where it does not."""
        mail = message_from_bytes(raw, policy=policy.default)
        parts = list(mail.iter_parts()) if mail.is_multipart() else []
        if mail.get_content_type() != "multipart/encrypted" or len(parts) != 2:  # noqa: PLR2004 (RFC 3156)
            return None
        sealed = parts[1].get_payload(decode=True)
        done = self._run("--status-fd", "2", "--decrypt", data=_bytes(sealed))
        if done.returncode != 0:
            return None
        inner = message_from_bytes(done.stdout, policy=policy.default)
        body = inner.get_body(("plain",))
        return Opened(
            str(inner["Subject"] or ""),
            body.get_content() if body is not None else "",
            tuple(_file(part) for part in inner.iter_attachments()),
            _signer(done.stderr.decode("utf-8", "replace")),
            str(mail["Message-ID"] or ""),
        )

    async def until(self, fits: Callable[[Opened], bool], patience_s: float) -> Opened | None:
        """The first mail that fits, once he can open it; None when none came."""
        end = asyncio.get_running_loop().time() + patience_s
        while True:
            found = [mail for mail in await whole(self.open_all) if fits(mail)]
            if found or asyncio.get_running_loop().time() > end:
                return found[0] if found else None
            await asyncio.sleep(_LOOK_EVERY_S)

    # --- his answers ------------------------------------------------------------------------------

    def answer(
        self,
        to: str,
        recipient: str,
        text: str,
        in_reply_to: str,
        *,
        signed_by: "Adviser | None" = None,
    ) -> bytes:
        """A mail of his, signed and encrypted.

        Args:
            to: the address that it goes to.
            recipient: fingerprint of the key that it is sealed to.
            text: what he says.
            in_reply_to: Message-ID of the mail that he answers.
            signed_by: somebody else, who signs in his place: a forgery.
        """
        inner = EmailMessage(policy=policy.SMTP)
        inner["From"], inner["To"], inner["Subject"] = self.address, to, "Re: [...]"
        inner["Date"], inner["In-Reply-To"] = formatdate(), in_reply_to
        inner.set_content(text)
        inner.set_param("protected-headers", "v1", header="Content-Type")
        signer = signed_by or self
        sealed = signer._gpg(  # noqa: SLF001 (another adviser's own keyring)
            *("--armor", "--trust-model", "always", "--recipient", recipient, "--sign"),
            "--encrypt",
            data=bytes(inner),
        )
        return self._outer(to, in_reply_to, sealed)

    def _outer(self, to: str, in_reply_to: str, sealed: bytes) -> bytes:
        outer = EmailMessage(policy=policy.SMTP)
        outer["From"], outer["To"], outer["Subject"] = self.address, to, "Re: [...]"
        outer["Date"] = formatdate()
        outer["Message-ID"] = make_msgid(domain=self.address.rpartition("@")[2])
        outer["In-Reply-To"] = in_reply_to
        outer["MIME-Version"] = "1.0"
        outer.add_header(
            "Content-Type", "multipart/encrypted", protocol="application/pgp-encrypted"
        )
        version, body = MIMEPart(policy=policy.SMTP), MIMEPart(policy=policy.SMTP)
        version["Content-Type"] = "application/pgp-encrypted"
        version.set_payload("Version: 1\r\n")
        body.add_header("Content-Type", "application/octet-stream", name="encrypted.asc")
        body.set_payload(sealed.decode("ascii"))
        outer.set_payload([version, body])
        outer.set_boundary(f"=_{secrets.token_hex(12)}")
        return bytes(outer)


@dataclass(frozen=True, slots=True)
class Post:
    """How an adviser's own program hands a mail to his server.

    Attributes:
        ca_file: the certificate that it trusts.
    """

    port: int
    ca_file: Path
    password: str = field(repr=False)

    def send(self, sender: str, to: str, raw: bytes) -> None:
        """Hands one mail in. Raises: OSError, smtplib.SMTPException."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        with smtplib.SMTP("127.0.0.1", self.port, timeout=_GPG_SECONDS) as server:
            server.starttls(context=context)
            server.login(sender, self.password)
            server.sendmail(sender, [to], raw)


def end_agents(folder: Path) -> None:
    """Ends what gpg started for a keyring and left running."""
    if folder.exists():
        with contextlib.suppress(OSError):
            subprocess.run(  # noqa: S603 (a fixed command line)
                ["gpgconf", "--homedir", str(folder), "--kill", "all"],  # noqa: S607 (as gpg)
                capture_output=True,
                timeout=_GPG_SECONDS,
                check=False,
            )


def _bytes(payload: object) -> bytes:
    return payload if isinstance(payload, bytes) else b""


def _file(part: object) -> tuple[str, bytes]:
    if not isinstance(part, EmailMessage | MIMEPart):
        return "", b""
    return part.get_filename() or "", _bytes(part.get_payload(decode=True))


def _signer(status: str) -> str | None:
    """The primary key's fingerprint of the one good signature that gpg reports."""
    valid = [line.split() for line in status.splitlines() if line.startswith("[GNUPG:] VALIDSIG ")]
    return valid[0][-1] if len(valid) == 1 else None
