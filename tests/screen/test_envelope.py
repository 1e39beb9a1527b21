"""A plan that would leave the envelope is refused, with message, signal, value and bound."""

from __future__ import annotations

from typing import Any

import bluesky.plan_stubs as bps
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.core.effects import Write
from autolab.core.envelope import RangeLimit
from autolab.core.errors import EnvelopeError
from autolab.core.traces import Trace
from autolab.screen.envelope import envelope_rule
from devices.dispensers import Dispense
from plans.conventions import act
from safety.envelope import check_write
from tests.screen.drybench import OPERATIONS, DryBench

BENCH = DryBench()


def to(bench: Any, signal: str, value: Any):
    part = bench[signal.partition(".")[0]]
    if signal.endswith("channel"):
        yield from act(part, Dispense(value, 10.0, OPERATIONS("pour")))
    elif "." in signal:
        yield from bps.abs_set(getattr(part, signal.partition(".")[2]), value)
    else:
        yield from bps.abs_set(part, value)


@pytest.mark.parametrize(
    ("signal", "value", "why"),
    [
        ("stage", 300.5, "message 1 of the plan: stage.position: refused to write 300.5 mm: the envelope allows 0 to"),
        ("stage", float("nan"), "stage.position: refused to write nan: it is not a finite number"),
        ("stage", float("inf"), "it is not a finite number"),
        ("stage", "5", "stage.position: refused to write '5': it is not a finite number"),
        ("stage", True, "it is not a finite number"),
        ("stage", [5.0], "it is not a finite number"),
        ("stage", None, "it is not a finite number"),
        ("stage.velocity", 0.5, "stage.velocity: refused to write 0.5 mm/s: the envelope allows 1 to 100 mm/s"),
        ("spectrometer.n_scans", 2.5, "it takes whole numbers only"),
        ("spectrometer.operation", "rm -rf", "it does not match the pattern"),
        ("spectrometer.operation", 5, "it does not match the pattern"),
        ("dispenser.channel", "mercury", "dispenser.channel: refused to write 'mercury': allowed are cyan, magenta"),
    ],
)  # fmt: skip
def test_what_is_outside_the_envelope_is_refused(signal: str, value: Any, why: str):
    verdict = BENCH.judge(to, signal=signal, value=value)
    assert verdict.decision == "refused"
    assert why in verdict.reasons[0]


def test_the_largest_step_counts_from_what_the_plan_has_written_before():
    limit = RangeLimit("stage.position", 0.0, 300.0, "mm", max_step=50.0)
    rule = envelope_rule({"stage.position": limit})
    stairs = (Write("stage.position", 60.0), Write("stage.position", 100.0), Write("stage.position", 10.0))
    findings = rule(Trace(stairs, (1, 2, 3), {"stage_position": 20.0}))
    assert [finding.reason[:21] for finding in findings] == ["message 3 of the plan"]
    assert "from 100 that is a step of 90 mm, and the envelope allows 50" in findings[0].reason
    assert "its present value is not known" in rule(Trace(stairs[:1], (1,), {}))[0].reason


def test_a_write_that_no_limit_is_declared_for_is_refused():
    findings = envelope_rule({})(Trace((Write("stage.position", 5.0),), (1,)))
    assert "declares no limit" in findings[0].reason


numbers = st.floats() | st.integers(-(10**6), 10**6) | st.booleans() | st.text(max_size=3)


@given(
    values=st.lists(numbers, max_size=6), start=st.none() | st.floats(0.0, 300.0), step=st.none() | st.floats(1, 300)
)
def test_the_rule_refuses_exactly_what_the_guard_would(values: list[Any], start: float | None, step: float | None):
    limit = RangeLimit("stage.position", 0.0, 300.0, "mm", max_step=step)
    effects = tuple(Write("stage.position", value) for value in values)
    known = {} if start is None else {"stage_position": start}
    findings = envelope_rule({"stage.position": limit})(Trace(effects, tuple(range(1, len(effects) + 1)), known))
    present: Any = start
    refused = []
    for number, value in enumerate(values, 1):
        try:
            check_write("stage.position", limit, value, present)
        except EnvelopeError:
            refused.append(number)
        present = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    assert [int(finding.reason.split()[1]) for finding in findings] == refused


@given(targets=st.lists(st.floats(-100.0, 400.0), min_size=1, max_size=8))
def test_a_plan_of_moves_is_allowed_exactly_where_each_of_them_is(targets: list[float]):
    def plan(bench: Any):
        for target in targets:
            yield from bps.mv(bench["stage"], target)

    verdict = BENCH.judge(plan)
    assert verdict.dry_run == "proved"
    assert (verdict.decision == "allowed") == all(0.0 <= target <= 300.0 for target in targets)
