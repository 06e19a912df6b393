"""What an operator sets for a Matrix account.

Rule kept here: a value that could open a door (plain HTTP to another machine, a short key, an
unknown setting) is refused with its place and its remedy, and no default is the looser choice.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from connectors.port.connector import Setup
from connectors.port.door import Opening
from connectors.port.settings import key_bytes, read_models

_KEY_BYTES = 32
_MIB = 1024 * 1024


class MatrixSettings(BaseModel):
    """The table of one Matrix account in the configuration file.

    Attributes:
        homeserver: base URL of the client-server API; https, or http on loopback only.
        user: full Matrix user id of our account.
        standby: a second account of ours, which can do in each room all that the first can.
        device: device id to sign in with; made at random and kept when not given.
        device_name: what other people's clients show for our device.
        private_address: the homeserver's name leads to a private address (an own data centre).
        federate: rooms that we make may be joined from other homeservers.
        servers: with ``federate``, the only homeservers let in besides our own; empty for any.
        room_version: version of the rooms that we make.
        max_attachment_bytes: largest file sent or fetched.
        sync_wait: seconds that a wait for news may take.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    homeserver: str
    user: str = Field(pattern=r"^@[^:\s]+:\S+$", max_length=255)
    standby: str | None = Field(default=None, pattern=r"^@[^:\s]+:\S+$", max_length=255)
    device: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._=/+-]{1,64}$")
    device_name: str = Field(default="Wallcross", max_length=100)
    private_address: bool = False
    federate: bool = False
    servers: tuple[str, ...] = ()
    room_version: Literal["11", "12"] = "12"
    max_attachment_bytes: int = Field(default=50 * _MIB, ge=0, le=1024 * _MIB)
    sync_wait: int = Field(default=30, ge=0, le=50)

    @model_validator(mode="after")
    def _only_safe_transport(self) -> Self:
        try:
            opening = self.opening
        except ValueError as error:
            raise ValueError(f"homeserver: {error}") from None
        if opening.scheme != "https" and not (opening.scheme == "http" and opening.loopback):
            raise ValueError("homeserver: use https; http is accepted on loopback only")
        return self

    @model_validator(mode="after")
    def _standby_is_another(self) -> Self:
        if self.standby == self.user:
            raise ValueError("standby: name an account other than the one that it stands by for")
        return self

    @property
    def opening(self) -> Opening:
        """The one place that this account may reach."""
        return Opening.of(self.homeserver, private=self.private_address)

    @property
    def server(self) -> str:
        """Server name of our own account."""
        return self.user.split(":", 1)[1]


class MatrixSecrets(BaseModel):
    """Secret values of one Matrix account; never in a repr.

    Attributes:
        password: to sign in with.
        access_token: instead of a password, of a device that is nobody else's.
        pickle_key: 32 random bytes, base64 or hexadecimal: seals the keys kept on disk.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fixed: ClassVar[Mapping[str, str]] = {
        "pickle_key": "it seals the keys of our device: set up a new device id and folder instead"
    }
    """Values that are not changed by putting another in their place, and what to do instead."""

    password: SecretStr | None = None
    access_token: SecretStr | None = None
    pickle_key: SecretStr

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.password is None and self.access_token is None:
            raise ValueError("password: give a password or an access_token")
        key_bytes(self.pickle_key.get_secret_value(), "pickle_key")
        return self

    @property
    def key(self) -> bytes:
        """The pickle key's 32 bytes."""
        return key_bytes(self.pickle_key.get_secret_value(), "pickle_key")


def read_setup(setup: Setup) -> tuple[MatrixSettings, MatrixSecrets]:
    """Settings and secrets of a setup.

    Raises:
        Rejected: with all problems at once, places and remedies, and no value.
    """
    return read_models(setup, MatrixSettings, MatrixSecrets)


Settings, Secrets = MatrixSettings, MatrixSecrets
"""Under these names the registry looks for a connector's settings and secrets."""
