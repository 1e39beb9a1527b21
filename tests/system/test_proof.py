"""The proof test of a lab, by the command: from simulated sensors to the relay, with a record and an exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autolab.journal.reader import JournalReader
from tests.compose.files import EXAMPLES, example
from tests.system.command import autolab

RULES = """\
power: {devices: [arm, dispenser, stage]}
signals: {arm.holding: {allowed: ['', strip-1]}, stage.position: {min: -1 mm, max: 301 mm}}
interlocks:
  - {name: far, when: stage.position > 15 cm, effect: trip, why: it hits the hood, stale_after: 1 s}
  - {name: runs, when: rate(stage.position over 200 ms) > 1 m/s, effect: trip, why: it runs away, stale_after: 1 s}
  - {name: empty, when: arm.holding == '', effect: permissive, of: [stage], why: a strip falls, stale_after: 1 s}
safe_state: [{device: arm, do: stop}, {set: stage.velocity, to: 2 mm/s}]
"""
NO_RULES = "interlocks: []\nsafe_state: []\n"
RELAY = {
    "the controller is killed",
    "the controller hangs",
    "the emergency stop is pressed",
    "the watchdog is killed",
    "the watchdog hangs (the relay's dead-man)",
}


def lab(folder: Path, rules: str) -> Path:
    return example("colour", folder, {"lab.yaml": (NO_RULES, rules)}).with_name("lab.yaml")


def test_each_path_of_a_lab_is_exercised_and_recorded(tmp_path: Path):
    done = autolab("safety", "proof-test", lab(tmp_path, RULES), "--json", data=tmp_path / "data")
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    paths = {(path["rule"], path["cause"]): path for path in found["paths"]}
    assert found["passed"] is True
    assert all(path["passed"] for path in paths.values())
    assert {cause for rule, cause in paths if rule == "relay"} == RELAY
    assert {cause for rule, cause in paths if rule != "relay"} == {
        "stage.position reads 151 mm",
        "stage.position reads what is no value",
        "stage.position reads -1 mm, then stage.position reads 301 mm",
        "stage does not answer (runs too)",
        "arm.holding reads 'strip-1'",
        "arm.holding reads what is no value",
        "arm does not answer",
    }
    trip = paths["far", "stage.position reads 151 mm"]
    assert trip["seen"] == "latched; writes and reset refused; safe state: 2 of 2 steps"
    assert 0.0 < trip["latch_ms"] <= trip["power_ms"] < 2000.0
    reader = JournalReader.open(tmp_path / "data")
    (test,) = reader.states.rows("SELECT * FROM proof_tests")
    rows = reader.states.rows("SELECT * FROM proof_paths WHERE test = ?", (test["id"],))
    reader.close()
    assert (test["lab"], test["lab_hash"], test["passed"]) == ("colour-bench", found["lab_hash"], 1)
    assert [row["cause"] for row in rows] == [path["cause"] for path in found["paths"]]
    assert not (tmp_path / "data" / "safety").exists(), "the lab's own latches are not touched"


def test_a_path_that_cannot_be_exercised_fails(tmp_path: Path):
    """The dispenser's simulator takes no forced readings: nobody knows whether the rule works."""
    rule = "{name: much, when: dispenser.dispensed > 200 uL, effect: alarm, why: it spills, stale_after: 1 s}"
    rules = f"signals: {{dispenser.dispensed: {{min: 0 uL, max: 300 uL}}}}\ninterlocks: [{rule}]\nsafe_state: []\n"
    done = autolab("safety", "proof-test", lab(tmp_path, rules), data=tmp_path / "data")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "- 2 paths (much: dispenser.dispensed reads 201 uL; much: dispenser.dispensed reads what" in done.stderr
    assert "): not exercised: dispenser.dispensed: a simulator at" in done.stderr
    assert "Proof test of colour-bench on " in done.stdout


def test_a_lab_with_nothing_to_test_says_so(tmp_path: Path):
    done = autolab("safety", "proof-test", EXAMPLES / "colour" / "lab.yaml", data=tmp_path)
    assert (done.returncode, done.stdout) == (
        0,
        "colour-bench: nothing to test: it declares no interlocks and no 'power'\n",
    )


def test_hardware_is_not_tested_and_that_is_said(tmp_path: Path):
    file = lab(tmp_path, RULES)
    file.write_text(file.read_text().replace("    simulator: {class: simulators.motion.StageServer}\n", ""))
    done = autolab("safety", "proof-test", file, data=tmp_path)
    assert done.returncode == 2
    assert "stage: this version exercises simulated sensors only, and it has no 'simulator'" in done.stderr


def test_the_page_says_what_the_rules_do(tmp_path: Path):
    file = lab(tmp_path, RULES)
    said = autolab("safety", "page", file, data=tmp_path).stdout
    assert said.startswith("# Interlocks of colour-bench\n")
    assert "- **acts when:** stage.position is above 15 cm" in said
    written = autolab("safety", "page", file, "--out", tmp_path / "page.md", data=tmp_path)
    assert written.returncode == 0, written.stderr
    assert (tmp_path / "page.md").read_text() == said
    assert autolab("safety", "page", file, "--out", tmp_path, data=tmp_path).returncode == 6
