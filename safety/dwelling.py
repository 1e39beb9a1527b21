"""How long labware stays where, and where moves would meet: what depends on the order of a trial's effects. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from autolab.core.effects import Carry, Effect, Lapse, Pour, Write
from autolab.core.traces import Finding
from autolab.core.zones import Zone
from safety.scene import GRIPPER, LabRules, Scene
from safety.ways import Way, reached, standing

__all__ = ["judge_dwell", "judge_zones"]


def judge_dwell(effects: Sequence[Effect], rules: LabRules, scene: Scene) -> list[Finding]:
    """Judge how long labware would stay at places: from its arrival, or the beginning, to its leaving, or the end.

    Args:
        effects: What the trial does, in its order.
        rules: What the lab file says.
        scene: How things stand before the trial.
    """
    findings: list[Finding] = []
    since = {piece: (place, 0.0) for piece, place in scene.places.items()}
    now_s = 0.0
    for effect in effects:
        if isinstance(effect, Lapse):
            if not (math.isfinite(effect.seconds) and effect.seconds >= 0.0):
                findings.append(
                    Finding(
                        "refused", f"the trial would wait {effect.seconds:g} s, which is no time: give a finite one"
                    )
                )
                continue
            now_s += effect.seconds
        elif isinstance(effect, Carry):
            place, arrived_s = since.get(effect.labware, (effect.source, 0.0))
            for stood in dict.fromkeys((place, effect.source)):  # where they differ, one of them is the longer stay
                findings += _stay(rules, effect.labware, stood, now_s - arrived_s)
            since[effect.labware] = (effect.target, now_s)
    for piece, (place, arrived_s) in since.items():
        findings += _stay(rules, piece, place, now_s - arrived_s)
    return findings


def judge_zones(effects: Sequence[Effect], rules: LabRules, scene: Scene) -> list[Finding]:
    """Judge whether a move of the trial would go through a zone in which another device stands.

    Effects come one after the other: what moves at the same time only the reservation at run time sees
    (`safety.zones.Zones`).

    Args:
        effects: What the trial does, in its order.
        rules: What the lab file says.
        scene: How things stand before the trial.
    """
    if not rules.zones:
        return []
    findings: list[Finding] = []
    said: set[tuple[str, str, str]] = set()
    present: dict[str, float] = {signal: float(value) for signal, value in scene.positions.items() if _is_number(value)}
    inside = _standing_at_first(rules.zones, present, scene)
    for effect in effects:
        way = _way(effect, present)
        if way is None:
            continue
        for name in sorted(reached(rules.zones, way)):
            for other in sorted(device for device, zones in inside.items() if name in zones and device != way.device):
                if (name, way.device, other) not in said:
                    said.add((name, way.device, other))
                    findings.append(Finding("refused", f"zone {name}: {_words(effect)} while {other} {_WHY}"))
        if isinstance(effect, Write) and _is_number(effect.value):
            present[effect.signal] = float(effect.value)
            inside[way.device] = standing(rules.zones, way.device, _of(present, way.device))
        elif isinstance(effect, Carry):
            held = reached(rules.zones, way) if effect.target == GRIPPER else frozenset[str]()
            inside[way.device] = held | standing(rules.zones, way.device, _of(present, way.device))
    return findings


_WHY = "stands in it, or nobody knows where it is: let the plan move it out first, or look where it is"


def _stay(rules: LabRules, piece: str, place: str, seconds: float) -> list[Finding]:
    longest_s = rules.dwell_s.get(place)
    if longest_s is None or seconds <= longest_s:
        return []
    return [
        Finding(
            "refused",
            f"{piece} would stay at {place} for {seconds:g} s in one trial, and the lab file allows {longest_s:g} s: "
            "shorten the trial, or carry it away earlier",
        )
    ]


def _standing_at_first(
    zones: Mapping[str, Zone], present: Mapping[str, float], scene: Scene
) -> dict[str, frozenset[str]]:
    devices = {device for zone in zones.values() for device in zone.devices}
    inside = {device: standing(zones, device, _of(present, device)) for device in devices}
    holds = GRIPPER in scene.places.values()  # an arm that holds something is at the place where it was stopped
    for name, zone in zones.items():
        for device in zone.places:
            if holds or device in scene.silent:
                inside[device] |= {name}
    return inside


def _way(effect: Effect, present: Mapping[str, float]) -> Way | None:
    """The move that an effect is; None where nothing moves."""
    if isinstance(effect, Carry):
        return Way(effect.device, frozenset((effect.source, effect.target)))
    if isinstance(effect, Pour):
        return Way(effect.device)
    if isinstance(effect, Lapse):
        return None
    device, _, signal = effect.signal.partition(".")
    if not _is_number(effect.value):
        return Way(device, frozenset((effect.value,)) if isinstance(effect.value, str) else frozenset())
    return Way(device, spans={signal: (present.get(effect.signal, math.nan), float(effect.value))})


def _of(present: Mapping[str, float], device: str) -> dict[str, float]:
    return {name.partition(".")[2]: value for name, value in present.items() if name.partition(".")[0] == device}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _words(effect: Effect) -> str:
    match effect:
        case Write(signal, value):
            return f"{signal} would go to {value!r}"
        case Carry(device, labware, source, target):
            return f"{device} would carry {labware} from {source} to {target}"
        case Pour(device, material):
            return f"{device} would pour {material}"
        case Lapse():
            return "time would go by"
