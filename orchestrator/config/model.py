"""The shape of `wallcross.toml`.

Rules kept here:

1. Nothing unknown is accepted, no type is guessed, and no value is a secret: what is secret is
   named by a reference (``keyring:`` ``env:`` ``file:`` ``cmd:``).
2. No default opens a door: no channel, no deal, no anchor and no listener that another machine
   reaches exists unless written. The desk listens on this machine's loopback unless it is switched
   off, and answers nobody who is not signed in.
"""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, model_validator

NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
CODE = re.compile(r"[A-Z][A-Z0-9-]{1,31}")
LAST_PORT = 65_535
REFERENCE = re.compile(r"(keyring:[^/\s]+/\S+|env:[A-Za-z_][A-Za-z0-9_]*|file:\S.*|cmd:\S.*)")

Scalar = str | int | float | bool
Setting = Scalar | list[str] | list[int] | dict[str, str]


def _name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError("use lower-case letters, digits, - and _, starting with a letter")
    return value


def _code(value: str) -> str:
    if not CODE.fullmatch(value):
        raise ValueError("a deal's code is 2 to 32 capitals, digits and -, such as HALCYON")
    return value


def _reference(value: str) -> str:
    if not REFERENCE.fullmatch(value):
        raise ValueError(
            "a secret is named, never written: keyring:SERVICE/NAME, env:NAME, file:PATH or cmd:…"
        )
    return value


def _listener(value: str) -> str:
    host, _, port = value.rpartition(":")
    try:
        there = ip_address(host.strip("[]")).version == (6 if host.startswith("[") else 4)
    except ValueError:
        there = False
    if not (there and port.isascii() and port.isdigit() and 0 < int(port) <= LAST_PORT):
        raise ValueError("an address with its port, such as 127.0.0.1:9642 or [::1]:9642")
    return value


def is_near(listener: str) -> bool:
    """Whether an address with its port is reached from this machine alone."""
    return ip_address(listener.rpartition(":")[0].strip("[]")).is_loopback


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("not a time zone; write for instance Europe/Berlin")
    return value


Name = Annotated[str, AfterValidator(_name)]
Code = Annotated[str, AfterValidator(_code)]
Reference = Annotated[str, AfterValidator(_reference)]
"""Where a secret lies; its value is read by orchestrator.secrets alone."""
Zone = Annotated[str, AfterValidator(_zone)]
Listener = Annotated[str, AfterValidator(_listener)]
"""Where something listens: an address, not a name, and its port."""
FilePath = Annotated[Path, Strict(strict=False)]
"""Relative to the folder of the file that names it."""


class Part(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class HomePart(Part):
    """Whose installation this is."""

    host: str | None = Field(
        default=None,
        min_length=1,
        description="side or neutral firm that runs this home; none: made-up deals only",
    )
    time_zone: Zone = Field(default="UTC", description="IANA name; days begin at its midnight")


class DealPart(Part):
    """One deal. What is named here acts only once adopted."""

    policy: FilePath | None = Field(default=None, description="none: the default policy")
    roster: FilePath | None = Field(default=None, description="folder or file of CSV")
    made_up: bool = Field(default=False, description="accepts channels proven in a lab only")


class ChannelPart(Part):
    """One account on one network."""

    kind: Name = Field(description="connector, such as matrix")
    settings: dict[str, Setting] = Field(default={}, description="the connector's own settings")
    secrets: dict[str, Reference] = Field(default={}, description="references, by setting")


class FolderAnchor(Part):
    """Heads are copied into a folder on other storage."""

    kind: Literal["folder"]
    name: Name
    path: FilePath
    witness: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="public key of whoever counter-signs"
    )


class MailAnchor(Part):
    """Heads are mailed to somebody outside."""

    kind: Literal["mail"]
    name: Name
    to: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    sender: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    server: str
    port: int = Field(default=587, ge=1, le=65535)
    tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="none is accepted on loopback only"
    )
    user: str | None = None
    password: Reference | None = None


class StampAnchor(Part):
    """Heads are stamped by an RFC 3161 authority."""

    kind: Literal["rfc3161"]
    name: Name
    url: str = Field(pattern=r"^https?://")
    roots: FilePath = Field(description="PEM file of the certificates that may have signed")


Anchor = Annotated[FolderAnchor | MailAnchor | StampAnchor, Field(discriminator="kind")]


class ClockPart(Part):
    """What the machine's time is held against."""

    channels: list[Name] = Field(default=[], description="channels whose Date is heard")
    system: bool = Field(default=True, description="ask the system's time service")
    max_off_s: int = Field(default=60, ge=1, le=60)


class SecretsPart(Part):
    """Where our own secrets lie: the master key, epoch keys, the audit's signing key."""

    folder: FilePath | None = Field(
        default=None, description="of what no keyring takes; never inside the home"
    )


class ApprovalsPart(Part):
    """From which page approvers' passkeys are asked; SSH keys need none of it."""

    origin: str | None = Field(
        default=None,
        pattern=r"^https://[a-z0-9.-]+(:\d{1,5})?$|^http://localhost(:\d{1,5})?$",
        description="origin of the page, such as https://wallcross.kestrel.example",
    )
    rp_id: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9.-]+$",
        description="relying party: the origin's host, or a domain that it lies in",
    )


