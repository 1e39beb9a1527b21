"""A lab with interlocks, and a reader of them that does not ask whether a controller evaluates them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autolab.config.interlocks import read_hazards, read_interlocks
from autolab.config.labmodel import LabModel
from autolab.config.limits import read_envelope
from autolab.config.problems import Problems
from autolab.config.safestate import read_safe_state
from autolab.config.signals import read_signals
from autolab.config.yamlfile import read_yaml
from autolab.core.envelope import Limit
from autolab.core.interlocks import Hazard, Rule, SafeStateStep, SignalSpec

LAB = """\
name: reactor-bench
laboratory: Example National Laboratory
devices:
  bath: {class: devices.motion.EpicsStage}
  heater: {class: devices.motion.EpicsStage}
  stirrer: {class: devices.motion.EpicsStage}
  door: {class: devices.motion.EpicsStage}
  lamp: {class: devices.motion.EpicsStage}
  arm: {class: devices.robots.ZmqArm}
envelope:
  heater.setpoint: {min: 10 degC, max: 90 degC}
  stirrer.speed: {min: 0 rpm, max: 1200 rpm, max_step: 400 rpm}
  arm.place: {allowed: [rack, bath]}
  arm.label: {pattern: '[a-z]+'}
signals:
  bath.temperature: {min: 263.15 K, max: 423.15 K}
  bath.spare: {min: -10 degC, max: 150 degC}
  bath.third: {min: -10 degC, max: 150 degC}
  bath.level: {unit: percent}
  door.closed: {allowed: [true, false]}
  stirrer.measured: {min: 0 rpm, max: 2000 rpm}
  lamp.power: {min: 0 W, max: 10 W}
interlocks:
  - name: bath-too-hot
    when: 2oo3(bath.temperature > 95 degC, bath.spare > 95 degC, bath.third > 95 degC)
    effect: trip
    why: hot solvent boils over
  - name: hot-and-unstirred
    when: (bath.spare > 60 degC and stirrer.measured < 10 rpm) for 5 s
    effect: trip
    why: hot spots at the wall decompose the product
    stale_after: 2 s
  - name: runaway
    when: rate(bath.spare over 30 s) > 2 K/min
    effect: trip
    why: the reaction heats itself
  - name: exposure
    when: integral(lamp.power over 1 h) > 5 kJ
    effect: alarm
    why: the sample bleaches
  - name: door-shut
    when: door.closed == true
    effect: permissive
    of: [arm, stirrer.speed]
    why: moving parts within reach of a hand
hazards:
  - {name: boiling, when: bath.temperature > 100 degC and bath.spare > 100 degC}
safe_state:
  - {device: arm, do: stop}
  - {set: heater.setpoint, to: 68 degF}
"""


@dataclass(frozen=True)
class RulesLab:
    """What a lab file says of its interlocks."""

    envelope: dict[str, Limit]
    signals: dict[str, SignalSpec]
    rules: tuple[Rule, ...]
    hazards: tuple[Hazard, ...]
    safe_state: tuple[SafeStateStep, ...]


def read_rules(folder: Path, text: str = LAB) -> RulesLab:
    """Read the interlocks of a lab file.

    Raises:
        FileError: one line is refused.
        InputErrors: several lines are.
    """
    path = folder / "lab.yaml"
    path.write_text(text, encoding="utf-8")
    file = read_yaml(path)
    problems = Problems(file.source)
    problems.check_shape(LabModel, file.values)
    envelope = read_envelope(problems, file.values)
    signals = read_signals(problems, file.values, envelope)
    rules = read_interlocks(problems, file.values, signals, envelope)
    hazards = read_hazards(problems, file.values, signals)
    safe_state = read_safe_state(problems, file.values, envelope)
    problems.raise_any()
    return RulesLab(envelope, signals, rules, hazards, safe_state)
