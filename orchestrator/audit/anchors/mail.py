"""An anchor that is a mailbox outside the host.

What it proves: the mail, which whoever owns the mailbox keeps, shows any later export to be
rewritten or cut short. The receipt that we keep (the server took it) proves nothing to others:
the mail itself does, with the mail servers' own times in its header.

Rule kept here: a mail holds one signed head, which names no deal, no person and no text.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import ip_address
from typing import Literal

import aiosmtplib

from orchestrator.audit.anchors.port import AnchorFailed, checked_name, kept
from orchestrator.audit.body import canonical_of
from orchestrator.audit.heads import SignedHead
from orchestrator.clock import HOUR, SECOND

Tls = Literal["tls", "starttls", "none"]
SECONDS_TO_WAIT = 20.0
_LONGEST_RESPONSE = 200


@dataclass(frozen=True, slots=True)
class MailServer:
    """How to hand over mail.

    Attributes:
        host: the server.
        port: its port.
        tls: from the start, by STARTTLS, or none (only to this machine itself).
        user: for signing in, None without.
        password: asks the secret store.

    Raises:
        ValueError: neither TLS nor this machine itself.
    """

    host: str
    port: int
    tls: Tls = "starttls"
    user: str | None = None
    password: Callable[[], str] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.tls == "none" and not _is_this_machine(self.host):
            raise ValueError(f"mail to {self.host} needs TLS")


async def hand_over(mail: EmailMessage, server: MailServer) -> tuple[object, str]:
    """Gives a mail to a server; whom it refused, and its last answer.

    Raises:
        aiosmtplib.SMTPException, OSError, ValueError: it did not take it, or nobody knows.
    """
    return await aiosmtplib.send(
        mail,
        hostname=server.host,
        port=server.port,
        use_tls=server.tls == "tls",
        start_tls=server.tls == "starttls",
        username=server.user,
        password=server.password() if server.password else None,
        timeout=SECONDS_TO_WAIT,
    )


class MailAnchor:
    """Sends each head by mail. Implements ``Anchor``."""

    kind = "mail"

    def __init__(
        self, name: str, server: MailServer, sender: str, recipient: str, *, every: int = HOUR
    ) -> None:
        self.name = checked_name(name)
        self.every = every
        self._server = server
        self._sender = sender
        self._recipient = recipient

    async def anchor(self, head: SignedHead) -> bytes:
        """See the port."""
        mail = self._mail(head)
        try:
            refused, response = await hand_over(mail, self._server)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise AnchorFailed("mail.not_taken") from error
        if refused:
            raise AnchorFailed("mail.recipient_refused")
        shown = "".join(c for c in response if c.isprintable())[:_LONGEST_RESPONSE]
        return canonical_of(
            {"message_id": mail["Message-ID"], "response": shown, "to": self._recipient}
        )

    def _mail(self, head: SignedHead) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"] = self._sender, self._recipient
        mail["Subject"] = f"Audit head {head.n}"
        mail["Date"] = format_datetime(datetime.fromtimestamp(head.at // SECOND, UTC))
        mail["Message-ID"] = f"<{secrets.token_hex(16)}@{self._sender.rpartition('@')[2]}>"
        mail.set_content(
            "Keep this mail. Its attachment proves later whether the audit records of the host\n"
            "that sent it were changed after this moment.\n"
        )
        mail.add_attachment(
            kept(head), maintype="application", subtype="json", filename=f"head-{head.n}.json"
        )
        return mail


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
