"""Settings of an account on a memory network that has a password."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, SecretStr

from connectors.memory import settings as memory


class Settings(memory.Settings):
    """As of any memory network, with the place where the network keeps the password.

    Attributes:
        lock: a file of the network's; what it holds is the password that it takes.
        session: the connector keeps a session, so that opening proves no password.
        deaf: the network takes another password and answers nobody.
        refuses: the network lets nobody set one.
    """

    lock: Path
    session: bool = False
    deaf: bool = False
    refuses: bool = False
    dies: bool = False


class Secrets(BaseModel):
    """A password, and a key that is never changed."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    password: SecretStr
    state_key: SecretStr
    fixed: ClassVar[Mapping[str, str]] = {"state_key": "set up a new folder instead"}
