"""The home's master key: wraps epoch keys and nothing else.

Rules kept here: the port never hands the key out, so that a key-management service or a hardware
module can stand behind it; and a missing master key is an error, never a reason to make another.
"""

import os
from typing import Protocol

from nacl.bindings.crypto_aead import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

from orchestrator.seal.errors import MasterKeyMissing, Tampered
from orchestrator.secrets.port import SecretStore
from orchestrator.secrets.secret import Secret

NAME = "master"
KEY_BYTES = 32
_NONCE_BYTES = 24


class MasterKey(Protocol):
    """Wraps and unwraps epoch keys. Calls may block (a service, a module)."""

    def wrap(self, key: bytes, bound_to: bytes) -> bytes:
        """Returns ``key`` wrapped so that only the same ``bound_to`` opens it."""

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """Returns the key.

        Raises:
            Tampered: not wrapped by this master key for this ``bound_to``.
        """


class LocalMasterKey:
    """A master key of 32 random bytes in the home's secrets (XChaCha20-Poly1305).

    Args:
        secret: the 32 bytes.

    Raises:
        MasterKeyMissing: it has another length.
    """

    def __init__(self, secret: Secret) -> None:
        if len(secret.reveal()) != KEY_BYTES:
            raise MasterKeyMissing(f"the master key is not {KEY_BYTES} bytes; restore it")
        self._secret = secret

    def wrap(self, key: bytes, bound_to: bytes) -> bytes:
        """Returns nonce and ciphertext."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(
            key, bound_to, nonce, self._secret.reveal()
        )

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """Returns the key.

        Raises:
            Tampered: not wrapped by this master key for this ``bound_to``.
        """
        nonce, box = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        try:
            return crypto_aead_xchacha20poly1305_ietf_decrypt(
                box, bound_to, nonce, self._secret.reveal()
            )
        except (CryptoError, ValueError):
            raise Tampered("an epoch key was not wrapped by this home's master key") from None


def create_master(secrets: SecretStore) -> LocalMasterKey:
    """Makes the home's master key, once, when the home is made.

    Raises:
        MasterKeyMissing: there is one already; making another would lose what it opens.
    """
    if secrets.get(NAME) is not None:
        raise MasterKeyMissing("this home already has a master key; it is not replaced")
    secrets.set(NAME, os.urandom(KEY_BYTES))
    return open_master(secrets)


def open_master(secrets: SecretStore) -> LocalMasterKey:
    """Opens the home's master key.

    Raises:
        MasterKeyMissing: it is not there.
        SecretError: its source does not answer or is open to others.
    """
    found = secrets.get(NAME)
    if found is None:
        raise MasterKeyMissing(
            "this home's master key is missing from the keyring and the secrets folder; start as "
            "the user who made the home, or restore the secret named 'master'"
        )
    return LocalMasterKey(found)
