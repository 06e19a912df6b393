"""The mailbox that the settings name, put together.

Rule kept here: an account without a mailbox has ``NoMailbox`` and says so; nothing is guessed.
"""

import ssl
from collections.abc import Callable
from pathlib import Path

from connectors.pgpmail.inbox import Inbox, Ours
from connectors.pgpmail.inbox_imap import ImapBox
from connectors.pgpmail.inbox_mail import Box
from connectors.pgpmail.inbox_maildir import MaildirBox
from connectors.pgpmail.inbox_state import InboxState
from connectors.pgpmail.judge.words import Limits
from connectors.pgpmail.ledger import Ledger
from connectors.pgpmail.mailbox import Mailbox, NoMailbox
from connectors.pgpmail.settings import MailSecrets, MailSettings
from connectors.pgpmail.submit import trusting
from connectors.port import AccountId
from connectors.port.door import Door
from connectors.port.messages import Device


def mailbox_of(
    settings: MailSettings,
    secret: MailSecrets,
    door: Door,
    ledger: Ledger,
    own: Device,
    folders: tuple[Path, Path],
    now: Callable[[], int],
) -> Mailbox:
    """The account's mailbox.

    Args:
        settings: name it, or none.
        secret: opens it and our key.
        door: checks the server's address.
        ledger: contacts, and our own mails.
        own: our key.
        folders: gpg's, and the account's state; both owner-only.
        now: the clock, microseconds UTC.

    Raises:
        Rejected: the certificates to trust cannot be read.
    """
    if settings.maildir is None and settings.mailbox is None:
        return NoMailbox()
    home, folder = folders
    context = trusting(settings.ca_file)
    state, limits = InboxState(folder), Limits()
    ours = Ours(
        AccountId(settings.address),
        own,
        home,
        secret.passphrase.get_secret_value(),
        settings.verp("{token}"),
        settings.gpg,
    )
    box: Box
    if settings.maildir is not None:
        box = MaildirBox(settings.maildir, state, limits.mail_bytes)
    else:
        box = _server(settings, secret, context, limits.mail_bytes)
    return Inbox(box, ours, ledger, state, now, door, settings.mailbox, limits)


def _server(
    settings: MailSettings, secret: MailSecrets, context: ssl.SSLContext, limit: int
) -> ImapBox:
    password = secret.imap_password or secret.smtp_password
    return ImapBox(
        (settings.imap_host or "", settings.imap_port),
        (settings.imap_user or settings.address, password.get_secret_value()),
        context,
        limit,
        settings.silence,
    )
