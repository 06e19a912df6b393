"""The deal's own time in a tooltip, where it is not the reader's."""

from dashboard.widgets.base import instant


def tooltip(at: int) -> str | None:
    """When something was where the deal is; None where the reader's clock says the same."""
    mine, theirs = instant(at)
    return None if theirs.startswith(mine) else theirs
