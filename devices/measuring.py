"""Measuring instruments behind ZeroMQ: set values in, metrics out."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from bluesky.protocols import Status

from autolab.core.addresses import Address
from autolab.core.clock import Clock
from autolab.core.effects import Write
from autolab.core.envelope import RangeLimit
from autolab.core.errors import (
    DeviceError,
    DeviceTimeoutError,
    EnvelopeError,
    InputError,
    NotConnectedError,
    WireError,
)
from autolab.core.operations import OperationId
from autolab.core.parameters import Value
from autolab.core.phases import Settlement
from devices.base import Identity, WritableSignal
from devices.completion import Work
from devices.foresight import Foreseen, known_number, lapse
from devices.instrument import Instrument, describe_number
from devices.messages import Reply
from devices.operating import OperatingClient
from safety.guard import Guard

__all__ = ["Measure", "ZmqInstrument"]

MODEL = "AR-1"
"""The instrument that speaks this protocol."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Measure at a condition."""

    values: Mapping[str, Value]
    """A value for each of the instrument's parameters, numbers in its own units."""
    operation: OperationId


class ZmqInstrument(Instrument):
    """An instrument that measures its metrics at given values of its parameters, as
    docs/reference/replay-protocol.md describes it.

    Args:
        name: Name of the device.
        at: A ZeroMQ address, or a core in memory.
        clock: Lab time.
        guard: The limits of its parameters.
        parameters: Unit of each parameter; None for one that takes texts.
        metrics: Unit of each metric.
    """

    writable_signals: ClassVar[tuple[WritableSignal, ...]] = ()
    """None known to the class: see `writable_signals_for`."""

    @classmethod
    def writable_signals_for(
        cls,
        parameters: Mapping[str, str | None],
        metrics: Mapping[str, str] | None = None,  # noqa: ARG003 (an option too)
    ) -> tuple[WritableSignal, ...]:
        """The signals that a device with these options can write: one for each parameter."""
        return tuple(WritableSignal(name, unit) for name, unit in parameters.items())

    def __init__(
        self,
        *,
        name: str,
        at: Address,
        clock: Clock,
        guard: Guard,
        parameters: Mapping[str, str | None],
        metrics: Mapping[str, str],
    ) -> None:
        super().__init__(name=name, at=at, clock=clock, guard=guard)
        self._client = OperatingClient(at, clock, name, self._permit)
        self._parameters, self._metrics = dict(parameters), dict(metrics)
        self._duration_s = 0.0
        self._table = ""
        self._measured: Mapping[str, float] | None = None

    def connect(self, timeout_s: float) -> Identity:
        """Open the link, ask who is there and what it measures, see `devices.base.AutolabDevice`."""
        identity = self._client.connect(MODEL, timeout_s)
        try:
            self._learn(self._client.ask("table"))
        except DeviceError:
            self._client.close()
            raise
        self._identity = identity
        return identity

    def claim(self, key: str, by: str) -> None:
        """Let nobody else act, see `devices.base.Claimable`."""
        self._client.claim(key, by)

    def release(self) -> None:
        """Let others act again. Idempotent."""
        self._client.release()

    def disconnect(self) -> None:
        """Let go of the link. Idempotent."""
        self._identity = None
        self._client.close()

    def counters(self) -> Mapping[str, int]:
        """The instrument's own count of operations, read now."""
        return {"operations": self._client.counter()}

    def reconcile(self, operation: OperationId, counted: int | None) -> Settlement:
        """Say what became of an action, see `devices.reconciling.Reconcilable`."""
        return self._client.reconcile(self.name, operation, counted)

    def recall(self, operation: OperationId) -> None:
        """Take the metrics of a measurement that was done, see `devices.reconciling.Recallable`."""
        known = self._client.known(operation)
        result = known.get("result")
        if known["state"] != "done" or not isinstance(result, dict):
            raise DeviceError(f"{self.name}: the instrument does not know the result of {operation}: {dict(known)}")
        self._take(operation, result)

    def set(self, action: Measure) -> Status:
        """Measure, exactly once for each operation id.

        Returns:
            A status that finishes when the instrument has given every metric as a finite number.

        Raises:
            EnvelopeError: the guard refuses; nothing was sent.
            InputError: the action is not ours, or does not give every parameter a value.
            NotConnectedError: the device was not connected.
        """
        self._check(action)
        self._require_connected()
        return self._follow(self._work(action), self._duration_s, "measurement")

    def foresee(self, action: Measure, known: Mapping[str, Any]) -> Foreseen:
        """Say what `set` would do, see `devices.foresight`: nobody knows what it measures."""
        self._require_whole(action)
        writes = tuple(Write(f"{self.name}.{parameter}", value) for parameter, value in action.values.items())
        measured = frozenset(f"{self.name}_{metric}" for metric in (*self._metrics, "distance"))
        return Foreseen((*writes, *lapse(known_number(known, f"{self.name}_duration_s"))), unknown=measured)

    def exercise(self, operation: OperationId, level: float) -> Measure:
        """A measurement for the conformance kit, see `devices.conformance`."""
        values: dict[str, Value] = {}
        for name in self._parameters:
            limit = self._guard.limit(name)
            if isinstance(limit, RangeLimit):
                values[name] = limit.lower + level * (limit.upper - limit.lower)
            else:
                allowed = () if limit is None else limit.values or ()
                values[name] = "outside" if level > 1 or not allowed else allowed[0]
        return Measure(values, operation)

    def facts(self) -> Mapping[str, Any]:
        """How long a measurement takes, in lab seconds."""
        return {f"{self.name}_duration_s": self._duration_s}

    def stop(self, *, success: bool = False) -> None:  # noqa: ARG002 (Bluesky's signature; a stop is a stop)
        """Stop at once; the measurement's status fails."""
        if self.connected:
            self._client.ask("stop")

    @property
    def hints(self) -> dict[str, Any]:
        """What is worth showing."""
        return {"fields": [f"{self.name}_{metric}" for metric in self._metrics]}

    def _values(self) -> Mapping[str, Any]:
        if self._measured is None:
            raise DeviceError(f"{self.name}: nothing has been measured: give it a Measure first")
        return self._measured

    def _keys(self) -> Mapping[str, dict[str, Any]]:
        source = str(self._at)
        metrics = {metric: describe_number(source, unit) for metric, unit in self._metrics.items()}
        return {**metrics, "distance": describe_number(source, "")}

    def _configuration(self) -> Mapping[str, str | bool]:
        return {**super()._configuration(), "table": self._table, "metrics": ",".join(self._metrics)}

    def _check(self, action: Measure) -> None:
        self._require_whole(action)
        self._permit("measure", {"values": action.values})

    def _require_whole(self, action: Measure) -> None:
        if not isinstance(action, Measure):
            raise InputError(f"{self.name}: takes a Measure, not {action!r}")
        if set(action.values) != set(self._parameters):
            raise InputError(
                f"{self.name}: needs a value for each of {_names(self._parameters)}, and got {_names(action.values)}"
            )

    def _permit(self, op: str, args: Mapping[str, Any]) -> None:
        """Refuse an operation that leaves the envelope, as it goes out: the lowest write of this device."""
        if op == "table":
            return
        values = args.get("values")
        if op != "measure" or not isinstance(values, Mapping):
            raise EnvelopeError(f"{self.name}: refused to send {op!r}: it is no operation of this device")
        for name, value in values.items():
            self._guard.check(name, value)

    def _learn(self, table: Mapping[str, Any]) -> None:
        """Take what the instrument says of its table, which must have what the lab file names."""
        try:
            parameters, metrics = set(table["parameters"]), set(table["metrics"])
            self._table, self._duration_s = str(table["sha256"]), float(table["duration_s"])
        except (KeyError, TypeError, ValueError) as error:
            raise WireError(f"{self.name}: its table is not whole ({error}): {dict(table)}") from error
        if parameters != set(self._parameters) or not set(self._metrics) <= metrics:
            raise NotConnectedError(
                f"{self.name} ({self._at}): the lab file names the parameters {_names(self._parameters)} and the "
                f"metrics {_names(self._metrics)}, and this instrument has the parameters "
                f"{_names(table['parameters'])} and the metrics {_names(table['metrics'])}"
            )

    def _write(self, action: Measure) -> Reply:
        """Send an action; the guard sees it first, and once more in `_permit` what goes out."""
        self._check(action)
        return self._client.act(action.operation, "measure", values=dict(action.values))

    def _work(self, action: Measure) -> Work:
        self._measured = None
        try:
            ended = yield from self._client.run(action.operation, self._duration_s, lambda: self._write(action))
        except DeviceTimeoutError:
            with contextlib.suppress(DeviceError):  # it does not answer: what is raised says so
                self.stop()
            raise
        self._take(action.operation, ended.result)

    def _take(self, operation: OperationId, result: Mapping[str, Any]) -> None:
        measured = result.get("metrics")
        measured = measured if isinstance(measured, dict) else {}
        numbers = {metric: measured.get(metric) for metric in self._metrics}
        numbers["distance"] = result.get("distance")
        for key, number in numbers.items():
            if not isinstance(number, int | float) or not math.isfinite(number):
                raise WireError(f"{self.name}: {operation} gave {number!r} for {key}, which is no finite number")
        self._measured = {key: float(number) for key, number in numbers.items() if number is not None}


def _names(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
