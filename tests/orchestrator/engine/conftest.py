"""Failures inside the shared suite say what was compared."""

import pytest

pytest.register_assert_rewrite("tests.orchestrator.engine.contract")
