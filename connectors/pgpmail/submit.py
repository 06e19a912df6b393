"""Handing a mail to the submission server: TLS demanded, one recipient, its word taken.

Rules kept here:

1. There is no way without TLS, and the server's certificate is that of the configured name. The
   address connected to is one that the door checked.
2. Until the line that ends a mail is written, nothing was said (RFC 5321, 4.1.1.4): a cut before
   is Unavailable. From then on only the server's answer tells, and none is Uncertain.
3. 4xx is for now, 5xx for good. What a server writes beside its code is not passed on, as it may
   quote what we wrote; of its words only a number of seconds to wait is read.
4. A mail is streamed: it is never whole in memory.
5. Mails of a moment share connections (``sessions``); whether the account is taken is asked on a
   new one.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import aiosmtplib

from connectors.pgpmail.sessions import Sessions
from connectors.port.door import Door, DoorClosed, Opening
from connectors.port.errors import ConnectorError, Rejected, Unavailable, Uncertain

_SECOND = 1_000_000
_START_INPUT, _ACCEPTED, _PERMANENT, _TEMPORARY = 354, 250, 500, 400
_CLOSING = 421
_ENHANCED = re.compile(r"^([245]\.\d{1,3}\.\d{1,3})\b")
_WAIT = re.compile(r"\b(\d{1,5}) ?(s|sec|seconds?|min|minutes?)\b", re.IGNORECASE)
_AT_ONCE = 4
"""Connections at the same time; servers count them by account."""
_LONG_END = 5.0
"""How many times longer than any other answer the last one may take (RFC 5321, 4.5.3.2.6)."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail ready for the wire.

    Attributes:
        sender: envelope sender.
        recipient: the one address that it goes to.
        token: names it in a report.
        size: bytes on the wire.
        read: its bytes, lines ended by CRLF.
    """

    sender: str
    recipient: str
    token: str
    size: int
    read: Callable[[], AsyncIterator[bytes]]


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """The certificates to trust.

    Raises:
        Rejected: the file cannot be read as certificates.
    """
    try:
        context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except (OSError, ssl.SSLError):
        context = None
    if context is None:
        raise Rejected("ca_file_unreadable", "ca_file: give a file of certificates in PEM")
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Submission:
    """One submission server.

    Args:
        door: the only way out.
        opening: the server, one of the door's.
        starttls: TLS by STARTTLS; else from the first byte.
        user: to sign in with.
        password: likewise.
        domain: what we call ourselves.
        context: certificates to trust.
        silence: seconds without an answer.
    """

    def __init__(
        self,
        door: Door,
        opening: Opening,
        *,
        starttls: bool,
        user: str,
        password: str,
        domain: str,
        context: ssl.SSLContext,
        silence: float,
    ) -> None:
        self._door = door
        self._opening = opening
        self._starttls = starttls
        self._user = user
        self._password = password
        self._domain = domain
        self._context = context
        self._silence = silence
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._sessions = Sessions(self._connected)

    async def close(self) -> None:
        """Ends connections that were kept."""
        await self._sessions.close()

    async def greet(self) -> None:
        """Signs in and out. Raises: Unavailable, Rejected."""
        async with self._sessions.alone() as smtp:
            answer = await _asked(smtp.noop())
            if answer.code >= _TEMPORARY:
                raise _refusal(answer.code, answer.message)

    async def deliver(self, mail: Mail) -> None:
        """Hands a mail over.

        Raises:
            Rejected: refused for good.
            Unavailable: certainly not taken, for now.
            Uncertain: it may have been taken.
        """
        async with self._turns, self._sessions.one() as smtp:
            await self._announce(smtp, mail)
            started = await _asked(smtp.execute_command(b"DATA"))
            if started.code >= _TEMPORARY or started.code < 0:
                raise _refusal(started.code, started.message)
            if started.code != _START_INPUT:
                raise Rejected("data_not_taken", "the mail server took the mail before it was sent")
            await self._write(smtp, mail)

    async def _connected(self) -> aiosmtplib.SMTP:
        error: ConnectorError
        try:
            smtp = aiosmtplib.SMTP(
                hostname=self._opening.host,
                sock=await self._socket(),
                use_tls=not self._starttls,
                start_tls=self._starttls,
                username=self._user,
                password=self._password,
                local_hostname=self._domain,
                tls_context=self._context,
                timeout=self._silence,
            )
            await smtp.connect()
        except aiosmtplib.SMTPAuthenticationError:
            error = Unavailable("auth_refused", "the mail server refuses the account: renew it")
        except aiosmtplib.SMTPResponseException as refused:
            error = Unavailable("server_busy", f"the mail server answers {refused.code}")
        except ssl.SSLError:
            error = Unavailable("tls_refused", "the mail server's certificate is not trusted")
        except DoorClosed as closed:
            error = Rejected(closed.code, closed.hint)
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPConnectError, OSError):
            error = Unavailable("server_unreachable", "the mail server does not answer")
        except (aiosmtplib.SMTPException, ValueError):
            error = Unavailable("tls_missing", "the mail server offers no TLS or no way to sign in")
        else:
            return smtp
        raise error

    async def _socket(self) -> socket.socket:
        """A connection to the first checked address that takes one. Raises: OSError, DoorClosed."""
        loop = asyncio.get_running_loop()
        failure: OSError = OSError("the name has no address")
        async with asyncio.timeout(self._door.limits.connect):
            for address in await self._door.addresses(self._opening):
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                # named, so that asyncio has it send at once: else each mail's end waits 40 ms
                made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
                made.setblocking(False)  # noqa: FBT003 (the library takes no name)
                try:
                    await loop.sock_connect(made, (address, self._opening.port))
                except OSError as error:
                    made.close()
                    failure = error
                except BaseException:
                    made.close()
                    raise
                else:
                    return made
        raise failure

    async def _announce(self, smtp: aiosmtplib.SMTP, mail: Mail) -> None:
        """MAIL and RCPT. Raises: Rejected, Unavailable."""
        limit = smtp.esmtp_extensions.get("size", "")
        if limit.isdigit() and 0 < int(limit) < mail.size:
            raise Rejected("too_large", f"{mail.size} bytes; the mail server takes {limit}")
        options = [f"SIZE={mail.size}"] if smtp.supports_extension("size") else []
        if smtp.supports_extension("dsn"):
            options += ["RET=HDRS", f"ENVID={mail.token}"]
        await _asked(smtp.mail(mail.sender, options=options))
        await _asked(smtp.rcpt(mail.recipient))

    async def _write(self, smtp: aiosmtplib.SMTP, mail: Mail) -> None:
        """The mail itself and what the server makes of it."""
        transport, protocol = smtp.transport, smtp.protocol
        if not isinstance(transport, asyncio.WriteTransport) or protocol is None:
            raise Unavailable("cut_before_end", "the connection broke before the mail was whole")
        cut = False
        try:
            async for piece in mail.read():
                transport.write(_stuffed(piece))
                async with asyncio.timeout(self._silence):
                    # what a StreamWriter calls to drain; one of ours would close the transport
                    await protocol._drain_helper()  # noqa: SLF001 (asyncio's own hook)
            cut = transport.is_closing()
        except OSError:  # of which TimeoutError is one
            cut = True
        if cut:
            raise Unavailable("cut_before_end", "the connection broke before the mail was whole")
        transport.write(b".\r\n")  # from here on it may be taken
        await self._end(protocol)

    async def _end(self, protocol: aiosmtplib.protocol.SMTPProtocol) -> None:
        error: ConnectorError | None = None
        try:
            answer = await protocol.read_response(timeout=self._silence * _LONG_END)
        except (aiosmtplib.SMTPException, OSError):
            error = Uncertain("no_answer", "the mail server did not say whether it took the mail")
        else:
            if _TEMPORARY <= answer.code < _PERMANENT + 100:
                error = _refusal(answer.code, answer.message)
            elif answer.code != _ACCEPTED:
                error = Uncertain("answer_malformed", "the mail server's answer makes no sense")
        if error is not None:
            raise error


def _stuffed(piece: bytes) -> bytes:
    """Whole lines, the dot that begins one doubled (RFC 5321, 4.5.2)."""
    return re.sub(rb"(?m)^\.", b"..", piece)


async def _asked(
    asking: "asyncio.Future[aiosmtplib.SMTPResponse] | object",
) -> aiosmtplib.SMTPResponse:
    """The answer to a command before any of the mail was sent. Raises: Rejected, Unavailable."""
    error: ConnectorError
    try:
        answer: aiosmtplib.SMTPResponse = await asking  # type: ignore[misc]  # any awaitable
    except aiosmtplib.SMTPResponseException as refused:
        error = _refusal(refused.code, refused.message)
    except (aiosmtplib.SMTPException, OSError):
        error = Unavailable("server_unreachable", "the mail server does not answer")
    else:
        return answer
    raise error


def _refusal(code: int, message: str) -> ConnectorError:
    """What a refusal means, without its words."""
    enhanced = _ENHANCED.match(message)
    shown = f"{code} {enhanced.group(1)}" if enhanced else str(code)
    if code >= _PERMANENT:
        return Rejected(f"smtp_{code}", f"the mail server refuses it for good ({shown})")
    if code < _TEMPORARY:
        return Unavailable("answer_malformed", "the mail server's answer makes no sense")
    return Unavailable(
        f"smtp_{code}",
        f"the mail server refuses it for now ({shown})",
        retry_after=_told_to_wait(message),
    )


def _told_to_wait(message: str) -> int | None:
    """Microseconds to wait, where a server says so in words."""
    found = _WAIT.search(message)
    if found is None:
        return None
    unit = 60 if found.group(2).lower().startswith("m") else 1
    return int(found.group(1)) * unit * _SECOND
