"""What every connector must do, as a suite that anybody can run on his own connector.

Rule kept here: pytest and hypothesis are needed by this package alone, and only by who runs it.
"""

import pytest

pytest.register_assert_rewrite(
    *(
        f"connectors.testing.{name}"
        for name in ("abilities", "base", "contract", "failing", "living", "reading", "receiving")
    ),
    "connectors.testing.hardening",
    "connectors.testing.imitating",
    "connectors.testing.membership",
    "connectors.testing.sending",
)
