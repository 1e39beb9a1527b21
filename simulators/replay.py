"""The replay instrument: measurements from a table of real ones, behind the protocol of the arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autolab.core.errors import InputError
from autolab.core.operations import OperationId
from simulators.base import Settings, State
from simulators.operations import OperationsCore, Refusal
from simulators.replaytable import ReplayTable
from simulators.zmqloop import serve_messages

__all__ = ["Replay", "ReplayServer"]


class Replay:
    """Answers a measurement from the nearest measured condition: a `simulators.operations.Machine`.

    Which replicate answers is drawn by the seed of the operation id.

    Args:
        settings: What the simulator is told.
        table: The measurements.
        duration_s: Lab seconds of a measurement.
    """

    model = "AR-1"
    actions = frozenset({"measure"})

    def __init__(self, settings: Settings, table: ReplayTable, duration_s: float) -> None:
        self._settings, self._table, self._duration_s = settings, table, duration_s
        self._result: Mapping[str, Any] = {}

    def load(self, state: State) -> None:
        """Nothing but the record of operations is kept."""

    def answer(self, op: str, args: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 (no query takes any)
        if op != "table":
            raise Refusal("unknown_op", f"there is no operation {op!r}; the only query is table")
        kinds = {name: "text" if name in self._table.texts else "number" for name in self._table.parameters}
        return {
            "parameters": kinds,
            "metrics": list(self._table.metrics),
            "sha256": self._table.sha256,
            "rows": self._table.n_rows,
            "duration_s": self._duration_s,
        }

    def begin(self, operation: OperationId, op: str, args: Mapping[str, Any]) -> tuple[float, ...]:  # noqa: ARG002 (as the protocol of all message cores has it)
        values = args.get("values")
        if set(args) != {"values"} or not isinstance(values, dict):
            raise Refusal("bad_args", "measure needs the argument values, an object with a value for each parameter")
        try:
            nearest = self._table.nearest(values)
        except InputError as error:
            raise Refusal("bad_args", str(error)) from None
        seed = operation.noise_seed(self._settings.seed, self._settings.device)
        row = nearest.rows[int(np.random.default_rng(seed).integers(len(nearest.rows)))]
        self._result = {
            "metrics": self._table.metrics_of(row),
            "condition": dict(nearest.condition),
            "distance": nearest.distance,
            "row": row,
        }
        return (self._duration_s,)

    def reach(self, milestone: int) -> Mapping[str, Any]:  # noqa: ARG002 (there is only one)
        return self._result


class ReplayServer:
    """An instrument behind ZeroMQ whose measurements come from a table.

    Args:
        settings: What the simulator is told.
        table: Path of a CSV file with a header.
        metrics: Names of the columns that were measured.
        parameters: Names of the columns that were set; None for all others.
        duration_s: Lab seconds of a measurement.

    Raises:
        FileError: the table cannot be used, see `simulators.replaytable.ReplayTable.load`.
        InputError: no metric is named, or a duration below zero.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        table: str,
        metrics: Sequence[str],
        parameters: Sequence[str] | None = None,
        duration_s: float = 1.0,
    ) -> None:
        if not 0 <= duration_s < float("inf"):
            raise InputError(f"{settings.device}: duration_s must be a finite number of at least 0, not {duration_s!r}")
        self._settings = settings
        loaded = ReplayTable.load(Path(table), metrics=metrics, parameters=parameters)
        self.core = OperationsCore(settings, Replay(settings, loaded, duration_s))

    def serve(self, at: Mapping[str, Any]) -> None:
        """Serve behind a ROUTER socket, see `simulators.base.Simulator.serve`."""
        serve_messages(self.core, self._settings.clock, at, self._settings.power)
