"""Dry runs: a request behind ``/api/v1/dry-run`` is checked to the last rule and changes nothing.

Rules kept here:

1. It stands in the path, so that a server that knows no dry runs refuses it and does not do it.
2. Whoever asks is signed in and admitted as for the thing itself, and refused in the same words.
3. Nothing that the operation would have answered is handed out: what would be shown once, or is on
   record when it is read, is not to be had this way. What only reads is read as ever.
4. What nobody signed in asks is not rehearsed (a secret could be guessed at without an attempt's
   being counted), nor what is kept in this process's memory alone.
"""

from collections.abc import Iterator

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.api.access import OPEN
from orchestrator.api.guard import ADMITTED
from orchestrator.client.dry_run import DRY_RUN, REHEARSED
from orchestrator.client.problems import Refused
from orchestrator.command.audit_words import sentence
from orchestrator.store.rehearsal import Rehearsed, rehearsal

MARKED = "wallcross.dry_run"
"""Where a request says that it is a rehearsal."""
IN_MEMORY = frozenset(
    {"session_alive", "session_end", "desk_link", "desk_home_link", "desk_end", "desk_end_all"}
    | {"passkey_new_ask", "passkey_new", "login_end", "device_confirm", "oidc_end"}
    | {"signing_offer", "key_link", "export_link", "prevented_link", "replay_start"}
    | {"replay_accept", "plan", "plan_apply", "plan_start", "channel_test", "channel_rebuild"}
    | {"channel_rotate", "own_not_me"}
)
"""Operations that begin by changing what this process remembers, or what a network or the secrets
hold, which no store undoes; what one shows beforehand it shows by an argument of its own."""
GIVES = frozenset({"export_fetch", "prevented_fetch", "oidc_back"})
"""Operations that are asked for as reading is, and use something up and note it."""
_NEVER = IN_MEMORY | GIVES | OPEN.keys()
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_ONCE = b"idempotency-key"


def told_apart(app: ASGIApp, prefix: str) -> ASGIApp:
    """An application to which a path behind ``prefix/dry-run`` is the same path, rehearsed."""
    begins = f"{prefix}{DRY_RUN}/"

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(begins):
            path = f"{prefix}/{scope['path'].removeprefix(begins)}"
            headers = [(name, value) for name, value in scope["headers"] if name != _ONCE]
            rewritten = {"path": path, "raw_path": path.encode(), "headers": headers}
            scope = {**scope, **rewritten, MARKED: True}
        await app(scope, receive, send)

    return answer


class Rehearses:
    """Runs what is marked as a rehearsal, and says what would have become of it.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on what is none. Raises: Refused."""
        reads = scope["method"] in _SAFE and scope.get(ADMITTED) not in GIVES
        if MARKED not in scope or reads:
            await self._app(scope, receive, send)
            return
        if scope[ADMITTED] in _NEVER:
            raise Refused(
                "There is no dry run of this", still="Nothing was done", then="leave out --dry-run"
            )
        answer = _Answer(send)
        reached = Rehearsed()
        try:
            with rehearsal():
                await self._app(scope, receive, answer.unless_done)
        except BaseException as error:
            found = next(_within(error), None)
            if found is None:
                raise
            reached = found
        if not answer.refused:
            await _told(reached)(scope, receive, send)


class _Answer:
    """Lets pass what says no, and nothing else."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.refused = False

    async def unless_done(self, message: Message) -> None:
        """Sends a piece of an answer that is a problem."""
        if message["type"] == "http.response.start":
            self.refused = message["status"] >= 400  # noqa: PLR2004 - RFC 9110, section 15
        if self.refused:
            await self._send(message)


def _within(error: BaseException) -> Iterator[Rehearsed]:
    """The rehearsals among what ended a request, whose parts may have run beside one another."""
    if isinstance(error, Rehearsed):
        yield error
    elif isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _within(part)


def _told(reached: Rehearsed) -> JSONResponse:
    lines = [sentence(kind, body, str) for kind, body in reached.stated]
    told = {"dry_run": True, "would_state": lines, "would_ask_network": reached.network}
    return JSONResponse(told, headers={"cache-control": "no-store", REHEARSED: "1"})
