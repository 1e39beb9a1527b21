"""The reducer of replayed campaigns: the metrics that the instrument recorded, and nothing else."""

from __future__ import annotations

import pytest

from autolab.core.data import TrialData
from autolab.core.errors import InputError
from autolab.core.trials import Estimate
from plans.replay import measured


def data(*values: float) -> TrialData:
    events = [{"instrument_yield": value, "instrument_distance": 0.5} for value in values]
    return TrialData(events=events, configurations={"instrument_metrics": "yield"}, starts=[{}])


def test_one_event_gives_a_value_without_standard_error() -> None:
    assert measured(data(3.0)) == {"yield": Estimate(3.0, None)}


def test_several_events_give_their_mean_and_its_standard_error() -> None:
    assert measured(data(1.0, 3.0)) == {"yield": Estimate(2.0, 1.0)}


@pytest.mark.parametrize("values", [(), (float("nan"),)], ids=["no event", "not finite"])
def test_what_was_not_recorded_is_no_outcome(values: tuple[float, ...]) -> None:
    with pytest.raises(InputError):
        measured(data(*values))
