"""How to ask somebody back, and what he is told who is in trouble: the same words everywhere.

Rule kept here: we neither ask for numbers nor keep them, so there is none here that an attacker
could change. What counts is where the number comes from: the caller's own directory, as it was
before the request, and never the request itself.
"""

from typing import Final

CALL_BACK: Final = (
    "call him on the number that your own directory had before this request, "
    "never on one that came with it"
)
TO_PHISHED: Final = (
    "You are paused on every channel: nothing more is sent to you, and your keys count no more.\n"
    "Next: sign every other device of yours out, believe no call about this that you did not "
    "make, and call the deal's owner on a number that you had before."
)
TO_NEW_PHONE: Final = (
    "Noted: your next key is expected. Nothing was opened by that.\n"
    "Next: two people will compare its words with you, on a call that they make. "
    "Give nobody a code."
)
