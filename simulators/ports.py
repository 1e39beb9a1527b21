"""Ports of this machine at which a server that starts in a moment can listen."""

from __future__ import annotations

import secrets
import socket
from contextlib import ExitStack, suppress
from pathlib import Path

__all__ = ["LOOPBACK", "free_ports"]

LOOPBACK = "127.0.0.1"
LOWEST = 10_000
_CLIENTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TRIES = 2_000


def free_ports(number: int) -> tuple[int, ...]:
    """Ports that are free for TCP and UDP, different ones.

    None is of those that the system gives to clients: a server binds its port some time after it was chosen here, and
    meanwhile any connection of any program could have been given it. Which ones is left to chance, so that two
    programs that choose at the same time hardly meet.

    Raises:
        OSError: nothing is free.
    """
    end = _first_of_clients()
    found: list[int] = []
    with ExitStack() as held:
        for _ in range(_TRIES):
            if len(found) == number:
                return tuple(found)
            port = LOWEST + secrets.randbelow(end - LOWEST)
            with ExitStack() as sockets, suppress(OSError):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    sockets.enter_context(socket.socket(type=kind)).bind((LOOPBACK, port))
                found.append(port)
                held.enter_context(sockets.pop_all())  # not given twice
    raise OSError(f"no port from {LOWEST} to {end - 1} is free on {LOOPBACK}")


def _first_of_clients() -> int:
    """The first port that the system gives to clients; as Linux has it by default where it does not say."""
    try:
        first = int(_CLIENTS.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 32_768
    return first if first > 2 * LOWEST else 32_768
