"""Receiving, and the files that came with what was received.

Rules kept here:

1. Normal mode: the call takes what waits; a JSON array goes out as text/plain.
2. Json-rpc mode: there is a WebSocket at the same path, which loses messages (``socket``); a plain
   GET is refused as the real one refuses it.
3. A file stays until somebody deletes it, whatever became of its message.
"""

import json

from connectors.signal.standin.api import Standin
from connectors.signal.standin.faults import FaultKind
from connectors.signal.standin.wire import DONE, TEXT, Answer, Call, Wrong, error, told

NO_FILE = "No attachment with that name found"
UPGRADE = (
    "websocket: the client is not using the websocket protocol: "
    "'upgrade' token not found in 'Connection' header"
)


async def receive(far: Standin, call: Call) -> Answer:
    """``GET /v1/receive/{number}``."""
    if far.options.json_rpc:
        raise Wrong(error(400, UPGRADE, TEXT))
    try:
        seconds, most = (
            int(call.query.get("timeout", "1")),
            int(call.query.get("max_messages", "0")),
        )
    except ValueError:
        raise Wrong(error(400, "Couldn't process request - timeout needs to be numeric!")) from None
    _words(call)
    far.known(call.params["number"])
    far.account.ignores_files = call.query.get("ignore_attachments") == "true"
    taken = await far.daemon.poll(seconds, most)
    body = json.dumps(taken).encode()
    if far.fault(FaultKind.GLUED, call) is not None:
        body += b"\nERROR MessageContentProcessor - unknown content\n"
    return Answer(200, body, TEXT)


def _words(call: Call) -> None:
    """Yes and no are the words true and false."""
    names = ("ignore_attachments", "ignore_stories", "ignore_avatars", "ignore_stickers")
    for name in (*names, "send_read_receipts"):
        if call.query.get(name, "false") not in {"true", "false"}:
            text = (
                f"Couldn't process request - {name} parameter needs to be either 'true' or 'false'"
            )
            raise Wrong(error(400, text))


def attachments(far: Standin, call: Call) -> Answer:  # noqa: ARG001 - all handlers have one shape
    """``GET /v1/attachments``."""
    return told(200, sorted(far.account.files))


def attachment(far: Standin, call: Call) -> Answer:
    """``GET /v1/attachments/{attachment}``: its bytes."""
    file = far.account.files.get(call.params["attachment"])
    if file is None:
        raise Wrong(error(404, NO_FILE))
    return Answer(200, file.data, file.content_type)


def delete_attachment(far: Standin, call: Call) -> Answer:
    """``DELETE /v1/attachments/{attachment}``."""
    if far.account.files.pop(call.params["attachment"], None) is None:
        raise Wrong(error(404, NO_FILE))
    return DONE
