"""Requests made from the API's own description, good and bad, against a home with a founded deal.

What is answered is as it is described, and nothing fails inside.
"""

import asyncio
import copy
import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response

from orchestrator.api.app import application, make_app
from orchestrator.api.who import here

from .test_access_cut import Asked, asked  # noqa: F401 - the fixture

CONFORMS = ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
NOT_ASKED = frozenset({"events", "gate_ended", "desk_end_all"})
"""Streams without an end."""
INSIDE = "This failed inside"


def described(things: Mapping[str, list[str]]) -> dict[str, Any]:
    """The description, with real names of things beside those that are made up."""
    found = copy.deepcopy(application().openapi())
    for methods in found["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in things and "schema" in parameter:
                    known = {"type": "string", "enum": things[parameter["name"]]}
                    parameter["schema"] = {"anyOf": [known, parameter["schema"]]}
    return found


class Fuzz:
    """Sends what is generated in a thread to the home in its loop."""

    def __init__(self, asked_: Asked, schema: dict[str, Any]) -> None:
        home: Any = asked_.house.home
        transport = httpx.ASGITransport(make_app(home), client=here())
        self._http = httpx.AsyncClient(transport=transport, base_url="http://x", timeout=30)
        self._loop = asyncio.get_running_loop()
        self.schema = schemathesis.openapi.from_dict(schema)
        self.wrong: list[str] = []
        self.sent = 0

    async def all(self, examples: int, *names: str) -> None:
        for result in self.schema.get_all_operations():
            operation: Any = result.ok()  # type: ignore[union-attr]  # our own description is one
            name = operation.definition.raw["operationId"]
            if name not in NOT_ASKED and (not names or name in names):
                await asyncio.to_thread(self._one, operation, examples)

    def _one(self, operation: Any, examples: int) -> None:
        quick = settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )

        @quick
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            self._ask(case)

        ask()

    def _ask(self, case: Any) -> None:
        sent = case.as_transport_kwargs(base_url="http://x")
        told = {k: sent[k] for k in ("method", "url", "params", "headers", "json") if k in sent}
        if sent.get("data") is not None:
            told["content"] = sent["data"]
        try:
            request = self._http.build_request(**told)
        except (UnicodeError, httpx.InvalidURL, TypeError, ValueError):
            return  # no client can say it
        asking = asyncio.run_coroutine_threadsafe(self._http.send(request), self._loop)
        answer = asking.result(60)
        self.sent += 1
        self._check(case, answer)

    def _check(self, case: Any, answer: httpx.Response) -> None:
        name = case.operation.definition.raw["operationId"]
        if INSIDE in answer.text:
            self.wrong.append(f"{name}: {answer.text}")
        found = Response.from_any(answer)
        checks = [CHECKS.get_one(check) for check in CONFORMS]
        try:
            case.validate_response(found, checks=checks)
        except FailureGroup as error:
            self.wrong.append(f"{name}: {answer.status_code} {error}")


async def fuzzed(asked_: Asked, examples: int) -> Fuzz:
    fuzz = Fuzz(asked_, described(asked_.things))
    await fuzz.all(examples)
    return fuzz


async def test_what_is_answered_is_as_described(asked: Asked) -> None:  # noqa: F811 - the fixture
    fuzz = await fuzzed(asked, 3)
    assert fuzz.sent > 200
    assert fuzz.wrong == []


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("examples", [20, pytest.param(150, marks=pytest.mark.deep)])
async def test_what_is_answered_is_as_described_at_length(
    examples: int,
    asked: Asked,  # noqa: F811 - the fixture
) -> None:
    fuzz = await fuzzed(asked, examples)
    assert fuzz.sent > 80 * examples
    assert fuzz.wrong == []


@pytest.mark.parametrize("planted", ["schema", "status", "kind"])
async def test_a_planted_difference_is_found(asked: Asked, planted: str) -> None:  # noqa: F811 - the fixture
    schema = described(asked.things)
    answers = schema["paths"]["/api/v1/deals"]["get"]["responses"]
    if planted == "schema":
        answers["200"]["content"]["application/json"]["schema"] = {"type": "integer"}
    elif planted == "status":
        answers["201"] = answers.pop("200")
    else:
        answers["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    fuzz = Fuzz(asked, schema)
    await fuzz.all(2, "deal_list")
    assert fuzz.wrong != []


def test_the_description_is_json() -> None:
    assert json.loads(json.dumps(application().openapi()))["openapi"].startswith("3.1")
