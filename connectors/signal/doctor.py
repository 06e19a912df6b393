"""What an operator can see to: the API server's reach, its log, its release, who administers rooms.

Rule kept here: what cannot be seen is not ok.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Container

from connectors.port import RoomId
from connectors.port.connector import Check
from connectors.port.door import Opening
from connectors.port.errors import ConnectorError
from connectors.signal.account import Account
from connectors.signal.backend import Backend
from connectors.signal.ears import Ears
from connectors.signal.exposed import listens_beyond

GUIDE = "docs/guides/operator.md"
_UNSEEN = "it could not be seen; nothing is sent that needs it"
_STILL = "between the phones and it all is end-to-end encrypted still"


def older(version: str, least: str) -> bool | None:
    """Whether a release is older than another; None where it is none that can be compared."""
    try:
        one = [int(each) for each in version.partition("-")[0].split(".")]
        other = [int(each) for each in least.split(".")]
    except ValueError:
        return None
    return one < other


class Doctor:
    """Looks at one installation.

    Args:
        ears: how we hear.
        guarded: a proxy before the API server asks for our credential.
        opening: where the API server is.
        least: the oldest release that is good enough.
        heard_at: when something last came, microseconds UTC; None if never since the start.
        coming: tells the rooms with people who become admins once they are in.
    """

    def __init__(
        self,
        backend: Backend,
        account: Account,
        ears: Ears,
        *,
        guarded: bool,
        opening: Opening,
        least: str,
        heard_at: int | None,
        coming: Callable[[], Container[RoomId]],
    ) -> None:
        self._backend = backend
        self._ears = ears
        self._account = account
        self._guarded = guarded
        self._opening = opening
        self._least = least
        self._heard_at = heard_at
        self._coming = coming

    async def look(self) -> tuple[Check, ...]:
        """All facts."""
        return tuple([check async for check in self._looks()])

    async def _looks(self) -> AsyncIterator[Check]:
        looks: dict[str, Callable[[], Awaitable[Check | None]]] = {
            "api reach": self._reach,
            "api log": self._log,
            "api version": self._version,
            "api mode": self._mode,
            "room admins": self._admins,
            "received files": self._files,
        }
        for code, look in looks.items():
            try:
                check = await look()
                if check is not None:
                    yield check
            except ConnectorError:
                yield Check(code, ok=False, hint=_UNSEEN, remedy="see that the API server runs")
        yield self._ears.check(self._heard_at)

    async def _reach(self) -> Check:
        if self._guarded and await self._backend.anybody_may_ask():
            hint = f"it answers without our credential, so anybody reads and sends as us; {_STILL}"
            remedy = f"let the proxy before it refuse what has no credential ({GUIDE})"
            return Check("api reach", ok=False, hint=hint, remedy=remedy)
        if self._guarded:
            return Check("api reach", ok=True, hint="behind a proxy that asks for our credential")
        beyond = listens_beyond(self._opening.port)
        if beyond:
            hint = (
                "it listens beyond loopback and asks for nothing, so others read and send as us;"
                f" {_STILL}"
            )
            remedy = "bind it to 127.0.0.1 (Docker: -p 127.0.0.1:PORT:8080), or put a proxy before"
            return Check("api reach", ok=False, hint=hint, remedy=remedy)
        if beyond is None:
            hint = "for whom it listens could not be seen"
            return Check(
                "api reach", ok=False, hint=hint, remedy="run it on this machine's loopback"
            )
        hint = "on loopback alone; every program of this machine can ask it"
        return Check("api reach", ok=True, hint=hint)

    async def _log(self) -> Check | None:
        level = await self._backend.logs()
        if level is None:  # signal-cli's own daemon does not tell
            return None
        if level in {"info", "warn", "error"}:
            return Check("api log", ok=True, hint=f"level {level}")
        bodies = "it logs what is written, in the clear; our own logs hold no text"
        hint = bodies if level == "debug" else "at which level it logs is unknown"
        remedy = "set LOG_LEVEL=info there, start it anew, and destroy the log that it has written"
        return Check("api log", ok=False, hint=hint, remedy=remedy)

    async def _version(self) -> Check:
        old = older(await self._backend.version(), self._least)
        if old is None:
            hint, remedy = "the server does not say a release", "run a released one"
            return Check("api version", ok=False, hint=hint, remedy=remedy)
        if old:
            hint = (
                f"older than {self._least}: it does not say whom a message did not reach; what it"
                " says to be sent is sent to some"
            )
            remedy = "take a newer release; see its own notes before"
            return Check("api version", ok=False, hint=hint, remedy=remedy)
        return Check("api version", ok=True, hint=f"at least {self._least}")

    async def _mode(self) -> Check | None:
        deaf = self._backend.deaf  # as it said when it was asked for its release
        if deaf is None:
            return None
        return Check("api mode", ok=False, hint=deaf.what, remedy=deaf.remedy)

    async def _files(self) -> Check | None:
        if self._backend.deletes_files:
            return None
        hint = "signal-cli keeps received files in the clear, and no call of it deletes them"
        remedy = "name its folder in the setting attachments, or start it with --ignore-attachments"
        return Check("received files", ok=False, hint=hint, remedy=remedy)

    async def _admins(self) -> Check:
        own = self._account.own.account
        groups = [g for g in await self._account.groups() if g.ours and len(g.members) > 1]
        alone = [g.room for g in groups if g.admins == {own}]
        coming = self._coming() if alone else frozenset()
        lost = [room for room in alone if room not in coming]
        if lost:
            hint = (
                f"our account is the only admin of {len(lost)} rooms: if it is lost, nobody can"
                " take anybody out; their members read and write on"
            )
            remedy = f"make a member an admin through the API server ({GUIDE})"
            return Check("room admins", ok=False, hint=hint, remedy=remedy)
        waiting = f"; of {len(alone)} the owner has not come in yet" if alone else ""
        hint = f"{len(groups) - len(alone)} rooms have a person as admin{waiting}"
        return Check("room admins", ok=True, hint=hint)
