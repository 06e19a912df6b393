"""Names without regard to case and accents, as people look for them."""

import unicodedata


def folded(text: str) -> str:
    """A text without regard to case and accents."""
    if text.isascii():  # most are, and a search folds every name of a deal
        return text.casefold()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in apart if not unicodedata.combining(c))
