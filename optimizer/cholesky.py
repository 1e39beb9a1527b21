"""Cholesky factors and what is made of them, by LAPACK itself: scipy's wrappers cost as much as a small solve."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import get_lapack_funcs

from optimizer.learner import NumericalFailureError
from optimizer.space import Points

__all__ = ["factor", "half_inverse", "inverse_of_factor", "solve", "whiten"]

_functions: tuple[Any, ...] = tuple(get_lapack_funcs(("potrf", "potrs", "potri", "trtri", "trtrs"), dtype=np.float64))
_potrf, _potrs, _potri, _trtri, _trtrs = _functions


def factor(matrix: Points) -> Points:
    """Lower Cholesky factor ``L`` of ``L L'``; its upper triangle is zero. Shape ``(n, n)``.

    Raises:
        NumericalFailureError: The matrix is not positive definite.
    """
    lower, info = _potrf(matrix, lower=1, clean=1)
    if info != 0:
        raise NumericalFailureError(f"a covariance of {len(matrix)} values is not positive definite")
    return lower


def solve(lower: Points, right: Points) -> Points:
    """``(L L')^-1 right``. Shape of ``right``, ``(n, m)``."""
    return _potrs(lower, right, lower=1)[0]


def half_inverse(lower: Points) -> Points:
    """``H`` with ``H + H' = (L L')^-1``: its lower triangle, the diagonal halved. Shape ``(n, n)``."""
    half = _potri(lower, lower=1)[0]  # LAPACK leaves the upper triangle as it is, which is zero
    half[np.diag_indices(len(half))] *= 0.5
    return half


def whiten(lower: Points, right: Points) -> Points:
    """``L^-1 right``. Shape of ``right``, ``(n, m)``."""
    return _trtrs(lower, right, lower=1)[0]


def inverse_of_factor(lower: Points) -> Points:
    """``L^-1``. Shape ``(n, n)``."""
    return _trtri(lower, lower=1)[0]
