"""Campaigns from the command line, by real processes: what is said, what is left, and how they stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

from tests.cli.running import COMMAND, autolab, clean_environment

ROOT = Path(__file__).parents[2]
CAMPAIGN = str(ROOT / "examples" / "colour" / "campaign.yaml")
LAB = str(ROOT / "examples" / "colour" / "lab.yaml")
FAST = ("--simulate", "--virtual", "--engine", "sobol", "--trials", "4", "--seed", "3")


class Started:
    """A command that runs in a process group of its own, as at a terminal, with what it has said so far."""

    def __init__(self, *words: str, cwd: Path) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *words], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=clean_environment(), start_new_session=True,
        )  # fmt: skip
        self.lines: list[str] = []
        self._more = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._more:
                self.lines.append(line.rstrip())
                self._more.notify_all()
        with self._more:
            self._ended = True
            self._more.notify_all()

    def wait_for(self, text: str, seconds: float = 60) -> None:
        with self._more:
            self._more.wait_for(lambda: self._ended or any(text in line for line in self.lines), seconds)
        assert any(text in line for line in self.lines), f"{text!r} was not said:\n" + "\n".join(self.lines)

    def ctrl_c(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self, seconds: float = 60) -> int:
        code = self.process.wait(seconds)
        self._reader.join(seconds)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.end()
        if self.process.stdout is not None:
            self.process.stdout.close()


def test_a_campaign_answers_a_program_with_one_json_object(tmp_path: Path) -> None:
    done = autolab("run", CAMPAIGN, *FAST, "--data", "data", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert (answer["state"], answer["exit_code"], answer["trials"], answer["realm"]) == ("finished", 0, 4, "simulated")
    assert (tmp_path / answer["report"]).read_text().startswith("<!doctype html>")


def test_a_campaign_says_its_recipe_with_units_its_report_and_what_to_do_next(tmp_path: Path) -> None:
    text = Path(CAMPAIGN).read_text().replace("{goal: minimize}", "{goal: minimize, target: 0.1}")
    (tmp_path / "campaign.yaml").write_text(text)
    (tmp_path / "lab.yaml").write_bytes(Path(CAMPAIGN).with_name("lab.yaml").read_bytes())
    done = autolab("run", "campaign.yaml", *FAST, "--data", "data", cwd=tmp_path)
    assert done.returncode == 0
    for part in ("(SIMULATED): finished, 4 trials with an outcome", "Best recipe, of trial ", " µL\n", " s\n",
                 "(target at most 0.1: not met)", "Report: data/reports/", "Next: autolab show "):  # fmt: skip
        assert part in done.stdout
    assert "SIMULATED, lab colour-bench, engine sobol, seed 3" in done.stderr.splitlines()[0]
    assert [line.split(":")[0] for line in done.stderr.splitlines()[1:]] == [
        f"trial {n}" for n in (1, 1, 2, 2, 3, 3, 4, 4)
    ]


def test_simulators_alone_say_where_they_listen_until_ctrl_c(tmp_path: Path) -> None:
    simulators = Started("simulate", LAB, "--data", "data", cwd=tmp_path)
    try:
        simulators.wait_for("SIMULATED devices are ready. Press Ctrl-C to end them.")
        for device in ("stage", "dispenser", "arm", "spectrometer"):
            simulators.wait_for(f"{device} ")
        simulators.ctrl_c()
        assert simulators.end() == 0
    finally:
        simulators.close()


def test_the_demo_ends_with_a_recipe_and_a_report(tmp_path: Path) -> None:
    done = autolab("demo", "--trials", "3", cwd=tmp_path)
    assert done.returncode == 0
    assert "Best recipe, of trial " in done.stdout
    assert len(list((tmp_path / "autolab-data" / "reports").glob("*.html"))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["autolab-data"]
