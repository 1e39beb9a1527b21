"""What a trial pours: volumes, stock, expiry, room in the well, and what meets in it. Pure functions.

Mixtures are judged pair by pair, whatever the concentrations, the temperature and the order: two materials that are
harmless with each other may still not be with a third.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import combinations
from typing import Literal

from autolab.config.specs import MaterialSpec
from autolab.config.words import did_you_mean, listed
from autolab.core.effects import Pour
from autolab.core.traces import Finding
from safety.scene import LabRules, Scene

__all__ = ["DUST_UL", "expired", "judge_pours"]

DUST_UL = 1e-6
"""Microlitres by which sums of binary fractions may be off: a picolitre."""


def judge_pours(pours: Sequence[Pour], rules: LabRules, scene: Scene) -> list[Finding]:
    """Judge what a trial pours into the well of its sample. The order of the pours does not matter.

    Args:
        pours: Every pour of the trial.
        rules: What the lab file says.
        scene: How things stand before the trial.
    """
    poured_ul = _poured_ul(pours, rules)
    return [
        *_each(pours, rules),
        *_each_material(poured_ul, rules, scene),
        *_pairs(poured_ul, rules, scene),
        *_room(poured_ul, rules, scene),
    ]


def expired(material: MaterialSpec, today: date) -> str | None:
    """That a material has expired, in one sentence; None where it has not. It may be used on its last day.

    Args:
        material: What the lab file says of it.
        today: The day, in UTC.
    """
    if material.expires is None or today <= material.expires:
        return None
    return (
        f"{material.name} expired on {material.expires}, and today is {today}: put fresh one in, and write its date "
        "and stock under 'materials' in the lab file"
    )


def _poured_ul(pours: Sequence[Pour], rules: LabRules) -> dict[str, float]:
    """What arrives in the well by material; exact sums, so that the order cannot matter."""
    volumes: dict[str, list[float]] = {}
    for pour in pours:
        if pour.material in rules.materials and math.isfinite(pour.volume_ul) and pour.volume_ul > 0.0:
            volumes.setdefault(pour.material, []).append(pour.volume_ul)
    return {material: math.fsum(volumes[material]) for material in sorted(volumes)}


def _each(pours: Sequence[Pour], rules: LabRules) -> Iterator[Finding]:
    for pour in pours:
        if not (math.isfinite(pour.volume_ul) and pour.volume_ul >= 0.0):
            yield Finding(
                "refused",
                f"{pour.device} would pour {pour.volume_ul:g} uL of {pour.material}, which is no volume: "
                "give a finite one of at least 0 uL",
            )
        if pour.material not in rules.materials:
            guess = did_you_mean(pour.material, rules.materials)
            hint = f"did you mean {guess!r}?" if guess else "write it under 'materials' in the lab file"
            yield Finding(
                "refused",
                f"{pour.device} would pour {pour.material!r}, and materials of this lab are "
                f"{listed(rules.materials)}: {hint}",
            )


def _each_material(poured_ul: Mapping[str, float], rules: LabRules, scene: Scene) -> Iterator[Finding]:
    for material, volume_ul in poured_ul.items():
        if (why := expired(rules.materials[material], scene.date)) is not None:
            yield Finding("refused", why)
        left_ul = scene.left_ul.get(material, 0.0)
        if volume_ul > left_ul + DUST_UL:
            yield Finding(
                "refused",
                f"{material}: the trial pours {volume_ul:g} uL, and {max(left_ul, 0.0):g} uL are in stock: refill it, "
                "and write what is there under 'materials' in the lab file",
            )


def _pairs(poured_ul: Mapping[str, float], rules: LabRules, scene: Scene) -> Iterator[Finding]:
    """Every two materials of which at least one is poured. What stood together before the trial is not its doing."""
    present = sorted({*poured_ul, *(name for name, volume_ul in scene.well_ul.items() if volume_ul > 0.0)})
    for one, other in combinations(present, 2):
        if one not in poured_ul and other not in poured_ul:
            continue
        before = "".join(f" ({name} is there from before)" for name in (one, other) if name not in poured_ul)
        meeting = f"{one} and {other} would meet in the well{before}, and the lab file"
        if _is_listed(rules, one, other, "incompatible"):
            yield Finding("refused", f"{meeting} says that they are incompatible: leave one of them out")
        elif not _is_listed(rules, one, other, "compatible"):
            yield Finding(
                "needs approval",
                f"{meeting} lists the pair neither as compatible nor as incompatible: a person has to approve the "
                "trial, or list the pair under 'materials'",
            )


def _is_listed(rules: LabRules, one: str, other: str, key: Literal["compatible", "incompatible"]) -> bool:
    """Whether either of two materials lists the other."""
    for name, partner in ((one, other), (other, one)):
        spec = rules.materials.get(name)
        if spec is not None and partner in (spec.compatible if key == "compatible" else spec.incompatible):
            return True
    return False


def _room(poured_ul: Mapping[str, float], rules: LabRules, scene: Scene) -> Iterator[Finding]:
    if not poured_ul:
        return
    sample = scene.sample
    if sample is None:
        yield Finding(
            "needs approval",
            f"the trial pours {listed(poured_ul)} and takes no sample, so that nobody knows into what: a person has to "
            "approve it, or let the plan take a 'sample'",
        )
        return
    kind, where = rules.kind(sample.labware), f"well {sample.well} of {sample.labware}"
    if kind is None or kind.capacity_ul is None:
        missing = f"labware {sample.labware!r}" if kind is None else f"the 'capacity' of {kind.name}"
        yield Finding(
            "needs approval",
            f"nobody has said how much a well holds: a person has to approve the trial, or write {missing} "
            "under 'labware' in the lab file",
        )
        return
    room_ul = kind.capacity_ul - kind.freeboard_ul
    total_ul = math.fsum((*poured_ul.values(), *scene.well_ul.values()))
    if total_ul > room_ul + DUST_UL:
        of = f" ({kind.capacity_ul:g} uL less {kind.freeboard_ul:g} uL that stay empty)" if kind.freeboard_ul else ""
        yield Finding(
            "refused",
            f"{where} would hold {total_ul:g} uL, and {room_ul:g} uL are allowed{of}: "
            f"pour {total_ul - room_ul:.3g} uL less",
        )
