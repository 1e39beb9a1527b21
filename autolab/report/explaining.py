"""What an explanation says, in words: for the history of a trial, and for the report."""

from __future__ import annotations

from autolab.core.explanations import Explanation
from autolab.core.problem import Problem
from autolab.report.numbers import estimate_text, number_text, with_unit

__all__ = ["explanation_lines"]


def explanation_lines(problem: Problem, explanation: Explanation | None) -> list[str]:
    """One sentence for each thing that is known; none where there is no explanation."""
    if explanation is None:
        return []
    lines = [_prediction(problem, explanation)] if explanation.silent is None else []
    lines += [f"chance to keep {each.constraint}: {100 * each.probability:.3g} %" for each in explanation.odds]
    if explanation.success is not None:
        lines.append(f"probability of success, by where trials failed: {100 * explanation.success:.3g} %")
    if explanation.gain is not None:
        lines.append(_gain(problem, explanation.gain, explanation.exploration))
    for doubt in explanation.doubted:
        unit = problem.unit_of(doubt.metric)
        predicted, measured = estimate_text(doubt.mean, doubt.sd), with_unit(number_text(doubt.measured), unit)
        lines.append(
            f"trial {doubt.trial} counted for little: {doubt.metric} {measured}, and the others predict "
            f"{with_unit(predicted, unit)}; repeat it ('autolab repeat'), or correct what was misread"
        )
    if explanation.silent is not None:
        lines.append(f"nothing is predicted: {explanation.silent}")
    if explanation.cost is not None and problem.costs is not None:
        paid = (
            f", of which {number_text(explanation.cost_of_changes)} for changes" if explanation.cost_of_changes else ""
        )
        lines.append(f"predicted cost: {number_text(explanation.cost)} {problem.costs.unit}{paid}")
    if explanation.nearest:
        near = ", ".join(f"trial {each.trial} at {each.distance:.3f}" for each in explanation.nearest)
        lines.append(f"nearest trials, in fractions of the ranges: {near}")
    if explanation.left:
        lines.append(f"what is left in stock allowed only: {'; '.join(explanation.left)}")
    if explanation.active:
        lines.append(f"it lies on: {'; '.join(explanation.active)}")
    return lines


def _prediction(problem: Problem, explanation: Explanation) -> str:
    parts: list[str] = []
    for each in explanation.predictions:
        noise = "" if each.noise is None else f", noise {number_text(each.noise)}"
        # What is not among the metrics is the distance from the target, in which Ax takes such an objective.
        unit = problem.unit_of(each.metric) if each.metric in problem.metrics else problem.objective.unit
        parts.append(f"{each.metric} {with_unit(estimate_text(each.mean, each.sd), unit)} (one sd{noise})")
    return f"expected: {'; '.join(parts)}"


def _gain(problem: Problem, gain: float, exploration: float | None) -> str:
    what = "hypervolume" if problem.seeks_front else "the best trial"
    unit = "" if problem.seeks_front else problem.ranking.unit
    share = "" if exploration is None else f", {100 * exploration:.0f} % of it exploration"
    return f"expected gain over {what}: {with_unit(number_text(gain), unit)}{share}"
