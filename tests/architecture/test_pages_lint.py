"""What code of pages may not do: bans that a linter cannot say, with good and bad lines of each.

A name of a person is data from outside. Streamlit reads Markdown in bodies, labels, titles,
tooltips and toasts alike; so data reaches none of them but through ``safe`` or a function of words.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from .conftest import ROOT, Source, assert_none, read_sources

MARKDOWN = frozenset(
    [
        "badge",
        "button",
        "caption",
        "checkbox",
        "container",
        "date_input",
        "dialog",
        "divider",
        "error",
        "expander",
        "form",
        "form_submit_button",
        "header",
        "info",
        "link_button",
        "markdown",
        "metric",
        "multiselect",
        "number_input",
        "page_link",
        "pills",
        "popover",
        "radio",
        "segmented_control",
        "selectbox",
        "slider",
        "spinner",
        "status",
        "subheader",
        "success",
        "tabs",
        "text_area",
        "text_input",
        "title",
        "toast",
        "toggle",
        "warning",
    ]
)
SPOKEN = frozenset(
    {"label", "body", "title", "help", "placeholder", "caption", "captions", "delta"}
)
UNSAFE = frozenset({"unsafe_allow_html", "unsafe_allow_javascript", "persist"})
STATE_OF_ITS_OWN = "dashboard/link.py"
MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
OURS = frozenset(p.stem for p in (ROOT / "dashboard" / "widgets").glob("*.py"))
CHANGES = frozenset(
    [
        "add",
        "append",
        "clear",
        "discard",
        "extend",
        "insert",
        "pop",
        "popitem",
        "remove",
        "setdefault",
        "update",
    ]
)
ADDRESS = re.compile(
    r"https?://(?!localhost\b|127\.0\.0\.1|www\.w3\.org/2000/svg|wallcross\b)[^\s\"')<>]*"
)
FIGURES = frozenset({"abs", "int", "len", "max", "min", "round", "sum"})
Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


def raw(node: ast.expr, known: dict[str, ast.expr]) -> Iterator[ast.expr]:
    """Data inside what is spoken that nothing escaped.

    Args:
        node: what is given to Streamlit.
        known: what the names of the function were last given.
    """
    if _is_data(node):
        yield node
    for part in _parts(node):
        yield from raw(part, known)
    if isinstance(node, ast.Name) and node.id in known:
        yield from raw(known[node.id], {k: v for k, v in known.items() if k != node.id})


def _is_data(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return not node.attr.isupper()
    if isinstance(node, ast.Subscript):
        return not _constant(node.value) and not isinstance(_innermost(node), ast.Call)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Mod)
    return isinstance(node, ast.Call) and _called(node) == "format"


def _parts(node: ast.expr) -> Sequence[ast.expr]:
    if isinstance(node, ast.JoinedStr):
        return [v.value for v in node.values if isinstance(v, ast.FormattedValue)]
    if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Mod) and not _is_figure(node):
        return (node.left, node.right)
    return (node.body, node.orelse) if isinstance(node, ast.IfExp) else ()


def _is_figure(node: ast.BinOp) -> bool:
    """Whether a sum can only be one of numbers."""
    return any(
        (isinstance(side, ast.Call) and _called(side) in FIGURES)
        or (isinstance(side, ast.Constant) and isinstance(side.value, int | float))
        for side in (node.left, node.right)
    )


def _innermost(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Subscript):
        node = node.value
    return node


def _constant(node: ast.expr) -> bool:
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
    return name.strip("_").isupper()


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def spoken(source: Source) -> Iterator[str]:
    """Places where data is given to Streamlit as Markdown."""
    for scope in _scopes(source.tree):
        known = dict(_given(scope))
        for call in _calls(scope):
            if not _speaks(call):
                continue
            given = [*call.args[:1], *(k.value for k in call.keywords if k.arg in SPOKEN)]
            for node in [found for arg in given for found in raw(arg, known)]:
                yield f"{source.path}:{node.lineno}: data as Markdown: {ast.unparse(node)}"


def _speaks(call: ast.Call) -> bool:
    """Whether it is Streamlit's, also of a column; a module of ours has its own lines."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in MARKDOWN:
        return False
    return not (isinstance(call.func.value, ast.Name) and call.func.value.id in OURS)


def _scopes(tree: ast.Module) -> Iterator[Scope]:
    yield tree
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _own(scope: Scope) -> Iterator[ast.AST]:
    """What stands in a function itself, not in one inside it."""
    waiting: list[ast.AST] = list(scope.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))


def _calls(scope: Scope) -> Iterator[ast.Call]:
    yield from (node for node in _own(scope) if isinstance(node, ast.Call))


def _given(scope: Scope) -> Iterator[tuple[str, ast.expr]]:
    for node in _own(scope):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value


