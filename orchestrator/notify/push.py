"""Web push: to a browser that somebody allowed to hear (RFC 8030), sealed to it (RFC 8291).

Rules kept here:

1. An address to push to comes from a browser: it is reached only where its origin is one that the
   settings name, through a door that reaches nothing else.
2. What is pushed is encrypted to the browser's own key; the push service sees when, how much and to
   whom, and no word of it. It is told who pushes by a key of this home (RFC 8292), made once and
   kept with the home's secrets.
3. A subscription that its service no longer knows is forgotten at once.
"""

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import http_ece
import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from connectors.port.door import Door, DoorClosed
from orchestrator.clock import HOUR, SECOND, Clock
from orchestrator.notify.ways import Gone, NotTaken, To, Took
from orchestrator.notify.webhook import taken
from orchestrator.notify.words import Notice, lines, short
from orchestrator.secrets.port import SecretStore

SECRET = "notify/vapid"  # noqa: S105 - its name
LASTS_S = 4 * 3_600
"""A push service keeps what it cannot deliver for so long: later it would mislead."""
PROVES_FOR = 12 * HOUR
UNKNOWN = frozenset({404, 410})
KEY_BYTES, AUTH_BYTES = 65, 16
UNCOMPRESSED = 4
"""First byte of a point (SEC 1 section 2.3.3)."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where one browser hears.

    Attributes:
        name: our id of it.
        endpoint: its address at its push service.
        key: its public key, a point of P-256.
        auth: its authentication secret, 16 bytes.

    Raises:
        ValueError: it is none.
    """

    name: str
    endpoint: str = field(repr=False)
    key: bytes = field(repr=False)
    auth: bytes = field(repr=False)

    def __post_init__(self) -> None:
        fits = len(self.key) == KEY_BYTES and self.key[0] == UNCOMPRESSED
        if not fits or len(self.auth) != AUTH_BYTES:
            raise ValueError("a browser gives a point of P-256 and a secret of 16 bytes")
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self.key)

    @property
    def origin(self) -> str:
        """Scheme, host and port of its push service."""
        return origin_of(self.endpoint)


def origin_of(url: str) -> str:
    """The origin of an address. Raises: ValueError: it is none."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise ValueError("a push service has an address that begins with https://") from None
    if parsed.scheme not in {"https", "http"} or not parsed.host or parsed.userinfo:
        raise ValueError("a push service has an address that begins with https://")
    port = f":{parsed.port}" if parsed.port is not None else ""
    return f"{parsed.scheme}://{parsed.host}{port}"


def vapid_key(vault: SecretStore) -> Vapid02:
    """The home's key for push services, made when it is first asked for."""
    found = vault.get(SECRET)
    if found is None:
        number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
        vault.set(SECRET, number.to_bytes(32, "big"))
        found = vault.get(SECRET)
    if found is None:
        raise ValueError("the home's key for push services was not kept")
    secret = ec.derive_private_key(int.from_bytes(found.reveal(), "big"), ec.SECP256R1())
    return Vapid02(secret)


def public_of(key: Vapid02) -> str:
    """The key as browsers take it (RFC 8292 section 3.2)."""
    point = key.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


class ByPush:
    """Implements ``Carries``: to each browser that somebody allowed.

    Args:
        door: reaches the configured push services and nothing else.
        origins: theirs.
        key: the home's.
        contact: where a push service may complain: ``mailto:`` or ``https:``.
        of: the subscriptions of whoever it goes to.
        forget: drops one.
        now: the clock.
    """

    def __init__(
        self,
        door: Door,
        origins: frozenset[str],
        key: Vapid02,
        contact: str,
        of: Callable[[To], Awaitable[tuple[Subscription, ...]]],
        forget: Callable[[Subscription], Awaitable[None]],
        now: Clock,
    ) -> None:
        self._client = door.client()
        self.origins = origins
        self.key = key
        self._contact = contact
        self._of = of
        self._forget = forget
        self._now = now

    async def carry(self, notice: Notice, to: To) -> Took:
        """See the port: taken by one of his browsers' services is taken."""
        came: list[Took] = []
        failed: list[NotTaken] = []
        for one in await self._of(to):
            try:
                came.append(await self._push(notice, one))
            except NotTaken as error:
                failed.append(error)
            except Gone:
                continue
        if came:
            return came[0]
        if failed:
            raise failed[0]
        raise Gone("push.nowhere")

    async def close(self) -> None:
        """Ends its connections."""
        await self._client.aclose()

    async def _push(self, notice: Notice, to: Subscription) -> Took:
        if to.origin not in self.origins:
            raise Gone("push.place_refused")
        try:
            answer = await self._client.post(
                to.endpoint, content=sealed(notice, to), headers=self._headers(notice, to)
            )
        except DoorClosed as error:
            raise Gone(f"push.{error.code}") from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol):
            raise NotTaken("push.not_reached") from None
        except httpx.HTTPError:
            raise NotTaken("push.no_answer", unknown=True) from None
        if answer.status_code in UNKNOWN:
            await self._forget(to)
        return taken(answer, "push")

    def _headers(self, notice: Notice, to: Subscription) -> dict[str, str]:
        expires = (self._now() + PROVES_FOR) // SECOND
        claims = {"aud": to.origin, "exp": expires, "sub": self._contact}
        signed: dict[str, str] = self.key.sign(claims)
        return {
            **signed,
            "Content-Encoding": "aes128gcm",
            "TTL": str(LASTS_S),
            "Urgency": "high",
            "Topic": notice.send_id.rpartition("_")[2][:32],
        }


def sealed(notice: Notice, to: Subscription) -> bytes:
    """What only that browser can read (RFC 8291 section 3, by a key made for it alone)."""
    first, *_ = lines(notice)
    said = {
        "id": notice.send_id,
        "title": first,
        "body": short(notice),
        "link": notice.link,
        "again": notice.again,
    }
    text = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    once = ec.generate_private_key(ec.SECP256R1())
    return bytes(http_ece.encrypt(text, private_key=once, dh=to.key, auth_secret=to.auth))
