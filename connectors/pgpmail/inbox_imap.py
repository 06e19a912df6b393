"""A mailbox on an IMAP server (RFC 3501, RFC 2177).

Rules kept here:

1. TLS from the first byte, to an address that was checked, with the certificate of the name.
2. IDLE tells that something came and nothing more: after each wake, each renewal and each new
   connection the server is searched from the last UID on, so that a cut loses nothing.
3. Another UIDVALIDITY means other names for all mails: all are looked at again, and what we have
   is recognised by what it says.
4. Nothing is marked, moved or deleted; a mail above the limit is fetched only in part.
"""

import contextlib
import imaplib
import logging
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError
from imapclient.tls import IMAP4_TLS

from connectors.pgpmail.inbox_mail import BoxError, Fetched

T = TypeVar("T")
RENEW = 5 * 60.0
"""Seconds of one IDLE; servers may end it after 30 minutes (RFC 2177)."""
_PART = 64 * 1024
"""Bytes fetched of a mail above the limit."""


class _Pinned(IMAP4_TLS):  # type: ignore[misc]  # the library carries no types for it
    """Connects to a checked address; certificate and name are those of the host."""

    def __init__(
        self, host: str, address: str, port: int, context: ssl.SSLContext, wait: float
    ) -> None:
        self._address = address
        super().__init__(host, port, context, wait)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        plain = socket.create_connection((self._address, self.port), timeout or self._timeout)
        secure: ssl.SSLSocket = self.ssl_context.wrap_socket(plain, server_hostname=self.host)
        return secure


class _Client(IMAPClient):  # type: ignore[misc]  # likewise
    def __init__(
        self, host: str, port: int, address: str, context: ssl.SSLContext, silence: float
    ) -> None:
        self._pinned = address
        self._wait = silence
        timeout = SocketTimeout(connect=silence, read=silence)
        super().__init__(host, port, ssl=True, ssl_context=context, timeout=timeout)

    def _create_IMAP4(self) -> _Pinned:  # noqa: N802 (the library's name)
        return _Pinned(self.host, self._pinned, self.port, self.ssl_context, self._wait)


class ImapBox:
    """One folder of one account. Implements ``Box``.

    Args:
        place: host and port.
        sign_in: user and password.
        context: the certificates to trust.
        limit: bytes of a mail that is fetched whole.
        silence: seconds without an answer before the server counts as gone.
        renew: seconds of one IDLE.
    """

    def __init__(
        self,
        place: tuple[str, int],
        sign_in: tuple[str, str],
        context: ssl.SSLContext,
        limit: int,
        silence: float = 60.0,
        renew: float = RENEW,
    ) -> None:
        self._place = place
        self._sign_in = sign_in
        self._context = context
        self._limit = limit
        self._silence = silence
        self._renew = renew
        self._client: Any = None
        self._validity = 0
        self._last = 0
        self._renamed = False
        self._waiting: list[int] = []
        logging.getLogger("imapclient").setLevel(logging.WARNING)  # below, it logs what it hears

    def __repr__(self) -> str:
        return f"ImapBox({self._place[0]!r})"

    def open(self, addresses: list[str]) -> None:
        """Connects, signs in, selects the inbox for reading. Raises: BoxError, OSError."""
        host, port = self._place
        failure: Exception = OSError("the name has no address")
        for address in addresses:
            try:
                made = partial(_Client, host, port, address, self._context, self._silence)
                self._client = self._asked(made, "no_answer")
            except (OSError, BoxError) as error:
                failure = error
            else:
                self._select()
                return
        raise failure

    def _select(self) -> None:
        user, password = self._sign_in
        self._asked(lambda: self._client.login(user, password), "sign_in_refused")
        found = self._asked(lambda: self._client.select_folder("INBOX", readonly=True), "no_inbox")
        if not self._asked(lambda: self._client.has_capability("IDLE"), "no_answer"):
            raise BoxError("no_idle")
        self._validity = int(found.get(b"UIDVALIDITY", 0))
        self._waiting = []

    def _asked(self, call: Callable[[], T], code: str) -> T:
        """Asks; what the server says goes no further than a code. Raises: BoxError, OSError."""
        try:
            return call()
        except ssl.SSLCertVerificationError:
            broken = "certificate_refused"
        except OSError:
            raise
        except (IMAPClientError, imaplib.IMAP4.error, ValueError):
            broken = code
        raise BoxError(broken)

    def now(self) -> str:
        """UIDVALIDITY and the highest UID that was given out."""
        status = self._asked(lambda: self._client.folder_status("INBOX", [b"UIDNEXT"]), "no_answer")
        return f"{self._validity}:{int(status[b'UIDNEXT']) - 1}"

    def start(self, cursor: str) -> None:
        """Goes on behind a UID; from the beginning where the server has given new names."""
        validity, _, last = cursor.partition(":")
        known = last.isdecimal() and validity == str(self._validity)
        self._last = int(last) if known else 0
        self._renamed = not known
        self._waiting = []

    def next(self) -> Fetched | None:
        """The next mail. Raises: BoxError, OSError."""
        if not self._waiting:
            self._waiting = self._behind()
        while self._waiting:
            uid = self._waiting.pop(0)
            found = self._fetched(uid)
            self._last = uid
            if found is not None:
                return found
        return None

    def _behind(self) -> list[int]:
        """UIDs behind the last; ``n:*`` names the last mail also when it is older than ``n``."""
        self._asked(self._client.noop, "no_answer")  # a search alone sees what was told of before
        words = ["UID", f"{self._last + 1}:*"]
        found = self._asked(lambda: self._client.search(words), "no_answer")
        return sorted(uid for uid in found if uid > self._last)

    def _fetched(self, uid: int) -> Fetched | None:
        """One mail; None when it is gone meanwhile."""
        size = self._one(uid, "RFC822.SIZE", b"RFC822.SIZE")
        if not isinstance(size, int):
            return None
        part = "" if size <= self._limit else f"<0.{_PART}>"
        key = b"BODY[]" if not part else b"BODY[]<0>"
        raw = self._one(uid, f"BODY.PEEK[]{part}", key)
        if not isinstance(raw, bytes):
            return None
        return Fetched(raw, max(size, len(raw)), f"{self._validity}:{uid}", self._renamed)

    def _one(self, uid: int, what: str, key: bytes) -> object:
        answer = self._asked(lambda: self._client.fetch([uid], [what]), "no_answer")
        return answer.get(uid, {}).get(key)

    def wait(self) -> None:
        """One IDLE, until the server says something or it is to be renewed."""
        client = self._client
        self._asked(client.idle, "no_idle")
        self._asked(lambda: client.idle_check(timeout=self._renew), "no_answer")
        self._asked(client.idle_done, "no_answer")

    def close(self) -> None:
        """Closes the connection; says good-bye only where that costs no time."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):
                client.shutdown()

    def cut(self) -> None:
        """Ends the connection under whatever waits for it."""
        client = self._client
        if client is not None:
            with contextlib.suppress(Exception):
                client.socket().shutdown(socket.SHUT_RDWR)
