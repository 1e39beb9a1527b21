"""Each bad lab file, and the exact sentence it gets."""

from pathlib import Path

import pytest

from autolab.config.lab import load_lab
from autolab.core.errors import FileError, InputErrors

GOOD = """\
name: bench
laboratory: Example National Laboratory
devices:
  stage:
    class: devices.motion.EpicsStage
    at: {epics: "BENCH:STAGE:"}
    options: {gain: 1.0}
  dispenser:
    class: devices.dispensers.SerialDispenser
    at: {serial: /dev/ttyUSB0, baudrate: 9600}
  arm:
    class: devices.robots.ZmqArm
    at: {zmq: "tcp://127.0.0.1:5555"}
stations: {stage: {}}
materials: {cyan: {stock: 250 mL}}
labware: {strip: {places: [rack_1, rack_2], wells: 24}}
envelope:
  stage.position: {min: 0 mm, max: 300 mm, max_step: 30 mm, safe: hold}
  arm.gripper: {allowed: [open, closed]}
packages: []
interlocks: []
safe_state: []
"""
SLUG = "a name of at most 64 letters, digits, '-' and '_' that begins with a letter or digit is wanted"
NAME = "a name of at most 64 letters, digits and '_' that does not begin with a digit is wanted"
STAGE = 'epics: "BENCH:STAGE:"'
POSITION = "min: 0 mm, max: 300 mm, max_step: 30 mm, safe: hold"
GRIPPER = "allowed: [open, closed]"

MATERIALS = "materials: {cyan: {stock: 250 mL}}"
WELLS = "wells: 24}"
PACKAGES = "packages: []"
KEY = "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio="

