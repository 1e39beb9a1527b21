"""The gate around a process variable: whatever way leads to its put, the check is asked first, and a refusal is one.

The process variable here keeps its value in memory; `test_foreign` and the bypass matrix do the same with real ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from autolab.core.errors import EnvelopeError
from safety.gate import PvGate, only_read

WAYS: dict[str, Callable[[Any, float], object]] = {
    "put": lambda pv, value: pv.put(value),
    "value": lambda pv, value: setattr(pv, "value", value),
    "setval": lambda pv, value: pv.__setval__(value),
}
"""How pyepics and ophyd write."""


class Variable:
    """A process variable in memory."""

    def __init__(self) -> None:
        self.value = 0.0
        self.timeout = 1.0
        self.put_with: tuple[Any, ...] = ()

    def put(self, value: float, *args: Any, **options: Any) -> str:
        self.value = value
        self.put_with = (*args, options)
        return "done"


def below(limit: float) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        if value >= limit:
            raise EnvelopeError(f"refused to write {value}")

    return check


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_write_asks_first_and_then_writes(way: str):
    pv = Variable()
    gate = PvGate(pv, below(10.0))
    WAYS[way](gate, 9.0)
    assert pv.value == 9.0
    with pytest.raises(EnvelopeError, match="refused to write 11"):
        WAYS[way](gate, 11.0)
    assert pv.value == 9.0


@pytest.mark.parametrize("way", WAYS)
def test_of_a_gate_around_a_gate_both_are_asked(way: str):
    for inner, outer in ((5.0, 10.0), (10.0, 5.0)):
        pv = Variable()
        gate = PvGate(PvGate(pv, below(inner)), below(outer))
        with pytest.raises(EnvelopeError):
            WAYS[way](gate, 7.0)
        assert pv.value == 0.0


def test_what_goes_with_a_put_and_what_comes_back_pass_the_gate():
    pv = Variable()
    assert PvGate(pv, below(10.0)).put(1.0, "now", wait=True) == "done"
    assert pv.put_with == ("now", {"wait": True})


def test_all_else_is_read_from_and_set_on_the_process_variable_itself():
    pv = Variable()
    gate = PvGate(pv, below(10.0))
    gate.timeout = 99.0
    assert (pv.timeout, gate.timeout, gate.value) == (99.0, 99.0, 0.0)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_written_to_what_is_only_read(way: str):
    pv = Variable()
    with pytest.raises(EnvelopeError) as refusal:
        WAYS[way](PvGate(pv, only_read("stage.readback")), 3.0)
    assert str(refusal.value) == "stage.readback: refused to write 3.0: its process variable is only read here"
    assert pv.value == 0.0
