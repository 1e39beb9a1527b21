"""The worked examples: invented units and what they must score, from an independent computation."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from facility_review.assessment import Assessment
from facility_review.inputs import Inputs, inputs_from
from facility_review.instrument import Instrument, load_instrument
from facility_review.scoring import score

__all__ = ["NAMES", "assess", "assessed", "expected", "inputs_of", "instrument", "plain_of"]

FILE = Path(__file__).with_name("worked_examples.yaml")
NAMES = ("A", "B", "C", "D", "E")


@lru_cache(maxsize=1)
def _units() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))["units"]


def plain_of(name: str) -> dict[str, Any]:
    """The plain input of an example."""
    return _units()[name]["input"]


def inputs_of(name: str) -> Inputs:
    """The input of an example."""
    return inputs_from(plain_of(name), unit=name)


def expected(name: str) -> dict[str, Any]:
    """What an example must score."""
    return _units()[name]["expected"]


def instrument() -> Instrument:
    """The version that the examples were made with."""
    return load_instrument("0.1.0")


@lru_cache(maxsize=8)
def assessed(name: str) -> Assessment:
    """An example, assessed."""
    return score(instrument(), inputs_of(name))


def assess(inputs: Inputs, draws: int = 100) -> Assessment:
    """A unit, assessed with few draws."""
    return score(instrument(), inputs, draws=draws)
