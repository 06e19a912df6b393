"""An anchor that is a timestamp authority (RFC 3161), asked over HTTP (section 3.4).

What it proves: the statement existed at the time in the token, to everybody who trusts the
authority. The authority sees a hash and nothing else.

Rules kept here:

1. A token counts only when the program that readers use later (``orchestrator.audit.offline``)
   verifies it today, and so does rfc3161-client, with our nonce, whenever it can read it: it
   refuses tokens whose certificates are not sorted, and OpenSSL's authority does not sort them.
   (An older token for the same statement is as good: it names the statement's hash.)
2. An authority without a certificate in the configuration cannot be set up.
3. One fixed address, no redirects, at most ``MOST_BYTES`` read, a time limit.
"""

from collections.abc import Callable, Sequence

import httpx
from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from orchestrator.audit.anchors.port import AnchorFailed, checked_name
from orchestrator.audit.heads import SignedHead
from orchestrator.audit.offline.receipts import judge
from orchestrator.audit.offline.report import Trust
from orchestrator.clock import MINUTE

MOST_BYTES = 64 * 1024
SECONDS_TO_WAIT = 20.0
_OK = 200
_HEADERS = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(follow_redirects=False, timeout=SECONDS_TO_WAIT, trust_env=False)


class TimestampAnchor:
    """Has each head timestamped. Implements ``Anchor``.

    Args:
        name: the anchor's name.
        url: the authority's address.
        authorities: certificates of which one must vouch for the signer.
        every: microseconds between two heads, at least.
        client: makes the HTTP client.

    Raises:
        ValueError: no certificate was given.
    """

    kind = "rfc3161"

    def __init__(
        self,
        name: str,
        url: str,
        authorities: Sequence[x509.Certificate],
        *,
        every: int = 10 * MINUTE,
        client: Callable[[], httpx.AsyncClient] = _client,
    ) -> None:
        if not authorities:
            raise ValueError(f"anchor {name}: give the certificate of the timestamp authority")
        self.name = checked_name(name)
        self.every = every
        self._url = url
        self._authorities = list(authorities)
        self._client = client

    async def anchor(self, head: SignedHead) -> bytes:
        """See the port."""
        asked = (
            TimestampRequestBuilder()
            .data(head.statement)
            .hash_algorithm(HashAlgorithm.SHA256)
            .cert_request(cert_request=True)
            .nonce(nonce=True)
            .build()
        )
        answer = await self._ask(asked.as_bytes())
        self._check(asked, answer, head)
        return answer

    async def _ask(self, query: bytes) -> bytes:
        try:
            async with (
                self._client() as client,
                client.stream("POST", self._url, content=query, headers=_HEADERS) as response,
            ):
                if response.status_code != _OK:
                    raise AnchorFailed(f"rfc3161.status_{response.status_code}")
                return await _read(response)
        except httpx.HTTPError as error:
            raise AnchorFailed("rfc3161.no_answer") from error

    def _check(self, asked: TimeStampRequest, answer: bytes, head: SignedHead) -> None:
        trust = Trust(authorities=self._authorities)
        if judge(self.kind, answer, head.digest, trust)[0] != "verified":
            raise AnchorFailed("rfc3161.token_not_valid")
        try:
            response = decode_timestamp_response(answer)
        except ValueError:
            return  # see rule 1
        builder = VerifierBuilder.from_request(asked)
        for certificate in self._authorities:
            builder = builder.add_root_certificate(certificate)
        try:
            builder.build().verify(response, head.digest)
        except VerificationError as error:
            raise AnchorFailed("rfc3161.token_not_valid") from error


async def _read(response: httpx.Response) -> bytes:
    read = bytearray()
    async for part in response.aiter_bytes():
        read += part
        if len(read) > MOST_BYTES:
            raise AnchorFailed("rfc3161.too_large")
    return bytes(read)
