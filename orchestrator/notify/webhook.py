"""A notification to one configured address of the home's own, signed.

Rules kept here:

1. It leaves by a door of its own, which reaches the configured place and nothing else, and follows
   no redirect.
2. Its body holds counts and kinds. It is signed with a secret over its time and its bytes, so that
   a receiver knows who sent it and refuses what is old.
3. It names the deal only where the settings say so; a receiver is a program, not a person.
"""

import hmac
import json
from collections.abc import Callable
from hashlib import sha256

import httpx

from connectors.port.door import Door, DoorClosed
from orchestrator.clock import SECOND, Clock
from orchestrator.notify.ways import Gone, NotTaken, To, Took
from orchestrator.notify.words import Notice

SIGNATURE, SENT_AT, SEND = "X-Wallcross-Signature", "X-Wallcross-Time", "X-Wallcross-Id"
LATER = frozenset({408, 425, 429})
_CLIENT_ERROR, _SERVER_ERROR = 400, 500


def signature(secret: bytes, sent_at: int, body: bytes) -> str:
    """What a receiver computes again: HMAC-SHA256 (RFC 2104) over ``<seconds>.<body>``."""
    return "v1=" + hmac.digest(secret, f"{sent_at}.".encode() + body, sha256).hex()


class ByWebhook:
    """Implements ``Carries``.

    Args:
        door: reaches the address and nothing else.
        url: the address.
        secret: asks the secret store.
        now: the clock.
        names: the deal's code name may stand in it.
    """

    def __init__(
        self, door: Door, url: str, secret: Callable[[], bytes], now: Clock, *, names: bool
    ) -> None:
        self._client = door.client()
        self._url = url
        self._secret = secret
        self._now = now
        self._names = names

    async def carry(self, notice: Notice, to: To) -> Took:
        """See the port."""
        del to
        body, at = self._body(notice), self._now() // SECOND
        headers = {
            "Content-Type": "application/json",
            SENT_AT: str(at),
            SEND: notice.send_id,
            SIGNATURE: signature(self._secret(), at, body),
        }
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except DoorClosed as error:
            raise Gone(f"webhook.{error.code}") from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol):
            raise NotTaken("webhook.not_reached") from None
        except httpx.HTTPError:
            raise NotTaken("webhook.no_answer", unknown=True) from None
        return taken(answer, "webhook")

    async def close(self) -> None:
        """Ends its connections."""
        await self._client.aclose()

    def _body(self, notice: Notice) -> bytes:
        said = {
            "v": 1,
            "id": notice.send_id,
            "deal": notice.code if self._names else None,
            "needs": dict(notice.counts),
            "link": notice.link,
            "again": notice.again,
        }
        return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def taken(answer: httpx.Response, way: str) -> Took:
    """What an answer means.

    Raises:
        NotTaken, Gone: it was not taken.
    """
    status = answer.status_code
    if answer.is_success:
        return Took(f"{way}.taken")
    if status in LATER or status >= _SERVER_ERROR:
        raise NotTaken(f"{way}.later_{status}", _retry_after(answer))
    raise Gone(f"{way}.refused_{status}")


def _retry_after(answer: httpx.Response) -> int | None:
    """How long to wait (RFC 9110 section 10.2.3); a date is not read: our clocks may differ."""
    said = answer.headers.get("Retry-After", "")
    return int(said) * SECOND if said.isascii() and said.isdigit() and len(said) < 7 else None  # noqa: PLR2004 - up to eleven days
