"""`wallcross config migrate`: settings of an older Wallcross, as this one takes them.

Rules kept here:

1. Nothing is written unless the whole then passes what `config validate` asks of its form.
2. What was there is kept beside it first, for its owner alone, and no copy is ever written over.
3. Once more is nothing more: what is up to date is left alone.
"""

import os
import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.checking import vault_of
from orchestrator.cli.out import Out
from orchestrator.client.problems import Missing, Refused
from orchestrator.config import ConfigInvalid, Look, Mistake
from orchestrator.config.migrate import FORM, Migrated
from orchestrator.config.migrate import migrate as migrated
from orchestrator.secrets.ownfile import sync_folder, write_own

STILL = "Nothing was written"


def mistakes_in(seen: Look) -> tuple[list[Mistake], list[Mistake]]:
    """What is not well formed, what connectors say too; and what secrets cannot be read."""
    data = seen.layers.data
    wiring = import_module("orchestrator.wiring.settings")
    vault = vault_of(seen.state, _secrets_folder(seen))
    lost: list[Mistake] = wiring.secret_mistakes(data, seen.lines, vault)
    wrong: list[Mistake] = wiring.channel_mistakes(data.get("channels"), seen.lines, vault)
    return [*seen.mistakes, *wrong], lost


def migrate(
    ctx: typer.Context,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be changed.")] = False,
    to: Annotated[
        Path | None, typer.Option("--to", help="A new file for the result; none: in place.")
    ] = None,
) -> None:
    """Brings wallcross.toml of an older version to this one's form, comments and order kept.

    What was there stays beside it as FILE.bak. Exit code 2: a person is to decide something.
    """
    seen: Look = ctx.obj.look()
    out = Out(ctx.obj)
    if not seen.there and not seen.mistakes:
        raise Missing(f"there are no settings at {seen.file}", still=STILL, then="wallcross init")
    found = _made(seen)
    _must_hold(ctx, seen, found, out)
    where = None if dry_run or not (found.changes or to) else _keep(seen, found.text, to)
    written, kept = where or (None, None)
    told = {
        "file": str(seen.file),
        "up_to_date": not found.changes,
        "changes": [asdict(change) for change in found.changes],
        "written": None if written is None else str(written),
        "kept": None if kept is None else str(kept),
    }
    out.one(told, lambda: _lines(seen, found, where))


def _made(seen: Look) -> Migrated:
    """What they come to. Raises: ConfigInvalid where they cannot be read, Refused."""
    try:
        form = tomllib.loads(seen.text).get("version", FORM)
    except tomllib.TOMLDecodeError:
        raise ConfigInvalid(seen.file, seen.mistakes) from None
    if not seen.there:
        raise ConfigInvalid(seen.file, seen.mistakes)
    if isinstance(form, int) and form > FORM:
        raise Refused(
            f"{seen.file} is of a later form ({form}) than this Wallcross takes ({FORM})",
            still=STILL,
            then="use the Wallcross that wrote it, or a later one",
        )
    return migrated(seen.text)


def _must_hold(ctx: typer.Context, seen: Look, found: Migrated, out: Out) -> None:
    """Refuses what would not pass. Raises: ConfigInvalid with all that is left for a person."""
    wrong, _ = mistakes_in(ctx.obj.look(instead=found.text))
    asked = {mistake.place for mistake in found.undecided}
    left = [*found.undecided, *(m for m in wrong if m.place not in asked)]
    if left:
        for change in found.changes:
            out.note(f"would be changed: {change}")
        raise ConfigInvalid(seen.file, left)


def _keep(seen: Look, text: str, to: Path | None) -> tuple[Path, Path | None]:
    """Writes it; where, and where what was there is kept. Raises: Refused."""
    if to is not None:
        if to.exists():
            raise Refused(f"{to} is there already", still=STILL)
        write_own(to.absolute(), text.encode())
        return to, None
    file = seen.file.resolve()
    if file.read_bytes() != seen.text.encode():
        then = "wallcross config migrate again"
        raise Refused("the settings were changed meanwhile", still=STILL, then=then)
    kept = _copy(file, seen.text.encode())
    write_own(file, text.encode())
    return seen.file, kept


def _copy(file: Path, data: bytes) -> Path:
    """A copy beside the file under a name that nobody has."""
    names = (file.with_name(f"{file.name}.bak{f'.{n}' if n else ''}") for n in count())
    name, made = next(found for name in names if (found := _new(name)) is not None)
    with os.fdopen(made, "wb") as copy:
        copy.write(data)
        copy.flush()
        os.fsync(copy.fileno())
    sync_folder(file.parent)
    return name


def _new(name: Path) -> tuple[Path, int] | None:
    """A file that was not there, for its owner alone; None where it was."""
    try:
        return name, os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return None


def _lines(seen: Look, found: Migrated, where: tuple[Path, Path | None] | None) -> Iterator[str]:
    if not found.changes:
        yield f"up to date: {seen.file}"
    yield from (str(change) for change in found.changes)
    if where is not None:
        yield f"written: {where[0]}"
        if where[1] is not None:
            yield f"  as it was: {where[1]}"
    elif found.changes:
        yield STILL


def _secrets_folder(seen: Look) -> Path | None:
    part = seen.layers.data.get("secrets")
    named = part.get("folder") if isinstance(part, dict) else None
    return (seen.file.parent / named).absolute() if isinstance(named, str) else None
