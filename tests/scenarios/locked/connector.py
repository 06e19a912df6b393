"""A memory account that signs in by a password, which its network keeps in a file."""

import os
import signal

from connectors.memory.connector import MemoryConnector
from connectors.port.connector import Connector, Setup
from connectors.port.errors import Rejected, Uncertain
from connectors.port.settings import read_models

from .settings import Secrets, Settings


class Locked(MemoryConnector):
    """Signs in by a password; can prove one, and have the network take another."""

    def __init__(self, setup: Setup, settings: Settings, given: str) -> None:
        super().__init__(setup, settings)
        self.known = settings
        self.given = given

    def _sign_in(self) -> None:
        if self.known.lock.read_text() != self.given:
            raise Rejected("wrong_password", "the network does not take this password")

    async def open(self) -> None:
        """Signs in, by a kept session where it has one."""
        kept = self.known.lock.with_suffix(".session")
        if not (self.known.session and kept.exists()):
            self._sign_in()
            kept.touch()
        await super().open()

    async def prove_secrets(self) -> None:
        """Signs in by the password."""
        self._sign_in()

    async def set_password(self, value: str) -> None:
        """The network takes it, or does not, and may not answer."""
        if self.known.refuses:
            raise Rejected("not_allowed", "ask whoever runs the network")
        self.known.lock.write_text(value)
        if self.known.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.known.deaf:
            raise Uncertain("no_answer", "nobody knows whether it was taken")


def open_connector(setup: Setup) -> Connector:
    """Makes one."""
    settings, secrets = read_models(setup, Settings, Secrets)
    return Locked(setup, settings, secrets.password.get_secret_value())
