"""Settings, validated once, all problems at once, each with its place and its remedy."""

from orchestrator.config.load import Look, Settings, load, look
from orchestrator.config.mistakes import ConfigInvalid, Mistake
from orchestrator.config.model import Config

__all__ = ["Config", "ConfigInvalid", "Look", "Mistake", "Settings", "load", "look"]
