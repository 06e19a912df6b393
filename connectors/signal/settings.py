"""What an operator sets for a Signal account.

Rule kept here: the server has no authentication and hands out every message, so it is reached on
loopback or through an own proxy that has a credential; whoever posts to us must know a secret of 32
random bytes. A value that opens another door is refused with its place and its remedy.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from connectors.port.connector import Setup
from connectors.port.door import Opening
from connectors.port.settings import key_bytes, read_models
from connectors.signal.ids import UUID

_KEY_BYTES = 32
_MIB = 1024 * 1024
_HEX_SECRET = re.compile(r"[0-9a-fA-F]{64,256}")
_BASE64_SECRET = re.compile(r"[A-Za-z0-9_-]{43,256}")
_LEAST = {"rest": "0.100", "json-rpc": "0.13.0"}
MOST_IN_A_STRING = 14 * _MIB
"""Bytes of a file to signal-cli's daemon: its JSON reader takes no longer string (20,000,000)."""
_ONLY_HEX = re.compile(r"[0-9a-fA-F]*")


class SignalSettings(BaseModel):
    """The table of one Signal account in the configuration file.

    Attributes:
        backend: the program that runs the account: ``rest`` is signal-cli-rest-api, ``json-rpc``
            signal-cli's own daemon (``daemon --http``).
        api: base URL of that program; http on loopback only, else https through an own proxy.
        private_address: the proxy's name leads to a private address (an own data centre).
        number: our own number, E.164.
        standby: a second account of ours, by its UUID, that is an admin of each group that we make.
        listen: loopback address that the API server posts to.
        listen_port: port there; 0 takes any (then only a test can tell the server which). Without
            it nothing listens, and posts come through our API alone: then ``reached_at`` is needed.
            Of ``rest`` alone.
        reached_at: base URL before the secret under which the API server reaches us: our API's
            ``…/api/v1/webhooks/NAME``, or that of a proxy of ours before our listener. That it
            answers is watched. Without it, our listener itself is.
        patience: seconds after which a call without an answer is given up.
        max_attachment_bytes: largest file sent or fetched; with ``json-rpc`` 14 MiB go out at most.
        attachments: folder in which signal-cli's daemon keeps received files, if it is on this
            machine: what was stored here is deleted there. With ``json-rpc`` alone.
        least_version: of the program; an older one is shown red by ``doctor``.
        look_every: seconds between two looks at identities, own devices and our registration.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    backend: Literal["rest", "json-rpc"] = "rest"
    api: str
    private_address: bool = False
    number: str = Field(pattern=r"^\+[1-9][0-9]{5,14}$")
    standby: str | None = Field(default=None, pattern=UUID.pattern)
    listen: str = "127.0.0.1"
    listen_port: int | None = Field(default=None, ge=0, le=65535)
    reached_at: str | None = None
    patience: float = Field(default=60.0, ge=0.5, le=600.0)
    max_attachment_bytes: int = Field(default=100 * _MIB, ge=0, le=100 * _MIB)
    attachments: Path | None = None
    least_version: str | None = Field(default=None, pattern=r"^[0-9]+(\.[0-9]+){0,3}$")
    look_every: float = Field(default=60.0, ge=0.1, le=3600.0)

    @field_validator("listen")
    @classmethod
    def _only_loopback(cls, value: str) -> str:
        try:
            loopback = ipaddress.ip_address(value).is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            raise ValueError("give a loopback address; an own proxy may stand before it")
        return value

    @model_validator(mode="after")
    def _only_safe_transport(self) -> Self:
        for name, url in (("api", self.api), ("reached_at", self.reached_at)):
            if url is None:
                continue
            try:
                opening = Opening.of(url, private=self.private_address)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
            if opening.scheme != "https" and not (opening.scheme == "http" and opening.loopback):
                raise ValueError(f"{name}: use https with an own proxy; http only on loopback")
        return self

    @model_validator(mode="after")
    def _of_the_backend(self) -> Self:
        if self.backend == "rest" and self.listen_port is None and self.reached_at is None:
            raise ValueError(
                "listen_port: the API server posts to it; name a free port, or in reached_at"
                " where it reaches our API"
            )
        if self.backend == "rest" and self.attachments is not None:
            raise ValueError("attachments: the API server deletes files itself; take it out")
        if self.backend != "rest" and (self.listen_port, self.reached_at) != (None, None):
            raise ValueError("listen_port, reached_at: nobody posts to us here; take them out")
        if self.attachments is not None and not self.attachments.is_absolute():
            raise ValueError("attachments: give the whole path of signal-cli's folder")
        return self

    @classmethod
    def needs(cls, values: Mapping[str, object]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Settings and secrets that are needed beside those that always are, by name.

        Args:
            values: the settings so far.
        """
        rest = values.get("backend", cls.model_fields["backend"].default) == "rest"
        listens = rest and "reached_at" not in values
        return ("listen_port",) if listens else (), ("webhook_secret",) if rest else ()

    @property
    def rest(self) -> bool:
        """The program is signal-cli-rest-api."""
        return self.backend == "rest"

    @property
    def least(self) -> str:
        """The oldest release that is good enough."""
        return self.least_version or _LEAST[self.backend]

    @property
    def most_sent(self) -> int:
        """Largest file that goes out, bytes."""
        return min(self.max_attachment_bytes, 100 * _MIB if self.rest else MOST_IN_A_STRING)

    @property
    def opening(self) -> Opening:
        """The one place that this account may reach."""
        return Opening.of(self.api, private=self.private_address)


