"""A dry run, as the API speaks of it: where it stands in a path, and what it comes to.

Rule kept here: what was rehearsed is no result. A caller that asked for a result and gets this is
ended by it, so that nothing takes for done what was not.
"""

from collections.abc import Sequence

DRY_RUN = "/dry-run"
"""What stands behind the API's base where nothing is to be changed (docs/api.md)."""
REHEARSED = "wallcross-dry-run"
"""The header of an answer to that."""


class WouldDo(Exception):
    """It may be done, and was not.

    Args:
        states: what would be so then, a sentence each; of a home, what the record would say.
        network: from there on a network would be asked to act.
    """

    def __init__(self, states: Sequence[str], *, network: bool = False) -> None:
        super().__init__()
        self.states = tuple(states)
        self.network = network
