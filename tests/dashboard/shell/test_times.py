"""A time is the reader's, and the deal's stands in its tooltip."""

import asyncio

import httpx
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import link

AT = 1_795_356_000_000_000
"""22 November 2026, 14:00 UTC."""
SCRIPT = f"from dashboard.widgets.base import told_at\ntold_at('Checked', {AT})\n"


@pytest.mark.parametrize(
    ("reader", "deal", "shown", "tooltip"),
    [
        ("Europe/Berlin", "America/New_York", "15:00:00", "09:00:00 America/New_York"),
        ("Asia/Tokyo", "UTC", "23:00:00", "14:00:00 UTC"),
        ("Not/AZone", "UTC", "14:00:00", "14:00:00 UTC"),
    ],
)
def test_each_reads_his_own_time(reader: str, deal: str, shown: str, tooltip: str) -> None:
    loop = asyncio.new_event_loop()
    link.put(link.Link(loop, httpx.MockTransport(_nobody), "http://localhost", deal))
    try:
        at = AppTest.from_string(SCRIPT)
        at.context["timezone"] = reader
        at.run()
    finally:
        link.put(None)
        loop.close()
    assert at.caption[0].value == f"Checked 22 Nov 2026, {shown}"
    assert str(at.caption[0].help).endswith(tooltip)


def _nobody(_: httpx.Request) -> httpx.Response:
    return httpx.Response(500)
