"""A bypass by the commands, with real keys: a campaign runs with it, and trips when it ends."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from autolab.journal.keys import make_personal_key
from autolab.journal.reader import JournalReader
from tests.compose.files import example
from tests.rigs import until
from tests.system.command import autolab, line_with, started

RULE = "{name: far, when: stage.position > 15 cm, effect: trip, why: it hits the hood}"
STAYS = """\
import bluesky.plan_stubs as bps

from plans.conventions import Microlitres, Seconds


def stays(
    stage, spectrometer, *, cyan: Microlitres, magenta: Microlitres, yellow: Microlitres, mixing_time: Seconds, md=None
):
    yield from bps.mv(stage, 290.0)
    yield from bps.sleep(600.0)
"""


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A campaign whose plan goes where an interlock trips, and stays there."""
    monkeypatch.setenv("AUTOLAB_KEYS", str(tmp_path / "keys"))
    names = ("alice", "bob")
    people = ", ".join(f"{name}: {{key: {make_personal_key(name)}, may: [bypass, reset]}}" for name in names)
    text = f"interlocks: [{RULE}]\nsafe_state: [{{device: arm, do: stop}}]\npeople: {{{people}}}\npackages: [bench]\n"
    file = example("colour", tmp_path, {"lab.yaml": ("interlocks: []\nsafe_state: []\n", text)})
    file.write_text(file.read_text().replace("plans.colour.mix_and_measure", "bench.moves.stays"))
    (file.parent / "bench").mkdir()
    (file.parent / "bench" / "__init__.py").write_text("")
    (file.parent / "bench" / "moves.py").write_text(STAYS)
    return file


def test_a_bypass_lets_a_campaign_run_and_its_end_trips_it(campaign: Path, tmp_path: Path):
    lab, data = campaign.with_name("lab.yaml"), tmp_path / "data"
    words = ("--for", "30min", "--because", "the sensor is swapped", "--instead", "a person watches")

    def bypass() -> None:
        asked = autolab("bypass", lab, "far", *words, "--as", "alice", data=data)
        assert asked.returncode == 0, asked.stderr
        assert autolab("bypass", "approve", lab, "far", "--as", "bob", data=data).returncode == 0

    bypass()
    simulators = started("simulate", lab, "--time-factor", 100, data=data)
    try:
        until(lambda: (data / "simulators" / "colour-bench" / "endpoints.json").exists(), "the simulators")
        options = ("--simulate", "--trials", 1, "--seed", 1, "--engine", "random", "--as", "alice")
        process = started("run", campaign, *options, data=data)
        assert "far until " in line_with(process, "BYPASSED")
        assert "interlock far: stage.position > 150 mm holds" in line_with(process, "Note: BYPASSED")
        status = json.loads(autolab("status", "--json", data=data).stdout)
        assert (status["state"], [item["rule"] for item in status["bypasses"]]) == ("running", ["far"])
        assert "BYPASSED: far until " in autolab("status", data=data).stdout
        assert "far until " in autolab("safety", "page", lab, data=data).stdout

        ended = autolab("bypass", "end", lab, "far", "--as", "bob", data=data)
        assert ended.stdout == "far is not bypassed any more\n", ended.stderr
        out, err = process.communicate(timeout=60)
        assert process.returncode == 3, out + err
        shown = autolab("status", data=data).stdout
        first, then = shown.index("BYPASSED: interlock far"), shown.index("TRIP: interlock far")
        assert first < then, "what was first stays first"

        refused = autolab("reset", lab, "--because", "it looks fine", "--as", "bob", data=data)
        assert refused.returncode == 3
        assert "colour-bench is not reset: interlock far: stage.position > 150 mm holds" in refused.stderr
        bypass()
        reset = autolab("reset", lab, "--because", "a person watches", "--as", "bob", data=data)
        assert reset.returncode == 0, reset.stderr
    finally:
        simulators.send_signal(signal.SIGTERM)
        simulators.communicate(timeout=30)
    reader = JournalReader.open(data)
    said = [done.detail for done in reader.interventions(reader.campaign().id) if done.cause == "bypass"]
    reader.close()
    assert [detail.partition(":")[0] for detail in said] == ["in force", "over"]
