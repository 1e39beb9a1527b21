"""The quality checks that a lab file declares, and the exact sentence that each bad one gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from autolab.config.lab import load_lab
from autolab.core.errors import FileError
from autolab.core.quality import QualityCheck

LAB = """\
name: bench
laboratory: L
devices: {probe: {class: my_lab.Probe}}
calibrations:
  tile: {kind: reference, of: [probe], plan: my_lab.tile, reduce: my_lab.peak, valid: {trials: 5}}
  lamp: {kind: warm-up, of: [probe], plan: my_lab.lamp, valid: {time: 1 d}}
quality:
  full: {saturation: probe.spectrum, max: 3, share: 0.1}
  span: {range: y, min: 0}
  even: {scatter: y, max: 0.2}
  live: {stall: probe.spectrum}
  true: {drift: tile, metric: peak}
"""

SIGNAL = "a device and its signal such as 'stage.position' is wanted"


def test_checks_become_values_in_the_order_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(LAB.replace("true:", "good:"))
    assert load_lab(tmp_path / "lab.yaml").quality == (
        QualityCheck("full", "saturation", "probe.spectrum", max=3.0, share=0.1),
        QualityCheck("span", "range", "y", min=0.0),
        QualityCheck("even", "scatter", "y", max=0.2),
        QualityCheck("live", "stall", "probe.spectrum"),
        QualityCheck("good", "drift", "tile", metric="peak"),
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "{stall: probe.spectrum}",
            "{stall: prob.spectrum}",
            "11: live: 'prob' is not a device of this lab: did you mean 'probe'?",
        ),
        (
            "{stall: probe.spectrum}",
            "{stall: spectrum}",
            "11: quality.live.stall: 'spectrum' is not possible here, and " + SIGNAL,
        ),
        (
            "{stall: probe.spectrum}",
            "{stall: probe.spectrum, max: 1}",
            "11: live: max has no effect on a check of stall: remove it",
        ),
        (
            "{stall: probe.spectrum}",
            "{}",
            "11: live: say one thing to look at: saturation, range, scatter, stall or drift",
        ),
        ("{scatter: y, max: 0.2}", "{scatter: y}", "10: even: a check of scatter needs 'max': add it"),
        (
            "{scatter: y, max: 0.2}",
            "{scatter: y, range: y, max: 1}",
            "10: even: say one thing to look at: saturation, range, scatter, stall or drift",
        ),
        ("{range: y, min: 0}", "{range: y}", "9: span: a check of range needs 'min' or 'max': add one"),
        ("{range: y, min: 0}", "{range: y, min: 2, max: 1}", "9: span: min 2 is above max 1: swap them"),
        (
            "{range: y, min: 0}",
            "{range: y, min: 0 nm}",
            "9: quality.span.min: '0 nm' is text, and a number is wanted: write 0 and give the unit in 'unit'",
        ),
        ("share: 0.1", "share: 2", "8: quality.full.share: 2 is more than 1: give at most 1"),
        (
            "{drift: tile, metric: peak}",
            "{drift: lamp, metric: peak}",
            "12: good: 'lamp' is no calibration that yields values: these do: tile",
        ),
        ("{drift: tile, metric: peak}", "{drift: tile}", "12: good: a check of drift needs 'metric': add it"),
        ("live:", "life: {stall: x}\n  live:", None),
    ],
)
def test_a_bad_check_is_refused_with_its_line(tmp_path: Path, old: str, new: str, said: str | None) -> None:
    text = LAB.replace("true:", "good:")
    assert text.count(old) == 1
    file = tmp_path / "lab.yaml"
    file.write_text(text.replace(old, new))
    with pytest.raises(FileError) as refusal:
        load_lab(file)
    assert str(refusal.value).startswith(f"{file}:11: quality.life.stall: " if said is None else f"{file}:{said}")
