"""What the numerical libraries need from us: one thread, one seed, and names for the ways in which they give up."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from botorch.exceptions.errors import CandidateGenerationError, ModelFittingError, OptimizationGradientError
from linear_operator.utils.errors import NanError, NotPSDError

__all__ = ["NUMERICAL_ERRORS", "seeded", "single_thread"]

NUMERICAL_ERRORS = (
    ModelFittingError,
    NanError,
    NotPSDError,
    OptimizationGradientError,
    CandidateGenerationError,
    torch.linalg.LinAlgError,  # pyright: ignore[reportPrivateImportUsage] (documented under this name)
)
"""Numerical failures that evidence can cause. Anything else is a defect, and is not caught."""


@contextmanager
def single_thread() -> Iterator[None]:
    """One thread for torch: sums are then made in one order, and two threads gain nothing at this size.

    The libraries' warnings about inputs and fits are for their authors' debugging; failures are errors.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draws of torch, numpy and random come from ``seed`` inside; their states are put back afterwards."""
    states = torch.random.get_rng_state(), np.random.get_state(), random.getstate()
    torch.manual_seed(seed % 2**63)
    np.random.seed(seed % 2**32)
    random.seed(seed)
    try:
        yield
    finally:
        torch.random.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])
