"""While a lab is open its instruments act for its controller only, and the next controller takes over what is left."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from autolab.campaign.lab import OpenLab
from autolab.compose.claims import claim_devices
from autolab.core.clock import VirtualClock
from autolab.core.errors import DeviceError, StorageError
from autolab.core.trials import Realm


@dataclass
class Instrument:
    """An instrument that can be claimed."""

    held: str | None = None
    heard: list[str] = field(default_factory=list)

    def claim(self, key: str, by: str) -> None:
        if self.held not in (None, key):
            raise DeviceError("it is claimed")
        self.held = key
        self.heard.append(by)

    def release(self) -> None:
        self.held = None


def lab(*instruments: Instrument) -> OpenLab:
    devices: dict[str, Any] = {f"arm_{number}": one for number, one in enumerate(instruments)}
    devices["lamp"] = object()
    return OpenLab("lab", "Example", Realm.SIMULATED, VirtualClock(), "bench", devices, (), frozenset(), (), None, list)


def test_they_are_claimed_while_the_lab_is_open_and_released_afterwards(tmp_path: Path):
    arms = Instrument(), Instrument()
    with ExitStack() as stack:
        claim_devices(stack, lab(*arms), tmp_path, "ada")
        assert arms[0].held == arms[1].held == (tmp_path / "claim.key").read_text()
    assert [arm.held for arm in arms] == [None, None]
    assert (tmp_path / "claim.key").stat().st_mode & 0o077 == 0


def test_the_next_controller_of_the_data_folder_takes_over_and_another_lab_s_is_refused(tmp_path: Path):
    arm = Instrument()
    claim_devices(ExitStack(), lab(arm), tmp_path, "one that was killed")
    with ExitStack() as stack:
        claim_devices(stack, lab(arm), tmp_path, "the next")
        (tmp_path / "other").mkdir()
        with pytest.raises(DeviceError):
            claim_devices(stack, lab(arm), tmp_path / "other", "a stranger")
    assert arm.heard == ["one that was killed", "the next"]


def test_a_folder_that_takes_no_key_is_refused(tmp_path: Path):
    with pytest.raises(StorageError, match="choose a folder of yours with --data"):
        claim_devices(ExitStack(), lab(Instrument()), tmp_path / "missing", "ada")
