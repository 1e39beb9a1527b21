"""A lab with campaigns and the files that people write beside it, for the deliverables of one facility."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from tests.report.journals import write_journal

AS_OF = date(2026, 11, 22)
CHALLENGE = "achieving-ai-driven-autonomous-laboratories"
FIRST, SECOND = "teal-20260302T090000", "teal-again-20260805T090000"
REGISTERS = """\
resources:
  controller:
    kind: computing
    name: Controller of the colour bench
    owner: Example National Laboratory
    owner_class: federal
    capacity: 16 cores, 64 GB memory
    since: 2026-01-10
    connects: [store]
  store:
    kind: storage
    name: Group share
    owner: Example Cloud
    owner_class: partner
    capacity: 40 TB
    security: letter of 2026-02-01
data:
  teal:
    title: Spectra of the teal campaign
    owner: Example National Laboratory
    owner_class: federal
    digitisation: born_digital
    standard: Bluesky event model
    campaigns: [teal-2026]
    metadata: {creator: A. Person, format: JSON lines, licence: CC-BY-4.0}
    approval: {by: "D. Steward", date: 2026-05-04}
    document: approval.txt
models:
  twin:
    name: Colour twin
    kind: simulation
    version: 0.3.0
    owner: Example University
    owner_class: partner
    trained_on: [teal]
"""
AGREEMENTS = """\
partners:
  example-university: {name: Example University, kind: academic, country: US}
  dyes-inc: {name: Dyes Inc., kind: industry}
agreements:
  dyes:
    title: Cooperative research on dyes
    kind: crada
    functions: [frameworks, ownership]
    partners: [example-university, dyes-inc]
    from: 2026-01-01
    until: 2028-12-31
    scope: Dyes that a robot mixes.
    campaigns: [teal-again]
  visitors:
    title: User agreement of the summer
    kind: user
    functions: [vetting]
    partners: [example-university]
    from: 2026-06-01
    until: 2026-09-30
  sharing:
    title: Sharing of the colour twin
    kind: model_sharing
    functions: [frameworks]
    partners: [dyes-inc]
    from: 2026-03-01
    until: 2026-12-31
"""
ANNUAL = """\
integration:
  share: {kind: data, to: group share, what: records are copied there every night, date: 2026-03-01}
engagement:
  course: {kind: students, people: 12, what: course on closed loops, date: 2026-07-01}
  course-2: {kind: students, people: 3, what: second course, date: 2026-09-01}
results:
  paper: {kind: publication, title: A robot mixes teal,
    reference: "doi:10.0000/teal",
    date: 2026-09-15,
    evidence: ["doi:10.0000/teal"],
    campaigns: [teal-2026]}
transitions:
  ink: {to: Dyes Inc., what: the recipe of teal is made there, date: 2026-10-01}
needs:
  format: {kind: standard, what: a common format for plans of trials, because: three of them exist}
"""


def write_campaigns(data: Path) -> None:
    """Two campaigns of the colour bench: 12 trials in March without a challenge, 30 in August for one."""
    march, august = datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 8, 5, 9, tzinfo=UTC)
    write_journal(data, name="teal", campaign=FIRST, key="k1", trials=12, start=march)
    write_journal(
        data, name="teal-again", campaign=SECOND, key="k2", trials=30, seed=8, challenge=CHALLENGE, start=august
    )


def write_files(folder: Path, **files: str) -> None:
    """The files beside the lab file; each text may be replaced, ``registers="..."``."""
    texts = {"registers": REGISTERS, "agreements": AGREEMENTS, "annual": ANNUAL, **files}
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    (folder / "approval.txt").write_text("approved\n")
