"""The dashboard: it opens by a link, once, and in the end says that nothing needs anybody.

Rule kept here: what is told of the page is what a browser of the demo's own was answered at the
front's address, with a session of its own; nothing is asked past it.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx

from orchestrator.demo.mail_act import renewed
from orchestrator.demo.stage import NotSeen, Stage

_LOOK_EVERY_S = 0.5
_PATIENCE_S = 60.0
"""A verdict rests on readings of every room, which come round by themselves."""


async def opens(stage: Stage) -> str:
    """A one-time link signs in at the front, once; people get one of their own."""
    await _answers(stage)
    link = (await stage.client.desk_home_link()).url
    stage.cookie = await _signed_in(stage, link)
    if await _page(stage, {}) == await _page(stage, {"Cookie": stage.cookie}):
        raise NotSeen("the page is the same for whoever is not signed in")
    with suppress(NotSeen):
        await _signed_in(stage, link)
        raise AssertionError("a one-time link signed in twice")
    await stage.say("The dashboard is open. Sign in there, once, within ten minutes:")
    await stage.say(f"  {(await stage.client.desk_home_link()).url}")
    return "signed in by a link, which opened once"


async def clear(stage: Stage) -> str:
    """What is left is put right: then the first page says that nothing needs anybody."""
    await stage.say("What is left is put right, one thing after the other.")
    await renewed(stage)
    for kept in await stage.client.quarantine_list(every=False):
        await stage.client.quarantine_drop(kept.kept_id)
    for held in await stage.client.held_list(stage.deal):
        await stage.client.held_drop(held.message_id)
    await stage.say("  The forged mail is dropped, and what was taken back is never sent.")
    end = asyncio.get_running_loop().time() + _PATIENCE_S
    while True:
        shown = await _overview(stage)
        if shown["verdict"]["state"] == "clear":
            await stage.say('The dashboard says: "Nothing needs you."')
            channels = shown["verdict"]["channels"]
            return f"nothing needs anybody, on all {channels} channels"
        if asyncio.get_running_loop().time() > end:
            raise NotSeen(f"the first page says {_why(shown)}")
        await asyncio.sleep(_LOOK_EVERY_S)


def _why(shown: Mapping[str, Any]) -> str:
    """What stands between a page and its good word, in codes and rules."""
    verdict = shown["verdict"]
    left = [f"{item['kind']} {item['rule']}" for item in shown["items"]]
    return f"{verdict['state']}: {', '.join([*verdict['why'], *left])}"


async def _overview(stage: Stage) -> Mapping[str, Any]:
    async with _browser() as browser:
        answer = await browser.get(
            f"{stage.origin}/api/v1/deals/{stage.deal}/overview", headers={"Cookie": stage.cookie}
        )
    if not answer.is_success:
        raise NotSeen(f"the first page has no answer ({answer.status_code})")
    found: Mapping[str, Any] = answer.json()
    return found


async def _signed_in(stage: Stage, link: str) -> str:
    """Opens a link as the sign-in page does; the session's cookie. Raises: NotSeen."""
    body = {"secret": link.partition("#")[2], "sure": True}
    async with _browser() as browser:
        answer = await browser.post(
            f"{stage.origin}/api/v1/session/link", json=body, headers={"Origin": stage.origin}
        )
    cookie = answer.headers.get("set-cookie", "").partition(";")[0]
    if not answer.is_success or not cookie:
        raise NotSeen("the link does not sign in")
    return str(cookie)


async def _page(stage: Stage, headers: Mapping[str, str]) -> tuple[int, bytes]:
    async with _browser() as browser:
        answer = await browser.get(f"{stage.origin}/", headers=dict(headers))
    return answer.status_code, answer.content


async def _answers(stage: Stage) -> None:
    """Waits for the front, which comes after the API. Raises: NotSeen."""
    end = asyncio.get_running_loop().time() + stage.patience
    while asyncio.get_running_loop().time() < end:
        with suppress(httpx.HTTPError):
            async with _browser() as browser:
                await browser.get(f"{stage.origin}/in")
            return
        await asyncio.sleep(_LOOK_EVERY_S)
    raise NotSeen("the dashboard does not answer")


def _browser() -> httpx.AsyncClient:
    return httpx.AsyncClient(trust_env=False, follow_redirects=False)
