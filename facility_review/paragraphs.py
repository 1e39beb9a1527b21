"""The sentences of the yearly chapter, point by point of Sec. 6(a), each with the records that it was counted from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from autolab.config.words import listed
from facility_review.agreements import FUNCTIONS, Agreements
from facility_review.campaigns import CampaignFacts
from facility_review.document import AssessmentDocument
from facility_review.entries import Proof
from facility_review.registers import Registers

__all__ = [
    "NONE_RECORDED",
    "Said",
    "Sentence",
    "integration",
    "needs",
    "partners",
    "people",
    "reference_to",
    "results",
    "status",
]

NONE_RECORDED = "none recorded"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, and the records behind it."""

    text: str
    evidence: tuple[str, ...] = ()
    """Ids of records; empty where none are recorded."""


@dataclass(frozen=True, slots=True)
class Said:
    """An entry of ``annual.yaml``, read and dated."""

    group: str
    kind: str
    text: str
    people: int
    day: date | None
    proof: Proof


def status(assessment: AssessmentDocument | None, campaigns: Sequence[CampaignFacts]) -> Iterator[Sentence]:
    """Sec. 6(a)(i)."""
    if assessment is None:
        yield Sentence(f"Assessment of readiness: {NONE_RECORDED}.")
    else:
        ref = (reference_to(assessment),)
        by_state = Counter(gate.state for gate in assessment.gates)
        gates = ", ".join(f"{n} {state}" for state, n in sorted(by_state.items()))
        closed = {"pass", "not applicable"}
        open_hold = [gate for gate in assessment.gates if gate.kind == "hold" and gate.state not in closed]
        profile = ", as a simulated profile" if assessment.level.is_simulated_profile else ""
        yield Sentence(
            f"On {assessment.as_of} the unit was at level {assessment.level.id} ({assessment.level.name}), assured "
            f"{assessment.assured_level.id}{profile}, by version {assessment.instrument.version} of an instrument "
            "that is a proposal and that nobody has endorsed.",
            ref,
        )
        yield Sentence(f"Of {len(assessment.gates)} gates: {gates}; hold gates open: {len(open_hold)}.", ref)
    yield from _campaign_figures(campaigns)


def _campaign_figures(campaigns: Sequence[CampaignFacts]) -> Iterator[Sentence]:
    if not campaigns:
        yield Sentence(f"Campaigns: {NONE_RECORDED}.")
        return
    ids = tuple(each.evidence for each in campaigns)
    trials = Counter[str]()
    for each in campaigns:
        trials[each.realm] += each.trials
    realms = ", ".join(f"{trials[realm]} {realm}" for realm in ("physical", "emulated", "simulated") if trials[realm])
    total, outcomes = sum(trials.values()), sum(each.with_outcome for each in campaigns)
    directed = sum(each.directed for each in campaigns)
    yield Sentence(
        f"{_count(len(campaigns), 'campaign')} with {_count(total, 'trial')} ran ({realms}); {outcomes} of {total} "
        f"trials have an outcome, and {directed} of {total} were chosen by an engine from earlier outcomes.",
        ids,
    )


def integration(registers: Registers, said: Sequence[Said]) -> Iterator[Sentence]:
    """Sec. 6(a)(ii)."""
    used = [each for each in registers.resources if each.state == "in_use"]
    if used:
        kinds = Counter(f"{each.kind} ({each.owner_class})" for each in used)
        text = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
        yield Sentence(f"Resources in use: {text}.", tuple(each.proof.ref for each in used))
    else:
        yield Sentence(f"Computing, storage and network resources: {NONE_RECORDED}.")
    data = registers.data
    approved = [each for each in data if each.approval is not None and each.approval.is_in_force]
    if data:
        yield Sentence(
            f"{_count(len(data), 'data set')} on record; "
            f"{len(approved)} of {len(data)} with a source approval in force.",
            tuple(each.proof.ref for each in data),
        )
    else:
        yield Sentence(f"Data sets: {NONE_RECORDED}.")
    yield from _group("Links to others", said, "integration")


def people(campaigns: Sequence[CampaignFacts], said: Sequence[Said]) -> Iterator[Sentence]:
    """Sec. 6(a)(iii)."""
    people = {each.person for each in campaigns}
    if people:
        yield Sentence(
            f"{_count(len(people), 'person', 'people')} started campaigns.", tuple(c.evidence for c in campaigns)
        )
    else:
        yield Sentence(f"People who started campaigns: {NONE_RECORDED}.")
    theirs = [each for each in said if each.group == "engagement"]
    if not theirs:
        yield Sentence(f"Users, students and training: {NONE_RECORDED}.")
    for kind in dict.fromkeys(each.kind for each in theirs):
        those = [each for each in theirs if each.kind == kind]
        text = "; ".join(f"{each.text} ({each.people})" for each in those)
        yield Sentence(f"{kind.capitalize()}: {sum(e.people for e in those)} people ({text}).", _refs(those))


