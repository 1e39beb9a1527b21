"""What a campaign file says about faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from autolab.config.campaign import load_campaign
from autolab.core.errors import InputError
from autolab.core.faults import FaultKind, FaultPolicy
from tests.compose.files import example

PLAN = "plan: plans.replay.measure"


def campaign(folder: Path, on_failure: str) -> Path:
    return example("replay", folder, {"campaign.yaml": (PLAN, f"on_failure: {on_failure}\n{PLAN}")})


def test_each_kind_of_fault_has_its_policy(tmp_path: Path):
    text = """
  timeout: {retry: 2, wait: 0.5 min, then: skip}
  readback: {recover: plans.colour.put_back, then: ask}
  bad_outcome: {then: quarantine, region: 0.1}
  refused: {then: quarantine}"""
    assert load_campaign(campaign(tmp_path, text)).on_failure == {
        FaultKind.TIMEOUT: FaultPolicy(retry=2, wait_s=30.0),
        FaultKind.READBACK: FaultPolicy(recover="plans.colour.put_back", then="ask"),
        FaultKind.BAD_OUTCOME: FaultPolicy(then="quarantine", region=0.1),
        FaultKind.REFUSED: FaultPolicy(then="quarantine", region=0.05),
    }


def test_each_further_attempt_waits_twice_as_long():
    policy = FaultPolicy(retry=3, wait_s=5.0)
    assert [policy.wait_before(attempt) for attempt in (1, 2, 3, 4)] == [0.0, 5.0, 10.0, 20.0]


@pytest.mark.parametrize(
    ("on_failure", "message"),
    [
        ("{timeout: {region: 0.1}}", "region has no effect without 'then: quarantine'"),
        ("{timeout: {then: quarantine, region: 0}}", "region: 0 is not above 0: give a number above 0"),
        ("{timeout: {then: quarantine, region: 1.5}}", "region: 1.5 is more than 1: give at most 1"),
        (
            "{timeout: {wait: 5 s}}",
            "wait has no effect without retry: write how often to try again, such as 'retry: 2'",
        ),
        ("{timeout: {retry: 1, wait: 5}}", "wait 5 has no unit: write for example '5 s'"),
        (
            "{timeout: {retry: 1, wait: 5 mL}}",
            "wait '5 mL': 'mL' is a volume, and a time is wanted",
        ),
        ("{timeout: {retry: 1, wait: -5 s}}", "wait '-5 s' is below zero"),
        (
            "{timeout: {recover: rehome}}",
            "recover: 'rehome' is not possible here, and a dotted name such as",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(on_failure: str, message: str, tmp_path: Path):
    with pytest.raises(InputError) as caught:
        load_campaign(campaign(tmp_path, on_failure))
    assert message in str(caught.value)
