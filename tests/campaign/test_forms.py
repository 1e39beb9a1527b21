"""Documents are validated once for each form, and every form that the schemas refuse is refused each time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from event_model import DocumentNames, schema_validators
from jsonschema import ValidationError

from autolab.campaign.forms import remember_forms
from tests.campaign.softlab import SoftLab

RECORDED = {
    DocumentNames.start: {"uid": "a", "time": 1.5, "trials": [1], "plan_name": "pour", "versions": {"ophyd": "1"}},
    DocumentNames.descriptor: {
        "uid": "a", "time": 1.0, "run_start": "b", "name": "primary", "object_keys": {"pump": ["pump_amount"]},
        "data_keys": {"pump_amount": OrderedDict(source="soft", dtype="number", shape=[], units="mL")},
        "configuration": {"pump": {"data": {"model": "AR-1"}, "timestamps": {"model": 1.0}, "data_keys": {}}},
    },
    DocumentNames.event: {
        "uid": "a", "time": 1.0, "descriptor": "b", "seq_num": 1, "filled": {}, "data": {"pump_amount": 0.5},
        "timestamps": {"pump_amount": 2.0},
    },
    DocumentNames.stop: {
        "uid": "a", "time": 1.0, "run_start": "b", "exit_status": "success", "reason": "", "num_events": {"primary": 1},
    },
}  # fmt: skip
ANYTHING = (
    None, True, 1, 1.0, 1.5, float("nan"), "", "success", "number", "<f8", "nonsense", "a.b", [], [1], ["x"], {},
    {"a": 1}, {"a.b": 1}, {"primary": 1.5}, ("x", 2), np.zeros(2), np.float64(2.0), b"x", {"a": [None, {"c/d": 1}]},
)  # fmt: skip


@pytest.fixture(autouse=True)
def _remembering() -> None:
    remember_forms()
    remember_forms()


def _is_accepted(validator: Any, document: Any) -> bool:
    try:
        validator.validate(document)
    except (ValidationError, TypeError):  # a schema that asks a number of numpy for its length
        return False
    return True


def _changes(document: dict[str, Any], value: Any) -> Iterator[dict[str, Any]]:
    """The document with one thing in it exchanged for ``value``, or with ``value`` besides; at all depths."""
    yield {**document, "sample": value}
    for key, item in document.items():
        yield {**document, key: value}
        if isinstance(item, dict):
            yield from ({**document, key: changed} for changed in _changes(item, value))


@pytest.mark.parametrize("name", RECORDED, ids=str)
def test_what_is_remembered_is_what_the_schema_says(name: DocumentNames):
    remembering = schema_validators[name]
    assert _is_accepted(remembering, RECORDED[name])
    verdicts: set[bool] = set()
    for changed in (changed for value in ANYTHING for changed in _changes(RECORDED[name], value)):
        truth = _is_accepted(remembering._validator, changed)
        assert [_is_accepted(remembering, changed) for _ in range(2)] == [truth, truth], changed
        verdicts.add(truth)
    assert verdicts == {True, False}


def test_the_trials_of_a_campaign_are_validated_once(monkeypatch: pytest.MonkeyPatch):
    asked: list[Any] = []

    class Counting:
        def validate(self, document: Any) -> None:
            asked.append(document)

    for name in RECORDED:
        monkeypatch.setattr(schema_validators[name], "_validator", Counting())
        monkeypatch.setattr(schema_validators[name], "_accepted", set())
    SoftLab(trials=6).run()
    assert len(asked) == 4
