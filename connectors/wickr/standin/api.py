"""What every call needs: Wickr, the client behind the interface, the faults.

Rule kept here: what the program refuses by itself is said in words; what its client refuses is one
short sentence, whatever the reason was.
"""

from dataclasses import dataclass

from connectors.wickr.standin.client import Client
from connectors.wickr.standin.clock import FarClock
from connectors.wickr.standin.faults import Fault, FaultKind, Faults
from connectors.wickr.standin.folder import Folder
from connectors.wickr.standin.model import Room
from connectors.wickr.standin.network import Network, Refused
from connectors.wickr.standin.options import Options
from connectors.wickr.standin.wire import Call


@dataclass(frozen=True, slots=True)
class Standin:
    """Everything of one stand-in."""

    options: Options
    clock: FarClock
    network: Network
    faults: Faults
    client: Client

    @classmethod
    def made(cls, options: Options) -> "Standin":
        """A new one: nobody but our account, no rooms."""
        clock, faults = FarClock(), Faults()
        clients: list[Client] = []
        network = Network(options, clock, lambda each: clients[0].arrive(each))  # noqa: PLW0108 - it comes later
        folder = Folder(options.attachments, real=bool(options.folder))
        clients.append(Client(network, faults, folder))
        return cls(options, clock, network, faults, clients[0])

    def room(self, vgroupid: str, kind: str = "") -> Room:
        """A conversation that our account is in.

        Raises:
            Refused: there is none of that name, or our account is not in it.
        """
        room = self.network.rooms.get(vgroupid)
        if room is None or not room.id.startswith(kind):
            raise Refused("no such conversation")
        if self.network.bot.account not in room.members:
            raise Refused("not a member")
        return room

    def ruled(self, vgroupid: str) -> Room:
        """A room that our account moderates. Raises: Refused."""
        room = self.room(vgroupid)
        if self.network.bot.account not in room.masters:
            raise Refused("not a moderator")
        return room

    def fault(self, kind: FaultKind, call: Call) -> Fault | None:
        """Uses up a fault for this call."""
        return self.faults.take(kind, call.verb)
