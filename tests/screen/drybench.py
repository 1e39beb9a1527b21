"""A bench of shadows, built from the colour example, and plans that are walked through on it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autolab.compose.devices import check_envelope, device_classes
from autolab.compose.names import Names
from autolab.compose.screening import rig_for
from autolab.config.lab import load_lab
from autolab.core.clock import real_clock
from autolab.core.operations import Operations
from autolab.core.trials import Verdict
from autolab.screen.envelope import envelope_rule
from autolab.screen.found import DryRun
from autolab.screen.judge import judge_plan
from autolab.screen.present import Present
from autolab.screen.rig import DryRunRequest, Rig
from autolab.screen.unknowns import Quantity

LAB = Path(__file__).resolve().parents[2] / "examples/colour/lab.yaml"
READ = {
    "stage": {"stage_position": Quantity("number", (), 0.0, 300.0)},
    "spectrometer": {
        "spectrometer_spectrum": Quantity("array", (20,)),
        "spectrometer_scatter": Quantity("number"),
        "spectrometer_severity": Quantity("string"),
    },
    "dispenser": {"dispenser_dispensed": Quantity("number", (), 0.0, 300.0)},
    "arm": {f"arm_place_{place}": Quantity("string") for place in ("rack_1", "stage")}
    | {"arm_holding": Quantity("string")},
}
KNOWN: dict[str, Any] = {
    "stage_position": 10.0,
    "stage_velocity": 20.0,
    "dispenser_dispensed": 0.0,
    "dispenser_flow": 50.0,
    "arm_transfer_s": 8.0,
    "arm_place_rack_1": "strip-1",
    "arm_place_stage": "",
    "arm_holding": "",
}
OPERATIONS = Operations("dry", 1)

Plan = Callable[..., Generator[Any, Any, Any]]


@dataclass
class _Binding:
    plan: Plan
    devices: tuple[str, ...] = ("stage", "spectrometer", "dispenser", "arm")
    measuring: None = None

    @property
    def used(self) -> tuple[str, ...]:
        return self.devices

    @property
    def plans(self) -> tuple[Plan, ...]:
        return (self.plan,)

    def arguments(self, devices: dict[str, Any], values: Any, *_: Any) -> dict[str, Any]:
        return {"bench": devices, **values}


@dataclass
class DryBench:
    """Walks through plans ``plan(bench, **values)`` and judges them by the colour lab's envelope."""

    known: dict[str, Any] = field(default_factory=lambda: dict(KNOWN))
    deadline_s: float = 60.0
    lab_text: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        self.lab = load_lab(LAB)
        self.names = Names(self.lab.source, (), LAB.parent)
        limits = check_envelope(self.lab, device_classes(self.lab, self.names))
        self.limits = {f"{d}.{signal}": limit for d, own in limits.items() for signal, limit in own.items()}

    def rig(self, plan: Plan) -> Rig:
        return rig_for(self.lab, self.names, _Binding(plan))

    def run(self, plan: Plan, **values: Any) -> DryRun:
        request = DryRunRequest(values, OPERATIONS, None, {}, Present(self.known, READ, {}), 7)
        return self.rig(plan).run(request, real_clock(), self.deadline_s)

    def judge(self, plan: Plan, **values: Any) -> Verdict:
        return judge_plan(self.run(plan, **values), (envelope_rule(self.limits),))
