"""A link to an instrument that takes ZeroMQ messages: nothing is queued for a peer that is not there."""

from __future__ import annotations

import threading
from typing import Protocol

import zmq

from autolab.core.addresses import Address, MemoryAddress, ZmqAddress
from autolab.core.clock import Clock
from autolab.core.errors import DeviceTimeoutError, InputError, NotConnectedError, WireError
from devices.messages import MAX_MESSAGE, Reply, Request

__all__ = ["Link", "MemoryLink", "SocketLink", "link_to"]

REPLY_REAL_S = 1.0
"""Real seconds to wait for a reply."""


class Link(Protocol):
    """A transport of messages; one request is in flight at a time."""

    def open(self) -> None:
        """Open it, if it is not open."""
        ...

    def real(self) -> float:
        """Real seconds on the controller's side, to relate to the instrument's clock."""
        ...

    def ask(self, request: Request) -> Reply:
        """Send a request and wait for its reply.

        Raises:
            NotConnectedError: no instrument is connected, and nothing was sent.
            DeviceTimeoutError: it was sent, and no reply came in time.
            WireError: the reply breaks the protocol.
        """
        ...

    def close(self) -> None:
        """Close it. Idempotent."""
        ...


class SocketLink:
    """A DEALER socket. Sockets are not thread-safe: a lock owns it, and holds it for one request and reply.

    Args:
        at: The endpoint.
        clock: For the real time of timeouts.
        where: The device and its address, for messages.
    """

    def __init__(self, at: ZmqAddress, clock: Clock, where: str) -> None:
        self._at, self._clock, self._where = at, clock, where
        self._lock = threading.Lock()
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._socket: zmq.Socket[bytes] | None = None

    def open(self) -> None:
        with self._lock:
            if self._socket is not None:
                return
            self._context = zmq.Context()
            socket = self._context.socket(zmq.DEALER)
            socket.setsockopt(zmq.LINGER, 0)  # closing never waits for a dead peer
            socket.setsockopt(zmq.IMMEDIATE, 1)  # nothing is queued for a peer that is not connected
            socket.setsockopt(zmq.SNDTIMEO, int(REPLY_REAL_S * 1000))
            socket.setsockopt(zmq.RECONNECT_IVL, 50)
            socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
            socket.setsockopt(zmq.MAXMSGSIZE, 16 * MAX_MESSAGE)
            self._socket = socket
            try:
                socket.connect(self._at.endpoint)
            except zmq.ZMQError as error:
                self._shut()
                raise NotConnectedError(
                    f"{self._where}: not an endpoint that can be reached ({error.strerror}): "
                    "write tcp://HOST:PORT in the lab file"
                ) from None

    def real(self) -> float:
        return self._clock.real()

    def ask(self, request: Request) -> Reply:
        with self._lock:
            socket = self._socket
            if socket is None:
                raise NotConnectedError(f"{self._where}: the link is closed: connect first")
            try:
                socket.send(request.to_bytes())
            except zmq.ZMQError as error:
                raise NotConnectedError(
                    f"{self._where}: nothing was sent, for nobody is connected ({error.strerror}): is it switched on?"
                ) from None
            return self._reply(socket, request)

    def close(self) -> None:
        with self._lock:
            self._shut()

    def _reply(self, socket: zmq.Socket[bytes], request: Request) -> Reply:
        """The reply to a request; what instruments say by themselves, and late replies, are passed over."""
        deadline = self._clock.real() + REPLY_REAL_S
        while True:
            remaining_ms = int((deadline - self._clock.real()) * 1000)
            if remaining_ms < 0 or not socket.poll(remaining_ms):
                raise DeviceTimeoutError(
                    f"{self._where}: no reply to {request.op!r} within {REPLY_REAL_S:g} s: "
                    "is the instrument switched on, and not hung?"
                )
            try:
                reply = Reply.from_bytes(socket.recv())
            except WireError as error:
                raise WireError(f"{self._where}: {error}") from None
            if reply.id in (request.id, ""):
                return reply

    def _shut(self) -> None:
        socket, context = self._socket, self._context
        self._socket = self._context = None
        if socket is not None:
            socket.close(linger=0)
        if context is not None:
            context.term()


class MemoryLink:
    """A link to a core in the same process, where no real time passes.

    Args:
        at: The core; it has ``handle(message, now, real)`` and ``take_ended()``.
        clock: Lab time for the core.
    """

    def __init__(self, at: MemoryAddress, clock: Clock) -> None:
        self._core, self._clock = at.core, clock

    def open(self) -> None:
        return

    def real(self) -> float:
        return 0.0

    def ask(self, request: Request) -> Reply:
        reply = self._core.handle(request.to_bytes(), self._clock.now(), self.real())
        self._core.take_ended()
        return Reply.from_bytes(reply)

    def close(self) -> None:
        return


def link_to(at: Address, clock: Clock, device: str) -> Link:
    """The link to a device at an address.

    Raises:
        InputError: it is no ZeroMQ address.
    """
    if isinstance(at, ZmqAddress):
        return SocketLink(at, clock, f"{device} ({at})")
    if isinstance(at, MemoryAddress):
        return MemoryLink(at, clock)
    raise InputError(f"{device}: needs an address such as {{zmq: tcp://127.0.0.1:5555}}, not {at}")
