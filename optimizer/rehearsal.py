"""The rehearsal: the first suggestion by a model is made once for nobody, while points of the initial design run.

In a fresh process it takes about a second longer than those after it: parts of the libraries are imported at their
first use. A rehearsal is the same work with outcomes that were made up. It changes no answer: engines keep nothing that
could, and none answers by its model while the rehearsal runs.
"""

from __future__ import annotations

import gc
import importlib
import threading
from contextlib import suppress
from dataclasses import replace

from autolab.core.proposing import Observation, SuggestRequest
from autolab.core.trials import Estimate, Outcome
from optimizer.design import design_point, initial_trials
from optimizer.engine import suggest
from optimizer.space import UnitSpace

__all__ = ["Rehearsal"]

AHEAD = 2
"""Trials before the end of the initial design at which the rehearsal begins. Not earlier: many a campaign never gets
there."""


class Rehearsal:
    """Imports what an engine needs at once, and rehearses its first suggestion when it is soon to come.

    Args:
        module: What the engine imports.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._turn = threading.Lock()
        self._is_due, self._is_over = True, False
        # What the design needs is imported first, so that the two threads never import parts of one package.
        importlib.import_module("scipy.stats.qmc")
        threading.Thread(target=_import, args=(module,), name="warm", daemon=True).start()

    def before(self, request: SuggestRequest) -> None:
        """Called before a suggestion is made: one by a model waits until the rehearsal is over, or there is none."""
        if not _is_designed(request):
            self.end()

    def after(self, request: SuggestRequest) -> None:
        """Called after a suggestion was made: begins the rehearsal where the initial design will soon be over."""
        is_soon = initial_trials(request.problem.space, request.engine) - request.trial <= AHEAD
        if self._is_due and is_soon and _is_designed(request):
            self._is_due = False
            threading.Thread(target=self._rehearse, args=(request,), name="rehearsal", daemon=True).start()

    def end(self) -> None:
        """No rehearsal begins after this, and none is under way."""
        with self._turn:
            self._is_over = True

    def _rehearse(self, request: SuggestRequest) -> None:
        importlib.import_module(self._module)
        with self._turn, suppress(Exception):  # what is wrong with the problem is said when a suggestion is wanted
            if not self._is_over:
                suggest(_made_up(request))


def _import(module: str) -> None:
    """Import a module without a look for garbage: imports leave little, and with Ax the looks took about a second.

    What it made stays, so that nobody looks for garbage in it later on either.
    """
    gc.disable()
    try:
        importlib.import_module(module)
    finally:
        gc.freeze()
        gc.enable()


def _is_designed(request: SuggestRequest) -> bool:
    """Whether a suggestion needs no model; where a hard constraint is kept, points of the design may need one too."""
    is_early = request.trial <= initial_trials(request.problem.space, request.engine)
    return is_early and not request.problem.hard_constraints


def _made_up(request: SuggestRequest) -> SuggestRequest:
    """The request for the first suggestion by a model, with outcomes that nobody has measured."""
    n, unit = initial_trials(request.problem.space, request.engine), UnitSpace(request.problem.space)

    def outcome(trial: int) -> Outcome:
        return {name: Estimate((0.618 * trial + 0.3 * k) % 1.0) for k, name in enumerate(request.problem.metrics)}

    observations = tuple(
        Observation(trial, design_point(unit, request.design_seed, trial - 1), outcome(trial))
        for trial in range(1, n + 1)
    )
    return replace(request, trial=n + 1, observations=observations, pending=())
