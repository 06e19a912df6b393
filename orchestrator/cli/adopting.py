"""From files to documents that can be adopted, and what is said of an adoption.

Rule kept here: a file is read and checked whole before anything is asked of the home.
"""

from collections.abc import Iterable
from pathlib import Path

from orchestrator.client.problems import Missing
from orchestrator.client.views import AdoptionView
from orchestrator.config import Settings
from orchestrator.config.policy import default_text, read_policy
from orchestrator.roster.document import to_document
from orchestrator.roster.read import read_files, read_roster


def policy_document(settings: Settings, code: str, file: Path | None) -> str:
    """The canonical policy of a deal: of ``file``, else of the settings' file, else the default.

    Raises:
        PolicyInvalid: with every mistake.
        Missing: there is no such file.
    """
    part = settings.config.deals.get(code)
    if file is None and part is not None and part.policy is not None:
        file = settings.resolve(part.policy)
    if file is None:
        return read_policy(default_text())
    try:
        return read_policy(file.read_text("utf-8"), file)
    except OSError:
        raise Missing(f"There is no policy file {file}", still="Nothing was changed") from None


def roster_document(settings: Settings, code: str, path: Path | None) -> str | None:
    """The canonical roster of a deal: of ``path``, else of the settings' path; None without one.

    Raises:
        RosterInvalid: with every mistake.
    """
    part = settings.config.deals.get(code)
    if path is None and part is not None and part.roster is not None:
        path = settings.resolve(part.roster)
    return None if path is None else to_document(read_roster(read_files(path), path))


def told(adopted: AdoptionView) -> Iterable[str]:
    """An adoption in a sentence."""
    verb = "is in force" if adopted.new else "was in force already"
    yield f"{adopted.kind} {adopted.hash[:12]} {verb}"
