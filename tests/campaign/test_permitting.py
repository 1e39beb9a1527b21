"""Trials that wait for people: none runs without exactly the approval that it asks for, and the others go on."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from autolab.campaign.events import CampaignEvent, CampaignStarted, Noted, TrialEnded, TrialStarted
from autolab.campaign.setup import PermitRules
from autolab.core.approvals import Level, Proposal
from autolab.core.authority import NOBODY, Action, Signed, Statement, sign
from autolab.core.canonical import canonical_json
from autolab.core.clock import ScaledClock
from autolab.core.effects import Write
from autolab.core.envelope import RangeLimit
from autolab.core.errors import DeviceError
from autolab.core.faults import FaultKind, FaultPolicy
from autolab.core.principals import Principal
from autolab.core.trials import Realm, TrialState, Verdict
from autolab.journal.inbox import Inbox
from autolab.journal.journal import Journal
from safety.permits import statement_for
from safety.tiers import findings, tiered
from tests.campaign.softlab import SoftLab
from tests.safety.people import KEYS, LAB, NOW, approval

LIMITS = {"pump.amount": RangeLimit("pump.amount", 0.0, 1.0, "mL", proven=(0.4, 1.0))}
"""Trials pour 1, 1/2, 1/3, … mL: the first two lie in the proven region."""
Say = Callable[[Proposal], Iterable[tuple[str, Signed]]]
NONCES = itertools.count()


@dataclass
class Clock:
    """What people's clocks say."""

    date: datetime = NOW

    def now(self) -> datetime:
        return self.date


@dataclass
class People:
    """Say something of each trial that waits, as soon as it does, and pause the campaign where nothing else happens."""

    say: Say
    pause: bool = True
    lab: SoftLab | None = None
    clock: Clock = field(default_factory=Clock)
    asked: list[Proposal] = field(default_factory=list[Proposal])

    def notify(self, event: CampaignEvent) -> None:
        if not (isinstance(event, Noted) and " waits: " in event.text):
            return
        assert self.lab is not None
        waiting = [trial for trial in self.lab.trials_of() if trial.state is TrialState.AWAITING]
        proposal = waiting[-1].proposal
        assert proposal is not None
        self.asked.append(proposal)
        for verb, signed in self.say(proposal):
            post(self.lab, verb, proposal.trial, signed)
        if self.pause:
            self.lab.stop.request("nobody says more")


def post(lab: SoftLab, verb: str, trial: object, signed: Signed) -> None:
    inbox = Inbox(lab.journal.states)
    inbox.post("soft-1", verb, {"trial": trial, "signed": signed.to_json()}, signed.by, NOW.isoformat())
    for request in inbox.waiting("soft-1"):
        lab.desk.put(request)


def waiting_lab(
    say: Say = lambda proposal: (), *, level: Level = "routine", pause: bool = True, people: Any = LAB, **more: Any
) -> SoftLab:
    """A real realm whose proven region is smaller than its envelope."""
    told = People(say, pause)

    def judged(suggestion: Any, verdict: Verdict, _: Any) -> Verdict:
        effects = [Write("pump.amount", suggestion.values["x"])]
        return tiered(verdict, findings(effects, LIMITS, {"pump"}, Realm.PHYSICAL), level)

    rules = PermitRules(people, judged, envelope="e", plan_hash="p", lab=lambda: "m", now=told.clock.now)
    lab = SoftLab(permits=rules, observers=(told,), realm=Realm.PHYSICAL, **more)
    told.lab = lab
    return lab


def told(lab: SoftLab) -> People:
    return lab.observers[0]


def answers(lab: SoftLab) -> list[str]:
    return [row["answer"] for row in lab.journal.states.rows("SELECT answer FROM requests ORDER BY id")]


def states(lab: SoftLab) -> list[TrialState]:
    return [trial.state for trial in lab.trials_of()]


def test_inside_the_proven_region_nobody_is_asked():
    lab = waiting_lab(trials=2)
    assert lab.run().state == "finished"
    assert told(lab).asked == []


