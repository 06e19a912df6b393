"""A connector held to the public profile: its own tests run, and a report of what they show.

Rules kept here:

1. The tests run in a process of their own, where they were written: nothing of a home is there.
2. The report claims for a connector only what ran on a class of its own package.
3. The verdict is the profile's own, made where the tests ran.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

from connectors.registry import Registered, find
from connectors.testing.profile import PROFILE, SCHEMA, VERSION, text
from orchestrator.client.problems import Refused, Unready
from orchestrator.clock import iso, now

PUBLISHED = {"profile": PROFILE, "schema": SCHEMA}


def published(what: str) -> str:
    """The profile's own text, or that of its schema.

    Args:
        what: ``profile`` or ``schema``.
    """
    return text(PUBLISHED[what])


async def conform(tests: Sequence[str], name: str | None, folder: Path) -> dict[str, Any]:
    """Runs contract tests and returns the report, in the form of the profile's schema.

    Args:
        tests: files, folders or names of tests, as pytest takes them.
        name: of the connector, as it is registered; None: whatever the tests hold.
        folder: where they are run.

    Raises:
        Refused: the tests hold a connector that is not the one named.
        Unready: nothing could be run.
        UnknownConnectorError: there is none of that name.
    """
    registered = None if name is None else find(name)
    ran = await _ran(tests, folder)
    if registered is not None:
        _check_own(registered, ran["suites"])
    graded = None if registered is None else registered.graded()
    return {
        "$schema": SCHEMA,
        "report_of": "wallcross-connector",
        "version": VERSION,
        "made_at": iso(now()),
        "connector": name,
        "distribution": None if registered is None else _distribution(registered),
        "grade": None if graded is None else graded.grade.value,
        **ran,
    }


async def _ran(tests: Sequence[str], folder: Path) -> dict[str, Any]:
    line = (sys.executable, "-m", "connectors.testing.conforming", *tests)
    process = await asyncio.create_subprocess_exec(*line, stdout=PIPE, cwd=folder)
    said, _ = await process.communicate()
    try:
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
    except (ValueError, IndexError):
        raise Unready(
            "The tests could not be run",
            still="Nothing is said of the connector",
            then="install 'wallcross[testing]' here, and see pytest's own words above",
        ) from None
    return found


def _check_own(registered: Registered, suites: Sequence[dict[str, Any]]) -> None:
    strange = {
        s["connector_class"]
        for s in suites
        if s["connector_class"] and not s["connector_class"].startswith(f"{registered.package}.")
    }
    if strange:
        raise Refused(
            f"The tests hold {', '.join(sorted(strange))}, which is not of {registered.package}",
            still="Nothing is said of the connector",
            then="name its own tests, or leave --connector out",
        )


def _distribution(registered: Registered) -> str | None:
    owners = packages_distributions().get(registered.package.partition(".")[0], [])
    names = sorted(set(owners))
    return f"{names[0]} {version(names[0])}" if len(names) == 1 else None