class SignalSecrets(BaseModel):
    """Secret values of one Signal account; never in a repr.

    Attributes:
        webhook_secret: last part of the URL that the API server posts to: 32 random bytes or more
            in hexadecimal or URL-safe base64. Needed with ``rest``.
        state_key: 32 random bytes, base64 or hexadecimal: seals what waits on disk to be taken in.
        api_token: what the own proxy before the API server asks for, as a bearer token.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fixed: ClassVar[Mapping[str, str]] = {
        "state_key": "it seals what waits on disk to be taken in: set up a new folder instead"
    }
    """Values that are not changed by putting another in their place, and what to do instead."""

    webhook_secret: SecretStr | None = None
    state_key: SecretStr
    api_token: SecretStr | None = None

    @model_validator(mode="after")
    def _usable(self) -> Self:
        secret = self.path
        enough = _HEX_SECRET if _ONLY_HEX.fullmatch(secret) else _BASE64_SECRET
        if self.webhook_secret is not None and not enough.fullmatch(secret):
            raise ValueError(
                "webhook_secret: give 32 random bytes or more in hexadecimal or URL-safe base64"
            )
        key_bytes(self.state_key.get_secret_value(), "state_key")
        return self

    @property
    def path(self) -> str:
        """The webhook's secret; empty where there is none."""
        return "" if self.webhook_secret is None else self.webhook_secret.get_secret_value()

    @property
    def token(self) -> str | None:
        """What the own proxy asks for."""
        return None if self.api_token is None else self.api_token.get_secret_value()

    @property
    def key(self) -> bytes:
        """The state key's 32 bytes."""
        return key_bytes(self.state_key.get_secret_value(), "state_key")


def read_setup(setup: Setup) -> tuple[SignalSettings, SignalSecrets]:
    """Settings and secrets of a setup.

    Raises:
        Rejected: with all problems at once, places and remedies, and no value.
    """
    return read_models(setup, SignalSettings, SignalSecrets, _together)


def _together(settings: SignalSettings, secrets: SignalSecrets) -> Iterator[str]:
    if not settings.opening.loopback and secrets.api_token is None:
        yield "api_token: an API server beyond loopback needs a proxy that asks one"
    if settings.rest and secrets.webhook_secret is None:
        yield "webhook_secret: whoever posts to us must know one; give 32 random bytes"
    if not settings.rest and secrets.webhook_secret is not None:
        yield "webhook_secret: nobody posts to us with this backend; take it out"


Settings, Secrets = SignalSettings, SignalSecrets
"""Under these names the registry looks for a connector's settings and secrets."""
