"""Connections to the submission server, of which one that served well is kept for the next mail.

Rules kept here:

1. Kept is only a connection on which all went well, and one mail at a time is on it.
2. Before the next mail it is asked whether it still stands (RSET; RFC 5321, 4.1.1.5). One that
   does not say so soon is dropped for a new one, so that no mail fails for having come second.
3. It is kept for seconds and for few mails: the address is checked, the certificate looked at and
   the account signed in anew before long, whatever the server would put up with.
4. No connection is made while one is kept: there are never more than there are mails at a time.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import aiosmtplib

IDLE = 5.0
"""Seconds without a mail; servers under load end a connection after ten."""
LONGEST = 60.0
"""Seconds altogether."""
MOST = 20
"""Mails; many servers take no more than a few dozen."""
_STANDS = 250
_SOON = 2.0
"""Seconds within which one that stands says so."""
_POLITE = 1.0
"""Seconds that a farewell may take; nothing hangs on it."""


class _Session:
    """One connection.

    Args:
        smtp: TLS up and signed in.
    """

    def __init__(self, smtp: aiosmtplib.SMTP) -> None:
        self.smtp = smtp
        self.mails = 0
        self.ends: asyncio.TimerHandle | None = None
        self._transport = smtp.transport
        self._made = time.monotonic()

    @property
    def is_spent(self) -> bool:
        """Whether no further mail goes on it."""
        return self.mails >= MOST or time.monotonic() - self._made >= LONGEST

    async def stands(self) -> bool:
        """Whether the server still answers; cut when we are cancelled meanwhile."""
        try:
            return self.smtp.is_connected and (await self.smtp.rset(timeout=_SOON)).code == _STANDS
        except (aiosmtplib.SMTPException, OSError):
            return False
        except BaseException:
            self.cut()
            raise

    async def farewell(self) -> None:
        """Ends it as one should."""
        try:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await self.smtp.quit(timeout=_POLITE)
        finally:
            self.cut()

    def cut(self) -> None:
        """Breaks it off: a close would write what waits, and wait for the other side."""
        self.smtp.close()
        if isinstance(self._transport, asyncio.Transport):
            self._transport.abort()


class Sessions:
    """Connections of one account.

    Args:
        connect: makes one, TLS up and signed in.
    """

    def __init__(self, connect: Callable[[], Awaitable[aiosmtplib.SMTP]]) -> None:
        self._connect = connect
        self._idle: list[_Session] = []
        self._leaving: set[asyncio.Task[None]] = set()
        self._closed = False

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A new connection, ended afterwards. Raises: as ``connect`` does."""
        session = _Session(await self._connect())
        try:
            yield session.smtp
        except BaseException:
            session.cut()
            raise
        await session.farewell()

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A connection, kept afterwards unless anything failed. Raises: as ``connect`` does."""
        session = await self._again() or _Session(await self._connect())
        try:
            yield session.smtp
        except BaseException:
            session.cut()
            raise
        session.mails += 1
        if session.is_spent or self._closed:
            await session.farewell()
        else:
            session.ends = asyncio.get_running_loop().call_later(IDLE, self._end, session)
            self._idle.append(session)

    async def close(self) -> None:
        """Ends what is kept, and keeps nothing any more."""
        self._closed = True
        for session in list(self._idle):
            self._end(session)
        await asyncio.gather(*self._leaving)

    async def _again(self) -> _Session | None:
        """One that is kept and still stands."""
        if not self._idle:
            return None
        session = self._taken(self._idle[-1])
        if not session.is_spent and await session.stands():
            return session
        session.cut()
        return None

    def _taken(self, session: _Session) -> _Session:
        self._idle.remove(session)
        if session.ends is not None:
            session.ends.cancel()
        return session

    def _end(self, session: _Session) -> None:
        leaving = asyncio.ensure_future(self._taken(session).farewell())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
