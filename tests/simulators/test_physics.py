"""The physics of the bench: what the formulae promise, for any numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.bench import NOZZLE_HEAD_MM, PITCH_MM, PROBE_HEAD_MM, TOLERANCE_MM, WELLS, well_position, well_under
from simulators.physics.motion import Profile
from simulators.physics.spectra import (
    DYES,
    Optics,
    baseline_drift,
    mixture_absorbance,
    noise_free_absorbance,
    scan,
    segregation,
    wavelengths_nm,
)

POSITIONS = st.floats(0.0, 300.0)
NM = wavelengths_nm()
VOLUMES = st.dictionaries(st.sampled_from(sorted(DYES)), st.floats(0.1, 300.0), min_size=1)


@given(POSITIONS, POSITIONS, st.floats(0.1, 200.0), st.floats(1.0, 5000.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_move_goes_one_way_from_end_to_end_within_its_velocity(
    start: float, end: float, velocity: float, acceleration: float, early: float, late: float
) -> None:
    move = Profile(start, end, velocity, acceleration)
    first, second = sorted((early * move.duration_s, late * move.duration_s))
    assert move.position_mm(-1.0) == start
    assert move.position_mm(move.duration_s) == end
    way = (move.position_mm(second) - move.position_mm(first)) * math.copysign(1.0, end - start)
    assert -1e-6 <= way <= velocity * (second - first) + 1e-6
    assert move.duration_s >= move.distance_mm / velocity - 1e-9


def test_a_long_and_a_short_move_take_the_time_of_the_textbook() -> None:
    assert Profile(0.0, 100.0, 50.0, 500.0).duration_s == pytest.approx(100 / 50 + 50 / 500)
    assert Profile(3.0, 1.0, 50.0, 500.0).duration_s == pytest.approx(2 * math.sqrt(2 / 500))
    assert Profile(3.0, 3.0, 50.0, 500.0).duration_s == 0.0


@pytest.mark.parametrize("numbers", [(0, math.nan, 1, 1), (0, 1, 0, 1), (0, 1, 1, -1), (0, math.inf, 1, 1)])
def test_a_profile_of_impossible_numbers_is_refused(numbers: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"finite|above zero"):
        Profile(*numbers)


@given(st.integers(0, WELLS - 1), st.sampled_from([NOZZLE_HEAD_MM, PROBE_HEAD_MM]), st.floats(-4.4, 4.4))
def test_a_head_reaches_a_well_only_within_the_tolerance(well: int, head: float, off: float) -> None:
    found = well_under(well_position(well, head) + off, head)
    assert found == (well if abs(off) <= TOLERANCE_MM else None) or abs(abs(off) - TOLERANCE_MM) < 1e-9


@pytest.mark.parametrize("position", [math.nan, math.inf, NOZZLE_HEAD_MM - PITCH_MM, NOZZLE_HEAD_MM + WELLS * PITCH_MM])
def test_beside_the_strip_there_is_no_well(position: float) -> None:
    assert well_under(position, NOZZLE_HEAD_MM) is None


@given(VOLUMES, st.floats(0.1, 10.0))
def test_absorbance_depends_on_fractions_and_not_on_the_total(volumes: dict[str, float], factor: float) -> None:
    scaled = {material: volume * factor for material, volume in volumes.items()}
    assert mixture_absorbance(volumes, NM) == pytest.approx(mixture_absorbance(scaled, NM), abs=1e-9)


@given(VOLUMES, VOLUMES)
def test_absorbances_of_equal_volumes_add(one: dict[str, float], other: dict[str, float]) -> None:
    def share(volumes: dict[str, float]) -> dict[str, float]:
        return {material: volume / sum(volumes.values()) for material, volume in volumes.items()}

    first, second = share(one), share(other)
    both = {name: first.get(name, 0.0) + second.get(name, 0.0) for name in first | second}
    mean = (mixture_absorbance(first, NM) + mixture_absorbance(second, NM)) / 2
    assert mixture_absorbance(both, NM) == pytest.approx(mean, abs=1e-9)


def test_clear_liquid_and_an_empty_well_absorb_nothing() -> None:
    assert not mixture_absorbance({"clear": 100.0}, NM).any()
    assert not mixture_absorbance({}, NM).any()
    assert not mixture_absorbance({"cyan": 0.0}, NM).any()


@given(VOLUMES, st.floats(0.0, 60.0), st.floats(0.0, 60.0))
def test_longer_mixing_never_reads_lower(volumes: dict[str, float], one: float, other: float) -> None:
    short, long = sorted((one, other))
    less, more = (noise_free_absorbance(volumes, mixed_s, NM) for mixed_s in (short, long))
    assert (more >= less - 1e-12).all()
    assert segregation(long, 4.0) <= segregation(short, 4.0)


def test_stray_light_bends_high_absorbance_down_and_leaves_none_at_none() -> None:
    pure = noise_free_absorbance({"yellow": 1.0}, math.inf, NM)
    assert (pure <= mixture_absorbance({"yellow": 1.0}, NM) + 1e-12).all()
    assert noise_free_absorbance({}, 0.0, NM) == pytest.approx(np.zeros(31))


def test_drift_is_a_walk_that_does_not_depend_on_when_it_is_asked() -> None:
    walk = [baseline_drift(5, trial, 1e-3) for trial in range(50)]
    assert walk == [baseline_drift(5, trial, 1e-3) for trial in range(50)]
    assert walk[0] == 0.0
    assert 0.5e-3 < np.std(np.diff(walk)) < 2e-3
    assert walk != [baseline_drift(6, trial, 1e-3) for trial in range(50)]


def _scan(**change: float) -> tuple[np.ndarray, np.ndarray]:
    settings = {"integration_time_s": 0.1, "n_scans": 4, "baseline": 0.0, "mixed_s": 60.0} | change
    scans = scan({"cyan": 50.0, "clear": 50.0}, rng=np.random.default_rng(3), at_nm=NM, **settings)  # type: ignore[arg-type]
    return scans.absorbance, scans.scatter


def test_many_scans_come_to_the_noise_free_spectrum() -> None:
    mean, _ = _scan(n_scans=4000)
    assert mean == pytest.approx(noise_free_absorbance({"cyan": 50.0, "clear": 50.0}, 60.0, NM), abs=2e-3)


def test_more_light_scatters_less_as_the_square_root() -> None:
    optics = Optics(read_noise=0.0)
    short, long = (
        scan(
            {"cyan": 1.0},
            60.0,
            integration_time_s=time_s,
            n_scans=4000,
            baseline=0.0,
            rng=np.random.default_rng(3),
            at_nm=NM,
            optics=optics,
        ).scatter.mean()
        for time_s in (0.1, 0.4)
    )
    assert short / long == pytest.approx(2.0, rel=0.1)


def test_one_scan_has_no_scatter_and_the_baseline_adds() -> None:
    low, scatter = _scan(n_scans=1)
    high, _ = _scan(n_scans=1, baseline=0.1)
    assert not scatter.any()
    assert (high - low).mean() == pytest.approx(0.1, abs=0.01)


def test_the_dark_is_read_as_a_large_finite_absorbance() -> None:
    mean, _ = _scan(integration_time_s=1e-5)
    assert np.isfinite(mean).all()


def test_a_well_that_was_not_mixed_reads_low_and_uneven() -> None:
    def peaks(mixed_s: float) -> np.ndarray:
        return np.array(
            [
                scan(
                    {"cyan": 1.0},
                    mixed_s,
                    integration_time_s=0.5,
                    n_scans=8,
                    baseline=0.0,
                    rng=np.random.default_rng(seed),
                    at_nm=NM,
                ).absorbance.max()
                for seed in range(200)
            ]
        )

    mixed, unmixed = peaks(60.0), peaks(0.0)
    assert unmixed.mean() < 0.85 * mixed.mean()
    assert unmixed.std() > 5 * mixed.std()
