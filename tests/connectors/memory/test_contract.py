"""The memory connector keeps the contract: in this process, and through both kinds of socket."""

from collections.abc import Mapping
from typing import ClassVar

import pytest

from connectors.testing.contract import ConnectorContract


class TestInThisProcess(ConnectorContract):
    pass


class TestWithoutIdempotence(ConnectorContract):
    options: ClassVar[Mapping[str, object]] = {"idempotent_for": 0}
    settings: ClassVar[Mapping[str, object]] = {"idempotent_for": 0}


@pytest.mark.parametrize("far_process", ["unix", "tcp"], indirect=True)
@pytest.mark.usefixtures("far_process")
class TestInAProcessOfItsOwn(ConnectorContract):
    in_own_process = True
