"""What a dispenser really delivers stays within what ISO 8655-2 permits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.physics.dispensing import SYSTEMATIC_LIMIT, channel_bias, deliver, random_error_ul

SEEDS = st.integers(0, 2**63 - 1)


@given(st.floats(0.0, 1000.0), st.floats(-0.004, 0.004), SEEDS)
def test_no_liquid_is_made_or_lost(volume_ul: float, bias: float, seed: int) -> None:
    delivery = deliver(volume_ul, bias, seed)
    assert min(delivery.from_reservoir_ul, delivery.into_well_ul, delivery.residual_ul) >= 0.0
    assert delivery.from_reservoir_ul == pytest.approx(delivery.into_well_ul + delivery.residual_ul)


@given(st.floats(0.1, 1000.0), SEEDS)
def test_the_same_seed_delivers_the_same(volume_ul: float, seed: int) -> None:
    assert deliver(volume_ul, 0.0, seed) == deliver(volume_ul, 0.0, seed)


@given(SEEDS)
def test_a_channel_is_as_true_as_the_standard_asks(seed: int) -> None:
    assert abs(channel_bias(seed)) <= SYSTEMATIC_LIMIT


@pytest.mark.parametrize(("volume_ul", "cv"), [(10.0, 0.0086), (100.0, 0.0031), (1000.0, 0.0030)])
def test_the_scatter_is_that_of_the_standard(volume_ul: float, cv: float) -> None:
    delivered = np.array([deliver(volume_ul, 0.0, seed).from_reservoir_ul for seed in range(4000)])
    assert delivered.std() / volume_ul == pytest.approx(cv, rel=0.05)
    assert random_error_ul(volume_ul) / volume_ul == pytest.approx(cv, rel=0.02)
