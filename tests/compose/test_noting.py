"""What a check says of a campaign's goal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from autolab.compose.noting import goal_notes
from autolab.compose.resuming import note_rules_of_people
from autolab.config.campaign import load_campaign
from autolab.core.avoidances import Avoidance
from autolab.core.clock import VirtualClock
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from tests.report.journals import PROBLEM, write_journal

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


def test_a_resume_records_which_rules_have_expired_meanwhile(tmp_path: Path) -> None:
    foams = Avoidance("cycles > 4", "cycles <= 4", "foams", "ana", "2026-12-31")
    always_gone = replace(foams, avoid="cycles < 2")
    data = tmp_path / "data"
    data.mkdir()
    write_journal(data, trials=2, problem=replace(PROBLEM, avoided=(foams,), lapsed=(always_gone,)))
    campaign = load_campaign(ROOT / "examples/replay/campaign.yaml")
    gone = replace(campaign, problem=replace(campaign.problem, lapsed=(foams, always_gone)))
    journal = Journal(data, VirtualClock())
    reader = JournalReader(journal.states, journal.documents)
    note_rules_of_people(journal, reader.campaign(), campaign)
    note_rules_of_people(journal, reader.campaign(), gone)
    said = [done.detail for done in reader.interventions(reader.campaign().id) if done.cause == "rule"]
    journal.close()
    assert said == ["it has expired: avoid cycles > 4 until 2026-12-31: foams (ana)"]
