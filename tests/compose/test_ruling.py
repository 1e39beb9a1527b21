"""What a lab file says of matter and space is matched with its device classes, and kept from the first moment on."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pytest

from autolab.compose.devices import device_classes
from autolab.compose.matching import bind_files
from autolab.compose.names import Names
from autolab.compose.options import RunOptions
from autolab.compose.ruling import lab_rules, refuse_expired
from autolab.compose.running import open_all
from autolab.config.lab import load_lab
from autolab.core.effects import Carry, Lapse, Pour, Write
from autolab.core.errors import FileError, InputErrors, ZoneError
from autolab.core.operations import OperationId
from autolab.core.samples import Sample
from autolab.core.zones import Span
from devices.robots import Transfer
from safety.effects import judge_effects
from safety.scene import LabRules, Scene
from tests.compose.files import example

OPTIONS = RunOptions(
    data=Path(), simulate=True, virtual=True, trials=1, seed=0, engine="random", lanes=1, in_memory=True
)
DYES = ("cyan", "magenta", "yellow")
ZONE = "{places: {arm: [stage]}, moves: [stage.position]}"


def rules_of(file: Path) -> LabRules:
    lab = load_lab(file.with_name("lab.yaml"))
    return lab_rules(lab, device_classes(lab, Names(lab.source, lab.packages, file.parent)))


def with_zone(folder: Path, zone: str) -> Path:
    return example("colour", folder, {"lab.yaml": (ZONE, zone)})


def test_zones_are_in_the_units_of_the_devices_whatever_the_file_uses(tmp_path: Path) -> None:
    file = with_zone(tmp_path, "{places: {arm: [stage]}, ranges: {stage.position: {min: 5 cm, max: 8 cm}}}")
    lab = file.with_name("lab.yaml")
    lab.write_text(lab.read_text().replace("{min: 0 mm, max: 300 mm, max_step: 300 mm", "{min: 0 cm, max: 30 cm"))
    assert load_lab(lab).zones["over-stage"].ranges["stage.position"] == Span(5.0, 8.0, "cm")
    assert rules_of(file).zones["over-stage"].ranges["stage.position"] == Span(50.0, 80.0, "mm")


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        (
            "{places: {arm: [stage]}, moves: [dispenser]}",
            "zone over-stage: dispenser cannot be kept out of it, because devices.dispensers.SerialDispenser reserves "
            "no zones: leave it out, and keep it apart by a station",
        ),
        (
            "{places: {arm: [stage]}, moves: [stage.velocity]}",
            "zone over-stage: stage.velocity cannot be kept out of it, because devices.motion.EpicsStage reserves "
            "zones by position only: leave it out, and keep it apart by a station",
        ),
    ],
)
def test_a_zone_that_a_device_class_does_not_reserve_is_refused(tmp_path: Path, zone: str, said: str) -> None:
    with pytest.raises(FileError) as refused:
        bind_files(with_zone(tmp_path, zone), OPTIONS)
    assert refused.value.message == said
    assert refused.value.line is not None


def test_a_campaign_is_refused_at_start_where_a_material_has_expired(tmp_path: Path) -> None:
    file = example(
        "colour", tmp_path, {"lab.yaml": ("cyan:    {stock: 250 mL,", "cyan: {stock: 250 mL, expires: 1999-12-31,")}
    )
    bound = bind_files(file, OPTIONS)
    with ExitStack() as stack, pytest.raises(FileError) as refused:
        open_all(stack, bound, OPTIONS, None, 0, "k")
    assert refused.value.exit_code == 2
    assert str(refused.value).endswith(
        "lab.yaml:26: cyan expired on 1999-12-31, and today is 2000-01-01: put fresh one in, and write its date and "
        "stock under 'materials' in the lab file"
    )
    refuse_expired(bound.lab, date(1999, 12, 31))


def test_every_expired_material_is_named(tmp_path: Path) -> None:
    file = example("colour", tmp_path, {"lab.yaml": ("{stock: 250 mL,", "{stock: 250 mL, expires: 2026-01-31,")})
    with pytest.raises(InputErrors) as refused:
        refuse_expired(load_lab(file.with_name("lab.yaml")), date(2026, 2, 1))
    assert len(refused.value.errors) == 3


def test_what_the_colour_bench_does_in_a_trial_is_allowed(tmp_path: Path) -> None:
    scene = Scene(
        date(2026, 2, 1), Sample("c.s1", "strip-1", "rack_1", 0), left_ul=dict.fromkeys(("clear", *DYES), 1000.0)
    )
    effects = (
        Carry("arm", "strip-1", "rack_1", "stage"),
        Lapse(12.0),
        Write("stage.position", 20.0),
        *(Pour("dispenser", dye, 60.0) for dye in DYES),
        Pour("dispenser", "clear", 120.0),
        Lapse(60.0),
        Write("stage.position", 80.0),
    )
    assert judge_effects(effects, rules_of(example("colour", tmp_path)), scene) == []


def test_the_devices_of_an_open_lab_share_its_zones(tmp_path: Path) -> None:
    bound = bind_files(example("colour", tmp_path), OPTIONS)
    with ExitStack() as stack:
        _, lab = open_all(stack, bound, OPTIONS, None, 0, "k")
        assert lab.zones.held() == {}, "each device has been asked where it is"
        lab.devices["arm"].set(Transfer("strip-1", "rack_1", "stage", OperationId("k", 1, 1, "bring")))
        with pytest.raises(ZoneError, match="over-stage: arm moves in it"):
            lab.devices["stage"].set(50.0)
        assert lab.rules.labware["strip"].capacity_ul == 360.0
