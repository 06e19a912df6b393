"""The memory connector's table in the configuration file.

Rule kept here: what is not known is refused, and what makes a network safer is the default. What
the settings promise is compared with the network when the connector opens.
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.memory.links import Address
from connectors.memory.network import DAY
from connectors.port import Guarantee


class Settings(BaseModel):
    """Settings of one account on a memory network.

    Attributes:
        address: ``unix:/path`` or ``127.0.0.1:PORT`` of a network in another process; without it
            the network lies in this process.
        network: name of the network in this process.
        account: our account.
        standby: a second account of ours that sits in each room as an admin.
        timeout: seconds to wait for an answer.
        guarantees: what rooms of this network can hold; rooms are made with these.
        untold: guarantees that the network has but does not tell, so that they are never read back.
        max_body_bytes: longest text.
        max_attachment_bytes: largest file.
        idempotent_for: microseconds for which the network recognises a repetition; 0 for never.
        unsafe_trust_first_seen: takes the devices that an account has when it is first seen as
            verified. For made-up deals only: nobody compared anything.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    address: str | None = None
    network: str = "memory"
    account: str = Field(default="wallcross", min_length=1)
    standby: str | None = Field(default=None, min_length=1)
    timeout: float = Field(default=10.0, gt=0, le=300)
    guarantees: frozenset[Guarantee] = frozenset(Guarantee)
    untold: frozenset[Guarantee] = frozenset()
    max_body_bytes: int = Field(default=1024 * 1024, gt=0)
    max_attachment_bytes: int = Field(default=200 * 1024 * 1024, ge=0)
    idempotent_for: int = Field(default=DAY, ge=0)
    unsafe_trust_first_seen: bool = False

    @model_validator(mode="after")
    def _is_another(self) -> Self:
        if self.standby == self.account:
            raise ValueError("standby: name an account other than the one that it stands by for")
        return self

    @field_validator("address")
    @classmethod
    def _listens_nearby(cls, value: str | None) -> str | None:
        if value is not None:
            Address.parse(value)
        return value
