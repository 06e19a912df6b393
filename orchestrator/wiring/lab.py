"""Stand-ins of networks, for trying out and for tests.

Rule kept here: a stand-in is the far side. It gets no settings, no secrets and no state of a home,
and nothing of a home reaches it but over its network's own protocol.
"""

from collections.abc import Sequence

from connectors.signal.standin import app as signal_standin
from connectors.wickr.standin import app as wickr_standin


def signal(argv: Sequence[str]) -> None:
    """Serves the stand-in for signal-cli-rest-api, or for signal-cli, until it is told to end.

    Args:
        argv: its options, see ``connectors.signal.standin.app``.
    """
    signal_standin.main(argv)


def wickr(argv: Sequence[str]) -> None:
    """Serves the stand-in for the Wickr IO web interface until it is told to end.

    Args:
        argv: its options, see ``connectors.wickr.standin.app``.
    """
    wickr_standin.main(argv)
