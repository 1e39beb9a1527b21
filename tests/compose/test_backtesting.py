"""Whole backtests: what is refused, what is said, and that the same files and seed give the same answer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from autolab.cli.entry import _data_folder
from autolab.compose.backtesting import BacktestOptions, backtest
from autolab.core.backtests import Backtest
from autolab.core.errors import InputError
from tests.cli.running import autolab

CAMPAIGN = """\
name: bowl
lab: nowhere.yaml
parameters:
  x: {bounds: [0, 9], unit: mm, step: 1}
  k: {choices: [u, v]}
objectives:
  y: {goal: minimize, target: TARGET, unit: V}
plan: plans.replay.measure
reduce: plans.replay.measured
budget: {trials: 30}
engine: sobol
seed: 5
"""
OPTIONS = BacktestOptions(against=("random", "sobol"), seeds=3, trials=8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "c.yaml").write_text(CAMPAIGN.replace("TARGET", "1.5"))
    rows = [f"{x},{k},{(x - 6) ** 2 + (k == 'v') + 0.1 * r}" for x in range(10) for k in "uv" for r in (0, 1)]
    (tmp_path / "t.csv").write_text("\n".join(["x [mm],k,y [V]", *rows, "12,u,3"]))
    return tmp_path


def run(folder: Path, options: BacktestOptions) -> Backtest:
    return backtest(folder / "c.yaml", folder / "t.csv", options, lambda _, __: None)


def sha(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def refused(folder: Path, options: BacktestOptions) -> str:
    with pytest.raises(InputError) as caught:
        run(folder, options)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (replace(OPTIONS, against=("sobl",)), "--against sobl: there is no such engine: did you mean 'sobol'?"),
        (replace(OPTIONS, seeds=0), "--seeds 0: it must be from 1 to 1000"),
        (replace(OPTIONS, jobs=65), "--jobs 65: it must be from 1 to 64"),
        (replace(OPTIONS, trials=0), "--trials 0: it must be at least 1"),
        (replace(OPTIONS, seed=-1), "--seed -1: it must be a whole number of at least 0, below 2**63"),
        (replace(OPTIONS, least_r2=float("nan")), "--least-r2 nan: it must be a number of at most 1"),
        (
            replace(OPTIONS, trials=21),
            "--trials 21: the table has 20 conditions, and each is tested once at most: ask for at most 20, or use "
            "--emulator",
        ),
    ],
    ids=["engine", "seeds", "jobs", "no trials", "seed", "accuracy", "trials"],
)
def test_numbers_and_names_that_mean_nothing_are_refused(folder: Path, options: BacktestOptions, message: str) -> None:
    assert refused(folder, options) == message


def test_a_table_of_one_row_is_refused_with_its_name(folder: Path) -> None:
    (folder / "t.csv").write_text("x,k,y\n1,u,2\n11,u,2\n")
    assert refused(folder, OPTIONS) == (
        "t.csv: a backtest needs at least 5 different conditions, and there is 1; 1 row is outside the space and left "
        "out (first in line 3: x = 11 mm is above 9)"
    )


def test_an_emulator_that_foretells_nothing_is_refused_with_its_accuracy(folder: Path) -> None:
    rows = [f"{x},{k},{(x * 7919 + 31 * (k == 'v')) ** 2 % 17}" for x in range(10) for k in "uv"]
    (folder / "t.csv").write_text("\n".join(["x,k,y", *rows]))
    said = refused(folder, replace(OPTIONS, emulator="gp"))
    assert said.startswith("--emulator gp: it explains too little of y in conditions that it has not seen: R2 ")
    assert "and at least 0.5 is wanted (RMSE " in said


def test_the_command_answers_programs_and_the_same_seed_gives_the_same_bytes(folder: Path) -> None:
    words = ("backtest", "c.yaml", "--data", "t.csv", "--against", "random,sobol", "--seeds", "3", "--json", "-o")
    first = autolab(*words, "a.html", cwd=folder)
    second = autolab(*words, "a.html", "--jobs", "2", cwd=folder)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == second.stdout
    found = json.loads(first.stdout)
    assert (found["campaign"], found["trials"], found["rows"], found["rows_read"]) == ("bowl", 20, 40, 41)
    assert found["reference"] == "random"
    assert found["notes"] == [
        "1 row is outside the space and left out (first in line 42: x = 12 mm is above 9)",
        "the budget of 30 trials is cut to the 20 conditions of the table",
    ]
    random, sobol = found["engines"]
    assert random["regret"][-1] == {"value": 0.0, "low": 0.0, "high": 0.0}, "all 20 conditions were tested"
    assert [goal["goal"] for goal in sobol["goals"]] == ["target", "top 1 %", "top 5 %"]
    assert sorted(path.name for path in folder.iterdir()) == ["a.html", "c.yaml", "t.csv"]


def test_another_seed_makes_other_campaigns_and_a_target_out_of_reach_is_said(folder: Path) -> None:
    (folder / "c.yaml").write_text(CAMPAIGN.replace("TARGET", "-1"))
    one, other = (run(folder, replace(OPTIONS, seed=seed)) for seed in (1, 2))
    assert one.engines != other.engines
    assert "the target is better than anything in the data: no engine can reach it" in one.notes
    assert one.engines[1].goals[0].reached == 0
    assert one.engines[1].goals[0].experiments.value == 8.0
    assert one.engines[1].goals[0].acceleration is None


def test_earlier_data_of_the_campaign_are_learned_from_and_named(folder: Path) -> None:
    bowl = {(x, k): (x - 6) ** 2 + 9 * (k == "v") for x in range(10) for k in "uv"}
    for name, factor, offset in (("t.csv", 1, 0), ("old.csv", 2, 7)):
        rows = [f"{x},{k},{offset + factor * y}" for (x, k), y in bowl.items()]
        (folder / name).write_text("\n".join(["x,k,y", *rows]))
    names = [f"{each}: 20 outcomes (SHA-256 {sha(folder / each)})" for each in ("old.csv", "t.csv")]
    file = folder / "c.yaml"
    learning = file.read_text().replace("engine: sobol", "engine: {name: lean, initial: 4}")
    file.write_text(learning + "earlier: [old.csv, t.csv]\n")
    helped = run(folder, replace(OPTIONS, against=("lean",), trials=6))
    assert [note for note in helped.notes if "learn" in note] == [
        *(f"engines that learn do so from earlier data too, {name}" for name in names),
        "t.csv is the table itself: who learns from it knows the answers before they are given",
    ]
    assert helped.engines[0].regret[3].value > 0.0
    assert helped.engines[0].regret[5].value == 0.0  # at the first suggestion that may be judged by four outcomes


def test_a_table_that_is_not_there_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(CAMPAIGN.replace("TARGET", "1"))
    done = autolab("backtest", "c.yaml", "--data", "no.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "no.csv: the table cannot be read: No such file or directory\n"
    assert [path.name for path in tmp_path.iterdir()] == ["c.yaml"]


def test_the_log_of_an_internal_error_goes_to_no_folder_named_like_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOLAB_DATA", raising=False)
    assert _data_folder(["backtest", "c.yaml", "--data", "t.csv"]) == Path("autolab-data")
    assert _data_folder(["list", "--data", "d"]) == Path("d")
