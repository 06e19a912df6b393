"""What an operator sets for an XMPP account.

Rule kept here: a value that could open a door (a certificate that nobody checks, plain text, a
short key, an unknown setting) is refused with its place and its remedy, and no default is the
looser choice.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.port.connector import Setup
from connectors.port.door import Opening
from connectors.port.settings import key_bytes, read_models
from connectors.xmpp.addresses import ADDRESS, HOST, domain_of

_MIB = 1024 * 1024
_PORTS = {"direct": 5223, "starttls": 5222}


class XmppSettings(BaseModel):
    """The table of one XMPP account in the configuration file.

    Attributes:
        account: our own bare address, ``name@domain``.
        standby: a second account of ours, an owner of each room that we make.
        host: the machine to dial, where it is not the account's domain; the certificate is
            checked for the domain all the same.
        port: of that machine; 5223 for ``direct``, 5222 for ``starttls`` when not given.
        tls: from the first byte on (XEP-0368), or begun on the stream; without TLS we never go on.
        private_address: host and files lead to private addresses (an own data centre).
        ca_file: certificates to trust beside none other; those of the system when not given.
        rooms: the service that keeps rooms, such as ``rooms.example.com``.
        files: base URL that uploads go to and come from; no files are sent without it.
        upload: the service that gives out places for uploads; found by itself when not given.
        resource: our session's name; one process at a time may use it.
        nick: under which we sit in rooms.
        archive: the rooms that we make keep an archive, so that what comes while we are away is
            caught up; without OMEMO newcomers can read it too, and rooms do not hide history.
        archive_seconds: after how many the server is set to forget what a room's archive keeps. No
            server tells it, so that a room's timer is only *requested* by it: a person attests it.
        moderation: the rooms offer XEP-0425, so that what was said can be taken back.
        omemo: seal end to end; needs the extra of that name.
        withdraw: numbers of devices of our account whose keys are lost, to be taken off the list of
            those that people seal to; `doctor` names them.
        max_attachment_bytes: largest file sent or fetched.
        max_stanza_bytes: largest message with all of its marks that the server takes.
        patience: seconds after which an answer that did not come is given up.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    account: str = Field(pattern=ADDRESS.pattern, max_length=1023)
    standby: str | None = Field(default=None, pattern=ADDRESS.pattern, max_length=1023)
    host: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.:-]+$", max_length=253)
    port: int | None = Field(default=None, ge=1, le=65535)
    tls: Literal["direct", "starttls"] = "direct"
    private_address: bool = False
    ca_file: Path | None = None
    rooms: str = Field(pattern=HOST.pattern, max_length=253)
    files: str | None = None
    upload: str | None = Field(default=None, pattern=HOST.pattern, max_length=253)
    resource: str = Field(default="wallcross", pattern=r"^[A-Za-z0-9._-]{1,64}$")
    nick: str = Field(default="wallcross", pattern=r"^[A-Za-z0-9._-]{1,64}$")
    archive: bool = True
    archive_seconds: int | None = Field(default=None, ge=3600, le=10 * 366 * 24 * 3600)
    moderation: bool = False
    omemo: bool = False
    withdraw: tuple[str, ...] = ()
    max_attachment_bytes: int = Field(default=50 * _MIB, ge=0, le=1024 * _MIB)
    max_stanza_bytes: int = Field(default=200_000, ge=10_000, le=2 * _MIB)
    patience: float = Field(default=20.0, ge=0.5, le=600.0)

    @field_validator("ca_file")
    @classmethod
    def _there(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError("give the path of a file with certificates in PEM form")
        return value

    @model_validator(mode="after")
    def _only_safe_transport(self) -> Self:
        if self.files is not None:
            try:
                opening = Opening.of(self.files, private=self.private_address)
            except ValueError as error:
                raise ValueError(f"files: {error}") from None
            if opening.scheme != "https":
                raise ValueError("files: use https")
        return self

    @model_validator(mode="after")
    def _standby_is_another(self) -> Self:
        if self.standby is not None and self.standby.lower() == self.account.lower():
            raise ValueError("standby: name an account other than the one that it stands by for")
        return self

    @property
    def domain(self) -> str:
        """The domain of our account; certificates are checked for it."""
        return domain_of(self.account)

    @property
    def forgets_after(self) -> int | None:
        """After how long the server is said to forget what was written, microseconds."""
        return None if self.archive_seconds is None else self.archive_seconds * 1_000_000

    @property
    def opening(self) -> Opening:
        """The one place that the stream goes to."""
        port = self.port or _PORTS[self.tls]
        host = (self.host or self.domain).lower()
        url = f"xmpp://[{host}]:{port}" if ":" in host else f"xmpp://{host}:{port}"
        return Opening.of(url, private=self.private_address)

    @property
    def openings(self) -> tuple[Opening, ...]:
        """All places that this account may reach."""
        if self.files is None:
            return (self.opening,)
        return self.opening, Opening.of(self.files, private=self.private_address)


class XmppSecrets(BaseModel):
    """Secret values of one XMPP account; never in a repr.

    Attributes:
        password: to sign in with; never sent as it is (SCRAM only).
        state_key: 32 random bytes, base64 or hexadecimal: seals what waits on disk to be taken in,
            and the keys of OMEMO.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    fixed: ClassVar[Mapping[str, str]] = {
        "state_key": "it seals what waits on disk and OMEMO's keys: set up a new folder instead"
    }
    """Values that are not changed by putting another in their place, and what to do instead."""

    password: SecretStr = Field(min_length=1)
    state_key: SecretStr

    @model_validator(mode="after")
    def _usable(self) -> Self:
        key_bytes(self.state_key.get_secret_value(), "state_key")
        return self

    @property
    def key(self) -> bytes:
        """The state key's 32 bytes."""
        return key_bytes(self.state_key.get_secret_value(), "state_key")


def read_setup(setup: Setup) -> tuple[XmppSettings, XmppSecrets]:
    """Settings and secrets of a setup.

    Raises:
        Rejected: with all problems at once, places and remedies, and no value.
    """
    return read_models(setup, XmppSettings, XmppSecrets)


Settings, Secrets = XmppSettings, XmppSecrets
"""Under these names the registry looks for a connector's settings and secrets."""
