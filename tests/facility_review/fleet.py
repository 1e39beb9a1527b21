"""Assessments of the 17 national laboratories and one more: invented, and the same each time."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

from facility_review.assessment import LEVELS
from facility_review.document import AssessmentDocument, json_text
from facility_review.instrument import load_instrument
from facility_review.portfolio import Read
from facility_review.reference import reference
from tests.facility_review.documents import GATES, document

CHALLENGES = (
    "achieving-ai-driven-autonomous-laboratories",
    "designing-materials-with-predictable-functionality",
    "reenvisioning-advanced-manufacturing",
    "recentering-microelectronics-in-america",
)
KINDS = ("synthesis cell", "thin-film line", "flow reactor", "beamline", "colour bench")
STANDARDS = (
    ("device interface", "SiLA 2", "full"),
    ("device interface", "OPC UA LADS", "partial"),
    ("data", "Bluesky event model", "full"),
    ("provenance", "RO-Crate", "partial"),
    ("plans of trials", "", "no_standard_exists"),
    ("sample identity", "", "none"),
)


def fleet(seed: int = 7, units: int = 3, criteria: int = 25) -> list[AssessmentDocument]:
    """Up to ``units`` units for each laboratory, some with an earlier assessment."""
    drawn = random.Random(seed)
    names = [each.name for each in reference().laboratories.values()] + ["Example National Laboratory"]
    found: list[AssessmentDocument] = []
    for number, laboratory in enumerate(names):
        for n in range(1 + (number % units)):
            found += _unit(drawn, laboratory, f"{KINDS[(number + n) % len(KINDS)]}", number * 100 + n, criteria)
    return found


def _unit(drawn: random.Random, laboratory: str, kind: str, number: int, criteria: int) -> list[AssessmentDocument]:
    file = load_instrument("0.1.0").file
    level = drawn.choices(LEVELS, (30, 15, 25, 20, 9, 1))[0]
    simulated = number % 7 == 3
    level = "R0" if simulated else level
    realm = "simulated" if simulated else "physical"
    base = 1.0 + 0.7 * LEVELS.index(level)
    index = drawn.uniform(15, 25) + 12 * LEVELS.index(level)
    holds = [key for key, _, kind_ in GATES if kind_ == "hold"]
    gaps = [(each.id, drawn.choice(("S", "S", "M", "L", "XL"))) for each in drawn.sample(file.criteria, criteria)]
    common = {
        "unit": f"unit-{number:04d}",
        "name": f"{kind} {number % 100 + 1}",
        "laboratory": laboratory,
        "scores": {d.id: min(max(drawn.gauss(base, 0.6), 0), 2.0 if simulated else 5) for d in file.dimensions},
        "standards": drawn.sample(STANDARDS, 4),
        "challenges": drawn.sample(CHALLENGES, drawn.randint(0, 2)),
        "version": "0.1.0",
    }
    newest = document(
        **common,
        level=level,
        index=index,
        interval=(index - drawn.uniform(1, 6), index + drawn.uniform(1, 6)),
        failed=drawn.sample(holds, drawn.randint(1, 2)) if level == "R0" and not simulated else [],
        not_demonstrated=holds if simulated else drawn.sample(["G14", "G16", "G17"], 1) if level != "R5" else [],
        gaps=gaps,
        evidence=[(f"E{i}", drawn.choice(("fresh", "fresh", "lowered")), drawn.choice(ENDS)) for i in range(30)],
        realm=realm,
        path_days=(drawn.randint(2, 40), drawn.randint(41, 300)),
    )
    if number % 3:
        return [newest]
    earlier = LEVELS[max(LEVELS.index(level) - 1, 0)]
    first = document(
        **{**common, "version": "0.0.9" if number % 2 else "0.1.0"},
        level=earlier,
        index=index - drawn.uniform(3, 9),
        as_of=date(2025, 12, 1),
        realm=realm,
    )
    between = document(**common, level=earlier, index=index - 2, as_of=date(2026, 6, 1), realm=realm)
    return [first, between, newest]


ENDS = (None, "2027-08-01", "2026-12-20", "2026-10-01")


def reads(documents: list[AssessmentDocument]) -> list[Read]:
    """The documents as if they had been read."""
    return [Read(f"{each.unit.id}-{each.as_of}/assessment.json", each) for each in documents]


def write_fleet(folder: Path, documents: list[AssessmentDocument]) -> None:
    """Write each document into a folder of its own."""
    for each in documents:
        path = folder / each.unit.laboratory.replace(" ", "-") / f"{each.unit.id}-{each.as_of}" / "assessment.json"
        path.parent.mkdir(parents=True)
        path.write_text(json_text(each))
