"""How a stand-in is set up.

Rule kept here: the defaults are the deployment that docs/guides recommend: json-rpc mode, the
release after 0.100, new identities trusted on first use.
"""

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """How the real program runs signal-cli (environment variable ``MODE``)."""

    JSON_RPC = "json-rpc"
    NORMAL = "normal"


class Backend(StrEnum):
    """Which program is stood in for."""

    REST = "rest"
    """signal-cli-rest-api."""
    JSON_RPC = "json-rpc"
    """signal-cli's own daemon over HTTP."""


class ReceiveMode(StrEnum):
    """When signal-cli's own daemon fetches from Signal (``--receive-mode``)."""

    ON_START = "on-start"
    ON_CONNECTION = "on-connection"


RELEASE = "0.13.19"
"""Of signal-cli's own daemon, whose protocol was looked at."""
VERSIONS = ("0.100", "0.101")
"""Up to 0.100 a send answers an object; afterwards an array with errors per recipient."""


@dataclass(frozen=True, slots=True)
class Options:
    """One stand-in.

    Attributes:
        mode: json-rpc (webhook) or normal (polling).
        version: one of ``VERSIONS``.
        number: the account's number.
        trust: ``JSON_RPC_TRUST_NEW_IDENTITIES``.
        group_limit: most members of a group (a server-side setting of Signal).
        webhook: ``RECEIVE_WEBHOOK_URL``; json-rpc mode only.
        profile: the account's profile name; without one it makes no group.
        text_mode: ``DEFAULT_SIGNAL_TEXT_MODE``, for a send that names none.
        ignore_attachments: ``JSON_RPC_IGNORE_ATTACHMENTS``.
        log_level: what ``GET /v1/configuration`` says.
        backend: which program is stood in for.
        receive_mode: of signal-cli's own daemon.
        keepalive: seconds between two signs of life on its stream of events.
        release: what it says of its release.
    """

    mode: Mode = Mode.JSON_RPC
    version: str = "0.101"
    number: str = "+15550100"
    trust: str = "on-first-use"
    group_limit: int = 1000
    webhook: str = ""
    profile: str = "Wallcross"
    text_mode: str = "normal"
    ignore_attachments: bool = False
    log_level: str = "info"
    backend: Backend = Backend.REST
    receive_mode: ReceiveMode = ReceiveMode.ON_START
    keepalive: float = 15.0
    release: str = RELEASE

    @property
    def answers_array(self) -> bool:
        """The release answers a send with an array and names who was not reached."""
        return self.version != "0.100"

    @property
    def json_rpc(self) -> bool:
        """One daemon behind one connection."""
        return self.mode is Mode.JSON_RPC

    @property
    def streams(self) -> bool:
        """What is received goes to whoever reads the stream of events."""
        return self.backend is Backend.JSON_RPC
