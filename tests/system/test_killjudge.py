"""The judge of the kill harness sees what was repeated, lost or put elsewhere on the colour bench."""

from __future__ import annotations

from typing import Any

import pytest

from autolab.journal.records import IntentRecord
from benchmarks.killcolour import wrong_commands, wrong_places, wrong_wells

SAMPLES = {(1, 1): ("strip-1", "0"), (1, 2): ("strip-1", "1")}
CHANNELS = ("cyan", "clear")


def poured(volume_ul: float, state: str, attempt: int = 1) -> IntentRecord:
    action = {"type": "Dispense", "material": "cyan", "volume_ul": volume_ul}
    return IntentRecord(f"k.t1.r1.disp-cyan.a{attempt}", 1, "dispenser", action, state, 0.0, 1.0, None)


def mixed(seconds: float) -> IntentRecord:
    return IntentRecord("k.t1.r1.mix.a1", 1, "dispenser", {"type": "Mix", "duration_s": seconds}, "done", 2, 3, None)


def moved(source: str, target: str, state: str = "done") -> IntentRecord:
    action = {"type": "Transfer", "labware": "strip-1", "source": source, "target": target}
    return IntentRecord(f"k.t1.r1.{source}.a1", 1, "arm", action, state, 0.0, 1.0, None)


def placed(target: str) -> IntentRecord:
    return IntentRecord("k.t1.r1.place-strip.a2", 1, "arm", {"type": "Place", "target": target}, "done", 2, 3, None)


@pytest.mark.parametrize(
    ("intents", "cyan_ul", "n_wrong"),
    [
        ([poured(100.0, "done")], {"0": 99.0}, 0),
        ([poured(100.0, "done")], {"0": 198.0}, 1),
        ([poured(100.0, "done")], {}, 1),
        ([poured(100.0, "done")], {"1": 99.0}, 2),
        ([poured(100.0, "failed")], {"0": 40.0}, 0),
        ([poured(100.0, "void")], {"0": 40.0}, 1),
        ([poured(100.0, "failed"), poured(100.0, "done", attempt=2)], {"0": 40.0, "1": 100.0}, 0),
        ([poured(100.0, "done"), mixed(5.0)], {"0": 100.0}, 1),
    ],
    ids=["right", "twice", "never", "elsewhere", "in part", "not recorded", "tried again", "not mixed"],
)
def test_wells_must_hold_what_was_done(intents: list[IntentRecord], cyan_ul: dict[str, float], n_wrong: int):
    kept = {"wells": {"strip-1": {well: {"cyan": volume} for well, volume in cyan_ul.items()}}, "mixed": {}}
    assert len(wrong_wells(intents, SAMPLES, kept)) == n_wrong


@pytest.mark.parametrize(
    ("command", "done", "n_wrong"),
    [("DISP 1 100000", 100_000, 0), ("DISP 2 100000", 100_000, 1), ("DISP 1 100000", 60_000, 1)],
    ids=["right", "another liquid", "not to its end"],
)
def test_the_dispenser_must_have_heard_what_the_journal_says(command: str, done: int, n_wrong: int):
    operations: dict[str, Any] = {"k.t1.r1.disp-cyan.a1": {"command": command, "done": done}}
    assert len(wrong_commands([poured(100.0, "done")], operations, CHANNELS)) == n_wrong


@pytest.mark.parametrize(
    ("intents", "place", "holding", "n_wrong"),
    [
        ([moved("rack_1", "stage")], "stage", None, 0),
        ([moved("rack_1", "stage")], "rack_1", None, 1),
        ([moved("rack_1", "stage"), moved("rack_1", "stage")], "stage", None, 1),
        ([moved("rack_1", "stage", "failed")], "rack_1", None, 0),
        ([moved("rack_1", "stage", "failed"), placed("stage")], "stage", None, 0),
        ([moved("rack_1", "stage", "failed")], None, "strip-1", 1),
        ([placed("stage")], "rack_1", None, 1),
    ],
    ids=["right", "not moved", "taken twice", "broken off", "put down", "left in the gripper", "out of nothing"],
)
def test_strips_must_be_where_they_were_put(
    intents: list[IntentRecord], place: str | None, holding: str | None, n_wrong: int
):
    places = {name: "strip-1" if name == place else None for name in ("rack_1", "stage")}
    assert len(wrong_places(intents, {"strip-1": "rack_1"}, {"places": places, "holding": holding})) == n_wrong
