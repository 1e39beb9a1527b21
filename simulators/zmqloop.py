"""The shell that puts a core behind a ZeroMQ ROUTER socket on loopback."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import zmq

from autolab.core.clock import Clock
from autolab.core.errors import InputError
from devices.messages import MAX_MESSAGE
from simulators.power import following
from simulators.process import StopRequest, announce

__all__ = ["MessageCore", "serve_messages"]

POLL_REAL_MS = 10
"""Real milliseconds between two looks at the clock while no message comes."""
_LOOPBACK = re.compile(r"tcp://(127\.0\.0\.1|localhost):(\*|\d{1,5})")


class MessageCore(Protocol):
    """A protocol core that takes messages."""

    def handle(self, message: bytes, now: float, real: float, client: Any = None) -> bytes:
        """Answer one message."""
        ...

    def advance(self, now: float) -> None:
        """Let the lab time pass."""
        ...

    def power(self, on: bool, now: float) -> None:
        """Give power to the actuators, or take it away."""
        ...

    def take_ended(self) -> list[tuple[Any, bytes]]:
        """Clients and messages of the operations that have ended."""
        ...


def serve_messages(core: MessageCore, clock: Clock, at: Mapping[str, Any], power: Path | None) -> None:
    """Serve ``core`` until the process is asked to end.

    Args:
        core: The protocol core.
        clock: Lab time.
        at: ``{"zmq": "tcp://127.0.0.1:*"}``; ``*`` takes a free port.
        power: The relay's power line, see `simulators.base.Settings`.

    Raises:
        InputError: the endpoint is not on loopback, or its port is in use.
    """
    stop = StopRequest()
    endpoint = str(at.get("zmq", "tcp://127.0.0.1:*"))
    if not _LOOPBACK.fullmatch(endpoint):
        raise InputError(f"{endpoint}: a simulator serves on loopback only: write tcp://127.0.0.1:5555, or :* for any")
    with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
        try:
            socket.bind(endpoint.replace("localhost", "127.0.0.1"))
        except zmq.ZMQError as error:
            raise InputError(f"{endpoint}: cannot be bound: {error.strerror}: stop what listens there") from None
        lock = threading.Lock()

        def switch(on: bool) -> None:
            with lock:
                core.power(on, clock.now())

        with following(power, switch):
            announce({"zmq": socket.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")})
            _serve(core, clock, socket, stop, lock)


def _serve(core: MessageCore, clock: Clock, socket: zmq.Socket[bytes], stop: StopRequest, lock: threading.Lock) -> None:
    while not stop.is_set():
        readable = socket.poll(POLL_REAL_MS)
        with lock:
            core.advance(clock.now())
            for envelope, message in core.take_ended():
                _send(socket, [*envelope, message])
            if readable:
                *envelope, message = socket.recv_multipart()
                _send(socket, [*envelope, core.handle(message, clock.now(), clock.real(), envelope)])


def _send(socket: zmq.Socket[bytes], frames: list[bytes]) -> None:
    try:
        socket.send_multipart(frames, zmq.DONTWAIT)
    except zmq.ZMQError:
        return  # the client is gone; what became of its operation can be asked