def results(campaigns: Sequence[CampaignFacts], said: Sequence[Said]) -> Iterator[Sentence]:
    """Sec. 6(a)(iv)."""
    aimed = [each for each in campaigns if each.target]
    if aimed:
        met = [each for each in aimed if each.target == "met"]
        simulated = f", {sum(not each.is_physical for each in met)} of these not on hardware" if met else ""
        yield Sentence(
            f"{len(met)} of {_count(len(aimed), 'campaign')} with a target met it as measured{simulated}.",
            tuple(each.evidence for each in aimed),
        )
    else:
        yield Sentence(f"Campaigns with a target: {NONE_RECORDED}.")
    challenged = [each for each in campaigns if each.challenge]
    if challenged:
        names = Counter(each.challenge for each in challenged)
        text = listed(f"{name} ({_count(n, 'campaign')})" for name, n in sorted(names.items(), key=str))
        yield Sentence(
            f"Published challenges that campaigns name: {text}.", tuple(each.evidence for each in challenged)
        )
    else:
        yield Sentence(f"Campaigns for a published challenge: {NONE_RECORDED}.")
    for kind, words in (
        ("publication", "Publications"),
        ("prototype", "Prototypes"),
        ("advance", "Measurable advances"),
        ("software", "Software"),
        ("data", "Published data"),
    ):
        those = [each for each in said if each.group == "results" and each.kind == kind]
        yield from _group(words, those, "results")


def partners(agreements: Agreements, said: Sequence[Said]) -> Iterator[Sentence]:
    """Sec. 6(a)(v)."""
    in_force = [each for each in agreements.agreements if each.is_in_force]
    if in_force:
        ids = tuple(each.proof.ref for each in in_force)
        partners = {partner.id: partner.kind for each in in_force for partner in each.partners}
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(Counter(partners.values()).items()))
        yield Sentence(
            f"{_count(len(in_force), 'agreement')} in force with {_count(len(partners), 'partner')} ({kinds}).", ids
        )
    else:
        yield Sentence(f"Agreements in force: {NONE_RECORDED}.")
    for name, those in agreements.by_function().items():
        now = [each for each in those if each.is_in_force]
        text = "; ".join(each.title for each in now) or NONE_RECORDED
        yield Sentence(f"{FUNCTIONS[name][0]}: {text}.", tuple(each.proof.ref for each in now))
    outcomes = [each for each in in_force if each.outcomes]
    yield from (Sentence(f"Outcome of '{e.title}': {e.outcomes.rstrip('.')}.", e.proof.ids) for e in outcomes)
    yield from _group("Transitions", said, "transitions")


def needs(assessment: AssessmentDocument | None, said: Sequence[Said]) -> Iterator[Sentence]:
    """Sec. 6(a)(vi)."""
    yield from _group("Needs", said, "needs")
    if assessment is None:
        yield Sentence(f"Gaps to the next level of readiness: {NONE_RECORDED}.")
        return
    path, ref = assessment.gaps.path_to_next, (reference_to(assessment),)
    if path.target is not None and path.gaps and path.person_days is not None:
        low, high = path.person_days
        yield Sentence(
            f"Closing {_count(len(path.gaps), 'gap')} leads to {path.target}: {low:g} to {high:g} person-days by the "
            "planning ranges of the instrument.",
            ref,
        )
    missing = [each for each in assessment.standards_register if each.conformance == "no_standard_exists"]
    if missing:
        yield Sentence(f"Interfaces without a standard: {listed(each.interface_or_practice for each in missing)}.", ref)
    else:
        yield Sentence(f"Interfaces without a standard: {NONE_RECORDED}.")


def _group(words: str, said: Iterable[Said], group: str) -> Iterator[Sentence]:
    """All entries of a group in one sentence with their number."""
    those = [each for each in said if each.group == group]
    if not those:
        yield Sentence(f"{words}: {NONE_RECORDED}.")
        return
    yield Sentence(f"{words}: {len(those)} ({'; '.join(each.text.rstrip('.') for each in those)}).", _refs(those))


def _refs(said: Iterable[Said]) -> tuple[str, ...]:
    return tuple(name for each in said for name in each.proof.ids)


def reference_to(assessment: AssessmentDocument) -> str:
    """The id of an assessment in the evidence of a deliverable."""
    return f"assessment:{assessment.unit.id}@{assessment.as_of}"


def _count(n: int, one: str, many: str = "") -> str:
    return f"{n} {one if n == 1 else many or one + 's'}"
