"""What a document's copy is known again by, when somebody holds one and asks.

Rules kept here:

1. A hash of what can be read is content: only a mark over it is kept, which this home alone can
   make (``orchestrator.store.pen``). Whoever has the database and no secret of the home cannot
   tell whether a file that he guesses is in it; whoever has the very file learns that alone.
2. The sealed form and what stands inside it are one reader's. The document itself is the same for
   all its readers: it tells to whom it was given, and never whose a file is.
3. A store without a pen (a copy, a tool) keeps none, and knows none again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from connectors.port.messages import Prints
from orchestrator.store.unit import Tx

NOBODYS = ""
"""In the place of a delivery: the document itself."""


class Form(StrEnum):
    """In which form a file was known again."""

    SEALED = "sealed"
    OPENED = "opened"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Known:
    """A file that was known again.

    Attributes:
        delivery_id: of the one reader's copy; empty for the document itself.
    """

    form: Form
    message_id: str
    delivery_id: str


def note_document(tx: Tx, message_id: str, digest: str) -> None:
    """Notes the document itself, as it was handed in; ``digest``: SHA-256 in hexadecimal."""
    _note(tx, Form.DOCUMENT, digest, message_id, NOBODYS)


def note_copy(tx: Tx, message_id: str, delivery_id: str, prints: Prints) -> None:
    """Notes one reader's copy, in the unit that settles it."""
    _note(tx, Form.SEALED, prints.sealed, message_id, delivery_id)
    _note(tx, Form.OPENED, prints.opened, message_id, delivery_id)


def _note(tx: Tx, form: Form, digest: str, message_id: str, delivery_id: str) -> None:
    if tx.pen is not None:
        row = (tx.pen.mark(f"document {form}", digest), message_id, delivery_id)
        tx.run("INSERT INTO document_print VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row)


def known_again(tx: Tx, whole: str, sealed: str | None) -> Sequence[Known]:
    """Which of our copies a file is.

    Args:
        tx: a unit.
        whole: SHA-256 of all of its bytes, in hexadecimal.
        sealed: of the armour that it holds; None where it holds none.
    """
    if tx.pen is None:
        return ()
    asked = [(Form.OPENED, whole), (Form.DOCUMENT, whole)]
    asked += [(Form.SEALED, sealed)] if sealed is not None else []
    sql = "SELECT message_id, delivery_id FROM document_print WHERE mark = ? ORDER BY message_id"
    return [
        Known(form, message, delivery)
        for form, digest in asked
        for message, delivery in tx.all(sql, (tx.pen.mark(f"document {form}", digest),))
    ]
