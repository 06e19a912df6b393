"""The stand-in's process: the web interface on one port, the far side's hand on another.

Rules kept here:

1. What is so of every stand-in is (``connectors.shared.standin.twoports``); its first line says too
   what the interface asks for: ``user``, ``api_key``, ``auth_token``.
2. Text stays in memory, unless ``--record`` (tests) names a folder; files lie in ``--folder``.

    python -m connectors.wickr.standin --port 0 --folder /tmp/attachments
"""

import secrets
from collections.abc import Coroutine, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from connectors.shared.standin.twoports import Application, Json, TwoPorts, parser, serve
from connectors.wickr.standin import hand
from connectors.wickr.standin.api import Standin
from connectors.wickr.standin.interface import Interface
from connectors.wickr.standin.network import Refused
from connectors.wickr.standin.options import Modify, OnFailure, Options, chosen


class Process(TwoPorts):
    """One stand-in with its two ports.

    Args:
        options: how it is set up.
        port: of the web interface; 0 lets the system choose.
        control: of the hand; likewise.
        record: folder for the requests, tests only.
    """

    def __init__(
        self, options: Options, port: int = 0, control: int = 0, record: Path | None = None
    ) -> None:
        super().__init__(port, control, Refused)
        self._options, self._record = options, record
        self._begin(options)

    def _begin(self, options: Options) -> None:
        self._far = Standin.made(options)
        self._interface = Interface(self._far, self._record)

    def app(self) -> Application:
        """The interface of now."""
        return self._interface.app

    def going(self) -> Coroutine[Any, Any, None]:
        """The client."""
        return self._far.client.post_on()

    def wait(self) -> Coroutine[Any, Any, None]:
        """Until all that was received is posted, lost or queued."""
        return self._far.client.settle()

    def build(self, changes: Json) -> None:
        """Set up as at the start but for some options."""
        self._begin(replace(self._options, **chosen(changes)))

    async def do(self, verb: str, call: Json) -> Json:
        """What somebody asks of the far side's hand."""
        call = hand.DEFAULTS | call
        if verb in hand.VERBS:
            return hand.VERBS[verb](self._far, call)
        if verb == "requests":
            return {"requests": [asdict(each) for each in self._interface.seen.calls]}
        await self._switch(verb, call)
        return {}

    async def _switch(self, verb: str, call: Json) -> None:
        """What is about the host or the interface as a whole."""
        if verb == "go_down":
            self._far.client.go_down()
            self.program_port.close()
        elif verb == "come_back":
            await self.program_port.open()
            self._far.client.come_back()
        elif verb == "interface":
            await self._interface_is(there=call["there"])
        elif verb == "settle":
            await self.settle(call["seconds"])
        elif verb == "forget_requests":
            self._interface.seen.calls.clear()
        elif verb == "reset":
            await self.reset(call["options"])
        else:
            raise KeyError(verb)

    async def _interface_is(self, *, there: bool) -> None:
        if there:
            await self.program_port.open()
        else:
            self.program_port.close()


def main(argv: Sequence[str]) -> None:
    """Serves until it is told to end.

    Args:
        argv: the options; ``--help`` lists them.
    """
    told = parser("wickr", __doc__)
    told.add_argument("--folder", default="", help="attachments folder of the bot's host")
    told.add_argument("--modify", choices=[str(each) for each in Modify], default="replace")
    told.add_argument("--on-failure", choices=[str(each) for each in OnFailure], default="lose")
    told.add_argument("--user", default=Options().user, help="our account")
    given = told.parse_args(argv)
    options = Options(
        user=given.user,
        api_key=secrets.token_urlsafe(16),
        auth_token=secrets.token_urlsafe(18),
        folder=given.folder,
        modify=Modify(given.modify),
        on_failure=OnFailure(given.on_failure),
    )
    serve(
        lambda: Process(options, given.port, given.control, given.record),
        until_stdin_closes=given.until_stdin_closes,
        user=options.user,
        api_key=options.api_key,
        auth_token=options.auth_token,
    )
