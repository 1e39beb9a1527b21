"""Inputs are read from their plain form, and what cannot be an answer is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from autolab.core.errors import InputError
from facility_review.inputs import Answer, inputs_from, plain_inputs

PLAIN: dict[str, Any] = {
    "unit": "bench",
    "name": "Bench",
    "roles": ["production"],
    "facts": {"open_serious_events": 0},
    "extra_metrics": {"m_estop_coverage": {"class": "measured", "realm": "physical", "value": 1.0}},
    "records": {
        "CAP-03": {"class": "measured", "realm": "physical", "value": 0.5, "n": 300, "ci": [0.4, 0.6]},
        "CAP-02": {"class": "documented", "realm": "emulated", "step": 3, "evidence": ["e1"], "notes": ["old"]},
        "CAP-04": {"class": "none"},
    },
    "not_applicable": {"SAF-08": {"reason": "no chemicals", "approver": "R. Roe"}},
    "waivers": {"G16": {"authority": "R. Roe", "expires": "2027-01-01", "reason": "review is booked"}},
    "agreement": 0.8,
}


def test_the_plain_form_round_trips() -> None:
    inputs = inputs_from(PLAIN)
    assert inputs_from(plain_inputs(inputs)) == inputs
    assert inputs.records["CAP-03"].interval == (0.4, 0.6)
    assert inputs.records["CAP-04"] == Answer("none", "simulated")
    assert inputs.waivers["G16"].expires.year == 2027


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"class": "sworn", "realm": "physical"}, "class 'sworn' is none of"),
        ({"class": "measured"}, "realm None is none of"),
        ({"class": "measured", "realm": "physical", "vlaue": 1.0}, "unknown key 'vlaue'"),
        ({"class": "measured", "realm": "physical", "value": float("nan")}, "finite"),
        ({"class": "measured", "realm": "physical", "value": 1, "ci": [2, 1]}, "lower bound first"),
        ({"class": "measured", "realm": "physical", "step": 6}, "step from 0 to 5"),
        ({"class": "measured", "realm": "physical", "n": -1}, "0 or more"),
        ({"class": "measured", "realm": "physical", "n": True}, "n = True is no whole number"),
        ({"class": "measured", "realm": "physical", "n": 10.5}, "n = 10.5 is no whole number"),
        ({"class": "measured", "realm": "physical", "n": "10"}, "n = 10 is no whole number"),
        ({"class": "measured", "realm": "physical", "n": 10**12 + 1}, "n is above 1000000000000"),
        ({"class": "measured", "realm": "physical", "step": True}, "step = True is no whole number"),
        ({"class": "measured", "realm": "physical", "step": 2.5}, "step = 2.5 is no whole number"),
        ({"class": "measured", "realm": "physical", "value": 10**400}, "too large"),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)
def test_what_cannot_be_an_answer_is_refused_by_name(record: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as refusal:
        inputs_from({**PLAIN, "records": {"CAP-03": record}})
    assert str(refusal.value).startswith("records.CAP-03: ")


def test_a_key_that_inputs_do_not_have_is_refused() -> None:
    with pytest.raises(InputError, match="unknown key 'record'"):
        inputs_from({"record": {}})
