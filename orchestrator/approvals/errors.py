"""What is wrong with a key, a signature or a request; told to people in these words."""

from orchestrator.store.unit import StoreError


class ApprovalError(StoreError):
    """Something of an approval is not as it must be; nothing was changed."""


class NoKey(ApprovalError):
    """What was handed over is no key that may sign here."""


class BadSignature(ApprovalError):
    """A signature is not by whom it names, or not over what was asked."""


class NotAllowed(ApprovalError):
    """A rule says that this person may not do it."""
