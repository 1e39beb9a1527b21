"""Projection onto constraints: the smallest move of the continuous parameters that restores them.

Gauss–Newton on the violated constraints, with the minimum-norm step ``J⁺ r`` [Nocedal2006numerical]_ (section 10.3);
derivatives by central differences, since the constraints are short arithmetic expressions.

.. [Nocedal2006numerical] J. Nocedal, S. Wright, Numerical Optimization, 2nd edition, Springer, 2006.
"""

from __future__ import annotations

import numpy as np

from optimizer.space import Points, UnitSpace

__all__ = ["project"]

_STEPS = 30
_DIFFERENCE = 1e-6
_INSIDE = 1e-12
"""Inequalities are aimed at this little (in unit coordinates' scale) inside their bound."""


def project(unit: UnitSpace, point: Points) -> Points:
    """Move ``point`` (shape ``(d,)``) onto the constraints that it violates, grid parameters kept where they are.

    Grid parameters are first put on their grids. Where there is no continuous parameter to move, or the constraints
    cannot be met nearby, the result still violates them: the caller looks.
    """
    point = unit.encode(unit.decode(point))
    free = np.array([dimension.size is None for dimension in unit.dimensions])
    if not free.any():
        return point
    for _ in range(_STEPS):
        residuals, jacobian = _violated(unit, point)
        if residuals.size == 0:
            break
        step = _step(point, residuals, jacobian, free)
        if not step.any():
            break
        point = np.clip(point + step, 0.0, 1.0)
    return point


def _step(point: Points, residuals: Points, jacobian: Points, free: np.ndarray) -> Points:
    """The smallest step that restores the constraints to first order and does not press against the cube's faces."""
    movable = free.copy()
    while movable.any():
        step = np.zeros(len(point))
        step[movable] = -np.linalg.lstsq(jacobian[:, movable], residuals, rcond=None)[0]
        stuck = movable & (((point <= 0.0) & (step < 0.0)) | ((point >= 1.0) & (step > 0.0)))
        if not stuck.any():
            return step
        movable &= ~stuck
    return np.zeros(len(point))


def _violated(unit: UnitSpace, point: Points) -> tuple[Points, Points]:
    """Residuals of the violated constraints, shape ``(m,)``, and their derivatives, shape ``(m, d)``."""
    shifts = _DIFFERENCE * np.eye(unit.d)
    stencil = np.vstack([point, point + shifts, point - shifts])
    columns = unit.columns(stencil)
    residuals: list[float] = []
    rows: list[Points] = []
    with np.errstate(all="ignore"):
        for constraint in unit.constraints:
            excess = np.broadcast_to(np.asarray(constraint.excess(columns), dtype=float), (len(stencil),))
            gradient = (excess[1 : unit.d + 1] - excess[unit.d + 1 :]) / (2 * _DIFFERENCE)
            scale = float(np.abs(gradient).max())
            residual = float(excess[0])
            if not np.isfinite(residual) or not np.isfinite(scale) or scale == 0.0:
                continue
            is_off = residual != 0.0 if constraint.relation == "==" else residual > 0.0
            if is_off:
                residuals.append(residual / scale + (0.0 if constraint.relation == "==" else _INSIDE))
                rows.append(gradient / scale)
    return np.array(residuals), np.array(rows).reshape(len(rows), unit.d)
