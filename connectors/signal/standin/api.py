"""What every REST call needs: the network, the account, the faults, and who is meant.

Rule kept here: an account that signal-cli does not know is refused the way the real program
refuses it, which is not the same for every call.
"""

from dataclasses import dataclass

from connectors.signal.standin import ids
from connectors.signal.standin.account import Account
from connectors.signal.standin.clock import FarClock
from connectors.signal.standin.daemon import Daemon
from connectors.signal.standin.faults import Fault, FaultKind, Faults
from connectors.signal.standin.model import Group, Person
from connectors.signal.standin.network import Network
from connectors.signal.standin.options import Options
from connectors.signal.standin.wire import NO_ACCOUNT, Call, Wrong, error

NO_GROUP = "No group with that id found"


@dataclass(frozen=True, slots=True)
class Standin:
    """Everything of one stand-in."""

    clock: FarClock
    network: Network
    account: Account
    faults: Faults
    daemon: Daemon

    @classmethod
    def made(cls, options: Options) -> "Standin":
        """A new one: nobody but our account, no groups."""
        clock, faults = FarClock(), Faults()
        daemons: list[Daemon] = []
        network = Network(options, clock, lambda each: daemons[0].arrive(each))  # noqa: PLW0108 - it comes later
        account = Account(network)
        daemons.append(Daemon(network, account, faults))
        return cls(clock, network, account, faults, daemons[0])

    @property
    def options(self) -> Options:
        """How it is set up now."""
        return self.network.options

    def known(self, number: str, status: int = 400) -> Person:
        """The account of a call.

        Raises:
            Wrong: signal-cli does not have it.
        """
        bot = self.network.bot
        if number != bot.number or not bot.registered:
            raise Wrong(error(status, NO_ACCOUNT))
        return bot

    def group(self, call: Call) -> Group | None:
        """The group of a call, if our account has or had to do with it."""
        internal = ids.internal_id(call.params["groupid"])
        return None if internal is None else self.network.groups.get(internal)

    def group_or_404(self, call: Call) -> Group:
        """The group of a call.

        Raises:
            Wrong: there is none.
        """
        group = self.group(call)
        if group is None:
            raise Wrong(error(404, NO_GROUP))
        return group

    def fault(self, kind: FaultKind, call: Call) -> Fault | None:
        """Uses up a fault for this call."""
        return self.faults.take(kind, call.verb)
