"""The instrument is read, agrees with itself, and what contradicts itself is refused with file and line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
import yaml

from autolab.core.errors import FileError, InputError, InputErrors
from facility_review.instrument import FOLDER, load_instrument, read_instrument, versions
from facility_review.instrumentmodel import InstrumentFile
from facility_review.scoring import score
from tests.facility_review.examples import inputs_of

TEXT = (FOLDER / "v0_1_0.yaml").read_text(encoding="utf-8")


def test_it_has_what_the_design_names() -> None:
    found = load_instrument()
    assert (len(found.dimensions), len(found.criteria), len(found.metrics), len(found.gates)) == (10, 90, 59, 17)
    assert sum(item.metric is not None for item in found.file.criteria) == 55
    assert sum(item.key for item in found.file.criteria) == 35
    assert list(found.levels) == ["R0", "R1", "R2", "R3", "R4", "R5"]


def test_it_says_that_it_is_a_proposal_that_nobody_has_endorsed() -> None:
    head = load_instrument().file.instrument
    assert head.status == "proposal"
    assert head.disclaimer.startswith("Independent proposal. No DOE or White House body has published or endorsed")


def test_it_validates_against_its_own_json_schema() -> None:
    """Editors and other programs read the shape as JSON Schema."""
    schema = InstrumentFile.model_json_schema()
    jsonschema.validate(yaml.safe_load(TEXT), schema)
    broken = yaml.safe_load(TEXT.replace("    kind: practice\n", "    kind: habit\n", 1))
    with pytest.raises(jsonschema.ValidationError, match="habit"):
        jsonschema.validate(broken, schema)


def test_dates_follow_from_the_rule() -> None:
    file = load_instrument().file
    days = {item.id: item for item in file.timeline.milestones if item.day is not None}
    assert days["T240"].date == file.order.signed + timedelta(days=240)
    assert str(days["T240"].date) == "2026-07-22"
    assert str(days["T365"].date) == "2026-11-24"


def _swap(old: str, new: str, tmp_path: Path) -> tuple[Path, int]:
    """The instrument with its first `old` replaced, and the line in which that stands."""
    assert old in TEXT, old
    start = TEXT.index(old)
    path = tmp_path / "v9_0_0.yaml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    return path, TEXT.count("\n", 0, start) + 1


FAULTS: dict[str, tuple[str, str, str, int]] = {
    "weights that do not sum to 1": ("weight: 0.14", "weight: 0.15", "the weights sum to 1.01, and must sum to 1", -7),
    "a weight of nothing": ("    weight: 3\n", "    weight: 0\n", "CAP-01: weight 0 must be greater than 0", 0),
    "an id given twice": ("  - id: G02", "  - id: G01", "the id 'G01' is given twice", 0),
    "a dimension that is none": ("    dimension: CAP\n", "    dimension: CAB\n", "dimension 'CAB' is not declared", 0),
    "a metric that is none": (
        "id: m_param_coverage\n      value",
        "id: m_parm_coverage\n      value",
        "did you mean 'm_param_coverage'",
        0,
    ),
    "a direction that its metric denies": (
        "      better: higher",
        "      better: lower",
        "m_asset_coverage is better higher",
        0,
    ),
    "cut points that turn back": (
        "cut_points: [0.6, 0.8, 0.9, 0.97, 0.995]",
        "cut_points: [0.6, 0.8, 0.7, 0.97, 0.995]",
        "must rise from 0.3",
        0,
    ),
    "cut points that fall short": (
        "cut_points: [0.6, 0.8, 0.9, 0.97, 0.995]",
        "cut_points: [0.6, 0.8]",
        "2 cut points are given",
        0,
    ),
    "a share above 1": (
        "cut_points: [0.6, 0.8, 0.9, 0.97, 0.995]",
        "cut_points: [0.6, 0.8, 0.9, 0.97, 1.2]",
        "a fraction lies between 0 and 1",
        0,
    ),
    "zero on a log scale": (
        "      zero_at: 1\n      cut_points: [8,",
        "      zero_at: 0\n      cut_points: [8,",
        "a log scale takes values greater than 0",
        1,
    ),
    "a source that is none": (
        "sources: [device_registry, network_discovery]",
        "sources: [device_registry, network_discover]",
        "source 'network_discover' is not declared: did you mean 'network_discovery'",
        0,
    ),
    "a clause that is none": (
        "    eo_clauses: [EO-3e, EO-3a-vi]",
        "    eo_clauses: [EO-3e, EO-9z]",
        "clause 'EO-9z' is not declared",
        0,
    ),
    "a standard that is none": (
        "standards: [SAFE-SDL, NIST-MODLAB, ISA-88]",
        "standards: [SAFE-SDL, NIST-MODLAB, ISA-99]",
        "standard 'ISA-99' is not declared",
        0,
    ),
    "a gate on nothing": (
        "{metric: m_interlock_assured, op: '>='",
        "{metric: m_interlock_asured, op: '>='",
        "did you mean 'm_interlock_assured'",
        0,
    ),
    "a gate on a criterion that is none": (
        "    criteria: [SAF-02]",
        "    criteria: [SAF-99]",
        "criterion 'SAF-99' is not declared",
        0,
    ),
    "a ceiling on a hold gate": (
        "    type: hold\n",
        "    type: hold\n    ceiling: R2\n",
        "a hold gate has no 'ceiling'",
        -2,
    ),
    "a gate that depends on no fact": (
        "    applies_if: software_can_actuate",
        "    applies_if: software_can_act",
        "applies_if 'software_can_act' is not declared",
        0,
    ),
    "a value from no fact": (
        "value_from: unit.hold_time_limit_s",
        "value_from: unit.hold_limit",
        "value_from 'unit.hold_limit' is not declared",
        -2,
    ),
    "a minimum that falls": ("      SAF: 3.0\n", "      SAF: 1.0\n", "less than a lower level asks for", 0),
    "an extra condition on nothing": (
        "fact: closed_loop_campaigns, op",
        "fact: closed_loops, op",
        "fact 'closed_loops' is not declared",
        0,
    ),
    "caps that rise": (
        "{physical: 5, emulated: 3, simulated: 2}",
        "{physical: 3, emulated: 5, simulated: 2}",
        "must fall from physical to simulated",
        0,
    ),
    "a cap that is missing": (
        "{physical: 5, emulated: 3, simulated: 2}",
        "{physical: 5, emulated: 3}",
        "the cap of 'simulated' is missing",
        0,
    ),
    "sample caps the wrong way round": (
        "    below_third: 2",
        "    below_third: 4",
        "must not be above 'below_min_n'",
        -2,
    ),
    "a date that does not follow": (
        "date: '2026-07-22'",
        "date: '2026-07-23'",
        "day 240 is 2026-07-22, and 2026-07-23 is given",
        0,
    ),
    "a status that is none": ("      status: pending", "      status: due", "status 'due' is not declared", 0),
    "a year from nothing": (
        "anniversary_of: T060+30",
        "anniversary_of: T061+30",
        "milestone 'T061+30' is not declared: did you mean 'T060+30'",
        0,
    ),
    "a track on nothing": (
        "    CAP-08: {R2: 2",
        "    CAP-07: {R2: 2",
        "criterion of production 'CAP-07' is not declared",
        0,
    ),
    "minima of a track that fall": (
        "CAP-08: {R2: 2, R3: 3, R4: 4, R5: 5}",
        "CAP-08: {R2: 2, R3: 3, R4: 4, R5: 1}",
        "must not fall from level to level",
        0,
    ),
    "an axis on nothing": (
        "{metric: m_workflow_automation, op: '>=', value: 0.8}",
        "{metric: m_workflow, op: '>=', value: 0.8}",
        "metric 'm_workflow' is not declared",
        0,
    ),
    "a window of nothing": (
        "    window_days: 90\n",
        "    window_days: 0\n",
        "m_asset_coverage: window_days 0 must be 1 or more",
        0,
    ),
    "a key that is none": ("    automation: full\n", "    automated: full\n", "unknown key 'automated'", 0),
    "a value that is none of the list": ("    kind: practice\n", "    kind: habit\n", "'habit'", 0),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused_with_file_and_line(fault: str, tmp_path: Path) -> None:
    old, new, message, offset = FAULTS[fault]
    path, line = _swap(old, new, tmp_path)
    with pytest.raises((FileError, InputErrors)) as refusal:
        read_instrument(path)
    errors = refusal.value.errors if isinstance(refusal.value, InputErrors) else (refusal.value,)
    said = [error for error in errors if message in str(error)]
    assert said, str(refusal.value)
    assert isinstance(said[0], FileError)
    assert said[0].file == str(path)
    assert said[0].line == line + offset


def test_a_metric_that_is_scored_twice_is_refused(tmp_path: Path) -> None:
    path, _ = _swap("id: m_param_coverage\n      value", "id: m_asset_coverage\n      value", tmp_path)
    with pytest.raises((FileError, InputErrors), match="CAP-03: m_asset_coverage is scored by CAP-01 already"):
        read_instrument(path)


def test_all_faults_are_reported_together(tmp_path: Path) -> None:
    path = tmp_path / "v9_0_0.yaml"
    path.write_text(TEXT.replace("weight: 0.14", "weight: 0.15").replace("criteria: [SAF-02]", "criteria: [SAF-99]"))
    with pytest.raises(InputErrors) as refusal:
        read_instrument(path)
    assert len(refusal.value.errors) == 2


def test_two_versions_stand_side_by_side_and_results_say_which(tmp_path: Path) -> None:
    (tmp_path / "v0_1_0.yaml").write_text(TEXT, encoding="utf-8")
    newer = TEXT.replace("version: 0.1.0", "version: 0.2.0").replace("      OPS: 3.0", "      OPS: 2.5", 1)
    (tmp_path / "v0_2_0.yaml").write_text(newer.replace("key_margin: 1.5", "key_margin: 2.0"), encoding="utf-8")
    assert versions(tmp_path) == ("0.1.0", "0.2.0")
    old, new = load_instrument("0.1.0", tmp_path), load_instrument(None, tmp_path)
    assert (old.version, new.version) == ("0.1.0", "0.2.0")
    first, second = score(old, inputs_of("B"), draws=50), score(new, inputs_of("B"), draws=50)
    assert (first.instrument.version, second.instrument.version) == ("0.1.0", "0.2.0")
    assert first.instrument.content_hash == load_instrument("0.1.0").content_hash
    assert first.instrument.content_hash != second.instrument.content_hash
    assert first.dimensions[-1].next_minimum != second.dimensions[-1].next_minimum


def test_comments_and_layout_do_not_change_the_hash(tmp_path: Path) -> None:
    path = tmp_path / "v0_1_0.yaml"
    path.write_text("# another comment\n" + TEXT, encoding="utf-8")
    assert read_instrument(path).content_hash == load_instrument("0.1.0").content_hash


def test_a_version_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"version '0\.1\.9'.*did you mean '0\.1\.0'"):
        load_instrument("0.1.9")
