"""The dispenser's protocol core: it survives whatever comes, and executes nothing twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devices.frames import Frame, decode, encode
from simulators.base import MemoryStore, Settings
from simulators.dispensers import DispenserCore, DispenserServer
from tests.devices.test_dispensers import BENCH
from tests.wires import memory

OPERATION = "hand.t1.r1.disp.a1"
WORDS = st.sampled_from(
    ["IDN?", "LIM?", "STAT?", "COUNT?", "OPID?", "HELP?", "MIX", "STOP", OPERATION, "1", "-5", "9" * 12]
)
LINES = st.lists(WORDS, min_size=1, max_size=4).map(lambda words: " ".join(words).encode() + b"\r\n")


def new() -> tuple[DispenserCore, MemoryStore]:
    rig = memory(BENCH)
    return rig.core, rig.store  # type: ignore[return-value]


def counter(store: MemoryStore) -> int:
    return (store.load("dispenser") or {})["counter"]


def ask(core: DispenserCore, body: str, now: float = 0.0) -> str:
    return decode(core.feed(encode(Frame(">", 7, body)), now)).body


@given(st.lists(st.binary(max_size=400), max_size=8))
def test_garbage_never_breaks_it_nor_moves_the_counter(pieces: list[bytes]) -> None:
    core, store = new()
    for piece in pieces:
        core.feed(piece, 0.0)
    core.feed(b"\r\n", 0.0)
    assert core.feed(b"COUNT?\r\n", 0.0) == b"OK counter=0\r\n"
    assert counter(store) == 0


@given(st.lists(LINES | st.binary(max_size=40), max_size=10))
def test_typed_lines_never_move_the_counter(lines: list[bytes]) -> None:
    core, store = new()
    for line in lines:
        core.feed(line, 0.0)
    assert counter(store) == 0


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_each_proper_frame_gets_one_proper_answer(words: list[str]) -> None:
    core, _ = new()
    answer = decode(core.feed(encode(Frame(">", 3, " ".join(words))), 0.0))
    assert answer.sequence == 3
    assert answer.body.split()[0] in ("OK", "ERR")


@given(st.lists(LINES, max_size=6), st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_it_does_not_matter_in_which_pieces_bytes_arrive(lines: list[bytes], sizes: list[int]) -> None:
    data = b"".join(lines)
    whole, pieces = new()[0], new()[0]
    answered = b""
    for size in sizes * (len(data) // sum(sizes) + 1):
        answered += pieces.feed(data[:size], 0.0)
        data = data[size:]
    assert answered + pieces.feed(data, 0.0) == whole.feed(b"".join(lines), 0.0)


@given(st.lists(st.sampled_from(["DISP 1 40000", "MIX 1000", "OPID?", "STOP"]), max_size=12), st.floats(0.0, 0.5))
def test_an_operation_id_counts_at_most_once(commands: list[str], step_s: float) -> None:
    core, store = new()
    for number, command in enumerate(commands):
        ask(core, command if command == "STOP" else f"{command} {OPERATION}", number * step_s)
    assert counter(store) <= 1


def test_a_line_without_end_is_skipped_to_its_end() -> None:
    core, _ = new()
    assert core.feed(b"x" * 1000, 0.0) == b""
    assert core.feed(b"yyy\r\nCOUNT?\r\n", 0.0) == b"ERR 12 LINE_TOO_LONG longest=256\r\nOK counter=0\r\n"


def test_the_documented_errors() -> None:
    core, _ = new()
    errors = {
        "DISP 9 1000 " + OPERATION: "ERR 5 OUT_OF_LIMITS channel=9 allowed=1..4",
        "DISP 1 2000000 " + OPERATION: "ERR 5 OUT_OF_LIMITS volume_nl=2000000 allowed=100..1000000",
        "DISP 1 99 " + OPERATION: "ERR 5 OUT_OF_LIMITS volume_nl=99 allowed=100..1000000",
        "MIX 1 " + OPERATION: "ERR 5 OUT_OF_LIMITS mix_ms=1 allowed=100..120000",
        "DISP 3 100000 " + OPERATION: "ERR 9 RESERVOIR_EMPTY channel=3 left_nl=5000",
        "DISP 1 1000": "ERR 4 BAD_ARGUMENT arguments=2 needed=3",
        "DISP one 1000 " + OPERATION: "ERR 4 BAD_ARGUMENT needed=a-whole-number",
        "DISP 1 1000 mine": "ERR 4 BAD_ARGUMENT needed=an-operation-id",
        "FILL": "ERR 3 UNKNOWN_COMMAND try=HELP?",
    }
    for command, error in errors.items():
        assert ask(core, command) == error
    broken = encode(Frame(">", 7, "COUNT?")).replace(b"COUNT", b"COUNR")
    assert decode(core.feed(broken, 0.0)).body == "ERR 1 CHECKSUM"
    assert decode(core.feed(b">0007 no star\r\n", 0.0)).body == "ERR 2 SYNTAX"


def test_what_left_the_reservoir_is_in_the_well_or_waste() -> None:
    rig = memory(BENCH)
    for number in range(20):
        ask(rig.core, f"DISP 1 {30_000 + number} hand.t{number}.r1.disp.a1", number * 10.0)
    rig.core.advance(1000.0)
    state = rig.state
    left = BENCH.materials["cyan"] - state["reservoirs"]["cyan"]
    inside = state["wells"]["strip-1"]["3"]["cyan"]
    assert inside <= 400.0 < left  # a well holds 400 uL; the rest ran over
    assert abs(left - inside - state["waste_ul"]) < 1e-6


def test_a_bottle_is_refilled_where_the_lab_file_says_another_thing_of_it() -> None:
    rig = memory(BENCH)
    ask(rig.core, f"DISP 1 30000 {OPERATION}")
    rig.core.advance(100.0)
    used = dict(rig.state["reservoirs"])
    liquids = list(BENCH.materials)

    def reservoirs(fillings: dict[str, str] | None = None, **stock: float) -> dict[str, float]:
        """What is in the bottles after a start with this stock of some, and these fillings."""
        materials = {**BENCH.materials, **stock}
        settings = Settings("dispenser", rig.clock, rig.store, materials=materials, fillings=fillings or {})
        DispenserServer(settings, channels=liquids)
        return dict(rig.state["reservoirs"])

    assert reservoirs() == used != dict(BENCH.materials)
    assert reservoirs(magenta=99.0) == {**used, "magenta": 99.0}
    assert reservoirs({"cyan": "another bottle"}, magenta=99.0) == {
        **used,
        "magenta": 99.0,
        "cyan": BENCH.materials["cyan"],
    }


def test_the_part_beyond_the_last_well_of_the_labware_is_no_well() -> None:
    rig = memory(BENCH)
    rig.world("arm", {"places": {"stage": "vial-1"}})  # a kind of labware that this bench does not know
    ask(rig.core, f"DISP 1 30000 {OPERATION}")
    assert "NO_WELL" in ask(rig.core, f"OPID? {OPERATION}", 10.0)


def test_a_stage_that_moves_meanwhile_gets_nothing_into_its_wells() -> None:
    rig = memory(BENCH)
    ask(rig.core, f"DISP 1 300000 {OPERATION}")
    rig.world("stage", {"position": 20.0, "moving": False})
    assert "NO_WELL" in ask(rig.core, f"OPID? {OPERATION}", 10.0)
    assert rig.state["wells"] == {}


def test_power_lost_in_the_middle_is_a_failed_operation_after_the_next_start() -> None:
    rig = memory(BENCH)
    ask(rig.core, f"DISP 1 300000 {OPERATION}")
    again = DispenserServer(rig_settings(rig), **BENCH.options).core
    assert "state=FAILED" in ask(again, f"OPID? {OPERATION}")
    assert "reason=INTERRUPTED" in ask(again, f"OPID? {OPERATION}")
    assert ask(again, "COUNT?") == "OK counter=1"
    assert "duplicate=1" in ask(again, f"DISP 1 300000 {OPERATION}")


def rig_settings(rig):

    return Settings("dispenser", rig.clock, rig.store, BENCH.seed, BENCH.materials, BENCH.labware)
