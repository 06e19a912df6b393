"""`wallcross journal counsel-key` and `journal decide`: counsel signs, away from the host.

Rules kept here: what is signed is shown in words first; no home is opened; the statement is made
and signed by the very code that the host checks it with.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from orchestrator import clock
from orchestrator.cli.out import Out
from orchestrator.cli.signing import load_key, make_key
from orchestrator.client.problems import Refused, Wrong
from orchestrator.journal.decision import Decision, check, sign
from orchestrator.secrets.ownfile import write_own
from tiers.tier import Tier

DEAL_ID = re.compile(r"deal_[0-9a-f]{32}")
SCOPE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
STILL = "Nothing was signed"


def counsel_key(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where the private key goes; a new file.")],
    *,
    protect: Annotated[bool, typer.Option("--protect", help="Lock it by a passphrase.")] = False,
) -> None:
    """Makes counsel's signing key offline; its public half goes into the policy's [counsel]."""
    public = make_key(file, protect=protect)
    answer = {"file": str(file), "public": public}
    Out(ctx.obj).one(answer, lambda: [f"{public}", f"  private half: {file}; keep it yourself"])


def decide(
    ctx: typer.Context,
    deal_id: Annotated[str, typer.Argument(help="Id of the deal (wallcross deal show).")],
    *,
    scope: Annotated[str, typer.Option(help="joint, or a side's id.")],
    tier: Annotated[str, typer.Option(help="coordination, operations or valuation.")],
    key: Annotated[Path, typer.Option(help="Counsel's private key: PEM, Ed25519.")],
    to: Annotated[Path, typer.Option("--to", help="A new file for the host.")],
    since: Annotated[str | None, typer.Option(help="RFC 3339 or a date; none: now.")] = None,
    until: Annotated[str | None, typer.Option(help="The end; none: no end.")] = None,
    journal: Annotated[
        bool, typer.Option("--journal", help="Ends an exemption: journal it again.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> int:
    """Signs, offline, that a scope's tier is not journaled; `journal exempt` records it."""
    if to.exists():
        raise Refused(f"{to} is there already", still=STILL)
    at = _instant(since) if since is not None else clock.now()
    end = _instant(until) if until is not None else None
    decision = _decision(deal_id, scope, tier, journal=journal, at=at, until=end)
    out = Out(ctx.obj)
    for line in said(decision):
        out.note(line)
    if not out.agreed("Sign this?", yes=yes):
        return 1
    statement, signature, signer = sign(decision, load_key(key))
    check(statement, signature, signer)
    signed = {"statement": statement.decode(), "signature": signature.hex(), "signer": signer}
    write_own(to, (json.dumps(signed, indent=1) + "\n").encode())
    told = {"file": str(to), "signer": signer, "statement": statement.decode()}
    out.one(told, lambda: [f"signed into {to}", f"  on the host: wallcross journal exempt {to}"])
    return 0


def said(decision: Decision) -> Iterator[str]:
    """What a decision means, in words."""
    verb = "are journaled again" if decision.journal else "are NOT journaled"
    yield f"{decision.tier} messages of scope {decision.scope} in {decision.deal_id} {verb}"
    end = "without end" if decision.until is None else f"until {clock.iso(decision.until)}"
    yield f"  from {clock.iso(decision.at)} {end}"


def _decision(
    deal_id: str, scope: str, tier: str, *, journal: bool, at: int, until: int | None
) -> Decision:
    if DEAL_ID.fullmatch(deal_id) is None:
        raise Wrong(
            "A deal's id is deal_ and 32 hexadecimal digits, not its code name", still=STILL
        )
    if SCOPE.fullmatch(scope) is None:
        raise Wrong("A scope is joint or a side's id", still=STILL)
    if tier not in {known.value for known in Tier}:
        raise Wrong("A tier is coordination, operations or valuation", still=STILL)
    if until is not None and until <= at:
        raise Wrong("The end lies before the beginning", still=STILL)
    if journal and until is not None:
        raise Wrong("What is journaled again has no end of its own", still=STILL)
    return Decision(deal_id, scope, tier, journal, at, until)


def _instant(text: str) -> int:
    try:
        return clock.parse(text)
    except ValueError:
        raise Wrong("Write an instant as 2026-11-30 or 2026-11-30T18:00:00Z", still=STILL) from None
