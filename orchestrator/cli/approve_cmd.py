"""`wallcross approve`: what waits for people, and their signed yes or no."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.out import Out
from orchestrator.cli.session import call
from orchestrator.cli.ssh_signing import ascii_of, ssh_sign
from orchestrator.client.api import Client
from orchestrator.client.approvals import REFUSALS, Answered, Refusal, RequestView
from orchestrator.client.problems import Refused, Wrong
from orchestrator.secrets.ownfile import write_own

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Request = Annotated[str, typer.Argument(help="Id of the request: apr_…")]
As = Annotated[str, typer.Option("--as", help="Person on the roster who signs.")]
Key = Annotated[
    Path | None, typer.Option(help="His SSH key here; a .pub file where an agent has the key.")
]
Signature = Annotated[
    Path | None, typer.Option(help="A signature made elsewhere: of ssh-keygen, or of a passkey.")
]
Why = Annotated[
    Refusal | None, typer.Option("--reason", help="Why not: " + ", ".join(REFUSALS) + ".")
]
STILL = "Nothing was signed"
STATES = {
    "waits": "waits for people",
    "agreed": "is agreed to, and not carried out yet",
    "done": "was carried out",
    "refused": "was refused or taken back",
    "lapsed": "has lapsed",
}
_REASONS = "; ".join(f"{code}: {words}" for code, words in REFUSALS.items())


@app.callback()
def approve() -> None:
    """What waits for people."""


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Also what is over.")] = False,
) -> None:
    """What waits for people, oldest first."""
    found, out = call(ctx.obj, lambda c: c.approval_list(ctx.obj.deal, every=every))
    out.each(found, lambda r: _short(r, out), "Nothing waits for anybody.")


@app.command()
def show(
    ctx: typer.Context,
    request: Request,
    *,
    to: Annotated[
        Path | None, typer.Option("--to", help="Write the exact bytes of a yes into a new file.")
    ] = None,
    no: Annotated[
        Refusal | None, typer.Option("--no", help="With --to: those of a no, for this reason.")
    ] = None,
) -> None:
    """What it changes, who asked and why, what happens otherwise, who may agree."""
    if to is not None and to.exists():
        raise Refused(f"{to} is there already", still="Nothing was written")
    found, out = call(ctx.obj, lambda c: c.approval_show(request))
    if to is not None:
        write_own(to, (found.yes if no is None else found.no[no]).encode())
        out.note(f"written into {to}; sign it: ssh-keygen -Y sign -f KEY -n wallcross {to}")
    out.one(found, lambda: _lines(found, out))


@app.command()
def yes(
    ctx: typer.Context,
    request: Request,
    *,
    as_: As,
    key: Key = None,
    signature: Signature = None,
) -> None:
    """Signs for it; with the last signature that it takes, it is carried out."""
    _answer(ctx, request, None, (as_, key, signature))


@app.command()
def no(
    ctx: typer.Context,
    request: Request,
    *,
    as_: Annotated[str | None, typer.Option("--as", help="Person who signs the no.")] = None,
    reason: Why = None,
    key: Key = None,
    signature: Signature = None,
) -> None:
    """Ends it by a signed no, with a reason; without --as whoever asked for it takes it back."""
    if as_ is not None:
        if reason is None:
            raise Wrong("Who refuses says why, with --reason", still=STILL, then=_REASONS)
        _answer(ctx, request, reason, (as_, key, signature))
        return
    found, out = call(ctx.obj, lambda c: c.approval_take_back(request))
    out.one(found, lambda: [_said(found)])


def _answer(
    ctx: typer.Context,
    request: str,
    why_not: Refusal | None,
    signer: tuple[str, Path | None, Path | None],
) -> None:
    person, key, signature = signer
    said: Answered = "yes" if why_not is None else "no"
    if (key is None) == (signature is None):
        raise Wrong("Sign with --key, or bring a signature with --signature", still=STILL)
    made = ascii_of(signature, "signature", STILL) if signature is not None else None

    async def work(client: Client) -> RequestView:
        shown = await client.approval_show(request)
        if made is not None:
            return await client.approval_answer(request, said, person, made, why_not)
        if key is None:
            raise Wrong("Sign with --key, or bring a signature with --signature", still=STILL)
        signed = ssh_sign(key, shown.yes if why_not is None else shown.no[why_not])
        return await client.approval_answer(request, said, person, signed, why_not)

    found, out = call(ctx.obj, work, live=said == "yes")
    out.one(found, lambda: _after(found, person, said))


def _after(found: RequestView, person: str, said: Answered) -> Iterator[str]:
    yield f"{person} signed {said} to {found.request_id}"
    yield _said(found)
    yield from (f"  still missing: {lacking}" for lacking in found.missing)


def _said(found: RequestView) -> str:
    return f"{found.request_id} {STATES[found.state]}"


def _short(found: RequestView, out: Out) -> Iterator[str]:
    yield f"{found.request_id}  {found.code}  {found.changes[0] if found.changes else found.verb}"
    yield f"asked by {found.asked_by}, {out.when(found.asked_at)}; {STATES[found.state]}"
    if found.state == "waits":
        yield f"still missing: {'; '.join(found.missing)}; lapses {out.when(found.expires_at)}"


def _lines(found: RequestView, out: Out) -> Iterator[str]:
    yield f"{_said(found)}  ({found.code}, {found.verb})"
    yield "What changes:"
    yield from (f"  {line}" for line in found.changes)
    yield "What people would see that they do not see now:"
    yield from (f"  {line}" for line in found.sees or ("nothing more",))
    yield f"Asked by {found.asked_by}, {out.when(found.asked_at)}: {found.why}"
    yield f"If nobody does anything: {found.otherwise}"
    yield f"It lapses {out.when(found.expires_at)}"
    yield f"Signed by: {', '.join(found.signed) or 'nobody yet'}"
    if found.refused_by is not None:
        why = REFUSALS.get(found.refused_why or "", "no reason is on the record")
        yield f"Ended by {found.refused_by}: {why}"
    yield from (f"Still missing: {lacking}" for lacking in found.missing)
    if found.may_agree:
        yield f"Who may agree: {', '.join(found.may_agree)}"
        yield f"Next: wallcross approve yes {found.request_id} --as PERSON --key FILE"
