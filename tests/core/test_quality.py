"""Quality checks and control charts, as pure functions."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autolab.core.charts import BASELINE, chart_of, drift_of
from autolab.core.data import TrialData
from autolab.core.quality import QualityCheck, Reference, judge_quality
from autolab.core.trials import Estimate, Outcome

SPECTRA = [{"probe_spectrum": [0.1, 0.2, 3.1, 0.4]}, {"probe_spectrum": [0.1, 0.3, 2.9, 0.5]}]
OUTCOME: Outcome = {"y": Estimate(1.5, 0.2), "bare": Estimate(1.0)}


def judged(check: QualityCheck, events: list[dict[str, Any]] = SPECTRA, **more: Any) -> tuple[bool, str] | None:
    before, references = more.get("before", {}), more.get("references", {})
    found = judge_quality([check], TrialData(events, {}, []), OUTCOME, before, references)
    assert len(found) <= 1
    return (found[0].passed, found[0].said) if found else None


@pytest.mark.parametrize(
    ("check", "passed", "said"),
    [
        (
            QualityCheck("c", "saturation", "probe.spectrum", max=3.0),
            False,
            "25 % of the values of probe.spectrum are at 3 or above (at most 0 %)",
        ),
        (
            QualityCheck("c", "saturation", "probe.spectrum", max=3.0, share=0.25),
            True,
            "25 % of the values of probe.spectrum are at 3 or above (at most 25 %)",
        ),
        (
            QualityCheck("c", "range", "probe.spectrum", min=0.0, max=3.0),
            False,
            "probe.spectrum is 0.1 to 3.1 (0 to 3 is possible)",
        ),
        (QualityCheck("c", "range", "y", max=2.0), True, "y is 1.5 (-∞ to 2 is possible)"),
        (QualityCheck("c", "range", "y", min=2.0), False, "y is 1.5 (2 to ∞ is possible)"),
        (QualityCheck("c", "scatter", "y", max=0.1), False, "y has a standard error of 0.2 (at most 0.1)"),
        (QualityCheck("c", "scatter", "y", max=0.3), True, "y has a standard error of 0.2 (at most 0.3)"),
        (
            QualityCheck("c", "scatter", "bare", max=0.3),
            False,
            "bare has no standard error: nobody knows how much it scatters",
        ),
        (QualityCheck("c", "stall", "probe.spectrum"), True, "probe.spectrum moves"),
        (
            QualityCheck("c", "saturation", "probe.spectro", max=3.0),
            False,
            "probe was recorded without probe.spectro: is it called like this?",
        ),
    ],
)
def test_a_check_says_what_it_saw_against_its_bound(check: QualityCheck, passed: bool, said: str):
    assert judged(check) == (passed, said)


def test_what_the_trial_neither_recorded_nor_yields_is_not_judged():
    assert judged(QualityCheck("c", "range", "z", max=1.0)) is None
    assert judged(QualityCheck("c", "saturation", "other.spectrum", max=1.0)) is None
    assert judged(QualityCheck("c", "drift", "tile", metric="peak", max=1.0)) is None


def test_an_instrument_that_hangs_is_noticed_within_a_trial_and_between_two():
    check = QualityCheck("c", "stall", "probe.spectrum")
    same = [SPECTRA[0], SPECTRA[0]]
    assert judged(check, same) == (False, "probe.spectrum gave the same reading twice, to the last digit: it hangs")
    assert judged(check, before={"probe_spectrum": [0.1, 0.2, 3.1, 0.4]}) is not None
    assert not (judged(check, before={"probe_spectrum": [0.1, 0.2, 3.1, 0.4]}) or (True, ""))[0]
    assert (judged(check, before={"probe_spectrum": [9.0]}) or (False, ""))[0]


def test_readings_that_are_no_numbers_or_not_in_each_event_are_bad():
    check = QualityCheck("c", "range", "probe.spectrum", max=9.0)
    for events in ([*SPECTRA, {"probe_other": 1.0}], [{"probe_spectrum": "low"}], [{"probe_spectrum": [1.0, None]}]):
        assert judged(check, events) == (False, "probe.spectrum was not read in each event, or is no number")


def test_a_reference_is_judged_by_how_far_it_went_or_by_its_chart():
    by, chart = (QualityCheck("c", "drift", "tile", metric="peak", max=limit) for limit in (0.5, None))
    where = ("tile", "peak")
    assert judged(by, references={where: Reference(0.4)}) == (True, "peak of tile has drifted by 0.4 (at most 0.5)")
    assert (judged(by, references={where: Reference(-0.6)}) or (True, ""))[0] is False
    assert (judged(by, references={where: Reference()}) or (True, ""))[0] is False, "not measured is not good"
    assert judged(chart, references={where: Reference(9.0)}) == (True, "peak of tile is in control")
    broken = judged(chart, references={where: Reference(9.0, "1_3s (beyond three standard deviations)")})
    assert broken == (False, "peak of tile breaks 1_3s (beyond three standard deviations)")


FIRST = [-1.0, 1.0, -1.0, 1.0, 0.0]
"""Mean 0 and standard deviation 1."""


@pytest.mark.parametrize(
    ("later", "rules"),
    [
        ([0.5, 3.1, 0.0], [None, "1_3s", None]),
        ([2.5, 2.1], [None, "2_2s"]),
        ([2.5, 0.0, 2.5], [None, None, None]),
        ([2.5, -2.5], [None, "R_4s"]),
        ([1.5, 1.1, 1.9, 1.2], [None, None, None, "4_1s"]),
        ([-1.5, -1.1, 0.5, -1.9, -1.2], [None] * 5),
        ([0.1] * 10, [None] * 9 + ["10_x"]),
        ([-0.1] * 9 + [0.1] * 9, [None] * 18),
    ],
    ids=["1_3s", "2_2s", "not-in-a-row", "R_4s", "4_1s", "broken-off", "10_x", "both-sides"],
)
def test_a_chart_breaks_the_rules_of_westgard_and_no_others(later: list[float], rules: list[str | None]):
    chart = chart_of([*FIRST, *later])
    assert (chart.mean, chart.sd) == (0.0, pytest.approx(1.0))
    assert [rule and rule.partition(" ")[0] for rule in chart.broken[BASELINE:]] == rules
    assert chart.broken[:BASELINE] == (None,) * BASELINE, "what the limits are made of breaks none"
    assert chart.warned == tuple(abs(value) > 2.0 for value in chart.values)


def test_a_chart_has_no_limits_before_there_are_enough_values():
    chart = chart_of(FIRST[:-1])
    assert (chart.mean, chart.sd, set(chart.broken)) == (None, None, {None})
    assert drift_of([]) is None
    assert drift_of([1.0, 3.0]) == 2.0
    still = chart_of([1.0] * 7 + [1.1])
    assert still.broken[-1] is not None, "where the first values did not differ, any difference is one"


@given(
    st.lists(st.integers(-50, 50), min_size=BASELINE, max_size=30),
    st.floats(0.1, 100.0),
    st.floats(-100.0, 100.0),
)
def test_the_unit_and_the_zero_of_a_reference_do_not_matter(values: list[int], scale: float, shift: float):
    assume(len(set(values[:BASELINE])) > 1)
    plain = chart_of([float(value) for value in values])
    moved = chart_of([scale * value + shift for value in values])
    assert plain.sd is not None
    z = [(value - (plain.mean or 0.0)) / plain.sd for value in plain.values]
    assume(all(abs(abs(each) - limit) > 1e-6 for each in z for limit in (0.0, 1.0, 2.0, 3.0)))
    assert moved.broken == plain.broken
    assert math.isclose(moved.sd or 0.0, scale * plain.sd, rel_tol=1e-6)
