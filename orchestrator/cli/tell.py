"""Says what went wrong: what is wrong, what is still true, the next command.

Rule kept here: words come from a problem that was worded for people. Any other exception is told
by its type and place; with ``--verbose`` by the frames it passed, without values.
"""

import json
import traceback
from importlib import import_module
from typing import Any

import typer
from typer.exceptions import TyperException


def tell(error: Exception, *, as_json: bool, verbose: bool, name: str) -> int:
    """Writes ``error`` to stderr and returns its exit code."""
    if isinstance(error, TyperException):
        return _usage(error, as_json=as_json, name=name)
    problem = import_module("orchestrator.api.meaning").problem_of(error)
    if as_json:
        wire = import_module("orchestrator.client.problems").to_wire(problem)
        typer.echo(json.dumps(wire), err=True)
    else:
        typer.echo("\n".join(_lines(problem, name)), err=True)
    if verbose:
        _frames(error)
    return int(problem.exit_code)


def _usage(error: TyperException, *, as_json: bool, name: str) -> int:
    text = error.format_message()
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else name
    if as_json:
        body = {"type": "urn:wallcross:problem:wrong", "title": text, "then": f"{path} --help"}
        typer.echo(json.dumps(body), err=True)
    elif "\n" in text:  # the help itself, where nothing was asked for
        typer.echo(text, err=True)
    else:
        typer.echo(f"{name}: {text}\n  next: {path} --help", err=True)
    return error.exit_code


def _lines(problem: Any, name: str) -> list[str]:
    lines = [f"{name}: {_ended(problem.wrong)}"]
    lines += [f"  {detail}" for detail in problem.details]
    if problem.still:
        lines.append(f"  still true: {_ended(problem.still)}")
    if problem.then:
        lines.append(f"  next: {problem.then}")
    return lines


def _ended(sentence: str) -> str:
    """A sentence with one mark at its end."""
    return sentence if sentence.endswith("?") else f"{sentence.rstrip('.')}."


def _frames(error: BaseException) -> None:
    typer.echo(f"  {type(error).__name__}, through:", err=True)
    for frame in traceback.extract_tb(error.__traceback__):
        typer.echo(f"    {frame.filename}:{frame.lineno} {frame.name}", err=True)
