"""Our own devices on the server: this one, and others that are lost or not ours.

Rules kept here:

1. A device of our account that we do not hold is told of, each time, until it is withdrawn or was
   compared: people's clients seal to it what they seal to us.
2. Devices are withdrawn by an operator who names them, never by themselves.
"""

from collections.abc import Mapping

from connectors.port.connector import Check
from connectors.port.errors import ConnectorError
from connectors.port.messages import Device
from connectors.xmpp.omemo import wire
from connectors.xmpp.omemo.engine import Engine
from connectors.xmpp.omemo.pep import Pep
from connectors.xmpp.omemo.targets import Target


async def read_bundle(pep: Pep, engine: Engine) -> None:
    """Reads what is published under our device's number. Raises: Unavailable."""
    device = engine.own
    if device is None:
        return
    place = (device.account, device.number)
    found = await pep.bundle(*place)
    bundle = None if found is None else wire.parse_bundle(found, *place)
    engine.published.bundles.pop(place, None)
    if bundle is not None:
        engine.published.bundles[place] = bundle


def withdrawn(engine: Engine, asked: frozenset[str]) -> frozenset[int]:
    """Takes the named devices off the list that is to be published, and says which they are."""
    device = engine.own
    if device is None:
        return frozenset()
    listed = engine.out.numbers or engine.published.lists.get(device.account, frozenset())
    gone = frozenset(n for n in listed if str(n) in asked) - {device.number}
    if gone:
        engine.out.numbers = listed - gone
    return gone


def unseen(error: ConnectorError) -> Check:
    """Our devices could not be looked at."""
    remedy = "see whether the account is signed in and its server offers PEP (XEP-0163)"
    return Check("omemo_devices", ok=False, hint=f"not seen: {error.code}", remedy=remedy)


def checks(
    device: Target, published: Mapping[int, str], trusted: frozenset[Device]
) -> tuple[Check, ...]:
    """What is true of our published devices.

    Args:
        device: the one that we hold.
        published: ours as the server tells them now.
        trusted: those of ours that were compared.
    """
    compared = {(int(d.device), d.key) for d in trusted if d.device.isdecimal()}
    others = [n for n, k in sorted(published.items()) if n != device.number]
    stale = [n for n in others if (n, published[n]) not in compared]
    return _listed(device, published), _alone(stale)


def _listed(device: Target, published: Mapping[int, str]) -> Check:
    if device.number in published:
        return Check("omemo_published", ok=True, hint=f"our device {device.number} is published")
    return Check(
        "omemo_published",
        ok=False,
        hint="our device is not on our account's list: nobody seals to us",
        remedy="restart the channel, and see which other client of this account rewrites its list",
    )


def _alone(stale: list[int]) -> Check:
    if not stale:
        return Check("omemo_devices", ok=True, hint="no other device of our account is published")
    named, quoted = ", ".join(map(str, stale)), ", ".join(f'"{n}"' for n in stale)
    return Check(
        "omemo_devices",
        ok=False,
        hint=f"devices of our account that we do not hold are published: {named}. We seal nothing"
        " to them; people's clients may",
        remedy=f"if they are lost, set withdraw = [{quoted}] and restart the channel;"
        " if nobody of yours made them, change the account's password first",
    )
