"""Answers of people: only those who may, each checked, kept once, and only while somebody waits for it."""

from __future__ import annotations

from typing import Any

import pytest

from autolab.campaign.people import ANSWER, People, question_text
from autolab.core.authority import NOBODY, Action, Authority, Statement, sign
from autolab.core.clock import VirtualClock
from autolab.core.envelope import RangeLimit
from autolab.core.errors import AutolabError, EnvelopeError, InputError, InterruptedByPerson
from autolab.core.operations import OperationId
from autolab.core.people import Question, Wanted
from autolab.core.principals import Principal
from autolab.core.trials import Estimate
from autolab.core.workflows import workflow_of
from autolab.journal import questions
from autolab.journal.inbox import Inbox
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from devices.people import Do, Person
from safety.guard import Guard
from tests.journal.test_journal import ADA, begun
from tests.safety.people import KEYS, LAB

OPERATION = OperationId("c1", 1, 1, "weigh")
QUESTION = Question("Weigh it", OPERATION, (Wanted("mass", "number", "g", 0.0, 20.0),))
DATE = "2026-01-01T00:00:00+00:00"


class Desk:
    """A campaign with one trial under way, whose people are asked."""

    def __init__(self, authority: Authority = NOBODY) -> None:
        self.journal = Journal(None, VirtualClock())
        begun(self.journal)
        self.said: list[str] = []
        self.is_pausing = False
        self.people = People(self.journal, "c-1", "lab", "bench", authority, self.said.append, lambda: self.is_pausing)

    def hear(self, by: Principal, **arguments: Any) -> str:
        """Hand an answer in. Returns what the controller says."""
        inbox = Inbox(self.journal.states)
        number = inbox.post("c-1", ANSWER, {"operation": str(OPERATION), **arguments}, by, DATE)
        self.people.hear(inbox.request(number))
        return inbox.request(number).answer or ""


def signed(name: str, facts: dict[str, Any], about: str = str(OPERATION)) -> dict[str, Any]:
    return sign(Statement(Action.BY_HAND, about, facts), name, KEYS[name]).to_json()


def test_an_answer_counts_once_and_only_while_its_trial_is_under_way():
    desk = Desk()
    assert desk.hear(ADA, values={"mass": 3.0}).startswith("refused: nobody is asked 'c1.t1.r1.weigh.a1' in c-1")
    desk.people.ask("scale", QUESTION)
    assert desk.said == [question_text("c-1", QUESTION)]
    assert desk.hear(ADA, values={"mass": 21.0}).startswith("refused: mass: 21 g is not possible, from 0 to 20")
    assert desk.hear(ADA, values={"mass": "3"}) == "refused: mass: '3' is no finite number"
    assert desk.hear(ADA, values={}) == "refused: mass in g, from 0 to 20 is missing"
    assert desk.people.reply(OPERATION) is None
    assert desk.hear(ADA, values={"mass": 3.0}, typed={"mass": "3 g"}) == "trial 1: weigh is answered by ada"
    reply = desk.people.reply(OPERATION)
    assert reply is not None
    assert (reply.by, reply.values) == ("ada", {"mass": 3.0})
    assert desk.hear(ADA, values={"mass": 4.0}).startswith("refused: ada has answered it already, on 2000-01-01T00:00")
    desk.people.ask("scale", QUESTION)
    assert desk.people.reply(OPERATION) == reply, "asked again, what was answered stays so"
    other = Question("Again", OperationId("c1", 1, 1, "again"))
    desk.people.ask("scale", other)
    desk.journal.fail("c-1", 1, "it broke")
    inbox = Inbox(desk.journal.states)
    number = inbox.post("c-1", ANSWER, {"operation": str(other.operation)}, ADA, DATE)
    desk.people.hear(inbox.request(number))
    assert inbox.request(number).answer == "refused: trial 1 is over: nobody waits for this answer any more"
    desk.journal.close()


def test_in_a_lab_that_names_its_people_an_answer_is_signed_for_what_it_says():
    desk = Desk(LAB)
    desk.people.ask("scale", QUESTION)
    good = {"values": {"mass": 3.0}, "failed": None}
    refusals = [
        desk.hear(ADA, **good),
        desk.hear(Principal("helper", "agent"), **good, signed=signed("ada", good)),
        desk.hear(ADA, values={"mass": 4.0}, failed=None, signed=signed("ada", good)),
        desk.hear(ADA, **good, signed=signed("ada", good, "c1.t2.r1.weigh.a1")),
        desk.hear(ADA, **good, signed={**signed("mallory", good), "by": "ada"}),
        desk.hear(ADA, **good, signed=signed("mallory", good)),
    ]
    beginnings = [
        "refused: this is no signed statement",
        "refused: helper is an agent and may not do or record work by hand",
        "refused: what was signed is not this answer",
        "refused: what was signed is not this answer",
        "refused: the signature is not that of ada",
        "refused: 'mallory' is none of the lab's people",
    ]
    assert [said.startswith(start) for said, start in zip(refusals, beginnings, strict=True)] == 6 * [True], refusals
    assert desk.people.reply(OPERATION) is None
    said = desk.hear(Principal("anybody", "person"), **good, signed=signed("dave", good))
    assert said == "trial 1: weigh is answered by dave", "who signs counts, and not who posts it"
    desk.journal.close()


