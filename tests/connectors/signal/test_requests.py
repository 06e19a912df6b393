"""That every request is held to the server's own description, seen to bite."""

from dataclasses import replace

import jsonschema
import pytest

from connectors.signal.standin.control import Asked

from .conftest import SWAGGER, checked

pytestmark = pytest.mark.skipif(
    not SWAGGER.exists(), reason="the server's description is not beside this repository"
)
GOOD = Asked(
    at=1,
    method="POST",
    path="/v2/send",
    route="/v2/send",
    verb="send",
    query={},
    body={"number": "+1", "recipients": ["x"], "message": "m", "text_mode": "normal"},
    status=201,
)


def test_what_is_described_is_taken() -> None:
    checked((GOOD,))


@pytest.mark.parametrize(
    "fields",
    [
        {"body": {**GOOD.body, "novelty": 1}},
        {"body": {**GOOD.body, "text_mode": "fancy"}},
        {"body": {**GOOD.body, "quote_timestamp": "5"}},
        {"body": {"number": "+1", "message": "m"}},
        {"query": {"novelty": "1"}},
        {"method": "PATCH"},
        {"route": "/v9/send"},
    ],
    ids=range(7),
)
def test_what_is_not_described_is_found(fields: dict[str, object]) -> None:
    with pytest.raises((AssertionError, KeyError, jsonschema.ValidationError)):
        checked((replace(GOOD, **fields),))  # type: ignore[arg-type]
