"""Learning from earlier data, and leaving them where they mislead.

Earlier data enter a model as outcomes beside the campaign's own. They may have been measured with another offset and
scale: a model of them predicts the campaign's own trials, and offset and factor are those that bring the mean and the
standard deviation of its predictions to those of the campaign's own outcomes; standard errors take the factor. No
earlier outcome is what a suggestion has to be better than.

Whether they help is judged before each suggestion by what the campaign has measured itself, as in the ranking-weighted
ensembles of [Feurer2018rgpe]_: pairs of its own trials are put in order by the model of the earlier data, which has
not seen them, and by the campaign's own model, which predicts each from the others. The rank agreement (Kendall's tau)
of both with what was measured is compared, for each metric. Earlier data that order the trials hardly better than by
chance mislead, and those that order them worse than the campaign's own model are of no more use: both are left out.

.. [Feurer2018rgpe] M. Feurer, B. Letham, E. Bakshy, Scalable meta-learning for Bayesian optimization using
   ranking-weighted Gaussian process ensembles, ICML AutoML workshop 2018.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autolab.core.earlier import Earlier
from autolab.core.proposing import Observation
from autolab.core.trials import Estimate
from optimizer.cholesky import inverse_of_factor
from optimizer.evidence import Evidence
from optimizer.lean_learner import model_of
from optimizer.lean_model import LeanModel
from optimizer.learner import Loan, NumericalFailureError
from optimizer.space import Points

__all__ = ["borrow", "rank_agreement"]

FEWEST = 4
"""Own outcomes from which earlier data are judged, and used."""
LEAST_AGREEMENT = 0.2
"""Rank agreement below which earlier data mislead."""
MOST = 100
"""Earlier outcomes of one source that enter a model: the rest of a long table is thinned evenly."""


def borrow(evidence: Evidence) -> Loan:
    """``evidence`` with the outcomes of those earlier sources that help, mapped to its own offset and scale.

    Raises:
        NumericalFailureError: The numerics gave up on the campaign's own outcomes.
    """
    rows: list[Observation] = []
    said: list[str] = []
    for source in evidence.problem.earlier:
        found, verdict = _judged(evidence, source)
        rows += found
        said.append(verdict)
    borrowed = tuple(replace(row, trial=at - len(rows)) for at, row in enumerate(rows))
    return Loan(replace(evidence, borrowed=borrowed), "".join(f"; {words}" for words in said))


def _judged(evidence: Evidence, source: Earlier) -> tuple[list[Observation], str]:
    """The outcomes of ``source``, mapped; none where they do not help. And why."""
    if evidence.n < FEWEST:
        return [], f"without {source.name} yet, since {evidence.n} outcomes cannot judge it"
    earlier = _evidence_of(evidence, source)
    if earlier.n < FEWEST:
        return [], f"without {source.name}, which has {earlier.n} outcomes inside the bounds"
    mapped: dict[str, list[Estimate]] = {}
    agreements: list[float] = []
    for metric in evidence.outputs:
        values, theirs = evidence.values(metric), earlier.values(metric)
        try:
            guess = model_of(earlier, metric, theirs).predict(evidence.points)[0]
        except NumericalFailureError as error:
            return [], f"without {source.name}, since {error}"
        agreement, own = rank_agreement(guess, values), rank_agreement(_left_out(evidence, metric, values), values)
        over = f"{agreement:.2f} over {evidence.n} outcomes"
        if agreement < LEAST_AGREEMENT or not guess.std() > 0.0:
            return [], f"without {source.name}, which misleads: its rank agreement in {metric} is {over}"
        if agreement < own:
            return [], f"without {source.name}, since the campaign itself ranks {metric} better ({own:.2f} to {over})"
        factor = float(values.std() / guess.std())
        moved = values.mean() + (theirs - guess.mean()) * factor
        sems = [outcome[metric].sem for _, outcome in earlier.usable]
        mapped[metric] = [_scaled(float(y), sem, factor) for y, sem in zip(moved, sems, strict=True)]
        agreements.append(agreement)
    kept = [
        Observation(0, seen.values, {metric: column[at] for metric, column in mapped.items()})
        for at, (seen, _) in enumerate(earlier.usable)
    ]
    return kept, f"with {len(kept)} outcomes of {source.name} (rank agreement {min(agreements):.2f})"


def _scaled(value: float, sem: float | None, factor: float) -> Estimate:
    return Estimate(value, None if sem is None else factor * sem)


def _evidence_of(evidence: Evidence, source: Earlier) -> Evidence:
    trials = list(source.trials())
    chosen = np.unique(np.linspace(0, len(trials) - 1, min(len(trials), MOST)).round().astype(int)) if trials else []
    seen = [Observation(number, *trials[at]) for number, at in enumerate(chosen, start=1)]
    return Evidence(evidence.problem, tuple(seen), ())


def _left_out(evidence: Evidence, metric: str, values: Points) -> Points:
    """Each of ``values``, shape ``(n,)``, as the others predict it: equation 5.12 of [Rasmussen2006gaussian]_.

    .. [Rasmussen2006gaussian] C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning, 2006.
    """
    model: LeanModel = model_of(evidence, metric, values)
    root = inverse_of_factor(model.lower)
    return model.y - model.alpha / np.einsum("ij,ij->j", root, root)


def rank_agreement(left: Points, right: Points) -> float:
    """Kendall's tau of two rows of shape ``(n,)``: 1 where all pairs are in the same order, -1 where none is."""
    pairs = np.triu_indices(len(left), 1)
    signs = [np.sign(np.subtract.outer(row, row)[pairs]) for row in (left, right)]
    return float((signs[0] * signs[1]).mean())
