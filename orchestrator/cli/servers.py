"""Servers that this user is signed in to: their addresses, and the secrets of his sessions there.

Rules kept here: a secret lies in the user's own secret store, never in a file of the settings, and
is sent to the server that gave it alone, over TLS unless that is this machine.
"""

from contextlib import AbstractAsyncContextManager
from hashlib import sha256
from urllib.parse import urlsplit

from orchestrator.cli.globals import Globals
from orchestrator.client.api import Client
from orchestrator.client.problems import SignInFirst, Wrong
from orchestrator.client.wire import server_transport
from orchestrator.secrets.home import HomeSecrets, open_secrets

OWNER = "cli"
"""Stands for a home's id where secrets are the user's own."""
LAST = "servers/last"


def vault_of(asked: Globals) -> HomeSecrets:
    """Where the user's sessions lie."""
    settings = asked.settings()
    return open_secrets(settings.state, OWNER, settings.config.secrets.folder)


def address(server: str) -> str:
    """A server's address in one form. Raises: Wrong."""
    found = urlsplit(server if "://" in server else f"https://{server}")
    here = found.hostname in {"localhost", "127.0.0.1", "::1"}
    plain = found.scheme == "https" or (found.scheme == "http" and here)
    if not plain or not found.hostname or found.path not in {"", "/"} or found.query:
        raise Wrong(
            "A server is named as https://host, or http://localhost:PORT on this machine",
            still="Nothing was sent",
        )
    return f"{found.scheme}://{found.netloc}"


def keep(vault: HomeSecrets, server: str, secret: str) -> None:
    """Remembers a session."""
    vault.set(_name(server), secret.encode())
    vault.set(LAST, server.encode())


def forget(vault: HomeSecrets, server: str) -> None:
    """Forgets it."""
    vault.delete(_name(server))
    vault.delete(LAST)


def known(vault: HomeSecrets, server: str | None) -> tuple[str, str]:
    """A server, the last one where none is named, and the session there. Raises: SignInFirst."""
    last = vault.get(LAST)
    named = address(server) if server else (last.reveal_text() if last is not None else None)
    secret = None if named is None else vault.get(_name(named))
    if named is None or secret is None:
        raise SignInFirst(
            "You are not signed in to a server", still="Nothing was sent", then="wallcross login"
        )
    return named, secret.reveal_text()


def client_of(
    server: str, secret: str | None, timeout_s: float, behind: str = ""
) -> AbstractAsyncContextManager[Client]:
    """A client of a server; without a secret for what nobody needs to be signed in for.

    ``behind``: what stands between the API's base and its paths.
    """
    headers = {} if secret is None else {"authorization": f"Bearer {secret}"}
    return Client(server_transport(), timeout_s, headers=headers, base=f"{server}/api/v1{behind}")


def _name(server: str) -> str:
    return f"servers/{sha256(server.encode()).hexdigest()[:32]}"
