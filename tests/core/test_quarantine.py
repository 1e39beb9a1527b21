"""A region in quarantine is a box around the trial that failed there."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, RangeParameter
from autolab.core.problem import Space
from autolab.core.quarantine import Quarantine

SPACE = Space(
    (
        RangeParameter("volume", 0.0, 200.0),
        RangeParameter("time", 1.0, 100.0, scale="log"),
        IntegerParameter("cycles", 0, 20),
        ChoiceParameter("size", ("S", "M", "L"), ordered=True),
        ChoiceParameter("solvent", ("water", "ethanol")),
        FixedParameter("mode", "slow"),
    )
)
CENTRE = {"volume": 100.0, "time": 10.0, "cycles": 10, "size": "M", "solvent": "water", "mode": "slow"}


@given(
    region=st.floats(0.01, 1.0),
    volume=st.floats(0.0, 200.0),
    time=st.floats(1.0, 100.0),
    cycles=st.integers(0, 20),
    size=st.sampled_from(["S", "M", "L"]),
    solvent=st.sampled_from(["water", "ethanol"]),
)
def test_it_holds_what_is_near_in_every_parameter(
    region: float, volume: float, time: float, cycles: int, size: str, solvent: str
):
    values = {"volume": volume, "time": time, "cycles": cycles, "size": size, "solvent": solvent, "mode": "slow"}
    distances = [
        abs(volume - 100.0) / 200.0, abs(math.log10(time) - 1.0) / 2.0, abs(cycles - 10) / 20,
        0.0 if size == "M" else 0.5, 0.0 if solvent == "water" else math.inf,
    ]  # fmt: skip
    if any(abs(distance - region) < 1e-6 for distance in distances):
        return  # on the edge
    assert Quarantine(3, CENTRE, region).holds(values, SPACE) is all(distance < region for distance in distances)


def test_its_edge_belongs_to_it_also_after_rounding():
    quarantine = Quarantine(3, CENTRE, 0.1)
    assert quarantine.holds({**CENTRE, "volume": 100.0 + 0.1 * 200.0}, SPACE)
    assert quarantine.holds({**CENTRE, "volume": 120.00000000000003}, SPACE)
    assert not quarantine.holds({**CENTRE, "volume": 120.001}, SPACE)
