"""Entries of a watch list as people write them: `name TEXT` or `amount TEXT`, one in a line.

Rule kept here: an entry is content; a mistake names its line by the number alone.
"""

from collections.abc import Iterable

from orchestrator.client.problems import Wrong


def read_entries(lines: Iterable[str]) -> tuple[list[str], list[str]]:
    """Names and amounts, one in a line.

    Raises:
        Wrong: a line is neither; it is named by its number alone.
    """
    kinds: dict[str, list[str]] = {"name": [], "amount": []}
    for number, line in enumerate(lines, 1):
        kind, _, entry = line.strip().partition(" ")
        if not line.strip():
            continue
        if kind not in kinds or not entry.strip():
            raise Wrong(
                f"Line {number} is neither `name TEXT` nor `amount TEXT`",
                still="Nothing was added",
            )
        kinds[kind].append(entry.strip())
    return kinds["name"], kinds["amount"]
