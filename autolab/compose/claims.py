"""Claiming the instruments of a lab: while it is open, they take actions from its controller only."""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack, suppress
from pathlib import Path

from autolab.campaign.lab import OpenLab
from autolab.core.errors import DeviceError, StorageError
from devices.base import Claimable

__all__ = ["claim_devices"]

KEY_FILE = "claim.key"


def claim_devices(stack: ExitStack, lab: OpenLab, data: Path, by: str) -> None:
    """Claim each device that can be claimed; the stack releases them.

    The key lives in the data folder, so that the next controller of this folder takes over what one has left claimed
    that was killed.

    Args:
        stack: Releases the devices.
        lab: The lab, open.
        data: The data folder.
        by: Who claims, for whoever is refused.

    Raises:
        DeviceError: somebody else has claimed one.
        StorageError: the key cannot be read or written.
    """
    claimable = [device for device in lab.devices.values() if isinstance(device, Claimable)]
    if not claimable:
        return
    key = _key(data / KEY_FILE)
    for device in claimable:
        device.claim(key, by)
        stack.callback(_release, device)


def _release(device: Claimable) -> None:
    with suppress(DeviceError):  # it does not answer: its claim ends with its power
        device.release()


def _key(file: Path) -> str:
    try:
        if not file.exists():
            fresh = file.with_suffix(".new")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(secrets.token_hex(16))
            fresh.replace(file)
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{file}: {os.strerror(error.errno or 0)}: choose a folder of yours with --data") from error
