"""The judgement of a trial's effects: on what it pours, where it moves, and how long things stand. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from autolab.core.effects import Effect, Pour
from safety.dwelling import judge_dwell, judge_zones
from safety.findings import Finding
from safety.mixing import judge_pours
from safety.scene import LabRules, Scene

__all__ = ["judge_effects"]


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
