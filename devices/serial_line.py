"""A serial line that carries frames: one request in flight, strict checks, and no blind repetition."""

from __future__ import annotations

import termios
import threading
from collections.abc import Callable
from typing import Protocol

import serial

from autolab.core.addresses import Address, MemoryAddress, SerialAddress
from autolab.core.clock import Clock
from autolab.core.errors import (
    CommandRefusedError,
    DeviceError,
    DeviceTimeoutError,
    InputError,
    NotConnectedError,
    WireError,
)
from devices.frames import MAX_LINE, ErrorCode, Frame, decode, encode

__all__ = ["FramedLine", "Line", "MemoryLine", "PortLine", "framed_line"]

REPLY_REAL_S = 1.0
"""Real seconds to wait for a reply: far longer than any instrument of this protocol takes."""
TRIES = 3
"""How often a query is asked at most; an action is never repeated here."""
_LINE_ERRORS = (serial.SerialException, OSError, termios.error)  # the last is no OSError, though it says so
_GARBLED = (ErrorCode.CHECKSUM, ErrorCode.SYNTAX, ErrorCode.LINE_TOO_LONG)


class Line(Protocol):
    """A transport of lines."""

    def open(self) -> bool:
        """Open it, if it is not open. True where it was not.

        Raises:
            NotConnectedError: it cannot be opened, or another program holds it.
        """
        ...

    def send(self, line: bytes) -> None:
        """Forget what came before, and send one line."""
        ...

    def receive(self, timeout_s: float) -> bytes:
        """The next line with its end; empty where none came in so many real seconds."""
        ...

    def close(self) -> None:
        """Close it. Idempotent."""
        ...


