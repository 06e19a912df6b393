"""What every connector must do.

Subclass ``ConnectorContract``, give a pytest fixture ``rig`` (see ``connectors.testing.rig``), and
name in ``excused`` what your network makes impossible, with the reason:

    class TestMine(ConnectorContract):
        excused = {"test_a_private_line_is_told_as_one": "the network has no private lines"}

Rule kept here: every test was seen to fail on a connector that breaks just what it holds.
"""

from connectors.testing.abilities import Abilities
from connectors.testing.absent import Absent
from connectors.testing.failing import Failing
from connectors.testing.hardening import Hardening, Rotating
from connectors.testing.imitating import Imitating
from connectors.testing.living import Living
from connectors.testing.membership import Membership
from connectors.testing.reading import Reading
from connectors.testing.receiving import Receiving
from connectors.testing.sending import Sending


class ConnectorContract(
    Sending,
    Imitating,
    Failing,
    Reading,
    Absent,
    Receiving,
    Abilities,
    Membership,
    Hardening,
    Rotating,
    Living,
):
    """The whole contract."""
