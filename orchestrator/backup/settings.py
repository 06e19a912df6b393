"""The files that the settings name: the settings themselves, policies and rosters.

Rules kept here:

1. What lies in the home keeps its place. What lies elsewhere is taken into a folder of its own, and
   the manifest says where it lay: a restore writes nowhere but into its own folder.
2. A link is not followed, and not left out without a word: a backup without its settings is none.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG

from orchestrator.backup.layout import OUTSIDE, is_name
from orchestrator.backup.snapshot import STILL, Member
from orchestrator.client.problems import Failed
from orchestrator.config import Settings
from orchestrator.roster.read import roster_files


def files_of(settings: Settings) -> tuple[tuple[Member, ...], dict[str, str]]:
    """The members that settings name, and where those of them lay that are not in the home.

    Raises:
        Failed: one of them is a link.
    """
    members: dict[str, Member] = {}
    outside: dict[str, str] = {}
    home = settings.state
    for near, path in _named(settings):
        if path.is_symlink():
            then = "name the file itself in the settings, or with --config"
            raise Failed(f"{path} is a link, which no backup follows", still=STILL, then=then)
        if not _is_file(path):
            continue
        inside = path.is_relative_to(home) and is_name(str(path.relative_to(home)))
        name = str(path.relative_to(home)) if inside else f"{OUTSIDE}/{near}"
        members[name] = Member(name, path, may_be_roots=True)
        if not inside:
            outside[name] = str(path)
    return tuple(members.values()), outside


def _named(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Each file, with the name that it has where it does not lie in the home."""
    if settings.file is not None:
        yield settings.file.name, _plain(settings.file)
    for code, part in settings.config.deals.items():
        if part.policy is not None:
            path = _plain(settings.resolve(part.policy))
            yield f"{code}/{path.name}", path
        if part.roster is not None:
            path = _plain(settings.resolve(part.roster))
            folder = path if path.is_dir() else path.parent
            yield from (
                (f"{code}/{one.relative_to(folder)}", one) for one in roster_files(path).values()
            )


def _plain(path: Path) -> Path:
    return Path(os.path.normpath(path))


def _is_file(path: Path) -> bool:
    try:
        return S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
