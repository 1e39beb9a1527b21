"""The replay lab under kill: one ZeroMQ instrument that answers from a table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import zmq

from autolab.journal.records import IntentRecord, TrialRecord
from benchmarks.killlab import Account, KillLab, Simulators

__all__ = ["REPLAY", "ask_zmq"]

HERE = Path(__file__).resolve().parent


def ask_zmq(address: str, op: str, **args: Any) -> dict[str, Any]:
    """Ask an instrument over a bare socket, as the protocol's page describes it."""
    socket = zmq.Context.instance().socket(zmq.REQ)
    try:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVTIMEO, 10_000)
        socket.connect(address)
        socket.send_json({"id": "judge", "op": op, "args": args})
        return dict(socket.recv_json())
    finally:
        socket.close()


def _ask(simulators: Simulators, device: str, operation: str) -> str:
    return ask_zmq(simulators.at(device), "query", operation=operation)["state"]


def _account(simulators: Simulators, trials: Sequence[TrialRecord], intents: Sequence[IntentRecord]) -> Account:
    address = simulators.at("instrument")
    contents = json.loads((simulators.folder / "instrument.json").read_text(encoding="utf-8"))
    known = {
        operation: ask_zmq(address, "query", operation=operation)
        for operation in {*contents["operations"], *(intent.operation for intent in intents)}
    }
    done = Counter(operation.split(".")[1] for operation, record in known.items() if record["state"] == "done")
    measured: dict[int, float | None] = {}
    for trial in trials:
        mine = [intent.operation for intent in intents if intent.trial == trial.number]
        results = [known[operation]["result"] for operation in mine if known[operation]["state"] == "done"]
        measured[trial.number] = results[-1]["metrics"]["colour_distance"] if results else None
    return Account(
        states={operation: record["state"] for operation, record in known.items()},
        counted=ask_zmq(address, "status")["counter"],
        measured=measured,
        doubles=[f"trial {trial} was measured to the end {n} times" for trial, n in done.items() if n > 1],
    )


REPLAY = KillLab(
    name="replay",
    write=lambda _: HERE / "kills.yaml",
    lab_file=lambda _: HERE.parent / "examples" / "replay" / "lab.yaml",
    trials=25,
    factor=5.0,  # a measurement takes 0.2 s
    longest_s=1.0,
    ask=_ask,
    account=_account,
    environment={"OPHYD_CONTROL_LAYER": "dummy"},  # no EPICS here, which takes a second to import
)
