"""A small tree under the project's own rules, for planting violations in."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("tiers", "connectors", "orchestrator", "dashboard")


@dataclass(frozen=True)
class Source:
    """One file: where it stands in the tree, and what it says."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)


def read_sources(*folders: str) -> list[Source]:
    """Every Python file of the project under `folders`."""
    paths = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return [Source(str(p.relative_to(ROOT)), p.read_text(encoding="utf-8")) for p in sorted(paths)]


def assert_none(found: Iterable[str]) -> None:
    """Fails with every finding in full, one a line."""
    listed = "\n".join(sorted(found))
    assert not listed, f"\n{listed}"


@pytest.fixture(scope="session")
def product() -> list[Source]:
    """The code that ships."""
    return read_sources(*PACKAGES)


@pytest.fixture(scope="session")
def everything() -> list[Source]:
    """The code that ships, its tests and its tools."""
    return read_sources(*PACKAGES, "tests", "tools")


@pytest.fixture(scope="session")
def pyproject() -> Mapping[str, Mapping[str, object]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def named_in_layers(contract: Mapping[str, object]) -> Iterator[str]:
    """The modules that a layers contract keeps a place for."""
    containers = contract.get("containers", [""])
    layers = contract["layers"]
    assert isinstance(containers, list)
    assert isinstance(layers, list)
    for container in containers:
        for layer in layers:
            for name in layer.split("|"):
                yield f"{container}.{name.strip(' ()')}".lstrip(".")


@dataclass(frozen=True)
class Tree:
    """A miniature of the project under the project's own pyproject.toml."""

    root: Path

    def package(self, *parts: str) -> Path:
        """Makes a package, and those it stands in; returns its file."""
        folder = self.root
        for part in parts:
            folder /= part
            folder.mkdir(exist_ok=True)
            (folder / "__init__.py").touch()
        return folder / "__init__.py"

    def plant(self, package: str, line: str) -> None:
        """Adds a line to a package."""
        with self.package(*package.split("/")).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def lint_imports(self, *contracts: str) -> subprocess.CompletedProcess[str]:
        """Runs import-linter here, on some contracts or on all."""
        limits = [word for contract in contracts for word in ("--contract", contract)]
        return run(
            [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", *limits], self.root
        )


def run(command: Sequence[str], cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def tree(tmp_path: Path, pyproject: Mapping[str, Mapping[str, object]]) -> Tree:
    """A clean tree: every module that a contract names is there and imports nothing."""
    linter = pyproject["tool"]["importlinter"]
    assert isinstance(linter, dict)
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    modules = {
        *("tiers.ids", "tiers.model", "tiers.policy"),
        *("connectors.port.messages", "orchestrator.outbox.dispatch"),
    }
    for contract in linter["contracts"]:
        if contract["type"] == "layers":
            modules.update(named_in_layers(contract))
    planted = Tree(tmp_path)
    for module in modules:
        planted.package(*module.split("."))
    return planted


@pytest.fixture
def ruff() -> Callable[[str, str], str]:
    """Lints a text as if it stood at a path of the project; returns what ruff says."""

    def lint(path: str, text: str) -> str:
        command = [
            str(Path(sys.executable).with_name("ruff")),
            "check",
            "--no-cache",
            "--output-format",
            "concise",
        ]
        return run([*command, "--stdin-filename", path, "-"], ROOT, text).stdout

    return lint
