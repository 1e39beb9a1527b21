"""Signed tree heads: what the log was at one moment, signed by the data folder's key and kept in two places.

A head is one line of canonical JSON: ``size`` and ``root`` of the log, ``date``, ``data`` (path of the data folder),
``key`` (the public key) and ``signature`` (Ed25519, RFC 8032, over the line without the signature), bytes in
hexadecimal. It is the signed tree head of RFC 6962, section 3.5, with a data folder in place of a log server.

Files of the data folder: ``audit.key`` (private, readable by its owner only), ``audit.pub``, ``heads.jsonl``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autolab.core.canonical import canonical_json
from autolab.core.errors import InputError, StorageError
from autolab.journal.keys import make_key, read_key, write_whole
from autolab.journal.log import TreeHead

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["HEADS_FILE", "KEY_FILE", "PUBLIC_KEY_FILE", "HeadLine", "SignedHead", "Signer", "public_key", "read_heads"]

HEADS_FILE = "heads.jsonl"
KEY_FILE = "audit.key"
PUBLIC_KEY_FILE = "audit.pub"
_KIND = "autolab tree head 1"


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A tree head that somebody with the key has vouched for."""

    size: int
    """Number of entries of the log."""
    root: str
    date: str
    data: str
    """Path of the data folder, as its controller saw it."""
    key: str
    signature: str = ""

    @property
    def signed(self) -> bytes:
        """What the signature is over."""
        return canonical_json({**self._facts(), "kind": _KIND}).encode()

    @property
    def line(self) -> str:
        """The head as it is exported, without the end of the line."""
        return canonical_json({**self._facts(), "kind": _KIND, "signature": self.signature})

    def is_genuine(self) -> bool:
        """Whether the signature fits the head and the key that it names."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key))
            key.verify(bytes.fromhex(self.signature), self.signed)
        except (InvalidSignature, ValueError):
            return False
        return True

    def _facts(self) -> dict[str, Any]:
        return {"size": self.size, "root": self.root, "date": self.date, "data": self.data, "key": self.key}


@dataclass(frozen=True, slots=True)
class HeadLine:
    """One line of a file of heads."""

    file: str
    number: int
    """From 1."""
    text: str = field(repr=False)
    head: SignedHead | None
    """None where the line is no head."""


class Signer:
    """The key of a data folder; it is made where there is none.

    Args:
        folder: The data folder.

    Raises:
        StorageError: no room or no right to write, or the file holds no key.
    """

    def __init__(self, folder: Path) -> None:
        self._data = str(folder.resolve())
        path = folder / KEY_FILE
        try:
            if not path.exists():
                _refuse_if_lost(path)
                make_key(path)
            self._key = _private_key(path)
            _write_public(folder / PUBLIC_KEY_FILE, self._key)
        except OSError as error:
            raise StorageError(
                f"{path}: {error.strerror}: the journal's heads cannot be signed; give its owner the right to read and "
                "write here"
            ) from error

    def sign(self, head: TreeHead, date: str) -> SignedHead:
        """Vouch for a head."""
        unsigned = (head.size, head.root.hex(), date, self._data, self._key.public_key().public_bytes_raw().hex())
        return SignedHead(*unsigned, signature=self._key.sign(SignedHead(*unsigned).signed).hex())


def public_key(folder: Path) -> str | None:
    """The public key of a data folder in hexadecimal; None where there is none that can be read."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key((folder / PUBLIC_KEY_FILE).read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        return None
    return key.public_bytes_raw().hex() if isinstance(key, Ed25519PublicKey) else None


def read_heads(path: Path) -> list[HeadLine]:
    """The lines of a file of heads.

    Raises:
        InputError: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); name with --heads the file to which the lab exports the heads"
        ) from error
    return [
        HeadLine(str(path), number, line, _parsed(line))
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]


def _parsed(line: str) -> SignedHead | None:
    try:
        facts = json.loads(line)
        if not isinstance(facts, dict) or facts.pop("kind", None) != _KIND:
            return None
        head = SignedHead(**facts)
    except (ValueError, TypeError, RecursionError):
        return None
    texts = (head.root, head.date, head.data, head.key, head.signature)
    is_sound = type(head.size) is int and all(isinstance(text, str) for text in texts)
    return head if is_sound else None


def _private_key(path: Path) -> Ed25519PrivateKey:
    key = read_key(path)
    if key is None:
        raise StorageError(
            f"{path}: holds no Ed25519 key: restore it from a backup, or move it and {PUBLIC_KEY_FILE} away to begin "
            "with another key (heads of the old key are then reported by 'autolab audit verify')"
        )
    return key


def _refuse_if_lost(path: Path) -> None:
    public = path.with_name(PUBLIC_KEY_FILE)
    if public.exists():
        raise StorageError(
            f"{path}: is gone, and {public.name} is still there: restore it from a backup, or move {public.name} away "
            "to begin with another key (heads of the old key are then reported by 'autolab audit verify')"
        )


def _write_public(path: Path, key: Ed25519PrivateKey) -> None:
    from cryptography.hazmat.primitives import serialization

    if not path.exists():
        text = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        write_whole(path, text, 0o644)
