"""A real OpenID provider beside the home, and somebody's browser at its own pages."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.orchestrator.signin import real_provider
from tests.orchestrator.signin.canaille_program import CLIENT, PASSWORD, SECRET

from .people import Person

_SETTINGS = """[web.oidc]
issuer = "{issuer}"
client_id = "{client}"
client_secret = "env:OIDC_SECRET"
"""
LONG_MS = 120_000
_MOST_FORMS = 6


@contextmanager
def provider(port: int, patch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """Runs it for a front on that port; gives where it is, and lines for the home's settings."""
    origin = f"http://localhost:{port}"
    patch.setenv("OIDC_SECRET", SECRET)
    with real_provider.provider(f"{origin}/api/v1/session/oidc/back", f"{origin}/in") as issuer:
        yield issuer, _SETTINGS.format(issuer=issuer, client=CLIENT)


async def signs_in(person: Person, issuer: str, name: str) -> None:
    """Goes to the provider from the sign-in page, says there who he is, and comes back."""
    person.may_ask.add(issuer)
    await person.go("/in")
    await person.page.get_by_role("button", name="Sign in with your company").click()
    await person.page.wait_for_url(issuer + "/**", timeout=LONG_MS)
    for _ in range(_MOST_FORMS):
        if not person.page.url.startswith(issuer):
            return
        await _fills_in(person, name)
    raise AssertionError("the provider sent nobody back")


async def _fills_in(person: Person, name: str) -> None:
    page = person.page
    for field, words in (("login", name), ("password", PASSWORD)):
        box = page.locator(f"input[name={field}]:visible")
        if await box.count():
            await box.fill(words)
    async with page.expect_navigation(timeout=LONG_MS):
        await page.locator("form button[type=submit]:visible").first.click()
