"""All checks of `doctor` and `serve`, in one order.

Rule kept here: `serve` refuses on what `doctor` shows red; there is no other list.
"""

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.adopting import policy_document, roster_document
from orchestrator.client.api import Client
from orchestrator.client.problems import Missing, Problem
from orchestrator.client.views import Check, DealView
from orchestrator.config import Settings
from orchestrator.config.mistakes import Invalid
from orchestrator.query import checks
from orchestrator.roster.document import document_hash

if TYPE_CHECKING:
    from orchestrator.secrets.port import SecretStore


def still_checks(settings: Settings) -> list[Check]:
    """Checks before the home is opened."""
    vault = vault_of(settings.state, settings.secrets_folder)
    channels = import_module("orchestrator.wiring.settings").channel_settings_check
    wrong: Check | None = channels(settings.config, vault)
    counsel = checks.counsel_check(settings.config)
    operator = checks.operator_check(settings.config)
    return [
        checks.config_check(settings),
        *([wrong] if wrong is not None else []),
        *([counsel] if counsel is not None else []),
        checks.secrets_check(settings.config, vault),
        *checks.machine_checks(settings.state),
        *([checks.clock_source_check()] if settings.config.clock.system else []),
        checks.anchors_check(settings.config),
        *([operator] if operator is not None else []),
    ]


def vault_of(state: Path, folder: Path | None) -> "SecretStore | None":
    """The secrets of the home in ``state``; None before it is made."""
    if not (state / "home_id").is_file():
        return None
    home_id = import_module("orchestrator.wiring").home_id_of(state)
    vault: SecretStore = import_module("orchestrator.secrets.home").open_secrets(
        state, home_id, folder
    )
    return vault


async def home_checks(settings: Settings, client: Client) -> list[Check]:
    """Checks of the open home: its own, and each deal against the files that the settings name."""
    try:
        found = [*await client.checks()]
    except Problem as problem:
        return [Check(name="store", state="fix", text=problem.wrong, then=problem.then)]
    adopted = [await adoption_check(settings, client, code) for code in settings.config.deals]
    return [Check(name="store", state="ok", text="opened"), *found, *adopted]


async def adoption_check(settings: Settings, client: Client, code: str) -> Check:
    """Whether what the settings name for a deal is what is in force."""
    name = f"adoption {code}"
    try:
        return await _compared(settings, client, await client.deal_show(code), name)
    except Missing:
        return Check(name=name, state="fix", text="not made yet", then=f"wallcross deal new {code}")
    except Problem as problem:
        return Check(name=name, state="fix", text=problem.wrong, then="wallcross audit verify")
    except Invalid as invalid:
        text = f"{invalid.what}: {len(invalid.mistakes)} mistakes"
        return Check(name=name, state="fix", text=text, then="wallcross roster import --dry-run")


async def _compared(settings: Settings, client: Client, deal: DealView, name: str) -> Check:
    differing = list(_differing(settings, deal))
    if differing == ["roster"] and await _is_older(settings, client, deal.code):
        text = "the roster in force is newer than the file"
        then = f"wallcross roster export --deal {deal.code} --to NEW, then name NEW in the settings"
        return Check(name=name, state="soon", text=text, group="deal", then=then)
    if differing:
        text = f"{' and '.join(differing)} in the file is not the one in force"
        return Check(name=name, state="fix", text=text, then=f"wallcross deal adopt {deal.code}")
    if deal.roster_hash is None:
        then = f"wallcross roster import --deal {deal.code} FOLDER"
        return Check(name=name, state="soon", text="no roster in force", group="deal", then=then)
    return Check(name=name, state="ok", text="policy and roster in force are those of the files")


def _differing(settings: Settings, deal: DealView) -> Iterator[str]:
    part = settings.config.deals[deal.code]
    if part.policy is not None:
        document = policy_document(settings, deal.code, None)
        if document_hash(document) != deal.policy_hash:
            yield "policy"
    if part.roster is not None:
        people = roster_document(settings, deal.code, None)
        if people is not None and document_hash(people) != deal.roster_hash:
            yield "roster"


async def _is_older(settings: Settings, client: Client, code: str) -> bool:
    """Whether the roster of the file was in force once, and another was put in its place since."""
    document = roster_document(settings, code, None)
    known = {step.hash for step in await client.roster_history(code) if step.what == "adopted"}
    return document is not None and document_hash(document) in known


def red(found: Sequence[Check]) -> list[Check]:
    """What keeps `serve` from starting: red checks of the home; a channel or a room waits alone."""
    return [check for check in found if check.state == "fix" and check.group == "home"]