class OidcPart(Part):
    """A provider that says who somebody is (OpenID Connect)."""

    issuer: str = Field(
        pattern=r"^https://[^\s?#]+$|^http://(localhost|127\.0\.0\.1)(:\d{1,5})?(/[^\s?#]*)?$",
        description="as the provider writes itself; https, or http on this machine",
    )
    client_id: str = Field(min_length=1, max_length=200)
    client_secret: Reference | None = Field(
        default=None, description="reference; none: a public client"
    )
    hosts: list[str] = Field(
        default=[], description="further hosts of the provider's endpoints, as host or host:port"
    )
    private: bool = Field(
        default=False, description="the provider has addresses that are not public"
    )
    operators: list[str] = Field(
        default=[], description="subjects that run this home, exactly as the provider says them"
    )


class WebPart(Part):
    """The desk in a browser, and the API for other machines."""

    enabled: bool = Field(default=True, description="serve starts the desk on this machine")
    port: int = Field(default=8642, ge=1, le=65535, description="on 127.0.0.1 alone")
    origin: str = Field(
        default="http://localhost:8642",
        pattern=r"^https://[a-z0-9.-]+(:\d{1,5})?$|^http://localhost(:\d{1,5})?$",
        description="as browsers see the desk; behind a proxy its https origin",
    )
    api: str | None = Field(
        default=None,
        pattern=r"^(127\.0\.0\.1|\[::1\]):\d{1,5}$",
        description="further listener of the API for bots, such as 127.0.0.1:8643, behind a proxy",
    )
    operator: Listener | None = Field(
        default=None,
        description="health and metrics for whoever watches the machine, such as 127.0.0.1:9642",
    )
    operator_network: bool = Field(
        default=False,
        description="the operator's address may be reached from other machines, without sign-in",
    )
    idle_min: int = Field(default=30, ge=1, le=30, description="a session unused for so long ends")
    longest_h: int = Field(default=8, ge=1, le=8, description="a session lasts at most so long")
    step_up_min: int = Field(
        default=5, ge=1, le=5, description="for so long somebody counts as proven again"
    )
    sessions_each: int = Field(default=5, ge=1, le=5, description="sessions of one person at once")
    oidc: OidcPart | None = Field(default=None, description="none: passkeys and one-time links")

    @model_validator(mode="before")
    @classmethod
    def _follows_port(cls, given: Any) -> Any:
        """Without an origin of its own the desk is seen at its port on this machine."""
        if isinstance(given, dict) and "port" in given and "origin" not in given:
            return {**given, "origin": f"http://localhost:{given['port']}"}
        return given

    @model_validator(mode="after")
    def _stays_here(self) -> "WebPart":
        """What answers without sign-in is for this machine alone, unless it says otherwise."""
        if self.operator is None or self.operator_network or is_near(self.operator):
            return self
        raise ValueError(
            "operator answers without sign-in: write a loopback address, or operator_network = true"
        )


class NotifyMail(Part):
    """A mail server that hands over notifications."""

    server: str
    port: int = Field(default=587, ge=1, le=65535)
    tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="none is accepted on loopback only"
    )
    user: str | None = None
    password: Reference | None = None
    sender: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    name_deals: bool = Field(
        default=False, description="a deal's code name may stand in mails; their servers read it"
    )


class NotifyPush(Part):
    """Web push: which push services may be reached, and where they may complain."""

    contact: str = Field(pattern=r"^(mailto:[^@\s]+@[^@\s]+|https://\S+)$")
    origins: list[str] = Field(
        default=[], description="of push services, such as https://fcm.googleapis.com"
    )


class NotifyWebhook(Part):
    """One address that is told too; its body is signed and holds counts."""

    url: str = Field(
        pattern=r"^https://\S+$|^http://(localhost|127\.0\.0\.1)(:\d{1,5})?(/\S*)?$",
        description="https, or http on this machine",
    )
    secret: Reference = Field(description="what the body is signed with")
    name_deals: bool = Field(default=False, description="a deal's code name may stand in it")


class NotifyPart(Part):
    """By which ways people are told that something needs them, beside their private lines."""

    mail: NotifyMail | None = None
    push: NotifyPush | None = None
    webhook: NotifyWebhook | None = None


class LogPart(Part):
    """What is written to stderr."""

    level: Literal["debug", "info"] = "info"


class SignalDecision(Part):
    """Counsel's decision on Signal clients that Signal does not make."""

    allowed: bool
    by: str = Field(min_length=1, max_length=200, description="who of counsel decided")
    on: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="the day, YYYY-MM-DD")


class DecisionsPart(Part):
    """What people decided that a program cannot know."""

    signal: SignalDecision | None = Field(
        default=None, description="counsel's, on unofficial Signal clients; none: undecided"
    )


class Config(Part):
    """The whole file."""

    version: Literal[1] = 1
    home: HomePart = HomePart()
    deals: dict[Code, DealPart] = {}
    channels: dict[Name, ChannelPart] = {}
    decisions: DecisionsPart = DecisionsPart()
    anchors: list[Anchor] = []
    clock: ClockPart = ClockPart()
    secrets: SecretsPart = SecretsPart()
    approvals: ApprovalsPart = ApprovalsPart()
    web: WebPart = WebPart()
    notify: NotifyPart = NotifyPart()
    log: LogPart = LogPart()
