"""Trials that wait for people: what is proposed, what people say to it, and whether a trial may run now."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from autolab.campaign.desk import Desk
from autolab.campaign.setup import CampaignSetup
from autolab.campaign.stopping import End
from autolab.core.approvals import Proposal
from autolab.core.authority import Action, Signed
from autolab.core.canonical import content_hash
from autolab.core.errors import InputError, InterruptedByPerson, NotAuthorisedError
from autolab.core.principals import Principal
from autolab.core.trials import Suggestion, Verdict
from autolab.journal import approvals
from autolab.journal.inbox import Inbox, Request
from autolab.journal.journal import Journal
from safety.permits import approver, counted_then, counting, who_could

__all__ = ["Permitting", "Refusal"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A person refuses a trial."""

    trial: int
    why: str


class Permitting:
    """Keeps the trials that wait for people.

    Args:
        setup: The campaign, with who has to approve what.
        journal: Keeps the record.
        desk: Where requests arrive.
    """

    def __init__(self, setup: CampaignSetup, journal: Journal, desk: Desk) -> None:
        self._rules, self._campaign, self._plan, self._journal = setup.permits, setup.id, setup.plan_name, journal
        self._principal = setup.principal
        self._units = {parameter.name: parameter.unit or "" for parameter in setup.problem.space.parameters}
        self._desk = desk
        self._waiting: dict[int, tuple[Suggestion, Proposal]] = {}
        self._approved: dict[int, Proposal] = {}
        """The trials that enough people have approved, and that have not begun."""
        self._granted: dict[int, tuple[Proposal, list[Signed]]] = {}

    @property
    def waiting(self) -> list[Suggestion]:
        """The trials that wait for people, by number."""
        return [self._waiting[number][0] for number in sorted(self._waiting)]

    @property
    def arrived(self) -> Future[None]:
        """Done when a person has said something."""
        return self._desk.arrived

    def hold(self, suggestion: Suggestion, verdict: Verdict, attempt: int) -> str:
        """Have a trial wait. Returns what it waits for, in one sentence."""
        proposal = self._proposal(suggestion, verdict, attempt)
        approvals.propose(self._journal, proposal)
        self._waiting[suggestion.trial] = (suggestion, proposal)
        return f"{proposal.name} waits: {'; '.join(proposal.reasons)}; {self._whom(proposal)}"

    def attend(self) -> tuple[list[Suggestion], list[Refusal]]:
        """Hear what people have said: trials that enough of them have approved, and those that somebody refuses.

        A trial that was approved can be refused until it begins.
        """
        refusals = [refusal for request in self._desk.take() if (refusal := self._hear(request)) is not None]
        ready: list[Suggestion] = []
        for suggestion in self.waiting:
            proposal = self._waiting[suggestion.trial][1]
            if len(self._counting(proposal)) >= proposal.persons:
                self._approved[suggestion.trial] = self._waiting.pop(suggestion.trial)[1]
                ready.append(suggestion)
        return ready, refusals

    def permits(self, suggestion: Suggestion, verdict: Verdict, attempt: int) -> bool:
        """Whether a trial may run now, by all that is known now. What was approved before and is another now may not.

        Args:
            suggestion: The trial.
            verdict: What the screen says now.
            attempt: Number of the attempt, from 1.
        """
        self._granted.pop(suggestion.trial, None)
        self._approved.pop(suggestion.trial, None)
        if verdict.decision == "allowed":
            return True
        proposal = self._proposal(suggestion, verdict, attempt)
        good = self._counting(proposal)
        if len(good) < proposal.persons:
            return False
        self._granted[suggestion.trial] = (proposal, good[: proposal.persons])
        return True

    def use(self, suggestion: Suggestion) -> None:
        """Use the approvals of a trial that is about to run, in the commit that begins it. They permit nothing more.

        Raises:
            StorageError: one of them was used meanwhile.
        """
        granted = self._granted.pop(suggestion.trial, None)
        if granted is not None:
            approvals.let_run(self._journal, granted[0], suggestion, granted[1])

    def is_what_was_approved(self, suggestion: Suggestion, attempt: int) -> bool:
        """Whether a trial that had begun is still the one that people have approved, where they had to.

        Why they were asked is as it was then: the trial itself has changed the lab since.
        """
        asked = approvals.proposed(self._journal, self._campaign, suggestion.trial)
        then = (
            Verdict("allowed")
            if asked is None
            else Verdict("needs approval", tuple(asked["reasons"]), asked["persons"])
        )
        now = self._rules.tiered(suggestion, then, ())
        if now.decision == "allowed":
            return True
        proposal = self._proposal(suggestion, now, attempt)
        if asked is None or proposal.content_hash != content_hash(asked):
            return False
        given = approvals.used(self._journal, proposal)
        return len(counted_then(given, proposal, self._rules.authority)) >= proposal.persons

    def nobody(self) -> End | None:
        """The end where a trial waits for people whom the lab file does not name; None where they are there."""
        for suggestion in self.waiting:
            proposal = self._waiting[suggestion.trial][1]
            could = who_could(self._rules.authority, self._proposers(proposal))
            if len(could) < proposal.persons:
                return End("paused", f"{proposal.name} waits: {self._whom(proposal)}", InterruptedByPerson.exit_code)
        return None

    def _hear(self, request: Request) -> Refusal | None:
        """Do what a request asks for, and answer it."""
        refusal = None
        try:
            said, refusal = self._heard(request)
        except InputError as error:
            said = f"refused: {error}"
        Inbox(self._journal.states).answer(request.id, said, self._rules.now().isoformat())
        return refusal

    def _heard(self, request: Request) -> tuple[str, Refusal | None]:
        number = request.arguments.get("trial")
        proposal = self._heard_of(number, request.verb)
        if not isinstance(number, int) or proposal is None:
            raise InputError(f"trial {number} of {self._campaign} waits for nobody")
        signed = Signed.from_json(request.arguments.get("signed", {}))
        now, authority, proposers = self._rules.now(), self._rules.authority, self._proposers(proposal)
        if request.verb == "refuse":
            who = approver(signed, proposal, authority, (), now, Action.REFUSE_TRIAL)
            because = str(signed.statement.facts.get("because"))
            approvals.refuse(self._journal, self._campaign, number, who, because)
            self._waiting.pop(number, None)
            self._approved.pop(number, None)
            return f"{proposal.name} is refused", Refusal(number, f"{who.name}: {because}")
        who = approver(signed, proposal, authority, proposers, now)
        if any(given.by == who for given in self._counting(proposal)):
            raise NotAuthorisedError(f"{who.name} has approved {proposal.name} already: {self._whom(proposal)}")
        approvals.keep(self._journal, proposal, signed, who)
        missing = proposal.persons - len(self._counting(proposal))
        more = "it runs as soon as a lane is free" if missing <= 0 else self._whom(proposal)
        return f"{proposal.name} is approved by {who.name}; {more}", None

    def _heard_of(self, number: Any, verb: str) -> Proposal | None:
        """What a person who says this of a trial speaks of; None where there is nothing to say any more."""
        if number in self._waiting:
            return self._waiting[number][1]
        return self._approved.get(number) if verb == "refuse" else None

    def _counting(self, proposal: Proposal) -> list[Signed]:
        given = approvals.unused(self._journal, proposal)
        if not given:
            return []
        rules = self._rules
        return list(counting(given, proposal, rules.authority, self._proposers(proposal), rules.now()).values())

    def _proposers(self, proposal: Proposal) -> tuple[Principal, ...]:
        return (*approvals.proposers(self._journal, self._campaign, proposal.trial), self._principal)

    def _whom(self, proposal: Proposal) -> str:
        """Who is to approve it, and how."""
        by = [signed.by.name for signed in self._counting(proposal)]
        missing = proposal.persons - len(by)
        could = [name for name in who_could(self._rules.authority, self._proposers(proposal)) if name not in by]
        wanted = f"{missing} {'person has' if missing == 1 else 'people have'} to approve it"
        if len(could) < missing:
            who = f"only {', '.join(could)}" if could else "nobody"
            return (
                f"{wanted}, and {who} may: the lab's owner names people with 'may: [approve]' under 'people' in the "
                "lab file, and the campaign is run by another of them with '--as NAME'"
            )
        return f"{wanted} ({', '.join(could)}) with 'autolab approve {self._campaign} {proposal.trial} --as NAME'"

    def _proposal(self, suggestion: Suggestion, verdict: Verdict, attempt: int) -> Proposal:
        return Proposal(
            campaign=self._campaign,
            trial=suggestion.trial,
            attempt=attempt,
            parameters={name: (value, self._units.get(name, "")) for name, value in suggestion.values.items()},
            plan=self._plan,
            plan_hash=self._rules.plan_hash,
            envelope=self._rules.envelope,
            lab=self._rules.lab(),
            persons=max(1, verdict.persons),
            reasons=verdict.reasons,
        )
