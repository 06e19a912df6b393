"""Holds what the configuration says of a channel to what its connector takes.

Rule kept here: a setting that a connector does not know is told before anything is opened.
"""

from pydantic import ValidationError

from connectors.registry import UnknownConnectorError, find
from orchestrator.client.views import Check
from orchestrator.config import Config


def channel_settings_check(config: Config) -> Check | None:
    """The first setting of a channel that its connector does not take; None without one."""
    for name, part in config.channels.items():
        try:
            model = find(part.kind).settings()
            if model is not None:
                model.model_validate(part.settings)
        except UnknownConnectorError as error:
            return _red_settings(f"channels.{name}: {error}")
        except ValidationError as error:
            wrong = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(["channels", name, "settings", *map(str, wrong["loc"])])
            return _red_settings(f"{place}: {wrong['msg']}")
    return None


def _red_settings(text: str) -> Check:
    then = "put it right in wallcross.toml"
    return Check(name="channel-settings", state="fix", text=text, then=then, group="channel")
