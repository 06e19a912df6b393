"""A real OpenID provider (Canaille), a process of its own, and a person's browser there."""

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from tests.orchestrator.signin.canaille_program import PASSWORD

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("canaille_program.py")
_FORM = re.compile(r"<form\b.*?</form>", re.DOTALL)
_INPUT = re.compile(r"<input\b[^>]*>")
_BUTTON = re.compile(r"<button\b[^>]*type=\"submit\"[^>]*>")
_NAMED = re.compile(r'\b(name|value|type|action)="([^"]*)"')


def python() -> Path | None:
    """The provider's own interpreter; None where its environment was not made."""
    named = os.environ.get("WALLCROSS_OIDC_PYTHON")
    found = Path(named) if named else ROOT / ".venv-oidc" / "bin" / "python"
    return found if found.exists() else None


@contextmanager
def provider(redirect: str, after: str) -> Iterator[str]:
    """Runs it for the length of the block; yields its issuer."""
    own = python()
    if own is None:
        pytest.skip("no .venv-oidc: make env")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [str(own), str(PROGRAM), str(port), redirect, after]
    running = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert running.stdout is not None
        assert running.stdout.readline() == "listening\n"
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(10)
        if running.stdout is not None:
            running.stdout.close()


@dataclass
class Person:
    """Somebody's browser at the provider: forms are filled in as he would."""

    name: str
    http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False))

    def goes(self, url: str, back: str) -> dict[str, str]:
        """Follows a request to the provider, signs in where asked; what he brings back."""
        answer = self.http.get(url)
        for _ in range(12):
            location = answer.headers.get("location")
            if location is not None and urljoin(str(answer.url), location).startswith(back):
                query = parse_qs(urlsplit(location).query)
                return {name: values[0] for name, values in query.items()}
            if location is not None:
                answer = self.http.get(urljoin(str(answer.url), location))
            else:
                answer = self._fills_in(answer)
        raise AssertionError("the provider sent nobody back")

    def _fills_in(self, page: httpx.Response) -> httpx.Response:
        form = next(f for f in _FORM.findall(page.text) if 'method="post"' in f.lower())
        own = {"login": self.name, "password": PASSWORD}
        filled = {}
        for tag in _INPUT.findall(form):
            said = {name: unescape(value) for name, value in _NAMED.findall(tag)}
            name = said.get("name")
            if name is not None:
                filled[name] = own.get(name, said.get("value", ""))
        for tag in _BUTTON.findall(form)[:1]:
            said = dict(_NAMED.findall(tag))
            if "name" in said:
                filled[said["name"]] = said.get("value", "")
        head = dict(_NAMED.findall(form.partition(">")[0]))
        return self.http.post(urljoin(str(page.url), unescape(head.get("action", ""))), data=filled)
