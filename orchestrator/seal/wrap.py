"""The wrap of a message key: what lies in ``sealed.wrapped`` and is made anew every epoch.

Layout: "WK" | version 1 | algorithm 1 (XChaCha20-Poly1305) | epoch, 16 bytes | key id, 16 bytes |
nonce, 24 bytes | key, 32 bytes, and tag, 16 bytes. Bound to owner, deal, size and place (row or
file), so none of these can be altered beside it.

Rule kept here: a wrap opens for its own row alone.
"""

import os
from dataclasses import dataclass, field
from typing import NamedTuple

from nacl.bindings.crypto_aead import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

from orchestrator.seal.envelope import KEY_ID_BYTES, bound
from orchestrator.seal.errors import Tampered

PREFIX = b"WK\x01\x01"
KEY_BYTES = 32
_EPOCH_AT = len(PREFIX)
_KEY_ID_AT = _EPOCH_AT + 16
_NONCE_AT = _KEY_ID_AT + KEY_ID_BYTES
_BOX_AT = _NONCE_AT + 24
WRAP_BYTES = _BOX_AT + KEY_BYTES + 16
_EPOCH_PREFIX = "epoch_"


class Subject(NamedTuple):
    """What a wrap is bound to. ``size`` in bytes; ``inline``: the envelope lies in the row."""

    owner: str
    deal_id: str
    size: int
    inline: bool


@dataclass(frozen=True, slots=True)
class MessageKey:
    """A message's own key and its id."""

    key: bytes = field(repr=False)
    key_id: bytes


def new_key() -> MessageKey:
    """Returns a fresh random key."""
    random = os.urandom(KEY_BYTES + KEY_ID_BYTES)
    return MessageKey(random[:KEY_BYTES], random[KEY_BYTES:])


def wrap(key: MessageKey, epoch: str, epoch_key: bytes, subject: Subject) -> bytes:
    """Returns ``key`` wrapped by an epoch key for ``subject``."""
    head = PREFIX + _raw(epoch) + key.key_id
    nonce = os.urandom(24)
    box = crypto_aead_xchacha20poly1305_ietf_encrypt(
        key.key, _bound(head, subject), nonce, epoch_key
    )
    return head + nonce + box


def unwrap(wrapped: bytes, epoch: str, epoch_key: bytes, subject: Subject) -> MessageKey:
    """Returns the message key.

    Raises:
        Tampered: not wrapped by this epoch for this ``subject``.
    """
    head = wrapped[:_NONCE_AT]
    if len(wrapped) != WRAP_BYTES or head[:_KEY_ID_AT] != PREFIX + _raw(epoch):
        raise Tampered("a wrapped key is not of the epoch that its row names")
    try:
        key = crypto_aead_xchacha20poly1305_ietf_decrypt(
            wrapped[_BOX_AT:], _bound(head, subject), wrapped[_NONCE_AT:_BOX_AT], epoch_key
        )
    except CryptoError:
        raise Tampered("a wrapped key is not the one of its row") from None
    return MessageKey(key, head[_KEY_ID_AT:])


def _raw(epoch: str) -> bytes:
    try:
        return bytes.fromhex(epoch.removeprefix(_EPOCH_PREFIX))
    except ValueError:
        raise Tampered("a row names an epoch that is not one") from None


def _bound(head: bytes, subject: Subject) -> bytes:
    place = "row" if subject.inline else "file"
    return head + bound(b"wrap", subject.owner, subject.deal_id, str(subject.size), place)