def test_outside_it_a_trial_waits_and_runs_when_another_person_has_approved_it():
    lab = waiting_lab(lambda p: [("approve", approval(p))], trials=3, pause=False)
    assert lab.run().state == "finished"
    trial = lab.trials_of()[2]
    assert [t.state for t in trial.transitions][1:4] == [
        TrialState.AWAITING, TrialState.SCREENED, TrialState.RUNNING,
    ]  # fmt: skip
    assert trial.verdict is not None
    assert trial.verdict.reasons == ("pump.amount = 0.333333: outside the proven region",)
    assert trial.transitions[2].detail == "approved by bob"
    interventions = [(i.trial, i.principal, i.cause) for i in lab.reader.interventions("soft-1")]
    assert interventions == [(3, "bob", "approve")]
    assert answers(lab) == ["trial 3 of soft-1 is approved by bob; it runs as soon as a lane is free"]
    assert len(lab.pump.poured) == 3


def test_who_is_asked_and_why_is_told_and_kept():
    lab = waiting_lab(trials=3)
    result = lab.run()
    notes = [event.text for event in lab.events if isinstance(event, Noted) and "waits" in event.text]
    assert notes == [
        "trial 3 of soft-1 waits: pump.amount = 0.333333: outside the proven region; 1 person has to approve it "
        "(bob, carol) with 'autolab approve soft-1 3 --as NAME'"
    ]
    proposal = lab.trials_of()[2].proposal
    assert proposal is not None
    assert proposal.parameters == {"x": (1 / 3, "")}
    assert (result.state, result.exit_code) == ("paused", 5)


def test_the_campaign_goes_on_with_others_while_a_trial_waits():
    values = {1: 0.2, 2: 0.5, 3: 0.6}

    def late(event: CampaignEvent) -> None:
        if isinstance(event, TrialEnded) and event.trial == 2:
            post(lab, "approve", 1, approval(told(lab).asked[0]))

    lab = waiting_lab(trials=3, pause=False)
    lab.proposer._values = values.__getitem__
    lab.observers = (*lab.observers, type("Late", (), {"notify": staticmethod(late)}))
    assert lab.run().state == "finished"
    begun = sorted(lab.trials_of(), key=lambda trial: trial.transitions[-1].lab_s)
    assert [trial.number for trial in begun] == [2, 1, 3]


def test_hazardous_takes_two_different_people():
    def both(p: Proposal):
        return [("approve", approval(p, "bob")), ("approve", approval(p, "bob")), ("approve", approval(p, "carol"))]

    lab = waiting_lab(both, level="hazardous", trials=1, pause=False)
    assert lab.run().state == "finished"
    assert lab.trials_of()[0].transitions[2].detail == "approved by bob and carol"
    assert answers(lab)[0].startswith("trial 1 of soft-1 is approved by bob; 1 person has to approve it (carol) with")
    assert answers(lab)[1].startswith("refused: bob has approved trial 1 of soft-1 already")


def test_a_person_refuses_a_trial_and_it_never_runs():
    def no(p: Proposal):
        said = statement_for(p, NOW, 60.0, f"no{next(NONCES)}", Action.REFUSE_TRIAL, "never heated before")
        return [("refuse", sign(said, "bob", KEYS["bob"]))]

    lab = waiting_lab(no, trials=4, pause=False)
    assert lab.run().state == "finished"
    assert states(lab) == [TrialState.INGESTED, TrialState.INGESTED, TrialState.REFUSED, TrialState.REFUSED]
    assert lab.trials_of()[2].transitions[-1].detail == "bob: never heated before"
    assert len(lab.pump.poured) == 2


