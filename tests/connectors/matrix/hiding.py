"""A homeserver that hides somebody from one client: answers in which he does not stand."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import httpx

from .conftest import Call

EVERY_LIST = ("state", "joined", "members")


def without(account: str, kind: str) -> Callable[[Call, Any], Any]:
    """An answer of a kind in which somebody does not stand."""

    async def how(call: Call, forward: Any) -> httpx.Response:
        answer: httpx.Response = await forward(call)
        if kind == "membership":
            gone = account in unquote(call.target)
            missing = {"errcode": "M_NOT_FOUND", "error": ""}
            return httpx.Response(404, json=missing) if gone else answer
        if not answer.is_success:
            return answer
        return httpx.Response(answer.status_code, json=CUTS[kind](answer.json(), account))

    return how


def kept(events: list[Any], account: str) -> list[Any]:
    """Events that are neither about somebody nor by him."""
    return [e for e in events if account not in {e.get("state_key"), e.get("sender")}]


def of_sync(told: Any, account: str) -> Any:
    for room in told.get("rooms", {}).get("join", {}).values():
        for part in ("timeline", "state"):
            room[part]["events"] = kept(room.get(part, {}).get("events", []), account)
    return told


CUTS: dict[str, Callable[[Any, str], Any]] = {
    "state": kept,
    "members": lambda told, account: {**told, "chunk": kept(told["chunk"], account)},
    "joined": lambda told, account: {
        "joined": {a: shown for a, shown in told["joined"].items() if a != account}
    },
    "sync": of_sync,
}


def silent_about(account: str) -> Callable[[Call, Any], Any]:
    """A sync that tells nothing of somebody, his devices included."""
    hide = without(account, "sync")

    async def how(call: Call, forward: Any) -> httpx.Response:
        told = json.loads((await hide(call, forward)).content)
        lists = told.get("device_lists", {})
        lists["changed"] = [a for a in lists.get("changed", []) if a != account]
        return httpx.Response(200, json=told)

    return how
