"""Trials that people hand in while a campaign runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autolab.campaign.events import CampaignEvent, TrialStarted
from autolab.compose.injecting import inject_trial, values_of
from autolab.core.clock import VirtualClock
from autolab.core.constraints import Constraint
from autolab.core.errors import InputError
from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, RangeParameter
from autolab.core.principals import Principal
from autolab.core.problem import Space
from autolab.core.trials import TrialState
from autolab.journal.approvals import proposers
from autolab.journal.inbox import Inbox
from autolab.journal.journal import Journal
from tests.campaign.softlab import SoftLab
from tests.report.journals import write_journal

ANA = Principal("ana", "person")


class Handing:
    """Hands trials in when trial ``at`` begins."""

    def __init__(self, at: int, *points: dict[str, Any]) -> None:
        self.at, self.points = at, points
        self.lab: SoftLab | None = None
        self.requests: list[int] = []

    def notify(self, event: CampaignEvent) -> None:
        if self.lab is not None and isinstance(event, TrialStarted) and event.suggestion.trial == self.at:
            inbox = Inbox(self.lab.journal.states)
            for point in self.points:
                arguments = {"values": point, "because": "the centre, to see the noise"}
                self.requests.append(inbox.post("soft-1", "inject", arguments, ANA, "2026-11-22"))
                self.lab.desk.put(inbox.request(self.requests[-1]))

    def answers(self) -> list[str | None]:
        inbox = Inbox(self.lab.journal.states) if self.lab else None
        return [inbox.request(number).answer if inbox else None for number in self.requests]


def run(at: int, *points: dict[str, Any], **more: Any) -> tuple[SoftLab, Handing]:
    handing = Handing(at, *points)
    lab = SoftLab(observers=(handing,), **more)
    handing.lab = lab
    lab.run()
    return lab, handing


def test_it_takes_the_next_number_is_run_recorded_with_its_person_and_learned_from() -> None:
    lab, handing = run(1, {"x": 0.123}, trials=5)
    trials = lab.trials_of()
    (ours,) = [trial for trial in trials if trial.suggestion.engine == "person"]
    assert handing.answers() == [f"it is trial {ours.number} of soft-1, and was screened like any other"]
    assert len(trials) == 5  # within the budget
    assert ours.number in (2, 3)
    assert (ours.state, ours.suggestion.values) == (TrialState.INGESTED, {"x": 0.123})
    assert ours.suggestion.reason == "ana: the centre, to see the noise"
    assert ours.verdict is not None
    assert ours.verdict.decision == "allowed"
    (done,) = lab.reader.interventions("soft-1")
    assert (done.trial, done.principal, done.cause) == (ours.number, "ana", "inject")
    assert ANA in proposers(lab.journal, "soft-1", ours.number)  # and so may not approve it
    last = lab.proposer.requests[-1]
    seen = {observation.trial: observation for observation in last.observations}
    assert seen[ours.number].values == {"x": 0.123}
    assert seen[ours.number].outcome is not None
    assert [request.trial for request in lab.proposer.requests] == [n for n in range(1, 6) if n != ours.number]


def test_several_are_taken_in_their_order() -> None:
    lab, _ = run(1, {"x": 0.1}, {"x": 0.2}, trials=6)
    ours = [trial.suggestion.values["x"] for trial in lab.trials_of() if trial.suggestion.engine == "person"]
    assert ours == [0.1, 0.2]


def test_one_that_is_no_point_of_the_space_is_refused_and_uses_no_trial() -> None:
    lab, handing = run(1, {"x": 7.0}, {"y": 0.5}, trials=3)
    assert [trial.suggestion.engine for trial in lab.trials_of()] == ["line"] * 3
    assert handing.answers() == [
        "refused: x = 7.0 is outside what the parameter allows",
        "refused: parameter 'x' is missing; 'y' is not a parameter",
    ]


def test_beyond_the_budget_it_is_refused() -> None:
    lab, handing = run(3, {"x": 0.5}, trials=3)
    assert len(lab.trials_of()) == 3
    assert handing.answers() == [
        "refused: the budget of 3 trials is used up: raise it in the campaign file, then resume"
    ]


def test_for_a_campaign_that_is_paused_it_is_kept_for_the_resume(tmp_path: Path) -> None:
    campaign = write_journal(tmp_path, trials=2, ended=False)
    journal = Journal(tmp_path, VirtualClock())
    journal.end_campaign(campaign, "paused", "Ctrl-C", None)
    words = ["cyan=100 uL", "magenta=20", "yellow=0", "mixing_time=5", "cycles=2", "solvent=water"]
    said = inject_trial(tmp_path, "teal", words, "the centre", ANA)
    assert said == (
        f"{campaign} is paused: the trial that ana hands in is kept, and 'autolab resume {campaign}' applies it"
    )
    (request,) = Inbox(journal.states).waiting(campaign)
    journal.close()
    assert (request.verb, request.principal, request.arguments["because"]) == ("inject", ANA, "the centre")
    assert request.arguments["values"]["cyan"] == 100.0


SPACE = Space(
    (
        RangeParameter("cyan", 0.0, 300.0, "uL", step=10.0),
        IntegerParameter("cycles", 1, 5),
        ChoiceParameter("solvent", ("water", "ethanol")),
        ChoiceParameter("grade", (1, 2.5), ordered=True),
        ChoiceParameter("stir", (True, False)),
        FixedParameter("lid", "closed"),
    ),
    (Constraint("cyan >= 20 * cycles"),),
)
GOOD = ["cyan=0.1 mL", "cycles=2", "solvent=ethanol", "grade=2.5", "stir=false"]


def test_values_are_read_with_their_units_and_in_their_types() -> None:
    values = values_of(SPACE, GOOD)
    assert values == {"cyan": 100.0, "cycles": 2, "solvent": "ethanol", "grade": 2.5, "stir": False, "lid": "closed"}
    assert [type(value) for value in values.values()] == [float, int, str, float, bool, str]


@pytest.mark.parametrize(
    ("instead", "message"),
    [
        ("cyan", "'cyan' is no value: write NAME=VALUE, such as cyan=20 or 'cyan=20 uL'"),
        ("cyn=20", "'cyn' is not a parameter: did you mean 'cyan'?"),
        ("cyan=900", "cyan: 900 is outside [0, 300] uL"),
        ("cyan=nan", "cyan: nan is outside [0, 300] uL"),
        ("cyan=104", "cyan: 104 is not on its grid: the nearest value is 100"),
        ("cyan=20 degC", "cyan: '20 degC'"),
        ("cyan=lots", "cyan: "),
        ("cyan=30", "constraint 'cyan >= 20 * cycles' does not hold"),
        ("cycles=2.6", "cycles: 2.6 is not on its grid: the nearest value is 3"),
        ("solvent=acetone", "solvent: 'acetone' is none of water, ethanol"),
        ("stir=1", "stir: '1' is none of true, false"),
        ("lid=open", "lid: 'open' is none of closed"),
    ],
)
def test_a_bad_value_is_refused_with_a_sentence(instead: str, message: str) -> None:
    name = instead.split("=")[0].replace("cyn", "cyan")
    words = [word for word in GOOD if not word.startswith(f"{name}=")]
    with pytest.raises(InputError) as caught:
        values_of(SPACE, [*words, instead])
    assert str(caught.value).startswith(message)


def test_a_value_that_is_missing_or_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match="and solvent and grade are missing: add solvent=VALUE"):
        values_of(SPACE, GOOD[:2] + GOOD[4:])
    with pytest.raises(InputError, match="cyan is given twice"):
        values_of(SPACE, [*GOOD, "cyan=20"])


def test_it_needs_a_reason_and_a_campaign_that_can_go_on(tmp_path: Path) -> None:
    write_journal(tmp_path, trials=2)
    with pytest.raises(InputError, match="--because: say why"):
        inject_trial(tmp_path, "teal", ["cyan=20"], " ", ANA)
    with pytest.raises(InputError, match=r"has finished: hand the trial to a campaign that runs or is paused"):
        inject_trial(tmp_path, "teal", ["cyan=20"], "to see", ANA)
