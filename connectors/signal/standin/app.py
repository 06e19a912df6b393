"""The stand-in's process: the program stood in for on one port, the far side's hand on another.

Rules kept here:

1. What is so of every stand-in is (``connectors.shared.standin.twoports``).
2. Text stays in memory, unless ``--record`` (tests) names a folder.

    python -m connectors.signal.standin --port 0 --webhook http://127.0.0.1:9000/signal/secret
"""

from collections.abc import Coroutine, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

from connectors.shared.standin.twoports import Application, Json, TwoPorts, parser, serve
from connectors.signal.standin import hand
from connectors.signal.standin.api import Standin
from connectors.signal.standin.network import Refused
from connectors.signal.standin.options import VERSIONS, Backend, Mode, Options, ReceiveMode
from connectors.signal.standin.rest import Rest
from connectors.signal.standin.rpc import Rpc


class Process(TwoPorts):
    """One stand-in with its two ports.

    Args:
        options: how it is set up.
        port: of the REST server; 0 lets the system choose.
        control: of the hand; likewise.
        record: folder for the requests, tests only.
    """

    sockets: ClassVar[bool] = True

    def __init__(
        self, options: Options, port: int = 0, control: int = 0, record: Path | None = None
    ) -> None:
        super().__init__(port, control, Refused)
        self._options, self._record = options, record
        self._begin(options)

    def _begin(self, options: Options) -> None:
        self._far = Standin.made(options)
        program = Rpc if options.streams else Rest
        self._program: Rest | Rpc = program(self._far, self._record)

    def app(self) -> Application:
        """The program of now."""
        return self._program.app

    def going(self) -> Coroutine[Any, Any, None]:
        """The reader."""
        return self._far.daemon.read()

    def wait(self) -> Coroutine[Any, Any, None]:
        """Until all that was received is posted or lost."""
        return self._far.daemon.settle()

    def build(self, changes: Json) -> None:
        """Set up as at the start but for some options."""
        kinds = {"mode": Mode, "backend": Backend, "receive_mode": ReceiveMode}
        changes |= {name: kind(changes[name]) for name, kind in kinds.items() if name in changes}
        self._begin(replace(self._options, **changes))

    async def do(self, verb: str, call: Json) -> Json:
        """What somebody asks of the far side's hand."""
        call = hand.DEFAULTS | call
        if verb in hand.VERBS:
            return hand.VERBS[verb](self._far, call)
        if verb == "requests":
            return {"requests": [asdict(each) for each in self._program.seen.calls]}
        await self._switch(verb, call)
        return {}

    async def _switch(self, verb: str, call: Json) -> None:
        """What is about the server as a whole."""
        if verb == "go_down":
            self._far.daemon.go_down()
            self.program_port.close()
        elif verb == "come_back":
            await self.program_port.open()
            self._far.network.run_in(Mode(call["mode"] or self._far.options.mode))
            self._far.daemon.come_back()
        elif verb == "settle":
            await self.settle(call["seconds"])
        elif verb == "forget_requests":
            self._program.seen.calls.clear()
        elif verb == "reset":
            await self.reset(call["options"])
        else:
            raise KeyError(verb)


def main(argv: Sequence[str]) -> None:
    """Serves until it is told to end.

    Args:
        argv: the options; ``--help`` lists them.
    """
    told = parser("signal", __doc__)
    told.add_argument("--webhook", default="", help="RECEIVE_WEBHOOK_URL")
    told.add_argument("--mode", choices=[str(each) for each in Mode], default=str(Mode.JSON_RPC))
    backends = [str(each) for each in Backend]
    told.add_argument("--backend", choices=backends, default=str(Backend.REST))
    modes = [str(each) for each in ReceiveMode]
    told.add_argument("--receive-mode", choices=modes, default=str(ReceiveMode.ON_START))
    told.add_argument("--version", choices=VERSIONS, default=VERSIONS[-1])
    told.add_argument("--number", default=Options().number, help="of our account")
    given = told.parse_args(argv)
    options = Options(
        mode=Mode(given.mode),
        version=given.version,
        number=given.number,
        webhook=given.webhook,
        backend=Backend(given.backend),
        receive_mode=ReceiveMode(given.receive_mode),
    )
    serve(
        lambda: Process(options, given.port, given.control, given.record),
        until_stdin_closes=given.until_stdin_closes,
    )
