"""The simulated dispenser: its serial protocol without I/O, and the shell that puts it behind a pseudo-terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autolab.core.errors import InputError, WireError
from autolab.core.operations import OperationId
from devices.frames import MAX_LINE, ErrorCode, Frame, decode, encode, plain_fields
from simulators.base import Settings, Store
from simulators.bench import NOZZLE_HEAD_MM, leave_labware
from simulators.ptyline import serve_powered_line
from simulators.syringes import Refusal, SyringeLimits, Syringes

__all__ = ["DispenserCore", "DispenserServer"]

MODEL = "AD-4"
PROTOCOL = 1
_LINE_END = re.compile(rb"[\r\n]")
_HELP = "IDN? LIM? STAT? COUNT? OPID?_<id> STOP and in frames DISP_<channel>_<volume_nL>_<id> MIX_<ms>_<id>"


class DispenserCore:
    """The protocol of docs/reference/dispenser-protocol.md, bytes in and bytes out.

    Args:
        syringes: The machine that it commands.
    """

    def __init__(self, syringes: Syringes) -> None:
        self.syringes = syringes
        self._buffer = b""
        self._is_skipping = False
        self._queries: Mapping[str, tuple[int, Callable[[list[str]], str]]] = {
            "IDN?": (0, lambda _: self._identity()),
            "LIM?": (0, lambda _: self._limits()),
            "STAT?": (0, lambda _: self._status()),
            "COUNT?": (0, lambda _: plain_fields(counter=syringes.counter)),
            "OPID?": (1, self._operation),
            "HELP?": (0, lambda _: _HELP),
        }
        self._actions: Mapping[str, tuple[int, Callable[[list[str], float], str]]] = {
            "DISP": (3, self._dispense),
            "MIX": (2, self._mix),
            "STOP": (0, self._stop),
        }

    def feed(self, data: bytes, now: float) -> bytes:
        """Take bytes from the line and give those that answer them.

        Args:
            data: Whatever came, in pieces of any size.
            now: Lab time in seconds.
        """
        self.syringes.advance(now)
        self._buffer += data
        *lines, self._buffer = _LINE_END.split(self._buffer)
        replies = [self._line(line, now) for line in lines]
        if len(self._buffer) > MAX_LINE:  # no end in sight: skip to it
            self._buffer, self._is_skipping = b"", True
        return b"".join(replies)

    def advance(self, now: float) -> None:
        """Let the time pass."""
        self.syringes.advance(now)

    def power(self, on: bool, now: float) -> None:
        """Give power to the syringes, or take it away, see `Syringes.power`."""
        self.syringes.power(on, now)

    def due(self) -> float | None:
        """Lab time at which something happens by itself."""
        return self.syringes.due()

    def _line(self, line: bytes, now: float) -> bytes:
        if self._is_skipping or len(line) > MAX_LINE:
            self._is_skipping = False
            return _plain(_error(ErrorCode.LINE_TOO_LONG, f"longest={MAX_LINE}"))
        if not line.strip():
            return b""
        if not line.startswith(b">"):
            return self._typed(line, now)
        try:
            frame = decode(line)
        except WireError as error:
            code = ErrorCode.CHECKSUM if "checksum" in str(error) else ErrorCode.SYNTAX
            return encode(Frame("<", _sequence(line), _error(code, "")))
        return encode(Frame("<", frame.sequence, self._execute(frame.body.split(), now)))

    def _typed(self, line: bytes, now: float) -> bytes:
        """A line that a person typed: queries and STOP only, without checksum, in any case of letters."""
        try:
            words = line.decode("ascii").split()
        except UnicodeDecodeError:
            return _plain(_error(ErrorCode.SYNTAX, ""))
        verb = words[0].upper()
        if verb in self._actions and verb != "STOP":
            return _plain(_error(ErrorCode.FRAME_NEEDED, "actions-need-sequence-and-checksum"))
        return _plain(self._execute([verb, *words[1:]], now))

    def _execute(self, words: list[str], now: float) -> str:
        verb, arguments = (words[0], words[1:]) if words else ("", [])
        try:
            if verb in self._queries:
                count, query = self._queries[verb]
                _expect(arguments, count)
                return f"OK {query(arguments)}"
            if verb in self._actions:
                count, action = self._actions[verb]
                _expect(arguments, count)
                return f"OK {action(arguments, now)}"
        except Refusal as refusal:
            return _error(refusal.code, refusal.words)
        return _error(ErrorCode.UNKNOWN_COMMAND, "try=HELP?")

    def _identity(self) -> str:
        return plain_fields(
            model=MODEL,
            serial=self.syringes.serial_number,
            simulated=1,
            protocol=PROTOCOL,
            channels=self.syringes.n_channels,
        )

    def _limits(self) -> str:
        limits = self.syringes.limits
        return plain_fields(
            min_nl=limits.min_nl,
            max_nl=limits.max_nl,
            min_mix_ms=limits.min_mix_ms,
            max_mix_ms=limits.max_mix_ms,
            flow_nl_per_s=limits.flow_nl_per_s,
        )

    def _status(self) -> str:
        running = self.syringes.running
        return plain_fields(
            state="IDLE" if running is None else "BUSY",
            operation=running or "-",
            counter=self.syringes.counter,
            power="ON" if self.syringes.has_power else "OFF",
        )

    def _operation(self, arguments: list[str]) -> str:
        known = self.syringes.operation(arguments[0])
        return plain_fields(state="UNKNOWN") if known is None else _record(known)

    def _dispense(self, arguments: list[str], now: float) -> str:
        channel, volume_nl = _whole(arguments[0]), _whole(arguments[1])
        record, is_duplicate = self.syringes.dispense(channel, volume_nl, _operation_id(arguments[2]), now)
        return f"{_record(record)} {plain_fields(duplicate=int(is_duplicate))}"

    def _mix(self, arguments: list[str], now: float) -> str:
        record, is_duplicate = self.syringes.mix(_whole(arguments[0]), _operation_id(arguments[1]), now)
        return f"{_record(record)} {plain_fields(duplicate=int(is_duplicate))}"

    def _stop(self, _: list[str], now: float) -> str:
        self.syringes.stop(now)
        return plain_fields(state="IDLE")


class DispenserServer:
    """A four-channel syringe dispenser on a serial line.

    Args:
        settings: What the simulator is told.
        channels: The liquid in each channel, from channel 1.
        stage: Name of the stage on the bench.
        arm: Name of the arm on the bench.
        flow_ul_per_s: Flow in microlitres per lab second.
        well_capacity_ul: Volume that a well holds.

    Raises:
        InputError: no channel or more than four, or a flow or a capacity that is not above zero.
    """

    @staticmethod
    def set_the_scene(store: Store, labware: str) -> None:
        """Put an empty well under the nozzle, on a bench on which nothing else runs."""
        leave_labware(store, labware, NOZZLE_HEAD_MM)

    without_power = "stops in the middle of the stroke; what is out is out, and the operation has failed as interrupted"

    def __init__(
        self,
        settings: Settings,
        *,
        channels: Sequence[str],
        stage: str = "stage",
        arm: str = "arm",
        flow_ul_per_s: float = 50.0,
        well_capacity_ul: float = 400.0,
    ) -> None:
        if not 1 <= len(channels) <= 4 or len(set(channels)) < len(channels):
            raise InputError(f"{settings.device}: channels names one to four different liquids, not {list(channels)}")
        for name, value in (("flow_ul_per_s", flow_ul_per_s), ("well_capacity_ul", well_capacity_ul)):
            if not 0 < value < float("inf"):
                raise InputError(f"{settings.device}: {name} must be a finite number above zero, not {value!r}")
        self._settings = settings
        syringes = Syringes(
            settings,
            liquids=channels,
            limits=SyringeLimits(flow_nl_per_s=round(flow_ul_per_s * 1000)),
            stage=stage,
            arm=arm,
            well_capacity_ul=well_capacity_ul,
        )
        self.core = DispenserCore(syringes)

    def serve(self, at: Mapping[str, Any]) -> None:
        """Serve behind a pseudo-terminal, see `simulators.base.Simulator.serve`."""
        serve_powered_line(self.core, self._settings.clock, at, self._settings.power)


def _record(record: Mapping[str, Any]) -> str:
    unit = "volume_nl" if record["command"].startswith("DISP") else "mixed_ms"
    words = f"state={record['state']} {unit}={record['done']}"
    return words if record["code"] == 0 else f"{words} code={record['code']} reason={ErrorCode(record['code']).name}"


def _error(code: ErrorCode, words: str) -> str:
    return f"ERR {int(code)} {code.name} {words}".rstrip()


def _plain(body: str) -> bytes:
    return body.encode("ascii") + b"\r\n"


def _sequence(line: bytes) -> int:
    """The sequence number of a broken frame as far as it can be read, else 0."""
    match = re.match(rb">([0-9A-F]{4}) ", line)
    return int(match.group(1), 16) if match else 0


def _expect(arguments: list[str], count: int) -> None:
    if len(arguments) != count:
        raise Refusal(ErrorCode.BAD_ARGUMENT, f"arguments={len(arguments)} needed={count}")


def _whole(word: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", word):
        raise Refusal(ErrorCode.BAD_ARGUMENT, "needed=a-whole-number")
    return int(word)


def _operation_id(word: str) -> str:
    try:
        return str(OperationId.parse(word))
    except InputError:
        raise Refusal(ErrorCode.BAD_ARGUMENT, "needed=an-operation-id") from None
