"""Every import contract is kept by a clean tree and broken by a planted violation."""

from collections.abc import Mapping

import pytest

from .conftest import Tree

# contract, module that is given the line, the line
PLANTS = [
    ("one-direction", "tiers/policy", "import connectors.port"),
    ("one-direction", "connectors/port", "from orchestrator import store"),
    ("one-direction", "orchestrator/api", "import dashboard"),
    ("tiers-decide", "tiers/policy", "import asyncio"),
    ("tiers-decide", "tiers/policy", "from os import environ"),
    ("tiers-decide", "tiers/policy", "import pydantic"),
    ("tiers-decide", "tiers/policy", "def now():\n    import time"),
    ("tiers-decide", "tiers/policy", "import numpy"),
    ("rules-without-model", "tiers/policy", "from tiers.model import scorer"),
    ("model-stays-here", "tiers/model", "import urllib.request"),
    ("model-stays-here", "tiers/model", "import huggingface_hub"),
    ("adapters-are-strangers", "connectors/matrix", "import connectors.memory"),
    ("adapters-are-strangers", "connectors/port/messages", "import connectors.matrix"),
    ("adapters-are-strangers", "connectors/shared/frame", "import connectors.matrix"),
    ("adapters-are-strangers", "connectors/port/messages", "import connectors.shared"),
    ("adapters-are-strangers", "connectors/telex/wire", "import connectors.port"),
    ("adapters-without-policy", "connectors/matrix", "from tiers import policy"),
    ("adapters-without-policy", "connectors/matrix", "from tiers.ids import RoomId"),
    ("adapters-without-policy", "dashboard", "import tiers"),
    ("wiring-knows-adapters", "orchestrator/outbox", "import connectors.matrix"),
    ("wiring-knows-adapters", "orchestrator/flow", "from connectors import registry"),
    ("wiring-knows-adapters", "dashboard", "import connectors.port"),
    ("orchestrator-layers", "orchestrator/store", "import orchestrator.audit"),
    ("orchestrator-layers", "orchestrator/outbox/dispatch", "from orchestrator import flow"),
    ("orchestrator-layers", "orchestrator/keys", "import orchestrator.roster"),
    ("orchestrator-layers", "orchestrator/sidedoor", "import tiers"),
    ("no-side-exits", "orchestrator/flow/leak", "import httpx"),
    ("no-side-exits", "orchestrator/api", "import aiosmtplib"),
    ("no-side-exits", "orchestrator/seal", "from socket import socket"),
    ("libraries-stay-home", "connectors/memory", "import nio"),
    ("libraries-stay-home", "connectors/xmpp/sender", "from slixmpp_omemo import XEP_0384"),
    ("libraries-stay-home", "connectors/xmpp", "import oldmemo"),
    ("dashboard-asks", "dashboard", "import orchestrator.store"),
    ("dashboard-asks", "dashboard/pages/deal", "from orchestrator.flow import guard"),
]

# What the exceptions in the contracts are there for.
ALLOWED = [
    ("tiers/model", "import numpy"),
    ("connectors/port", "from tiers import policy"),
    ("connectors/matrix", "import connectors.shared"),
    ("orchestrator/wiring", "import connectors.matrix"),
    ("orchestrator/flow", "import connectors.port.messages"),
    ("dashboard", "import orchestrator.client"),
    ("orchestrator/audit/anchors", "import httpx"),
    ("connectors/matrix/machine", "from nio import crypto"),
    ("connectors/xmpp/omemo/engine", "import oldmemo"),
]


def test_a_clean_tree_is_green_with_what_is_allowed(tree: Tree) -> None:
    for module, line in ALLOWED:
        tree.plant(module, line)
    linted = tree.lint_imports()
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize(("contract", "module", "line"), PLANTS)
def test_a_planted_import_breaks_its_contract(
    tree: Tree, contract: str, module: str, line: str
) -> None:
    tree.plant(module, line)
    linted = tree.lint_imports(contract)
    assert linted.returncode == 1
    assert "1 broken" in linted.stdout, linted.stdout


def test_no_contract_is_without_a_plant(
    pyproject: Mapping[str, Mapping[str, Mapping[str, list[Mapping[str, str]]]]],
) -> None:
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    assert {contract for contract, _, _ in PLANTS} == {c["id"] for c in contracts}
