"""Settings, validated once, all problems at once, each with its place and its remedy."""

from orchestrator.config.load import Settings, load
from orchestrator.config.mistakes import ConfigInvalid, Mistake
from orchestrator.config.model import Config

__all__ = ["Config", "ConfigInvalid", "Mistake", "Settings", "load"]
