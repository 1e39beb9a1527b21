"""What a check says of a campaign's goal."""

from __future__ import annotations

from pathlib import Path

from autolab.compose.noting import goal_notes
from autolab.config.campaign import load_campaign

ROOT = Path(__file__).parents[2]


def test_it_says_what_several_objectives_and_a_hard_bound_mean(tmp_path: Path) -> None:
    text = (ROOT / "examples/replay/campaign.yaml").read_text()
    goals = "objectives: {strength: {goal: maximize}, cost: {goal: minimize, threshold: 3}}\n"
    bound = 'outcome_constraints: [{keep: "pressure <= 3", hard: 0.05}]\n'
    path = tmp_path / "campaign.yaml"
    path.write_text(text.replace("objectives:\n  colour_distance: {goal: minimize}\n", goals + bound))
    assert goal_notes(load_campaign(path)) == [
        "strength and cost have no weights: the front is sought, the trials that no other one beats in all of them",
        "no 'threshold' for strength: what is still of interest is chosen from the outcomes",
        "pressure <= 3 is hard: no trial is proposed that is predicted to break it with more than 5 %, and the "
        "campaign pauses where there is no other; the first 5 outcomes come before any prediction",
    ]
    assert goal_notes(load_campaign(ROOT / "examples/replay/campaign.yaml")) == []
