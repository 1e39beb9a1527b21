"""The machine inside the simulated dispenser: four syringes, their reservoirs, and the wells that they really fill.

It knows nothing of the serial line. Each operation is written to the store before any liquid moves, and never runs
twice under the same id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autolab.core.operations import OperationId
from autolab.core.seeds import derive_seed
from devices.frames import ErrorCode
from simulators.base import Settings, State
from simulators.bench import NOZZLE_HEAD_MM, well_under
from simulators.physics.dispensing import Delivery, channel_bias, deliver

__all__ = ["Refusal", "SyringeLimits", "Syringes"]


@dataclass(frozen=True, slots=True)
class SyringeLimits:
    """The instrument's own limits, whatever a lab's envelope says."""

    min_nl: int = 100
    max_nl: int = 1_000_000
    min_mix_ms: int = 100
    max_mix_ms: int = 120_000
    flow_nl_per_s: int = 50_000


class Refusal(Exception):  # noqa: N818 (the instrument refuses; it is no error of ours)
    """The instrument refuses a command; nothing has moved.

    Args:
        code: What the reply says.
        words: Why, as words without spaces between them that the line can carry.
    """

    def __init__(self, code: ErrorCode, words: str) -> None:
        super().__init__(code, words)
        self.code, self.words = code, words


@dataclass(frozen=True, slots=True)
class _Running:
    operation: str
    started_s: float
    due_s: float
    well: tuple[str, str] | None
    """Labware and well under the nozzle when it began."""


class Syringes:
    """Executes dispense and mix operations on the bench's shared world.

    Args:
        settings: What the simulator is told; `materials` fills the reservoirs, and again where another stock or
            filling is written than the one that filled them; `labware` gives the wells of a piece.
        liquids: The liquid of each channel, from channel 1.
        limits: The instrument's own limits.
        stage: Name of the stage in the world, and of the place above it.
        arm: Name of the arm in the world.
        well_capacity_ul: Volume that a well holds; what is beyond goes to waste.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        liquids: Sequence[str],
        limits: SyringeLimits,
        stage: str,
        arm: str,
        well_capacity_ul: float,
    ) -> None:
        self.limits = limits
        self._settings, self._liquids, self._stage, self._arm = settings, tuple(liquids), stage, arm
        self._capacity_ul = well_capacity_ul
        self._bias = [channel_bias(derive_seed(settings.seed, settings.device, "bias", n)) for n in range(len(liquids))]
        self.has_power = True
        """Whether the pistons have power; the electronics always have."""
        self._running: _Running | None = None
        self._state: State = settings.store.load(settings.device) or {
            "serial_number": f"SIM-{derive_seed(settings.seed, settings.device) % 10_000:04d}",
            "counter": 0,
            "operations": {},
            "wells": {},
            "mixed": {},
            "reservoirs": {liquid: float(settings.materials.get(liquid, 0.0)) for liquid in liquids},
            "waste_ul": 0.0,
        }
        self._save()
        self._recover()
        self._refill()

    @property
    def serial_number(self) -> str:
        """Serial number of the instrument."""
        return self._state["serial_number"]

    @property
    def counter(self) -> int:
        """Operations ever begun; it survives a loss of power."""
        return self._state["counter"]

    @property
    def n_channels(self) -> int:
        """Number of syringes."""
        return len(self._liquids)

    @property
    def running(self) -> str | None:
        """Id of the operation that is running."""
        return None if self._running is None else self._running.operation

    def due(self) -> float | None:
        """Lab time at which the running operation ends."""
        return None if self._running is None else self._running.due_s

    def operation(self, operation: str) -> dict[str, Any] | None:
        """What the instrument knows of an operation: its state and results."""
        return self._state["operations"].get(operation)

    def dispense(self, channel: int, volume_nl: int, operation: str, now: float) -> tuple[dict[str, Any], bool]:
        """Begin to dispense.

        Args:
            channel: From 1.
            volume_nl: Volume by the piston's encoder, in nanolitres.
            operation: Operation id.
            now: Lab time in seconds.

        Returns:
            What is known of the operation, and whether it had been begun before.

        Raises:
            Refusal: a limit, an empty reservoir, another operation under this id, or the instrument is busy.
        """
        command = f"DISP {channel} {volume_nl}"
        known = self._known(operation, command)
        if known is not None:
            return known, True
        if not 1 <= channel <= self.n_channels:
            raise Refusal(ErrorCode.OUT_OF_LIMITS, f"channel={channel} allowed=1..{self.n_channels}")
        limits = self.limits
        if not limits.min_nl <= volume_nl <= limits.max_nl:
            raise Refusal(ErrorCode.OUT_OF_LIMITS, f"volume_nl={volume_nl} allowed={limits.min_nl}..{limits.max_nl}")
        left_ul = self._state["reservoirs"][self._liquids[channel - 1]]
        if left_ul < volume_nl / 1000:
            raise Refusal(ErrorCode.RESERVOIR_EMPTY, f"channel={channel} left_nl={int(left_ul * 1000)}")
        return self._begin(operation, command, volume_nl / limits.flow_nl_per_s, now), False

    def mix(self, duration_ms: int, operation: str, now: float) -> tuple[dict[str, Any], bool]:
        """Begin to mix the well under the nozzle, see `dispense`."""
        command = f"MIX {duration_ms}"
        known = self._known(operation, command)
        if known is not None:
            return known, True
        limits = self.limits
        if not limits.min_mix_ms <= duration_ms <= limits.max_mix_ms:
            raise Refusal(
                ErrorCode.OUT_OF_LIMITS, f"mix_ms={duration_ms} allowed={limits.min_mix_ms}..{limits.max_mix_ms}"
            )
        return self._begin(operation, command, duration_ms / 1000, now), False

    def stop(self, now: float) -> None:
        """Stop the running operation: what has been dispensed stays in the well, and the operation has failed."""
        self._cut_short(ErrorCode.STOPPED, now)

    def power(self, on: bool, now: float) -> None:
        """Give power to the pistons, or take it away: they stop where they are, and the running operation has failed.

        Args:
            on: Whether there is power from now on; power that comes back moves nothing.
            now: Lab time in seconds.
        """
        if not on:
            self._cut_short(ErrorCode.INTERRUPTED, now)
        self.has_power = on

    def advance(self, now: float) -> None:
        """Let the time pass: finish what is due."""
        if self._running is not None and now >= self._running.due_s:
            self._finish(1.0, None)

    def _cut_short(self, code: ErrorCode, now: float) -> None:
        self.advance(now)
        if self._running is not None:
            run = self._running
            self._finish((now - run.started_s) / max(run.due_s - run.started_s, 1e-9), code)

    def _known(self, operation: str, command: str) -> dict[str, Any] | None:
        known = self._state["operations"].get(operation)
        if known is not None and known["command"] != command:
            raise Refusal(ErrorCode.ID_CONFLICT, "this-id-was-used-for=" + known["command"].replace(" ", ","))
        if known is None and not self.has_power:
            raise Refusal(ErrorCode.NO_POWER, "power=OFF")
        if known is None and self._running is not None:
            raise Refusal(ErrorCode.BUSY, f"operation={self._running.operation}")
        return known

    def _begin(self, operation: str, command: str, duration_s: float, now: float) -> dict[str, Any]:
        record = {"command": command, "state": "RUNNING", "done": 0, "code": 0}
        self._state["operations"][operation] = record
        self._state["counter"] += 1
        self._save()
        self._running = _Running(operation, now, now + duration_s, self._well_under_nozzle())
        return record

    def _finish(self, fraction: float, code: ErrorCode | None) -> None:
        """End the running operation after a fraction of its course."""
        run = self._running
        if run is None:
            return
        record = self._state["operations"][run.operation]
        verb, *arguments = record["command"].split()
        well = run.well if run.well == self._well_under_nozzle() else None
        if code is None and well is None:
            code = ErrorCode.NO_WELL
        amount = int(arguments[-1]) if fraction >= 1 else int(max(fraction, 0.0) * int(arguments[-1]))
        if verb == "DISP":
            self._deposit(int(arguments[0]), amount / 1000, run.operation, well)
        elif well is not None:
            wells = self._state["mixed"].setdefault(well[0], {})
            wells[well[1]] = wells.get(well[1], 0.0) + amount / 1000
        record["done"] = amount
        record["code"] = 0 if code is None else int(code)
        record["state"] = "DONE" if code is None else "FAILED"
        self._running = None
        self._save()

    def _deposit(self, channel: int, pumped_ul: float, operation: str, well: tuple[str, str] | None) -> None:
        """Move liquid from a reservoir to where it really falls; what no well takes is waste."""
        state, liquid = self._state, self._liquids[channel - 1]
        delivery: Delivery = deliver(pumped_ul, self._bias[channel - 1], self._noise_seed(operation))
        drawn = min(delivery.from_reservoir_ul, state["reservoirs"][liquid])
        state["reservoirs"][liquid] -= drawn
        into_well = 0.0
        if well is not None:
            contents = state["wells"].setdefault(well[0], {}).setdefault(well[1], {})
            room = max(self._capacity_ul - sum(contents.values()), 0.0)
            into_well = min(delivery.into_well_ul, drawn, room)
            contents[liquid] = contents.get(liquid, 0.0) + into_well
        state["waste_ul"] += drawn - into_well

    def _well_under_nozzle(self) -> tuple[str, str] | None:
        """Labware and well that are under the nozzle and at rest, as the world has it; None where there is none."""
        stage, arm = self._settings.store.load(self._stage), self._settings.store.load(self._arm)
        if stage is None or arm is None or stage.get("moving"):
            return None
        labware = arm["places"].get(self._stage)
        well = well_under(stage["position"], NOZZLE_HEAD_MM)
        if labware is None or well is None:
            return None
        _, n_wells = self._settings.labware.get(labware.rpartition("-")[0], ((), 0))
        return (labware, str(well)) if well < n_wells else None

    def _recover(self) -> None:
        """Fail what was running when the power went: a part that only chance knows has left the syringe."""
        for operation, record in self._state["operations"].items():
            if record["state"] == "RUNNING":
                fraction = float(np.random.default_rng(derive_seed(self._noise_seed(operation), "power")).uniform())
                self._running = _Running(operation, 0.0, 0.0, self._well_under_nozzle())
                self._finish(fraction, ErrorCode.INTERRUPTED)

    def _refill(self) -> None:
        """Fill the bottles of which the lab file says another thing than when they were filled: they were refilled."""
        told, fillings = self._settings.materials, self._settings.fillings
        wanted = {liquid: [float(told.get(liquid, 0.0)), fillings.get(liquid, "")] for liquid in self._liquids}
        filled, reservoirs = self._state.get("filled", wanted), self._state["reservoirs"]
        reservoirs.update({liquid: now[0] for liquid, now in wanted.items() if filled.get(liquid) != now})
        self._state["filled"] = wanted
        self._save()

    def _noise_seed(self, operation: str) -> int:
        return OperationId.parse(operation).noise_seed(self._settings.seed, self._settings.device)

    def _save(self) -> None:
        self._settings.store.save(self._settings.device, self._state)
