"""The envelope, judged on a trace: what a plan would write, before it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autolab.core.effects import Write
from autolab.core.envelope import Limit, RangeLimit
from autolab.core.errors import EnvelopeError
from autolab.core.traces import Finding, Rule, Trace
from safety.envelope import check_write
from safety.foreign import WHOLE_DEVICE

__all__ = ["envelope_rule"]


def envelope_rule(limits: Mapping[str, Limit]) -> Rule:
    """The rule that all writes stay inside the envelope: range, allowed values, pattern, largest step.

    A largest rate is left to the guard: how fast a plan goes is not known before it runs.

    Args:
        limits: Limit by ``device.signal``, in the unit that the device takes.
    """

    def judge(trace: Trace) -> Sequence[Finding]:
        written: dict[str, Any] = {}
        findings: list[Finding] = []
        for number, effect in zip(trace.messages, trace.effects, strict=True):
            if not isinstance(effect, Write):
                continue
            limit = limits.get(effect.signal)
            present = written.get(effect.signal, _present(effect.signal, trace)) if _has_step(limit) else None
            try:
                check_write(effect.signal, limit, effect.value, present)
            except EnvelopeError as error:
                findings.append(Finding("refused", f"message {number} of the plan: {error}"))
            written[effect.signal] = _number(effect.value)
        return findings

    return judge


def _has_step(limit: Limit | None) -> bool:
    return isinstance(limit, RangeLimit) and limit.max_step is not None


def _present(signal: str, trace: Trace) -> float | None:
    """What a signal is when the plan begins; that of a whole device is read under the device's own name."""
    return _number(trace.start.get(signal.replace(".", "_"), trace.start.get(signal.removesuffix(f".{WHOLE_DEVICE}"))))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
