"""The judgement of a trial's effects: on what it pours, where it moves, and how long things stand. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from autolab.core.effects import Effect, Pour
from autolab.core.parameters import Value
from autolab.core.traces import Finding, Rule, Trace
from safety.dwelling import judge_dwell, judge_zones
from safety.mixing import judge_pours
from safety.scene import GRIPPER, LabRules, Scene

__all__ = ["judge_effects", "rule"]


def judge_effects(effects: Sequence[Effect], rules: LabRules, scene: Scene) -> list[Finding]:
    """Judge what the plan of one trial would do to the lab.

    Refused is what pours no volume, an unknown, expired or incompatible material, more than is in stock or than the
    well may hold; what leaves labware at a place for too long; and what moves through a zone in which something stands.
    A pair of materials that nobody has listed, and a well of which nobody has said what it holds, need approval.

    Args:
        effects: What the plan does, in its order, as a dry run finds it.
        rules: What the lab file says.
        scene: How things stand before the trial, and the date.

    Returns:
        What stands against the trial; nothing where it may run. `safety.findings.verdict` makes a verdict of it.
    """
    pours = [effect for effect in effects if isinstance(effect, Pour)]
    return [
        *judge_pours(pours, rules, scene),
        *judge_dwell(effects, rules, scene),
        *judge_zones(effects, rules, scene),
    ]


def rule(rules: LabRules, scene: Scene) -> Rule:
    """The judgement as a rule of the screen: positions and places are those from which a trace begins.

    Args:
        rules: What the lab file says.
        scene: How things stand; its positions and places count where the trace does not know better.
    """

    def judge(trace: Trace) -> Sequence[Finding]:
        positions = {**scene.positions, **_positions(rules, trace.start)}
        places = {**scene.places, **_places(trace.start)}
        silent = frozenset(name for name in arms if f"{name}_holding" not in trace.start)
        now = replace(scene, positions=positions, places=places, silent=silent)
        return judge_effects(trace.effects, rules, now)

    arms = {device for zone in rules.zones.values() for device in zone.places}
    return judge


def _positions(rules: LabRules, known: Mapping[str, Any]) -> dict[str, Value]:
    """Where the signals stand that zones have spans of; documents know ``stage.position`` as ``stage_position``."""
    signals = {signal for zone in rules.zones.values() for signal in zone.ranges}
    found = {signal: known.get(signal.replace(".", "_")) for signal in signals}
    return {
        signal: float(value)
        for signal, value in found.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _places(known: Mapping[str, Any]) -> dict[str, str]:
    """Where labware stands, as arms say it: ``arm_place_rack_1`` is what is there, ``arm_holding`` what one holds."""
    found: dict[str, str] = {}
    for key, piece in known.items():
        _, is_place, place = key.partition("_place_")
        if isinstance(piece, str) and piece and (is_place or key.endswith("_holding")):
            found[piece] = place if is_place else GRIPPER
    return found
