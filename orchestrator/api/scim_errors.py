"""Errors as a directory reads them (RFC 7644, 3.12).

Rule kept here: a status, a code of the RFC, and words of ours; nothing of what was sent.
"""

from starlette.responses import JSONResponse

from orchestrator.client.problems import Problem, Wrong

PREFIX = "/scim/v2"
MEDIA_TYPE = "application/scim+json"
_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"
_MALFORMED, _BAD_REQUEST, _WHO = 422, 400, 401


class Unfit(Wrong):
    """What was sent is not as RFC 7644 has it.

    Args:
        code: of RFC 7644, 3.12.
    """

    def __init__(self, code: str) -> None:
        super().__init__(f"The request is not as RFC 7644 has it ({code})")
        self.code = code


class ReadOnly(Problem):
    """What is there does not take this method."""

    kind, status, exit_code = "refused", 405, 5


def is_scim(path: str) -> bool:
    """Whether a directory asks."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def scim_error(problem: Problem, headers: dict[str, str]) -> JSONResponse:
    """A problem as an answer to a directory."""
    status = _BAD_REQUEST if problem.status == _MALFORMED else problem.status
    code = getattr(problem, "code", None)
    body = {"schemas": [_SCHEMA], "status": str(status), "detail": problem.wrong}
    if status == _BAD_REQUEST or code is not None:
        body["scimType"] = code or "invalidValue"
    more = {"www-authenticate": "Bearer"} if status == _WHO else {}
    return JSONResponse(body, status, {**headers, **more}, MEDIA_TYPE)
