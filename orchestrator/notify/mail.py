"""A notification by mail, as a way to reach somebody whose screen is off.

Rules kept here:

1. Mail is handed over with TLS, or to this machine itself, or not at all.
2. A mail that is tried again is the same mail: one Message-ID, so that mailboxes show it once.
3. Its servers read it. The deal's code name stands in it only where the settings say so.
"""

from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from orchestrator.audit.anchors.mail import MailServer, hand_over
from orchestrator.clock import SECOND, Clock
from orchestrator.notify.ways import Gone, NotTaken, To, Took
from orchestrator.notify.words import SUBJECT, Notice, lines

FIRST_PERMANENT = 500


class ByMail:
    """Implements ``Carries``.

    Args:
        server: where mail is handed over.
        sender: whose address it comes from.
        now: the clock.
        names: the deal's code name may stand in it.
    """

    def __init__(self, server: MailServer, sender: str, now: Clock, *, names: bool) -> None:
        self._server = server
        self._sender = sender
        self._now = now
        self._names = names

    async def carry(self, notice: Notice, to: To) -> Took:
        """See the port."""
        if to.person is None or to.person.mail is None:
            raise Gone("mail.no_address")
        shown = notice if self._names else notice.without_code()
        mail = self._mail(shown, to.person.mail)
        try:
            refused, _ = await hand_over(mail, self._server)
        except aiosmtplib.SMTPRecipientsRefused:
            raise Gone("mail.recipient_refused") from None
        except aiosmtplib.SMTPResponseException as error:
            if error.code >= FIRST_PERMANENT:
                raise Gone("mail.refused") from None
            raise NotTaken("mail.later") from None
        except (aiosmtplib.SMTPReadTimeoutError, aiosmtplib.SMTPServerDisconnected):
            raise NotTaken("mail.no_answer", unknown=True) from None
        except (aiosmtplib.SMTPException, OSError, ValueError):
            raise NotTaken("mail.not_reached") from None
        if refused:
            raise Gone("mail.recipient_refused")
        return Took("mail.taken")

    def _mail(self, notice: Notice, recipient: str) -> EmailMessage:
        mail, domain = EmailMessage(), self._sender.rpartition("@")[2]
        mail["From"], mail["To"] = self._sender, recipient
        mail["Subject"] = SUBJECT
        mail["Date"] = format_datetime(datetime.fromtimestamp(self._now() // SECOND, UTC))
        mail["Message-ID"] = f"<{notice.send_id}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content("\n".join(lines(notice)) + "\n")
        return mail
