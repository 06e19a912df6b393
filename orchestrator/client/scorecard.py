"""What `wallcross channel scorecard` shows of a kind of channel."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """A kind of channel, whoever runs it.

    Attributes:
        kind: as the settings name it.
        shipped_grade: lab, field or fit, as run for this release; None: nothing can be read.
        protocol: what messages travel by; None: nothing is published.
        post_quantum: ``none``, ``key agreement``, ``key agreement and ratchet``, ``not published``.
        post_quantum_says: in words.
        metadata: who sees what beside the text.
        retention: what is kept, where, and what ends it.
        can: guarantees that a room may hold at best.
        cannot: those that no room of it holds.
        checked: the day that this was looked up, as YYYY-MM-DD.
        here: configured channels of this kind with the grade that each has in this installation;
            None: no home answers.
    """

    kind: str
    shipped_grade: str | None
    protocol: str | None = None
    post_quantum: str | None = None
    post_quantum_says: str | None = None
    metadata: tuple[str, ...] = ()
    retention: str | None = None
    can: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()
    checked: str | None = None
    here: tuple[str, ...] | None = None
