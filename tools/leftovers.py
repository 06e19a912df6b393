"""Print the distributions of this environment that no lock names, one a line.

The rule kept: an environment holds what its lock names and nothing else (`uv pip sync` sees to
that by itself, pip does not), so that no test passes by something that was left behind.
"""

import re
import sys
from importlib.metadata import distributions
from pathlib import Path

# The installer itself, and the project's own editable install.
KEPT = frozenset({"pip", "wallcross"})


def normal(name: str) -> str:
    """Return a distribution's name in the one spelling of PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: str) -> set[str]:
    """Return the names that a requirements text pins."""
    return {normal(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)}


def main(locks: list[str]) -> None:
    """Print what is installed here beyond `locks`.

    Args:
        locks: paths of requirements files.
    """
    named = KEPT.union(*(locked(Path(path).read_text(encoding="utf-8")) for path in locks))
    installed = {normal(found.name) for found in distributions()}
    print("\n".join(sorted(installed - named)), end="\n" if installed - named else "")


if __name__ == "__main__":
    main(sys.argv[1:])
