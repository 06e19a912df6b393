"""What `wallcross channel rotate` shows, and its call."""

from dataclasses import dataclass

from orchestrator.client.wire import Wire, part


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """A secret of a channel account that was changed, or would be.

    Attributes:
        secret: its name in the settings.
        reference: where its value is kept.
        state: ``changed``, or ``as it was`` where nothing was asked for.
        made: it was made here, and its network told.
        account: whose it is, as read back with the new value.
        paused: why nothing goes out there now; None where it runs.
        can_make: the network can be told a new one by us.
        last: when it was changed last, microseconds UTC; None: never by this.
    """

    channel: str
    secret: str
    reference: str
    state: str
    made: bool = False
    account: str | None = None
    paused: str | None = None
    can_make: bool = False
    last: int | None = None


class RotateApi(Wire):
    """Secrets of channel accounts."""

    async def channel_rotate(
        self,
        name: str,
        secret: str | None,
        value: str | None,
        *,
        make: bool = False,
        only_look: bool = False,
    ) -> Rotated:
        """Puts another secret in force, once its network takes it."""
        body = {"secret": secret, "value": value, "make": make, "only_look": only_look}
        return await self._post(Rotated, f"/channels/{part(name)}/rotate", body)
