"""What can be wrong with something sealed; no text here ever holds what was sealed."""


class SealError(Exception):
    """Something sealed could not be made, opened or kept."""

    code = "seal"


class Destroyed(SealError):
    """It is gone: its row, its file or the epoch key that wrapped it no longer exists."""

    code = "seal.destroyed"


class Tampered(SealError):
    """It is not what we sealed, or not for this owner and deal. Nothing of it is used."""

    code = "seal.tampered"


class MasterKeyMissing(SealError):
    """The home's master key is not where it should be; nothing can be sealed or opened."""

    code = "seal.master_missing"
