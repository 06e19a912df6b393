"""The pages of the desk, looked at once the rules of leak risk were run, as each minute."""

import pytest

from orchestrator.command.risk_look import RiskLook
from tests.dashboard.conftest import Look


@pytest.fixture(autouse=True)
async def rules_ran(look: Look) -> None:
    await RiskLook(look.house.home.runtime).look()
