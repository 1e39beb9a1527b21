"""The message core of arm and replay: whatever message comes, it answers, and executes nothing twice, late or stale."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.base import Settings
from simulators.operations import OperationsCore
from simulators.robots import ArmServer
from tests.devices.test_robots import BENCH
from tests.wires import Rig, memory

OPERATION = "hand.t1.r1.bring.a1"
MOVE = {
    "id": OPERATION,
    "op": "transfer",
    "args": {"labware": "strip-1", "source": "rack_1", "target": "stage"},
    "epoch": 1,
    "not_after": 5.0,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def ask(core: OperationsCore, message: Any, now: float = 0.0, real: float = 0.0) -> dict[str, Any]:
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    return json.loads(core.handle(data, now, real))


def new() -> tuple[OperationsCore, Rig]:
    rig = memory(BENCH)
    return rig.core, rig


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_message_is_answered_and_moves_nothing(message: bytes) -> None:
    core, rig = new()
    assert ask(core, message)["reply"] in ("refused", "ok")
    assert rig.state["counter"] == 0


@given(st.sampled_from(["id", "op", "args", "epoch", "not_after", "more"]), JSON)
def test_a_move_with_one_key_wrong_is_answered_and_counted_at_most_once(key: str, value: Any) -> None:
    core, rig = new()
    assert ask(core, {**MOVE, key: value})["reply"] in ("ack", "ok", "refused")
    assert rig.state["counter"] <= 1


@given(JSON)
def test_a_move_with_other_arguments_never_starts(args: Any) -> None:
    core, rig = new()
    assert ask(core, {**MOVE, "args": args})["reply"] == "refused"
    assert rig.state["counter"] == 0


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"[" * 60_000,
        b'{"id": "1", "op": "hello", "args": ' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}",
        b"1" * 70_000,
    ],
    ids=["empty", "deep list", "deep object", "too long"],
)
def test_a_monstrous_message_is_refused(message: bytes) -> None:
    core, _ = new()
    assert ask(core, message)["reply"] in ("refused", "ok")


@given(st.lists(st.sampled_from(["move", "stop", "query"]), max_size=10), st.floats(0.0, 10.0))
def test_an_operation_id_counts_at_most_once(commands: list[str], step_s: float) -> None:
    core, rig = new()
    messages = {
        "move": MOVE,
        "stop": {"id": "s", "op": "stop"},
        "query": {"id": "q", "op": "query", "args": {"operation": OPERATION}},
    }
    for number, command in enumerate(commands):
        assert ask(core, messages[command], now=number * step_s)["reply"] in ("ack", "duplicate", "ok")
    assert rig.state["counter"] <= 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"epoch": 0}, "wrong_epoch"),
        ({"epoch": None}, "wrong_epoch"),
        ({"not_after": 99.0}, "expired"),
        ({"not_after": None}, "expired"),
        ({"not_after": 1e9}, "bad_args"),
        ({"id": "mine"}, "bad_args"),
        ({"op": "dance"}, "unknown_op"),
    ],
    ids=str,
)
def test_a_stale_late_or_nameless_action_is_refused(changes: dict[str, Any], code: str) -> None:
    core, rig = new()
    message = {key: value for key, value in {**MOVE, "not_after": 105.0, **changes}.items() if value is not None}
    assert ask(core, message, real=100.0)["code"] == code
    assert rig.state["counter"] == 0


def test_the_labware_is_in_the_gripper_between_the_two_places() -> None:
    core, rig = new()
    ask(core, MOVE)
    seen = []
    for now in (1.0, 6.0, 12.0):
        core.advance(now)
        seen.append((rig.state["places"]["rack_1"], rig.state["holding"], rig.state["places"]["stage"]))
    assert seen == [("strip-1", None, None), (None, "strip-1", None), (None, None, "strip-1")]
    [(_, message)] = core.take_ended()
    assert json.loads(message)["reply"] == "done"


def test_a_restart_has_a_new_epoch_and_fails_what_was_running() -> None:
    core, rig = new()
    ask(core, MOVE)
    core.advance(6.0)
    settings = Settings("arm", rig.clock, rig.store, BENCH.seed, BENCH.materials, BENCH.labware)
    again = ArmServer(settings, **BENCH.options).core
    assert ask(again, {"id": "1", "op": "hello"})["epoch"] == 2
    known = ask(again, {"id": "2", "op": "query", "args": {"operation": OPERATION}})
    assert (known["state"], known["code"]) == ("failed", "interrupted")
    assert ask(again, {**MOVE, "id": "hand.t1.r1.bring.a2"})["code"] == "wrong_epoch"
    assert ask(again, {"id": "3", "op": "where", "args": {"labware": "strip-1"}})["place"] == "gripper"


def claim(key: str | None, by: str = "the controller") -> dict[str, Any]:
    return {"id": "c", "op": "claim", "args": {"by": by}, **({"key": key} if key else {})}


def test_while_it_is_claimed_it_acts_for_nobody_else_and_stops_for_everybody() -> None:
    core, rig = new()
    assert ask(core, claim("k1"))["by"] == "the controller"
    for key in (None, "k2"):
        refused = ask(core, {**MOVE, **({"key": key} if key else {})})
        assert refused["code"] == "claimed"
        assert refused["reason"].startswith("it is claimed by the controller: wait until that has released it")
    assert rig.state["counter"] == 0
    assert ask(core, {**MOVE, "key": "k1"})["reply"] == "ack"
    assert ask(core, {"id": "s", "op": "stop"})["stopped"] == MOVE["id"]
    assert ask(core, {"id": "h", "op": "hello"})["reply"] == "ok"


def test_a_claim_can_be_made_again_and_released_by_its_key_alone() -> None:
    core, _ = new()
    assert ask(core, claim(None))["code"] == "bad_args"
    for key, reply in (("k1", "ok"), ("k1", "ok"), ("k2", "refused")):
        assert ask(core, claim(key))["reply"] == reply
    release = {"id": "r", "op": "release"}
    assert ask(core, release)["code"] == "claimed"
    assert ask(core, {**release, "key": "k1"})["reply"] == "ok"
    assert ask(core, MOVE)["reply"] == "ack"


def test_a_claim_ends_with_the_power() -> None:
    core, rig = new()
    ask(core, claim("k1"))
    settings = Settings("arm", rig.clock, rig.store, BENCH.seed, BENCH.materials, BENCH.labware)
    again = ArmServer(settings, **BENCH.options).core
    assert ask(again, {**MOVE, "epoch": 2})["reply"] == "ack"
