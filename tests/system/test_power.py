"""The power of the colour bench, as a technician meets it: emergency stop, latch, reset, and going on."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from autolab.core.trials import TrialState
from autolab.journal.reader import JournalReader
from benchmarks.warm import WarmCommand
from safety.supply import power_state
from tests.compose.files import EXAMPLES, example
from tests.rigs import until
from tests.system.command import autolab, line_with, started

BENCH = "colour-bench"
POWER = "power: {devices: [arm, dispenser, stage]}"
OPTIONS = ("--simulate", "--engine", "random", "--seed", 3)


@pytest.fixture
def colour(tmp_path: Path) -> Path:
    """The campaign of the colour bench, whose lab declares a relay."""
    return powered(tmp_path)


def powered(folder: Path, power: str = POWER) -> Path:
    return example("colour", folder, {"lab.yaml": ("interlocks: []", f"{power}\ninterlocks: []")})


def lab_of(campaign: Path) -> Path:
    return campaign.with_name("lab.yaml")


def resumed(campaign: str, colour: Path, data: Path) -> CompletedProcess[str]:
    """Resume to the end. Where this machine does not run the controller for long enough, the watchdog rightly takes the
    power away; a technician resets that, and goes on."""
    for _ in range(5):
        done = autolab("resume", campaign, data=data)
        if done.returncode != 3 or "hangs: no beat" not in done.stdout:
            break
        assert autolab("reset", lab_of(colour), "--because", "a busy machine", data=data).returncode == 0
    return done


@pytest.fixture
def running(colour: Path, tmp_path: Path) -> Iterator[WarmCommand]:
    """A campaign of two trials that has begun its first; the arm is on its way."""
    process = started("run", colour, *OPTIONS, "--trials", 2, "--time-factor", 5, data=tmp_path)
    line_with(process, "trial 1:")
    yield process
    if process.returncode is None:
        process.kill_group()
        process.communicate(timeout=60)


def test_the_emergency_stop_ends_the_campaign_and_a_reset_lets_it_go_on(
    running: WarmCommand, colour: Path, tmp_path: Path
):
    stopped = autolab("stop", "--now", data=tmp_path)
    assert (stopped.returncode, stopped.stdout) == (0, "stopping\n"), stopped.stderr
    out, err = running.communicate(timeout=60)
    assert running.returncode == 3, out + err
    assert "stopped by safety: emergency stop by autolab stop --now" in out
    status = autolab("status", data=tmp_path).stdout
    assert "power: off, latched: emergency stop" in status
    assert json.loads(autolab("status", "--json", data=tmp_path).stdout)["power"]["power"] == "off"

    reader = JournalReader.open(tmp_path)
    campaign = reader.campaign()
    causes = [done.cause for done in reader.interventions(campaign.id)]
    reader.close()
    assert "trip" in causes
    assert "power: trip" in causes

    refused = autolab("resume", campaign.id, data=tmp_path)
    assert refused.returncode == 3
    assert "the power is latched off since" in refused.stderr
    assert "autolab reset" in refused.stderr
    assert autolab("run", colour, *OPTIONS, "--trials", 1, "--time-factor", 300, data=tmp_path).returncode == 3

    assert autolab("reset", lab_of(colour), "--because", " ", data=tmp_path).returncode == 2
    cleared = autolab("reset", lab_of(colour), "--because", "nobody was near", data=tmp_path)
    assert cleared.returncode == 0, cleared.stderr
    again = resumed(campaign.id, colour, tmp_path)
    assert again.returncode == 0, again.stderr
    reader = JournalReader.open(tmp_path)
    resets = [done for done in reader.interventions(campaign.id) if done.cause == "power: reset"]
    intents = reader.intents(campaign.id)
    reader.close()
    assert resets[0].detail.partition(" (it was")[0] == "nobody was near"
    assert len({intent.operation for intent in intents}) == len(intents)
    assert all(intent.state in ("done", "failed", "void") for intent in intents)


def test_the_emergency_stop_reaches_the_relay_while_the_controller_is_stopped(
    running: WarmCommand, colour: Path, tmp_path: Path
):
    os.kill(running.pid, signal.SIGSTOP)
    assert autolab("stop", "--now", data=tmp_path).stdout == "stopping\n"
    until(lambda: (power_state(tmp_path, BENCH) or {})["power"] == "off", "no power")
    assert "is still there" in autolab("reset", lab_of(colour), "--because", "it looks fine", data=tmp_path).stderr
    os.kill(running.pid, signal.SIGCONT)
    running.communicate(timeout=60)
    assert running.returncode == 3


def test_a_controller_that_is_killed_leaves_a_latch_and_a_campaign_that_goes_on_after_the_reset(
    running: WarmCommand, colour: Path, tmp_path: Path
):
    running.kill()
    running.communicate(timeout=60)
    until(lambda: (power_state(tmp_path, BENCH) or {})["latch"] is not None, "the latch")
    campaign = json.loads(autolab("list", "--json", data=tmp_path).stdout)[0]["campaign"]
    refused = autolab("resume", campaign, data=tmp_path)
    assert refused.returncode == 3
    assert "has died" in refused.stderr
    assert autolab("reset", lab_of(colour), "--because", "looked at the bench", data=tmp_path).returncode == 0
    done = resumed(campaign, colour, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_relay_and_watchdog_of_running_simulators_serve_the_campaigns_that_attach(colour: Path, tmp_path: Path):
    simulators = started("simulate", lab_of(colour), "--time-factor", 20, data=tmp_path)
    try:
        until(lambda: (tmp_path / "simulators" / BENCH / "endpoints.json").exists(), "the simulators")
        process = started("run", colour, *OPTIONS, "--trials", 2, data=tmp_path)
        line_with(process, "trial 1:")
        process.kill()
        process.communicate(timeout=60)
        until(lambda: "has died" in str((power_state(tmp_path, BENCH) or {})["latch"]), "the latch")
        campaign = json.loads(autolab("list", "--json", data=tmp_path).stdout)[0]["campaign"]
        assert autolab("resume", campaign, data=tmp_path).returncode == 3
        cleared = autolab("reset", lab_of(colour), "--because", "looked at the bench", data=tmp_path)
        assert cleared.returncode == 0, cleared.stderr
        done = resumed(campaign, colour, tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        simulators.send_signal(signal.SIGTERM)
        simulators.communicate(timeout=30)
    assert simulators.returncode == 0


def test_a_trip_leaves_no_action_without_an_answer(running: WarmCommand, colour: Path, tmp_path: Path):
    """What the arm had begun has failed, by its own word: nothing is guessed, and nothing stays in doubt."""
    reader = JournalReader.open(tmp_path)
    campaign = reader.campaign().id
    until(lambda: bool(reader.intents(campaign)), "the first action")
    autolab("stop", "--now", data=tmp_path)
    running.communicate(timeout=60)
    intents, trials = reader.intents(campaign), reader.trials(campaign)
    reader.close()
    assert [intent.state for intent in intents if intent.state == "intended"] == []
    assert trials[0].state is not TrialState.IN_DOUBT


def test_hardware_is_refused_as_long_as_no_relay_of_it_is_driven(colour: Path, tmp_path: Path):
    refused = autolab("run", colour, data=tmp_path)
    assert refused.returncode == 2
    assert "'power' works with --simulate of all devices only" in refused.stderr


def test_check_says_what_each_device_does_without_power_and_where_nothing_takes_it_away(colour: Path):
    said = autolab("check", colour, data=Path("unused")).stdout
    assert "arm: without power it stops where it is; the gripper keeps what it holds" in said
    said = autolab("check", EXAMPLES / "replay" / "lab.yaml", data=Path("unused")).stdout
    assert "nothing takes the power of its devices away" in said


def test_a_device_whose_simulator_does_not_say_what_it_does_without_power_is_refused(tmp_path: Path):
    campaign = powered(tmp_path, "power: {devices: [arm, spectrometer]}")
    for command in (("check", campaign), ("run", campaign, "--simulate")):
        refused = autolab(*command, data=tmp_path / "data")
        assert refused.returncode == 2
        assert "spectrometer: its simulator does not say what it does without power" in refused.stderr


def test_a_stop_without_a_relay_needs_the_campaign(tmp_path: Path):
    refused = autolab("stop", "--now", data=tmp_path)
    assert refused.returncode == 2
    assert "name the campaign" in refused.stderr
