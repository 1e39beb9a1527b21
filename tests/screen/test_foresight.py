"""What a dry run foresees is what then happens on the simulated devices; and a dry run itself does nothing to them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autolab.campaign.stopping import StopSwitch
from autolab.compose.conducting import conduct
from autolab.compose.matching import bind_files
from autolab.compose.options import RunOptions
from autolab.compose.rehearsing import _AtRandom
from autolab.compose.running import campaign_start, make_setup, open_all
from autolab.core.effects import Lapse, Write
from autolab.core.operations import Operations
from autolab.core.principals import local_person
from autolab.core.samples import Sample
from autolab.core.traces import Trace
from tests.compose.files import EXAMPLES

OPTIONS = RunOptions(
    data=Path(), simulate=True, virtual=True, trials=2, seed=3, engine="random", lanes=1, in_memory=True
)


class Opened:
    """An example's lab in memory, open, with its campaign."""

    def __init__(self, stack: ExitStack, name: str) -> None:
        self.file = EXAMPLES / name / "campaign.yaml"
        self.bound = bind_files(self.file, OPTIONS)
        self.journal, self.lab = open_all(stack, self.bound, OPTIONS, None, 3, "dry")
        self.setup = make_setup(self.bound, self.lab, "dry", 3, local_person(), "dry", None)
        self.stack = stack

    def run(self, rule: Callable[[Trace], list[Any]]) -> None:
        screen = replace(self.setup.plan_screen, rules=(*self.setup.plan_screen.rules, rule))
        setup = replace(self.setup, plan_screen=screen)
        self.journal.start_campaign(campaign_start(self.bound, self.lab, setup, self.file, OPTIONS), local_person())
        conduct(self.stack, self.bound, setup, self.lab, _AtRandom(), self.journal, (), StopSwitch())


def _listen(device: Any, heard: list[tuple[str, Any]]) -> None:
    """Write down each value that the guard of a device is asked about."""
    guard = getattr(device, "guard", None) or device._guard
    check = guard.check

    def heard_check(signal: str, value: Any, *more: Any) -> None:
        heard.append((f"{guard.device}.{signal}", value))
        check(signal, value, *more)

    guard.check = heard_check


def _rounded(pairs: Any) -> set[tuple[str, Any]]:
    return {(signal, round(value, 3) if isinstance(value, float) else value) for signal, value in pairs}


@pytest.mark.parametrize("name", ["colour", "replay", "hotplate"])
def test_a_trial_writes_what_was_foreseen_and_leaves_the_lab_as_foreseen(name: str):
    traces: list[Trace] = []
    heard: list[tuple[str, Any]] = []
    with ExitStack() as stack:
        opened = Opened(stack, name)
        for device in opened.lab.devices.values():
            _listen(device, heard)
        began_s = opened.lab.clock.now()

        def keep(trace: Trace) -> list[Any]:
            traces.append(trace)
            return []

        opened.run(keep)
        foreseen = [(e.signal, e.value) for trace in traces for e in trace.effects if isinstance(e, Write)]
        assert len(traces) == 2
        assert _rounded(heard) == _rounded(foreseen)
        lapsed_s = sum(e.seconds for trace in traces for e in trace.effects if isinstance(e, Lapse))
        assert lapsed_s <= opened.lab.clock.now() - began_s + 1e-6
        now = opened.setup.plan_screen.present().known
        for key, value in traces[-1].end.items():
            if key in now and isinstance(value, float):
                assert now[key] == pytest.approx(value, abs=0.3), key
            elif key in now and isinstance(value, str):
                assert now[key] == value, key


def test_a_dry_run_changes_nothing_on_the_devices_that_it_stands_for():
    with ExitStack() as stack:
        opened = Opened(stack, "colour")
        screen, lab = opened.setup.plan_screen, opened.lab
        before, counted, at_s = screen.present().known, lab.counts(), lab.clock.now()
        values = {"cyan": 30.0, "magenta": 20.0, "yellow": 10.0, "mixing_time": 5.0}
        judged = screen.judge(
            screen.present(),
            values=values,
            operations=Operations("dry", 1),
            sample=Sample("s", *lab.wells[3]),
            md={},
            seed=1,
        )
        assert (judged.verdict.decision, judged.verdict.dry_run) == ("allowed", "proved")
        after = screen.present().known
        assert lab.counts() == counted == {"dispenser": 0, "arm": 0}
        assert lab.devices["spectrometer"].counters() == {"acquisitions": 0}
        assert lab.devices["stage"].counters() == {"command": 0}
        assert lab.clock.now() == at_s
        assert {k: v for k, v in after.items() if isinstance(v, str | float)} == {
            k: v for k, v in before.items() if isinstance(v, str | float)
        }
