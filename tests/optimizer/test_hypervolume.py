"""The proof of two objectives: what its figures say of planted cells, and that no cell is run twice."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autolab.core.front import hypervolume
from benchmarks.fronts import branin_currin, case, dtlz2, zdt2
from benchmarks.hypervolume import figures, main, page


def cell(problem: str, arm: str, seed: int, reached: float) -> dict[str, Any]:
    """One trial that covers the square from ``1 - reached`` to 1."""
    where = {"problem": problem, "arm": arm, "seed": seed, "cpu_s": 2.0, "r2": None}
    return {**where, "losses": [[1.0 - reached, 1.0 - reached]], "reference": [1.0, 1.0], "best": 1.0}


def test_a_planted_difference_is_found_with_its_interval_and_what_is_behind_is_said() -> None:
    rows = [cell("a", "ours:botorch", seed, 0.9) for seed in range(5)] + [
        cell("a", "ax", seed, 0.8) for seed in range(5)
    ]
    rows += [cell("b", "ours:botorch", seed, 0.5) for seed in range(5)] + [
        cell("b", "ax", seed, 0.6) for seed in range(5)
    ]
    lines = list(figures(rows))
    assert "| a | ours:botorch | 5 | 0.8100 (0.8100 to 0.8100) | 2 |" in lines
    assert "| a | 5 | 0.1700 (0.1700 to 0.1700) | shown |" in lines
    assert "| b | 5 | -0.1100 (-0.1100 to -0.1100) | NOT shown |" in lines
    assert lines[-1] == "Mean over the problems: 0.0300 (0.0300 to 0.0300)."
    assert "| a | 4 | 0.1700 (0.1700 to 0.1700) | NOT shown: too few seeds |" in figures([r for r in rows if r["seed"]])
    assert "20 of 30 cells were run; the rest was interrupted." in page(rows, 30, "2026-01-31")


def test_the_problems_have_the_fronts_of_their_papers() -> None:
    along = np.array([0.3, 0.0, 0.0, 0.0, 0.0])
    assert zdt2(along) == pytest.approx((0.3, 1 - 0.3**2))
    assert math.hypot(*dtlz2(np.array([0.3, 0.5, 0.5, 0.5, 0.5]))) == pytest.approx(1.0)
    assert branin_currin(np.array([0.5428, 0.1517])) == pytest.approx((0.3979, 11.0), abs=0.05)
    made = case("branin-currin", Path())
    some = made.front[:: len(made.front) // 40]
    assert hypervolume(some, (18.0, 6.0)) == pytest.approx(59.36, rel=0.03)  # BoTorch's figure for all of it
    assert hypervolume(some, made.reference) == pytest.approx(made.best, rel=0.03)


def test_a_run_goes_on_where_it_was_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--out", str(tmp_path), "--problems", "zdt2", "--arms", "sobol", "--seeds", "2", "--trials", "6"]
    monkeypatch.setattr(sys, "argv", ["hypervolume", *words])
    main()
    assert capsys.readouterr().out.startswith("2 cells, 2 to run")
    file = tmp_path / "cells.jsonl"
    first = file.read_text().splitlines()
    file.write_text(first[0] + "\n" + first[1][:40])  # cut off in the middle of a line
    main()
    assert capsys.readouterr().out.startswith("2 cells, 1 to run")
    again = [json.loads(line) for line in file.read_text().splitlines() if line.endswith("}")]
    assert [row["losses"] for row in again] == [json.loads(line)["losses"] for line in first]
