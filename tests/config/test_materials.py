"""What a lab file says of its materials, wells, zones and times at places, as values."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from autolab.config.lab import load_lab
from autolab.config.materials import read_materials
from autolab.config.problems import Problems
from autolab.config.specs import Source
from autolab.core.zones import Span, Zone

ROOT = Path(__file__).parents[2]
LAB = """\
name: bench
laboratory: L
devices: {stage: {class: my_lab.Stage}, probe: {class: my_lab.Stage}, arm: {class: my_lab.Arm}}
materials:
  acid: {stock: 1 L, expires: 2027-03-31, incompatible: [bleach]}
  bleach: {stock: 20 mL}
  water: {stock: 1 L, compatible: [acid, bleach]}
labware: {strip: {places: [rack_1], wells: 24, capacity: 0.36 mL, freeboard: 50 uL}}
dwell: {rack_1: 2 h, bay: 90 s}
zones:
  over-stage:
    places: {arm: [bay]}
    moves: [stage.position]
    ranges: {probe.position: {min: 5 cm, max: 80 mm}}
envelope:
  stage.position: {min: 0 mm, max: 300 mm}
  probe.position: {min: 0 mm, max: 100 mm}
  arm.place: {allowed: [rack_1, bay]}
"""
NAMES = ("a", "b", "c", "d")


def test_materials_wells_zones_and_dwell_become_their_values(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(LAB)
    lab = load_lab(tmp_path / "lab.yaml")
    assert lab.materials["acid"].expires == date(2027, 3, 31)
    assert lab.materials["water"].expires is None
    assert (lab.labware["strip"].capacity_ul, lab.labware["strip"].freeboard_ul) == (360.0, 50.0)
    assert lab.dwell_s == {"rack_1": 7200.0, "bay": 90.0}
    assert lab.zones["over-stage"] == Zone(
        "over-stage",
        places={"arm": frozenset({"bay"})},
        moves=frozenset({"stage.position"}),
        ranges={"probe.position": Span(50.0, 80.0, "mm")},
    )
    assert lab.zones["over-stage"].devices == ("arm", "probe", "stage")


def test_a_pair_that_is_listed_with_one_material_holds_for_both(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(LAB)
    materials = load_lab(tmp_path / "lab.yaml").materials
    assert materials["acid"].compatible == materials["bleach"].compatible == {"water"}
    assert materials["water"].compatible == {"acid", "bleach"}
    assert (materials["acid"].incompatible, materials["bleach"].incompatible) == ({"bleach"}, {"acid"})


def test_a_lab_file_that_says_nothing_of_them_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(
        "name: b\nlaboratory: L\ndevices: {oven: {class: my_lab.Oven}}\nmaterials: {dye: {stock: 1 mL}}\n"
        "labware: {strip: {places: [rack_1], wells: 24}}\n"
    )
    lab = load_lab(tmp_path / "lab.yaml")
    assert lab.materials["dye"].expires is None
    assert (lab.labware["strip"].capacity_ul, lab.zones, lab.dwell_s) == (None, {}, {})


def test_every_pair_of_the_colour_bench_is_listed() -> None:
    materials = load_lab(ROOT / "examples/colour/lab.yaml").materials
    for name, material in materials.items():
        assert material.compatible == materials.keys() - {name}


@given(st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES)), min_size=1))
def test_whatever_is_listed_what_is_read_is_symmetric(listed: dict[str, set[str]]) -> None:
    values = {
        "materials": {
            name: {"stock": "1 mL", "compatible": sorted((listed.get(name) or set()) - {name})} for name in NAMES
        }
    }
    problems = Problems(Source("lab.yaml", "", {}))
    materials = read_materials(problems, values)
    problems.raise_any()
    for name in NAMES:
        for other in NAMES:
            wanted = other in listed.get(name, set()) or name in listed.get(other, set())
            assert (other in materials[name].compatible) == (wanted and name != other)
