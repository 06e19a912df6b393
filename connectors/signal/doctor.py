"""What an operator can see to: the API server's reach, its log, its release, who administers rooms.

Rule kept here: what cannot be seen is not ok.
"""

from collections.abc import AsyncIterator

from connectors.port.connector import Check
from connectors.port.errors import ConnectorError
from connectors.signal.account import Account
from connectors.signal.answers import mapping, text
from connectors.signal.client import Client

_UNSEEN = "it could not be seen; is the API server up?"


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
        loopback: the API server is reached on loopback.
        least: the oldest release that is good enough.
        heard_at: when we last got a post, microseconds UTC; None if never since the start.
    """

    def __init__(
        self, client: Client, account: Account, *, loopback: bool, least: str, heard_at: int | None
    ) -> None:
        self._client = client
        self._account = account
        self._loopback = loopback
        self._least = least
        self._heard_at = heard_at

    async def look(self) -> tuple[Check, ...]:
        """All facts."""
        return tuple([check async for check in self._looks()])

    async def _looks(self) -> AsyncIterator[Check]:
        looks = {
            "api reach": self._reach,
            "api log": self._log,
            "api version": self._version,
            "room admins": self._admins,
        }
        for code, look in looks.items():
            try:
                yield await look()
            except ConnectorError:
                yield Check(code, ok=False, hint=_UNSEEN)
        heard = self._heard_at is not None
        hint = "posts arrive" if heard else "no post yet: is RECEIVE_WEBHOOK_URL set there?"
        yield Check("webhook", ok=heard, hint=hint, later=not heard)

    async def _reach(self) -> Check:
        if self._loopback:
            hint = "on loopback; every program of this machine can ask it"
            return Check("api reach", ok=True, hint=hint)
        if await self._client.anybody_may_ask():
            hint = "it answers without a credential: let the proxy before it refuse that"
            return Check("api reach", ok=False, hint=hint)
        return Check("api reach", ok=True, hint="behind a proxy that asks for our credential")

    async def _log(self) -> Check:
        told = mapping(await self._client.read("/v1/configuration"))
        level = text(mapping(told.get("logging")).get("Level"))
        if level in {"info", "warn", "error"}:
            return Check("api log", ok=True, hint=f"level {level}")
        hint = "it logs bodies: set LOG_LEVEL=info" if level == "debug" else "its level is unknown"
        return Check("api log", ok=False, hint=hint)

    async def _version(self) -> Check:
        _, version = await self._account.mode()
        old = older(version, self._least)
        if old is None:
            return Check("api version", ok=False, hint="the server does not say a release")
        if old:
            hint = f"older than {self._least}: it does not say whom a message did not reach"
            return Check("api version", ok=False, hint=hint)
        return Check("api version", ok=True, hint=f"at least {self._least}")

    async def _admins(self) -> Check:
        own = self._account.own.account
        groups = [g for g in await self._account.groups() if g.ours and len(g.members) > 1]
        alone = sum(group.admins == {own} for group in groups)
        if alone:
            hint = f"our account is the only admin of {alone} rooms: make a person an admin"
            return Check("room admins", ok=False, hint=hint)
        return Check("room admins", ok=True, hint=f"{len(groups)} rooms have a person as admin")
