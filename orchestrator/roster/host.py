"""Who hosts: what the settings say and what a roster says must be the same.

Rule kept here: a real deal belongs to a home that says who hosts it, and its roster names that
host. A made-up deal may name any.
"""

from orchestrator.client.problems import Refused
from orchestrator.roster.document import from_document

_STILL = "Nothing was changed"


def refuse_hostless(host: str | None, *, made_up: bool) -> None:
    """Refuses a real deal in a home that does not say who hosts it.

    Args:
        host: ``home.host`` of the settings.
        made_up: of the deal.

    Raises:
        Refused: it is such a deal.
    """
    if host is None and not made_up:
        then = "write host = … under [home] in wallcross.toml, or add --made-up"
        raise Refused("This home does not say who hosts it", still=_STILL, then=then)


def refuse_other_host(document: str, host: str | None, *, made_up: bool) -> None:
    """Refuses a roster document that names another host than the settings do.

    Raises:
        Refused: they differ and the deal is real.
        RosterInvalid: the document is none.
    """
    named = from_document(document).host
    if not made_up and named != host:
        wrong = f"The roster says that {named} hosts this home; the settings say {host}"
        then = "correct sides.csv, or host under [home] in wallcross.toml"
        raise Refused(wrong, still=_STILL, then=then)
