"""Interlocks of the colour bench at work, over real protocols: they trip, forbid, and bring it into its safe state."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from autolab.core.errors import InputError, StorageError
from autolab.journal.reader import JournalReader
from tests.compose.files import example
from tests.rigs import until
from tests.system.command import autolab, started

RUN = ("--simulate", "--time-factor", 100, "--trials", 2, "--seed", 1, "--engine", "random")
SAFE = "safe_state: [{device: arm, do: stop}, {set: stage.velocity, to: 2 mm/s}]"


def bench(folder: Path, interlocks: str, more: str = "") -> Path:
    text = f"signals: {{arm.holding: {{allowed: ['', strip-1]}}}}\ninterlocks: [{interlocks}]\n{SAFE}\n{more}"
    return example("colour", folder, {"lab.yaml": ("interlocks: []\nsafe_state: []\n", text)})


def campaigns(data: Path) -> int:
    """How many campaigns the journal holds; 0 where it is not there yet."""
    try:
        reader = JournalReader.open(data)
    except (InputError, StorageError):
        return 0
    try:
        return len(reader.campaigns())
    finally:
        reader.close()


def interventions(data: Path) -> dict[str, str]:
    reader = JournalReader.open(data)
    try:
        return {done.cause: done.detail for done in reader.interventions(reader.campaign().id)}
    finally:
        reader.close()


def test_while_all_is_well_a_campaign_runs_and_ends_in_the_safe_state(tmp_path: Path):
    rules = (
        "{name: far, when: stage.position > 299 mm, effect: trip, why: it hits the end}, "
        "{name: slow, when: stage.velocity <= 100 mm/s, effect: permissive, of: [arm], why: a strip could fall}"
    )
    done = autolab("run", bench(tmp_path, rules), *RUN, data=tmp_path / "data")
    assert done.returncode == 0, done.stdout + done.stderr
    assert interventions(tmp_path / "data")["safe state"] == "arm: stop; stage.velocity = 2.0"
    assert "safe state" in autolab("show", "teal", data=tmp_path / "data").stdout


def test_the_safe_state_is_taken_while_there_is_still_power(tmp_path: Path):
    rule = "{name: far, when: stage.position > 299 mm, effect: trip, why: it hits the end}"
    campaign = bench(tmp_path, rule, "power: {devices: [arm, dispenser, stage]}\n")
    lab = campaign.with_name("lab.yaml")
    lab.write_text(lab.read_text().replace("{set: stage.velocity, to: 2 mm/s}", "{set: stage.position, to: 5 mm}"))
    done = autolab("run", campaign, *RUN, data=tmp_path / "data")
    assert done.returncode == 0, done.stdout + done.stderr
    assert interventions(tmp_path / "data")["safe state"] == "arm: stop; stage.position = 5.0"


@pytest.mark.parametrize("power", ["", "power: {devices: [arm, dispenser, stage]}\n"], ids=["no relay", "relay"])
def test_a_cause_trips_latches_and_stops_the_campaign(power: str, tmp_path: Path):
    rule = "{name: far, when: stage.position > 15 cm, effect: trip, why: it hits the hood}"
    campaign = bench(tmp_path, rule, power)
    rule_of_the_start = "interlock far: stage.position > 150 mm holds (it hits the hood)"
    plan = campaign.read_text().replace("plans.colour.mix_and_measure", "bench.moves.far_away")
    campaign.write_text(plan)
    (tmp_path / "colour" / "bench").mkdir()
    (tmp_path / "colour" / "bench" / "__init__.py").write_text("")
    (tmp_path / "colour" / "bench" / "moves.py").write_text(FAR_AWAY)
    campaign.with_name("lab.yaml").write_text(f"{campaign.with_name('lab.yaml').read_text()}packages: [bench]\n")
    done = autolab("run", campaign, *RUN[:2], 5, *RUN[3:], data=tmp_path / "data")
    assert done.returncode == 3, done.stdout + done.stderr
    assert f"stopped by safety: {rule_of_the_start}" in done.stdout + done.stderr
    found = interventions(tmp_path / "data")
    assert found["trip"] == rule_of_the_start
    assert found["safe state"].startswith("arm: stop; ")
    assert autolab("resume", "teal", data=tmp_path / "data").returncode == 3
    lab = campaign.with_name("lab.yaml")
    reset = autolab("reset", lab, "--because", "the stage was moved back by hand", data=tmp_path / "data")
    assert reset.returncode == 0, reset.stderr
    assert rule_of_the_start in reset.stdout


FAR_AWAY = """\
import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp

from plans.conventions import Microlitres, Seconds


def far_away(
    stage, spectrometer, *, cyan: Microlitres, magenta: Microlitres, yellow: Microlitres, mixing_time: Seconds, md=None
):
    def body():
        yield from bps.mv(stage, 290.0)

    yield from bpp.run_wrapper(body(), md={"plan_name": "far_away", **(md or {})})
"""


def test_a_person_can_pause_while_the_interlocks_wait_for_the_past_that_they_ask_for(tmp_path: Path):
    rule = "{name: late, when: stage.position > 299 mm for 10 h, effect: trip, why: it hits the end}"
    process = started("run", bench(tmp_path, rule), *RUN, data=tmp_path / "data")
    try:
        until(lambda: campaigns(tmp_path / "data") == 1, "the campaign")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    finally:
        process.kill_group()
    assert process.returncode == 5
    assert '"state": "paused"' in autolab("status", "--json", data=tmp_path / "data").stdout


def test_a_permissive_that_does_not_hold_lets_nothing_be_written(tmp_path: Path):
    rule = "{name: empty, when: arm.holding == 'strip-1', effect: permissive, of: [stage], why: nothing is there}"
    done = autolab("run", bench(tmp_path, rule), *RUN, data=tmp_path / "data")
    assert done.returncode == 3, done.stdout + done.stderr
    assert (
        "stage.position: refused to write: interlock empty: arm.holding == 'strip-1' does not hold (nothing is there)"
        in done.stdout + done.stderr
    )


def test_a_signal_that_no_device_reads_is_refused_before_anything_moves(tmp_path: Path):
    rule = "{name: full, when: dispenser.volume > 250 uL, effect: alarm, why: it spills}"
    done = autolab("run", bench(tmp_path, rule), *RUN, data=tmp_path / "data")
    assert done.returncode == 2
    assert "dispenser.volume: dispenser does not read it, so that nobody could ever know it; it reads" in done.stderr
    assert interventions(tmp_path / "data") == {}, "no step into the safe state was taken"
    assert '"state": "failed"' in autolab("status", "--json", data=tmp_path / "data").stdout


def test_the_virtual_clock_is_refused_where_nobody_would_scan(tmp_path: Path):
    rule = "{name: far, when: stage.position > 299 mm, effect: trip, why: it hits the end}"
    done = autolab("run", bench(tmp_path, rule), *RUN[:1], *RUN[3:], "--virtual", data=tmp_path / "data")
    assert done.returncode == 2
    assert "colour-bench: its interlocks are not scanned with --virtual: leave the option out" in done.stderr