class PortLine:
    """A serial port, for ourselves alone.

    Args:
        at: The port, a device file or a pyserial URL.
        where: The device and its address, for messages.
    """

    def __init__(self, at: SerialAddress, where: str) -> None:
        self._at, self._where = at, where
        self._port: serial.Serial | None = None

    def open(self) -> bool:
        if self._port is not None:
            return False
        try:
            self._port = serial.serial_for_url(
                self._at.port, self._at.baudrate, timeout=REPLY_REAL_S, write_timeout=REPLY_REAL_S, exclusive=True
            )
        except (*_LINE_ERRORS, ValueError) as error:
            raise NotConnectedError(
                f"{self._where}: the line cannot be opened ({error}): is the instrument plugged in, "
                "and does no other program use it?"
            ) from error
        return True

    def send(self, line: bytes) -> None:
        try:
            self._opened().reset_input_buffer()
            self._opened().write(line)
        except _LINE_ERRORS as error:
            raise self._lost(error) from error

    def receive(self, timeout_s: float) -> bytes:
        port = self._opened()
        try:
            port.timeout = timeout_s
            return port.read_until(b"\n", MAX_LINE)
        except _LINE_ERRORS as error:
            raise self._lost(error) from error

    def close(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            port.close()

    def _opened(self) -> serial.Serial:
        if self._port is None:
            raise NotConnectedError(f"{self._where}: the line is closed: connect first")
        return self._port

    def _lost(self, error: Exception) -> NotConnectedError:
        """A line that failed is opened anew at the next request: an instrument may have been restarted."""
        self.close()
        return NotConnectedError(f"{self._where}: the line failed ({error}): look at cable and instrument")


class MemoryLine:
    """A line to a core in the same process.

    Args:
        at: The core; it has ``feed(data, now)``.
        clock: Lab time for the core.
    """

    def __init__(self, at: MemoryAddress, clock: Clock) -> None:
        self._core, self._clock = at.core, clock
        self._reply = b""

    def open(self) -> bool:
        return False

    def send(self, line: bytes) -> None:
        self._reply = self._core.feed(line, self._clock.now())

    def receive(self, timeout_s: float) -> bytes:  # noqa: ARG002 (what is not there will not come)
        line, newline, self._reply = self._reply.partition(b"\n")
        return line + newline

    def close(self) -> None:
        return


class FramedLine:
    """Asks and tells an instrument by frames.

    Args:
        line: The transport.
        clock: For the real time of timeouts.
        where: The device and its address, for messages.
        permit: Raises for a command that the device may not send; it sees each one as it goes out.
    """

    def __init__(self, line: Line, clock: Clock, where: str, permit: Callable[[str], None]) -> None:
        self._line, self._clock, self._where, self._permit = line, clock, where, permit
        self._lock = threading.Lock()
        self._sequence = 0
        self._known: tuple[str, str] | None = None

    def open(self) -> None:
        """Open the line."""
        with self._lock:
            self._line.open()

    def close(self) -> None:
        """Close the line, and forget who was there. Idempotent."""
        with self._lock:
            self._known = None
            self._line.close()

    def recognise(self, query: str) -> str:
        """Ask who is there. Where the line is opened anew from here on, nobody else is told anything.

        Returns:
            What follows ``OK``.

        Raises:
            DeviceError: as of `ask`.
        """
        answer = self.ask(query)
        self._known = (query, answer)
        return answer

    def ask(self, query: str) -> str:
        """Ask what changes nothing, up to three times.

        Returns:
            What follows ``OK``.

        Raises:
            CommandRefusedError: the instrument answers with an error.
            WireError: no answer was a proper frame.
            DeviceTimeoutError: no answer came.
            NotConnectedError: the line is gone.
        """
        errors: list[DeviceError] = []
        for _ in range(TRIES):
            try:
                return self.tell(query)
            except (WireError, DeviceTimeoutError, NotConnectedError) as error:
                errors.append(error)
        raise errors[-1]

    def tell(self, command: str) -> str:
        """Send a command once. After any error but `CommandRefusedError` it may or may not have been executed.

        Returns:
            What follows ``OK``.

        Raises:
            EnvelopeError: the device does not permit it, and nothing was sent.
            CommandRefusedError: the instrument refuses it, and nothing has moved.
            WireError: the request or its reply was garbled.
            DeviceTimeoutError: no reply came in time.
            NotConnectedError: the line is gone, or another instrument is on it now.
        """
        self._permit(command)
        with self._lock:
            if self._line.open() and self._known is not None:
                self._refuse_a_stranger(*self._known)
            body = self._exchange(command)
        verdict, _, words = body.partition(" ")
        if verdict == "OK":
            return words
        code, _, reason = words.partition(" ")
        if verdict != "ERR" or not code.isdigit():
            raise WireError(f"{self._where}: {body!r} answers {command!r}, and is neither OK nor ERR with a code")
        if int(code) in _GARBLED:
            raise WireError(f"{self._where}: {command!r} arrived garbled ({reason}): look at the cable")
        raise CommandRefusedError(f"{self._where}: refused {command!r}: {reason} (error {code})")

    def _exchange(self, command: str) -> str:
        self._sequence = (self._sequence + 1) % 0x10000
        self._line.send(encode(Frame(">", self._sequence, command)))
        return self._reply(command)

    def _refuse_a_stranger(self, query: str, known: str) -> None:
        """A line that was opened anew may lead to another instrument: device files change their meaning."""
        try:
            answer = self._exchange(query)
        except DeviceError:
            self._line.close()
            raise
        if answer != f"OK {known}":
            self._line.close()
            raise NotConnectedError(
                f"{self._where}: another instrument answers since the line was opened anew ({answer!r}, before "
                f"{known!r}): look at the cabling"
            )

    def _reply(self, command: str) -> str:
        """The body of the reply to the request just sent; late replies to earlier ones are passed over."""
        deadline = self._clock.real() + REPLY_REAL_S
        while True:
            line = self._line.receive(max(deadline - self._clock.real(), 0.0))
            if not line.endswith(b"\n"):
                raise DeviceTimeoutError(
                    f"{self._where}: no whole reply to {command!r} within {REPLY_REAL_S:g} s"
                    f"{f', only {line!r}' if line else ''}: is the instrument switched on?"
                )
            try:
                frame = decode(line)
            except WireError as error:
                raise WireError(f"{self._where}: the reply to {command!r} is {error}") from None
            if frame.direction == "<" and frame.sequence == self._sequence:
                return frame.body


def framed_line(at: Address, clock: Clock, device: str, permit: Callable[[str], None]) -> FramedLine:
    """The line to a device at an address, see `FramedLine`.

    Raises:
        InputError: it is no serial address.
    """
    where = f"{device} ({at})"
    if isinstance(at, SerialAddress):
        line: Line = PortLine(at, where)
    elif isinstance(at, MemoryAddress):
        line = MemoryLine(at, clock)
    else:
        raise InputError(f"{device}: needs an address such as {{serial: /dev/ttyUSB0}}, not {at}")
    return FramedLine(line, clock, where, permit)
