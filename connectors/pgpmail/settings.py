"""What an operator sets for a PGP mail account.

Rule kept here: a value that could open a door (no TLS, a server that is not named, an unknown
setting, a key without a pass-phrase) is refused with its place and its remedy, and no default is
the looser choice.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from connectors.port.connector import Setup
from connectors.port.door import Opening
from connectors.port.settings import read_models

_ADDRESS = (
    r"^[A-Za-z0-9.!#$%&'*/=?^_`{|}~+-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"
)
_IS_ADDRESS = re.compile(_ADDRESS)
_MIB = 1024 * 1024
_PORTS = {"starttls": 587, "tls": 465}
_IMAPS = 993


def plain_address(text: str) -> bool:
    """Whether a text is one mail address and nothing more (RFC 5321, dot-atom form only)."""
    return len(text) <= 254 and _IS_ADDRESS.fullmatch(text) is not None  # noqa: PLR2004 (RFC 5321, 4.5.3.1.3)


def same_address(text: str) -> str:
    """The form in which two addresses are compared: lower case, as mail systems deliver."""
    return text.lower()


class MailSettings(BaseModel):
    """The table of one PGP mail account in the configuration file.

    Attributes:
        address: our own mail address.
        name: what stands beside it in From; empty for the address alone.
        fingerprint: of our own key; made once and kept when not given.
        smtp_host: submission server.
        smtp_port: its port; 587 for starttls, 465 for tls when not given.
        smtp_tls: how TLS is demanded; there is no way without.
        smtp_user: to sign in with; our address when not given.
        imap_host: where our mail is read; not given with ``maildir``.
        imap_port: its port; TLS from the first byte.
        imap_user: to sign in with; our address when not given.
        maildir: folder in Maildir form to read instead of IMAP.
        ca_file: certificates to trust instead of the system's.
        private_address: the servers' names lead to private addresses (an own data centre).
        max_mail_bytes: largest mail that the servers on the way take, armour and all.
        attachment_encoding: base64 is read by every mail client; binary makes mails a quarter
            smaller, for advisers whose clients were seen to read it.
        return_path: envelope sender; ``{token}`` in it becomes random in each mail, so that a
            bounce names its mail.
        home: folder of gpg's keys instead of the channel's own (its path must be short).
        gpg: the program.
        silence: seconds without an answer before a server counts as gone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    address: str = Field(pattern=_ADDRESS, max_length=254)
    name: str = Field(default="", max_length=80, pattern=r"^[A-Za-z0-9 ._-]*$")
    fingerprint: str | None = Field(default=None, pattern=r"^[0-9A-F]{40}(?:[0-9A-F]{24})?$")
    smtp_host: str = Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:-]+$")
    smtp_port: int | None = Field(default=None, ge=1, le=65_535)
    smtp_tls: Literal["starttls", "tls"] = "starttls"
    smtp_user: str | None = None
    imap_host: str | None = Field(default=None, max_length=253, pattern=r"^[A-Za-z0-9.:-]+$")
    imap_port: int = Field(default=_IMAPS, ge=1, le=65_535)
    imap_user: str | None = None
    maildir: Path | None = None
    ca_file: Path | None = None
    private_address: bool = False
    max_mail_bytes: int = Field(default=25 * _MIB, ge=64 * 1024, le=1024 * _MIB)
    attachment_encoding: Literal["base64", "binary"] = "base64"
    return_path: str | None = None
    home: Path | None = None
    gpg: str = "gpg"
    silence: float = Field(default=60.0, gt=0, le=600)

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.imap_host is not None and self.maildir is not None:
            raise ValueError("maildir: give imap_host or maildir, not both")
        for place in (self.maildir, self.home, self.ca_file):
            if place is not None and not place.is_absolute():
                raise ValueError("maildir, home, ca_file: give absolute paths")
        if not plain_address(self.verp("0" * 16)):
            raise ValueError("return_path: give an address; {token} may stand in its local part")
        return self

    @property
    def domain(self) -> str:
        """Domain of our own address."""
        return self.address.rpartition("@")[2]

    @property
    def user(self) -> str:
        """Whom we sign in as at the submission server."""
        return self.smtp_user or self.address

    @property
    def submission(self) -> Opening:
        """The one place that mail is handed to."""
        port = self.smtp_port or _PORTS[self.smtp_tls]
        return self._opening("smtp", self.smtp_host, port)

    @property
    def mailbox(self) -> Opening | None:
        """The one place that mail is fetched from; None where it lies in a Maildir."""
        if self.imap_host is None:
            return None
        return self._opening("imaps", self.imap_host, self.imap_port)

    def _opening(self, scheme: str, host: str, port: int) -> Opening:
        literal = Opening.of(f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}")
        return Opening(scheme, literal.host, port, self.private_address or literal.private)

    def verp(self, token: str) -> str:
        """The envelope sender of one mail.

        Args:
            token: random, of this mail alone.
        """
        if self.return_path is not None:
            return self.return_path.replace("{token}", token)
        local, _, domain = self.address.rpartition("@")
        return f"{local}+{token}@{domain}"


class MailSecrets(BaseModel):
    """Secret values of one PGP mail account; never in a repr.

    Attributes:
        passphrase: of our private key; random, as it is read from a secret store by no person.
        smtp_password: for the submission server.
        imap_password: for the mailbox; the submission server's when not given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    fixed: ClassVar[Mapping[str, str]] = {
        "passphrase": "it locks our private key: change it with gpg --change-passphrase first"
    }
    """Values that are not changed by putting another in their place, and what to do instead."""

    passphrase: SecretStr = Field(min_length=20)
    smtp_password: SecretStr
    imap_password: SecretStr | None = None

    @model_validator(mode="after")
    def _one_line(self) -> Self:
        if re.search(r"[\r\n\x00]", self.passphrase.get_secret_value()):
            raise ValueError("passphrase: one line, which gpg reads to its end")
        return self


def read_setup(setup: Setup) -> tuple[MailSettings, MailSecrets]:
    """Settings and secrets of a setup.

    Raises:
        Rejected: with all problems at once, places and remedies, and no value.
    """
    return read_models(setup, MailSettings, MailSecrets)


Settings, Secrets = MailSettings, MailSecrets
"""Under these names the registry looks for a connector's settings and secrets."""
