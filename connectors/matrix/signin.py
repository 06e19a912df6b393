"""Signing in as one device, once.

Rule kept here: a kept session is used as long as the homeserver knows it. Only then is a password
used, for the same device id, which is written down before it is sent.
"""

from pathlib import Path

from connectors.matrix.client import BASE, Client, malformed
from connectors.matrix.session import Session, SessionFile, new_device_id
from connectors.matrix.settings import MatrixSecrets, MatrixSettings
from connectors.port.errors import Rejected, Unavailable


async def sign_in(
    client: Client, settings: MatrixSettings, secrets: MatrixSecrets, folder: Path
) -> Session:
    """The kept session, or a new one of the device that was written down for it.

    Args:
        client: gets the token.
        settings: whose account.
        secrets: what signs in.
        folder: where the session is kept.

    Raises:
        ConnectorError: not signed in.
    """
    file = SessionFile(folder, secrets.key, (settings.user, settings.homeserver))
    kept = file.load()
    if kept is not None and kept.token is not None:
        client.token = kept.token
        if await still_signed_in(client, settings.user, kept.device):
            return kept
    if secrets.access_token is not None:
        session = await _of_token(client, settings, secrets.access_token.get_secret_value())
    else:
        device = kept.device if kept else settings.device or new_device_id()
        file.save(Session(device))
        session = await _log_in(client, settings, secrets, device)
    file.save(session)
    return session


async def sign_in_anew(
    client: Client, settings: MatrixSettings, secrets: MatrixSecrets, folder: Path, device: str
) -> Session:
    """A new session of the device that we are, by what signs in and not by the kept one.

    For a password the homeserver ends the device's session before (matrix-spec, POST /login: a
    known device's old access token is invalidated); its keys stay.

    Args:
        client: of this alone; gets the token.
        settings: whose account.
        secrets: what signs in.
        folder: where the session is kept.
        device: that we are.

    Raises:
        ConnectorError: not signed in; the kept session is as it was.
    """
    if secrets.access_token is not None:
        session = await _of_token(client, settings, secrets.access_token.get_secret_value())
        if session.device != device:
            raise Rejected("other_device", "the access token is of another device than ours")
    else:
        session = await _log_in(client, settings, secrets, device)
    SessionFile(folder, secrets.key, (settings.user, settings.homeserver)).save(session)
    return session


async def set_password(
    client: Client, settings: MatrixSettings, secrets: MatrixSecrets, value: str
) -> None:
    """Has the homeserver take another password; no device is signed out.

    Source: matrix-spec, POST /account/password with user-interactive authentication.

    Raises:
        Rejected: we sign in without one, or it was not taken. ConnectorError.
    """
    if secrets.password is None:
        raise Rejected("no_password", "this account signs in by an access token")
    auth = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": settings.user},
        "password": secrets.password.get_secret_value(),
    }
    body = {"new_password": value, "logout_devices": False, "auth": auth}
    await client.call("POST", f"{BASE}/account/password", body)


async def still_signed_in(client: Client, user: str, device: str) -> bool:
    """Whether the homeserver takes our token for this account and device."""
    try:
        told = await client.call("GET", f"{BASE}/account/whoami")
    except Unavailable as error:
        if error.code == "signed_out":
            return False
        raise
    return bool(told.get("user_id") == user and told.get("device_id") == device)


async def _of_token(client: Client, settings: MatrixSettings, token: str) -> Session:
    """The device that a given access token belongs to."""
    client.token = token
    told = await client.call("GET", f"{BASE}/account/whoami")
    device = told.get("device_id")
    if told.get("user_id") != settings.user or not isinstance(device, str):
        raise Rejected("other_account", "the access token is of another account or no device")
    return Session(device, token)


async def _log_in(
    client: Client, settings: MatrixSettings, secrets: MatrixSecrets, device: str
) -> Session:
    """A session for a password. Source: matrix-spec, POST /login."""
    if secrets.password is None:
        raise Unavailable("signed_out", "the access token is no longer valid: give a new one")
    client.token = None
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": settings.user},
        "password": secrets.password.get_secret_value(),
        "device_id": device,
        "initial_device_display_name": settings.device_name,
    }
    told = await client.call("POST", f"{BASE}/login", body)
    token = told.get("access_token")
    if not isinstance(token, str) or told.get("device_id") != device:
        raise malformed(acts=False)
    client.token = token
    return Session(device, token)
