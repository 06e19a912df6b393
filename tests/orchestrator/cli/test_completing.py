"""A shell completes people to whoever is signed in, and to nobody else."""

import os
import subprocess
import sys

import pytest

from .conftest import Serve, Wx


def completed(line: str, **environ: str) -> list[str]:
    """What a shell that has come as far as ``line`` is offered."""
    asked = {"_WALLCROSS_COMPLETE": "complete_bash", "COMP_WORDS": line}
    asked["COMP_CWORD"] = str(len(line.split(" ")) - 1)
    ended = subprocess.run(
        [sys.executable, "-c", "from orchestrator.cli.main import run; run([])"],
        env={**os.environ, **asked, **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stderr == ""
    return ended.stdout.split()


@pytest.mark.parametrize("line", ["wallcross person pause ", "wallcross leave out "])
def test_people_are_completed_while_serve_answers_and_not_without(
    deal: Wx, serve: Serve, line: str
) -> None:
    people = {row["person"] for row in deal("roster", "show", "--json").lines}
    assert completed(line) == []
    serve()
    assert set(completed(line)) == people
    first = min(people)
    assert first in completed(line + first[:2])
    assert completed(line + "zz-nobody") == []


def test_who_is_not_signed_in_to_a_server_is_offered_nobody(deal: Wx, serve: Serve) -> None:
    assert deal("roster", "show").code == 0
    serve()
    assert completed("wallcross person pause ", WALLCROSS_SERVER="https://127.0.0.1:9") == []
