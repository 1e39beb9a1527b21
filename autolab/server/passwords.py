"""Passwords by argon2id (RFC 9106), and the signing key that a password opens.

A person's signing key is kept encrypted under a key that argon2id derives from their password, with ChaCha20-Poly1305
(RFC 8439): whoever reads the file of accounts can sign for nobody.
"""

from __future__ import annotations

import base64
import secrets
import threading
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type, hash_secret_raw

from autolab.core.errors import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["SHORTEST", "Passwords"]

SHORTEST, LONGEST = 12, 256
"""Characters of a password. Length is asked for and nothing else (NIST SP 800-63B, 3.1.1)."""
_SALT, _NONCE = 16, 12
_AT_ONCE = 2
"""Hashes that are made at the same time: each takes its own memory."""


class Passwords:
    """Makes and checks what is kept of passwords.

    Args:
        hasher: The cost of a hash; argon2-cffi's default (RFC 9106, low memory) unless a test asks for less.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_hex(16))
        self._turn = threading.BoundedSemaphore(_AT_ONCE)

    def hash(self, password: str) -> str:
        """What is kept of a password.

        Raises:
            InputError: it is too short or too long.
        """
        if not SHORTEST <= len(password) <= LONGEST:
            raise InputError(
                f"a password has {SHORTEST} to {LONGEST} characters, and this one has {len(password)}: take a sentence"
            )
        with self._turn:
            return self._hasher.hash(password)

    def is_right(self, kept: str | None, password: str) -> bool:
        """Whether a password is the one that was kept. It takes as long where none was."""
        if len(password) > LONGEST:
            return False
        with self._turn:
            try:
                return self._hasher.verify(kept or self._nobody, password) and kept is not None
            except (VerificationError, InvalidHashError):
                return False

    def lock(self, key: Ed25519PrivateKey, name: str, password: str) -> str:
        """A signing key as it is kept: nobody opens it without the password."""
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
        sealed = ChaCha20Poly1305(self._derived(password, salt)).encrypt(nonce, key.private_bytes_raw(), _about(name))
        return base64.b64encode(salt + nonce + sealed).decode()

    def open(self, kept: str, name: str, password: str) -> Ed25519PrivateKey | None:
        """The signing key that was kept; None where the password does not open it."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        raw = base64.b64decode(kept)
        salt, nonce, sealed = raw[:_SALT], raw[_SALT : _SALT + _NONCE], raw[_SALT + _NONCE :]
        try:
            opened = ChaCha20Poly1305(self._derived(password, salt)).decrypt(nonce, sealed, _about(name))
        except InvalidTag:
            return None
        return Ed25519PrivateKey.from_private_bytes(opened)

    def _derived(self, password: str, salt: bytes) -> bytes:
        cost = self._hasher
        with self._turn:
            return hash_secret_raw(
                password.encode(), salt, cost.time_cost, cost.memory_cost, cost.parallelism, 32, Type.ID
            )


def _about(name: str) -> bytes:
    return f"autolab signing key 1: {name}".encode()
