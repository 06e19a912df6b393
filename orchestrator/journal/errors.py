"""What can be wrong with the journal; no text here holds a word of a message or of a share."""


class JournalError(Exception):
    """The journal could not be written, checked or opened."""

    code = "journal"


class NoJournalKey(JournalError):
    """No journal key and no signed decision: the room does not open, the message is held."""

    code = "journal.no_key"


class KeyChanged(JournalError):
    """The key or decision in force is not the one the copy was made for; seal it again."""

    code = "journal.key_changed"


class BadDecision(JournalError):
    """A no-journal decision is not signed by the counsel whom the policy names."""

    code = "journal.bad_decision"


class BadShare(JournalError):
    """A share was mistyped, belongs to another key, or is one of too few."""

    code = "journal.bad_share"


class BadExport(JournalError):
    """An exported journal is not one, or an entry of it does not open."""

    code = "journal.bad_export"
