"""Several campaigns on one page: which is best, whether that can be told apart, and in what they differ."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autolab.core.errors import InputError
from autolab.core.objectives import Objective
from autolab.core.problem import Problem
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord
from autolab.report.comparison import compare
from tests.report.journals import PROBLEM, write_journal

Change = Callable[[CampaignRecord], CampaignRecord]


def compared(folder: Path, *changes: Change) -> str:
    """What a person reads of the comparison of campaigns with seeds 1, 2 …, each changed as it is read."""
    for seed, _ in enumerate(changes, 1):
        write_journal(folder, campaign=f"run-{seed}", key=f"key{seed}", seed=seed, trials=5)
    reader = JournalReader.open(folder)
    try:
        campaigns = [change(reader.campaign(f"run-{seed}")) for seed, change in enumerate(changes, 1)]
        html = compare(reader, campaigns)
    finally:
        reader.close()
    body = re.sub(r"<(script|style).*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def same(record: CampaignRecord) -> CampaignRecord:
    return record


def believed(mean: float, sem: float | None) -> Change:
    def change(record: CampaignRecord) -> CampaignRecord:
        assert record.recommendation is not None
        return replace(record, recommendation=replace(record.recommendation, mean=mean, sem=sem))

    return change


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ((2.3, 0.2), "no more apart than two standard errors of the difference."),
        ((2.9, 0.2), "more apart than two standard errors of the difference."),
        ((2.9, None), "not all standard errors are known."),
    ],
)
def test_the_best_two_are_told_apart_only_by_more_than_their_errors(
    tmp_path: Path, second: tuple[float, float | None], said: str
) -> None:
    text = compared(tmp_path, believed(*second), believed(2.0, 0.2))
    assert "The best is run-2 with 2.00 ± 0.20, by trial" in text
    tail = text[text.index("The next is run-1") :]
    assert tail[: tail.index(said) + len(said)].count(".") <= 5
    assert ("no more apart" in text) is said.startswith("no more")


def test_what_differs_is_listed_and_what_is_the_same_is_not(tmp_path: Path) -> None:
    text = compared(tmp_path, same, lambda record: replace(record, lanes=3))
    differences = text[text.index("In what they differ") :]
    assert "seed 1 2" in differences
    assert "lanes 1 3" in differences
    assert "engine" not in differences


def test_simulated_and_physical_campaigns_are_told_apart(tmp_path: Path) -> None:
    text = compared(tmp_path, same, lambda record: replace(record, realm="physical"))
    assert "PHYSICAL · SIMULATED Not all numbers below come from hardware" in text


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (Objective("turbidity", "minimize"), "is to minimize colour_distance, and run-2 to minimize turbidity"),
        (Objective("colour_distance", "maximize"), "and run-2 to maximize colour_distance: compare campaigns of one"),
        (Objective("colour_distance", "minimize", unit="mL"), "and run-2 to minimize colour_distance in mL"),
    ],
)
def test_campaigns_of_different_goals_are_refused(tmp_path: Path, other: Objective, said: str) -> None:
    posed = replace(PROBLEM, objective=other)
    with pytest.raises(InputError, match=re.escape(said)):
        compared(tmp_path, same, lambda record: replace(record, problem=posed))


def test_a_front_a_campaign_named_twice_and_too_many_are_refused(tmp_path: Path) -> None:
    front = Problem(PROBLEM.space, PROBLEM.objective, (), (Objective("turbidity", "minimize", threshold=0.4),))
    with pytest.raises(InputError, match="campaign run-2 seeks a front of several objectives"):
        compared(tmp_path, same, lambda record: replace(record, problem=front))
    reader = JournalReader.open(tmp_path)
    one = reader.campaign("run-1")
    with pytest.raises(InputError, match="campaign run-1 is named twice"):
        compare(reader, [one, one])
    with pytest.raises(InputError, match="13 campaigns are too many for one page"):
        compare(reader, [replace(one, id=f"run-{n}") for n in range(13)])
    reader.close()