def test_a_person_refuses_a_trial_that_was_approved_and_has_not_begun():
    values = {1: 0.2, 2: 0.5, 3: 0.6}

    def speak(event: CampaignEvent) -> None:
        if isinstance(event, TrialStarted) and event.suggestion.trial == 2:
            post(lab, "approve", 1, approval(told(lab).asked[0]))
        if isinstance(event, TrialEnded) and event.trial == 2:
            said = statement_for(
                told(lab).asked[0], NOW, 60.0, f"no{next(NONCES)}", Action.REFUSE_TRIAL, "on reflection"
            )
            post(lab, "refuse", 1, sign(said, "carol", KEYS["carol"]))

    lab = waiting_lab(trials=3, pause=False)
    lab.proposer._values = values.__getitem__
    lab.observers = (*lab.observers, type("Speak", (), {"notify": staticmethod(speak)}))
    assert lab.run().state == "finished"
    assert [answer.partition(";")[0] for answer in answers(lab)] == [
        "trial 1 of soft-1 is approved by bob", "trial 1 of soft-1 is refused",
    ]  # fmt: skip
    assert states(lab)[0] is TrialState.REFUSED
    assert {operation.trial for operation in lab.pump.poured} == {2, 3}


@pytest.mark.parametrize("people", [NOBODY, replace(LAB, people={"ada": LAB.people["ada"]})], ids=["none", "herself"])
def test_where_nobody_may_approve_the_campaign_pauses_and_says_so(people: Any):
    lab = waiting_lab(trials=3, pause=False, people=people)
    result = lab.run()
    assert (result.state, result.exit_code) == ("paused", 5)
    assert "1 person has to approve it, and nobody may: the lab's owner names people" in result.reason


def _again(p: Proposal, by: str = "bob", **facts: object) -> Signed:
    said = statement_for(p, NOW, 1800.0, f"u{next(NONCES)}")
    return sign(Statement(said.action, said.about, {**said.facts, **facts}), by, KEYS[by])


UNSAFE: dict[str, Say] = {
    "self-approved": lambda p: [("approve", approval(p, "ada"))],
    "wrong key": lambda p: [("approve", approval(p, "bob", key="carol"))],
    "unknown person": lambda p: [("approve", approval(p, "mallory"))],
    "without the right": lambda p: [("approve", approval(p, "dave"))],
    "agent": lambda p: [("approve", replace(approval(p), by=Principal("bob", "agent")))],
    "system": lambda p: [("approve", replace(approval(p), by=Principal("screen", "system")))],
    "expired": lambda p: [("approve", approval(p, now=NOW - timedelta(hours=1)))],
    "given tomorrow": lambda p: [("approve", approval(p, now=NOW + timedelta(days=1)))],
    "for ever": lambda p: [("approve", _again(p, expires=(NOW + timedelta(days=9)).isoformat()))],
    "of another trial": lambda p: [("approve", approval(replace(p, trial=p.trial + 1)))],
    "of other values": lambda p: [("approve", approval(replace(p, parameters={"x": (0.5, "")})))],
    "of another plan": lambda p: [("approve", approval(replace(p, plan_hash="q")))],
    "of another envelope": lambda p: [("approve", approval(replace(p, envelope="f")))],
    "of another lab file": lambda p: [("approve", approval(replace(p, lab="n")))],
    "for one person less": lambda p: [("approve", approval(replace(p, persons=1)))],
    "hash without its name": lambda p: [("approve", _again(replace(p, trial=99), hash=p.content_hash))],
    "another action": lambda p: [("approve", sign(statement_for(p, NOW, 60.0, "r", Action.RESET), "bob", KEYS["bob"]))],
    "changed after it was signed": lambda p: [
        ("approve", replace(approval(p), statement=_again(p, expires=(NOW + timedelta(hours=7)).isoformat()).statement))
    ],
    "one instead of two": lambda p: [("approve", approval(p, "bob"))],
    "the same person twice": lambda p: [("approve", approval(p, "bob")), ("approve", approval(p, "bob"))],
    "one good and one bad": lambda p: [("approve", approval(p, "bob")), ("approve", approval(p, "carol", key="bob"))],
    "proposer as the second": lambda p: [("approve", approval(p, "bob")), ("approve", approval(p, "ada"))],
}


