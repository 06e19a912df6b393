"""The one place that knows every concrete class: opens a home and puts its parts together."""

from orchestrator.wiring.assemble import home_id_of
from orchestrator.wiring.home import open_home, open_runtime

__all__ = ["home_id_of", "open_home", "open_runtime"]