def person(desk: Desk, **options: Any) -> Person:
    limits = {"heat": RangeLimit("ana.heat", 0.0, 80.0, "degC")}
    it = Person(
        name="ana",
        at=None,
        clock=VirtualClock(),
        guard=Guard("ana", limits),
        **options,  # pyright: ignore[reportArgumentType]
    )
    it.connect(1.0)
    it.answered_by(desk.people)
    return it


RESULTS = {"mass": {"unit": "g", "min": 0, "max": 20}, "look": {"choices": ["clear", "cloudy"]}}


def test_what_a_person_is_told_stays_in_the_envelope_and_what_they_say_is_read():
    desk = Desk()
    ana = person(desk, results=RESULTS, parameters={"heat": "degC"}, instruction="Heat it to {heat}", picture="a.jpg")
    with pytest.raises(EnvelopeError, match=r"ana\.heat"):
        ana.set(Do(OPERATION, values={"heat": 90.0}))
    with pytest.raises(InputError, match="the lab file declares the parameters heat, and the plan gives cold"):
        ana.set(Do(OPERATION, values={"cold": 9.0}))
    with pytest.raises(InputError, match="no result 'taste' is declared in the lab file; declared are mass, look"):
        ana.set(Do(OPERATION, results=("taste",)))
    assert ana.reconcile(OPERATION, None).state == "not done"
    wanted = tuple(Wanted(*args) for args in (("mass", "number", "g", 0.0, 20.0), ("look", "text", "", None, None, ())))
    desk.people.ask("ana", Question("as it was", OPERATION, wanted))
    desk.hear(ADA, values={"mass": 3.0, "look": "clear"})
    status: Any = ana.set(Do(OPERATION, values={"heat": 60.0}))
    status.wait(5.0)
    assert {key: reading["value"] for key, reading in ana.read().items()} == {"ana_mass": 3.0, "ana_look": "clear"}
    assert list(ana.describe()) == list(ana.read())
    assert ana.reconcile(OPERATION, None).state == "done"
    again = person(desk, results=RESULTS)
    with pytest.raises(AutolabError, match="nobody was asked for mass, look in this trial"):
        again.read()
    again.recall(OPERATION)
    assert again.read()["ana_mass"]["value"] == 3.0
    desk.journal.close()


def test_the_instruction_has_the_values_in_it_and_a_pause_ends_the_waiting():
    desk = Desk()
    desk.is_pausing = True
    ana = person(desk, results=RESULTS, parameters={"heat": "degC"}, instruction="Heat it to {heat}")
    status: Any = ana.set(Do(OPERATION, values={"heat": 61.5}))
    assert isinstance(status.exception(5.0), InterruptedByPerson)
    (waiting,) = questions.waiting(desk.journal.states, "c-1")
    assert (waiting.question.instruction, waiting.state) == ("Heat it to 61.5 degC", "withdrawn")
    with pytest.raises(InputError, match=r"the instruction .* names .cold., and there is"):
        ana.set(Do(OPERATION, "Heat it to {cold}", values={"heat": 1.0}))
    desk.journal.close()


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"units": "g"}, "result mass: {'units': 'g'} is no result: write"),
        ({"scan": "vial"}, "result mass: scan is 'vial', and 'sample' or 'code' is wanted"),
        ({"min": "0 g"}, "result mass: min and max are numbers in its unit"),
        ({"min": 3, "max": 3}, "result mass: min 3 is not below max 3"),
        ({"unit": "gramm"}, "gramm"),
        ({"choices": ["a"], "scan": "code"}, "is no result"),
    ],
    ids=["key", "scan", "bound", "empty", "unit", "two-kinds"],
)
def test_a_result_that_is_not_declared_as_it_should_be_is_refused(declared: dict[str, Any], said: str):
    with pytest.raises(InputError) as refusal:
        person(Desk(), results={"mass": declared})
    assert said in str(refusal.value)


def test_the_kind_of_workflow_is_recorded_when_a_trial_ends():
    kinds = {
        (engine, by_hand, decided): workflow_of(engine, by_hand=by_hand, decided=decided)
        for engine in ("person", "sobol", "lean")
        for by_hand in (False, True)
        for decided in (False, True)
    }
    assert {key for key, kind in kinds.items() if kind == "AI-directed"} == {("lean", False, False)}
    assert {key for key, kind in kinds.items() if kind == "AI-augmented"} == {
        ("lean", True, False), ("lean", False, True), ("lean", True, True),
    }  # fmt: skip
    assert {key for key, kind in kinds.items() if kind == "manual"} == {
        (engine, True, decided) for engine in ("person", "sobol") for decided in (False, True)
    }
    for is_asked, kind in ((False, "automated"), (True, "manual")):
        desk = Desk()
        if is_asked:
            desk.people.ask("ana", QUESTION)
        desk.journal.acquired("c-1", 1)
        desk.journal.reduced("c-1", 1, 1, 1, {"y": Estimate(1.0)})
        (trial,) = JournalReader(desk.journal.states, desk.journal.documents).trials("c-1")
        assert trial.workflow == kind
        desk.journal.close()
