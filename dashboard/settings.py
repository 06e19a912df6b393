"""Streamlit's settings, given by our launcher and never left to a file; read back by doctor.

Rule kept here: what stands in ``HARDENED`` is what is in force, whatever a file or a variable of
this machine says; ``in_force`` reads the effective values.

``runner.fastReruns`` is off so that no press is lost: with it, what a page was asked while it was
being made is thrown away by the next press, with the press that asked for it.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from streamlit import config

from dashboard.headers import SESSION_HEADER, inline_hashes
from dashboard.public import public
from dashboard.shell import page
from dashboard.theme import FACES

HARDENED: Mapping[str, Any] = {
    "browser.gatherUsageStats": False,
    "client.allowedOrigins": [],
    "client.disableDataExport": True,
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "minimal",
    "global.developmentMode": False,
    "logger.enableRich": False,
    "logger.hideWelcomeMessage": True,
    "logger.level": "warning",
    "runner.fastReruns": False,
    "runner.magicEnabled": False,
    "server.address": "127.0.0.1",
    "server.allowRunOnSave": False,
    "server.corsAllowedOrigins": [],
    "server.disconnectedSessionTTL": 60,
    "server.enableAgentApi": False,
    "server.enableCORS": True,
    "server.enableStaticServing": False,
    "server.enableXsrfProtection": True,
    "server.fileWatcherType": "none",
    "server.maxMessageSize": 50,
    "server.maxUploadSize": 10,
    "server.runOnSave": False,
    "server.showEmailPrompt": False,
    "server.trustedUserHeaders": {SESSION_HEADER: "session"},
    "server.xsrfCookieSameSite": "strict",
}


def put(host: str, port: int, more: Mapping[str, Any]) -> None:
    """Puts the settings in force, above files and variables.

    Args:
        host: the host by which browsers may name this page.
        port: where it listens.
        more: what is not about safety, such as the theme.
    """
    flags = {**more, **HARDENED, "server.allowedHosts": [host], "server.port": port}
    config.get_config_options(force_reparse=True, options_from_flags=flags)


def in_force(origin: str) -> dict[str, bool]:
    """Whether each hardened setting has the value that it is to have, by its name.

    Args:
        origin: by which browsers name this front.
    """
    parts = urlsplit(origin)
    found = {name: config.get_option(name) == value for name, value in HARDENED.items()}
    found["server.allowedHosts"] = config.get_option("server.allowedHosts") == [parts.hostname]
    found["origin"] = parts.scheme == "https" or parts.hostname == "localhost"
    found["content policy"] = len(inline_hashes(page())) == page().count("<script>") > 0
    found["own fonts"] = all(face["url"] in public() for face in FACES)
    return found
