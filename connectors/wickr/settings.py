"""What an operator sets for a Wickr account.

Rule kept here: the web interface hands out every message to whoever has its key and token, so both
cross a network only over https; on loopback alone in the clear. A value that opens another door is
refused with its place and its remedy.
"""

import ipaddress
import re
from collections.abc import Mapping
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

_MIB = 1024 * 1024
_NAME = r"^[^\s\x00-\x1f\x7f]{1,256}$"
_LONGEST_TTL = 366 * 24 * 3600
_HEADER = re.compile(r"[\x21-\x7e]{8,256}")


class WickrSettings(BaseModel):
    """The table of one Wickr account in the configuration file.

    Attributes:
        api: base URL of the web interface, without a path; http on loopback only.
        private_address: its name leads to a private address (an own data centre).
        user: the bot's own Wickr name, as rooms list it.
        standby: a second account of ours, that is a moderator of each room that we make.
        receive: how messages come: posted to us, with polling as the fallback, or polled.
        poll_every: seconds between two polls.
        listen: loopback address that the bot's client posts to.
        listen_port: port there; 0 takes any, as we tell the client ourselves. Without it and with
            ``reached_at`` nothing listens, and posts come through our API alone.
        reached_at: base URL under which the client reaches us: our API's
            ``…/api/v1/webhooks/NAME``, or that of a proxy of ours before our listener's port.
            Without it, our listener itself is.
        patience: seconds after which a call without an answer is given up.
        attachments: folder of this machine in which the client leaves received files; None where
            it is not mounted here: then they cannot be read.
        uploads: folder of this machine in which the web interface leaves what we sent; None where
            it is not mounted here: then nobody cleans it.
        max_attachment_bytes: largest file sent or taken in.
        burn_on_read: seconds after reading for which a message stays, in rooms that we make; None
            for what has to be retained.
        look_every: seconds between two looks at files that nobody needs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    api: str
    private_address: bool = False
    user: str = Field(pattern=_NAME)
    standby: str | None = Field(default=None, pattern=_NAME)
    receive: Literal["callback", "poll"] = "callback"
    poll_every: float = Field(default=1.0, ge=0.1, le=5.0)
    listen: str = "127.0.0.1"
    listen_port: int = Field(default=0, ge=0, le=65535)
    reached_at: str | None = None
    patience: float = Field(default=30.0, ge=0.5, le=600.0)
    attachments: Path | None = None
    uploads: Path | None = None
    max_attachment_bytes: int = Field(default=100 * _MIB, ge=0, le=1024 * _MIB)
    burn_on_read: int | None = Field(default=None, ge=1, le=_LONGEST_TTL)
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

    @field_validator("attachments", "uploads")
    @classmethod
    def _only_whole_paths(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_absolute():
            raise ValueError("give the folder's whole path, from the root")
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
                raise ValueError(f"{name}: use https; http only on loopback")
        if "/WickrIO" in self.api:
            raise ValueError("api: give scheme, host and port alone; the key is never in a path")
        if self.standby == self.user:
            raise ValueError("standby: name another account than user")
        return self

    @property
    def through_api(self) -> bool:
        """What is posted comes through our API, and nothing of this connector listens."""
        return self.receive == "callback" and self.reached_at is not None and not self.listen_port

    @property
    def opening(self) -> Opening:
        """The one place that this account may reach."""
        return Opening.of(self.api, private=self.private_address)


class WickrSecrets(BaseModel):
    """Secret values of one Wickr account; never in a repr.

    Attributes:
        api_key: the web interface's BOT_API_KEY; goes in a header, never in a path.
        auth_token: its BOT_API_AUTH_TOKEN, as it was set there, not in base64.
        state_key: 32 random bytes, base64 or hexadecimal: seals what waits on disk to be taken in.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    fixed: ClassVar[Mapping[str, str]] = {
        "state_key": "it seals what waits on disk to be taken in: set up a new folder instead"
    }
    """Values that are not changed by putting another in their place, and what to do instead."""

    api_key: SecretStr
    auth_token: SecretStr
    state_key: SecretStr

    @model_validator(mode="after")
    def _usable(self) -> Self:
        for name in ("api_key", "auth_token"):
            if not _HEADER.fullmatch(getattr(self, name).get_secret_value()):
                raise ValueError(f"{name}: give 8 to 256 printable characters without a space")
        key_bytes(self.state_key.get_secret_value(), "state_key")
        return self

    @property
    def key(self) -> bytes:
        """The state key's 32 bytes."""
        return key_bytes(self.state_key.get_secret_value(), "state_key")


def read_setup(setup: Setup) -> tuple[WickrSettings, WickrSecrets]:
    """Settings and secrets of a setup.

    Raises:
        Rejected: with all problems at once, places and remedies, and no value.
    """
    return read_models(setup, WickrSettings, WickrSecrets)


Settings, Secrets = WickrSettings, WickrSecrets
"""Under these names the registry looks for a connector's settings and secrets."""