@pytest.mark.parametrize("how", ["said", "smuggled into the journal"])
@pytest.mark.parametrize("kind", UNSAFE)
def test_nothing_runs_on_an_approval_that_is_not_safe(kind: str, how: str):
    """22 kinds, each for three trials at a time, by request or past all checks: 132 and more, and none is executed."""
    n_said = 0

    def say(p: Proposal):
        nonlocal n_said
        said = list(UNSAFE[kind](p))
        n_said += len(said)
        if how == "said":
            return said
        for _, signed in said:
            smuggle(lab.journal, p, signed)
        return []

    lab = waiting_lab(say, level="hazardous", trials=3, lanes=3, pause=False)
    lab.observers = (*lab.observers, type("Pause", (), {"notify": staticmethod(lambda event: _pause(lab, event, 3))}))
    result = lab.run()
    assert n_said >= 3
    assert (result.state, result.trials) == ("paused", 0)
    assert states(lab) == [TrialState.AWAITING] * 3
    assert lab.pump.poured == []
    assert lab.reader.intents("soft-1") == []


def _pause(lab: SoftLab, event: CampaignEvent, after: int) -> None:
    if isinstance(event, Noted) and len(told(lab).asked) == after:
        lab.stop.request("nobody says more")


def smuggle(journal: Journal, p: Proposal, signed: Signed) -> None:
    """Somebody with the right to write the database lays an approval into it."""
    journal.states.insert(
        "approvals", campaign=p.campaign, trial=p.trial, content_hash=p.content_hash,
        principal=journal.principal(signed.by), nonce=f"s{next(NONCES)}", signed=canonical_json(signed.to_json()),
        date=journal.date(),
    )  # fmt: skip


def test_an_approval_counts_once_also_for_another_attempt_at_the_same_trial(tmp_path: Path):
    """What ran and failed runs again only when somebody has approved it again."""
    given: list[Signed] = []

    def say(p: Proposal):
        if not given:
            given.append(approval(p))
        return [("approve", given[0])]

    lab = waiting_lab(
        say, level="new", trials=1, pause=False, fails=lambda x: DeviceError("pump: it leaks"), folder=tmp_path,
        on_failure={kind: FaultPolicy(retry=1) for kind in FaultKind if kind is not FaultKind.UNKNOWN},
    )  # fmt: skip
    lab.observers = (*lab.observers, type("Pause", (), {"notify": staticmethod(lambda event: _pause(lab, event, 2))}))
    assert lab.run().state == "paused"
    assert len(lab.pump.poured) == 1
    assert states(lab) == [TrialState.AWAITING]
    assert told(lab).asked[1].name == "trial 1 (attempt 2) of soft-1"
    lab.journal.close()
    told(lab).pause = True
    assert lab.resume().state == "paused"
    assert len(lab.pump.poured) == 1
    assert answers(lab)[1].startswith("refused: this is about something else than trial 1 (attempt 2)")


def test_a_request_is_not_heard_twice():
    lab = waiting_lab(lambda p: [("approve", s := approval(p)), ("approve", s)], level="hazardous", trials=1)
    lab.run()
    assert len(answers(lab)) == 2
    assert answers(lab)[1].startswith("refused: bob has approved trial 1 of soft-1 already")


def test_what_people_say_while_it_is_paused_counts_when_it_is_resumed(tmp_path: Path):
    lab = waiting_lab(trials=3, folder=tmp_path)
    assert lab.run().state == "paused"
    lab.journal.close()
    proposal = told(lab).asked[0]
    told(lab).pause = False
    told(lab).say = lambda p: [("approve", approval(proposal))]
    assert lab.resume().state == "finished"
    assert lab.trials_of()[2].state is TrialState.INGESTED


