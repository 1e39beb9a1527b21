"""The calibrations that a lab file declares, and the exact sentence that each bad one gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from autolab.config.calibrations import MOST, calibrations_in
from autolab.config.lab import load_lab
from autolab.core.calibrations import Calibration, Drift, Validity
from autolab.core.errors import FileError

LAB = """\
name: bench
laboratory: L
devices: {probe: {class: my_lab.Probe}, stage: {class: my_lab.Stage}}
calibrations:
  gain:
    kind: calibration
    of: [probe]
    plan: my_lab.gain
    valid: {time: 8 h, drift: {of: tile, metric: peak, by: 0.01}}
  tile: {kind: reference, of: [probe, stage], plan: my_lab.tile, reduce: my_lab.peak, with: {n: 3}, valid: {trials: 5}}
"""
GAIN = "valid: {time: 8 h, drift: {of: tile, metric: peak, by: 0.01}}"
TILE = "valid: {trials: 5}"


def test_calibrations_become_values_in_the_order_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(LAB)
    lab = load_lab(tmp_path / "lab.yaml")
    gain = Validity(time_s=28_800.0, drift=Drift("tile", "peak", 0.01))
    assert lab.calibrations == (
        Calibration("gain", "calibration", ("probe",), "my_lab.gain", None, gain),
        Calibration(
            "tile",
            "reference",
            ("probe", "stage"),
            "my_lab.tile",
            "my_lab.peak",
            Validity(trials=5),
            arguments={"n": 3},
        ),
    )
    assert str(gain) == "8 h or a drift of peak in tile by 0.01"
    assert calibrations_in(LAB) == lab.calibrations
    assert calibrations_in("[") == calibrations_in("text") == calibrations_in("name: bench") == ()


HOW_LONG = "nothing says how long it is valid: give time, trials, measurements or drift, such as 8 h"
DOTTED = "a dotted name such as 'plans.colour.mix_and_measure' is wanted"
BY_ITSELF = "'tile' is not performed by itself ('if_invalid: refuse'), so that nobody would see a drift"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (GAIN, "valid: {}", f"9: gain: {HOW_LONG}"),
        (TILE, "valid: {time: 8}", "10: tile: time 8 has no unit: write for example '8 h'"),
        (TILE, "valid: {time: 0 s}", "10: tile: time '0 s' is not above zero: it would never be valid"),
        (
            TILE,
            "valid: {time: 3 mm}",
            "10: tile: time '3 mm': 'mm' is a length, and a time is wanted: use 's' or a unit like it",
        ),
        (TILE, "valid: {trials: 0}", "10: calibrations.tile.valid.trials: 0 is less than 1: give at least 1"),
        (TILE, "valid: {trails: 5}", "10: calibrations.tile.valid: unknown key 'trails': did you mean 'trials'?"),
        ("of: [probe]", "of: [prob]", "7: gain: 'prob' is not a device of this lab: did you mean 'probe'?"),
        ("of: [probe]", "of: [probe, probe]", "7: gain: probe is given twice: remove one"),
        ("of: [probe]", "of: []", "7: calibrations.gain.of: 0 items are given, and at least 1 is wanted"),
        ("of: tile", "of: gain", "9: gain: it cannot show its own drift: name another calibration than 'gain'"),
        ("of: tile", "of: tail", "9: gain: 'tail' is not a calibration of this lab: did you mean 'tile'?"),
        ("reduce: my_lab.peak, ", "", "9: gain: 'tile' yields no value, so that it shows no drift: give it a 'reduce'"),
        ("by: 0.01", "by: 0", "9: calibrations.gain.valid.drift.by: 0 is not above 0: give a number above 0"),
        ("kind: reference", "kind: blanc", "10: calibrations.tile.kind: 'blanc' is not known: did you mean 'blank'?"),
        (
            TILE,
            f"{TILE}, if_invalid: x",
            "10: calibrations.tile.if_invalid: 'x' is not known: write one of wait or refuse",
        ),
        (TILE, f"{TILE}, if_invalid: refuse", f"9: gain: {BY_ITSELF}"),
        ("plan: my_lab.gain", "plan: gain", f"8: calibrations.gain.plan: 'gain' is not possible here, and {DOTTED}"),
    ],
)
def test_a_bad_calibration_is_refused_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert LAB.count(old) == 1
    file = tmp_path / "lab.yaml"
    file.write_text(LAB.replace(old, new))
    with pytest.raises(FileError) as refusal:
        load_lab(file)
    assert str(refusal.value) == f"{file}:{said}"


def test_more_calibrations_than_there_are_numbers_for_are_refused(tmp_path: Path) -> None:
    one = "{kind: dark, of: [probe], plan: my_lab.dark, valid: {trials: 1}}"
    head = LAB.partition("calibrations:")[0]
    text = head + "calibrations:\n" + "".join(f"  dark{n}: {one}\n" for n in range(MOST + 1))
    (tmp_path / "lab.yaml").write_text(text)
    with pytest.raises(FileError, match="33 calibrations are declared, and at most 32 are possible"):
        load_lab(tmp_path / "lab.yaml")
