"""bluesky-adaptive's optimiser by Ax, made for a problem of ours.

Its parameters and metrics have names of ours (``x0``, ``m0``): Ax reads some names as code. Metrics are losses, so that
a target, which Ax does not have, is the distance from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
from ax.utils.common.logger import set_ax_logger_levels
from bluesky_adaptive.ax.optimizer import AxOptimizer

from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, Parameter, RangeParameter
from autolab.core.problem import Problem

__all__ = ["make"]

_CRITICAL = 50


def make(problem: Problem, seed: int) -> RenamedAx:
    """The optimiser, by the names of the problem."""
    return RenamedAx(problem, seed)


class RenamedAx:
    """`AxOptimizer` by the names of a problem."""

    def __init__(self, problem: Problem, seed: int) -> None:
        set_ax_logger_levels(_CRITICAL)
        self._problem = problem
        free = [p for p in problem.space.parameters if not isinstance(p, FixedParameter)]
        self._names = {parameter.name: f"x{at}" for at, parameter in enumerate(free)}
        bounds = [f"c{at} {each.relation} {each.bound!r}" for at, each in enumerate(problem.outcome_constraints)]
        losses = [f"-m{at}" for at in range(len(problem.objectives) if problem.seeks_front else 1)]
        tied = {name for constraint in problem.space.constraints for name in constraint.names}
        parameters = [_parameter(p, self._names[p.name], is_tied=p.name in tied) for p in free]
        self._floats = {
            p.name for p in parameters if isinstance(p, RangeParameterConfig) and p.parameter_type == "float"
        }
        self._optimizer = AxOptimizer(
            parameters,
            ", ".join(losses),
            self._constraints() or None,
            bounds or None,
            client_kwargs={"random_seed": seed},
        )

    def suggest(self, num_points: int | None = None) -> Sequence[Mapping[str, Any]]:
        suggested: Sequence[Mapping[str, Any]] = self._optimizer.suggest(num_points)
        return [{name: point[theirs] for name, theirs in self._names.items()} for point in suggested]

    def ingest(self, points: Sequence[Mapping[str, Any]]) -> None:
        self._optimizer.ingest([{**self._renamed(point), **self._outcome(point)} for point in points])

    def register_suggestions(self, suggestions: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        return self._optimizer.register_suggestions([self._renamed(each) for each in suggestions])

    def register_failures(self, suggestions: Sequence[Mapping[str, Any]]) -> None:
        """These were tried in vain; as `register_suggestions` gave them back."""
        self._optimizer.register_failures(suggestions)

    def _renamed(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of a point; Ax takes 52 for another kind of number than 52.0."""
        values = {theirs: point[name] for name, theirs in self._names.items()}
        return {name: float(value) if name in self._floats else value for name, value in values.items()}

    def _outcome(self, point: Mapping[str, Any]) -> dict[str, float]:
        problem = self._problem
        losses = [objective.loss(point[objective.metric]) for objective in problem.objectives]
        if not problem.seeks_front:
            losses = [sum((o.weight or 1.0) * loss for o, loss in zip(problem.objectives, losses, strict=True))]
        bounded = {f"c{at}": float(point[each.metric]) for at, each in enumerate(problem.outcome_constraints)}
        return {**{f"m{at}": float(loss) for at, loss in enumerate(losses)}, **bounded}

    def _constraints(self) -> list[str]:
        """The linear ones over free parameters, as Ax writes them."""
        fixed = {p.name: p.value for p in self._problem.space.parameters if isinstance(p, FixedParameter)}
        found: list[str] = []
        for constraint in self._problem.space.constraints:
            form = constraint.linear
            if form is None or not form.coefficients.keys() - fixed.keys():
                continue
            bound = form.bound - sum(w * float(fixed[n]) for n, w in form.coefficients.items() if n in fixed)
            terms = [f"{w!r} * {self._names[n]}" for n, w in form.coefficients.items() if n not in fixed]
            found.append(f"{' + '.join(terms)} {form.relation} {bound!r}")
        return found


def _parameter(parameter: Parameter, name: str, *, is_tied: bool) -> RangeParameterConfig | ChoiceParameterConfig:
    if isinstance(parameter, ChoiceParameter):
        kind = type(parameter.choices[0]).__name__
        values: Any = list(parameter.choices)
        wanted: Any = kind  # str, bool, int or float
        return ChoiceParameterConfig(name=name, values=values, parameter_type=wanted, is_ordered=parameter.ordered)
    if isinstance(parameter, FixedParameter):
        raise TypeError(f"{parameter.name} is fixed, and no parameter for Ax")
    is_log = isinstance(parameter, RangeParameter) and parameter.scale == "log" and not is_tied
    return RangeParameterConfig(
        name=name,
        bounds=(float(parameter.lower), float(parameter.upper)),
        parameter_type="int" if isinstance(parameter, IntegerParameter) and parameter.step == 1 else "float",
        scaling="log" if is_log else None,
    )