def unsafe(source: Source) -> Iterator[str]:
    """Doors that Streamlit leaves open on demand."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.keyword) and node.arg in UNSAFE:
            yield f"{source.path}:{node.value.lineno}: {node.arg}"


def kept(source: Source) -> Iterator[str]:
    """State that people would share: mutable at module level, or changed from a function."""
    if source.path == STATE_OF_ITS_OWN:
        return
    for node in source.tree.body:
        loose = isinstance(node, ast.Assign) and isinstance(node.value, MUTABLE)
        if loose and not all(_constant(target) for target in node.targets):  # type: ignore[attr-defined]  # an Assign
            yield f"{source.path}:{node.lineno}: mutable at module level"
    names = {name for name, _ in _given(source.tree)}
    for scope in _scopes(source.tree):
        if not isinstance(scope, ast.Module):
            yield from _shared(source, scope, names - {name for name, _ in _given(scope)})


def _shared(source: Source, scope: Scope, names: set[str]) -> Iterator[str]:
    for node in _own(scope):
        if isinstance(node, ast.Global) or _changed(node) in names:
            yield f"{source.path}:{node.lineno}: changes what everybody shares"  # type: ignore[attr-defined]  # a statement


def _changed(node: ast.AST) -> str | None:
    """The name whose value a statement changes in place."""
    found: ast.expr | None = None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        found = node.func.value if node.func.attr in CHANGES else None
    elif isinstance(node, ast.Assign | ast.AugAssign | ast.Delete):
        targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
        found = next((t.value for t in targets if isinstance(t, ast.Subscript)), None)
    return found.id if isinstance(found, ast.Name) else None


def remote(path: str, text: str) -> Iterator[str]:
    """Addresses of other hosts."""
    for found in ADDRESS.finditer(text):
        yield f"{path}: {found[0]}"


def pages() -> list[Source]:
    return read_sources("dashboard")


def files() -> Iterable[Path]:
    kinds = {".py", ".js", ".css", ".html", ".svg"}
    return [p for p in sorted((ROOT / "dashboard").rglob("*")) if p.suffix in kinds]


@pytest.mark.parametrize("rule", [spoken, unsafe, kept], ids=lambda rule: rule.__name__)
def test_pages_keep_the_rules(rule: Callable[[Source], Iterator[str]]) -> None:
    assert_none(found for source in pages() for found in rule(source))


def test_nothing_of_the_dashboard_names_another_host() -> None:
    assert_none(
        found
        for path in files()
        for found in remote(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
    )


BAD: dict[str, tuple[Callable[[Source], Iterator[str]], str]] = {
    "f-string": (spoken, "def f(p):\n    st.markdown(f'**{p.name}**')\n"),
    "attribute": (spoken, "def f(p):\n    st.subheader(p.name)\n"),
    "sum": (spoken, "def f(p):\n    st.button('Remove ' + p.name)\n"),
    "label": (spoken, "def f(p):\n    st.selectbox(label=p.name, options=[])\n"),
    "tooltip": (spoken, "def f(p):\n    st.caption('x', help=p.reason)\n"),
    "toast": (spoken, "def f(p):\n    st.toast('gone: %s' % p)\n"),
    "format": (spoken, "def f(p):\n    st.title('{}'.format(p))\n"),
    "subscript": (spoken, "def f(p):\n    st.info(p['name'])\n"),
    "by way of a name": (spoken, "def f(p):\n    n = p.name\n    st.markdown('- ' + n)\n"),
    "column": (spoken, "def f(c, p):\n    c.markdown(p.name if p else '')\n"),
    "html": (unsafe, "st.markdown('x', unsafe_allow_html=True)\n"),
    "javascript": (unsafe, "st.html('x', unsafe_allow_javascript=True)\n"),
    "disk cache": (unsafe, "@st.cache_data(persist='disk')\ndef f():\n    pass\n"),
    "list": (kept, "seen = []\n"),
    "global": (kept, "N = 0\ndef f():\n    global N\n    N = 1\n"),
    "append": (kept, "SEEN: Final = []\ndef f(x):\n    SEEN.append(x)\n"),
    "item": (kept, "SEEN: Final = {}\ndef f(x):\n    SEEN[x] = 1\n"),
}
GOOD: dict[str, tuple[Callable[[Source], Iterator[str]], str]] = {
    "safe": (spoken, "def f(p):\n    st.markdown(f'**{safe(p.name)}**')\n"),
    "words": (spoken, "def f(p):\n    st.markdown(words.message_words(p.room, 'held'))\n"),
    "constant": (spoken, "def f(p):\n    st.caption(TITLES[p.kind])\n"),
    "text": (spoken, "def f(p):\n    st.text(p.name)\n"),
    "options": (spoken, "def f(p):\n    st.selectbox('Who', p.names)\n"),
    "figure": (spoken, "def f(p):\n    n = p.more + max(0, 3)\n    st.caption(f'{n} more')\n"),
    "plain html": (unsafe, "st.markdown('x')\n"),
    "table": (kept, "TITLES: Final = {'a': 'b'}\ndef f(k):\n    return TITLES[k]\n"),
    "its own": (kept, "def f(x):\n    seen = []\n    seen.append(x)\n"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_is_found(name: str) -> None:
    rule, text = BAD[name]
    assert list(rule(Source("dashboard/pages/planted.py", text)))


@pytest.mark.parametrize("name", GOOD)
def test_a_good_line_is_not(name: str) -> None:
    rule, text = GOOD[name]
    assert not list(rule(Source("dashboard/pages/planted.py", text)))


def test_an_address_of_another_host_is_found() -> None:
    assert list(remote("x.css", "@import url(https://fonts.example/inter.css);"))
    assert not list(remote("x.svg", '<svg xmlns="http://www.w3.org/2000/svg">'))
