"""`wallcross approver`: whose keys and passkeys sign approvals."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.completing import Person
from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Columns, Out
from orchestrator.cli.session import call
from orchestrator.cli.ssh_signing import ascii_of, ssh_sign
from orchestrator.client.api import Client
from orchestrator.client.approvals import CredentialView, NewCredential
from orchestrator.client.problems import Refused, Wrong
from orchestrator.secrets.ownfile import write_own

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
STILL = "No key was enrolled"


@app.callback()
def approver() -> None:
    """Whose keys sign approvals."""


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """Every key that may sign, and whose it is."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.approver_list(deal))
    out.many(found, _COLUMNS, "Nobody is enrolled. Next: wallcross approver enrol PERSON")


@app.command()
def enrol(
    ctx: typer.Context,
    person: Person,
    *,
    key: Annotated[Path | None, typer.Option(help="His public SSH key: a .pub file.")] = None,
    passkey: Annotated[
        Path | None, typer.Option(help="What his browser answered when it made a passkey: JSON.")
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(help="approver, counsel, control_room, owner or security_officer."),
    ] = None,
    proof: Annotated[
        Path | None, typer.Option(help="The proof, signed with that key elsewhere.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="Write what he signs as proof into a new file.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="His name in the directory: one subject is one person.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="The device that holds the key: one device is one person.")
    ] = None,
    login: Annotated[
        str | None, typer.Option(help="His login on this machine, where he has one.")
    ] = None,
) -> None:
    """Enrols a key of a person who proves that he holds it.

    Without --proof the private half is looked for beside the public one, and signs here.
    """
    new = _new(person, (key, passkey), role or ["approver"], (subject, device, login))
    deal = named(ctx, None)
    if to is not None:
        _write_proof(ctx, deal, new, to)
        return
    given = ascii_of(proof, "key or signature", STILL) if proof is not None else None

    async def work(client: Client) -> CredentialView:
        signed = given
        if signed is None:
            made = await client.approver_proof(deal, new)
            signed = _sign(key, made.text)
        return await client.approver_enrol(deal, new, signed)

    found, out = call(ctx.obj, work)
    out.one(found, lambda: _enrolled(found))


@app.command()
def withdraw(
    ctx: typer.Context,
    person: Person,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> int:
    """Takes all keys of a person away, at once; one person is enough. Never of the last."""
    deal = named(ctx, None)
    if not Out(ctx.obj).agreed(f"Take every key of {person} away?", yes=yes):
        return 1
    count, out = call(ctx.obj, lambda c: c.approver_withdraw(deal, person))
    told = {"person": person, "withdrawn": count}
    out.one(told, lambda: [f"{count} of {person} taken away; what he signs counts no more"])
    return 0


def _new(
    person: str,
    files: tuple[Path | None, Path | None],
    roles: list[str],
    ties: tuple[str | None, str | None, str | None],
) -> NewCredential:
    key, passkey = files
    file = key or passkey
    if file is None or (key is not None and passkey is not None):
        raise Wrong("Enrol one key: --key FILE.pub, or --passkey FILE", still=STILL)
    subject, device, login = ties
    named_ = {"subject": subject, "device": device, "login": f"local:{login}" if login else None}
    return NewCredential(
        person=person,
        way="ssh" if key is not None else "passkey",
        public=ascii_of(file, "key or signature", STILL),
        roles=tuple(dict.fromkeys(roles)),
        ties=tuple(f"{kind}:{name}" for kind, name in named_.items() if name),
    )


def _write_proof(ctx: typer.Context, deal: str, new: NewCredential, to: Path) -> None:
    if to.exists():
        raise Refused(f"{to} is there already", still=STILL)
    found, out = call(ctx.obj, lambda c: c.approver_proof(deal, new))
    write_own(to, found.text.encode())
    then = f"ssh-keygen -Y sign -f KEY -n wallcross {to}, then the same with --proof {to}.sig"
    out.one(found, lambda: [f"written into {to}; its owner signs it: {then}"])


def _sign(key: Path | None, text: str) -> str:
    if key is None:
        raise Wrong(
            "A passkey proves itself by what it signs",
            still=STILL,
            then="--to FILE, have the browser ask it to sign that, then --proof",
        )
    private = key.with_suffix("") if key.suffix == ".pub" else key
    return ssh_sign(private if private.is_file() else key, text)


def _enrolled(found: CredentialView) -> list[str]:
    roles = " and ".join(role.replace("_", " ") for role in found.roles)
    lines = [f"{found.person}  {roles}  {found.way} {found.kind}  {found.fingerprint}"]
    if found.state == "draft":
        lines.append("  it counts once the deal is founded: wallcross deal found")
    return lines


_COLUMNS: Columns[CredentialView] = [
    ("person", lambda c: c.person),
    ("roles", lambda c: ", ".join(c.roles)),
    ("key", lambda c: f"{c.way} {c.kind}"),
    ("party", lambda c: c.party or ""),
    ("state", lambda c: c.state),
    ("fingerprint", lambda c: c.fingerprint),
]
