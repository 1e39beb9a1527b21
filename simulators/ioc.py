"""The shell that puts a core behind Channel Access: a softioc IOC on loopback, in a process of its own."""

from __future__ import annotations

import os
import pwd
import queue
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from autolab.core.errors import InputError
from simulators.base import Settings
from simulators.ports import LOOPBACK, free_ports
from simulators.power import following
from simulators.process import StopRequest, announce
from simulators.pvs import ARMED, Pv, PvCore, Reading

__all__ = ["serve_pvs", "server_environment"]

TICK_S = 0.02
"""Real seconds between two publications."""
BEAT_S = 0.2
"""Real seconds between two heartbeats."""
START_S = 10.0
"""Real seconds after which the server must answer."""

Put = tuple[str, Any, Callable[[], None]]
"""A put that came over the wire: name, value, and what answers a put with completion."""


def server_environment(port: int) -> dict[str, str]:
    """The environment variables that keep an IOC on loopback, at one port. EPICS reads them once, at its start."""
    return {
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_ADDR_LIST": LOOPBACK,
        "EPICS_CA_SERVER_PORT": str(port),
        "EPICS_CAS_SERVER_PORT": str(port),
        "EPICS_CAS_INTF_ADDR_LIST": LOOPBACK,
        "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
        "EPICS_CAS_BEACON_ADDR_LIST": LOOPBACK,
    }


def serve_pvs(
    core: PvCore, settings: Settings, at: Mapping[str, Any], *, each_tick: Callable[[float], None] | None = None
) -> None:
    """Serve a core over Channel Access until the process is asked to end.

    Args:
        core: The core.
        settings: The clock on which the core lives.
        at: ``{"epics": PREFIX, "port": N}``; port 0 or none takes a free one.
        each_tick: Called with the lab time a few times in a second, for what the core keeps up by itself.

    Raises:
        InputError: the address is none, or its port is in use.
    """
    prefix = at.get("epics")
    if not isinstance(prefix, str) or not prefix:
        raise InputError(f"{settings.device}: an EPICS simulator needs 'epics: PREFIX' to serve at, not {dict(at)!r}")
    port = _port(settings.device, prefix, int(at.get("port") or 0))
    os.environ.update(server_environment(port))
    stop = StopRequest()
    if settings.takes_forces:
        core.take_forces()
    if settings.power is not None:
        core.power(False, settings.clock.now())  # before the first client can ask
    with _standard_output_for_us():  # the IOC prints its banner there, and readers wait for our line
        records, puts = _start(core, settings, prefix)
        _wait_until_it_answers(settings, port)
    with following(settings.power, lambda on: core.power(on, settings.clock.now())):
        announce({"epics": prefix, "port": port})
        _Shell(core, settings, records, puts).run(stop, each_tick)


class _Shell:
    """One loop on one thread: puts in the order of their arrival, publication, answers to puts with completion."""

    def __init__(self, core: PvCore, settings: Settings, records: Mapping[str, Any], puts: queue.Queue[Put]) -> None:
        self._core, self._clock, self._records, self._puts = core, settings.clock, records, puts
        self._published: dict[str, Reading] = {}
        self._waiting: list[Callable[[], None]] = []

    def run(self, stop: StopRequest, each_tick: Callable[[float], None] | None) -> None:
        beat = 0.0
        while not stop.is_set():
            self._take_puts()
            if self._clock.real() >= beat:
                beat = self._clock.real() + BEAT_S
                self._core.beat()
                if each_tick is not None:
                    each_tick(self._clock.now())
            self._publish()
            self._answer()

    def _take_puts(self) -> None:
        try:
            put = self._puts.get(timeout=TICK_S)
            while True:
                name, value, answer = put
                self._core.write(name, value, self._clock.now())
                self._published.pop(name, None)  # the record holds what was put; publish what is in force
                self._waiting.append(answer)
                put = self._puts.get_nowait()
        except queue.Empty:
            return

    def _publish(self) -> None:
        now = self._clock.now()
        for name, record in self._records.items():
            reading = self._core.read(name, now)
            if _same(reading, self._published.get(name)):
                continue
            self._published[name] = reading
            if self._core.pvs[name].writable:
                record.set(reading.value, process=False)
            else:
                record.set(reading.value, severity=int(reading.severity), alarm=7 if reading.severity else 0)

    def _answer(self) -> None:
        if self._waiting and not self._core.is_busy(self._clock.now()):
            self._publish()  # whoever is answered finds the end published
            for answer in self._waiting:
                answer()
            self._waiting.clear()


def _same(reading: Reading, published: Reading | None) -> bool:
    if published is None or reading.severity != published.severity:
        return False
    if hasattr(reading.value, "tobytes"):
        return reading.value.tobytes() == published.value.tobytes()  # also where both are NaN
    return reading.value == published.value


