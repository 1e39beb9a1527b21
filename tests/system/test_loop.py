"""The main job from one command: over real sockets, with real processes, and nothing left behind."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import psutil
import pytest

from autolab.config.lab import load_lab
from autolab.core.trials import TrialState
from autolab.journal.reader import JournalReader
from tests.compose.files import EXAMPLES, example
from tests.rigs import until
from tests.system.command import autolab, ctrl_c, line_with, started

COLOUR = EXAMPLES / "colour" / "campaign.yaml"
FAST = ("--simulate", "--time-factor", "300", "--engine", "random")


@pytest.mark.parametrize("lab", ["colour", "replay"])
def test_a_campaign_runs_from_its_files_over_real_protocols(lab: str, tmp_path: Path):
    """And shows the world that memory shows: noise is drawn from seed and place, not from transport or clock."""
    what = ("run", EXAMPLES / lab / "campaign.yaml", "--simulate", "--engine", "random", "--trials", 3, "--seed", 2)
    done = autolab(*what, "--time-factor", 300, data=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    reader, campaign, trials = _record(tmp_path, keep=True)
    assert [trial.state for trial in trials] == [TrialState.INGESTED] * 3
    assert (campaign.state, campaign.realm) == ("finished", "simulated")
    intents = reader.intents(campaign.id)
    assert intents
    assert all(intent.state == "done" for intent in intents)
    devices = reader.devices(campaign.id)
    assert all(device.serial_number for device in devices)
    reader.close()
    assert (tmp_path / "reports" / f"{campaign.id}.html").stat().st_size > 1_000_000
    assert autolab(*what, "--virtual", data=tmp_path / "memory").returncode == 0
    _, _, in_memory = _record(tmp_path / "memory")
    assert [trial.outcome for trial in in_memory] == [trial.outcome for trial in trials]


def test_a_run_attaches_to_running_simulators_and_uses_fresh_wells(tmp_path: Path):
    campaign = example("colour", tmp_path)
    lab = campaign.with_name("lab.yaml")
    simulators = started("simulate", lab, "--time-factor", 300, data=tmp_path)
    try:
        until(lambda: (tmp_path / "simulators" / "colour-bench" / "endpoints.json").exists(), "the simulators")
        for _ in range(2):
            done = autolab("run", campaign, "--simulate", "--engine", "random", "--trials", 2, data=tmp_path)
            assert done.returncode == 0, done.stderr
        refused = autolab("simulate", lab, data=tmp_path)
        assert refused.returncode == 2
        reader = JournalReader.open(tmp_path)
        wells = [trial.samples[0].well for c in reader.campaigns() for trial in reader.trials(c.id)]
        reader.close()
        assert wells == [0, 1, 2, 3]
    finally:
        simulators.send_signal(signal.SIGTERM)
        simulators.communicate(timeout=30)
    assert simulators.returncode == 0
    assert not (tmp_path / "simulators" / "colour-bench" / "endpoints.json").exists()


_TWO_TRIALS = ("--engine", "random", "--trials", 2, "--seed", 1)


def test_ctrl_c_once_pauses_before_the_next_action_and_a_resume_does_the_rest(tmp_path: Path):
    process = started("run", COLOUR, "--simulate", "--time-factor", 60, *_TWO_TRIALS, data=tmp_path)
    line_with(process, "trial 1:")
    ctrl_c(process)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 5, err
    assert "Pausing before the next action; press Ctrl-C again to stop at once." in err
    assert "paused by a person: interrupted (Ctrl-C)" in out
    assert "Go on: autolab resume teal-in-thirty-" in out
    assert "Traceback" not in out + err
    _, campaign, trials = _record(tmp_path)
    assert campaign.state == "paused"
    assert trials[0].state is TrialState.RUNNING
    resumed = autolab("resume", campaign.id, data=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    reader, campaign, trials = _record(tmp_path, keep=True)
    assert [trial.state for trial in trials] == [TrialState.INGESTED] * 2
    assert {intent.state for intent in reader.intents(campaign.id)} == {"done"}
    reader.close()
    again = autolab("resume", campaign.id, data=tmp_path)
    assert again.returncode == 2
    assert again.stderr.strip() == (
        f"{campaign.id} has finished (budget used up: 2 trials): there is nothing to resume"
    )


def test_ctrl_c_twice_stops_the_devices_and_ends_with_130(tmp_path: Path):
    process = started("run", COLOUR, "--simulate", "--time-factor", 2, "--engine", "random", data=tmp_path)
    line_with(process, "trial 1:")
    ctrl_c(process)
    line_with(process, "again")
    ctrl_c(process)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Stopping at once; the devices are brought to rest." in err
    assert "Traceback" not in err
    _, campaign, trials = _record(tmp_path)
    assert (campaign.state, trials[0].state) == ("paused", TrialState.RUNNING)


def test_sigterm_stops_the_devices_closes_the_run_and_leaves_nothing_running(tmp_path: Path):
    process = started("run", COLOUR, "--simulate", "--time-factor", 2, "--engine", "random", data=tmp_path)
    line_with(process, "trial 1:")
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 5
    until(lambda: _has_intents(tmp_path), "the run's first action")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 5, err
    assert "terminated (SIGTERM)" in out
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    reader, campaign, _ = _record(tmp_path, keep=True)
    documents = list(reader.documents(campaign.id, 1))
    reader.close()
    assert documents[-1][0] == "stop"
    assert documents[-1][1]["exit_status"] == "abort"


def test_simulators_end_with_a_killed_controller(tmp_path: Path):
    process = started("run", COLOUR, "--simulate", "--time-factor", 2, "--engine", "random", data=tmp_path)
    line_with(process, "trial 1:")
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate(timeout=30)
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []


def test_an_instrument_that_dies_ends_the_campaign_with_exit_code_4(tmp_path: Path):
    process = started("run", COLOUR, "--simulate", "--time-factor", 5, "--engine", "random", data=tmp_path)
    line_with(process, "trial 1:")
    arm = next(
        c
        for c in psutil.Process(process.pid).children(recursive=True)
        if c.status() != psutil.STATUS_ZOMBIE and '"device": "dispenser"' in " ".join(c.cmdline())
    )
    arm.kill()
    out, err = process.communicate(timeout=90)
    assert process.returncode == 4, err
    assert "dispenser" in out
    assert "see to the device, then resume" in out
    assert "Traceback" not in err
    _, campaign, trials = _record(tmp_path)
    assert campaign.state == "failed"
    assert trials[0].state is TrialState.IN_DOUBT, "nobody knows what became of its action"


def test_devices_that_do_not_answer_are_reported_together(tmp_path: Path):
    campaign = example("colour", tmp_path, {"lab.yaml": ("/dev/ttyUSB0", str(tmp_path / "no-such-line"))})
    done = autolab("run", campaign, data=tmp_path / "data")
    assert done.returncode == 4, done.stderr
    for device in ("stage", "dispenser", "arm", "spectrometer"):
        assert device in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(autolab("list", "--json", data=tmp_path / "data").stdout or "[]") == []


def test_a_port_in_use_is_refused_and_nothing_moves(tmp_path: Path):
    lab = example("colour", tmp_path).with_name("lab.yaml")
    first = started("simulate", lab, data=tmp_path / "one")
    try:
        until(lambda: (tmp_path / "one" / "simulators" / "colour-bench" / "endpoints.json").exists(), "the simulators")
        second = autolab("simulate", lab, data=tmp_path / "two")
    finally:
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=30)
    assert second.returncode == 2
    assert str(load_lab(lab).devices["arm"].at).rpartition(":")[2] in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1


def test_a_data_folder_without_the_right_to_write_ends_with_6(tmp_path: Path):
    (tmp_path / "file").write_text("")
    done = autolab("run", COLOUR, *FAST, data=tmp_path / "file" / "data")
    assert done.returncode == 6, done.stderr
    assert "choose a folder of yours with --data" in done.stderr


def test_a_journal_of_a_newer_version_is_left_alone(tmp_path: Path):
    import sqlite3

    with sqlite3.connect(tmp_path / "journal.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    before = (tmp_path / "journal.sqlite").read_bytes()
    done = autolab("run", COLOUR, *FAST, data=tmp_path)
    assert done.returncode == 6, done.stderr
    assert "written by a newer autolab (schema 99" in done.stderr
    assert (tmp_path / "journal.sqlite").read_bytes() == before


def _has_intents(data: Path) -> bool:
    reader, campaign, _ = _record(data, keep=True)
    found = bool(reader.intents(campaign.id))
    reader.close()
    return found


def _record(data: Path, keep: bool = False):
    reader = JournalReader.open(data)
    campaign = reader.campaign()
    trials = reader.trials(campaign.id)
    if not keep:
        reader.close()
    return reader, campaign, trials
