"""What is shown while a campaign runs, from its events."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from autolab.campaign.events import (
    BypassesChanged,
    CampaignStarted,
    PhaseChanged,
    StopRequested,
    TrialEnded,
    TrialStarted,
)
from autolab.cli.progress import Progress
from autolab.cli.views import LineView, LiveView
from autolab.core.clock import VirtualClock
from autolab.core.trials import Estimate, Realm, Suggestion
from tests.report.journals import PROBLEM

START = CampaignStarted("teal-1", "teal", "colour-bench", Realm.SIMULATED, PROBLEM, "ax", 7, 10, None)
VALUES = {"cyan": 12.0, "magenta": 3.0, "yellow": 0.0, "mixing_time": 2.5, "cycles": 2, "solvent": "water"}


class SteppedClock(VirtualClock):
    """A clock whose real time is its virtual time."""

    def real(self) -> float:
        return self.now()


def suggestion(trial: int) -> Suggestion:
    return Suggestion(trial, VALUES, "ax", "it promises most", 1, (), ())


def ended(trial: int, value: float, best: int, best_value: float) -> TrialEnded:
    outcome = {"colour_distance": Estimate(value, 0.1), "turbidity": Estimate(0.1)}
    return TrialEnded(trial, "ingested", outcome, None, best, best_value, 30.0 * trial)


def after_three_trials() -> tuple[Progress, SteppedClock]:
    clock = SteppedClock()
    progress = Progress(clock)
    progress.note(START)
    for trial, value in ((1, 9.0), (2, 4.0), (3, 6.0)):
        progress.note(TrialStarted(1, suggestion(trial), clock.now()))
        progress.note(PhaseChanged(1, trial, "dispense-cyan", clock.now()))
        clock.sleep(2.0)
        progress.note(ended(trial, value, 1 if trial == 1 else 2, 9.0 if trial == 1 else 4.0))
    return progress, clock


def test_the_time_left_is_the_trials_left_times_the_median() -> None:
    progress, clock = after_three_trials()
    assert progress.left_s == pytest.approx(7 * 2.0)
    clock.sleep(60)
    progress.note(ended(4, 5.0, 2, 4.0))
    assert progress.left_s == pytest.approx(6 * 2.0), "one slow trial does not frighten anybody"


def test_the_time_left_counts_whole_plates_whose_trials_end_together() -> None:
    clock = SteppedClock()
    progress = Progress(clock)
    progress.note(replace(START, per_plate=4))
    for trial in (1, 2, 3, 4):
        clock.sleep(12.0 if trial == 1 else 0.0)
        progress.note(ended(trial, 9.0, 1, 9.0))
        assert (progress.left_s is None) == (trial < 4), "a part of a plate says nothing"
    assert progress.left_s == pytest.approx(6 * 3.0)


def test_the_best_stands_against_the_target() -> None:
    progress, _ = after_three_trials()
    assert progress.best_text() == "colour_distance 4.00 ± 0.10 in trial 2 (target at most 2)"


def test_what_is_said_after_ctrl_c_tells_what_the_next_one_does() -> None:
    progress, _ = after_three_trials()
    assert progress.stopping_text(False) == "Pausing before the next action; press Ctrl-C again to stop at once."
    assert progress.stopping_text(True) == "Stopping at once; the devices are brought to rest."


def test_the_trials_of_before_count_when_a_campaign_is_resumed() -> None:
    progress = Progress(VirtualClock())
    progress.note(replace(START, done=4))
    assert progress.done == 4


def test_the_panel_shows_realm_phase_best_and_what_is_left() -> None:
    progress, _ = after_three_trials()
    progress.note(TrialStarted(1, suggestion(4), 0.0))
    progress.note(PhaseChanged(1, 4, "moving stage", 0.0))
    progress.note(StopRequested(False, "interrupted"))
    text = io.StringIO()
    console = Console(file=text, width=100, force_terminal=False)
    view = LiveView(progress, console)
    console.print(view.render())
    shown = text.getvalue()
    for part in ("SIMULATED", "teal", "3 of 10 trials", "about 14 s left", "trial 4", "moving stage",
                 "why: it promises most", "best so far: colour_distance 4.00 ± 0.10 in trial 2 (target at most 2)",
                 "trial 3 colour_distance 6.00 ± 0.10"):  # fmt: skip
        assert part in shown


def test_a_log_has_one_line_for_each_thing_that_happens(capsys: pytest.CaptureFixture[str]) -> None:
    view = LineView(Progress(SteppedClock()))
    with view:
        view.notify(START)
        view.notify(TrialStarted(1, suggestion(1), 0.0))
        view.notify(PhaseChanged(1, 1, "moving stage", 0.0))
        view.notify(ended(1, 9.0, 1, 9.0))
        view.notify(TrialStarted(1, suggestion(2), 0.0))
        view.notify(TrialEnded(2, "failed", None, "stage: it stands still", 1, 9.0, 40.0))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "teal-1: SIMULATED, lab colour-bench, engine ax, seed 7, at most 10 trials",
        "trial 1: cyan 12 µL, magenta 3 µL, yellow 0 µL, mixing_time 2.5 s, cycles 2, solvent water; it promises most",
        "trial 1: colour_distance 9.00 ± 0.10; best so far: colour_distance 9.00 ± 0.10 in trial 1 (target at most 2); "
        "1 of 10 trials, about 0 ms left",
        "trial 2: cyan 12 µL, magenta 3 µL, yellow 0 µL, mixing_time 2.5 s, cycles 2, solvent water; it promises most",
        "trial 2: failed: stage: it stands still; best so far: colour_distance 9.00 ± 0.10 in trial 1 "
        "(target at most 2); 2 of 10 trials, about 0 ms left",
    ]


def test_a_bypass_is_on_the_panel_and_in_the_log_until_it_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    progress, _ = after_three_trials()
    panel = LiveView(progress, Console(file=io.StringIO(), width=120))
    view = LineView(progress)
    for bypasses in (("far until noon",), ()):
        view.notify(BypassesChanged(bypasses))
        view.notify(ended(4, 5.0, 2, 4.0))
        console = Console(file=io.StringIO(), width=120)
        console.print(panel.render())
        assert ("BYPASSED: far until noon" in console.file.getvalue()) == bool(bypasses)  # type: ignore[attr-defined]
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "BYPASSED: far until noon"
    assert said[1].endswith("; BYPASSED: far until noon"), "after each trial"
    assert said[2] == "No interlock is bypassed any more."
    assert "BYPASSED" not in said[3]
