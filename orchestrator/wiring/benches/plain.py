"""The bare HTTP client that a connector is weighed beside.

Rule kept here: loopback alone, in the clear, past no proxy; no more calls at once than sends are in
flight, and one stream of events.
"""

import ssl
from collections.abc import Mapping

import httpx

from orchestrator.wiring.benches.channel import IN_FLIGHT


def plain_client(url: str, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
    """The client of one server.

    Args:
        url: of the server.
        headers: that go with each call.
    """
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # it speaks no TLS: it reads no certificates
    limits = httpx.Limits(max_connections=IN_FLIGHT + 1)
    return httpx.AsyncClient(
        base_url=url, headers=headers, limits=limits, timeout=30, verify=nobody, trust_env=False
    )