CASES = [
    (
        "proven-outside-the-limits",
        POSITION,
        f"{POSITION}, proven: {{min: 0 mm, max: 40 cm}}",
        "18: stage.position: proven region [0, 400] is empty or not inside [0, 300]",
    ),
    (
        "proven-swapped",
        POSITION,
        f"{POSITION}, proven: {{min: 10 mm, max: 5 mm}}",
        "18: stage.position: proven region [10, 5] is empty or not inside [0, 300]",
    ),
    (
        "proven-in-another-dimension",
        POSITION,
        f"{POSITION}, proven: {{min: 0 mm, max: 5 s}}",
        "18: stage.position: proven max '5 s': 's' is a time, and a length is wanted: use 'mm' or a unit like it",
    ),
    (
        "proven-list-for-a-range",
        POSITION,
        f"{POSITION}, proven: [1, 2]",
        "18: stage.position: proven is a list here: write 'proven: {min: ..., max: ...}', or 'all'",
    ),
    (
        "proven-value-that-is-not-allowed",
        GRIPPER,
        f"{GRIPPER}, proven: [ajar]",
        "19: arm.gripper: proven value 'ajar' is not among the allowed ones",
    ),
    (
        "proven-range-for-a-list",
        GRIPPER,
        f"{GRIPPER}, proven: {{min: 1, max: 2}}",
        "19: arm.gripper: proven is a range here: write some of its values, or 'all'",
    ),
    (
        "unknown-tier",
        GRIPPER,
        f"{GRIPPER}, tier: safe",
        "19: envelope.arm.gripper.tier: 'safe' is not known: write one of routine, hazardous or prohibited",
    ),
    (
        "safe-state-that-is-prohibited",
        f"{GRIPPER}}}\npackages: []\ninterlocks: []\nsafe_state: []",
        f"{GRIPPER}, tier: prohibited}}\npackages: []\ninterlocks: []\nsafe_state: [{{set: arm.gripper, to: open}}]",
        "22: arm.gripper is prohibited in the envelope, so it cannot be written: stop its device",
    ),
    (
        "key-that-is-none",
        "packages: []",
        "people: {alice: {key: secret, may: [approve]}}",
        "20: alice: 'secret' is no public key: paste the line that 'autolab key alice' prints",
    ),
    (
        "two-people-with-one-key",
        "packages: []",
        f"people: {{alice: {{key: {KEY}, may: [approve]}}, bob: {{key: {KEY}, may: [reset]}}}}",
        "20: bob has the key of alice: each person needs a key of their own",
    ),
    (
        "unknown-right",
        "packages: []",
        f"people: {{alice: {{key: {KEY}, may: [aprove]}}}}",
        "20: people.alice.may, item 1: 'aprove' is not known: did you mean 'approve'?",
    ),
    (
        "power-of-an-unknown-device",
        "packages: []",
        "power: {devices: [stage, pump]}",
        "20: 'pump' is no device of this lab: its devices are stage, dispenser, arm",
    ),
    ("power-twice", "packages: []", "power: {devices: [arm, arm]}", "20: arm is given twice: remove one"),
    (
        "dead-man-too-short",
        "packages: []",
        "power: {devices: [arm], dead_man: 20 ms}",
        "20: dead_man '20 ms' is outside 60 ms to 10 s: the watchdog asks for power every 20 ms",
    ),
    (
        "dead-man-without-unit",
        "packages: []",
        "power: {devices: [arm], dead_man: 100}",
        "20: dead_man 100 has no unit: write for example '140 ms'",
    ),
    ("unknown-key", "materials:", "matrials:", "15: unknown key 'matrials': did you mean 'materials'?"),
    (
        "unknown-device-key",
        "class: devices.motion.EpicsStage",
        "clas: devices.motion.EpicsStage",
        "5: devices.stage: unknown key 'clas': did you mean 'class'?",
    ),
    ("unknown-address", STAGE, "epic: X", "6: devices.stage.at: unknown key 'epic': did you mean 'epics'?"),
    ("station-with-keys", "{stage: {}}", "{stage: {x: 1}}", "14: stations.stage: unknown key 'x': remove it"),
    (
        "missing-laboratory",
        "laboratory: Example National Laboratory\n",
        "",
        "1: the key 'laboratory' is missing: add 'laboratory: Example National Laboratory'",
    ),
    (
        "missing-class",
        "    class: devices.motion.EpicsStage\n",
        "",
        "4: devices.stage: the key 'class' is missing: add 'class: devices.motion.EpicsStage'",
    ),
    # Materials
    (
        "compatible-with-unknown",
        MATERIALS,
        "materials: {cyan: {stock: 1 mL, compatible: [clera]}, clear: {stock: 1 mL}}",
        "15: cyan: compatible with 'clera', which is no material of this lab: did you mean 'clear'?",
    ),
    (
        "incompatible-with-unknown",
        MATERIALS,
        "materials: {cyan: {stock: 1 mL, incompatible: [bleach]}, acid: {stock: 1 mL}}",
        "15: cyan: incompatible with 'bleach', which is no material of this lab: materials are cyan and acid",
    ),
    (
        "compatible-with-itself",
        MATERIALS,
        "materials: {cyan: {stock: 1 mL, compatible: [cyan]}}",
        "15: cyan: compatible with itself: a material is always compatible with itself; remove it",
    ),
    (
        "compatible-twice",
        MATERIALS,
        "materials: {cyan: {stock: 1 mL, compatible: [clear, clear]}, clear: {stock: 1 mL}}",
        "15: cyan: 'clear' is given twice under compatible: remove one",
    ),
    (
        "both-compatible-and-incompatible",
        MATERIALS,
        "materials:\n  bleach: {stock: 1 mL, compatible: [acid]}\n  acid: {stock: 1 mL, incompatible: [bleach]}",
        "17: acid and bleach are incompatible here, and compatible in line 16: keep the one that is so",
    ),
    (
        "expires-is-no-date",
        MATERIALS,
        "materials: {cyan: {stock: 1 mL, expires: 31.3.2027}}",
        "15: materials.cyan.expires: '31.3.2027' is not possible here, and a day such as '2027-03-31' is wanted",
    ),
    (
        "expires-is-a-year",
        MATERIALS,
        "materials: {cyan: {stock: 1 mL, expires: 2027}}",
        "15: materials.cyan.expires: 2027 is a whole number, and a day such as '2027-03-31' is wanted",
    ),
    (
        "expires-on-no-day",
        MATERIALS,
        "materials: {cyan: {stock: 1 mL, expires: 2027-02-30}}",
        "15: cyan: expires '2027-02-30' is no day of the calendar: write year, month and day as in '2027-03-31'",
    ),
    # Labware
    (
        "capacity-without-unit",
        WELLS,
        "wells: 24, capacity: 360}",
        "16: strip: capacity 360 has no unit: write for example '360 uL'",
    ),
    (
        "capacity-is-no-volume",
        WELLS,
        "wells: 24, capacity: 360 mm}",
        "16: strip: capacity '360 mm': 'mm' is a length, and a volume is wanted: use 'uL' or a unit like it",
    ),
    (
        "capacity-not-above-freeboard",
        WELLS,
        "wells: 24, capacity: 50 uL, freeboard: 0.36 mL}",
        "16: strip: capacity '50 uL' is not above the freeboard of '0.36 mL', so that nothing could be poured: "
        "give what a well holds to its brim",
    ),
    (
        "capacity-of-nothing",
        WELLS,
        "wells: 24, capacity: 0 uL}",
        "16: strip: capacity '0 uL' is not above zero, so that nothing could be poured: "
        "give what a well holds to its brim",
    ),
    (
        "freeboard-below-zero",
        WELLS,
        "wells: 24, capacity: 360 uL, freeboard: -1 uL}",
        "16: strip: freeboard '-1 uL' is below zero: write what is really there",
    ),
    (
        "freeboard-of-no-capacity",
        WELLS,
        "wells: 24, freeboard: 50 uL}",
        "16: strip: freeboard says what of the capacity stays empty, and there is none: add 'capacity: 360 uL'",
    ),
    # Zones and dwell
    (
        "zone-of-unknown-device",
        PACKAGES,
        "zones: {over: {places: {armm: [open]}, moves: [stage.position]}}",
        "20: 'armm' is not a device of this lab: did you mean 'arm'?",
    ),
    (
        "zone-of-unknown-place",
        PACKAGES,
        "zones: {over: {places: {arm: [opne]}, moves: [stage.position]}}",
        "20: arm: the envelope does not let it go to 'opne': did you mean 'open'?",
    ),
    (
        "zone-of-unknown-signal",
        PACKAGES,
        "zones: {over: {places: {arm: [open]}, moves: [stage.positoin]}}",
        "20: 'stage.positoin' has no range in the envelope, so nobody sees it move: did you mean 'stage.position'?",
    ),
    (
        "zone-span-swapped",
        PACKAGES,
        "zones: {over: {places: {arm: [open]}, ranges: {stage.position: {min: 80 mm, max: 5 cm}}}}",
        "20: stage.position: min '80 mm' is above max '5 cm': swap them",
    ),
    (
        "zone-span-out-of-reach",
        PACKAGES,
        "zones: {over: {places: {arm: [open]}, ranges: {stage.position: {min: 400 mm, max: 500 mm}}}}",
        "20: stage.position: '400 mm' to '500 mm' is outside the envelope, which allows 0 to 300 mm, "
        "so that it never gets there: correct it",
    ),
    (
        "zone-span-of-another-kind",
        PACKAGES,
        "zones: {over: {places: {arm: [open]}, ranges: {stage.position: {min: 5 s, max: 80 mm}}}}",
        "20: stage.position: min '5 s': 's' is a time, and a length is wanted: use 'mm' or a unit like it",
    ),
    (
        "zone-named-twice-over",
        PACKAGES,
        "zones: {over: {places: {arm: [open]}, moves: [arm, stage.position]}}",
        "20: arm is in the zone whenever it moves, and under places again: keep one of them",
    ),
    (
        "zone-of-one-device",
        PACKAGES,
        "zones: {over: {moves: [stage.position]}}",
        "20: over: only stage reaches into this zone, and a zone keeps two devices apart: add another",
    ),
    (
        "zone-of-nothing",
        PACKAGES,
        "zones: {over: {}}",
        "20: over: nothing reaches into this zone, and a zone keeps two devices apart: add another",
    ),
    (
        "zone-misspelt",
        PACKAGES,
        "zones: {over: {move: [stage.position]}}",
        "20: zones.over: unknown key 'move': did you mean 'moves'?",
    ),
    (
        "dwell-at-unknown-place",
        PACKAGES,
        "dwell: {rack_3: 1 h}",
        "20: dwell: 'rack_3' is no place of this lab: did you mean 'rack_2'?",
    ),
    (
        "dwell-without-unit",
        PACKAGES,
        "dwell: {rack_1: 3}",
        "20: dwell: rack_1 3 has no unit: write for example '30 min'",
    ),
    (
        "dwell-of-nothing",
        PACKAGES,
        "dwell: {rack_1: 0 s}",
        "20: dwell: rack_1 '0 s' is not above zero: give the longest time, or remove it",
    ),
    # Names that are paths
    ("name-is-a-path", "name: bench", "name: ../bench", f"1: name: '../bench' is a path, and {SLUG}"),
    (
        "one-bottle-twice",
        MATERIALS,
        "materials: {cyan: {stock: 1 mL, bottle: B-1}, clear: {stock: 1 mL, bottle: B-1}}",
        "15: clear: bottle 'B-1' is that of cyan already: a barcode names one bottle; write that of this bottle",
    ),
    (
        "consumable-of-two-kinds",
        MATERIALS,
        f"consumables: {{tips: {{stock: 96, per: pour, room: 1 L}}}}\n{MATERIALS}",
        "15: tips: give either 'stock' and 'per', such as {stock: 960, per: pour}, or 'room'",
    ),
    (
        "waste-without-unit",
        MATERIALS,
        f"consumables: {{bin: {{room: 5}}}}\n{MATERIALS}",
        "15: bin: room 5 has no unit: write for example '5 L'",
    ),
    (
        "consumable-is-a-material",
        MATERIALS,
        f"consumables: {{cyan: {{room: 5 L}}}}\n{MATERIALS}",
        "15: cyan is a material too: choose another name",
    ),
    ("material-is-a-path", "cyan:", "a/cyan:", f"15: materials: 'a/cyan' is a path, and {SLUG}"),
    ("labware-is-a-path", "strip:", "../strip:", f"16: labware: '../strip' is a path, and {SLUG}"),
    (
        "place-is-a-path",
        "rack_2]",
        "../rack_2]",
        f"16: labware.strip.places, item 2: '../rack_2' is a path, and {SLUG}",
    ),
    ("station-is-a-path", "{stage: {}}", "{../stage: {}}", f"14: stations: '../stage' is a path, and {SLUG}"),
    ("device-is-a-path", "  dispenser:", "  ../x:", f"8: devices: '../x' is a path, and {NAME}"),
    # Devices and addresses
    (
        "device-reserved",
        "  dispenser:",
        "  parent:",
        "8: 'parent' is a reserved word: choose another name for the device",
    ),
    (
        "device-with-dash",
        "  dispenser:",
        "  my-dispenser:",
        f"8: devices: 'my-dispenser' is not possible here, and {NAME}",
    ),
    (
        "one-address-twice",
        "serial: /dev/ttyUSB0, baudrate: 9600",
        'epics: "BENCH:STAGE:"',
        "10: dispenser has the address epics BENCH:STAGE:, and so has stage in line 6: give each device its own",
    ),
    (
        "one-endpoint-twice",
        STAGE,
        'zmq: "tcp://localhost:5555"',
        "13: arm has the address zmq tcp://127.0.0.1:5555, and so has stage in line 6: give each device its own",
    ),
    (
        "two-addresses",
        STAGE,
        "epics: X, serial: Y",
        "6: stage: give exactly one of epics, serial and zmq, and here are epics and serial",
    ),
    (
        "no-address",
        f"{{{STAGE}}}",
        "{}",
        "6: stage: give exactly one of epics, serial and zmq, and here is none of them",
    ),
    (
        "baudrate-without-line",
        STAGE,
        f"{STAGE}, baudrate: 9600",
        "6: stage: 'baudrate' goes with 'serial' only: remove it",
    ),
    (
        "endpoint-without-port",
        "tcp://127.0.0.1:5555",
        "tcp://127.0.0.1",
        "13: devices.arm.at.zmq: 'tcp://127.0.0.1' is not possible here, "
        "and an endpoint such as 'tcp://127.0.0.1:5555' is wanted",
    ),
    ("port-too-high", "5555", "99999", "13: arm: port 99999 is not between 1 and 65535: correct the port"),
    ("option-nan", "gain: 1.0", "gain: .nan", "7: devices.stage.options.gain: nan is not a finite number"),
    # Materials and labware
    (
        "stock-of-time",
        "250 mL",
        "250 s",
        "15: cyan: stock '250 s': 's' is a time, and a volume is wanted: use 'uL' or a unit like it",
    ),
    ("stock-without-unit", "250 mL", "250", "15: cyan: stock 250 has no unit: write for example '250 mL'"),
    ("stock-misspelt", "250 mL", "250 mLL", "15: cyan: stock '250 mLL': 'mLL' is not a unit: did you mean 'mL'?"),
    ("stock-below-zero", "250 mL", "-1 mL", "15: cyan: stock '-1 mL' is below zero: write what is really there"),
    ("stock-nan", "250 mL", "nan mL", "15: cyan: stock 'nan mL' is not a finite number"),
    (
        "place-twice",
        "rack_2]",
        "rack_1]",
        "16: strip: place 'rack_1' is given twice: each piece needs a place of its own",
    ),
    ("no-wells", "wells: 24", "wells: 0", "16: labware.strip.wells: 0 is less than 1: give at least 1"),
    # Envelope
    (
        "limit-of-no-device",
        "stage.position",
        "stag.position",
        "18: stag.position: 'stag' is not a device of this lab: did you mean 'stage'?",
    ),
    (
        "limit-of-no-signal",
        "stage.position",
        "position",
        "18: envelope: 'position' is not possible here, and a device and its signal such as 'stage.position' is wanted",
    ),
    (
        "limits-swapped",
        "min: 0 mm, max: 300 mm",
        "min: 300 mm, max: 0 mm",
        "18: stage.position: min 300 and max 0 are swapped: min must be below max",
    ),
    (
        "limits-equal",
        "max: 300 mm",
        "max: 0 cm",
        "18: stage.position: min 0 and max 0 are equal: min must be below max",
    ),
    ("limit-nan", "min: 0 mm", "min: nan mm", "18: stage.position: min 'nan mm' is not a finite number"),
    ("limit-infinite", "max: 300 mm", "max: .inf", "18: stage.position: max inf is not a finite number"),
    (
        "limit-of-time",
        "max: 300 mm",
        "max: 300 s",
        "18: stage.position: max '300 s': 's' is a time, and a length is wanted: use 'mm' or a unit like it",
    ),
    (
        "limit-without-unit",
        "max: 300 mm",
        "max: 300",
        "18: stage.position: max 300: without a unit it is a pure number, and a length is wanted: "
        "use 'mm' or a unit like it",
    ),
    ("limit-without-max", "max: 300 mm, ", "", "18: stage.position: max is missing: add 'max: ...' with its unit"),
    (
        "limit-misspelt-key",
        "max: 300 mm",
        "maxx: 300 mm",
        "18: envelope.stage.position: unknown key 'maxx': did you mean 'max'?",
    ),
    ("safe-outside", "safe: hold", "safe: 40 cm", "18: stage.position: safe value 400.0 is outside [0, 300]"),
    (
        "safe-unknown",
        "safe: hold",
        "safe: stay",
        "18: stage.position: safe 'stay' is not a number with a unit: write for example '250 mL' (or 'hold')",
    ),
    (
        "step-below-zero",
        "max_step: 30 mm",
        "max_step: -3 mm",
        "18: stage.position: max_step -3.0 must be a finite number above zero",
    ),
    (
        "rate-without-time",
        "max_step: 30 mm",
        "max_rate: 30 mm",
        "18: stage.position: max_rate '30 mm' is no change in a time: write for example '5 K/min'",
    ),
    (
        "rate-of-another-quantity",
        "max_step: 30 mm",
        "max_rate: 5 K/min",
        "18: stage.position: max_rate '5 K': 'K' is a temperature, and a length is wanted: use 'mm' or a unit like it",
    ),
    (
        "rate-per-something-else",
        "max_step: 30 mm",
        "max_rate: 5 mm/K",
        "18: stage.position: max_rate 'K' is a temperature, and a time is wanted: use 's' or a unit like it",
    ),
    (
        "range-and-allowed",
        "safe: hold",
        "allowed: [1]",
        "18: stage.position: give either min and max, or allowed, or pattern, and here are min and max and allowed",
    ),
    (
        "empty-limit",
        f"{{{POSITION}}}",
        "{}",
        "18: stage.position: give either min and max, or allowed, or pattern, and here is none of them",
    ),
    (
        "allowed-twice",
        GRIPPER,
        "allowed: [open, open]",
        "19: arm.gripper: allowed value 'open' is given twice: remove one",
    ),
    (
        "allowed-nothing",
        GRIPPER,
        "allowed: []",
        "19: envelope.arm.gripper.allowed: 0 items are given, and at least 1 is wanted",
    ),
    (
        "pattern-broken",
        GRIPPER,
        "pattern: '[a'",
        "19: arm.gripper: pattern '[a' is not a regular expression: unterminated character set at position 0",
    ),
    # The rest
    (
        "package-name",
        "packages: []",
        "packages: [my-lab]",
        "20: packages, item 1: 'my-lab' is not possible here, "
        "and the name of an importable package such as 'my_lab' is wanted",
    ),
    (
        "audit-without-heads",
        "interlocks: []",
        "audit: {}",
        "21: audit: the key 'heads' is missing: add 'heads: /mnt/records/colour-bench.jsonl'",
    ),
    (
        "unknown-audit-key",
        "interlocks: []",
        "audit: {heads: a.jsonl, head: b.jsonl}",
        "21: audit: unknown key 'head': did you mean 'heads'?",
    ),
    (
        "interlock-key",
        "interlocks: []",
        "interlocks: [{name: far, wen: stage.position > 290 mm, effect: alarm, why: it is far}]",
        "21: interlocks, item 1: unknown key 'wen': did you mean 'when'?",
    ),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("old", "new", "message"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_a_bad_lab_is_refused_in_one_plain_sentence(folder: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    Path("lab.yaml").write_text(GOOD.replace(old, new, 1))
    with pytest.raises(FileError) as caught:
        load_lab("lab.yaml")
    assert str(caught.value) == f"lab.yaml:{message}"
    assert caught.value.exit_code == 2


def test_the_good_lab_of_these_tests_is_accepted(folder: Path) -> None:
    Path("lab.yaml").write_text(GOOD)
    assert load_lab("lab.yaml").name == "bench"


def test_all_problems_of_a_lab_are_reported_together_in_the_order_of_its_lines(folder: Path) -> None:
    text = GOOD.replace("max: 300 mm", "max: 300 s").replace("250 mL", "lots").replace("5555", "0")
    Path("lab.yaml").write_text(text)
    with pytest.raises(InputErrors) as caught:
        load_lab("lab.yaml")
    assert [str(error).split(" ")[0] for error in caught.value.errors] == [
        "lab.yaml:13:",
        "lab.yaml:15:",
        "lab.yaml:18:",
    ]
