"""One map of Channel Access ports for each test process.

EPICS reads its environment once in a process, when its first context is made, which importing ophyd does. So the ports
of all IOCs that this process may ever talk to are fixed here, and this module is imported before ophyd or pyepics.
"""

from __future__ import annotations

import atexit
import os
import socket
import sys

from simulators.ports import LOOPBACK, free_ports

N_PORTS = 8

if "epics" in sys.modules and "EPICS_CA_ADDR_LIST" not in os.environ:
    raise RuntimeError("tests/epics_env.py must be imported before ophyd or pyepics: see conftest.py")

PORTS = free_ports(N_PORTS)
"""Ports at which a test may start an IOC; each test module says which it takes."""


def _kept(port: int) -> socket.socket:
    """Keep a port from being given to anybody else; an IOC, which asks for an address again, may listen at it."""
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind((LOOPBACK, port))
    return place


for each in PORTS:
    atexit.register(_kept(each).close)

os.environ["EPICS_CA_AUTO_ADDR_LIST"] = "NO"
os.environ["EPICS_CA_ADDR_LIST"] = " ".join(f"{LOOPBACK}:{port}" for port in PORTS)
os.environ["EPICS_CA_REPEATER_PORT"] = str(free_ports(1)[0])

import epicscorelibs.path.pyepics  # noqa: E402, F401 (the EPICS library, as ophyd chooses it)