@dataclass
class AtTheStart:
    """Somebody speaks as a campaign begins or is resumed, before it knows where its trials stand."""

    speak: Callable[[], None]

    def notify(self, event: CampaignEvent) -> None:
        if isinstance(event, CampaignStarted):
            self.speak()


def paused_with_one_begun_and_one_waiting(tmp_path: Path, lanes: int = 1) -> tuple[SoftLab, Proposal]:
    """A campaign that was paused in the middle of its first trial while its second waits, and the proposal of that."""
    lab = waiting_lab(
        lambda p: [("approve", approval(p))] if p.trial == 1 else [],
        level="new", trials=2, lanes=lanes, pause=False, folder=tmp_path,
    )  # fmt: skip
    pause = PauseInTheMiddle()
    people, lab.observers = lab.observers, (*lab.observers, pause)
    pause.lab = lab
    assert lab.run().state == "paused"
    assert states(lab) == [TrialState.RUNNING, TrialState.AWAITING]
    lab.journal.close()
    told(lab).say, lab.observers = lambda p: [], people
    return lab, told(lab).asked[1]


@pytest.mark.parametrize("lanes", [1, 2])
def test_a_refusal_that_was_given_while_another_trial_was_interrupted_is_heard(lanes: int, tmp_path: Path):
    """How things will stand after the interrupted trial is not known yet: what was asked for still is."""
    lab, proposal = paused_with_one_begun_and_one_waiting(tmp_path, lanes)
    said = statement_for(proposal, NOW, 60.0, "no", Action.REFUSE_TRIAL, "too much yellow")
    no = sign(said, "bob", KEYS["bob"])
    lab.observers = (*lab.observers, AtTheStart(lambda: post(lab, "refuse", 2, no)))
    assert lab.resume().state == "finished"
    assert answers(lab)[1:] == ["trial 2 of soft-1 is refused"]
    assert states(lab) == [TrialState.INGESTED, TrialState.REFUSED]
    assert {operation.trial for operation in lab.pump.poured} == {1}


@pytest.mark.parametrize("lanes", [1, 2])
def test_an_approval_that_was_given_while_another_trial_was_interrupted_counts(lanes: int, tmp_path: Path):
    lab, proposal = paused_with_one_begun_and_one_waiting(tmp_path, lanes)
    lab.observers = (*lab.observers, AtTheStart(lambda: post(lab, "approve", 2, approval(proposal))))
    assert lab.resume().state == "finished"
    assert answers(lab)[1:] == ["trial 2 of soft-1 is approved by bob; it runs as soon as a lane is free"]
    assert states(lab) == [TrialState.INGESTED, TrialState.INGESTED]


def test_a_trial_for_a_free_lane_waits_for_people_while_another_runs():
    """How things will stand is not known before it could begin: what is said of it then counts."""
    lab = waiting_lab(lambda p: [("approve", approval(p))], level="new", trials=4, lanes=2, pause=False)
    lab.clock = lab.pump._clock = ScaledClock(10.0)
    assert lab.run().state == "finished"
    assert states(lab) == [TrialState.INGESTED] * 4
    assert len(told(lab).asked) == 4
    ways = [[t.state for t in trial.transitions].count(TrialState.AWAITING) for trial in lab.trials_of()]
    assert ways == [1] * 4


@pytest.mark.parametrize(("minutes", "state"), [(29, "finished"), (30, "paused")])
def test_an_approval_that_was_given_before_a_pause_counts_after_it_while_it_lasts(
    minutes: int, state: str, tmp_path: Path
):
    lab = waiting_lab(lambda p: [("approve", approval(p, "bob"))], level="hazardous", trials=1, folder=tmp_path)
    lab.run()
    lab.journal.close()
    later = NOW + timedelta(minutes=minutes)
    told(lab).clock.date, told(lab).pause = later, state == "paused"
    told(lab).say = lambda p: [("approve", approval(p, "carol", now=later))]
    assert lab.resume().state == state
    assert len(lab.pump.poured) == (state == "finished")


