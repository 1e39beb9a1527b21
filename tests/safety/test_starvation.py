"""What counts as waiting for a processor: waits that are over, and one that goes on; neither work nor sleep."""

from __future__ import annotations

from pathlib import Path

import pytest

from safety.starvation import Starvation


class Proc:
    """The kernel's account of process 7, as files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def task(self, name: str, ran_ms: float, waited_ms: float, state: str = "S") -> None:
        task = self.folder / "7" / "task" / name
        task.mkdir(parents=True, exist_ok=True)
        (task / "schedstat").write_text(f"{ran_ms * 1e6:.0f} {waited_ms * 1e6:.0f} 12\n")
        (task / "stat").write_text(f"{name} (a ) R (strange) name) {state} 1 7 7 0 -1 4194304\n")


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    made = Proc(tmp_path)
    made.task("7", 100.0, 40.0)
    made.task("8", 5.0, 1.0)
    return made


def test_waits_that_are_over_count_for_all_threads_from_the_first_look(proc: Proc):
    starvation = Starvation(7, 10.0, proc.folder)
    assert starvation.waited_s(10.02) == 0.0
    proc.task("7", 101.0, 50.0)
    proc.task("8", 6.0, 6.0)
    assert starvation.waited_s(10.04) == pytest.approx(0.015)


def test_a_wait_that_goes_on_counts_before_it_is_over(proc: Proc):
    starvation = Starvation(7, 10.0, proc.folder)
    proc.task("8", 5.0, 1.0, "R")
    assert starvation.waited_s(10.03) == pytest.approx(0.03)
    assert starvation.waited_s(10.07) == pytest.approx(0.07)
    proc.task("8", 6.0, 71.0, "R")
    assert starvation.waited_s(10.07) == pytest.approx(0.07), "the same wait counts once"


def test_neither_work_nor_sleep_is_a_wait(proc: Proc):
    starvation = Starvation(7, 10.0, proc.folder)
    for n in range(1, 6):
        proc.task("7", 100.0 + 20.0 * n, 40.0, "R")
        assert starvation.waited_s(10.0 + 0.02 * n) == 0.0


@pytest.mark.parametrize("state", "SDTtZ")
def test_a_process_that_hangs_without_wanting_a_processor_does_not_wait_for_one(proc: Proc, state: str):
    starvation = Starvation(7, 10.0, proc.folder)
    proc.task("7", 100.0, 40.0, state)
    assert starvation.waited_s(10.3) == 0.0


def test_no_more_is_counted_than_time_has_gone_by(proc: Proc):
    starvation = Starvation(7, 10.0, proc.folder)
    proc.task("7", 101.0, 4000.0)
    assert starvation.waited_s(10.05) == pytest.approx(0.05)


def test_of_a_process_that_has_ended_nothing_is_counted(tmp_path: Path):
    assert Starvation(7, 10.0, tmp_path).waited_s(11.0) == 0.0
