"""What is known of each network, whoever runs it: for comparing before anything is set up.

Rule kept here: what is not published is said to be unknown; a network without facts is listed all
the same.
"""

from collections.abc import Sequence

from connectors.port import Guarantee
from connectors.registry import SHIPPED, find
from orchestrator.client.scorecard import CardView

ORDER = tuple(Guarantee)


def scorecard(kinds: Sequence[str] = ()) -> list[CardView]:
    """One card for each kind of channel.

    Args:
        kinds: which; none: all that ship but the network in memory.

    Raises:
        UnknownConnectorError: there is none of that name.
    """
    return [_card(kind) for kind in kinds or sorted(SHIPPED.keys() - {"memory"})]


def _card(kind: str) -> CardView:
    registered = find(kind)
    facts, graded = registered.facts(), registered.graded()
    if facts is None:
        return CardView(kind=kind, shipped_grade=graded.grade.value if graded else None)
    return CardView(
        kind=kind,
        shipped_grade=graded.grade.value if graded else None,
        protocol=facts.protocol,
        post_quantum=facts.post_quantum.value,
        post_quantum_says=facts.post_quantum_says,
        metadata=facts.metadata,
        retention=facts.retention,
        can=tuple(g.value for g in ORDER if g in facts.can),
        cannot=tuple(g.value for g in ORDER if g not in facts.can),
        checked=facts.checked.isoformat(),
    )
