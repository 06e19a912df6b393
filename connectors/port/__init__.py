"""The port: values and protocols that every connector and the orchestrator share.

Rule kept here: adapters do not import ``tiers``. The identifiers and guarantees that they need to
speak of rooms and accounts are handed on from here; tiers, people and policy are not.
"""

from tiers.guarantees import Evidence, Guarantee, Holding, Source
from tiers.ids import AccountId, ConnectorName, DeliveryKey, DeviceId, RemoteId, RoomId

__all__ = [
    "AccountId",
    "ConnectorName",
    "DeliveryKey",
    "DeviceId",
    "Evidence",
    "Guarantee",
    "Holding",
    "RemoteId",
    "RoomId",
    "Source",
]
