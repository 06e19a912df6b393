"""Shuts out the devices of whoever left: at once where it can be undone, and then for good.

Rules kept here:

1. What was verified is never sealed to again from the first minute on, by the network's own store.
2. A key is withdrawn for good in the record first; only then the network's store is asked, and
   asked again until it took it.
"""

from collections.abc import Mapping
from contextlib import suppress

from connectors.port.connector import Connector, VerifiesPeers
from connectors.port.errors import ConnectorError
from connectors.port.messages import Device
from orchestrator.audit.body import coded
from orchestrator.clock import Clock
from orchestrator.keys.keyring import Keyring
from orchestrator.rooms.leave_rows import REVOKE, Leave, LeaveAct
from orchestrator.store.unit import Store, Tx
from tiers.ids import ConnectorName
from tiers.trust import KeyEvent, NotPossible


class Shutter:
    """Shuts devices out.

    Args:
        store: state.
        keyring: keys of people.
        connectors: open connectors by name.
        now: the clock.
    """

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        connectors: Mapping[ConnectorName, Connector],
        now: Clock,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._connectors = connectors
        self._now = now

    async def shut(self, leave: Leave, act: LeaveAct) -> str | None:
        """Shuts one device out; a code of why it could not be, None where it was."""
        if act.kind == REVOKE:
            await self._store.write(lambda tx: self._withdraw(tx, leave, act))
        network = self._connectors.get(act.connector)
        if network is None:
            return "channel_closed"
        if isinstance(network, VerifiesPeers):
            try:
                await network.distrust(act.account, device_of(leave, act))
            except ConnectorError as error:
                return coded(error.code)
        return None

    def _withdraw(self, tx: Tx, leave: Leave, act: LeaveAct) -> None:
        """Revokes a key, unless it is out already."""
        account, device = (act.connector, act.account), device_of(leave, act)
        with suppress(NotPossible):
            self._keyring.withdraw(
                tx, leave.deal_id, account, device, KeyEvent.REVOKE,
                at=self._now(), actor=leave.actor,
            )  # fmt: skip


def device_of(leave: Leave, act: LeaveAct) -> Device:
    """The device with the key that it had when its owner left."""
    return Device(act.device, leave.devices[f"{act.connector}/{act.account}"][act.subject])
