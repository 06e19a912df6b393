"""Shape of the code: no empty bodies, nothing unexplained, functions that fit in a glance."""

import ast
import io
import re
import statistics
import textwrap
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest

from .conftest import Source, assert_none

MAX_FILE_LINES = 700
AIMED_MEDIAN = 10
AIMED_P90 = 30
MAX_FUNCTION_LINES = 80

# An exemption from a linter or from the type checker: its codes, and then why.
EXEMPTION = re.compile(r"#\s*(?:noqa|type:\s*ignore)\b(?P<rest>.*)")
EXPLAINED = re.compile(
    r"(?:\[[a-z, -]+\]|:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)\s*(?:#|-|\(|:)\s*\w.{2,}"
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Placed:
    """A function, and the class that it stands in."""

    path: str
    node: Function
    owner: ast.ClassDef | None

    @property
    def body(self) -> list[ast.stmt]:
        """What it does: its body without the docstring."""
        return self.node.body[1:] if ast.get_docstring(self.node) else self.node.body

    @property
    def lines(self) -> int:
        whole = (self.node.end_lineno or self.node.lineno) - self.node.lineno + 1
        if not ast.get_docstring(self.node):
            return whole
        docstring = self.node.body[0]
        return whole - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)

    def __str__(self) -> str:
        return f"{self.path}:{self.node.lineno} {self.node.name}"


def functions(sources: Iterable[Source]) -> Iterator[Placed]:
    for source in sources:
        tree = source.tree
        owners = {
            child: owner
            for owner in ast.walk(tree)
            if isinstance(owner, ast.ClassDef)
            for child in owner.body
        }
        for node in ast.walk(tree):
            if isinstance(node, Function):
                yield Placed(source.path, node, owners.get(node))


def names(nodes: Iterable[ast.expr]) -> set[str]:
    """The last part of each dotted name: `typing.Protocol[T]` is `Protocol`."""
    return {re.split(r"[.\[(]", ast.unparse(node).replace("typing.", ""))[0] for node in nodes}


def declares_only(function: Placed) -> bool:
    """What has no body by its nature, or does nothing and says so.

    A protocol's method and an overload say what others do; a command group's function carries the
    group's help; and an override may be there to do nothing.
    """
    bases = names(function.owner.bases) if function.owner else set()
    decorators = [ast.unparse(node) for node in function.node.decorator_list]
    return (
        "Protocol" in bases
        or any(re.search(r"\b(overload|abstractmethod|callback\(.*\))$", d) for d in decorators)
        or (not function.body and "nothing" in (ast.get_docstring(function.node) or "").lower())
    )


def does_nothing(statement: ast.stmt) -> bool:
    """`pass`, `...`, or the promise to write it later."""
    if isinstance(statement, ast.Raise) and statement.exc is not None:
        return names([statement.exc]) == {"NotImplementedError"}
    is_dots = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Pass) or is_dots


def raises(function: Placed) -> bool:
    return any(isinstance(statement, ast.Raise) for statement in function.body)


def hollow(sources: Iterable[Source]) -> list[str]:
    """Functions that stand for one that was never written (or, in tests, for a variant's)."""
    return [
        str(function)
        for function in functions(sources)
        if all(map(does_nothing, function.body))
        and not declares_only(function)
        and not (function.path.startswith("tests/") and raises(function))
    ]


def comments(source: Source) -> Iterator[tuple[int, str]]:
    lines = io.StringIO(source.text).readline
    for token in tokenize.generate_tokens(lines):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def unexplained(sources: Iterable[Source]) -> list[str]:
    """Exemptions that do not say both of what and why (a test's ignored type: of what)."""
    return [
        f"{source.path}:{number} {comment}"
        for source in sources
        for number, comment in comments(source)
        if (found := EXEMPTION.search(comment))
        and not EXPLAINED.match(found["rest"].strip())
        and not (source.path.startswith("tests/") and comment.startswith("# type: ignore["))
    ]


def long_files(sources: Iterable[Source]) -> list[str]:
    return [s.path for s in sources if len(s.text.splitlines()) > MAX_FILE_LINES]


def called(function: Placed) -> set[str]:
    """The last part of each name that a function calls: `rig.until(...)` is `until`."""
    calls = (node.func for node in ast.walk(function.node) if isinstance(node, ast.Call))
    return {ast.unparse(name).rpartition(".")[2] for name in calls}


def asserts_nothing(sources: Iterable[Source]) -> list[str]:
    """Tests that cannot fail but by accident: neither they nor what they call asserts anything."""
    placed = list(functions(sources))
    telling = {"raises", "fail", "warns", "timeout", "wait_for"} | {
        function.node.name
        for function in placed
        if any(isinstance(node, ast.Assert) for node in ast.walk(function.node))
    }
    while grown := {f.node.name for f in placed if called(f) & telling} - telling:
        telling |= grown
    return [
        str(function)
        for function in placed
        if function.node.name.startswith("test_") and function.node.name not in telling
    ]


