"""People in the loop: a campaign by hand, answered from elsewhere, paused, killed and resumed, and what is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from autolab.campaign.events import CampaignResult
from autolab.campaign.people import ANSWER
from autolab.campaign.stopping import StopSwitch
from autolab.cli.answering import hear_lines
from autolab.compose.answering import answer_question
from autolab.compose.conducting import conduct
from autolab.compose.matching import bind_files
from autolab.compose.options import RunOptions
from autolab.compose.permitting import permit_rules
from autolab.compose.running import campaign_start, make_setup, open_all
from autolab.core.clock import real_clock
from autolab.core.errors import AutolabError, InputError
from autolab.core.principals import Principal, local_person
from autolab.core.trials import TrialState
from autolab.journal import questions
from autolab.journal.inbox import Inbox
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from autolab.report.table import csv_text
from benchmarks.warm import WarmCommand
from tests.docs.pages import blocks
from tests.rigs import until
from tests.system.command import autolab, line_with, started
from tests.system.test_provenance import Sobol

PAGE = "docs/how-to/work-by-hand.md"
ADA = Principal("ada", "person")


def by_hand(folder: Path, **changes: str) -> Path:
    """The files of the page, with texts replaced. Returns the campaign file."""
    for block in (block for block in blocks("yaml") if block.page == PAGE):
        text = block.text
        for old, new in changes.values():
            text = text.replace(old, new)
        (folder / Path(text.splitlines()[0].removeprefix("# ")).name).write_text(text, encoding="utf-8")
    return folder / "campaign.yaml"


@dataclass
class Bench:
    """A campaign by hand that runs on a thread of this process, its plans screened and its trials a fixed design."""

    file: Path
    data: Path
    trials: int = 1
    stop: StopSwitch = field(default_factory=StopSwitch)
    result: CampaignResult | None = None
    error: AutolabError | None = None
    has_begun: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        options = RunOptions(data=self.data, trials=self.trials, seed=1, engine="sobol")
        try:
            bound = bind_files(self.file, options)
            with ExitStack() as stack:
                journal, lab = open_all(stack, bound, options, self.data, 1, "hand")
                rules = permit_rules(bound, lab.realm)
                setup = make_setup(bound, lab, "hand", 1, ADA, "hand-1", None, rules)
                journal.start_campaign(campaign_start(bound, lab, setup, self.file, options), ADA)
                self.has_begun.set()
                self.result = conduct(stack, bound, setup, lab, Sobol(), journal, (), self.stop)
        except AutolabError as error:
            self.error = error

    def asked(self, trial: int) -> str:
        """Wait until a trial asks. Returns the instruction."""
        found: list[Any] = []

        def is_asked() -> bool:
            assert self.error is None, self.error
            found[:] = [one for one in self.read(lambda r: questions.waiting(r.states, "hand-1")) if one.trial == trial]
            return bool(found)

        assert self.has_begun.wait(60.0), self.error
        until(is_asked, f"the question of trial {trial}")
        return found[0].question.instruction

    def read(self, take: Callable[[JournalReader], Any]) -> Any:
        reader = JournalReader.open(self.data)
        try:
            return take(reader)
        finally:
            reader.close()

    def answer(self, *texts: str, failed: str | None = None) -> str:
        return answer_question(self.data, "hand", texts, None, failed, None)

    def refusal(self, *texts: str) -> str:
        with pytest.raises(InputError) as refused:
            self.answer(*texts)
        return str(refused.value)


@contextmanager
def bench(folder: Path, trials: int, **changes: Any) -> Iterator[Bench]:
    (folder / "data").mkdir()
    it = Bench(by_hand(folder, **changes), folder / "data", trials)
    thread = threading.Thread(target=it.work)
    thread.start()
    try:
        yield it
        thread.join(60.0)
        assert not thread.is_alive()
    finally:
        it.stop.request("the test is over", at_once=True)
        thread.join(60.0)


VIALS = ("envelope:", "labware: {vial: {places: [tray], wells: 24, capacity: 20 mL}}\nenvelope:")
SCAN = ("look: {choices: [clear, cloudy]}", "look: {choices: [clear, cloudy]}\n        vial: {scan: sample}")


def test_a_campaign_by_hand_keeps_who_said_what_and_refuses_what_cannot_be(tmp_path: Path):
    with bench(tmp_path, 3, labware=VIALS, scan=SCAN) as it:
        told = it.asked(1)
        assert told.startswith("Dissolve ")
        assert " g in 100 mL of water at " in told
        assert it.refusal("conductivity=12", "look=blue", "vial=V-1") == (
            "conductivity: '12' has no unit: write '12 mS/cm'; look: 'blue' is none of clear, cloudy"
        )
        assert it.refusal("conductivity=0.3 S/cm", "look=clear", "vial=V 1") == (
            "conductivity: 300 mS/cm is not possible, from 0 to 200: look again, and say '--failed TEXT' where it "
            "really is so; vial: 'V 1' is no barcode: scan it again"
        )
        assert it.refusal("conductivity=3 mS/cm") == (
            "look, a text, one of clear, cloudy is missing; vial, scanned is missing"
        )
        assert it.refusal("mass=3 g", "conductivity=3 mS/cm", "look=clear", "vial=V-1") == "mass was not asked for"
        assert it.refusal("look=clear", "look=clear") == "look is given twice"
        _an_agent_is_refused(it)
        assert it.answer("conductivity=0.096 S/cm", "look=clear", "vial=V-1").startswith(
            "trial 1: by-hand is answered by "
        )
        it.asked(2)
        assert it.refusal("conductivity=9 mS/cm", "look=clear", "vial=V-1") == (
            "barcode 'V-1' is that of sample hand-1.s1 (vial-1, well 0): a barcode names one thing; use another one"
        )
        it.answer(failed="the beaker broke")
        it.asked(3)
        hear_lines(["\n", "3: conductivity='50 mS/cm' look=cloudy vial=V-3\n"], lambda: "hand", it.data, None)
    assert it.result is not None, it.error
    assert (it.result.state, it.result.trials) == ("finished", 2)
    record, trials = it.read(lambda reader: (reader.campaign(), reader.trials("hand-1")))
    assert record.realm == "physical"
    assert [trial.state for trial in trials] == [TrialState.INGESTED, TrialState.FAILED, TrialState.INGESTED]
    assert [trial.outcome and trial.outcome["conductivity"].value for trial in trials] == [96.0, None, 50.0]
    assert trials[1].failure == f"technician: {_me()} says that it could not be done: the beaker broke"
    assert [trial.samples[0].barcode for trial in trials] == ["V-1", None, "V-3"]
    assert [line.split(",")[8] for line in csv_text(record.problem, trials).splitlines()] == [
        "workflow",
        *3 * ["manual"],
    ]
    (kept,) = it.read(lambda reader: questions.asked(reader.states, "hand-1", 1))
    assert kept.typed == {"conductivity": "0.096 S/cm", "look": "clear", "vial": "V-1"}
    assert (kept.reply.by, kept.reply.values["conductivity"]) == (_me(), 96.0)
    who = it.read(lambda reader: [(i.principal, i.trial, i.cause) for i in reader.interventions("hand-1")])
    assert who == [(_me(), 1, "answer"), (_me(), 2, "answer"), (_me(), 3, "answer")]


def _an_agent_is_refused(it: Bench) -> None:
    """What an agent puts into the inbox itself is refused by the controller."""
    journal = Journal(it.data, real_clock())
    (waiting,) = questions.waiting(journal.states, "hand-1")
    values = {"conductivity": 1.0, "look": "clear", "vial": "V-9"}
    arguments = {"operation": str(waiting.question.operation), "values": values}
    inbox = Inbox(journal.states)
    number = inbox.post("hand-1", ANSWER, arguments, Principal("helper", "agent"), "2026-01-01T00:00:00+00:00")
    until(lambda: inbox.request(number).answer is not None, "the controller's answer")
    said = inbox.request(number).answer
    assert said == (
        "refused: helper is an agent and may not do or record work by hand (hand.t1.r1.by-hand.a1): only a person may"
    )
    journal.close()


def _me() -> str:
    return local_person().name


@pytest.mark.parametrize("at_once", [False, True], ids=["pause", "stop now"])
def test_a_pause_does_not_wait_for_the_answer(tmp_path: Path, at_once: bool):
    with bench(tmp_path, 1) as it:
        it.asked(1)
        it.stop.request("lunch", at_once)
    assert it.result is not None
    assert it.result.state == "paused"
    (trial,) = it.read(lambda reader: reader.trials("hand-1"))
    assert trial.state is TrialState.RUNNING
    (waiting,) = it.read(lambda reader: questions.waiting(reader.states, "hand-1"))
    assert waiting.state == "withdrawn"


def test_the_campaign_pauses_where_nobody_answers_in_time(tmp_path: Path):
    with bench(tmp_path, 1, time=("answer_within: 2 h", "answer_within: 300 ms")) as it:
        pass
    assert it.result is not None, it.error
    assert (it.result.state, it.result.exit_code) == ("paused", 5)
    assert "technician: nobody has answered within 300 ms: Dissolve " in it.result.reason


def _kill(process: WarmCommand) -> None:
    process.kill_group()  # SIGKILL
    process.wait()
    process.close()


def test_after_a_kill_only_what_was_not_answered_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("autolab.compose.approving.ANSWER_REAL_S", 0.2)  # nobody is there to answer
    file, data = by_hand(tmp_path), tmp_path / "data"
    process = started("run", file, "--engine", "sobol", "--trials", 2, "--seed", 1, data=data)
    line_with(process, "trial 1 asks a person")
    _kill(process)
    said = answer_question(data, "salt", ["conductivity=7 mS/cm", "look=clear"], None, None, None)
    assert "no controller has answered yet" in said
    process = started("resume", "salt", data=data)
    line_with(process, "trial 2 asks a person")
    _kill(process)
    process = started("resume", "salt", data=data)
    assert "trial 2 asks a person" in line_with(process, "asks a person"), "trial 1 was answered"
    monkeypatch.setattr("autolab.compose.approving.ANSWER_REAL_S", 60.0)
    answer_question(data, "salt", ["conductivity=8 mS/cm", "look=clear"], None, None, None)
    out, err = process.communicate(timeout=100.0)
    assert process.wait() == 0, err
    assert "2 trials with an outcome" in out
    reader = JournalReader.open(data)
    record = reader.campaign()
    outcomes = [t.outcome and t.outcome["conductivity"].value for t in reader.trials(record.id)]
    states = [(intent.operation.partition(".")[2], intent.state) for intent in reader.intents(record.id)]
    reader.close()
    assert outcomes == [7.0, 8.0]
    assert states == [("t1.r1.by-hand.a1", "done"), ("t2.r1.by-hand.a1", "done")]
    assert autolab("audit", "verify", data=data).returncode == 0


def test_nobody_can_be_asked_on_the_virtual_clock(tmp_path: Path):
    with pytest.raises(InputError, match="--virtual: technician is a person, and nobody can answer on the virtual"):
        bind_files(by_hand(tmp_path), RunOptions(data=tmp_path, simulate=True, virtual=True))
