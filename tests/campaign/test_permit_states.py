"""Approvals driven by random people, times and changes: a trial runs exactly when a model of the rules says so."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from autolab.campaign.desk import Desk
from autolab.campaign.permitting import Permitting
from autolab.campaign.setup import CampaignSetup, PermitRules
from autolab.core.approvals import Proposal
from autolab.core.clock import VirtualClock
from autolab.core.principals import Principal
from autolab.core.trials import Suggestion, TrialState, Verdict
from autolab.journal.inbox import Inbox
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from tests.campaign.softlab import SoftLab
from tests.journal.test_journal import START
from tests.safety.people import ADA, LAB, NOW, approval

SUGGESTION = Suggestion(1, {"x": 0.5}, "line", "the next", 1, (), ())
VERDICT = Verdict("needs approval", ("it is hazardous",), 2)


class PermitStates(RuleBasedStateMachine):
    """One hazardous trial that ada proposed: bob and carol may approve it, and nobody else."""

    @initialize()
    def begin(self) -> None:
        self.now, self.labs = NOW, itertools.count()
        self.lab = "m"
        self.journal = Journal(None, VirtualClock())
        self.journal.start_campaign(replace(START, id="soft-1"), ADA)
        self.journal.suggest("soft-1", "physical", SUGGESTION)
        self.good: dict[str, datetime] = {}
        self.attempt = 1
        self.come()

    def teardown(self) -> None:
        self.journal.close()

    def come(self) -> None:
        """A controller begins, or begins again after a crash."""
        rules = PermitRules(LAB, envelope="e", plan_hash="p", lab=lambda: self.lab, now=lambda: self.now)
        setup: CampaignSetup = replace(SoftLab()._setup(), permits=rules)
        self.desk = Desk()
        self.permitting = Permitting(setup, self.journal, self.desk)
        self.hold()

    def hold(self) -> None:
        with self.journal.commit():
            self.journal.screen("soft-1", SUGGESTION, VERDICT, Principal("screen", "system"))
            self.permitting.hold(SUGGESTION, VERDICT, self.attempt)

    def proposal(self) -> Proposal:
        trial = JournalReader(self.journal.states, self.journal.documents).trials("soft-1")[0]
        assert trial.proposal is not None
        return trial.proposal

    @rule(
        by=st.sampled_from(["ada", "bob", "carol", "dave", "mallory"]),
        flaw=st.sampled_from(["none", "none", "none", "key", "trial", "agent", "old"]),
        minutes=st.integers(1, 60),
    )
    def approve(self, by: str, flaw: str, minutes: int) -> None:
        about, now = self.proposal(), self.now
        if flaw == "trial":
            about = replace(about, trial=2)
        if flaw == "old":
            now -= timedelta(hours=2)
        key = ("bob" if by != "bob" else "carol") if flaw == "key" else by
        signed = approval(about, by, key=key, now=now, lasts_s=60.0 * minutes)
        if flaw == "agent":
            signed = replace(signed, by=Principal(by, "agent"))
        inbox = Inbox(self.journal.states)
        inbox.post("soft-1", "approve", {"trial": 1, "signed": signed.to_json()}, signed.by, NOW.isoformat())
        for request in inbox.waiting("soft-1"):
            self.desk.put(request)
        if flaw == "none" and by in ("bob", "carol") and self.now >= self.good.get(by, NOW):
            self.good[by] = self.now + timedelta(minutes=minutes)
        self.try_to_run()

    @rule(minutes=st.integers(1, 40))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.try_to_run()

    @rule()
    def change_the_lab_file(self) -> None:
        self.lab = f"m{next(self.labs)}"
        self.good.clear()
        self.try_to_run()

    @rule()
    def crash(self) -> None:
        self.come()
        self.try_to_run()

    def try_to_run(self) -> None:
        """What the loop does: hear people, and ask once more right before the trial runs."""
        may = [by for by, until in self.good.items() if self.now < until]
        ready, _ = self.permitting.attend()
        runs = self.permitting.permits(SUGGESTION, VERDICT, self.attempt)
        assert runs is (len(may) >= 2)
        if not runs:
            if ready or self.proposal().lab != self.lab:
                self.hold()
            return
        with self.journal.commit():
            self.permitting.use(SUGGESTION)
        reader = JournalReader(self.journal.states, self.journal.documents)
        assert reader.trials("soft-1")[0].state is TrialState.SCREENED
        self.good.clear()
        self.attempt += 1  # it ran, failed, and is tried again
        self.hold()
        assert not self.permitting.permits(SUGGESTION, VERDICT, self.attempt)


PermitStates.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestPermitStates = PermitStates.TestCase