@pytest.mark.parametrize("changed", ["envelope", "plan_hash", "lab"])
def test_what_was_approved_and_has_changed_meanwhile_waits_again(changed: str, tmp_path: Path):
    lab = waiting_lab(lambda p: [("approve", approval(p, "bob"))], level="hazardous", trials=1, folder=tmp_path)
    lab.run()
    lab.journal.close()
    other: dict[str, Any] = {"envelope": "f", "plan_hash": "q", "lab": lambda: "n"}
    lab.permits = replace(lab.permits, **{changed: other[changed]})
    told(lab).say = lambda p: [("approve", approval(p, "carol"))]
    assert lab.resume().state == "paused"
    assert lab.pump.poured == []


class PauseInTheMiddle:
    """A person pauses the campaign as soon as a trial has begun."""

    lab: SoftLab | None = None

    def notify(self, event: CampaignEvent) -> None:
        if isinstance(event, TrialStarted) and self.lab is not None:
            self.lab.stop.request("in the middle", at_once=True)
            self.lab = None


@pytest.mark.parametrize("changed", [None, "envelope", "plan_hash", "lab", "level"])
def test_a_trial_that_had_begun_goes_on_only_as_what_was_approved(changed: str | None, tmp_path: Path):
    pause = PauseInTheMiddle()
    lab = waiting_lab(lambda p: [("approve", approval(p))], level="new", trials=1, pause=False, folder=tmp_path)
    lab.observers, pause.lab = (*lab.observers, pause), lab
    assert lab.run().state == "paused"
    assert states(lab) == [TrialState.RUNNING]
    lab.journal.close()
    more: dict[str, Any] = {"envelope": "f", "plan_hash": "q", "lab": lambda: "n"}
    if changed == "level":
        more["level"] = waiting_lab(level="hazardous").permits.tiered
    if changed is not None:
        lab.permits = replace(lab.permits, **{"tiered" if changed == "level" else changed: more[changed]})
    n_poured = len(lab.pump.poured)
    result = lab.resume()
    if changed is None:
        assert (result.state, result.trials) == ("finished", 1)
    else:
        assert (result.state, result.exit_code) == ("paused", 5)
        assert "trial 1 had begun, and what would be done now is not what people have approved" in result.reason
        assert len(lab.pump.poured) == n_poured


def test_a_trial_that_somebody_has_set_running_in_the_database_does_not_run(tmp_path: Path):
    lab = waiting_lab(level="hazardous", trials=1, pause=True, folder=tmp_path)
    assert lab.run().state == "paused"
    lab.journal.close()
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as connection:
        assert connection.execute("UPDATE trials SET state = 'running'").rowcount == 1
        connection.commit()
    assert lab.resume().state == "paused"
    assert lab.pump.poured == []


def test_a_trial_is_judged_again_right_before_it_runs():
    """An approval that expires between its acceptance and the moment of the run permits nothing."""

    def say(p: Proposal):
        told(lab).clock.date = NOW + timedelta(seconds=59)
        return [("approve", approval(p, lasts_s=60.0))]

    lab = waiting_lab(say, trials=3, pause=False)
    real, calls = lab.permits.now, itertools.count()

    def now() -> datetime:
        return real() + timedelta(seconds=next(calls) // 4)  # it goes on while the controller thinks

    lab.permits = replace(lab.permits, now=now)
    lab.observers = (*lab.observers, type("Pause", (), {"notify": staticmethod(lambda event: _pause(lab, event, 2))}))
    assert lab.run().state == "paused"
    assert len(lab.pump.poured) == 2


def test_who_resumes_a_campaign_has_a_part_in_its_proposals(tmp_path: Path):
    lab = waiting_lab(trials=3, folder=tmp_path)
    lab.run()
    lab.journal.close()
    lab.principal = Principal("bob", "person")
    told(lab).say = lambda p: [("approve", approval(p, "bob"))]
    assert lab.resume().state == "paused"
    assert len(lab.pump.poured) == 2
