"""How to ask somebody back, said the same way wherever a key changed.

Rule kept here: we neither ask for numbers nor keep them, so there is none here that an attacker
could change. What counts is where the number comes from: the caller's own directory, as it was
before the request, and never the request itself.
"""

from typing import Final

CALL_BACK: Final = (
    "call him on the number that your own directory had before this request, "
    "never on one that came with it"
)
