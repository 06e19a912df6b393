"""The requests in docs/api.md are answered as it says, and its tables say what is."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestrator.api import idempotency, limits
from orchestrator.api.app import make_desk
from orchestrator.client import paging
from orchestrator.client.problems import KINDS

from .conftest import House
from .test_access_matrix import viewer_of

PAGE = Path(__file__).parents[2] / "docs/api.md"
BLOCK = re.compile(r"```http\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Example:
    """One request of the page, and what it says of the answer."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    status: int
    keys: tuple[str, ...]


def examples(page: str) -> list[Example]:
    found = []
    for block in BLOCK.findall(page):
        first, *rest, last = block.strip().splitlines()
        method, path = first.split()
        body = next((json.loads(line) for line in rest if line.startswith("{")), None)
        said = (line.partition(": ") for line in rest if not line.startswith("{"))
        status, *keys = last.split()
        headers = {name: value for name, _, value in said}
        found.append(Example(method, path, headers, body, int(status), tuple(keys)))
    return found


EXAMPLES = examples(PAGE.read_text(encoding="utf-8"))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 8


async def test_each_is_answered_as_it_says(house: House) -> None:
    sent = await house.send("hello", "ada", "lunch")
    who = viewer_of("P", house.deal)
    things = {"deal": house.deal, "message": sent}
    transport = httpx.ASGITransport(make_desk(house.home, who))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        for one in EXAMPLES:
            path = re.sub(r"\{(\w+)\}", lambda m: things[m[1]], one.path)
            answer = await http.request(one.method, path, headers=one.headers, json=one.body)
            assert answer.status_code == one.status, (one, answer.text)
            found = answer.json()
            if one.keys == ("list",):
                assert isinstance(found, list), one
            else:
                assert set(one.keys) <= found.keys(), one


@pytest.mark.parametrize("kind", KINDS.values())
def test_each_kind_of_problem_is_on_the_page(kind: Any) -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if f"`{kind.kind}`" in line]
    assert any(str(kind.status) in row for row in rows), kind


def test_its_figures_are_those_in_force() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"(1 to {paging.MOST})" in page
    assert f"more than {idempotency.MOST_OF_ONE:,} of them" in page
    assert f"{limits.LONGER['send_file'] // limits.MIB} MiB" in page
    assert idempotency.LASTS_S == 24 * 3600