def _start(core: PvCore, settings: Settings, prefix: str) -> tuple[dict[str, Any], queue.Queue[Put]]:
    from softioc import builder, softioc  # reads the environment, so not before it is set

    puts: queue.Queue[Put] = queue.Queue()

    def dispatch(
        func: Callable[..., Any],
        func_args: tuple[Any, ...] = (),
        completion: Callable[..., None] | None = None,
        completion_args: tuple[Any, ...] = (),
    ) -> None:
        name, value = func(*func_args)
        puts.put((name, value, lambda: completion(*completion_args) if completion else None))

    builder.SetDeviceName(prefix.rstrip(":"))
    now = settings.clock.now()
    records = {pv.name: _record(builder, pv, core.read(pv.name, now)) for pv in core.pvs.values()}
    builder.LoadDatabase()
    with _access_rules(prefix):
        softioc.iocInit(dispatch, enable_pva=False)
    return records, puts


ACCESS = """\
UAG(controllers) {{{account}}}
ASG(DEFAULT) {{ RULE(1, READ) RULE(1, WRITE) }}
ASG(ARMING) {{ RULE(1, READ) RULE(1, WRITE) {{ UAG(controllers) }} }}
ASG(GUARDED) {{
    INPA("{armed}")
    RULE(1, READ)
    RULE(1, WRITE) {{ CALC("A=0") }}
    RULE(1, WRITE) {{ UAG(controllers) }}
}}
"""
"""The access rules of an IOC. Clients say themselves who they are: this keeps mistakes out, not attackers."""


@contextmanager
def _access_rules(prefix: str) -> Iterator[None]:
    """The rules by which the IOC that starts meanwhile lets nobody but the account of this process write when armed."""
    from softioc.imports import dbCore  # the database library that softioc has loaded

    rules = ACCESS.format(account=pwd.getpwuid(os.getuid()).pw_name, armed=f"{prefix.rstrip(':')}:{ARMED.name}")
    with tempfile.NamedTemporaryFile("w", suffix=".acf") as file:
        file.write(rules)
        file.flush()
        dbCore.asSetFilename(file.name.encode())
        yield


def _group(pv: Pv) -> str:
    """The access security group of a process variable."""
    if pv is ARMED:
        return "ARMING"
    return "DEFAULT" if pv.always or not pv.writable else "GUARDED"


def _record(builder: Any, pv: Pv, reading: Reading) -> Any:
    """The EPICS record of one process variable."""
    fields: dict[str, Any] = {"DESC": pv.meaning[:40], "DISP": int(not pv.writable), "ASG": _group(pv)}  # DISP: no puts
    if pv.kind in ("number", "integer"):
        fields |= {"EGU": pv.unit}
        if pv.lower is not None and pv.upper is not None:
            fields |= {"LOPR": pv.lower, "HOPR": pv.upper}
            if pv.writable:
                fields |= {"DRVL": pv.lower, "DRVH": pv.upper}
    if pv.kind == "number":
        fields |= {"PREC": pv.precision}
    if pv.kind == "array":
        return builder.WaveformIn(pv.name, initial_value=reading.value, EGU=pv.unit, PREC=6, **fields)
    if pv.writable:
        fields |= {
            "on_update": lambda value, name=pv.name: (name, value),
            "always_update": True,
            "blocking": pv.completes,
        }
    makers: Mapping[str, tuple[Any, Any]] = {
        "number": (builder.aIn, builder.aOut),
        "integer": (builder.longIn, builder.longOut),
        "switch": (builder.boolIn, builder.boolOut),
        "choice": (builder.mbbIn, builder.mbbOut),
        "text": (builder.stringIn, builder.stringOut),
    }
    make = makers[pv.kind][pv.writable]
    return make(pv.name, *pv.choices, initial_value=reading.value, **fields)


@contextmanager
def _standard_output_for_us() -> Iterator[None]:
    """Send what C code prints on standard output to standard error meanwhile."""
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _port(device: str, prefix: str, port: int) -> int:
    """The given port where it is free for TCP and UDP; any free one where it is 0."""
    if not port:
        return free_ports(1)[0]
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
        try:
            tcp.bind((LOOPBACK, port))
            udp.bind((LOOPBACK, port))
        except OSError as error:
            raise InputError(
                f"{device}: port {port} for epics {prefix} is in use: stop what listens there, or give another port"
            ) from error
    return port


def _wait_until_it_answers(settings: Settings, port: int) -> None:
    end = settings.clock.real() + START_S
    while settings.clock.real() < end:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.settimeout(0.2)
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        settings.clock.sleep(0.01 * settings.clock.factor)
    raise InputError(f"{settings.device}: the EPICS server did not answer at port {port} within {START_S:g} s")
