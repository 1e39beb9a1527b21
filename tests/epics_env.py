"""One map of Channel Access ports for each test process.

EPICS reads its environment once in a process, when its first context is made, which importing ophyd does. So the ports
of all IOCs that this process may ever talk to are fixed here, and this module is imported before ophyd or pyepics.
"""

from __future__ import annotations

import os
import socket
import sys

LOOPBACK = "127.0.0.1"
N_PORTS = 8


def _free_ports(n: int) -> tuple[int, ...]:
    held: list[socket.socket] = []
    ports: list[int] = []
    while len(ports) < n:
        tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        held += [tcp, udp]
        tcp.bind((LOOPBACK, 0))
        try:
            udp.bind((LOOPBACK, tcp.getsockname()[1]))
        except OSError:
            continue
        ports.append(tcp.getsockname()[1])
    for one in held:
        one.close()
    return tuple(ports)


if "epics" in sys.modules and "EPICS_CA_ADDR_LIST" not in os.environ:
    raise RuntimeError("tests/epics_env.py must be imported before ophyd or pyepics: see conftest.py")

PORTS = _free_ports(N_PORTS)
"""Ports at which a test may start an IOC; each test module says which it takes."""

os.environ["EPICS_CA_AUTO_ADDR_LIST"] = "NO"
os.environ["EPICS_CA_ADDR_LIST"] = " ".join(f"{LOOPBACK}:{port}" for port in PORTS)
os.environ["EPICS_CA_REPEATER_PORT"] = str(_free_ports(1)[0])

import epicscorelibs.path.pyepics  # noqa: E402, F401 (the EPICS library, as ophyd chooses it)
