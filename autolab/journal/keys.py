"""Private keys in files: of a data folder, and of the people who use this account.

A person's key stands in ``AUTOLAB_KEYS``, or else in ``autolab/keys`` under the account's configuration folder. It is
readable by its owner only, and is refused where others can read it.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from autolab.core.authority import Signed, Statement, public_text, sign
from autolab.core.errors import InputError, NotAuthorisedError, StorageError
from autolab.journal.folder import make_folder, sync_folder

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["key_folder", "make_key", "make_personal_key", "read_key", "sign_as", "write_whole"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""As names in the lab file."""


def make_personal_key(name: str) -> str:
    """Make a key for a person of this account. An existing one stays.

    Args:
        name: The person's name, as it is to stand in the lab file.

    Returns:
        The public half in base64.

    Raises:
        InputError: the name is none that the lab file takes, or there is a key of that name.
        StorageError: no room or no right to write.
    """
    path = _path(name)
    if path.exists():
        raise InputError(
            f"{path}: {name} has a key already, with the public half {public_text(_own_key(name))}: use it, or move it "
            "away to make another"
        )
    try:
        make_folder(path.parent)
        path.parent.chmod(0o700)
        make_key(path)
    except OSError as error:
        raise StorageError(
            f"{path}: {error.strerror}: choose a folder of yours with the environment variable AUTOLAB_KEYS"
        ) from error
    return public_text(_own_key(name))


def sign_as(statement: Statement, name: str) -> Signed:
    """Sign a statement with the key that a person has in this account.

    Raises:
        NotAuthorisedError: there is no such key here, or others can read it.
    """
    return sign(statement, name, _own_key(name))


def key_folder() -> Path:
    """Where the keys of this account are."""
    if given := os.environ.get("AUTOLAB_KEYS"):
        return Path(given)
    config = os.environ.get("XDG_CONFIG_HOME")
    return (Path(config) if config else Path.home() / ".config") / "autolab" / "keys"


def read_key(path: Path) -> Ed25519PrivateKey | None:
    """The private key in a file; None where it holds none.

    Raises:
        OSError: it cannot be read.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, Ed25519PrivateKey) else None


def make_key(path: Path) -> None:
    """Make a private key in a file that its owner alone may read.

    Raises:
        OSError: no room or no right to write.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    text = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_whole(path, text, 0o600)


def write_whole(path: Path, text: bytes, mode: int) -> None:
    """Make a file, whole or not at all, also when the power fails.

    Raises:
        OSError: no room or no right to write.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _own_key(name: str) -> Ed25519PrivateKey:
    path = _path(name)
    try:
        shared = stat.S_IMODE(path.stat().st_mode) & 0o077
        key = read_key(path)
    except OSError as error:
        raise NotAuthorisedError(
            f"{path}: {error.strerror}: nobody can sign as {name} from here; make a key with 'autolab key {name}', and "
            "have the lab's owner put its public half under 'people' in the lab file"
        ) from None
    if shared:
        raise NotAuthorisedError(f"{path}: others can read this key, so it proves nothing: 'chmod 600 {path}'")
    if key is None:
        raise NotAuthorisedError(f"{path}: holds no Ed25519 key: restore it, or make another under another name")
    return key


def _path(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is no name: at most 64 letters, digits, '-' and '_', beginning with a letter or digit"
        )
    return key_folder() / f"{name}.key"