def mocks(sources: Iterable[Source]) -> list[str]:
    """Uses of a mock: a fake that we keep (the memory network, a planted fault) says more."""
    imports = re.compile(r"(from unittest import|from unittest\.mock|import (unittest\.)?mock\b)")
    return [
        f"{source.path}:{node.lineno}"
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and imports.match(ast.unparse(node))
    ]


def test_no_function_is_hollow(everything: list[Source]) -> None:
    assert_none(hollow(everything))


@pytest.mark.parametrize(
    "body",
    [
        "    pass",
        "    ...",
        '    """Says much."""',
        '    """Says much."""\n    raise NotImplementedError(1)',
    ],
)
def test_a_hollow_function_is_found(body: str) -> None:
    plain = f"async def later() -> None:\n{body}\n"
    method = textwrap.indent(plain, "    ")
    protocol = f"class P(Protocol):\n{method}"
    assert hollow([Source("tiers/x.py", plain)]) == ["tiers/x.py:1 later"]
    assert hollow([Source("tiers/x.py", protocol)]) == []
    assert hollow([Source("tiers/x.py", f"@app.callback()\n{plain}")]) == []


def test_what_does_nothing_may_say_so() -> None:
    text = 'def quiet() -> None:\n    """{}"""\n'
    assert hollow([Source("tiers/x.py", text.format("Prints nothing."))]) == []
    assert hollow([Source("tiers/x.py", text.format("Prints much."))]) == ["tiers/x.py:1 quiet"]


def test_every_exemption_says_why(everything: list[Source]) -> None:
    assert_none(unexplained(everything))


@pytest.mark.parametrize(
    ("comment", "fine"),
    [
        ("# noqa", False),
        ("# noqa: E501", False),
        ("# noqa: S603, S607", False),
        ("# type: ignore", False),
        ("# type: ignore[arg-type]", False),
        ("# noqa: S603 - our own program", True),
        ("# noqa: S603, S607 (our own program)", True),
        ("# type: ignore[arg-type]  # the stubs are behind", True),
    ],
)
def test_an_unexplained_exemption_is_found(comment: str, fine: bool) -> None:
    found = unexplained([Source("tiers/x.py", f"X = 1  {comment}\n")])
    assert (found == []) == fine


def test_no_file_is_too_long(everything: list[Source]) -> None:
    assert_none(long_files(everything))


def test_a_long_file_is_found() -> None:
    assert long_files([Source("a.py", "X = 1\n" * MAX_FILE_LINES)]) == []
    assert long_files([Source("a.py", "X = 1\n" * (MAX_FILE_LINES + 1))]) == ["a.py"]


def test_functions_fit_in_a_glance(product: list[Source]) -> None:
    lengths = {str(function): function.lines for function in functions(product)}
    assert statistics.median(lengths.values()) <= AIMED_MEDIAN
    assert statistics.quantiles(lengths.values(), n=10)[-1] <= AIMED_P90
    assert_none(name for name, n in lengths.items() if n > MAX_FUNCTION_LINES)


def test_a_docstring_does_not_count_as_length() -> None:
    text = 'def f() -> int:\n    """One.\n\n    Two.\n    """\n    x = 1\n    return x\n'
    assert [f.lines for f in functions([Source("a.py", text)])] == [3]


def test_every_test_can_fail(everything: list[Source]) -> None:
    tests = [
        source for source in everything if source.path.startswith(("tests/", "connectors/testing/"))
    ]
    assert_none(asserts_nothing(tests))
    assert_none(mocks(tests))


def test_a_test_that_asserts_nothing_is_found() -> None:
    idle = "def test_it() -> None:\n    run()\n"
    helper = "def run() -> None:\n    check()\n\ndef check() -> None:\n    {}\n"
    assert asserts_nothing([Source("tests/x.py", idle)]) == ["tests/x.py:1 test_it"]
    assert asserts_nothing([Source("tests/x.py", f"{idle}    assert run() == 1\n")]) == []
    assert asserts_nothing([Source("tests/x.py", idle + helper.format("assert 1"))]) == []
    assert asserts_nothing([Source("tests/x.py", idle + helper.format("look()"))]) != []


@pytest.mark.parametrize(
    "line", ["from unittest.mock import Mock", "from unittest import mock", "import mock"]
)
def test_a_mock_is_found(line: str) -> None:
    assert mocks([Source("tests/x.py", f"{line}\n")]) == ["tests/x.py:1"]
