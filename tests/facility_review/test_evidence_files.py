"""What people write of a unit: what counts, and what is said of what does not. Nothing of it stops a review."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from autolab.core.errors import InputError, InputErrors
from facility_review.collecting import collect
from facility_review.criteria import usable_inputs
from facility_review.inputs import Waiver
from facility_review.instrument import load_instrument
from facility_review.reduction import Examined, examine
from facility_review.scoring import score
from facility_review.units import configuration_hash, load_units
from tests.facility_review.journals import IDENTITY, lab_text, write_unit

AS_OF = date(2026, 11, 22)
INSTRUMENT = load_instrument()
REPORT = b"the hazards, one by one"
HASH = hashlib.sha256(REPORT).hexdigest()
GOOD = f"""\
  - criterion: SAF-01
    class: documented
    realm: physical
    by: Grace Hopper
    date: 2026-10-01
    valid_until: 2027-10-01
    step: 4
    files: {{hazards.pdf: "{HASH}"}}
"""


def examined(folder: Path, entries: str, head: str | None = None, as_of: date = AS_OF) -> Examined:
    """A unit whose file of evidence holds these entries."""
    (folder / "hazards.pdf").write_bytes(REPORT)
    head = IDENTITY.format(name="bench") if head is None else head
    units = load_units([write_unit(folder, "bench", f"{head}evidence:\n{entries}")])
    return examine(INSTRUMENT, collect(units, [], INSTRUMENT, as_of)[0], as_of)


def said(found: Examined) -> str:
    return "\n".join(str(finding) for finding in found.findings)


def test_a_hashed_and_approved_document_counts_in_full(tmp_path: Path) -> None:
    answer = examined(tmp_path, GOOD).inputs.records["SAF-01"]
    assert (answer.evidence_class, answer.realm, answer.step) == ("documented", "physical", 4)
    assert answer.notes == ()


@pytest.mark.parametrize(
    ("old", "new", "left", "sentence"),
    [
        pytest.param(HASH, "0" * 64, "attested", "is not what was hashed", id="altered"),
        pytest.param("hazards.pdf", "gone.pdf", "attested", "is missing", id="missing"),
        pytest.param(HASH, "", "attested", "has no hash", id="not hashed"),
        pytest.param("2027-10-01", "2026-11-10", "attested", "one class down", id="expired"),
        pytest.param("2026-10-01\n    valid_until: 2027-10-01", "2025-01-01\n    valid_until: 2025-06-01", None,
                     "more than twice", id="expired twice"),
        pytest.param("date: 2026-10-01", "date: 2026-12-24", None, "is after the assess", id="from the future"),
        pytest.param("    by: Grace Hopper\n", "", None, "no name stands for it", id="nameless"),
        pytest.param("SAF-01", "SAF-99", None, "did you mean", id="no such criterion"),
        pytest.param("step: 4", "step: 9", None, "a ladder has steps 0 to 5", id="no such step"),
        pytest.param("step: 4", "value: 0.5", None, "give 'step'", id="a value for a ladder"),
        pytest.param("documented", "recorded", None, "is not known", id="no such class"),
        pytest.param("step: 4", "step: 4\n    setp: 3", None, "unknown key", id="unknown key"),
        pytest.param("2026-10-01\n    valid", "2026-02-30\n    valid", None, "no day of the", id="no such day"),
        pytest.param("2026-10-01\n    valid", "1989-12-31\n    valid", None, "from 1990 to 2100", id="too early"),
        pytest.param("2027-10-01", "2101-01-01", None, "from 1990 to 2100", id="too late"),
        pytest.param("step: 4", "step: 4\n    configuration: 1234", "none", "put it in", id="hash is a number"),
        pytest.param("step: 4", "step: 4\n    configuration: 'abc'", "attested", "another config", id="another unit"),
        pytest.param("    valid_until: 2027-10-01\n", "", None, "valid_until", id="no end"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_entry_is_said_with_its_line(
    tmp_path: Path, old: str, new: str, left: str | None, sentence: str
) -> None:
    other = GOOD.replace("SAF-01", "SEC-01")
    found = examined(tmp_path, GOOD.replace(old, new, 1) + other)
    assert found.inputs.records["SEC-01"].evidence_class == "documented", "the other entry counts"
    answer = found.inputs.records.get("SAF-01")
    assert (None if answer is None else answer.evidence_class) == (None if left == "none" else left)
    assert sentence in said(found)
    finding = next(each for each in found.findings if sentence in each.text)
    assert finding.file == str(tmp_path / "evidence.yaml")
    assert finding.line is not None
    assert 8 <= finding.line <= 18


def test_more_successes_than_were_counted_are_refused(tmp_path: Path) -> None:
    entry = "  - {metric: m_limit_reject, class: documented, realm: physical, by: Ada, date: 2026-10-01,\n"
    entry += "     valid_until: 2027-01-01, value: 1.0, n: 59, successes: 60}\n"
    found = examined(tmp_path, entry)
    assert "60 successes of n = 59" in said(found)
    assert "SAF-04" not in found.inputs.records


def test_physical_evidence_needs_the_identity_of_all_devices(tmp_path: Path) -> None:
    head = "unit: bench\n"
    answer = examined(tmp_path, GOOD, head).inputs.records["SAF-01"]
    assert answer.realm == "simulated"
    assert "identity" in " ".join(answer.notes)
    partly = "\n".join(IDENTITY.format(name="bench").splitlines()[:-1]) + "\n"
    found = examined(tmp_path, GOOD, partly)
    assert found.inputs.records["SAF-01"].realm == "simulated"
    assert "pump: no model and serial number" in said(found)


def test_evidence_of_another_unit_does_not_count(tmp_path: Path) -> None:
    found = examined(tmp_path, GOOD, "unit: other\n")
    assert "SAF-01" not in found.inputs.records
    assert "evidence.yaml:1: this is the evidence of 'other'" in said(found)


def test_a_file_that_is_no_yaml_is_said_and_the_lab_is_assessed(tmp_path: Path) -> None:
    write_unit(tmp_path)
    (tmp_path / "evidence.yaml").write_text("unit: [bench\n", encoding="utf-8")
    units = load_units([tmp_path / "lab.yaml"])
    found = examine(INSTRUMENT, collect(units, [], INSTRUMENT, AS_OF)[0], AS_OF)
    assert "evidence.yaml" in said(found)
    assert found.inputs.records["CAP-02"].step == 3


def test_two_labs_of_one_name_are_refused_with_both_files(tmp_path: Path) -> None:
    files = [write_unit(tmp_path / name) for name in ("a", "b")]
    with pytest.raises(InputError, match=r"b/lab\.yaml:1: the lab is named 'bench', and so is that of .*a/lab\.yaml"):
        load_units(files)


def test_several_bad_labs_are_reported_together(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lab.yaml").write_text("name: x\n", encoding="utf-8")
    with pytest.raises(InputErrors):
        load_units([tmp_path / "a" / "lab.yaml", tmp_path / "b" / "lab.yaml"])


def test_a_lab_that_does_not_run_autolab_needs_its_evidence_only(tmp_path: Path) -> None:
    (tmp_path / "hazards.pdf").write_bytes(REPORT)
    head = "laboratory: Example National Laboratory\n" + IDENTITY.format(name="hand-cell")
    (tmp_path / "evidence.yaml").write_text(f"{head}evidence:\n{GOOD}", encoding="utf-8")
    unit = load_units([tmp_path / "evidence.yaml"])[0]
    assert (unit.id, unit.lab) == ("hand-cell", None)
    found = examine(INSTRUMENT, collect([unit], [], INSTRUMENT, AS_OF)[0], AS_OF)
    assert found.inputs.records["SAF-01"].realm == "physical"


def test_a_hazard_analysis_of_this_configuration_proves_that_it_is(tmp_path: Path) -> None:
    digest = configuration_hash(lab_text())
    found = examined(tmp_path, GOOD.replace("step: 4", f"step: 4\n    configuration: {digest}"))
    assert found.inputs.facts["hazard_analysis_config_hash_matches"] is True
    assert found.inputs.fact_answers["hazard_analysis_config_hash_matches"].realm == "physical"
    found = examined(tmp_path, GOOD.replace("step: 4", "step: 4\n    configuration: abc"))
    assert found.inputs.facts["hazard_analysis_config_hash_matches"] is False


def test_an_analysis_that_a_newer_one_replaces_is_compared_no_more(tmp_path: Path) -> None:
    fact = "hazard_analysis_config_hash_matches"
    old = GOOD.replace("step: 4", "step: 4\n    id: before\n    configuration: abc")
    new = GOOD.replace("step: 4", f"step: 4\n    id: after\n    configuration: {configuration_hash(lab_text())}")
    assert examined(tmp_path, old + new).inputs.facts[fact] is False, "two that disagree"
    taking = new.replace("id: after", "id: after\n    supersedes: [before]").replace("2026-10-01\n", "2026-10-02\n", 1)
    found = examined(tmp_path, old + taking)
    assert found.inputs.facts[fact] is True
    assert [each.is_routine for each in found.findings if "takes the place of" in each.text] == [True, True]
    silent = "".join(line for line in taking.splitlines(keepends=True) if "configuration" not in line)
    assert fact not in examined(tmp_path, old + silent).inputs.facts, "nothing is shown by taking a failure away"


def test_what_is_stated_as_measured_is_documented_and_without_a_file_attested(tmp_path: Path) -> None:
    how = "step: 4\n    query: rows of the log\n    tool: logtool\n"
    entry = GOOD.replace("documented", "measured").replace("step: 4\n", how)
    found = examined(tmp_path, entry)
    assert found.inputs.records["SAF-01"].evidence_class == "documented"
    assert "SAF-01-1: it is stated as measured" in said(found)
    bare = "".join(line for line in entry.splitlines(keepends=True) if "files:" not in line)
    assert examined(tmp_path, bare).inputs.records["SAF-01"].evidence_class == "attested"


def test_an_empty_file_is_no_document(tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").touch()
    digest = hashlib.sha256(b"").hexdigest()
    found = examined(tmp_path, GOOD.replace("hazards.pdf", "empty.pdf").replace(HASH, digest))
    assert "SAF-01" not in found.inputs.records
    assert re.search(r"evidence\.yaml:\d+: .*empty\.pdf: is empty", said(found))


def test_waivers_count_until_they_expire(tmp_path: Path) -> None:
    waiver = "waivers: {G08: {authority: the director, expires: 2026-12-01, reason: keys are being issued}}\n"
    head = IDENTITY.format(name="bench") + waiver
    assert "G08" in examined(tmp_path, GOOD, head).inputs.waivers
    assert "G08" not in examined(tmp_path, GOOD, head, date(2026, 12, 2)).inputs.waivers


def stated(about: str, more: str) -> str:
    """A documented entry in one line."""
    head = f'{about}, class: documented, realm: physical, by: Ada Lovelace, files: {{hazards.pdf: "{HASH}"}}'
    return f"  - {{{head}, date: 2026-10-01, valid_until: 2027-10-01, {more}}}\n"


@pytest.mark.parametrize(
    ("about", "more", "sentence"),
    [
        ("metric: m_limit_reject", "value: 1.0, n: 59, successes: 0", "0 of 59 is 0.000000"),
        ("metric: m_af", "value: 3.0, n: 5, interval: [50.0, 60.0]", "outside its interval"),
        ("metric: m_log_integrity", "value: 1.0", "without n, and it wants 1000"),
        ("metric: m_valid_yield", "value: 1.0, n: 0", "with n = 0"),
        ("metric: m_valid_yield", "value: 95.0, n: 100", "write 0.95 for 95 %"),
        ("metric: m_mttr", "value: -1.0, n: 5", "cannot be below 0"),
        ("metric: m_valid_yield", f"value: 1.0, n: 1{'0' * 40}", "n is beyond"),
        ("metric: m_mttr", f"value: 1{'0' * 40}, n: 5", "value is beyond"),
        ("fact: unit.hold_time_limit_s", "value: five", "write a number"),
        ("fact: unit.hold_time_limit_s", "value: true", "write a number"),
        ("fact: closed_loop_campaigns", "value: 2.5", "whole number"),
        ("fact: open_serious_events", "value: -1", "write a number from 0"),
        ("fact: open_serious_events", f"value: 1{'0' * 40}", "value is beyond"),
        ("fact: software_can_actuate", "value: 1", "true or false"),
        ("fact: assessor_independence", "value: external", "self, peer, third_party"),
        ("fact: hold_requests_honoured_share", "value: 1.0, n: 20, successes: 3", "3 of 20"),
        ("fact: hold_requests_honoured_share", "value: 95", "between 0 and 1"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line_and_the_assessment_goes_on(
    tmp_path: Path, about: str, more: str, sentence: str
) -> None:
    found = examined(tmp_path, stated(about, more) + GOOD)
    finding = next(each for each in found.findings if each.line is not None and sentence in each.text)
    assert finding.file == str(tmp_path / "evidence.yaml")
    stand = {**found.inputs.records, **found.inputs.extra_metrics, **found.inputs.fact_answers}
    assert not any(name == f"{about.split()[1]}-1" for each in stand.values() for name in each.evidence)
    assert score(INSTRUMENT, found.inputs, draws=20).level == "R0"


def test_enhancement_may_be_negative_or_above_one(tmp_path: Path) -> None:
    for value in (-0.5, 1.5):
        found = examined(tmp_path, stated("metric: m_ef_norm", f"value: {value}, n: 5"))
        assert found.inputs.records["AUT-08"].value == value


def test_waivers_and_exceptions_that_change_nothing_are_said(tmp_path: Path) -> None:
    waiver = "{authority: the director, expires: 2026-11-21, reason: keys are being issued}"
    claim = "{reason: no such thing, approver: Ada Lovelace}"
    head = IDENTITY.format(name="bench") + f"waivers: {{G08: {waiver}, G99: {waiver}}}\n"
    head += f"not_applicable: {{XXX-01: {claim}, SAF-01: {claim}, SAF-09: {claim}}}\n"
    found = examined(tmp_path, GOOD, head)
    assert set(found.inputs.not_applicable) == {"SAF-09"}
    for sentence in (
        "waiver of G08: it expired on 2026-11-21",
        "waiver of 'G99': there is no such gate",
        "'XXX-01' is said not to apply, and there is no such criterion",
        "SAF-01 is said not to apply, and there is evidence of it",
    ):
        assert re.search(rf"evidence\.yaml:\d+: {re.escape(sentence)}", said(found))


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("/dev/null", "lies outside"),
        ("/etc/hostname", "lies outside"),
        ("../lab.yaml", "without '..'"),
        ("away.pdf", "lies outside"),
        (".", "is no plain file"),
        ("pipe", "is no plain file"),
        ("large.bin", "at most 1073741824"),
    ],
)
def test_only_plain_files_of_the_unit_are_read(tmp_path: Path, file: str, sentence: str) -> None:
    (tmp_path / "away.pdf").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "large.bin").open("wb") as large:
        large.truncate(2**30 + 1)
    found = examined(tmp_path, GOOD.replace("hazards.pdf", file))
    assert "SAF-01" not in found.inputs.records
    assert re.search(rf"evidence\.yaml:\d+: .*{re.escape(sentence)}", said(found))


@pytest.mark.parametrize("name", ["unknown", "'-'", "n/a", "None", "N.A.", "'?'"])
def test_what_names_nobody_is_refused(tmp_path: Path, name: str) -> None:
    found = examined(tmp_path, GOOD.replace("Grace Hopper", name))
    assert "SAF-01" not in found.inputs.records
    assert "is no named person" in said(found)


def test_a_comparison_of_hashes_cannot_be_stated(tmp_path: Path) -> None:
    found = examined(tmp_path, stated("fact: hazard_analysis_config_hash_matches", "value: true"))
    assert "hazard_analysis_config_hash_matches" not in found.inputs.facts
    assert "is ignored as a statement" in said(found)


def test_independence_is_stated_by_one_who_is_independent(tmp_path: Path) -> None:
    about = "fact: assessor_independence"
    found = examined(tmp_path, stated(about, "value: third_party, independence: peer"))
    assert "assessor_independence" not in found.inputs.facts
    assert "one who is third_party states it" in said(found)
    found = examined(tmp_path, stated(about, "value: peer, independence: third_party"))
    assert found.inputs.facts["assessor_independence"] == "peer"


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("cell.yaml", "laboratory: X\nevidence: []\n", "cell.yaml:1: the key 'unit' is missing"),
        ("cell.yaml", "uint: cell\nlaboratory: X\nroles: []\n", "yaml:1: unknown key 'uint': did you mean 'unit'?"),
        ("evidence.yaml", "laboratory: X\n", "evidence.yaml:1: the key 'unit' is missing"),
        ("evidence.yaml", "unit: cell\nfrob: 1\n", "tables, workbook and evidence"),
        ("evidence.yaml", "unit: cell\nevidnce: []\n", "did you mean 'evidence'?"),
        ("lab.yaml", "laboratory: X\ndevices: {}\n", "lab.yaml:1: the key 'name' is missing"),
        ("evidence.yaml", "unit: cell\nwaivers: {G08: {authority: A, expires: 9999-01-01, reason: b}}\n",
         "evidence.yaml:2: '9999-01-01' is no day of the calendar from 1990 to 2100"),
    ],
)  # fmt: skip
def test_a_file_is_judged_as_what_the_person_meant(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refusal:
        load_units([tmp_path / name])
    assert sentence in str(refusal.value)


def test_an_answer_that_cannot_be_is_missing_and_the_unit_is_assessed(tmp_path: Path) -> None:
    found = examined(tmp_path, GOOD)
    facts = {**found.inputs.facts, "assessor_independence": "a friend"}
    broken = replace(found.inputs, facts=facts, waivers={"G99": Waiver("A", AS_OF, "b")})
    with pytest.raises(InputError, match="no gate 'G99'"):
        score(INSTRUMENT, broken, draws=20)
    usable, said = usable_inputs(INSTRUMENT, broken)
    assert "assessor_independence" not in usable.facts
    assert (usable.records, usable.waivers) == (found.inputs.records, {})
    assert [each.rpartition("; ")[2] for each in said] == ["it counts as missing"] * 2
    assert score(INSTRUMENT, usable, draws=20).level == "R0"
    assert usable_inputs(INSTRUMENT, usable) == (usable, ())
